#include "mean.h"

#include "sum.h"

/* From t on x is v. */
typedef struct Turn {
	int64_t t;
	double v[SIDES];
	Sum sum[SIDES];        /* twice the integral up to t */
	double unknown[SIDES]; /* how long nothing was known up to t, in ns */
} Turn;

struct Mean {
	int64_t width_ns, start_ns;
	Turn *ring;
	unsigned capacity, head,
		tail; /* counted up for ever; the head is the last at or before the window's beginning */
	Value last; /* of the mean, at the last look */
	bool begun;
};

Mean *mean_new(int64_t width_ns)
{
	Mean *m = g_new0(Mean, 1);
	m->width_ns = width_ns;
	m->capacity = cells_room(width_ns);
	m->ring = g_new0(Turn, m->capacity);
	mean_start(m);
	return m;
}

void mean_free(Mean *m)
{
	if (m)
		g_free(m->ring);
	g_free(m);
}

size_t mean_bytes(const Mean *m)
{
	return sizeof(*m) + m->capacity * sizeof(Turn);
}

void mean_start(Mean *m)
{
	m->head = m->tail = 0;
	m->last = value_unknown;
	m->begun = false;
}

static Turn *turn_at(const Mean *m, unsigned i)
{
	return &m->ring[i & (m->capacity - 1)];
}

/* Up to t, which is not before `turn`. */
static Sum integral(const Turn *turn, int side, int64_t t, double *ret_unknown)
{
	const double w = (double)(t - turn->t), v = turn->v[side];
	*ret_unknown = turn->unknown[side] + (isfinite(v) ? 0 : w);
	return isfinite(v) && w > 0 ? sum_plus_product(turn->sum[side], w, v + v) : turn->sum[side];
}

/* Over the window that ends at t, which is not after the next change. */
static Value mean_at(const Mean *m, int64_t t)
{
	Value out = value_unknown;
	const int64_t first = t - m->width_ns;
	unsigned i = m->head;
	if (!m->begun || first < m->start_ns || first < turn_at(m, i)->t)
		return out;
	while (i + 1 != m->tail && turn_at(m, i + 1)->t <= first)
		i++;
	const Turn *old = turn_at(m, i), *new = turn_at(m, m->tail - 1);
	for (int side = 0; side < SIDES; side++) {
		double before, all;
		Sum a = integral(old, side, first, &before), b = integral(new, side, t, &all);
		if (!(all > before))
			out.x[side] = key_of(sum_mean(b, a, 2 * (double)m->width_ns) + 0.0);
	}
	return out;
}

static void turn(Mean *m, const Value *x, int64_t now)
{
	Turn next = {.t = now};
	const Turn *last = m->begun ? turn_at(m, m->tail - 1) : NULL;
	for (int side = 0; side < SIDES; side++) {
		next.v[side] = key_double(x->x[side]);
		if (last)
			next.sum[side] = integral(last, side, now, &next.unknown[side]);
	}
	if (m->tail - m->head == m->capacity)
		m->head++;
	*turn_at(m, m->tail++) = next;
}

static bool turns(const Mean *m, const Value x[2])
{
	const Turn *last = turn_at(m, m->tail - 1);
	return !m->begun || !value_same(&x[0], &x[1]) || key_double(x[1].x[LO]) != last->v[LO] ||
	       key_double(x[1].x[HI]) != last->v[HI];
}

/* Sums round, and what lies between two of them is rounded once more. */
static Value widened(Value v)
{
	double lo = key_double(v.x[LO]), hi = key_double(v.x[HI]);
	return (Value){{key_of(lo - fabs(lo) * 1e-14), key_of(hi + fabs(hi) * 1e-14)}};
}

static Value hull(Value a, Value b)
{
	return (Value){{key_least(a.x[LO], b.x[LO]), key_most(a.x[HI], b.x[HI])}};
}

/* When the second oldest is the oldest. */
static int64_t leaves(const Mean *m)
{
	return m->tail - m->head > 1 ? turn_at(m, m->head + 1)->t + m->width_ns : CLOCK_NEVER;
}

/* While x stays, the mean runs straight to where something leaves. */
static Value ahead(const Mean *m, int64_t now)
{
	const Turn *new = turn_at(m, m->tail - 1);
	Value out = m->last;
	if (now < m->start_ns + m->width_ns)
		return value_unknown;
	if (leaves(m) != CLOCK_NEVER)
		out = widened(hull(out, mean_at(m, leaves(m))));
	if (isinf(new->v[LO]))
		out.x[LO] = KEY_LEAST;
	if (isinf(new->v[HI]))
		out.x[HI] = KEY_MOST;
	return out;
}

void mean_look(Mean *m, int64_t now, const Value x[2], Value ret[2])
{
	if (!m->begun)
		m->start_ns = now;
	while (m->tail - m->head > 1 && leaves(m) <= now)
		m->head++;
	m->last = mean_at(m, now);
	if (turns(m, x))
		turn(m, &x[1], now);
	m->begun = true;
	ret[0] = m->last;
	ret[1] = ahead(m, now);
}

Value mean_between(const Mean *m, int64_t now, MeanWhen when)
{
	const Turn *new = turn_at(m, m->tail - 1);
	if (!m->begun)
		return value_unknown;
	Value end = mean_at(m, now), out = when == MEAN_FIRST  ? m->last
					   : when == MEAN_LAST ? end
							       : hull(m->last, end);
	if (isinf(new->v[LO]) || m->last.x[LO] == KEY_LEAST)
		out.x[LO] = KEY_LEAST;
	if (isinf(new->v[HI]) || m->last.x[HI] == KEY_MOST)
		out.x[HI] = KEY_MOST;
	return out;
}

int64_t mean_next(const Mean *m, int64_t best, int64_t now)
{
	if (!m->begun)
		return best;
	int64_t full = m->start_ns + m->width_ns, next = leaves(m);
	if (full > now && full < best)
		best = full;
	return next > now && next < best ? next : best;
}
