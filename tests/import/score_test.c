/* Real recordings of others, imported and scored by packs of the test's own, as a technician types it. What is in them was
 * read with other programs (python3-rosbag, awk, a second ULog reader):
 *
 *	rosbag1/example.bag	/turtle1/pose from 0.21 s to 21.70 s, every 17 ms; x from 0.98 m to 9.69 m, speed from -2 to 2 m/s
 *	ulog/sample_log_small	roll rate from -0.0068 rad/s to 0.0070 rad/s for 6.5 s, every 164 ms or less
 *	open-smart-home		bathroom from 16.22 degC to 26.14 degC, 10,768 rows; the longest time without one is 22 h
 *
 * Nothing in an import shows a product alive, so what a dead product fulfils as well is never PASS. */
#include "../cli/run.h"
#include "unit.h"
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#define BAG ANZEN_DATA_DIR "/rosbag1/example.bag"
#define LOG ANZEN_DATA_DIR "/ulog/sample_log_small.ulg"
#define FLAT ANZEN_DATA_DIR "/open-smart-home/Measurements/Bathroom_Temperature.csv"

static char *dir;

typedef struct {
	const char *name, *formula;
	const char *verdict, *verdict2; /* either; NULL: only the first */
	const char *why;                /* must stand in the reason; NULL: anything */
} Case;

