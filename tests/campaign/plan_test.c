/* What a plan draws, and what it refuses. */
#include "project.h"
#include "unit.h"

#include <anzen/base.h>

#define CLAIM                                                                           \
	"{n: 4, permitted_failures: 0, at_least: 50 %, confidence: 90 %, side: lower, " \
	"max_invalid: 50 %}"

static CampaignPlan *load(const Project *p)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	CampaignPlan *plan = campaign_plan_load(p->plan, diag);
	if (!plan)
		diagnostics_print(diag, stderr);
	return plan;
}

static char *drawn(const CampaignPlan *plan)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; plan && i < plan->draws->len; i++) {
		const CampaignDraw *d = g_ptr_array_index(plan->draws, i);
		g_autofree char *sets = g_strjoinv(",", d->sets);
		g_string_append_printf(out, "%u %" G_GUINT64_FORMAT " %s\n", d->sample, d->seed,
				       sets);
	}
	return g_string_free(out, FALSE);
}

static void the_same_seed_draws_the_same_runs_and_another_does_not(void)
{
	Project p = project_new(CLAIM);
	g_autoptr(CampaignPlan) a = load(&p), b = load(&p);
	project_plan(&p, "seed: 7", "seed: 8");
	g_autoptr(CampaignPlan) c = load(&p);
	g_autofree char *first = drawn(a), *again = drawn(b), *other = drawn(c);
	CU_ASSERT_TRUE(*first);
	CU_ASSERT_STRING_EQUAL(first, again);
	CU_ASSERT_STRING_NOT_EQUAL(first, other);
	project_clear(&p);
}

/* Who asks for fewer runs gets the first of them: what is drawn does not hang on how many follow. */
static void fewer_runs_are_the_first_of_more(void)
{
	Project p = project_new(
		"{n: 9, permitted_failures: 0, at_least: 50 %, confidence: 90 %, side: lower}");
	project_plan(&p, "n: 4", "n: 9");
	g_autoptr(CampaignPlan) more = load(&p);
	project_plan(&p, NULL, NULL);
	g_autoptr(CampaignPlan) fewer = load(&p);
	g_autofree char *all = drawn(more), *some = drawn(fewer);
	CU_ASSERT_TRUE(*some && g_str_has_prefix(all, some));
	project_clear(&p);
}

/* 4000 draws. Uniform on [100, 200] lx: mean 150, its standard error 28.87/sqrt(4000) = 0.46, so 4.5 of them are 2.1. A child in
 * one of four: 1000 of 4000, standard deviation sqrt(4000 * 0.25 * 0.75) = 27.4, 4.5 of them are 123. */
static void draws_follow_the_declared_distribution(void)
{
	Project p = project_new("{n: 4000, permitted_failures: 900, at_least: 50 %, confidence: 90 "
				"%, side: lower}");
	project_plan(&p, "n: 4,", "n: 4000,");
	g_autoptr(CampaignPlan) plan = load(&p);
	double sum = 0, lo = 1e9, hi = 0;
	unsigned children = 0;
	for (guint i = 0; plan && i < plan->draws->len; i++) {
		const CampaignDraw *d = g_ptr_array_index(plan->draws, i);
		Quantity light = {0};
		CU_ASSERT_TRUE(quantity_parse(d->sets[0] + strlen("light="), &light, NULL));
		CU_ASSERT_STRING_EQUAL(light.unit.symbol, "lx");
		children += !strcmp(d->sets[1], "person=child");
		sum += light.value;
		lo = MIN(lo, light.value);
		hi = MAX(hi, light.value);
	}
	CU_ASSERT_TRUE(fabs(sum / 4000 - 150) < 2.1);
	CU_ASSERT_TRUE(lo >= 100 && lo < 100.5 && hi > 199.5 && hi <= 200);
	CU_ASSERT_TRUE(children > 1000 - 123 && children < 1000 + 123);
	project_clear(&p);
}

static void every_kind_of_file_that_decides_is_fixed(void)
{
	Project p = project_new(CLAIM);
	g_autoptr(CampaignPlan) plan = load(&p);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NOT_NULL(plan);
	g_autofree char *text = !plan ? NULL
				      : campaign_plan_fix(plan, ANZEN_BINARY_DIR "/bin",
							  "2026-01-01T00:00:00Z", &error);
	static const char *const names[] = {"\"plans/plan.yaml\"",
					    "\"scenarios/fall.yaml\"",
					    "\"criteria/small.yaml\"",
					    "\"products/product.yaml\"",
					    "living-room-virtual.yaml\"",
					    "worlds/living-room.yaml\"",
					    "maps/lamp.yaml\"",
					    "instruments/supply.yaml\"",
					    "bin/anzen\"",
					    "bin/anzen-world\"",
					    "bin/fall-watch\""};
	CU_ASSERT_PTR_NOT_NULL(text);
	for (size_t i = 0; text && i < G_N_ELEMENTS(names); i++) {
		if (!strstr(text, names[i]))
			fprintf(stderr, "not fixed: %s\n", names[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, names[i]));
	}
	project_clear(&p);
}

