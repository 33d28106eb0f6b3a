#include "explain.h"
#include "parts.h"
#include "room.h"

#include <string.h>

void stl_result_free(StlResult *r)
{
	if (!r)
		return;
	g_free(r->premise);
	if (r->reasons)
		g_ptr_array_unref(r->reasons);
	g_free(r->explanation);
	g_free(r->trace_t_ns);
	g_free(r->trace_lo);
	g_free(r->trace_hi);
	g_free(r->trace_truth);
	g_free(r);
}

/* ---- vacuity ----------------------------------------------------------------------------------------------------------- */

/* Is the premise ever true on [from, to], as far as that lies in the recording? */
static StlTruth never_true(Eval *e, const Node *premise, double from, double to)
{
	const Pair *p = eval_truth_of(e, premise);
	double none, lo_max, hi_max;
	if (from > e->end || to < 0)
		return STL_UNKNOWN; /* beyond the recording: it may come to pass */
	track_range(p->lo, MAX(from, 0), MIN(to, e->end), &none, &lo_max);
	track_range(p->hi, MAX(from, 0), MIN(to, e->end), &none, &hi_max);
	if (lo_max > 0)
		return STL_FALSE;
	return hi_max > 0 || (isfinite(to) && to > e->end) || from < 0 ? STL_UNKNOWN : STL_TRUE;
}

/* Over every implication: is its premise ever true where the formula looks at it? [from, to]: the hull of the times at which
 * n counts. */
static void look_for_vacuity(Eval *e, const Node *n, double from, double to, StlResult *r)
{
	if (n->kind == N_IMPLIES) {
		StlTruth vacuous = never_true(e, n->a, from, to);
		if (vacuous > r->vacuous) {
			GString *text = g_string_new(NULL);
			node_print(e->f, n->a, true, text);
			r->vacuous = vacuous;
			g_free(r->premise);
			r->premise = g_string_free(text, FALSE);
		}
	}
	double lo = eval_ticks(e, n->lo_s), hi = eval_ticks(e, n->hi_s);
	double a_from = from, a_to = to, b_from = from, b_to = to;
	OperatorTime time = operators[n->kind].time;
	if (time == OP_FUTURE) { /* the left side of an until counts from here on */
		a_from = n->b ? from : from + lo;
		b_from = from + lo;
		a_to = b_to = to + hi;
	} else if (time == OP_PAST) {
		a_from = b_from = isinf(hi) ? MIN(from, 0) : from - hi;
		a_to = n->b ? to : to - lo;
		b_to = to - lo;
	} else if (time == OP_OVER) {
		a_from = isinf(lo) ? MIN(from, 0) : from + lo;
		a_to = to + hi;
	}
	if (n->a)
		look_for_vacuity(e, n->a, a_from, a_to, r);
	if (n->b)
		look_for_vacuity(e, n->b, b_from, b_to, r);
}

/* ---- explanation --------------------------------------------------------------------------------------------------------- */

static const char *because_words(StlBecause because)
{
	switch (because) {
	case STL_BECAUSE_TRUE:
		return "holds";
	case STL_BECAUSE_FALSE:
		return "does not hold";
	case STL_BECAUSE_GAP:
		return "is unknown: no usable sample of";
	case STL_BECAUSE_END:
		return "is open: the recording ends first";
	case STL_BECAUSE_ENVELOPE:
		return "is undecided within the uncertainty";
	}
	return "?";
}

/* "in [2 s, 3.5 s]", "at 2 s"; in discrete time by the samples' numbers. */
static void tell_when(const Eval *e, const StlReason *why, int64_t zero, GString *text)
{
	double from = (double)(why->from_ns - zero), to = (double)(why->to_ns - zero);
	if (e->discrete) {
		size_t i = 0, j;
		while (e->stamps && i + 1 < e->samples && e->stamps[i] < why->from_ns)
			i++;
		for (j = i; e->stamps && j + 1 < e->samples && e->stamps[j] < why->to_ns;)
			j++;
		g_string_append_printf(text, i == j ? " at sample %zu" : " at samples %zu to %zu",
				       i, j);
		return;
	}
	if (from == to)
		g_string_append_printf(text, " at %.9g s", from / e->per_s);
	else
		g_string_append_printf(text, " in [%.9g s, %.9g s]", from / e->per_s,
				       to / e->per_s);
}

