/* Packs: what would make a verdict unsafe is refused with its place. */
#include <anzen/criterion.h>
#include "unit.h"

#define HEAD                                                                            \
	"anzen: criteria/1\nid: test/pack\nversion: 1.0.0\n"                            \
	"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n" \
	"criteria:\n"
#define TITLE "    title: {en: \"a\", ja: \"b\"}\n    perspectives: [LIV-body]\n"
#define SOURCE "    source: {basis: lab decision, by: test}\n"
#define DELAY_MEASURE                                                                             \
	"    formula: always (rise(truth.fall) -> eventually[0 s, $limit] rise(product.alarm))\n" \
	"    measure: {value: 'delay(truth.fall, product.alarm)', unit: s, limit: $limit, good: " \
	"below}\n"
#define QUIET "  quiet:\n" TITLE "    formula: always (not product.alarm)\n" SOURCE

/* expect NULL: accepted; else some diagnostic says so, at a line. */
static bool loads(const char *text, const char *expect)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack = criterion_pack_load_text(text, -1, "pack.yaml", diag);
	bool good = expect ? false : pack != NULL;
	for (size_t i = 0; expect && i < diagnostics_count(diag); i++)
		good |= strstr(diagnostics_get(diag, i)->message, expect) &&
			diagnostics_get(diag, i)->line > 0;
	if (!good)
		diagnostics_print(diag, stderr);
	return good && (!expect || !pack);
}

static void a_pack_with_levels_and_a_partner_loads(void)
{
	CU_ASSERT_TRUE(loads(HEAD "  d:\n" TITLE DELAY_MEASURE SOURCE
				  "    with: quiet\n    levels: {L1: {limit: 30 s}, L2: {limit: 20 "
				  "s}}\n    required: L2\n" QUIET,
			     NULL));
}

static void simple_is_refused_for_what_can_injure(void)
{
	const char rule[] =
		"    decision: {rule: simple, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n";
	g_autofree char *bad = g_strconcat(HEAD QUIET, rule, NULL);
	g_autofree char *fine = g_strconcat(HEAD QUIET "    injures: false\n", rule, NULL);
	CU_ASSERT_TRUE(loads(bad, "simple"));
	CU_ASSERT_TRUE(loads(fine, NULL));
}

static void a_latency_without_its_false_alarm_criterion_is_refused(void)
{
	CU_ASSERT_TRUE(loads(HEAD "  d:\n" TITLE DELAY_MEASURE SOURCE
				  "    parameters: {limit: 3 s}\n",
			     "false-alarm"));
	CU_ASSERT_TRUE(loads(HEAD "  d:\n" TITLE DELAY_MEASURE SOURCE
				  "    parameters: {limit: 3 s}\n    with: none\n",
			     "no such criterion"));
}

