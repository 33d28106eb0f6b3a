#include "track.h"

#include <stdint.h>
#include <stdlib.h>

/* Largest value in a moving window. A track without jumps, as measured signals are, is slid over in one pass; one with jumps
 * (few knots: truths, held values) is put together from what lies inside the window and at its two ends. */

/* ---- without jumps -------------------------------------------------------------------------------------------------------- */

/* The largest value is at one of three places: at the right end while the track rises there, at a knot inside, or at the left
 * end while it falls there. `ring` keeps the knots inside that may still become the largest, by falling value (Lemire:
 * Streaming maximum-minimum filter using no more than three comparisons per element, 2006). Knots enter eight at a time, by the
 * largest of them; what comes after that one is looked at only when it has left. Only changes of place are written, so most
 * samples cost a comparison. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define BLOCK 8

/* Knot `at`, the last of the largest of some that end before `end`. */
typedef struct Peak {
	double v;
	size_t at, end;
} Peak;

typedef struct Slide {
	const Track *f;
	double from, to, end;
	Track *out;
	double t, v; /* last of the answer, perhaps still before 0 */
	bool begun, done;
	Peak *ring;
	size_t mask, head, tail;
	size_t next; /* knot that enters next */
} Slide;

static inline size_t slide_first(const Slide *s)
{
	return s->ring[s->head & s->mask].at;
}

static void grow(Slide *s)
{
	size_t n = s->mask + 1;
	Peak *bigger = g_new(Peak, 2 * n);
	for (size_t i = 0; i < n; i++)
		bigger[i] = s->ring[(s->head + i) & s->mask];
	g_free(s->ring);
	s->ring = bigger;
	s->head = 0;
	s->tail = n;
	s->mask = 2 * n - 1;
}

/* `line` is a constant wherever these are inlined: one copy of the loop for lines, one for solid tracks. */
static ALWAYS_INLINE double time_of(const Track *f, size_t i, bool line)
{
	return line ? f->lt[i] : f->k[i].t;
}

static ALWAYS_INLINE double value_of(const Track *f, size_t i, bool line)
{
	return line ? f->factor * f->lv[i] + f->shift : f->k[i].v;
}

static ALWAYS_INLINE void enter_peak(Slide *s, Peak p)
{
	while (s->tail != s->head && s->ring[(s->tail - 1) & s->mask].v <= p.v)
		s->tail--;
	if (G_UNLIKELY(s->tail - s->head > s->mask))
		grow(s);
	s->ring[s->tail++ & s->mask] = p;
	s->next = p.end;
}

static ALWAYS_INLINE void enter(Slide *s, double v)
{
	enter_peak(s, (Peak){v, s->next, s->next + 1});
}

/* All up to `last` that lie below `top`, eight by eight. */
static ALWAYS_INLINE void enter_blocks(Slide *s, double top, double last, bool line)
{
	const Track *f = s->f;
	while (s->next + BLOCK <= f->n && time_of(f, s->next + BLOCK - 1, line) <= last) {
		double v[BLOCK], most = -INF;
		size_t at = 0;
		for (size_t i = 0; i < BLOCK; i++)
			v[i] = value_of(f, s->next + i, line);
		for (size_t i = 0; i < BLOCK; i++)
			most = max2(v[i], most);
		if (most >= top)
			return;
		for (size_t i = 0; i < BLOCK; i++)
			at = v[i] == most ? i : at;
		enter_peak(s, (Peak){most, s->next + at, s->next + BLOCK});
	}
}

/* The largest has left: those behind it may count now. */
static ALWAYS_INLINE void drop_first(Slide *s, bool line)
{
	Peak *p = &s->ring[s->head & s->mask];
	double most = -INF;
	size_t at = p->end;
	for (size_t i = p->at + 1; i < p->end; i++) {
		double v = value_of(s->f, i, line);
		at = v >= most ? i : at;
		most = max2(most, v);
	}
	bool counts = at < p->end &&
		      (s->tail - s->head == 1 || most > s->ring[(s->head + 1) & s->mask].v);
	if (counts) {
		p->v = most;
		p->at = at;
	} else {
		s->head++;
	}
}