static void tell(Eval *e, StlResult *r, bool absolute)
{
	explain(e, e->f->root, 0, r->reasons);
	r->from_ns = r->to_ns = -1;
	int64_t zero = absolute ? 0 : e->input->start_ns;
	GString *text = g_string_new(stl_truth_name(r->satisfied));
	for (guint i = 0; i < r->reasons->len; i++) {
		const StlReason *why = g_ptr_array_index(r->reasons, i);
		r->from_ns = i ? MIN(r->from_ns, why->from_ns) : why->from_ns;
		r->to_ns = i ? MAX(r->to_ns, why->to_ns) : why->to_ns;
		if (i >= 3)
			continue;
		g_string_append_printf(text, "%s %s %s", i ? ";" : ":", why->atom,
				       because_words(why->because));
		if (why->because == STL_BECAUSE_GAP)
			g_string_append_printf(text, " %s", why->signal);
		tell_when(e, why, zero, text);
	}
	r->explanation = g_string_free(text, FALSE);
}

/* ---- rounding ------------------------------------------------------------------------------------------------------------- */

static double largest_of(const Parts *parts)
{
	double most = 0;
	for (size_t k = 0; k < parts->n; k++) {
		const Pair *p = &parts->piece[k].p;
		const Track *sides[] = {p->lo, pair_exact(p) ? NULL : p->hi};
		for (int s = 0; s < 2 && sides[s]; s++)
			for (size_t i = 0; i < sides[s]->n; i++)
				if (isfinite(sides[s]->k[i].v))
					most = MAX(most, fabs(sides[s]->k[i].v));
	}
	return most;
}

#define LAST_DIGITS 2e-14

/* Both sides of a margin bend at different times, so where nothing is missing they may still differ in their last digits. */
static double last_digits(const Parts *parts, double most)
{
	/* a quotient near a pole must not make all else equal */
	const Pair *first = &parts->piece[0].p;
	double start = MAX(fabs(first->lo->k[0].v), fabs(first->hi->k[0].v));
	return LAST_DIGITS * (isfinite(start) ? MIN(most, 100 * (1 + start)) : 0);
}

static bool same(double a, double b, double tiny)
{
	return a == b || fabs(a - b) <= tiny;
}

static void bounds_at_start(const Pair *p, double tiny, double *lo, double *hi)
{
	*lo = p->lo->k[0].v;
	*hi = p->hi->k[0].v;
	if (same(*lo, *hi, tiny))
		*hi = *lo;
}

/* ---- trace ----------------------------------------------------------------------------------------------------------------- */

static void put(StlResult *r, Eval *e, StlTruth truth, double t, double lo, double hi)
{
	size_t i = r->trace_n++;
	if (same(lo, hi, r->tiny))
		hi = lo;
	r->trace_t_ns[i] = eval_ns(e, t);
	r->trace_lo[i] = lo;
	r->trace_hi[i] = hi;
	r->trace_truth[i] = (uint8_t)truth;
}

static void trace_room(StlResult *r, size_t most)
{
	r->trace_t_ns = room_for_good(most * sizeof(int64_t));
	r->trace_lo = room_for_good(most * sizeof(double));
	r->trace_hi = room_for_good(most * sizeof(double));
	r->trace_truth = room_for_good(most);
}

/* Both sides of a pair, asked at times that never decrease. */
typedef struct Walker {
	const Pair *p;
	size_t lo, hi;
	StlTruth now; /* of a pair of truths, and how long nothing changes */
	double until;
} Walker;

static Knot walk_lo(Walker *w, double t)
{
	return track_walk(w->p->lo, &w->lo, t);
}

static Knot walk_hi(Walker *w, double t)
{
	return track_walk(w->p->hi, &w->hi, t);
}

static double next_knot(const Track *a, size_t i)
{
	return i + 1 < a->n ? a->k[i + 1].t : INF;
}

/* A truth is constant between its knots. */
static StlTruth walk_truth_at(Walker *w, double t)
{
	if (t < w->until)
		return w->now;
	Knot lo = walk_lo(w, t), hi = walk_hi(w, t);
	bool stays = lo.v == lo.r && hi.v == hi.r;
	w->now = truth_between(lo.v, hi.v);
	w->until = stays ? MIN(next_knot(w->p->lo, w->lo), next_knot(w->p->hi, w->hi)) : t;
	return w->now;
}

static void trace_samples(StlResult *r, Eval *e, const Pair *margin, const Pair *truth)
{
	Walker m = {.p = margin}, s = {.p = truth};
	trace_room(r, e->samples);
	for (size_t i = 0; i < e->samples; i++) {
		double t = (double)i, lo = walk_lo(&m, t).v;
		put(r, e, walk_truth_at(&s, t), t, lo, walk_hi(&m, t).v);
	}
}

