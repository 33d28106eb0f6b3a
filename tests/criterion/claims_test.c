/* Claims from run records made up here; the figures are those of printed tables and hand arithmetic. */
#include <anzen/criterion.h>
#include <anzen/metrology.h>
#include "unit.h"

typedef struct Bag {
	GPtrArray *runs;
	unsigned next;
} Bag;

static Bag bag_new(void)
{
	return (Bag){g_ptr_array_new_with_free_func((GDestroyNotify)run_record_free), 0};
}

static void set(RunRecord *run, const char *key, const char *value)
{
	g_hash_table_replace(run->meta, g_strdup(key), g_strdup(value));
}

/* `reached` levels of four passed; the required one is L3. */
static CriterionResult *add(Bag *bag, Verdict verdict, unsigned reached)
{
	static const char *const names[] = {"L1", "L2", "L3", "L4"};
	RunRecord *run = run_record_new();
	CriterionResult *r = criterion_result_new("test/pack/delay");
	g_autofree char *number = g_strdup_printf("%u", bag->next++);
	run->product = g_strdup("product");
	run->scenario = g_strdup("scenario");
	run->rig = g_strdup("rig");
	run->evidence = EVIDENCE_VIRTUAL;
	run->session_sha256 = g_strdup(number);
	set(run, "seed", number);
	set(run, "campaign", "plan-1");
	set(run, "sample", "random");
	g_autofree char *sample = g_strdup_printf("%u", bag->next);
	set(run, "campaign.sample", sample);
	set(run, "campaign.attempt", "1");
	r->verdict = verdict;
	r->why = g_strdup(verdict == VERDICT_INVALID ? "cam froze" : "measured");
	r->claim_n = 29;
	r->claim_rate = 0.90;
	r->claim_confidence = 0.95;
	r->claim_max_invalid = 0.10;
	for (unsigned i = 0; i < 4 && i <= reached && verdict != VERDICT_INVALID; i++)
		g_ptr_array_add(r->levels, level_result_new(names[i], i < reached ? VERDICT_PASS
										  : VERDICT_FAIL));
	g_ptr_array_add(run->criteria, r);
	g_ptr_array_add(bag->runs, run);
	return r;
}

static void add_many(Bag *bag, unsigned n, Verdict verdict, unsigned reached)
{
	for (unsigned i = 0; i < n; i++)
		add(bag, verdict, reached);
}

static RunRecord *run_of(const Bag *bag, guint i)
{
	return g_ptr_array_index(bag->runs, i);
}

static GPtrArray *claims_of(const Bag *bag)
{
	return criterion_claims((const RunRecord *const *)bag->runs->pdata, bag->runs->len);
}

/* The only claim of the bag: its verdict. */
static Verdict verdict_of(const Bag *bag)
{
	g_autoptr(GPtrArray) claims = claims_of(bag);
	CU_ASSERT_TRUE(claims->len >= 1);
	return claims->len ? ((ClaimResult *)g_ptr_array_index(claims, 0))->verdict
			   : VERDICT_INVALID;
}

static void clear(Bag *bag)
{
	g_ptr_array_unref(bag->runs);
}

/* 29 of 29 show 90 % at 95 % (0.05^(1/29) = 0.9019), 28 of 28 do not; of 29 with one failure neither side is shown. */
static void the_printed_plan_passes_and_nothing_less(void)
{
	Bag bag = bag_new();
	add_many(&bag, 28, VERDICT_PASS, 3);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
	add(&bag, VERDICT_PASS, 3);
	g_autoptr(GPtrArray) claims = claims_of(&bag);
	const ClaimResult *c = g_ptr_array_index(claims, 0);
	CU_ASSERT_EQUAL(c->verdict, VERDICT_PASS);
	CU_ASSERT_DOUBLE_EQUAL(c->lower, 0.9019, 5e-5);
	CU_ASSERT_EQUAL(c->withstands, 0); /* 29 of 30: lower bound 0.851 */
	add(&bag, VERDICT_PASS, 3);        /* more than planned: the number was fixed beforehand */
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
	clear(&bag);
}

/* Upper bounds at 95 % of 29 runs: 23 passed: 0.906 >= 0.90; 22 passed: 0.879 < 0.90 (binom.test). */
static void too_many_failures_fail(void)
{
	for (unsigned failed = 0; failed < 9; failed++) {
		Bag bag = bag_new();
		add_many(&bag, 29 - failed, VERDICT_PASS, 3);
		add_many(&bag, failed, failed % 2 ? VERDICT_FAIL : VERDICT_INCONCLUSIVE, 2);
		double upper = metrology_proportion_upper(29 - failed, 29, 0.95);
		CU_ASSERT_EQUAL(verdict_of(&bag), failed == 0   ? VERDICT_PASS
						  : upper < 0.9 ? VERDICT_FAIL
								: VERDICT_INCONCLUSIVE);
		clear(&bag);
	}
}

