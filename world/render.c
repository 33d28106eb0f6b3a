#include "render.h"

#include "render_look.h"
#include "render_ray.h"
#include "render_sensor.h"

#include <math.h>
#include <string.h>

#define SIDE_MIN 16
#define SIDE_MAX 4096
#define NOBODY 255 /* in Layer.garment */

/* What is in each pixel, before light: reflectance and how much of the lamp's direct light falls there. */
typedef struct Layer {
	uint8_t *albedo; /* 3 a pixel, gamma coded */
	uint8_t *direct; /* 0..255 */
	uint8_t *garment;
	uint8_t *part;
	float *depth; /* distance along the view axis, m */
} Layer;

typedef struct Rect {
	int x0, y0, x1, y1; /* x1, y1 are outside */
} Rect;

struct Renderer {
	SceneCamera camera;
	double right[3], up[3], forward[3], focal; /* focal in pixels */
	Layer fixed, now;
	bool fixed_drawn;
	Scene last; /* what `now` shows */
	Sensor sensor;
};

/* ---- small vectors ---- */

static double dot(const double a[3], const double b[3])
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double a[3], const double b[3], double ret[3])
{
	ret[0] = a[1] * b[2] - a[2] * b[1];
	ret[1] = a[2] * b[0] - a[0] * b[2];
	ret[2] = a[0] * b[1] - a[1] * b[0];
}

static bool normalise(double v[3])
{
	double length = sqrt(dot(v, v));

	if (length < 1e-9)
		return false;
	for (int i = 0; i < 3; i++)
		v[i] /= length;
	return true;
}

static void to_body(const SceneBody *body, const double v[3], double ret[3])
{
	for (int i = 0; i < 3; i++)
		ret[i] = body->rot[i] * v[0] + body->rot[3 + i] * v[1] + body->rot[6 + i] * v[2];
}

static void to_room(const SceneBody *body, const double v[3], double ret[3])
{
	for (int i = 0; i < 3; i++)
		ret[i] = dot(body->rot + 3 * i, v);
}

/* ---- life ---- */

static void layer_init(Layer *layer, size_t pixels)
{
	layer->albedo = g_malloc0(3 * pixels);
	layer->direct = g_malloc0(pixels);
	layer->garment = g_malloc0(pixels);
	layer->part = g_malloc0(pixels);
	layer->depth = g_malloc0(pixels * sizeof *layer->depth);
}

static void layer_clear(Layer *layer)
{
	g_free(layer->albedo);
	g_free(layer->direct);
	g_free(layer->garment);
	g_free(layer->part);
	g_free(layer->depth);
}

static size_t pixels_of(const Renderer *r)
{
	return (size_t)r->camera.width * (size_t)r->camera.height;
}

Renderer *renderer_new(const SceneCamera *camera)
{
	static const double z[3] = {0, 0, 1};
	int w = camera->width, h = camera->height;

	if (w < SIDE_MIN || h < SIDE_MIN || w > SIDE_MAX || h > SIDE_MAX || w % 2 || h % 2 ||
	    !(camera->fov_deg > 1 && camera->fov_deg < 170))
		return NULL;
	g_autoptr(Renderer) r = g_new0(Renderer, 1);
	r->camera = *camera;
	for (int i = 0; i < 3; i++)
		r->forward[i] = camera->target[i] - camera->pos[i];
	if (!normalise(r->forward))
		return NULL;
	cross(r->forward, z, r->right);
	if (!normalise(r->right))
		return NULL;
	cross(r->right, r->forward, r->up);
	r->focal = h / 2.0 / tan(camera->fov_deg * G_PI / 360);
	layer_init(&r->fixed, pixels_of(r));
	layer_init(&r->now, pixels_of(r));
	sensor_init(&r->sensor, camera);
	return g_steal_pointer(&r);
}

void renderer_free(Renderer *r)
{
	if (!r)
		return;
	layer_clear(&r->fixed);
	layer_clear(&r->now);
	sensor_clear(&r->sensor);
	g_free(r);
}

/* ---- where a body can be in the picture ---- */

static Rect whole(const Renderer *r)
{
	return (Rect){0, 0, r->camera.width, r->camera.height};
}

static void join(Rect *a, const Rect *b)
{
	if (b->x0 >= b->x1 || b->y0 >= b->y1)
		return;
	if (a->x0 >= a->x1 || a->y0 >= a->y1) {
		*a = *b;
		return;
	}
	a->x0 = MIN(a->x0, b->x0);
	a->y0 = MIN(a->y0, b->y0);
	a->x1 = MAX(a->x1, b->x1);
	a->y1 = MAX(a->y1, b->y1);
}

