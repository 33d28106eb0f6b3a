/* Trials of the shipped packs, and what is said of packs whose trials are missing or wrong. */
#include <anzen/base.h>
#include <glib/gstdio.h>

#include "run.h"
#include "unit.h"

#define HEAD                                                                            \
	"anzen: criteria/1\nid: test/pack\nversion: 1.0.0\n"                            \
	"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n" \
	"claim: {n: 29, permitted_failures: 0, at_least: 90 %, confidence: 95 %, side: lower}\n"
#define BENCH                                                                             \
	"bench:\n  length: 20 s\n  signals:\n"                                            \
	"    bath.temperature: {unit: degC, max_gap: 200 ms, max_slew: 5 K/s, u: 0.1 K, " \
	"rest: 38 degC}\n    product.valve: {rest: off}\n"
#define HOT(more)                                                                              \
	"criteria:\n  hot:\n    title: {en: \"a\", ja: \"b\"}\n    perspectives: [LIV-body]\n" \
	"    hazard: H-SCALD-01\n    formula: always (bath.temperature < $limit)\n" more
#define LIMIT "    parameters: {limit: 45 degC}\n"
#define LAB "    source: {basis: lab decision, by: test}\n"
/* The 41 degC bath is 4 K below the limit, the 46 degC one 1 K above; u is 0.1 K, and 5 K/s hides 0.25 K in half of 100 ms. */
#define TRIALS                                                                                \
	"    trials:\n      pass: {bath.temperature: 41 degC}\n"                              \
	"      fail: {bath.temperature: 46 degC}\n      borderline: {bath.temperature: 44.9 " \
	"degC}\n"

/* `anzen criteria COMMAND` on a pack with this text. */
static CliResult on_pack(const char *command, const char *text)
{
	g_autofree char *folder = g_dir_make_tmp("anzen-trials-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "pack.yaml", NULL);
	g_autofree char *line = g_strdup_printf("criteria %s %s", command, path);
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	CliResult r = cli_run(line);
	g_unlink(path);
	g_rmdir(folder);
	return r;
}

static void says(const char *command, const char *text, int code, const char *words)
{
	g_auto(CliResult) r = on_pack(command, text);
	bool right = r.code == code && (!words || strstr(r.out, words) || strstr(r.err, words));
	if (!right)
		fprintf(stderr, "%s: wanted %d '%s', got %d\n%s%s\n", command, code,
			words ? words : "", r.code, r.out, r.err);
	CU_ASSERT_TRUE(right);
}

static void every_trial_of_every_shipped_pack_comes_out_as_said(void)
{
	g_auto(CliResult) r = cli_run("criteria test");
	if (r.code != 0)
		fprintf(stderr, "%s%s", r.out, r.err);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, " 0 not as the pack says"));
}

static void every_shipped_pack_has_its_trials(void)
{
	g_auto(CliResult) r = cli_run("criteria lint");
	if (r.code != 0)
		fprintf(stderr, "%s", r.err);
	CU_ASSERT_EQUAL(r.code, 0);
}

static void one_pack_and_one_criterion_are_chosen_by_name(void)
{
	g_auto(CliResult) one = cli_run("criteria test living/fall-watch/alarm-delay");
	g_auto(CliResult) pack = cli_run("criteria test living/fall-watch --json");
	g_auto(CliResult) none = cli_run("criteria test living/nothing");
	CU_ASSERT_EQUAL(one.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(one.out, "1 criterion, 3 trials"));
	CU_ASSERT_EQUAL(pack.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(pack.out, "\"trial\" : \"borderline\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(pack.out, "\"verdict\" : \"INCONCLUSIVE\""));
	CU_ASSERT_EQUAL(none.code, 2);
}

static unsigned times(const char *text, const char *word)
{
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

/* Living-domain's own perspectives have three criteria each at least; every one of the guide's ten has one. */
static void the_packs_cover_every_perspective(void)
{
	static const char *const own[] = {"body",    "mind",    "property",
					  "dignity", "privacy", "rights"};
	g_auto(CliResult) r = cli_run("criteria list --json");
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT(times(r.out, "\"id\"") >= 60);
	for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
		g_autofree char *word = g_strdup_printf("\"LIV-%s\"", own[i]);
		CU_ASSERT(times(r.out, word) >= 3);
	}
	for (int i = 1; i <= 10; i++) {
		g_autofree char *word = g_strdup_printf("\"EVP-%d\"", i);
		CU_ASSERT(times(r.out, word) >= 1);
	}
}

static void a_trial_that_comes_out_otherwise_is_a_failure(void)
{
	says("test", HEAD BENCH HOT(LIMIT LAB TRIALS), 0, "0 not as");
	says("test",
	     HEAD BENCH HOT(LIMIT LAB "    trials:\n      pass: {bath.temperature: 46 degC}\n"
				      "      fail: {bath.temperature: 41 degC}\n"
				      "      borderline: {bath.temperature: 41 degC}\n"),
	     1, "3 not as the pack says");
}

