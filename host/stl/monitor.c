/* Online: a formula compiled to a flat list of cells, children first, walked once for each sample. Bounded memory, no
 * recursion, no allocation after stl_monitor_new().
 *
 * What can be watched in bounded memory, one verdict from the start on: `always[a,b] p`, `eventually[a,b] p`, conjunctions
 * of these, and p itself, where p looks only at the present and, with once/historically[0,b], at the past. */
#include "ast.h"

#include <math.h>
#include <string.h>

typedef struct Cell {
	NodeKind kind;
	int a, b;               /* cells, -1 */
	int signal;             /* SIGNAL, INITIAL */
	double value;           /* terms; NaN: unknown */
	StlTruth truth, before; /* before: the last that was known, at an earlier look */
	double hi_s;
	bool boolean;
	int64_t last_ns;    /* ONCE: last true; HISTORICALLY: last false */
	int64_t unknown_ns; /* of both: last unknown */
} Cell;

/* always/eventually/now, over one cell. */
typedef struct Duty {
	NodeKind kind; /* ALWAYS, EVENTUALLY, TRUE: at the start */
	int cell;
	int64_t from_ns, to_ns; /* relative to the start; to CLOCK_NEVER */
	StlState state;
	int64_t decided_ns;
	bool unknown; /* some instant of the window was */
} Duty;

typedef struct Input {
	double v, initial;
	int64_t t_ns, gap_ns;
	bool have, have_initial;
} Input;

struct StlMonitor {
	StlMonitorMode mode;
	size_t n_cells, n_duties, n_inputs;
	Cell *cells;
	Duty *duties;
	Input *inputs;
	int64_t start_ns, decided_ns, now_ns;
	StlState state;
	uint64_t late;
	bool started;
};

/* ---- compiling ---------------------------------------------------------------------------------------------------------- */

typedef struct Compiler {
	const StlFormula *f;
	GArray *cells, *duties;
	GError **error;
	bool failed;
} Compiler;

static int refuse(Compiler *c, const Node *n, const char *why)
{
	if (!c->failed) {
		GString *text = g_string_new(NULL);
		node_print(c->f, n, true, text);
		g_set_error(c->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "column %u: '%s' cannot be watched while running: %s", n->column,
			    text->str, why);
		g_string_free(text, TRUE);
	}
	c->failed = true;
	return -1;
}

static int compile(Compiler *c, const Node *n)
{
	if (n->kind == N_EVERY || n->kind == N_SOME)
		return compile(c, n->a);
	if (n->kind == N_SQRT || n->kind == N_EXP || n->kind == N_POW)
		return refuse(c, n, "it is for the calculator only");
	if (operators[n->kind].time == OP_OVER)
		return refuse(c, n, "windows of values are not supported here");
	if (n->lo_open || n->hi_open)
		return refuse(c, n, "open bounds are not supported here");
	if (n->kind == N_ALWAYS || n->kind == N_EVENTUALLY || n->kind == N_UNTIL ||
	    n->kind == N_WEAK_UNTIL)
		return refuse(c, n, "it looks into the future inside another condition");
	if (n->kind == N_SINCE)
		return refuse(c, n, "since is not supported here");
	if ((n->kind == N_ONCE || n->kind == N_HISTORICALLY) && n->lo_s > 0)
		return refuse(c, n, "the window must begin at 0 s");
	Cell cell = {.kind = n->kind,
		     .a = -1,
		     .b = -1,
		     .signal = -1,
		     .value = n->value,
		     .hi_s = n->hi_s,
		     .boolean = n->boolean};
	if (n->kind == N_SIGNAL)
		cell.signal = n->name;
	else if (n->kind == N_INITIAL)
		cell.signal = n->a->name;
	else {
		if (n->a)
			cell.a = compile(c, n->a);
		if (n->b)
			cell.b = compile(c, n->b);
	}
	if (c->failed)
		return -1;
	g_array_append_val(c->cells, cell);
	return (int)c->cells->len - 1;
}

static int64_t to_ns(double s)
{
	return isinf(s) ? CLOCK_NEVER : (int64_t)llround(s * 1e9);
}

