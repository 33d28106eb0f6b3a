/* Bytes: CRC, COBS, framing, resynchronisation. */
#include <anzen/protocol.h>

#include "unit.h"

static ProtoParse decode(ProtoDecoder *d, const uint8_t *wire, size_t n, ProtoFrame *ret)
{
	ProtoParse last = PROTO_NEED_MORE;
	for (size_t i = 0; i < n; i++)
		last = proto_decoder_byte(d, wire[i], ret);
	return last;
}

/* Check value of the CRC catalogue (CRC-32/ISO-HDLC), and every table entry by the definition: eight shifts. */
static void crc_is_that_of_ieee_802_3(void)
{
	CU_ASSERT_EQUAL(proto_crc32(0, (const uint8_t *)"123456789", 9), 0xcbf43926u);
	for (unsigned i = 0; i < 256; i++) {
		uint32_t r = 0xffffffffu ^ i;
		for (int k = 0; k < 8; k++)
			r = r & 1 ? r >> 1 ^ 0xedb88320u : r >> 1;
		uint8_t byte = (uint8_t)i;
		CU_ASSERT_EQUAL(proto_crc32(0, &byte, 1), ~r);
	}
}

/* Bytes computed with Python's zlib.crc32 and a COBS written from the paper (Cheshire, Baker 1999). */
static void frame_has_the_specified_bytes(void)
{
	static const uint8_t expected[] = {0x05, 0x11, 0x03, 0x34, 0x12, 0x03, 0x01,
					   0x02, 0x03, 0x04, 0x07, 0x01, 0x01, 0x05,
					   0xa8, 0x0d, 0xf1, 0x99, 0x00};
	static const uint8_t payload[] = {4, 7, 0, 0, 0};
	ProtoFrame frame = {PROTO_DATA, 0x1234, 0x0100, 0x0002, payload, sizeof payload};
	uint8_t wire[PROTO_WIRE];
	uint8_t n = proto_frame_encode(&frame, wire);
	CU_ASSERT_EQUAL(n, sizeof expected);
	CU_ASSERT_EQUAL(memcmp(wire, expected, MIN(n, sizeof expected)), 0);
}

static void every_length_and_content_comes_back(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	ProtoDecoder d;
	proto_decoder_init(&d);
	for (int k = 0; k < 4000; k++) {
		uint8_t payload[PROTO_PAYLOAD], wire[PROTO_WIRE];
		uint8_t n = (uint8_t)(k % (PROTO_PAYLOAD + 1));
		for (int i = 0; i < n; i++) /* many zeros: they are what COBS is about */
			payload[i] = g_rand_int_range(rand, 0, 3)
					     ? 0
					     : (uint8_t)g_rand_int_range(rand, 0, 256);
		ProtoFrame in = {PROTO_DATA, (uint16_t)g_rand_int(rand), (uint16_t)k, 0, payload,
				 n},
			   out;
		uint8_t size = proto_frame_encode(&in, wire);
		CU_ASSERT_PTR_EQUAL(memchr(wire, 0, size), wire + size - 1);
		CU_ASSERT_EQUAL(decode(&d, wire, size, &out), PROTO_FRAME);
		CU_ASSERT_TRUE(out.kind == in.kind && out.session == in.session &&
			       out.seq == in.seq && out.n == n);
		CU_ASSERT_EQUAL(memcmp(out.payload, payload, n), 0);
	}
}

/* Every single bit and every single cut of a frame: never a frame, and the next one is whole. */
static void damage_is_seen_and_over_at_the_next_delimiter(void)
{
	static const uint8_t payload[] = {1, 0, 2, 0xff, 0};
	ProtoFrame in = {PROTO_DATA, 1, 2, 3, payload, sizeof payload}, out;
	uint8_t good[PROTO_WIRE], bad[PROTO_WIRE];
	uint8_t n = proto_frame_encode(&in, good);
	for (int bit = 0; bit < 8 * n; bit++) {
		ProtoDecoder d;
		unsigned frames = 0;
		proto_decoder_init(&d);
		memcpy(bad, good, n);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		for (int i = 0; i < n; i++)
			frames += proto_decoder_byte(&d, bad[i], &out) == PROTO_FRAME;
		CU_ASSERT_EQUAL(frames, 0);
		if (bit / 8 ==
		    n - 1) /* the delimiter itself was hit: the next frame ends this one */
			decode(&d, good, n, &out);
		CU_ASSERT_EQUAL(decode(&d, good, n, &out), PROTO_FRAME);
	}
	for (uint8_t cut = 1; cut < n; cut++) {
		ProtoDecoder d;
		proto_decoder_init(&d);
		CU_ASSERT_EQUAL(decode(&d, good + cut, n - cut, &out),
				cut == n - 1 ? PROTO_NEED_MORE : PROTO_INVALID);
		CU_ASSERT_EQUAL(decode(&d, good, n, &out), PROTO_FRAME);
	}
}

static void endless_garbage_overruns_nothing(void)
{
	ProtoDecoder d;
	ProtoFrame out;
	proto_decoder_init(&d);
	for (int first = 1; first < 256; first++) {
		for (int i = 0; i < 1000; i++)
			CU_ASSERT_EQUAL(
				proto_decoder_byte(&d, (uint8_t)(1 + (first * i) % 255), &out),
				PROTO_NEED_MORE);
		CU_ASSERT_EQUAL(proto_decoder_byte(&d, 0, &out), PROTO_INVALID);
	}
}

static void messages_come_back_field_by_field(void)
{
	uint8_t b[PROTO_PAYLOAD];
	ProtoWrite w = {0xfffe, 0x13, 1, 0x0123456789abcdef, -2, 0xfedcba98}, w2;
	CU_ASSERT_TRUE(proto_write_get(b, proto_write_put(&w, b), &w2));
	CU_ASSERT_TRUE(w2.tag == w.tag && w2.reg == w.reg && w2.flags == 1 && w2.at == w.at &&
		       w2.value == -2 && w2.duration_us == w.duration_us);
	for (uint8_t msg = PROTO_MSG_VALUE; msg <= PROTO_MSG_REFUSED; msg++) {
		ProtoReply r = {msg, 9, 0x28, msg == PROTO_MSG_QUEUED ? 0 : 200, 1ull << 40}, r2;
		uint8_t n = proto_reply_put(&r, b);
		CU_ASSERT_TRUE(proto_reply_get(b, n, &r2));
		CU_ASSERT_TRUE(r2.msg == msg && r2.tag == 9 && r2.reg == 0x28 &&
			       r2.value == r.value && r2.at == r.at);
		CU_ASSERT_FALSE(proto_reply_get(b, (uint8_t)(n - 1), &r2));
	}
	ProtoHello h = {1, 2, {3, 4, 5}, 6, 7, 8, 9, "board"}, h2;
	proto_hello_put(&h, b);
	CU_ASSERT_TRUE(proto_hello_get(b, PROTO_HELLO_SIZE, &h2) && h2.boot_count == 8 &&
		       !strcmp(h2.board, "board"));
	CU_ASSERT_FALSE(proto_hello_get(b, PROTO_HELLO_SIZE - 1, &h2));
}

UNIT_MAIN("protocol.frame", UNIT(crc_is_that_of_ieee_802_3), UNIT(frame_has_the_specified_bytes),
	  UNIT(every_length_and_content_comes_back),
	  UNIT(damage_is_seen_and_over_at_the_next_delimiter),
	  UNIT(endless_garbage_overruns_nothing), UNIT(messages_come_back_field_by_field))
