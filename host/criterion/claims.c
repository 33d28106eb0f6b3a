/* From many runs to a claim. Nothing that is missing, repeated, invalid or unplanned can make one: every doubt is counted
 * against it, or leaves it open. */
#include "judge.h"

typedef struct Row {
	const RunRecord *run;
	const CriterionResult *result;
	char *stimulus; /* what was done to the product, to the seed */
} Row;

static void row_clear(gpointer data)
{
	g_free(((Row *)data)->stimulus);
}

static void level_free(gpointer data)
{
	ClaimLevel *level = data;
	g_free(level->name);
	g_free(level);
}

void claim_result_free(ClaimResult *c)
{
	if (!c)
		return;
	char *texts[] = {c->criterion, c->title_en, c->title_ja, c->product,
			 c->over,      c->level,    c->why,      c->why_ja};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_ptr_array_unref(c->levels);
	g_free(c);
}

/* ---- which runs count ---- */

static const char *meta(const RunRecord *run, const char *key)
{
	const char *value = g_hash_table_lookup(run->meta, key);
	return value ? value : "";
}

static char *stimulus_of(const RunRecord *run)
{
	GString *out = g_string_new(NULL);
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(run->meta), (GCompareFunc)strcmp);
	g_string_append_printf(out, "%s|%s|%s", run->scenario ? run->scenario : "",
			       run->rig ? run->rig : "", meta(run, "seed"));
	for (GList *k = keys; k; k = k->next)
		if (g_str_has_prefix(k->data, "parameter."))
			g_string_append_printf(out, "|%s=%s", (char *)k->data, meta(run, k->data));
	return g_string_free(out, FALSE);
}

static bool same_session(const GArray *rows, const RunRecord *run)
{
	for (guint i = 0; i < rows->len; i++)
		if (run->session_sha256 &&
		    !g_strcmp0(g_array_index(rows, Row, i).run->session_sha256,
			       run->session_sha256))
			return true;
	return false;
}

static bool same_claim(const CriterionResult *a, const CriterionResult *b)
{
	return a->claim_n == b->claim_n && a->claim_permitted == b->claim_permitted &&
	       a->claim_rate == b->claim_rate && a->claim_confidence == b->claim_confidence &&
	       !(a->claim_good != b->claim_good) && !g_strcmp0(a->formula, b->formula) &&
	       (a->limit == b->limit || (isnan(a->limit) && isnan(b->limit))) &&
	       !g_strcmp0(a->claim_over, b->claim_over);
}

/* Drawn from the declared population by one campaign, which fixed the numbers before the first run. */
static bool planned(const GArray *rows)
{
	for (guint i = 0; i < rows->len; i++) {
		const RunRecord *run = g_array_index(rows, Row, i).run,
				*first = g_array_index(rows, Row, 0).run;
		if (!*meta(run, "campaign") || strcmp(meta(run, "sample"), "random") ||
		    strcmp(meta(run, "campaign"), meta(first, "campaign")) ||
		    !same_claim(g_array_index(rows, Row, i).result,
				g_array_index(rows, Row, 0).result))
			return false;
	}
	return rows->len > 0;
}

static unsigned number(const RunRecord *run, const char *key)
{
	return (unsigned)g_ascii_strtoull(meta(run, key), NULL, 10);
}

static bool has(const GArray *rows, const char *scenario, unsigned sample, unsigned attempt)
{
	for (guint i = 0; i < rows->len; i++) {
		const RunRecord *run = g_array_index(rows, Row, i).run;
		if (!g_strcmp0(run->scenario, scenario) &&
		    number(run, "campaign.sample") == sample &&
		    number(run, "campaign.attempt") == attempt)
			return true;
	}
	return false;
}

/* Runs are drawn in order, and a repetition comes after an INVALID run: who leaves one out leaves a hole before another. *ret: a
 * run that must have been and is not there. */
static bool hole(const GArray *rows, const char **ret_scenario, unsigned *ret_sample,
		 unsigned *ret_attempt)
{
	for (guint i = 0; i < rows->len; i++) {
		const RunRecord *run = g_array_index(rows, Row, i).run;
		unsigned sample = number(run, "campaign.sample"),
			 attempt = number(run, "campaign.attempt");
		*ret_scenario = run->scenario;
		*ret_sample = attempt > 1 ? sample : sample - 1;
		*ret_attempt = attempt > 1 ? attempt - 1 : 1;
		if (sample == 0 || attempt == 0 ||
		    ((sample > 1 || attempt > 1) &&
		     !has(rows, run->scenario, *ret_sample, *ret_attempt)))
			return true;
	}
	return false;
}

