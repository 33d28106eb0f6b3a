/* Replay: how late samples are given at 1 kHz, how many can be given a second, how fast lock-step is; and what each
 * perturbation of pictures costs. Prints figures, asserts nothing.
 *
 *	build/tests/perf-replay [SECONDS]	(10) */
#include <anzen/perturb.h>
#include <anzen/run.h>
#include <anzen/session.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS 16
#define HZ 1000
#define START CLOCK_S

static const char *name_of(int i, char *room, size_t n)
{
	static const char *const read[] = {"pan.temperature", "gas.concentration",
					   "room.temperature"};
	if (i < 3)
		return read[i];
	g_snprintf(room, n, "channel.%d", i);
	return room;
}

static gboolean make_session(const char *path, int seconds, GError **error)
{
	g_autoptr(Clock) clock = clock_manual_new(START);
	SessionOptions options = {.path = path,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, error);
	const char *pack = ANZEN_SOURCE_DIR "/criteria/living/stove-guard.yaml";
	int ids[CHANNELS];
	if (!w || !session_writer_attach_file(w, "criteria/living/stove-guard.yaml", pack, error))
		return FALSE;
	for (int i = 0; i < CHANNELS; i++) {
		SignalInfo info;
		char room[32];
		signal_info_init(&info, name_of(i, room, sizeof(room)));
		info.exogenous = true;
		ids[i] = session_writer_add_signal(w, &info, HZ);
		signal_info_clear(&info);
	}
	SessionProducer *p = session_writer_add_producer(w, "perf", SESSION_BENCH);
	if (!session_writer_start(w, error))
		return FALSE;
	session_event(p, START, "run.start", NULL);
	for (int64_t k = 0; k < (int64_t)seconds * HZ; k++) {
		for (int i = 0; i < CHANNELS; i++) /* each a little after the one before */
			session_sample(p, ids[i], START + k * CLOCK_S / HZ + i * 10 * CLOCK_US,
				       20 + 0.001 * (double)k, SAMPLE_OK);
		session_writer_pump(w, NULL);
	}
	session_event(p, START + seconds * CLOCK_S, "run.end", NULL);
	return session_writer_finish(w, NULL, NULL, error);
}

static void play(const char *dir, const char *session, ReplayPace pace, const char *what)
{
	g_auto(RunOutcome) outcome = {0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	ReplayConfig config = {.session = session,
			       .product = ANZEN_SOURCE_DIR "/products/stove-guard/product.yaml",
			       .out_dir = dir,
			       .program_dir = ANZEN_BINARY_DIR "/bin",
			       .lang = "en",
			       .pace = pace,
			       .rate = 1,
			       .to_ns = CLOCK_NEVER};
	int64_t from = clock_now(clock_monotonic());
	if (!run_replay(&config, &outcome, diag, &error)) {
		fprintf(stderr, "%s: %s\n", what, error ? error->message : "?");
		return;
	}
	double took = (double)(clock_now(clock_monotonic()) - from) * 1e-9;
	printf("%-12s %8llu samples; late p50 %.4f ms, p99 %.4f ms, p99.9 %.4f ms, worst %.3f ms; "
	       "%.2f s in all",
	       what, (unsigned long long)outcome.items, (double)outcome.lateness_p50_ns * 1e-6,
	       (double)outcome.lateness_p99_ns * 1e-6, (double)outcome.lateness_p999_ns * 1e-6,
	       (double)outcome.worst_lateness_ns * 1e-6, took);
	if (pace == REPLAY_MAX)
		printf("; %.0f samples a second",
		       (double)outcome.items / ((double)outcome.took_ns * 1e-9));
	printf("\n");
}

/* One picture of 640 x 360 in one thread. */
static void cost_of_pictures(void)
{
	enum { W = 640, H = 360, N = 3 };
	g_autofree uint8_t *pixels = g_malloc(W * H * 3);
	size_t n;
	const PerturbInfo *all = perturb_list(&n);
	for (size_t i = 0; i < n; i++) {
		if (all[i].domain != PERTURB_IMAGE)
			continue;
		g_autofree char *text = g_strdup_printf("%s:3", all[i].name);
		g_autoptr(PerturbChain) chain = perturb_chain_new(1);
		perturb_chain_add(chain, text, NULL);
		int64_t from = clock_now(clock_monotonic());
		g_autoptr(PerturbImage) image = perturb_image_new(chain, "c", W, H, 3, NULL);
		int64_t made = clock_now(clock_monotonic());
		for (int k = 0; k < N; k++) {
			memset(pixels, 90 + k, W * H * 3);
			perturb_image_apply(image, pixels, k);
		}
		int64_t end = clock_now(clock_monotonic());
		printf("%-18s %7.2f ms a picture, %7.2f ms once\n", text,
		       (double)(end - made) * 1e-6 / N, (double)(made - from) * 1e-6);
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10;
	g_autofree char *dir = g_dir_make_tmp("anzen-perf-XXXXXX", NULL);
	g_autofree char *session = g_build_filename(dir, "session.mcap", NULL);
	g_autoptr(GError) error = NULL;
	if (seconds < 1 || !make_session(session, seconds, &error)) {
		fprintf(stderr, "%s\n", error ? error->message : "perf-replay [SECONDS]");
		return 2;
	}
	printf("%d signals at %d Hz, %d s:\n", CHANNELS, HZ, seconds);
	play(dir, session, REPLAY_RATE, "recorded");
	play(dir, session, REPLAY_MAX, "max");
	play(dir, session, REPLAY_ANSWER, "lock-step");
	printf("the runs lie in %s\n\n640x360 RGB, one thread:\n", dir);
	cost_of_pictures();
	return 0;
}
