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
	bool satisfied, violated, prohibition, holes, pass, fail;
	bool never, promised;    /* the premise surely never came; a truth was to bring it about */
	Verdict neither;         /* INVALID or INCONCLUSIVE, where neither PASS nor FAIL is shown */
	double measured, lo, hi; /* s, of a delay */
	int64_t until, distance;
} Proof;
/* What the recording itself leaves unknown; nothing of the witness. */
void add_unknown(World *world);
int64_t product_failed_at(const World *world);
/* 1: every stimulus check holds for sure; -1: one is violated for sure; 0: neither. */
int stimulus(World *world);
bool holds(World *world, const Node *node, bool yes);
void prove(World *world, World *own, int as_scripted, const Claim *claim, Proof *ret);

#endif
