#include <anzen/base.h>

#include "unit.h"

static const char *const classes[] = {"normal", "abnormal", NULL};
static const Shape id = {.type = SHAPE_ID};
static const Shape word = {.type = SHAPE_WORD, .words = classes};
static const Shape lux = {.type = SHAPE_QUANTITY, .unit = "lx", .lo = 20, .hi = 300};
static const Shape any_quantity = {.type = SHAPE_QUANTITY};
static const Shape seconds = {.type = SHAPE_QUANTITY, .unit = "s"};
static const Shape count = {.type = SHAPE_INTEGER, .lo = 1, .hi = 10};
static const Shape number = {.type = SHAPE_NUMBER};
static const Shape flag = {.type = SHAPE_BOOLEAN};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape date = {.type = SHAPE_DATE};
static const Shape formula = {.type = SHAPE_FORMULA};
static const Shape reference = {
	.type = SHAPE_TEXT, .pattern = "[$][a-z]+", .expected = "a parameter, as in $light"};
static const Shape *const either_ones[] = {&reference, &lux, NULL};
static const Shape either = {.type = SHAPE_ONE_OF, .either = either_ones};
static const Shape list = {.type = SHAPE_LIST, .item = &count, .lo = 1, .hi = 3};
static const Shape map = {.type = SHAPE_MAP, .item = &either, .pattern = "[a-z]+([.][a-z]+)*"};
static const ShapeField fields[] = {
	{"id", &id, true, "name of this thing"},
	{"class", &word, false, NULL},
	{"light", &lux, false, "illuminance of the room"},
	{"any", &any_quantity, false, NULL},
	{"wait", &seconds, false, NULL},
	{"count", &count, false, NULL},
	{"number", &number, false, NULL},
	{"flag", &flag, false, NULL},
	{"title", &title, false, NULL},
	{"date", &date, false, NULL},
	{"formula", &formula, false, NULL},
	{"list", &list, false, NULL},
	{"set", &map, false, NULL},
	{NULL, NULL, false, NULL},
};
static const Shape record = {.type = SHAPE_RECORD, .fields = fields};

static Diagnostics *check_text(const char *text)
{
	Diagnostics *diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = yaml_load_text(text, -1, "t.yaml", diag);
	if (doc) {
		bool ok = shape_check(&record, doc, yaml_root(doc), diag);
		CU_ASSERT_EQUAL(ok, diagnostics_errors(diag) == 0);
	}
	return diag;
}

static void well_formed_file_has_no_diagnostics(void)
{
	g_autoptr(Diagnostics) diag = check_text("anzen: thing/1\n"
						 "id: chair-fall-2\n"
						 "class: abnormal\n"
						 "light: 20 lx\n"
						 "any: 5 %\n"
						 "wait: 1500 ms\n"
						 "count: 10\n"
						 "number: -1.5e3\n"
						 "flag: true\n"
						 "title: {en: \"a, b\", ja: 毛布}\n"
						 "date: 2028-02-29\n"
						 "formula: always (x > 3 m)\n"
						 "list: [1, 2]\n"
						 "set: {room.lamp: $light, lamp: 300 lx}\n");
	diagnostics_print(diag, stderr);
	CU_ASSERT_EQUAL(diagnostics_count(diag), 0);
}

static void each_wrong_value_says_where_and_what_was_expected(void)
{
	static const struct {
		const char *line;
		unsigned column;
		const char *says;
	} cases[] = {
		{"clas: normal", 1, "unknown key 'clas'; did you mean 'class'?"},
		{"zzz: normal", 1, "unknown key 'zzz': expected id, class, light"},
		{"class: abnormall", 8,
		 "expected one of normal, abnormal, found 'abnormall'; did you mean 'abnormal'?"},
		{"light: 19.9 lx", 8, "19.9 lx is out of range: expected 20 to 300 lx"},
		{"light: 150", 8,
		 "expected an illuminance, as in 150 lx, but '150' is a number without a unit"},
		{"light: 150 lux", 8, "unknown unit 'lux'"},
		{"light: 150 m", 8, "is a length"},
		{"any: yes", 6, "is not a number"},
		{"count: 11", 8, "expected 1 to 10"},
		{"count: 1.5", 8, "expected a whole number, found '1.5'"},
		{"count: \"1\"", 8, "expected a whole number"},
		{"number: .inf", 9, "expected a number"},
		{"number: 0x10", 9, "expected a number"},
		{"flag: yes", 7, "expected true or false, found 'yes'"},
		{"title: A fall", 8, "expected {en: \"…\", ja: \"…\"}, found 'A fall'"},
		{"title: {en: x}", 8, "key 'ja' is missing"},
		{"title: {en: Fall, from a chair, ja: x}", 19,
		 "a text with a comma must stand in quotes"},
		{"date: 2026-02-29", 7, "expected a date"},
		{"date: 2026-1-1", 7, "expected a date"},
		{"formula:", 1, "expected a formula, found nothing"},
		{"formula: [a]", 10, "expected a formula, found a list"},
		{"list: []", 7, "expected 1 to 3 entries, found 0"},
		{"list: [1, 2, 3, 4]", 7, "found 4"},
		{"list: 1", 7, "expected a list"},
		{"list: [0]", 8, "0 is out of range"},
		{"set: {Room: $light}", 7, "is not a good name here"},
		{"set: {lamp: x}", 13,
		 "expected a parameter, as in $light, or a quantity in lx, found 'x'"},
		{"set: {lamp: 301 lx}", 13, "expected a parameter, as in $light, or"},
		{"set: [1]", 6, "expected keys and values, found a list"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text =
			g_strdup_printf("anzen: thing/1\nid: x\n%s\n", cases[i].line);
		g_autoptr(Diagnostics) diag = check_text(text);
		bool found = false;
		for (size_t k = 0; k < diagnostics_count(diag); k++) {
			const Diagnostic *d = diagnostics_get(diag, k);
			found |= d->line == 3 && d->column == cases[i].column &&
				 strstr(d->message, cases[i].says);
		}
		if (!found) {
			fprintf(stderr, "%s: wanted column %u '%s', got:\n", cases[i].line,
				cases[i].column, cases[i].says);
			diagnostics_print(diag, stderr);
		}
		CU_ASSERT_TRUE(found);
	}
}

static void all_problems_of_a_file_are_reported_at_once(void)
{
	g_autoptr(Diagnostics) diag = check_text("anzen: thing/1\nclass: x\nlight: 5 m\nfoo: 1\n");
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 4); /* and the missing id */
}

