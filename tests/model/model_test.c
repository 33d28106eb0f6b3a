#include <anzen/model.h>

#include "unit.h"

static void aggregate_never_makes_pass_from_missing_or_mixed(void)
{
	/* architecture.md: any FAIL → FAIL; else INVALID; else INCONCLUSIVE; else PASS. All 4^3
	 * triples. */
	for (int i = 0; i < 64; i++) {
		Verdict v[3] = {(Verdict)(i & 3), (Verdict)(i >> 2 & 3), (Verdict)(i >> 4)};
		int count[4] = {0};
		for (int k = 0; k < 3; k++)
			count[v[k]]++;
		Verdict expected = count[VERDICT_FAIL]           ? VERDICT_FAIL
				   : count[VERDICT_INVALID]      ? VERDICT_INVALID
				   : count[VERDICT_INCONCLUSIVE] ? VERDICT_INCONCLUSIVE
								 : VERDICT_PASS;
		CU_ASSERT_EQUAL(verdict_aggregate(v, 3), expected);
	}
	CU_ASSERT_EQUAL(verdict_aggregate(NULL, 0), VERDICT_INCONCLUSIVE);
}

static void words_and_exit_codes_are_the_contract(void)
{
	static const struct {
		Verdict verdict;
		const char *en, *ja;
		int code;
	} rows[] = {
		{VERDICT_PASS, "PASS", "適合", 0},
		{VERDICT_FAIL, "FAIL", "不適合", 1},
		{VERDICT_INCONCLUSIVE, "INCONCLUSIVE", "判定保留", 3},
		{VERDICT_INVALID, "INVALID", "試験無効", 4},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Verdict parsed;
		CU_ASSERT_STRING_EQUAL(verdict_name(rows[i].verdict), rows[i].en);
		CU_ASSERT_STRING_EQUAL(verdict_name_ja(rows[i].verdict), rows[i].ja);
		CU_ASSERT_EQUAL(verdict_exit(rows[i].verdict), rows[i].code);
		CU_ASSERT(verdict_parse(rows[i].en, &parsed) && parsed == rows[i].verdict);
	}
	Verdict untouched = VERDICT_FAIL;
	CU_ASSERT_FALSE(verdict_parse("pass", &untouched));
	CU_ASSERT_FALSE(verdict_parse(NULL, &untouched));
	CU_ASSERT_EQUAL(untouched, VERDICT_FAIL);
	for (int i = EVIDENCE_PHYSICAL; i <= EVIDENCE_REPLAY; i++) {
		EvidenceClass e;
		CU_ASSERT(evidence_parse(evidence_name((EvidenceClass)i), &e) && (int)e == i);
	}
	for (int i = ORIGIN_STIMULUS; i <= ORIGIN_DERIVED; i++) {
		SignalOrigin o;
		CU_ASSERT(origin_parse(origin_name((SignalOrigin)i), &o) && (int)o == i);
	}
	for (int i = BLAME_BENCH; i <= BLAME_UNKNOWN; i++) {
		Blame b;
		CU_ASSERT(blame_parse(blame_name((Blame)i), &b) && (int)b == i);
	}
}

static void new_results_are_invalid_until_judged(void)
{
	g_autoptr(CriterionResult) result = criterion_result_new("x");
	g_autoptr(RunRecord) record = run_record_new();
	CU_ASSERT_EQUAL(result->verdict, VERDICT_INVALID);
	CU_ASSERT_EQUAL(record->verdict, VERDICT_INVALID);
	CU_ASSERT(isnan(result->margin) && isnan(result->measured));
}

