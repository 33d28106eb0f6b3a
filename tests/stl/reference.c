#include "reference.h"

#include "reference_signal.h"

#include <math.h>

/* What a formula is worth at a time outside [0, end], when it is seen from the root with an even number of negations. */
typedef struct Beyond {
	double lo, hi;
} Beyond;

static bool all_exact = true;

bool ref_exact(void)
{
	return all_exact;
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
		f->lo[k] = most(0, most(lo, -hi));
		f->hi[k] = most(0, most(-lo, hi));
	}
}

/* A sum of contrary infinities says nothing. */
static void sum(const Ref *r, RefFunction *a, const RefFunction *b)
{
	for (int k = 1; k <= r->last; k++) {
		double lo = a->lo[k] + b->lo[k], hi = a->hi[k] + b->hi[k];
		a->lo[k] = isnan(lo) ? -inf : lo;
		a->hi[k] = isnan(hi) ? inf : hi;
	}
}

static void scaled(const Ref *r, double factor, RefFunction *f)
{
	if (factor < 0)
		negated(r, f, f);
	for (int k = 1; k <= r->last; k++) {
		double lo = fabs(factor) * f->lo[k], hi = fabs(factor) * f->hi[k];
		f->lo[k] = isnan(lo) ? 0 : lo; /* none of whatever it is */
		f->hi[k] = isnan(hi) ? 0 : hi;
	}
}

static void over(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out);
static void count(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out);

static void number(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction b;
	switch ((int)n->kind) {
	case REF_NUMBER:
		fill(r, n->value, n->value, out);
		return;
	case REF_SIGNAL:
		ref_signal(r, n->signal, out);
		return;
	case REF_INITIAL:
		ref_signal(r, n->signal, out);
		fill(r, out->lo[1], out->hi[1], out);
		return;
	case REF_MAX_OVER:
	case REF_MIN_OVER:
		over(r, n, beyond, out);
		return;
	case REF_COUNT:
		count(r, n, beyond, out);
		return;
	}
	number(r, n->a, beyond, out);
	if (n->kind == REF_MINUS)
		negated(r, out, out);
	if (n->kind == REF_TIMES)
		scaled(r, n->value, out);
	if (n->kind == REF_ABS)
		magnitude(r, out);
	if (!n->b)
		return;
	number(r, n->b, beyond, &b);
	if (n->kind == REF_LEAST || n->kind == REF_MOST) {
		joined(r, out, &b, n->kind == REF_LEAST, out);
		return;
	}
	if (n->kind == REF_LESS)
		negated(r, &b, &b);
	sum(r, out, &b);
}

