/* Loading: one pass over the file with CRCs and chain checked; signals, events and faults are kept, frames only
 * noted by place. */
#include "json.h"
#include <math.h>

typedef struct {
	TopicKind kind;
	uint16_t schema_id;
	Signal *signal; /* borrowed from the recording */
	uint64_t disordered;
	int64_t first_disordered_ns;
	guint camera;
} Topic;

typedef struct {
	int64_t capture_ns, receipt_ns, capture_u_ns;
	uint64_t chunk, place; /* file offset of the chunk (or message), place in its records */
	uint64_t number;       /* the source's own sequence number */
	uint32_t sequence;     /* of the MCAP message: pairs frame and info */
	int32_t width, height;
	bool key, in_chunk, informed;
} FramePlace;

typedef struct {
	SessionCamera public;
	SchemaId schema;
	GArray *frames; /* FramePlace */
	GArray *infos;  /* FramePlace, only what FrameInfo says */
} Camera;

typedef struct {
	char *name;
	uint64_t offset, size;
} Attachment;

struct SessionReader {
	McapSource source;
	McapSource own_source;
	Recording *recording;
	GPtrArray *cameras;     /* Camera* */
	GPtrArray *attachments; /* Attachment* */
	GHashTable *topics;     /* channel id → Topic* */
	bool identified, has_start, has_end, sealed, recovered;
	int64_t first_ns, last_ns;
	/* the chunk that was opened last, for frames */
	GByteArray *chunk;
	uint64_t chunk_offset;
};

static void camera_free(void *pointer)
{
	Camera *camera = pointer;
	g_free(camera->public.name);
	g_free(camera->public.format);
	g_array_unref(camera->frames);
	g_array_unref(camera->infos);
	g_free(camera);
}

static void attachment_free(void *pointer)
{
	Attachment *attachment = pointer;
	g_free(attachment->name);
	g_free(attachment);
}

static gboolean corrupt(GError **error, const McapRecord *record, const char *what)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT, "byte %" G_GUINT64_FORMAT ": %s",
		    record->offset, what);
	return FALSE;
}

/* ---- channels -------------------------------------------------------------------------------- */

static guint camera_index(SessionReader *r, const char *name)
{
	for (guint i = 0; i < r->cameras->len; i++)
		if (!strcmp(((Camera *)r->cameras->pdata[i])->public.name, name))
			return i;
	Camera *camera = g_new0(Camera, 1);
	camera->public.name = g_strdup(name);
	camera->frames = g_array_new(FALSE, TRUE, sizeof(FramePlace));
	camera->infos = g_array_new(FALSE, TRUE, sizeof(FramePlace));
	g_ptr_array_add(r->cameras, camera);
	return r->cameras->len - 1;
}

static gboolean add_signal_topic(SessionReader *r, const McapRecord *record, Topic *topic,
				 GError **error)
{
	SignalInfo info;
	if (!signal_info_from_map(record->channel.metadata, &info, error)) {
		g_prefix_error(error, "byte %" G_GUINT64_FORMAT ": ", record->offset);
		return FALSE;
	}
	if (recording_signal(r->recording, info.name)) {
		signal_info_clear(&info);
		return corrupt(error, record, "two channels for one signal");
	}
	topic->signal = signal_new(info.name);
	signal_info_clear(&topic->signal->info);
	topic->signal->info = info;
	recording_add_signal(r->recording, topic->signal);
	return TRUE;
}

static gboolean add_camera_topic(SessionReader *r, const McapRecord *record, Topic *topic,
				 GError **error)
{
	g_autofree char *name = map_get(record->channel.metadata, "name");
	g_autofree char *format = map_get(record->channel.metadata, "format");
	if (!name)
		return corrupt(error, record, "a frame channel without a name");
	topic->camera = camera_index(r, name);
	if (topic->kind == TOPIC_FRAME_INFO)
		return TRUE;
	Camera *camera = r->cameras->pdata[topic->camera];
	camera->schema = schema_of_format(format);
	if (!camera->schema || camera->public.format)
		return corrupt(error, record,
			       "a frame channel of unknown format, or a second one for its camera");
	camera->public.format = g_steal_pointer(&format);
	return TRUE;
}

