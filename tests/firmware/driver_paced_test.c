/* The driver on its link thread, the release ELF in simavr on a pty, both in real time. Gates on right behaviour, with room
 * for a machine that takes the processor away. */
#include <anzen/device.h>
#include <node_sim.h>
#include <stdatomic.h>

#include "unit.h"

typedef struct {
	Stream stream;
	NodeSim *sim;
	Device *device;
	atomic_uint samples, faults, rises, falls;
	atomic_llong rise_ns, fall_ns, sample_ns;
	_Atomic double value;
	char fault[8][160];
} Rig;

static void on_pin(void *user, const char *name, bool level, int64_t t_ns)
{
	Rig *rig = user;
	if (strcmp(name, "out.3"))
		return;
	atomic_store(level ? &rig->rise_ns : &rig->fall_ns, t_ns);
	atomic_fetch_add(level ? &rig->rises : &rig->falls, 1);
}

static int half(void *user, const char *name, int64_t t_ns)
{
	(void)user;
	(void)name;
	(void)t_ns;
	return 2500;
}

static void on_sample(Stream *self, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Rig *rig = (Rig *)self;
	if (strcmp(source, "adc.0") || status != SAMPLE_OK)
		return;
	atomic_store(&rig->value, value);
	atomic_store(&rig->sample_ns, t_ns);
	atomic_fetch_add(&rig->samples, 1);
}

static void on_fault(Stream *self, const Fault *fault)
{
	Rig *rig = (Rig *)self;
	unsigned i = atomic_load(&rig->faults);
	g_strlcpy(rig->fault[i % 8], fault->cause, sizeof rig->fault[0]);
	atomic_store(&rig->faults, i + 1);
}

static bool any_fault(Rig *rig, const char *word)
{
	for (unsigned i = 0; i < MIN(atomic_load(&rig->faults), 8u); i++)
		if (strstr(rig->fault[i], word))
			return true;
	return false;
}

static Rig *rig_with(const LinkFaults *faults)
{
	Rig *rig = g_new0(Rig, 1);
	NodeSimPlant plant = {rig, on_pin, half, NULL};
	NodeSimConfig config = {.elf = ANZEN_BINARY_DIR "/firmware/node-atmega2560.elf",
				.name = "node-a",
				.frequency_ppm = 1200};
	g_autoptr(GError) error = NULL;
	rig->stream = (Stream){.sample = on_sample, .fault = on_fault};
	rig->sim = node_sim_new(&config, &plant, clock_monotonic(), &error);
	UNIT_OK(rig->sim, error);
	UNIT_OK(node_sim_start(rig->sim, &error), error);
	DeviceConfig device = {.name = "node-a",
			       .driver = "node",
			       .link = node_sim_uri(rig->sim),
			       .clock = clock_monotonic()};
	if (faults)
		device.byte_link = byte_link_fault(byte_link_open(device.link, 500000, NULL),
						   clock_monotonic(), faults);
	rig->device = device_open(&device, &error);
	UNIT_OK(rig->device, error);
	UNIT_OK(device_setup(rig->device, device_channel(rig->device, "adc.0"),
			     &(DeviceSetup){.sampled = true}, &error),
		error);
	UNIT_OK(device_start(rig->device, &rig->stream, &error), error);
	return rig;
}

static Rig *rig_new(void)
{
	return rig_with(NULL);
}

static void rig_free(Rig *rig)
{
	device_close(rig->device);
	node_sim_free(rig->sim);
	g_free(rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_free)

static void wait_ns(int64_t ns)
{
	clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + ns);
}

static DeviceReply send_command(Rig *rig, double value, int64_t at_ns)
{
	DeviceCommand command = {1, device_channel(rig->device, "out.3"), value, at_ns};
	DeviceReply reply = {.status = DEVICE_FAILED, .message = "no reply"};
	device_command(rig->device, &command);
	for (int i = 0; i < 1000 && !device_reply(rig->device, &reply); i++)
		wait_ns(CLOCK_MS);
	return reply;
}

static void a_whole_run_on_the_virtual_board(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	Clock *clock = clock_monotonic();
	wait_ns(CLOCK_S);
	unsigned had = atomic_load(&rig->samples);
	CU_ASSERT_TRUE(had > 300);
	CU_ASSERT_DOUBLE_EQUAL(atomic_load(&rig->value), 512, 0.1); /* 2500 mV * 1024 / 5000 */
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	DeviceStats stats;
	device_stats(rig->device, &stats);
	int64_t at = clock_now(clock) + 80 * CLOCK_MS;
	DeviceReply reply = send_command(rig, 1, at);
	if (reply.status != DEVICE_DONE)
		fprintf(stderr, "%s\n", reply.message);
	CU_ASSERT_EQUAL(reply.status, DEVICE_DONE);
	int64_t rise = atomic_load(&rig->rise_ns);
	fprintf(stderr,
		"clock u %.0f us, acted %.0f us from its time, told with %.0f us of error (u %.0f "
		"us)\n",
		(double)stats.clock_u_ns / 1e3, (double)(rise - at) / 1e3,
		(double)(reply.t_ns - rise) / 1e3, (double)reply.u_ns / 1e3);
	CU_ASSERT_TRUE(stats.clock_u_ns < 2 * CLOCK_MS);
	CU_ASSERT_TRUE(ABS(rise - at) < 2 * CLOCK_MS);
	CU_ASSERT_TRUE(ABS(reply.t_ns - rise) < 3 * reply.u_ns + 20 * CLOCK_US);
	node_sim_set_input(rig->sim, "estop", true);
	wait_ns(100 * CLOCK_MS);
	CU_ASSERT_TRUE(any_fault(rig, "e-stop"));
	CU_ASSERT_EQUAL(atomic_load(&rig->falls), 1);
	g_autoptr(GError) refused = NULL;
	CU_ASSERT_FALSE(device_arm(rig->device, CLOCK_S, &refused));
}

