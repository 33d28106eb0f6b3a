#include "explain.h"

#include <string.h>

void reason_free(void *p)
{
	StlReason *r = p;
	g_free(r->atom);
	g_free(r->signal);
	g_free(r);
}

static StlTruth truth_at(Eval *e, const Node *n, double t)
{
	const Pair *p = eval_truth_of(e, n);
	return truth_between(track_at(p->lo, t).v, track_at(p->hi, t).v);
}

/* Walks over the knots of both sides of a truth. */
typedef struct Steps {
	const Track *side[2];
	size_t at[2];
} Steps;

static Steps steps_from(const Pair *p, double t)
{
	return (Steps){{p->lo, p->hi}, {track_find(p->lo, t), track_find(p->hi, t)}};
}

/* The next knot after t; INF at the end. */
static double step_on(Steps *s, double t)
{
	double next = INF;
	for (int i = 0; i < 2; i++) {
		while (s->at[i] < s->side[i]->n && s->side[i]->k[s->at[i]].t <= t)
			s->at[i]++;
		if (s->at[i] < s->side[i]->n)
			next = MIN(next, s->side[i]->k[s->at[i]].t);
	}
	return next;
}

/* The last knot before t; -INF at the beginning. */
static double step_back(Steps *s, double t)
{
	double next = -INF;
	for (int i = 0; i < 2; i++) {
		while (s->at[i] > 0 && s->side[i]->k[s->at[i]].t >= t)
			s->at[i]--;
		if (s->side[i]->k[s->at[i]].t < t)
			next = MAX(next, s->side[i]->k[s->at[i]].t);
	}
	return next;
}

/* The first time in [from, to] at which `node` has the truth `want`; inside a stretch its middle stands for it. -1: never. */
static double first_time(Eval *e, const Node *node, double from, double to, StlTruth want)
{
	Steps s = steps_from(eval_truth_of(e, node), MAX(from, 0));
	from = MAX(from, 0);
	to = MIN(to, e->end);
	for (double t = from; t <= to;) {
		if (truth_at(e, node, t) == want)
			return t;
		double next = step_on(&s, t), mid = t + (MIN(next, to) - t) / 2;
		if (!e->discrete && mid > t && mid < next && truth_at(e, node, mid) == want)
			return mid;
		t = next;
	}
	return -1;
}

/* The stretch around t on which the node keeps its truth; in dense time with its limits. */
static void stretch_around(Eval *e, const Node *node, double t, double *ret_from, double *ret_to)
{
	const Pair *p = eval_truth_of(e, node);
	StlTruth want = truth_at(e, node, t);
	double from = t, to = t;
	Steps s = steps_from(p, t);
	for (double next; (next = step_on(&s, to)) < INF;) {
		bool there = truth_at(e, node, next) == want;
		if (e->discrete ? !there : truth_at(e, node, to + (next - to) / 2) != want)
			break;
		to = next;
		if (!there)
			break;
	}
	s = steps_from(p, t);
	for (double next; (next = step_back(&s, from)) > -INF;) {
		bool there = truth_at(e, node, next) == want;
		if (e->discrete ? !there : truth_at(e, node, from - (from - next) / 2) != want)
			break;
		from = next;
		if (!there)
			break;
	}
	*ret_from = from;
	*ret_to = to;
}

/* ---- atoms ------------------------------------------------------------------------------------------------------------------ */

/* A signal of the atom that is not there at t, from the series before widening; NULL when all are. */
static const char *missing_signal(Eval *e, const Node *n, double t)
{
	if (n->kind == N_SIGNAL) {
		const char *name = stl_formula_signal(e->f, (size_t)n->name);
		GHashTable *table = e->input->plain ? e->input->plain : e->input->signals;
		StlInput plain = {e->input->start_ns, e->input->end_ns, table, NULL, NULL};
		Eval own = *e;
		own.input = &plain;
		if (!g_hash_table_contains(table, name))
			return name;
		g_auto(Pair) p = eval_raw_signal(&own, n);
		return isinf(track_at(p.lo, t).v) || isinf(track_at(p.hi, t).v) ? name : NULL;
	}
	const char *a = n->a ? missing_signal(e, n->a, n->kind == N_INITIAL ? 0 : t) : NULL;
	return a ? a : n->b ? missing_signal(e, n->b, t) : NULL;
}

static const char *any_signal(const Eval *e, const Node *n)
{
	if (n->kind == N_SIGNAL)
		return stl_formula_signal(e->f, (size_t)n->name);
	const char *a = n->a ? any_signal(e, n->a) : NULL;
	return a ? a : n->b ? any_signal(e, n->b) : NULL;
}

