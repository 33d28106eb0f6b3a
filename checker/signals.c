/* What the recording says of each signal: bands around measured ones, and when Booleans hold for sure. */
#include "check.h"
#include <gsl/gsl_cdf.h>

void world_problem(World *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (w->problem->len == 0)
		g_string_vprintf(w->problem, format, args);
	va_end(args);
}

const TruthSpec *world_truth(const World *w, const char *name)
{
	for (guint i = 0; g_str_has_prefix(name, "truth.") && i < w->spec->truths->len; i++) {
		const TruthSpec *t = g_ptr_array_index(w->spec->truths, i);
		if (!strcmp(t->name, name + strlen("truth.")))
			return t;
	}
	return NULL;
}

bool is_answer(const SignalInfo *i)
{
	return i->origin == ORIGIN_RESPONSE || i->origin == ORIGIN_CLAIM;
}

bool is_outcome(const SignalInfo *i)
{
	return is_answer(i) || i->affected_by_product;
}

bool is_measured(const SignalInfo *i)
{
	return !i->boolean && !is_answer(i);
}

/* ---- bands ---- */

static double quantile(double p, double dof)
{
	return isinf(dof) ? gsl_cdf_ugaussian_Pinv(p) : gsl_cdf_tdist_Pinv(p, dof);
}

double band_width(const SignalInfo *i, size_t n, double risk)
{
	double c = i->u_common, s = i->u_sample, best = (double)NAN;
	if (!(c >= 0) || !(s >= 0) || !(risk > 0 && risk <= 0.5) || (c > 0 && !(i->dof_common > 0)))
		return best;
	double dof = c > 0 ? i->dof_common : (double)INFINITY;
	if (s == 0)
		return c > 0 ? quantile(1 - risk, dof) * c : 0;
	best = quantile(1 - risk / (double)n, dof) * hypot(c, s);
	for (int k = c > 0 ? 2 : 0; k <= (c > 0 ? 98 : 0); k += 4) {
		double share = k / 100.0, rest = -expm1(log1p(-(1 - share) * risk) / (double)n);
		double common = c > 0 ? quantile(1 - share * risk, dof) * c : 0;
		best = fmin(best, common + quantile(1 - rest, (double)INFINITY) * s);
	}
	return best;
}

static bool usable(const Signal *s, size_t i)
{
	const SignalInfo *info = &s->info;
	return s->status[i] == SAMPLE_OK && !isnan(s->v[i]) && !(s->v[i] < info->range_lo) &&
	       !(s->v[i] > info->range_hi);
}

static Set *holes(const World *w, const char *name)
{
	Set *s = g_hash_table_lookup(w->unknown, name);
	return s ? g_array_ref(s) : set_new();
}

size_t usable_samples(const World *w, const Signal *s)
{
	size_t n = 0;
	g_autoptr(GArray) unknown = holes(w, s->info.name);
	for (size_t i = 0; i < s->n; i++)
		n += s->t_ns[i] >= w->in.a && s->t_ns[i] <= w->in.b && usable(s, i) &&
		     !set_has(unknown, s->t_ns[i]);
	return MAX(n, 1);
}

static bool declared(const SignalInfo *i)
{
	return !i->certificate_fault && i->u_clock_s >= 0 && i->max_gap_ns > 0 &&
	       (i->boolean || (i->bandwidth_hz > 0 && i->max_slew > 0 && isfinite(i->max_slew)));
}

static double width_of(World *w, const Signal *s)
{
	size_t n = usable_samples(w, s);
	g_autofree char *key = g_strdup_printf("%s/%s", w->truth ? w->truth : "", s->info.name);
	const double *risk = g_hash_table_lookup(w->risks, key);
	if (w->point)
		return 0;
	if (w->stimulus_risk > 0)
		return band_width(&s->info, n, w->stimulus_risk);
	if (!risk)
		world_problem(w, "the witness has no band for %s", s->info.name);
	return risk ? band_width(&s->info, n, *risk) : (double)INFINITY;
}

