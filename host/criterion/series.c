/* From views to the lower and upper series that a formula is evaluated on. */
#include "judge.h"

/* Beyond every real gap: views have taken the gaps out already. */
#define NO_GAP_LIMIT (INT64_C(1) << 60)

SeriesSet *series_set_new(void)
{
	SeriesSet *set = g_new0(SeriesSet, 1);
	set->lower =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)signal_free);
	set->upper =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)signal_free);
	return set;
}

void series_set_free(SeriesSet *set)
{
	if (!set)
		return;
	g_hash_table_unref(set->lower);
	g_hash_table_unref(set->upper);
	g_free(set);
}

bool series_set_has(const SeriesSet *set, const char *name)
{
	return g_hash_table_contains(set->lower, name);
}

void series_set_take(SeriesSet *set, Signal *lower, Signal *upper)
{
	if (upper)
		g_hash_table_insert(set->upper, g_strdup(lower->info.name), upper);
	g_hash_table_insert(set->lower, g_strdup(lower->info.name), lower);
}

static Signal *signal_copied(const Signal *signal)
{
	Signal *s = signal_new(signal->info.name);
	signal_info_clear(&s->info);
	signal_info_init(&s->info, NULL);
	signal_info_copy(&s->info, &signal->info);
	for (size_t i = 0; i < signal->n; i++)
		signal_append(s, signal->t_ns[i], signal->v[i], (SampleStatus)signal->status[i]);
	return s;
}

void series_set_copy(SeriesSet *to, const SeriesSet *from)
{
	GHashTableIter iter;
	gpointer name, lower;
	g_hash_table_iter_init(&iter, from->lower);
	while (g_hash_table_iter_next(&iter, &name, &lower)) {
		const Signal *upper = g_hash_table_lookup(from->upper, name);
		series_set_take(to, signal_copied(lower), upper ? signal_copied(upper) : NULL);
	}
}

StlInput series_input(const Judge *judge, const SeriesSet *set)
{
	return (StlInput){.start_ns = judge->recording->start_ns,
			  .end_ns = judge->recording->end_ns,
			  .signals = set->lower,
			  .upper = set->upper};
}

static Signal *like(const Signal *signal, SignalInterp interp)
{
	Signal *s = signal_new(signal->info.name);
	signal_info_clear(&s->info);
	signal_info_init(&s->info, NULL);
	signal_info_copy(&s->info, &signal->info);
	s->info.interp = interp;
	s->info.max_gap_ns = NO_GAP_LIMIT;
	return s;
}

typedef struct Pair {
	Signal *lower, *upper;
} Pair;

static void both_missing(Pair *p, int64_t t_ns)
{
	if (p->lower->n > 0 && t_ns <= p->lower->t_ns[p->lower->n - 1])
		return;
	signal_append(p->lower, t_ns, NAN, SAMPLE_MISSING);
	signal_append(p->upper, t_ns, NAN, SAMPLE_MISSING);
}

static size_t samples_inside(const Judge *judge, const View *view)
{
	size_t n = 0;
	for (guint i = 0; i < view->knots->len; i++) {
		int64_t t = g_array_index(view->knots, Knot, i).t_ns;
		n += t >= judge->recording->start_ns && t <= judge->recording->end_ns;
	}
	return MAX(n, 1);
}

/* ---- measured numbers ---- */

/* What can hide between two knots, as one more point on each side. */
static void append_between(Pair *p, const Knot *a, const Knot *b, double slew, double width)
{
	double lo, lo_s, hi, hi_s, dt = (double)(b->t_ns - a->t_ns) / 1e9;
	if (!metrology_between(a->v, b->v, dt, slew, &lo, &lo_s, &hi, &hi_s))
		return; /* noise made the step a little too steep: the straight line holds within the band */
	int64_t lo_t = a->t_ns + (int64_t)llround(lo_s * 1e9),
		hi_t = a->t_ns + (int64_t)llround(hi_s * 1e9);
	if (lo_t > a->t_ns && lo_t < b->t_ns)
		signal_append(p->lower, lo_t, lo - width, SAMPLE_OK);
	if (hi_t > a->t_ns && hi_t < b->t_ns)
		signal_append(p->upper, hi_t, hi + width, SAMPLE_OK);
}

