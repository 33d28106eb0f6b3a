/* Loading: one pass over the file with CRCs and chain checked; signals, events and faults are kept, frames only
 * noted by place. */
#include "loader.h"
#include "redact.h"

static void attachment_free(void *pointer)
{
	Attachment *attachment = pointer;
	g_free(attachment->name);
	g_free(attachment);
}

gboolean loader_corrupt(GError **error, const McapRecord *record, const char *what)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT, "byte %" G_GUINT64_FORMAT ": %s",
		    record->offset, what);
	return FALSE;
}

/* ---- metadata -------------------------------------------------------------------------------- */

static gboolean take_identity(SessionReader *r, const McapRecord *record, GError **error)
{
	McapMap map = record->metadata.metadata;
	g_autofree char *format = map_get(map, "format"), *evidence = map_get(map, "evidence");
	static const char *const kept[] = {"clock.mono_ns", "clock.utc_ns", "clock.uncertainty_ns"};
	EvidenceClass class;
	if (g_strcmp0(format, SESSION_FORMAT) || !evidence || !evidence_parse(evidence, &class))
		return loader_corrupt(
			error, record,
			"a session of an unknown format: written by a newer version?");
	if (r->identified && class != r->recording->evidence)
		return loader_corrupt(error, record, "a second, different identity");
	r->recording->evidence = class;
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

/* A part of a longer recording decides nothing, whatever its anzen.end said of the whole. */
static void take_edited(SessionReader *r, McapMap map)
{
	g_autofree char *missing = map_get(map, "missing"), *operation = map_get(map, "operation"),
			*original = map_get(map, "original_sha256"),
			*reason = map_get(map, "reason");
	GHashTable *meta = r->recording->meta;
	if (operation && original)
		g_hash_table_replace(meta, g_strdup_printf("edited.%s", operation),
				     g_strdup(original));
	if (reason)
		g_hash_table_replace(meta, g_strdup("redacted"), g_strdup(reason));
	if (!missing)
		return;
	r->sealed = r->recovered = true;
	r->recording->complete = false;
	g_free(r->recording->incomplete_why);
	r->recording->incomplete_why = g_strdup(missing);
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
	else if (mcap_text_equal(name, EDITED_METADATA))
		take_edited(r, record->metadata.metadata);
	else if (mcap_text_equal(name, WITHHELD_METADATA))
		return redact_take_withheld(r->withheld, record, error);
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
		return loader_take_channel(r, record, error);
	case MCAP_MESSAGE:
		return loader_take_message(r, record, error);
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

/* From the span's begin to the last moment before the next sample: until then nobody knows what holds. */
static int64_t unknown_until(const Signal *s, int64_t to_ns)
{
	if (to_ns == CLOCK_NEVER)
		return CLOCK_NEVER;
	for (size_t i = 0; i < s->n; i++)
		if (s->t_ns[i] >= to_ns)
			return s->t_ns[i] - 1;
	return CLOCK_NEVER;
}

static char *withheld_cause(const SessionWithheld *w, int64_t start_ns)
{
	double begin = w->from_ns == INT64_MIN ? 0 : (double)(w->from_ns - start_ns) / 1e9,
	       end = (double)(w->to_ns - start_ns) / 1e9;
	if (withheld_is_whole(w))
		return g_strdup_printf("%s: withheld by redaction: %s", w->name, w->reason);
	if (w->to_ns == CLOCK_NEVER)
		return g_strdup_printf("%s: withheld by redaction from %.3f s on: %s", w->name,
				       begin, w->reason);
	return g_strdup_printf("%s: withheld by redaction from %.3f s to %.3f s: %s", w->name,
			       begin, end, w->reason);
}

/* A signal of which a span is withheld is unknown in that span, and only there. */
static void tell_withheld(SessionReader *r, const SessionWithheld *w)
{
	Recording *rec = r->recording;
	const Signal *s = recording_signal(rec, w->name);
	if (w->kind != WITHHELD_SIGNAL || !s)
		return;
	int64_t from = w->from_ns;
	if (from == INT64_MIN)
		from = s->n > 0 ? MIN(s->t_ns[0], rec->start_ns) : rec->start_ns;
	g_autofree char *cause = withheld_cause(w, rec->start_ns);
	Fault fault = {from,
		       unknown_until(s, w->to_ns),
		       (char[]){FAULT_SOURCE_REDACTION},
		       cause,
		       w->name,
		       BLAME_BENCH,
		       true};
	recording_add_fault(rec, &fault);
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
		loader_pair_frames(r->cameras->pdata[i]);
	g_ptr_array_sort(rec->events, event_by_time); /* stable: equal times keep file order */
	if (!r->has_start)
		rec->start_ns = r->first_ns == INT64_MAX ? 0 : r->first_ns;
	if (!r->has_end)
		rec->end_ns = MAX(r->last_ns, rec->start_ns);
	for (guint i = 0; i < r->withheld->len; i++)
		tell_withheld(r, r->withheld->pdata[i]);
	g_ptr_array_sort(rec->faults, fault_by_time);
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
	r->cameras = g_ptr_array_new_with_free_func(loader_camera_free);
	r->attachments = g_ptr_array_new_with_free_func(attachment_free);
	r->withheld = g_ptr_array_new_with_free_func((GDestroyNotify)session_withheld_free);
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
	g_ptr_array_unref(r->withheld);
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
			loader_corrupt(error, &record,
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
