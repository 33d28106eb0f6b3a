/* A whole run of the built program on emulated hardware: unmodified libserialport opens /dev/ttyACM0 and unmodified libusb
 * talks to the supply; the rig file is that of the virtual kitchen with other links. This process supervises: it starts the
 * world and the emulation, and ends the bench before them, because umockdev's preload does not survive their loss. */
#include "unit.h"

#include <anzen/session.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../device/umock.h"

#define KITCHEN ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml"
#define RUN_S "50" /* the timeline takes 29 s */
#define HEAT_NS (30 * CLOCK_S)

/* ---- the stand --------------------------------------------------------------------------------------------------- */

typedef struct {
	char *work, *rig, *temporary, *line;
	GSubprocess *world;
	GDataInputStream *answers;
	Umock *umock;
} Stand;

static const struct {
	const char *device, *real; /* NULL: what the world says */
} links[] = {{"node-a", UMOCK_NODE}, {"supply", UMOCK_SUPPLY}, {"io", NULL}, {"lamp", NULL}};

static void replace_once(GString *text, const char *from, const char *to)
{
	CU_ASSERT_EQUAL(g_string_replace(text, from, to, 0), 1);
}

/* The virtual kitchen with other links; the world is already there, so `virtual` stands in its line. */
static char *emulated_rig(const char *world_line)
{
	g_autofree char *kitchen = NULL;
	CU_ASSERT(g_file_get_contents(KITCHEN, &kitchen, NULL, NULL));
	g_autoptr(GString) text = g_string_new(kitchen);
	replace_once(text, "world: {file: worlds/kitchen.yaml}", "virtual: true");
	for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
		g_autofree char *from = g_strdup_printf("\"world:%s\"", links[i].device);
		g_autofree char *there = umock_link_of(world_line, links[i].device);
		g_autofree char *to =
			g_strdup_printf("\"%s\"", links[i].real ? links[i].real : there);
		CU_ASSERT_PTR_NOT_NULL(there);
		replace_once(text, from, to);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The links of the four devices and the line of the world; everything else is the same. */
static void expect_only_links_differ(const char *text)
{
	g_autofree char *kitchen = NULL;
	CU_ASSERT(g_file_get_contents(KITCHEN, &kitchen, NULL, NULL));
	g_auto(GStrv) a = g_strsplit(kitchen, "\n", -1);
	g_auto(GStrv) b = g_strsplit(text, "\n", -1);
	CU_ASSERT_EQUAL(g_strv_length(a), g_strv_length(b));
	unsigned differ = 0;
	for (size_t i = 0; a[i] && b[i]; i++)
		differ += !g_str_equal(a[i], b[i]);
	CU_ASSERT_EQUAL(differ, G_N_ELEMENTS(links) + 1);
}

static void link_folder(const char *from, const char *folder, const char *name)
{
	g_autofree char *source = g_build_filename(ANZEN_SOURCE_DIR, from, name, NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	CU_ASSERT_EQUAL(symlink(source, path), 0);
}

static void write_rig(Stand *stand)
{
	g_autofree char *rigs = g_build_filename(stand->work, "rigs", NULL);
	g_autofree char *text = emulated_rig(stand->line);
	stand->rig = g_build_filename(rigs, "kitchen-emulated.yaml", NULL);
	stand->temporary = g_build_filename(stand->work, "tmp", NULL);
	CU_ASSERT(!g_mkdir(rigs, 0700) && !g_mkdir(stand->temporary, 0700));
	expect_only_links_differ(text);
	CU_ASSERT(g_file_set_contents(stand->rig, text, -1, NULL));
	link_folder("rigs", rigs, "maps");
	link_folder("rigs", rigs, "instruments");
	link_folder("", stand->work, "calibration");
}

static bool stand_open(Stand *stand)
{
	g_autoptr(GError) error = NULL;
	*stand = (Stand){.work = g_dir_make_tmp("anzen-umockdev-XXXXXX", &error)};
	stand->world = umock_world(ANZEN_SOURCE_DIR "/rigs/worlds/kitchen.yaml", &stand->answers,
				   &stand->line, &error);
	UNIT_OK(stand->work && stand->world, error);
	if (error)
		return false;
	g_autofree char *node = umock_link_of(stand->line, "node-a");
	g_autofree char *supply = umock_link_of(stand->line, "supply");
	CU_ASSERT(node && supply);
	stand->umock = node && supply ? umock_new(node, supply, &error) : NULL;
	UNIT_OK(stand->umock, error);
	if (stand->umock)
		write_rig(stand);
	return stand->umock != NULL;
}

/* Symbolic links are removed, not followed. */
static void remove_tree(const char *path)
{
	g_autoptr(GDir) dir =
		g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		remove_tree(inner);
	}
	g_remove(path);
}

static void stand_close(Stand *stand)
{
	umock_free(stand->umock);
	if (stand->world) {
		g_subprocess_send_signal(stand->world, SIGTERM);
		g_subprocess_wait(stand->world, NULL, NULL);
	}
	g_clear_object(&stand->world);
	g_clear_object(&stand->answers);
	if (stand->work)
		remove_tree(stand->work);
	g_free(stand->work);
	g_free(stand->rig);
	g_free(stand->temporary);
	g_free(stand->line);
}

/* What is physically so in the world, NaN when it does not say. */
static double world_reads(Stand *stand, const char *what)
{
	g_autofree char *question = g_strdup_printf("{\"read\":\"%s\"}\n", what);
	GOutputStream *in = g_subprocess_get_stdin_pipe(stand->world);
	if (!g_output_stream_write_all(in, question, strlen(question), NULL, NULL, NULL))
		return (double)NAN;
	g_autofree char *line = g_data_input_stream_read_line(stand->answers, NULL, NULL, NULL);
	const char *value = line ? strstr(line, "\"value\":") : NULL;
	if (!value)
		fprintf(stderr, "the world on %s: %s\n", what, line ? line : "nothing");
	return value ? g_ascii_strtod(value + strlen("\"value\":"), NULL) : (double)NAN;
}

/* ---- what is left ------------------------------------------------------------------------------------------------ */

/* True for a child of this process (which is subreaper, so orphans are its children) that still runs. */
static bool is_running_child(const char *pid)
{
	g_autofree char *path = g_build_filename("/proc", pid, "stat", NULL);
	g_autofree char *stat = NULL;
	char state;
	int parent;
	if (!g_file_get_contents(path, &stat, NULL, NULL))
		return false;
	const char *after = strrchr(stat, ')');
	return after && sscanf(after, ") %c %d", &state, &parent) == 2 && parent == getpid() &&
	       state != 'Z';
}

/* How many children run beside the world; the last one's pid. */
static unsigned left_running(const Stand *stand, pid_t *ret_pid)
{
	g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
	const char *world = g_subprocess_get_identifier(stand->world);
	unsigned n = 0;
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		if (!g_ascii_isdigit(name[0]) || !g_strcmp0(name, world) || !is_running_child(name))
			continue;
		*ret_pid = (pid_t)atoi(name);
		n++;
	}
	return n;
}

