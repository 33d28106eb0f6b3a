/* A whole run of the built program on emulated hardware: unmodified libserialport opens /dev/ttyACM0 and unmodified libusb
 * talks to the supply; the rig file is that of the virtual kitchen with other links. This process supervises: it starts the
 * world and the emulation, and ends the bench before them, because umockdev's preload does not survive their loss. */
#include "unit.h"

#include "stand.h"

#include <signal.h>
#include <sys/prctl.h>

#include "../device/umock.h"

#define RUN_S "50" /* the timeline takes 29 s */
#define HEAT_NS (30 * CLOCK_S)

/* Runs keep time against the wall clock. On a machine that has more to do than it can they are INVALID, and rightly: then they
 * are played again, and at the end skipped, but only where the machine itself says how busy it is. */
#define TRIES 3

static bool gave_up;

static bool machine_is_busy(void)
{
	double load = 0;
	return getloadavg(&load, 1) == 1 && load > 2.0 * g_get_num_processors();
}

static void give_up(void)
{
	fprintf(stderr, "SKIPPED: the machine is too busy for a run in real time\n");
	gave_up = true;
}

/* ---- the stand --------------------------------------------------------------------------------------------------- */

static const StandLink links[] = {{"node-a", UMOCK_NODE},
				  {"supply", UMOCK_SUPPLY},
				  {"io", NULL},
				  {"lamp", NULL},
				  {"cam", NULL}};

typedef struct Kind {
	const char *scenario, *product, *world, *rig;
	size_t n_links; /* the kitchen has no camera */
} Kind;
static const Kind stove = {"stove-guard/pan-overheat", "stove-guard", "kitchen", "kitchen-virtual",
			   G_N_ELEMENTS(links) - 1};
static const Kind fall = {"fall-watch/chair-fall", "fall-watch", "living-room",
			  "living-room-virtual", G_N_ELEMENTS(links)};

/* The emulation, before the world's far ends. NULL: it has been told. */
static Umock *emulate(Stand *stand, const Kind *kind)
{
	g_autoptr(GError) error = NULL;
	if (!stand_open(stand, kind->world))
		return NULL;
	g_autofree char *node = umock_link_of(stand->line, "node-a");
	g_autofree char *supply = umock_link_of(stand->line, "supply");
	CU_ASSERT(node && supply);
	Umock *umock = node && supply ? umock_new(node, supply, &error) : NULL;
	UNIT_OK(umock, error);
	if (umock)
		stand_write_rig(stand, kind->rig, kind->world, links, kind->n_links);
	return umock;
}

/* ---- the bench, under the preload ------------------------------------------------------------------------------- */

static GSubprocess *start_bench(const Stand *stand, const Kind *kind, const Umock *umock)
{
	g_autofree char *scenario =
		g_strdup_printf(ANZEN_SOURCE_DIR "/scenarios/%s.yaml", kind->scenario);
	g_autofree char *product =
		g_strdup_printf(ANZEN_SOURCE_DIR "/products/%s/product.yaml", kind->product);
	const char *argv[] = {
		"timeout", "-k",     "5",         RUN_S,      ANZEN_BINARY_DIR "/bin/anzen",
		"run",     scenario, "--rig",     stand->rig, "--product",
		product,   "-o",     stand->runs, "--yes",    "--json",
		NULL};
	const char *env[] = {"LD_PRELOAD", UMOCK_PRELOAD, "UMOCKDEV_DIR", umock_root(umock), NULL};
	return stand_start(stand, argv, env, false);
}

