#include "discrete.h"
#include "room.h"

#include <float.h>

/* Signals as tracks: what their samples say, and where they say nothing. */

void series_free(void *p)
{
	Series *s = p;
	room_give(s->t, s->t_bytes);
	room_give(s->v, s->v_bytes);
	g_free(s);
}

typedef struct Raw {
	Track *full; /* on the samples' own axis, relative to the start */
	double unknown;
} Raw;

bool eval_usable(const Signal *s, size_t i, bool upper, double *ret)
{
	*ret = s->v[i];
	if (isnan(s->v[i]) || s->status[i] == SAMPLE_MISSING)
		return false;
	if (s->status[i] != SAMPLE_SATURATED)
		return true;
	const SignalInfo *info = &s->info;
	if (isnan(info->range_lo) || isnan(info->range_hi))
		return false;
	bool top = s->v[i] >= 0.5 * (info->range_lo + info->range_hi);
	return top != upper;
}

typedef struct Builder {
	Track *out;
	const Signal *s;
	double unknown, max_gap, t_last, v_last; /* last usable sample */
	bool have, broken; /* broken: a MISSING or unusable sample came after the last usable one */
	double t_broken;
	double pending_l; /* left limit of the pending knot */
} Builder;

/* A held value lasts until the gap is too long, or until a sample says that nothing is known. */
static void close_held(Builder *b, double until)
{
	double h = INF;
	bool at_missing = false;
	if (b->max_gap > 0)
		h = b->t_last + b->max_gap;
	if (b->broken && b->t_broken <= h) {
		h = b->t_broken;
		at_missing = true;
	}
	track_push(b->out, b->t_last, b->pending_l, b->v_last, b->v_last);
	if (h < until)
		track_push(b->out, h, b->v_last, at_missing ? b->unknown : b->v_last, b->unknown);
}

static void add_usable(Builder *b, double t, double v)
{
	if (!b->have) {
		b->pending_l = b->unknown;
	} else if (b->s->info.interp == SIGNAL_PREVIOUS) {
		close_held(b, t);
		double h = b->max_gap > 0 ? b->t_last + b->max_gap : INF;
		b->pending_l = b->broken || h < t ? b->unknown : b->v_last;
	} else {
		bool gap = b->broken || (b->max_gap > 0 && t - b->t_last > b->max_gap);
		track_push(b->out, b->t_last, b->pending_l, b->v_last,
			   gap ? b->unknown : b->v_last);
		b->pending_l = gap ? b->unknown : v;
	}
	b->have = true;
	b->broken = false;
	b->t_last = t;
	b->v_last = v;
}

static Track *full_track(const Eval *e, const Signal *s, bool upper)
{
	Builder b = {.out = track_new(s->n + 2), .s = s, .unknown = upper ? INF : -INF};
	b.max_gap = s->info.max_gap_ns > 0 ? (double)s->info.max_gap_ns : 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->status[i] == SAMPLE_STALE)
			continue; /* repeated, not measured: as if it had not come */
		double v, t = (double)(s->t_ns[i] - e->input->start_ns);
		if (eval_usable(s, i, upper, &v)) {
			add_usable(&b, t, v);
		} else if (!b.broken) {
			b.broken = true;
			b.t_broken = t;
		}
	}
	if (b.have && s->info.interp == SIGNAL_PREVIOUS)
		close_held(&b, INF);
	else if (b.have)
		track_push(b.out, b.t_last, b.pending_l, b.v_last, b.unknown);
	return b.out;
}

/* Value of the full track at any t; before the first and after the last knot its outer limits. */
static Knot full_at(const Track *full, double t, double unknown)
{
	if (full->n == 0 || t < full->k[0].t)
		return (Knot){t, unknown, unknown, unknown};
	const Knot *last = &full->k[full->n - 1];
	if (t > last->t)
		return (Knot){t, last->r, last->r, last->r};
	return track_at(full, t);
}

static Track *signal_side(const Eval *e, const Signal *s, bool upper)
{
	double unknown = upper ? INF : -INF;
	g_autoptr(Track) full = full_track(e, s, upper);
	Track *out = track_new(full->n + 2);
	Knot k = full_at(full, 0, unknown);
	track_push(out, 0, k.v, k.v, k.r);
	for (size_t i = 0; i < full->n; i++)
		if (full->k[i].t > 0 && full->k[i].t < e->end)
			track_push(out, full->k[i].t, full->k[i].l, full->k[i].v, full->k[i].r);
	if (e->end > 0) {
		k = full_at(full, e->end, unknown);
		track_push(out, e->end, k.l, k.v, k.v);
	}
	return out;
}

