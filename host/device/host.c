/* What drivers may tell: samples, events, frames, faults, replies. */
#include "internal.h"

#include <math.h>
#include <string.h>

static const char *const status_names[] = {
	[DEVICE_DONE] = "done",
	[DEVICE_LATE] = "late",
	[DEVICE_REFUSED] = "refused",
	[DEVICE_FAILED] = "failed",
};

const char *device_status_name(DeviceStatus status)
{
	return status_names[status];
}

Clock *device_host_clock(DeviceHost *host)
{
	return host->clock;
}

const char *device_host_name(DeviceHost *host)
{
	return host->name;
}

int device_host_add_channel(DeviceHost *host, const DeviceChannel *channel)
{
	DeviceSetup setup = {.period_ns = channel->period_ns};
	g_ptr_array_add(host->channels, g_memdup2(channel, sizeof *channel));
	g_array_append_val(host->setups, setup);
	return (int)host->channels->len - 1;
}

const DeviceChannel *device_host_channel(DeviceHost *host, int channel)
{
	return g_ptr_array_index(host->channels, channel);
}

const DeviceSetup *device_host_setup(DeviceHost *host, int channel)
{
	return &g_array_index(host->setups, DeviceSetup, channel);
}

void device_host_identify(DeviceHost *host, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_free(host->identity);
	host->identity = g_strdup_vprintf(format, args);
	va_end(args);
}

DeviceStats *device_host_stats(DeviceHost *host)
{
	return &host->stats;
}

/* A number outside the channel's range is a bound at best; no number is nothing at all. */
static SampleStatus checked(const DeviceChannel *channel, double value, SampleStatus status)
{
	if (!isfinite(value))
		return SAMPLE_MISSING;
	if (status == SAMPLE_OK && (value < channel->lo || value > channel->hi))
		return SAMPLE_SATURATED;
	return status;
}

void device_host_sample(DeviceHost *host, int channel, int64_t t_ns, double value,
			SampleStatus status)
{
	const DeviceChannel *c = device_host_channel(host, channel);
	status = checked(c, value, status);
	pthread_mutex_lock(&host->stream_lock);
	host->stats.samples++;
	if (host->stream && host->stream->sample)
		host->stream->sample(host->stream, c->name, t_ns, value, status);
	pthread_mutex_unlock(&host->stream_lock);
}

void device_host_event(DeviceHost *host, const char *name, int64_t t_ns, const char *json)
{
	char full[96];
	g_snprintf(full, sizeof full, "%s.%s", host->name, name);
	pthread_mutex_lock(&host->stream_lock);
	if (host->stream && host->stream->event)
		host->stream->event(host->stream, full, t_ns, json);
	pthread_mutex_unlock(&host->stream_lock);
}

void device_host_frame(DeviceHost *host, int channel, const Frame *frame)
{
	const DeviceChannel *c = device_host_channel(host, channel);
	pthread_mutex_lock(&host->stream_lock);
	if (host->stream && host->stream->frame)
		host->stream->frame(host->stream, c->name, frame);
	pthread_mutex_unlock(&host->stream_lock);
}

static void send_fault(DeviceHost *host, int channel, int64_t t_ns, int64_t until_ns, char *cause)
{
	/* Everything a device can report is seen by the bench's own means: the product has no hand in it. */
	Fault fault = {.t_ns = t_ns,
		       .until_ns = until_ns,
		       .source = host->name,
		       .cause = cause,
		       .blame = BLAME_BENCH,
		       .proven = true};
	DeviceChannel *c = channel >= 0 ? g_ptr_array_index(host->channels, channel) : NULL;
	fault.signal = c ? c->name : NULL;
	if (host->stream && host->stream->fault)
		host->stream->fault(host->stream, &fault);
}

void device_host_fault(DeviceHost *host, int channel, int64_t t_ns, int64_t until_ns,
		       const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *cause = g_strdup_vprintf(format, args);
	va_end(args);
	pthread_mutex_lock(&host->stream_lock);
	send_fault(host, channel, t_ns, until_ns, cause);
	pthread_mutex_unlock(&host->stream_lock);
}

void device_host_lost(DeviceHost *host, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *cause = g_strdup_vprintf(format, args);
	va_end(args);
	pthread_mutex_lock(&host->stream_lock);
	if (!atomic_exchange(&host->lost, true)) {
		send_fault(host, -1, clock_now(host->clock), CLOCK_NEVER, cause);
		host->lost_why = g_steal_pointer(&cause);
	}
	pthread_mutex_unlock(&host->stream_lock);
}

void device_host_reply(DeviceHost *host, const DeviceCommand *command, DeviceStatus status,
		       int64_t t_ns, int64_t u_ns, const char *message)
{
	DeviceReply reply = {.id = command->id,
			     .channel = command->channel,
			     .status = status,
			     .value = command->value,
			     .t_ns = t_ns,
			     .u_ns = u_ns};
	g_strlcpy(reply.message, message ? message : "", sizeof reply.message);
	if (!ring_push(host->replies, &reply))
		host->stats.replies_lost++;
	/* What an output was set to is a signal of the session (origin: command), at its true time. */
	if (status == DEVICE_DONE)
		device_host_sample(host, command->channel, t_ns, command->value, SAMPLE_OK);
}

/* ---- preflight items ---- */

DeviceItem *device_item_new(bool ok, const char *name, const char *cure_format, ...)
{
	DeviceItem *item = g_new0(DeviceItem, 1);
	item->name = g_strdup(name);
	item->ok = ok;
	if (!ok) {
		va_list args;
		va_start(args, cure_format);
		item->cure = g_strdup_vprintf(cure_format, args);
		va_end(args);
	}
	return item;
}

void device_item_free(DeviceItem *item)
{
	if (!item)
		return;
	g_free(item->name);
	g_free(item->cure);
	g_free(item);
}
