/* The driver of our own node: device verbs on top of node_session.c. */
#include "node.h"

#include <math.h>
#include <stdio.h>

#define OPEN_NS (5 * CLOCK_S)
#define GROUPS ((1u << PROTO_GROUPS) - 1)
#define REACT_NS (100 * CLOCK_MS)
#define POLL_NS (5 * CLOCK_MS)
#define HEALTH_NS (500 * CLOCK_MS)
#define U_CLOCK_NEEDED_NS 2e6
#define LATE_NS (PROTO_LEASE_US * CLOCK_US) /* between two keep-alives: the lease has run out */

/* ---- channels ------------------------------------------------------------------------------------------------------ */

static void add_register(NodeDevice *self, const ProtoRegister *r)
{
	DeviceChannel c = {.lo = r->lo, .hi = r->hi, .safe = NAN};
	g_strlcpy(c.name, r->name, sizeof c.name);
	g_strlcpy(c.unit, r->unit, sizeof c.unit);
	c.writable = c.timed = r->access == PROTO_ACCESS_TIMED;
	c.readable = r->access != PROTO_ACCESS_WRITE;
	c.boolean = r->lo == 0 && r->hi == 1;
	if (c.writable)
		c.safe = r->safe;
	c.max_on_ns = (int64_t)r->max_on_ms * CLOCK_MS;
	if (r->reg >= PROTO_REG_ADC0 && r->reg <= PROTO_REG_ADC3)
		c.period_ns = (int64_t)PROTO_ADC_PERIOD_MS * CLOCK_MS;
	/* The regression's own uncertainty, and steps of the clock up to NODE_STEP_NS that are taken as an event, not as a
	 * fault: half-width of a rectangular distribution (GUM 4.3.7). */
	c.u_clock_s = hypot(250e-6, (double)NODE_STEP_NS * 1e-9 / sqrt(3));
	int channel = device_host_add_channel(self->host, &c);
	self->channel_of[r->reg] = channel;
	self->register_of[channel] = r->reg;
}

static void add_health(NodeDevice *self)
{
	static const struct {
		const char *name, *unit;
	} health[NODE_HEALTH_COUNT] = {
		[NODE_HEALTH_OFFSET] = {"clock.offset", "s"},
		[NODE_HEALTH_DRIFT] = {"clock.drift", "ppm"},
		[NODE_HEALTH_U] = {"clock.u", "s"},
		[NODE_HEALTH_DAMAGED] = {"link.damaged", "1"},
		[NODE_HEALTH_MISSED] = {"link.missed", "1"},
		[NODE_HEALTH_REPEATED] = {"link.repeated", "1"},
		[NODE_HEALTH_RESENT] = {"link.resent", "1"},
		[NODE_HEALTH_ECHOED] = {"link.echoed", "1"},
		[NODE_HEALTH_BOOTS] = {"boots", "1"},
	};
	for (int i = 0; i < NODE_HEALTH_COUNT; i++) {
		DeviceChannel c = {.lo = -INFINITY,
				   .hi = INFINITY,
				   .safe = NAN,
				   .readable = true,
				   .period_ns = HEALTH_NS};
		g_strlcpy(c.name, health[i].name, sizeof c.name);
		g_strlcpy(c.unit, health[i].unit, sizeof c.unit);
		self->health[i] = device_host_add_channel(self->host, &c);
		self->register_of[self->health[i]] = -1;
	}
}

static bool is_status_only(const ProtoRegister *r)
{
	return r->reg == PROTO_REG_RESET || r->reg == PROTO_REG_STREAM ||
	       r->reg == PROTO_REG_BOOTS || r->reg == PROTO_REG_CAUSE ||
	       r->reg == PROTO_REG_AXES_STREAM || r->access == PROTO_ACCESS_MOVE ||
	       r->reg == PROTO_REG_EDGES || r->reg == PROTO_REG_ADC_PERIOD ||
	       (r->reg >= PROTO_REG_ADC0_OVERSAMPLE && r->reg <= PROTO_REG_ADC3_OVERSAMPLE);
}

