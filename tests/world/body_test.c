#include "unit.h"

#include "body.h"

/* Reference mannequin 38 kg and chair 6 kg: 44 kg * 9.80665 m/s2 = 431.4926 N on the plate under the chair. */
static void plate_carries_the_weight(void)
{
	BodyParams params;
	body_params_init(&params);
	g_autoptr(Body) body = body_new(&params);
	CU_ASSERT_TRUE(body_asleep(body));
	CU_ASSERT_TRUE(body_held(body));
	CU_ASSERT_DOUBLE_EQUAL(body_plate_force(body, 0), 431.4926, 0.5);
	CU_ASSERT_DOUBLE_EQUAL(body_plate_force(body, 1), 0, 1e-9);
}

static void held_body_does_not_move(void)
{
	BodyParams params;
	body_params_init(&params);
	g_autoptr(Body) body = body_new(&params);
	double before = body_harness_height(body, NULL);
	for (int i = 0; i < 1000; i++)
		body_step(body);
	CU_ASSERT_EQUAL(body_harness_height(body, NULL), before);
}

/* Hung 0.6 m above the seat and let go: the centre of mass drops by g t²/2 until something touches. Semi-implicit
 * Euler is g t h / 2 ahead of that (2 mm at 0.2 s and 2 ms), and an own step of it is exact: g h² n (n+1) / 2. */
static void free_fall_is_half_g_t_squared(void)
{
	BodyParams params;
	body_params_init(&params);
	params.lift_m = 0.6;
	g_autoptr(Body) body = body_new(&params);
	double start = body_mass_centre_height(body);
	body_release(body);
	for (int n = 1; n <= 100; n++) {
		body_step(body);
		double t = n * 0.002, drop = start - body_mass_centre_height(body);
		CU_ASSERT_DOUBLE_EQUAL(drop, 0.5 * 9.80665 * t * t, 9.80665 * t * 0.002 / 2 + 2e-4);
	}
	CU_ASSERT_DOUBLE_EQUAL(start - body_mass_centre_height(body), 0.196133,
			       0.0025); /* at 0.2 s */
}

static void released_body_is_down_in_about_a_second(void)
{
	BodyParams params;
	body_params_init(&params);
	g_autoptr(Body) body = body_new(&params);
	double start = body_harness_height(body, NULL), down_s = -1;
	CU_ASSERT_TRUE(start > 0.85 && start < 1.0);
	body_release(body);
	CU_ASSERT_FALSE(body_held(body));
	for (int i = 1; i <= 2000; i++) {
		body_step(body);
		if (down_s < 0 && body_harness_height(body, NULL) < 0.3)
			down_s = i * 0.002;
	}
	CU_ASSERT_TRUE(down_s > 0.4 && down_s < 1.2);
	CU_ASSERT_TRUE(body_harness_height(body, NULL) < 0.25);
	CU_ASSERT_TRUE(body_asleep(body));
	double landed = body_plate_force(body, 1), all = landed + body_plate_force(body, 0);
	CU_ASSERT_TRUE(landed > 150);
	CU_ASSERT_DOUBLE_EQUAL(all, body_weight(body), 3); /* nothing lies outside the plates */
}

static void every_size_of_person_falls(void)
{
	static const double sizes[][2] = {{1.20, 24}, {1.30, 30}, {1.60, 50}, {1.75, 75}};
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		BodyParams params;
		body_params_init(&params);
		params.height_m = sizes[i][0];
		params.mass_kg = sizes[i][1];
		g_autoptr(Body) body = body_new(&params);
		CU_ASSERT_DOUBLE_EQUAL(body_plate_force(body, 0), (sizes[i][1] + 6) * 9.80665, 1);
		body_release(body);
		for (int k = 0; k < 600; k++)
			body_step(body);
		CU_ASSERT_TRUE(body_harness_height(body, NULL) < 0.3);
	}
}

static void two_runs_are_equal_to_the_bit(void)
{
	BodyParams params;
	body_params_init(&params);
	g_autoptr(Body) a = body_new(&params);
	body_release(a);
	for (int i = 0; i < 700; i++)
		body_step(a);
	g_autoptr(Body) b = body_new(&params);
	body_release(b);
	for (int i = 0; i < 700; i++)
		body_step(b);
	Scene sa = {0}, sb = {0};
	body_scene(a, &sa);
	body_scene(b, &sb);
	CU_ASSERT_EQUAL(memcmp(&sa, &sb, sizeof sa), 0);
	CU_ASSERT_EQUAL(body_plate_force(a, 1), body_plate_force(b, 1));
}

static gpointer fall(gpointer unused)
{
	(void)unused;
	BodyParams params;
	body_params_init(&params);
	g_autoptr(Body) body = body_new(&params);
	body_release(body);
	for (int i = 0; i < 500; i++)
		body_step(body);
	double *height = g_new(double, 1);
	*height = body_harness_height(body, NULL);
	return height;
}

/* ODE's shared thread pool made this crash until each world got its own. */
static void two_worlds_in_two_threads_do_not_disturb_each_other(void)
{
	GThread *one = g_thread_new("one", fall, NULL), *two = g_thread_new("two", fall, NULL);
	g_autofree double *a = g_thread_join(one), *b = g_thread_join(two), *c = fall(NULL);
	CU_ASSERT_EQUAL(*a, *b);
	CU_ASSERT_EQUAL(*a, *c);
}

UNIT_MAIN("world.body", UNIT(plate_carries_the_weight), UNIT(held_body_does_not_move),
	  UNIT(free_fall_is_half_g_t_squared), UNIT(released_body_is_down_in_about_a_second),
	  UNIT(every_size_of_person_falls), UNIT(two_runs_are_equal_to_the_bit),
	  UNIT(two_worlds_in_two_threads_do_not_disturb_each_other))
