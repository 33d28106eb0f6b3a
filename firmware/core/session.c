/* The link's session and what messages do. Main context only. */
#include "core.h"
#include <string.h>

#define TEXT_BYTES 48

/* Of the window, for what matters more than samples: half; of a small one a message, or a lost acknowledgement, which costs
 * PROTO_RESEND_MS, would cost samples too. */
#define SAMPLES_LEAVE (PROTO_WINDOW > 4 ? PROTO_WINDOW / 2 : 1)

static bool send(void *user, const uint8_t *wire, uint8_t n)
{
	(void)user;
	return board_uart_send(wire, n);
}

static CORE_OWN_FRAME void post_reply(uint8_t msg, uint16_t tag, uint8_t reg, int32_t value,
				      uint64_t at)
{
	uint8_t bytes[PROTO_REPLY_SIZE];
	ProtoReply reply = {msg, tag, reg, value, at};
	proto_link_post(&node.link, bytes, proto_reply_put(&reply, bytes));
}

/* The same by hand, for the deepest stack's sake. */
static CORE_OWN_FRAME void refuse(uint16_t tag, uint8_t reg, uint8_t why)
{
	uint8_t bytes[13];
	bytes[0] = PROTO_MSG_REFUSED;
	proto_put16(bytes + 1, tag);
	bytes[3] = reg;
	bytes[4] = why;
	proto_put64(bytes + 5, core_now64());
	proto_link_post(&node.link, bytes, sizeof bytes);
}

static uint8_t is_output(uint8_t reg)
{
	return (reg >= PROTO_REG_OUT0 && reg < PROTO_REG_OUT0 + PROTO_OUTPUTS) ||
	       reg == PROTO_REG_LED;
}

static uint8_t is_limit(uint8_t reg)
{
	return reg >= PROTO_REG_LIMIT0 && reg < PROTO_REG_LIMIT0 + PROTO_OUTPUTS;
}

/* ---- read --------------------------------------------------------------------------------------------------- */

static uint16_t adc_code(uint8_t channel)
{
	board_irq irq = board_irq_off();
	uint16_t code = node.adc_last[channel];
	board_irq_restore(irq);
	return code;
}

#if ROWS_AXES
/* Registers of the axes: blocks of eight. */
static uint8_t is_axis(uint8_t reg)
{
	return reg >= PROTO_REG_AXIS0 && reg < PROTO_REG_AXIS_HALT0 + 8 && (reg & 7) < PROTO_AXES;
}

static uint8_t read_axis(uint8_t reg, int32_t *ret)
{
	uint8_t i = reg & 7;
	const struct axis *a = &node.axis[i];
	switch (reg & 0xf8) {
	case PROTO_REG_AXIS0:
		*ret = axes_position(i);
		return 0;
	case PROTO_REG_AXIS_STATE0:
		*ret = axes_state(i);
		return 0;
	case PROTO_REG_AXIS_V0:
		*ret = (int32_t)a->max_v;
		return 0;
	case PROTO_REG_AXIS_A0:
		*ret = (int32_t)a->max_a;
		return 0;
	case PROTO_REG_AXIS_LO0:
		*ret = a->lo;
		return 0;
	case PROTO_REG_AXIS_HI0:
		*ret = a->hi;
		return 0;
	}
	return PROTO_REFUSED_NO_ACCESS;
}
#endif

