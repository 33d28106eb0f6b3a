/* What a verdict rests on, as JSON for run.json, so that a checker that shares no code with this one can verify it. */
#include "judge.h"

static void comma(GString *out)
{
	char last = out->len > 0 ? out->str[out->len - 1] : '[';
	if (last != '[' && last != '{')
		g_string_append_c(out, ',');
}

static void key(GString *out, const char *name)
{
	comma(out);
	g_string_append_printf(out, "\"%s\":", name);
}

static void put_number(GString *out, const char *name, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	key(out, name);
	if (isfinite(value))
		g_string_append(out, g_ascii_dtostr(text, sizeof(text), value));
	else
		g_string_append(out, isnan(value) ? "null" : value > 0 ? "\"inf\"" : "\"-inf\"");
}

static void put_time(GString *out, const char *name, int64_t t_ns)
{
	key(out, name);
	if (t_ns == CLOCK_NEVER)
		g_string_append(out, "null");
	else
		g_string_append_printf(out, "%" G_GINT64_FORMAT, t_ns);
}

static void put_text(GString *out, const char *name, const char *text)
{
	key(out, name);
	text_append_json(out, text);
}

static void put_flag(GString *out, const char *name, bool flag)
{
	key(out, name);
	g_string_append(out, flag ? "true" : "false");
}

/* The bands that were put around measured signals. */
static void put_bands(GString *out, const SeriesSet *wide)
{
	key(out, "bands");
	g_string_append_c(out, '[');
	for (guint i = 0; i < wide->kept->len; i++) {
		const Series *s = g_ptr_array_index(wide->kept, i);
		for (guint k = 0; s->bands && k < s->bands->len; k++) {
			const Band *band = &g_array_index(s->bands, Band, k);
			comma(out);
			g_string_append_c(out, '{');
			put_text(out, "signal", band->signal);
			if (band->truth)
				put_text(out, "truth", band->truth);
			put_number(out, "risk", band->risk);
			put_number(out, "width", band->width);
			put_time(out, "samples", (int64_t)band->samples);
			g_string_append_c(out, '}');
		}
	}
	g_string_append_c(out, ']');
}

static void put_hole(GString *out, const Trouble *t, bool to_the_end)
{
	comma(out);
	g_string_append_printf(out, "[%" G_GINT64_FORMAT ",", t->from_ns);
	if (to_the_end || t->until_ns == CLOCK_NEVER)
		g_string_append(out, "null]");
	else
		g_string_append_printf(out, "%" G_GINT64_FORMAT "]", t->until_ns);
}

/* Where nothing is known of each signal. */
static void put_holes(GString *out, Judge *judge, GPtrArray *names)
{
	key(out, "unknown");
	g_string_append_c(out, '{');
	for (guint n = 0; n < names->len; n++) {
		const char *name = g_ptr_array_index(names, n);
		const View *view = judge_view(judge, name);
		if (!view)
			continue;
		key(out, name);
		g_string_append_c(out, '[');
		for (guint i = 0; i < view->troubles->len; i++)
			put_hole(out, g_ptr_array_index(view->troubles, i), false);
		for (guint i = 0; i < judge->troubles->len; i++) {
			const Trouble *t = g_ptr_array_index(judge->troubles, i);
			bool outcome = t->responses && signal_is_outcome(&view->signal->info);
			if (outcome || t->all || trouble_is_of(t, name))
				put_hole(out, t, outcome);
		}
		g_string_append_c(out, ']');
	}
	g_string_append_c(out, '}');
}

static void put_span(GString *out, const StlMeasure *m)
{
	comma(out);
	g_string_append_c(out, '{');
	put_time(out, "from_ns", m->cause.earliest_ns);
	put_time(out, "to_ns", m->cause.latest_ns);
	put_flag(out, "certain", m->cause.certain);
	put_time(out, "answer_from_ns", m->answer.earliest_ns);
	put_time(out, "answer_to_ns", m->answer.latest_ns);
	put_number(out, "low_s", m->lo);
	put_number(out, "high_s", m->hi);
	g_string_append_c(out, '}');
}

static void put_reason(GString *out, const StlReason *r)
{
	static const char *const words[] = {"true", "false", "gap", "end", "envelope"};
	comma(out);
	g_string_append_c(out, '{');
	put_text(out, "atom", r->atom);
	put_text(out, "because", words[r->because]);
	put_time(out, "from_ns", r->from_ns);
	put_time(out, "to_ns", r->to_ns);
	g_string_append_c(out, '}');
}

char *witness_json(Judge *judge, GPtrArray *names, const SeriesSet *wide, const Outcome *o,
		   double clock_s, double clock_risk)
{
	GString *out = g_string_new("{");
	put_text(out, "truth",
		 o->truth == STL_TRUE    ? "satisfied"
		 : o->truth == STL_FALSE ? "violated"
					 : "open");
	put_flag(out, "prohibition", o->prohibition);
	put_number(out, "clock_s", clock_s);
	put_number(out, "clock_risk", clock_risk);
	put_time(out, "scripted_until_ns", judge->scripted_until);
	put_bands(out, wide);
	put_holes(out, judge, names);
	if (o->spans) {
		key(out, "spans");
		g_string_append_c(out, '[');
		for (guint i = 0; i < o->spans->len; i++)
			put_span(out, &g_array_index(o->spans, StlMeasure, i));
		g_string_append_c(out, ']');
	} else {
		put_number(out, "low", o->low);
		put_number(out, "high", o->high);
		key(out, "atoms");
		g_string_append_c(out, '[');
		for (guint i = 0; o->reasons && i < o->reasons->len; i++)
			put_reason(out, g_ptr_array_index(o->reasons, i));
		g_string_append_c(out, ']');
	}
	g_string_append_c(out, '}');
	return g_string_free(out, FALSE);
}
