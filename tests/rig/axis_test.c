/* A hand on a rail in lock-step: the node's own core makes the steps, the world's carriage follows them, the rig measures it. */
#include "lockstep.h"

#include <anzen/rig.h>
#include <math.h>

#include "unit.h"

typedef struct {
	Stream stream;
	PlantPort *world_port;
	LockstepWorld *world;
	Clock *clock;
	RigSpec *spec;
	Rig *rig;
	uint32_t id;
	unsigned faults;
	double commanded, measured; /* hand.rail in mm, hand.position in m */
	bool known;
	char fault[200];
} Bench;

static void on_sample(Stream *stream, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Bench *b = (Bench *)stream;
	(void)t_ns;
	if (!strcmp(source, "hand.rail")) {
		b->commanded = value;
		b->known = status == SAMPLE_OK;
	}
	if (!strcmp(source, "hand.position"))
		b->measured = value;
}

static void on_fault(Stream *stream, const Fault *fault)
{
	Bench *b = (Bench *)stream;
	b->faults++;
	g_strlcpy(b->fault, fault->cause, sizeof b->fault);
}

static void pass(Bench *b, int64_t ns)
{
	for (int64_t until = clock_now(b->clock) + ns; clock_now(b->clock) < until;) {
		int64_t t = clock_now(b->clock) + CLOCK_MS;
		clock_manual_set(b->clock, t);
		b->world_port->step_to(b->world_port, t);
		rig_poll(b->rig, t);
	}
}

static Bench *bench_new(void)
{
	Bench *b = g_new0(Bench, 1);
	const char *file = ANZEN_SOURCE_DIR "/rigs/kitchen-rail-virtual.yaml";
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	RunConfig config = {0};
	b->stream = (Stream){.sample = on_sample, .fault = on_fault};
	b->clock = clock_manual_new(CLOCK_S);
	b->world = lockstep_world_new(file, 1, &error);
	UNIT_OK(b->world, error);
	lockstep_world_use(b->world, &config);
	b->world_port = config.plant;
	b->spec = rig_spec_load(file, diag);
	RigOptions options = {.clock = b->clock,
			      .plant = config.plant,
			      .node_link = config.node_link,
			      .node_link_user = config.node_link_user};
	b->rig = rig_open(b->spec, &options, &error);
	UNIT_OK(b->rig && rig_start(b->rig, &b->stream, &error), error);
	pass(b, CLOCK_S);
	UNIT_OK(rig_arm(b->rig, &error), error);
	return b;
}

static void bench_free(Bench *b)
{
	rig_close(b->rig);
	rig_spec_free(b->spec);
	lockstep_world_free(b->world);
	clock_free(b->clock);
	g_free(b);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bench, bench_free)

static double truth(Bench *b, const char *name)
{
	double value = (double)NAN;
	b->world_port->read(b->world_port, name, &value);
	return value;
}

/* The reply to the last command, within 20 s. */
static RigReply await(Bench *b)
{
	RigReply r = {0};
	for (int i = 0; i < 20000; i++) {
		pass(b, CLOCK_MS);
		while (rig_reply(b->rig, &r))
			if (r.id == b->id)
				return r;
	}
	CU_FAIL("no reply");
	return r;
}

static int hand(Bench *b)
{
	return rig_role(b->rig, "hand.rail");
}

static void home(Bench *b)
{
	CU_ASSERT_TRUE(rig_home(b->rig, hand(b), ++b->id));
	CU_ASSERT_EQUAL(await(b).status, DEVICE_DONE);
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 0, 100, 1000, DEVICE_SOONEST, ++b->id));
	CU_ASSERT_EQUAL(await(b).status, DEVICE_DONE);
}

/* The switch opens at 20 mm of the rail, which is step -100: step 0 and the rig's 0 mm are at 20 + 100 * 0.04995 = 24.995 mm, known
 * to one step. */
static void homing_finds_the_edge_of_the_switch_to_one_step(void)
{
	g_autoptr(Bench) b = bench_new();
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 100, 100, 1000, DEVICE_SOONEST, ++b->id));
	RigReply refused = await(b);
	CU_ASSERT_EQUAL(refused.status, DEVICE_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(refused.message, "not known"));
	CU_ASSERT_DOUBLE_EQUAL(truth(b, "rail.position"), 0.048, 1e-9);
	home(b);
	CU_ASSERT_DOUBLE_EQUAL(truth(b, "rail.position"), 0.024995, 0.00005 + 1e-9);
	CU_ASSERT_TRUE(b->known && b->commanded == 0);
	pass(b, 20 * CLOCK_MS);
	CU_ASSERT_DOUBLE_EQUAL(b->measured, 0, 0.0025);
	CU_ASSERT_EQUAL(b->faults, 0);
}

