/* Arithmetic whose result is no straight line: products and quotients of two changing signals, norm, sqrt, exp, pow. Each is
 * convex or concave between two knots, so chords lie on one side of it and tangents on the other: an interval that surely
 * holds the value, exact at the knots, and at most 1e-6 of the largest value wide (where 32 pieces a stretch reach that). */
#include "eval.h"

#define FINEST 1e-6
#define MOST_PIECES 32
#define MANY_KNOTS 32768 /* from here on fewer pieces: wider, never wrong */

/* x and y straight from (t0; x0, y0) to (t1; x1, y1). */
typedef struct Stretch {
	NodeKind op;
	double t0, x0, y0, t1, x1, y1;
} Stretch;

static double point(NodeKind op, double x, double y)
{
	if (op == N_MUL)
		return x * y;
	if (op == N_DIV)
		return y == 0 ? (double)NAN : x / y;
	if (op == N_NORM)
		return sqrt(x * x + y * y);
	if (op == N_SQRT)
		return x < 0 ? (double)NAN : sqrt(x);
	if (op == N_EXP)
		return exp(x);
	return pow(x, y);
}

static double value_at(const Stretch *s, double u, double *ret_slope)
{
	double dx = s->x1 - s->x0, dy = s->y1 - s->y0, x = s->x0 + dx * u, y = s->y0 + dy * u,
	       z = point(s->op, x, y), slope = 0;
	if (s->op == N_MUL)
		slope = dx * y + x * dy;
	else if (s->op == N_DIV)
		slope = (dx * y - x * dy) / (y * y);
	else if (s->op == N_NORM)
		slope = z > 0 ? (x * dx + y * dy) / z : 0;
	else if (s->op == N_SQRT)
		slope = z > 0 ? dx / (2 * z) : (double)NAN;
	else if (s->op == N_EXP)
		slope = z * dx;
	else if (dy == 0)
		slope = y * pow(x, y - 1) * dx;
	else
		slope = z * log(x) * dy;
	*ret_slope = slope;
	return z;
}

/* pow of a base and an exponent that both change, or of a negative base: no rule says on which side the tangents lie. */
static bool tame(const Stretch *s)
{
	if (s->op == N_DIV)
		return (s->y0 > 0) == (s->y1 > 0) && s->y0 != 0 && s->y1 != 0;
	if (s->op == N_SQRT)
		return s->x0 >= 0 && s->x1 >= 0;
	if (s->op == N_POW)
		return (s->x0 == s->x1 && s->y0 == s->y1) ||
		       (s->x0 > 0 && s->x1 > 0 && (s->x0 == s->x1 || s->y0 == s->y1)) ||
		       (s->x0 >= 0 && s->x1 >= 0 && s->y0 == s->y1 && s->y0 >= 1);
	return true;
}

/* Inner knots of one side; the outer ones are the caller's. */
static void push_pieces(Track *out, const Stretch *s, bool upper, double finest, double most)
{
	double none, z0 = value_at(s, 0, &none), z1 = value_at(s, 1, &none),
		     middle = value_at(s, 0.5, &none), sag = fabs(middle - (z0 + z1) / 2);
	bool chord = (middle < (z0 + z1) / 2) == upper;
	unsigned n = sag > finest ? (unsigned)MIN(most, ceil(sqrt(sag / finest))) : 1;
	if (s->x0 == s->x1 && s->y0 == s->y1)
		return;
	for (unsigned i = 0; i < n; i++) {
		double u0 = (double)i / n, u1 = (double)(i + 1) / n, d0, d1;
		double a = value_at(s, u0, &d0), b = value_at(s, u1, &d1);
		/* where the tangents at both ends meet */
		double u = (b - a + d0 * u0 - d1 * u1) / (d0 - d1);
		double t = s->t0 + (s->t1 - s->t0) * u, last = s->t0 + (s->t1 - s->t0) * u1;
		double v = a + d0 * (u - u0);
		if (!chord && u > u0 && u < u1 && t > out->k[out->n - 1].t && t < last)
			track_push(out, t, v, v, v);
		if (i + 1 < n && last < s->t1 && last > out->k[out->n - 1].t)
			track_push(out, last, b, b, b);
	}
}

/* With an infinite side: its sign when that is sure, else unknown. */
static double infinite(const Stretch *s, double unknown)
{
	if (s->op == N_NORM)
		return INF;
	if (s->op == N_EXP)
		return s->x0 > 0 ? INF : unknown;
	if (s->op == N_SQRT)
		return s->x0 > 0 ? INF : unknown;
	if (s->op != N_MUL || isinf(s->x0) == isinf(s->y0))
		return unknown;
	double fixed = isinf(s->x0) ? s->x0 : s->y0, a = isinf(s->x0) ? s->y0 : s->x0,
	       b = isinf(s->x0) ? s->y1 : s->x1;
	if ((a > 0 && b > 0) || (a < 0 && b < 0))
		return a > 0 ? fixed : -fixed;
	return unknown;
}