static void add_reason(GPtrArray *reasons, Eval *e, StlBecause because, double from, double to,
		       const Node *atom, const char *signal)
{
	if (reasons->len >= STL_MAX_REASONS)
		return;
	GString *text = g_string_new(NULL);
	node_print(e->f, atom, true, text);
	StlReason *r = g_new0(StlReason, 1);
	*r = (StlReason){because, eval_ns(e, from), eval_ns(e, to), g_string_free(text, FALSE),
			 g_strdup(signal)};
	g_ptr_array_add(reasons, r);
}

static void explain_atom(Eval *e, const Node *n, double t, StlTruth truth, GPtrArray *reasons)
{
	double from, to;
	stretch_around(e, n, t, &from, &to);
	if (truth != STL_UNKNOWN) {
		add_reason(reasons, e, truth == STL_TRUE ? STL_BECAUSE_TRUE : STL_BECAUSE_FALSE,
			   from, to, n, any_signal(e, n));
		return;
	}
	const char *missing = missing_signal(e, n, t);
	add_reason(reasons, e, missing ? STL_BECAUSE_GAP : STL_BECAUSE_ENVELOPE, from, to, n,
		   missing ? missing : any_signal(e, n));
}

/* ---- operators ---------------------------------------------------------------------------------------------------------------- */

/* A sup over [t+from, t+to] of `node`: its witness when true; when false every instant, shown by the first; when unknown the
 * first unknown one, or the end. */
static void explain_over(Eval *e, const Node *op, const Node *node, double t, double from,
			 double to, StlTruth mine, GPtrArray *reasons)
{
	/* of the inner formula, what made the window what it is: an eventually is true by a true instant, an always false by a
	 * false one, and the other way round by all of them */
	double at = first_time(e, node, t + from, isinf(to) ? e->end : t + to, mine);
	if (at >= 0) {
		explain(e, node, at, reasons);
		return;
	}
	if (mine == STL_UNKNOWN && (t + to > e->end || t + from < 0))
		add_reason(reasons, e, STL_BECAUSE_END, MAX(0, MIN(t + from, e->end)), e->end, op,
			   any_signal(e, node));
}

/* ---- one function a kind of operator; mine: the truth of n at t ------------------------------------------------------------- */

static void explain_not(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	(void)mine;
	explain(e, n->a, t, reasons);
}

static void explain_both(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	(void)mine;
	explain(e, n->a, t, reasons);
	explain(e, n->b, t, reasons);
}

/* The side or sides that made it what it is. */
static void explain_sides(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	StlTruth a = truth_at(e, n->a, t), b = truth_at(e, n->b, t);
	if (n->kind == N_IMPLIES)
		a = a == STL_TRUE ? STL_FALSE : a == STL_FALSE ? STL_TRUE : STL_UNKNOWN;
	if (a == mine)
		explain(e, n->a, t, reasons);
	if (b == mine)
		explain(e, n->b, t, reasons);
}

static void explain_temporal(Eval *e, const Node *n, const Node *part, double t, double lo,
			     double hi, StlTruth mine, GPtrArray *reasons)
{
	if (operators[n->kind].time == OP_PAST)
		explain_over(e, n, part, t, isinf(hi) ? -t : -hi, -lo, mine, reasons);
	else
		explain_over(e, n, part, t, lo, hi, mine, reasons);
}

static void explain_window(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	explain_temporal(e, n, n->a, t, eval_ticks(e, n->lo_s), eval_ticks(e, n->hi_s), mine,
			 reasons);
}

static void explain_until(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	double lo = eval_ticks(e, n->lo_s), hi = eval_ticks(e, n->hi_s);
	explain_temporal(e, n, n->b, t, lo, hi, mine, reasons);
	explain_temporal(e, n, n->a, t, 0, hi, mine, reasons);
}

static void explain_since(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	explain_temporal(e, n, n->b, t, eval_ticks(e, n->lo_s), eval_ticks(e, n->hi_s), mine,
			 reasons);
}

void explain(Eval *e, const Node *n, double t, GPtrArray *reasons)
{
	static void (*const explains[N_KINDS])(Eval *, const Node *, double, StlTruth,
					       GPtrArray *) = {
#define OPERATOR(kind, word, strength, class, time, check, eval, explain, row) \
	[kind] = explain_##explain,
#include "operators.def"
#undef OPERATOR
	};
	if (reasons->len < STL_MAX_REASONS)
		explains[n->kind](e, n, t, truth_at(e, n, t), reasons);
}
