/* Scheduling of the calling thread, and locks that an urgent thread may take. */
#ifndef ANZEN_BASE_THREAD_H
#define ANZEN_BASE_THREAD_H

#include <glib.h>
#include <pthread.h>
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

/* A mutex whose holder runs as urgently as the most urgent thread that waits for it (PTHREAD_PRIO_INHERIT): without that a
 * normal thread that holds it, and waits for a busy CPU, holds up the executor or a lease. GMutex cannot do it. Destroy
 * with pthread_mutex_destroy(). */
void thread_lock_init(pthread_mutex_t *lock);

/* g_auto(ThreadLocker) locker = thread_locker(&lock): held to the end of the block. */
typedef pthread_mutex_t *ThreadLocker;
static inline ThreadLocker thread_locker(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	return lock;
}
static inline void thread_locker_end(ThreadLocker *locker)
{
	pthread_mutex_unlock(*locker);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ThreadLocker, thread_locker_end)

#endif
