/* Every operator beyond the first ones, each with values by hand. x(t) = t and y(t) = 10 - t on [0 s, 10 s] unless said. */
#include "unit.h"

#include "bench.h"

static Bench *room(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "1", {0, 0.0}, {10, 10.0});
	ADD(b, "y", "1", {0, 10.0}, {10, 0.0});
	ADD(b, "a", "1", {0, 3.0}, {10, 3.0});
	ADD(b, "b", "1", {0, 4.0}, {10, 4.0});
	ADD(b, "p", "bool", {0, 1.0}, {1, 0.0}, {2, 1.0}, {3, 0.0}, {4, 1.0}, {5, 0.0}, {6, 1.0},
	    {10, 1.0}); /* rises at 2, 4 and 6; true at the start is no rise */
	ADD(b, "gap", "bool", {0, 0.0}, {2, 1.0}, {3, NAN}, {5, 0.0}, {6, 1.0}, {10, 1.0});
	return b;
}

typedef enum { DENSE, DENSE_OPEN, DISCRETE, DISCRETE_OPEN } How;

/* The calculator: bare numbers. NULL when refused. */
static StlResult *calc(Bench *b, const char *text, How how, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = stl_parse(text, NULL, &error);
	GHashTable *const tables[2] = {b->signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	scope.bare = true;
	scope.discrete = how == DISCRETE || how == DISCRETE_OPEN;
	StlInput input = bench_input(b);
	StlOptions options = {.ends = how == DENSE || how == DISCRETE ? STL_ENDS_FINITE
								      : STL_ENDS_OPEN,
			      .discrete = scope.discrete,
			      .trace = true};
	StlResult *r = f && stl_check(f, &scope, NULL, &error)
			       ? stl_eval(f, &input, &options, &error)
			       : NULL;
	if (ret_why)
		*ret_why = r ? NULL : g_strdup(error->message);
	else if (!r)
		fprintf(stderr, "%s: %s\n", text, error->message);
	return r;
}

/* The robustness at the start is `want`, to 1e-5: what bends is enclosed that closely. */
static void is_(Bench *b, const char *text, How how, double want)
{
	g_autoptr(StlResult) r = calc(b, text, how, NULL);
	bool ok = r && (r->lo == want || fabs(r->lo - want) <= 1e-5) &&
		  (r->hi == want || fabs(r->hi - want) <= 1e-5) && r->lo <= r->hi;
	if (!ok)
		fprintf(stderr, "%s: want %.9g, got [%.9g, %.9g]\n", text, want,
			r ? r->lo : (double)NAN, r ? r->hi : (double)NAN);
	CU_ASSERT_TRUE(ok);
}

static void within(Bench *b, const char *text, How how, double lo, double hi)
{
	g_autoptr(StlResult) r = calc(b, text, how, NULL);
	bool ok = r && r->lo == lo && r->hi == hi;
	if (!ok)
		fprintf(stderr, "%s: want [%g, %g], got [%.9g, %.9g]\n", text, lo, hi,
			r ? r->lo : (double)NAN, r ? r->hi : (double)NAN);
	CU_ASSERT_TRUE(ok);
}

static void truth_is(Bench *b, const char *text, How how, StlTruth want)
{
	g_autoptr(StlResult) r = calc(b, text, how, NULL);
	if (!r || r->satisfied != want)
		fprintf(stderr, "%s: want %s, got %s\n", text, stl_truth_name(want),
			r ? r->explanation : "nothing");
	CU_ASSERT_TRUE(r && r->satisfied == want);
}

static void explains(Bench *b, const char *text, How how, const char *part)
{
	g_autoptr(StlResult) r = calc(b, text, how, NULL);
	CU_ASSERT_TRUE(says(r ? r->explanation : NULL, part));
}

static void refuses(Bench *b, const char *text, How how, const char *part)
{
	g_autofree char *why = NULL;
	g_autoptr(StlResult) r = calc(b, text, how, &why);
	if (r)
		fprintf(stderr, "accepted: %s\n", text);
	CU_ASSERT_TRUE(says(why, part));
}

static void scoring_refuses(Bench *b, const char *text, const char *part)
{
	g_autofree char *why = bench_refusal(b, text);
	CU_ASSERT_TRUE(says(why, part));
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */

static void norm_and_extremes_take_any_number_of_arguments(void)
{
	Bench *b = room();
	is_(b, "norm(a, b)", DENSE, 5);      /* 3-4-5 */
	is_(b, "norm(a, b, 12)", DENSE, 13); /* 5-12-13 */
	is_(b, "norm(-a)", DENSE, 3);
	is_(b, "max(a, b, 2)", DENSE, 4);
	is_(b, "min(a, b, 2, -1)", DENSE, -1);
	is_(b, "min(norm(x, y)) over [0, 10]", DENSE, 7.0710678); /* at 5 s: sqrt(50) */
	is_(b, "max(norm(x, y)) over [0, 10]", DENSE, 10);
	is_(b, "norm(a, b, 12)", DISCRETE, 13);
	scoring_refuses(b, "norm(a) over [0 s, 1 s] > 1", "column");
	bench_free(b);
}

/* x y = t (10 - t) is at most 25, at 5 s, where no sample is. */
static void a_product_of_two_changing_signals_is_bounded_for_sure(void)
{
	Bench *b = room();
	is_(b, "max(x * y) over [0, 10]", DENSE, 25);
	/* 16, between two samples 10 s apart: 32 chords and tangents, 25 / 32^2 wide */
	g_autoptr(StlResult) r = calc(b, "min(x * y) over [2, 6]", DENSE, NULL);
	CU_ASSERT_TRUE(r->lo <= 16 && r->hi >= 16 && r->hi - r->lo < 0.05);
	is_(b, "always ((x - 5) * (y - 5) <= 0.5)", DENSE, 0.5); /* -(t - 5)^2 */
	truth_is(b, "always (x * y < 25.01)", DENSE, STL_TRUE);
	truth_is(b, "always (x * y < 24.99)", DENSE, STL_FALSE);
	g_autoptr(StlResult) touch = calc(b, "always (x * y < 25)", DENSE, NULL);
	CU_ASSERT_NOT_EQUAL(touch->satisfied, STL_TRUE); /* it is 25 */
	bench_free(b);
}

static void a_quotient_is_exact_at_samples_and_unknown_around_zero(void)
{
	Bench *b = room();
	is_(b, "max(x / (x + 1)) over [0, 10]", DENSE, 10.0 / 11);
	is_(b, "a / b", DENSE, 0.75);
	is_(b, "eventually[5, 5] (x / (x + 5) >= 0.2)", DENSE, 0.3);    /* 5 / 10 - 0.2 */
	truth_is(b, "always (x / (y - 5) < 1000)", DENSE, STL_UNKNOWN); /* 0 at 5 s */
	within(b, "a / 0", DENSE, -INFINITY, INFINITY);
	within(b, "a / 0", DISCRETE, -INFINITY, INFINITY);
	bench_free(b);
}

/* x in [1, 2], y in [-3, 4]: the product in [-6, 8]; both known to within an interval only. */
static void a_product_of_envelopes_is_the_hull_of_its_corners(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "m", {0, 1.0}, {10, 1.0});
	ADD_UPPER(b, "x", "m", {0, 2.0}, {10, 2.0});
	ADD(b, "y", "m", {0, -3.0}, {10, -3.0});
	ADD_UPPER(b, "y", "m", {0, 4.0}, {10, 4.0});
	const struct {
		const char *text;
		double lo, hi;
	} cases[] = {{"x * y", -6, 8}, {"y / x", -3, 4}, {"norm(x, y)", 1, 4.4721360}};
	StlInput input = bench_input(b);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(StlFormula) f = bench_formula(b, cases[i].text);
		double lo, hi;
		CU_ASSERT_TRUE(stl_range(f, &input, 0, 10 * CLOCK_S, &lo, &hi, NULL));
		CU_ASSERT_TRUE(fabs(lo - cases[i].lo) < 1e-6 && fabs(hi - cases[i].hi) < 1e-6);
	}
	g_autoptr(StlResult) r = bench_eval(b, "always (x * y < 7.9 m*m)"),
			     sure = bench_eval(b, "always (x * y < 8.1 m*m)");
	CU_ASSERT_EQUAL(r->satisfied, STL_UNKNOWN);
	CU_ASSERT_EQUAL(sure->satisfied, STL_TRUE);
	bench_free(b);
}

