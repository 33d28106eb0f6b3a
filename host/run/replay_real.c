/* A replay in real time: a thread of its own gives each item at its time. */
#include "replay.h"

#include <math.h>
#include <string.h>

#define START_AHEAD_NS (300 * CLOCK_MS)
#define WATCH_NS (100 * CLOCK_MS)
/* A sleep ends some tens of microseconds late; the rest is waited for awake. */
#define SPIN_NS (80 * CLOCK_US)
/* REPLAY_MAX: what may wait for the recorder; its rings hold twice as much and more. */
#define MAX_SAMPLES_AHEAD 16000
#define MAX_FRAMES_AHEAD 30
#define MAX_PAUSE_NS (200 * CLOCK_US)

/* ---- the player's thread ----------------------------------------------------------------------------------------- */

static void hold(Replay *r)
{
	for (int64_t next = clock_now(r->clock); !atomic_load(&r->stop); next += HOLD_PERIOD_NS) {
		int64_t origin = atomic_load(&r->origin_ns);
		if (origin && next + HOLD_PERIOD_NS > origin)
			return;
		clock_wait_until(r->clock, next);
		replay_hold(r, clock_now(r->clock));
	}
}

/* Now, once it is `due`; -1: stop. */
static int64_t wait_for(Replay *r, int64_t due)
{
	int64_t now;
	while (!atomic_load(&r->stop) && (now = clock_now(r->clock)) < due)
		if (due - now > SPIN_NS)
			clock_wait_until(r->clock, MIN(due - SPIN_NS, now + WATCH_NS));
	return atomic_load(&r->stop) ? -1 : clock_now(r->clock);
}

/* As fast as the recorder writes: its rings must not run over. What was written since `before`. */
static int64_t wait_for_room(Replay *r, const SessionStats *before)
{
	SessionStats now;
	while (!atomic_load(&r->stop)) {
		session_writer_stats(r->writer, &now);
		/* each item is a sample twice over, or a picture and a sample: itself, and how late it was */
		uint64_t samples = 2 * (uint64_t)r->lateness->len - r->frames;
		if (samples < now.samples - before->samples + MAX_SAMPLES_AHEAD &&
		    r->frames < now.frames - before->frames + MAX_FRAMES_AHEAD)
			return clock_now(r->clock);
		clock_wait_until(r->clock, clock_now(r->clock) + MAX_PAUSE_NS);
	}
	return -1;
}

static void play(Replay *r)
{
	bool flat_out = r->config->pace == REPLAY_MAX;
	SessionStats before;
	session_writer_stats(r->writer, &before);
	for (guint i = 0; i < r->tape->items->len; i++) {
		const TapeItem *item = &g_array_index(r->tape->items, TapeItem, i);
		int64_t due = replay_bench_time(r, item->t_ns), now;
		now = flat_out ? wait_for_room(r, &before) : wait_for(r, due);
		if (now < 0)
			return;
		replay_give(r, item, flat_out ? now : due, now);
	}
	if (!flat_out)
		wait_for(r, replay_bench_time(r, r->tape->to_ns));
}

static void *player_main(void *user)
{
	Replay *r = user;
	bool realtime = thread_realtime(THREAD_PLAYER);
	tee_bench(r->tee)->event(tee_bench(r->tee), "replay.priority", clock_now(r->clock),
				 realtime ? "{\"detail\":\"SCHED_FIFO 30\"}"
					  : "{\"detail\":\"normal: SCHED_FIFO was refused\"}");
	hold(r);
	int64_t from = clock_now(r->clock);
	play(r);
	r->took_ns = clock_now(r->clock) - from;
	atomic_store(&r->ended, true);
	return NULL;
}

/* ---- the main thread ----------------------------------------------------------------------------------------------- */

static gboolean wake(gpointer user)
{
	*(bool *)user = true;
	return G_SOURCE_REMOVE;
}

static void pass(int64_t ns)
{
	bool over = false;
	g_timeout_add((guint)(ns / CLOCK_MS), wake, &over);
	while (!over)
		g_main_context_iteration(NULL, TRUE);
}

static gboolean start_player(Replay *r, GError **error)
{
	int failed = pthread_create(&r->thread, NULL, player_main, r);
	if (failed)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "no thread for the replay: %s",
			    g_strerror(failed));
	r->thread_running = !failed;
	return !failed;
}

void replay_stop_player(Replay *r)
{
	atomic_store(&r->stop, true);
	if (r->thread_running)
		pthread_join(r->thread, NULL);
	r->thread_running = false;
}

/* Real time that is not the recording's: the product's own waiting, hearing and thinking would be judged on a clock that
 * runs too fast or too slow for them. Only lock-step has no such clock. */
static void refuse_other_rates(Replay *r, int64_t now)
{
	if (r->config->pace == REPLAY_MAX)
		replay_blame(r, now,
			     "played as fast as it could be written: no time in it means what it "
			     "meant in the recording",
			     BLAME_BENCH);
	else if (fabs(r->config->rate - 1) > 0)
		replay_blame(r, now,
			     "not played at recorded speed: no time in it means what it meant in "
			     "the recording (--rate answer keeps it, for a product with lock-step)",
			     BLAME_BENCH);
}

static void begin(Replay *r)
{
	int64_t now = clock_now(r->clock), origin = now + START_AHEAD_NS;
	product_link_begin(r->link, now);
	atomic_store(&r->origin_ns, origin);
	replay_say(r, "replay.hold", now,
		   "until the first picture the product was shown the recording's picture of %.3f "
		   "s, standing still, each %d ms; these are not recorded",
		   (double)(r->tape->first_ns - r->tape->recording->start_ns) * 1e-9,
		   (int)(HOLD_PERIOD_NS / CLOCK_MS));
	refuse_other_rates(r, now);
	tee_bench(r->tee)->event(tee_bench(r->tee), "run.start",
				 replay_bench_time(r, r->tape->from_ns), NULL);
}

static void watch(Replay *r)
{
	int64_t start = replay_bench_time(r, r->tape->from_ns);
	while (!atomic_load(&r->ended)) {
		product_link_watch(r->link);
		double t_s = (double)(clock_now(r->clock) - start) * 1e-9;
		if (!replay_tell(r, "Live", "replay", t_s)) {
			r->incomplete = "stopped by the operator";
			replay_blame(r, clock_now(r->clock), r->incomplete, BLAME_UNKNOWN);
			break;
		}
		pass(WATCH_NS);
	}
	int64_t stopped_ns = clock_now(r->clock);
	replay_stop_player(r);
	pass(TAIL_NS);
	bool cut = r->incomplete || r->config->pace == REPLAY_MAX;
	replay_end(r, cut ? MAX(stopped_ns, start + 1) : replay_bench_time(r, r->tape->to_ns));
}

gboolean replay_real(Replay *r, GError **error)
{
	replay_tell(r, "Armed", "waiting for the product", (double)NAN);
	if (!start_player(r, error) || !product_link_start(r->link, error))
		return FALSE;
	pass(HOLD_AFTER_READY_NS);
	if (!replay_tell(r, "Armed", "waiting for the product", (double)NAN)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED,
			    "stopped by the operator before the replay began");
		return FALSE;
	}
	begin(r);
	watch(r);
	product_link_end(r->link);
	return TRUE;
}