/* The answer runs straight from its last point to (t, v). */
static void emit(Slide *s, double t, double v)
{
	bool first = isnan(s->t);
	if (s->done || (!first && t <= s->t && s->begun))
		return;
	if (!s->begun && t >= 0) {
		double v0 = t == 0 || first ? v : lerp(0, s->t, s->v, t, v);
		track_push(s->out, 0, v0, v0, v0);
		s->begun = true;
		s->done = s->end <= 0;
	}
	if (t > 0 && t >= s->end && !s->done) {
		double v1 = t == s->end ? v : lerp(s->end, s->t, s->v, t, v);
		track_push(s->out, s->end, v1, v1, v1);
		s->done = true;
	} else if (t > 0 && !s->done) {
		track_push(s->out, t, v, v, v);
	}
	s->t = t;
	s->v = v;
}

/* The window reaches the track only now: nothing before. */
static void emit_first(Slide *s, double t, double v)
{
	if (t <= 0) {
		emit(s, t, v);
		return;
	}
	track_push(s->out, 0, -INF, -INF, -INF);
	if (t <= s->end)
		track_push(s->out, t, -INF, v, v);
	else if (s->end > 0)
		track_push(s->out, s->end, -INF, -INF, -INF);
	s->begun = true;
	s->done = t >= s->end;
	s->t = t;
	s->v = v;
}

/* The window has left the track. */
static void emit_last(Slide *s, double t, double v)
{
	if (s->done)
		return;
	if (t >= s->end) {
		emit(s, t, v);
		return;
	}
	if (t < 0) { /* before the axis begins */
		track_push(s->out, 0, -INF, -INF, -INF);
	} else {
		emit(s, t, v);
		s->out->k[s->out->n - 1].r = -INF;
		s->out->steps = true;
	}
	if (s->end > 0)
		track_push(s->out, s->end, -INF, -INF, -INF);
	s->done = true;
}

/* The right end rises from here on, knot `next` is higher than all. */
static ALWAYS_INLINE void ride_up(Slide *s, bool line)
{
	double top;
	do {
		top = value_of(s->f, s->next, line);
		emit(s, time_of(s->f, s->next, line) - s->to, top);
		enter(s, top);
	} while (s->next < s->f->n && value_of(s->f, s->next, line) >= top && !s->done);
}

/* When the right end, on its way to knot `next`, reaches v. */
static double reaches(const Slide *s, double v)
{
	size_t j = s->next;
	double v0 = knot_v(s->f, j - 1), t0 = knot_t(s->f, j - 1), t1 = knot_t(s->f, j);
	double t = v0 >= v ? t0 : t0 + part_of(t1 - t0, v - v0, knot_v(s->f, j) - v0);
	return max2(t - s->to, s->t);
}

/* The largest knot leaves and the left end falls after it, until the next largest knot or the right end is higher. */
static void fall(Slide *s, size_t first)
{
	const Track *f = s->f;
	double t0 = knot_t(f, first) - s->from, v0 = knot_v(f, first), now = t0;
	double t1 = knot_t(f, first + 1) - s->from, v1 = knot_v(f, first + 1);
	while (!s->done) {
		double te = s->next < f->n ? knot_t(f, s->next) - s->to : INF, stop = min2(te, t1);
		double floor_v = s->tail != s->head ? s->ring[s->head & s->mask].v : -INF;
		double x0 = lerp(now, t0, v0, t1, v1),
		       x1 = stop == t1 ? v1 : lerp(stop, t0, v0, t1, v1);
		double lands = INF;
		if (x1 <= floor_v)
			lands = x1 == floor_v || v0 <= floor_v
					? (v0 <= floor_v ? now : stop)
					: t0 + part_of(t1 - t0, v0 - floor_v, v0 - v1);
		double met = (double)NAN;
		/* only where it rises: else the knot behind it is higher, and the left end lands on that */
		if (s->next < f->n && knot_v(f, s->next) > knot_v(f, s->next - 1)) {
			double a0 = knot_t(f, s->next - 1) - s->to, b0 = knot_v(f, s->next - 1),
			       b1 = knot_v(f, s->next);
			double y0 = now <= a0 ? b0 : lerp(now, a0, b0, te, b1),
			       y1 = stop == te ? b1 : lerp(stop, a0, b0, te, b1);
			met = y1 > x1 && y0 >= x0 ? now : crossing(now, x0, y0, stop, x1, y1);
			if (y1 > x1 && isnan(met)) /* so close to one end that it falls on it */
				met = x0 - y0 < y1 - x1 ? now : stop;
		}
		if (!isnan(met) && met <= lands) {
			emit(s, met, lerp(met, t0, v0, t1, v1));
			ride_up(s, !f->k);
			return;
		}
		if (!isinf(lands)) {
			emit(s, max2(lands, now), floor_v);
			return;
		}
		if (te > t1) { /* the next knot is in the window, so this is rounding only */
			emit(s, t1, v1);
			return;
		}
		enter(s, knot_v(f, s->next));
		now = te;
	}
}

