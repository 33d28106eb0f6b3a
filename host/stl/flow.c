#include "flow.h"

#include "fold.h"

/* ---- operators ---------------------------------------------------------------------------------------------------------- */

static const int64_t opposite = -1;

#define KEEP 64 /* changes that a window takes together, at most */

/* What an operator says in a slice. Forgets what changes nothing. */
typedef struct Said {
	FlowChange *out;
	int64_t x;
} Said;

static inline Said begin(const FlowOp *op)
{
	return (Said){op->out, op->x};
}

static inline void say(Said *s, int64_t t, int64_t x)
{
	*s->out = (FlowChange){t, x};
	s->out += x != s->x;
	s->x = x;
}

static inline void said(FlowOp *op, const Said *s)
{
	op->n = (unsigned)(s->out - op->out);
	op->x = s->x;
	s->out->t = CLOCK_NEVER;
}

static void run_atom(FlowOp *op, int64_t until)
{
	(void)until;
	const FlowInput *in = op->input;
	const double value = op->value, factor = op->factor;
	Said s = begin(op);
	for (const FlowSample *x = in->queue, *end = x + in->taken; x < end; x++) {
		double m = (x->v - value) * factor;
		say(&s, x->t, m < 0 || m > 0 ? key_of(m) : cell_atom(op->cell, x->v));
	}
	said(op, &s);
}

static void run_boolean(FlowOp *op, int64_t until)
{
	(void)until;
	const FlowInput *in = op->input;
	Said s = begin(op);
	for (const FlowSample *x = in->queue, *end = x + in->taken; x < end; x++)
		say(&s, x->t, key_truth(x->v > 0.5));
	said(op, &s);
}

static void run_constant(FlowOp *op, int64_t until)
{
	(void)until;
	Said s = begin(op);
	said(op, &s);
}

static void run_not(FlowOp *op, int64_t until)
{
	(void)until;
	Said s = begin(op);
	for (const FlowChange *a = op->a->out; a->t != CLOCK_NEVER; a++)
		say(&s, a->t, ~a->x);
	said(op, &s);
}

/* Two parts, change by change. */
typedef struct Merge {
	const FlowChange *a, *b;
	int64_t xa, xb, t;
} Merge;

static inline bool next_change(Merge *m)
{
	int64_t t = MIN(m->a->t, m->b->t);
	bool of_a = m->a->t == t, of_b = m->b->t == t;
	m->xa = of_a ? m->a->x : m->xa;
	m->xb = of_b ? m->b->x : m->xb;
	m->a += of_a;
	m->b += of_b;
	m->t = t;
	return t != CLOCK_NEVER;
}

/* And, or, implies: an or of opposites. */
static void run_either(FlowOp *op, int64_t until)
{
	(void)until;
	const int64_t not_a = op->not_a, not_b = op->not_b, not_out = op->not_out;
	Merge m = {op->a->out, op->b->out, op->xa, op->xb, 0};
	Said s = begin(op);
	while (next_change(&m))
		say(&s, m.t, key_most(m.xa ^ not_a, m.xb ^ not_b) ^ not_out);
	op->xa = op->a->x;
	op->xb = op->b->x;
	said(op, &s);
}

static void run_exclusive(FlowOp *op, int64_t until)
{
	(void)until;
	Merge m = {op->a->out, op->b->out, op->xa, op->xb, 0};
	Said s = begin(op);
	while (next_change(&m))
		say(&s, m.t,
		    key_most(key_least(m.xa, ~m.xb), key_least(~m.xa, m.xb)) ^ op->not_out);
	op->xa = op->a->x;
	op->xb = op->b->x;
	said(op, &s);
}

static void run_delay(FlowOp *op, int64_t until)
{
	Memory *m = op->cell->memory;
	const int64_t width = m->width_ns;
	unsigned head = m->head, tail = m->tail;
	Said s = begin(op);
	for (const FlowChange *a = op->a->out; a->t != CLOCK_NEVER; a++) {
		Value v = {{a->x, a->x}};
		*change_at(m, tail++) = (Change){a->t, v, v};
	}
	for (; head != tail && change_at(m, head)->t + width <= until; head++)
		say(&s, change_at(m, head)->t + width, change_at(m, head)->after.x[LO]);
	m->head = head;
	m->tail = tail;
	said(op, &s);
}

