#include "unit.h"

#include "bench.h"

static StlMonitor *monitor(const char *text, StlMonitorMode mode)
{
	Bench *b = bench_new(1);
	ADD(b, "force", "N", {0, 0.0});
	ADD(b, "alarm", "bool", {0, 0.0});
	g_autoptr(StlFormula) f = bench_formula(b, text);
	g_autoptr(GError) error = NULL;
	StlMonitor *m = stl_monitor_new(f, mode, NULL, &error);
	if (error)
		fprintf(stderr, "%s\n", error->message);
	bench_free(b);
	return m;
}

static void a_guard_breaks_at_the_sample_that_breaks_it(void)
{
	g_autoptr(StlMonitor) m = monitor("always (force < 2500 N)", STL_MONITOR_HOLDS);
	stl_monitor_start(m, 1000);
	stl_monitor_feed(m, 0, 1100, 10, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 1150), STL_STATE_PENDING);
	stl_monitor_feed(m, 0, 1200, 2600, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 1250), STL_STATE_FALSE);
	CU_ASSERT_EQUAL(stl_monitor_decided_ns(m), 1200);
	stl_monitor_feed(m, 0, 1300, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 1350), STL_STATE_FALSE); /* latched */
}

static void a_rise_needs_a_fall_before_it(void)
{
	g_autoptr(StlMonitor) m = monitor("rise(alarm)", STL_MONITOR_REACHED);
	stl_monitor_feed(m, 0, 900, 1, SAMPLE_OK); /* already true */
	stl_monitor_start(m, 1000);
	stl_monitor_feed(m, 0, 1100, 1, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 1150), STL_STATE_PENDING);
	stl_monitor_feed(m, 0, 1200, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, 1300, 1, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 1300), STL_STATE_TRUE);
	CU_ASSERT_EQUAL(stl_monitor_decided_ns(m), 1300);
}

static void a_first_sample_is_no_rise(void)
{
	g_autoptr(StlMonitor) m = monitor("rise(alarm)", STL_MONITOR_REACHED);
	stl_monitor_start(m, 1000);
	stl_monitor_feed(m, 0, 1100, 1, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 1150), STL_STATE_PENDING);
}

static void a_missing_sample_never_breaks_a_guard(void)
{
	g_autoptr(StlMonitor) m = monitor("always (force < 2500 N)", STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 10, 9999, SAMPLE_MISSING);
	stl_monitor_feed(m, 0, 20, (double)NAN, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 30), STL_STATE_PENDING);
}

static void an_eventually_fails_when_its_window_closes(void)
{
	g_autoptr(StlMonitor) m = monitor("eventually[0 s, 2 s] alarm", STL_MONITOR_HOLDS);
	stl_monitor_start(m, CLOCK_S);
	stl_monitor_feed(m, 0, CLOCK_S, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, 2 * CLOCK_S, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S), STL_STATE_PENDING);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S + 1), STL_STATE_FALSE);
	CU_ASSERT_EQUAL(stl_monitor_decided_ns(m), 3 * CLOCK_S);
}

/* Until its first sample a signal may have been anything. */
static void a_window_that_begins_unheard_ends_unknown(void)
{
	g_autoptr(StlMonitor) m = monitor("eventually[0 s, 2 s] alarm", STL_MONITOR_HOLDS);
	stl_monitor_start(m, CLOCK_S);
	stl_monitor_feed(m, 0, 2 * CLOCK_S, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S + 1), STL_STATE_UNKNOWN);
}

/* Two signals change at one time: between their samples there is no time at which a guard could break. */
static void samples_of_one_time_are_looked_at_together(void)
{
	g_autoptr(StlMonitor) m = monitor("always (force < 5 N or alarm)", STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 0, 1, SAMPLE_OK);
	stl_monitor_feed(m, 1, 0, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, 10, 9, SAMPLE_OK);
	stl_monitor_feed(m, 1, 10, 1, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 10), STL_STATE_PENDING);
	stl_monitor_feed(m, 1, 20, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 20), STL_STATE_FALSE);
	CU_ASSERT_EQUAL(stl_monitor_decided_ns(m), 20);
}

