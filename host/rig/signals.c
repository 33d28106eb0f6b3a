/* What each role's signal is worth: unit, range and uncertainty from its certificate, limits from the rig file. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define HEALTH_GAP_NS (2 * CLOCK_S)

void rig_binding_free(void *data)
{
	RigBinding *b = data;
	if (!b)
		return;
	signal_info_clear(&b->info);
	g_free(b);
}

/* ---- certificates ---- */

/* Any certificate of that serial, the newest: an expired one still tells the unit. */
static const Certificate *newest_for(const CertificateStore *store, const char *serial)
{
	const GPtrArray *all = certificate_store_all(store);
	const Certificate *found = NULL;
	for (guint i = 0; i < all->len; i++) {
		const Certificate *c = g_ptr_array_index(all, i);
		if (!strcmp(c->serial, serial) && (!found || c->valid_from > found->valid_from))
			found = c;
	}
	return found;
}

static gboolean check_input(const RigRole *role, const DeviceChannel *c,
			    const Certificate *certificate, GError **error)
{
	if (!strcmp(certificate->input, c->unit))
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "role %s: certificate %s takes %s, but %s.%s gives %s: another channel, or "
		    "another sensor?",
		    role->name, certificate->id, certificate->input, role->device, role->channel,
		    c->unit);
	return FALSE;
}

static gboolean use_certificate(Rig *rig, RigBinding *b, const DeviceChannel *c, GError **error)
{
	const RigRole *role = b->role;
	CertificateState state = CERTIFICATE_GOOD;
	const Certificate *good =
		certificate_store_find(rig->store, role->sensor, rig->julian_day, &state);
	b->certificate = good ? good : newest_for(rig->store, role->sensor);
	b->info.serial = g_strdup(role->sensor);
	if (!good)
		b->info.certificate_fault = g_strdup_printf("calibration of %s is %s", role->sensor,
							    certificate_state_name(state));
	if (!b->certificate)
		return TRUE;
	if (!check_input(role, c, b->certificate, error))
		return FALSE;
	Uncertainty u = certificate_uncertainty(b->certificate);
	b->info.unit = b->certificate->unit;
	b->info.range_lo = b->certificate->range_lo;
	b->info.range_hi = b->certificate->range_hi;
	b->info.u_common = u.u;
	b->info.dof_common = u.dof;
	b->info.certificate = g_strdup_printf("%s, %s, valid %s", b->certificate->id,
					      certificate_kind_name(b->certificate->kind),
					      b->certificate->valid_text);
	return TRUE;
}

/* ---- what the rig file declares ---- */

static gboolean wrong_unit(const RigRole *role, const char *key, const Unit *have, const Unit *want,
			   GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "role %s: %s is in %s; expected a value in %s", role->name, key, have->symbol,
		    want->symbol);
	return FALSE;
}

static gboolean use_limits(RigBinding *b, GError **error)
{
	const RigRole *role = b->role;
	SignalInfo *info = &b->info;
	info->max_gap_ns = role->max_gap_ns;
	info->bandwidth_hz = role->bandwidth_hz;
	if (role->max_slew > 0) {
		Unit per_second = unit_div(&info->unit, &unit_second);
		if (!unit_compatible(&role->slew_unit, &per_second))
			return wrong_unit(role, "max_slew", &role->slew_unit, &per_second, error);
		info->max_slew =
			unit_convert_difference(role->max_slew, &role->slew_unit, &per_second);
	}
	if (!isnan(role->u_sample)) {
		if (!unit_compatible(&role->noise_unit, &info->unit))
			return wrong_unit(role, "noise", &role->noise_unit, &info->unit, error);
		info->u_sample =
			unit_convert_difference(role->u_sample, &role->noise_unit, &info->unit);
	}
	return TRUE;
}

/* The unit that a channel's values have as they are; counts and flags are plain numbers. */
static Unit channel_unit(const DeviceChannel *c)
{
	Unit unit;
	return unit_parse(c->unit, &unit, NULL) ? unit : unit_one;
}

static void use_boolean(SignalInfo *info)
{
	info->boolean = true;
	info->interp = SIGNAL_PREVIOUS;
	info->max_slew = INFINITY;
	info->unit = unit_one;
	info->u_common = info->u_sample = 0;
	info->dof_common = INFINITY;
}

