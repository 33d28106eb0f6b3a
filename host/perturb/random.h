/* Random numbers by counter: each is a pure function of a key and of where it is used. Private to perturb. */
#ifndef ANZEN_PERTURB_RANDOM_H
#define ANZEN_PERTURB_RANDOM_H

#include <glib.h>
#include <stdint.h>

/* Philox4x32-10: 128 bits for a 128-bit counter and a 64-bit key. */
void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret[4]);

/* A key from a seed and words; the same text after another word gives another key. */
uint64_t random_key(uint64_t seed, const char *name, uint64_t place, const char *target);

/* Block number `n` at `at`. */
static inline void random_block(uint64_t key, int64_t at, uint64_t n, uint32_t ret[4])
{
	const uint32_t counter[4] = {(uint32_t)n, (uint32_t)(n >> 32), (uint32_t)(uint64_t)at,
				     (uint32_t)((uint64_t)at >> 32)};
	const uint32_t k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
	random_philox(counter, k, ret);
}

/* Strictly between 0 and 1, so that its quantile is finite. */
static inline double random_unit(uint32_t word)
{
	return ((double)word + 0.5) * (1.0 / 4294967296.0);
}

/* The quantile of the standard normal distribution, 0 < p < 1, to about 1e-16 of its value. */
double random_normal_quantile(double p);

/* One number each. */
double random_uniform(uint64_t key, int64_t at, uint64_t n);
double random_normal(uint64_t key, int64_t at, uint64_t n);

#endif
