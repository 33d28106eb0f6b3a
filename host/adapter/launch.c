/* anzen-launch: the small program between the bench and a product's own program.
 *
 *	anzen-launch [--memory BYTES] [--files BYTES] -- PROGRAM ARG...
 *
 * It makes the product the leader of a session of its own, ties its life to its parent's, sets resource limits and
 * execs it. This is a program and not a child_setup hook because a hook in a threaded process may call nothing
 * but async-signal-safe functions.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

int main(int argc, char **argv)
{
	pid_t parent = getppid();
	int i = 1;
	for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
		int failed = -1;
		if (!strcmp(argv[i], "--memory"))
			failed = limit(RLIMIT_AS, argv[i + 1]);
		else if (!strcmp(argv[i], "--files"))
			failed = limit(RLIMIT_FSIZE, argv[i + 1]);
		if (failed) {
			fprintf(stderr, "anzen-launch: bad limit %s %s\n", argv[i], argv[i + 1]);
			return 126;
		}
	}
	if (i + 1 >= argc || strcmp(argv[i], "--") != 0) {
		fprintf(stderr,
			"usage: anzen-launch [--memory BYTES] [--files BYTES] -- PROGRAM ARG...\n");
		return 126;
	}
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* the bench died between fork and prctl */
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
