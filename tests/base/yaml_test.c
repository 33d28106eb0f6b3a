#include <anzen/base.h>

#include "unit.h"

static YamlDoc *load(const char *text, Diagnostics *diag)
{
	return yaml_load_text(text, -1, "t.yaml", diag);
}

/* The text is refused, at this place, with these words. */
static void refused(const char *text, unsigned line, unsigned column, const char *says)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = load(text, diag);
	CU_ASSERT_PTR_NULL(doc);
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 1);
	if (diagnostics_count(diag) == 0)
		return;
	const Diagnostic *d = diagnostics_get(diag, 0);
	bool right = d->line == line && d->column == column && strstr(d->message, says);
	if (!right)
		fprintf(stderr, "%.40s\n gave %u:%u %s\n", text, d->line, d->column, d->message);
	CU_ASSERT_TRUE(right);
}

static void every_node_knows_its_line_and_column(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = load("anzen: rig/1\n"
				      "a: {x: 1, y: \"2\"}\n"
				      "empty:\n"
				      "list:\n"
				      "  - p: 1\n"
				      "    q: ~\n"
				      "  - {}\n"
				      "日本: 語\n",
				      diag);
	CU_ASSERT_PTR_NOT_NULL(doc);
	if (!doc)
		return;
	const YamlNode *root = yaml_root(doc);
	const YamlNode *a = yaml_get(root, "a"), *list = yaml_get(root, "list"),
		       *empty = yaml_get(root, "empty");
	struct {
		const YamlNode *node;
		YamlKind kind;
		unsigned line, column;
	} rows[] = {
		{root, YAML_MAPPING, 1, 1},
		{a, YAML_MAPPING, 2, 4},
		{yaml_get(a, "y"), YAML_SCALAR, 2, 14},
		{empty, YAML_NULL, 3, 1},
		{list, YAML_SEQUENCE, 5, 3},
		{yaml_item(list, 0), YAML_MAPPING, 5, 5},
		{yaml_get(yaml_item(list, 0), "q"), YAML_NULL, 6, 8},
		{yaml_item(list, 1), YAML_MAPPING, 7, 5},
		{yaml_get(root, "日本"), YAML_SCALAR, 8,
		 5}, /* columns count characters, not bytes */
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		CU_ASSERT_EQUAL(yaml_kind(rows[i].node), rows[i].kind);
		CU_ASSERT_EQUAL(yaml_line(rows[i].node), rows[i].line);
		CU_ASSERT_EQUAL(yaml_column(rows[i].node), rows[i].column);
	}
	CU_ASSERT_TRUE(yaml_quoted(yaml_get(a, "y")));
	CU_ASSERT_FALSE(yaml_quoted(yaml_get(a, "x")));
	CU_ASSERT_PTR_NULL(yaml_text(empty));
	CU_ASSERT_PTR_NULL(yaml_get(root, "absent"));
	CU_ASSERT_STRING_EQUAL(yaml_document_kind(doc), "rig/1");
	size_t n;
	CU_ASSERT(!strncmp(yaml_bytes(doc, &n), "anzen", 5) && n == 81);
}

static void what_could_be_read_two_ways_is_refused(void)
{
	refused("a: 1\nb: 2\na: 3\n", 3, 1, "twice (first in line 1)");
	refused("x: {a: 1, a: 2}\n", 1, 11, "twice");
	refused("a: &x 1\nb: *x\n", 1, 7, "anchors");
	refused("a: *x\n", 1, 4, "anchors");
	refused("a: !!str 1\n", 1, 10, "tags");
	refused("a: 1\n---\nb: 2\n", 2, 1, "second document");
	refused("a: 1\n...\nb: 2\n", 2, 1, "second document");
	refused("? [a]\n: 1\n", 1, 3, "a key must be");
	refused(": 1\n", 1, 1, "a key is missing");
	refused("", 1, 1, "empty");
	refused("# nothing\n", 1, 1, "empty");
	refused("~\n", 1, 1, "empty");
}

static void bad_syntax_is_one_error_at_its_place(void)
{
	refused("a: [1, 2\nb: }\n", 2, 4, "not valid YAML");
	refused("a: b: c\n", 1, 5, "not valid YAML");
	refused("a: \"x\n", 1, 5, "closing quote");
	refused("a: é\377\n", 1, 5, "byte 0xff");
	refused("ok: 1\nb: \"\\0\"\n", 2, 4, "NUL");
}

