/* Each perturbation of signals against arithmetic by hand: full scale is 0..200, so that 1 % of it is 2. */
#include "unit.h"

#include <anzen/perturb.h>

#define LO 0.0
#define HI 200.0

static PerturbSignal *one(const char *text, uint64_t seed, bool boolean)
{
	g_autoptr(PerturbChain) chain = perturb_chain_new(seed);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_TRUE(perturb_chain_add(chain, text, &error));
	return perturb_signal_new(chain, "pan.temperature", boolean, LO, HI);
}

static void noise_has_the_declared_sigma_and_no_offset(void)
{
	/* severity 3: 2 % of 200 = 4. n = 20000: standard error of sigma 4/sqrt(2n) = 0.02, of the mean 4/sqrt(n) = 0.028 */
	g_autoptr(PerturbSignal) s = one("noise:3", 7, false);
	double sum = 0, squares = 0;
	int n = 20000;
	for (int i = 0; i < n; i++) {
		double v = perturb_signal_apply(s, i * CLOCK_MS, 100, SAMPLE_OK).v - 100;
		sum += v;
		squares += v * v;
	}
	CU_ASSERT_DOUBLE_EQUAL(sum / n, 0, 0.12);
	CU_ASSERT_DOUBLE_EQUAL(sqrt(squares / n), 4, 0.09);
}

