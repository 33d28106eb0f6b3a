/* The rig, live: opened from its spec, driven by role and physical unit, closed without a trace. */
#include "internal.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define INITIAL_NS (5 * CLOCK_S)
#define ARM_NS (3 * CLOCK_S)
#define DEFAULT_PULSE_NS (200 * CLOCK_MS)
#define RIG_ID_INITIAL UINT32_C(0x7fff0000)

RigDevice *rig_find_device(const Rig *rig, const char *name)
{
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (!strcmp(d->spec->name, name))
			return d;
	}
	return NULL;
}

/* ---- the data plane: on the devices' link threads ---- */

static void on_sample(Stream *stream, const char *channel, int64_t t_ns, double value,
		      SampleStatus status)
{
	RigDevice *d = (RigDevice *)stream;
	const RigBinding *b = g_hash_table_lookup(d->by_channel, channel);
	Stream *out = d->rig->out;
	if (!b || !out || !out->sample)
		return;
	if (b->certificate)
		value = certificate_value(b->certificate, value);
	else if (b->command)
		value = (value - b->offset) / b->gain;
	out->sample(out, b->info.name, t_ns, value, status);
}

static void on_event(Stream *stream, const char *name, int64_t t_ns, const char *json)
{
	Stream *out = ((RigDevice *)stream)->rig->out;
	if (out && out->event)
		out->event(out, name, t_ns, json);
}

static void on_frame(Stream *stream, const char *channel, const Frame *frame)
{
	RigDevice *d = (RigDevice *)stream;
	const RigBinding *b = g_hash_table_lookup(d->by_channel, channel);
	Stream *out = d->rig->out;
	if (b && out && out->frame)
		out->frame(out, b->info.name, frame);
}

/* The role's name is what a technician and the criteria know. */
static void on_fault(Stream *stream, const Fault *fault)
{
	RigDevice *d = (RigDevice *)stream;
	Stream *out = d->rig->out;
	if (!out || !out->fault)
		return;
	const RigBinding *b =
		fault->signal ? g_hash_table_lookup(d->by_channel, fault->signal) : NULL;
	if (fault->signal && !b)
		return; /* a channel that plays no role */
	Fault named = *fault;
	g_autofree char *cause =
		b ? g_strdup_printf("%s: %s", b->info.name, fault->cause) : g_strdup(fault->cause);
	named.cause = cause;
	if (b) {
		named.signal = b->info.name;
		named.source = b->info.name;
	}
	out->fault(out, &named);
}

/* ---- opening ---- */

static void rig_device_free(void *data)
{
	RigDevice *d = data;
	device_close(d->device);
	g_free(d->why_missing);
	g_free(d->by_index);
	g_hash_table_unref(d->by_channel);
	g_free(d);
}

static char *default_program(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = self ? g_path_get_dirname(self) : g_strdup(".");
	return g_build_filename(folder, "anzen-world", NULL);
}

static gboolean start_world(Rig *rig, const RigOptions *options, GError **error)
{
	if (!rig->spec->world || rig->plant)
		return TRUE;
	g_autofree char *program =
		options->world_program ? g_strdup(options->world_program) : default_program();
	rig->world = rig_world_start(program, rig->spec->world, options->seed, error);
	return rig->world != NULL;
}

/* The URI to open: what stands in the file, or where the world says that its far end is. */
static const char *resolve_link(Rig *rig, const RigDeviceSpec *spec, GError **error)
{
	if (!g_str_has_prefix(spec->link, "world:"))
		return spec->link;
	const char *name = spec->link + strlen("world:"), *link = rig_world_link(rig->world, name);
	if (!link)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: the world %s has no far end '%s'", spec->name, rig->spec->world,
			    name);
	return link;
}

static Device *open_real(Rig *rig, const RigDeviceSpec *spec, GError **error)
{
	const char *link = resolve_link(rig, spec, error);
	if (!link)
		return NULL;
	DeviceConfig config = {.name = spec->name,
			       .driver = spec->driver,
			       .link = link,
			       .unit = spec->unit,
			       .map = spec->map,
			       .format = spec->format,
			       .asymmetry_ns = spec->asymmetry_ns,
			       .clock = rig->clock};
	return device_open(&config, error);
}

