#include "plot.h"

#include "words.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 1040, LEFT = 190, RIGHT = 24, LANE = 74, BAR_LANE = 30, AXIS = 34, MAX_CURVES = 5 };

void html_text(GString *out, const char *text)
{
	for (const char *c = text ? text : ""; *c; c++) {
		switch (*c) {
		case '&':
			g_string_append(out, "&amp;");
			break;
		case '<':
			g_string_append(out, "&lt;");
			break;
		case '>':
			g_string_append(out, "&gt;");
			break;
		case '"':
			g_string_append(out, "&quot;");
			break;
		default:
			g_string_append_c(out, *c);
		}
	}
}

/* Where things are on the picture. */
typedef struct Canvas {
	GString *out;
	const Recording *rec;
	const char *lang;
	double t1_s; /* end of the axis; it begins at 0 s */
	int y;
} Canvas;

static double x_of(const Canvas *c, int64_t t_ns)
{
	double t = (double)(t_ns - c->rec->start_ns) * 1e-9;
	t = CLAMP(t, 0, c->t1_s);
	return LEFT + (WIDTH - LEFT - RIGHT) * t / c->t1_s;
}

static void label(Canvas *c, int y, const char *name, const char *unit)
{
	g_string_append_printf(c->out, "<text x=\"%d\" y=\"%d\" class=\"lane\">", LEFT - 12, y);
	html_text(c->out, name);
	g_string_append(c->out, "</text>");
	if (unit && *unit && strcmp(unit, "1")) {
		g_string_append_printf(c->out, "<text x=\"%d\" y=\"%d\" class=\"unit\">", LEFT - 12,
				       y + 15);
		html_text(c->out, unit);
		g_string_append(c->out, "</text>");
	}
}

/* ---- curves ------------------------------------------------------------------------------------------- */

typedef struct Range {
	double lo, hi;
} Range;

static Range range_of(const Signal *s, int64_t from, int64_t to)
{
	Range r = {INFINITY, -INFINITY};
	for (size_t i = 0; i < s->n; i++) {
		if (s->t_ns[i] < from || s->t_ns[i] > to || s->status[i] == SAMPLE_MISSING ||
		    !isfinite(s->v[i]))
			continue;
		r.lo = MIN(r.lo, s->v[i]);
		r.hi = MAX(r.hi, s->v[i]);
	}
	if (r.lo > r.hi)
		return (Range){0, 1};
	if (r.hi - r.lo < 1e-9)
		return (Range){r.lo - 0.5, r.hi + 0.5};
	return r;
}

/* A pixel column shows the smallest and the largest sample in it, so that no spike is lost by thinning. */
static void path_of(Canvas *c, const Signal *s, Range r, int top, int height)
{
	double last_x = -1, lo = 0, hi = 0;
	bool pen = false;
	g_string_append(c->out, "<path class=\"curve\" d=\"");
	for (size_t i = 0; i < s->n; i++) {
		if (s->status[i] == SAMPLE_MISSING || !isfinite(s->v[i])) {
			pen = false;
			continue;
		}
		if (s->t_ns[i] < c->rec->start_ns || s->t_ns[i] > c->rec->end_ns)
			continue;
		double x = x_of(c, s->t_ns[i]);
		double y = top + height - height * (s->v[i] - r.lo) / (r.hi - r.lo);
		if (pen && x - last_x < 0.8 && y >= lo && y <= hi)
			continue;
		if (x - last_x >= 0.8)
			lo = hi = y;
		lo = MIN(lo, y);
		hi = MAX(hi, y);
		g_string_append_printf(c->out, "%c%.1f %.1f", pen ? 'L' : 'M', x, y);
		last_x = x;
		pen = true;
	}
	g_string_append(c->out, "\"/>");
}

static void frame_of(Canvas *c, int top, int height)
{
	g_string_append_printf(c->out,
			       "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"box\"/>",
			       LEFT, top, WIDTH - LEFT - RIGHT, height);
}

