#include "fold.h"

#include <math.h>
#include <string.h>

/* At most this many changes are remembered by one window or delay: 32 s at 1 kHz. */
#define MOST_CHANGES 65536
#define USUAL_RATE 1000 /* changes a second to make room for */

static const Value unknown = {{-INF, INF, -INF, INF}};

/* ---- compiling ---------------------------------------------------------------------------------------------------------- */

typedef struct Compiler {
	GArray *cells;
	const StlFormula *f;
	const Node **ret_bad;
	const char **ret_why;
} Compiler;

static int64_t to_ns(double s)
{
	return isinf(s) ? CLOCK_NEVER : (int64_t)llround(s * 1e9);
}

static int refuse(const Compiler *c, const Node *n, const char *why)
{
	if (!*c->ret_bad) {
		*c->ret_bad = n;
		*c->ret_why = why;
	}
	return -1;
}

unsigned cells_room(int64_t width_ns)
{
	double wanted =
		width_ns == CLOCK_NEVER ? 2 : 2 * USUAL_RATE * ((double)width_ns * 1e-9) + 16;
	unsigned room = 2;
	while (room < wanted && room < MOST_CHANGES)
		room *= 2;
	return room;
}

static Memory *memory_new(int64_t width_ns, bool delay)
{
	Memory *m = g_new0(Memory, 1);
	m->width_ns = width_ns;
	m->capacity = cells_room(width_ns);
	if (delay)
		m->changes = g_new0(Change, m->capacity);
	for (int i = 0; i < SIDES && !delay; i++)
		m->peaks[i].ring = g_new0(Peak, m->capacity);
	return m;
}

static int append(Compiler *c, Cell cell)
{
	g_array_append_val(c->cells, cell);
	return (int)c->cells->len - 1;
}

static Cell *cell_of(const Compiler *c, int i)
{
	return &g_array_index(c->cells, Cell, i);
}

static bool is_constant(const Cell *c)
{
	return c->cell == CELL_NODE && (c->kind == N_NUMBER || c->kind == N_PARAMETER);
}

static int delayed(Compiler *c, int child, int64_t by_ns, bool later)
{
	if (child < 0 || by_ns == 0)
		return child;
	const Cell *a = cell_of(c, child);
	if (later && is_constant(a))
		return child; /* the same at any time */
	return append(c, (Cell){.cell = CELL_DELAY,
				.kind = a->kind,
				.a = child,
				.b = -1,
				.signal = -1,
				.ahead_ns = a->ahead_ns + (later ? by_ns : 0),
				.valid_ns = a->ahead_ns + by_ns,
				.memory = memory_new(by_ns, true)});
}

static int compile(Compiler *c, const Node *n);

/* What a window looks at, seconds after the instant; open bounds. */
typedef struct Look {
	double from, to;
	bool from_open, to_open, lowest;
} Look;

/* Largest or smallest of a in the window. A window ahead is one that looks back and stands for an earlier time. */
static int window_over(Compiler *c, const Node *n, int a, Look look)
{
	if (a < 0)
		return -1;
	if (isinf(look.to))
		return refuse(c, n, "it looks into the future without a bound");
	int64_t to = to_ns(look.to), from = isinf(look.from) ? 0 : to_ns(look.from);
	if (to < 0)
		a = delayed(c, a, -to, false);
	int64_t width = isinf(look.from) ? CLOCK_NEVER : to - from,
		ahead = cell_of(c, a)->ahead_ns + MAX(to, 0);
	return append(c, (Cell){.cell = CELL_WINDOW,
				.kind = n->kind,
				.a = a,
				.b = -1,
				.signal = -1,
				.lowest = look.lowest,
				.before = look.from < 0,
				.oldest_open = look.from_open,
				.newest_open = look.to_open,
				.ahead_ns = ahead,
				.valid_ns = ahead,
				.memory = memory_new(width, false)});
}

static int compile_window(Compiler *c, const Node *n)
{
	bool lowest = n->kind == N_ALWAYS || n->kind == N_HISTORICALLY || n->kind == N_MIN_OVER;
	Look look = {n->lo_s, n->hi_s, n->lo_open, n->hi_open, lowest};
	if (operators[n->kind].time == OP_PAST)
		look = (Look){-n->hi_s, -n->lo_s, n->hi_open, n->lo_open, lowest};
	if (isinf(look.to))
		return refuse(c, n, "it looks into the future without a bound");
	return window_over(c, n, compile(c, n->a), look);
}