/* The claim is computed twice. */
static void an_unexplained_invalid_run_takes_the_pass(void)
{
	Bag bag = bag_new();
	add_many(&bag, 29, VERDICT_PASS, 3);
	CriterionResult *r = add(&bag, VERDICT_INVALID, 0);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_PASS);
	g_free(r->why);
	r->why = g_strdup("cause unknown: no frames seen");
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
	clear(&bag);
}

/* 4 of 33 are 12 %, more than 10 %; where nothing is permitted, one is too many. */
static void too_many_invalid_runs_are_no_claim(void)
{
	Bag bag = bag_new();
	add_many(&bag, 29, VERDICT_PASS, 3);
	add_many(&bag, 3, VERDICT_INVALID, 0);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_PASS);
	add(&bag, VERDICT_INVALID, 0);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INVALID);
	g_ptr_array_set_size(bag.runs, 30);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_PASS);
	((CriterionResult *)g_ptr_array_index(run_of(&bag, 0)->criteria, 0))->claim_max_invalid =
		(double)NAN; /* a run.json that does not say it */
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INVALID);
	clear(&bag);
}

static void a_repeated_stimulus_or_session_counts_once(void)
{
	Bag bag = bag_new();
	add_many(&bag, 29, VERDICT_PASS, 3);
	set(run_of(&bag, 7), "seed", "8");
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE); /* 28 count */
	add(&bag, VERDICT_PASS, 3);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_PASS);
	/* Of two runs with one stimulus the worse one counts. */
	CriterionResult *r = g_ptr_array_index(run_of(&bag, 8)->criteria, 0);
	r->verdict = VERDICT_FAIL;
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
	r->verdict = VERDICT_PASS;
	g_free(run_of(&bag, 3)->session_sha256);
	run_of(&bag, 3)->session_sha256 = g_strdup("4");
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
	clear(&bag);
}

static void runs_without_a_campaigns_plan_are_never_a_claim(void)
{
	static const char *const spoil[][2] = {
		{"campaign", ""}, {"campaign", "plan-2"}, {"sample", "pairwise"}, {"sample", ""}};
	for (size_t i = 0; i < G_N_ELEMENTS(spoil); i++)
		for (int failed = 0; failed < 2; failed++) {
			Bag bag = bag_new();
			add_many(&bag, 29, failed ? VERDICT_FAIL : VERDICT_PASS, failed ? 0 : 4);
			set(run_of(&bag, 11), spoil[i][0], spoil[i][1]);
			CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
			clear(&bag);
		}
	Bag bag = bag_new();
	add_many(&bag, 29, VERDICT_PASS, 4);
	((CriterionResult *)g_ptr_array_index(run_of(&bag, 5)->criteria, 0))->limit = 20;
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE); /* judged by another limit */
	clear(&bag);
}

static void evidence_classes_and_products_are_never_pooled(void)
{
	Bag bag = bag_new();
	add_many(&bag, 29, VERDICT_PASS, 3);
	run_of(&bag, 28)->evidence = EVIDENCE_PHYSICAL;
	g_autoptr(GPtrArray) claims = claims_of(&bag);
	CU_ASSERT_EQUAL(claims->len, 2);
	for (guint i = 0; i < claims->len; i++)
		CU_ASSERT_EQUAL(((ClaimResult *)g_ptr_array_index(claims, i))->verdict,
				VERDICT_INCONCLUSIVE);
	clear(&bag);
}

/* All reach L2, one only that: L1 and L2 are shown, L3 is not, L4 is not even looked at. */
static void the_level_is_the_highest_whose_claim_passes(void)
{
	Bag bag = bag_new();
	add_many(&bag, 28, VERDICT_PASS, 4);
	add(&bag, VERDICT_FAIL, 2);
	g_autoptr(GPtrArray) claims = claims_of(&bag);
	const ClaimResult *c = g_ptr_array_index(claims, 0);
	CU_ASSERT_EQUAL(c->verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_STRING_EQUAL(c->level ? c->level : "", "L2");
	CU_ASSERT_EQUAL(c->levels->len, 3);
	/* 46 with one failure: printed table; 29 are there. */
	CU_ASSERT_EQUAL(c->needed, 17);
	clear(&bag);
}

/* 32 passes without a failure decide (metrology.repeats), also when 60 were planned. */
static void a_sequential_claim_may_end_early(void)
{
	Bag bag = bag_new();
	add_many(&bag, 32, VERDICT_PASS, 4);
	for (guint i = 0; i < bag.runs->len; i++) {
		CriterionResult *r = g_ptr_array_index(run_of(&bag, i)->criteria, 0);
		r->claim_n = 60;
		r->claim_good = 0.99;
		if (i < 31)
			continue;
		CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_PASS);
		r->verdict = VERDICT_INCONCLUSIVE;
		CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
	}
	clear(&bag);
}

