/* The engine with a bench that only pretends to play: what is repeated, gone on with, refused, and counted. */
#include "project.h"
#include "unit.h"

#include <anzen/session.h>
#include <glib/gstdio.h>

#define CLAIM                                                                           \
	"{n: 4, permitted_failures: 0, at_least: 50 %, confidence: 90 %, side: lower, " \
	"max_invalid: 50 %}"

typedef struct Bench {
	Project project;
	char *out;
	const char *verdicts; /* P F I(nconclusive) V (INVALID), one a run */
	unsigned played, stop_after;
} Bench;

static Bench bench_new(const char *verdicts)
{
	Bench b = {.project = project_new(CLAIM), .verdicts = verdicts, .stop_after = 1000};
	b.out = g_build_filename(b.project.folder, "out", NULL);
	return b;
}

static void bench_clear(Bench *b)
{
	project_clear(&b->project);
	g_free(b->out);
}

static void set(RunRecord *run, const char *key, const char *value)
{
	g_hash_table_replace(run->meta, g_strdup(key), g_strdup(value));
}

static Verdict verdict_of(char letter)
{
	return letter == 'P'   ? VERDICT_PASS
	       : letter == 'F' ? VERDICT_FAIL
	       : letter == 'I' ? VERDICT_INCONCLUSIVE
			       : VERDICT_INVALID;
}

static CriterionResult *result(Verdict verdict)
{
	CriterionResult *r = criterion_result_new("small/alarm");
	r->verdict = verdict;
	r->why = g_strdup("measured");
	r->claim_n = 4;
	r->claim_rate = 0.5;
	r->claim_confidence = 0.9;
	r->claim_max_invalid = 0.5;
	return r;
}

/* As run_scenario() leaves a run: a folder with run.json whose meta is the session's. */
static gboolean play(void *user, RunConfig *config, RunOutcome *ret, Diagnostics *diag,
		     GError **error)
{
	(void)diag;
	Bench *b = user;
	RunRecord *run = run_record_new();
	g_autofree char *draw = g_strdup_printf("%u", config->campaign.draw);
	g_autofree char *sample = g_strdup_printf("%u", config->campaign.sample);
	g_autofree char *attempt = g_strdup_printf("%u", config->campaign.attempt);
	g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, config->seed);
	run->run_id = g_strdup_printf("run-%02u", b->played);
	run->session_sha256 = g_strdup(run->run_id);
	run->scenario = g_strdup("fall");
	run->product = g_strdup("small-product");
	run->evidence = EVIDENCE_LOCK_STEP;
	run->verdict = verdict_of(b->verdicts[b->played]);
	set(run, "seed", seed);
	set(run, "campaign", config->campaign.digest);
	set(run, "sample", "random");
	set(run, "campaign.draw", draw);
	set(run, "campaign.sample", sample);
	set(run, "campaign.attempt", attempt);
	g_ptr_array_add(run->criteria, result(run->verdict));
	g_autofree char *folder = g_build_filename(config->out_dir, run->run_id, NULL);
	g_autofree char *path = g_build_filename(folder, "run.json", NULL);
	g_mkdir_with_parents(folder, 0755);
	CU_ASSERT_TRUE(run_record_write(run, path, error));
	b->played++;
	ret->record = run;
	return TRUE;
}

static gboolean go_on(void *user, const CampaignStatus *status)
{
	Bench *b = user;
	return status->record || b->played < b->stop_after;
}

static bool run(Bench *b, CampaignOutcome *ret, char **ret_error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(CampaignPlan) plan = campaign_plan_load(b->project.plan, diag);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NOT_NULL(plan);
	if (!plan) {
		diagnostics_print(diag, stderr);
		return false;
	}
	CampaignConfig config = {.plan = plan,
				 .out_dir = b->out,
				 .program_dir = ANZEN_BINARY_DIR "/bin",
				 .play = play,
				 .progress = go_on,
				 .user = b};
	bool done = campaign_run(&config, ret, diag, &error);
	if (ret_error)
		*ret_error = error ? g_strdup(error->message) : NULL;
	return done;
}

static void expect(const char *verdicts, unsigned played, Verdict verdict)
{
	Bench b = bench_new(verdicts);
	g_auto(CampaignOutcome) outcome = {0};
	CU_ASSERT_TRUE(run(&b, &outcome, NULL));
	CU_ASSERT_EQUAL(b.played, played);
	CU_ASSERT_EQUAL(outcome.verdict, verdict);
	CU_ASSERT_TRUE(outcome.complete);
	bench_clear(&b);
}

/* 4 of 4 at 90 %: the lower bound is 0.1^(1/4) = 0.562, at least one half; 3 of 4: 0.320, not. Of 0 of 4 the upper bound is
 * 1 - 0.1^(1/4) = 0.438, below one half. */
static void a_campaign_is_decided_by_all_its_draws(void)
{
	expect("PPPP", 4, VERDICT_PASS);
	expect("PPFP", 4, VERDICT_INCONCLUSIVE);
	expect("PPIP", 4, VERDICT_INCONCLUSIVE);
	expect("FFFF", 4, VERDICT_FAIL);
}

/* Half of four runs may be repeated: two. */
static void invalid_runs_are_repeated_as_often_as_the_plan_allows(void)
{
	expect("PVPPP", 5, VERDICT_PASS);
	expect("PVVPPP", 6, VERDICT_PASS);
	expect("VPVPVP", 6,
	       VERDICT_INCONCLUSIVE); /* the fifth has no repetition left: three runs count */
	expect("VVVPPP", 6, VERDICT_INCONCLUSIVE);
}

