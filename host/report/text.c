#include <anzen/report.h>

#include "plot.h"
#include "words.h"

#include <math.h>
#include <string.h>

static void cell(GString *out, const char *text, int width)
{
	g_string_append(out, text);
	for (int i = text_columns(text); i < width; i++)
		g_string_append_c(out, ' ');
}

typedef struct Line {
	char *cells[6];
} Line;

static void line_free(void *p)
{
	Line *line = p;
	for (size_t i = 0; i < G_N_ELEMENTS(line->cells); i++)
		g_free(line->cells[i]);
	g_free(line);
}

/* The last cell: on the row where it fits, else below it, wrapped. */
static void last_cell(GString *out, const char *text, int indent, int screen)
{
	enum { BELOW = 4 };
	if (screen == 0 || indent + text_columns(text) <= screen) {
		g_string_append_printf(out, "%s\n", text);
		return;
	}
	if (indent < screen)
		g_string_append_c(out, '\n');
	g_auto(GStrv) lines = text_wrap(text, screen - BELOW);
	for (int i = 0; lines[i]; i++)
		g_string_append_printf(out, "%*s%s\n", BELOW, "", lines[i]);
}

/* Widths of all columns but the last; returns where the last one begins. */
static int measure_columns(GPtrArray *lines, int *ret_width)
{
	int indent = 0;
	for (int k = 0; k < 5; k++) {
		for (guint i = 0; i < lines->len; i++)
			ret_width[k] =
				MAX(ret_width[k],
				    text_columns(((Line *)g_ptr_array_index(lines, i))->cells[k]));
		indent += ret_width[k] + 2;
	}
	return indent;
}

static void wide(GString *out, GPtrArray *lines, const int *width, int indent, int screen)
{
	for (guint i = 0; i < lines->len; i++) {
		const Line *l = g_ptr_array_index(lines, i);
		for (int k = 0; k < 5; k++)
			cell(out, l->cells[k], width[k] + 2);
		last_cell(out, l->cells[5], indent, screen);
	}
}

/* For a narrow screen: a few lines a criterion, under the run's name. */
static void tall(GString *out, GPtrArray *lines, int screen)
{
	const Line *head = g_ptr_array_index(lines, 0);
	for (guint i = 1; i < lines->len; i++) {
		const Line *l = g_ptr_array_index(lines, i);
		if (*l->cells[0])
			g_string_append_printf(out, "%s\n", l->cells[0]);
		g_string_append_printf(out, "  %s  %s\n", l->cells[1], l->cells[2]);
		if (strcmp(l->cells[3], "–") || strcmp(l->cells[4], "–"))
			g_string_append_printf(out, "    %s %s  %s %s\n", head->cells[3],
					       l->cells[3], head->cells[4], l->cells[4]);
		last_cell(out, l->cells[5], screen, screen);
	}
}

static const char *name_of(const RunRecord *record)
{
	const char *label = g_hash_table_lookup(record->meta, "label");
	return label ? label : record->run_id ? record->run_id : "";
}

static Line *judged_line(const RunRecord *record, guint i, bool ja)
{
	const CriterionResult *r = g_ptr_array_index(record->criteria, i);
	Line *l = g_new0(Line, 1);
	l->cells[0] = g_strdup(i ? "" : name_of(record));
	l->cells[1] = g_strdup(ja ? verdict_name_ja(r->verdict) : verdict_name(r->verdict));
	l->cells[2] = g_strdup(r->id);
	l->cells[3] = report_measured(r);
	l->cells[4] = isfinite(r->limit) ? quantity_format(r->limit, &r->unit, 4) : g_strdup("–");
	l->cells[5] = g_strdup(ja && r->why_ja ? r->why_ja : r->why ? r->why : "");
	return l;
}

/* What was not judged stands in the table all the same, so that a part never looks like the whole. */
static Line *left_out_line(const RunRecord *record, guint i, const char *lang)
{
	Line *l = g_new0(Line, 1);
	l->cells[0] = g_strdup(i == 0 && record->criteria->len == 0 ? name_of(record) : "");
	l->cells[1] = g_strdup("–");
	l->cells[2] = g_strdup(g_ptr_array_index(record->left_out, i));
	l->cells[3] = g_strdup("–");
	l->cells[4] = g_strdup("–");
	l->cells[5] = g_strdup(report_word(lang, N_("left out: not judged")));
	return l;
}

char *report_table(const RunRecord *const *records, size_t n, const char *lang, int screen)
{
	bool ja = !g_strcmp0(lang, "ja");
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(line_free);
	Line *head = g_new0(Line, 1);
	const char *heads[] = {N_("Run"),      N_("Verdict"), N_("Criterion"),
			       N_("Measured"), N_("Limit"),   N_("Why")};
	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
		head->cells[i] = g_strdup(report_word(lang, heads[i]));
	g_ptr_array_add(lines, head);
	for (size_t k = 0; k < n; k++) {
		for (guint i = 0; i < records[k]->criteria->len; i++)
			g_ptr_array_add(lines, judged_line(records[k], i, ja));
		for (guint i = 0; i < records[k]->left_out->len; i++)
			g_ptr_array_add(lines, left_out_line(records[k], i, lang));
	}
	GString *out = g_string_new(NULL);
	int width[6] = {0};
	int indent = measure_columns(lines, width);
	if (screen > 0 && indent > screen)
		tall(out, lines, screen);
	else
		wide(out, lines, width, indent, screen);
	return g_string_free(out, FALSE);
}

static void junit_case(GString *out, const CriterionResult *r)
{
	g_string_append(out, "    <testcase name=\"");
	html_text(out, r->id);
	g_string_append(out, "\" classname=\"anzen\">");
	const char *tag = NULL;
	switch (r->verdict) {
	case VERDICT_PASS:
		break;
	case VERDICT_FAIL:
		tag = "failure";
		break;
	case VERDICT_INVALID:
		tag = "error";
		break;
	case VERDICT_INCONCLUSIVE:
		tag = "skipped";
		break;
	}
	if (tag) {
		g_string_append_printf(out, "<%s message=\"", tag);
		html_text(out, r->why);
		g_string_append(out, "\"/>");
	}
	g_string_append(out, "</testcase>\n");
}

char *report_junit(const RunRecord *record)
{
	guint count[4] = {0};
	for (guint i = 0; i < record->criteria->len; i++)
		count[((CriterionResult *)g_ptr_array_index(record->criteria, i))->verdict]++;
	GString *out = g_string_new(
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"");
	html_text(out, record->run_id);
	g_string_append_printf(
		out, "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n",
		record->criteria->len + record->left_out->len, count[VERDICT_FAIL],
		count[VERDICT_INVALID], count[VERDICT_INCONCLUSIVE] + record->left_out->len);
	for (guint i = 0; i < record->criteria->len; i++)
		junit_case(out, g_ptr_array_index(record->criteria, i));
	for (guint i = 0; i < record->left_out->len; i++) {
		g_string_append(out, "    <testcase name=\"");
		html_text(out, g_ptr_array_index(record->left_out, i));
		g_string_append(out, "\" classname=\"anzen\"><skipped message=\"left out: not "
				     "judged\"/></testcase>\n");
	}
	g_string_append(out, "  </testsuite>\n</testsuites>\n");
	return g_string_free(out, FALSE);
}
