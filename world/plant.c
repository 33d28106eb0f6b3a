#include "plant.h"
#include "scene_room.h"

#include <math.h>
#include <string.h>

const PlantName plant_quantities[QUANTITY_COUNT] = {
	[QUANTITY_MANNEQUIN_HEIGHT] = {"mannequin.height", "m", 0},
	[QUANTITY_MANNEQUIN_PELVIS] = {"mannequin.pelvis", "m", 0},
	[QUANTITY_MANNEQUIN_HEAD] = {"mannequin.head", "m", 0},
	[QUANTITY_MANNEQUIN_HELD] = {"mannequin.held", "1", 0},
	[QUANTITY_CHAIR_FORCE] = {"chair.force", "N", 0},
	[QUANTITY_FLOOR_FORCE] = {"floor.force", "N", 0},
	[QUANTITY_ILLUMINANCE] = {"room.illuminance", "lx", 0},
	[QUANTITY_ROOM_TEMPERATURE] = {"room.temperature", "degC", 0},
	[QUANTITY_ROOM_HUMIDITY] = {"room.humidity", "%", 0},
	[QUANTITY_PAN] = {"stove.pan", "degC", 0},
	[QUANTITY_PAN_SEEN] = {"stove.pan-seen", "degC", 0},
	[QUANTITY_WATER] = {"stove.water", "kg", 0},
	[QUANTITY_HEATER] = {"stove.heat", "W", 0},
	[QUANTITY_GAS] = {"gas.ppm", "ppm", 0},
	[QUANTITY_PSU_VOLTAGE] = {"psu.volts", "V", 0},
	[QUANTITY_PSU_CURRENT] = {"psu.amperes", "A", 0},
	[QUANTITY_CARD] = {"card.shown", "1", 0},
	[QUANTITY_LED] = {"led.seen", "1", 0},
	[QUANTITY_RAIL_POSITION] = {"rail.position", "m", 0},
	[QUANTITY_RAIL_SWITCH] = {"rail.switch", "1", 0},
};

const PlantName plant_actuators[ACTUATOR_COUNT] = {
	[ACTUATOR_RELEASE] = {"mannequin.release", "1", 0},
	[ACTUATOR_HEATER] = {"stove.heater", "1", 0},
	[ACTUATOR_VALVE] = {"stove.valve-closed", "1", 0},
	[ACTUATOR_CARD] = {"card.flag", "1", 0},
	[ACTUATOR_PUFF] = {"probe.puff", "1", 0},
	[ACTUATOR_LIGHT] = {"light.level", "1", 0},
	[ACTUATOR_PSU_VOLTAGE] = {"psu.voltage", "V", 0},
	[ACTUATOR_PSU_OUTPUT] = {"psu.output", "1", 0},
	[ACTUATOR_LED] = {"led.lit", "1", 0},
	[ACTUATOR_RAIL_STEP] = {"rail.step", "1", 0},
	[ACTUATOR_RAIL_DIR] = {"rail.direction", "1", 0},
	[ACTUATOR_RAIL_POWER] = {"rail.power", "1", 0},
};

/* An input whose time integral over the running grid cell is exact. */
typedef struct Input {
	double value, integral;
	int64_t since_ns;
	bool touched; /* written in this cell: else the mean is the value itself, exactly */
} Input;

typedef struct SensorState {
	double lagged; /* the quantity behind the sensor's own lag */
	double held;   /* sampled output, for sensors with a period */
	int64_t slot;  /* of `held` */
	SensorFaultKind fault;
	int64_t from_ns, until_ns;
	int other;      /* SENSOR_FAULT_SWAPPED */
	double drift_V; /* SENSOR_FAULT_OFFSET */
	double stuck;
	bool stuck_known;
} SensorState;

struct Plant {
	const PlantParams *params;
	int64_t now_ns; /* last grid point */
	Input input[ACTUATOR_COUNT];
	double mean[ACTUATOR_COUNT]; /* of the last cell */
	Body *body;
	Pan pan;
	Rail rail;
	double coil, card, gas_background, puff, lamp_lx, psu_V, psu_A;
	double room_C, humidity, ambient_lx, heat_W;
	SensorState *state; /* one a sensor */
};

