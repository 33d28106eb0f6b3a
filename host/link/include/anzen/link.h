/* link (floor 2): bytes to and from a far end, and USB messages; nothing here knows what they mean.
 *
 * ByteLink carries a stream of bytes (serial port, pty, TCP, a pair inside this process), UsbLink carries USB
 * control and bulk transfers (libusb, or the same messages over a Unix socket). Both are opened from a URI:
 *
 *	serial:usb:2341:0042/NODE42?baud=250000	a USB serial port, found by VID:PID and serial number
 *	serial:/dev/ttyACM0			a serial port by its path
 *	pty:/dev/pts/7				a pseudo-terminal
 *	rtu:/dev/ttyUSB0?baud=115200&parity=E	a Modbus RTU line (libmodbus opens it; parsed here)
 *	tcp:192.168.1.20:502			a TCP connection
 *	usbtmc:0957:1796/MY123			a USB test-and-measurement instrument (libusb)
 *	usbsock:/run/x/supply.sock		the same USB messages over a Unix socket
 *	rtsp://HOST:PORT/PATH  v4l2:/dev/video0	cameras (opened by media; parsed here)
 *	world:NAME				far end NAME of the virtual world (the rig replaces it)
 *	plant:NAME				device NAME of a world in this process (lock-step)
 *
 * A link is used by one thread at a time (its link thread), except that close may come from another thread
 * once nobody uses it. Deadlines are absolute nanoseconds of clock_monotonic(); a deadline that has passed
 * (0, for short) means "do not wait". Errors: ANZEN_ERROR_CLOSED when the far end is gone (unplugged, hung up),
 * ANZEN_ERROR_IO when the system refused, ANZEN_ERROR_INPUT for a URI that cannot be right.
 */
#ifndef ANZEN_LINK_H
#define ANZEN_LINK_H

#include <anzen/base.h>

G_BEGIN_DECLS

/* ---- URIs -------------------------------------------------------------------------------------------- */

typedef enum {
	LINK_SERIAL,
	LINK_PTY,
	LINK_RTU,
	LINK_TCP,
	LINK_USBTMC,
	LINK_USBSOCK,
	LINK_RTSP,
	LINK_V4L2,
	LINK_WORLD,
	LINK_PLANT,
} LinkScheme;

typedef struct LinkUri {
	LinkScheme scheme;
	char *path; /* device or socket path, world or plant name, the whole rtsp URI; NULL for usb: and tcp: */
	char *host;  /* tcp */
	int port;    /* tcp */
	bool by_usb; /* serial:usb:… or usbtmc: : vid, pid and serial say which */
	int vid, pid;
	char *serial;  /* USB serial number; NULL: the only device with that VID:PID */
	int baud;      /* 0: not given */
	char parity;   /* 'N' 'E' 'O'; 0: not given */
	int stop_bits; /* 1 or 2; 0: not given */
} LinkUri;

/* NULL with ANZEN_ERROR_INPUT that shows what was expected. Free with link_uri_free(). */
LinkUri *link_uri_parse(const char *text, GError **error);
void link_uri_free(LinkUri *uri);
const char *link_scheme_name(LinkScheme scheme);

/* ---- ByteLink ---------------------------------------------------------------------------------------- */

typedef struct ByteLink ByteLink;

/* One kind of link or wrapper. `self` is what `open`-like constructors allocated; every member is required except
 * drain and fd. */
typedef struct ByteLinkOps {
	const char *kind;
	void (*close)(void *self);
	gssize (*read)(void *self, void *data, size_t size, int64_t deadline_ns, GError **error);
	gboolean (*write)(void *self, const void *data, size_t size, int64_t deadline_ns,
			  GError **error);
	gboolean (*drain)(void *self, int64_t deadline_ns, GError **error);
	int (*fd)(void *self);
} ByteLinkOps;

/* Every ByteLink scheme in one list: serial, pty, tcp. rtu: opens as serial: or pty: does, for tests and scans. */
typedef struct ByteLinkDriver {
	LinkScheme scheme;
	ByteLink *(*open)(const LinkUri *uri, const char *name, GError **error);
} ByteLinkDriver;
extern const ByteLinkDriver byte_link_drivers[]; /* open NULL ends */

/* Open and lock (TIOCEXCL on terminals: a second open by anybody but root fails). default_baud is used by serial
 * when the URI names none. Raw, 8 data bits, no flow control. Input that came before the open is discarded. */
