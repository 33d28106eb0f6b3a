#include "unit.h"

#include "bench.h"

static Bench *room(void)
{
	Bench *b = bench_new(10);
	ADD(b, "mannequin.height", "m", {0, 1.0}, {10, 1.0});
	ADD(b, "floor.force", "N", {0, 0.0}, {10, 0.0});
	ADD(b, "pan.temperature", "degC", {0, 20.0}, {10, 20.0});
	ADD(b, "product.alarm", "bool", {0, 0.0});
	return b;
}

static void a_length_is_not_compared_with_a_force(void)
{
	Bench *b = room();
	g_autofree char *why = bench_refusal(b, "mannequin.height < 3 N");
	CU_ASSERT_TRUE(says(why, "column 18"));
	CU_ASSERT_TRUE(says(why, "'m' and 'N'"));
	bench_free(b);
}

static void bare_numbers_are_refused_when_scoring(void)
{
	Bench *b = room();
	g_autofree char *why = bench_refusal(b, "mannequin.height < 3");
	CU_ASSERT_PTR_NOT_NULL(why);
	g_autofree char *bound = bench_refusal(b, "always[0, 2] (mannequin.height < 3 m)");
	CU_ASSERT_TRUE(says(bound, "a bound is a time"));
	bench_free(b);
}

static void mistakes_are_shown_with_their_column(void)
{
	Bench *b = room();
	struct {
		const char *text, *says;
	} cases[] = {
		{"always (mannequin.height > )", "column 28"},
		{"always[0 s, 2 s (mannequin.height > 1 m)", "expected ']'"},
		{"nobody.home > 1 m", "there is no signal 'nobody.home'"},
		{"mannequin.height > $limit", "there is no parameter '$limit'"},
		{"not mannequin.height", "compare it with a value"},
		{"product.alarm + 1 > 2", "true or false"},
		{"always[3 s, 2 s] product.alarm", "wrong way round"},
		{"always[0 s, 1e300 s] product.alarm", "at most 9e9 s"},
		{"always[0 s, 1e308 min] product.alarm", "at most 9e9 s"},
		{"product.alarm product.alarm", "column 15"},
		{"", "ends here"},
		{"mannequin.height > 2 parsec", "parsec"},
		{"initial(2 m) > 1 m", "takes the name of a signal"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *why = bench_refusal(b, cases[i].text);
		CU_ASSERT_TRUE(says(why, cases[i].says));
	}
	bench_free(b);
}

static void deep_nesting_is_refused_not_a_crash(void)
{
	g_autoptr(GString) deep = g_string_new(NULL);
	for (int i = 0; i < 100000; i++)
		g_string_append(deep, i % 2 ? "(" : "not ");
	g_autoptr(GError) error = NULL;
	g_string_truncate(deep, 60000);
	CU_ASSERT_PTR_NULL(stl_parse(deep->str, NULL, &error));
	CU_ASSERT_TRUE(says(error->message, "too deeply"));
}

/* Known mistakes of others: the minus is not lost, milliseconds are not seconds. */
static void minus_and_milliseconds_mean_what_they_say(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, -3.0}, {10, 7.0}); /* x(t) = t - 3 */
	g_autoptr(StlResult) minus = bench_eval(b, "-x > 1 m");
	CU_ASSERT_TRUE(near(minus->lo, 2)); /* 3 - 1 */
	g_autoptr(StlResult) ms = bench_eval(b, "eventually[0 s, 2000 ms] (x > 0 m)");
	CU_ASSERT_TRUE(near(ms->hi, -1)); /* x(2 s) = -1 */
	g_autoptr(StlResult) cm = bench_eval(b, "x > -310 cm");
	CU_ASSERT_TRUE(near(cm->lo, 0.1)); /* -3 m - -3.1 m, in the unit of the signal */
	CU_ASSERT_STRING_EQUAL(cm->unit.symbol, "m");
	bench_free(b);
}

static void printing_and_reading_again_is_the_same_formula(void)
{
	Bench *b = room();
	const char *texts[] = {
		"always (rise(product.alarm) -> eventually[0 s, 5 s] (mannequin.height < 0.9 * "
		"initial(mannequin.height)))",
		"not (product.alarm and floor.force > 2 N or true) -> false",
		"product.alarm until[1 s, 2 s] (abs(floor.force - 3 N) <= max(1 N, -floor.force))",
		"(product.alarm -> product.alarm) -> product.alarm",
		"mannequin.height - (0.2 m - 0.1 m) > 0.5 m",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(StlFormula) f = bench_formula(b, texts[i]);
		g_autofree char *once = stl_formula_print(f, false);
		g_autoptr(StlFormula) again = bench_formula(b, once);
		g_autofree char *twice = stl_formula_print(again, false);
		CU_ASSERT_STRING_EQUAL(once, twice);
		g_autoptr(StlResult) r1 = bench_eval(b, texts[i]), r2 = bench_eval(b, once);
		CU_ASSERT_EQUAL(r1->satisfied, r2->satisfied);
		CU_ASSERT_EQUAL(r1->lo, r2->lo);
	}
	bench_free(b);
}

static void horizons_add_up_along_the_deepest_path(void)
{
	Bench *b = room();
	g_autoptr(StlFormula) f =
		bench_formula(b, "always[0 s, 3 s] (product.alarm or eventually[1 s, 4 s] once[0 "
				 "s, 2 s] product.alarm)");
	CU_ASSERT_TRUE(near(stl_formula_future(f), 7));
	CU_ASSERT_TRUE(near(stl_formula_past(f), 2));
	g_autoptr(StlFormula) g =
		bench_formula(b, "always (product.alarm -> eventually[0 s, 5 s] product.alarm)");
	CU_ASSERT_TRUE(isinf(stl_formula_future(g)));
	CU_ASSERT_TRUE(near(stl_formula_future_bounded(g), 5));
	bench_free(b);
}

UNIT_MAIN("stl.formula", UNIT(a_length_is_not_compared_with_a_force),
	  UNIT(bare_numbers_are_refused_when_scoring), UNIT(mistakes_are_shown_with_their_column),
	  UNIT(deep_nesting_is_refused_not_a_crash),
	  UNIT(minus_and_milliseconds_mean_what_they_say),
	  UNIT(printing_and_reading_again_is_the_same_formula),
	  UNIT(horizons_add_up_along_the_deepest_path))
