/* The line t(ticks) that leaves the most room to every exchange.
 *
 * A ping says that the node's stamp lies later than its sending by the link's least delay d and something positive, a
 * pong that it lies earlier than its arrival by d and something positive. For delays that scatter exponentially above
 * their least, and for outliers, which only add, the most probable line is the one with the largest d that no exchange
 * contradicts: a linear programme in offset, slope and d. Its error falls with 1/n, a regression's with 1/sqrt(n). */
#include "node.h"

#include <math.h>

#define MIN_HALF_NS 500 /* a tick */
#define FEW 30
#define WARMING 1e-16 /* per ns: 0.1 ppm/s, a resonator just powered; until a window ago is known */
#define HALVINGS 44   /* of a slope interval of 4 %: to 1e-15 */

/* Variances and covariance of offset (at the window's middle) and slope (over the window) in units of (tau / n)²,
 * from 4,000 simulations of n = 480 exchanges, evenly spaced; tests/firmware/clock_test.c checks what becomes of them. */
#define K_OFFSET 1.18
#define K_SLOPE 17.2

void node_clock_init(NodeClock *c, double tick_hz, double asymmetry_ns)
{
	memset(c, 0, sizeof *c);
	c->nominal_ns = 1e9 / tick_hz;
	c->asymmetry_ns = asymmetry_ns;
	c->bend = WARMING;
}

bool node_clock_ready(const NodeClock *c)
{
	return c->n > 0;
}

static double predict(const NodeClock *c, uint64_t ticks)
{
	return c->offset_ns +
	       (double)(int64_t)(ticks - c->ref_ticks) * (c->nominal_ns + c->slope_ns);
}

int64_t node_clock_bench(const NodeClock *c, uint64_t ticks)
{
	return c->ref_ns + (int64_t)llround(predict(c, ticks));
}

uint64_t node_clock_ticks(const NodeClock *c, int64_t t_ns)
{
	double x = ((double)(t_ns - c->ref_ns) - c->offset_ns) / (c->nominal_ns + c->slope_ns);
	return c->ref_ticks + (uint64_t)(int64_t)llround(x);
}

double node_clock_drift_ppm(const NodeClock *c)
{
	return -c->slope_ns / c->nominal_ns * 1e6; /* longer ticks: a slower node */
}

double node_clock_u_ns(const NodeClock *c, uint64_t ticks)
{
	double x = (double)(int64_t)(ticks - c->ref_ticks) * c->nominal_ns - c->middle_ns;
	double bend = c->bend * (x * x - c->span_ns * c->span_ns / 8) / 2;
	return sqrt(c->var_offset + x * x * c->var_slope + bend * bend + c->var_bias);
}

/* ---- the programme ------------------------------------------------------------------------------------------------- */

typedef struct {
	double lo_x, lo_y, hi_x, hi_y; /* ns from the reference; y less the nominal line */
} Bound;

/* How a line of this slope lies: highest intercept of the lower bounds, lowest of the upper. */
typedef struct {
	double lo, hi, lo_x, hi_x;
} Room;

static Room room_at(const Bound *b, unsigned n, double slope)
{
	Room r = {.lo = -INFINITY, .hi = INFINITY};
	for (unsigned i = 0; i < n; i++) {
		double lo = b[i].lo_y - slope * b[i].lo_x, hi = b[i].hi_y - slope * b[i].hi_x;
		if (lo > r.lo) {
			r.lo = lo;
			r.lo_x = b[i].lo_x;
		}
		if (hi < r.hi) {
			r.hi = hi;
			r.hi_x = b[i].hi_x;
		}
	}
	return r;
}

/* The room is concave in the slope; with the resonator's tolerance as prior its maximum is where this changes sign. */
static double best_slope(const Bound *b, unsigned n, double tau)
{
	double lo = -4 * NODE_CLOCK_TOLERANCE, hi = 4 * NODE_CLOCK_TOLERANCE;
	double sigma = NODE_CLOCK_TOLERANCE / 2;
	for (int i = 0; i < HALVINGS; i++) {
		double slope = (lo + hi) / 2;
		Room r = room_at(b, n, slope);
		if (n / tau * (r.lo_x - r.hi_x) - slope / (sigma * sigma) > 0)
			lo = slope;
		else
			hi = slope;
	}
	return (lo + hi) / 2;
}

