/* Datagrams and messages, field by field in the order that registers.def gives. */
#include <anzen/protocol.h>
#include <string.h>

void proto_hello_put(const ProtoHello *h, uint8_t ret[PROTO_HELLO_SIZE])
{
	proto_put32(ret, h->nonce);
	ret[4] = h->protocol;
	memcpy(ret + 5, h->firmware, 3);
	proto_put32(ret + 8, h->schema_hash);
	proto_put32(ret + 12, h->tick_hz);
	proto_put32(ret + 16, h->boot_count);
	ret[20] = h->boot_cause;
	memcpy(ret + 21, h->board, 12);
}

bool proto_hello_get(const uint8_t *b, uint8_t n, ProtoHello *ret)
{
	if (n != PROTO_HELLO_SIZE)
		return false;
	ret->nonce = proto_get32(b);
	ret->protocol = b[4];
	memcpy(ret->firmware, b + 5, 3);
	ret->schema_hash = proto_get32(b + 8);
	ret->tick_hz = proto_get32(b + 12);
	ret->boot_count = proto_get32(b + 16);
	ret->boot_cause = b[20];
	memcpy(ret->board, b + 21, 12);
	ret->board[11] = '\0';
	return true;
}

void proto_ping_put(const ProtoPing *p, uint8_t ret[PROTO_PING_SIZE])
{
	ret[0] = p->groups;
	proto_put64(ret + 1, p->spoken);
	proto_put32(ret + 9, p->token);
}

bool proto_ping_get(const uint8_t *b, uint8_t n, ProtoPing *ret)
{
	if (n != PROTO_PING_SIZE)
		return false;
	ret->groups = b[0];
	ret->spoken = proto_get64(b + 1);
	ret->token = proto_get32(b + 9);
	return true;
}

void proto_pong_put(const ProtoPong *p, uint8_t ret[PROTO_PONG_SIZE])
{
	proto_put32(ret, p->token);
	ret[4] = p->flags;
	proto_put64(ret + 5, p->received);
	proto_put64(ret + 13, p->sent);
	ret[21] = p->state;
	ret[22] = p->reason;
	ret[23] = p->leases;
	ret[24] = p->inputs;
	proto_put64(ret + 25, p->tripped_at);
	proto_put16(ret + 33, p->damaged);
	proto_put16(ret + 35, p->repeated);
	proto_put16(ret + 37, p->missed);
}

bool proto_pong_get(const uint8_t *b, uint8_t n, ProtoPong *ret)
{
	if (n != PROTO_PONG_SIZE)
		return false;
	ret->token = proto_get32(b);
	ret->flags = b[4];
	ret->received = proto_get64(b + 5);
	ret->sent = proto_get64(b + 13);
	ret->state = b[21];
	ret->reason = b[22];
	ret->leases = b[23];
	ret->inputs = b[24];
	ret->tripped_at = proto_get64(b + 25);
	ret->damaged = proto_get16(b + 33);
	ret->repeated = proto_get16(b + 35);
	ret->missed = proto_get16(b + 37);
	return true;
}

uint8_t proto_write_put(const ProtoWrite *w, uint8_t *ret)
{
	ret[0] = PROTO_MSG_WRITE;
	proto_put16(ret + 1, w->tag);
	ret[3] = w->reg;
	ret[4] = w->flags;
	proto_put64(ret + 5, w->at);
	proto_put32(ret + 13, (uint32_t)w->value);
	proto_put32(ret + 17, w->duration_us);
	return PROTO_WRITE_SIZE;
}

bool proto_write_get(const uint8_t *b, uint8_t n, ProtoWrite *ret)
{
	if (n != PROTO_WRITE_SIZE || b[0] != PROTO_MSG_WRITE)
		return false;
	ret->tag = proto_get16(b + 1);
	ret->reg = b[3];
	ret->flags = b[4];
	ret->at = proto_get64(b + 5);
	ret->value = (int32_t)proto_get32(b + 13);
	ret->duration_us = proto_get32(b + 17);
	return true;
}

uint8_t proto_move_put(const ProtoMove *m, uint8_t *ret)
{
	ret[0] = PROTO_MSG_MOVE;
	proto_put16(ret + 1, m->tag);
	ret[3] = m->axis;
	ret[4] = m->flags;
	proto_put64(ret + 5, m->at);
	proto_put32(ret + 13, (uint32_t)m->target);
	proto_put32(ret + 17, m->velocity);
	proto_put32(ret + 21, m->acceleration);
	return PROTO_MOVE_SIZE;
}

bool proto_move_get(const uint8_t *b, uint8_t n, ProtoMove *ret)
{
	if (n != PROTO_MOVE_SIZE || b[0] != PROTO_MSG_MOVE)
		return false;
	ret->tag = proto_get16(b + 1);
	ret->axis = b[3];
	ret->flags = b[4];
	ret->at = proto_get64(b + 5);
	ret->target = (int32_t)proto_get32(b + 13);
	ret->velocity = proto_get32(b + 17);
	ret->acceleration = proto_get32(b + 21);
	return true;
}

#define AXES_HEADER 10
#define AXES_EACH 5

uint8_t proto_axes_put(const ProtoAxes *a, uint8_t *ret)
{
	uint8_t n = AXES_HEADER;
	ret[0] = PROTO_MSG_AXES;
	proto_put64(ret + 1, a->at);
	ret[9] = a->axes;
	for (uint8_t i = 0; i < a->axes; i++) {
		ret[n] = a->axis[i].state;
		proto_put32(ret + n + 1, (uint32_t)a->axis[i].position);
		n = (uint8_t)(n + AXES_EACH);
	}
	return n;
}

