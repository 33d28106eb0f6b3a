#include "unit.h"

#include <anzen/link.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Device, configuration and string descriptors of a USBTMC instrument, written by hand from USB 2.0 chapter 9 and
 * USBTMC 1.0 section 5: interface 0 is something else, interface 1 is class FE/03 with 01 out, 82 in, 83 interrupt. */
static const uint8_t config_descriptor[] = {
	9, 2, 48,   0, 2, 1,    0, 0x80, 50, /* configuration */
	9, 4, 0,    0, 0, 3,    0, 0,    0,  /* HID without endpoints */
	9, 4, 1,    0, 3, 0xFE, 3, 1,    0,  /* USBTMC, USB488 */
	7, 5, 0x01, 2, 0, 2,    0,           /* bulk out, 512 */
	7, 5, 0x82, 2, 0, 2,    0,           /* bulk in */
	7, 5, 0x83, 3, 8, 0,    1};          /* interrupt in */

typedef struct {
	UsbServer *server;
	pthread_t thread;
	atomic_bool stop;
	uint8_t last[64];
	atomic_int have, resets, halts;
} Fake;

static int fake_control(void *user, const uint8_t setup[8], uint8_t *data)
{
	int value = setup[2] | setup[3] << 8, length = setup[6] | setup[7] << 8;
	(void)user;
	if (setup[0] == 0x80 && setup[1] == 6 && value >> 8 == 2) {
		memcpy(data, config_descriptor, MIN((size_t)length, sizeof config_descriptor));
		return MIN(length, (int)sizeof config_descriptor);
	}
	if (setup[0] == 0x80 && setup[1] == 6 && value == (3 << 8 | 1)) {
		static const uint8_t text[] = {8, 3, 'S', 0, 'N', 0, 0x42, 0x30}; /* "SNあ" */
		memcpy(data, text, sizeof text);
		return sizeof text;
	}
	if (setup[0] == 0x21) /* OUT: the data stage is checked */
		return length == 2 && data[0] == 0xAB && data[1] == 0xCD ? 0 : -EPIPE;
	return -EPIPE;
}

static int fake_out(void *user, uint8_t endpoint, const uint8_t *data, size_t size)
{
	Fake *fake = user;
	if (endpoint != 1 || size > sizeof fake->last)
		return -EPIPE;
	memcpy(fake->last, data, size);
	fake->have = (int)size;
	return (int)size;
}

static int fake_in(void *user, uint8_t endpoint, uint8_t *data, size_t size)
{
	Fake *fake = user;
	int n = fake->have;
	if (endpoint != 0x82)
		return -EPIPE;
	if (n == 0)
		return -EAGAIN;
	if ((size_t)n > size)
		return -EOVERFLOW;
	memcpy(data, fake->last, (size_t)n);
	fake->have = 0;
	return n;
}

static void fake_reset(void *user)
{
	((Fake *)user)->resets++;
}

static void fake_halt(void *user, uint8_t endpoint)
{
	((Fake *)user)->halts += endpoint;
}

static const UsbDeviceOps fake_ops = {fake_control, fake_out, fake_in, fake_reset, fake_halt};

static void *serve(void *user)
{
	Fake *fake = user;
	while (!fake->stop)
		usb_server_run(fake->server, clock_now(clock_monotonic()) + CLOCK_S);
	return NULL;
}

static UsbLink *start(Fake *fake, char *uri, GError **error)
{
	char path[64];
	static int count;
	g_snprintf(path, sizeof path, "/tmp/anzen-usb-%d-%d.sock", getpid(), count++);
	g_snprintf(uri, 80, "usbsock:%s", path);
	memset(fake, 0, sizeof *fake);
	fake->server = usb_server_new(path, &fake_ops, fake, error);
	if (!fake->server)
		return NULL;
	pthread_create(&fake->thread, NULL, serve, fake);
	return usb_link_open(uri, error);
}

static void stop(Fake *fake)
{
	fake->stop = true;
	usb_server_wake(fake->server);
	pthread_join(fake->thread, NULL);
	usb_server_free(fake->server);
}

static void endpoints_come_from_the_descriptors(void)
{
	g_autoptr(GError) error = NULL;
	Fake fake;
	char uri[80];
	g_autoptr(UsbLink) usb = start(&fake, uri, &error);
	UNIT_OK(usb, error);
	const UsbEndpoints *e = usb_link_endpoints(usb);
	CU_ASSERT(e->interface == 1 && e->bulk_out == 1 && e->bulk_in == 0x82 &&
		  e->interrupt_in == 0x83);
	CU_ASSERT_EQUAL(e->max_packet, 512);
	g_autofree char *text = usb_link_string(usb, 1);
	CU_ASSERT_STRING_EQUAL(text ? text : "", "SNあ");
	CU_ASSERT_PTR_NULL(usb_link_string(usb, 2));
	stop(&fake);
}

