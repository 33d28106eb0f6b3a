/* One replay while it lives. replay.c opens and seals it; replay_real.c plays it in real time, replay_step.c in lock-step.
 * Private to run. */
#ifndef ANZEN_RUN_REPLAY_H
#define ANZEN_RUN_REPLAY_H

#include "finish.h"
#include "live.h"
#include "open_loop.h"
#include "tape.h"

#include <anzen/adapter.h>
#include <pthread.h>
#include <stdatomic.h>

/* Before t = 0 the product sees the first picture standing still: until it is ready, and this long after. */
#define HOLD_PERIOD_NS (33 * CLOCK_MS)
#define HOLD_AFTER_READY_NS (2 * CLOCK_S)
/* After the last item: what the product still says belongs to the recording's last moment. */
#define TAIL_NS (400 * CLOCK_MS)

#define LATENESS_SIGNAL "replay.lateness"

typedef struct Replay {
	const ReplayConfig *config;
	Clock *clock;
	int64_t deadline_ns;
	Product *product;
	GPtrArray *packs;    /* Pack*; NULL: those of the recording */
	PerturbChain *chain; /* NULL: nothing is perturbed */
	Tape *tape;
	OpenLoop *loop;
	char *criteria,
		*left_out; /* comma lists: what is judged, NULL: all of the packs; what is not */
	char *folder, *session;
	SessionWriter *writer;
	TeeFeed feed;
	Tee *tee;
	ProductLink *link;
	pthread_t thread;
	bool thread_running;
	_Atomic int64_t origin_ns; /* bench time of tape->first_ns; 0: not yet, hold */
	_Atomic bool stop, ended;
	int64_t last_now_ns; /* of the last item played; the player's until it has ended */
	GArray *lateness;    /* int64, per item; the player's until it has ended */
	uint64_t frames, held;
	bool recording;
	int64_t took_ns; /* to play everything; REPLAY_MAX */
	bool blamed;
	GHashTable
		*decoders; /* camera → MediaDecoder*: lock-step, where products see grey pictures */
	const char *incomplete;
} Replay;

/* ---- replay_real.c, replay_step.c ---- */

/* Everything from the product's start to its end. */
gboolean replay_real(Replay *replay, GError **error);
gboolean replay_lockstep(Replay *replay, GError **error);
void replay_stop_player(Replay *replay); /* twice allowed */
/* Lock-step: give a recorded picture to the product as it sees pictures there. */
void replay_feed_grey(Replay *replay, const char *role, const Frame *unit);

/* ---- replay.c, for both ---- */

/* "WxH+X+Y": the part of the picture that the product is to look at; NULL: all of it. */
const char *replay_crop(const Replay *replay);
/* Bench time of a moment of the recording. */
int64_t replay_bench_time(const Replay *replay, int64_t recorded_ns);
/* Give one item to recorder and product at `now`, having been due at `due`. */
void replay_give(Replay *replay, const TapeItem *item, int64_t due, int64_t now);
/* The first picture of each camera and the first value of each signal, to the product alone. */
void replay_hold(Replay *replay, int64_t now);
/* FALSE: stop. */
bool replay_tell(const Replay *replay, const char *state, const char *doing, double t_s);
void replay_say(Replay *replay, const char *name, int64_t t_ns, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
void replay_blame(Replay *replay, int64_t t_ns, const char *cause, Blame who);
/* What the product said that it does not declare, and the end of the timeline. */
void replay_end(Replay *replay, int64_t end_ns);

#endif