static Device *open_plant(Rig *rig, const RigDeviceSpec *spec, const RigOptions *options,
			  GError **error)
{
	DeviceConfig config = {.name = spec->name,
			       .driver = spec->driver,
			       .map = spec->map,
			       .format = spec->format,
			       .asymmetry_ns = spec->asymmetry_ns,
			       .clock = rig->clock,
			       .threadless = true,
			       .plant = rig->plant};
	if (!strcmp(spec->driver, "node") && options->node_link)
		config.byte_link = options->node_link(options->node_link_user, spec->name);
	if (config.byte_link)
		return device_open(&config, error);
	g_autoptr(GArray) list = device_describe(&config, error);
	if (!list)
		return NULL;
	config.driver = "plant";
	config.plant_channels = (const DevicePlantChannel *)(void *)list->data;
	config.n_plant_channels = list->len;
	return device_open(&config, error);
}

static gboolean open_device(Rig *rig, const RigDeviceSpec *spec, const RigOptions *options,
			    GError **error)
{
	g_autoptr(GError) why = NULL;
	RigDevice *d = g_new0(RigDevice, 1);
	d->stream = (Stream){on_sample, on_event, on_frame, on_fault};
	d->rig = rig;
	d->spec = spec;
	d->by_channel = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_ptr_array_add(rig->devices, d);
	d->device = rig->plant ? open_plant(rig, spec, options, &why) : open_real(rig, spec, &why);
	if (d->device) {
		d->by_index = g_new0(RigBinding *, (gsize)device_channel_count(d->device));
		g_hash_table_insert(rig->identities, g_strdup(spec->name),
				    g_strdup(device_identity(d->device)));
		return TRUE;
	}
	if (options->defer_missing && !g_error_matches(why, ANZEN_ERROR, ANZEN_ERROR_INPUT)) {
		d->why_missing = g_strdup(why->message);
		return TRUE;
	}
	g_propagate_error(error, g_steal_pointer(&why));
	return FALSE;
}

static int today(Clock *clock)
{
	int64_t mono, u;
	int64_t utc_s = clock_utc(clock, &mono, &u) / CLOCK_S;
	/* 1970-01-01 is day 719163 of GDate's count, which starts with 1 at 0001-01-01. */
	return (int)(719163 + utc_s / 86400);
}

static gboolean load_certificates(Rig *rig, const RigOptions *options, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autofree char *beside = g_build_filename(rig->spec->folder, "..", "calibration", NULL);
	rig->store =
		certificate_store_load(options->calibration ? options->calibration : beside, diag);
	if (rig->store && diagnostics_errors(diag) == 0)
		return TRUE;
	diagnostics_to_error(diag, error);
	return FALSE;
}

static gboolean open_all(Rig *rig, const RigOptions *options, GError **error)
{
	if (!load_certificates(rig, options, error) || !start_world(rig, options, error))
		return FALSE;
	for (guint i = 0; i < rig->spec->devices->len; i++)
		if (!open_device(rig, g_ptr_array_index(rig->spec->devices, i), options, error))
			return FALSE;
	if (!rig_bind_all(rig, error))
		return FALSE;
	rig_collect_files(rig);
	return TRUE;
}

Rig *rig_open(const RigSpec *spec, const RigOptions *options, GError **error)
{
	g_autoptr(Rig) rig = g_new0(Rig, 1);
	rig->spec = spec;
	rig->clock = options->clock ? options->clock : clock_monotonic();
	rig->plant = options->plant;
	rig->passive = options->passive;
	rig->julian_day = options->julian_day ? options->julian_day : today(rig->clock);
	rig->devices = g_ptr_array_new_with_free_func(rig_device_free);
	rig->bindings = g_ptr_array_new_with_free_func(rig_binding_free);
	rig->signals = g_ptr_array_new();
	rig->files = g_ptr_array_new_with_free_func(rig_file_free);
	rig->identities = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return open_all(rig, options, error) ? g_steal_pointer(&rig) : NULL;
}

void rig_close(Rig *rig)
{
	if (!rig)
		return;
	rig_stop(rig);
	g_ptr_array_unref(rig->devices); /* closes them while their far ends still live */
	rig_world_stop(rig->world);
	g_ptr_array_unref(rig->signals);
	g_ptr_array_unref(rig->bindings);
	g_ptr_array_unref(rig->files);
	g_hash_table_unref(rig->identities);
	if (rig->store)
		certificate_store_free(rig->store);
	g_free(rig);
}

