/* anzen claim: what many runs show together. */
#include "claims_view.h"

#include <anzen/campaign.h>
#include <anzen/session.h>

int cmd_claim(int argc, char **argv, CliContext *cli);

static bool take_run(const char *folder, GPtrArray *runs, GError **error)
{
	g_autofree char *path = g_build_filename(folder, "run.json", NULL);
	RunRecord *run = run_record_read(path, error);
	if (run)
		g_ptr_array_add(runs, run);
	return run != NULL;
}

/* A run's folder, or a campaign's: then all of its runs, so that none is left out. */
static bool take(const char *folder, GPtrArray *runs, GError **error)
{
	g_autofree char *plan = g_build_filename(folder, "plan.json", NULL);
	if (!g_file_test(plan, G_FILE_TEST_EXISTS))
		return take_run(folder, runs, error);
	g_auto(CampaignOutcome) campaign = {0};
	if (!campaign_read(folder, &campaign, error))
		return false;
	for (guint i = 0; i < campaign.runs->len; i++)
		g_ptr_array_add(runs, g_steal_pointer(&campaign.runs->pdata[i]));
	return true;
}

static Verdict aggregate(const GPtrArray *claims)
{
	g_autofree Verdict *all = g_new0(Verdict, claims->len + 1);
	for (guint i = 0; i < claims->len; i++)
		all[i] = ((const ClaimResult *)g_ptr_array_index(claims, i))->verdict;
	return verdict_aggregate(all, claims->len);
}

int cmd_claim(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 1, -1))
		return cli->exit;
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_record_free);
	for (int i = 1; i < argc; i++) {
		g_autoptr(GError) error = NULL;
		if (!take(argv[i], runs, &error))
			return cli_fail(cli, error);
	}
	g_autoptr(GPtrArray) claims =
		criterion_claims((const RunRecord *const *)runs->pdata, runs->len);
	if (claims->len == 0)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("no criterion of these runs declares a claim"));
	Verdict verdict = aggregate(claims);
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		cli_json_text(b, "verdict", verdict_name(verdict));
		claims_json(b, claims);
		json_builder_end_object(b);
		cli_print_json(b);
	} else {
		claims_print(cli, claims, verdict);
	}
	return (int)verdict_exit(verdict);
}
