#include "node_native.h"
#include "../../core/core.h"

#include <stdlib.h>
#include <string.h>

#define TICK_NS 500
#define SAMPLE_TICKS 24      /* 1.5 ADC clocks of 8 µs */
#define CONVERSION_TICKS 208 /* 13 of them */
#define QUEUE 16384u
#define NEVER UINT64_MAX
#define PINS 16
#define AXIS_PIN 10 /* step.0, dir.0, step.1 … */
_Static_assert(PROTO_AXES == 3 && PROTO_OUTPUTS - OUT_LEVELS == 2, "as the names below");

struct queue {
	uint8_t data[QUEUE];
	unsigned head, tail;
};

struct NodeNative {
	struct Node core;
	NodeNativePlant plant;
	int64_t start_ns;
	uint64_t now;                            /* ticks */
	uint64_t tick, alarm, sample, converted; /* when each is due */
	uint32_t boots;
	uint8_t channel, code_channel, inputs, pins[PINS]; /* out.0 … out.7, led, enable, axes */
	uint8_t edges;                                     /* captured inputs */
	uint16_t code, duty[2], duty_next[2];
	uint64_t step_at[PROTO_AXES];
	uint8_t stepping; /* bit per axis whose interrupt is on */
	uint32_t stamp;
	struct queue in, out;
};

_Thread_local struct Node *board_node;
_Thread_local struct NodeNative *board_native;

static const char *const pin_names[PINS] = {
	"out.0", "out.1",  "out.2",  "out.3", "out.4",  "out.5", "out.6",  "out.7",
	"led",   "enable", "step.0", "dir.0", "step.1", "dir.1", "step.2", "dir.2"};
static const char *const duty_names[2] = {"pwm.0", "pwm.1"};
static const char *const input_names[8] = {"estop", "trip", NULL,   NULL,
					   "in.0",  "in.1", "in.2", "in.3"};
static const char *const adc_names[4] = {"adc.0", "adc.1", "adc.2", "adc.3"};

static void enter(NodeNative *n)
{
	board_native = n;
	board_node = &n->core;
}

static int64_t time_of(const NodeNative *n, uint64_t ticks)
{
	return n->start_ns + (int64_t)ticks * TICK_NS;
}

static void set_pin(int pin, uint8_t level)
{
	NodeNative *n = board_native;
	if (n->pins[pin] == level)
		return;
	n->pins[pin] = level;
	if (n->plant.pin_changed)
		n->plant.pin_changed(n->plant.user, pin_names[pin], level, time_of(n, n->now));
}

/* ---- the board's functions ------------------------------------------------------------------------------------- */

uint32_t board_now(void)
{
	return (uint32_t)board_native->now;
}

uint16_t board_now16(void)
{
	return (uint16_t)board_now();
}

void board_alarm(uint32_t at)
{
	NodeNative *n = board_native;
	int32_t ahead = (int32_t)(at - (uint32_t)n->now);
	n->alarm = n->now + (ahead > 0 ? (uint32_t)ahead : 0);
}

void board_alarm_mask(uint8_t masked)
{
	(void)masked; /* nothing interrupts here */
}

void board_outputs(uint8_t port)
{
	for (int i = 0; i < 8; i++)
		set_pin(i, port >> i & 1);
}

void board_outputs_safe(void)
{
	board_enable(0);
	board_outputs(CORE_SAFE_PORT);
	board_pwm_apply(0, 0);
	board_pwm_apply(1, 0);
	board_native->stepping = 0;
}

uint16_t board_pwm_compare(uint16_t duty)
{
	return duty;
}

void board_pwm_prepare(uint8_t k, uint16_t compare)
{
	board_native->duty_next[k] = compare;
}

uint16_t board_pwm_apply(uint8_t k, uint8_t on)
{
	NodeNative *n = board_native;
	uint16_t duty = on ? n->duty_next[k] : 0;
	if (n->duty[k] != duty && n->plant.duty_changed)
		n->plant.duty_changed(n->plant.user, duty_names[k], duty, time_of(n, n->now));
	n->duty[k] = duty;
	return 0;
}

