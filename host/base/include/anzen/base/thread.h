/* Scheduling of the calling thread. */
#ifndef ANZEN_BASE_THREAD_H
#define ANZEN_BASE_THREAD_H

#include <stdbool.h>

/* SCHED_FIFO priorities of the bench, most urgent first. The world's parts stand below the bench, so that a busy
 * machine shows as a late rig and not as a late bench. */
typedef enum {
	THREAD_EXECUTOR = 40,
	THREAD_NODE = 39, /* keeps leases alive */
	THREAD_PLAYER = 30,
	THREAD_WORLD = 1,
} ThreadUrgency;

/* Real-time scheduling and exact timers for the calling thread. False: the machine does not allow it (RLIMIT_RTPRIO), and
 * the thread goes on as it was. */
bool thread_realtime(ThreadUrgency urgency);

#endif
