#include "core.h"
#include <string.h>

void core_init(uint32_t boot_count, uint8_t boot_cause)
{
	memset(&node, 0, sizeof node);
	node.boot_count = boot_count;
	node.boot_cause = boot_cause;
	outputs_init();
	axes_init();
	inputs_init();
	interlock_init(boot_cause);
	session_init();
}

/* The 32-bit count wraps every 35 minutes; main comes by far more often. */
uint64_t core_now64(void)
{
	uint32_t now = board_now();
	if (now < node.last_now)
		node.epoch++;
	node.last_now = now;
	return (uint64_t)node.epoch << 32 | now;
}

uint64_t core_time64(uint32_t ticks32)
{
	uint64_t now = core_now64();
	return now - (uint64_t)(int64_t)(int32_t)((uint32_t)now - ticks32);
}

void core_event(uint8_t event, uint8_t source, uint16_t detail, uint32_t at)
{
	board_irq irq = board_irq_off();
	uint8_t put = node.event_put, full = (uint8_t)(put - node.event_take) >= EVENT_RING;
	if (full)
		node.events_lost++;
	else
		node.event_put =
			(uint8_t)(put + 1); /* ours to fill: main looks when no interrupt runs */
	board_irq_restore(irq);
	if (full)
		return;
	struct event *e = &node.event[put % EVENT_RING];
	e->event = event;
	e->source = source;
	e->detail = detail;
	e->at = at;
}

uint8_t core_too_late(uint8_t reg, int64_t late)
{
	core_event(PROTO_EVENT_LATE, reg,
		   late > 65535 ? 65535
		   : late > 0   ? (uint16_t)late
				: 0,
		   board_now());
	return PROTO_REFUSED_LATE;
}

void core_on_tick(void)
{
	uint32_t now = board_now();
	inputs_tick(now);
	interlock_tick(now);
	axes_tick();
	node.ticks++;
}

/* Until a host writes the lamp: quick blink = faulted, slow = ready, steady = leased. */
static void lamp(uint32_t ticks)
{
	if (node.led_by_host)
		return;
	uint8_t on;
	if (node.leases)
		on = 1;
	else
		on = (ticks >> (node.state == PROTO_STATE_READY ? 10 : 8)) & 1;
	if (on != node.led) {
		node.led = on;
		board_led(on);
	}
}

static uint32_t ticks_now(void)
{
	board_irq irq = board_irq_off();
	uint32_t ticks = node.ticks;
	board_irq_restore(irq);
	return ticks;
}

void core_poll(void)
{
	uint32_t ticks = ticks_now();
	if (ticks != node.kicked) { /* the tick interrupt lives too */
		node.kicked = ticks;
		board_watchdog_kick();
	}
	core_now64();
	session_poll();
	lamp(ticks);
}
