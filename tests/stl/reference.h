/* A second opinion on stl: what a formula is worth, written down from the definition and from nothing else.
 *
 * It knows only signals and formulas for which a grid of half seconds is exact, and so needs no clever step: samples at whole
 * seconds, whole values, slopes of -1, 0 and 1 a second. Whatever such lines do to each other under min, max, sup and inf, they
 * meet at whole or half seconds. So a function of time is its value at each grid point, just before it and just after
 * it; between two grid points it is straight. In that order (…, i-, i, i+, (i+1)-, …) a closed window is a range of
 * positions, and always, eventually, until and their mirror images are the loops of their definitions (Donzé & Maler:
 * Robust satisfaction of temporal logic over real-valued signals, FORMATS 2010). All numbers are exact in binary, so results
 * can be compared bit for bit.
 *
 * It shares no code with host/stl, not even a type. */
#ifndef ANZEN_TESTS_STL_REFERENCE_H
#define ANZEN_TESTS_STL_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#define REF_MAX_SAMPLES 24
#define REF_MAX_SIGNALS 5
#define REF_MAX_END 20                            /* seconds */
#define REF_POSITIONS (3 * (2 * REF_MAX_END + 1)) /* before, at and after each half second */

typedef enum { REF_OK, REF_MISSING, REF_STALE, REF_SATURATED } RefStatus;

typedef struct RefSample {
	int t, v; /* s, m; a Boolean: 0 or 1 */
	RefStatus status;
} RefSample;

typedef struct RefSignal {
	bool boolean, hold; /* hold: constant until the next sample, else straight to it */
	int max_gap;        /* s, 0: none */
	int range_lo, range_hi;
	size_t n, n_upper; /* n_upper 0: no envelope, upper is as lower */
	RefSample lower[REF_MAX_SAMPLES], upper[REF_MAX_SAMPLES];
} RefSignal;

typedef enum {
	/* numbers */
	REF_NUMBER,
	REF_SIGNAL,
	REF_INITIAL,
	REF_MINUS,
	REF_ABS,
	REF_PLUS,  /* one side is level: ref_level() */
	REF_LESS,  /* one side is level */
	REF_TIMES, /* by 1, -1 or 0; of what is level, by any number */
	REF_LEAST,
	REF_MOST,
	REF_MAX_OVER, /* bounds on either side, lo and hi maybe REF_FOREVER */
	REF_MIN_OVER,
	REF_COUNT, /* of a formula; the same */
	/* formulas */
	REF_TRUE,
	REF_FALSE,
	REF_BOOLEAN,
	REF_LT,
	REF_LE,
	REF_GT,
	REF_GE,
	REF_EQ,
	REF_NE,
	REF_NOT,
	REF_AND,
	REF_OR,
	REF_XOR,
	REF_IMPLIES,
	REF_IFF,
	REF_RISE,
	REF_FALL,
	REF_EVERY, /* a with each of the signals of the set `signal` for REF_VARIABLE */
	REF_SOME,
	REF_ALWAYS,
	REF_EVENTUALLY,
	REF_UNTIL,
	REF_WEAK, /* until, or a up to the window's end */
	REF_HISTORICALLY,
	REF_ONCE,
	REF_SINCE,
} RefKind;

#define REF_OPEN_END (-1)
#define REF_FOREVER 1000 /* s: as a bound of a window of values, on either side */
#define REF_VARIABLE (-1)

typedef struct RefNode RefNode;
struct RefNode {
	RefKind kind;
	RefNode *a, *b;
	int value; /* NUMBER, TIMES */
	int signal; /* SIGNAL, INITIAL, BOOLEAN: which, REF_VARIABLE; EVERY, SOME: one bit for each */
	int lo, hi;            /* temporal, s; hi may be REF_OPEN_END */
	bool lo_open, hi_open; /* without the bound itself */
};

typedef struct RefCase {
	RefNode *root;
	size_t n_signals;
	RefSignal signals[REF_MAX_SIGNALS];
	int end;     /* s; evaluated on [0, end] */
	bool finite; /* windows are cut at the ends instead of being open there */
} RefCase;

typedef enum { REF_NO, REF_MAYBE, REF_YES } RefTruth;

/* Lower and upper side at every position: 3i: just before i half seconds, 3i+1: there, 3i+2: just after. The first and the
 * last position lie outside. */
typedef struct RefFunction {
	double lo[REF_POSITIONS], hi[REF_POSITIONS];
} RefFunction;

typedef struct RefResult {
	double lo, hi; /* at 0 */
	RefTruth satisfied;
	bool complete; /* no continuation beyond the ends changes the three above */
	RefFunction margin, truth;
} RefResult;

void ref_eval(const RefCase *c, RefResult *ret);

/* A rise of the root somewhere in [from, to], in half seconds. Whatever is unknown may hide any number of them; it is certain
 * that it holds one when the root is false before and true after. */
typedef struct RefEdge {
	int from, to;
	bool certain;
} RefEdge;
/* By time; returns how many. */
int ref_rises(const RefCase *c, RefEdge edges[REF_POSITIONS]);
/* A term's value between two samples never moves. */
bool ref_level(const RefCase *c, const RefNode *n);
/* False: the case left the class in which the grid is exact (a mistake of the generator). */
bool ref_exact(void);

#endif