/* One side of a piece, read knot by knot. */
typedef struct Reader {
	const Track *f;
	size_t next, walk;
} Reader;

static Reader reader(const Track *f, double from)
{
	size_t i = track_find(f, from);
	return (Reader){f, i, i};
}

static double next_time(const Reader *r)
{
	return r->next < r->f->n ? r->f->k[r->next].t : INF;
}

/* What it is at t: its own knot, or in passing. */
static Knot read_at(Reader *r, double t)
{
	while (next_time(r) < t)
		r->next++;
	if (next_time(r) == t)
		return r->f->k[r->next++];
	return track_walk(r->f, &r->walk, t);
}

typedef struct Tracer {
	StlResult *r;
	Eval *e;
	Walker truth;
	double close;              /* two pieces that differ by less meet */
	double joint_lo, joint_hi; /* at the end of the last piece */
	bool told;
} Tracer;

static void put_knot(Tracer *w, double at, const Knot *a, const Knot *b, bool l, bool v, bool r)
{
	StlTruth now = walk_truth_at(&w->truth, at);
	if (l && (a->l != a->v || b->l != b->v))
		put(w->r, w->e, now, at, a->l, b->l);
	if (v)
		put(w->r, w->e, now, at, a->v, b->v);
	if (r && (a->r != a->v || b->r != b->v))
		put(w->r, w->e, now, at, a->r, b->r);
}

/* Knots without jumps while the truth stays what it is: most of a long trace. */
static void put_plain(Tracer *w, Reader *one, double to, double zero)
{
	StlResult *r = w->r;
	const Knot *k = &one->f->k[one->next];
	size_t n = r->trace_n;
	for (; next_time(one) < to && k->t + zero < w->truth.until && k->l == k->v && k->v == k->r;
	     k++, one->next++, n++) {
		r->trace_t_ns[n] = eval_ns(w->e, k->t + zero);
		r->trace_lo[n] = r->trace_hi[n] = k->v;
		r->trace_truth[n] = (uint8_t)w->truth.now;
	}
	r->trace_n = n;
}

/* The knots of one track that are told as they are, before `to`. */
static void put_run(Tracer *w, Reader *one, double to, double zero)
{
	while (next_time(one) < to) {
		const Knot *k = &one->f->k[one->next++];
		put_knot(w, k->t + zero, k, k, true, true, true);
		put_plain(w, one, to, zero);
	}
}

/* Where two pieces meet there is an entry only when one of them has a knot there: the line goes on. */
static void put_joint(Tracer *w, double at, const Knot *a, const Knot *b)
{
	if (same(a->r, w->joint_lo, w->close) && same(b->r, w->joint_hi, w->close))
		return;
	StlTruth now = walk_truth_at(&w->truth, at);
	if (!w->told)
		put(w->r, w->e, now, at, w->joint_lo, w->joint_hi);
	put(w->r, w->e, now, at, a->r, b->r);
}

static void trace_piece(Tracer *w, const Piece *piece, bool last)
{
	const Pair *p = &piece->p;
	bool one = p->lo == p->hi;
	double t = piece->from - piece->zero, to = piece->to - piece->zero;
	Reader lo = reader(p->lo, t), hi = reader(p->hi, t);
	Knot a = read_at(&lo, t), b = one ? a : read_at(&hi, t);
	if (piece->from > 0)
		put_joint(w, t + piece->zero, &a, &b);
	else
		put_knot(w, t + piece->zero, &a, &b, false, true, t < to);
	while (t < to) {
		if (one)
			put_run(w, &lo, to, piece->zero);
		t = MIN(to, MIN(next_time(&lo), one ? INF : next_time(&hi)));
		bool own = next_time(&lo) == t || (!one && next_time(&hi) == t);
		a = read_at(&lo, t);
		b = one ? a : read_at(&hi, t);
		w->told = own || t < to || last;
		if (w->told)
			put_knot(w, t + piece->zero, &a, &b, true, true, t < to);
	}
	w->joint_lo = a.v;
	w->joint_hi = b.v;
}