static gboolean take_channel(SessionReader *r, const McapRecord *record, GError **error)
{
	const McapChannel *channel = &record->channel;
	void *key = GUINT_TO_POINTER((unsigned)channel->id + 1);
	g_autofree char *kind_text = map_get(channel->metadata, "anzen.kind");
	McapText kind = {kind_text, kind_text ? strlen(kind_text) : 0};
	TopicKind parsed;

	if (!kind_text || g_hash_table_contains(r->topics, key))
		return TRUE; /* others may add channels; repeats are ordinary */
	if (!topic_kind_parse(kind, &parsed))
		return corrupt(error, record,
			       "a channel of an unknown kind: written by a newer version?");
	Topic *topic = g_new0(Topic, 1);
	topic->kind = parsed;
	topic->schema_id = channel->schema_id;
	g_hash_table_insert(r->topics, key, topic);
	switch (parsed) {
	case TOPIC_SIGNAL:
		return add_signal_topic(r, record, topic, error);
	case TOPIC_FRAME:
	case TOPIC_FRAME_INFO:
		return add_camera_topic(r, record, topic, error);
	case TOPIC_EVENT:
	case TOPIC_FAULT:
		return TRUE;
	}
	return TRUE;
}

/* ---- messages -------------------------------------------------------------------------------- */

static int64_t read_stamp(JsonReaderState *s, JsonObject *root)
{
	JsonObject *stamp = json_state_member(s, root, "stamp");
	int64_t sec = json_state_int(s, stamp, "sec", -1),
		nsec = json_state_int(s, stamp, "nsec", -1);
	if (sec < 0 || sec > INT64_MAX / CLOCK_S - 1 || nsec < 0 || nsec >= CLOCK_S) {
		json_state_fail(s, "stamp", "a time was expected");
		return 0;
	}
	return sec * CLOCK_S + nsec;
}

static gboolean read_slow_sample(const McapMessage *m, int64_t *ret_t, double *ret_v,
				 SampleStatus *ret_status, GError **error)
{
	g_auto(JsonReaderState) s = {0};
	JsonObject *root =
		json_state_open(&s, (const char *)m->data.data, (gssize)m->data.size, "sample");
	g_autofree char *status = json_state_text(&s, root, "status", true);
	*ret_t = read_stamp(&s, root);
	*ret_v = json_state_double(&s, root, "value");
	if (status && !sample_status_parse(status, ret_status))
		json_state_fail(&s, "status", "no known status");
	return json_state_close(&s, error);
}

/* Imports keep bursts: several samples of one time, in the order of the file. The times of a signal strictly increase, so
 * those of a burst are read 1 ns apart; a bench recording has none, and there an equal time is a fault. */
static int64_t place_in_burst(const SessionReader *r, const Signal *signal, int64_t t)
{
	if (signal->n == 0 || !g_hash_table_contains(r->recording->meta, SESSION_META_BURSTS))
		return t;
	int64_t last = signal->t_ns[signal->n - 1];
	return t <= last && last - t < CLOCK_MS ? last + 1 : t;
}

static gboolean take_sample(SessionReader *r, Topic *topic, const McapRecord *record,
			    GError **error)
{
	int64_t t = 0;
	double v = NAN;
	SampleStatus status = SAMPLE_MISSING;
	if (topic->schema_id == SCHEMA_SLOW_SAMPLE) {
		if (!read_slow_sample(&record->message, &t, &v, &status, error))
			return FALSE;
	} else {
		CdrReader c = cdr_reader(record->message.data);
		t = cdr_time(&c);
		v = cdr_double(&c);
		uint8_t code = cdr_u8(&c);
		if (c.bad || code > SAMPLE_STALE || topic->schema_id != SCHEMA_SAMPLE)
			return corrupt(error, record, "a sample that is no anzen_msgs/msg/Sample");
		status = (SampleStatus)code;
	}
	if (!signal_append(topic->signal, place_in_burst(r, topic->signal, t), v, status) &&
	    topic->disordered++ == 0)
		topic->first_disordered_ns = t;
	r->first_ns = MIN(r->first_ns, t);
	r->last_ns = MAX(r->last_ns, t);
	return TRUE;
}

static void note_event(SessionReader *r, int64_t t, const char *name)
{
	if (!strcmp(name, "run.start") && !r->has_start) {
		r->has_start = true;
		r->recording->start_ns = t;
	} else if (!strcmp(name, "run.end")) {
		r->has_end = true;
		r->recording->end_ns = t;
	}
	r->first_ns = MIN(r->first_ns, t);
	r->last_ns = MAX(r->last_ns, t);
}

