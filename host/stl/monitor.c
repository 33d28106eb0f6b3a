/* Online: a formula as a list of cells (cells.h), looked at whenever something changes. Bounded memory, no recursion, no
 * allocation after stl_monitor_new().
 *
 * From the start on there is one verdict: `always[a, b] p`, `eventually[a, b] p`, conjunctions of these, and p itself, where p
 * looks at the present, the past, and a bounded time ahead. */
#include "flow.h"

#include <math.h>
#include <string.h>

struct StlMonitor {
	StlMonitorMode mode;
	Cells all;
	Flow *flow; /* NULL: the formula is not of that kind */
	size_t n_duties;
	Duty *duties;
	int64_t decided_ns, now_ns;
	int64_t next_ns; /* when something changes without a sample, as of the last look */
	int64_t due_ns; /* samples have come for this time and wait for others of the same; CLOCK_NEVER */
	StlState state;
	uint64_t late;
	bool started, margin; /* margin: all atoms have one unit */
	unsigned rest;        /* looks until the flow is tried again */
	bool leaving;         /* the flow's waiting samples are fed again */
};

/* ---- compiling ---------------------------------------------------------------------------------------------------------- */

typedef struct Compiler {
	const StlFormula *f;
	GArray *cells, *duties;
	GError **error;
	bool failed;
} Compiler;

static void refuse(Compiler *c, const Node *n, const char *why)
{
	GString *text = g_string_new(NULL);
	node_print(c->f, n, true, text);
	g_set_error(c->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "column %u: '%s' cannot be watched while running: %s", n->column, text->str,
		    why);
	g_string_free(text, TRUE);
	c->failed = true;
}

static int64_t to_ns(double s)
{
	return isinf(s) ? CLOCK_NEVER : (int64_t)llround(s * 1e9);
}

/* All bounds together, in seconds: no sum of times here overflows below LONGEST_S. */
#define LONGEST_S 1e9

static double all_bounds(const Node *n)
{
	double own = 0;
	if (!n)
		return 0;
	if (node_is_temporal(n->kind))
		own = (isfinite(n->lo_s) ? fabs(n->lo_s) : 0) +
		      (isfinite(n->hi_s) ? fabs(n->hi_s) : 0);
	return own + all_bounds(n->a) + all_bounds(n->b);
}

static void compile_duties(Compiler *c, const Node *n, StlMonitorMode mode)
{
	bool holds = mode == STL_MONITOR_HOLDS;
	if (c->failed)
		return;
	if (holds && n->kind == N_EVERY) {
		compile_duties(c, n->a, mode);
		return;
	}
	if (holds && n->kind == N_AND) {
		compile_duties(c, n->a, mode);
		compile_duties(c, n->b, mode);
		return;
	}
	Duty d = {.kind = N_TRUE};
	bool until = holds && (n->kind == N_UNTIL || n->kind == N_WEAK_UNTIL);
	bool window = holds && (n->kind == N_ALWAYS || n->kind == N_EVENTUALLY || until);
	if (window) {
		d.kind = n->kind;
		d.from_ns = to_ns(n->lo_s);
		d.to_ns = to_ns(n->hi_s);
		d.from_open = n->lo_open;
		d.to_open = n->hi_open;
	} else if (!holds) {
		d.kind = N_EVENTUALLY;
		d.to_ns = CLOCK_NEVER;
	}
	const Node *bad = NULL;
	const char *why = NULL;
	d.cell = cells_compile(c->cells, c->f, window ? n->a : n, &bad, &why);
	if (until && !bad)
		d.witness = cells_compile(c->cells, c->f, n->b, &bad, &why);
	if (until && !bad)
		cells_align(c->cells, &d.cell, &d.witness);
	if (bad)
		refuse(c, bad, why);
	else if (!holds && g_array_index(c->cells, Cell, d.cell).ahead_ns > 0)
		refuse(c, n, "it looks into the future"); /* it would come true too late */
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
	if (all_bounds(f->root) > LONGEST_S)
		refuse(&c, f->root, "its bounds are longer than 1e9 s");
	compile_duties(&c, f->root, mode);
	StlMonitor *m = g_new0(StlMonitor, 1);
	m->mode = mode;
	m->margin = !f->mixed;
	m->all.n = cells->len;
	m->all.cells = g_memdup2(cells->data, cells->len * sizeof(Cell));
	m->all.n_inputs = f->signals->len;
	m->all.inputs = g_new0(Input, m->all.n_inputs + 1);
	m->n_duties = duties->len;
	m->duties = g_memdup2(duties->data, duties->len * sizeof(Duty));
	for (size_t i = 0; i < m->all.n_inputs && max_gap_ns; i++)
		m->all.inputs[i].gap_ns = max_gap_ns[i];
	m->decided_ns = -1;
	m->due_ns = m->next_ns = CLOCK_NEVER;
	cells_ready(&m->all);
	if (c.failed)
		g_clear_pointer(&m, stl_monitor_free);
	else
		m->flow = flow_new(&m->all, m->duties, m->n_duties);
	return m;
}

