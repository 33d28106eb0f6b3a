#include "render_look.h"

#include "render.h"

#include <math.h>

/* Chosen so that no quarter turn of it equals another, and half of the cells are white. */
const uint8_t render_card[RENDER_CARD_CELLS][RENDER_CARD_CELLS] = {
	{1, 1, 1, 0, 1}, {1, 0, 0, 0, 1}, {1, 0, 1, 1, 0}, {0, 0, 1, 0, 0}, {1, 1, 0, 1, 0}};

#define TILE_M 0.4      /* edge of the floor's tiles */
#define SKIRTING_M 0.09 /* height of the skirting board */

static const double colours[][3] = {
	[SCENE_SKIN] = {0.87, 0.68, 0.56},  [SCENE_HAIR] = {0.20, 0.14, 0.11},
	[SCENE_SHIRT] = {0.22, 0.40, 0.72}, [SCENE_TROUSERS] = {0.27, 0.27, 0.33},
	[SCENE_SHOES] = {0.14, 0.10, 0.09}, [SCENE_WOOD] = {0.66, 0.42, 0.22},
	[SCENE_METAL] = {0.62, 0.63, 0.66}, [SCENE_ENAMEL] = {0.88, 0.88, 0.86},
	[SCENE_HOT] = {0.16, 0.15, 0.15},   [SCENE_FABRIC] = {0.45, 0.52, 0.42},
	[SCENE_PLATE] = {0.60, 0.61, 0.63}, [SCENE_GROUND] = {0.74, 0.64, 0.52},
	[SCENE_PAINT] = {0.84, 0.83, 0.78}, [SCENE_MARKER] = {0.58, 0.55, 0.50},
};

static void scale(double c[3], double by)
{
	for (int i = 0; i < 3; i++)
		c[i] *= by;
}

static void look_ground(const double room[3], double c[3])
{
	int tile = (int)floor(room[0] / TILE_M) + (int)floor(room[1] / TILE_M);

	scale(c, tile & 1 ? 0.86 : 1.0);
}

/* A frame line 2 cm wide shows where the plate lies. */
static void look_plate(const SceneBody *body, const RayHit *hit, double c[3])
{
	double edge = fmin(body->size[0] / 2 - fabs(hit->point[0]),
			   body->size[1] / 2 - fabs(hit->point[1]));

	scale(c, edge < 0.02 ? 0.72 : 1.0);
}

static void look_paint(const double room[3], double c[3])
{
	if (room[2] < SKIRTING_M)
		scale(c, room[2] > SKIRTING_M - 0.015 ? 0.45 : 0.62);
}

/* The sheet's y is sideways and x up on a wall-like body whose z looks along room +x. */
static void look_card(const SceneBody *body, const RayHit *hit, double c[3])
{
	int all = RENDER_CARD_CELLS + 2;

	if (hit->back)
		return;
	/* Which way is up follows from the rotation: row 3 of it is the room's z of each body axis. */
	double up_x = body->rot[6], up_y = body->rot[7];
	double u = hit->point[0] / body->size[0], v = hit->point[1] / body->size[1];
	double up = up_x * u + up_y * v, side = up_y * u - up_x * v;
	int row = (int)floor((0.5 - up) * all), column = (int)floor((0.5 + side) * all);
	bool white = false;
	if (row >= 1 && row <= RENDER_CARD_CELLS && column >= 1 && column <= RENDER_CARD_CELLS)
		white = render_card[row - 1][column - 1];
	for (int i = 0; i < 3; i++)
		c[i] = white ? 0.97 : 0.05;
}

void look_colour(const SceneBody *body, const RayHit *hit, const double room[3], double ret[3])
{
	for (int i = 0; i < 3; i++)
		ret[i] = colours[body->material][i];
	switch (body->material) {
	case SCENE_GROUND:
		look_ground(room, ret);
		break;
	case SCENE_PLATE:
		look_ground(room, ret);
		look_plate(body, hit, ret);
		break;
	case SCENE_PAINT:
		look_paint(room, ret);
		break;
	case SCENE_MARKER:
		look_card(body, hit, ret);
		break;
	case SCENE_HOT:
		ret[0] += (0.95 - ret[0]) * body->glow;
		ret[1] += (0.30 - ret[1]) * body->glow;
		break;
	case SCENE_SKIN:
	case SCENE_HAIR:
	case SCENE_SHIRT:
	case SCENE_TROUSERS:
	case SCENE_SHOES:
	case SCENE_WOOD:
	case SCENE_METAL:
	case SCENE_ENAMEL:
	case SCENE_FABRIC:
		break;
	}
}

int look_garment(const SceneBody *body)
{
	return (int)body->material;
}
