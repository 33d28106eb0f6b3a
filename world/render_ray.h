/* Where a ray meets a body, in the body's own coordinates. Private to the renderer. */
#ifndef ANZEN_WORLD_RENDER_RAY_H
#define ANZEN_WORLD_RENDER_RAY_H

#include "scene.h"

typedef struct RayHit {
	double t;         /* along the ray's direction, > 0 */
	double point[3];  /* body coordinates */
	double normal[3]; /* outward, unit length, body coordinates */
	bool back;        /* the unmarked side of a card */
} RayHit;

/* First hit with t > 0 of the ray origin + t * direction. Walls and floors are seen from +z only, cards from both. */
bool ray_meets(const SceneBody *body, const double origin[3], const double direction[3],
	       RayHit *ret_hit);

/* Half the straight part along the body's z, and the radius around it, of a capsule that contains the body. */
void ray_bound(const SceneBody *body, double *ret_half, double *ret_radius);

#endif
