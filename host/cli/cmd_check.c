#include "cli.h"
#include "kinds.h"

#include <stdio.h>

int cmd_check(int argc, char **argv, CliContext *cli);

static void unknown_kind(const YamlDoc *doc, Diagnostics *diag)
{
	const char *found = yaml_document_kind(doc);
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	for (size_t i = 0; i < cli_n_kinds; i++)
		g_ptr_array_add(known, (gpointer)(uintptr_t)cli_kinds[i].kind);
	g_ptr_array_add(known, NULL);
	g_autofree char *all = g_strjoinv(", ", (char **)known->pdata);
	if (found) {
		g_autofree char *near = text_did_you_mean(found, (const char *const *)known->pdata);
		yaml_error(doc, yaml_value_at(yaml_root(doc), 0), diag,
			   "unknown kind '%s'%s (known: %s)", found, near, all);
	} else {
		yaml_error(doc, yaml_root(doc), diag,
			   "expected the first line 'anzen: KIND/1', KIND one of %s", all);
	}
}

static void check_file(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	if (!doc)
		return;
	const char *name = yaml_document_kind(doc);
	const CliKind *kind = name ? cli_kind_find(name) : NULL;
	if (!kind)
		unknown_kind(doc, diag);
	else if (kind->check)
		kind->check(doc, diag);
	else
		shape_check(kind->shape(), doc, yaml_root(doc), diag);
}

static void print_result(const Diagnostics *diag)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	cli_json_errors(b, diag);
	json_builder_end_object(b);
	cli_print_json(b);
}

int cmd_check(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 1, -1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	for (int i = 1; i < argc; i++)
		check_file(argv[i], diag);
	diagnostics_print(diag, stderr);
	if (cli->json)
		print_result(diag);
	else if (diagnostics_errors(diag) == 0)
		printf(ngettext("%d file is in order\n", "%d files are in order\n",
				(unsigned long)(argc - 1)),
		       argc - 1);
	return diagnostics_errors(diag) > 0 ? ANZEN_EXIT_INPUT : ANZEN_EXIT_PASS;
}
