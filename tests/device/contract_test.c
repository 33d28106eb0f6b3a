/* What every driver promises, each against every way to misbehave: a wrong far end gives errors and missing samples, never a
 * value, never a crash, never a hang. */
#include "unit.h"

#include "far.h"
#include "sink.h"

static const FarKind *const kinds[] = {&far_modbus_rtu, &far_modbus_tcp, &far_scpi, &far_camera};

static Device *open_device(const FarKind *kind, Far *far, GError **error)
{
	DeviceConfig config = {.name = "dut",
			       .driver = kind->driver,
			       .link = kind->link(far),
			       .map = kind->map(far),
			       .unit = 1,
			       .format = "64x48@30"};
	return device_open(&config, error);
}

typedef struct {
	const FarKind *kind;
	Far *far;
	Device *device;
	Sink sink;
} Bench;

/* Open, sample the good channel, and see that it says the right thing. */
static bool bench_init(Bench *bench, const FarKind *kind)
{
	g_autoptr(GError) error = NULL;
	bench->kind = kind;
	bench->far = kind->start();
	sink_init(&bench->sink);
	bench->device = open_device(kind, bench->far, &error);
	UNIT_OK(bench->device, error);
	if (!bench->device)
		return false;
	int good = device_channel(bench->device, kind->good_channel);
	CU_ASSERT(good >= 0);
	UNIT_OK(device_setup(bench->device, good, &(DeviceSetup){.sampled = true}, &error), error);
	UNIT_OK(device_start(bench->device, &bench->sink.stream, &error), error);
	CU_ASSERT(sink_good(&bench->sink, kind->good_channel, 5, 4000));
	CU_ASSERT(sink_only(&bench->sink, kind->good_channel, kind->good_value));
	CU_ASSERT_EQUAL(bench->sink.faults, 0);
	return true;
}

static void bench_clear(Bench *bench)
{
	if (bench->device) {
		device_stop(bench->device);
		device_stop(bench->device);
	}
	device_close(bench->device);
	device_close(NULL);
	bench->kind->stop(bench->far);
	sink_clear(&bench->sink);
}

static void command(Bench *bench, uint32_t id, DeviceStatus want)
{
	DeviceReply reply;
	if (!bench->kind->write_channel)
		return;
	DeviceCommand c = {.id = id,
			   .channel = device_channel(bench->device, bench->kind->write_channel),
			   .value = bench->kind->write_value,
			   .at_ns = DEVICE_SOONEST};
	CU_ASSERT(device_command(bench->device, &c));
	CU_ASSERT(sink_reply(bench->device, id, 4000, &reply));
	CU_ASSERT_EQUAL(reply.status, want);
	CU_ASSERT((reply.message[0] != 0) == (want != DEVICE_DONE));
	if (reply.status != want)
		fprintf(stderr, "%s: %s %s\n", bench->kind->driver,
			device_status_name(reply.status), reply.message);
}

static void well_behaved_devices_answer_and_obey(void)
{
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
		Bench bench = {0};
		g_autoptr(GError) error = NULL;
		if (bench_init(&bench, kinds[k])) {
			CU_ASSERT(strlen(device_identity(bench.device)) > 5);
			command(&bench, 1, DEVICE_DONE);
			g_autoptr(GPtrArray) items = device_preflight(bench.device, 2 * CLOCK_S);
			CU_ASSERT(items->len >= 2);
			for (guint i = 0; i < items->len; i++)
				CU_ASSERT(((DeviceItem *)g_ptr_array_index(items, i))->ok);
			UNIT_OK(device_make_safe(bench.device, CLOCK_S, &error), error);
			UNIT_OK(device_make_safe(bench.device, CLOCK_S, &error), error);
			command(&bench, 2, DEVICE_REFUSED);
			UNIT_OK(device_arm(bench.device, CLOCK_S, &error), error);
			command(&bench, 3, DEVICE_DONE);
		}
		bench_clear(&bench);
	}
}

/* Nothing but the right value is ever OK; the absence is told; a command is not said to be done. */
static void misbehave(const FarKind *kind, FarMode mode)
{
	Bench bench = {0};
	if (bench_init(&bench, kind)) {
		kind->mode(bench.far, mode);
		bool told = sink_reaches(&bench.sink, &bench.sink.missing, 1, 3000) ||
			    sink_reaches(&bench.sink, &bench.sink.faults, 1, 10);
		CU_ASSERT(told);
		if (!told)
			fprintf(stderr, "%s: mode %d was not told\n", kind->driver, (int)mode);
		CU_ASSERT(sink_only(&bench.sink, kind->good_channel, kind->good_value));
		command(&bench, 1, DEVICE_FAILED);
		/* Bounded, whatever the far end does. */
		int64_t before = clock_now(clock_monotonic());
		if (kind->write_channel)
			CU_ASSERT_FALSE(device_make_safe(bench.device, CLOCK_S, NULL));
		CU_ASSERT(clock_now(clock_monotonic()) - before < 2 * CLOCK_S);
		/* Silence for long is a fault. */
		CU_ASSERT(sink_reaches(&bench.sink, &bench.sink.faults, 1, 4000));
		CU_ASSERT(strstr(bench.sink.last_fault, "dut") != NULL);
	}
	bench_clear(&bench);
}