/* Rectangle around the picture of a ball; everything when it reaches behind the camera. */
static Rect ball_rect(const Renderer *r, const double centre[3], double radius)
{
	double d[3] = {centre[0] - r->camera.pos[0], centre[1] - r->camera.pos[1],
		       centre[2] - r->camera.pos[2]};
	double depth = dot(d, r->forward);
	int w = r->camera.width, h = r->camera.height;

	if (depth <= radius + 0.05)
		return whole(r);
	double x = w / 2.0 + r->focal * dot(d, r->right) / depth;
	double y = h / 2.0 - r->focal * dot(d, r->up) / depth;
	/* A ball seen off the axis is an ellipse; its long half axis is below this. */
	double off = sqrt(dot(d, d)) / depth;
	double half = r->focal * radius / (depth - radius) * off + 2;
	return (Rect){CLAMP((int)floor(x - half), 0, w), CLAMP((int)floor(y - half), 0, h),
		      CLAMP((int)ceil(x + half), 0, w), CLAMP((int)ceil(y + half), 0, h)};
}

/* The two ends of a capsule around the body, in room coordinates. */
static double body_ends(const SceneBody *body, double ends[2][3])
{
	double half, radius;

	ray_bound(body, &half, &radius);
	for (int e = 0; e < 2; e++)
		for (int i = 0; i < 3; i++)
			ends[e][i] = body->pos[i] + (e ? half : -half) * body->rot[3 * i + 2];
	return radius;
}

static Rect body_rect(const Renderer *r, const SceneBody *body)
{
	double ends[2][3], radius = body_ends(body, ends);
	Rect rect = ball_rect(r, ends[0], radius), other = ball_rect(r, ends[1], radius);

	join(&rect, &other);
	return rect;
}

/* ---- drawing ---- */

/* The view ray through the middle of a pixel; its length along the view axis is 1. */
static void view_ray(const Renderer *r, int x, int y, double ret[3])
{
	double a = (x + 0.5 - r->camera.width / 2.0) / r->focal;
	double b = (r->camera.height / 2.0 - y - 0.5) / r->focal;

	for (int i = 0; i < 3; i++)
		ret[i] = r->forward[i] + a * r->right[i] + b * r->up[i];
}

/* Lambert's cosine and the distance's square, 1 straight below the lamp on the floor. */
static uint8_t direct_light(const Scene *scene, const double room[3], const double normal[3])
{
	double to_lamp[3] = {scene->lamp_pos[0] - room[0], scene->lamp_pos[1] - room[1],
			     scene->lamp_pos[2] - room[2]};
	double square = dot(to_lamp, to_lamp), height = fmax(scene->lamp_pos[2], 0.5);
	double cosine = dot(normal, to_lamp) / sqrt(fmax(square, 1e-6));

	return (uint8_t)lrint(127 * CLAMP(cosine * height * height / fmax(square, 0.25), 0, 2));
}

static void draw_pixel(const Scene *scene, const SceneBody *body, const RayHit *hit, Layer *layer,
		       size_t at)
{
	double room[3], normal[3], colour[3];

	to_room(body, hit->point, room);
	for (int i = 0; i < 3; i++)
		room[i] += body->pos[i];
	to_room(body, hit->normal, normal);
	look_colour(body, hit, room, colour);
	for (int i = 0; i < 3; i++)
		layer->albedo[3 * at + i] = (uint8_t)lrint(255 * CLAMP(colour[i], 0, 1));
	layer->direct[at] = direct_light(scene, room, normal);
	layer->garment[at] = (uint8_t)look_garment(body);
	layer->part[at] = (uint8_t)body->part;
	layer->depth[at] = (float)hit->t;
}

/* View rays along a row in body coordinates: first + n * step. */
typedef struct Row {
	double first[3], step[3];
} Row;

static Row row_of(const Renderer *r, const SceneBody *body, int x, int y)
{
	double ray[3], next[3];
	Row row;

	view_ray(r, x, y, ray);
	to_body(body, ray, row.first);
	view_ray(r, x + 1, y, ray);
	to_body(body, ray, next);
	for (int i = 0; i < 3; i++)
		row.step[i] = next[i] - row.first[i];
	return row;
}

