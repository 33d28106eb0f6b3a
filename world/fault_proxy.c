#include "fault_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "pty.h"

#define PAIRS_MAX 8
#define QUEUE_MAX 1048576 /* bytes on their way in one direction; beyond it the reader waits */

/* Bytes that came together and leave together. */
typedef struct Parcel {
	int64_t due_ns;
	size_t n, done;
	uint8_t bytes[];
} Parcel;

typedef struct Pair {
	int fd[2];       /* bench's side, far end's side; -1: no pair here */
	GQueue queue[2]; /* Parcel* towards fd[i] */
	size_t waiting[2];
	bool closing[2]; /* the side that fed queue[i] has ended: close when it is empty */
} Pair;

struct FaultProxy {
	bool tcp;
	char *uri;
	int listen_fd, tty, wake_fd;
	struct sockaddr_in upstream;
	Pair pair[PAIRS_MAX];
	GMutex lock;
	ProxyFaults faults;
	uint64_t random;
	GThread *thread;
	atomic_bool quit;
};

/* xorshift64* (Vigna 2016): small, seeded, repeatable. */
static double chance(FaultProxy *proxy)
{
	proxy->random ^= proxy->random >> 12;
	proxy->random ^= proxy->random << 25;
	proxy->random ^= proxy->random >> 27;
	return (double)(proxy->random * 0x2545f4914f6cdd1du >> 11) * 0x1p-53;
}

static size_t spoil(FaultProxy *proxy, const ProxyFaults *faults, const uint8_t *in, size_t n,
		    uint8_t *out)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (faults->drop > 0 && chance(proxy) < faults->drop)
			continue;
		out[kept] = in[i];
		if (faults->flip > 0 && chance(proxy) < faults->flip)
			out[kept] ^= (uint8_t)(1u << (int)(chance(proxy) * 8));
		kept++;
	}
	return kept;
}

static ProxyFaults faults_now(FaultProxy *proxy)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&proxy->lock);
	return proxy->faults;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static void pair_clear(Pair *pair, bool close_fds)
{
	for (int i = 0; i < 2; i++) {
		if (close_fds && pair->fd[i] >= 0)
			close(pair->fd[i]);
		pair->fd[i] = -1;
		g_queue_clear_full(&pair->queue[i], g_free);
		pair->waiting[i] = 0;
		pair->closing[i] = false;
	}
}

static void receive(FaultProxy *proxy, Pair *pair, int from, const ProxyFaults *faults)
{
	uint8_t raw[4096];
	int to = !from;
	ssize_t n = read(pair->fd[from], raw, sizeof raw);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			pair->closing[to] = proxy->tcp;
		return;
	}
	if (faults->cut)
		return;
	Parcel *parcel = g_malloc(sizeof *parcel + (size_t)n);
	parcel->done = 0;
	parcel->due_ns = clock_now(clock_monotonic()) + faults->delay_ns;
	parcel->n = spoil(proxy, faults, raw, (size_t)n, parcel->bytes);
	g_queue_push_tail(&pair->queue[to], parcel);
	pair->waiting[to] += parcel->n;
}

/* Send what is due towards fd[to]; returns when the next parcel is. False: the far side is gone. */
static bool deliver(Pair *pair, int to, const ProxyFaults *faults, int64_t now_ns,
		    int64_t *ret_next_ns)
{
	Parcel *parcel;
	while (!faults->stall && (parcel = g_queue_peek_head(&pair->queue[to]))) {
		if (parcel->due_ns > now_ns) {
			*ret_next_ns = MIN(*ret_next_ns, parcel->due_ns);
			return true;
		}
		while (parcel->done < parcel->n) {
			ssize_t n = write(pair->fd[to], parcel->bytes + parcel->done,
					  parcel->n - parcel->done);
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0 && errno == EAGAIN) { /* it does not read: once more soon */
				*ret_next_ns = MIN(*ret_next_ns, now_ns + CLOCK_MS);
				return true;
			}
			if (n < 0)
				return false;
			parcel->done += (size_t)n;
		}
		pair->waiting[to] -= parcel->n;
		g_free(g_queue_pop_head(&pair->queue[to]));
	}
	return !pair->closing[to] || !g_queue_is_empty(&pair->queue[to]);
}

