/* The writer's side: records from the rings become messages; chunks are closed by size and age. */
#include "recorder.h"
#include <json-glib/json-glib.h>

/* A product that floods is told about once a second, not on every poll. */
#define TELL_PRODUCT_NS CLOCK_S

static gboolean put(SessionWriter *w, unsigned lane, uint16_t channel, uint32_t sequence,
		    int64_t log_ns, int64_t publish_ns, const void *data, size_t size,
		    GError **error)
{
	McapWriter *mcap = w->file.mcap;
	if (mcap_writer_pending(mcap, lane) == 0)
		w->opened_ns[lane] = clock_now(w->clock);
	if (!mcap_writer_message(mcap, channel, sequence, (uint64_t)log_ns, (uint64_t)publish_ns,
				 data, size, error))
		return FALSE;
	return mcap_writer_pending(mcap, lane) < w->chunk_size || drain_flush(w, lane, error);
}

gboolean drain_flush(SessionWriter *w, unsigned lane, GError **error)
{
	if (mcap_writer_pending(w->file.mcap, lane) == 0)
		return TRUE;
	if (!chained_file_flush(&w->file, lane, error))
		return FALSE;
	/* Everything popped so far stands in closed chunks: events go to the signals' lane only. */
	if (lane == LANE_SIGNALS) {
		pthread_mutex_lock(&w->lock);
		for (unsigned i = 0; i < w->n_producers; i++)
			w->events_wanted[i] = w->producers[i]->events_popped;
		pthread_mutex_unlock(&w->lock);
	}
	recorder_ask_sync(w);
	return TRUE;
}

static void json_put_stamp(GString *out, int64_t t_ns)
{
	g_string_append_printf(
		out, "{\"stamp\":{\"sec\":%" G_GINT64_FORMAT ",\"nsec\":%" G_GINT64_FORMAT "}",
		t_ns / CLOCK_S, t_ns % CLOCK_S);
}

static gboolean put_json(SessionWriter *w, uint16_t channel, uint32_t sequence, int64_t t_ns,
			 GError **error)
{
	return put(w, LANE_SIGNALS, channel, sequence, t_ns, t_ns, w->json->str, w->json->len,
		   error);
}

static gboolean drain_sample(SessionWriter *w, const SampleRecord *r, GError **error)
{
	RecordedSignal *signal = w->signals->pdata[r->signal];
	atomic_fetch_add_explicit(&w->samples, 1, memory_order_relaxed);
	if (signal->slow) {
		g_string_truncate(w->json, 0);
		json_put_stamp(w->json, r->t_ns);
		g_string_append(w->json, ",\"value\":");
		json_put_double(w->json, r->value);
		g_string_append_printf(w->json, ",\"status\":\"%s\"}",
				       sample_status_name((SampleStatus)r->status));
		return put_json(w, signal->channel, signal->sequence++, r->t_ns, error);
	}
	cdr_begin(&w->cdr);
	cdr_put_time(&w->cdr, r->t_ns);
	cdr_put_double(&w->cdr, r->value);
	cdr_put_u8(&w->cdr, (uint8_t)r->status);
	return put(w, LANE_SIGNALS, signal->channel, signal->sequence++, r->t_ns, r->t_ns,
		   w->cdr.data, w->cdr.size, error);
}

/* Details are JSON as given when they parse, else a string: an event is never lost for its details. */
static void put_details(GString *out, const char *json)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_string_append(out, ",\"details\":");
	if (g_utf8_validate(json, -1, NULL) && json_parser_load_from_data(parser, json, -1, NULL) &&
	    json_parser_get_root(parser)) {
		g_autofree char *clean = json_to_string(json_parser_get_root(parser), FALSE);
		g_string_append(out, clean);
	} else {
		text_append_json(out, json);
	}
}

static gboolean drain_event(SessionWriter *w, SessionProducer *p, EventRecord *r, GError **error)
{
	atomic_fetch_add_explicit(&w->events, 1, memory_order_relaxed);
	g_string_truncate(w->json, 0);
	json_put_stamp(w->json, r->t_ns);
	g_string_append(w->json, ",\"name\":");
	text_append_json(w->json, r->name);
	g_string_append(w->json, ",\"producer\":");
	text_append_json(w->json, p->name);
	if (r->has_json)
		put_details(w->json, r->heap ? r->heap : r->json);
	g_string_append_c(w->json, '}');
	g_clear_pointer(&r->heap, g_free);
	/* Counted before put(): should its chunk close at once, this event is in it. */
	p->events_popped++;
	return put_json(w, CHANNEL_EVENTS, w->event_sequence++, r->t_ns, error);
}

gboolean drain_fault(SessionWriter *w, const Fault *fault, GError **error)
{
	atomic_fetch_add_explicit(&w->faults, 1, memory_order_relaxed);
	g_string_truncate(w->json, 0);
	json_put_stamp(w->json, fault->t_ns);
	g_string_append(w->json, ",\"until_ns\":");
	if (fault->until_ns == CLOCK_NEVER)
		g_string_append(w->json, "null");
	else
		g_string_append_printf(w->json, "%" G_GINT64_FORMAT, fault->until_ns);
	g_string_append(w->json, ",\"source\":");
	text_append_json(w->json, fault->source);
	g_string_append(w->json, ",\"cause\":");
	text_append_json(w->json, fault->cause);
	g_string_append(w->json, ",\"signal\":");
	text_append_json(w->json, fault->signal);
	g_string_append_printf(w->json, ",\"blame\":\"%s\",\"proven\":%s}",
			       blame_name(fault->blame), fault->proven ? "true" : "false");
	return put_json(w, CHANNEL_FAULTS, w->fault_sequence++, fault->t_ns, error);
}

