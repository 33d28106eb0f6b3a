#include "unit.h"

#include <anzen/base.h>

static void check_wrap(const char *text, int width, const char *expected)
{
	g_auto(GStrv) lines = text_wrap(text, width);
	g_autofree char *joined = g_strjoinv("|", lines);
	CU_ASSERT_STRING_EQUAL(joined, expected);
}

static void wide_characters_take_two_columns_and_combining_ones_none(void)
{
	CU_ASSERT_EQUAL(text_columns("stove"), 5);
	CU_ASSERT_EQUAL(text_columns("安全"), 4);
	CU_ASSERT_EQUAL(text_columns("±0.5 s"), 6);
	CU_ASSERT_EQUAL(text_columns("e\u0301"), 1);
}

static void lines_break_at_spaces_and_fit(void)
{
	check_wrap("measured 2.22 s, limit 5 s", 10, "measured|2.22 s,|limit 5 s");
	check_wrap("exactly ten", 11, "exactly ten");
	check_wrap("exactly ten", 10, "exactly|ten");
	check_wrap("exactly    ten", 9, "exactly|ten");
	check_wrap("", 10, "");
	check_wrap("two\nlines", 20, "two|lines");
}

static void word_longer_than_a_line_is_cut(void)
{
	check_wrap("living/stove-guard/x y", 8, "living/s|tove-gua|rd/x y");
	check_wrap("安全", 2, "安|全");
}

static void japanese_breaks_anywhere_but_before_a_closing_mark(void)
{
	check_wrap("鍋を台に置く", 8, "鍋を台に|置く");
	check_wrap("鍋を台に。置く", 8, "鍋を台|に。置く");
}

static void bytes_that_are_not_text_do_no_harm(void)
{
	check_wrap("a\xff b", 2, "a\uFFFD|b");
}

UNIT_MAIN("base.text", UNIT(wide_characters_take_two_columns_and_combining_ones_none),
	  UNIT(lines_break_at_spaces_and_fit), UNIT(word_longer_than_a_line_is_cut),
	  UNIT(japanese_breaks_anywhere_but_before_a_closing_mark),
	  UNIT(bytes_that_are_not_text_do_no_harm))
