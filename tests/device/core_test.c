/* The device core in lock-step, with the plant driver on a world of two numbers; and its rings with a link thread. */
#include "unit.h"

#include "sink.h"

typedef struct {
	PlantPort port; /* first */
	double out, in;
	unsigned writes;
} TwoNumbers;

static gboolean two_read(PlantPort *port, const char *channel, double *ret)
{
	TwoNumbers *world = (TwoNumbers *)port;
	if (strcmp(channel, "dev.in") != 0)
		return FALSE;
	*ret = world->in;
	return TRUE;
}

static gboolean two_write(PlantPort *port, const char *channel, double value)
{
	TwoNumbers *world = (TwoNumbers *)port;
	if (strcmp(channel, "dev.out") != 0)
		return FALSE;
	world->out = value;
	world->writes++;
	return TRUE;
}

static const DevicePlantChannel channels[] = {
	{.channel = {.name = "out",
		     .unit = "1",
		     .lo = 0,
		     .hi = 1,
		     .safe = 0,
		     .writable = true,
		     .max_on_ns = 500 * CLOCK_MS},
	 .port = "dev.out",
	 .scale = 1},
	{.channel = {.name = "in",
		     .unit = "count",
		     .lo = 0,
		     .hi = 1023,
		     .safe = (double)NAN,
		     .readable = true,
		     .period_ns = 10 * CLOCK_MS},
	 .port = "dev.in",
	 .scale = 200,
	 .offset = 1,
	 .whole = true},
};

typedef struct {
	TwoNumbers world;
	Clock *clock;
	Device *device;
	Sink sink;
} Bench;

static void bench_init(Bench *bench)
{
	g_autoptr(GError) error = NULL;
	*bench = (Bench){.world = {.port = {.read = two_read, .write = two_write}},
			 .clock = clock_manual_new(0)};
	sink_init(&bench->sink);
	DeviceConfig config = {.name = "dev",
			       .driver = "plant",
			       .clock = bench->clock,
			       .threadless = true,
			       .plant = &bench->world.port,
			       .plant_channels = channels,
			       .n_plant_channels = G_N_ELEMENTS(channels)};
	bench->device = device_open(&config, &error);
	UNIT_OK(bench->device, error);
	UNIT_OK(device_setup(bench->device, 1, &(DeviceSetup){.sampled = true}, &error), error);
	UNIT_OK(device_start(bench->device, &bench->sink.stream, &error), error);
}

static void bench_clear(Bench *bench)
{
	device_close(bench->device);
	sink_clear(&bench->sink);
	clock_free(bench->clock);
}

/* Go to t, doing on the way what wants to be done, as lock-step does. */
static void go(Bench *bench, int64_t t_ns)
{
	for (int64_t next = device_poll(bench->device, clock_now(bench->clock)); next <= t_ns;) {
		clock_manual_set(bench->clock, MAX(next, clock_now(bench->clock)));
		next = device_poll(bench->device, clock_now(bench->clock));
	}
	clock_manual_set(bench->clock, t_ns);
	device_poll(bench->device, t_ns);
}

static DeviceStatus status_of(Bench *bench, uint32_t id, int64_t *ret_t)
{
	DeviceReply reply = {.status = DEVICE_FAILED};
	while (device_reply(bench->device, &reply) && reply.id != id)
		;
	if (ret_t)
		*ret_t = reply.t_ns;
	return reply.status;
}

static void a_command_acts_at_its_time_and_not_before(void)
{
	Bench bench;
	int64_t t = 0;
	bench_init(&bench);
	CU_ASSERT(device_command(bench.device, &(DeviceCommand){1, 0, 1, 123456789}));
	go(&bench, 123456788);
	CU_ASSERT_EQUAL(bench.world.writes, 0);
	go(&bench, 130 * CLOCK_MS);
	CU_ASSERT_EQUAL(bench.world.out, 1);
	CU_ASSERT_EQUAL(status_of(&bench, 1, &t), DEVICE_DONE);
	CU_ASSERT_EQUAL(t, 123456789);
	bench_clear(&bench);
}

