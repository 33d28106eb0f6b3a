/* anzen criteria lint|list|explain: packs for people. */
#include "cli.h"
#include "packs.h"

#include <anzen/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

int cmd_criteria_lint(int argc, char **argv, CliContext *cli);
int cmd_criteria_list(int argc, char **argv, CliContext *cli);
int cmd_criteria_explain(int argc, char **argv, CliContext *cli);

static unsigned lint_kept(const Pack *pack, Diagnostics *diag)
{
	criterion_pack_lint_kept(pack, diag);
	return pack->criteria->len;
}

/* A folder that has crosswalks and a register of hazards holds both ways; a file alone cannot. */
static void lint_both_ways(const char *where, const GPtrArray *packs, Diagnostics *diag)
{
	g_autoptr(Hazards) hazards = cli_load_hazards(where, diag);
	if (hazards)
		hazards_lint(hazards, (Pack *const *)packs->pdata, packs->len, diag);
	g_autoptr(GPtrArray) crosswalks = cli_load_crosswalks(where, diag);
	if (crosswalks->len > 0)
		crosswalk_lint((Crosswalk *const *)crosswalks->pdata, crosswalks->len,
			       (Pack *const *)packs->pdata, packs->len, diag);
}

int cmd_criteria_lint(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 0, -1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	unsigned n = 0;
	for (int i = 1; i < MAX(argc, 2); i++) {
		g_autoptr(GPtrArray) packs = cli_load_packs(argc > 1 ? argv[i] : "criteria", diag);
		cli_check_partners(packs, diag);
		lint_both_ways(argc > 1 ? argv[i] : "criteria", packs, diag);
		for (guint p = 0; p < packs->len; p++)
			n += lint_kept(g_ptr_array_index(packs, p), diag);
	}
	diagnostics_print(diag, stderr);
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		cli_json_errors(b, diag);
		json_builder_end_object(b);
		cli_print_json(b);
	} else if (diagnostics_errors(diag) == 0) {
		printf(ngettext("%u criterion is in order\n", "%u criteria are in order\n", n), n);
	}
	return diagnostics_errors(diag) > 0 ? ANZEN_EXIT_INPUT : ANZEN_EXIT_PASS;
}

static void list_json(const GPtrArray *packs)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "criteria");
	json_builder_begin_array(b);
	for (guint p = 0; p < packs->len; p++) {
		const Pack *pack = g_ptr_array_index(packs, p);
		for (guint i = 0; i < pack->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(pack->criteria, i);
			json_builder_begin_object(b);
			cli_json_text(b, "id", c->full_id);
			cli_json_text(b, "title", c->title_en);
			cli_json_text(b, "version", pack->version);
			json_builder_set_member_name(b, "perspectives");
			json_builder_begin_array(b);
			for (guint k = 0; k < c->perspectives->len; k++)
				json_builder_add_string_value(
					b, g_ptr_array_index(c->perspectives, k));
			json_builder_end_array(b);
			json_builder_end_object(b);
		}
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

int cmd_criteria_list(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 0, 1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GPtrArray) packs = cli_load_packs(argc > 1 ? argv[1] : "criteria", diag);
	if (diagnostics_errors(diag) > 0)
		return cli_diagnostics(cli, diag);
	if (cli->json) {
		list_json(packs);
		return ANZEN_EXIT_PASS;
	}
	for (guint p = 0; p < packs->len; p++) {
		const Pack *pack = g_ptr_array_index(packs, p);
		for (guint i = 0; i < pack->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(pack->criteria, i);
			printf("%-40s %s\n", c->full_id, cli_choose(cli, c->title_en, c->title_ja));
		}
	}
	return ANZEN_EXIT_PASS;
}

/* What the register says of the criterion's hazard; empty when there is no register. */
static char *hazard_line(CliContext *cli, const char *folder, const Criterion *c)
{
	g_autoptr(Diagnostics) quiet =
		diagnostics_new(); /* lint is where a broken register is told */
	g_autoptr(Hazards) all = cli_load_hazards(folder ? folder : "criteria", quiet);
	const Hazard *h = all ? hazards_find(all, c->hazard) : NULL;
	return h ? g_strdup_printf(_("hazard %s: %s (severity %s)\n"), h->id,
				   cli_choose(cli, h->title_en, h->title_ja), hazard_severity(h))
		 : g_strdup("");
}

/* Who gives the last part alone means the one criterion that is called so. NULL: none, or more than one. Caller frees. */
static char *whole_id(const char *folder, const char *id)
{
	g_autoptr(Diagnostics) quiet = diagnostics_new();
	g_autoptr(GPtrArray) packs = cli_load_packs(folder, quiet);
	char *found = NULL;
	for (guint p = 0; p < packs->len; p++) {
		const Pack *pack = g_ptr_array_index(packs, p);
		for (guint i = 0; i < pack->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(pack->criteria, i);
			if (strcmp(c->id, id) != 0)
				continue;
			if (found) {
				g_free(found);
				return NULL;
			}
			found = g_strdup(c->full_id);
		}
	}
	return found;
}

int cmd_criteria_explain(int argc, char **argv, CliContext *cli)
{
	g_autofree char *folder = NULL;
	const GOptionEntry options[] = {
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &folder,
		 N_("folder of packs (default: criteria)"), "DIR"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	g_autofree char *whole =
		strchr(argv[1], '/') ? NULL : whole_id(folder ? folder : "criteria", argv[1]);
	const char *id = whole ? whole : argv[1];
	g_autofree char *file = criterion_pack_file(id);
	if (!file)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("'%s' is no criterion: expected PACK/CRITERION, as in "
				       "living/fall-watch/alarm-delay"),
				     argv[1]);
	g_autofree char *path = g_build_filename(folder ? folder : "criteria", file, NULL);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack = criterion_pack_load(path, diag);
	if (!pack)
		return cli_diagnostics(cli, diag);
	const Criterion *c = criterion_find(&pack, 1, id);
	if (!c)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("the pack %s has no criterion '%s'"),
				     path, argv[1]);
	g_autofree char *words = criterion_explain(c, cli->lang),
			*hazard = hazard_line(cli, folder, c);
	g_autofree char *text = g_strconcat(words, hazard, NULL);
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		cli_json_text(b, "id", c->full_id);
		cli_json_text(b, "text", text);
		json_builder_end_object(b);
		cli_print_json(b);
	} else {
		fputs(text, stdout);
	}
	return ANZEN_EXIT_PASS;
}
