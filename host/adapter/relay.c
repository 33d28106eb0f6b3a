#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* When the product has ended, its last words are still carried; silence for so long means that there are none. */
#define LAST_WORDS_MS 200

/* A product has one or two connections to each of its endpoints; one that opens more waits. */
enum { MAX_PAIRS = 32, BUFFER = 32 * 1024, SOCKET_BUFFER = 128 * 1024 };

/* ---- sockets of the other side ---------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int new_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int listen_at(uint16_t port)
{
	struct sockaddr_in at = loopback(port);
	int fd = new_socket(), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 16))
		return fd;
	fprintf(stderr, "anzen-launch: port %u of the loopback is taken: %s\n", port,
		strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

union Rights {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

/* Answers every byte with a socket that is made where this process lives. */
static void give_sockets(int to)
{
	char byte;
	while (recv(to, &byte, 1, 0) == 1) {
		int fd = new_socket();
		union Rights rights = {0};
		struct iovec one = {&byte, 1};
		struct msghdr message = {.msg_iov = &one,
					 .msg_iovlen = 1,
					 .msg_control = rights.room,
					 .msg_controllen = sizeof(rights.room)};
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		if (fd < 0)
			message.msg_controllen = 0;
		sendmsg(to, &message, MSG_NOSIGNAL);
		if (fd >= 0)
			close(fd);
	}
}

