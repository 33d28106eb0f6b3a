/* Until and since over a window that moves on, one instant after the other. Private to stl.
 *
 * A time in which f and g do not change turns what is so behind it, x, into max(U, min(F, x)): F is f, U is min(f, g). Two of these
 * one after the other are one more, so a window is folded with two stacks: what came lately is folded as it comes, what
 * leaves first was folded from its end on; a step costs the same whatever the width. Memory is fixed; when it is full, two
 * times become one whose bounds hold for both, wider, never wrong. */
#ifndef ANZEN_STL_FOLD_H
#define ANZEN_STL_FOLD_H

#include "cells.h"

typedef struct FoldShape {
	int64_t width_ns; /* CLOCK_NEVER: since the start */
	bool past;        /* since; else until */
	bool oldest_open,
		newest_open; /* the window is without its end of that side, as a place for g */
} FoldShape;

Fold *fold_new(const FoldShape *shape);
void fold_free(Fold *fold);
size_t fold_bytes(const Fold *fold);
void fold_start(Fold *fold);
/* f and g at `now` and right after; the same of the window that ends there (until: of its beginning). */
void fold_look(Fold *fold, int64_t now, const Value f[2], const Value g[2], Value ret[2]);
/* The earliest of `best` and when something leaves after `now`. */
int64_t fold_next(const Fold *fold, int64_t best, int64_t now);

/* ---- while nothing is missing, and f and g change at instants only (flow.h) */

bool fold_may_flow(const Fold *fold);
/* All that it remembers is of that kind. */
bool fold_flows(const Fold *fold);
/* How many times it has room for, 0: any number; *ret_n: how many there are. */
unsigned fold_room(const Fold *fold, unsigned *ret_n);
/* When the i-th oldest leaves; CLOCK_NEVER. */
int64_t fold_leaves(const Fold *fold, unsigned i);
/* The window's value at t, from which on f and g are these. */
int64_t fold_flow(Fold *fold, int64_t t, int64_t f, int64_t g);

#endif
