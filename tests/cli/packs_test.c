/* What `anzen check` says about a scenario and the packs of its criteria, tried on mutants of a shipped scenario. */
#include <anzen/base.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "run.h"
#include "unit.h"

static char *folder;

/* The shipped chair fall with `from` replaced by `to`, checked beside a link to the shipped packs. */
static CliResult check_mutant(const char *from, const char *to)
{
	g_autofree char *original = NULL;
	g_autofree char *path = g_build_filename(folder, "chair-fall.yaml", NULL);
	g_autofree char *line = g_strdup_printf("check %s", path);
	CU_ASSERT_TRUE(g_file_get_contents(ANZEN_SOURCE_DIR "/scenarios/fall-watch/chair-fall.yaml",
					   &original, NULL, NULL));
	char *at = original ? strstr(original, from) : NULL;
	CU_ASSERT_PTR_NOT_NULL(at);
	if (!at)
		return (CliResult){.code = -1};
	g_autofree char *text =
		g_strdup_printf("%.*s%s%s", (int)(at - original), original, to, at + strlen(from));
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	return cli_run(line);
}

static void refused(const char *from, const char *to, const char *words)
{
	g_auto(CliResult) r = check_mutant(from, to);
	bool right = r.code == 2 && r.err && strstr(r.err, words);
	if (!right)
		fprintf(stderr, "%s -> %s: wanted '%s', got %d %s\n", from, to, words, r.code,
			r.err ? r.err : "");
	CU_ASSERT_TRUE(right);
}

static void shipped_scenario_is_in_order(void)
{
	g_auto(CliResult) r =
		check_mutant("anzen: scenario/1", "anzen: scenario/1"); /* positive control */
	if (r.code != 0)
		fprintf(stderr, "%s", r.err ? r.err : "");
	CU_ASSERT_EQUAL(r.code, 0);
}

static void absent_packs_and_criteria_are_named(void)
{
	refused("living/fall-watch/alarm-delay", "living/fall-watch/alarm-dealy",
		"has no criterion");
	refused("living/fall-watch/alarm-delay", "living/nothing/alarm-delay", "there is no pack");
}

static void latency_criterion_needs_its_partner(void)
{
	refused("living/fall-watch/alarm-delay, living/fall-watch/no-false-alarm",
		"living/fall-watch/alarm-delay",
		"is never used without living/fall-watch/no-false-alarm");
}

static void product_is_given_the_time_that_its_limit_grants(void)
{
	refused("timeout: 18 s", "timeout: 0.5 s",
		"the timeline waits 0.5 s for the product, less than the");
}

static void prohibition_without_probe_is_a_warning(void)
{
	g_auto(CliResult) r = check_mutant("probe: positive-control", "mark: no-probe");
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT(r.err && strstr(r.err, "warning: no `probe: positive-control`"));
}

static const UnitTest tests[] = {
	UNIT(shipped_scenario_is_in_order),
	UNIT(absent_packs_and_criteria_are_named),
	UNIT(latency_criterion_needs_its_partner),
	UNIT(product_is_given_the_time_that_its_limit_grants),
	UNIT(prohibition_without_probe_is_a_warning),
};

int main(int argc, char **argv)
{
	folder = g_dir_make_tmp("anzen-packs-XXXXXX", NULL);
	g_autofree char *criteria = g_build_filename(folder, "criteria", NULL);
	g_autofree char *scenario = g_build_filename(folder, "chair-fall.yaml", NULL);
	if (symlink(ANZEN_SOURCE_DIR "/criteria", criteria) != 0)
		return 1;
	int code = unit_run("cli.packs", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(criteria);
	g_unlink(scenario);
	g_rmdir(folder);
	g_free(folder);
	return code;
}
