/* Axes: what the rig file says of a carriage, against what its node can do; and how long a move takes. */
#include "internal.h"

#include <math.h>
#include <string.h>

static const char *const directions[] = {"forwards", "backwards", NULL};

static const Shape text = {.type = SHAPE_TEXT};
static const Shape number = {.type = SHAPE_NUMBER, .lo = 1e-6, .hi = 1e9};
static const Shape direction = {.type = SHAPE_WORD, .words = directions};
static const Shape quantity = {.type = SHAPE_QUANTITY};
static const Shape range = {.type = SHAPE_LIST, .item = &quantity, .lo = 2, .hi = 2};
static const Shape input = {
	.type = SHAPE_TEXT, .pattern = "in\\.[0-9]+", .expected = "an input such as in.1"};

static const ShapeField axis_fields[] = {
	{"unit", &text, true, "of its position: mm, deg"},
	{"steps", &number, true, "steps of the drive in one unit"},
	{"direction", &direction, false,
	 "backwards: the position shrinks as the node's steps grow; default forwards"},
	{"origin", &quantity, false, "position at the node's step 0; default 0"},
	{"range", &range, true, "smallest and largest position; may only narrow the node's travel"},
	{"max_velocity", &quantity, true, "may only lower the node's own"},
	{"max_acceleration", &quantity, true, "may only lower the node's own"},
	{"home", &input, true, "the input that its limit switch is wired to"},
	{"park", &quantity, false,
	 "where it waits after homing; default the end of the range next to the switch"},
	{NULL, NULL, false, NULL},
};
const Shape rig_axis_shape = {.type = SHAPE_RECORD, .fields = axis_fields};

void rig_axis_free(RigAxis *axis)
{
	if (axis)
		g_free(axis->home);
	g_free(axis);
}

/* ---- the file --------------------------------------------------------------------------------------------- */

typedef struct {
	RigSpec *spec;
	const RigRole *role;
	const YamlDoc *doc;
	const YamlNode *node; /* `axis` */
	Diagnostics *diag;
} Reader;

static double read_in(const Reader *r, const YamlNode *node, const Unit *unit, double fallback)
{
	g_autoptr(GError) error = NULL;
	double value = fallback;
	if (node && !quantity_parse_as(yaml_text(node), unit, &value, &error))
		yaml_error(r->doc, node, r->diag, "%s", error->message);
	return value;
}

static double read_limit(const Reader *r, const char *key, const Unit *unit)
{
	const YamlNode *node = yaml_get(r->node, key);
	size_t before = diagnostics_errors(r->diag);
	double value = read_in(r, node, unit, 0);
	if (diagnostics_errors(r->diag) == before && !(value > 0))
		yaml_error(r->doc, node, r->diag, "larger than 0");
	return value;
}

/* With the symbol that people write: mm/s^2. */
static Unit per_second2(const Unit *unit)
{
	g_autofree char *symbol = g_strdup_printf("%s/s^2", unit->symbol);
	Unit per_second = unit_div(unit, &unit_second), written;
	return unit_parse(symbol, &written, NULL) ? written : unit_div(&per_second, &unit_second);
}

static RigAxis *read_axis(const Reader *r)
{
	RigAxis *a = g_new0(RigAxis, 1);
	g_autoptr(GError) error = NULL;
	const YamlNode *unit = yaml_get(r->node, "unit"), *bounds = yaml_get(r->node, "range");
	if (!unit_parse(yaml_text(unit), &a->unit, &error)) {
		yaml_error(r->doc, unit, r->diag, "%s", error->message);
		a->unit = unit_one;
		return a;
	}
	a->per_second = unit_div(&a->unit, &unit_second);
	a->per_second2 = per_second2(&a->unit);
	a->steps = shape_number(yaml_get(r->node, "steps"), 1);
	if (!g_strcmp0(yaml_get_text(r->node, "direction"), "backwards"))
		a->steps = -a->steps;
	a->origin = read_in(r, yaml_get(r->node, "origin"), &a->unit, 0);
	a->lo = read_in(r, yaml_item(bounds, 0), &a->unit, 0);
	a->hi = read_in(r, yaml_item(bounds, 1), &a->unit, 0);
	a->max_velocity = read_limit(r, "max_velocity", &a->per_second);
	a->max_acceleration = read_limit(r, "max_acceleration", &a->per_second2);
	a->home = g_strdup(yaml_get_text(r->node, "home"));
	a->park = read_in(r, yaml_get(r->node, "park"), &a->unit, NAN);
	return a;
}

double rig_axis_step(const RigAxis *axis, double position)
{
	return axis->steps * (position - axis->origin);
}

double rig_axis_position(const RigAxis *axis, double step)
{
	return step / axis->steps + axis->origin;
}

