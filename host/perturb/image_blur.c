#include "image.h"

#include <math.h>
#include <string.h>

void image_defocus(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		   int64_t t_ns)
{
	(void)t_ns;
	size_t n = image_bytes(image);
	double radius = step_value(&stage->step, 0);
	g_autofree float *plane = plane_of_bytes(pixels, n);
	plane_disk(plane, image->width, image->height, image->channels,
		   MAX(radius * image->scale, 1));
	plane_soften(plane, image->width, image->height, image->channels,
		     step_value(&stage->step, 1), radius <= 8 ? 1 : 2);
	plane_to_bytes(plane, n, pixels);
}

/* Which pixel is seen at each place, after the swaps of neighbours. */
void image_glass_prepare(const PerturbImage *image, ImageStage *stage)
{
	int w = image->width, h = image->height;
	int reach = MAX((int)lround(step_value(&stage->step, 1) * image->scale), 1);
	int rounds = (int)step_value(&stage->step, 2);
	uint32_t word[4];
	stage->places = g_new(int32_t, image_pixels(image));
	for (int i = 0; i < w * h; i++)
		stage->places[i] = i;
	for (int round = 0; round < rounds; round++)
		for (int y = h - 1 - reach; y > reach; y--)
			for (int x = w - 1 - reach; x > reach; x--) {
				random_block(stage->key, round, (uint64_t)(y * w + x), word);
				int dx = (int)(word[0] % (2 * (uint32_t)reach)) - reach;
				int dy = (int)(word[1] % (2 * (uint32_t)reach)) - reach;
				int32_t *a = &stage->places[y * w + x];
				int32_t *b = &stage->places[(y + dy) * w + x + dx];
				int32_t other = *a;
				*a = *b;
				*b = other;
			}
}

static void blur(const PerturbImage *image, uint8_t *pixels, double sigma)
{
	size_t n = image_bytes(image);
	g_autofree float *plane = plane_of_bytes(pixels, n);
	plane_gaussian(plane, image->width, image->height, image->channels, sigma);
	plane_to_bytes(plane, n, pixels);
}

void image_glass(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	size_t ch = (size_t)image->channels, n = image_bytes(image);
	double sigma = step_value(&stage->step, 0) * image->scale;
	g_autofree uint8_t *from = g_malloc(n);
	blur(image, pixels, sigma);
	memcpy(from, pixels, n);
	for (size_t i = 0; i < image_pixels(image); i++)
		memcpy(pixels + i * ch, from + (size_t)stage->places[i] * ch, ch);
	blur(image, pixels, sigma);
}

void image_motion_prepare(const PerturbImage *image, ImageStage *stage)
{
	(void)image;
	stage->angle = (random_uniform(stage->key, 0, 0) - 0.5) * (G_PI / 2); /* -45..45 degrees */
}

void image_motion(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	size_t n = image_bytes(image);
	int taps = 2 * (int)lround(step_value(&stage->step, 0) * image->scale) + 1;
	g_autofree float *plane = plane_of_bytes(pixels, n);
	plane_motion(plane, image->width, image->height, image->channels,
		     step_value(&stage->step, 1) * image->scale, taps, stage->angle);
	plane_to_bytes(plane, n, pixels);
}

/* One row between its neighbours in x. */
static void stretch_row(const float *from, const PlaneSpot *spots, int w, int ch, float *ret)
{
	for (int x = 0; x < w; x++) {
		const float *a = from + spots[x].a * ch, *b = from + spots[x].b * ch;
		for (int c = 0; c < ch; c++)
			*ret++ = a[c] + spots[x].part * (b[c] - a[c]);
	}
}

/* As plane_at() at each pixel: first along x, once for each row that is needed, then between two rows. */
static void add_zoomed(const PerturbImage *image, const float *from, double zoom, float *sum)
{
	int w = image->width, h = image->height, ch = image->channels, n = w * ch;
	double cx = (w - 1) / 2.0, cy = (h - 1) / 2.0;
	g_autofree PlaneSpot *spots = g_new(PlaneSpot, w);
	g_autofree float *rows = g_new(float, 2 * (size_t)n);
	float *top = rows, *low = rows + n;
	int top_is = -1, low_is = -1;
	for (int x = 0; x < w; x++)
		spots[x] = plane_spot(cx + (x - cx) / zoom, w);
	for (int y = 0; y < h; y++, sum += n) {
		PlaneSpot line = plane_spot(cy + (y - cy) / zoom, h);
		if (line.a == low_is) {
			float *other = top;
			top = low;
			low = other;
			low_is = top_is;
			top_is = line.a;
		}
		if (line.a != top_is)
			stretch_row(from + (size_t)line.a * (size_t)n, spots, w, ch, top);
		if (line.b != low_is)
			stretch_row(from + (size_t)line.b * (size_t)n, spots, w, ch, low);
		top_is = line.a;
		low_is = line.b;
		for (int i = 0; i < n; i++)
			sum[i] += top[i] + line.part * (low[i] - top[i]);
	}
}

void image_zoom(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	size_t n = image_bytes(image);
	double most = step_value(&stage->step, 0), step = step_value(&stage->step, 1);
	g_autofree float *from = plane_of_bytes(pixels, n);
	g_autofree float *sum = plane_of_bytes(pixels, n);
	int pictures = 1;
	for (int k = 0; 1 + k * step < most - 1e-9; k++, pictures++)
		add_zoomed(image, from, 1 + k * step, sum);
	for (size_t i = 0; i < n; i++)
		pixels[i] = to_byte((double)sum[i] / pictures);
}
