#include "image.h"

#include <math.h>
#include <string.h>

/* ---- snow: flakes are the peaks of coarse noise, drawn out along their fall ---- */

void image_snow_prepare(const PerturbImage *image, ImageStage *stage)
{
	(void)image;
	/* -135..-45 degrees: from straight down to slanting either way */
	stage->angle = -(0.25 + 0.5 * random_uniform(stage->key, 0, 0)) * G_PI;
}

/* Coarse normal noise, enlarged and cut off. Caller frees. */
static float *snow_layer(const PerturbImage *image, const ImageStage *stage, int64_t t_ns)
{
	double mean = step_value(&stage->step, 0), sigma = step_value(&stage->step, 1);
	double zoom = MAX(step_value(&stage->step, 2) * image->scale, 1);
	float threshold = (float)step_value(&stage->step, 3);
	int w = image->width, h = image->height;
	int cw = (int)ceil(w / zoom) + 1, chh = (int)ceil(h / zoom) + 1;
	g_autofree float *coarse = g_new(float, (size_t)cw *(size_t)chh);
	float *layer = g_new(float, image_pixels(image));
	for (size_t i = 0; i < (size_t)cw * (size_t)chh; i++)
		coarse[i] = (float)(mean + sigma * random_normal(stage->key, t_ns, i));
	g_autofree PlaneSpot *spots = g_new(PlaneSpot, w);
	for (int x = 0; x < w; x++)
		spots[x] = plane_spot(x / zoom, cw);
	for (int y = 0; y < h; y++) {
		PlaneSpot line = plane_spot(y / zoom, chh);
		const float *top = coarse + (size_t)line.a * (size_t)cw;
		const float *low = coarse + (size_t)line.b * (size_t)cw;
		for (int x = 0; x < w; x++) {
			float v = plane_between(top, low, spots[x].a, spots[x].b, spots[x].part,
						line.part);
			layer[y * w + x] = v < threshold ? 0 : MIN(v, 1);
		}
	}
	return layer;
}

static double grey_of(const uint8_t *p, int channels)
{
	return channels == 1 ? p[0] : 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
}

void image_snow(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	size_t n = image_pixels(image), ch = (size_t)image->channels;
	int taps = 2 * (int)lround(step_value(&stage->step, 4) * image->scale) + 1;
	double keep = step_value(&stage->step, 6);
	g_autofree float *layer = snow_layer(image, stage, t_ns);
	plane_motion(layer, image->width, image->height, 1,
		     step_value(&stage->step, 5) * image->scale, taps, stage->angle);
	for (size_t i = 0; i < n; i++) {
		double white = grey_of(pixels + i * ch, image->channels) * 1.5 + 127.5;
		double flakes = 255 * (double)(layer[i] + layer[n - 1 - i]);
		for (size_t c = 0; c < ch; c++) {
			uint8_t *p = &pixels[i * ch + c];
			*p = to_byte(keep * *p + (1 - keep) * MAX(*p, white) + flakes);
		}
	}
}

/* ---- fog: a height map by midpoint displacement on a torus ---- */

static int power_of_two(int at_least)
{
	int side = 1;
	while (side < at_least)
		side *= 2;
	return side;
}

typedef struct Plasma {
	float *map;
	int side;
	uint64_t key;
} Plasma;

static float *plasma_at(const Plasma *p, int x, int y)
{
	int mask = p->side - 1;
	return &p->map[(size_t)(y & mask) * (size_t)p->side + (size_t)(x & mask)];
}

static float displaced(const Plasma *p, int x, int y, float mean, double amplitude)
{
	double u = random_uniform(p->key, 1, (uint64_t)y * (uint64_t)p->side + (uint64_t)x);
	return mean + (float)(amplitude * (2 * u - 1));
}

/* Centres of squares, then of diamonds, `step` apart. */
static void refine(const Plasma *p, int step, double amplitude)
{
	int half = step / 2;
	for (int y = half; y < p->side; y += step)
		for (int x = half; x < p->side; x += step) {
			float sum = *plasma_at(p, x - half, y - half) +
				    *plasma_at(p, x + half, y - half) +
				    *plasma_at(p, x - half, y + half) +
				    *plasma_at(p, x + half, y + half);
			*plasma_at(p, x, y) = displaced(p, x, y, sum / 4, amplitude);
		}
	for (int y = 0; y < p->side; y += half)
		for (int x = (y / half) % 2 ? 0 : half; x < p->side; x += step) {
			float sum = *plasma_at(p, x - half, y) + *plasma_at(p, x + half, y) +
				    *plasma_at(p, x, y - half) + *plasma_at(p, x, y + half);
			*plasma_at(p, x, y) = displaced(p, x, y, sum / 4, amplitude);
		}
}

