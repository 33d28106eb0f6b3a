/* Edges of the digital inputs, stamped by the board. They wait in a ring for main. When it is full nothing is captured any
 * more until main has sent what is in it: inputs that flutter then cost the node a ring's worth of interrupts a turn of main, not
 * its time. What was lost is counted and told with where capture goes on; so is a level that the tick finds and nobody has told. */
#include "core.h"

#define INS ((uint8_t)(15 * PROTO_INPUT_IN0))
#define SETTLED \
	TICKS_US(10) /* a stamp may be so much older than the moment at which it is in the ring */
#define MANY (EDGE_RING / 2 < PROTO_EDGES_MOST ? EDGE_RING / 2 : PROTO_EDGES_MOST)
#define DIFFERS_MOST 4 /* ticks for which a level may differ from what was told */
_Static_assert((EDGE_RING & (EDGE_RING - 1)) == 0, "indices run over");

/* Any context. Capture ends, and begins again with what the inputs are then: the host sees between which two moments. */
void edges_lose(uint8_t n)
{
	board_irq irq = board_irq_off();
	node.edges_lost = (uint16_t)(node.edges_lost + n);
	node.edges_off = 1;
	board_irq_restore(irq);
}

/* bit: of the input in node.captured, 0 when that does not change. */
static void put(uint8_t what, uint8_t bit, uint32_t at)
{
	board_irq irq = board_irq_off();
	uint8_t i = node.edge_put, full = (uint8_t)(i - node.edge_take) >= EDGE_RING;
	if (!full) {
		node.edge_put = (uint8_t)(i + 1); /* main looks when no interrupt runs */
		node.captured ^= bit;
	}
	board_irq_restore(irq);
	if (full) {
		edges_lose(1);
		return;
	}
	struct edge *e = &node.edge[i & (EDGE_RING - 1)];
	e->what = what;
	e->at = at;
}

/* Capture context: inputs `which` may have changed; they are now at `levels`, and the low half of when is `stamp`. */
void core_on_edges(uint8_t which, uint8_t levels, uint16_t stamp)
{
	uint32_t now = board_now(), at = now - (uint16_t)((uint16_t)now - stamp);
	uint8_t changed = (uint8_t)((levels ^ node.captured) & which & node.capture);
	if (!changed && !(node.edges_fresh & which))
		edges_lose(2); /* there and back before anybody could look */
	node.edges_fresh &= (uint8_t)~which;
	for (uint8_t i = 0, bit = PROTO_INPUT_IN0; i < 4; i++, bit = (uint8_t)(bit << 1))
		if (changed & bit)
			put(levels & bit ? i | PROTO_EDGE_HIGH : i, bit, at);
}

/* Tick context. */
void edges_watch(uint8_t inputs)
{
	if (!((inputs ^ node.captured) & node.capture) || node.edges_off) {
		node.differs = 0;
	} else if (++node.differs == DIFFERS_MOST) {
		edges_lose(1);
	}
}

/* ---- main -------------------------------------------------------------------------------------------------------- */

uint8_t edges_capture(int32_t mask)
{
	if (mask < 0 || mask > 15)
		return PROTO_REFUSED_RANGE;
	board_edges_off();
	node.edges_off = 1;
	node.edge_take = node.edge_put;
	node.capture = (uint8_t)(mask * PROTO_INPUT_IN0);
	node.edges_at = board_now();
	return 0;
}

/* All that was captured is sent: tell what the inputs are, and capture again. */
static void again(void)
{
	board_edges_off();
	uint8_t levels = board_inputs();
	uint32_t now = board_now();
	node.captured = levels & INS;
	node.edges_fresh = INS; /* what comes first may be of before that */
	for (uint8_t i = 0, bit = PROTO_INPUT_IN0; i < 4; i++, bit = (uint8_t)(bit << 1))
		if (node.capture & bit)
			put((uint8_t)(i | PROTO_EDGE_LEVEL | (levels & bit ? PROTO_EDGE_HIGH : 0)),
			    0, now);
	node.differs = node.edges_off = 0;
	board_edges_on(node.capture);
}

/* A few edges wait for others: a message each would leave the link to nobody else. */
static bool due(uint8_t waiting, uint32_t since)
{
	uint32_t most = waiting ? TICKS_MS(2) : TICKS_MS(PROTO_EDGES_EVERY_MS);
	return waiting >= MANY || since >= most;
}

bool edges_message(uint8_t *ret, uint8_t *ret_n)
{
	uint32_t at[PROTO_EDGES_MOST];
	uint8_t n = 0, size = PROTO_EDGES_HEADER;
	if (!node.capture)
		return false;
	if (node.edges_off && node.edge_put == node.edge_take)
		again();
	uint32_t until = board_now() - SETTLED; /* before the ring is looked at */
	uint8_t end = node.edge_put;
	if (!due((uint8_t)(end - node.edge_take), until - node.edges_at))
		return false;
	for (; n < PROTO_EDGES_MOST && node.edge_take != end; n++) {
		const struct edge *e = &node.edge[node.edge_take & (EDGE_RING - 1)];
		ret[size] = e->what;
		size = (uint8_t)(size + PROTO_EDGES_EACH);
		at[n] = e->at;
		if ((int32_t)(e->at - until) > 0)
			until = e->at;
		board_barrier();
		node.edge_take++;
	}
	if (n && (node.edge_take != end || node.edges_off))
		until = at[n - 1]; /* more is to come */
	for (uint8_t i = 0; i < n; i++)
		proto_put32(ret + PROTO_EDGES_HEADER + PROTO_EDGES_EACH * i + 1,
			    (int32_t)(until - at[i]) > 0 ? until - at[i] : 0);
	ret[0] = PROTO_MSG_EDGES;
	proto_put64(ret + 1, core_time64(until));
	board_irq irq = board_irq_off();
	uint16_t lost = node.edges_lost;
	board_irq_restore(irq);
	proto_put16(ret + 9, lost);
	ret[11] = n;
	node.edges_at = until;
	*ret_n = size;
	return true;
}
