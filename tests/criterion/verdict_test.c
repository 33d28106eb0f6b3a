/* Rules 3 to 7 of architecture.md, one promise a test (1 and 2: numbers_test.c). The room and its numbers: bench.h. */
#include "force.h"

static TruthSpec *fall_of(Bench *b)
{
	return g_ptr_array_index(b->spec->truths, 0);
}

/* ---- rule 3: INVALID, and what stays FAIL ---- */

static void a_frozen_camera_is_invalid_and_named_with_its_time(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	bench_fault(&b, 3.5, (double)NAN, "camera.main", BLAME_BENCH, true,
		    "camera.main froze: 45 equal frames");
	GIVES(b, DELAY, INVALID, "camera.main froze");
	GIVES(b, DELAY, INVALID, "3.50 s");
	GIVES(b, FALSE_ALARM, INVALID, "camera.main froze");
	bench_clear(&b);
}

static void an_unproven_cause_is_called_unknown(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	bench_fault(&b, 3.5, (double)NAN, "camera.main", BLAME_UNKNOWN, false, "no frames seen");
	GIVES(b, DELAY, INVALID, "cause unknown");
	bench_clear(&b);
}

static void an_answer_before_the_fault_still_counts(void)
{
	Bench b = bench_new(6.2, 18.4);
	bench_fault(&b, 9, (double)NAN, "camera.main", BLAME_BENCH, true, "camera.main froze");
	GIVES(b, DELAY, PASS, NULL);
	GIVES(b, FALSE_ALARM, INVALID, "camera.main froze");
	bench_clear(&b);
}

/* A false alarm at 1 s, a fault at 9 s. */
static void a_violation_complete_before_the_first_bench_fault_stays_fail(void)
{
	Bench b = bench_new(1, 18.4);
	bench_fault(&b, 9, (double)NAN, "camera.main", BLAME_BENCH, true, "camera.main froze");
	GIVES(b, FALSE_ALARM, FAIL, "1.00 s");
	bench_clear(&b);
}

/* No alarm until the fault at 15 s: whatever came later, 10 s had passed at 14.16 s. */
static void where_every_completion_violates_it_is_fail(void)
{
	Bench late = bench_new((double)NAN, (double)NAN),
	      soon = bench_new((double)NAN, (double)NAN);
	bench_fault(&late, 15, (double)NAN, "camera.main", BLAME_BENCH, true, "camera.main froze");
	bench_fault(&soon, 13, (double)NAN, "camera.main", BLAME_BENCH, true, "camera.main froze");
	GIVES(late, DELAY, FAIL, NULL);
	GIVES(soon, DELAY, INVALID, "camera.main froze");
	bench_clear(&late);
	bench_clear(&soon);
}

/* At 3 s the height dips to 1.085 m, 5 mm above the onset's 1.08 m: within the uncertainty it may have been an onset. The
 * truth lasts to the end. The real onset is at 4.16 s for sure, so an alarm at 18 s is late however one counts. */
static void a_doubtful_onset_before_the_real_one_does_not_excuse_a_late_product(void)
{
	Bench b = bench_new(18, 18.4);
	TruthSpec *fall = g_ptr_array_index(b.spec->truths, 0);
	g_clear_pointer(&fall->end, g_free);
	for (int i = -4; i <= 4; i++) /* 5.8 m/s: a peak that a sensor of 12 m/s may show */
		b.height->v[signal_index(b.height, at(3 + 0.005 * i))] =
			1.2 - 0.115 * (1 - abs(i) / 4.0);
	b.height->info.u_common = 0.005;
	GIVES(b, DELAY, FAIL, NULL);
	bench_clear(&b);
}

static void a_stimulus_not_as_scripted_is_invalid_and_says_which(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	for (size_t i = 0; i < b.height->n; i++)
		b.height->v[i] = 1.2; /* nothing fell */
	GIVES(b, DELAY, INVALID, "stimulus not as scripted: eventually");
	GIVES(b, FALSE_ALARM, INVALID, "stimulus not as scripted");
	bench_clear(&b);
}

