/* How long a program's threads wait for a processor. Private to adapter. */
#ifndef ANZEN_ADAPTER_CPU_WAIT_H
#define ANZEN_ADAPTER_CPU_WAIT_H

#include <anzen/base.h>
#include <sys/types.h>

typedef struct CpuWait CpuWait;

CpuWait *cpu_wait_new(void);
void cpu_wait_free(CpuWait *wait); /* takes NULL */

/* The time that the threads of `pid` waited since the last call, as a share of that time, summed over them (so it may exceed
 * 1); NaN at the first call and when nothing can be read. Sources: /proc/PID/task/T/schedstat, field 2 (run delay in ns, kernel
 * documentation scheduler/sched-stats), and /proc/stat, fields idle and iowait. */
double cpu_wait_share(CpuWait *wait, pid_t pid, int64_t now_ns);

/* What counts of one thread's run delay within dt_ns, in which the most idle processor that it may use stood idle for idle_ns:
 * nobody waits for a processor while one is free. Since Linux 6.12 a thread that fell asleep may stay on its queue ("delayed
 * dequeue") and be counted as waiting until it wakes: a reader of 30 pictures a second by 33 ms at a time, on an idle machine. */
int64_t cpu_wait_counted(int64_t delay_ns, int64_t dt_ns, int64_t idle_ns);

#endif
