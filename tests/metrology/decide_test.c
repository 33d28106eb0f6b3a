#include <anzen/metrology.h>
#include "unit.h"

/* Fisher and Yates' table of t, as printed in every statistics book: one-sided 0.975 and 0.95. */
static void t_quantiles_are_the_printed_ones(void)
{
	CU_ASSERT_DOUBLE_EQUAL(metrology_t_quantile(0.975, 12), 2.179, 5e-4);
	CU_ASSERT_DOUBLE_EQUAL(metrology_t_quantile(0.95, 5), 2.015, 5e-4);
	CU_ASSERT_DOUBLE_EQUAL(metrology_t_quantile(0.975, 1), 12.706, 5e-4);
	CU_ASSERT_DOUBLE_EQUAL(metrology_t_quantile(0.975, INFINITY), 1.959964, 5e-7);
	CU_ASSERT_DOUBLE_EQUAL(metrology_t_probability(2.015048, 5), 0.95, 1e-6);
}

static void undeclared_degrees_of_freedom_never_become_a_number(void)
{
	CU_ASSERT_TRUE(isnan(metrology_t_quantile(0.975, 0)));
	CU_ASSERT_TRUE(isnan(metrology_t_quantile(0.975, NAN)));
	CU_ASSERT_TRUE(isnan(metrology_t_quantile(1, 10)));
	Uncertainty u = {1, 0};
	Guard g = metrology_guard(&u, 0.025, 0.025);
	CU_ASSERT_TRUE(isnan(g.accept));
	CU_ASSERT_EQUAL(metrology_decide(1e9, &g), VERDICT_INCONCLUSIVE);
}

/* GUM G.4.2: relative u of 0.25 %, 0.57 %, 0.82 % from 10, 5 and 15 readings: 1.03 % with 19.0
 * degrees. */
static void welch_satterthwaite_gives_the_guides_example(void)
{
	const Uncertainty parts[] = {{0.25, 9}, {0.57, 4}, {0.82, 14}};
	Uncertainty u = metrology_combine(parts, 3);
	CU_ASSERT_DOUBLE_EQUAL(u.u, 1.03, 0.005);
	CU_ASSERT_DOUBLE_EQUAL(u.dof, 19.0, 0.1);
}

static void an_undeclared_part_spoils_the_combination(void)
{
	const Uncertainty bad[] = {{0.25, 9}, {NAN, 4}}, worse[] = {{0.25, 9}, {0.1, 0}};
	CU_ASSERT_TRUE(isnan(metrology_combine(bad, 2).u));
	CU_ASSERT_TRUE(isnan(metrology_combine(worse, 2).u));
	CU_ASSERT_EQUAL(metrology_combine(NULL, 0).u, 0);
}

/* w = t(0.975; 12) u = 2.179 · 2 = 4.358: a margin of 4.4 passes, 4.3 does not, -4.3 does not fail.
 */
