/* Expected values: SI brochure (9th edition) and arithmetic by hand. */
#include <anzen/base.h>

#include "unit.h"

static double in(const char *text, const char *unit)
{
	Unit want;
	double value = NAN;
	g_autoptr(GError) error = NULL;
	UNIT_OK(unit_parse(unit, &want, &error), error);
	UNIT_OK(quantity_parse_as(text, &want, &value, &error), error);
	return value;
}

static void quantities_convert_exactly(void)
{
	static const struct {
		const char *text, *unit;
		double value;
	} cases[] = {
		{"2 s", "s", 2},
		{"2s", "s", 2},
		{"1500 ms", "s", 1.5},
		{"1.5 s", "ms", 1500},
		{"0.3 ms", "us", 300},
		{"250 \302\265s", "ms", 0.25},
		{"250 \316\274s", "ms", 0.25},
		{"2 min", "s", 120},
		{"90 days", "h", 2160},
		{"-0.9 m", "m", -0.9},
		{"30 cm", "m", 0.3},
		{"12 mm", "cm", 1.2},
		{"5 %", "1", 0.05},
		{"150 ppm", "%", 0.015},
		{"12", "1", 12},
		{"128 KiB", "B", 131072},
		{"1 GiB", "MiB", 1024},
		{"1 kB", "B", 1000},
		{"60 bpm", "Hz", 1},
		{"100/s", "Hz", 100},
		{"9.81 m/s2", "m/s^2", 9.81},
		{"1 J", "N*m", 1},
		{"2 N\302\267m", "N*m", 2},
		{"5 V", "W/A", 5},
		{"3 kN/s", "N/s", 3000},
		{"36 m/h", "mm/s", 10},
		{"1 lx", "lm/m2", 1},
		{"1 Pa", "kg/(m*s2)", 1},
		{"1e-3 m", "mm", 1},
		{".5 m", "cm", 50},
		{"250 g", "kg", 0.25},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		double v = in(cases[i].text, cases[i].unit);
		if (fabs(v - cases[i].value) > 1e-15 * fabs(cases[i].value))
			fprintf(stderr, "%s in %s: %.17g\n", cases[i].text, cases[i].unit, v);
		CU_ASSERT(fabs(v - cases[i].value) <= 1e-15 * fabs(cases[i].value));
	}
}

