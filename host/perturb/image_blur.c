#include "image.h"

#include <math.h>
#include <string.h>

#define MOST_ZOOMS 32 /* the catalogue asks for 16 at most */

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

/* Zoomed pictures are added row by row, so that the sum stays near the processor. Of each picture two rows of the source, stretched,
 * are kept: the next row mostly lies between the same two. */
typedef struct Zoom {
	double zoom;
	PlaneSpot *spots; /* of each x */
	float *top, *low;
	int top_is, low_is; /* rows of the source; -1: none */
} Zoom;

/* Four values at once, on any machine: plain arithmetic, one by one the same as without. */
typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

/* One row between its neighbours in x. Colours: reads and writes one value more than there is. */
static void stretch_row(const float *from, const PlaneSpot *spots, int w, int ch, float *ret)
{
	if (ch != 3) {
		for (int x = 0; x < w; x++)
			ret[x] = from[spots[x].a] +
				 spots[x].part * (from[spots[x].b] - from[spots[x].a]);
		return;
	}
	for (int x = 0; x < w; x++, ret += 3) {
		Four a = *(const Four *)(from + spots[x].a * 3);
		Four b = *(const Four *)(from + spots[x].b * 3);
		*(Four *)ret = a + spots[x].part * (b - a);
	}
}

static void zoom_init(Zoom *z, double zoom, int w, int ch)
{
	double cx = (w - 1) / 2.0;
	*z = (Zoom){.zoom = zoom, .top_is = -1, .low_is = -1};
	z->spots = g_new(PlaneSpot, w);
	z->top = g_new(float, (size_t)w *(size_t)ch + 1);
	z->low = g_new(float, (size_t)w *(size_t)ch + 1);
	for (int x = 0; x < w; x++)
		z->spots[x] = plane_spot(cx + (x - cx) / zoom, w);
}

static void zoom_clear(Zoom *z)
{
	g_free(z->spots);
	g_free(z->top);
	g_free(z->low);
}

/* As plane_at() at each pixel of row y: first along x, once for each row that is needed, then between two rows. */
static void add_zoomed(Zoom *z, const PerturbImage *image, const float *from, int y, float *sum)
{
	int w = image->width, h = image->height, ch = image->channels, n = w * ch;
	double cy = (h - 1) / 2.0;
	PlaneSpot line = plane_spot(cy + (y - cy) / z->zoom, h);
	if (line.a == z->low_is) {
		float *other = z->top;
		z->top = z->low;
		z->low = other;
		z->low_is = z->top_is;
		z->top_is = line.a;
	}
	if (line.a != z->top_is)
		stretch_row(from + (size_t)line.a * (size_t)n, z->spots, w, ch, z->top);
	if (line.b != z->low_is)
		stretch_row(from + (size_t)line.b * (size_t)n, z->spots, w, ch, z->low);
	z->top_is = line.a;
	z->low_is = line.b;
	const float *top = z->top, *low = z->low;
	for (int i = 0; i < n; i++)
		sum[i] += top[i] + line.part * (low[i] - top[i]);
}

void image_zoom(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	size_t n = (size_t)image->width * (size_t)image->channels;
	double most = step_value(&stage->step, 0), step = step_value(&stage->step, 1);
	g_autofree float *from = g_new(float, image_bytes(image) + 1); /* see stretch_row() */
	g_autofree float *sum = g_new(float, n);
	Zoom zooms[MOST_ZOOMS];
	int count = 0;
	for (size_t i = 0; i < image_bytes(image); i++)
		from[i] = pixels[i];
	from[image_bytes(image)] = 0;
	for (; count < MOST_ZOOMS && 1 + count * step < most - 1e-9; count++)
		zoom_init(&zooms[count], 1 + count * step, image->width, image->channels);
	for (int y = 0; y < image->height; y++, pixels += n) {
		for (size_t i = 0; i < n; i++)
			sum[i] = pixels[i];
		for (int k = 0; k < count; k++)
			add_zoomed(&zooms[k], image, from, y, sum);
		for (size_t i = 0; i < n; i++)
			pixels[i] = to_byte((double)sum[i] / (count + 1));
	}
	for (int k = 0; k < count; k++)
		zoom_clear(&zooms[k]);
}
