/* What was withheld from a recording can only leave a verdict open. The definition, taken literally: a verdict is decided when
 * it is the same whatever stood in the spans; what stood there before is one possibility, others are made up. */
#include "withhold.h"

#ifdef __SANITIZE_ADDRESS__
#define CASES 40
#else
#define CASES 250
#endif

/* Prohibitions that name what only happens in the room, or nothing that a silent product would break. */
static const char room[] =
	"anzen: criteria/1\nid: test/room\nversion: 1.0.0\n"
	"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n"
	"criteria:\n"
	"  height:\n    title: {en: x, ja: x}\n    perspectives: [LIV-body]\n    injures: false\n"
	"    source: {basis: lab decision, by: test}\n"
	"    formula: always (mannequin.height < 2 m)\n"
	"  early:\n    title: {en: x, ja: x}\n    perspectives: [LIV-body]\n    injures: false\n"
	"    source: {basis: lab decision, by: test}\n"
	"    formula: always[0 s, 3 s] (not product.alarm)\n";

enum { N_IDS = 5 };
static const char *const ids[N_IDS + 1] = {
	DELAY, FALSE_ALARM, HONEST, "test/room/height", "test/room/early", NULL};

static void judge_all(const Recording *rec, const JudgeSpec *spec, Verdict ret[N_IDS],
		      char *why[N_IDS])
{
	static Pack *own;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	if (!own)
		own = criterion_pack_load_text(room, -1, "room.yaml", diag);
	CU_ASSERT_PTR_NOT_NULL_FATAL(own);
	Pack *const packs[] = {bench_pack(), own};
	g_autoptr(RunRecord) record = criterion_judge(rec, packs, 2, ids, spec, NULL);
	for (size_t i = 0; i < N_IDS; i++) {
		const CriterionResult *r = bench_result(record, ids[i]);
		ret[i] = r ? r->verdict : VERDICT_INVALID;
		g_free(why[i]);
		why[i] = g_strdup(r ? r->why : "");
	}
}

static bool decided(Verdict v)
{
	return v == VERDICT_PASS || v == VERDICT_FAIL;
}

static void one_case(unsigned seed, unsigned kept[4], unsigned *opened)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	Bench b = bench_new(6.2, 18.4);
	Truth t = {.alarm_s = 6.2, .bench_s = (double)INFINITY};
	Draw d = {rand, &b, &t};
	Span spans[2];
	Verdict before[N_IDS], after[N_IDS], instead[N_IDS];
	char *why[3][N_IDS] = {{NULL}};
	mutate(&d, product_mutations, G_N_ELEMENTS(product_mutations),
	       g_rand_int_range(rand, 0, 2));
	if (seed % 4 == 0)
		mutate(&d, bench_mutations, G_N_ELEMENTS(bench_mutations), 1);
	g_autoptr(Recording) cut = withhold_copy(b.rec), other = withhold_copy(b.rec);
	int n = g_rand_int_range(rand, 1, 3);
	bool health = false;
	for (int i = 0; i < n; i++) {
		spans[i] = withhold_draw(rand);
		withhold(cut, b.spec, &spans[i]);
		withhold_instead(other, rand, &spans[i]);
		health |= g_str_has_prefix(spans[i].name, "health.");
	}
	judge_all(b.rec, b.spec, before, why[0]);
	judge_all(cut, b.spec, after, why[1]);
	judge_all(other, b.spec, instead, why[2]);
	for (size_t i = 0; i < N_IDS; i++) {
		Verdict v = after[i];
		bool same = v == before[i], contrary = decided(instead[i]) && v != instead[i],
		     lost = health && v == VERDICT_PASS && n == 1 && instead[i] != VERDICT_PASS;
		kept[v] += decided(v);
		*opened += decided(before[i]) && !decided(v);
		if (decided(v) && (!same || contrary || lost))
			fprintf(stderr,
				"case %u, %s: %s %g-%g s%s withheld: %s (%s); before %s (%s), "
				"otherwise %s (%s)\n",
				seed, ids[i], spans[0].name, spans[0].from_s, spans[0].to_s,
				n > 1 ? " and another" : "", verdict_name(v), why[1][i],
				verdict_name(before[i]), why[0][i], verdict_name(instead[i]),
				why[2][i]);
		CU_ASSERT_TRUE(!decided(v) || (same && !contrary && !lost));
	}
	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < N_IDS; i++)
			g_free(why[k][i]);
	bench_clear(&b);
}

