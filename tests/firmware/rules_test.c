/* What a host may ask and what the node answers; on the release ELF and on the native core alike. */
#include "node_bench.h"
#include "unit.h"

#define OUT(i) (PROTO_REG_OUT0 + (i))
#define BOTH for (BenchKind kind = BENCH_ELF; kind <= BENCH_NATIVE; kind++)
#define REFUSED(why) (-1 - PROTO_REFUSED_##why)

static int32_t outcome(NodeBench *b, uint16_t tag)
{
	for (int i = 0; i < 100; i++) {
		const ProtoReply *no = node_bench_reply(b, PROTO_MSG_REFUSED, tag);
		if (no)
			return -1 - no->value;
		if (node_bench_reply(b, PROTO_MSG_QUEUED, tag))
			return 0;
		node_bench_run(b, CLOCK_MS);
	}
	return -1000;
}

static uint64_t in_ms(const NodeBench *b, int64_t ms)
{
	return node_bench_ticks(b, node_bench_now(b)) + (uint64_t)(ms * NODE_MS);
}

static void it_starts_faulted_and_only_an_edge_clears(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_EQUAL(b->pong.state, PROTO_STATE_FAULTED);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 1),
				REFUSED(NO_EDGE)); /* no 0 before it */
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 0), 0);
		node_bench_input(b, "trip", true);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 1), REFUSED(UNHEALTHY));
		node_bench_input(b, "trip", false);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 1),
				REFUSED(NO_EDGE)); /* still held at 1 */
		unsigned before = b->edges;
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 0), 0);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 1), 1);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_STATE), PROTO_STATE_READY);
		node_bench_run(b, 50 * CLOCK_MS);
		for (unsigned i = before; i < b->edges;
		     i++) /* clearing moves nothing but the lamp */
			CU_ASSERT_STRING_EQUAL(b->edge[i].name, "led");
	}
}

static void the_first_reason_and_its_time_stay(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_arm(b));
		uint64_t at = node_bench_ticks(b, node_bench_now(b));
		node_bench_input(b, "trip", true);
		node_bench_run(b, 30 * CLOCK_MS);
		node_bench_input(b, "estop", true);
		node_bench_run(b, 50 * CLOCK_MS);
		CU_ASSERT_EQUAL(b->pong.reason, PROTO_REASON_TRIP);
		CU_ASSERT_TRUE(llabs((int64_t)(b->pong.tripped_at - at)) < 20); /* 10 µs */
		CU_ASSERT_EQUAL(b->pong.inputs & 3, 3);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_ESTOP), 1);
	}
}

static void every_way_to_be_refused(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(1), 1), REFUSED(INTERLOCK));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 0), 0);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 1), 1);
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(1), 1), REFUSED(LEASE));
		b->groups = 3;
		node_bench_run(b, 45 * CLOCK_MS);
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(1), 2), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(1), -1), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, 0x7f, 1), REFUSED(NO_REGISTER));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_ESTOP, 0), REFUSED(NO_ACCESS));
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_RESET), REFUSED(NO_ACCESS));
		CU_ASSERT_EQUAL(node_bench_get(b, 0xff), REFUSED(NO_REGISTER));
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(3), 1, in_ms(b, 20), 500001)),
				REFUSED(DURATION));
		CU_ASSERT_EQUAL(
			outcome(b, node_bench_write(b, OUT(3), 1, in_ms(b, 20), UINT32_MAX)),
			REFUSED(DURATION));
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(1), 1, in_ms(b, 501000), 0)),
				REFUSED(TOO_FAR));
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(1), 1, UINT64_MAX, 0)),
				REFUSED(LATE));
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(1), 1, in_ms(b, 60), 0)), 0);
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(1), 0, in_ms(b, 40), 0)),
				REFUSED(ORDER));
		for (int i = 0; i < PROTO_QUEUE_DEPTH - 1; i++)
			CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(1), i & 1,
								    in_ms(b, 300 + i), 0)),
					0);
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(1), 1, in_ms(b, 400), 0)),
				REFUSED(QUEUE_FULL));
		CU_ASSERT_EQUAL(node_bench_rises(b, "out.1"), 0);
	}
}

static void malformed_messages_are_answered_and_do_nothing(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_arm(b));
		unsigned before = b->edges, had = b->replies, sent = 0;
		for (uint8_t msg = 0; msg < 32; msg++)
			for (uint8_t n = 0; n <= 30; n += 5) {
				uint8_t bytes[PROTO_PAYLOAD];
				memset(bytes, 0x11, sizeof bytes);
				bytes[0] = msg;
				while (!proto_link_post(&b->link, bytes, n))
					node_bench_run(b, CLOCK_MS);
				sent++;
			}
		node_bench_run(b, 100 * CLOCK_MS);
		CU_ASSERT_TRUE(b->replies + b->texts - had >=
			       sent); /* a DESCRIBE of the right length is answered by text */
		CU_ASSERT_EQUAL(b->edges, before);
	}
}

