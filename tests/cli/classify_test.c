/* Risk classes from declared facts: what is not declared is never taken for no. */
#include <anzen/base.h>
#include <glib/gstdio.h>

#include "run.h"
#include "unit.h"

/* A product with these facts; every prohibited practice is answered no unless `extra` says more. */
#define CLEAN                                                               \
	"  is-ai: true\n  manipulates: false\n  exploits-weakness: false\n" \
	"  social-scoring: false\n  emotion-at-work-or-school: false\n"     \
	"  scrapes-faces: false\n  sorts-by-sensitive-trait: false\n"       \
	"  predicts-crime-by-profile: false\n  public-live-identification: false\n"
#define NOT_HIGH "  safety-component: false\n  high-risk-area: false\n"
#define QUIET "  talks-to-people: false\n  makes-content: false\n  reads-emotion-or-sorts: false\n"

static CliResult classify(const char *facts, const char *options)
{
	g_autofree char *shipped = NULL, *folder = g_dir_make_tmp("anzen-classify-XXXXXX", NULL);
	CU_ASSERT_TRUE(g_file_get_contents(ANZEN_SOURCE_DIR "/products/stove-guard/product.yaml",
					   &shipped, NULL, NULL));
	char *at = strstr(shipped, "facts:");
	CU_ASSERT_PTR_NOT_NULL(at);
	if (at)
		*at = '\0';
	g_autofree char *text = g_strconcat(shipped, "facts:\n", facts, NULL);
	g_autofree char *path = g_build_filename(folder, "product.yaml", NULL);
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	g_autofree char *line = g_strdup_printf("classify %s %s", path, options);
	CliResult r = cli_run(line);
	g_unlink(path);
	g_rmdir(folder);
	return r;
}

static void comes_to(const char *facts, int code, const char *words)
{
	g_auto(CliResult) r = classify(facts, "");
	bool right = r.code == code && (strstr(r.out, words) || strstr(r.err, words));
	if (!right)
		fprintf(stderr, "wanted %d '%s', got %d\n%s%s\n", code, words, r.code, r.out,
			r.err);
	CU_ASSERT_TRUE(right);
}

static void each_of_the_four_classes_is_reached(void)
{
	comes_to(CLEAN NOT_HIGH QUIET, 0, "Class: minimal");
	comes_to("  is-ai: false\n", 0, "Class: minimal");
	comes_to(CLEAN NOT_HIGH "  talks-to-people: true\n", 0, "Class: limited");
	comes_to(CLEAN "  safety-component: true\n  third-party-assessment: true\n" QUIET, 0,
		 "Class: high");
	comes_to(CLEAN "  safety-component: false\n  high-risk-area: true\n  profiles-people: "
		       "true\n" QUIET,
		 0, "Class: high");
	comes_to("  is-ai: true\n  manipulates: true\n", 1, "Class: prohibited");
}

/* A narrow task leaves the listed area's class, unless people are profiled. */
static void a_narrow_task_is_not_high_unless_it_profiles(void)
{
	comes_to(CLEAN
		 "  safety-component: false\n  high-risk-area: true\n  profiles-people: false\n"
		 "  narrow-task-only: true\n" QUIET,
		 0, "Class: minimal");
	comes_to(CLEAN
		 "  safety-component: false\n  high-risk-area: true\n  profiles-people: true\n"
		 "  narrow-task-only: true\n" QUIET,
		 0, "Class: high");
}

static void a_missing_fact_is_refused_where_it_is_needed(void)
{
	comes_to("  is-ai: true\n", 2, "`facts` does not say manipulates");
	comes_to(CLEAN NOT_HIGH "  talks-to-people: false\n", 2,
		 "`facts` does not say makes-content");
	comes_to(CLEAN "  safety-component: true\n", 2, "does not say third-party-assessment");
	comes_to(CLEAN
		 "  safety-component: false\n  high-risk-area: true\n  profiles-people: false\n",
		 2, "does not say narrow-task-only");
	comes_to("  is-ai: true\n", 2, "product.yaml:23:3: error");
}

static void the_step_names_the_fact_that_decided_it(void)
{
	g_auto(CliResult) r = classify(CLEAN NOT_HIGH "  talks-to-people: true\n", "");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(r.out, "13. limited    eu-ai-act:Art.50 met: talks-to-people: yes ("));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "product.yaml:34)"));
	CU_ASSERT_PTR_NULL(strstr(r.out, "14."));
}

/* A high-risk product that talks to people owes both. */
static void duties_of_telling_come_on_top_of_high(void)
{
	g_auto(CliResult) r =
		classify(CLEAN "  safety-component: true\n  third-party-assessment: true\n"
			       "  talks-to-people: true\n  makes-content: false\n"
			       "  reads-emotion-or-sorts: false\n",
			 "--json");
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "\"class\" : \"high\",\n  \"source\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "\"row\" : \"eu-ai-act:Art.15\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "\"row\" : \"eu-ai-act:Art.50\",\n      \"title\""));
	CU_ASSERT_PTR_NULL(strstr(r.out, "Art.95\",\n      \"title\""));
}

static void an_unknown_fact_is_an_error_with_its_place(void)
{
	comes_to(CLEAN NOT_HIGH QUIET "  talk-to-people: false\n", 2,
		 "did you mean 'talks-to-people'?");
	comes_to("  is-ai: maybe\n", 2, "product.yaml:23:10: error");
}

/* `anzen check` on the shipped table with `from` replaced by `to`. */
static void table_refused(const char *from, const char *to, const char *words)
{
	g_autofree char *shipped = NULL, *folder = g_dir_make_tmp("anzen-table-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "table.yaml", NULL);
	CU_ASSERT_TRUE(g_file_get_contents(ANZEN_SOURCE_DIR "/criteria/risk/eu-ai-act.yaml",
					   &shipped, NULL, NULL));
	char *at = strstr(shipped, from);
	CU_ASSERT_PTR_NOT_NULL(at);
	g_autofree char *text = at ? g_strdup_printf("%.*s%s%s", (int)(at - shipped), shipped, to,
						     at + strlen(from))
				   : g_strdup("");
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	g_autofree char *line = g_strdup_printf("check %s", path);
	g_auto(CliResult) r = cli_run(line);
	CU_ASSERT_EQUAL(r.code, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err, words));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err, "table.yaml:"));
	g_unlink(path);
	g_rmdir(folder);
}

static void a_table_that_leaves_a_hole_is_refused(void)
{
	table_refused("  - {class: minimal, row: \"eu-ai-act:Art.95\"}", "",
		      "the last step asks nothing");
	table_refused("all: [manipulates], ", "", "only the last step may ask nothing");
	table_refused("all: [social-scoring]", "all: [manipulates]", "no step asks social-scoring");
	table_refused("all: [social-scoring]", "all: [scoring]", "`facts` has no scoring");
}

UNIT_MAIN("cli.classify", UNIT(each_of_the_four_classes_is_reached),
	  UNIT(a_narrow_task_is_not_high_unless_it_profiles),
	  UNIT(a_missing_fact_is_refused_where_it_is_needed),
	  UNIT(the_step_names_the_fact_that_decided_it),
	  UNIT(duties_of_telling_come_on_top_of_high),
	  UNIT(an_unknown_fact_is_an_error_with_its_place),
	  UNIT(a_table_that_leaves_a_hole_is_refused))