static void piece(GArray *to, int64_t a, int64_t b, double lo_a, double lo_b, double hi_a,
		  double hi_b)
{
	Piece p = {a, b, lo_a, lo_b, hi_a, hi_b};
	if (a <= b)
		g_array_append_val(to, p);
}

static double on_line(double x, double x0, double y0, double x1, double y1)
{
	return x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y0;
}

/* From one sample to the next: a tent upwards and one downwards, as steep as the slew permits. */
static void between(GArray *to, int64_t t0, double v0, int64_t t1, double v1, double slew, double w)
{
	double d = (double)(t1 - t0), reach = slew * d / 2e9, middle = (v0 + v1) / 2;
	double skew = slew > 0 ? (v0 - v1) / (2 * slew) * 1e9 : 0, low = d / 2 + skew,
	       high = d / 2 - skew;
	if (!(slew > 0) || fabs(v1 - v0) > slew * d / 1e9) {
		piece(to, t0, t1, v0 - w, v1 - w, v0 + w, v1 + w);
		return;
	}
	double at[4] = {0, fmin(low, high), fmax(low, high), d}, lo[4], hi[4];
	for (int i = 0; i < 4; i++) {
		double x = floor(at[i]);
		lo[i] = x <= low ? on_line(x, 0, v0, low, middle - reach)
				 : on_line(x, low, middle - reach, d, v1);
		hi[i] = x <= high ? on_line(x, 0, v0, high, middle + reach)
				  : on_line(x, high, middle + reach, d, v1);
	}
	for (int i = 0; i < 3; i++)
		piece(to, t0 + (int64_t)at[i], t0 + (int64_t)at[i + 1], lo[i] - w, lo[i + 1] - w,
		      hi[i] + w, hi[i + 1] + w);
}

static void measured(World *w, const Signal *s, const Set *unknown, GArray *to)
{
	const SignalInfo *i = &s->info;
	double width = width_of(w, s), slew = w->point ? 0 : i->max_slew;
	int64_t last = 0;
	double v = (double)NAN;
	bool have = false, broken = false;
	for (size_t k = 0; k < s->n; k++) {
		int64_t t = s->t_ns[k];
		if (t < w->in.a - i->max_gap_ns || t > w->in.b + i->max_gap_ns)
			continue;
		if (set_has(unknown, t) || (!usable(s, k) && s->status[k] != SAMPLE_STALE))
			broken = true;
		if (broken && !(usable(s, k) && !set_has(unknown, t)))
			continue;
		if (s->status[k] == SAMPLE_STALE)
			continue;
		double dt = (double)(t - last) / 1e9, step = fabs(s->v[k] - v);
		double reach = slew * (double)(t - w->in.a) / 1e9 + width;
		if (have && !broken && t - last <= i->max_gap_ns &&
		    step <= i->max_slew * dt + 10 * i->u_sample)
			between(to, last, v, t, s->v[k], slew, width);
		else if (!have && !broken && t > w->in.a && t - w->in.a <= i->max_gap_ns)
			piece(to, w->in.a, t, s->v[k] - reach, s->v[k] - width, s->v[k] + reach,
			      s->v[k] + width);
		else
			piece(to, t, t, s->v[k] - width, s->v[k] - width, s->v[k] + width,
			      s->v[k] + width);
		have = true;
		broken = false;
		last = t;
		v = s->v[k];
	}
	double reach = slew * (double)(w->in.b - last) / 1e9 + width;
	if (have && !broken && last < w->in.b && w->in.b - last <= i->max_gap_ns)
		piece(to, last, w->in.b, v - width, v - reach, v + width, v + reach);
}