static void a_bad_certificate_is_invalid_whatever_was_measured(void)
{
	Bench b = bench_new(6.2, 18.4), late = bench_new(15, 18.4);
	b.height->info.certificate_fault = g_strdup("calibration certificate x/1 is expired");
	late.height->info.certificate_fault = g_strdup("calibration certificate x/1 is revoked");
	GIVES(b, DELAY, INVALID, "expired");
	GIVES(late, DELAY, INVALID, "revoked");
	bench_clear(&b);
	bench_clear(&late);
}

/* The fall itself lies in a gap of 0.6 s (max_gap is 20 ms). */
static void a_gap_where_the_criterion_looks_is_invalid(void)
{
	Bench b = bench_new(6.2, 18.4);
	for (size_t i = 0; i < b.height->n; i++)
		if (b.height->t_ns[i] > at(4) && b.height->t_ns[i] < at(4.6))
			b.height->status[i] = SAMPLE_MISSING;
	GIVES(b, DELAY, INVALID, "mannequin.height");
	bench_clear(&b);
}

static void saturation_and_readings_out_of_range_are_invalid(void)
{
	Bench b = bench_new(6.2, 18.4), c = bench_new(6.2, 18.4);
	for (size_t i = 0; i < b.height->n; i++)
		if (b.height->t_ns[i] > at(4.05))
			b.height->status[i] = SAMPLE_SATURATED;
	c.height->info.range_lo = 0.5;
	c.height->info.range_hi = 2;
	GIVES(b, DELAY, INVALID, "saturated");
	GIVES(c, DELAY, INVALID, "range");
	bench_clear(&b);
	bench_clear(&c);
}

/* The string potentiometer jumps by 0.5 m in 5 ms: 100 m/s, with 12 m/s declared. */
static void a_reading_faster_than_the_declared_slew_is_invalid(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	for (size_t i = 0; i < b.height->n; i++)
		if (b.height->t_ns[i] > at(4.16))
			b.height->v[i] = 0.1;
	GIVES(b, DELAY, INVALID, NULL);
	bench_clear(&b);
}

/* Samples are about the time since the one before: the last one began within the run, or with its end. */
static void a_product_starved_as_the_run_ends_is_invalid(void)
{
	Bench within = bench_new(6.2, 18.4), after = bench_new(6.2, 18.4);
	size_t last = within.wait->n - 1;
	within.wait->v[last] = after.wait->v[last] = 0.6;
	within.rec->end_ns = within.wait->t_ns[last] - 1;
	after.rec->end_ns = after.wait->t_ns[last - 1];
	GIVES(within, FALSE_ALARM, INVALID, "CPU");
	GIVES(after, FALSE_ALARM, PASS, NULL);
	bench_clear(&within);
	bench_clear(&after);
}

static void a_starved_product_is_invalid(void)
{
	Bench b = bench_new((double)NAN, (double)NAN), c = bench_new(6.2, 18.4);
	b.wait->v[50] = 0.6;
	c.spec->cpu_wait = (g_free(c.spec->cpu_wait), g_strdup("not.there"));
	GIVES(b, DELAY, INVALID, "CPU");
	GIVES(c, DELAY, INVALID, "CPU");
	bench_clear(&b);
	bench_clear(&c);
}

static void a_recording_cut_short_never_passes(void)
{
	Bench b = bench_new(6.2, 18.4), c = bench_new(15, 18.4), d = bench_new(6.2, 18.4);
	b.rec->complete = c.rec->complete = false;
	b.rec->incomplete_why = g_strdup("ends 2 s early");
	GIVES(b, DELAY, INVALID, "ends 2 s early");
	GIVES(c, DELAY, FAIL, NULL); /* the limit had passed on record */
	g_hash_table_insert(d.rec->meta, g_strdup("unverified"), g_strdup("chain broken at 4711"));
	GIVES(d, DELAY, INVALID, "4711");
	bench_clear(&b);
	bench_clear(&c);
	bench_clear(&d);
}

/* ---- rule 4: the product's own failures, and proof of life ---- */

static void a_crash_fails_what_needed_an_answer(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	bench_fault(&b, 5, (double)NAN, NULL, BLAME_PRODUCT, true, "the product exited with 1");
	GIVES(b, DELAY, FAIL, NULL);
	GIVES(b, FALSE_ALARM, FAIL, "exited");
	bench_clear(&b);
}

