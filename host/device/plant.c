/* plant: the stand-in for every driver in lock-step. Channels, ranges and units are those of the real device; the
 * world tells what is on the wire (volts, register units), and the map's scale is applied here as the real driver does. */
#include "internal.h"

#include <anzen/media.h>
#include <math.h>
#include <string.h>

typedef struct {
	char *port_name;
	double scale, offset;
	bool whole;
	int64_t due_ns, on_since_ns;
	bool away;    /* from its safe value, since on_since_ns */
	double value; /* last written */
	uint64_t frames;
	MediaWatch watch; /* frames: does the camera still show anything new? */
	bool frozen, black, lost,
		lit; /* lit: it has shown something before; a room is dark until its lamp is on */
	int64_t seen_ns;
} PlantChannel;

typedef struct {
	DeviceHost *host;
	PlantPort *port;
	char *camera;
	GPtrArray *channels; /* PlantChannel* */
} Plant;

static void channel_free(void *data)
{
	PlantChannel *c = data;
	g_free(c->port_name);
	g_free(c);
}

static void plant_close(void *user)
{
	Plant *self = user;
	g_ptr_array_unref(self->channels);
	g_free(self->camera);
	g_free(self);
}

static void *plant_open(DeviceHost *host, const DeviceConfig *config, GError **error)
{
	if (!config->plant || config->n_plant_channels == 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: no world in this process",
			    config->name);
		return NULL;
	}
	Plant *self = g_new0(Plant, 1);
	self->host = host;
	self->port = config->plant;
	self->camera = g_strdup(config->name);
	self->channels = g_ptr_array_new_with_free_func(channel_free);
	for (size_t i = 0; i < config->n_plant_channels; i++) {
		PlantChannel *c = g_new0(PlantChannel, 1);
		const DevicePlantChannel *want = &config->plant_channels[i];
		c->port_name = g_strdup(want->port);
		c->scale = want->scale;
		c->offset = want->offset;
		c->whole = want->whole;
		g_ptr_array_add(self->channels, c);
		device_host_add_channel(host, &want->channel);
	}
	device_host_identify(host, "plant device %s (lock-step stand-in)", config->name);
	return self;
}

static gboolean write_wire(Plant *self, PlantChannel *c, double value)
{
	return self->port->write(self->port, c->port_name, (value - c->offset) / c->scale);
}

static void turn_off(Plant *self, int index, int64_t t_ns)
{
	PlantChannel *c = g_ptr_array_index(self->channels, index);
	const DeviceChannel *info = device_host_channel(self->host, index);
	c->away = false;
	c->value = info->safe;
	write_wire(self, c, info->safe);
	device_host_sample(self->host, index, t_ns, info->safe, SAMPLE_OK);
}

static gboolean plant_make_safe(void *user, int64_t deadline_ns, GError **error)
{
	Plant *self = user;
	(void)deadline_ns;
	(void)error;
	for (guint i = 0; i < self->channels->len; i++) {
		const DeviceChannel *info = device_host_channel(self->host, (int)i);
		if (info->writable && !isnan(info->safe))
			turn_off(self, (int)i, clock_now(device_host_clock(self->host)));
	}
	return TRUE;
}

static void plant_command(void *user, const DeviceCommand *command)
{
	Plant *self = user;
	PlantChannel *c = g_ptr_array_index(self->channels, command->channel);
	const DeviceChannel *info = device_host_channel(self->host, command->channel);
	int64_t now = clock_now(device_host_clock(self->host));
	if (!write_wire(self, c, command->value)) {
		device_host_reply(self->host, command, DEVICE_FAILED, now, 0,
				  "the world has no such channel");
		return;
	}
	c->value = command->value;
	bool away = !isnan(info->safe) && command->value != info->safe;
	if (away && !c->away)
		c->on_since_ns = now;
	c->away = away;
	device_host_reply(self->host, command, DEVICE_DONE, now, 0, NULL);
}

