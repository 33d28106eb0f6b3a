/* anzen replay: a recorded session, a new product. */
#include "cli.h"
#include "operator_view.h"
#include "result.h"

#include <anzen/report.h>
#include <anzen/run.h>

int cmd_replay(int argc, char **argv, CliContext *cli);

static void print_json(const RunOutcome *outcome)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	const struct {
		const char *name;
		int64_t ns;
	} lateness[] = {{"p50", outcome->lateness_p50_ns},
			{"p99", outcome->lateness_p99_ns},
			{"worst", outcome->worst_lateness_ns}};
	json_builder_begin_object(b);
	result_json(b, outcome->record);
	json_builder_set_member_name(b, "folder");
	json_builder_add_string_value(b, outcome->folder);
	json_builder_set_member_name(b, "report");
	json_builder_add_string_value(b, outcome->report);
	json_builder_set_member_name(b, "frames");
	json_builder_add_int_value(b, (gint64)outcome->frames);
	json_builder_set_member_name(b, "lateness_s");
	json_builder_begin_object(b);
	for (size_t i = 0; i < G_N_ELEMENTS(lateness); i++) {
		json_builder_set_member_name(b, lateness[i].name);
		json_builder_add_double_value(b, (double)lateness[i].ns * 1e-9);
	}
	json_builder_end_object(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void print_text(const CliContext *cli, const RunOutcome *outcome)
{
	const RunRecord *record = outcome->record;
	g_autofree char *table = report_table(&record, 1, cli->lang, cli_columns(stdout));
	printf("\n%s\n%s  %s\n", table,
	       cli_choose(cli, verdict_name(record->verdict), verdict_name_ja(record->verdict)),
	       outcome->report);
	/* %llu: gettext cannot look into G_GUINT64_FORMAT. */
	printf(_("%llu pictures served; late by %.3f ms (median), %.3f ms (99 %%), "
		 "%.3f ms (worst)\n"),
	       (unsigned long long)outcome->frames, (double)outcome->lateness_p50_ns * 1e-6,
	       (double)outcome->lateness_p99_ns * 1e-6, (double)outcome->worst_lateness_ns * 1e-6);
}

static int once(CliContext *cli, const ReplayConfig *config, OperatorView *view)
{
	g_auto(RunOutcome) outcome = {0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	gboolean done = run_replay(config, &outcome, diag, &error);
	operator_view_finish(view);
	if (!done)
		return diagnostics_errors(diag) ? cli_diagnostics(cli, diag) : cli_fail(cli, error);
	if (cli->json)
		print_json(&outcome);
	else
		print_text(cli, &outcome);
	return (int)verdict_exit(outcome.record->verdict);
}

static gboolean read_times(const char *from, const char *to, ReplayConfig *config, GError **error)
{
	return (!from || quantity_parse_ns(from, &config->from_ns, error)) &&
	       (!to || quantity_parse_ns(to, &config->to_ns, error));
}

int cmd_replay(int argc, char **argv, CliContext *cli)
{
	g_autofree char *product = NULL, *criteria = NULL, *out = NULL, *from = NULL, *to = NULL;
	double rate = 1;
	const GOptionEntry options[] = {
		{"product", 'p', 0, G_OPTION_ARG_FILENAME, &product, N_("the product under test"),
		 "PRODUCT"},
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &criteria,
		 N_("pack to judge with (the recording's own)"), "PACK"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
		 N_("folder for the run's own folder (runs)"), "DIR"},
		{"rate", 0, 0, G_OPTION_ARG_DOUBLE, &rate,
		 N_("speed (1); with any other the run is INVALID"), "R"},
		{"from", 0, 0, G_OPTION_ARG_STRING, &from, N_("begin at this time"), "T"},
		{"to", 0, 0, G_OPTION_ARG_STRING, &to, N_("end at this time"), "T"},
		{NULL}};
	g_autoptr(GError) error = NULL;
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!product)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--product is needed: see anzen replay --help"));
	ReplayConfig config = {.session = argv[1],
			       .product = product,
			       .criteria = criteria,
			       .out_dir = out,
			       .program_dir = cli->bin_dir,
			       .lang = cli->lang,
			       .rate = rate,
			       .to_ns = CLOCK_NEVER};
	if (!read_times(from, to, &config, &error))
		return cli_fail(cli, error);
	operator_catch_signals();
	OperatorView *view = operator_view_new(cli, argv[1], false);
	config.progress = operator_view_progress;
	config.progress_user = view;
	int code = once(cli, &config, view);
	operator_view_free(view);
	return code;
}