/* ---- what it is ---- */

EvidenceClass rig_evidence(const Rig *rig)
{
	return rig->plant                    ? EVIDENCE_LOCK_STEP
	       : rig_spec_virtual(rig->spec) ? EVIDENCE_VIRTUAL
					     : EVIDENCE_PHYSICAL;
}

const char *rig_id(const Rig *rig)
{
	return rig->spec->id;
}

const GPtrArray *rig_signals(const Rig *rig)
{
	return rig->signals;
}

const SignalInfo *rig_signal(const Rig *rig, const char *name)
{
	for (guint i = 0; i < rig->signals->len; i++) {
		const SignalInfo *info = g_ptr_array_index(rig->signals, i);
		if (!strcmp(info->name, name))
			return info;
	}
	return NULL;
}

const GPtrArray *rig_files(const Rig *rig)
{
	return rig->files;
}

const GHashTable *rig_identities(const Rig *rig)
{
	return rig->identities;
}

const char *rig_identity(const Rig *rig, const char *device)
{
	return g_hash_table_lookup(rig->identities, device);
}

/* ---- starting and stopping ---- */

static double initial_value(const RigRole *role)
{
	double value = role->initial;
	if (role->driven)
		value = unit_convert(value, &role->initial_unit, &role->drive_unit);
	return value * role->drive_gain + role->drive_offset;
}

/* Wait for the reply to one command of our own; nobody else gives commands yet. */
static gboolean await_reply(Rig *rig, RigBinding *b, uint32_t id, GError **error)
{
	int64_t deadline = clock_now(clock_monotonic()) + INITIAL_NS;
	DeviceReply reply;
	do {
		if (rig->plant)
			device_poll(b->device->device, clock_now(rig->clock));
		while (device_reply(b->device->device, &reply)) {
			if (reply.id != id)
				continue;
			if (reply.status == DEVICE_DONE)
				return TRUE;
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: %s: %s",
				    b->info.name, device_status_name(reply.status), reply.message);
			return FALSE;
		}
		clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + CLOCK_MS);
	} while (clock_now(clock_monotonic()) < deadline);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
		    "%s: its initial value was not confirmed", b->info.name);
	return FALSE;
}

static gboolean set_initial_values(Rig *rig, GError **error)
{
	for (guint i = 0; i < rig->spec->roles->len; i++) {
		RigBinding *b = g_ptr_array_index(rig->bindings, i);
		if (!b || !b->command || isnan(b->role->initial))
			continue;
		DeviceCommand command = {.id = RIG_ID_INITIAL + i,
					 .channel = b->channel,
					 .value = initial_value(b->role),
					 .at_ns = DEVICE_SOONEST};
		if (!device_command(b->device->device, &command) ||
		    !await_reply(rig, b, command.id, error))
			return FALSE;
	}
	return TRUE;
}

gboolean rig_start(Rig *rig, Stream *stream, GError **error)
{
	g_return_val_if_fail(!rig->started, FALSE);
	rig->out = stream;
	rig->started = true;
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (!d->device || device_start(d->device, &d->stream, error))
			continue;
		rig_stop(rig);
		return FALSE;
	}
	if (rig->passive || set_initial_values(rig, error))
		return TRUE;
	rig_stop(rig);
	return FALSE;
}

void rig_stop(Rig *rig)
{
	if (!rig->started)
		return;
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (d->device)
			device_stop(d->device);
	}
	rig->started = false;
	rig->out = NULL;
}

gboolean rig_arm(Rig *rig, GError **error)
{
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (!d->device) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s", d->why_missing);
			return FALSE;
		}
		if (!device_arm(d->device, ARM_NS, error))
			return FALSE;
	}
	return TRUE;
}

void rig_request_safe(Rig *rig)
{
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (d->device)
			device_request_safe(d->device);
	}
}

static bool is_timed(const Device *device)
{
	for (int i = 0; i < device_channel_count(device); i++)
		if (device_channel_at(device, i)->timed)
			return true;
	return false;
}

void rig_request_safe_timed(Rig *rig)
{
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (d->device && is_timed(d->device))
			device_request_safe(d->device);
	}
}