static void garbage_fails_even_when_an_alarm_came_too(void)
{
	Bench b = bench_new(6.2, 18.4);
	bench_fault(&b, 3, (double)NAN, NULL, BLAME_PRODUCT, true, "12 messages are no JSON");
	GIVES(b, DELAY, FAIL, "no JSON");
	GIVES(b, FALSE_ALARM, FAIL, "no JSON");
	bench_clear(&b);
}

/* The bench failed first: nobody can say what the product's crash came of. */
static void a_crash_after_a_bench_fault_is_invalid(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	bench_fault(&b, 3, (double)NAN, "supply", BLAME_BENCH, true, "supply: no reply");
	bench_fault(&b, 3.1, (double)NAN, NULL, BLAME_PRODUCT, true, "the product exited");
	GIVES(b, DELAY, INVALID, "supply");
	GIVES(b, FALSE_ALARM, INVALID, "supply");
	bench_clear(&b);
}

static void a_prohibition_passes_only_with_an_answered_control(void)
{
	Bench none = bench_new(6.2, (double)NAN), late = bench_new(6.2, 20.5),
	      early = bench_new(6.2, 17);
	GIVES(none, FALSE_ALARM, FAIL, "positive control");
	late.spec->positive_control_ns =
		3 * CLOCK_S; /* the run ends at 20 s, the answer was due by 21 s */
	GIVES(late, FALSE_ALARM, INCONCLUSIVE, "ended before the positive control");
	GIVES(early, FALSE_ALARM, FAIL, "positive control"); /* before it was given: no answer */
	bench_clear(&none);
	bench_clear(&late);
	bench_clear(&early);
}

static void a_control_that_the_bench_may_have_hidden_is_no_failure(void)
{
	Bench blind = bench_new(6.2, (double)NAN), hung = bench_new((double)NAN, (double)NAN);
	g_hash_table_replace(blind.rec->meta, g_strdup("perturb"), g_strdup("dark:5"));
	g_hash_table_replace(hung.rec->meta, g_strdup("perturb"), g_strdup("dark:5"));
	GIVES(blind, FALSE_ALARM, INCONCLUSIVE, "the bench perturbed what it saw (dark:5)");
	hung.beat->n = 1 + 2 * 9;
	hung.consumed->n = 86;
	GIVES(hung, FALSE_ALARM, FAIL, NULL); /* it beats in the dark too */
	bench_clear(&blind);
	bench_clear(&hung);
}

static void without_a_declared_proof_of_life_a_prohibition_is_inconclusive(void)
{
	for (int what = 0; what < 4; what++) {
		Bench b = bench_new(6.2, 18.4);
		if (what == 0)
			g_clear_pointer(&b.spec->positive_control, g_free);
		else if (what == 1)
			g_clear_pointer(&b.spec->heartbeat, g_free);
		else if (what == 2)
			g_clear_pointer(&b.spec->consumed, g_free);
		else
			g_ptr_array_set_size(b.rec->events, 0);
		GIVES(b, FALSE_ALARM, INCONCLUSIVE, "not shown alive");
		GIVES(b, DELAY, PASS, NULL); /* its alarm shows that it lives */
		bench_clear(&b);
	}
}

/* Beats until 8.3 s, then none; nothing is consumed either. */
static void a_product_that_hangs_fails(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	b.beat->n = 1 + 2 * 9;
	b.consumed->n = 86;
	GIVES(b, DELAY, FAIL, "heartbeat");
	GIVES(b, FALSE_ALARM, FAIL, NULL);
	bench_clear(&b);
}

/* The last beat is at 5.3 s, the answer at 6.2 s, then nothing: what was asked was answered, but nobody kept watch. */
static void a_product_that_hangs_after_its_answer_fails_only_what_came_after(void)
{
	Bench b = bench_new(6.2, (double)NAN);
	b.beat->n = 1 + 2 * 6;
	GIVES(b, DELAY, PASS, NULL);
	GIVES(b, FALSE_ALARM, FAIL, NULL);
	bench_clear(&b);
}

