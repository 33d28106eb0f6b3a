/* The far end of usbsock: an emulated USB device behind a Unix socket. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_NS CLOCK_MS /* of a bulk-in that has nothing yet */
#define REPLY_NS CLOCK_S  /* a client that does not read is cut */

struct UsbServer {
	char *path;
	const UsbDeviceOps *ops;
	void *user;
	int listen_fd, wake_fd; /* listen_fd -1: unplugged */
	ByteLink *client;
	GByteArray *in;
	bool waiting; /* a bulk-in that has nothing yet */
	UsbMessage wanted;
	int64_t wanted_until_ns;
	atomic_bool plugged;
	bool plugged_now;
};

static gboolean start_listening(UsbServer *server, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(server->path) >= sizeof address.sun_path) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "usbsock %s: the path is too long", server->path);
		return FALSE;
	}
	strcpy(address.sun_path, server->path);
	unlink(server->path);
	server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the socket before bind is the mode of its file: nobody else can slip in. */
	if (server->listen_fd >= 0)
		fchmod(server->listen_fd, 0600);
	if (server->listen_fd < 0 ||
	    bind(server->listen_fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(server->listen_fd, 1) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "usbsock %s: cannot listen: %s",
			    server->path, g_strerror(errno));
		if (server->listen_fd >= 0)
			close(server->listen_fd);
		server->listen_fd = -1;
		return FALSE;
	}
	return TRUE;
}

static void drop_client(UsbServer *server)
{
	byte_link_close(server->client);
	server->client = NULL;
	server->waiting = false;
	g_byte_array_set_size(server->in, 0);
}

static void stop_listening(UsbServer *server)
{
	drop_client(server);
	if (server->listen_fd < 0)
		return;
	close(server->listen_fd);
	unlink(server->path);
	server->listen_fd = -1;
}

UsbServer *usb_server_new(const char *path, const UsbDeviceOps *ops, void *user, GError **error)
{
	UsbServer *server = g_new0(UsbServer, 1);
	server->path = g_strdup(path);
	server->ops = ops;
	server->user = user;
	server->listen_fd = -1;
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->in = g_byte_array_new();
	server->plugged_now = true;
	atomic_init(&server->plugged, true);
	if (start_listening(server, error))
		return server;
	usb_server_free(server);
	return NULL;
}

void usb_server_free(UsbServer *server)
{
	if (!server)
		return;
	stop_listening(server);
	close(server->wake_fd);
	g_byte_array_unref(server->in);
	g_free(server->path);
	g_free(server);
}

void usb_server_wake(UsbServer *server)
{
	uint64_t one = 1;
	/* Full means it is awake already. */
	if (write(server->wake_fd, &one, sizeof one) < 0)
		return;
}

void usb_server_plug(UsbServer *server, bool plugged)
{
	atomic_store(&server->plugged, plugged);
	usb_server_wake(server);
}

/* ---- messages ---- */

static void reply(UsbServer *server, const UsbMessage *request, UsbSocketStatus status,
		  const uint8_t *data, size_t size)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	uint8_t header[USB_MSG_HEADER];
	UsbMessage m = {.kind = request->kind | USB_MSG_REPLY,
			.endpoint = request->endpoint,
			.status = (uint16_t)status,
			.length = (uint32_t)size,
			.tag = request->tag};
	usb_message_put(header, &m);
	g_byte_array_append(out, header, sizeof header);
	if (size)
		g_byte_array_append(out, data, (guint)size);
	if (!byte_link_write(server->client, out->data, out->len,
			     clock_now(clock_monotonic()) + REPLY_NS, NULL))
		drop_client(server);
}

static UsbSocketStatus status_of(int result)
{
	return result >= 0 ? USB_SOCKET_OK : result == -ENODEV ? USB_SOCKET_GONE : USB_SOCKET_STALL;
}

static void serve_control(UsbServer *server, const UsbMessage *m, const uint8_t *payload)
{
	const uint8_t *setup = payload;
	bool in = setup[0] & 0x80;
	size_t length = (size_t)(setup[6] | setup[7] << 8);
	g_autofree uint8_t *data = g_malloc0(length + 1);
	if (!in)
		memcpy(data, payload + 8, length);
	int n = server->ops->control ? server->ops->control(server->user, setup, data) : -EPIPE;
	reply(server, m, status_of(n), data, in && n > 0 ? MIN((size_t)n, length) : 0);
}

/* True when it was answered. */
static bool try_bulk_in(UsbServer *server)
{
	UsbMessage m = server->wanted;
	g_autofree uint8_t *data = g_malloc(m.length + 1);
	int n = server->ops->bulk_in(server->user, m.endpoint, data, m.length);
	if (n == -EAGAIN && clock_now(clock_monotonic()) < server->wanted_until_ns)
		return false;
	server->waiting = false;
	if (n == -EAGAIN)
		reply(server, &m, USB_SOCKET_TIMEOUT, NULL, 0);
	else
		reply(server, &m, n == -EOVERFLOW ? USB_SOCKET_OVERFLOW : status_of(n), data,
		      n > 0 ? (size_t)n : 0);
	return true;
}

