/* The report: everything in one file, nothing said twice in one place, and nothing that comes from outside is markup. */
#include <anzen/report.h>
#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static Recording *made_up(void)
{
	Recording *rec = recording_new();
	rec->start_ns = 0;
	rec->end_ns = 27 * CLOCK_S;
	return rec;
}

static RunRecord *of(Verdict verdict, const char *why)
{
	RunRecord *r = run_record_new();
	CriterionResult *c = criterion_result_new("living/x/y");
	r->run_id = g_strdup("20260101T000000Z-x");
	r->verdict = c->verdict = verdict;
	c->why = g_strdup(why);
	c->why_ja = g_strdup(why);
	g_ptr_array_add(r->criteria, c);
	return r;
}

static char *page(const RunRecord *record, const Recording *rec, const char *lang)
{
	const ReportInput in = {.record = record, .recording = rec, .lang = lang};
	return report_html(&in);
}

/* ---- names above the time line ---- */

typedef struct Label {
	double from, to, y;
} Label;

/* Seven pixels a character is wider than the font's 6.1 on average at 11 px, so what does not touch here does not touch. */
static GArray *labels_of(const char *html)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(Label));
	for (const char *at = html; (at = strstr(at, "class=\"eventname\"")); at++) {
		const char *text = strchr(at, '>') + 1, *tag = at;
		while (tag > html && *tag != '<')
			tag--;
		double x = g_ascii_strtod(strstr(tag, "x=\"") + 3, NULL),
		       width = 6.5 * (double)(strchr(text, '<') - text);
		bool right = g_strstr_len(at, text - at, "text-anchor=\"end\"") != NULL;
		Label l = {right ? x - width : x, right ? x : x + width,
			   g_ascii_strtod(strstr(tag, "y=\"") + 3, NULL)};
		g_array_append_val(all, l);
	}
	return all;
}

static void check_apart(const int64_t *t_ns, const char *const *names, size_t n)
{
	g_autoptr(Recording) rec = made_up();
	g_autoptr(RunRecord) record = of(VERDICT_PASS, "w");
	for (size_t i = 0; i < n; i++)
		recording_add_event(rec, t_ns[i], names[i], NULL);
	g_autofree char *html = page(record, rec, "en");
	g_autoptr(GArray) all = labels_of(html);
	CU_ASSERT_EQUAL(all->len, n);
	for (guint i = 0; i < all->len; i++)
		for (guint k = 0; k < i; k++) {
			Label a = g_array_index(all, Label, i), b = g_array_index(all, Label, k);
			CU_ASSERT_TRUE(a.y != b.y || a.from >= b.to || b.from >= a.to);
		}
}

/* The second one has no room to its right, so its name ends at its line: where the first one's stands. */
static void names_of_neighbours_do_not_cover_each_other(void)
{
	static const char *const names[] = {"mark.answered", "probe.positive-control"};
	check_apart((const int64_t[]){17 * CLOCK_S, 23 * CLOCK_S}, names, 2);
	check_apart((const int64_t[]){3 * CLOCK_S, 4 * CLOCK_S}, names, 2);
	check_apart((const int64_t[]){26 * CLOCK_S, 27 * CLOCK_S}, names, 2);
}

/* ---- the file as a whole ---- */

static void nothing_is_fetched_and_nothing_runs(void)
{
	static const char *const never[] = {"<script",    "<link",       "<iframe", "url(http",
					    "src=\"http", "href=\"http", "@import"};
	g_autoptr(Recording) rec = made_up();
	g_autoptr(RunRecord) record = of(VERDICT_FAIL, "w");
	g_autofree char *html = page(record, rec, "en");
	for (size_t i = 0; i < G_N_ELEMENTS(never); i++)
		CU_ASSERT_PTR_NULL(strstr(html, never[i]));
	CU_ASSERT_PTR_NOT_NULL(strstr(html, "<meta charset=\"utf-8\""));
}

