/* One conversion a tick, channels in turn; batches wait in a ring and are numbered, so that a lost one shows. */
#include "core.h"

#define CODES (PROTO_ADC_SCANS * PROTO_ADC_CHANNELS)
_Static_assert(PROTO_ADC_HEADER + 2 * CODES <= PROTO_PAYLOAD, "a batch fits into one message");

void inputs_init(void)
{
	node.inputs = board_inputs();
	board_adc_select(0);
}

static void watch(uint32_t now)
{
	uint8_t inputs = board_inputs();
	uint8_t changed = inputs ^ node.inputs;
	node.inputs = inputs;
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

_Static_assert((BOARD_BATCHES & (BOARD_BATCHES - 1)) == 0, "indices run over");

static struct batch *batch_at(uint8_t index)
{
	return &node.batch[index & (BOARD_BATCHES - 1)];
}

static void batch_full(struct batch *b)
{
	b->number = node.batch_number++;
	node.filled = 0;
	if ((uint8_t)(node.batch_put - node.batch_take) == BOARD_BATCHES - 1)
		node.adc_lost++; /* this one is overwritten: its number is the gap */
	else
		node.batch_put++;
}

static void take_code(uint16_t code)
{
	struct batch *b = batch_at(node.batch_put);
	uint8_t channel = node.filled % PROTO_ADC_CHANNELS;
	if (!node.filled)
		b->at = node.conversion_at;
	b->code[node.filled++] = code;
	node.adc_last[channel] = code;
	board_adc_select((uint8_t)((channel + 1) % PROTO_ADC_CHANNELS));
	if (node.filled == CODES)
		batch_full(b);
}

/* Tick context. A conversion takes 104 µs, so the one begun a tick ago is over; if not, it keeps its turn. */
void inputs_tick(uint32_t now)
{
	if (!node.converting || board_adc_done()) {
		if (node.converting)
			take_code(board_adc_code());
		node.conversion_at = board_adc_start();
		node.converting = 1;
	}
	watch(now);
}

bool inputs_batch(uint8_t *ret, uint8_t *ret_n)
{
	const struct batch *b = batch_at(node.batch_take);
	if (node.batch_take == node.batch_put)
		return false;
	ret[0] = PROTO_MSG_ADC;
	proto_put16(ret + 1, b->number);
	proto_put64(ret + 3, core_time64(b->at));
	proto_put16(ret + 11, (uint16_t)TICKS_US(PROTO_TICK_US));
	ret[13] = PROTO_ADC_CHANNELS;
	ret[14] = PROTO_ADC_SCANS;
	for (uint8_t i = 0; i < CODES; i++)
		proto_put16(ret + PROTO_ADC_HEADER + 2 * i, b->code[i]);
	*ret_n = PROTO_ADC_HEADER + 2 * CODES;
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