bool proto_axes_get(const uint8_t *b, uint8_t n, ProtoAxes *ret)
{
	if (n < AXES_HEADER || b[0] != PROTO_MSG_AXES || b[9] > PROTO_AXES_MOST ||
	    n != AXES_HEADER + AXES_EACH * b[9])
		return false;
	ret->at = proto_get64(b + 1);
	ret->axes = b[9];
	for (uint8_t i = 0; i < ret->axes; i++) {
		const uint8_t *p = b + AXES_HEADER + AXES_EACH * i;
		ret->axis[i].state = p[0];
		ret->axis[i].position = (int32_t)proto_get32(p + 1);
	}
	return true;
}

/* msg tag reg [value: i32 in VALUE and DONE, u8 in REFUSED, none in QUEUED] at */
static uint8_t reply_value_size(uint8_t msg)
{
	if (msg == PROTO_MSG_VALUE || msg == PROTO_MSG_DONE)
		return 4;
	return msg == PROTO_MSG_REFUSED ? 1 : 0;
}

uint8_t proto_reply_put(const ProtoReply *r, uint8_t *ret)
{
	uint8_t size = reply_value_size(r->msg);
	ret[0] = r->msg;
	proto_put16(ret + 1, r->tag);
	ret[3] = r->reg;
	if (size == 4)
		proto_put32(ret + 4, (uint32_t)r->value);
	else if (size == 1)
		ret[4] = (uint8_t)r->value;
	proto_put64(ret + 4 + size, r->at);
	return (uint8_t)(12 + size);
}

bool proto_reply_get(const uint8_t *b, uint8_t n, ProtoReply *ret)
{
	if (!n || b[0] < PROTO_MSG_VALUE || b[0] > PROTO_MSG_REFUSED)
		return false;
	uint8_t size = reply_value_size(b[0]);
	if (n != 12 + size)
		return false;
	ret->msg = b[0];
	ret->tag = proto_get16(b + 1);
	ret->reg = b[3];
	ret->value = size == 4 ? (int32_t)proto_get32(b + 4) : size == 1 ? b[4] : 0;
	ret->at = proto_get64(b + 4 + size);
	return true;
}

uint8_t proto_event_put(const ProtoEventMsg *e, uint8_t *ret)
{
	ret[0] = PROTO_MSG_EVENT;
	ret[1] = e->event;
	ret[2] = e->source;
	proto_put32(ret + 3, e->detail);
	proto_put64(ret + 7, e->at);
	return 15;
}

bool proto_event_get(const uint8_t *b, uint8_t n, ProtoEventMsg *ret)
{
	if (n != 15 || b[0] != PROTO_MSG_EVENT)
		return false;
	ret->event = b[1];
	ret->source = b[2];
	ret->detail = proto_get32(b + 3);
	ret->at = proto_get64(b + 7);
	return true;
}

bool proto_adc_get(const uint8_t *b, uint8_t n, ProtoAdc *ret)
{
	if (n < PROTO_ADC_HEADER || b[0] != PROTO_MSG_ADC || !b[13] || !b[14])
		return false;
	ret->batch = proto_get16(b + 1);
	ret->at = proto_get64(b + 3);
	ret->period = proto_get16(b + 11);
	ret->plan = b[13];
	ret->scans = b[14];
	ret->channels = 0;
	for (uint8_t c = 0; c < PROTO_ADC_MOST; c++)
		if (proto_adc_conversions(b[13], c)) {
			ret->of[ret->channels].channel = c;
			ret->of[ret->channels++].conversions = proto_adc_conversions(b[13], c);
		}
	ret->values = b + PROTO_ADC_HEADER + 2 * ret->channels;
	if (n != PROTO_ADC_HEADER + 2u * ret->channels * (1u + b[14]))
		return false;
	for (uint8_t i = 0; i < ret->channels; i++)
		ret->of[i].after = proto_get16(b + PROTO_ADC_HEADER + 2 * i);
	return true;
}

_Static_assert(PROTO_EDGES_HEADER + PROTO_EDGES_EACH * PROTO_EDGES_MOST <= PROTO_PAYLOAD,
	       "fits into a message");

uint8_t proto_edges_put(const ProtoEdges *e, uint8_t *ret)
{
	uint8_t n = PROTO_EDGES_HEADER;
	ret[0] = PROTO_MSG_EDGES;
	proto_put64(ret + 1, e->at);
	proto_put16(ret + 9, e->lost);
	ret[11] = e->edges;
	for (uint8_t i = 0; i < e->edges; i++, n = (uint8_t)(n + PROTO_EDGES_EACH)) {
		ret[n] = e->edge[i].what;
		proto_put32(ret + n + 1, e->edge[i].before);
	}
	return n;
}

bool proto_edges_get(const uint8_t *b, uint8_t n, ProtoEdges *ret)
{
	if (n < PROTO_EDGES_HEADER || b[0] != PROTO_MSG_EDGES || b[11] > PROTO_EDGES_MOST ||
	    n != PROTO_EDGES_HEADER + PROTO_EDGES_EACH * b[11])
		return false;
	ret->at = proto_get64(b + 1);
	ret->lost = proto_get16(b + 9);
	ret->edges = b[11];
	for (uint8_t i = 0; i < ret->edges; i++) {
		ret->edge[i].what = b[PROTO_EDGES_HEADER + PROTO_EDGES_EACH * i];
		ret->edge[i].before =
			proto_get32(b + PROTO_EDGES_HEADER + PROTO_EDGES_EACH * i + 1);
	}
	return true;
}