/* The positive control: something that is left behind is seen. */
static void expect_an_orphan_to_be_seen(const Stand *stand)
{
	pid_t pid = 0;
	CU_ASSERT_EQUAL(left_running(stand, &pid), 0);
	g_autoptr(GSubprocess) shell = g_subprocess_new(G_SUBPROCESS_FLAGS_NONE, NULL, "sh", "-c",
							"sleep 60 & exit 0", NULL);
	CU_ASSERT(shell && g_subprocess_wait(shell, NULL, NULL));
	CU_ASSERT_EQUAL(left_running(stand, &pid), 1);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void expect_nothing_left(const Stand *stand)
{
	pid_t pid = 0;
	CU_ASSERT_EQUAL(left_running(stand, &pid), 0);
	g_autoptr(GDir) dir = g_dir_open(stand->temporary, 0, NULL);
	const char *name = dir ? g_dir_read_name(dir) : "?";
	CU_ASSERT_PTR_NULL(name);
	if (name)
		fprintf(stderr, "left in the temporary folder: %s\n", name);
}

/* ---- the bench, under the preload ------------------------------------------------------------------------------- */

static GSubprocess *start_bench(const Stand *stand)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_autofree char *runs = g_build_filename(stand->work, "runs", NULL);
	g_autofree char *log = g_build_filename(stand->work, "log", NULL);
	g_subprocess_launcher_setenv(launcher, "LD_PRELOAD", UMOCK_PRELOAD, TRUE);
	g_subprocess_launcher_setenv(launcher, "UMOCKDEV_DIR", umock_root(stand->umock), TRUE);
	g_subprocess_launcher_setenv(launcher, "TMPDIR", stand->temporary, TRUE);
	g_subprocess_launcher_setenv(launcher, "LC_ALL", "C", TRUE);
	g_subprocess_launcher_set_stdout_file_path(launcher, log);
	GSubprocess *bench = g_subprocess_launcher_spawn(
		launcher, &error, "timeout", "-k", "5", RUN_S, ANZEN_BINARY_DIR "/bin/anzen", "run",
		ANZEN_SOURCE_DIR "/scenarios/stove-guard/pan-overheat.yaml", "--rig", stand->rig,
		"--product", ANZEN_SOURCE_DIR "/products/stove-guard/product.yaml", "-o", runs,
		"--yes", "--json", NULL);
	UNIT_OK(bench, error);
	return bench;
}

