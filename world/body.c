#include "body.h"

#include <math.h>
#include <ode/ode.h>
#include <string.h>

/* Contacts act as springs with dampers, so that results depend little on the step: stiff enough for a sink of about
 * 2 mm under the mannequin's weight, damped near critically. */
#define CONTACT_STIFFNESS 60e3 /* N/m */
#define CONTACT_DAMPING 1.5e3  /* N s/m */
#define CONTACTS_MAX 256
#define PAIR_CONTACTS 4

#define REST_SPEED 0.01 /* m/s and rad/s: below it for REST_NS everything is called at rest */
#define REST_NS INT64_C(400000000)
#define SETTLE_NS INT64_C(4000000000)

typedef enum {
	PELVIS,
	CHEST,
	HEAD,
	UPPER_ARM_L,
	UPPER_ARM_R,
	FOREARM_L,
	FOREARM_R,
	THIGH_L,
	THIGH_R,
	SHANK_L,
	SHANK_R,
	FOOT_L,
	FOOT_R,
	SEGMENTS,
} Segment;

typedef enum { AXIS_X, AXIS_Y, AXIS_Z } Axis;

/* Radius and length are fractions of the body height, mass of the body mass (Winter). `axis` is where the capsule's
 * long axis points when seated. */
typedef struct SegmentShape {
	double mass, radius, length;
	Axis axis;
	ScenePart part;
	SceneMaterial material;
} SegmentShape;

static const SegmentShape shapes[SEGMENTS] = {
	[PELVIS] = {0.142, 0.060, 0.090, AXIS_Y, SCENE_PART_PELVIS, SCENE_TROUSERS},
	[CHEST] = {0.355, 0.075, 0.130, AXIS_Z, SCENE_PART_CHEST, SCENE_SHIRT},
	[HEAD] = {0.081, 0.060, 0.020, AXIS_Z, SCENE_PART_HEAD, SCENE_SKIN},
	[UPPER_ARM_L] = {0.028, 0.027, 0.140, AXIS_Z, SCENE_PART_UPPER_ARM_L, SCENE_SHIRT},
	[UPPER_ARM_R] = {0.028, 0.027, 0.140, AXIS_Z, SCENE_PART_UPPER_ARM_R, SCENE_SHIRT},
	[FOREARM_L] = {0.022, 0.023, 0.190, AXIS_X, SCENE_PART_FOREARM_L, SCENE_SKIN},
	[FOREARM_R] = {0.022, 0.023, 0.190, AXIS_X, SCENE_PART_FOREARM_R, SCENE_SKIN},
	[THIGH_L] = {0.100, 0.045, 0.165, AXIS_X, SCENE_PART_THIGH_L, SCENE_TROUSERS},
	[THIGH_R] = {0.100, 0.045, 0.165, AXIS_X, SCENE_PART_THIGH_R, SCENE_TROUSERS},
	[SHANK_L] = {0.0465, 0.033, 0.170, AXIS_Z, SCENE_PART_SHANK_L, SCENE_TROUSERS},
	[SHANK_R] = {0.0465, 0.033, 0.170, AXIS_Z, SCENE_PART_SHANK_R, SCENE_TROUSERS},
	[FOOT_L] = {0.0145, 0.022, 0.100, AXIS_X, SCENE_PART_FOOT_L, SCENE_SHOES},
	[FOOT_R] = {0.0145, 0.022, 0.100, AXIS_X, SCENE_PART_FOOT_R, SCENE_SHOES},
};

#define JOINTS (SEGMENTS - 1)

struct Body {
	BodyParams params;
	dWorldID world;
	dSpaceID space;
	dJointGroupID contacts;
	dThreadingImplementationID threading;
	dBodyID segment[SEGMENTS], chair;
	dGeomID floor, geom[SEGMENTS], chair_geom[6];
	dVector3 chair_size[6];
	int chair_geoms;
	dJointID joint[JOINTS], latch;
	dJointFeedback feedback[CONTACTS_MAX];
	int8_t contact_plate[CONTACTS_MAX]; /* which plate carries contact i, -1: none */
	int contact_count;
	double plate_force[BODY_PLATES_MAX];
	int64_t rest_ns;
	bool asleep;
};

