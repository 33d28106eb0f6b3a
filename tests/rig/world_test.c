/* The whole rig against the virtual world: every link, every driver, physical values. Wants build/bin/anzen-world. */
#include "unit.h"

#include <anzen/rig.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define RIG ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml"
#define WORLD ANZEN_BINARY_DIR "/bin/anzen-world"

/* Everything that the rig delivers, newest first by name. */
typedef struct {
	Stream stream;
	pthread_mutex_t lock;
	Recording *recording;
	unsigned frames;
} Sink;

static void on_sample(Stream *stream, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Sink *sink = (Sink *)stream;
	pthread_mutex_lock(&sink->lock);
	Signal *signal = recording_signal(sink->recording, source);
	if (!signal) {
		signal = signal_new(source);
		recording_add_signal(sink->recording, signal);
	}
	signal_append(signal, t_ns, value, status);
	pthread_mutex_unlock(&sink->lock);
}

static void on_event(Stream *stream, const char *name, int64_t t_ns, const char *json)
{
	Sink *sink = (Sink *)stream;
	pthread_mutex_lock(&sink->lock);
	recording_add_event(sink->recording, t_ns, name, json);
	pthread_mutex_unlock(&sink->lock);
}

static void on_frame(Stream *stream, const char *source, const Frame *frame)
{
	Sink *sink = (Sink *)stream;
	pthread_mutex_lock(&sink->lock);
	sink->frames += frame->size > 0 && !strcmp(source, "camera.main");
	pthread_mutex_unlock(&sink->lock);
}

static void on_fault(Stream *stream, const Fault *fault)
{
	Sink *sink = (Sink *)stream;
	pthread_mutex_lock(&sink->lock);
	/* A machine that stops for a while stops the emulated board too, and the driver rightly says so; that is no matter of
	 * the rig's, and this test must not depend on the load. */
	if (!strstr(fault->cause, "stood still") && !strstr(fault->cause, "this host was late"))
		recording_add_fault(sink->recording, fault);
	fprintf(stderr, "fault: %s: %s\n", fault->source, fault->cause);
	pthread_mutex_unlock(&sink->lock);
}

static void sink_init(Sink *sink)
{
	*sink = (Sink){.stream = {on_sample, on_event, on_frame, on_fault},
		       .recording = recording_new()};
	thread_lock_init(&sink->lock);
}

static void sink_clear(Sink *sink)
{
	recording_free(sink->recording);
	pthread_mutex_destroy(&sink->lock);
}

static double newest(Sink *sink, const char *name)
{
	pthread_mutex_lock(&sink->lock);
	Signal *signal = recording_signal(sink->recording, name);
	double value = signal && signal->n ? signal->v[signal->n - 1] : (double)NAN;
	pthread_mutex_unlock(&sink->lock);
	return value;
}

static guint faults(Sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	guint n = sink->recording->faults->len;
	pthread_mutex_unlock(&sink->lock);
	return n;
}

static void pass(int64_t ms)
{
	clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + ms * CLOCK_MS);
}

/* Until the newest value of `name` lies in lo..hi; false after the time. */
static bool comes_to(Sink *sink, const char *name, double lo, double hi, int64_t ms)
{
	for (int64_t i = 0; i < ms / 5; i++) {
		double v = newest(sink, name);
		if (v >= lo && v <= hi)
			return true;
		pass(5);
	}
	fprintf(stderr, "%s is %g, wanted %g..%g\n", name, newest(sink, name), lo, hi);
	return false;
}

static Rig *open_file(const char *file, RigSpec **ret_spec, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	*ret_spec = rig_spec_load(file, diag);
	diagnostics_print(diag, stderr);
	RigOptions options = {.world_program = WORLD, .seed = 7};
	return *ret_spec ? rig_open(*ret_spec, &options, error) : NULL;
}

static Rig *open_rig(RigSpec **ret_spec, GError **error)
{
	return open_file(RIG, ret_spec, error);
}

static DeviceStatus reply_to(Rig *rig, uint32_t id, RigReply *ret)
{
	for (int i = 0; i < 600; i++) {
		while (rig_reply(rig, ret))
			if (ret->id == id)
				return ret->status;
		pass(5);
	}
	return DEVICE_FAILED;
}

static double truth(Rig *rig, const char *quantity)
{
	g_autofree char *json = g_strdup_printf("{\"read\":\"%s\"}", quantity);
	g_autofree char *line = NULL;
	g_autoptr(GError) error = NULL;
	UNIT_OK(rig_world_command(rig, json, &line, &error), error);
	const char *value = line ? strstr(line, "\"value\":") : NULL;
	return value ? g_ascii_strtod(value + strlen("\"value\":"), NULL) : (double)NAN;
}

