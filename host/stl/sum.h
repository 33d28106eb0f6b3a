/* Sums of which two may be subtracted: what is lost in one is kept beside it (Dekker's and Knuth's two-sums), so that the mean of
 * a window depends on what is in the window and not on all that came before it; the same on every machine. Private to stl. */
#ifndef ANZEN_STL_SUM_H
#define ANZEN_STL_SUM_H

#include <math.h>

typedef struct Sum {
	double x, rest;
} Sum;

static inline Sum sum_plus(Sum a, double b)
{
	double x = a.x + b, of_b = x - a.x, rest = (a.x - (x - of_b)) + (b - of_b);
	return (Sum){x, a.rest + rest};
}

/* a + x · y */
static inline Sum sum_plus_product(Sum a, double x, double y)
{
	double p = x * y;
	return sum_plus(sum_plus(a, p), fma(x, y, -p));
}

/* (a - b) / n */
static inline double sum_mean(Sum a, Sum b, double n)
{
	Sum d = sum_plus(a, -b.x);
	double top = d.x + (d.rest - b.rest), rest = (d.x - top) + (d.rest - b.rest), q = top / n;
	return q + (fma(-q, n, top) + rest) / n;
}

#endif
