/* A recording whose every value is arithmetic, a medium that forgets what was not synced, and the check of what came
 * back. Shared by the durability tests and the test with foreign readers.
 *
 * The medium: everything written is kept in a journal with its syncs. When the power goes at operation k, what was
 * written before the last finished sync began is there; of all later sectors each may be there, be zeros, hold old
 * contents of the medium (random bytes), or be torn, whatever happened to those before it (reordering), and the file
 * may be shorter. A process that is killed is the harmless case: all whole writes are there. */
#ifndef TESTS_SESSION_CRASH_H
#define TESTS_SESSION_CRASH_H

#include "unit.h"
#include <anzen/session.h>

#define CRASH_START (3 * CLOCK_S)
#define CRASH_STEP (2 * CLOCK_MS) /* 500 Hz */
#define CRASH_SLOW 50             /* steps: 10 Hz */
#define CRASH_EVENT 50
#define CRASH_FRAME 16 /* steps: 31.25 Hz */
#define CRASH_PROMISE_NS (400 * CLOCK_MS)
#define SECTOR 512

/* ---- the recording --------------------------------------------------------------------------- */

typedef struct {
	int steps;
	size_t chunk_size; /* 0: the recorder's own */
} CrashPlan;

/* What the dead recorder had promised; shared with its process. */
typedef struct {
	volatile int64_t now_ns;
	volatile uint64_t acknowledged; /* events */
} CrashTold;

static inline int64_t crash_time(int64_t i)
{
	return CRASH_START + i * CRASH_STEP;
}

static inline double crash_a(int64_t i)
{
	return (double)i;
}

static inline double crash_b(int64_t i)
{
	return 0.1 * (double)(i * 7 % 1000) - 3;
}

static inline double crash_slow(int64_t i)
{
	return 100.25 + (double)i;
}

static inline void crash_frame_bytes(int64_t number, uint8_t bytes[300])
{
	for (size_t k = 0; k < 300; k++)
		bytes[k] = (uint8_t)(number * 7 + (int64_t)k);
	memcpy(bytes, (const uint8_t[]){0, 0, 0, 1, number % 30 ? 0x41 : 0x65}, 5);
}

static inline void crash_push_frame(SessionProducer *p, int camera, int64_t i)
{
	uint8_t bytes[300];
	int64_t number = i / CRASH_FRAME;
	crash_frame_bytes(number, bytes);
	Frame frame = {.data = bytes,
		       .size = sizeof(bytes),
		       .format = "h264",
		       .width = 64,
		       .height = 48,
		       .capture_ns = crash_time(i),
		       .receipt_ns = crash_time(i),
		       .sequence = (uint64_t)number,
		       .key = number % 30 == 0};
	session_frame(p, camera, &frame);
}

static inline gboolean crash_record(const McapSink *sink, const CrashPlan *plan, CrashTold *told,
				    GError **error)
{
	g_autoptr(Clock) clock = clock_manual_new(CRASH_START);
	SessionOptions options = {.sink = sink,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .chunk_size = plan->chunk_size,
				  .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, error);
	static const char *const names[] = {"a", "b", "slow"};
	int ids[3];
	if (!w ||
	    !session_writer_attach(w, "scenario.yaml", NULL, "anzen: scenario/1\n", 18, error))
		return FALSE;
	session_writer_meta(w, "scenario", "crash");
	for (int i = 0; i < 3; i++) {
		SignalInfo info;
		signal_info_init(&info, names[i]);
		ids[i] = session_writer_add_signal(w, &info, i < 2 ? 500 : 10);
		signal_info_clear(&info);
	}
	int camera = session_writer_add_camera(w, "camera.main", "h264");
	SessionProducer *p = session_writer_add_producer(w, "executor", SESSION_BENCH);
	if (!session_writer_start(w, error))
		return FALSE;
	uint64_t last = 0;
	gboolean good = TRUE;
	for (int i = 0; good && i < plan->steps; i++) {
		int64_t t = crash_time(i);
		clock_manual_set(clock, t);
		told->now_ns = t;
		session_sample(p, ids[0], t, crash_a(i), SAMPLE_OK);
		session_sample(p, ids[1], t, crash_b(i), SAMPLE_OK);
		if (i % CRASH_SLOW == 0)
			session_sample(p, ids[2], t, crash_slow(i), SAMPLE_OK);
		if (i % CRASH_FRAME == 0)
			crash_push_frame(p, camera, i);
		if (i % CRASH_EVENT == 0)
			last = session_event(p, t, i == 0 ? "run.start" : "mark.step", NULL);
		if (i % 5 == 4) /* as often as the writer's thread looks: every 10 ms */
			good = session_writer_pump(w, error);
		while (told->acknowledged < last >> 8 &&
		       session_writer_acknowledged(w, (told->acknowledged + 1) << 8))
			told->acknowledged++;
	}
	if (!good)
		return FALSE;
	session_event(p, crash_time(plan->steps), "run.end", NULL);
	good = session_writer_finish(w, NULL, NULL, error);
	told->acknowledged += good;
	return good;
}

