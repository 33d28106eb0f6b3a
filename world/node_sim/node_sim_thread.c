/* Pacing against the clock, and the bytes between the emulated UART and the pty. */
#include "node_sim_internal.h"

#include <errno.h>
#include <unistd.h>

#define RESYNC_NS (70 * CLOCK_MS)
#define STALL_NS (200 * CLOCK_MS)
#define WATCHDOG_NS (60 * CLOCK_MS)

static void take_pending(NodeSim *sim)
{
	int8_t pending[NODE_SIM_INPUTS];
	pthread_mutex_lock(&sim->lock);
	memcpy(pending, sim->pending, sizeof pending);
	memset(sim->pending, -1, sizeof sim->pending);
	pthread_mutex_unlock(&sim->lock);
	for (int i = 0; i < NODE_SIM_INPUTS; i++)
		if (pending[i] >= 0)
			node_sim_drive(sim, i, pending[i]);
	if (atomic_exchange(&sim->power_cycle, false))
		node_sim_reset(sim, false);
}

static void read_pty(NodeSim *sim)
{
	uint8_t bytes[512];
	ssize_t n;
	size_t room = NODE_SIM_QUEUE - (sim->in.head - sim->in.tail);
	while (room && (n = read(sim->master, bytes, MIN(sizeof bytes, room))) > 0) {
		node_sim_feed(sim, bytes, (size_t)n);
		room -= (size_t)n;
	}
}

static void write_pty(NodeSim *sim)
{
	while (sim->out.tail != sim->out.head) {
		unsigned at = sim->out.tail % NODE_SIM_QUEUE;
		unsigned n = MIN(sim->out.head - sim->out.tail, NODE_SIM_QUEUE - at);
		ssize_t written = write(sim->master, sim->out.data + at, n);
		if (written <= 0)
			return;
		sim->out.tail += (unsigned)written;
	}
}

/* Skip the time that was lost: the node's clock has stood still, which its host sees. */
static void skip_to(NodeSim *sim, int64_t now, int64_t lag)
{
	pthread_mutex_lock(&sim->lock);
	sim->stats.resyncs++;
	sim->stats.lost_ns += lag;
	pthread_mutex_unlock(&sim->lock);
	sim->base_ns = now;
	sim->base_cycle = sim->avr->cycle;
}

/* The machine kept us waiting. Up to RESYNC_NS the core simply runs after the clock, some 20 times as fast, without
 * hearing its host meanwhile: 20 ms between keep-alives and that still fit into a lease of 95 ms, and no clock jumps. Beyond it,
 * skip: racing through so much silence would only end the lease. A core that stood for STALL_NS is one that its host has
 * given up; it comes back as its watchdog would bring it back, not with old commands and a lease still running. */
static void keep_up(NodeSim *sim, int64_t now)
{
	int64_t lag = now - node_sim_now(sim);
	pthread_mutex_lock(&sim->lock);
	sim->stats.worst_lag_ns = MAX(sim->stats.worst_lag_ns, lag);
	pthread_mutex_unlock(&sim->lock);
	if (lag > RESYNC_NS)
		skip_to(sim, now, lag);
	if (lag > STALL_NS)
		node_sim_reset(sim, true);
}

/* Paused: the core stands, its watchdog's oscillator does not; from its bite the outputs float. */
static void stand(NodeSim *sim, int64_t now)
{
	int64_t stood = now - node_sim_now(sim);
	if (!sim->bitten && stood > WATCHDOG_NS) {
		sim->bitten = true;
		skip_to(sim, now, stood);
		node_sim_reset(sim, true);
	}
}

/* The first turn after a pause. */
static void resume(NodeSim *sim, int64_t now)
{
	sim->bitten = false;
	skip_to(sim, now, now - node_sim_now(sim));
}

static void *run(void *arg)
{
	NodeSim *sim = arg;
	thread_realtime(THREAD_WORLD); /* where allowed */
	int64_t next = clock_now(sim->clock);
	while (!atomic_load(&sim->stop)) {
		int64_t now = clock_now(sim->clock);
		if (atomic_load(&sim->paused)) {
			stand(sim, now);
		} else {
			if (sim->bitten)
				resume(sim, now);
			/* run first: what has arrived meanwhile must not reach the node before it was sent */
			keep_up(sim, now);
			node_sim_run_to(sim, now);
			write_pty(sim);
			take_pending(sim);
			read_pty(sim);
		}
		next = MAX(next + sim->slice_ns, now);
		clock_wait_until(sim->clock, next);
	}
	return NULL;
}

gboolean node_sim_start(NodeSim *sim, GError **error)
{
	g_return_val_if_fail(!sim->running, FALSE);
	atomic_store(&sim->stop, false);
	sim->base_ns = clock_now(sim->clock);
	sim->base_cycle = sim->avr->cycle;
	int result = pthread_create(&sim->thread, NULL, run, sim);
	if (result) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: no thread: %s", sim->name,
			    g_strerror(result));
		return FALSE;
	}
	sim->running = true;
	return TRUE;
}

void node_sim_stop(NodeSim *sim)
{
	if (!sim->running)
		return;
	atomic_store(&sim->stop, true);
	pthread_join(sim->thread, NULL);
	sim->running = false;
}

void node_sim_power_cycle(NodeSim *sim)
{
	if (sim->running && !pthread_equal(pthread_self(), sim->thread))
		atomic_store(&sim->power_cycle, true);
	else
		node_sim_reset(sim, false);
}

void node_sim_pause(NodeSim *sim, bool paused)
{
	atomic_store(&sim->paused, paused);
}

void node_sim_stats(NodeSim *sim, NodeSimStats *ret_stats)
{
	pthread_mutex_lock(&sim->lock);
	*ret_stats = sim->stats;
	pthread_mutex_unlock(&sim->lock);
}
