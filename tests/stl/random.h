/* Random formulas and signals of the class in which reference.h is exact, their text, and how to make a failing one small. */
#ifndef ANZEN_TESTS_STL_RANDOM_H
#define ANZEN_TESTS_STL_RANDOM_H

#include "reference.h"

#include <glib.h>
#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014): the same numbers on every machine. */
typedef struct Random {
	uint64_t state;
	const struct RefCase *about; /* the signals that a formula is made for */
	bool quantified;             /* inside a quantifier */
	bool watchable;              /* for a monitor */
} Random;

static inline uint64_t random_bits(Random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* lo … hi, both included. */
static inline int random_int(Random *r, int lo, int hi)
{
	return lo + (int)(random_bits(r) % (uint64_t)(hi - lo + 1));
}

static inline bool random_chance(Random *r, int percent)
{
	return random_int(r, 1, 100) <= percent;
}

typedef enum {
	RANDOM_ANY,       /* the whole language */
	RANDOM_WATCHABLE, /* what a monitor takes: see StlMonitor */
} RandomKind;

/* One case a seed. Free with case_free(). */
RefCase *case_random(uint64_t seed, RandomKind kind);
RefCase *case_copy(const RefCase *c);
void case_free(RefCase *c);
void node_destroy(RefNode *n);
char *case_formula(const RefCase *c); /* for stl_parse */
char *case_print(const RefCase *c);   /* for people: formula, end and samples */

extern const char *const case_names[REF_MAX_SIGNALS];

/* The smallest case that it finds for which `fails` still holds; takes ownership of c. */
RefCase *case_shrink(RefCase *c, bool (*fails)(const RefCase *c));

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RefCase, case_free)

#endif
