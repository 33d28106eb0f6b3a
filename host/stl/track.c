#include "track.h"

#include <stdint.h>
#include "room.h"

#include <stdlib.h>
#include <string.h>

Track *track_new(size_t capacity)
{
	Track *a = g_new0(Track, 1);
	a->bytes = MAX(capacity, 4) * sizeof(Knot);
	a->k = room_take(&a->bytes);
	a->capacity = a->bytes / sizeof(Knot);
	a->refs = 1;
	return a;
}

Track *track_ref(Track *a)
{
	a->refs++;
	return a;
}

void track_free(Track *a)
{
	if (!a || --a->refs > 0)
		return;
	room_give(a->k, a->bytes);
	g_free(a);
}

Track *track_line(size_t n, const double *t, const double *v)
{
	Track *a = g_new0(Track, 1);
	*a = (Track){.n = n, .lt = t, .lv = v, .factor = 1, .refs = 1};
	return a;
}

Track *track_solid(Track *a)
{
	if (a->k)
		return a;
	Track *out = track_new(a->n);
	for (size_t i = 0; i < a->n; i++) {
		Knot k = knot_of(a, i);
		track_push(out, k.t, k.l, k.v, k.r);
	}
	track_free(a);
	return out;
}

static Track *line_like(const Track *a, double factor, double shift)
{
	Track *out = track_line(a->n, a->lt, a->lv);
	out->factor = factor;
	out->shift = shift;
	return out;
}

static inline void push(Track *a, double t, double l, double v, double r)
{
	if (a->n >= 2) {
		const Knot *p = &a->k[a->n - 2], *q = &a->k[a->n - 1];
		if (q->l == q->v && q->v == q->r && p->r == q->l && q->r == l)
			a->n--;
	}
	if (G_UNLIKELY(a->n == a->capacity)) {
		a->k = room_double(a->k, &a->bytes);
		a->capacity = a->bytes / sizeof(Knot);
	}
	a->steps |= l != v || v != r;
	a->k[a->n++] = (Knot){t, l, v, r};
}

void track_push(Track *a, double t, double l, double v, double r)
{
	push(a, t, l, v, r);
}

Track *track_constant(double end, double value)
{
	Track *a = track_new(2);
	track_push(a, 0, value, value, value);
	if (end > 0)
		track_push(a, end, value, value, value);
	return a;
}

double track_end(const Track *a)
{
	return knot_t(a, a->n - 1);
}