static const PlantSensor *sensor_at(const Plant *plant, int i)
{
	return &g_array_index(plant->params->sensors, PlantSensor, i);
}

static const PlantDrive *drive_at(const Plant *plant, int i)
{
	return &g_array_index(plant->params->drives, PlantDrive, i);
}

/* ---- parameters ---------------------------------------------------------------------------------------------- */

void plant_params_init(PlantParams *p)
{
	*p = (PlantParams){
		.seed = 1,
		.step_ns = 2 * CLOCK_MS,
		.room_C = 22,
		.humidity = 45,
		.ambient_lx = 2,
		.lamp_lx = 450,
		.lamp_tau_s = 0.08,
		.lamp_nominal_V = 24,
		.lamp_cutoff_V = 9,
		.lamp_exponent = 1.5,
		.lamp_power_W = 30,
		.lamp_pos = {0.5, 0.3, 2.35},
		.pan = {.capacity_J_K = 450, .loss_W_K = 4, .power_W = 2000},
		.pan_initial = {.temperature_C = 22},
		.gas_background_ppm = 2,
		.puff_ppm = 900,
		.puff_tau_s = 0.4,
		.psu_tau_s = 0.01,
		.pull_s = 0.015,
		.card_travel_s = 0.2,
		.card_pos = {-1.25, -0.75, 1.35},
		.stove_pos = {-1.15, 1.75, 0},
	};
	body_params_init(&p->body);
	p->sensors = g_array_new(FALSE, TRUE, sizeof(PlantSensor));
	p->drives = g_array_new(FALSE, TRUE, sizeof(PlantDrive));
}

void plant_params_clear(PlantParams *p)
{
	for (guint i = 0; p->sensors && i < p->sensors->len; i++)
		g_free(g_array_index(p->sensors, PlantSensor, i).channel);
	for (guint i = 0; p->drives && i < p->drives->len; i++)
		g_free(g_array_index(p->drives, PlantDrive, i).channel);
	g_clear_pointer(&p->sensors, g_array_unref);
	g_clear_pointer(&p->drives, g_array_unref);
}

void plant_params_add_sensor(PlantParams *p, const char *channel, PlantQuantity q,
			     const SensorParams *sensor)
{
	PlantSensor s = {.channel = g_strdup(channel), .quantity = q, .params = *sensor};
	g_array_append_val(p->sensors, s);
}

void plant_params_add_drive(PlantParams *p, const char *channel, Actuator a, double scale,
			    double lo, double hi)
{
	PlantDrive d = {
		.channel = g_strdup(channel), .actuator = a, .scale = scale, .lo = lo, .hi = hi};
	g_array_append_val(p->drives, d);
}

/* ---- truth ----------------------------------------------------------------------------------------------------- */

/* Straight down at the pan, past whatever hides it. */
static double pan_seen(const Plant *plant)
{
	const PlantParams *p = plant->params;
	double spot[3], open = plant->pan.temperature_C + plant->puff * p->puff_heat_K;
	scene_pan(p, spot);
	double cover = rail_cover(&plant->rail, &p->rail, spot);
	return cover > 0 ? open + cover * (p->rail.hand_C - open) : open;
}