/* 300 mm at 200 mm/s and 1000 mm/s^2 are 6000 steps at 4000 step/s and 20000 step/s^2: ramps of 200 ms over 400 steps each, 1300 ms of
 * cruise: 1.7 s. After t the way is 10 t^2 step in t/ms/1000 …: s(t) = a t^2 / 2, then v (t - v / 2a), then 6000 - a (T - t)^2 / 2. The
 * plant's carriage has made as many steps as that way, to half a step and the 0.1 step that the node promises, at every
 * millisecond of the move; and the draw wire measures it. */
static double trapezoid(double t)
{
	const double a = 20000, v = 4000, all = 1.7, ramp = 0.2;
	if (t <= 0)
		return 0;
	if (t < ramp)
		return a * t * t / 2;
	if (t < all - ramp)
		return v * (t - ramp / 2);
	return t < all ? 6000 - a * (all - t) * (all - t) / 2 : 6000;
}

static void the_carriage_follows_the_trapezoid_of_hand_arithmetic(void)
{
	g_autoptr(Bench) b = bench_new();
	home(b);
	double from = truth(b, "rail.position"), worst = 0;
	int64_t at = clock_now(b->clock) + 150 * CLOCK_MS;
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 300, 200, 1000, at, ++b->id));
	unsigned measured = 0;
	for (int ms = 0; ms < 1900; ms++) {
		pass(b, CLOCK_MS);
		double t = (double)(clock_now(b->clock) - at) * 1e-9;
		double steps = (truth(b, "rail.position") - from) / 0.00004995;
		worst = MAX(worst, fabs(steps - trapezoid(t)));
		/* The draw wire is wrong by 2.3 mm at most, and half a millisecond late. */
		double mm = rint(trapezoid(t)) * 0.04995;
		measured += fabs(b->measured * 1000 - mm) < 3.2;
	}
	RigReply done = await(b);
	CU_ASSERT_EQUAL(done.status, DEVICE_DONE);
	/* half a step of 0.02 step/ms^2 is 7.071 ms before the end */
	CU_ASSERT_DOUBLE_EQUAL((double)(done.t_ns - at) * 1e-6, 1700 - 7.071, 1.1);
	CU_ASSERT_EQUAL(
		rig_axis_move_ns(rig_spec_role(b->spec, "hand.rail")->axis, 0, 300, 200, 1000),
		1692928932);
	CU_ASSERT_TRUE(worst <= 0.5 + 0.1 + 0.05);
	CU_ASSERT_EQUAL(measured, 1900);
	CU_ASSERT_EQUAL(b->commanded, 300);
	if (worst > 0.65)
		fprintf(stderr, "worst %g steps\n", worst);
	CU_ASSERT_EQUAL(b->faults, 0);
}

static void a_second_move_meanwhile_and_one_too_late_are_refused(void)
{
	g_autoptr(Bench) b = bench_new();
	home(b);
	int64_t at = clock_now(b->clock) + 100 * CLOCK_MS;
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 100, 200, 1000, at, 70));
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 50, 200, 1000, at + CLOCK_S, ++b->id));
	CU_ASSERT_EQUAL(await(b).status, DEVICE_REFUSED);
	pass(b, 2 * CLOCK_S);
	CU_ASSERT_EQUAL(b->commanded, 100);
	CU_ASSERT_TRUE(
		rig_move(b->rig, hand(b), 50, 200, 1000, clock_now(b->clock) - CLOCK_MS, ++b->id));
	CU_ASSERT_EQUAL(await(b).status, DEVICE_LATE);
	/* Above the rig file's limits: the node itself refuses. */
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 50, 700, 1000, DEVICE_SOONEST, 80));
	b->id = 80;
	CU_ASSERT_EQUAL(await(b).status, DEVICE_REFUSED);
	CU_ASSERT_EQUAL(b->faults, 0);
}

