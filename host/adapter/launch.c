/* anzen-launch: the small program between the bench and a product's own program.
 *
 *	anzen-launch [--cpus N] [--memory BYTES] [--files BYTES] [--guard FD]
 *	             [--isolate yes [--to-bench PORT]... [--to-product PORT]] -- PROGRAM ARG...
 *
 * It makes the product the leader of a session of its own, ties its life to its parent's, sets resource limits and
 * execs it. This is a program and not a child_setup hook because a hook in a threaded process may call nothing
 * but async-signal-safe functions.
 *
 * --cpus: it runs on the last N of the processors that the bench may use; the bench's own work usually sits on the first. A
 * product that sets its own affinity can leave them: this keeps a greedy product off the bench, it is no prison.
 *
 * --guard: the product dies with the bench, but what it started does not. A guard process stays behind, waits for the end of
 * the pipe FD, whose other end only the bench has, and then kills everything that carries the product's token.
 *
 * --isolate: a network of its own with nothing in it but these ports of the bench (relay.h). Exits with RELAY_REFUSED when the
 * kernel refuses; with `true` as PROGRAM that is the question whether it would.
 */
#include "relay.h"

#include "token.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int limit(int resource, const char *text)
{
	char *end = NULL;
	unsigned long long bytes = strtoull(text, &end, 10);
	if (!end || *end || bytes == 0)
		return -1;
	struct rlimit r = {.rlim_cur = bytes, .rlim_max = bytes};
	return setrlimit((__rlimit_resource_t)resource, &r);
}

/* Of the processors allowed now only the last n stay; all of them when there are no more than n. */
static int keep_cpus(const char *text)
{
	cpu_set_t set;
	int n = atoi(text);
	if (n < 1 || sched_getaffinity(0, sizeof set, &set) != 0)
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&set) > n; cpu++)
		CPU_CLR(cpu, &set);
	return sched_setaffinity(0, sizeof set, &set);
}

static void keep_guard(int fd, const char *token)
{
	char byte;
	setsid();
	for (int other = 0; other < fd; other++)
		close(other);
	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
	token_kill(token, getpid());
	_exit(0);
}

/* Forked twice, so that the product has no child it did not start; the guard belongs to the bench, its subreaper. */
static int start_guard(const char *text)
{
	const char *token = getenv(TOKEN_NAME);
	int fd = atoi(text);
	if (fd < 3 || !token)
		return -1;
	pid_t between = fork();
	if (between == 0) {
		if (fork() == 0)
			keep_guard(fd, token);
		_exit(0);
	}
	close(fd);
	return between > 0 && waitpid(between, NULL, 0) == between ? 0 : -1;
}

static int take_port(const char *text, uint16_t *ret)
{
	int port = atoi(text);
	if (port < 1 || port > 65535)
		return -1;
	*ret = (uint16_t)port;
	return 0;
}

static int to_bench(RelayPorts *ports, const char *text)
{
	if (ports->n_to_bench == RELAY_PORTS)
		return -1;
	return take_port(text, &ports->to_bench[ports->n_to_bench++]);
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();
	RelayPorts ports = {0};
	bool isolate = false;
	int i = 1;
	for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
		int failed = -1;
		if (!strcmp(argv[i], "--cpus"))
			failed = keep_cpus(argv[i + 1]);
		else if (!strcmp(argv[i], "--memory"))
			failed = limit(RLIMIT_AS, argv[i + 1]);
		else if (!strcmp(argv[i], "--files"))
			failed = limit(RLIMIT_FSIZE, argv[i + 1]);
		else if (!strcmp(argv[i], "--guard"))
			failed = start_guard(argv[i + 1]);
		else if (!strcmp(argv[i], "--isolate"))
			failed = (isolate = !strcmp(argv[i + 1], "yes")) ? 0 : -1;
		else if (!strcmp(argv[i], "--to-bench"))
			failed = to_bench(&ports, argv[i + 1]);
		else if (!strcmp(argv[i], "--to-product"))
			failed = take_port(argv[i + 1], &ports.to_product);
		if (failed) {
			fprintf(stderr, "anzen-launch: bad option %s %s\n", argv[i], argv[i + 1]);
			return 126;
		}
	}
	if (i + 1 >= argc || strcmp(argv[i], "--") != 0) {
		fprintf(stderr,
			"usage: anzen-launch [--cpus N] [--memory BYTES] [--files BYTES] "
			"[--guard FD] [--isolate yes [--to-bench PORT]... [--to-product PORT]] -- "
			"PROGRAM ARG...\n");
		return 126;
	}
	setsid();
	int refused = isolate ? relay_isolate(&ports) : 0;
	if (refused)
		return refused;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* new credentials would have cleared it */
	if (getppid() != parent)          /* the bench died between fork and prctl */
		return 126;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
	execvp(argv[i + 1], argv + i + 1);
	fprintf(stderr, "anzen-launch: cannot start %s: %s\n", argv[i + 1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
