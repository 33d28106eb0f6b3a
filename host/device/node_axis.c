/* The node driver's axes: moves, homing, where they are. */
#include "node.h"

#include <math.h>

static int add(NodeDevice *self, const char *axis, const char *part, int reg,
	       const DeviceChannel *like)
{
	DeviceChannel c = *like;
	g_snprintf(c.name, sizeof c.name, part ? "%s.%s" : "%s", axis, part);
	int channel = device_host_add_channel(self->host, &c);
	self->channel_of[reg] = channel;
	self->register_of[channel] = (int16_t)reg;
	return channel;
}

static void add_axis(NodeDevice *self, int i)
{
	const ProtoRegister *r = proto_register_by_id((uint8_t)(PROTO_REG_AXIS0 + i));
	const ProtoAxisFact *f = &proto_axis_facts[i];
	DeviceChannel position = {.unit = "step",
				  .lo = r->lo,
				  .hi = r->hi,
				  .safe = (double)NAN, /* it stays where it is */
				  .writable = true,
				  .readable = true,
				  .timed = true};
	DeviceChannel v = {
		.unit = "step/s", .lo = 1, .hi = f->max_v, .safe = (double)NAN, .writable = true};
	DeviceChannel a = {
		.unit = "step/s^2", .lo = 1, .hi = f->max_a, .safe = (double)NAN, .writable = true};
	DeviceChannel act = {.unit = "1",
			     .lo = 0,
			     .hi = 1,
			     .safe = (double)NAN,
			     .boolean = true,
			     .writable = true};
	position.u_clock_s = v.u_clock_s = a.u_clock_s =
		hypot(250e-6, (double)NODE_STEP_NS * 1e-9 / sqrt(3));
	act.u_clock_s = position.u_clock_s;
	self->axis[i].velocity = f->max_v;
	self->axis[i].acceleration = f->max_a;
	add(self, r->name, NULL, r->reg, &position);
	add(self, r->name, "velocity", NODE_AXIS_V0 + i, &v);
	add(self, r->name, "acceleration", NODE_AXIS_A0 + i, &a);
	add(self, r->name, "halt", NODE_AXIS_HALT0 + i, &act);
	act.timed = true;
	add(self, r->name, "home", NODE_AXIS_HOME0 + i, &act);
}

void node_axis_add(NodeDevice *self)
{
	for (int i = 0; i < PROTO_AXES; i++)
		if (proto_board_has(self->board, (uint8_t)(PROTO_REG_AXIS0 + i)))
			add_axis(self, i);
}

/* ---- commands --------------------------------------------------------------------------------------------------------- */

static void post(NodeDevice *self, const DeviceCommand *command, ProtoMove *move, int halt)
{
	uint8_t bytes[PROTO_PAYLOAD], n;
	NodePending *p = proto_link_room(&self->link) ? node_pending_new(self, command) : NULL;
	if (!p) {
		node_refuse(self, command, DEVICE_REFUSED,
			    "its link is too busy to take another command in time");
		return;
	}
	if (move) {
		move->tag = p->tag;
		move->at = move->flags & PROTO_WRITE_SOONEST
				   ? node_reaction_ticks(self)
				   : node_clock_ticks(&self->clock, command->at_ns);
		n = proto_move_put(move, bytes);
	} else {
		ProtoWrite w = {.tag = p->tag,
				.reg = (uint8_t)(PROTO_REG_AXIS_HALT0 + halt),
				.flags = PROTO_WRITE_SOONEST,
				.value = 1};
		n = proto_write_put(&w, bytes);
	}
	proto_link_post(&self->link, bytes, n);
	node_session_pump(self, 0);
}

static void move_axis(NodeDevice *self, const DeviceCommand *command, int i, bool home)
{
	const ProtoAxisFact *f = &proto_axis_facts[i];
	double v = home ? MIN(self->axis[i].velocity, f->home_v) : self->axis[i].velocity;
	ProtoMove move = {
		.axis = (uint8_t)i,
		.flags = (uint8_t)((command->at_ns == DEVICE_SOONEST ? PROTO_WRITE_SOONEST : 0) |
				   (home ? PROTO_MOVE_HOME : 0)),
		.target = home ? 0 : (int32_t)lround(command->value),
		.velocity = (uint32_t)floor(v), /* never faster than was said */
		.acceleration = (uint32_t)floor(self->axis[i].acceleration)};
	post(self, command, &move, 0);
}

bool node_axis_command(NodeDevice *self, const DeviceCommand *command, int reg)
{
	int i = reg & 7;
	switch (reg & ~7) {
	case PROTO_REG_AXIS0:
		move_axis(self, command, i, false);
		return true;
	case NODE_AXIS_V0:
	case NODE_AXIS_A0:
		*((reg & ~7) == NODE_AXIS_V0 ? &self->axis[i].velocity
					     : &self->axis[i].acceleration) = command->value;
		device_host_reply(self->host, command, DEVICE_DONE, node_session_now(self), 0, "");
		return true;
	case NODE_AXIS_HOME0:
	case NODE_AXIS_HALT0:
		if (command->value < 0.5)
			node_refuse(self, command, DEVICE_REFUSED, "only 1 does anything here");
		else if ((reg & ~7) == NODE_AXIS_HOME0)
			move_axis(self, command, i, true);
		else
			post(self, command, NULL, i);
		return true;
	}
	return false;
}

/* ---- what the node tells ------------------------------------------------------------------------------------------------ */

