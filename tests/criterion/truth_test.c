/* What is known of a truth's onset and end, to the instant and not to the next sample. */
#include "bench.h"

static const char truth_pack[] =
	"anzen: criteria/1\n"
	"id: test/truth\n"
	"version: 1.0.0\n"
	"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n"
	"criteria:\n"
	"  only-while-high:\n"
	"    title: {en: \"x\", ja: \"x\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: always (not (product.alarm and not truth.high))\n"
	"    source: {basis: lab decision, by: test}\n";

/* A level of 2 m that falls by 1 m/s from 10 s on, every 0.5 s, slew at most 1.01 m/s, known to 1 mm. It is below 0.9 m from 11.1 s
 * on; the next sample is at 11.5 s. The alarm is on for 20 ms. */
static Verdict alarm_at(double alarm_s)
{
	Bench b = bench_new((double)NAN, 18.4);
	Signal *level = bench_signal(b.rec, "tank.level", "m", ORIGIN_STIMULUS);
	bench_declare(level, 0.6, 50, 1.01, 0.001, 0.0001);
	for (int i = -1; i <= 41; i++)
		signal_append(level, at(i * 0.5), CLAMP(2 - (i * 0.5 - 10), 0, 2), SAMPLE_OK);
	TruthSpec *high = g_new0(TruthSpec, 1);
	high->name = g_strdup("high");
	high->onset = g_strdup("label.go");
	signal_append(bench_boolean(b.rec, "label.go", ORIGIN_LABEL), at(1), 1, SAMPLE_OK);
	high->end = g_strdup("tank.level < 0.9 m");
	g_ptr_array_add(b.spec->truths, high);
	signal_append(b.alarm, at(alarm_s), 1, SAMPLE_OK);
	signal_append(b.alarm, at(alarm_s + 0.02), 0, SAMPLE_OK);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack = criterion_pack_load_text(truth_pack, -1, "truth.yaml", diag);
	diagnostics_print(diag, stderr);
	const char *ids[] = {"test/truth/only-while-high", NULL};
	g_autoptr(RunRecord) record =
		pack ? criterion_judge(b.rec, &pack, 1, ids, b.spec, NULL) : NULL;
	Verdict verdict = record ? record->verdict : VERDICT_INVALID;
	const CriterionResult *r = bench_result(record, ids[0]);
	if (r && getenv("ANZEN_SHOW"))
		fprintf(stderr, "%g s: %s\n", alarm_s, r->why);
	bench_clear(&b);
	return verdict;
}

static void a_truth_ends_when_it_ends_and_not_at_the_next_sample(void)
{
	CU_ASSERT_EQUAL(alarm_at(11.0), VERDICT_PASS);
	CU_ASSERT_EQUAL(alarm_at(11.05), VERDICT_PASS);
	CU_ASSERT_EQUAL(alarm_at(11.2),
			VERDICT_FAIL); /* a PASS while the end was taken at 11.5 s */
	CU_ASSERT_EQUAL(alarm_at(11.4), VERDICT_FAIL);
	CU_ASSERT_EQUAL(alarm_at(12), VERDICT_FAIL);
	CU_ASSERT_EQUAL(alarm_at(11.09), VERDICT_INCONCLUSIVE);
}

/* What is wrong with a truth is said in the verdict's reason, with its column, and not on stderr. */
static void a_truth_that_cannot_be_worked_out_says_why(void)
{
	static const struct {
		const char *onset, *why;
	} cases[] = {
		{"mannequin.height <", "truth.fall: column 19"},
		{"mannequin.height < 3 N", "truth.fall: column"},
		{"mannequin.hight < 1 m", "truth.fall: mannequin.hight is not in the recording"},
		{"truth.fall", "truth.fall: truth.fall is a truth itself"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		Bench b = bench_new(6.2, 18.4);
		TruthSpec *fall = g_ptr_array_index(b.spec->truths, 0);
		g_free(fall->onset);
		fall->onset = g_strdup(cases[i].onset);
		CU_ASSERT_TRUE(bench_gives(&b, DELAY, VERDICT_INVALID, cases[i].why));
		bench_clear(&b);
	}
}

UNIT_MAIN("criterion.truth", UNIT(a_truth_ends_when_it_ends_and_not_at_the_next_sample),
	  UNIT(a_truth_that_cannot_be_worked_out_says_why))
