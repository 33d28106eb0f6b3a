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

PlaneSpot plane_spot(double at, int n)
{
	double whole = floor(at);
	return (PlaneSpot){plane_mirror((int)whole, n), plane_mirror((int)whole + 1, n),
			   (float)(at - whole)};
}

float plane_at(const float *plane, int w, int h, int ch, int c, double x, double y)
{
	PlaneSpot sx = plane_spot(x, w), sy = plane_spot(y, h);
	size_t row = (size_t)w * (size_t)ch;
	return plane_between(plane + (size_t)sy.a * row + c, plane + (size_t)sy.b * row + c,
			     sx.a * ch, sx.b * ch, sx.part, sy.part);
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

/* One row of `n` values, neighbours `step` values apart. */
static void convolve_row(const Kernel *k, const float *in, float *out, int n, int step)
{
	int pixels = n / step, edge = MIN(k->reach, pixels) * step;
	for (int i = 0; i < n; i++)
		out[i] = k->weight[0] * in[i];
	for (int d = 1; d <= k->reach; d++) {
		float weight = k->weight[d];
		int far = d * step;
		for (int i = edge; i < n - edge; i++)
			out[i] += weight * (in[i - far] + in[i + far]);
	}
	for (int x = 0; x < pixels; x++) {
		if (x == k->reach && x < pixels - k->reach)
			x = pixels - k->reach;
		for (int c = 0; c < step; c++)
			for (int d = 1; d <= k->reach; d++)
				out[x * step + c] +=
					k->weight[d] * (in[beyond(k, x - d, pixels) * step + c] +
							in[beyond(k, x + d, pixels) * step + c]);
	}
}

/* The same of columns: whole rows at a time, in the order in which a single value would be summed. */
static void convolve_column(const Kernel *k, const float *plane, float *out, int y, int h, int n)
{
	const float *in = plane + (size_t)y * (size_t)n;
	for (int i = 0; i < n; i++)
		out[i] = k->weight[0] * in[i];
	for (int d = 1; d <= k->reach; d++) {
		const float *up = plane + (size_t)beyond(k, y - d, h) * (size_t)n;
		const float *low = plane + (size_t)beyond(k, y + d, h) * (size_t)n;
		float weight = k->weight[d];
		for (int i = 0; i < n; i++)
			out[i] += weight * (up[i] + low[i]);
	}
}

static void convolve(float *plane, int w, int h, int ch, const Kernel *k)
{
	size_t n = (size_t)w * (size_t)ch;
	g_autofree float *rows = g_new(float, n *(size_t)h);
	for (int y = 0; y < h; y++)
		convolve_row(k, plane + (size_t)y * n, rows + (size_t)y * n, (int)n, ch);
	for (int y = 0; y < h; y++)
		convolve_column(k, rows, plane + (size_t)y * n, y, h, (int)n);
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
		convolve(plane, w, h, ch, &k);
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
	convolve(plane, w, h, ch, &k);
}

/* out[x] += weight * row[x + dx], beyond the edge the edge. */
static void add_moved(float *out, const float *row, int w, int ch, int dx, float weight)
{
	int from = dx < 0 ? MIN(-dx, w) : 0, to = dx > 0 ? MAX(w - dx, from) : w;
	for (int x = 0; x < w; x++) {
		if (x == from)
			x = to;
		for (int c = 0; x < w && c < ch; c++)
			out[x * ch + c] += weight * row[CLAMP(x + dx, 0, w - 1) * ch + c];
	}
	for (int i = from * ch; i < to * ch; i++)
		out[i] += weight * row[i + dx * ch];
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
		for (int y = 0; y < h; y++)
			add_moved(plane + (size_t)y * (size_t)(w * ch),
				  from + (size_t)CLAMP(y + dy, 0, h - 1) * (size_t)(w * ch), w, ch,
				  dx, weight);
	}
}

/* Sums from the left of one mirrored row: sums[i] is that of the places -reach .. i - reach - 1. */
static void run_sums(const float *row, int w, int ch, int c, int reach, double *sums)
{
	sums[0] = 0;
	for (int i = 0; i < w + 2 * reach; i++)
		sums[i + 1] = sums[i] + (double)row[plane_mirror(i - reach, w) * ch + c];
}

typedef struct Disk {
	int reach, count; /* pixels in it */
	int half[256];    /* of the row dy is half[reach + dy] pixels to either side */
} Disk;

static Disk disk_of(double radius)
{
	Disk disk = {.reach = MIN((int)floor(radius), 127)};
	for (int dy = -disk.reach; dy <= disk.reach; dy++) {
		int half = (int)floor(sqrt(radius * radius - dy * dy));
		disk.half[disk.reach + dy] = half;
		disk.count += 2 * half + 1;
	}
	return disk;
}

/* Whole rows at a time, in the order in which a single value would be summed. */
static void disk_row(const Disk *disk, const double *sums, size_t width, int y, int w, int h,
		     double *ret)
{
	memset(ret, 0, (size_t)w * sizeof(double));
	for (int dy = -disk->reach; dy <= disk->reach; dy++) {
		int half = disk->half[disk->reach + dy];
		const double *row = sums + (size_t)plane_mirror(y + dy, h) * width;
		const double *right = row + disk->reach + half + 1,
			     *left = row + disk->reach - half;
		for (int x = 0; x < w; x++)
			ret[x] += right[x] - left[x];
	}
}

void plane_disk(float *plane, int w, int h, int ch, double radius)
{
	Disk disk = disk_of(radius);
	size_t width = (size_t)(w + 2 * disk.reach + 1);
	g_autofree double *sums = g_new(double, width *(size_t)h), *row = g_new(double, w);
	for (int c = 0; c < ch; c++) {
		for (int y = 0; y < h; y++)
			run_sums(plane + (size_t)y * (size_t)(w * ch), w, ch, c, disk.reach,
				 sums + (size_t)y * width);
		for (int y = 0; y < h; y++) {
			float *out = plane + (size_t)y * (size_t)(w * ch) + c;
			disk_row(&disk, sums, width, y, w, h, row);
			for (int x = 0; x < w; x++)
				out[x * ch] = (float)(row[x] / disk.count);
		}
	}
}
