/* One turn of a device: commands, keep-alive, polling. The link thread repeats it; lock-step calls it by hand. */
#include "internal.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* With nothing to do the thread still looks up this often, so that stop and loss are never far away. */
#define IDLE_NS (100 * CLOCK_MS)

void device_wake(Device *device)
{
	uint64_t one = 1;
	/* EAGAIN: the counter is full, so the thread is awake anyway. */
	if (write(device->wake_fd, &one, sizeof one) < 0)
		return;
}

void device_answer(Device *device, const DeviceCommand *command, DeviceStatus status,
		   const char *message)
{
	device_host_reply(&device->host, command, status, clock_now(device->host.clock), 0,
			  message);
}

static bool lost(Device *device)
{
	return atomic_load(&device->host.lost);
}

/* ---- commands ---- */

static const char *refusal(Device *device, const DeviceCommand *command)
{
	if (command->channel < 0 || (guint)command->channel >= device->host.channels->len)
		return "no such channel";
	const DeviceChannel *c = device_host_channel(&device->host, command->channel);
	if (!c->writable)
		return "channel cannot be driven";
	if (!isfinite(command->value) || command->value < c->lo || command->value > c->hi)
		return "value out of the channel's range";
	if (device->safe)
		return "made safe: arm again first";
	return NULL;
}

static void act(Device *device, const DeviceCommand *command, int64_t now_ns)
{
	if (command->at_ns != DEVICE_SOONEST && now_ns > command->at_ns + DEVICE_LATE_NS) {
		device_answer(device, command, DEVICE_LATE, "the link thread came too late");
		return;
	}
	device->touched = true;
	device->ops->command(device->self, command);
}

static void keep_waiting(Device *device, const DeviceCommand *command)
{
	if (device->n_waiting == DEVICE_WAITING)
		device_answer(device, command, DEVICE_REFUSED, "too many commands wait");
	else
		device->waiting[device->n_waiting++] = *command;
}

static void accept_command(Device *device, const DeviceCommand *command, int64_t now_ns)
{
	device->host.stats.commands++;
	const char *why = refusal(device, command);
	if (why) {
		/* The channel may not exist: a reply that is not DONE touches nothing but the ring. */
		device_answer(device, command, DEVICE_REFUSED, why);
		return;
	}
	if (lost(device)) {
		device_answer(device, command, DEVICE_FAILED, "the link is lost");
		return;
	}
	const DeviceChannel *c = device_host_channel(&device->host, command->channel);
	if (c->timed) {
		device->touched = true;
		device->ops->command(device->self, command);
	} else if (command->at_ns != DEVICE_SOONEST && command->at_ns > now_ns) {
		keep_waiting(device, command);
	} else {
		act(device, command, now_ns);
	}
}

/* Of those that are due the earliest first; order of equal times is the order they came in. */
static void run_due(Device *device, int64_t now_ns)
{
	for (;;) {
		size_t best = SIZE_MAX;
		for (size_t i = 0; i < device->n_waiting; i++)
			if (device->waiting[i].at_ns <= now_ns &&
			    (best == SIZE_MAX ||
			     device->waiting[i].at_ns < device->waiting[best].at_ns))
				best = i;
		if (best == SIZE_MAX)
			return;
		DeviceCommand command = device->waiting[best];
		device->n_waiting--;
		memmove(&device->waiting[best], &device->waiting[best + 1],
			(device->n_waiting - best) * sizeof command);
		if (lost(device))
			device_answer(device, &command, DEVICE_FAILED, "the link is lost");
		else
			act(device, &command, now_ns);
	}
}

static void refuse_all(Device *device, DeviceStatus status, const char *why)
{
	DeviceCommand command;
	for (size_t i = 0; i < device->n_waiting; i++)
		device_answer(device, &device->waiting[i], status, why);
	device->n_waiting = 0;
	while (ring_pop(device->commands, &command))
		device_answer(device, &command, status, why);
}

/* ---- arm, make safe, preflight ---- */

static gboolean lost_error(Device *device, GError **error)
{
	pthread_mutex_lock(&device->host.stream_lock);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED, "%s: %s", device->host.name,
		    device->host.lost_why ? device->host.lost_why : "the link is lost");
	pthread_mutex_unlock(&device->host.stream_lock);
	return FALSE;
}

gboolean device_do_safe(Device *device, int64_t deadline_ns, GError **error)
{
	device->safe = true;
	refuse_all(device, DEVICE_REFUSED, "made safe");
	if (lost(device))
		return lost_error(device, error);
	return device->ops->make_safe(device->self, deadline_ns, error);
}

gboolean device_do_arm(Device *device, int64_t deadline_ns, GError **error)
{
	if (lost(device))
		return lost_error(device, error);
	if (device->ops->arm && !device->ops->arm(device->self, deadline_ns, error))
		return FALSE;
	device->safe = false;
	return TRUE;
}