static void roots_and_powers_are_for_the_calculator_alone(void)
{
	Bench *b = room();
	is_(b, "sqrt(a * 12)", DENSE, 6);
	is_(b, "exp(0 * a)", DENSE, 1);
	is_(b, "pow(a, 2)", DENSE, 9);
	is_(b, "max(pow(x, 2)) over [0, 10]", DENSE, 100);
	is_(b, "pow(2, a)", DISCRETE, 8);
	scoring_refuses(b, "sqrt(a) > 1", "calculator only");
	scoring_refuses(b, "pow(a, 2) > 1", "calculator only");
	scoring_refuses(b, "exp(a) > 1", "calculator only");
	bench_free(b);
}

/* ---- windows over values ------------------------------------------------------------------------------------------ */

static void extremes_over_a_window_look_back_or_ahead(void)
{
	Bench *b = room();
	is_(b, "max(x) over [0, 2]", DENSE, 2);
	is_(b, "min(y) over [1, 4]", DENSE, 6);
	is_(b, "always[3, 10] (max(x) over [-3, -1] <= x)", DENSE, 1); /* x - (x - 1) */
	is_(b, "max(x) over [-inf, 0]", DENSE, 0);
	is_(b, "max(x) over [0, inf]", DENSE, 10);
	within(b, "max(x) over [8, 12]", DENSE_OPEN, 10, INFINITY); /* the end is not known */
	within(b, "min(x) over [-1, 0]", DENSE_OPEN, -INFINITY, 0);
	is_(b, "max(x) over [8, 12]", DENSE, 10); /* cut */
	refuses(b, "max(x) over [2, 1]", DENSE, "wrong way round");
	refuses(b, "max(x)", DENSE, "'over [a, b]'");
	refuses(b, "max(x) over", DENSE, "a window such as");
	scoring_refuses(b, "max(x) over [0, 2] > 1", "a bound is a time");
	bench_free(b);
}

