/* Crosswalks: complete both ways, and nothing counts as evidence but a recording that is judged again. */
#include <anzen/base.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "run.h"
#include "unit.h"

static char *folder; /* a copy of criteria/ */

static void shell(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void shell(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *line = g_strdup_vprintf(format, args);
	va_end(args);
	const char *argv[] = {"sh", "-c", line, NULL};
	int status = -1;
	CU_ASSERT_TRUE(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
				    NULL, NULL, NULL, &status, NULL));
	CU_ASSERT_EQUAL(status, 0);
}

/* Lint the copy with `from` replaced by `to` in one file, and put the file right again. */
static void mutant(const char *file, const char *from, const char *to, const char *words)
{
	g_autofree char *path = g_build_filename(folder, file, NULL), *text = NULL;
	g_autofree char *line = g_strdup_printf("criteria lint %s", folder);
	CU_ASSERT_TRUE(g_file_get_contents(path, &text, NULL, NULL));
	char *at = text ? strstr(text, from) : NULL;
	CU_ASSERT_PTR_NOT_NULL(at);
	if (!at)
		return;
	g_autofree char *changed =
		g_strdup_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	CU_ASSERT_TRUE(g_file_set_contents(path, changed, -1, NULL));
	g_auto(CliResult) r = cli_run(line);
	bool right = r.code == 2 && strstr(r.err, words) && strstr(r.err, file);
	if (!right)
		fprintf(stderr, "%s -> %s: wanted '%s', got %d %s\n", from, to, words, r.code,
			r.err);
	CU_ASSERT_TRUE(right);
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
}

static void unmapped_rows_and_unknown_rows_fail_the_lint(void)
{
	g_autofree char *line = g_strdup_printf("criteria lint %s", folder);
	g_auto(CliResult) whole = cli_run(line);
	CU_ASSERT_EQUAL(whole.code, 0);
	CU_ASSERT_STRING_EQUAL(whole.err, ""); /* nor a warning: notes are in both languages */
	mutant("crosswalks/nist-ai-rmf.yaml", ", na: organisation", "", "GOVERN 1.1: no criterion");
	mutant("crosswalks/nist-ai-rmf.yaml", "\"妥当性と信頼性の実証\"}",
	       "\"妥当性と信頼性の実証\"}, gap: no-criterion",
	       "MEASURE 2.5: a criterion bears on it");
	mutant("crosswalks/nist-ai-600-1.yaml", "gap: no-text-corpus", "gap: nothing",
	       "has no nothing");
	mutant("crosswalks/jp-aisi.yaml", "parent: G1-1,", "parent: G99-1,",
	       "no row is called G99-1");
	mutant("living/fall-watch.yaml", "nist-ai-rmf:MEASURE 2.6", "nist-ai-rmf:MEASURE 9.9",
	       "no crosswalk has the row");
	mutant("living/fall-watch.yaml", "  honest-time: [\"nist", "  no-early-clear: [\"nist",
	       "is here twice");
}

static void hazards_and_criteria_fit_both_ways(void)
{
	const char *file = "risk/hazards.yaml";
	g_autofree char *line = g_strdup_printf("check %s/%s", folder, file);
	g_auto(CliResult) whole = cli_run(line);
	CU_ASSERT_EQUAL(whole.code, 0);
	mutant("living/fall-watch.yaml", "hazard: H-FALL-02", "hazard: H-FALL-77",
	       "hazards.yaml has no hazard H-FALL-77");
	mutant(file, "severity: \"IV\"}", "severity: \"0\"}", "H-AGENT-01 injures nobody by");
	mutant(file, "id: H-GAS-02", "id: H-GAS-01", "H-GAS-01 is here twice");
	mutant(file, "  - {id: H-GAS-02",
	       "  - {id: H-GAS-09, title: {en: a, ja: b}, severity: \"0\"}\n  - {id: H-GAS-02",
	       "H-GAS-09: no criterion is about it");
	mutant(file, "severity: \"0\"}", "severity: \"0\", open: {en: a, ja: b}}",
	       "the row says that none is");
	mutant(file, "severity: \"0\"}", "severity: \"V\"}", "V");
}

static void a_scenarios_hazard_is_a_row_of_the_register(void)
{
	g_autofree char *path = g_build_filename(folder, "fall.yaml", NULL), *text = NULL;
	g_autofree char *line = g_strdup_printf("check %s", path);
	CU_ASSERT_TRUE(g_file_get_contents(ANZEN_SOURCE_DIR "/scenarios/fall-watch/chair-fall.yaml",
					   &text, NULL, NULL));
	char *at = text ? strstr(text, "hazard: H-FALL-01") : NULL;
	CU_ASSERT_PTR_NOT_NULL(at);
	if (!at)
		return;
	shell("ln -s . %s/criteria", folder); /* it is looked for above the file */
	memcpy(at, "hazard: H-FALL-99", strlen("hazard: H-FALL-99"));
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	g_auto(CliResult) unknown = cli_run(line);
	CU_ASSERT_EQUAL(unknown.code, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(unknown.err, "has no hazard H-FALL-99"));
	memcpy(at, "hazard: H-FIRE-01", strlen("hazard: H-FIRE-01"));
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	g_auto(CliResult) other = cli_run(line);
	CU_ASSERT_PTR_NOT_NULL(strstr(other.err, "none of its criteria is about its hazard"));
	shell("rm %s/criteria %s", folder, path);
}

/* 72, 12 and 38 are what the documents themselves say they have; 15 clauses from 5.2 to 5.16; six clauses from 5.2 to 5.7 and
 * two, 6.2 and 6.3; ten perspectives and 254 goals. */
