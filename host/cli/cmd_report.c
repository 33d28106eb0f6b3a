/* anzen report: write a run's report again, in another language or form, from its session. */
#include "cli.h"

#include <anzen/report.h>
#include <anzen/campaign.h>
#include <anzen/run.h>
#include <anzen/session.h>
#include <string.h>

int cmd_report(int argc, char **argv, CliContext *cli);

static gboolean write_form(const CliContext *cli, const char *folder, const char *format,
			   char **ret_path, GError **error)
{
	g_autofree char *session = g_build_filename(folder, "session.mcap", NULL);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_auto(RunScore) score = {0};
	if (!run_score(session, NULL, &score, diag, error)) {
		if (error && !*error)
			diagnostics_to_error(diag, error);
		return FALSE;
	}
	if (!strcmp(format, "html"))
		return run_write_report(folder, &score, cli->lang, ret_path, error);
	bool junit = !strcmp(format, "junit");
	g_autofree char *text =
		junit ? report_junit(score.record) : run_record_to_json(score.record);
	g_autofree char *path =
		g_build_filename(folder, junit ? "report.junit.xml" : "report.json", NULL);
	if (!session_write_file(path, text, strlen(text), error))
		return FALSE;
	*ret_path = g_steal_pointer(&path);
	return TRUE;
}

static bool is_campaign(const char *folder)
{
	g_autofree char *plan = g_build_filename(folder, "plan.json", NULL);
	return g_file_test(plan, G_FILE_TEST_EXISTS);
}

static gboolean write_campaign(const CliContext *cli, const char *folder, char **ret_path,
			       GError **error)
{
	g_auto(CampaignOutcome) campaign = {0};
	return campaign_read(folder, &campaign, error) &&
	       campaign_write_report(&campaign, cli->lang, ret_path, error);
}

int cmd_report(int argc, char **argv, CliContext *cli)
{
	static const char *const formats[] = {"html", "junit", "json", NULL};
	g_autofree char *format = NULL, *path = NULL;
	const GOptionEntry options[] = {{"format", 'f', 0, G_OPTION_ARG_STRING, &format,
					 N_("html (default), junit or json"), "FORMAT"},
					{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (format && !g_strv_contains(formats, format))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--format is html, junit or json, not '%s'"), format);
	g_autoptr(GError) error = NULL;
	if (is_campaign(argv[1])) {
		if (format && strcmp(format, "html") != 0)
			return cli_fail_text(
				cli, ANZEN_EXIT_INPUT,
				_("a campaign's report is html; anzen claim --json has "
				  "its numbers"));
		return write_campaign(cli, argv[1], &path, &error) ? cli_written(cli, path)
								   : cli_fail(cli, error);
	}
	if (!write_form(cli, argv[1], format ? format : "html", &path, &error))
		return cli_fail(cli, error);
	return cli_written(cli, path);
}
