/* Traps that would make a wrong PASS: each was wrong in a first version or is known from other tools. */
#include "unit.h"

#include "bench.h"

static void an_unbounded_window_that_begins_beyond_the_end_is_open(void)
{
	Bench *b = bench_new(3);
	ADD(b, "x", "m", {0, 0.0}, {3, 0.0});
	g_autoptr(StlResult) always = bench_eval(b, "always[5 s, inf] (x > 1 m)"),
			     ever = bench_eval(b, "eventually[5 s, inf] (x < 1 m)"),
			     past = bench_eval(b, "historically[5 s, inf] (x > 1 m)"),
			     until = bench_eval(b, "(x < 1 m) until[5 s, inf] (x > 1 m)");
	CU_ASSERT_EQUAL(always->satisfied, STL_UNKNOWN);
	CU_ASSERT_EQUAL(ever->satisfied, STL_UNKNOWN);
	CU_ASSERT_EQUAL(past->satisfied, STL_UNKNOWN);
	CU_ASSERT_EQUAL(until->satisfied, STL_UNKNOWN);
	CU_ASSERT_FALSE(always->complete);
	bench_free(b);
}

/* 0.3 + 0.1 is not 0.4 in binary seconds. */
static void an_answer_exactly_at_the_limit_is_in_time(void)
{
	Bench *b = bench_new(1);
	ADD(b, "cause", "bool", {0, 0.0}, {0.3, 1.0});
	ADD(b, "answer", "bool", {0, 0.0}, {0.4, 1.0});
	g_autoptr(StlResult)
		at = bench_eval(b, "always (rise(cause) -> eventually[0 s, 0.1 s] rise(answer))"),
		ms = bench_eval(b, "always (rise(cause) -> eventually[0, 100 ms] rise(answer))"),
		early = bench_eval(b,
				   "always (rise(cause) -> eventually[0, 99.999 ms] rise(answer))");
	CU_ASSERT_EQUAL(at->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(ms->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(early->satisfied, STL_FALSE);
	bench_free(b);
}

static void a_premise_outside_the_window_that_counts_exercises_nothing(void)
{
	Bench *b = bench_new(20);
	ADD(b, "p", "bool", {0, 0.0}, {10, 1.0}, {11, 0.0});
	ADD(b, "x", "m", {0, 0.0}, {20, 0.0});
	g_autoptr(StlResult)
		no = bench_eval(b, "always[0 s, 5 s] (p -> x < 1 m)"),
		yes = bench_eval(b, "always[0 s, 10 s] (p -> x < 1 m)"),
		nested = bench_eval(b, "always[0 s, 2 s] eventually[0 s, 9 s] (p -> x < 1 m)");
	CU_ASSERT_EQUAL(no->vacuous, STL_TRUE);
	CU_ASSERT_EQUAL(yes->vacuous, STL_FALSE);
	CU_ASSERT_EQUAL(nested->vacuous, STL_FALSE);
	bench_free(b);
}

/* 50 degC - 20 degC is a difference of 30 K, never -243 degC. */
static void a_difference_of_temperatures_is_no_temperature(void)
{
	Bench *b = bench_new(10);
	ADD(b, "pan", "degC", {0, 20.0}, {10, 50.0});
	ADD(b, "room", "degC", {0, 20.0}, {10, 20.0});
	g_autoptr(StlResult) over = bench_eval(b, "always (pan - room < 25 K)"),
			     under = bench_eval(b, "always (pan - room < 31 K)"),
			     rise = bench_eval(b, "always (pan < initial(pan) + 25 K)"),
			     fine = bench_eval(b, "always (pan < initial(pan) + 31 K)"),
			     cold = bench_eval(b, "always (pan > -5 degC)");
	CU_ASSERT_EQUAL(over->satisfied, STL_FALSE);
	CU_ASSERT_TRUE(near(over->lo, -5));
	CU_ASSERT_EQUAL(under->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(rise->satisfied, STL_FALSE);
	CU_ASSERT_TRUE(near(rise->lo, -5));
	CU_ASSERT_EQUAL(fine->satisfied, STL_TRUE);
	CU_ASSERT_TRUE(near(cold->lo, 25));
	static const char *const refused[] = {
		"always (pan - room < 5 degC)", /* 5 degC would be 278 K */
		"always (pan < 300 K)",         "always (pan + room < 50 degC)",
		"always (2 * pan < 100 degC)",  "always (-pan < 100 degC)",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autofree char *why = bench_refusal(b, refused[i]);
		CU_ASSERT_PTR_NOT_NULL(why);
		if (!why)
			fprintf(stderr, "accepted: %s\n", refused[i]);
	}
	bench_free(b);
}

static void units_of_one_kind_share_one_margin(void)
{
	Bench *b = bench_new(10);
	ADD(b, "h", "m", {0, 0.5}, {10, 0.5});
	ADD(b, "g", "mm", {0, 700.0}, {10, 700.0});
	g_autoptr(StlResult) r = bench_eval(b, "always (h > 0.2 m and g > 600 mm)");
	CU_ASSERT_FALSE(r->mixed);
	CU_ASSERT_STRING_EQUAL(r->unit.symbol, "m");
	CU_ASSERT_TRUE(near(r->lo, 0.1)); /* 100 mm, not 100 and not 0.3 */
	bench_free(b);
}

static void a_bare_bound_other_than_zero_is_refused(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.5}, {10, 0.5});
	g_autofree char *bare = bench_refusal(b, "always[0 s, 5] (x > 0 m)"),
			*zero = bench_refusal(b, "always[0, 5 s] (x > 0 m)");
	CU_ASSERT_PTR_NOT_NULL(bare);
	CU_ASSERT_PTR_NULL(zero);
	bench_free(b);
}

static void a_unary_minus_counts(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 2.0}, {10, 2.0});
	g_autoptr(StlResult) r = bench_eval(b, "always (-x < -1 m)");
	CU_ASSERT_EQUAL(r->satisfied, STL_TRUE);
	CU_ASSERT_TRUE(near(r->lo, 1));
	bench_free(b);
}