static void every_sensor_says_the_truth_within_its_uncertainty(void)
{
	static const struct {
		const char *role, *quantity;
	} pairs[] = {{"mannequin.height", "mannequin.height"},
		     {"floor.force", "floor.force"},
		     {"chair.force", "chair.force"},
		     {"room.illuminance", "room.illuminance"},
		     {"gas.concentration", "gas.ppm"}};
	g_autoptr(GError) error = NULL;
	RigSpec *spec = NULL;
	Sink sink;
	sink_init(&sink);
	Rig *rig = open_rig(&spec, &error);
	UNIT_OK(rig, error);
	if (rig && rig_start(rig, &sink.stream, &error)) {
		g_autoptr(GPtrArray) items = rig_preflight(rig, NULL);
		for (guint i = 0; i < items->len; i++) {
			const DeviceItem *item = g_ptr_array_index(items, i);
			if (!item->ok)
				fprintf(stderr, "%s: %s\n", item->name, item->cure);
		}
		CU_ASSERT(rig_items_ok(items));
		pass(1500);
		for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
			const SignalInfo *info = rig_signal(rig, pairs[i].role);
			double measured = newest(&sink, pairs[i].role),
			       real = truth(rig, pairs[i].quantity);
			/* Three standard uncertainties, calibration and noise. */
			CU_ASSERT(info && fabs(measured - real) <=
						  3 * hypot(info->u_common, info->u_sample));
			fprintf(stderr, "%s: measured %g, true %g\n", pairs[i].role, measured,
				real);
		}
		CU_ASSERT(comes_to(&sink, "lamp.supplied", 23.9, 24.1, 1000));
		CU_ASSERT_EQUAL(faults(&sink), 0);
	}
	UNIT_OK(!error, error);
	rig_close(rig);
	rig_spec_free(spec);
	sink_clear(&sink);
}

static void commands_act_on_the_world_and_tell_when(void)
{
	g_autoptr(GError) error = NULL;
	RigSpec *spec = NULL;
	Sink sink;
	RigReply reply;
	sink_init(&sink);
	Rig *rig = open_rig(&spec, &error);
	UNIT_OK(rig && rig_start(rig, &sink.stream, &error) && rig_arm(rig, &error), error);
	if (rig) {
		/* Light in lux, through dimmer, supply, room and light meter. */
		CU_ASSERT(rig_command(rig, rig_role(rig, "room.lamp"), 150, DEVICE_SOONEST, 1));
		CU_ASSERT_EQUAL(reply_to(rig, 1, &reply), DEVICE_DONE);
		CU_ASSERT(comes_to(&sink, "room.illuminance", 142, 158, 3000));
		CU_ASSERT(comes_to(&sink, "room.lamp", 149.9, 150.1, 100));
		/* The fall: scheduled on the node. */
		double before = newest(&sink, "mannequin.height");
		int64_t at = clock_now(clock_monotonic()) + 300 * CLOCK_MS;
		CU_ASSERT(rig_trigger(rig, rig_role(rig, "mannequin.release"), at, 2));
		CU_ASSERT_EQUAL(reply_to(rig, 2, &reply), DEVICE_DONE);
		CU_ASSERT(llabs(reply.t_ns - at) < 2 * CLOCK_MS);
		fprintf(stderr, "release at %+.3f ms ± %.3f ms of its time\n",
			(double)(reply.t_ns - at) / 1e6, (double)reply.u_ns / 1e6);
		CU_ASSERT(comes_to(&sink, "mannequin.height", 0, 0.3, 4000));
		fprintf(stderr, "height %g m before, %g m after\n", before,
			newest(&sink, "mannequin.height"));
		CU_ASSERT(comes_to(&sink, "mannequin.release", 0, 0, 1000)); /* off again */
		UNIT_OK(rig_make_safe(rig, CLOCK_S, &error), error);
		CU_ASSERT(comes_to(&sink, "room.illuminance", -5, 10, 3000)); /* supply off: dark */
		CU_ASSERT(rig_command(rig, rig_role(rig, "room.lamp"), 150, DEVICE_SOONEST, 3));
		CU_ASSERT_EQUAL(reply_to(rig, 3, &reply), DEVICE_REFUSED);
		CU_ASSERT_FALSE(
			rig_command(rig, rig_role(rig, "floor.force"), 1, DEVICE_SOONEST, 4));
		CU_ASSERT_FALSE(rig_command(rig, rig_role(rig, "room.lamp"), (double)NAN,
					    DEVICE_SOONEST, 5));
		CU_ASSERT_EQUAL(faults(&sink), 0);
	}
	rig_close(rig);
	rig_spec_free(spec);
	sink_clear(&sink);
}

