/* Two judges that share no code, on hundreds of seeded random runs that went wrong in every way: wherever one says PASS or
 * FAIL the other must say the same, with the same numbers. */
#include <anzen/session.h>

#include "../criterion/mutations.h"
#include "record.h"

#ifdef __SANITIZE_ADDRESS__
#define CASES 80
#else
#define CASES 700
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

static unsigned disagreements(const Bench *b, const RunRecord *record, FILE *out,
			      unsigned *ret_open)
{
	g_autofree char *json = run_record_to_json(record);
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	Check k = {.rec = b->rec, .spec = b->spec, .packs = packs(), .out = out};
	if (!json_parser_load_from_data(parser, json, -1, NULL) || k.packs->len != 1) {
		g_ptr_array_unref(k.packs);
		return 1;
	}
	check_record(&k, json_node_get_object(json_parser_get_root(parser)), NULL);
	g_ptr_array_unref(k.packs);
	*ret_open += k.open;
	return k.wrong;
}

/* Any other PASS or FAIL than the judge's is caught, and so is one that was hidden. INVALID and INCONCLUSIVE for each other
 * are not: neither claims anything. */
static void forge(const Bench *b, RunRecord *record, GRand *rand)
{
	guint at = (guint)g_rand_int_range(rand, 0, (gint32)record->criteria->len);
	CriterionResult *r = g_ptr_array_index(record->criteria, at);
	Verdict was = r->verdict, to = (Verdict)g_rand_int_range(rand, 0, 4);
	bool claims = was == VERDICT_PASS || was == VERDICT_FAIL || to == VERDICT_PASS ||
		      to == VERDICT_FAIL;
	unsigned open = 0;
	FILE *nowhere = fopen("/dev/null", "w");
	r->verdict = to;
	/* The whole record follows, so that only the criterion's own proof can catch it. */
	Verdict all[8];
	for (guint i = 0; i < record->criteria->len; i++)
		all[i] = ((CriterionResult *)g_ptr_array_index(record->criteria, i))->verdict;
	record->verdict = verdict_aggregate(all, record->criteria->len);
	if (was != to && claims && nowhere)
		CU_ASSERT_TRUE(disagreements(b, record, nowhere, &open) > 0);
	if (nowhere)
		fclose(nowhere);
	r->verdict = was;
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
	if (t.removed)
		silence_after(&b, t.bench_s);
	g_autoptr(RunRecord) record = bench_judge(&b, seed % 3 ? DELAY : HONEST);
	FILE *out = open_memstream(&said, &size);
	unsigned wrong = disagreements(&b, record, out, open);
	fclose(out);
	if (wrong || getenv("ANZEN_SHOW"))
		for (guint i = 0; i < record->criteria->len; i++) {
			const CriterionResult *r = g_ptr_array_index(record->criteria, i);
			fprintf(stderr, "case %u: judge: %s %s: %s\n%s", seed, r->id,
				verdict_name(r->verdict), r->why, i ? "" : said);
		}
	free(said);
	CU_ASSERT_EQUAL(wrong, 0);
	for (guint i = 0; i < record->criteria->len; i++)
		count[((CriterionResult *)g_ptr_array_index(record->criteria, i))->verdict]++;
	forge(&b, record, rand);
	bench_clear(&b);
}

static void both_judges_say_the_same(void)
{
	unsigned count[4] = {0}, open = 0;
	for (unsigned i = 0; i < CASES; i++)
		one_case(i, count, &open);
	fprintf(stderr, "PASS %u, FAIL %u, INCONCLUSIVE %u, INVALID %u; %u not checked\n",
		count[VERDICT_PASS], count[VERDICT_FAIL], count[VERDICT_INCONCLUSIVE],
		count[VERDICT_INVALID], open);
	CU_ASSERT_TRUE(count[VERDICT_PASS] > CASES / 20);
	CU_ASSERT_TRUE(count[VERDICT_FAIL] > CASES / 20);
	CU_ASSERT_TRUE(open < CASES / 20);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(both_judges_say_the_same)};
	bench_rate = 50;
	return unit_run("checker.agree", tests, G_N_ELEMENTS(tests), argc, argv);
}
