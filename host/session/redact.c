/* Redaction: parts of a session are withheld, and what was withheld stays attributable: its hash, the original's hash,
 * and the leaves of the original's chain. */
#include "redact.h"
#include "loader.h"
#include <math.h>

/* One part while it is carried out. */
typedef struct {
	SessionWithheld *part; /* owned; bench time */
	WithheldDigest digest;
	bool replaced; /* the sample `missing` is written */
} Work;

typedef struct {
	const SessionRedaction *wanted;
	SessionReader *reader; /* of the original */
	GPtrArray *works;      /* Work* */
	GHashTable *topics;    /* channel id + 1 → CopyTopic* */
	GByteArray *leaves;
	JudgeSpec *spec; /* NULL: none */
	uint16_t fault_channel;
	uint32_t fault_sequence; /* of the next one */
	Copy copy;
	Cdr cdr;
} Redact;

static void work_free(void *pointer)
{
	Work *work = pointer;
	session_withheld_free(work->part);
	g_free(work);
}

/* ---- planning -------------------------------------------------------------------------------- */

static const SessionCamera *camera_named(const SessionReader *reader, const char *name)
{
	for (size_t i = 0; i < session_reader_cameras(reader); i++)
		if (!strcmp(session_reader_camera(reader, i)->name, name))
			return session_reader_camera(reader, i);
	return NULL;
}

static bool has_attachment(const SessionReader *reader, const char *name)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	for (guint i = 0; i < names->len; i++)
		if (!strcmp(names->pdata[i], name))
			return true;
	return false;
}

static gboolean check_region(const SessionRedaction *wanted, const SessionWithheld *p,
			     const SessionCamera *camera, GError **error)
{
	g_assert(wanted->hide);
	if (p->x < 0 || p->y < 0 || p->width <= 0 || p->height <= 0)
		return error_input(
			error, "%s: %d,%d,%d,%d is no region; expected X,Y,WIDTH,HEIGHT in pixels",
			p->name, p->x, p->y, p->width, p->height);
	if (strcmp(camera->format, "h264") && schema_of_format(camera->format) != SCHEMA_RAW_IMAGE)
		return error_input(
			error, "%s: regions of %s pictures cannot be hidden; withhold the camera",
			p->name, camera->format);
	return TRUE;
}

static gboolean check_part(const SessionRedaction *wanted, const SessionReader *reader,
			   const SessionWithheld *p, GError **error)
{
	const SessionCamera *camera = camera_named(reader, p->name);
	if (p->from_ns >= p->to_ns)
		return error_input(error, "%s: the span to withhold ends before it begins",
				   p->name);
	switch (p->kind) {
	case WITHHELD_SIGNAL:
		return recording_signal(session_reader_recording(reader), p->name) ||
		       error_input(error, "the session has no signal '%s'", p->name);
	case WITHHELD_CAMERA:
		return camera || error_input(error, "the session has no camera '%s'", p->name);
	case WITHHELD_REGION:
		if (!camera)
			return error_input(error, "the session has no camera '%s'", p->name);
		return check_region(wanted, p, camera, error);
	case WITHHELD_ATTACHMENT:
		/* Without them the same signals would be judged by other rules. */
		if (!strcmp(p->name, "judge.json") || g_str_has_prefix(p->name, "criteria/") ||
		    g_str_has_prefix(p->name, LEAVES_PREFIX))
			return error_input(
				error,
				"'%s' says how the session is judged or what was withheld, "
				"and cannot be withheld",
				p->name);
		return has_attachment(reader, p->name) ||
		       error_input(error, "the session has no attachment '%s'", p->name);
	case WITHHELD_EVENT:
		return g_str_has_prefix(p->name, "operator.") ||
		       g_str_has_prefix(p->name, "text.") ||
		       error_input(error,
				   "verdicts may rest on events '%s'; only those of operators "
				   "(operator.…) and texts (text.…) can be withheld",
				   p->name);
	}
	return TRUE;
}