static gboolean drain_fault_record(SessionWriter *w, FaultRecord *r, GError **error)
{
	Fault fault = {r->t_ns,  r->until_ns, r->source, r->cause, r->has_signal ? r->signal : NULL,
		       r->blame, r->proven};
	return drain_fault(w, &fault, error);
}

static gboolean put_frame(SessionWriter *w, RecordedCamera *camera, const Frame *f, GError **error)
{
	uint32_t sequence = camera->sequence++;
	cdr_begin(&w->cdr);
	cdr_put_picture(&w->cdr, camera->name, camera->format, f);
	if (!put(w, LANE_FRAMES, camera->channel, sequence, f->receipt_ns, f->capture_ns,
		 w->cdr.data, w->cdr.size, error))
		return FALSE;
	cdr_begin(&w->cdr);
	cdr_put_time(&w->cdr, f->capture_ns);
	cdr_put_u64(&w->cdr, f->sequence);
	cdr_put_u64(&w->cdr, (uint64_t)f->capture_u_ns);
	cdr_put_u32(&w->cdr, (uint32_t)f->width);
	cdr_put_u32(&w->cdr, (uint32_t)f->height);
	cdr_put_u8(&w->cdr, f->key);
	return put(w, LANE_SIGNALS, camera->info_channel, sequence, f->receipt_ns, f->capture_ns,
		   w->cdr.data, w->cdr.size, error);
}

static gboolean drain_frame(SessionWriter *w, FrameRecord *r, GError **error)
{
	RecordedCamera *camera = w->cameras->pdata[r->camera];
	gboolean good;
	if (g_strcmp0(r->frame.format, camera->format)) {
		g_autofree char *cause = g_strdup_printf(
			"%s sent a %s frame, declared %s", camera->name,
			r->frame.format ? r->frame.format : "nameless", camera->format);
		Fault fault = {r->frame.receipt_ns, CLOCK_NEVER, camera->name, cause,
			       camera->name,        BLAME_BENCH, true};
		good = drain_fault(w, &fault, error);
	} else {
		atomic_fetch_add_explicit(&w->frames, 1, memory_order_relaxed);
		good = put_frame(w, camera, &r->frame, error);
	}
	frame_record_clear(r);
	return good;
}

/* What did not fit into the rings since the last look becomes a fault over that time. */
static gboolean tell_losses(SessionWriter *w, SessionProducer *p, int64_t now, bool last,
			    GError **error)
{
	uint64_t lost = producer_lost(p), news = lost - p->lost_reported;
	bool product = p->kind == SESSION_PRODUCT;
	if (news == 0) {
		p->polled_ns = now;
		return TRUE;
	}
	if (product && !last && p->told_ns != 0 && now - p->told_ns < TELL_PRODUCT_NS)
		return TRUE;
	g_autofree char *cause = g_strdup_printf(
		product ? "%s sent more than its part of the recorder holds: %" G_GUINT64_FORMAT
			  " records lost"
			: "%s: %" G_GUINT64_FORMAT
			  " records lost, the recorder's ring was full or they were malformed",
		p->name, news);
	Fault fault = {MAX(p->polled_ns, 0),
		       now,
		       product ? (char[]){"product"} : p->name,
		       cause,
		       NULL,
		       product ? BLAME_PRODUCT : BLAME_BENCH,
		       true};
	p->lost_reported = lost;
	p->told_ns = p->polled_ns = now;
	atomic_fetch_add_explicit(&w->lost, news, memory_order_relaxed);
	return drain_fault(w, &fault, error);
}

/* At most what stood there when it was entered, so that a flood cannot keep the writer here. */
static gboolean drain_producer(SessionWriter *w, SessionProducer *p, GError **error)
{
	EventRecord event;
	FaultRecord fault;
	FrameRecord frame;
	SampleRecord sample;

	for (size_t n = ring_count(p->events); n > 0 && ring_pop(p->events, &event); n--)
		if (!drain_event(w, p, &event, error))
			return FALSE;
	for (size_t n = ring_count(p->faults); n > 0 && ring_pop(p->faults, &fault); n--)
		if (!drain_fault_record(w, &fault, error))
			return FALSE;
	for (size_t n = ring_count(p->frames); n > 0 && ring_pop(p->frames, &frame); n--)
		if (!drain_frame(w, &frame, error))
			return FALSE;
	for (size_t n = ring_count(p->samples); n > 0 && ring_pop(p->samples, &sample); n--)
		if (!drain_sample(w, &sample, error))
			return FALSE;
	return TRUE;
}

gboolean drain_all(SessionWriter *w, GError **error)
{
	int64_t now = clock_now(w->clock);
	for (unsigned i = 0; i < w->n_producers; i++)
		if (!drain_producer(w, w->producers[i], error) ||
		    !tell_losses(w, w->producers[i], now, w->finished, error))
			return FALSE;
	now = clock_now(w->clock);
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		if (mcap_writer_pending(w->file.mcap, lane) > 0 &&
		    now - w->opened_ns[lane] >= w->chunk_age_ns && !drain_flush(w, lane, error))
			return FALSE;
	return TRUE;
}
