/* Loading: channels become signals and cameras, their messages samples, events, faults and places of frames. */
#include "loader.h"
#include <math.h>

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
		return loader_corrupt(error, record, "two channels for one signal");
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
		return loader_corrupt(error, record, "a frame channel without a name");
	topic->camera = camera_index(r, name);
	if (topic->kind == TOPIC_FRAME_INFO)
		return TRUE;
	Camera *camera = r->cameras->pdata[topic->camera];
	camera->schema = schema_of_format(format);
	if (!camera->schema || camera->public.format)
		return loader_corrupt(
			error, record,
			"a frame channel of unknown format, or a second one for its camera");
	camera->public.format = g_steal_pointer(&format);
	return TRUE;
}

gboolean loader_take_channel(SessionReader *r, const McapRecord *record, GError **error)
{
	const McapChannel *channel = &record->channel;
	void *key = GUINT_TO_POINTER((unsigned)channel->id + 1);
	g_autofree char *kind_text = map_get(channel->metadata, "anzen.kind");
	McapText kind = {kind_text, kind_text ? strlen(kind_text) : 0};
	TopicKind parsed;

	if (!kind_text || g_hash_table_contains(r->topics, key))
		return TRUE; /* others may add channels; repeats are ordinary */
	if (!topic_kind_parse(kind, &parsed))
		return loader_corrupt(error, record,
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
			return loader_corrupt(error, record,
					      "a sample that is no anzen_msgs/msg/Sample");
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
		return loader_corrupt(error, record,
				      "a frame's information that is no anzen_msgs/msg/FrameInfo");
	g_array_append_val(camera->infos, info);
	return TRUE;
}

gboolean loader_take_message(SessionReader *r, const McapRecord *record, GError **error)
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
