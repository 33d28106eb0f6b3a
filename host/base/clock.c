#include <anzen/base/clock.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* 2026-01-01T00:00:00Z in seconds since 1970: 56 years of which 14 are leap years, (56 * 365 + 14)
 * * 86400. */
#define MANUAL_EPOCH_S INT64_C(1767225600)

struct Clock {
	bool manual;
	pthread_mutex_t lock; /* manual only */
	pthread_cond_t moved;
	int64_t now_ns;
};

static struct Clock monotonic;

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;
	int r = clock_gettime(id, &ts);
	g_assert(r == 0);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

Clock *clock_monotonic(void)
{
	return &monotonic;
}

Clock *clock_manual_new(int64_t start_ns)
{
	Clock *clock = g_new0(Clock, 1);
	clock->manual = true;
	clock->now_ns = start_ns;
	pthread_mutex_init(&clock->lock, NULL);
	pthread_cond_init(&clock->moved, NULL);
	return clock;
}

void clock_manual_set(Clock *clock, int64_t now_ns)
{
	g_assert(clock->manual);
	pthread_mutex_lock(&clock->lock);
	g_assert(now_ns >= clock->now_ns);
	clock->now_ns = now_ns;
	pthread_cond_broadcast(&clock->moved);
	pthread_mutex_unlock(&clock->lock);
}

void clock_free(Clock *clock)
{
	if (!clock || !clock->manual)
		return;
	pthread_cond_destroy(&clock->moved);
	pthread_mutex_destroy(&clock->lock);
	g_free(clock);
}

int64_t clock_now(Clock *clock)
{
	if (!clock->manual)
		return read_ns(CLOCK_MONOTONIC);
	pthread_mutex_lock(&clock->lock);
	int64_t now_ns = clock->now_ns;
	pthread_mutex_unlock(&clock->lock);
	return now_ns;
}

static void monotonic_wait_until(int64_t deadline_ns)
{
	if (deadline_ns <= 0)
		return;
	struct timespec ts = {.tv_sec = deadline_ns / CLOCK_S, .tv_nsec = deadline_ns % CLOCK_S};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void clock_wait_until(Clock *clock, int64_t deadline_ns)
{
	if (!clock->manual) {
		monotonic_wait_until(deadline_ns);
		return;
	}
	pthread_mutex_lock(&clock->lock);
	while (clock->now_ns < deadline_ns)
		pthread_cond_wait(&clock->moved, &clock->lock);
	pthread_mutex_unlock(&clock->lock);
}

int64_t clock_utc(Clock *clock, int64_t *ret_mono_ns, int64_t *ret_uncertainty_ns)
{
	if (clock->manual) {
		int64_t now_ns = clock_now(clock);
		*ret_mono_ns = now_ns;
		*ret_uncertainty_ns = 0;
		return MANUAL_EPOCH_S * CLOCK_S + now_ns;
	}
	/* Of a few tries the one with the narrowest bracket: a preemption between the readings only
	 * widens it. */
	int64_t best_utc = 0, best_mono = 0, best_half = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		int64_t before = read_ns(CLOCK_MONOTONIC);
		int64_t utc = read_ns(CLOCK_REALTIME);
		int64_t after = read_ns(CLOCK_MONOTONIC);
		int64_t half = (after - before) / 2 + 1;
		if (half < best_half) {
			best_half = half;
			best_mono = before + (after - before) / 2;
			best_utc = utc;
		}
	}
	*ret_mono_ns = best_mono;
	*ret_uncertainty_ns = best_half;
	return best_utc;
}