static SessionWithheld *add_work(Redact *r, const SessionWithheld *p)
{
	Work *work = g_new0(Work, 1);
	work->part = g_memdup2(p, sizeof(*p));
	work->part->name = g_strdup(p->name);
	work->part->reason = g_strdup(r->wanted->reason);
	work->part->messages = 0;
	crypto_hash_sha256_init(&work->digest);
	g_ptr_array_add(r->works, work);
	return work->part;
}

static int64_t to_bench(int64_t timeline_ns, int64_t start_ns)
{
	return timeline_ns == INT64_MIN || timeline_ns == CLOCK_NEVER ? timeline_ns
								      : start_ns + timeline_ns;
}

typedef struct {
	int64_t from_ns, to_ns;
	int64_t key_before, key_after;
	int64_t first_key;
	bool early; /* a picture before it */
} Keys;

static bool note_keys(const Frame *frame, void *data)
{
	Keys *keys = data;
	if (frame->key && keys->first_key == CLOCK_NEVER)
		keys->first_key = frame->capture_ns;
	keys->early |= keys->first_key == CLOCK_NEVER;
	if (frame->key && frame->capture_ns <= keys->from_ns)
		keys->key_before = frame->capture_ns;
	if (frame->key && frame->capture_ns >= keys->to_ns && keys->key_after == CLOCK_NEVER)
		keys->key_after = frame->capture_ns;
	return keys->key_after == CLOCK_NEVER;
}

/* A camera was there before its recording: nobody can show those pictures, so that nothing in them can be hidden. */
static void withhold_before(Redact *r, SessionWithheld *region, int64_t first_key)
{
	SessionWithheld before = {.kind = WITHHELD_CAMERA,
				  .name = region->name,
				  .from_ns = INT64_MIN,
				  .to_ns = first_key};
	for (guint i = 0; i < r->works->len; i++) {
		const SessionWithheld *p = ((Work *)r->works->pdata[i])->part;
		if (p->kind == WITHHELD_CAMERA && !strcmp(p->name, region->name) &&
		    p->from_ns == INT64_MIN)
			return;
	}
	add_work(r, &before);
}

/* What follows up to the next key frame is made of what is withheld. A region is encoded again, so it begins at one too. */
static gboolean widen(Redact *r, SessionWithheld *p, GError **error)
{
	Keys keys = {p->from_ns, p->to_ns, INT64_MIN, CLOCK_NEVER, CLOCK_NEVER, false};
	if (!session_reader_frames(r->reader, p->name, 0, 0, note_keys, &keys, error))
		return FALSE;
	p->to_ns = keys.key_after;
	if (p->kind != WITHHELD_REGION)
		return TRUE;
	p->from_ns = keys.key_before;
	if (keys.early && p->from_ns == INT64_MIN && keys.first_key != CLOCK_NEVER)
		withhold_before(r, p, p->from_ns = keys.first_key);
	return TRUE;
}

/* Regions of one camera are encoded together: over the span of all of them. */
static void join_regions(Redact *r)
{
	for (guint i = 0; i < r->works->len; i++) {
		SessionWithheld *a = ((Work *)r->works->pdata[i])->part;
		for (guint k = 0; k < r->works->len && a->kind == WITHHELD_REGION; k++) {
			SessionWithheld *b = ((Work *)r->works->pdata[k])->part;
			if (b->kind != WITHHELD_REGION || strcmp(a->name, b->name))
				continue;
			a->from_ns = b->from_ns = MIN(a->from_ns, b->from_ns);
			a->to_ns = b->to_ns = MAX(a->to_ns, b->to_ns);
		}
	}
}