/* "axis.0" and one of its parts; NULL when the device has none. */
static const DevicePlantChannel *part(const Reader *r, const char *name)
{
	g_autofree char *channel = g_strdup_printf("%s.%s", r->role->channel, name);
	return rig_spec_channel(r->spec, r->role->device, channel);
}

static void check_ceiling(const Reader *r, const char *key, const char *name, double limit,
			  const RigAxis *a, const Unit *unit)
{
	const DevicePlantChannel *p = part(r, name);
	double steps = limit * fabs(a->steps);
	if (steps > p->channel.hi * (1 + 1e-9))
		yaml_error(r->doc, yaml_get(r->node, key), r->diag,
			   "above the node's own %g %s: at most %g %s", p->channel.hi,
			   p->channel.unit, p->channel.hi / fabs(a->steps), unit->symbol);
	else if (limit > 0 && steps < 1)
		yaml_error(r->doc, yaml_get(r->node, key), r->diag, "less than 1 %s",
			   p->channel.unit);
}

static void check_travel(const Reader *r, RigAxis *a, const DeviceChannel *c)
{
	const YamlNode *bounds = yaml_get(r->node, "range");
	double at_lo = rig_axis_step(a, a->lo), at_hi = rig_axis_step(a, a->hi);
	if (!(a->lo < a->hi)) {
		yaml_error(r->doc, bounds, r->diag, "write the smaller position first");
		return;
	}
	a->step_lo = (int32_t)ceil(MIN(at_lo, at_hi) - 1e-6);
	a->step_hi = (int32_t)floor(MAX(at_lo, at_hi) + 1e-6);
	if (a->step_lo < c->lo || a->step_hi > c->hi)
		yaml_error(r->doc, bounds, r->diag,
			   "step %d … %d, but the node's travel is %.0f … %.0f: %g … %g %s",
			   a->step_lo, a->step_hi, c->lo, c->hi,
			   rig_axis_position(a, a->steps > 0 ? c->lo : c->hi),
			   rig_axis_position(a, a->steps > 0 ? c->hi : c->lo), a->unit.symbol);
	if (isnan(a->park))
		a->park = a->steps > 0 ? a->lo : a->hi; /* the switch is below */
	if (a->park < a->lo || a->park > a->hi)
		yaml_error(r->doc, yaml_get(r->node, "park"), r->diag, "outside the range");
}

static void check_home(const Reader *r, const RigAxis *a)
{
	const char *port = part(r, "home")->port, *terminal = strchr(port, '.');
	if (terminal && strcmp(terminal + 1, a->home) != 0)
		yaml_error(r->doc, yaml_get(r->node, "home"), r->diag,
			   "the firmware looks for the switch of %s at %s", r->role->channel,
			   terminal + 1);
}

RigAxis *rig_axis_read(RigSpec *spec, RigRole *role, const YamlDoc *doc, const YamlNode *node,
		       Diagnostics *diag)
{
	static const char *const no_use[] = {"max_on", "pulse", "drive", "initial"};
	const DeviceChannel *c = &rig_spec_channel(spec, role->device, role->channel)->channel;
	Reader r = {spec, role, doc, yaml_get(node, "axis"), diag};
	if (!r.node) {
		yaml_error(doc, node, diag,
			   "%s.%s is an axis: say `axis: {unit: mm, steps: …, range: […], "
			   "max_velocity: …, max_acceleration: …, home: …}`",
			   role->device, role->channel);
		return NULL;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(no_use); i++)
		if (yaml_get(node, no_use[i]))
			yaml_error(doc, yaml_get(node, no_use[i]), diag,
				   "`%s` is not for an axis: it is moved", no_use[i]);
	size_t before = diagnostics_errors(diag);
	RigAxis *a = read_axis(&r);
	if (diagnostics_errors(diag) != before)
		return a;
	check_travel(&r, a, c);
	check_ceiling(&r, "max_velocity", "velocity", a->max_velocity, a, &a->per_second);
	check_ceiling(&r, "max_acceleration", "acceleration", a->max_acceleration, a,
		      &a->per_second2);
	check_home(&r, a);
	return a;
}

/* ---- moving ------------------------------------------------------------------------------------------------ */

/* A node takes whole steps a second; what is a hair below one by conversion is meant to be it. */
static double whole(double steps)
{
	return MAX(floor(steps + 1e-6), 1);
}

static double step_to(const RigAxis *a, double position)
{
	return CLAMP(rint(rig_axis_step(a, position)), a->step_lo, a->step_hi);
}

/* docs/node.md: ramps of K slices, N of cruise, so K + N + K of them; v and a are one second's, a slice is a millisecond. A step falls
 * where the way crosses a half, so the last one comes when half a step is left of the ramp down: t²/2 of its deceleration. */