static void add_channels(NodeDevice *self)
{
	memset(self->channel_of, -1, sizeof self->channel_of);
	for (size_t i = 0; i < proto_register_count; i++)
		if (proto_board_has(self->board, proto_registers[i].reg) &&
		    !is_status_only(&proto_registers[i]))
			add_register(self, &proto_registers[i]);
	node_axis_add(self);
	add_health(self);
}

void node_tell(NodeDevice *self, int channel, int64_t t_ns, double value, SampleStatus status)
{
	if (channel >= 0 && device_host_setup(self->host, channel)->sampled)
		device_host_sample(self->host, channel, t_ns, value, status);
}

/* ---- open, close ---------------------------------------------------------------------------------------------------- */

static void *node_open(DeviceHost *host, const DeviceConfig *config, GError **error)
{
	NodeDevice *self = g_new0(NodeDevice, 1);
	self->host = host;
	self->name = device_host_name(host);
	self->threadless = config->threadless;
	self->asymmetry_ns = config->asymmetry_ns ? (double)config->asymmetry_ns : (double)NAN;
	self->bytes = config->byte_link ? config->byte_link
					: byte_link_open(config->link, PROTO_BAUD, error);
	if (!self->bytes ||
	    !node_session_open(self, clock_now(clock_monotonic()) + OPEN_NS, error)) {
		byte_link_close(self->bytes);
		g_free(self);
		return NULL;
	}
	add_channels(self);
	self->last_pong_ns = node_session_now(self);
	const ProtoHello *h = &self->hello;
	device_host_identify(host,
			     "Anzenbench node %s firmware %u.%u.%u schema %08x boot %u cause %u",
			     h->board, h->firmware[0], h->firmware[1], h->firmware[2],
			     h->schema_hash, h->boot_count, h->boot_cause);
	return self;
}

static void node_close(void *ptr)
{
	NodeDevice *self = ptr;
	byte_link_close(self->bytes);
	g_free(self);
}

/* ---- what the outputs do, as a signal ---- */

static void note_output(NodeDevice *self, int reg, double value)
{
	int out = reg - PROTO_REG_OUT0;
	if (out >= 0 && out < PROTO_OUTPUTS)
		self->energised[out] = value != proto_register_by_id((uint8_t)reg)->safe;
}

/* Commands are told by the core with their reply; here is what the node did by itself. */
static void tell_output(NodeDevice *self, int reg, int64_t t_ns, double value)
{
	note_output(self, reg, value);
	device_host_sample(self->host, self->channel_of[reg], t_ns, value, SAMPLE_OK);
}

