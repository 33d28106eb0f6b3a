/* The unmodified libserialport and libusb against the world's far ends: umockdev shows /dev/ttyACM0 and a USB device, and
 * hands their bytes and transfers to the pty and the socket of anzen-world.
 *
 * Three processes, because umockdev's preload can take its process down with it: this one emulates, the world is the far
 * end, and a second copy of this program ("client"), under the preload, is the host. The client ends first. */
#include "unit.h"

#include <anzen/device.h>
#include <errno.h>
#include <gio/gio.h>
#include <linux/ioctl.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <umockdev.h>
#include <unistd.h>

#include "sink.h"

#define USB_NODE "/dev/bus/usb/001/005"
#define TTY_NODE "/dev/ttyACM0"
#define URBS 32
#ifdef __SANITIZE_ADDRESS__ /* its runtime must come first */
#define PRELOAD "libasan.so.8:libumockdev-preload.so.0"
#else
#define PRELOAD "libumockdev-preload.so.0"
#endif

/* ---- USB: transfers go to the world's socket --------------------------------------------------------------- */

typedef struct {
	UMockdevIoctlData *urb, *buffer;
	bool done;
} Pending;

typedef struct {
	UsbLink *link;
	Pending urbs[URBS];
	int n;
} UsbBridge;

static struct usbdevfs_urb *urb_of(Pending *p)
{
	return (struct usbdevfs_urb *)(void *)p->urb->data;
}

static void finish(Pending *p, gssize n, const GError *error)
{
	struct usbdevfs_urb *urb = urb_of(p);
	bool stalled = g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_BENCH);
	urb->status = n >= 0 ? 0 : stalled ? -EPIPE : -ESHUTDOWN;
	urb->actual_length = n >= 0 ? (int)n : 0;
	p->done = true;
}

static void do_control(UsbBridge *bridge, Pending *p)
{
	g_autoptr(GError) error = NULL;
	uint8_t *b = urb_of(p)->buffer;
	gssize n = usb_link_control(bridge->link, b[0], b[1], (uint16_t)(b[2] | b[3] << 8),
				    (uint16_t)(b[4] | b[5] << 8), b + 8,
				    (uint16_t)(b[6] | b[7] << 8), 500, &error);
	finish(p, n, error);
}

static void do_out(UsbBridge *bridge, Pending *p)
{
	g_autoptr(GError) error = NULL;
	struct usbdevfs_urb *urb = urb_of(p);
	bool ok = usb_link_bulk_out(bridge->link, urb->buffer, (size_t)urb->buffer_length, 500,
				    &error);
	finish(p, ok ? urb->buffer_length : -1, error);
}

/* An IN transfer waits until the device has something; the world is asked 2 ms at a time. */
static void try_in(UsbBridge *bridge, Pending *p)
{
	g_autoptr(GError) error = NULL;
	struct usbdevfs_urb *urb = urb_of(p);
	gssize n =
		usb_link_bulk_in(bridge->link, urb->buffer, (size_t)urb->buffer_length, 2, &error);
	if (n >= 0 || !g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT))
		finish(p, n, error);
}

static bool is_in(Pending *p)
{
	return urb_of(p)->type == USBDEVFS_URB_TYPE_BULK && (urb_of(p)->endpoint & 0x80);
}

static int submit(UsbBridge *bridge, UMockdevIoctlData *arg)
{
	if (bridge->n == URBS)
		return ENOMEM;
	Pending *p = &bridge->urbs[bridge->n++];
	*p = (Pending){
		.urb = umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_urb), NULL)};
	if (urb_of(p)->buffer_length)
		p->buffer = umockdev_ioctl_data_resolve(
			p->urb, G_STRUCT_OFFSET(struct usbdevfs_urb, buffer),
			(gsize)urb_of(p)->buffer_length, NULL);
	if (urb_of(p)->type == USBDEVFS_URB_TYPE_CONTROL)
		do_control(bridge, p);
	else if (!is_in(p))
		do_out(bridge, p);
	return 0;
}

static int reap(UsbBridge *bridge, UMockdevIoctlData *arg)
{
	for (int i = 0; i < bridge->n; i++)
		if (!bridge->urbs[i].done && is_in(&bridge->urbs[i]))
			try_in(bridge, &bridge->urbs[i]);
	for (int i = 0; i < bridge->n; i++) {
		Pending *p = &bridge->urbs[i];
		if (!p->done)
			continue;
		g_autoptr(UMockdevIoctlData) slot =
			umockdev_ioctl_data_resolve(arg, 0, sizeof(void *), NULL);
		umockdev_ioctl_data_set_ptr(slot, 0, p->urb);
		g_clear_object(&p->buffer);
		memmove(p, p + 1, (size_t)(--bridge->n - i) * sizeof *p);
		return 0;
	}
	return EAGAIN;
}