void body_params_init(BodyParams *params)
{
	*params = (BodyParams){
		.step_ns = 2000000,
		.seed = 1,
		.mass_kg = 38,
		.height_m = 1.45,
		.lean_deg = 22,
		.seat_offset_m = 0.07,
		.seat_height_m = 0.44,
		.chair_mass_kg = 6,
		.seat_friction = 0.15,
		.floor_friction = 0.6,
		.tone = 0.005,
		.posture = 0.04,
		.plates = 2,
		.plate = {{-0.50, 0.80, -0.75, 0.25}, {-1.10, 1.40, 0.25, 1.85}},
	};
}

/* ---- building --------------------------------------------------------------------------------------------- */

/* ODE keeps collision caches per thread; whichever thread integrates the plant needs its own, freed at its end. */
static void thread_ready(void)
{
	static gsize once;
	static _Thread_local bool ready;
	if (g_once_init_enter(&once)) {
		dInitODE2(0);
		g_once_init_leave(&once, 1);
	}
	if (!ready)
		ready = dAllocateODEDataForThread(dAllocateMaskAll);
}

/* A point of the trunk (given for an upright one) after the lean about the waist towards +y. */
static void lean_point(const Body *b, double waist_z, const double in[3], double out[3])
{
	double a = b->params.lean_deg * G_PI / 180, y = in[1] - b->params.seat_offset_m,
	       z = in[2] - waist_z;
	out[0] = in[0];
	out[1] = b->params.seat_offset_m + y * cos(a) + z * sin(a);
	out[2] = waist_z - y * sin(a) + z * cos(a);
}

static void make_segment(Body *b, Segment s, const double pos[3], bool leaned)
{
	const SegmentShape *shape = &shapes[s];
	double h = b->params.height_m;
	dMass mass;
	dMassSetCapsuleTotal(&mass, shape->mass * b->params.mass_kg, 3, shape->radius * h,
			     shape->length * h);
	b->segment[s] = dBodyCreate(b->world);
	dBodySetMass(b->segment[s], &mass);
	b->geom[s] = dCreateCapsule(b->space, shape->radius * h, shape->length * h);
	dGeomSetBody(b->geom[s], b->segment[s]);
	dGeomSetData(b->geom[s], b->geom[s]); /* marks the mannequin's */
	dMatrix3 along, tilt, rot;
	dRSetIdentity(along);
	if (shape->axis == AXIS_X)
		dRFromAxisAndAngle(along, 0, 1, 0, G_PI / 2);
	else if (shape->axis == AXIS_Y)
		dRFromAxisAndAngle(along, 1, 0, 0, -G_PI / 2);
	dRFromAxisAndAngle(tilt, 1, 0, 0, leaned ? -b->params.lean_deg * G_PI / 180 : 0);
	dMultiply0_333(rot, tilt, along);
	dBodySetRotation(b->segment[s], rot);
	dBodySetPosition(b->segment[s], pos[0], pos[1], pos[2]);
}

/* Two swing axes with stops (degrees from the seated posture, child as the first body), or one when `lo2` = `hi2`.
 * `effort` scales the tone: a wrist is weaker than a hip. */
typedef struct JointShape {
	Segment child, parent;
	double dx, dy,
		dz; /* from the child's centre to the joint, fractions of height, before the lean */
	Axis axis1, axis2;
	double lo1, hi1, lo2, hi2, effort;
} JointShape;