static char *path(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

static void write_pack(const char *file, const Case *cases, size_t n)
{
	g_autoptr(GString) text = g_string_new(
		"anzen: criteria/1\nid: test/foreign\nversion: 1.0.0\n"
		"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n"
		"criteria:\n");
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(text,
				       "  %s:\n"
				       "    title: {en: \"%s\", ja: \"試験\"}\n"
				       "    perspectives: [LIV-body]\n"
				       "    formula: %s\n"
				       "    source: {basis: \"lab decision\", by: test}\n",
				       cases[i].name, cases[i].name, cases[i].formula);
	g_file_set_contents(file, text->str, -1, NULL);
}

static JsonObject *result_named(JsonNode *root, const char *id)
{
	JsonArray *all =
		root ? json_object_get_array_member(json_node_get_object(root), "criteria") : NULL;
	for (guint i = 0; all && i < json_array_get_length(all); i++) {
		JsonObject *r = json_array_get_object_element(all, i);
		const char *is = json_object_get_string_member(r, "id");
		if (g_str_has_suffix(is, id) && is[strlen(is) - strlen(id) - 1] == '/')
			return r;
	}
	return NULL;
}

static void compare(JsonNode *root, const Case *c)
{
	JsonObject *r = result_named(root, c->name);
	const char *is = r ? json_object_get_string_member(r, "verdict") : "absent",
		   *why = r ? json_object_get_string_member_with_default(r, "why", "") : "";
	bool good = (!strcmp(is, c->verdict) || !g_strcmp0(is, c->verdict2)) &&
		    (!c->why || strstr(why, c->why));
	if (!good)
		fprintf(stderr, "%s: %s, expected %s: %s\n", c->name, is, c->verdict, why);
	CU_ASSERT_TRUE(good);
}

/* `map`: NULL: none. */
static void import_and_score(const char *file, const char *map, const Case *cases, size_t n)
{
	g_autofree char *session = path("s.mcap"), *mapping = path("map.yaml"),
			*pack = path("pack.yaml");
	g_autoptr(GString) line = g_string_new(NULL);
	g_autoptr(JsonParser) parser = json_parser_new();
	g_unlink(session);
	write_pack(pack, cases, n);
	g_string_printf(line, "session import %s -o %s", file, session);
	if (map) {
		g_file_set_contents(mapping, map, -1, NULL);
		g_string_append_printf(line, " --map %s", mapping);
	}
	g_auto(CliResult) import = cli_run(line->str);
	CU_ASSERT_EQUAL(import.code, 0);
	g_string_printf(line, "score %s --criteria %s --json", session, pack);
	g_auto(CliResult) score = cli_run(line->str);
	CU_ASSERT_TRUE(json_parser_load_from_data(parser, score.out, -1, NULL));
	for (size_t i = 0; i < n; i++)
		compare(json_parser_get_root(parser), &cases[i]);
	/* The table for people as well: an import is of no run. */
	g_string_printf(line, "score %s --criteria %s", session, pack);
	g_auto(CliResult) table = cli_run(line->str);
	CU_ASSERT_EQUAL(table.code, score.code);
	CU_ASSERT_PTR_NOT_NULL(strstr(table.out, "s.mcap"));
	g_unlink(session);
	g_unlink(mapping);
	g_unlink(pack);
}

static void a_robots_bag(void)
{
	static const char map[] =
		"anzen: mapping/1\nid: turtle\nothers: leave\nsignals:\n"
		"  turtle.x: {field: '/turtle1/pose.x', unit: m, origin: stimulus, exogenous: "
		"true, "
		"max_gap: 100 ms, bandwidth: 5 Hz, max_slew: 5 m/s, u_common: 2 mm, dof: 50, "
		"u_sample: 1 mm, u_clock: 1 ms}\n"
		"  turtle.v: {field: '/turtle1/pose.linear_velocity', unit: m/s, origin: response, "
		"u_clock: 1 ms}\n";
	static const Case cases[] = {
		{"moves", "eventually[1 s, 21 s] (turtle.v > 0.5 m/s)", "PASS", NULL, NULL},
		{"races", "eventually[1 s, 21 s] (turtle.v > 30 m/s)", "FAIL", NULL, NULL},
		{"leaves", "always (turtle.x < 6 m)", "FAIL", NULL, NULL},
		/* The first pose comes after 0.21 s. */
		{"stays", "always (turtle.x < 30 m)", "INVALID", NULL, "gap"},
		{"begins", "always[0 s, 1 s] (turtle.x < 30 m)", "INVALID", NULL, "gap"},
		{"other", "eventually (turtle.y > 1 m)", "INVALID", NULL,
		 "turtle.y is not in the recording"},
	};
	import_and_score(BAG, map, cases, G_N_ELEMENTS(cases));
}

/* Without a mapping nobody knows a unit. */
static void a_bag_of_which_nothing_was_declared(void)
{
	static const Case cases[] = {
		{"moves", "eventually (turtle1.pose.linear_velocity > 0.5 m/s)", "INVALID", NULL,
		 "'unknown' and 'm/s'"},
		{"plain", "eventually (turtle1.pose.linear_velocity > 0.5)", "INVALID", NULL, NULL},
	};
	import_and_score(BAG, NULL, cases, G_N_ELEMENTS(cases));
}

static void a_flight_log(void)
{
	static const char map[] =
		"anzen: mapping/1\nid: flight\nothers: leave\nsignals:\n"
		"  roll.rate: {field: 'vehicle_angular_velocity.xyz[0]', unit: rad/s, "
		"origin: response, max_gap: 200 ms, bandwidth: 5 Hz, max_slew: 1 rad/s2, "
		"u_common: 0.0001 rad/s, dof: 50, u_sample: 0.0001 rad/s, u_clock: 1 ms}\n";
	static const Case cases[] = {
		{"trembles", "eventually (roll.rate > 0.003 rad/s)", "INCONCLUSIVE", NULL,
		 "not shown alive"},
		{"rolls", "eventually[0.5 s, 6 s] (roll.rate > 1 rad/s)", "FAIL", NULL, NULL},
		/* A dead machine lies still as well. */
		{"still", "always[0.5 s, 6 s] (roll.rate < 1 rad/s)", "INCONCLUSIVE", NULL,
		 "not shown alive"},
		{"never", "always (roll.rate < 0.001 rad/s)", "FAIL", NULL, NULL},
		/* The largest reading is 0.00698 rad/s ± 0.0003 rad/s. */
		{"edge", "eventually (roll.rate > 0.0069778 rad/s)", "INCONCLUSIVE", "INVALID",
		 NULL},
	};
	import_and_score(LOG, map, cases, G_N_ELEMENTS(cases));
}

static void a_flats_table(void)
{
	static const char map[] =
		"anzen: mapping/1\nid: flat\ndelimiter: tab\nheadings: false\n"
		"time: {column: '1', unit: s}\nsignals:\n"
		"  bath: {column: '2', unit: degC, origin: stimulus, exogenous: true, max_gap: 24 "
		"h, "
		"bandwidth: 0.01 Hz, max_slew: 0.1 K/s, u_common: 0.2 K, dof: 50, u_sample: 0.1 K, "
		"u_clock: 1 s}\n";
	static const Case cases[] = {
		{"warm", "eventually (bath > 25 degC)", "INCONCLUSIVE", NULL, "not shown alive"},
		{"cold", "always (bath > 18 degC)", "FAIL", NULL, NULL},
		/* Between two readings hours apart it may have been. */
		{"hot", "eventually (bath > 30 degC)", "INCONCLUSIVE", "INVALID", NULL},
	};
	import_and_score(FLAT, map, cases, G_N_ELEMENTS(cases));
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(a_robots_bag),
		UNIT(a_bag_of_which_nothing_was_declared),
		UNIT(a_flight_log),
		UNIT(a_flats_table),
	};
	unit_require("data", BAG);
	dir = g_dir_make_tmp("anzen-score-XXXXXX", NULL);
	int result = unit_run("import.score", tests, G_N_ELEMENTS(tests), argc, argv);
	result |= g_rmdir(dir) != 0;
	g_free(dir);
	return result;
}