static gboolean plan(Redact *r, GError **error)
{
	int64_t start = session_reader_recording(r->reader)->start_ns;
	if (!r->wanted->reason || !*r->wanted->reason)
		return error_input(error, "a redaction needs a reason");
	for (size_t i = 0; i < r->wanted->n_parts; i++) {
		if (!check_part(r->wanted, r->reader, r->wanted->parts[i], error))
			return FALSE;
		SessionWithheld *p = add_work(r, r->wanted->parts[i]);
		p->from_ns = to_bench(p->from_ns, start);
		p->to_ns = to_bench(p->to_ns, start);
		if ((p->kind == WITHHELD_CAMERA || p->kind == WITHHELD_REGION) &&
		    !widen(r, p, error))
			return FALSE;
	}
	if (r->works->len == 0)
		return error_input(error, "nothing to withhold was named");
	join_regions(r);
	g_autoptr(GPtrArray) names = session_reader_attachments(r->reader);
	for (guint i = 0; i < names->len; i++) {
		SessionWithheld copy = {.kind = WITHHELD_ATTACHMENT,
					.name = names->pdata[i],
					.from_ns = INT64_MIN,
					.to_ns = CLOCK_NEVER};
		if (g_str_has_prefix(copy.name, "import/"))
			add_work(r, &copy);
	}
	return TRUE;
}

/* ---- messages -------------------------------------------------------------------------------- */

static Work *covering(Redact *r, const CopyTopic *topic, const McapMessage *m)
{
	Work *region = NULL;
	for (guint i = 0; i < r->works->len; i++) {
		Work *work = r->works->pdata[i];
		if (!withheld_covers(work->part, topic, m))
			continue;
		if (work->part->kind != WITHHELD_REGION)
			return work; /* to take away goes before hiding */
		region = region ? region : work;
	}
	return region;
}

static gboolean write_missing(Redact *r, const McapMessage *m, GError **error)
{
	McapMessage missing = *m;
	int64_t t = (int64_t)m->log_time;
	CdrReader is_cdr = cdr_reader(m->data);
	g_autofree char *json = g_strdup_printf("{\"stamp\":{\"sec\":%" G_GINT64_FORMAT
						",\"nsec\":%" G_GINT64_FORMAT
						"},\"value\":null,\"status\":\"missing\"}",
						t / CLOCK_S, t % CLOCK_S);
	cdr_begin(&r->cdr);
	cdr_put_time(&r->cdr, t);
	cdr_put_double(&r->cdr, NAN);
	cdr_put_u8(&r->cdr, SAMPLE_MISSING);
	missing.data = is_cdr.bad ? (McapBytes){(const uint8_t *)json, strlen(json)}
				  : (McapBytes){r->cdr.data, r->cdr.size};
	return copy_message(&r->copy, &missing, error);
}

/* The regions that hold at this time, as they were asked for: the parts' spans are wider. */
static size_t regions_at(const Redact *r, const char *camera, int64_t t,
			 const SessionWithheld *ret[])
{
	int64_t start = session_reader_recording(r->reader)->start_ns;
	size_t n = 0;
	for (size_t i = 0; i < r->wanted->n_parts; i++) {
		const SessionWithheld *p = r->wanted->parts[i];
		if (p->kind == WITHHELD_REGION && !strcmp(p->name, camera) &&
		    t >= to_bench(p->from_ns, start) && t < to_bench(p->to_ns, start))
			ret[n++] = p;
	}
	return n;
}

/* The picture in a message; see encode_frame() in drain.c. */
static gboolean picture_of(const McapMessage *m, const char *format, Frame *ret,
			   const char **ret_id, GError **error)
{
	CdrReader c = cdr_reader(m->data);
	bool raw = schema_of_format(format) == SCHEMA_RAW_IMAGE;
	int64_t capture = cdr_time(&c);
	McapText id = cdr_string(&c);
	*ret = (Frame){.format = format, .capture_ns = capture, .sequence = m->sequence};
	if (raw) {
		ret->width = (int)cdr_u32(&c);
		ret->height = (int)cdr_u32(&c);
		cdr_string(&c);
		cdr_u32(&c);
	}
	McapBytes data = cdr_bytes(&c);
	ret->data = data.data;
	ret->size = data.size;
	ret->key = raw || loader_has_idr(data);
	*ret_id = id.data; /* ends with its NUL */
	if (c.bad)
		return error_input(error, "a picture that does not fit its schema");
	return TRUE;
}

