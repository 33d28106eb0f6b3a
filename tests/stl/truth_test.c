#include "unit.h"

#include "bench.h"

static void a_ramp_crosses_its_limit_between_samples(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.0}, {10, 10.0});
	g_autoptr(StlResult) r = bench_eval(b, "always[0 s, 4 s] (x < 5 m)");
	CU_ASSERT_EQUAL(r->satisfied, STL_TRUE);
	CU_ASSERT_TRUE(near(r->lo, 1)); /* 5 - x(4 s), no sample is there */
	g_autoptr(StlResult) bad = bench_eval(b, "always[0 s, 6 s] (x < 5 m)");
	CU_ASSERT_EQUAL(bad->satisfied, STL_FALSE);
	CU_ASSERT_TRUE(says(bad->explanation, "x < 5 m does not hold in [5"));
	bench_free(b);
}

static void strictness_counts_at_exactly_the_limit(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 1.0}, {10, 1.0});
	g_autoptr(StlResult) le = bench_eval(b, "always (x <= 1 m)"),
			     lt = bench_eval(b, "always (x < 1 m)");
	CU_ASSERT_EQUAL(le->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(lt->satisfied, STL_FALSE);
	CU_ASSERT_EQUAL(lt->lo, 0.0);
	bench_free(b);
}

static void a_gap_is_unknown_and_named(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.0}, {1.5, 0.0}, {3, 0.0}, {6, 0.0}, {8, 0.0}, {10, 0.0});
	bench_get(b, "x")->info.max_gap_ns = 2 * CLOCK_S; /* 3 s … 6 s is too long */
	g_autoptr(StlResult) r = bench_eval(b, "always (x < 1 m)");
	CU_ASSERT_EQUAL(r->satisfied, STL_UNKNOWN);
	CU_ASSERT_EQUAL(((StlReason *)g_ptr_array_index(r->reasons, 0))->because, STL_BECAUSE_GAP);
	CU_ASSERT_STRING_EQUAL(((StlReason *)g_ptr_array_index(r->reasons, 0))->signal, "x");
	g_autoptr(StlResult) before = bench_eval(b, "always[0 s, 3 s] (x < 1 m)");
	CU_ASSERT_EQUAL(before->satisfied, STL_TRUE);
	bench_free(b);
}

static void a_violation_before_the_gap_stays_a_violation(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.0}, {1, 2.0}, {2, 0.0}, {3, NAN}, {8, 0.0}, {10, 0.0});
	g_autoptr(StlResult) r = bench_eval(b, "always (x < 1 m)");
	CU_ASSERT_EQUAL(r->satisfied, STL_FALSE);
	bench_free(b);
}

static void a_window_beyond_the_recording_is_open(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.0}, {10, 0.0});
	g_autoptr(StlResult) always = bench_eval(b, "always[0 s, 20 s] (x < 1 m)");
	CU_ASSERT_EQUAL(always->satisfied, STL_UNKNOWN);
	CU_ASSERT_FALSE(always->complete);
	CU_ASSERT_EQUAL(((StlReason *)g_ptr_array_index(always->reasons, 0))->because,
			STL_BECAUSE_END);
	g_autoptr(StlResult) eventually = bench_eval(b, "eventually[0 s, 20 s] (x > 1 m)");
	CU_ASSERT_EQUAL(eventually->satisfied, STL_UNKNOWN);
	g_autoptr(StlResult) seen = bench_eval(b, "eventually[0 s, 20 s] (x < 1 m)");
	CU_ASSERT_EQUAL(seen->satisfied, STL_TRUE);
	g_autoptr(StlResult) until = bench_eval(b, "(x < 1 m) until[0 s, 20 s] (x > 1 m)");
	CU_ASSERT_EQUAL(until->satisfied, STL_UNKNOWN);
	g_autoptr(StlResult) whole = bench_eval(b, "always (x < 1 m)");
	CU_ASSERT_EQUAL(whole->satisfied, STL_TRUE); /* unbounded: to the end of the timeline */
	CU_ASSERT_TRUE(whole->complete);
	bench_free(b);
}

static void envelopes_decide_only_when_both_sides_agree(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.8}, {10, 0.8});
	ADD_UPPER(b, "x", "m", {0, 1.2}, {10, 1.2});
	g_autoptr(StlResult) limit = bench_eval(b, "always (x < 1 m)");
	CU_ASSERT_EQUAL(limit->satisfied, STL_UNKNOWN);
	CU_ASSERT_TRUE(near(limit->lo, -0.2));
	CU_ASSERT_TRUE(near(limit->hi, 0.2));
	CU_ASSERT_EQUAL(((StlReason *)g_ptr_array_index(limit->reasons, 0))->because,
			STL_BECAUSE_ENVELOPE);
	g_autoptr(StlResult) safe = bench_eval(b, "always (x < 2 m)"),
			     bad = bench_eval(b, "always (x < 0.5 m)");
	CU_ASSERT_EQUAL(safe->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(bad->satisfied, STL_FALSE);
	bench_free(b);
}

