/* anzen campaign: many runs, fixed before the first, and what they show together. */
#include "claims_view.h"
#include "lockstep.h"
#include "operator_view.h"

#include <anzen/campaign.h>

#include <string.h>

int cmd_campaign_show(int argc, char **argv, CliContext *cli);
int cmd_campaign_run(int argc, char **argv, CliContext *cli);

/* ---- show ---- */

static void print_claims(const CampaignPlan *plan)
{
	for (guint i = 0; i < plan->claims->len; i++) {
		const CampaignClaim *c = g_ptr_array_index(plan->claims, i);
		printf(_("%s: %u runs with at most %u failures show at least %.4g %% at %.4g %% "
			 "confidence\n"),
		       c->criterion, c->n, c->permitted, 100 * c->rate, 100 * c->confidence);
		for (size_t k = 0; k < CAMPAIGN_RATES; k++)
			printf(_("  a product whose true rate is %.6g %% passes with %.1f %%\n"),
			       100 * campaign_rates[k],
			       100 * campaign_chance(c, campaign_rates[k]));
	}
}

static char *draw_text(const CampaignPlan *plan, const CampaignDraw *d)
{
	g_autofree char *file =
		g_path_get_basename(g_ptr_array_index(plan->scenarios, d->scenario));
	g_autofree char *sets = g_strjoinv(", ", d->sets);
	return g_strdup_printf("%s  %s", file, sets);
}

static void print_plan(const CampaignPlan *plan)
{
	g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, plan->seed);
	printf(_("%s: %u runs, drawn from seed %s\n"), plan->id, plan->draws->len, seed);
	for (guint i = 0; i < plan->draws->len; i++) {
		g_autofree char *what = draw_text(plan, g_ptr_array_index(plan->draws, i));
		printf("%5u  %s\n", i + 1, what);
	}
	print_claims(plan);
}

/* NULL with cli->exit set; warnings are told and do not stop. */
static CampaignPlan *load(CliContext *cli, const char *path)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	CampaignPlan *plan = campaign_plan_load(path, diag);
	if (!plan)
		cli->exit = cli_diagnostics(cli, diag);
	else
		diagnostics_print(diag, stderr);
	return plan;
}

int cmd_campaign_show(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 1, 1))
		return cli->exit;
	g_autoptr(CampaignPlan) plan = load(cli, argv[1]);
	if (!plan)
		return cli->exit;
	if (!cli->json) {
		print_plan(plan);
		return ANZEN_EXIT_PASS;
	}
	/* What plan.json would hold if the campaign began now. */
	g_autoptr(GError) error = NULL;
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *created = g_date_time_format_iso8601(now);
	g_autofree char *fixed = campaign_plan_fix(plan, cli->bin_dir, created, &error);
	if (!fixed)
		return cli_fail(cli, error);
	printf("%s\n", fixed);
	return ANZEN_EXIT_PASS;
}

/* ---- run ---- */

typedef struct Player {
	CliContext *cli;
	bool interactive;
} Player;

static gboolean play(void *user, RunConfig *config, RunOutcome *ret, Diagnostics *diag,
		     GError **error)
{
	const Player *player = user;
	g_autoptr(LockstepWorld) world = NULL;
	if (config->lock_step) {
		world = lockstep_world_new(config->rig, config->seed, error);
		if (!world)
			return FALSE;
		lockstep_world_use(world, config);
		return run_scenario(config, ret, diag, error);
	}
	OperatorView *view = operator_view_new(player->cli, config->scenario, player->interactive);
	config->progress = operator_view_progress;
	config->progress_user = view;
	gboolean done = run_scenario(config, ret, diag, error);
	operator_view_finish(view);
	operator_view_free(view);
	return done;
}

static gboolean progress(void *user, const CampaignStatus *s)
{
	const Player *player = user;
	if (operator_signalled())
		return FALSE;
	if (!s->record)
		return TRUE;
	const char *verdict = cli_choose(player->cli, verdict_name(s->record->verdict),
					 verdict_name_ja(s->record->verdict));
	if (s->attempt > 1)
		fprintf(stderr, _("[%u/%u] run %u, attempt %u: %s\n"), s->done, s->total, s->draw,
			s->attempt, verdict);
	else
		fprintf(stderr, _("[%u/%u] run %u: %s\n"), s->done, s->total, s->draw, verdict);
	return TRUE;
}

static void print_outcome_json(const CampaignOutcome *o, const char *report)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	cli_json_text(b, "folder", o->folder);
	cli_json_text(b, "report", report);
	cli_json_text(b, "verdict", verdict_name(o->verdict));
	json_builder_set_member_name(b, "complete");
	json_builder_add_boolean_value(b, o->complete);
	json_builder_set_member_name(b, "runs");
	json_builder_begin_array(b);
	for (guint i = 0; i < o->runs->len; i++) {
		const RunRecord *run = g_ptr_array_index(o->runs, i);
		json_builder_begin_object(b);
		cli_json_text(b, "run", run->run_id);
		cli_json_text(b, "draw", g_hash_table_lookup(run->meta, "campaign.draw"));
		cli_json_text(b, "verdict", verdict_name(run->verdict));
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	claims_json(b, o->claims);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void print_outcome(const CliContext *cli, const CampaignOutcome *o, const char *report)
{
	if (o->complete)
		claims_print(cli, o->claims, o->verdict);
	else
		printf(_("stopped after %u runs of %u: the same command goes on where it "
			 "stopped\n"),
		       o->runs->len, o->drawn);
	printf(_("report: %s\n"), report);
}

int cmd_campaign_run(int argc, char **argv, CliContext *cli)
{
	g_autofree char *out = NULL;
	gboolean yes = FALSE;
	const GOptionEntry options[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
		 N_("folder for the campaign's own folder (campaigns)"), "DIR"},
		{"yes", 'y', 0, G_OPTION_ARG_NONE, &yes, N_("take every prompt as done"), NULL},
		{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	g_autoptr(CampaignPlan) plan = load(cli, argv[1]);
	if (!plan)
		return cli->exit;
	operator_catch_signals();
	Player player = {cli, !yes};
	CampaignConfig config = {.plan = plan,
				 .out_dir = out,
				 .program_dir = cli->bin_dir,
				 .lang = cli->lang,
				 .play = play,
				 .progress = progress,
				 .user = &player};
	g_auto(CampaignOutcome) outcome = {0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	if (!campaign_run(&config, &outcome, diag, &error))
		return diagnostics_errors(diag) ? cli_diagnostics(cli, diag) : cli_fail(cli, error);
	g_autofree char *report = NULL;
	if (!campaign_write_report(&outcome, cli->lang, &report, &error))
		return cli_fail(cli, error);
	if (cli->json)
		print_outcome_json(&outcome, report);
	else
		print_outcome(cli, &outcome, report);
	return (int)verdict_exit(outcome.verdict);
}
