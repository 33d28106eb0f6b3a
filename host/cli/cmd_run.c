/* anzen run: one scenario, one product, one rig. */
#include "cli.h"
#include "lockstep.h"
#include "result.h"
#include "operator_view.h"

#include <anzen/report.h>
#include <anzen/run.h>

int cmd_run(int argc, char **argv, CliContext *cli);

typedef struct RunOptions {
	char *rig, *product, *out, *note;
	char **sets, **faults, **perturb;
	gint64 seed;
	gboolean lock_step, yes;
} RunOptions;

static void print_cleanup(const RunOutcome *outcome)
{
	const char *cleanup = g_hash_table_lookup(outcome->record->meta, "cleanup");
	if (cleanup && strcmp(cleanup, "done") != 0)
		fprintf(stderr, _("the cleanup did not succeed: %s; look at the stand\n"), cleanup);
}

static void print_result(const CliContext *cli, const RunOutcome *outcome)
{
	print_cleanup(outcome);
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		result_json(b, outcome->record);
		json_builder_set_member_name(b, "folder");
		json_builder_add_string_value(b, outcome->folder);
		json_builder_set_member_name(b, "report");
		json_builder_add_string_value(b, outcome->report);
		json_builder_end_object(b);
		cli_print_json(b);
		return;
	}
	const RunRecord *record = outcome->record;
	g_autofree char *table = report_table(&record, 1, cli->lang, cli_columns(stdout));
	printf("\n%s\n%s  %s\n", table,
	       cli_choose(cli, verdict_name(record->verdict), verdict_name_ja(record->verdict)),
	       outcome->report);
	result_print_perturbed(cli, record);
}

static int once(CliContext *cli, const RunConfig *config, OperatorView *view)
{
	g_auto(RunOutcome) outcome = {0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	gboolean done = run_scenario(config, &outcome, diag, &error);
	operator_view_finish(view);
	if (!done)
		return diagnostics_errors(diag) ? cli_diagnostics(cli, diag) : cli_fail(cli, error);
	print_result(cli, &outcome);
	return (int)verdict_exit(outcome.record->verdict);
}

int cmd_run(int argc, char **argv, CliContext *cli)
{
	RunOptions o = {.seed = 1};
	const GOptionEntry options[] = {
		{"rig", 'r', 0, G_OPTION_ARG_FILENAME, &o.rig, N_("the stand"), "RIG"},
		{"product", 'p', 0, G_OPTION_ARG_FILENAME, &o.product, N_("the product under test"),
		 "PRODUCT"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &o.out,
		 N_("folder for the run's own folder (runs)"), "DIR"},
		{"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.sets,
		 N_("value of a scenario parameter"), "NAME=VALUE"},
		{"perturb", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.perturb,
		 N_("disturb the product's input (docs/perturb.md), after what the scenario does; "
		    "may be repeated"),
		 "NAME:SEVERITY[@ROLE]"},
		{"seed", 0, 0, G_OPTION_ARG_INT64, &o.seed,
		 N_("of the virtual world and of the perturbations (1)"), "N"},
		{"lock-step", 0, 0, G_OPTION_ARG_NONE, &o.lock_step,
		 N_("simulated time, everything in step"), NULL},
		{"fault", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.faults,
		 N_("make the virtual rig fail"), "DEVICE:KIND@TIME"},
		{"note", 0, 0, G_OPTION_ARG_STRING, &o.note, N_("kept in the session"), "TEXT"},
		{"yes", 'y', 0, G_OPTION_ARG_NONE, &o.yes, N_("take every prompt as done"), NULL},
		{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!o.rig || !o.product)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--rig and --product are needed: see anzen run --help"));
	operator_catch_signals();
	g_autoptr(LockstepWorld) world = NULL;
	g_autoptr(GError) error = NULL;
	OperatorView *view = operator_view_new(cli, argv[1], !o.yes);
	RunConfig config = {.scenario = argv[1],
			    .rig = o.rig,
			    .product = o.product,
			    .sets = (const char *const *)o.sets,
			    .out_dir = o.out,
			    .program_dir = cli->bin_dir,
			    .lang = cli->lang,
			    .note = o.note,
			    .faults = (const char *const *)o.faults,
			    .perturb = (const char *const *)o.perturb,
			    .seed = (uint64_t)o.seed,
			    .progress = operator_view_progress,
			    .progress_user = view};
	int code;
	do {
		g_clear_pointer(&world, lockstep_world_free);
		world = o.lock_step ? lockstep_world_new(o.rig, config.seed, &error) : NULL;
		code = o.lock_step && !world
			       ? cli_fail(cli, error)
			       : (lockstep_world_use(world, &config), once(cli, &config, view));
	} while (code != ANZEN_EXIT_INPUT && operator_view_ask_repeat(view));
	operator_view_free(view);
	g_free(o.rig);
	g_free(o.product);
	g_free(o.out);
	g_free(o.note);
	g_strfreev(o.sets);
	g_strfreev(o.faults);
	g_strfreev(o.perturb);
	return code;
}