/* It beats but takes nothing from 2 s on: refused, or not fed? */
static void a_living_product_without_input_is_invalid_cause_unknown(void)
{
	Bench b = bench_new((double)NAN, 18.4);
	b.consumed->n = 20;
	GIVES(b, DELAY, INVALID, "cause unknown");
	GIVES(b, FALSE_ALARM, INVALID, "cause unknown");
	bench_clear(&b);
}

/* ---- rule 5: vacuity, edges ---- */

static void a_promised_premise_that_never_came_is_invalid(void)
{
	Bench b = bench_new((double)NAN, 18.4);
	g_ptr_array_set_size(b.spec->stimulus, 0);
	for (size_t i = 0; i < b.height->n; i++)
		b.height->v[i] = 1.2;
	GIVES(b, DELAY, INVALID, "promised");
	bench_clear(&b);
}

static void label_fall(Bench *b, double onset, double end)
{
	Signal *label = bench_boolean(b->rec, "truth.fall", ORIGIN_LABEL);
	g_ptr_array_set_size(b->spec->truths, 0);
	g_ptr_array_set_size(b->spec->stimulus, 0);
	label->info.u_clock_s = 0.1;
	if (!isnan(onset)) {
		signal_append(label, at(onset), 1, SAMPLE_OK);
		signal_append(label, at(end), 0, SAMPLE_OK);
	}
}

static void a_premise_nobody_promised_is_not_exercised(void)
{
	Bench b = bench_new((double)NAN, 18.4);
	label_fall(&b, (double)NAN, 0);
	GIVES(b, DELAY, INCONCLUSIVE, "not exercised");
	GIVES(b, FALSE_ALARM, PASS, NULL); /* a quiet, living product on a day without a fall */
	bench_clear(&b);
}

/* On since 1 s, never cleared: no rise after the fall. */
static void an_alarm_already_on_at_the_cause_is_no_answer(void)
{
	Bench b = bench_new(1, 18.4);
	GIVES(b, DELAY, FAIL, "already");
	GIVES(b, FALSE_ALARM, FAIL, NULL);
	bench_clear(&b);
}

static void an_alarm_on_from_the_first_sample_has_no_rise(void)
{
	Bench b = bench_new((double)NAN, 18.4);
	b.alarm->v[0] = 1;
	GIVES(b, DELAY, FAIL, "already");
	GIVES(b, FALSE_ALARM, FAIL,
	      NULL); /* and stuck on is a false alarm, even on a day without a fall */
	bench_clear(&b);
}

/* On at 1 s, off at 3 s, on again at 6.2 s: that second rise answers; the first one was a false alarm. */
static void an_edge_after_its_cause_counts_again(void)
{
	Bench b = bench_new(1, 18.4);
	signal_append(b.alarm, at(3), 0, SAMPLE_OK);
	signal_append(b.alarm, at(6.2), 1, SAMPLE_OK);
	GIVES(b, DELAY, PASS, "2.0");
	GIVES(b, FALSE_ALARM, FAIL, NULL);
	bench_clear(&b);
}

/* The fall ends the run at 13 s: 8.84 s after it, before 10 s are over. */
static void a_run_that_ends_before_the_limit_is_inconclusive(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	b.rec->end_ns = at(13);
	GIVES(b, DELAY, INCONCLUSIVE, "ended before");
	bench_clear(&b);
}

/* ---- rule 6: receipt, truth, age ---- */

/* The product says 6.1 s but the alarm was received at 15 s. */
static void a_claimed_time_does_not_shorten_a_delay(void)
{
	Bench b = bench_new(15, 18.4);
	b.claim->v[0] = 1006.1;
	GIVES(b, DELAY, FAIL, NULL);
	GIVES(b, HONEST, FAIL, NULL);
	bench_clear(&b);
}

static void an_honest_claim_passes_a_claim_from_the_future_fails(void)
{
	Bench b = bench_new(6.2, 18.4), c = bench_new(6.2, 18.4);
	c.claim->v[0] = 1007;
	GIVES(b, HONEST, PASS, NULL);
	GIVES(c, HONEST, FAIL, NULL);
	bench_clear(&b);
	bench_clear(&c);
}

