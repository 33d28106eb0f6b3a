/* Two judges that share no code, on hundreds of seeded random runs that went wrong in every way: wherever one says PASS or
 * FAIL the other must say the same, with the same numbers. */
#include "../criterion/withhold.h"
#include "both.h"

#ifdef __SANITIZE_ADDRESS__
#define CASES 30
#else
#define CASES 160
#endif

static GPtrArray *packs(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_doc_free);
	YamlDoc *doc = yaml_load_file(ANZEN_SOURCE_DIR "/criteria/living/fall-watch.yaml", diag);
	if (doc)
		g_ptr_array_add(all, doc);
	return all;
}

static void one_case(unsigned seed, unsigned *count, unsigned *open)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	Bench b = bench_new(6.2, 18.4);
	Truth t = {.alarm_s = 6.2, .bench_s = (double)INFINITY};
	Draw d = {rand, &b, &t};
	char *said = NULL;
	size_t size = 0;
	mutate(&d, product_mutations, G_N_ELEMENTS(product_mutations),
	       g_rand_int_range(rand, 0, 3));
	mutate(&d, bench_mutations, G_N_ELEMENTS(bench_mutations), g_rand_int_range(rand, 0, 2));
	if (seed % 8 == 0)
		b.rec->evidence = EVIDENCE_REPLAY;
	if (t.removed)
		silence_after(&b, t.bench_s);
	for (int i = seed % 5 == 1 ? g_rand_int_range(rand, 1, 3) : 0; i > 0; i--) {
		const Span span = withhold_draw(rand);
		withhold(b.rec, b.spec, &span);
	}
	g_autoptr(RunRecord) record = bench_judge(&b, seed % 3 ? DELAY : HONEST);
	FILE *out = open_memstream(&said, &size);
	g_autoptr(GPtrArray) docs = packs();
	unsigned wrong = both_disagree(b.rec, b.spec, docs, record, false, out, open);
	fflush(out);
	if (wrong || getenv("ANZEN_SHOW"))
		for (guint i = 0; i < record->criteria->len; i++) {
			const CriterionResult *r = g_ptr_array_index(record->criteria, i);
			fprintf(stderr, "case %u: judge: %s %s: %s\n%s", seed, r->id,
				verdict_name(r->verdict), r->why, i ? "" : said);
		}
	CU_ASSERT_EQUAL(wrong, 0);
	for (guint i = 0; i < record->criteria->len; i++)
		count[((CriterionResult *)g_ptr_array_index(record->criteria, i))->verdict]++;
	/* Any other verdict than the judge's is caught, INVALID and INCONCLUSIVE for each other too: the one says that the bench
	 * must be mended, the other that the run was too short or too uncertain. */
	if (both_forge(record, rand))
		CU_ASSERT_TRUE(both_disagree(b.rec, b.spec, docs, record, false, out, NULL) > 0);
	fclose(out);
	free(said);
	bench_clear(&b);
}

static void both_judges_say_the_same(void)
{
	unsigned count[4] = {0}, open = 0;
	const char *more = getenv("ANZEN_CASES"); /* 700 of them take a minute */
	unsigned cases = more ? (unsigned)atoi(more) : CASES;
	for (unsigned i = 0; i < cases; i++)
		one_case(i, count, &open);
	fprintf(stderr, "PASS %u, FAIL %u, INCONCLUSIVE %u, INVALID %u; %u not checked\n",
		count[VERDICT_PASS], count[VERDICT_FAIL], count[VERDICT_INCONCLUSIVE],
		count[VERDICT_INVALID], open);
	CU_ASSERT_TRUE(count[VERDICT_PASS] > cases / 20);
	CU_ASSERT_TRUE(count[VERDICT_FAIL] > cases / 20);
	CU_ASSERT_EQUAL(open, 0);
}

/* ---- every criterion that we ship, on its own trials ---- */

static GPtrArray *files(const char *folder, GPtrArray *into)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		char *path = g_build_filename(folder, name, NULL);
		if (g_str_has_suffix(name, ".yaml"))
			g_ptr_array_add(into, path);
		else if (g_file_test(path, G_FILE_TEST_IS_DIR))
			files(path, into), g_free(path);
		else
			g_free(path);
	}
	return into;
}

typedef struct Tally {
	unsigned tried, wrong, open;
} Tally;

static void one_trial(Pack *pack, const Criterion *c, TrialKind kind, YamlDoc *doc, Tally *tally)
{
	JudgeSpec *spec = NULL;
	char *said = NULL;
	size_t size = 0;
	g_autoptr(Recording) rec = criterion_trial_recording(pack, c, kind, &spec, NULL);
	CriterionResult *r = rec ? criterion_try(&pack, 1, c, kind, true, NULL) : NULL;
	g_autoptr(RunRecord) record = run_record_new();
	g_autoptr(GPtrArray) docs = g_ptr_array_new();
	if (!r)
		return;
	g_ptr_array_add(docs, doc);
	g_ptr_array_add(record->criteria, r);
	record->verdict = r->verdict;
	record->evidence = rec->evidence;
	FILE *out = open_memstream(&said, &size);
	unsigned open = 0, wrong = both_disagree(rec, spec, docs, record, true, out, &open);
	fclose(out);
	if (wrong || open)
		fprintf(stderr, "%s: %s %s: %s\n%s", trial_name(kind), r->id,
			verdict_name(r->verdict), r->why, said);
	tally->tried++;
	tally->wrong += wrong > 0;
	tally->open += open > 0;
	free(said);
	judge_spec_free(spec);
}

static void both_judges_say_the_same_of_every_trial(void)
{
	g_autoptr(GPtrArray) paths =
		files(ANZEN_SOURCE_DIR "/criteria", g_ptr_array_new_with_free_func(g_free));
	Tally tally = {0, 0, 0};
	for (guint i = 0; i < paths->len; i++) {
		g_autoptr(Diagnostics) diag = diagnostics_new();
		g_autoptr(Pack) pack = criterion_pack_load(paths->pdata[i], diag);
		g_autoptr(YamlDoc) doc = yaml_load_file(paths->pdata[i], diag);
		for (guint n = 0; pack && doc && n < pack->criteria->len; n++)
			for (int kind = 0; kind < 3; kind++)
				one_trial(pack, pack->criteria->pdata[n], (TrialKind)kind, doc,
					  &tally);
	}
	fprintf(stderr, "%u trials, %u disagree, %u not checked\n", tally.tried, tally.wrong,
		tally.open);
	CU_ASSERT_EQUAL(tally.wrong, 0);
	CU_ASSERT_EQUAL(tally.open, 0);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(both_judges_say_the_same),
					 UNIT(both_judges_say_the_same_of_every_trial)};
	bench_rate = 50;
	return unit_run("checker.agree", tests, G_N_ELEMENTS(tests), argc, argv);
}