static void a_long_chain_is_refused_before_it_can_exhaust_the_stack(void)
{
	GString *text = g_string_new("a");
	for (int i = 0; i < 9000; i++)
		g_string_append(text, " or a");
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(stl_parse(text->str, NULL, &error));
	CU_ASSERT_TRUE(says(error ? error->message : NULL, "nested too deeply"));
	g_string_free(text, TRUE);
}

/* What is true at the first instant has no rise; what becomes true right after it has. stl_edges() says the same. */
static void a_rise_right_after_the_first_instant_counts(void)
{
	Bench *b = bench_new(2);
	ADD(b, "x", "m", {0, 0.0}, {2, 2.0});
	ADD(b, "answer", "bool", {0, 0.0});
	const char *text = "always (rise(x > 0 m) -> eventually[0 s, 1 s] answer)";
	g_autoptr(StlResult) up = bench_eval(b, "rise(x > 0 m)"), late = bench_eval(b, text),
			     standing = bench_eval(b, "eventually rise(x >= 0 m)");
	g_autoptr(StlFormula) f = bench_formula(b, "x > 0 m");
	StlInput in = bench_input(b);
	g_autoptr(GArray) edges = stl_edges(f, &in, NULL);
	CU_ASSERT_EQUAL(up->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(edges->len, 1);
	CU_ASSERT_EQUAL(late->satisfied, STL_FALSE); /* was true: the rise went unseen */
	CU_ASSERT_EQUAL(late->vacuous, STL_FALSE);
	CU_ASSERT_EQUAL(standing->satisfied, STL_FALSE);
	bench_free(b);
}

/* u is unknown throughout. Were everything beyond the end true, the first would hold; false, the second would fail. */
static void an_open_end_counts_beside_a_gap_and_under_any_operator(void)
{
	Bench *b = bench_new(2);
	ADD(b, "u", "bool", {0, NAN});
	ADD(b, "p", "bool", {0, 1.0});
	static const char *const open[] = {
		"u or (p since[4 s, inf] p)",
		"u and (p until[0 s, 4 s] not p)",
		"(u or always[0 s, 9 s] p) and (u or eventually[0 s, 9 s] not p)",
		"u <-> (always[0 s, 9 s] p)",
		"(once[1 s, inf] p) xor u",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(open); i++) {
		g_autoptr(StlResult) r = bench_eval(b, open[i]);
		CU_ASSERT_TRUE(r->lo < r->hi);
		CU_ASSERT_FALSE(r->complete);
		if (r->complete)
			fprintf(stderr, "complete: %s\n", open[i]);
	}
	g_autoptr(StlResult) gap = bench_eval(b, "u and always[0 s, 2 s] p");
	CU_ASSERT_EQUAL(gap->satisfied, STL_UNKNOWN);
	CU_ASSERT_TRUE(gap->complete); /* more recording would not help */
	bench_free(b);
}

/* After the last instant nothing is known: "strictly later" is open there, for eventually and until alike. */
static void strictly_later_than_the_end_is_open(void)
{
	Bench *b = bench_new(2);
	ADD(b, "p", "bool", {0, 1.0});
	g_autoptr(StlResult) until = bench_eval(b, "eventually[2 s, 2 s] (p until(0 s, inf] p)"),
			     ever = bench_eval(b, "eventually[2 s, 2 s] eventually(0 s, inf] p"),
			     since = bench_eval(b, "p since(0 s, inf] p");
	CU_ASSERT_EQUAL(until->satisfied, STL_UNKNOWN); /* was false for sure */
	CU_ASSERT_EQUAL(ever->satisfied, STL_UNKNOWN);
	CU_ASSERT_EQUAL(since->satisfied, STL_UNKNOWN);
	bench_free(b);
}

/* Nothing of [5 s, inf] was recorded: no rise was counted there, but none was ruled out. */
static void a_count_in_a_window_beyond_the_end_is_open(void)
{
	Bench *b = bench_new(3);
	ADD(b, "p", "bool", {0, 0.0}, {3, 0.0});
	g_autoptr(StlResult) ahead = bench_eval(b, "count(p) over [5 s, inf] < 1"),
			     back = bench_eval(b, "count(p) over [-inf, -5 s] < 1"),
			     all = bench_eval(b, "count(p) over [-inf, inf] < 1");
	CU_ASSERT_EQUAL(ahead->satisfied, STL_UNKNOWN);
	CU_ASSERT_EQUAL(back->satisfied, STL_UNKNOWN);
	CU_ASSERT_FALSE(ahead->complete);
	CU_ASSERT_EQUAL(all->satisfied, STL_TRUE);
	bench_free(b);
}

/* x is 2 m at 8 s and nothing else is known of it: the largest of all is never less, wherever the window ends after that. */
static void a_window_without_a_bound_keeps_what_it_saw(void)
{
	Bench *b = bench_new(8);
	ADD(b, "x", "m", {8, 2.0});
	g_autoptr(StlResult)
		back = bench_eval(b, "always[7 s, 8 s] (max(x) over [-inf, 1 s] > 1 m)"),
		ahead = bench_eval(b, "always[0 s, 8 s] (max(x) over [-1 s, inf] > 1 m)");
	CU_ASSERT_EQUAL(back->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(ahead->satisfied, STL_TRUE);
	bench_free(b);
}

/* The recording ends at 3 s, so what lies up to 5 s can change each of them, whatever is done to the value. */
static void what_hangs_on_a_value_beyond_the_end_is_not_complete(void)
{
	static const char *const texts[] = {
		"2 * max(x) over [0 s, 5 s] < 1 m",
		"max(x) over [0 s, 5 s] < 100 mm and x < 7 m",
		"norm(max(x) over [0 s, 5 s], y) < 1 m",
		"y * max(x) over [0 s, 5 s] < 1 m * y",
		"y / max(x) over [0 s, 5 s] < 2",
		"1 m * count(x > 1 m) over [0 s, 5 s] < 3 m",
		"count(always[0 s, 4 s] (x < 1 m)) over [0 s, 1 s] < 1",
	};
	Bench *b = bench_new(3);
	ADD(b, "x", "m", {0, 0.25}, {3, 0.5});
	ADD(b, "y", "m", {0, 0.25}, {3, 0.5});
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(StlResult) r = bench_eval(b, texts[i]);
		CU_ASSERT_TRUE(r->lo < r->hi);
		CU_ASSERT_FALSE(r->complete);
		if (r->complete)
			fprintf(stderr, "complete: %s\n", texts[i]);
	}
	bench_free(b);
}

/* Whatever x is where no sample tells it, none of it is 0 m. */
static void none_of_an_unknown_is_nothing(void)
{
	Bench *b = bench_new(3);
	ADD(b, "x", "m", {0, (double)NAN}, {3, (double)NAN});
	g_autoptr(StlResult) none = bench_eval(b, "0 * x <= 0 m"),
			     some = bench_eval(b, "2 * x <= 0 m");
	CU_ASSERT_EQUAL(none->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(some->satisfied, STL_UNKNOWN);
	bench_free(b);
}

/* A table in milliseconds: "complete" looks at the same window as the verdict, 2 s and not 2 s in nanoseconds. */
static void completeness_counts_in_the_units_of_the_stamps(void)
{
	Bench *b = bench_new(0);
	Signal *s = signal_new("x");
	for (int i = 0; i <= 4; i++)
		signal_append(s, i * 1000, 1, SAMPLE_OK);
	g_hash_table_insert(b->signals, s->info.name, s);
	StlInput in = {.end_ns = 4000, .signals = b->signals};
	const StlOptions options = {.ends = STL_ENDS_FINITE, .tick_s = 1e-3};
	g_autoptr(StlFormula) inside = bench_formula(b, "always[0 s, 2 s] (x > 0)"),
			      beyond = bench_formula(b, "always[0 s, 5 s] (x > 0)");
	g_autoptr(StlResult) yes = stl_eval(inside, &in, &options, NULL),
			     no = stl_eval(beyond, &in, &options, NULL);
	CU_ASSERT_EQUAL(yes->satisfied, STL_TRUE);
	CU_ASSERT_TRUE(yes->complete);
	CU_ASSERT_EQUAL(no->satisfied, STL_TRUE);
	CU_ASSERT_FALSE(no->complete);
	bench_free(b);
}

/* At 2 s the left end of the window, falling, is as high as the peak that comes in at 5 s, and falls faster than what follows it. The
 * peak of 4 m is in every window from 2 s to 5 s. */
static void a_peak_that_comes_in_at_the_left_ends_height_counts(void)
{
	Bench *b = bench_new(12);
	ADD(b, "x", "m", {0, 8.0}, {4, 0.0}, {5, 4.0}, {9, 2.0}, {12, 2.0});
	g_autoptr(StlResult)
		yes = bench_eval(b, "always[2 s, 5 s] eventually[0 s, 3 s] (x > 3.75 m)"),
		no = bench_eval(b, "eventually[2 s, 5 s] always[0 s, 3 s] (x < 3.75 m)");
	CU_ASSERT_EQUAL(yes->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(yes->lo, 0.25);
	CU_ASSERT_EQUAL(no->satisfied, STL_FALSE);
	CU_ASSERT_EQUAL(no->hi, -0.25);
	bench_free(b);
}

/* Just before 5.75 s the left end of the window lies 1e-17 m above the right end, which then rises. At 6 s the window reaches to 4 s: there
 * x is 0.5 m, and x - z is least at 5 s, -0.75 m + 2 m, so that half of it is 0.125 m above 0.5 m. */
static void a_hair_does_not_hold_a_window_back(void)
{
	Bench *b = bench_new(6);
	ADD(b, "x", "m", {0, 1.0}, {1, -1.5}, {2, -1.0}, {2.5, 2.0}, {4.5, 0.0}, {4.75, -1.0},
	    {6.75, 1.0});
	ADD(b, "z", "m", {0, -2.0}, {0.25, 0.0}, {0.75, -1.0}, {2.75, 0.0}, {3, -2.5}, {3.5, -3.0},
	    {4, -0.5}, {6, -3.5});
	const StlOptions options = {.ends = STL_ENDS_FINITE, .trace = true};
	StlInput in = bench_input(b);
	g_autoptr(StlFormula) f = bench_formula(
		b, "once[2 s, 4 s] ((x > -1 m) and always[1 s, inf] (0.5 * (x - z) >= 0.5 m))");
	g_autoptr(StlResult) r = stl_eval(f, &in, &options, NULL);
	CU_ASSERT_EQUAL(r->trace_t_ns[r->trace_n - 1], 6 * CLOCK_S);
	CU_ASSERT_TRUE(near(r->trace_lo[r->trace_n - 1], 0.125));
	bench_free(b);
}

/* x is 0 between two samples, mostly at no time that a double can tell. */
static void a_crossing_is_0_and_no_distance_is_below_it(void)
{
	for (int i = 1; i <= 40; i++) {
		Bench *b = bench_new(3);
		const double tv[][2] = {{0, -i}, {3, 7}};
		Signal *x = bench_signal("x", "m", 2, tv);
		g_hash_table_insert(b->signals, x->info.name, x);
		g_autoptr(StlResult) abs = bench_eval(b, "always (0.3 * abs(x) >= 0 m)"),
				     never = bench_eval(b, "eventually (0.3 * abs(x) < 0 m)"),
				     is = bench_eval(b, "eventually (x == 0 m)"),
				     still = bench_eval(b, "eventually[2.9 s, 3 s] (x == 0 m)");
		CU_ASSERT_EQUAL(abs->satisfied, STL_TRUE);
		CU_ASSERT_EQUAL(abs->lo, 0);
		CU_ASSERT_EQUAL(never->satisfied, STL_FALSE);
		CU_ASSERT_EQUAL(is->satisfied, STL_TRUE);
		CU_ASSERT_EQUAL(is->hi, 0);
		CU_ASSERT_EQUAL(still->satisfied, STL_FALSE);
		bench_free(b);
	}
}

/* What lay before the window leaves nothing behind in its mean. */
static void a_mean_of_one_value_is_that_value(void)
{
	Bench *b = bench_new(9);
	ADD(b, "x", "m", {0, 1e6}, {1, 1e6}, {1.1, 0.1}, {4, 0.1}, {9, 0.1});
	g_autoptr(StlResult) mean =
		bench_eval(b, "always[2 s, 6 s] (abs(mean(x) over [0 s, 3 s] - 0.1 m) <= 0 m)");
	CU_ASSERT_EQUAL(mean->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(mean->lo, 0);
	bench_free(b);
}

static void min_after_a_number_is_a_minute(void)
{
	Bench *b = bench_new(90);
	ADD(b, "x", "m", {0, 0.0}, {90, 90.0});
	g_autoptr(StlResult) r = bench_eval(b, "always[0 min, 1 min] (x <= min(60 m, 70 m))");
	CU_ASSERT_EQUAL(r->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(r->lo, 0);
	bench_free(b);
}

/* x > 1.3 and 3 x < 3.9 never hold together; but each is passed at an instant of its own, some 1e-7 ns apart. */
static void what_is_true_for_less_than_a_nanosecond_need_not_have_been(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(3);
	bool was_seen = false;
	for (int round = 0; round < 60; round++) {
		Bench *b = bench_new(5);
		Signal *s = bench_signal("x", "m", 0, NULL);
		for (int64_t t = 0; t <= 5 * CLOCK_S; t += g_rand_int_range(r, 10, 300) * 1000000)
			signal_append(s, t, g_rand_int_range(r, -500, 500) / 100.0 + 0.005,
				      SAMPLE_OK);
		signal_append(s, 6 * CLOCK_S, 0, SAMPLE_OK);
		g_hash_table_insert(b->signals, s->info.name, s);
		g_autoptr(StlResult)
			both = bench_eval(b, "count((x > 1.3 m) and (3 * x < 3.9 m)) >= 1"),
			one = bench_eval(b, "eventually rise((x > 1.3 m) xor (3 * x > 3.9 m))"),
			plain = bench_eval(b, "eventually ((x > 1.3 m) and (3 * x < 3.9 m))");
		CU_ASSERT_NOT_EQUAL(both->satisfied, STL_TRUE);
		CU_ASSERT_NOT_EQUAL(one->satisfied, STL_TRUE);
		/* a margin of rounding, of which criteria make nothing */
		CU_ASSERT_TRUE(plain->lo < 1e-11);
		was_seen = was_seen || both->satisfied == STL_UNKNOWN;
		bench_free(b);
	}
	CU_ASSERT_TRUE(was_seen);
}

UNIT_MAIN("stl.trap", UNIT(what_is_true_for_less_than_a_nanosecond_need_not_have_been),
	  UNIT(a_peak_that_comes_in_at_the_left_ends_height_counts),
	  UNIT(a_hair_does_not_hold_a_window_back),
	  UNIT(a_crossing_is_0_and_no_distance_is_below_it),
	  UNIT(a_mean_of_one_value_is_that_value), UNIT(min_after_a_number_is_a_minute),
	  UNIT(an_unbounded_window_that_begins_beyond_the_end_is_open),
	  UNIT(an_answer_exactly_at_the_limit_is_in_time),
	  UNIT(a_premise_outside_the_window_that_counts_exercises_nothing),
	  UNIT(a_difference_of_temperatures_is_no_temperature),
	  UNIT(units_of_one_kind_share_one_margin), UNIT(a_bare_bound_other_than_zero_is_refused),
	  UNIT(a_unary_minus_counts), UNIT(a_long_chain_is_refused_before_it_can_exhaust_the_stack),
	  UNIT(a_rise_right_after_the_first_instant_counts),
	  UNIT(strictly_later_than_the_end_is_open),
	  UNIT(an_open_end_counts_beside_a_gap_and_under_any_operator),
	  UNIT(a_count_in_a_window_beyond_the_end_is_open),
	  UNIT(a_window_without_a_bound_keeps_what_it_saw),
	  UNIT(what_hangs_on_a_value_beyond_the_end_is_not_complete),
	  UNIT(none_of_an_unknown_is_nothing), UNIT(completeness_counts_in_the_units_of_the_stamps))
