#include "unit.h"

#include <anzen/world.h>

#include "world_file.h"

#define RAIL ANZEN_SOURCE_DIR "/rigs/worlds/kitchen-rail.yaml"
#define LIVING_ROOM ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml"

static WorldFile *load(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	WorldFile *file = world_file_load(LIVING_ROOM, 0, diag);
	diagnostics_print(diag, stderr);
	return file;
}

static void living_room_is_wired_as_it_says(void)
{
	g_autoptr(WorldFile) file = load();
	CU_ASSERT_PTR_NOT_NULL(file);
	if (!file)
		return;
	CU_ASSERT_EQUAL(file->devices->len, 5);
	CU_ASSERT_EQUAL(file->plant.seed, 20260901);
	CU_ASSERT_EQUAL(file->plant.step_ns, 2000000);
	const WorldDevice *io = world_file_device(file, "io");
	CU_ASSERT_PTR_NOT_NULL(io);
	const WorldTerminal *force = &g_array_index(io->terminals, WorldTerminal, 2);
	CU_ASSERT_STRING_EQUAL(force->channel, "io.ain.2");
	CU_ASSERT_EQUAL(force->table, WORLD_TABLE_INPUT);
	CU_ASSERT_EQUAL(force->address, 2);
	const PlantSensor *gas = &g_array_index(file->plant.sensors, PlantSensor, 7);
	CU_ASSERT_STRING_EQUAL(gas->channel, "io.ain.5");
	CU_ASSERT_DOUBLE_EQUAL(gas->params.gain, 0.004, 1e-12); /* volts per ppm, not per 1 */
	CU_ASSERT_DOUBLE_EQUAL(gas->params.counts_per_volt, 6553.5, 0);
	const WorldDevice *supply = world_file_device(file, "supply");
	CU_ASSERT_EQUAL(supply->vendor, 0x1ab1);
	CU_ASSERT_EQUAL(supply->product, 0x0e11);
	CU_ASSERT_PTR_NULL(world_file_device(file, "nobody"));
}

/* A file with one line changed must be refused, naming that line. */
static void refused_in(const char *file_name, const char *from, const char *to,
		       const char *expected)
{
	g_autofree char *text = NULL;
	g_file_get_contents(file_name, &text, NULL, NULL);
	g_auto(GStrv) parts = g_strsplit(text, from, 2);
	CU_ASSERT_EQUAL(g_strv_length(parts), 2);
	if (g_strv_length(parts) != 2)
		return;
	g_autofree char *wrong = g_strconcat(parts[0], to, parts[1], NULL);
	unsigned line = 1;
	for (const char *c = parts[0]; *c; c++)
		line += *c == '\n';
	g_autoptr(Diagnostics) diag = diagnostics_new();
	WorldFile *file = world_file_parse(wrong, "w.yaml", 0, diag);
	CU_ASSERT_PTR_NULL(file);
	world_file_free(file);
	bool found = false;
	for (size_t i = 0; i < diagnostics_count(diag); i++) {
		const Diagnostic *d = diagnostics_get(diag, i);
		found |= d->line >= line && d->line <= line + 1 && strstr(d->message, expected);
	}
	CU_ASSERT_TRUE(found);
	if (!found)
		diagnostics_print(diag, stderr);
}

static void refused(const char *from, const char *to, const char *expected)
{
	refused_in(LIVING_ROOM, from, to, expected);
}

/* 640 mm from -0.45 m to -1.09 m. */
static void a_rail_that_cannot_be_is_refused(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(WorldFile) file = world_file_load(RAIL, 0, diag);
	CU_ASSERT_PTR_NOT_NULL(file);
	CU_ASSERT_TRUE(file && file->plant.rail.fitted);
	CU_ASSERT_DOUBLE_EQUAL(file ? rail_length(&file->plant.rail) : 0, 0.64, 1e-9);
	refused_in(RAIL, "rail: {step: 0.04995 mm,", "rail: {step: 0 mm,", "step is above 0 m");
	refused_in(RAIL, "start: 48 mm", "start: 641 mm", "which is 0.64 m long");
	refused_in(RAIL, "switch: 20 mm", "switch: 650 mm", "start and switch lie on the rail");
	refused_in(RAIL, "to: [-1.09 m, 1.75 m, 1.06 m]", "to: [-1.09 m, 1.75 m, 1.07 m]",
		   "a level rail");
	refused_in(RAIL, "rail: {step: 0.04995 mm,", "rail: {step: 0.05 K,", "length");
}

