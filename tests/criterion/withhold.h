/* What `anzen session redact` does to a recording, on the recordings of bench.h, and what could have been there instead. */
#ifndef ANZEN_TESTS_CRITERION_WITHHOLD_H
#define ANZEN_TESTS_CRITERION_WITHHOLD_H

#include "mutations.h"

typedef struct Span {
	const char *name;
	double from_s, to_s;
} Span;

static inline Signal *withhold_copy_signal(const Signal *s)
{
	Signal *copy = signal_new(s->info.name);
	signal_info_clear(&copy->info);
	signal_info_copy(&copy->info, &s->info);
	for (size_t i = 0; i < s->n; i++)
		signal_append(copy, s->t_ns[i], s->v[i], (SampleStatus)s->status[i]);
	return copy;
}

static inline Recording *withhold_copy(const Recording *rec)
{
	Recording *copy = recording_new();
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, &key, &value))
		recording_add_signal(copy, withhold_copy_signal(value));
	g_hash_table_iter_init(&iter, rec->meta);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(copy->meta, g_strdup(key), g_strdup(value));
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = rec->events->pdata[i];
		recording_add_event(copy, e->t_ns, e->name, e->json);
	}
	for (guint i = 0; i < rec->faults->len; i++)
		recording_add_fault(copy, rec->faults->pdata[i]);
	copy->start_ns = rec->start_ns;
	copy->end_ns = rec->end_ns;
	copy->evidence = rec->evidence;
	copy->complete = rec->complete;
	copy->incomplete_why = g_strdup(rec->incomplete_why);
	return copy;
}

static inline void withhold_fault(Recording *rec, const char *name, const char *signal,
				  int64_t from, int64_t until)
{
	g_autofree char *cause = g_strdup_printf("%s: withheld by redaction: test", name);
	char source[] = FAULT_SOURCE_REDACTION;
	const Fault fault = {from,        until, source, cause, (char *)(uintptr_t)signal,
			     BLAME_BENCH, true};
	recording_add_fault(rec, &fault);
}

/* As session/redact.c and its loader do it: the samples are missing; the signal is unknown until it speaks again; what shows
 * life leaves a fault of no signal. */
static inline void withhold(Recording *rec, const JudgeSpec *spec, const Span *span)
{
	Signal *s = recording_signal(rec, span->name);
	int64_t from = at(span->from_s), to = at(span->to_s), until = CLOCK_NEVER;
	for (size_t i = 0; s && i < s->n; i++) {
		if (s->t_ns[i] >= to) {
			until = s->t_ns[i] - 1;
			break;
		}
		if (s->t_ns[i] >= from) {
			s->v[i] = (double)NAN;
			s->status[i] = SAMPLE_MISSING;
		}
	}
	withhold_fault(rec, span->name, span->name, from, until);
	if (!strcmp(span->name, spec->heartbeat) || !strcmp(span->name, spec->positive_control))
		withhold_fault(rec, span->name, NULL, MAX(from, rec->start_ns), to);
}

static inline Span withhold_draw(GRand *rand)
{
	const char *const names[] = {"mannequin.height",   "product.alarm",
				     "product.heartbeat",  "product.card",
				     "product.alarm.time", "health.input.consumed",
				     "health.input.age",   "health.cpu.wait"};
	double from = g_rand_double_range(rand, -1, 20),
	       length = g_rand_boolean(rand) ? g_rand_double_range(rand, 0.01, 3)
					     : g_rand_double_range(rand, 3, 25);
	return (Span){names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))], from, from + length};
}

/* Something else that may have stood there. */
static inline void withhold_instead(Recording *rec, GRand *rand, const Span *span)
{
	Signal *s = recording_signal(rec, span->name);
	bool on = g_rand_boolean(rand);
	double other = g_rand_double_range(rand, 0, 3);
	for (size_t i = 0; s && i < s->n; i++) {
		if (s->t_ns[i] < at(span->from_s) || s->t_ns[i] >= at(span->to_s))
			continue;
		if (s->info.boolean)
			s->v[i] = g_rand_int_range(rand, 0, 3) ? on : !on;
		else if (s->info.origin == ORIGIN_HEALTH)
			s->v[i] = other;
		else
			s->v[i] += other / 1000;
	}
}

#endif
