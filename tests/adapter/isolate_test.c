/* A product in a network of its own: it meets the bench, and nobody else. This program is also the product that listens. */
#include "unit.h"

#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS ANZEN_BINARY_DIR "/bin"
#define PATIENCE_NS (10 * CLOCK_S)
#define BULK (4u * 1024 * 1024)

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listener(uint16_t *ret_port)
{
	struct sockaddr_in at = loopback(*ret_port);
	socklen_t size = sizeof(at);
	struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(fd, (struct sockaddr *)&at, size) || listen(fd, 4) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		return -1;
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static ProductProcess *start(const char *const *argv, const ProcessLimits *limits)
{
	g_autoptr(GError) error = NULL;
	ProductProcess *p = product_process_new(argv, PROGRAMS, NULL, limits, &error);
	UNIT_OK(p, error);
	return p;
}

/* ---- towards the bench ---- */

/* What it says about its way to somebody else, over its connection to the bench. */
static char *report_of(bool isolate)
{
	uint16_t bench = 0, other = 0;
	int at_bench = listener(&bench), at_other = listener(&other);
	g_autofree char *script = g_strdup_printf(
		"exec 3<>/dev/tcp/127.0.0.1/%u; read -r -u 3 go; "
		"(exec 4<>/dev/tcp/127.0.0.1/%u) 2>/dev/null && echo reached >&3 || echo alone >&3",
		bench, other);
	const char *argv[] = {"/bin/bash", "-c", script, NULL};
	ProcessLimits limits = {.isolate = isolate,
				.ports = {.to_bench = {bench}, .n_to_bench = 1}};
	g_autoptr(ProductProcess) p = start(argv, &limits);
	char said[32] = "";
	int fd = accept(at_bench, NULL, NULL);
	CU_ASSERT(fd >= 0 && send(fd, "go\n", 3, MSG_NOSIGNAL) == 3);
	CU_ASSERT(fd >= 0 && recv(fd, said, sizeof(said) - 1, MSG_WAITALL) > 0);
	close(fd);
	close(at_bench);
	close(at_other);
	return g_strdup(said);
}

static void an_isolated_product_reaches_the_bench_and_nobody_else(void)
{
	g_autofree char *free = report_of(false);
	CU_ASSERT_STRING_EQUAL(free, "reached\n"); /* positive control */
	g_autofree char *isolated = report_of(true);
	CU_ASSERT_STRING_EQUAL(isolated, "alone\n");
}

/* ---- towards the product ---- */

static uint32_t mix(uint32_t sum, const unsigned char *bytes, size_t n) /* FNV-1a */
{
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 16777619u;
	return sum;
}

/* The product: takes everything until the other side closes its half, and answers with count and sum. */
static int serve(const char *text)
{
	uint16_t port = (uint16_t)atoi(text);
	static unsigned char bytes[65536];
	int at = listener(&port);
	for (int fd; at >= 0 && (fd = accept(at, NULL, NULL)) >= 0; close(fd)) {
		uint32_t sum = 2166136261u;
		size_t count = 0;
		for (ssize_t n; (n = recv(fd, bytes, sizeof(bytes), 0)) > 0; count += (size_t)n)
			sum = mix(sum, bytes, (size_t)n);
		char answer[64];
		int n = snprintf(answer, sizeof(answer), "%zu %u", count, sum);
		if (count)
			send(fd, answer, (size_t)n, MSG_NOSIGNAL);
	}
	return 0;
}

/* One connection: all bytes there, half closed, the answer back. Empty while nobody serves yet. */
static void exchange(uint16_t port, const unsigned char *bytes, size_t n, char *ret, size_t size)
{
	struct sockaddr_in at = loopback(port);
	struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	memset(ret, 0, size);
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		size_t sent = 0;
		for (ssize_t k;
		     sent < n && (k = send(fd, bytes + sent, n - sent, MSG_NOSIGNAL)) > 0;)
			sent += (size_t)k;
		shutdown(fd, SHUT_WR);
		if (sent == n && recv(fd, ret, size - 1, MSG_WAITALL) < 0)
			ret[0] = 0;
	}
	close(fd);
}

