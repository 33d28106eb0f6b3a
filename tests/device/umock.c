#include "umock.h"

#include <anzen/base.h>
#include <errno.h>
#include <linux/ioctl.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <umockdev.h>
#include <unistd.h>

#define USB_NODE "/dev/bus/usb/001/005"
#define USB_SYS "/devices/usb1/1-2"
#define TTY_NODE "/dev/ttyACM0"
#define URBS 32

/* ---- the world --------------------------------------------------------------------------------------------- */

GSubprocess *umock_world(const char *file, GDataInputStream **ret_out, char **ret_line,
			 GError **error)
{
	g_autoptr(GSubprocess) world =
		g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
				 error, ANZEN_BINARY_DIR "/bin/anzen-world", "--file", file, NULL);
	if (!world)
		return NULL;
	g_autoptr(GDataInputStream) out =
		g_data_input_stream_new(g_subprocess_get_stdout_pipe(world));
	char *line = g_data_input_stream_read_line(out, NULL, NULL, error);
	if (!line) {
		if (error && !*error)
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "the world ended");
		return NULL;
	}
	*ret_line = line;
	*ret_out = g_steal_pointer(&out);
	return g_steal_pointer(&world);
}

/* The value of "key":"…" in the world's one line. */
char *umock_link_of(const char *line, const char *key)
{
	g_autofree char *begin = g_strdup_printf("\"%s\":\"", key);
	const char *from = line ? strstr(line, begin) : NULL;
	if (!from)
		return NULL;
	from += strlen(begin);
	return g_strndup(from, strcspn(from, "\""));
}

/* ---- USB: transfers go to the world's socket --------------------------------------------------------------- */

typedef struct {
	UMockdevIoctlData *urb, *buffer;
	bool done;
} Pending;

typedef struct {
	UsbLink *link;
	Pending urbs[URBS];
	int n;
	atomic_bool unplugged;
	atomic_uint transfers;
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

static void fail_urb(Pending *p, int status)
{
	urb_of(p)->status = status;
	urb_of(p)->actual_length = 0;
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
	if (atomic_load(&bridge->unplugged))
		return ENODEV;
	if (bridge->n == URBS)
		return ENOMEM;
	atomic_fetch_add(&bridge->transfers, 1);
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
	bool unplugged = atomic_load(&bridge->unplugged);
	for (int i = 0; i < bridge->n; i++)
		if (!bridge->urbs[i].done && unplugged)
			fail_urb(&bridge->urbs[i], -ESHUTDOWN);
		else if (!bridge->urbs[i].done && is_in(&bridge->urbs[i]))
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
	return unplugged ? ENODEV : EAGAIN;
}

static int discard(UsbBridge *bridge, UMockdevIoctlData *arg)
{
	gulong address = *(gulong *)(void *)arg->data;
	for (int i = 0; i < bridge->n; i++) {
		Pending *p = &bridge->urbs[i];
		if (p->urb->client_addr != address || p->done)
			continue;
		fail_urb(p, -ENOENT);
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
		code = atomic_load(&bridge->unplugged) ? ENODEV : 0;
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

static gboolean plug_usb(UMockdevTestbed *testbed, UsbBridge *bridge, GError **error)
{
	UMockdevIoctlBase *base = umockdev_ioctl_base_new();
	g_signal_connect_after(base, "handle-ioctl", G_CALLBACK(on_usb), bridge);
	g_autofree char *hex = descriptors(bridge->link);
	g_autofree char *text = g_strdup_printf(
		"P: " USB_SYS "\nN: bus/usb/001/005\nE: SUBSYSTEM=usb\nE: DRIVER=usb\n"
		"E: BUSNUM=001\nE: DEVNUM=005\nE: DEVNAME=" USB_NODE
		"\nE: DEVTYPE=usb_device\nA: bConfigurationValue=1\\n\nA: busnum=1\\n\n"
		"A: devnum=5\\n\nA: speed=480\\n\nH: descriptors=%s\n",
		hex);
	return umockdev_testbed_attach_ioctl(testbed, USB_NODE, base, error) &&
	       umockdev_testbed_add_from_string(testbed, text, error);
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

static gboolean plug_tty(UMockdevTestbed *testbed, GError **error)
{
	UMockdevIoctlBase *base = umockdev_ioctl_base_new();
	g_signal_connect_after(base, "handle-ioctl", G_CALLBACK(on_tty), NULL);
	return umockdev_testbed_attach_ioctl(testbed, TTY_NODE, base, error) &&
	       umockdev_testbed_add_from_string(
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
		       error);
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

struct Umock {
	UMockdevTestbed *testbed;
	char *root;
	UsbBridge bridge;
	ByteLink *near, *far;
	atomic_bool quit;
	Shuttle ways[2];
	pthread_t threads[2];
	int n_threads;
};

static void start_shuttles(Umock *umock)
{
	umock->ways[0] = (Shuttle){umock->near, umock->far, &umock->quit};
	umock->ways[1] = (Shuttle){umock->far, umock->near, &umock->quit};
	for (; umock->n_threads < 2; umock->n_threads++)
		pthread_create(&umock->threads[umock->n_threads], NULL, shuttle,
			       &umock->ways[umock->n_threads]);
}

Umock *umock_new(const char *node, const char *supply, GError **error)
{
	Umock *umock = g_new0(Umock, 1);
	umock->testbed = umockdev_testbed_new();
	umock->root = umockdev_testbed_get_root_dir(umock->testbed);
	umock->bridge.link = usb_link_open(supply, error);
	if (umock->bridge.link && (umock->far = byte_link_open(node, 500000, error)) &&
	    plug_usb(umock->testbed, &umock->bridge, error) && plug_tty(umock->testbed, error)) {
		umock->near = byte_link_from_fd(
			dup(umockdev_testbed_get_dev_fd(umock->testbed, TTY_NODE)), "ttyACM0");
		start_shuttles(umock);
		return umock;
	}
	umock_free(umock);
	return NULL;
}

void umock_free(Umock *umock)
{
	if (!umock)
		return;
	atomic_store(&umock->quit, true);
	for (int i = 0; i < umock->n_threads; i++)
		pthread_join(umock->threads[i], NULL);
	byte_link_close(umock->near);
	byte_link_close(umock->far);
	g_object_unref(umock->testbed); /* its thread uses the bridge */
	usb_link_close(umock->bridge.link);
	g_free(umock->root);
	g_free(umock);
}

const char *umock_root(const Umock *umock)
{
	return umock->root;
}

void umock_unplug_supply(Umock *umock)
{
	atomic_store(&umock->bridge.unplugged, true);
	/* No uevent: sending one wants the preload in this process, which would then go down with the bench. */
	umockdev_testbed_remove_device(umock->testbed, "/sys" USB_SYS);
}

unsigned umock_supply_transfers(const Umock *umock)
{
	return atomic_load(&umock->bridge.transfers);
}
