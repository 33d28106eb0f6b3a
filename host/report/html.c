#include <anzen/report.h>

#include "page.h"
#include "plot.h"
#include "words.h"

#include <math.h>
#include <string.h>

#define W(message) report_word(in->lang, N_(message))

/* ---- small pieces --------------------------------------------------------------------------------------- */

ReportStill *report_still_new(const char *caption, int64_t t_ns, GBytes *bytes)
{
	ReportStill *still = g_new0(ReportStill, 1);
	still->caption = g_strdup(caption);
	still->t_ns = t_ns;
	still->bytes = g_bytes_ref(bytes);
	still->media_type = "image/jpeg";
	return still;
}

void report_still_free(ReportStill *still)
{
	if (!still)
		return;
	g_free(still->caption);
	g_bytes_unref(still->bytes);
	g_free(still);
}

char *report_measured(const CriterionResult *r)
{
	if (!isfinite(r->measured))
		return g_strdup("–");
	g_autofree char *value = quantity_format(r->measured, &r->unit, 4);
	if (!isfinite(r->uncertainty))
		return g_steal_pointer(&value);
	g_autofree char *u = quantity_format(r->uncertainty, &r->unit, 2);
	return g_strdup_printf("%s ± %s", value, u);
}

static const char *pick(const ReportInput *in, const char *en, const char *ja)
{
	return !g_strcmp0(in->lang, "ja") && ja && *ja ? ja : en ? en : "";
}

static const char *verdict_word(const ReportInput *in, Verdict v)
{
	return !g_strcmp0(in->lang, "ja") ? verdict_name_ja(v) : verdict_name(v);
}

static void fact(GString *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	g_string_append(out, "<div><b>");
	html_text(out, name);
	g_string_append(out, "</b>");
	html_text(out, value);
	g_string_append(out, "</div>");
}

static void row(GString *out, const char *name, const char *value, bool code)
{
	if (!value || !*value)
		return;
	g_string_append(out, "<dt>");
	html_text(out, name);
	g_string_append(out, code ? "</dt><dd><code>" : "</dt><dd>");
	html_text(out, value);
	g_string_append(out, code ? "</code></dd>" : "</dd>");
}

/* ---- sections ------------------------------------------------------------------------------------------- */

static const char *evidence_words(const ReportInput *in)
{
	switch (in->record->evidence) {
	case EVIDENCE_PHYSICAL:
		return W("Physical test");
	case EVIDENCE_VIRTUAL:
		return W("Virtual test: no physical rig was used");
	case EVIDENCE_LOCK_STEP:
		return W("Virtual test in lock-step: simulated time, no physical rig was used");
	case EVIDENCE_REPLAY:
		return W("Replay of a recorded session: open loop");
	}
	return "";
}

/* Only some criteria were chosen; NULL: all were judged. */
static char *part_text(const ReportInput *in)
{
	guint n = in->record->criteria->len, left = in->record->left_out->len;
	return left > 0 ? g_strdup_printf(W("%u of %u criteria: nothing is said about the others"),
					  n, n + left)
			: NULL;
}

/* What was done to the product's input; NULL: nothing. */
static char *perturb_text(const ReportInput *in)
{
	const char *chain = g_hash_table_lookup(in->record->meta, "perturb");
	const char *seed = g_hash_table_lookup(in->record->meta, "perturb.seed");
	return chain ? g_strdup_printf(W("The product was given perturbed input: %s (seed %s)"),
				       chain, seed ? seed : "?")
		     : NULL;
}

/* A scenario for fog that was played in clear air must not look like one in fog. */
static char *spared_text(const ReportInput *in)
{
	const char *spared = g_hash_table_lookup(in->record->meta, "perturb.spared");
	return spared ? g_strdup_printf(W("The product was NOT given this perturbed input: %s"),
					spared)
		      : NULL;
}

/* What every page says. */
static void ribbon(GString *out, const ReportInput *in)
{
	g_autofree char *part = part_text(in);
	g_autofree char *perturb = perturb_text(in), *spared = spared_text(in);
	const char *texts[] = {in->record->evidence == EVIDENCE_PHYSICAL ? NULL
									 : evidence_words(in),
			       perturb, spared, part};
	bool any = false;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (!texts[i])
			continue;
		g_string_append(out, any ? " · " : "<div class=\"ribbon\">");
		html_text(out, texts[i]);
		any = true;
	}
	if (any)
		g_string_append(out, "</div>");
}

/* The criterion that made the aggregate what it is. */
static const CriterionResult *decisive(const RunRecord *rec)
{
	for (guint i = 0; i < rec->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(rec->criteria, i);
		if (r->verdict == rec->verdict)
			return r;
	}
	return NULL;
}

