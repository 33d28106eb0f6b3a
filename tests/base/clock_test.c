#include <anzen/base.h>

#include "unit.h"

static void monotonic_clock_reaches_its_deadline(void)
{
	Clock *clock = clock_monotonic();
	int64_t start = clock_now(clock);
	clock_wait_until(clock, start + 2 * CLOCK_MS);
	CU_ASSERT(clock_now(clock) >= start + 2 * CLOCK_MS);
	clock_wait_until(clock, start); /* a past deadline returns at once */
	clock_wait_until(clock, -5);
	clock_free(clock); /* a no-op: the clock still runs */
	CU_ASSERT(clock_now(clock) > start);
}

static void manual_clock_stands_still_until_told(void)
{
	g_autoptr(Clock) clock = clock_manual_new(7);
	CU_ASSERT_EQUAL(clock_now(clock), 7);
	CU_ASSERT_EQUAL(clock_now(clock), 7);
	clock_manual_set(clock, 7);
	clock_manual_set(clock, 12);
	CU_ASSERT_EQUAL(clock_now(clock), 12);
	clock_wait_until(clock, 12); /* already there */
}

static gpointer wait_for_second(gpointer data)
{
	Clock *clock = data;
	clock_wait_until(clock, CLOCK_S);
	return GSIZE_TO_POINTER((gsize)clock_now(clock));
}

static void manual_clock_wakes_waiter_only_when_its_time_has_come(void)
{
	g_autoptr(Clock) clock = clock_manual_new(0);
	GThread *waiter = g_thread_new("waiter", wait_for_second, clock);
	for (int64_t t = 0; t <= CLOCK_S; t += CLOCK_S / 100)
		clock_manual_set(clock, t);
	CU_ASSERT_EQUAL((gsize)g_thread_join(waiter), (gsize)CLOCK_S);
}

static void manual_utc_counts_from_new_year_2026(void)
{
	g_autoptr(Clock) clock = clock_manual_new(3 * CLOCK_S);
	int64_t mono, u;
	int64_t utc = clock_utc(clock, &mono, &u);
	g_autoptr(GDateTime) epoch = g_date_time_new_utc(2026, 1, 1, 0, 0, 3);
	CU_ASSERT_EQUAL(utc, g_date_time_to_unix(epoch) * CLOCK_S);
	CU_ASSERT_EQUAL(mono, 3 * CLOCK_S);
	CU_ASSERT_EQUAL(u, 0);
}

static void utc_anchor_agrees_with_the_wall_clock(void)
{
	int64_t mono, u;
	int64_t wall = g_get_real_time();
	int64_t before = clock_now(clock_monotonic());
	int64_t utc = clock_utc(clock_monotonic(), &mono, &u);
	CU_ASSERT(mono >= before && mono <= clock_now(clock_monotonic()));
	CU_ASSERT(u > 0);
	CU_ASSERT(ABS(utc / 1000 - wall) < 60 * 1000000);
}

UNIT_MAIN("base.clock", UNIT(monotonic_clock_reaches_its_deadline),
	  UNIT(manual_clock_stands_still_until_told),
	  UNIT(manual_clock_wakes_waiter_only_when_its_time_has_come),
	  UNIT(manual_utc_counts_from_new_year_2026), UNIT(utc_anchor_agrees_with_the_wall_clock))
