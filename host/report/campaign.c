/* A campaign's page: what many runs show together. */
#include <anzen/report.h>

#include "page.h"
#include "plot.h"
#include "words.h"

#include <math.h>
#include <string.h>

#define W(message) report_word(in->lang, N_(message))

static const char *pick(const ReportCampaign *in, const char *en, const char *ja)
{
	return !g_strcmp0(in->lang, "ja") && ja && *ja ? ja : en ? en : "";
}

static const char *verdict_word(const ReportCampaign *in, Verdict v)
{
	return !g_strcmp0(in->lang, "ja") ? verdict_name_ja(v) : verdict_name(v);
}

static const char *meta(const RunRecord *run, const char *key)
{
	const char *value = g_hash_table_lookup(run->meta, key);
	return value ? value : "";
}

static const RunRecord *run_at(const ReportCampaign *in, guint i)
{
	return g_ptr_array_index(in->runs, i);
}

static const CriterionResult *result_of(const RunRecord *run, const char *id)
{
	for (guint i = 0; i < run->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(run->criteria, i);
		if (!strcmp(r->id, id))
			return r;
	}
	return NULL;
}

static const ClaimResult *decisive(const ReportCampaign *in)
{
	for (guint i = 0; i < in->claims->len; i++) {
		const ClaimResult *c = g_ptr_array_index(in->claims, i);
		if (c->verdict == in->verdict)
			return c;
	}
	return NULL;
}

/* ---- above ---------------------------------------------------------------------------------------------- */

static void ribbon(GString *out, const ReportCampaign *in)
{
	EvidenceClass evidence = in->runs->len ? run_at(in, 0)->evidence : EVIDENCE_PHYSICAL;
	if (evidence == EVIDENCE_PHYSICAL)
		return;
	g_string_append(out, "<div class=\"ribbon\">");
	html_text(
		out,
		evidence == EVIDENCE_VIRTUAL
			? W("Virtual test: no physical rig was used")
			: W("Virtual test in lock-step: simulated time, no physical rig was used"));
	g_string_append(out, "</div>");
}

static void hero(GString *out, const ReportCampaign *in)
{
	const ClaimResult *c = decisive(in);
	g_string_append(out, "<h1>");
	html_text(out, pick(in, in->title_en ? in->title_en : in->id, in->title_ja));
	g_string_append(out, "</h1><p class=\"sub\">");
	html_text(out, in->runs->len ? run_at(in, 0)->product : "");
	g_string_append(out, " · ");
	html_text(out, in->runs->len ? run_at(in, 0)->rig : "");
	g_string_append(out, " · ");
	html_text(out, in->runs->len ? run_at(in, 0)->started_utc : "");
	g_string_append_printf(out, "</p><section class=\"hero %s\"><div class=\"v\">%s</div><p>",
			       verdict_name(in->verdict), verdict_word(in, in->verdict));
	if (!in->complete) {
		g_autofree char *text =
			g_strdup_printf(W("Not finished: %u runs of %u that the plan draws"),
					in->runs->len, in->drawn);
		html_text(out, text);
	} else if (c) {
		html_text(out, pick(in, c->title_en, c->title_ja));
		g_string_append(out, "<br/>");
		html_text(out, pick(in, c->why, c->why_ja));
	}
	g_string_append(out, "</p></section>");
}

/* ---- claims --------------------------------------------------------------------------------------------- */

enum { BAR_W = 320, BAR_H = 34 };

/* Bounds of the rate (of a gap) from 0 to 100 %, and what is required. */
static void bar(GString *out, const ClaimResult *c)
{
	double lo = CLAMP(c->lower, 0, 1) * BAR_W, hi = CLAMP(c->upper, 0, 1) * BAR_W;
	double need = CLAMP(c->rate, 0, 1) * BAR_W;
	if (!isfinite(lo) || !isfinite(hi))
		return;
	g_string_append_printf(
		out,
		"<svg class=\"bar\" style=\"width:%dpx\" viewBox=\"0 0 %d %d\"><rect class=\"%s\" "
		"x=\"0\" y=\"0\" width=\"%.1f\" height=\"18\"/><rect class=\"%s\" x=\"%.1f\" "
		"y=\"0\" "
		"width=\"%.1f\" height=\"18\"/>",
		BAR_W, BAR_W, BAR_H, c->over ? "zone-pass" : "zone-fail", need,
		c->over ? "zone-fail" : "zone-pass", need, BAR_W - need);
	g_string_append_printf(
		out,
		"<rect x=\"%.1f\" y=\"5\" width=\"%.1f\" height=\"8\" class=\"dot\"/><line "
		"class=\"limit\" x1=\"%.1f\" y1=\"0\" x2=\"%.1f\" y2=\"18\"/><text class=\"tick\" "
		"x=\"0\" y=\"32\">0 %%</text><text class=\"tick\" x=\"%d\" y=\"32\" "
		"text-anchor=\"end\">100 %%</text></svg>",
		lo, MAX(hi - lo, 1.5), need, need, BAR_W);
}