static const JointShape joint_shapes[JOINTS] = {
	{CHEST, PELVIS, 0, 0, -0.150, AXIS_X, AXIS_Y, -55, 55, -20, 70, 1.0},
	{HEAD, CHEST, 0, 0, -0.090, AXIS_X, AXIS_Y, -45, 45, -45, 45, 0.3},
	{UPPER_ARM_L, CHEST, 0, 0, 0.083, AXIS_Y, AXIS_X, -150, 50, -80, 80, 0.4},
	{UPPER_ARM_R, CHEST, 0, 0, 0.083, AXIS_Y, AXIS_X, -150, 50, -80, 80, 0.4},
	{FOREARM_L, UPPER_ARM_L, -0.107, 0, 0, AXIS_Y, AXIS_Y, -50, 90, 0, 0, 0.2},
	{FOREARM_R, UPPER_ARM_R, -0.107, 0, 0, AXIS_Y, AXIS_Y, -50, 90, 0, 0, 0.2},
	{THIGH_L, PELVIS, -0.115, 0, 0, AXIS_Y, AXIS_X, -30, 100, -35, 35, 1.0},
	{THIGH_R, PELVIS, -0.115, 0, 0, AXIS_Y, AXIS_X, -30, 100, -35, 35, 1.0},
	{SHANK_L, THIGH_L, 0, 0, 0.118, AXIS_Y, AXIS_Y, -90, 50, 0, 0, 0.6},
	{SHANK_R, THIGH_R, 0, 0, 0.118, AXIS_Y, AXIS_Y, -90, 50, 0, 0, 0.6},
	{FOOT_L, SHANK_L, -0.045, 0, 0.020, AXIS_Y, AXIS_Y, -30, 40, 0, 0, 0.15},
	{FOOT_R, SHANK_R, -0.045, 0, 0.020, AXIS_Y, AXIS_Y, -30, 40, 0, 0, 0.15},
};

static bool swings_twice(const JointShape *j)
{
	return j->lo2 < j->hi2;
}

static void set_effort(Body *b, int i, double tone)
{
	const JointShape *j = &joint_shapes[i];
	double torque = tone * j->effort * b->params.mass_kg * BODY_GRAVITY * b->params.height_m;
	if (!swings_twice(j)) {
		dJointSetHingeParam(b->joint[i], dParamFMax, torque);
		return;
	}
	dJointSetUniversalParam(b->joint[i], dParamFMax1, torque);
	dJointSetUniversalParam(b->joint[i], dParamFMax2, torque);
}

static void set_tone(Body *b, double tone)
{
	for (int i = 0; i < JOINTS; i++)
		set_effort(b, i, tone);
}

static double rad(double deg)
{
	return deg * G_PI / 180;
}