/* ---- the medium ------------------------------------------------------------------------------ */

typedef struct {
	size_t end;     /* of the file after this write */
	size_t durable; /* what the last finished sync had covered */
	CrashTold told; /* when it happened */
} CrashOp;

typedef struct {
	GByteArray *bytes;
	GArray *ops; /* CrashOp, one a write and one a sync */
	size_t durable;
	const CrashTold *told;
} CrashDisk;

static inline void crash_note(CrashDisk *d)
{
	CrashOp op = {d->bytes->len, d->durable, {0}};
	if (d->told)
		op.told = *d->told;
	g_array_append_val(d->ops, op);
}

static inline gboolean crash_disk_write(void *self, const void *data, size_t n, GError **error)
{
	CrashDisk *d = self;
	(void)error;
	g_byte_array_append(d->bytes, data, (guint)n);
	crash_note(d);
	return TRUE;
}

static inline gboolean crash_disk_sync(void *self, GError **error)
{
	CrashDisk *d = self;
	(void)error;
	crash_note(d); /* the power may go just before it is done */
	d->durable = d->bytes->len;
	crash_note(d);
	return TRUE;
}

static inline void crash_disk_init(CrashDisk *d, const CrashTold *told, McapSink *sink)
{
	*d = (CrashDisk){.bytes = g_byte_array_new(),
			 .ops = g_array_new(FALSE, TRUE, sizeof(CrashOp)),
			 .told = told};
	*sink = (McapSink){d, "disk", crash_disk_write, crash_disk_sync, NULL};
}

static inline void crash_disk_clear(CrashDisk *d)
{
	g_byte_array_unref(d->bytes);
	g_array_unref(d->ops);
}

static inline void crash_forget(GRand *rand, uint8_t *at, size_t n)
{
	bool old = g_rand_boolean(rand);
	for (size_t i = 0; i < n; i++)
		at[i] = old ? (uint8_t)g_rand_int(rand) : 0;
}

/* One of the fates of an unsynced sector. `loss`: of ten. */
static inline void crash_sector(GRand *rand, uint8_t *at, size_t n, int loss)
{
	if (g_rand_int_range(rand, 0, 10) >= loss)
		return;
	size_t kept = g_rand_boolean(rand) ? 0 : (size_t)g_rand_int_range(rand, 0, (gint)n);
	crash_forget(rand, at + kept, n - kept);
}

/* What stands on the medium when the power goes at operation `k`; caller unrefs. */
static inline GByteArray *crash_power_lost(const CrashDisk *d, guint k, GRand *rand)
{
	const CrashOp *op = &g_array_index(d->ops, CrashOp, k);
	size_t end = op->end, durable = op->durable;
	GByteArray *left = g_byte_array_new();
	int loss = (const int[]){0, 1, 5, 9}[g_rand_int_range(rand, 0, 4)];
	g_byte_array_append(left, d->bytes->data, (guint)end);
	for (size_t at = durable; at < end;) {
		size_t next = MIN((at / SECTOR + 1) * SECTOR, end);
		crash_sector(rand, left->data + at, next - at, loss);
		at = next;
	}
	if (end > durable && g_rand_boolean(rand))
		g_byte_array_set_size(
			left, (guint)(durable + (size_t)g_rand_int_range(
							rand, 0, (gint)(end - durable + 1))));
	return left;
}

/* ---- what came back -------------------------------------------------------------------------- */

typedef struct {
	bool recovered;                 /* false: nothing of a session was left */
	uint64_t events, frames, wrong; /* events and frames: those before the first missing one */
	int64_t last_ns; /* the earliest of the channels' last times: everything before it is there */
	char *problem;   /* of the recovered file, NULL: none */
} CrashLeft;

/* Samples must be those of the recording, each signal from its beginning; with `gaps` some may be missing after those
 * that were synced. */
