/* The upstream suite through build/bin/mcap-conformance: reader, indexed reader, and the writer byte for byte where the
 * name has no `pad`. Five families as upstream made them (262 cases); with the argument `ten` the sixth (154 cases),
 * made anew by @mcap/core; with `random` 30 files of its writer with random options and contents, which are only read. The expected values are upstream's or @mcap/core's. */
#include "unit.h"
#include <anzen/base/error.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#define SUITE ANZEN_DATA_DIR "/mcap-conformance"
#define NPM ANZEN_SOURCE_DIR "/tests/npm"
#define PROGRAM ANZEN_BINARY_DIR "/bin/mcap-conformance"

static const char *suite_dir = SUITE;
static unsigned n_cases = 262, n_written = 131;
static size_t first_list = 0; /* of those that the indexed reader gives */

static GPtrArray *cases(void)
{
	GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) suite = g_dir_open(suite_dir, 0, NULL);
	const char *family, *name;
	while (suite && (family = g_dir_read_name(suite))) {
		g_autofree char *folder = g_build_filename(suite_dir, family, NULL);
		g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
		while (dir && (name = g_dir_read_name(dir)))
			if (g_str_has_suffix(name, ".mcap"))
				g_ptr_array_add(found,
						g_strdup_printf("%s/%.*s", folder,
								(int)strlen(name) - 5, name));
	}
	return found;
}

static GBytes *run(const char *verb, const char *file)
{
	const char *argv[] = {PROGRAM, verb, file, NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocess) child =
		g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
	GBytes *out = NULL;
	if (!child || !g_subprocess_communicate(child, NULL, NULL, &out, NULL, &error) ||
	    !g_subprocess_get_successful(child))
		g_clear_pointer(&out, g_bytes_unref);
	return out;
}

static JsonNode *parsed(const char *text, gssize size)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	return json_parser_load_from_data(parser, text, size, NULL) ? json_parser_steal_root(parser)
								    : NULL;
}

static JsonNode *expected_of(const char *stem)
{
	g_autofree char *path = g_strconcat(stem, ".json", NULL), *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) ? parsed(text, -1) : NULL;
}

static JsonNode *output_of(const char *verb, const char *stem)
{
	g_autofree char *path = g_strconcat(stem, ".mcap", NULL);
	g_autoptr(GBytes) out = run(verb, path);
	return out ? parsed(g_bytes_get_data(out, NULL), (gssize)g_bytes_get_size(out)) : NULL;
}

static JsonArray *records_of(JsonNode *node)
{
	return json_object_get_array_member(json_node_get_object(node), "records");
}

static void report(const char *stem, const char *what)
{
	fprintf(stderr, "%s: %s differs\n", stem, what);
	CU_FAIL("differs");
}

static void every_case_reads_as_upstream_says(void)
{
	g_autoptr(GPtrArray) all = cases();
	CU_ASSERT_EQUAL(all->len, n_cases);
	for (guint i = 0; i < all->len; i++) {
		g_autoptr(JsonNode) want = expected_of(all->pdata[i]),
				    got = output_of("read", all->pdata[i]);
		g_autoptr(JsonNode) a = json_node_new(JSON_NODE_ARRAY),
				    b = json_node_new(JSON_NODE_ARRAY);
		if (!want || !got) {
			report(all->pdata[i], "nothing read");
			continue;
		}
		json_node_set_array(a, records_of(want));
		json_node_set_array(b, records_of(got));
		if (!json_node_equal(a, b))
			report(all->pdata[i], "read");
	}
}

/* ---- indexed: derived from the records ------------------------------------------------------- */

static const char *field(JsonNode *record, const char *name)
{
	JsonArray *fields = json_object_get_array_member(json_node_get_object(record), "fields");
	for (guint i = 0; i < json_array_get_length(fields); i++) {
		JsonArray *pair = json_array_get_array_element(fields, i);
		if (!strcmp(json_array_get_string_element(pair, 0), name))
			return json_array_get_string_element(pair, 1);
	}
	return NULL;
}

static bool has_id(JsonArray *list, const char *id)
{
	for (guint i = 0; i < json_array_get_length(list); i++)
		if (!g_strcmp0(field(json_array_get_element(list, i), "id"), id))
			return true;
	return false;
}

static guint place_by_time(JsonArray *list, JsonNode *message)
{
	guint64 t = g_ascii_strtoull(field(message, "log_time"), NULL, 10);
	guint at = json_array_get_length(list);
	while (at > 0 && g_ascii_strtoull(field(json_array_get_element(list, at - 1), "log_time"),
					  NULL, 10) > t)
		at--;
	return at;
}

/* The records of one type: unique by id for schemas and channels, messages stable by time. */
static JsonNode *expected_list(JsonNode *want, const char *type)
{
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	JsonArray *list = json_array_new();
	JsonArray *records = records_of(want);
	for (guint i = 0; i < json_array_get_length(records); i++) {
		JsonNode *record = json_array_get_element(records, i);
		if (strcmp(json_object_get_string_member(json_node_get_object(record), "type"),
			   type))
			continue;
		if (field(record, "id") && has_id(list, field(record, "id")))
			continue;
		if (strcmp(type, "Message")) {
			json_array_add_element(list, json_node_copy(record));
			continue;
		}
		guint at = place_by_time(list, record);
		JsonArray *longer = json_array_new();
		for (guint k = 0; k <= json_array_get_length(list); k++) {
			if (k == at)
				json_array_add_element(longer, json_node_copy(record));
			if (k < json_array_get_length(list))
				json_array_add_element(longer, json_array_dup_element(list, k));
		}
		json_array_unref(list);
		list = longer;
	}
	JsonNode *node = json_node_new(JSON_NODE_ARRAY);
	json_node_take_array(node, list);
	return node;
}