static void trace(StlResult *r, Eval *e, const Parts *margin, double most_value)
{
	Tracer w = {.r = r,
		    .e = e,
		    .truth = {.p = eval_truth_of(e, e->f->root), .until = -1},
		    .close = LAST_DIGITS * most_value};
	if (e->discrete) {
		trace_samples(r, e, &margin->piece[0].p, w.truth.p);
		return;
	}
	size_t most = 0;
	for (size_t i = 0; i < margin->n; i++) {
		const Pair *p = &margin->piece[i].p;
		most += 3 * (p->lo->n + (pair_exact(p) ? 0 : p->hi->n) + 2);
	}
	trace_room(r, most);
	for (size_t i = 0; i < margin->n; i++)
		trace_piece(&w, &margin->piece[i], i + 1 == margin->n);
}

/* ---- evaluation -------------------------------------------------------------------------------------------------------------- */

/* Does the formula come out the same with open ends? `contrary`: even when its lower bound takes all beyond them for as good as
 * can be, and its upper bound for as bad. */
static bool same_beyond(const StlFormula *f, const StlInput *input, const StlOptions *options,
			bool contrary, const StlResult *r)
{
	Eval e;
	double lo, hi;
	StlOptions open = options ? *options : (StlOptions){0};
	open.ends = STL_ENDS_OPEN;
	eval_init(&e, f, input, &open);
	e.contrary = contrary;
	g_auto(Pair) m = eval_margin(&e, f->root);
	bounds_at_start(&m, r->tiny, &lo, &hi);
	const Pair *t = eval_truth_of(&e, f->root);
	bool sure = t->lo->k[0].v > 0, possible = t->hi->k[0].v > 0;
	eval_clear(&e);
	return same(lo, r->lo, r->tiny) && same(hi, r->hi, r->tiny) &&
	       sure == (r->satisfied == STL_TRUE) && possible == (r->satisfied != STL_FALSE);
}

/* Can nothing beyond the ends change the result? With finite ends: would it be the same with open ones? Else take what lies
 * beyond to the contrary. A negation swaps sides and good and bad alike, so one evaluation serves every operator; all true or
 * all false would not (they mean good under eventually and bad under always). */
static bool is_complete(const StlFormula *f, const StlInput *input, const StlOptions *options,
			const StlResult *r)
{
	if (options && options->ends == STL_ENDS_FINITE)
		return same_beyond(f, input, options, false, r);
	if (r->lo == r->hi && r->satisfied != STL_UNKNOWN)
		return true; /* every completion gives the same */
	return same_beyond(f, input, options, true, r);
}

StlResult *stl_eval(const StlFormula *f, const StlInput *input, const StlOptions *options,
		    GError **error)
{
	StlKind kind = stl_formula_kind(f);
	if (!f->checked || kind == STL_KIND_DELAY || kind == STL_KIND_DURATION ||
	    (kind == STL_KIND_TERM && !f->bare)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "'%s' is no formula that is true or false", f->text);
		return NULL;
	}
	if (f->discrete != (options && options->discrete)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "the formula was checked for %s time",
			    f->discrete ? "discrete" : "dense");
		return NULL;
	}
	if (input->end_ns < input->start_ns) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "the recording ends before it starts");
		return NULL;
	}
	Eval e;
	eval_init(&e, f, input, options);
	StlResult *r = g_new0(StlResult, 1);
	r->reasons = g_ptr_array_new_with_free_func(reason_free);
	const Pair *truth = eval_truth_of(&e, f->root);
	r->satisfied = truth_between(truth->lo->k[0].v, truth->hi->k[0].v);
	r->unit = stl_formula_unit(f, &r->mixed);
	r->vacuous = STL_FALSE;
	g_auto(Parts) margin = parts_of_margin(&e, f->root);
	double most = largest_of(&margin);
	r->tiny = last_digits(&margin, most);
	bounds_at_start(&margin.piece[0].p, r->tiny, &r->lo, &r->hi);
	r->margin = !stl_formula_boolean(f) && !e.no_margin;
	look_for_vacuity(&e, f->root, 0, 0, r);
	if (options && options->trace)
		trace(r, &e, &margin, most);
	if (!options || !options->no_explanation)
		tell(&e, r, options && options->absolute);
	r->complete = !(options && options->no_completeness) && is_complete(f, input, options, r);
	if (e.error) {
		g_propagate_error(error, g_steal_pointer(&e.error));
		g_clear_pointer(&r, stl_result_free);
	}
	eval_clear(&e);
	return r;
}

