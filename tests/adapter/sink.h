/* A Stream that keeps what it was given, for tests; safe for calls from many threads. */
#ifndef ANZEN_TESTS_ADAPTER_SINK_H
#define ANZEN_TESTS_ADAPTER_SINK_H

#include <anzen/model.h>
#include <pthread.h>

typedef struct SinkSample {
	char *source;
	int64_t t_ns;
	double v;
	SampleStatus status;
} SinkSample;

typedef struct Sink {
	Stream stream;
	pthread_mutex_t lock;
	pthread_cond_t more;
	GArray *samples;   /* SinkSample */
	GPtrArray *faults; /* char*: cause */
	Blame last_blame;
} Sink;

static inline void sink_sample(Stream *s, const char *source, int64_t t_ns, double v,
			       SampleStatus status)
{
	Sink *sink = (Sink *)s;
	pthread_mutex_lock(&sink->lock);
	SinkSample sample = {g_strdup(source), t_ns, v, status};
	g_array_append_val(sink->samples, sample);
	pthread_cond_broadcast(&sink->more);
	pthread_mutex_unlock(&sink->lock);
}

static inline void sink_fault(Stream *s, const Fault *fault)
{
	Sink *sink = (Sink *)s;
	pthread_mutex_lock(&sink->lock);
	g_ptr_array_add(sink->faults, g_strdup(fault->cause));
	sink->last_blame = fault->blame;
	pthread_cond_broadcast(&sink->more);
	pthread_mutex_unlock(&sink->lock);
}

static inline Sink *sink_new(void)
{
	Sink *sink = g_new0(Sink, 1);
	sink->stream.sample = sink_sample;
	sink->stream.fault = sink_fault;
	sink->samples = g_array_new(FALSE, TRUE, sizeof(SinkSample));
	sink->faults = g_ptr_array_new_with_free_func(g_free);
	pthread_mutex_init(&sink->lock, NULL);
	pthread_cond_init(&sink->more, NULL);
	return sink;
}

static inline void sink_free(Sink *sink)
{
	for (guint i = 0; i < sink->samples->len; i++)
		g_free(g_array_index(sink->samples, SinkSample, i).source);
	g_array_unref(sink->samples);
	g_ptr_array_unref(sink->faults);
	pthread_mutex_destroy(&sink->lock);
	pthread_cond_destroy(&sink->more);
	g_free(sink);
}

/* The last value of a signal, NAN when it never came. */
static inline double sink_last(Sink *sink, const char *source)
{
	double v = NAN;
	pthread_mutex_lock(&sink->lock);
	for (guint i = 0; i < sink->samples->len; i++)
		if (!strcmp(g_array_index(sink->samples, SinkSample, i).source, source))
			v = g_array_index(sink->samples, SinkSample, i).v;
	pthread_mutex_unlock(&sink->lock);
	return v;
}

/* Wait until the signal has had `v`, at most 5 s. */
static inline bool sink_wait(Sink *sink, const char *source, double v)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	bool found = false;
	pthread_mutex_lock(&sink->lock);
	for (;;) {
		for (guint i = 0; i < sink->samples->len && !found; i++) {
			const SinkSample *s = &g_array_index(sink->samples, SinkSample, i);
			found = !strcmp(s->source, source) && s->v == v;
		}
		if (found || pthread_cond_timedwait(&sink->more, &sink->lock, &until))
			break;
	}
	pthread_mutex_unlock(&sink->lock);
	return found;
}

static inline bool sink_wait_fault(Sink *sink, const char *word)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	bool found = false;
	pthread_mutex_lock(&sink->lock);
	for (;;) {
		for (guint i = 0; i < sink->faults->len && !found; i++)
			found = strstr(g_ptr_array_index(sink->faults, i), word) != NULL;
		if (found || pthread_cond_timedwait(&sink->more, &sink->lock, &until))
			break;
	}
	pthread_mutex_unlock(&sink->lock);
	return found;
}

#endif
