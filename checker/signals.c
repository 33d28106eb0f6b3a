/* What the recording says of each signal. */
#include "check.h"

void world_problem(World *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (w->problem->len == 0)
		g_string_vprintf(w->problem, format, args);
	va_end(args);
}

const TruthSpec *spec_truth(const JudgeSpec *spec, const char *name)
{
	for (guint i = 0; g_str_has_prefix(name, "truth.") && i < spec->truths->len; i++) {
		const TruthSpec *t = g_ptr_array_index(spec->truths, i);
		if (!strcmp(t->name, name + strlen("truth.")))
			return t;
	}
	return NULL;
}

static bool hidden(const World *w, const Signal *s, size_t i)
{
	const Set *unknown = g_hash_table_lookup(w->unknown, s->info.name);
	return unknown && set_has(unknown, s->t_ns[i]);
}

static bool usable(const Signal *s, size_t i)
{
	return s->status[i] == SAMPLE_OK && !isnan(s->v[i]) && !(s->v[i] < s->info.range_lo) &&
	       !(s->v[i] > s->info.range_hi);
}

static bool declared(const SignalInfo *i)
{
	return !i->certificate_fault && i->u_clock_s >= 0 && i->max_gap_ns > 0 &&
	       (i->boolean || (i->bandwidth_hz > 0 && i->max_slew > 0 && isfinite(i->max_slew)));
}

size_t usable_samples(const World *w, const Signal *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++)
		n += s->t_ns[i] >= w->from && s->t_ns[i] <= w->to && usable(s, i) &&
		     !hidden(w, s, i);
	return MAX(n, 1);
}

/* In the signal's own unit. */
static double width_of(World *w, const Signal *s)
{
	const Uncertainty common = {s->info.u_common, s->info.dof_common};
	g_autofree char *key = g_strdup_printf("%s/%s", w->truth ? w->truth : "", s->info.name);
	const double *risk = w->risk > 0 ? &w->risk : g_hash_table_lookup(w->risks, key);
	if (w->point)
		return 0;
	if (!risk)
		world_problem(w, "the witness has no band for %s", s->info.name);
	double width =
		risk ? metrology_envelope(&common, s->info.u_sample, usable_samples(w, s), *risk)
		     : INF;
	return isnan(width) ? INF : width;
}

static void add(GArray *to, int64_t a, int64_t b, double va, double vb)
{
	Piece p = {a, b, va, vb};
	if (a <= b)
		g_array_append_val(to, p);
}

/* Between two samples no more can hide than the steepest way up, or down, from both. */
static void between(GArray *const to[2], const Signal *s, size_t k, size_t next, double slew)
{
	double v0 = si(s->v[k], &s->info.unit), v1 = si(s->v[next], &s->info.unit);
	int64_t a = s->t_ns[k], b = s->t_ns[next];
	for (int side = SURE; side <= MAYBE; side++) {
		double steep = (side == MAYBE ? slew : -slew) / 1e9, d = (double)(b - a),
		       top = floor(d / 2 + (v1 - v0) / (2 * steep));
		if (slew > 0 && fabs(v1 - v0) <= slew * d / 1e9) {
			add(to[side], a, a + (int64_t)top, v0, v0 + steep * top);
			add(to[side], a + (int64_t)top, b, v0 + steep * top, v1);
		} else {
			add(to[side], a, b, v0, v1);
		}
	}
}

/* From a sample on until `end`, or before it from there on; at `end` it may have moved that far. */
static void tail(GArray *const to[2], const Signal *s, size_t k, int64_t end, double slew)
{
	double v = si(s->v[k], &s->info.unit),
	       reach = slew * fabs((double)(end - s->t_ns[k])) / 1e9;
	for (int side = SURE; side <= MAYBE; side++) {
		double there = side == MAYBE ? v + reach : v - reach;
		bool early = end < s->t_ns[k];
		add(to[side], MIN(end, s->t_ns[k]), MAX(end, s->t_ns[k]), early ? there : v,
		    early ? v : there);
	}
}

