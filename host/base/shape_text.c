#include "shape_text.h"

#include <anzen/base/text.h>

#include <math.h>
#include <string.h>

char *shape_range(const Shape *shape)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (isinf(shape->hi)) {
		g_string_append(text, "at least ");
		text_append_number(text, shape->lo);
	} else if (isinf(shape->lo)) {
		g_string_append(text, "at most ");
		text_append_number(text, shape->hi);
	} else if (shape->lo == shape->hi) {
		text_append_number(text, shape->lo);
	} else {
		text_append_number(text, shape->lo);
		g_string_append(text, " to ");
		text_append_number(text, shape->hi);
	}
	if (shape->unit && strcmp(shape->unit, "1") != 0)
		g_string_append_printf(text, " %s", shape->unit);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *expected_words(const Shape *shape)
{
	g_autofree char *list = g_strjoinv(", ", (char **)(uintptr_t)shape->words);
	return g_strdup_printf("%s%s", shape->words[0] && shape->words[1] ? "one of " : "", list);
}

static char *expected_either(const Shape *shape)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (const Shape *const *s = shape->either; *s; s++) {
		g_autofree char *one = shape_expected(*s);
		g_string_append_printf(text, "%s%s", text->len ? ", or " : "", one);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

char *shape_expected(const Shape *shape)
{
	if (shape->expected)
		return g_strdup(shape->expected);
	switch (shape->type) {
	case SHAPE_TEXT:
		return shape->pattern ? g_strdup_printf("a text such as %s", shape->pattern)
				      : g_strdup("a text");
	case SHAPE_ID:
		return g_strdup("a lower-case-dashed name");
	case SHAPE_WORD:
		return expected_words(shape);
	case SHAPE_INTEGER:
		return g_strdup("a whole number");
	case SHAPE_NUMBER:
		return g_strdup("a number");
	case SHAPE_BOOLEAN:
		return g_strdup("true or false");
	case SHAPE_QUANTITY:
		return shape->unit ? g_strdup_printf("a quantity in %s", shape->unit)
				   : g_strdup("a number with a unit, as in 2 s");
	case SHAPE_FORMULA:
		return g_strdup("a formula");
	case SHAPE_TITLE:
		return g_strdup("{en: \"…\", ja: \"…\"}");
	case SHAPE_DATE:
		return g_strdup("a date, as in 2026-10-01");
	case SHAPE_RECORD:
	case SHAPE_MAP:
		return g_strdup("keys and values");
	case SHAPE_LIST:
		return g_strdup("a list");
	case SHAPE_ANY:
		return g_strdup("anything");
	case SHAPE_ONE_OF:
		return expected_either(shape);
	}
	g_assert_not_reached();
}
