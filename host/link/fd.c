/* File descriptors as ByteLinks: what pty, serial and TCP have in common. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

typedef struct {
	int fd;
	bool terminal, socket;
	char *name;
	void (*release)(void *);
	void *owner;
} FdLink;

gboolean fd_closed_error(const char *name, int code, GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED, "%s: the far end is gone (%s)", name,
		    code ? g_strerror(code) : "end of file");
	return FALSE;
}

static gboolean io_error(const char *name, const char *what, GError **error)
{
	int code = errno;
	/* What an unplugged USB serial port, a closed pty or a reset connection answer. */
	if (code == EIO || code == ENODEV || code == ENXIO || code == EPIPE || code == ECONNRESET ||
	    code == EBADF)
		return fd_closed_error(name, code, error);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: cannot %s: %s", name, what,
		    g_strerror(code));
	return FALSE;
}

int fd_wait(int fd, short events, int64_t deadline_ns, const char *name, GError **error)
{
	for (;;) {
		int64_t left = deadline_ns > 0 ? deadline_ns - clock_now(clock_monotonic()) : 0;
		if (left < 0)
			left = 0;
		struct timespec timeout = {.tv_sec = left / CLOCK_S, .tv_nsec = left % CLOCK_S};
		struct pollfd p = {.fd = fd, .events = events};
		int n = ppoll(&p, 1, &timeout, NULL);
		if (n > 0 && (p.revents & POLLNVAL)) {
			fd_closed_error(name, EBADF, error);
			return -1;
		}
		if (n > 0)
			return 1;
		if (n == 0)
			return 0;
		if (errno != EINTR) {
			io_error(name, "wait", error);
			return -1;
		}
	}
}

static gssize fd_read(void *self, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	FdLink *link = self;
	for (;;) {
		int ready = fd_wait(link->fd, POLLIN, deadline_ns, link->name, error);
		if (ready <= 0)
			return ready;
		ssize_t n = read(link->fd, data, size);
		if (n > 0)
			return n;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == 0)
			fd_closed_error(link->name, 0, error);
		else
			io_error(link->name, "read", error);
		return -1;
	}
}

static gboolean fd_write(void *self, const void *data, size_t size, int64_t deadline_ns,
			 GError **error)
{
	FdLink *link = self;
	const uint8_t *p = data;
	while (size > 0) {
		/* A far end that is gone is an error here, not a signal that ends the program. */
		ssize_t n = link->socket ? send(link->fd, p, size, MSG_NOSIGNAL)
					 : write(link->fd, p, size);
		if (n > 0) {
			p += n;
			size -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return io_error(link->name, "write", error);
		int ready = fd_wait(link->fd, POLLOUT, deadline_ns, link->name, error);
		if (ready < 0)
			return FALSE;
		if (ready == 0) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
				    "%s: the far end does not take bytes", link->name);
			return FALSE;
		}
	}
	return TRUE;
}

/* tcdrain() cannot be bounded, so ask how much is left. */
static gboolean fd_drain(void *self, int64_t deadline_ns, GError **error)
{
	FdLink *link = self;
	if (!link->terminal)
		return TRUE;
	for (;;) {
		int left = 0;
		if (ioctl(link->fd, TIOCOUTQ, &left) < 0)
			return io_error(link->name, "drain", error);
		int64_t now = clock_now(clock_monotonic());
		if (left == 0)
			return TRUE;
		if (now >= deadline_ns)
			break;
		clock_wait_until(clock_monotonic(), MIN(now + CLOCK_MS, deadline_ns));
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT, "%s: not all bytes were sent in time",
		    link->name);
	return FALSE;
}

static int fd_fd(void *self)
{
	FdLink *link = self;
	return link->fd;
}

static void fd_close(void *self)
{
	FdLink *link = self;
	if (link->terminal)
		ioctl(link->fd, TIOCNXCL);
	if (link->release)
		link->release(link->owner);
	else
		close(link->fd);
	g_free(link->name);
	g_free(link);
}

static const ByteLinkOps fd_ops = {.kind = "fd",
				   .close = fd_close,
				   .read = fd_read,
				   .write = fd_write,
				   .drain = fd_drain,
				   .fd = fd_fd};

ByteLink *fd_link_new(int fd, bool terminal, const char *name, void (*release)(void *), void *owner)
{
	FdLink *link = g_new0(FdLink, 1);
	*link = (FdLink){.fd = fd,
			 .terminal = terminal,
			 .name = g_strdup(name),
			 .release = release,
			 .owner = owner};
	struct stat st;
	link->socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return byte_link_new(&fd_ops, link, name);
}

ByteLink *byte_link_from_fd(int fd, const char *name)
{
	return fd_link_new(fd, isatty(fd), name, NULL, NULL);
}

gboolean link_lock_terminal(int fd, const char *name, GError **error)
{
	/* flock keeps out a second bench of the same or another user, root too, whom TIOCEXCL lets
	 * pass. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: in use by another program; end it first", name);
		return FALSE;
	}
	ioctl(fd, TIOCEXCL); /* some emulated terminals have none: flock holds anyway */
	return TRUE;
}