static gboolean write_hidden(Redact *r, const CopyTopic *topic, const McapMessage *m,
			     GError **error)
{
	const char *format = camera_named(r->reader, topic->name)->format, *id;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree const SessionWithheld **regions =
		g_new0(const SessionWithheld *, r->wanted->n_parts + 1);
	Frame frame;
	if (!picture_of(m, format, &frame, &id, error))
		return FALSE;
	size_t n = regions_at(r, topic->name, frame.capture_ns, regions);
	if (!r->wanted->hide(r->wanted->hide_data, topic->name, &frame, regions, n, bytes, error))
		return FALSE;
	frame.data = bytes->data;
	frame.size = bytes->len;
	cdr_begin(&r->cdr);
	cdr_put_picture(&r->cdr, id, format, &frame);
	McapMessage hidden = *m;
	hidden.data = (McapBytes){r->cdr.data, r->cdr.size};
	return copy_message(&r->copy, &hidden, error);
}

static gboolean redact_message(Redact *r, const McapMessage *m, GError **error)
{
	const CopyTopic *topic =
		g_hash_table_lookup(r->topics, GUINT_TO_POINTER((unsigned)m->channel_id + 1));
	Work *work = covering(r, topic, m);
	if (topic && topic->ours && topic->kind == TOPIC_FAULT)
		r->fault_sequence = MAX(r->fault_sequence, m->sequence + 1);
	if (!work)
		return copy_message(&r->copy, m, error);
	withheld_digest_add(&work->digest, m);
	work->part->messages++;
	if (work->part->kind == WITHHELD_REGION)
		return write_hidden(r, topic, m, error);
	if (work->part->kind != WITHHELD_SIGNAL || work->replaced)
		return TRUE;
	work->replaced = true;
	return write_missing(r, m, error);
}

/* ---- the other records ----------------------------------------------------------------------- */

static gboolean redact_channel(Redact *r, const McapChannel *c, GError **error)
{
	CopyTopic *topic = copy_topic_of(c);
	bool withheld = false;
	if (topic->ours && topic->kind == TOPIC_FAULT)
		r->fault_channel = c->id;
	g_hash_table_replace(r->topics, GUINT_TO_POINTER((unsigned)c->id + 1), topic);
	for (guint i = 0; i < r->works->len; i++) {
		const SessionWithheld *p = ((Work *)r->works->pdata[i])->part;
		withheld |= p->kind == WITHHELD_SIGNAL && withheld_is_whole(p) && topic->ours &&
			    topic->kind == TOPIC_SIGNAL && !g_strcmp0(topic->name, p->name);
	}
	g_autofree char *fault = g_strdup_printf("withheld by redaction: %s", r->wanted->reason);
	/* So the signal proves nothing. Of a span the loader tells by what anzen.withheld says. */
	return copy_channel(&r->copy, c, withheld ? "certificate_fault" : NULL, fault, error);
}

static gboolean redact_attachment(Redact *r, const McapAttachment *a, GError **error)
{
	for (guint i = 0; i < r->works->len; i++) {
		Work *work = r->works->pdata[i];
		if (work->part->kind != WITHHELD_ATTACHMENT ||
		    !mcap_text_equal(a->name, work->part->name))
			continue;
		crypto_hash_sha256_update(&work->digest, a->data.data, a->data.size);
		work->part->messages++;
		return TRUE;
	}
	return copy_attachment(&r->copy, a, error);
}