void stl_monitor_free(StlMonitor *m)
{
	if (!m)
		return;
	flow_free(m->flow);
	cells_clear(&m->all);
	g_free(m->duties);
	g_free(m);
}

/* ---- duties ------------------------------------------------------------------------------------------------------------- */

static StlState state_of(const Value *v)
{
	static const StlState states[] = {[STL_TRUE] = STL_STATE_TRUE,
					  [STL_FALSE] = STL_STATE_FALSE,
					  [STL_UNKNOWN] = STL_STATE_UNKNOWN};
	return states[value_truth(v)];
}

/* `open`: the window goes on beyond the end, where g may come as long as f held. A weak until is content when f held all of its
 * window, which without a bound is all there is. */
static void close_until(Duty *d, bool open)
{
	bool held = d->kind == N_WEAK_UNTIL && (!open || d->to_ns == CLOCK_NEVER);
	for (int i = 0; i < SIDES && d->any; i++)
		if (held || (open && i == HI))
			d->so_far.x[i] = key_most(d->so_far.x[i], d->held.x[i]);
}

/* Nothing more will be accounted. */
static void close_duty(Duty *d, int64_t now, bool open)
{
	if (duty_is_until(d))
		close_until(d, open);
	else if (open)
		duty_account(d, d->kind, value_unknown, now);
	if (!d->any)
		d->so_far = value_unknown;
	d->any = d->closed = true;
	duty_decide(d, state_of(&d->so_far), now);
}

static int64_t behind(const StlMonitor *m, const Duty *d)
{
	return m->all.start_ns + m->all.cells[d->cell].ahead_ns;
}

/* The window's end, but not beyond the end of all. */
static int64_t last_of(const StlMonitor *m, const Duty *d)
{
	int64_t end = m->all.end_ns;
	return end == CLOCK_NEVER ? d->to_ns : MIN(d->to_ns, end - m->all.start_ns);
}

/* From the last look until now. What moves in that time has its least and largest value at an end, or its bounds say so. */
static void account_stretch(StlMonitor *m, Duty *d, int64_t now)
{
	int64_t t = m->now_ns - behind(m, d);
	bool inside = t >= d->from_ns && t < last_of(m, d);
	if (d->closed || d->kind == N_TRUE || now <= m->now_ns)
		return;
	Value first, last, v = cells_between(&m->all, d->cell, m->now_ns, now, &first, &last);
	if (duty_is_until(d) && t >= 0 && t < last_of(m, d)) {
		Value g = cells_between(&m->all, d->witness, m->now_ns, now, &first, &last);
		duty_account_until(d, v, g, true, inside, m->now_ns);
	} else if (inside && !duty_is_until(d)) {
		if (d->kind == N_ALWAYS)
			v.x[HI] = key_least(first.x[HI], last.x[HI]);
		else
			v.x[LO] = key_most(first.x[LO], last.x[LO]);
		bool moves = m->all.cells[d->cell]
				     .moves; /* when in that time it was decided is not seen */
		duty_account(d, d->kind, v, moves ? now : m->now_ns);
	}
}