/* The only folder in runs/; NULL: there is none. */
static char *run_folder(const Stand *stand)
{
	g_autofree char *runs = g_build_filename(stand->work, "runs", NULL);
	g_autoptr(GDir) dir = g_dir_open(runs, 0, NULL);
	const char *name = dir ? g_dir_read_name(dir) : NULL;
	return name ? g_build_filename(runs, name, NULL) : NULL;
}

typedef struct {
	int exit; /* -1: it did not end by itself */
	double took_s;
	RunRecord *record;
	Recording *recording;
} Result;

static void result_clear(Result *r)
{
	g_clear_pointer(&r->record, run_record_free);
	g_clear_pointer(&r->recording, recording_free);
}

static void read_run(const Stand *stand, Result *r)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = run_folder(stand);
	CU_ASSERT_PTR_NOT_NULL(folder);
	if (!folder)
		return;
	g_autofree char *record = g_build_filename(folder, "run.json", NULL);
	g_autofree char *session = g_build_filename(folder, "session.mcap", NULL);
	r->record = run_record_read(record, &error);
	UNIT_OK(r->record, error);
	g_clear_error(&error);
	r->recording = session_load(session, &error);
	UNIT_OK(r->recording, error);
}

/* A run; once the real pan is hotter than `unplug_at` (NaN: never) the supply's USB cable is pulled. */
static void run_bench(Stand *stand, double unplug_at, Result *ret)
{
	int64_t began = clock_now(clock_monotonic()), due = began;
	g_autoptr(GSubprocess) bench = start_bench(stand);
	*ret = (Result){.exit = -1};
	if (!bench)
		return;
	while (unplug_at > 0 && due < began + HEAT_NS &&
	       !(world_reads(stand, "stove.pan") > unplug_at))
		clock_wait_until(clock_monotonic(), due += 100 * CLOCK_MS);
	if (unplug_at > 0) {
		CU_ASSERT(due < began + HEAT_NS); /* the node's output did heat the pan */
		umock_unplug_supply(stand->umock);
	}
	CU_ASSERT(g_subprocess_wait(bench, NULL, NULL));
	ret->took_s = (double)(clock_now(clock_monotonic()) - began) * 1e-9;
	if (g_subprocess_get_if_exited(bench))
		ret->exit = g_subprocess_get_exit_status(bench);
	expect_nothing_left(stand);
	read_run(stand, ret);
}

/* ---- the promises ----------------------------------------------------------------------------------------------- */

static int64_t event_ns(const Recording *recording, const char *name)
{
	for (guint i = 0; i < recording->events->len; i++) {
		const Event *e = g_ptr_array_index(recording->events, i);
		if (g_str_equal(e->name, name))
			return e->t_ns;
	}
	return CLOCK_NEVER;
}

/* By how much the node was late with `effect`, which was to come `after_s` after `mark`. */
static double action_error_ms(const Recording *recording, const char *mark, double after_s,
			      const char *effect)
{
	int64_t asked = event_ns(recording, mark), done = event_ns(recording, effect);
	CU_ASSERT(asked != CLOCK_NEVER && done != CLOCK_NEVER);
	return (double)(done - asked) * 1e-6 - after_s * 1e3;
}

static double largest(const Recording *recording, const char *name)
{
	const Signal *signal = recording_signal(recording, name);
	double most = (double)NAN;
	for (size_t i = 0; signal && i < signal->n; i++)
		most = fmax(most, signal->v[i]);
	return most;
}

