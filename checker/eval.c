/* A formula on a recording: when it holds for sure, and when it is violated for sure. */
#include "check.h"

static double at(const Piece *p, int64_t t, bool high)
{
	double a = high ? p->hi_a : p->lo_a, b = high ? p->hi_b : p->lo_b;
	return p->b > p->a ? a + (b - a) * (double)(t - p->a) / (double)(p->b - p->a) : a;
}

static GArray *constant(const World *w, double lo, double hi)
{
	GArray *r = g_array_new(FALSE, FALSE, sizeof(Piece));
	Piece p = {w->in.a, w->in.b, lo, lo, hi, hi};
	g_array_append_val(r, p);
	return r;
}

static bool exact(const GArray *pieces)
{
	const Piece *p = &g_array_index(pieces, Piece, 0);
	return pieces->len == 1 && p->lo_a == p->hi_a && p->lo_b == p->hi_b && p->lo_a == p->lo_b;
}

/* x + k y, where both are known. */
static GArray *add(const GArray *x, const GArray *y, double k)
{
	GArray *r = g_array_new(FALSE, FALSE, sizeof(Piece));
	for (guint i = 0, j = 0; i < x->len && j < y->len;) {
		const Piece *p = &g_array_index(x, Piece, i), *q = &g_array_index(y, Piece, j);
		int64_t a = MAX(p->a, q->a), b = MIN(p->b, q->b);
		bool flip = k < 0;
		Piece s = {a,
			   b,
			   at(p, a, false) + k * at(q, a, flip),
			   at(p, b, false) + k * at(q, b, flip),
			   at(p, a, true) + k * at(q, a, !flip),
			   at(p, b, true) + k * at(q, b, !flip)};
		if (a <= b)
			g_array_append_val(r, s);
		if (p->b < q->b)
			i++;
		else
			j++;
	}
	return r;
}

static GArray *value(World *w, const Node *n, Unit *unit);

/* One side of a product, and every divisor, is a plain number here. */
static GArray *scaled(World *w, const Node *n, Unit *unit)
{
	Unit ua, ub;
	g_autoptr(GArray) a = value(w, n->a, &ua), b = value(w, n->b, &ub),
			  zero = constant(w, 0, 0);
	bool over = n->kind == N_OVER;
	if (!exact(b) && exact(a) && !over)
		return *unit = unit_is_dimensionless(&ua) ? ub : unit_mul(&ua, &ub),
		       add(zero, b, g_array_index(a, Piece, 0).lo_a);
	*unit = unit_is_dimensionless(&ub) ? ua : over ? unit_div(&ua, &ub) : unit_mul(&ua, &ub);
	if (!exact(b) || (over && g_array_index(b, Piece, 0).lo_a == 0)) {
		world_problem(w, "a product of two signals");
		return g_array_new(FALSE, FALSE, sizeof(Piece));
	}
	double k = g_array_index(b, Piece, 0).lo_a;
	return add(zero, a, over ? 1 / k : k);
}

/* a + sign b in a's unit (b's, when a is the nothing of a sign). */
static GArray *sum(World *w, const Node *a, const Node *b, double sign, Unit *unit)
{
	Unit other;
	g_autoptr(GArray) x = value(w, a, unit), y = value(w, b, &other);
	if (a->kind == N_NUMBER && a->number == 0 && unit_is_dimensionless(unit))
		*unit = other;
	if (!unit_compatible(unit, &other) || unit->offset != other.offset)
		world_problem(w, "a sum of %s and %s", unit->symbol, other.symbol);
	return add(x, y, sign * other.scale / unit->scale);
}

