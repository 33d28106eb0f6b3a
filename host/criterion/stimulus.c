/* Did the rig do what the script says? Every check must be satisfied for sure. */
#include "judge.h"

/* A stimulus wrongly taken as scripted spoils a verdict as surely as a wrong limit. */
#define STIMULUS_RISK 0.025

static bool rests_on_outcomes(const Judge *judge, GPtrArray *names)
{
	for (guint i = 0; i < names->len; i++) {
		const Signal *s = judge_signal(judge, g_ptr_array_index(names, i));
		if (s && signal_is_outcome(&s->info))
			return true;
	}
	return false;
}

static Trouble *stimulus_trouble(Judge *judge, GPtrArray *names, int64_t from_ns, char *en,
				 char *ja)
{
	Trouble *t = trouble_new(MAX(from_ns, judge->recording->start_ns), CLOCK_NEVER, NULL,
				 !rests_on_outcomes(judge, names), en, ja);
	t->all = t->responses = true;
	return t;
}

static Trouble *not_as_scripted(Judge *judge, const char *formula, GPtrArray *names,
				int64_t from_ns, const char *why)
{
	return stimulus_trouble(
		judge, names, from_ns,
		g_strdup_printf("stimulus not as scripted: %s (%s)", formula, why),
		g_strdup_printf("刺激が台本どおりではありません: %s (%s)", formula, why));
}

/* Something else kept the stimulus from being seen: that is the reason to tell first. */
static Trouble *not_seen(Judge *judge, const char *formula, GPtrArray *names, const Trouble *hole)
{
	return stimulus_trouble(
		judge, names, judge->recording->start_ns,
		g_strdup_printf("%s; the stimulus was not seen to be as scripted: %s",
				hole->what.en, formula),
		g_strdup_printf("%s。刺激が台本どおりか確認できません: %s", hole->what.ja,
				formula));
}

static StlResult *evaluate(Judge *judge, const char *text, GPtrArray *names,
			   const StlOptions *options, char **ret_formula, GError **error)
{
	g_autoptr(SeriesSet) set = series_set_new();
	size_t n = MAX(judge_n_measured(judge, names), 1);
	const Widening widening = {STIMULUS_RISK / (2.0 * (double)n), 0};
	for (guint i = 0; i < names->len; i++)
		if (!judge_add_series(judge, set, g_ptr_array_index(names, i), &widening)) {
			const char *name = g_ptr_array_index(names, i);
			if (judge_truth(judge, name) && judge->underivable)
				g_set_error_literal(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
						    judge->underivable);
			else
				g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
					    "signal %s is not in the recording", name);
			return NULL;
		}
	const StlInput input = series_input(judge, set);
	g_autoptr(StlFormula) f = judge_parse(judge, text, set, NULL, -1, error);
	if (!f)
		return NULL;
	if (ret_formula)
		*ret_formula = stl_formula_print(f, true);
	return stl_eval(f, &input, options, error);
}

static char *measured_text(const StlResult *r)
{
	if (!r->margin || r->mixed || !isfinite(r->lo) || !isfinite(r->hi))
		return g_strdup(r->explanation ? r->explanation : stl_truth_name(r->satisfied));
	g_autofree char *margin = why_number((r->lo + r->hi) / 2, &r->unit, (r->hi - r->lo) / 2);
	return g_strdup_printf("margin %s; %s", margin, r->explanation ? r->explanation : "");
}

/* NULL: as scripted, for sure. */
static Trouble *check_one(Judge *judge, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *formula = NULL;
	g_autoptr(GPtrArray) names = judge_names(judge, &text, 1);
	const StlOptions told = {.no_completeness = true};
	g_autoptr(StlResult) r = evaluate(judge, text, names, &told, &formula, &error);
	if (!r)
		return not_as_scripted(judge, text, names, judge->recording->start_ns,
				       error->message);
	if (r->satisfied == STL_TRUE && (!r->margin || r->lo > JUDGE_ROUNDING))
		return NULL;
	const Trouble *hole =
		r->satisfied == STL_UNKNOWN ? judge_first_trouble(judge, names) : NULL;
	if (hole)
		return not_seen(judge, formula, names, hole);
	g_autofree char *why = measured_text(r);
	int64_t from = r->satisfied == STL_FALSE ? r->from_ns : judge->recording->start_ns;
	return not_as_scripted(judge, formula, names, from, why);
}

bool judge_stimulus_holds(Judge *judge, const char *signal)
{
	const StlOptions quick = {.no_explanation = true, .no_completeness = true};
	for (guint i = 0; i < judge->spec->stimulus->len; i++) {
		const char *text = g_ptr_array_index(judge->spec->stimulus, i);
		g_autoptr(GPtrArray) names = judge_names(judge, &text, 1);
		if (!g_ptr_array_find_with_equal_func(names, signal, g_str_equal, NULL))
			continue;
		g_autoptr(StlResult) r = evaluate(judge, text, names, &quick, NULL, NULL);
		if (!r || r->satisfied != STL_TRUE)
			return false;
	}
	return true;
}

void judge_check_stimulus(Judge *judge)
{
	/* All are checked before the first one that failed makes everything after it unknown. */
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	for (guint i = 0; i < judge->spec->stimulus->len; i++) {
		Trouble *t = check_one(judge, g_ptr_array_index(judge->spec->stimulus, i));
		if (t)
			g_ptr_array_add(found, t);
	}
	for (guint i = 0; i < found->len; i++) {
		Trouble *t = g_ptr_array_index(found, i);
		judge->scripted_until = MIN(judge->scripted_until, t->from_ns);
		judge_add_trouble(judge, t);
	}
}