/* Titles, products and causes come from files and devices. */
static void what_comes_from_outside_is_text(void)
{
	static const char evil[] = "<script>alert(1)</script>\"'&";
	g_autoptr(Recording) rec = made_up();
	g_autoptr(RunRecord) record = of(VERDICT_INVALID, evil);
	const Fault fault = {.t_ns = 1,
			     .source = (char *)(uintptr_t)evil,
			     .cause = (char *)(uintptr_t)evil,
			     .blame = BLAME_BENCH};
	char **texts[] = {&record->scenario,
			  &record->scenario_title_en,
			  &record->scenario_title_ja,
			  &record->product,
			  &record->rig,
			  &record->tool_version,
			  &record->started_utc};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_free(*texts[i]);
		*texts[i] = g_strdup(evil);
	}
	g_hash_table_insert(record->meta, g_strdup("product.undeclared"), g_strdup(evil));
	g_hash_table_insert(record->inputs, g_strdup(evil), g_strdup(evil));
	recording_add_fault(rec, &fault);
	g_ptr_array_add(record->faults, g_ptr_array_steal_index(rec->faults, 0));
	recording_add_event(rec, CLOCK_S, "mark.<script>", NULL);
	for (int ja = 0; ja < 2; ja++) {
		g_autofree char *html = page(record, rec, ja ? "ja" : "en");
		CU_ASSERT_PTR_NULL(strstr(html, "<script"));
		CU_ASSERT_PTR_NOT_NULL(strstr(html, "&lt;script&gt;alert(1)"));
	}
}

static void every_page_of_a_virtual_test_says_so(void)
{
	g_autoptr(Recording) rec = made_up();
	g_autoptr(RunRecord) record = of(VERDICT_PASS, "w");
	record->evidence = EVIDENCE_VIRTUAL;
	g_autofree char *en = page(record, rec, "en"), *ja = page(record, rec, "ja");
	CU_ASSERT_PTR_NOT_NULL(strstr(en, "Virtual test"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ja, "仮想試験"));
	record->evidence = EVIDENCE_PHYSICAL;
	g_autofree char *real = page(record, rec, "en");
	CU_ASSERT_PTR_NULL(strstr(real, "Virtual test"));
}

static void the_verdict_is_written_in_both_languages_and_stands_first(void)
{
	static const struct {
		Verdict verdict;
		const char *en, *ja;
	} all[] = {{VERDICT_PASS, "PASS", "適合"},
		   {VERDICT_FAIL, "FAIL", "不適合"},
		   {VERDICT_INVALID, "INVALID", "試験無効"},
		   {VERDICT_INCONCLUSIVE, "INCONCLUSIVE", "判定保留"}};
	g_autoptr(Recording) rec = made_up();
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autoptr(RunRecord) record = of(all[i].verdict, "because of w");
		g_autofree char *html = page(record, rec, "en");
		g_autofree char *ja = page(record, rec, "ja");
		const char *body = strstr(html, "<body");
		const char *said = body ? strstr(body, all[i].en) : NULL;
		CU_ASSERT_PTR_NOT_NULL(said);
		CU_ASSERT_PTR_NOT_NULL(strstr(ja, all[i].ja));
		CU_ASSERT_TRUE(said && said < strstr(body, "because of w"));
	}
}

/* A PASS of a part must not look like one of the whole: in the ribbon that every page repeats, in the table, beside the verdict,
 * on a terminal, and in JUnit, also of a physical test. */
