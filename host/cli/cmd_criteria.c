/* anzen criteria lint|list|explain: packs for people. */
#include "cli.h"

#include <anzen/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

int cmd_criteria_lint(int argc, char **argv, CliContext *cli);
int cmd_criteria_list(int argc, char **argv, CliContext *cli);
int cmd_criteria_explain(int argc, char **argv, CliContext *cli);

static gint by_path(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void find_files(const char *folder, GPtrArray *paths, int depth)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_str_has_suffix(name, ".yaml"))
			g_ptr_array_add(paths, g_steal_pointer(&path));
		else if (depth > 0 && g_file_test(path, G_FILE_TEST_IS_DIR))
			find_files(path, paths, depth - 1);
	}
}

/* Every pack in a folder, or the one file. */
static GPtrArray *load_packs(const char *where, Diagnostics *diag)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *packs = g_ptr_array_new_with_free_func((GDestroyNotify)criterion_pack_free);
	if (g_file_test(where, G_FILE_TEST_IS_DIR))
		find_files(where, paths, 4);
	else
		g_ptr_array_add(paths, g_strdup(where));
	g_ptr_array_sort(paths, by_path);
	for (guint i = 0; i < paths->len; i++) {
		Pack *pack = criterion_pack_load(g_ptr_array_index(paths, i), diag);
		if (pack)
			g_ptr_array_add(packs, pack);
	}
	if (paths->len == 0)
		diagnostics_add(diag, false, where, 0, 0,
				"no criteria pack (*.yaml) in this folder");
	return packs;
}

/* A partner in another pack must be there too; a pack alone cannot know. */
static void check_partners(const GPtrArray *packs, Diagnostics *diag)
{
	for (guint p = 0; p < packs->len; p++) {
		const Pack *pack = g_ptr_array_index(packs, p);
		for (guint i = 0; i < pack->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(pack->criteria, i);
			if (c->partner &&
			    !criterion_find((Pack *const *)packs->pdata, packs->len, c->partner))
				diagnostics_add(diag, false, pack->path, c->line, c->column,
						"%s: `with: %s`: no such criterion", c->id,
						c->partner);
		}
	}
}

int cmd_criteria_lint(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 0, -1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	unsigned n = 0;
	for (int i = 1; i < MAX(argc, 2); i++) {
		g_autoptr(GPtrArray) packs = load_packs(argc > 1 ? argv[i] : "criteria", diag);
		check_partners(packs, diag);
		for (guint p = 0; p < packs->len; p++)
			n += ((const Pack *)g_ptr_array_index(packs, p))->criteria->len;
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
			json_builder_set_member_name(b, "id");
			json_builder_add_string_value(b, c->full_id);
			json_builder_set_member_name(b, "title");
			json_builder_add_string_value(b, c->title_en);
			json_builder_set_member_name(b, "version");
			json_builder_add_string_value(b, pack->version);
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
	g_autoptr(GPtrArray) packs = load_packs(argc > 1 ? argv[1] : "criteria", diag);
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
	g_autofree char *file = criterion_pack_file(argv[1]);
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
	const Criterion *c = criterion_find(&pack, 1, argv[1]);
	if (!c)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("the pack %s has no criterion '%s'"),
				     path, argv[1]);
	g_autofree char *text = criterion_explain(c, cli->lang);
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		json_builder_set_member_name(b, "id");
		json_builder_add_string_value(b, c->full_id);
		json_builder_set_member_name(b, "text");
		json_builder_add_string_value(b, text);
		json_builder_end_object(b);
		cli_print_json(b);
	} else {
		fputs(text, stdout);
	}
	return ANZEN_EXIT_PASS;
}