/* Since the start: smaller ones never count. */
static void run_ever(FlowOp *op, int64_t until)
{
	(void)until;
	Memory *m = op->cell->memory;
	Peak *top = peak_at(m, &m->peaks[LO], m->peaks[LO].head);
	Said s = begin(op);
	for (const FlowChange *a = op->a->out; a->t != CLOCK_NEVER; a++) {
		top->v = key_most(top->v, a->x ^ op->not_a);
		say(&s, a->t, top->v ^ op->not_a);
	}
	said(op, &s);
}

/* The newest peak never leaves, so the queue is never empty. */
static void slide_one_by_one(FlowOp *op, int64_t until, Said *s)
{
	Memory *m = op->cell->memory;
	Peaks *p = &m->peaks[LO];
	const int64_t width = m->width_ns, not_a = op->not_a;
	unsigned head = p->head, tail = p->tail;
	for (const FlowChange *a = op->a->out;; a++) {
		int64_t x = a->x ^ not_a, t = MIN(a->t, until + 1);
		while (peak_at(m, p, head)->leave < 2 * t) { /* before that change */
			int64_t then = peak_at(m, p, head)->leave / 2;
			say(s, then, peak_at(m, p, ++head)->v ^ not_a);
		}
		if (a->t == CLOCK_NEVER)
			break;
		peak_at(m, p, tail - 1)->leave = 2 * (t + width);
		while (tail != head && peak_at(m, p, tail - 1)->v <= x)
			tail--;
		*peak_at(m, p, tail++) = (Peak){x, CLOCK_NEVER};
		head += peak_at(m, p, head)->leave == 2 * t;
		say(s, t, peak_at(m, p, head)->v ^ not_a);
	}
	p->head = head;
	p->tail = tail;
}

/* The window at every change is the largest of the old peaks that are still inside and of the changes so far. None of these may
 * leave within the slice. */
static void say_slice(FlowOp *op, int64_t until, Said *s)
{
	Memory *m = op->cell->memory;
	Peaks *p = &m->peaks[LO];
	unsigned head = p->head;
	int64_t so_far = KEY_LEAST, old = peak_at(m, p, head)->v;
	peak_at(m, p, p->tail - 1)->leave = 2 * (op->a->out[0].t + m->width_ns);
	for (const FlowChange *a = op->a->out;; a++) {
		int64_t t = MIN(a->t, until + 1);
		while (head != p->tail && peak_at(m, p, head)->leave <= 2 * t) {
			int64_t then = peak_at(m, p, head++)->leave / 2;
			old = head != p->tail ? peak_at(m, p, head)->v : KEY_LEAST;
			if (then < t)
				say(s, then, key_most(old, so_far) ^ op->not_a);
		}
		if (a->t == CLOCK_NEVER)
			break;
		so_far = key_most(so_far, a->x ^ op->not_a);
		say(s, t, key_most(old, so_far) ^ op->not_a);
	}
	p->head = head;
}

/* Of the changes stay those that no later one reaches, of the old peaks those that none reaches: no branch that depends on one
 * change alone. */
static void keep_slice(FlowOp *op)
{
	Memory *m = op->cell->memory;
	Peaks *p = &m->peaks[LO];
	const FlowChange *a = op->a->out;
	const unsigned n = op->a->n;
	int64_t largest = KEY_LEAST, kept[KEEP];
	for (unsigned i = n; i-- > 0;) {
		int64_t x = a[i].x ^ op->not_a;
		kept[i] = x > largest || i + 1 == n;
		largest = key_most(largest, x);
	}
	unsigned tail = p->tail;
	while (tail != p->head && peak_at(m, p, tail - 1)->v <= largest)
		tail--;
	for (unsigned i = 0; i < n; i++) {
		int64_t leave = i + 1 < n ? 2 * (a[i + 1].t + m->width_ns) : CLOCK_NEVER;
		*peak_at(m, p, tail) = (Peak){a[i].x ^ op->not_a, leave};
		/* cppcheck-suppress uninitvar ; the loop above has set the first n */
		tail += (unsigned)kept[i];
	}
	p->tail = tail;
}