static void measured(const World *w, const Signal *s, GArray *const to[2])
{
	const SignalInfo *i = &s->info;
	double slew = w->point ? 0 : i->max_slew * i->unit.scale;
	bool have = false, broken = false;
	size_t last = 0;
	for (size_t k = 0; k < s->n; k++) {
		int64_t t = s->t_ns[k];
		bool here = usable(s, k) && !hidden(w, s, k);
		if (t < w->from - i->max_gap_ns || t > w->to + i->max_gap_ns)
			continue;
		broken |= !here && (s->status[k] != SAMPLE_STALE || hidden(w, s, k));
		if (!here)
			continue;
		if (have && !broken && t - s->t_ns[last] <= i->max_gap_ns &&
		    fabs(s->v[k] - s->v[last]) <=
			    i->max_slew * (double)(t - s->t_ns[last]) / 1e9 + 10 * i->u_sample)
			between(to, s, last, k, slew);
		else
			tail(to, s, k,
			     !have && !broken && t > w->from && t - w->from <= i->max_gap_ns
				     ? w->from
				     : t,
			     slew);
		have = true;
		broken = false;
		last = k;
	}
	if (have && !broken && s->t_ns[last] < w->to && w->to - s->t_ns[last] <= i->max_gap_ns)
		tail(to, s, last, w->to, slew);
}

/* A product's claims hold until the next one. `age`: receipt minus claimed time, and 0 before the first. */
static void claimed(const World *w, const Signal *s, bool age, GArray *const to[2])
{
	for (size_t k = 0; k <= s->n; k++) {
		int64_t from = k ? s->t_ns[k - 1] : w->from,
			until = (k < s->n ? s->t_ns[k] : w->to + 1) - 1;
		double v = k ? si(s->v[k - 1], &s->info.unit) : 0;
		v = k && age ? (double)from / 1e9 - v : v;
		for (int side = SURE;
		     side <= MAYBE && (k ? s->status[k - 1] == SAMPLE_OK && !isnan(v) : age);
		     side++)
			add(to[side], from, until, v, v);
	}
}

/* Only where it is known; infinite elsewhere. */
static GArray *filled(const World *w, const GArray *pieces, const Set *known, double width,
		      double unknown)
{
	GArray *r = pooled(sizeof(Piece));
	int64_t next = w->from;
	for (guint i = 0; i < pieces->len; i++) {
		const Piece *p = &g_array_index(pieces, Piece, i);
		for (int64_t a = set_next(known, MAX(p->a, next - (next > w->from))), b; a <= p->b;
		     a = set_next(known, b + 1)) {
			guint k = times_until(known, a);
			b = MIN(p->b, g_array_index(known, int64_t, k) - 1);
			add(r, next, a - 1, unknown, unknown);
			add(r, a, b, piece_at(p, a) + width, piece_at(p, b) + width);
			next = b + 1;
		}
	}
	add(r, next, w->to, unknown, unknown);
	return r;
}

static Set *known_of(const World *w, const char *name)
{
	const Set *unknown = g_hash_table_lookup(w->unknown, name);
	return unknown ? set_mix(w->all, unknown, ONLY_LEFT) : w->all;
}

void world_number(World *w, const char *name, GArray *ret[2])
{
	bool age = g_str_has_suffix(name, ".age") && !recording_signal(w->rec, name);
	g_autofree char *base = g_strndup(name, strlen(name) - (age ? strlen(".age") : 0));
	const Signal *s = recording_signal(w->rec, base);
	GArray *const to[2] = {pooled(sizeof(Piece)), pooled(sizeof(Piece))};
	double width = 0;
	if (!s || s->info.boolean)
		world_problem(w, "%s is no number that can be worked out here", name);
	else if (w->silent && is_answer(&s->info))
		for (int side = SURE; side <= MAYBE; side++)
			add(to[side], w->from, w->to, 0, 0);
	else if (!is_measured(&s->info))
		claimed(w, s, age, to);
	else if (declared(&s->info)) {
		measured(w, s, to);
		width = width_of(w, s) * s->info.unit.scale;
	}
	for (int side = SURE; side <= MAYBE; side++)
		ret[side] = filled(w, to[side], known_of(w, name), side == MAYBE ? width : -width,
				   side == MAYBE ? INF : -INF);
}

/* ---- Booleans ---- */

/* Where it is known to be what. changes: from the last sample before one on it is not. */
static void stamps(const World *w, const Signal *s, bool changes, Set *on, Set *off)
{
	bool sampled = s->info.origin == ORIGIN_STIMULUS || s->info.origin == ORIGIN_HEALTH;
	for (size_t k = 0; k < s->n; k++) {
		bool next = k + 1 < s->n;
		int64_t t = s->t_ns[k], until = next ? s->t_ns[k + 1] - 1 : w->to;
		if (s->status[k] != SAMPLE_OK || isnan(s->v[k]) || !(s->info.u_clock_s >= 0))
			continue;
		if (sampled && (!declared(&s->info) || until - t >= s->info.max_gap_ns ||
				(next && !usable(s, k + 1)) ||
				(changes && next && (s->v[k + 1] != 0) != (s->v[k] != 0))))
			until = t;
		set_add(s->v[k] != 0 ? on : off, t, until);
	}
}