static void an_answer_in_time_keeps_a_guard_and_a_late_one_breaks_it(void)
{
	const char *text = "always (force > 5 N -> eventually[0 s, 2 s] alarm)";
	g_autoptr(StlMonitor) m = monitor(text, STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 0, 0, SAMPLE_OK);
	stl_monitor_feed(m, 1, 0, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, CLOCK_S, 9, SAMPLE_OK);
	stl_monitor_feed(m, 0, 2 * CLOCK_S, 0, SAMPLE_OK);
	stl_monitor_feed(m, 1, 3 * CLOCK_S, 1, SAMPLE_OK); /* for 1 s … 2 s: in time */
	stl_monitor_feed(m, 1, 4 * CLOCK_S, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 6 * CLOCK_S), STL_STATE_PENDING);
	stl_monitor_feed(m, 0, 7 * CLOCK_S, 9, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 9 * CLOCK_S - 1), STL_STATE_PENDING);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 9 * CLOCK_S), STL_STATE_FALSE);
	CU_ASSERT_EQUAL(stl_monitor_decided_ns(m), 9 * CLOCK_S);
}

/* 5 N - 3 N so far; what comes can only lower it. */
static void robustness_is_an_interval_while_the_future_is_open(void)
{
	double lo, hi;
	g_autoptr(StlMonitor) m = monitor("always[0 s, 4 s] (force < 5 N)", STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 0, 1, SAMPLE_OK);
	stl_monitor_feed(m, 0, CLOCK_S, 3, SAMPLE_OK);
	stl_monitor_state(m, 2 * CLOCK_S);
	stl_monitor_robustness(m, &lo, &hi);
	CU_ASSERT_TRUE(isinf(lo) && lo < 0);
	CU_ASSERT_EQUAL(hi, 2);
	stl_monitor_feed(m, 0, 3 * CLOCK_S, 4.5, SAMPLE_OK);
	stl_monitor_state(m, 4 * CLOCK_S + 1);
	stl_monitor_robustness(m, &lo, &hi);
	CU_ASSERT_EQUAL(lo, 0.5);
	CU_ASSERT_EQUAL(hi, 0.5);
}

static void a_window_with_a_missing_sample_ends_unknown_not_true(void)
{
	g_autoptr(StlMonitor) m = monitor("always[0 s, 2 s] (force < 2500 N)", STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 1, 10, SAMPLE_OK);
	stl_monitor_feed(m, 0, CLOCK_S, 10, SAMPLE_MISSING);
	stl_monitor_feed(m, 0, CLOCK_S + 1, 10, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S), STL_STATE_UNKNOWN);
}

static void a_rise_across_a_gap_did_happen(void)
{
	g_autoptr(StlMonitor) m = monitor("rise(alarm)", STL_MONITOR_REACHED);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 10, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, 20, 0, SAMPLE_MISSING);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 25), STL_STATE_PENDING);
	stl_monitor_feed(m, 0, 30, 1, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 30), STL_STATE_TRUE);
}

static void a_past_window_must_have_been_seen_whole(void)
{
	g_autoptr(StlMonitor) m =
		monitor("historically[0 s, 2 s] (force < 5 N)", STL_MONITOR_REACHED);
	stl_monitor_feed(m, 0, CLOCK_S / 2, 9, SAMPLE_OK);
	stl_monitor_start(m, CLOCK_S);
	stl_monitor_feed(m, 0, 2 * CLOCK_S, 1, SAMPLE_OK); /* below 5 N from 2 s on */
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S), STL_STATE_PENDING);
	stl_monitor_feed(m, 0, 3 * CLOCK_S + 1, 1, SAMPLE_MISSING);
	stl_monitor_feed(m, 0, 3 * CLOCK_S + 2, 1, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 4 * CLOCK_S + 1),
			STL_STATE_PENDING); /* seen with a hole */
	CU_ASSERT_EQUAL(stl_monitor_state(m, 5 * CLOCK_S + 2), STL_STATE_TRUE);
}