static void commands_act_in_the_order_of_their_times(void)
{
	Bench bench;
	bench_init(&bench);
	device_command(bench.device, &(DeviceCommand){1, 0, 0, 30 * CLOCK_MS});
	device_command(bench.device, &(DeviceCommand){2, 0, 1, 20 * CLOCK_MS});
	go(&bench, 25 * CLOCK_MS);
	CU_ASSERT_EQUAL(bench.world.out, 1);
	go(&bench, 35 * CLOCK_MS);
	CU_ASSERT_EQUAL(bench.world.out, 0);
	CU_ASSERT_EQUAL(bench.world.writes, 2);
	bench_clear(&bench);
}

static void what_cannot_be_done_is_refused_with_a_reason(void)
{
	static const struct {
		DeviceCommand command;
		DeviceStatus want;
	} cases[] = {
		{{1, 0, 2, DEVICE_SOONEST}, DEVICE_REFUSED},           /* out of range */
		{{2, 0, (double)NAN, DEVICE_SOONEST}, DEVICE_REFUSED}, /* no number */
		{{3, 1, 1, DEVICE_SOONEST}, DEVICE_REFUSED},           /* an input */
		{{4, 7, 1, DEVICE_SOONEST}, DEVICE_REFUSED},           /* no such channel */
		{{5, -1, 1, DEVICE_SOONEST}, DEVICE_REFUSED},          /* no such channel */
		{{6, 0, 1, CLOCK_S - 101 * CLOCK_MS}, DEVICE_LATE},    /* its time has passed */
		{{7, 0, 1, CLOCK_S - 99 * CLOCK_MS}, DEVICE_DONE},     /* within 100 ms */
	};
	Bench bench;
	bench_init(&bench);
	go(&bench, CLOCK_S);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		device_command(bench.device, &cases[i].command);
		device_poll(bench.device, CLOCK_S);
		CU_ASSERT_EQUAL(status_of(&bench, cases[i].command.id, NULL), cases[i].want);
	}
	CU_ASSERT_EQUAL(bench.world.writes, 1);
	bench_clear(&bench);
}

