/* The host's end of the link: session, keep-alive, clock exchange, request and answer. */
#include "node.h"

#include <stdio.h>

#define SYN_EVERY (100 * CLOCK_MS)
#define SILENT_AFTER (200 * CLOCK_MS)
#define LOST_AFTER (3 * CLOCK_S)
#define THREADLESS_TURNS 2000
#define BYTE_NS (10 * CLOCK_S / PROTO_BAUD)

int64_t node_session_now(NodeDevice *self)
{
	return clock_now(device_host_clock(self->host));
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

static bool send_bytes(void *user, const uint8_t *wire, uint8_t n)
{
	NodeDevice *self = user;
	g_autoptr(GError) error = NULL;
	if (self->lost)
		return false;
	/* links count deadlines on the monotonic clock, whatever the bench clock is */
	if (byte_link_write(self->bytes, wire, n, clock_now(clock_monotonic()) + 5 * CLOCK_MS,
			    &error))
		return true;
	if (!g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT))
		node_on_lost(self, error->message);
	return false;
}

static bool take_bytes(NodeDevice *self, int64_t deadline_ns)
{
	uint8_t bytes[512];
	for (int turn = 0; turn < 16; turn++) {
		g_autoptr(GError) error = NULL;
		gssize n = byte_link_read(self->bytes, bytes, sizeof bytes, turn ? 0 : deadline_ns,
					  &error);
		if (n < 0) {
			node_on_lost(self, error->message);
			return false;
		}
		if (!n)
			return true;
		for (gssize i = 0; i < n; i++)
			proto_link_byte(&self->link, bytes[i]);
	}
	return true;
}

bool node_session_pump(NodeDevice *self, int64_t deadline_ns)
{
	if (self->lost)
		return false;
	proto_link_poll(&self->link, (uint32_t)(node_session_now(self) / CLOCK_MS));
	if (self->lost || !take_bytes(self, self->threadless ? 0 : deadline_ns))
		return false;
	proto_link_poll(&self->link, (uint32_t)(node_session_now(self) / CLOCK_MS));
	return !self->lost;
}

/* ---- session --------------------------------------------------------------------------------------------------- */

static void send_syn(NodeDevice *self)
{
	uint8_t nonce[4], wire[PROTO_WIRE];
	self->last_syn_ns = node_session_now(self);
	proto_put32(nonce, self->nonce);
	ProtoFrame syn = {PROTO_SYN, 0, 0, 0, nonce, sizeof nonce};
	send_bytes(self, wire, proto_frame_encode(&syn, wire));
}

static void open_session(NodeDevice *self, uint16_t session)
{
	proto_link_open(&self->link, session);
	node_clock_init(&self->clock, self->hello.tick_hz, self->asymmetry_ns);
	self->batch_known = false;
	self->tripped_at = 0;
	self->nonce = self->nonce * 1664525u + 1013904223u;
}

static void on_syn_ack(NodeDevice *self, const ProtoFrame *frame)
{
	ProtoHello hello, before = self->hello;
	if (!proto_hello_get(frame->payload, frame->n, &hello) || hello.nonce != self->nonce ||
	    !frame->session)
		return; /* an answer to somebody else, or to an older question */
	bool first = !self->have_hello;
	self->hello = hello;
	self->have_hello = true;
	const ProtoBoard *board = proto_board_by_name(hello.board);
	if (hello.protocol != PROTO_VERSION || !board ||
	    hello.schema_hash != proto_board_hash(board) || hello.tick_hz < 1000)
		return; /* node_session_open() says why */
	open_session(self, frame->session);
	if (!first)
		node_on_restart(self, &before);
}

void node_session_ping(NodeDevice *self, uint8_t groups)
{
	if (!self->link.session || self->lost)
		return;
	int64_t now = node_session_now(self);
	ProtoPing ping = {.groups = groups, .token = ++self->token};
	if (groups && node_clock_ready(&self->clock))
		ping.spoken = node_clock_ticks(&self->clock, now);
	uint8_t payload[PROTO_PING_SIZE];
	proto_ping_put(&ping, payload);
	self->sent_ns[ping.token % G_N_ELEMENTS(self->sent_ns)] = now;
	self->last_ping_ns = now;
	proto_link_datagram(&self->link, PROTO_PING, payload, sizeof payload);
}

/* What a frame's bytes take on a real wire; an emulated link without one shows a shorter round trip than its bytes. */
static void wire_time(NodeExchange *e)
{
	int64_t out = (PROTO_HEADER + PROTO_PING_SIZE + PROTO_CRC + 2) * BYTE_NS;
	int64_t in = (PROTO_HEADER + PROTO_PONG_SIZE + PROTO_CRC + 2) * BYTE_NS;
	if (e->received_ns - e->sent_ns >= out + in) {
		e->wire_out_ns = out;
		e->wire_in_ns = in;
	}
}