static void account_instant(const StlMonitor *m, Duty *d, int64_t now)
{
	int64_t t = now - behind(m, d), last = last_of(m, d);
	const Value v = m->all.cells[d->cell].at;
	bool first_open = d->from_open && t == d->from_ns, last_open = d->to_open && t == d->to_ns;
	if (d->closed || t < (duty_is_until(d) ? 0 : d->from_ns))
		return;
	if (d->kind == N_TRUE) { /* p itself: as soon as it is known */
		if (state_of(&v) == STL_STATE_UNKNOWN)
			return;
		duty_account(d, d->kind, v, now);
		close_duty(d, now, false);
	} else if (t > last) {
		if (d->to_ns == last)
			close_duty(d, behind(m, d) + d->to_ns, false);
	} else if (duty_is_until(d)) {
		duty_account_until(d, v, m->all.cells[d->witness].at, !last_open,
				   t >= d->from_ns && !first_open && !last_open, now);
	} else if (!first_open && !last_open) {
		duty_account(d, d->kind, v, now);
	}
}

/* Everything together: one FALSE decides at once, TRUE when all are, UNKNOWN when nothing can change it any more. */
static void settle(StlMonitor *m)
{
	bool all = true, known = true, broken = false;
	int64_t last = m->all.start_ns, first = CLOCK_NEVER;
	if (m->state != STL_STATE_PENDING)
		return;
	for (size_t i = 0; i < m->n_duties; i++) {
		const Duty *d = &m->duties[i];
		if (d->state == STL_STATE_FALSE) {
			broken = true;
			first = MIN(first, d->decided_ns);
		}
		all = all && d->state != STL_STATE_PENDING;
		known = known && d->state != STL_STATE_UNKNOWN;
		last = MAX(last, d->decided_ns);
	}
	if (!broken && !all)
		return;
	m->state = broken ? STL_STATE_FALSE : known ? STL_STATE_TRUE : STL_STATE_UNKNOWN;
	m->decided_ns = broken ? first : last;
}

/* ---- looking ------------------------------------------------------------------------------------------------------------ */

/* When a duty's window next begins or ends. */
static int64_t next_duty(const StlMonitor *m)
{
	int64_t best = CLOCK_NEVER;
	for (size_t i = 0; i < m->n_duties; i++) {
		const Duty *d = &m->duties[i];
		int64_t from = behind(m, d) + d->from_ns;
		if (d->closed)
			continue;
		if (from > m->now_ns)
			best = MIN(best, from);
		if (d->to_ns != CLOCK_NEVER && behind(m, d) + d->to_ns > m->now_ns)
			best = MIN(best, behind(m, d) + d->to_ns);
	}
	return best;
}

/* The next time at which something changes without a sample. */
static int64_t next_of(const StlMonitor *m)
{
	return MIN(cells_next(&m->all, m->now_ns), next_duty(m));
}

static void look(StlMonitor *m, int64_t now)
{
	for (size_t i = 0; i < m->n_duties; i++)
		account_stretch(m, &m->duties[i], now);
	cells_look(&m->all, now);
	m->now_ns = now;
	for (size_t i = 0; i < m->n_duties; i++)
		account_instant(m, &m->duties[i], now);
	settle(m);
	m->next_ns = next_of(m);
}

/* All that happens before t, with the inputs as they are. */
static void run_before(StlMonitor *m, int64_t t)
{
	while (m->next_ns < t)
		look(m, m->next_ns);
}

/* The samples that wait are looked at; what happened before them of itself has been already. */
static void run_due(StlMonitor *m)
{
	int64_t due = m->due_ns;
	m->due_ns = CLOCK_NEVER;
	if (due != CLOCK_NEVER)
		look(m, due);
}

static bool open_duties(const StlMonitor *m)
{
	for (size_t i = 0; i < m->n_duties; i++)
		if (!m->duties[i].closed)
			return true;
	return false;
}

#define REST 100

/* ---- flowing ------------------------------------------------------------------------------------------------------------ */

static void feed_sample(StlMonitor *m, unsigned signal, int64_t t_ns, double v,
			SampleStatus status);

