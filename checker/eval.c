/* A formula on a recording. */
#include "check.h"

/* Between these every value of a number's lower (SURE) and upper (MAYBE) side lies, over some time. */
typedef struct Side {
	double least, most;
} Side;
typedef struct Range {
	Side s[2];
} Range;

double si(double v, const Unit *unit)
{
	return (v + unit->offset) * unit->scale;
}

double piece_at(const Piece *p, int64_t t)
{
	t = CLAMP(t, p->a, p->b);
	return p->vb != p->va && p->b > p->a
		       ? p->va + (p->vb - p->va) * (double)(t - p->a) / (double)(p->b - p->a)
		       : p->va;
}

static double apply(Kind kind, double x, double y)
{
	switch ((int)kind) {
	case N_PLUS:
		return x + y;
	case N_MAX:
		return MAX(x, y);
	case N_TIMES:
		return x == 0 || y == 0 ? 0 : x * y;
	case N_OVER:
		return x / y;
	default:
		return hypot(x, y);
	}
}

/* All of these take their least and their most at the ends of x and y. */
static Side ends(Kind kind, Side x, Side y)
{
	Side r = {INF, -INF};
	for (int i = 0; i < 4; i++) {
		double v = apply(kind, i % 2 ? x.most : x.least, i / 2 ? y.most : y.least);
		r.least = isnan(v) ? -INF : MIN(r.least, v);
		r.most = isnan(v) ? INF : MAX(r.most, v);
	}
	return r;
}

static Side over_pieces(const GArray *pieces, int64_t a, int64_t b)
{
	Side r = {INF, -INF};
	guint lo = 0, hi = pieces->len - 1;
	while (lo < hi) {
		guint middle = (lo + hi) / 2;
		if (g_array_index(pieces, Piece, middle).b < a)
			lo = middle + 1;
		else
			hi = middle;
	}
	for (guint i = lo; i < pieces->len && g_array_index(pieces, Piece, i).a <= b; i++) {
		double x = piece_at(&g_array_index(pieces, Piece, i), a),
		       y = piece_at(&g_array_index(pieces, Piece, i), b);
		r = (Side){MIN(r.least, MIN(x, y)), MAX(r.most, MAX(x, y))};
	}
	return r;
}

/* The absolute value: on each side the larger one of it and of the other side, turned. */
static Side absolute(const Range *x, int side)
{
	Side turned = {-x->s[!side].most, -x->s[!side].least}, r = ends(N_MAX, x->s[side], turned);
	return side == MAYBE ? r : ends(N_MAX, r, (Side){0, 0});
}

/* The hull of what all sides give; nothing is known where the divisor may be 0. */
static Range product(const World *w, Kind kind, const Range *x, const Range *y)
{
	Range r = {{{INF, INF}, {-INF, -INF}}};
	if (kind == N_OVER && y->s[SURE].least <= 0 && y->s[MAYBE].most >= 0) {
		bool always = y->s[SURE].most <= 0 && y->s[MAYBE].least >= 0;
		*w->poles += isfinite(y->s[SURE].least) && isfinite(y->s[MAYBE].most);
		return always ? (Range){{{-INF, -INF}, {INF, INF}}}
			      : (Range){{{-INF, INF}, {-INF, INF}}};
	}
	for (int i = 0; i < 4; i++) {
		Side v = ends(kind, x->s[i % 2], y->s[i / 2]);
		r.s[SURE] = (Side){fmin(r.s[SURE].least, v.least), fmin(r.s[SURE].most, v.most)};
		r.s[MAYBE] = (Side){fmax(r.s[MAYBE].least, v.least), fmax(r.s[MAYBE].most, v.most)};
	}
	return r;
}

static Range range(World *w, const Node *n, int64_t a, int64_t b);

/* ---- windows: a to b are the times at which they stand ---- */

