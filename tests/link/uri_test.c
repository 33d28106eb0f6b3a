#include "unit.h"

#include <anzen/link.h>

static void every_example_of_the_header_is_parsed(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(LinkUri) serial =
		link_uri_parse("serial:usb:2341:0042/NODE42?baud=250000", &error);
	UNIT_OK(serial, error);
	CU_ASSERT(serial && serial->by_usb && serial->vid == 0x2341 && serial->pid == 0x42 &&
		  serial->baud == 250000);
	CU_ASSERT_STRING_EQUAL(serial ? serial->serial : "", "NODE42");
	g_autoptr(LinkUri) rtu = link_uri_parse("rtu:/dev/ttyUSB0?baud=115200&parity=E", &error);
	UNIT_OK(rtu, error);
	CU_ASSERT(rtu && rtu->parity == 'E' && rtu->baud == 115200 &&
		  !strcmp(rtu->path, "/dev/ttyUSB0"));
	g_autoptr(LinkUri) tcp = link_uri_parse("tcp:192.168.1.20:502", &error);
	UNIT_OK(tcp, error);
	CU_ASSERT(tcp && tcp->port == 502 && !strcmp(tcp->host, "192.168.1.20"));
	g_autoptr(LinkUri) v6 = link_uri_parse("tcp:[::1]:502", &error);
	UNIT_OK(v6, error);
	CU_ASSERT(v6 && !strcmp(v6->host, "::1"));
	g_autoptr(LinkUri) usb = link_uri_parse("usbtmc:0957:1796/MY123", &error);
	UNIT_OK(usb, error);
	CU_ASSERT(usb && usb->scheme == LINK_USBTMC && usb->vid == 0x957 &&
		  !strcmp(usb->serial, "MY123"));
	g_autoptr(LinkUri) camera = link_uri_parse("rtsp://127.0.0.1:40002/cam", &error);
	UNIT_OK(camera, error);
	CU_ASSERT(camera && !strcmp(camera->path, "rtsp://127.0.0.1:40002/cam"));
	g_autoptr(LinkUri) world = link_uri_parse("world:node-a", &error);
	UNIT_OK(world, error);
	CU_ASSERT(world && !strcmp(world->path, "node-a"));
}

static void a_wrong_link_is_refused_with_what_was_expected(void)
{
	static const char *const wrong[] = {"",
					    "node",
					    "serial:",
					    "serial:COM3",
					    "serial:usb:2341",
					    "serial:usb:234g:0042",
					    "serial:usb:2341:0042/",
					    "serial:usb:2341:0042X",
					    "serial:/dev/ttyACM0?baud=fast",
					    "serial:/dev/ttyACM0?bauds=9600",
					    "rtu:/dev/ttyUSB0?parity=X",
					    "rtu:/dev/ttyUSB0?parity",
					    "tcp:host",
					    "tcp:host:0",
					    "tcp:host:65536",
					    "tcp::502",
					    "tcp:::1:502",
					    "usbtmc:",
					    "usbtmc:0957",
					    "usbsock:relative",
					    "rtsp:/x",
					    "world:",
					    "world:Node A",
					    "world:../x"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(LinkUri) uri = link_uri_parse(wrong[i], &error);
		CU_ASSERT_PTR_NULL(uri);
		CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT) &&
			  strstr(error->message, "expected"));
		if (uri)
			fprintf(stderr, "accepted: %s\n", wrong[i]);
	}
}

static void a_link_that_carries_no_bytes_does_not_open_as_bytes(void)
{
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(byte_link_open("rtsp://host/x", 115200, &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(usb_link_open("pty:/dev/pts/0", &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
}

UNIT_MAIN("link.uri", UNIT(every_example_of_the_header_is_parsed),
	  UNIT(a_wrong_link_is_refused_with_what_was_expected),
	  UNIT(a_link_that_carries_no_bytes_does_not_open_as_bytes))