static void make_joint(Body *b, int i, bool leaned)
{
	static const double unit[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
	const JointShape *j = &joint_shapes[i];
	const dReal *c = dBodyGetPosition(b->segment[j->child]);
	double h = b->params.height_m, a = leaned ? rad(b->params.lean_deg) : 0;
	double dy = j->dy * h, dz = j->dz * h;
	double p[3] = {c[0] + j->dx * h, c[1] + dy * cos(a) + dz * sin(a),
		       c[2] - dy * sin(a) + dz * cos(a)};
	const double *u = unit[j->axis1], *v = unit[j->axis2];
	if (!swings_twice(j)) {
		dJointID joint = b->joint[i] = dJointCreateHinge(b->world, 0);
		dJointAttach(joint, b->segment[j->child], b->segment[j->parent]);
		dJointSetHingeAnchor(joint, p[0], p[1], p[2]);
		dJointSetHingeAxis(joint, u[0], u[1] * cos(a), -u[1] * sin(a));
		dJointSetHingeParam(joint, dParamLoStop, rad(j->lo1));
		dJointSetHingeParam(joint, dParamHiStop, rad(j->hi1));
		return;
	}
	dJointID joint = b->joint[i] = dJointCreateUniversal(b->world, 0);
	dJointAttach(joint, b->segment[j->child], b->segment[j->parent]);
	dJointSetUniversalAnchor(joint, p[0], p[1], p[2]);
	dJointSetUniversalAxis2(joint, 0, 0, 1); /* so that the two are never parallel on the way */
	dJointSetUniversalAxis1(joint, u[0], u[1] * cos(a), -u[1] * sin(a));
	dJointSetUniversalAxis2(joint, v[0], v[1] * cos(a), -v[1] * sin(a));
	dJointSetUniversalParam(joint, dParamLoStop1, rad(j->lo1));
	dJointSetUniversalParam(joint, dParamHiStop1, rad(j->hi1));
	dJointSetUniversalParam(joint, dParamLoStop2, rad(j->lo2));
	dJointSetUniversalParam(joint, dParamHiStop2, rad(j->hi2));
}

static bool is_trunk(Segment s)
{
	return s == CHEST || s == HEAD || s == UPPER_ARM_L || s == UPPER_ARM_R || s == FOREARM_L ||
	       s == FOREARM_R;
}

/* Seated: thighs forward, shanks down, forearms forward; the trunk and what hangs on it leaned as one. */
static void make_mannequin(Body *b)
{
	double h = b->params.height_m, y = b->params.seat_offset_m;
	double hip_z =
		b->params.seat_height_m + shapes[PELVIS].radius * h + 0.002 + b->params.lift_m;
	double waist_z = hip_z + 0.05 * h, shoulder_z = waist_z + 0.238 * h;
	const double upright[SEGMENTS][3] = {
		[PELVIS] = {0, y, hip_z},
		[CHEST] = {0, y, waist_z + 0.150 * h},
		[HEAD] = {0, y, shoulder_z + 0.110 * h},
		[UPPER_ARM_L] = {0, y + 0.129 * h, shoulder_z - 0.083 * h},
		[UPPER_ARM_R] = {0, y - 0.129 * h, shoulder_z - 0.083 * h},
		[FOREARM_L] = {0.107 * h, y + 0.129 * h, shoulder_z - 0.176 * h},
		[FOREARM_R] = {0.107 * h, y - 0.129 * h, shoulder_z - 0.176 * h},
		[THIGH_L] = {0.130 * h, y + 0.055 * h, hip_z},
		[THIGH_R] = {0.130 * h, y - 0.055 * h, hip_z},
		[SHANK_L] = {0.250 * h, y + 0.055 * h, hip_z - 0.123 * h},
		[SHANK_R] = {0.250 * h, y - 0.055 * h, hip_z - 0.123 * h},
		[FOOT_L] = {0.295 * h, y + 0.055 * h, hip_z - 0.255 * h},
		[FOOT_R] = {0.295 * h, y - 0.055 * h, hip_z - 0.255 * h},
	};
	for (Segment s = 0; s < SEGMENTS; s++) {
		double at[3] = {upright[s][0], upright[s][1], upright[s][2]};
		if (is_trunk(s))
			lean_point(b, waist_z, upright[s], at);
		make_segment(b, s, at, is_trunk(s));
	}
	for (int i = 0; i < JOINTS; i++)
		make_joint(b, i, is_trunk(joint_shapes[i].child));
}

static void chair_part(Body *b, dMass *total, double mass, const double size[3], double x, double y,
		       double z)
{
	int i = b->chair_geoms++;
	dMass part;
	dMassSetBoxTotal(&part, mass, size[0], size[1], size[2]);
	dMassTranslate(&part, x, y, z);
	dMassAdd(total, &part);
	b->chair_geom[i] = dCreateBox(b->space, size[0], size[1], size[2]);
	memcpy(b->chair_size[i], size, 3 * sizeof *size);
	dGeomSetBody(b->chair_geom[i], b->chair);
	dGeomSetOffsetPosition(b->chair_geom[i], x, y, z);
}

/* A plain chair: seat 42 x 40 cm, back to 42 cm above it, four legs; its body's frame sits in its centre of mass. */
static void make_chair(Body *b)
{
	double top = b->params.seat_height_m, m = b->params.chair_mass_kg, leg = top - 0.04;
	dMass mass;
	dMassSetZero(&mass);
	b->chair = dBodyCreate(b->world);
	chair_part(b, &mass, 0.4 * m, (double[]){0.42, 0.40, 0.04}, 0.05, 0, top - 0.02);
	chair_part(b, &mass, 0.2 * m, (double[]){0.03, 0.40, 0.42}, -0.175, 0, top + 0.21);
	for (int i = 0; i < 4; i++)
		chair_part(b, &mass, 0.1 * m, (double[]){0.04, 0.04, leg}, i & 1 ? 0.24 : -0.14,
			   i & 2 ? 0.18 : -0.18, leg / 2);
	double c[3] = {mass.c[0], mass.c[1], mass.c[2]};
	for (int i = 0; i < b->chair_geoms; i++) {
		const dReal *p = dGeomGetOffsetPosition(b->chair_geom[i]);
		dGeomSetOffsetPosition(b->chair_geom[i], p[0] - c[0], p[1] - c[1], p[2] - c[2]);
	}
	dMassTranslate(&mass, -c[0], -c[1], -c[2]);
	dBodySetMass(b->chair, &mass);
	dBodySetPosition(b->chair, c[0], c[1], c[2]);
}

/* ---- contacts and plates ---------------------------------------------------------------------------------- */

static bool part_of_mannequin(dGeomID geom)
{
	return dGeomGetData(geom) != NULL;
}

static int plate_at(const Body *b, const dReal *p)
{
	for (int i = 0; i < b->params.plates; i++) {
		const BodyPlate *q = &b->params.plate[i];
		if (p[0] >= q->x0 && p[0] < q->x1 && p[1] >= q->y0 && p[1] < q->y1)
			return i;
	}
	return -1;
}

static void add_contact(Body *b, const dContactGeom *geom, dBodyID one, dBodyID two,
			double friction)
{
	if (b->contact_count == CONTACTS_MAX)
		return;
	double h = (double)b->params.step_ns * 1e-9;
	dContact contact = {.geom = *geom};
	contact.surface.mode = dContactSoftERP | dContactSoftCFM | dContactApprox1;
	contact.surface.mu = friction;
	contact.surface.soft_erp =
		h * CONTACT_STIFFNESS / (h * CONTACT_STIFFNESS + CONTACT_DAMPING);
	contact.surface.soft_cfm = 1 / (h * CONTACT_STIFFNESS + CONTACT_DAMPING);
	int i = b->contact_count++;
	dJointID joint = dJointCreateContact(b->world, b->contacts, &contact);
	dJointAttach(joint, one, two);
	dJointSetFeedback(joint, &b->feedback[i]);
	b->contact_plate[i] = two ? -1 : (int8_t)plate_at(b, geom->pos);
}

static void near(void *user, dGeomID o1, dGeomID o2)
{
	Body *b = user;
	if (o1 == b->floor) { /* the moving body first, so that feedback f1 is always on it */
		o1 = o2;
		o2 = b->floor;
	}
	dBodyID one = dGeomGetBody(o1), two = dGeomGetBody(o2);
	if (one == two || (one && two && dAreConnectedExcluding(one, two, dJointTypeContact)))
		return;
	bool seat = !part_of_mannequin(o1) != !part_of_mannequin(o2) && o2 != b->floor;
	dContactGeom geom[PAIR_CONTACTS];
	int n = dCollide(o1, o2, PAIR_CONTACTS, geom, sizeof geom[0]);
	for (int i = 0; i < n; i++)
		add_contact(b, &geom[i], one, two,
			    seat ? b->params.seat_friction : b->params.floor_friction);
}

static void measure_plates(Body *b)
{
	memset(b->plate_force, 0, sizeof b->plate_force);
	for (int i = 0; i < b->contact_count; i++)
		if (b->contact_plate[i] >= 0)
			b->plate_force[b->contact_plate[i]] += b->feedback[i].f1[2];
}

/* ---- stepping ----------------------------------------------------------------------------------------------- */

static double speed_of(dBodyID body)
{
	const dReal *v = dBodyGetLinearVel(body), *w = dBodyGetAngularVel(body);
	double linear = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
	double angular = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
	return MAX(linear, 0.2 * angular);
}

static void watch_rest(Body *b)
{
	double fastest = speed_of(b->chair);
	for (Segment s = 0; s < SEGMENTS; s++)
		fastest = MAX(fastest, speed_of(b->segment[s]));
	b->rest_ns = fastest < REST_SPEED ? b->rest_ns + b->params.step_ns : 0;
	b->asleep = b->rest_ns >= REST_NS;
}

void body_step(Body *b)
{
	if (b->asleep)
		return;
	thread_ready();
	b->contact_count = 0;
	memset(b->feedback, 0, sizeof b->feedback);
	dSpaceCollide(b->space, b, near);
	dWorldStep(b->world, (double)b->params.step_ns * 1e-9);
	measure_plates(b);
	dJointGroupEmpty(b->contacts);
	watch_rest(b);
}

Body *body_new(const BodyParams *params)
{
	thread_ready();
	dRandSetSeed(params->seed);
	Body *b = g_new0(Body, 1);
	b->params = *params;
	b->world = dWorldCreate();
	/* Two worlds in two threads must not share ODE's own thread pool. */
	b->threading = dThreadingAllocateSelfThreadedImplementation();
	dWorldSetStepThreadingImplementation(
		b->world, dThreadingImplementationGetFunctions(b->threading), b->threading);
	dWorldSetGravity(b->world, 0, 0, -BODY_GRAVITY);
	b->space = dSimpleSpaceCreate(0);
	b->contacts = dJointGroupCreate(0);
	b->floor = dCreatePlane(b->space, 0, 0, 1, 0);
	make_chair(b);
	make_mannequin(b);
	set_tone(b, params->posture);
	b->latch = dJointCreateFixed(b->world, 0);
	dJointAttach(b->latch, b->segment[CHEST], params->lift_m > 0 ? 0 : b->chair);
	dJointSetFixed(b->latch);
	for (int64_t t = 0; t < SETTLE_NS && !b->asleep; t += params->step_ns)
		body_step(b);
	b->asleep = true;
	return b;
}

void body_free(Body *b)
{
	if (!b)
		return;
	dJointGroupDestroy(b->contacts);
	dSpaceDestroy(b->space);
	dWorldDestroy(b->world);
	dThreadingFreeImplementation(b->threading);
	g_free(b);
}

void body_release(Body *b)
{
	if (!b->latch)
		return;
	dJointDestroy(b->latch);
	b->latch = NULL;
	set_tone(b, b->params.tone);
	b->asleep = false;
	b->rest_ns = 0;
}

bool body_held(const Body *b)
{
	return b->latch != NULL;
}

bool body_asleep(const Body *b)
{
	return b->asleep;
}

/* ---- looking ------------------------------------------------------------------------------------------------- */

double body_height(const Body *b, ScenePart part, double *ret_speed)
{
	for (Segment s = 0; s < SEGMENTS; s++)
		if (shapes[s].part == part) {
			if (ret_speed)
				*ret_speed = b->asleep ? 0 : dBodyGetLinearVel(b->segment[s])[2];
			return dBodyGetPosition(b->segment[s])[2];
		}
	g_assert_not_reached();
}

double body_harness_height(const Body *b, double *ret_speed)
{
	dVector3 p, v;
	double up = 0.088 * b->params.height_m;
	dBodyGetRelPointPos(b->segment[CHEST], 0, 0, up, p);
	dBodyGetRelPointVel(b->segment[CHEST], 0, 0, up, v);
	if (ret_speed)
		*ret_speed = b->asleep ? 0 : v[2];
	return p[2];
}

double body_mass_centre_height(const Body *b)
{
	double sum = 0;
	for (Segment s = 0; s < SEGMENTS; s++)
		sum += shapes[s].mass * dBodyGetPosition(b->segment[s])[2];
	return sum; /* the fractions sum to 1 */
}

double body_plate_force(const Body *b, int i)
{
	g_assert(i >= 0 && i < BODY_PLATES_MAX);
	return b->plate_force[i];
}

double body_weight(const Body *b)
{
	return (b->params.mass_kg + b->params.chair_mass_kg) * BODY_GRAVITY;
}

static SceneBody *scene_add(Scene *scene, SceneForm form, SceneMaterial material, ScenePart part)
{
	g_assert(scene->n < SCENE_BODIES_MAX);
	SceneBody *out = &scene->bodies[scene->n++];
	*out = (SceneBody){.form = form,
			   .material = material,
			   .part = part,
			   .rot = {1, 0, 0, 0, 1, 0, 0, 0, 1}};
	return out;
}

static void copy_pose(SceneBody *out, const dReal *pos, const dReal *rot)
{
	for (int r = 0; r < 3; r++) {
		out->pos[r] = pos[r];
		for (int c = 0; c < 3; c++)
			out->rot[3 * r + c] = rot[4 * r + c];
	}
}

/* A capsule between two points: hulls that only the renderer knows. */
static void scene_link(Scene *scene, SceneMaterial material, ScenePart part, double radius,
		       const double a[3], const double c[3])
{
	SceneBody *out = scene_add(scene, SCENE_CAPSULE, material, part);
	dMatrix3 rot;
	double d[3] = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};
	out->size[0] = radius;
	out->size[1] = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
	dRFromZAxis(rot, d[0], d[1], d[2]);
	dVector3 middle = {(a[0] + c[0]) / 2, (a[1] + c[1]) / 2, (a[2] + c[2]) / 2};
	copy_pose(out, middle, rot);
}

