/* What plan.c and the rooms beside it share. Private to the module. */
#ifndef ANZEN_CAMPAIGN_PLAN_H
#define ANZEN_CAMPAIGN_PLAN_H

#include <anzen/campaign.h>
#include <anzen/scenario.h>

/* How a parameter of the scenarios is drawn: exactly one of them. */
typedef enum { DRAW_FIXED, DRAW_UNIFORM, DRAW_WEIGHTS } DrawKind;

typedef struct Population {
	char *name;
	DrawKind kind;
	Quantity lo, hi; /* DRAW_UNIFORM; bare ones are in the parameter's unit: unit 1 */
	bool bare_lo, bare_hi;
	char *fixed;  /* DRAW_FIXED: as written */
	char **words; /* DRAW_WEIGHTS */
	double *weights;
	unsigned line, column;
} Population;
void population_free(Population *p);

/* Draw run `index` of `scenario`: the same for the same seed and index, whatever is drawn before. Caller frees. */
CampaignDraw *campaign_draw(const GPtrArray *population, const Scenario *scenario, unsigned which,
			    uint64_t seed, unsigned index);
void campaign_draw_free(CampaignDraw *draw);

/* A uniform draw's end in the parameter's own unit. FALSE: not of its dimension. */
bool population_end(const Quantity *end, bool bare, const Parameter *parameter, double *ret);

#endif