/* The mean of a ramp is its middle; of a triangle over its whole width half its height. */
static void a_mean_is_the_area_over_the_width(void)
{
	Bench *b = room();
	ADD(b, "tri", "1", {0, 0.0}, {1, 1.0}, {2, 0.0}, {10, 0.0});
	ADD(b, "held", "1", {0, 0.0}, {4, 10.0}, {10, 10.0});
	bench_get(b, "held")->info.interp = SIGNAL_PREVIOUS;
	is_(b, "mean(x) over [0, 2]", DENSE, 1);
	is_(b, "mean(tri) over [0, 2]", DENSE, 0.5);
	is_(b, "mean(held) over [0, 8]", DENSE, 5);
	is_(b, "mean(x) over [3, 3]", DENSE, 3);
	is_(b, "always[2, 10] (mean(x) over [-2, 0] >= x - 1.5)", DENSE, 0.5); /* t - 1 */
	/* over [t, t+1] of the triangle: 3/4 at t = 1/2, the largest */
	is_(b, "max(mean(tri) over [0, 1]) over [0, 3]", DENSE, 0.75);
	within(b, "mean(x) over [-1, 0]", DENSE, -INFINITY, INFINITY); /* never cut */
	within(b, "mean(x) over [5, 11]", DENSE_OPEN, -INFINITY, INFINITY);
	refuses(b, "mean(x) over [0, inf]", DENSE, "two bounds");
	bench_free(b);
}

static void a_gap_makes_what_is_over_it_unknown(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "1", {0, 1.0}, {3, 1.0}, {4, NAN}, {6, 1.0}, {10, 1.0});
	within(b, "mean(x) over [0, 3]", DENSE, 1, 1);
	within(b, "mean(x) over [0, 5]", DENSE, -INFINITY, INFINITY);
	within(b, "mean(x) over [6, 10]", DENSE, 1, 1);
	within(b, "max(x) over [0, 5]", DENSE, 1, INFINITY);
	truth_is(b, "always (mean(x) over [-1, 0] < 2)", DENSE_OPEN, STL_UNKNOWN);
	explains(b, "mean(x) over [0, 5] < 2", DENSE, "no usable sample of x");
	explains(b, "mean(x) over [7, 12] < 2", DENSE_OPEN, "the recording ends first");
	bench_free(b);
}

/* ---- counts -------------------------------------------------------------------------------------------------------- */

