/* Combination and guarded decisions on one number. */
#include "gsl.h"
#include <anzen/metrology.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>

/* GSL's default handler aborts the process; its functions return NaN as well, and NaN never becomes
 * a PASS. */
void metrology_quiet_gsl(void)
{
	static gsize once;
	if (g_once_init_enter(&once)) {
		gsl_set_error_handler_off();
		g_once_init_leave(&once, 1);
	}
}

static bool probability_ok(double p)
{
	return p > 0 && p < 1;
}

double metrology_t_quantile(double p, double dof)
{
	if (!probability_ok(p) || !(dof > 0))
		return NAN;
	metrology_quiet_gsl();
	return isinf(dof) ? gsl_cdf_ugaussian_Pinv(p) : gsl_cdf_tdist_Pinv(p, dof);
}

double metrology_t_probability(double t, double dof)
{
	if (isnan(t) || !(dof > 0))
		return NAN;
	return isinf(dof) ? gsl_cdf_ugaussian_P(t) : gsl_cdf_tdist_P(t, dof);
}

Uncertainty metrology_combine(const Uncertainty *parts, size_t n)
{
	double square = 0, spread = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(parts[i].u >= 0) || !(parts[i].dof > 0))
			return (Uncertainty){NAN, NAN};
		double s = parts[i].u * parts[i].u;
		square += s;
		if (isfinite(parts[i].dof))
			spread += s * s / parts[i].dof;
	}
	if (spread > 0)
		return (Uncertainty){sqrt(square), square * square / spread};
	return (Uncertainty){sqrt(square), INFINITY};
}

static double guard_width(const Uncertainty *u, double risk)
{
	if (!(risk > 0 && risk <= 0.5) || !(u->u >= 0))
		return NAN;
	if (u->u == 0) /* also when nobody knows its degrees of freedom: 0 times anything */
		return 0;
	return metrology_t_quantile(1 - risk, u->dof) * u->u;
}

Guard metrology_guard(const Uncertainty *u, double risk_accept, double risk_reject)
{
	return (Guard){guard_width(u, risk_accept), guard_width(u, risk_reject)};
}

Verdict metrology_decide(double margin, const Guard *guard)
{
	if (isnan(margin) || !(guard->accept >= 0) || !(guard->reject >= 0))
		return VERDICT_INCONCLUSIVE;
	if (margin > guard->accept)
		return VERDICT_PASS;
	if (margin < -guard->reject)
		return VERDICT_FAIL;
	return VERDICT_INCONCLUSIVE;
}

double metrology_conformance(double y, const Uncertainty *u, double lo, double hi)
{
	if (isnan(y) || isnan(lo) || isnan(hi) || !(u->u >= 0))
		return NAN;
	if (u->u == 0)
		return y >= lo && y <= hi ? 1 : 0;
	double above = isinf(hi) && hi > 0 ? 1 : metrology_t_probability((hi - y) / u->u, u->dof);
	double below = isinf(lo) && lo < 0 ? 0 : metrology_t_probability((lo - y) / u->u, u->dof);
	return above - below;
}
