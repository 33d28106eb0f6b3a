#include "reference.h"

#include <math.h>

/* What a formula is worth at a time outside [0, end], when it is seen from the root with an even number of negations. */
typedef struct Beyond {
	double lo, hi;
} Beyond;

typedef struct Ref {
	const RefCase *c;
	int last;     /* position of the end */
	bool margin;  /* robustness; else truth as ±INFINITY */
	bool inexact; /* two lines crossed between grid points */
} Ref;

static const double inf = (double)INFINITY;
static bool all_exact = true;

bool ref_exact(void)
{
	return all_exact;
}

/* ---- signals --------------------------------------------------------------------------------------------------------- */

typedef enum { BEFORE = -1, AT = 0, AFTER = 1 } Side;

/* A saturated sample is a bound: at the top of the range the value may be larger, so nothing is known from above. */
static bool usable(const RefSignal *s, const RefSample *x, bool upper)
{
	if (x->status == REF_SATURATED)
		return (2 * x->v >= s->range_lo + s->range_hi) != upper;
	return x->status == REF_OK;
}

/* Is a sample at x in the past of (t, side), the instant itself included? Times in half seconds. */
static bool in_past(int x, int t, Side side)
{
	return side == BEFORE ? x < t : x <= t;
}

static double held(const RefSignal *s, const RefSample *p, bool blocked, int t, Side side)
{
	double unknown = (double)NAN;
	if (!p || blocked)
		return unknown;
	int age = t - 2 * p->t, gap = 2 * s->max_gap;
	if (gap > 0 && (side == AFTER ? age >= gap : age > gap))
		return unknown;
	return p->v;
}

static double straight(const RefSignal *s, const RefSample *p, const RefSample *q, bool blocked,
		       int t, Side side)
{
	double unknown = (double)NAN;
	if (side == AT && p && 2 * p->t == t)
		return p->v;
	if (!p || !q || blocked || (s->max_gap > 0 && q->t - p->t > s->max_gap))
		return unknown;
	return p->v + (double)(q->v - p->v) * (t - 2 * p->t) / (2 * (q->t - p->t));
}

/* NaN: unknown. */
static double signal_at(const RefSignal *s, bool upper, int t, Side side)
{
	bool own = upper && s->n_upper > 0;
	const RefSample *x = own ? s->upper : s->lower, *p = NULL, *q = NULL;
	size_t n = own ? s->n_upper : s->n;
	bool blocked = false, blocked_here = false;
	for (size_t i = 0; i < n; i++) {
		bool past = in_past(2 * x[i].t, t, side);
		if (x[i].status == REF_STALE)
			continue; /* a repetition: as if it had not come */
		if (usable(s, &x[i], upper)) {
			if (past) {
				p = &x[i];
				blocked = blocked_here = false;
			} else if (!q) {
				q = &x[i];
			}
		} else if (!q) {
			blocked = true;
			blocked_here = blocked_here || past;
		}
	}
	return s->hold ? held(s, p, blocked_here, t, side) : straight(s, p, q, blocked, t, side);
}

static void signal_function(const Ref *r, int index, RefFunction *out)
{
	const RefSignal *s = &r->c->signals[index];
	for (int k = 1; k <= r->last; k++) {
		double lo = signal_at(s, false, k / 3, (Side)(k % 3 - 1));
		double hi = signal_at(s, true, k / 3, (Side)(k % 3 - 1));
		out->lo[k] = isnan(lo) ? -inf : lo;
		out->hi[k] = isnan(hi) ? inf : hi;
	}
}

/* ---- point by point ---------------------------------------------------------------------------------------------------- */

static double least(double x, double y)
{
	return x < y ? x : y;
}

static double most(double x, double y)
{
	return x > y ? x : y;
}

/* The grid is exact as long as no two lines cross between its points. */
static void compare(Ref *r, const double *x, const double *y)
{
	for (int k = 2; k < r->last; k += 3) {
		double before = x[k] - y[k], after = x[k + 1] - y[k + 1];
		if (isfinite(before) && isfinite(after) && before * after < 0)
			r->inexact = true;
	}
}

static void fill(const Ref *r, double lo, double hi, RefFunction *out)
{
	for (int k = 0; k <= r->last + 1; k++) {
		out->lo[k] = lo;
		out->hi[k] = hi;
	}
}

static void negated(const Ref *r, const RefFunction *a, RefFunction *out)
{
	for (int k = 1; k <= r->last; k++) {
		double lo = -a->hi[k], hi = -a->lo[k];
		out->lo[k] = lo;
		out->hi[k] = hi;
	}
}