static void hero(GString *out, const ReportInput *in)
{
	const RunRecord *rec = in->record;
	const CriterionResult *r = decisive(rec);
	Verdict v = rec->verdict;
	g_string_append(out, "<h1>");
	html_text(out, pick(in, rec->scenario_title_en ? rec->scenario_title_en : rec->scenario,
			    rec->scenario_title_ja));
	g_string_append(out, "</h1><p class=\"sub\">");
	html_text(out, rec->product);
	g_string_append(out, " · ");
	html_text(out, rec->rig);
	g_string_append(out, " · ");
	html_text(out, rec->started_utc);
	g_string_append_printf(
		out, "</p><section class=\"hero %s\"><div class=\"v\">%s<small>%s</small></div><p>",
		verdict_name(v), verdict_word(in, v),
		!g_strcmp0(in->lang, "ja") ? verdict_name(v) : verdict_name_ja(v));
	if (r)
		html_text(out, pick(in, r->why, r->why_ja));
	g_autofree char *part = part_text(in);
	if (part) {
		g_string_append(out, "</p><p><b>");
		html_text(out, part);
		g_string_append(out, "</b>");
	}
	g_string_append(out, "</p></section>");
}

static void claim_note(GString *out, const ReportInput *in)
{
	for (guint i = 0; i < in->record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(in->record->criteria, i);
		if (r->claim_n <= 0)
			continue;
		g_autofree char *text =
			g_strdup_printf(W("This is 1 of %d runs of the claim “%s at least %.0f %% "
					  "of the time, at %.0f %% confidence”. "
					  "One run alone claims nothing about a rate."),
					r->claim_n, pick(in, r->title_en, r->title_ja),
					100 * r->claim_rate, 100 * r->claim_confidence);
		g_string_append(out, "<p>");
		html_text(out, text);
		g_string_append(out, "</p>");
		return;
	}
}

static void facts(GString *out, const ReportInput *in)
{
	const RunRecord *rec = in->record;
	g_string_append(out, "<div class=\"facts\">");
	fact(out, W("Run"), rec->run_id);
	fact(out, W("Evidence"), evidence_words(in));
	fact(out, W("Product"), rec->product);
	fact(out, W("Rig"), rec->rig);
	fact(out, W("Scenario"), rec->scenario);
	fact(out, W("Started (UTC)"), rec->started_utc);
	fact(out, W("Tool"), rec->tool_version);
	g_string_append(out, "</div>");
}

static void summary(GString *out, const ReportInput *in)
{
	g_string_append_printf(out,
			       "<h2>%s</h2><table><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</"
			       "th><th>%s</th></tr>",
			       W("Criteria"), W("Verdict"), W("Criterion"), W("Measured"),
			       W("Limit"), W("Why"));
	for (guint i = 0; i < in->record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(in->record->criteria, i);
		g_autofree char *measured = report_measured(r);
		g_autofree char *limit =
			isfinite(r->limit) ? quantity_format(r->limit, &r->unit, 4) : g_strdup("–");
		g_string_append_printf(out, "<tr><td><span class=\"chip %s\">%s</span></td><td>",
				       verdict_name(r->verdict), verdict_word(in, r->verdict));
		html_text(out, pick(in, r->title_en ? r->title_en : r->id, r->title_ja));
		g_string_append_printf(out,
				       "</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>",
				       measured, limit);
		html_text(out, pick(in, r->why, r->why_ja));
		g_string_append(out, "</td></tr>");
	}
	for (guint i = 0; i < in->record->left_out->len; i++) {
		g_string_append(out, "<tr><td>–</td><td>");
		html_text(out, g_ptr_array_index(in->record->left_out, i));
		g_string_append_printf(
			out, "</td><td class=\"n\">–</td><td class=\"n\">–</td><td>%s</td></tr>",
			W("left out: not judged"));
	}
	g_string_append(out, "</table>");
}

static char *rule_text(const ReportInput *in, const CriterionResult *r)
{
	if (!g_strcmp0(r->rule, "guarded") && isfinite(r->guard_accept))
		return g_strdup_printf(W("guarded: PASS only with a margin above %.3g %s, FAIL "
					 "only below −%.3g %s"),
				       r->guard_accept, r->unit.symbol, r->guard_reject,
				       r->unit.symbol);
	return g_strdup(r->rule);
}

