#include "cpu_wait.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct CpuWait {
	GHashTable *delays; /* thread → int64_t: run delay at the last call */
	int64_t idle_ns[CPU_SETSIZE];
	int64_t at_ns; /* -1: no call yet */
};

/* The unit of /proc/stat. */
static int64_t tick_ns(void)
{
	return CLOCK_S / MAX(sysconf(_SC_CLK_TCK), 1);
}

CpuWait *cpu_wait_new(void)
{
	CpuWait *w = g_new0(CpuWait, 1);
	w->delays = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	w->at_ns = -1;
	return w;
}

void cpu_wait_free(CpuWait *w)
{
	if (!w)
		return;
	g_hash_table_unref(w->delays);
	g_free(w);
}

int64_t cpu_wait_counted(int64_t delay_ns, int64_t dt_ns, int64_t idle_ns)
{
	/* Idle time is known to a tick at either end. */
	int64_t most = idle_ns > 2 * tick_ns() ? dt_ns - idle_ns + 2 * tick_ns() : dt_ns;
	return CLAMP(delay_ns, 0, MAX(most, 0));
}

/* -1: not known, which is no idleness. */
static void read_idle(int64_t idle_ns[CPU_SETSIZE])
{
	g_autofree char *text = NULL;
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		idle_ns[i] = -1;
	if (!g_file_get_contents("/proc/stat", &text, NULL, NULL))
		return;
	for (const char *line = text; (line = strstr(line, "\ncpu")) != NULL; line++) {
		unsigned cpu;
		long long idle, iowait;
		if (sscanf(line, "\ncpu%u %*d %*d %*d %lld %lld", &cpu, &idle, &iowait) == 3 &&
		    cpu < CPU_SETSIZE)
			idle_ns[cpu] = (idle + iowait) * tick_ns();
	}
}

/* How long the most idle processor that the thread may use stood idle. */
static int64_t idle_for(const CpuWait *w, const int64_t now[CPU_SETSIZE], pid_t thread)
{
	int64_t most = 0;
	cpu_set_t allowed;
	if (sched_getaffinity(thread, sizeof(allowed), &allowed) != 0)
		return 0;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &allowed) && now[i] >= 0 && w->idle_ns[i] >= 0)
			most = MAX(most, now[i] - w->idle_ns[i]);
	return most;
}

static bool run_delay(pid_t pid, const char *thread, int64_t *ret_ns)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task/%s/schedstat", (int)pid, thread);
	g_autofree char *text = NULL;
	unsigned long long on, delay;
	if (!g_file_get_contents(path, &text, NULL, NULL) ||
	    sscanf(text, "%llu %llu", &on, &delay) != 2)
		return false;
	*ret_ns = (int64_t)delay;
	return true;
}

/* What counts of this thread since the last call; a new one's from its beginning. */
static int64_t waited(CpuWait *w, const int64_t idle[CPU_SETSIZE], pid_t thread, int64_t delay_ns,
		      int64_t dt_ns)
{
	gpointer key = GINT_TO_POINTER(thread);
	const int64_t *before = g_hash_table_lookup(w->delays, key);
	int64_t news = before && *before <= delay_ns ? delay_ns - *before : delay_ns;
	g_hash_table_insert(w->delays, key, g_memdup2(&delay_ns, sizeof(delay_ns)));
	return cpu_wait_counted(news, dt_ns, idle_for(w, idle, thread));
}

double cpu_wait_share(CpuWait *w, pid_t pid, int64_t now_ns)
{
	g_autofree char *folder = g_strdup_printf("/proc/%d/task", (int)pid);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	int64_t idle[CPU_SETSIZE], sum = 0, dt = now_ns - w->at_ns;
	bool first = w->at_ns < 0, any = false;
	read_idle(idle);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		int64_t delay;
		if (!run_delay(pid, name, &delay))
			continue;
		any = true;
		sum += waited(w, idle, (pid_t)atoi(name), delay, dt);
	}
	memcpy(w->idle_ns, idle, sizeof(idle));
	w->at_ns = any ? now_ns : -1;
	return any && !first && dt > 0 ? (double)sum / (double)dt : (double)NAN;
}