static int both(Compiler *c, NodeKind kind, int a, int b)
{
	if (a < 0 || b < 0)
		return -1;
	cells_align(c->cells, &a, &b);
	int64_t ahead = cell_of(c, a)->ahead_ns;
	return append(c, (Cell){.kind = kind,
				.a = a,
				.b = b,
				.signal = -1,
				.ahead_ns = ahead,
				.valid_ns = ahead});
}

/* f until[a, b] g: f all of [0, a], and from there f until g within b - a; since is its mirror image. */
static int compile_fold(Compiler *c, const Node *n)
{
	bool past = operators[n->kind].time == OP_PAST, weak = n->kind == N_WEAK_UNTIL;
	if (!past && isinf(n->hi_s))
		return refuse(c, n, "it looks into the future without a bound");
	int f = compile(c, n->a), g = f < 0 ? -1 : compile(c, n->b);
	if (g < 0)
		return -1;
	cells_align(c->cells, &f, &g);
	int64_t lo = to_ns(n->lo_s), hi = to_ns(n->hi_s), ahead = cell_of(c, f)->ahead_ns;
	const FoldShape shape = {.width_ns = isinf(n->hi_s) ? CLOCK_NEVER : hi - lo,
				 .past = past,
				 .oldest_open = past ? n->hi_open : n->lo_open,
				 .newest_open = past ? n->lo_open : n->hi_open};
	int then_f = past ? delayed(c, f, lo, false) : f,
	    then_g = past ? delayed(c, g, lo, false) : g;
	int out = append(c, (Cell){.cell = CELL_FOLD,
				   .kind = n->kind,
				   .a = then_f,
				   .b = then_g,
				   .signal = -1,
				   .ahead_ns = ahead + (past ? 0 : hi),
				   .valid_ns = ahead + (past ? 0 : hi),
				   .fold = fold_new(&shape)});
	double first = past ? -n->lo_s : 0, last = past ? 0 : n->lo_s;
	if (lo > 0)
		out = both(c, N_AND, out,
			   window_over(c, n, f, (Look){first, last, false, false, true}));
	if (weak)
		out = both(c, N_OR, out,
			   window_over(c, n, f, (Look){0, n->hi_s, false, n->hi_open, true}));
	return out;
}

/* Atoms of one formula have one unit; of several there is no margin here, nor inside an edge. */
static double margin_factor(const StlFormula *f, const Node *n)
{
	Unit to = stl_formula_unit(f, NULL);
	return f->mixed || !unit_compatible(&n->unit, &to)
		       ? (double)NAN
		       : unit_convert_difference(1, &n->unit, &to);
}

/* Why it cannot be watched; NULL: it can. */
static const char *unsupported(const Node *n)
{
	if (n->kind == N_SQRT || n->kind == N_EXP || n->kind == N_POW)
		return "it is for the calculator only";
	if (n->kind == N_MEAN_OVER || n->kind == N_COUNT)
		return "means and counts are not supported here";
	if (n->kind == N_NEXT || n->kind == N_STRONG_NEXT || n->kind == N_PREVIOUS ||
	    n->kind == N_STRONG_PREVIOUS || operators[n->kind].class == OP_MEASURE)
		return "it is not supported here";
	return NULL;
}

void cells_align(GArray *cells, int *a, int *b)
{
	Compiler c = {.cells = cells};
	int64_t ahead_a = cell_of(&c, *a)->ahead_ns, ahead_b = cell_of(&c, *b)->ahead_ns;
	if (ahead_a < ahead_b)
		*a = delayed(&c, *a, ahead_b - ahead_a, true);
	else
		*b = delayed(&c, *b, ahead_a - ahead_b, true);
}

