#include "process.h"

#include "cpu_wait.h"
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a product may take to end on SIGTERM before it is killed (Debian's motion takes 2-11 s; a bench that waits
 * for it gains nothing, since the recording is over). */
#define TERM_GRACE_NS (2 * CLOCK_S)
#define GUARD_FD (PROCESS_FD + 1) /* in the launcher only */

struct ProductProcess {
	pid_t pid;
	bool ended;
	char *how;
	char *token;  /* token.h */
	int guard_fd; /* the guard wakes when this end is closed, however we end */
	CpuWait *wait;
};

static char *find_program(const char *name, const char *program_dir)
{
	if (!strchr(name, '/') && program_dir) {
		g_autofree char *path = g_build_filename(program_dir, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
			return g_steal_pointer(&path);
	}
	return g_find_program_in_path(name);
}

static void add_number(GPtrArray *out, const char *option, guint64 value)
{
	g_ptr_array_add(out, g_strdup(option));
	g_ptr_array_add(out, g_strdup_printf("%" G_GUINT64_FORMAT, value));
}

static void add_isolation(GPtrArray *out, const RelayPorts *ports)
{
	g_ptr_array_add(out, g_strdup("--isolate"));
	g_ptr_array_add(out, g_strdup("yes"));
	for (size_t i = 0; i < ports->n_to_bench; i++)
		add_number(out, "--to-bench", ports->to_bench[i]);
	if (ports->to_product)
		add_number(out, "--to-product", ports->to_product);
}

static GPtrArray *launch_argv(const char *launcher, const char *program, const char *const *argv,
			      const ProcessLimits *limits)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(out, g_strdup(launcher));
	if (limits && limits->cpus)
		add_number(out, "--cpus", (uint64_t)limits->cpus);
	if (limits && limits->memory_bytes)
		add_number(out, "--memory", limits->memory_bytes);
	if (limits && limits->file_bytes)
		add_number(out, "--files", limits->file_bytes);
	add_number(out, "--guard", GUARD_FD);
	if (limits && limits->isolate)
		add_isolation(out, &limits->ports);
	g_ptr_array_add(out, g_strdup("--"));
	g_ptr_array_add(out, g_strdup(program));
	for (const char *const *a = argv + 1; *a; a++)
		g_ptr_array_add(out, g_strdup(*a));
	g_ptr_array_add(out, NULL);
	return out;
}

/* The environment of the bench plus the token by which descendants are found. */
static GStrv marked_environment(const char *token)
{
	return g_environ_setenv(g_get_environ(), TOKEN_NAME, token, TRUE);
}

/* fd: becomes PROCESS_FD, 0: there is none. */
static int spawn(pid_t *ret_pid, char *const *argv, char *const *env, const char *log_path, int fd,
		 int guard)
{
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, log_path ? log_path : "/dev/null",
					 O_WRONLY | O_CREAT | O_APPEND, 0644);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	if (fd > 0)
		posix_spawn_file_actions_adddup2(&files, fd, PROCESS_FD);
	else
		posix_spawn_file_actions_addclose(&files, PROCESS_FD);
	posix_spawn_file_actions_adddup2(&files, guard, GUARD_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, GUARD_FD + 1);
	int failed = posix_spawn(ret_pid, argv[0], &files, NULL, argv, env);
	posix_spawn_file_actions_destroy(&files);
	return failed;
}

/* Both ends above the numbers that the child's are moved to, so that moving one cannot close the other. */
static gboolean open_guard(int *ret_pair, GError **error)
{
	int pair[2], high[2] = {-1, -1};
	if (!pipe2(pair, O_CLOEXEC)) {
		for (int i = 0; i < 2; i++) {
			high[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, GUARD_FD + 1);
			close(pair[i]);
		}
	}
	if (high[0] < 0 || high[1] < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "no pipe for the product: %s",
			    g_strerror(errno));
		if (high[0] >= 0)
			close(high[0]);
		return FALSE;
	}
	ret_pair[0] = high[0];
	ret_pair[1] = high[1];
	return TRUE;
}

static char *find_launcher(const char *program_dir, GError **error)
{
	char *launcher = find_program("anzen-launch", program_dir);
	if (!launcher)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "anzen-launch is missing beside anzen: run ./bench build");
	return launcher;
}

