/* Piecewise linear functions of time with jumps: what every part of a formula becomes. Private to stl.
 *
 * A Track lives on [0, end] seconds. Between knots it is linear, from the right limit of one knot to the left limit of the
 * next; at a knot it has a value of its own, so that a pulse of no length and a closed or open comparison are exact. Values
 * may be ±INFINITY (true, false, unknown); a stretch is then infinite at both ends. Never NaN. */
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
	size_t n, capacity;
	Knot *k;
} Track;

Track *track_new(size_t capacity);
void track_free(Track *track);
Track *track_constant(double end, double value);
/* Times must increase; a knot in the middle of a constant stretch is dropped. */
void track_push(Track *track, double t, double l, double v, double r);
double track_end(const Track *track);
/* Index of the last knot at or before t. */
size_t track_find(const Track *track, double t);
/* left limit, value, right limit at any t inside. */
Knot track_at(const Track *track, double t);

Track *track_negate(const Track *a);
typedef enum { TRACK_MIN, TRACK_MAX, TRACK_ADD, TRACK_SUB } TrackOp;
/* nan: what ∞ - ∞ becomes (an unknown side). */
Track *track_combine(const Track *a, const Track *b, TrackOp op, double nan);
Track *track_scale(const Track *a, double factor, double nan);
/* +INFINITY where a > 0 (strict) or a >= 0, else -INFINITY; exact at crossings. */
Track *track_truth(const Track *a, bool strict);
/* sup of f on [t + from, t + to]; where the window leaves [0, end] on a finite side, `outside` counts too. Lemire's monotone
 * queue: O(n). from -INFINITY or to INFINITY: as far as the track goes, and no further. */
Track *track_window_max(const Track *f, double from, double to, double outside);
/* sup over s >= t of min(g(s), inf of f on [t, s]). */
Track *track_until(const Track *f, const Track *g);
Track *track_reverse(const Track *a);
/* Extremes on [from, to], limits included. */
void track_range(const Track *a, double from, double to, double *ret_lo, double *ret_hi);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Track, track_free)

#endif