static void claims(GString *out, const ReportCampaign *in)
{
	g_string_append_printf(out, "<h2>%s</h2>", W("What the runs show together"));
	for (guint i = 0; i < in->claims->len; i++) {
		const ClaimResult *c = g_ptr_array_index(in->claims, i);
		g_string_append_printf(
			out,
			"<section class=\"card\"><header><span class=\"chip %s\">%s</span><h3>",
			verdict_name(c->verdict), verdict_word(in, c->verdict));
		html_text(out, pick(in, c->title_en ? c->title_en : c->criterion, c->title_ja));
		g_string_append(out, "</h3></header><p class=\"why\">");
		html_text(out, pick(in, c->why, c->why_ja));
		g_string_append(out, "</p><div class=\"cols\">");
		bar(out, c);
		g_string_append_printf(
			out,
			"<dl><dt>%s</dt><dd>%u / %u</dd><dt>%s</dt><dd>%u</dd><dt>%s</dt>"
			"<dd>%s</dd></dl></div></section>",
			W("Passed"), c->passed, c->n, W("INVALID runs"), c->invalid,
			W("Highest level whose claim is PASS"), c->level ? c->level : "–");
	}
}

/* ---- measured over what was drawn ------------------------------------------------------------------------ */

enum { PLOT_W = 760, PLOT_H = 250, PLOT_L = 70, PLOT_R = 20, PLOT_T = 14, PLOT_B = 46 };

typedef struct Point {
	double x, y, u;
	Verdict verdict;
} Point;

typedef struct Scatter {
	GArray *points;
	double x0, x1, y0, y1, limit;
	char *x_unit;
} Scatter;

static bool number_of(const RunRecord *run, const char *key, double *ret, char **ret_unit)
{
	Quantity q;
	if (!*key) {
		*ret = g_ascii_strtod(meta(run, "campaign.draw"), NULL);
		return *ret > 0;
	}
	if (!quantity_parse(meta(run, key), &q, NULL))
		return false;
	*ret = q.value;
	g_free(*ret_unit);
	*ret_unit = g_strdup(q.unit.symbol);
	return true;
}

/* key: "parameter.light", or "" for the order of the draws. */
static void collect(const ReportCampaign *in, const char *id, const char *key, Scatter *s)
{
	*s = (Scatter){.points = g_array_new(FALSE, FALSE, sizeof(Point)),
		       .x0 = INFINITY,
		       .x1 = -INFINITY,
		       .y0 = INFINITY,
		       .y1 = -INFINITY,
		       .limit = (double)NAN};
	for (guint i = 0; i < in->runs->len; i++) {
		const CriterionResult *r = result_of(run_at(in, i), id);
		Point p = {0};
		if (!r || !isfinite(r->measured) ||
		    !number_of(run_at(in, i), key, &p.x, &s->x_unit))
			continue;
		p.y = r->measured;
		p.u = isfinite(r->uncertainty) ? r->uncertainty : 0;
		p.verdict = r->verdict;
		g_array_append_val(s->points, p);
		s->limit = r->limit;
		s->x0 = fmin(s->x0, p.x);
		s->x1 = fmax(s->x1, p.x);
		s->y0 = fmin(s->y0, p.y - p.u);
		s->y1 = fmax(s->y1, p.y + p.u);
	}
	if (isfinite(s->limit)) {
		s->y0 = fmin(s->y0, s->limit);
		s->y1 = fmax(s->y1, s->limit);
	}
	double room = (s->y1 - s->y0) * 0.08;
	s->y1 += room;
	s->y0 = s->y0 >= 0 && s->y0 < s->y1 / 2 ? 0
						: s->y0 - room; /* from 0 where that costs little */
}

static double px(const Scatter *s, double x)
{
	return PLOT_L + (PLOT_W - PLOT_L - PLOT_R) * (x - s->x0) / (s->x1 - s->x0);
}

static double py(const Scatter *s, double y)
{
	return PLOT_H - PLOT_B - (PLOT_H - PLOT_T - PLOT_B) * (y - s->y0) / (s->y1 - s->y0);
}