static void a_command_is_never_truth(void)
{
	Bench b = bench_new(6.2, 18.4);
	Signal *command = bench_boolean(b.rec, "mannequin.release", ORIGIN_COMMAND);
	command->info.max_gap_ns = 60 * CLOCK_S;
	signal_append(command, at(4), 1, SAMPLE_OK);
	g_free(fall_of(&b)->onset);
	fall_of(&b)->onset = g_strdup("mannequin.release");
	GIVES(b, DELAY, INVALID, "command");
	bench_clear(&b);
}

static void an_input_older_than_permitted_is_invalid(void)
{
	Bench b = bench_new((double)NAN, (double)NAN), c = bench_new(6.2, 18.4);
	b.age->v[30] = 0.45;
	c.age->n = 0;
	GIVES(b, DELAY, INVALID, "450 ms");
	GIVES(c, DELAY, INVALID, "age");
	bench_clear(&b);
	bench_clear(&c);
}

/* A label at 4.2 s ± 0.1 s (standard): 1.96 · 0.1 s. 14.3 s is 10.1 s later: neither. 14.6 s is. */
static void a_label_counts_with_its_uncertainty(void)
{
	Bench b = bench_new(14.3, 18.4), c = bench_new(14.6, 18.4);
	label_fall(&b, 4.2, 4.8);
	label_fall(&c, 4.2, 4.8);
	GIVES(b, DELAY, INCONCLUSIVE, NULL);
	GIVES(c, DELAY, FAIL, NULL);
	bench_clear(&b);
	bench_clear(&c);
}

/* ---- rule 7: blame, operator, evidence ---- */

static void an_operators_stop_is_invalid_with_its_reason(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	b.rec->end_ns = at(8);
	b.rec->complete = false;
	b.rec->incomplete_why = g_strdup("operator's stop: visitor in the room");
	bench_fault(&b, 8, (double)NAN, NULL, BLAME_BENCH, true,
		    "operator's stop: visitor in the room");
	GIVES(b, DELAY, INVALID, "visitor");
	GIVES(b, FALSE_ALARM, INVALID, "visitor");
	bench_clear(&b);
}

static void a_guard_says_whom_it_blames(void)
{
	const Verdict want[] = {[BLAME_BENCH] = VERDICT_INVALID,
				[BLAME_PRODUCT] = VERDICT_FAIL,
				[BLAME_UNKNOWN] = VERDICT_INVALID};
	for (int blame = 0; blame < 3; blame++) {
		Bench b = bench_new((double)NAN, (double)NAN);
		bench_fault(&b, 5, (double)NAN, NULL, (Blame)blame, true,
			    "guard broken: floor.force < 2500 N");
		CU_ASSERT_TRUE(bench_gives(&b, FALSE_ALARM, want[blame], "guard broken"));
		bench_clear(&b);
	}
}

static void a_replay_decides_only_what_needs_no_closed_loop(void)
{
	Bench b = bench_new(6.2, 18.4), c = bench_new(6.2, 18.4);
	b.rec->evidence = c.rec->evidence = EVIDENCE_REPLAY;
	c.height->info.affected_by_product = true;
	GIVES(b, DELAY, PASS, NULL);
	GIVES(c, DELAY, INVALID, "closed loop");
	add_force(&b, 100, 1, 0, 100);
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/force", VERDICT_INVALID, (double)NAN));
	recording_signal(b.rec, "floor.force")->info.exogenous = true;
	CU_ASSERT_TRUE(limit_gives(&b, "test/limit/force", VERDICT_PASS, (double)NAN));
	bench_clear(&b);
	bench_clear(&c);
}

static void a_do_nothing_product_passes_nothing_in_replay(void)
{
	Bench b = bench_new((double)NAN, (double)NAN);
	b.rec->evidence = EVIDENCE_REPLAY;
	b.beat->n = 1;
	b.consumed->n = 0;
	GIVES(b, DELAY, FAIL, NULL);
	GIVES(b, FALSE_ALARM, FAIL, NULL);
	bench_clear(&b);
}

/* ---- the run as a whole ---- */

static void a_latency_is_never_judged_without_its_false_alarms(void)
{
	Bench b = bench_new(6.2, 18.4), c = bench_new(1, 18.4);
	g_autoptr(RunRecord) good = bench_judge(&b, DELAY), bad = bench_judge(&c, DELAY);
	CU_ASSERT_PTR_NOT_NULL(bench_result(good, FALSE_ALARM));
	CU_ASSERT_EQUAL(good ? good->verdict : VERDICT_FAIL, VERDICT_PASS);
	CU_ASSERT_EQUAL(bad ? bad->verdict : VERDICT_PASS, VERDICT_FAIL);
	bench_clear(&b);
	bench_clear(&c);
}

