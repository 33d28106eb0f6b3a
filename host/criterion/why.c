/* One sentence for people, with numbers and units, in English and Japanese. */
#include "judge.h"

/* Digits after the point so that the uncertainty shows two significant ones. */
static int decimals(double uncertainty, double value)
{
	double of = uncertainty > 0 && isfinite(uncertainty) ? uncertainty : fabs(value) / 100;
	if (!(of > 0) || !isfinite(of))
		return 2;
	return CLAMP(1 - (int)floor(log10(of)), 0, 6);
}

char *why_number(double value, const Unit *unit, double uncertainty)
{
	char number[64], spread[64], format[16];
	const char *symbol =
		unit_is_dimensionless(unit) && !strcmp(unit->symbol, "1") ? "" : unit->symbol;
	if (!isfinite(value))
		return g_strdup(isnan(value) ? "?" : value > 0 ? "∞" : "-∞");
	g_snprintf(format, sizeof(format), "%%.%df", decimals(uncertainty, value));
	g_ascii_formatd(number, sizeof(number), format, value);
	if (!(uncertainty > 0) || !isfinite(uncertainty))
		return g_strdup_printf("%s%s%s", number, *symbol ? " " : "", symbol);
	g_ascii_formatd(spread, sizeof(spread), format, uncertainty);
	return g_strdup_printf("%s%s%s ± %s%s%s", number, *symbol ? " " : "", symbol, spread,
			       *symbol ? " " : "", symbol);
}

static char *plain(double value, const Unit *unit)
{
	char number[64];
	if (!isfinite(value))
		return why_number(value, unit, 0);
	g_ascii_formatd(number, sizeof(number), "%.6g", value);
	return g_strdup_printf("%s%s%s", number, unit_is_dimensionless(unit) ? "" : " ",
			       unit_is_dimensionless(unit) ? "" : unit->symbol);
}

Text why_trouble(const Judge *judge, const Trouble *trouble)
{
	(void)judge;
	if (trouble->proven)
		return text_copy(&trouble->what);
	return (Text){g_strdup_printf("cause unknown: %s", trouble->what.en),
		      g_strdup_printf("原因不明: %s", trouble->what.ja)};
}

static Text number_text(const Criterion *c, const Outcome *o, Verdict verdict)
{
	g_autofree char *measured = why_number(o->measured, &o->unit, o->uncertainty);
	g_autofree char *limit = plain(o->limit, &o->unit);
	g_autofree char *margin = why_number(o->margin, &o->unit, 0);
	double guard = verdict == VERDICT_FAIL ? o->reject : o->accept;
	g_autofree char *band = why_number(guard, &o->unit, 0);
	const char *en_side = c->good == GOOD_BELOW ? "below" : "above",
		   *ja_side = c->good == GOOD_BELOW ? "未満" : "超";
	switch (verdict) {
	case VERDICT_PASS:
		return (Text){
			g_strdup_printf("measured %s; required %s %s; the margin of %s exceeds its "
					"guard band of %s",
					measured, en_side, limit, margin, band),
			g_strdup_printf("測定値 %s、要求は %s %s。余裕 %s は保護幅 %s を上回ります",
					measured, limit, ja_side, margin, band)};
	case VERDICT_FAIL:
		return (Text){g_strdup_printf("measured %s; required %s %s; the limit is missed by "
					      "more than the guard band "
					      "of %s",
					      measured, en_side, limit, band),
			      g_strdup_printf(
				      "測定値 %s、要求は %s %s。保護幅 %s を超えて限度を外れました",
				      measured, limit, ja_side, band)};
	case VERDICT_INCONCLUSIVE:
	case VERDICT_INVALID:
		break;
	}
	return (Text){
		g_strdup_printf(
			"measured %s; required %s %s; the margin of %s lies within its uncertainty",
			measured, en_side, limit, margin),
		g_strdup_printf("測定値 %s、要求は %s %s。余裕 %s は不確かさの範囲内です", measured,
				limit, ja_side, margin)};
}

static Text unanswered_text(const Judge *judge, const Outcome *o)
{
	g_autofree char *limit = plain(o->limit, &o->unit);
	double at = judge_seconds(judge, o->from_ns);
	return (Text){
		g_strdup_printf("no answer within %s after the cause at %.2f s%s", limit, at,
				o->stale ? "; what was on already at the cause is no answer" : ""),
		g_strdup_printf("%.2f s の事象の後 %s 以内に応答がありません%s", at, limit,
				o->stale ? "(事象の前から出ていた出力は応答とみなしません)" : "")};
}