static void celsius_has_an_offset_but_its_differences_have_none(void)
{
	Unit c, k, rate;
	CU_ASSERT_TRUE(unit_parse("degC", &c, NULL) && unit_parse("K", &k, NULL) &&
		       unit_parse("degC/s", &rate, NULL));
	CU_ASSERT_DOUBLE_EQUAL(unit_convert(49, &c, &k), 322.15, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(unit_convert(273.15, &k, &c), 0, 1e-12);
	CU_ASSERT_EQUAL(unit_convert(49, &c, &c), 49);
	CU_ASSERT_EQUAL(unit_convert_difference(5, &c, &k), 5);
	CU_ASSERT_EQUAL(rate.offset, 0);
	CU_ASSERT_EQUAL(in("3 degC/s", "K/s"), 3);
}

static void wrong_units_are_refused_with_words(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"2 parsec", "unknown unit 'parsec'"},
		{"2 M", "unknown unit 'M'"},
		{"nan s", "is not a number"},
		{"inf s", "is not a number"},
		{"0x10 s", "unknown unit"},
		{"1e999 s", "too large"},
		{"", "is not a number"},
		{"s", "is not a number"},
		{"--2 s", "is not a number"},
		{"2,5 s", "unknown unit"},
		{"2 s s", "cannot read"},
		{"2 m/s/s", "two ways"},
		{"2 m/s*kg", "two ways"},
		{"2 m^", "whole number"},
		{"2 m99", "exponents"},
		{"2 m^9*m^9", "out of range"},
		{"2 (m", "parentheses"},
		{"2 ((((((m))))))", "parentheses"},
		{"2 m//s", "unknown unit"},
		{"2 mmmmmmmmmmmmmmmmmmmmmmmmmmmmm", "too long"},
		{"2 ks/", "unknown unit"},
		{"5 \377\376", "unknown unit"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		Quantity q = {.value = 42};
		g_autoptr(GError) error = NULL;
		CU_ASSERT_FALSE(quantity_parse(cases[i].text, &q, &error));
		CU_ASSERT(error && g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
		if (!error || !strstr(error->message, cases[i].says))
			fprintf(stderr, "'%s' says: %s\n", cases[i].text,
				error ? error->message : "nothing");
		CU_ASSERT(error && strstr(error->message, cases[i].says));
		CU_ASSERT_EQUAL(q.value, 42);
	}
}

static void wrong_dimension_names_what_was_expected_and_what_came(void)
{
	double v = 42;
	int64_t ns = 42;
	g_autoptr(GError) error = NULL;
	CU_ASSERT_FALSE(quantity_parse_as("5 m", &unit_second, &v, &error));
	CU_ASSERT_EQUAL(v, 42);
	CU_ASSERT(error && strstr(error->message, "expected a time") &&
		  strstr(error->message, "a length"));
	g_clear_error(&error);
	CU_ASSERT_FALSE(quantity_parse_ns("12", &ns, &error)); /* a bare number is not a time */
	CU_ASSERT_EQUAL(ns, 42);
	g_clear_error(&error);
	CU_ASSERT_FALSE(quantity_parse_ns("300 rad", &ns, &error));
	g_clear_error(&error);
	CU_ASSERT_FALSE(quantity_parse_ns("110000 days", &ns, &error)); /* 301 years */
}

static void look_alikes_are_not_compatible(void)
{
	static const char *const pairs[][2] = {
		{"lm", "cd"}, {"lx", "cd/m2"}, {"rad", "1"}, {"rad/s", "Hz"},
		{"B", "1"},   {"N", "m"},      {"kg", "N"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		Unit a, b;
		CU_ASSERT_TRUE(unit_parse(pairs[i][0], &a, NULL) &&
			       unit_parse(pairs[i][1], &b, NULL));
		CU_ASSERT_FALSE(unit_compatible(&a, &b));
	}
}

static void whole_symbols_win_over_prefixes(void)
{
	CU_ASSERT_EQUAL(in("1 min", "s"), 60);
	CU_ASSERT_EQUAL(in("1 cd", "cd"), 1);
	CU_ASSERT_EQUAL(in("1 kg", "g"), 1000);
	CU_ASSERT_EQUAL(in("1 Pa", "N/m2"), 1);
	CU_ASSERT_EQUAL(in("1 h", "min"), 60);
}

static void times_round_to_the_nearest_nanosecond(void)
{
	int64_t ns = 0;
	CU_ASSERT(quantity_parse_ns("0.3 ms", &ns, NULL) && ns == 300000);
	CU_ASSERT(quantity_parse_ns("3.9 s", &ns, NULL) && ns == INT64_C(3900000000));
	CU_ASSERT(quantity_parse_ns("-1 s", &ns, NULL) && ns == -INT64_C(1000000000));
	CU_ASSERT(quantity_parse_ns("0.6 ns", &ns, NULL) && ns == 1);
	CU_ASSERT(quantity_parse_ns("4.35 s", &ns, NULL) && ns == INT64_C(4350000000));
	CU_ASSERT(quantity_parse_ns("0 s", &ns, NULL) && ns == 0);
}

static void algebra_composes_symbols_that_parse_again(void)
{
	static const char *const units[] = {"m",  "s",    "N/s", "degC", "%",
					    "lx", "m/s2", "N*m", "ms",   "1"};
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(units); j++) {
			Unit a, b, again;
			CU_ASSERT_TRUE(unit_parse(units[i], &a, NULL) &&
				       unit_parse(units[j], &b, NULL));
			Unit results[] = {unit_mul(&a, &b), unit_div(&a, &b), unit_pow(&a, 2),
					  unit_pow(&b, -1)};
			for (size_t k = 0; k < G_N_ELEMENTS(results); k++) {
				bool ok = unit_parse(results[k].symbol, &again, NULL);
				if (!ok)
					fprintf(stderr, "%s, %s -> %s\n", units[i], units[j],
						results[k].symbol);
				CU_ASSERT(ok && unit_compatible(&again, &results[k]));
				CU_ASSERT(fabs(again.scale - results[k].scale) <=
					  1e-12 * again.scale);
				CU_ASSERT_EQUAL(results[k].offset, 0);
			}
		}
	Unit mps, s, m;
	CU_ASSERT_TRUE(unit_parse("m/s", &mps, NULL) && unit_parse("s", &s, NULL) &&
		       unit_parse("m", &m, NULL));
	CU_ASSERT_STRING_EQUAL(unit_mul(&mps, &s).symbol, "m");
	CU_ASSERT_STRING_EQUAL(unit_div(&m, &s).symbol, "m/s");
	CU_ASSERT_STRING_EQUAL(unit_div(&m, &m).symbol, "1");
	CU_ASSERT_TRUE(unit_is_dimensionless(&unit_one));
}

static void numbers_print_with_the_digits_asked_for(void)
{
	static const struct {
		double value;
		int digits;
		const char *text;
	} cases[] = {
		{2.3142, 3, "2.31 s"},    {0.04, 2, "0.040 s"}, {9.996, 3, "10.0 s"},
		{1234.5, 2, "1200 s"},    {0, 3, "0.00 s"},     {-2.5, 2, "-2.5 s"},
		{1.5e-7, 2, "1.5e-07 s"}, {INFINITY, 3, "∞ s"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text =
			quantity_format(cases[i].value, &unit_second, cases[i].digits);
		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
	}
	g_autofree char *bare = quantity_format(0.5, &unit_one, 2);
	CU_ASSERT_STRING_EQUAL(bare, "0.50");
	g_autofree char *none = quantity_format(NAN, &unit_one, 2);
	CU_ASSERT_STRING_EQUAL(none, "–");
}

UNIT_MAIN("base.unit", UNIT(quantities_convert_exactly),
	  UNIT(celsius_has_an_offset_but_its_differences_have_none),
	  UNIT(wrong_units_are_refused_with_words),
	  UNIT(wrong_dimension_names_what_was_expected_and_what_came),
	  UNIT(look_alikes_are_not_compatible), UNIT(whole_symbols_win_over_prefixes),
	  UNIT(times_round_to_the_nearest_nanosecond),
	  UNIT(algebra_composes_symbols_that_parse_again),
	  UNIT(numbers_print_with_the_digits_asked_for))