static void a_count_is_of_rises_after_the_start(void)
{
	Bench *b = room();
	is_(b, "count(p)", DENSE, 3);
	is_(b, "count(p) over [0, 5]", DENSE, 2);
	is_(b, "count(p) over [0, 4]", DENSE, 2); /* closed: the rise at 4 s counts */
	is_(b, "count(p) over [0, 4)", DENSE, 1);
	is_(b, "count(p) over (2, 4]", DENSE, 1);
	is_(b, "count(not p)", DENSE, 3); /* falls at 1, 3 and 5 */
	is_(b, "eventually[5, 5] (count(p) over [-2, 0] >= 1)", DENSE, 0);
	is_(b, "count(x > 5)", DENSE, 1); /* a crossing between samples */
	truth_is(b, "count(p) <= 3", DENSE, STL_TRUE);
	truth_is(b, "count(p) <= 2", DENSE, STL_FALSE);
	within(b, "count(p) over [5, 15]", DENSE_OPEN, 1, INFINITY);
	is_(b, "count(p) over [5, 15]", DENSE, 1);
	refuses(b, "count(x + 1) > 2 m", DENSE, "cannot compare");
	bench_free(b);
}

/* Known rises at 2 s and 6 s; between 3 s and 5 s anything may have happened. */
static void a_gap_may_hide_any_number_of_rises(void)
{
	Bench *b = room();
	within(b, "count(gap)", DENSE, 2, INFINITY);
	within(b, "count(gap) over [0, 2.5]", DENSE, 1, 1);
	within(b, "count(gap) over [5.5, 10]", DENSE, 1, 1);
	truth_is(b, "count(gap) <= 2", DENSE, STL_UNKNOWN);
	truth_is(b, "count(gap) <= 1", DENSE, STL_FALSE);
	bench_free(b);
}

/* ---- bounds -------------------------------------------------------------------------------------------------------- */

/* s is 5 before 4 s and 1 from then on. */
static void an_open_bound_leaves_the_instant_out(void)
{
	Bench *b = room();
	ADD(b, "s", "1", {0, 5.0}, {4, 1.0}, {10, 1.0});
	bench_get(b, "s")->info.interp = SIGNAL_PREVIOUS;
	is_(b, "always[0, 4) (s > 3)", DENSE, 2);
	is_(b, "always[0, 4] (s > 3)", DENSE, -2);
	is_(b, "eventually(4, 6] (s > 3)", DENSE, -2);
	is_(b, "eventually[4, 6] (s < 3)", DENSE, 2);
	truth_is(b, "always[0, 4) (x < 4)", DENSE, STL_TRUE); /* margin 0, and still true */
	truth_is(b, "always[0, 4] (x < 4)", DENSE, STL_FALSE);
	truth_is(b, "eventually[0, 4) rise(p)", DENSE, STL_TRUE);
	truth_is(b, "eventually(2, 4) rise(p)", DENSE, STL_FALSE);
	truth_is(b, "eventually(2, 4] rise(p)", DENSE, STL_TRUE);
	truth_is(b, "(a > 0) until(2, 4) rise(p)", DENSE, STL_FALSE);
	truth_is(b, "(a > 0) until[2, 4) rise(p)", DENSE, STL_TRUE);
	truth_is(b, "(x < 4) until[0, 4] rise(x >= 4)", DENSE, STL_FALSE); /* closed: x = 4 there */
	truth_is(b, "eventually[5, 5] once(1, 3) rise(p)", DENSE, STL_FALSE); /* 2..4, both open */
	truth_is(b, "eventually[5, 5] once[1, 3) rise(p)", DENSE, STL_TRUE);
	truth_is(b, "eventually(10, 12] (x > 0)", DENSE_OPEN, STL_UNKNOWN);
	truth_is(b, "always(10, inf] (x > 0)", DENSE_OPEN, STL_UNKNOWN);
	truth_is(b, "always[0, 10) (x < 10)", DENSE_OPEN, STL_TRUE);
	refuses(b, "always(2, 2] (x > 0)", DENSE, "nothing lies between");
	bench_free(b);
}

static void in_discrete_time_open_bounds_are_a_sample_further_in(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "1", {0, 1.0}, {1, 2.0}, {2, 3.0}, {3, 4.0});
	is_(b, "eventually[0, 2) (x > 0)", DISCRETE, 2);
	is_(b, "always(0, 2] (x > 0)", DISCRETE, 2);
	refuses(b, "always(0, 1) (x > 0)", DISCRETE, "nothing lies between");
	bench_free(b);
}

/* ---- logic --------------------------------------------------------------------------------------------------------- */

