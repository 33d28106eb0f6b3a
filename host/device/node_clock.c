#include "node.h"

#include <math.h>

#define MIN_HALF_NS 500 /* a tick */

void node_clock_init(NodeClock *c, double tick_hz)
{
	memset(c, 0, sizeof *c);
	c->nominal_ns = 1e9 / tick_hz;
}

bool node_clock_ready(const NodeClock *c)
{
	return c->n > 0 || c->in_block > 0;
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
	double x = (double)(int64_t)(ticks - c->ref_ticks);
	double var = c->var_offset + 2 * x * c->cov + x * x * c->var_slope + c->var_bias;
	return sqrt(fmax(var, 0));
}

/* Weighted least squares of (t - nominal line) on ticks, with a prior on the slope: its two normal equations. */
static void fit(NodeClock *c)
{
	const NodeClockPoint *all[NODE_CLOCK_POINTS + 1];
	unsigned n = 0;
	for (unsigned i = 0; i < c->n; i++)
		all[n++] = &c->point[i];
	if (c->in_block)
		all[n++] = &c->best;
	c->ref_ticks = all[n - 1]->ticks;
	c->ref_ns = all[n - 1]->t_ns;
	double prior = c->nominal_ns * NODE_CLOCK_TOLERANCE / 2;
	double s0 = 0, s1 = 0, s2 = 1 / (prior * prior), r0 = 0, r1 = 0, half_sum = 0;
	for (unsigned i = 0; i < n; i++) {
		double half = (double)all[i]->half_ns, w = 1 / (half * half);
		double x = (double)(int64_t)(all[i]->ticks - c->ref_ticks);
		double y = (double)(all[i]->t_ns - c->ref_ns) - x * c->nominal_ns;
		s0 += w;
		s1 += w * x;
		s2 += w * x * x;
		r0 += w * y;
		r1 += w * x * y;
		half_sum += half;
	}
	double det = s0 * s2 - s1 * s1;
	c->offset_ns = (s2 * r0 - s1 * r1) / det;
	c->slope_ns = (s0 * r1 - s1 * r0) / det;
	c->var_offset = s2 / det;
	c->cov = -s1 / det;
	c->var_slope = s0 / det;
	double bias = half_sum / n;
	c->var_bias = bias * bias / 3;
}

static NodeClockPoint bounds(const NodeClock *c, const NodeExchange *e)
{
	int64_t inside = (int64_t)llround((double)(int64_t)(e->node_sent - e->node_received) *
					  c->nominal_ns);
	int64_t from = e->sent_ns + e->wire_out_ns, to = e->received_ns - e->wire_in_ns - inside;
	NodeClockPoint p = {e->node_received, from + (to - from) / 2,
			    MAX((to - from) / 2, MIN_HALF_NS)};
	return p;
}

static void end_block(NodeClock *c)
{
	c->point[c->next] = c->best;
	c->next = (c->next + 1) % NODE_CLOCK_POINTS;
	c->n = MIN(c->n + 1, NODE_CLOCK_POINTS);
	c->in_block = 0;
}

static bool contradicts(const NodeClock *c, const NodeClockPoint *p, int64_t *ret_jump_ns)
{
	if (!node_clock_ready(c))
		return false;
	int64_t jump = p->t_ns - node_clock_bench(c, p->ticks);
	*ret_jump_ns = jump;
	return (double)llabs(jump) > 3 * node_clock_u_ns(c, p->ticks) + (double)p->half_ns;
}

NodeClockResult node_clock_add(NodeClock *c, const NodeExchange *e, int64_t *ret_jump_ns)
{
	NodeClockPoint p = bounds(c, e);
	NodeClockResult result = NODE_CLOCK_TAKEN;
	int64_t jump = 0;
	if (contradicts(c, &p, &jump)) {
		if (++c->misfits < 2)
			return NODE_CLOCK_DOUBTED;
		double nominal = c->nominal_ns;
		node_clock_init(c, 1e9 / nominal);
		*ret_jump_ns = jump;
		result = NODE_CLOCK_BROKE;
	}
	c->misfits = 0;
	if (!c->in_block || p.half_ns <= c->best.half_ns)
		c->best = p;
	if (++c->in_block >= NODE_CLOCK_BLOCK)
		end_block(c);
	fit(c);
	return result;
}
