#include <anzen/protocol.h>
#include <string.h>

/* COBS in place, wire[1 … n] being the body: each zero becomes the length + 1 of the run that follows it, the first such
 * code stands before the body. A body is shorter than 254 bytes, so the long-run code 255 never occurs. */
static uint8_t cobs(uint8_t *wire, uint8_t n)
{
	uint8_t code_at = 0;
	for (uint8_t i = 1; i <= n; i++) {
		if (wire[i])
			continue;
		wire[code_at] = (uint8_t)(i - code_at);
		code_at = i;
	}
	wire[code_at] = (uint8_t)(n + 1 - code_at);
	wire[n + 1] = 0;
	return (uint8_t)(n + 2);
}

uint8_t proto_frame_encode(const ProtoFrame *frame, uint8_t *ret_wire)
{
	uint8_t *body = ret_wire + 1; /* a second buffer would be much of a small board's stack */
	uint8_t n = (uint8_t)(PROTO_HEADER + frame->n);
	body[0] = (uint8_t)(n + PROTO_CRC);
	body[1] = frame->kind;
	proto_put16(body + 2, frame->session);
	proto_put16(body + 4, frame->seq);
	proto_put16(body + 6, frame->ack);
	if (frame->n)
		memcpy(body + PROTO_HEADER, frame->payload, frame->n);
	proto_put32(body + n, proto_crc32(0, body, n));
	return cobs(ret_wire, (uint8_t)(n + PROTO_CRC));
}

void proto_decoder_init(ProtoDecoder *decoder)
{
	memset(decoder, 0, sizeof *decoder);
}

static void push(ProtoDecoder *d, uint8_t byte)
{
	if (d->n == sizeof d->body)
		d->damaged = true;
	else
		d->body[d->n++] = byte;
}

static bool parse(const ProtoDecoder *d, ProtoFrame *ret)
{
	uint8_t n = d->n;
	if (n < PROTO_HEADER + PROTO_CRC || d->body[0] != n)
		return false;
	n = (uint8_t)(n - PROTO_CRC);
	if (proto_crc32(0, d->body, n) != proto_get32(d->body + n))
		return false;
	ret->kind = d->body[1];
	ret->session = proto_get16(d->body + 2);
	ret->seq = proto_get16(d->body + 4);
	ret->ack = proto_get16(d->body + 6);
	ret->payload = d->body + PROTO_HEADER;
	ret->n = (uint8_t)(n - PROTO_HEADER);
	return true;
}

static ProtoParse delimiter(ProtoDecoder *d, ProtoFrame *ret)
{
	ProtoParse result = PROTO_NEED_MORE;
	if (d->any)
		result = !d->damaged && !d->left && parse(d, ret) ? PROTO_FRAME : PROTO_INVALID;
	d->n = d->left = 0;
	d->zero = d->damaged = d->any = false;
	return result;
}

ProtoParse proto_decoder_byte(ProtoDecoder *d, uint8_t byte, ProtoFrame *ret_frame)
{
	if (!byte)
		return delimiter(d, ret_frame);
	d->any = true;
	if (d->damaged)
		return PROTO_NEED_MORE;
	if (d->left) {
		d->left--;
		push(d, byte);
		return PROTO_NEED_MORE;
	}
	if (d->zero)
		push(d, 0);
	d->zero = true;
	d->left = (uint8_t)(byte - 1);
	if (d->left > sizeof d->body - d->n) /* this run cannot fit */
		d->damaged = true;
	return PROTO_NEED_MORE;
}
