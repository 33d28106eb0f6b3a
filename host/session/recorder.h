/* Private to session: what recorder.c (set-up, threads, sealing), producer.c (the rings) and drain.c (records to
 * messages) share. */
#ifndef SESSION_RECORDER_H
#define SESSION_RECORDER_H

#include "wire.h"
#include <pthread.h>
#include <stdatomic.h>

#define MAX_PRODUCERS 64
#define EVENT_NAME 96

typedef struct SampleRecord {
	int64_t t_ns;
	double value;
	int32_t signal;
	uint32_t status;
} SampleRecord;

typedef struct EventRecord {
	int64_t t_ns;
	char name[EVENT_NAME];
	char *heap; /* owned: details too long for the room below */
	bool has_json;
	char json[SESSION_EVENT_JSON];
} EventRecord;

typedef struct FrameRecord {
	int32_t camera;
	Frame frame; /* holds a reference, or a copy when `copied` */
	bool copied;
} FrameRecord;

typedef struct FaultRecord {
	int64_t t_ns, until_ns;
	Blame blame;
	bool proven, has_signal;
	char source[64], signal[96], cause[256];
} FaultRecord;

struct SessionProducer {
	Stream stream; /* first: the Stream's self is the producer */
	SessionWriter *writer;
	char *name;
	unsigned index;
	SessionProducerKind kind;
	Ring *samples, *events, *frames, *faults;
	uint64_t events_pushed;   /* producer's thread */
	_Atomic uint64_t refused; /* unknown names, negative times: lost too */
	/* writer's thread */
	uint64_t lost_reported, events_popped;
	int64_t polled_ns, told_ns;
	_Atomic uint64_t events_synced;
};

typedef struct RecordedSignal {
	SignalInfo info;
	bool slow;
	uint16_t channel;
	uint32_t sequence;
} RecordedSignal;

typedef struct RecordedCamera {
	char *name, *format;
	SchemaId schema;
	uint16_t channel, info_channel;
	uint32_t sequence;
} RecordedCamera;

struct SessionWriter {
	ChainedFile file;
	McapSink own_sink; /* when it is a file */
	McapSink sink;
	Clock *clock;
	bool inline_writer, started, finished;
	size_t chunk_size;
	int64_t chunk_age_ns;

	char **identity; /* of anzen.session: key, value, …, NULL */
	GHashTable *meta, *attachments;
	GPtrArray *signals, *cameras; /* RecordedSignal*, RecordedCamera* */
	GHashTable *signal_ids,
		*camera_ids; /* name → id + 1; fixed after start, so read without a lock */
	SessionProducer *producers[MAX_PRODUCERS];
	unsigned n_producers;

	/* writer's thread */
	Cdr cdr;
	GString *json;
	int64_t opened_ns[LANE_COUNT]; /* when the lane's chunk got its first message */
	uint32_t event_sequence, fault_sequence;
	SessionStats stats;
	bool dirty; /* chunks written since the last sync was asked for */

	pthread_t writer_thread, syncer_thread;
	atomic_bool stop;
	_Atomic uint64_t samples, events, frames, faults, lost;

	pthread_mutex_t lock; /* the syncer's mailbox and the failure */
	pthread_cond_t wake;
	bool sync_wanted, sync_stop;
	uint64_t events_wanted[MAX_PRODUCERS];
	uint64_t syncs;
	int64_t worst_sync_ns;
	_Atomic(char *) failed;
};

enum { CHANNEL_EVENTS = 1, CHANNEL_FAULTS = 2, CHANNEL_FIRST = 3 };

/* producer.c */
SessionProducer *producer_new(SessionWriter *writer, const char *name, SessionProducerKind kind,
			      unsigned index);
void producer_free(SessionProducer *producer);
uint64_t producer_lost(const SessionProducer *producer);
void frame_record_clear(FrameRecord *record);

/* drain.c: everything in the rings becomes messages; chunks whose time or size has come are closed. */
gboolean drain_all(SessionWriter *writer, GError **error);
gboolean drain_flush(SessionWriter *writer, unsigned lane, GError **error);
gboolean drain_fault(SessionWriter *writer, const Fault *fault, GError **error);

/* recorder.c */
void recorder_fail(SessionWriter *writer, const GError *error);
void recorder_ask_sync(SessionWriter *writer);

#endif