/* All are asked at once, each on its own thread; then each is confirmed. */
gboolean rig_make_safe(Rig *rig, int64_t timeout_ns, GError **error)
{
	int64_t deadline = clock_now(clock_monotonic()) + timeout_ns;
	gboolean ok = TRUE;
	if (!rig->plant)
		rig_request_safe(rig);
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		int64_t left = MAX(deadline - clock_now(clock_monotonic()), CLOCK_MS);
		if (d->device && !device_make_safe(d->device, left, ok ? error : NULL))
			ok = FALSE;
	}
	return ok;
}

char *rig_lost(const Rig *rig)
{
	g_autoptr(GString) names = g_string_new(NULL);
	for (guint i = 0; i < rig->devices->len; i++) {
		const RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (d->device && device_lost(d->device))
			g_string_append_printf(names, "%s%s", names->len ? ", " : "",
					       d->spec->name);
	}
	if (rig->world && !rig_world_alive(rig->world))
		g_string_append_printf(names, "%sworld", names->len ? ", " : "");
	return names->len ? g_string_free(g_steal_pointer(&names), FALSE) : NULL;
}

/* ---- the executor's side: no lock, no memory, no waiting ---- */

int rig_role(const Rig *rig, const char *name)
{
	for (guint i = 0; i < rig->spec->roles->len; i++) {
		const RigRole *r = g_ptr_array_index(rig->spec->roles, i);
		if (!strcmp(r->name, name))
			return g_ptr_array_index(rig->bindings, i) ? (int)i : -1;
	}
	return -1;
}

static RigBinding *actuator(Rig *rig, int role)
{
	if (role < 0 || (guint)role >= rig->spec->roles->len)
		return NULL;
	RigBinding *b = g_ptr_array_index(rig->bindings, role);
	return b && b->command ? b : NULL;
}

bool rig_command(Rig *rig, int role, double value, int64_t at_ns, uint32_t id)
{
	RigBinding *b = actuator(rig, role);
	if (!b || !isfinite(value))
		return false;
	DeviceCommand command = {.id = id,
				 .channel = b->channel,
				 .value = b->gain * value + b->offset,
				 .at_ns = at_ns};
	return device_command(b->device->device, &command);
}

static int64_t pulse_of(const RigBinding *b)
{
	const DeviceChannel *c = device_channel_at(b->device->device, b->channel);
	int64_t limit = b->role->max_on_ns ? b->role->max_on_ns : c->max_on_ns;
	if (b->role->pulse_ns)
		return b->role->pulse_ns;
	return limit ? limit / 2 : DEFAULT_PULSE_NS;
}

bool rig_trigger(Rig *rig, int role, int64_t at_ns, uint32_t id)
{
	RigBinding *b = actuator(rig, role);
	if (!b)
		return false;
	const DeviceChannel *c = device_channel_at(b->device->device, b->channel);
	double off = isnan(c->safe) ? c->lo : c->safe;
	DeviceCommand on = {.id = id, .channel = b->channel, .value = c->hi, .at_ns = at_ns};
	DeviceCommand back = {.id = id | RIG_ID_OFF, .channel = b->channel, .value = off};
	back.at_ns = (at_ns == DEVICE_SOONEST ? clock_now(rig->clock) : at_ns) + pulse_of(b);
	return device_command(b->device->device, &on) && device_command(b->device->device, &back);
}

bool rig_reply(Rig *rig, RigReply *ret)
{
	DeviceReply r;
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		while (d->device && device_reply(d->device, &r)) {
			const RigBinding *b = r.channel >= 0 ? d->by_index[r.channel] : NULL;
			/* "Off" after a trigger is news only when it did not happen. */
			if (!b || ((r.id & RIG_ID_OFF) && r.status == DEVICE_DONE))
				continue;
			*ret = (RigReply){
				r.id & ~RIG_ID_OFF, b->info.name, r.status, r.t_ns, r.u_ns, ""};
			g_strlcpy(ret->message, r.message, sizeof ret->message);
			return true;
		}
	}
	return false;
}

int64_t rig_poll(Rig *rig, int64_t now_ns)
{
	int64_t next = CLOCK_NEVER;
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (d->device)
			next = MIN(next, device_poll(d->device, now_ns));
	}
	return next;
}

gboolean rig_world_command(Rig *rig, const char *json, char **ret_line, GError **error)
{
	if (rig->world)
		return rig_world_ask(rig->world, json, ret_line, error);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "rig %s has no virtual world to ask",
		    rig->spec->id);
	return FALSE;
}
