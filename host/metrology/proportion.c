/* Proportions: exact bounds, and the plans that follow from them. */
#include "gsl.h"
#include <anzen/metrology.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

static bool confidence_ok(double confidence)
{
	return confidence > 0 && confidence < 1;
}

/* The x with beta_P(x; a, b) = p, by bisection: GSL's own inverse does not converge for large a and
 * calls abort. */
static double beta_quantile(double p, double a, double b)
{
	double lo = 0, hi = 1;
	metrology_quiet_gsl();
	for (int i = 0; i < 100 && lo < hi; i++) {
		double middle = lo + (hi - lo) / 2;
		if (gsl_cdf_beta_P(middle, a, b) < p)
			lo = middle;
		else
			hi = middle;
	}
	return lo + (hi - lo) / 2;
}

double metrology_proportion_lower(unsigned passed, unsigned n, double confidence)
{
	if (!confidence_ok(confidence) || passed > n)
		return NAN;
	if (passed == 0)
		return 0;
	/* Clopper-Pearson through the beta distribution: the p at which so many passes are just too
	 * many. */
	return beta_quantile(1 - confidence, passed, (double)n - passed + 1);
}

double metrology_proportion_upper(unsigned passed, unsigned n, double confidence)
{
	if (!confidence_ok(confidence) || passed > n)
		return NAN;
	if (passed == n)
		return 1;
	return beta_quantile(confidence, (double)passed + 1, (double)n - passed);
}

static bool plan_shows(unsigned n, unsigned permitted, double rate, double confidence)
{
	return n >= permitted && metrology_proportion_lower(n - permitted, n, confidence) >= rate;
}

Interval metrology_clopper_pearson(unsigned passed, unsigned n, double confidence)
{
	return (Interval){metrology_proportion_lower(passed, n, (1 + confidence) / 2),
			  metrology_proportion_upper(passed, n, (1 + confidence) / 2)};
}

unsigned metrology_permitted(unsigned n, double rate, double confidence, bool *ret_any)
{
	unsigned permitted = 0;
	*ret_any = rate > 0 && rate < 1 && plan_shows(n, 0, rate, confidence);
	while (*ret_any && permitted < n && plan_shows(n, permitted + 1, rate, confidence))
		permitted++;
	return permitted;
}

unsigned metrology_trials(double rate, double confidence, unsigned permitted)
{
	const unsigned most = 1000000;
	if (!confidence_ok(confidence) || !(rate > 0 && rate < 1) ||
	    !plan_shows(most, permitted, rate, confidence))
		return 0;
	unsigned no = permitted,
		 yes = most; /* the bound grows with n at a fixed number of failures */
	while (yes - no > 1) {
		unsigned middle = no + (yes - no) / 2;
		if (plan_shows(middle, permitted, rate, confidence))
			yes = middle;
		else
			no = middle;
	}
	return yes;
}

double metrology_pass_probability(unsigned n, unsigned permitted, double true_rate)
{
	if (!(true_rate >= 0 && true_rate <= 1))
		return NAN;
	metrology_quiet_gsl();
	return permitted >= n ? 1 : gsl_cdf_binomial_P(permitted, 1 - true_rate, n);
}