static void every_row_of_every_document_is_there(void)
{
	static const struct {
		const char *name;
		unsigned rows;
	} known[] = {{"nist-ai-rmf", 72}, {"nist-ai-600-1", 12}, {"iso-42001", 38},
		     {"iso-13482", 15},   {"eu-ai-act", 18},     {"jp-aisi", 264},
		     {"iso-25059", 8}};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		g_autofree char *line = g_strdup_printf("crosswalk %s --json", known[i].name);
		g_auto(CliResult) r = cli_run(line);
		g_autoptr(JsonNode) node = json_from_string(r.out, NULL);
		CU_ASSERT_EQUAL(r.code, 0);
		CU_ASSERT_PTR_NOT_NULL(node);
		if (!node)
			continue;
		JsonObject *o = json_node_get_object(node);
		JsonArray *rows = json_object_get_array_member(o, "rows");
		CU_ASSERT_EQUAL(json_array_get_length(rows), known[i].rows);
		CU_ASSERT_EQUAL(json_object_get_int_member(o, "covered by evidence"), 0);
		for (guint k = 0; k < json_array_get_length(rows); k++) {
			JsonObject *row = json_array_get_object_element(rows, k);
			const char *status = json_object_get_string_member(row, "status");
			bool maps = json_array_get_length(
					    json_object_get_array_member(row, "criteria")) > 0;
			CU_ASSERT_EQUAL(maps, !strcmp(status, "criterion only"));
			CU_ASSERT(maps || json_object_has_member(row, "why"));
		}
	}
}

static void a_licensed_list_that_is_absent_is_said(void)
{
	g_autofree char *path = g_build_filename(folder, "crosswalks", "licensed.yaml", NULL);
	g_autofree char *line = g_strdup_printf("crosswalk licensed --criteria %s", folder);
	CU_ASSERT_TRUE(g_file_set_contents(
		path,
		"anzen: crosswalk/1\nid: licensed\ntitle: {en: A, ja: B}\nsource: \"none\"\n"
		"absent: {en: \"write the rows from your licensed copy\", ja: C}\n",
		-1, NULL));
	g_auto(CliResult) r = cli_run(line);
	g_remove(path);
	g_auto(CliResult) none = cli_run("crosswalk nothing");
	CU_ASSERT_EQUAL(r.code, 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err, "licensed copy"));
	CU_ASSERT_EQUAL(none.code, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(none.err, "nist-ai-rmf"));
}

static void reverse_lists_the_rows_of_a_criterion(void)
{
	g_auto(CliResult) r = cli_run("crosswalk jp-aisi --reverse");
	CU_ASSERT_EQUAL(r.code, 0);
	char *at = strstr(r.out, "common/privacy/canary-never-recalled");
	CU_ASSERT_PTR_NOT_NULL(at);
	if (at)
		CU_ASSERT(strstr(at, "G6-7") &&
			  strstr(at, "G6-7") < strstr(at, "common/privacy/not"));
}

static void run_stove(void)
{
	g_autofree char *line =
		g_strdup_printf("run --lock-step scenarios/stove-guard/pan-overheat.yaml --rig "
				"rigs/kitchen-virtual.yaml "
				"--product products/stove-guard/product.yaml -o %s/runs",
				folder);
	g_auto(CliResult) run = cli_run(line);
	CU_ASSERT_EQUAL(run.code, 0);
	shell("mv %s/runs/* %s/run", folder, folder);
}

static void evidence_is_judged_again_and_says_its_share_and_class(void)
{
	run_stove();
	g_autofree char *line = g_strdup_printf("crosswalk nist-ai-rmf --evidence %s/run", folder);
	g_auto(CliResult) r = cli_run(line);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "MEASURE 2.6   covered by evidence (1 of "));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "living/stove-guard/shut-off-delay  PASS 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "MEASURE 2.7   by criterion only"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "Evidence class of the runs: lock-step"));
	/* A verdict that somebody wrote down is none. */
	shell("sed -i s/PASS/FAIL/ %s/run/run.json", folder);
	g_auto(CliResult) forged = cli_run(line);
	CU_ASSERT_STRING_EQUAL(forged.out, r.out);
	shell("rm %s/run/session.mcap", folder);
	g_auto(CliResult) bare = cli_run(line);
	CU_ASSERT_NOT_EQUAL(bare.code, 0);
}

static const UnitTest tests[] = {
	UNIT(unmapped_rows_and_unknown_rows_fail_the_lint),
	UNIT(every_row_of_every_document_is_there),
	UNIT(a_licensed_list_that_is_absent_is_said),
	UNIT(hazards_and_criteria_fit_both_ways),
	UNIT(a_scenarios_hazard_is_a_row_of_the_register),
	UNIT(reverse_lists_the_rows_of_a_criterion),
	UNIT(evidence_is_judged_again_and_says_its_share_and_class),
};

int main(int argc, char **argv)
{
	folder = g_dir_make_tmp("anzen-crosswalk-XXXXXX", NULL);
	g_autofree char *copy = g_strdup_printf("cp -r %s/criteria/. %s", ANZEN_SOURCE_DIR, folder);
	if (!g_spawn_command_line_sync(copy, NULL, NULL, NULL, NULL))
		return 1;
	int code = unit_run("cli.crosswalk", tests, G_N_ELEMENTS(tests), argc, argv);
	g_autofree char *clean = g_strdup_printf("rm -rf %s", folder);
	g_spawn_command_line_sync(clean, NULL, NULL, NULL, NULL);
	g_free(folder);
	return code;
}