/* ---- fairness ---- */

static Bag two_groups(unsigned n, unsigned failed_adult, unsigned failed_child)
{
	Bag bag = bag_new();
	for (unsigned i = 0; i < 2 * n; i++) {
		bool child = i % 2;
		bool fails = i / 2 < (child ? failed_child : failed_adult);
		CriterionResult *r = add(&bag, fails ? VERDICT_FAIL : VERDICT_PASS, fails ? 2 : 3);
		r->claim_n = (int)(2 * n);
		r->claim_over = g_strdup("person");
		r->claim_gap = 0.10;
		set(run_of(&bag, i), "parameter.person", child ? "child" : "adult");
	}
	return bag;
}

/* None of n fails in either of two groups: both rates are at least (0.05/4)^(1/n), so the gap is below 10 % from n = 42 on:
 * ln 0.0125 / ln 0.9 = 41.6. */
static void groups_are_alike_only_when_the_upper_bound_of_their_gap_is_below(void)
{
	const struct {
		unsigned n, adult, child;
		Verdict want;
	} cases[] = {{42, 0, 0, VERDICT_PASS},
		     {41, 0, 0, VERDICT_INCONCLUSIVE},
		     {42, 0, 1, VERDICT_INCONCLUSIVE},
		     {42, 0, 30, VERDICT_FAIL}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		Bag bag = two_groups(cases[i].n, cases[i].adult, cases[i].child);
		g_autoptr(GPtrArray) claims = claims_of(&bag);
		CU_ASSERT_EQUAL(claims->len, 2);
		const ClaimResult *gap = g_ptr_array_index(claims, claims->len - 1);
		CU_ASSERT_STRING_EQUAL(gap->over ? gap->over : "", "person");
		CU_ASSERT_EQUAL(gap->verdict, cases[i].want);
		if (i == 1)
			CU_ASSERT_EQUAL(gap->needed, 42);
		clear(&bag);
	}
}

static void one_group_alone_is_not_fair(void)
{
	Bag bag = two_groups(42, 0, 0);
	for (guint i = 0; i < bag.runs->len; i++)
		set(run_of(&bag, i), "parameter.person", "adult");
	g_autoptr(GPtrArray) claims = claims_of(&bag);
	const ClaimResult *gap = g_ptr_array_index(claims, claims->len - 1);
	CU_ASSERT_EQUAL(gap->verdict, VERDICT_INCONCLUSIVE);
	clear(&bag);
}

/* ---- no doubt helps ---- */

static const Verdict doubts[] = {VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_INVALID};

/* Seeded: a bag that passes, then one or more runs spoilt, doubled or lost. A PASS afterwards needs 29 that passed. */
static void no_spoilt_bag_passes(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(5);
	unsigned passes = 0;
	for (int i = 0; i < 2000; i++) {
		Bag bag = bag_new();
		unsigned good = 29;
		bool harm = false;
		add_many(&bag, 29, VERDICT_PASS, 4);
		for (int k = g_rand_int_range(rand, 0, 3); k > 0; k--) {
			guint at = (guint)g_rand_int_range(rand, 0, 29);
			CriterionResult *r = g_ptr_array_index(run_of(&bag, at)->criteria, 0);
			switch (g_rand_int_range(rand, 0, 4)) {
			case 0:
				good -= r->verdict == VERDICT_PASS;
				r->verdict = doubts[g_rand_int_range(rand, 0, 3)];
				break;
			case 1:
				set(run_of(&bag, at), "seed", "same");
				set(run_of(&bag, (at + 1) % 29), "seed", "same");
				harm = true;
				break;
			case 2:
				r->claim_rate = (double)NAN;
				harm = true;
				break;
			default:
				g_ptr_array_set_size(r->levels, 0);
				break;
			}
		}
		Verdict v = verdict_of(&bag);
		passes += v == VERDICT_PASS;
		CU_ASSERT_FALSE(v == VERDICT_PASS && (harm || good < 29));
		clear(&bag);
	}
	CU_ASSERT_TRUE(passes > 500);
}

