#include "image.h"

#include <math.h>
#include <string.h>

/* HSV with another V keeps the ratios of the channels; black has none and becomes grey. */
void image_brightness(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		      int64_t t_ns)
{
	(void)t_ns;
	double raise = 255 * step_value(&stage->step, 0);
	size_t n = image_pixels(image), ch = (size_t)image->channels;
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = pixels + i * ch;
		double v = p[0];
		for (size_t c = 1; c < ch; c++)
			v = MAX(v, p[c]);
		double to = MIN(v + raise, 255.0);
		for (size_t c = 0; c < ch; c++)
			p[c] = to_byte(v > 0 ? p[c] * to / v : to);
	}
}

void image_contrast(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		    int64_t t_ns)
{
	(void)t_ns;
	double factor = step_value(&stage->step, 0);
	size_t n = image_pixels(image), ch = (size_t)image->channels;
	for (size_t c = 0; c < ch; c++) {
		double mean = 0;
		for (size_t i = 0; i < n; i++)
			mean += pixels[i * ch + c];
		mean /= (double)n;
		for (size_t i = 0; i < n; i++)
			pixels[i * ch + c] = to_byte((pixels[i * ch + c] - mean) * factor + mean);
	}
}

/* ---- elastic: where each pixel comes from = an affine map of (its place + a smooth random step) ---- */

/* The affine map that takes three points to where the seed moved them: a 2 x 3 matrix. */
static void random_affine(const ImageStage *stage, int w, int h, double reach, double m[6])
{
	double cx = w / 2, cy = h / 2,
	       s = MIN(w, h) / 3; /* whole numbers, as in the paper's generator */
	double px[3] = {cx + s, cx + s, cx - s}, py[3] = {cy + s, cy - s, cy - s};
	double qx[3], qy[3];
	for (int i = 0; i < 3; i++) {
		qx[i] = px[i] + reach * (2 * random_uniform(stage->key, 2, (uint64_t)i) - 1);
		qy[i] = py[i] + reach * (2 * random_uniform(stage->key, 3, (uint64_t)i) - 1);
	}
	/* points 0 and 1 differ in y alone, 1 and 2 in x alone */
	double dx = px[1] - px[2], dy = py[0] - py[1];
	m[0] = (qx[1] - qx[2]) / dx;
	m[1] = (qx[0] - qx[1]) / dy;
	m[2] = qx[0] - m[0] * px[0] - m[1] * py[0];
	m[3] = (qy[1] - qy[2]) / dx;
	m[4] = (qy[0] - qy[1]) / dy;
	m[5] = qy[0] - m[3] * px[0] - m[4] * py[0];
}

/* Caller frees. */
static float *smooth_steps(const PerturbImage *image, const ImageStage *stage, int64_t which)
{
	size_t n = image_pixels(image);
	double amplitude = step_value(&stage->step, 0) * image->scale;
	float *field = g_new(float, n);
	for (size_t i = 0; i < n; i++)
		field[i] = (float)(2 * random_uniform(stage->key, which, i) - 1);
	plane_gaussian(field, image->width, image->height, 1,
		       step_value(&stage->step, 1) * image->scale);
	for (size_t i = 0; i < n; i++)
		field[i] *= (float)amplitude;
	return field;
}

void image_elastic_prepare(const PerturbImage *image, ImageStage *stage)
{
	int w = image->width, h = image->height;
	double m[6];
	g_autofree float *dx = smooth_steps(image, stage, 0);
	g_autofree float *dy = smooth_steps(image, stage, 1);
	random_affine(stage, w, h, step_value(&stage->step, 2) * image->scale, m);
	stage->field = g_new(float, 2 * image_pixels(image));
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			size_t i = (size_t)y * (size_t)w + (size_t)x;
			double sx = x + (double)dx[i], sy = y + (double)dy[i];
			stage->field[2 * i] = (float)(m[0] * sx + m[1] * sy + m[2]);
			stage->field[2 * i + 1] = (float)(m[3] * sx + m[4] * sy + m[5]);
		}
}

void image_elastic(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		   int64_t t_ns)
{
	(void)t_ns;
	int w = image->width, h = image->height, ch = image->channels;
	g_autofree float *from = plane_of_bytes(pixels, image_bytes(image));
	for (size_t i = 0; i < image_pixels(image); i++) {
		PlaneSpot x = plane_spot((double)stage->field[2 * i], w);
		PlaneSpot y = plane_spot((double)stage->field[2 * i + 1], h);
		const float *top = from + (size_t)y.a * (size_t)(w * ch);
		const float *low = from + (size_t)y.b * (size_t)(w * ch);
		for (int c = 0; c < ch; c++)
			*pixels++ = to_byte((double)plane_between(top + c, low + c, x.a * ch,
								  x.b * ch, x.part, y.part));
	}
}

/* ---- pixelate: a box mean down, the nearest pixel up ---- */

/* Pixels whose centres lie in cell `i` of `cells` along `n`. */
static void cell(int i, int cells, int n, int *ret_from, int *ret_to)
{
	double size = (double)n / cells;
	*ret_from = (int)ceil(i * size - 0.5);
	*ret_to = (int)ceil((i + 1) * size - 0.5);
}

static void fill_cell(const PerturbImage *image, uint8_t *pixels, int x0, int x1, int y0, int y1)
{
	int w = image->width, ch = image->channels;
	for (int c = 0; c < ch; c++) {
		double sum = 0;
		for (int y = y0; y < y1; y++)
			for (int x = x0; x < x1; x++)
				sum += pixels[(y * w + x) * ch + c];
		uint8_t mean = to_byte(sum / ((x1 - x0) * (y1 - y0)));
		for (int y = y0; y < y1; y++)
			for (int x = x0; x < x1; x++)
				pixels[(y * w + x) * ch + c] = mean;
	}
}

void image_pixelate(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		    int64_t t_ns)
{
	(void)t_ns;
	double size = MIN(step_value(&stage->step, 0) / image->scale, 1.0);
	int across = MAX((int)(image->width * size), 1), down = MAX((int)(image->height * size), 1);
	for (int j = 0; j < down; j++)
		for (int i = 0; i < across; i++) {
			int x0, x1, y0, y1;
			cell(i, across, image->width, &x0, &x1);
			cell(j, down, image->height, &y0, &y1);
			fill_cell(image, pixels, x0, x1, y0, y1);
		}
}