static void what_was_stopped_goes_on_and_plays_nothing_twice(void)
{
	Bench b = bench_new("PPPP");
	b.stop_after = 2;
	g_auto(CampaignOutcome) half = {0}, whole = {0}, again = {0};
	CU_ASSERT_TRUE(run(&b, &half, NULL));
	CU_ASSERT_EQUAL(b.played, 2);
	CU_ASSERT_TRUE(!half.complete && half.verdict == VERDICT_INCONCLUSIVE);
	b.stop_after = 1000;
	CU_ASSERT_TRUE(run(&b, &whole, NULL));
	CU_ASSERT_EQUAL(b.played, 4);
	CU_ASSERT_TRUE(whole.complete && whole.verdict == VERDICT_PASS);
	CU_ASSERT_TRUE(run(&b, &again, NULL));
	CU_ASSERT_EQUAL(b.played, 4);
	CU_ASSERT_EQUAL(again.verdict, VERDICT_PASS);
	bench_clear(&b);
}

static void what_was_fixed_may_not_change(void)
{
	Bench b = bench_new("PPPP");
	b.stop_after = 2;
	g_auto(CampaignOutcome) half = {0}, refused = {0};
	g_autofree char *text = NULL, *error = NULL;
	CU_ASSERT_TRUE(run(&b, &half, NULL));
	CU_ASSERT_TRUE(g_file_get_contents(b.project.scenario, &text, NULL, NULL));
	g_autofree char *changed = g_strconcat(text, "# later\n", NULL);
	project_write(b.project.scenario, changed);
	CU_ASSERT_FALSE(run(&b, &refused, &error));
	CU_ASSERT_TRUE(error && strstr(error, "scenarios/fall.yaml changed"));
	CU_ASSERT_EQUAL(b.played, 2);
	bench_clear(&b);
}

static void a_folder_is_judged_as_it_was_and_without_a_run_it_is_open(void)
{
	Bench b = bench_new("PPPP");
	g_auto(CampaignOutcome) outcome = {0}, read = {0}, less = {0};
	CU_ASSERT_TRUE(run(&b, &outcome, NULL));
	CU_ASSERT_TRUE(campaign_read(outcome.folder, &read, NULL));
	CU_ASSERT_TRUE(read.complete && read.verdict == VERDICT_PASS && read.runs->len == 4);
	g_autofree char *last =
		g_build_filename(outcome.folder, "runs", "run-03", "run.json", NULL);
	CU_ASSERT_EQUAL(g_remove(last), 0);
	CU_ASSERT_TRUE(campaign_read(outcome.folder, &less, NULL));
	CU_ASSERT_TRUE(!less.complete && less.verdict == VERDICT_INCONCLUSIVE);
	bench_clear(&b);
}

static char *page(const CampaignOutcome *outcome, const char *lang)
{
	g_autofree char *path = NULL;
	char *text = NULL;
	CU_ASSERT_TRUE(campaign_write_report(outcome, lang, &path, NULL));
	CU_ASSERT_TRUE(path && g_file_get_contents(path, &text, NULL, NULL));
	return text ? text : g_strdup("");
}

/* One file without a script or a network; the verdict of what is there, every run with its link. */
static void the_page_says_what_is_there_and_what_is_missing(void)
{
	Bench b = bench_new("PPPP");
	b.stop_after = 3;
	g_auto(CampaignOutcome) part = {0}, whole = {0};
	CU_ASSERT_TRUE(run(&b, &part, NULL));
	g_autofree char *unfinished = page(&part, "en");
	CU_ASSERT_PTR_NOT_NULL(strstr(unfinished, "Not finished: 3 runs of 4"));
	CU_ASSERT_PTR_NULL(strstr(unfinished, "<section class=\"hero PASS\""));
	b.stop_after = 1000;
	CU_ASSERT_TRUE(run(&b, &whole, NULL));
	g_autofree char *en = page(&whole, "en"), *ja = page(&whole, "ja");
	CU_ASSERT_PTR_NOT_NULL(strstr(en, "<section class=\"hero PASS\"><div class=\"v\">PASS"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ja, "<section class=\"hero PASS\"><div class=\"v\">適合"));
	CU_ASSERT_PTR_NOT_NULL(strstr(en, "4 of 4 passed"));
	CU_ASSERT_PTR_NOT_NULL(strstr(en, "href=\"runs/run-03/report.html\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(en, whole.plan_sha256));
	CU_ASSERT_PTR_NOT_NULL(strstr(en, "Virtual test in lock-step"));
	CU_ASSERT_TRUE(!strstr(en, "http") && !strstr(en, "<script"));
	bench_clear(&b);
}

UNIT_MAIN("campaign.engine", UNIT(a_campaign_is_decided_by_all_its_draws),
	  UNIT(invalid_runs_are_repeated_as_often_as_the_plan_allows),
	  UNIT(what_was_stopped_goes_on_and_plays_nothing_twice),
	  UNIT(what_was_fixed_may_not_change),
	  UNIT(the_page_says_what_is_there_and_what_is_missing),
	  UNIT(a_folder_is_judged_as_it_was_and_without_a_run_it_is_open))