/* The e-stop in the middle: no step more, the power is off, a fault names it; nothing moves it until it is homed again. */
static void the_interlock_ends_a_move_and_the_position_is_lost(void)
{
	g_autoptr(Bench) b = bench_new();
	g_autoptr(GError) error = NULL;
	RunConfig config = {0};
	lockstep_world_use(b->world, &config);
	home(b);
	int64_t at = clock_now(b->clock) + 100 * CLOCK_MS;
	CU_ASSERT_TRUE(config.world_fault(config.node_link_user, "node-a", "estop",
					  at + 500 * CLOCK_MS, NULL));
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 500, 200, 1000, at, ++b->id));
	pass(b, 601 * CLOCK_MS);
	double stopped = truth(b, "rail.position");
	CU_ASSERT_TRUE(stopped > 0.09 &&
		       stopped < 0.12); /* 0.5 s: 200 * (0.5 - 0.1) = 80 mm, from 25 mm on */
	CU_ASSERT_EQUAL(truth(b, "rail.power"), 0);
	RigReply cut = await(b);
	CU_ASSERT_EQUAL(cut.status, DEVICE_REFUSED);
	pass(b, CLOCK_S);
	CU_ASSERT_EQUAL(truth(b, "rail.position"), stopped);
	CU_ASSERT_FALSE(b->known);
	CU_ASSERT_TRUE(b->faults >= 2);
	CU_ASSERT_FALSE(rig_arm(b->rig, &error)); /* the loop is still open */
}

/* The host falls silent in the middle of a move: within 100 ms its node stops it by itself; afterwards it is homed before it moves again. */
static void a_silent_host_s_axis_stops_and_is_homed_before_it_moves_again(void)
{
	g_autoptr(Bench) b = bench_new();
	g_autoptr(GError) error = NULL;
	home(b);
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 500, 200, 1000, DEVICE_SOONEST, ++b->id));
	pass(b, 500 * CLOCK_MS);
	CU_ASSERT_EQUAL(truth(b, "rail.power"), 1);
	int64_t silent = clock_now(b->clock);
	for (int ms = 1; ms <= 300; ms++) { /* time passes in the world only */
		b->world_port->step_to(b->world_port, silent + ms * CLOCK_MS);
		CU_ASSERT_TRUE(truth(b, "rail.power") == (ms < 96) || (ms > 70 && ms <= 100));
	}
	double stopped = truth(b, "rail.position");
	clock_manual_set(b->clock, silent + 300 * CLOCK_MS);
	CU_ASSERT_EQUAL(await(b).status, DEVICE_REFUSED);
	pass(b, CLOCK_S);
	CU_ASSERT_EQUAL(truth(b, "rail.position"), stopped);
	CU_ASSERT_TRUE(b->faults > 0);
	UNIT_OK(rig_arm(b->rig, &error), error);
	CU_ASSERT_EQUAL(truth(b, "rail.position"), stopped); /* arming moves nothing */
	CU_ASSERT_TRUE(rig_move(b->rig, hand(b), 0, 200, 1000, DEVICE_SOONEST, ++b->id));
	CU_ASSERT_EQUAL(await(b).status, DEVICE_REFUSED);
	CU_ASSERT_EQUAL(truth(b, "rail.position"), stopped);
	home(b);
	CU_ASSERT_DOUBLE_EQUAL(truth(b, "rail.position"), 0.024995, 0.00005 + 1e-9);
}

/* Limits of the file are read back from the node, and narrower than what it was built with. */
static void the_preflight_says_what_the_axis_is(void)
{
	g_autoptr(Bench) b = bench_new();
	g_autoptr(GPtrArray) before = rig_preflight(b->rig, NULL);
	home(b);
	g_autoptr(GPtrArray) after = rig_preflight(b->rig, NULL);
	unsigned unknown = 0, known = 0, limits = 0;
	for (guint i = 0; i < before->len; i++) {
		const DeviceItem *item = g_ptr_array_index(before, i);
		unknown += strstr(item->name, "axis.0: its position is not known") && item->ok;
		limits += strstr(item->name, "hand.rail: 0 … 600 mm at 20 step/mm") && item->ok;
	}
	for (guint i = 0; i < after->len; i++)
		known += strstr(((DeviceItem *)g_ptr_array_index(after, i))->name,
				"axis.0 stands at step 0") != NULL;
	CU_ASSERT_EQUAL(unknown, 1);
	CU_ASSERT_EQUAL(known, 1);
	CU_ASSERT_EQUAL(limits, 1);
}

UNIT_MAIN("rig.axis", UNIT(homing_finds_the_edge_of_the_switch_to_one_step),
	  UNIT(the_carriage_follows_the_trapezoid_of_hand_arithmetic),
	  UNIT(a_second_move_meanwhile_and_one_too_late_are_refused),
	  UNIT(the_interlock_ends_a_move_and_the_position_is_lost),
	  UNIT(a_silent_host_s_axis_stops_and_is_homed_before_it_moves_again),
	  UNIT(the_preflight_says_what_the_axis_is))