uint16_t board_pwm(uint8_t k)
{
	return board_native->duty[k];
}

void board_axis_high(uint8_t i)
{
	set_pin(AXIS_PIN + 2 * i, 1);
}

void board_axis_low(uint8_t i)
{
	set_pin(AXIS_PIN + 2 * i, 0);
}

/* Nothing interrupts a step here. */
bool board_axis_merged(void)
{
	return false;
}

void board_axis_direction(uint8_t i, uint8_t up)
{
	set_pin(AXIS_PIN + 1 + 2 * i, up);
}

void board_axis_at(uint8_t i, uint16_t at)
{
	NodeNative *n = board_native;
	int16_t ahead = (int16_t)(at - (uint16_t)n->now);
	n->step_at[i] = n->now + (ahead > 0 ? (uint16_t)ahead : 0);
}

void board_axis_set(uint8_t i, uint16_t at)
{
	board_axis_at(i, at);
}

uint8_t board_axis_irq(uint8_t i)
{
	return (uint8_t)(1u << i);
}

void board_axis_run(uint8_t mask)
{
	board_native->stepping |= mask;
}

void board_axis_rest(uint8_t i)
{
	board_native->stepping &= (uint8_t) ~(1u << i);
}

void board_led(uint8_t on)
{
	set_pin(8, on);
}

void board_enable(uint8_t on)
{
	set_pin(9, on);
}

uint8_t board_inputs(void)
{
	return board_native->inputs;
}

void board_adc_select(uint8_t channel)
{
	board_native->channel = channel;
}

void board_adc_start(volatile uint16_t *ret_at)
{
	NodeNative *n = board_native;
	n->sample = n->now + SAMPLE_TICKS;
	n->converted = n->now + CONVERSION_TICKS;
	n->code_channel = n->channel;
	*ret_at = (uint16_t)n->sample;
}

uint16_t board_adc_code(void)
{
	return board_native->code;
}

void board_edges_on(uint8_t inputs)
{
	board_native->edges = inputs;
}

void board_edges_off(void)
{
	board_native->edges = 0;
}

void board_watchdog_kick(void)
{
}

static unsigned used(const struct queue *q)
{
	return q->head - q->tail;
}

bool board_uart_send(const uint8_t *bytes, uint8_t count)
{
	struct queue *q = &board_native->out;
	if (QUEUE - used(q) < count)
		return false;
	for (uint8_t i = 0; i < count; i++)
		q->data[q->head++ % QUEUE] = bytes[i];
	return true;
}

int16_t board_uart_get(void)
{
	struct queue *q = &board_native->in;
	if (!used(q))
		return -1;
	return q->data[q->tail++ % QUEUE];
}

uint16_t board_uart_lead(void)
{
	return 0;
}