static ALWAYS_INLINE void slide(Slide *s, bool line)
{
	const Track *f = s->f;
	double v = value_of(f, 0, line);
	emit_first(s, time_of(f, 0, line) - s->to, v);
	enter(s, v);
	if (f->n > 1 && value_of(f, 1, line) >= v)
		ride_up(s, line);
	while (!s->done) {
		size_t first = slide_first(s);
		double top = value_of(f, first, line), leaves = time_of(f, first, line) - s->from;
		double last = leaves + s->to;
		enter_blocks(s, top, last, line);
		while (s->next < f->n && (v = value_of(f, s->next, line)) < top &&
		       time_of(f, s->next, line) <= last)
			enter(s, v);
		if (s->next < f->n && v == top && time_of(f, s->next, line) <= last) {
			enter(s, v);
			continue;
		}
		double up = s->next < f->n && v > top ? reaches(s, top) : INF;
		if (up < leaves) {
			emit(s, up, top);
			ride_up(s, line);
			continue;
		}
		emit(s, leaves, top);
		drop_first(s, line);
		if (first + 1 == f->n) {
			emit_last(s, leaves, top);
			return;
		}
		fall(s, first);
	}
}

static Track *slide_over(const Track *f, double from, double to)
{
	double end = track_end(f);
	Slide s = {.f = f,
		   .from = from,
		   .to = to,
		   .end = end,
		   .out = track_new(64),
		   .t = (double)NAN,
		   .ring = g_new(Peak, 64),
		   .mask = 63};
	if (f->k)
		slide(&s, false);
	else
		slide(&s, true);
	g_free(s.ring);
	return s.out;
}

/* ---- from one end on -------------------------------------------------------------------------------------------------------- */

/* sup of f on [0, t] (or, backwards, on [t, end]): a value that only rises; knots where it does. */
typedef struct Climb {
	Track *out;
	double top, t; /* so far; time of the last knot of f */
} Climb;

static void climb_push(Climb *c, double t, double l, double v, double r)
{
	if (c->out->n == 0 || c->out->k[c->out->n - 1].t != t)
		track_push(c->out, t, l, v, r);
}

/* f runs from r0 at the last knot to l1 at t, is v there and goes on from r. */
static void climb(Climb *c, double r0, double t, double l1, double v, double r)
{
	double top = c->top;
	if (l1 > top && !isinf(l1)) {
		double up = (double)NAN;
		if (r0 != top)
			up = c->t < t ? crossing(c->t, r0, top, t, l1, top)
				      : crossing(t, l1, top, c->t, r0, top);
		climb_push(c, isnan(up) ? c->t : up, top, top, top);
	}
	double at_l = max2(top, l1), at_v = max2(at_l, v), at_r = max2(at_v, r);
	if (at_r > top)
		climb_push(c, t, at_l, at_v, at_r);
	c->top = at_r;
	c->t = t;
}

static Track *climb_over(const Track *f, bool back)
{
	size_t n = f->n, first = back ? n - 1 : 0;
	Knot k = knot_of(f, first);
	Climb c = {track_new(16), k.v, k.t};
	double inner = back ? k.l : k.r;
	if (n > 1)
		c.top = max2(c.top, inner);
	track_push(c.out, k.t, k.v, k.v, c.top);
	for (size_t i = 1; i < n; i++) {
		k = knot_of(f, back ? n - 1 - i : i);
		double in = back ? k.r : k.l, out = back ? k.l : k.r;
		if (in > c.top || k.v > c.top || out > c.top)
			climb(&c, inner, k.t, in, k.v, i + 1 < n ? out : k.v);
		c.t = k.t;
		inner = out;
	}
	climb_push(&c, k.t, c.top, c.top, c.top);
	if (!back)
		return c.out;
	Track *out = track_new(c.out->n);
	for (size_t i = c.out->n; i-- > 0;) {
		k = c.out->k[i];
		track_push(out, k.t, k.r, k.v, k.l);
	}
	track_free(c.out);
	return out;
}

/* ---- with jumps ----------------------------------------------------------------------------------------------------------- */

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

