/* rig/1: read and checked as far as files can tell, the maps of its devices included. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define NAME "[a-z][a-z0-9-]*"
#define ROLE NAME "(\\.[a-z0-9-]+)*"

static const char *const drivers[] = {"node", "modbus", "scpi", "camera", NULL};
static const char *const affected[] = {"product", NULL};

static const Shape text = {.type = SHAPE_TEXT};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape id = {.type = SHAPE_ID};
static const Shape boolean = {.type = SHAPE_BOOLEAN};
static const Shape number = {.type = SHAPE_NUMBER};
static const Shape driver = {.type = SHAPE_WORD, .words = drivers};
static const Shape path = {.type = SHAPE_TEXT,
			   .pattern = "[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*",
			   .expected = "a relative path inside the rig's folder"};
static const Shape unit_number = {.type = SHAPE_INTEGER, .lo = 1, .hi = 247};
static const Shape format = {.type = SHAPE_TEXT,
			     .pattern = "[0-9]{2,5}x[0-9]{2,5}@[0-9]{1,3}",
			     .expected = "640x360@30"};
static const Shape terminal = {
	.type = SHAPE_TEXT, .pattern = NAME "\\.[a-z][a-z0-9.-]*", .expected = "DEVICE.CHANNEL"};
static const Shape serial = {.type = SHAPE_TEXT, .pattern = "[A-Za-z0-9][A-Za-z0-9_.-]*"};
static const Shape short_time = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0.001, .hi = 3600};
static const Shape asymmetry = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 1e-7, .hi = 0.1};
static const Shape proof_time = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 3600, .hi = 3.2e7};
static const Shape frequency = {.type = SHAPE_QUANTITY, .unit = "Hz", .lo = 1e-3, .hi = 1e6};
static const Shape any_quantity = {.type = SHAPE_QUANTITY};
static const Shape oversample = {.type = SHAPE_INTEGER, .lo = 1, .hi = 16};
static const Shape who = {.type = SHAPE_WORD, .words = affected};

static const ShapeField world_fields[] = {
	{"file", &path, true, "world/1 file, relative to the rig's folder"},
	{NULL, NULL, false, NULL},
};
static const Shape world = {.type = SHAPE_RECORD, .fields = world_fields};

static const ShapeField device_fields[] = {
	{"driver", &driver, true, "node, modbus, scpi or camera"},
	{"link", &text, true,
	 "where it is: serial:usb:VID:PID/SERIAL, rtu:, tcp:, usbtmc:, rtsp:, world:NAME"},
	{"unit", &unit_number, false, "modbus: unit number"},
	{"map", &path, false, "modbus: map/1 file"},
	{"instrument", &path, false, "scpi: instrument/1 file"},
	{"format", &format, false, "camera: size and rate"},
	{"asymmetry", &asymmetry, false,
	 "node: most by which the link's two ways differ in time, measured; default: not known"},
	{NULL, NULL, false, NULL},
};
static const Shape device = {.type = SHAPE_RECORD, .fields = device_fields};
static const Shape devices = {
	.type = SHAPE_MAP, .item = &device, .lo = 1, .hi = 64, .pattern = NAME};

static const ShapeField drive_fields[] = {
	{"unit", &text, true, "what scenarios say: lx"},
	{"gain", &number, true, "channel value = gain × value + offset"},
	{"offset", &number, false, "default 0"},
	{NULL, NULL, false, NULL},
};
static const Shape drive = {.type = SHAPE_RECORD, .fields = drive_fields};

static const ShapeField role_fields[] = {
	{"device", &id, true, "which device"},
	{"channel", &text, false, "which of its channels; a camera needs none"},
	{"sensor", &serial, false, "serial number of the calibrated sensor"},
	{"safe", &text, false, "what safe means here, for people"},
	{"max_on", &short_time, false, "longest time on; may only lower the device's own"},
	{"pulse", &short_time, false, "how long a trigger keeps it on; default half of max_on"},
	{"max_gap", &short_time, false,
	 "longest time between two samples that still shows everything"},
	{"sample", &short_time, false, "time between two samples; default the channel's own"},
	{"oversample", &oversample, false,
	 "node, adc.N: conversions averaged for a sample: 1, 4 or 16; default 1"},
	{"edges", &boolean, false,
	 "node, in.N: its edges are captured with their own times; default: looked at each 0.25 "
	 "ms"},
	{"bandwidth", &frequency, false, "of sensor and channel together"},
	{"max_slew", &any_quantity, false, "fastest change that the quantity can make, per second"},
	{"noise", &any_quantity, false, "standard deviation of one sample"},
	{"affected_by", &who, false, "the product's action can change it"},
	{"exogenous", &boolean, false, "independent of the product: may decide in a replay"},
	{"axis", &rig_axis_shape, false, "a carriage on a node's axis, which scenarios move"},
	{"drive", &drive, false, "for an output that scenarios set in a physical unit"},
	{"initial", &any_quantity, false,
	 "value when the rig starts, for what cannot hurt (a lamp's supply)"},
	{"latency_from", &terminal, false, "camera: the lamp that measures its latency"},
	{NULL, NULL, false, NULL},
};
static const Shape role = {.type = SHAPE_RECORD, .fields = role_fields};
static const Shape roles = {.type = SHAPE_MAP, .item = &role, .lo = 1, .hi = 256, .pattern = ROLE};

static const ShapeField interlock_fields[] = {
	{"estop", &terminal, true, "the e-stop loop's input"},
	{"trip", &terminal, true, "the trip line's input"},
	{"proof_test", &proof_time, true, "how old the e-stop's proof test may be"},
	{NULL, NULL, false, NULL},
};
static const Shape interlock = {.type = SHAPE_RECORD, .fields = interlock_fields};

static const ShapeField rig_fields[] = {
	{"id", &id, true, "name of this rig"},
	{"title", &title, false, "what it is"},
	{"world", &world, false, "a virtual rig's world; absent on a real bench"},
	{"virtual", &boolean, false,
	 "true: emulated devices behind real links; the evidence is virtual, as with `world`"},
	{"devices", &devices, true, "everything with a link"},
	{"roles", &roles, true, "the names that scenarios use"},
	{"interlock", &interlock, false, "required when an output can hurt"},
	{NULL, NULL, false, NULL},
};
static const Shape rig_shape_ = {.type = SHAPE_RECORD, .fields = rig_fields};

const Shape *rig_shape(void)
{
	return &rig_shape_;
}

char *rig_json_schema(void)
{
	return shape_json_schema(&rig_shape_, "rig/1", "Rig: devices, roles, interlock");
}

/* ---- memory ---- */

