#include <anzen/world.h>

#include "world_file.h"

#define QUANTITY(name, u, low, high) \
	static const Shape name = {.type = SHAPE_QUANTITY, .unit = u, .lo = low, .hi = high}

QUANTITY(temperature, "degC", -40, 1000);
QUANTITY(percent, "%", 0, 100);
QUANTITY(light, "lx", 0, 100000);
QUANTITY(seconds, "s", 0, 3600);
QUANTITY(step, "s", 0.001, 0.005);
QUANTITY(volts, "V", -100, 100);
QUANTITY(amperes, "A", 0, 100);
QUANTITY(watts, "W", 0, 20000);
QUANTITY(capacity, "J/K", 1, 1e6);
QUANTITY(loss, "W/K", 0.01, 1e4);
QUANTITY(kilograms, "kg", 0, 300);
QUANTITY(metres, "m", -100, 100);
QUANTITY(degrees, "deg", -180, 180);
QUANTITY(gas, "ppm", 0, 1e6);
QUANTITY(kelvin, "K", -1000, 1000);
QUANTITY(drift, "ppm", -20000, 20000);
static const Shape any_quantity = {.type = SHAPE_QUANTITY};
static const Shape number = {.type = SHAPE_NUMBER};
static const Shape fraction = {.type = SHAPE_NUMBER, .lo = 0, .hi = 1};
static const Shape count = {.type = SHAPE_INTEGER, .lo = 0, .hi = 65535};
static const Shape seed = {.type = SHAPE_INTEGER, .lo = 1, .hi = 9007199254740991.0};
static const Shape text = {.type = SHAPE_TEXT};
static const Shape id = {.type = SHAPE_ID};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape usb_id = {.type = SHAPE_TEXT,
			     .pattern = "[0-9a-f]{4}:[0-9a-f]{4}",
			     .expected = "USB ids such as \"1ab1:0e11\""};
static const Shape kind_line = {.type = SHAPE_TEXT, .pattern = "world/1", .expected = "world/1"};
static const Shape point = {.type = SHAPE_LIST, .item = &metres, .lo = 3, .hi = 3};
static const Shape rectangle = {.type = SHAPE_LIST, .item = &metres, .lo = 4, .hi = 4};
static const Shape rectangles = {
	.type = SHAPE_LIST, .item = &rectangle, .lo = 2, .hi = BODY_PLATES_MAX};
static const Shape volt_range = {.type = SHAPE_LIST, .item = &volts, .lo = 2, .hi = 2};
static const Shape pixels = {.type = SHAPE_INTEGER, .lo = 16, .hi = 4096};
static const Shape picture = {.type = SHAPE_LIST, .item = &pixels, .lo = 2, .hi = 2};

static const char *const kinds[] = {"node", "modbus-rtu", "modbus-tcp", "usbtmc", "camera", NULL};
static const Shape device_kind = {.type = SHAPE_WORD, .words = kinds};

/* The words are the plant's own names; filled once, before the shape is first given out. */
static const char *quantity_words[QUANTITY_COUNT + 1], *actuator_words[ACTUATOR_COUNT + 1];
static const Shape quantity = {.type = SHAPE_WORD, .words = quantity_words};
static const Shape actuator = {.type = SHAPE_WORD, .words = actuator_words};

#define RECORD(name) static const Shape name = {.type = SHAPE_RECORD, .fields = name##_fields}

static const ShapeField room_fields[] = {
	{"temperature", &temperature, true, "of the air"},
	{"humidity", &percent, true, "relative"},
	{"ambient", &light, true, "light that comes from outside"},
	{NULL},
};
RECORD(room);

static const ShapeField lamp_fields[] = {
	{"illuminance", &light, true, "at the floor, lamp at full level and nominal voltage"},
	{"time_constant", &seconds, true, "of its brightness"},
	{"voltage", &volts, true, "nominal"},
	{"cut_off", &volts, true, "dark at and below this voltage"},
	{"exponent", &number, true, "brightness against voltage above the cut-off"},
	{"power", &watts, true, "at full level"},
	{"position", &point, false, "in the room"},
	{NULL},
};
RECORD(lamp);

static const ShapeField stove_fields[] = {
	{"power", &watts, true, "at full duty"},
	{"capacity", &capacity, true, "of the empty pan with its hot plate"},
	{"loss", &loss, true, "to the room"},
	{"pan", &temperature, true, "at the start"},
	{"water", &kilograms, true, "in the pan at the start"},
	{"position", &point, false, "of its base"},
	{NULL},
};
RECORD(stove);

static const ShapeField gas_record_fields[] = {
	{"background", &gas, true, "in clean air"},
	{"puff", &gas, true, "added at the sensor by the test puff"},
	{"heat", &kelvin, true, "added at the infra-red sensor by the test puff"},
	{"time_constant", &seconds, true, "of rise and decay"},
	{NULL},
};
RECORD(gas_record);

static const ShapeField mannequin_fields[] = {
	{"mass", &kilograms, true, "of the mannequin"},
	{"height", &metres, true, "standing"},
	{"lean", &degrees, true, "of the trunk to its left while held"},
	{"offset", &metres, true, "of the pelvis from the seat's middle to its left"},
	{"lift", &metres, false, "above the seat, for a drop test"},
	{"tone", &fraction, true, "of the limp joints"},
	{"posture", &fraction, true, "of the joints while held"},
	{"pull", &seconds, true, "full energy for this long opens the latch"},
	{NULL},
};
RECORD(mannequin);