static void clock_exchange(NodeDevice *self, const ProtoPong *pong, int64_t now)
{
	if (!(pong->flags & PROTO_PONG_STAMPED) ||
	    self->token - pong->token >= G_N_ELEMENTS(self->sent_ns))
		return;
	NodeExchange e = {.sent_ns = self->sent_ns[pong->token % G_N_ELEMENTS(self->sent_ns)],
			  .received_ns = now,
			  .node_received = pong->received,
			  .node_sent = pong->sent};
	wire_time(&e);
	int64_t jump = 0;
	if (node_clock_add(&self->clock, &e, &jump) != NODE_CLOCK_BROKE)
		return;
	char json[64];
	g_snprintf(json, sizeof json, "{\"step_ms\":%.3f}", (double)-jump / CLOCK_MS);
	device_host_event(self->host, "clock.step", now, json);
	if (ABS(jump) > NODE_STEP_NS)
		device_host_fault(self->host, -1, now, now,
				  "%s: its clock jumped by %.3f ms against the bench: the board or "
				  "its emulation stood still",
				  self->name, (double)-jump / CLOCK_MS);
}

static void on_datagram(void *user, const ProtoFrame *frame)
{
	NodeDevice *self = user;
	ProtoPong pong;
	if (frame->kind == PROTO_SYN_ACK) {
		on_syn_ack(self, frame);
	} else if (frame->kind == PROTO_PONG && proto_pong_get(frame->payload, frame->n, &pong)) {
		int64_t now = node_session_now(self);
		self->last_pong_ns = now;
		self->silent = false;
		clock_exchange(self, &pong, now);
		self->pong = pong;
		self->pongs++;
		node_on_pong(self, now);
	}
}

static bool on_message(void *user, const uint8_t *bytes, uint8_t n)
{
	NodeDevice *self = user;
	ProtoReply reply;
	ProtoEventMsg event;
	ProtoAdc adc;
	ProtoAxes axes;
	ProtoEdges edges;
	if (proto_reply_get(bytes, n, &reply)) {
		if (self->wanted_tag && reply.tag == self->wanted_tag &&
		    reply.msg != PROTO_MSG_QUEUED) {
			self->answer = reply;
			self->answered = true;
		} else {
			node_on_reply(self, &reply);
		}
	} else if (proto_event_get(bytes, n, &event)) {
		node_on_event(self, &event);
	} else if (proto_adc_get(bytes, n, &adc)) {
		node_on_adc(self, &adc);
	} else if (proto_axes_get(bytes, n, &axes)) {
		node_on_axes(self, &axes);
	} else if (proto_edges_get(bytes, n, &edges)) {
		node_on_edges(self, &edges);
	}
	return true;
}

static const ProtoLinkOps link_ops = {send_bytes, on_message, on_datagram};

static gboolean agreed(NodeDevice *self, GError **error)
{
	const ProtoHello *h = &self->hello;
	self->board = proto_board_by_name(h->board);
	uint32_t ours = self->board ? proto_board_hash(self->board) : 0;
	if (h->protocol == PROTO_VERSION && self->board && h->schema_hash == ours)
		return TRUE;
	if (self->board) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: firmware %u.%u.%u on %s speaks protocol %u with schema %08x, this "
			    "program needs protocol %u with schema %08x: flash the node with "
			    "./bench flash %s, or use the program it came with",
			    self->name, h->firmware[0], h->firmware[1], h->firmware[2], h->board,
			    h->protocol, h->schema_hash, PROTO_VERSION, ours, h->board);
		return FALSE;
	}
	g_autoptr(GString) known = g_string_new(NULL);
	for (size_t i = 0; i < proto_board_count; i++)
		g_string_append_printf(known, "%s%s", i ? ", " : "", proto_boards[i].name);
	g_set_error(
		error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		"%s: firmware %u.%u.%u (protocol %u, schema %08x) runs on the board \"%s\", this "
		"program (protocol %u) knows %s: use the program that the firmware came with",
		self->name, h->firmware[0], h->firmware[1], h->firmware[2], h->protocol,
		h->schema_hash, h->board, PROTO_VERSION, known->str);
	return FALSE;
}

/* Turn after turn until `done`; a threadless device has no time that passes, so its turns are counted. */
static bool wait_until(NodeDevice *self, int64_t deadline_ns, bool (*done)(NodeDevice *self))
{
	for (int turn = 0; !done(self); turn++) {
		int64_t now = clock_now(clock_monotonic());
		if (self->threadless ? turn >= THREADLESS_TURNS : now >= deadline_ns)
			return false;
		if (!node_session_pump(self, MIN(deadline_ns, now + 2 * CLOCK_MS)))
			return false;
	}
	return true;
}

