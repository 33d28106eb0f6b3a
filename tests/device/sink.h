/* A Stream that keeps what it gets, and waits without guessing. For tests of drivers. */
#ifndef ANZEN_TESTS_DEVICE_SINK_H
#define ANZEN_TESTS_DEVICE_SINK_H

#include <anzen/device.h>
#include <pthread.h>

typedef struct Sink {
	Stream stream;
	pthread_mutex_t lock;
	GHashTable *good; /* channel → number of OK samples (GUINT) */
	Recording *recording;
	unsigned frames, missing, stale, saturated, faults, events;
	double last_good;
	char last_fault[200];
} Sink;

void sink_init(Sink *sink);
void sink_clear(Sink *sink);
/* Wait at most `ms` until `*figure` (a member of sink) is at least n. */
bool sink_reaches(Sink *sink, const unsigned *figure, unsigned n, int ms);
bool sink_good(Sink *sink, const char *channel, unsigned n, int ms); /* at least n OK samples */
unsigned sink_count_good(Sink *sink, const char *channel);
/* Every OK sample of the channel had this value. */
bool sink_only(Sink *sink, const char *channel, double value);
/* Wait for the reply to id; false when none came in ms. */
bool sink_reply(Device *device, uint32_t id, int ms, DeviceReply *ret);

#endif
