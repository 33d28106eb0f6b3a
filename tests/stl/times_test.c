/* stl_times(): the stretches of time in which a formula holds, every one worked out by hand. */
#include "unit.h"

#include "bench.h"

#define MOST 4

typedef struct Want {
	size_t n;
	int64_t times[MOST][2]; /* ns */
} Want;

static bool same_times(const char *what, const GArray *got, const Want *want)
{
	bool same = got->len == want->n;
	for (guint i = 0; i < got->len; i++) {
		const StlStretch *s = &g_array_index(got, StlStretch, i);
		same = same && s->from_ns == want->times[i][0] && s->to_ns == want->times[i][1];
		if (!same)
			fprintf(stderr, "%s: %" G_GINT64_FORMAT " … %" G_GINT64_FORMAT "\n", what,
				s->from_ns, s->to_ns);
	}
	return same;
}

static void check(Bench *b, const char *text, Want sure, Want perhaps)
{
	g_autoptr(StlFormula) f = bench_formula(b, text);
	g_autoptr(GArray) is = NULL, may = NULL;
	StlInput in = bench_input(b);
	CU_ASSERT_TRUE_FATAL(stl_times(f, &in, &is, &may, NULL));
	CU_ASSERT_TRUE(same_times("sure", is, &sure));
	CU_ASSERT_TRUE(same_times("perhaps", may, &perhaps));
}

#define S CLOCK_S

static void a_crossing_is_told_where_it_is_not_at_the_sample_beside_it(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.0}, {10, 10.0});
	const Want late = {1, {{3 * S, 10 * S}}}, early = {1, {{0, 7 * S}}};
	check(b, "x >= 3 m", late, late);
	check(b, "x <= 7 m", early, early);
	bench_free(b);
}

/* x = 3 t crosses 1 m at 333,333,333.3 ns, and on its way back at 1,666,666,666.7 ns. */
static void between_two_nanoseconds_sure_is_less_and_perhaps_is_more(void)
{
	Bench *b = bench_new(2);
	ADD(b, "x", "m", {0, 0.0}, {1, 3.0}, {2, 0.0});
	check(b, "x > 1 m", (Want){1, {{333333334, 1666666666}}},
	      (Want){1, {{333333333, 1666666667}}});
	bench_free(b);
}

static void an_instant_is_a_stretch(void)
{
	Bench *b = bench_new(4);
	ADD(b, "x", "m", {0, 0.0}, {2, 3.0}, {4, 0.0});
	const Want top = {1, {{2 * S, 2 * S}}}, none = {0};
	check(b, "x >= 3 m", top, top);
	check(b, "x > 3 m", none, none);
	bench_free(b);
}

static void stretches_are_apart_and_in_order(void)
{
	Bench *b = bench_new(5);
	ADD(b, "p", "bool", {0, 0.0}, {1, 1.0}, {2, 0.0}, {3, 1.0}, {4, 0.0});
	const Want two = {2, {{1 * S, 2 * S}, {3 * S, 4 * S}}},
		   three = {3, {{0, 1 * S}, {2 * S, 3 * S}, {4 * S, 5 * S}}};
	check(b, "p", two, two);
	check(b, "not p", three, three);
	bench_free(b);
}

static void in_a_gap_it_may_hold(void)
{
	Bench *b = bench_new(6);
	ADD(b, "p", "bool", {0, 1.0}, {2, (double)NAN}, {4, 1.0});
	check(b, "p", (Want){2, {{0, 2 * S}, {4 * S, 6 * S}}}, (Want){1, {{0, 6 * S}}});
	check(b, "not p", (Want){0}, (Want){1, {{2 * S, 4 * S}}});
	bench_free(b);
}

/* The lower series reaches 5 m at 5 s, the upper one at 3 s. */
static void between_two_series_it_may_hold(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.0}, {10, 10.0});
	ADD_UPPER(b, "x", "m", {0, 2.0}, {10, 12.0});
	check(b, "x >= 5 m", (Want){1, {{5 * S, 10 * S}}}, (Want){1, {{3 * S, 10 * S}}});
	bench_free(b);
}

/* Once p held it does for 2 s more; what lies beyond the end is not known, so 9 s … 10 s is not sure. */
static void windows_hold_where_their_operators_say(void)
{
	Bench *b = bench_new(10);
	ADD(b, "p", "bool", {0, 0.0}, {3, 1.0}, {4, 0.0});
	check(b, "once[0 s, 2 s] p", (Want){1, {{3 * S, 6 * S}}},
	      (Want){2, {{0, 2 * S}, {3 * S, 6 * S}}});
	check(b, "eventually[0 s, 1 s] p", (Want){1, {{2 * S, 4 * S}}},
	      (Want){2, {{2 * S, 4 * S}, {9 * S, 10 * S}}});
	bench_free(b);
}

static void always_and_never_are_all_and_nothing(void)
{
	Bench *b = bench_new(4);
	ADD(b, "x", "m", {0, 1.0}, {4, 2.0});
	const Want all = {1, {{0, 4 * S}}}, none = {0};
	check(b, "x > 0 m", all, all);
	check(b, "x < 0 m", none, none);
	bench_free(b);
}

/* Stretches are in the times of the recording. */
static void times_count_as_those_of_the_samples(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 0.0}, {10, 10.0});
	g_autoptr(StlFormula) f = bench_formula(b, "x >= 3 m");
	g_autoptr(GArray) is = NULL, may = NULL;
	StlInput in = bench_input(b);
	in.start_ns = 2 * S;
	in.end_ns = 8 * S;
	CU_ASSERT_TRUE_FATAL(stl_times(f, &in, &is, &may, NULL));
	CU_ASSERT_TRUE(same_times("sure", is, &(Want){1, {{3 * S, 8 * S}}}));
	bench_free(b);
}

static void a_missing_signal_is_an_error(void)
{
	Bench *b = bench_new(1);
	ADD(b, "x", "m", {0, 0.0}, {1, 1.0});
	g_autoptr(StlFormula) f = bench_formula(b, "x >= 3 m");
	g_hash_table_remove_all(b->signals);
	GArray *is = NULL, *may = NULL;
	g_autoptr(GError) error = NULL;
	StlInput in = bench_input(b);
	CU_ASSERT_FALSE(stl_times(f, &in, &is, &may, &error));
	CU_ASSERT_TRUE(says(error ? error->message : NULL, "x"));
	CU_ASSERT_PTR_NULL(is);
	CU_ASSERT_PTR_NULL(may);
	bench_free(b);
}

UNIT_MAIN("stl.times", UNIT(a_crossing_is_told_where_it_is_not_at_the_sample_beside_it),
	  UNIT(between_two_nanoseconds_sure_is_less_and_perhaps_is_more),
	  UNIT(an_instant_is_a_stretch), UNIT(stretches_are_apart_and_in_order),
	  UNIT(in_a_gap_it_may_hold), UNIT(between_two_series_it_may_hold),
	  UNIT(windows_hold_where_their_operators_say), UNIT(always_and_never_are_all_and_nothing),
	  UNIT(times_count_as_those_of_the_samples), UNIT(a_missing_signal_is_an_error))