static int discard(UsbBridge *bridge, UMockdevIoctlData *arg)
{
	gulong address = *(gulong *)(void *)arg->data;
	for (int i = 0; i < bridge->n; i++) {
		Pending *p = &bridge->urbs[i];
		if (p->urb->client_addr != address || p->done)
			continue;
		urb_of(p)->status = -ENOENT;
		urb_of(p)->actual_length = 0;
		p->done = true;
		return 0;
	}
	return EINVAL;
}

static gboolean on_usb(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	UsbBridge *bridge = user;
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
	int code = 0;
	(void)base;
	switch (umockdev_ioctl_client_get_request(client)) {
	case USBDEVFS_GET_CAPABILITIES: {
		g_autoptr(UMockdevIoctlData) d =
			umockdev_ioctl_data_resolve(arg, 0, sizeof(guint32), NULL);
		*(guint32 *)(void *)d->data = USBDEVFS_CAP_ZERO_PACKET |
					      USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
					      USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
		break;
	}
	case USBDEVFS_CLAIMINTERFACE:
	case USBDEVFS_RELEASEINTERFACE:
	case USBDEVFS_CLEAR_HALT:
	case USBDEVFS_DISCONNECT_CLAIM:
		break;
	case USBDEVFS_GETDRIVER:
		code = ENODATA;
		break;
	case USBDEVFS_SUBMITURB:
		code = submit(bridge, arg);
		break;
	case USBDEVFS_REAPURB:
	case USBDEVFS_REAPURBNDELAY:
		code = reap(bridge, arg);
		break;
	case USBDEVFS_DISCARDURB:
		code = discard(bridge, arg);
		break;
	default:
		return FALSE;
	}
	umockdev_ioctl_client_complete(client, code ? -1 : 0, code);
	return TRUE;
}

/* Device and configuration descriptors as the world's supply gives them, in hexadecimal. */
static char *descriptors(UsbLink *link)
{
	g_autoptr(GString) hex = g_string_new(NULL);
	uint8_t bytes[512];
	for (int kind = 1; kind <= 2; kind++) {
		gssize n = usb_link_control(link, 0x80, 6, (uint16_t)(kind << 8), 0, bytes,
					    sizeof bytes, 500, NULL);
		for (gssize i = 0; i < n; i++)
			g_string_append_printf(hex, "%02x", bytes[i]);
	}
	return g_string_free(g_steal_pointer(&hex), FALSE);
}

static void plug_usb(UMockdevTestbed *testbed, UsbBridge *bridge)
{
	g_autoptr(GError) error = NULL;
	UMockdevIoctlBase *base = umockdev_ioctl_base_new();
	g_signal_connect_after(base, "handle-ioctl", G_CALLBACK(on_usb), bridge);
	UNIT_OK(umockdev_testbed_attach_ioctl(testbed, USB_NODE, base, &error), error);
	g_autofree char *hex = descriptors(bridge->link);
	g_autofree char *text = g_strdup_printf(
		"P: /devices/usb1/1-2\nN: bus/usb/001/005\nE: SUBSYSTEM=usb\nE: DRIVER=usb\n"
		"E: BUSNUM=001\nE: DEVNUM=005\nE: DEVNAME=" USB_NODE
		"\nE: DEVTYPE=usb_device\nA: bConfigurationValue=1\\n\nA: busnum=1\\n\n"
		"A: devnum=5\\n\nA: speed=480\\n\nH: descriptors=%s\n",
		hex);
	UNIT_OK(umockdev_testbed_add_from_string(testbed, text, &error), error);
}

/* ---- serial: bytes go to the world's pty ------------------------------------------------------------------------ */

static gboolean on_tty(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	static int lines;
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
	gulong request = umockdev_ioctl_client_get_request(client);
	(void)base;
	(void)user;
	if (request != TIOCMGET && request != TIOCMSET && request != TIOCMBIS &&
	    request != TIOCMBIC) {
		int code = 0, result = umockdev_ioctl_client_execute(client, &code, NULL);
		umockdev_ioctl_client_complete(client, result, code);
		return TRUE;
	}
	g_autoptr(UMockdevIoctlData) d = umockdev_ioctl_data_resolve(arg, 0, sizeof(int), NULL);
	int *value = (int *)(void *)d->data;
	if (request == TIOCMGET)
		*value = lines | TIOCM_CTS | TIOCM_DSR | TIOCM_CAR;
	else
		lines = request == TIOCMSET   ? *value
			: request == TIOCMBIS ? lines | *value
					      : lines & ~*value;
	umockdev_ioctl_client_complete(client, 0, 0);
	return TRUE;
}

