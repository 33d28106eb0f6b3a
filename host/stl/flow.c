#include "flow.h"

#include "fold.h"

/* ---- operations --------------------------------------------------------------------------------------------------------- */

/* Each ends with a jump to the next of the program: a processor guesses better where it goes from many places than from one loop. */
static inline void next(Flow *f, FlowOp *const *program, int64_t t)
{
	program++;
	(*program)->run(f, program, t);
}

static void run_end(Flow *f, FlowOp *const *program, int64_t t)
{
	(void)program;
	int64_t first = CLOCK_NEVER;
	for (size_t i = 0; i < f->n_movers; i++)
		first = MIN(first, f->leaves_ns[i]);
	f->next_ns = first;
	f->now_ns = t;
}

static inline int64_t atom(FlowOp *op)
{
	const double v = op->input->v, m = (v - op->value) * op->factor;
	op->x = G_LIKELY(m < 0 || m > 0) ? key_of(m) : cell_atom(op->cell, v);
	return op->x;
}

static void run_atom(Flow *f, FlowOp *const *program, int64_t t)
{
	atom(*program);
	next(f, program, t);
}

static void run_boolean(Flow *f, FlowOp *const *program, int64_t t)
{
	FlowOp *op = *program;
	op->x = key_truth(op->input->v > 0.5);
	next(f, program, t);
}

static void run_not(Flow *f, FlowOp *const *program, int64_t t)
{
	FlowOp *op = *program;
	op->x = ~*op->a;
	next(f, program, t);
}

static void run_either(Flow *f, FlowOp *const *program, int64_t t)
{
	FlowOp *op = *program;
	op->x = key_most(*op->a ^ op->not_a, *op->b ^ op->not_b) ^ op->not_out;
	next(f, program, t);
}

static void run_exclusive(Flow *f, FlowOp *const *program, int64_t t)
{
	FlowOp *op = *program;
	const int64_t a = *op->a, b = *op->b;
	op->x = key_most(key_least(a, ~b), key_least(~a, b)) ^ op->not_out;
	next(f, program, t);
}

/* What comes in leaves width_ns later; the same again is no change. */
static void run_delay(Flow *f, FlowOp *const *program, int64_t t)
{
	FlowOp *op = *program;
	const unsigned mask = op->mask;
	const int64_t a = *op->a;
	unsigned head = op->head;
	op->changes[op->tail & mask] = (Change){t, {{a, a}}, {{a, a}}};
	op->tail += a != op->last;
	op->last = a;
	for (; head != op->tail && op->changes[head & mask].t + op->width_ns <= t; head++)
		op->x = op->changes[head & mask].after.x[LO];
	op->head = head;
	*op->leaves_ns = head != op->tail ? op->changes[head & mask].t + op->width_ns : CLOCK_NEVER;
	next(f, program, t);
}

static void run_ever(Flow *f, FlowOp *const *program, int64_t t)
{
	FlowOp *op = *program;
	op->x = key_most(op->x ^ op->not_a, *op->a ^ op->not_a) ^ op->not_a;
	next(f, program, t);
}

/* Half of it, for it is twice a time. */
static inline int64_t leaves(int64_t leave)
{
	return leave == CLOCK_NEVER ? CLOCK_NEVER : leave / 2;
}

/* How many of the newest are no larger than `a`; the first three without a branch that depends on them, for whether a measured
 * signal rises or falls is anybody's guess. What lies below the head of the queue is old, and does not count. */
static inline unsigned smaller(const FlowOp *op, int64_t a)
{
	const Peak *const peaks = op->peaks;
	const unsigned mask = op->mask, tail = op->tail, all = tail - op->head;
	const unsigned first = peaks[(tail - 1) & mask].v <= a,
		       second = first & (peaks[(tail - 2) & mask].v <= a),
		       third = second & (peaks[(tail - 3) & mask].v <= a);
	unsigned n = first + second + third;
	if (third)
		while (n < all && peaks[(tail - 1 - n) & mask].v <= a)
			n++;
	return MIN(n, all);
}

