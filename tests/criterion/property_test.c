/* Thousands of seeded random combinations of things that go wrong. No combination may PASS where the run cannot be shown to
 * conform, and no fault of the bench alone may become the product's FAIL.
 *
 * What is expected is worked out beside each mutation from what it does to the room of bench.h, never from the judge.
 */
#include "mutations.h"

#ifdef __SANITIZE_ADDRESS__ /* ten times slower, and what it looks for needs no numbers */
#define CASES 200
#else
#define CASES 1500
#endif

/* ---- what may come out ---- */

static bool delay_conforms(const Truth *t)
{
	double delay = t->alarm_s - ONSET_S;
	return delay > -EDGE_S && delay < LIMIT_S + EDGE_S;
}

static bool may_pass_delay(const Truth *t)
{
	return delay_conforms(t) && !t->bench_all && !t->incomplete && t->bench_s > t->alarm_s &&
	       !(t->product_bad && t->alarm_s > 6);
}

static bool may_pass_quiet(const Truth *t)
{
	return !t->bench_all && isinf(t->bench_s) && !t->incomplete && !t->dead &&
	       !t->product_bad && !(t->alarm_s < ONSET_S - EDGE_S);
}

static Verdict verdict_of(const RunRecord *record, const char *id)
{
	const CriterionResult *r = bench_result(record, id);
	return r ? r->verdict : VERDICT_INVALID;
}

static void show(unsigned seed, const char *what, const RunRecord *record, const Truth *t)
{
	const CriterionResult *d = bench_result(record, DELAY),
			      *q = bench_result(record, FALSE_ALARM);
	fprintf(stderr, "case %u: %s: %s (%s), %s (%s); alarm %g, bench %g\n", seed, what,
		d ? verdict_name(d->verdict) : "-", d ? d->why : "",
		q ? verdict_name(q->verdict) : "-", q ? q->why : "", t->alarm_s, t->bench_s);
}

/* One random case; counts what came out so that the test can show that it saw all four verdicts. */
static void one_case(unsigned seed, bool with_product, unsigned *count)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	Bench b = bench_new(6.2, 18.4);
	Truth t = {.alarm_s = 6.2, .bench_s = (double)INFINITY};
	Draw d = {rand, &b, &t};
	if (with_product)
		mutate(&d, product_mutations, G_N_ELEMENTS(product_mutations),
		       g_rand_int_range(rand, 0, 3));
	mutate(&d, bench_mutations, G_N_ELEMENTS(bench_mutations),
	       g_rand_int_range(rand, with_product ? 0 : 1, 3));
	if (t.removed)
		silence_after(&b, t.bench_s);

	g_autoptr(RunRecord) record = bench_judge(&b, DELAY);
	Verdict delay = verdict_of(record, DELAY), quiet = verdict_of(record, FALSE_ALARM);
	bool wrong_pass = (delay == VERDICT_PASS && !may_pass_delay(&t)) ||
			  (quiet == VERDICT_PASS && !may_pass_quiet(&t));
	bool wrong_fail = !with_product && (delay == VERDICT_FAIL || quiet == VERDICT_FAIL);
	if (wrong_pass)
		show(seed, "wrong PASS", record, &t);
	if (wrong_fail)
		show(seed, "the bench's fault became FAIL", record, &t);
	CU_ASSERT_FALSE(wrong_pass);
	CU_ASSERT_FALSE(wrong_fail);
	count[delay]++;
	count[quiet]++;
	bench_clear(&b);
}

static void no_combination_passes_that_cannot_be_shown_to_conform(void)
{
	unsigned count[4] = {0};
	for (unsigned i = 0; i < CASES; i++)
		one_case(i, true, count);
	fprintf(stderr, "PASS %u, FAIL %u, INCONCLUSIVE %u, INVALID %u\n", count[VERDICT_PASS],
		count[VERDICT_FAIL], count[VERDICT_INCONCLUSIVE], count[VERDICT_INVALID]);
	/* The property would hold for a judge that always says INVALID: this one does not. */
	CU_ASSERT_TRUE(count[VERDICT_PASS] > CASES / 20);
	CU_ASSERT_TRUE(count[VERDICT_FAIL] > CASES / 20);
	CU_ASSERT_TRUE(count[VERDICT_INVALID] > CASES / 20);
}

static void no_fault_of_the_bench_alone_becomes_fail(void)
{
	unsigned count[4] = {0};
	for (unsigned i = 0; i < CASES; i++)
		one_case(1000000 + i, false, count);
	fprintf(stderr, "PASS %u, FAIL %u, INCONCLUSIVE %u, INVALID %u\n", count[VERDICT_PASS],
		count[VERDICT_FAIL], count[VERDICT_INCONCLUSIVE], count[VERDICT_INVALID]);
	CU_ASSERT_EQUAL(count[VERDICT_FAIL], 0);
	CU_ASSERT_TRUE(count[VERDICT_INVALID] > CASES);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(no_combination_passes_that_cannot_be_shown_to_conform),
		UNIT(no_fault_of_the_bench_alone_becomes_fail)};
	bench_rate = 50;
	return unit_run("criterion.property", tests, G_N_ELEMENTS(tests), argc, argv);
}