bool stl_range(const StlFormula *f, const StlInput *input, int64_t from_ns, int64_t to_ns,
	       double *ret_lo, double *ret_hi, GError **error)
{
	Eval e;
	eval_init(&e, f, input, NULL);
	g_auto(Pair) p = stl_formula_kind(f) == STL_KIND_TERM ? eval_term(&e, f->root)
							      : eval_margin(&e, f->root);
	double from = CLAMP((double)(from_ns - input->start_ns), 0, e.end);
	double to = CLAMP((double)(to_ns - input->start_ns), from, e.end);
	double none;
	track_range(p.lo, from, to, ret_lo, &none);
	track_range(p.hi, from, to, &none, ret_hi);
	bool ok = e.error == NULL;
	if (!ok)
		g_propagate_error(error, g_steal_pointer(&e.error));
	eval_clear(&e);
	return ok;
}

/* ---- edges -------------------------------------------------------------------------------------------------------------------- */

typedef struct EdgeWalk {
	GArray *edges;
	const Eval *e;
	StlTruth state;
	bool first;
	bool open;       /* inside an unknown stretch */
	StlTruth before; /* truth before that stretch */
	double open_from;
	bool one_end; /* a derived truth: an end that is not known to the instant is still one end, and hides no new rise */
} EdgeWalk;

static int64_t ns_down(const Eval *e, double t)
{
	return e->input->start_ns + (int64_t)floor(t + 1e-6);
}

static int64_t ns_up(const Eval *e, double t)
{
	return e->input->start_ns + (int64_t)ceil(t - 1e-6);
}

static void edge(EdgeWalk *w, double from, double to, bool certain)
{
	StlEdge edge = {ns_down(w->e, from), ns_up(w->e, to), certain};
	g_array_append_val(w->edges, edge);
}

/* The truth is `now` from t on (at the instant or just after it). */
static void step(EdgeWalk *w, double t, StlTruth now)
{
	if (w->first) {
		w->first = false;
		w->open = now == STL_UNKNOWN;
		w->before = STL_UNKNOWN; /* nothing is known of the time before */
		w->open_from = t;
	} else if (now == STL_UNKNOWN) {
		if (!w->open) {
			w->open = true;
			w->before = w->state;
			w->open_from = t;
		}
	} else if (w->open) {
		w->open = false;
		if (!(w->one_end && w->before == STL_TRUE && now == STL_FALSE))
			edge(w, w->open_from, t, w->before == STL_FALSE && now == STL_TRUE);
	} else if (w->state == STL_FALSE && now == STL_TRUE) {
		edge(w, t, t, true);
	}
	w->state = now;
}

static void walk_truth(EdgeWalk *w, const Pair *p)
{
	for (size_t i = 0, j = 0; i < p->lo->n || j < p->hi->n;) {
		double ta = i < p->lo->n ? p->lo->k[i].t : INF,
		       tb = j < p->hi->n ? p->hi->k[j].t : INF;
		double t = MIN(ta, tb);
		i += ta == t;
		j += tb == t;
		Knot a = track_at(p->lo, t), b = track_at(p->hi, t);
		step(w, t, truth_between(a.v, b.v));
		if (t < w->e->end)
			step(w, t, truth_between(a.r, b.r));
	}
	if (w->open && !(w->one_end && w->before == STL_TRUE))
		edge(w, w->open_from, w->e->end, false);
}

/* truth.NAME comes from onsets and ends that the caller has worked out; only they make it rise. */
bool eval_derived(const Eval *e, const Node *n)
{
	const Signal *s = n->kind == N_SIGNAL
				  ? g_hash_table_lookup(e->input->signals,
							stl_formula_signal(e->f, (size_t)n->name))
				  : NULL;
	return s && s->info.boolean && s->info.origin == ORIGIN_DERIVED;
}

GArray *stl_edges(const StlFormula *f, const StlInput *input, GError **error)
{
	Eval e;
	eval_init(&e, f, input, NULL);
	EdgeWalk w = {.edges = g_array_new(FALSE, FALSE, sizeof(StlEdge)),
		      .e = &e,
		      .first = true,
		      .one_end = eval_derived(&e, f->root)};
	g_auto(Pair) truth = eval_truth_for_edges(&e, f->root);
	walk_truth(&w, &truth);
	if (e.error) {
		g_propagate_error(error, g_steal_pointer(&e.error));
		g_clear_pointer(&w.edges, g_array_unref);
	}
	eval_clear(&e);
	return w.edges;
}

/* ---- measures -------------------------------------------------------------------------------------------------------------------- */