static gboolean redact_record(Redact *r, const McapRecord *record, GError **error)
{
	switch (record->opcode) {
	case MCAP_SCHEMA:
		return copy_schema(&r->copy, &record->schema, error);
	case MCAP_CHANNEL:
		return redact_channel(r, &record->channel, error);
	case MCAP_MESSAGE:
		return redact_message(r, &record->message, error);
	case MCAP_CHUNK:
		return copy_close_chunks(&r->copy, error);
	case MCAP_METADATA:
		return copy_metadata(&r->copy, record, error);
	case MCAP_ATTACHMENT:
		return redact_attachment(r, &record->attachment, error);
	default:
		return TRUE;
	}
}

/* ---- proof of life --------------------------------------------------------------------------- */

/* A product that was not seen alive fails. That is not so when its sign of life was withheld: then the bench cannot say,
 * and says so with a fault of its own. */
static bool shows_life(const Redact *r, const SessionWithheld *p)
{
	return r->spec && p->kind == WITHHELD_SIGNAL &&
	       (!g_strcmp0(p->name, r->spec->heartbeat) ||
		!g_strcmp0(p->name, r->spec->positive_control));
}

static gboolean write_fault(Redact *r, const SessionWithheld *p, GError **error)
{
	const Recording *rec = session_reader_recording(r->reader);
	int64_t t = MAX(p->from_ns, MAX(rec->start_ns, 0));
	g_autoptr(GString) json = g_string_new(NULL);
	g_autofree char *cause =
		g_strdup_printf("%s: withheld by redaction: %s", p->name, r->wanted->reason);
	g_string_append_printf(json,
			       "{\"stamp\":{\"sec\":%" G_GINT64_FORMAT ",\"nsec\":%" G_GINT64_FORMAT
			       "},\"until_ns\":",
			       t / CLOCK_S, t % CLOCK_S);
	if (p->to_ns == CLOCK_NEVER)
		g_string_append(json, "null");
	else
		g_string_append_printf(json, "%" G_GINT64_FORMAT, p->to_ns);
	g_string_append(json, ",\"source\":\"" REDACTION_SOURCE "\",\"cause\":");
	text_append_json(json, cause);
	/* Of no signal: it concerns whatever rests on a living product. */
	g_string_append(json, ",\"signal\":null");
	g_string_append(json, ",\"blame\":\"bench\",\"proven\":true}");
	const McapMessage m = {.channel_id = r->fault_channel,
			       .sequence = r->fault_sequence++,
			       .log_time = (uint64_t)t,
			       .publish_time = (uint64_t)t,
			       .data = {(const uint8_t *)json->str, json->len}};
	if (r->fault_channel == 0)
		return error_input(error, "the session has no channel for faults");
	return copy_message(&r->copy, &m, error);
}

static gboolean write_faults(Redact *r, GError **error)
{
	for (guint i = 0; i < r->works->len; i++) {
		const SessionWithheld *p = ((Work *)r->works->pdata[i])->part;
		if (shows_life(r, p) && !write_fault(r, p, error))
			return FALSE;
	}
	return copy_close_chunks(&r->copy, error);
}

/* ---- the trace ------------------------------------------------------------------------------- */

static gboolean write_trace(Redact *r, const CopyOrigin *origin, GError **error)
{
	for (guint i = 0; i < r->works->len; i++) {
		Work *work = r->works->pdata[i];
		uint8_t hash[crypto_hash_sha256_BYTES];
		crypto_hash_sha256_final(&work->digest, hash);
		sodium_bin2hex(work->part->sha256, sizeof(work->part->sha256), hash, sizeof(hash));
		if (!withheld_write(&r->copy, work->part, error))
			return FALSE;
	}
	/* Several redactions one after the other keep their leaves apart. */
	g_autofree char *name = g_strdup_printf(LEAVES_PREFIX "%.16s" LEAVES_SUFFIX, origin->chain);
	const char *const more[] = {"reason", r->wanted->reason, r->wanted->by ? "by" : NULL,
				    r->wanted->by, NULL};
	return mcap_writer_attachment(r->copy.out->mcap, name, "application/octet-stream", 0, 0,
				      r->leaves->data, r->leaves->len, error) &&
	       copy_write_edited(&r->copy, "redact", origin, more, error);
}