/* A run; once the real pan is hotter than `unplug_at` (NaN: never) the supply's USB cable is pulled. */
static bool run_bench(Stand *stand, const Kind *kind, Umock *umock, double unplug_at,
		      StandResult *ret)
{
	bool hot = false;
	int64_t began = clock_now(clock_monotonic());
	g_autoptr(GSubprocess) bench = start_bench(stand, kind, umock);
	*ret = (StandResult){.exit = -1};
	if (!bench)
		return false;
	if (unplug_at > 0) { /* the node's output does heat the pan */
		hot = stand_await_truth(stand, "stove.pan", unplug_at, HEAT_NS);
		umock_unplug_supply(umock);
	}
	CU_ASSERT(g_subprocess_wait(bench, NULL, NULL));
	ret->took_s = (double)(clock_now(clock_monotonic()) - began) * 1e-9;
	if (g_subprocess_get_if_exited(bench))
		ret->exit = g_subprocess_get_exit_status(bench);
	stand_expect_nothing_left(stand);
	stand_read_run(stand, ret);
	return hot;
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
static void expect_a_punctual_node(const Recording *recording, bool falls)
{
	double act = falls ? action_error_ms(recording, "trigger.mannequin.release", 0,
					     "effect.mannequin.release")
			   : action_error_ms(recording, "mark.observe", 1, "effect.stove.heater");
	double probe = action_error_ms(recording, "probe.positive-control", 0,
				       falls ? "effect.probe.card" : "effect.probe.gas");
	CU_ASSERT(fabs(act) < 5 && fabs(probe) < 5); /* the scenario's clock_uncertainty */
	CU_ASSERT_EQUAL(event_ns(recording, "node-a.late"), CLOCK_NEVER);
	CU_ASSERT_EQUAL(event_ns(recording, "node-a.tripped"), CLOCK_NEVER);
	/* A lease that lapsed in the run would have had to begin again. */
	for (guint i = 0; i < recording->events->len; i++) {
		const Event *e = g_ptr_array_index(recording->events, i);
		CU_ASSERT(e->t_ns < recording->start_ns || strcmp(e->name, "node-a.lease_began"));
	}
	fprintf(stderr,
		"node: action error %+.3f ms, probe %+.3f ms; clock u %.3f ms; missed %g, "
		"damaged %g, repeated %g; boots %g\n",
		act, probe, 1e3 * largest(recording, "node-a.clock.u"),
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

static void tell_verdicts(const RunRecord *record)
{
	for (guint i = 0; i < record->criteria->len; i++) {
		const CriterionResult *c = g_ptr_array_index(record->criteria, i);
		fprintf(stderr, "  %s %s: %s\n", verdict_name(c->verdict), c->id,
			c->why ? c->why : "?");
	}
}

/* False: the machine was too busy and the run says so, INVALID; what it found is printed. Anything else is checked here. */
static bool played_through_the_real_libraries(const Kind *kind, bool last)
{
	Stand stand;
	bool busy = false;
	StandResult r = {.exit = -1};
	Umock *umock = emulate(&stand, kind);
	if (umock) {
		stand_expect_an_orphan_to_be_seen(&stand);
		run_bench(&stand, kind, umock, (double)NAN, &r);
		busy = (!last || machine_is_busy()) && r.exit == ANZEN_EXIT_INVALID && r.record;
		if (busy || r.exit)
			fprintf(stderr, "run %.1f s, exit %d\n", r.took_s, r.exit);
		if ((busy || r.exit) && r.record)
			tell_verdicts(r.record);
	}
	if (!busy)
		CU_ASSERT_EQUAL(r.exit, ANZEN_EXIT_PASS);
	if (!busy && r.record && r.recording) {
		CU_ASSERT_EQUAL(r.record->verdict, VERDICT_PASS);
		CU_ASSERT_EQUAL(r.record->criteria->len, 2);
		CU_ASSERT_EQUAL(r.record->evidence, EVIDENCE_VIRTUAL); /* never physical */
		for (size_t i = 0; i < kind->n_links; i++)
			CU_ASSERT_FALSE(bench_at_fault(r.record, links[i].device));
		tell_faults(r.record);
		/* Through libusb, not by another way: a query is some transfers, for 29 s at 2 Hz or more. */
		CU_ASSERT(umock_supply_transfers(umock) > 100);
		expect_a_punctual_node(r.recording, kind == &fall);
		fprintf(stderr, "run %.1f s, %s, %u USB transfers\n", r.took_s,
			verdict_name(r.record->verdict), umock_supply_transfers(umock));
	}
	stand_result_clear(&r);
	umock_free(umock);
	stand_close(&stand);
	return !busy;
}

static void passes_through_the_real_libraries(const Kind *kind)
{
	for (int i = 1; i <= TRIES; i++)
		if (played_through_the_real_libraries(kind, i == TRIES))
			return;
	give_up();
}

static void the_pan_passes_through_the_real_libraries(void)
{
	passes_through_the_real_libraries(&stove);
}

static void the_chair_fall_passes_through_the_real_libraries(void)
{
	passes_through_the_real_libraries(&fall);
}

static bool names_the_supply(const RunRecord *record)
{
	for (guint i = 0; i < record->criteria->len; i++) {
		const CriterionResult *c = g_ptr_array_index(record->criteria, i);
		if (!c->why || !strstr(c->why, "supply"))
			return false;
	}
	return bench_at_fault(record, "supply");
}

/* False: something else came first, as on a busy machine. */
static bool an_unplugged_supply_was_seen(bool last)
{
	Stand stand;
	bool hot = false, other = false;
	StandResult r = {.exit = -1};
	Umock *umock = emulate(&stand, &stove);
	if (umock) {
		hot = run_bench(&stand, &stove, umock, 60,
				&r); /* degC; the product acts above 200 */
		CU_ASSERT_EQUAL(r.exit, 4);
		/* The node was made safe although the supply was gone. */
		CU_ASSERT_EQUAL(stand_truth(&stand, "stove.heater"), 0);
		other = r.record && !(hot && names_the_supply(r.record)) &&
			(!last || machine_is_busy());
		if (!other)
			CU_ASSERT_TRUE(hot);
	}
	if (r.record && !other) {
		CU_ASSERT_EQUAL(r.record->verdict, VERDICT_INVALID);
		CU_ASSERT(bench_at_fault(r.record, "supply"));
		tell_faults(r.record);
		for (guint i = 0; i < r.record->criteria->len; i++) {
			const CriterionResult *c = g_ptr_array_index(r.record->criteria, i);
			CU_ASSERT_EQUAL(c->verdict, VERDICT_INVALID);
			CU_ASSERT(c->why && strstr(c->why, "supply"));
		}
		fprintf(stderr, "run %.1f s, %s\n", r.took_s, verdict_name(r.record->verdict));
	}
	if (r.record)
		tell_verdicts(r.record);
	stand_result_clear(&r);
	umock_free(umock);
	stand_close(&stand);
	return !other;
}

static void a_supply_unplugged_in_mid_run_makes_it_invalid(void)
{
	for (int i = 1; i <= TRIES; i++)
		if (an_unplugged_supply_was_seen(i == TRIES))
			return;
	give_up();
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(the_pan_passes_through_the_real_libraries),
					 UNIT(a_supply_unplugged_in_mid_run_makes_it_invalid)};
	static const UnitTest falls[] = {UNIT(the_chair_fall_passes_through_the_real_libraries)};
	prctl(PR_SET_CHILD_SUBREAPER, 1UL);
	signal(SIGPIPE, SIG_IGN);
	int failed = argc > 1 && !strcmp(argv[1], "fall")
			     ? unit_run("run.umockdev-fall", falls, G_N_ELEMENTS(falls), 1, argv)
			     : unit_run("run.umockdev", tests, G_N_ELEMENTS(tests), argc, argv);
	return failed ? failed : gave_up ? 77 : 0;
}
