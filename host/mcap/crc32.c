/* CRC-32 with the reflected polynomial 0xEDB88320 (IEEE 802.3; the one of zlib and MCAP).
 *
 * Two ways: eight table look-ups a step ("slicing by 8", Kounavis and Berry 2005), and, where the
 * CPU multiplies without carries, folding by four 128-bit lanes (Gopal et al., "Fast CRC
 * Computation … Using PCLMULQDQ", Intel 2009; the constants are x^n mod P of that paper for this
 * polynomial). The recorder's writer thread spends most of its time here and in zstd, so it
 * matters. */
#include "wire.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_CLMUL 1
#else
#define HAVE_CLMUL 0
#endif

static uint32_t table[8][256];

__attribute__((constructor)) static void fill_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ (0xEDB88320u & -(c & 1));
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
}

/* `c` is the inverted register, here and in the folding. */
static uint32_t by_tables(uint32_t c, const uint8_t *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		word = GUINT64_FROM_LE(word) ^ c;
		c = table[7][word & 0xff] ^ table[6][(word >> 8) & 0xff] ^
		    table[5][(word >> 16) & 0xff] ^ table[4][(word >> 24) & 0xff] ^
		    table[3][(word >> 32) & 0xff] ^ table[2][(word >> 40) & 0xff] ^
		    table[1][(word >> 48) & 0xff] ^ table[0][word >> 56];
	}
	while (n--)
		c = (c >> 8) ^ table[0][(c ^ *p++) & 0xff];
	return c;
}

#if HAVE_CLMUL
#define CLMUL __attribute__((target("pclmul,sse4.1")))

CLMUL static inline __m128i fold(__m128i x, __m128i k, __m128i next)
{
	__m128i lo = _mm_clmulepi64_si128(x, k, 0x00), hi = _mm_clmulepi64_si128(x, k, 0x11);
	return _mm_xor_si128(_mm_xor_si128(lo, hi), next);
}

CLMUL static inline __m128i load(const uint8_t *p)
{
	__m128i x;
	memcpy(&x, p, sizeof(x));
	return x;
}

/* n is at least 64 and a multiple of 16. */
CLMUL static uint32_t by_folding(uint32_t c, const uint8_t *p, size_t n)
{
	const __m128i k1k2 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4); /* x^(4·128±32) */
	const __m128i k3k4 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0); /* x^(128±32) */
	const __m128i k5 = _mm_set_epi64x(0, 0x0163cd6124);              /* x^64 */
	const __m128i poly_mu = _mm_set_epi64x(0x01f7011641, 0x01db710641);
	const __m128i low32 = _mm_setr_epi32(~0, 0, ~0, 0);
	__m128i x[4];

	for (int i = 0; i < 4; i++)
		x[i] = load(p + 16 * i);
	x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)c));
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64)
		for (int i = 0; i < 4; i++)
			x[i] = fold(x[i], k1k2, load(p + 16 * i));
	for (int i = 1; i < 4; i++)
		x[0] = fold(x[0], k3k4, x[i]);
	for (; n >= 16; p += 16, n -= 16)
		x[0] = fold(x[0], k3k4, load(p));

	/* 128 → 64 bits, then Barrett's reduction to 32. */
	__m128i t = _mm_clmulepi64_si128(x[0], k3k4, 0x10);
	t = _mm_xor_si128(_mm_srli_si128(x[0], 8), t);
	__m128i u = _mm_srli_si128(t, 4);
	t = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(t, low32), k5, 0x00), u);
	u = _mm_clmulepi64_si128(_mm_and_si128(t, low32), poly_mu, 0x10);
	u = _mm_clmulepi64_si128(_mm_and_si128(u, low32), poly_mu, 0x00);
	return (uint32_t)_mm_extract_epi32(_mm_xor_si128(t, u), 1);
}

static int can_fold(void)
{
	static int known = -1;
	if (known < 0)
		known = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
	return known;
}
#endif

bool crc32_folds(void)
{
#if HAVE_CLMUL
	return can_fold();
#else
	return false;
#endif
}

uint32_t crc32_by_tables(uint32_t crc, const void *data, size_t size)
{
	return ~by_tables(~crc, data, size);
}

uint32_t mcap_crc32(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t c = ~crc;
#if HAVE_CLMUL
	if (size >= 64 && can_fold()) {
		size_t n = size & ~(size_t)15;
		c = by_folding(c, p, n);
		p += n;
		size -= n;
	}
#endif
	return ~by_tables(c, p, size);
}
