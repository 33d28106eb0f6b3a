#include "sink.h"

#include <math.h>
#include <string.h>

static void pass_ms(int ms)
{
	clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + ms * CLOCK_MS);
}

static void on_sample(Stream *stream, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Sink *sink = (Sink *)stream;
	pthread_mutex_lock(&sink->lock);
	Signal *signal = recording_signal(sink->recording, source);
	if (!signal) {
		signal = signal_new(source);
		recording_add_signal(sink->recording, signal);
	}
	signal_append(signal, t_ns, value, status);
	sink->missing += status == SAMPLE_MISSING;
	sink->stale += status == SAMPLE_STALE;
	sink->saturated += status == SAMPLE_SATURATED;
	if (status == SAMPLE_OK)
		sink->last_good = value;
	pthread_mutex_unlock(&sink->lock);
}

static void on_event(Stream *stream, const char *name, int64_t t_ns, const char *json)
{
	Sink *sink = (Sink *)stream;
	(void)name;
	(void)t_ns;
	(void)json;
	pthread_mutex_lock(&sink->lock);
	sink->events++;
	pthread_mutex_unlock(&sink->lock);
}

static void on_frame(Stream *stream, const char *source, const Frame *frame)
{
	Sink *sink = (Sink *)stream;
	(void)source;
	pthread_mutex_lock(&sink->lock);
	sink->frames += frame->size > 0;
	pthread_mutex_unlock(&sink->lock);
}

static void on_fault(Stream *stream, const Fault *fault)
{
	Sink *sink = (Sink *)stream;
	pthread_mutex_lock(&sink->lock);
	sink->faults++;
	g_strlcpy(sink->last_fault, fault->cause, sizeof sink->last_fault);
	pthread_mutex_unlock(&sink->lock);
}

void sink_init(Sink *sink)
{
	*sink = (Sink){.stream = {on_sample, on_event, on_frame, on_fault},
		       .recording = recording_new()};
	thread_lock_init(&sink->lock);
}

void sink_clear(Sink *sink)
{
	recording_free(sink->recording);
	pthread_mutex_destroy(&sink->lock);
}

bool sink_reaches(Sink *sink, const unsigned *figure, unsigned n, int ms)
{
	for (int i = 0; i <= ms / 2; i++) {
		pthread_mutex_lock(&sink->lock);
		bool there = *figure >= n;
		pthread_mutex_unlock(&sink->lock);
		if (there)
			return true;
		pass_ms(2);
	}
	return false;
}

unsigned sink_count_good(Sink *sink, const char *channel)
{
	unsigned n = 0;
	pthread_mutex_lock(&sink->lock);
	Signal *signal = recording_signal(sink->recording, channel);
	for (size_t i = 0; signal && i < signal->n; i++)
		n += signal->status[i] == SAMPLE_OK;
	pthread_mutex_unlock(&sink->lock);
	return n;
}

bool sink_good(Sink *sink, const char *channel, unsigned n, int ms)
{
	for (int i = 0; i <= ms / 2; i++) {
		if (sink_count_good(sink, channel) >= n)
			return true;
		pass_ms(2);
	}
	return false;
}

bool sink_only(Sink *sink, const char *channel, double value)
{
	bool only = true;
	pthread_mutex_lock(&sink->lock);
	Signal *signal = recording_signal(sink->recording, channel);
	for (size_t i = 0; signal && i < signal->n; i++)
		only &= signal->status[i] != SAMPLE_OK || fabs(signal->v[i] - value) < 1e-9;
	pthread_mutex_unlock(&sink->lock);
	return only;
}

bool sink_reply(Device *device, uint32_t id, int ms, DeviceReply *ret)
{
	for (int i = 0; i <= ms / 2; i++) {
		while (device_reply(device, ret))
			if (ret->id == id)
				return true;
		pass_ms(2);
	}
	return false;
}
