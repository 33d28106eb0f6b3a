/* Repeats: intervals for rates, differences, pairs and counts. Exact where a claim rests on them. */
#include "gsl.h"
#include <anzen/metrology.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

static const Interval nothing = {(double)NAN, (double)NAN};

static bool trials_ok(unsigned passed, unsigned n, double confidence)
{
	return confidence > 0 && confidence < 1 && n > 0 && passed <= n;
}

Interval metrology_wilson(unsigned passed, unsigned n, double confidence)
{
	if (!trials_ok(passed, n, confidence))
		return nothing;
	double z = metrology_t_quantile((1 + confidence) / 2, (double)INFINITY), N = n;
	double p = passed / N, middle = p + z * z / (2 * N), whole = 1 + z * z / N;
	double half = z * sqrt(p * (1 - p) / N + z * z / (4 * N * N));
	/* At the ends the two terms are equal; rounding must not leave a rate below 0 or above 1. */
	return (Interval){passed == 0 ? 0 : fmax((middle - half) / whole, 0),
			  passed == n ? 1 : fmin((middle + half) / whole, 1)};
}

Interval metrology_newcombe(unsigned passed_a, unsigned n_a, unsigned passed_b, unsigned n_b,
			    double confidence)
{
	Interval a = metrology_wilson(passed_a, n_a, confidence),
		 b = metrology_wilson(passed_b, n_b, confidence);
	if (isnan(a.lo) || isnan(b.lo))
		return nothing;
	double pa = (double)passed_a / n_a, pb = (double)passed_b / n_b;
	return (Interval){pa - pb - hypot(pa - a.lo, b.hi - pb),
			  pa - pb + hypot(a.hi - pa, pb - b.lo)};
}

double metrology_mcnemar(unsigned only_a, unsigned only_b, bool two_sided)
{
	unsigned n = only_a + only_b, more = two_sided ? MAX(only_a, only_b) : only_a;
	metrology_quiet_gsl();
	if (n == 0 || more == 0)
		return 1;
	/* P(X >= more), from the small side: 1 - P(X < more) would lose its digits. */
	double tail = gsl_cdf_binomial_P(n - more, 0.5, n);
	return two_sided ? fmin(2 * tail, 1) : tail;
}

Interval metrology_poisson_rate(unsigned events, double exposure, double confidence)
{
	if (!(exposure > 0) || !isfinite(exposure) || !(confidence > 0 && confidence < 1))
		return nothing;
	double tail = (1 - confidence) / 2;
	metrology_quiet_gsl();
	double lo = events == 0 ? 0 : gsl_cdf_chisq_Pinv(tail, 2.0 * events) / 2;
	double hi = gsl_cdf_chisq_Qinv(tail, 2.0 * (events + 1.0)) / 2;
	return (Interval){lo / exposure, hi / exposure};
}