/* The paper's generator divides its roughness by `decay` an octave and displaces by its square. */
void image_fog_prepare(const PerturbImage *image, ImageStage *stage)
{
	int w = image->width, h = image->height, side = power_of_two(MAX(w, h));
	double wibble = 100, decay = step_value(&stage->step, 1);
	g_autofree float *map = g_new0(float, (size_t)side *(size_t)side);
	Plasma p = {map, side, stage->key};
	for (int step = side; step >= 2; step /= 2, wibble /= decay)
		refine(&p, step, wibble * wibble);
	float lo = map[0], hi = map[0];
	for (size_t i = 0; i < (size_t)side * (size_t)side; i++) {
		lo = MIN(lo, map[i]);
		hi = MAX(hi, map[i]);
	}
	stage->field = g_new(float, image_pixels(image));
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			stage->field[y * w + x] = (map[y * side + x] - lo) / (hi - lo);
}

void image_fog(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	double density = step_value(&stage->step, 0), most = 0;
	size_t n = image_pixels(image), ch = (size_t)image->channels;
	for (size_t i = 0; i < n * ch; i++)
		most = MAX(most, pixels[i]);
	double peak = most / 255, shrink = peak / (peak + density);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < ch; c++)
			pixels[i * ch + c] = to_byte(
				(pixels[i * ch + c] + 255 * density * (double)stage->field[i]) *
				shrink);
}

/* ---- frost: ice crystals as ridges of turned noise, thickest at the rim ---- */

/* Smooth noise of one octave: values at whole places, blended. */
static double lattice(uint64_t key, int octave, double x, double y)
{
	double fx = floor(x), fy = floor(y), ax = x - fx, ay = y - fy, v[4];
	ax = ax * ax * (3 - 2 * ax);
	ay = ay * ay * (3 - 2 * ay);
	for (int i = 0; i < 4; i++) {
		int64_t px = (int64_t)fx + i % 2, py = (int64_t)fy + i / 2;
		v[i] = random_uniform(
			key, octave, (uint64_t)(py + (1 << 20)) << 24 | (uint64_t)(px + (1 << 20)));
	}
	double top = v[0] + ax * (v[1] - v[0]), low = v[2] + ax * (v[3] - v[2]);
	return top + ay * (low - top);
}

/* Needles: noise that is long one way and narrow the other, two ways crossed, finer octave by octave. */
static double ice(uint64_t key, double x, double y)
{
	double sum = 0, weight = 1, total = 0;
	for (int octave = 0; octave < 5; octave++, weight *= 0.7) {
		double turn = random_uniform(key, 100 + octave, 0) * G_PI, f = 4 << octave;
		double along = x * cos(turn) + y * sin(turn);
		double across = y * cos(turn) - x * sin(turn);
		double n = lattice(key, octave, along * f * 0.35, across * f);
		double ridge = 1 - fabs(2 * n - 1);
		sum += weight * ridge * ridge;
		total += weight;
	}
	return sum / total;
}

void image_frost_prepare(const PerturbImage *image, ImageStage *stage)
{
	int w = image->width, h = image->height, side = MIN(w, h);
	stage->field = g_new(float, image_pixels(image));
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			double rx = 2.0 * x / w - 1, ry = 2.0 * y / h - 1;
			double rim = MIN(0.35 + 0.65 * MAX(fabs(rx), fabs(ry)), 1.0);
			double v = ice(stage->key, (double)x / side, (double)y / side);
			stage->field[y * w + x] = (float)(MIN(1.4 * v, 1.0) * rim);
		}
}

void image_frost(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels, int64_t t_ns)
{
	(void)t_ns;
	static const double ice_colour[] = {222, 238, 255}; /* bluish white */
	double keep = step_value(&stage->step, 0), frost = step_value(&stage->step, 1);
	size_t n = image_pixels(image), ch = (size_t)image->channels;
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < ch; c++)
			pixels[i * ch + c] = to_byte(keep * pixels[i * ch + c] +
						     frost * (double)stage->field[i] *
							     ice_colour[ch == 1 ? 1 : c]);
}