static void compile_duties(Compiler *c, const Node *n, StlMonitorMode mode)
{
	if (mode == STL_MONITOR_HOLDS && n->kind == N_EVERY) {
		compile_duties(c, n->a, mode);
		return;
	}
	if (mode == STL_MONITOR_HOLDS && n->kind == N_AND) {
		compile_duties(c, n->a, mode);
		compile_duties(c, n->b, mode);
		return;
	}
	Duty d = {.kind = N_TRUE, .to_ns = 0};
	bool window =
		(n->kind == N_ALWAYS || n->kind == N_EVENTUALLY) && !n->lo_open && !n->hi_open;
	if (mode == STL_MONITOR_HOLDS && window) {
		d.kind = n->kind;
		d.from_ns = to_ns(n->lo_s);
		d.to_ns = to_ns(n->hi_s);
	} else if (mode == STL_MONITOR_REACHED) {
		d.kind = N_EVENTUALLY;
		d.to_ns = CLOCK_NEVER;
	}
	d.cell = compile(c, mode == STL_MONITOR_HOLDS && window ? n->a : n);
	g_array_append_val(c->duties, d);
}

StlMonitor *stl_monitor_new(const StlFormula *f, StlMonitorMode mode, const int64_t *max_gap_ns,
			    GError **error)
{
	StlKind kind = stl_formula_kind(f);
	if (!f->checked || kind != STL_KIND_FORMULA) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "'%s' is no formula that is true or false", f->text);
		return NULL;
	}
	g_autoptr(GArray) cells = g_array_new(FALSE, TRUE, sizeof(Cell)),
			  duties = g_array_new(FALSE, TRUE, sizeof(Duty));
	Compiler c = {.f = f, .cells = cells, .duties = duties, .error = error};
	compile_duties(&c, f->root, mode);
	if (c.failed)
		return NULL;
	StlMonitor *m = g_new0(StlMonitor, 1);
	m->mode = mode;
	m->n_cells = cells->len;
	m->n_duties = duties->len;
	m->n_inputs = f->signals->len;
	m->cells = g_memdup2(cells->data, cells->len * sizeof(Cell));
	m->duties = g_memdup2(duties->data, duties->len * sizeof(Duty));
	m->inputs = g_new0(Input, m->n_inputs + 1);
	for (size_t i = 0; i < m->n_inputs && max_gap_ns; i++)
		m->inputs[i].gap_ns = max_gap_ns[i];
	m->decided_ns = -1;
	return m;
}

void stl_monitor_free(StlMonitor *m)
{
	if (!m)
		return;
	g_free(m->cells);
	g_free(m->duties);
	g_free(m->inputs);
	g_free(m);
}

/* ---- one look --------------------------------------------------------------------------------------------------------------- */

static double input_value(const StlMonitor *m, const Cell *c, int64_t now)
{
	const Input *in = &m->inputs[c->signal];
	if (c->kind == N_INITIAL)
		return in->have_initial ? in->initial : (double)NAN;
	if (!in->have || (in->gap_ns > 0 && now - in->t_ns > in->gap_ns))
		return (double)NAN;
	return in->v;
}

static StlTruth of(bool b)
{
	return b ? STL_TRUE : STL_FALSE;
}

static StlTruth inverse(StlTruth t)
{
	return t == STL_TRUE ? STL_FALSE : t == STL_FALSE ? STL_TRUE : STL_UNKNOWN;
}

static StlTruth compare(NodeKind kind, double a, double b)
{
	if (isnan(a) || isnan(b))
		return STL_UNKNOWN;
	if (kind == N_LT)
		return of(a < b);
	if (kind == N_LE)
		return of(a <= b);
	if (kind == N_GT)
		return of(a > b);
	if (kind == N_GE)
		return of(a >= b);
	return of((a == b) == (kind == N_EQ));
}

static StlTruth edge(const Cell *child, bool rise)
{
	StlTruth up = rise ? STL_TRUE : STL_FALSE;
	if (child->truth == up && child->before == inverse(up))
		return STL_TRUE;
	return child->truth == STL_UNKNOWN || child->before == STL_UNKNOWN ? STL_UNKNOWN
									   : STL_FALSE;
}

/* Was the child true (ONCE) or false (HISTORICALLY) within the last hi_s? */
static bool within(const Cell *c, int64_t then, int64_t now)
{
	return then != CLOCK_NEVER && (isinf(c->hi_s) || now - then <= to_ns(c->hi_s));
}

static StlTruth recent(Cell *c, StlTruth child, int64_t now, StlTruth want)
{
	if (child == want)
		c->last_ns = now;
	else if (child == STL_UNKNOWN)
		c->unknown_ns = now;
	if (within(c, c->last_ns, now))
		return want == STL_TRUE ? STL_TRUE : STL_FALSE;
	if (within(c, c->unknown_ns, now))
		return STL_UNKNOWN;
	return want == STL_TRUE ? STL_FALSE : STL_TRUE;
}

