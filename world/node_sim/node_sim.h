/* The node's release firmware (ATmega2560 or ATmega328P: the ELF tells) running in simavr, its pins and ADC coupled to a plant in cycle time
 * and its UART on a pty (or, in lock-step, on two byte queues). Nothing here knows the node's protocol.
 *
 *	NodeSimPlant plant = {.user = world, .pin_changed = on_pin, .adc_read = read_adc};
 *	NodeSimConfig config = {.elf = "build/firmware/node-atmega2560.elf", .name = "node-a"};
 *	g_autoptr(NodeSim) sim = node_sim_new(&config, &plant, clock_monotonic(), &error);
 *	node_sim_start(sim, &error);           // own thread, paced against the clock
 *	printf("%s\n", node_sim_uri(sim));     // "pty:/dev/pts/7"
 *
 * Terminals: out.0 … out.7 (node drives; the ATmega328P has out.0 … out.3), led, enable (high while the node allows energy), in.0 … in.3, estop, trip
 * (plant drives). estop and trip are normally closed loops: level 0 = closed = healthy, 1 = open = pressed. They
 * start closed; in.N start at 0. adc.0 … adc.3 are asked for, in millivolts (0 … 5000), at the sample-and-hold
 * instant of every conversion.
 */
#ifndef ANZEN_WORLD_NODE_SIM_H
#define ANZEN_WORLD_NODE_SIM_H

#include <anzen/base.h>

G_BEGIN_DECLS

typedef struct NodeSim NodeSim;

/* The plant's side. Called on the thread that runs the emulation (node_sim_start's own, or the caller of
 * node_sim_run_to), never concurrently with each other; t_ns is the node's cycle time expressed on the clock. Pin
 * levels are reported on change only, plus once each (level 0, floating = pulled down) when the node resets. Any
 * member may be NULL. A callback may call node_sim_set_input() and nothing else of this file. */
typedef struct NodeSimPlant {
	void *user;
	void (*pin_changed)(void *user, const char *name, bool level, int64_t t_ns);
	int (*adc_read)(void *user, const char *name, int64_t t_ns);
	/* pwm.N: the share of a period's time that the pin is high, when that changes; a new duty holds from the node's next
	 * period on (at most 1 ms later), off holds at once. */
	void (*duty_changed)(void *user, const char *name, int permille, int64_t t_ns);
} NodeSimPlant;

typedef struct NodeSimConfig {
	const char *elf;
	const char *name;     /* for messages: "node-a" */
	double frequency_ppm; /* error of the node's resonator against the clock; 0: none */
	int64_t slice_ns;     /* pacing; 0: 200 µs */
	uint32_t boot_count;  /* what its EEPROM remembers from before */
} NodeSimConfig;

typedef struct NodeSimStats {
	uint64_t cycles;  /* since power-on */
	uint64_t resets;  /* after the first one */
	uint64_t resyncs; /* lagged > 70 ms: the node lost that time, as the host must notice */
	int64_t lost_ns;  /* sum of what resyncs skipped */
	int64_t worst_lag_ns;
	uint64_t rx_bytes, tx_bytes;
} NodeSimStats;

/* Load the ELF and power the node on at clock_now(). `plant` is copied; `clock` is borrowed. NULL and
 * ANZEN_ERROR_INPUT when the ELF cannot be read, ANZEN_ERROR_IO when there is no pty. */
NodeSim *node_sim_new(const NodeSimConfig *config, const NodeSimPlant *plant, Clock *clock,
		      GError **error);
/* Takes NULL; stops and joins the thread first. */
void node_sim_free(NodeSim *sim);

/* "atmega2560" */
const char *node_sim_board(const NodeSim *sim);
/* "pty:/dev/pts/7"; owned by sim. */
const char *node_sim_uri(const NodeSim *sim);

/* Run in an own thread until node_sim_stop() or free. */
gboolean node_sim_start(NodeSim *sim, GError **error);
void node_sim_stop(NodeSim *sim);

/* ---- the back door: any thread ---------------------------------------------------------------------- */

/* Drive an input terminal: "estop", "trip", "in.0" … "in.3". With a running thread it takes effect at the next slice
 * (≤ 250 µs), otherwise or from a callback at the present cycle. False: no such input. */
bool node_sim_set_input(NodeSim *sim, const char *name, bool level);
/* Power off for a moment: outputs float, RAM is lost, the EEPROM stays. */
void node_sim_power_cycle(NodeSim *sim);
/* Stand still (a hung board: its clock stops with it) and go on; after more than 60 ms its watchdog has reset it. */
void node_sim_pause(NodeSim *sim, bool paused);
void node_sim_stats(NodeSim *sim, NodeSimStats *ret_stats);

/* ---- lock-step: no thread, no pty traffic; the caller's thread ------------------------------------------ */

/* Run until the node's cycle time reaches t_ns (exactly; the last instruction may end a few cycles later). */
void node_sim_run_to(NodeSim *sim, int64_t t_ns);
/* The same in cycles since power-on. */
void node_sim_run_to_cycle(NodeSim *sim, uint64_t cycle);
uint64_t node_sim_cycle(const NodeSim *sim);
int64_t node_sim_now(const NodeSim *sim);
/* Bytes to the node's UART; they arrive at its baud rate. False when the queue (64 KiB) cannot take all. */
bool node_sim_feed(NodeSim *sim, const uint8_t *data, size_t n);
/* Bytes that the node has sent since the last call; returns how many (≤ size). */
size_t node_sim_drain(NodeSim *sim, uint8_t *ret_data, size_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NodeSim, node_sim_free)

G_END_DECLS

#endif