static void ids_do_not_end_in_a_newline(void)
{
	g_autoptr(Diagnostics) diag = check_text("id: \"x\\n\"\n");
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 1);
}

static void absent_values_fall_back(void)
{
	CU_ASSERT_EQUAL(shape_quantity(NULL, "s", 7), 7);
	CU_ASSERT_EQUAL(shape_ns(NULL, -1), -1);
	CU_ASSERT_EQUAL(shape_number(NULL, 3), 3);
	CU_ASSERT_TRUE(shape_boolean(NULL, true));
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = yaml_load_text("a: 2 min\nb: false\nc: 5 %\nd:\n", -1, "t", diag);
	const YamlNode *root = yaml_root(doc);
	CU_ASSERT_EQUAL(shape_quantity(yaml_get(root, "a"), "s", 7), 120);
	CU_ASSERT_EQUAL(shape_ns(yaml_get(root, "a"), -1), 120 * CLOCK_S);
	CU_ASSERT_FALSE(shape_boolean(yaml_get(root, "b"), true));
	CU_ASSERT_DOUBLE_EQUAL(shape_number(yaml_get(root, "c"), 3), 0.05, 1e-15);
	CU_ASSERT_EQUAL(shape_number(yaml_get(root, "d"), 3), 3);
}

static void schema_says_the_same_as_the_checker(void)
{
	g_autofree char *schema = shape_json_schema(&record, "thing/1", "A thing");
	static const char *const parts[] = {
		"\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"",
		"\"additionalProperties\": false",
		"\"required\": [\"anzen\", \"id\"]",
		"\"anzen\": {\"const\": \"thing/1\"}",
		"\"enum\": [\"normal\", \"abnormal\"]",
		"\"description\": \"illuminance of the room; 20 to 300 lx\"",
		"\"minItems\": 1",
		"\"maxItems\": 3",
		"\"maximum\": 10",
		"\"anyOf\": [",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(schema, parts[i]));
	/* JSON is YAML 1.2: our own reader must take it, without a duplicate key. */
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = yaml_load_text(schema, -1, "schema", diag);
	CU_ASSERT_PTR_NOT_NULL(doc);
	diagnostics_print(diag, stderr);
}

static void json_text_is_escaped(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	text_append_json(out, "a\"\\\n\t\001\377é");
	CU_ASSERT_STRING_EQUAL(out->str, "\"a\\\"\\\\\\n\\t\\u0001\357\277\275é\"");
	g_string_truncate(out, 0);
	text_append_number(out, 0.1);
	g_string_append_c(out, ' ');
	text_append_number(out, 1.0 / 3);
	g_string_append_c(out, ' ');
	text_append_number(out, NAN);
	CU_ASSERT_STRING_EQUAL(out->str, "0.1 0.3333333333333333 null");
}

static void near_words_are_suggested_and_far_ones_not(void)
{
	static const char *const words[] = {"check", "score", "session", NULL};
	CU_ASSERT_STRING_EQUAL(text_nearest("chekc", words), "check");
	CU_ASSERT_STRING_EQUAL(text_nearest("scor", words), "score");
	CU_ASSERT_PTR_NULL(text_nearest("x", words));
	CU_ASSERT_PTR_NULL(text_nearest("frobnicate", words));
}

UNIT_MAIN("base.shape", UNIT(well_formed_file_has_no_diagnostics),
	  UNIT(each_wrong_value_says_where_and_what_was_expected),
	  UNIT(all_problems_of_a_file_are_reported_at_once), UNIT(ids_do_not_end_in_a_newline),
	  UNIT(absent_values_fall_back), UNIT(schema_says_the_same_as_the_checker),
	  UNIT(json_text_is_escaped), UNIT(near_words_are_suggested_and_far_ones_not))
