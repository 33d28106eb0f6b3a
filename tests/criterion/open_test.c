/* What stays open though the bench did nothing wrong is INCONCLUSIVE, with its reason; INVALID is the bench's failure alone. */
#include "bench.h"

/* The valve is the product's doing, watched by the bench: a sampled Boolean. The fall is a label at 4 s sharp. */
static const char open_pack[] =
	"anzen: criteria/1\n"
	"id: test/open\n"
	"version: 1.0.0\n"
	"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n"
	"criteria:\n"
	"  delay:\n"
	"    title: {en: \"Closed in time\", ja: \"閉止\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: always (rise(truth.fall) -> eventually[0 s, $limit] rise(valve.closed))\n"
	"    measure: {value: 'delay(truth.fall, valve.closed)', unit: s, limit: $limit, good: "
	"below}\n"
	"    parameters: {limit: 10 s}\n"
	"    with: state\n"
	"    source: {basis: lab decision, by: test}\n"
	"  state:\n"
	"    title: {en: \"Closed by ten seconds\", ja: \"閉\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: eventually[0 s, 10 s] valve.closed\n"
	"    source: {basis: lab decision, by: test}\n"
	"  before:\n"
	"    title: {en: \"Open for long\", ja: \"開\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: historically[0 s, 5 s] (not valve.closed)\n"
	"    source: {basis: lab decision, by: test}\n";

static bool open_gives(const Bench *b, const char *id, Verdict want, const char *why)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack = criterion_pack_load_text(open_pack, -1, "open.yaml", diag);
	diagnostics_print(diag, stderr);
	const char *ids[] = {id, NULL};
	g_autoptr(RunRecord) record =
		pack ? criterion_judge(b->rec, &pack, 1, ids, b->spec, NULL) : NULL;
	const CriterionResult *r = bench_result(record, id);
	bool good =
		r && r->verdict == want && (!why || strstr(r->why, why)) && r->why_ja && *r->why_ja;
	if (!good || getenv("ANZEN_SHOW"))
		fprintf(stderr, "%s: %s: %s (%s)\n", id, r ? verdict_name(r->verdict) : "-",
			r ? r->why : "", r ? r->why_ja : "");
	return good;
}

static void label_at(Bench *b, double s)
{
	TruthSpec *fall = g_ptr_array_index(b->spec->truths, 0);
	Signal *label = bench_boolean(b->rec, "label.fall", ORIGIN_LABEL);
	label->info.u_clock_s = 0;
	signal_append(label, at(s), 1, SAMPLE_OK);
	g_free(fall->onset);
	fall->onset = g_strdup("label.fall");
	g_clear_pointer(&fall->end, g_free);
	g_ptr_array_set_size(b->spec->stimulus, 0);
}

/* Sampled every `every` s from the start, true from the first sample at or after closed_s. */
static Signal *add_valve(Bench *b, double every, double closed_s)
{
	Signal *valve = bench_signal(b->rec, "valve.closed", "1", ORIGIN_STIMULUS);
	valve->info.boolean = valve->info.affected_by_product = true;
	valve->info.interp = SIGNAL_PREVIOUS;
	valve->info.u_clock_s = 0;
	valve->info.max_gap_ns = (int64_t)llround(1.5 * every * 1e9);
	for (int i = 0; i * every <= RUN_S + 2 * every; i++)
		signal_append(valve, at(i * every), i * every >= closed_s - 1e-9, SAMPLE_OK);
	return valve;
}

/* No uncertainty at all: neither below nor above. */
static void a_delay_that_is_exactly_the_limit_is_inconclusive(void)
{
	Bench b = bench_new(14, 18.4);
	b.alarm->info.u_clock_s = 0;
	label_at(&b, 4);
	CU_ASSERT_TRUE(bench_gives(&b, DELAY, VERDICT_INCONCLUSIVE, "exactly the limit"));
	bench_clear(&b);
}

static void a_nanosecond_decides_where_nothing_is_uncertain(void)
{
	Bench early = bench_new((double)NAN, 18.4), late = bench_new((double)NAN, 18.4);
	early.alarm->info.u_clock_s = late.alarm->info.u_clock_s = 0;
	signal_append(early.alarm, at(14) - 1000, 1, SAMPLE_OK);
	signal_append(late.alarm, at(14) + 1000, 1, SAMPLE_OK);
	label_at(&early, 4);
	label_at(&late, 4);
	CU_ASSERT_TRUE(bench_gives(&early, DELAY, VERDICT_PASS, NULL));
	CU_ASSERT_TRUE(bench_gives(&late, DELAY, VERDICT_FAIL, NULL));
	bench_clear(&early);
	bench_clear(&late);
}

/* Samples at 13.6 s (open) and 14.4 s (closed), the limit at 14 s: it closed before or after it, nobody knows. */
static void an_action_between_two_samples_is_inconclusive_and_says_between_which(void)
{
	Bench b = bench_new(6.2, 18.4);
	label_at(&b, 4);
	add_valve(&b, 0.8, 14.4);
	CU_ASSERT_TRUE(open_gives(&b, "test/open/delay", VERDICT_INCONCLUSIVE,
				  "between two samples, at 13.60 s and 14.40 s"));
	bench_clear(&b);
}

