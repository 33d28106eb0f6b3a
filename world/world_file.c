#include <anzen/world.h>

#include "world_file.h"

#include <math.h>
#include <string.h>

typedef struct Reader {
	const YamlDoc *doc;
	Diagnostics *diag;
	WorldFile *file;
} Reader;

static double get(const YamlNode *record, const char *key, const char *unit, double fallback)
{
	return shape_quantity(yaml_get(record, key), unit, fallback);
}

static void get_point(const YamlNode *record, const char *key, double ret[3])
{
	const YamlNode *point = yaml_get(record, key);
	for (size_t i = 0; point && i < 3; i++)
		ret[i] = shape_quantity(yaml_item(point, i), "m", 0);
}

/* ---- the room --------------------------------------------------------------------------------------------------- */

static void read_room(const YamlNode *root, PlantParams *p)
{
	const YamlNode *room = yaml_get(root, "room"), *gas = yaml_get(root, "gas");
	p->room_C = get(room, "temperature", "degC", 0);
	p->humidity = get(room, "humidity", "%", 0);
	p->ambient_lx = get(room, "ambient", "lx", 0);
	p->gas_background_ppm = get(gas, "background", "ppm", 0);
	p->puff_ppm = get(gas, "puff", "ppm", 0);
	p->puff_heat_K = get(gas, "heat", "K", 0);
	p->puff_tau_s = get(gas, "time_constant", "s", 0);
}

static void read_lamp(const YamlNode *lamp, PlantParams *p)
{
	p->lamp_lx = get(lamp, "illuminance", "lx", 0);
	p->lamp_tau_s = get(lamp, "time_constant", "s", 0);
	p->lamp_nominal_V = get(lamp, "voltage", "V", 0);
	p->lamp_cutoff_V = get(lamp, "cut_off", "V", 0);
	p->lamp_exponent = shape_number(yaml_get(lamp, "exponent"), 1);
	p->lamp_power_W = get(lamp, "power", "W", 0);
	get_point(lamp, "position", p->lamp_pos);
}

static void read_stove(const YamlNode *stove, PlantParams *p)
{
	p->pan.power_W = get(stove, "power", "W", 0);
	p->pan.capacity_J_K = get(stove, "capacity", "J/K", 0);
	p->pan.loss_W_K = get(stove, "loss", "W/K", 0);
	p->pan_initial.temperature_C = get(stove, "pan", "degC", 0);
	p->pan_initial.water_kg = get(stove, "water", "kg", 0);
	get_point(stove, "position", p->stove_pos);
}

static void read_rail(const Reader *r, const YamlNode *rail, RailParams *p)
{
	if (!rail)
		return;
	p->fitted = true;
	p->step_m = get(rail, "step", "m", 0);
	get_point(rail, "from", p->from);
	get_point(rail, "to", p->to);
	p->start_m = get(rail, "start", "m", 0);
	p->switch_m = get(rail, "switch", "m", 0);
	p->hand_C = get(rail, "hand", "degC", 34);
	double length = rail_length(p);
	if (length < 0.01 || p->from[2] != p->to[2])
		yaml_error(r->doc, yaml_get(rail, "to"), r->diag,
			   "expected a level rail of at least 10 mm");
	if (p->step_m <= 0 || p->start_m < 0 || p->start_m > length || p->switch_m <= 0 ||
	    p->switch_m >= length)
		yaml_error(
			r->doc, rail, r->diag,
			"step is above 0 m; start and switch lie on the rail, which is %g m long",
			length);
}

static void read_mannequin(const YamlNode *root, PlantParams *p)
{
	const YamlNode *m = yaml_get(root, "mannequin"), *chair = yaml_get(root, "chair");
	BodyParams *b = &p->body;
	b->mass_kg = get(m, "mass", "kg", 0);
	b->height_m = get(m, "height", "m", 0);
	b->lean_deg = get(m, "lean", "deg", 0);
	b->seat_offset_m = get(m, "offset", "m", 0);
	b->lift_m = get(m, "lift", "m", 0);
	b->tone = shape_number(yaml_get(m, "tone"), 0);
	b->posture = shape_number(yaml_get(m, "posture"), 0);
	p->pull_s = get(m, "pull", "s", 0);
	b->chair_mass_kg = get(chair, "mass", "kg", 0);
	b->seat_height_m = get(chair, "seat", "m", 0);
	b->seat_friction = shape_number(yaml_get(chair, "friction"), 0);
}

static void read_plates(const YamlNode *plates, BodyParams *b)
{
	if (!plates)
		return;
	b->plates = (int)yaml_size(plates);
	for (int i = 0; i < b->plates; i++) {
		const YamlNode *r = yaml_item(plates, (size_t)i);
		double v[4];
		for (size_t k = 0; k < 4; k++)
			v[k] = shape_quantity(yaml_item(r, k), "m", 0);
		b->plate[i] = (BodyPlate){v[0], v[1], v[2], v[3]};
	}
}

