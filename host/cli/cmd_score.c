/* anzen score: the verdicts of a recording, again. */
#include "cli.h"
#include "result.h"

#include <anzen/report.h>
#include <anzen/run.h>
#include <anzen/session.h>

int cmd_score(int argc, char **argv, CliContext *cli);

/* RUN (its folder) or SESSION (its file). */
static char *session_of(const char *path)
{
	return g_file_test(path, G_FILE_TEST_IS_DIR) ? g_build_filename(path, "session.mcap", NULL)
						     : g_strdup(path);
}

/* The verdict that the run wrote down when it ended; NULL for a lone session. */
static char *recorded_verdict(const char *path)
{
	g_autofree char *json = g_build_filename(path, "run.json", NULL);
	g_autoptr(RunRecord) record =
		g_file_test(json, G_FILE_TEST_EXISTS) ? run_record_read(json, NULL) : NULL;
	return record ? g_strdup(verdict_name(record->verdict)) : NULL;
}

static void print_json(const RunRecord *record, const char *recorded)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	result_json(b, record);
	json_builder_set_member_name(b, "standing");
	json_builder_add_string_value(b, verdict_name(record->verdict));
	json_builder_set_member_name(b, "recorded");
	if (recorded)
		json_builder_add_string_value(b, recorded);
	else
		json_builder_add_null_value(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void print_table(const CliContext *cli, const RunRecord *record, const char *recorded)
{
	g_autofree char *table = report_table(&record, 1, cli->lang, cli_columns(stdout));
	printf("%s\n%s", table,
	       cli_choose(cli, verdict_name(record->verdict), verdict_name_ja(record->verdict)));
	if (recorded && g_strcmp0(recorded, verdict_name(record->verdict)))
		printf(_("  (the run itself ended as %s)"), recorded);
	printf("\n");
}

int cmd_score(int argc, char **argv, CliContext *cli)
{
	g_autofree char *criteria = NULL;
	const GOptionEntry options[] = {{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &criteria,
					 N_("judge with this pack instead of the recording's own"),
					 "PACK"},
					{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(Pack) pack = criteria ? criterion_pack_load(criteria, diag) : NULL;
	if (criteria && !pack)
		return cli_diagnostics(cli, diag);
	g_autofree char *session = session_of(argv[1]), *recorded = recorded_verdict(argv[1]);
	g_auto(RunScore) score = {0};
	if (!run_score(session, pack ? &pack : NULL, pack ? 1 : 0, &score, diag, &error))
		return diagnostics_errors(diag) ? cli_diagnostics(cli, diag) : cli_fail(cli, error);
	if (cli->json)
		print_json(score.record, recorded);
	else
		print_table(cli, score.record, recorded);
	return (int)verdict_exit(score.record->verdict);
}
