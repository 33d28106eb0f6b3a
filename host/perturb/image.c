#include "image.h"

#include <math.h>
#include <string.h>

#define FREEZE_PERIOD_NS (5 * CLOCK_S)

const ImageFunction image_functions[ID_COUNT] = {
	[ID_GAUSSIAN_NOISE] = {image_gaussian_prepare, image_gaussian_noise},
	[ID_SHOT_NOISE] = {image_shot_prepare, image_shot_noise},
	[ID_IMPULSE_NOISE] = {NULL, image_impulse_noise},
	[ID_DEFOCUS_BLUR] = {NULL, image_defocus},
	[ID_GLASS_BLUR] = {image_glass_prepare, image_glass},
	[ID_MOTION_BLUR] = {image_motion_prepare, image_motion},
	[ID_ZOOM_BLUR] = {NULL, image_zoom},
	[ID_SNOW] = {image_snow_prepare, image_snow},
	[ID_FROST] = {image_frost_prepare, image_frost},
	[ID_FOG] = {image_fog_prepare, image_fog},
	[ID_BRIGHTNESS] = {NULL, image_brightness},
	[ID_CONTRAST] = {NULL, image_contrast},
	[ID_ELASTIC] = {image_elastic_prepare, image_elastic},
	[ID_PIXELATE] = {NULL, image_pixelate},
	[ID_JPEG] = {NULL, image_jpeg},
	[ID_OCCLUSION] = {image_occlusion_prepare, image_occlusion},
	[ID_DARK] = {NULL, image_dark},
	[ID_FLICKER] = {NULL, image_flicker},
	[ID_PATCH] = {image_patch_prepare, image_patch},
	/* ID_FREEZE, ID_DROP and ID_LATENCY change no pixel */
};

PerturbImage *perturb_image_new(const PerturbChain *chain, const char *camera, int width,
				int height, int channels, GError **error)
{
	if (width < 8 || height < 8 || width > 8192 || height > 8192 ||
	    (channels != 1 && channels != 3)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "cannot perturb pictures of %dx%d with %d channels: expected 8x8 to "
			    "8192x8192, grey or RGB",
			    width, height, channels);
		return NULL;
	}
	size_t n = chain_length(chain);
	PerturbImage *image = g_malloc0(sizeof(PerturbImage) + n * sizeof(ImageStage));
	image->width = width;
	image->height = height;
	image->channels = channels;
	image->scale = MIN(width, height) / PAPER_SIDE;
	for (size_t i = 0; i < n; i++) {
		const Step *step = chain_step(chain, i);
		if (!step_applies(step, PERTURB_IMAGE, camera))
			continue;
		ImageStage *stage = &image->stages[image->n++];
		stage->step = *step;
		stage->step.target = NULL;
		stage->key = chain_key(chain, i, camera);
		if (image_functions[step->id].prepare)
			image_functions[step->id].prepare(image, stage);
	}
	return image;
}

void perturb_image_free(PerturbImage *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->n; i++) {
		g_free(image->stages[i].field);
		g_free(image->stages[i].places);
		g_free(image->stages[i].table);
		g_free(image->stages[i].begin);
		g_free(image->stages[i].noise);
	}
	g_free(image);
}

void perturb_image_apply(const PerturbImage *image, uint8_t *pixels, int64_t t_ns)
{
	for (size_t i = 0; i < image->n; i++) {
		const ImageStage *stage = &image->stages[i];
		if (image_functions[stage->step.id].apply && step_active(&stage->step, t_ns))
			image_functions[stage->step.id].apply(image, stage, pixels, t_ns);
	}
}

PerturbFate perturb_image_fate(const PerturbImage *image, int64_t t_ns)
{
	PerturbFate fate = {.shows_ns = t_ns};
	for (size_t i = 0; i < image->n; i++) {
		const ImageStage *s = &image->stages[i];
		double value = step_value(&s->step, 0);
		int64_t begin;
		if (!step_active(&s->step, t_ns))
			continue;
		if (s->step.id == ID_FREEZE &&
		    window_holds(s->key, t_ns, FREEZE_PERIOD_NS, value * 0.01, &begin))
			fate.shows_ns = MIN(fate.shows_ns, MAX(begin, s->step.from_ns));
		else if (s->step.id == ID_DROP && random_uniform(s->key, t_ns, 0) < value * 0.01)
			fate.dropped = true;
		else if (s->step.id == ID_LATENCY)
			fate.delay_ns += (int64_t)llround(value * 1e6);
	}
	return fate;
}

/* ---- how much is left ---- */

#define BLOCKS 40
#define MOVED 4.0

struct PerturbCoarse {
	double mean[BLOCKS * BLOCKS];
};

/* Whole numbers below 2^53 in between, so that the order of adding changes nothing. */
PerturbCoarse *perturb_coarse(const uint8_t *p, int w, int h, int ch)
{
	PerturbCoarse *coarse = g_new0(PerturbCoarse, 1);
	g_autofree int *count = g_new0(int, BLOCKS *BLOCKS);
	for (int y = 0; y < h; y++) {
		double *mean = coarse->mean + y * BLOCKS / h * BLOCKS;
		int *n = count + y * BLOCKS / h * BLOCKS;
		for (int b = 0; b < BLOCKS; b++) { /* x * BLOCKS / w is b from here to there */
			int from = (b * w + BLOCKS - 1) / BLOCKS * ch;
			int to = ((b + 1) * w + BLOCKS - 1) / BLOCKS * ch, sum = 0;
			for (int i = from; i < to; i++)
				sum += p[i];
			mean[b] += sum;
			n[b] += to - from;
		}
		p += w * ch;
	}
	for (int i = 0; i < BLOCKS * BLOCKS; i++)
		coarse->mean[i] = count[i] ? coarse->mean[i] / count[i] : 0;
	return coarse;
}

double perturb_similarity(const uint8_t *original, const uint8_t *perturbed, const uint8_t *moved,
			  int width, int height, int channels)
{
	g_autofree PerturbCoarse *a = perturb_coarse(original, width, height, channels);
	g_autofree PerturbCoarse *b = perturb_coarse(perturbed, width, height, channels);
	g_autofree PerturbCoarse *m = moved ? perturb_coarse(moved, width, height, channels) : NULL;
	return perturb_coarse_similarity(a, b, m);
}

double perturb_coarse_similarity(const PerturbCoarse *a, const PerturbCoarse *b,
				 const PerturbCoarse *m)
{
	double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
	for (int i = 0; i < BLOCKS * BLOCKS; i++) {
		double x = a->mean[i], y = b->mean[i];
		if (m && fabs(m->mean[i] - x) <= MOVED)
			continue;
		n++;
		sa += x;
		sb += y;
		saa += x * x;
		sbb += y * y;
		sab += x * y;
	}
	double va = saa - sa * sa / n, vb = sbb - sb * sb / n;
	if (n < 3 || !(va > 1e-6 * n) || !(vb > 1e-6 * n))
		return (double)NAN;
	return (sab - sa * sb / n) / sqrt(va * vb);
}
