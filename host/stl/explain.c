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
	from = MAX(from, 0); /* in discrete time a whole number */
	to = MIN(to, e->end);
	for (double t = from; t <= to;) {
		if (truth_at(e, node, t) == want)
			return t;
		double next = e->discrete ? t + 1 : step_on(&s, t),
		       mid = t + (MIN(next, to) - t) / 2;
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
	while (e->discrete && to < e->end && truth_at(e, node, to + 1) == want)
		to++;
	while (e->discrete && from > 0 && truth_at(e, node, from - 1) == want)
		from--;
	for (double next; !e->discrete && (next = step_on(&s, to)) < INF;) {
		bool there = truth_at(e, node, next) == want;
		if (truth_at(e, node, to + (next - to) / 2) != want)
			break;
		to = next;
		if (!there)
			break;
	}
	s = steps_from(p, t);
	for (double next; !e->discrete && (next = step_back(&s, from)) > -INF;) {
		bool there = truth_at(e, node, next) == want;
		if (truth_at(e, node, from - (from - next) / 2) != want)
			break;
		from = next;
		if (!there)
			break;
	}
	*ret_from = from;
	*ret_to = to;
}

/* ---- atoms ------------------------------------------------------------------------------------------------------------------ */

/* A signal of the atom that is not there somewhere in [from, to], from the series before widening; NULL when all are. */
static const char *missing_signal(Eval *e, const Node *n, double from, double to)
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
		double lo, hi, none;
		from = CLAMP(from, 0, e->end);
		to = CLAMP(to, from, e->end);
		track_range(p.lo, from, to, &lo, &none);
		track_range(p.hi, from, to, &none, &hi);
		return isinf(lo) || isinf(hi) ? name : NULL;
	}
	if (n->kind == N_INITIAL)
		from = to = 0;
	if (operators[n->kind].time == OP_OVER) {
		from += eval_ticks(e, n->lo_s);
		to += eval_ticks(e, n->hi_s);
	}
	const char *a = n->a ? missing_signal(e, n->a, from, to) : NULL;
	return a ? a : n->b ? missing_signal(e, n->b, from, to) : NULL;
}

/* A window over values in the atom that reaches beyond the recording. */
static bool beyond_the_ends(const Eval *e, const Node *n, double t)
{
	if (!n)
		return false;
	double lo = eval_ticks(e, n->lo_s), hi = eval_ticks(e, n->hi_s);
	bool leaves = operators[n->kind].time == OP_OVER &&
		      ((isfinite(lo) && t + lo < 0) || (isfinite(hi) && t + hi > e->end));
	return leaves || beyond_the_ends(e, n->a, t) || beyond_the_ends(e, n->b, t);
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
	from = MAX(from, MIN(e->look_from, t)); /* no further than the formula looks */
	to = MIN(to, MAX(e->look_to, t));
	if (truth != STL_UNKNOWN) {
		add_reason(reasons, e, truth == STL_TRUE ? STL_BECAUSE_TRUE : STL_BECAUSE_FALSE,
			   from, to, n, any_signal(e, n));
		return;
	}
	const char *missing = missing_signal(e, n, t, t);
	StlBecause because = missing                    ? STL_BECAUSE_GAP
			     : beyond_the_ends(e, n, t) ? STL_BECAUSE_END
							: STL_BECAUSE_ENVELOPE;
	add_reason(reasons, e, because, from, to, n, missing ? missing : any_signal(e, n));
}

/* ---- windows ----------------------------------------------------------------------------------------------------------------- */

/* Is it `mine` all over [from, to]? */
static bool throughout(Eval *e, const Node *n, double from, double to, StlTruth mine)
{
	for (StlTruth other = STL_FALSE; other <= STL_TRUE; other++)
		if (other != mine && first_time(e, n, from, to, other) >= 0)
			return false;
	return true;
}

/* What decides when a formula has the truth `mine` all over [from, to] and every instant counts: the smallest parts that have
 * theirs all over it too. */
static void explain_all(Eval *e, const Node *n, double from, double to, StlTruth mine,
			GPtrArray *reasons)
{
	static const StlTruth opposite[] = {STL_TRUE, STL_UNKNOWN, STL_FALSE};
	NodeKind k = n->kind;
	StlTruth left = k == N_IMPLIES ? opposite[mine] : mine;
	if (k == N_NOT) {
		explain_all(e, n->a, from, to, opposite[mine], reasons);
	} else if (k == N_EVERY || k == N_SOME) {
		explain_all(e, n->a, from, to, mine, reasons);
	} else if ((k == N_AND && mine == STL_TRUE) ||
		   ((k == N_OR || k == N_IMPLIES) && mine == STL_FALSE)) {
		explain_all(e, n->a, from, to, left, reasons);
		explain_all(e, n->b, from, to, mine, reasons);
	} else if ((k == N_AND || k == N_OR || k == N_IMPLIES) &&
		   throughout(e, n->a, from, to, left)) {
		explain_all(e, n->a, from, to, left, reasons);
	} else if ((k == N_AND || k == N_OR || k == N_IMPLIES) &&
		   throughout(e, n->b, from, to, mine)) {
		explain_all(e, n->b, from, to, mine, reasons);
	} else {
		add_reason(reasons, e, mine == STL_TRUE ? STL_BECAUSE_TRUE : STL_BECAUSE_FALSE,
			   from, to, n, any_signal(e, n));
	}
}