static uint8_t read_register(uint8_t reg, int32_t *ret)
{
	uint8_t inputs = board_inputs();
#if ROWS_AXES
	if (is_axis(reg))
		return read_axis(reg, ret);
#endif
	if (is_output(reg)) {
		*ret = outputs_value(reg == PROTO_REG_LED ? OUT_LED
							  : (uint8_t)(reg - PROTO_REG_OUT0));
		return 0;
	}
	if (is_limit(reg)) {
		*ret = node.out[reg - PROTO_REG_LIMIT0].limit_ms;
		return 0;
	}
	switch (reg) {
	case PROTO_REG_IN0:
	case PROTO_REG_IN1:
	case PROTO_REG_IN2:
	case PROTO_REG_IN3:
		*ret = inputs >> (reg - PROTO_REG_IN0 + 4) & 1;
		return 0;
	case PROTO_REG_ADC0:
	case PROTO_REG_ADC1:
	case PROTO_REG_ADC2:
	case PROTO_REG_ADC3:
		if (!inputs_is_on((uint8_t)(reg - PROTO_REG_ADC0)))
			return PROTO_REFUSED_NO_ACCESS;
		*ret = adc_code((uint8_t)(reg - PROTO_REG_ADC0));
		return 0;
	case PROTO_REG_ESTOP:
		*ret = inputs & PROTO_INPUT_ESTOP ? 1 : 0;
		return 0;
	case PROTO_REG_TRIP:
		*ret = inputs & PROTO_INPUT_TRIP ? 1 : 0;
		return 0;
	case PROTO_REG_STATE:
		*ret = node.state;
		return 0;
	case PROTO_REG_REASON:
		*ret = node.reason;
		return 0;
	case PROTO_REG_LEASES:
		*ret = node.leases;
		return 0;
	case PROTO_REG_BOOTS:
		*ret = (int32_t)node.boot_count;
		return 0;
	case PROTO_REG_CAUSE:
		*ret = node.boot_cause;
		return 0;
	case PROTO_REG_RESET:
	case PROTO_REG_STREAM:
#if ROWS_AXES
	case PROTO_REG_AXES_STREAM:
#endif
	case PROTO_REG_ADC0_OVERSAMPLE:
	case PROTO_REG_ADC1_OVERSAMPLE:
	case PROTO_REG_ADC2_OVERSAMPLE:
	case PROTO_REG_ADC3_OVERSAMPLE:
	case PROTO_REG_ADC_PERIOD:
	case PROTO_REG_EDGES:
		return PROTO_REFUSED_NO_ACCESS;
	}
	return PROTO_REFUSED_NO_REGISTER;
}

static void on_read(const uint8_t *b, uint8_t n)
{
	int32_t value;
	if (n != 4) {
		refuse(n >= 3 ? proto_get16(b + 1) : 0, 0, PROTO_REFUSED_MALFORMED);
		return;
	}
	uint16_t tag = proto_get16(b + 1);
	uint8_t why = read_register(b[3], &value);
	if (why)
		refuse(tag, b[3], why);
	else
		post_reply(PROTO_MSG_VALUE, tag, b[3], value, core_now64());
}

/* ---- write --------------------------------------------------------------------------------------------------- */

static uint8_t lower_limit(uint8_t i, int32_t ms)
{
	if (ms < 1 || ms > (int32_t)node.out[i].limit_ms)
		return PROTO_REFUSED_RANGE;
	node.out[i].limit_ms = (uint16_t)ms;
	return 0;
}

#if ROWS_AXES
static uint8_t write_axis(uint8_t reg, int32_t value)
{
	uint8_t i = reg & 7, kind = reg & 0xf8;
	switch (kind) {
	case PROTO_REG_AXIS0:
		return axes_declare(i, value);
	case PROTO_REG_AXIS_STATE0:
		return PROTO_REFUSED_NO_ACCESS;
	case PROTO_REG_AXIS_HALT0:
		if (value != 1)
			return PROTO_REFUSED_RANGE;
		axes_halt(i);
		return 0;
	}
	return axes_limit(i, kind, value);
}
#endif

static uint8_t write_plain(const ProtoWrite *w)
{
	if (!(w->flags & PROTO_WRITE_SOONEST))
		return PROTO_REFUSED_NO_ACCESS;
	if (is_limit(w->reg))
		return lower_limit((uint8_t)(w->reg - PROTO_REG_LIMIT0), w->value);
#if ROWS_AXES
	if (is_axis(w->reg))
		return write_axis(w->reg, w->value);
#endif
	int32_t unused;
	switch (w->reg) {
	case PROTO_REG_RESET:
		return w->value < 0 || w->value > 1 ? PROTO_REFUSED_RANGE
						    : interlock_reset(w->value);
	case PROTO_REG_STREAM:
		if (w->value < 0 || w->value > 1)
			return PROTO_REFUSED_RANGE;
		node.stream = (uint8_t)w->value;
		return 0;
	case PROTO_REG_ADC0_OVERSAMPLE:
	case PROTO_REG_ADC1_OVERSAMPLE:
	case PROTO_REG_ADC2_OVERSAMPLE:
	case PROTO_REG_ADC3_OVERSAMPLE:
		return node.stream
			       ? PROTO_REFUSED_STREAMING
			       : inputs_oversample((uint8_t)(w->reg - PROTO_REG_ADC0_OVERSAMPLE),
						   w->value);
	case PROTO_REG_ADC_PERIOD:
		return node.stream ? PROTO_REFUSED_STREAMING : inputs_period(w->value);
	case PROTO_REG_EDGES:
		return edges_capture(w->value);
#if ROWS_AXES
	case PROTO_REG_AXES_STREAM:
		if (w->value < 0 || w->value > 1)
			return PROTO_REFUSED_RANGE;
		node.axes_stream = node.axes_changed = (uint8_t)w->value;
		return 0;
#endif
	}
	return read_register(w->reg, &unused) ? PROTO_REFUSED_NO_REGISTER : PROTO_REFUSED_NO_ACCESS;
}

