/* The tee of the data plane: what devices and product say goes to the recorder, to the executor and to the product's
 * inputs, each through its own lock-free ring; no consumer can hold up another.
 *
 * The Stream may be called from many threads at once. Each thread gets a recorder's producer and an executor's ring
 * from a pool on its first call; tee_new() makes the pool, so nothing allocates later. Private to run. */
#ifndef ANZEN_RUN_TEE_H
#define ANZEN_RUN_TEE_H

#include "executor.h"

#include <anzen/session.h>

typedef struct Tee Tee;

/* Threads that may feed it. */
#define TEE_THREADS 16

/* What else wants the data: the product's inputs. Called on the source's thread. */
typedef struct TeeFeed {
	void (*sample)(void *user, const char *role, int64_t t_ns, double value,
		       SampleStatus status);
	void (*frame)(void *user, const char *role, const Frame *frame);
	/* Raw pictures of a lock-step camera are recorded as H.264: fill ret_unit, FALSE when there is none. NULL: record as is. */
	bool (*encode)(void *user, const char *role, const Frame *picture, Frame *ret_unit);
	void *user;
} TeeFeed;

/* Adds its producers to `writer`, which must not have started. `sources`: the names that the executor listens to
 * (ExecutorPlan.sources). All borrowed for the tee's life. */
Tee *tee_new(SessionWriter *writer, const GPtrArray *sources, const TeeFeed *feed);
void tee_free(Tee *tee);

/* Session signal ids by name: declared before tee use; a sample of an undeclared signal is never recorded. */
void tee_declare_signal(Tee *tee, const char *name, int session_id);
void tee_declare_camera(Tee *tee, const char *name, int session_id);

/* Where devices and the rig deliver. */
Stream *tee_bench(Tee *tee);
/* Where the adapter delivers: product traffic has rings of its own in the recorder. */
Stream *tee_product(Tee *tee);

/* The executor's side. */
bool tee_pop(Tee *tee, ExecutorSample *ret);

/* Samples that did not fit the executor's rings: guards and conditions were blind for a moment (a bench fault). */
uint64_t tee_executor_lost(const Tee *tee);
/* Threads that found no place in the pool: what they said is not in the recording (a bench fault). */
unsigned tee_threads_refused(const Tee *tee);

#endif
