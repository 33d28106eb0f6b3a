#include "render_sensor.h"

#include "render.h"

#include <math.h>
#include <string.h>

/* Light at 300 lx gives 0.85 of full scale on a white floor; the display's gamma is 2.2. */
#define EXPOSURE_LX 420.0
#define GAMMA 2.2
#define INDIRECT 0.42 /* share of the lamp's light that comes from everywhere */

#define LIT_MAX 383 /* white, whatever the noise, an int8_t */
#define NOISE_TABLE 65536
#define NOISE_UNIT 32 /* table steps for one standard deviation */

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64, Steele et al. 2014 */
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* The sum of eight uniform numbers is near enough to a normal one, and exact on every machine. */
static void fill_noise(int8_t *table, uint64_t seed)
{
	for (int i = 0; i < NOISE_TABLE; i++) {
		uint64_t bits = mix(seed + (uint64_t)i);
		int sum = 0;
		for (int k = 0; k < 8; k++)
			sum += (int)(bits >> (8 * k) & 255);
		/* variance of the sum: 8 * (256^2 - 1) / 12 = 209^2 */
		table[i] = (int8_t)CLAMP((sum - 1020) * NOISE_UNIT / 209, -127, 127);
	}
}

void sensor_init(Sensor *s, const SceneCamera *camera)
{
	s->camera = *camera;
	s->pixels = (size_t)camera->width * (size_t)camera->height;
	s->noise_scale = -1;
	s->noise = g_malloc(NOISE_TABLE);
	s->scaled = g_malloc0(NOISE_TABLE);
	fill_noise(s->noise, camera->seed);
	s->lit = g_new0(int16_t, 3 * s->pixels);
	s->rgb = g_malloc0(3 * s->pixels);
	s->gray = g_malloc0(s->pixels);
}

void sensor_clear(Sensor *s)
{
	g_free(s->noise);
	g_free(s->scaled);
	g_free(s->lit);
	g_free(s->rgb);
	g_free(s->gray);
}

/* Gain for each value of `direct`: (lux on the pixel / exposure) ^ (1 / gamma), in 1/256. */
static void fill_gain(const Scene *scene, uint16_t gain[256])
{
	double lamp = fmax(scene->lamp_lx, 0);
	double ambient = fmax(scene->illuminance_lx - lamp, 0);

	for (int i = 0; i < 256; i++) {
		double lx = ambient + lamp * (INDIRECT + (1 - INDIRECT) * i / 127.0);
		gain[i] = (uint16_t)lrint(256 * fmin(pow(lx / EXPOSURE_LX, 1 / GAMMA), 16));
	}
}

/* Standard deviation in 1/65536 of a table step: shot noise grows as the square root of the gain that a
 * camera turns up in the dark, within reason. */
static int noise_scale(const Sensor *s, const Scene *scene)
{
	double lx = CLAMP(scene->illuminance_lx, 20, 1000);

	return (int)lrint(fmin(s->camera.noise * sqrt(300 / lx), 20) / NOISE_UNIT * 65536);
}

/* The picture without noise. Only where something moved or the light changed: most pictures differ in noise alone. */
static void light(Sensor *s, const uint8_t *albedo, const uint8_t *direct, const Scene *scene,
		  bool moved)
{
	uint16_t gain[256];

	fill_gain(scene, gain);
	if (!moved && memcmp(gain, s->gain, sizeof gain) == 0)
		return;
	memcpy(s->gain, gain, sizeof gain);
	for (size_t at = 0; at < s->pixels; at++) {
		uint32_t g = gain[direct[at]];
		for (size_t i = 0; i < 3; i++) {
			uint32_t value = (albedo[3 * at + i] * g + 128) >> 8;
			s->lit[i * s->pixels + at] = (int16_t)MIN(value, LIT_MAX);
		}
	}
}

static void scale_noise(Sensor *s, int scale)
{
	if (scale == s->noise_scale)
		return;
	s->noise_scale = scale;
	for (int i = 0; i < NOISE_TABLE; i++)
		s->scaled[i] = (int8_t)((s->noise[i] * scale + 32768) >> 16);
}

static const int8_t *row_noise(const Sensor *s, int y)
{
	size_t random = mix(mix(s->camera.seed ^ s->frame) + (uint64_t)y) %
			(size_t)(NOISE_TABLE - s->camera.width);

	return s->scaled + random;
}

static int16_t expose(int16_t lit, int8_t noise)
{
	int16_t value = (int16_t)(lit + noise);

	value = value < 0 ? 0 : value;
	return value > 255 ? 255 : value;
}

