/* The world's physics and what is wired to it: one object, integrated to the time that is asked for.
 *
 * A fixed grid of params.step_ns carries all states, so the answer depends on what was written when, never on how
 * often or by whom it was read: two runs with equal writes are equal to the bit. Between grid points an actuator's
 * on-time is summed exactly (a PWM edge counts to the nanosecond), and positions are extrapolated with their speed.
 *
 * Names. A *quantity* is a truth in SI units ("mannequin.height" in m); an *actuator* is what acts on the world
 * ("mannequin.release", 0..1); a *channel* is a device's terminal as the world file wires it, in the numbers of the
 * wire: volts ("node-a.adc.0"), counts ("io.ain.2"), levels ("node-a.out.3"), register units ("lamp.level").
 *
 * One thread at a time (anzen-world holds a mutex). Times are bench nanoseconds; going back is a no-op.
 */
#ifndef ANZEN_WORLD_PLANT_H
#define ANZEN_WORLD_PLANT_H

#include <anzen/base.h>

#include "body.h"
#include "rail.h"
#include "scene.h"
#include "sensor.h"
#include "thermal.h"

G_BEGIN_DECLS

typedef enum {
	QUANTITY_MANNEQUIN_HEIGHT, /* harness above the floor, m */
	QUANTITY_MANNEQUIN_PELVIS, /* m */
	QUANTITY_MANNEQUIN_HEAD,   /* m */
	QUANTITY_MANNEQUIN_HELD,   /* 1 while latched */
	QUANTITY_CHAIR_FORCE,      /* plate under the chair, N */
	QUANTITY_FLOOR_FORCE,      /* plate where the mannequin lands, N */
	QUANTITY_ILLUMINANCE,      /* lx */
	QUANTITY_ROOM_TEMPERATURE, /* degC */
	QUANTITY_ROOM_HUMIDITY,    /* % */
	QUANTITY_PAN,              /* bottom of the pan, degC */
	QUANTITY_PAN_SEEN,      /* what an infra-red sensor sees: the pan and a heat puff, degC */
	QUANTITY_WATER,         /* in the pan, kg */
	QUANTITY_HEATER,        /* electric power into the stove, W */
	QUANTITY_GAS,           /* at the gas sensor, ppm */
	QUANTITY_PSU_VOLTAGE,   /* at the supply's terminals, V */
	QUANTITY_PSU_CURRENT,   /* A */
	QUANTITY_CARD,          /* 0 away … 1 shown */
	QUANTITY_LED,           /* 0..1, mean over the last step */
	QUANTITY_RAIL_POSITION, /* of the carriage from the first end of its rail, m */
	QUANTITY_RAIL_SWITCH,   /* 1 while the end switch is closed */
	QUANTITY_COUNT,
} PlantQuantity;

typedef enum {
	ACTUATOR_RELEASE,     /* current into the latch's coil, 0..1: energy opens it */
	ACTUATOR_HEATER,      /* duty, 0..1 */
	ACTUATOR_VALVE,       /* 1 = stove cut off (product's or bench's doing) */
	ACTUATOR_CARD,        /* 1 = show the positive-control card */
	ACTUATOR_PUFF,        /* 1 = test gas and heat at the stove's sensors */
	ACTUATOR_LIGHT,       /* lamp level, 0..1 */
	ACTUATOR_PSU_VOLTAGE, /* set value, V */
	ACTUATOR_PSU_OUTPUT,  /* 0 / 1 */
	ACTUATOR_LED,         /* the node's lamp, which a camera sees */
	ACTUATOR_RAIL_STEP,   /* a rising edge is a step of the rail's drive */
	ACTUATOR_RAIL_DIR,    /* 1: towards the far end */
	ACTUATOR_RAIL_POWER,  /* of the drive; without, its steps do nothing */
	ACTUATOR_COUNT,
} Actuator;

typedef struct PlantName {
	const char *name, *unit;
	double initial; /* actuators: value at the start */
} PlantName;
extern const PlantName plant_quantities[QUANTITY_COUNT];
extern const PlantName plant_actuators[ACTUATOR_COUNT];

