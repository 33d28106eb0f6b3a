#include <anzen/base/thread.h>

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

bool thread_realtime(ThreadUrgency urgency)
{
	struct sched_param fifo = {.sched_priority = (int)urgency};
	prctl(PR_SET_TIMERSLACK, 1UL);
	return pthread_setschedparam(pthread_self(), SCHED_FIFO, &fifo) == 0;
}