static Text boolean_text(const Judge *judge, const Outcome *o, Verdict verdict)
{
	double at = o->instant_ns >= 0 ? judge_seconds(judge, o->instant_ns) : 0;
	switch (verdict) {
	case VERDICT_PASS:
		return (Text){g_strdup_printf("satisfied throughout the run: %s", o->formula),
			      g_strdup_printf("試験を通して満たされました: %s", o->formula)};
	case VERDICT_FAIL:
		return (Text){g_strdup_printf("violated at %.2f s: %s", at, o->formula),
			      g_strdup_printf("%.2f s に違反しました: %s", at, o->formula)};
	case VERDICT_INCONCLUSIVE:
	case VERDICT_INVALID:
		break;
	}
	return (Text){
		g_strdup_printf("the uncertainty at %.2f s leaves it open: %s", at, o->formula),
		g_strdup_printf("%.2f s の不確かさのため決まりません: %s", at, o->formula)};
}

Text why_outcome(const Judge *judge, const Criterion *criterion, const Outcome *o, Verdict verdict)
{
	if (o->unanswered && verdict == VERDICT_FAIL)
		return unanswered_text(judge, o);
	if (o->boolean || isnan(o->measured))
		return boolean_text(judge, o, verdict);
	Text text = number_text(criterion, o, verdict);
	if (o->stale && verdict == VERDICT_FAIL) {
		char *en = g_strdup_printf("%s (it was on already before the cause)", text.en);
		char *ja = g_strdup_printf("%s(事象の前から出ていました)", text.ja);
		text_clear(&text);
		text = (Text){en, ja};
	}
	return text;
}

/* ---- open ---- */

/* The cause or the answer was sampled, so it lies between two samples. NULL: neither. */
static const StlEdge *unseen_edge(const Outcome *o)
{
	const StlEdge *const edges[] = {&o->answer, &o->cause};
	for (size_t i = 0; i < G_N_ELEMENTS(edges); i++)
		if (edges[i]->latest_ns > edges[i]->earliest_ns &&
		    edges[i]->latest_ns != CLOCK_NEVER)
			return edges[i];
	return NULL;
}

static Text unseen_text(const Judge *judge, const Outcome *o, const StlEdge *edge)
{
	double from = judge_seconds(judge, edge->earliest_ns),
	       to = judge_seconds(judge, edge->latest_ns);
	bool answer = edge == &o->answer;
	return (Text){
		g_strdup_printf("the %s came between two samples, at %.2f s and %.2f s, too far "
				"apart to tell which side of the limit it is on",
				answer ? "answer" : "cause", from, to),
		g_strdup_printf("%sが標本の間 (%.2f s から %.2f s) に起きたため、限度のどちら側か"
				"決まりません",
				answer ? "応答" : "事象", from, to)};
}

static Text reach_text(const Outcome *o)
{
	if (o->before)
		return (Text){
			g_strdup("the criterion looks at what was before the recording began"),
			g_strdup("判定基準が記録の開始より前を参照しています")};
	return (Text){g_strdup("the run ended before the time limit had passed"),
		      g_strdup("制限時間が過ぎる前に試験が終わりました")};
}

static Text doubtful_premise_text(const Criterion *c, const Outcome *o)
{
	const char *premise = o->premise ? o->premise : c->formula;
	return (Text){
		g_strdup_printf("the uncertainty leaves open whether it came about: %s", premise),
		g_strdup_printf("起きたかどうかが不確かさのため決まりません: %s", premise)};
}

static Text at_the_limit_text(const Outcome *o)
{
	g_autofree char *limit = plain(o->limit, &o->unit);
	return (Text){g_strdup_printf("measured %s, exactly the limit", limit),
		      g_strdup_printf("測定値 %s は限度値と等しく、どちらとも決まりません", limit)};
}

static Text between_samples_text(const Judge *judge, const Outcome *o)
{
	double at = o->instant_ns >= 0 ? judge_seconds(judge, o->instant_ns) : 0;
	return (Text){g_strdup_printf("what happened between two samples at %.2f s leaves it "
				      "open: %s",
				      at, o->formula),
		      g_strdup_printf("%.2f s の標本の間に起きたことが不明なため決まりません: %s",
				      at, o->formula)};
}

Text why_open(const Judge *judge, const Criterion *criterion, const Outcome *o)
{
	const StlEdge *unseen = unseen_edge(o);
	if (o->point != STL_UNKNOWN)
		return why_outcome(judge, criterion, o, VERDICT_INCONCLUSIVE);
	if (o->ended)
		return reach_text(o);
	if (o->maybe_vacuous)
		return doubtful_premise_text(criterion, o);
	if (unseen)
		return unseen_text(judge, o, unseen);
	if (isfinite(o->margin) && o->margin == 0)
		return at_the_limit_text(o);
	if (o->boolean || isnan(o->measured))
		return between_samples_text(judge, o);
	return why_outcome(judge, criterion, o, VERDICT_INCONCLUSIVE);
}
