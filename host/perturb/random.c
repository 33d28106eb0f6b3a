#include "random.h"

#include <math.h>

/* Multipliers and Weyl constants of Philox4x32: Salmon et al., SC 2011, table 2 and section 3.3. */
#define MULTIPLY_0 UINT32_C(0xD2511F53)
#define MULTIPLY_1 UINT32_C(0xCD9E8D57)
#define WEYL_0 UINT32_C(0x9E3779B9)
#define WEYL_1 UINT32_C(0xBB67AE85)
#define ROUNDS 10

void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret[4])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
	uint32_t k0 = key[0], k1 = key[1];
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = (uint64_t)MULTIPLY_0 * c0, b = (uint64_t)MULTIPLY_1 * c2;
		c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
		c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
		c1 = (uint32_t)b;
		c3 = (uint32_t)a;
		k0 += WEYL_0;
		k1 += WEYL_1;
	}
	ret[0] = c0;
	ret[1] = c1;
	ret[2] = c2;
	ret[3] = c3;
}

/* FNV-1a, 64 bit. */
static uint64_t fold(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t fold_number(uint64_t h, uint64_t number)
{
	uint8_t bytes[8]; /* little-endian whatever the machine is */
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	return fold(h, bytes, sizeof(bytes));
}

uint64_t random_key(uint64_t seed, const char *name, uint64_t place, const char *target)
{
	uint64_t h = fold_number(UINT64_C(0xcbf29ce484222325), seed);
	for (const char *p = name; *p; p++)
		h = fold(h, p, 1);
	h = fold_number(fold(h, "", 1), place);
	for (const char *p = target; *p; p++)
		h = fold(h, p, 1);
	return h;
}

static double ratio(const double *a, const double *b, double r)
{
	double up = a[7], down = b[6];
	for (int i = 6; i >= 0; i--)
		up = up * r + a[i];
	for (int i = 5; i >= 0; i--)
		down = down * r + b[i];
	return up / (down * r + 1);
}

/* Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37(3), 1988: PPND16. */
double random_normal_quantile(double p)
{
	static const double a[] = {3.3871328727963666080,    1.3314166789178437745e+2,
				   1.9715909503065514427e+3, 1.3731693765509461125e+4,
				   4.5921953931549871457e+4, 6.7265770927008700853e+4,
				   3.3430575583588128105e+4, 2.5090809287301226727e+3};
	static const double b[] = {4.2313330701600911252e+1, 6.8718700749205790830e+2,
				   5.3941960214247511077e+3, 2.1213794301586595867e+4,
				   3.9307895800092710610e+4, 2.8729085735721942674e+4,
				   5.2264952788528545610e+3};
	static const double c[] = {1.42343711074968357734,    4.63033784615654529590,
				   5.76949722146069140550,    3.64784832476320460504,
				   1.27045825245236838258,    2.41780725177450611770e-1,
				   2.27238449892691845833e-2, 7.74545014278341407640e-4};
	static const double d[] = {2.05319162663775882187,    1.67638483018380384940,
				   6.89767334985100004550e-1, 1.48103976427480074590e-1,
				   1.51986665636164571966e-2, 5.47593808499534494600e-4,
				   1.05075007164441684324e-9};
	static const double e[] = {6.65790464350110377720,    5.46378491116411436990,
				   1.78482653991729133580,    2.96560571828504891230e-1,
				   2.65321895265761230930e-2, 1.24266094738807843860e-3,
				   2.71155556874348757815e-5, 2.01033439929228813265e-7};
	static const double f[] = {5.99832206555887937690e-1, 1.36929880922735805310e-1,
				   1.48753612908506148525e-2, 7.86869131145613259100e-4,
				   1.84631831751005468180e-5, 1.42151175831644588870e-7,
				   2.04426310338993978564e-15};
	double q = p - 0.5;
	if (fabs(q) <= 0.425)
		return q * ratio(a, b, 0.180625 - q * q);
	double r = sqrt(-log(q < 0 ? p : 1 - p));
	double tail = r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
	return q < 0 ? -tail : tail;
}

double random_uniform(uint64_t key, int64_t at, uint64_t n)
{
	uint32_t block[4];
	random_block(key, at, n, block);
	return random_unit(block[0]);
}

double random_normal(uint64_t key, int64_t at, uint64_t n)
{
	return random_normal_quantile(random_uniform(key, at, n));
}
