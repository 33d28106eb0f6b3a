/* A random case as stl sees it. */
#ifndef ANZEN_TESTS_STL_GIVEN_H
#define ANZEN_TESTS_STL_GIVEN_H

#include "random.h"

#include <anzen/stl.h>

static inline Signal *series(const char *name, const RefSignal *s, const RefSample *x, size_t n)
{
	static const SampleStatus status[] = {SAMPLE_OK, SAMPLE_MISSING, SAMPLE_STALE,
					      SAMPLE_SATURATED};
	Signal *out = signal_new(name);
	out->info.boolean = s->boolean;
	out->info.interp = s->hold ? SIGNAL_PREVIOUS : SIGNAL_LINEAR;
	out->info.max_gap_ns = s->max_gap * CLOCK_S;
	out->info.range_lo = s->range_lo;
	out->info.range_hi = s->range_hi;
	if (!s->boolean)
		unit_parse("m", &out->info.unit, NULL);
	for (size_t i = 0; i < n; i++)
		signal_append(out, x[i].t * CLOCK_S, x[i].v, status[x[i].status]);
	return out;
}

typedef struct Given {
	GHashTable *signals, *upper;
	StlInput input;
} Given;

static inline void give(const RefCase *c, Given *g)
{
	GDestroyNotify destroy = (GDestroyNotify)signal_free;
	g->signals = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, destroy);
	g->upper = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, destroy);
	for (size_t i = 0; i < c->n_signals; i++) {
		const RefSignal *s = &c->signals[i];
		Signal *lower = series(case_names[i], s, s->lower, s->n);
		g_hash_table_insert(g->signals, lower->info.name, lower);
		if (s->n_upper) {
			Signal *upper = series(case_names[i], s, s->upper, s->n_upper);
			g_hash_table_insert(g->upper, upper->info.name, upper);
		}
	}
	g->input = (StlInput){.end_ns = c->end * CLOCK_S, .signals = g->signals, .upper = g->upper};
}

static inline void take_back(Given *g)
{
	g_hash_table_unref(g->signals);
	g_hash_table_unref(g->upper);
}

static inline uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = g_getenv(name);
	return text ? g_ascii_strtoull(text, NULL, 10) : otherwise;
}

#endif
