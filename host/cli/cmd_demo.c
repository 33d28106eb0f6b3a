/* anzen demo: the four verdicts, each with a run that earns it. Exit 0 only when exactly these came, else 4. */
#include "cli.h"
#include "lockstep.h"
#include "operator_view.h"

#include <anzen/report.h>
#include <anzen/run.h>
#include <string.h>

int cmd_demo(int argc, char **argv, CliContext *cli);

typedef struct DemoRun {
	const char *label, *product;
	const char *rig; /* NULL: the demo's */
	const char *const *sets, *const *faults;
	Verdict expected;
} DemoRun;

typedef struct Demo {
	const char *name, *scenario, *rig;
	const DemoRun *runs; /* label NULL ends */
} Demo;

static const char *const frozen_camera[] = {"cam:freeze@3 s", NULL};
static const DemoRun chair_fall[] = {
	{"good", "products/fall-watch/product.yaml", NULL, NULL, NULL, VERDICT_PASS},
	{"late", "products/fall-watch/product-late.yaml", NULL, NULL, NULL, VERDICT_FAIL},
	{"frozen", "products/fall-watch/product.yaml", NULL, NULL, frozen_camera, VERDICT_INVALID},
	{"borderline", "products/fall-watch/product-borderline.yaml",
	 "rigs/living-room-worn-sensor.yaml", NULL, NULL, VERDICT_INCONCLUSIVE},
	{NULL, NULL, NULL, NULL, NULL, VERDICT_PASS}};

static const char *const silent_unit[] = {"io:silent@3 s", NULL};
static const DemoRun pan_overheat[] = {
	{"good", "products/stove-guard/product.yaml", NULL, NULL, NULL, VERDICT_PASS},
	{"late", "products/stove-guard/product-late.yaml", NULL, NULL, NULL, VERDICT_FAIL},
	{"silent", "products/stove-guard/product.yaml", NULL, NULL, silent_unit, VERDICT_INVALID},
	{"borderline", "products/stove-guard/product-borderline.yaml", NULL, NULL, NULL,
	 VERDICT_INCONCLUSIVE},
	{NULL, NULL, NULL, NULL, NULL, VERDICT_PASS}};

/* What `anzen demo NAME` knows; the first is the default. */
static const Demo demos[] = {
	{"chair-fall", "scenarios/fall-watch/chair-fall.yaml", "rigs/living-room-virtual.yaml",
	 chair_fall},
	{"pan-overheat", "scenarios/stove-guard/pan-overheat.yaml", "rigs/kitchen-virtual.yaml",
	 pan_overheat},
};

/* The project's folder: where the demo's files are, from the program's own place (build/bin) or from here. */
static char *project_root(const CliContext *cli, const Demo *demo)
{
	g_autofree char *above = g_build_filename(cli->bin_dir, "..", "..", NULL);
	g_autofree char *file = g_build_filename(above, demo->scenario, NULL);
	return g_file_test(file, G_FILE_TEST_EXISTS) ? g_canonicalize_filename(above, NULL)
						     : g_get_current_dir();
}

static gboolean play(CliContext *cli, const Demo *demo, const DemoRun *run, const char *root,
		     const char *out, bool lock_step, RunOutcome *ret, Diagnostics *diag,
		     GError **error)
{
	g_autofree char *scenario = g_build_filename(root, demo->scenario, NULL);
	g_autofree char *rig = g_build_filename(root, run->rig ? run->rig : demo->rig, NULL);
	g_autofree char *product = g_build_filename(root, run->product, NULL);
	g_autofree char *title = g_strdup_printf("%s (%s)", demo->name, run->label);
	g_autoptr(LockstepWorld) world = NULL;
	OperatorView *view = operator_view_new(cli, title, false);
	RunConfig config = {.scenario = scenario,
			    .rig = rig,
			    .product = product,
			    .sets = run->sets,
			    .faults = run->faults,
			    .out_dir = out,
			    .program_dir = cli->bin_dir,
			    .lang = cli->lang,
			    .label = run->label,
			    .seed = 1,
			    .progress = operator_view_progress,
			    .progress_user = view};
	gboolean done = !lock_step || (world = lockstep_world_new(rig, config.seed, error)) != NULL;
	lockstep_world_use(world, &config);
	done = done && run_scenario(&config, ret, diag, error);
	operator_view_free(view);
	if (done)
		fprintf(stderr, "%s: %s\n", title,
			cli_choose(cli, verdict_name(ret->record->verdict),
				   verdict_name_ja(ret->record->verdict)));
	return done;
}

