/* Play what the plan drew, go on where it stopped, and judge all of it together. */
#include "plan.h"

#include <anzen/report.h>
#include <anzen/session.h>
#include <json-glib/json-glib.h>
#include <string.h>

void campaign_outcome_clear(CampaignOutcome *outcome)
{
	char *texts[] = {outcome->folder, outcome->id, outcome->title_en, outcome->title_ja,
			 outcome->plan_sha256};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	if (outcome->runs)
		g_ptr_array_unref(outcome->runs);
	if (outcome->claims)
		g_ptr_array_unref(outcome->claims);
	*outcome = (CampaignOutcome){0};
}

typedef struct Campaign {
	const CampaignConfig *config;
	const CampaignPlan *plan;
	char *folder, *runs_dir, *fixed, *digest; /* fixed: text of plan.json */
	GPtrArray *runs;                          /* RunRecord* */
	unsigned repeats;                         /* that are still allowed */
} Campaign;

static void campaign_clear(Campaign *c)
{
	g_free(c->folder);
	g_free(c->runs_dir);
	g_free(c->fixed);
	g_free(c->digest);
	if (c->runs)
		g_ptr_array_unref(c->runs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Campaign, campaign_clear)

static const char *meta(const RunRecord *run, const char *key)
{
	const char *value = g_hash_table_lookup(run->meta, key);
	return value ? value : "";
}

/* ---- plan.json ---- */

static JsonObject *parse(JsonParser *parser, const char *text, GError **error)
{
	if (!json_parser_load_from_data(parser, text, -1, error))
		return NULL;
	JsonNode *root = json_parser_get_root(parser);
	if (root && JSON_NODE_HOLDS_OBJECT(root))
		return json_node_get_object(root);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "not a campaign's plan.json");
	return NULL;
}

/* Name of the first file whose digest is not the same in both; NULL: another thing differs. Caller frees. */
static char *changed_file(JsonObject *was, JsonObject *is)
{
	JsonObject *before = json_object_get_object_member(was, "files"),
		   *now = json_object_get_object_member(is, "files");
	JsonObject *const both[] = {before, now};
	for (int k = 0; before && now && k < 2; k++) {
		g_autoptr(GList) names = json_object_get_members(both[k]);
		for (GList *n = names; n; n = n->next) {
			const char *a =
				json_object_get_string_member_with_default(before, n->data, NULL);
			const char *b =
				json_object_get_string_member_with_default(now, n->data, NULL);
			if (g_strcmp0(a, b))
				return g_strdup(n->data);
		}
	}
	return NULL;
}

static gboolean same_plan(const Campaign *c, const char *found, GError **error)
{
	g_autoptr(JsonParser) old_parser = json_parser_new(), new_parser = json_parser_new();
	JsonObject *was = parse(old_parser, found, error);
	if (!was)
		return FALSE;
	const char *created = json_object_get_string_member_with_default(was, "created", "");
	g_autofree char *again = campaign_plan_fix(c->plan, c->config->program_dir, created, error);
	if (!again)
		return FALSE;
	if (!strcmp(again, found))
		return TRUE;
	JsonObject *is = parse(new_parser, again, error);
	g_autofree char *name = is ? changed_file(was, is) : NULL;
	if (is)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: %s changed since the campaign's first run; what was fixed stays "
			    "fixed: put it back, or begin a new campaign with another id or -o",
			    c->folder, name ? name : "the plan");
	return FALSE;
}

/* Write plan.json, or find that it still holds. */
static gboolean fix_plan(Campaign *c, GError **error)
{
	g_autofree char *path = g_build_filename(c->folder, "plan.json", NULL);
	if (g_mkdir_with_parents(c->runs_dir, 0777) != 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "cannot make %s", c->runs_dir);
		return FALSE;
	}
	if (g_file_get_contents(path, &c->fixed, NULL, NULL)) {
		if (!same_plan(c, c->fixed, error))
			return FALSE;
	} else {
		g_autoptr(GDateTime) now = g_date_time_new_now_utc();
		g_autofree char *created = g_date_time_format_iso8601(now);
		c->fixed = campaign_plan_fix(c->plan, c->config->program_dir, created, error);
		if (!c->fixed || !session_write_file(path, c->fixed, strlen(c->fixed), error))
			return FALSE;
	}
	c->digest = session_sha256(c->fixed, strlen(c->fixed));
	return TRUE;
}

/* ---- what is there already ---- */

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *folders_below(const char *path)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)) != NULL)
		g_ptr_array_add(out, g_build_filename(path, name, NULL));
	g_ptr_array_sort(out, by_text);
	return out;
}

/* A run that was killed left its recording and no verdict. It counts as what the recording shows, so that nobody takes a bad
 * run back by ending it. NULL: there is not even a recording that can be judged. */
