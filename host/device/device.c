/* Devices: the registry, opening and closing, and what other threads may ask. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_NS (500 * CLOCK_MS) /* for make_safe when it was not asked for before */

const DeviceDriver device_drivers[] = {
	{"node", &device_node_ops},     {"modbus", &modbus_device_ops}, {"scpi", &scpi_device_ops},
	{"camera", &camera_device_ops}, {"plant", &plant_device_ops},   {NULL, NULL},
};

static const DeviceOps *find_driver(const DeviceConfig *config, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	for (const DeviceDriver *d = device_drivers; d->name; d++) {
		if (!g_strcmp0(d->name, config->driver))
			return d->ops;
		g_string_append_printf(known, "%s%s", known->len ? ", " : "", d->name);
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: unknown driver \"%s\" (%s)",
		    config->name, config->driver ? config->driver : "", known->str);
	return NULL;
}

static void host_init(DeviceHost *host, const DeviceConfig *config)
{
	host->name = g_strdup(config->name);
	host->link = g_strdup(config->link);
	host->clock = config->clock ? config->clock : clock_monotonic();
	host->channels = g_ptr_array_new_with_free_func(g_free);
	host->setups = g_array_new(FALSE, TRUE, sizeof(DeviceSetup));
	host->replies = ring_new(sizeof(DeviceReply), DEVICE_RING);
	thread_lock_init(&host->stream_lock);
	atomic_init(&host->lost, false);
}

static void host_clear(DeviceHost *host)
{
	g_free(host->name);
	g_free(host->link);
	g_free(host->identity);
	g_free(host->lost_why);
	g_ptr_array_unref(host->channels);
	g_array_unref(host->setups);
	ring_free(host->replies);
	pthread_mutex_destroy(&host->stream_lock);
}

static Device *device_alloc(const DeviceConfig *config)
{
	Device *device = g_new0(Device, 1);
	pthread_condattr_t attr;
	host_init(&device->host, config);
	device->threadless = config->threadless;
	device->commands = ring_new(sizeof(DeviceCommand), DEVICE_RING);
	device->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&device->call_lock, NULL);
	pthread_cond_init(&device->call_changed, &attr);
	pthread_condattr_destroy(&attr);
	atomic_init(&device->quit, false);
	atomic_init(&device->want_safe, false);
	return device;
}

static void device_free(Device *device)
{
	if (device->call) /* asked for, given up, and the thread ended before it came to it */
		device_call_free(device->call);
	host_clear(&device->host);
	ring_free(device->commands);
	close(device->wake_fd);
	pthread_mutex_destroy(&device->call_lock);
	pthread_cond_destroy(&device->call_changed);
	g_free(device);
}

Device *device_open(const DeviceConfig *config, GError **error)
{
	const DeviceOps *ops = find_driver(config, error);
	if (!ops) {
		byte_link_close(config->byte_link);
		return NULL;
	}
	Device *device = device_alloc(config);
	device->ops = ops;
	device->self = ops->open(&device->host, config, error);
	if (device->self)
		return device;
	if (error && *error && !g_str_has_prefix((*error)->message, config->name))
		g_prefix_error(error, "%s: ", config->name);
	device_free(device);
	return NULL;
}

void device_close(Device *device)
{
	if (!device)
		return;
	device_stop(device);
	if (device->touched && !device->safe)
		device_do_safe(device, clock_now(device->host.clock) + CLOSE_NS, NULL);
	device->ops->close(device->self);
	device_free(device);
}

const char *device_name(const Device *device)
{
	return device->host.name;
}

const char *device_identity(const Device *device)
{
	return device->host.identity ? device->host.identity : "";
}

int device_channel_count(const Device *device)
{
	return (int)device->host.channels->len;
}

const DeviceChannel *device_channel_at(const Device *device, int channel)
{
	return g_ptr_array_index(device->host.channels, channel);
}

int device_channel(const Device *device, const char *name)
{
	for (guint i = 0; i < device->host.channels->len; i++) {
		const DeviceChannel *c = g_ptr_array_index(device->host.channels, i);
		if (!strcmp(c->name, name))
			return (int)i;
	}
	return -1;
}

gboolean device_setup(Device *device, int channel, const DeviceSetup *setup, GError **error)
{
	g_return_val_if_fail(!device->started && channel >= 0, FALSE);
	const DeviceChannel *c = device_host_channel(&device->host, channel);
	DeviceSetup merged = *setup;
	if (!merged.period_ns)
		merged.period_ns = c->period_ns;
	if (c->max_on_ns && merged.max_on_ns > c->max_on_ns) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: %s: max_on %.0f ms is above the device's ceiling of %.0f ms",
			    device->host.name, c->name, (double)merged.max_on_ns / 1e6,
			    (double)c->max_on_ns / 1e6);
		return FALSE;
	}
	if (setup->sampled && !c->readable && !c->frames) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s cannot be sampled",
			    device->host.name, c->name);
		return FALSE;
	}
	if (device->ops->setup && !device->ops->setup(device->self, channel, &merged, error))
		return FALSE;
	g_array_index(device->host.setups, DeviceSetup, channel) = merged;
	return TRUE;
}

/* ---- start and stop ---- */

static void set_stream(Device *device, Stream *stream)
{
	pthread_mutex_lock(&device->host.stream_lock);
	device->host.stream = stream;
	pthread_mutex_unlock(&device->host.stream_lock);
}

