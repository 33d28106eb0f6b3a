/* The unmodified libserialport and libusb against the world's far ends (umock.h).
 *
 * Three processes, because umockdev's preload can take its process down with it: this one emulates, the world is the far
 * end, and a second copy of this program ("client"), under the preload, is the host. The client ends first. */
#include "unit.h"

#include <anzen/device.h>

#include "sink.h"
#include "umock.h"

/* ---- the supervisor --------------------------------------------------------------------------------------------- */

static int run_client(const Umock *umock, const char *test)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_subprocess_launcher_setenv(launcher, "LD_PRELOAD", UMOCK_PRELOAD, TRUE);
	g_subprocess_launcher_setenv(launcher, "UMOCKDEV_DIR", umock_root(umock), TRUE);
	g_autoptr(GSubprocess) client = g_subprocess_launcher_spawn(
		launcher, &error, "/proc/self/exe", "client", test, NULL);
	UNIT_OK(client && g_subprocess_wait(client, NULL, &error), error);
	return client && g_subprocess_get_if_exited(client) ? g_subprocess_get_exit_status(client)
							    : 99;
}

static void real_libraries_reach_the_worlds_far_ends(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *line = NULL;
	g_autoptr(GDataInputStream) out = NULL;
	g_autoptr(GSubprocess) world =
		umock_world(ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", &out, &line, &error);
	UNIT_OK(world, error);
	g_autofree char *node = umock_link_of(line, "node-a"),
			*supply = umock_link_of(line, "supply");
	CU_ASSERT(node && supply);
	Umock *umock = node && supply ? umock_new(node, supply, &error) : NULL;
	UNIT_OK(umock, error);
	if (umock)
		CU_ASSERT_EQUAL(run_client(umock, "all"), 0);
	umock_free(umock);
	if (!world)
		return;
	g_subprocess_send_signal(world, 15);
	g_subprocess_wait(world, NULL, NULL);
}

/* ---- the client, under the preload --------------------------------------------------------------------------------- */

static void the_port_is_found_by_what_usb_says(void)
{
	g_autoptr(GPtrArray) ports = link_serial_ports();
	CU_ASSERT(ports->len == 1);
	for (guint i = 0; i < ports->len; i++)
		CU_ASSERT_STRING_EQUAL(((LinkPort *)ports->pdata[i])->link,
				       "serial:usb:2341:0042/NODE42");
	g_autoptr(GPtrArray) instruments = link_usb_instruments();
	CU_ASSERT(instruments->len == 1);
	for (guint i = 0; i < instruments->len; i++)
		CU_ASSERT_STRING_EQUAL(((LinkPort *)instruments->pdata[i])->link,
				       "usbtmc:1ab1:0e11/VPS0001");
}

static Device *open_and_start(DeviceConfig config, const char *sampled, Sink *sink)
{
	g_autoptr(GError) error = NULL;
	Device *device = device_open(&config, &error);
	UNIT_OK(device, error);
	if (!device)
		return NULL;
	UNIT_OK(device_setup(device, device_channel(device, sampled),
			     &(DeviceSetup){.sampled = true}, &error),
		error);
	UNIT_OK(device_start(device, &sink->stream, &error), error);
	UNIT_OK(device_arm(device, 3 * CLOCK_S, &error), error);
	return device;
}

static void expect_done(Device *device, const char *channel, double value)
{
	static uint32_t id;
	DeviceReply reply = {.status = DEVICE_FAILED};
	DeviceCommand c = {++id, device_channel(device, channel), value, DEVICE_SOONEST};
	CU_ASSERT(device_command(device, &c) && sink_reply(device, id, 4000, &reply));
	CU_ASSERT_EQUAL(reply.status, DEVICE_DONE);
	if (reply.status != DEVICE_DONE)
		fprintf(stderr, "%s: %s %s\n", channel, device_status_name(reply.status),
			reply.message);
}

static void libserialport_drives_the_node(void)
{
	Sink sink;
	sink_init(&sink);
	Device *node = open_and_start((DeviceConfig){.name = "node-a",
						     .driver = "node",
						     .link = "serial:usb:2341:0042/NODE42"},
				      "adc.0", &sink);
	if (node) {
		expect_done(node, "out.5", 1);
		CU_ASSERT(sink_good(&sink, "adc.0", 200, 5000));
		/* The mannequin sits 0.92 m high: (1.802 × 0.92 + 0.251) V × 204.8 = 391 steps. */
		CU_ASSERT(fabs(sink.last_good - 391) < 4);
	}
	device_close(node);
	sink_clear(&sink);
}

static void libusb_sets_and_reads_the_supply(void)
{
	Sink sink;
	sink_init(&sink);
	Device *supply = open_and_start(
		(DeviceConfig){.name = "supply",
			       .driver = "scpi",
			       .link = "usbtmc:1ab1:0e11/VPS0001",
			       .map = ANZEN_SOURCE_DIR "/rigs/instruments/supply.yaml"},
		"measured.voltage", &sink);
	if (supply) {
		expect_done(supply, "voltage", 12);
		expect_done(supply, "output", 1);
		unsigned had = sink_count_good(&sink, "measured.voltage");
		CU_ASSERT(sink_good(&sink, "measured.voltage", had + 2, 3000));
		CU_ASSERT(fabs(sink.last_good - 12) < 0.05);
		CU_ASSERT_EQUAL(sink.faults, 0);
	}
	device_close(supply);
	sink_clear(&sink);
}

int main(int argc, char **argv)
{
	static const UnitTest client[] = {UNIT(the_port_is_found_by_what_usb_says),
					  UNIT(libusb_sets_and_reads_the_supply),
					  UNIT(libserialport_drives_the_node)};
	static const UnitTest supervisor[] = {UNIT(real_libraries_reach_the_worlds_far_ends)};
	if (argc > 1 && !strcmp(argv[1], "client"))
		return unit_run("device.umockdev client", client, G_N_ELEMENTS(client), 1, argv);
	return unit_run("device.umockdev", supervisor, G_N_ELEMENTS(supervisor), argc, argv);
}
