/* What a camera can see of the world at one instant: plain numbers, written by the plant, read by
 *the rasteriser.
 *
 * Right-handed room frame in metres: x and y along the floor, z up, floor at z = 0. Rotations are
 *row-major 3x3 matrices that turn body coordinates into room coordinates (v_room = rot * v_body +
 *pos). A Scene owns nothing and may be copied; it is a snapshot, so it can be rendered without
 *holding the plant's lock.
 *
 *	Scene scene;
 *	plant_scene(plant, &scene);	(world/plant.h; with the plant's lock held)
 *	render(&scene, &camera, pixels);	(any thread)
 */
#ifndef ANZEN_WORLD_SCENE_H
#define ANZEN_WORLD_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
	SCENE_SPHERE,   /* size[0] radius */
	SCENE_CAPSULE,  /* size[0] radius, size[1] length of the straight part, axis = body z */
	SCENE_CYLINDER, /* size[0] radius, size[1] length, axis = body z */
	SCENE_BOX,      /* size[0..2] full edge lengths along body x, y, z */
	SCENE_FLOOR, /* rectangle in the plane z = 0 of the body, size[0] x size[1], seen from +z */
	SCENE_WALL,  /* rectangle in the plane z = 0 of the body, size[0] x size[1], seen from +z */
	SCENE_CARD, /* thin board size[0] x size[1]; its +z face carries the positive-control marker
		     */
} SceneForm;

typedef enum {
	SCENE_SKIN,
	SCENE_HAIR,
	SCENE_SHIRT,
	SCENE_TROUSERS,
	SCENE_SHOES,
	SCENE_WOOD,   /* chair, table */
	SCENE_METAL,  /* pan, pole */
	SCENE_ENAMEL, /* stove */
	SCENE_HOT,    /* hot plate: `glow` says how much */
	SCENE_FABRIC, /* sofa, curtain */
	SCENE_PLATE,  /* force plates let into the floor */
	SCENE_GROUND, /* floor: the renderer's checker */
	SCENE_PAINT,  /* walls, skirting */
	SCENE_MARKER, /* the card */
} SceneMaterial;

/* What a thing is, for the id buffer and for ground truth per pixel. */
typedef enum {
	SCENE_PART_NONE,
	SCENE_PART_ROOM,
	SCENE_PART_FURNITURE,
	SCENE_PART_CHAIR,
	SCENE_PART_STOVE,
	SCENE_PART_CARD,
	SCENE_PART_RAIL,   /* what it carries */
	SCENE_PART_PELVIS, /* from here on: the mannequin */
	SCENE_PART_CHEST,
	SCENE_PART_NECK,
	SCENE_PART_HEAD,
	SCENE_PART_UPPER_ARM_L,
	SCENE_PART_UPPER_ARM_R,
	SCENE_PART_FOREARM_L,
	SCENE_PART_FOREARM_R,
	SCENE_PART_THIGH_L,
	SCENE_PART_THIGH_R,
	SCENE_PART_SHANK_L,
	SCENE_PART_SHANK_R,
	SCENE_PART_FOOT_L,
	SCENE_PART_FOOT_R,
} ScenePart;

typedef struct SceneBody {
	SceneForm form;
	SceneMaterial material;
	ScenePart part;
	bool fixed; /* never moves while the world exists: may be drawn once into a background */
	double size[3]; /* see SceneForm; metres */
	double pos[3];  /* of the body's centre */
	double rot[9];
	double glow; /* 0..1, SCENE_HOT only */
} SceneBody;

#define SCENE_BODIES_MAX 64

typedef struct Scene {
	int64_t t_ns; /* plant time of this snapshot, bench timebase */
	size_t n;
	SceneBody bodies[SCENE_BODIES_MAX];
	double illuminance_lx; /* at the floor plate: lamp plus ambient; 0 is dark */
	double lamp_lx;        /* the lamp's share of it */
	double lamp_pos[3];    /* for shading and the shadow */
	double card_shown;     /* 0 away … 1 fully in view (the card's body moves as well) */
	double steam;          /* 0..1 optical density near the pan, for later */
	double pan_temperature_C;
} Scene;

/* Where a camera stands and what it delivers; from the world file. */
typedef struct SceneCamera {
	char name[32];    /* the device's name in the world file: "cam" */
	double pos[3];    /* metres */
	double target[3]; /* looks at this point; up is +z */
	double fov_deg;   /* vertical field of view */
	int width, height;
	int fps;
	double noise;  /* standard deviation of the pixel noise in 8-bit steps at 300 lx */
	uint64_t seed; /* of that noise */
} SceneCamera;

#endif
