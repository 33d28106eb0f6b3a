/* The ids that we ship are those of the fact table, and only confirmed ones. */
#include <anzen/base.h>
#include <json-glib/json-glib.h>

#include "run.h"
#include "unit.h"

#define FACTS ANZEN_DATA_DIR "/standards/criteria_facts.tsv"

static GHashTable *shipped(const char *name)
{
	GHashTable *ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *line = g_strdup_printf("crosswalk %s --json", name);
	g_auto(CliResult) r = cli_run(line);
	g_autoptr(JsonNode) node = json_from_string(r.out, NULL);
	CU_ASSERT_PTR_NOT_NULL(node);
	JsonArray *rows =
		node ? json_object_get_array_member(json_node_get_object(node), "rows") : NULL;
	for (guint i = 0; rows && i < json_array_get_length(rows); i++)
		g_hash_table_add(ids, g_strdup(json_object_get_string_member(
					      json_array_get_object_element(rows, i), "id")));
	return ids;
}

/* Take away what the table has under `pack`; what is left was made up. Headings (value 0) are no controls. */
static void take_facts(GHashTable *ids, const char *pack)
{
	g_autofree char *text = NULL;
	CU_ASSERT_TRUE(g_file_get_contents(FACTS, &text, NULL, NULL));
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (char **line = lines; *line; line++) {
		g_auto(GStrv) f = g_strsplit(*line, "\t", -1);
		if (g_strv_length(f) < 9 || strcmp(f[0], pack))
			continue;
		bool heading = !strcmp(f[6], "assessable") && !strcmp(f[5], "0");
		if (!heading && !g_hash_table_remove(ids, f[1])) {
			fprintf(stderr, "%s: %s is missing\n", pack, f[1]);
			CU_ASSERT_TRUE(false);
		}
		CU_ASSERT_TRUE(g_str_has_prefix(f[8], "confirmed") ||
			       g_str_has_prefix(f[8], "id confirmed"));
	}
}

static void shipped_ids_are_the_tables_ids(void)
{
	static const char *const pairs[][3] = {{"nist-ai-rmf", "nist-ai-rmf-1.0", NULL},
					       {"nist-ai-600-1", "nist-ai-600-1", NULL},
					       {"iso-42001", "iso-42001-annexA", NULL},
					       {"iso-13482", "iso-13482-2014", NULL},
					       {"eu-ai-act", "eu-ai-act", NULL},
					       {"jp-aisi", "jp-aisi-gsn", "jp-aisi-evp-1.10"}};
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autoptr(GHashTable) ids = shipped(pairs[i][0]);
		CU_ASSERT(g_hash_table_size(ids) > 0);
		take_facts(ids, pairs[i][1]);
		if (pairs[i][2])
			take_facts(ids, pairs[i][2]);
		CU_ASSERT_EQUAL(g_hash_table_size(ids), 0);
	}
}

static const UnitTest tests[] = {UNIT(shipped_ids_are_the_tables_ids)};

int main(int argc, char **argv)
{
	unit_require("data", FACTS);
	return unit_run("cli.crosswalk_data", tests, G_N_ELEMENTS(tests), argc, argv);
}