/* The shapes bound each number; this is what must hold between them, or the physics has no sense. */
static void check_room(const Reader *r, const YamlNode *root)
{
	const PlantParams *p = &r->file->plant;
	const YamlNode *lamp = yaml_get(root, "lamp"), *m = yaml_get(root, "mannequin");
	if (p->lamp_nominal_V <= p->lamp_cutoff_V)
		yaml_error(r->doc, yaml_get(lamp, "voltage"), r->diag, "must be above cut_off");
	if (p->body.mass_kg < 5 || p->body.height_m < 0.8 || p->body.height_m > 2.1)
		yaml_error(r->doc, m, r->diag,
			   "expected a mannequin of at least 5 kg and 0.8 m to 2.1 m");
	if (p->body.seat_height_m < 0.2 || p->body.seat_height_m > 1 || p->body.chair_mass_kg < 1)
		yaml_error(r->doc, yaml_get(root, "chair"), r->diag,
			   "expected a chair of at least 1 kg with its seat at 0.2 m to 1 m");
	if (p->pull_s <= 0 || p->card_travel_s <= 0)
		yaml_error(r->doc, root, r->diag,
			   "mannequin.pull and card.travel must be above 0 s");
	for (int i = 0; i < p->body.plates; i++)
		if (p->body.plate[i].x1 <= p->body.plate[i].x0 ||
		    p->body.plate[i].y1 <= p->body.plate[i].y0)
			yaml_error(r->doc, yaml_item(yaml_get(root, "plates"), (size_t)i), r->diag,
				   "expected x from, x to, y from, y to with `to` above `from`");
}

/* ---- devices ------------------------------------------------------------------------------------------------------ */

static int word_index(const PlantName *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!g_strcmp0(names[i].name, name))
			return i;
	return -1;
}

/* Volts per unit of the quantity, in the unit the plant uses for it (kelvin for temperatures). */
static double read_gain(const Reader *r, const YamlNode *node, PlantQuantity q)
{
	const char *per = plant_quantities[q].unit;
	Unit volt, of;
	double gain = 0;
	g_autoptr(GError) error = NULL;
	unit_parse("V", &volt, NULL);
	unit_parse(!strcmp(per, "degC") ? "K" : per, &of, NULL);
	Unit want = unit_div(&volt, &of);
	if (!quantity_parse_as(yaml_text(node), &want, &gain, &error))
		yaml_error(r->doc, node, r->diag, "expected volts per %s: %s", of.symbol,
			   error->message);
	return gain;
}

static uint64_t channel_seed(uint64_t seed, const char *channel)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (const char *c = channel; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 1099511628211u;
	return hash ^ seed * 0x9e3779b97f4a7c15u;
}

static void read_converter(const YamlNode *converter, SensorParams *s)
{
	if (!converter)
		return;
	s->counts_per_volt = shape_number(yaml_get(converter, "per_volt"), 0);
	s->counts_max = shape_number(yaml_get(converter, "counts"), 0);
	s->period_ns = shape_ns(yaml_get(converter, "period"), 0);
}

static WorldTerminal new_terminal(const WorldDevice *device, const char *name, bool drives)
{
	return (WorldTerminal){.name = g_strdup(name),
			       .channel = g_strconcat(device->name, ".", name, NULL),
			       .drives = drives,
			       .address = -1};
}

static void read_sense(Reader *r, WorldDevice *device, const YamlNode *record, const char *name,
		       const YamlNode *sense)
{
	PlantParams *plant = &r->file->plant;
	PlantQuantity q = (PlantQuantity)word_index(plant_quantities, QUANTITY_COUNT,
						    yaml_get_text(sense, "quantity"));
	const YamlNode *range = yaml_get(sense, "range"), *input = yaml_get(sense, "input");
	WorldTerminal t = new_terminal(device, name, false);
	SensorParams s = {
		.gain = read_gain(r, yaml_get(sense, "gain"), q),
		.offset = get(sense, "offset", "V", 0),
		.noise_V = get(sense, "noise", "V", 0),
		.lag_s = get(sense, "lag", "s", 0),
		.lo_V = range ? shape_quantity(yaml_item(range, 0), "V", 0) : -1e9,
		.hi_V = range ? shape_quantity(yaml_item(range, 1), "V", 0) : 1e9,
		.open_V = get(sense, "open", "V", 0),
		.seed = channel_seed(plant->seed, t.channel),
	};
	read_converter(yaml_get(record, "converter"), &s);
	if (input) {
		t.table = WORLD_TABLE_INPUT;
		t.address = (int)shape_number(input, 0);
	}
	if ((input != NULL) !=
	    (device->kind == WORLD_MODBUS_RTU || device->kind == WORLD_MODBUS_TCP))
		yaml_error(r->doc, sense, r->diag,
			   "`input` (a register) belongs to Modbus units, and only to them");
	if (range && s.lo_V >= s.hi_V)
		yaml_error(r->doc, range, r->diag, "expected the lower voltage first");
	plant_params_add_sensor(plant, t.channel, q, &s);
	g_array_append_val(device->terminals, t);
}

