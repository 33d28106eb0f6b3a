/* The producers' side of the recorder: fixed-size records into rings, never blocking. What does not fit is counted
 * and becomes a fault on the writer's side. */
#include "recorder.h"

/* Room for more than one second of the bench's fastest use (16 signals at 1 kHz), since a sync on a slow disk
 * never stops the writer but a busy machine may. A product gets a hundredth: its declared rate is at most 100/s. */
static const struct {
	size_t samples, events, frames, faults;
} capacity[] = {[SESSION_BENCH] = {32768, 1024, 64, 256}, [SESSION_PRODUCT] = {1024, 256, 16, 64}};

/* Cut at a character, not within one. */
static void copy_text(char *to, size_t room, const char *from)
{
	size_t n = strlen(from);
	if (n >= room) {
		n = room - 1;
		while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(to, from, n);
	to[n] = '\0';
}

static bool refuse(SessionProducer *p)
{
	atomic_fetch_add_explicit(&p->refused, 1, memory_order_relaxed);
	return false;
}

bool session_sample(SessionProducer *p, int signal, int64_t t_ns, double value, SampleStatus status)
{
	SampleRecord record = {t_ns, value, signal, (uint32_t)status};
	if (signal < 0 || signal >= (int)p->writer->signals->len || t_ns < 0 ||
	    (unsigned)status > SAMPLE_STALE)
		return refuse(p);
	return ring_push(p->samples, &record);
}

uint64_t session_event(SessionProducer *p, int64_t t_ns, const char *name, const char *json)
{
	EventRecord record = {.t_ns = t_ns, .has_json = json != NULL};
	if (t_ns < 0 || !name)
		return refuse(p);
	copy_text(record.name, sizeof(record.name), name);
	size_t n = json ? strlen(json) : 0;
	if (n >= sizeof(record.json))
		record.heap = g_strdup(json);
	else if (json)
		memcpy(record.json, json, n + 1);
	if (!ring_push(p->events, &record)) {
		g_free(record.heap);
		return 0;
	}
	return ++p->events_pushed << 8 | p->index;
}

void frame_record_clear(FrameRecord *record)
{
	if (record->copied)
		g_free((void *)(uintptr_t)record->frame.data);
	else if (record->frame.unref)
		record->frame.unref(record->frame.owner);
}

bool session_frame(SessionProducer *p, int camera, const Frame *frame)
{
	FrameRecord record = {.camera = camera, .frame = *frame};
	if (camera < 0 || camera >= (int)p->writer->cameras->len || frame->capture_ns < 0 ||
	    frame->receipt_ns < 0)
		return refuse(p);
	if (frame->ref && frame->unref) {
		frame->ref(frame->owner);
	} else {
		record.copied = true;
		record.frame.data = g_memdup2(frame->data, frame->size);
	}
	if (ring_push(p->frames, &record))
		return true;
	frame_record_clear(&record);
	return false;
}

bool session_fault(SessionProducer *p, const Fault *fault)
{
	FaultRecord record = {.t_ns = MAX(fault->t_ns, 0),
			      .until_ns = fault->until_ns,
			      .blame = fault->blame,
			      .proven = fault->proven,
			      .has_signal = fault->signal != NULL};
	copy_text(record.source, sizeof(record.source), fault->source ? fault->source : p->name);
	copy_text(record.cause, sizeof(record.cause), fault->cause ? fault->cause : "unknown");
	copy_text(record.signal, sizeof(record.signal), fault->signal ? fault->signal : "");
	return ring_push(p->faults, &record);
}

/* ---- the same as a Stream -------------------------------------------------------------------- */

static int id_of(GHashTable *ids, const char *name)
{
	return GPOINTER_TO_INT(g_hash_table_lookup(ids, name)) - 1;
}

static void stream_sample(Stream *self, const char *source, int64_t t_ns, double value,
			  SampleStatus status)
{
	SessionProducer *p = (SessionProducer *)self;
	session_sample(p, id_of(p->writer->signal_ids, source), t_ns, value, status);
}

static void stream_event(Stream *self, const char *name, int64_t t_ns, const char *json)
{
	session_event((SessionProducer *)self, t_ns, name, json);
}

static void stream_frame(Stream *self, const char *source, const Frame *frame)
{
	SessionProducer *p = (SessionProducer *)self;
	session_frame(p, id_of(p->writer->camera_ids, source), frame);
}

static void stream_fault(Stream *self, const Fault *fault)
{
	session_fault((SessionProducer *)self, fault);
}

Stream *session_producer_stream(SessionProducer *p)
{
	return &p->stream;
}

/* ---- life ------------------------------------------------------------------------------------ */

SessionProducer *producer_new(SessionWriter *writer, const char *name, SessionProducerKind kind,
			      unsigned index)
{
	SessionProducer *p = g_new0(SessionProducer, 1);
	p->stream = (Stream){stream_sample, stream_event, stream_frame, stream_fault};
	p->writer = writer;
	p->name = g_strdup(name);
	p->index = index;
	p->kind = kind;
	p->samples = ring_new(sizeof(SampleRecord), capacity[kind].samples);
	p->events = ring_new(sizeof(EventRecord), capacity[kind].events);
	p->frames = ring_new(sizeof(FrameRecord), capacity[kind].frames);
	p->faults = ring_new(sizeof(FaultRecord), capacity[kind].faults);
	return p;
}

void producer_free(SessionProducer *p)
{
	FrameRecord frame;
	EventRecord event;
	if (!p)
		return;
	while (ring_pop(p->frames, &frame))
		frame_record_clear(&frame);
	while (ring_pop(p->events, &event))
		g_free(event.heap);
	ring_free(p->samples);
	ring_free(p->events);
	ring_free(p->frames);
	ring_free(p->faults);
	g_free(p->name);
	g_free(p);
}

uint64_t producer_lost(const SessionProducer *p)
{
	return ring_lost(p->samples) + ring_lost(p->events) + ring_lost(p->frames) +
	       ring_lost(p->faults) + atomic_load_explicit(&p->refused, memory_order_relaxed);
}