static void bombs_are_refused_in_bounded_time_and_memory(void)
{
	g_autoptr(GString) deep = g_string_new("a: "), wide = g_string_new("["),
			   large = g_string_new("a: '");
	for (int i = 0; i < 20000; i++)
		g_string_append_c(deep, '[');
	refused(deep->str, 1, 35, "deeper than 32");
	for (int i = 0; i < 120000; i++)
		g_string_append(wide, "1,");
	refused(wide->str, 1, 200000, "more than 100000 values");
	for (int i = 0; i < 300000; i++)
		g_string_append(large, "0123456789abcdef");
	refused(large->str, 0, 0, "larger than 4 MiB");
	/* The classic: nine levels of nine aliases each. */
	refused("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", 1, 7, "anchors");
}

static void wide_mapping_is_checked_for_twins_in_linear_time(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (int i = 0; i < 49000; i++)
		g_string_append_printf(text, "k%d: 1\n", i);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = load(text->str, diag);
	CU_ASSERT(doc && yaml_size(yaml_root(doc)) == 49000);
	g_string_append(text, "k7: 1\n");
	refused(text->str, 49001, 1, "first in line 8");
}

static void unreadable_files_are_errors_without_a_line(void)
{
	static const char *const paths[] = {"/nowhere/x.yaml", "/tmp", "/dev/zero"};
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(Diagnostics) diag = diagnostics_new();
		g_autoptr(YamlDoc) doc = yaml_load_file(paths[i], diag);
		CU_ASSERT_PTR_NULL(doc);
		CU_ASSERT_EQUAL(diagnostics_errors(diag), 1);
		CU_ASSERT_EQUAL(diagnostics_get(diag, 0)->line, 0);
	}
}

static void diagnostics_print_as_compilers_do(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	diagnostics_add(diag, true, "a.yaml", 1, 2, "odd");
	diagnostics_add(diag, false, "a.yaml", 3, 4, "bad '%s'", "x\ny\033[31m");
	diagnostics_add(diag, false, "b.yaml", 0, 0, "absent");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	diagnostics_print(diag, out);
	fclose(out);
	/* One line each; nothing in a file can write control characters to a terminal. */
	CU_ASSERT_STRING_EQUAL(text, "a.yaml:1:2: warning: odd\n"
				     "a.yaml:3:4: error: bad 'x y [31m'\n"
				     "b.yaml: error: absent\n");
	free(text);
	CU_ASSERT_EQUAL(diagnostics_count(diag), 3);
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 2);
	g_autoptr(GError) error = NULL;
	diagnostics_to_error(diag, &error);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	CU_ASSERT_STRING_EQUAL(error->message, "a.yaml:3:4: error: bad 'x y [31m'");
	for (int i = 0; i < 1000; i++)
		diagnostics_add(diag, false, "c", 1, 1, "more");
	CU_ASSERT_EQUAL(diagnostics_count(diag), 200);
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 1002);
}

static void kind_must_be_the_first_key(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) right = load("anzen: rig/1\nid: x\n", diag);
	g_autoptr(YamlDoc) late = load("id: x\nanzen: rig/1\n", diag);
	CU_ASSERT_TRUE(yaml_expect_kind(right, "rig/1", diag));
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 0);
	CU_ASSERT_FALSE(yaml_expect_kind(right, "scenario/1", diag));
	CU_ASSERT_FALSE(yaml_expect_kind(late, "rig/1", diag));
	CU_ASSERT_STRING_EQUAL(diagnostics_get(diag, 0)->message,
			       "expected the first line 'anzen: scenario/1', found 'rig/1'");
	CU_ASSERT_STRING_EQUAL(diagnostics_get(diag, 1)->message,
			       "expected the first line 'anzen: rig/1'");
}

UNIT_MAIN("base.yaml", UNIT(every_node_knows_its_line_and_column),
	  UNIT(what_could_be_read_two_ways_is_refused), UNIT(bad_syntax_is_one_error_at_its_place),
	  UNIT(bombs_are_refused_in_bounded_time_and_memory),
	  UNIT(wide_mapping_is_checked_for_twins_in_linear_time),
	  UNIT(unreadable_files_are_errors_without_a_line), UNIT(diagnostics_print_as_compilers_do),
	  UNIT(kind_must_be_the_first_key))