/* `speed` is the rate of change where the state knows it (positions), else 0. */
static double truth_and_speed(const Plant *plant, PlantQuantity q, double *ret_speed)
{
	*ret_speed = 0;
	switch (q) {
	case QUANTITY_MANNEQUIN_HEIGHT:
		return body_harness_height(plant->body, ret_speed);
	case QUANTITY_MANNEQUIN_PELVIS:
		return body_height(plant->body, SCENE_PART_PELVIS, ret_speed);
	case QUANTITY_MANNEQUIN_HEAD:
		return body_height(plant->body, SCENE_PART_HEAD, ret_speed);
	case QUANTITY_MANNEQUIN_HELD:
		return body_held(plant->body);
	case QUANTITY_CHAIR_FORCE:
		return body_plate_force(plant->body, 0);
	case QUANTITY_FLOOR_FORCE:
		return body_plate_force(plant->body, 1);
	case QUANTITY_ILLUMINANCE:
		return plant->ambient_lx + plant->lamp_lx;
	case QUANTITY_ROOM_TEMPERATURE:
		return plant->room_C;
	case QUANTITY_ROOM_HUMIDITY:
		return plant->humidity;
	case QUANTITY_PAN:
		return plant->pan.temperature_C;
	case QUANTITY_PAN_SEEN:
		return pan_seen(plant);
	case QUANTITY_WATER:
		return plant->pan.water_kg;
	case QUANTITY_HEATER:
		return plant->heat_W;
	case QUANTITY_GAS:
		return plant->gas_background + plant->puff * plant->params->puff_ppm;
	case QUANTITY_PSU_VOLTAGE:
		return plant->psu_V;
	case QUANTITY_PSU_CURRENT:
		return plant->psu_A;
	case QUANTITY_CARD:
		return plant->card;
	case QUANTITY_LED:
		return plant->mean[ACTUATOR_LED];
	case QUANTITY_RAIL_POSITION:
		return plant->rail.position_m;
	case QUANTITY_RAIL_SWITCH:
		return plant->params->rail.fitted &&
		       plant->rail.position_m <= plant->params->rail.switch_m;
	case QUANTITY_COUNT:
		break;
	}
	g_assert_not_reached();
}

double plant_truth(const Plant *plant, PlantQuantity q)
{
	double speed;
	return truth_and_speed(plant, q, &speed);
}

/* ---- actuators --------------------------------------------------------------------------------------------------- */

static void input_set(Input *in, double value, int64_t t_ns)
{
	in->integral += in->value * (double)(t_ns - in->since_ns);
	in->since_ns = t_ns;
	in->value = value;
	in->touched = true;
}

/* Close the cell that ends at end_ns: the mean over it. */
static double input_mean(Input *in, int64_t end_ns, int64_t step_ns)
{
	double mean = in->value;
	if (in->touched) {
		input_set(in, in->value, end_ns);
		mean = in->integral / (double)step_ns;
	}
	in->integral = 0;
	in->since_ns = end_ns;
	in->touched = false;
	return mean;
}

void plant_act(Plant *plant, Actuator a, double value, int64_t t_ns)
{
	plant_step_to(plant, t_ns);
	if (a == ACTUATOR_RAIL_STEP && value > 0.5 && plant->input[a].value <= 0.5 &&
	    plant->input[ACTUATOR_RAIL_POWER].value > 0.5)
		rail_step(&plant->rail, &plant->params->rail,
			  plant->input[ACTUATOR_RAIL_DIR].value > 0.5);
	input_set(&plant->input[a], value, MAX(t_ns, plant->input[a].since_ns));
}

int plant_find_drive(const Plant *plant, const char *channel)
{
	for (guint i = 0; i < plant->params->drives->len; i++)
		if (!strcmp(drive_at(plant, (int)i)->channel, channel))
			return (int)i;
	return -1;
}

void plant_drive(Plant *plant, int drive, double value, int64_t t_ns)
{
	const PlantDrive *d = drive_at(plant, drive);
	plant_act(plant, d->actuator, CLAMP(value * d->scale, d->lo, d->hi), t_ns);
}

/* ---- sensors ----------------------------------------------------------------------------------------------------- */

int plant_find_sensor(const Plant *plant, const char *channel)
{
	for (guint i = 0; i < plant->params->sensors->len; i++)
		if (!strcmp(sensor_at(plant, (int)i)->channel, channel))
			return (int)i;
	return -1;
}

#define NOISE_SLOT_NS (100 * CLOCK_US) /* bandwidth of a continuous sensor's noise: 10 kHz */

