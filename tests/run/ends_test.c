/* How a run in real time may be ended from outside: by the operator's signals at every stage, and by the death of each of its
 * processes. Whatever happens the outputs are safe, nothing is left running and nothing in the temporary folder, and what was
 * recorded can be read. Every signal is sent when an event that was waited for has come. */
#include "unit.h"

#include "stand.h"

#include <signal.h>
#include <sys/prctl.h>

#define HEATING_NS (20 * CLOCK_S) /* the scenario switches the heater on at 1 s */
#define GONE_NS (10 * CLOCK_S)

#define ANZEN ANZEN_BINARY_DIR "/bin/anzen"
#define PRODUCT ANZEN_SOURCE_DIR "/products/stove-guard/product.yaml"

/* Far ends of a world that stays when the bench ends. */
static const StandLink all[] = {{"node-a", NULL}, {"supply", NULL}, {"io", NULL}, {"lamp", NULL}};

typedef struct Bench {
	Stand stand;
	GSubprocess *process;
	GDataInputStream *says; /* its standard error */
	GString *said;
} Bench;

/* own_world: the bench starts its own, as usual; else the stand's can be asked for the truth afterwards. */
static bool bench_start(Bench *b, bool own_world, const char *product)
{
	*b = (Bench){.said = g_string_new(NULL)};
	if (!stand_open(&b->stand, own_world ? NULL : "kitchen"))
		return false;
	stand_expect_an_orphan_to_be_seen(&b->stand);
	if (own_world)
		b->stand.rig = g_strdup(ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml");
	else
		stand_write_rig(&b->stand, "kitchen-virtual", "kitchen", all, G_N_ELEMENTS(all));
	const char *argv[] = {
		ANZEN,   "run",        ANZEN_SOURCE_DIR "/scenarios/stove-guard/pan-overheat.yaml",
		"--rig", b->stand.rig, "--product",
		product, "-o",         b->stand.runs,
		"--yes", "--json",     NULL};
	b->process = stand_start(&b->stand, argv, NULL, true);
	if (b->process)
		b->says = g_data_input_stream_new(g_subprocess_get_stderr_pipe(b->process));
	return b->process != NULL;
}

static void bench_close(Bench *b)
{
	g_clear_object(&b->says);
	g_clear_object(&b->process);
	g_string_free(b->said, TRUE);
	stand_close(&b->stand);
}

/* Started, and the heater is physically on. A host that lost its processor for too long ends a run by itself, rightly; then
 * another one is started. False: not one came so far, which has been told. */
static bool bench_start_heating(Bench *b)
{
	for (int try = 0; try < 4; try++) {
		if (!bench_start(b, false, PRODUCT))
			return false;
		int64_t until = clock_now(clock_monotonic()) + HEATING_NS;
		while (g_subprocess_get_identifier(b->process) &&
		       clock_now(clock_monotonic()) < until)
			if (stand_await_truth(&b->stand, "stove.heater", 0.5, 50 * CLOCK_MS))
				return true;
		if (try == 3 || g_subprocess_get_identifier(b->process))
			break;
		bench_close(b);
	}
	CU_FAIL("the heater never came on");
	return false;
}

/* Read what the bench says until it says this. */
static void await_line(Bench *b, const char *word)
{
	bool found = false;
	for (char *line;
	     !found && (line = g_data_input_stream_read_line(b->says, NULL, NULL, NULL));
	     g_free(line)) {
		found = strstr(line, word) != NULL;
		g_string_append_printf(b->said, "%s\n", line);
	}
	CU_ASSERT_TRUE(found);
	if (!found)
		fprintf(stderr, "never said '%s':\n%s", word, b->said->str);
}

/* The bench's end: the exit code (-1: by a signal), the record, nothing left. */
static void bench_end(Bench *b, StandResult *r)
{
	int64_t began = clock_now(clock_monotonic());
	CU_ASSERT(g_subprocess_wait(b->process, NULL, NULL));
	r->took_s = (double)(clock_now(clock_monotonic()) - began) * 1e-9;
	r->exit = g_subprocess_get_if_exited(b->process) ? g_subprocess_get_exit_status(b->process)
							 : -1;
	stand_expect_nothing_left(&b->stand);
}

/* `anzen FIRST [SECOND] FILE` on a file of the one run; its exit code. */
static int command(const Bench *b, const char *first, const char *second, const char *file)
{
	g_autofree char *folder = stand_run_folder(&b->stand);
	g_autofree char *path = g_build_filename(folder ? folder : "?", file, NULL);
	const char *argv[] = {ANZEN, first, second ? second : path, second ? path : NULL, NULL};
	g_autoptr(GSubprocess) p = stand_start(&b->stand, argv, NULL, false);
	return p && g_subprocess_wait(p, NULL, NULL) && g_subprocess_get_if_exited(p)
		       ? g_subprocess_get_exit_status(p)
		       : -1;
}

static void expect_invalid(const Bench *b, StandResult *r, const char *why)
{
	CU_ASSERT_EQUAL(r->exit, ANZEN_EXIT_INVALID);
	CU_ASSERT_EQUAL(command(b, "session", "verify", "session.mcap"), 0);
	stand_read_run(&b->stand, r);
	if (!r->record || !r->recording)
		return;
	CU_ASSERT_EQUAL(r->record->verdict, VERDICT_INVALID);
	CU_ASSERT_FALSE(r->recording->complete);
	for (guint i = 0; i < r->record->criteria->len; i++) {
		const CriterionResult *c = g_ptr_array_index(r->record->criteria, i);
		CU_ASSERT_EQUAL(c->verdict, VERDICT_INVALID);
		CU_ASSERT(c->why && *c->why);
	}
	/* On a machine that is too busy the host's own lateness may have ended the run a moment earlier. */
	const char *said = r->recording->incomplete_why ? r->recording->incomplete_why : "nothing";
	bool expected = strstr(said, why) || strstr(said, "too late") ||
			strstr(said, "did not take effect");
	CU_ASSERT_TRUE(expected);
	if (!strstr(said, why))
		fprintf(stderr, "incomplete: %s\n", said);
	CU_ASSERT(r->took_s < 15); /* not by the timeline's own end, 29 s */
}

static void expect_safe(Bench *b)
{
	CU_ASSERT(stand_await_truth(&b->stand, "stove.heater", -1, CLOCK_S));
	CU_ASSERT(stand_await_truth(&b->stand, "light.level", -1, CLOCK_S));
}

static void signalled_mid_run(int signo)
{
	Bench b;
	StandResult r = {.exit = -1};
	if (bench_start_heating(&b)) {
		g_subprocess_send_signal(b.process, signo);
		bench_end(&b, &r);
		expect_safe(&b);
		expect_invalid(&b, &r, "stopped by the operator");
		CU_ASSERT(r.record &&
			  !g_strcmp0(g_hash_table_lookup(r.record->meta, "cleanup"), "done"));
	}
	stand_result_clear(&r);
	bench_close(&b);
}

static void sigint_in_mid_run_is_invalid_and_safe(void)
{
	signalled_mid_run(SIGINT);
}

static void sigterm_in_mid_run_is_invalid_and_safe(void)
{
	signalled_mid_run(SIGTERM);
}

/* At a line of the progress, before t = 0. */
static void signalled_at(const char *line, int signo, const char *product)
{
	Bench b;
	StandResult r = {.exit = -1};
	if (bench_start(&b, true, product)) {
		await_line(&b, line);
		g_subprocess_send_signal(b.process, signo);
		bench_end(&b, &r);
		expect_invalid(&b, &r, "stopped by the operator");
	}
	stand_result_clear(&r);
	bench_close(&b);
}

static void sigint_in_preflight_is_invalid(void)
{
	signalled_at("Preflight: rig", SIGINT, PRODUCT);
}

static void sigint_while_arming_is_invalid(void)
{
	signalled_at("Armed: settling", SIGINT, PRODUCT);
}

/* It would wait for a minute. */
static void sigterm_while_waiting_for_the_product_is_not_made_to_wait(void)
{
	g_autofree char *text = NULL;
	g_autofree char *file =
		g_strdup_printf("%s/tests/never-ready.%d.yaml", ANZEN_BINARY_DIR, (int)getpid());
	CU_ASSERT(g_file_get_contents(PRODUCT, &text, NULL, NULL));
	g_autoptr(GString) yaml = g_string_new(text ? text : "");
	CU_ASSERT_EQUAL(g_string_replace(yaml, "[stove-guard, --sensors, \"$modbus\"]",
					 "[sleep, \"1000\"]", 0),
			1);
	CU_ASSERT_EQUAL(g_string_replace(yaml, "timeout: 10 s", "timeout: 60 s", 0), 1);
	CU_ASSERT(g_file_set_contents(file, yaml->str, -1, NULL));
	int64_t began = clock_now(clock_monotonic());
	signalled_at("waiting for the product", SIGTERM, file);
	CU_ASSERT(clock_now(clock_monotonic()) - began < 40 * CLOCK_S);
	unlink(file);
}

/* ---- deaths ------------------------------------------------------------------------------------------------------ */

/* The one process below `of` (or any of ours, 0) whose program has this name; 0: there is none. */
static pid_t find_process(pid_t of, const char *name)
{
	g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
	for (const char *pid; dir && (pid = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename("/proc", pid, "stat", NULL);
		g_autofree char *stat = NULL;
		char state;
		int parent;
		if (!g_ascii_isdigit(pid[0]) || !g_file_get_contents(path, &stat, NULL, NULL))
			continue;
		const char *open = strchr(stat, '('), *after = strrchr(stat, ')');
		if (open && after && !strncmp(open + 1, name, (size_t)(after - open - 1)) &&
		    strlen(name) == (size_t)(after - open - 1) &&
		    sscanf(after, ") %c %d", &state, &parent) == 2 && parent == of)
			return (pid_t)atoi(pid);
	}
	return 0;
}

static pid_t await_process(const Bench *b, const char *name)
{
	pid_t bench = (pid_t)atoi(g_subprocess_get_identifier(b->process)), pid = 0;
	int64_t until = clock_now(clock_monotonic()) + HEATING_NS;
	while (!pid && clock_now(clock_monotonic()) < until)
		pid = find_process(bench, name);
	CU_ASSERT(pid > 0);
	return pid;
}

static void expect_gone(const Bench *b)
{
	pid_t pid = 0;
	int64_t now = clock_now(clock_monotonic()), until = now + GONE_NS;
	for (; stand_left_running(&b->stand, &pid) && now < until;
	     now = clock_now(clock_monotonic()))
		clock_wait_until(clock_monotonic(), now + 5 * CLOCK_MS);
	stand_expect_nothing_left(&b->stand);
}

/* The relay and its giver are nobody's children but the bench's, and end with it in either way. */
static void a_confined_product_leaves_nothing_however_the_bench_ends(void)
{
	g_autofree char *text = NULL;
	g_autofree char *file =
		g_strdup_printf("%s/tests/confined.%d.yaml", ANZEN_BINARY_DIR, (int)getpid());
	CU_ASSERT(g_file_get_contents(PRODUCT, &text, NULL, NULL));
	g_autoptr(GString) yaml = g_string_new(text ? text : "");
	CU_ASSERT_EQUAL(g_string_replace(yaml, "confine: {", "confine: {network: bench-only, ", 0),
			1);
	CU_ASSERT(g_file_set_contents(file, yaml->str, -1, NULL));
	signalled_at("Live", SIGINT, file);
	Bench b;
	if (bench_start(&b, true, file)) {
		await_line(&b, "Live");
		g_subprocess_send_signal(b.process, SIGKILL);
		CU_ASSERT(g_subprocess_wait(b.process, NULL, NULL));
		expect_gone(&b);
	}
	bench_close(&b);
	unlink(file);
}

/* The node's lease runs out by itself; the other devices keep what they were told, which is why an output that can hurt
 * belongs on the node. */
static void a_killed_bench_leaves_the_heater_off_and_a_session_to_recover(void)
{
	Bench b;
	if (bench_start_heating(&b)) {
		g_subprocess_send_signal(b.process, SIGKILL);
		CU_ASSERT(g_subprocess_wait(b.process, NULL, NULL));
		CU_ASSERT(stand_await_truth(&b.stand, "stove.heater", -1, CLOCK_S));
		expect_gone(&b);
		CU_ASSERT_NOT_EQUAL(command(&b, "session", "verify", "session.mcap"), 0);
		CU_ASSERT_EQUAL(command(&b, "session", "recover", "session.mcap"), 0);
		CU_ASSERT_EQUAL(command(&b, "session", "verify", "session.recovered.mcap"), 0);
		/* And what was recovered is no whole run. */
		CU_ASSERT_EQUAL(command(&b, "score", NULL, "session.recovered.mcap"),
				ANZEN_EXIT_INVALID);
	}
	bench_close(&b);
}

static void a_killed_bench_takes_its_world_and_its_product_with_it(void)
{
	Bench b;
	if (bench_start(&b, true, PRODUCT)) {
		await_line(&b, "Live");
		await_process(&b, "anzen-world");
		await_process(&b, "stove-guard");
		g_subprocess_send_signal(b.process, SIGKILL);
		CU_ASSERT(g_subprocess_wait(b.process, NULL, NULL));
		expect_gone(&b);
	}
	bench_close(&b);
}

static void a_killed_world_is_the_benchs_fault(void)
{
	Bench b;
	StandResult r = {.exit = -1};
	if (bench_start(&b, true, PRODUCT)) {
		await_line(&b, "Live");
		kill(await_process(&b, "anzen-world"), SIGKILL);
		bench_end(&b, &r);
		expect_invalid(&b, &r, "world");
	}
	stand_result_clear(&r);
	bench_close(&b);
}

static void a_killed_product_is_the_products_fail(void)
{
	Bench b;
	StandResult r = {.exit = -1};
	if (bench_start_heating(&b)) {
		kill(await_process(&b, "stove-guard"), SIGKILL);
		bench_end(&b, &r);
		expect_safe(&b);
		CU_ASSERT_EQUAL(r.exit, ANZEN_EXIT_FAIL);
		CU_ASSERT_EQUAL(command(&b, "session", "verify", "session.mcap"), 0);
		stand_read_run(&b.stand, &r);
		CU_ASSERT(r.record && r.record->verdict == VERDICT_FAIL);
		bool told = false;
		for (guint i = 0; r.record && i < r.record->faults->len; i++) {
			const Fault *f = g_ptr_array_index(r.record->faults, i);
			told = told || (f->blame == BLAME_PRODUCT &&
					strstr(f->cause, "killed by signal 9"));
		}
		CU_ASSERT_TRUE(told);
	}
	stand_result_clear(&r);
	bench_close(&b);
}

/* Does this kernel let users make them? */
static bool namespaces(void)
{
	const char *argv[] = {
		ANZEN_BINARY_DIR "/bin/anzen-launch", "--isolate", "yes", "--", "true", NULL};
	g_autoptr(GSubprocess) p = g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_NONE, NULL);
	return p && g_subprocess_wait_check(p, NULL, NULL);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(sigint_in_mid_run_is_invalid_and_safe),
		UNIT(sigterm_in_mid_run_is_invalid_and_safe),
		UNIT(sigint_in_preflight_is_invalid),
		UNIT(sigint_while_arming_is_invalid),
		UNIT(sigterm_while_waiting_for_the_product_is_not_made_to_wait),
		UNIT(a_killed_bench_leaves_the_heater_off_and_a_session_to_recover),
		UNIT(a_killed_bench_takes_its_world_and_its_product_with_it),
		UNIT(a_killed_world_is_the_benchs_fault)};
	/* The timeline goes on after a product's death: 29 s more, left to CI. */
	static const UnitTest slow[] = {UNIT(a_killed_product_is_the_products_fail)};
	static const UnitTest confined[] = {
		UNIT(a_confined_product_leaves_nothing_however_the_bench_ends)};
	prctl(PR_SET_CHILD_SUBREAPER, 1UL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "confined") && !namespaces())
		return unit_needs("namespaces") ? 1 : 77;
	if (argc > 1 && !strcmp(argv[1], "confined"))
		return unit_run("run.ends-confined", confined, G_N_ELEMENTS(confined), 1, argv);
	if (argc > 1 && !strcmp(argv[1], "slow"))
		return unit_run("run.ends-slow", slow, G_N_ELEMENTS(slow), 1, argv);
	return unit_run("run.ends", tests, G_N_ELEMENTS(tests), argc, argv);
}
