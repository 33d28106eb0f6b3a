#include "unit.h"

#include "plant.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

static double truth_at(Plant *plant, PlantQuantity q, int64_t t_ns)
{
	plant_step_to(plant, t_ns);
	return plant_truth(plant, q);
}

/* As in thermal_test: full power for 60 s ends at 228.677 degC; half the time on (PWM) is half the power:
 * 22 + 250 * 0.4133537805 = 125.338. The valve stops it. */
static void pulse_width_is_power(void)
{
	PlantParams params;
	plant_params_init(&params);
	g_autoptr(Plant) plant = plant_new(&params, 0);
	for (int i = 0; i < 6000; i++) { /* 100 Hz, edges off the 2 ms grid */
		plant_act(plant, ACTUATOR_HEATER, 1, i * 10 * MS + 700000);
		plant_act(plant, ACTUATOR_HEATER, 0, i * 10 * MS + 700000 + 5 * MS);
	}
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_PAN, 60 * S), 125.338, 0.1);
	plant_act(plant, ACTUATOR_HEATER, 1, 60 * S);
	plant_act(plant, ACTUATOR_VALVE, 1, 60 * S);
	CU_ASSERT_TRUE(truth_at(plant, QUANTITY_PAN, 61 * S) < 125);
	CU_ASSERT_EQUAL(plant_truth(plant, QUANTITY_HEATER), 0);
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

/* Lamp at 24 V and full level: ambient 2 lx + 450 lx; at 16.5 V (half way from the 9 V cut-off) 450 * 0.5^1.5 = 159.1;
 * off: 2 lx. */
static void no_voltage_no_light(void)
{
	PlantParams params;
	plant_params_init(&params);
	g_autoptr(Plant) plant = plant_new(&params, 0);
	plant_act(plant, ACTUATOR_LIGHT, 1, 0);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_ILLUMINANCE, 2 * S), 2, 1e-9);
	plant_act(plant, ACTUATOR_PSU_VOLTAGE, 24, 2 * S);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_ILLUMINANCE, 4 * S), 2, 1e-9);
	plant_act(plant, ACTUATOR_PSU_OUTPUT, 1, 4 * S);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_ILLUMINANCE, 6 * S), 452, 0.01);
	CU_ASSERT_DOUBLE_EQUAL(plant_truth(plant, QUANTITY_PSU_CURRENT), 30.0 / 24, 1e-3);
	plant_act(plant, ACTUATOR_PSU_VOLTAGE, 16.5, 6 * S);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_ILLUMINANCE, 8 * S), 161.1, 0.1);
	plant_act(plant, ACTUATOR_PSU_OUTPUT, 0, 8 * S);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_ILLUMINANCE, 10 * S), 2, 0.01);
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

static void release_takes_energy_and_a_glitch_is_not_enough(void)
{
	PlantParams params;
	plant_params_init(&params);
	g_autoptr(Plant) plant = plant_new(&params, 0);
	plant_act(plant, ACTUATOR_RELEASE, 1, 1 * S);
	plant_act(plant, ACTUATOR_RELEASE, 0, 1 * S + 3 * MS);
	CU_ASSERT_EQUAL(truth_at(plant, QUANTITY_MANNEQUIN_HELD, 3 * S), 1);
	plant_act(plant, ACTUATOR_RELEASE, 1, 3 * S);
	CU_ASSERT_EQUAL(truth_at(plant, QUANTITY_MANNEQUIN_HELD, 3 * S + 10 * MS), 1);
	CU_ASSERT_EQUAL(truth_at(plant, QUANTITY_MANNEQUIN_HELD, 3 * S + 20 * MS), 0);
	CU_ASSERT_TRUE(truth_at(plant, QUANTITY_MANNEQUIN_HEIGHT, 3 * S + 200 * MS) > 0.8);
	CU_ASSERT_TRUE(truth_at(plant, QUANTITY_MANNEQUIN_HEIGHT, 4 * S + 500 * MS) < 0.3);
	CU_ASSERT_TRUE(plant_truth(plant, QUANTITY_FLOOR_FORCE) > 50);
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

static void card_turns_in_a_fifth_of_a_second(void)
{
	PlantParams params;
	plant_params_init(&params);
	g_autoptr(Plant) plant = plant_new(&params, 0);
	plant_act(plant, ACTUATOR_CARD, 1, 0);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_CARD, 100 * MS), 0.5, 0.02);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_CARD, 210 * MS), 1, 1e-9);
	Scene scene;
	plant_scene(plant, &scene);
	CU_ASSERT_DOUBLE_EQUAL(scene.card_shown, 1, 1e-9);
	plant_act(plant, ACTUATOR_CARD, 0, 300 * MS);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_CARD, 510 * MS), 0, 1e-9);
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

/* 900 ppm * (1 - exp(-1)) + 2 after one time constant of 0.4 s, and decaying afterwards. */
static void puff_reaches_the_gas_sensor(void)
{
	PlantParams params;
	plant_params_init(&params);
	g_autoptr(Plant) plant = plant_new(&params, 0);
	plant_act(plant, ACTUATOR_PUFF, 1, 0);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_GAS, 400 * MS), 570.9, 0.1);
	plant_act(plant, ACTUATOR_PUFF, 0, 400 * MS);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_GAS, 800 * MS), 2 + 568.9 / M_E, 0.1);
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

