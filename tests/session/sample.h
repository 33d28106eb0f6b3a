/* A small recording that several session tests make: two fast signals, a slow one, a camera, events, a fault. All
 * expected values are arithmetic that the tests repeat by hand. */
#ifndef TESTS_SESSION_SAMPLE_H
#define TESTS_SESSION_SAMPLE_H

#include "unit.h"
#include <anzen/session.h>

#define SAMPLE_START (5 * CLOCK_S)
#define SAMPLE_END (7 * CLOCK_S)
#define SAMPLE_FAST_STEP (2 * CLOCK_MS) /* 500 Hz: 1000 samples of each fast signal */
#define SAMPLE_FAST 1000
#define SAMPLE_SLOW 20 /* 10 Hz */
#define SAMPLE_FRAMES 60

static inline double sample_height(int i) /* falls from 1 m at 6 s on, 1 mm a step */
{
	return i < 500 ? 1.0 : 1.0 - 0.001 * (i - 500);
}

/* Called after every pump; may look at the writer. */
typedef void (*SampleHook)(SessionWriter *writer, uint64_t last_event, int64_t now, void *data);

typedef struct {
	uint64_t events_acknowledged; /* as the hook saw it */
	char *sha256;
	gboolean finished;
} SampleResult;

static inline void sample_info(SignalInfo *info, const char *name, const char *unit)
{
	signal_info_init(info, name);
	unit_parse(unit, &info->unit, NULL);
	info->max_gap_ns = 5 * CLOCK_MS;
	info->bandwidth_hz = 50;
	info->max_slew = 12.5;
	info->range_lo = 0;
	info->range_hi = 3;
	info->u_common = 0.0021;
	info->dof_common = INFINITY;
	info->u_sample = 0.1 + 0.2; /* 17 digits are needed to give it back */
	info->u_clock_s = 1e-6;
	info->serial = g_strdup("string-pot-0007");
	info->certificate = g_strdup("2026-10-01, valid until 2027-10-01");
}

static inline bool sample_frame(SessionProducer *p, int camera, int i)
{
	uint8_t bytes[300];
	for (size_t k = 0; k < sizeof(bytes); k++)
		bytes[k] = (uint8_t)(i * 7 + (int)k);
	memcpy(bytes, (const uint8_t[]){0, 0, 0, 1, i % 30 ? 0x41 : 0x65}, 5);
	Frame frame = {.data = bytes,
		       .size = sizeof(bytes),
		       .format = "h264",
		       .width = 640,
		       .height = 360,
		       .capture_ns = SAMPLE_START + i * 33 * CLOCK_MS,
		       .capture_u_ns = 12345,
		       .receipt_ns = SAMPLE_START + i * 33 * CLOCK_MS + 2 * CLOCK_MS,
		       .sequence = 1000 + (uint64_t)i,
		       .key = i % 30 == 0};
	return session_frame(p, camera, &frame);
}

/* Record the two seconds through `sink` on a hand-advanced clock. */
static inline gboolean sample_record(const McapSink *sink, const char *path, SampleHook hook,
				     void *data, SampleResult *ret, GError **error)
{
	g_autoptr(Clock) clock = clock_manual_new(SAMPLE_START);
	SessionOptions options = {.path = path,
				  .sink = sink,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, error);
	SignalInfo height, force, light;
	if (!w ||
	    !session_writer_attach(w, "scenario.yaml", NULL, "anzen: scenario/1\n", 18, error))
		return FALSE;
	session_writer_meta(w, "scenario", "fall-watch/chair-fall");
	session_writer_meta(w, "product", "fall-watch 転倒");
	sample_info(&height, "mannequin.height", "m");
	sample_info(&force, "floor.force", "N");
	sample_info(&light, "room.illuminance", "lx");
	light.origin = ORIGIN_LABEL;
	light.interp = SIGNAL_PREVIOUS;
	light.exogenous = true;
	light.range_hi = NAN;
	light.certificate_fault = g_strdup("expired");
	int h = session_writer_add_signal(w, &height, 500),
	    f = session_writer_add_signal(w, &force, 500),
	    l = session_writer_add_signal(w, &light, 10),
	    cam = session_writer_add_camera(w, "camera.main", "h264");
	signal_info_clear(&height);
	signal_info_clear(&force);
	signal_info_clear(&light);
	SessionProducer *p = session_writer_add_producer(w, "executor", SESSION_BENCH);
	SessionProducer *q = session_writer_add_producer(w, "camera", SESSION_BENCH);
	if (!session_writer_start(w, error))
		return FALSE;

	gboolean good = TRUE;
	uint64_t last = session_event(p, SAMPLE_START, "run.start", NULL);
	for (int i = 0, frame = 0; good && i < SAMPLE_FAST; i++) {
		int64_t t = SAMPLE_START + i * SAMPLE_FAST_STEP;
		clock_manual_set(clock, t);
		session_sample(p, h, t, sample_height(i), SAMPLE_OK);
		session_sample(p, f, t, i == 700 ? (double)NAN : i,
			       i == 700 ? SAMPLE_MISSING : SAMPLE_OK);
		if (i % 50 == 0)
			session_sample(p, l, t, 150.25 + i, i == 100 ? SAMPLE_STALE : SAMPLE_OK);
		while (frame < SAMPLE_FRAMES && SAMPLE_START + frame * 33 * CLOCK_MS <= t)
			sample_frame(q, cam, frame++);
		if (i % 100 == 99)
			last = session_event(p, t, "mark.step", "{\"i\": 1, \"ja\": \"転倒\"}");
		if (i % 5 == 4)
			good = session_writer_pump(w, error);
		if (hook && i % 5 == 4)
			hook(w, last, t, data);
	}
	Fault fault = {SAMPLE_START + CLOCK_S,
		       SAMPLE_START + 2 * CLOCK_S,
		       (char[]){"camera.main"},
		       (char[]){"froze: \"45\" equal frames"},
		       (char[]){"camera.main"},
		       BLAME_BENCH,
		       true};
	session_fault(q, &fault);
	clock_manual_set(clock, SAMPLE_END);
	session_event(p, SAMPLE_END, "run.end", NULL);
	good = good && session_writer_finish(w, NULL, &ret->sha256, error);
	ret->finished = good;
	return good;
}

#endif