static void refused(const Project *p, const char *from, const char *to, const char *message,
		    unsigned line)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	project_plan(p, from, to);
	CampaignPlan *plan = campaign_plan_load(p->plan, diag);
	bool told = false;
	for (size_t i = 0; i < diagnostics_count(diag); i++) {
		const Diagnostic *d = diagnostics_get(diag, i);
		told |= !d->warning && strstr(d->message, message) && (!line || d->line == line);
	}
	if (!told || plan) {
		fprintf(stderr, "%s → %s: expected \"%s\" in line %u\n", from, to, message, line);
		diagnostics_print(diag, stderr);
	}
	CU_ASSERT_TRUE(told);
	CU_ASSERT_PTR_NULL(plan);
	campaign_plan_free(plan);
}

static void each_mistake_is_told_with_its_line(void)
{
	Project p = project_new(CLAIM);
	refused(&p, "products/product", "products/produkt", "no such file", 3);
	refused(&p, "rigs/living-room", "rigs/dining-room", "no such file", 4);
	refused(&p, "{files: [scenarios/fall.yaml]}", "{match: nothing/*}", "matches", 5);
	refused(&p, "{files: [scenarios/fall.yaml]}", "{}", "one of them", 5);
	refused(&p, "[100, 200 lx]", "[100, 200 lm]", "in lx", 7);
	refused(&p, "[100, 200 lx]", "[200, 100]", "lowest", 7);
	refused(&p, "[100, 200 lx]", "[20, 200]", "50 to 400", 7);
	refused(&p, "[100, 200 lx]", "[20]", "", 7);
	refused(&p, "{uniform: [100, 200 lx]}", "{fixed: 500 lx}", "", 0);
	refused(&p, "{uniform: [100, 200 lx]}", "{fixed: 100 lx, weights: {a: 1}}", "one of them",
		7);
	refused(&p, "{uniform: [100, 200 lx]}", "{weights: {bright: 1}}", "no 'bright'", 7);
	refused(&p, "{uniform: [100, 200 lx]}", "{weights: {100: 1, 500 lx: 1}}", "no '500 lx'", 7);
	refused(&p, "child: 1", "giant: 1", "'giant'", 8);
	refused(&p, "person:", "weight:", "no scenario", 8);
	refused(&p, "random", "pairwise", "random", 9);
	refused(&p, "n: 4,", "n: 5,", "fixes 4 runs", 0);
	project_clear(&p);
}

static void some_numbers_may_be_drawn_by_weight(void)
{
	Project p = project_new(CLAIM);
	project_plan(&p, "{uniform: [100, 200 lx]}", "{weights: {100: 1}}");
	g_autoptr(CampaignPlan) plan = load(&p);
	CU_ASSERT_PTR_NOT_NULL(plan);
	for (guint i = 0; plan && i < plan->draws->len; i++)
		CU_ASSERT_STRING_EQUAL(((CampaignDraw *)g_ptr_array_index(plan->draws, i))->sets[0],
				       "light=100");
	project_clear(&p);
}

static void a_plan_that_is_too_small_is_warned_of(void)
{
	Project p = project_new(CLAIM);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	project_plan(&p, "n: 4,", "n: 3,");
	g_autoptr(CampaignPlan) plan = campaign_plan_load(p.plan, diag);
	CU_ASSERT_PTR_NOT_NULL(plan);
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 0);
	CU_ASSERT_EQUAL(diagnostics_count(diag), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(diagnostics_get(diag, 0)->message, "INCONCLUSIVE"));
	project_clear(&p);
}

UNIT_MAIN("campaign.plan", UNIT(the_same_seed_draws_the_same_runs_and_another_does_not),
	  UNIT(fewer_runs_are_the_first_of_more), UNIT(draws_follow_the_declared_distribution),
	  UNIT(every_kind_of_file_that_decides_is_fixed), UNIT(each_mistake_is_told_with_its_line),
	  UNIT(some_numbers_may_be_drawn_by_weight), UNIT(a_plan_that_is_too_small_is_warned_of))
