/* docs/schema, from which editors complete, says what the code says. After a change of a Shape:
 * build/bin/anzen schema --all -o docs/schema */
#include <anzen/base.h>
#include <glib/gstdio.h>

#include "run.h"
#include "unit.h"

static void compare(const char *made_dir, const char *name)
{
	g_autofree char *made = g_build_filename(made_dir, name, NULL);
	g_autofree char *kept = g_build_filename(ANZEN_SOURCE_DIR, "docs", "schema", name, NULL);
	g_autofree char *made_text = NULL, *kept_text = NULL;
	CU_ASSERT_TRUE(g_file_get_contents(made, &made_text, NULL, NULL));
	CU_ASSERT_TRUE(g_file_get_contents(kept, &kept_text, NULL, NULL));
	bool same = made_text && kept_text && !strcmp(made_text, kept_text);
	if (!same)
		fprintf(stderr, "%s differs: run build/bin/anzen schema --all -o docs/schema\n",
			kept);
	CU_ASSERT_TRUE(same);
	g_unlink(made);
}

static unsigned count(const char *path)
{
	unsigned n = 0;
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	while (dir && g_dir_read_name(dir))
		n++;
	return n;
}

static void schema_files_equal_the_code(void)
{
	g_autofree char *dir = g_dir_make_tmp("anzen-schema-XXXXXX", NULL);
	g_autofree char *line = g_strdup_printf("schema --all -o %s", dir);
	g_autofree char *kept = g_build_filename(ANZEN_SOURCE_DIR, "docs", "schema", NULL);
	g_auto(CliResult) r = cli_run(line);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT(count(dir) >= 2);
	CU_ASSERT_EQUAL(count(dir), count(kept)); /* and none is left over */
	g_autoptr(GDir) made = g_dir_open(dir, 0, NULL);
	for (const char *name; made && (name = g_dir_read_name(made));)
		compare(dir, name);
	g_rmdir(dir);
}

static void one_kind_is_printed_by_name(void)
{
	g_auto(CliResult) by_word = cli_run("schema scenario"),
			  by_kind = cli_run("schema scenario/1"),
			  unknown = cli_run("schema nothing");
	CU_ASSERT_EQUAL(by_word.code, 0);
	CU_ASSERT_STRING_EQUAL(by_word.out, by_kind.out);
	CU_ASSERT_EQUAL(unknown.code, 2);
}

UNIT_MAIN("cli.schema", UNIT(schema_files_equal_the_code), UNIT(one_kind_is_printed_by_name))