static void device_spec_free(void *data)
{
	RigDeviceSpec *d = data;
	g_free(d->name);
	g_free(d->driver);
	g_free(d->link);
	g_free(d->map);
	g_free(d->map_name);
	g_free(d->format);
	g_free(d);
}

static void role_free(void *data)
{
	RigRole *r = data;
	g_free(r->name);
	g_free(r->device);
	g_free(r->channel);
	g_free(r->sensor);
	g_free(r->safe);
	g_free(r->latency_from);
	rig_axis_free(r->axis);
	g_free(r);
}

void rig_spec_free(RigSpec *spec)
{
	if (!spec)
		return;
	g_free(spec->path);
	g_free(spec->folder);
	g_free(spec->id);
	g_free(spec->world);
	g_free(spec->estop);
	g_free(spec->trip);
	g_ptr_array_unref(spec->devices);
	g_ptr_array_unref(spec->roles);
	g_hash_table_unref(spec->channels);
	g_bytes_unref(spec->bytes);
	g_free(spec);
}

/* ---- devices ---- */

static char *beside(const RigSpec *spec, const char *relative)
{
	return relative ? g_build_filename(spec->folder, relative, NULL) : NULL;
}

/* Behind these no real device can be. (An emulated one may hide behind any other: `virtual` says so.) */
static bool only_emulated(const LinkUri *uri)
{
	return uri->scheme == LINK_PTY || uri->scheme == LINK_USBSOCK ||
	       uri->scheme == LINK_PLANT || (uri->path && g_str_has_prefix(uri->path, "/dev/pts/"));
}

