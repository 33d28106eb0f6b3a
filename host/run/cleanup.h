/* The scenario's cleanup: its steps one after the other, each waiting for its devices' replies and then for its signal to
 * settle, all of it bounded in time. A state machine like the executor, whose part it is: cleanup_step(now) does what is due.
 * Executor's thread only; allocates nothing, waits for nothing. Private to run. */
#ifndef ANZEN_RUN_CLEANUP_H
#define ANZEN_RUN_CLEANUP_H

#include "executor.h"

typedef struct Cleanup {
	const GPtrArray *steps; /* PlanCleanup*, of the plan */
	const ExecutorOps *ops;
	bool begun, sent, settles;
	unsigned step, pending;
	int64_t deadline_ns, sent_ns, near_since_ns;
	char why[160]; /* the first thing that went wrong; empty: nothing did */
} Cleanup;

void cleanup_init(Cleanup *cleanup, const GPtrArray *steps, const ExecutorOps *ops);
/* May it take until deadline_ns, and wait for signals to settle? Afterwards cleanup_step() is called again and again. */
void cleanup_begin(Cleanup *cleanup, int64_t deadline_ns, bool settles, int64_t now_ns);
/* True when it is over. */
bool cleanup_step(Cleanup *cleanup, int64_t now_ns);
/* A reply to one of its commands. `what` is copied. */
void cleanup_answered(Cleanup *cleanup, bool done, const char *what);
void cleanup_sample(Cleanup *cleanup, const ExecutorSample *sample);
/* It may not go on. */
void cleanup_break_off(Cleanup *cleanup, const char *why);

#endif