static Verdict at_level(const CriterionResult *r, int level)
{
	if (level < 0 || r->verdict == VERDICT_INVALID)
		return r->verdict;
	if ((guint)level >= r->levels->len)
		return r->levels->len > 0 && level > 0 ? VERDICT_FAIL : VERDICT_INCONCLUSIVE;
	return ((LevelResult *)g_ptr_array_index(r->levels, level))->verdict;
}

static Verdict worse(Verdict a, Verdict b)
{
	/* A valid run replaces an INVALID one with the same stimulus: it is its repetition. */
	static const int rank[] = {[VERDICT_INVALID] = 0,
				   [VERDICT_PASS] = 1,
				   [VERDICT_INCONCLUSIVE] = 2,
				   [VERDICT_FAIL] = 3};
	return rank[a] > rank[b] ? a : b;
}

typedef struct Count {
	unsigned passed, failed, inconclusive, invalid, unexplained, repeated;
} Count;

static unsigned counted(const Count *n)
{
	return n->passed + n->failed + n->inconclusive;
}

static bool unexplained(const CriterionResult *r)
{
	return !r->why || strstr(r->why, "cause unknown");
}

/* At a level (-1: the required one); group: only runs whose parameter `over` has this value. */
static Count count_rows(const GArray *rows, int level, const char *over, const char *group)
{
	Count n = {0};
	g_autofree char *key = g_strdup_printf("parameter.%s", over ? over : "");
	g_autoptr(GHashTable) verdicts = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < rows->len; i++) {
		const Row *row = &g_array_index(rows, Row, i);
		Verdict v = at_level(row->result, level);
		gpointer known;
		if (over && strcmp(meta(row->run, key), group))
			continue;
		if (v == VERDICT_INVALID) {
			n.invalid++;
			n.unexplained += unexplained(row->result);
			continue;
		}
		if (g_hash_table_lookup_extended(verdicts, row->stimulus, NULL, &known)) {
			n.repeated++;
			v = worse(v, (Verdict)GPOINTER_TO_INT(known));
		}
		g_hash_table_insert(verdicts, row->stimulus, GINT_TO_POINTER(v));
	}
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, verdicts);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Verdict v = (Verdict)GPOINTER_TO_INT(value);
		n.passed += v == VERDICT_PASS;
		n.failed += v == VERDICT_FAIL;
		n.inconclusive += v == VERDICT_INCONCLUSIVE;
	}
	return n;
}

/* ---- rates ---- */

static Verdict decide_rate(const CriterionResult *r, unsigned passed, unsigned n)
{
	double risk = 1 - r->claim_confidence;
	const Sprt plan = {r->claim_rate, r->claim_good, risk, risk};
	if (r->claim_good > 0)
		return metrology_sprt_decide(&plan, passed, n);
	if (metrology_proportion_lower(passed, n, r->claim_confidence) >= r->claim_rate)
		return VERDICT_PASS;
	return metrology_proportion_upper(passed, n, r->claim_confidence) < r->claim_rate
		       ? VERDICT_FAIL
		       : VERDICT_INCONCLUSIVE;
}

/* A PASS needs both: without the INVALIDs, and with the unexplained ones as failures. */
static Verdict decide_twice(const CriterionResult *r, const Count *n)
{
	Verdict v = decide_rate(r, n->passed, counted(n));
	if (v == VERDICT_PASS &&
	    decide_rate(r, n->passed, counted(n) + n->unexplained) != VERDICT_PASS)
		return VERDICT_INCONCLUSIVE;
	return v;
}

static void say(ClaimResult *c, Verdict verdict, char *en, char *ja)
{
	g_free(c->why);
	g_free(c->why_ja);
	c->verdict = verdict;
	c->why = en;
	c->why_ja = ja;
}