/* Does it leave the timeline? Without a bound only when it lies beyond as a whole. */
static bool leaves(const World *w, const Node *n, int64_t early, int64_t late)
{
	return late + (n->to < FAR ? n->to : n->from) > w->to ||
	       early + (n->from > -FAR ? n->from : n->to) < w->from;
}

/* The largest from a to b, or the area under it. */
static double over_times(World *w, const Node *n, int side, int64_t a, int64_t b, bool area)
{
	double r = area ? 0 : -INF, before = 0;
	a = MAX(a, w->from);
	b = MIN(b, w->to);
	for (int64_t t = a, last = a; t <= b;) {
		double v = range(w, n->a, t, t).s[side].most;
		r = area ? r + (v + before) / 2 * (double)(t - last) : fmax(r, v);
		before = v;
		last = t;
		guint i = times_until(w->times, t);
		t = t == b ? b + 1
			   : MIN(b, i < w->times->len ? g_array_index(w->times, int64_t, i) : b);
	}
	return r;
}

static Side peak(World *w, const Node *n, int side, int64_t a, int64_t b)
{
	bool some = side == MAYBE && leaves(w, n, a, b), all = side == MAYBE && leaves(w, n, b, a);
	return (Side){all ? INF : over_times(w, n, side, b + n->from, a + n->to, false),
		      some ? INF : over_times(w, n, side, a + n->from, b + n->to, false)};
}

/* From the mean at a it moves by what comes in less what goes out. */
static Side mean(World *w, const Node *n, int side, int64_t a, int64_t b)
{
	double width = (double)(n->to - n->from), unknown = side == MAYBE ? INF : -INF, at[2];
	if (n->to == n->from && !leaves(w, n, a, b))
		return range(w, n->a, a + n->from, b + n->from).s[side];
	for (int i = 0; i < 2; i++) {
		int64_t t = i ? b : a;
		at[i] = leaves(w, n, t, t)
				? unknown
				: over_times(w, n, side, t + n->from, t + n->to, true) / width;
		at[i] = isfinite(at[i]) ? at[i] : unknown;
	}
	if (leaves(w, n, b, a) || (at[0] == unknown && at[1] == unknown && b - a < 100 * CLOCK_MS))
		return (Side){unknown, unknown};
	if (at[0] == unknown || at[1] == unknown)
		return (Side){-INF, INF};
	Side out = range(w, n->a, a + n->from, b + n->from).s[side],
	     in = range(w, n->a, a + n->to, b + n->to).s[side];
	double step = (double)(b - a) / width;
	return (Side){at[0] + fmin(0, (in.least - out.most) * step),
		      at[0] + fmax(0, (in.most - out.least) * step)};
}

/* Rises in the window: surely those that lie in it as a whole, perhaps those that touch it. */
static Side count(const World *w, const Node *n, int side, int64_t a, int64_t b)
{
	Side r = {0, 0};
	for (guint i = 0; i < n->edges->len; i++) {
		const Edge *e = &g_array_index(n->edges, Edge, i);
		int64_t first = side == MAYBE || e->to - e->from <= 1 ? e->to : e->from,
			last = side == MAYBE || e->to - e->from <= 1 ? e->from : e->to;
		double much = side == MAYBE && e->any ? INF : side == MAYBE || e->certain ? 1 : 0;
		r.least += first >= b + n->from && last <= a + n->to ? much : 0;
		r.most += first >= a + n->from && last <= b + n->to ? much : 0;
	}
	bool some = side == MAYBE && leaves(w, n, a, b), all = side == MAYBE && leaves(w, n, b, a);
	return (Side){all ? INF : r.least, some ? INF : r.most};
}

