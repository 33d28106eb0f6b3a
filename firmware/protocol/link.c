#include <anzen/protocol.h>
#include <string.h>

void proto_link_init(ProtoLink *link, uint8_t mark, const ProtoLinkOps *ops, void *user)
{
	memset(link, 0, sizeof *link);
	link->mark = mark;
	link->ops = ops;
	link->user = user;
}

void proto_link_open(ProtoLink *link, uint16_t session)
{
	link->session = session;
	link->base = link->next_send = link->next = link->expected = 0;
	link->ack_due = link->nak_due = link->nak_sent = link->clear_due = false;
	link->far_datagram_known = false;
	link->progress_ms = link->now_ms;
}

static uint8_t in_flight(const ProtoLink *link)
{
	return (uint8_t)(link->next - link->base);
}

uint8_t proto_link_room(const ProtoLink *link)
{
	return link->session ? (uint8_t)(PROTO_WINDOW - in_flight(link)) : 0;
}

bool proto_link_post(ProtoLink *link, const uint8_t *bytes, uint8_t n)
{
	if (!proto_link_room(link) || n > PROTO_PAYLOAD)
		return false;
	uint8_t i = (uint8_t)(link->next % PROTO_WINDOW);
	memcpy(link->slot[i].bytes, bytes, n);
	link->slot[i].n = n;
	if (link->base == link->next)
		link->progress_ms = link->now_ms;
	link->next++;
	return true;
}

/* The one place that sends: firmware/tools/budget.c counts on it. */
static __attribute__((noinline)) bool transmit(ProtoLink *link, const uint8_t *bytes, uint8_t n)
{
	return link->ops->send(link->user, bytes, n);
}

static __attribute__((noinline)) bool put(ProtoLink *link, uint8_t kind, uint16_t seq,
					  const uint8_t *bytes, uint8_t n)
{
	uint8_t wire[PROTO_WIRE];
	ProtoFrame frame = {kind | link->mark, link->session, seq, link->expected, bytes, n};
	if (!transmit(link, wire, proto_frame_encode(&frame, wire)))
		return false;
	link->ack_due = false; /* every frame carries it */
	link->counts.sent++;
	return true;
}

bool proto_link_datagram(ProtoLink *link, uint8_t kind, const uint8_t *bytes, uint8_t n)
{
	if (!put(link, kind, link->datagram, bytes, n))
		return false;
	link->datagram++;
	return true;
}

/* `ack` frees what lies before it; a number outside [base, next_send] is not ours. */
static void acknowledged(ProtoLink *link, uint16_t ack)
{
	uint16_t freed = (uint16_t)(ack - link->base);
	if (!freed || freed > (uint16_t)(link->next - link->base))
		return;
	if ((uint16_t)(link->next_send - link->base) < freed)
		link->next_send = ack; /* it arrived before we went back to resend it */
	link->base = ack;
	link->progress_ms = link->now_ms;
}

static void go_back(ProtoLink *link)
{
	link->counts.resent += (uint16_t)(link->next_send - link->base);
	link->next_send = link->base;
	link->progress_ms = link->now_ms;
	link->clear_due = true;
}

/* What the far end holds of a frame whose delimiter was lost would swallow the frame that comes again. */
static bool clear_line(ProtoLink *link)
{
	static const uint8_t delimiter = 0;
	if (link->clear_due && transmit(link, &delimiter, 1))
		link->clear_due = false;
	return !link->clear_due;
}

static void take_data(ProtoLink *link, const ProtoFrame *frame)
{
	uint16_t ahead = (uint16_t)(frame->seq - link->expected);
	if (!ahead) {
		if (!link->ops->message(link->user, frame->payload, frame->n)) {
			link->counts.refused++;
			return;
		}
		link->expected++;
		link->nak_sent = false;
		link->ack_due = true;
	} else if (ahead < 0x8000) { /* something before it was lost; say so once */
		link->counts.missed++;
		link->nak_due = !link->nak_sent;
	} else {
		link->counts.repeated++;
		link->ack_due = true; /* our acknowledgement may have been the lost one */
	}
}

static void count_datagram(ProtoLink *link, uint16_t seq)
{
	uint16_t gap = (uint16_t)(seq - link->far_datagram);
	if (link->far_datagram_known && gap != 1) {
		if (gap && gap < 0x8000)
			link->counts.missed = (ProtoCount)(link->counts.missed + gap - 1);
		else
			link->counts.repeated++;
	}
	link->far_datagram = seq;
	link->far_datagram_known = true;
}

static void take(ProtoLink *link, ProtoFrame *frame)
{
	/* these two have one direction only, and must be read of any version */
	bool opening = frame->kind == PROTO_SYN || frame->kind == PROTO_SYN_ACK;
	uint8_t from = frame->kind & PROTO_FROM_NODE;
	if (opening)
		from = frame->kind == PROTO_SYN_ACK ? PROTO_FROM_NODE : 0;
	if (from == link->mark) {
		link->counts.echoed++;
		return;
	}
	if (opening) {
		link->ops->datagram(link->user, frame);
		return;
	}
	frame->kind &= (uint8_t)~PROTO_FROM_NODE;
	if (!link->session || frame->session != link->session)
		return;
	acknowledged(link, frame->ack);
	if (frame->kind == PROTO_DATA) {
		take_data(link, frame);
		return;
	}
	count_datagram(link, frame->seq);
	if (frame->kind == PROTO_NAK)
		go_back(link);
	else if (frame->kind == PROTO_PING || frame->kind == PROTO_PONG)
		link->ops->datagram(link->user, frame);
}

ProtoParse proto_link_byte(ProtoLink *link, uint8_t byte)
{
	ProtoFrame frame;
	ProtoParse result = proto_decoder_byte(&link->decoder, byte, &frame);
	if (result == PROTO_INVALID)
		link->counts.damaged++;
	if (result == PROTO_FRAME) {
		link->counts.frames++;
		take(link, &frame);
	}
	return result;
}

void proto_link_poll(ProtoLink *link, uint32_t now_ms)
{
	link->now_ms = (uint16_t)now_ms;
	if (!link->session)
		return;
	if (link->next_send != link->base &&
	    (uint16_t)(link->now_ms - link->progress_ms) >= PROTO_RESEND_MS)
		go_back(link);
	while (link->next_send != link->next && clear_line(link)) {
		uint8_t i = (uint8_t)(link->next_send % PROTO_WINDOW);
		if (!put(link, PROTO_DATA, link->next_send, link->slot[i].bytes, link->slot[i].n))
			return;
		link->next_send++;
	}
	if (link->nak_due && proto_link_datagram(link, PROTO_NAK, NULL, 0)) {
		link->nak_due = false;
		link->nak_sent = true;
	}
	if (link->ack_due)
		proto_link_datagram(link, PROTO_ACK, NULL, 0);
}
