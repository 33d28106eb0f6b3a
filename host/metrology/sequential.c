/* Sequential tests that stay valid under peeking. */
#include "gsl.h"
#include <anzen/metrology.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

static bool risk_ok(double risk)
{
	return risk > 0 && risk < 0.5;
}

bool metrology_sprt_valid(const Sprt *plan)
{
	return plan->rate > 0 && plan->good > plan->rate && plan->good < 1 &&
	       risk_ok(plan->risk_accept) && risk_ok(plan->risk_reject);
}

/* What one passed and one failed run add. */
static double step_up(const Sprt *plan)
{
	return log(plan->good / plan->rate);
}

static double step_down(const Sprt *plan)
{
	return log1p(-plan->good) - log1p(-plan->rate);
}

double metrology_sprt_log_ratio(const Sprt *plan, unsigned passed, unsigned n)
{
	if (!metrology_sprt_valid(plan) || passed > n)
		return (double)NAN;
	return passed * step_up(plan) + (n - passed) * step_down(plan);
}

Verdict metrology_sprt_decide(const Sprt *plan, unsigned passed, unsigned n)
{
	double ratio = metrology_sprt_log_ratio(plan, passed, n);
	if (ratio >= -log(plan->risk_accept))
		return VERDICT_PASS;
	if (ratio <= log(plan->risk_reject))
		return VERDICT_FAIL;
	return VERDICT_INCONCLUSIVE; /* NaN as well */
}

unsigned metrology_sprt_fewest(const Sprt *plan)
{
	if (!metrology_sprt_valid(plan))
		return 0;
	double n = ceil(-log(plan->risk_accept) / step_up(plan));
	/* ceil of a quotient may be one off either way. */
	if (n > 1e9)
		return 0;
	unsigned fewest = n > 1 ? (unsigned)n - 1 : 1;
	while (metrology_sprt_decide(plan, fewest, fewest) != VERDICT_PASS)
		fewest++;
	return fewest;
}

/* alive[x]: probability of x passes and no decision yet. */
static void one_run(const Sprt *plan, double *alive, unsigned n, double true_rate, double *pass,
		    double *fail)
{
	for (unsigned x = n + 1; x-- > 0;) {
		double here = (x < n ? alive[x] * (1 - true_rate) : 0) +
			      (x > 0 ? alive[x - 1] * true_rate : 0);
		alive[x] = 0;
		if (here <= 0)
			continue;
		switch (metrology_sprt_decide(plan, x, n)) {
		case VERDICT_PASS:
			*pass += here;
			break;
		case VERDICT_FAIL:
			*fail += here;
			break;
		case VERDICT_INCONCLUSIVE:
		case VERDICT_INVALID:
			alive[x] = here;
			break;
		}
	}
}

void metrology_sprt_chances(const Sprt *plan, unsigned n, double true_rate, double *ret_pass,
			    double *ret_fail)
{
	double pass = 0, fail = 0;
	if (!metrology_sprt_valid(plan) || !(true_rate >= 0 && true_rate <= 1) || n > 100000) {
		*ret_pass = *ret_fail = (double)NAN;
		return;
	}
	g_autofree double *alive = g_new0(double, (gsize)n + 2);
	alive[0] = 1;
	for (unsigned i = 1; i <= n; i++)
		one_run(plan, alive, i, true_rate, &pass, &fail);
	*ret_pass = pass;
	*ret_fail = fail;
}

/* ---- confidence sequence ---- */

static double log_power(double base, double times)
{
	return times > 0 ? times * log(base) : 0;
}

/* log of the mixture's likelihood over that of p; convex in p with its least at x/n. */
static double log_mixture(double p, double x, double n, double log_beta)
{
	return log_beta - log_power(p, x) - log_power(1 - p, n - x);
}

static double sequence_end(double from, double to, double x, double n, double log_beta, double most)
{
	double in = from, out = to; /* `in` belongs to the sequence, `out` does not */
	for (int i = 0; i < 100; i++) {
		double middle = in + (out - in) / 2;
		if (log_mixture(middle, x, n, log_beta) < most)
			in = middle;
		else
			out = middle;
	}
	return out;
}

Interval metrology_confidence_sequence(unsigned passed, unsigned n, double confidence)
{
	if (!(confidence > 0 && confidence < 1) || passed > n)
		return (Interval){(double)NAN, (double)NAN};
	double x = passed, N = n, most = -log1p(-confidence);
	metrology_quiet_gsl();
	double log_beta = gsl_sf_lnbeta(1 + x, 1 + N - x), best = n ? x / N : 0.5;
	return (Interval){passed == 0 ? 0 : sequence_end(best, 0, x, N, log_beta, most),
			  passed == n ? 1 : sequence_end(best, 1, x, N, log_beta, most)};
}
