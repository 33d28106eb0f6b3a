#include "node_bench.h"
#include "unit.h"

static void node_identifies_itself(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_connect(b));
	CU_ASSERT_STRING_EQUAL(b->hello.board, node_bench_board());
	const ProtoBoard *board = proto_board_by_name(node_bench_board());
	CU_ASSERT_TRUE(board && b->hello.schema_hash == proto_board_hash(board));
	CU_ASSERT_EQUAL(b->hello.tick_hz, 2000000);
	CU_ASSERT_EQUAL(b->hello.boot_count, 1);
	CU_ASSERT_EQUAL(b->hello.boot_cause, PROTO_CAUSE_POWER_ON);
	CU_ASSERT_EQUAL(b->pong.state, PROTO_STATE_FAULTED);
	CU_ASSERT_EQUAL(b->pong.reason, PROTO_REASON_BOOT);
}

static void latch_output_ends_by_itself(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_arm(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_OUT0 + 3, 1), 1);
	const BenchEdge *on = node_bench_edge(b, "out.3");
	CU_ASSERT_TRUE(on && on->level);
	int64_t at = on ? on->t_ns : 0;
	node_bench_run(b, CLOCK_S);
	const BenchEdge *off = node_bench_edge(b, "out.3");
	CU_ASSERT_TRUE(off && !off->level);
	CU_ASSERT_TRUE(off && ABS(off->t_ns - at - 500 * CLOCK_MS) < 50 * CLOCK_US);
}

/* A terminal that the board lacks is no register there, neither to read nor to write nor to limit. */
static void rows_that_the_board_lacks_are_refused(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	const ProtoBoard *board = proto_board_by_name(node_bench_board());
	unsigned had = 0, lacked = 0;
	CU_ASSERT_TRUE(node_bench_arm(b));
	for (uint8_t i = 0; i < PROTO_OUTPUTS; i++) {
		bool has = proto_board_has(board, (uint8_t)(PROTO_REG_OUT0 + i));
		int32_t no = -1 - PROTO_REFUSED_NO_REGISTER;
		has ? had++ : lacked++;
		CU_ASSERT_EQUAL(node_bench_set(b, (uint8_t)(PROTO_REG_OUT0 + i), 1), has ? 1 : no);
		CU_ASSERT_EQUAL(node_bench_get(b, (uint8_t)(PROTO_REG_OUT0 + i)), has ? 1 : no);
		CU_ASSERT_EQUAL(node_bench_set(b, (uint8_t)(PROTO_REG_LIMIT0 + i), 100),
				has ? 100 : no);
	}
	bool small = !strcmp(node_bench_board(), "atmega328p"); /* lacks four levels, two duties */
	CU_ASSERT_EQUAL(had, node_bench_outputs(b) + (small ? 0u : 2u));
	CU_ASSERT_EQUAL(lacked, small ? 6 : 0);
}

UNIT_MAIN("firmware.identity", UNIT(node_identifies_itself),
	  UNIT(rows_that_the_board_lacks_are_refused), UNIT(latch_output_ends_by_itself))
