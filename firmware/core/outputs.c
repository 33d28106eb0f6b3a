/* Outputs and their schedule. Whatever leaves SAFE is bounded in time from the moment it does. */
#include "core.h"
#include "../protocol/flash.h"

/* A row of registers.def that could hurt and has no bound does not build. */
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc)                            \
	_Static_assert((max_on) > 0 && (max_on) <= 65535,                                      \
		       name ": MAX_ON must be 1 ms ... 65.535 s");                             \
	_Static_assert((lo) <= (safe) && (safe) <= (hi), name ": SAFE must lie in lo ... hi"); \
	_Static_assert((lo) == 0 && (hi) == ((index) < OUT_LEVELS ? 1 : 1000),                 \
		       name ": levels share one port, the others are duties in per mille");    \
	_Static_assert((index) < OUT_LEVELS || (safe) == 0,                                    \
		       name ": a duty is safe at 0: its pin is cut from the timer");
#include "../protocol/registers.def"
_Static_assert(PROTO_LEASE_US + 1000 <= 96000, "safe within 100 ms of the host's last word");

#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) \
	[index] = {safe, PROTO_HOLD_##hold, PROTO_GROUP_##group},
const struct output_fact core_facts[OUT_COUNT] = {
#include "../protocol/registers.def"
	[OUT_LED] = {0, PROTO_HOLD_RENEWABLE, OUT_NO_GROUP},
};

#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) [index] = max_on,
static const uint32_t max_on_ms[OUT_COUNT] PROTO_FLASH = {
#include "../protocol/registers.def"
	[OUT_LED] = 0, /* the only one without */
};

void outputs_init(void)
{
	for (uint8_t i = 0; i < OUT_COUNT; i++)
		node.out[i].limit_ms = (uint16_t)proto_flash32(&max_on_ms[i]);
	node.port = CORE_SAFE_PORT;
	node.alarm_out = OUT_COUNT;
}

uint16_t outputs_value(uint8_t i)
{
	if (i == OUT_LED)
		return node.led;
#if !ROWS_DUTIES
	return node.port >> i & 1;
#else
	return i < OUT_LEVELS ? (uint16_t)((node.port >> i) & 1)
			      : board_pwm((uint8_t)(i - OUT_LEVELS));
#endif
}

/* Bit of a port or a group; the AVR shifts one place at a time, a table costs two cycles. 0 for the lamp and the duties. */
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) \
	[index] = (index) < OUT_LEVELS ? 1u << (index) : 0,
static const uint8_t bit_of[OUT_COUNT] = {
#include "../protocol/registers.def"
	[OUT_LED] = 0,
};

/* Interrupts off. */
static inline void drive(uint8_t bit, uint8_t value)
{
	uint8_t port = value ? node.port | bit : node.port & (uint8_t)~bit;
	board_outputs(port);
	node.port = port;
}

void outputs_force_safe(void)
{
	board_outputs_safe();
	node.port = CORE_SAFE_PORT;
}

/* Why output i may not be driven now; 0 when it may. Interrupts off, or the answer is only a forecast. */
static uint8_t forbidden(uint8_t i)
{
	uint8_t group = core_facts[i].group;
	if (group == OUT_NO_GROUP)
		return 0;
	if (node.state != PROTO_STATE_READY)
		return PROTO_REFUSED_INTERLOCK;
	return node.leases & (1u << group) ? 0 : PROTO_REFUSED_LEASE;
}

/* The end of an output's time: a ONCE output that is already away from SAFE keeps the end it has. With interrupts on: a
 * trip in between leaves an end for an output that is SAFE already, which does nothing. */
static void bound(uint8_t i, const struct action *a, uint16_t was)
{
	struct output *o = &node.out[i];
	uint32_t end = a->effect + a->duration;
	if (a->value == core_facts[i].safe || i == OUT_LED) {
		o->expiring = 0;
		return;
	}
	if (core_facts[i].hold == PROTO_HOLD_ONCE && was != core_facts[i].safe && o->expiring &&
	    (int32_t)(end - o->off_at) > 0)
		return;
	o->off_at = end;
	o->expiring = 1;
}

/* May group `lease` be driven? Interrupts off. */
static inline uint8_t may(uint8_t lease)
{
	return node.state == PROTO_STATE_READY && (node.leases & lease);
}

/* Each returns whether it was done and *ret_moment, the low half of when. */
static uint8_t set_led(uint8_t value, uint16_t *ret_moment)
{
	board_irq irq = board_irq_off();
	node.led = value;
	board_led(value);
	*ret_moment = board_now16();
	board_irq_restore(irq);
	return 1;
}

static inline uint8_t set_level(uint8_t bit, uint8_t set, uint8_t lease, uint16_t *ret_moment)
{
	uint8_t keep = (uint8_t)~bit, done = 0;
	board_irq irq = board_irq_off();
	if (may(lease)) {
		uint8_t port = (node.port & keep) | set;
		board_outputs(port);
		node.port = port;
		*ret_moment = board_now16();
		done = 1;
	}
	board_irq_restore(irq);
	return done;
}