/* From every onset to the end that comes after it: what is not certain of both leaves less of it sure, and more possible. */
static Tri truth(World *outer, const TruthSpec *spec)
{
	World w = *outer;
	Node *onset = formula_parse(spec->onset, w.spec->parameters),
	     *end = spec->end ? formula_parse(spec->end, w.spec->parameters) : NULL;
	Tri r = {{set_span(0, -1), set_span(0, -1)}, true}, off = {0};
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	double lag = 0;
	w.shift = 0;
	w.truth = spec->name;
	if (!onset || (spec->end && !end) || outer->truth) {
		world_problem(outer, "truth.%s cannot be worked out here", spec->name);
		return r;
	}
	formula_names(onset, names);
	for (guint i = 0; i < names->len && !w.point; i++) { /* a sensor shows late what happened */
		const Signal *s = recording_signal(w.rec, names->pdata[i]);
		if (s && is_measured(&s->info) && s->info.bandwidth_hz > 0)
			lag = fmax(lag, 1 / (2 * G_PI * s->info.bandwidth_hz));
	}
	Tri on = eval(&w, onset);
	if (end)
		off = eval(&w, end);
	int64_t before = (int64_t)(lag * 1e9), clock = w.point ? 0 : (int64_t)ceil(w.clock_s * 1e9);
	GArray *edges = rises(&w, &on);
	for (guint i = 0; i < edges->len; i++) {
		const Edge *e = &g_array_index(edges, Edge, i);
		int64_t early = end ? set_next(off.s[MAYBE], e->from) : CLOCK_NEVER,
			late = end ? set_next(off.s[SURE], e->to) : CLOCK_NEVER;
		set_add(r.s[MAYBE], MAX(e->from - before - clock, w.from),
			late == CLOCK_NEVER ? w.to : MIN(late + clock - 1, w.to));
		if (e->certain)
			set_add(r.s[SURE], e->to + clock,
				early == CLOCK_NEVER ? w.to : early - clock - 1);
	}
	return r;
}

Tri world_boolean(World *w, const char *name)
{
	const TruthSpec *spec = spec_truth(w->spec, name);
	const Signal *s = recording_signal(w->rec, name);
	Set *on = set_span(0, -1), *off = set_span(0, -1), *known = known_of(w, name);
	if (spec)
		return truth(w, spec);
	if (!s || !s->info.boolean || (w->clock_s > 0 && g_str_has_prefix(name, "truth.")))
		world_problem(w, "%s is no Boolean that can be worked out here", name);
	else if (w->silent && is_answer(&s->info))
		off = w->all;
	else
		stamps(w, s, true, on, off);
	return (Tri){
		{set_mix(on, known, BOTH), set_mix(w->all, set_mix(off, known, BOTH), ONLY_LEFT)},
		s && s->info.boolean && s->info.origin == ORIGIN_DERIVED};
}

/* Where it was only withheld: nothing was wrong there. From the sample before on, since nothing follows that one. */
static Set *withheld(const World *w, const Signal *s)
{
	Set *r = set_span(0, -1);
	for (guint i = 0; i < w->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, i);
		ptrdiff_t before = signal_index(s, f->t_ns);
		if (fault_only_withheld(w->rec, f) && !strcmp(f->signal, s->info.name))
			r = set_mix(r,
				    set_span(before < 0 ? f->t_ns : s->t_ns[before],
					     MIN(f->until_ns, FAR)),
				    EITHER);
	}
	return r;
}

bool world_hole(World *w, const char *name, bool broken)
{
	World plain = *w;
	GArray *pieces[2];
	bool age = g_str_has_suffix(name, ".age") && !recording_signal(w->rec, name);
	g_autofree char *base = g_strndup(name, strlen(name) - (age ? strlen(".age") : 0));
	const Signal *s = recording_signal(w->rec, base);
	int64_t claims = s && s->n > 0 ? s->t_ns[0] : w->to + 1; /* from here on; 0 before */
	Set *known = set_span(w->from, age ? claims - 1 : w->from - 1);
	if (!s)
		return false;
	plain.point = true;
	if (!is_measured(&s->info))
		stamps(w, s, false, known, known);
	else
		world_number(&plain, name, pieces);
	for (guint i = 0; is_measured(&s->info) && i < pieces[SURE]->len; i++) {
		const Piece *p = &g_array_index(pieces[SURE], Piece, i);
		if (isfinite(p->va))
			set_add(known, p->a, p->b);
	}
	known = set_mix(known, known_of(w, name), BOTH);
	if (broken)
		known = set_mix(known, withheld(w, s), EITHER);
	return set_mix(w->all, known, ONLY_LEFT)->len > 0;
}