static void read_drive(Reader *r, WorldDevice *device, const char *name, const YamlNode *drive)
{
	const YamlNode *coil = yaml_get(drive, "coil"), *holding = yaml_get(drive, "holding");
	bool modbus = device->kind == WORLD_MODBUS_RTU || device->kind == WORLD_MODBUS_TCP;
	Actuator a = (Actuator)word_index(plant_actuators, ACTUATOR_COUNT,
					  yaml_get_text(drive, "actuator"));
	double scale = shape_number(yaml_get(drive, "scale"), 1);
	double hi = a == ACTUATOR_PSU_VOLTAGE ? device->volts_max * 1.01 : 1;
	WorldTerminal t = new_terminal(device, name, true);
	if ((coil || holding) != modbus || (coil && holding))
		yaml_error(r->doc, drive, r->diag,
			   "a Modbus unit's drive needs `coil` or `holding`; other devices have "
			   "neither");
	if (scale == 0)
		yaml_error(r->doc, yaml_get(drive, "scale"), r->diag, "must not be 0");
	if (coil || holding) {
		t.table = coil ? WORLD_TABLE_COIL : WORLD_TABLE_HOLDING;
		t.address = (int)shape_number(coil ? coil : holding, 0);
		t.limit = (int)shape_number(yaml_get(drive, "limit"), 0);
	}
	plant_params_add_drive(&r->file->plant, t.channel, a, scale, 0, hi);
	g_array_append_val(device->terminals, t);
}

static void read_identity(const YamlNode *identity, WorldDevice *device)
{
	device->identity_at = (int)shape_number(yaml_get(identity, "at"), -1);
	device->identity[0] = (int)shape_number(yaml_get(identity, "model"), 0);
	device->identity[1] = (int)shape_number(yaml_get(identity, "version"), 0);
	device->identity[2] = (int)shape_number(yaml_get(identity, "serial"), 0);
}

static void read_instrument(const YamlNode *record, WorldDevice *device)
{
	const YamlNode *limits = yaml_get(record, "limits");
	const char *usb = yaml_get_text(record, "usb");
	if (usb) {
		device->vendor = (int)g_ascii_strtoull(usb, NULL, 16);
		device->product = (int)g_ascii_strtoull(usb + 5, NULL, 16);
	}
	device->maker = g_strdup(yaml_get_text(record, "maker"));
	device->model = g_strdup(yaml_get_text(record, "model"));
	device->serial = g_strdup(yaml_get_text(record, "serial"));
	device->version = g_strdup(yaml_get_text(record, "version"));
	device->volts_max = get(limits, "voltage", "V", 32);
	device->amperes_max = get(limits, "current", "A", 5);
}

static void read_camera(const YamlNode *record, uint64_t seed, WorldDevice *device)
{
	SceneCamera *c = &device->camera;
	const YamlNode *size = yaml_get(record, "size");
	g_strlcpy(c->name, device->name, sizeof c->name);
	get_point(record, "position", c->pos);
	get_point(record, "target", c->target);
	c->fov_deg = get(record, "view", "deg", 50);
	c->width = (int)shape_number(size ? yaml_item(size, 0) : NULL, 640);
	c->height = (int)shape_number(size ? yaml_item(size, 1) : NULL, 360);
	c->fps = (int)shape_number(yaml_get(record, "rate"), 30);
	c->noise = shape_number(yaml_get(record, "noise"), 0);
	c->seed = channel_seed(seed, device->name);
}

/* What a kind cannot do without. */
static const struct {
	const char *kind;
	const char *keys[6];
} needs[] = {
	[WORLD_NODE] = {"node", {"firmware"}},
	[WORLD_MODBUS_RTU] = {"modbus-rtu", {"unit"}},
	[WORLD_MODBUS_TCP] = {"modbus-tcp", {"unit"}},
	[WORLD_USBTMC] = {"usbtmc", {"usb", "maker", "model", "serial", "version"}},
	[WORLD_CAMERA] = {"camera", {"position", "target"}},
};

static WorldKind read_kind(const Reader *r, const YamlNode *record)
{
	WorldKind kind = WORLD_NODE;
	for (size_t i = 0; i < G_N_ELEMENTS(needs); i++)
		if (!g_strcmp0(needs[i].kind, yaml_get_text(record, "kind")))
			kind = (WorldKind)i;
	for (size_t i = 0; i < G_N_ELEMENTS(needs[kind].keys) && needs[kind].keys[i]; i++)
		if (!yaml_get(record, needs[kind].keys[i]))
			yaml_error(r->doc, record, r->diag, "a device of kind %s needs `%s`",
				   needs[kind].kind, needs[kind].keys[i]);
	return kind;
}