/* A device's input terminal: which quantity it senses and how. */
typedef struct PlantSensor {
	char *channel; /* "node-a.adc.0" */
	PlantQuantity quantity;
	SensorParams params;
} PlantSensor;

/* A device's output terminal: value written * scale goes to the actuator, clamped to lo..hi. */
typedef struct PlantDrive {
	char *channel; /* "node-a.out.3" */
	Actuator actuator;
	double scale, lo, hi;
} PlantDrive;

typedef struct PlantParams {
	uint64_t seed;
	int64_t step_ns;
	double room_C, humidity, ambient_lx;
	double lamp_lx, lamp_tau_s, lamp_nominal_V, lamp_cutoff_V, lamp_exponent, lamp_power_W,
		lamp_pos[3];
	PanParams pan;
	Pan pan_initial;
	double gas_background_ppm, puff_ppm, puff_heat_K, puff_tau_s;
	double psu_tau_s;
	double pull_s; /* the latch opens when its coil's current has passed 1 - 1/e: this long after full energy */
	double card_travel_s; /* from away to shown */
	double card_pos[3];
	double stove_pos[3]; /* centre of its base */
	BodyParams body;
	RailParams rail;
	GArray *sensors; /* PlantSensor */
	GArray *drives;  /* PlantDrive */
} PlantParams;

/* Plain numbers of a plausible room, no sensors and no drives. */
void plant_params_init(PlantParams *params);
void plant_params_clear(PlantParams *params);
void plant_params_add_sensor(PlantParams *params, const char *channel, PlantQuantity q,
			     const SensorParams *sensor);
void plant_params_add_drive(PlantParams *params, const char *channel, Actuator a, double scale,
			    double lo, double hi);

typedef struct Plant Plant;

/* params is borrowed for the plant's life. Time starts at start_ns. Free with plant_free(). */
Plant *plant_new(const PlantParams *params, int64_t start_ns);
void plant_free(Plant *plant);

void plant_step_to(Plant *plant, int64_t t_ns);
int64_t plant_now(const Plant *plant);

/* Indices for the callers that ask often; -1 when there is no such name. A drive or sensor index is valid for the
 * plant's life. */
int plant_find_drive(const Plant *plant, const char *channel);
int plant_find_sensor(const Plant *plant, const char *channel);

/* From t_ns on (which is stepped to first). */
void plant_drive(Plant *plant, int drive, double value, int64_t t_ns);
void plant_act(Plant *plant, Actuator actuator, double value, int64_t t_ns);
/* What the terminal shows at t_ns. */
double plant_sense(Plant *plant, int sensor, int64_t t_ns);
double plant_truth(const Plant *plant, PlantQuantity quantity);

/* By name: a channel, a quantity or (writes) an actuator. FALSE when unknown. */
gboolean plant_read(Plant *plant, const char *name, int64_t t_ns, double *ret_value);
gboolean plant_write(Plant *plant, const char *name, double value, int64_t t_ns);
/* Set a physical truth from outside: "stove.pan" (degC), "stove.water" (kg), "room.temperature", "room.humidity",
 * "room.ambient" (lx), "gas.background" (ppm), "mannequin.held" (0: let go), "rail.position" (m, pushed by hand),
 * "rail.jammed" (0, 1). FALSE when unknown. */
gboolean plant_set(Plant *plant, const char *name, double value);

/* Break the sensor on `channel` (or every one of a quantity) from from_ns until until_ns. `other` names the channel
 * it is swapped with; volts is the drift of SENSOR_FAULT_OFFSET. FALSE and ANZEN_ERROR_INPUT for unknown names. */
gboolean plant_fault(Plant *plant, const char *channel, SensorFaultKind kind, int64_t from_ns,
		     int64_t until_ns, const char *other, double volts, GError **error);

/* What can be seen now. */
void plant_scene(const Plant *plant, Scene *ret_scene);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plant, plant_free)

G_END_DECLS

#endif