/* From t on it is `a`. The newest peak stays as long as it is the newest, so the queue is never empty. */
static inline void window(FlowOp *op, int64_t a, int64_t t)
{
	Peak *const peaks = op->peaks;
	const unsigned mask = op->mask;
	unsigned head = op->head, tail = op->tail;
	a ^= op->not_a;
	peaks[(tail - 1) & mask].leave = 2 * (t + op->width_ns);
	tail -= smaller(op, a);
	peaks[tail++ & mask] = (Peak){a, CLOCK_NEVER};
	while (peaks[head & mask].leave <= 2 * t)
		head++;
	op->x = peaks[head & mask].v ^ op->not_a;
	*op->leaves_ns = leaves(peaks[head & mask].leave);
	op->head = head;
	op->tail = tail;
}

static void run_window(Flow *f, FlowOp *const *program, int64_t t)
{
	window(*program, *(*program)->a, t);
	next(f, program, t);
}

/* An atom and, next in the program, the window over it: most frequent of all. */
static void run_atom_and_window(Flow *f, FlowOp *const *program, int64_t t)
{
	window(program[1], atom(program[0]), t);
	next(f, program + 1, t);
}

static void run_fold(Flow *f, FlowOp *const *program, int64_t t)
{
	FlowOp *op = *program;
	op->x = fold_flow(op->fold, t, *op->a, *op->b);
	*op->leaves_ns = fold_leaves(op->fold, 0);
	next(f, program, t);
}

static inline void account(Flow *f, const FlowOp *op, NodeKind kind, int64_t t)
{
	const int64_t a = *op->a;
	Duty *d = op->duty;
	const StlState before = d->state;
	duty_account(d, kind, (Value){{a, a}}, t);
	f->decided |= d->state != before;
}

static void run_always(Flow *f, FlowOp *const *program, int64_t t)
{
	account(f, *program, N_ALWAYS, t);
	next(f, program, t);
}

static void run_eventually(Flow *f, FlowOp *const *program, int64_t t)
{
	account(f, *program, N_EVENTUALLY, t);
	next(f, program, t);
}

static void run_until(Flow *f, FlowOp *const *program, int64_t t)
{
	const FlowOp *op = *program;
	const int64_t a = *op->a, b = *op->b;
	Duty *d = op->duty;
	const StlState before = d->state;
	duty_account_until(d, (Value){{a, a}}, (Value){{b, b}}, true, op->counts, t);
	f->decided |= d->state != before;
	next(f, program, t);
}

/* A duty outside of its window. */
static void run_nothing(Flow *f, FlowOp *const *program, int64_t t)
{
	next(f, program, t);
}

static const FlowRun runs[] = {
	[FLOW_END] = run_end,
	[FLOW_CONSTANT] = run_nothing,
	[FLOW_ATOM] = run_atom,
	[FLOW_BOOLEAN] = run_boolean,
	[FLOW_NOT] = run_not,
	[FLOW_EITHER] = run_either,
	[FLOW_EXCLUSIVE] = run_exclusive,
	[FLOW_DELAY] = run_delay,
	[FLOW_EVER] = run_ever,
	[FLOW_WINDOW] = run_window,
	[FLOW_FOLD] = run_fold,
	[FLOW_ALWAYS] = run_always,
	[FLOW_EVENTUALLY] = run_eventually,
	[FLOW_UNTIL] = run_until,
};

static inline void run(Flow *f, FlowOp *const *program, int64_t t)
{
	(*program)->run(f, program, t);
}

/* ---- steps -------------------------------------------------------------------------------------------------------------- */

/* A step adds one to a queue at most. */
static int64_t room_of(const FlowOp *op)
{
	unsigned n = op->tail - op->head, room = op->mask + 1;
	if (op->code == FLOW_FOLD)
		room = fold_room(op->fold, &n);
	return room == 0 ? INT64_MAX : (int64_t)room - n;
}

static G_GNUC_NO_INLINE bool find_room(Flow *f)
{
	f->room = INT64_MAX;
	for (size_t i = 0; i < f->n_movers; i++)
		f->room = MIN(f->room, room_of(f->movers[i]));
	return f->room-- > 0;
}

static inline bool take_room(Flow *f)
{
	return f->room-- > 0 || find_room(f);
}