static void check_device(const RigSpec *spec, const YamlDoc *doc, const YamlNode *node,
			 const RigDeviceSpec *d, Diagnostics *diag)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(LinkUri) uri = link_uri_parse(d->link, &error);
	if (!uri)
		yaml_error(doc, yaml_get(node, "link"), diag, "%s", error->message);
	else if (uri->scheme == LINK_WORLD && !spec->world)
		yaml_error(doc, yaml_get(node, "link"), diag,
			   "a link to world: needs the rig's `world: {file: …}`");
	else if (!rig_spec_virtual(spec) && only_emulated(uri))
		yaml_error(doc, yaml_get(node, "link"), diag,
			   "only an emulated device can be behind %s: say `virtual: true`",
			   d->link);
	if (!strcmp(d->driver, "modbus") && (!yaml_get(node, "map") || !yaml_get(node, "unit")))
		yaml_error(doc, node, diag, "a modbus device needs `map` and `unit`");
	if (!strcmp(d->driver, "scpi") && !yaml_get(node, "instrument"))
		yaml_error(doc, node, diag, "a scpi device needs `instrument`");
	if (strcmp(d->driver, "node") != 0 && yaml_get(node, "asymmetry"))
		yaml_error(doc, yaml_get(node, "asymmetry"), diag, "`asymmetry` is for nodes");
}

/* What its file says it has. A broken map is told with its own file and line. */
static void describe(RigSpec *spec, const YamlDoc *doc, const YamlNode *node,
		     const RigDeviceSpec *d, Diagnostics *diag)
{
	g_autoptr(GError) error = NULL;
	DeviceConfig config = {
		.name = d->name, .driver = d->driver, .map = d->map, .format = d->format};
	GArray *list = device_describe(&config, &error);
	if (list)
		g_hash_table_insert(spec->channels, g_strdup(d->name), list);
	else
		yaml_error(doc, node, diag, "%s", error->message);
}

static void read_devices(RigSpec *spec, const YamlDoc *doc, const YamlNode *root, Diagnostics *diag)
{
	const YamlNode *list = yaml_get(root, "devices");
	for (size_t i = 0; i < yaml_size(list); i++) {
		const YamlNode *node = yaml_value_at(list, i);
		size_t before = diagnostics_errors(diag);
		RigDeviceSpec *d = g_new0(RigDeviceSpec, 1);
		const char *map = yaml_get_text(node, "map");
		if (!map)
			map = yaml_get_text(node, "instrument");
		d->name = g_strdup(yaml_text(yaml_key_at(list, i)));
		d->driver = g_strdup(yaml_get_text(node, "driver"));
		d->link = g_strdup(yaml_get_text(node, "link"));
		d->map = beside(spec, map);
		d->map_name = g_strdup(map);
		d->format = g_strdup(yaml_get_text(node, "format"));
		d->unit = (int)shape_number(yaml_get(node, "unit"), 0);
		d->asymmetry_ns = shape_ns(yaml_get(node, "asymmetry"), 0);
		g_ptr_array_add(spec->devices, d);
		check_device(spec, doc, node, d, diag);
		if (diagnostics_errors(diag) == before)
			describe(spec, doc, node, d, diag);
	}
}

/* ---- roles ---- */

