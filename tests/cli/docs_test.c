/* The examples in docs/ are true: each ```yaml block that begins with `anzen:` passes `anzen check`. */
#include <anzen/base.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "run.h"
#include "unit.h"

static unsigned examples;

static void check_example(const char *page, const char *text)
{
	/* Inside the project: a plan looks for its files in the folders above it. */
	g_autofree char *path =
		g_strdup_printf(ANZEN_SOURCE_DIR "/docs/.example-%d.yaml", (int)getpid());
	g_file_set_contents(path, text, -1, NULL);
	g_autofree char *line = g_strdup_printf("check %s", path);
	g_auto(CliResult) r = cli_run(line);
	if (r.code != 0)
		fprintf(stderr, "%s:\n%s", page, r.err);
	CU_ASSERT_EQUAL(r.code, 0);
	g_unlink(path);
	examples++;
}

static void check_page(const char *path)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	for (char *p = text; (p = strstr(p, "```yaml\nanzen:"));) {
		p += strlen("```yaml\n");
		char *end = strstr(p, "\n```");
		if (!end)
			break;
		g_autofree char *example = g_strndup(p, (gsize)(end - p + 1));
		check_example(path, example);
		p = end;
	}
}

static void check_folder(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		if (g_file_test(child, G_FILE_TEST_IS_DIR))
			check_folder(child);
		else if (g_str_has_suffix(name, ".md"))
			check_page(child);
	}
}

static void every_example_in_docs_passes_the_check(void)
{
	check_folder(ANZEN_SOURCE_DIR "/docs");
	CU_ASSERT(examples >= 2);
}

static void every_file_that_we_ship_passes_the_check(void)
{
	static const char *const folders[] = {"scenarios", "products", "rigs", "criteria",
					      "calibration"};
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *find =
			g_strdup_printf("find %s/%s -name '*.yaml'", ANZEN_SOURCE_DIR, folders[i]);
		g_autofree char *list = NULL;
		g_autofree char *shell = g_strdup_printf("sh -c \"%s 2>/dev/null\"", find);
		if (!g_spawn_command_line_sync(shell, &list, NULL, NULL, NULL))
			continue;
		g_auto(GStrv) files = g_strsplit(g_strstrip(list), "\n", -1);
		for (char **file = files; *file && **file; file++) {
			g_autofree char *line = g_strdup_printf("check %s", *file);
			g_auto(CliResult) r = cli_run(line);
			if (r.code != 0)
				fprintf(stderr, "%s", r.err);
			CU_ASSERT_EQUAL(r.code, 0);
		}
	}
}

UNIT_MAIN("cli.docs", UNIT(every_example_in_docs_passes_the_check),
	  UNIT(every_file_that_we_ship_passes_the_check))