int64_t rig_axis_move_ns(const RigAxis *axis, double from, double to, double velocity,
			 double acceleration)
{
	double way = fabs(step_to(axis, to) - rint(rig_axis_step(axis, from)));
	double v = whole(velocity * fabs(axis->steps)), a = whole(acceleration * fabs(axis->steps));
	double ramp = ceil(v * 1000 / a), all = ceil(way * 1000 / v);
	if (way == 0)
		return 0;
	if (all <= ramp) { /* never so fast */
		double least = ceil(way * 1e6 / a);
		ramp = floor(sqrt(least));
		if (ramp * (ramp + 1) < least)
			ramp++;
		ramp = MAX(MAX(ramp, all - 1), 1);
		all = ramp + 1;
	}
	double deceleration = way / all / ramp; /* step/slice² */
	double early = MIN(sqrt(1 / deceleration), ramp);
	return (int64_t)((all + ramp - early) * (double)CLOCK_MS);
}

static RigBinding *axis_of(Rig *rig, int role)
{
	RigBinding *b = role >= 0 && (guint)role < rig->spec->roles->len
				? g_ptr_array_index(rig->bindings, role)
				: NULL;
	return b && b->role->axis ? b : NULL;
}

static int channel_of(const RigBinding *b, const char *name)
{
	char channel[48];
	g_snprintf(channel, sizeof channel, "%s.%s", b->role->channel, name);
	return device_channel(b->device->device, channel);
}

/* One after the other on the device's own ring: the node's driver takes them in this order. */
static bool send(RigBinding *b, int channel, double value, int64_t at_ns, uint32_t id)
{
	DeviceCommand command = {.id = id, .channel = channel, .value = value, .at_ns = at_ns};
	return channel >= 0 && device_command(b->device->device, &command);
}

static bool send_speed(RigBinding *b, double velocity, double acceleration, uint32_t id)
{
	double steps = fabs(b->role->axis->steps);
	return send(b, b->velocity, whole(velocity * steps), DEVICE_SOONEST, id | RIG_ID_OFF) &&
	       send(b, b->acceleration, whole(acceleration * steps), DEVICE_SOONEST,
		    id | RIG_ID_OFF);
}

bool rig_move(Rig *rig, int role, double to, double velocity, double acceleration, int64_t at_ns,
	      uint32_t id)
{
	RigBinding *b = axis_of(rig, role);
	if (!b || !isfinite(to) || !(velocity > 0) || !(acceleration > 0))
		return false;
	return send_speed(b, velocity, acceleration, id) &&
	       send(b, b->channel, step_to(b->role->axis, to), at_ns, id);
}

bool rig_home(Rig *rig, int role, uint32_t id)
{
	RigBinding *b = axis_of(rig, role);
	const RigAxis *a = b ? b->role->axis : NULL;
	return a && send_speed(b, a->max_velocity, a->max_acceleration, id) &&
	       send(b, b->home, 1, DEVICE_SOONEST, id);
}

/* ---- binding ----------------------------------------------------------------------------------------------- */

/* The node itself keeps the rig file's limits from here on. */
gboolean rig_axis_bind(RigBinding *b, GError **error)
{
	const RigAxis *a = b->role->axis;
	Device *device = b->device->device;
	double steps = fabs(a->steps);
	b->gain = a->steps;
	b->offset = -a->steps * a->origin;
	b->info.unit = a->unit;
	b->velocity = channel_of(b, "velocity");
	b->acceleration = channel_of(b, "acceleration");
	b->home = channel_of(b, "home");
	if (b->velocity < 0 || b->acceleration < 0 || b->home < 0 ||
	    !device_channel_at(device, b->channel)->timed) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "role %s: without its node %s.%s cannot be moved", b->role->name,
			    b->role->device, b->role->channel);
		return FALSE;
	}
	b->device->by_index[b->velocity] = b->device->by_index[b->acceleration] =
		b->device->by_index[b->home] = b;
	DeviceSetup v = {.hi = whole(a->max_velocity * steps)},
		    acc = {.hi = whole(a->max_acceleration * steps)};
	return device_setup(device, b->velocity, &v, error) &&
	       device_setup(device, b->acceleration, &acc, error);
}

char *rig_axis_text(const RigAxis *a)
{
	return g_strdup_printf("%g … %g %s at %g step/%s, at most %g %s and %g %s, switch at %s",
			       a->lo, a->hi, a->unit.symbol, a->steps, a->unit.symbol,
			       a->max_velocity, a->per_second.symbol, a->max_acceleration,
			       a->per_second2.symbol, a->home);
}
