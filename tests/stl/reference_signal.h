/* What a signal is worth, for reference.c. Private to it. */
#ifndef ANZEN_TESTS_STL_REFERENCE_SIGNAL_H
#define ANZEN_TESTS_STL_REFERENCE_SIGNAL_H

#include "reference.h"

#include <math.h>

typedef struct Ref {
	const RefCase *c;
	int last;     /* position of the end */
	int variable; /* the signal that a quantifier stands at */
	bool margin;  /* robustness; else truth as ±INFINITY */
	bool inexact; /* two lines crossed between grid points */
} Ref;

static const double inf = (double)INFINITY;

/* Both sides of a signal, REF_VARIABLE: of the one that a quantifier stands at, at every position up to the last. */
void ref_signal(const Ref *r, int index, RefFunction *out);

#endif