static Range range(World *w, const Node *n, int64_t a, int64_t b)
{
	Range x = {0}, y = {0}, r = {0};
	bool own = n->kind == N_PEAK || n->kind == N_MEAN || n->kind == N_COUNT;
	if (n->kind == N_INITIAL)
		return range(w, n->a, w->from, w->from);
	if (n->a && !own)
		x = range(w, n->a, a, b);
	if (n->b && !own)
		y = range(w, n->b, a, b);
	if (n->kind == N_TIMES || n->kind == N_OVER)
		return product(w, n->kind, &x, &y);
	for (int s = SURE; s <= MAYBE; s++)
		if (n->kind == N_NUMBER)
			r.s[s] = (Side){n->number, n->number};
		else if (n->kind == N_SIGNAL)
			r.s[s] = over_pieces(n->pieces[s], a, b);
		else if (n->kind == N_MINUS)
			r.s[s] = (Side){-x.s[!s].most, -x.s[!s].least};
		else if (n->kind == N_NORM)
			r.s[s] = ends(N_NORM, absolute(&x, s),
				      n->b ? absolute(&y, s) : (Side){0, 0});
		else if (own)
			r.s[s] = n->kind == N_PEAK   ? peak(w, n, s, a, b)
				 : n->kind == N_MEAN ? mean(w, n, s, a, b)
						     : count(w, n, s, a, b);
		else
			r.s[s] = ends(n->kind, x.s[s], y.s[s]);
	return r;
}

/* ---- comparisons ---- */

/* The unit of a number. */
static Unit unit_of(World *w, const Node *n)
{
	const Signal *s = n->kind == N_SIGNAL ? recording_signal(w->rec, n->name) : NULL;
	if (n->kind == N_NUMBER || n->kind == N_COUNT)
		return n->unit;
	if (!n->a)
		return s ? s->info.unit : unit_second; /* NAME.age */
	Unit a = unit_of(w, n->a), b = n->b ? unit_of(w, n->b) : a;
	if (n->kind == N_TIMES || n->kind == N_OVER)
		return n->kind == N_TIMES ? unit_mul(&a, &b) : unit_div(&a, &b);
	if (!unit_compatible(&a, &b))
		world_problem(w, "%s and %s do not go together", a.symbol, b.symbol);
	return a;
}

static bool steady(const Node *n)
{
	return !n || n->kind == N_INITIAL || (n->kind != N_SIGNAL && steady(n->a) && steady(n->b));
}

/* The sum of squares of what an atom's signals err by; NaN: not known, or by no factor that always holds. */
static double square_u(const World *w, const Node *n)
{
	const Signal *s = n && n->kind == N_SIGNAL ? recording_signal(w->rec, n->name) : NULL;
	if (!n || n->kind == N_NUMBER)
		return 0;
	if (n->kind == N_COUNT ||
	    ((n->kind == N_TIMES || n->kind == N_OVER) && !steady(n->a) && !steady(n->b)))
		return (double)NAN;
	double u =
		s ? hypot(fmax(s->info.u_common, 0), fmax(s->info.u_sample, 0)) * s->info.unit.scale
		  : 0;
	if (n->kind == N_SIGNAL)
		return u > 0 ? u * u : (double)NAN;
	return square_u(w, n->a) + square_u(w, n->b);
}

/* Kinds of units of what gives a formula its margin: comparisons that are in no edge. *ret_unit: of the first. */
static unsigned kinds(World *w, const Node *n, Unit *ret_unit, bool *ret_bare)
{
	if (!n || n->kind == N_RISE)
		return 0;
	if (n->kind < N_LESS || n->kind > N_TOUCH) {
		Unit other;
		unsigned a = kinds(w, n->a, ret_unit, ret_bare),
			 b = kinds(w, n->b, a ? &other : ret_unit, ret_bare);
		return a && b && unit_compatible(ret_unit, &other) ? MAX(a, b) : a + b;
	}
	*ret_unit = unit_of(w, n->a);
	*ret_bare |= isnan(square_u(w, n->a));
	return 1;
}

bool has_margin(World *w, const Node *n, Unit *ret_unit)
{
	bool bare = false;
	unsigned k = kinds(w, n, ret_unit, &bare);
	w->mixed = k > 1;
	if (w->mixed)
		*ret_unit = unit_one;
	return k > 0 && !(w->mixed && bare);
}