static void curve_lane(Canvas *c, const Signal *s, bool margin)
{
	int top = c->y + 6, height = LANE - 14;
	Range r = range_of(s, c->rec->start_ns, c->rec->end_ns);
	if (margin) { /* zero belongs to the picture of a margin */
		r.lo = MIN(r.lo, 0);
		r.hi = MAX(r.hi, 0);
	}
	frame_of(c, top, height);
	if (r.lo < 0 && r.hi > 0) {
		double y0 = top + height - height * (0 - r.lo) / (r.hi - r.lo);
		g_string_append_printf(
			c->out,
			"<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" class=\"zero\"/>", LEFT,
			WIDTH - RIGHT, y0, y0);
	}
	path_of(c, s, r, top, height);
	g_string_append_printf(c->out,
			       "<text x=\"%d\" y=\"%d\" class=\"tick l\">%.3g</text>"
			       "<text x=\"%d\" y=\"%d\" class=\"tick l\">%.3g</text>",
			       LEFT + 4, top + 11, r.hi, LEFT + 4, top + height - 3, r.lo);
	label(c, top + height / 2, s->info.name, s->info.unit.symbol);
	c->y += LANE;
}

/* ---- bars: Boolean signals ---------------------------------------------------------------------------- */

static void bar_lane(Canvas *c, const Signal *s)
{
	int top = c->y + 4, height = BAR_LANE - 8;
	frame_of(c, top, height);
	const char *kind = s->info.origin == ORIGIN_RESPONSE ? "response" : "truth";
	for (size_t i = 0; i < s->n; i++) {
		if (s->status[i] != SAMPLE_OK || s->v[i] < 0.5)
			continue;
		int64_t until = i + 1 < s->n ? s->t_ns[i + 1] : c->rec->end_ns;
		double x0 = x_of(c, s->t_ns[i]), x1 = x_of(c, until);
		g_string_append_printf(
			c->out,
			"<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" class=\"%s\"/>", x0,
			top, MAX(x1 - x0, 2.0), height, kind);
	}
	label(c, top + height / 2 + 4, s->info.name, NULL);
	c->y += BAR_LANE;
}

/* From the cause to the answer that a criterion measured, or the time that decided it. */
static void interval_lane(Canvas *c, const CriterionResult *r)
{
	if (!isfinite(r->measured) || r->from_ns < c->rec->start_ns || r->to_ns <= r->from_ns)
		return;
	int top = c->y + 4, height = BAR_LANE - 8;
	double x0 = x_of(c, r->from_ns), x1 = x_of(c, r->to_ns);
	const char *slash = strrchr(r->id, '/');
	g_autofree char *measured = report_measured(r);
	frame_of(c, top, height);
	g_string_append_printf(
		c->out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" class=\"truth\"/>",
		x0, top + 6, MAX(x1 - x0, 2.0), height - 12);
	bool right = x1 + 130 > WIDTH - RIGHT;
	g_string_append_printf(
		c->out, "<text x=\"%.1f\" y=\"%d\" class=\"tick\" text-anchor=\"%s\">%s</text>",
		right ? x0 - 6 : x1 + 6, top + height / 2 + 4, right ? "end" : "start", measured);
	label(c, top + height / 2 + 4, slash ? slash + 1 : r->id, NULL);
	c->y += BAR_LANE;
}

static void fault_lane(Canvas *c)
{
	if (c->rec->faults->len == 0)
		return;
	int top = c->y + 4, height = BAR_LANE - 8;
	frame_of(c, top, height);
	for (guint i = 0; i < c->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(c->rec->faults, i);
		double x0 = x_of(c, f->t_ns), x1 = x_of(c, MIN(f->until_ns, c->rec->end_ns));
		g_string_append_printf(c->out,
				       "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
				       "class=\"fault\"><title>",
				       x0, top, MAX(x1 - x0, 3.0), height);
		html_text(c->out, f->cause);
		g_string_append(c->out, "</title></rect>");
	}
	label(c, top + height / 2 + 4, report_word(c->lang, N_("faults")), NULL);
	c->y += BAR_LANE;
}

/* ---- axis, events --------------------------------------------------------------------------------------- */

static double tick_step(double span_s)
{
	static const double steps[] = {0.1, 0.2, 0.5, 1,   2,   5,    10,  20,
				       30,  60,  120, 300, 600, 1800, 3600};
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
		if (span_s / steps[i] <= 12)
			return steps[i];
	return span_s / 10;
}

static void axis(Canvas *c)
{
	double step = tick_step(c->t1_s);
	for (double t = 0; t <= c->t1_s + 1e-9; t += step) {
		double x = LEFT + (WIDTH - LEFT - RIGHT) * t / c->t1_s;
		g_string_append_printf(
			c->out,
			"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"4\" y2=\"%d\" class=\"grid\"/>"
			"<text x=\"%.1f\" y=\"%d\" class=\"tick m\">%g s</text>",
			x, x, c->y, x, c->y + 16, t);
	}
}

