#include "over.h"

#include "sum.h"

#include <stdlib.h>

/* ---- open bounds ------------------------------------------------------------------------------------------------------- */

/* An open bound changes the window's largest value only at the instants at which a knot lies on that bound. */
typedef struct Patch {
	double t;
	size_t knot;
	bool lower; /* the knot lies on the lower bound */
} Patch;

static int by_time(const void *a, const void *b)
{
	const Patch *x = a, *y = b;
	return x->t < y->t ? -1 : x->t > y->t;
}

static void add_patches(GArray *patches, const Track *f, double shift, bool lower)
{
	for (size_t i = 0; i < f->n; i++) {
		Patch p = {f->k[i].t - shift, i, lower};
		if (p.t >= 0 && p.t <= track_end(f))
			g_array_append_val(patches, p);
	}
}

static double peak(const Track *f, size_t i)
{
	double v = f->k[i].v;
	if (i > 0)
		v = MAX(v, f->k[i].l);
	if (i + 1 < f->n)
		v = MAX(v, f->k[i].r);
	return v;
}

/* Largest peak of the knots strictly inside a window that only moves on. */
typedef struct Inner {
	const Track *f;
	size_t *queue, head, tail, in;
} Inner;

static double inner_peak(Inner *q, double first, double last)
{
	for (; q->in < q->f->n && q->f->k[q->in].t < last; q->in++) {
		while (q->tail > q->head && peak(q->f, q->queue[q->tail - 1]) <= peak(q->f, q->in))
			q->tail--;
		q->queue[q->tail++] = q->in;
	}
	while (q->head < q->tail && q->f->k[q->queue[q->head]].t <= first)
		q->head++;
	return q->head < q->tail ? peak(q->f, q->queue[q->head]) : -INF;
}

typedef struct OpenWindow {
	bool open_from, open_to;
} OpenWindow;

/* What the ends of the window add to the knots inside. */
static double window_edges(const Track *f, const OpenWindow *w, double first, double last)
{
	double end = track_end(f), v = -INF;
	if (first >= 0 && first < end)
		v = MAX(v, track_at(f, first).r);
	if (last > 0 && last <= end)
		v = MAX(v, track_at(f, last).l);
	if (!w->open_from && first >= 0 && first <= end)
		v = MAX(v, track_at(f, first).v);
	if (!w->open_to && last >= 0 && last <= end)
		v = MAX(v, track_at(f, last).v);
	return v;
}

static void copy_knots(Track *out, const Track *a, size_t *k, double until)
{
	for (; *k < a->n && a->k[*k].t < until; ++*k)
		track_push(out, a->k[*k].t, a->k[*k].l, a->k[*k].v, a->k[*k].r);
}

/* `a` but for its value at the instant t; *k: the first knot of `a` that is not copied yet. */
static void copy_patched(Track *out, const Track *a, size_t *k, double t, double v)
{
	copy_knots(out, a, k, t);
	Knot at = track_at(a, t);
	track_push(out, t, t > 0 ? at.l : v, v, t < track_end(a) ? at.r : v);
	*k += *k < a->n && a->k[*k].t == t;
}

Track *track_window_open(const Track *line, double from, double to, bool open_from, bool open_to)
{
	g_autoptr(Track) f = track_solid(track_ref((Track *)(uintptr_t)line));
	Track *closed = track_solid(track_window_max(f, from, to));
	const OpenWindow w = {open_from, open_to};
	g_autoptr(GArray) patches = g_array_new(FALSE, FALSE, sizeof(Patch));
	if (open_from && isfinite(from))
		add_patches(patches, f, from, true);
	if (open_to && isfinite(to))
		add_patches(patches, f, to, false);
	if (patches->len == 0)
		return closed;
	qsort(patches->data, patches->len, sizeof(Patch), by_time);
	g_autofree size_t *queue = g_new(size_t, f->n);
	Inner inner = {f, queue, 0, 0, 0};
	Track *out = track_new(closed->n + patches->len);
	size_t k = 0;
	for (guint i = 0; i < patches->len; i++) {
		const Patch *p = &g_array_index(patches, Patch, i);
		if (i + 1 < patches->len && g_array_index(patches, Patch, i + 1).t == p->t)
			continue;
		/* the knot itself, not a sum that rounds beside it */
		double first = p->lower ? f->k[p->knot].t : p->t + from,
		       last = p->lower ? p->t + to : f->k[p->knot].t;
		double v = MAX(inner_peak(&inner, first, last), window_edges(f, &w, first, last));
		copy_patched(out, closed, &k, p->t, v);
	}
	copy_knots(out, closed, &k, INF);
	track_free(closed);
	return out;
}

