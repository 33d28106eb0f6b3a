/* The node's core: link session, schedule, outputs, leases, interlock, inputs. No board code, no allocation.
 *
 * Contexts and their budgets on the 16 MHz AVR (an interrupt-off span must stay below 20 µs = 320 cycles):
 *	main	core_poll(), everything named session_*, message handlers
 *	alarm	core_on_alarm(): interruptible, never nested in itself; the action at its time
 *	tick	core_on_tick(): interruptible, every PROTO_TICK_US; leases, inputs, a scan begun, one axis' next slice prepared
 *	adc	core_on_adc(): interruptible, never nested in itself; a code taken, the next conversion begun
 *	capture	core_on_edges(): interruptible, never nested in itself for the same inputs; an edge put into its ring
 *	step	core_on_step() or a board's own: interruptible, but tick and alarm wait; one axis' pulse and its next moment
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
#define OUT_NO_GROUP 0x3f
#define OUT_LEVELS 8 /* outputs below are levels of one port, above duties of a timer */

enum action_state { ACTION_WAITING, ACTION_DONE, ACTION_DROPPED }; /* DROPPED + PROTO_REFUSED_... */
#if ROWS_DUTIES
typedef uint16_t OutputValue;
#else
typedef uint8_t OutputValue;
#endif

struct action {
	union {
		uint32_t at;     /* ticks, while WAITING */
		uint32_t effect; /* true time, when DONE */
	};
	uint32_t duration; /* counts for a value that is not SAFE */
	uint16_t tag;
	OutputValue value;
	volatile uint8_t state;
};

/* One output's queue: main puts, the alarm executes, main takes the outcome. The three indices run freely. */
struct output {
	struct action queue[PROTO_QUEUE_DEPTH];
	volatile uint8_t put, exec, take;
	volatile uint8_t expiring; /* off_at is valid */
	uint32_t off_at;
	uint16_t limit_ms; /* MAX_ON, lowered by the host for this session */
};

/* Evenly spaced steps within one slice. */
struct steps {
	uint16_t first, interval; /* ticks; of the first its low half */
	uint8_t fraction, count;  /* 1/256 tick on top of the interval */
};
#define AXIS_RING 4

/* What an axis' step interrupt works with; the tick puts into the ring, and loads it while it rests. */
struct stepper {
	volatile uint8_t left; /* steps of this run still to come */
	uint8_t fraction, interval_fraction;
	uint16_t next, interval;
	volatile uint8_t running, put, take;
	int8_t direction;
	struct steps ring[AXIS_RING];
	int32_t end; /* position when `left` more are out */
};

/* REST: main's; WAITS: handed to the tick; UP … ENDS: the tick's; DROPS, OVER: handed back. */
enum axis_stage {
	AXIS_REST,
	AXIS_WAITS,
	AXIS_UP,
	AXIS_CRUISE,
	AXIS_DOWN,
	AXIS_ENDS, /* all steps are prepared */
	AXIS_DROPS,
	AXIS_OVER
};

struct axis {
	volatile uint8_t stage, halt, known;
	uint8_t homing, why;
	int8_t direction;
	uint16_t tag;
	uint32_t at, slice_at, next_at, last_at; /* last_at: of the last step prepared */
	uint32_t ramp, cruise, ramped;           /* slices */
	uint32_t v, dv, dv_rest, error, rest, phase, every, every_way;
	int32_t from, seen_at; /* where it began; where it was when the switch changed */
	uint8_t seen, there;   /* it changed; what it was at the beginning */
	int32_t lo, hi;        /* for this session */
	uint32_t max_v, max_a;
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
	uint8_t plan, period, scans;
	uint16_t value[PROTO_ADC_SCANS * PROTO_ADC_CHANNELS];
};

/* Edges that wait for main: what one turn of it may bring. A power of two, 4 at least. */
#ifndef EDGE_RING
#define EDGE_RING 32
#endif
struct edge {
	uint32_t at;
	uint8_t what; /* as in the message */
};

/* Inlined, a function's buffer would be on the stack as long as its caller is. */
#define CORE_OWN_FRAME __attribute__((noinline))

struct Node {
	/* time */
	uint32_t last_now;
	uint16_t epoch;          /* of 35 minutes */
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

#if ROWS_AXES
	/* axes */
	struct stepper stepper[PROTO_AXES];
	struct axis axis[PROTO_AXES];
	volatile uint8_t axes_busy;               /* bit per axis that is not at rest */
	volatile uint8_t axes_full, axes_changed; /* a snapshot waits for main; another is due */
	uint8_t axes_slices, axes_stream, axes_state[PROTO_AXES];
	uint32_t axes_at;
	int32_t axes_position[PROTO_AXES];
#endif

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
		batch_take;    /* being filled, next to send; equal: none is full */
	uint8_t filled, scans; /* values, scans in the one being filled */
	uint8_t plan, period;  /* what is on; the tick takes what main wants as a new scan begins */
	volatile uint8_t plan_wanted, period_wanted, plan_new;
	volatile uint8_t
		scanning; /* set by the tick, cleared by the converter's interrupt, which has the next line meanwhile */
	uint8_t wait, rest, channel, left, begins; /* begins: SCAN_BEGINS, CHANNEL_BEGINS */
	volatile uint16_t last;
	uint16_t sum, first,
		zero; /* zero: the first channel's middle, which the others are counted from */
	uint32_t began_at;
	volatile uint16_t batch_number, adc_lost;
	volatile uint16_t adc_last[PROTO_ADC_CHANNELS], after[PROTO_ADC_CHANNELS];
	uint16_t adc_lost_told;
	uint8_t stream;