static gboolean plant_start(void *user, GError **error)
{
	Plant *self = user;
	(void)error;
	for (guint i = 0; i < self->channels->len; i++)
		((PlantChannel *)g_ptr_array_index(self->channels, i))->due_ns =
			clock_now(device_host_clock(self->host));
	return TRUE;
}

static void plant_stop(void *user)
{
	(void)user;
}

static void read_one(Plant *self, int index, PlantChannel *c, int64_t t_ns)
{
	double wire = (double)NAN;
	bool known = self->port->read(self->port, c->port_name, &wire);
	double value = wire * c->scale + c->offset;
	if (c->whole)
		value = floor(value);
	device_host_sample(self->host, index, t_ns, value, known ? SAMPLE_OK : SAMPLE_MISSING);
}

/* The rendered sensor has noise, and nothing is coded in between: equal pictures are a camera that stands still. */
static void watch_picture(Plant *self, int index, PlantChannel *c, const Frame *frame)
{
	const char *name = device_host_name(self->host);
	media_watch_feed(&c->watch, frame);
	if (c->watch.frozen && !c->frozen)
		device_host_fault(self->host, index, c->watch.since_ns, CLOCK_NEVER,
				  "%s froze: the first of %u equal pictures", name,
				  c->watch.equal + 1);
	c->lit = c->lit || !c->watch.black;
	if (c->watch.black && !c->black && c->lit)
		device_host_fault(self->host, index, frame->capture_ns, CLOCK_NEVER,
				  "%s is black: is its lens covered?", name);
	c->frozen = c->watch.frozen;
	c->black = c->watch.black;
}

static void see(Plant *self, int index, PlantChannel *c, int64_t t_ns)
{
	Frame frame = {0};
	if (!self->port->render || !self->port->render(self->port, self->camera, &frame)) {
		if (c->frames > 0 && !c->lost)
			device_host_fault(self->host, index, c->seen_ns, CLOCK_NEVER,
					  "%s gives no pictures any more",
					  device_host_name(self->host));
		c->lost = true;
		return;
	}
	c->seen_ns = t_ns;
	frame.capture_ns = frame.receipt_ns = t_ns;
	frame.sequence = c->frames++;
	frame.key = true;
	watch_picture(self, index, c, &frame);
	device_host_frame(self->host, index, &frame);
}

/* The compiled maximum of a node's output, which the real board keeps by itself. */
static int64_t watch_maximum(Plant *self, int index, PlantChannel *c, int64_t now_ns)
{
	const DeviceChannel *info = device_host_channel(self->host, index);
	int64_t limit = device_host_setup(self->host, index)->max_on_ns;
	if (!limit)
		limit = info->max_on_ns;
	if (!limit || !c->away)
		return CLOCK_NEVER;
	if (now_ns < c->on_since_ns + limit)
		return c->on_since_ns + limit;
	turn_off(self, index, now_ns);
	return CLOCK_NEVER;
}

static int64_t plant_poll(void *user, int64_t now_ns)
{
	Plant *self = user;
	int64_t next = CLOCK_NEVER;
	for (int i = 0; i < (int)self->channels->len; i++) {
		PlantChannel *c = g_ptr_array_index(self->channels, i);
		const DeviceSetup *setup = device_host_setup(self->host, i);
		next = MIN(next, watch_maximum(self, i, c, now_ns));
		if (!setup->sampled || setup->period_ns <= 0)
			continue;
		if (c->due_ns <= now_ns) {
			if (device_host_channel(self->host, i)->frames)
				see(self, i, c, now_ns);
			else
				read_one(self, i, c, now_ns);
			c->due_ns += setup->period_ns;
		}
		next = MIN(next, c->due_ns);
	}
	return next;
}

const DeviceOps plant_device_ops = {.open = plant_open,
				    .close = plant_close,
				    .make_safe = plant_make_safe,
				    .command = plant_command,
				    .start = plant_start,
				    .stop = plant_stop,
				    .poll = plant_poll};