static void weak_until_does_not_need_its_right_side(void)
{
	Bench *b = room();
	truth_is(b, "(a > 0) until (x > 20)", DENSE, STL_FALSE);
	is_(b, "(a > 0) weak until (x > 20)", DENSE, 3);
	is_(b, "(a > 0) unless (x > 20)", DENSE, 3);
	/* x < 5 ends at 5 s; y <= 7 begins at 3 s: both hold at 4 s with 1 to spare */
	is_(b, "(x < 5) weak until (y <= 7)", DENSE, 1);
	truth_is(b, "(x < 5) weak until (x > 6)", DENSE, STL_FALSE);
	truth_is(b, "(x < 5) weak until[0, 4] (x > 20)", DENSE, STL_TRUE);
	truth_is(b, "(x < 5) weak until[0, 5] (x > 20)", DENSE, STL_FALSE);
	truth_is(b, "(x < 5) weak until[0, 5) (x > 20)", DENSE, STL_TRUE);
	truth_is(b, "(x < 50) weak until[0, 15] (x > 20)", DENSE_OPEN, STL_UNKNOWN);
	explains(b, "(x < 5) weak until (x > 6)", DENSE, "x < 5 does not hold at 5 s");
	bench_free(b);
}

/* Margins: x < 5 has 5 at 0 s, y < 5 has -5. */
static void xor_and_iff_need_both_sides(void)
{
	Bench *b = room();
	is_(b, "(x < 5) xor (y < 5)", DENSE, 5);
	is_(b, "(x < 5) iff (y < 5)", DENSE, -5);
	is_(b, "(x < 5) <-> (x < 7)", DENSE, 5);
	truth_is(b, "(x < 5) xor eventually[20, 30] (x > 0)", DENSE_OPEN, STL_UNKNOWN);
	bench_free(b);
}

static void steps_are_of_discrete_time(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "1", {0, 1.0}, {1, 2.0}, {2, 3.0});
	static const double next[] = {2, 3, INFINITY}, strong[] = {2, 3, -INFINITY},
			    previous[] = {INFINITY, 1, 2};
	const struct {
		const char *text;
		const double *trace;
	} cases[] = {{"next x", next},
		     {"X(x)", next},
		     {"s_next(x)", strong},
		     {"previous x", previous},
		     {"prev (x)", previous}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(StlResult) r = calc(b, cases[i].text, DISCRETE, NULL);
		CU_ASSERT_EQUAL(r->trace_n, 3);
		for (size_t j = 0; j < 3; j++)
			CU_ASSERT_EQUAL(r->trace_lo[j], cases[i].trace[j]);
	}
	within(b, "previous (x > 0)", DISCRETE_OPEN, -INFINITY, INFINITY);
	refuses(b, "next (x > 0)", DENSE, "discrete time");
	scoring_refuses(b, "previous (x > 0)", "discrete time");
	bench_free(b);
}

/* x = 1 ? 3 4: half-open until, past operators and counts with one sample missing. */
static void a_missing_sample_is_unknown_in_discrete_time(void)
{
	Bench *b = bench_new(10);
	ADD(b, "x", "1", {0, 1.0}, {1, NAN}, {2, 3.0}, {3, 4.0});
	truth_is(b, "always (x > 0)", DISCRETE, STL_UNKNOWN);
	truth_is(b, "always[2, 3] (x > 0)", DISCRETE, STL_TRUE);
	truth_is(b, "eventually (x > 2)", DISCRETE, STL_TRUE);
	truth_is(b, "eventually[1, 1] (x > 2)", DISCRETE, STL_UNKNOWN);
	truth_is(b, "(x > 0) until (x > 3)", DISCRETE, STL_UNKNOWN);
	truth_is(b, "(x > 5) until (x > 9)", DISCRETE, STL_FALSE);
	within(b, "count(x > 2)", DISCRETE, 0,
	       2); /* a rise at 1, at 2, or (as far as it goes) both */
	within(b, "mean(x) over [2, 3]", DISCRETE, 3.5, 3.5);
	within(b, "mean(x) over [0, 1]", DISCRETE, -INFINITY, INFINITY);
	explains(b, "always (x > 0)", DISCRETE, "no usable sample of x at sample 1");
	explains(b, "always (x < 3)", DISCRETE, "x < 3 does not hold at samples 2 to 3");
	bench_free(b);
}

/* ---- names ----------------------------------------------------------------------------------------------------------- */

static Bench *body(void)
{
	Bench *b = bench_new(10);
	ADD(b, "body.head.force", "N", {0, 10.0}, {10, 10.0});
	ADD(b, "body.neck.force", "N", {0, 10.0}, {4, 10.0}, {5, 30.0}, {10, 30.0});
	ADD(b, "body.head.touch", "bool", {0, 0.0});
	ADD(b, "body.neck.touch", "bool", {0, 0.0}, {3, 1.0});
	return b;
}