static bool worth_a_mark(const char *name)
{
	return g_str_has_prefix(name, "mark.") || g_str_has_prefix(name, "trigger.") ||
	       g_str_has_prefix(name, "probe.") || g_str_has_prefix(name, "operator.") ||
	       !strcmp(name, "run.stopped") || !strcmp(name, "guard.broken");
}

/* Event names stand above the lanes, in up to three rows so that neighbours do not cover each other. */
static int events_lane(Canvas *c)
{
	double row_end[3] = {0, 0, 0};
	int used = 0;
	for (guint i = 0; i < c->rec->events->len; i++) {
		const Event *e = g_ptr_array_index(c->rec->events, i);
		if (!worth_a_mark(e->name) || e->t_ns < c->rec->start_ns ||
		    e->t_ns > c->rec->end_ns)
			continue;
		double x = x_of(c, e->t_ns), width = 7.0 * (double)strlen(e->name) + 12;
		bool right = x + width > WIDTH; /* no room: it ends at its line */
		double from = right ? x - width : x;
		int row = 0;
		while (row < 2 && row_end[row] > from)
			row++;
		row_end[row] = from + width;
		used = MAX(used, row + 1);
		g_string_append_printf(
			c->out,
			"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"@BOTTOM@\" class=\"event\"/>"
			"<text x=\"%.1f\" y=\"%d\" class=\"eventname\"%s>",
			x, x, c->y + 4 + 15 * row, right ? x - 4 : x + 4, c->y + 14 + 15 * row,
			right ? " text-anchor=\"end\"" : "");
		html_text(c->out, e->name);
		g_string_append(c->out, "</text>");
	}
	return used;
}

/* ---- which signals -------------------------------------------------------------------------------------- */

static bool mentions(const char *formula, const char *name)
{
	return formula && strstr(formula, name) != NULL;
}

/* Signals that truth and stimulus checks speak of are the story; without a spec every stimulus signal is. */
static bool is_story(const JudgeSpec *spec, const char *name)
{
	if (!spec)
		return true;
	for (guint i = 0; i < spec->truths->len; i++) {
		const TruthSpec *t = g_ptr_array_index(spec->truths, i);
		if (mentions(t->onset, name) || mentions(t->end, name))
			return true;
	}
	for (guint i = 0; i < spec->stimulus->len; i++)
		if (mentions(g_ptr_array_index(spec->stimulus, i), name))
			return true;
	return false;
}

static int by_name(gconstpointer a, gconstpointer b)
{
	const Signal *const *sa = a, *const *sb = b;
	return strcmp((*sa)->info.name, (*sb)->info.name);
}

static GPtrArray *sorted_signals(const Recording *rec)
{
	GPtrArray *all = g_ptr_array_new();
	GHashTableIter iter;
	gpointer signal;
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, NULL, &signal))
		g_ptr_array_add(all, signal);
	g_ptr_array_sort(all, by_name);
	return all;
}

static void lanes(Canvas *c, const ReportInput *input)
{
	g_autoptr(GPtrArray) all = sorted_signals(c->rec);
	int curves = 0;
	for (guint i = 0; i < all->len; i++) {
		const Signal *s = g_ptr_array_index(all, i);
		if (s->info.origin == ORIGIN_STIMULUS && !s->info.boolean && s->n > 0 &&
		    curves < MAX_CURVES && is_story(input->spec, s->info.name)) {
			curve_lane(c, s, false);
			curves++;
		}
	}
	for (guint i = 0; i < all->len; i++) {
		const Signal *s = g_ptr_array_index(all, i);
		bool truth = s->info.boolean &&
			     (s->info.origin == ORIGIN_DERIVED || s->info.origin == ORIGIN_LABEL);
		if (truth || (s->info.boolean && s->info.origin == ORIGIN_RESPONSE &&
			      !strstr(s->info.name, "heartbeat")))
			bar_lane(c, s);
	}
	for (guint i = 0; i < input->record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(input->record->criteria, i);
		interval_lane(c, r);
		if (r->margin_trace && r->margin_trace->n > 1)
			curve_lane(c, r->margin_trace, true);
	}
	fault_lane(c);
}