static gboolean fill_sensor(Rig *rig, RigBinding *b, const DeviceChannel *c, GError **error)
{
	SignalInfo *info = &b->info;
	info->origin = ORIGIN_STIMULUS;
	info->affected_by_product = b->role->affected_by_product;
	info->exogenous = b->role->exogenous;
	info->u_clock_s = c->u_clock_s;
	info->unit = channel_unit(c);
	if (b->role->sensor && !use_certificate(rig, b, c, error))
		return FALSE;
	/* Without its certificate a channel gives plain counts, which the limits in the sensor's unit do not fit. */
	bool counts = b->role->sensor && !b->certificate;
	if (!counts && !use_limits(b, error))
		return FALSE;
	if (c->boolean)
		use_boolean(info);
	return TRUE;
}

static void fill_command(RigBinding *b, const DeviceChannel *c)
{
	SignalInfo *info = &b->info;
	b->command = true;
	b->gain = b->role->drive_gain;
	b->offset = b->role->drive_offset;
	info->origin = ORIGIN_COMMAND;
	info->affected_by_product = b->role->affected_by_product;
	info->u_clock_s = c->u_clock_s;
	info->unit = b->role->driven ? b->role->drive_unit : channel_unit(c);
	info->interp = SIGNAL_PREVIOUS;
	info->max_slew = INFINITY;
	if (c->boolean && !b->role->driven)
		use_boolean(info);
}

/* ---- bindings ---- */

static void bind_channel(RigDevice *d, RigBinding *b, const char *channel)
{
	g_hash_table_insert(d->by_channel, g_strdup(channel), b);
	d->by_index[b->channel] = b;
}

static gboolean sample_channel(RigBinding *b, GError **error)
{
	const DeviceChannel *c = device_channel_at(b->device->device, b->channel);
	/* A node tells by itself when an output falls back; elsewhere only what was commanded is known. */
	DeviceSetup setup = {.sampled = !b->command || (c->timed && c->readable)};
	if (b->role && b->role->axis) {
		setup.lo = b->role->axis->step_lo;
		setup.hi = b->role->axis->step_hi;
	}
	if (b->role) {
		setup.period_ns = b->role->sample_ns;
		setup.max_on_ns = b->role->max_on_ns;
		setup.oversample = b->role->oversample;
		setup.edges = b->role->edges;
	}
	return device_setup(b->device->device, b->channel, &setup, error);
}

static gboolean bind_role(Rig *rig, const RigRole *role, RigBinding **ret, GError **error)
{
	RigDevice *d = rig_find_device(rig, role->device);
	if (!d->device)
		return TRUE; /* did not open; preflight says so */
	int channel = device_channel(d->device, role->channel);
	if (channel < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "role %s: device %s has no channel %s: it is %s", role->name,
			    role->device, role->channel, device_identity(d->device));
		return FALSE;
	}
	const DeviceChannel *c = device_channel_at(d->device, channel);
	RigBinding *b = g_new0(RigBinding, 1);
	*b = (RigBinding){.device = d, .role = role, .channel = channel, .gain = 1};
	signal_info_init(&b->info, role->name);
	*ret = b;
	if (role->kind == RIG_ACTUATOR)
		fill_command(b, c);
	if (role->axis && !rig_axis_bind(b, error))
		return FALSE;
	if (role->kind == RIG_SENSOR && !fill_sensor(rig, b, c, error))
		return FALSE;
	bind_channel(d, b, role->channel);
	return sample_channel(b, error);
}

/* Own observations: of a camera under its role's name, of a node under its own, of the interlock. */
static char *health_name(const RigDevice *d, const RigSpec *spec, const DeviceChannel *c)
{
	g_autofree char *terminal = g_strdup_printf("%s.%s", d->spec->name, c->name);
	if (!g_strcmp0(terminal, spec->estop))
		return g_strdup("interlock.estop");
	if (!g_strcmp0(terminal, spec->trip))
		return g_strdup("interlock.trip");
	if (!strcmp(d->spec->driver, "camera")) {
		for (guint i = 0; i < spec->roles->len; i++) {
			const RigRole *r = g_ptr_array_index(spec->roles, i);
			if (!strcmp(r->device, d->spec->name))
				return g_strdup_printf("%s.%s", r->name, c->name);
		}
		return g_steal_pointer(&terminal);
	}
	static const char *const of_node[] = {"clock.", "link.", "boots", "interlock.state"};
	for (size_t i = 0; !strcmp(d->spec->driver, "node") && i < G_N_ELEMENTS(of_node); i++)
		if (g_str_has_prefix(c->name, of_node[i]))
			return g_steal_pointer(&terminal);
	return NULL;
}

