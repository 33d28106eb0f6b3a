/* The HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1) of an H.265 video, from its parameter sets (ITU-T H.265,
 * 7.3.1 and 7.3.2). Only what the record repeats is read of them. */
#include "mp4.h"

typedef struct {
	const uint8_t *data;
	size_t bits, at;
	bool bad;
} Bits;

static uint32_t bits(Bits *b, unsigned n)
{
	uint32_t v = 0;
	for (unsigned i = 0; i < n; i++, b->at++) {
		if (b->at >= b->bits) {
			b->bad = true;
			return 0;
		}
		v = v << 1 | (b->data[b->at / 8] >> (7 - b->at % 8) & 1u);
	}
	return v;
}

static void skip(Bits *b, size_t n)
{
	b->at += n;
	b->bad |= b->at > b->bits;
}

/* ue(v), 9.2 */
static uint32_t golomb(Bits *b)
{
	unsigned zeros = 0;
	while (!b->bad && zeros < 32 && bits(b, 1) == 0)
		zeros++;
	b->bad |= zeros >= 32;
	return b->bad ? 0 : ((1u << zeros) - 1) + bits(b, zeros);
}

/* The payload of a unit: without its head, and without the bytes that keep start codes out of it (7.3.1.1). */
static GByteArray *payload_of(const GByteArray *unit)
{
	GByteArray *out = g_byte_array_sized_new(unit->len);
	unsigned zeros = 0;
	for (guint i = 2; i < unit->len; i++) {
		uint8_t v = unit->data[i];
		if (zeros >= 2 && v == 3) {
			zeros = 0;
			continue;
		}
		zeros = v == 0 ? zeros + 1 : 0;
		g_byte_array_append(out, &v, 1);
	}
	return out;
}

typedef struct {
	uint8_t profile[12]; /* general_profile_space … general_level_idc, 7.3.3 */
	uint32_t sub_layers, nested, chroma, luma_depth, chroma_depth;
} Sps;

static void skip_sub_layers(Bits *b, uint32_t max_minus1)
{
	bool profile[8] = {false}, level[8] = {false};
	for (uint32_t i = 0; i < max_minus1; i++) {
		profile[i] = bits(b, 1);
		level[i] = bits(b, 1);
	}
	if (max_minus1 > 0)
		skip(b, (size_t)2 * (8 - max_minus1));
	for (uint32_t i = 0; i < max_minus1; i++)
		skip(b, (profile[i] ? 88u : 0) + (level[i] ? 8u : 0));
}

static bool read_sps(const GByteArray *unit, Sps *ret)
{
	g_autoptr(GByteArray) payload = payload_of(unit);
	Bits b = {payload->data, (size_t)payload->len * 8, 0, false};
	skip(&b, 4);
	uint32_t max_minus1 = bits(&b, 3);
	ret->sub_layers = max_minus1 + 1;
	ret->nested = bits(&b, 1);
	for (size_t i = 0; i < sizeof(ret->profile); i++)
		ret->profile[i] = (uint8_t)bits(&b, 8);
	skip_sub_layers(&b, max_minus1);
	golomb(&b);
	ret->chroma = golomb(&b);
	if (ret->chroma == 3)
		skip(&b, 1);
	golomb(&b); /* width, height */
	golomb(&b);
	if (bits(&b, 1))
		for (int i = 0; i < 4; i++)
			golomb(&b);
	ret->luma_depth = golomb(&b);
	ret->chroma_depth = golomb(&b);
	return !b.bad && ret->chroma <= 3 && ret->luma_depth <= 8 && ret->chroma_depth <= 8;
}

static void put_set(GByteArray *b, unsigned type, const GByteArray *set)
{
	mp4_be(b, type, 1); /* others of this kind may stand in the pictures: hev1 */
	mp4_be(b, 1, 2);
	mp4_be(b, set->len, 2);
	g_byte_array_append(b, set->data, set->len);
}

bool mp4_put_hvcc(GByteArray *b, const GByteArray *vps, const GByteArray *sps,
		  const GByteArray *pps)
{
	Sps s = {0};
	if (!read_sps(sps, &s))
		return false;
	guint at = mp4_box(b, "hvcC");
	mp4_be(b, 1, 1);
	g_byte_array_append(b, s.profile, sizeof(s.profile));
	mp4_be(b, 0xf000, 2); /* no least size of parts told */
	mp4_be(b, 0xfc, 1);   /* nor how they could be decoded side by side */
	mp4_be(b, 0xfc | s.chroma, 1);
	mp4_be(b, 0xf8 | s.luma_depth, 1);
	mp4_be(b, 0xf8 | s.chroma_depth, 1);
	mp4_be(b, 0, 2);                                                 /* average rate not told */
	mp4_be(b, (uint64_t)(s.sub_layers << 3 | s.nested << 2 | 3), 1); /* lengths of 4 bytes */
	mp4_be(b, 3, 1);
	put_set(b, 32, vps);
	put_set(b, 33, sps);
	put_set(b, 34, pps);
	mp4_close_box(b, at);
	return true;
}
