#include "scene_room.h"

#include <math.h>
#include <string.h>

static SceneBody *add(Scene *scene, SceneForm form, SceneMaterial material, ScenePart part,
		      const double pos[3], const double size[3])
{
	g_assert(scene->n < SCENE_BODIES_MAX);
	SceneBody *body = &scene->bodies[scene->n++];
	*body = (SceneBody){.form = form,
			    .material = material,
			    .part = part,
			    .fixed = true,
			    .rot = {1, 0, 0, 0, 1, 0, 0, 0, 1}};
	memcpy(body->pos, pos, sizeof body->pos);
	memcpy(body->size, size, sizeof body->size);
	return body;
}

/* Rotations that take the body's +z (a wall's seen side) to room +x, +y and -y. */
static const double face_x[9] = {0, 0, 1, 1, 0, 0, 0, 1, 0};
static const double face_y[9] = {0, -1, 0, 0, 0, 1, -1, 0, 0};
static const double face_minus_y[9] = {0, 1, 0, 0, 0, -1, -1, 0, 0};

static void add_walls(Scene *scene)
{
	SceneBody *w;
	add(scene, SCENE_FLOOR, SCENE_GROUND, SCENE_PART_ROOM, (double[]){0.8, 0.3, 0},
	    (double[]){5.0, 5.4, 0});
	w = add(scene, SCENE_WALL, SCENE_PAINT, SCENE_PART_ROOM, (double[]){-1.7, 0.3, 1.25},
		(double[]){5.4, 2.5, 0});
	memcpy(w->rot, face_x, sizeof face_x);
	w = add(scene, SCENE_WALL, SCENE_PAINT, SCENE_PART_ROOM, (double[]){0.8, -2.4, 1.25},
		(double[]){2.5, 5.0, 0});
	memcpy(w->rot, face_y, sizeof face_y);
	w = add(scene, SCENE_WALL, SCENE_PAINT, SCENE_PART_ROOM, (double[]){0.8, 3.0, 1.25},
		(double[]){2.5, 5.0, 0});
	memcpy(w->rot, face_minus_y, sizeof face_minus_y);
}

static void add_plates(const PlantParams *params, Scene *scene)
{
	for (int i = 0; i < params->body.plates; i++) {
		const BodyPlate *p = &params->body.plate[i];
		add(scene, SCENE_FLOOR, SCENE_PLATE, SCENE_PART_ROOM,
		    (double[]){(p->x0 + p->x1) / 2, (p->y0 + p->y1) / 2, 0.001},
		    (double[]){p->x1 - p->x0, p->y1 - p->y0, 0});
	}
}

void scene_pan(const PlantParams *params, double ret_centre[3])
{
	ret_centre[0] = params->stove_pos[0] + 0.08;
	ret_centre[1] = params->stove_pos[1];
	ret_centre[2] = 0.90;
}

static void add_stove(const PlantParams *params, double glow, Scene *scene)
{
	double x = params->stove_pos[0], y = params->stove_pos[1], pan[3];
	scene_pan(params, pan);
	add(scene, SCENE_BOX, SCENE_ENAMEL, SCENE_PART_STOVE, (double[]){x, y, 0.42},
	    (double[]){0.6, 0.6, 0.84});
	SceneBody *plate = add(scene, SCENE_CYLINDER, SCENE_HOT, SCENE_PART_STOVE,
			       (double[]){pan[0], pan[1], 0.847}, (double[]){0.11, 0.014, 0});
	plate->glow = glow;
	plate->fixed = false; /* its colour changes */
	add(scene, SCENE_CYLINDER, SCENE_METAL, SCENE_PART_STOVE, pan, (double[]){0.10, 0.09, 0});
}

static void add_furniture(Scene *scene)
{
	add(scene, SCENE_BOX, SCENE_FABRIC, SCENE_PART_FURNITURE, (double[]){-1.3, -1.75, 0.21},
	    (double[]){0.75, 1.2, 0.42});
	add(scene, SCENE_BOX, SCENE_FABRIC, SCENE_PART_FURNITURE, (double[]){-1.6, -1.75, 0.62},
	    (double[]){0.16, 1.2, 0.42});
}

static void add_card(const PlantParams *params, double shown, Scene *scene)
{
	SceneBody *card = add(scene, SCENE_CARD, SCENE_MARKER, SCENE_PART_CARD, params->card_pos,
			      (double[]){0.42, 0.42, 0});
	double a = (1 - shown) * G_PI, c = cos(a), s = sin(a);
	card->fixed = false;
	for (int i = 0; i < 3; i++) { /* turned about the vertical: its back shows when away */
		card->rot[i] = c * face_x[i] - s * face_x[3 + i];
		card->rot[3 + i] = s * face_x[i] + c * face_x[3 + i];
		card->rot[6 + i] = face_x[6 + i];
	}
}

void scene_room(const PlantParams *params, double card, double glow, Scene *scene)
{
	add_walls(scene);
	add_plates(params, scene);
	add_furniture(scene);
	add_stove(params, glow, scene);
	add_card(params, card, scene);
}
