#include "bench.h"

/* 6.2 s - 4.1564 s = 2.0436 s, the limit is 10 s. */
static void an_answer_in_time_passes(void)
{
	Bench b = bench_new(6.2, 18.4);
	g_autoptr(RunRecord) record = bench_judge(&b, DELAY);
	const CriterionResult *r = bench_result(record, DELAY);
	CU_ASSERT_PTR_NOT_NULL(r);
	if (r) {
		CU_ASSERT_EQUAL(r->verdict, VERDICT_PASS);
		CU_ASSERT_DOUBLE_EQUAL(r->measured, 2.0436, 0.001);
		CU_ASSERT_DOUBLE_EQUAL(r->limit, 10, 1e-9);
		fprintf(stderr, "%s | %s\n", r->why, r->why_ja);
	}
	CU_ASSERT_TRUE(bench_gives(&b, FALSE_ALARM, VERDICT_PASS, NULL));
	bench_clear(&b);
}

/* 15 s - 4.1564 s = 10.84 s. */
static void an_answer_too_late_fails(void)
{
	Bench b = bench_new(15, 18.4);
	CU_ASSERT_TRUE(bench_gives(&b, DELAY, VERDICT_FAIL, "10.8"));
	bench_clear(&b);
}

UNIT_MAIN("criterion.verdict", UNIT(an_answer_in_time_passes), UNIT(an_answer_too_late_fails))