static const RigDeviceSpec *spec_device(const RigSpec *spec, const char *name)
{
	for (guint i = 0; i < spec->devices->len; i++) {
		const RigDeviceSpec *d = g_ptr_array_index(spec->devices, i);
		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}

const DevicePlantChannel *rig_spec_channel(const RigSpec *spec, const char *device_name,
					   const char *channel)
{
	const GArray *list = g_hash_table_lookup(spec->channels, device_name);
	for (guint i = 0; list && i < list->len; i++) {
		const DevicePlantChannel *p = &g_array_index(list, DevicePlantChannel, i);
		if (!strcmp(p->channel.name, channel))
			return p;
	}
	return NULL;
}

static void quantity_of(const YamlNode *node, double *ret_value, Unit *ret_unit)
{
	Quantity q;
	if (node && quantity_parse(yaml_text(node), &q, NULL)) {
		*ret_value = q.value;
		*ret_unit = q.unit;
	}
}

static void read_drive(RigRole *r, const YamlDoc *doc, const YamlNode *node, Diagnostics *diag)
{
	g_autoptr(GError) error = NULL;
	r->drive_gain = 1;
	r->drive_unit = unit_one;
	if (!node)
		return;
	r->driven = true;
	r->drive_gain = shape_number(yaml_get(node, "gain"), 1);
	r->drive_offset = shape_number(yaml_get(node, "offset"), 0);
	if (!unit_parse(yaml_get_text(node, "unit"), &r->drive_unit, &error))
		yaml_error(doc, yaml_get(node, "unit"), diag, "%s", error->message);
	if (r->drive_gain == 0)
		yaml_error(doc, yaml_get(node, "gain"), diag, "a gain of 0 drives nothing");
}

static RigRole *read_role(const char *name, const YamlDoc *doc, const YamlNode *node,
			  Diagnostics *diag)
{
	RigRole *r = g_new0(RigRole, 1);
	r->name = g_strdup(name);
	r->device = g_strdup(yaml_get_text(node, "device"));
	r->channel = g_strdup(yaml_get_text(node, "channel"));
	r->sensor = g_strdup(yaml_get_text(node, "sensor"));
	r->safe = g_strdup(yaml_get_text(node, "safe"));
	r->latency_from = g_strdup(yaml_get_text(node, "latency_from"));
	r->affected_by_product = yaml_get(node, "affected_by") != NULL;
	r->exogenous = shape_boolean(yaml_get(node, "exogenous"), false);
	r->max_on_ns = shape_ns(yaml_get(node, "max_on"), 0);
	r->pulse_ns = shape_ns(yaml_get(node, "pulse"), 0);
	r->max_gap_ns = shape_ns(yaml_get(node, "max_gap"), 0);
	r->sample_ns = shape_ns(yaml_get(node, "sample"), 0);
	r->oversample = (int)shape_number(yaml_get(node, "oversample"), 0);
	r->edges = shape_boolean(yaml_get(node, "edges"), false);
	r->bandwidth_hz = shape_quantity(yaml_get(node, "bandwidth"), "Hz", 0);
	r->slew_unit = r->noise_unit = r->initial_unit = unit_one;
	r->u_sample = r->initial = (double)NAN;
	quantity_of(yaml_get(node, "max_slew"), &r->max_slew, &r->slew_unit);
	quantity_of(yaml_get(node, "noise"), &r->u_sample, &r->noise_unit);
	quantity_of(yaml_get(node, "initial"), &r->initial, &r->initial_unit);
	read_drive(r, doc, yaml_get(node, "drive"), diag);
	return r;
}

static void check_sensor(const RigRole *r, const YamlDoc *doc, const YamlNode *node,
			 Diagnostics *diag)
{
	static const char *const outputs[] = {"max_on", "pulse", "drive", "initial", "safe"};
	for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++)
		if (yaml_get(node, outputs[i]))
			yaml_error(doc, yaml_get(node, outputs[i]), diag,
				   "`%s` is for outputs; %s.%s is measured", outputs[i], r->device,
				   r->channel);
	if (r->max_slew < 0 || r->u_sample < 0)
		yaml_error(doc, node, diag, "max_slew and noise are positive");
}

static void check_actuator(const RigRole *r, const DeviceChannel *c, const YamlDoc *doc,
			   const YamlNode *node, Diagnostics *diag)
{
	static const char *const inputs[] = {"sensor", "max_slew", "noise", "bandwidth", "max_gap"};
	for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++)
		if (yaml_get(node, inputs[i]))
			yaml_error(doc, yaml_get(node, inputs[i]), diag,
				   "`%s` is for sensors; %s.%s is driven", inputs[i], r->device,
				   r->channel);
	if (r->max_on_ns && !c->max_on_ns)
		yaml_error(doc, yaml_get(node, "max_on"), diag,
			   "%s.%s has no time limit of its own to lower", r->device, r->channel);
	if (r->max_on_ns > c->max_on_ns)
		yaml_error(doc, yaml_get(node, "max_on"), diag,
			   "above the device's own ceiling of %.0f ms", (double)c->max_on_ns / 1e6);
	if (r->pulse_ns && c->max_on_ns &&
	    r->pulse_ns > (r->max_on_ns ? r->max_on_ns : c->max_on_ns))
		yaml_error(doc, yaml_get(node, "pulse"), diag, "longer than max_on");
	if (!isnan(r->initial) && c->max_on_ns)
		yaml_error(doc, yaml_get(node, "initial"), diag,
			   "%s.%s can hurt: only a scenario may switch it on", r->device,
			   r->channel);
	if (!isnan(r->initial) && !unit_compatible(&r->initial_unit, &r->drive_unit) && r->driven)
		yaml_error(doc, yaml_get(node, "initial"), diag, "expected a value in %s",
			   r->drive_unit.symbol);
}