/* Pieces of all signals, the times at which they begin and end, and rises that are counted. */
static void prepare(World *w, Node *n)
{
	World plain = *w;
	plain.shift = 0;
	if (n->kind == N_COUNT) {
		Tri p = eval(&plain, n->a);
		n->edges = rises(w, &p);
		return;
	}
	if (n->kind == N_SIGNAL)
		world_number(w, n->name, n->pieces);
	for (int s = SURE; s <= MAYBE && n->kind == N_SIGNAL; s++)
		for (guint i = 0; i < n->pieces[s]->len; i++)
			g_array_append_vals(w->times, &g_array_index(n->pieces[s], Piece, i),
					    2); /* a and b */
	if (n->a)
		prepare(w, n->a);
	if (n->b)
		prepare(w, n->b);
}

/* When one side of a number is above its limit, from a to b; or, `touching`, reaches it before the next nanosecond. */
static void decide(World *w, const Node *n, int side, int64_t a, int64_t b, int64_t last,
		   double limit, bool equal, Set *ret)
{
	if (++w->work > 200000000)
		world_problem(w, "a comparison that hardly ever decides");
	if (w->problem->len > 0)
		return;
	/* Two lines that meet between two nanoseconds have a margin of nothing there, and that leaves it open. */
	bool touching = limit <= 0 && (n->kind == N_TOUCH || (side == MAYBE && w->shift > 0));
	Side v = range(w, n->a, a, touching ? MIN(b + 1, last) : b).s[side];
	bool some = equal ? v.most >= limit : v.most > limit;
	int64_t middle = a + (b - a) / 2;
	if ((equal ? v.least >= limit : v.least > limit) || (some && a == b)) {
		set_add(ret, a, b);
	} else if (some) {
		decide(w, n, side, a, middle, last, limit, equal, ret);
		decide(w, n, side, middle + 1, b, last, limit, equal, ret);
	}
}

static gint by_time(gconstpointer x, gconstpointer y)
{
	const int64_t *a = x, *b = y;
	return (*a > *b) - (*a < *b);
}

static Tri compare(World *outer, Node *n)
{
	World w = *outer;
	Tri r = {{pooled(sizeof(int64_t)), pooled(sizeof(int64_t))}, false};
	double shift = w.shift != 0 && w.mixed ? w.shift * sqrt(square_u(&w, n->a)) : w.shift;
	bool equal = n->kind != N_LESS;
	w.times = pooled(sizeof(int64_t));
	g_array_append_val(w.times, w.from);
	unit_of(&w, n->a);
	prepare(&w, n->a);
	g_array_sort(w.times, by_time);
	for (int64_t a = w.from; a <= w.to && w.problem->len == 0;) {
		guint i = times_until(w.times, a);
		int64_t b = i < w.times->len && n->kind == N_TOUCH
				    ? g_array_index(w.times, int64_t, i) - 1
				    : w.to;
		b = MIN(b, w.to);
		decide(&w, n, SURE, a, b, b + (b > a), shift, equal, r.s[SURE]);
		decide(&w, n, MAYBE, a, b, b + (b > a), -shift, equal, r.s[MAYBE]);
		a = b + 1;
	}
	return r;
}

/* ---- conditions ---- */