/* The node behind the preload: acted at its time, never refused a command as late, never lost its lease. */
static void expect_a_punctual_node(const Recording *recording)
{
	double heater = action_error_ms(recording, "mark.observe", 1, "effect.stove.heater");
	double probe = action_error_ms(recording, "probe.positive-control", 0, "effect.probe.gas");
	CU_ASSERT(fabs(heater) < 5 && fabs(probe) < 5); /* the scenario's clock_uncertainty */
	CU_ASSERT_EQUAL(event_ns(recording, "node-a.late"), CLOCK_NEVER);
	CU_ASSERT_EQUAL(event_ns(recording, "node-a.tripped"), CLOCK_NEVER);
	/* A lease that lapsed in the run would have had to begin again. */
	for (guint i = 0; i < recording->events->len; i++) {
		const Event *e = g_ptr_array_index(recording->events, i);
		CU_ASSERT(e->t_ns < recording->start_ns || strcmp(e->name, "node-a.lease_began"));
	}
	fprintf(stderr,
		"node: action error heater %+.3f ms, probe %+.3f ms; clock u %.3f ms; missed %g, "
		"damaged %g, repeated %g; boots %g\n",
		heater, probe, 1e3 * largest(recording, "node-a.clock.u"),
		largest(recording, "node-a.link.missed"), largest(recording, "node-a.link.damaged"),
		largest(recording, "node-a.link.repeated"), largest(recording, "node-a.boots"));
}

static void tell_faults(const RunRecord *record)
{
	for (guint i = 0; i < record->faults->len; i++) {
		const Fault *f = g_ptr_array_index(record->faults, i);
		fprintf(stderr, "  fault: %s: %s\n", f->source, f->cause);
	}
}

/* A fault of the bench whose source begins so. */
static bool bench_at_fault(const RunRecord *record, const char *source)
{
	for (guint i = 0; i < record->faults->len; i++) {
		const Fault *f = g_ptr_array_index(record->faults, i);
		if (g_str_has_prefix(f->source, source) && f->blame == BLAME_BENCH)
			return true;
	}
	return false;
}

static void the_same_scenario_passes_through_the_real_libraries(void)
{
	Stand stand;
	Result r = {.exit = -1};
	if (stand_open(&stand)) {
		expect_an_orphan_to_be_seen(&stand);
		run_bench(&stand, (double)NAN, &r);
		CU_ASSERT_EQUAL(r.exit, ANZEN_EXIT_PASS);
	}
	if (r.record && r.recording) {
		CU_ASSERT_EQUAL(r.record->verdict, VERDICT_PASS);
		CU_ASSERT_EQUAL(r.record->criteria->len, 2);
		CU_ASSERT_EQUAL(r.record->evidence, EVIDENCE_VIRTUAL); /* never physical */
		for (size_t i = 0; i < G_N_ELEMENTS(links); i++)
			CU_ASSERT_FALSE(bench_at_fault(r.record, links[i].device));
		tell_faults(r.record);
		/* Through libusb, not by another way: a query is some transfers, for 29 s at 2 Hz or more. */
		CU_ASSERT(umock_supply_transfers(stand.umock) > 100);
		expect_a_punctual_node(r.recording);
		fprintf(stderr, "run %.1f s, %s, %u USB transfers\n", r.took_s,
			verdict_name(r.record->verdict), umock_supply_transfers(stand.umock));
	}
	result_clear(&r);
	stand_close(&stand);
}

static void a_supply_unplugged_in_mid_run_makes_it_invalid(void)
{
	Stand stand;
	Result r = {.exit = -1};
	if (stand_open(&stand)) {
		run_bench(&stand, 60, &r); /* degC; the product acts above 200 */
		CU_ASSERT_EQUAL(r.exit, 4);
		/* The node was made safe although the supply was gone. */
		CU_ASSERT_EQUAL(world_reads(&stand, "stove.heater"), 0);
	}
	if (r.record) {
		CU_ASSERT_EQUAL(r.record->verdict, VERDICT_INVALID);
		CU_ASSERT(bench_at_fault(r.record, "supply"));
		tell_faults(r.record);
		for (guint i = 0; i < r.record->criteria->len; i++) {
			const CriterionResult *c = g_ptr_array_index(r.record->criteria, i);
			CU_ASSERT_EQUAL(c->verdict, VERDICT_INVALID);
			CU_ASSERT(c->why && strstr(c->why, "supply"));
			fprintf(stderr, "  %s: %s\n", c->id, c->why ? c->why : "?");
		}
		fprintf(stderr, "run %.1f s, %s\n", r.took_s, verdict_name(r.record->verdict));
	}
	result_clear(&r);
	stand_close(&stand);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(the_same_scenario_passes_through_the_real_libraries),
					 UNIT(a_supply_unplugged_in_mid_run_makes_it_invalid)};
	prctl(PR_SET_CHILD_SUBREAPER, 1UL);
	signal(SIGPIPE, SIG_IGN);
	return unit_run("run.umockdev", tests, G_N_ELEMENTS(tests), argc, argv);
}