static void a_window_that_cannot_be_watched_is_refused_at_creation(void)
{
	Bench *b = bench_new(1);
	ADD(b, "alarm", "bool", {0, 0.0});
	g_autoptr(StlFormula) f = bench_formula(b, "always (alarm -> eventually not alarm)");
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(stl_monitor_new(f, STL_MONITOR_HOLDS, NULL, &error));
	CU_ASSERT_TRUE(says(error ? error->message : NULL, "cannot be watched while running"));
	g_autoptr(StlFormula) far =
		bench_formula(b, "always eventually[0 s, 9e8 s] once[0 s, 9e8 s] alarm");
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(stl_monitor_new(far, STL_MONITOR_HOLDS, NULL, &error));
	CU_ASSERT_TRUE(says(error ? error->message : NULL, "longer than 1e9 s"));
	bench_free(b);
}

/* 2 N, from 2 s on 6 N: the mean of the last two seconds is 4 N at 3 s and passes 5 N at 3.5 s, where the clock is asked. Before
 * 2 s it is not known. */
static void a_mean_breaks_a_guard_between_samples(void)
{
	const char *text = "always[2 s, inf] (mean(force) over [-2 s, 0 s] <= 5 N)";
	g_autoptr(StlMonitor) m = monitor(text, STL_MONITOR_HOLDS);
	double lo, hi;
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 0, 2, SAMPLE_OK);
	stl_monitor_feed(m, 0, CLOCK_S, 2, SAMPLE_OK);
	stl_monitor_feed(m, 0, 2 * CLOCK_S, 6, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S), STL_STATE_PENDING);
	stl_monitor_robustness(m, &lo, &hi);
	CU_ASSERT_EQUAL(hi, 1); /* 5 - 4 */
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S + CLOCK_S / 2), STL_STATE_PENDING);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3 * CLOCK_S + CLOCK_S / 2 + 1), STL_STATE_FALSE);
	CU_ASSERT_EQUAL(stl_monitor_end(m, 4 * CLOCK_S), STL_STATE_FALSE);
	stl_monitor_robustness(m, &lo, &hi);
	CU_ASSERT_TRUE(lo == -1 && hi == -1); /* 6 N all the window */
}

/* After the alarm the force stays below 5 N until it is below 1 N, within 2 s: at 3 s it is not. */
static void an_until_breaks_when_its_left_side_does(void)
{
	const char *text =
		"always ((force < 5 N) until[0 s, 2 s] (force < 1 N) or not rise(alarm))";
	g_autoptr(StlMonitor) m = monitor(text, STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 0, 4, SAMPLE_OK);
	stl_monitor_feed(m, 1, 0, 0, SAMPLE_OK);
	stl_monitor_feed(m, 1, CLOCK_S, 1, SAMPLE_OK);
	stl_monitor_feed(m, 0, 2 * CLOCK_S, 0, SAMPLE_OK); /* 1 s after: in time */
	stl_monitor_feed(m, 1, 3 * CLOCK_S, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, 4 * CLOCK_S, 4, SAMPLE_OK);
	stl_monitor_feed(m, 1, 5 * CLOCK_S, 1, SAMPLE_OK);
	stl_monitor_feed(m, 0, 6 * CLOCK_S, 7, SAMPLE_OK); /* before it fell below 1 N */
	stl_monitor_feed(m, 0, 6 * CLOCK_S + 1, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 7 * CLOCK_S - 1), STL_STATE_PENDING);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 7 * CLOCK_S), STL_STATE_FALSE);
}

/* At the root an until needs no window: it may wait for ever, and is decided at the sample that decides. */
static void an_until_without_a_bound_waits_for_its_witness(void)
{
	g_autoptr(StlMonitor) m = monitor("(force < 5 N) until alarm", STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 0, 4, SAMPLE_OK);
	stl_monitor_feed(m, 1, 0, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 1000 * CLOCK_S), STL_STATE_PENDING);
	stl_monitor_feed(m, 1, 2000 * CLOCK_S, 1, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 2000 * CLOCK_S), STL_STATE_TRUE);
	stl_monitor_start(m, 3000 * CLOCK_S);
	stl_monitor_feed(m, 1, 3000 * CLOCK_S, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, 3001 * CLOCK_S, 6, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 3001 * CLOCK_S), STL_STATE_FALSE);
}

