/* truth.NAME from measured signals: an onset is known to lie in an interval, and so is its end. */
#include "judge.h"

const TruthSpec *judge_truth(const Judge *judge, const char *name)
{
	if (!g_str_has_prefix(name, "truth."))
		return NULL;
	for (guint i = 0; i < judge->spec->truths->len; i++) {
		const TruthSpec *t = g_ptr_array_index(judge->spec->truths, i);
		if (!strcmp(t->name, name + strlen("truth.")))
			return t;
	}
	return NULL;
}

static void add_name(GPtrArray *names, const char *name)
{
	if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
		g_ptr_array_add(names, g_strdup(name));
}

static void add_names(const Judge *judge, GPtrArray *names, const char *text, int depth)
{
	g_autoptr(StlFormula) f = text ? stl_parse(text, NULL, NULL) : NULL;
	for (size_t i = 0; f && i < stl_formula_n_signals(f); i++) {
		const char *name = stl_formula_signal(f, i);
		const TruthSpec *truth = judge_truth(judge, name);
		add_name(names, name);
		if (truth && depth > 0) {
			add_names(judge, names, truth->onset, depth - 1);
			add_names(judge, names, truth->end, depth - 1);
		}
	}
}

GPtrArray *judge_names(const Judge *judge, const char *const *texts, size_t n)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < n; i++)
		add_names(judge, names, texts[i], 2);
	return names;
}

size_t judge_n_measured(Judge *judge, GPtrArray *names)
{
	size_t n = 0;
	for (guint i = 0; i < names->len; i++) {
		const View *view = judge_view(judge, g_ptr_array_index(names, i));
		n += view && view->kind == VIEW_MEASURED;
	}
	return n;
}

double judge_clock(const Judge *judge, GPtrArray *names)
{
	double outcome = 0, other = 0;
	for (guint i = 0; i < names->len; i++) {
		const Signal *s = judge_signal(judge, g_ptr_array_index(names, i));
		double u = s && s->info.u_clock_s > 0 ? s->info.u_clock_s : 0;
		double *which = s && signal_is_outcome(&s->info) ? &outcome : &other;
		*which = fmax(*which, u);
	}
	return sqrt(outcome * outcome + other * other);
}

/* ---- names and parameters of formulas ---- */

typedef struct ParseScope {
	const Judge *judge;
	const SeriesSet *set;
	const Criterion *criterion;
	int level;
} ParseScope;

static bool scope_signal(void *user, const char *name, Unit *ret_unit, bool *ret_boolean)
{
	const ParseScope *scope = user;
	const Signal *s = g_hash_table_lookup(scope->set->lower, name);
	if (!s)
		return false;
	*ret_unit = s->info.unit;
	*ret_boolean = s->info.boolean;
	return true;
}

static bool scope_parameter(void *user, const char *name, Quantity *ret)
{
	const ParseScope *scope = user;
	if (scope->criterion) /* a pack is a fixed yardstick: a scenario cannot change its numbers */
		return criterion_parameter(scope->criterion, scope->level, name, ret);
	const Quantity *q = g_hash_table_lookup(scope->judge->spec->parameters, name);
	if (q)
		*ret = *q;
	return q != NULL;
}

StlFormula *judge_parse(const Judge *judge, const char *text, const SeriesSet *set,
			const Criterion *criterion, int level, GError **error)
{
	ParseScope user = {judge, set, criterion, level};
	const StlScope scope = {
		.signal = scope_signal, .parameter = scope_parameter, .user = &user};
	g_autoptr(StlFormula) f = stl_parse(text, NULL, error);
	if (!f || !stl_check(f, &scope, NULL, error))
		return NULL;
	return g_steal_pointer(&f);
}

/* ---- the derived signal ---- */

/* The first time from from_ns on within one of the stretches. */
static int64_t first_end(const GArray *times, int64_t from_ns)
{
	for (guint i = 0; times && i < times->len; i++) {
		const StlStretch *s = &g_array_index(times, StlStretch, i);
		if (s->to_ns >= from_ns)
			return MAX(s->from_ns, from_ns);
	}
	return CLOCK_NEVER;
}

/* A sensor of bandwidth f lags behind by about 1/(2 pi f): what it shows now was true that long ago. */
static double sensor_lag_s(Judge *judge, const char *onset)
{
	double lag = 0;
	g_autoptr(GPtrArray) names = judge_names(judge, (const char *const[]){onset}, 1);
	for (guint i = 0; i < names->len; i++) {
		const View *view = judge_view(judge, g_ptr_array_index(names, i));
		if (view && view->kind == VIEW_MEASURED && view->signal->info.bandwidth_hz > 0)
			lag = fmax(lag, 1 / (2 * G_PI * view->signal->info.bandwidth_hz));
	}
	return lag;
}

static Signal *truth_signal(const TruthSpec *truth)
{
	g_autofree char *name = g_strdup_printf("truth.%s", truth->name);
	Signal *s = signal_new(name);
	s->info.boolean = true;
	s->info.interp = SIGNAL_PREVIOUS;
	s->info.origin = ORIGIN_DERIVED;
	s->info.max_gap_ns = INT64_C(1) << 60;
	s->info.max_slew = (double)INFINITY;
	return s;
}

/* A stretch of time on which a truth holds; until CLOCK_NEVER: to the end. */
typedef struct Stretch {
	int64_t from_ns, until_ns;
} Stretch;