static CORE_OWN_FRAME void on_write(const uint8_t *b, uint8_t n)
{
	ProtoWrite w;
	uint64_t at = 0;
	if (!proto_write_get(b, n, &w)) {
		refuse(n >= 3 ? proto_get16(b + 1) : 0, 0, PROTO_REFUSED_MALFORMED);
		return;
	}
	if (!is_output(w.reg)) {
		uint8_t why = write_plain(&w);
		if (why)
			refuse(w.tag, w.reg, why);
		else
			post_reply(PROTO_MSG_DONE, w.tag, w.reg, w.value, core_now64());
		return;
	}
	uint8_t result = outputs_write(&w, &at);
	if (!result)
		post_reply(PROTO_MSG_QUEUED, w.tag, w.reg, 0, at);
	else if (result == 0xff)
		post_reply(PROTO_MSG_DONE, w.tag, w.reg, w.value, at);
	else
		refuse(w.tag, w.reg, result);
}

#if ROWS_AXES
static CORE_OWN_FRAME void on_move(const uint8_t *b, uint8_t n)
{
	ProtoMove m;
	uint64_t at = 0;
	if (!proto_move_get(b, n, &m) || m.flags & ~(PROTO_WRITE_SOONEST | PROTO_MOVE_HOME)) {
		refuse(n >= 3 ? proto_get16(b + 1) : 0, 0, PROTO_REFUSED_MALFORMED);
		return;
	}
	uint8_t reg = (uint8_t)(PROTO_REG_AXIS0 + m.axis), why = axes_move(&m, &at);
	if (why)
		refuse(m.tag, reg, why);
	else
		post_reply(PROTO_MSG_QUEUED, m.tag, reg, 0, at);
}
#endif

static CORE_OWN_FRAME void on_describe(const uint8_t *b, uint8_t n)
{
	if (n != 5) {
		refuse(n >= 3 ? proto_get16(b + 1) : 0, 0, PROTO_REFUSED_MALFORMED);
		return;
	}
	uint8_t out[7 + TEXT_BYTES];
	uint16_t offset = proto_get16(b + 3), total = proto_schema_length();
	uint8_t k = 0;
	out[0] = PROTO_MSG_TEXT;
	memcpy(out + 1, b + 1, 4);
	proto_put16(out + 5, total);
	while (k < TEXT_BYTES && offset < total)
		out[7 + k++] = (uint8_t)proto_schema_char(offset++);
	proto_link_post(&node.link, out, (uint8_t)(7 + k));
}

/* False when there is no room for the answer: the message comes again. */
static bool message(void *user, const uint8_t *b, uint8_t n)
{
	(void)user;
	if (!proto_link_room(&node.link))
		return false;
	uint16_t tag = n >= 3 ? proto_get16(b + 1) : 0;
	switch (n ? b[0] : 0) {
	case PROTO_MSG_READ:
		on_read(b, n);
		return true;
	case PROTO_MSG_WRITE:
		on_write(b, n);
		return true;
#if ROWS_AXES
	case PROTO_MSG_MOVE:
		on_move(b, n);
		return true;
#endif
	case PROTO_MSG_SAFE:
		if (n == 3) {
			interlock_release();
			post_reply(PROTO_MSG_DONE, tag, 0, 0, core_now64());
			return true;
		}
		break;
	case PROTO_MSG_DESCRIBE:
		on_describe(b, n);
		return true;
	}
	refuse(tag, 0, PROTO_REFUSED_MALFORMED);
	return true;
}

/* ---- session --------------------------------------------------------------------------------------------------- */

/* Where a frame is encoded the stack is deepest: what goes into it has its own frame, given back before. */
static CORE_OWN_FRAME void put_hello(uint32_t nonce, uint8_t *ret)
{
	ProtoHello hello = {
		.nonce = nonce,
		.protocol = PROTO_VERSION,
		.firmware = {FIRMWARE_MAJOR, FIRMWARE_MINOR, FIRMWARE_PATCH},
		.schema_hash = node.schema_hash,
		.tick_hz = BOARD_TICK_HZ,
		.boot_count = node.boot_count,
		.boot_cause = node.boot_cause,
		.board = BOARD_NAME,
	};
	proto_hello_put(&hello, ret);
}