bool ref_level(const RefCase *c, const RefNode *n)
{
	if (n->kind == REF_SIGNAL)
		return n->signal != REF_VARIABLE && c->signals[n->signal].hold;
	if (n->kind == REF_NUMBER || n->kind == REF_INITIAL || n->kind == REF_COUNT ||
	    (n->kind == REF_TIMES && n->value == 0))
		return true;
	return ref_level(c, n->a) && (!n->b || ref_level(c, n->b));
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

static void comparison(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction b;
	bool less = n->kind == REF_LT || n->kind == REF_LE;
	number(r, less ? n->b : n->a, beyond, out);
	number(r, less ? n->a : n->b, beyond, &b);
	negated(r, &b, &b);
	sum(r, out, &b);
	if (n->kind == REF_EQ || n->kind == REF_NE)
		magnitude(r, out);
	if (n->kind == REF_EQ)
		negated(r, out, out);
	if (!r->margin)
		truth_of(r, out, n->kind == REF_LT || n->kind == REF_GT || n->kind == REF_NE);
}

static void boolean(const Ref *r, int signal, RefFunction *out)
{
	ref_signal(r, signal, out);
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

/* ---- windows of values ---------------------------------------------------------------------------------------------------- */

/* Positions first … last of [t + lo, t + hi]; a side without a bound goes as far as the recording, but when all of the window lies
 * beyond that, it lies there. */
typedef struct Window {
	int first, last;
} Window;

static Window window_at(const Ref *r, const RefNode *n, int k)
{
	bool at = k % 3 == 1;
	Window w = {k + 6 * n->lo + (n->lo_open && at), k + 6 * n->hi - (n->hi_open && at)};
	if (n->lo <= -REF_FOREVER)
		w.first = w.last < 1 ? w.last : 1;
	if (n->hi >= REF_FOREVER)
		w.last = w.first > r->last ? w.first : r->last;
	return w;
}

static double largest_at(const Ref *r, const RefNode *n, const double *x, double beyond, int k)
{
	Window w = window_at(r, n, k);
	double best = -inf;
	for (int s = w.first; s <= w.last; s++) {
		bool inside = s >= 1 && s <= r->last;
		if (inside || !r->c->finite)
			best = most(best, inside ? x[s] : beyond);
	}
	return best;
}

static void over(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction x;
	number(r, n->a, beyond, &x);
	if (n->kind == REF_MIN_OVER)
		negated(r, &x, &x);
	for (int k = 1; k <= r->last; k++) {
		out->lo[k] = largest_at(r, n, x.lo, beyond.lo, k);
		out->hi[k] = largest_at(r, n, x.hi, beyond.hi, k);
	}
	if (n->kind == REF_MIN_OVER)
		negated(r, out, out);
}

typedef enum { WRONG, RIGHT, OPEN, CONTRARY } State;

/* Contrary: it would be certain, and certainly not, if all beyond the recording were good or bad as needed. */
static State state_at(const RefFunction *p, int k)
{
	bool sure = p->lo[k] > 0, possible = p->hi[k] > 0;
	return sure ? (possible ? RIGHT : CONTRARY) : possible ? OPEN : WRONG;
}

/* The instants, in half seconds, that a stretch of positions touches. */
static int instant_before(int k)
{
	return k % 3 == 0 ? k / 3 - 1 : k / 3;
}

static int instant_after(int k)
{
	return k % 3 == 2 ? k / 3 + 1 : k / 3;
}

/* p becomes true between the positions from (false) and to (true) next to each other, or in an open stretch between them. */
static int edges_of(const Ref *r, const RefFunction *p, RefEdge edges[])
{
	int n = 0;
	for (int k = 1; k <= r->last;) {
		State s = state_at(p, k);
		int end = k;
		while (end < r->last && state_at(p, end + 1) == s)
			end++;
		bool rises = k > 1 && state_at(p, k - 1) == WRONG;
		if (s == RIGHT &&
		    rises) /* at the instant, or right after it: that is the one before */
			edges[n++] = (RefEdge){(k % 3 == 1 ? k : k - 1) / 3,
					       (k % 3 == 1 ? k : k - 1) / 3, true};
		if (s == OPEN)
			edges[n++] =
				(RefEdge){instant_before(k), instant_after(end),
					  rises && end < r->last && state_at(p, end + 1) == RIGHT};
		k = end + 1;
	}
	return n;
}

static bool touches_contrary(const Ref *r, const RefFunction *p, Window w)
{
	for (int k = 1; k <= r->last; k++)
		if (state_at(p, k) == CONTRARY && 3 * instant_before(k) + 1 <= w.last &&
		    3 * instant_after(k) + 1 >= w.first)
			return true;
	return false;
}

/* Surely the certain ones that lie in the window as a whole; perhaps all that touch it, any number where nothing is known. */
static void count_at(const Ref *r, const RefNode *n, const RefEdge *edges, int n_edges,
		     Beyond beyond, int k, RefFunction *out)
{
	Window w = window_at(r, n, k);
	double least_of_all = 0, most_of_all = 0;
	for (int i = 0; i < n_edges; i++) {
		int from = 3 * edges[i].from + 1, to = 3 * edges[i].to + 1;
		bool touched = w.first <= to && from <= w.last,
		     whole = w.first <= from && to <= w.last;
		least_of_all += edges[i].certain && whole;
		if (touched)
			most_of_all += from == to ? 1 : inf;
	}
	bool leaves = !r->c->finite && (w.first < 1 || w.last > r->last) && w.first <= w.last;
	out->lo[k] = leaves && beyond.lo > 0 ? inf : least_of_all;
	out->hi[k] = leaves && beyond.hi > 0 ? inf : most_of_all;
}

static void count(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction p;
	RefEdge edges[REF_POSITIONS];
	bool margin = r->margin;
	r->margin = false;
	formula(r, n->a, beyond, &p);
	r->margin = margin;
	int n_edges = edges_of(r, &p, edges);
	for (int k = 1; k <= r->last; k++) {
		count_at(r, n, edges, n_edges, beyond, k, out);
		if (touches_contrary(r, &p, window_at(r, n, k))) {
			out->lo[k] = inf;
			out->hi[k] = 0;
		}
	}
}

/* ---- quantifiers -------------------------------------------------------------------------------------------------------------- */

static void quantifier(Ref *r, const RefNode *n, Beyond beyond, RefFunction *out)
{
	RefFunction one;
	bool first = true;
	for (int i = 0; i < REF_MAX_SIGNALS; i++) {
		if (!(n->signal >> i & 1))
			continue;
		r->variable = i;
		formula(r, n->a, beyond, first ? out : &one);
		if (!first)
			joined(r, out, &one, n->kind == REF_EVERY, out);
		first = false;
	}
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
	case REF_EVERY:
	case REF_SOME:
		quantifier(r, n, beyond, out);
		return;
	}
	if (n->kind < REF_NOT)
		comparison(r, n, beyond, out);
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
	/* one value for whatever may come leaves nothing to change, however pessimistic the above is */
	if (!c->finite && ret->lo == ret->hi && ret->satisfied != REF_MAYBE)
		ret->complete = true;
}

int ref_rises(const RefCase *c, RefEdge edges[REF_POSITIONS])
{
	RefFunction p;
	Ref r = {.c = c, .last = 6 * c->end + 1};
	formula(&r, c->root, (Beyond){-inf, inf}, &p);
	return edges_of(&r, &p, edges);
}
