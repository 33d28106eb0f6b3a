/* Cutting a span out of a session. What is kept is kept as it was: bytes, times, ids; the timeline's zero stays where it
 * was. */
#include "copy.h"

typedef struct {
	int64_t from_ns, to_ns, start_ns;
	GHashTable *keep_from; /* "signal NAME", "frame NAME" → int64_t*: earlier than from_ns */
	GHashTable *topics;    /* channel id + 1 → CopyTopic* */
	Copy copy;
} Cut;

static void keep_from(Cut *cut, const char *kind, const char *name, int64_t t_ns)
{
	g_hash_table_replace(cut->keep_from, g_strdup_printf("%s %s", kind, name),
			     g_memdup2(&t_ns, sizeof(t_ns)));
}

/* The last sample before the span says what holds at its beginning. */
static void plan_signals(Cut *cut, const Recording *recording)
{
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, recording->signals);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Signal *s = value;
		ptrdiff_t i = signal_index(s, cut->from_ns);
		if (i >= 0)
			keep_from(cut, "signal", s->info.name, s->t_ns[i]);
	}
}

static bool note_key(const Frame *frame, void *data)
{
	int64_t *key = data;
	if (frame->key)
		*key = frame->capture_ns;
	return true;
}

/* Pictures cannot be decoded but from a key frame on. */
static gboolean plan_cameras(Cut *cut, SessionReader *reader, GError **error)
{
	if (cut->from_ns < 0)
		return TRUE; /* bench times are not negative: everything is kept */
	for (size_t i = 0; i < session_reader_cameras(reader); i++) {
		const SessionCamera *camera = session_reader_camera(reader, i);
		int64_t key = -1;
		if (!session_reader_frames(reader, camera->name, 0, cut->from_ns + 1, note_key,
					   &key, error))
			return FALSE;
		if (key >= 0)
			keep_from(cut, "frame", camera->name, key);
	}
	return TRUE;
}

static bool is_start_event(const Cut *cut, const McapMessage *m)
{
	g_autofree char *text = g_strndup((const char *)m->data.data, m->data.size);
	return (int64_t)m->log_time == cut->start_ns && strstr(text, "\"run.start\"");
}

static bool kept(const Cut *cut, const McapMessage *m)
{
	const CopyTopic *topic =
		g_hash_table_lookup(cut->topics, GUINT_TO_POINTER((unsigned)m->channel_id + 1));
	int64_t t = (int64_t)m->publish_time;
	if (t >= cut->to_ns)
		return false;
	if (t >= cut->from_ns || !topic || !topic->ours)
		return t >= cut->from_ns;
	switch (topic->kind) {
	case TOPIC_EVENT:
		return is_start_event(cut, m);
	case TOPIC_FAULT: /* may last into the span */
		return true;
	case TOPIC_SIGNAL:
	case TOPIC_FRAME:
	case TOPIC_FRAME_INFO:
		break;
	}
	g_autofree char *key = g_strdup_printf(
		"%s %s", topic->kind == TOPIC_SIGNAL ? "signal" : "frame", topic->name);
	const int64_t *from = g_hash_table_lookup(cut->keep_from, key);
	return from && t >= *from;
}

static gboolean cut_record(Cut *cut, const McapRecord *record, GError **error)
{
	switch (record->opcode) {
	case MCAP_SCHEMA:
		return copy_schema(&cut->copy, &record->schema, error);
	case MCAP_CHANNEL:
		g_hash_table_replace(cut->topics,
				     GUINT_TO_POINTER((unsigned)record->channel.id + 1),
				     copy_topic_of(&record->channel));
		return copy_channel(&cut->copy, &record->channel, NULL, NULL, error);
	case MCAP_MESSAGE:
		return !kept(cut, &record->message) ||
		       copy_message(&cut->copy, &record->message, error);
	case MCAP_CHUNK:
		return copy_close_chunks(&cut->copy, error);
	case MCAP_METADATA:
		return copy_metadata(&cut->copy, record, error);
	case MCAP_ATTACHMENT:
		return copy_attachment(&cut->copy, &record->attachment, error);
	default:
		return TRUE;
	}
}