void device_do_preflight(Device *device, GPtrArray *items, int64_t deadline_ns)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *name = g_strdup_printf("%s: link", device->host.name);
	if (lost(device)) {
		lost_error(device, &error);
		g_ptr_array_add(items,
				device_item_new(false, name,
						"%s; check cable and power, then start again",
						error->message));
		return;
	}
	g_ptr_array_add(items, device_item_new(true, name, " "));
	if (device->ops->preflight)
		device->ops->preflight(device->self, items, deadline_ns);
}

static void run_call(Device *device, Call *call)
{
	switch (call->kind) {
	case CALL_ARM:
		call->result = device_do_arm(device, call->deadline_ns, &call->error);
		break;
	case CALL_SAFE:
		call->result = device_do_safe(device, call->deadline_ns, &call->error);
		break;
	case CALL_PREFLIGHT:
		device_do_preflight(device, call->items, call->deadline_ns);
		call->result = TRUE;
		break;
	}
}

void device_call_free(Call *call)
{
	g_clear_error(&call->error);
	if (call->items)
		g_ptr_array_unref(call->items);
	g_free(call);
}

static void serve_call(Device *device)
{
	pthread_mutex_lock(&device->call_lock);
	Call *call = device->call && !device->call->done ? device->call : NULL;
	pthread_mutex_unlock(&device->call_lock);
	if (!call)
		return;
	run_call(device, call);
	pthread_mutex_lock(&device->call_lock);
	call->done = true;
	if (call->abandoned) {
		device->call = NULL;
		device_call_free(call);
	}
	pthread_cond_broadcast(&device->call_changed);
	pthread_mutex_unlock(&device->call_lock);
}

/* ---- the turn ---- */

static void keep_alive(Device *device, int64_t now_ns)
{
	if (!device->ops->keep_alive || now_ns < device->next_keep_alive_ns)
		return;
	if (device->last_keep_alive_ns) {
		int64_t gap = now_ns - device->last_keep_alive_ns;
		if (gap > device->host.stats.worst_keep_alive_gap_ns)
			device->host.stats.worst_keep_alive_gap_ns = gap;
	}
	device->last_keep_alive_ns = now_ns;
	device->next_keep_alive_ns = now_ns + DEVICE_KEEP_ALIVE_NS;
	device->ops->keep_alive(device->self, now_ns);
}

static void poll_device(Device *device, int64_t now_ns, bool readable)
{
	if (!readable && now_ns < device->next_poll_ns)
		return;
	if (device->next_poll_ns && device->next_poll_ns <= now_ns) {
		int64_t late = now_ns - device->next_poll_ns;
		if (late > device->host.stats.worst_poll_lateness_ns)
			device->host.stats.worst_poll_lateness_ns = late;
	}
	device->next_poll_ns =
		device->ops->poll ? device->ops->poll(device->self, now_ns) : CLOCK_NEVER;
}

static int64_t next_due(Device *device)
{
	int64_t next = lost(device) ? CLOCK_NEVER : device->next_poll_ns;
	if (device->ops->keep_alive && !lost(device))
		next = MIN(next, device->next_keep_alive_ns);
	for (size_t i = 0; i < device->n_waiting; i++)
		next = MIN(next, device->waiting[i].at_ns);
	return next;
}

int64_t device_turn(Device *device, int64_t now_ns, bool readable)
{
	DeviceCommand command;
	if (atomic_exchange(&device->want_safe, false))
		device_do_safe(device, now_ns + CLOCK_S, NULL);
	serve_call(device);
	/* Keep-alive before commands that may block, and after: the gap is then one command at most. */
	if (!lost(device))
		keep_alive(device, now_ns);
	while (ring_pop(device->commands, &command)) {
		accept_command(device, &command, now_ns);
		if (!device->threadless)
			now_ns = clock_now(device->host.clock);
	}
	run_due(device, now_ns);
	if (!lost(device))
		poll_device(device, now_ns, readable);
	if (lost(device))
		refuse_all(device, DEVICE_FAILED, "the link is lost");
	return next_due(device);
}

/* True when the driver's descriptor is readable. */
static bool wait_for_work(Device *device, int64_t until_ns)
{
	int fd = lost(device) || !device->ops->fd ? -1 : device->ops->fd(device->self);
	struct pollfd p[2] = {{.fd = device->wake_fd, .events = POLLIN},
			      {.fd = fd, .events = POLLIN}};
	int64_t now = clock_now(device->host.clock);
	int64_t left = CLAMP(until_ns - now, 0, IDLE_NS);
	struct timespec timeout = {.tv_sec = left / CLOCK_S, .tv_nsec = left % CLOCK_S};
	if (ppoll(p, 2, &timeout, NULL) <= 0)
		return false;
	uint64_t count;
	if (p[0].revents && read(device->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
		return false;
	return p[1].revents != 0;
}

void *device_thread(void *user)
{
	Device *device = user;
	bool readable = false;
	if (device->ops->urgent)
		thread_realtime(
			THREAD_NODE); /* the executor, more urgent, says whether it is allowed */
	while (!atomic_load(&device->quit)) {
		int64_t next = device_turn(device, clock_now(device->host.clock), readable);
		readable = wait_for_work(device, next);
	}
	return NULL;
}