static void a_criterion_without_trials_is_a_lint_error(void)
{
	says("lint", HEAD BENCH HOT(LIMIT LAB TRIALS), 0, NULL);
	says("lint", HEAD BENCH HOT(LIMIT LAB), 2, "has no trial: pass, fail, borderline");
	says("lint", HEAD HOT(LIMIT LAB TRIALS), 2, "trials need the pack's `bench`");
}

static void a_course_that_cannot_be_is_refused_where_it_stands(void)
{
	says("lint",
	     HEAD BENCH HOT(
		     LIMIT LAB
		     "    trials:\n      pass: {bath.temperature: {0 s: 20 degC, 1 s: 40 degC}}\n"
		     "      fail: {bath.temperature: 46 m}\n      borderline: {bath.temp: 4 "
		     "degC}\n"),
	     2, "pack.yaml:20:47: error: bath.temperature moves faster than its max_slew here");
	says("lint",
	     HEAD BENCH HOT(LIMIT LAB "    trials:\n      pass: {product.valve: 3}\n"
				      "      fail: {bath.temperature: 46 m}\n"
				      "      borderline: {bath.temp: 4 degC}\n"),
	     2, "pack.yaml:22:20: error: the pack's bench has no signal bath.temp");
	says("lint",
	     HEAD BENCH HOT(
		     LIMIT LAB
		     "    trials:\n      pass: {bath.temperature: {0 s: 20 degC, 21 s: 21 degC}}\n"
		     "      fail: {bath.temperature: 46 degC}\n"
		     "      borderline: {bath.temperature: 44.9 degC}\n"),
	     2, "pack.yaml:20:47: error: breakpoints lie between 0 s and the bench's length");
	says("lint",
	     HEAD "bench:\n  length: 86400 s\n  signals:\n"
		  "    bath.temperature: {unit: degC, max_gap: 200 ms, max_slew: 5 K/s, rest: 38 "
		  "degC}\n" HOT(LIMIT LAB),
	     2, "samples in a trial are too many");
}

/* 45 degC with u = 0.1 K, and yet nothing passes or fails: nobody has decided on the 45 degC. */
static void a_number_of_the_projects_own_decides_nothing(void)
{
	says("test", HEAD BENCH HOT(LIMIT "    source: {basis: project choice}\n" TRIALS), 0,
	     "1 criterion, 4 trials: 0 not as");
	says("test", HEAD BENCH HOT(LIMIT "    source: {basis: none}\n" TRIALS), 0,
	     "1 criterion, 4 trials: 0 not as");
	g_auto(CliResult) r =
		on_pack("test --json",
			HEAD BENCH HOT(LIMIT "    source: {basis: project choice}\n" TRIALS));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "\"INVALID\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "chosen by the project"));
}

/* A misspelt word is no standard. */
static void a_basis_that_is_nearly_one_of_ours_is_refused(void)
{
	static const char *const slips[] = {"project choise", "project-choice", "Project  choice",
					    "non", "no numbers"};
	for (size_t i = 0; i < G_N_ELEMENTS(slips); i++) {
		g_autofree char *text = g_strconcat(HEAD BENCH HOT(LIMIT "    source: {basis: "),
						    slips[i], "}\n" TRIALS, NULL);
		says("lint", text, 2, "name a standard with its clause");
	}
	says("test", HEAD BENCH HOT(LIMIT "    source: {basis: ISO 9999 clause 1}\n" TRIALS), 0,
	     "3 trials: 0 not as");
}

static void numbers_stand_in_only_for_what_the_lab_supplies(void)
{
	says("lint", HEAD BENCH HOT("    stand_in: {limit: 45 degC}\n" LAB TRIALS), 2,
	     "`stand_in`");
	says("test",
	     HEAD BENCH HOT(
		     "    stand_in: {limit: 45 degC}\n    needs: licensed table\n" LAB TRIALS),
	     0, "4 trials: 0 not as");
	says("lint", HEAD BENCH HOT(LIMIT "    source: {basis: no number}\n" TRIALS), 2,
	     "but it has one");
}

UNIT_MAIN("cli.criteria", UNIT(every_trial_of_every_shipped_pack_comes_out_as_said),
	  UNIT(every_shipped_pack_has_its_trials), UNIT(the_packs_cover_every_perspective),
	  UNIT(one_pack_and_one_criterion_are_chosen_by_name),
	  UNIT(a_trial_that_comes_out_otherwise_is_a_failure),
	  UNIT(a_criterion_without_trials_is_a_lint_error),
	  UNIT(a_course_that_cannot_be_is_refused_where_it_stands),
	  UNIT(a_number_of_the_projects_own_decides_nothing),
	  UNIT(a_basis_that_is_nearly_one_of_ours_is_refused),
	  UNIT(numbers_stand_in_only_for_what_the_lab_supplies))
