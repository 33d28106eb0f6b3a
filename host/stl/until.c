#include "track.h"

#include <stdlib.h>

/* The answer is built backwards in one pass: on each stretch between two knots of f or g (and where these cross) it depends
 * only on both lines and on the answer at the stretch's end. */

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

/* Bends of the answer: f or g passing one of the levels that it is compared with. Later ones first. */
static size_t bends_of(const Stretch *s, double bends[16])
{
	const double levels[] = {s->g1, s->then, s->f1, min2(s->f1, s->g1), min2(s->f1, s->then)};
	size_t n = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
		for (int side = 0; side < 2; side++) {
			double x0 = side ? s->g0 : s->f0, x1 = side ? s->g1 : s->f1;
			if ((x0 < levels[i]) == (x1 < levels[i]))
				continue;
			double t = crossing(s->t0, x0, levels[i], s->t1, x1, levels[i]);
			if (isnan(t))
				continue;
			size_t at = n++;
			for (; at > 0 && bends[at - 1] < t; at--)
				bends[at] = bends[at - 1];
			bends[at] = t;
		}
	return n;
}

/* Backwards: times run from the end. */
typedef struct Back {
	Track *out;
	double end, right; /* right: the answer just after the last time */
} Back;

static void write_back(Back *b, const Stretch *s, double v)
{
	track_push(b->out, b->end - s->t1, b->right, v, until_on(s, s->t1));
	double bends[16], last = s->t1;
	size_t n = bends_of(s, bends);
	for (size_t j = 0; j < n; j++) {
		if (bends[j] >= last || bends[j] <= s->t0)
			continue;
		double u = until_on(s, bends[j]);
		track_push(b->out, b->end - bends[j], u, u, u);
		last = bends[j];
	}
	b->right = until_on(s, s->t0);
}

/* The same, in two parts when f and g cross: else neither bends inside. */
static void stretch_back(Back *b, Stretch s)
{
	double tc = crossing(s.t0, s.f0, s.g0, s.t1, s.f1, s.g1);
	if (!isnan(tc)) {
		double meet = lerp(tc, s.t0, s.f0, s.t1, s.f1);
		Stretch later = {tc, meet, meet, s.t1, s.f1, s.g1, s.then};
		write_back(b, &later, s.then);
		s = (Stretch){s.t0, s.f0, s.g0, tc, meet, meet, b->right};
		s.then = max2(meet, min2(meet, b->right));
	}
	write_back(b, &s, s.then);
}

/* Where f stays at or above the answer and g at or below it, the answer stays. Lines only: with knots i of f and j of g the last
 * at or before t, goes back to the first time from which on that is so, and says which knots are there. */
static double stays_since(const Track *f, size_t *i, const Track *g, size_t *j, double t,
			  double then)
{
	if (knot_v(f, *i) < then || knot_v(g, *j) > then)
		return t;
	for (;;) {
		bool from_f = f->lt[*i] >= g->lt[*j];
		double at = from_f ? f->lt[*i] : g->lt[*j];
		if (at <= 0)
			return 0;
		bool both = f->lt[*i] == g->lt[*j];
		/* stretches before `at` are good when the knots that they begin with are */
		if ((from_f && knot_v(f, *i - 1) < then) ||
		    ((both || !from_f) && knot_v(g, *j - 1) > then))
			return at;
		*i -= from_f;
		*j -= both || !from_f;
	}
}

Track *track_until(const Track *f, const Track *g)
{
	double end = track_end(f);
	Back b = {track_new(f->n + g->n), end, -INF};
	size_t i = f->n - 1, j = g->n - 1; /* last knots at or before t */
	Knot fi = knot_of(f, i), gj = knot_of(g, j), kf = fi, kg = gj;
	for (double t = end;
	     ;) { /* i, j: the last knots at or before t; kf, kg: what f and g are there */
		double v = max2(min2(kf.v, kg.v), min2(kf.v, b.right));
		if (t <= 0) {
			track_push(b.out, end - t, b.right, v, v);
			break;
		}
		if (!f->k && !g->k && v == b.right && kf.v >= v && kg.v <= v) {
			double since = stays_since(f, &i, g, &j, t, v);
			if (since < t) { /* a straight line backwards from t to there */
				track_push(b.out, end - t, v, v, v);
				fi = knot_of(f, i);
				gj = knot_of(g, j);
				kf = track_at_knot(f, i, since);
				kg = track_at_knot(g, j, since);
				t = since;
				continue;
			}
		}
		if (fi.t == t)
			fi = knot_of(f, --i);
		if (gj.t == t)
			gj = knot_of(g, --j);
		double t0 = max2(fi.t, gj.t);
		Knot qf = fi, qg = gj;
		if (fi.t < t0)
			qf.l = qf.v = qf.r = lerp(t0, fi.t, fi.r, t, kf.l);
		if (gj.t < t0)
			qg.l = qg.v = qg.r = lerp(t0, gj.t, gj.r, t, kg.l);
		stretch_back(&b, (Stretch){t0, qf.r, qg.r, t, kf.l, kg.l, v});
		kf = qf;
		kg = qg;
		t = t0;
	}
	Track *out = track_reverse(b.out);
	track_free(b.out);
	return out;
}
