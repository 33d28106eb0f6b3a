/* The guideline: what the packs require, as text for people. The packs decide; the text is made from them. */
#include "pack.h"

typedef struct Guide {
	GString *out;
	bool html, ja;
	bool list; /* a list is open */
	Crosswalk *const *crosswalks;
	size_t n_crosswalks;
} Guide;

/* ---- one emitter for both forms ---- */

static void append_safe(const Guide *g, const char *text)
{
	if (g->html) {
		g_autofree char *safe = g_markup_escape_text(text, -1);
		g_string_append(g->out, safe);
		return;
	}
	for (const char *p = text; *p; p++) {
		if (strchr("\\`*_<>|#[]", *p))
			g_string_append_c(g->out, '\\');
		g_string_append_c(g->out, *p);
	}
}

static void append_code(const Guide *g, const char *text)
{
	g_string_append(g->out, g->html ? "<code>" : "`");
	if (g->html)
		append_safe(g, text);
	else
		g_string_append(g->out, text);
	g_string_append(g->out, g->html ? "</code>" : "`");
}

static void close_list(Guide *g)
{
	if (g->list)
		g_string_append(g->out, g->html ? "</ul>\n" : "\n");
	g->list = false;
}

static void heading(Guide *g, int depth, const char *text)
{
	close_list(g);
	if (g->html)
		g_string_append_printf(g->out, "<h%d>", depth);
	else
		g_string_append_printf(g->out, "%.*s ", depth, "####");
	append_safe(g, text);
	if (g->html)
		g_string_append_printf(g->out, "</h%d>\n", depth);
	else
		g_string_append(g->out, "\n\n");
}

static void paragraph(Guide *g, const char *text)
{
	close_list(g);
	g_string_append(g->out, g->html ? "<p>" : "");
	append_safe(g, text);
	g_string_append(g->out, g->html ? "</p>\n" : "\n\n");
}

static void item_begin(Guide *g, const char *label)
{
	if (!g->list)
		g_string_append(g->out, g->html ? "<ul>\n" : "");
	g->list = true;
	g_string_append(g->out, g->html ? "<li>" : "- ");
	append_safe(g, label);
	g_string_append(g->out, g->ja ? ":" : ": ");
}

static void item_end(const Guide *g)
{
	g_string_append(g->out, g->html ? "</li>\n" : "\n");
}

static const char *say(const Guide *g, const char *en, const char *ja)
{
	return g->ja ? ja : en;
}

static void G_GNUC_PRINTF(3, 4) item(Guide *g, const char *label, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	item_begin(g, label);
	append_safe(g, text);
	item_end(g);
}

static void code_item(Guide *g, const char *label, const char *text)
{
	item_begin(g, label);
	append_code(g, text);
	item_end(g);
}

/* ---- a criterion ---- */

static char *joined(const GPtrArray *texts)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(out, "%s%s", i ? ", " : "",
				       (const char *)g_ptr_array_index(texts, i));
	return g_string_free(out, FALSE);
}

/* A stand-in number is none of the guideline's. */
static bool lab_supplies_limit(const Criterion *c)
{
	return c->limit && c->limit[0] == '$' && g_hash_table_contains(c->stand_in, c->limit + 1);
}

static void requirement(Guide *g, const Criterion *c)
{
	const char *label = say(g, "Requirement", "要求事項");
	if (!c->measure) {
		code_item(g, label, c->formula);
		return;
	}
	item_begin(g, label);
	append_code(g, c->measure);
	g_string_append_printf(g->out, " [%s] ", c->unit.symbol);
	append_safe(g, c->good == GOOD_BELOW
			       ? say(g, "stays below the limit", "が限度を下回ること")
			       : say(g, "stays above the limit", "が限度を上回ること"));
	item_end(g);
	code_item(g, say(g, "Formula", "論理式"), c->formula);
}

static void append_level(const Guide *g, const Criterion *c, guint i, GString *out)
{
	const CriterionLevel *level = g_ptr_array_index(c->levels, i);
	const Quantity *limit = g_hash_table_lookup(level->parameters, "limit");
	if (!limit)
		return;
	g_string_append_printf(out, "%s%s %g %s", out->len ? say(g, ", ", "、") : "", level->name,
			       limit->value, limit->unit.symbol);
	if ((int)i == c->required)
		g_string_append(out, say(g, " (required)", "(要求水準)"));
}