static void levels_get_stricter_and_one_is_required(void)
{
	const char *const begin = HEAD "  d:\n" TITLE DELAY_MEASURE SOURCE "    with: quiet\n";
	const struct {
		const char *levels, *expect;
	} cases[] = {
		{"    levels: {L1: {limit: 10 s}, L2: {limit: 20 s}}\n    required: L2\n",
		 "not stricter"},
		{"    levels: {L1: {limit: 10 s}}\n", "required"},
		{"    levels: {L1: {limit: 10 s}}\n    required: L2\n", "required"},
		{"    levels: {L2: {limit: 10 s}}\n    required: L2\n", "in this order"},
		{"    levels: {L1: {limit: 10 m}}\n    required: L1\n", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strconcat(begin, cases[i].levels, QUIET, NULL);
		CU_ASSERT_TRUE(loads(text, cases[i].expect ? cases[i].expect : "limit"));
	}
}

static void a_number_says_where_it_comes_from(void)
{
	CU_ASSERT_TRUE(loads(HEAD "  q:\n" TITLE "    formula: always (not product.alarm)\n"
				  "    source: {basis: lab decision}\n",
			     "who decided"));
	CU_ASSERT_TRUE(
		loads(HEAD "  q:\n" TITLE "    formula: always (not product.alarm)\n", "source"));
}

/* 28 of 28 show 89.9 % at 95 %, so 29 are needed for 90 %. */
static void a_claim_that_its_runs_cannot_show_is_refused(void)
{
	CU_ASSERT_TRUE(loads(HEAD QUIET "    claim: {n: 28, permitted_failures: 0, at_least: 90 %, "
					"confidence: 95 %, side: lower}\n",
			     "needs 29"));
	CU_ASSERT_TRUE(loads(HEAD QUIET "    claim: {n: 29, permitted_failures: 0, at_least: 90 %, "
					"confidence: 95 %, side: lower}\n",
			     NULL));
}

static void a_wrong_formula_is_refused_where_it_stands(void)
{
	CU_ASSERT_TRUE(loads(HEAD "  q:\n" TITLE "    formula: always (not\n" SOURCE, "formula"));
	CU_ASSERT_TRUE(loads(HEAD "  q:\n" TITLE "    formula: always (x < $nowhere)\n" SOURCE,
			     "nowhere"));
	CU_ASSERT_TRUE(loads(HEAD "  q:\n" TITLE
				  "    formula: always (product.alarm -> truth.fall)\n" SOURCE,
			     "not (a and not b)"));
	CU_ASSERT_TRUE(loads(HEAD "  q:\n" TITLE "    formula: 'delay(a, b)'\n" SOURCE, "formula"));
}

static void unknown_keys_words_and_perspectives_are_refused(void)
{
	CU_ASSERT_TRUE(loads(HEAD QUIET "    colour: red\n", "colour"));
	CU_ASSERT_TRUE(loads(HEAD
			     "  q:\n    title: {en: \"a\", ja: \"b\"}\n    perspectives: [EVP-11]\n"
			     "    formula: always (not product.alarm)\n" SOURCE,
			     "EVP"));
	CU_ASSERT_TRUE(loads("anzen: scenario/1\nid: x\n", "criteria/1"));
	CU_ASSERT_TRUE(loads(HEAD QUIET "crosswalk: {nobody: [x]}\n", "nobody"));
}

/* Rows of ../shared/data/standards are shipped as ids only; the packs that we ship lint clean. */
static void the_shipped_packs_load_without_a_finding(void)
{
	const char *const files[] = {"/criteria/living/fall-watch.yaml",
				     "/criteria/living/stove-guard.yaml"};
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(Diagnostics) diag = diagnostics_new();
		g_autofree char *path = g_strconcat(ANZEN_SOURCE_DIR, files[i], NULL);
		g_autoptr(Pack) pack = criterion_pack_load(path, diag);
		CU_ASSERT_PTR_NOT_NULL(pack);
		CU_ASSERT_EQUAL(diagnostics_count(diag), 0);
		diagnostics_print(diag, stderr);
	}
}

static void ids_name_their_pack_file(void)
{
	g_autofree char *file = criterion_pack_file("living/fall-watch/alarm-delay");
	CU_ASSERT_STRING_EQUAL(file, "living/fall-watch.yaml");
	CU_ASSERT_PTR_NULL(criterion_pack_file("alone"));
	CU_ASSERT_PTR_NULL(criterion_pack_file("../../etc/passwd"));
}

static void an_explanation_names_limits_rule_and_source(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack =
		criterion_pack_load(ANZEN_SOURCE_DIR "/criteria/living/fall-watch.yaml", diag);
	const Criterion *c =
		pack ? criterion_find(&pack, 1, "living/fall-watch/alarm-delay") : NULL;
	g_autofree char *en = c ? criterion_explain(c, "en") : NULL,
			*ja = c ? criterion_explain(c, "ja") : NULL;
	CU_ASSERT_TRUE(en && strstr(en, "L3: limit 10 s (required)") && strstr(en, "guarded") &&
		       strstr(en, "lab decision"));
	CU_ASSERT_TRUE(ja && strstr(ja, "要求水準") && strstr(ja, "転倒後の通報"));
	CU_ASSERT_EQUAL(c ? criterion_horizon_ns(c) : 0, 10 * CLOCK_S);
}

UNIT_MAIN("criterion.pack", UNIT(a_pack_with_levels_and_a_partner_loads),
	  UNIT(simple_is_refused_for_what_can_injure),
	  UNIT(a_latency_without_its_false_alarm_criterion_is_refused),
	  UNIT(levels_get_stricter_and_one_is_required), UNIT(a_number_says_where_it_comes_from),
	  UNIT(a_claim_that_its_runs_cannot_show_is_refused),
	  UNIT(a_wrong_formula_is_refused_where_it_stands),
	  UNIT(unknown_keys_words_and_perspectives_are_refused),
	  UNIT(the_shipped_packs_load_without_a_finding), UNIT(ids_name_their_pack_file),
	  UNIT(an_explanation_names_limits_rule_and_source))
