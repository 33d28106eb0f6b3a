/* Scans of the analog inputs. The tick begins one every adc.period; from then on each conversion's end takes its code and
 * begins the next, one channel after the other, a channel as often in a row as its oversampling says. Batches of scans wait in
 * a ring and are numbered, so that a lost one shows. */
#include "core.h"

#define PLAN_PLAIN 0x55 /* each channel once */
#define SCAN_BEGINS 1
#define CHANNEL_BEGINS 2
#define TICKS_PER_MS (1000 / PROTO_TICK_US)
#define LATE TICKS_US(125) /* a scan that begins so much off its time begins a batch of its own */
_Static_assert(PROTO_ADC_HEADER + 2 * PROTO_ADC_CHANNELS * (1 + PROTO_ADC_SCANS) <= PROTO_PAYLOAD,
	       "a batch fits into one message");
_Static_assert(PROTO_ADC_CHANNELS == PROTO_ADC_MOST && 16 * 1023 < PROTO_ADC_CLIPPED,
	       "a sum leaves the mark's place free");
_Static_assert(PROTO_ADC_CHANNELS <= PROTO_ADC_PER_MS * PROTO_ADC_PERIOD_MS, "the plain plan fits");

void inputs_init(void)
{
	node.inputs = board_inputs();
	inputs_reset();
}

static void watch(uint32_t now)
{
	uint8_t inputs = board_inputs();
	uint8_t changed = inputs ^ node.inputs;
	node.inputs = inputs;
	edges_watch(inputs);
	changed &= (uint8_t)~node.capture;
	if (!changed)
		return;
	if (changed & PROTO_INPUT_ESTOP)
		core_event(PROTO_EVENT_INPUT, PROTO_REG_ESTOP, inputs & PROTO_INPUT_ESTOP ? 1 : 0,
			   now);
	if (changed & PROTO_INPUT_TRIP)
		core_event(PROTO_EVENT_INPUT, PROTO_REG_TRIP, inputs & PROTO_INPUT_TRIP ? 1 : 0,
			   now);
	for (uint8_t i = 0; i < 4; i++)
		if (changed & (PROTO_INPUT_IN0 << i))
			core_event(PROTO_EVENT_INPUT, (uint8_t)(PROTO_REG_IN0 + i),
				   inputs & (PROTO_INPUT_IN0 << i) ? 1 : 0, now);
}

/* ---- what is wanted ---------------------------------------------------------------------------------------------- */

static uint8_t plan_conversions(uint8_t plan)
{
	uint8_t n = 0;
	for (uint8_t c = 0; c < PROTO_ADC_CHANNELS; c++)
		n = (uint8_t)(n + proto_adc_conversions(plan, c));
	return n;
}

/* Main. Takes effect with the next scan, which begins a new batch. */
static uint8_t wish(uint8_t plan, uint8_t period)
{
	if (plan_conversions(plan) > PROTO_ADC_PER_MS * period)
		return PROTO_REFUSED_RATE;
	node.plan_new = 0;
	board_barrier();
	node.plan_wanted = plan;
	node.period_wanted = period;
	board_barrier();
	node.plan_new = 1;
	return 0;
}

void inputs_reset(void)
{
	wish(PLAN_PLAIN, PROTO_ADC_PERIOD_MS);
}

uint8_t inputs_oversample(uint8_t channel, int32_t conversions)
{
	uint8_t code, shift = (uint8_t)(2 * channel);
	if (conversions == 0 || conversions == 1)
		code = (uint8_t)conversions;
	else if (conversions == 4)
		code = 2;
	else if (conversions == 16)
		code = 3;
	else
		return PROTO_REFUSED_RANGE;
	return wish((uint8_t)((node.plan_wanted & ~(3 << shift)) | code << shift),
		    node.period_wanted);
}

uint8_t inputs_period(int32_t ms)
{
	return ms < 1 || ms > 32 ? PROTO_REFUSED_RANGE : wish(node.plan_wanted, (uint8_t)ms);
}

bool inputs_is_on(uint8_t channel)
{
	return proto_adc_conversions(node.plan_wanted, channel) != 0;
}

/* ---- scans ------------------------------------------------------------------------------------------------------- */

_Static_assert((BOARD_BATCHES & (BOARD_BATCHES - 1)) == 0, "indices run over");

static struct batch *batch_at(uint8_t index)
{
	return &node.batch[index & (BOARD_BATCHES - 1)];
}