/* The larger of two at each time: split where the lines cross, on either side. */
static GArray *larger(const GArray *x, const GArray *y)
{
	GArray *r = g_array_new(FALSE, FALSE, sizeof(Piece));
	for (guint i = 0, j = 0; i < x->len && j < y->len;) {
		const Piece *p = &g_array_index(x, Piece, i), *q = &g_array_index(y, Piece, j);
		int64_t a = MAX(p->a, q->a), b = MIN(p->b, q->b), cut[4] = {a, b, b, b};
		for (int high = 0; high < 2 && a < b; high++) {
			double from = at(p, a, high) - at(q, a, high),
			       to = at(p, b, high) - at(q, b, high);
			if (from * to < 0)
				cut[1 + high] = a + (int64_t)(from / (from - to) * (double)(b - a));
		}
		if (cut[1] > cut[2])
			cut[0] = cut[1], cut[1] = cut[2], cut[2] = cut[0], cut[0] = a;
		for (int k = 0; k < 3; k++) {
			int64_t u = cut[k], v = cut[k + 1];
			Piece s = {u,
				   v,
				   fmax(at(p, u, false), at(q, u, false)),
				   fmax(at(p, v, false), at(q, v, false)),
				   fmax(at(p, u, true), at(q, u, true)),
				   fmax(at(p, v, true), at(q, v, true))};
			if (u < v || (k == 0 && a == b))
				g_array_append_val(r, s);
		}
		if (p->b < q->b)
			i++;
		else
			j++;
	}
	return r;
}

/* max(x, y); min(x, y) = -max(-x, -y); |x| = max(x, -x) */
static GArray *extreme(World *w, const Node *n, Unit *unit)
{
	Unit other;
	bool min = n->kind == N_MIN;
	g_autoptr(GArray) zero = constant(w, 0, 0), x = value(w, n->a, unit),
			  y = value(w, n->b ? n->b : n->a, &other);
	if (!unit_compatible(unit, &other) || unit->offset != other.offset)
		world_problem(w, "%s and %s", unit->symbol, other.symbol);
	double k = other.scale / unit->scale;
	g_autoptr(GArray) a = add(zero, x, min ? -1 : 1), b = add(zero, y, min || !n->b ? -k : k),
			  most = larger(a, b);
	return add(zero, most, min ? -1 : 1);
}

static GArray *value(World *w, const Node *n, Unit *unit)
{
	const Signal *s;
	*unit = unit_one;
	switch (n->kind) {
	case N_NUMBER:
		*unit = n->unit;
		return constant(w, n->number, n->number);
	case N_SIGNAL:
		s = recording_signal(w->rec, n->name);
		*unit = s ? s->info.unit : unit_second; /* NAME.age */
		return world_pieces(w, n->name);
	case N_PLUS:
	case N_MINUS:
		return sum(w, n->a, n->b, n->kind == N_PLUS ? 1 : -1, unit);
	case N_TIMES:
	case N_OVER:
		return scaled(w, n, unit);
	case N_MIN:
	case N_MAX:
	case N_ABS:
		return extreme(w, n, unit);
	case N_INITIAL: {
		g_autoptr(GArray) all = value(w, n->a, unit);
		for (guint i = 0; i < all->len; i++) {
			const Piece *p = &g_array_index(all, Piece, i);
			if (p->a <= w->in.a && p->b >= w->in.a)
				return constant(w, at(p, w->in.a, false), at(p, w->in.a, true));
		}
		return g_array_new(FALSE, FALSE, sizeof(Piece));
	}
	case N_LESS:
	case N_MORE:
	case N_TRUE:
	case N_NOT:
	case N_AND:
	case N_OR:
	case N_IMPLIES:
	case N_IFF:
	case N_ALWAYS:
	case N_ONCE_PAST:
	case N_UNTIL:
	case N_SINCE:
	case N_RISE:
	case N_DELAY:
	case N_OTHER:
		break;
	}
	world_problem(w, "a number was expected");
	return g_array_new(FALSE, FALSE, sizeof(Piece));
}

/* Where a straight line from va to vb is above the margin. */
static void above(Set *to, const Piece *p, double va, double vb, double margin, bool equal)
{
	bool a = equal ? va >= margin : va > margin, b = equal ? vb >= margin : vb > margin;
	double x = va != vb ? (margin - va) / (vb - va) * (double)(p->b - p->a) : 0;
	if (a || b)
		set_add(to, a ? p->a : p->a + (int64_t)ceil(x),
			b ? p->b : p->a + (int64_t)floor(x));
}