/* Rises at 2 s, 4 s and 6 s. Three lie in the last 5 s from 6 s on; the one of 2 s has left after 7 s. */
static void a_third_rise_in_a_window_breaks_a_guard(void)
{
	g_autoptr(StlMonitor)
		three = monitor("always (count(alarm) over [-5 s, 0 s] <= 2)", STL_MONITOR_HOLDS),
		four = monitor("always (count(alarm) over [-5 s, 0 s] <= 3)", STL_MONITOR_HOLDS);
	stl_monitor_start(three, 0);
	stl_monitor_start(four, 0);
	for (int t = 0; t <= 12; t++) {
		double v = t > 1 && t < 8 && t % 2 == 0;
		stl_monitor_feed(three, 0, t * CLOCK_S, v, SAMPLE_OK);
		stl_monitor_feed(four, 0, t * CLOCK_S, v, SAMPLE_OK);
		StlState want = t < 6 ? STL_STATE_PENDING : STL_STATE_FALSE;
		CU_ASSERT_EQUAL(stl_monitor_state(three, t * CLOCK_S), want);
		CU_ASSERT_EQUAL(stl_monitor_state(four, t * CLOCK_S), STL_STATE_PENDING);
	}
	CU_ASSERT_EQUAL(stl_monitor_decided_ns(three), 6 * CLOCK_S);
}

/* In a gap there may have been any number of rises: the guard is not broken, and does not hold for sure. */
static void a_gap_may_hide_any_number_of_rises(void)
{
	g_autoptr(StlMonitor) m = monitor("always[5 s, 20 s] (count(alarm) over [-5 s, 0 s] <= 1)",
					  STL_MONITOR_HOLDS);
	double lo, hi;
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 0, 0, SAMPLE_OK);
	stl_monitor_feed(m, 0, 8 * CLOCK_S, 0, SAMPLE_MISSING);
	stl_monitor_feed(m, 0, 9 * CLOCK_S, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_end(m, 20 * CLOCK_S), STL_STATE_UNKNOWN);
	stl_monitor_robustness(m, &lo, &hi);
	CU_ASSERT_TRUE(isinf(lo) && lo < 0);
	CU_ASSERT_EQUAL(hi, 1);
}

/* 100,000 changes a second where 2,000 have room: what is left may say less, but nothing else. */
static void more_changes_than_there_is_room_for_widen_the_interval(void)
{
	static const char *const texts[] = {
		"always ((force < 4 N) until[0 s, 0.02 s] (force > 3 N))",
		"always ((force > 1 N) since[0 s, 0.02 s] (force > 4 N))",
		"always eventually[0 s, 0.02 s] (force > 4.5 N)",
		"always ((force < 4 N) weak until(0.01 s, 0.03 s) (force > 3 N))",
		"always (count(force > 2.5 N) over [-0.1 s, 0 s] < 260)",
	};
	const double inf = (double)INFINITY;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		Bench *b = bench_new(0.2);
		Signal *s = bench_signal("force", "N", 0, NULL);
		s->info.interp = SIGNAL_PREVIOUS;
		g_hash_table_insert(b->signals, s->info.name, s);
		g_autoptr(StlFormula) f = bench_formula(b, texts[i]);
		g_autoptr(StlMonitor) m = stl_monitor_new(f, STL_MONITOR_HOLDS, NULL, NULL);
		g_autoptr(GRand) r = g_rand_new_with_seed(7);
		stl_monitor_start(m, 0);
		for (int64_t t = 0; t < CLOCK_S / 5; t += CLOCK_S / 100000) {
			double v = g_rand_double_range(r, 0, 5);
			signal_append(s, t, v, SAMPLE_OK);
			stl_monitor_feed(m, 0, t, v, SAMPLE_OK);
		}
		StlState state = stl_monitor_end(m, CLOCK_S / 5);
		double lo, hi;
		stl_monitor_robustness(m, &lo, &hi);
		StlInput in = bench_input(b);
		g_autoptr(StlResult) want = stl_eval(f, &in, NULL, NULL);
		CU_ASSERT_TRUE(lo <= want->lo && want->hi <= hi);
		CU_ASSERT_TRUE(lo > -inf || hi < inf); /* and not nothing */
		CU_ASSERT_TRUE(state == STL_STATE_UNKNOWN ||
			       (state == STL_STATE_TRUE) == (want->satisfied == STL_TRUE));
		bench_free(b);
	}
}

