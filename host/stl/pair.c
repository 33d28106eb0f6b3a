#include "eval.h"

/* Pairs: what is done to a track is done to both sides, and once when they are the same. */

void pair_clear(Pair *p)
{
	track_free(p->lo);
	track_free(p->hi);
	*p = (Pair){0};
}

Pair pair_twice(Track *t)
{
	return (Pair){t, track_ref(t)};
}

Pair pair_solid(Pair p)
{
	if (!pair_exact(&p))
		return (Pair){track_solid(p.lo), track_solid(p.hi)};
	track_free(p.hi);
	return pair_twice(track_solid(p.lo));
}

/* Can ∞ - ∞ come up, which is unknown on both sides? */
static bool may_be_unknown(const Pair *a, const Pair *b, TrackOp op)
{
	return (op == TRACK_ADD || op == TRACK_SUB) && !track_finite(a->lo) && !track_finite(b->lo);
}

Pair pair_combine(Pair a, Pair b, TrackOp op)
{
	bool sub = op == TRACK_SUB;
	Pair out;
	if (pair_exact(&a) && pair_exact(&b) && !may_be_unknown(&a, &b, op))
		out = pair_twice(track_combine(a.lo, b.lo, op, 0));
	else
		out = (Pair){track_combine(a.lo, sub ? b.hi : b.lo, op, -INF),
			     track_combine(a.hi, sub ? b.lo : b.hi, op, INF)};
	pair_clear(&a);
	pair_clear(&b);
	return out;
}

Pair pair_negate(Pair a)
{
	Pair out = pair_exact(&a) ? pair_twice(track_negate(a.lo))
				  : (Pair){track_negate(a.hi), track_negate(a.lo)};
	pair_clear(&a);
	return out;
}

/* |[lo, hi]| = [max(lo, -hi, 0), max(hi, -lo)], where contrary sides are no more than 0 either */
Pair pair_absolute(Pair a, double end)
{
	Pair out;
	if (pair_exact(&a)) {
		out = pair_twice(track_absolute(a.hi));
	} else {
		g_autoptr(Track) nlo = track_negate(a.lo), nhi = track_negate(a.hi),
				 zero = track_constant(end, 0);
		g_autoptr(Track) m = track_combine(a.lo, nhi, TRACK_MAX, 0),
				 most = track_combine(a.hi, nlo, TRACK_MAX, 0);
		out = (Pair){track_combine(m, zero, TRACK_MAX, 0),
			     track_combine(most, zero, TRACK_MAX, 0)};
	}
	pair_clear(&a);
	return out;
}

static Track *other_extreme(Track *a, Track *b, TrackOp op)
{
	Track *out = track_combine(a, b, op, 0);
	track_free(a);
	track_free(b);
	return out;
}

/* An infinite side bounds a number that is not known: none of it is 0. */
static Track *times_side(const Pair *a, double factor, bool upper)
{
	return track_scale((factor < 0) == upper ? a->lo : a->hi, factor, 0);
}

/* [c0, c1] times a pair: each factor takes the sides as they are or, when it is negative, the other way round; so sides that are
 * contrary stay so. */
Pair pair_times(Pair a, double c0, double c1)
{
	Pair out;
	if (pair_exact(&a) && c0 == c1 && isfinite(c0) && track_finite(a.lo)) {
		out = pair_twice(track_scale(a.lo, c0, 0));
		pair_clear(&a);
		return out;
	}
	out.lo = times_side(&a, c0, false);
	out.hi = times_side(&a, c0, true);
	if (c1 != c0) {
		out.lo = other_extreme(out.lo, times_side(&a, c1, false), TRACK_MIN);
		out.hi = other_extreme(out.hi, times_side(&a, c1, true), TRACK_MAX);
	}
	pair_clear(&a);
	return out;
}

/* Sure and possible truth of a pair of margins. */
Pair pair_truth(Pair m, bool strict)
{
	Pair out = pair_exact(&m) ? pair_twice(track_truth(m.lo, strict))
				  : (Pair){track_truth(m.lo, strict), track_truth(m.hi, strict)};
	pair_clear(&m);
	return out;
}

Pair pair_reversed(Pair a)
{
	Pair out = pair_exact(&a) ? pair_twice(track_reverse(a.lo))
				  : (Pair){track_reverse(a.lo), track_reverse(a.hi)};
	pair_clear(&a);
	return out;
}

Pair pair_copy(const Pair *a)
{
	return (Pair){track_ref(a->lo), track_ref(a->hi)};
}
