/* Why a formula is what it is: the atoms and the times that decide it. Private to stl. */
#ifndef ANZEN_STL_EXPLAIN_H
#define ANZEN_STL_EXPLAIN_H

#include "eval.h"

/* Append StlReason* for the truth of `node` at t. Bounded: at most STL_MAX_REASONS. */
#define STL_MAX_REASONS 16
void explain(Eval *e, const Node *node, double t, GPtrArray *reasons);
void reason_free(void *reason);

#endif