static double healthy_volts(const Plant *plant, int i, int64_t t_ns, double drift_V)
{
	const PlantSensor *s = sensor_at(plant, i);
	double speed, x = truth_and_speed(plant, s->quantity, &speed);
	double ahead_s = (double)MAX(0, t_ns - plant->now_ns) * 1e-9;
	x += speed * ahead_s;
	if (s->params.lag_s > 0)
		x = first_order(plant->state[i].lagged, x, s->params.lag_s, ahead_s);
	int64_t slot = t_ns / (s->params.period_ns > 0 ? s->params.period_ns : NOISE_SLOT_NS);
	return sensor_volts(&s->params, x, drift_V, (uint64_t)slot);
}

static bool fault_active(const SensorState *state, int64_t t_ns)
{
	return state->fault != SENSOR_FAULT_NONE && t_ns >= state->from_ns &&
	       t_ns < state->until_ns;
}

static double broken_volts(Plant *plant, int i, int64_t t_ns)
{
	SensorState *state = &plant->state[i];
	const SensorParams *p = &sensor_at(plant, i)->params;
	switch (state->fault) {
	case SENSOR_FAULT_STUCK:
		if (!state->stuck_known)
			state->stuck = healthy_volts(plant, i, state->from_ns, 0);
		state->stuck_known = true;
		return state->stuck;
	case SENSOR_FAULT_OPEN:
		return p->open_V;
	case SENSOR_FAULT_SATURATED:
		return p->hi_V;
	case SENSOR_FAULT_SWAPPED:
		return healthy_volts(plant, state->other, t_ns, 0);
	case SENSOR_FAULT_OFFSET:
		return healthy_volts(plant, i, t_ns, state->drift_V);
	case SENSOR_FAULT_NONE:
		break;
	}
	g_assert_not_reached();
}

static double sample(Plant *plant, int i, int64_t t_ns)
{
	double volts = fault_active(&plant->state[i], t_ns) ? broken_volts(plant, i, t_ns)
							    : healthy_volts(plant, i, t_ns, 0);
	return sensor_quantise(&sensor_at(plant, i)->params, volts);
}

double plant_sense(Plant *plant, int i, int64_t t_ns)
{
	plant_step_to(plant, t_ns);
	if (sensor_at(plant, i)->params.period_ns > 0)
		return plant->state[i].held;
	return sample(plant, i, MAX(t_ns, plant->now_ns));
}

static void step_sensor(Plant *plant, int i, double dt_s)
{
	const PlantSensor *s = sensor_at(plant, i);
	SensorState *state = &plant->state[i];
	state->lagged =
		first_order(state->lagged, plant_truth(plant, s->quantity), s->params.lag_s, dt_s);
	if (state->fault == SENSOR_FAULT_STUCK && fault_active(state, plant->now_ns))
		broken_volts(plant, i, plant->now_ns); /* remembers what it shows from now on */
	if (s->params.period_ns <= 0 || plant->now_ns / s->params.period_ns == state->slot)
		return;
	state->slot = plant->now_ns / s->params.period_ns;
	state->held = sample(plant, i, plant->now_ns);
}

static bool senses(const Plant *plant, int i, const char *name)
{
	const PlantSensor *s = sensor_at(plant, i);
	return !strcmp(s->channel, name) || !strcmp(plant_quantities[s->quantity].name, name);
}

gboolean plant_fault(Plant *plant, const char *channel, SensorFaultKind kind, int64_t from_ns,
		     int64_t until_ns, const char *other, double volts, GError **error)
{
	int with = other ? plant_find_sensor(plant, other) : -1;
	if (kind == SENSOR_FAULT_SWAPPED && with < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "no sensor channel '%s' to swap %s with", other ? other : "", channel);
		return FALSE;
	}
	bool found = false;
	for (guint i = 0; i < plant->params->sensors->len; i++) {
		if (!senses(plant, (int)i, channel))
			continue;
		SensorState *s = &plant->state[i];
		s->fault = kind;
		s->from_ns = from_ns;
		s->until_ns = until_ns;
		s->other = with;
		s->drift_V = volts;
		s->stuck_known = false;
		found = true;
	}
	if (!found)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "no sensor on '%s'", channel);
	return found;
}