static void add_children(Compiler *c, const Node *n, Cell *cell)
{
	cell->a = n->a ? compile(c, n->a) : -1;
	cell->b = n->b && !*c->ret_bad ? compile(c, n->b) : -1;
	if (*c->ret_bad)
		return;
	if (cell->b >= 0)
		cells_align(c->cells, &cell->a, &cell->b);
	if (cell->a >= 0)
		cell->ahead_ns = cell->valid_ns = cell_of(c, cell->a)->ahead_ns;
	if (cell->b >= 0)
		cell->ahead_ns = cell->valid_ns =
			MAX(cell->ahead_ns, cell_of(c, cell->b)->ahead_ns);
}

static bool is_limit(const Node *n)
{
	return n->kind == N_NUMBER || n->kind == N_PARAMETER;
}

static bool is_atom(const Node *n)
{
	if (n->kind != N_LT && n->kind != N_LE && n->kind != N_GT && n->kind != N_GE)
		return false;
	return (n->a->kind == N_SIGNAL && is_limit(n->b)) ||
	       (n->b->kind == N_SIGNAL && is_limit(n->a));
}

static int compile(Compiler *c, const Node *n)
{
	if (n->kind == N_EVERY || n->kind == N_SOME)
		return compile(c, n->a);
	const char *why = unsupported(n);
	if (why)
		return refuse(c, n, why);
	if (n->kind == N_UNTIL || n->kind == N_WEAK_UNTIL || n->kind == N_SINCE)
		return compile_fold(c, n);
	if (node_is_temporal(n->kind))
		return compile_window(c, n);
	Cell cell = {.kind = n->kind, .a = -1, .b = -1, .signal = -1, .value = n->value};
	cell.boolean = n->boolean;
	if (node_is_comparison(n->kind))
		cell.factor = margin_factor(c->f, n);
	if (is_atom(n)) {
		bool less = n->kind == N_LT || n->kind == N_LE;
		const Node *signal = n->a->kind == N_SIGNAL ? n->a : n->b;
		cell.cell = CELL_ATOM;
		cell.signal = signal->name;
		cell.value = (signal == n->a ? n->b : n->a)->value;
		cell.below = less == (signal == n->a);
		cell.strict = n->kind == N_LT || n->kind == N_GT;
		return append(c, cell);
	}
	if (n->kind == N_SIGNAL || n->kind == N_INITIAL) {
		cell.signal = n->kind == N_SIGNAL ? n->name : n->a->name;
		return append(c, cell);
	}
	add_children(c, n, &cell);
	if (*c->ret_bad)
		return -1;
	if (n->kind == N_RISE || n->kind == N_FALL)
		cell.memory = memory_new(0, false);
	return append(c, cell);
}

int cells_compile(GArray *cells, const StlFormula *f, const Node *n, const Node **ret_bad,
		  const char **ret_why)
{
	Compiler c = {cells, f, ret_bad, ret_why};
	return compile(&c, n);
}

