/* UsbLink over a Unix socket: the near end of what link.h describes. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The far end answers TIMEOUT itself; when even that does not come, the link is dead. */
#define GRACE_MS 1000

typedef struct {
	ByteLink *link;
	uint32_t tag;
	char *name;
	bool broken; /* lost step with the far end: only a new connection helps */
} UsbSocket;

void usb_message_put(uint8_t h[USB_MSG_HEADER], const UsbMessage *m)
{
	const uint32_t words[3] = {m->length, m->timeout_ms, m->tag};
	h[0] = m->kind;
	h[1] = m->endpoint;
	h[2] = (uint8_t)m->status;
	h[3] = (uint8_t)(m->status >> 8);
	for (int i = 0; i < 3; i++)
		for (int b = 0; b < 4; b++)
			h[4 + 4 * i + b] = (uint8_t)(words[i] >> (8 * b));
}

void usb_message_get(const uint8_t h[USB_MSG_HEADER], UsbMessage *ret)
{
	uint32_t words[3];
	for (int i = 0; i < 3; i++)
		words[i] = (uint32_t)h[4 + 4 * i] | (uint32_t)h[5 + 4 * i] << 8 |
			   (uint32_t)h[6 + 4 * i] << 16 | (uint32_t)h[7 + 4 * i] << 24;
	*ret = (UsbMessage){h[0], h[1], (uint16_t)(h[2] | h[3] << 8), words[0], words[1], words[2]};
}

static gboolean broken(UsbSocket *usb, const char *why, GError **error)
{
	usb->broken = true;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED, "%s: %s", usb->name, why);
	return FALSE;
}

static gboolean read_all(UsbSocket *usb, void *data, size_t size, int64_t deadline_ns,
			 GError **error)
{
	uint8_t *p = data;
	while (size > 0) {
		gssize n = byte_link_read(usb->link, p, size, deadline_ns, error);
		if (n < 0)
			usb->broken = true;
		if (n < 0)
			return FALSE;
		if (n == 0)
			return broken(usb, "the far end does not answer", error);
		p += n;
		size -= (size_t)n;
	}
	return TRUE;
}

static gboolean status_error(UsbSocket *usb, unsigned status, GError **error)
{
	switch ((UsbSocketStatus)status) {
	case USB_SOCKET_OK:
		return TRUE;
	case USB_SOCKET_STALL:
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: the device refused (STALL)",
			    usb->name);
		return FALSE;
	case USB_SOCKET_TIMEOUT:
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT, "%s: no reply", usb->name);
		return FALSE;
	case USB_SOCKET_GONE:
		return broken(usb, "the device is unplugged", error);
	case USB_SOCKET_OVERFLOW:
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: sent more than was asked for", usb->name);
		return FALSE;
	}
	return broken(usb, "unknown status in a reply", error);
}

static gboolean send_request(UsbSocket *usb, UsbMessage *m, const void *head, size_t head_size,
			     const void *body, size_t body_size, int64_t deadline_ns,
			     GError **error)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	uint8_t header[USB_MSG_HEADER];
	m->tag = ++usb->tag;
	usb_message_put(header, m);
	g_byte_array_append(out, header, sizeof header);
	if (head_size)
		g_byte_array_append(out, head, (guint)head_size);
	if (body_size)
		g_byte_array_append(out, body, (guint)body_size);
	if (byte_link_write(usb->link, out->data, out->len, deadline_ns, error))
		return TRUE;
	usb->broken = true;
	return FALSE;
}

