/* A criterion in words, for `anzen criteria explain` and reports. */
#include "pack.h"
#include <anzen/metrology.h>

typedef struct Words {
	const char *measured, *limit, *below, *above, *rule, *risks, *required, *perspectives,
		*source, *claim, *partner, *physical, *needs, *formula;
} Words;

static const Words words_en = {
	"Measured",
	"limit",
	"good below",
	"good above",
	"Decision",
	"false accept %g %%, false reject %g %% (one-sided)",
	"required",
	"Perspectives",
	"Numbers from",
	"Claim: at least %g %% at %g %% confidence (one-sided lower bound), %d runs, "
	"%d permitted failures",
	"Always judged with",
	"Needs physical evidence; virtual runs are INVALID",
	"The lab must first supply",
	"Formula",
};
static const Words words_ja = {
	"測定量",
	"限度",
	"下回れば良",
	"上回れば良",
	"判定規則",
	"誤合格 %g %%、誤不合格 %g %%(片側)",
	"要求水準",
	"評価観点",
	"数値の根拠",
	"主張: 信頼度 %2$g %% で %1$g %% 以上(片側下限)、%3$d 回、許容失敗 %4$d 回",
	"必ず併せて判定",
	"実機の証拠が必要(仮想試験は試験無効)",
	"試験所が用意すべきもの",
	"論理式",
};

static void append_levels(GString *out, const Criterion *c, const Words *w)
{
	for (guint i = 0; i < c->levels->len; i++) {
		const CriterionLevel *level = g_ptr_array_index(c->levels, i);
		Quantity limit;
		if (!criterion_limit(c, (int)i, &limit))
			continue;
		g_string_append_printf(
			out, "  %s: %s %g %s%s%s%s\n", level->name, w->limit, limit.value,
			limit.unit.symbol, (int)i == c->required ? " (" : "",
			(int)i == c->required ? w->required : "", (int)i == c->required ? ")" : "");
	}
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* two fixed tables above, same arguments */
static void append_numbers(GString *out, const Criterion *c, const Words *w)
{
	g_string_append_printf(out, "%s: %s, ", w->rule, rule_name(c->rule));
	g_string_append_printf(out, w->risks, 100 * c->risk_accept, 100 * c->risk_reject);
	g_string_append_c(out, '\n');
	if (c->claim_n > 0) {
		g_string_append_printf(out, w->claim, 100 * c->claim_rate,
				       100 * c->claim_confidence, c->claim_n, c->claim_permitted);
		g_string_append_c(out, '\n');
	}
}
#pragma GCC diagnostic pop

char *criterion_explain(const Criterion *c, const char *lang)
{
	const Words *w = !g_strcmp0(lang, "ja") ? &words_ja : &words_en;
	const char *title = w == &words_ja ? c->title_ja : c->title_en;
	GString *out = g_string_new(NULL);
	g_string_append_printf(out, "%s  %s\n%s: %s\n", c->full_id, title, w->formula, c->formula);
	if (c->measure)
		g_string_append_printf(out, "%s: %s [%s], %s %s\n", w->measured, c->measure,
				       c->unit.symbol, w->limit,
				       c->good == GOOD_BELOW ? w->below : w->above);
	append_levels(out, c, w);
	append_numbers(out, c, w);
	if (c->partner)
		g_string_append_printf(out, "%s: %s\n", w->partner, c->partner);
	if (c->evidence)
		g_string_append_printf(out, "%s\n", w->physical);
	if (c->needs)
		g_string_append_printf(out, "%s: %s\n", w->needs,
				       w == &words_ja ? c->needs_ja : c->needs);
	g_string_append_printf(out, "%s:", w->perspectives);
	for (guint i = 0; i < c->perspectives->len; i++)
		g_string_append_printf(out, " %s",
				       (const char *)g_ptr_array_index(c->perspectives, i));
	const char *note = w == &words_ja ? c->source.note_ja : c->source.note;
	g_string_append_printf(out, "\n%s: %s%s%s%s%s\n", w->source,
			       criterion_basis(&c->source, lang), c->source.by ? ", " : "",
			       c->source.by ? c->source.by : "", note ? "; " : "",
			       note ? note : "");
	return g_string_free(out, FALSE);
}