static void samples_out_of_order_are_counted_and_ignored(void)
{
	g_autoptr(StlMonitor) m = monitor("always (force < 2500 N)", STL_MONITOR_HOLDS);
	stl_monitor_start(m, 0);
	stl_monitor_feed(m, 0, 100, 1, SAMPLE_OK);
	stl_monitor_feed(m, 0, 100, 9999, SAMPLE_OK);
	stl_monitor_feed(m, 0, 50, 9999, SAMPLE_OK);
	CU_ASSERT_EQUAL(stl_monitor_state(m, 200), STL_STATE_PENDING);
	CU_ASSERT_EQUAL(stl_monitor_late_samples(m), 2);
}

/* 2000 changes in a window with room for 512, then silence. */
static void a_mean_of_more_changes_than_there_is_room_for_is_unknown_until_they_have_left(void)
{
	g_autoptr(StlMonitor)
		during = monitor("always[0.02 s, 0.03 s] (mean(force) over [-0.02 s, 0 s] < 9 N)",
				 STL_MONITOR_HOLDS),
		after = monitor("always[0.1 s, inf] (mean(force) over [-0.02 s, 0 s] < 9 N)",
				STL_MONITOR_HOLDS);
	StlMonitor *const both[] = {during, after};
	for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
		StlMonitor *m = both[i];
		double lo, hi;
		stl_monitor_start(m, 0);
		for (int64_t k = 0; k < 4000; k++)
			stl_monitor_feed(m, 0, k * CLOCK_S / 100000, k % 2 ? 3 : 5, SAMPLE_OK);
		StlState state = stl_monitor_end(m, CLOCK_S / 5);
		stl_monitor_robustness(m, &lo, &hi);
		CU_ASSERT_EQUAL(state, m == during ? STL_STATE_UNKNOWN : STL_STATE_TRUE);
		CU_ASSERT_TRUE(m == during || (lo == 6 && hi == 6)); /* 9 - 3 */
	}
}

UNIT_MAIN("stl.monitor", UNIT(a_guard_breaks_at_the_sample_that_breaks_it),
	  UNIT(a_rise_needs_a_fall_before_it), UNIT(a_first_sample_is_no_rise),
	  UNIT(a_missing_sample_never_breaks_a_guard),
	  UNIT(an_eventually_fails_when_its_window_closes),
	  UNIT(a_window_that_begins_unheard_ends_unknown),
	  UNIT(samples_of_one_time_are_looked_at_together),
	  UNIT(an_answer_in_time_keeps_a_guard_and_a_late_one_breaks_it),
	  UNIT(robustness_is_an_interval_while_the_future_is_open),
	  UNIT(a_window_with_a_missing_sample_ends_unknown_not_true),
	  UNIT(a_rise_across_a_gap_did_happen), UNIT(a_past_window_must_have_been_seen_whole),
	  UNIT(a_window_that_cannot_be_watched_is_refused_at_creation),
	  UNIT(samples_out_of_order_are_counted_and_ignored),
	  UNIT(an_until_breaks_when_its_left_side_does),
	  UNIT(an_until_without_a_bound_waits_for_its_witness),
	  UNIT(a_mean_breaks_a_guard_between_samples),
	  UNIT(a_mean_of_more_changes_than_there_is_room_for_is_unknown_until_they_have_left),
	  UNIT(a_third_rise_in_a_window_breaks_a_guard), UNIT(a_gap_may_hide_any_number_of_rises),
	  UNIT(more_changes_than_there_is_room_for_widen_the_interval))