#if ROWS_DUTIES
/* The moment is when the first period with the new duty begins, at most PWM_PERIOD_US after now. */
static uint8_t set_duty(uint8_t k, uint8_t on, uint16_t compare, uint8_t lease,
			uint16_t *ret_moment)
{
	uint8_t done = 0;
	uint16_t wait = 0;
	if (on)
		board_pwm_prepare(k, compare);
	board_irq irq = board_irq_off();
	if (may(lease)) {
		wait = board_pwm_apply(k, on);
		*ret_moment = board_now16();
		done = 1;
	}
	board_irq_restore(irq);
	*ret_moment = (uint16_t)(*ret_moment + wait);
	return done;
}
#endif

/* What it takes is looked up before the moment, so that nothing but the checks and the pin remain for it. */
static void execute(uint8_t i, struct action *a, uint8_t wait)
{
	uint8_t bit = bit_of[i], group = core_facts[i].group, set = a->value ? bit : 0, done;
	uint8_t lease = group == OUT_NO_GROUP ? 0 : bit_of[group];
	uint16_t was = outputs_value(i), moment = 0;
#if ROWS_DUTIES
	uint16_t compare = i >= OUT_LEVELS && a->value ? board_pwm_compare(a->value) : 0;
	CORE_READY(compare); /* dividing takes 40 µs */
#endif
	if (wait)
		while ((int32_t)(a->at - board_now()) > BOARD_EXECUTE)
			;
	if (bit)
		done = set_level(bit, set, lease, &moment);
	else
#if ROWS_DUTIES
		if (i != OUT_LED)
		done = set_duty((uint8_t)(i - OUT_LEVELS), a->value != 0, compare, lease, &moment);
	else
#endif
		done = set_led((uint8_t)a->value, &moment);
	if (!done) {
		a->state = (uint8_t)(ACTION_DROPPED + forbidden(i));
		return;
	}
	uint32_t now = board_now();
	a->effect = now - (uint32_t)(int32_t)(int16_t)((uint16_t)now - moment);
	bound(i, a, was);
	a->state = ACTION_DONE;
}

static void expire(uint8_t i)
{
	uint8_t bit = bit_of[i], safe = core_facts[i].safe;
	uint8_t moved = outputs_value(i) != core_facts[i].safe;
	node.out[i].expiring = 0;
	board_irq irq = board_irq_off();
	if (bit)
		drive(bit, safe);
#if ROWS_DUTIES
	else if (i != OUT_LED)
		board_pwm_apply((uint8_t)(i - OUT_LEVELS), 0);
#endif
	board_irq_restore(irq);
	if (moved)
		core_event(PROTO_EVENT_EXPIRED, (uint8_t)(PROTO_REG_OUT0 + i), 0, board_now());
}

/* Nothing waits on output i any more, unless main has just put something there: it marks it active afterwards. */
static void rest(uint8_t i)
{
	struct output *o = &node.out[i];
	if (o->exec == o->put && !o->expiring)
		node.active &= (uint16_t) ~(1u << i);
}

/* Do what is due on output i; *ret_left gets the ticks until its next moment. False when nothing waits. */
static bool service(uint8_t i, uint32_t now, int32_t *ret_left)
{
	struct output *o = &node.out[i];
	int32_t left = INT32_MAX;
	while (o->exec != o->put) {
		struct action *a = &o->queue[o->exec % PROTO_QUEUE_DEPTH];
		left = (int32_t)(a->at - now);
		if (left > BOARD_LEAD) /* the last BOARD_LEAD ticks are waited for on the spot */
			break;
		execute(i, a, left > 0);
		o->exec++;
		left = INT32_MAX;
	}
	if (o->expiring) {
		int32_t off = (int32_t)(o->off_at - now);
		if (off <= BOARD_LEAD) /* never longer than allowed, if 30 us shorter */
			expire(i);
		else if (off < left)
			left = off;
	}
	if (left == INT32_MAX)
		rest(i);
	*ret_left = left;
	return left != INT32_MAX;
}

/* Alarm context, or main with the alarm masked. The output that the alarm was set for goes first: its latency does not
 * depend on how many others wait. */
void core_on_alarm(void)
{
	int32_t left;
	uint32_t now = board_now();
	if (node.alarm_out < OUT_COUNT && (int32_t)(node.alarm_at - now) <= BOARD_LEAD)
		service(node.alarm_out, now, &left);
	for (;;) {
		int32_t best = INT32_MAX;
		uint8_t who = OUT_COUNT;
		uint16_t active = node.active;
		now = board_now();
		for (uint8_t i = 0; active; i++, active >>= 1)
			if ((active & 1) && service(i, now, &left) && left < best) {
				best = left;
				who = i;
			}
		node.alarm_out = who;
		if (who == OUT_COUNT)
			return;
		node.alarm_at = now + (uint32_t)best;
		board_alarm(node.alarm_at);
		if ((int32_t)(node.alarm_at - board_now()) > BOARD_LEAD + BOARD_ALARM_MARGIN)
			return; /* else it may have passed while we set it */
	}
}

