/* What a node answers to every message there is, well formed or not; and what the names of the protocol say. */
#include "node_bench.h"
#include "unit.h"

#define BOTH for (BenchKind kind = BENCH_ELF; kind <= BENCH_NATIVE; kind++)
#define REFUSED(why) (-1 - PROTO_REFUSED_##why)

/* The answer to raw bytes that carry the tag 0x7ead: a value, or -1 - refusal. */
static int32_t answer(NodeBench *b, const uint8_t *bytes, uint8_t n)
{
	unsigned had = b->replies;
	proto_link_post(&b->link, bytes, n);
	for (int i = 0; i < 200 && b->replies == had; i++)
		node_bench_run(b, CLOCK_MS);
	if (b->replies != had + 1)
		return -1000;
	const ProtoReply *r = &b->reply[had % 64];
	CU_ASSERT_EQUAL(r->tag, n >= 3 ? 0x7ead : 0);
	return r->msg == PROTO_MSG_REFUSED ? -1 - r->value : r->value;
}

static void what_is_malformed_is_refused_with_its_tag(void)
{
	static const struct {
		uint8_t n, bytes[8];
	} bad[] = {
		{3, {PROTO_MSG_READ, 0xad, 0x7e}},
		{5, {PROTO_MSG_READ, 0xad, 0x7e, PROTO_REG_ESTOP, 0}},
		{1, {PROTO_MSG_READ}},
		{4, {PROTO_MSG_WRITE, 0xad, 0x7e, PROTO_REG_OUT0}},
		{2, {PROTO_MSG_WRITE, 0xad}},
		{4, {PROTO_MSG_SAFE, 0xad, 0x7e, 0}},
		{1, {PROTO_MSG_SAFE}},
		{4, {PROTO_MSG_DESCRIBE, 0xad, 0x7e, 0}},
		{2, {PROTO_MSG_DESCRIBE, 0}},
		{3, {PROTO_MSG_VALUE, 0xad, 0x7e}}, /* a node's own */
		{3, {0xee, 0xad, 0x7e}},
		{0, {0}},
	};
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
			CU_ASSERT_EQUAL(answer(b, bad[i].bytes, bad[i].n), REFUSED(MALFORMED));
		CU_ASSERT_EQUAL(node_bench_rises(b, "enable"), 0);
	}
}

static void every_register_is_read_or_says_why_not(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		const ProtoBoard *board =
			proto_board_by_name(kind == BENCH_ELF ? node_bench_board() : "native");
		CU_ASSERT_TRUE(node_bench_connect(b));
		for (unsigned reg = 0; reg < 0x40; reg++) {
			int32_t got = node_bench_get(b, (uint8_t)reg);
			const ProtoRegister *r = proto_register_by_id((uint8_t)reg);
			if (!proto_board_has(board, (uint8_t)reg)) {
				CU_ASSERT_EQUAL(got, REFUSED(NO_REGISTER));
			}
			if (!r || !proto_board_has(board, (uint8_t)reg))
				continue;
			if (r->access == PROTO_ACCESS_WRITE) {
				CU_ASSERT_EQUAL(got, REFUSED(NO_ACCESS));
			} else {
				CU_ASSERT_TRUE(got >= r->lo && got <= r->hi);
			}
		}
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_BOOTS), 1);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_CAUSE), PROTO_CAUSE_POWER_ON);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_REASON), PROTO_REASON_BOOT);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_LIMIT0 + 3), 500);
	}
}

static void what_may_not_be_written_says_why(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ESTOP, 0), REFUSED(NO_ACCESS));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_BOOTS, 0), REFUSED(NO_ACCESS));
		CU_ASSERT_EQUAL(node_bench_set(b, 0xee, 0), REFUSED(NO_REGISTER));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, 2), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, -1), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 2), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, -1), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_LIMIT0, 0), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_LIMIT0, 60001), REFUSED(RANGE));
		/* what is no output has no schedule */
		uint16_t tag = node_bench_write(b, PROTO_REG_STREAM, 1,
						node_bench_ticks(b, node_bench_now(b)) + 50000, 0);
		node_bench_run(b, 20 * CLOCK_MS);
		const ProtoReply *r = node_bench_reply(b, PROTO_MSG_REFUSED, tag);
		CU_ASSERT_TRUE(r && r->value == PROTO_REFUSED_NO_ACCESS);
		CU_ASSERT_EQUAL(b->batches, 0);
	}
}

/* All that happens while the host hears nothing is more than the node remembers: it says how much was lost. */
static size_t nothing(NodeBench *b, const uint8_t *bytes, size_t n, uint8_t *ret, size_t size)
{
	(void)b, (void)bytes, (void)n, (void)ret, (void)size;
	return 0;
}

static void lost_events_are_counted_and_told(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		b->to_node = nothing;
		for (int i = 0; i < 60; i++) {
			node_bench_input(b, "in.1", i & 1);
			node_bench_run(b, CLOCK_MS);
		}
		b->to_node = NULL;
		node_bench_run(b, 400 * CLOCK_MS);
		unsigned told = 0, lost = 0;
		for (unsigned i = 0; i < MIN(b->events, 64u); i++) {
			told += b->event[i].event == PROTO_EVENT_INPUT;
			lost += b->event[i].event == PROTO_EVENT_EVENTS_LOST ? b->event[i].detail
									     : 0;
		}
		CU_ASSERT_TRUE(lost > 0 && told >= 8);
		CU_ASSERT_EQUAL(told + lost, 59); /* in.1 began at 0 */
	}
}

static void a_word_of_nonsense_begins_no_lease(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		uint8_t short_syn[3] = {1, 2, 3}, short_ping[5] = {3};
		unsigned had = b->pongs;
		b->next_ping_ns = INT64_MAX;
		proto_link_datagram(&b->link, PROTO_SYN, short_syn, sizeof short_syn);
		proto_link_datagram(&b->link, PROTO_PING, short_ping, sizeof short_ping);
		node_bench_run(b, 20 * CLOCK_MS);
		CU_ASSERT_EQUAL(b->pongs, had);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_LEASES), 0);
	}
}

UNIT_MAIN("firmware.messages", UNIT(what_is_malformed_is_refused_with_its_tag),
	  UNIT(every_register_is_read_or_says_why_not), UNIT(what_may_not_be_written_says_why),
	  UNIT(lost_events_are_counted_and_told), UNIT(a_word_of_nonsense_begins_no_lease))
