/* From views to the lower and upper series that a formula is evaluated on. */
#include "judge.h"

/* Beyond every real gap: views have taken the gaps out already. */
#define NO_GAP_LIMIT (INT64_C(1) << 60)

/* Series of signals are kept while all together have no more samples than this (17 bytes each, and as much again for the
 * upper side). Criteria of a pack ask for the same ones, and so does the search for tipping points. */
#define KEPT_SAMPLES 4000000

Series *series_new(Signal *lower, Signal *upper)
{
	Series *series = g_rc_box_new0(Series);
	*series = (Series){lower, upper, NULL};
	return series;
}

static void series_clear(gpointer data)
{
	Series *series = data;
	signal_free(series->lower);
	signal_free(series->upper);
	g_clear_pointer(&series->bands, g_array_unref);
}

void series_unref(Series *series)
{
	g_rc_box_release_full(series, series_clear);
}

SeriesSet *series_set_new(void)
{
	SeriesSet *set = g_new0(SeriesSet, 1);
	set->lower = g_hash_table_new(g_str_hash, g_str_equal);
	set->upper = g_hash_table_new(g_str_hash, g_str_equal);
	set->kept = g_ptr_array_new_with_free_func((GDestroyNotify)series_unref);
	return set;
}

void series_set_free(SeriesSet *set)
{
	if (!set)
		return;
	g_hash_table_unref(set->lower);
	g_hash_table_unref(set->upper);
	g_ptr_array_unref(set->kept);
	g_free(set);
}

bool series_set_has(const SeriesSet *set, const char *name)
{
	return g_hash_table_contains(set->lower, name);
}

void series_set_add(SeriesSet *set, Series *series)
{
	char *name = series->lower->info.name;
	g_ptr_array_add(set->kept, g_rc_box_acquire(series));
	g_hash_table_insert(set->lower, name, series->lower);
	if (series->upper)
		g_hash_table_insert(set->upper, name, series->upper);
}

void series_set_take(SeriesSet *set, Signal *lower, Signal *upper)
{
	g_autoptr(Series) series = series_new(lower, upper);
	series_set_add(set, series);
}

StlInput series_input(const Judge *judge, const SeriesSet *set)
{
	return (StlInput){.start_ns = judge->recording->start_ns,
			  .end_ns = judge->recording->end_ns,
			  .signals = set->lower,
			  .upper = set->upper};
}

/* Room for so many samples, in one go. */
static void make_room(Signal *s, size_t n)
{
	s->capacity = n;
	s->t_ns = g_renew(int64_t, s->t_ns, n);
	s->v = g_renew(double, s->v, n);
	s->status = g_renew(uint8_t, s->status, n);
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

static void note_band(Series *series, const View *view, const Widening *widening, double width,
		      size_t samples)
{
	const Band band = {view->signal->info.name, NULL, widening->risk, width, samples};
	series->bands = g_array_new(FALSE, FALSE, sizeof(Band));
	g_array_append_val(series->bands, band);
}

static Pair measured_pair(Judge *judge, const View *view, const Widening *widening,
			  double *ret_width, size_t *ret_samples)
{
	const SignalInfo *info = &view->signal->info;
	Pair p = {like(view->signal, SIGNAL_LINEAR), like(view->signal, SIGNAL_LINEAR)};
	const Uncertainty common = {info->u_common, info->dof_common};
	bool point = widening->risk <= 0;
	double slew = point ? 0 : info->max_slew, width = 0;
	const Recording *rec = judge->recording;
	size_t samples = samples_inside(judge, view);
	if (!point)
		width = metrology_envelope(&common, info->u_sample, samples, widening->risk);
	*ret_width = width;
	*ret_samples = samples;
	size_t room = (point ? 1 : 2) * view->knots->len + 4;
	make_room(p.lower, room);
	make_room(p.upper, room);

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

static Series *stamped_series(const Judge *judge, const View *view, const Widening *widening)
{
	Signal *exact = view->knots->len > 0 ? stamped(view) : like(view->signal, SIGNAL_PREVIOUS);
	if (exact->n == 0)
		signal_append(exact, judge->recording->start_ns, NAN, SAMPLE_MISSING);
	if (!(widening->clock_s > 0) || !exact->info.boolean ||
	    !g_str_has_prefix(exact->info.name, "truth."))
		return series_new(exact, NULL);
	Pair p = widen_boolean(exact, (int64_t)ceil(widening->clock_s * 1e9));
	signal_free(exact);
	return series_new(p.lower, p.upper);
}

static Series *make_series(Judge *judge, const View *view, const Widening *widening)
{
	Pair p;
	double width = 0;
	size_t samples = 0;
	switch (view->kind) {
	case VIEW_STAMPED:
		return stamped_series(judge, view, widening);
	case VIEW_SAMPLED:
		p = sampled_pair(view);
		break;
	case VIEW_MEASURED:
		p = measured_pair(judge, view, widening, &width, &samples);
		break;
	}
	finish_pair(judge, view, widening, &p);
	Series *series = series_new(p.lower, p.upper);
	if (view->kind == VIEW_MEASURED)
		note_band(series, view, widening, width, samples);
	return series;
}

/* Is all that `name` rests on as in the recording that this one is a variation of? */
static bool as_in_base(const Judge *judge, const char *name, const TruthSpec *truth)
{
	if (!judge->base)
		return false;
	if (!truth)
		return judge_signal(judge, name) == judge_signal(judge->base, name);
	g_autoptr(GPtrArray) below =
		judge_names(judge, (const char *const[]){truth->onset, truth->end}, 2);
	for (guint i = 0; i < below->len; i++)
		if (!as_in_base(judge, g_ptr_array_index(below, i), NULL))
			return false;
	return true;
}

/* Keeps it for whoever asks again; borrowed. */
static Series *keep(Judge *judge, char *key, Series *series, bool truth)
{
	size_t n = series->lower->n;
	if (!truth && judge->n_samples + n > KEPT_SAMPLES) {
		g_hash_table_remove_all(judge->series);
		judge->n_samples = 0;
	}
	if (!truth)
		judge->n_samples += n;
	g_hash_table_insert(truth ? judge->truths : judge->series, key, series);
	return series;
}

static Series *series_of(Judge *judge, const char *name, const Widening *widening)
{
	const TruthSpec *truth = judge_truth(judge, name);
	if (as_in_base(judge, name, truth))
		return series_of(judge->base, name, widening);
	g_autofree char *key = g_strdup_printf("%s %a %a", name, widening->risk, widening->clock_s);
	Series *series = g_hash_table_lookup(truth ? judge->truths : judge->series, key);
	const View *view = series || truth ? NULL : judge_view(judge, name);
	if (series)
		return series;
	if (truth)
		series = judge_make_truth(judge, truth, widening);
	else if (view)
		series = make_series(judge, view, widening);
	return series ? keep(judge, g_steal_pointer(&key), series, truth != NULL) : NULL;
}

bool judge_add_series(Judge *judge, SeriesSet *set, const char *name, const Widening *widening)
{
	if (series_set_has(set, name))
		return true;
	Series *series = series_of(judge, name, widening);
	if (series)
		series_set_add(set, series);
	return series != NULL;
}