static CORE_OWN_FRAME void send_hello(const uint8_t *payload)
{
	uint8_t wire[PROTO_HELLO_SIZE + PROTO_WIRE - PROTO_PAYLOAD];
	ProtoFrame reply = {PROTO_SYN_ACK, node.offered, 0, 0, payload, PROTO_HELLO_SIZE};
	board_uart_send(wire, proto_frame_encode(&reply, wire));
}

static CORE_OWN_FRAME void on_syn(const ProtoFrame *f)
{
	if (f->n != 4)
		return;
	do
		node.offered = (uint16_t)((uint16_t)node.boot_count << 8 | ++node.offers);
	while (!node.offered || node.offered == node.link.session);
	uint8_t payload[PROTO_HELLO_SIZE];
	put_hello(proto_get32(f->payload), payload);
	send_hello(payload);
}

/* A frame of the offered session has come: the host is there and talks to us. */
static void begin(uint16_t session)
{
	if (node.leases)
		interlock_latch(PROTO_REASON_SESSION, board_now());
	board_irq irq = board_irq_off();
	outputs_force_safe();
	node.purge = 0;
	board_irq_restore(irq);
	node.event_take = node.event_put;
	node.pong_due = 0;
	outputs_purge(1);
	outputs_init();
	axes_init();
	inputs_reset();
	edges_capture(0);
	node.reset_level = 1;
	node.stream = node.led_by_host = 0;
#if ROWS_AXES
	node.axes_stream = 0;
#endif
	node.offered = 0;
	proto_link_open(&node.link, session);
}

static CORE_OWN_FRAME void on_ping(const ProtoFrame *f)
{
	ProtoPing ping;
	if (!proto_ping_get(f->payload, f->n, &ping))
		return;
	interlock_word(ping.groups, ping.spoken, node.ping_at);
	node.pong_token = ping.token;
	node.pong_at = node.ping_at;
	node.pong_due = node.ping_stamped ? 2 : 1;
}

static CORE_OWN_FRAME void put_pong(uint8_t *ret)
{
	ProtoPong pong = {
		.token = node.pong_token,
		.flags = node.pong_due == 2 ? PROTO_PONG_STAMPED : 0,
		.received = core_time64(node.pong_at),
		.state = node.state,
		.reason = node.reason,
		.leases = node.leases,
		.inputs = board_inputs(),
		.tripped_at = node.reason ? node.tripped_at : 0,
		.damaged = (uint16_t)node.link.counts.damaged,
		.repeated = (uint16_t)node.link.counts.repeated,
		.missed = (uint16_t)node.link.counts.missed,
	};
	pong.sent = core_now64() + board_uart_lead();
	proto_pong_put(&pong, ret);
}

/* Not from within the decoder, for the same reason. */
static CORE_OWN_FRAME void send_pong(void)
{
	uint8_t payload[PROTO_PONG_SIZE];
	put_pong(payload);
	node.pong_due = 0;
	proto_link_datagram(&node.link, PROTO_PONG, payload, sizeof payload);
}

static void datagram(void *user, const ProtoFrame *f)
{
	(void)user;
	if (f->kind == PROTO_SYN)
		on_syn(f);
	else if (f->kind == PROTO_PING)
		on_ping(f);
}

static const ProtoLinkOps ops = {send, message, datagram};

void session_init(void)
{
	node.schema_hash = proto_schema_hash();
	proto_link_init(&node.link, PROTO_FROM_NODE, &ops, 0);
}

/* A valid frame of an offered session must begin it before the link sees the frame, or its DATA would be dropped. */
static bool begins(uint8_t byte)
{
	const ProtoDecoder *d = &node.link.decoder;
	return !byte && node.offered && d->n >= PROTO_HEADER &&
	       proto_get16(d->body + 2) == node.offered && d->body[1] != PROTO_SYN &&
	       d->body[1] != PROTO_SYN_ACK && !(d->body[1] & PROTO_FROM_NODE) && !d->damaged &&
	       !d->left && d->body[0] == d->n && d->n >= PROTO_HEADER + PROTO_CRC &&
	       proto_crc32(0, d->body, d->n - PROTO_CRC) == proto_get32(d->body + d->n - PROTO_CRC);
}

/* Bytes may come as fast as they are taken: the rest has its turn in between. */
#define BYTES_A_TURN 64
static CORE_OWN_FRAME void receive(void)
{
	int16_t byte;
	for (uint8_t n = 0; n < BYTES_A_TURN && (byte = board_uart_get()) >= 0; n++) {
		if (!byte)
			node.ping_stamped = board_uart_stamp(&node.ping_at);
		if (begins((uint8_t)byte))
			begin(node.offered);
		proto_link_byte(&node.link, (uint8_t)byte);
	}
}