/* 1, 2 or 5 times a power of ten, for some five ticks. */
static double tick_step(double span)
{
	double step = pow(10, floor(log10(span / 5)));
	double times = span / 5 / step;
	return step * (times > 5 ? 10 : times > 2 ? 5 : times > 1 ? 2 : 1);
}

static void axes(GString *out, const Scatter *s, const char *x_name, const Unit *unit)
{
	double bottom = PLOT_H - PLOT_B, x_step = tick_step(s->x1 - s->x0),
	       y_step = tick_step(s->y1 - s->y0);
	for (double x = ceil(s->x0 / x_step) * x_step; x <= s->x1; x += x_step)
		g_string_append_printf(out,
				       "<text class=\"tick m\" x=\"%.1f\" y=\"%.1f\">%.4g</text>",
				       px(s, x), bottom + 16, x);
	for (double y = ceil(s->y0 / y_step) * y_step; y <= s->y1; y += y_step)
		g_string_append_printf(
			out,
			"<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
			"<text class=\"unit\" x=\"%d\" y=\"%.1f\">%.4g</text>",
			PLOT_L, py(s, y), PLOT_W - PLOT_R, py(s, y), PLOT_L - 8, py(s, y) + 4, y);
	g_string_append_printf(out,
			       "<line class=\"a\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>",
			       PLOT_L, bottom, PLOT_W - PLOT_R, bottom);
	g_string_append_printf(out, "<text class=\"tick m b\" x=\"%d\" y=\"%d\">",
			       (PLOT_W + PLOT_L) / 2, PLOT_H - 6);
	html_text(out, x_name);
	if (s->x_unit && strcmp(s->x_unit, "1") != 0)
		g_string_append_printf(out, " (%s)", s->x_unit);
	g_string_append_printf(out, "</text><text class=\"tick b\" x=\"4\" y=\"%d\">%s</text>",
			       PLOT_T, unit->symbol);
}

static void scatter(GString *out, const ReportCampaign *in, const ClaimResult *c, const char *key)
{
	Scatter s;
	collect(in, c->criterion, key, &s);
	const CriterionResult *r = in->runs->len ? result_of(run_at(in, 0), c->criterion) : NULL;
	if (r && s.points->len >= 2 && s.x1 > s.x0 && s.y1 > s.y0) {
		g_string_append_printf(out, "<svg class=\"scatter\" viewBox=\"0 0 %d %d\">", PLOT_W,
				       PLOT_H);
		axes(out, &s, *key ? key + strlen("parameter.") : W("run"), &r->unit);
		if (isfinite(s.limit))
			g_string_append_printf(out,
					       "<line class=\"limit\" x1=\"%d\" y1=\"%.1f\" "
					       "x2=\"%d\" y2=\"%.1f\"/>",
					       PLOT_L, py(&s, s.limit), PLOT_W - PLOT_R,
					       py(&s, s.limit));
		for (guint i = 0; i < s.points->len; i++) {
			const Point *p = &g_array_index(s.points, Point, i);
			g_string_append_printf(out,
					       "<g class=\"%s\"><line x1=\"%.1f\" y1=\"%.1f\" "
					       "x2=\"%.1f\" y2=\"%.1f\"/>"
					       "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/></g>",
					       verdict_name(p->verdict), px(&s, p->x),
					       py(&s, p->y - p->u), px(&s, p->x),
					       py(&s, p->y + p->u), px(&s, p->x), py(&s, p->y));
		}
		g_string_append(out, "</svg>");
	}
	g_array_unref(s.points);
	g_free(s.x_unit);
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keys of parameters whose value is not the same in all runs. Borrowed from the runs. */
static GPtrArray *drawn_keys(const ReportCampaign *in)
{
	GPtrArray *keys = g_ptr_array_new();
	if (in->runs->len == 0)
		return keys;
	GHashTableIter iter;
	gpointer key;
	g_hash_table_iter_init(&iter, run_at(in, 0)->meta);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		bool varies = false;
		for (guint i = 1; i < in->runs->len; i++)
			varies |= strcmp(meta(run_at(in, i), key), meta(run_at(in, 0), key)) != 0;
		if (g_str_has_prefix(key, "parameter.") && varies)
			g_ptr_array_add(keys, key);
	}
	g_ptr_array_sort(keys, by_text);
	return keys;
}

