#include "track.h"

#include <stdlib.h>
#include <string.h>

Track *track_new(size_t capacity)
{
	Track *a = g_new0(Track, 1);
	a->capacity = MAX(capacity, 4);
	a->k = g_new(Knot, a->capacity);
	return a;
}

void track_free(Track *a)
{
	if (!a)
		return;
	g_free(a->k);
	g_free(a);
}

void track_push(Track *a, double t, double l, double v, double r)
{
	if (a->n >= 2) {
		const Knot *p = &a->k[a->n - 2], *q = &a->k[a->n - 1];
		if (q->l == q->v && q->v == q->r && p->r == q->l && q->r == l)
			a->n--;
	}
	if (a->n == a->capacity) {
		a->capacity *= 2;
		a->k = g_renew(Knot, a->k, a->capacity);
	}
	a->k[a->n++] = (Knot){t, l, v, r};
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
	return a->k[a->n - 1].t;
}

size_t track_find(const Track *a, double t)
{
	size_t lo = 0, hi = a->n;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (a->k[mid].t <= t)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Between right limit r0 at t0 and left limit l1 at t1. */
static inline double lerp(double t, double t0, double r0, double t1, double l1)
{
	if (r0 == l1 || isinf(r0) || isinf(l1))
		return r0;
	return r0 + (l1 - r0) * ((t - t0) / (t1 - t0));
}

Knot track_at(const Track *a, double t)
{
	size_t i = track_find(a, t);
	if (a->k[i].t == t || i + 1 == a->n)
		return (Knot){t, a->k[i].l, a->k[i].v, a->k[i].r};
	double v = lerp(t, a->k[i].t, a->k[i].r, a->k[i + 1].t, a->k[i + 1].l);
	return (Knot){t, v, v, v};
}

Track *track_negate(const Track *a)
{
	Track *out = track_new(a->n);
	for (size_t i = 0; i < a->n; i++)
		out->k[i] = (Knot){a->k[i].t, -a->k[i].l, -a->k[i].v, -a->k[i].r};
	out->n = a->n;
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

/* Where two straight lines cross inside (t0, t1); NaN when they do not. */
static double crossing(double t0, double x0, double y0, double t1, double x1, double y1)
{
	double d0 = x0 - y0, d1 = x1 - y1;
	if (!isfinite(d0) || !isfinite(d1) || !((d0 < 0 && d1 > 0) || (d0 > 0 && d1 < 0)))
		return (double)NAN;
	double t = t0 + (t1 - t0) * (d0 / (d0 - d1));
	return t > t0 && t < t1 ? t : (double)NAN;
}

/* Knot of b (or a) at t, walking forward with *i. */
static inline Knot walk(const Track *a, size_t *i, double t)
{
	while (*i + 1 < a->n && a->k[*i + 1].t <= t)
		++*i;
	const Knot *k = &a->k[*i];
	if (k->t == t || *i + 1 == a->n)
		return (Knot){t, k->l, k->v, k->r};
	double v = lerp(t, k->t, k->r, a->k[*i + 1].t, a->k[*i + 1].l);
	return (Knot){t, v, v, v};
}

Track *track_combine(const Track *a, const Track *b, TrackOp op, double nan)
{
	Track *out = track_new(a->n + b->n);
	size_t ia = 0, ib = 0, ja = 0, jb = 0;
	Knot x0 = {0}, y0 = {0};
	bool first = true, bends = op == TRACK_MIN || op == TRACK_MAX;
	while (ja < a->n || jb < b->n) {
		double ta = ja < a->n ? a->k[ja].t : INF, tb = jb < b->n ? b->k[jb].t : INF;
		double t = MIN(ta, tb);
		ja += ta == t;
		jb += tb == t;
		Knot x = walk(a, &ia, t), y = walk(b, &ib, t);
		if (!first && bends) {
			double tc = crossing(x0.t, x0.r, y0.r, t, x.l, y.l);
			if (!isnan(tc)) {
				double v = lerp(tc, x0.t, x0.r, t, x.l);
				track_push(out, tc, v, v, v);
			}
		}
		track_push(out, t, apply(op, x.l, y.l, nan), apply(op, x.v, y.v, nan),
			   apply(op, x.r, y.r, nan));
		x0 = x;
		y0 = y;
		first = false;
	}
	return out;
}

static inline double times(double x, double factor, double nan)
{
	double z = x * factor;
	return isnan(z) ? nan : z;
}

Track *track_scale(const Track *a, double factor, double nan)
{
	Track *out = track_new(a->n);
	for (size_t i = 0; i < a->n; i++)
		track_push(out, a->k[i].t, times(a->k[i].l, factor, nan),
			   times(a->k[i].v, factor, nan), times(a->k[i].r, factor, nan));
	return out;
}

static inline double truth(double x, bool strict)
{
	return x > 0 || (!strict && x == 0) ? INF : -INF;
}

/* Truth on the open stretch from r0 to l1 when it has no crossing inside: that of its middle. */
static inline double stretch_truth(double r0, double l1, bool strict)
{
	if (r0 == 0 && l1 == 0)
		return truth(0, strict);
	return r0 > 0 || l1 > 0 ? INF : -INF;
}

Track *track_truth(const Track *a, bool strict)
{
	Track *out = track_new(a->n);
	double left = truth(a->k[0].v, strict);
	for (size_t i = 0; i < a->n; i++) {
		const Knot *k = &a->k[i];
		if (i + 1 == a->n) {
			track_push(out, k->t, left, truth(k->v, strict), truth(k->v, strict));
			break;
		}
		const Knot *q = &a->k[i + 1];
		double tc = crossing(k->t, k->r, 0, q->t, q->l, 0);
		double right = isnan(tc) ? stretch_truth(k->r, q->l, strict) : truth(k->r, true);
		track_push(out, k->t, left, truth(k->v, strict), right);
		left = right;
		if (!isnan(tc)) {
			double after = truth(q->l, true);
			track_push(out, tc, right, truth(0, strict), after);
			left = after;
		}
	}
	return out;
}

/* ---- windows -------------------------------------------------------------------------------------------------------- */

static inline double max2(double a, double b)
{
	return a > b ? a : b;
}

/* f as seen at one end of the window, t + shift: at a knot the closed window takes in the limit of its inner side. */
static Track *window_end(const Track *f, double shift, bool lower, bool point)
{
	double end = track_end(f);
	Track *out = track_new(f->n + 4);
	double none = -INF;
	if (f->k[0].t - shift > 0) /* before t + shift reaches the track */
		track_push(out, 0, none, none, none);
	bool begun = false;
	for (size_t i = 0; i < f->n; i++) {
		const Knot *k = &f->k[i];
		double t = k->t - shift;
		if (t > end)
			break;
		double l = i == 0 ? none : k->l, r = i + 1 == f->n ? none : k->r;
		double v = point ? k->v : lower ? max2(k->v, r) : max2(k->v, l);
		if (t >= 0) {
			if (!begun && t > 0 && i > 0) { /* the axis begins inside a stretch */
				Knot at = track_at(f, shift);
				track_push(out, 0, at.v, at.v, at.v);
			}
			track_push(out, t, l, v, r);
			begun = true;
		}
	}
	if (out->n == 0) { /* the whole axis lies inside one stretch or beyond the track */
		if (shift >= f->k[0].t && shift <= end) {
			Knot at = track_at(f, shift);
			track_push(out, 0, at.v, at.v, at.v);
		} else {
			track_push(out, 0, none, none, none);
		}
	}
	double last = out->k[out->n - 1].t;
	if (last < end) {
		double at = end + shift;
		double v = none;
		if (at >= f->k[0].t && at <= end)
			v = track_at(f, at).v;
		track_push(out, end, v, v, v);
	}
	return out;
}

typedef struct Queue {
	size_t *index;
	size_t head, tail;
	const double *peak;
} Queue;

static void queue_add(Queue *q, size_t i)
{
	while (q->tail > q->head && q->peak[q->index[q->tail - 1]] <= q->peak[i])
		q->tail--;
	q->index[q->tail++] = i;
}

static double queue_top(const Queue *q)
{
	return q->head < q->tail ? q->peak[q->index[q->head]] : -INF;
}

/* Largest of the knots strictly inside the window. Knot i is inside for t in (τi - to, τi - from). */
static Track *window_inner(const Track *f, double from, double to)
{
	double end = track_end(f);
	size_t n = f->n, in = 0, out_i = 0;
	g_autofree double *peak = g_new(double, n);
	g_autofree size_t *index = g_new(size_t, n);
	for (size_t i = 0; i < n; i++) {
		peak[i] = f->k[i].v;
		if (i > 0)
			peak[i] = max2(peak[i], f->k[i].l);
		if (i + 1 < n)
			peak[i] = max2(peak[i], f->k[i].r);
	}
	Queue q = {index, 0, 0, peak};
	Track *out = track_new(2 * n + 2);
	for (; in < n && f->k[in].t - to < 0; in++)
		queue_add(&q, in);
	for (; out_i < n && f->k[out_i].t - from <= 0; out_i++)
		if (q.head < q.tail && q.index[q.head] == out_i)
			q.head++;
	double v = queue_top(&q);
	for (; in < n && f->k[in].t - to <= 0; in++)
		queue_add(&q, in);
	track_push(out, 0, v, v, queue_top(&q));
	for (;;) {
		double ti = in < n ? f->k[in].t - to : INF,
		       to_ = out_i < n ? f->k[out_i].t - from : INF;
		double t = MIN(ti, to_);
		if (!(t < end))
			break;
		double l = queue_top(&q);
		for (; out_i < n && f->k[out_i].t - from <= t; out_i++)
			if (q.head < q.tail && q.index[q.head] == out_i)
				q.head++;
		v = queue_top(&q);
		for (; in < n && f->k[in].t - to <= t; in++)
			queue_add(&q, in);
		track_push(out, t, l, v, queue_top(&q));
	}
	if (end > 0) {
		double l = queue_top(&q);
		for (; out_i < n && f->k[out_i].t - from <= end; out_i++)
			if (q.head < q.tail && q.index[q.head] == out_i)
				q.head++;
		v = queue_top(&q);
		track_push(out, end, l, v, v);
	}
	return out;
}

/* `outside` where the window reaches beyond the track. */
static Track *window_outside(double end, double from, double to, double outside)
{
	Track *out = track_new(4);
	/* An unbounded side goes as far as the track does, but a window that lies beyond the track as a whole is not empty and
	 * so decided: it is outside. */
	double after = end - (isinf(to) ? from : to); /* outside for t > after */
	double before = isinf(from) ? -to : -from;    /* outside for t < before */
	double none = -INF;
	double at[4] = {0, after, before, end};
	for (int i = 0; i < 4; i++) /* insertion sort of four */
		for (int j = i; j > 0 && at[j - 1] > at[j]; j--) {
			double x = at[j];
			at[j] = at[j - 1];
			at[j - 1] = x;
		}
	double last = -1;
	for (int i = 0; i < 4; i++) {
		double t = at[i];
		if (t < 0 || t > end || t == last)
			continue;
		double l = t > after || t <= before ? outside : none;
		double v = t > after || t < before ? outside : none;
		double r = t >= after || t < before ? outside : none;
		track_push(out, t, l, v, r);
		last = t;
	}
	return out;
}

Track *track_window_max(const Track *f, double from, double to, double outside)
{
	double end = track_end(f);
	if (from == to) {
		g_autoptr(Track) shifted = window_end(f, from, true, true);
		g_autoptr(Track) beyond = window_outside(end, from, to, outside);
		return track_combine(shifted, beyond, TRACK_MAX, 0);
	}
	g_autoptr(Track) all = window_inner(f, from, to);
	if (isfinite(from)) {
		g_autoptr(Track) lower = window_end(f, from, true, false);
		Track *more = track_combine(all, lower, TRACK_MAX, 0);
		track_free(all);
		all = more;
	}
	if (isfinite(to)) {
		g_autoptr(Track) upper = window_end(f, to, false, false);
		Track *more = track_combine(all, upper, TRACK_MAX, 0);
		track_free(all);
		all = more;
	}
	if (isfinite(from) || isfinite(to)) {
		g_autoptr(Track) beyond = window_outside(end, from, to, outside);
		return track_combine(all, beyond, TRACK_MAX, 0);
	}
	return g_steal_pointer(&all);
}

/* ---- until ------------------------------------------------------------------------------------------------------------ */

Track *track_reverse(const Track *a)
{
	double end = track_end(a);
	Track *out = track_new(a->n);
	for (size_t i = a->n; i-- > 0;)
		track_push(out, end - a->k[i].t, a->k[i].r, a->k[i].v, a->k[i].l);
	/* the ends have no outer side */
	return out;
}

static inline double min2(double a, double b)
{
	return a < b ? a : b;
}

/* One stretch, seen backwards: f and g straight from (t0; f0, g0) to (t1; f1, g1) without crossing each other; `then` is the
 * answer at t1 itself. */
typedef struct Stretch {
	double t0, f0, g0, t1, f1, g1, then;
} Stretch;

static double until_on(const Stretch *s, double t)
{
	double f = lerp(t, s->t0, s->f0, s->t1, s->f1), g = lerp(t, s->t0, s->g0, s->t1, s->g1);
	if (t == s->t1) {
		f = s->f1;
		g = s->g1;
	}
	if (s->f1 >= s->f0) /* f does not fall: its infimum is at t */
		return max2(min2(f, max2(g, s->g1)), min2(f, s->then));
	return max2(max2(min2(f, g), min2(s->f1, s->g1)), min2(s->f1, s->then));
}

static int by_value_down(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Bends of the answer: f or g passing one of the levels that it is compared with. Later ones first. */
static size_t bends_of(const Stretch *s, double bends[16])
{
	const double levels[] = {s->g1, s->then, s->f1, min2(s->f1, s->g1), min2(s->f1, s->then)};
	size_t n = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		double tf = crossing(s->t0, s->f0, levels[i], s->t1, s->f1, levels[i]);
		double tg = crossing(s->t0, s->g0, levels[i], s->t1, s->g1, levels[i]);
		if (!isnan(tf))
			bends[n++] = tf;
		if (!isnan(tg))
			bends[n++] = tg;
	}
	qsort(bends, n, sizeof(*bends), by_value_down);
	return n;
}

Track *track_until(const Track *f, const Track *g)
{
	/* Knots of both and their crossings, so that nothing bends inside a stretch. */
	g_autoptr(Track) low = track_combine(f, g, TRACK_MIN, 0),
			 high = track_combine(f, g, TRACK_MAX, 0);
	g_autoptr(GArray) times =
		g_array_sized_new(FALSE, FALSE, sizeof(double), (guint)(f->n + g->n + low->n));
	const Track *all[] = {f, g, low, high};
	size_t at[4] = {0};
	for (;;) {
		double t = INF;
		for (int j = 0; j < 4; j++)
			if (at[j] < all[j]->n)
				t = MIN(t, all[j]->k[at[j]].t);
		if (isinf(t))
			break;
		g_array_append_val(times, t);
		for (int j = 0; j < 4; j++)
			if (at[j] < all[j]->n && all[j]->k[at[j]].t == t)
				at[j]++;
	}
	g_autoptr(Track) back = track_new(2 * times->len); /* built from the end; reversed below */
	double end = track_end(f), right = -INF;
	for (guint i = times->len; i-- > 0;) {
		double t = g_array_index(times, double, i);
		Knot kf = track_at(f, t), kg = track_at(g, t);
		double v = max2(min2(kf.v, kg.v), min2(kf.v, right));
		double left = v;
		if (i > 0) {
			double t0 = g_array_index(times, double, i - 1);
			Knot qf = track_at(f, t0), qg = track_at(g, t0);
			Stretch s = {t0, qf.r, qg.r, t, kf.l, kg.l, v};
			left = until_on(&s, t);
			track_push(back, end - t, right, v, left);
			double bends[16];
			size_t n = bends_of(&s, bends);
			double last = t;
			for (size_t j = 0; j < n; j++) {
				if (bends[j] >= last || bends[j] <= t0)
					continue;
				double u = until_on(&s, bends[j]);
				track_push(back, end - bends[j], u, u, u);
				last = bends[j];
			}
			right = until_on(&s, t0);
		} else {
			track_push(back, end - t, right, v, left);
		}
	}
	return track_reverse(back);
}

void track_range(const Track *a, double from, double to, double *ret_lo, double *ret_hi)
{
	Knot x = track_at(a, from), y = track_at(a, to);
	double lo = min2(x.v, y.v), hi = max2(x.v, y.v);
	if (to > from) {
		lo = min2(lo, min2(x.r, y.l));
		hi = max2(hi, max2(x.r, y.l));
	}
	for (size_t i = track_find(a, from) + 1; i < a->n && a->k[i].t < to; i++) {
		lo = min2(lo, min2(a->k[i].v, min2(a->k[i].l, a->k[i].r)));
		hi = max2(hi, max2(a->k[i].v, max2(a->k[i].l, a->k[i].r)));
	}
	*ret_lo = lo;
	*ret_hi = hi;
}
