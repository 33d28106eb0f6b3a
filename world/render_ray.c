#include "render_ray.h"

#include <math.h>

#define NEAR 1e-4

static bool meets_sphere(double radius, double cz, const double o[3], const double d[3],
			 RayHit *hit)
{
	double oz = o[2] - cz;
	double a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
	double b = o[0] * d[0] + o[1] * d[1] + oz * d[2];
	double c = o[0] * o[0] + o[1] * o[1] + oz * oz - radius * radius;
	double root = b * b - a * c;

	if (root < 0)
		return false;
	double t = (-b - sqrt(root)) / a;
	if (t < NEAR)
		return false;
	hit->t = t;
	hit->point[0] = o[0] + t * d[0];
	hit->point[1] = o[1] + t * d[1];
	hit->point[2] = o[2] + t * d[2];
	hit->normal[0] = hit->point[0] / radius;
	hit->normal[1] = hit->point[1] / radius;
	hit->normal[2] = (hit->point[2] - cz) / radius;
	return true;
}

/* The side of a cylinder about z, between -half and half. */
static bool meets_side(double radius, double half, const double o[3], const double d[3],
		       RayHit *hit)
{
	double a = d[0] * d[0] + d[1] * d[1];
	double b = o[0] * d[0] + o[1] * d[1];
	double c = o[0] * o[0] + o[1] * o[1] - radius * radius;
	double root = b * b - a * c;

	if (a < 1e-12 || root < 0)
		return false;
	double t = (-b - sqrt(root)) / a;
	double z = o[2] + t * d[2];
	if (t < NEAR || fabs(z) > half)
		return false;
	hit->t = t;
	hit->point[0] = o[0] + t * d[0];
	hit->point[1] = o[1] + t * d[1];
	hit->point[2] = z;
	hit->normal[0] = hit->point[0] / radius;
	hit->normal[1] = hit->point[1] / radius;
	hit->normal[2] = 0;
	return true;
}

static bool meets_capsule(const SceneBody *body, const double o[3], const double d[3], RayHit *hit)
{
	double half = body->size[1] / 2;
	RayHit end;

	bool met = meets_side(body->size[0], half, o, d, hit);
	for (int side = -1; side <= 1; side += 2) {
		if (meets_sphere(body->size[0], side * half, o, d, &end) &&
		    (!met || end.t < hit->t)) {
			*hit = end;
			met = true;
		}
	}
	return met;
}

static bool meets_cylinder(const SceneBody *body, const double o[3], const double d[3], RayHit *hit)
{
	double radius = body->size[0], half = body->size[1] / 2;
	bool met = meets_side(radius, half, o, d, hit);

	for (int side = -1; side <= 1; side += 2) {
		double t = (side * half - o[2]) / d[2];
		double x = o[0] + t * d[0], y = o[1] + t * d[1];
		if (fabs(d[2]) < 1e-12 || t < NEAR || x * x + y * y > radius * radius ||
		    (met && t >= hit->t))
			continue;
		*hit = (RayHit){t, {x, y, side * half}, {0, 0, side}, false};
		met = true;
	}
	return met;
}

static bool meets_box(const SceneBody *body, const double o[3], const double d[3], RayHit *hit)
{
	double enter = -1e30, leave = 1e30;
	int axis = 0;

	for (int i = 0; i < 3; i++) {
		double half = body->size[i] / 2;
		if (fabs(d[i]) < 1e-12) {
			if (fabs(o[i]) > half)
				return false;
			continue;
		}
		double near = (-half - o[i]) / d[i], far = (half - o[i]) / d[i];
		if (near > far) {
			double swap = near;
			near = far;
			far = swap;
		}
		if (near > enter) {
			enter = near;
			axis = i;
		}
		leave = fmin(leave, far);
	}
	if (enter > leave || enter < NEAR)
		return false;
	*hit = (RayHit){.t = enter};
	for (int i = 0; i < 3; i++)
		hit->point[i] = o[i] + enter * d[i];
	hit->normal[axis] = d[axis] > 0 ? -1 : 1;
	return true;
}

static bool meets_sheet(const SceneBody *body, bool both, const double o[3], const double d[3],
			RayHit *hit)
{
	if (fabs(d[2]) < 1e-12 || (o[2] < 0 && !both))
		return false;
	double t = -o[2] / d[2], x = o[0] + t * d[0], y = o[1] + t * d[1];
	if (t < NEAR || fabs(x) > body->size[0] / 2 || fabs(y) > body->size[1] / 2)
		return false;
	bool back = o[2] < 0;
	*hit = (RayHit){t, {x, y, 0}, {0, 0, back ? -1 : 1}, back};
	return true;
}

bool ray_meets(const SceneBody *body, const double origin[3], const double direction[3],
	       RayHit *ret_hit)
{
	ret_hit->back = false;
	switch (body->form) {
	case SCENE_SPHERE:
		return meets_sphere(body->size[0], 0, origin, direction, ret_hit);
	case SCENE_CAPSULE:
		return meets_capsule(body, origin, direction, ret_hit);
	case SCENE_CYLINDER:
		return meets_cylinder(body, origin, direction, ret_hit);
	case SCENE_BOX:
		return meets_box(body, origin, direction, ret_hit);
	case SCENE_FLOOR:
	case SCENE_WALL:
		return meets_sheet(body, false, origin, direction, ret_hit);
	case SCENE_CARD:
		return meets_sheet(body, true, origin, direction, ret_hit);
	}
	return false;
}

void ray_bound(const SceneBody *body, double *ret_half, double *ret_radius)
{
	const double *s = body->size;

	*ret_half = 0;
	switch (body->form) {
	case SCENE_SPHERE:
		*ret_radius = s[0];
		return;
	case SCENE_CAPSULE:
	case SCENE_CYLINDER:
		*ret_half = s[1] / 2;
		*ret_radius = body->form == SCENE_CAPSULE ? s[0] : s[0] * 1.0001;
		return;
	case SCENE_BOX:
		*ret_half = s[2] / 2;
		*ret_radius = sqrt(s[0] * s[0] + s[1] * s[1]) / 2;
		return;
	case SCENE_FLOOR:
	case SCENE_WALL:
	case SCENE_CARD:
		*ret_radius = sqrt(s[0] * s[0] + s[1] * s[1]) / 2;
		return;
	}
}