/* A product's claims hold until the next one. `age`: receipt minus claimed time. */
static void claimed(const World *w, const Signal *s, bool age, GArray *to)
{
	if (age)
		piece(to, w->in.a, (s->n ? s->t_ns[0] : w->in.b + 1) - 1, 0, 0, 0, 0);
	for (size_t k = 0; k < s->n; k++) {
		int64_t until = k + 1 < s->n ? s->t_ns[k + 1] - 1 : w->in.b;
		double v = age ? (double)s->t_ns[k] / 1e9 -
					   unit_convert(s->v[k], &s->info.unit, &unit_second)
			       : s->v[k];
		if (s->status[k] == SAMPLE_OK && !isnan(v))
			piece(to, s->t_ns[k], until, v, v, v, v);
	}
}

GArray *world_pieces(World *w, const char *name)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(Piece)),
	       *known_pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
	bool age = g_str_has_suffix(name, ".age") && !recording_signal(w->rec, name);
	g_autofree char *base = g_strndup(name, strlen(name) - (age ? strlen(".age") : 0));
	const Signal *s = recording_signal(w->rec, base);
	g_autoptr(GArray) unknown = holes(w, name), known = set_not(unknown, w->in);
	if (!s)
		world_problem(w, "the recording has no signal %s", name);
	else if (w->silent && is_answer(&s->info))
		piece(all, w->in.a, w->in.b, 0, 0, 0, 0);
	else if (!is_measured(&s->info))
		claimed(w, s, age, all);
	else if (declared(&s->info))
		measured(w, s, unknown, all);
	for (guint i = 0; i < all->len; i++) {
		const Piece *p = &g_array_index(all, Piece, i);
		for (guint k = 0; k < known->len; k++) {
			const Span *in = &g_array_index(known, Span, k);
			int64_t a = MAX(p->a, in->a), b = MIN(p->b, in->b);
			double x0 = 0, x1 = (double)(p->b - p->a), xa = (double)(a - p->a),
			       xb = (double)(b - p->a);
			piece(known_pieces, a, b, on_line(xa, x0, p->lo_a, x1, p->lo_b),
			      on_line(xb, x0, p->lo_a, x1, p->lo_b),
			      on_line(xa, x0, p->hi_a, x1, p->hi_b),
			      on_line(xb, x0, p->hi_a, x1, p->hi_b));
		}
	}
	g_array_unref(all);
	return known_pieces;
}

/* ---- truths ---- */

static int64_t first(const Tri *end, int64_t from, bool sure, Span in)
{
	g_autoptr(GArray) maybe = set_not(end->no, in);
	const Set *set = sure ? end->yes : maybe;
	for (guint i = 0; i < set->len; i++) {
		const Span *s = &g_array_index(set, Span, i);
		if (s->b >= from)
			return MAX(s->a, from);
	}
	return CLOCK_NEVER;
}

static double lag_s(World *w, const Node *onset)
{
	double lag = 0;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	formula_names(onset, names);
	for (guint i = 0; i < names->len; i++) {
		const Signal *s = recording_signal(w->rec, g_ptr_array_index(names, i));
		if (s && is_measured(&s->info) && s->info.bandwidth_hz > 0)
			lag = fmax(lag, 1 / (2 * G_PI * s->info.bandwidth_hz));
	}
	return w->point ? 0 : lag;
}

