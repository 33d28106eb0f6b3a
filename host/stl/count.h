/* How often p became true in a window that moves on, one instant after the other. Private to stl.
 *
 * A rise is an instant, or lies somewhere in a time in which p is not known, both ends included; in that time there may be any number. Surely
 * in the window are certain ones that lie in it as a whole, perhaps all that it touches. Memory is fixed; when it is full, the two
 * newest become one that may be any number, wider, never wrong. */
#ifndef ANZEN_STL_COUNT_H
#define ANZEN_STL_COUNT_H

#include "cells.h"

typedef struct CountShape {
	int64_t width_ns; /* CLOCK_NEVER: since the start */
	bool before;      /* the window may begin before the start */
	bool oldest_open, newest_open;
} CountShape;

typedef enum { COUNT_GOES_ON, COUNT_LAST, COUNT_BEYOND } CountTime;

Count *count_new(const CountShape *shape);
void count_free(Count *count);
size_t count_bytes(const Count *count);
void count_start(Count *count);
/* p at `now` and right after; the number in the window that ends there. LAST: nothing is recorded after now, BEYOND: nor at now. */
void count_look(Count *count, int64_t now, const Value p[2], CountTime time, Value ret[2]);
/* The earliest of `best` and when something leaves after `now`. */
int64_t count_next(const Count *count, int64_t best, int64_t now);

#endif