void plot_timeline(GString *out, const ReportInput *input)
{
	const Recording *rec = input->recording;
	if (!rec || rec->end_ns <= rec->start_ns)
		return;
	g_autoptr(GString) body = g_string_new(NULL);
	Canvas c = {.out = body,
		    .rec = rec,
		    .lang = input->lang,
		    .t1_s = (double)(rec->end_ns - rec->start_ns) * 1e-9,
		    .y = 2};
	c.y += 15 * events_lane(&c) + 4;
	lanes(&c, input);
	axis(&c);
	g_autofree char *bottom = g_strdup_printf("%d", c.y);
	g_string_replace(body, "@BOTTOM@", bottom, 0);
	g_string_append_printf(out, "<svg class=\"timeline\" viewBox=\"0 0 %d %d\" role=\"img\">",
			       WIDTH, c.y + AXIS - 8);
	g_string_append_len(out, body->str, (gssize)body->len);
	g_string_append(out, "</svg>");
}

/* ---- gauge ---------------------------------------------------------------------------------------------- */

enum { GAUGE_W = 560, GAUGE_H = 64, GAUGE_PAD = 16 };

static double gauge_x(double v, double lo, double hi)
{
	return GAUGE_PAD + (GAUGE_W - 2 * GAUGE_PAD) * (v - lo) / (hi - lo);
}

void plot_gauge(GString *out, const CriterionResult *r, const char *lang)
{
	if (!isfinite(r->measured) || !isfinite(r->limit))
		return;
	double u = isfinite(r->uncertainty) ? r->uncertainty : 0;
	double wa = isfinite(r->guard_accept) ? r->guard_accept : 0,
	       wr = isfinite(r->guard_reject) ? r->guard_reject : 0;
	/* margin positive is good: below the limit or above it? */
	double sign = r->measured + r->margin > r->limit - 1e-12 &&
				      fabs(r->measured + r->margin - r->limit) <
					      fabs(r->measured - r->margin - r->limit)
			      ? 1
			      : -1;
	double pass_edge = r->limit - sign * wa, fail_edge = r->limit + sign * wr;
	double lo = MIN(MIN(r->measured - u, r->limit), MIN(pass_edge, fail_edge));
	double hi = MAX(MAX(r->measured + u, r->limit), MAX(pass_edge, fail_edge));
	double span = MAX(hi - lo, MAX(1e-9, fabs(r->limit) * 1e-3));
	lo -= 0.15 * span;
	hi += 0.15 * span;
	double xp = gauge_x(pass_edge, lo, hi), xf = gauge_x(fail_edge, lo, hi),
	       xm = gauge_x(r->measured, lo, hi);
	double left = gauge_x(lo, lo, hi), right = gauge_x(hi, lo, hi);
	g_string_append_printf(out, "<svg class=\"gauge\" viewBox=\"0 0 %d %d\" role=\"img\">",
			       GAUGE_W, GAUGE_H);
	g_string_append_printf(
		out,
		"<rect x=\"%.1f\" y=\"24\" width=\"%.1f\" height=\"14\" class=\"%s\"/>"
		"<rect x=\"%.1f\" y=\"24\" width=\"%.1f\" height=\"14\" class=\"zone-guard\"/>"
		"<rect x=\"%.1f\" y=\"24\" width=\"%.1f\" height=\"14\" class=\"%s\"/>",
		left, MIN(xp, xf) - left, sign > 0 ? "zone-pass" : "zone-fail", MIN(xp, xf),
		MAX(fabs(xf - xp), 1.0), MAX(xp, xf), right - MAX(xp, xf),
		sign > 0 ? "zone-fail" : "zone-pass");
	double xl = gauge_x(r->limit, lo, hi);
	g_autofree char *limit = quantity_format(r->limit, &r->unit, 4);
	g_autofree char *measured = quantity_format(r->measured, &r->unit, 4);
	g_string_append_printf(out,
			       "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"18\" y2=\"44\" class=\"limit\"/>"
			       "<text x=\"%.1f\" y=\"58\" class=\"tick m\">%s %s</text>",
			       xl, xl, CLAMP(xl, 60, GAUGE_W - 60), report_word(lang, N_("limit")),
			       limit);
	g_string_append_printf(
		out,
		"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"31\" y2=\"31\" class=\"whisker\"/>"
		"<circle cx=\"%.1f\" cy=\"31\" r=\"5\" class=\"dot\"/>"
		"<text x=\"%.1f\" y=\"14\" class=\"tick m b\">%s</text></svg>",
		gauge_x(r->measured - u, lo, hi), gauge_x(r->measured + u, lo, hi), xm,
		CLAMP(xm, 60, GAUGE_W - 60), measured);
}