static gboolean take_event(SessionReader *r, const McapRecord *record, GError **error)
{
	const McapBytes *data = &record->message.data;
	g_auto(JsonReaderState) s = {0};
	JsonObject *root =
		json_state_open(&s, (const char *)data->data, (gssize)data->size, "event");
	g_autofree char *name = json_state_text(&s, root, "name", true), *details = NULL;
	int64_t t = read_stamp(&s, root);
	if (!json_state_close(&s, error))
		return FALSE;
	if (json_object_has_member(root, "details"))
		details = json_to_string(json_object_get_member(root, "details"), FALSE);
	recording_add_event(r->recording, t, name, details);
	note_event(r, t, name);
	return TRUE;
}

static gboolean take_fault(SessionReader *r, const McapRecord *record, GError **error)
{
	const McapBytes *data = &record->message.data;
	g_auto(JsonReaderState) s = {0};
	JsonObject *root =
		json_state_open(&s, (const char *)data->data, (gssize)data->size, "fault");
	g_autofree char *source = json_state_text(&s, root, "source", true),
			*cause = json_state_text(&s, root, "cause", true),
			*signal = json_state_text(&s, root, "signal", false),
			*blame = json_state_text(&s, root, "blame", true);
	Fault fault = {read_stamp(&s, root),
		       json_state_int(&s, root, "until_ns", CLOCK_NEVER),
		       source,
		       cause,
		       signal,
		       BLAME_BENCH,
		       json_state_bool(&s, root, "proven")};
	if (blame && !blame_parse(blame, &fault.blame))
		json_state_fail(&s, "blame", "bench, product or unknown was expected");
	if (!json_state_close(&s, error))
		return FALSE;
	recording_add_fault(r->recording, &fault);
	return TRUE;
}

static void take_frame(SessionReader *r, const Topic *topic, const McapRecord *record)
{
	Camera *camera = r->cameras->pdata[topic->camera];
	FramePlace place = {.capture_ns = (int64_t)record->message.publish_time,
			    .receipt_ns = (int64_t)record->message.log_time,
			    .capture_u_ns = -1,
			    .chunk = record->offset,
			    .place = record->chunk_offset < 0 ? 0 : (uint64_t)record->chunk_offset,
			    .in_chunk = record->chunk_offset >= 0,
			    .number = record->message.sequence,
			    .sequence = record->message.sequence};
	g_array_append_val(camera->frames, place);
	r->first_ns = MIN(r->first_ns, place.capture_ns);
	r->last_ns = MAX(r->last_ns, place.receipt_ns);
}

static gboolean take_frame_info(SessionReader *r, const Topic *topic, const McapRecord *record,
				GError **error)
{
	Camera *camera = r->cameras->pdata[topic->camera];
	CdrReader c = cdr_reader(record->message.data);
	FramePlace info = {.sequence = record->message.sequence};
	info.capture_ns = cdr_time(&c);
	info.number = cdr_u64(&c);
	info.capture_u_ns = (int64_t)cdr_u64(&c);
	info.width = (int32_t)cdr_u32(&c);
	info.height = (int32_t)cdr_u32(&c);
	info.key = cdr_u8(&c) != 0;
	if (c.bad || topic->schema_id != SCHEMA_FRAME_INFO)
		return corrupt(error, record,
			       "a frame's information that is no anzen_msgs/msg/FrameInfo");
	g_array_append_val(camera->infos, info);
	return TRUE;
}

static gboolean take_message(SessionReader *r, const McapRecord *record, GError **error)
{
	Topic *topic = g_hash_table_lookup(
		r->topics, GUINT_TO_POINTER((unsigned)record->message.channel_id + 1));
	if (!topic)
		return TRUE;
	switch (topic->kind) {
	case TOPIC_SIGNAL:
		return take_sample(r, topic, record, error);
	case TOPIC_EVENT:
		return take_event(r, record, error);
	case TOPIC_FAULT:
		return take_fault(r, record, error);
	case TOPIC_FRAME:
		take_frame(r, topic, record);
		return TRUE;
	case TOPIC_FRAME_INFO:
		return take_frame_info(r, topic, record, error);
	}
	return TRUE;
}

/* ---- metadata -------------------------------------------------------------------------------- */

