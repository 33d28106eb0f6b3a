#include "unit.h"

#include "process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS ANZEN_BINARY_DIR "/bin"

static ProductProcess *start(const char *script)
{
	g_autoptr(GError) error = NULL;
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	ProductProcess *p = product_process_new(argv, PROGRAMS, NULL, NULL, &error);
	if (error)
		fprintf(stderr, "%s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL(p);
	return p;
}

/* Spin on the process table, which is the event itself, for at most 5 s. */
static bool gone(pid_t pid)
{
	int64_t until = clock_now(clock_monotonic()) + 5 * CLOCK_S;
	while (clock_now(clock_monotonic()) < until)
		if (kill(pid, 0) != 0)
			return true;
	return false;
}

static void missing_program_is_an_input_error_that_names_it(void)
{
	g_autoptr(GError) error = NULL;
	const char *argv[] = {"no-such-product", NULL};
	CU_ASSERT_PTR_NULL(product_process_new(argv, PROGRAMS, NULL, NULL, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "no-such-product"));
}

static void the_end_of_a_product_is_seen_with_its_cause(void)
{
	g_autoptr(ProductProcess) p = start("exit 3");
	const char *how = NULL;
	int64_t until = clock_now(clock_monotonic()) + 5 * CLOCK_S;
	while (product_process_alive(p, &how) && clock_now(clock_monotonic()) < until)
		;
	CU_ASSERT_PTR_NOT_NULL(how);
	CU_ASSERT_STRING_EQUAL(how ? how : "", "exited with 3");
}

static void a_product_deaf_to_sigterm_ends_all_the_same(void)
{
	g_autoptr(ProductProcess) p = start("trap '' TERM; while :; do sleep 1; done");
	pid_t pid = product_process_pid(p);
	product_process_stop(p);
	CU_ASSERT_TRUE(gone(pid));
}

static void what_a_product_leaves_behind_is_ended_too(void)
{
	g_autofree char *file =
		g_strdup_printf("%s/tests/leftover.%d", ANZEN_BINARY_DIR, (int)getpid());
	g_autofree char *script = g_strdup_printf("setsid sh -c 'echo $$ > %s; exec sleep 1000' & "
						  "while [ ! -s %s ]; do :; done; exit 0",
						  file, file);
	g_autoptr(ProductProcess) p = start(script);
	int64_t until = clock_now(clock_monotonic()) + 5 * CLOCK_S;
	while (product_process_alive(p, NULL) && clock_now(clock_monotonic()) < until)
		;
	g_autofree char *text = NULL;
	CU_ASSERT_TRUE(g_file_get_contents(file, &text, NULL, NULL));
	pid_t orphan = text ? (pid_t)atoi(text) : 0;
	CU_ASSERT_TRUE(orphan > 0 && kill(orphan, 0) == 0); /* positive control: it does live */
	product_process_stop(p);
	CU_ASSERT_TRUE(orphan > 0 && gone(orphan));
	unlink(file);
}

/* A bench that is killed cleans nothing up; the product's guard does. */
static void what_a_product_started_does_not_outlive_a_killed_bench(void)
{
	g_autofree char *file =
		g_strdup_printf("%s/tests/guarded.%d", ANZEN_BINARY_DIR, (int)getpid());
	g_autofree char *script = g_strdup_printf("setsid sh -c 'echo $$ > %s.new; mv %s.new %s; "
						  "exec sleep 1000' & exec sleep 1000",
						  file, file, file);
	g_autofree char *text = NULL;
	pid_t bench = fork();
	if (bench == 0) {
		start(script);
		for (;;)
			pause();
	}
	int64_t until = clock_now(clock_monotonic()) + 5 * CLOCK_S;
	while (!text && clock_now(clock_monotonic()) < until)
		g_file_get_contents(file, &text, NULL, NULL);
	pid_t orphan = text ? (pid_t)atoi(text) : 0;
	CU_ASSERT_TRUE(orphan > 0 && kill(orphan, 0) == 0); /* positive control */
	kill(bench, SIGKILL);
	waitpid(bench, NULL, 0);
	int status;
	/* Everything below it has become ours: reap until nothing is left. */
	while (clock_now(clock_monotonic()) < until && waitpid(-1, &status, WNOHANG) >= 0)
		;
	CU_ASSERT_TRUE(orphan > 0 && kill(orphan, 0) != 0);
	CU_ASSERT_TRUE(waitpid(-1, &status, WNOHANG) < 0); /* the guard is gone as well */
	unlink(file);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(missing_program_is_an_input_error_that_names_it),
		UNIT(the_end_of_a_product_is_seen_with_its_cause),
		UNIT(a_product_deaf_to_sigterm_ends_all_the_same),
		UNIT(what_a_product_leaves_behind_is_ended_too),
		UNIT(what_a_product_started_does_not_outlive_a_killed_bench)};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return unit_run("adapter.process", tests, G_N_ELEMENTS(tests), argc, argv);
}