gboolean product_process_can_isolate(const char *program_dir, GError **error)
{
	g_autofree char *launcher = find_launcher(program_dir, error);
	g_autofree char *said = NULL;
	const char *argv[] = {launcher, "--isolate", "yes", "--", "true", NULL};
	int status = 0;
	if (!launcher ||
	    !g_spawn_sync(NULL, (char **)(void *)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
			  NULL, &said, &status, error))
		return FALSE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	g_strchomp(said);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		    "confine.network cannot be kept here (%s): let users make namespaces (sysctl "
		    "user.max_user_namespaces, kernel.unprivileged_userns_clone; a container needs "
		    "its seccomp profile changed), or take `network` out of the product's confine",
		    said);
	return FALSE;
}

ProductProcess *product_process_new(const char *const *argv, const char *program_dir,
				    const char *log_path, const ProcessLimits *limits,
				    GError **error)
{
	g_autofree char *program = find_program(argv[0], program_dir);
	if (!program && g_file_test(argv[0], G_FILE_TEST_IS_REGULAR)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "the product's program '%s' may not be executed: chmod +x it, or name "
			    "another one in start.process",
			    argv[0]);
		return NULL;
	}
	if (!program) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "the product's program '%s' is neither in %s nor in PATH: build it, or "
			    "name its path in start.process",
			    argv[0], program_dir ? program_dir : "the bench's folder");
		return NULL;
	}
	g_autofree char *launcher = find_launcher(program_dir, error);
	if (!launcher)
		return NULL;
	g_autoptr(GPtrArray) full = launch_argv(launcher, program, argv, limits);
	g_autofree char *token =
		g_strdup_printf("%d-%" G_GINT64_FORMAT, (int)getpid(), g_get_monotonic_time());
	g_auto(GStrv) env = marked_environment(token);
	int guard[2];
	if (!open_guard(guard, error))
		return NULL;
	pid_t pid;
	int failed = spawn(&pid, (char *const *)full->pdata, env, log_path,
			   limits ? limits->inherit_fd : 0, guard[0]);
	close(guard[0]);
	if (failed) {
		close(guard[1]);
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "cannot start %s: %s", launcher,
			    g_strerror(failed));
		return NULL;
	}
	ProductProcess *p = g_new0(ProductProcess, 1);
	p->pid = pid;
	p->token = g_steal_pointer(&token);
	p->guard_fd = guard[1];
	p->wait = cpu_wait_new();
	return p;
}

pid_t product_process_pid(const ProductProcess *p)
{
	return p->pid;
}

static void note_end(ProductProcess *p, int status)
{
	p->ended = true;
	if (WIFEXITED(status))
		p->how = g_strdup_printf("exited with %d", WEXITSTATUS(status));
	else
		p->how = g_strdup_printf("killed by signal %d (%s)", WTERMSIG(status),
					 strsignal(WTERMSIG(status)));
}

gboolean product_process_alive(ProductProcess *p, const char **ret_how)
{
	int status;
	if (!p->ended && waitpid(p->pid, &status, WNOHANG) == p->pid)
		note_end(p, status);
	if (p->ended && ret_how)
		*ret_how = p->how;
	return !p->ended;
}

double product_process_cpu_wait(ProductProcess *p, int64_t now_ns)
{
	return p->ended ? (double)NAN : cpu_wait_share(p->wait, p->pid, now_ns);
}

static bool wait_for_end(ProductProcess *p, int64_t deadline_ns)
{
	Clock *clock = clock_monotonic();
	while (product_process_alive(p, NULL) && clock_now(clock) < deadline_ns)
		clock_wait_until(clock, clock_now(clock) + 5 * CLOCK_MS);
	return p->ended;
}

void product_process_stop(ProductProcess *p)
{
	if (!p)
		return;
	if (product_process_alive(p, NULL)) {
		kill(-p->pid, SIGTERM);
		kill(p->pid, SIGTERM); /* in the moment before setsid there is no group */
		if (!wait_for_end(p, clock_now(clock_monotonic()) + TERM_GRACE_NS)) {
			kill(p->pid, SIGKILL);
			int status;
			if (waitpid(p->pid, &status, 0) == p->pid)
				note_end(p, status);
		}
	}
	kill(-p->pid, SIGKILL);
	/* What the product left behind, its guard too: processes that made a session of their own still carry the token. */
	token_kill(p->token, p->pid);
}

void product_process_free(ProductProcess *p)
{
	if (!p)
		return;
	product_process_stop(p);
	close(p->guard_fd);
	cpu_wait_free(p->wait);
	g_free(p->how);
	g_free(p->token);
	g_free(p);
}
