/* What it would have taken for another verdict, in one line; and what the draws and the levels say. */
#include <anzen/report.h>

#include "words.h"

#include <math.h>

#define W(message) report_word(lang, N_(message))

static const char *verdict_in(const char *lang, Verdict v)
{
	return !g_strcmp0(lang, "ja") ? verdict_name_ja(v) : verdict_name(v);
}

/* " (55 u)": in standard uncertainties, which is how likely it is. */
static char *in_u(const Tipping *t)
{
	return isfinite(t->in_u) ? g_strdup_printf(" (%.*f u)", t->in_u < 10 ? 1 : 0, t->in_u)
				 : g_strdup("");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
	"-Wformat-nonliteral" /* messages of the catalogue; msgfmt compares their arguments */
static char *moved(const Tipping *t, const char *lang, const char *size)
{
	bool up = t->amount > 0;
	if (!g_strcmp0(t->kind, "clock"))
		return g_strdup_printf(
			up ? W("answers stamped %s later") : W("answers stamped %s earlier"), size);
	if (!g_strcmp0(t->kind, "label"))
		return g_strdup_printf(up ? W("labels %s later") : W("labels %s earlier"), size);
	return g_strdup_printf(up ? W("%s reading %s higher") : W("%s reading %s lower"),
			       t->signal ? t->signal : "?", size);
}

static char *stands(const Tipping *t, const char *lang)
{
	g_autofree char *most = quantity_format(t->searched, &t->unit, 2);
	if (!g_strcmp0(t->kind, "clock"))
		return g_strdup_printf(W("no shift of the answers up to %s"), most);
	if (!g_strcmp0(t->kind, "label"))
		return g_strdup_printf(W("no shift of the labels up to %s"), most);
	return g_strdup_printf(W("no error of %s up to %s"), t->signal ? t->signal : "?", most);
}

static char *one(const Tipping *t, const char *lang)
{
	if (isnan(t->amount))
		return stands(t, lang);
	if (!g_strcmp0(t->kind, "invalid-runs"))
		return g_strdup_printf(W("its claim: %.0f INVALID run(s) counted as failed → %s"),
				       t->amount, verdict_in(lang, t->becomes));
	g_autofree char *size = quantity_format(fabs(t->amount), &t->unit, 2);
	g_autofree char *what = moved(t, lang, size), *u = in_u(t);
	return g_strdup_printf("%s%s → %s", what, u, verdict_in(lang, t->becomes));
}
#pragma GCC diagnostic pop

char *report_tipping(const CriterionResult *r, const char *lang)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < r->tippings->len; i++) {
		g_autofree char *text = one(g_ptr_array_index(r->tippings, i), lang);
		g_string_append_printf(out, "%s%s", i ? "; " : "", text);
	}
	return g_string_free(out, FALSE);
}

char *report_levels(const CriterionResult *r, const char *lang)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < r->levels->len; i++) {
		const LevelResult *l = g_ptr_array_index(r->levels, i);
		g_string_append_printf(out, "%s%s %s", i ? " · " : "", l->name,
				       verdict_in(lang, l->verdict));
	}
	return g_string_free(out, FALSE);
}