static void a_power_cycle_is_seen(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, 1, DEVICE_SOONEST).status, DEVICE_DONE);
	node_sim_power_cycle(rig->sim);
	wait_ns(800 * CLOCK_MS);
	CU_ASSERT_TRUE(any_fault(rig, "restarted"));
	CU_ASSERT_EQUAL(send_command(rig, 1, DEVICE_SOONEST).status, DEVICE_REFUSED);
	CU_ASSERT_EQUAL(atomic_load(&rig->rises), 1);
}

static void a_hung_board_is_seen(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, 1, DEVICE_SOONEST).status, DEVICE_DONE);
	int64_t hung = clock_now(clock_monotonic());
	node_sim_pause(rig->sim, true);
	wait_ns(500 * CLOCK_MS);
	CU_ASSERT_TRUE(atomic_load(&rig->falls) == 1 &&
		       atomic_load(&rig->fall_ns) - hung < 100 * CLOCK_MS);
	CU_ASSERT_TRUE(any_fault(rig, "no answer"));
	CU_ASSERT_NOT_EQUAL(send_command(rig, 1, DEVICE_SOONEST).status, DEVICE_DONE);
	node_sim_pause(rig->sim, false);
	wait_ns(300 * CLOCK_MS);
	CU_ASSERT_EQUAL(atomic_load(&rig->rises), 1);
}

static void an_unplugged_board_is_a_lost_device(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	node_sim_free(g_steal_pointer(&rig->sim)); /* the pty goes with it */
	for (int i = 0; i < 500 && !device_lost(rig->device); i++)
		wait_ns(10 * CLOCK_MS);
	CU_ASSERT_TRUE(device_lost(rig->device));
	CU_ASSERT_TRUE(atomic_load(&rig->faults) > 0);
	CU_ASSERT_EQUAL(send_command(rig, 1, DEVICE_SOONEST).status, DEVICE_FAILED);
	CU_ASSERT_FALSE(device_make_safe(rig->device, 100 * CLOCK_MS,
					 &error)); /* not confirmed, and said so in time */
	CU_ASSERT_PTR_NOT_NULL(error);
}

/* Through the whole driver: whatever the line loses, an edge is a command's, and DONE is exactly one edge. */
static void a_damaged_line_makes_no_edge_of_its_own(void)
{
	LinkFaults faults = {.seed = 11,
			     .drop = 0.001,
			     .flip = 0.001,
			     .repeat = 0.001,
			     .drop_out = 0.001,
			     .flip_out = 0.001};
	g_autoptr(Rig) rig = rig_with(&faults);
	unsigned done = 0, trips = 0;
	bool armed = false;
	for (int i = 0; i < 40; i++) {
		g_autoptr(GError) error = NULL;
		if (!armed || atomic_load(&rig->faults) !=
				      trips) { /* several keep-alives in a row were lost */
			wait_ns(60 * CLOCK_MS);
			trips = atomic_load(&rig->faults);
			armed = device_arm(rig->device, CLOCK_S, &error);
			continue;
		}
		unsigned rises = atomic_load(&rig->rises), falls = atomic_load(&rig->falls);
		bool on = rises == falls;
		DeviceReply reply =
			send_command(rig, on, clock_now(clock_monotonic()) + 70 * CLOCK_MS);
		wait_ns(30 * CLOCK_MS); /* its fault may be told after the reply */
		if (atomic_load(&rig->faults) != trips)
			continue; /* a trip moves it, too */
		unsigned moved =
			on ? atomic_load(&rig->rises) - rises : atomic_load(&rig->falls) - falls;
		CU_ASSERT_EQUAL(moved, reply.status == DEVICE_DONE);
		done += reply.status == DEVICE_DONE;
	}
	DeviceStats stats;
	device_stats(rig->device, &stats);
	fprintf(stderr, "%u of 40 done, %u faults told, %u damaged frames, %u resent\n", done,
		atomic_load(&rig->faults), (unsigned)stats.bad_replies, (unsigned)stats.retries);
	CU_ASSERT_TRUE(done > 10 && stats.bad_replies > 5);
}

UNIT_MAIN("firmware.driver-paced", UNIT(a_whole_run_on_the_virtual_board),
	  UNIT(a_power_cycle_is_seen), UNIT(a_hung_board_is_seen),
	  UNIT(an_unplugged_board_is_a_lost_device), UNIT(a_damaged_line_makes_no_edge_of_its_own))