static void run_window(FlowOp *op, int64_t until)
{
	const FlowOp *a = op->a;
	Said s = begin(op);
	bool together =
		a->n >= 4 && a->n <= KEEP && a->out[0].t + op->cell->memory->width_ns > until;
	if (together) {
		say_slice(op, until, &s);
		keep_slice(op);
	} else {
		slide_one_by_one(op, until, &s);
	}
	said(op, &s);
}

static void run_fold(FlowOp *op, int64_t until)
{
	Fold *fold = op->cell->fold;
	Merge m = {op->a->out, op->b->out, op->xa, op->xb, 0};
	Said s = begin(op);
	for (bool more = true; more;) {
		int64_t f = m.xa, g = m.xb, leaves;
		more = next_change(&m);
		while ((leaves = fold_leaves(fold, 0)) < m.t && leaves <= until)
			say(&s, leaves, fold_flow(fold, leaves, f, g));
		if (more)
			say(&s, m.t, fold_flow(fold, m.t, m.xa, m.xb));
	}
	op->xa = op->a->x;
	op->xb = op->b->x;
	said(op, &s);
}

/* ---- slices ------------------------------------------------------------------------------------------------------------- */

static unsigned most_in(const FlowOp *op)
{
	return (op->a ? op->a->most : 0) + (op->b ? op->b->most : 0);
}

/* Room of the queue, 0: any number, and how many are in it. */
static unsigned queue_room(const FlowOp *op, unsigned *ret_n)
{
	const Memory *m = op->cell->memory;
	if (op->cell->fold)
		return fold_room(op->cell->fold, ret_n);
	bool delay = op->cell->cell == CELL_DELAY;
	*ret_n = delay ? m->tail - m->head : m->peaks[LO].tail - m->peaks[LO].head;
	return m->width_ns == CLOCK_NEVER ? 0 : m->capacity;
}

/* When the i-th oldest leaves. */
static int64_t queue_leaves(const FlowOp *op, unsigned i)
{
	const Memory *m = op->cell->memory;
	if (op->cell->fold)
		return fold_leaves(op->cell->fold, i);
	if (op->cell->cell == CELL_DELAY)
		return change_at(m, m->head + i)->t + m->width_ns;
	return peak_at(m, &m->peaks[LO], m->peaks[LO].head + i)->leave / 2;
}

/* Fewer than FLOW_SLICE changes leave a queue of themselves before that; CLOCK_NEVER: all of them. False: there is no
 * room for what may come. */
static bool queue_allows(const FlowOp *op, int64_t *ret_end)
{
	unsigned n, room = queue_room(op, &n);
	if (room == 0)
		return true;
	if (n + op->most_in > room)
		return false;
	if (n > FLOW_SLICE)
		*ret_end = MIN(*ret_end, queue_leaves(op, FLOW_SLICE) - 1);
	return true;
}

static void take(FlowInput *in, int64_t until)
{
	in->taken = in->n;
	while (in->taken > 0 && in->queue[in->taken - 1].t > until)
		in->taken--;
}

static void drop_taken(Flow *f, FlowInput *in)
{
	if (in->taken == 0)
		return;
	in->used = in->queue[in->taken - 1];
	in->n -= in->taken;
	f->waiting -= in->taken;
	if (in->n > 0)
		memmove(in->queue, in->queue + in->taken, in->n * sizeof(*in->queue));
}