gboolean device_start(Device *device, Stream *stream, GError **error)
{
	g_return_val_if_fail(!device->started, FALSE);
	set_stream(device, stream);
	if (device->ops->start && !device->ops->start(device->self, error)) {
		set_stream(device, NULL);
		return FALSE;
	}
	device->started = true;
	device->next_poll_ns = 0;
	atomic_store(&device->quit, false);
	if (device->threadless)
		return TRUE;
	int code = pthread_create(&device->thread, NULL, device_thread, device);
	if (code) {
		device_stop(device);
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: cannot start a thread: %s",
			    device->host.name, g_strerror(code));
		return FALSE;
	}
	device->running = true;
	return TRUE;
}

void device_stop(Device *device)
{
	if (!device->started)
		return;
	if (device->running) {
		atomic_store(&device->quit, true);
		device_wake(device);
		pthread_join(device->thread, NULL);
		device->running = false;
	}
	if (device->touched && !device->safe)
		device_do_safe(device, clock_now(device->host.clock) + CLOSE_NS, NULL);
	if (device->ops->stop)
		device->ops->stop(device->self);
	set_stream(device, NULL);
	device->started = false;
}

int64_t device_poll(Device *device, int64_t now_ns)
{
	g_return_val_if_fail(device->threadless, CLOCK_NEVER);
	return device->started ? device_turn(device, now_ns, true) : CLOCK_NEVER;
}

/* ---- questions to the link thread ---- */

/* Wait on the condition; false at the deadline. */
static bool wait_call(Device *device, int64_t deadline_ns)
{
	struct timespec t = {.tv_sec = deadline_ns / CLOCK_S, .tv_nsec = deadline_ns % CLOCK_S};
	return pthread_cond_timedwait(&device->call_changed, &device->call_lock, &t) != ETIMEDOUT;
}

/* Takes items. TRUE and *ret_done when the call was carried out; the caller then owns what `call` holds. */
static Call *ask_thread(Device *device, CallKind kind, int64_t deadline_ns)
{
	Call *call = g_new0(Call, 1);
	*call = (Call){.kind = kind, .deadline_ns = deadline_ns};
	if (kind == CALL_PREFLIGHT)
		call->items = g_ptr_array_new_with_free_func((GDestroyNotify)device_item_free);
	bool in_time = true;
	pthread_mutex_lock(&device->call_lock);
	while (device->call && in_time)
		in_time = wait_call(device, deadline_ns);
	if (!device->call) {
		device->call = call;
		device_wake(device);
		/* The operation keeps to the deadline itself; a little more lets it say so. */
		in_time = true;
		while (!call->done && in_time)
			in_time = wait_call(device, deadline_ns + 50 * CLOCK_MS);
		call->abandoned = !call->done;
		if (call->done)
			device->call = NULL;
		pthread_cond_broadcast(&device->call_changed);
		if (call->abandoned)
			call = NULL;
	} else {
		g_clear_pointer(&call->items, g_ptr_array_unref);
		g_clear_pointer(&call, g_free);
	}
	pthread_mutex_unlock(&device->call_lock);
	return call;
}

static gboolean busy_error(Device *device, GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT, "%s: its link thread does not answer",
		    device->host.name);
	return FALSE;
}

static gboolean ask(Device *device, CallKind kind, int64_t timeout_ns, GError **error)
{
	int64_t deadline = clock_now(device->host.clock) + timeout_ns;
	if (!device->running)
		return kind == CALL_ARM ? device_do_arm(device, deadline, error)
					: device_do_safe(device, deadline, error);
	Call *call = ask_thread(device, kind, deadline);
	if (!call)
		return busy_error(device, error);
	gboolean result = call->result;
	if (call->error)
		g_propagate_error(error, g_steal_pointer(&call->error));
	g_free(call);
	return result;
}

gboolean device_arm(Device *device, int64_t timeout_ns, GError **error)
{
	return ask(device, CALL_ARM, timeout_ns, error);
}

gboolean device_make_safe(Device *device, int64_t timeout_ns, GError **error)
{
	return ask(device, CALL_SAFE, timeout_ns, error);
}

void device_request_safe(Device *device)
{
	atomic_store(&device->want_safe, true);
	device_wake(device);
}

GPtrArray *device_preflight(Device *device, int64_t timeout_ns)
{
	int64_t deadline = clock_now(device->host.clock) + timeout_ns;
	GPtrArray *items = g_ptr_array_new_with_free_func((GDestroyNotify)device_item_free);
	if (!device->running) {
		device_do_preflight(device, items, deadline);
		return items;
	}
	Call *call = ask_thread(device, CALL_PREFLIGHT, deadline);
	if (call) {
		g_ptr_array_unref(items);
		items = call->items;
		g_free(call);
		return items;
	}
	g_autofree char *name = g_strdup_printf("%s: link", device->host.name);
	g_ptr_array_add(items,
			device_item_new(false, name, "%s does not answer; check cable and power",
					device->host.name));
	return items;
}

/* ---- the executor's side ---- */

bool device_command(Device *device, const DeviceCommand *command)
{
	if (!ring_push(device->commands, command))
		return false;
	if (device->running)
		device_wake(device);
	return true;
}

bool device_reply(Device *device, DeviceReply *ret_reply)
{
	return ring_pop(device->host.replies, ret_reply);
}

bool device_lost(const Device *device)
{
	return atomic_load(&device->host.lost);
}

void device_stats(const Device *device, DeviceStats *ret_stats)
{
	const DeviceStats *s = &device->host.stats;
#define COPY(field) ret_stats->field = __atomic_load_n(&s->field, __ATOMIC_RELAXED)
	COPY(commands);
	COPY(replies_lost);
	COPY(retries);
	COPY(timeouts);
	COPY(bad_replies);
	COPY(samples);
	COPY(worst_poll_lateness_ns);
	COPY(worst_keep_alive_gap_ns);
	COPY(clock_u_ns);
#undef COPY
}