/* 29 of 29 show 90 %; if half of them saw fog, neither 15 of 15 nor 14 of 14 do. */
static void perturbed_and_plain_runs_are_never_pooled(void)
{
	Bag bag = bag_new();
	for (int i = 0; i < 29; i++)
		add(&bag, VERDICT_PASS, 3);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_PASS);
	for (guint i = 0; i < 14; i++)
		set(run_of(&bag, i), "perturb", "fog:3");
	g_autoptr(GPtrArray) claims = claims_of(&bag);
	CU_ASSERT_EQUAL(claims->len, 2);
	unsigned told = 0;
	for (guint i = 0; i < claims->len; i++) {
		const ClaimResult *c = g_ptr_array_index(claims, i);
		CU_ASSERT_EQUAL(c->verdict, VERDICT_INCONCLUSIVE);
		CU_ASSERT_EQUAL(c->n, strstr(c->why, "fog:3") ? 14 : 15);
		told += strstr(c->why, "fog:3") && strstr(c->why_ja, "fog:3");
	}
	CU_ASSERT_EQUAL(told, 1);
	clear(&bag);
}

/* One campaign that draws how foggy it is: 29 of 29 show 90 % over that population, 10 + 10 + 9 runs as drawn. Without a draw, or
 * from two campaigns, they stay apart. */
static void severities_that_a_campaign_draws_are_one_population(void)
{
	static const char *const fog[] = {"", "fog:1@camera.main", "fog:3@camera.main"};
	Bag bag = bag_new();
	add_many(&bag, 29, VERDICT_PASS, 3);
	for (guint i = 0; i < 29; i++) {
		set(run_of(&bag, i), "perturb.population", "fog:$fog@camera.main");
		if (i % 3)
			set(run_of(&bag, i), "perturb", fog[i % 3]);
	}
	g_autoptr(GPtrArray) claims = claims_of(&bag);
	CU_ASSERT_EQUAL(claims->len, 1);
	const ClaimResult *c = g_ptr_array_index(claims, 0);
	CU_ASSERT_EQUAL(c->verdict, VERDICT_PASS);
	CU_ASSERT_EQUAL(c->n, 29);
	CU_ASSERT_PTR_NOT_NULL(strstr(c->why, "fog:$fog@camera.main: 10 × fog:1@camera.main, 9 × "
					      "fog:3@camera.main, 10 × none"));
	set(run_of(&bag, 3), "campaign", "plan-2");
	g_autoptr(GPtrArray) two = claims_of(&bag);
	CU_ASSERT_EQUAL(two->len, 2);
	set(run_of(&bag, 3), "campaign", "plan-1");
	for (guint i = 0; i < 29; i++)
		set(run_of(&bag, i), "perturb.population", "fog:2@camera.main");
	g_autoptr(GPtrArray) fixed = claims_of(&bag);
	CU_ASSERT_EQUAL(fixed->len, 3);
	clear(&bag);
}

/* 29 of 30 drawn runs, the failed one left out; and an INVALID run that was repeated and is kept back. */
static void a_run_left_out_of_a_campaign_leaves_the_claim_open(void)
{
	Bag bag = bag_new();
	add_many(&bag, 30, VERDICT_PASS, 4);
	g_ptr_array_remove_index(bag.runs, 12);
	CU_ASSERT_EQUAL(verdict_of(&bag), VERDICT_INCONCLUSIVE);
	Bag repeated = bag_new();
	add_many(&repeated, 29, VERDICT_PASS, 4);
	CU_ASSERT_EQUAL(verdict_of(&repeated), VERDICT_PASS);
	set(run_of(&repeated, 5), "campaign.attempt", "2");
	CU_ASSERT_EQUAL(verdict_of(&repeated), VERDICT_INCONCLUSIVE);
	set(run_of(&repeated, 5), "campaign.attempt", "");
	CU_ASSERT_EQUAL(verdict_of(&repeated), VERDICT_INCONCLUSIVE);
	clear(&bag);
	clear(&repeated);
}

UNIT_MAIN("criterion.claims", UNIT(perturbed_and_plain_runs_are_never_pooled),
	  UNIT(severities_that_a_campaign_draws_are_one_population),
	  UNIT(the_printed_plan_passes_and_nothing_less), UNIT(too_many_failures_fail),
	  UNIT(an_unexplained_invalid_run_takes_the_pass), UNIT(too_many_invalid_runs_are_no_claim),
	  UNIT(a_repeated_stimulus_or_session_counts_once),
	  UNIT(runs_without_a_campaigns_plan_are_never_a_claim),
	  UNIT(evidence_classes_and_products_are_never_pooled),
	  UNIT(the_level_is_the_highest_whose_claim_passes), UNIT(a_sequential_claim_may_end_early),
	  UNIT(groups_are_alike_only_when_the_upper_bound_of_their_gap_is_below),
	  UNIT(a_run_left_out_of_a_campaign_leaves_the_claim_open),
	  UNIT(one_group_alone_is_not_fair), UNIT(no_spoilt_bag_passes))