/* Before the first and after the last knot the slew bounds what it was, for at most max_gap. */
static void append_tail(Pair *p, const Knot *knot, int64_t t_ns, double slew, double width)
{
	double reach = slew * fabs((double)(t_ns - knot->t_ns)) / 1e9 + width;
	signal_append(p->lower, t_ns, knot->v - reach, SAMPLE_OK);
	signal_append(p->upper, t_ns, knot->v + reach, SAMPLE_OK);
}

static Pair measured_pair(Judge *judge, const View *view, const Widening *widening)
{
	const SignalInfo *info = &view->signal->info;
	Pair p = {like(view->signal, SIGNAL_LINEAR), like(view->signal, SIGNAL_LINEAR)};
	const Uncertainty common = {info->u_common, info->dof_common};
	bool point = widening->risk <= 0;
	double slew = point ? 0 : info->max_slew, width = 0;
	const Recording *rec = judge->recording;
	if (!point)
		width = metrology_envelope(&common, info->u_sample, samples_inside(judge, view),
					   widening->risk);
	witness_band(judge, info->name, widening->risk, width, samples_inside(judge, view));

	for (guint i = 0; i < view->knots->len; i++) {
		const Knot *k = &g_array_index(view->knots, Knot, i);
		if (i == 0 && k->t_ns > rec->start_ns &&
		    k->t_ns - rec->start_ns <= info->max_gap_ns)
			append_tail(&p, k, rec->start_ns, slew, width);
		if (i > 0 && k->joined && !point)
			append_between(&p, k - 1, k, slew, width);
		else if (i > 0 && !k->joined && k->t_ns - k[-1].t_ns > 1)
			both_missing(&p, k[-1].t_ns + 1);
		signal_append(p.lower, k->t_ns, k->v - width, SAMPLE_OK);
		signal_append(p.upper, k->t_ns, k->v + width, SAMPLE_OK);
	}
	return p;
}

/* ---- sampled Booleans ---- */

static Pair sampled_pair(const View *view)
{
	Pair p = {like(view->signal, SIGNAL_PREVIOUS), like(view->signal, SIGNAL_PREVIOUS)};
	for (guint i = 0; i < view->knots->len; i++) {
		const Knot *k = &g_array_index(view->knots, Knot, i);
		if (i > 0 && !k->joined && k->t_ns - k[-1].t_ns > 1)
			both_missing(&p, k[-1].t_ns + 1);
		else if (i > 0 && k->joined &&
			 (k->v != 0) != (k[-1].v != 0)) { /* it changed somewhere in between */
			signal_append(p.lower, k[-1].t_ns + 1, 0, SAMPLE_OK);
			signal_append(p.upper, k[-1].t_ns + 1, 1, SAMPLE_OK);
		}
		signal_append(p.lower, k->t_ns, k->v != 0, SAMPLE_OK);
		signal_append(p.upper, k->t_ns, k->v != 0, SAMPLE_OK);
	}
	return p;
}