Track *track_open_ends_open(Track *a, double from, double to, bool open_from, bool open_to)
{
	Track *out = track_open_ends(a, from, to);
	bool after = open_from && isinf(to), before = open_to && isinf(from);
	double t = after ? track_end(a) - from : -to;
	if ((!after && !before) || t < 0 || t > track_end(a))
		return out;
	Track *closed = track_solid(out), *open = track_new(closed->n + 1);
	size_t k = 0;
	copy_patched(open, closed, &k, t, INF);
	copy_knots(open, closed, &k, INF);
	track_free(closed);
	return open;
}

/* ---- max and min over a window ----------------------------------------------------------------------------------------- */

/* With open or closed bounds; consumes a. */
Pair pair_window(const Eval *e, Pair a, double from, double to, bool open_from, bool open_to)
{
	Pair out;
	Track **to_side[] = {&out.lo, &out.hi};
	const Track *sides[] = {a.lo, a.hi};
	g_autoptr(Track) inside = NULL;
	for (int upper = 0; upper < 2; upper++) {
		if (!upper || !pair_exact(&a))
			g_clear_pointer(&inside, track_free);
		if (!inside)
			inside = open_from || open_to ? track_window_open(sides[upper], from, to,
									  open_from, open_to)
						      : track_window_max(sides[upper], from, to);
		*to_side[upper] =
			eval_outside(e, upper) < 0
				? track_ref(inside)
				: track_open_ends_open(inside, from, to, open_from, open_to);
	}
	pair_clear(&a);
	return out;
}

Pair eval_over(Eval *e, const Node *n, EvalFunc of)
{
	double from = eval_ticks(e, n->lo_s), to = eval_ticks(e, n->hi_s);
	if (n->kind == N_MAX_OVER)
		return pair_window(e, of(e, n->a), from, to, n->lo_open, n->hi_open);
	return pair_negate(
		pair_window(e, pair_negate(of(e, n->a)), from, to, n->lo_open, n->hi_open));
}

/* ---- means --------------------------------------------------------------------------------------------------------------- */

/* Integral of a track from its start, and the length of what is infinite in it, at each knot. */
typedef struct Integral {
	const Track *f;
	Sum *sum; /* twice the integral */
	double *unknown;
} Integral;

static void integral_init(Integral *s, const Track *f)
{
	*s = (Integral){f, g_new0(Sum, f->n), g_new0(double, f->n)};
	for (size_t i = 1; i < f->n; i++) {
		double w = f->k[i].t - f->k[i - 1].t, a = f->k[i - 1].r, b = f->k[i].l;
		bool known = isfinite(a) && isfinite(b);
		s->sum[i] = known ? sum_plus_product(s->sum[i - 1], w, a + b) : s->sum[i - 1];
		s->unknown[i] = s->unknown[i - 1] + (known ? 0 : w);
	}
}

static void integral_clear(Integral *s)
{
	g_free(s->sum);
	g_free(s->unknown);
}

static Sum integral_at(const Integral *s, double t, double *ret_unknown)
{
	size_t i = track_find(s->f, t);
	double w = t - s->f->k[i].t, a = s->f->k[i].r, b = track_at(s->f, t).l;
	bool known = w <= 0 || (isfinite(a) && isfinite(b));
	*ret_unknown = s->unknown[i] + (known ? 0 : w);
	return known && w > 0 ? sum_plus_product(s->sum[i], w, a + b) : s->sum[i];
}