static void a_pulse_has_its_length_and_once_means_once(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_arm(b));
		node_bench_write(b, OUT(2), 1, in_ms(b, 20), 30000);
		node_bench_run(b, 30 * CLOCK_MS);
		const BenchEdge *e = node_bench_edge(b, "out.2");
		CU_ASSERT_TRUE(e && e->level);
		int64_t rise = e ? e->t_ns : 0;
		node_bench_run(b, 40 * CLOCK_MS);
		e = node_bench_edge(b, "out.2");
		CU_ASSERT_TRUE(e && !e->level &&
			       llabs(e->t_ns - rise - 30 * CLOCK_MS) < 50 * CLOCK_US);
		/* the latch: commanded again half way, it still ends 500 ms after it began */
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(3), 1), 1);
		rise = node_bench_edge(b, "out.3")->t_ns;
		node_bench_run(b, 250 * CLOCK_MS);
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(3), 1), 1);
		node_bench_run(b, 400 * CLOCK_MS);
		e = node_bench_edge(b, "out.3");
		CU_ASSERT_TRUE(!e->level &&
			       llabs(e->t_ns - rise - 500 * CLOCK_MS) < 100 * CLOCK_US);
		const ProtoEventMsg *told = node_bench_event(b, PROTO_EVENT_EXPIRED);
		CU_ASSERT_TRUE(told && told->source == OUT(3));
		/* the heater is renewable: commanded again it stays */
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(0), 1, in_ms(b, 20), 100000)),
				0);
		node_bench_run(b, 80 * CLOCK_MS);
		CU_ASSERT_EQUAL(outcome(b, node_bench_write(b, OUT(0), 1, in_ms(b, 20), 100000)),
				0);
		node_bench_run(b, 100 * CLOCK_MS);
		CU_ASSERT_TRUE(node_bench_edge(b, "out.0")->level);
		node_bench_run(b, 100 * CLOCK_MS);
		CU_ASSERT_FALSE(node_bench_edge(b, "out.0")->level);
	}
}

static void a_trip_empties_the_queues(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_arm(b));
		uint16_t tag = node_bench_write(b, OUT(1), 1, in_ms(b, 200), 0);
		node_bench_run(b, 20 * CLOCK_MS);
		node_bench_input(b, "estop", true);
		node_bench_run(b, 5 * CLOCK_MS);
		node_bench_input(b, "estop", false);
		node_bench_run(b, 5 * CLOCK_MS);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 0), 0);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_RESET, 1), 1);
		node_bench_run(b, 300 * CLOCK_MS);
		const ProtoReply *no = node_bench_reply(b, PROTO_MSG_REFUSED, tag);
		CU_ASSERT_TRUE(no && no->value == PROTO_REFUSED_CANCELLED);
		CU_ASSERT_EQUAL(node_bench_rises(b, "out.1"), 0);
	}
}

/* Vin * 1024 / 5 V; 500 Hz a channel, numbered without gaps, steps of 500 µs; the ramp shows the stamps to be true. */
static void samples_have_values_times_and_numbers(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		b->adc_mv[0] = 100;
		b->adc_mv[1] = 2500;
		b->adc_mv[2] = 5000;
		b->adc_mv[3] = 1234;
		b->adc_slope = 1000; /* 204.8 codes a second on channel 0 */
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, 1), 1);
		node_bench_run(b, 50 * CLOCK_MS);
		unsigned had = b->batches;
		uint16_t number = b->adc.batch;
		node_bench_run(b, CLOCK_S);
		CU_ASSERT_TRUE(b->batches - had >= 198 && b->batches - had <= 202); /* 4 x 1 kHz */
		CU_ASSERT_EQUAL((uint16_t)(b->adc.batch - number), b->batches - had);
		CU_ASSERT_EQUAL(b->adc.period, 2000);
		CU_ASSERT_EQUAL(b->adc_codes[1], 512);
		CU_ASSERT_EQUAL(b->adc_codes[2], 1023 | PROTO_ADC_CLIPPED);
		CU_ASSERT_EQUAL(b->adc_codes[3], 252);
		double t_s = ((double)b->adc.at - (double)b->offset_ticks) / 2e6;
		CU_ASSERT_DOUBLE_EQUAL(b->adc_codes[0], (100 + 1000 * t_s) * 1024 / 5000, 1.3);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_ADC1), 512);
	}
}

static size_t nothing(NodeBench *b, const uint8_t *bytes, size_t n, uint8_t *ret, size_t size)
{
	(void)b, (void)bytes, (void)n, (void)ret, (void)size;
	return 0;
}

/* How many batches of 5 ms a node keeps for a host that is busy: 4 on their way and 31 waiting; the small board 3 and 3. */
static int64_t may_be_busy(const NodeBench *b)
{
	return b->sim && !strcmp(node_bench_board(), "atmega328p") ? 20 * CLOCK_MS : 150 * CLOCK_MS;
}

