#include "over.h"

/* Edges, windows and until: what looks at other times. */

/* ---- edges ---------------------------------------------------------------------------------------------------------------- */

/* Rises of `now` where `before` (left limits) is false: possible ones from (before.lo, now.hi), sure ones from (before.hi,
 * now.lo). true only at the instant; the first sample has none. */
static Track *rises(const Track *before, const Track *now)
{
	g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(double));
	for (size_t i = 0, j = 0; i < before->n || j < now->n;) {
		double ta = i < before->n ? before->k[i].t : INF,
		       tb = j < now->n ? now->k[j].t : INF;
		double t = MIN(ta, tb);
		i += ta == t;
		j += tb == t;
		g_array_append_val(times, t);
	}
	Track *out = track_new(times->len);
	for (guint i = 0; i < times->len; i++) {
		double t = g_array_index(times, double, i);
		Knot b = track_at(before, t), n = track_at(now, t);
		bool last = i + 1 == times->len;
		/* false just before and true here, or false here (or before) and true just after */
		bool at = (i > 0 && b.l < 0 && n.v > 0) || (!last && b.v < 0 && n.r > 0);
		/* inside a stretch: it may rise anywhere if it may be false just before and true just after */
		bool right = !last && b.r < 0 && n.r > 0;
		bool left = i > 0 && b.l < 0 && n.l > 0;
		track_push(out, t, left ? INF : -INF, at ? INF : -INF, right ? INF : -INF);
	}
	return out;
}

static Pair rise_of(Pair a)
{
	/* sure: surely false before, surely true now. possible: not surely true before, possibly true now. */
	Pair out = {rises(a.hi, a.lo), rises(a.lo, a.hi)};
	pair_clear(&a);
	return out;
}

/* ---- temporal operators ------------------------------------------------------------------------------------------------------ */

/* What lies beyond the ends, for one side of a sup. */
double eval_outside(const Eval *e, bool upper)
{
	if (e->ends == STL_ENDS_FINITE)
		return -INF;
	return upper != e->contrary ? INF : -INF;
}

/* One side: what leaves the recording is worth `beyond` there. */
static Track *opened(Track *inside, double from, double to, double beyond)
{
	return beyond < 0 ? track_ref(inside) : track_open_ends(inside, from, to);
}

static Pair window(const Eval *e, Pair a, double from, double to)
{
	g_autoptr(Track) lo = track_window_max(a.lo, from, to);
	g_autoptr(Track) hi = pair_exact(&a) ? track_ref(lo) : track_window_max(a.hi, from, to);
	Pair out = {opened(lo, from, to, eval_outside(e, false)),
		    opened(hi, from, to, eval_outside(e, true))};
	pair_clear(&a);
	return out;
}

static Pair eventually(const Eval *e, const Node *n, Pair a)
{
	bool past = operators[n->kind].time == OP_PAST;
	double lo = eval_ticks(e, n->lo_s), hi = eval_ticks(e, n->hi_s);
	if (n->lo_open || n->hi_open)
		return past ? pair_window(e, a, -hi, -lo, n->hi_open, n->lo_open)
			    : pair_window(e, a, lo, hi, n->lo_open, n->hi_open);
	return past ? window(e, a, -hi, -lo) : window(e, a, lo, hi);
}

static Pair untimed(const Pair *f, const Pair *g)
{
	if (pair_exact(f) && pair_exact(g))
		return pair_twice(track_until(f->lo, g->lo));
	return (Pair){track_until(f->lo, g->lo), track_until(f->hi, g->hi)};
}

/* The witness may lie beyond the end: there f U g is what the end leaves open, as long as f held. */
static void open_until(const Eval *e, const Pair *f, Pair *u)
{
	for (int upper = 0; upper < 2; upper++) {
		if (eval_outside(e, upper) < 0)
			continue;
		g_autoptr(Track) nf = track_negate(upper ? f->hi : f->lo);
		g_autoptr(Track) worst = track_window_max(nf, 0, INF);
		g_autoptr(Track) held = track_negate(worst); /* inf of f to the end */
		Track **side = upper ? &u->hi : &u->lo;
		Track *more = track_combine(*side, held, TRACK_MAX, 0);
		track_free(*side);
		*side = more;
	}
}

/* The until whose witness comes strictly later: at an instant f and what is so right after it. Between knots nothing changes;
 * after the end comes what lies beyond. */
static Track *after_now(Track *until, const Track *f, double beyond)
{
	g_autoptr(Track) u = track_solid(until);
	Track *out = track_new(u->n);
	size_t at = 0;
	for (size_t i = 0; i < u->n; i++) {
		double t = u->k[i].t, right = i + 1 < u->n ? u->k[i].r : beyond;
		double v = MIN(track_walk(f, &at, t).v, right);
		track_push(out, t, u->k[i].l, v, u->k[i].r);
	}
	return out;
}

/* f U[a,b] g = eventually[a,b] g and always[0,a] f and (f U g) at t + a (Donzé, Ferrère, Maler: Efficient robust monitoring
 * for STL, 2013, lemma on bounded until), with f needed on the closed [t, witness]. An unbounded end stops at the track's. */
static Pair until(const Eval *e, Pair f, Pair g, const Node *n)
{
	double a = eval_ticks(e, n->lo_s), b = eval_ticks(e, n->hi_s);
	bool open = n->lo_open || n->hi_open;
	Pair u = untimed(&f, &g);
	if (n->lo_open)
		u = (Pair){after_now(u.lo, f.lo, eval_outside(e, false)),
			   after_now(u.hi, f.hi, eval_outside(e, true))};
	if (isfinite(b))
		open_until(e, &f, &u);
	if (a == 0 && isinf(b) && !open) {
		pair_clear(&f);
		pair_clear(&g);
		return u;
	}
	Pair witness = open ? pair_window(e, g, a, b, n->lo_open, n->hi_open) : window(e, g, a, b);
	Pair out = pair_combine(witness, a > 0 ? window(e, u, a, a) : u, TRACK_MIN);
	if (a == 0) { /* f U g is never above f */
		pair_clear(&f);
		return out;
	}
	return pair_combine(out, pair_negate(window(e, pair_negate(f), 0, a)), TRACK_MIN);
}

Pair eval_rise(Eval *e, const Node *n, EvalFunc of)
{
	(void)of; /* an edge has no margin */
	Pair a = eval_truth_for_edges(e, n->a);
	return rise_of(n->kind == N_FALL ? pair_negate(a) : a);
}

Pair eval_window(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a);
	if (n->kind == N_EVENTUALLY || n->kind == N_ONCE)
		return eventually(e, n, a);
	return pair_negate(eventually(e, n, pair_negate(a)));
}

Pair eval_until(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	return until(e, a, b, n);
}

Pair eval_since(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = pair_reversed(of(e, n->a)), b = pair_reversed(of(e, n->b));
	return pair_reversed(until(e, a, b, n));
}

/* a weak until[x, y] b = a until[x, y] b, or a up to y. */
Pair eval_weak(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	double to = eval_ticks(e, n->hi_s);
	Pair held =
		pair_negate(pair_window(e, pair_negate(pair_copy(&a)), 0, to, false, n->hi_open));
	return pair_combine(until(e, a, b, n), held, TRACK_MAX);
}
