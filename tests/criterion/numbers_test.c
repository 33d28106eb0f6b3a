/* Rules 1 and 2 of architecture.md: guarded decisions, envelopes and declarations. The room and its numbers: bench.h. */
#include "force.h"

/* ---- rule 1: guarded decisions ---- */

/* 6.2 s - 4.1564 s = 2.0436 s, the limit is 10 s. */
static void an_answer_in_time_passes(void)
{
	Bench b = bench_new(6.2, 18.4);
	g_autoptr(RunRecord) record = bench_judge(&b, DELAY);
	const CriterionResult *r = bench_result(record, DELAY);
	CU_ASSERT_TRUE(r && r->verdict == VERDICT_PASS);
	CU_ASSERT_DOUBLE_EQUAL(r ? r->measured : 0, 2.0436, 0.001);
	CU_ASSERT_DOUBLE_EQUAL(r ? r->limit : 0, 10, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(r ? r->margin : 0, 7.9564, 0.001);
	CU_ASSERT_TRUE(r && r->uncertainty > 0 && r->uncertainty < 0.1);
	GIVES(b, FALSE_ALARM, PASS, NULL);
	bench_clear(&b);
}

/* 15 s - 4.1564 s = 10.84 s. */
static void an_answer_too_late_fails(void)
{
	Bench b = bench_new(15, 18.4);
	GIVES(b, DELAY, FAIL, "10.8");
	bench_clear(&b);
}

/* 14.1564 s is exactly at the limit; the edge of the fall is known to some hundredths of a second. */
static void a_margin_within_its_uncertainty_is_inconclusive(void)
{
	Bench b = bench_new(14.1564, 18.4), early = bench_new(14.0, 18.4),
	      late = bench_new(14.3, 18.4);
	GIVES(b, DELAY, INCONCLUSIVE, "uncertainty");
	GIVES(early, DELAY, PASS, NULL);
	GIVES(late, DELAY, FAIL, NULL);
	bench_clear(&b);
	bench_clear(&early);
	bench_clear(&late);
}

/* One second of clock uncertainty: 1.96 s of guard band, so 2 s of margin minus the edge's own hundredths does not pass. */
static void clock_uncertainty_enters_every_latency(void)
{
	Bench b = bench_new(12.2, 18.4); /* 8.04 s: margin 1.96 s */
	GIVES(b, DELAY, PASS, NULL);
	b.alarm->info.u_clock_s = 1;
	GIVES(b, DELAY, INCONCLUSIVE, NULL);
	bench_clear(&b);
}

static void the_rule_and_its_risks_stand_beside_every_verdict(void)
{
	Bench b = bench_new(6.2, 18.4);
	g_autoptr(RunRecord) record = bench_judge(&b, DELAY);
	for (guint i = 0; record && i < record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(record->criteria, i);
		CU_ASSERT_PTR_NOT_NULL(r->rule);
		CU_ASSERT_DOUBLE_EQUAL(r->risk_accept, 0.025, 1e-12);
		CU_ASSERT_DOUBLE_EQUAL(r->risk_reject, 0.025, 1e-12);
		CU_ASSERT_TRUE(r->why && r->why_ja && *r->why && *r->why_ja);
	}
	bench_clear(&b);
}

/* ---- rule 2: envelopes and declarations ---- */

static void an_undeclared_property_is_invalid_not_assumed(void)
{
	for (int what = 0; what < 6; what++) {
		Bench b = bench_new(6.2, 18.4);
		SignalInfo *i = &b.height->info;
		if (what == 0)
			i->max_gap_ns = 0;
		else if (what == 1)
			i->bandwidth_hz = 0;
		else if (what == 2)
			i->max_slew = 0;
		else if (what == 3)
			i->u_common = (double)NAN;
		else if (what == 4)
			i->dof_common = 0;
		else
			i->u_sample = (double)NAN;
		GIVES(b, DELAY, INVALID, "mannequin.height does not declare");
		bench_clear(&b);
	}
}

/* Box and Muller. */
static double normal(GRand *rand)
{
	return sqrt(-2 * log(1 - g_rand_double(rand))) * cos(2 * G_PI * g_rand_double(rand));
}

/* Calibration alone: w = t(0.975; 50)·1 N = 2.009 N, plus what hides between two samples 10 ms apart at 100 N/s:
 * 0.5 N. Peak 147 N: margin 3 N > 2.5 N. 148 N: margin 2 N, no. 153 N: -3 N. (The step of 47 N would break a slew of
 * 100 N/s, so the whole run is at the level.) */
static void a_limit_is_decided_beyond_calibration_and_slew(void)
{
	const struct {
		double level;
		Verdict want;
	} cases[] = {{147.4, VERDICT_PASS},
		     {147.6, VERDICT_INCONCLUSIVE},
		     {152.0, VERDICT_INCONCLUSIVE},
		     {152.6, VERDICT_FAIL}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		Bench b = bench_new(6.2, 18.4);
		Signal *s = add_force(&b, 100, 1, 0, 100);
		for (size_t k = 0; k < s->n; k++)
			s->v[k] = cases[i].level;
		CU_ASSERT_TRUE(
			limit_gives(&b, "test/limit/force", cases[i].want, 150 - cases[i].level));
		bench_clear(&b);
	}
}

/* A band has two sides, so each gets half of half of the risk: z = t(1 - 0.025 / 4; 50) = 2.60 (one signal beside no clock). At
 * 147.4 N one limit of 150 N alone passes (2.009 + 0.5 N); as one side of a band it needs more than 2.6 N + 0.5 N. */
static void both_sides_of_a_band_share_the_risk(void)
{
	Bench b = bench_new(6.2, 18.4);
	Signal *s = add_force(&b, 100, 1, 0, 100);
	for (size_t k = 0; k < s->n; k++)
		s->v[k] = 147.4;
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/force", VERDICT_PASS, (double)NAN));
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/band", VERDICT_INCONCLUSIVE, (double)NAN));
	for (size_t k = 0; k < s->n; k++)
		s->v[k] = 146;
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/band", VERDICT_PASS, (double)NAN));
	bench_clear(&b);
}

/* Noise of 5 N: a single sample at 160 N is 2 sigma over a limit of 150 N; among 2000 samples that proves nothing either
 * way. 190 N (8 sigma) does. */
static void a_noise_peak_does_not_decide(void)
{
	Bench b = bench_new(6.2, 18.4), c = bench_new(6.2, 18.4);
	add_force(&b, 160, 0, 5, 20000);
	add_force(&c, 190, 0, 5, 20000);
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/any-force", VERDICT_INCONCLUSIVE, (double)NAN));
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/force", VERDICT_INCONCLUSIVE, (double)NAN));
	CU_ASSERT_TRUE(limit_gives(&c, "test/limit/force", VERDICT_FAIL, (double)NAN));
	bench_clear(&b);
	bench_clear(&c);
}

/* 100 N everywhere, 10 ms apart, but it may move by 20000 N/s: 100 N either way in 5 ms. An unseen peak of 200 N is possible, so
 * "never 150 N" is not shown. */
static void an_unseen_peak_between_samples_does_not_pass(void)
{
	Bench b = bench_new(6.2, 18.4);
	add_force(&b, 100, 0.1, 0.1, 20000);
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/force", VERDICT_INCONCLUSIVE, (double)NAN));
	bench_clear(&b);
}

/* The force is 150 N exactly, the limit 150 N, so every PASS of "some force above 150 N" is wrong. Noise of 5 N in each of n
 * samples, calibration off by one draw of 2 N a run, limits as a judge of single readings would draw them: 1.96 u. */
typedef struct Wrong {
	int passed, plain;
} Wrong;

static Wrong wrong_passes(int n, int runs, double u_common, GRand *rand)
{
	Wrong wrong = {0, 0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack = criterion_pack_load_text(limit_pack, -1, "limit.yaml", diag);
	const char *ids[] = {"test/limit/any-force", NULL};
	bench_rate = 40; /* nobody looks at the height here */
	Bench b = bench_new(6.2, 18.4);
	bench_rate = 200;
	g_ptr_array_set_size(b.spec->stimulus, 0);
	Signal *s = bench_signal(b.rec, "floor.force", "N", ORIGIN_STIMULUS);
	bench_declare(s, 1.5 * RUN_S / (n - 1), 1, 1000, u_common, 5);
	s->info.dof_common = (double)INFINITY;
	for (int i = 0; i < n; i++)
		signal_append(s, at(i * RUN_S / (n - 1)), 150, SAMPLE_OK);
	for (int run = 0; pack && run < runs; run++) {
		double shift = u_common * normal(rand), highest = -(double)INFINITY;
		for (size_t i = 0; i < s->n; i++) {
			s->v[i] = 150 + shift + 5 * normal(rand);
			highest = fmax(highest, s->v[i]);
		}
		g_autoptr(RunRecord) record = criterion_judge(b.rec, &pack, 1, ids, b.spec, NULL);
		wrong.passed += record && record->verdict == VERDICT_PASS;
		wrong.plain += highest - 1.959964 * hypot(u_common, 5) > 150;
	}
	bench_clear(&b);
	return wrong;
}

/* Declared: 2.5 %. Seeded; 3.3 standard deviations leave room for this one draw. Plain propagation: 1 - 0.975^n = 22, 92, 100 %. */
static void at_a_margin_of_zero_wrong_passes_stay_within_the_declared_risk(void)
{
	const struct {
		int n, runs;
		double plain;
	} cases[] = {{10, 1000, 0.2237}, {100, 600, 0.9205}, {1000, 200, 1}};
	g_autoptr(GRand) rand = g_rand_new_with_seed(20261124);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int runs = cases[i].runs;
		Wrong noise = wrong_passes(cases[i].n, runs, 0, rand),
		      both = wrong_passes(cases[i].n, runs, 2, rand);
		double most = 0.025 * runs + 3.3 * sqrt(0.025 * 0.975 * runs);
		CU_ASSERT_TRUE(noise.passed <= most);
		CU_ASSERT_TRUE(both.passed <= most);
		CU_ASSERT_DOUBLE_EQUAL((double)noise.plain / runs, cases[i].plain, 0.05);
		fprintf(stderr,
			"%d samples: wrong PASS %.1f %% (noise), %.1f %% (noise and calibration); "
			"plain propagation %.1f %%\n",
			cases[i].n, 100.0 * noise.passed / runs, 100.0 * both.passed / runs,
			100.0 * noise.plain / runs);
	}
}

UNIT_MAIN("criterion.numbers", UNIT(an_answer_in_time_passes), UNIT(an_answer_too_late_fails),
	  UNIT(a_margin_within_its_uncertainty_is_inconclusive),
	  UNIT(clock_uncertainty_enters_every_latency),
	  UNIT(the_rule_and_its_risks_stand_beside_every_verdict),
	  UNIT(an_undeclared_property_is_invalid_not_assumed),
	  UNIT(a_limit_is_decided_beyond_calibration_and_slew), UNIT(a_noise_peak_does_not_decide),
	  UNIT(both_sides_of_a_band_share_the_risk),
	  UNIT(an_unseen_peak_between_samples_does_not_pass),
	  UNIT(at_a_margin_of_zero_wrong_passes_stay_within_the_declared_risk))
