/* The mannequin on its chair: rigid bodies (Open Dynamics Engine), a latch, and the force plates in the floor.
 *
 * Thirteen segments with the masses and lengths of Winter, Biomechanics and Motor Control of Human Movement (4th
 * ed., tables 4.1 and figure 4.1), seated on a free chair and leaned to one side; a latch ties chest and chair
 * together until body_release(). Then the limp joints give way and the body falls to +y, onto the landing plate.
 *
 * Not an injury model: the peak of an impact is what the contact parameters make it. Repeatable to the bit on one
 * kind of machine for the same parameters and calls. One Body is used by one thread at a time.
 *
 *	g_autoptr(Body) body = body_new(&params);
 *	body_step(body);			(params.step_ns further)
 */
#ifndef ANZEN_WORLD_BODY_H
#define ANZEN_WORLD_BODY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "scene.h"

G_BEGIN_DECLS

#define BODY_GRAVITY 9.80665 /* m/s2, standard gravity (CGPM 1901) */
#define BODY_PLATES_MAX 4

typedef struct BodyPlate {
	double x0, x1, y0, y1; /* rectangle on the floor, m */
} BodyPlate;

typedef struct BodyParams {
	int64_t step_ns; /* of the rigid-body integration, 1..5 ms */
	unsigned long seed;
	double mass_kg, height_m; /* of the mannequin */
	double lean_deg;          /* of the trunk towards +y while held */
	double seat_offset_m;     /* of the pelvis from the seat's middle towards +y */
	double lift_m; /* > 0: hangs this far above the seat, latched to the room instead (a drop test) */
	double seat_height_m, chair_mass_kg;
	double seat_friction, floor_friction;
	double tone;    /* joint torque when limp, as a fraction of mass * g * height */
	double posture; /* the same while held */
	int plates;
	BodyPlate plate[BODY_PLATES_MAX];
} BodyParams;

/* The reference mannequin: 38 kg, 1.45 m (a small adult), chair 6 kg; plate 0 under the chair, plate 1 where it lands. */
void body_params_init(BodyParams *params);

typedef struct Body Body;

/* Builds and lets everything come to rest (about a second of computing at most). Free with body_free(). */
Body *body_new(const BodyParams *params);
void body_free(Body *body);

/* One step further. Costs nothing while everything is at rest. */
void body_step(Body *body);
/* Open the latch. Idempotent. */
void body_release(Body *body);
bool body_held(const Body *body);
/* True when everything has come to rest; nothing will move before the next release. */
bool body_asleep(const Body *body);

/* Centre of the segment above the floor (m) and its vertical speed (m/s, up). */
double body_height(const Body *body, ScenePart part, double *ret_speed);
/* Where the string of the height sensor is tied: between the shoulders. */
double body_harness_height(const Body *body, double *ret_speed);
/* Centre of mass of the mannequin above the floor, m. */
double body_mass_centre_height(const Body *body);
/* Mean vertical force on plate i over the last step, N. */
double body_plate_force(const Body *body, int i);
/* Sum of all segments' and the chair's weight, N: what all plates and the floor together carry at rest. */
double body_weight(const Body *body);

/* Appends the chair and the mannequin (with a neck and a trunk hull that only the renderer knows). */
void body_scene(const Body *body, Scene *scene);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Body, body_free)

G_END_DECLS

#endif
