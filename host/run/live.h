/* A run while it lives: everything open, from arming to the sealed session. Private to run. */
#ifndef ANZEN_RUN_LIVE_H
#define ANZEN_RUN_LIVE_H

#include "executor.h"
#include "inputs.h"
#include "plan.h"
#include "disturb.h"
#include "tee.h"

#include <anzen/adapter.h>
#include <pthread.h>

/* The newest sample of a signal, for settling and for the operator's view. */
typedef struct Latest {
	int64_t t_ns;
	double v;
	bool ok;
} Latest;

/* A move that is under way, or waits for its time. */
#define LIVE_MOVES 8
typedef struct LiveMove {
	uint32_t id;               /* 0: none */
	int64_t from_ns, until_ns; /* its end lies here */
} LiveMove;

typedef struct Live {
	const RunConfig *config;
	const RunInputs *in;
	Clock *clock;
	char *folder, *session_path;
	Rig *rig;
	SessionWriter *writer;
	ProductLink *product;
	TeeFeed feed;
	Tee *tee;
	Disturb *disturb; /* NULL: the product is given what the bench has */
	ExecutorPlan *plan;
	Executor *executor;
	ExecutorOps ops;
	GArray *roles;      /* int: rig role of plan role i */
	GHashTable *latest; /* name → Latest*, under lock */
	pthread_mutex_t lock;
	GHashTable *signals; /* name → Signal*, empty: the units of everything that is recorded */
	GHashTable *encoders; /* role → MediaEncoder*: lock-step cameras */
	pthread_t thread;
	bool recording, thread_running, armed, began, product_started;
	int64_t next_exchange_ns, next_pump_ns; /* lock-step */
	_Atomic bool thread_ended;
	uint32_t next_id, cleanup_id; /* cleanup_id 0: the cleanup has not begun */
	LiveMove moves[LIVE_MOVES];   /* executor's thread */
	int64_t start_ns;
	char *incomplete; /* why the recording does not count as whole; NULL: it does */
	char *sha256;
} Live;

/* Open rig, session, tee and product endpoints; nothing moves. */
gboolean live_open(Live *live, const RunConfig *config, const RunInputs *in, const char *folder,
		   const char *id, Diagnostics *diag, GError **error);
/* Preflight, prompts, arming, settling, product start, the timeline, the tail, cleanup. FALSE: it never came to Live. */
gboolean live_play(Live *live, GError **error);
/* The run will not come to an end of its own: make safe, and let the recording say why it is not whole. Needs no call
 * after a live_play() that returned TRUE. */
void live_abandon(Live *live, const GError *why);
/* Seal the session. FALSE: the file is lost. */
gboolean live_seal(Live *live, GError **error);
/* Always safe to call, at any stage, twice: safe state, product and world ended, threads joined. */
void live_close(Live *live);

/* Set by run_request_stop(). */
extern volatile int live_stop_requested;

#endif
