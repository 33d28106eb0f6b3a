/* The same rig file in one process on a hand-advanced clock: the same roles, the same units, exact times. */
#include "unit.h"

#include <anzen/rig.h>
#include <anzen/world.h>

typedef struct {
	Stream stream;
	Recording *recording;
	unsigned frames;
} Sink;

static void on_sample(Stream *stream, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Sink *sink = (Sink *)stream;
	Signal *signal = recording_signal(sink->recording, source);
	if (!signal) {
		signal = signal_new(source);
		recording_add_signal(sink->recording, signal);
	}
	signal_append(signal, t_ns, value, status);
}

static void on_fault(Stream *stream, const Fault *fault)
{
	recording_add_fault(((Sink *)stream)->recording, fault);
}

static void on_frame(Stream *stream, const char *source, const Frame *frame)
{
	((Sink *)stream)->frames += frame->size > 0 && !strcmp(source, "camera.main");
}

static double at(Sink *sink, const char *name, int64_t t_ns)
{
	Signal *signal = recording_signal(sink->recording, name);
	ptrdiff_t i = signal ? signal_index(signal, t_ns) : -1;
	return i < 0 ? (double)NAN : signal->v[i];
}

typedef struct {
	Clock *clock;
	PlantPort *port;
	RigSpec *spec;
	Rig *rig;
	Sink sink;
} Bench;

static void bench_init(Bench *bench, const char *file)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	*bench = (Bench){.clock = clock_manual_new(0),
			 .sink = {{on_sample, NULL, on_frame, on_fault}, recording_new(), 0}};
	bench->spec = rig_spec_load(file, diag);
	bench->port = world_plant_port_new(rig_spec_world(bench->spec), 1, &error);
	UNIT_OK(bench->port, error);
	RigOptions options = {.clock = bench->clock, .plant = bench->port};
	bench->rig = rig_open(bench->spec, &options, &error);
	UNIT_OK(bench->rig, error);
	UNIT_OK(bench->rig && rig_start(bench->rig, &bench->sink.stream, &error), error);
	UNIT_OK(bench->rig && rig_arm(bench->rig, &error), error);
}

static void bench_clear(Bench *bench)
{
	rig_close(bench->rig);
	rig_spec_free(bench->spec);
	bench->port->free(bench->port);
	recording_free(bench->sink.recording);
	clock_free(bench->clock);
}

static void go(Bench *bench, int64_t t_ns)
{
	for (;;) {
		int64_t now = clock_now(bench->clock), next = rig_poll(bench->rig, now);
		if (next > t_ns)
			break;
		clock_manual_set(bench->clock, MAX(next, now));
		bench->port->step_to(bench->port, MAX(next, now));
	}
	clock_manual_set(bench->clock, t_ns);
	bench->port->step_to(bench->port, t_ns);
}

static void light_and_fall_are_seen_by_their_sensors(void)
{
	Bench bench;
	g_autoptr(GError) error = NULL;
	bench_init(&bench, ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml");
	if (bench.rig) {
		CU_ASSERT_EQUAL(rig_evidence(bench.rig), EVIDENCE_LOCK_STEP);
		CU_ASSERT(rig_command(bench.rig, rig_role(bench.rig, "room.lamp"), 150,
				      DEVICE_SOONEST, 1));
		CU_ASSERT(rig_trigger(bench.rig, rig_role(bench.rig, "mannequin.release"),
				      2 * CLOCK_S, 2));
		go(&bench, 5 * CLOCK_S);
		CU_ASSERT(fabs(at(&bench.sink, "room.illuminance", 2 * CLOCK_S) - 150) < 8);
		CU_ASSERT(fabs(at(&bench.sink, "mannequin.height", 2 * CLOCK_S) - 0.92) < 0.01);
		CU_ASSERT(at(&bench.sink, "mannequin.height", 5 * CLOCK_S) < 0.3);
		CU_ASSERT(fabs(at(&bench.sink, "lamp.supplied", 2 * CLOCK_S) - 24) < 0.1);
		/* On exactly at its time, off after the rig file's pulse of 200 ms. */
		CU_ASSERT_EQUAL(at(&bench.sink, "mannequin.release", 2 * CLOCK_S), 1);
		CU_ASSERT(!(at(&bench.sink, "mannequin.release", 2 * CLOCK_S - 1) > 0));
		CU_ASSERT_EQUAL(at(&bench.sink, "mannequin.release", 2200 * CLOCK_MS), 0);
		CU_ASSERT_EQUAL(bench.sink.recording->faults->len, 0);
		UNIT_OK(rig_make_safe(bench.rig, CLOCK_S, &error), error);
		go(&bench, 7 * CLOCK_S);
		CU_ASSERT(at(&bench.sink, "room.illuminance", 7 * CLOCK_S) < 10);
	}
	bench_clear(&bench);
}

static void two_runs_are_the_same_to_the_last_bit(void)
{
	Bench a, b;
	bench_init(&a, ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml");
	bench_init(&b, ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml");
	go(&a, CLOCK_S);
	go(&b, CLOCK_S);
	Signal *x = recording_signal(a.sink.recording, "mannequin.height");
	Signal *y = recording_signal(b.sink.recording, "mannequin.height");
	CU_ASSERT(x && y && x->n > 400 && x->n == y->n);
	if (x && y && x->n == y->n)
		CU_ASSERT(!memcmp(x->v, y->v, x->n * sizeof *x->v) &&
			  !memcmp(x->t_ns, y->t_ns, x->n * sizeof *x->t_ns));
	bench_clear(&a);
	bench_clear(&b);
}

static void the_camera_gives_a_picture_each_thirtieth_of_a_second(void)
{
	Bench bench;
	bench_init(&bench, ANZEN_SOURCE_DIR "/rigs/living-room-virtual.yaml");
	go(&bench, CLOCK_S);
	CU_ASSERT(bench.sink.frames >= 30 && bench.sink.frames <= 31);
	bench_clear(&bench);
}

UNIT_MAIN("rig.lockstep", UNIT(light_and_fall_are_seen_by_their_sensors),
	  UNIT(two_runs_are_the_same_to_the_last_bit),
	  UNIT(the_camera_gives_a_picture_each_thirtieth_of_a_second))