size_t track_find(const Track *a, double t)
{
	size_t lo = 0, hi = a->n;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (knot_t(a, mid) <= t)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* i: the last knot at or before t */
static inline Knot between(const Track *a, size_t i, double t)
{
	Knot k = knot_of(a, i);
	if (k.t == t || i + 1 == a->n)
		return (Knot){t, k.l, k.v, k.r};
	Knot q = knot_of(a, i + 1);
	double v = lerp(t, k.t, k.r, q.t, q.l);
	return (Knot){t, v, v, v};
}

Knot track_at(const Track *a, double t)
{
	return between(a, track_find(a, t), t);
}

Knot track_at_knot(const Track *a, size_t i, double t)
{
	return between(a, i, t);
}

Knot track_walk(const Track *a, size_t *i, double t)
{
	while (*i + 1 < a->n && knot_t(a, *i + 1) <= t)
		++*i;
	return between(a, *i, t);
}

bool track_finite(const Track *a)
{
	for (size_t i = 0; a->k && i < a->n; i++)
		if (!isfinite(a->k[i].l + a->k[i].v + a->k[i].r))
			return false;
	return true; /* a line has finite values only */
}

Track *track_negate(const Track *a)
{
	if (!a->k)
		return line_like(a, -a->factor, -a->shift);
	Track *out = track_new(a->n);
	for (size_t i = 0; i < a->n; i++)
		out->k[i] = (Knot){a->k[i].t, -a->k[i].l, -a->k[i].v, -a->k[i].r};
	out->n = a->n;
	out->steps = a->steps;
	return out;
}

/* Never below 0 by rounding, and 0 where it crosses it: `abs(x) >= 0` always holds, `x == 0` there. */
Track *track_absolute(const Track *a)
{
	Track *out = track_new(a->n + 8);
	for (size_t i = 0; i < a->n; i++) {
		Knot k = knot_of(a, i), x = i > 0 ? knot_of(a, i - 1) : k;
		double tc = i > 0 ? crossing(x.t, x.r, 0, k.t, k.l, 0) : (double)NAN;
		if (!isnan(tc))
			track_push(out, tc, 0, 0, 0);
		track_push(out, k.t, fabs(k.l), fabs(k.v), fabs(k.r));
	}
	return out;
}

static inline double apply(TrackOp op, double x, double y, double nan)
{
	double z = nan;
	switch (op) {
	case TRACK_MIN:
		return x < y ? x : y;
	case TRACK_MAX:
		return x > y ? x : y;
	case TRACK_ADD:
		z = x + y;
		break;
	case TRACK_SUB:
		z = x - y;
		break;
	}
	return isnan(z) ? nan : z;
}

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* min or max of a line and the constant c at the line's knots i … before `until`; *x is the last knot of the line, as told in
 * `out`. Most samples are on one side of c: they are copied, or are nothing. */
static ALWAYS_INLINE size_t beside(Track *out, const Track *line, size_t i, double until, double c,
				   bool max, Knot *x)
{
	double t0 = x->t, v0 = x->r;
	bool counts0 = max ? v0 > c : v0 < c;
	for (; i < line->n && line->lt[i] < until; i++) {
		double t = line->lt[i], v = line->factor * line->lv[i] + line->shift;
		bool counts = max ? v > c : v < c;
		if (counts != counts0) {
			double tc = crossing(t0, v0, c, t, v, c);
			double vc = isnan(tc) ? c : lerp(tc, t0, v0, t, v);
			if (!isnan(tc))
				push(out, tc, vc, vc, vc);
			else if (counts && out->k[out->n - 1].t < t0) /* it was c just then */
				push(out, t0, c, c, c);
			else if (!counts)
				push(out, t, c, c, c);
		}
		if (counts)
			push(out, t, v, v, v);
		t0 = t;
		v0 = v;
		counts0 = counts;
	}
	if (v0 == c && out->k[out->n - 1].t < t0)
		push(out, t0, c, c, c); /* it may leave c from here on */
	*x = (Knot){t0, v0, v0, v0};
	return i;
}

/* Both sides are known at each other's knots; a bend where they cross. Inlined with constant `op`, `steps`. */
static ALWAYS_INLINE Track *merge(const Track *a, const Track *b, TrackOp op, double nan,
				  bool steps)
{
	Track *out = track_new(a->n + b->n);
	bool bends = op == TRACK_MIN || op == TRACK_MAX;
	size_t i = 0, j = 0; /* next knots */
	Knot x0 = {0}, y0 = {0}, xk = knot_of(a, 0), yk = knot_of(b, 0);
	while (i < a->n || j < b->n) {
		if (bends && !a->k && i > 0 && i < a->n && j > 0 && j < b->n && xk.t < yk.t &&
		    y0.r == yk.l && y0.t <= x0.t) {
			i = beside(out, a, i, yk.t, yk.l, op == TRACK_MAX, &x0);
			if (i < a->n)
				xk = knot_of(a, i);
			y0 = (Knot){x0.t, yk.l, yk.l, yk.l};
			continue;
		}
		double ta = i < a->n ? xk.t : INF, tb = j < b->n ? yk.t : INF, t = min2(ta, tb);
		Knot x = xk, y = yk;
		if (ta > t)
			x.l = x.v = x.r = i < a->n ? lerp(t, x0.t, x0.r, xk.t, xk.l) : x0.r;
		if (tb > t)
			y.l = y.v = y.r = j < b->n ? lerp(t, y0.t, y0.r, yk.t, yk.l) : y0.r;
		x.t = y.t = t;
		if (ta == t && ++i < a->n)
			xk = knot_of(a, i);
		if (tb == t && ++j < b->n)
			yk = knot_of(b, j);
		if (bends && out->n > 0) {
			double tc = crossing(x0.t, x0.r, y0.r, t, x.l, y.l);
			if (!isnan(tc)) {
				double v = lerp(tc, x0.t, x0.r, t, x.l);
				push(out, tc, v, v, v);
			}
		}
		double v = apply(op, x.v, y.v, nan);
		if (steps)
			push(out, t, apply(op, x.l, y.l, nan), v, apply(op, x.r, y.r, nan));
		else
			push(out, t, v, v, v);
		x0 = x;
		y0 = y;
	}
	return out;
}

/* The value of a track that has only one. */
static bool constant_of(const Track *a, double *ret)
{
	if (!a->k || a->steps || a->n > 2 || a->k[0].v != a->k[a->n - 1].v)
		return false;
	*ret = a->k[0].v;
	return true;
}

/* A line plus or minus a constant, and a constant minus a line, are lines as long as no rounding is skipped. */
static Track *line_sum(const Track *a, const Track *b, TrackOp op)
{
	double c;
	if (op != TRACK_ADD && op != TRACK_SUB)
		return NULL;
	if (!a->k && a->shift == 0 && constant_of(b, &c) && isfinite(c))
		return line_like(a, a->factor, op == TRACK_SUB ? -c : c);
	if (!b->k && b->shift == 0 && constant_of(a, &c) && isfinite(c))
		return line_like(b, op == TRACK_SUB ? -b->factor : b->factor, c);
	return NULL;
}

Track *track_combine(const Track *a, const Track *b, TrackOp op, double nan)
{
	Track *line = line_sum(a, b, op);
	bool steps = a->steps || b->steps;
	if (line)
		return line;
	if (!b->k && (op == TRACK_MIN || op == TRACK_MAX)) { /* the line first, see beside() */
		const Track *first = b;
		b = a;
		a = first;
	}
	if (op == TRACK_MIN)
		return steps ? merge(a, b, TRACK_MIN, 0, true) : merge(a, b, TRACK_MIN, 0, false);
	if (op == TRACK_MAX)
		return steps ? merge(a, b, TRACK_MAX, 0, true) : merge(a, b, TRACK_MAX, 0, false);
	return merge(a, b, op, nan, true);
}

static inline double times(double x, double factor, double nan)
{
	double z = x * factor;
	return isnan(z) ? nan : z;
}

Track *track_scale(const Track *a, double factor, double nan)
{
	/* factor · (±v) is one rounding, as it should be */
	if (!a->k && a->shift == 0 && fabs(a->factor) == 1 && isfinite(factor))
		return line_like(a, a->factor * factor, 0);
	Track *out = track_new(a->n);
	for (size_t i = 0; i < a->n; i++) {
		Knot k = knot_of(a, i);
		track_push(out, k.t, times(k.l, factor, nan), times(k.v, factor, nan),
			   times(k.r, factor, nan));
	}
	return out;
}

static inline double truth(double x, bool strict)
{
	return x > 0 || (!strict && x == 0) ? INF : -INF;
}

/* Truth on the open stretch from r0 to l1 when it has no crossing inside: that of its middle. One side may lie beyond 0 by so little
 * that the crossing falls on a knot. */
static inline double stretch_truth(double r0, double l1, bool strict)
{
	double twice = r0 + l1;
	return twice == 0 ? truth(0, strict) : twice > 0 ? INF : -INF;
}

Track *track_truth(const Track *a, bool strict)
{
	Track *out = track_new(16);
	Knot q = knot_of(a, 0);
	double left = truth(q.v, strict);
	for (size_t i = 0; i < a->n; i++) {
		Knot k = q;
		if (i + 1 == a->n) {
			track_push(out, k.t, left, truth(k.v, strict), truth(k.v, strict));
			break;
		}
		q = knot_of(a, i + 1);
		/* nothing changes: the most frequent case by far */
		bool stays =
			left > 0 ? k.v > 0 && k.r > 0 && q.l > 0 : k.v < 0 && k.r < 0 && q.l < 0;
		if (stays && i > 0)
			continue;
		double tc = crossing(k.t, k.r, 0, q.t, q.l, 0);
		double right = isnan(tc) ? stretch_truth(k.r, q.l, strict) : truth(k.r, true);
		track_push(out, k.t, left, truth(k.v, strict), right);
		left = right;
		if (!isnan(tc)) {
			double after = truth(q.l, true);
			track_push(out, tc, right, truth(0, strict), after);
			left = after;
		}
	}
	return out;
}

Track *track_reverse(const Track *a)
{
	double end = track_end(a);
	Track *out = track_new(a->n);
	for (size_t i = a->n; i-- > 0;) {
		Knot k = knot_of(a, i);
		/* the ends have no outer side */
		double l = i + 1 == a->n ? k.v : k.r, r = i == 0 ? k.v : k.l;
		track_push(out, end - k.t, l, k.v, r);
	}
	return out;
}

static bool is_hair(const Track *a, size_t i, double shortest)
{
	return i + 1 < a->n && a->k[i + 1].t - a->k[i].t < shortest;
}

Track *track_without_hairs(const Track *a, double shortest, double unknown)
{
	bool any = false;
	for (size_t i = 0; i < a->n && !any; i++)
		any = is_hair(a, i, shortest);
	if (!any)
		return track_ref((Track *)(uintptr_t)a);
	Track *out = track_new(a->n);
	for (size_t i = 0; i < a->n; i++) {
		bool left = i > 0 && is_hair(a, i - 1, shortest), right = is_hair(a, i, shortest);
		track_push(out, a->k[i].t, left ? unknown : a->k[i].l,
			   left || right ? unknown : a->k[i].v, right ? unknown : a->k[i].r);
	}
	return out;
}

void track_range(const Track *a, double from, double to, double *ret_lo, double *ret_hi)
{
	Knot x = track_at(a, from), y = track_at(a, to);
	double lo = min2(x.v, y.v), hi = max2(x.v, y.v);
	if (to > from) {
		lo = min2(lo, min2(x.r, y.l));
		hi = max2(hi, max2(x.r, y.l));
	}
	for (size_t i = track_find(a, from) + 1; i < a->n && knot_t(a, i) < to; i++) {
		Knot k = knot_of(a, i);
		lo = min2(lo, min2(k.v, min2(k.l, k.r)));
		hi = max2(hi, max2(k.v, max2(k.l, k.r)));
	}
	*ret_lo = lo;
	*ret_hi = hi;
}
