/* The bench timebase: CLOCK_MONOTONIC as int64 nanoseconds, injected everywhere as a Clock.
 *
 * Nothing but base/clock.c calls clock_gettime or a sleep. Tests and lock-step runs use a manual clock that
 * moves only when told. Every function here may be called on any thread and never allocates, except new/free.
 *
 *	Clock *clock = clock_monotonic();
 *	int64_t t = clock_now(clock);
 *	clock_wait_until(clock, t + 5 * CLOCK_MS);
 */
#ifndef ANZEN_BASE_CLOCK_H
#define ANZEN_BASE_CLOCK_H

#include <glib.h>
#include <stdint.h>

G_BEGIN_DECLS

#define CLOCK_US INT64_C(1000)
#define CLOCK_MS INT64_C(1000000)
#define CLOCK_S INT64_C(1000000000)
#define CLOCK_NEVER INT64_MAX

typedef struct Clock Clock;

/* The machine's CLOCK_MONOTONIC. Static; never freed. */
Clock *clock_monotonic(void);

/* A clock that stands still at start_ns until clock_manual_set(). Free with clock_free(). */
Clock *clock_manual_new(int64_t start_ns);

/* Move a manual clock forward to now_ns and wake whoever waits for a time that has come. Backward moves are
 * a bug (assert). */
void clock_manual_set(Clock *clock, int64_t now_ns);

/* Takes NULL and the monotonic clock (both no-ops). */
void clock_free(Clock *clock);

int64_t clock_now(Clock *clock);

/* Return when clock_now() >= deadline_ns (absolute). The monotonic clock sleeps with clock_nanosleep
 * TIMER_ABSTIME and does not spin. */
void clock_wait_until(Clock *clock, int64_t deadline_ns);

/* Wall-clock anchor: UTC nanoseconds since 1970 that belong to the same instant as *ret_mono_ns, and how far
 * apart the two readings can be (half the bracketing interval). For the manual clock UTC is a fixed epoch
 * (2026-01-01T00:00:00Z) plus its time, so that lock-step files repeat byte for byte. */
int64_t clock_utc(Clock *clock, int64_t *ret_mono_ns, int64_t *ret_uncertainty_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clock, clock_free)

G_END_DECLS

#endif
