#include "image.h"

#include <math.h>
#include <string.h>

float *plane_of_bytes(const uint8_t *bytes, size_t n)
{
	float *plane = g_new(float, n);
	for (size_t i = 0; i < n; i++)
		plane[i] = bytes[i];
	return plane;
}

void plane_to_bytes(const float *plane, size_t n, uint8_t *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = to_byte((double)plane[i]);
}

int plane_mirror(int i, int n)
{
	if (n == 1)
		return 0;
	int period = 2 * (n - 1);
	i = i % period;
	if (i < 0)
		i += period;
	return i < n ? i : period - i;
}

float plane_at(const float *plane, int w, int h, int ch, int c, double x, double y)
{
	double fx = floor(x), fy = floor(y);
	int x0 = plane_mirror((int)fx, w), x1 = plane_mirror((int)fx + 1, w);
	int y0 = plane_mirror((int)fy, h), y1 = plane_mirror((int)fy + 1, h);
	float ax = (float)(x - fx), ay = (float)(y - fy);
	const float *top = plane + (size_t)y0 * (size_t)w * (size_t)ch + c;
	const float *low = plane + (size_t)y1 * (size_t)w * (size_t)ch + c;
	float a = top[x0 * ch] + ax * (top[x1 * ch] - top[x0 * ch]);
	float b = low[x0 * ch] + ax * (low[x1 * ch] - low[x0 * ch]);
	return a + ay * (b - a);
}

/* ---- along one line ---- */

typedef struct Line {
	float *in, *out; /* n values */
	int n;
} Line;

typedef void (*LineFunc)(const Line *line, const void *how);

static void for_each_line(float *plane, int w, int h, int ch, LineFunc func, const void *how)
{
	int longest = MAX(w, h);
	g_autofree float *in = g_new(float, (size_t)longest);
	g_autofree float *out = g_new(float, (size_t)longest);
	size_t row = (size_t)w * (size_t)ch;
	for (int pass = 0; pass < 2; pass++) {
		int lines = pass ? w : h, n = pass ? h : w;
		size_t step = pass ? row : (size_t)ch;
		Line line = {in, out, n};
		for (int l = 0; l < lines; l++)
			for (int c = 0; c < ch; c++) {
				float *at = plane +
					    (pass ? (size_t)l * (size_t)ch : (size_t)l * row) + c;
				for (int i = 0; i < n; i++)
					in[i] = at[(size_t)i * step];
				func(&line, how);
				for (int i = 0; i < n; i++)
					at[(size_t)i * step] = out[i];
			}
	}
}

typedef struct Kernel {
	int reach;
	bool mirror;      /* else the edge is repeated */
	float weight[64]; /* of distance 0.. reach */
} Kernel;

static int beyond(const Kernel *k, int i, int n)
{
	return k->mirror ? plane_mirror(i, n) : CLAMP(i, 0, n - 1);
}

static void convolve(const Line *line, const void *how)
{
	const Kernel *k = how;
	for (int i = 0; i < line->n; i++) {
		float sum = k->weight[0] * line->in[i];
		bool inside = i >= k->reach && i + k->reach < line->n;
		for (int d = 1; d <= k->reach; d++)
			sum += k->weight[d] *
			       (inside ? line->in[i - d] + line->in[i + d]
				       : line->in[beyond(k, i - d, line->n)] +
						 line->in[beyond(k, i + d, line->n)]);
		line->out[i] = sum;
	}
}

static Kernel kernel_of(double sigma, int reach, bool mirror)
{
	Kernel k = {.reach = reach, .mirror = mirror};
	double total = 0;
	for (int d = 0; d <= reach; d++) {
		double w = exp(-d * d / (2 * sigma * sigma));
		k.weight[d] = (float)w;
		total += d ? 2 * w : w;
	}
	for (int d = 0; d <= reach; d++)
		k.weight[d] = (float)((double)k.weight[d] / total);
	return k;
}

