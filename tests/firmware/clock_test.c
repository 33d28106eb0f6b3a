/* The host's idea of a node's time, against a link with the delays of a USB serial bridge: a fixed delay of 0.2 ... 2 ms, not
 * the same both ways by up to 5 µs, above it exponential jitter of 200 µs in the mean and 1 % outliers of 10 ms; a
 * resonator up to 5000 ppm off whose frequency moves with temperature. Truth comes from the simulation. */
#include "../../host/device/node.h"

#include "unit.h"

#ifndef HOUR
#define HOUR 120 /* s; the night's build says 3600 */
#endif
#define SIMULATIONS 300
#define ASYMMETRY_NS 5000.0
#define PING_S 0.020

typedef struct {
	GRand *rand;
	double delay_ns, asymmetry_ns;
	double ppm, warm_ppm, sway_ppm, sway_s, start_ticks;
} Model;

static double between(GRand *rand, double lo, double hi)
{
	return g_rand_double_range(rand, lo, hi);
}

static Model model_new(uint32_t seed, double asymmetry_ns)
{
	Model m = {.rand = g_rand_new_with_seed(seed)};
	m.delay_ns = between(m.rand, 0.2e6, 2e6);
	m.asymmetry_ns = between(m.rand, -1, 1) * asymmetry_ns;
	m.ppm = between(m.rand, -5000, 5000);
	m.warm_ppm = between(m.rand, -30, 30); /* warming up, 300 s */
	m.sway_ppm = between(m.rand, 0, 5);    /* the room's heating */
	m.sway_s = between(m.rand, 300, 1200);
	m.start_ticks = between(m.rand, 0, 1e12);
	return m;
}

/* Node ticks at bench time t (ns), the integral of its frequency; 2 MHz nominal. */
static double ticks_at(const Model *m, double t_ns)
{
	double s = t_ns * 1e-9, w = 2 * G_PI / m->sway_s;
	double drift = m->ppm * s + m->warm_ppm * 300 * (1 - exp(-s / 300)) +
		       m->sway_ppm / w * (1 - cos(w * s));
	return m->start_ticks + 2e6 * (s + drift * 1e-6);
}

static double jitter(const Model *m)
{
	double late = -200e3 * log(1 - g_rand_double(m->rand));
	return g_rand_double(m->rand) < 0.01 ? late + 10e6 : late;
}

static void exchange(const Model *m, NodeClock *clock, double t_ns)
{
	double there = t_ns + m->delay_ns + m->asymmetry_ns / 2 + jitter(m);
	double leaves = there + between(m->rand, 0.3e6, 1.5e6);
	double back = leaves + m->delay_ns - m->asymmetry_ns / 2 + jitter(m);
	NodeExchange e = {.sent_ns = (int64_t)t_ns,
			  .received_ns = (int64_t)back,
			  .node_received = (uint64_t)ticks_at(m, there),
			  .node_sent = (uint64_t)ticks_at(m, leaves)};
	int64_t jump;
	CU_ASSERT_EQUAL(node_clock_add(clock, &e, &jump), NODE_CLOCK_TAKEN);
}

/* What the bench takes the present node time for, less what it is. */
static double error_at(const Model *m, const NodeClock *clock, double t_ns, double *ret_u)
{
	uint64_t ticks = (uint64_t)ticks_at(m, t_ns);
	*ret_u = node_clock_u_ns(clock, ticks);
	return (double)node_clock_bench(clock, ticks) - t_ns;
}

static void simulate(double asymmetry_ns)
{
	unsigned covered = 0;
	double worst_u = 0, sum_u = 0, sum2 = 0, worst = 0;
	for (uint32_t seed = 1; seed <= SIMULATIONS; seed++) {
		Model m = model_new(seed, asymmetry_ns);
		NodeClock clock;
		node_clock_init(&clock, 2e6, asymmetry_ns);
		double t = between(m.rand, 0, 600e9), until = t + between(m.rand, 11e9, 20e9), u;
		for (; t < until; t += PING_S * 1e9)
			exchange(&m, &clock, t);
		double error = error_at(&m, &clock, t, &u);
		covered += fabs(error) <= 2 * u;
		worst_u = fmax(worst_u, u);
		worst = fmax(worst, fabs(error));
		sum_u += u;
		sum2 += error * error;
		g_rand_free(m.rand);
	}
	double share = 100.0 * covered / SIMULATIONS;
	fprintf(stderr,
		"%d simulations, asymmetry to %.0f us: 2 sigma covers %.1f %%; sigma %.2f us in "
		"the mean, %.2f us at "
		"most; error %.2f us rms, %.2f us at most\n",
		SIMULATIONS, asymmetry_ns * 1e-3, share, sum_u / SIMULATIONS * 1e-3, worst_u * 1e-3,
		sqrt(sum2 / SIMULATIONS) * 1e-3, worst * 1e-3);
	CU_ASSERT_TRUE(share >= 93 && share <= 98);
	CU_ASSERT_TRUE(worst_u <= 5000);
}

static void the_stated_uncertainty_is_honest_and_small(void)
{
	simulate(ASYMMETRY_NS);
}

/* Nothing but scatter, drift and ticks: the line's own part. */
static void so_is_the_line_s_own_part(void)
{
	simulate(0);
}

static void two_nodes_agree_within_10_us(void)
{
	Model m[2] = {model_new(1001, ASYMMETRY_NS), model_new(1002, ASYMMETRY_NS)};
	NodeClock clock[2];
	double worst = 0, u;
	for (int i = 0; i < 2; i++)
		node_clock_init(&clock[i], 2e6, ASYMMETRY_NS);
	for (double t = 0; t < HOUR * 1e9; t += PING_S * 1e9) {
		exchange(&m[0], &clock[0], t);
		exchange(&m[1], &clock[1], t + 7e6);
		if (t >= 10e9)
			worst = fmax(worst, fabs(error_at(&m[0], &clock[0], t + 15e6, &u) -
						 error_at(&m[1], &clock[1], t + 15e6, &u)));
	}
	fprintf(stderr, "two nodes over %d s, asked 50 times a second: %.2f us apart at most\n",
		HOUR, worst * 1e-3);
	CU_ASSERT_TRUE(worst > 0 && worst <= 10e3);
	g_rand_free(m[0].rand);
	g_rand_free(m[1].rand);
}

/* Nothing is known of the link's asymmetry: the round trip is what may hide it. */
static void an_unknown_asymmetry_is_as_large_as_the_round_trip(void)
{
	Model m = model_new(5, ASYMMETRY_NS);
	NodeClock clock;
	double u;
	node_clock_init(&clock, 2e6, NAN);
	for (double t = 0; t < 15e9; t += PING_S * 1e9)
		exchange(&m, &clock, t);
	error_at(&m, &clock, 15e9, &u);
	CU_ASSERT_TRUE(u >= m.delay_ns / sqrt(3) && u <= (m.delay_ns + 200e3) / sqrt(3));
	g_rand_free(m.rand);
}

UNIT_MAIN("firmware.clock", UNIT(the_stated_uncertainty_is_honest_and_small),
	  UNIT(so_is_the_line_s_own_part), UNIT(two_nodes_agree_within_10_us),
	  UNIT(an_unknown_asymmetry_is_as_large_as_the_round_trip))
