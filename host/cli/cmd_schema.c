#include "cli.h"
#include "kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cmd_schema(int argc, char **argv, CliContext *cli);

static char *schema_of(const CliKind *kind)
{
	return shape_json_schema(kind->shape(), kind->kind, kind->title);
}

/* "scenario/1" → DIR/scenario.schema.json */
static gboolean write_schema(const char *dir, const CliKind *kind, GError **error)
{
	g_autofree char *stem = g_strndup(kind->kind, strcspn(kind->kind, "/"));
	g_autofree char *name = g_strdup_printf("%s.schema.json", stem);
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autofree char *text = schema_of(kind);
	g_autoptr(GError) cause = NULL;
	if (g_file_set_contents(path, text, -1, &cause))
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s", cause->message);
	return FALSE;
}

static int write_all(CliContext *cli, const char *dir)
{
	if (g_mkdir_with_parents(dir, 0777) != 0)
		return cli_fail_text(cli, ANZEN_EXIT_INVALID, "%s: %s", dir, g_strerror(errno));
	for (size_t i = 0; i < cli_n_kinds; i++) {
		g_autoptr(GError) error = NULL;
		if (!write_schema(dir, &cli_kinds[i], &error))
			return cli_fail(cli, error);
	}
	return ANZEN_EXIT_PASS;
}

static const CliKind *find(const char *name)
{
	g_autofree char *versioned =
		strchr(name, '/') ? g_strdup(name) : g_strdup_printf("%s/1", name);
	return cli_kind_find(versioned);
}

int cmd_schema(int argc, char **argv, CliContext *cli)
{
	gboolean all = FALSE;
	g_autofree char *dir = NULL;
	const GOptionEntry options[] = {
		{"all", 0, 0, G_OPTION_ARG_NONE, &all, N_("write the schemas of all kinds"), NULL},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &dir, N_("folder to write to"), "DIR"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	if (!cli_parse(cli, &argc, &argv, options, 0, 1))
		return cli->exit;
	if (all)
		return write_all(cli, dir ? dir : ".");
	if (argc < 2)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("name a kind, as in 'anzen schema scenario'"));
	const CliKind *kind = find(argv[1]);
	if (!kind)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("there is no kind '%s'"), argv[1]);
	g_autofree char *text = schema_of(kind);
	fputs(text, stdout);
	return ANZEN_EXIT_PASS;
}
