/* The interlock and the leases.
 *
 *	FAULTED --reset edge, estop and trip closed--> READY --anything wrong--> FAULTED
 *
 * The first reason and its time are kept until the next clearing. Clearing drives nothing: outputs are at SAFE,
 * queues are empty and no lease is alive, so the enable line stays low until the host asks for a lease.
 */
#include "core.h"

#define LEASE_TICKS TICKS_US(PROTO_LEASE_US)
#define LOOPS (PROTO_INPUT_ESTOP | PROTO_INPUT_TRIP)

void interlock_init(uint8_t boot_cause)
{
	node.state = PROTO_STATE_FAULTED;
	node.reason = boot_cause & PROTO_CAUSE_WATCHDOG ? PROTO_REASON_WATCHDOG : PROTO_REASON_BOOT;
	node.tripped_at32 = board_now();
	node.tripped_at = core_now64();
	node.reset_level = 1; /* so that a host which holds it at 1 makes no edge by our starting */
}

void interlock_latch(uint8_t reason, uint32_t at)
{
	board_irq irq = board_irq_off();
	outputs_force_safe();
	node.leases = 0;
	node.purge = 1;
	uint8_t was = node.state;
	node.state = PROTO_STATE_FAULTED;
	board_irq_restore(irq);
	if (was != PROTO_STATE_READY)
		return;
	/* whoever has changed the state has the reason to himself: nothing sets it ready again but main */
	node.reason = reason;
	node.tripped_at32 = at;
	node.tripped = 1;
	core_event(PROTO_EVENT_TRIPPED, reason, 0, at);
}

/* On the opening edge of a loop. The pin is not read again: a loop that has opened, however briefly, is a trip. */
void core_on_estop(void)
{
	interlock_latch(PROTO_REASON_ESTOP, board_now());
}

void core_on_trip(void)
{
	interlock_latch(PROTO_REASON_TRIP, board_now());
}

void interlock_tick(uint32_t now)
{
	uint8_t inputs = node.inputs;
	if (node.state == PROTO_STATE_READY &&
	    (inputs & LOOPS)) /* an edge that the interrupt did not see */
		interlock_latch(inputs & PROTO_INPUT_ESTOP ? PROTO_REASON_ESTOP : PROTO_REASON_TRIP,
				now);
	for (uint8_t g = 0; g < PROTO_GROUPS; g++) {
		if (node.renewing == g + 1) /* main is writing it; the next tick looks again */
			continue;
		if ((node.leases & (1u << g)) && (int32_t)(now - node.lease_end[g]) >= 0)
			interlock_latch(PROTO_REASON_LEASE, now);
	}
}

uint8_t interlock_reset(int32_t level)
{
	uint8_t edge = level && !node.reset_level;
	node.reset_level = level != 0;
	if (!level)
		return 0;
	if (!edge)
		return PROTO_REFUSED_NO_EDGE;
	if (node.state == PROTO_STATE_READY)
		return 0;
	outputs_purge(0);
	uint8_t reason = node.reason;
	node.reason =
		PROTO_REASON_NONE; /* before READY: a trip right after it finds the place free */
	board_irq irq = board_irq_off();
	uint8_t healthy = !(board_inputs() & LOOPS);
	if (healthy) {
		outputs_force_safe();
		node.purge = 0;
		node.state = PROTO_STATE_READY;
	}
	board_irq_restore(irq);
	if (!healthy) {
		node.reason = reason;
		return PROTO_REFUSED_UNHEALTHY;
	}
	core_event(PROTO_EVENT_CLEARED, 0, 0, board_now());
	return 0;
}

/* Begin or extend the lease of group g until `end`; true when it began. A trip may come at any moment: the bit is set with the state
 * in view and after the end was written, and a lease that has just ended is not brought back. */
static uint8_t extend(uint8_t g, uint32_t end)
{
	uint8_t bit = (uint8_t)(1u << g);
	uint8_t began = !(node.leases & bit), given = 0;
	if (began || (int32_t)(end - node.lease_end[g]) > 0) {
		node.renewing = (uint8_t)(g + 1); /* one tick at most is put off by it */
		board_barrier();
		node.lease_end[g] = end;
		board_barrier();
		node.renewing = 0;
	}
	board_irq irq = board_irq_off();
	if (node.state == PROTO_STATE_READY && (began || (node.leases & bit))) {
		node.leases |= bit;
		board_enable(1);
		given = 1;
	}
	board_irq_restore(irq);
	return given && began;
}

void interlock_word(uint8_t groups, uint64_t spoken, uint32_t arrived)
{
	if (!spoken || !groups)
		return;
	int64_t age = (int64_t)(core_time64(arrived) - spoken);
	if (age < 0)
		age = 0;
	if (age >= (int64_t)LEASE_TICKS) {
		core_event(PROTO_EVENT_STALE_WORD, 0, age > 65535 ? 65535 : (uint16_t)age, arrived);
		return;
	}
	uint32_t end = arrived - (uint32_t)age + LEASE_TICKS;
	if ((int32_t)(end - board_now()) <= 0)
		return;
	for (uint8_t g = 0; g < PROTO_GROUPS; g++)
		if ((groups & (1u << g)) && extend(g, end))
			core_event(PROTO_EVENT_LEASE_BEGAN, g, 0, arrived);
}

void interlock_release(void)
{
	board_irq irq = board_irq_off();
	outputs_force_safe();
	node.leases = 0;
	board_irq_restore(irq);
	outputs_purge(0);
}