static void parameters(Guide *g, const Criterion *c)
{
	g_autoptr(GList) names =
		g_list_sort(g_hash_table_get_keys(c->parameters), (GCompareFunc)strcmp);
	g_autoptr(GString) out = g_string_new(NULL);
	for (GList *l = names; l; l = l->next) {
		const Quantity *q = g_hash_table_lookup(c->parameters, l->data);
		g_string_append_printf(out, "%s%s = %g %s", out->len ? say(g, ", ", "、") : "",
				       (const char *)l->data, q->value, q->unit.symbol);
	}
	if (out->len > 0)
		item(g, say(g, "Numbers", "数値"), "%s", out->str);
}

static void levels(Guide *g, const Criterion *c)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (guint i = 0; i < c->levels->len; i++)
		append_level(g, c, i, out);
	if (out->len > 0)
		item(g, say(g, "Levels", "評価水準"), "%s", out->str);
	parameters(g, c);
	if (lab_supplies_limit(c))
		item(g, say(g, "Limit", "限度"), "%s",
		     say(g, "supplied by the lab", "試験所が定める"));
}

static void decision(Guide *g, const Criterion *c)
{
	if (g->ja)
		item(g, "判定", "規則 %s、誤合格 %g %%、誤不合格 %g %%(片側)", rule_name(c->rule),
		     100 * c->risk_accept, 100 * c->risk_reject);
	else
		item(g, "Decision", "rule %s, false accept %g %%, false reject %g %% (one-sided)",
		     rule_name(c->rule), 100 * c->risk_accept, 100 * c->risk_reject);
	if (c->claim_n <= 0)
		return;
	if (g->ja)
		item(g, "反復", "%d 回、許容失敗 %d 回で、信頼度 %g %% で %g %% 以上を示す",
		     c->claim_n, c->claim_permitted, 100 * c->claim_confidence,
		     100 * c->claim_rate);
	else
		item(g, "Repeats",
		     "%d runs with at most %d failures show at least %g %% at %g %% confidence",
		     c->claim_n, c->claim_permitted, 100 * c->claim_rate,
		     100 * c->claim_confidence);
	if (c->claim_over && g->ja)
		item(g, "公平性", "パラメータ %s の群の間の差が %g %% 未満であることを示す",
		     c->claim_over, 100 * c->claim_gap);
	else if (c->claim_over)
		item(g, "Fairness",
		     "the rates of the groups by the parameter %s are shown to differ by less than "
		     "%g %%",
		     c->claim_over, 100 * c->claim_gap);
}

static void sources(Guide *g, const Criterion *c)
{
	const char *parts[] = {criterion_basis(&c->source, say(g, "en", "ja")), c->source.by,
			       c->source.population, say(g, c->source.note, c->source.note_ja)};
	g_autoptr(GString) out = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		if (parts[i] && *parts[i])
			g_string_append_printf(out, "%s%s", out->len ? "; " : "", parts[i]);
	item(g, say(g, "Numbers from", "数値の根拠"), "%s", out->str);
	if (c->adoptable)
		item(g, say(g, "Standing", "扱い"), "%s",
		     say(g, "INVALID until a lab adopts the numbers as its own decision",
			 "試験所が数値を自らの決定として採用するまで試験無効"));
	else if (c->needs)
		item(g, say(g, "Standing", "扱い"), "%s: %s",
		     say(g, "INVALID until the lab supplies", "試験所が用意するまで試験無効"),
		     say(g, c->needs, c->needs_ja));
	if (c->evidence)
		item(g, say(g, "Evidence", "証拠"), "%s",
		     say(g, "physical runs only", "実機の試験に限る"));
}

static const CrosswalkRow *row_of(const Guide *g, const char *full)
{
	const char *colon = strchr(full, ':');
	for (size_t i = 0; colon && i < g->n_crosswalks; i++) {
		const Crosswalk *x = g->crosswalks[i];
		if (strlen(x->id) == (size_t)(colon - full) &&
		    !strncmp(x->id, full, (size_t)(colon - full)))
			return crosswalk_row(x, colon + 1);
	}
	return NULL;
}