static void card(GString *out, const ReportInput *in, const CriterionResult *r)
{
	g_string_append_printf(
		out, "<section class=\"card\"><header><span class=\"chip %s\">%s</span><h3>",
		verdict_name(r->verdict), verdict_word(in, r->verdict));
	html_text(out, pick(in, r->title_en ? r->title_en : r->id, r->title_ja));
	g_string_append(out, "</h3></header><p class=\"why\">");
	html_text(out, pick(in, r->why, r->why_ja));
	g_string_append(out, "</p><div class=\"cols\">");
	plot_gauge(out, r, in->lang);
	g_string_append(out, "<dl>");
	g_autofree char *measured = report_measured(r);
	g_autofree char *limit = isfinite(r->limit) ? quantity_format(r->limit, &r->unit, 4) : NULL;
	g_autofree char *margin =
		isfinite(r->margin) ? quantity_format(r->margin, &r->unit, 4) : NULL;
	g_autofree char *with_k = isfinite(r->measured) && isfinite(r->coverage) && r->coverage > 0
					  ? g_strdup_printf("%s (k = %.2f)", measured, r->coverage)
					  : g_strdup(measured);
	g_autofree char *rule = rule_text(in, r);
	g_autofree char *risk = g_strdup_printf(W("wrong PASS ≤ %.1f %%, wrong FAIL ≤ %.1f %%"),
						100 * r->risk_accept, 100 * r->risk_reject);
	g_autofree char *tipping = report_tipping(r, in->lang);
	g_autofree char *levels = report_levels(r, in->lang);
	row(out, W("Measured"), with_k, false);
	row(out, W("Limit"), limit, false);
	row(out, W("Margin"), margin, false);
	row(out, W("Level"), r->level, false);
	if (r->levels->len > 1)
		row(out, W("Levels"), levels, false);
	row(out, W("Decision rule"), rule, false);
	if (isfinite(r->risk_accept) && r->risk_accept > 0)
		row(out, W("Declared risk"), risk, false);
	row(out, W("Tipping point"), tipping, false);
	row(out, W("Formula"), r->formula, true);
	if (r->perspectives && r->perspectives->len) {
		g_autoptr(GString) list = g_string_new(NULL);
		for (guint i = 0; i < r->perspectives->len; i++)
			g_string_append_printf(list, "%s%s", i ? ", " : "",
					       (char *)g_ptr_array_index(r->perspectives, i));
		row(out, W("Perspectives"), list->str, false);
	}
	if (r->crosswalk && r->crosswalk->len) {
		g_autoptr(GString) list = g_string_new(NULL);
		for (guint i = 0; i < r->crosswalk->len; i++)
			g_string_append_printf(list, "%s%s", i ? ", " : "",
					       (char *)g_ptr_array_index(r->crosswalk, i));
		row(out, W("Standards"), list->str, false);
	}
	row(out, W("Criterion"), r->id, true);
	g_string_append(out, "</dl></div></section>");
}

static void still_figure(GString *out, const ReportStill *s)
{
	gsize size;
	const guchar *data = g_bytes_get_data(s->bytes, &size);
	g_autofree char *base64 = g_base64_encode(data, size);
	g_string_append_printf(out, "<figure><img alt=\"\" src=\"data:%s;base64,%s\"/><figcaption>",
			       s->media_type, base64);
	html_text(out, s->caption);
	g_string_append(out, "</figcaption></figure>");
}

static void stills_of(GString *out, const ReportInput *in, const char *title, bool given)
{
	bool any = false;
	for (guint i = 0; i < in->stills->len; i++) {
		const ReportStill *s = g_ptr_array_index(in->stills, i);
		if (s->given != given)
			continue;
		if (!any)
			g_string_append_printf(out, "<h2>%s</h2><div class=\"stills\">", title);
		any = true;
		still_figure(out, s);
	}
	if (any)
		g_string_append(out, "</div>");
}

static void stills(GString *out, const ReportInput *in)
{
	if (!in->stills)
		return;
	stills_of(out, in, W("What the camera saw"), false);
	stills_of(out, in, W("What the product was shown"), true);
}

