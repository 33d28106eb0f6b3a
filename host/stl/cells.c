#include "count.h"
#include "fold.h"
#include "mean.h"

#include <math.h>
#include <string.h>

void cells_ready(Cells *c)
{
	c->movers = g_new(Cell *, c->n + 1);
	for (size_t i = 0; i < c->n; i++) {
		const Cell *cell = &c->cells[i];
		if (cell->memory || cell->fold || cell->count || cell->mean)
			c->movers[c->n_movers++] = &c->cells[i];
		c->latest_valid_ns = MAX(c->latest_valid_ns, c->cells[i].valid_ns);
	}
	for (size_t i = 0; i < c->n_inputs; i++)
		c->gaps = c->gaps || c->inputs[i].gap_ns > 0;
}

void cells_clear(Cells *c)
{
	for (size_t i = 0; i < c->n; i++) {
		Memory *m = c->cells[i].memory;
		fold_free(c->cells[i].fold);
		count_free(c->cells[i].count);
		mean_free(c->cells[i].mean);
		if (!m)
			continue;
		for (int k = 0; k < SIDES; k++)
			g_free(m->peaks[k].ring);
		g_free(m->changes);
		g_free(m);
	}
	g_clear_pointer(&c->cells, g_free);
	g_clear_pointer(&c->inputs, g_free);
	g_clear_pointer(&c->movers, g_free);
	c->n = 0;
}