static unsigned bounds_of(const NodeClock *c, Bound *ret)
{
	for (unsigned i = 0; i < c->n; i++) {
		const NodeClockPoint *p =
			&c->point[(c->next + NODE_CLOCK_POINTS - c->n + i) % NODE_CLOCK_POINTS];
		double in = (double)(int64_t)(p->received - c->ref_ticks) * c->nominal_ns;
		double out = (double)(int64_t)(p->sent - c->ref_ticks) * c->nominal_ns;
		ret[i] = (Bound){in, (double)(p->from_ns - c->ref_ns) - in, out,
				 (double)(p->to_ns - c->ref_ns) - out};
	}
	return c->n;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The median is 1 / ln 2 times smaller than the mean and does not see outliers. */
static double scatter(const Bound *b, unsigned n, const Room *r, double slope)
{
	double excess[2 * NODE_CLOCK_POINTS] = {0};
	for (unsigned i = 0; i < n; i++) {
		excess[2 * i] = r->lo - (b[i].lo_y - slope * b[i].lo_x);
		excess[2 * i + 1] = b[i].hi_y - slope * b[i].hi_x - r->hi;
	}
	qsort(excess, 2 * n, sizeof *excess, by_size);
	return excess[n] / G_LN2;
}

/* Frequency changes with temperature: how fast, from this window's slope and the one a window ago. */
static void watch_bend(NodeClock *c, double slope)
{
	int64_t since = c->ref_ns - c->slope_then_ns;
	if (c->n < NODE_CLOCK_POINTS || (double)since < c->span_ns)
		return;
	if (c->slope_then_ns)
		c->bend = (slope - c->slope_then) / (double)since;
	c->slope_then = slope;
	c->slope_then_ns = c->ref_ns;
}

static double mean_half(const NodeClock *c)
{
	double sum = c->in_block ? (double)c->best_half_ns : 0;
	for (unsigned i = 0; i < c->halves; i++)
		sum += (double)c->half_ns[i];
	return sum / (c->halves + (c->in_block ? 1 : 0));
}

static void uncertainty(NodeClock *c, const Bound *b, double tau)
{
	if (c->n <
	    FEW) /* the line goes through nearly every point: they say little about the scatter */
		tau = fmax(tau, mean_half(c));
	double per = tau / c->n, sigma = NODE_CLOCK_TOLERANCE / 2;
	c->span_ns = b[c->n - 1].hi_x - b[0].lo_x;
	c->middle_ns = (b[c->n - 1].hi_x + b[0].lo_x) / 2;
	double slope = c->span_ns > 0 ? sqrt(K_SLOPE) * per / c->span_ns : sigma;
	slope = fmin(slope, sigma);
	/* a delay that differs between the two ways by up to `asymmetry` moves the line by half of it, always the same
	 * way; when nobody knows, it may sit anywhere in the narrowest intervals: rectangular (GUM 4.3.7) */
	double half = mean_half(c) + c->wire_ns;
	if (!isnan(c->asymmetry_ns))
		half = fmin(half, c->asymmetry_ns / 2);
	c->var_offset = K_OFFSET * per * per;
	c->var_slope = slope * slope;
	c->var_bias = half * half / 3 + c->nominal_ns * c->nominal_ns / 12;
}

/* Oldest half forgotten: the exchanges contradict each other, so the node's clock has moved by less than a jump. */
static void forget_half(NodeClock *c)
{
	c->n /= 2;
	c->halves = 0;
}

static void fit(NodeClock *c)
{
	Bound b[NODE_CLOCK_POINTS];
	double tau = fmax(c->tau_ns, 20e3), slope;
	Room r;
	for (;;) {
		bounds_of(c, b);
		slope = best_slope(b, c->n, tau);
		r = room_at(b, c->n, slope);
		if (r.hi - r.lo > -4 * c->nominal_ns || c->n < 2)
			break;
		forget_half(c);
	}
	c->tau_ns = scatter(b, c->n, &r, slope);
	c->offset_ns = (r.lo + r.hi) / 2;
	c->slope_ns = slope * c->nominal_ns;
	uncertainty(c, b, fmax(c->tau_ns, c->nominal_ns));
	watch_bend(c, slope);
}

/* ---- exchanges ------------------------------------------------------------------------------------------------------ */

static int64_t half_of(const NodeClock *c, const NodeClockPoint *p)
{
	double inside = (double)(int64_t)(p->sent - p->received) * c->nominal_ns;
	return MAX((p->to_ns - p->from_ns - (int64_t)llround(inside)) / 2, MIN_HALF_NS);
}

static void end_block(NodeClock *c)
{
	memmove(c->half_ns + 1, c->half_ns, sizeof c->half_ns - sizeof c->half_ns[0]);
	c->half_ns[0] = c->best_half_ns;
	c->halves = MIN(c->halves + 1, NODE_CLOCK_POINTS / NODE_CLOCK_BLOCK);
	c->in_block = 0;
}

static bool contradicts(const NodeClock *c, const NodeClockPoint *p, int64_t *ret_jump_ns)
{
	if (!node_clock_ready(c))
		return false;
	int64_t half = half_of(c, p);
	int64_t jump = p->from_ns + half - node_clock_bench(c, p->received);
	*ret_jump_ns = jump;
	return (double)llabs(jump) > 3 * node_clock_u_ns(c, p->received) + (double)half;
}

static void keep(NodeClock *c, const NodeClockPoint *p)
{
	int64_t half = half_of(c, p);
	c->point[c->next] = *p;
	c->next = (c->next + 1) % NODE_CLOCK_POINTS;
	c->n = MIN(c->n + 1, NODE_CLOCK_POINTS);
	c->ref_ticks = p->received;
	c->ref_ns = p->from_ns;
	c->best_half_ns = c->in_block ? MIN(c->best_half_ns, half) : half;
	c->in_block++;
}

NodeClockResult node_clock_add(NodeClock *c, const NodeExchange *e, int64_t *ret_jump_ns)
{
	NodeClockPoint p = {e->node_received, e->node_sent, e->sent_ns + e->wire_out_ns,
			    e->received_ns - e->wire_in_ns};
	NodeClockResult result = NODE_CLOCK_TAKEN;
	int64_t jump = 0;
	if (contradicts(c, &p, &jump)) {
		if (++c->misfits < 2)
			return NODE_CLOCK_DOUBTED;
		node_clock_init(c, 1e9 / c->nominal_ns, c->asymmetry_ns);
		*ret_jump_ns = jump;
		result = NODE_CLOCK_BROKE;
	}
	c->misfits = 0;
	c->wire_ns = fabs((double)(e->wire_in_ns - e->wire_out_ns)) / 2;
	uint64_t ref_ticks = c->ref_ticks;
	int64_t ref_ns = c->ref_ns;
	keep(c, &p);
	bool full = c->in_block >= NODE_CLOCK_BLOCK;
	if (full)
		end_block(c);
	if (full || c->n <= 3 * NODE_CLOCK_BLOCK) {
		fit(c);
	} else { /* a line of a fifth of a second ago is as good */
		c->ref_ticks = ref_ticks;
		c->ref_ns = ref_ns;
	}
	return result;
}
