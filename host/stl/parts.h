/* The robustness of a formula in up to three pieces of time. Private to stl.
 *
 * Only near the ends of a recording does it matter what lies beyond them, and only there do both sides of a pair differ. So where
 * nothing is missing a bounded formula is worked out once for most of the time, and apart for the ends. */
#ifndef ANZEN_STL_PARTS_H
#define ANZEN_STL_PARTS_H

#include "eval.h"

typedef struct Piece {
	Pair p; /* solid; its own time 0 is the formula's time `zero` */
	double zero;
	double from, to; /* it counts here, ends included; the next begins where it ends */
} Piece;

typedef struct Parts {
	size_t n;
	Piece piece[3];
} Parts;

Parts parts_of_margin(Eval *e, const Node *n);
void parts_clear(Parts *parts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

#endif
