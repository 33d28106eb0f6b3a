/* Figures of the recorder, with its threads, on a real disk: 16 signals x 1 kHz from four producers, a camera of 30
 * frames of 60 kB a second, ten events a second. How long a producer was ever held up, the slowest write and sync, how
 * long an event waited for its acknowledgement, the CPU. Prints; asserts nothing about time.
 *
 *	perf-session [FOLDER [SECONDS]]
 */
#include <anzen/session.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define PRODUCERS 4
#define SIGNALS 4
#define FRAME_SIZE 60000

typedef struct {
	SessionWriter *writer;
	SessionProducer *producer;
	int signals[SIGNALS], camera;
	int64_t start, until;
	int64_t worst_push, worst_acknowledged;
	uint64_t refused;
} Work;

static void push_frame(Work *w, int64_t t, uint8_t *frame)
{
	frame[5]++;
	Frame f = {.data = frame,
		   .size = FRAME_SIZE,
		   .format = "h264",
		   .width = 640,
		   .height = 360,
		   .capture_ns = t,
		   .receipt_ns = t,
		   .sequence = (uint64_t)t,
		   .key = true};
	w->refused += !session_frame(w->producer, w->camera, &f);
}

static void push_all(Work *w, int64_t t, unsigned tick, uint8_t *frame, uint64_t *pending,
		     int64_t *since)
{
	int64_t before = clock_now(clock_monotonic());
	for (int i = 0; i < SIGNALS; i++)
		w->refused +=
			!session_sample(w->producer, w->signals[i], t, tick * 0.001, SAMPLE_OK);
	if (w->camera >= 0 && tick % 33 == 0)
		push_frame(w, t, frame);
	if (w->camera >= 0 && tick % 100 == 0 && *pending == 0) {
		*pending = session_event(w->producer, t, "mark.step", "{\"i\": 1}");
		*since = before;
	}
	w->worst_push = MAX(w->worst_push, clock_now(clock_monotonic()) - before);
}

static void *produce(void *data)
{
	Work *w = data;
	static uint8_t frame[FRAME_SIZE] = {0, 0, 0, 1, 0x65};
	uint64_t pending = 0;
	int64_t since = 0;
	unsigned tick = 0;
	for (int64_t t = w->start; t < w->until; t += CLOCK_MS, tick++) {
		clock_wait_until(clock_monotonic(), t);
		push_all(w, t, tick, frame, &pending, &since);
		if (pending && session_writer_acknowledged(w->writer, pending)) {
			w->worst_acknowledged =
				MAX(w->worst_acknowledged, clock_now(clock_monotonic()) - since);
			pending = 0;
		}
	}
	return NULL;
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void set_up(SessionWriter *w, Work works[PRODUCERS])
{
	for (int p = 0; p < PRODUCERS; p++) {
		g_autofree char *producer = g_strdup_printf("producer-%d", p);
		works[p] = (Work){.writer = w, .camera = -1};
		for (int i = 0; i < SIGNALS; i++) {
			g_autofree char *name = g_strdup_printf("signal.%d-%d", p, i);
			SignalInfo info;
			signal_info_init(&info, name);
			works[p].signals[i] = session_writer_add_signal(w, &info, 1000);
			signal_info_clear(&info);
		}
		works[p].producer = session_writer_add_producer(w, producer, SESSION_BENCH);
	}
	works[0].camera = session_writer_add_camera(w, "camera.main", "h264");
}

static void print(const SessionWriter *w, const Work works[PRODUCERS], int seconds, double cpu)
{
	SessionStats stats;
	int64_t worst_push = 0;
	uint64_t refused = 0;
	session_writer_stats(w, &stats);
	for (int p = 0; p < PRODUCERS; p++) {
		worst_push = MAX(worst_push, works[p].worst_push);
		refused += works[p].refused;
	}
	uint64_t messages = stats.samples + stats.events + 2 * stats.frames;
	printf("recorder: %d s, %" G_GUINT64_FORMAT " samples, %" G_GUINT64_FORMAT
	       " frames, %" G_GUINT64_FORMAT " events, %" G_GUINT64_FORMAT " lost, %.1f MB in "
	       "%" G_GUINT64_FORMAT " chunks\n",
	       seconds, stats.samples, stats.frames, stats.events, stats.lost + refused,
	       (double)stats.bytes / 1e6, stats.chunks);
	printf("  worst: producer held up %.3f ms, write %.1f ms, sync %.1f ms, acknowledgement "
	       "%.0f ms\n",
	       (double)worst_push / 1e6, (double)stats.worst_write_ns / 1e6,
	       (double)stats.worst_sync_ns / 1e6, (double)works[0].worst_acknowledged / 1e6);
	printf("  CPU %.2f %% of one core, %.2f us/message with producers\n", 100 * cpu / seconds,
	       cpu / (double)messages * 1e6);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : g_get_tmp_dir();
	int seconds = argc > 2 ? atoi(argv[2]) : 10;
	g_autofree char *path = g_build_filename(folder, "perf-session.mcap", NULL);
	g_autoptr(GError) error = NULL;
	SessionOptions options = {
		.path = path, .clock = clock_monotonic(), .evidence = EVIDENCE_VIRTUAL};
	Work works[PRODUCERS];
	pthread_t threads[PRODUCERS];

	g_unlink(path);
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	if (w)
		set_up(w, works);
	if (!w || !session_writer_start(w, &error)) {
		fprintf(stderr, "%s\n", error->message);
		return 1;
	}
	double cpu = cpu_seconds();
	int64_t start = clock_now(clock_monotonic()) + CLOCK_MS;
	for (int p = 0; p < PRODUCERS; p++) {
		works[p].start = start;
		works[p].until = start + seconds * CLOCK_S;
		pthread_create(&threads[p], NULL, produce, &works[p]);
	}
	for (int p = 0; p < PRODUCERS; p++)
		pthread_join(threads[p], NULL);
	gboolean good = session_writer_finish(w, NULL, NULL, &error);
	print(w, works, seconds, cpu_seconds() - cpu);
	g_unlink(path);
	return !good;
}