static double known(double z, double unknown)
{
	return isnan(z) ? unknown : z;
}

static double largest(const Track *a, const Track *b, NodeKind op)
{
	double most = 0;
	for (size_t i = 0; i < a->n; i++) {
		double z = fabs(point(op, a->k[i].v, track_at(b, a->k[i].t).v));
		most = isfinite(z) ? MAX(most, z) : most;
	}
	return most;
}

/* One side of x op y. */
static Track *curve(NodeKind op, const Track *x, const Track *y, bool upper)
{
	double unknown = upper ? INF : -INF, left = unknown, finest = FINEST * largest(x, y, op);
	/* a product of products must not have 32 times 32 pieces a stretch, and so on */
	double pieces = CLAMP(MANY_KNOTS / (double)(x->n + y->n), 1, MOST_PIECES);
	Track *out = track_new(x->n + y->n);
	for (size_t i = 0, j = 0; i < x->n || j < y->n;) {
		double t = MIN(i < x->n ? x->k[i].t : INF, j < y->n ? y->k[j].t : INF);
		i += i < x->n && x->k[i].t == t;
		j += j < y->n && y->k[j].t == t;
		Knot a = track_at(x, t), b = track_at(y, t);
		double v = known(point(op, a.v, b.v), unknown);
		double next = MIN(i < x->n ? x->k[i].t : INF, j < y->n ? y->k[j].t : INF);
		if (isinf(next)) {
			track_push(out, t, t > 0 ? left : v, v, v);
			break;
		}
		Stretch s = {op, t, a.r, b.r, next, track_at(x, next).l, track_at(y, next).l};
		bool far = isinf(s.x0) || isinf(s.y0) || isinf(s.x1) || isinf(s.y1);
		double z0 = point(op, s.x0, s.y0), z1 = point(op, s.x1, s.y1);
		bool usual = !far && tame(&s) && isfinite(z0) && isfinite(z1);
		double r = usual ? z0 : far ? infinite(&s, unknown) : unknown;
		track_push(out, t, t > 0 ? left : v, v, r);
		if (usual)
			push_pieces(out, &s, upper, finest, floor(pieces));
		left = usual ? z1 : r;
	}
	return out;
}

static bool exact(const Pair *a)
{
	return a->lo == a->hi;
}

static Track *extreme(Track *a, Track *b, bool upper)
{
	Track *out = track_combine(a, b, upper ? TRACK_MAX : TRACK_MIN, 0);
	track_free(a);
	track_free(b);
	return out;
}

/* Hull of the four corners. */
static Track *hull(NodeKind op, const Pair *a, const Pair *b, bool upper)
{
	Track *out = curve(op, a->lo, b->lo, upper);
	if (exact(a) && exact(b))
		return out;
	out = extreme(out, curve(op, a->lo, b->hi, upper), upper);
	out = extreme(out, curve(op, a->hi, b->lo, upper), upper);
	return extreme(out, curve(op, a->hi, b->hi, upper), upper);
}

/* Nothing is known where the divisor may be 0. */
static void mask_zero(Pair *out, const Pair *divisor)
{
	g_autoptr(Track) low = track_negate(divisor->lo);
	g_autoptr(Track) around = track_combine(low, divisor->hi, TRACK_MIN, 0);
	Track *zero = track_truth(around, false);
	out->lo = extreme(out->lo, track_negate(zero), false);
	out->hi = extreme(out->hi, zero, true);
}

/* INFINITY where the sides of a are contrary (see Eval), else -INFINITY. */
static Track *contrary(const Pair *a)
{
	g_autoptr(Track) width = track_combine(a->lo, a->hi, TRACK_SUB, -INF);
	return track_truth(width, true);
}

/* They stay contrary, whatever is done to them. */
static void mask_contrary(Pair *out, const Pair *a)
{
	Track *mask = contrary(a), *down = track_negate(mask);
	out->lo = extreme(out->lo, mask, true);
	out->hi = extreme(out->hi, down, false);
}

Pair curve_pair(const Eval *e, NodeKind op, Pair line_a, Pair line_b)
{
	Pair out, a = pair_solid(line_a), b = pair_solid(line_b);
	if (op == N_NORM) /* of absolute values it grows with both */
		out = (Pair){curve(op, a.lo, b.lo, false), curve(op, a.hi, b.hi, true)};
	else
		out = (Pair){hull(op, &a, &b, false), hull(op, &a, &b, true)};
	if (op == N_DIV)
		mask_zero(&out, &b);
	if (e->contrary) {
		mask_contrary(&out, &a);
		mask_contrary(&out, &b);
	}
	pair_clear(&a);
	pair_clear(&b);
	return out;
}

/* sqrt and exp grow with their argument. */
Pair eval_curve(Eval *e, const Node *n, EvalFunc of)
{
	g_auto(Pair) a = pair_solid(of(e, n->a));
	g_autoptr(Track) one = track_constant(e->end, 1);
	return (Pair){curve(n->kind, a.lo, one, false), curve(n->kind, a.hi, one, true)};
}