/* Mean of 2r + 1 neighbours, mirrored at the edge. */
static void box(const Line *line, const void *how)
{
	int r = *(const int *)how, n = line->n;
	double sum = 0;
	for (int d = -r; d <= r; d++)
		sum += (double)line->in[plane_mirror(d, n)];
	for (int i = 0; i < n; i++) {
		line->out[i] = (float)(sum / (2 * r + 1));
		sum += (double)line->in[plane_mirror(i + r + 1, n)] -
		       (double)line->in[plane_mirror(i - r, n)];
	}
}

void plane_gaussian(float *plane, int w, int h, int ch, double sigma)
{
	if (sigma <= 12) {
		Kernel k = kernel_of(sigma, (int)ceil(4 * sigma), false);
		for_each_line(plane, w, h, ch, convolve, &k);
		return;
	}
	/* Three boxes of width 2r + 1 have the variance 3 ((2r + 1)^2 - 1) / 12. */
	int r = (int)lround((sqrt(4 * sigma * sigma + 1) - 1) / 2);
	for (int i = 0; i < 3; i++)
		for_each_line(plane, w, h, ch, box, &r);
}

void plane_soften(float *plane, int w, int h, int ch, double sigma, int reach)
{
	Kernel k = kernel_of(sigma, reach, true);
	for_each_line(plane, w, h, ch, convolve, &k);
}

void plane_motion(float *plane, int w, int h, int ch, double sigma, int taps, double angle)
{
	size_t n = (size_t)w * (size_t)h * (size_t)ch;
	g_autofree float *from = g_new(float, n);
	memcpy(from, plane, n * sizeof(float));
	memset(plane, 0, n * sizeof(float));
	double total = 0;
	for (int k = 0; k < taps; k++)
		total += exp(-k * k / (2 * sigma * sigma));
	for (int k = 0; k < taps; k++) {
		float weight = (float)(exp(-k * k / (2 * sigma * sigma)) / total);
		int dx = (int)lround(k * cos(angle)), dy = (int)lround(k * sin(angle));
		for (int y = 0; y < h; y++) {
			const float *row =
				from + (size_t)CLAMP(y + dy, 0, h - 1) * (size_t)(w * ch);
			float *out = plane + (size_t)y * (size_t)(w * ch);
			for (int x = 0; x < w; x++)
				for (int c = 0; c < ch; c++)
					out[x * ch + c] +=
						weight * row[CLAMP(x + dx, 0, w - 1) * ch + c];
		}
	}
}

/* Sums from the left of one mirrored row: sums[i] is that of the places -reach .. i - reach - 1. */
static void run_sums(const float *row, int w, int ch, int c, int reach, double *sums)
{
	sums[0] = 0;
	for (int i = 0; i < w + 2 * reach; i++)
		sums[i + 1] = sums[i] + (double)row[plane_mirror(i - reach, w) * ch + c];
}

void plane_disk(float *plane, int w, int h, int ch, double radius)
{
	int reach = (int)floor(radius);
	size_t n = (size_t)w * (size_t)h * (size_t)ch, width = (size_t)(w + 2 * reach + 1);
	g_autofree double *sums = g_new(double, width *(size_t)h);
	g_autofree float *out = g_new(float, n);
	for (int c = 0; c < ch; c++) {
		for (int y = 0; y < h; y++)
			run_sums(plane + (size_t)y * (size_t)(w * ch), w, ch, c, reach,
				 sums + (size_t)y * width);
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++) {
				double sum = 0;
				int count = 0;
				for (int dy = -reach; dy <= reach; dy++) {
					int half = (int)floor(sqrt(radius * radius - dy * dy));
					const double *row =
						sums + (size_t)plane_mirror(y + dy, h) * width;
					sum += row[x + reach + half + 1] - row[x + reach - half];
					count += 2 * half + 1;
				}
				out[((size_t)y * (size_t)w + (size_t)x) * (size_t)ch + (size_t)c] =
					(float)(sum / count);
			}
	}
	memcpy(plane, out, n * sizeof(float));
}