static void an_unknown_criterion_is_bad_input(void)
{
	Bench b = bench_new(6.2, 18.4);
	g_autoptr(GError) error = NULL;
	Pack *pack = bench_pack();
	const char *ids[] = {"living/fall-watch/no-such", NULL};
	CU_ASSERT_PTR_NULL(criterion_judge(b.rec, &pack, 1, ids, b.spec, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	bench_clear(&b);
}

/* 12.2 s: 8.04 s. L1 30, L2 20, L3 10 pass, L4 5 does not. */
static void levels_are_tested_in_order(void)
{
	Bench b = bench_new(12.2, 18.4), c = bench_new(17, 18.4); /* 12.84 s: L2 */
	GIVES(b, DELAY, PASS, "reaches L3, L3 is required");
	GIVES(c, DELAY, FAIL, "reaches L2, L3 is required");
	bench_clear(&b);
	bench_clear(&c);
}

UNIT_MAIN("criterion.verdict",
	  UNIT(a_doubtful_onset_before_the_real_one_does_not_excuse_a_late_product),
	  UNIT(a_frozen_camera_is_invalid_and_named_with_its_time),
	  UNIT(an_unproven_cause_is_called_unknown), UNIT(an_answer_before_the_fault_still_counts),
	  UNIT(a_violation_complete_before_the_first_bench_fault_stays_fail),
	  UNIT(where_every_completion_violates_it_is_fail),
	  UNIT(a_stimulus_not_as_scripted_is_invalid_and_says_which),
	  UNIT(a_bad_certificate_is_invalid_whatever_was_measured),
	  UNIT(a_gap_where_the_criterion_looks_is_invalid),
	  UNIT(saturation_and_readings_out_of_range_are_invalid),
	  UNIT(a_reading_faster_than_the_declared_slew_is_invalid),
	  UNIT(a_starved_product_is_invalid), UNIT(a_product_starved_as_the_run_ends_is_invalid),
	  UNIT(a_recording_cut_short_never_passes), UNIT(a_crash_fails_what_needed_an_answer),
	  UNIT(garbage_fails_even_when_an_alarm_came_too),
	  UNIT(a_crash_after_a_bench_fault_is_invalid),
	  UNIT(a_prohibition_passes_only_with_an_answered_control),
	  UNIT(a_control_that_the_bench_may_have_hidden_is_no_failure),
	  UNIT(without_a_declared_proof_of_life_a_prohibition_is_inconclusive),
	  UNIT(a_product_that_hangs_fails),
	  UNIT(a_product_that_hangs_after_its_answer_fails_only_what_came_after),
	  UNIT(a_living_product_without_input_is_invalid_cause_unknown),
	  UNIT(a_promised_premise_that_never_came_is_invalid),
	  UNIT(a_premise_nobody_promised_is_not_exercised),
	  UNIT(an_alarm_already_on_at_the_cause_is_no_answer),
	  UNIT(an_alarm_on_from_the_first_sample_has_no_rise),
	  UNIT(an_edge_after_its_cause_counts_again),
	  UNIT(a_run_that_ends_before_the_limit_is_inconclusive),
	  UNIT(a_claimed_time_does_not_shorten_a_delay),
	  UNIT(an_honest_claim_passes_a_claim_from_the_future_fails),
	  UNIT(a_command_is_never_truth), UNIT(an_input_older_than_permitted_is_invalid),
	  UNIT(a_label_counts_with_its_uncertainty),
	  UNIT(an_operators_stop_is_invalid_with_its_reason), UNIT(a_guard_says_whom_it_blames),
	  UNIT(a_replay_decides_only_what_needs_no_closed_loop),
	  UNIT(a_do_nothing_product_passes_nothing_in_replay),
	  UNIT(a_latency_is_never_judged_without_its_false_alarms),
	  UNIT(an_unknown_criterion_is_bad_input), UNIT(levels_are_tested_in_order))