static CORE_OWN_FRAME void report_events(void)
{
	uint8_t bytes[PROTO_EVENT_SIZE];
	while (node.event_take != node.event_put && proto_link_room(&node.link) > 1) {
		struct event e = node.event[node.event_take % EVENT_RING];
		board_barrier();
		node.event_take++;
		ProtoEventMsg m = {e.event, e.source, e.detail, core_time64(e.at)};
		proto_link_post(&node.link, bytes, proto_event_put(&m, bytes));
	}
	board_irq irq = board_irq_off();
	uint16_t lost[2] = {node.adc_lost, node.events_lost};
	board_irq_restore(irq);
	/* Losses add up until they can be told; they must not crowd out what else happened. */
	if (lost[0] != node.adc_lost_told && node.stream && node.event_put == node.event_take) {
		core_event(PROTO_EVENT_ADC_LOST, 0, (uint16_t)(lost[0] - node.adc_lost_told),
			   board_now());
		node.adc_lost_told = lost[0];
	}
	if (lost[1] != node.events_lost_told &&
	    (uint8_t)(node.event_put - node.event_take) < EVENT_RING) {
		core_event(PROTO_EVENT_EVENTS_LOST, 0, (uint16_t)(lost[1] - node.events_lost_told),
			   board_now());
		node.events_lost_told = lost[1];
	}
}

static CORE_OWN_FRAME void report_actions(void)
{
	struct action a;
	uint8_t out;
	while (proto_link_room(&node.link) > 1 && outputs_take(&out, &a)) {
		uint8_t reg = out == OUT_LED ? PROTO_REG_LED : (uint8_t)(PROTO_REG_OUT0 + out);
		if (a.state == ACTION_DONE)
			post_reply(PROTO_MSG_DONE, a.tag, reg, a.value, core_time64(a.effect));
		else
			refuse(a.tag, reg, (uint8_t)(a.state - ACTION_DROPPED));
	}
}

#if ROWS_AXES
static CORE_OWN_FRAME void report_axes(void)
{
	uint8_t bytes[PROTO_PAYLOAD], i;
	while (proto_link_room(&node.link) > 1 && axes_take(&i)) {
		const struct axis *a = &node.axis[i];
		uint8_t reg = (uint8_t)(PROTO_REG_AXIS0 + i);
		if (a->why)
			refuse(a->tag, reg, a->why);
		else
			post_reply(PROTO_MSG_DONE, a->tag, reg, axes_position(i),
				   core_time64(a->last_at));
		axes_taken(i);
	}
	if (!node.axes_full || proto_link_room(&node.link) <= PROTO_WINDOW / 2)
		return;
	if (node.axes_stream) {
		ProtoAxes axes = {.at = core_time64(node.axes_at), .axes = PROTO_AXES};
		for (i = 0; i < PROTO_AXES; i++) {
			axes.axis[i].state = node.axes_state[i];
			axes.axis[i].position = node.axes_position[i];
		}
		proto_link_post(&node.link, bytes, proto_axes_put(&axes, bytes));
	}
	board_barrier();
	node.axes_full = 0;
}
#endif

static CORE_OWN_FRAME void report_edges(void)
{
	uint8_t bytes[PROTO_PAYLOAD], n;
	if (proto_link_room(&node.link) > 1 && edges_message(bytes, &n))
		proto_link_post(&node.link, bytes, n);
}

static CORE_OWN_FRAME void report_samples(void)
{
	uint8_t bytes[PROTO_PAYLOAD], n;
	if (!node.stream) {
		inputs_drop();
		node.adc_lost_told = node.adc_lost;
		return;
	}
	if (proto_link_room(&node.link) > SAMPLES_LEAVE && inputs_batch(bytes, &n)) {
		proto_link_post(&node.link, bytes, n);
		inputs_batch_sent();
	}
}

void session_poll(void)
{
	if (node.tripped) {
		node.tripped = 0;
		node.tripped_at = core_time64(node.tripped_at32);
	}
	if (node.purge) {
		node.purge = 0;
		outputs_purge(0);
	}
	receive();
	if (node.pong_due)
		send_pong();
	report_actions();
#if ROWS_AXES
	report_axes();
#endif
	report_events();
	report_edges();
	report_samples();
	proto_link_poll(&node.link, node.kicked / (1000 / PROTO_TICK_US));
}