bool flow_run(Flow *f, int64_t until_ns)
{
	const Cells *c = f->cells;
	int64_t until = MIN(until_ns, f->until_ns - 1);
	for (size_t i = 0; i < c->n_inputs && c->gaps; i++)
		if (f->inputs[i].gap_ns != CLOCK_NEVER)
			until = MIN(until, f->inputs[i].last_ns + f->inputs[i].gap_ns - 1);
	for (size_t i = 0; i < f->n_movers; i++)
		if (!queue_allows(f->movers[i], &until))
			return false;
	if (until <= f->now_ns)
		return false;
	for (size_t i = 0; i < c->n_inputs; i++)
		take(&f->inputs[i], until);
	for (size_t i = 0; i < c->n; i++)
		f->ops[i].run(&f->ops[i], until);
	for (size_t i = 0; i < c->n_inputs; i++)
		drop_taken(f, &f->inputs[i]);
	f->now_ns = until;
	f->from_ns = MAX(f->from_ns, until + 1);
	return true;
}

bool flow_take_back(Flow *f, unsigned *ret_signal, FlowSample *ret)
{
	FlowInput *first = NULL;
	for (size_t i = 0; i < f->cells->n_inputs; i++) {
		FlowInput *in = &f->inputs[i];
		if (in->n > 0 && (!first || in->queue[0].t < first->queue[0].t))
			first = in;
	}
	if (!first)
		return false;
	*ret_signal = (unsigned)(first - f->inputs);
	*ret = first->queue[0];
	memmove(first->queue, first->queue + 1, --first->n * sizeof(*first->queue));
	f->waiting--;
	return true;
}

/* ---- over and back -------------------------------------------------------------------------------------------------------- */

static bool memory_fits(const Cell *c, int64_t now)
{
	const Memory *m = c->memory;
	if (c->fold)
		return fold_flows(c->fold);
	if (!m)
		return true;
	return m->begun && m->exact && m->inexact_leave <= 2 * now;
}

bool flow_enter(Flow *f, int64_t now_ns, int64_t until_ns)
{
	Cells *c = f->cells;
	if (now_ns + 1 >= until_ns || now_ns < c->start_ns + c->latest_valid_ns)
		return false;
	for (size_t i = 0; i < c->n_inputs; i++) {
		const Input *in = &c->inputs[i];
		if (!in->have || (in->gap_ns > 0 && now_ns - in->t_ns >= in->gap_ns))
			return false;
	}
	for (size_t i = 0; i < c->n; i++) {
		const Cell *cell = &c->cells[i];
		if (!cell->level || !value_exact(&cell->at) || !memory_fits(cell, now_ns))
			return false;
	}
	for (size_t i = 0; i < c->n; i++) {
		FlowOp *op = &f->ops[i];
		op->x = op->cell->at.x[LO];
		op->xa = op->a ? op->a->cell->at.x[LO] : 0;
		op->xb = op->b ? op->b->cell->at.x[LO] : 0;
	}
	f->fed_ns = INT64_MIN;
	for (size_t i = 0; i < c->n_inputs; i++) {
		f->inputs[i].used = (FlowSample){c->inputs[i].t_ns, c->inputs[i].v};
		f->inputs[i].last_ns = c->inputs[i].t_ns;
		f->inputs[i].n = 0;
		f->fed_ns = MAX(f->fed_ns, c->inputs[i].t_ns);
	}
	f->now_ns = now_ns;
	f->from_ns = MAX(now_ns + 1, f->fed_ns);
	f->until_ns = until_ns;
	f->waiting = 0;
	f->on = true;
	return true;
}

void flow_leave(Flow *f)
{
	Cells *c = f->cells;
	for (size_t i = 0; i < c->n; i++) {
		const FlowOp *op = &f->ops[i];
		Cell *cell = op->cell;
		cell->at = cell->after = (Value){{op->x, op->x}};
		if (cell->memory)
			cell->memory->last = (Value){{op->a->x ^ op->not_a, op->a->x ^ op->not_a}};
	}
	for (size_t i = 0; i < c->n_inputs; i++) {
		c->inputs[i].t_ns = f->inputs[i].used.t;
		c->inputs[i].v = f->inputs[i].used.v;
	}
	f->on = false;
}

/* ---- making ------------------------------------------------------------------------------------------------------------- */

typedef void (*Run)(FlowOp *, int64_t);

