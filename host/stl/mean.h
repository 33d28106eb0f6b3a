/* The mean over a window that moves on, of values that hold: a straight line between the instants at which one enters or leaves.
 * Private to stl.
 *
 * Like the offline one (over.c) it is the difference of two integrals from the start, kept at each change as sums that lose nothing, so
 * both are the same to the last bit. Memory is fixed; when it is full the oldest change is forgotten and the mean is unknown until
 * the window has left it. */
#ifndef ANZEN_STL_MEAN_H
#define ANZEN_STL_MEAN_H

#include "cells.h"

Mean *mean_new(int64_t width_ns);
void mean_free(Mean *mean);
size_t mean_bytes(const Mean *mean);
void mean_start(Mean *mean);
/* x at `now` and right after. The mean at `now`, and what it will surely lie in until the next look. */
void mean_look(Mean *mean, int64_t now, const Value x[2], Value ret[2]);
/* Just after the last look; just before now; and all that it was in between. */
typedef enum { MEAN_FIRST, MEAN_LAST, MEAN_ALL } MeanWhen;
Value mean_between(const Mean *mean, int64_t now, MeanWhen when);
/* The earliest of `best` and when something leaves after `now`. */
int64_t mean_next(const Mean *mean, int64_t best, int64_t now);

#endif