static gboolean walk_all(Redact *r, Walk *walk, const McapSource *source, CopyOrigin *origin,
			 GError **error)
{
	McapRecord record;
	McapNext next;
	uint64_t chained = 0;
	while ((next = walk_next(walk, &record, error)) == MCAP_NEXT_RECORD) {
		if (walk->in_summary)
			continue;
		if (walk->chain.records > chained)
			g_byte_array_append(r->leaves, walk->chain.leaf, sizeof(walk->chain.leaf));
		chained = walk->chain.records;
		if (!redact_record(r, &record, error))
			return FALSE;
	}
	return copy_origin(walk, next, source, origin, error) && copy_close_chunks(&r->copy, error);
}

/* A region that took no picture, a span without samples: somebody meant something else. */
static gboolean all_found(const Redact *r, GError **error)
{
	bool regions = false;
	for (guint i = 0; i < r->works->len; i++) {
		const SessionWithheld *p = ((Work *)r->works->pdata[i])->part;
		regions |= p->kind == WITHHELD_REGION && p->messages > 0;
		if (p->messages == 0 && p->kind != WITHHELD_REGION)
			return error_input(error, "%s '%s' has nothing in that span to withhold",
					   session_withheld_kind_name(p->kind), p->name);
	}
	for (guint i = 0; i < r->works->len && !regions; i++)
		if (((Work *)r->works->pdata[i])->part->kind == WITHHELD_REGION)
			return error_input(error, "no picture lies in the span of the region");
	return TRUE;
}

static gboolean redact_into(Redact *r, const McapSource *source, const McapSink *sink,
			    char **ret_sha256, GError **error)
{
	g_auto(ChainedFile) out = {0};
	g_auto(Walk) walk = {0};
	CopyOrigin origin;
	if (!chained_file_open(&out, sink, clock_monotonic(), error) ||
	    !walk_open(&walk, source, 0, error))
		return FALSE;
	copy_init(&r->copy, &out);
	return walk_all(r, &walk, source, &origin, error) && all_found(r, error) &&
	       write_faults(r, error) && write_trace(r, &origin, error) &&
	       chained_file_finish(&out, ret_sha256, error);
}

static void redact_clear(Redact *r)
{
	g_ptr_array_unref(r->works);
	g_hash_table_unref(r->topics);
	g_byte_array_unref(r->leaves);
	judge_spec_free(r->spec);
	copy_clear(&r->copy);
	cdr_clear(&r->cdr);
}

gboolean session_redact(const char *path, const SessionRedaction *redaction, const char *out,
			SessionEdit *ret, GError **error)
{
	g_autoptr(SessionReader) reader = session_reader_open(path, error);
	g_auto(McapSource) source = {0};
	g_auto(Output) output = {0};
	if (!reader || !mcap_file_source(path, &source, error))
		return FALSE;
	Redact r = {.wanted = redaction,
		    .reader = reader,
		    .works = g_ptr_array_new_with_free_func(work_free),
		    .topics = g_hash_table_new_full(NULL, NULL, NULL, copy_topic_free),
		    .leaves = g_byte_array_new()};
	g_autofree char *sha256 = NULL;
	g_autoptr(GError) unreadable = NULL;
	r.spec = session_reader_judge(reader,
				      &unreadable); /* a broken one gives no verdict anyway */
	gboolean good = plan(&r, error) && output_open(&output, out, error) &&
			redact_into(&r, &source, &output.sink, &sha256, error) &&
			output_commit(&output, error);
	if (good)
		*ret = (SessionEdit){r.copy.messages, g_steal_pointer(&sha256)};
	redact_clear(&r);
	return good;
}

const GPtrArray *session_reader_withheld(const SessionReader *reader)
{
	return reader->withheld;
}