#define WAIT_FOR  \
	TICKS_US( \
		20) /* between looking at the time and setting the alarm, with every interrupt in between */

/* Main: output i now also waits for `at`. The alarm is kept out for some 5 µs. */
static void wait_for(uint8_t i, uint32_t at)
{
	uint16_t mine = (uint16_t)(1u << i);
	board_alarm_mask(1);
	uint32_t soonest = board_now() + BOARD_LEAD + WAIT_FOR;
	if ((int32_t)(at - soonest) < 0)
		at = soonest; /* an alarm set for less could be missed */
	node.active |= mine;
	if (node.alarm_out == OUT_COUNT || (int32_t)(at - node.alarm_at) < 0) {
		node.alarm_out = i;
		node.alarm_at = at;
		board_alarm(at);
	}
	board_alarm_mask(0);
}

static uint8_t duration_of(uint8_t i, const ProtoWrite *w, uint32_t *ret_ticks)
{
	uint32_t limit = TICKS_MS(node.out[i].limit_ms);
	if (i == OUT_LED || w->value == core_facts[i].safe || !w->duration_us) {
		*ret_ticks = limit;
		return 0;
	}
	if (w->duration_us / 1000 > node.out[i].limit_ms || TICKS_US(w->duration_us) > limit)
		return PROTO_REFUSED_DURATION;
	*ret_ticks = TICKS_US(w->duration_us);
	return 0;
}

static uint8_t when_of(uint8_t i, const ProtoWrite *w, uint64_t now, uint32_t *ret_at)
{
	struct output *o = &node.out[i];
	int64_t lead = (int64_t)(w->at - now);
	if (lead < (int64_t)TICKS_US(PROTO_MIN_LEAD_US))
		return core_too_late(w->reg, -lead);
	if (lead > (int64_t)TICKS_MS(PROTO_MAX_LEAD_S * 1000ul))
		return PROTO_REFUSED_TOO_FAR;
	*ret_at = (uint32_t)w->at;
	if (o->put != o->exec) {
		struct action *last = &o->queue[(uint8_t)(o->put - 1) % PROTO_QUEUE_DEPTH];
		if ((int32_t)(*ret_at - last->at) <= 0)
			return PROTO_REFUSED_ORDER;
	}
	return 0;
}

uint8_t outputs_write(const ProtoWrite *w, uint64_t *ret_at)
{
	uint8_t i = w->reg == PROTO_REG_LED ? OUT_LED : (uint8_t)(w->reg - PROTO_REG_OUT0);
	struct action a = {.tag = w->tag, .value = (OutputValue)w->value};
	uint8_t refused = w->value < 0 || w->value > (i >= OUT_LEVELS && i != OUT_LED ? 1000 : 1)
				  ? PROTO_REFUSED_RANGE
				  : 0;
	if (!refused)
		refused = forbidden(i);
	if (!refused)
		refused = duration_of(i, w, &a.duration);
	if (refused)
		return refused;
	if (i == OUT_LED)
		node.led_by_host = 1;
	if (w->flags & PROTO_WRITE_SOONEST) {
		int64_t late = w->at ? (int64_t)(core_now64() - w->at) : 0;
		if (late > 0)
			return core_too_late(w->reg, late);
		execute(i, &a, 0);
		if (a.state == ACTION_DONE && a.value != core_facts[i].safe && i != OUT_LED)
			wait_for(i, a.effect + a.duration);
		*ret_at = core_time64(a.effect);
		return a.state == ACTION_DONE ? 0xff : (uint8_t)(a.state - ACTION_DROPPED);
	}
	struct output *o = &node.out[i];
	if ((uint8_t)(o->put - o->take) >= PROTO_QUEUE_DEPTH)
		return PROTO_REFUSED_QUEUE_FULL;
	refused = when_of(i, w, core_now64(), &a.at);
	if (refused)
		return refused;
	o->queue[o->put % PROTO_QUEUE_DEPTH] = a;
	board_barrier();
	o->put++;
	wait_for(i, a.at);
	*ret_at = w->at;
	return 0;
}

void outputs_purge(uint8_t forget)
{
	board_alarm_mask(1);
	for (uint8_t i = 0; i < OUT_COUNT; i++) {
		struct output *o = &node.out[i];
		if (i == OUT_LED && !forget)
			continue;
		for (; o->exec != o->put; o->exec++) {
			struct action *a = &o->queue[o->exec % PROTO_QUEUE_DEPTH];
			a->state = ACTION_DROPPED + PROTO_REFUSED_CANCELLED;
		}
		if (forget)
			o->take = o->put;
		o->expiring = 0; /* all are at SAFE already */
	}
	axes_purge(forget);
	core_on_alarm();
	board_alarm_mask(0);
}

bool outputs_take(uint8_t *ret_out, struct action *ret_action)
{
	for (uint8_t i = 0; i < OUT_COUNT; i++) {
		struct output *o = &node.out[i];
		if (o->take == o->exec)
			continue;
		*ret_action = o->queue[o->take % PROTO_QUEUE_DEPTH];
		*ret_out = i;
		o->take++;
		return true;
	}
	return false;
}