static void what_is_withheld_leaves_a_verdict_open_or_as_it_was(void)
{
	unsigned kept[4] = {0}, opened = 0;
	for (unsigned i = 0; i < CASES; i++)
		one_case(i, kept, &opened);
	fprintf(stderr, "PASS %u, FAIL %u stay; %u became open\n", kept[VERDICT_PASS],
		kept[VERDICT_FAIL], opened);
	CU_ASSERT_TRUE(kept[VERDICT_PASS] > CASES / 20);
	CU_ASSERT_TRUE(kept[VERDICT_FAIL] > CASES / 20);
	CU_ASSERT_TRUE(opened > CASES / 20);
}

/* A prohibition that names nothing of the product's passes only while the product is shown alive, all the time: neither while it
 * took nothing, nor when nobody knows what became of its input, its processor or its beats. */
static void what_is_not_shown_alive_passes_no_prohibition_of_the_room(void)
{
	static const char *const names[] = {"health.input.consumed", "health.input.age",
					    "health.cpu.wait", "product.heartbeat"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		Bench b = bench_new(6.2, 18.4);
		char *why[N_IDS] = {NULL};
		Verdict v[N_IDS];
		const Span span = {names[i], 8, 13};
		judge_all(b.rec, b.spec, v, why);
		CU_ASSERT_EQUAL(v[3], VERDICT_PASS);
		Signal *s = recording_signal(b.rec, names[i]);
		g_autoptr(Recording) cut = withhold_copy(b.rec);
		withhold(cut, b.spec, &span);
		judge_all(cut, b.spec, v, why);
		fprintf(stderr, "%s withheld: %s: %s\n", names[i], verdict_name(v[3]), why[3]);
		CU_ASSERT_EQUAL(v[3], VERDICT_INVALID);
		for (size_t k = 0; k < s->n;
		     k++) /* it stands still, is old, waits, does not beat */
			if (s->t_ns[k] >= at(8) && s->t_ns[k] < at(13))
				s->v[k] = s == b.consumed ? 3 * 79 : s == b.beat ? 0 : 0.9;
		judge_all(b.rec, b.spec, v, why);
		fprintf(stderr, "%s bad: %s: %s\n", names[i], verdict_name(v[3]), why[3]);
		CU_ASSERT_TRUE(v[3] == (s == b.beat ? VERDICT_FAIL : VERDICT_INVALID));
		for (size_t k = 0; k < N_IDS; k++)
			g_free(why[k]);
		bench_clear(&b);
	}
}

/* A bench that was not told how long the product waited for a CPU cannot say that it was not starved. */
static void an_untold_wait_for_a_cpu_is_invalid(void)
{
	for (int how = 0; how < 3; how++) {
		Bench b = bench_new(6.2, 18.4);
		char *why[N_IDS] = {NULL};
		Verdict v[N_IDS];
		if (how == 0) /* nothing more after 5 s */
			b.wait->n = 51;
		for (size_t k = 0, n = how == 1 ? b.wait->n : 0; k < n; k++)
			if (b.wait->t_ns[k] >= at(5) && b.wait->t_ns[k] < at(5.2))
				b.wait->status[k] = SAMPLE_MISSING;
		for (size_t k = 101; how == 2 && k < b.wait->n; k++) /* 5.1 s late */
			b.wait->t_ns[k] += 5 * CLOCK_S;
		judge_all(b.rec, b.spec, v, why);
		CU_ASSERT_EQUAL(v[0],
				how == 2 ? VERDICT_PASS : VERDICT_INVALID); /* alarm at 6.2 s */
		CU_ASSERT_EQUAL(v[1], VERDICT_INVALID);
		CU_ASSERT_EQUAL(v[3], VERDICT_INVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(why[3], "wait for a CPU was not recorded after"));
		for (size_t k = 0; k < N_IDS; k++)
			g_free(why[k]);
		bench_clear(&b);
	}
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(what_is_withheld_leaves_a_verdict_open_or_as_it_was),
		UNIT(what_is_not_shown_alive_passes_no_prohibition_of_the_room),
		UNIT(an_untold_wait_for_a_cpu_is_invalid)};
	bench_rate = 50;
	return unit_run("criterion.withheld", tests, G_N_ELEMENTS(tests), argc, argv);
}