/* After the last knot: known for at most max_gap, and not at all under a trouble. */
static void finish_pair(const Judge *judge, const View *view, const Widening *widening, Pair *p)
{
	const SignalInfo *info = &view->signal->info;
	int64_t end = judge->recording->end_ns;
	if (view->knots->len == 0) {
		both_missing(p, judge->recording->start_ns);
		return;
	}
	const Knot *last = &g_array_index(view->knots, Knot, view->knots->len - 1);
	if (last->t_ns >= end)
		return;
	bool known = end - last->t_ns <= info->max_gap_ns;
	for (guint i = 0; known && i < view->troubles->len; i++) {
		const Trouble *t = g_ptr_array_index(view->troubles, i);
		known = t->until_ns <= last->t_ns;
	}
	for (guint i = 0; known && i < judge->troubles->len; i++) {
		const Trouble *t = g_ptr_array_index(judge->troubles, i);
		bool mine = t->all || !g_strcmp0(t->signal, info->name) ||
			    (t->responses && signal_is_outcome(info));
		known = !mine || (t->until_ns <= last->t_ns && !t->responses) || t->from_ns > end;
	}
	if (!known)
		both_missing(p, last->t_ns + 1);
	else if (view->kind == VIEW_MEASURED)
		append_tail(p, last, end, widening->risk > 0 ? info->max_slew : 0,
			    g_array_index(view->knots, Knot, view->knots->len - 1).v -
				    p->lower->v[p->lower->n - 1]);
}

/* ---- stamped signals ---- */

static Signal *stamped(const View *view)
{
	Signal *s = like(view->signal, SIGNAL_PREVIOUS);
	for (guint i = 0; i < view->knots->len; i++) {
		const Knot *k = &g_array_index(view->knots, Knot, i);
		const Knot *next = i + 1 < view->knots->len ? k + 1 : NULL;
		if (next && next->t_ns == k->t_ns) /* the later one of the same time holds */
			continue;
		signal_append(s, k->t_ns, k->v, isnan(k->v) ? SAMPLE_MISSING : SAMPLE_OK);
	}
	return s;
}

/* A Boolean whose edges are only known to within ± `by_ns`: true for sure later and shorter, maybe true earlier and
 * longer. */
static Pair widen_boolean(const Signal *exact, int64_t by_ns)
{
	Pair p = {like(exact, SIGNAL_PREVIOUS), like(exact, SIGNAL_PREVIOUS)};
	for (size_t i = 0; i < exact->n; i++) {
		bool on = exact->v[i] != 0, unknown = exact->status[i] != SAMPLE_OK;
		if (i == 0 || unknown) {
			signal_append(p.lower, exact->t_ns[i], exact->v[i],
				      (SampleStatus)exact->status[i]);
			signal_append(p.upper, exact->t_ns[i], exact->v[i],
				      (SampleStatus)exact->status[i]);
			continue;
		}
		int64_t early = exact->t_ns[i] - by_ns, late = exact->t_ns[i] + by_ns;
		Signal *first = on ? p.upper : p.lower, *then = on ? p.lower : p.upper;
		/* Edges closer than 2 by_ns: maybe true throughout a short pause, never for sure in a short pulse. */
		if (!signal_append(first, early, on, SAMPLE_OK))
			first->v[first->n - 1] = on;
		signal_append(then, late, on, SAMPLE_OK);
	}
	return p;
}

bool judge_add_series(Judge *judge, SeriesSet *set, const char *name, const Widening *widening)
{
	if (series_set_has(set, name))
		return true;
	const TruthSpec *truth = judge_truth(judge, name);
	if (truth)
		return judge_add_truth(judge, set, truth, widening);
	const View *view = judge_view(judge, name);
	if (!view)
		return false;
	if (view->kind == VIEW_STAMPED) {
		Signal *exact =
			view->knots->len > 0 ? stamped(view) : like(view->signal, SIGNAL_PREVIOUS);
		if (exact->n == 0)
			signal_append(exact, judge->recording->start_ns, NAN, SAMPLE_MISSING);
		if (widening->clock_s > 0 && exact->info.boolean &&
		    g_str_has_prefix(name, "truth.")) {
			Pair p = widen_boolean(exact, (int64_t)ceil(widening->clock_s * 1e9));
			signal_free(exact);
			series_set_take(set, p.lower, p.upper);
		} else {
			series_set_take(set, exact, NULL);
		}
		return true;
	}
	Pair p = view->kind == VIEW_MEASURED ? measured_pair(judge, view, widening)
					     : sampled_pair(view);
	finish_pair(judge, view, widening, &p);
	series_set_take(set, p.lower, p.upper);
	return true;
}