static void a_margin_decides_only_beyond_its_guard_band(void)
{
	Uncertainty u = {2, 12};
	Guard g = metrology_guard(&u, 0.025, 0.025);
	CU_ASSERT_DOUBLE_EQUAL(g.accept, 4.358, 1e-3);
	CU_ASSERT_EQUAL(metrology_decide(4.4, &g), VERDICT_PASS);
	CU_ASSERT_EQUAL(metrology_decide(4.3, &g), VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(metrology_decide(0, &g), VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(metrology_decide(-4.3, &g), VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(metrology_decide(-4.4, &g), VERDICT_FAIL);
	CU_ASSERT_EQUAL(metrology_decide(NAN, &g), VERDICT_INCONCLUSIVE);
}

static void risks_of_accepting_and_rejecting_are_apart(void)
{
	Uncertainty u = {1, INFINITY}; /* z(0.99) = 2.326, z(0.9) = 1.282 */
	Guard g = metrology_guard(&u, 0.01, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(g.accept, 2.326, 5e-4);
	CU_ASSERT_DOUBLE_EQUAL(g.reject, 1.282, 5e-4);
	CU_ASSERT_TRUE(isnan(metrology_guard(&u, 0, 0.1).accept));
	CU_ASSERT_TRUE(isnan(metrology_guard(&u, 0.6, 0.1).accept));
}

/* JCGM 106 section 7.4's example: 13.6 with u = 1.8 between 12.5 and 16.3; and by the normal table,
 * one-sided: P(Z <= 1) = 0.8413. */
static void conformance_probability_gives_the_guides_example(void)
{
	Uncertainty u = {1.8, INFINITY}, one = {1, INFINITY}, none = {0, INFINITY};
	CU_ASSERT_DOUBLE_EQUAL(metrology_conformance(13.6, &u, 12.5, 16.3), 0.66263, 5e-6);
	CU_ASSERT_DOUBLE_EQUAL(metrology_conformance(9, &one, -INFINITY, 10), 0.8413, 5e-5);
	CU_ASSERT_EQUAL(metrology_conformance(9, &none, -INFINITY, 10), 1);
	CU_ASSERT_TRUE(isnan(metrology_conformance(NAN, &one, 0, 1)));
}

/* 0 failures in 50: 1 - 0.05^(1/50) = 0.0582. 29 of 29: 0.05^(1/29) = 0.9019. 10 of 10: 0.05^0.1 =
 * 0.7411. 26 of 29 upper 95 %: 0.9711 (R: binom.test(26, 29, alternative = "less")). */
static void proportions_have_exact_one_sided_bounds(void)
{
	CU_ASSERT_DOUBLE_EQUAL(metrology_proportion_upper(0, 50, 0.95), 0.0582, 5e-5);
	CU_ASSERT_DOUBLE_EQUAL(metrology_proportion_lower(29, 29, 0.95), 0.9019, 5e-5);
	CU_ASSERT_TRUE(metrology_proportion_lower(29, 29, 0.95) >= 0.90);
	CU_ASSERT_TRUE(metrology_proportion_lower(28, 28, 0.95) < 0.90);
	CU_ASSERT_DOUBLE_EQUAL(metrology_proportion_lower(10, 10, 0.95), 0.7411, 5e-5);
	CU_ASSERT_EQUAL(metrology_proportion_lower(0, 0, 0.95), 0);
	CU_ASSERT_EQUAL(metrology_proportion_upper(0, 0, 0.95), 1);
	CU_ASSERT_EQUAL(metrology_proportion_upper(5, 5, 0.95), 1);
	CU_ASSERT_TRUE(isnan(metrology_proportion_lower(6, 5, 0.95)));
}

/* The printed table of zero- and one-failure plans: 90/95: 29, 46; 95/95: 59, 93; 99/95: 299, 473.
 */
static void plans_need_the_printed_numbers_of_trials(void)
{
	CU_ASSERT_EQUAL(metrology_trials(0.90, 0.95, 0), 29);
	CU_ASSERT_EQUAL(metrology_trials(0.90, 0.95, 1), 46);
	CU_ASSERT_EQUAL(metrology_trials(0.95, 0.95, 0), 59);
	CU_ASSERT_EQUAL(metrology_trials(0.95, 0.95, 1), 93);
	CU_ASSERT_EQUAL(metrology_trials(0.99, 0.95, 0), 299);
	CU_ASSERT_EQUAL(metrology_trials(0.99, 0.95, 1), 473);
	CU_ASSERT_EQUAL(metrology_trials(1.5, 0.95, 1), 0);
}

/* 0.95^29 = 0.2259; 0.98^29 = 0.5566. With one failure permitted at 0.95: 0.95^29 + 29·0.05·0.95^28
 * = 0.5708. */
static void the_chance_of_passing_a_plan_is_binomial(void)
{
	CU_ASSERT_DOUBLE_EQUAL(metrology_pass_probability(29, 0, 0.95), 0.2259, 5e-5);
	CU_ASSERT_DOUBLE_EQUAL(metrology_pass_probability(29, 0, 0.98), 0.5566, 5e-5);
	CU_ASSERT_DOUBLE_EQUAL(metrology_pass_probability(29, 1, 0.95), 0.5708, 5e-5);
}

UNIT_MAIN("metrology.decide", UNIT(t_quantiles_are_the_printed_ones),
	  UNIT(undeclared_degrees_of_freedom_never_become_a_number),
	  UNIT(welch_satterthwaite_gives_the_guides_example),
	  UNIT(an_undeclared_part_spoils_the_combination),
	  UNIT(a_margin_decides_only_beyond_its_guard_band),
	  UNIT(risks_of_accepting_and_rejecting_are_apart),
	  UNIT(conformance_probability_gives_the_guides_example),
	  UNIT(proportions_have_exact_one_sided_bounds),
	  UNIT(plans_need_the_printed_numbers_of_trials),
	  UNIT(the_chance_of_passing_a_plan_is_binomial))