static void clear_terminal(gpointer data)
{
	WorldTerminal *t = data;
	g_free(t->name);
	g_free(t->channel);
}

static void read_device(Reader *r, const char *name, const YamlNode *record)
{
	WorldDevice *d = g_new0(WorldDevice, 1);
	g_ptr_array_add(r->file->devices, d);
	d->name = g_strdup(name);
	d->kind = read_kind(r, record);
	d->terminals = g_array_new(FALSE, TRUE, sizeof(WorldTerminal));
	g_array_set_clear_func(d->terminals, clear_terminal);
	d->unit = (int)shape_number(yaml_get(record, "unit"), 0);
	d->period_ns = MAX(CLOCK_MS, shape_ns(yaml_get(yaml_get(record, "converter"), "period"),
					      10 * CLOCK_MS));
	d->firmware = g_strdup(yaml_get_text(record, "firmware"));
	d->drift_ppm = get(record, "drift", "ppm", 0);
	read_identity(yaml_get(record, "identity"), d);
	read_instrument(record, d);
	read_camera(record, r->file->plant.seed, d);
	const YamlNode *senses = yaml_get(record, "senses"), *drives = yaml_get(record, "drives");
	for (size_t i = 0; senses && i < yaml_size(senses); i++)
		read_sense(r, d, record, yaml_text(yaml_key_at(senses, i)),
			   yaml_value_at(senses, i));
	for (size_t i = 0; drives && i < yaml_size(drives); i++)
		read_drive(r, d, yaml_text(yaml_key_at(drives, i)), yaml_value_at(drives, i));
}

/* ---- the file ------------------------------------------------------------------------------------------------------- */

static WorldFile *read_world(const YamlDoc *doc, uint64_t seed, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(doc);
	if (!shape_check(world_file_shape(), doc, root, diag))
		return NULL;
	g_autoptr(WorldFile) file = g_new0(WorldFile, 1);
	Reader reader = {doc, diag, file};
	PlantParams *p = &file->plant;
	size_t errors = diagnostics_errors(diag);
	plant_params_init(p);
	file->id = g_strdup(yaml_get_text(root, "id"));
	file->devices = g_ptr_array_new();
	p->seed = seed ? seed : (uint64_t)shape_number(yaml_get(root, "seed"), 1);
	p->step_ns = shape_ns(yaml_get(root, "step"), p->step_ns);
	read_room(root, p);
	read_lamp(yaml_get(root, "lamp"), p);
	read_stove(yaml_get(root, "stove"), p);
	read_mannequin(root, p);
	read_rail(&reader, yaml_get(root, "rail"), &p->rail);
	read_plates(yaml_get(root, "plates"), &p->body);
	p->card_travel_s = get(yaml_get(root, "card"), "travel", "s", 0.2);
	get_point(yaml_get(root, "card"), "position", p->card_pos);
	check_room(&reader, root);
	const YamlNode *devices = yaml_get(root, "devices");
	for (size_t i = 0; i < yaml_size(devices); i++)
		read_device(&reader, yaml_text(yaml_key_at(devices, i)), yaml_value_at(devices, i));
	return diagnostics_errors(diag) > errors ? NULL : g_steal_pointer(&file);
}

bool world_file_check(const YamlDoc *doc, Diagnostics *diag)
{
	g_autoptr(WorldFile) file = read_world(doc, 0, diag);
	return file != NULL;
}

WorldFile *world_file_load(const char *path, uint64_t seed, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_world(doc, seed, diag) : NULL;
}

WorldFile *world_file_parse(const char *text, const char *name, uint64_t seed, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(text, -1, name, diag);
	return doc ? read_world(doc, seed, diag) : NULL;
}

static void free_device(WorldDevice *d)
{
	g_array_unref(d->terminals);
	g_free(d->name);
	g_free(d->firmware);
	g_free(d->maker);
	g_free(d->model);
	g_free(d->serial);
	g_free(d->version);
	g_free(d);
}

void world_file_free(WorldFile *file)
{
	if (!file)
		return;
	for (guint i = 0; i < file->devices->len; i++)
		free_device(g_ptr_array_index(file->devices, i));
	g_ptr_array_unref(file->devices);
	plant_params_clear(&file->plant);
	g_free(file->id);
	g_free(file);
}

const WorldDevice *world_file_device(const WorldFile *file, const char *name)
{
	for (guint i = 0; i < file->devices->len; i++) {
		const WorldDevice *d = g_ptr_array_index(file->devices, i);
		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}