static void look_at(StlMonitor *m, size_t i, int64_t now)
{
	Cell *c = &m->cells[i];
	const Cell *a = c->a >= 0 ? &m->cells[c->a] : NULL, *b = c->b >= 0 ? &m->cells[c->b] : NULL;
	StlTruth truth = STL_UNKNOWN;
	switch (c->kind) {
	case N_NUMBER:
	case N_PARAMETER:
		return;
	case N_SIGNAL:
		c->value = input_value(m, c, now);
		truth = isnan(c->value) ? STL_UNKNOWN : of(c->value > 0.5);
		break;
	case N_INITIAL:
		c->value = input_value(m, c, now);
		return;
	case N_NEGATE:
		c->value = -a->value;
		return;
	case N_ABS:
		c->value = fabs(a->value);
		return;
	case N_ADD:
		c->value = a->value + b->value;
		return;
	case N_SUB:
		c->value = a->value - b->value;
		return;
	case N_MUL:
		c->value = a->value * b->value;
		return;
	case N_DIV:
		c->value = b->value == 0 ? (double)NAN : a->value / b->value;
		return;
	case N_MIN:
		c->value =
			isnan(a->value) || isnan(b->value) ? (double)NAN : MIN(a->value, b->value);
		return;
	case N_MAX:
		c->value =
			isnan(a->value) || isnan(b->value) ? (double)NAN : MAX(a->value, b->value);
		return;
	case N_NORM:
		c->value = sqrt(a->value * a->value + b->value * b->value);
		return;
	case N_TRUE:
	case N_FALSE:
		truth = of(c->kind == N_TRUE);
		break;
	case N_LT:
	case N_LE:
	case N_GT:
	case N_GE:
	case N_EQ:
	case N_NE:
		truth = compare(c->kind, a->value, b->value);
		break;
	case N_NOT:
		truth = inverse(a->truth);
		break;
	case N_AND:
		truth = MIN(a->truth, b->truth);
		break;
	case N_OR:
		truth = MAX(a->truth, b->truth);
		break;
	case N_IMPLIES:
		truth = MAX(inverse(a->truth), b->truth);
		break;
	case N_XOR:
	case N_IFF:
		if (a->truth != STL_UNKNOWN && b->truth != STL_UNKNOWN)
			truth = of((a->truth == b->truth) == (c->kind == N_IFF));
		break;
	case N_RISE:
	case N_FALL:
		truth = edge(a, c->kind == N_RISE);
		break;
	case N_ONCE:
		truth = recent(c, a->truth, now, STL_TRUE);
		break;
	case N_HISTORICALLY:
		truth = recent(c, a->truth, now, STL_FALSE);
		break;
	case N_ALWAYS:
	case N_EVENTUALLY:
	case N_UNTIL:
	case N_SINCE:
	case N_WEAK_UNTIL:
	case N_NEXT:
	case N_STRONG_NEXT:
	case N_PREVIOUS:
	case N_STRONG_PREVIOUS:
	case N_EVERY:
	case N_SOME:
	case N_SQRT:
	case N_EXP:
	case N_POW:
	case N_MAX_OVER:
	case N_MIN_OVER:
	case N_MEAN_OVER:
	case N_COUNT:
	case N_DELAY:
	case N_DURATION:
		break;
	}
	if (c->truth != STL_UNKNOWN)
		c->before = c->truth;
	c->truth = truth;
}

static void decide(Duty *d, StlState state, int64_t t_ns)
{
	d->state = state;
	d->decided_ns = t_ns;
}

static void look_at_duty(const StlMonitor *m, Duty *d, int64_t now)
{
	int64_t t = now - m->start_ns;
	StlTruth truth = m->cells[d->cell].truth;
	if (d->state != STL_STATE_PENDING || t < d->from_ns)
		return;
	if (d->kind == N_TRUE) {
		if (truth != STL_UNKNOWN)
			decide(d, truth == STL_TRUE ? STL_STATE_TRUE : STL_STATE_FALSE, now);
		return;
	}
	if (t > d->to_ns)
		return; /* settled by close_duty() */
	if (d->kind == N_ALWAYS && truth == STL_FALSE)
		decide(d, STL_STATE_FALSE, now);
	else if (d->kind == N_EVENTUALLY && truth == STL_TRUE)
		decide(d, STL_STATE_TRUE, now);
	else if (truth == STL_UNKNOWN)
		d->unknown = true;
}