static void print_json(const Demo *demo, const RunOutcome *outcomes, size_t n)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_array(b);
	for (size_t i = 0; i < n; i++) {
		json_builder_begin_array(b);
		json_builder_add_string_value(b, demo->runs[i].label);
		json_builder_add_string_value(b, verdict_name(outcomes[i].record->verdict));
		json_builder_end_array(b);
	}
	json_builder_end_array(b);
	cli_print_json(b);
}

static void print_table(const CliContext *cli, const RunOutcome *outcomes, size_t n)
{
	const RunRecord *records[8];
	for (size_t i = 0; i < n; i++)
		records[i] = outcomes[i].record;
	g_autofree char *table = report_table(records, n, cli->lang, cli_columns(stdout));
	printf("\n%s\n", table);
	for (size_t i = 0; i < n; i++)
		printf(_("report %zu: %s\n"), i + 1, outcomes[i].report);
}

static int conclude(CliContext *cli, const Demo *demo, const RunOutcome *outcomes, size_t n)
{
	if (cli->json)
		print_json(demo, outcomes, n);
	else
		print_table(cli, outcomes, n);
	for (size_t i = 0; i < n; i++)
		if (outcomes[i].record->verdict != demo->runs[i].expected)
			return cli_fail_text(cli, ANZEN_EXIT_INVALID,
					     _("the run '%s' was to end as %s and ended as %s"),
					     demo->runs[i].label,
					     verdict_name(demo->runs[i].expected),
					     verdict_name(outcomes[i].record->verdict));
	if (demo->runs[n].label)
		return cli_fail_text(cli, ANZEN_EXIT_INVALID,
				     _("stopped by the operator before the run '%s'"),
				     demo->runs[n].label);
	return ANZEN_EXIT_PASS;
}

/* A machine that is busy with other things can starve the virtual rig, which ends as INVALID as it must. Such a run is
 * played once more, as a technician would, and the first is named: nothing but INVALID is ever repeated. */
static bool disturbed(const DemoRun *run, const RunOutcome *outcome, bool lock_step)
{
	return !lock_step && outcome->record->verdict == VERDICT_INVALID &&
	       run->expected != VERDICT_INVALID && !operator_signalled();
}

static void tell_again(const Demo *demo, const DemoRun *run, const RunOutcome *first)
{
	fprintf(stderr,
		_("%s (%s): INVALID where it was to end as %s; played once more. The first: %s\n"),
		demo->name, run->label, verdict_name(run->expected), first->report);
}

static int play_all(CliContext *cli, const Demo *demo, const char *out, bool lock_step)
{
	RunOutcome outcomes[8] = {{0}};
	g_autofree char *root = project_root(cli, demo);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	size_t n = 0;
	bool ok = true;
	for (; ok && demo->runs[n].label && !operator_signalled(); n += ok) {
		const DemoRun *run = &demo->runs[n];
		RunOutcome *outcome = &outcomes[n];
		ok = play(cli, demo, run, root, out, lock_step, outcome, diag, &error);
		if (ok && disturbed(run, outcome, lock_step)) {
			tell_again(demo, run, outcome);
			run_outcome_clear(outcome);
			ok = play(cli, demo, run, root, out, lock_step, outcome, diag, &error);
		}
	}
	int code;
	if (ok)
		code = conclude(cli, demo, outcomes, n);
	else
		code = diagnostics_errors(diag) ? cli_diagnostics(cli, diag) : cli_fail(cli, error);
	for (size_t i = 0; i < n; i++)
		run_outcome_clear(&outcomes[i]);
	return code;
}

int cmd_demo(int argc, char **argv, CliContext *cli)
{
	gboolean lock_step = FALSE;
	g_autofree char *out = NULL;
	const GOptionEntry options[] = {{"lock-step", 0, 0, G_OPTION_ARG_NONE, &lock_step,
					 N_("simulated time: seconds instead of minutes"), NULL},
					{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
					 N_("folder for the runs (runs)"), "DIR"},
					{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 0, 1))
		return cli->exit;
	const Demo *demo = &demos[0];
	if (argc > 1) {
		demo = NULL;
		for (size_t i = 0; i < G_N_ELEMENTS(demos); i++)
			if (!strcmp(argv[1], demos[i].name))
				demo = &demos[i];
	}
	if (!demo)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("there is no demo '%s': chair-fall or pan-overheat"),
				     argv[1]);
	operator_catch_signals();
	return play_all(cli, demo, out, lock_step);
}