	/* edges */
	struct edge edge[EDGE_RING];
	volatile uint8_t edge_put, edge_take;
	volatile uint8_t capture,
		captured;             /* whose edges, and the level told last: PROTO_INPUT_... */
	volatile uint8_t edges_off;   /* nothing is captured until main begins again */
	volatile uint8_t edges_fresh; /* inputs that have brought nothing since */
	volatile uint16_t edges_lost;
	uint8_t differs;
	uint32_t edges_at; /* up to which main has told */

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
	uint8_t pong_due; /* 1, or 2 with a stamp */
	uint32_t pong_at, pong_token;
};

#define TICKS_US(us) ((uint32_t)((us) * (uint32_t)(BOARD_TICK_HZ / 1000000)))
#define TICKS_MS(ms) ((uint32_t)(ms) * (uint32_t)(BOARD_TICK_HZ / 1000))

/* Worked out by now: what the compiler would else leave for a stretch with interrupts off. */
#define CORE_READY(x) __asm__ volatile("" : "+r"(x))

#include "board.h" /* the board's few functions and the variable `node` */

/* Compiled-in facts of an output: what interrupts need; main reads the others from flash. */
struct output_fact {
	uint8_t safe : 1, hold : 1, group : 6;
};
extern const struct output_fact core_facts[OUT_COUNT];
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) \
	| ((index) < OUT_LEVELS ? (safe) << (index) : 0)
enum {
	CORE_SAFE_PORT = 0
#include "../protocol/registers.def"
};

/* node.c */
void core_init(uint32_t boot_count, uint8_t boot_cause);
void core_poll(void);
uint64_t core_now64(void);              /* main only */
uint64_t core_time64(uint32_t ticks32); /* of a moment within 17 minutes; main only */
void core_event(uint8_t event, uint8_t source, uint16_t detail, uint32_t at);
void core_on_tick(void);
uint8_t core_too_late(uint8_t reg, int64_t late); /* main: tells it; the refusal */

/* outputs.c */
void outputs_init(void);
uint8_t outputs_write(const ProtoWrite *write,
		      uint64_t *ret_at); /* 0 queued, 0xff done, else a refusal */
void outputs_force_safe(void);           /* any context, interrupts off */
void outputs_purge(uint8_t forget);      /* main; forget: tell nobody */
bool outputs_take(uint8_t *ret_out, struct action *ret_action); /* main: next finished action */
uint16_t outputs_value(uint8_t out);
void core_on_alarm(void);

/* axes.c */
#if ROWS_AXES
void axes_init(void); /* limits of a new session; positions stay */
uint8_t axes_move(const ProtoMove *move, uint64_t *ret_at); /* 0 waits, else a refusal */
uint8_t axes_declare(uint8_t axis, int32_t position);
void axes_halt(uint8_t axis);
uint8_t axes_limit(uint8_t axis, uint8_t kind, int32_t value); /* kind: PROTO_REG_AXIS_V0, … */
int32_t axes_position(uint8_t axis);
uint8_t axes_state(uint8_t axis);
void axes_purge(uint8_t forget);   /* main, tick kept out */
bool axes_take(uint8_t *ret_axis); /* main: one whose move is over … */
void axes_taken(uint8_t axis);     /* … and told */
void axes_tick(void);
void axes_load(uint8_t axis);
void core_on_step(uint8_t axis);
void core_on_run_end(
	uint8_t axis); /* the same for a board that does all but a run's last step itself */
#else
static inline void axes_init(void)
{
}
static inline void axes_purge(uint8_t forget)
{
	(void)forget;
}
static inline void axes_tick(void)
{
}
#endif

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
void core_on_adc(void);
void inputs_reset(void);                                         /* main: as in a new session */
uint8_t inputs_oversample(uint8_t channel, int32_t conversions); /* main: 0, or a refusal */
uint8_t inputs_period(int32_t ms);
bool inputs_is_on(uint8_t channel);
bool inputs_batch(uint8_t *ret_message,
		  uint8_t *ret_n); /* main: a full batch as message, kept until … */
void inputs_batch_sent(void);      /* … this */
void inputs_drop(void);            /* main: forget all full batches */

/* edges.c */
void core_on_edges(uint8_t which, uint8_t levels, uint16_t stamp);
void edges_lose(uint8_t n);
void edges_watch(uint8_t inputs);
uint8_t edges_capture(int32_t mask); /* main: 0, or a refusal */
bool edges_message(uint8_t *ret_message,
		   uint8_t *ret_n); /* main: is there one? Then it is told now */

/* session.c */
void session_init(void);
void session_poll(void);

#endif