static void point_of(const Body *b, Segment s, double z, double ret[3])
{
	dVector3 p;
	dBodyGetRelPointPos(b->segment[s], 0, 0, z * b->params.height_m, p);
	memcpy(ret, p, 3 * sizeof *ret);
}

static void scene_hulls(const Body *b, Scene *scene)
{
	double h = b->params.height_m, top[3], low[3], seat[3], chin[3], crown[3];
	point_of(b, CHEST, 0.08, top);
	point_of(b, CHEST, -0.06, low);
	point_of(b, PELVIS, 0, seat);
	point_of(b, HEAD, -0.05, chin);
	point_of(b, HEAD, 0.022, crown);
	scene_link(scene, SCENE_SHIRT, SCENE_PART_CHEST, 0.066 * h, low, seat);
	scene_link(scene, SCENE_SKIN, SCENE_PART_NECK, 0.028 * h, top, chin);
	SceneBody *hair = scene_add(scene, SCENE_SPHERE, SCENE_HAIR, SCENE_PART_HEAD);
	hair->size[0] = 0.062 * h;
	memcpy(hair->pos, crown, sizeof crown);
}

void body_scene(const Body *b, Scene *scene)
{
	for (int i = 0; i < b->chair_geoms; i++) {
		SceneBody *out = scene_add(scene, SCENE_BOX, SCENE_WOOD, SCENE_PART_CHAIR);
		memcpy(out->size, b->chair_size[i], sizeof out->size);
		copy_pose(out, dGeomGetPosition(b->chair_geom[i]),
			  dGeomGetRotation(b->chair_geom[i]));
	}
	for (Segment s = 0; s < SEGMENTS; s++) {
		SceneBody *out =
			scene_add(scene, SCENE_CAPSULE, shapes[s].material, shapes[s].part);
		out->size[0] = shapes[s].radius * b->params.height_m;
		out->size[1] = shapes[s].length * b->params.height_m;
		copy_pose(out, dBodyGetPosition(b->segment[s]), dBodyGetRotation(b->segment[s]));
	}
	scene_hulls(b, scene);
}
