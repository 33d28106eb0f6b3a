/* Pacing against the clock, and the bytes between the emulated UART and the pty. */
#include "node_sim_internal.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#define RESYNC_NS (50 * CLOCK_MS)
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

/* The machine (or a pause) stopped us for long: skip that time rather than run after it at full speed, while the host
 * already waits in the present. The node's clock has then stood still, which its host sees. The chip's watchdog has an
 * oscillator of its own that did not stand still: a core that stood longer than its 60 ms is reset. */
static void resync(NodeSim *sim, int64_t now)
{
	int64_t lag = now - node_sim_now(sim);
	pthread_mutex_lock(&sim->lock);
	if (lag > sim->stats.worst_lag_ns)
		sim->stats.worst_lag_ns = lag;
	if (lag > RESYNC_NS) {
		sim->stats.resyncs++;
		sim->stats.lost_ns += lag;
	}
	pthread_mutex_unlock(&sim->lock);
	if (lag > RESYNC_NS) {
		sim->base_ns = now;
		sim->base_cycle = sim->avr->cycle;
	}
	if (lag > WATCHDOG_NS)
		node_sim_reset(sim, true);
}

/* Paused: the core stands, its watchdog's oscillator does not. */
static void stand(NodeSim *sim, int64_t now)
{
	if (sim->bitten || now - node_sim_now(sim) <= WATCHDOG_NS)
		return;
	sim->bitten = true;
	resync(sim, now); /* resets it, as it lags that much: outputs float from here */
}

static void *run(void *arg)
{
	NodeSim *sim = arg;
	struct sched_param fifo = {.sched_priority = 1};
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &fifo); /* where allowed */
	int64_t next = clock_now(sim->clock);
	while (!atomic_load(&sim->stop)) {
		int64_t now = clock_now(sim->clock);
		if (atomic_load(&sim->paused)) {
			stand(sim, now);
		} else {
			sim->bitten = false;
			/* run first: what has arrived meanwhile must not reach the node before it was sent */
			resync(sim, now);
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