static void draw_body(const Renderer *r, const Scene *scene, const SceneBody *body, Rect rect,
		      Layer *layer)
{
	double from[3] = {r->camera.pos[0] - body->pos[0], r->camera.pos[1] - body->pos[1],
			  r->camera.pos[2] - body->pos[2]};
	double origin[3];

	to_body(body, from, origin);
	for (int y = rect.y0; y < rect.y1; y++) {
		size_t at = (size_t)y * (size_t)r->camera.width + (size_t)rect.x0;
		Row row = row_of(r, body, rect.x0, y);
		for (int x = rect.x0; x < rect.x1; x++, at++) {
			double n = x - rect.x0;
			double d[3] = {row.first[0] + n * row.step[0],
				       row.first[1] + n * row.step[1],
				       row.first[2] + n * row.step[2]};
			RayHit hit;
			if (ray_meets(body, origin, d, &hit) && hit.t < (double)layer->depth[at])
				draw_pixel(scene, body, &hit, layer, at);
		}
	}
}

/* ---- shadows and contact blobs on what does not move ---- */

static void room_point(const Renderer *r, int x, int y, double depth, double ret[3])
{
	double ray[3];

	view_ray(r, x, y, ray);
	for (int i = 0; i < 3; i++)
		ret[i] = r->camera.pos[i] + depth * ray[i];
}

/* Rectangle of the body's shadow on the floor; `reach` widens it for the blob. */
static Rect shadow_rect(const Renderer *r, const Scene *scene, const SceneBody *body)
{
	double ends[2][3], radius = body_ends(body, ends);
	Rect rect = {0, 0, 0, 0};

	for (int e = 0; e < 2; e++) {
		double height = scene->lamp_pos[2] - ends[e][2];
		if (height <= radius + 0.05)
			return rect;
		double spread = scene->lamp_pos[2] / (height - radius), foot[3] = {0, 0, 0};
		for (int i = 0; i < 2; i++)
			foot[i] = scene->lamp_pos[i] +
				  (ends[e][i] - scene->lamp_pos[i]) * scene->lamp_pos[2] / height;
		/* Slanting rays stretch the disc. */
		double slant = hypot(foot[0] - scene->lamp_pos[0], foot[1] - scene->lamp_pos[1]) /
			       scene->lamp_pos[2];
		Rect one = ball_rect(r, foot, radius * spread * (1 + slant));
		join(&rect, &one);
	}
	return rect;
}

/* The ray from the lamp to what a pixel shows is, in body coordinates, lamp + t * (to_camera + depth * view): the view
 * ray's part is linear along a row. */
static void shade_body(const Renderer *r, const Scene *scene, const SceneBody *body, Layer *layer,
		       const Layer *under)
{
	Rect rect = shadow_rect(r, scene, body);
	double lamp[3], to_camera[3], origin[3], aside[3];

	for (int i = 0; i < 3; i++) {
		lamp[i] = scene->lamp_pos[i] - body->pos[i];
		to_camera[i] = r->camera.pos[i] - scene->lamp_pos[i];
	}
	to_body(body, lamp, origin);
	to_body(body, to_camera, aside);
	for (int y = rect.y0; y < rect.y1; y++) {
		Row row = row_of(r, body, rect.x0, y);
		for (int x = rect.x0; x < rect.x1; x++) {
			size_t at = (size_t)y * (size_t)r->camera.width + (size_t)x;
			double n = x - rect.x0, depth = (double)layer->depth[at];
			RayHit hit;
			if (layer->direct[at] == 0 || layer->garment[at] != under->garment[at] ||
			    layer->garment[at] == NOBODY)
				continue;
			double d[3];
			for (int i = 0; i < 3; i++)
				d[i] = aside[i] + depth * (row.first[i] + n * row.step[i]);
			if (ray_meets(body, origin, d, &hit) && hit.t < 0.999)
				layer->direct[at] = 0;
		}
	}
}

#define BLOB_REACH_M 0.16 /* above this height over the floor nothing darkens it */

/* What lies on the floor takes light from the floor around it. */
static void blob_end(const Renderer *r, const double end[3], double radius, Layer *layer)
{
	double gap = end[2] - radius, reach = radius * 1.5 + 0.02;
	double foot[3] = {end[0], end[1], 0};

	if (gap > BLOB_REACH_M)
		return;
	Rect rect = ball_rect(r, foot, reach);
	double strength = 0.45 * (1 - fmax(gap, 0) / BLOB_REACH_M);
	for (int y = rect.y0; y < rect.y1; y++) {
		for (int x = rect.x0; x < rect.x1; x++) {
			size_t at = (size_t)y * (size_t)r->camera.width + (size_t)x;
			double room[3];
			if (layer->garment[at] != SCENE_GROUND && layer->garment[at] != SCENE_PLATE)
				continue;
			room_point(r, x, y, (double)layer->depth[at], room);
			double d = hypot(room[0] - foot[0], room[1] - foot[1]) / reach;
			if (d >= 1)
				continue;
			double keep = 1 - strength * (1 - d * d) * (1 - d * d);
			for (int i = 0; i < 3; i++)
				layer->albedo[3 * at + i] =
					(uint8_t)(layer->albedo[3 * at + i] * keep);
		}
	}
}