/* BT.601, full range, in 1/256. */
static uint8_t luma(int red, int green, int blue)
{
	return (uint8_t)((uint16_t)(77 * red + 150 * green + 29 * blue + 128) >> 8);
}

/* Rows, so that a compiler turns them into vectors; all three colours of a pixel have the same noise. */
static void expose_rgb(const int16_t *restrict red, const int16_t *restrict green,
		       const int16_t *restrict blue, const int8_t *restrict noise,
		       uint8_t *restrict out, int n)
{
	for (int i = 0; i < n; i++) {
		out[3 * i] = (uint8_t)expose(red[i], noise[i]);
		out[3 * i + 1] = (uint8_t)expose(green[i], noise[i]);
		out[3 * i + 2] = (uint8_t)expose(blue[i], noise[i]);
	}
}

static void expose_gray(const int16_t *restrict red, const int16_t *restrict green,
			const int16_t *restrict blue, const int8_t *restrict noise,
			uint8_t *restrict out, int n)
{
	for (int i = 0; i < n; i++)
		out[i] = luma(expose(red[i], noise[i]), expose(green[i], noise[i]),
			      expose(blue[i], noise[i]));
}

void renderer_led_place(const SceneCamera *camera, int *ret_x, int *ret_y, int *ret_radius)
{
	*ret_radius = MAX(camera->height / 60, 2);
	*ret_x = camera->width - 4 * *ret_radius;
	*ret_y = camera->height - 4 * *ret_radius;
}

static void put(Sensor *s, bool gray, int x, int y, int red, int green, int blue)
{
	size_t at = (size_t)y * (size_t)s->camera.width + (size_t)x;

	if (gray) {
		s->gray[at] = luma(red, green, blue);
		return;
	}
	s->rgb[3 * at] = (uint8_t)red;
	s->rgb[3 * at + 1] = (uint8_t)green;
	s->rgb[3 * at + 2] = (uint8_t)blue;
}

/* A lamp shines by itself: drawn after the exposure. */
static void draw_led(Sensor *s, bool gray)
{
	double on = CLAMP(s->led, 0, 1);
	int cx, cy, radius;

	if (s->led < 0)
		return;
	renderer_led_place(&s->camera, &cx, &cy, &radius);
	for (int y = cy - 2 * radius; y <= cy + 2 * radius; y++) {
		for (int x = cx - 2 * radius; x <= cx + 2 * radius; x++) {
			int square = (x - cx) * (x - cx) + (y - cy) * (y - cy);
			if (MAX(ABS(x - cx), ABS(y - cy)) > radius * 3 / 2)
				continue; /* the lamp sits in a small black housing */
			if (square <= radius * radius)
				put(s, gray, x, y, (int)(30 + 225 * on), (int)(14 + 200 * on),
				    (int)(14 + 120 * on));
			else
				put(s, gray, x, y, 12, 12, 12);
		}
	}
}

void sensor_expose(Sensor *s, const uint8_t *albedo, const uint8_t *direct, const Scene *scene,
		   bool moved)
{
	light(s, albedo, direct, scene, moved);
	scale_noise(s, noise_scale(s, scene));
}

void sensor_frame(Sensor *s, uint64_t frame, double led)
{
	s->frame = frame;
	s->led = led;
	s->rgb_done = s->gray_done = false;
}

const uint8_t *sensor_rgb(Sensor *s)
{
	size_t pixels = s->pixels, width = (size_t)s->camera.width;

	for (int y = 0; !s->rgb_done && y < s->camera.height; y++) {
		const int16_t *lit = s->lit + (size_t)y * width;
		expose_rgb(lit, lit + pixels, lit + 2 * pixels, row_noise(s, y),
			   s->rgb + 3 * (size_t)y * width, s->camera.width);
	}
	if (!s->rgb_done)
		draw_led(s, false);
	s->rgb_done = true;
	return s->rgb;
}

const uint8_t *sensor_gray(Sensor *s)
{
	size_t pixels = s->pixels, width = (size_t)s->camera.width;

	for (int y = 0; !s->gray_done && y < s->camera.height; y++) {
		const int16_t *lit = s->lit + (size_t)y * width;
		expose_gray(lit, lit + pixels, lit + 2 * pixels, row_noise(s, y),
			    s->gray + (size_t)y * width, s->camera.width);
	}
	if (!s->gray_done)
		draw_led(s, true);
	s->gray_done = true;
	return s->gray;
}