/* ---- integration --------------------------------------------------------------------------------------------------- */

/* The supply's output follows its set value; the lamp takes its power from it and dims below its nominal voltage. */
static void step_light(Plant *plant, double dt_s)
{
	const PlantParams *p = plant->params;
	double *mean = plant->mean;
	double set_V = mean[ACTUATOR_PSU_OUTPUT] * mean[ACTUATOR_PSU_VOLTAGE];
	plant->psu_V = first_order(plant->psu_V, set_V, p->psu_tau_s, dt_s);
	double fraction =
		(plant->psu_V - p->lamp_cutoff_V) / (p->lamp_nominal_V - p->lamp_cutoff_V);
	double drive = fraction > 0 ? pow(fraction, p->lamp_exponent) * mean[ACTUATOR_LIGHT] : 0;
	plant->lamp_lx = first_order(plant->lamp_lx, p->lamp_lx * drive, p->lamp_tau_s, dt_s);
	plant->psu_A = fraction > 0 ? drive * p->lamp_power_W / plant->psu_V : 0;
}

static void step_stove(Plant *plant, double dt_s)
{
	const PlantParams *p = plant->params;
	double open = 1 - CLAMP(plant->mean[ACTUATOR_VALVE], 0, 1);
	plant->heat_W = p->pan.power_W * plant->mean[ACTUATOR_HEATER] * open;
	pan_step(&plant->pan, &p->pan, plant->heat_W, plant->room_C, dt_s);
	plant->puff = first_order(plant->puff, plant->mean[ACTUATOR_PUFF], p->puff_tau_s, dt_s);
}

static void step_mannequin(Plant *plant, double dt_s)
{
	const PlantParams *p = plant->params;
	plant->coil = first_order(plant->coil, plant->mean[ACTUATOR_RELEASE], p->pull_s, dt_s);
	if (plant->coil > 1 - exp(-1))
		body_release(plant->body);
	double wanted = plant->mean[ACTUATOR_CARD] > 0.5 ? 1 : 0;
	double travel = dt_s / p->card_travel_s;
	plant->card = CLAMP(wanted, plant->card - travel, plant->card + travel);
	body_step(plant->body);
}

static void step_once(Plant *plant)
{
	int64_t step_ns = plant->params->step_ns;
	double dt_s = (double)step_ns * 1e-9;
	plant->now_ns += step_ns;
	for (int a = 0; a < ACTUATOR_COUNT; a++)
		plant->mean[a] = input_mean(&plant->input[a], plant->now_ns, step_ns);
	step_light(plant, dt_s);
	step_stove(plant, dt_s);
	step_mannequin(plant, dt_s);
	for (guint i = 0; i < plant->params->sensors->len; i++)
		step_sensor(plant, (int)i, dt_s);
}

void plant_step_to(Plant *plant, int64_t t_ns)
{
	while (plant->now_ns + plant->params->step_ns <= t_ns)
		step_once(plant);
}

int64_t plant_now(const Plant *plant)
{
	return plant->now_ns;
}

Plant *plant_new(const PlantParams *params, int64_t start_ns)
{
	Plant *plant = g_new0(Plant, 1);
	plant->params = params;
	plant->now_ns = start_ns;
	plant->pan = params->pan_initial;
	plant->rail.position_m = params->rail.start_m;
	plant->room_C = params->room_C;
	plant->humidity = params->humidity;
	plant->ambient_lx = params->ambient_lx;
	plant->gas_background = params->gas_background_ppm;
	for (int a = 0; a < ACTUATOR_COUNT; a++)
		plant->input[a] =
			(Input){.value = plant_actuators[a].initial, .since_ns = start_ns};
	BodyParams body = params->body;
	body.step_ns = params->step_ns;
	body.seed = (unsigned long)params->seed;
	plant->body = body_new(&body);
	plant->state = g_new0(SensorState, MAX(1, params->sensors->len));
	for (guint i = 0; i < params->sensors->len; i++) {
		SensorState *s = &plant->state[i];
		const SensorParams *sp = &sensor_at(plant, (int)i)->params;
		s->lagged = plant_truth(plant, sensor_at(plant, (int)i)->quantity);
		s->slot = sp->period_ns > 0 ? start_ns / sp->period_ns : 0;
		s->held = sample(plant, (int)i, start_ns);
	}
	return plant;
}