static void a_quantifier_looks_at_every_channel(void)
{
	Bench *b = body();
	static const char *const every[] = {
		"for every r in body: always (r.force < 25 N)",
		"for every r in {body.head, body.neck}: always (r.force < 25 N)"};
	for (size_t i = 0; i < 2; i++) {
		g_autoptr(StlResult) r = bench_eval(b, every[i]);
		CU_ASSERT_EQUAL(r->satisfied, STL_FALSE);
		CU_ASSERT_TRUE(near(r->lo, -5));
		CU_ASSERT_TRUE(
			says(r->explanation, "body.neck.force < 25 N does not hold in [4.75 s"));
	}
	g_autoptr(StlResult) some = bench_eval(b, "for some r in body: always (r.force < 25 N)"),
			     nested = bench_eval(b, "for every r in body: (r.touch -> "
						    "for some q in body: q.force < 25 N)"),
			     one = bench_eval(b, "for every r in {body.head}: r.force < 25 N");
	CU_ASSERT_EQUAL(some->satisfied, STL_TRUE);
	CU_ASSERT_TRUE(near(some->lo, 15));
	CU_ASSERT_EQUAL(nested->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(one->satisfied, STL_TRUE);
	g_autoptr(StlFormula) f = stl_parse(every[1], NULL, NULL);
	CU_ASSERT_EQUAL(stl_formula_n_signals(f), 2); /* known before any scope */
	bench_free(b);
}

static void a_quantifier_never_looks_at_nothing(void)
{
	Bench *b = body();
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"for every r in legs: r.force < 25 N", "there is no channel 'legs.…'"},
		{"for every r in {body.head, body.leg}: r.force < 25 N",
		 "there is no signal 'body.leg.force'"},
		{"for every r in {body.head, body.head}: r.force < 25 N", "twice"},
		{"for every r in {}: r.force < 25 N", "the name of a channel"},
		{"for every r body: r.force < 25 N", "expected 'in'"},
		{"for every r in body r.force < 25 N", "expected ':'"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		scoring_refuses(b, cases[i].text, cases[i].says);
	/* where the channels are not known, they must be named */
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = stl_parse("for every r in body: r.force < 25 N", NULL, NULL);
	const StlScope nothing = {0};
	CU_ASSERT_FALSE(stl_check(f, &nothing, NULL, &error));
	CU_ASSERT_TRUE(says(error->message, "name them, in {body.one"));
	bench_free(b);
}

static void a_sub_formula_has_a_name(void)
{
	Bench *b = room();
	is_(b, "near = x < 5; always[0, 2] near", DENSE, 3);
	is_(b, "m = x + 1; near = m < 5; always[0, 2] near and m > -1", DENSE, 2);
	is_(b, "out = always[0, 2] (x < 5)", DENSE, 3);
	refuses(b, "near = x < 5; always (x < 3)", DENSE, "defined and never used");
	refuses(b, "near = near; near", DENSE, "there is no signal 'near'");
	refuses(b, "n = x; n = y; n", DENSE, "this name is taken");
	refuses(b, "x = y; x < 3", DENSE, "'x' is a signal and the name");
	refuses(b, "x = 3", DENSE, "to compare, write '=='");
	scoring_refuses(b, "out = x < 5", "to compare, write '=='");
	g_autoptr(StlResult) r = bench_eval(b, "near = x < 5; always[0 s, 2 s] near");
	CU_ASSERT_EQUAL(r->satisfied, STL_TRUE); /* names are for scoring too */
	bench_free(b);
}

static void copies_do_not_grow_without_bounds(void)
{
	g_autoptr(GString) text = g_string_new("d0 = x; ");
	for (int i = 1; i <= 20; i++) /* each doubles the one before: a million parts */
		g_string_append_printf(text, "d%d = d%d + d%d; ", i, i - 1, i - 1);
	g_string_append(text, "d20 > 1");
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(stl_parse(text->str, NULL, &error));
	CU_ASSERT_TRUE(says(error ? error->message : NULL, "too many parts"));
}

static void other_spellings_mean_the_same(void)
{
	Bench *b = room();
	const char *const same[][2] = {
		{"always[0, 2] (x < 5)", "G[0:2](x < 5)"},
		{"eventually[0, 2] (x > 5)", "F [0,2] (x > 5)"},
		{"eventually[3, 3] historically[0, 2] (x < 5)", "F[3,3] H[0,2] (x < 5)"},
		{"eventually[3, 3] once[0, 2] (x < 5)", "F[3:3](O[0:2](x < 5))"},
		{"(x < 5) until[0, 2] (y < 9)", "(x < 5) U[0,2] (y < 9)"},
		{"eventually[3, 3] ((x < 5) since[0, 2] (y < 9))",
		 "F[3,3] ((x < 5) S[0,2] (y < 9))"},
		{"x != y", "x !== y"},
		{"not (x < 5) or (y > 2)", "!(x < 5) | (y > 2)"},
		{"(x < 5) implies (y > 2)", "(x < 5) -> (y > 2)"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
		g_autoptr(StlResult) r1 = calc(b, same[i][0], DENSE, NULL),
				     r2 = calc(b, same[i][1], DENSE, NULL);
		CU_ASSERT_TRUE(r1 && r2 && r1->lo == r2->lo && r1->satisfied == r2->satisfied);
	}
	/* and a signal may still be called so */
	ADD(b, "F", "1", {0, 1.0}, {10, 1.0});
	ADD(b, "next", "1", {0, 1.0}, {10, 1.0});
	ADD(b, "count", "1", {0, 1.0}, {10, 1.0});
	is_(b, "F - next < 3 and count > 0", DENSE, 1);
	bench_free(b);
}

static void all_of_it_prints_and_reads_again(void)
{
	Bench *b = body();
	ADD(b, "x", "1", {0, 0.0}, {10, 10.0});
	ADD(b, "y", "1", {0, 10.0}, {10, 0.0});
	static const char *const texts[] = {
		"always(0, 2] (x < 5)",
		"(x < 5) weak until[0, 4) (y < 3)",
		"max(x, y, 3) over [-1, inf] > 2 or count(x > y) over (0, 4] < 3",
		"mean(x * y) over [0, 2] - norm(x, y, 1) < 3",
		"for every r in body: always (r.force < 25 N)",
		"(for some r in body: r.force > 3 N) -> count(x > 1) > 0",
		"n = x + 1; n * n < 3",
	};
	static const char *const discrete[] = {"next (-x > 3)",
					       "s_previous (x > 3) and next next y"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts) + G_N_ELEMENTS(discrete); i++) {
		bool step = i >= G_N_ELEMENTS(texts);
		const char *text = step ? discrete[i - G_N_ELEMENTS(texts)] : texts[i];
		GHashTable *const tables[2] = {b->signals, NULL};
		StlScope scope = stl_scope_from_tables(tables);
		scope.bare = true;
		scope.discrete = step;
		g_autoptr(GError) error = NULL;
		g_autoptr(StlFormula) f = stl_parse(text, NULL, &error);
		if (i == 2) { /* three arguments and a window do not go together */
			CU_ASSERT_PTR_NULL(f);
			continue;
		}
		CU_ASSERT_TRUE(f && stl_check(f, &scope, NULL, &error));
		g_autofree char *once = stl_formula_print(f, false);
		g_autoptr(StlFormula) again = stl_parse(once, NULL, &error);
		CU_ASSERT_TRUE(again && stl_check(again, &scope, NULL, &error));
		g_autofree char *twice = again ? stl_formula_print(again, false) : NULL;
		if (g_strcmp0(once, twice))
			fprintf(stderr, "%s\n%s\n%s %s\n", text, once, twice,
				error ? error->message : "");
		CU_ASSERT_STRING_EQUAL(once, twice ? twice : "");
	}
	bench_free(b);
}

/* ---- explanations ------------------------------------------------------------------------------------------------------ */

static void an_explanation_names_no_more_than_what_decides(void)
{
	Bench *b = room();
	explains(b, "always[0, 6] (x < 5)", DENSE, "x < 5 does not hold in [5 s, 6 s]");
	explains(b, "x > 5", DENSE, "x > 5 does not hold at 0 s");
	explains(b, "eventually[1, 3] (x > 5)", DENSE, "x > 5 does not hold in [1 s, 3 s]");
	explains(b, "eventually[1, 3] (x > 5 or y > 20)", DENSE,
		 "x > 5 does not hold in [1 s, 3 s]; y > 20 does not hold in [1 s, 3 s]");
	explains(b, "eventually[1, 3] (x > 0 and y > 20)", DENSE,
		 "false: y > 20 does not hold in [1 s, 3 s]");
	explains(b, "always[0, 2] (x < 1 or y > 7)", DENSE, "true: y > 7 holds in [0 s, 2 s]");
	explains(b, "always (p -> x < 9)", DENSE, "x < 9 does not hold in [9 s, 10 s]");
	explains(b, "(x < 5) until (x > 6)", DENSE, "false: x < 5 does not hold at 5 s");
	explains(b, "(x < 5) until (y < 7)", DENSE, "true: x < 5 holds in [0 s,");
	/* all instants of an always decide, so its PASS reaches to the end */
	g_autoptr(StlResult) r = calc(b, "always (x < 5 or x > 3)", DENSE, NULL);
	CU_ASSERT_EQUAL(r->satisfied, STL_TRUE);
	CU_ASSERT_EQUAL(r->from_ns, 0);
	CU_ASSERT_EQUAL(r->to_ns, 10 * CLOCK_S);
	bench_free(b);
}

/* ---- scoring ------------------------------------------------------------------------------------------------------------ */

/* Bare numbers, cut windows and margins of edges are the calculator's; nothing new reaches a verdict. */
static void scoring_stays_strict(void)
{
	Bench *b = bench_new(10);
	ADD(b, "h", "m", {0, 1.0}, {10, 1.0});
	ADD(b, "p", "bool", {0, 0.0}, {5, 1.0});
	static const char *const refused[] = {"mean(h) over [0 s, 1 s] < 3",
					      "max(h) over [0, 5] < 3 m",
					      "norm(h, 2) < 3 m",
					      "count(p) < 3 m",
					      "always(0, 5] (h < 3 m)",
					      "h * h < 3 m",
					      "h unless[0, 3] p",
					      "next p",
					      "out = p",
					      "for every r in h: r.x < 3",
					      "count(h) < 3",
					      "mean(p) over [0 s, 1 s] > 0.5",
					      "mean(h) over [0 s, inf] < 3 m",
					      "G[0:2](h < 3 m)"};
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autofree char *why = bench_refusal(b, refused[i]);
		if (!why)
			fprintf(stderr, "accepted: %s\n", refused[i]);
		CU_ASSERT_PTR_NOT_NULL(why);
	}
	static const char *const open[] = {
		"mean(h) over [5 s, 11 s] < 3 m", "max(h) over [5 s, 11 s] < 3 m",
		"count(p) over [0 s, 11 s] <= 1", "always(5 s, 11 s) (h < 3 m)",
		"(h < 3 m) weak until[0 s, 11 s] (h > 5 m)"};
	for (size_t i = 0; i < G_N_ELEMENTS(open); i++) {
		g_autoptr(StlResult) r = bench_eval(b, open[i]);
		if (r->satisfied != STL_UNKNOWN || r->complete)
			fprintf(stderr, "%s: %s\n", open[i], r->explanation);
		CU_ASSERT_EQUAL(r->satisfied, STL_UNKNOWN);
		CU_ASSERT_FALSE(r->complete);
	}
	bench_free(b);
}