/* What only a node's inputs do. */
static void check_terminal_options(const RigDeviceSpec *d, const RigRole *r, const YamlDoc *doc,
				   const YamlNode *node, Diagnostics *diag)
{
	bool of_node = !strcmp(d->driver, "node");
	if (r->oversample && !(of_node && g_str_has_prefix(r->channel, "adc.")))
		yaml_error(doc, yaml_get(node, "oversample"), diag,
			   "`oversample` is for a node's adc.0 to adc.3");
	else if (r->oversample && r->oversample != 1 && r->oversample != 4 && r->oversample != 16)
		yaml_error(doc, yaml_get(node, "oversample"), diag, "expected 1, 4 or 16");
	if (r->edges && !(of_node && g_str_has_prefix(r->channel, "in.")))
		yaml_error(doc, yaml_get(node, "edges"), diag,
			   "`edges` is for a node's in.0 to in.3");
}

static void check_role(RigSpec *spec, RigRole *r, const YamlDoc *doc, const YamlNode *key,
		       const YamlNode *node, Diagnostics *diag)
{
	const RigDeviceSpec *d = spec_device(spec, r->device);
	if (!d) {
		yaml_error(doc, yaml_get(node, "device"), diag, "the rig has no device '%s'",
			   r->device);
		return;
	}
	if (!strcmp(d->driver, "camera") && !r->channel)
		r->channel = g_strdup("frame");
	if (!r->channel) {
		yaml_error(doc, node, diag, "key 'channel' is missing");
		return;
	}
	const DevicePlantChannel *p = rig_spec_channel(spec, r->device, r->channel);
	if (!p) {
		if (g_hash_table_contains(spec->channels,
					  r->device)) /* else its own error is told */
			yaml_error(doc, yaml_get(node, "channel"), diag,
				   "device %s has no channel '%s'", r->device, r->channel);
		return;
	}
	r->kind = p->channel.frames ? RIG_CAMERA : p->channel.writable ? RIG_ACTUATOR : RIG_SENSOR;
	bool axis = g_str_has_prefix(r->channel, "axis.") && !strcmp(d->driver, "node");
	if (axis && strcmp(p->channel.unit, "step") != 0)
		yaml_error(doc, yaml_get(node, "channel"), diag,
			   "%s is a part of an axis, which its moves set", r->channel);
	else if (axis)
		r->axis = rig_axis_read(spec, r, doc, node, diag);
	else if (yaml_get(node, "axis"))
		yaml_error(doc, yaml_get(node, "axis"), diag, "%s.%s is no axis", r->device,
			   r->channel);
	if (r->kind == RIG_ACTUATOR)
		check_actuator(r, &p->channel, doc, node, diag);
	else if (r->kind == RIG_SENSOR)
		check_sensor(r, doc, node, diag);
	check_terminal_options(d, r, doc, node, diag);
	if (r->latency_from && r->kind != RIG_CAMERA)
		yaml_error(doc, key, diag, "`latency_from` is for cameras");
	for (guint i = 0; i < spec->roles->len; i++) {
		const RigRole *other = g_ptr_array_index(spec->roles, i);
		if (!strcmp(other->device, r->device) && !g_strcmp0(other->channel, r->channel))
			yaml_error(doc, key, diag, "%s.%s already plays the role %s", r->device,
				   r->channel, other->name);
	}
}

static void read_roles(RigSpec *spec, const YamlDoc *doc, const YamlNode *root, Diagnostics *diag)
{
	const YamlNode *list = yaml_get(root, "roles");
	for (size_t i = 0; i < yaml_size(list); i++) {
		const YamlNode *key = yaml_key_at(list, i), *node = yaml_value_at(list, i);
		RigRole *r = read_role(yaml_text(key), doc, node, diag);
		check_role(spec, r, doc, key, node, diag);
		g_ptr_array_add(spec->roles, r);
	}
}

/* ---- interlock ---- */

static void check_terminal(const RigSpec *spec, const YamlDoc *doc, const YamlNode *node,
			   Diagnostics *diag)
{
	const char *dot = strchr(yaml_text(node), '.');
	g_autofree char *name = g_strndup(yaml_text(node), (size_t)(dot - yaml_text(node)));
	const RigDeviceSpec *d = spec_device(spec, name);
	if (!d)
		yaml_error(doc, node, diag, "the rig has no device '%s'", name);
	else if (strcmp(d->driver, "node") != 0)
		yaml_error(doc, node, diag,
			   "only a node's inputs act without the host; %s is no node", name);
	else if (strcmp(dot + 1, "estop") != 0 && strcmp(dot + 1, "trip") != 0)
		yaml_error(doc, node, diag, "expected %s.estop or %s.trip", name, name);
}