static void plots(GString *out, const ReportCampaign *in, const GPtrArray *keys)
{
	g_string_append_printf(out, "<h2>%s</h2>", W("Measured, over what was drawn"));
	for (guint i = 0; i < in->claims->len; i++) {
		const ClaimResult *c = g_ptr_array_index(in->claims, i);
		const CriterionResult *r =
			in->runs->len ? result_of(run_at(in, 0), c->criterion) : NULL;
		if (!r || c->over || !isfinite(r->limit))
			continue;
		g_string_append(out, "<h3>");
		html_text(out, pick(in, c->title_en ? c->title_en : c->criterion, c->title_ja));
		g_string_append(out, "</h3>");
		for (guint k = 0; k < keys->len; k++)
			scatter(out, in, c, g_ptr_array_index(keys, k));
		scatter(out, in, c, "");
	}
}

/* ---- runs ------------------------------------------------------------------------------------------------ */

static void run_row(GString *out, const ReportCampaign *in, const RunRecord *run,
		    const GPtrArray *keys)
{
	g_string_append(out, "<tr><td class=\"n\">");
	html_text(out, meta(run, "campaign.draw"));
	if (strcmp(meta(run, "campaign.attempt"), "1") != 0) {
		g_string_append(out, " / ");
		html_text(out, meta(run, "campaign.attempt"));
	}
	g_string_append_printf(out, "</td><td><span class=\"chip %s\">%s</span></td>",
			       verdict_name(run->verdict), verdict_word(in, run->verdict));
	for (guint k = 0; k < keys->len; k++) {
		g_string_append(out, "<td class=\"n\">");
		html_text(out, meta(run, g_ptr_array_index(keys, k)));
		g_string_append(out, "</td>");
	}
	for (guint i = 0; i < in->claims->len; i++) {
		const ClaimResult *c = g_ptr_array_index(in->claims, i);
		const CriterionResult *r = c->over ? NULL : result_of(run, c->criterion);
		g_autofree char *text = r ? report_measured(r) : g_strdup("–");
		if (!c->over)
			g_string_append_printf(out, "<td class=\"n\">%s</td>", text);
	}
	g_string_append(out, "<td><a href=\"runs/");
	html_text(out, run->run_id);
	g_string_append(out, "/report.html\">");
	html_text(out, run->run_id);
	g_string_append(out, "</a></td></tr>");
}

static void runs(GString *out, const ReportCampaign *in, const GPtrArray *keys)
{
	g_string_append_printf(out, "<h2>%s</h2><table><tr><th>%s</th><th>%s</th>", W("Runs"),
			       W("Run"), W("Verdict"));
	for (guint k = 0; k < keys->len; k++) {
		g_string_append(out, "<th>");
		html_text(out, (const char *)g_ptr_array_index(keys, k) + strlen("parameter."));
		g_string_append(out, "</th>");
	}
	for (guint i = 0; i < in->claims->len; i++) {
		const ClaimResult *c = g_ptr_array_index(in->claims, i);
		if (c->over)
			continue;
		g_string_append(out, "<th>");
		html_text(out, pick(in, c->title_en ? c->title_en : c->criterion, c->title_ja));
		g_string_append(out, "</th>");
	}
	g_string_append_printf(out, "<th>%s</th></tr>", W("Report"));
	for (guint i = 0; i < in->runs->len; i++)
		run_row(out, in, run_at(in, i), keys);
	g_string_append(out, "</table>");
}

char *report_campaign_html(const ReportCampaign *in)
{
	GString *out = g_string_new(NULL);
	g_autoptr(GPtrArray) keys = drawn_keys(in);
	g_string_append_printf(
		out,
		"<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"/><meta "
		"name=\"viewport\" content=\"width=device-width,initial-scale=1\"/><title>%s – ",
		in->lang ? in->lang : "en", verdict_word(in, in->verdict));
	html_text(out, in->id);
	g_string_append_printf(
		out, "</title><style>%s</style></head><body><table class=\"sheet\"><thead><tr><td>",
		page_style);
	ribbon(out, in);
	g_string_append(out, "</td></tr></thead><tbody><tr><td><main>");
	hero(out, in);
	claims(out, in);
	plots(out, in, keys);
	runs(out, in, keys);
	g_string_append_printf(out, "<h2>%s</h2><p>plan.json <code>",
			       W("What was fixed before the first run"));
	html_text(out, in->plan_sha256);
	g_string_append(out, "</code></p><footer>");
	html_text(out, W("Evidence of conformity for exactly what was measured here; not a "
			 "certificate of safety."));
	g_string_append(out, "</footer></main></td></tr></tbody></table></body></html>\n");
	return g_string_free(out, FALSE);
}