typedef struct {
	ByteLink *from, *to;
	atomic_bool *quit;
} Shuttle;

static void *shuttle(void *user)
{
	Shuttle *s = user;
	uint8_t bytes[512];
	while (!atomic_load(s->quit)) {
		int64_t soon = clock_now(clock_monotonic()) + 20 * CLOCK_MS;
		gssize n = byte_link_read(s->from, bytes, sizeof bytes, soon, NULL);
		if (n < 0) /* the client has not opened it yet, or no longer */
			clock_wait_until(clock_monotonic(), soon);
		else if (n > 0)
			byte_link_write(s->to, bytes, (size_t)n, soon + CLOCK_S, NULL);
	}
	return NULL;
}

static void plug_tty(UMockdevTestbed *testbed)
{
	g_autoptr(GError) error = NULL;
	UMockdevIoctlBase *base = umockdev_ioctl_base_new();
	g_signal_connect_after(base, "handle-ioctl", G_CALLBACK(on_tty), NULL);
	UNIT_OK(umockdev_testbed_attach_ioctl(testbed, TTY_NODE, base, &error), error);
	UNIT_OK(umockdev_testbed_add_from_string(
			testbed,
			"P: /devices/usb1/1-1/1-1:1.0/tty/ttyACM0\nN: ttyACM0\nE: "
			"SUBSYSTEM=tty\nE: DEVNAME=/dev/ttyACM0\n"
			"E: MAJOR=166\nE: MINOR=0\nA: dev=166:0\\n\nL: device=../../../1-1:1.0\n\n"
			"P: /devices/usb1/1-1/1-1:1.0\nE: SUBSYSTEM=usb\nE: "
			"DEVTYPE=usb_interface\n\n"
			"P: /devices/usb1/1-1\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nA: "
			"busnum=1\\n\nA: devnum=7\\n\n"
			"A: idVendor=2341\\n\nA: idProduct=0042\\n\nA: product=Anzenbench "
			"node\\n\nA: serial=NODE42\\n\n",
			&error),
		error);
}

/* ---- the supervisor --------------------------------------------------------------------------------------------- */

/* The value of "key":"…" in the world's one line. */
static char *link_of(const char *line, const char *key)
{
	g_autofree char *begin = g_strdup_printf("\"%s\":\"", key);
	const char *from = line ? strstr(line, begin) : NULL;
	if (!from)
		return NULL;
	from += strlen(begin);
	return g_strndup(from, strcspn(from, "\""));
}

static GSubprocess *start_world(char **ret_line, GError **error)
{
	GSubprocess *world =
		g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
				 error, ANZEN_BINARY_DIR "/bin/anzen-world", "--file",
				 ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", NULL);
	if (!world)
		return NULL;
	g_autoptr(GDataInputStream) out =
		g_data_input_stream_new(g_subprocess_get_stdout_pipe(world));
	*ret_line = g_data_input_stream_read_line(out, NULL, NULL, error);
	return world;
}

static int run_client(UMockdevTestbed *testbed, const char *test)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *root = umockdev_testbed_get_root_dir(testbed);
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_subprocess_launcher_setenv(launcher, "LD_PRELOAD", PRELOAD, TRUE);
	g_subprocess_launcher_setenv(launcher, "UMOCKDEV_DIR", root, TRUE);
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
	g_autoptr(GSubprocess) world = start_world(&line, &error);
	g_autofree char *node = link_of(line, "node-a"), *supply = link_of(line, "supply");
	UNIT_OK(world && node && supply, error);
	UMockdevTestbed *testbed = umockdev_testbed_new();
	UsbBridge bridge = {.link = supply ? usb_link_open(supply, &error) : NULL};
	ByteLink *far = node ? byte_link_open(node, 500000, &error) : NULL;
	UNIT_OK(bridge.link && far, error);
	if (bridge.link && far) {
		atomic_bool quit = false;
		pthread_t threads[2];
		plug_usb(testbed, &bridge);
		plug_tty(testbed);
		ByteLink *near = byte_link_from_fd(
			dup(umockdev_testbed_get_dev_fd(testbed, TTY_NODE)), "ttyACM0");
		Shuttle ways[2] = {{near, far, &quit}, {far, near, &quit}};
		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, shuttle, &ways[i]);
		CU_ASSERT_EQUAL(run_client(testbed, "all"), 0);
		atomic_store(&quit, true);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		byte_link_close(near);
	}
	byte_link_close(far);
	g_object_unref(testbed);
	usb_link_close(bridge.link);
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