/* The same valve, asked for its state at 10 s: samples at 9.6 s and 10.4 s. */
static void a_state_between_two_samples_is_inconclusive(void)
{
	Bench b = bench_new(6.2, 18.4);
	label_at(&b, 4);
	add_valve(&b, 0.8, 10.4);
	CU_ASSERT_TRUE(
		open_gives(&b, "test/open/state", VERDICT_INCONCLUSIVE, "between two samples"));
	bench_clear(&b);
}

/* Both samples on one side of the limit decide. */
static void an_action_between_two_samples_in_time_passes(void)
{
	Bench b = bench_new(6.2, 18.4), c = bench_new(6.2, 18.4);
	label_at(&b, 4);
	label_at(&c, 4);
	add_valve(&b, 0.8, 13.6);
	add_valve(&c, 0.8, 15.2);
	CU_ASSERT_TRUE(open_gives(&b, "test/open/delay", VERDICT_PASS, NULL));
	CU_ASSERT_TRUE(open_gives(&c, "test/open/delay", VERDICT_FAIL, NULL));
	bench_clear(&b);
	bench_clear(&c);
}

/* The same action where a sample is missing: that is the bench. */
static void an_action_in_a_hole_stays_invalid(void)
{
	Bench b = bench_new(6.2, 18.4);
	label_at(&b, 4);
	Signal *valve = add_valve(&b, 0.8, 14.4);
	valve->status[17] = SAMPLE_MISSING; /* 13.6 s */
	CU_ASSERT_TRUE(open_gives(&b, "test/open/delay", VERDICT_INVALID,
				  "valve.closed has no measurement"));
	bench_clear(&b);
}

/* What the criterion asks about lies before anything was recorded. */
static void a_look_before_the_recording_is_inconclusive(void)
{
	Bench b = bench_new(6.2, 18.4);
	label_at(&b, 4);
	add_valve(&b, 0.8, 14.4);
	CU_ASSERT_TRUE(open_gives(&b, "test/open/before", VERDICT_INCONCLUSIVE,
				  "before the recording began"));
	bench_clear(&b);
}

/* ---- replays: from `parts_s` on the height follows the recording's product, 0.1 s later the new one is given it ---------- */

static bool replay_gives(double alarm_s, double parts_s, const char *id, Verdict want,
			 const char *why)
{
	Bench b = bench_new(alarm_s, 18.4);
	b.rec->evidence = EVIDENCE_REPLAY;
	b.height->info.exogenous = true;
	for (int all = 0; all < 2; all++) {
		bench_fault(&b, parts_s + 0.1 * all, RUN_S + 1, all ? NULL : "mannequin.height",
			    BLAME_BENCH, true, "open loop: that needs a closed loop");
		Fault *f = g_ptr_array_index(b.rec->faults, (guint)all);
		g_free(f->source);
		f->source = g_strdup(FAULT_SOURCE_OPEN_LOOP);
	}
	bool good = bench_gives(&b, id, want, why);
	bench_clear(&b);
	return good;
}

/* The alarm is wanted within 10 s of the onset at 4.16 s. */
static void an_answer_before_the_replay_parts_is_judged(void)
{
	/* the stimulus is the recording's, though its fall goes on after the parting */
	CU_ASSERT_TRUE(replay_gives(4.25, 4.3, DELAY, VERDICT_PASS, NULL));
	CU_ASSERT_TRUE(replay_gives(4.35, 4.3, DELAY, VERDICT_PASS, NULL));
	CU_ASSERT_TRUE(replay_gives(4.5, 4.3, DELAY, VERDICT_INVALID, "closed loop"));
	/* a fall that was over may have come again, unseen and unanswered */
	CU_ASSERT_TRUE(replay_gives(6.2, 7, DELAY, VERDICT_INVALID, "closed loop"));
}

static void an_answer_after_it_is_neither_pass_nor_fail(void)
{
	CU_ASSERT_TRUE(replay_gives(7.5, 7, DELAY, VERDICT_INVALID, "closed loop"));
	CU_ASSERT_TRUE(replay_gives((double)NAN, 7, DELAY, VERDICT_INVALID, "closed loop"));
	CU_ASSERT_TRUE(replay_gives(15, 7, DELAY, VERDICT_INVALID, "closed loop"));
	CU_ASSERT_TRUE(replay_gives(6.2, 7, FALSE_ALARM, VERDICT_INVALID, "closed loop"));
}

static void what_failed_before_it_has_failed(void)
{
	CU_ASSERT_TRUE(replay_gives((double)NAN, 16, DELAY, VERDICT_FAIL, NULL));
	CU_ASSERT_TRUE(replay_gives(15.5, 16, DELAY, VERDICT_FAIL, NULL));
	CU_ASSERT_TRUE(replay_gives(2, 7, FALSE_ALARM, VERDICT_FAIL, NULL));
}

UNIT_MAIN("criterion.open", UNIT(a_delay_that_is_exactly_the_limit_is_inconclusive),
	  UNIT(a_nanosecond_decides_where_nothing_is_uncertain),
	  UNIT(an_action_between_two_samples_is_inconclusive_and_says_between_which),
	  UNIT(a_state_between_two_samples_is_inconclusive),
	  UNIT(an_action_between_two_samples_in_time_passes),
	  UNIT(an_action_in_a_hole_stays_invalid),
	  UNIT(a_look_before_the_recording_is_inconclusive),
	  UNIT(an_answer_before_the_replay_parts_is_judged),
	  UNIT(an_answer_after_it_is_neither_pass_nor_fail), UNIT(what_failed_before_it_has_failed))
