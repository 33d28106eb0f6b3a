#include "unit.h"

#include "cpu_wait.h"
#include "process.h"

#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS ANZEN_BINARY_DIR "/bin"

static ProductProcess *start_within(const char *script, const ProcessLimits *limits)
{
	g_autoptr(GError) error = NULL;
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	ProductProcess *p = product_process_new(argv, PROGRAMS, NULL, limits, &error);
	if (error)
		fprintf(stderr, "%s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL(p);
	return p;
}

static ProductProcess *start(const char *script)
{
	return start_within(script, NULL);
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

/* nproc counts the processors that a program may run on. */
static void a_product_has_the_processors_it_was_given(void)
{
	for (int cpus = 1; cpus <= 2; cpus++) {
		int want = MIN(cpus, (int)g_get_num_processors());
		g_autoptr(ProductProcess) p =
			start_within("exit $(nproc)", &(ProcessLimits){.cpus = cpus});
		g_autofree char *expected = g_strdup_printf("exited with %d", want);
		const char *how = NULL;
		int64_t until = clock_now(clock_monotonic()) + 5 * CLOCK_S;
		while (product_process_alive(p, &how) && clock_now(clock_monotonic()) < until)
			;
		CU_ASSERT_STRING_EQUAL(how ? how : "", expected);
	}
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

#define MS CLOCK_MS

/* 33 ms of a picture's period, of which a processor was free for all but 10: the kernel counted sleep. A busy machine's waits
 * count in full, and so do those that nobody can tell from idleness: a clock of 10 ms at either end. */
static void nobody_waits_for_a_processor_while_one_is_free(void)
{
	CU_ASSERT_EQUAL(cpu_wait_counted(66 * MS, 100 * MS, 90 * MS), 30 * MS);
	CU_ASSERT_EQUAL(cpu_wait_counted(66 * MS, 100 * MS, 0), 66 * MS);
	CU_ASSERT_EQUAL(cpu_wait_counted(66 * MS, 100 * MS, 20 * MS), 66 * MS);
	CU_ASSERT_EQUAL(cpu_wait_counted(80 * MS, 100 * MS, 50 * MS), 70 * MS);
	CU_ASSERT_EQUAL(cpu_wait_counted(5 * MS, 100 * MS, 90 * MS), 5 * MS);
	CU_ASSERT_EQUAL(cpu_wait_counted(900 * MS, 100 * MS, 0), 100 * MS);
	CU_ASSERT_EQUAL(cpu_wait_counted(50 * MS, 100 * MS, 130 * MS), 0);
}

/* Two that never sleep share one processor: each waits half of the time, whatever else the machine does, and another
 * processor that it may not use stands free. */
static void a_program_that_shares_its_processor_is_seen_to_wait(void)
{
	ProductProcess *p =
		start("exec taskset -c 0 /bin/sh -c 'while :; do :; done & while :; do :; done'");
	double worst = 0;
	int64_t until = clock_now(clock_monotonic()) + 5 * CLOCK_S, last = 0;
	while (worst < 0.3 && clock_now(clock_monotonic()) < until) {
		int64_t now = clock_now(clock_monotonic());
		if (now - last < 100 * MS)
			continue;
		double share = product_process_cpu_wait(p, last = now);
		worst = isfinite(share) ? fmax(worst, share) : worst;
	}
	CU_ASSERT_TRUE(worst >= 0.3);
	product_process_free(p);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(missing_program_is_an_input_error_that_names_it),
		UNIT(the_end_of_a_product_is_seen_with_its_cause),
		UNIT(a_product_has_the_processors_it_was_given),
		UNIT(a_product_deaf_to_sigterm_ends_all_the_same),
		UNIT(what_a_product_leaves_behind_is_ended_too),
		UNIT(what_a_product_started_does_not_outlive_a_killed_bench),
		UNIT(nobody_waits_for_a_processor_while_one_is_free),
		UNIT(a_program_that_shares_its_processor_is_seen_to_wait)};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return unit_run("adapter.process", tests, G_N_ELEMENTS(tests), argc, argv);
}