/* The first sample has no rise; a time in which nothing is known may hide some. */
GArray *rises(const World *w, const Tri *p)
{
	GArray *edges = pooled(sizeof(Edge));
	bool high = false, low = false; /* the last known state */
	int64_t next = w->from;         /* all before is done */
	for (int64_t t = w->from, change; t <= w->to + 1; t = change) {
		guint i = times_until(p->s[SURE], t), k = times_until(p->s[MAYBE], t);
		bool end = t > w->to, sure = !end && i % 2, not = end || k % 2 == 0;
		int64_t x = i < p->s[SURE]->len ? g_array_index(p->s[SURE], int64_t, i) : FAR,
			y = k < p->s[MAYBE]->len ? g_array_index(p->s[MAYBE], int64_t, k) : FAR;
		Edge e = {next, sure ? t : t - 1, sure && low, false};
		change = end ? FAR : MIN(MIN(x, y), w->to + 1);
		e.any = !p->truth && e.to - e.from > 1;
		if (!sure && !not )
			continue;
		if (e.certain || (t > next && !(p->truth && high)))
			g_array_append_val(edges, e);
		high = sure;
		low = not ;
		next = change;
	}
	return edges;
}

/* What lies beyond the timeline may be anything; without a bound nothing does, but for a window that is beyond as a whole. */
static Set *until(int64_t begin, int64_t end, Set *p, Set *q, int64_t from, int64_t to, bool maybe)
{
	Set *before = set_span(-FAR, begin - 1), *after = set_span(end + 1, FAR), *r;
	if (!maybe)
		return set_until(p, q, from, to);
	p = set_mix(set_mix(before, p, EITHER), after, EITHER);
	q = from > -FAR ? set_mix(before, q, EITHER) : q;
	q = to < FAR ? set_mix(q, after, EITHER) : q;
	r = set_until(p, q, from, to);
	if (to == FAR && from > -FAR)
		r = set_mix(r, set_until(p, after, from, from), EITHER);
	if (from == -FAR && to < FAR)
		r = set_mix(r, set_until(p, before, to, to), EITHER);
	return set_mix(r, set_span(begin, end), BOTH);
}

Tri eval(World *w, Node *n)
{
	Tri a = {0}, b = {0}, r = {{w->all, w->all}, false};
	World plain = *w;
	if (n->kind == N_TRUE)
		return r;
	if (n->kind == N_SIGNAL)
		return world_boolean(w, n->name);
	if (n->kind >= N_LESS && n->kind <= N_TOUCH)
		return compare(w, n);
	if (n->kind == N_RISE) { /* has no margin */
		plain.shift = 0;
	}
	if (n->kind > N_RISE) {
		world_problem(w, "a condition was expected");
		return r;
	}
	a = eval(&plain, n->a);
	if (n->b)
		b = eval(&plain, n->b);
	GArray *edges = n->kind == N_RISE ? rises(w, &a) : NULL;
	for (int s = SURE; s <= MAYBE; s++) {
		Set *x = a.s[s], *y = b.s[s], *no = set_mix(w->all, a.s[!s], ONLY_LEFT);
		if (n->kind == N_NOT)
			r.s[s] = no;
		else if (n->kind == N_OR || n->kind == N_IMPLIES)
			r.s[s] = set_mix(n->kind == N_OR ? x : no, y, EITHER);
		else if (n->kind == N_SOME)
			r.s[s] = until(w->from, w->to, w->all, x, n->from, n->to, s == MAYBE);
		else if (n->kind == N_UNTIL)
			r.s[s] = until(w->from, w->to, x, y, n->from, n->to, s == MAYBE);
		else if (n->kind == N_SINCE)
			r.s[s] = set_mirrored(until(-w->to, -w->from, set_mirrored(x),
						    set_mirrored(y), n->from, n->to, s == MAYBE));
		else
			r.s[s] = set_span(0, -1);
		for (guint i = 0; edges && i < edges->len; i++) {
			const Edge *e = &g_array_index(edges, Edge, i);
			if (s == MAYBE || (e->certain && e->from == e->to))
				set_add(r.s[s], e->from, e->to);
		}
	}
	return r;
}

bool holds(World *w, Node *n, bool yes)
{
	guint mark = pool_mark();
	Tri t = eval(w, n);
	bool r = yes ? set_has(t.s[SURE], w->from) : !set_has(t.s[MAYBE], w->from);
	pool_release(mark);
	return r;
}
