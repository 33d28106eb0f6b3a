#include "unit.h"

#include "far.h"
#include "sink.h"

#define LONG_MS 30000 /* nothing takes so long; on a busy machine it may take long */

static const FarKind *const kinds[] = {&far_modbus_rtu, &far_modbus_tcp};

typedef struct {
	Far *far;
	const FarKind *kind;
	Device *device;
	Sink sink;
} Bench;

/* A machine that builds something answers late, too, and that is not what is tried here: time enough, and more than one
 * repetition. */
static void be_patient(const char *map)
{
	g_autofree char *text = NULL;
	g_file_get_contents(map, &text, NULL, NULL);
	g_auto(GStrv) parts = g_strsplit(text, "response: 40 ms\nretries: 1\n", 2);
	CU_ASSERT_EQUAL_FATAL(g_strv_length(parts), 2);
	g_autofree char *changed = g_strjoinv("response: 100 ms\nretries: 3\n", parts);
	g_file_set_contents(map, changed, -1, NULL);
}

static bool bench_init(Bench *bench, const FarKind *kind)
{
	g_autoptr(GError) error = NULL;
	bench->kind = kind;
	bench->far = kind->start();
	be_patient(kind->map(bench->far));
	sink_init(&bench->sink);
	DeviceConfig config = {.name = "io",
			       .driver = "modbus",
			       .link = kind->link(bench->far),
			       .map = kind->map(bench->far),
			       .unit = 1};
	bench->device = device_open(&config, &error);
	UNIT_OK(bench->device, error);
	if (!bench->device)
		return false;
	for (int i = 0; i < 2; i++) /* a and b: two requests, each for one register */
		UNIT_OK(device_setup(bench->device, i, &(DeviceSetup){.sampled = true}, &error),
			error);
	UNIT_OK(device_start(bench->device, &bench->sink.stream, &error), error);
	return true;
}

static void bench_clear(Bench *bench)
{
	device_close(bench->device);
	bench->kind->stop(bench->far);
	sink_clear(&bench->sink);
}

static DeviceStatus set_level(Bench *bench, double value, DeviceReply *ret)
{
	static uint32_t id;
	DeviceCommand c = {++id, device_channel(bench->device, "level"), value, DEVICE_SOONEST};
	device_command(bench->device, &c);
	return sink_reply(bench->device, id, LONG_MS, ret) ? ret->status : DEVICE_FAILED;
}

/* Both requests ask for one input register, so on RTU only their order tells the answers apart. */
static void a_late_reply_never_becomes_another_channels_value(void)
{
	static const int late_ms[] = {150, 275};
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
		for (size_t i = k; i < G_N_ELEMENTS(late_ms);
		     i++) { /* TCP numbers its answers: the longer one */
			Bench bench = {0};
			if (bench_init(&bench, kinds[k])) {
				far_modbus_late_ms(bench.far, late_ms[i]);
				far_modbus_every(bench.far, 3);
				kinds[k]->mode(bench.far, FAR_LATE);
				CU_ASSERT(sink_good(&bench.sink, "a", 3, LONG_MS));
				CU_ASSERT(sink_good(&bench.sink, "b", 2, LONG_MS));
				CU_ASSERT(sink_only(&bench.sink, "a", 1000));
				CU_ASSERT(sink_only(&bench.sink, "b", 2000));
				DeviceStats stats;
				device_stats(bench.device, &stats);
				CU_ASSERT(stats.timeouts > 0 && stats.retries > 0);
			}
			bench_clear(&bench);
		}
}

static void one_bad_answer_is_asked_again_and_harms_nothing(void)
{
	static const FarMode modes[] = {FAR_GARBAGE, FAR_SHORT, FAR_WRONG, FAR_MUTE};
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		Bench bench = {0};
		if (bench_init(&bench, &far_modbus_rtu)) {
			far_modbus_every(bench.far, 4);
			far_modbus_rtu.mode(bench.far, modes[i]);
			CU_ASSERT(sink_good(&bench.sink, "a", 3, LONG_MS));
			CU_ASSERT(sink_only(&bench.sink, "a", 1000) &&
				  sink_only(&bench.sink, "b", 2000));
			CU_ASSERT_EQUAL(bench.sink.faults, 0);
		}
		bench_clear(&bench);
	}
}

/* 40 % of 0.1 % steps is 400 in the register. */
static void a_write_is_sent_once_and_read_back(void)
{
	Bench bench = {0};
	DeviceReply reply;
	if (bench_init(&bench, &far_modbus_rtu)) {
		int64_t before = clock_now(clock_monotonic());
		CU_ASSERT_EQUAL(set_level(&bench, 40, &reply), DEVICE_DONE);
		CU_ASSERT_EQUAL(far_modbus_register(bench.far, 0), 400);
		CU_ASSERT_EQUAL(far_modbus_writes(bench.far), 1);
		CU_ASSERT(reply.t_ns >= before && reply.t_ns <= clock_now(clock_monotonic()) &&
			  reply.u_ns > 0);
	}
	bench_clear(&bench);
}

static void a_write_whose_answer_is_lost_is_read_back_and_not_repeated(void)
{
	Bench bench = {0};
	DeviceReply reply;
	if (bench_init(&bench, &far_modbus_rtu)) {
		far_modbus_lose_write_replies(bench.far, true);
		CU_ASSERT_EQUAL(set_level(&bench, 40, &reply), DEVICE_DONE);
		CU_ASSERT_EQUAL(far_modbus_writes(bench.far), 1);
		CU_ASSERT(
			reply.u_ns >
			CLOCK_MS); /* somewhere before the read-back: it says how little it knows */
	}
	bench_clear(&bench);
}

static void a_write_that_is_not_obeyed_fails_and_is_not_repeated(void)
{
	Bench bench = {0};
	DeviceReply reply;
	if (bench_init(&bench, &far_modbus_rtu)) {
		far_modbus_ignore_writes(bench.far, true);
		CU_ASSERT_EQUAL(set_level(&bench, 40, &reply), DEVICE_FAILED);
		CU_ASSERT(strstr(reply.message, "reads back 0 instead of 40") != NULL);
		CU_ASSERT_EQUAL(far_modbus_writes(bench.far), 1);
	}
	bench_clear(&bench);
}

static void a_wrong_model_is_refused(void)
{
	g_autoptr(GError) error = NULL;
	Far *far = far_modbus_tcp.start();
	g_autofree char *text = NULL;
	g_file_get_contents(far_modbus_tcp.map(far), &text, NULL, NULL);
	g_auto(GStrv) parts = g_strsplit(text, "equals: 77", 2);
	g_autofree char *changed = g_strjoinv("equals: 78", parts);
	g_file_set_contents(far_modbus_tcp.map(far), changed, -1, NULL);
	DeviceConfig config = {.name = "io",
			       .driver = "modbus",
			       .link = far_modbus_tcp.link(far),
			       .map = far_modbus_tcp.map(far),
			       .unit = 1};
	CU_ASSERT_PTR_NULL(device_open(&config, &error));
	CU_ASSERT(error && strstr(error->message, "another model") && strstr(error->message, "77"));
	far_modbus_tcp.stop(far);
}

UNIT_MAIN("device.modbus", UNIT(a_late_reply_never_becomes_another_channels_value),
	  UNIT(one_bad_answer_is_asked_again_and_harms_nothing),
	  UNIT(a_write_is_sent_once_and_read_back),
	  UNIT(a_write_whose_answer_is_lost_is_read_back_and_not_repeated),
	  UNIT(a_write_that_is_not_obeyed_fails_and_is_not_repeated),
	  UNIT(a_wrong_model_is_refused))