/* What keeps a claim from being decided at all. False: nothing. */
static bool undecidable(ClaimResult *c, const GArray *rows, const CriterionResult *r)
{
	unsigned tried = c->n + c->invalid;
	double permitted = r->claim_max_invalid > 0 ? r->claim_max_invalid : 0; /* NaN: none */
	if (c->invalid > permitted * tried) {
		say(c, VERDICT_INVALID,
		    g_strdup_printf("%u of %u runs are INVALID, more than the permitted %.3g %%",
				    c->invalid, tried, 100 * permitted),
		    g_strdup_printf("%2$u 回中 %1$u 回が試験無効で、許容 %3$.3g %% を超えました",
				    c->invalid, tried, 100 * permitted));
		return true;
	}
	if (!planned(rows)) {
		say(c, VERDICT_INCONCLUSIVE,
		    g_strdup("the runs are not known to be drawn from the declared population: no "
			     "campaign's plan"),
		    g_strdup("宣言した母集団から抽出された試験か分かりません("
			     "試験計画がありません)"));
		return true;
	}
	const char *scenario;
	unsigned sample, attempt;
	if (hole(rows, &scenario, &sample, &attempt)) {
		say(c, VERDICT_INCONCLUSIVE,
		    g_strdup_printf("a run of the campaign is left out: %s, sample %u, attempt %u",
				    scenario ? scenario : "", sample, attempt),
		    g_strdup_printf("試験計画の試験が欠けています: %s、標本 %u、%u 回目",
				    scenario ? scenario : "", sample, attempt));
		return true;
	}
	if (c->n > c->planned || (c->n < c->planned && !(r->claim_good > 0))) {
		say(c, VERDICT_INCONCLUSIVE,
		    g_strdup_printf("%u runs count; the plan fixed %u beforehand", c->n,
				    c->planned),
		    g_strdup_printf("有効な試験は %u 回、計画は %u 回です", c->n, c->planned));
		return true;
	}
	return false;
}

static void say_rate(ClaimResult *c, Verdict verdict)
{
	say(c, verdict,
	    g_strdup_printf(
		    "%u of %u passed: between %.1f %% and %.1f %%, each at %.3g %% confidence "
		    "(one-sided); required at least %.3g %%",
		    c->passed, c->n, 100 * c->lower, 100 * c->upper, 100 * c->confidence,
		    100 * c->rate),
	    g_strdup_printf(
		    "%2$u 回中 %1$u 回適合: %3$.1f %% 以上 %4$.1f %% 以下(片側信頼度各 %5$.3g "
		    "%%)、要求は %6$.3g %% 以上",
		    c->passed, c->n, 100 * c->lower, 100 * c->upper, 100 * c->confidence,
		    100 * c->rate));
}

static guint most_levels(const GArray *rows)
{
	guint most = 0;
	for (guint i = 0; i < rows->len; i++)
		most = MAX(most, g_array_index(rows, Row, i).result->levels->len);
	return most;
}

static const char *level_name(const GArray *rows, guint level)
{
	for (guint i = 0; i < rows->len; i++) {
		const GPtrArray *levels = g_array_index(rows, Row, i).result->levels;
		if (level < levels->len)
			return ((LevelResult *)g_ptr_array_index(levels, level))->name;
	}
	return "?";
}

/* L1 → L4, each at the full confidence: a fixed order up to the first that is no PASS keeps it for all together. */
static void claim_levels(ClaimResult *c, const GArray *rows, const CriterionResult *r, bool open)
{
	for (guint i = 0; i < most_levels(rows); i++) {
		Count n = count_rows(rows, (int)i, NULL, NULL);
		ClaimLevel *level = g_new0(ClaimLevel, 1);
		level->name = g_strdup(level_name(rows, i));
		level->passed = n.passed;
		level->lower = metrology_proportion_lower(n.passed, counted(&n), c->confidence);
		level->upper = metrology_proportion_upper(n.passed, counted(&n), c->confidence);
		level->verdict = open ? c->verdict : decide_twice(r, &n);
		g_ptr_array_add(c->levels, level);
		if (level->verdict != VERDICT_PASS)
			return;
		g_free(c->level);
		c->level = g_strdup(level->name);
	}
}

static unsigned withstands(const CriterionResult *r, const Count *n)
{
	unsigned k = 0;
	while (k < 10000 && decide_rate(r, n->passed, counted(n) + k + 1) == VERDICT_PASS)
		k++;
	return k;
}

static unsigned rate_needed(const ClaimResult *c, const CriterionResult *r)
{
	unsigned all;
	if (c->n < c->planned && !(r->claim_good > 0))
		return c->planned - c->n;
	all = metrology_trials(c->rate, c->confidence, c->n - c->passed);
	return all > c->n ? all - c->n : 0;
}

