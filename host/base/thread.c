#include <anzen/base/thread.h>

#include <sched.h>
#include <sys/prctl.h>

bool thread_realtime(ThreadUrgency urgency)
{
	struct sched_param fifo = {.sched_priority = (int)urgency};
	prctl(PR_SET_TIMERSLACK, 1UL);
	return pthread_setschedparam(pthread_self(), SCHED_FIFO, &fifo) == 0;
}

void thread_lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}
