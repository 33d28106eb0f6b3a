/* anzen replay: a recorded session, a new product. */
#include "cli.h"
#include "operator_view.h"
#include "result.h"

#include <anzen/report.h>
#include <anzen/run.h>
#include <stdio.h>
#include <string.h>

int cmd_replay(int argc, char **argv, CliContext *cli);

static void print_json(const RunOutcome *outcome)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	const struct {
		const char *name;
		int64_t ns;
	} lateness[] = {{"p50", outcome->lateness_p50_ns},
			{"p99", outcome->lateness_p99_ns},
			{"p99.9", outcome->lateness_p999_ns},
			{"worst", outcome->worst_lateness_ns}};
	json_builder_begin_object(b);
	result_json(b, outcome->record);
	json_builder_set_member_name(b, "folder");
	json_builder_add_string_value(b, outcome->folder);
	json_builder_set_member_name(b, "report");
	json_builder_add_string_value(b, outcome->report);
	json_builder_set_member_name(b, "frames");
	json_builder_add_int_value(b, (gint64)outcome->frames);
	json_builder_set_member_name(b, "items");
	json_builder_add_int_value(b, (gint64)outcome->items);
	if (outcome->took_ns > 0) {
		json_builder_set_member_name(b, "took_s");
		json_builder_add_double_value(b, (double)outcome->took_ns * 1e-9);
	}
	json_builder_set_member_name(b, "lateness_s");
	json_builder_begin_object(b);
	for (size_t i = 0; i < G_N_ELEMENTS(lateness); i++) {
		cli_json_number(b, lateness[i].name, (double)lateness[i].ns * 1e-9);
	}
	json_builder_end_object(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void print_text(const CliContext *cli, const RunOutcome *outcome)
{
	const RunRecord *record = outcome->record;
	g_autofree char *table = report_table(&record, 1, cli->lang, cli_columns(stdout));
	printf("\n%s\n%s  %s", table,
	       cli_choose(cli, verdict_name(record->verdict), verdict_name_ja(record->verdict)),
	       outcome->report);
	if (record->left_out->len > 0)
		printf(_("  (%u of %u criteria; nothing is said about the others)"),
		       record->criteria->len, record->criteria->len + record->left_out->len);
	printf("\n");
	/* %llu: gettext cannot look into G_GUINT64_FORMAT. */
	printf(_("%llu pictures and %llu samples given; late by %.3f ms (median), %.3f ms (99 %%), "
		 "%.3f ms (99.9 %%), %.3f ms (worst)\n"),
	       (unsigned long long)outcome->frames,
	       (unsigned long long)(outcome->items - outcome->frames),
	       (double)outcome->lateness_p50_ns * 1e-6, (double)outcome->lateness_p99_ns * 1e-6,
	       (double)outcome->lateness_p999_ns * 1e-6, (double)outcome->worst_lateness_ns * 1e-6);
	if (outcome->took_ns > 0)
		printf(_("given in %.3f s: %.0f a second\n"), (double)outcome->took_ns * 1e-9,
		       (double)outcome->items / ((double)outcome->took_ns * 1e-9));
	result_print_perturbed(cli, record);
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

/* ---- steps ---------------------------------------------------------------------------------------------------- */

/* One line of standard input a step: empty, one decision; a number, so many; q or Ctrl-C, the end; no more input, go on. */
static int64_t ask_step(void *user, double t_s)
{
	char line[64];
	(void)user;
	fprintf(stderr, _("t = %.3f s; Enter: one decision, a number: so many, q: stop> "), t_s);
	fflush(stderr);
	for (;;) {
		switch (operator_read_line(line, sizeof(line))) {
		case OPERATOR_LINE:
			break;
		case OPERATOR_NO_MORE:
			return -1;
		case OPERATOR_SIGNALLED:
			fputc('\n', stderr);
			return 0;
		}
		g_strstrip(line);
		gint64 n = *line ? g_ascii_strtoll(line, NULL, 10) : 1;
		if (!strcmp(line, "q"))
			return 0;
		if (n > 0)
			return n;
		fprintf(stderr, _("expected Enter, a number or q> "));
		fflush(stderr);
	}
}

/* ---- options -------------------------------------------------------------------------------------------------- */

typedef struct Options {
	char *product, *criteria, *out, *from, *to, *rate, *deadline;
	char **perturb, **chosen;
	gint64 seed;
	int loops;
	gboolean step;
} Options;

static void options_clear(Options *o)
{
	g_free(o->product);
	g_free(o->criteria);
	g_free(o->out);
	g_free(o->from);
	g_free(o->to);
	g_free(o->rate);
	g_free(o->deadline);
	g_strfreev(o->perturb);
	g_strfreev(o->chosen);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean read_rate(const Options *o, ReplayConfig *config, GError **error)
{
	const char *text = o->rate ? o->rate : o->step ? "answer" : "1";
	char *end;
	config->rate = 1;
	if (!strcmp(text, "answer")) {
		config->pace = REPLAY_ANSWER;
	} else if (!strcmp(text, "max")) {
		config->pace = REPLAY_MAX;
	} else {
		config->rate = g_ascii_strtod(text, &end);
		if (end == text || *end) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    _("--rate: expected a number from 0.1 to 20, max or answer, "
				      "found '%s'"),
				    text);
			return FALSE;
		}
	}
	return TRUE;
}

#define NO_SEED (-1)

static gboolean read_options(const Options *o, ReplayConfig *config, GError **error)
{
	if (o->loops < 1 || o->seed < NO_SEED) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s",
			    _("--loop takes a number from 1 on, --seed one from 0 on"));
		return FALSE;
	}
	config->product = o->product;
	config->criteria = o->criteria;
	config->chosen = (const char *const *)o->chosen;
	config->out_dir = o->out;
	config->to_ns = CLOCK_NEVER;
	config->loops = (unsigned)o->loops;
	config->own_seed = o->seed >= 0;
	config->seed = o->seed >= 0 ? (uint64_t)o->seed : 1;
	config->perturb = (const char *const *)o->perturb;
	config->step = o->step ? ask_step : NULL;
	if (o->deadline && (!quantity_parse_ns(o->deadline, &config->deadline_ns, error) ||
			    config->deadline_ns <= 0)) {
		if (error && !*error)
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    _("--deadline: expected a time above 0, found '%s'"),
				    o->deadline);
		return FALSE;
	}
	return read_rate(o, config, error) &&
	       (!o->from || quantity_parse_ns(o->from, &config->from_ns, error)) &&
	       (!o->to || quantity_parse_ns(o->to, &config->to_ns, error));
}

