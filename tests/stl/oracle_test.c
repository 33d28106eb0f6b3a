/* Formulas and signals generated elsewhere, with values that other implementations agree on. Dense: piecewise linear, closed
 * intervals, until with its left side on the closed [t, t'], value at t = 0 (STLRom, Breach, a grid). Discrete: whole traces,
 * half-open until and since, an empty window is ±inf (a brute-force evaluator, RTAMT). */
#include "unit.h"

#include <anzen/stl.h>
#include <json-glib/json-glib.h>

#define CASES ANZEN_DATA_DIR "/stl-oracle/generated_dense_linear.json"
#define DISCRETE ANZEN_DATA_DIR "/stl-oracle/generated_discrete.json"

static Signal *read_signal(JsonObject *object, const char *name)
{
	JsonArray *t = json_object_get_array_member(object, "t"),
		  *v = json_object_get_array_member(object, "v");
	Signal *s = signal_new(name);
	s->info.interp = SIGNAL_LINEAR;
	for (guint i = 0; i < json_array_get_length(t); i++)
		signal_append(s, llround(json_array_get_double_element(t, i) * 1e9),
			      json_array_get_double_element(v, i), SAMPLE_OK);
	return s;
}

/* Robustness at t = 0 of one case, NaN when it cannot be had. */
static double ours(JsonObject *c, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) signals =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	int64_t end = INT64_MAX;
	for (const char *const *name = (const char *const[]){"x", "y", NULL}; *name; name++) {
		if (!json_object_has_member(c, *name))
			continue;
		Signal *s = read_signal(json_object_get_object_member(c, *name), *name);
		end = MIN(end, s->t_ns[s->n - 1]);
		g_hash_table_insert(signals, s->info.name, s);
	}
	GHashTable *const tables[2] = {signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	scope.bare = true;
	g_autoptr(StlFormula) f =
		stl_parse(json_object_get_string_member(c, "formula"), NULL, &error);
	StlInput input = {.start_ns = 0, .end_ns = end, .signals = signals};
	StlOptions options = {.ends = STL_ENDS_FINITE};
	g_autoptr(StlResult) r = f && stl_check(f, &scope, NULL, &error)
					 ? stl_eval(f, &input, &options, &error)
					 : NULL;
	if (!r) {
		*ret_why = g_strdup(error ? error->message : "?");
		return (double)NAN;
	}
	CU_ASSERT_EQUAL(r->lo, r->hi);
	return r->lo;
}

static void dense_values_agree_with_stlrom_and_breach(void)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GError) error = NULL;
	UNIT_OK(json_parser_load_from_file(parser, CASES, &error), error);
	JsonArray *cases = json_object_get_array_member(
		json_node_get_object(json_parser_get_root(parser)), "cases");
	guint wrong = 0;
	for (guint i = 0; i < json_array_get_length(cases); i++) {
		JsonObject *c = json_array_get_object_element(cases, i);
		g_autofree char *why = NULL;
		double want = json_object_get_double_member(c, "rho_t0"), got = ours(c, &why);
		if (!(fabs(got - want) <= 1e-9 * MAX(1.0, fabs(want))) && wrong++ < 10)
			fprintf(stderr, "case %u: %s: want %.12g, got %.12g %s\n", i,
				json_object_get_string_member(c, "formula"), want, got,
				why ? why : "");
	}
	fprintf(stderr, "%u cases, %u wrong\n", json_array_get_length(cases), wrong);
	CU_ASSERT_TRUE(json_array_get_length(cases) >= 200);
	CU_ASSERT_EQUAL(wrong, 0);
}

/* ---- discrete ------------------------------------------------------------------------------------------------ */

/* A number or "inf", "-inf". */
static double number_at(JsonArray *a, guint i)
{
	JsonNode *n = json_array_get_element(a, i);
	return json_node_get_value_type(n) == G_TYPE_STRING
		       ? g_ascii_strtod(json_node_get_string(n), NULL)
		       : json_node_get_double(n);
}

static void add_samples(GHashTable *signals, const char *name, JsonArray *v)
{
	Signal *s = signal_new(name);
	for (guint i = 0; i < json_array_get_length(v); i++)
		signal_append(s, i * CLOCK_S, number_at(v, i), SAMPLE_OK);
	g_hash_table_insert(signals, s->info.name, s);
}

static StlResult *discrete_trace(JsonObject *c, GError **error)
{
	g_autoptr(GHashTable) signals =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	add_samples(signals, "x", json_object_get_array_member(c, "x"));
	add_samples(signals, "y", json_object_get_array_member(c, "y"));
	GHashTable *const tables[2] = {signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	scope.bare = scope.discrete = true;
	g_autoptr(StlFormula) f =
		stl_parse(json_object_get_string_member(c, "formula"), NULL, error);
	StlInput input = {.end_ns = INT64_MAX, .signals = signals};
	StlOptions options = {.ends = STL_ENDS_FINITE, .discrete = true, .trace = true};
	return f && stl_check(f, &scope, NULL, error) ? stl_eval(f, &input, &options, error) : NULL;
}

static bool same_trace(JsonObject *c)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlResult) r = discrete_trace(c, &error);
	JsonArray *want = json_object_get_array_member(c, "rho");
	bool same = r && r->trace_n == json_array_get_length(want);
	for (guint i = 0; same && i < r->trace_n; i++)
		same = r->trace_lo[i] == number_at(want, i) && r->trace_hi[i] == r->trace_lo[i];
	return same;
}

static void discrete_traces_agree_with_rtamt_and_the_definition(void)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GError) error = NULL;
	UNIT_OK(json_parser_load_from_file(parser, DISCRETE, &error), error);
	JsonArray *cases = json_object_get_array_member(
		json_node_get_object(json_parser_get_root(parser)), "cases");
	guint right = 0, n = json_array_get_length(cases);
	for (guint i = 0; i < n; i++) {
		JsonObject *c = json_array_get_object_element(cases, i);
		if (same_trace(c))
			right++;
		else
			fprintf(stderr, "case %u: %s\n", i,
				json_object_get_string_member(c, "formula"));
	}
	fprintf(stderr, "%u of %u whole traces equal\n", right, n);
	CU_ASSERT_TRUE(n >= 300);
	CU_ASSERT_EQUAL(right, n);
}

int main(int argc, char **argv)
{
	unit_require("data", CASES);
	static const UnitTest tests[] = {UNIT(dense_values_agree_with_stlrom_and_breach),
					 UNIT(discrete_traces_agree_with_rtamt_and_the_definition)};
	return unit_run("stl.oracle", tests, G_N_ELEMENTS(tests), argc, argv);
}