static Tri truth(World *outer, const TruthSpec *spec)
{
	World w = *outer; /* no margin is asked of what happened */
	Node *onset = formula_parse(spec->onset, outer->spec->parameters),
	     *end = spec->end ? formula_parse(spec->end, outer->spec->parameters) : NULL;
	Tri result = {set_new(), NULL, true}, on = {0}, off = {0};
	g_autoptr(GArray) perhaps = set_new();
	w.shift = 0;
	w.truth = spec->name;
	if (!onset || (spec->end && !end) || outer->truth) {
		world_problem(outer, "truth.%s cannot be worked out here", spec->name);
	} else {
		on = eval(&w, onset);
		if (end)
			off = eval(&w, end);
		int64_t before = (int64_t)(lag_s(&w, onset) * 1e9),
			clock = w.point ? 0 : (int64_t)ceil(w.clock_s * 1e9);
		g_autoptr(GArray) edges = tri_edges(&on, w.in);
		for (guint i = 0; i < edges->len; i++) {
			const Edge *e = &g_array_index(edges, Edge, i);
			int64_t early = end ? first(&off, e->from, false, w.in) : CLOCK_NEVER,
				late = end ? first(&off, e->to, true, w.in) : CLOCK_NEVER;
			set_add(perhaps, MAX(e->from - before - clock, w.in.a),
				late == CLOCK_NEVER ? w.in.b : MIN(late + clock - 1, w.in.b));
			if (e->certain)
				set_add(result.yes, e->to + clock,
					early == CLOCK_NEVER ? w.in.b : early - clock - 1);
		}
	}
	result.no = set_not(set_tidy(perhaps), w.in);
	set_tidy(result.yes);
	tri_clear(&on);
	tri_clear(&off);
	formula_free(onset);
	formula_free(end);
	return result;
}

/* ---- Booleans ---- */

Tri world_boolean(World *w, const char *name)
{
	const TruthSpec *spec = world_truth(w, name);
	if (spec)
		return truth(w, spec);
	Tri all = {set_new(), set_new(), false}, r = {0};
	const Signal *s = recording_signal(w->rec, name);
	g_autoptr(GArray) unknown = holes(w, name), known = set_not(unknown, w->in);
	bool sampled = s && (s->info.origin == ORIGIN_STIMULUS || s->info.origin == ORIGIN_HEALTH);
	if (!s || !s->info.boolean || (w->clock_s > 0 && g_str_has_prefix(name, "truth.")))
		world_problem(w, "%s is no Boolean that can be worked out here", name);
	else if (w->silent && is_answer(&s->info))
		set_add(all.no, w->in.a, w->in.b);
	for (size_t k = 0; s && s->info.boolean && !(w->silent && is_answer(&s->info)) && k < s->n;
	     k++) {
		bool next = k + 1 < s->n, on = s->v[k] != 0;
		int64_t until = next ? s->t_ns[k + 1] - 1 : w->in.b;
		if (s->status[k] != SAMPLE_OK || isnan(s->v[k]))
			continue;
		if (sampled && (!declared(&s->info) || until - s->t_ns[k] >= s->info.max_gap_ns ||
				(next && (!usable(s, k + 1) || (s->v[k + 1] != 0) != on))))
			until = s->t_ns[k];
		set_add(on ? all.yes : all.no, s->t_ns[k], until);
	}
	r.yes = set_and(set_tidy(all.yes), known);
	r.no = set_and(set_tidy(all.no), known);
	tri_clear(&all);
	return r;
}

Set *signal_known(World *w, const Signal *s)
{
	Set *known = set_new();
	World plain = *w;
	const char *name = s->info.name;
	plain.point = true;
	if (is_measured(&s->info)) {
		g_autoptr(GArray) pieces = world_pieces(&plain, name);
		for (guint i = 0; i < pieces->len; i++)
			set_add(known, g_array_index(pieces, Piece, i).a,
				g_array_index(pieces, Piece, i).b);
		return set_tidy(known);
	}
	bool sampled = s->info.origin == ORIGIN_STIMULUS || s->info.origin == ORIGIN_HEALTH;
	for (size_t k = 0; k < s->n; k++) {
		bool next = k + 1 < s->n;
		int64_t until = next ? s->t_ns[k + 1] - 1 : w->in.b;
		if (s->status[k] != SAMPLE_OK || isnan(s->v[k]) || !(s->info.u_clock_s >= 0))
			continue;
		if (sampled && (!declared(&s->info) || until - s->t_ns[k] >= s->info.max_gap_ns ||
				(next && !usable(s, k + 1))))
			until = s->t_ns[k];
		set_add(known, s->t_ns[k], until);
	}
	return set_tidy(known);
}