/* A window that has ended is closed at the next look. */
static bool closes_soon(const StlMonitor *m)
{
	for (size_t i = 0; i < m->n_duties; i++)
		if (!m->duties[i].closed &&
		    m->now_ns - behind(m, &m->duties[i]) >= m->duties[i].to_ns)
			return true;
	return false;
}

static void flow_on(StlMonitor *m)
{
	if (m->rest > 0 && m->rest-- > 0)
		return;
	if (!m->flow || m->flow->on || m->leaving || m->due_ns != CLOCK_NEVER ||
	    m->all.end_ns != CLOCK_NEVER || closes_soon(m) ||
	    !flow_enter(m->flow, m->now_ns, next_duty(m)))
		return;
	settle(m);
}

static void flow_off(StlMonitor *m)
{
	Flow *f = m->flow;
	flow_leave(f);
	m->now_ns = f->now_ns;
	m->next_ns = next_of(m);
	settle(m);
	m->leaving = true;
	for (size_t i = 0; i < m->all.n_inputs; i++)
		if (flow_waits(f, i))
			feed_sample(m, (unsigned)i, f->inputs[i].t_ns, f->inputs[i].v, SAMPLE_OK);
	m->leaving = false;
}

/* What the flow does not know how to treat. False: the cells have taken over, and must. */
static bool flow_other(StlMonitor *m, unsigned signal, int64_t t_ns, SampleStatus status)
{
	if (t_ns <= m->flow->inputs[signal].t_ns) {
		m->late++;
		return true;
	}
	if (status == SAMPLE_STALE)
		return true;
	if (t_ns <= m->flow->now_ns) /* who asks ahead of samples will do so again */
		m->rest = REST;
	flow_off(m);
	return false;
}

/* ---- the interface ------------------------------------------------------------------------------------------------------ */

void stl_monitor_start(StlMonitor *m, int64_t start_ns)
{
	m->started = true;
	m->state = STL_STATE_PENDING;
	m->decided_ns = -1;
	m->due_ns = start_ns;
	m->next_ns = CLOCK_NEVER;
	m->now_ns = start_ns;
	for (size_t i = 0; i < m->n_duties; i++) {
		Duty *d = &m->duties[i];
		d->state = STL_STATE_PENDING;
		d->any = d->closed = false;
		d->so_far = d->held = value_unknown;
	}
	for (size_t i = 0; i < m->all.n_inputs; i++) {
		Input *in = &m->all.inputs[i];
		in->have_initial =
			in->have && !(in->gap_ns > 0 && start_ns - in->t_ns > in->gap_ns);
		in->initial = in->v;
	}
	cells_start(&m->all, start_ns);
	m->rest = 0;
	if (m->flow)
		m->flow->on = false;
}

/* False: it is for the cells. */
static inline bool flow_takes(StlMonitor *m, unsigned signal, int64_t t_ns, double v,
			      SampleStatus status)
{
	if (!m->flow || !m->flow->on)
		return false;
	bool have = status == SAMPLE_OK || status == SAMPLE_SATURATED;
	return (have && flow_feed(m->flow, signal, t_ns, v)) || flow_other(m, signal, t_ns, status);
}

static void feed_sample(StlMonitor *m, unsigned signal, int64_t t_ns, double v, SampleStatus status)
{
	Input *in = &m->all.inputs[signal];
	if (in->fed && t_ns <= in->t_ns) {
		m->late++;
		return;
	}
	if (status == SAMPLE_STALE)
		return;
	bool running = m->started && open_duties(m);
	if (running && t_ns > m->now_ns) {
		if (m->due_ns < t_ns)
			run_due(m);
		if (m->due_ns == CLOCK_NEVER) {
			run_before(m, t_ns);
			flow_on(m);
			if (flow_takes(m, signal, t_ns, v, status))
				return;
		}
	}
	in->t_ns = t_ns;
	in->fed = true;
	in->have = status != SAMPLE_MISSING && !isnan(v);
	in->v = v;
	if (!in->have_initial && in->have && m->started) {
		in->have_initial = true;
		in->initial = v;
	}
	if (running)
		m->due_ns = m->due_ns == CLOCK_NEVER ? MAX(t_ns, m->now_ns) : MAX(t_ns, m->due_ns);
}