static void serve(UsbServer *server, const UsbMessage *m, const uint8_t *payload)
{
	switch (m->kind) {
	case USB_MSG_CONTROL:
		serve_control(server, m, payload);
		break;
	case USB_MSG_BULK_OUT:
		reply(server, m,
		      status_of(
			      server->ops->bulk_out(server->user, m->endpoint, payload, m->length)),
		      NULL, 0);
		break;
	case USB_MSG_BULK_IN:
		server->waiting = true;
		server->wanted = *m;
		server->wanted_until_ns =
			clock_now(clock_monotonic()) + (int64_t)m->timeout_ms * CLOCK_MS;
		try_bulk_in(server);
		break;
	case USB_MSG_RESET:
		if (server->ops->reset)
			server->ops->reset(server->user);
		reply(server, m, USB_SOCKET_OK, NULL, 0);
		break;
	case USB_MSG_CLEAR_HALT:
		if (server->ops->clear_halt)
			server->ops->clear_halt(server->user, m->endpoint);
		reply(server, m, USB_SOCKET_OK, NULL, 0);
		break;
	}
}

static bool sane(const UsbMessage *m)
{
	return m->kind >= USB_MSG_CONTROL && m->kind <= USB_MSG_CLEAR_HALT &&
	       m->length <= USB_SOCKET_MAX && (m->kind != USB_MSG_CONTROL || m->length >= 8);
}

/* One whole message out of server->in; false: need more, or the client was dropped. */
static bool serve_one(UsbServer *server)
{
	UsbMessage m;
	if (!server->client || server->waiting || server->in->len < USB_MSG_HEADER)
		return false;
	usb_message_get(server->in->data, &m);
	if (!sane(&m)) {
		drop_client(server);
		return false;
	}
	size_t payload = m.kind == USB_MSG_BULK_IN ? 0 : m.length, total = USB_MSG_HEADER + payload;
	if (server->in->len < total)
		return false;
	g_autofree uint8_t *bytes = g_memdup2(server->in->data, total);
	g_byte_array_remove_range(server->in, 0, (guint)total);
	const uint8_t *body = bytes + USB_MSG_HEADER;
	bool out = m.kind == USB_MSG_CONTROL && !(body[0] & 0x80);
	if (out && payload < 8 + (size_t)(body[6] | body[7] << 8)) {
		drop_client(server);
		return false;
	}
	serve(server, &m, body);
	return true;
}

static void read_client(UsbServer *server)
{
	uint8_t raw[4096];
	gssize n = byte_link_read(server->client, raw, sizeof raw, 0, NULL);
	if (n < 0)
		drop_client(server);
	else if (n > 0)
		g_byte_array_append(server->in, raw, (guint)n);
	while (serve_one(server))
		;
}

static void accept_client(UsbServer *server)
{
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		server->client = byte_link_from_fd(fd, server->path);
}

static void apply_plug(UsbServer *server)
{
	bool plugged = atomic_load(&server->plugged);
	if (plugged == server->plugged_now)
		return;
	server->plugged_now = plugged;
	if (!plugged)
		stop_listening(server);
	else
		start_listening(server, NULL);
}

void usb_server_run(UsbServer *server, int64_t deadline_ns)
{
	do {
		apply_plug(server);
		int64_t now = clock_now(clock_monotonic());
		int64_t until = server->waiting ? MIN(deadline_ns, now + RETRY_NS) : deadline_ns;
		int64_t left = MAX(until - now, 0);
		struct timespec timeout = {.tv_sec = left / CLOCK_S, .tv_nsec = left % CLOCK_S};
		/* A negative descriptor is ignored by poll; a second client waits in the backlog.
		 */
		struct pollfd p[3] = {
			{.fd = server->wake_fd, .events = POLLIN},
			{.fd = server->client ? -1 : server->listen_fd, .events = POLLIN},
			{.fd = server->client ? byte_link_fd(server->client) : -1,
			 .events = POLLIN}};
		if (ppoll(p, 3, &timeout, NULL) < 0)
			continue;
		uint64_t count;
		if (p[0].revents && read(server->wake_fd, &count, sizeof count) > 0)
			break;
		if (p[1].revents)
			accept_client(server);
		if (p[2].revents)
			read_client(server);
		if (server->waiting && try_bulk_in(server))
			while (serve_one(server))
				;
	} while (clock_now(clock_monotonic()) < deadline_ns);
	apply_plug(server);
}
