/* anzen guide, anzen guide diff: the packs as text, and what a revision of them means. */
#include "cli.h"
#include "packs.h"

#include <anzen/session.h>
#include <string.h>

int cmd_guide(int argc, char **argv, CliContext *cli);
int cmd_guide_diff(int argc, char **argv, CliContext *cli);

static int written(CliContext *cli, const char *path, const char *text)
{
	g_autoptr(GError) error = NULL;
	if (!session_write_file(path, text, strlen(text), &error))
		return cli_fail(cli, error);
	return cli_written(cli, path);
}

int cmd_guide(int argc, char **argv, CliContext *cli)
{
	g_autofree char *path = NULL, *folder = NULL;
	const GOptionEntry options[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &path,
		 N_("FILE.html or FILE.md (default: Markdown on standard output)"), "FILE"},
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &folder,
		 N_("folder of packs (default: criteria)"), "DIR"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	if (!cli_parse(cli, &argc, &argv, options, 0, 0))
		return cli->exit;
	bool html = path && g_str_has_suffix(path, ".html");
	if (path && !html && !g_str_has_suffix(path, ".md"))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("-o is FILE.html or FILE.md, not '%s'"), path);
	if (cli->json && !path)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("--json needs -o FILE"));
	g_autoptr(Diagnostics) diag = diagnostics_new();
	const char *where = folder ? folder : "criteria";
	g_autoptr(GPtrArray) packs = cli_load_packs(where, diag);
	g_autoptr(GPtrArray) crosswalks = cli_load_crosswalks(where, diag);
	if (diagnostics_errors(diag) > 0)
		return cli_diagnostics(cli, diag);
	g_autofree char *text = criterion_guide(
		(Pack *const *)packs->pdata, packs->len, (Crosswalk *const *)crosswalks->pdata,
		crosswalks->len, cli->lang, html ? GUIDE_HTML : GUIDE_MARKDOWN);
	if (path)
		return written(cli, path, text);
	fputs(text, stdout);
	return ANZEN_EXIT_PASS;
}

/* ---- diff ---- */

static const char *kind_text(ChangeKind kind)
{
	switch (kind) {
	case CHANGE_ADDED:
		return _("added");
	case CHANGE_WITHDRAWN:
		return _("withdrawn");
	case CHANGE_TIGHTENED:
		return _("tightened");
	case CHANGE_LOOSENED:
		return _("loosened");
	case CHANGE_RULE:
		return _("rule changed");
	case CHANGE_VERSION:
		return _("version not raised");
	}
	return "";
}

static void diff_json(const CliContext *cli, const GPtrArray *changes)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "changes");
	json_builder_begin_array(b);
	for (guint i = 0; i < changes->len; i++) {
		const CriterionChange *c = g_ptr_array_index(changes, i);
		json_builder_begin_object(b);
		cli_json_text(b, "id", c->id);
		cli_json_text(b, "change", change_name(c->kind));
		cli_json_text(b, "what", cli_choose(cli, c->en, c->ja));
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void diff_text(const CliContext *cli, const GPtrArray *changes)
{
	for (guint i = 0; i < changes->len; i++) {
		const CriterionChange *c = g_ptr_array_index(changes, i);
		printf("%s  %s  %s\n", c->id, kind_text(c->kind), cli_choose(cli, c->en, c->ja));
	}
	printf(ngettext("%u change in meaning\n", "%u changes in meaning\n", changes->len),
	       changes->len);
}

int cmd_guide_diff(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 2, 2))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GPtrArray) old_packs = cli_load_packs(argv[1], diag);
	g_autoptr(GPtrArray) new_packs = cli_load_packs(argv[2], diag);
	if (diagnostics_errors(diag) > 0)
		return cli_diagnostics(cli, diag);
	g_autoptr(GPtrArray) changes =
		criterion_diff((Pack *const *)old_packs->pdata, old_packs->len,
			       (Pack *const *)new_packs->pdata, new_packs->len);
	if (cli->json)
		diff_json(cli, changes);
	else
		diff_text(cli, changes);
	return ANZEN_EXIT_PASS;
}