/* At one point: f itself, shifted. */
static Track *shifted(const Track *f, double by)
{
	return by == 0 ? NULL : window_end(f, by, true, true);
}

static Track *both_max(Track *a, Track *b)
{
	Track *out = track_combine(a, b, TRACK_MAX, 0);
	track_free(a);
	track_free(b);
	return out;
}

static Track *inner_and_ends(const Track *f, double from, double to)
{
	Track *all = window_inner(f, from, to);
	all = both_max(all, window_end(f, from, true, false));
	return both_max(all, window_end(f, to, false, false));
}

/* `all`, seen at t + by; where that leaves the track on its far side the window still holds all of it, on the near side nothing. */
static Track *climb_shifted(Track *all, double by, bool back)
{
	double end = track_end(all), whole = back ? all->k[0].v : all->k[all->n - 1].v;
	double first = back ? whole : -INF,
	       last = back ? -INF : whole; /* left and right of the track */
	Track *out = track_new(all->n + 2);
	double at = by < 0 ? first : last;
	if (by < 0 || by > end)
		track_push(out, 0, at, at, at);
	for (size_t i = 0; i < all->n; i++) {
		Knot k = all->k[i];
		double t = k.t - by;
		if (t > end)
			break;
		if (t >= 0 && out->n == 0 && t > 0) { /* the axis begins inside a stretch */
			Knot in = track_at(all, by);
			track_push(out, 0, in.v, in.v, in.v);
		}
		if (t >= 0)
			track_push(out, t, i == 0 ? first : k.l, k.v, i + 1 == all->n ? last : k.r);
	}
	if (out->n == 0) {
		Knot in = track_at(all, by);
		track_push(out, 0, in.v, in.v, in.v);
	}
	if (out->k[out->n - 1].t < end) {
		double v = end + by < 0 ? first : end + by > end ? last : track_at(all, end + by).v;
		track_push(out, end, v, v, v);
	}
	track_free(all);
	return out;
}

/* The whole track from t + from on, or up to t + to. */
static Track *to_the_end(const Track *f, double from, double to)
{
	bool back = isinf(to);
	Track *all = climb_over(f, back);
	double by = back ? from : to;
	return by == 0 ? all : climb_shifted(all, by, back);
}

static Track *largest_of_all(const Track *f)
{
	double none, most;
	track_range(f, 0, track_end(f), &none, &most);
	return track_constant(track_end(f), most);
}

Track *track_window_max(const Track *f, double from, double to)
{
	if (isinf(from) && isinf(to))
		return largest_of_all(f);
	if (isinf(from) || isinf(to))
		return to_the_end(f, from, to);
	if (from < to && !f->steps)
		return slide_over(f, from, to);
	Track *solid = track_solid(track_ref((Track *)(uintptr_t)f));
	Track *out = from == to ? shifted(solid, from) : inner_and_ends(solid, from, to);
	if (!out)
		return solid;
	track_free(solid);
	return out;
}

/* ---- open ends ------------------------------------------------------------------------------------------------------------ */

Track *track_open_ends(Track *a, double from, double to)
{
	double end = track_end(a);
	/* An unbounded side goes as far as the track does, but a window that lies beyond the track as a whole is not empty and
	 * so decided: it is outside. */
	double after = end - (isinf(to) ? from : to); /* outside for t > after */
	double before = isinf(from) ? -to : -from;    /* outside for t < before */
	if (isinf(from) && isinf(to))
		return track_ref(a);
	if (before <= 0 && after >= end)
		return track_ref(a);
	if (after < 0 || before > end || before > after)
		return track_constant(end, INF);
	Track *out = track_new(a->n + 4);
	bool cut = after < end;
	after = min2(after, end);
	if (before > 0)
		track_push(out, 0, INF, INF, INF);
	before = max2(before, 0);
	Knot k = track_at(a, before);
	double right = before < after ? k.r : cut ? INF : k.v;
	track_push(out, before, before > 0 ? INF : k.v, k.v, right);
	for (size_t i = track_find(a, before) + 1; i < a->n && knot_t(a, i) < after; i++) {
		k = knot_of(a, i);
		track_push(out, k.t, k.l, k.v, k.r);
	}
	if (after > before) {
		k = track_at(a, after);
		track_push(out, after, k.l, k.v, cut ? INF : k.v);
	}
	if (cut)
		track_push(out, end, INF, INF, INF);
	return out;
}