UNIT_MAIN("stl.grammar", UNIT(norm_and_extremes_take_any_number_of_arguments),
	  UNIT(a_product_of_two_changing_signals_is_bounded_for_sure),
	  UNIT(a_quotient_is_exact_at_samples_and_unknown_around_zero),
	  UNIT(a_product_of_envelopes_is_the_hull_of_its_corners),
	  UNIT(roots_and_powers_are_for_the_calculator_alone),
	  UNIT(extremes_over_a_window_look_back_or_ahead), UNIT(a_mean_is_the_area_over_the_width),
	  UNIT(a_gap_makes_what_is_over_it_unknown), UNIT(a_count_is_of_rises_after_the_start),
	  UNIT(a_gap_may_hide_any_number_of_rises), UNIT(an_open_bound_leaves_the_instant_out),
	  UNIT(in_discrete_time_open_bounds_are_a_sample_further_in),
	  UNIT(weak_until_does_not_need_its_right_side), UNIT(xor_and_iff_need_both_sides),
	  UNIT(steps_are_of_discrete_time), UNIT(a_missing_sample_is_unknown_in_discrete_time),
	  UNIT(a_quantifier_looks_at_every_channel), UNIT(a_quantifier_never_looks_at_nothing),
	  UNIT(a_sub_formula_has_a_name), UNIT(copies_do_not_grow_without_bounds),
	  UNIT(other_spellings_mean_the_same), UNIT(all_of_it_prints_and_reads_again),
	  UNIT(an_explanation_names_no_more_than_what_decides), UNIT(scoring_stays_strict))