/* A busy host acknowledges nothing for 150 ms, longer than a lease lives. */
static void samples_outlive_a_host_that_is_busy(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, 1), 1);
		node_bench_run(b, 50 * CLOCK_MS);
		unsigned had = b->batches;
		uint16_t number = b->adc.batch;
		b->to_node = nothing;
		int64_t busy = may_be_busy(b);
		node_bench_run(b, busy);
		b->to_node = NULL;
		node_bench_run(b, CLOCK_S);
		CU_ASSERT_TRUE(b->batches - had >= 198 + busy / (5 * CLOCK_MS));
		CU_ASSERT_EQUAL((uint16_t)(b->adc.batch - number), b->batches - had);
		CU_ASSERT_PTR_NULL(node_bench_event(b, PROTO_EVENT_ADC_LOST));
	}
}

/* Longer than the node can remember: what is missing shows, in the numbers and as an event. */
static void lost_samples_are_numbered_and_told(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_STREAM, 1), 1);
		node_bench_run(b, 50 * CLOCK_MS);
		unsigned had = b->batches;
		uint16_t number = b->adc.batch;
		b->to_node = nothing;
		node_bench_run(b, 400 * CLOCK_MS);
		b->to_node = NULL;
		node_bench_run(b, CLOCK_S);
		unsigned told = 0;
		for (unsigned i = 0; i < MIN(b->events, G_N_ELEMENTS(b->event)); i++)
			told += b->event[i].event == PROTO_EVENT_ADC_LOST ? b->event[i].detail : 0;
		unsigned missing = (uint16_t)(b->adc.batch - number) - (b->batches - had);
		CU_ASSERT_TRUE(missing > 0);
		CU_ASSERT_EQUAL(told, missing);
		CU_ASSERT_PTR_NULL(node_bench_event(b, PROTO_EVENT_EVENTS_LOST));
	}
}

static void inputs_are_events_with_their_time(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_connect(b));
		node_bench_run(b, 10 * CLOCK_MS);
		uint64_t at = node_bench_ticks(b, node_bench_now(b));
		node_bench_input(b, "in.2", true);
		node_bench_run(b, 10 * CLOCK_MS);
		const ProtoEventMsg *e = node_bench_event(b, PROTO_EVENT_INPUT);
		CU_ASSERT_TRUE(e && e->source == PROTO_REG_IN2 && e->detail == 1);
		/* one tick of 250 µs; the bench is wrong by 3.5 µs at most */
		CU_ASSERT_TRUE(e && (int64_t)(e->at - at) <= 600 && (int64_t)(e->at - at) >= -8);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_IN2), 1);
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_IN1), 0);
	}
}

static void limits_may_only_be_lowered(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_arm(b));
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_LIMIT0 + 3), 500);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_LIMIT0 + 3, 501), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_LIMIT0 + 3, 100), 100);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_LIMIT0 + 3, 200), REFUSED(RANGE));
		CU_ASSERT_EQUAL(node_bench_get(b, PROTO_REG_LIMIT0 + 3), 100);
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(3), 1), 1);
		int64_t rise = node_bench_edge(b, "out.3")->t_ns;
		node_bench_run(b, 150 * CLOCK_MS);
		const BenchEdge *e = node_bench_edge(b, "out.3");
		CU_ASSERT_TRUE(!e->level &&
			       llabs(e->t_ns - rise - 100 * CLOCK_MS) < 100 * CLOCK_US);
	}
}

static void a_new_session_while_leased_is_a_fault(void)
{
	BOTH
	{
		g_autoptr(NodeBench) b = node_bench_new(kind);
		CU_ASSERT_TRUE(node_bench_arm(b));
		CU_ASSERT_EQUAL(node_bench_set(b, OUT(1), 1), 1);
		b->link.session = 0; /* the host has died and comes back at once */
		b->groups = 0;
		CU_ASSERT_TRUE(node_bench_connect(b));
		CU_ASSERT_FALSE(node_bench_edge(b, "out.1")->level);
		CU_ASSERT_EQUAL(b->pong.reason, PROTO_REASON_SESSION);
	}
}

static void the_node_describes_itself(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_connect(b));
	uint8_t bytes[5] = {PROTO_MSG_DESCRIBE, 1, 0, 0, 0};
	CU_ASSERT_TRUE(proto_link_post(&b->link, bytes, 5));
	node_bench_run(b, 20 * CLOCK_MS);
	CU_ASSERT_EQUAL(b->texts, 1);
}

UNIT_MAIN("firmware.rules", UNIT(it_starts_faulted_and_only_an_edge_clears),
	  UNIT(the_first_reason_and_its_time_stay), UNIT(every_way_to_be_refused),
	  UNIT(malformed_messages_are_answered_and_do_nothing),
	  UNIT(a_pulse_has_its_length_and_once_means_once), UNIT(a_trip_empties_the_queues),
	  UNIT(samples_have_values_times_and_numbers), UNIT(samples_outlive_a_host_that_is_busy),
	  UNIT(lost_samples_are_numbered_and_told), UNIT(inputs_are_events_with_their_time),
	  UNIT(limits_may_only_be_lowered), UNIT(a_new_session_while_leased_is_a_fault),
	  UNIT(the_node_describes_itself))
