/* anzen criteria test: does each criterion accept, reject and leave open what its pack says? */
#include "cli.h"
#include "packs.h"

#include <string.h>

int cmd_criteria_test(int argc, char **argv, CliContext *cli);

typedef struct Tally {
	CliContext *cli;
	JsonBuilder *json; /* NULL: text */
	const GPtrArray *packs;
	unsigned tried, wrong;
} Tally;

static void tell(Tally *t, const Criterion *c, const char *trial, Verdict wanted,
		 const CriterionResult *r, const char *why)
{
	bool right = r && r->verdict == wanted;
	t->tried++;
	t->wrong += !right;
	if (t->json) {
		json_builder_begin_object(t->json);
		cli_json_text(t->json, "id", c->full_id);
		cli_json_text(t->json, "trial", trial);
		cli_json_text(t->json, "wanted", verdict_name(wanted));
		cli_json_text(t->json, "verdict", r ? verdict_name(r->verdict) : "none");
		cli_json_text(t->json, "why", why ? why : "");
		json_builder_end_object(t->json);
	} else if (!right) {
		printf("%s: %s: %s, %s: %s\n", c->full_id, trial, verdict_name(wanted),
		       r ? verdict_name(r->verdict) : "-", why ? why : "");
	}
}

static void try_one(Tally *t, const Criterion *c, TrialKind kind, bool adopted, const char *name,
		    Verdict wanted)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(CriterionResult) r = criterion_try((Pack *const *)t->packs->pdata, t->packs->len,
						     c, kind, adopted, &error);
	const char *why = r ? cli_choose(t->cli, r->why, r->why_ja) : error->message;
	tell(t, c, name, wanted, r, why);
}

/* What waits for a lab is judged as if the lab had decided, and once as shipped: then nothing may decide. */
static void try_criterion(Tally *t, const Criterion *c)
{
	for (int kind = 0; kind < TRIAL_KINDS; kind++)
		try_one(t, c, (TrialKind)kind, c->needs != NULL, trial_name((TrialKind)kind),
			trial_verdict((TrialKind)kind));
	if (c->needs)
		try_one(t, c, TRIAL_PASS, false, "as shipped", VERDICT_INVALID);
}

static bool chosen(const Pack *pack, const Criterion *c, const char *word)
{
	return !word || !strcmp(c->full_id, word) || !strcmp(pack->id, word) ||
	       g_str_has_suffix(pack->path, word);
}

static unsigned try_all(Tally *t, const char *word)
{
	unsigned n = 0;
	for (guint p = 0; p < t->packs->len; p++) {
		const Pack *pack = g_ptr_array_index(t->packs, p);
		for (guint i = 0; i < pack->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(pack->criteria, i);
			if (!chosen(pack, c, word))
				continue;
			try_criterion(t, c);
			n++;
		}
	}
	return n;
}

static void print_tally(const Tally *t, unsigned criteria)
{
	if (t->json) {
		json_builder_end_array(t->json);
		cli_json_int(t->json, "criteria", criteria);
		cli_json_int(t->json, "wrong", t->wrong);
		json_builder_end_object(t->json);
		cli_print_json(t->json);
		return;
	}
	printf(ngettext("%u criterion, %u trials: %u not as the pack says\n",
			"%u criteria, %u trials: %u not as the pack says\n", criteria),
	       criteria, t->tried, t->wrong);
}

int cmd_criteria_test(int argc, char **argv, CliContext *cli)
{
	g_autofree char *folder = NULL;
	const GOptionEntry options[] = {
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &folder,
		 N_("folder of packs (default: criteria)"), "DIR"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	if (!cli_parse(cli, &argc, &argv, options, 0, 1))
		return cli->exit;
	const char *word = argc > 1 ? argv[1] : NULL;
	/* A file of its own, outside the folder, stands alone. */
	const char *where = folder ? folder : "criteria";
	if (word && !folder && g_file_test(word, G_FILE_TEST_EXISTS)) {
		where = word;
		word = NULL;
	}
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GPtrArray) packs = cli_load_packs(where, diag);
	if (diagnostics_errors(diag) > 0)
		return cli_diagnostics(cli, diag);
	g_autoptr(JsonBuilder) json = cli->json ? json_builder_new() : NULL;
	Tally t = {.cli = cli, .json = json, .packs = packs};
	if (json) {
		json_builder_begin_object(json);
		json_builder_set_member_name(json, "trials");
		json_builder_begin_array(json);
	}
	unsigned n = try_all(&t, word);
	if (n == 0)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("no pack or criterion is called '%s'"), word ? word : where);
	print_tally(&t, n);
	return t.wrong > 0 ? ANZEN_EXIT_FAIL : ANZEN_EXIT_PASS;
}