static gboolean take_identity(SessionReader *r, const McapRecord *record, GError **error)
{
	McapMap map = record->metadata.metadata;
	g_autofree char *format = map_get(map, "format"), *evidence = map_get(map, "evidence");
	static const char *const kept[] = {"clock.mono_ns", "clock.utc_ns", "clock.uncertainty_ns"};
	if (g_strcmp0(format, SESSION_FORMAT) || !evidence ||
	    !evidence_parse(evidence, &r->recording->evidence))
		return corrupt(error, record,
			       "a session of an unknown format: written by a newer version?");
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
		char *value = map_get(map, kept[i]);
		if (value)
			g_hash_table_replace(r->recording->meta, g_strdup(kept[i]), value);
	}
	r->identified = true;
	return TRUE;
}

static void take_meta(SessionReader *r, McapMap map)
{
	McapText key, value;
	while (mcap_map_next_text(&map, &key, &value))
		g_hash_table_replace(r->recording->meta, mcap_text_dup(key), mcap_text_dup(value));
}

static void take_end(SessionReader *r, McapMap map)
{
	g_autofree char *complete = map_get(map, "complete"), *why = map_get(map, "why");
	if (r->recovered)
		return;
	r->sealed = true;
	r->recording->complete = !g_strcmp0(complete, "true");
	g_free(r->recording->incomplete_why);
	r->recording->incomplete_why =
		r->recording->complete ? NULL
				       : g_strdup(why && *why ? why : "the run was not finished");
}

static gboolean take_metadata(SessionReader *r, const McapRecord *record, GError **error)
{
	McapText name = record->metadata.name;
	if (mcap_text_equal(name, SESSION_METADATA))
		return take_identity(r, record, error);
	if (mcap_text_equal(name, META_METADATA))
		take_meta(r, record->metadata.metadata);
	else if (mcap_text_equal(name, END_METADATA))
		take_end(r, record->metadata.metadata);
	else if (mcap_text_equal(name, RECOVERED_METADATA)) {
		g_autofree char *missing = map_get(record->metadata.metadata, "missing");
		/* Whatever anzen.end said before: this file lost something afterwards. */
		r->sealed = r->recovered = true;
		r->recording->complete = false;
		g_free(r->recording->incomplete_why);
		r->recording->incomplete_why =
			g_strdup_printf("recovered: %s", missing ? missing : "unknown loss");
	}
	return TRUE;
}

static void take_attachment(SessionReader *r, const McapRecord *record)
{
	Attachment *attachment = g_new0(Attachment, 1);
	attachment->name = mcap_text_dup(record->attachment.name);
	attachment->offset = record->offset;
	attachment->size = record->raw.size;
	g_ptr_array_add(r->attachments, attachment);
}

static gboolean take(SessionReader *r, const McapRecord *record, GError **error)
{
	switch (record->opcode) {
	case MCAP_CHANNEL:
		return take_channel(r, record, error);
	case MCAP_MESSAGE:
		return take_message(r, record, error);
	case MCAP_METADATA:
		return take_metadata(r, record, error);
	case MCAP_ATTACHMENT:
		take_attachment(r, record);
		return TRUE;
	default:
		return TRUE;
	}
}

/* ---- putting it together --------------------------------------------------------------------- */

static gint frame_by_sequence(gconstpointer a, gconstpointer b)
{
	const FramePlace *x = a, *y = b;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static gint frame_by_capture(gconstpointer a, gconstpointer b)
{
	const FramePlace *x = a, *y = b;
	if (x->capture_ns != y->capture_ns)
		return x->capture_ns < y->capture_ns ? -1 : 1;
	return frame_by_sequence(a, b);
}

static void pair_frames(Camera *camera)
{
	guint k = 0;
	g_array_sort(camera->frames, frame_by_sequence);
	g_array_sort(camera->infos, frame_by_sequence);
	for (guint i = 0; i < camera->frames->len; i++) {
		FramePlace *frame = &g_array_index(camera->frames, FramePlace, i);
		while (k < camera->infos->len &&
		       g_array_index(camera->infos, FramePlace, k).sequence < frame->sequence)
			k++;
		if (k == camera->infos->len)
			break;
		const FramePlace *info = &g_array_index(camera->infos, FramePlace, k);
		if (info->sequence != frame->sequence)
			continue;
		frame->number = info->number;
		frame->capture_u_ns = info->capture_u_ns;
		frame->width = info->width;
		frame->height = info->height;
		frame->key = info->key;
		frame->informed = true;
	}
	g_array_sort(camera->frames, frame_by_capture);
	camera->public.frames = camera->frames->len;
	if (camera->frames->len > 0) {
		camera->public.first_ns = g_array_index(camera->frames, FramePlace, 0).capture_ns;
		camera->public.last_ns =
			g_array_index(camera->frames, FramePlace, camera->frames->len - 1)
				.capture_ns;
	}
}

/* A sample that is not after its predecessor was not appended: never silently. */
static void tell_disorder(SessionReader *r)
{
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, r->topics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Topic *topic = value;
		if (topic->disordered == 0)
			continue;
		char *name = topic->signal->info.name;
		g_autofree char *cause = g_strdup_printf(
			"%s: %" G_GUINT64_FORMAT
			" samples were not after the one before them and are left out",
			name, topic->disordered);
		Fault fault = {topic->first_disordered_ns,
			       CLOCK_NEVER,
			       name,
			       cause,
			       name,
			       BLAME_BENCH,
			       !topic->signal->info.affected_by_product &&
				       topic->signal->info.origin != ORIGIN_RESPONSE &&
				       topic->signal->info.origin != ORIGIN_CLAIM};
		recording_add_fault(r->recording, &fault);
	}
}

