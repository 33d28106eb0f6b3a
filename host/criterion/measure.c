/* One criterion at one level: what was measured, how far from the limit, and how sure that is. */
#include "judge.h"

void outcome_free(Outcome *o)
{
	if (!o)
		return;
	g_free(o->premise);
	g_free(o->error);
	g_free(o->formula);
	signal_free(o->trace);
	g_clear_pointer(&o->spans, g_array_unref);
	g_clear_pointer(&o->reasons, g_ptr_array_unref);
	g_free(o->witness);
	g_free(o->missing);
	g_free(o);
}

/* Everything that one evaluation needs. */
typedef struct Case {
	Judge *judge;
	const Criterion *c;
	int level;
	GPtrArray *names;
	SeriesSet *wide, *point; /* enveloped, and as measured; both without what is missing */
	double clock_s;          /* standard */
	double clock_risk;       /* the clock's share of the risk */
	StlFormula *formula;
} Case;

static void case_clear(Case *k)
{
	g_clear_pointer(&k->names, g_ptr_array_unref);
	g_clear_pointer(&k->wide, series_set_free);
	g_clear_pointer(&k->point, series_set_free);
	g_clear_pointer(&k->formula, stl_formula_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Case, case_clear)

/* Why a truth is not there; NULL: it is no truth. */
static const char *underivable(const Judge *judge, const char *name)
{
	if (!judge_truth(judge, name))
		return NULL;
	return judge->underivable || !judge->base ? judge->underivable : judge->base->underivable;
}

static bool fill_set(const Case *k, SeriesSet *set, const Widening *widening, Outcome *o)
{
	for (guint i = 0; i < k->names->len; i++) {
		const char *name = g_ptr_array_index(k->names, i);
		if (!judge_add_series(k->judge, set, name, widening)) {
			const char *why = underivable(k->judge, name);
			o->error = why ? g_strdup(why)
				       : g_strdup_printf("signal %s is not in the recording", name);
			return false;
		}
	}
	return true;
}

/* A series with a hole in the timeline; NULL: all are known throughout. */
static const char *with_hole(const Case *k)
{
	const Recording *rec = k->judge->recording;
	for (guint i = 0; i < k->wide->kept->len; i++) {
		const Signal *s = ((const Series *)g_ptr_array_index(k->wide->kept, i))->lower;
		ptrdiff_t at = signal_index(s, rec->start_ns);
		if (at < 0)
			return s->info.name;
		for (size_t n = (size_t)at; n < s->n && s->t_ns[n] <= rec->end_ns; n++)
			if (s->status[n] != SAMPLE_OK)
				return s->info.name;
	}
	return NULL;
}

/* One inequality on one measured signal errs on one side only; anything else may err on both. */
static bool one_sided(const Case *k, const char *text)
{
	static const char *const both[] = {"->",  "<->", "until",   "rise", "fall", "not",
					   "xor", "iff", "implies", "==",   "!="};
	for (size_t i = 0; i < G_N_ELEMENTS(both); i++)
		if (strstr(text, both[i]))
			return false;
	unsigned comparisons = 0;
	for (const char *p = text; *p; p++)
		comparisons += *p == '<' || *p == '>';
	return k->names->len == 1 && comparisons == 1;
}

/* The risk is shared out: the clock takes half where it matters, then every signal and side its part. */
static bool prepare(Case *k, Outcome *o)
{
	const Criterion *c = k->c;
	g_autoptr(GError) error = NULL;
	k->names =
		judge_names(k->judge, (const char *const[]){c->formula, c->measure, c->premise}, 3);
	k->wide = series_set_new();
	k->point = series_set_new();
	k->clock_s = judge_clock(k->judge, k->names);

	double risk = fmin(c->risk_accept, c->risk_reject);
	size_t measured = judge_n_measured(k->judge, k->names);
	k->clock_risk = measured > 0 ? risk / 2 : risk;
	bool pure = measured == 1 && one_sided(k, c->formula);
	double each = pure ? risk
			   : (risk - (measured > 0 ? k->clock_risk : 0)) /
				      (2.0 * (double)MAX(measured, 1));
	Widening wide = {each, 0};
	if (!c->measure) /* a delay takes the clock in by itself */
		wide.clock_s =
			k->clock_s * metrology_t_quantile(1 - k->clock_risk / 2, (double)INFINITY);
	if (measured == 0)
		wide.risk = risk; /* nothing to widen but the edges of truths */
	if (!fill_set(k, k->wide, &wide, o))
		return false;
	k->formula = judge_parse(k->judge, c->formula, k->wide, c, k->level, &error);
	if (!k->formula) {
		o->error = g_strdup_printf("the criterion does not fit the recording: %s",
					   error->message);
		return false;
	}
	o->formula = stl_formula_print(k->formula, true);
	o->missing = g_strdup(with_hole(k));
	return true;
}

/* The values as measured; made when first asked for. */
static StlInput as_measured(const Case *k)
{
	const Widening point = {0, 0};
	Outcome nobody = {0};
	if (k->point->kept->len == 0)
		fill_set(k, k->point, &point, &nobody);
	g_free(nobody.error); /* what the wide set has the point set has too */
	return series_input(k->judge, k->point);
}

/* ---- premise ---- */

static bool promised(const Case *k, const char *premise)
{
	g_autoptr(GPtrArray) names = judge_names(k->judge, &premise, 1);
	for (guint i = 0; i < names->len; i++)
		if (judge_truth(k->judge, g_ptr_array_index(names, i)))
			return true;
	return false;
}

static bool looks_at_outcomes(const Case *k, const char *text)
{
	g_autoptr(StlFormula) f = stl_parse(text, NULL, NULL);
	for (size_t i = 0; f && i < stl_formula_n_signals(f); i++) {
		const Signal *s = judge_signal(k->judge, stl_formula_signal(f, i));
		if (s && signal_is_outcome(&s->info))
			return true;
	}
	return false;
}

static void declared_premise(const Case *k, Outcome *o)
{
	g_autofree char *text = g_strdup_printf("eventually (%s)", k->c->premise);
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = judge_parse(k->judge, text, k->wide, k->c, k->level, &error);
	const StlInput wide = series_input(k->judge, k->wide);
	const StlOptions quick = {.no_explanation = true, .no_completeness = true};
	g_autoptr(StlResult) r = f ? stl_eval(f, &wide, &quick, &error) : NULL;
	if (!r) {
		o->error = g_strdup_printf("premise: %s",
					   error ? error->message : "cannot be evaluated");
		return;
	}
	o->vacuous = r->satisfied == STL_FALSE;
	o->maybe_vacuous = r->satisfied == STL_UNKNOWN;
	g_free(o->premise);
	o->premise = g_strdup(k->c->premise);
}

/* The formula's own implications, unless the missing premise is the product's doing. */
static void own_premise(const Case *k, const StlResult *r, Outcome *o)
{
	if (r->vacuous == STL_FALSE || !r->premise || looks_at_outcomes(k, r->premise))
		return;
	o->vacuous = r->vacuous == STL_TRUE;
	o->maybe_vacuous = r->vacuous == STL_UNKNOWN;
	g_free(o->premise);
	o->premise = g_strdup(r->premise);
}

/* ---- would a product that never does anything pass too? ---- */

static Signal *silent(const Judge *judge, const Signal *signal)
{
	Signal *s = signal_new(signal->info.name);
	signal_info_clear(&s->info);
	signal_info_copy(&s->info, &signal->info);
	s->info.interp = SIGNAL_PREVIOUS;
	signal_append(s, judge->recording->start_ns, 0, SAMPLE_OK);
	return s;
}

static bool dead_product_passes(const Case *k)
{
	bool any = false;
	g_autoptr(SeriesSet) set = series_set_new();
	for (guint i = 0; i < k->names->len; i++) {
		const char *name = g_ptr_array_index(k->names, i);
		const Signal *s = judge_signal(k->judge, name);
		if (s && (s->info.origin == ORIGIN_RESPONSE || s->info.origin == ORIGIN_CLAIM)) {
			series_set_take(set, silent(k->judge, s), NULL);
			any = true;
		}
	}
	/* The rest as the criterion sees it: an open answer counts as "would pass", so wide bands err on the safe side. */
	for (guint i = 0; i < k->wide->kept->len; i++) {
		Series *series = g_ptr_array_index(k->wide->kept, i);
		if (!series_set_has(set, series->lower->info.name))
			series_set_add(set, series);
	}
	if (!any) /* only what happened in the room: nothing in it shows that the product was there */
		return true;
	const StlInput input = series_input(k->judge, set);
	const StlOptions quick = {.no_explanation = true, .no_completeness = true};
	g_autoptr(StlFormula) f = judge_parse(k->judge, k->c->formula, set, k->c, k->level, NULL);
	g_autoptr(StlResult) r = f ? stl_eval(f, &input, &quick, NULL) : NULL;
	return !r || r->satisfied != STL_FALSE;
}

/* ---- satisfaction and margins of formulas ---- */

static double finite_or(double value, double other)
{
	return isfinite(value) ? value : other;
}

static void take_trace(const StlResult *r, Outcome *o)
{
	if (!r->margin || r->trace_n == 0)
		return;
	o->trace = signal_new("margin");
	o->trace->info.unit = r->unit;
	o->trace->info.origin = ORIGIN_DERIVED;
	for (size_t i = 0; i < r->trace_n; i++)
		if (isfinite(r->trace_lo[i]) && isfinite(r->trace_hi[i]))
			signal_append(o->trace, r->trace_t_ns[i],
				      (r->trace_lo[i] + r->trace_hi[i]) / 2, SAMPLE_OK);
}

/* Of the one measured signal: its combined standard uncertainty with Welch-Satterthwaite degrees of freedom, and what the
 * band is a multiple of. Several signals err each for itself: no such number. */
static void take_coverage(const Case *k, Outcome *o)
{
	const View *only = NULL;
	o->coverage = (double)NAN;
	for (guint i = 0; i < k->names->len; i++) {
		const View *view = judge_view(k->judge, g_ptr_array_index(k->names, i));
		if (!view || view->kind != VIEW_MEASURED)
			continue;
		if (only)
			return;
		only = view;
	}
	const SignalInfo *info = only ? &only->signal->info : NULL;
	if (!info || !unit_compatible(&info->unit, &o->unit))
		return;
	const Uncertainty parts[] = {{info->u_common, info->dof_common},
				     {info->u_sample, (double)INFINITY}};
	Uncertainty u = metrology_combine(parts, 2);
	double standard = unit_convert_difference(u.u, &info->unit, &o->unit);
	o->dof = u.dof;
	if (standard > 0)
		o->coverage = o->uncertainty / standard;
}

static void take_margin(const Case *k, const StlResult *wide, const StlResult *point, Outcome *o)
{
	Quantity limit;
	double nan = (double)NAN;
	o->unit = point->unit;
	o->boolean = !point->margin || (isinf(point->lo) && isinf(point->hi));
	if (o->boolean)
		return;
	o->margin =
		finite_or(point->lo == point->hi ? point->lo : (point->lo + point->hi) / 2, nan);
	o->accept = finite_or(o->margin - wide->lo, nan);
	o->reject = finite_or(wide->hi - o->margin, nan);
	o->uncertainty = fmax(o->accept, o->reject);
	o->measured = o->margin;
	o->limit = 0;
	take_coverage(k, o);
	if (!criterion_limit(k->c, k->level, &limit) || !unit_compatible(&limit.unit, &point->unit))
		return;
	/* The measured value is what has this margin to the limit. */
	o->unit = limit.unit;
	o->limit = limit.value;
	o->margin = unit_convert_difference(o->margin, &point->unit, &limit.unit);
	o->accept = unit_convert_difference(o->accept, &point->unit, &limit.unit);
	o->reject = unit_convert_difference(o->reject, &point->unit, &limit.unit);
	o->uncertainty = unit_convert_difference(o->uncertainty, &point->unit, &limit.unit);
	o->measured = k->c->good == GOOD_BELOW ? o->limit - o->margin : o->limit + o->margin;
}

/* Of the atoms that decide, the one that was so for the shortest time tells a reader when it happened. */
static int64_t narrowest(const GPtrArray *reasons)
{
	const StlReason *best = NULL;
	for (guint i = 0; reasons && i < reasons->len; i++) {
		const StlReason *r = g_ptr_array_index(reasons, i);
		if (!best || r->to_ns - r->from_ns < best->to_ns - best->from_ns)
			best = r;
	}
	return best ? best->from_ns : -1;
}

/* The truth for sure: at a margin of nothing it is open, under every rule. Which side of nothing rounding leaves it on says
 * nothing: a height that falls through 1.16 m is nowhere "!= 1.16 m" all the time. */
static StlTruth surely(const StlResult *r)
{
	bool open = r->margin && ((r->satisfied == STL_TRUE && !(r->lo > JUDGE_ROUNDING)) ||
				  (r->satisfied == STL_FALSE && !(r->hi < -JUDGE_ROUNDING)));
	return open ? STL_UNKNOWN : r->satisfied;
}

static void judge_formula(const Case *k, Outcome *o)
{
	g_autoptr(GError) error = NULL;
	const StlInput wide_input = series_input(k->judge, k->wide);
	bool quick = k->judge->verdicts_only;
	const StlOptions traced = {.trace = !quick, .no_explanation = true};
	/* Where the product failed it matters for the verdict when the deciding atoms were through. */
	const StlOptions reasoned = {.no_explanation = quick && k->judge->product->len == 0,
				     .no_completeness = true};
	g_autoptr(StlResult) wide = stl_eval(k->formula, &wide_input, &reasoned, &error);
	bool decided = wide && surely(wide) != STL_UNKNOWN && k->c->rule != RULE_SIMPLE;
	g_autoptr(StlResult) point = NULL;
	if (wide && !(quick && decided)) {
		const StlInput point_input = as_measured(k);
		point = stl_eval(k->formula, &point_input, &traced, &error);
	}
	if (!wide || error) {
		o->error = g_strdup_printf("the criterion cannot be evaluated: %s", error->message);
		return;
	}
	o->truth = surely(wide);
	o->point = point ? point->satisfied : STL_UNKNOWN;
	o->ended = point && !point->complete;
	o->before = o->ended && stl_formula_past(k->formula) > 0 &&
		    stl_formula_future_bounded(k->formula) <= 0;
	o->from_ns = wide->from_ns;
	o->to_ns = wide->to_ns;
	o->instant_ns = narrowest(wide->reasons);
	if (k->judge->proving && wide->reasons)
		o->reasons = g_ptr_array_ref(wide->reasons);
	if (wide->margin) {
		o->low = wide->lo;
		o->high = wide->hi;
	}
	if (point) {
		take_margin(k, wide, point, o);
		take_trace(point, o);
	}
	own_premise(k, wide, o);
	/* Of no account for the verdict unless it is satisfied. */
	o->prohibition = (!quick || o->truth == STL_TRUE || !decided) && dead_product_passes(k);
	if (k->c->rule == RULE_SIMPLE) {
		o->truth = point ? surely(point) : STL_UNKNOWN;
		o->accept = o->reject = 0;
	}
}

/* ---- delays and durations ---- */

/* value < limit for sure, > limit for sure, or neither. */
static StlTruth against(double lo, double hi, double limit, GoodSide good)
{
	if (good == GOOD_BELOW)
		return hi < limit ? STL_TRUE : lo > limit ? STL_FALSE : STL_UNKNOWN;
	return lo > limit ? STL_TRUE : hi < limit ? STL_FALSE : STL_UNKNOWN;
}

static StlTruth worse(StlTruth a, StlTruth b)
{
	return MIN(a, b); /* FALSE < UNKNOWN < TRUE */
}

/* All causes against the limit; extra_s widens both ends (clock). An uncertain cause can spoil a PASS, not make a FAIL. */
static StlTruth spans_truth(const GArray *measures, double limit_s, GoodSide good, double extra_s)
{
	StlTruth all = STL_TRUE;
	for (guint i = 0; i < measures->len; i++) {
		const StlMeasure *m = &g_array_index(measures, StlMeasure, i);
		double hi = m->state == STL_MEASURE_KNOWN ? m->hi : (double)INFINITY;
		if (m->state == STL_MEASURE_AMBIGUOUS)
			hi = m->hi;
		StlTruth t = against(m->lo - extra_s, hi + extra_s, limit_s, good);
		if (!m->cause.certain && t == STL_FALSE)
			t = STL_UNKNOWN;
		all = worse(all, t);
	}
	return all;
}

static const StlMeasure *worst(const GArray *measures, GoodSide good)
{
	const StlMeasure *w = NULL;
	for (guint i = 0; i < measures->len; i++) {
		const StlMeasure *m = &g_array_index(measures, StlMeasure, i);
		if (!w || (good == GOOD_BELOW ? m->lo > w->lo : m->lo < w->lo))
			w = m;
	}
	return w;
}

static const StlMeasure *same_cause(const GArray *measures, const StlMeasure *as)
{
	const StlMeasure *near = NULL;
	int64_t distance = CLOCK_NEVER;
	for (guint i = 0; i < measures->len; i++) {
		const StlMeasure *m = &g_array_index(measures, StlMeasure, i);
		int64_t d = ABS(m->cause.latest_ns - as->cause.latest_ns);
		if (d < distance) {
			near = m;
			distance = d;
		}
	}
	return near;
}

static void take_span(const Case *k, const StlMeasure *point, const StlMeasure *wide, double clock,
		      Outcome *o)
{
	double to_unit = unit_convert_difference(1, &unit_second, &k->c->unit);
	double measured = point->lo, below = 0, above = 0;
	o->unanswered = point->state == STL_MEASURE_NONE || isinf(point->hi);
	o->stale = point->stale;
	if (!o->unanswered)
		measured = (point->lo + point->hi) / 2;
	if (wide) {
		below = fmax(measured - wide->lo, 0);
		above = fmax(wide->hi - measured, 0);
	}
	/* Where an onset is only known to lie in an interval the whole is no multiple of anything. */
	if (below > 0 || above > 0)
		o->coverage = (double)NAN;
	bool simple = k->c->rule == RULE_SIMPLE;
	double up = simple ? 0 : above + clock, down = simple ? 0 : below + clock;
	o->measured = measured * to_unit;
	o->margin = k->c->good == GOOD_BELOW ? o->limit - o->measured : o->measured - o->limit;
	o->accept = finite_or((k->c->good == GOOD_BELOW ? up : down) * to_unit, (double)NAN);
	o->reject = finite_or((k->c->good == GOOD_BELOW ? down : up) * to_unit, (double)NAN);
	o->uncertainty = fmax(o->accept, o->reject);
	o->cause = point->cause;
	if (point->state == STL_MEASURE_KNOWN)
		o->answer = point->answer;
	o->from_ns = point->cause.earliest_ns;
	o->to_ns = o->unanswered ? k->judge->recording->end_ns : point->answer.latest_ns;
}

static void note_premise(const StlFormula *measure, const GArray *wide, Outcome *o)
{
	bool certain = false;
	for (guint i = 0; i < wide->len; i++)
		certain |= g_array_index(wide, StlMeasure, i).cause.certain;
	o->vacuous = wide->len == 0;
	o->maybe_vacuous = !o->vacuous && !certain;
	g_free(o->premise);
	o->premise = stl_formula_print(measure, true);
}

static void judge_span(const Case *k, const StlFormula *measure, Outcome *o)
{
	g_autoptr(GError) error = NULL;
	Quantity limit = {0};
	const StlInput wide_input = series_input(k->judge, k->wide), point_input = as_measured(k);
	g_autoptr(GArray) point = stl_measure(measure, &point_input, &error);
	g_autoptr(GArray) wide = point ? stl_measure(measure, &wide_input, &error) : NULL;
	if (!wide || !criterion_limit(k->c, k->level, &limit)) {
		o->error = g_strdup_printf("the measure cannot be evaluated: %s",
					   error ? error->message : "no limit");
		return;
	}
	double limit_s = unit_convert(limit.value, &limit.unit, &unit_second);
	double z = metrology_t_quantile(1 - k->clock_risk, (double)INFINITY);
	double clock = k->clock_s > 0 ? z * k->clock_s : 0;
	bool simple = k->c->rule == RULE_SIMPLE;
	o->unit = k->c->unit;
	o->limit = unit_convert(limit.value, &limit.unit, &k->c->unit);
	o->coverage = z;
	if (stl_formula_kind(measure) == STL_KIND_DURATION && looks_at_outcomes(k, k->c->measure))
		o->prohibition = true; /* a dead product does nothing for too long */
	else
		note_premise(measure, wide, o);
	o->point = spans_truth(point, limit_s, k->c->good, 0);
	o->truth = simple ? o->point : spans_truth(wide, limit_s, k->c->good, clock);

	o->spans = g_array_ref(wide);
	const StlMeasure *w = worst(point, k->c->good);
	if (w)
		take_span(k, w, same_cause(wide, w), clock, o);
	for (guint i = 0; i < point->len; i++) {
		const StlMeasure *m = &g_array_index(point, StlMeasure, i);
		o->ended |= m->state == STL_MEASURE_NONE && m->lo <= limit_s;
		/* What is decided is decided when the last answer has come. */
		if (m->state == STL_MEASURE_KNOWN)
			o->to_ns = MAX(o->to_ns, m->answer.latest_ns);
	}
}

/* The delay is the verdict; the formula's margin is kept for the plot. */
static void trace_formula(const Case *k, Outcome *o)
{
	if (k->judge->verdicts_only)
		return;
	const StlInput input = as_measured(k);
	const StlOptions traced = {.trace = true, .no_explanation = true, .no_completeness = true};
	g_autoptr(StlResult) r = stl_eval(k->formula, &input, &traced, NULL);
	if (r)
		take_trace(r, o);
}

static StlTruth point_span(const Case *k, const StlFormula *measure)
{
	Quantity limit;
	const StlInput input = series_input(k->judge, k->point);
	g_autoptr(GArray) spans = stl_measure(measure, &input, NULL);
	if (!spans || !criterion_limit(k->c, k->level, &limit))
		return STL_UNKNOWN;
	return spans_truth(spans, unit_convert(limit.value, &limit.unit, &unit_second), k->c->good,
			   0);
}

static StlTruth point_formula(const Case *k)
{
	const StlInput input = series_input(k->judge, k->point);
	const StlOptions quick = {.no_explanation = true, .no_completeness = true};
	g_autoptr(StlFormula) f =
		judge_parse(k->judge, k->c->formula, k->point, k->c, k->level, NULL);
	g_autoptr(StlResult) r = f ? stl_eval(f, &input, &quick, NULL) : NULL;
	return r ? r->satisfied : STL_UNKNOWN;
}

StlTruth judge_point_truth(Judge *judge, const Criterion *c, int level)
{
	const Widening point = {0, 0};
	Outcome nobody = {0};
	g_auto(Case) k = {.judge = judge, .c = c, .level = level};
	k.names = judge_names(judge, (const char *const[]){c->formula, c->measure, c->premise}, 3);
	k.point = series_set_new();
	bool filled = fill_set(&k, k.point, &point, &nobody);
	g_free(nobody.error);
	if (!filled)
		return STL_UNKNOWN;
	g_autoptr(StlFormula) measure =
		c->measure ? judge_parse(judge, c->measure, k.point, c, level, NULL) : NULL;
	StlKind kind = measure ? stl_formula_kind(measure) : STL_KIND_TERM;
	return kind == STL_KIND_DELAY || kind == STL_KIND_DURATION ? point_span(&k, measure)
								   : point_formula(&k);
}

Outcome *judge_outcome(Judge *judge, const Criterion *criterion, int level)
{
	g_autoptr(Outcome) o = g_new0(Outcome, 1);
	g_auto(Case) k = {.judge = judge, .c = criterion, .level = level};
	g_autoptr(GError) error = NULL;
	o->truth = o->point = STL_UNKNOWN;
	o->from_ns = o->to_ns = o->instant_ns = -1;
	o->cause = o->answer = (StlEdge){-1, -1, false};
	o->low = o->high = (double)NAN;
	o->measured = o->uncertainty = o->margin = o->accept = o->reject = o->limit = o->coverage =
		(double)NAN;
	o->dof = (double)INFINITY;
	o->unit = criterion->unit;
	if (!prepare(&k, o))
		return g_steal_pointer(&o);

	g_autoptr(StlFormula) measure = NULL;
	if (criterion->measure) {
		measure = judge_parse(judge, criterion->measure, k.wide, criterion, level, &error);
		if (!measure) {
			o->error = g_strdup_printf("the measure does not fit the recording: %s",
						   error->message);
			return g_steal_pointer(&o);
		}
	}
	StlKind kind = measure ? stl_formula_kind(measure) : STL_KIND_TERM;
	if (kind == STL_KIND_DELAY || kind == STL_KIND_DURATION) {
		judge_span(&k, measure, o);
		trace_formula(&k, o);
	} else {
		judge_formula(&k, o);
	}
	if (criterion->premise && !o->error)
		declared_premise(&k, o);
	o->promised = o->premise && promised(&k, o->premise);
	if (judge->proving)
		o->witness = witness_json(judge, k.names, k.wide, o, k.clock_s, k.clock_risk);
	return g_steal_pointer(&o);
}

Outcome *judge_outcome_proven(Judge *judge, const Criterion *criterion, int level)
{
	judge->proving = true;
	Outcome *o = judge_outcome(judge, criterion, level);
	judge->proving = false;
	return o;
}