static bool syn_answered(NodeDevice *self)
{
	if (self->have_hello)
		return true;
	if (!self->last_syn_ns || node_session_now(self) - self->last_syn_ns >= SYN_EVERY)
		send_syn(self);
	return false;
}

static bool clock_known(NodeDevice *self)
{
	if (self->pongs >= self->pongs_wanted)
		return true;
	if (self->pong.token == self->token ||
	    node_session_now(self) - self->last_ping_ns > 20 * CLOCK_MS)
		node_session_ping(self, 0);
	return false;
}

static gboolean timed_out(NodeDevice *self, GError **error)
{
	if (!self->lost)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
			    "%s: no answer from a node on %s: check cable, power and that it runs "
			    "our firmware (./bench flash)",
			    self->name, byte_link_name(self->bytes));
	else
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED, "%s: the link %s is gone",
			    self->name, byte_link_name(self->bytes));
	return FALSE;
}

gboolean node_session_clock(NodeDevice *self, int64_t deadline_ns, GError **error)
{
	self->pongs_wanted = self->pongs + NODE_CLOCK_BLOCK;
	return wait_until(self, deadline_ns, clock_known) ? TRUE : timed_out(self, error);
}

gboolean node_session_open(NodeDevice *self, int64_t deadline_ns, GError **error)
{
	proto_link_init(&self->link, 0, &link_ops, self);
	self->nonce = (uint32_t)node_session_now(self) ^ 0x616e7a65u;
	static const uint8_t delimiter = 0; /* ends whatever a noisy line has begun */
	send_bytes(self, &delimiter, 1);
	if (!wait_until(self, deadline_ns, syn_answered))
		return timed_out(self, error);
	if (!agreed(self, error))
		return FALSE;
	return node_session_clock(self, deadline_ns, error);
}

void node_session_watch(NodeDevice *self, int64_t now)
{
	int64_t quiet = now - self->last_pong_ns;
	if (quiet <= SILENT_AFTER ||
	    self->token - self->pong.token < 5) /* we must have asked, too */
		return;
	if (!self->silent) {
		self->silent = true;
		self->armed = false;
		device_host_fault(self->host, -1, self->last_pong_ns, CLOCK_NEVER,
				  "%s: no answer for %d ms: hung, reset or unplugged; it is safe "
				  "by its own lease",
				  self->name, (int)(quiet / CLOCK_MS));
	}
	if (now - self->last_syn_ns >= SYN_EVERY)
		send_syn(self);
	if (quiet > LOST_AFTER)
		node_on_lost(self, "no answer for 3 s");
}

/* ---- question and answer ------------------------------------------------------------------------------------------ */

static bool is_answered(NodeDevice *self)
{
	return self->answered;
}

static bool has_room(NodeDevice *self)
{
	return proto_link_room(&self->link) > 0;
}

gboolean node_session_ask(NodeDevice *self, const uint8_t *bytes, uint8_t n, uint16_t tag,
			  int64_t deadline_ns, GError **error)
{
	self->wanted_tag = tag;
	self->answered = false;
	gboolean ok = wait_until(self, deadline_ns, has_room) &&
		      proto_link_post(&self->link, bytes, n) &&
		      wait_until(self, deadline_ns, is_answered);
	self->wanted_tag = 0;
	return ok ? TRUE : timed_out(self, error);
}

static gboolean refused(NodeDevice *self, uint8_t reg, GError **error)
{
	const ProtoRegister *r = proto_register_by_id(reg);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: %s refused: %s", self->name,
		    r ? r->name : "register", proto_refusal_text((uint8_t)self->answer.value));
	return FALSE;
}

static uint16_t next_tag(NodeDevice *self)
{
	if (!++self->tag)
		self->tag = 1;
	return self->tag;
}

gboolean node_session_read(NodeDevice *self, uint8_t reg, int64_t deadline_ns, int32_t *ret_value,
			   GError **error)
{
	uint8_t bytes[4] = {PROTO_MSG_READ, 0, 0, reg};
	uint16_t tag = next_tag(self);
	proto_put16(bytes + 1, tag);
	if (!node_session_ask(self, bytes, sizeof bytes, tag, deadline_ns, error))
		return FALSE;
	if (self->answer.msg != PROTO_MSG_VALUE)
		return refused(self, reg, error);
	*ret_value = self->answer.value;
	return TRUE;
}

gboolean node_session_write(NodeDevice *self, uint8_t reg, int32_t value, int64_t deadline_ns,
			    GError **error)
{
	uint8_t bytes[PROTO_PAYLOAD];
	ProtoWrite w = {
		.tag = next_tag(self), .reg = reg, .flags = PROTO_WRITE_SOONEST, .value = value};
	if (!node_session_ask(self, bytes, proto_write_put(&w, bytes), w.tag, deadline_ns, error))
		return FALSE;
	if (self->answer.msg != PROTO_MSG_DONE)
		return refused(self, reg, error);
	return TRUE;
}