void cells_ready(Cells *c)
{
	c->movers = g_new(Cell *, c->n + 1);
	for (size_t i = 0; i < c->n; i++) {
		if (c->cells[i].memory || c->cells[i].fold)
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
	return (Value){{or_(lo, -INF), or_(hi, INF), -INF, INF}};
}

static Value negated(Value a)
{
	return (Value){{-a.x[HI], -a.x[LO], -a.x[MAYBE], -a.x[SURE]}};
}

static Value least(Value a, Value b)
{
	for (int i = 0; i < SIDES; i++)
		a.x[i] = MIN(a.x[i], b.x[i]);
	return a;
}

static Value most(Value a, Value b)
{
	for (int i = 0; i < SIDES; i++)
		a.x[i] = MAX(a.x[i], b.x[i]);
	return a;
}

static bool same(const Value *a, const Value *b)
{
	return a->x[LO] == b->x[LO] && a->x[HI] == b->x[HI] && a->x[SURE] == b->x[SURE] &&
	       a->x[MAYBE] == b->x[MAYBE];
}

static Value magnitude(Value a)
{
	return number(MAX(0, MAX(a.x[LO], -a.x[HI])), MAX(a.x[HI], -a.x[LO]));
}

static Value product(double a0, double a1, double b0, double b1)
{
	double c[4] = {a0 * b0, a0 * b1, a1 * b0, a1 * b1}, lo = INF, hi = -INF;
	for (int i = 0; i < 4; i++) {
		lo = MIN(lo, or_(c[i], 0)); /* none of an unknown number is 0 */
		hi = MAX(hi, or_(c[i], 0));
	}
	return number(lo, hi);
}

static Value quotient(const Value *a, const Value *b)
{
	if (b->x[LO] <= 0 && b->x[HI] >= 0)
		return unknown;
	return product(a->x[LO], a->x[HI], 1 / b->x[HI], 1 / b->x[LO]);
}

static Value norm(Value a, Value b)
{
	a = magnitude(a);
	b = magnitude(b);
	return number(sqrt(a.x[LO] * a.x[LO] + b.x[LO] * b.x[LO]),
		      sqrt(a.x[HI] * a.x[HI] + b.x[HI] * b.x[HI]));
}

static double truth(double x, bool strict)
{
	return x > 0 || (!strict && x == 0) ? INF : -INF;
}

static Value comparison(const Cell *c, const Value *a, const Value *b)
{
	bool less = c->kind == N_LT || c->kind == N_LE;
	const Value *big = less ? b : a, *small = less ? a : b;
	Value d = number(big->x[LO] - small->x[HI], big->x[HI] - small->x[LO]);
	if (c->kind == N_EQ || c->kind == N_NE)
		d = magnitude(d);
	if (c->kind == N_EQ)
		d = number(-d.x[HI], -d.x[LO]);
	bool strict = c->kind == N_LT || c->kind == N_GT || c->kind == N_NE;
	d.x[SURE] = truth(d.x[LO], strict);
	d.x[MAYBE] = truth(d.x[HI], strict);
	d.x[LO] = or_(d.x[LO] * c->factor, -INF);
	d.x[HI] = or_(d.x[HI] * c->factor, INF);
	return d;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------------- */

static Value known(const Cell *c, bool have, double v)
{
	if (!have)
		return unknown;
	if (!c->boolean)
		return number(v, v);
	double t = v > 0.5 ? INF : -INF;
	return (Value){{t, t, t, t}};
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

static void put_atom(const Cell *c, bool known, double v, Value *ret)
{
	double d = c->below ? c->value - v : v - c->value, m = d * c->factor,
	       t = truth(d, c->strict);
	double lo = known && !isnan(m) ? m : -INF, hi = known && !isnan(m) ? m : INF;
	*ret = (Value){{lo, hi, known ? t : -INF, known ? t : INF}};
}

static void look_at_atom(const Cells *all, Cell *c, int64_t now)
{
	const Input *in = &all->inputs[c->signal];
	int64_t age = now - in->t_ns;
	bool fresh = in->gap_ns <= 0 || age < in->gap_ns, there = fresh || age == in->gap_ns;
	put_atom(c, in->have && there, in->v, &c->at);
	put_atom(c, in->have && fresh, in->v, &c->after);
	c->level = fresh == there;
}

/* ---- edges -------------------------------------------------------------------------------------------------------------- */

static StlTruth truth_of(const Value *v)
{
	return v->x[SURE] > 0 ? STL_TRUE : v->x[MAYBE] < 0 ? STL_FALSE : STL_UNKNOWN;
}

static Value edge_value(bool sure, bool maybe)
{
	double lo = sure ? INF : -INF, hi = maybe ? INF : -INF;
	return (Value){{lo, hi, lo, hi}};
}

/* p rises where it is false just before and true now, or false now and true just after. After a stretch of which nothing is
 * known it has surely risen when it was false before that and is true now. */
static void look_at_edge(Cell *c, const Cell *child, const Value *child_before, bool first,
			 bool last)
{
	Value before = *child_before, at = child->at, after = child->after;
	if (c->kind == N_FALL) {
		before = negated(before);
		at = negated(at);
		after = negated(after);
	}
	bool sure = !last && at.x[MAYBE] < 0 && after.x[SURE] > 0,
	     maybe = !last && at.x[SURE] < 0 && after.x[MAYBE] > 0;
	if (!first) {
		sure = sure || (before.x[MAYBE] < 0 && at.x[SURE] > 0) ||
		       (c->was == STL_FALSE && at.x[SURE] > 0);
		maybe = maybe || (before.x[SURE] < 0 && at.x[MAYBE] > 0);
	}
	c->at = edge_value(sure, maybe);
	c->after = edge_value(false, after.x[SURE] < 0 && after.x[MAYBE] > 0);
	StlTruth known_last = truth_of(&after) != STL_UNKNOWN ? truth_of(&after) : truth_of(&at);
	if (known_last != STL_UNKNOWN)
		c->was = known_last;
}

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

static inline Peak *peak_at(const Memory *m, const Peaks *p, unsigned i)
{
	return &p->ring[i & (m->capacity - 1)];
}

static bool is_exact(const Value *v)
{
	return v->x[LO] == v->x[HI] && v->x[SURE] == v->x[MAYBE];
}

/* From here on the upper sides are kept apart. */
static void part_sides(Memory *m)
{
	static const int from[] = {[HI] = LO, [MAYBE] = SURE};
	if (!m->exact)
		return;
	m->exact = false;
	for (int side = HI; side <= MAYBE; side += MAYBE - HI) {
		Peaks *p = &m->peaks[side];
		const Peaks *q = &m->peaks[from[side]];
		p->head = q->head;
		p->tail = q->tail;
		for (unsigned i = q->head; i != q->tail; i++)
			*peak_at(m, p, i) = *peak_at(m, q, i);
	}
}

/* The oldest peak stays until the second would leave (upper sides), or goes early (lower sides): wider, never wrong. */
static void make_room(Memory *m, Peaks *p, bool upper)
{
	if (upper)
		peak_at(m, p, p->head + 1)->v = peak_at(m, p, p->head)->v;
	p->head++;
}

static void add_peak(Memory *m, int side, double v, int64_t leave)
{
	Peaks *p = &m->peaks[side];
	while (p->tail != p->head && peak_at(m, p, p->tail - 1)->v <= v)
		p->tail--;
	if (m->width_ns == CLOCK_NEVER && p->tail != p->head)
		return; /* it never leaves: smaller ones never count */
	if (p->tail - p->head == m->capacity) {
		part_sides(m);
		m->full = true;
		make_room(m, p, side == HI || side == MAYBE);
	}
	*peak_at(m, p, p->tail++) = (Peak){v, leave};
}

static void add_peaks(Memory *m, const Value *v, int64_t leave)
{
	if (!is_exact(v)) {
		part_sides(m);
		m->inexact_leave = MAX(m->inexact_leave, leave);
	}
	bool exact = m->exact;
	add_peak(m, LO, v->x[LO], leave);
	add_peak(m, SURE, v->x[SURE], leave);
	if (exact && m->exact)
		return;
	add_peak(m, HI, v->x[HI],
		 leave); /* what part_sides() has just copied is added once more: no change */
	add_peak(m, MAYBE, v->x[MAYBE], leave);
}

static double top_peak(Memory *m, int side, int64_t key)
{
	Peaks *p = &m->peaks[side];
	while (p->tail != p->head && peak_at(m, p, p->head)->leave <= key)
		p->head++;
	return p->tail != p->head ? peak_at(m, p, p->head)->v : -INF;
}

/* The stretch that lasted until now has an end. */
static void close_stretch(Memory *m, int64_t now)
{
	int64_t leave = 2 * (now + m->width_ns);
	for (int side = 0; side < SIDES && m->width_ns != CLOCK_NEVER; side++) {
		Peaks *p = &m->peaks[side];
		if (p->tail != p->head)
			peak_at(m, p, p->tail - 1)->leave = leave;
	}
	if (!is_exact(&m->last) && m->width_ns != CLOCK_NEVER)
		m->inexact_leave = leave;
}

static Value peaks(Memory *m, int64_t key)
{
	Value out;
	out.x[LO] = top_peak(m, LO, key);
	out.x[SURE] = top_peak(m, SURE, key);
	out.x[HI] = m->exact ? out.x[LO] : top_peak(m, HI, key);
	out.x[MAYBE] = m->exact ? out.x[SURE] : top_peak(m, MAYBE, key);
	return out;
}

static void look_at_window(Cell *c, const Cell *child, int64_t now)
{
	Memory *m = c->memory;
	Value at = c->lowest ? negated(child->at) : child->at,
	      after = c->lowest ? negated(child->after) : child->after;
	bool bounded = m->width_ns != CLOCK_NEVER, first = !m->begun;
	if (first && c->before && bounded) /* before the start: not seen */
		add_peaks(m, &unknown, 2 * (now + m->width_ns));
	bool changed = first || !same(&m->last, &at) || !child->level;
	if (changed && !first)
		close_stretch(m, now);
	int64_t leave = bounded ? 2 * (now + m->width_ns) + !c->oldest_open : CLOCK_NEVER;
	if (c->newest_open) /* of a window without bound nothing lies after the start yet */
		c->at = first && !bounded ? unknown : peaks(m, 2 * now);
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
		c->at = negated(c->at);
		c->after = negated(c->after);
	}
	m->last = after;
	m->begun = true;
	m->exact = m->exact || (!m->full && is_exact(&after) && m->inexact_leave <= 2 * now);
}

static void look_at_fold(Cell *c, const Cell *f, const Cell *g, int64_t now)
{
	const Value fs[2] = {f->at, f->after}, gs[2] = {g->at, g->after};
	Value out[2];
	fold_look(c->fold, now, fs, gs, out);
	c->at = out[0];
	c->after = out[1];
}

static Value hull(Value a, Value b)
{
	for (int i = 0; i < SIDES; i++)
		a.x[i] = i == LO || i == SURE ? MIN(a.x[i], b.x[i]) : MAX(a.x[i], b.x[i]);
	return a;
}

static Change *change_at(const Memory *m, unsigned i)
{
	return &m->changes[i & (m->capacity - 1)];
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
		c->after = unknown;
	if (valid && (!m->begun || !same(&m->last, &child->at) || !child->level)) {
		remember(m, &child->at, &child->after, now);
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
	c->level = c->level || same(&c->at, &c->after);
}

/* ---- one look ----------------------------------------------------------------------------------------------------------- */

static Value operate(const Cell *c, const Value *a, const Value *b)
{
	switch ((int)c->kind) {
	case N_NUMBER:
	case N_PARAMETER:
		return number(c->value, c->value);
	case N_NEGATE:
		return number(-a->x[HI], -a->x[LO]);
	case N_ABS:
		return magnitude(*a);
	case N_ADD:
		return number(a->x[LO] + b->x[LO], a->x[HI] + b->x[HI]);
	case N_SUB:
		return number(a->x[LO] - b->x[HI], a->x[HI] - b->x[LO]);
	case N_NORM:
		return norm(*a, *b);
	case N_MUL:
		return product(a->x[LO], a->x[HI], b->x[LO], b->x[HI]);
	case N_DIV:
		return quotient(a, b);
	case N_TRUE:
	case N_FALSE:
		return edge_value(c->kind == N_TRUE, c->kind == N_TRUE);
	case N_NOT:
		return negated(*a);
	case N_MIN:
	case N_AND:
		return least(*a, *b);
	case N_MAX:
	case N_OR:
		return most(*a, *b);
	case N_IMPLIES:
		return most(negated(*a), *b);
	case N_XOR:
		return most(least(*a, negated(*b)), least(negated(*a), *b));
	case N_IFF:
		return negated(most(least(*a, negated(*b)), least(negated(*a), *b)));
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
		c->level = same(&c->at, &c->after);
	} else if (c->cell == CELL_FOLD) {
		if (ready)
			look_at_fold(c, a, b, now);
		c->level = same(&c->at, &c->after);
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
		c->at = c->after = unknown;
		c->level = true;
	} else if (now == all->end_ns + c->ahead_ns) {
		c->after = unknown;
		c->level = false;
	}
}

void cells_look(Cells *all, int64_t now_ns)
{
	for (size_t i = 0; i < all->n; i++)
		look_at(all, i, now_ns);
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
		if (p->tail == p->head || (m->exact && (side == HI || side == MAYBE)) ||
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
		c->constant = is_constant(c);
		c->at = c->after = c->constant ? number(c->value, c->value) : unknown;
		c->level = true;
		c->was = STL_UNKNOWN;
		if (c->fold)
			fold_start(c->fold);
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