static void a_mute_device_gives_missing_samples_and_a_fault(void)
{
	for (size_t k = 0; k < 3; k++)
		misbehave(kinds[k], FAR_MUTE);
}

static void a_mute_camera_is_a_fault(void)
{
	Bench bench = {0};
	if (bench_init(&bench, &far_camera)) {
		far_camera.mode(bench.far, FAR_MUTE);
		CU_ASSERT(sink_reaches(&bench.sink, &bench.sink.faults, 1, 4000));
		CU_ASSERT(strstr(bench.sink.last_fault, "no frame") != NULL);
	}
	bench_clear(&bench);
}

static void a_short_reply_is_no_value(void)
{
	for (size_t k = 0; k < 3; k++)
		misbehave(kinds[k], FAR_SHORT);
}

static void garbage_is_no_value(void)
{
	for (size_t k = 0; k < 3; k++)
		misbehave(kinds[k], FAR_GARBAGE);
}

static void garbage_from_a_camera_is_told_and_survived(void)
{
	static const FarMode modes[] = {FAR_GARBAGE, FAR_SHORT};
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		Bench bench = {0};
		if (bench_init(&bench, &far_camera)) {
			far_camera.mode(bench.far, modes[i]);
			CU_ASSERT(sink_reaches(&bench.sink, &bench.sink.faults, 1, 4000));
		}
		bench_clear(&bench);
	}
}

static void a_wrong_answer_is_no_value(void)
{
	for (size_t k = 0; k < 3; k++)
		misbehave(kinds[k], FAR_WRONG);
}

static void a_frozen_camera_is_named(void)
{
	Bench bench = {0};
	if (bench_init(&bench, &far_camera)) {
		far_camera.mode(bench.far, FAR_WRONG);
		CU_ASSERT(sink_reaches(&bench.sink, &bench.sink.faults, 1, 5000));
		CU_ASSERT(strstr(bench.sink.last_fault, "froze") != NULL);
	}
	bench_clear(&bench);
}

static void an_unplugged_device_is_lost_and_says_so(void)
{
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
		Bench bench = {0};
		if (bench_init(&bench, kinds[k])) {
			kinds[k]->mode(bench.far, FAR_UNPLUGGED);
			CU_ASSERT(sink_reaches(&bench.sink, &bench.sink.faults, 1, 4000));
			CU_ASSERT(device_lost(bench.device));
			CU_ASSERT(sink_only(&bench.sink, kinds[k]->good_channel,
					    kinds[k]->good_value));
			command(&bench, 1, DEVICE_FAILED);
			g_autoptr(GError) error = NULL;
			CU_ASSERT_FALSE(device_make_safe(bench.device, CLOCK_S, &error));
			CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
			CU_ASSERT_FALSE(device_arm(bench.device, CLOCK_S, NULL));
			g_autoptr(GPtrArray) items = device_preflight(bench.device, CLOCK_S);
			CU_ASSERT(items->len == 1 && !((DeviceItem *)items->pdata[0])->ok);
			if (!device_lost(bench.device))
				fprintf(stderr, "%s is not lost: %s\n", kinds[k]->driver,
					bench.sink.last_fault);
		}
		bench_clear(&bench);
	}
}

static void a_device_that_is_not_there_is_an_error_with_its_name(void)
{
	static const struct {
		const char *driver, *link;
	} absent[] = {{"modbus", "rtu:/dev/pts/99999"},    {"modbus", "tcp:127.0.0.1:1"},
		      {"scpi", "usbsock:/nowhere/x.sock"}, {"scpi", "usbtmc:ffff:fffe/NONE"},
		      {"camera", "rtsp://127.0.0.1:1/x"},  {"node", "pty:/dev/pts/99999"}};
	Far *modbus = far_modbus_tcp.start(), *scpi = far_scpi.start();
	for (size_t i = 0; i < G_N_ELEMENTS(absent); i++) {
		g_autoptr(GError) error = NULL;
		bool is_scpi = !strcmp(absent[i].driver, "scpi");
		DeviceConfig config = {.name = "dut",
				       .driver = absent[i].driver,
				       .link = absent[i].link,
				       .unit = 1,
				       .map = is_scpi ? far_scpi.map(scpi)
						      : far_modbus_tcp.map(modbus)};
		CU_ASSERT_PTR_NULL(device_open(&config, &error));
		CU_ASSERT(error && g_str_has_prefix(error->message, "dut"));
	}
	far_modbus_tcp.stop(modbus);
	far_scpi.stop(scpi);
}

UNIT_MAIN("device.contract", UNIT(well_behaved_devices_answer_and_obey),
	  UNIT(a_mute_device_gives_missing_samples_and_a_fault), UNIT(a_mute_camera_is_a_fault),
	  UNIT(a_short_reply_is_no_value), UNIT(garbage_is_no_value),
	  UNIT(garbage_from_a_camera_is_told_and_survived), UNIT(a_wrong_answer_is_no_value),
	  UNIT(a_frozen_camera_is_named), UNIT(an_unplugged_device_is_lost_and_says_so),
	  UNIT(a_device_that_is_not_there_is_an_error_with_its_name))