static const ShapeField chair_fields[] = {
	{"mass", &kilograms, true, "of the chair"},
	{"seat", &metres, true, "height of the seat"},
	{"friction", &number, true, "between seat and mannequin"},
	{NULL},
};
RECORD(chair);

static const ShapeField rail_fields[] = {
	{"step", &metres, true, "true way of one step"},
	{"from", &point, true, "the hand's middle at the end with the switch"},
	{"to", &point, true, "at the other end, as high"},
	{"start", &metres, true, "from the first end, before anything moved it"},
	{"switch", &metres, true, "the end switch is closed up to here"},
	{"hand", &temperature, false, "what an infra-red sensor sees of the hand; default 34 degC"},
	{NULL},
};
RECORD(rail);

static const ShapeField card_fields[] = {
	{"travel", &seconds, true, "from away to shown"},
	{"position", &point, false, "of its centre"},
	{NULL},
};
RECORD(card);

static const ShapeField sense_fields[] = {
	{"quantity", &quantity, true, "what the sensor senses"},
	{"gain", &any_quantity, true, "true volts per unit of the quantity"},
	{"offset", &volts, true, "true volts at zero"},
	{"noise", &volts, false, "standard deviation"},
	{"lag", &seconds, false, "time constant of the sensor itself"},
	{"range", &volt_range, false, "where its output saturates"},
	{"open", &volts, false, "what is read with a broken wire"},
	{"input", &count, false, "Modbus input register"},
	{NULL},
};
RECORD(sense);
static const Shape senses = {.type = SHAPE_MAP, .item = &sense};

static const ShapeField drive_fields[] = {
	{"actuator", &actuator, true, "what it acts on"},
	{"scale", &number, false, "actuator value per unit written"},
	{"coil", &count, false, "Modbus coil"},
	{"holding", &count, false, "Modbus holding register"},
	{"limit", &count, false, "largest value the register accepts"},
	{NULL},
};
RECORD(drive);
static const Shape drives = {.type = SHAPE_MAP, .item = &drive};

static const ShapeField identity_fields[] = {
	{"at", &count, true, "first input register"},
	{"model", &count, true, "in the first register"},
	{"version", &count, true, "in the second"},
	{"serial", &count, true, "in the third; the fourth counts samples"},
	{NULL},
};
RECORD(identity);

static const ShapeField converter_fields[] = {
	{"per_volt", &number, true, "counts per volt"},
	{"counts", &count, true, "largest count"},
	{"period", &seconds, true, "between samples"},
	{NULL},
};
RECORD(converter);

static const ShapeField limits_fields[] = {
	{"voltage", &volts, true, "largest set value"},
	{"current", &amperes, true, "largest current"},
	{NULL},
};
RECORD(limits);

static const Shape unit_number = {.type = SHAPE_INTEGER, .lo = 1, .hi = 247};
static const Shape rate = {.type = SHAPE_INTEGER, .lo = 1, .hi = 240};

static const ShapeField device_fields[] = {
	{"kind", &device_kind, true, "how the bench meets it"},
	{"drives", &drives, false, "output terminals"},
	{"senses", &senses, false, "input terminals"},
	{"firmware", &text, false, "node: file name of the release ELF"},
	{"drift", &drift, false, "node: error of its resonator"},
	{"unit", &unit_number, false, "Modbus unit"},
	{"identity", &identity, false, "Modbus: who it says it is"},
	{"converter", &converter, false, "Modbus: of its analogue inputs"},
	{"usb", &usb_id, false, "USB vendor and product"},
	{"maker", &text, false, "as *IDN? says"},
	{"model", &text, false, "as *IDN? says"},
	{"serial", &text, false, "as *IDN? and the USB descriptor say"},
	{"version", &text, false, "as *IDN? says"},
	{"limits", &limits, false, "of the supply"},
	{"position", &point, false, "camera: where it stands"},
	{"target", &point, false, "camera: what it looks at"},
	{"view", &degrees, false, "camera: vertical field of view"},
	{"size", &picture, false, "camera: width and height in pixels"},
	{"rate", &rate, false, "camera: frames per second"},
	{"noise", &number, false, "camera: steps of 8-bit pixels at 300 lx"},
	{NULL},
};
RECORD(device);
static const Shape devices = {.type = SHAPE_MAP, .item = &device};

static const ShapeField world_fields[] = {
	{"anzen", &kind_line, true, "kind and version"},
	{"id", &id, true, "lower-case-dashed"},
	{"title", &title, false, "for people"},
	{"seed", &seed, true, "of all noise"},
	{"step", &step, true, "of the integration"},
	{"room", &room, true, "air and light"},
	{"lamp", &lamp, true, "the room's lamp"},
	{"stove", &stove, true, "stove and pan"},
	{"gas", &gas_record, true, "gas and heat puff"},
	{"mannequin", &mannequin, true, "who sits on the chair"},
	{"chair", &chair, true, "what it sits on"},
	{"rail", &rail, false, "a hand on a rail, moved by a node's axis"},
	{"card", &card, true, "the positive-control card"},
	{"plates", &rectangles, false, "force plates: under the chair, where the body lands"},
	{"devices", &devices, true, "far ends of the bench's links"},
	{NULL},
};
RECORD(world);

const Shape *world_file_shape(void)
{
	static gsize once;
	if (g_once_init_enter(&once)) {
		for (int i = 0; i < QUANTITY_COUNT; i++)
			quantity_words[i] = plant_quantities[i].name;
		for (int i = 0; i < ACTUATOR_COUNT; i++)
			actuator_words[i] = plant_actuators[i].name;
		g_once_init_leave(&once, 1);
	}
	return &world;
}
