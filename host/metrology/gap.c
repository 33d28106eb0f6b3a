/* Differences between groups: equivalence needs the upper bound of the largest one. */
#include <anzen/metrology.h>
#include <math.h>

Interval metrology_largest_gap(const Group *groups, size_t n_groups, double confidence,
			       double *ret_observed)
{
	Interval gap = {(double)NAN, (double)NAN};
	double highest = 0, lowest = 1, surely_high = 0, surely_low = 1, best = 0, worst = 1;
	*ret_observed = (double)NAN;
	if (n_groups < 2 || !(confidence > 0 && confidence < 1))
		return gap;
	double each = 1 - (1 - confidence) / (2.0 * (double)n_groups);
	for (size_t i = 0; i < n_groups; i++) {
		if (groups[i].n == 0 || groups[i].passed > groups[i].n)
			return gap;
		double rate = (double)groups[i].passed / groups[i].n,
		       lo = metrology_proportion_lower(groups[i].passed, groups[i].n, each),
		       hi = metrology_proportion_upper(groups[i].passed, groups[i].n, each);
		highest = fmax(highest, hi);
		lowest = fmin(lowest, lo);
		surely_high = fmax(surely_high, lo);
		surely_low = fmin(surely_low, hi);
		best = fmax(best, rate);
		worst = fmin(worst, rate);
	}
	*ret_observed = best - worst;
	return (Interval){fmax(surely_high - surely_low, 0), highest - lowest};
}

static double upper_with(const Group *groups, size_t n_groups, double confidence, unsigned n)
{
	double observed;
	g_autofree Group *as_many = g_new(Group, n_groups);
	for (size_t i = 0; i < n_groups; i++) {
		double failed = (double)(groups[i].n - groups[i].passed) / groups[i].n * n;
		/* Failures are rounded up: a plan that hopes is no plan. */
		as_many[i] = (Group){n - (unsigned)ceil(failed - 1e-9), n};
	}
	return metrology_largest_gap(as_many, n_groups, confidence, &observed).hi;
}

unsigned metrology_gap_trials(const Group *groups, size_t n_groups, double confidence, double gap)
{
	double observed;
	const unsigned most = 100000;
	Interval now = metrology_largest_gap(groups, n_groups, confidence, &observed);
	if (isnan(now.hi) || !(observed < gap) ||
	    !(upper_with(groups, n_groups, confidence, most) < gap))
		return 0;
	unsigned no = 0, yes = most;
	while (yes - no > 1) {
		unsigned middle = no + (yes - no) / 2;
		if (upper_with(groups, n_groups, confidence, middle) < gap)
			yes = middle;
		else
			no = middle;
	}
	return yes;
}