void plant_free(Plant *plant)
{
	if (!plant)
		return;
	body_free(plant->body);
	g_free(plant->state);
	g_free(plant);
}

/* ---- by name ---------------------------------------------------------------------------------------------------------- */

static int find_name(const PlantName *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i].name, name))
			return i;
	return -1;
}

gboolean plant_read(Plant *plant, const char *name, int64_t t_ns, double *ret_value)
{
	int sensor = plant_find_sensor(plant, name);
	if (sensor >= 0) {
		*ret_value = plant_sense(plant, sensor, t_ns);
		return TRUE;
	}
	int quantity = find_name(plant_quantities, QUANTITY_COUNT, name);
	int drive = plant_find_drive(plant, name);
	int actuator = find_name(plant_actuators, ACTUATOR_COUNT, name);
	plant_step_to(plant, t_ns);
	if (quantity >= 0)
		*ret_value = plant_truth(plant, (PlantQuantity)quantity);
	else if (drive >= 0)
		*ret_value = plant->input[drive_at(plant, drive)->actuator].value /
			     drive_at(plant, drive)->scale;
	else if (actuator >= 0)
		*ret_value = plant->input[actuator].value;
	else
		return FALSE;
	return TRUE;
}

gboolean plant_write(Plant *plant, const char *name, double value, int64_t t_ns)
{
	int drive = plant_find_drive(plant, name);
	int actuator = find_name(plant_actuators, ACTUATOR_COUNT, name);
	if (!isfinite(value) || (drive < 0 && actuator < 0))
		return FALSE;
	if (drive >= 0)
		plant_drive(plant, drive, value, t_ns);
	else
		plant_act(plant, (Actuator)actuator, value, t_ns);
	return TRUE;
}

gboolean plant_set(Plant *plant, const char *name, double value)
{
	const struct {
		const char *name;
		double *state;
	} states[] = {
		{"stove.pan", &plant->pan.temperature_C},
		{"stove.water", &plant->pan.water_kg},
		{"room.temperature", &plant->room_C},
		{"room.humidity", &plant->humidity},
		{"room.ambient", &plant->ambient_lx},
		{"gas.background", &plant->gas_background},
		{"rail.position", &plant->rail.position_m},
	};
	if (!isfinite(value))
		return FALSE;
	if (!strcmp(name, "mannequin.held") && value == 0) {
		body_release(plant->body);
		return TRUE;
	}
	if (!strcmp(name, "rail.jammed")) {
		plant->rail.jammed = value != 0;
		return TRUE;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
		if (!strcmp(states[i].name, name)) {
			*states[i].state = value;
			return TRUE;
		}
	return FALSE;
}

/* ---- looking -------------------------------------------------------------------------------------------------------- */

#define GLOW_FROM_C \
	400.0 /* a hot plate begins to glow visibly in a dim room near 500 degC (Draper point: 525 degC) */
#define GLOW_FULL_C 700.0

void plant_scene(const Plant *plant, Scene *ret_scene)
{
	Scene *s = ret_scene;
	memset(s, 0, sizeof *s);
	s->t_ns = plant->now_ns;
	s->lamp_lx = plant->lamp_lx;
	s->illuminance_lx = plant_truth(plant, QUANTITY_ILLUMINANCE);
	memcpy(s->lamp_pos, plant->params->lamp_pos, sizeof s->lamp_pos);
	s->card_shown = plant->card;
	s->pan_temperature_C = plant->pan.temperature_C;
	double glow = (plant->pan.temperature_C - GLOW_FROM_C) / (GLOW_FULL_C - GLOW_FROM_C);
	scene_room(plant->params, plant->card, CLAMP(glow, 0, 1), s);
	rail_scene(&plant->rail, &plant->params->rail, s);
	body_scene(plant->body, s);
}
