/* The recorder with its threads, on the real clock and a real file: nothing is lost between threads, and a process that
 * is killed leaves every event that it was told is safe. */
#include "sample.h"
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PRODUCERS 4
#define SAMPLES 20000
#define EVENTS 200

static char *self;
static bool full; /* the night's number of kills */

typedef struct {
	SessionProducer *producer;
	int signal, index;
	uint64_t last_event;
} Work;

/* Whoever finds the ring full tries again: here nothing may be lost, so that the counts are exact. */
static void *work(void *data)
{
	Work *w = data;
	for (int i = 1; i <= SAMPLES; i++) {
		while (!session_sample(w->producer, w->signal, i * 1000, i + 0.25 * w->index,
				       SAMPLE_OK))
			clock_wait_until(clock_monotonic(),
					 clock_now(clock_monotonic()) + CLOCK_MS);
		if (i % (SAMPLES / EVENTS) == 0)
			w->last_event = session_event(w->producer, i * 1000, "mark.step", NULL);
	}
	return NULL;
}

static void four_producers_lose_nothing(void)
{
	g_autofree char *dir = g_dir_make_tmp("anzen-threads-XXXXXX", NULL),
			*path = g_build_filename(dir, "s.mcap", NULL), *sha256 = NULL;
	g_autoptr(GError) error = NULL;
	SessionOptions options = {.path = path,
				  .clock = clock_monotonic(),
				  .evidence = EVIDENCE_VIRTUAL,
				  .chunk_size = 65536};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	UNIT_OK(w, error);
	Work works[PRODUCERS];
	pthread_t threads[PRODUCERS];
	for (int i = 0; i < PRODUCERS; i++) {
		SignalInfo info;
		g_autofree char *name = g_strdup_printf("x.%d", i);
		sample_info(&info, name, "m");
		works[i] = (Work){.index = i, .signal = session_writer_add_signal(w, &info, 1000)};
		works[i].producer = session_writer_add_producer(w, name, SESSION_BENCH);
		signal_info_clear(&info);
	}
	UNIT_OK(session_writer_start(w, &error), error);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_create(&threads[i], NULL, work, &works[i]);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	UNIT_OK(session_writer_finish(w, "test", &sha256, &error), error);
	for (int i = 0; i < PRODUCERS; i++)
		CU_ASSERT_TRUE(session_writer_acknowledged(w, works[i].last_event));
	g_autofree char *of_file = session_sha256_file(path, &error);
	CU_ASSERT_STRING_EQUAL(sha256, of_file);

	g_autoptr(Recording) rec = session_load(path, &error);
	UNIT_OK(rec, error);
	CU_ASSERT_EQUAL(rec->events->len, PRODUCERS * EVENTS);
	for (int i = 0; i < PRODUCERS; i++) {
		g_autofree char *name = g_strdup_printf("x.%d", i);
		const Signal *s = recording_signal(rec, name);
		unsigned wrong = 0;
		CU_ASSERT_EQUAL(s->n, SAMPLES);
		for (size_t k = 0; k < s->n; k++)
			wrong += s->v[k] != (double)(k + 1) + 0.25 * i ||
				 s->t_ns[k] != (int64_t)(k + 1) * 1000;
		CU_ASSERT_EQUAL(wrong, 0);
	}
	g_unlink(path);
	g_rmdir(dir);
}

/* ---- the process that is killed: records until it dies, and says on standard output what is acknowledged ------ */

static int record_until_killed(const char *path)
{
	SessionOptions options = {.path = path,
				  .clock = clock_monotonic(),
				  .evidence = EVIDENCE_VIRTUAL,
				  .chunk_age_ns = 20 * CLOCK_MS};
	SessionWriter *w = session_writer_new(&options, NULL);
	SignalInfo info;
	sample_info(&info, "x", "m");
	int x = session_writer_add_signal(w, &info, 1000);
	SessionProducer *p = session_writer_add_producer(w, "p", SESSION_BENCH);
	if (!session_writer_start(w, NULL))
		return 1;
	uint64_t pushed = 0, told = 0;
	for (int64_t t = clock_now(clock_monotonic());; t += CLOCK_MS) {
		session_sample(p, x, t, 1, SAMPLE_OK);
		pushed += session_event(p, t, "mark.step", NULL) != 0;
		while (told < pushed && session_writer_acknowledged(w, (told + 1) << 8))
			told++;
		printf("%" G_GUINT64_FORMAT "\n", told);
		fflush(stdout);
		clock_wait_until(clock_monotonic(), t + CLOCK_MS);
	}
}

/* The child's last whole line: what it knew to be safe. */
static uint64_t kill_after(const char *path, uint64_t events)
{
	const char *argv[] = {self, "--record", path, NULL};
	GPid pid;
	gint out;
	char line[64];
	uint64_t told = 0;
	if (!g_spawn_async_with_pipes(NULL, (char **)(uintptr_t)argv, NULL,
				      G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL, &out, NULL,
				      NULL))
		return 0;
	FILE *from = fdopen(out, "r");
	while (fgets(line, sizeof(line), from) &&
	       (told = g_ascii_strtoull(line, NULL, 10)) < events)
		;
	kill(pid, SIGKILL);
	/* What it still said before it died counts as well. */
	while (fgets(line, sizeof(line), from))
		if (strchr(line, '\n'))
			told = g_ascii_strtoull(line, NULL, 10);
	fclose(from);
	waitpid(pid, NULL, 0);
	return told;
}

static void a_killed_process_keeps_every_acknowledged_event(void)
{
	unsigned rounds = full ? 100 : 5;
	for (unsigned i = 0; i < rounds; i++) {
		g_autofree char *dir = g_dir_make_tmp("anzen-killed-XXXXXX", NULL),
				*path = g_build_filename(dir, "s.mcap", NULL),
				*saved = g_build_filename(dir, "r.mcap", NULL);
		g_autoptr(GError) error = NULL;
		uint64_t told = kill_after(path, 20 + 7 * i);
		CU_ASSERT_TRUE(told >= 20 + 7 * i);
		g_autoptr(Recording) cut = session_load(path, &error);
		UNIT_OK(cut, error);
		CU_ASSERT_TRUE(cut && !cut->complete && strstr(cut->incomplete_why, "killed"));
		CU_ASSERT_TRUE(cut && cut->events->len >= told);
		g_auto(McapSource) source = {0};
		g_auto(McapSink) sink = {0};
		SessionRecovery r = {0};
		UNIT_OK(mcap_file_source(path, &source, &error) &&
				mcap_file_sink(saved, &sink, &error),
			error);
		UNIT_OK(session_recover(&source, &sink, &r, &error), error);
		CU_ASSERT_PTR_NOT_NULL(r.missing);
		session_recovery_clear(&r);
		g_autoptr(Recording) back = session_load(saved, &error);
		UNIT_OK(back, error);
		CU_ASSERT_TRUE(back && back->events->len == cut->events->len);
		g_unlink(path);
		g_unlink(saved);
		g_rmdir(dir);
	}
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(four_producers_lose_nothing),
					 UNIT(a_killed_process_keeps_every_acknowledged_event)};
	if (argc == 3 && !strcmp(argv[1], "--record"))
		return record_until_killed(argv[2]);
	full = argc > 1 && !strcmp(argv[1], "full");
	self = g_file_read_link("/proc/self/exe", NULL);
	int failed = unit_run("session.threads", tests, G_N_ELEMENTS(tests), full ? 1 : argc, argv);
	g_free(self);
	return failed;
}
