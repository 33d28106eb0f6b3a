/* node_sim's own: the emulated board (node_sim.c) and what paces it (node_sim_thread.c). */
#ifndef ANZEN_WORLD_NODE_SIM_INTERNAL_H
#define ANZEN_WORLD_NODE_SIM_INTERNAL_H

#include "node_sim.h"

#include <pthread.h>
#include <sim_avr.h>
#include <stdatomic.h>

#define NODE_SIM_HZ 16000000.0
#define NODE_SIM_QUEUE 65536u /* bytes each way; a power of two */
#define NODE_SIM_OUTPUTS 16   /* out.0 … out.7, led, enable, step.0, dir.0 … dir.2 */
#define NODE_SIM_DUTIES 2
#define NODE_SIM_INPUTS 6

typedef struct {
	uint8_t data[NODE_SIM_QUEUE];
	unsigned head, tail; /* run freely */
} NodeSimBytes;

typedef struct {
	NodeSim *sim;
	int index;
} NodeSimPin;

typedef struct NodeSimBoard NodeSimBoard;

struct NodeSim {
	const NodeSimBoard *board;
	char *name, *elf, *uri;
	NodeSimPlant plant;
	Clock *clock;
	double cycle_ns; /* of the clock's time */
	int64_t slice_ns;

	avr_t *avr;
	void (*core_reset)(avr_t *avr); /* simavr's own hook */
	struct avr_uart_t *uart;
	avr_irq_t *uart_in, *adc_in[4];
	bool xoff, byte_timer; /* the emulated receiver is full; next byte is on its way */
	avr_cycle_count_t slice_end;
	bool was_reset, dead;
	int64_t base_ns; /* clock time of cycle base_cycle */
	avr_cycle_count_t base_cycle;
	NodeSimBytes in, out; /* to the node, from the node */
	bool level[NODE_SIM_OUTPUTS];
	int duty[NODE_SIM_DUTIES]; /* per mille */
	NodeSimPin pin[NODE_SIM_OUTPUTS], adc[4];
	uint8_t ext_mask[128], ext_value[128]; /* per port letter */

	int master, slave; /* pty */
	pthread_t thread;
	bool running;
	bool bitten; /* by the watchdog, while paused */
	atomic_bool stop, paused, power_cycle;
	pthread_mutex_t lock;            /* pending, stats */
	int8_t pending[NODE_SIM_INPUTS]; /* -1: none */
	NodeSimStats stats;
};

void node_sim_drive(NodeSim *sim, int input, bool level);
void node_sim_reset(NodeSim *sim, bool by_watchdog);
void node_sim_feed_more(NodeSim *sim);
avr_cycle_count_t node_sim_cycle_at(const NodeSim *sim, int64_t t_ns);

#endif