static RunRecord *judge_left_over(const char *folder)
{
	g_autofree char *session = g_build_filename(folder, "session.mcap", NULL);
	g_autofree char *json = g_build_filename(folder, "run.json", NULL);
	g_autoptr(Diagnostics) quiet = diagnostics_new();
	g_auto(RunScore) score = {0};
	if (!run_score(session, &(ScoreConfig){0}, &score, quiet, NULL) ||
	    !run_record_write(score.record, json, NULL))
		return NULL;
	return run_record_read(json, NULL);
}

static void take_runs(GPtrArray *runs, const char *runs_dir, const char *digest)
{
	g_autoptr(GPtrArray) folders = folders_below(runs_dir);
	for (guint i = 0; i < folders->len; i++) {
		const char *folder = g_ptr_array_index(folders, i);
		g_autofree char *path = g_build_filename(folder, "run.json", NULL);
		RunRecord *run = g_file_test(path, G_FILE_TEST_EXISTS) ? run_record_read(path, NULL)
								       : judge_left_over(folder);
		if (run && !strcmp(meta(run, "campaign"), digest))
			g_ptr_array_add(runs, run);
		else
			run_record_free(run);
	}
}

/* Attempts at a draw (from 1), and whether one of them was no INVALID. */
static unsigned attempts_at(const GPtrArray *runs, unsigned draw, bool *ret_valid)
{
	unsigned n = 0;
	g_autofree char *wanted = g_strdup_printf("%u", draw);
	*ret_valid = false;
	for (guint i = 0; i < runs->len; i++) {
		const RunRecord *run = g_ptr_array_index(runs, i);
		if (strcmp(meta(run, "campaign.draw"), wanted) != 0)
			continue;
		n++;
		*ret_valid |= run->verdict != VERDICT_INVALID;
	}
	return n;
}

static unsigned count_done(const Campaign *c)
{
	unsigned done = 0;
	for (unsigned i = 1; i <= c->plan->draws->len; i++) {
		bool valid;
		done += attempts_at(c->runs, i, &valid) > 0;
	}
	return done;
}

/* ---- playing ---- */

static gboolean tell(const Campaign *c, unsigned draw, unsigned attempt, const RunRecord *record)
{
	CampaignStatus status = {count_done(c), c->plan->draws->len, draw, attempt, record};
	return !c->config->progress || c->config->progress(c->config->user, &status);
}

static gboolean play_one(Campaign *c, unsigned draw, unsigned attempt, Diagnostics *diag,
			 GError **error)
{
	const CampaignDraw *d = g_ptr_array_index(c->plan->draws, draw - 1);
	g_auto(RunOutcome) outcome = {0};
	RunConfig config = {.scenario = g_ptr_array_index(c->plan->scenarios, d->scenario),
			    .rig = c->plan->rig,
			    .product = c->plan->product,
			    .sets = (const char *const *)d->sets,
			    .out_dir = c->runs_dir,
			    .criteria_dir = c->plan->criteria,
			    .program_dir = c->config->program_dir,
			    .lang = c->config->lang,
			    .seed = d->seed,
			    .lock_step = c->plan->lock_step,
			    .campaign = {c->fixed, c->digest, draw, d->sample, attempt}};
	if (!c->config->play(c->config->user, &config, &outcome, diag, error))
		return FALSE;
	g_ptr_array_add(c->runs, g_steal_pointer(&outcome.record));
	return TRUE;
}

/* Everything that can end early has: all claims are sequential, and decided. */
static bool decided(const Campaign *c)
{
	bool all = c->plan->claims->len > 0;
	for (guint i = 0; i < c->plan->claims->len; i++)
		all &= ((const CampaignClaim *)g_ptr_array_index(c->plan->claims, i))->good > 0;
	if (!all)
		return false;
	g_autoptr(GPtrArray) claims =
		criterion_claims((const RunRecord *const *)c->runs->pdata, c->runs->len);
	for (guint i = 0; i < claims->len; i++) {
		Verdict v = ((const ClaimResult *)g_ptr_array_index(claims, i))->verdict;
		all &= v == VERDICT_PASS || v == VERDICT_FAIL;
	}
	return all && claims->len > 0;
}

/* One draw until it has a run that counts, or may not be repeated. *ret_go: nobody asked to stop. */
static gboolean play_draw(Campaign *c, unsigned draw, bool *ret_go, Diagnostics *diag,
			  GError **error)
{
	for (;;) {
		bool valid;
		unsigned attempts = attempts_at(c->runs, draw, &valid);
		if (valid || (attempts > 0 && c->repeats == 0))
			return TRUE;
		if (!tell(c, draw, attempts + 1, NULL)) {
			*ret_go = false;
			return TRUE;
		}
		c->repeats -= attempts > 0;
		if (!play_one(c, draw, attempts + 1, diag, error))
			return FALSE;
		*ret_go = tell(c, draw, attempts + 1, g_ptr_array_index(c->runs, c->runs->len - 1));
		if (!*ret_go)
			return TRUE;
	}
}