static void transfers_arrive_whole_and_refusals_are_told_apart(void)
{
	g_autoptr(GError) error = NULL;
	Fake fake;
	char uri[80];
	g_autoptr(UsbLink) usb = start(&fake, uri, &error);
	uint8_t got[64], two[2] = {0xAB, 0xCD};
	UNIT_OK(usb_link_bulk_out(usb, "0123456789", 10, 500, &error), error);
	CU_ASSERT_EQUAL(usb_link_bulk_in(usb, got, sizeof got, 500, &error), 10);
	CU_ASSERT(!memcmp(got, "0123456789", 10));
	CU_ASSERT_EQUAL(usb_link_control(usb, 0x21, 1, 0, 0, two, 2, 500, &error), 2);
	CU_ASSERT_EQUAL(usb_link_control(usb, 0xA1, 99, 0, 0, got, 8, 500, &error), -1);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_BENCH)); /* STALL */
	g_clear_error(&error);
	CU_ASSERT_EQUAL(usb_link_bulk_in(usb, got, sizeof got, 20, &error), -1);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT));
	g_clear_error(&error);
	UNIT_OK(usb_link_bulk_out(usb, "0123456789", 10, 500, &error), error);
	CU_ASSERT_EQUAL(usb_link_bulk_in(usb, got, 4, 500, &error),
			-1); /* more than was asked for */
	g_clear_error(&error);
	UNIT_OK(usb_link_clear_halt(usb, 0x82, &error), error);
	UNIT_OK(usb_link_reset(usb, &error), error);
	CU_ASSERT(fake.halts == 0x82 && fake.resets == 1);
	CU_ASSERT_EQUAL(usb_link_bulk_in(usb, got, sizeof got, 500, &error),
			10); /* still in step */
	stop(&fake);
}

static void an_unplugged_device_says_closed_and_comes_back(void)
{
	g_autoptr(GError) error = NULL;
	Fake fake;
	char uri[80];
	g_autoptr(UsbLink) usb = start(&fake, uri, &error);
	usb_server_plug(fake.server, false);
	uint8_t got[8];
	CU_ASSERT_EQUAL(usb_link_bulk_in(usb, got, sizeof got, 500, &error), -1);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
	g_clear_error(&error);
	CU_ASSERT_FALSE(usb_link_bulk_out(usb, "x", 1, 500, &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(usb_link_open(uri, &error));
	g_clear_error(&error);
	usb_server_plug(fake.server, true);
	UsbLink *again = NULL;
	for (int i = 0; i < 1000 && !again;
	     i++) { /* until the server's thread listens: bounded, 1 s */
		g_clear_error(&error);
		again = usb_link_open(uri, &error);
		if (!again)
			clock_wait_until(clock_monotonic(),
					 clock_now(clock_monotonic()) + CLOCK_MS);
	}
	UNIT_OK(again, error);
	usb_link_shut(again);
	usb_link_shut(again);
	CU_ASSERT_EQUAL(usb_link_bulk_in(again, got, 1, 10, &error), -1);
	usb_link_close(again);
	usb_link_close(NULL);
	stop(&fake);
}

static int raw_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* Each kind of nonsense ends its own connection (end of file comes back), and the next client is served. */
static void garbage_from_a_client_is_cut_off(void)
{
	static const uint8_t junk[][24] = {
		{9},                         /* unknown kind */
		{2, 1, 0, 0, 0, 0, 0x20, 0}, /* 2 MiB */
		{1, 0, 0, 0, 4, 0, 0, 0},    /* control without its setup packet */
		{1, 0, 0, 0, 8,    0, 0, 0, 0, 0, 0, 0,
		 0, 0, 0, 0, 0x21, 1, 0, 0, 0, 0, 9, 0}, /* lies about its data */
	};
	g_autoptr(GError) error = NULL;
	Fake fake;
	char uri[80];
	g_autoptr(UsbLink) first = start(&fake, uri, &error);
	g_clear_pointer(&first, usb_link_close);
	for (size_t i = 0; i < G_N_ELEMENTS(junk); i++) {
		g_autoptr(ByteLink) raw =
			byte_link_from_fd(raw_connect(uri + strlen("usbsock:")), "raw");
		uint8_t byte;
		CU_ASSERT(byte_link_write(raw, junk[i], sizeof junk[i], 0, NULL));
		CU_ASSERT_EQUAL(byte_link_read(raw, &byte, 1,
					       clock_now(clock_monotonic()) + CLOCK_S, &error),
				-1);
		CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
		g_clear_error(&error);
	}
	g_autoptr(UsbLink) next = usb_link_open(uri, &error);
	UNIT_OK(next, error);
	stop(&fake);
}

UNIT_MAIN("link.usb", UNIT(endpoints_come_from_the_descriptors),
	  UNIT(transfers_arrive_whole_and_refusals_are_told_apart),
	  UNIT(an_unplugged_device_says_closed_and_comes_back),
	  UNIT(garbage_from_a_client_is_cut_off))