bool board_uart_stamp(uint32_t *ret_at)
{
	*ret_at = board_now(); /* bytes do not wait */
	return true;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* Datasheet 26.7: code = Vin * 1024 / Vref, Vref = 5 V. */
static void take_sample(NodeNative *n)
{
	int mv = 0;
	n->sample = NEVER;
	if (n->plant.adc_read)
		mv = n->plant.adc_read(n->plant.user, adc_names[n->code_channel],
				       time_of(n, n->now));
	mv = mv < 0 ? 0 : mv > 5000 ? 5000 : mv; /* the pin's clamping diodes */
	int code = mv * 1024 / 5000;
	n->code = (uint16_t)(code > 1023 ? 1023 : code);
}

static void tick(NodeNative *n)
{
	n->tick += TICKS_US(PROTO_TICK_US);
	core_on_tick();
}

static uint64_t earliest(const NodeNative *n)
{
	uint64_t first = n->tick < n->alarm ? n->tick : n->alarm;
	for (int i = 0; i < PROTO_AXES; i++)
		if ((n->stepping >> i & 1) && n->step_at[i] < first)
			first = n->step_at[i];
	first = n->converted < first ? n->converted : first;
	return n->sample < first ? n->sample : first;
}

static void step(NodeNative *n)
{
	for (uint8_t i = 0; i < PROTO_AXES; i++)
		if ((n->stepping >> i & 1) && n->step_at[i] <= n->now)
			core_on_step(i);
	if (n->alarm <= n->now) {
		n->alarm = NEVER;
		core_on_alarm();
	}
	if (n->sample <= n->now)
		take_sample(n);
	if (n->converted <= n->now) {
		n->converted = NEVER;
		core_on_adc();
	}
	if (n->tick <= n->now)
		tick(n);
	core_poll();
}

void node_native_run_to(NodeNative *n, int64_t t_ns)
{
	enter(n);
	uint64_t until = t_ns > n->start_ns ? (uint64_t)(t_ns - n->start_ns) / TICK_NS : 0;
	for (uint64_t next = earliest(n); next <= until; next = earliest(n)) {
		n->now = next > n->now ? next : n->now;
		step(n);
	}
	n->now = until > n->now ? until : n->now;
	core_poll();
}

int64_t node_native_now(const NodeNative *n)
{
	return time_of(n, n->now);
}

/* ---- making ------------------------------------------------------------------------------------------------------- */

void node_native_reset(NodeNative *n, uint8_t cause)
{
	enter(n);
	for (int i = 0; i < PINS; i++)
		set_pin(i, 0);
	board_pwm_apply(0, 0);
	board_pwm_apply(1, 0);
	n->stepping = 0;
	n->in.tail = n->in.head;
	n->alarm = n->sample = n->converted = NEVER;
	n->edges = 0;
	n->tick = n->now + TICKS_US(PROTO_TICK_US);
	core_init(++n->boots, cause);
}

NodeNative *node_native_new(const NodeNativeConfig *config, const NodeNativePlant *plant)
{
	NodeNative *n = calloc(1, sizeof *n);
	if (!n)
		abort();
	if (plant)
		n->plant = *plant;
	n->start_ns = config->start_ns;
	n->boots = config->boot_count;
	node_native_reset(n, PROTO_CAUSE_POWER_ON);
	return n;
}

NodeNative *node_native_clone(const NodeNative *native)
{
	NodeNative *copy = malloc(sizeof *copy);
	if (!copy)
		abort();
	memcpy(copy, native, sizeof *copy); /* no pointer into itself */
	return copy;
}

void node_native_free(NodeNative *n)
{
	if (board_native == n) {
		board_native = NULL;
		board_node = NULL;
	}
	free(n);
}

bool node_native_set_input(NodeNative *n, const char *name, bool level)
{
	enter(n);
	for (int i = 0; i < 8; i++) {
		if (!input_names[i] || strcmp(input_names[i], name))
			continue;
		uint8_t bit = (uint8_t)(1u << i), was = n->inputs & bit;
		n->inputs = level ? n->inputs | bit : n->inputs & (uint8_t)~bit;
		if (level && !was && bit == PROTO_INPUT_ESTOP)
			core_on_estop();
		if (level && !was && bit == PROTO_INPUT_TRIP)
			core_on_trip();
		if (!level == !was)
			return true;
		if (bit & n->edges)
			core_on_edges(bit, n->inputs, (uint16_t)n->now);
		if (n->core.edges_off)
			n->edges = 0;
		return true;
	}
	return false;
}

bool node_native_feed(NodeNative *n, const uint8_t *data, size_t count)
{
	if (QUEUE - used(&n->in) < count)
		return false;
	for (size_t i = 0; i < count; i++)
		n->in.data[n->in.head++ % QUEUE] = data[i];
	enter(n);
	core_poll();
	return true;
}

size_t node_native_drain(NodeNative *n, uint8_t *ret_data, size_t size)
{
	size_t count = 0;
	enter(n);
	core_poll();
	while (count < size && used(&n->out))
		ret_data[count++] = n->out.data[n->out.tail++ % QUEUE];
	return count;
}