/* What leaves at next_ns. */
static bool leave(Flow *f)
{
	const int64_t t = f->next_ns;
	size_t n = 0, which = 0;
	if (!take_room(f))
		return false;
	for (size_t i = 0; i < f->n_movers; i++) {
		which = f->leaves_ns[i] == t ? i : which;
		n += f->leaves_ns[i] == t;
	}
	run(f, n == 1 ? f->movers[which]->program : f->moved, t);
	return true;
}

bool flow_step(Flow *f)
{
	while (f->next_ns < f->due_ns)
		if (!leave(f))
			return false;
	if (!take_room(f))
		return false;
	run(f, f->next_ns == f->due_ns ? f->all : f->pending, f->due_ns);
	f->due_ns = CLOCK_NEVER;
	return true;
}

bool flow_to(Flow *f, int64_t to_ns)
{
	if (to_ns >= f->limit_ns && !flow_extends(f, to_ns))
		return false;
	if (f->due_ns <= to_ns && !flow_step(f))
		return false;
	while (f->next_ns <= to_ns)
		if (!leave(f))
			return false;
	f->now_ns = MAX(f->now_ns, to_ns);
	return true;
}

bool flow_feed_later(Flow *f, FlowInput *in, int64_t t_ns)
{
	bool waits = f->due_ns != CLOCK_NEVER;
	if (t_ns <= f->now_ns || (waits && t_ns < f->due_ns) ||
	    (t_ns >= f->limit_ns && !flow_extends(f, t_ns)) || (waits && !flow_step(f)))
		return false;
	f->due_ns = t_ns;
	f->pending = in->program;
	return true;
}