static void rows(Guide *g, const Criterion *c)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (guint i = 0; i < c->crosswalk->len; i++) {
		const char *full = g_ptr_array_index(c->crosswalk, i);
		const CrosswalkRow *row = row_of(g, full);
		g_string_append_printf(out, "%s%s", out->len ? "; " : "", full);
		if (row)
			g_string_append_printf(out, " (%s)", say(g, row->title_en, row->title_ja));
	}
	if (out->len > 0)
		item(g, say(g, "Bears on", "関連する規格等"), "%s", out->str);
}

static void criterion(Guide *g, const Criterion *c)
{
	g_autofree char *perspectives = joined(c->perspectives);
	heading(g, 3, say(g, c->title_en, c->title_ja));
	code_item(g, say(g, "Id", "識別子"), c->full_id);
	item(g, say(g, "Perspectives", "評価観点"), "%s", perspectives);
	if (c->hazard)
		item(g, say(g, "Hazard", "ハザード"), "%s", c->hazard);
	requirement(g, c);
	if (c->premise && strcmp(c->premise, "true"))
		code_item(g, say(g, "Exercised only when", "実施の前提"), c->premise);
	levels(g, c);
	decision(g, c);
	if (c->partner)
		code_item(g, say(g, "Always judged with", "必ず併せて判定"), c->partner);
	sources(g, c);
	rows(g, c);
}

/* ---- the whole ---- */

static void preface(Guide *g)
{
	heading(g, 1,
		say(g, "Guideline: evaluation criteria for AI products in the home",
		    "ガイドライン: 生活空間で使うAI製品の評価基準"));
	paragraph(g, say(g,
			 "This text is made from the packs named below. Where they differ, the "
			 "packs decide.",
			 "この文書は下記のパックから作成した。食い違いがあればパックが優先する。"));
	paragraph(g, say(g,
			 "A run is PASS or FAIL only when the measured value lies clear of the "
			 "limit by its "
			 "uncertainty; otherwise INCONCLUSIVE. What the bench itself spoilt is "
			 "INVALID, and "
			 "missing data never pass. A run decides one case; a claim needs as many "
			 "runs as it says.",
			 "測定値が不確かさを超えて限度から離れているときだけ適合・不適合とし、それ"
			 "以外は判定保留とする。"
			 "試験側の不備は試験無効とし、欠測を適合とすることはない。一回の試験は一つ"
			 "の事例を判定し、"
			 "主張には所定の回数の試験が必要である。"));
}

static void pack_text(Guide *g, const Pack *pack)
{
	const char *title = say(g, pack->title_en, pack->title_ja);
	g_autofree char *text =
		g_strdup_printf("%s (%s %s)", title ? title : pack->id, pack->id, pack->version);
	heading(g, 2, text);
	for (guint i = 0; i < pack->criteria->len; i++)
		criterion(g, g_ptr_array_index(pack->criteria, i));
}

char *criterion_guide(Pack *const *packs, size_t n_packs, Crosswalk *const *crosswalks,
		      size_t n_crosswalks, const char *lang, GuideForm form)
{
	Guide g = {.out = g_string_new(NULL),
		   .html = form == GUIDE_HTML,
		   .ja = !g_strcmp0(lang, "ja"),
		   .crosswalks = crosswalks,
		   .n_crosswalks = n_crosswalks};
	if (g.html)
		g_string_append_printf(g.out,
				       "<!DOCTYPE html>\n<html lang=\"%s\">\n<head><meta "
				       "charset=\"utf-8\"/><title>%s</title>\n"
				       "<style>body{max-width:50em;margin:2em auto;padding:0 "
				       "1em;font-family:sans-serif;"
				       "line-height:1.6}code{background:#eee;overflow-wrap:"
				       "anywhere}</style></head>\n<body>\n",
				       g.ja ? "ja" : "en", say(&g, "Guideline", "ガイドライン"));
	preface(&g);
	for (size_t i = 0; i < n_packs; i++)
		pack_text(&g, packs[i]);
	close_list(&g);
	if (g.html)
		g_string_append(g.out, "</body>\n</html>\n");
	return g_string_free(g.out, FALSE);
}