static gint event_by_time(gconstpointer a, gconstpointer b)
{
	const Event *x = *(const Event *const *)a, *y = *(const Event *const *)b;
	return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

static gint fault_by_time(gconstpointer a, gconstpointer b)
{
	const Fault *x = *(const Fault *const *)a, *y = *(const Fault *const *)b;
	return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

static void settle(SessionReader *r)
{
	Recording *rec = r->recording;
	tell_disorder(r);
	for (guint i = 0; i < r->cameras->len; i++)
		pair_frames(r->cameras->pdata[i]);
	g_ptr_array_sort(rec->events, event_by_time); /* stable: equal times keep file order */
	g_ptr_array_sort(rec->faults, fault_by_time);
	if (!r->has_start)
		rec->start_ns = r->first_ns == INT64_MAX ? 0 : r->first_ns;
	if (!r->has_end)
		rec->end_ns = MAX(r->last_ns, rec->start_ns);
	if (rec->complete && (!r->has_start || !r->has_end)) {
		rec->complete = false;
		rec->incomplete_why =
			g_strdup("the timeline has no beginning or no end in the recording");
	}
}

static void cut_short(SessionReader *r, const char *where)
{
	Recording *rec = r->recording;
	rec->complete = false;
	g_free(rec->incomplete_why);
	rec->incomplete_why =
		r->last_ns == INT64_MIN
			? g_strdup_printf("the recorder was killed before any data: %s", where)
			: g_strdup_printf("the recorder was killed: everything after %.3f s of "
					  "bench time is missing: %s",
					  (double)r->last_ns / 1e9, where);
}

static gboolean read_all(SessionReader *r, GError **error)
{
	g_auto(Walk) walk = {0};
	McapRecord record;
	McapNext next;
	GError *local = NULL;

	if (!walk_open(&walk, &r->source, 0, error))
		return FALSE;
	while ((next = walk_next(&walk, &record, &local)) == MCAP_NEXT_RECORD)
		if (!walk.in_summary && !take(r, &record, &local)) {
			next = MCAP_NEXT_ERROR;
			break;
		}
	if (next == MCAP_NEXT_ERROR) {
		g_propagate_error(error, local);
		return FALSE;
	}
	if (!r->identified) {
		g_clear_error(&local);
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "an MCAP file, but no session of ours; import it with: anzen session "
			    "import");
		return FALSE;
	}
	if (next == MCAP_NEXT_TRUNCATED || !r->sealed)
		cut_short(r, local ? local->message : "no end record");
	g_clear_error(&local);
	settle(r);
	return TRUE;
}

SessionReader *session_reader_open_source(const McapSource *source, GError **error)
{
	g_autoptr(SessionReader) r = g_new0(SessionReader, 1);
	r->source = *source;
	r->recording = recording_new();
	r->cameras = g_ptr_array_new_with_free_func(camera_free);
	r->attachments = g_ptr_array_new_with_free_func(attachment_free);
	r->topics = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	r->first_ns = INT64_MAX;
	r->last_ns = INT64_MIN;
	GError *local = NULL;
	if (read_all(r, &local))
		return g_steal_pointer(&r);
	if (!g_str_has_prefix(local->message, source->name))
		g_prefix_error(&local, "%s: ", source->name);
	/* Whatever was wrong inside the file, it is the recording that does not verify. */
	g_propagate_error(error, local);
	return NULL;
}

SessionReader *session_reader_open(const char *path, GError **error)
{
	g_auto(McapSource) source = {0};
	if (!mcap_file_source(path, &source, error))
		return NULL;
	SessionReader *r = session_reader_open_source(&source, error);
	if (r) {
		r->own_source = source;
		source = (McapSource){0};
	}
	return r;
}

void session_reader_free(SessionReader *r)
{
	if (!r)
		return;
	recording_free(r->recording);
	g_ptr_array_unref(r->cameras);
	g_ptr_array_unref(r->attachments);
	g_hash_table_unref(r->topics);
	g_clear_pointer(&r->chunk, g_byte_array_unref);
	mcap_source_close(&r->own_source);
	g_free(r);
}

const Recording *session_reader_recording(const SessionReader *r)
{
	return r->recording;
}

Recording *session_reader_steal(SessionReader *r)
{
	return g_steal_pointer(&r->recording);
}

Recording *session_load(const char *path, GError **error)
{
	g_autoptr(SessionReader) r = session_reader_open(path, error);
	return r ? session_reader_steal(r) : NULL;
}

/* ---- attachments ----------------------------------------------------------------------------- */

static gint text_by_bytes(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *session_reader_attachments(const SessionReader *r)
{
	GPtrArray *names = g_ptr_array_new();
	for (guint i = 0; i < r->attachments->len; i++)
		g_ptr_array_add(names, ((Attachment *)r->attachments->pdata[i])->name);
	g_ptr_array_sort(names, text_by_bytes);
	return names;
}

GBytes *session_reader_attachment(SessionReader *r, const char *name, GError **error)
{
	for (guint i = 0; i < r->attachments->len; i++) {
		const Attachment *a = r->attachments->pdata[i];
		if (strcmp(a->name, name))
			continue;
		g_autofree uint8_t *raw = g_malloc((size_t)a->size);
		McapRecord record;
		if (!r->source.read(r->source.self, a->offset, raw, (size_t)a->size, error) ||
		    !mcap_record_parse(raw, (size_t)a->size, a->offset, &record, error))
			return NULL;
		/* The CRC was checked when the file was opened; check again what is read now. */
		const McapBytes *data = &record.attachment.data;
		const uint8_t *from = raw + MCAP_RECORD_HEAD;
		if (record.opcode != MCAP_ATTACHMENT ||
		    mcap_crc32(0, from, (size_t)(data->data + data->size - from)) !=
			    record.attachment.crc) {
			corrupt(error, &record,
				"the attachment changed while the session was open");
			return NULL;
		}
		return g_bytes_new(data->data, data->size);
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: has no attachment '%s'",
		    r->source.name, name);
	return NULL;
}

JudgeSpec *session_reader_judge(SessionReader *r, GError **error)
{
	bool there = false;
	for (guint i = 0; i < r->attachments->len; i++)
		there |= !strcmp(((Attachment *)r->attachments->pdata[i])->name, "judge.json");
	if (!there)
		return NULL;
	g_autoptr(GBytes) bytes = session_reader_attachment(r, "judge.json", error);
	return bytes ? judge_spec_from_json(g_bytes_get_data(bytes, NULL),
					    (gssize)g_bytes_get_size(bytes), error)
		     : NULL;
}

/* ---- frames ---------------------------------------------------------------------------------- */

size_t session_reader_cameras(const SessionReader *r)
{
	return r->cameras->len;
}

const SessionCamera *session_reader_camera(const SessionReader *r, size_t i)
{
	return &((const Camera *)r->cameras->pdata[i])->public;
}

static gboolean load_chunk(SessionReader *r, uint64_t offset, GError **error)
{
	uint8_t head[MCAP_RECORD_HEAD];
	if (r->chunk && r->chunk_offset == offset)
		return TRUE;
	g_clear_pointer(&r->chunk, g_byte_array_unref);
	if (!r->source.read(r->source.self, offset, head, sizeof(head), error))
		return FALSE;
	uint64_t length;
	memcpy(&length, head + 1, sizeof(length));
	length = GUINT64_FROM_LE(length);
	McapRecord record = {.offset = offset};
	if (length > r->source.size)
		return corrupt(error, &record, "the file changed while the session was open");
	g_autofree uint8_t *raw = g_malloc(MCAP_RECORD_HEAD + (size_t)length);
	if (!r->source.read(r->source.self, offset, raw, MCAP_RECORD_HEAD + (size_t)length,
			    error) ||
	    !mcap_record_parse(raw, MCAP_RECORD_HEAD + (size_t)length, offset, &record, error))
		return FALSE;
	if (record.opcode != MCAP_CHUNK)
		return corrupt(error, &record, "the file changed while the session was open");
	r->chunk = mcap_chunk_open(&record.chunk, offset, 0, NULL, error);
	r->chunk_offset = offset;
	return r->chunk != NULL;
}

/* The message's payload; borrowed from the chunk that is open. */
static gboolean load_message(SessionReader *r, const FramePlace *place, McapMessage *ret,
			     GError **error)
{
	McapRecord record = {.offset = place->chunk};
	if (!place->in_chunk)
		return corrupt(error, &record, "a frame outside chunks");
	if (!load_chunk(r, place->chunk, error))
		return FALSE;
	uint64_t length, left = r->chunk->len > place->place ? r->chunk->len - place->place : 0;
	if (left < MCAP_RECORD_HEAD)
		return corrupt(error, &record, "the file changed while the session was open");
	memcpy(&length, r->chunk->data + place->place + 1, sizeof(length));
	length = GUINT64_FROM_LE(length);
	if (length > left - MCAP_RECORD_HEAD ||
	    !mcap_record_parse(r->chunk->data + place->place, MCAP_RECORD_HEAD + (size_t)length,
			       place->chunk, &record, NULL) ||
	    record.opcode != MCAP_MESSAGE)
		return corrupt(error, &record, "the file changed while the session was open");
	*ret = record.message;
	return TRUE;
}

/* Annex B: is there a NAL unit of type 5 (instantaneous decoder refresh)? ITU-T H.264, 7.4.1. */
static bool has_idr(McapBytes data)
{
	for (size_t i = 0; i + 3 < data.size; i++)
		if (data.data[i] == 0 && data.data[i + 1] == 0 && data.data[i + 2] == 1 &&
		    (data.data[i + 3] & 0x1f) == 5)
			return true;
	return false;
}

static gboolean decode_frame(const Camera *camera, const FramePlace *place, McapBytes bytes,
			     Frame *ret, GError **error)
{
	CdrReader c = cdr_reader(bytes);
	McapBytes data;
	int64_t capture = cdr_time(&c);
	int32_t width = place->width, height = place->height;
	cdr_string(&c);
	if (camera->schema == SCHEMA_RAW_IMAGE) {
		width = (int32_t)cdr_u32(&c);
		height = (int32_t)cdr_u32(&c);
		cdr_string(&c);
		cdr_u32(&c);
		data = cdr_bytes(&c);
	} else {
		data = cdr_bytes(&c);
		cdr_string(&c);
	}
	McapRecord record = {.offset = place->chunk};
	if (c.bad || capture != place->capture_ns)
		return corrupt(error, &record, "a frame that does not fit its schema");
	*ret = (Frame){.data = data.data,
		       .size = data.size,
		       .format = camera->public.format,
		       .width = width,
		       .height = height,
		       .capture_ns = place->capture_ns,
		       .capture_u_ns = place->capture_u_ns,
		       .receipt_ns = place->receipt_ns,
		       .sequence = place->number,
		       .key = place->informed ? place->key
					      : camera->schema != SCHEMA_VIDEO || has_idr(data)};
	return TRUE;
}

gboolean session_reader_frames(SessionReader *r, const char *name, int64_t from_ns, int64_t to_ns,
			       SessionFrameFunc func, void *data, GError **error)
{
	const Camera *camera = NULL;
	for (guint i = 0; i < r->cameras->len; i++)
		if (!strcmp(((Camera *)r->cameras->pdata[i])->public.name, name))
			camera = r->cameras->pdata[i];
	if (!camera) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: has no camera '%s'",
			    r->source.name, name);
		return FALSE;
	}
	for (guint i = 0; i < camera->frames->len; i++) {
		const FramePlace *place = &g_array_index(camera->frames, FramePlace, i);
		McapMessage message;
		Frame frame;
		if (place->capture_ns < from_ns)
			continue;
		if (to_ns != 0 && place->capture_ns >= to_ns)
			break;
		if (!load_message(r, place, &message, error) ||
		    !decode_frame(camera, place, message.data, &frame, error))
			return FALSE;
		if (!func(&frame, data))
			return TRUE;
	}
	return TRUE;
}