static void add_pot(PlantParams *params, double noise_V)
{
	SensorParams pot = {.gain = 1.8, .offset = 0.25, .hi_V = 5, .noise_V = noise_V, .seed = 5};
	plant_params_add_sensor(params, "node-a.adc.0", QUANTITY_MANNEQUIN_HEIGHT, &pot);
	SensorParams cell = {.gain = 0.003,
			     .offset = 0.1,
			     .hi_V = 10,
			     .open_V = 0,
			     .counts_per_volt = 6553.5,
			     .counts_max = 65535,
			     .period_ns = 10 * MS,
			     .seed = 6,
			     .noise_V = noise_V};
	plant_params_add_sensor(params, "io.ain.2", QUANTITY_CHAIR_FORCE, &cell);
	plant_params_add_drive(params, "node-a.out.3", ACTUATOR_RELEASE, 1, 0, 1);
}

/* 431.4926 N * 0.003 + 0.1 = 1.394478 V * 6553.5 = 9138.7 counts */
static void terminals_show_volts_and_counts(void)
{
	PlantParams params;
	plant_params_init(&params);
	add_pot(&params, 0);
	g_autoptr(Plant) plant = plant_new(&params, 0);
	double volts = 0, counts = 0, height = 0;
	CU_ASSERT_TRUE(plant_read(plant, "node-a.adc.0", 50 * MS, &volts));
	CU_ASSERT_TRUE(plant_read(plant, "mannequin.height", 50 * MS, &height));
	CU_ASSERT_TRUE(plant_read(plant, "io.ain.2", 50 * MS, &counts));
	CU_ASSERT_DOUBLE_EQUAL(volts, 0.25 + 1.8 * height, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(counts, 9139, 10);
	CU_ASSERT_FALSE(plant_read(plant, "io.ain.7", 50 * MS, &counts));
	CU_ASSERT_FALSE(plant_write(plant, "node-a.out.9", 1, 50 * MS));
	CU_ASSERT_FALSE(plant_write(plant, "node-a.out.3", NAN, 50 * MS));
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

/* Read often or rarely, the world goes the same way. */
static void run_does_not_depend_on_who_reads(void)
{
	PlantParams params;
	plant_params_init(&params);
	add_pot(&params, 0.002);
	double value[2][3];
	for (int run = 0; run < 2; run++) {
		g_autoptr(Plant) plant = plant_new(&params, 0);
		plant_write(plant, "node-a.out.3", 1, 1 * S);
		plant_write(plant, "node-a.out.3", 0, 1 * S + 500 * MS);
		for (int64_t t = 1 * S + 500 * MS; run && t < 3 * S; t += 777777)
			plant_sense(plant, 0, t);
		value[run][0] = plant_sense(plant, 0, 3 * S);
		value[run][1] = plant_sense(plant, 1, 3 * S);
		value[run][2] = truth_at(plant, QUANTITY_FLOOR_FORCE, 3 * S);
	}
	CU_ASSERT_EQUAL(memcmp(value[0], value[1], sizeof value[0]), 0);
	plant_params_clear(&params);
}

static void broken_sensors_show_what_broken_sensors_show(void)
{
	PlantParams params;
	plant_params_init(&params);
	add_pot(&params, 0);
	g_autoptr(Plant) plant = plant_new(&params, 0);
	g_autoptr(GError) error = NULL;
	double before = plant_sense(plant, 0, 1 * S);
	UNIT_OK(plant_fault(plant, "mannequin.height", SENSOR_FAULT_STUCK, 1 * S, CLOCK_NEVER, NULL,
			    0, &error),
		error);
	plant_act(plant, ACTUATOR_RELEASE, 1, 1 * S);
	CU_ASSERT_EQUAL(plant_sense(plant, 0, 4 * S), before);
	UNIT_OK(plant_fault(plant, "node-a.adc.0", SENSOR_FAULT_NONE, 0, 0, NULL, 0, &error),
		error);
	double after = plant_sense(plant, 0, 4 * S);
	CU_ASSERT_TRUE(after < 0.25 + 1.8 * 0.3);
	UNIT_OK(plant_fault(plant, "node-a.adc.0", SENSOR_FAULT_OFFSET, 0, 5 * S, NULL, 0.5,
			    &error),
		error);
	CU_ASSERT_DOUBLE_EQUAL(plant_sense(plant, 0, 4 * S + 1), after + 0.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(plant_sense(plant, 0, 5 * S), after, 1e-9); /* over at its end */
	UNIT_OK(plant_fault(plant, "io.ain.2", SENSOR_FAULT_OPEN, 0, CLOCK_NEVER, NULL, 0, &error),
		error);
	CU_ASSERT_EQUAL(plant_sense(plant, 1, 6 * S), 0);
	UNIT_OK(plant_fault(plant, "io.ain.2", SENSOR_FAULT_SATURATED, 0, CLOCK_NEVER, NULL, 0,
			    &error),
		error);
	CU_ASSERT_EQUAL(plant_sense(plant, 1, 7 * S), 65535);
	UNIT_OK(plant_fault(plant, "io.ain.2", SENSOR_FAULT_SWAPPED, 0, CLOCK_NEVER, "node-a.adc.0",
			    0, &error),
		error);
	CU_ASSERT_DOUBLE_EQUAL(plant_sense(plant, 1, 8 * S), after * 6553.5, 1);
	CU_ASSERT_FALSE(
		plant_fault(plant, "nothing", SENSOR_FAULT_OPEN, 0, CLOCK_NEVER, NULL, 0, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

/* A rail of 640 mm; 0.05 mm a step. Its drive needs power, counts rising edges only and loses steps at the ends. */
static void a_rail_is_moved_by_edges_of_a_powered_drive(void)
{
	PlantParams params;
	plant_params_init(&params);
	params.rail = (RailParams){.fitted = true,
				   .step_m = 0.00005,
				   .from = {-0.43, 1.75, 1.06},
				   .to = {-1.07, 1.75, 1.06},
				   .start_m = 0.03,
				   .switch_m = 0.02,
				   .hand_C = 33};
	params.pan_initial.temperature_C = 200;
	g_autoptr(Plant) plant = plant_new(&params, 0);
	int64_t t = 0;
#define STEPS(n)                                                     \
	for (int i = 0; i < (n); i++) {                              \
		plant_act(plant, ACTUATOR_RAIL_STEP, 1, t += 5000);  \
		plant_act(plant, ACTUATOR_RAIL_STEP, 0, t += 45000); \
	}
	STEPS(100);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_RAIL_POSITION, t), 0.03, 1e-9);
	plant_act(plant, ACTUATOR_RAIL_POWER, 1, t);
	STEPS(199); /* the direction input is low: towards the switch */
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_RAIL_POSITION, t), 0.02005, 1e-9);
	CU_ASSERT_EQUAL(plant_truth(plant, QUANTITY_RAIL_SWITCH), 0);
	STEPS(2);
	CU_ASSERT_EQUAL(plant_truth(plant, QUANTITY_RAIL_SWITCH), 1);
	STEPS(1000); /* the end of the rail */
	CU_ASSERT_EQUAL(truth_at(plant, QUANTITY_RAIL_POSITION, t), 0);
	/* The pan's middle is 640 mm away. The hand's 90 mm and the spot's 30 mm: nothing is hidden at 120 mm, all at 60 mm, half
	 * between. */
	plant_act(plant, ACTUATOR_RAIL_DIR, 1, t);
	STEPS(10400);
	double pan = truth_at(plant, QUANTITY_PAN, t);
	CU_ASSERT_DOUBLE_EQUAL(plant_truth(plant, QUANTITY_PAN_SEEN), pan, 1e-6);
	STEPS(600);
	pan = truth_at(plant, QUANTITY_PAN, t);
	CU_ASSERT_DOUBLE_EQUAL(plant_truth(plant, QUANTITY_PAN_SEEN), (pan + 33) / 2, 0.01);
	STEPS(600);
	CU_ASSERT_DOUBLE_EQUAL(plant_truth(plant, QUANTITY_PAN_SEEN), 33, 1e-6);
	STEPS(2000);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_RAIL_POSITION, t), 0.64, 1e-9);
	CU_ASSERT_TRUE(plant_set(plant, "rail.jammed", 1));
	plant_act(plant, ACTUATOR_RAIL_DIR, 0, t);
	STEPS(100);
	CU_ASSERT_DOUBLE_EQUAL(truth_at(plant, QUANTITY_RAIL_POSITION, t), 0.64, 1e-9);
#undef STEPS
	Scene scene;
	plant_scene(plant, &scene);
	unsigned seen = 0;
	for (size_t i = 0; i < scene.n; i++)
		if (scene.bodies[i].part == SCENE_PART_RAIL) {
			seen++;
			CU_ASSERT_FALSE(scene.bodies[i].fixed);
			CU_ASSERT_TRUE(scene.bodies[i].pos[0] < -0.8 &&
				       scene.bodies[i].pos[2] == 1.06);
		}
	CU_ASSERT_EQUAL(seen, 2); /* hand and forearm */
	plant_free(g_steal_pointer(&plant));
	plant_params_clear(&params);
}

UNIT_MAIN("world.plant", UNIT(a_rail_is_moved_by_edges_of_a_powered_drive),
	  UNIT(pulse_width_is_power), UNIT(no_voltage_no_light),
	  UNIT(release_takes_energy_and_a_glitch_is_not_enough),
	  UNIT(card_turns_in_a_fifth_of_a_second), UNIT(puff_reaches_the_gas_sensor),
	  UNIT(terminals_show_volts_and_counts), UNIT(run_does_not_depend_on_who_reads),
	  UNIT(broken_sensors_show_what_broken_sensors_show))
