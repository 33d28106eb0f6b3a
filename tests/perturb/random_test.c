#include "unit.h"

#include "random.h"

/* Known answers published with Random123 (Salmon et al.), file kat_vectors, philox4x32 10. */
static void philox_gives_the_published_answers(void)
{
	static const struct {
		uint32_t counter[4], key[2], answer[4];
	} known[] = {
		{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
		 {0xffffffff, 0xffffffff},
		 {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
		 {0xa4093822, 0x299f31d0},
		 {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		uint32_t got[4];
		random_philox(known[i].counter, known[i].key, got);
		CU_ASSERT_EQUAL(memcmp(got, known[i].answer, sizeof(got)), 0);
	}
}

/* Tables of the normal distribution (Abramowitz and Stegun 26.5 and any statistics package). */
static void quantiles_are_those_of_the_tables(void)
{
	CU_ASSERT_DOUBLE_EQUAL(random_normal_quantile(0.5), 0, 0);
	CU_ASSERT_DOUBLE_EQUAL(random_normal_quantile(0.975), 1.959963984540054, 1e-14);
	CU_ASSERT_DOUBLE_EQUAL(random_normal_quantile(0.025), -1.959963984540054, 1e-14);
	CU_ASSERT_DOUBLE_EQUAL(random_normal_quantile(0.999), 3.090232306167813, 1e-13);
	CU_ASSERT_DOUBLE_EQUAL(random_normal_quantile(0.8413447460685429), 1, 1e-13);
	CU_ASSERT_DOUBLE_EQUAL(random_normal_quantile(1e-9), -5.997807015007687, 1e-12);
	/* erfc turns each back into its probability */
	for (double p = 1e-9; p < 0.9; p *= 1.7)
		CU_ASSERT_DOUBLE_EQUAL(0.5 * erfc(-random_normal_quantile(p) / sqrt(2.0)), p,
				       1e-12 * p + 1e-16);
}

static void the_ends_are_finite(void)
{
	CU_ASSERT_TRUE(isfinite(random_normal_quantile(random_unit(0))));
	CU_ASSERT_TRUE(isfinite(random_normal_quantile(random_unit(UINT32_MAX))));
	/* 1 - 2^-33 and 2^-33: symmetrical */
	CU_ASSERT_DOUBLE_EQUAL(random_normal_quantile(random_unit(0)),
			       -random_normal_quantile(random_unit(UINT32_MAX)), 1e-5);
}

static void keys_differ_in_each_part(void)
{
	uint64_t k = random_key(7, "fog", 0, "camera.main");
	CU_ASSERT_NOT_EQUAL(k, random_key(8, "fog", 0, "camera.main"));
	CU_ASSERT_NOT_EQUAL(k, random_key(7, "frost", 0, "camera.main"));
	CU_ASSERT_NOT_EQUAL(k, random_key(7, "fog", 1, "camera.main"));
	CU_ASSERT_NOT_EQUAL(k, random_key(7, "fog", 0, "camera.side"));
	CU_ASSERT_EQUAL(k, random_key(7, "fog", 0, "camera.main"));
}

UNIT_MAIN("perturb.random", UNIT(philox_gives_the_published_answers),
	  UNIT(quantiles_are_those_of_the_tables), UNIT(the_ends_are_finite),
	  UNIT(keys_differ_in_each_part))
