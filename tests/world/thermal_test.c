#include "unit.h"

#include "sensor.h"
#include "thermal.h"

static void one_step_of_tau_reaches_63_percent(void)
{
	CU_ASSERT_DOUBLE_EQUAL(first_order(0, 1, 2.0, 2.0), 0.6321205588285577,
			       1e-15); /* 1 - 1/e */
	CU_ASSERT_DOUBLE_EQUAL(first_order(5, 1, 0, 0.001), 1, 0);
}

/* T(t) = T_room + P/UA (1 - exp(-t UA / C)): 2000 W, 4 W/K, 450 J/K, room 22 degC, after 60 s:
 * tau = 112.5 s, exp(-60/112.5) = 0.5866462195, T = 22 + 500 * 0.4133537805 = 228.67689025 degC. */
static void dry_pan_follows_the_exponential(void)
{
	const PanParams params = {.capacity_J_K = 450, .loss_W_K = 4, .power_W = 2000};
	Pan pan = {.temperature_C = 22};
	for (int i = 0; i < 30000; i++)
		pan_step(&pan, &params, 2000, 22, 0.002);
	CU_ASSERT_DOUBLE_EQUAL(pan.temperature_C, 228.67689025, 1e-6);
}

static void answer_does_not_depend_on_the_step(void)
{
	const PanParams params = {.capacity_J_K = 450, .loss_W_K = 4, .power_W = 2000};
	Pan fine = {.temperature_C = 22}, coarse = {.temperature_C = 22};
	for (int i = 0; i < 10000; i++)
		pan_step(&fine, &params, 1200, 22, 0.001);
	pan_step(&coarse, &params, 1200, 22, 10);
	CU_ASSERT_DOUBLE_EQUAL(fine.temperature_C, coarse.temperature_C, 1e-9);
}

/* At 100 degC 2000 W minus 4 W/K * 78 K = 1688 W evaporate water: in 60 s 1688 * 60 / 2.256e6 = 0.04489 kg. */
static void water_boils_at_100_and_evaporates(void)
{
	const PanParams params = {.capacity_J_K = 450, .loss_W_K = 4, .power_W = 2000};
	Pan pan = {.temperature_C = 100, .water_kg = 0.5};
	for (int i = 0; i < 30000; i++)
		pan_step(&pan, &params, 2000, 22, 0.002);
	CU_ASSERT_DOUBLE_EQUAL(pan.temperature_C, 100, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(0.5 - pan.water_kg, 0.04489, 1e-4);
}

static void boiled_dry_pan_goes_on_heating(void)
{
	const PanParams params = {.capacity_J_K = 450, .loss_W_K = 4, .power_W = 2000};
	Pan pan = {.temperature_C = 100, .water_kg = 0.01};
	for (int i = 0; i < 60000; i++)
		pan_step(&pan, &params, 2000, 22, 0.002);
	CU_ASSERT_EQUAL(pan.water_kg, 0);
	CU_ASSERT_TRUE(pan.temperature_C > 200);
}

static void noise_is_normal_and_repeats(void)
{
	double sum = 0, squares = 0;
	int n = 100000, beyond = 0;
	for (int i = 0; i < n; i++) {
		double x = sensor_gauss(7, (uint64_t)i);
		sum += x;
		squares += x * x;
		beyond += fabs(x) > 1.959964;
	}
	CU_ASSERT_DOUBLE_EQUAL(sum / n, 0, 4.0 / sqrt(n));           /* 4 sigma of a mean */
	CU_ASSERT_DOUBLE_EQUAL(squares / n, 1, 4.0 * sqrt(2.0 / n)); /* 4 sigma of a variance */
	CU_ASSERT_DOUBLE_EQUAL((double)beyond / n, 0.05, 0.003);     /* two-sided 95 % quantile */
	CU_ASSERT_EQUAL(sensor_gauss(7, 42), sensor_gauss(7, 42));
	CU_ASSERT_NOT_EQUAL(sensor_gauss(7, 42), sensor_gauss(8, 42));
}

/* 0.003 V/N * 100 N + 0.1 V = 0.4 V; times 6553.5 counts/V = 2621.4 → 2621. */
static void chain_makes_counts_by_hand_arithmetic(void)
{
	SensorParams p = {.gain = 0.003,
			  .offset = 0.1,
			  .hi_V = 10,
			  .counts_per_volt = 6553.5,
			  .counts_max = 65535};
	CU_ASSERT_DOUBLE_EQUAL(sensor_volts(&p, 100, 0, 0), 0.4, 1e-12);
	CU_ASSERT_EQUAL(sensor_quantise(&p, 0.4), 2621);
	CU_ASSERT_EQUAL(sensor_volts(&p, 5000, 0, 0), 10); /* saturates */
	CU_ASSERT_EQUAL(sensor_quantise(&p, 11), 65535);
	CU_ASSERT_EQUAL(sensor_quantise(&p, -1), 0);
}

UNIT_MAIN("world.thermal", UNIT(one_step_of_tau_reaches_63_percent),
	  UNIT(dry_pan_follows_the_exponential), UNIT(answer_does_not_depend_on_the_step),
	  UNIT(water_boils_at_100_and_evaporates), UNIT(boiled_dry_pan_goes_on_heating),
	  UNIT(noise_is_normal_and_repeats), UNIT(chain_makes_counts_by_hand_arithmetic))
