/* Pictures: the stages of a chain for one camera, and the plane arithmetic that they share. Private to perturb. */
#ifndef ANZEN_PERTURB_IMAGE_H
#define ANZEN_PERTURB_IMAGE_H

#include "chain.h"
#include "random.h"

/* ImageNet-C's lengths are pixels of a picture of this size. */
#define PAPER_SIDE 224.0

typedef struct NoiseTable NoiseTable;

typedef struct ImageStage {
	Step step;
	uint64_t key;
	/* What stays the same in every picture; made once, then only read. NULL where not used. */
	float *field;      /* width x height, or 2 x width x height for places */
	int32_t *places;   /* of glass: which pixel is seen here */
	double *table;     /* of shot noise: 256 cumulative distributions */
	uint8_t *begin;    /* of shot noise: where to begin in them */
	NoiseTable *noise; /* of Gaussian noise */
	double angle;      /* rad */
	int box[4];        /* x, y, width, height */
} ImageStage;

struct PerturbImage {
	int width, height, channels;
	double scale; /* pixels for one of the paper's */
	size_t n;
	ImageStage stages[];
};

typedef struct ImageFunction {
	void (*prepare)(const PerturbImage *image, ImageStage *stage); /* or NULL */
	/* NULL: the whole picture's fate only */
	void (*apply)(const PerturbImage *image, const ImageStage *stage, uint8_t *pixels,
		      int64_t t_ns);
} ImageFunction;
extern const ImageFunction image_functions[ID_COUNT];

static inline uint8_t to_byte(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5);
}

static inline size_t image_pixels(const PerturbImage *image)
{
	return (size_t)image->width * (size_t)image->height;
}

static inline size_t image_bytes(const PerturbImage *image)
{
	return image_pixels(image) * (size_t)image->channels;
}

/* ---- planes (plane.c): floats, rows packed, `ch` values a pixel ---- */

float *plane_of_bytes(const uint8_t *bytes, size_t n); /* 0..255; caller frees */
void plane_to_bytes(const float *plane, size_t n, uint8_t *ret);
/* Index mirrored into 0..n-1 without repeating the edge (OpenCV's BORDER_REFLECT_101). */
int plane_mirror(int i, int n);
/* Between two values of a line of n: their places, mirrored, and how far from the first. */
typedef struct PlaneSpot {
	int a, b;
	float part;
} PlaneSpot;
PlaneSpot plane_spot(double at, int n);
static inline float plane_between(const float *top, const float *low, int x0, int x1, float ax,
				  float ay)
{
	float a = top[x0] + ax * (top[x1] - top[x0]);
	float b = low[x0] + ax * (low[x1] - low[x0]);
	return a + ay * (b - a);
}
/* Bilinear value of one channel at (x, y); beyond the edge mirrored. */
float plane_at(const float *plane, int w, int h, int ch, int c, double x, double y);
/* In place, edge pixels repeated; a sigma above 12 by three box means of the same variance (Wells 1986). */
void plane_gaussian(float *plane, int w, int h, int ch, double sigma);
/* A camera's motion: half a Gaussian of `sigma` along `angle`, `taps` samples long, edge pixels repeated. */
void plane_motion(float *plane, int w, int h, int ch, double sigma, int taps, double angle);
/* Out of focus: the mean over a disk, mirrored at the edge. */
void plane_disk(float *plane, int w, int h, int ch, double radius);
/* Three or five taps of a small Gaussian, mirrored at the edge. */
void plane_soften(float *plane, int w, int h, int ch, double sigma, int reach);

/* ---- in their files ---- */

void image_gaussian_prepare(const PerturbImage *, ImageStage *);
void image_gaussian_noise(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_shot_prepare(const PerturbImage *, ImageStage *);
void image_shot_noise(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_impulse_noise(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);

void image_defocus(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_glass_prepare(const PerturbImage *, ImageStage *);
void image_glass(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_motion_prepare(const PerturbImage *, ImageStage *);
void image_motion(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_zoom(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);

void image_snow_prepare(const PerturbImage *, ImageStage *);
void image_snow(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_frost_prepare(const PerturbImage *, ImageStage *);
void image_frost(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_fog_prepare(const PerturbImage *, ImageStage *);
void image_fog(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);

void image_brightness(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_contrast(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_elastic_prepare(const PerturbImage *, ImageStage *);
void image_elastic(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_pixelate(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_jpeg(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);

void image_occlusion_prepare(const PerturbImage *, ImageStage *);
void image_occlusion(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_dark(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_flicker(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);
void image_patch_prepare(const PerturbImage *, ImageStage *);
void image_patch(const PerturbImage *, const ImageStage *, uint8_t *, int64_t);

#endif
