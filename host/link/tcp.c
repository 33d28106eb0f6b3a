/* TCP: resolved and connected within 3 s, without Nagle: every message here is small and waited
 * for. */
#include "internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_NS (3 * CLOCK_S)

/* errno of the attempt, 0 when connected. */
static int connect_one(int fd, const struct addrinfo *address, int64_t deadline_ns,
		       const char *name)
{
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	int ready = fd_wait(fd, POLLOUT, deadline_ns, name, NULL);
	if (ready <= 0)
		return ready == 0 ? ETIMEDOUT : EIO;
	int code = 0;
	socklen_t size = sizeof code;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
	return code;
}

ByteLink *tcp_open(const LinkUri *uri, const char *name, GError **error)
{
	g_autofree char *service = g_strdup_printf("%d", uri->port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC}, *list = NULL;
	int failed = getaddrinfo(uri->host, service, &hints, &list);
	if (failed) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: unknown host: %s", name,
			    gai_strerror(failed));
		return NULL;
	}
	int64_t deadline = clock_now(clock_monotonic()) + CONNECT_NS;
	int fd = -1, code = EADDRNOTAVAIL;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		code = connect_one(fd, a, deadline, name);
		if (code) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: cannot connect: %s; is the device on and its address right?", name,
			    g_strerror(code));
		return NULL;
	}
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd_link_new(fd, false, name, NULL, NULL);
}