static void fault_list(GString *out, const ReportInput *in)
{
	if (!in->record->faults || !in->record->faults->len)
		return;
	g_string_append_printf(
		out, "<h2>%s</h2><table><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr>",
		W("Faults"), W("Time"), W("Source"), W("Cause"), W("Blame"));
	for (guint i = 0; i < in->record->faults->len; i++) {
		const Fault *f = g_ptr_array_index(in->record->faults, i);
		if (in->recording)
			g_string_append_printf(out, "<tr><td class=\"n\">%.3f s</td><td>",
					       (double)(f->t_ns - in->recording->start_ns) * 1e-9);
		else
			g_string_append(out, "<tr><td>–</td><td>");
		html_text(out, f->source);
		g_string_append(out, "</td><td>");
		g_autofree char *cause = fault_cause_in(in->lang, f->cause);
		html_text(out, cause);
		g_string_append(out, "</td><td>");
		html_text(out, report_word(in->lang, blame_name(f->blame)));
		g_string_append(out, f->proven ? "</td></tr>" : " (?)</td></tr>");
	}
	g_string_append(out, "</table>");
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the run itself says; anything else is a name or a cause. */
static const char *said_in(const ReportInput *in, const char *value)
{
	static const char *const words[] = {N_("done"), N_("not confined"), N_("bench-only"),
					    N_("offline"), NULL};
	return g_strv_contains(words, value) ? report_word(in->lang, value) : value;
}

static void circumstance(GString *out, const ReportInput *in, const char *title, const char *key)
{
	const char *value = g_hash_table_lookup(in->record->meta, key);
	if (!value)
		return;
	g_string_append_printf(out, "<tr><th>%s</th><td>", title);
	html_text(out, said_in(in, value));
	g_string_append(out, "</td></tr>");
}

/* What changes no verdict and a reader wants to know all the same. */
static void circumstances(GString *out, const ReportInput *in)
{
	g_string_append(out, "<table>");
	circumstance(out, in, W("Perturbed input of the product"), "perturb");
	circumstance(out, in, W("Seed of the perturbation"), "perturb.seed");
	circumstance(out, in, W("Labels under the perturbation"), "perturb.labels");
	circumstance(out, in, W("Speed of the replay"), "replay.rate");
	circumstance(out, in, W("Network of the product"), "network");
	circumstance(out, in, W("Said by the product, declared nowhere"), "product.undeclared");
	circumstance(out, in, W("Cleanup after the run"), "cleanup");
	g_string_append(out, "</table>");
}

static void inputs(GString *out, const ReportInput *in)
{
	g_string_append_printf(out,
			       "<h2>%s</h2><p>%s</p><table><tr><th>%s</th><th>SHA-256</th></tr>",
			       W("What went in, for whoever checks this"),
			       W("Every file below is attached to the session; anzen score repeats "
				 "the verdicts from it."),
			       W("File"));
	if (in->record->session_sha256) {
		g_string_append(out, "<tr><td>session.mcap</td><td><code>");
		html_text(out, in->record->session_sha256);
		g_string_append(out, "</code></td></tr>");
	}
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name;
	if (in->record->inputs) {
		g_hash_table_iter_init(&iter, in->record->inputs);
		while (g_hash_table_iter_next(&iter, &name, NULL))
			g_ptr_array_add(names, name);
	}
	g_ptr_array_sort(names, by_text);
	for (guint i = 0; i < names->len; i++) {
		g_string_append(out, "<tr><td>");
		html_text(out, g_ptr_array_index(names, i));
		g_string_append(out, "</td><td><code>");
		html_text(out,
			  g_hash_table_lookup(in->record->inputs, g_ptr_array_index(names, i)));
		g_string_append(out, "</code></td></tr>");
	}
	g_string_append(out, "</table>");
}

char *report_html(const ReportInput *in)
{
	GString *out = g_string_new(NULL);
	g_string_append_printf(out,
			       "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"/>"
			       "<meta name=\"viewport\" "
			       "content=\"width=device-width,initial-scale=1\"/><title>%s – ",
			       in->lang ? in->lang : "en", verdict_word(in, in->record->verdict));
	html_text(out, in->record->run_id);
	g_string_append_printf(out, "</title><style>%s</style></head><body>", page_style);
	/* A table's head is what a browser repeats on every printed page without covering anything. */
	g_string_append(out, "<table class=\"sheet\"><thead><tr><td>");
	ribbon(out, in);
	g_string_append(out, "</td></tr></thead><tbody><tr><td><main>");
	hero(out, in);
	claim_note(out, in);
	facts(out, in);
	summary(out, in);
	g_string_append_printf(out, "<h2>%s</h2>", W("What happened"));
	plot_timeline(out, in);
	stills(out, in);
	g_string_append_printf(out, "<h2>%s</h2>", W("Each criterion"));
	for (guint i = 0; i < in->record->criteria->len; i++)
		card(out, in, g_ptr_array_index(in->record->criteria, i));
	fault_list(out, in);
	circumstances(out, in);
	inputs(out, in);
	g_string_append(out, "<footer>");
	html_text(out, W("Evidence of conformity for exactly what was measured here; not a "
			 "certificate of safety."));
	g_string_append(out, "</footer></main></td></tr></tbody></table></body></html>\n");
	return g_string_free(out, FALSE);
}

/* ---- files ---------------------------------------------------------------------------------------------- */

gboolean report_write_html(const ReportInput *in, const char *path, GError **error)
{
	g_autofree char *html = report_html(in);
	return g_file_set_contents_full(
		path, html, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644,
		error);
}