static gboolean bind_health(Rig *rig, RigDevice *d, int channel, GError **error)
{
	const DeviceChannel *c = device_channel_at(d->device, channel);
	g_autofree char *name =
		c->readable && !d->by_index[channel] ? health_name(d, rig->spec, c) : NULL;
	if (!name)
		return TRUE;
	RigBinding *b = g_new0(RigBinding, 1);
	*b = (RigBinding){.device = d, .channel = channel, .gain = 1};
	signal_info_init(&b->info, name);
	b->info.origin = ORIGIN_HEALTH;
	b->info.interp = SIGNAL_PREVIOUS;
	b->info.unit = channel_unit(c);
	b->info.max_gap_ns = HEALTH_GAP_NS;
	b->info.max_slew = INFINITY;
	b->info.u_clock_s = c->u_clock_s;
	if (c->boolean)
		use_boolean(&b->info);
	g_ptr_array_add(rig->bindings, b);
	bind_channel(d, b, c->name);
	return sample_channel(b, error);
}

gboolean rig_bind_all(Rig *rig, GError **error)
{
	for (guint i = 0; i < rig->spec->roles->len; i++) {
		RigBinding *b = NULL;
		gboolean ok = bind_role(rig, g_ptr_array_index(rig->spec->roles, i), &b, error);
		g_ptr_array_add(rig->bindings, b);
		if (!ok)
			return FALSE;
	}
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		for (int c = 0; d->device && c < device_channel_count(d->device); c++)
			if (!bind_health(rig, d, c, error))
				return FALSE;
	}
	for (guint i = 0; i < rig->bindings->len; i++) {
		RigBinding *b = g_ptr_array_index(rig->bindings, i);
		if (b && !(b->role && b->role->kind == RIG_CAMERA))
			g_ptr_array_add(rig->signals, &b->info);
	}
	return TRUE;
}

/* ---- files ---- */

void rig_file_free(void *data)
{
	RigFile *file = data;
	g_free(file->name);
	g_bytes_unref(file->bytes);
	g_free(file);
}

static bool have_file(const GPtrArray *files, const char *name)
{
	for (guint i = 0; i < files->len; i++)
		if (!strcmp(((RigFile *)g_ptr_array_index(files, i))->name, name))
			return true;
	return false;
}

static void add_file(Rig *rig, char *name, const char *path)
{
	char *text = NULL;
	gsize length;
	if (!have_file(rig->files, name) && g_file_get_contents(path, &text, &length, NULL)) {
		RigFile *file = g_new0(RigFile, 1);
		file->name = g_strdup(name);
		file->bytes = g_bytes_new_take(text, length);
		g_ptr_array_add(rig->files, file);
	}
	g_free(name);
}

void rig_collect_files(Rig *rig)
{
	const RigSpec *spec = rig->spec;
	RigFile *self = g_new0(RigFile, 1);
	self->name = g_strdup_printf("rig/%s.yaml", spec->id);
	self->bytes = g_bytes_ref(spec->bytes);
	g_ptr_array_add(rig->files, self);
	for (guint i = 0; i < spec->devices->len; i++) {
		const RigDeviceSpec *d = g_ptr_array_index(spec->devices, i);
		if (d->map)
			add_file(rig, g_strdup_printf("rig/%s", d->map_name), d->map);
	}
	for (guint i = 0; i < rig->bindings->len; i++) {
		const RigBinding *b = g_ptr_array_index(rig->bindings, i);
		if (b && b->certificate)
			add_file(rig, g_strdup_printf("calibration/%s.yaml", b->certificate->id),
				 b->certificate->path);
	}
	if (spec->world) {
		g_autofree char *base = g_path_get_basename(spec->world);
		add_file(rig, g_strdup_printf("world/%s", base), spec->world);
	}
}