static void read_interlock(RigSpec *spec, const YamlDoc *doc, const YamlNode *root,
			   Diagnostics *diag)
{
	const YamlNode *node = yaml_get(root, "interlock");
	if (node) {
		spec->estop = g_strdup(yaml_get_text(node, "estop"));
		spec->trip = g_strdup(yaml_get_text(node, "trip"));
		spec->proof_ns = shape_ns(yaml_get(node, "proof_test"), 0);
		check_terminal(spec, doc, yaml_get(node, "estop"), diag);
		check_terminal(spec, doc, yaml_get(node, "trip"), diag);
		return;
	}
	for (guint i = 0; i < spec->roles->len; i++) {
		const RigRole *r = g_ptr_array_index(spec->roles, i);
		const DevicePlantChannel *p =
			r->channel ? rig_spec_channel(spec, r->device, r->channel) : NULL;
		if (p && p->channel.writable && (p->channel.max_on_ns || r->axis)) {
			yaml_error(doc, root, diag, "key 'interlock' is missing: role %s can hurt",
				   r->name);
			return;
		}
	}
}

/* ---- the whole ---- */

static RigSpec *read_document(const YamlDoc *doc, Diagnostics *diag)
{
	if (!yaml_expect_kind(doc, "rig/1", diag) ||
	    !shape_check(&rig_shape_, doc, yaml_root(doc), diag))
		return NULL;
	size_t before = diagnostics_errors(diag), length;
	const YamlNode *root = yaml_root(doc);
	g_autoptr(RigSpec) spec = g_new0(RigSpec, 1);
	spec->path = g_strdup(yaml_file(doc));
	spec->folder = g_path_get_dirname(spec->path);
	spec->id = g_strdup(yaml_get_text(root, "id"));
	spec->devices = g_ptr_array_new_with_free_func(device_spec_free);
	spec->roles = g_ptr_array_new_with_free_func(role_free);
	spec->channels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       (GDestroyNotify)g_array_unref);
	const char *bytes = yaml_bytes(doc, &length);
	spec->bytes = g_bytes_new(bytes, length);
	spec->world = beside(spec, yaml_get_text(yaml_get(root, "world"), "file"));
	if (spec->world && !g_file_test(spec->world, G_FILE_TEST_IS_REGULAR))
		yaml_error(doc, yaml_get(root, "world"), diag, "no such file: %s", spec->world);
	spec->emulated = shape_boolean(yaml_get(root, "virtual"), false);
	if (spec->world && yaml_get(root, "virtual") && !spec->emulated)
		yaml_error(doc, yaml_get(root, "virtual"), diag,
			   "a rig with a world is virtual: remove `virtual: false`");
	read_devices(spec, doc, root, diag);
	read_roles(spec, doc, root, diag);
	read_interlock(spec, doc, root, diag);
	return diagnostics_errors(diag) == before ? g_steal_pointer(&spec) : NULL;
}

RigSpec *rig_spec_load(const char *file, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(file, diag);
	return doc ? read_document(doc, diag) : NULL;
}

bool rig_check(const YamlDoc *doc, Diagnostics *diag)
{
	g_autoptr(RigSpec) spec = read_document(doc, diag);
	return spec != NULL;
}

const char *rig_spec_id(const RigSpec *spec)
{
	return spec->id;
}

const char *rig_spec_path(const RigSpec *spec)
{
	return spec->path;
}

const char *rig_spec_world(const RigSpec *spec)
{
	return spec->world;
}

bool rig_spec_virtual(const RigSpec *spec)
{
	return spec->world || spec->emulated;
}

const GPtrArray *rig_spec_devices(const RigSpec *spec)
{
	return spec->devices;
}

const GPtrArray *rig_spec_roles(const RigSpec *spec)
{
	return spec->roles;
}

const RigRole *rig_spec_role(const RigSpec *spec, const char *name)
{
	for (guint i = 0; i < spec->roles->len; i++) {
		const RigRole *r = g_ptr_array_index(spec->roles, i);
		if (!strcmp(r->name, name))
			return r;
	}
	return NULL;
}