static uint16_t free_port(void)
{
	uint16_t port = 0;
	close(listener(&port));
	return port;
}

static ProductProcess *start_server(uint16_t port)
{
	g_autofree char *text = g_strdup_printf("%u", port);
	const char *argv[] = {"/proc/self/exe", "serve", text, NULL};
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	argv[0] = self;
	ProcessLimits limits = {.isolate = true, .ports = {.to_product = port}};
	return start(argv, &limits);
}

static void what_the_bench_sends_arrives_whole_and_a_half_close_passes(void)
{
	uint16_t port = free_port();
	g_autoptr(ProductProcess) p = start_server(port);
	g_autofree unsigned char *bytes = g_malloc(BULK);
	for (size_t i = 0; i < BULK; i++)
		bytes[i] = (unsigned char)((i * 2654435761u) >> 13);
	char answer[64] = "";
	int64_t until = clock_now(clock_monotonic()) + PATIENCE_NS;
	while (!answer[0] && clock_now(clock_monotonic()) < until)
		exchange(port, bytes, BULK, answer, sizeof(answer));
	g_autofree char *expected = g_strdup_printf("%u %u", BULK, mix(2166136261u, bytes, BULK));
	CU_ASSERT_STRING_EQUAL(answer, expected);
	/* And again and again: no connection is used up. */
	for (int i = 0; i < 100; i++) {
		exchange(port, bytes, 1000, answer, sizeof(answer));
		CU_ASSERT(g_str_has_prefix(answer, "1000 "));
	}
}

/* ---- its end ---- */

static void the_relay_ends_with_its_product(void)
{
	ProductProcess *p = start_server(free_port());
	int64_t until = clock_now(clock_monotonic()) + PATIENCE_NS;
	kill(product_process_pid(p), SIGKILL);
	while (product_process_alive(p, NULL) && clock_now(clock_monotonic()) < until)
		;
	/* The guard stays until the bench lets go; relay and giver have gone by themselves. */
	product_process_free(p);
	int status;
	while (clock_now(clock_monotonic()) < until && waitpid(-1, &status, WNOHANG) >= 0)
		;
	CU_ASSERT(waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;
	close(fd);
	return done;
}

/* In a namespace whose owner has forbidden further ones. */
static int ask_where_it_is_forbidden(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *map = g_strdup_printf("0 %u 1", geteuid());
	if (unshare(CLONE_NEWUSER) || !write_text("/proc/self/setgroups", "deny") ||
	    !write_text("/proc/self/uid_map", map) ||
	    !write_text("/proc/sys/user/max_user_namespaces", "0"))
		return 2;
	if (product_process_can_isolate(PROGRAMS, &error) || !error)
		return 1;
	return error->code == ANZEN_ERROR_BENCH && strstr(error->message, "confine.network") ? 0
											     : 3;
}

static void a_kernel_that_refuses_is_told_with_what_to_do(void)
{
	int status = -1;
	pid_t child = fork();
	if (child == 0)
		_exit(ask_where_it_is_forbidden());
	CU_ASSERT(waitpid(child, &status, 0) == child);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(an_isolated_product_reaches_the_bench_and_nobody_else),
		UNIT(what_the_bench_sends_arrives_whole_and_a_half_close_passes),
		UNIT(the_relay_ends_with_its_product),
		UNIT(a_kernel_that_refuses_is_told_with_what_to_do)};
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	g_autoptr(GError) error = NULL;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!product_process_can_isolate(PROGRAMS, &error)) {
		fprintf(stderr, "SKIPPED: %s\n", error->message);
		return unit_needs("namespaces") ? 1 : 77;
	}
	return unit_run("adapter.isolate", tests, G_N_ELEMENTS(tests), argc, argv);
}
