/* The guideline says what the packs say, and a revision's changes in meaning are named, wording is not. */
#include <anzen/base.h>
#include <glib/gstdio.h>

#include "run.h"
#include "unit.h"

static char *folder, *old_path, *new_path;

/* ---- the text ---- */

static unsigned times(const char *text, const char *word)
{
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

static void every_criterion_stands_in_the_guideline_of_both_languages(void)
{
	g_auto(CliResult) list = cli_run("criteria list");
	g_auto(CliResult) en = cli_run("guide"), ja = cli_run("guide --lang ja");
	g_auto(GStrv) lines = g_strsplit(g_strchomp(list.out), "\n", -1);
	CU_ASSERT(g_strv_length(lines) >= 60);
	for (char **line = lines; *line; line++) {
		g_autofree char *id = g_strndup(*line, strcspn(*line, " "));
		g_autofree char *code = g_strdup_printf("`%s`", id);
		CU_ASSERT_PTR_NOT_NULL(strstr(en.out, code));
		CU_ASSERT_PTR_NOT_NULL(strstr(ja.out, code));
	}
	CU_ASSERT_EQUAL(times(en.out, "\n### "), g_strv_length(lines));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(en.out, "- Levels: L1 30 s, L2 20 s, L3 10 s (required), L4 5 s"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ja.out, "L3 10 s(要求水準)"));
}

/* The made-up numbers of trials (100 N for a contact, 45 degC for a bath) are no requirement of anybody's. */
static void stand_in_numbers_are_not_in_the_guideline(void)
{
	g_auto(CliResult) en = cli_run("guide");
	char *contact = strstr(en.out, "`living/handover-robot/contact-force`");
	CU_ASSERT_PTR_NOT_NULL(contact);
	CU_ASSERT_PTR_NULL(strstr(en.out, "100 N"));
	CU_ASSERT_PTR_NULL(strstr(en.out, "45 degC"));
	if (contact) {
		char *limit = strstr(contact, "- Limit: supplied by the lab");
		char *next = strstr(contact, "\n### ");
		CU_ASSERT(limit && next && limit < next);
	}
}

static void html_is_well_formed(void)
{
	g_autofree char *path = g_build_filename(folder, "guide.html", NULL), *text = NULL;
	g_autofree char *line = g_strdup_printf("guide --lang ja -o %s", path);
	g_auto(CliResult) r = cli_run(line);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_TRUE(g_file_get_contents(path, &text, NULL, NULL));
	const GMarkupParser parser = {0};
	GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, NULL, NULL);
	g_autoptr(GError) error = NULL;
	UNIT_OK(text && g_markup_parse_context_parse(context, text, -1, &error) &&
			g_markup_parse_context_end_parse(context, &error),
		error);
	g_markup_parse_context_free(context);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "lang=\"ja\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "-&gt; eventually"));
	g_unlink(path);
	g_auto(CliResult) odd = cli_run("guide -o guide.txt");
	CU_ASSERT_EQUAL(odd.code, 2);
}

/* ---- the difference ---- */

/* `from` of the shipped pack of falls becomes `to`; an empty `to` with `until` takes everything up to there away. */
static CliResult diff(const char *from, const char *until, const char *to, bool raise)
{
	g_autofree char *text = NULL;
	CU_ASSERT_TRUE(g_file_get_contents(old_path, &text, NULL, NULL));
	char *at = text ? strstr(text, from) : NULL;
	char *rest = at ? (until ? strstr(at, until) : at + strlen(from)) : NULL;
	CU_ASSERT_PTR_NOT_NULL(rest);
	g_autoptr(GString) changed = g_string_new(text);
	if (rest) {
		g_string_truncate(changed, (gsize)(at - text));
		g_string_append_printf(changed, "%s%s", to, rest);
	}
	if (raise)
		g_string_replace(changed, "version: 1.1.0", "version: 1.2.0", 1);
	CU_ASSERT_TRUE(g_file_set_contents(new_path, changed->str, -1, NULL));
	g_autofree char *line = g_strdup_printf("guide diff %s %s", old_path, new_path);
	return cli_run(line);
}

static void one_change(const char *from, const char *to, const char *words)
{
	g_auto(CliResult) r = diff(from, NULL, to, true);
	bool right = r.code == 0 && strstr(r.out, words) && strstr(r.out, "1 change in meaning");
	if (!right)
		fprintf(stderr, "%s -> %s: wanted '%s', got %d\n%s%s\n", from, to, words, r.code,
			r.out, r.err);
	CU_ASSERT_TRUE(right);
}

static void limits_are_tightened_or_loosened(void)
{
	one_change("L3: {limit: 10 s}", "L3: {limit: 8 s}",
		   "living/fall-watch/alarm-delay  tightened  L3 limit: 10 s -> 8 s");
	one_change("L3: {limit: 10 s}", "L3: {limit: 15 s}",
		   "living/fall-watch/alarm-delay  loosened  L3 limit: 10 s -> 15 s");
	one_change("required: L3", "required: L2", "loosened  required level: L3 -> L2");
	one_change("required: L3", "required: L4", "tightened  required level: L3 -> L4");
	one_change("{window: 30 s}", "{window: 20 s}", "rule changed  window: 30 s -> 20 s");
}