static inline void crash_check_signal(const Recording *rec, const char *name, int64_t every,
				      double (*value)(int64_t), bool gaps, CrashLeft *ret)
{
	const Signal *s = recording_signal(rec, name);
	if (!s) {
		ret->last_ns = MIN(ret->last_ns, CRASH_START);
		return;
	}
	int64_t contiguous = CRASH_START;
	bool hole = false;
	for (size_t k = 0; k < s->n; k++) {
		int64_t i = (s->t_ns[k] - CRASH_START) / CRASH_STEP;
		hole |= i != (int64_t)k * every;
		ret->wrong += s->t_ns[k] != crash_time(i) || i % every != 0 ||
			      s->v[k] != value(i) || s->status[k] != SAMPLE_OK || (hole && !gaps);
		if (!hole)
			contiguous = s->t_ns[k];
	}
	/* The next one was due `every` steps later: nothing is missing before that. */
	ret->last_ns = MIN(ret->last_ns, contiguous + (every - 1) * CRASH_STEP);
}

static inline void crash_check_events(const Recording *rec, CrashLeft *ret)
{
	for (guint k = 0; k < rec->events->len; k++) {
		const Event *e = g_ptr_array_index(rec->events, k);
		bool first = e->t_ns == crash_time(0);
		bool mine = !strcmp(e->name, first ? "run.start" : "mark.step") ||
			    !strcmp(e->name, "run.end");
		ret->wrong += !mine;
		/* Those before the first missing one. */
		if (e->t_ns == crash_time((int64_t)k * CRASH_EVENT) && ret->events == k)
			ret->events++;
	}
}

static inline bool crash_check_frame(const Frame *f, void *data)
{
	CrashLeft *ret = data;
	uint8_t bytes[300];
	int64_t number = (f->capture_ns - CRASH_START) / CRASH_STEP / CRASH_FRAME;
	crash_frame_bytes(number, bytes);
	ret->frames += ret->frames == (uint64_t)number;
	ret->wrong += f->size != sizeof(bytes) || memcmp(bytes, f->data, f->size) != 0;
	return true;
}

/* Everything about a recovered file: strict reading, its chain, and every value in it; `frames`: the recording has
 * them. */
static inline void crash_check(const GByteArray *out, bool gaps, bool frames, CrashLeft *ret)
{
	g_auto(McapSource) source = {0};
	g_autoptr(GError) error = NULL;
	mcap_memory_source(out->data, out->len, &source);
	g_autoptr(SessionCheck) check = session_verify_source(&source, NULL);
	g_autoptr(SessionReader) reader = session_reader_open_source(&source, &error);
	g_autoptr(McapIndex) index = mcap_index_new(&source, NULL, NULL);
	if (!check->ok || !reader || !index) {
		ret->problem = g_strdup(!check->ok ? check->problem
						   : (error ? error->message : "no index"));
		return;
	}
	const Recording *rec = session_reader_recording(reader);
	ret->last_ns = INT64_MAX;
	crash_check_signal(rec, "a", 1, crash_a, gaps, ret);
	crash_check_signal(rec, "b", 1, crash_b, gaps, ret);
	crash_check_signal(rec, "slow", CRASH_SLOW, crash_slow, gaps, ret);
	crash_check_events(rec, ret);
	/* Without a camera the file ends before its channels. */
	ret->wrong +=
		session_reader_cameras(reader) > 0 &&
		!session_reader_frames(reader, "camera.main", 0, 0, crash_check_frame, ret, &error);
	/* The next frame was due then. */
	if (frames)
		ret->last_ns = MIN(ret->last_ns,
				   crash_time((int64_t)ret->frames * CRASH_FRAME) - CRASH_STEP);
}

static inline GByteArray *crash_recover(const GByteArray *bytes, char **ret_missing)
{
	g_auto(McapSource) source = {0};
	SessionRecovery r = {0};
	GByteArray *out = g_byte_array_new();
	McapSink sink;
	mcap_memory_source(bytes->data, bytes->len, &source);
	mcap_memory_sink(out, &sink);
	if (!session_recover(&source, &sink, &r, NULL))
		g_clear_pointer(&out, g_byte_array_unref);
	*ret_missing = r.missing;
	return out;
}

/* `gaps`: see crash_check_signal. Caller frees ret->problem. */
static inline void crash_look(const GByteArray *bytes, bool gaps, bool frames, CrashLeft *ret)
{
	g_autofree char *missing = NULL;
	g_autoptr(GByteArray) out = crash_recover(bytes, &missing);
	*ret = (CrashLeft){.recovered = out != NULL};
	if (out)
		crash_check(out, gaps, frames, ret);
}

#endif
