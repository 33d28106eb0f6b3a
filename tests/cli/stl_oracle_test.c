/* The oracle's cases through the command line, each formula as it is written there. */
#include <anzen/base.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <unistd.h>

#include "run.h"
#include "unit.h"

#define DENSE ANZEN_DATA_DIR "/stl-oracle/generated_dense_linear.json"
#define DISCRETE ANZEN_DATA_DIR "/stl-oracle/generated_discrete.json"

static JsonArray *cases_of(JsonParser *parser, const char *path)
{
	g_autoptr(GError) error = NULL;
	UNIT_OK(json_parser_load_from_file(parser, path, &error), error);
	return json_object_get_array_member(json_node_get_object(json_parser_get_root(parser)),
					    "cases");
}

static double number(JsonNode *n)
{
	return json_node_get_value_type(n) == G_TYPE_STRING
		       ? g_ascii_strtod(json_node_get_string(n), NULL)
		       : json_node_get_double(n);
}

/* The answer for the case's x and y, in a parser. */
static JsonObject *ask(JsonObject *c, const char *options, JsonParser *parser)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("anzen-oracle-XXXXXX", &path, NULL);
	close(fd);
	JsonObject *signals = json_object_new();
	for (const char *const *s = (const char *const[]){"x", "y", NULL}; *s; s++)
		json_object_set_member(signals, *s, json_node_copy(json_object_get_member(c, *s)));
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	json_node_take_object(root, signals);
	g_autofree char *text = json_to_string(root, FALSE);
	g_file_set_contents(path, text, -1, NULL);
	g_autofree char *quoted = g_shell_quote(json_object_get_string_member(c, "formula"));
	g_autofree char *line =
		g_strdup_printf("stl eval %s --signals %s --json %s", quoted, path, options);
	g_auto(CliResult) r = cli_run(line);
	g_unlink(path);
	bool ok = r.code == 0 && json_parser_load_from_data(parser, r.out, -1, NULL);
	if (!ok)
		fprintf(stderr, "%s\n%s", line, r.err);
	return ok ? json_node_get_object(json_parser_get_root(parser)) : NULL;
}

static void dense_cases_come_out_of_the_command(void)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonArray *cases = cases_of(parser, DENSE);
	guint n = json_array_get_length(cases), right = 0, asked = 0;
	for (guint i = 0; i < n; i += 2, asked++) {
		g_autoptr(JsonParser) answer = json_parser_new();
		JsonObject *c = json_array_get_object_element(cases, i);
		JsonObject *a = ask(c, "", answer);
		double want = json_object_get_double_member(c, "rho_t0");
		double got = a ? number(json_object_get_member(a, "robustness")) : (double)NAN;
		bool same = fabs(got - want) <= 1e-9 * MAX(1, fabs(want)) &&
			    (want == 0 ||
			     json_object_get_boolean_member(a, "satisfied") == (want > 0)) &&
			    json_object_get_boolean_member(a, "complete");
		if (!same)
			fprintf(stderr, "case %u: %s: want %g, got %g\n", i,
				json_object_get_string_member(c, "formula"), want, got);
		right += same;
	}
	CU_ASSERT_TRUE(asked >= 100);
	CU_ASSERT_EQUAL(right, asked);
}

static bool same_trace(JsonObject *answer, JsonArray *want)
{
	JsonArray *trace = answer ? json_object_get_array_member(answer, "trace") : NULL;
	guint n = json_array_get_length(want);
	if (!trace || json_array_get_length(trace) != n)
		return false;
	for (guint i = 0; i < n; i++) {
		JsonArray *entry = json_array_get_array_element(trace, i);
		if (json_array_get_double_element(entry, 0) != i ||
		    number(json_array_get_element(entry, 1)) !=
			    number(json_array_get_element(want, i)))
			return false;
	}
	return true;
}

static void discrete_traces_come_out_of_the_command(void)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonArray *cases = cases_of(parser, DISCRETE);
	guint n = json_array_get_length(cases), right = 0, asked = 0;
	for (guint i = 0; i < n; i += 3, asked++) {
		g_autoptr(JsonParser) answer = json_parser_new();
		JsonObject *c = json_array_get_object_element(cases, i);
		right += same_trace(ask(c, "--time discrete --trace", answer),
				    json_object_get_array_member(c, "rho"));
	}
	CU_ASSERT_TRUE(asked >= 100);
	CU_ASSERT_EQUAL(right, asked);
}

int main(int argc, char **argv)
{
	unit_require("data", DENSE);
	static const UnitTest tests[] = {UNIT(dense_cases_come_out_of_the_command),
					 UNIT(discrete_traces_come_out_of_the_command)};
	return unit_run("cli.stl_oracle", tests, G_N_ELEMENTS(tests), argc, argv);
}
