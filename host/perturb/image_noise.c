/* Noise on each value. Four random numbers come in a block: value i takes word i % 4 of block i / 4. */
#include "image.h"

#include <math.h>

void image_gaussian_noise(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
			  int64_t t_ns)
{
	double sigma = 255 * step_value(&stage->step, 0);
	size_t n = image_bytes(image);
	uint32_t word[4];
	for (size_t i = 0; i < n; i++) {
		if (i % 4 == 0)
			random_block(stage->key, t_ns, i / 4, word);
		pixels[i] = to_byte(pixels[i] +
				    sigma * random_normal_quantile(random_unit(word[i % 4])));
	}
}

/* Counts that happen: the mean is at most 60, and 60 + 9 standard deviations are 130. */
#define MOST_PHOTONS 144

void image_shot_prepare(const PerturbImage *image, ImageStage *stage)
{
	(void)image;
	double photons = step_value(&stage->step, 0);
	stage->table = g_new(double, 256 * MOST_PHOTONS);
	for (int level = 0; level < 256; level++) {
		double mean = photons * level / 255, p = exp(-mean), sum = 0;
		for (int k = 0; k < MOST_PHOTONS; k++) {
			sum += p;
			stage->table[level * MOST_PHOTONS + k] = sum;
			p *= mean / (k + 1);
		}
	}
}

/* The smallest k whose cumulative probability is at least u. */
static int poisson(const double *cumulative, double u)
{
	int lo = 0, hi = MOST_PHOTONS - 1;
	while (lo < hi) {
		int middle = (lo + hi) / 2;
		if (cumulative[middle] >= u)
			hi = middle;
		else
			lo = middle + 1;
	}
	return lo;
}

void image_shot_noise(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		      int64_t t_ns)
{
	double photons = step_value(&stage->step, 0);
	size_t n = image_bytes(image);
	uint32_t word[4];
	for (size_t i = 0; i < n; i++) {
		if (i % 4 == 0)
			random_block(stage->key, t_ns, i / 4, word);
		const double *cumulative = stage->table + (size_t)pixels[i] * MOST_PHOTONS;
		pixels[i] = to_byte(255 * poisson(cumulative, random_unit(word[i % 4])) / photons);
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
