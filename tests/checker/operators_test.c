/* Two judges without common code on operators that no pack of ours happens to need, and on the rule `simple`: random limits on
 * random runs, as measured and with bands, and every record forged once. */
#include "both.h"

#ifdef __SANITIZE_ADDRESS__
#define CASES 8
#else
#define CASES 40
#endif

#define ITEM(name, formula)                             \
	"  " name ":\n"                                 \
	"    title: {en: \"x\", ja: \"x\"}\n"           \
	"    perspectives: [LIV-body]\n"                \
	"    injures: false\n"                          \
	"    source: {basis: lab decision, by: test}\n" \
	"    formula: " formula "\n"
#define MEASURE(value, unit, limit) \
	"    measure: {value: '" value "', unit: " unit ", limit: " limit ", good: below}\n"

/* Every %s is a number that the case draws. */
static const char *const items[] = {
	ITEM("until", "(not product.alarm) until[0 s, %s s] truth.fall"),
	ITEM("until-near", "(mannequin.height > %s m) until[2 s, 6 s] (mannequin.height < 1 m)"),
	ITEM("until-end",
	     "always ((not product.alarm) or (product.alarm until[0 s, %s s] truth.fall))"),
	ITEM("since",
	     "always ((not product.alarm) or ((not product.card) since[0 s, %s s] truth.fall))"),
	ITEM("since-ever",
	     "always ((not product.card) or ((mannequin.height < %s m) since truth.fall))"),
	ITEM("max", "always (max(mannequin.height, 0.15 m) < %s m)"),
	ITEM("min", "eventually (min(mannequin.height, %s m - mannequin.height) < 0.08 m)"),
	ITEM("abs", "always (abs(mannequin.height - 0.6 m) < %s m)"),
	ITEM("on", "always (not (product.alarm and mannequin.height > %s m))")
		MEASURE("duration(product.alarm)", "s", "14 s"),
	ITEM("low", "eventually (mannequin.height < %s m)")
		MEASURE("duration(mannequin.height < 0.5 m)", "s", "15.6 s"),
};
/* Where the numbers lie: what decides is in between. */
static const double lowest[] = {2, 0.9, 8, 1, 0.05, 1.15, 0.15, 0.55, 0.05, 0.05},
		    highest[] = {8, 1.25, 20, 20, 0.29, 1.25, 1.4, 0.65, 1.3, 0.2};

static char *pack_text(GRand *rand, const char *rule)
{
	GString *text = g_string_new("anzen: criteria/1\nid: test/operators\nversion: 1.0.0\n");
	g_string_append_printf(
		text, "decision: {rule: %s, max_false_accept: 2.5 %%, max_false_reject: 2.5 %%}\n",
		rule);
	g_string_append(text, "criteria:\n");
	for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
		char number[32];
		g_ascii_formatd(number, sizeof(number), "%.3f",
				g_rand_double_range(rand, lowest[i], highest[i]));
		g_auto(GStrv) parts = g_strsplit(items[i], "%s", 2);
		g_string_append_printf(text, "%s%s%s", parts[0], number, parts[1]);
	}
	return g_string_free(text, FALSE);
}

static Bench random_bench(GRand *rand, unsigned seed)
{
	Bench b = bench_new(g_rand_double_range(rand, 3, 16), 18.4);
	Truth t = {.alarm_s = 6.2, .bench_s = (double)INFINITY};
	Draw d = {rand, &b, &t};
	if (g_rand_boolean(rand)) /* it ends */
		signal_append(b.alarm, at(g_rand_double_range(rand, 16.5, 19.9)), 0, SAMPLE_OK);
	if (seed % 2)
		mutate(&d, bench_mutations, G_N_ELEMENTS(bench_mutations),
		       g_rand_int_range(rand, 0, 2));
	if (seed % 3 == 0)
		mutate(&d, product_mutations, G_N_ELEMENTS(product_mutations), 1);
	return b;
}

static void one_case(unsigned seed, const char *rule, unsigned *count, unsigned *open)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autofree char *text = pack_text(rand, rule);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack = criterion_pack_load_text(text, -1, "operators.yaml", diag);
	g_autoptr(GPtrArray) docs = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_doc_free);
	g_ptr_array_add(docs, yaml_load_text(text, -1, "operators.yaml", diag));
	if (!pack) {
		diagnostics_print(diag, stderr);
		CU_ASSERT_PTR_NOT_NULL(pack);
		return;
	}
	const char *ids[G_N_ELEMENTS(items) + 1] = {NULL};
	for (guint i = 0; i < pack->criteria->len; i++)
		ids[i] = ((Criterion *)g_ptr_array_index(pack->criteria, i))->full_id;
	Bench b = random_bench(rand, seed);
	g_autoptr(RunRecord) record = criterion_judge(b.rec, &pack, 1, ids, b.spec, NULL);
	char *said = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&said, &size);
	unsigned before = *open,
		 wrong = both_disagree(b.rec, b.spec, docs, record, false, out, open);
	for (guint i = 0; i < record->criteria->len; i++)
		count[((CriterionResult *)g_ptr_array_index(record->criteria, i))->verdict]++;
	fflush(out);
	if (wrong || *open > before)
		for (guint i = 0; i < record->criteria->len; i++) {
			const CriterionResult *r = g_ptr_array_index(record->criteria, i);
			fprintf(stderr, "case %u %s: judge: %s %s: %s; %s\n%s", seed, rule, r->id,
				verdict_name(r->verdict), r->why, r->formula, i ? "" : said);
		}
	CU_ASSERT_EQUAL(wrong, 0);
	if (both_forge(record, rand))
		CU_ASSERT_TRUE(both_disagree(b.rec, b.spec, docs, record, false, out, NULL) > 0);
	fclose(out);
	free(said);
	bench_clear(&b);
}

static void both_agree_under(const char *rule)
{
	unsigned count[4] = {0}, open = 0;
	for (unsigned i = 0; i < CASES; i++)
		one_case(i, rule, count, &open);
	fprintf(stderr, "%s: PASS %u, FAIL %u, INCONCLUSIVE %u, INVALID %u; %u not checked\n", rule,
		count[VERDICT_PASS], count[VERDICT_FAIL], count[VERDICT_INCONCLUSIVE],
		count[VERDICT_INVALID], open);
	CU_ASSERT_EQUAL(open, 0);
	CU_ASSERT_TRUE(count[VERDICT_PASS] > CASES);
	CU_ASSERT_TRUE(count[VERDICT_FAIL] > CASES / 2);
}

static void until_since_min_max_abs_and_duration_are_checked(void)
{
	both_agree_under("guarded");
}

static void the_simple_rule_is_checked(void)
{
	both_agree_under("simple");
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(until_since_min_max_abs_and_duration_are_checked),
					 UNIT(the_simple_rule_is_checked)};
	bench_rate = 50;
	return unit_run("checker.operators", tests, G_N_ELEMENTS(tests), argc, argv);
}
