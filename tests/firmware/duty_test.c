/* Duties of the release ELF: leased, scheduled, bounded and cut as levels are. */
#include "node_bench.h"
#include "unit.h"

#define REFUSED(why) (-1 - PROTO_REFUSED_##why)
#define PWM(k) ((uint8_t)(PROTO_REG_OUT0 + 8 + (k)))
#define PERIOD CLOCK_MS

static void a_duty_needs_a_lease_and_its_range(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_connect(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PWM(0), 500), REFUSED(INTERLOCK));
	CU_ASSERT_TRUE(node_bench_arm(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PWM(0), 1001), REFUSED(RANGE));
	CU_ASSERT_EQUAL(node_bench_set(b, PWM(0), -1), REFUSED(RANGE));
	CU_ASSERT_EQUAL(b->duty[0], 0);
	static const int duties[] = {1, 250, 999, 1000, 500, 0};
	for (unsigned i = 0; i < G_N_ELEMENTS(duties); i++) {
		CU_ASSERT_EQUAL(node_bench_set(b, PWM(0), duties[i]), duties[i]);
		CU_ASSERT_EQUAL(b->duty[0], duties[i]);
		CU_ASSERT_EQUAL(node_bench_get(b, PWM(0)), duties[i]);
		CU_ASSERT_EQUAL(b->duty[1], 0);
	}
}

/* The first alone begins its period at once; what changes while the timer runs, with the next one. */
static void it_changes_at_its_time(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_arm(b));
	for (int k = 0; k < 2; k++) {
		int64_t due = node_bench_now(b) + 20 * CLOCK_MS;
		uint16_t tag = node_bench_write(b, PWM(k), 300 + k, node_bench_ticks(b, due), 0);
		node_bench_run(b, 40 * CLOCK_MS);
		const ProtoReply *done = node_bench_reply(b, PROTO_MSG_DONE, tag);
		CU_ASSERT_TRUE(done && b->duty[k] == 300 + k);
		int64_t told = done ? ((int64_t)done->at - b->offset_ticks) * 500 : 0;
		CU_ASSERT_TRUE(ABS(b->duty_ns[k] - due) <= 25 * CLOCK_US);
		CU_ASSERT_TRUE(told - due >= -CLOCK_US);
		CU_ASSERT_TRUE(told - due <= (k ? PERIOD : 0) + 25 * CLOCK_US);
	}
}

static void it_ends_by_itself(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_arm(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_LIMIT0 + 9, 100), 100);
	CU_ASSERT_EQUAL(node_bench_set(b, PWM(1), 700), 700);
	int64_t on = b->duty_ns[1];
	node_bench_run(b, 150 * CLOCK_MS);
	CU_ASSERT_EQUAL(b->duty[1], 0);
	CU_ASSERT_TRUE(ABS(b->duty_ns[1] - on - 100 * CLOCK_MS) <= 200 * CLOCK_US);
	const ProtoEventMsg *e = node_bench_event(b, PROTO_EVENT_EXPIRED);
	CU_ASSERT_TRUE(e && e->source == PWM(1));
}

static void silence_and_make_safe_cut_it(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_arm(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PWM(0), 700), 700);
	const uint8_t safe[3] = {PROTO_MSG_SAFE, 0x34, 0x12};
	b->groups = 0;
	proto_link_post(&b->link, safe, 3);
	node_bench_run(b, 10 * CLOCK_MS);
	CU_ASSERT_EQUAL(b->duty[0], 0);
	b->groups = 3;
	node_bench_run(b, 50 * CLOCK_MS);
	CU_ASSERT_EQUAL(node_bench_set(b, PWM(0), 700), 700);
	b->groups = 0xff;
	node_bench_run(b, 200 * CLOCK_MS);
	CU_ASSERT_EQUAL(b->duty[0], 0);
	CU_ASSERT_TRUE(b->duty_ns[0] <= b->last_word_ns + 100 * CLOCK_MS);
}

UNIT_MAIN("firmware.duty", UNIT(a_duty_needs_a_lease_and_its_range), UNIT(it_changes_at_its_time),
	  UNIT(it_ends_by_itself), UNIT(silence_and_make_safe_cut_it))