static void bias_drift_and_gain_are_exact(void)
{
	g_autoptr(PerturbSignal) bias = one("bias:2", 7, false);   /* 2 % = 4 */
	g_autoptr(PerturbSignal) drift = one("drift:3", 7, false); /* 5 % = 10 a minute */
	g_autoptr(PerturbSignal) gain = one("gain:1", 7, false);   /* 2 % of 50 = 1 */
	CU_ASSERT_DOUBLE_EQUAL(fabs(perturb_signal_apply(bias, 0, 50, SAMPLE_OK).v - 50), 4, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(perturb_signal_apply(drift, 0, 50, SAMPLE_OK).v, 50, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(
		fabs(perturb_signal_apply(drift, 90 * CLOCK_S, 50, SAMPLE_OK).v - 50), 15, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(fabs(perturb_signal_apply(gain, 0, 50, SAMPLE_OK).v - 50), 1, 1e-12);
}

static void both_signs_come_with_other_seeds(void)
{
	int up = 0;
	for (uint64_t seed = 0; seed < 64; seed++) {
		g_autoptr(PerturbSignal) bias = one("bias:1", seed, false);
		up += perturb_signal_apply(bias, 0, 50, SAMPLE_OK).v > 50;
	}
	/* 64 fair coins: outside 16..48 with a probability of 7e-5 */
	CU_ASSERT_TRUE(up >= 16 && up <= 48);
}

static void saturation_and_quantisation_are_exact(void)
{
	g_autoptr(PerturbSignal) limit = one("saturation:3", 7, false);   /* 80 % = 160 */
	g_autoptr(PerturbSignal) steps = one("quantisation:5", 7, false); /* 200/16 = 12.5 */
	CU_ASSERT_DOUBLE_EQUAL(perturb_signal_apply(limit, 0, 159, SAMPLE_OK).v, 159, 0);
	CU_ASSERT_DOUBLE_EQUAL(perturb_signal_apply(limit, 1, 199, SAMPLE_OK).v, 160, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(perturb_signal_apply(steps, 0, 100, SAMPLE_OK).v, 100, 0);
	CU_ASSERT_DOUBLE_EQUAL(perturb_signal_apply(steps, 1, 105, SAMPLE_OK).v, 100, 0);
	CU_ASSERT_DOUBLE_EQUAL(perturb_signal_apply(steps, 2, 107, SAMPLE_OK).v, 112.5, 0);
}

static double share_missing(const char *text, bool by_value)
{
	g_autoptr(PerturbSignal) s = one(text, 7, false);
	int n = 100000, hit = 0; /* 1000 s at 100 Hz: whole periods of 2, 5 and 10 s */
	for (int i = 0; i < n; i++) {
		PerturbSample p = perturb_signal_apply(s, i * 10 * CLOCK_MS, i, SAMPLE_OK);
		hit += by_value ? fabs(p.v - i) > 1.5 : !p.given;
	}
	return (double)hit / n;
}

static void dropout_takes_the_declared_share_of_time(void)
{
	/* each 2 s hold 200 samples of which the window takes its share, one sample more or less */
	CU_ASSERT_DOUBLE_EQUAL(share_missing("dropout:1", false), 0.05, 0.005);
	CU_ASSERT_DOUBLE_EQUAL(share_missing("dropout:5", false), 0.50, 0.005);
}

static void stuck_repeats_the_last_value(void)
{
	/* a ramp of 1 a sample: the first of a window differs by 1 and does not count, 1 of 500 */
	CU_ASSERT_DOUBLE_EQUAL(share_missing("stuck:3", true), 0.40, 0.006);
	g_autoptr(PerturbSignal) s = one("stuck:5", 7, false);
	double last = -1, held = 0;
	int i, changed = 0;
	for (i = 0; i < 500; i++) {
		double v = perturb_signal_apply(s, i * 10 * CLOCK_MS, i, SAMPLE_OK).v;
		changed += v != last;
		held = v == last ? v : held;
		last = v;
	}
	/* 20 % of 500 samples move, and one window at most begins and ends */
	CU_ASSERT_TRUE(changed >= 99 && changed <= 102);
	CU_ASSERT_TRUE(held >= 0);
}

static void spikes_are_half_of_full_scale_and_as_rare_as_declared(void)
{
	g_autoptr(PerturbSignal) s = one("spike:3", 7, false); /* 1 %: 1000 of 100000, sigma 31 */
	int hit = 0, up = 0;
	for (int i = 0; i < 100000; i++) {
		double v = perturb_signal_apply(s, i * CLOCK_MS, 100, SAMPLE_OK).v;
		CU_ASSERT_TRUE(v == 100 || v == 200 || v == 0);
		hit += v != 100;
		up += v == 200;
	}
	CU_ASSERT_TRUE(hit > 870 && hit < 1130);
	CU_ASSERT_TRUE(up > 370 && up < 630);
}

static void skew_moves_every_sample_alike(void)
{
	g_autoptr(PerturbSignal) s = one("time-skew:2", 7, false);
	for (int i = -5; i < 5; i++) {
		PerturbSample p = perturb_signal_apply(s, i * CLOCK_MS, i, SAMPLE_OK);
		CU_ASSERT_EQUAL(p.t_ns, i * CLOCK_MS + 100 * CLOCK_MS);
		CU_ASSERT_DOUBLE_EQUAL(p.v, i, 0);
	}
}

static void jitter_keeps_the_order_and_its_bound(void)
{
	g_autoptr(PerturbSignal) s = one("jitter:3", 7, false); /* up to 20 ms, at 1 kHz */
	int64_t last = INT64_MIN, most = 0;
	for (int i = 0; i < 5000; i++) {
		PerturbSample p = perturb_signal_apply(s, i * CLOCK_MS, i, SAMPLE_OK);
		CU_ASSERT_TRUE(p.t_ns > last);
		CU_ASSERT_TRUE(p.t_ns >= i * CLOCK_MS);
		most = MAX(most, p.t_ns - i * CLOCK_MS);
		last = p.t_ns;
	}
	CU_ASSERT_TRUE(most > 19 * CLOCK_MS && most <= 20 * CLOCK_MS + 5000);
}

static void spoof_shows_the_first_value_and_never_exactly(void)
{
	g_autoptr(PerturbSignal) s = one("spoof:5", 7, false); /* all the time */
	double last = 0;
	int same = 0;
	for (int i = 0; i < 1000; i++) {
		double v = perturb_signal_apply(s, i * CLOCK_MS, 20 + i, SAMPLE_OK).v;
		CU_ASSERT_DOUBLE_EQUAL(v, 20, 1.4); /* ripple 0.1 % = 0.2, seven sigma */
		same += v == last;
		last = v;
	}
	CU_ASSERT_EQUAL(same, 0);
}

static void a_boolean_stays_a_boolean(void)
{
	static const char *const all[] = {"noise:5",      "bias:5",    "drift:5",        "gain:5",
					  "saturation:5", "dropout:5", "stuck:5",        "spike:5",
					  "time-skew:5",  "jitter:5",  "quantisation:5", "spoof:5"};
	for (size_t k = 0; k < G_N_ELEMENTS(all); k++) {
		g_autoptr(PerturbSignal) s = one(all[k], 3, true);
		for (int i = 0; i < 200; i++) {
			double v = perturb_signal_apply(s, i * 100 * CLOCK_MS, i % 2, SAMPLE_OK).v;
			CU_ASSERT_TRUE(v == 0 || v == 1);
		}
	}
}

static void a_missing_sample_stays_missing(void)
{
	g_autoptr(PerturbSignal) s = one("bias:5", 7, false);
	PerturbSample p = perturb_signal_apply(s, 0, 50, SAMPLE_MISSING);
	CU_ASSERT_EQUAL(p.status, SAMPLE_MISSING);
	CU_ASSERT_DOUBLE_EQUAL(p.v, 50, 0);
}

static void steps_apply_in_the_order_given(void)
{
	g_autoptr(PerturbChain) chain = perturb_chain_new(1);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_TRUE(perturb_chain_add(chain, "quantisation:5@pan.temperature", &error));
	CU_ASSERT_TRUE(perturb_chain_add(chain, "bias:1", &error)); /* 2 */
	CU_ASSERT_TRUE(perturb_chain_add(chain, "bias:5@room.temperature", &error));
	g_autoptr(PerturbSignal) s = perturb_signal_new(chain, "pan.temperature", false, LO, HI);
	CU_ASSERT_DOUBLE_EQUAL(fabs(perturb_signal_apply(s, 0, 101, SAMPLE_OK).v - 100), 2, 1e-9);
	g_autofree char *text = perturb_chain_text(chain);
	CU_ASSERT_STRING_EQUAL(text,
			       "quantisation:5@pan.temperature,bias:1,bias:5@room.temperature");
}

static void a_chain_says_what_it_does_to_labels(void)
{
	g_autoptr(PerturbChain) chain = perturb_chain_new(1);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_TRUE(perturb_chain_add(chain, "noise:1", &error));
	CU_ASSERT_EQUAL(perturb_chain_truth(chain), PERTURB_TRUTH_KEPT);
	CU_ASSERT_EQUAL(perturb_chain_delay_ns(chain), 0);
	CU_ASSERT_TRUE(perturb_chain_add(chain, "latency:3", &error));
	CU_ASSERT_TRUE(perturb_chain_add(chain, "jitter:1", &error));
	CU_ASSERT_EQUAL(perturb_chain_truth(chain), PERTURB_TRUTH_MOVED);
	CU_ASSERT_EQUAL(perturb_chain_delay_ns(chain), 505 * CLOCK_MS);
	CU_ASSERT_TRUE(perturb_chain_add(chain, "spoof:1", &error));
	CU_ASSERT_EQUAL(perturb_chain_truth(chain), PERTURB_TRUTH_HIDDEN);
}

static void what_is_not_understood_is_refused(void)
{
	static const char *const bad[] = {"fog",     "fog:",   "fog:0",  "fog:6",   "fog:33",
					  "fogg:3",  "fog:3@", "",       ":3",      "@x",
					  "fog@a:3", "fog:3 ", "fog:-1", "fog:2.5", "fog :3"};
	g_autoptr(PerturbChain) chain = perturb_chain_new(1);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		CU_ASSERT_FALSE(perturb_chain_add(chain, bad[i], &error));
		CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	}
	CU_ASSERT_EQUAL(perturb_chain_length(chain), 0);
	CU_ASSERT_PTR_EQUAL(perturb_find("elastic_transform"), perturb_find("elastic"));
	CU_ASSERT_PTR_EQUAL(perturb_find("jpeg_compression"), perturb_find("jpeg"));
}

static void a_span_begins_at_its_first_and_ends_before_its_last_moment(void)
{
	/* severity 2: 2 % of 200 = 4 */
	g_autoptr(PerturbSignal) s = one("bias:2+4s..10500ms", 7, false);
	static const struct {
		int64_t t_ns;
		double apart;
	} cases[] = {{-CLOCK_S, 0},
		     {4 * CLOCK_S - 1, 0},
		     {4 * CLOCK_S, 4},
		     {10500 * CLOCK_MS - 1, 4},
		     {10500 * CLOCK_MS, 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		CU_ASSERT_DOUBLE_EQUAL(
			fabs(perturb_signal_apply(s, cases[i].t_ns, 50, SAMPLE_OK).v - 50),
			cases[i].apart, 1e-12);
}

static void a_delay_that_ends_keeps_the_order_of_samples(void)
{
	/* severity 5: 1 s later, until 2 s. The sample of 1.9 s comes at 2.9 s; that of 2.0 s not before it. */
	g_autoptr(PerturbSignal) s = one("time-skew:5+..2s", 7, false);
	CU_ASSERT_EQUAL(perturb_signal_apply(s, 1900 * CLOCK_MS, 1, SAMPLE_OK).t_ns,
			2900 * CLOCK_MS);
	CU_ASSERT_EQUAL(perturb_signal_apply(s, 2 * CLOCK_S, 2, SAMPLE_OK).t_ns,
			2900 * CLOCK_MS + 1);
	CU_ASSERT_EQUAL(perturb_signal_apply(s, 3 * CLOCK_S, 3, SAMPLE_OK).t_ns, 3 * CLOCK_S);
}

/* An attacker who begins at 5 s shows what was true then. */
static void a_spoof_holds_the_value_at_which_it_begins(void)
{
	g_autoptr(PerturbSignal) s = one("spoof:5+5s..", 7, true);
	perturb_signal_apply(s, 4 * CLOCK_S, 0, SAMPLE_OK);
	CU_ASSERT_EQUAL(perturb_signal_apply(s, 5 * CLOCK_S, 1, SAMPLE_OK).v, 1);
	CU_ASSERT_EQUAL(perturb_signal_apply(s, 6 * CLOCK_S, 0, SAMPLE_OK).v, 1);
}

static void what_a_session_says_of_a_chain_reads_back_as_it_was(void)
{
	static const char text[] = "fog:3,bias:2@pan.temperature+4s..10s,drop:1@camera.main+.."
				   "250ms,noise:5+1500000001ns..";
	g_autoptr(GError) error = NULL;
	g_autoptr(PerturbChain) chain = perturb_chain_new(7);
	UNIT_OK(perturb_chain_add_text(chain, text, &error), error);
	g_autofree char *again = perturb_chain_text(chain);
	CU_ASSERT_STRING_EQUAL(again, text);
	static const char *const wrong[] = {"fog:3+",       "fog:3+..",  "fog:3+4s",
					    "fog:3+5s..4s", "fog:3+4..", "fog:3+4s..4s",
					    "fog:3@",       "fog:33",    "fog:"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) refused = NULL;
		CU_ASSERT_FALSE(perturb_chain_add(chain, wrong[i], &refused));
		CU_ASSERT_TRUE(g_error_matches(refused, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	}
	CU_ASSERT_EQUAL(perturb_chain_length(chain), 4);
}

UNIT_MAIN("perturb.signal", UNIT(noise_has_the_declared_sigma_and_no_offset),
	  UNIT(bias_drift_and_gain_are_exact), UNIT(both_signs_come_with_other_seeds),
	  UNIT(saturation_and_quantisation_are_exact),
	  UNIT(dropout_takes_the_declared_share_of_time), UNIT(stuck_repeats_the_last_value),
	  UNIT(spikes_are_half_of_full_scale_and_as_rare_as_declared),
	  UNIT(skew_moves_every_sample_alike), UNIT(jitter_keeps_the_order_and_its_bound),
	  UNIT(spoof_shows_the_first_value_and_never_exactly), UNIT(a_boolean_stays_a_boolean),
	  UNIT(a_missing_sample_stays_missing), UNIT(steps_apply_in_the_order_given),
	  UNIT(a_chain_says_what_it_does_to_labels), UNIT(what_is_not_understood_is_refused),
	  UNIT(a_span_begins_at_its_first_and_ends_before_its_last_moment),
	  UNIT(a_delay_that_ends_keeps_the_order_of_samples),
	  UNIT(a_spoof_holds_the_value_at_which_it_begins),
	  UNIT(what_a_session_says_of_a_chain_reads_back_as_it_was))
