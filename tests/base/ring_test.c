#include <anzen/base.h>

#include "unit.h"

typedef struct {
	uint64_t sequence, inverse;
} Record;

static void full_ring_refuses_and_counts_the_loss(void)
{
	g_autoptr(Ring) ring = ring_new(sizeof(int), 3); /* rounded up to 4 */
	int value = 0;
	CU_ASSERT_FALSE(ring_pop(ring, &value));
	for (int i = 0; i < 4; i++)
		CU_ASSERT_TRUE(ring_push(ring, &i));
	CU_ASSERT_EQUAL(ring_count(ring), 4);
	value = 99;
	CU_ASSERT_FALSE(ring_push(ring, &value));
	CU_ASSERT_FALSE(ring_push(ring, &value));
	CU_ASSERT_EQUAL(ring_lost(ring), 2);
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(ring_pop(ring, &value));
		CU_ASSERT_EQUAL(value, i);
	}
	CU_ASSERT_FALSE(ring_pop(ring, &value));
	CU_ASSERT_EQUAL(value, 3); /* untouched */
	CU_ASSERT_TRUE(ring_push(ring, &value));
	CU_ASSERT_EQUAL(ring_count(ring), 1);
}

static void ring_of_one_keeps_order_over_many_laps(void)
{
	g_autoptr(Ring) ring = ring_new(sizeof(Record), 1);
	for (uint64_t i = 0; i < 1000; i++) {
		Record in = {i, ~i}, out = {0};
		CU_ASSERT_TRUE(ring_push(ring, &in));
		CU_ASSERT_FALSE(ring_push(ring, &in));
		CU_ASSERT_TRUE(ring_pop(ring, &out));
		CU_ASSERT(out.sequence == i && out.inverse == ~i);
	}
}

#define CROSSING 200000

static gpointer produce(gpointer data)
{
	Ring *ring = data;
	for (uint64_t i = 0; i < CROSSING;) {
		Record r = {i, ~i};
		if (ring_push(ring, &r))
			i++;
		else
			g_thread_yield();
	}
	return NULL;
}

static void records_cross_threads_whole_and_in_order(void)
{
	g_autoptr(Ring) ring = ring_new(sizeof(Record), 64);
	GThread *producer = g_thread_new("producer", produce, ring);
	uint64_t expected = 0, torn = 0;
	while (expected < CROSSING) {
		Record r;
		if (!ring_pop(ring, &r)) {
			g_thread_yield();
			continue;
		}
		torn += r.sequence != expected || r.inverse != ~expected;
		expected++;
	}
	g_thread_join(producer);
	CU_ASSERT_EQUAL(torn, 0);
	CU_ASSERT_EQUAL(ring_count(ring), 0);
}

static void free_takes_null(void)
{
	ring_free(NULL);
	CU_PASS("returned");
}

UNIT_MAIN("base.ring", UNIT(full_ring_refuses_and_counts_the_loss),
	  UNIT(ring_of_one_keeps_order_over_many_laps),
	  UNIT(records_cross_threads_whole_and_in_order), UNIT(free_takes_null))