static Tri compare(World *w, const Node *n)
{
	Tri r = {set_new(), set_new(), false};
	Unit unit;
	bool less = n->kind == N_LESS;
	g_autoptr(GArray) d = sum(w, less ? n->b : n->a, less ? n->a : n->b, -1, &unit);
	double shift = 0;
	if (w->shift != 0 && unit_compatible(&unit, &w->shift_unit))
		shift = w->shift * w->shift_unit.scale / unit.scale;
	else if (w->shift != 0)
		world_problem(w, "margins of different units");
	for (guint i = 0; i < d->len; i++) {
		const Piece *p = &g_array_index(d, Piece, i);
		above(r.yes, p, p->lo_a, p->lo_b, shift, n->equal);
		above(r.no, p, -p->hi_a, -p->hi_b, shift, !n->equal);
	}
	set_tidy(r.yes);
	set_tidy(r.no);
	return r;
}

static Tri rise(World *w, const Tri *p)
{
	Tri r = {set_new(), NULL, false};
	g_autoptr(GArray) maybe = set_new(), edges = tri_edges(p, w->in);
	for (guint i = 0; i < edges->len; i++) {
		const Edge *e = &g_array_index(edges, Edge, i);
		set_add(maybe, e->from, e->to);
		if (e->certain && e->from == e->to)
			set_add(r.yes, e->from, e->to);
	}
	r.no = set_not(set_tidy(maybe), w->in);
	return r;
}

Tri negated(Tri *t)
{
	return (Tri){g_steal_pointer(&t->no), g_steal_pointer(&t->yes), false};
}

static Tri both(const Tri *a, const Tri *b)
{
	return (Tri){set_and(a->yes, b->yes), set_or(a->no, b->no), false};
}

static Tri either(const Tri *a, const Tri *b)
{
	return (Tri){set_or(a->yes, b->yes), set_and(a->no, b->no), false};
}

static Tri until(World *w, const Node *n, const Tri *p, const Tri *q)
{
	bool past = n->kind == N_SINCE;
	g_autoptr(GArray) maybe_p = set_not(p->no, w->in), maybe_q = set_not(q->no, w->in),
			  maybe = set_until(maybe_p, maybe_q, n->from, n->to, past, true, w->in);
	return (Tri){set_until(p->yes, q->yes, n->from, n->to, past, false, w->in),
		     set_not(maybe, w->in), false};
}

Tri eval(World *w, const Node *n)
{
	Tri a = {0}, b = {0}, c = {0}, d = {0}, r = {set_new(), set_new(), false};
	if (n->kind == N_LESS || n->kind == N_MORE || n->kind == N_SIGNAL) {
		tri_clear(&r);
		return n->kind == N_SIGNAL ? world_boolean(w, n->name) : compare(w, n);
	}
	if (n->kind == N_TRUE)
		set_add(r.yes, w->in.a, w->in.b);
	else if (!n->a || n->kind < N_LESS || n->kind == N_DELAY || n->kind == N_OTHER)
		world_problem(w, "a condition was expected");
	if (n->kind == N_TRUE || w->problem->len > 0)
		return r;
	tri_clear(&r);
	a = eval(w, n->a);
	if (n->b)
		b = eval(w, n->b);
	/* The past looks from -to to -from. */
	int64_t from = n->to == INT64_MAX ? INT64_MIN : -n->to;
	if (n->kind == N_NOT)
		r = negated(&a);
	else if (n->kind == N_AND)
		r = both(&a, &b);
	else if (n->kind == N_OR)
		r = either(&a, &b);
	else if (n->kind == N_RISE)
		r = rise(w, &a);
	else if (n->kind == N_UNTIL || n->kind == N_SINCE)
		r = until(w, n, &a, &b);
	else if (n->kind == N_ALWAYS)
		r = (Tri){set_all(a.yes, n->from, n->to, w->in),
			  set_some(a.no, n->from, n->to, w->in), false};
	else if (n->kind == N_ONCE_PAST)
		r = (Tri){set_some(a.yes, from, -n->from, w->in),
			  set_all(a.no, from, -n->from, w->in), false};
	else {
		bool iff = n->kind == N_IFF;
		c = iff ? both(&a, &b) : (Tri){set_new(), set_new(), false};
		d = negated(&a);
		r = iff ? negated(&b) : either(&d, &b);
		if (iff) { /* (a and b) or (not a and not b) */
			Tri e = both(&d, &r);
			tri_clear(&r);
			r = either(&c, &e);
			tri_clear(&e);
		}
	}
	tri_clear(&a);
	tri_clear(&b);
	tri_clear(&c);
	tri_clear(&d);
	return r;
}
