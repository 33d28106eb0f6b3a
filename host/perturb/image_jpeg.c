/* What baseline JPEG (ITU-T T.81) loses, without its entropy coding, which loses nothing: colour of half resolution, the
 * 8 x 8 cosine transform, and rounding to multiples of the quantisation tables of T.81 annex K, scaled by quality as
 * the Independent JPEG Group's library does. */
#include "image.h"

#include <math.h>

#define SIDE 8

static const uint8_t luma_table[64] = {
	16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
	14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
	18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
	49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
static const uint8_t chroma_table[64] = {
	17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99,
	99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

static void scaled_table(const uint8_t *base, int quality, double ret[64])
{
	int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
	for (int i = 0; i < 64; i++)
		ret[i] = CLAMP((base[i] * percent + 50) / 100, 1, 255);
}

/* T.81 A.3.3 as two products with the matrix of cosines. */
static void cosines(double ret[SIDE][SIDE])
{
	for (int u = 0; u < SIDE; u++)
		for (int x = 0; x < SIDE; x++)
			ret[u][x] = (u ? 0.5 : sqrt(0.125)) * cos((2 * x + 1) * u * G_PI / 16);
}

static void multiply(const double a[SIDE][SIDE], bool turned_a, double b[SIDE][SIDE],
		     double ret[SIDE][SIDE])
{
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			double sum = 0;
			for (int k = 0; k < SIDE; k++)
				sum += (turned_a ? a[k][i] : a[i][k]) * b[k][j];
			ret[j][i] = sum; /* turned: the second product works on the other axis */
		}
}

static void code_block(double block[SIDE][SIDE], const double c[SIDE][SIDE], const double *table)
{
	double half[SIDE][SIDE];
	multiply(c, false, block, half);
	multiply(c, false, half, block);
	for (int v = 0; v < SIDE; v++)
		for (int u = 0; u < SIDE; u++)
			block[v][u] =
				round(block[v][u] / table[v * SIDE + u]) * table[v * SIDE + u];
	multiply(c, true, block, half);
	multiply(c, true, half, block);
}

/* One component in place, values about 0; beyond the edge the last value is repeated. */
static void code_plane(float *plane, int w, int h, const double *table)
{
	double c[SIDE][SIDE], block[SIDE][SIDE];
	cosines(c);
	for (int by = 0; by < h; by += SIDE)
		for (int bx = 0; bx < w; bx += SIDE) {
			for (int y = 0; y < SIDE; y++)
				for (int x = 0; x < SIDE; x++)
					block[y][x] = (double)
						plane[MIN(by + y, h - 1) * w + MIN(bx + x, w - 1)];
			code_block(block, c, table);
			for (int y = 0; y < MIN(SIDE, h - by); y++)
				for (int x = 0; x < MIN(SIDE, w - bx); x++)
					plane[(by + y) * w + bx + x] =
						(float)CLAMP(round(block[y][x]), -128.0, 127.0);
		}
}

typedef struct Ycc {
	float *y, *cb, *cr; /* about 0 */
	float *small[2];    /* cb, cr at half size */
	int w, h, half_w, half_h;
} Ycc;

/* JFIF: full-range BT.601, in whole numbers. */
static void to_ycc(Ycc *p, const uint8_t *rgb)
{
	for (int i = 0; i < p->w * p->h; i++, rgb += 3) {
		double r = rgb[0], g = rgb[1], b = rgb[2];
		p->y[i] = (float)round(0.299 * r + 0.587 * g + 0.114 * b - 128);
		p->cb[i] = (float)round(-0.168735892 * r - 0.331264108 * g + 0.5 * b);
		p->cr[i] = (float)round(0.5 * r - 0.418687589 * g - 0.081312411 * b);
	}
}

static void to_rgb(const Ycc *p, uint8_t *rgb)
{
	for (int i = 0; i < p->w * p->h; i++, rgb += 3) {
		double y = (double)p->y[i] + 128, cb = (double)p->cb[i], cr = (double)p->cr[i];
		rgb[0] = to_byte(y + 1.402 * cr);
		rgb[1] = to_byte(y - 0.344136286 * cb - 0.714136286 * cr);
		rgb[2] = to_byte(y + 1.772 * cb);
	}
}

/* Halves are rounded down and up in turn, so that no brightness is gained or lost on the whole. */
static void halve(const Ycc *p, const float *full, float *ret)
{
	for (int y = 0; y < p->half_h; y++)
		for (int x = 0; x < p->half_w; x++) {
			int x1 = MIN(2 * x + 1, p->w - 1), y1 = MIN(2 * y + 1, p->h - 1);
			const float *top = full + 2 * y * p->w, *low = full + y1 * p->w;
			double sum = (double)(top[2 * x] + top[x1] + low[2 * x] + low[x1]);
			ret[y * p->half_w + x] = (float)floor((sum + (x % 2 ? 2 : 1)) / 4);
		}
}

/* Triangle filter: three quarters of the nearer sample and one of the next, both ways. */
static void twice(const Ycc *p, const float *half, float *ret)
{
	for (int y = 0; y < p->h; y++)
		for (int x = 0; x < p->w; x++) {
			int hx = x / 2, hy = y / 2;
			int nx = CLAMP(hx + (x % 2 ? 1 : -1), 0, p->half_w - 1);
			int ny = CLAMP(hy + (y % 2 ? 1 : -1), 0, p->half_h - 1);
			const float *near = half + hy * p->half_w, *next = half + ny * p->half_w;
			ret[y * p->w + x] =
				(9 * near[hx] + 3 * near[nx] + 3 * next[hx] + next[nx]) / 16;
		}
}

static void code_colour(const PerturbImage *image, uint8_t *pixels, const double *luma,
			const double *chroma)
{
	size_t n = image_pixels(image);
	g_autofree float *y = g_new(float, n);
	g_autofree float *cb = g_new(float, n);
	g_autofree float *cr = g_new(float, n);
	Ycc p = {.y = y, .cb = cb, .cr = cr, .w = image->width, .h = image->height};
	p.half_w = (p.w + 1) / 2;
	p.half_h = (p.h + 1) / 2;
	g_autofree float *small = g_new(float, (size_t)p.half_w *(size_t)p.half_h);
	to_ycc(&p, pixels);
	code_plane(y, p.w, p.h, luma);
	for (int c = 0; c < 2; c++) {
		float *full = c ? cr : cb;
		halve(&p, full, small);
		code_plane(small, p.half_w, p.half_h, chroma);
		twice(&p, small, full);
	}
	to_rgb(&p, pixels);
}

static void code_grey(const PerturbImage *image, uint8_t *pixels, const double *luma)
{
	size_t n = image_pixels(image);
	g_autofree float *y = g_new(float, n);
	for (size_t i = 0; i < n; i++)
		y[i] = (float)pixels[i] - 128;
	code_plane(y, image->width, image->height, luma);
	for (size_t i = 0; i < n; i++)
		pixels[i] = to_byte((double)y[i] + 128);
}

void image_jpeg(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	double luma[64], chroma[64];
	int quality = (int)step_value(&stage->step, 0);
	scaled_table(luma_table, quality, luma);
	scaled_table(chroma_table, quality, chroma);
	if (image->channels == 1)
		code_grey(image, pixels, luma);
	else
		code_colour(image, pixels, luma, chroma);
}