static void an_open_estop_is_told_with_its_cure_and_stops_arming(void)
{
	g_autoptr(GError) error = NULL;
	RigSpec *spec = NULL;
	Sink sink;
	sink_init(&sink);
	Rig *rig = open_rig(&spec, &error);
	UNIT_OK(rig && rig_start(rig, &sink.stream, &error), error);
	if (rig) {
		UNIT_OK(rig_world_command(rig, "{\"press\":\"node-a.estop\"}", NULL, &error),
			error);
		pass(200);
		g_autoptr(GPtrArray) items = rig_preflight(rig, NULL);
		bool told = false;
		for (guint i = 0; i < items->len; i++) {
			const DeviceItem *item = g_ptr_array_index(items, i);
			told |= !item->ok && strstr(item->name, "e-stop") &&
				strstr(item->cure, "release");
		}
		CU_ASSERT(told);
		CU_ASSERT_FALSE(rig_arm(rig, &error));
		CU_ASSERT_PTR_NOT_NULL(error);
		g_clear_error(&error);
		CU_ASSERT_FALSE(rig_world_command(rig, "{\"press\":\"nobody\"}", NULL, &error));
		CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	}
	rig_close(rig);
	rig_spec_free(spec);
	sink_clear(&sink);
}

static bool fault_says(Sink *sink, const char *signal, const char *text)
{
	bool said = false;
	pthread_mutex_lock(&sink->lock);
	for (guint i = 0; i < sink->recording->faults->len; i++) {
		const Fault *f = g_ptr_array_index(sink->recording->faults, i);
		said |= !g_strcmp0(f->signal, signal) && strstr(f->cause, text) && f->proven &&
			f->blame == BLAME_BENCH;
	}
	pthread_mutex_unlock(&sink->lock);
	return said;
}

/* Three seconds of a still, dark-ish room are no freeze, because a sensor has noise; a frozen camera is one. */
static void a_frozen_camera_is_told_by_its_role_and_a_still_room_is_not(void)
{
	g_autoptr(GError) error = NULL;
	RigSpec *spec = NULL;
	Sink sink;
	sink_init(&sink);
	Rig *rig = open_file(ANZEN_SOURCE_DIR "/rigs/living-room-virtual.yaml", &spec, &error);
	UNIT_OK(rig && rig_start(rig, &sink.stream, &error), error);
	if (rig) {
		pass(3000);
		fprintf(stderr, "%u frames in 3 s, newest age %g s\n", sink.frames,
			newest(&sink, "camera.main.age"));
		CU_ASSERT(sink.frames > 60); /* of 90: this machine may be busy */
		CU_ASSERT(newest(&sink, "camera.main.age") < 1);
		CU_ASSERT_EQUAL(newest(&sink, "camera.main.frozen"), 0);
		CU_ASSERT_FALSE(fault_says(&sink, "camera.main", ""));
		int64_t froze = clock_now(clock_monotonic());
		UNIT_OK(rig_world_command(rig, "{\"fault\":\"cam\",\"kind\":\"freeze\"}", NULL,
					  &error),
			error);
		for (int i = 0; i < 400 && !fault_says(&sink, "camera.main", "froze"); i++)
			pass(10);
		CU_ASSERT(fault_says(&sink, "camera.main", "froze"));
		/* The fault begins before the freeze, never after it, and not long before. */
		const Fault *f =
			sink.recording->faults->len ? sink.recording->faults->pdata[0] : NULL;
		CU_ASSERT(f && f->t_ns < froze + 100 * CLOCK_MS &&
			  f->t_ns > froze - 1700 * CLOCK_MS);
		if (f)
			fprintf(stderr, "fault begins %+.3f s from the freeze\n",
				(double)(f->t_ns - froze) / 1e9);
	}
	rig_close(rig);
	rig_spec_free(spec);
	sink_clear(&sink);
}

static void a_world_that_cannot_start_leaves_nothing(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(RigSpec) spec = rig_spec_load(RIG, diag);
	static const char *const programs[] = {"/nowhere/anzen-world", "/bin/false", "/bin/echo"};
	for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
		g_autoptr(GError) error = NULL;
		RigOptions options = {.world_program = programs[i]};
		CU_ASSERT_PTR_NULL(rig_open(spec, &options, &error));
		CU_ASSERT_PTR_NOT_NULL(error);
	}
}

UNIT_MAIN("rig.world", UNIT(every_sensor_says_the_truth_within_its_uncertainty),
	  UNIT(commands_act_on_the_world_and_tell_when),
	  UNIT(an_open_estop_is_told_with_its_cure_and_stops_arming),
	  UNIT(a_frozen_camera_is_told_by_its_role_and_a_still_room_is_not),
	  UNIT(a_world_that_cannot_start_leaves_nothing))