static void a_part_never_looks_like_the_whole(void)
{
	g_autoptr(Recording) rec = made_up();
	g_autoptr(RunRecord) r = of(VERDICT_PASS, "w");
	r->evidence = EVIDENCE_PHYSICAL;
	g_autofree char *whole = page(r, rec, "en");
	CU_ASSERT_PTR_NULL(strstr(whole, "nothing is said about the others"));
	g_ptr_array_add(r->left_out, g_strdup("living/x/other"));
	g_autofree char *html = page(r, rec, "en"), *junit = report_junit(r);
	const RunRecord *one = r;
	g_autofree char *table = report_table(&one, 1, "en", 0);
	const char *ribbon = strstr(html, "class=\"ribbon\"");
	CU_ASSERT_TRUE(ribbon && strstr(ribbon, "1 of 2 criteria: nothing is said") &&
		       strstr(ribbon, "1 of 2 criteria") < strstr(ribbon, "</div>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(html, "<td>living/x/other</td>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(table, "living/x/other"));
	CU_ASSERT_PTR_NOT_NULL(strstr(table, "left out: not judged"));
	CU_ASSERT_PTR_NOT_NULL(strstr(junit, "tests=\"2\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(junit, "skipped=\"1\""));
}

/* What was done to the input stands in the ribbon, with its seed; and what the product was shown never passes for what the
 * camera saw. */
static void a_perturbed_run_never_looks_like_another(void)
{
	g_autoptr(Recording) rec = made_up();
	g_autoptr(RunRecord) r = of(VERDICT_PASS, "w");
	g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
	g_autoptr(GPtrArray) stills =
		g_ptr_array_new_with_free_func((GDestroyNotify)report_still_free);
	ReportStill *given = report_still_new("given", CLOCK_S, bytes);
	given->given = true;
	g_ptr_array_add(stills, given);
	g_ptr_array_add(stills, report_still_new("seen", CLOCK_S, bytes));
	r->evidence = EVIDENCE_PHYSICAL;
	g_hash_table_insert(r->meta, g_strdup("perturb"), g_strdup("fog:3@camera.main"));
	g_hash_table_insert(r->meta, g_strdup("perturb.seed"), g_strdup("7"));
	ReportInput input = {.record = r, .recording = rec, .stills = stills, .lang = "en"};
	g_autofree char *html = report_html(&input);
	const char *ribbon = strstr(html, "class=\"ribbon\"");
	const char *camera = strstr(html, "What the camera saw");
	const char *product = strstr(html, "What the product was shown");
	CU_ASSERT_TRUE(ribbon && strstr(ribbon, "perturbed input: fog:3@camera.main (seed 7)") <
					 strstr(ribbon, "</div>"));
	g_hash_table_remove_all(r->meta);
	g_hash_table_insert(r->meta, g_strdup("perturb.spared"), g_strdup("fog:0@camera.main"));
	g_autofree char *clear = report_html(&input);
	const char *said = strstr(clear, "class=\"ribbon\"");
	CU_ASSERT_TRUE(said && strstr(said, "NOT given this perturbed input: fog:0@camera.main") <
				       strstr(said, "</div>"));
	CU_ASSERT_FATAL(camera && product && camera < product);
	CU_ASSERT_TRUE(strstr(camera, ">seen<") < product && strstr(product, ">given<"));
	CU_ASSERT_PTR_NULL(strstr(product, ">seen<"));
}

static const UnitTest tests[] = {
	UNIT(a_perturbed_run_never_looks_like_another),
	UNIT(a_part_never_looks_like_the_whole),
	UNIT(names_of_neighbours_do_not_cover_each_other),
	UNIT(nothing_is_fetched_and_nothing_runs),
	UNIT(what_comes_from_outside_is_text),
	UNIT(every_page_of_a_virtual_test_says_so),
	UNIT(the_verdict_is_written_in_both_languages_and_stands_first),
};

int main(int argc, char **argv)
{
	if (!setlocale(LC_ALL, "C.UTF-8"))
		return 1;
	setlocale(LC_NUMERIC, "C");
	bindtextdomain("anzenbench", ANZEN_BINARY_DIR "/share/locale");
	bind_textdomain_codeset("anzenbench", "UTF-8");
	return unit_run("report.html", tests, G_N_ELEMENTS(tests), argc, argv);
}