static void made_safe_it_refuses_until_armed_again(void)
{
	Bench bench;
	g_autoptr(GError) error = NULL;
	bench_init(&bench);
	device_command(bench.device, &(DeviceCommand){1, 0, 1, DEVICE_SOONEST});
	device_command(bench.device, &(DeviceCommand){2, 0, 1, CLOCK_S});
	go(&bench, CLOCK_MS);
	CU_ASSERT_EQUAL(bench.world.out, 1);
	UNIT_OK(device_make_safe(bench.device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(bench.world.out, 0);
	CU_ASSERT_EQUAL(status_of(&bench, 2, NULL), DEVICE_REFUSED); /* it waited */
	device_command(bench.device, &(DeviceCommand){3, 0, 1, DEVICE_SOONEST});
	go(&bench, 2 * CLOCK_S);
	CU_ASSERT_EQUAL(status_of(&bench, 3, NULL), DEVICE_REFUSED);
	CU_ASSERT_EQUAL(bench.world.out, 0);
	UNIT_OK(device_arm(bench.device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(bench.world.out, 0); /* arming moves nothing */
	device_command(bench.device, &(DeviceCommand){4, 0, 1, DEVICE_SOONEST});
	go(&bench, 2 * CLOCK_S + 1);
	CU_ASSERT_EQUAL(status_of(&bench, 4, NULL), DEVICE_DONE);
	device_request_safe(bench.device);
	go(&bench, 2 * CLOCK_S + 2);
	CU_ASSERT_EQUAL(bench.world.out, 0);
	bench_clear(&bench);
}

static void closing_makes_safe_what_was_driven(void)
{
	Bench bench;
	bench_init(&bench);
	device_command(bench.device, &(DeviceCommand){1, 0, 1, DEVICE_SOONEST});
	go(&bench, CLOCK_MS);
	CU_ASSERT_EQUAL(bench.world.out, 1);
	device_close(g_steal_pointer(&bench.device));
	CU_ASSERT_EQUAL(bench.world.out, 0);
	bench_clear(&bench);
}

static void closing_drives_nothing_that_was_not_driven(void)
{
	Bench bench;
	bench_init(&bench);
	go(&bench, CLOCK_MS);
	device_close(g_steal_pointer(&bench.device));
	CU_ASSERT_EQUAL(bench.world.writes, 0);
	bench_clear(&bench);
}

static void an_output_falls_back_after_its_maximum(void)
{
	Bench bench;
	bench_init(&bench);
	device_command(bench.device, &(DeviceCommand){1, 0, 1, 100 * CLOCK_MS});
	go(&bench, 100 * CLOCK_MS + 500 * CLOCK_MS - 1);
	CU_ASSERT_EQUAL(bench.world.out, 1);
	go(&bench, 600 * CLOCK_MS);
	CU_ASSERT_EQUAL(bench.world.out, 0);
	bench_clear(&bench);
}

/* 200 × 2.0026 + 1 = 401.52: a converter says 401. At 6.0: 1201, above the range of 1023. */
static void samples_come_on_their_grid_as_a_converter_gives_them(void)
{
	Bench bench;
	bench_init(&bench);
	bench.world.in = 2.0026;
	go(&bench, 95 * CLOCK_MS);
	Signal *in = recording_signal(bench.sink.recording, "in");
	CU_ASSERT(in && in->n == 10);
	for (size_t i = 0; in && i < in->n; i++)
		CU_ASSERT(in->t_ns[i] == (int64_t)i * 10 * CLOCK_MS && in->v[i] == 401 &&
			  in->status[i] == SAMPLE_OK);
	bench.world.in = 6.0;
	go(&bench, 100 * CLOCK_MS);
	CU_ASSERT_EQUAL(bench.sink.saturated, 1);
	bench_clear(&bench);
}

static void a_maximum_may_only_be_lowered(void)
{
	Bench bench;
	g_autoptr(GError) error = NULL;
	bench_init(&bench);
	device_stop(bench.device);
	CU_ASSERT_FALSE(
		device_setup(bench.device, 0, &(DeviceSetup){.max_on_ns = 501 * CLOCK_MS}, &error));
	CU_ASSERT(error && strstr(error->message, "ceiling"));
	g_clear_error(&error);
	UNIT_OK(device_setup(bench.device, 0, &(DeviceSetup){.max_on_ns = 100 * CLOCK_MS}, &error),
		error);
	UNIT_OK(device_start(bench.device, &bench.sink.stream, &error), error);
	device_command(bench.device, &(DeviceCommand){1, 0, 1, DEVICE_SOONEST});
	go(&bench, 101 * CLOCK_MS);
	CU_ASSERT_EQUAL(bench.world.out, 0);
	bench_clear(&bench);
}

static void a_full_ring_refuses_and_loses_nothing(void)
{
	Bench bench;
	unsigned taken = 0, answered = 0;
	DeviceReply reply;
	bench_init(&bench);
	for (uint32_t i = 0; i < 1000; i++)
		taken +=
			device_command(bench.device, &(DeviceCommand){i, 0, i % 2, DEVICE_SOONEST});
	CU_ASSERT(taken > 0 && taken < 1000);
	go(&bench, CLOCK_MS);
	while (device_reply(bench.device, &reply))
		answered++;
	CU_ASSERT_EQUAL(answered, taken);
	bench_clear(&bench);
}

static void wrong_drivers_and_channels_are_input_errors(void)
{
	g_autoptr(GError) error = NULL;
	DeviceConfig config = {.name = "dev", .driver = "magic"};
	CU_ASSERT_PTR_NULL(device_open(&config, &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT) &&
		  strstr(error->message, "modbus"));
	g_clear_error(&error);
	config.driver = "modbus";
	CU_ASSERT_PTR_NULL(device_open(&config, &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
}

UNIT_MAIN("device.core", UNIT(a_command_acts_at_its_time_and_not_before),
	  UNIT(commands_act_in_the_order_of_their_times),
	  UNIT(what_cannot_be_done_is_refused_with_a_reason),
	  UNIT(made_safe_it_refuses_until_armed_again), UNIT(closing_makes_safe_what_was_driven),
	  UNIT(closing_drives_nothing_that_was_not_driven),
	  UNIT(an_output_falls_back_after_its_maximum),
	  UNIT(samples_come_on_their_grid_as_a_converter_gives_them),
	  UNIT(a_maximum_may_only_be_lowered), UNIT(a_full_ring_refuses_and_loses_nothing),
	  UNIT(wrong_drivers_and_channels_are_input_errors))
