/* From a recording to what can be shown. Private to the checker. */
#ifndef ANZEN_CHECKER_PROVE_H
#define ANZEN_CHECKER_PROVE_H

#include "check.h"

typedef struct Claim {
	Node *formula, *measure, *premise; /* measure: a delay, or NULL */
	GPtrArray *direct;                 /* what its texts name */
	GPtrArray *names;                  /* all that it rests on */
	double limit, clock;               /* s, of a delay */
	bool below;
} Claim;
typedef struct Proof {
	bool satisfied, violated, prohibition, pass, fail;
	double measured, lo, hi; /* s, of a delay */
	int64_t until, distance;
} Proof;
void add_unknown(World *world);
int64_t product_failed_at(const World *world);
bool stimulus_shown(World *world);
Verdict life(const World *world);
bool holds(World *world, const Node *node, bool yes);
void prove(World *world, const Claim *claim, Proof *ret);

#endif