void node_on_axes(NodeDevice *self, const ProtoAxes *axes)
{
	int64_t t = node_clock_bench(&self->clock, axes->at);
	for (int i = 0; i < MIN(axes->axes, PROTO_AXES); i++) {
		int channel = self->channel_of[PROTO_REG_AXIS0 + i];
		bool known = axes->axis[i].state & PROTO_AXIS_KNOWN;
		if (channel < 0 || !device_host_setup(self->host, channel)->sampled)
			continue;
		int64_t when = MAX(t, self->axis[i].last_ns + 1);
		self->axis[i].last_ns = when;
		device_host_sample(self->host, channel, when,
				   known ? axes->axis[i].position : (double)NAN,
				   known ? SAMPLE_OK : SAMPLE_MISSING);
	}
}

void node_axis_lost(NodeDevice *self, uint8_t reg, int64_t t_ns, uint8_t why)
{
	int i = reg - PROTO_REG_AXIS0;
	if (i < 0 || i >= PROTO_AXES || self->channel_of[reg] < 0)
		return;
	int channel = self->channel_of[reg];
	int64_t t = MAX(t_ns, self->axis[i].last_ns + 1);
	if (device_host_setup(self->host, channel)->sampled) {
		self->axis[i].last_ns = t;
		device_host_sample(self->host, channel, t, (double)NAN, SAMPLE_MISSING);
	}
	device_host_fault(
		self->host, channel, t, CLOCK_NEVER,
		"%s: %s stopped in motion (%s): where it is is not known until it is homed",
		self->name, device_host_channel(self->host, channel)->name,
		proto_refusal_text(why));
}

bool node_axis_wanted(NodeDevice *self)
{
	for (int i = 0; i < PROTO_AXES; i++) {
		int channel = self->channel_of[PROTO_REG_AXIS0 + i];
		if (channel >= 0 && device_host_setup(self->host, channel)->sampled)
			return true;
	}
	return false;
}

void node_axis_stream(NodeDevice *self)
{
	uint8_t bytes[PROTO_PAYLOAD];
	ProtoWrite w = {.reg = PROTO_REG_AXES_STREAM, .flags = PROTO_WRITE_SOONEST, .value = 1};
	proto_link_post(&self->link, bytes, proto_write_put(&w, bytes));
}

/* ---- limits and state ---------------------------------------------------------------------------------------------- */

/* The firmware may be lowered for this session, never raised. */
static gboolean lower(NodeDevice *self, int channel, int reg, double limit, GError **error)
{
	int64_t deadline = clock_now(clock_monotonic()) + CLOCK_S;
	int32_t wanted = (int32_t)limit, got = 0;
	if (!node_session_write(self, (uint8_t)reg, wanted, deadline, error) ||
	    !node_session_read(self, (uint8_t)reg, deadline, &got, error)) {
		g_prefix_error(error, "limit %d of %s: ", wanted,
			       device_host_channel(self->host, channel)->name);
		return FALSE;
	}
	if (got == wanted)
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		    "%s: the limit of %s reads back %d instead of %d", self->name,
		    device_host_channel(self->host, channel)->name, got, wanted);
	return FALSE;
}

bool node_axis_setup(NodeDevice *self, int channel, const DeviceSetup *setup, gboolean *ret_ok,
		     GError **error)
{
	int reg = self->register_of[channel], i = reg & 7;
	bool narrower = setup->lo != 0 || setup->hi != 0;
	*ret_ok = TRUE;
	switch (reg & ~7) {
	case PROTO_REG_AXIS0:
		if (narrower)
			*ret_ok = lower(self, channel, PROTO_REG_AXIS_LO0 + i, setup->lo, error) &&
				  lower(self, channel, PROTO_REG_AXIS_HI0 + i, setup->hi, error);
		return true;
	case NODE_AXIS_V0:
	case NODE_AXIS_A0: {
		bool v = (reg & ~7) == NODE_AXIS_V0;
		if (narrower)
			*ret_ok = lower(self, channel,
					(v ? PROTO_REG_AXIS_V0 : PROTO_REG_AXIS_A0) + i, setup->hi,
					error);
		if (narrower && *ret_ok)
			*(v ? &self->axis[i].velocity : &self->axis[i].acceleration) = setup->hi;
		return true;
	}
	}
	return false;
}

/* Of the axes that the rig uses. That nobody knows where one is is no fault: it is homed before anything else moves it. */
void node_axis_preflight(NodeDevice *self, GPtrArray *items, int64_t deadline_ns)
{
	for (int i = 0; i < PROTO_AXES; i++) {
		int channel = self->channel_of[PROTO_REG_AXIS0 + i];
		int32_t state = 0, at = 0;
		g_autoptr(GError) error = NULL;
		if (channel < 0 || !device_host_setup(self->host, channel)->sampled)
			continue;
		const char *name = device_host_channel(self->host, channel)->name;
		bool ok = node_session_read(self, (uint8_t)(PROTO_REG_AXIS_STATE0 + i), deadline_ns,
					    &state, &error) &&
			  node_session_read(self, (uint8_t)(PROTO_REG_AXIS0 + i), deadline_ns, &at,
					    &error);
		g_autofree char *known =
			g_strdup_printf("%s: %s stands at step %d", self->name, name, at);
		g_autofree char *unknown = g_strdup_printf(
			"%s: %s: its position is not known: it is homed first", self->name, name);
		bool moving = ok && (state & PROTO_AXIS_MOVING);
		g_ptr_array_add(items,
				device_item_new(ok && !moving,
						state & PROTO_AXIS_KNOWN ? known : unknown, "%s",
						moving ? "it is moving: another host?"
						: ok   ? ""
						       : error->message));
	}
}