ByteLink *byte_link_open(const char *uri, int default_baud, GError **error);
/* NULL and a link already closed by byte_link_shut() are fine. Frees. */
void byte_link_close(ByteLink *link);
/* Close the far end's connection but keep the object: every later call says ANZEN_ERROR_CLOSED. Idempotent. */
void byte_link_shut(ByteLink *link);
/* As soon as at least one byte is there: its count, at most size. 0 at the deadline. -1 on error. */
gssize byte_link_read(ByteLink *link, void *data, size_t size, int64_t deadline_ns, GError **error);
/* All of it, or an error (ANZEN_ERROR_TIMEOUT at the deadline: part may have gone). */
gboolean byte_link_write(ByteLink *link, const void *data, size_t size, int64_t deadline_ns,
			 GError **error);
/* Wait until the operating system has sent what was written. */
gboolean byte_link_drain(ByteLink *link, int64_t deadline_ns, GError **error);
/* For poll(); -1 when there is none (wrappers that hold bytes back, the inproc pair). Borrowed. */
int byte_link_fd(ByteLink *link);
/* "serial /dev/ttyACM0 (2341:0042/NODE42)": for messages. Borrowed. */
const char *byte_link_name(const ByteLink *link);

/* Build a link of your own (fakes in tests, the world). Takes self. */
ByteLink *byte_link_new(const ByteLinkOps *ops, void *self, const char *name);

/* Two ends of a pipe inside this process; each may be used on its own thread. Memory only: with a passed deadline
 * reads never wait, so it serves lock-step runs as well. Unbounded up to 1 MiB each way, then write times out. */
void byte_link_pair(ByteLink **ret_a, ByteLink **ret_b);

/* An already open file descriptor (pty master, socket). Takes it. */
ByteLink *byte_link_from_fd(int fd, const char *name);

/* Keep other programs from the terminal `fd` while it is open (for libraries that open it themselves). */
gboolean link_lock_terminal(int fd, const char *name, GError **error);

/* ---- wrappers: each takes the inner link and closes it with itself ------------------------------------ */

typedef void (*LinkTraceFunc)(void *user, const char *link, bool out, int64_t t_ns,
			      const uint8_t *data, size_t size);
ByteLink *byte_link_trace(ByteLink *inner, Clock *clock, LinkTraceFunc func, void *user);
/* "01 a0 ff", at most 64 bytes then "… (200 bytes)". Caller frees. */
char *link_hex(const uint8_t *data, size_t size);

/* Repeatable damage, for tests. Rates are per byte (0..1), the same damage for the same seed and the same bytes. */
typedef struct LinkFaults {
	uint64_t seed;
	double drop, flip, repeat; /* of received bytes; flip changes one bit */
	double drop_out, flip_out; /* of written bytes */
	double split;              /* chance that a read ends after one byte */
	int64_t delay_ns;          /* received bytes are held back this long */
} LinkFaults;
ByteLink *byte_link_fault(ByteLink *inner, Clock *clock, const LinkFaults *faults);

/* ---- serial ports of this machine ----------------------------------------------------------------------- */

typedef struct LinkPort {
	char *link; /* what a rig file would say: serial:usb:2341:0042/NODE42 */
	char *path; /* /dev/ttyACM0, or the USB bus and address */
	bool usb;
	int vid, pid;
	char *serial, *product; /* NULL: not told */
} LinkPort;
void link_port_free(LinkPort *port);
/* GPtrArray of LinkPort*, owned; empty when there is none. */
GPtrArray *link_serial_ports(void);
/* The same for USB instruments (USBTMC); those that may not be opened are listed without a serial number. */
GPtrArray *link_usb_instruments(void);

/* ---- UsbLink ---------------------------------------------------------------------------------------------- */

typedef struct UsbLink UsbLink;

typedef struct UsbEndpoints {
	int interface;
	uint8_t bulk_out, bulk_in, interrupt_in; /* addresses; interrupt_in 0: none */
	uint16_t max_packet;                     /* of bulk_out */
} UsbEndpoints;

typedef struct UsbLinkOps {
	const char *kind;
	void (*close)(void *self);
	gssize (*control)(void *self, const uint8_t setup[8], void *data, unsigned timeout_ms,
			  GError **error);
	gssize (*bulk)(void *self, uint8_t endpoint, void *data, size_t size, unsigned timeout_ms,
		       GError **error);
	gboolean (*clear_halt)(void *self, uint8_t endpoint, GError **error);
	gboolean (*reset)(void *self, GError **error);
} UsbLinkOps;

/* Open a usbtmc: or usbsock: URI: find the device, its first interface of class 0xFE subclass 3 and that interface's
 * bulk endpoints (from the configuration descriptor), detach a kernel driver, claim. Exactly one device must
 * match: two with the same VID:PID and no serial number given are an error that lists them. */