static GArray *edges_of(Eval *e, const Node *n, bool falls)
{
	EdgeWalk w = {.edges = g_array_new(FALSE, FALSE, sizeof(StlEdge)),
		      .e = e,
		      .first = true,
		      .one_end = !falls && eval_derived(e, n)};
	g_auto(Pair) truth = eval_truth_for_edges(e, n);
	if (falls) {
		Pair negated = {track_negate(truth.hi), track_negate(truth.lo)};
		pair_clear(&truth);
		truth = negated;
	}
	walk_truth(&w, &truth);
	return w.edges;
}

GArray *eval_edges(Eval *e, const Node *n)
{
	return edges_of(e, n, false);
}

static double seconds(const Eval *e, int64_t ns)
{
	return (double)ns / e->per_s;
}

/* First answer strictly after the cause. An answer that may not have happened, or may have come before, leaves the value
 * open towards the next certain one. */
static StlMeasure pair_up(const Eval *e, const StlEdge *cause, const GArray *answers)
{
	StlMeasure m = {.cause = *cause, .state = STL_MEASURE_NONE, .hi = INF};
	m.answer = (StlEdge){CLOCK_NEVER, CLOCK_NEVER, false};
	m.lo = seconds(e, e->input->end_ns - cause->latest_ns);
	bool ambiguous = false;
	for (guint i = 0; i < answers->len; i++) {
		const StlEdge *a = &g_array_index(answers, StlEdge, i);
		if (a->latest_ns <= cause->earliest_ns)
			continue; /* surely not after the cause */
		double lo = MAX(0, seconds(e, a->earliest_ns - cause->latest_ns));
		bool after =
			a->earliest_ns > cause->latest_ns ||
			(a->earliest_ns == a->latest_ns && cause->earliest_ns == cause->latest_ns);
		if (a->certain && after) {
			m.answer = *a;
			m.hi = seconds(e, a->latest_ns - cause->earliest_ns);
			if (!ambiguous)
				m.lo = lo;
			m.state = ambiguous ? STL_MEASURE_AMBIGUOUS : STL_MEASURE_KNOWN;
			return m;
		}
		if (!ambiguous)
			m.lo = lo;
		ambiguous = true;
	}
	if (ambiguous)
		m.state = STL_MEASURE_AMBIGUOUS;
	return m;
}

static bool true_at(const Pair *p, double t)
{
	Knot k = track_at(p->lo, t);
	return k.l > 0 && k.v > 0;
}

static GArray *measures(Eval *e, const Node *a, Eval *eb, const Node *b, bool duration)
{
	GArray *out = g_array_new(FALSE, FALSE, sizeof(StlMeasure));
	g_autoptr(GArray) causes = edges_of(e, a, false), answers = edges_of(eb, b, duration);
	const Pair *standing = eval_truth_of(eb, b);
	for (guint i = 0; i < causes->len; i++) {
		const StlEdge *cause = &g_array_index(causes, StlEdge, i);
		StlMeasure m = pair_up(e, cause, answers);
		m.stale = !duration &&
			  true_at(standing, (double)(cause->earliest_ns - e->input->start_ns));
		g_array_append_val(out, m);
	}
	return out;
}

GArray *stl_measure(const StlFormula *f, const StlInput *input, GError **error)
{
	StlKind kind = stl_formula_kind(f);
	if (kind != STL_KIND_DELAY && kind != STL_KIND_DURATION) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "'%s' is neither delay() nor duration()", f->text);
		return NULL;
	}
	Eval e;
	eval_init(&e, f, input, NULL);
	bool duration = kind == STL_KIND_DURATION;
	GArray *out = measures(&e, f->root->a, &e, duration ? f->root->a : f->root->b, duration);
	if (e.error) {
		g_propagate_error(error, g_steal_pointer(&e.error));
		g_clear_pointer(&out, g_array_unref);
	}
	eval_clear(&e);
	return out;
}

GArray *stl_delays(const StlFormula *a, const StlFormula *b, const StlInput *input, GError **error)
{
	Eval ea, eb;
	eval_init(&ea, a, input, NULL);
	eval_init(&eb, b, input, NULL);
	GArray *out = measures(&ea, a->root, &eb, b->root, false);
	GError *bad = ea.error ? g_steal_pointer(&ea.error) : g_steal_pointer(&eb.error);
	if (bad) {
		g_propagate_error(error, bad);
		g_clear_pointer(&out, g_array_unref);
	}
	eval_clear(&ea);
	eval_clear(&eb);
	return out;
}