/* Samples first … last of a linear signal as a polyline on [0, end]. False when something is missing there. */
static bool fill_series(const Eval *e, const Signal *s, Series *out)
{
	ptrdiff_t first = signal_index(s, e->input->start_ns),
		  last = signal_index(s, e->input->end_ns);
	int64_t start = e->input->start_ns,
		gap = s->info.max_gap_ns > 0 ? s->info.max_gap_ns : INT64_MAX;
	if (s->info.interp != SIGNAL_LINEAR || first < 0)
		return false;
	if (s->t_ns[last] < e->input->end_ns && (size_t)++last >= s->n)
		return false;
	size_t n = (size_t)(last - first) + 1;
	bool bad = false;
	out->t_bytes = out->v_bytes = n * sizeof(double);
	out->t = room_take(&out->t_bytes);
	out->v = room_take(&out->v_bytes);
	int64_t before = s->t_ns[first];
	for (size_t i = 0; i < n; i++) {
		size_t k = (size_t)first + i;
		int64_t t = s->t_ns[k];
		double v = s->v[k];
		bad |= (s->status[k] != SAMPLE_OK) | (t - before > gap) | !(fabs(v) <= DBL_MAX);
		out->t[i] = (double)(t - start);
		out->v[i] = v;
		before = t;
	}
	out->n = n;
	return !bad;
}

/* Both ends onto the axis. */
static void trim_series(const Eval *e, Series *s)
{
	size_t n = s->n;
	if (s->t[n - 1] > e->end) {
		s->v[n - 1] = lerp(e->end, s->t[n - 2], s->v[n - 2], s->t[n - 1], s->v[n - 1]);
		s->t[n - 1] = e->end;
	}
	if (s->t[0] < 0) {
		s->v[0] = lerp(0, s->t[0], s->v[0], s->t[1], s->v[1]);
		s->t[0] = 0;
	}
}

/* A signal of which nothing is missing is not copied for every atom that names it. NULL: something is. */
static Track *whole_signal(Eval *e, const Signal *s)
{
	Series *kept = g_hash_table_lookup(e->series, s);
	if (!kept) {
		kept = g_new0(Series, 1);
		g_hash_table_insert(e->series, (gpointer)(uintptr_t)s, kept);
		if (e->end > 0 && fill_series(e, s, kept))
			trim_series(e, kept);
		else
			kept->n = 0;
	}
	return kept->n > 0 ? track_line(kept->n, kept->t, kept->v) : NULL;
}

bool source_whole(Eval *e)
{
	for (size_t i = 0; i < stl_formula_n_signals(e->f); i++) {
		const char *name = stl_formula_signal(e->f, i);
		const Signal *s = g_hash_table_lookup(e->input->signals, name);
		const Signal *upper =
			e->input->upper ? g_hash_table_lookup(e->input->upper, name) : NULL;
		Track *whole = s && (!upper || upper == s) ? whole_signal(e, s) : NULL;
		if (!whole)
			return false;
		track_free(whole);
	}
	return true;
}

static Track *side_of(Eval *e, const Signal *s, bool upper)
{
	Track *whole = whole_signal(e, s);
	return whole ? whole : signal_side(e, s, upper);
}

Pair source_pair(Eval *e, const Node *n)
{
	const char *name = stl_formula_signal(e->f, (size_t)n->name);
	const Signal *lo = g_hash_table_lookup(e->input->signals, name);
	const Signal *hi = e->input->upper ? g_hash_table_lookup(e->input->upper, name) : NULL;
	if (!lo) {
		if (!e->error)
			g_set_error(&e->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "there is no signal '%s'", name);
		return (Pair){track_constant(e->end, -INF), track_constant(e->end, INF)};
	}
	Track *both = hi && hi != lo ? NULL : whole_signal(e, lo);
	return both ? pair_twice(both)
		    : (Pair){side_of(e, lo, false), side_of(e, hi ? hi : lo, true)};
}

Pair eval_raw_signal(Eval *e, const Node *n)
{
	return e->discrete ? discrete_signal(e, n) : source_pair(e, n);
}