/* NULL: open. */
static char *time_of(const Cut *cut, int64_t t_ns)
{
	return t_ns == INT64_MIN || t_ns == CLOCK_NEVER
		       ? NULL
		       : g_strdup_printf("%.3f s", (double)(t_ns - cut->start_ns) / 1e9);
}

static gboolean write_edited(Cut *cut, const CopyOrigin *origin, GError **error)
{
	char from[24], to[24];
	g_snprintf(from, sizeof(from), "%" G_GINT64_FORMAT, cut->from_ns);
	g_snprintf(to, sizeof(to), "%" G_GINT64_FORMAT, cut->to_ns);
	g_autofree char *first = time_of(cut, cut->from_ns), *last = time_of(cut, cut->to_ns);
	g_autofree char *missing =
		g_strdup_printf("cut out of a longer recording: only %s to %s are in it",
				first ? first : "its beginning", last ? last : "its end");
	const char *const more[] = {"from_ns", from, "to_ns", to, "missing", missing, NULL};
	return copy_write_edited(&cut->copy, "cut", origin, more, error);
}

static gboolean cut_into(Cut *cut, const McapSource *source, const McapSink *sink,
			 char **ret_sha256, GError **error)
{
	g_auto(ChainedFile) out = {0};
	CopyOrigin origin;
	g_auto(Walk) walk = {0};
	McapRecord record;
	McapNext next;
	if (!chained_file_open(&out, sink, clock_monotonic(), error) ||
	    !walk_open(&walk, source, 0, error))
		return FALSE;
	copy_init(&cut->copy, &out);
	while ((next = walk_next(&walk, &record, error)) == MCAP_NEXT_RECORD)
		if (!walk.in_summary && !cut_record(cut, &record, error))
			return FALSE;
	if (!copy_origin(&walk, next, source, &origin, error) ||
	    !copy_close_chunks(&cut->copy, error))
		return FALSE;
	if (cut->copy.messages == 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: nothing was recorded in that span", source->name);
		return FALSE;
	}
	return write_edited(cut, &origin, error) && chained_file_finish(&out, ret_sha256, error);
}

static void cut_clear(Cut *cut)
{
	g_hash_table_unref(cut->keep_from);
	g_hash_table_unref(cut->topics);
	copy_clear(&cut->copy);
}

gboolean session_cut(const char *path, int64_t from_ns, int64_t to_ns, const char *out,
		     SessionEdit *ret, GError **error)
{
	g_autoptr(SessionReader) reader = session_reader_open(path, error);
	g_auto(McapSource) source = {0};
	g_auto(Output) output = {0};
	if (!reader || !mcap_file_source(path, &source, error))
		return FALSE;
	const Recording *recording = session_reader_recording(reader);
	int64_t length = recording->end_ns - recording->start_ns;
	if (from_ns >= to_ns || from_ns > length) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: it lasts %.3f s; expected a span within it, from before to", path,
			    (double)length / 1e9);
		return FALSE;
	}
	Cut cut = {.from_ns = from_ns == INT64_MIN ? from_ns : recording->start_ns + from_ns,
		   .to_ns = to_ns == CLOCK_NEVER ? to_ns : recording->start_ns + to_ns,
		   .start_ns = recording->start_ns,
		   .keep_from = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		   .topics = g_hash_table_new_full(NULL, NULL, NULL, copy_topic_free)};
	plan_signals(&cut, recording);
	g_autofree char *sha256 = NULL;
	gboolean good = plan_cameras(&cut, reader, error) && output_open(&output, out, error) &&
			cut_into(&cut, &source, &output.sink, &sha256, error) &&
			output_commit(&output, error);
	if (good)
		*ret = (SessionEdit){cut.copy.messages, g_steal_pointer(&sha256)};
	cut_clear(&cut);
	return good;
}