static void explain_at(Eval *e, const Node *n, double t, double from, double to, GPtrArray *reasons)
{
	double old_from = e->look_from, old_to = e->look_to;
	e->look_from = from;
	e->look_to = to;
	explain(e, n, t, reasons);
	e->look_from = old_from;
	e->look_to = old_to;
}

/* `part` of `op` in [from, to]: by its first instant that is `mine`, or by all of them when only all together decide. */
static void explain_over(Eval *e, const Node *op, const Node *part, double from, double to,
			 StlTruth mine, bool all, GPtrArray *reasons)
{
	double first = MAX(from, 0), last = MIN(to, e->end);
	if (all && mine != STL_UNKNOWN && first <= last && throughout(e, part, first, last, mine)) {
		explain_all(e, part, first, last, mine, reasons);
		return;
	}
	double at = first_time(e, part, first, last, mine);
	if (at >= 0)
		explain_at(e, part, at, first, last, reasons);
	else if (mine == STL_UNKNOWN && (to > e->end || from < 0))
		add_reason(reasons, e, STL_BECAUSE_END, CLAMP(from, 0, e->end), e->end, op,
			   any_signal(e, part));
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

typedef struct Reach {
	double from, to;
} Reach;

/* Where an operator at t looks; unbounded: to the recording's end. */
static Reach reach_of(const Eval *e, const Node *n, double t)
{
	double lo = eval_ticks(e, n->lo_s), hi = eval_ticks(e, n->hi_s);
	if (operators[n->kind].time == OP_PAST)
		return (Reach){isinf(hi) ? 0 : t - hi, t - lo};
	return (Reach){t + lo, isinf(hi) ? e->end : t + hi};
}

/* The one next to it; none there: the recording ends first. */
static void explain_step(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	double at = t + (operators[n->kind].time == OP_PAST ? -1 : 1);
	if (at >= 0 && at <= e->end)
		explain(e, n->a, at, reasons);
	else
		add_reason(reasons, e, STL_BECAUSE_END, t, t, n, any_signal(e, n));
	(void)mine;
}

static void explain_inner(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	(void)mine;
	explain(e, n->a, t, reasons);
}

static void explain_window(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	Reach r = reach_of(e, n, t);
	bool always = n->kind == N_ALWAYS || n->kind == N_HISTORICALLY;
	explain_over(e, n, n->a, r.from, r.to, mine, mine == (always ? STL_TRUE : STL_FALSE),
		     reasons);
}

/* True: the witness, and the left side up to it. False: the left side's first failure and no witness before, or no witness at
 * all. */
static void explain_until(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	Reach r = reach_of(e, n, t);
	double witness = first_time(e, n->b, r.from, r.to, STL_TRUE),
	       fails = first_time(e, n->a, t, r.to, STL_FALSE);
	if (mine == STL_UNKNOWN) {
		explain_over(e, n, n->b, r.from, r.to, mine, false, reasons);
		explain_over(e, n, n->a, t, r.to, mine, false, reasons);
	} else if (mine == STL_TRUE && witness < 0) { /* weak */
		explain_over(e, n, n->a, t, r.to, mine, true, reasons);
	} else if (mine == STL_TRUE) {
		explain_over(e, n, n->a, t, witness, mine, true, reasons);
		explain_at(e, n->b, witness, witness, witness, reasons);
	} else if (fails < 0) {
		explain_over(e, n, n->b, r.from, r.to, mine, true, reasons);
	} else {
		explain_at(e, n->a, fails, fails, fails, reasons);
		if (fails >= r.from)
			explain_over(e, n, n->b, r.from, fails, mine, true, reasons);
	}
}

static void explain_since(Eval *e, const Node *n, double t, StlTruth mine, GPtrArray *reasons)
{
	Reach r = reach_of(e, n, t);
	bool never = first_time(e, n->b, r.from, r.to, STL_TRUE) < 0;
	if (mine != STL_FALSE || never)
		explain_over(e, n, n->b, r.from, r.to, mine, mine == STL_FALSE, reasons);
	if (mine != STL_FALSE || !never)
		explain_over(e, n, n->a, MAX(r.from, 0), t, mine, false, reasons);
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