/* The node has put all of them to SAFE at t_ns. */
static void tell_all_safe(NodeDevice *self, int64_t t_ns)
{
	for (int out = 0; out < PROTO_OUTPUTS; out++)
		if (self->energised[out])
			tell_output(self, PROTO_REG_OUT0 + out, t_ns,
				    proto_register_by_id((uint8_t)(PROTO_REG_OUT0 + out))->safe);
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

NodePending *node_pending_new(NodeDevice *self, const DeviceCommand *command)
{
	for (int i = 0; i < NODE_PENDING; i++) {
		NodePending *p = &self->pending[i];
		if (p->used)
			continue;
		if (!++self->tag)
			self->tag = 1;
		*p = (NodePending){true, self->tag, *command};
		return p;
	}
	return NULL;
}

void node_refuse(NodeDevice *self, const DeviceCommand *command, DeviceStatus status,
		 const char *why)
{
	char message[120];
	snprintf(message, sizeof message, "%s: %s", self->name, why);
	device_host_reply(self->host, command, status, node_session_now(self), 0, message);
}

uint64_t node_reaction_ticks(NodeDevice *self)
{
	return node_clock_ticks(&self->clock, node_session_now(self) + REACT_NS);
}

static void node_command(void *ptr, const DeviceCommand *command)
{
	NodeDevice *self = ptr;
	int reg = self->register_of[command->channel];
	const DeviceChannel *channel = device_host_channel(self->host, command->channel);
	if (reg >= 0 && channel->writable && node_axis_command(self, command, reg))
		return;
	if (reg < 0 || !channel->writable) {
		node_refuse(self, command, DEVICE_REFUSED, "cannot be written");
		return;
	}
	if (!proto_link_room(&self->link)) {
		node_refuse(self, command, DEVICE_REFUSED,
			    "its link is too busy to take another command in time");
		return;
	}
	NodePending *p = node_pending_new(self, command);
	if (!p) {
		node_refuse(self, command, DEVICE_REFUSED, "too many commands wait for their time");
		return;
	}
	ProtoWrite w = {
		.tag = p->tag, .reg = (uint8_t)reg, .value = (int32_t)lround(command->value)};
	if (command->at_ns == DEVICE_SOONEST)
		w.flags = PROTO_WRITE_SOONEST;
	w.at = w.flags ? node_reaction_ticks(self) : node_clock_ticks(&self->clock, command->at_ns);
	uint8_t bytes[PROTO_PAYLOAD];
	proto_link_post(&self->link, bytes, proto_write_put(&w, bytes));
	node_session_pump(self, 0);
}

static DeviceStatus status_of(uint8_t refusal)
{
	return refusal == PROTO_REFUSED_LATE ? DEVICE_LATE : DEVICE_REFUSED;
}

void node_on_reply(NodeDevice *self, const ProtoReply *reply)
{
	if (reply->msg == PROTO_MSG_QUEUED)
		return;
	for (int i = 0; i < NODE_PENDING; i++) {
		NodePending *p = &self->pending[i];
		if (!p->used || p->tag != reply->tag)
			continue;
		p->used = false;
		int64_t t = node_clock_bench(&self->clock, reply->at);
		if (reply->msg == PROTO_MSG_DONE) {
			int64_t u = (int64_t)ceil(node_clock_u_ns(&self->clock, reply->at));
			note_output(self, reply->reg, reply->value);
			int axis = reply->reg - PROTO_REG_AXIS0;
			if (axis >= 0 && axis < PROTO_AXES) { /* after what was told on the way */
				t = MAX(t, self->axis[axis].last_ns + 1);
				self->axis[axis].last_ns = t;
			}
			device_host_reply(self->host, &p->command, DEVICE_DONE, t, u, "");
		} else {
			node_refuse(self, &p->command, status_of((uint8_t)reply->value),
				    proto_refusal_text((uint8_t)reply->value));
		}
		return;
	}
}

static void fail_pending(NodeDevice *self, const char *why)
{
	for (int i = 0; i < NODE_PENDING; i++)
		if (self->pending[i].used) {
			self->pending[i].used = false;
			node_refuse(self, &self->pending[i].command, DEVICE_FAILED, why);
		}
}

/* ---- what the node tells -------------------------------------------------------------------------------------------- */

/* Told by an event, and again by every pong until the next clearing: whichever comes first. */
static void on_tripped(NodeDevice *self, uint8_t reason, uint64_t at)
{
	self->armed = false;
	if (self->tripped_at == at)
		return;
	self->tripped_at = at;
	int64_t t = node_clock_bench(&self->clock, at);
	tell_all_safe(self, t);
	device_host_fault(self->host, -1, t, CLOCK_NEVER, "%s: interlock: %s", self->name,
			  proto_reason_text(reason));
}

void node_on_event(NodeDevice *self, const ProtoEventMsg *event)
{
	int64_t t = node_clock_bench(&self->clock, event->at);
	const ProtoRegister *r = proto_register_by_id(event->source);
	char json[200], name[48];
	snprintf(json, sizeof json, "{\"source\":\"%s\",\"detail\":%u,\"u_ns\":%.0f}",
		 event->event == PROTO_EVENT_TRIPPED ? proto_reason_name(event->source)
		 : r                                 ? r->name
						     : "",
		 event->detail, node_clock_u_ns(&self->clock, event->at));
	g_autofree char *lower = g_ascii_strdown(proto_event_name(event->event), -1);
	snprintf(name, sizeof name, "%s", lower);
	device_host_event(self->host, name, t, json);
	switch (event->event) {
	case PROTO_EVENT_TRIPPED:
		on_tripped(self, event->source, event->at);
		break;
	case PROTO_EVENT_EXPIRED:
		if (r)
			tell_output(self, r->reg, t, r->safe);
		break;
	case PROTO_EVENT_INPUT:
		if (r)
			node_tell(self, self->channel_of[r->reg], t, event->detail, SAMPLE_OK);
		break;
	case PROTO_EVENT_AXIS_LOST:
		node_axis_lost(self, event->source, t, (uint8_t)event->detail);
		break;
	case PROTO_EVENT_STALE_WORD:
		device_host_fault(self->host, -1, t, t,
				  "%s: a keep-alive arrived %.1f ms after it was sent: the host or "
				  "its link hung",
				  self->name, event->detail * 1e3 / self->hello.tick_hz);
		break;
	case PROTO_EVENT_EVENTS_LOST:
		device_host_fault(self->host, -1, t, t, "%s: it had to drop %u events", self->name,
				  event->detail);
		break;
	}
}

static void tell_inputs(NodeDevice *self, const ProtoPong *pong, int64_t now)
{
	node_tell(self, self->channel_of[PROTO_REG_STATE], now, pong->state, SAMPLE_OK);
	node_tell(self, self->channel_of[PROTO_REG_REASON], now, pong->reason, SAMPLE_OK);
	node_tell(self, self->channel_of[PROTO_REG_LEASES], now, pong->leases, SAMPLE_OK);
	node_tell(self, self->channel_of[PROTO_REG_ESTOP], now,
		  pong->inputs & PROTO_INPUT_ESTOP ? 1 : 0, SAMPLE_OK);
	node_tell(self, self->channel_of[PROTO_REG_TRIP], now,
		  pong->inputs & PROTO_INPUT_TRIP ? 1 : 0, SAMPLE_OK);
	for (int i = 0; i < 4; i++)
		node_tell(self, self->channel_of[PROTO_REG_IN0 + i], now,
			  pong->inputs >> (4 + i) & 1, SAMPLE_OK);
}

static void tell_health(NodeDevice *self, const ProtoPong *pong, int64_t now)
{
	double value[NODE_HEALTH_COUNT] = {
		[NODE_HEALTH_OFFSET] =
			((double)now - (double)pong->received * self->clock.nominal_ns) * 1e-9,
		[NODE_HEALTH_DRIFT] = node_clock_drift_ppm(&self->clock),
		[NODE_HEALTH_U] = node_clock_u_ns(&self->clock, pong->received) * 1e-9,
		[NODE_HEALTH_DAMAGED] = pong->damaged + self->link.counts.damaged,
		[NODE_HEALTH_MISSED] = pong->missed + self->link.counts.missed,
		[NODE_HEALTH_REPEATED] = pong->repeated + self->link.counts.repeated,
		[NODE_HEALTH_RESENT] = self->link.counts.resent,
		[NODE_HEALTH_ECHOED] = self->link.counts.echoed,
		[NODE_HEALTH_BOOTS] = self->hello.boot_count,
	};
	for (int i = 0; i < NODE_HEALTH_COUNT; i++)
		node_tell(self, self->health[i], now, value[i], SAMPLE_OK);
}

void node_on_pong(NodeDevice *self, int64_t now)
{
	const ProtoPong *pong = &self->pong;
	DeviceStats *stats = device_host_stats(self->host);
	stats->clock_u_ns = (int64_t)ceil(node_clock_u_ns(&self->clock, pong->received));
	stats->bad_replies = self->link.counts.damaged;
	stats->retries = self->link.counts.resent;
	if (self->armed && pong->state == PROTO_STATE_FAULTED)
		on_tripped(self, pong->reason, pong->tripped_at);
	if (!self->started || now - self->last_health_ns < HEALTH_NS)
		return;
	self->last_health_ns = now;
	tell_inputs(self, pong, now);
	tell_health(self, pong, now);
}

void node_on_restart(NodeDevice *self, const ProtoHello *before)
{
	bool was_armed = self->armed;
	self->armed = false;
	fail_pending(self, "the node restarted");
	int64_t now = node_session_now(self);
	if (before->boot_count != self->hello.boot_count)
		device_host_fault(self->host, -1, now, CLOCK_NEVER,
				  "%s: it restarted (boot %u to %u, cause %s)", self->name,
				  before->boot_count, self->hello.boot_count,
				  self->hello.boot_cause & PROTO_CAUSE_WATCHDOG    ? "watchdog"
				  : self->hello.boot_cause & PROTO_CAUSE_BROWN_OUT ? "brown-out"
				  : self->hello.boot_cause & PROTO_CAUSE_EXTERNAL  ? "reset pin"
										   : "power-on");
	else if (was_armed)
		device_host_fault(self->host, -1, now, CLOCK_NEVER, "%s: the link was interrupted",
				  self->name);
	node_inputs_restarted(self); /* signals go on; acting needs a new arming */
	if (self->axes_streaming)
		node_axis_stream(self);
}

void node_on_lost(NodeDevice *self, const char *why)
{
	if (self->lost)
		return;
	self->lost = true;
	self->armed = false;
	fail_pending(self, "the link is gone; the node is safe by its own lease");
	device_host_lost(self->host, "%s: %s", self->name, why);
}

/* ---- verbs ------------------------------------------------------------------------------------------------------------ */

static gboolean node_make_safe(void *ptr, int64_t deadline_ns, GError **error)
{
	NodeDevice *self = ptr;
	self->armed = false;
	uint8_t bytes[3] = {PROTO_MSG_SAFE};
	if (!++self->tag)
		self->tag = 1;
	proto_put16(bytes + 1, self->tag);
	if (!node_session_ask(self, bytes, sizeof bytes, self->tag, deadline_ns, error))
		return FALSE;
	tell_all_safe(self, node_clock_bench(&self->clock, self->answer.at));
	return TRUE;
}

static gboolean node_start(void *ptr, GError **error)
{
	NodeDevice *self = ptr;
	self->started = true;
	self->last_pong_ns = node_session_now(self);
	self->last_health_ns = 0;
	self->axes_streaming = node_axis_wanted(self);
	if (self->axes_streaming &&
	    !node_session_write(self, PROTO_REG_AXES_STREAM, 1,
				clock_now(clock_monotonic()) + CLOCK_S, error))
		return FALSE;
	return node_inputs_start(self, true, error);
}

static void node_stop(void *ptr)
{
	NodeDevice *self = ptr;
	bool axes = self->axes_streaming;
	self->started = self->streaming = self->axes_streaming = false;
	if (self->captured && !self->lost)
		node_session_write(self, PROTO_REG_EDGES, 0,
				   clock_now(clock_monotonic()) + 200 * CLOCK_MS, NULL);
	if (axes && !self->lost)
		node_session_write(self, PROTO_REG_AXES_STREAM, 0,
				   clock_now(clock_monotonic()) + 200 * CLOCK_MS, NULL);
	if (!self->lost)
		node_session_write(self, PROTO_REG_STREAM, 0,
				   clock_now(clock_monotonic()) + 200 * CLOCK_MS, NULL);
}

static int64_t node_poll(void *ptr, int64_t now_ns)
{
	NodeDevice *self = ptr;
	node_session_pump(self, 0);
	if (self->started && !self->lost)
		node_session_watch(self, now_ns);
	return now_ns + POLL_NS;
}

static int node_fd(void *ptr)
{
	NodeDevice *self = ptr;
	return byte_link_fd(self->bytes);
}

static void node_keep_alive(void *ptr, int64_t now_ns)
{
	NodeDevice *self = ptr;
	int64_t gap = now_ns - self->last_ping_ns;
	if (self->armed && gap > LATE_NS)
		device_host_fault(
			self->host, -1, self->last_ping_ns, now_ns,
			"%s: this host was late with its keep-alive: %.0f ms instead of %.0f ms",
			self->name, (double)gap / CLOCK_MS,
			(double)DEVICE_KEEP_ALIVE_NS / CLOCK_MS);
	node_session_ping(self, self->armed ? GROUPS : 0);
}

static gboolean node_setup(void *ptr, int channel, const DeviceSetup *setup, GError **error)
{
	NodeDevice *self = ptr;
	int reg = self->register_of[channel], out = reg - PROTO_REG_OUT0;
	gboolean ok = TRUE;
	if (node_axis_setup(self, channel, setup, &ok, error))
		return ok;
	if (!node_inputs_setup(self, reg, setup, error))
		return FALSE;
	if (!setup->max_on_ns)
		return TRUE;
	if (out < 0 || out >= PROTO_OUTPUTS) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: %s has no max_on: it cannot hurt", self->name,
			    device_host_channel(self->host, channel)->name);
		return FALSE;
	}
	int64_t deadline = clock_now(clock_monotonic()) + CLOCK_S;
	int32_t ms = (int32_t)MAX(setup->max_on_ns / CLOCK_MS, 1), got = 0;
	uint8_t limit = (uint8_t)(PROTO_REG_LIMIT0 + out);
	if (!node_session_write(self, limit, ms, deadline, error)) {
		g_prefix_error(error,
			       "%s max_on %d ms: the firmware's ceiling is lower, or it was "
			       "lowered before: ",
			       device_host_channel(self->host, channel)->name, ms);
		return FALSE;
	}
	if (!node_session_read(self, limit, deadline, &got, error))
		return FALSE;
	if (got == ms)
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		    "%s: max_on of %s reads back %d ms instead of %d ms", self->name,
		    device_host_channel(self->host, channel)->name, got, ms);
	return FALSE;
}