/* NULL: not of this kind. */
static Run run_of(const Cell *c)
{
	switch (c->cell) {
	case CELL_ATOM:
		return run_atom;
	case CELL_DELAY:
		return run_delay;
	case CELL_WINDOW:
		return c->newest_open                       ? NULL
		       : c->memory->width_ns == CLOCK_NEVER ? run_ever
							    : run_window;
	case CELL_FOLD:
		return fold_may_flow(c->fold) ? run_fold : NULL;
	case CELL_COUNT:
		return NULL;
	case CELL_NODE:
		break;
	}
	switch ((int)c->kind) {
	case N_SIGNAL:
		return c->boolean ? run_boolean : NULL;
	case N_TRUE:
	case N_FALSE:
		return run_constant;
	case N_NOT:
		return run_not;
	case N_AND:
	case N_OR:
	case N_IMPLIES:
		return run_either;
	case N_XOR:
	case N_IFF:
		return run_exclusive;
	}
	return NULL;
}

/* How many changes it says in a slice at most. */
static unsigned most_of(const FlowOp *op)
{
	if (op->input)
		return FLOW_SLICE;
	unsigned in = op->most_in;
	if (op->cell->cell == CELL_WINDOW || op->cell->cell == CELL_FOLD)
		return 2 * in + FLOW_SLICE;
	return op->cell->cell == CELL_DELAY ? in + FLOW_SLICE : in;
}

static bool make(Flow *f, size_t i)
{
	const Cells *c = f->cells;
	Cell *cell = &c->cells[i];
	FlowOp *op = &f->ops[i];
	*op = (FlowOp){.cell = cell, .run = run_of(cell), .value = cell->value};
	if (!op->run)
		return false;
	op->a = cell->a >= 0 ? &f->ops[cell->a] : NULL;
	op->b = cell->b >= 0 ? &f->ops[cell->b] : NULL;
	op->input = cell->signal >= 0 ? &f->inputs[cell->signal] : NULL;
	op->factor = cell->below ? -cell->factor : cell->factor;
	int kind = cell->cell == CELL_NODE ? (int)cell->kind : -1;
	if (cell->lowest || kind == N_AND || kind == N_IMPLIES)
		op->not_a = opposite;
	if (kind == N_AND)
		op->not_b = opposite;
	if (kind == N_AND || kind == N_IFF)
		op->not_out = opposite;
	op->most_in = most_in(op);
	op->most = most_of(op);
	unsigned n, room = cell->memory || cell->fold ? queue_room(op, &n) : 0;
	if (room > 0 && 2 * op->most_in > room)
		return false;
	op->out = g_new0(FlowChange, op->most + 1);
	if (room > 0)
		f->movers[f->n_movers++] = op;
	return true;
}

Flow *flow_new(Cells *cells)
{
	Flow *f = g_new0(Flow, 1);
	f->cells = cells;
	f->inputs = g_new0(FlowInput, cells->n_inputs + 1);
	f->ops = g_new0(FlowOp, cells->n + 1);
	f->movers = g_new0(FlowOp *, cells->n + 1);
	for (size_t i = 0; i < cells->n_inputs; i++) {
		int64_t gap = cells->inputs[i].gap_ns;
		f->inputs[i].gap_ns = gap > 0 ? gap : CLOCK_NEVER;
	}
	bool fits = cells->n_inputs > 0;
	for (size_t i = 0; i < cells->n && fits; i++)
		fits = make(f, i);
	if (!fits)
		g_clear_pointer(&f, flow_free);
	return f;
}

void flow_free(Flow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->cells->n; i++)
		g_free(f->ops[i].out);
	g_free(f->inputs);
	g_free(f->ops);
	g_free(f->movers);
	g_free(f);
}

size_t flow_bytes(const Flow *f, size_t n_inputs)
{
	size_t sum = sizeof(*f) + n_inputs * sizeof(FlowInput);
	for (size_t i = 0; i < f->cells->n; i++)
		sum += sizeof(FlowOp) + sizeof(FlowOp *) +
		       (f->ops[i].most + 1) * sizeof(FlowChange);
	return sum;
}
