#include "rail.h"

#include <glib.h>
#include <math.h>

#define HAND_M 0.09    /* half the length of the hand with its fingers spread */
#define SPOT_M 0.03    /* radius of what the sensor looks at */
#define FOREARM_M 0.30 /* behind the hand */

double rail_length(const RailParams *p)
{
	return sqrt((p->to[0] - p->from[0]) * (p->to[0] - p->from[0]) +
		    (p->to[1] - p->from[1]) * (p->to[1] - p->from[1]) +
		    (p->to[2] - p->from[2]) * (p->to[2] - p->from[2]));
}

void rail_step(Rail *rail, const RailParams *p, bool up)
{
	if (!rail->jammed)
		rail->position_m =
			CLAMP(rail->position_m + (up ? p->step_m : -p->step_m), 0, rail_length(p));
}

/* The hand's middle; ret_along is the rail's direction. */
static void place(const Rail *rail, const RailParams *p, double ret_at[3], double ret_along[3])
{
	double length = rail_length(p);
	for (int i = 0; i < 3; i++) {
		ret_along[i] = (p->to[i] - p->from[i]) / length;
		ret_at[i] = p->from[i] + ret_along[i] * rail->position_m;
	}
}

double rail_cover(const Rail *rail, const RailParams *p, const double spot[3])
{
	double at[3], along[3];
	if (!p->fitted)
		return 0;
	place(rail, p, at, along);
	double away = hypot(at[0] - spot[0], at[1] - spot[1]);
	return CLAMP((HAND_M + SPOT_M - away) / (2 * SPOT_M), 0, 1);
}

/* Its z along the rail, which lies level. */
static void put(Scene *scene, SceneForm form, SceneMaterial material, const double at[3],
		const double along[3], double radius, double length)
{
	g_assert(scene->n < SCENE_BODIES_MAX);
	SceneBody *body = &scene->bodies[scene->n++];
	*body = (SceneBody){.form = form,
			    .material = material,
			    .part = SCENE_PART_RAIL,
			    .size = {radius, length, 0},
			    .pos = {at[0], at[1], at[2]},
			    .rot = {-along[1], 0, along[0], along[0], 0, along[1], 0, 1, 0}};
}

void rail_scene(const Rail *rail, const RailParams *p, Scene *scene)
{
	double at[3], along[3], wrist[3];
	if (!p->fitted)
		return;
	place(rail, p, at, along);
	put(scene, SCENE_CAPSULE, SCENE_SKIN, at, along, 0.035, 2 * (HAND_M - 0.035));
	for (int i = 0; i < 3; i++)
		wrist[i] = at[i] - along[i] * (HAND_M + FOREARM_M / 2);
	put(scene, SCENE_CAPSULE, SCENE_SHIRT, wrist, along, 0.04, FOREARM_M - 0.08);
}