static void accept_pair(FaultProxy *proxy, bool cut)
{
	int on = 1, fd = accept4(proxy->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	Pair *free_pair = NULL;
	for (int i = 0; i < PAIRS_MAX; i++)
		if (proxy->pair[i].fd[0] < 0)
			free_pair = &proxy->pair[i];
	if (fd < 0 || far < 0 || cut || !free_pair ||
	    connect(far, (struct sockaddr *)&proxy->upstream, sizeof proxy->upstream)) {
		if (fd >= 0)
			close(fd);
		if (far >= 0)
			close(far);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fcntl(far, F_SETFL, O_NONBLOCK);
	free_pair->fd[0] = fd;
	free_pair->fd[1] = far;
}

/* ---- the thread ----------------------------------------------------------------------------------------------------- */

static void serve_pair(FaultProxy *proxy, Pair *pair, const struct pollfd *p,
		       const ProxyFaults *faults, int64_t *ret_next_ns)
{
	if (pair->fd[0] < 0)
		return;
	for (int side = 0; side < 2; side++)
		if (p[side].fd >= 0 && p[side].revents)
			receive(proxy, pair, side, faults);
	int64_t now = clock_now(clock_monotonic());
	bool alive = deliver(pair, 0, faults, now, ret_next_ns);
	alive = deliver(pair, 1, faults, now, ret_next_ns) && alive;
	if (proxy->tcp && (!alive || faults->cut))
		pair_clear(pair, true);
}

static void fill_poll(const FaultProxy *proxy, struct pollfd *p)
{
	p[0] = (struct pollfd){.fd = proxy->wake_fd, .events = POLLIN};
	p[1] = (struct pollfd){.fd = proxy->listen_fd, .events = POLLIN};
	for (int i = 0; i < PAIRS_MAX; i++)
		for (int side = 0; side < 2; side++) {
			const Pair *pair = &proxy->pair[i];
			bool full = pair->waiting[!side] >= QUEUE_MAX || pair->closing[!side];
			p[2 + 2 * i + side] =
				(struct pollfd){.fd = full ? -1 : pair->fd[side], .events = POLLIN};
		}
}

static gpointer run(gpointer user)
{
	FaultProxy *proxy = user;
	int64_t next = CLOCK_NEVER;
	while (!atomic_load(&proxy->quit)) {
		struct pollfd p[2 + 2 * PAIRS_MAX];
		uint64_t count;
		fill_poll(proxy, p);
		int64_t left = MAX(0, next - clock_now(clock_monotonic()));
		struct timespec timeout = {.tv_sec = left / CLOCK_S, .tv_nsec = left % CLOCK_S};
		if (ppoll(p, G_N_ELEMENTS(p), next == CLOCK_NEVER ? NULL : &timeout, NULL) < 0)
			continue;
		if (p[0].revents && read(proxy->wake_fd, &count, sizeof count) < 0)
			g_debug("proxy: %s", g_strerror(errno));
		ProxyFaults faults = faults_now(proxy);
		next = CLOCK_NEVER;
		for (int i = 0; i < PAIRS_MAX; i++)
			serve_pair(proxy, &proxy->pair[i], p + 2 + 2 * i, &faults, &next);
		if (p[1].revents)
			accept_pair(proxy, faults.cut);
	}
	return NULL;
}

static void wake(FaultProxy *proxy)
{
	uint64_t one = 1;
	if (write(proxy->wake_fd, &one, sizeof one) < 0)
		g_debug("proxy: %s", g_strerror(errno));
}

/* ---- open and close --------------------------------------------------------------------------------------------------- */

static gboolean open_pty(FaultProxy *proxy, const char *upstream, GError **error)
{
	const char *path = strchr(upstream, ':') + 1;
	g_autofree char *name = NULL, *far = g_strndup(path, strcspn(path, "?"));
	struct termios raw;
	Pair *pair = &proxy->pair[0];
	if (!world_pty_open(&pair->fd[0], &proxy->tty, &name, error))
		return FALSE;
	fcntl(pair->fd[0], F_SETFL, O_NONBLOCK);
	pair->fd[1] = open(far, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (pair->fd[1] < 0 || tcgetattr(pair->fd[1], &raw)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: %s", far, g_strerror(errno));
		return FALSE;
	}
	cfmakeraw(&raw);
	tcsetattr(pair->fd[1], TCSANOW, &raw);
	proxy->uri = g_strdup_printf("%.*s%s%s", (int)(path - upstream), upstream, name,
				     path + strlen(far));
	return TRUE;
}

/* "tcp:HOST:PORT" and "rtsp://HOST:PORT/PATH": the port is after the last ':' before the path. */
static gboolean open_tcp(FaultProxy *proxy, const char *upstream, GError **error)
{
	const char *host = strstr(upstream, "//") ? strstr(upstream, "//") + 2 : upstream + 4;
	const char *port = strchr(host, ':');
	const char *path = host + strcspn(host, "/");
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	proxy->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!port || proxy->listen_fd < 0 ||
	    bind(proxy->listen_fd, (struct sockaddr *)&at, sizeof at) ||
	    listen(proxy->listen_fd, PAIRS_MAX) ||
	    getsockname(proxy->listen_fd, (struct sockaddr *)&at, &n)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "cannot put a proxy before %s: %s",
			    upstream, g_strerror(errno));
		return FALSE;
	}
	proxy->upstream = at;
	proxy->upstream.sin_port = htons((uint16_t)atoi(port + 1));
	proxy->uri = g_strdup_printf("%.*s127.0.0.1:%d%s", (int)(host - upstream), upstream,
				     ntohs(at.sin_port), path);
	return TRUE;
}

FaultProxy *fault_proxy_new(const char *upstream, GError **error)
{
	g_autoptr(FaultProxy) proxy = g_new0(FaultProxy, 1);
	proxy->tcp = g_str_has_prefix(upstream, "tcp:") || g_str_has_prefix(upstream, "rtsp:");
	proxy->listen_fd = proxy->tty = -1;
	proxy->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g_mutex_init(&proxy->lock);
	for (int i = 0; i < PAIRS_MAX; i++) {
		proxy->pair[i].fd[0] = proxy->pair[i].fd[1] = -1;
		g_queue_init(&proxy->pair[i].queue[0]);
		g_queue_init(&proxy->pair[i].queue[1]);
	}
	if (!proxy->tcp && !g_str_has_prefix(upstream, "pty:") &&
	    !g_str_has_prefix(upstream, "rtu:")) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "no proxy for %s: only pty, rtu, tcp and rtsp", upstream);
		return NULL;
	}
	if (!(proxy->tcp ? open_tcp(proxy, upstream, error) : open_pty(proxy, upstream, error)))
		return NULL;
	fault_proxy_set(proxy, NULL);
	proxy->thread = g_thread_new("proxy", run, proxy);
	return g_steal_pointer(&proxy);
}

void fault_proxy_free(FaultProxy *proxy)
{
	if (!proxy)
		return;
	atomic_store(&proxy->quit, true);
	if (proxy->thread) {
		wake(proxy);
		g_thread_join(proxy->thread);
	}
	for (int i = 0; i < PAIRS_MAX; i++)
		pair_clear(&proxy->pair[i], true);
	const int fds[] = {proxy->listen_fd, proxy->tty, proxy->wake_fd};
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	g_mutex_clear(&proxy->lock);
	g_free(proxy->uri);
	g_free(proxy);
}

const char *fault_proxy_uri(const FaultProxy *proxy)
{
	return proxy->uri;
}

void fault_proxy_set(FaultProxy *proxy, const ProxyFaults *faults)
{
	static const ProxyFaults none = {0};
	g_mutex_lock(&proxy->lock);
	proxy->faults = faults ? *faults : none;
	proxy->random = proxy->faults.seed * 2 + 1; /* never 0 */
	g_mutex_unlock(&proxy->lock);
	wake(proxy);
}
