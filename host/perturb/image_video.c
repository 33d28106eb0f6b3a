/* What happens before the lens and to the stream: things in the way, too little light, flicker, an attacker's patch. */
#include "image.h"

#include <math.h>

#define FLICKER_HZ 3.0
#define PATCH_CELLS 6

/* A box with `share` of the area and the picture's proportions (or square), somewhere by the seed. */
static void place_box(const PerturbImage *image, ImageStage *stage, bool square)
{
	double share = step_value(&stage->step, 0) * 0.01;
	double w = image->width * sqrt(share), h = image->height * sqrt(share);
	if (square)
		w = h = MIN(sqrt((double)image_pixels(image) * share),
			    MIN(image->width, image->height));
	stage->box[2] = MAX((int)lround(w), 1);
	stage->box[3] = MAX((int)lround(h), 1);
	stage->box[0] =
		(int)(random_uniform(stage->key, 0, 0) * (image->width - stage->box[2] + 1));
	stage->box[1] =
		(int)(random_uniform(stage->key, 0, 1) * (image->height - stage->box[3] + 1));
}

void image_occlusion_prepare(const PerturbImage *image, ImageStage *stage)
{
	place_box(image, stage, false);
}

void image_patch_prepare(const PerturbImage *image, ImageStage *stage)
{
	place_box(image, stage, true);
}

static uint8_t *pixel(const PerturbImage *image, uint8_t *pixels, int x, int y)
{
	return pixels + (size_t)(y * image->width + x) * (size_t)image->channels;
}

void image_occlusion(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		     int64_t t_ns)
{
	(void)t_ns;
	const int *b = stage->box;
	for (int y = b[1]; y < b[1] + b[3]; y++)
		for (int x = b[0]; x < b[0] + b[2]; x++)
			for (int c = 0; c < image->channels; c++)
				pixel(image, pixels, x, y)[c] = 128;
}

void image_patch(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	const int *b = stage->box;
	for (int y = 0; y < b[3]; y++)
		for (int x = 0; x < b[2]; x++) {
			uint32_t word[4];
			int cell = y * PATCH_CELLS / b[3] * PATCH_CELLS + x * PATCH_CELLS / b[2];
			random_block(stage->key, 1, (uint64_t)cell, word);
			for (int c = 0; c < image->channels; c++)
				pixel(image, pixels, b[0] + x, b[1] + y)[c] = word[c] & 1 ? 255 : 0;
		}
}

static void multiply(const PerturbImage *image, uint8_t *pixels, double factor)
{
	for (size_t i = 0; i < image_bytes(image); i++)
		pixels[i] = to_byte(pixels[i] * factor);
}

void image_dark(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	multiply(image, pixels, step_value(&stage->step, 0));
}

void image_flicker(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		   int64_t t_ns)
{
	double turns =
		(double)(t_ns % CLOCK_S) * 1e-9 * FLICKER_HZ; /* a whole number in each second */
	multiply(image, pixels, 1 + step_value(&stage->step, 0) * sin(2 * G_PI * turns));
}
