/* Colours and patterns. Private to the renderer. */
#ifndef ANZEN_WORLD_RENDER_LOOK_H
#define ANZEN_WORLD_RENDER_LOOK_H

#include "render_ray.h"

/* Reflectance of the body where the ray met it, gamma coded (as a display shows it), 0..1. */
void look_colour(const SceneBody *body, const RayHit *hit, const double room[3], double ret[3]);

/* Bodies with the same garment have no outline between them. */
int look_garment(const SceneBody *body);

#endif
