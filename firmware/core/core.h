/* The node's core: link session, schedule, outputs, leases, interlock, inputs. No board code, no allocation.
 *
 * Contexts and their budgets on the 16 MHz AVR (an interrupt-off span must stay below 20 µs = 320 cycles):
 *	main	core_poll(), everything named session_*, message handlers
 *	alarm	core_on_alarm(): interruptible, never nested in itself; the action at its time
 *	tick	core_on_tick(): interruptible, every PROTO_TICK_US; leases, inputs, one conversion taken, the next begun
 *	edge	core_on_estop(), core_on_trip(): the latch; the pins are off before they are called
 * Interrupts are off for at most 36 cycles anywhere but in the edge context, so that an edge turns the enable line
 * off within 3 µs; tests/firmware/latency_test.c counts them.
 * Shared state is touched with interrupts off; `volatile` marks what an interrupt writes and main reads.
 * Inside, time is 32-bit ticks compared by signed difference; 64 bits exist only at the protocol's edge.
 */
#ifndef ANZEN_FIRMWARE_CORE_H
#define ANZEN_FIRMWARE_CORE_H

#include <anzen/protocol.h>

#define FIRMWARE_MAJOR 0
#define FIRMWARE_MINOR 1
#define FIRMWARE_PATCH 0

#define OUT_LED PROTO_OUTPUTS /* the lamp is scheduled like an output but belongs to no group */
#define OUT_COUNT (PROTO_OUTPUTS + 1)
#define OUT_NO_GROUP 0xff

enum action_state { ACTION_WAITING, ACTION_DONE, ACTION_DROPPED };

struct action {
	union {
		uint32_t at;     /* ticks, while WAITING */
		uint32_t effect; /* true time, when DONE */
	};
	uint32_t duration; /* counts for a value that is not SAFE */
	uint16_t tag;
	uint8_t value;
	volatile uint8_t state;
	volatile uint8_t why; /* PROTO_REFUSED_… when DROPPED */
};

/* One output's queue: main puts, the alarm executes, main takes the outcome. The three indices run freely. */
struct output {
	struct action queue[PROTO_QUEUE_DEPTH];
	volatile uint8_t put, exec, take;
	volatile uint8_t expiring; /* off_at is valid */
	uint32_t off_at;
	uint32_t limit; /* MAX_ON in ticks, lowered by the host for this session */
};

struct event {
	uint8_t event, source;
	uint16_t detail;
	uint32_t at;
};
#ifndef EVENT_RING
#define EVENT_RING 16 /* a power of two */
#endif

/* 5 ms each: what a host may be busy for without a gap, more than a lease's life. A power of two. */
#ifndef BOARD_BATCHES
#define BOARD_BATCHES 32
#endif
struct batch {
	uint16_t number;
	uint32_t at;
	uint16_t code[PROTO_ADC_SCANS * PROTO_ADC_CHANNELS];
};

/* Inlined, a function's buffer would be on the stack as long as its caller is. */
#define CORE_OWN_FRAME __attribute__((noinline))

struct Node {
	/* time */
	uint32_t last_now, epoch;
	volatile uint32_t ticks; /* housekeeping ticks since boot */
	uint32_t kicked;         /* `ticks` at the last watchdog kick */

	/* outputs */
	struct output out[OUT_COUNT];
	volatile uint8_t port; /* present level of out.0 … out.7 */
	volatile uint8_t led;
	uint8_t alarm_out; /* whose time the alarm is set to */
	uint16_t active;   /* bit per output on which something waits */
	uint32_t alarm_at;
	uint8_t led_by_host;

	/* interlock and leases */
	volatile uint8_t state, reason;
	volatile uint8_t purge;   /* queues must be emptied before anything else happens */
	volatile uint8_t tripped; /* tripped_at32 is new */
	volatile uint8_t leases;
	volatile uint8_t inputs; /* as last sampled, PROTO_INPUT_… */
	uint8_t reset_level;
	uint32_t tripped_at32;
	uint64_t tripped_at;
	volatile uint8_t renewing; /* group + 1 whose lease_end main is writing */
	uint32_t lease_end[PROTO_GROUPS];

	/* inputs */
	struct batch batch[BOARD_BATCHES];
	volatile uint8_t batch_put,
		batch_take; /* being filled, next to send; equal: none is full */
	uint8_t filled;     /* codes in the one being filled */
	uint8_t converting;
	volatile uint16_t batch_number, adc_lost;
	uint32_t conversion_at;
	volatile uint16_t adc_last[PROTO_ADC_CHANNELS];
	uint16_t adc_lost_told;
	uint8_t stream;

	/* events, from any context to main */
	struct event event[EVENT_RING];
	volatile uint8_t event_put, event_take;
	volatile uint16_t events_lost;
	uint16_t events_lost_told;

	/* session */
	ProtoLink link;
	uint16_t offered; /* session number in the last SYN_ACK, not yet begun */
	uint8_t offers;
	uint32_t boot_count, schema_hash;
	uint8_t boot_cause;
	uint32_t ping_at; /* rx stamp of the frame being handled */
	uint8_t ping_stamped;
};

#include "board.h" /* the board's few functions and the variable `node` */

#define TICKS_US(us) ((uint32_t)((us) * (uint32_t)(BOARD_TICK_HZ / 1000000)))
#define TICKS_MS(ms) ((uint32_t)(ms) * (uint32_t)(BOARD_TICK_HZ / 1000))

/* Compiled-in facts of an output. */
struct output_fact {
	uint8_t lo, hi, safe, hold, group;
	uint32_t max_on_ms;
};
extern const struct output_fact core_facts[OUT_COUNT];
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) | ((safe) << (index))
enum {
	CORE_SAFE_PORT = 0
#include "../protocol/registers.def"
};

/* node.c */
void core_init(uint32_t boot_count, uint8_t boot_cause);
void core_poll(void);
uint64_t core_now64(void);              /* main only */
uint64_t core_time64(uint32_t ticks32); /* of a moment in the last 35 minutes; main only */
void core_event(uint8_t event, uint8_t source, uint16_t detail, uint32_t at);
void core_on_tick(void);

/* outputs.c */
void outputs_init(void);
uint8_t outputs_write(const ProtoWrite *write,
		      uint64_t *ret_at); /* 0 queued, 0xff done, else a refusal */
void outputs_force_safe(void);           /* any context, interrupts off */
void outputs_purge(uint8_t forget);      /* main; forget: tell nobody */
bool outputs_take(uint8_t *ret_out, struct action *ret_action); /* main: next finished action */
uint8_t outputs_value(uint8_t out);
void core_on_alarm(void);

/* interlock.c */
void interlock_init(uint8_t boot_cause);
void interlock_latch(uint8_t reason, uint32_t at); /* any context */
uint8_t interlock_reset(int32_t level);            /* 0, or a refusal */
void interlock_word(uint8_t groups, uint64_t spoken, uint32_t arrived);
void interlock_release(void); /* outputs safe and leases ended, nothing latched */
void interlock_tick(uint32_t now);
void core_on_estop(void);
void core_on_trip(void);

/* inputs.c */
void inputs_init(void);
void inputs_tick(uint32_t now);
bool inputs_batch(uint8_t *ret_message,
		  uint8_t *ret_n); /* main: a full batch as message, kept until … */
void inputs_batch_sent(void);      /* … this */
void inputs_drop(void);            /* main: forget all full batches */

/* session.c */
void session_init(void);
void session_poll(void);

#endif