static int ask_socket(int from)
{
	char byte = 0;
	int fd = -1;
	union Rights rights;
	struct iovec one = {&byte, 1};
	struct msghdr message = {.msg_iov = &one,
				 .msg_iovlen = 1,
				 .msg_control = rights.room,
				 .msg_controllen = sizeof(rights.room)};
	if (send(from, &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* ---- the relay --------------------------------------------------------------------------------------------------- */

/* Bytes on their way from one end to the other. */
typedef struct Flow {
	char bytes[BUFFER];
	size_t from, to;
	bool ended, told; /* the sender has closed; the receiver knows */
} Flow;

typedef struct Pair {
	int fd[2]; /* accepted, connected */
	bool connecting;
	Flow flow[2]; /* flow[i]: from fd[i] to the other */
} Pair;

typedef struct Relay {
	struct {
		int fd;
		uint16_t port;
		bool outside; /* accepts outside and connects inside */
	} listeners[RELAY_PORTS + 1];
	size_t n_listeners, n_pairs;
	int giver, product; /* product: its pidfd; the relay ends with it */
	Pair *pairs[MAX_PAIRS];
} Relay;

static void prepare(int fd)
{
	int on = 1, size = SOCKET_BUFFER;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void open_pair(Relay *r, size_t listener)
{
	struct sockaddr_in at = loopback(r->listeners[listener].port);
	int in = accept4(r->listeners[listener].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (in < 0)
		return;
	int out = r->listeners[listener].outside ? new_socket() : ask_socket(r->giver);
	Pair *p = calloc(1, sizeof(*p));
	if (out >= 0)
		prepare(out);
	if (!p || out < 0 ||
	    (connect(out, (struct sockaddr *)&at, sizeof(at)) && errno != EINPROGRESS)) {
		free(p);
		close(in);
		if (out >= 0)
			close(out);
		return;
	}
	prepare(in);
	p->fd[0] = in;
	p->fd[1] = out;
	p->connecting = true;
	r->pairs[r->n_pairs++] = p;
}

static void close_pair(Relay *r, size_t index)
{
	Pair *p = r->pairs[index];
	close(p->fd[0]);
	close(p->fd[1]);
	free(p);
	r->pairs[index] = r->pairs[--r->n_pairs];
}

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* False when the connection is broken. */
static bool move(Pair *p, int i, short readable, short writable)
{
	Flow *f = &p->flow[i];
	if (readable && !f->ended && f->to < BUFFER) {
		ssize_t n = recv(p->fd[i], f->bytes + f->to, BUFFER - f->to, 0);
		if (n < 0 && !again())
			return false;
		f->ended = n == 0;
		f->to += n > 0 ? (size_t)n : 0;
		writable = 1; /* most often it is, and the poll is saved */
	}
	if (writable && f->from < f->to) {
		ssize_t n = send(p->fd[1 - i], f->bytes + f->from, f->to - f->from, MSG_NOSIGNAL);
		if (n < 0 && !again())
			return false;
		f->from += n > 0 ? (size_t)n : 0;
	}
	if (f->from == f->to)
		f->from = f->to = 0;
	if (f->ended && f->to == 0 && !f->told)
		f->told = shutdown(p->fd[1 - i], SHUT_WR) == 0;
	return true;
}

static short wanted(const Pair *p, int i)
{
	if (p->connecting)
		return i == 1 ? POLLOUT : 0;
	const Flow *out = &p->flow[i], *in = &p->flow[1 - i];
	return (short)((!out->ended && out->to < BUFFER ? POLLIN : 0) |
		       (in->from < in->to ? POLLOUT : 0));
}

/* False when the pair is over. */
static bool serve_pair(Pair *p, short first, short second)
{
	const short in = POLLIN | POLLHUP | POLLERR;
	if (p->connecting) {
		int failed = 0;
		socklen_t size = sizeof(failed);
		if (!second)
			return !(first & (POLLHUP | POLLERR));
		getsockopt(p->fd[1], SOL_SOCKET, SO_ERROR, &failed, &size);
		p->connecting = false;
		return !failed;
	}
	if (!move(p, 0, first & in, second & POLLOUT) || !move(p, 1, second & in, first & POLLOUT))
		return false;
	return !(p->flow[0].told && p->flow[1].told);
}

/* Fills fds with listeners, then two a pair, then the product; returns how many. */
static size_t watch(const Relay *r, struct pollfd *fds)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_listeners; i++)
		fds[n++] =
			(struct pollfd){r->listeners[i].fd, r->n_pairs < MAX_PAIRS ? POLLIN : 0, 0};
	for (size_t i = 0; i < r->n_pairs; i++)
		for (int k = 0; k < 2; k++)
			fds[n++] = (struct pollfd){r->pairs[i]->fd[k], wanted(r->pairs[i], k), 0};
	fds[n++] = (struct pollfd){r->product, POLLIN, 0};
	return n;
}

static void relay(Relay *r)
{
	struct pollfd fds[RELAY_PORTS + 2 + 2 * MAX_PAIRS];
	bool ended = false;
	while (!ended || r->n_pairs) {
		size_t n = watch(r, fds), listeners = r->n_listeners;
		int ready = poll(fds, (nfds_t)n, ended ? LAST_WORDS_MS : -1);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return;
		/* Backwards: closing one moves the last into its place. */
		for (size_t i = r->n_pairs; i-- > 0;) {
			const struct pollfd *f = &fds[listeners + 2 * i];
			if (!serve_pair(r->pairs[i], f[0].revents, f[1].revents))
				close_pair(r, i);
		}
		for (size_t i = 0; i < listeners && r->n_pairs < MAX_PAIRS; i++)
			if (fds[i].revents)
				open_pair(r, i);
		if (fds[n - 1].revents) {
			ended = true;
			r->product = -1; /* poll passes over it */
			r->n_listeners = 0;
		}
	}
}

/* ---- the namespace ----------------------------------------------------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return done;
}

static bool lift_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = new_socket();
	bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	if (fd >= 0)
		close(fd);
	return up;
}

/* The same user in a namespace where it may do nothing to anybody else's network. */
static bool enter_namespace(void)
{
	char uid[64], gid[64];
	snprintf(uid, sizeof(uid), "%u %u 1", geteuid(), geteuid());
	snprintf(gid, sizeof(gid), "%u %u 1", getegid(), getegid());
	return !unshare(CLONE_NEWUSER | CLONE_NEWNET) &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", uid) && write_text("/proc/self/gid_map", gid) &&
	       lift_loopback();
}

/* A process that is nobody's child but the bench's, which is subreaper; 0 in that process, -1 when there is none. */
static int fork_aside(void)
{
	pid_t between = fork();
	if (between > 0)
		return waitpid(between, NULL, 0) == between ? 1 : -1;
	if (between < 0 || fork() != 0)
		_exit(0);
	setsid();
	prctl(PR_SET_DUMPABLE, 0UL);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	return 0;
}

static bool listen_inside(Relay *r, const RelayPorts *ports)
{
	for (size_t i = 0; i < ports->n_to_bench; i++) {
		int fd = listen_at(ports->to_bench[i]);
		if (fd < 0)
			return false;
		r->listeners[r->n_listeners].fd = fd;
		r->listeners[r->n_listeners].outside = false;
		r->listeners[r->n_listeners++].port = ports->to_bench[i];
	}
	return true;
}

static int start_giver(int *ret_asks)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	int side = fork_aside();
	if (side == 0) {
		close(pair[1]);
		give_sockets(pair[0]);
		_exit(0);
	}
	close(pair[0]);
	*ret_asks = pair[1];
	return side;
}

int relay_isolate(const RelayPorts *ports)
{
	static Relay r;
	bool needs_relay = ports->n_to_bench || ports->to_product;
	r.product = needs_relay ? pidfd_open(getpid(), 0) : -1;
	if (ports->to_product) {
		int fd = listen_at(ports->to_product);
		if (fd < 0)
			return 126;
		r.listeners[0].fd = fd;
		r.listeners[0].port = ports->to_product;
		r.listeners[r.n_listeners++].outside = true;
	}
	if (needs_relay && start_giver(&r.giver) < 0)
		return 126;
	if (!enter_namespace()) {
		fprintf(stderr, "anzen-launch: no network of its own for the product: %s\n",
			strerror(errno));
		return RELAY_REFUSED;
	}
	if (!needs_relay)
		return 0;
	if (!listen_inside(&r, ports))
		return 126;
	int side = fork_aside();
	if (side == 0) {
		relay(&r);
		_exit(1);
	}
	for (size_t i = 0; i < r.n_listeners; i++)
		close(r.listeners[i].fd);
	close(r.giver);
	close(r.product);
	return side < 0 ? 126 : 0;
}