static void wrong_files_are_refused_by_line(void)
{
	refused("step: 2 ms", "step: 20 ms", "range");
	refused("humidity: 45 %", "humidity: 45 V", "");
	refused("quantity: floor.force", "quantity: floor.weight", "floor.weight");
	refused("gain: 1.802 V/m", "gain: 1.802 V/N", "volts per m");
	refused("actuator: stove.heater", "actuator: stove.heeter", "stove.heeter");
	refused("coil: 0, ", "", "coil");
	refused("input: 1, ", "", "input");
	refused("cut_off: 9 V", "cut_off: 24 V", "cut_off");
	refused("usb: \"1ab1:0e11\"", "usb: \"1AB1-0e11\"", "USB");
	refused("kind: camera", "kind: kamera", "kamera");
	refused("range: [0 V, 5 V], open: 5 V}\n      adc.1",
		"range: [5 V, 0 V], open: 5 V}\n      adc.1", "lower");
}

static void seed_from_the_command_line_wins(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(WorldFile) file = world_file_load(LIVING_ROOM, 7, diag);
	CU_ASSERT_TRUE(file && file->plant.seed == 7);
}

static void missing_file_is_an_input_error(void)
{
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(world_plant_port_new("/nonexistent/world.yaml", 0, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
}

/* A lock-step fall through the wires: 0.251 V + 1.802 V/m * height on the node's ADC. */
static void port_lets_the_mannequin_fall(void)
{
	g_autoptr(GError) error = NULL;
	PlantPort *port = world_plant_port_new(LIVING_ROOM, 0, &error);
	UNIT_OK(port, error);
	if (!port)
		return;
	double volts = 0, height = 0, force = 0;
	port->step_to(port, 1 * CLOCK_S);
	CU_ASSERT_TRUE(port->read(port, "node-a.adc.0", &volts));
	CU_ASSERT_TRUE(port->read(port, "mannequin.height", &height));
	CU_ASSERT_DOUBLE_EQUAL(volts, 0.251 + 1.802 * height, 5 * 0.0012);
	CU_ASSERT_TRUE(port->read(port, "io.ain.2", &force));
	CU_ASSERT_DOUBLE_EQUAL(force / 6553.5, 0.2015, 5 * 0.002); /* nobody there: the offset */
	CU_ASSERT_TRUE(port->write(port, "node-a.out.3", 1));
	port->step_to(port, 1200 * CLOCK_MS);
	CU_ASSERT_TRUE(port->write(port, "node-a.out.3", 0));
	port->step_to(port, 3 * CLOCK_S);
	CU_ASSERT_TRUE(port->read(port, "mannequin.height", &height));
	CU_ASSERT_TRUE(height < 0.3);
	CU_ASSERT_TRUE(port->read(port, "io.ain.2", &force));
	CU_ASSERT_TRUE((force / 6553.5 - 0.2015) / 0.003004 > 150); /* newton */
	CU_ASSERT_FALSE(port->read(port, "io.ain.99", &force));
	CU_ASSERT_FALSE(port->write(port, "mannequin.height", 1)); /* a truth is not an actuator */
	port->free(port);
}

static void port_powers_the_lamp(void)
{
	g_autoptr(GError) error = NULL;
	PlantPort *port = world_plant_port_new(LIVING_ROOM, 0, &error);
	UNIT_OK(port, error);
	if (!port)
		return;
	double lux = 0, volts = 0;
	port->write(port, "lamp.level", 500);
	port->write(port, "supply.voltage", 24);
	port->step_to(port, 1 * CLOCK_S);
	port->read(port, "room.illuminance", &lux);
	CU_ASSERT_DOUBLE_EQUAL(lux, 2, 1e-6);
	port->write(port, "supply.output", 1);
	port->step_to(port, 3 * CLOCK_S);
	port->read(port, "room.illuminance", &lux);
	CU_ASSERT_DOUBLE_EQUAL(lux, 2 + 225, 1);
	port->read(port, "supply.voltage", &volts);
	CU_ASSERT_DOUBLE_EQUAL(volts, 24.012 * 0.9998 + 0.002, 0.005);
	port->write(port, "supply.output", 0);
	port->step_to(port, 5 * CLOCK_S);
	port->read(port, "room.illuminance", &lux);
	CU_ASSERT_DOUBLE_EQUAL(lux, 2, 0.01);
	port->free(port);
}

static uint64_t picture(PlantPort *port, int64_t t_ns, double *ret_mean)
{
	Frame frame = {0};
	uint64_t hash = 14695981039346656037u;
	double sum = 0;
	port->step_to(port, t_ns);
	if (!port->render(port, "cam", &frame))
		return 0;
	for (size_t i = 0; i < frame.size; i++) {
		hash = (hash ^ frame.data[i]) * 1099511628211u;
		sum += frame.data[i];
	}
	CU_ASSERT_EQUAL(frame.size, 640 * 360);
	CU_ASSERT_EQUAL(frame.capture_ns, t_ns);
	*ret_mean = sum / (double)frame.size;
	return hash;
}

/* Sensor noise makes any two healthy pictures different; a frozen camera repeats one. */
static void port_camera_sees_freezes_and_goes_black(void)
{
	g_autoptr(GError) error = NULL;
	double dark = 0, lit = 0, black = 0, mean = 0;
	PlantPort *port = world_plant_port_new(LIVING_ROOM, 0, &error);
	UNIT_OK(port, error);
	if (!port)
		return;
	uint64_t first = picture(port, 100 * CLOCK_MS, &dark);
	port->write(port, "lamp.level", 1000);
	port->write(port, "supply.voltage", 24);
	port->write(port, "supply.output", 1);
	uint64_t second = picture(port, 2 * CLOCK_S, &lit);
	CU_ASSERT_TRUE(lit > 2 * dark);
	CU_ASSERT_NOT_EQUAL(first, second);
	g_autofree char *ok =
		world_plant_port_back_door(port, "{\"fault\":\"cam\",\"kind\":\"freeze\",\"at_ns\":"
						 "3000000000,\"until_ns\":4000000000}");
	CU_ASSERT_STRING_EQUAL(ok, "{\"ok\":true}");
	uint64_t before = picture(port, 2900 * CLOCK_MS, &mean);
	CU_ASSERT_NOT_EQUAL(before, second);
	CU_ASSERT_EQUAL(picture(port, 3100 * CLOCK_MS, &mean), before);
	CU_ASSERT_EQUAL(picture(port, 3900 * CLOCK_MS, &mean), before);
	CU_ASSERT_NOT_EQUAL(picture(port, 4 * CLOCK_S, &mean), before);
	g_autofree char *dim =
		world_plant_port_back_door(port, "{\"fault\":\"cam\",\"kind\":\"black\"}");
	picture(port, 5 * CLOCK_S, &black);
	CU_ASSERT_EQUAL(black, 16);
	g_autofree char *gone =
		world_plant_port_back_door(port, "{\"fault\":\"cam\",\"kind\":\"drop\"}");
	CU_ASSERT_EQUAL(picture(port, 6 * CLOCK_S, &mean), 0);
	g_autofree char *wrong =
		world_plant_port_back_door(port, "{\"fault\":\"cam\",\"kind\":\"hang\"}");
	CU_ASSERT_TRUE(g_str_has_prefix(wrong, "{\"error\""));
	port->free(port);
}

static void port_breaks_sensors_by_the_back_door(void)
{
	g_autoptr(GError) error = NULL;
	double volts = 0;
	PlantPort *port = world_plant_port_new(LIVING_ROOM, 0, &error);
	UNIT_OK(port, error);
	if (!port)
		return;
	g_autofree char *ok = world_plant_port_back_door(
		port, "{\"fault\":\"node-a.adc.0\",\"kind\":\"open\",\"at_ns\":1000000000}");
	CU_ASSERT_STRING_EQUAL(ok, "{\"ok\":true}");
	port->step_to(port, 999 * CLOCK_MS);
	port->read(port, "node-a.adc.0", &volts);
	CU_ASSERT_TRUE(volts < 2.2);
	port->step_to(port, 1000 * CLOCK_MS);
	port->read(port, "node-a.adc.0", &volts);
	CU_ASSERT_EQUAL(volts, 5);
	port->free(port);
}

UNIT_MAIN("world.file", UNIT(living_room_is_wired_as_it_says),
	  UNIT(wrong_files_are_refused_by_line), UNIT(a_rail_that_cannot_be_is_refused),
	  UNIT(seed_from_the_command_line_wins), UNIT(missing_file_is_an_input_error),
	  UNIT(port_lets_the_mannequin_fall), UNIT(port_powers_the_lamp),
	  UNIT(port_camera_sees_freezes_and_goes_black), UNIT(port_breaks_sensors_by_the_back_door))