static ClaimResult *claim_new(const GArray *rows)
{
	const Row *first = &g_array_index(rows, Row, 0);
	const CriterionResult *r = first->result;
	Count n = count_rows(rows, -1, NULL, NULL);
	ClaimResult *c = g_new0(ClaimResult, 1);
	*c = (ClaimResult){.criterion = g_strdup(r->id),
			   .title_en = g_strdup(r->title_en),
			   .title_ja = g_strdup(r->title_ja),
			   .product = g_strdup(first->run->product),
			   .evidence = first->run->evidence,
			   .verdict = VERDICT_INCONCLUSIVE,
			   .planned = (unsigned)MAX(r->claim_n, 0),
			   .n = counted(&n),
			   .passed = n.passed,
			   .failed = n.failed,
			   .inconclusive = n.inconclusive,
			   .invalid = n.invalid,
			   .unexplained = n.unexplained,
			   .repeated = n.repeated,
			   .rate = r->claim_rate,
			   .confidence = r->claim_confidence,
			   .lower_harsh = (double)NAN,
			   .observed = (double)NAN,
			   .levels = g_ptr_array_new_with_free_func(level_free)};
	return c;
}

static ClaimResult *claim_rate(const GArray *rows)
{
	ClaimResult *c = claim_new(rows);
	const CriterionResult *r = g_array_index(rows, Row, 0).result;
	Count n = count_rows(rows, -1, NULL, NULL);
	c->lower = metrology_proportion_lower(c->passed, c->n, c->confidence);
	c->upper = metrology_proportion_upper(c->passed, c->n, c->confidence);
	c->lower_harsh =
		metrology_proportion_lower(c->passed, c->n + c->unexplained, c->confidence);
	bool open = undecidable(c, rows, r);
	if (!open)
		say_rate(c, decide_twice(r, &n));
	claim_levels(c, rows, r, open);
	if (c->verdict == VERDICT_PASS)
		c->withstands = withstands(r, &n);
	else if (c->verdict == VERDICT_INCONCLUSIVE)
		c->needed = rate_needed(c, r);
	return c;
}

/* ---- fairness ---- */

static GPtrArray *group_names(const GArray *rows, const char *over)
{
	g_autofree char *key = g_strdup_printf("parameter.%s", over);
	GPtrArray *names = g_ptr_array_new();
	for (guint i = 0; i < rows->len; i++) {
		const char *value = meta(g_array_index(rows, Row, i).run, key);
		if (!g_ptr_array_find_with_equal_func(names, value, g_str_equal, NULL))
			g_ptr_array_add(names, (gpointer)(uintptr_t)value);
	}
	return names;
}

static ClaimResult *claim_gap(const GArray *rows)
{
	const CriterionResult *r = g_array_index(rows, Row, 0).result;
	ClaimResult *c = claim_new(rows);
	g_autoptr(GPtrArray) names = group_names(rows, r->claim_over);
	g_autofree Group *groups = g_new0(Group, names->len), *harsh = g_new0(Group, names->len);
	for (guint i = 0; i < names->len; i++) {
		Count n = count_rows(rows, -1, r->claim_over, g_ptr_array_index(names, i));
		groups[i] = (Group){n.passed, counted(&n)};
		harsh[i] = (Group){n.passed, counted(&n) + n.unexplained};
	}
	double unused;
	Interval gap = metrology_largest_gap(groups, names->len, c->confidence, &c->observed),
		 with = metrology_largest_gap(harsh, names->len, c->confidence, &unused);
	c->over = g_strdup(r->claim_over);
	c->rate = r->claim_gap;
	c->lower = gap.lo;
	c->upper = gap.hi;
	if (undecidable(c, rows, r))
		return c;
	c->verdict = gap.hi < c->rate && with.hi < c->rate ? VERDICT_PASS
		     : gap.lo > c->rate                    ? VERDICT_FAIL
							   : VERDICT_INCONCLUSIVE;
	if (c->verdict == VERDICT_INCONCLUSIVE)
		c->needed = metrology_gap_trials(groups, names->len, c->confidence, c->rate);
	say(c, c->verdict,
	    g_strdup_printf(
		    "the largest gap between %u groups of %s is %.1f %%, at most %.1f %% at "
		    "%.3g %% confidence for all together; required below %.3g %%",
		    names->len, c->over, 100 * c->observed, 100 * c->upper, 100 * c->confidence,
		    100 * c->rate),
	    g_strdup_printf(
		    "%2$s の %1$u 群の間の最大の差は %3$.1f %%、同時信頼度 %5$.3g %% で %4$.1f "
		    "%% 以下。要求は %6$.3g %% 未満",
		    names->len, c->over, 100 * c->observed, 100 * c->upper, 100 * c->confidence,
		    100 * c->rate));
	return c;
}

