/* Discrete time: a formula on numbered samples. Private to stl.
 *
 * Every part is a Row: for each sample the interval in which its value lies. Bounds count samples; until and since are
 * half-open (the left side is not needed at the witness); each operator is O(n). */
#ifndef ANZEN_STL_DISCRETE_H
#define ANZEN_STL_DISCRETE_H

#include "eval.h"

typedef struct Row {
	double *lo, *hi;
} Row;
void row_clear(Row *row);

/* Finds the samples between the input's ends. Signals with different stamps are e->error. */
void discrete_init(Eval *e);

Row discrete_margin_row(Eval *e, const Node *n);
Row discrete_truth_row(Eval *e, const Node *n);
/* As tracks over the sample's number: values at whole numbers, and in between the lower of both neighbours, so that the
 * largest value of a stretch is that of a sample. */
Pair discrete_margin(Eval *e, const Node *n);
Pair discrete_truth(Eval *e, const Node *n);
Pair discrete_signal(Eval *e, const Node *n);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Row, row_clear)

#endif