static void every_case_reads_through_its_index(void)
{
	static const char *const lists[][2] = {{"schemas", "Schema"},
					       {"channels", "Channel"},
					       {"messages", "Message"},
					       {"statistics", "Statistics"}};
	g_autoptr(GPtrArray) all = cases();
	CU_ASSERT_EQUAL(all->len, n_cases);
	for (guint i = 0; i < all->len; i++) {
		g_autoptr(JsonNode) want = expected_of(all->pdata[i]),
				    got = output_of("read-indexed", all->pdata[i]);
		if (!want || !got) {
			report(all->pdata[i], "nothing read");
			continue;
		}
		for (size_t k = first_list; k < G_N_ELEMENTS(lists); k++) {
			g_autoptr(JsonNode) a = expected_list(want, lists[k][1]);
			JsonNode *b =
				json_object_get_member(json_node_get_object(got), lists[k][0]);
			if (!b || !json_node_equal(a, b))
				report(all->pdata[i], lists[k][0]);
		}
	}
}

static void every_case_without_pad_is_written_byte_for_byte(void)
{
	g_autoptr(GPtrArray) all = cases();
	unsigned written = 0;
	for (guint i = 0; i < all->len; i++) {
		const char *name = strrchr(all->pdata[i], '/');
		if (strstr(name, "pad"))
			continue;
		g_autofree char *json = g_strconcat(all->pdata[i], ".json", NULL);
		g_autofree char *mcap = g_strconcat(all->pdata[i], ".mcap", NULL), *want = NULL;
		gsize size = 0;
		g_autoptr(GBytes) got = run("write", json);
		written++;
		if (!got || !g_file_get_contents(mcap, &want, &size, NULL) ||
		    g_bytes_get_size(got) != size ||
		    memcmp(want, g_bytes_get_data(got, NULL), size))
			report(all->pdata[i], "write");
	}
	CU_ASSERT_EQUAL(written, n_written);
}

/* The upstream repository publishes these two CRCs of each file in its expected readings: the generated family is
 * upstream's. */
static void the_generated_family_is_upstreams(void)
{
	static const struct {
		const char *name, *data_crc, *summary_crc;
	} known[] = {{"TenMessages-ch-chx-mx-rch-rsh-st-sum", "2749581515", "2261599816"},
		     {"TenMessages-rch-rsh-st-sum", "406842951", "1731176002"}};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		g_autofree char *stem =
			g_build_filename(suite_dir, "TenMessages", known[i].name, NULL);
		g_autoptr(JsonNode) got = output_of("read", stem);
		JsonArray *records = got ? records_of(got) : NULL;
		guint found = 0;
		for (guint k = 0; records && k < json_array_get_length(records); k++) {
			JsonNode *record = json_array_get_element(records, k);
			const char *data = field(record, "data_section_crc"),
				   *summary = field(record, "summary_crc");
			found += !g_strcmp0(data, known[i].data_crc) ||
				 !g_strcmp0(summary, known[i].summary_crc);
		}
		CU_ASSERT_EQUAL(found, 2);
	}
}

static void remove_generated(const char *family)
{
	g_autofree char *folder = g_build_filename(suite_dir, family, NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *file = g_build_filename(folder, name, NULL);
		g_unlink(file);
	}
	g_rmdir(folder);
	g_rmdir(suite_dir);
}

/* Its own seed and count, where the script takes them. */
static int run_generated(const char *script, const char *family, const char *count,
			 const UnitTest *tests, size_t n)
{
	g_autofree char *node = g_find_program_in_path("node"),
			*path = g_build_filename(NPM, script, NULL),
			*dir = g_dir_make_tmp("anzen-suite-XXXXXX", NULL),
			*name = g_strdup_printf("mcap.%s", family);
	unit_require("npm", node ? node : "node");
	unit_require("npm", NPM "/node_modules/@mcap/core/package.json");
	const char *argv[] = {node, path, dir, count ? "20261124" : NULL, count, NULL};
	g_autoptr(GSubprocess) generator = g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_NONE, NULL);
	if (!generator || !g_subprocess_wait_check(generator, NULL, NULL))
		return 1;
	suite_dir = dir;
	int failed = unit_run(name, tests, n, 1, NULL);
	remove_generated(family);
	return failed;
}

static int run_ten(void)
{
	static const UnitTest tests[] = {UNIT(the_generated_family_is_upstreams),
					 UNIT(every_case_reads_as_upstream_says),
					 UNIT(every_case_reads_through_its_index),
					 UNIT(every_case_without_pad_is_written_byte_for_byte)};
	n_cases = 154;
	n_written = 77;
	return run_generated("ten-messages.mjs", "TenMessages", NULL, tests, G_N_ELEMENTS(tests));
}

static int run_random(void)
{
	static const UnitTest tests[] = {UNIT(every_case_reads_as_upstream_says),
					 UNIT(every_case_reads_through_its_index)};
	n_cases = 30;
	first_list = 2; /* its summary lists schemas and channels in another order than its data */
	return run_generated("random-recordings.mjs", "Random", "30", tests, G_N_ELEMENTS(tests));
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(every_case_reads_as_upstream_says),
					 UNIT(every_case_reads_through_its_index),
					 UNIT(every_case_without_pad_is_written_byte_for_byte)};
	if (argc == 2 && !strcmp(argv[1], "ten"))
		return run_ten();
	if (argc == 2 && !strcmp(argv[1], "random"))
		return run_random();
	unit_require("data", SUITE);
	return unit_run("mcap.conformance", tests, G_N_ELEMENTS(tests), argc, argv);
}