int cmd_replay(int argc, char **argv, CliContext *cli)
{
	g_auto(Options) o = {.loops = 1, .seed = NO_SEED};
	const GOptionEntry options[] = {
		{"product", 'p', 0, G_OPTION_ARG_FILENAME, &o.product, N_("the product under test"),
		 "PRODUCT"},
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &o.criteria,
		 N_("pack to judge with (the recording's own)"), "PACK"},
		{"criterion", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.chosen,
		 N_("judge this criterion only, and what it is judged with; may be repeated"),
		 "ID"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &o.out,
		 N_("folder for the run's own folder (runs)"), "DIR"},
		{"rate", 0, 0, G_OPTION_ARG_STRING, &o.rate,
		 N_("speed, 0.1 to 20 (1; any other is INVALID); max: as fast as can be written "
		    "(INVALID); answer: lock-step, as fast as the product answers"),
		 "R|max|answer"},
		{"step", 0, 0, G_OPTION_ARG_NONE, &o.step,
		 N_("lock-step, and wait for Enter before each decision of the product"), NULL},
		{"from", 0, 0, G_OPTION_ARG_STRING, &o.from, N_("begin at this time"), "T"},
		{"to", 0, 0, G_OPTION_ARG_STRING, &o.to, N_("end at this time"), "T"},
		{"loop", 0, 0, G_OPTION_ARG_INT, &o.loops,
		 N_("play the part so often, times going on (1)"), "N"},
		{"deadline", 0, 0, G_OPTION_ARG_STRING, &o.deadline,
		 N_("how late anything may be given before the run is INVALID (what its scenario "
		    "says, else 100 ms)"),
		 "T"},
		{"perturb", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.perturb,
		 N_("disturb the product's input (docs/perturb.md); several: one after the other; "
		    "none: not even as in the recorded run"),
		 "NAME:SEVERITY[@ROLE]"},
		{"seed", 0, 0, G_OPTION_ARG_INT64, &o.seed,
		 N_("of the perturbations (that of the recorded run, else 1)"), "N"},
		{NULL}};
	g_autoptr(GError) error = NULL;
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!o.product)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--product is needed: see anzen replay --help"));
	ReplayConfig config = {.session = argv[1], .program_dir = cli->bin_dir, .lang = cli->lang};
	if (!read_options(&o, &config, &error))
		return cli_fail(cli, error);
	operator_catch_signals();
	OperatorView *view = operator_view_new(cli, argv[1], false);
	config.progress = o.step ? NULL : operator_view_progress; /* steps have the keyboard */
	config.progress_user = view;
	int code = once(cli, &config, view);
	operator_view_free(view);
	return code;
}