static bool casts_shadow(const SceneBody *body)
{
	/* The card turns in the air near a wall: not worth a shadow. */
	return body->form != SCENE_FLOOR && body->form != SCENE_WALL && body->form != SCENE_CARD;
}

static void shade_floor(const Renderer *r, const Scene *scene, bool fixed, Layer *layer,
			const Layer *under)
{
	for (size_t i = 0; i < scene->n; i++) {
		const SceneBody *body = &scene->bodies[i];
		double ends[2][3];
		if (body->fixed != fixed || !casts_shadow(body))
			continue;
		shade_body(r, scene, body, layer, under);
		double radius = body_ends(body, ends);
		blob_end(r, ends[0], radius, layer);
		blob_end(r, ends[1], radius, layer);
	}
}

/* ---- outlines ---- */

static void outline(const Renderer *r, Layer *layer)
{
	size_t stride = (size_t)r->camera.width;

	for (int y = 0; y + 1 < r->camera.height; y++) {
		size_t at = (size_t)y * stride;
		for (int x = 0; x + 1 < r->camera.width; x++, at++) {
			uint8_t g = layer->garment[at];
			bool right = g != layer->garment[at + 1];
			bool below = g != layer->garment[at + stride];
			if (!right && !below)
				continue;
			for (int i = 0; i < 3; i++)
				layer->albedo[3 * at + i] =
					(uint8_t)(layer->albedo[3 * at + i] * 9 / 16);
		}
	}
}

/* ---- drawing ---- */

static void copy_layer(Layer *to, const Layer *from, size_t pixels)
{
	memcpy(to->albedo, from->albedo, 3 * pixels);
	memcpy(to->direct, from->direct, pixels);
	memcpy(to->garment, from->garment, pixels);
	memcpy(to->part, from->part, pixels);
	memcpy(to->depth, from->depth, pixels * sizeof *to->depth);
}

static void draw_fixed(Renderer *r, const Scene *scene)
{
	size_t pixels = pixels_of(r);
	Layer *layer = &r->fixed;

	memset(layer->garment, NOBODY, pixels);
	for (size_t i = 0; i < pixels; i++)
		layer->depth[i] = 1e9f;
	for (size_t i = 0; i < scene->n; i++)
		if (scene->bodies[i].fixed)
			draw_body(r, scene, &scene->bodies[i], body_rect(r, &scene->bodies[i]),
				  layer);
	shade_floor(r, scene, true, layer, layer);
	r->fixed_drawn = true;
}

/* Nothing that moves has moved since the last drawing: only light and noise differ. */
static bool stands_still(Renderer *r, const Scene *scene)
{
	size_t size = scene->n * sizeof *scene->bodies;
	bool same = r->last.n == scene->n && r->last.n > 0 &&
		    memcmp(r->last.bodies, scene->bodies, size) == 0 &&
		    memcmp(r->last.lamp_pos, scene->lamp_pos, sizeof scene->lamp_pos) == 0;

	r->last = *scene;
	return same;
}

static void draw_moving(Renderer *r, const Scene *scene)
{
	copy_layer(&r->now, &r->fixed, pixels_of(r));
	shade_floor(r, scene, false, &r->now, &r->fixed);
	for (size_t i = 0; i < scene->n; i++) {
		const SceneBody *body = &scene->bodies[i];
		if (!body->fixed)
			draw_body(r, scene, body, body_rect(r, body), &r->now);
	}
	outline(r, &r->now);
}

void renderer_draw(Renderer *r, const Scene *scene, uint64_t frame, double led)
{
	if (!r->fixed_drawn)
		draw_fixed(r, scene);
	bool moved = !stands_still(r, scene);
	if (moved)
		draw_moving(r, scene);
	sensor_expose(&r->sensor, r->now.albedo, r->now.direct, scene, moved);
	sensor_frame(&r->sensor, frame, led);
}

const uint8_t *renderer_rgb(Renderer *r)
{
	return sensor_rgb(&r->sensor);
}

const uint8_t *renderer_gray(Renderer *r)
{
	return sensor_gray(&r->sensor);
}

const uint8_t *renderer_parts(const Renderer *r)
{
	return r->now.part;
}