static void batch_full(void)
{
	struct batch *b = batch_at(node.batch_put);
	b->number = node.batch_number++;
	b->scans = node.scans;
	b->plan = node.plan;
	b->period = node.period;
	node.filled = node.scans = 0;
	if ((uint8_t)(node.batch_put - node.batch_take) == BOARD_BATCHES - 1)
		node.adc_lost++; /* this one is overwritten: its number is the gap */
	else
		node.batch_put++;
}

/* The next channel that is on, of those that node.rest has; false: none is left. */
static inline bool next_channel(void)
{
	while (node.rest) {
		uint8_t code = node.rest & 3;
		node.rest >>= 2;
		node.channel++;
		if (!code)
			continue;
		node.left = code == 1 ? 1 : code == 2 ? 4 : 16;
		node.sum = 0;
		node.begins |= CHANNEL_BEGINS;
		board_adc_select(node.channel);
		return true;
	}
	return false;
}

static void take_value(void)
{
	struct batch *b = batch_at(node.batch_put);
	uint16_t middle = (uint16_t)(node.first + (uint16_t)(node.last - node.first) / 2);
	if (node.begins & SCAN_BEGINS) {
		node.begins = 0;
		node.zero = middle;
		if (!node.scans)
			b->at = node.began_at + (uint16_t)(middle - (uint16_t)node.began_at);
	}
	node.after[node.channel] = (uint16_t)(middle - node.zero);
	b->value[node.filled++] = node.sum;
}

/* ADC context: a conversion is over, whose moment is node.last. To begin the next is the last thing done: then it may come
 * again. Of times the low half is enough within a scan. */
void core_on_adc(void)
{
	uint16_t code = board_adc_code();
	if (node.begins & CHANNEL_BEGINS)
		node.first = node.last;
	node.begins &= (uint8_t)~CHANNEL_BEGINS;
	node.sum = (uint16_t)(node.sum + code);
	if (!code || code >= 1023)
		node.sum |= PROTO_ADC_CLIPPED; /* stays: a sum does not reach it */
	node.adc_last[node.channel] = code;
	if (--node.left) {
		board_adc_start(&node.last);
		return;
	}
	take_value();
	if (next_channel()) {
		board_adc_start(&node.last);
		return;
	}
	if (++node.scans == PROTO_ADC_SCANS)
		batch_full();
	node.scanning = 0;
}

/* Tick context. */
static void begin_scan(uint32_t now)
{
	if (node.plan_new) {
		node.plan = node.plan_wanted;
		node.period = node.period_wanted;
		node.plan_new = node.filled = node.scans = 0;
	}
	uint32_t late = now - (node.began_at + node.period * TICKS_MS(1)) + LATE;
	node.began_at = now;
	node.wait = (uint8_t)(node.period * TICKS_PER_MS);
	if (late > 2 * LATE && node.scans)
		batch_full();
	node.begins = SCAN_BEGINS;
	node.rest = node.plan;
	node.channel = 0xff;
	if (!next_channel())
		return;
	node.scanning = 1;
	board_adc_start(&node.last);
}

void inputs_tick(uint32_t now)
{
	watch(now);
	if (node.wait)
		node.wait--;
	if (!node.wait && !node.scanning) /* else this one begins a tick later */
		begin_scan(now);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static uint16_t after_of(uint8_t channel)
{
	board_irq irq = board_irq_off();
	uint16_t after = node.after[channel];
	board_irq_restore(irq);
	return after;
}

bool inputs_batch(uint8_t *ret, uint8_t *ret_n)
{
	const struct batch *b = batch_at(node.batch_take);
	uint8_t n = PROTO_ADC_HEADER, values = 0;
	if (node.batch_take == node.batch_put)
		return false;
	ret[0] = PROTO_MSG_ADC;
	proto_put16(ret + 1, b->number);
	proto_put64(ret + 3, core_time64(b->at));
	proto_put16(ret + 11, (uint16_t)(b->period * TICKS_MS(1)));
	ret[13] = b->plan;
	ret[14] = b->scans;
	for (uint8_t c = 0; c < PROTO_ADC_CHANNELS; c++)
		if (proto_adc_conversions(b->plan, c)) {
			proto_put16(ret + n, after_of(c));
			n = (uint8_t)(n + 2);
			values = (uint8_t)(values + b->scans);
		}
	for (uint8_t i = 0; i < values; i++, n = (uint8_t)(n + 2))
		proto_put16(ret + n, b->value[i]);
	*ret_n = n;
	return true;
}

void inputs_batch_sent(void)
{
	board_barrier(); /* what was read is read before the ring may use it again */
	node.batch_take++;
}

void inputs_drop(void)
{
	node.batch_take = node.batch_put;
}
