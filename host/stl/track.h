/* Piecewise linear functions of time with jumps: what every part of a formula becomes. Private to stl.
 *
 * A Track lives on [0, end] ticks. Between knots it is linear, from the right limit of one knot to the left limit of the
 * next; at a knot it has a value of its own, so that a pulse of no length and a closed or open comparison are exact. Values
 * may be ±INFINITY (true, false, unknown); a stretch is then infinite at both ends. Never NaN.
 *
 * A Track never changes once made, so that several may hold it: track_ref() and track_free() count. A *line* is a track
 * without jumps and without knots of its own: factor · v + shift over arrays that somebody else keeps (the samples of a
 * signal), so that a comparison of a signal costs nothing. Functions here take both; only solid tracks have `k`. */
#ifndef ANZEN_STL_TRACK_H
#define ANZEN_STL_TRACK_H

#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define INF ((double)INFINITY) /* INFINITY is a float */

typedef struct Knot {
	double t, l, v, r;
} Knot;

typedef struct Track {
	size_t n, capacity, bytes; /* bytes: of the room for k */
	Knot *k;                   /* NULL: a line */
	const double *lt, *lv;     /* of a line */
	double factor, shift;
	bool steps; /* some knot jumps */
	unsigned refs;
} Track;

Track *track_new(size_t capacity);
Track *track_ref(Track *track);
/* Gives one reference back; NULL is allowed. */
void track_free(Track *track);
Track *track_constant(double end, double value);
/* t and v outlive it. */
Track *track_line(size_t n, const double *t, const double *v);
/* With knots of its own; takes the reference and gives one back. */
Track *track_solid(Track *track);
/* Times must increase; a knot in the middle of a constant stretch is dropped. */
void track_push(Track *track, double t, double l, double v, double r);
double track_end(const Track *track);
/* Index of the last knot at or before t. */
size_t track_find(const Track *track, double t);
/* left limit, value, right limit at any t inside. */
Knot track_at(const Track *track, double t);
/* The same, where knot i is the last at or before t. */
Knot track_at_knot(const Track *a, size_t i, double t);
/* The same for times that never decrease, without searching: *at begins with 0. */
Knot track_walk(const Track *track, size_t *at, double t);
/* All of it is finite. */
bool track_finite(const Track *track);

Track *track_negate(const Track *a);
Track *track_absolute(const Track *a);
typedef enum { TRACK_MIN, TRACK_MAX, TRACK_ADD, TRACK_SUB } TrackOp;
/* nan: what ∞ - ∞ becomes (an unknown side). */
Track *track_combine(const Track *a, const Track *b, TrackOp op, double nan);
Track *track_scale(const Track *a, double factor, double nan);
/* +INFINITY where a > 0 (strict) or a >= 0, else -INFINITY; exact at crossings. */
Track *track_truth(const Track *a, bool strict);
/* sup of f on what of [t + from, t + to] lies on the track; -INFINITY when nothing does. Lemire's monotone queue: O(n). from
 * -INFINITY or to INFINITY: as far as the track goes. */
Track *track_window_max(const Track *f, double from, double to);
/* `a` where the window [t + from, t + to] stays on the track; where it leaves it on a bounded side, or lies beyond it as a whole,
 * INFINITY. */
Track *track_open_ends(Track *a, double from, double to);
/* sup over s >= t of min(g(s), inf of f on [t, s]). */
Track *track_until(const Track *f, const Track *g);
Track *track_reverse(const Track *a);
/* `a`, but `unknown` where it is so for less than `shortest`, and at the knots around that. */
Track *track_without_hairs(const Track *a, double shortest, double unknown);
/* Extremes on [from, to], limits included. */
void track_range(const Track *a, double from, double to, double *ret_lo, double *ret_hi);

/* ---- for those who walk tracks knot by knot ----------------------------------------------------------------------------- */

static inline double knot_t(const Track *a, size_t i)
{
	return a->k ? a->k[i].t : a->lt[i];
}

static inline double knot_v(const Track *a, size_t i)
{
	return a->k ? a->k[i].v : a->factor * a->lv[i] + a->shift;
}

static inline Knot knot_of(const Track *a, size_t i)
{
	if (a->k)
		return a->k[i];
	double v = a->factor * a->lv[i] + a->shift;
	return (Knot){a->lt[i], v, v, v};
}

/* x · y / z, correctly rounded whenever x · y is exact: on whole ticks and short decimals a crossing lands where it is. */
static inline double part_of(double x, double y, double z)
{
	double p = x * y;
	return isfinite(p) ? p / z : x * (y / z);
}

/* Between right limit r0 at t0 and left limit l1 at t1. */
static inline double lerp(double t, double t0, double r0, double t1, double l1)
{
	if (r0 == l1 || isinf(r0) || isinf(l1))
		return r0;
	return r0 + part_of(l1 - r0, t - t0, t1 - t0);
}

/* Where two straight lines cross inside (t0, t1); NaN when they do not. */
static inline double crossing(double t0, double x0, double y0, double t1, double x1, double y1)
{
	double d0 = x0 - y0, d1 = x1 - y1;
	if (!((d0 < 0 && d1 > 0) || (d0 > 0 && d1 < 0)) || isinf(d0) || isinf(d1))
		return (double)NAN;
	double t = t0 + part_of(t1 - t0, d0, d0 - d1);
	return t > t0 && t < t1 ? t : (double)NAN;
}

static inline double max2(double a, double b)
{
	return a > b ? a : b;
}

static inline double min2(double a, double b)
{
	return a < b ? a : b;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Track, track_free)

#endif
