/* What a camera's sensor makes of a drawn layer: light, noise, and pictures in colour or grey. Part of the renderer; same
 * rules (repeatable to the bit on one build, one thread at a time). */
#ifndef ANZEN_WORLD_RENDER_SENSOR_H
#define ANZEN_WORLD_RENDER_SENSOR_H

#include "scene.h"

typedef struct Sensor {
	SceneCamera camera;
	size_t pixels;
	uint16_t gain[256]; /* in 1/256, for each value of `direct`; what `lit` was made with */
	int16_t *lit;       /* three planes: the layer in that light, before the noise */
	int8_t *noise;      /* table, NOISE_UNIT steps a standard deviation */
	int8_t *scaled;     /* the same in grey levels, for noise_scale */
	int noise_scale;
	uint64_t frame;
	double led;
	uint8_t *rgb, *gray;
	bool rgb_done, gray_done; /* of this frame */
} Sensor;

void sensor_init(Sensor *sensor, const SceneCamera *camera);
void sensor_clear(Sensor *sensor);

/* The scene's light on a layer: albedo 3 a pixel, gamma coded; direct 0..255, the share of the lamp's direct light.
 * moved: the layer is not the one of the last call. */
void sensor_expose(Sensor *sensor, const uint8_t *albedo, const uint8_t *direct, const Scene *scene,
		   bool moved);

/* Picture number `frame` of what was exposed; led as renderer_draw(). */
void sensor_frame(Sensor *sensor, uint64_t frame, double led);

/* Of that frame, made when first asked for; owned by the sensor. */
const uint8_t *sensor_rgb(Sensor *sensor);
const uint8_t *sensor_gray(Sensor *sensor);

#endif
