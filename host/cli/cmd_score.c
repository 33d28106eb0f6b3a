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
	if (record->left_out->len > 0)
		printf(_("  (%u of %u criteria; nothing is said about the others)"),
		       record->criteria->len, record->criteria->len + record->left_out->len);
	printf("\n");
	const char *perturb = g_hash_table_lookup(record->meta, "perturb");
	if (perturb) {
		printf(_("The product was given perturbed input: %s"), perturb);
		printf("\n");
	}
}

/* Against what was decided; with nothing decided, the share that is violated. */
static unsigned against(const CriterionResult *r)
{
	return r->verdict == VERDICT_FAIL ? r->monte_carlo.held : r->monte_carlo.violated;
}

static void print_draws(const RunRecord *record)
{
	for (guint i = 0; i < record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(record->criteria, i);
		const MonteCarlo *m = &r->monte_carlo;
		if (m->draws == 0)
			continue;
		double share = 100.0 * against(r) / m->draws,
		       risk = 100 * (r->verdict == VERDICT_FAIL ? r->risk_reject : r->risk_accept);
		if (r->verdict == VERDICT_INCONCLUSIVE)
			printf(_("%s: of %u draws %.2f %% violate it, %.2f %% satisfy it\n"), r->id,
			       m->draws, share, 100.0 * m->held / m->draws);
		else
			printf(_("%s: %.2f %% of %u draws would flip the verdict (declared risk "
				 "%.2f "
				 "%%)\n"),
			       r->id, share, m->draws, risk);
	}
}

int cmd_score(int argc, char **argv, CliContext *cli)
{
	g_autofree char *criteria = NULL;
	g_auto(GStrv) chosen = NULL;
	int draws = 0;
	const GOptionEntry options[] = {
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &criteria,
		 N_("judge with this pack instead of the recording's own"), "PACK"},
		{"criterion", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chosen,
		 N_("judge this criterion only, and what it is judged with; may be repeated"),
		 "ID"},
		{"monte-carlo", 0, 0, G_OPTION_ARG_INT, &draws,
		 N_("draw so often within the declared uncertainties; changes no verdict"), "N"},
		{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (draws < 0 || draws > 1000000)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--monte-carlo is 1 to 1000000 draws, not %d"), draws);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(Pack) pack = criteria ? criterion_pack_load(criteria, diag) : NULL;
	if (criteria && !pack)
		return cli_diagnostics(cli, diag);
	g_autofree char *session = session_of(argv[1]), *recorded = recorded_verdict(argv[1]);
	g_auto(RunScore) score = {0};
	const ScoreConfig config = {.packs = pack ? &pack : NULL,
				    .n_packs = pack ? 1 : 0,
				    .criteria = (const char *const *)chosen,
				    .draws = (unsigned)draws};
	if (!run_score(session, &config, &score, diag, &error))
		return diagnostics_errors(diag) ? cli_diagnostics(cli, diag) : cli_fail(cli, error);
	if (cli->json)
		print_json(score.record, recorded);
	else
		print_table(cli, score.record, recorded);
	if (!cli->json)
		print_draws(score.record);
	return (int)verdict_exit(score.record->verdict);
}
