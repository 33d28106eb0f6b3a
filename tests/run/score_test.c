#include "unit.h"

#include <anzen/run.h>
#include <anzen/session.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* A sealed session with the stove guard's pack and `judge` as its judge.json (NULL: none). Caller frees the path. */
static char *session_with(const char *judge)
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
	SessionProducer *p = session_writer_add_producer(w, "test", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, CLOCK_S, "run.start", NULL);
	session_event(p, 2 * CLOCK_S, "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	return path;
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
	CU_ASSERT_FALSE(run_score(path, NULL, 0, &score, diag, &error));
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
	UNIT_OK(run_score(path, NULL, 0, &score, diag, &error), error);
	for (guint i = 0; score.record && i < score.record->criteria->len; i++)
		CU_ASSERT_NOT_EQUAL(
			((CriterionResult *)g_ptr_array_index(score.record->criteria, i))->verdict,
			VERDICT_PASS);
	CU_ASSERT_TRUE(score.record && score.record->criteria->len >= 2);
	tidy(path);
}

UNIT_MAIN("run.score", UNIT(a_judge_specification_that_cannot_be_read_gives_no_verdict),
	  UNIT(a_recording_without_any_specification_never_passes))