static void signal_times_strictly_increase(void)
{
	g_autoptr(Signal) s = signal_new("x");
	CU_ASSERT_TRUE(signal_append(s, 10, 1, SAMPLE_OK));
	CU_ASSERT_FALSE(signal_append(s, 10, 2, SAMPLE_OK));
	CU_ASSERT_FALSE(signal_append(s, 9, 2, SAMPLE_OK));
	CU_ASSERT_EQUAL(s->n, 1);
	CU_ASSERT_TRUE(signal_append(s, 11, NAN, SAMPLE_OK));
	CU_ASSERT_TRUE(signal_append(s, 12, INFINITY, SAMPLE_SATURATED));
	CU_ASSERT_EQUAL(s->status[1], SAMPLE_MISSING);
	CU_ASSERT_EQUAL(s->status[2], SAMPLE_MISSING);
}

static void index_finds_last_sample_at_or_before(void)
{
	g_autoptr(Signal) s = signal_new("x");
	CU_ASSERT_EQUAL(signal_index(s, 0), -1);
	for (int i = 0; i < 1000; i++)
		signal_append(s, 10 * i, i, SAMPLE_OK);
	CU_ASSERT_EQUAL(signal_index(s, -1), -1);
	CU_ASSERT_EQUAL(signal_index(s, 0), 0);
	CU_ASSERT_EQUAL(signal_index(s, 9), 0);
	CU_ASSERT_EQUAL(signal_index(s, 5550), 555);
	CU_ASSERT_EQUAL(signal_index(s, 5559), 555);
	CU_ASSERT_EQUAL(signal_index(s, INT64_MAX), 999);
}

static void undeclared_info_is_not_a_number(void)
{
	SignalInfo a, b;
	signal_info_init(&a, "floor.force");
	CU_ASSERT(isnan(a.range_lo) && isnan(a.range_hi) && isnan(a.u_common) && isnan(a.u_sample));
	CU_ASSERT(a.max_gap_ns == 0 && a.bandwidth_hz == 0 && a.max_slew == 0);
	a.serial = g_strdup("load-cell-0012");
	signal_info_copy(&b, &a);
	signal_info_clear(&a);
	CU_ASSERT_STRING_EQUAL(b.name, "floor.force");
	CU_ASSERT_STRING_EQUAL(b.serial, "load-cell-0012");
	signal_info_clear(&b);
	signal_info_clear(&b);
}

static void recording_keeps_events_and_faults_by_time(void)
{
	g_autoptr(Recording) r = recording_new();
	recording_add_event(r, 30, "c", NULL);
	recording_add_event(r, 10, "a", "{}");
	recording_add_event(r, 30, "d", NULL); /* equal times keep the order of arrival */
	recording_add_event(r, 20, "b", NULL);
	static const char *const order[] = {"a", "b", "c", "d"};
	for (guint i = 0; i < 4; i++)
		CU_ASSERT_STRING_EQUAL(((Event *)r->events->pdata[i])->name, order[i]);
	char source[] = "cam", cause[] = "froze";
	Fault fault = {.t_ns = 5,
		       .until_ns = CLOCK_NEVER,
		       .source = source,
		       .cause = cause,
		       .proven = true};
	recording_add_fault(r, &fault);
	fault.t_ns = 1;
	recording_add_fault(r, &fault);
	cause[0] = 'X';
	CU_ASSERT_EQUAL(((Fault *)r->faults->pdata[0])->t_ns, 1);
	CU_ASSERT_STRING_EQUAL(((Fault *)r->faults->pdata[1])->cause, "froze");
	Signal *first = signal_new("s"), *second = signal_new("s");
	recording_add_signal(r, first);
	recording_add_signal(r, second); /* replaces and frees the first */
	CU_ASSERT_PTR_EQUAL(recording_signal(r, "s"), second);
	CU_ASSERT_PTR_NULL(recording_signal(r, "absent"));
}

UNIT_MAIN("model", UNIT(aggregate_never_makes_pass_from_missing_or_mixed),
	  UNIT(words_and_exit_codes_are_the_contract), UNIT(new_results_are_invalid_until_judged),
	  UNIT(signal_times_strictly_increase), UNIT(index_finds_last_sample_at_or_before),
	  UNIT(undeclared_info_is_not_a_number), UNIT(recording_keeps_events_and_faults_by_time))