static void close_duty(const StlMonitor *m, Duty *d, int64_t now)
{
	if (d->state != STL_STATE_PENDING || d->to_ns == CLOCK_NEVER || d->kind == N_TRUE ||
	    now - m->start_ns <= d->to_ns)
		return;
	StlState state = d->kind == N_ALWAYS ? STL_STATE_TRUE : STL_STATE_FALSE;
	decide(d, d->unknown ? STL_STATE_UNKNOWN : state, m->start_ns + d->to_ns);
}

/* Everything together: one FALSE decides at once, TRUE when all are, UNKNOWN when nothing can change it any more. */
static void settle(StlMonitor *m)
{
	bool all = true, known = true;
	int64_t last = m->start_ns;
	for (size_t i = 0; i < m->n_duties && m->state == STL_STATE_PENDING; i++) {
		const Duty *d = &m->duties[i];
		if (d->state == STL_STATE_FALSE) {
			m->state = STL_STATE_FALSE;
			m->decided_ns = d->decided_ns;
			return;
		}
		all = all && d->state != STL_STATE_PENDING;
		known = known && d->state != STL_STATE_UNKNOWN;
		last = MAX(last, d->decided_ns);
	}
	if (all && m->state == STL_STATE_PENDING) {
		m->state = known ? STL_STATE_TRUE : STL_STATE_UNKNOWN;
		m->decided_ns = last;
	}
}

/* Signals arrive out of step, but what has been looked at is not looked at again. */
static void look(StlMonitor *m, int64_t now)
{
	now = m->now_ns = MAX(now, m->now_ns);
	for (size_t i = 0; i < m->n_cells; i++)
		look_at(m, i, now);
	if (!m->started || now < m->start_ns)
		return;
	for (size_t i = 0; i < m->n_duties; i++) {
		close_duty(m, &m->duties[i], now);
		look_at_duty(m, &m->duties[i], now);
	}
	settle(m);
}

/* ---- the interface ------------------------------------------------------------------------------------------------------------ */

void stl_monitor_start(StlMonitor *m, int64_t start_ns)
{
	m->start_ns = start_ns;
	m->started = true;
	m->state = STL_STATE_PENDING;
	m->decided_ns = -1;
	m->now_ns = start_ns;
	for (size_t i = 0; i < m->n_duties; i++) {
		m->duties[i].state = STL_STATE_PENDING;
		m->duties[i].unknown = false;
	}
	for (size_t i = 0; i < m->n_inputs; i++) {
		m->inputs[i].have_initial = m->inputs[i].have;
		m->inputs[i].initial = m->inputs[i].v;
	}
	for (size_t i = 0; i < m->n_cells; i++) {
		Cell *c = &m->cells[i];
		c->last_ns = CLOCK_NEVER;
		/* a bounded window that still reaches before the start has not been seen whole */
		c->unknown_ns = isinf(c->hi_s) ? CLOCK_NEVER : start_ns - 1;
		m->cells[i].truth = m->cells[i].before = STL_UNKNOWN;
	}
	for (size_t i = 0; i < m->n_cells; i++)
		look_at(m, i, start_ns);
	for (size_t i = 0; i < m->n_cells; i++) /* what stands at the start is no edge */
		m->cells[i].before = m->cells[i].truth;
}

void stl_monitor_feed(StlMonitor *m, unsigned signal, int64_t t_ns, double v, SampleStatus status)
{
	if (signal >= m->n_inputs)
		return;
	Input *in = &m->inputs[signal];
	if (in->have && t_ns <= in->t_ns) {
		m->late++;
		return;
	}
	if (status == SAMPLE_STALE)
		return;
	in->t_ns = t_ns;
	in->have = status != SAMPLE_MISSING && !isnan(v);
	in->v = v;
	if (!in->have_initial && in->have && (!m->started || t_ns >= m->start_ns)) {
		in->have_initial = m->started;
		in->initial = v;
	}
	if (m->state == STL_STATE_PENDING)
		look(m, t_ns);
}

StlState stl_monitor_state(StlMonitor *m, int64_t now_ns)
{
	if (m->state == STL_STATE_PENDING && m->started && now_ns >= m->start_ns)
		look(m, now_ns); /* time itself ends gaps, windows and historically */
	return m->state;
}

int64_t stl_monitor_decided_ns(const StlMonitor *m)
{
	return m->decided_ns;
}

uint64_t stl_monitor_late_samples(const StlMonitor *m)
{
	return m->late;
}

const char *stl_state_name(StlState state)
{
	switch (state) {
	case STL_STATE_PENDING:
		return "pending";
	case STL_STATE_TRUE:
		return "true";
	case STL_STATE_FALSE:
		return "false";
	case STL_STATE_UNKNOWN:
		return "unknown";
	}
	return "?";
}