bool flow_extends(Flow *f, int64_t t_ns)
{
	f->limit_ns = f->until_ns;
	for (size_t i = 0; i < f->cells->n_inputs; i++)
		if (f->inputs[i].gap_ns != CLOCK_NEVER)
			f->limit_ns = MIN(f->limit_ns, f->inputs[i].t_ns + f->inputs[i].gap_ns);
	return t_ns < f->limit_ns;
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

/* Every cell is one number, and stays so until something happens. */
static bool fits(const Cells *c, int64_t now_ns)
{
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
	return true;
}

static void enter_op(FlowOp *op)
{
	const Cell *cell = op->cell;
	const Memory *m = cell->memory;
	op->x = cell->at.x[LO];
	if (op->code == FLOW_WINDOW) {
		op->head = m->peaks[LO].head;
		op->tail = m->peaks[LO].tail;
		*op->leaves_ns = leaves(op->peaks[op->head & op->mask].leave);
	} else if (op->code == FLOW_DELAY) {
		op->head = m->head;
		op->tail = m->tail;
		op->last = m->last.x[LO];
		*op->leaves_ns = op->head != op->tail ? change_at(m, op->head)->t + m->width_ns
						      : CLOCK_NEVER;
	} else if (op->code == FLOW_FOLD) {
		*op->leaves_ns = fold_leaves(op->fold, 0);
	}
}

/* Just after now it is what it is now. */
static void enter_duty(Flow *f, FlowOp *op, int64_t now_ns)
{
	const Duty *d = op->duty;
	int64_t t = now_ns - f->cells->start_ns - f->cells->cells[d->cell].ahead_ns;
	op->counts = t >= d->from_ns;
	bool inside = !d->closed && t < d->to_ns && (op->counts || op->code == FLOW_UNTIL);
	op->run = inside ? runs[op->code] : run_nothing;
	FlowOp end = {.run = run_end}, *const once[] = {op, &end};
	run(f, once, now_ns);
}

bool flow_enter(Flow *f, int64_t now_ns, int64_t until_ns)
{
	const Cells *c = f->cells;
	if (now_ns + 1 >= until_ns || now_ns < c->start_ns + c->latest_valid_ns || !fits(c, now_ns))
		return false;
	for (size_t i = 0; i < c->n; i++)
		enter_op(&f->ops[i]);
	for (size_t i = 0; i < c->n_inputs; i++) {
		f->inputs[i].v = c->inputs[i].v;
		f->inputs[i].t_ns = c->inputs[i].t_ns;
	}
	for (size_t i = c->n; i < f->n; i++)
		enter_duty(f, &f->ops[i], now_ns);
	FlowOp end = {.run = run_end}, *const none = &end;
	run(f, &none, now_ns);
	f->until_ns = until_ns;
	f->due_ns = CLOCK_NEVER;
	f->room = 0;
	f->on = flow_extends(f, now_ns);
	return f->on;
}

void flow_leave(Flow *f)
{
	Cells *c = f->cells;
	for (size_t i = 0; i < c->n; i++) {
		const FlowOp *op = &f->ops[i];
		Cell *cell = op->cell;
		Memory *m = cell->memory;
		cell->at = cell->after = (Value){{op->x, op->x}};
		if (m)
			m->last = (Value){{*op->a ^ op->not_a, *op->a ^ op->not_a}};
		if (op->code == FLOW_DELAY) {
			m->head = op->head;
			m->tail = op->tail;
		} else if (op->code == FLOW_WINDOW) {
			m->peaks[LO].head = op->head;
			m->peaks[LO].tail = op->tail;
		} else if (op->code == FLOW_EVER) {
			peak_at(m, &m->peaks[LO], m->peaks[LO].head)->v = op->x ^ op->not_a;
		}
	}
	for (size_t i = 0; i < c->n_inputs; i++) {
		const FlowInput *in = &f->inputs[i];
		c->inputs[i].t_ns = flow_waits(f, i) ? in->used_ns : in->t_ns;
		c->inputs[i].v = flow_waits(f, i) ? in->used_v : in->v;
	}
	f->on = false;
}

/* ---- making ------------------------------------------------------------------------------------------------------------- */

/* FLOW_END: not of this kind. */
static FlowCode code_of(const Cell *c)
{
	switch (c->cell) {
	case CELL_ATOM:
		return FLOW_ATOM;
	case CELL_DELAY:
		return FLOW_DELAY;
	case CELL_WINDOW:
		return c->newest_open                       ? FLOW_END
		       : c->memory->width_ns == CLOCK_NEVER ? FLOW_EVER
							    : FLOW_WINDOW;
	case CELL_FOLD:
		return fold_may_flow(c->fold) ? FLOW_FOLD : FLOW_END;
	case CELL_COUNT:
	case CELL_MEAN:
		return FLOW_END;
	case CELL_NODE:
		break;
	}
	switch ((int)c->kind) {
	case N_SIGNAL:
		return c->boolean ? FLOW_BOOLEAN : FLOW_END;
	case N_TRUE:
	case N_FALSE:
		return FLOW_CONSTANT;
	case N_NOT:
		return FLOW_NOT;
	case N_AND:
	case N_OR:
	case N_IMPLIES:
		return FLOW_EITHER;
	case N_XOR:
	case N_IFF:
		return FLOW_EXCLUSIVE;
	}
	return FLOW_END;
}

static bool is_mover(const FlowOp *op)
{
	return op->code == FLOW_WINDOW || op->code == FLOW_DELAY || op->code == FLOW_FOLD;
}

static bool make(Flow *f, size_t i)
{
	Cell *cell = &f->cells->cells[i];
	FlowOp *op = &f->ops[i];
	const int64_t opposite = -1;
	*op = (FlowOp){.code = code_of(cell), .cell = cell};
	op->run = runs[op->code];
	op->a = cell->a >= 0 ? &f->ops[cell->a].x : NULL;
	op->b = cell->b >= 0 ? &f->ops[cell->b].x : NULL;
	int kind = cell->cell == CELL_NODE ? (int)cell->kind : -1;
	if (cell->lowest || kind == N_AND || kind == N_IMPLIES)
		op->not_a = opposite;
	if (kind == N_AND)
		op->not_b = opposite;
	if (kind == N_AND || kind == N_IFF)
		op->not_out = opposite;
	if (cell->signal >= 0) {
		op->input = &f->inputs[cell->signal];
		op->value = cell->value;
		op->factor = cell->below ? -cell->factor : cell->factor;
	} else if (op->code == FLOW_WINDOW || op->code == FLOW_DELAY) {
		op->mask = cell->memory->capacity - 1;
		op->width_ns = cell->memory->width_ns;
		if (op->code == FLOW_DELAY)
			op->changes = cell->memory->changes;
		else
			op->peaks = cell->memory->peaks[LO].ring;
	} else if (op->code == FLOW_FOLD) {
		op->fold = cell->fold;
	}
	if (is_mover(op)) {
		op->leaves_ns = &f->leaves_ns[f->n_movers];
		f->movers[f->n_movers++] = op;
	}
	const FlowOp *child = i > 0 && op->a == &op[-1].x ? &op[-1] : NULL;
	if (op->code == FLOW_WINDOW && child && child->code == FLOW_ATOM)
		op[-1].run = run_atom_and_window;
	return op->code != FLOW_END;
}

static bool make_duty(Flow *f, size_t i, Duty *d)
{
	bool until = duty_is_until(d);
	f->ops[i] = (FlowOp){.code = until                 ? FLOW_UNTIL
				     : d->kind == N_ALWAYS ? FLOW_ALWAYS
							   : FLOW_EVENTUALLY,
			     .duty = d,
			     .a = &f->ops[d->cell].x,
			     .b = until ? &f->ops[d->witness].x : NULL};
	return until || d->kind == N_ALWAYS || d->kind == N_EVENTUALLY;
}

/* What changes with a signal, or with what leaves a mover; with neither, with any mover; `all`, everything. What goes into a delay
 * changes nothing else at that instant. */
static FlowOp **program(Flow *f, const FlowInput *input, const FlowOp *mover, bool all)
{
	static FlowOp end = {.code = FLOW_END, .run = run_end};
	g_autofree bool *touched = g_new0(bool, f->n);
	GPtrArray *out = g_ptr_array_new();
	for (size_t i = 0; i < f->n; i++) {
		FlowOp *op = &f->ops[i];
		const Cell *c = op->cell;
		int a = c ? c->a : op->duty->cell, b = c ? c->b : op->b ? op->duty->witness : -1;
		bool comes = (a >= 0 && touched[a]) || (b >= 0 && touched[b]) ||
			     (input && c && c->signal == input - f->inputs);
		bool moves = !input && (mover ? op == mover : is_mover(op));
		touched[i] = moves || (comes && op->code != FLOW_DELAY);
		if (op->code != FLOW_CONSTANT && (all || moves || comes))
			g_ptr_array_add(out, op);
	}
	f->n_programs += out->len + 1;
	g_ptr_array_add(out, &end);
	return (FlowOp **)g_ptr_array_free(out, FALSE);
}

static void make_programs(Flow *f)
{
	for (size_t i = 0; i < f->cells->n_inputs; i++)
		f->inputs[i].program = program(f, &f->inputs[i], NULL, false);
	for (size_t i = 0; i < f->n_movers; i++)
		f->movers[i]->program = program(f, NULL, f->movers[i], false);
	f->moved = program(f, NULL, NULL, false);
	f->all = program(f, NULL, NULL, true);
}

Flow *flow_new(Cells *cells, Duty *duties, size_t n_duties)
{
	Flow *f = g_new0(Flow, 1);
	f->cells = cells;
	f->n = cells->n + n_duties;
	f->inputs = g_new0(FlowInput, cells->n_inputs + 1);
	f->ops = g_new0(FlowOp, f->n + 1);
	f->movers = g_new0(FlowOp *, cells->n + 1);
	f->leaves_ns = g_new0(int64_t, cells->n + 1);
	for (size_t i = 0; i < cells->n_inputs; i++) {
		int64_t gap = cells->inputs[i].gap_ns;
		f->inputs[i].gap_ns = gap > 0 ? gap : CLOCK_NEVER;
	}
	bool possible = cells->n_inputs > 0;
	for (size_t i = 0; i < f->n && possible; i++)
		possible = i < cells->n ? make(f, i) : make_duty(f, i, &duties[i - cells->n]);
	if (possible)
		make_programs(f);
	else
		g_clear_pointer(&f, flow_free);
	return f;
}

void flow_free(Flow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->cells->n_inputs; i++)
		g_free(f->inputs[i].program);
	for (size_t i = 0; i < f->n_movers; i++)
		g_free(f->movers[i]->program);
	g_free(f->moved);
	g_free(f->all);
	g_free(f->inputs);
	g_free(f->ops);
	g_free(f->movers);
	g_free(f->leaves_ns);
	g_free(f);
}

size_t flow_bytes(const Flow *f)
{
	return sizeof(*f) + f->cells->n_inputs * sizeof(FlowInput) + f->n * sizeof(FlowOp) +
	       (f->cells->n + f->n_programs) * sizeof(FlowOp *) + f->cells->n * sizeof(int64_t);
}