static bool leased(NodeDevice *self, int64_t deadline_ns)
{
	for (int turn = 0; turn < 500 && !self->lost; turn++) {
		uint32_t had = self->pongs;
		node_session_ping(self, GROUPS);
		for (int i = 0; i < 20 && self->pongs == had; i++)
			if (!node_session_pump(self, clock_now(clock_monotonic()) + CLOCK_MS))
				return false;
		if (self->pong.leases == GROUPS)
			return true;
		if (!self->threadless && clock_now(clock_monotonic()) >= deadline_ns)
			return false;
	}
	return false;
}

static gboolean node_arm(void *ptr, int64_t deadline_ns, GError **error)
{
	NodeDevice *self = ptr;
	if (!node_session_write(self, PROTO_REG_RESET, 0, deadline_ns, error) ||
	    !node_session_write(self, PROTO_REG_RESET, 1, deadline_ns, error))
		return FALSE;
	if (!leased(self, deadline_ns)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: it does not take our keep-alives: its clock or link is not right "
			    "(clock u %.3f ms)",
			    self->name, node_clock_u_ns(&self->clock, self->pong.received) / 1e6);
		return FALSE;
	}
	self->armed = true;
	return TRUE;
}

static void node_preflight(void *ptr, GPtrArray *items, int64_t deadline_ns)
{
	NodeDevice *self = ptr;
	int32_t estop = 1, trip = 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = g_strdup_printf("%s: answers", self->name);
	g_autofree char *loop = g_strdup_printf("%s: e-stop loop closed", self->name);
	g_autofree char *line = g_strdup_printf("%s: trip line closed", self->name);
	g_autofree char *timing = g_strdup_printf("%s: clock known to 2 ms", self->name);
	bool ok = node_session_read(self, PROTO_REG_ESTOP, deadline_ns, &estop, &error) &&
		  node_session_read(self, PROTO_REG_TRIP, deadline_ns, &trip, &error);
	g_ptr_array_add(items, device_item_new(ok, answer, "%s", ok ? "" : error->message));
	if (!ok)
		return;
	double u = node_clock_u_ns(&self->clock,
				   node_clock_ticks(&self->clock, node_session_now(self)));
	g_ptr_array_add(
		items,
		device_item_new(
			!estop, loop,
			"release the e-stop button, or check its wiring (pin 21 to ground)"));
	g_ptr_array_add(
		items,
		device_item_new(
			!trip, line,
			"close the doors and guards, or check the trip line (pin 20 to ground)"));
	g_ptr_array_add(items, device_item_new(u < U_CLOCK_NEEDED_NS, timing,
					       "its clock is known to %.2f ms only: is the USB bus "
					       "or this machine overloaded?",
					       u / 1e6));
	node_axis_preflight(self, items, deadline_ns);
}

const DeviceOps device_node_ops = {
	.open = node_open,
	.close = node_close,
	.make_safe = node_make_safe,
	.command = node_command,
	.start = node_start,
	.stop = node_stop,
	.poll = node_poll,
	.fd = node_fd,
	.keep_alive = node_keep_alive,
	.setup = node_setup,
	.arm = node_arm,
	.urgent = true,
	.preflight = node_preflight,
};
