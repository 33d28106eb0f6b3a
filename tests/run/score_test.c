#include "unit.h"

#include <anzen/run.h>
#include <anzen/session.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* A sealed session with the stove guard's pack and `judge` as its judge.json (NULL: none). Caller frees the path. */
static char *session_of(const char *judge, const char *criteria, const char *left_out)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("anzen-score-XXXXXX", NULL);
	char *path = g_build_filename(dir, "session.mcap", NULL);
	g_autoptr(Clock) clock = clock_manual_new(CLOCK_S);
	SessionOptions options = {.path = path,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	UNIT_OK(w && session_writer_attach_file(
			     w, "criteria/living/stove-guard.yaml",
			     ANZEN_SOURCE_DIR "/criteria/living/stove-guard.yaml", &error),
		error);
	if (judge)
		UNIT_OK(session_writer_attach(w, "judge.json", NULL, judge, strlen(judge), &error),
			error);
	if (criteria)
		session_writer_meta(w, "criteria", criteria);
	if (left_out)
		session_writer_meta(w, "criteria.left-out", left_out);
	SessionProducer *p = session_writer_add_producer(w, "test", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, CLOCK_S, "run.start", NULL);
	session_event(p, 2 * CLOCK_S, "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	return path;
}

static char *session_with(const char *judge)
{
	return session_of(judge, NULL, NULL);
}

static void tidy(char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);
	unlink(path);
	rmdir(dir);
	g_free(path);
}

/* Without its stimulus checks and its proof of life a run could pass that must not. */
static void a_judge_specification_that_cannot_be_read_gives_no_verdict(void)
{
	char *path = session_with("{\"stimulus\": [");
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_auto(RunScore) score = {0};
	CU_ASSERT_FALSE(run_score(path, NULL, &score, diag, &error));
	CU_ASSERT_PTR_NOT_NULL(error);
	CU_ASSERT_PTR_NULL(score.record);
	tidy(path);
}

static void a_recording_without_any_specification_never_passes(void)
{
	char *path = session_with(NULL);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_auto(RunScore) score = {0};
	UNIT_OK(run_score(path, NULL, &score, diag, &error), error);
	for (guint i = 0; score.record && i < score.record->criteria->len; i++)
		CU_ASSERT_NOT_EQUAL(
			((CriterionResult *)g_ptr_array_index(score.record->criteria, i))->verdict,
			VERDICT_PASS);
	CU_ASSERT_TRUE(score.record && score.record->criteria->len >= 2);
	tidy(path);
}

/* ---- only some criteria ---- */

#define PACK "living/stove-guard/"
#define SHUT PACK "shut-off-delay"
#define CALM PACK "no-false-shut-off"

/* The run record that scoring these criteria gives, or NULL with *ret_error. */
static RunRecord *score_chosen(const char *path, const char *const *chosen, char **ret_error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_auto(RunScore) score = {0};
	const ScoreConfig config = {.criteria = chosen};
	if (!run_score(path, &config, &score, diag, &error))
		*ret_error = g_strdup(error->message);
	return g_steal_pointer(&score.record);
}

static bool has(const RunRecord *r, const char *id)
{
	for (guint i = 0; r && i < r->criteria->len; i++)
		if (!strcmp(((CriterionResult *)g_ptr_array_index(r->criteria, i))->id, id))
			return true;
	return false;
}

static bool left(const RunRecord *r, const char *id)
{
	return r && g_ptr_array_find_with_equal_func(r->left_out, id, g_str_equal, NULL);
}

/* One alone, by the end of its name; the pack's others are said to be left out, each of them. */
static void what_was_not_chosen_is_named(void)
{
	char *path = session_with(NULL);
	g_autofree char *error = NULL;
	g_autoptr(RunRecord) all = score_chosen(path, NULL, &error);
	g_autoptr(RunRecord) one =
		score_chosen(path, (const char *[]){"no-false-shut-off", NULL}, &error);
	CU_ASSERT_PTR_NULL(error);
	CU_ASSERT_TRUE(all && all->left_out->len == 0 && all->criteria->len > 2);
	CU_ASSERT_TRUE(one && one->criteria->len == 1 && has(one, CALM));
	CU_ASSERT_TRUE(one && all && one->left_out->len == all->criteria->len - 1);
	CU_ASSERT_TRUE(left(one, SHUT) && !left(one, CALM));
	g_autofree char *json = one ? run_record_to_json(one) : NULL;
	g_autoptr(RunRecord) back = json ? run_record_from_json(json, -1, "x", NULL) : NULL;
	CU_ASSERT_TRUE(back && back->left_out->len == one->left_out->len && left(back, SHUT));
	tidy(path);
}

/* A delay is never judged without its false alarms, chosen or not. */
static void a_partner_comes_along(void)
{
	char *path = session_with(NULL);
	g_autofree char *error = NULL;
	g_autoptr(RunRecord) r = score_chosen(path, (const char *[]){SHUT, NULL}, &error);
	CU_ASSERT_TRUE(has(r, SHUT) && has(r, CALM) && !left(r, CALM) && !left(r, SHUT));
	CU_ASSERT_TRUE(r && r->left_out->len > 0);
	tidy(path);
}

static void an_unknown_criterion_says_which_there_are(void)
{
	char *path = session_with(NULL);
	g_autofree char *error = NULL;
	g_autoptr(RunRecord) r =
		score_chosen(path, (const char *[]){CALM, "no-such", NULL}, &error);
	CU_ASSERT_PTR_NULL(r);
	CU_ASSERT_TRUE(error && strstr(error, "no-such") && strstr(error, SHUT));
	tidy(path);
}

/* A session of which only a part was to be judged says so on every later scoring, too. */
static void a_session_remembers_what_it_left_out(void)
{
	char *path = session_of(NULL, CALM, SHUT "," PACK "other");
	g_autofree char *error = NULL;
	g_autoptr(RunRecord) r = score_chosen(path, NULL, &error);
	CU_ASSERT_TRUE(r && r->criteria->len == 1 && r->left_out->len == 2 && left(r, SHUT));
	tidy(path);
}

static void whoever_writes_a_session_gets_both_lists(void)
{
	const char *named = "a/x,a/y,b/z", *const chosen[] = {"z", "a/x", NULL};
	g_autofree char *criteria = NULL, *left_out = NULL, *all = NULL, *none = NULL;
	g_autoptr(GError) error = NULL;
	UNIT_OK(run_choose_criteria(NULL, 0, named, chosen, &criteria, &left_out, &error), error);
	CU_ASSERT_STRING_EQUAL(criteria ? criteria : "", "a/x,b/z");
	CU_ASSERT_STRING_EQUAL(left_out ? left_out : "", "a/y");
	UNIT_OK(run_choose_criteria(NULL, 0, named, NULL, &all, &none, &error), error);
	CU_ASSERT_STRING_EQUAL(all ? all : "", named);
	CU_ASSERT_PTR_NULL(none);
	CU_ASSERT_FALSE(run_choose_criteria(NULL, 0, "a/x,b/x", (const char *[]){"x", NULL}, &all,
					    &none, &error));
}

UNIT_MAIN("run.score", UNIT(what_was_not_chosen_is_named), UNIT(a_partner_comes_along),
	  UNIT(an_unknown_criterion_says_which_there_are),
	  UNIT(a_session_remembers_what_it_left_out),
	  UNIT(whoever_writes_a_session_gets_both_lists),
	  UNIT(a_judge_specification_that_cannot_be_read_gives_no_verdict),
	  UNIT(a_recording_without_any_specification_never_passes))