static unsigned repeats_left(const Campaign *c)
{
	unsigned allowed = (unsigned)(c->plan->max_invalid * c->plan->draws->len + 1e-9), used = 0;
	for (unsigned i = 1; i <= c->plan->draws->len; i++) {
		bool valid;
		unsigned attempts = attempts_at(c->runs, i, &valid);
		used += attempts > 0 ? attempts - 1 : 0;
	}
	return used < allowed ? allowed - used : 0;
}

/* ---- judging ---- */

static void conclude(CampaignOutcome *out)
{
	g_clear_pointer(&out->claims, g_ptr_array_unref);
	out->claims = criterion_claims((const RunRecord *const *)out->runs->pdata, out->runs->len);
	g_autofree Verdict *all = g_new0(Verdict, out->claims->len + 1);
	for (guint i = 0; i < out->claims->len; i++)
		all[i] = ((const ClaimResult *)g_ptr_array_index(out->claims, i))->verdict;
	out->verdict =
		out->claims->len ? verdict_aggregate(all, out->claims->len) : VERDICT_INCONCLUSIVE;
	/* What is missing may still bring more valid runs; nothing may still make a FAIL good. */
	if (!out->complete && out->verdict != VERDICT_FAIL)
		out->verdict = VERDICT_INCONCLUSIVE;
}

gboolean campaign_run(const CampaignConfig *config, CampaignOutcome *ret, Diagnostics *diag,
		      GError **error)
{
	g_auto(Campaign) c = {.config = config, .plan = config->plan};
	bool go = true;
	c.folder = g_build_filename(config->out_dir ? config->out_dir : "campaigns",
				    config->plan->id, NULL);
	c.runs_dir = g_build_filename(c.folder, "runs", NULL);
	c.runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_record_free);
	if (!fix_plan(&c, error))
		return FALSE;
	take_runs(c.runs, c.runs_dir, c.digest);
	c.repeats = repeats_left(&c);
	for (unsigned draw = 1; go && draw <= c.plan->draws->len && !decided(&c); draw++)
		if (!play_draw(&c, draw, &go, diag, error))
			return FALSE;
	if (!go)
		return campaign_read(c.folder, ret, error);
	bool ended = decided(&c);
	if (!campaign_read(c.folder, ret, error))
		return FALSE;
	ret->complete |= ended;
	conclude(ret);
	return TRUE;
}

static char *text_of(JsonObject *plan, const char *name)
{
	return g_strdup(json_object_get_string_member_with_default(plan, name, NULL));
}

gboolean campaign_read(const char *folder, CampaignOutcome *ret, GError **error)
{
	g_autofree char *path = g_build_filename(folder, "plan.json", NULL), *text = NULL;
	g_autofree char *runs_dir = g_build_filename(folder, "runs", NULL);
	g_autoptr(JsonParser) parser = json_parser_new();
	if (!g_file_get_contents(path, &text, NULL, error))
		return FALSE;
	JsonObject *plan = parse(parser, text, error);
	if (!plan)
		return FALSE;
	g_autofree char *digest = session_sha256(text, strlen(text));
	CampaignOutcome out = {
		.folder = g_strdup(folder),
		.id = text_of(plan, "id"),
		.title_en = text_of(plan, "title.en"),
		.title_ja = text_of(plan, "title.ja"),
		.plan_sha256 = g_strdup(digest),
		.runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_record_free)};
	take_runs(out.runs, runs_dir, digest);
	JsonArray *draws = json_object_has_member(plan, "draws")
				   ? json_object_get_array_member(plan, "draws")
				   : NULL;
	out.complete = draws != NULL;
	out.drawn = draws ? json_array_get_length(draws) : 0;
	for (guint i = 1; draws && i <= json_array_get_length(draws); i++) {
		bool valid;
		out.complete &= attempts_at(out.runs, i, &valid) > 0;
	}
	conclude(&out);
	*ret = out;
	return TRUE;
}

static gboolean write_page(const CampaignOutcome *o, const char *lang, const char *name,
			   char **ret_path, GError **error)
{
	g_autofree char *path = g_build_filename(o->folder, name, NULL);
	const ReportCampaign page = {.id = o->id,
				     .title_en = o->title_en,
				     .title_ja = o->title_ja,
				     .plan_sha256 = o->plan_sha256,
				     .verdict = o->verdict,
				     .complete = o->complete,
				     .drawn = o->drawn,
				     .runs = o->runs,
				     .claims = o->claims,
				     .lang = lang};
	g_autofree char *html = report_campaign_html(&page);
	if (!session_write_file(path, html, strlen(html), error))
		return FALSE;
	if (ret_path)
		*ret_path = g_steal_pointer(&path);
	return TRUE;
}

gboolean campaign_write_report(const CampaignOutcome *o, const char *lang, char **ret_path,
			       GError **error)
{
	bool ja = !g_strcmp0(lang, "ja");
	return write_page(o, ja ? "ja" : "en", "report.html", ret_path, error) &&
	       write_page(o, ja ? "en" : "ja", ja ? "report.en.html" : "report.ja.html", NULL,
			  error);
}