static void a_premise_that_never_comes_is_vacuous(void)
{
	Bench *b = bench_new(10);
	ADD(b, "truth.fall", "bool", {0, 0.0});
	ADD(b, "product.alarm", "bool", {0, 0.0});
	g_autoptr(StlResult) r = bench_eval(
		b, "always (rise(truth.fall) -> eventually[0 s, 5 s] rise(product.alarm))");
	CU_ASSERT_EQUAL(r->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(r->vacuous, STL_TRUE);
	CU_ASSERT_STRING_EQUAL(r->premise, "rise(truth.fall)");
	bench_free(b);
}

static void an_alarm_that_was_there_before_the_fall_is_no_answer(void)
{
	Bench *b = bench_new(20);
	ADD(b, "truth.fall", "bool", {0, 0.0}, {4, 1.0});
	ADD(b, "product.alarm", "bool", {0, 1.0});
	const char *text = "always (rise(truth.fall) -> eventually[0 s, 5 s] rise(product.alarm))";
	g_autoptr(StlResult) r = bench_eval(b, text);
	CU_ASSERT_EQUAL(r->satisfied, STL_FALSE); /* the first sample has no rise */
	bench_free(b);
}

static void delays_are_from_rise_to_the_first_rise_after(void)
{
	Bench *b = bench_new(20);
	ADD(b, "down", "bool", {0, 0.0}, {4, 1.0}, {6, 0.0}, {12, 1.0});
	ADD(b, "alarm", "bool", {0, 0.0}, {2, 1.0}, {3, 0.0}, {5.5, 1.0}, {7, 0.0});
	g_autoptr(StlFormula) f = bench_formula(b, "delay(down, alarm)");
	StlInput in = bench_input(b);
	g_autoptr(GArray) m = stl_measure(f, &in, NULL);
	CU_ASSERT_EQUAL(m->len, 2);
	StlMeasure *first = &g_array_index(m, StlMeasure, 0),
		   *second = &g_array_index(m, StlMeasure, 1);
	CU_ASSERT_EQUAL(first->state, STL_MEASURE_KNOWN);
	CU_ASSERT_TRUE(near(first->lo, 1.5) && near(first->hi, 1.5));
	CU_ASSERT_FALSE(first->stale);
	CU_ASSERT_EQUAL(second->state, STL_MEASURE_NONE);
	CU_ASSERT_TRUE(near(second->lo, 8)); /* 20 - 12: at least that long */
	CU_ASSERT_TRUE(isinf(second->hi));
	bench_free(b);
}

static void an_uncertain_onset_makes_the_delay_an_interval(void)
{
	Bench *b = bench_new(20);
	/* falls from 1 m at 4 s to 0 m at 5 s; known to ± 0.1 m: crosses 0.5 m between 4.4 s and 4.6 s */
	ADD(b, "h", "m", {0, 0.9}, {4, 0.9}, {5, -0.1}, {20, -0.1});
	ADD_UPPER(b, "h", "m", {0, 1.1}, {4, 1.1}, {5, 0.1}, {20, 0.1});
	ADD(b, "alarm", "bool", {0, 0.0}, {6, 1.0});
	g_autoptr(StlFormula) f = bench_formula(b, "delay(h < 0.5 m, alarm)");
	StlInput in = bench_input(b);
	g_autoptr(GArray) m = stl_measure(f, &in, NULL);
	CU_ASSERT_EQUAL(m->len, 1);
	StlMeasure *x = &g_array_index(m, StlMeasure, 0);
	CU_ASSERT_EQUAL(x->state, STL_MEASURE_KNOWN);
	CU_ASSERT_TRUE(x->cause.certain);
	CU_ASSERT_TRUE(fabs(x->lo - 1.4) < 1e-8 && fabs(x->hi - 1.6) < 1e-8);
	bench_free(b);
}

static void an_answer_hidden_in_a_gap_leaves_the_delay_open(void)
{
	Bench *b = bench_new(20);
	ADD(b, "down", "bool", {0, 0.0}, {4, 1.0});
	ADD(b, "alarm", "bool", {0, 0.0}, {5, NAN}, {9, 0.0}, {12, 1.0});
	g_autoptr(StlFormula) f = bench_formula(b, "delay(down, alarm)");
	StlInput in = bench_input(b);
	g_autoptr(GArray) m = stl_measure(f, &in, NULL);
	StlMeasure *x = &g_array_index(m, StlMeasure, 0);
	CU_ASSERT_EQUAL(x->state, STL_MEASURE_AMBIGUOUS);
	CU_ASSERT_TRUE(near(x->lo, 1)); /* it may have come at 5 s */
	CU_ASSERT_TRUE(near(x->hi, 8)); /* and came at 12 s for sure */
	bench_free(b);
}

static void a_truth_that_ends_at_an_uncertain_time_does_not_rise_again(void)
{
	Bench *b = bench_new(20);
	ADD(b, "truth.hot", "bool", {0, 0.0}, {4, 1.0}, {9, 0.0});
	ADD_UPPER(b, "truth.hot", "bool", {0, 0.0}, {4, 1.0},
		  {11, 0.0}); /* ends somewhere in 9 s … 11 s */
	ADD(b, "alarm", "bool", {0, 0.0}, {6, 1.0});
	bench_get(b, "truth.hot")->info.origin = ORIGIN_DERIVED;
	g_autoptr(StlFormula) f = bench_formula(b, "delay(truth.hot, alarm)");
	StlInput in = bench_input(b);
	g_autoptr(GArray) m = stl_measure(f, &in, NULL);
	CU_ASSERT_EQUAL(m->len, 1);
	/* a measured signal may well have dipped and risen again in that time */
	bench_get(b, "truth.hot")->info.origin = ORIGIN_STIMULUS;
	g_autoptr(GArray) open = stl_measure(f, &in, NULL);
	CU_ASSERT_EQUAL(open->len, 2);
	bench_free(b);
}

static void a_stale_answer_is_marked(void)
{
	Bench *b = bench_new(20);
	ADD(b, "down", "bool", {0, 0.0}, {4, 1.0});
	ADD(b, "alarm", "bool", {0, 0.0}, {2, 1.0});
	g_autoptr(StlFormula) f = bench_formula(b, "delay(down, alarm)");
	StlInput in = bench_input(b);
	g_autoptr(GArray) m = stl_measure(f, &in, NULL);
	CU_ASSERT_TRUE(g_array_index(m, StlMeasure, 0).stale);
	CU_ASSERT_EQUAL(g_array_index(m, StlMeasure, 0).state, STL_MEASURE_NONE);
	bench_free(b);
}

static void durations_are_how_long_it_stayed_true(void)
{
	Bench *b = bench_new(20);
	ADD(b, "hot", "bool", {0, 0.0}, {4, 1.0}, {6.25, 0.0}, {18, 1.0});
	g_autoptr(StlFormula) f = bench_formula(b, "duration(hot)");
	StlInput in = bench_input(b);
	g_autoptr(GArray) m = stl_measure(f, &in, NULL);
	CU_ASSERT_EQUAL(m->len, 2);
	CU_ASSERT_TRUE(near(g_array_index(m, StlMeasure, 0).lo, 2.25));
	CU_ASSERT_EQUAL(g_array_index(m, StlMeasure, 1).state, STL_MEASURE_NONE);
	CU_ASSERT_TRUE(near(g_array_index(m, StlMeasure, 1).lo, 2));
	bench_free(b);
}

static void a_saturated_sample_is_a_bound_not_a_value(void)
{
	Bench *b = bench_new(10);
	ADD(b, "f", "N", {0, 0.0}, {4, 0.0}, {6, 0.0}, {10, 0.0});
	Signal *s = bench_get(b, "f");
	s->info.range_lo = 0;
	s->info.range_hi = 100;
	s->v[1] = s->v[2] = 100;
	s->status[1] = s->status[2] = SAMPLE_SATURATED;
	g_autoptr(StlResult) over = bench_eval(b, "always (f < 90 N)"),
			     limit = bench_eval(b, "always (f < 500 N)");
	CU_ASSERT_EQUAL(over->satisfied, STL_FALSE);    /* at least 100 N */
	CU_ASSERT_EQUAL(limit->satisfied, STL_UNKNOWN); /* how much more is not known */
	bench_free(b);
}

/* until in words: the left side holds up to and at the witness. */
static void until_needs_its_left_side_at_the_witness_too(void)
{
	Bench *b = bench_new(10);
	ADD(b, "p", "bool", {0, 1.0}, {5, 0.0});
	ADD(b, "q", "bool", {0, 0.0}, {5, 1.0});
	ADD(b, "q2", "bool", {0, 0.0}, {4, 1.0});
	g_autoptr(StlResult) at = bench_eval(b, "p until[0 s, 8 s] q"),
			     before = bench_eval(b, "p until[0 s, 8 s] q2");
	CU_ASSERT_EQUAL(at->satisfied, STL_FALSE);
	CU_ASSERT_EQUAL(before->satisfied, STL_TRUE);
	bench_free(b);
}

UNIT_MAIN("stl.truth", UNIT(a_ramp_crosses_its_limit_between_samples),
	  UNIT(strictness_counts_at_exactly_the_limit), UNIT(a_gap_is_unknown_and_named),
	  UNIT(a_violation_before_the_gap_stays_a_violation),
	  UNIT(a_window_beyond_the_recording_is_open),
	  UNIT(envelopes_decide_only_when_both_sides_agree),
	  UNIT(a_premise_that_never_comes_is_vacuous),
	  UNIT(an_alarm_that_was_there_before_the_fall_is_no_answer),
	  UNIT(delays_are_from_rise_to_the_first_rise_after),
	  UNIT(an_uncertain_onset_makes_the_delay_an_interval),
	  UNIT(an_answer_hidden_in_a_gap_leaves_the_delay_open),
	  UNIT(a_truth_that_ends_at_an_uncertain_time_does_not_rise_again),
	  UNIT(a_stale_answer_is_marked), UNIT(durations_are_how_long_it_stayed_true),
	  UNIT(a_saturated_sample_is_a_bound_not_a_value),
	  UNIT(until_needs_its_left_side_at_the_witness_too))
