/* Many samples at once: simultaneous bands, and what hides between two samples. */
#include <anzen/metrology.h>
#include <math.h>

double metrology_each_risk(double risk, size_t n)
{
	if (!(risk > 0 && risk < 1))
		return NAN;
	if (n <= 1)
		return risk;
	/* 1 - (1 - risk)^(1/n), without losing its digits for large n. */
	return -expm1(log1p(-risk) / (double)n);
}

/* Everything in one: the band t(1 - risk/n) sqrt(c² + s²) is missed by any one sample with risk/n at most, whatever the
 * dependence between them (Bonferroni). The degrees of freedom are the common part's own: Welch and Satterthwaite's are too
 * many where they are few (3 of them and c = 2 s: 3.4 % instead of 2.5 %), and these never are: the tail of the normal is
 * convex in the variance, so a variance that is only partly an estimate has a lighter tail than one that wholly is (Jensen). */
static double joint_width(const Uncertainty *common, double u_sample, size_t n, double risk)
{
	return metrology_t_quantile(1 - risk / (double)n, common->dof) * hypot(common->u, u_sample);
}

/* The common error is missed with share·risk, the largest of n noises with the rest (union bound).
 */
static double split_width(const Uncertainty *common, double u_sample, size_t n, double risk,
			  double share)
{
	double c = metrology_t_quantile(1 - share * risk, common->dof) * common->u;
	double s = metrology_t_quantile(1 - metrology_each_risk((1 - share) * risk, n), INFINITY) *
		   u_sample;
	return c + s;
}

double metrology_envelope(const Uncertainty *common, double u_sample, size_t n, double risk)
{
	if (!(common->u >= 0) || !(u_sample >= 0) || !(risk > 0 && risk <= 0.5))
		return NAN;
	if (common->u > 0 && !(common->dof > 0))
		return NAN;
	const Uncertainty known = {common->u, common->u > 0 ? common->dof : (double)INFINITY};
	if (n == 0)
		n = 1;
	if (u_sample == 0)
		return known.u > 0 ? metrology_t_quantile(1 - risk, known.dof) * known.u : 0;
	if (known.u == 0)
		return metrology_t_quantile(1 - metrology_each_risk(risk, n), INFINITY) * u_sample;

	double best = joint_width(&known, u_sample, n, risk);
	for (int percent = 2; percent <= 98; percent += 4) {
		double width = split_width(&known, u_sample, n, risk, percent / 100.0);
		if (width < best)
			best = width;
	}
	return best;
}

bool metrology_between(double v0, double v1, double dt_s, double slew, double *ret_lo,
		       double *ret_lo_s, double *ret_hi, double *ret_hi_s)
{
	if (!(dt_s > 0) || !(slew > 0) || isinf(slew) || isnan(v0) || isnan(v1))
		return false;
	if (fabs(v1 - v0) > slew * dt_s)
		return false;
	double middle = (v0 + v1) / 2, reach = slew * dt_s / 2, skew = (v0 - v1) / (2 * slew);
	*ret_lo = middle - reach;
	*ret_lo_s = dt_s / 2 + skew;
	*ret_hi = middle + reach;
	*ret_hi_s = dt_s / 2 - skew;
	return true;
}