/* Bytes of the reply's payload, at most `size` into data; -1 with an error. */
static gssize receive_reply(UsbSocket *usb, const UsbMessage *request, void *data, size_t size,
			    int64_t deadline_ns, GError **error)
{
	uint8_t header[USB_MSG_HEADER];
	UsbMessage reply;
	if (!read_all(usb, header, sizeof header, deadline_ns, error))
		return -1;
	usb_message_get(header, &reply);
	if (reply.kind != (request->kind | USB_MSG_REPLY) || reply.tag != request->tag ||
	    reply.length > size) {
		broken(usb, "a reply that does not fit its request", error);
		return -1;
	}
	if (reply.length && !read_all(usb, data, reply.length, deadline_ns, error))
		return -1;
	return status_error(usb, reply.status, error) ? (gssize)reply.length : -1;
}

static gssize exchange(UsbSocket *usb, UsbMessage *m, const void *head, size_t head_size,
		       const void *body, size_t body_size, void *in, size_t in_size, GError **error)
{
	if (usb->broken) {
		broken(usb, "the connection is lost", error);
		return -1;
	}
	int64_t deadline =
		clock_now(clock_monotonic()) + ((int64_t)m->timeout_ms + GRACE_MS) * CLOCK_MS;
	if (!send_request(usb, m, head, head_size, body, body_size, deadline, error))
		return -1;
	return receive_reply(usb, m, in, in_size, deadline, error);
}

static gssize socket_control(void *self, const uint8_t setup[8], void *data, unsigned timeout_ms,
			     GError **error)
{
	bool in = setup[0] & 0x80;
	size_t length = (size_t)(setup[6] | setup[7] << 8), out = in ? 0 : length;
	UsbMessage m = {
		.kind = USB_MSG_CONTROL, .length = (uint32_t)(8 + out), .timeout_ms = timeout_ms};
	gssize n = exchange(self, &m, setup, 8, data, out, data, in ? length : 0, error);
	return n < 0 ? -1 : in ? n : (gssize)length;
}

static gssize socket_bulk(void *self, uint8_t endpoint, void *data, size_t size,
			  unsigned timeout_ms, GError **error)
{
	bool in = endpoint & 0x80;
	size = MIN(size, USB_SOCKET_MAX);
	UsbMessage m = {.kind = in ? USB_MSG_BULK_IN : USB_MSG_BULK_OUT,
			.endpoint = endpoint,
			.length = (uint32_t)size,
			.timeout_ms = timeout_ms};
	gssize n = exchange(self, &m, NULL, 0, data, in ? 0 : size, data, in ? size : 0, error);
	return n < 0 ? -1 : in ? n : (gssize)size;
}

static gboolean socket_clear_halt(void *self, uint8_t endpoint, GError **error)
{
	UsbMessage m = {.kind = USB_MSG_CLEAR_HALT, .endpoint = endpoint, .timeout_ms = 1000};
	return exchange(self, &m, NULL, 0, NULL, 0, NULL, 0, error) >= 0;
}

static gboolean socket_reset(void *self, GError **error)
{
	UsbMessage m = {.kind = USB_MSG_RESET, .timeout_ms = 1000};
	return exchange(self, &m, NULL, 0, NULL, 0, NULL, 0, error) >= 0;
}

static void socket_close(void *self)
{
	UsbSocket *usb = self;
	byte_link_close(usb->link);
	g_free(usb->name);
	g_free(usb);
}

static const UsbLinkOps socket_ops = {.kind = "usbsock",
				      .close = socket_close,
				      .control = socket_control,
				      .bulk = socket_bulk,
				      .clear_halt = socket_clear_halt,
				      .reset = socket_reset};

UsbLink *usb_socket_open(const LinkUri *uri, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(uri->path) >= sizeof address.sun_path) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "usbsock %s: the path is too long", uri->path);
		return NULL;
	}
	strcpy(address.sun_path, uri->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "usbsock %s: cannot connect: %s",
			    uri->path, g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	UsbSocket *usb = g_new0(UsbSocket, 1);
	usb->name = g_strdup_printf("usbsock %s", uri->path);
	usb->link = byte_link_from_fd(fd, usb->name);
	UsbEndpoints none = {.interface = -1};
	return usb_link_new(&socket_ops, usb, &none, usb->name);
}