/* Mean over [t + from, t + to]; ±INFINITY (the unknown side) when a part is unknown. */
static double mean_at(const Integral *s, double t, double from, double to, double nothing)
{
	double u0, u1, end = track_end(s->f);
	Sum a = integral_at(s, CLAMP(t + from, 0, end), &u0),
	    b = integral_at(s, CLAMP(t + to, 0, end), &u1);
	return u1 > u0 ? nothing : sum_mean(b, a, 2 * (to - from));
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* Times at which the mean may bend, in [first, last]. */
static GArray *mean_times(const Track *f, double from, double to, double first, double last)
{
	GArray *times = g_array_new(FALSE, FALSE, sizeof(double));
	g_array_append_val(times, first);
	for (size_t i = 0; i < f->n; i++)
		for (int j = 0; j < 2; j++) {
			double t = f->k[i].t - (j ? to : from);
			if (t > first && t < last)
				g_array_append_val(times, t);
		}
	if (last > first)
		g_array_append_val(times, last);
	qsort(times->data, times->len, sizeof(double), by_number);
	return times;
}

/* The mean between two of these times is a parabola. One side of it from straight lines: the chord, or the tangents. */
static void push_mean(Track *out, const Integral *s, double from, double to, double t0, double t1,
		      bool upper, double finest)
{
	double y0 = mean_at(s, t0, from, to, 0), y1 = mean_at(s, t1, from, to, 0),
	       middle = mean_at(s, t0 + (t1 - t0) / 2, from, to, 0);
	double sag = fabs(middle - (y0 + y1) / 2);
	unsigned n = sag > finest ? (unsigned)MIN(32, ceil(sqrt(sag / finest))) : 1;
	bool chord = (middle < (y0 + y1) / 2) == upper || sag == 0;
	double step = (t1 - t0) / n;
	for (unsigned i = 0; i < n; i++) {
		double a = t0 + i * step, b = i + 1 == n ? t1 : a + step;
		double ya = mean_at(s, a, from, to, 0), yb = mean_at(s, b, from, to, 0),
		       ym = mean_at(s, a + (b - a) / 2, from, to, 0);
		/* tangents of a parabola at both ends meet in the middle, as far beyond the curve as the chord lies on
		 * the other side */
		double v = 2 * ym - (ya + yb) / 2;
		if (!chord && a + (b - a) / 2 > a && a + (b - a) / 2 < b)
			track_push(out, a + (b - a) / 2, v, v, v);
		if (i + 1 < n && b < t1)
			track_push(out, b, yb, yb, yb);
	}
}

/* It holds a value just after t. */
static bool holds_after(const Track *f, double t)
{
	size_t i = track_find(f, t);
	return i + 1 < f->n && f->k[i].r == f->k[i + 1].l;
}

/* `beyond`: where the window leaves the track. */
static Track *mean_side(const Track *f, double from, double to, bool upper, double beyond)
{
	double end = track_end(f), unknown = upper ? INF : -INF;
	double first = MAX(0, -from), last = MIN(end, end - to), most = 0;
	if (last < first)
		return track_constant(end, beyond);
	Integral s;
	integral_init(&s, f);
	for (size_t i = 0; i < f->n; i++)
		most = isfinite(f->k[i].v) ? MAX(most, fabs(f->k[i].v)) : most;
	g_autoptr(GArray) times = mean_times(f, from, to, first, last);
	Track *out = track_new(2 * times->len + 4);
	if (first > 0)
		track_push(out, 0, beyond, beyond, beyond);
	double left = beyond;
	for (guint i = 0; i < times->len; i++) {
		double t = g_array_index(times, double, i),
		       next = i + 1 < times->len ? g_array_index(times, double, i + 1) : t;
		if (i + 1 < times->len && next == t)
			continue;
		double v = mean_at(&s, t, from, to, unknown);
		bool known =
			next > t && isfinite(mean_at(&s, t + (next - t) / 2, from, to, unknown));
		double right = known ? v : t < end ? (t < last ? unknown : beyond) : v;
		track_push(out, t, t > 0 ? left : v, v, right);
		/* where what enters and what leaves both hold the mean runs straight */
		bool straight = holds_after(f, t + from) && holds_after(f, t + to);
		if (known && !straight)
			push_mean(out, &s, from, to, t, next, upper, 1e-6 * most);
		left = known ? mean_at(&s, next, from, to, unknown) : unknown;
	}
	if (last < end)
		track_push(out, end, beyond, beyond, beyond);
	integral_clear(&s);
	return out;
}

/* A mean is never cut: where the window leaves the recording it is unknown, with finite ends too. */
static double beyond(const Eval *e, bool upper)
{
	if (e->ends == STL_ENDS_FINITE)
		return upper ? INF : -INF;
	return eval_outside(e, upper);
}

Pair eval_mean(Eval *e, const Node *n, EvalFunc of)
{
	double from = eval_ticks(e, n->lo_s), to = eval_ticks(e, n->hi_s);
	g_auto(Pair) a = pair_solid(of(e, n->a));
	if (from < to)
		return (Pair){mean_side(a.lo, from, to, false, beyond(e, false)),
			      mean_side(a.hi, from, to, true, beyond(e, true))};
	Pair out;
	Track **to_side[] = {&out.lo, &out.hi};
	for (int upper = 0; upper < 2; upper++) { /* the value itself, at an instant */
		g_autoptr(Track) there = track_window_max(upper ? a.hi : a.lo, from, to);
		/* -INFINITY where it leaves the track, as a window on nothing is */
		*to_side[upper] =
			beyond(e, upper) > 0 ? track_open_ends(there, from, to) : track_ref(there);
	}
	return out;
}

/* ---- counts -------------------------------------------------------------------------------------------------------------- */

/* At `t` the count changes: at the instant by v, after it by r (in whole units, and in "any number"). */
typedef struct Change {
	double t;
	int v, r, any_v, any_r;
} Change;

static int by_change(const void *a, const void *b)
{
	const Change *x = a, *y = b;
	return x->t < y->t ? -1 : x->t > y->t;
}

typedef struct Stay {
	double from, to;
	bool open_from, open_to, any;
} Stay;

/* One more while t is in the stay. */
static void count_stay(GArray *changes, const Stay *s)
{
	if (s->from > s->to || (s->from == s->to && (s->open_from || s->open_to)))
		return;
	int n = s->any ? 0 : 1, any = s->any ? 1 : 0;
	Change in = {s->from, s->open_from ? 0 : n, n, s->open_from ? 0 : any, any},
	       out = {s->to, s->open_to ? -n : 0, -n, s->open_to ? -any : 0, -any};
	g_array_append_val(changes, in);
	g_array_append_val(changes, out);
}

static Track *sum_up(GArray *changes, double end)
{
	Track *out = track_new(changes->len + 2);
	int count = 0, any = 0;
	guint i = 0;
	if (changes->len > 1)
		qsort(changes->data, changes->len, sizeof(Change), by_change);
	for (; i < changes->len && g_array_index(changes, Change, i).t < 0; i++) {
		count += g_array_index(changes, Change, i).r;
		any += g_array_index(changes, Change, i).any_r;
	}
	for (double t = 0; t <= end;) {
		int v = count, r = count, any_v = any, any_r = any;
		double l = any > 0 ? INF : count;
		for (; i < changes->len && g_array_index(changes, Change, i).t <= t; i++) {
			const Change *c = &g_array_index(changes, Change, i);
			v += c->v;
			r += c->r;
			any_v += c->any_v;
			any_r += c->any_r;
		}
		double at = any_v > 0 ? INF : v;
		track_push(out, t, t > 0 ? l : at, at, t < end ? (any_r > 0 ? INF : r) : at);
		count = r;
		any = any_r;
		if (t == end)
			break;
		t = i < changes->len ? MIN(end, g_array_index(changes, Change, i).t) : end;
	}
	return out;
}

/* The windows that leave the recording; one without a bound only when it lies beyond as a whole. */
static void count_beyond(const Eval *e, const Node *n, GArray *least, GArray *most)
{
	double from = eval_ticks(e, n->lo_s), to = eval_ticks(e, n->hi_s);
	const Stay after = {e->end - (isinf(to) ? from : to), INF, !(isinf(to) && n->lo_open), true,
			    true},
		   before = {-INF, isinf(from) ? -to : -from, true, !(isinf(from) && n->hi_open),
			     true};
	for (int upper = 0; upper < 2; upper++) {
		if (!(eval_outside(e, upper) > 0))
			continue;
		if (isfinite(to) || isfinite(from)) {
			count_stay(upper ? most : least, &after);
			count_stay(upper ? most : least, &before);
		}
	}
}

/* Test of completeness: where p hangs on what lies beyond the ends there are as many rises as can be, and as few. */
static void count_contrary(Eval *e, const Node *n, Pair *counts)
{
	double from = eval_ticks(e, n->lo_s), to = eval_ticks(e, n->hi_s), since = 0;
	const Pair *p = eval_truth_of(e, n->a);
	g_autoptr(GArray) any = g_array_new(FALSE, FALSE, sizeof(Change));
	g_autoptr(Track) down = track_negate(p->hi);
	g_autoptr(Track) both = track_combine(p->lo, down, TRACK_MIN, 0); /* above 0: contrary */
	bool inside = false;
	for (size_t i = 0; i < both->n; i++) {
		const Knot *k = &both->k[i];
		bool now = (i > 0 && k->l > 0) || k->v > 0, on = i + 1 < both->n && k->r > 0;
		if ((now || on) && !inside)
			since = k->t;
		inside = inside || now || on;
		if (!inside || on)
			continue;
		const Stay stay = {since - to, k->t - from, n->hi_open, n->lo_open, true};
		count_stay(any, &stay);
		inside = false;
	}
	if (any->len == 0)
		return;
	g_autoptr(Track) lots = sum_up(any, e->end), zero = track_constant(e->end, 0);
	g_autoptr(Track) few = track_combine(counts->hi, lots, TRACK_SUB, -INF);
	Pair out = {track_combine(counts->lo, lots, TRACK_MAX, 0),
		    track_combine(few, zero, TRACK_MAX, 0)};
	pair_clear(counts);
	*counts = out;
}

/* Rises of p in the window. Surely: those that lie in it as a whole. At most: those that may touch it; a time in which p is
 * unknown may hide any number. */
Pair eval_count(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	double from = eval_ticks(e, n->lo_s), to = eval_ticks(e, n->hi_s);
	bool one_each = eval_derived(e, n->a);
	g_autoptr(GArray) edges = eval_edges(e, n->a),
			  least = g_array_new(FALSE, FALSE, sizeof(Change)),
			  most = g_array_new(FALSE, FALSE, sizeof(Change));
	for (guint i = 0; i < edges->len; i++) {
		const StlEdge *edge = &g_array_index(edges, StlEdge, i);
		double early = (double)(edge->earliest_ns - e->input->start_ns),
		       late = (double)(edge->latest_ns - e->input->start_ns);
		bool instant = late - early <= 1; /* a crossing between two nanoseconds */
		Stay sure = {late - to, early - from, n->hi_open, n->lo_open, false},
		     maybe = {early - to, late - from, n->hi_open, n->lo_open,
			      !instant && !one_each};
		if (instant)
			sure = maybe;
		if (edge->certain)
			count_stay(least, &sure);
		count_stay(most, &maybe);
	}
	count_beyond(e, n, least, most);
	Pair out = {sum_up(least, e->end), sum_up(most, e->end)};
	if (e->contrary)
		count_contrary(e, n, &out);
	return out;
}
