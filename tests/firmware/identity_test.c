#include "node_bench.h"
#include "unit.h"

static void node_identifies_itself(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_connect(b));
	CU_ASSERT_STRING_EQUAL(b->hello.board, "atmega2560");
	CU_ASSERT_EQUAL(b->hello.schema_hash, proto_schema_hash());
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

UNIT_MAIN("firmware.identity", UNIT(node_identifies_itself), UNIT(latch_output_ends_by_itself))