size_t cells_bytes(const Cells *c)
{
	size_t sum = c->n * (sizeof(Cell) + sizeof(Cell *));
	for (size_t i = 0; i < c->n; i++) {
		const Memory *m = c->cells[i].memory;
		if (m)
			sum += sizeof(*m) +
			       m->capacity * (m->changes ? sizeof(Change) : SIDES * sizeof(Peak));
		if (c->cells[i].fold)
			sum += fold_bytes(c->cells[i].fold);
		if (c->cells[i].count)
			sum += count_bytes(c->cells[i].count);
		if (c->cells[i].mean)
			sum += mean_bytes(c->cells[i].mean);
	}
	return sum;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------ */

static double or_(double x, double nan)
{
	return isnan(x) ? nan : x;
}

static Value number(double lo, double hi)
{
	return (Value){{key_of(or_(lo, -INF)), key_of(or_(hi, INF))}};
}

typedef struct Range {
	double lo, hi;
} Range;

static Range range_of(const Value *v)
{
	return (Range){key_double(v->x[LO]), key_double(v->x[HI])};
}

static Range magnitude(Range a)
{
	return (Range){MAX(0, MAX(a.lo, -a.hi)), MAX(a.hi, -a.lo)};
}

static Value product(Range a, Range b)
{
	double c[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi}, lo = INF, hi = -INF;
	for (int i = 0; i < 4; i++) {
		lo = MIN(lo, or_(c[i], 0)); /* none of an unknown number is 0 */
		hi = MAX(hi, or_(c[i], 0));
	}
	return number(lo, hi);
}

static Value quotient(Range a, Range b)
{
	if (b.lo <= 0 && b.hi >= 0)
		return value_unknown;
	return product(a, (Range){1 / b.hi, 1 / b.lo});
}

static Value norm(Range a, Range b)
{
	a = magnitude(a);
	b = magnitude(b);
	return number(sqrt(a.lo * a.lo + b.lo * b.lo), sqrt(a.hi * a.hi + b.hi * b.hi));
}

static bool holds(double x, bool strict)
{
	return x > 0 || (!strict && x == 0);
}

static Value comparison(const Cell *c, const Value *a, const Value *b)
{
	bool less = c->kind == N_LT || c->kind == N_LE;
	Range big = range_of(less ? b : a), small = range_of(less ? a : b);
	Range d = {or_(big.lo - small.hi, -INF), or_(big.hi - small.lo, INF)};
	if (c->kind == N_EQ || c->kind == N_NE)
		d = magnitude(d);
	if (c->kind == N_EQ)
		d = (Range){-d.hi, -d.lo};
	bool strict = c->kind == N_LT || c->kind == N_GT || c->kind == N_NE;
	return (Value){{key_margin(d.lo * c->factor, holds(d.lo, strict)),
			key_margin(d.hi * c->factor, holds(d.hi, strict))}};
}

/* ---- inputs ------------------------------------------------------------------------------------------------------------- */

static Value known(const Cell *c, bool have, double v)
{
	if (!have)
		return value_unknown;
	int64_t k = c->boolean ? key_truth(v > 0.5) : key_of(v);
	return (Value){{k, k}};
}

static void look_at_input(const Cells *all, Cell *c, int64_t now)
{
	const Input *in = &all->inputs[c->signal];
	if (c->kind == N_INITIAL) {
		c->at = c->after = known(c, in->have_initial, in->initial);
		c->level = true;
		return;
	}
	int64_t age = now - in->t_ns;
	c->at = known(c, in->have && !(in->gap_ns > 0 && age > in->gap_ns), in->v);
	c->level = in->gap_ns <= 0 || age != in->gap_ns;
	c->after = c->level ? c->at
			    : known(c, in->have && !(in->gap_ns > 0 && age >= in->gap_ns), in->v);
}

static Value atom(const Cell *c, bool known, double v)
{
	int64_t k = cell_atom(c, v);
	return known ? (Value){{k, k}} : value_unknown;
}

static void look_at_atom(const Cells *all, Cell *c, int64_t now)
{
	const Input *in = &all->inputs[c->signal];
	int64_t age = now - in->t_ns;
	bool fresh = in->gap_ns <= 0 || age < in->gap_ns, there = fresh || age == in->gap_ns;
	c->at = atom(c, in->have && there, in->v);
	c->after = atom(c, in->have && fresh, in->v);
	c->level = fresh == there;
}

/* ---- edges -------------------------------------------------------------------------------------------------------------- */

static Value edge_value(bool sure, bool maybe)
{
	return (Value){{key_truth(sure), key_truth(maybe)}};
}

/* p rises where it is false just before and true now, or false now and true just after. After a stretch of which nothing is
 * known it has surely risen when it was false before that and is true now. */
static void look_at_edge(Cell *c, const Cell *child, const Value *child_before, bool first,
			 bool last)
{
	Value before = *child_before, at = child->at, after = child->after;
	if (c->kind == N_FALL) {
		before = value_negated(before);
		at = value_negated(at);
		after = value_negated(after);
	}
	bool sure = !last && at.x[HI] < 0 && after.x[LO] >= 0,
	     maybe = !last && at.x[LO] < 0 && after.x[HI] >= 0;
	if (!first) {
		sure = sure || (before.x[HI] < 0 && at.x[LO] >= 0) ||
		       (c->was == STL_FALSE && at.x[LO] >= 0);
		maybe = maybe || (before.x[LO] < 0 && at.x[HI] >= 0);
	}
	c->at = edge_value(sure, maybe);
	c->after = edge_value(false, after.x[LO] < 0 && after.x[HI] >= 0);
	StlTruth known_last =
		value_truth(&after) != STL_UNKNOWN ? value_truth(&after) : value_truth(&at);
	if (known_last != STL_UNKNOWN)
		c->was = known_last;
}

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

/* From here on the upper side is kept apart. */
static void part_sides(Memory *m)
{
	if (!m->exact)
		return;
	m->exact = false;
	Peaks *p = &m->peaks[HI];
	const Peaks *q = &m->peaks[LO];
	p->head = q->head;
	p->tail = q->tail;
	for (unsigned i = q->head; i != q->tail; i++)
		*peak_at(m, p, i) = *peak_at(m, q, i);
}

/* The oldest peak stays until the second would leave (upper side), or goes early (lower side): wider, never wrong. */
static void make_room(Memory *m, Peaks *p, bool upper)
{
	if (upper)
		peak_at(m, p, p->head + 1)->v = peak_at(m, p, p->head)->v;
	p->head++;
}

static void add_peak(Memory *m, int side, int64_t v, int64_t leave)
{
	Peaks *p = &m->peaks[side];
	while (p->tail != p->head && peak_at(m, p, p->tail - 1)->v <= v)
		p->tail--;
	if (m->width_ns == CLOCK_NEVER && p->tail != p->head)
		return; /* it never leaves: smaller ones never count */
	if (p->tail - p->head == m->capacity) {
		part_sides(m);
		m->full = true;
		make_room(m, p, side == HI);
	}
	*peak_at(m, p, p->tail++) = (Peak){v, leave};
}

static void add_peaks(Memory *m, const Value *v, int64_t leave)
{
	if (!value_exact(v)) {
		part_sides(m);
		m->inexact_leave = MAX(m->inexact_leave, leave);
	}
	bool exact = m->exact;
	add_peak(m, LO, v->x[LO], leave);
	if (exact && m->exact)
		return;
	add_peak(m, HI, v->x[HI],
		 leave); /* what part_sides() has just copied is added once more: no change */
}

static int64_t top_peak(Memory *m, int side, int64_t key)
{
	Peaks *p = &m->peaks[side];
	while (p->tail != p->head && peak_at(m, p, p->head)->leave <= key)
		p->head++;
	return p->tail != p->head ? peak_at(m, p, p->head)->v : KEY_LEAST;
}

/* The stretch that lasted until now has an end. */
static void close_stretch(Memory *m, int64_t now)
{
	if (m->width_ns == CLOCK_NEVER)
		return;
	int64_t leave = 2 * (now + m->width_ns);
	for (int side = 0; side < SIDES; side++) {
		Peaks *p = &m->peaks[side];
		if (p->tail != p->head)
			peak_at(m, p, p->tail - 1)->leave = leave;
	}
	if (!value_exact(&m->last))
		m->inexact_leave = leave;
}

static Value peaks(Memory *m, int64_t key)
{
	Value out;
	out.x[LO] = top_peak(m, LO, key);
	out.x[HI] = m->exact ? out.x[LO] : top_peak(m, HI, key);
	return out;
}

static void look_at_window(Cell *c, const Cell *child, int64_t now)
{
	Memory *m = c->memory;
	Value at = c->lowest ? value_negated(child->at) : child->at,
	      after = c->lowest ? value_negated(child->after) : child->after;
	bool bounded = m->width_ns != CLOCK_NEVER, first = !m->begun;
	if (first && c->before && bounded) /* before the start: not seen */
		add_peaks(m, &value_unknown, 2 * (now + m->width_ns));
	bool changed = first || !value_same(&m->last, &at) || !child->level;
	if (changed && !first)
		close_stretch(m, now);
	int64_t leave = bounded ? 2 * (now + m->width_ns) + !c->oldest_open : CLOCK_NEVER;
	if (c->newest_open) /* of a window without bound nothing lies after the start yet */
		c->at = first && !bounded ? value_unknown : peaks(m, 2 * now);
	if (changed && !child->level)
		add_peaks(m, &at, leave);
	else if (changed)
		add_peaks(m, &after, CLOCK_NEVER);
	if (!c->newest_open)
		c->at = peaks(m, 2 * now);
	if (changed && !child->level)
		add_peaks(m, &after, CLOCK_NEVER);
	c->after = peaks(m, 2 * now + 1);
	if (c->lowest) {
		c->at = value_negated(c->at);
		c->after = value_negated(c->after);
	}
	m->last = after;
	m->begun = true;
	m->exact = m->exact || (!m->full && value_exact(&after) && m->inexact_leave <= 2 * now);
}

static void look_at_fold(Cell *c, const Cell *f, const Cell *g, int64_t now)
{
	const Value fs[2] = {f->at, f->after}, gs[2] = {g->at, g->after};
	Value out[2];
	fold_look(c->fold, now, fs, gs, out);
	c->at = out[0];
	c->after = out[1];
}

static void look_at_mean(Cell *c, const Cell *x, int64_t now)
{
	const Value xs[2] = {x->at, x->after};
	Value out[2];
	mean_look(c->mean, now, xs, out);
	c->at = out[0];
	c->after = out[1];
}

static void look_at_count(const Cells *all, Cell *c, const Cell *p, int64_t now)
{
	const Value ps[2] = {p->at, p->after};
	int64_t end = all->end_ns == CLOCK_NEVER ? CLOCK_NEVER : all->end_ns + p->ahead_ns;
	Value out[2];
	count_look(c->count, now, ps,
		   now < end    ? COUNT_GOES_ON
		   : now == end ? COUNT_LAST
				: COUNT_BEYOND,
		   out);
	c->at = out[0];
	c->after = out[1];
}

static Value hull(Value a, Value b)
{
	return (Value){{key_least(a.x[LO], b.x[LO]), key_most(a.x[HI], b.x[HI])}};
}

static void remember(Memory *m, const Value *at, const Value *after, int64_t now)
{
	if (m->tail - m->head == m->capacity) { /* the last two become one, and say less */
		Change *last = change_at(m, m->tail - 1);
		last->after = hull(hull(last->after, *at), *after);
		return;
	}
	*change_at(m, m->tail++) = (Change){now, *at, *after};
}

static void look_at_delay(Cell *c, const Cell *child, int64_t now, bool valid)
{
	Memory *m = c->memory;
	if (!m->begun)
		c->after = value_unknown;
	if (valid && (!m->begun || !value_same(&m->last, &child->at) || !child->level)) {
		remember(m, &child->at, &child->after, now);
		if (!child->level || !value_exact(&child->at))
			m->inexact_leave = 2 * (now + m->width_ns);
		m->last = child->after;
		m->begun = true;
	}
	c->at = c->after;
	c->level = true;
	while (m->head != m->tail) {
		const Change *x = change_at(m, m->head);
		if (x->t + m->width_ns > now)
			break;
		c->at = x->t + m->width_ns == now ? x->at : x->after;
		c->after = x->after;
		c->level = false;
		m->head++;
	}
	c->level = c->level || value_same(&c->at, &c->after);
}

/* ---- one look ----------------------------------------------------------------------------------------------------------- */

static Value exclusive(Value a, Value b)
{
	return value_most(value_least(a, value_negated(b)), value_least(value_negated(a), b));
}

static Value operate(const Cell *c, const Value *a, const Value *b)
{
	const Range none = {0, 0}, x = a ? range_of(a) : none, y = b ? range_of(b) : none;
	Range m;
	switch ((int)c->kind) {
	case N_NUMBER:
	case N_PARAMETER:
		return number(c->value, c->value);
	case N_NEGATE:
		return number(-x.hi, -x.lo);
	case N_ABS:
		m = magnitude(x);
		return number(m.lo, m.hi);
	case N_ADD:
		return number(x.lo + y.lo, x.hi + y.hi);
	case N_SUB:
		return number(x.lo - y.hi, x.hi - y.lo);
	case N_NORM:
		return norm(x, y);
	case N_MUL:
		return product(x, y);
	case N_DIV:
		return quotient(x, y);
	case N_TRUE:
	case N_FALSE:
		return edge_value(c->kind == N_TRUE, c->kind == N_TRUE);
	case N_NOT:
		return value_negated(*a);
	case N_MIN:
	case N_AND:
		return value_least(*a, *b);
	case N_MAX:
	case N_OR:
		return value_most(*a, *b);
	case N_IMPLIES:
		return value_most(value_negated(*a), *b);
	case N_XOR:
		return exclusive(*a, *b);
	case N_IFF:
		return value_negated(exclusive(*a, *b));
	}
	return comparison(c, a, b);
}

static void look_at_node(Cell *c, const Cell *a, const Cell *b)
{
	c->at = operate(c, a ? &a->at : NULL, b ? &b->at : NULL);
	c->level = (!a || a->level) && (!b || b->level);
	c->after = c->level ? c->at : operate(c, a ? &a->after : NULL, b ? &b->after : NULL);
}

static void look_at(Cells *all, size_t i, int64_t now)
{
	Cell *c = &all->cells[i];
	const Cell *a = c->a >= 0 ? &all->cells[c->a] : NULL,
		   *b = c->b >= 0 ? &all->cells[c->b] : NULL;
	bool ended = all->end_ns != CLOCK_NEVER;
	bool ready = !a || now >= all->start_ns + a->valid_ns;
	if (c->constant)
		return; /* what is made of it knows where time ends */
	if (c->cell == CELL_DELAY) {
		look_at_delay(c, a, now, ready);
	} else if (c->cell == CELL_WINDOW) {
		if (ready)
			look_at_window(c, a, now);
		c->level = value_same(&c->at, &c->after);
	} else if (c->cell == CELL_FOLD) {
		if (ready)
			look_at_fold(c, a, b, now);
		c->level = value_same(&c->at, &c->after);
	} else if (c->cell == CELL_COUNT) {
		if (ready)
			look_at_count(all, c, a, now);
		c->level = value_same(&c->at, &c->after);
	} else if (c->cell == CELL_MEAN) {
		if (ready)
			look_at_mean(c, a, now);
		c->level = value_same(&c->at, &c->after);
	} else if (c->cell == CELL_ATOM) {
		look_at_atom(all, c, now);
	} else if (c->signal >= 0) {
		look_at_input(all, c, now);
	} else if (c->kind == N_RISE || c->kind == N_FALL) {
		if (ready) {
			look_at_edge(c, a, &c->memory->last, !c->memory->begun,
				     ended && now >= all->end_ns + a->ahead_ns);
			c->memory->last = a->after;
			c->memory->begun = true;
		}
		c->level = false;
	} else {
		look_at_node(c, a, b);
	}
	bool valid = now >= all->start_ns + c->valid_ns;
	if (valid && !ended)
		return;
	if (!valid || now > all->end_ns + c->ahead_ns) {
		c->at = c->after = value_unknown;
		c->level = true;
	} else if (now == all->end_ns + c->ahead_ns) {
		c->after = value_unknown;
		c->level = false;
	}
}

void cells_look(Cells *all, int64_t now_ns)
{
	for (size_t i = 0; i < all->n; i++)
		look_at(all, i, now_ns);
}

/* All that moves, up to cell n. */
static void move(Cells *all, int n, int64_t last_ns, int64_t now_ns, MeanWhen when)
{
	for (int i = 0; i <= n; i++) {
		Cell *c = &all->cells[i];
		const Cell *a = c->a >= 0 ? &all->cells[c->a] : NULL,
			   *b = c->b >= 0 ? &all->cells[c->b] : NULL;
		bool known = last_ns >= all->start_ns + c->valid_ns &&
			     (all->end_ns == CLOCK_NEVER || last_ns < all->end_ns + c->ahead_ns);
		if (!c->moves || !known)
			continue;
		c->after = c->mean ? mean_between(c->mean, now_ns, when)
				   : operate(c, a ? &a->after : NULL, b ? &b->after : NULL);
	}
}

Value cells_between(Cells *all, int i, int64_t last_ns, int64_t now_ns, Value *ret_first,
		    Value *ret_last)
{
	const Value *v = &all->cells[i].after;
	if (all->cells[i].moves)
		move(all, i, last_ns, now_ns, MEAN_FIRST);
	*ret_first = *v;
	if (all->cells[i].moves)
		move(all, i, last_ns, now_ns, MEAN_LAST);
	*ret_last = *v;
	if (all->cells[i].moves)
		move(all, i, last_ns, now_ns, MEAN_ALL);
	return *v;
}

static int64_t later(int64_t best, int64_t t, int64_t now)
{
	return t > now && t < best ? t : best;
}

static int64_t memory_next(const Memory *m, int64_t best, int64_t now)
{
	if (m->changes && m->head != m->tail)
		best = later(best, change_at(m, m->head)->t + m->width_ns, now);
	for (int side = 0; side < SIDES; side++) {
		const Peaks *p = &m->peaks[side];
		if (p->tail == p->head || (m->exact && side == HI) ||
		    peak_at(m, p, p->head)->leave == CLOCK_NEVER)
			continue;
		best = later(best, peak_at(m, p, p->head)->leave / 2, now);
	}
	return best;
}

int64_t cells_next(const Cells *all, int64_t now)
{
	int64_t best = CLOCK_NEVER;
	bool ended = all->end_ns != CLOCK_NEVER;
	for (size_t i = 0; i < all->n_inputs && all->gaps; i++)
		if (all->inputs[i].have && all->inputs[i].gap_ns > 0)
			best = later(best, all->inputs[i].t_ns + all->inputs[i].gap_ns, now);
	for (size_t i = 0; i < all->n_movers; i++) {
		const Cell *c = all->movers[i];
		if (c->memory)
			best = memory_next(c->memory, best, now);
		if (c->fold)
			best = fold_next(c->fold, best, now);
		if (c->count)
			best = count_next(c->count, best, now);
		if (c->mean)
			best = mean_next(c->mean, best, now);
	}
	if (!ended && now >= all->start_ns + all->latest_valid_ns)
		return best;
	for (size_t i = 0; i < all->n; i++) {
		const Cell *c = &all->cells[i];
		if (c->valid_ns > 0)
			best = later(best, all->start_ns + c->valid_ns, now);
		if (ended)
			best = later(best, all->end_ns + c->ahead_ns, now);
	}
	return best;
}

void cells_start(Cells *all, int64_t start_ns)
{
	all->start_ns = start_ns;
	all->end_ns = CLOCK_NEVER;
	for (size_t i = 0; i < all->n; i++) {
		Cell *c = &all->cells[i];
		c->constant = cell_is_constant(c);
		c->at = c->after = c->constant ? number(c->value, c->value) : value_unknown;
		c->level = true;
		c->was = STL_UNKNOWN;
		if (c->fold)
			fold_start(c->fold);
		if (c->count)
			count_start(c->count);
		if (c->mean)
			mean_start(c->mean);
		if (!c->memory)
			continue;
		c->memory->begun = c->memory->full = false;
		c->memory->exact = true;
		c->memory->inexact_leave = 0;
		c->memory->head = c->memory->tail = 0;
		for (int side = 0; side < SIDES; side++)
			c->memory->peaks[side].head = c->memory->peaks[side].tail = 0;
	}
}
