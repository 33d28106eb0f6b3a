/* Seeded draws for Monte-Carlo checks. */
#include "gsl.h"
#include <anzen/metrology.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>

struct Draws {
	gsl_rng *rng;
};

Draws *metrology_draws_new(unsigned long seed)
{
	Draws *draws = g_new0(Draws, 1);
	metrology_quiet_gsl();
	draws->rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(draws->rng, seed);
	return draws;
}

void metrology_draws_free(Draws *draws)
{
	if (!draws)
		return;
	gsl_rng_free(draws->rng);
	g_free(draws);
}

double metrology_draw_normal(Draws *draws, double u)
{
	return u > 0 ? gsl_ran_gaussian_ziggurat(draws->rng, u) : u == 0 ? 0 : (double)NAN;
}

double metrology_draw(Draws *draws, const Uncertainty *u)
{
	if (u->u == 0 || isinf(u->dof) || !(u->dof > 0))
		return u->u == 0 || u->dof > 0 ? metrology_draw_normal(draws, u->u) : (double)NAN;
	return u->u > 0 ? u->u * gsl_ran_tdist(draws->rng, u->dof) : (double)NAN;
}