/* ---- all of them ---- */

/* What a campaign draws belongs to the population that it declares, how foggy it is as much as how light. "": nothing drawn. */
static const char *drawn_perturb(const RunRecord *run)
{
	bool drawn = *meta(run, "campaign") && !strcmp(meta(run, "sample"), "random");
	const char *text = drawn ? meta(run, "perturb.population") : "";
	return strchr(text, '$') ? text : "";
}

static char *key_of(const RunRecord *run, const CriterionResult *r)
{
	const char *drawn = drawn_perturb(run);
	/* What was done to the input is another population: a product that holds in fog has not shown that it holds. */
	return g_strdup_printf("%s|%s|%s|%s|%s", r->id, run->product ? run->product : "",
			       evidence_name(run->evidence), *drawn ? meta(run, "campaign") : "",
			       *drawn ? drawn : meta(run, "perturb"));
}

static void free_rows(gpointer rows)
{
	g_array_unref(rows);
}

static void add_row(GHashTable *by_key, const RunRecord *run, const CriterionResult *r)
{
	g_autofree char *key = key_of(run, r);
	GArray *rows = g_hash_table_lookup(by_key, key);
	if (!rows) {
		rows = g_array_new(FALSE, FALSE, sizeof(Row));
		g_array_set_clear_func(rows, row_clear);
		g_hash_table_insert(by_key, g_steal_pointer(&key), rows);
	}
	if (same_session(rows, run))
		return;
	Row row = {run, r, stimulus_of(run)};
	g_array_append_val(rows, row);
}

/* "fog:$fog@camera.main: 12 × fog:3@camera.main, 4 × none", by name. */
static char *perturbs_of(const GArray *rows)
{
	g_autoptr(GHashTable) count = g_hash_table_new(g_str_hash, g_str_equal);
	const RunRecord *first = g_array_index(rows, Row, 0).run;
	if (!*drawn_perturb(first))
		return g_strdup(meta(first, "perturb"));
	for (guint i = 0; i < rows->len; i++) {
		const char *one = meta(g_array_index(rows, Row, i).run, "perturb");
		gpointer key = (gpointer)(uintptr_t)(*one ? one : "none");
		int n = GPOINTER_TO_INT(g_hash_table_lookup(count, key));
		g_hash_table_insert(count, key, GINT_TO_POINTER(n + 1));
	}
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(count), (GCompareFunc)strcmp);
	GString *out = g_string_new(drawn_perturb(first));
	for (GList *k = keys; k; k = k->next)
		g_string_append_printf(out, "%s%d × %s", k == keys ? ": " : ", ",
				       GPOINTER_TO_INT(g_hash_table_lookup(count, k->data)),
				       (char *)k->data);
	return g_string_free(out, FALSE);
}

/* A claim about disturbed input says so. */
static ClaimResult *told(ClaimResult *c, const GArray *rows)
{
	g_autofree char *perturb = perturbs_of(rows);
	if (!*perturb)
		return c;
	g_autofree char *en = c->why, *ja = c->why_ja;
	c->why = g_strdup_printf("with perturbed input (%s): %s", perturb, en ? en : "");
	c->why_ja = g_strdup_printf("外乱を加えた入力(%s): %s", perturb, ja ? ja : "");
	return c;
}

GPtrArray *criterion_claims(const RunRecord *const *runs, size_t n)
{
	GPtrArray *claims = g_ptr_array_new_with_free_func((GDestroyNotify)claim_result_free);
	g_autoptr(GHashTable) by_key =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_rows);
	for (size_t i = 0; i < n; i++)
		for (guint k = 0; k < runs[i]->criteria->len; k++) {
			const CriterionResult *r = g_ptr_array_index(runs[i]->criteria, k);
			if (r->claim_n > 0)
				add_row(by_key, runs[i], r);
		}
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(by_key), (GCompareFunc)strcmp);
	for (GList *key = keys; key; key = key->next) {
		const GArray *rows = g_hash_table_lookup(by_key, key->data);
		g_ptr_array_add(claims, told(claim_rate(rows), rows));
		if (g_array_index(rows, Row, 0).result->claim_over)
			g_ptr_array_add(claims, told(claim_gap(rows), rows));
	}
	return claims;
}