/* Stretches come in the order of their beginnings; what overlaps or touches the last one is one with it. */
static void add_stretch(GArray *stretches, int64_t from_ns, int64_t until_ns)
{
	Stretch s = {from_ns, until_ns};
	Stretch *last =
		stretches->len > 0 ? &g_array_index(stretches, Stretch, stretches->len - 1) : NULL;
	if (until_ns <= from_ns)
		return;
	if (last && from_ns <= last->until_ns)
		last->until_ns = MAX(last->until_ns, until_ns);
	else
		g_array_append_val(stretches, s);
}

static void emit_stretches(Signal *s, const GArray *stretches, int64_t start_ns)
{
	const Stretch *first = stretches->len > 0 ? &g_array_index(stretches, Stretch, 0) : NULL;
	if (!first || first->from_ns > start_ns)
		signal_append(s, start_ns, 0, SAMPLE_OK);
	for (guint i = 0; i < stretches->len; i++) {
		const Stretch *stretch = &g_array_index(stretches, Stretch, i);
		signal_append(s, MAX(stretch->from_ns, start_ns), 1, SAMPLE_OK);
		if (stretch->until_ns != CLOCK_NEVER)
			signal_append(s, stretch->until_ns, 0, SAMPLE_OK);
	}
}

static int64_t shifted(int64_t t_ns, int64_t by_ns)
{
	return t_ns == CLOCK_NEVER ? CLOCK_NEVER : t_ns + by_ns;
}

/* lower: true for sure. upper: true perhaps. An onset that perhaps never was (a peak of the noise before the real one)
 * opens the upper side only, and takes nothing from the ones behind it. */
static void build(Signal *lower, Signal *upper, const GArray *edges, const GArray *end_sure,
		  const GArray *end_perhaps, const Judge *judge, int64_t before_ns,
		  int64_t clock_ns)
{
	int64_t start = judge->recording->start_ns;
	g_autoptr(GArray) sure = g_array_new(FALSE, FALSE, sizeof(Stretch));
	g_autoptr(GArray) perhaps = g_array_new(FALSE, FALSE, sizeof(Stretch));
	for (guint i = 0; i < edges->len; i++) {
		const StlEdge *e = &g_array_index(edges, StlEdge, i);
		int64_t end_early = first_end(end_perhaps, e->earliest_ns);
		int64_t end_late = first_end(end_sure, e->latest_ns);
		add_stretch(perhaps, e->earliest_ns - before_ns - clock_ns,
			    shifted(end_late, clock_ns));
		if (e->certain)
			add_stretch(sure, e->latest_ns + clock_ns, shifted(end_early, -clock_ns));
	}
	emit_stretches(lower, sure, start);
	emit_stretches(upper, perhaps, start);
}

static void underivable(Judge *judge, const TruthSpec *truth, const char *what, const char *why)
{
	g_free(judge->underivable);
	judge->underivable = g_strdup_printf("truth.%s: %s%s%s", truth->name, what ? what : "",
					     what ? " " : "", why);
}

static bool add_below(Judge *judge, SeriesSet *set, const TruthSpec *truth,
		      const Widening *widening)
{
	g_autoptr(GPtrArray) names =
		judge_names(judge, (const char *const[]){truth->onset, truth->end}, 2);
	size_t n = judge_n_measured(judge, names);
	/* Every signal, on both sides, gets its share. */
	const Widening share = {widening->risk / (2.0 * (double)MAX(n, 1)), 0};
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		/* A truth of truths would hide what it rests on. */
		if (judge_truth(judge, name) || !judge_add_series(judge, set, name, &share)) {
			underivable(judge, truth, name,
				    judge_truth(judge, name) ? "is a truth itself"
							     : "is not in the recording");
			return false;
		}
	}
	return true;
}

/* The bands below it are its own in a witness. */
static void take_bands(Series *series, const SeriesSet *below, const TruthSpec *truth)
{
	series->bands = g_array_new(FALSE, FALSE, sizeof(Band));
	for (guint i = 0; i < below->kept->len; i++) {
		const Series *s = g_ptr_array_index(below->kept, i);
		for (guint k = 0; s->bands && k < s->bands->len; k++) {
			Band band = g_array_index(s->bands, Band, k);
			band.truth = truth->name;
			g_array_append_val(series->bands, band);
		}
	}
}

Series *judge_make_truth(Judge *judge, const TruthSpec *truth, const Widening *widening)
{
	g_autoptr(SeriesSet) below = series_set_new();
	g_autoptr(GError) error = NULL;
	if (!add_below(judge, below, truth, widening))
		return NULL;
	const StlInput input = series_input(judge, below);
	g_autoptr(StlFormula) onset = judge_parse(judge, truth->onset, below, NULL, -1, &error);
	g_autoptr(StlFormula) end =
		truth->end && onset ? judge_parse(judge, truth->end, below, NULL, -1, &error)
				    : NULL;
	g_autoptr(GArray) edges = onset ? stl_edges(onset, &input, &error) : NULL;
	g_autoptr(GArray) sure = NULL, perhaps = NULL;
	if (!edges || (truth->end && !(end && stl_times(end, &input, &sure, &perhaps, &error)))) {
		underivable(judge, truth, NULL, error ? error->message : "cannot be evaluated");
		return NULL;
	}
	Signal *lower = truth_signal(truth), *upper = truth_signal(truth);
	bool point = widening->risk <= 0;
	build(lower, upper, edges, sure, perhaps, judge,
	      point ? 0 : (int64_t)(sensor_lag_s(judge, truth->onset) * 1e9),
	      point ? 0 : (int64_t)ceil(widening->clock_s * 1e9));
	Series *series = series_new(lower, upper);
	take_bands(series, below, truth);
	return series;
}