static G_GNUC_NO_INLINE void feed_other(StlMonitor *m, unsigned signal, int64_t t_ns, double v,
					SampleStatus status)
{
	if (signal < m->all.n_inputs && !flow_takes(m, signal, t_ns, v, status))
		feed_sample(m, signal, t_ns, v, status);
}

void stl_monitor_feed(StlMonitor *m, unsigned signal, int64_t t_ns, double v, SampleStatus status)
{
	Flow *f = m->flow; /* what is fed a thousand times a second goes straight there */
	if (!f || !f->on || status != SAMPLE_OK || signal >= m->all.n_inputs ||
	    !flow_feed(f, signal, t_ns, v))
		feed_other(m, signal, t_ns, v, status);
}

static G_GNUC_NO_INLINE StlState look_until(StlMonitor *m, int64_t now_ns)
{
	if (!m->started || now_ns < m->all.start_ns || !open_duties(m))
		return m->state;
	run_due(m);
	if (now_ns > m->now_ns) { /* time itself ends gaps, windows and historically */
		run_before(m, now_ns);
		look(m, now_ns);
	}
	flow_on(m);
	return m->state;
}

StlState stl_monitor_state(StlMonitor *m, int64_t now_ns)
{
	Flow *f = m->flow;
	if (!f || !f->on)
		return look_until(m, now_ns);
	bool waits = f->due_ns != CLOCK_NEVER,
	     goes_on = flow_to(f, waits ? MAX(now_ns, f->due_ns) : now_ns);
	if (f->decided)
		settle(m);
	f->decided = false;
	if (goes_on)
		return m->state;
	flow_off(m);
	return look_until(m, now_ns);
}

StlState stl_monitor_end(StlMonitor *m, int64_t end_ns)
{
	if (!m->started || end_ns < m->all.start_ns || m->all.end_ns != CLOCK_NEVER)
		return m->state;
	if (m->flow && m->flow->on)
		flow_off(m);
	m->leaving = true;
	if (m->due_ns < end_ns)
		run_due(m);
	m->due_ns = CLOCK_NEVER;
	run_before(m, end_ns);
	m->all.end_ns = end_ns;
	look(m, MAX(end_ns, m->now_ns));
	run_before(m, CLOCK_NEVER);
	for (size_t i = 0; i < m->n_duties; i++) {
		Duty *d = &m->duties[i];
		int64_t end = end_ns - m->all.start_ns;
		bool beyond = (d->to_ns != CLOCK_NEVER && d->to_ns > end) || d->from_ns > end ||
			      (d->from_open && d->from_ns == end);
		if (!d->closed)
			close_duty(d, end_ns, beyond);
	}
	settle(m);
	m->leaving = false;
	return m->state;
}

void stl_monitor_robustness(const StlMonitor *m, double *ret_lo, double *ret_hi)
{
	int64_t lo = KEY_MOST, hi = KEY_MOST;
	for (const Duty *d = m->duties, *end = d + m->n_duties; d < end; d++) {
		bool low = d->closed || (d->any && d->kind != N_ALWAYS),
		     high = d->closed || (d->any && d->kind != N_EVENTUALLY);
		int64_t top = d->so_far.x[HI];
		if (duty_is_until(d) && !d->closed)
			top = key_most(top, d->held.x[HI]);
		lo = key_least(lo, low ? d->so_far.x[LO] : KEY_LEAST);
		hi = key_least(hi, high ? top : KEY_MOST);
	}
	*ret_lo = m->margin ? key_double(lo) : -INF;
	*ret_hi = m->margin ? key_double(hi) : INF;
}

int64_t stl_monitor_decided_ns(const StlMonitor *m)
{
	return m->decided_ns;
}

uint64_t stl_monitor_late_samples(const StlMonitor *m)
{
	return m->late;
}

size_t stl_monitor_bytes(const StlMonitor *m)
{
	size_t flow = m->flow ? flow_bytes(m->flow) : 0;
	return sizeof(*m) + flow + m->n_duties * sizeof(Duty) + m->all.n_inputs * sizeof(Input) +
	       cells_bytes(&m->all);
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