/* 10000 ms is 10 s; titles, notes and blanks in a formula mean nothing new. */
static void wording_is_no_change(void)
{
	static const char *const same[][2] = {
		{"L3: {limit: 10 s}", "L3: {limit: 10000 ms}"},
		{"An alarm follows every fall", "After a fall there is an alarm"},
		{"no public standard gives this number", "nobody has published one"},
		{"always (rise(truth.fall) -> eventually",
		 "always (rise(truth.fall) implies eventually"},
		{"product.alarm: {9 s: on}", "product.alarm: {8 s: on}"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
		g_auto(CliResult) r = diff(same[i][0], NULL, same[i][1], false);
		if (!strstr(r.out, "0 changes"))
			fprintf(stderr, "%s: %s%s\n", same[i][0], r.out, r.err);
		CU_ASSERT_EQUAL(r.code, 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "0 changes in meaning"));
	}
}

static void rules_formulas_and_standing_are_compared(void)
{
	one_change("always (not (fall(product.alarm) and truth.lying))",
		   "always (not (fall(product.alarm) and truth.fall))",
		   "no-early-clear  rule changed  formula: always");
	g_auto(CliResult) risk =
		diff("max_false_accept: 2.5 %", NULL, "max_false_accept: 5 %", true);
	CU_ASSERT_EQUAL(times(risk.out, "loosened  risk of false acceptance: 0.025 -> 0.05"), 7);
	g_auto(CliResult) runs =
		diff("n: 29, permitted_failures: 0", NULL, "n: 46, permitted_failures: 1", true);
	CU_ASSERT_EQUAL(times(runs.out, "tightened  runs of the claim: 29 -> 46"), 7);
	CU_ASSERT_EQUAL(times(runs.out, "loosened  permitted failures: 0 -> 1"), 7);
	g_auto(CliResult) adopted = diff("basis: \"project choice\", ", NULL,
					 "basis: \"lab decision\", by: \"lab\", ", true);
	CU_ASSERT_PTR_NOT_NULL(strstr(adopted.out, "tells-blindness  loosened  decides now"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(adopted.out, "rule changed  numbers from: project choice -> lab decision"));
}

static void references_are_compared_and_a_broken_one_is_refused(void)
{
	g_auto(CliResult) gone =
		diff("  no-alarm-on-the-floor-by-choice:\n", "  tells-blindness:\n", "", true);
	g_auto(CliResult) json =
		cli_run("guide diff criteria/living/fall-watch.yaml /nowhere --json");
	/* The pack's crosswalk names it still: such a pack is refused. */
	CU_ASSERT_EQUAL(gone.code, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(gone.err, "no criterion of this pack"));
	CU_ASSERT_EQUAL(json.code, 2);
	one_change("  honest-time: [\"nist-ai-rmf:MEASURE 2.8\", \"iso-42001:A.6.2.8\", "
		   "\"iso-25059:5.6\"]\n",
		   "",
		   "honest-time  rule changed  bears on: nist-ai-rmf:MEASURE 2.8, "
		   "iso-42001:A.6.2.8, iso-25059:5.6 -> ");
}

static void added_and_withdrawn_are_told(void)
{
	g_auto(CliResult) less =
		cli_run("guide diff criteria/living criteria/living/fall-watch.yaml");
	g_auto(CliResult) more =
		cli_run("guide diff criteria/living/fall-watch.yaml criteria/living");
	CU_ASSERT_PTR_NOT_NULL(strstr(less.out, "living/stove-guard/pan-limit  withdrawn  "));
	CU_ASSERT_PTR_NOT_NULL(strstr(more.out, "living/stove-guard/pan-limit  added  "));
	CU_ASSERT_EQUAL(times(more.out, "  added  "), times(less.out, "  withdrawn  "));
}

static void a_change_without_a_new_version_is_told(void)
{
	g_auto(CliResult) r = diff("required: L3", NULL, "required: L2", false);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "living/fall-watch  version not raised  "));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "2 changes in meaning"));
}

static const UnitTest tests[] = {
	UNIT(every_criterion_stands_in_the_guideline_of_both_languages),
	UNIT(stand_in_numbers_are_not_in_the_guideline),
	UNIT(html_is_well_formed),
	UNIT(limits_are_tightened_or_loosened),
	UNIT(wording_is_no_change),
	UNIT(rules_formulas_and_standing_are_compared),
	UNIT(references_are_compared_and_a_broken_one_is_refused),
	UNIT(added_and_withdrawn_are_told),
	UNIT(a_change_without_a_new_version_is_told),
};

int main(int argc, char **argv)
{
	folder = g_dir_make_tmp("anzen-guide-XXXXXX", NULL);
	old_path = g_strdup(ANZEN_SOURCE_DIR "/criteria/living/fall-watch.yaml");
	new_path = g_build_filename(folder, "fall-watch.yaml", NULL);
	int code = unit_run("cli.guide", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(new_path);
	g_rmdir(folder);
	g_free(folder);
	g_free(old_path);
	g_free(new_path);
	return code;
}