UsbLink *usb_link_open(const char *uri, GError **error);
void usb_link_close(UsbLink *link); /* NULL allowed. Frees. */
void usb_link_shut(UsbLink *link);  /* as byte_link_shut */
const char *usb_link_name(const UsbLink *link);
const UsbEndpoints *usb_link_endpoints(const UsbLink *link);

/* One control transfer; direction is bit 7 of request_type. Returns the bytes of the data stage. A STALL is
 * ANZEN_ERROR_BENCH ("refused"), no answer in time ANZEN_ERROR_TIMEOUT, an unplugged device ANZEN_ERROR_CLOSED. */
gssize usb_link_control(UsbLink *link, uint8_t request_type, uint8_t request, uint16_t value,
			uint16_t index, void *data, uint16_t length, unsigned timeout_ms,
			GError **error);
gboolean usb_link_bulk_out(UsbLink *link, const void *data, size_t size, unsigned timeout_ms,
			   GError **error);
/* One transfer of at most `size` bytes (ends with a short packet). */
gssize usb_link_bulk_in(UsbLink *link, void *data, size_t size, unsigned timeout_ms,
			GError **error);
gboolean usb_link_clear_halt(UsbLink *link, uint8_t endpoint, GError **error);
gboolean usb_link_reset(UsbLink *link, GError **error);
/* String descriptor `index` as UTF-8, NULL when the device has none. Caller frees. */
char *usb_link_string(UsbLink *link, uint8_t index);

UsbLink *usb_link_new(const UsbLinkOps *ops, void *self, const UsbEndpoints *endpoints,
		      const char *name);

/* ---- USB messages over a Unix socket (usbsock:), both ends ------------------------------------------------ */

/* Every message is a 16-byte little-endian header and its payload:
 *
 *	0  u8  kind       1 control, 2 bulk out, 3 bulk in, 4 device reset, 5 clear halt; a reply is kind | 0x80
 *	1  u8  endpoint   address with direction bit (bulk, clear halt); 0 otherwise
 *	2  u16 status     replies: UsbSocketStatus; requests: 0
 *	4  u32 length     bytes of payload that follow; in a bulk-in request: bytes wanted, no payload follows
 *	8  u32 timeout_ms requests: the far end answers TIMEOUT itself when this has passed; 0 in replies
 *	12 u32 tag        any number; the reply carries the same
 *
 * A control request's payload is the 8-byte setup packet, then the OUT data stage; its reply's payload is the IN data
 * stage. A bulk-out reply's `length` is 0 (all was taken). One request is outstanding at a time. length above
 * USB_SOCKET_MAX, an unknown kind or a reply with a wrong tag ends the connection. The far end answers GET_DESCRIPTOR for
 * device, configuration and strings: the client finds its endpoints there, as libusb does. */
#define USB_SOCKET_MAX (1u << 20)
typedef enum {
	USB_SOCKET_OK,
	USB_SOCKET_STALL,
	USB_SOCKET_TIMEOUT,
	USB_SOCKET_GONE,
	USB_SOCKET_OVERFLOW, /* bulk in: the device had more than was asked for */
} UsbSocketStatus;

/* What a device does with a transfer. Return bytes (≥ 0) or a negative errno: -EPIPE stalls, -EAGAIN (bulk_in) "nothing
 * yet": asked again after the next bulk_out and every millisecond until the host's time-out, -ENODEV ends the connection
 * as an unplugged device does. control: `data` holds wLength bytes, filled (IN) or to be read (OUT). */
typedef struct UsbDeviceOps {
	int (*control)(void *user, const uint8_t setup[8], uint8_t *data);
	int (*bulk_out)(void *user, uint8_t endpoint, const uint8_t *data, size_t size);
	int (*bulk_in)(void *user, uint8_t endpoint, uint8_t *data, size_t size);
	void (*reset)(void *user);
	void (*clear_halt)(void *user, uint8_t endpoint);
} UsbDeviceOps;

typedef struct UsbServer UsbServer;
/* Listen on `path` (mode 0600, an existing socket file is replaced, removed by free). One client at a time. */
UsbServer *usb_server_new(const char *path, const UsbDeviceOps *ops, void *user, GError **error);
void usb_server_free(UsbServer *server); /* NULL allowed */
/* Serve until deadline_ns on the calling thread; wake with usb_server_wake() from another. */
void usb_server_run(UsbServer *server, int64_t deadline_ns);
void usb_server_wake(UsbServer *server);
/* Unplug: the client's connection is cut and nobody is accepted until plugged again. From any thread. */
void usb_server_plug(UsbServer *server, bool plugged);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkUri, link_uri_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ByteLink, byte_link_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UsbLink, usb_link_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UsbServer, usb_server_free)

G_END_DECLS

#endif
