#include <anzen/run.h>

#include "finish.h"
#include "live.h"
#include "stills.h"

#include <anzen/report.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/prctl.h>

void run_request_stop(void)
{
	live_stop_requested = 1;
}

void run_outcome_clear(RunOutcome *outcome)
{
	g_free(outcome->folder);
	g_free(outcome->report);
	run_record_free(outcome->record);
	*outcome = (RunOutcome){0};
}

/* ---- report -------------------------------------------------------------------------------------------------- */

static gboolean write_one(const char *folder, const RunScore *score, const GPtrArray *stills,
			  const char *lang, const char *name, char **ret_path, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	ReportInput input = {.record = score->record,
			     .recording = score->recording,
			     .spec = score->spec,
			     .stills = stills,
			     .lang = lang};
	if (!report_write_html(&input, path, error))
		return FALSE;
	if (ret_path)
		*ret_path = g_steal_pointer(&path);
	return TRUE;
}

gboolean run_write_report(const char *folder, const RunScore *score, const char *lang,
			  char **ret_path, GError **error)
{
	bool ja = !g_strcmp0(lang, "ja");
	g_autofree char *session = g_build_filename(folder, "session.mcap", NULL);
	g_autoptr(SessionReader) reader = session_reader_open(session, error);
	if (!reader)
		return FALSE;
	g_autoptr(GPtrArray) stills = stills_of_session(reader, score->recording);
	return write_one(folder, score, stills, ja ? "ja" : "en", "report.html", ret_path, error) &&
	       write_one(folder, score, stills, ja ? "en" : "ja",
			 ja ? "report.en.html" : "report.ja.html", NULL, error);
}

/* ---- one run -------------------------------------------------------------------------------------------------- */

gboolean finish_folder(const char *folder, const char *session, const char *lang, RunOutcome *ret,
		       Diagnostics *diag, GError **error)
{
	g_auto(RunScore) score = {0};
	if (!run_score(session, NULL, &score, diag, error))
		return FALSE;
	g_autofree char *json = g_build_filename(folder, "run.json", NULL);
	if (!run_record_write(score.record, json, error) ||
	    !run_write_report(folder, &score, lang, &ret->report, error))
		return FALSE;
	ret->folder = g_strdup(folder);
	ret->record = g_steal_pointer(&score.record);
	return TRUE;
}

static gboolean finish(Live *live, const RunConfig *config, RunOutcome *ret, Diagnostics *diag,
		       GError **error)
{
	if (!live_seal(live, error))
		return FALSE;
	ret->worst_lateness_ns = executor_worst_lateness_ns(live->executor);
	return finish_folder(live->folder, live->session_path, config->lang, ret, diag, error);
}

/* It never came to Live, or not out of it. What was recorded until then is sealed and scored all the same: a folder with a
 * reason in it, INVALID, and a session that verifies. TRUE when that is the run's result, because the operator wanted no
 * other; FALSE: the error is what has to be said. */
static gboolean abandon(Live *live, const RunConfig *config, RunOutcome *ret, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) second = NULL;
	bool stopped = g_error_matches(*error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED);
	live_abandon(live, *error);
	if (!live->recording || !finish(live, config, ret, diag, &second)) {
		g_info("the unfinished run stays in %s", live->folder);
		return FALSE;
	}
	if (stopped)
		g_clear_error(error);
	return stopped;
}

/* A folder in which nothing was recorded helps nobody. */
static void drop_folder(const char *folder, const char *session)
{
	if (session)
		g_remove(session);
	g_rmdir(folder);
}

gboolean run_scenario(const RunConfig *config, RunOutcome *ret, Diagnostics *diag, GError **error)
{
	RunInputs in;
	Live live = {0};
	gboolean done = FALSE;
	*ret = (RunOutcome){0};
	prctl(PR_SET_CHILD_SUBREAPER,
	      1UL); /* what a product leaves behind comes back to us, and is ended */
	if (run_inputs_load(&in, config, diag)) {
		g_autofree char *id = NULL;
		g_autofree char *folder =
			run_folder_new(config->out_dir ? config->out_dir : "runs", in.scenario->id,
				       clock_monotonic(), &id, error);
		if (folder && live_open(&live, config, &in, folder, id, diag, error))
			done = live_play(&live, error) ? finish(&live, config, ret, diag, error)
						       : abandon(&live, config, ret, error);
		else if (folder)
			drop_folder(folder, live.session_path);
	}
	live_close(&live);
	run_inputs_clear(&in);
	live_stop_requested = 0; /* not at the start: a Stop that came early must not be lost */
	return done;
}