static void joined(Ref *r, const RefFunction *a, const RefFunction *b, bool both, RefFunction *out)
{
	compare(r, a->lo, b->lo);
	compare(r, a->hi, b->hi);
	for (int k = 1; k <= r->last; k++) {
		out->lo[k] = (both ? least : most)(a->lo[k], b->lo[k]);
		out->hi[k] = (both ? least : most)(a->hi[k], b->hi[k]);
	}
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------ */

/* |x| for some x in [lo, hi] */
static void magnitude(const Ref *r, RefFunction *f)
{
	for (int k = 1; k <= r->last; k++) {
		double lo = f->lo[k], hi = f->hi[k];
		f->lo[k] = lo > 0 ? lo : hi < 0 ? -hi : 0;
		f->hi[k] = most(-lo, hi);
	}
}

static void number(Ref *r, const RefNode *n, RefFunction *out)
{
	RefFunction b;
	switch ((int)n->kind) {
	case REF_NUMBER:
		fill(r, n->value, n->value, out);
		return;
	case REF_SIGNAL:
		signal_function(r, n->signal, out);
		return;
	case REF_INITIAL:
		signal_function(r, n->signal, out);
		fill(r, out->lo[1], out->hi[1], out);
		return;
	}
	number(r, n->a, out);
	if (n->kind == REF_MINUS || (n->kind == REF_TIMES && n->value < 0))
		negated(r, out, out);
	if (n->kind == REF_ABS)
		magnitude(r, out);
	if (!n->b)
		return;
	number(r, n->b, &b);
	if (n->kind == REF_LEAST || n->kind == REF_MOST) {
		joined(r, out, &b, n->kind == REF_LEAST, out);
		return;
	}
	if (n->kind == REF_LESS)
		negated(r, &b, &b);
	for (int k = 1; k <= r->last; k++) {
		out->lo[k] += b.lo[k];
		out->hi[k] += b.hi[k];
	}
}

/* ---- atoms -------------------------------------------------------------------------------------------------------------- */

/* Inside a cell the sign is that of its middle. */
static void truth_side(const Ref *r, double *m, bool strict)
{
	double sign[REF_POSITIONS];
	for (int k = 1; k <= r->last; k++) {
		double x = m[k];
		if (k % 3 == 2)
			x = isinf(m[k]) ? m[k] : m[k] + m[k + 1];
		if (k % 3 == 0)
			x = isinf(m[k]) ? m[k] : m[k - 1] + m[k];
		sign[k] = x > 0 || (x == 0 && !strict) ? inf : -inf;
	}
	for (int k = 1; k <= r->last; k++)
		m[k] = sign[k];
}

static void truth_of(const Ref *r, RefFunction *m, bool strict)
{
	truth_side(r, m->lo, strict);
	truth_side(r, m->hi, strict);
}

static void comparison(Ref *r, const RefNode *n, RefFunction *out)
{
	RefFunction b;
	bool less = n->kind == REF_LT || n->kind == REF_LE;
	number(r, less ? n->b : n->a, out);
	number(r, less ? n->a : n->b, &b);
	negated(r, &b, &b);
	for (int k = 1; k <= r->last; k++) {
		out->lo[k] += b.lo[k];
		out->hi[k] += b.hi[k];
	}
	if (n->kind == REF_EQ || n->kind == REF_NE)
		magnitude(r, out);
	if (n->kind == REF_EQ)
		negated(r, out, out);
	if (!r->margin)
		truth_of(r, out, n->kind == REF_LT || n->kind == REF_GT || n->kind == REF_NE);
}

static void boolean(const Ref *r, int signal, RefFunction *out)
{
	signal_function(r, signal, out);
	for (int k = 1; k <= r->last; k++) {
		out->lo[k] = out->lo[k] > 0.5 ? inf : -inf;
		out->hi[k] = out->hi[k] > 0.5 ? inf : -inf;
	}
}

/* ---- time ---------------------------------------------------------------------------------------------------------------- */

/* One side of a function, and what it is worth outside. */
typedef struct Line {
	const double *x;
	double beyond;
} Line;

static double worth(const Ref *r, const Line *f, int k)
{
	return k < 1 || k > r->last ? f->beyond : f->x[k];
}

/* The positions that a window may look at: a bounded one goes where it says, an unbounded one as far as the recording. Seen
 * from an instant, an open bound leaves its own instant out; seen from just beside one, it leaves out nothing that counts. */
static int window_from(const RefNode *n, int k)
{
	return k + 6 * n->lo + (n->lo_open && k % 3 == 1);
}

static int window_to(const Ref *r, const RefNode *n, int k, int from)
{
	if (n->hi != REF_OPEN_END)
		return k + 6 * n->hi - (n->hi_open && k % 3 == 1);
	return from > r->last ? from : r->last;
}

/* f all the time: on a bounded window to its end, else to the recording's. */
static double held_at(const Ref *r, const RefNode *n, const Line *f, int k)
{
	int to = n->hi == REF_OPEN_END ? r->last : window_to(r, n, k, k);
	double worst = inf;
	for (int s = k; s <= to && !(r->c->finite && s > r->last); s++)
		worst = least(worst, worth(r, f, s));
	return worst;
}

/* sup over s in [t + lo, t + hi] of min(g(s), inf of f over [t, s]) */
static double until_at(const Ref *r, const RefNode *n, const Line *f, const Line *g, int k)
{
	int from = window_from(n, k), to = window_to(r, n, k, from);
	double best = -inf, held_so_far = inf;
	for (int s = k; s <= to; s++) {
		if (r->c->finite && s > r->last)
			break;
		held_so_far = least(held_so_far, worth(r, f, s));
		if (s >= from)
			best = most(best, least(worth(r, g, s), held_so_far));
	}
	return n->kind == REF_WEAK ? most(best, held_at(r, n, f, k)) : best;
}

static void mirror(const Ref *r, const double *x, double *out)
{
	double copy[REF_POSITIONS];
	for (int k = 1; k <= r->last; k++)
		copy[k] = x[r->last + 1 - k];
	for (int k = 1; k <= r->last; k++)
		out[k] = copy[k];
}

static void until_side(Ref *r, const RefNode *n, double *f, double *g, double beyond, bool past,
		       double *out)
{
	double y[REF_POSITIONS];
	if (past) {
		mirror(r, f, f);
		mirror(r, g, g);
	}
	Line lf = {f, beyond}, lg = {g, beyond};
	compare(r, f, g);
	for (int k = 1; k <= r->last; k++)
		y[k] = until_at(r, n, &lf, &lg, k);
	for (int k = 1; k <= r->last; k++)
		out[k] = y[k];
	if (past)
		mirror(r, out, out);
}

static void formula(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out);

static void until(Ref *r, const RefNode *n, Beyond beyond, RefFunction *f, RefFunction *g,
		  bool past, RefFunction *out)
{
	until_side(r, n, f->lo, g->lo, beyond.lo, past, out->lo);
	until_side(r, n, f->hi, g->hi, beyond.hi, past, out->hi);
}

/* p becomes true: false just before and true now, or false now and true just after. Nothing comes before the first instant or
 * after the last. */
static void rises(Ref *r, const RefFunction *p, RefFunction *out)
{
	for (int k = 1; k <= r->last; k++) {
		bool point = k % 3 == 1, first = k == 1, final = k == r->last, sure = false,
		     maybe = false;
		if (point && !first) {
			sure = sure || (p->hi[k - 1] < 0 && p->lo[k] > 0);
			maybe = maybe || (p->lo[k - 1] < 0 && p->hi[k] > 0);
		}
		if (point && !final) {
			sure = sure || (p->hi[k] < 0 && p->lo[k + 1] > 0);
			maybe = maybe || (p->lo[k] < 0 && p->hi[k + 1] > 0);
		}
		if (!point) { /* in a stretch of which nothing is known it may rise anywhere */
			sure = p->hi[k] < 0 && p->lo[k] > 0; /* contrary sides only */
			maybe = p->lo[k] < 0 && p->hi[k] > 0;
		}
		out->lo[k] = sure ? inf : -inf;
		out->hi[k] = maybe ? inf : -inf;
	}
}

static void edge(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction p;
	bool margin = r->margin;
	r->margin = false; /* an edge has no margin */
	formula(r, n->a, beyond, &p);
	r->margin = margin;
	if (n->kind == REF_FALL)
		negated(r, &p, &p);
	rises(r, &p, out);
}

/* ---- formulas -------------------------------------------------------------------------------------------------------------- */

static Beyond other(Beyond b)
{
	return (Beyond){-b.hi, -b.lo};
}

static void not_formula(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	formula(r, n, other(beyond), out);
	negated(r, out, out);
}

static void exclusive(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction a, b, first;
	formula(r, n->a, beyond, &a);
	not_formula(r, n->b, beyond, &b);
	joined(r, &a, &b, true, &first);
	not_formula(r, n->a, beyond, &a);
	formula(r, n->b, beyond, &b);
	joined(r, &a, &b, true, out);
	joined(r, &first, out, false, out);
}

static void temporal(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction f, g;
	bool past = n->kind >= REF_HISTORICALLY;
	if (n->kind == REF_UNTIL || n->kind == REF_WEAK || n->kind == REF_SINCE) {
		formula(r, n->a, beyond, &f);
		formula(r, n->b, beyond, &g);
		until(r, n, beyond, &f, &g, past, out);
		return;
	}
	/* eventually g = true until g; always g = not eventually not g */
	bool always = n->kind == REF_ALWAYS || n->kind == REF_HISTORICALLY;
	fill(r, inf, inf, &f);
	if (always)
		not_formula(r, n->a, other(beyond), &g);
	else
		formula(r, n->a, beyond, &g);
	Beyond here = always ? other(beyond) : beyond;
	Line lf = {f.lo, inf};
	for (int side = 0; side < 2; side++) {
		double *x = side ? g.hi : g.lo, *y = side ? out->hi : out->lo, z[REF_POSITIONS];
		if (past)
			mirror(r, x, x);
		Line lg = {x, side ? here.hi : here.lo};
		for (int k = 1; k <= r->last; k++)
			z[k] = until_at(r, n, &lf, &lg, k);
		for (int k = 1; k <= r->last; k++)
			y[k] = z[k];
		if (past)
			mirror(r, y, y);
	}
	if (always)
		negated(r, out, out);
}

static void formula(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction b;
	switch ((int)n->kind) {
	case REF_TRUE:
	case REF_FALSE:
		fill(r, n->kind == REF_TRUE ? inf : -inf, n->kind == REF_TRUE ? inf : -inf, out);
		return;
	case REF_BOOLEAN:
		boolean(r, n->signal, out);
		return;
	case REF_NOT:
		not_formula(r, n->a, beyond, out);
		return;
	case REF_AND:
	case REF_OR:
		formula(r, n->a, beyond, out);
		formula(r, n->b, beyond, &b);
		joined(r, out, &b, n->kind == REF_AND, out);
		return;
	case REF_IMPLIES:
		not_formula(r, n->a, beyond, out);
		formula(r, n->b, beyond, &b);
		joined(r, out, &b, false, out);
		return;
	case REF_XOR:
		exclusive(r, n, beyond, out);
		return;
	case REF_IFF:
		exclusive(r, n, other(beyond), out);
		negated(r, out, out);
		return;
	case REF_RISE:
	case REF_FALL:
		edge(r, n, beyond, out);
		return;
	}
	if (n->kind < REF_NOT)
		comparison(r, n, out);
	else
		temporal(r, n, beyond, out);
}

/* ---- results ----------------------------------------------------------------------------------------------------------------- */

static RefTruth truth_between(double lo, double hi)
{
	return lo > 0 ? REF_YES : hi < 0 ? REF_NO : REF_MAYBE;
}

static void evaluate(const RefCase *c, bool margin, Beyond beyond, RefFunction *out)
{
	Ref r = {.c = c, .last = 6 * c->end + 1, .margin = margin};
	formula(&r, c->root, beyond, out);
	all_exact = all_exact && !r.inexact;
}

void ref_eval(const RefCase *c, RefResult *ret)
{
	const Beyond open = {-inf, inf}, contrary = {inf, -inf};
	RefFunction more;
	evaluate(c, true, open, &ret->margin);
	evaluate(c, false, open, &ret->truth);
	ret->lo = ret->margin.lo[1];
	ret->hi = ret->margin.hi[1];
	ret->satisfied = truth_between(ret->truth.lo[1], ret->truth.hi[1]);
	RefCase open_ended = *c;
	open_ended.finite = false;
	/* The lower bound does not rise although all beyond is as good as can be, the upper one does not fall;
	 * with finite ends: open ones would give the same. */
	ret->complete = true;
	for (int margin = 0; margin < 2; margin++) {
		const RefFunction *f = margin ? &ret->margin : &ret->truth;
		evaluate(&open_ended, margin, c->finite ? open : contrary, &more);
		if (more.lo[1] != f->lo[1] || more.hi[1] != f->hi[1])
			ret->complete = false;
	}
}
