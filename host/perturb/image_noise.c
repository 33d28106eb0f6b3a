/* Noise on each value. Four random numbers come in a block: value i takes word i % 4 of block i / 4. */
#include "image.h"

#include <math.h>

/* What a random word adds to a pixel: the normal number of its quantile, in whole steps. It grows with the word, so that the
 * words at which it becomes the next step tell it; the search for them begins where the word's first bits say. */
#define MOST_STEPS 700 /* 6.4 standard deviations of at most 97 */
#define FIRST_BITS 12

struct NoiseTable {
	uint32_t last[2 * MOST_STEPS + 1]; /* the last word of step i - MOST_STEPS */
	int16_t begin[1 << FIRST_BITS];    /* i of the first word with these first bits */
};

static int step_of(double sigma, uint32_t word)
{
	return (int)floor(sigma * random_normal_quantile(random_unit(word)) + 0.5);
}

/* The last word whose step is at most `step`. */
static uint32_t last_word(double sigma, int step)
{
	uint32_t lo = 0, hi = UINT32_MAX;
	if (step_of(sigma, lo) > step)
		return 0;
	while (lo < hi) {
		uint32_t middle = lo + (hi - lo) / 2 + 1;
		if (step_of(sigma, middle) <= step)
			lo = middle;
		else
			hi = middle - 1;
	}
	return lo;
}

void image_gaussian_prepare(const PerturbImage *image, ImageStage *stage)
{
	(void)image;
	double sigma = 255 * step_value(&stage->step, 0);
	NoiseTable *table = g_new(NoiseTable, 1);
	for (int i = 0; i <= 2 * MOST_STEPS; i++)
		table->last[i] = last_word(sigma, i - MOST_STEPS);
	table->last[2 * MOST_STEPS] = UINT32_MAX;
	for (uint32_t first = 0; first < 1 << FIRST_BITS; first++)
		table->begin[first] =
			(int16_t)(step_of(sigma, first << (32 - FIRST_BITS)) + MOST_STEPS);
	stage->noise = table;
}

void image_gaussian_noise(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
			  int64_t t_ns)
{
	const NoiseTable *table = stage->noise;
	size_t n = image_bytes(image);
	uint32_t word[4];
	for (size_t i = 0; i < n; i++) {
		if (i % 4 == 0)
			random_block(stage->key, t_ns, i / 4, word);
		uint32_t w = word[i % 4];
		int step = table->begin[w >> (32 - FIRST_BITS)];
		while (w > table->last[step])
			step++;
		pixels[i] = (uint8_t)CLAMP(pixels[i] + step - MOST_STEPS, 0, 255);
	}
}

/* Counts that happen: the mean is at most 60, and 60 + 9 standard deviations are 130. */
#define MOST_PHOTONS 144

#define SHOT_BITS 8 /* of a word: where the search begins */

/* The smallest count, from k on, whose cumulative probability is at least u. */
static uint8_t poisson(const double *cumulative, uint8_t k, double u)
{
	while (k < MOST_PHOTONS - 1 && cumulative[k] < u)
		k++;
	return k;
}

void image_shot_prepare(const PerturbImage *image, ImageStage *stage)
{
	(void)image;
	double photons = step_value(&stage->step, 0);
	stage->table = g_new(double, 256 * MOST_PHOTONS);
	stage->begin = g_new(uint8_t, 256 << SHOT_BITS);
	for (int level = 0; level < 256; level++) {
		double mean = photons * level / 255, p = exp(-mean), sum = 0;
		for (int k = 0; k < MOST_PHOTONS; k++) {
			sum += p;
			stage->table[level * MOST_PHOTONS + k] = sum;
			p *= mean / (k + 1);
		}
		for (uint32_t first = 0; first < 1 << SHOT_BITS; first++)
			stage->begin[(level << SHOT_BITS) + (int)first] =
				poisson(stage->table + level * MOST_PHOTONS, 0,
					random_unit(first << (32 - SHOT_BITS)));
	}
}

void image_shot_noise(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		      int64_t t_ns)
{
	double photons = step_value(&stage->step, 0);
	size_t n = image_bytes(image);
	uint32_t word[4];
	uint8_t shown[MOST_PHOTONS];
	for (int k = 0; k < MOST_PHOTONS; k++)
		shown[k] = to_byte(255 * k / photons);
	for (size_t i = 0; i < n; i++) {
		if (i % 4 == 0)
			random_block(stage->key, t_ns, i / 4, word);
		uint32_t w = word[i % 4];
		uint8_t begin =
			stage->begin[((uint32_t)pixels[i] << SHOT_BITS) + (w >> (32 - SHOT_BITS))];
		pixels[i] = shown[poisson(stage->table + (size_t)pixels[i] * MOST_PHOTONS, begin,
					  random_unit(w))];
	}
}

void image_impulse_noise(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
			 int64_t t_ns)
{
	double share = step_value(&stage->step, 0);
	size_t n = image_bytes(image);
	uint32_t word[4];
	for (size_t i = 0; i < n; i++) {
		if (i % 4 == 0)
			random_block(stage->key, t_ns, i / 4, word);
		double u = random_unit(word[i % 4]);
		if (u < share)
			pixels[i] = u < share / 2 ? 0 : 255;
	}
}
