/* Recovery: a sealed file of everything that is whole in a cut or damaged one. */
#include "copy.h"

typedef struct {
	uint64_t from, to; /* bytes of the original */
	bool searched;     /* found by a search: nothing shows that it is this session's */
} Span;

typedef struct {
	Copy copy;
	SessionRecovery result;
	GArray *unproven; /* Span: what no link of the chain that agrees stands behind */
	bool meta_proven, identity_proven; /* one of the two copies stands elsewhere */
	GHashTable *counts;                /* channel id + 1 → messages that are here */
	GHashTable *topics;                /* channel id + 1 → name */
	GString *lost;                     /* per topic; filled from the statistics */
	uint64_t dropped;                  /* records in unproven spans */
	bool end_seen, identified;
} Recovery;

/* ---- what is this session's ------------------------------------------------------------------ */

typedef struct {
	GArray *spans;
	Span span; /* since the last link */
	unsigned searched;
	bool meta, identity; /* in it */
	Recovery *r;
} Survey;

static void close_span(Survey *s, const Walk *walk, uint64_t to)
{
	bool proven = walk->at_link && walk->link == LINK_PROVES,
	     unknown = !walk->at_link || walk->link == LINK_UNKNOWN || walk->link == LINK_FOREIGN;
	/* Behind a search, only a link that is surely ours ends what is in doubt. */
	if (s->span.searched && unknown && walk->at_link)
		return;
	s->r->meta_proven |= proven && s->meta;
	s->r->identity_proven |= proven && s->identity;
	s->span.to = to;
	if (!proven)
		g_array_append_val(s->spans, s->span);
	s->span = (Span){.from = to};
	s->meta = s->identity = false;
}

static void survey_record(Survey *s, const Walk *walk, const McapRecord *record)
{
	if (mcap_reader_searched(walk->reader) > s->searched && !s->span.searched) {
		/* What stands before the gap is where it was written. */
		Span before = s->span;
		before.to = record->offset;
		g_array_append_val(s->spans, before);
		s->span = (Span){.from = record->offset, .searched = true};
		s->meta = s->identity = false;
	}
	s->searched = mcap_reader_searched(walk->reader);
	if (walk->at_link)
		close_span(s, walk, record->offset);
	else if (record->opcode == MCAP_METADATA) {
		s->meta |= mcap_text_equal(record->metadata.name, META_METADATA);
		s->identity |= mcap_text_equal(record->metadata.name, SESSION_METADATA);
	}
}

/* Where records had to be searched for, blocks of an older file may have been found. From there on only a link of this
 * session's chain shows that what follows belongs to it, and only one that agrees, that what came before it does. */
static gboolean survey(Recovery *r, const McapSource *source, GError **error)
{
	g_auto(Walk) walk = {0};
	Survey s = {.spans = r->unproven, .r = r};
	McapRecord record;
	if (!walk_open(&walk, source, MCAP_SALVAGE, error))
		return FALSE;
	walk.tolerant = true;
	while (walk_next(&walk, &record, NULL) == MCAP_NEXT_RECORD && !walk.in_summary)
		survey_record(&s, &walk, &record);
	walk.at_link = false;
	close_span(&s, &walk, UINT64_MAX);
	return TRUE;
}

/* Chunks and attachments have CRCs, metadata have not: of the two copies of identity and meta the one counts that the
 * chain proves. */
static bool is_doubtful(const Recovery *r, const McapRecord *record)
{
	bool copy =
		record->opcode == MCAP_METADATA &&
		((r->meta_proven && mcap_text_equal(record->metadata.name, META_METADATA)) ||
		 (r->identity_proven && mcap_text_equal(record->metadata.name, SESSION_METADATA)));
	for (guint i = 0; i < r->unproven->len; i++) {
		const Span *span = &g_array_index(r->unproven, Span, i);
		if (record->offset >= span->from && record->offset < span->to)
			return span->searched || copy;
	}
	return false;
}

/* ---- copying --------------------------------------------------------------------------------- */

static gboolean recover_message(Recovery *r, const McapMessage *m, GError **error)
{
	void *key = GUINT_TO_POINTER((unsigned)m->channel_id + 1);
	size_t n = GPOINTER_TO_SIZE(g_hash_table_lookup(r->counts, key));
	g_hash_table_insert(r->counts, key, GSIZE_TO_POINTER(n + 1));
	r->result.messages++;
	r->result.last_ns = MAX(r->result.last_ns, (int64_t)m->log_time);
	return copy_message(&r->copy, m, error);
}

static gboolean recover_channel(Recovery *r, const McapChannel *c, GError **error)
{
	g_hash_table_replace(r->topics, GUINT_TO_POINTER((unsigned)c->id + 1),
			     mcap_text_dup(c->topic));
	return copy_channel(&r->copy, c, NULL, NULL, error);
}

static gboolean recover_record(Recovery *r, const McapRecord *record, GError **error)
{
	switch (record->opcode) {
	case MCAP_SCHEMA:
		return copy_schema(&r->copy, &record->schema, error);
	case MCAP_CHANNEL:
		return recover_channel(r, &record->channel, error);
	case MCAP_MESSAGE:
		return recover_message(r, &record->message, error);
	case MCAP_CHUNK:
		r->result.chunks++;
		return copy_close_chunks(&r->copy, error);
	case MCAP_METADATA:
		r->end_seen |= mcap_text_equal(record->metadata.name, END_METADATA);
		r->identified |= mcap_text_equal(record->metadata.name, SESSION_METADATA);
		return copy_metadata(&r->copy, record, error);
	case MCAP_ATTACHMENT:
		return copy_attachment(&r->copy, &record->attachment, error);
	default:
		return TRUE;
	}
}

/* ---- what is missing ------------------------------------------------------------------------- */

/* The statistics of a whole summary say how many messages there were. */
static void compare_counts(Recovery *r, McapMap counts)
{
	enum { TOLD = 8 };
	uint16_t id;
	uint64_t n;
	unsigned topics = 0;
	g_string_truncate(r->lost, 0);
	r->result.lost_messages = 0;
	while (mcap_map_next_count(&counts, &id, &n)) {
		void *key = GUINT_TO_POINTER((unsigned)id + 1);
		uint64_t here = GPOINTER_TO_SIZE(g_hash_table_lookup(r->counts, key));
		const char *topic = g_hash_table_lookup(r->topics, key);
		if (n <= here)
			continue;
		r->result.lost_messages += n - here;
		if (topics++ < TOLD)
			g_string_append_printf(r->lost, "%s%s %" G_GUINT64_FORMAT,
					       r->lost->len ? ", " : "",
					       topic ? topic : "a channel that is lost", n - here);
	}
	if (topics > TOLD)
		g_string_append_printf(r->lost, " and of %u others", topics - TOLD);
}

static void add(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GString *text, const char *format, ...)
{
	va_list args;
	if (text->len > 0)
		g_string_append(text, "; ");
	va_start(args, format);
	g_string_append_vprintf(text, format, args);
	va_end(args);
}

static void say_damage(Recovery *r, const Walk *walk, GString *text)
{
	const char *first = NULL;
	uint64_t orphans = mcap_reader_orphans(walk->reader);
	r->result.skipped_chunks = mcap_reader_skipped(walk->reader, &first);
	if (r->result.skipped_chunks > 0)
		add(text, "%" G_GUINT64_FORMAT " damaged records in between: %s",
		    r->result.skipped_chunks, first);
	if (r->result.lost_messages > 0)
		add(text, "%" G_GUINT64_FORMAT " messages are gone with them: %s",
		    r->result.lost_messages, r->lost->str);
	if (orphans > 0)
		add(text, "%" G_GUINT64_FORMAT " messages whose channel is lost", orphans);
	if (r->dropped > 0)
		add(text,
		    "%" G_GUINT64_FORMAT " records behind a gap that no link of the hash chain "
		    "shows to be of this session",
		    r->dropped);
	if (walk->wrong_links > 0)
		add(text, "%" G_GUINT64_FORMAT " links of the hash chain did not agree",
		    walk->wrong_links);
}

static void say_missing(Recovery *r, const Walk *walk, const char *why)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (why)
		add(text,
		    "everything after %.3f s of bench time (%" G_GUINT64_FORMAT
		    " bytes of a record that was being written; up to 0.4 s): %s",
		    (double)r->result.last_ns / 1e9, r->result.lost_bytes, why);
	else if (!r->end_seen)
		add(text, "everything after %.3f s of bench time: no end record",
		    (double)r->result.last_ns / 1e9);
	say_damage(r, walk, text);
	r->result.missing = text->len > 0 ? g_strdup(text->str) : NULL;
}

static gboolean write_recovered(Recovery *r, const McapSource *source, const Walk *walk,
				GError **error)
{
	char sha256[65], chain[65], links[24], lost[24], unchained[24];
	/* A medium that does not give all of its bytes must not keep what it gives. */
	if (!hash_source(source, sha256, NULL))
		g_strlcpy(sha256, "unreadable", sizeof(sha256));
	chain_hex(&walk->chain, chain);
	g_snprintf(links, sizeof(links), "%" G_GUINT64_FORMAT, walk->chain.links);
	g_snprintf(lost, sizeof(lost), "%" G_GUINT64_FORMAT, r->result.lost_bytes);
	g_snprintf(unchained, sizeof(unchained), "%" G_GUINT64_FORMAT,
		   walk->chain.records - walk->linked);
	const char *const map[] = {"original_sha256",
				   sha256,
				   "original_chain",
				   chain,
				   "original_links",
				   links,
				   "unchained",
				   unchained,
				   "lost_bytes",
				   lost,
				   "missing",
				   r->result.missing,
				   NULL};
	return mcap_writer_metadata(r->copy.out->mcap, RECOVERED_METADATA, map, error);
}

/* ---- the whole of it ------------------------------------------------------------------------- */

static gboolean copy_all(Recovery *r, Walk *walk, const McapSource *source, GError **error)
{
	g_autoptr(GError) why = NULL;
	McapRecord record;
	McapNext next;
	while ((next = walk_next(walk, &record, &why)) == MCAP_NEXT_RECORD) {
		if (walk->in_summary && record.opcode == MCAP_STATISTICS)
			compare_counts(r, record.statistics.channel_message_counts);
		else if (!walk->in_summary && is_doubtful(r, &record))
			r->dropped += record.opcode != MCAP_METADATA;
		else if (!walk->in_summary && !recover_record(r, &record, error))
			return FALSE;
	}
	if (!mcap_reader_summary_verified(walk->reader))
		r->result.lost_messages = 0; /* the statistics themselves may be what is damaged */
	/* A file that was cut after its end record, or inside its summary, has lost nothing that is not made anew. */
	bool whole = next == MCAP_NEXT_END || walk->in_summary ||
		     (r->end_seen && walk->linked == walk->chain.records);
	if (!whole)
		r->result.lost_bytes = source->size - mcap_reader_offset(walk->reader);
	if (!r->identified) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: nothing of a session is left in it", source->name);
		return FALSE;
	}
	say_missing(r, walk, whole ? NULL : why->message);
	return copy_close_chunks(&r->copy, error) &&
	       (!r->result.missing || write_recovered(r, source, walk, error)) &&
	       chained_file_finish(r->copy.out, NULL, error);
}

static void recovery_clear(Recovery *r)
{
	copy_clear(&r->copy);
	g_array_unref(r->unproven);
	g_hash_table_unref(r->counts);
	g_hash_table_unref(r->topics);
	g_string_free(r->lost, TRUE);
	session_recovery_clear(&r->result);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recovery, recovery_clear)

gboolean session_recover_file(const char *path, const char *out, SessionRecovery *ret,
			      GError **error)
{
	g_auto(McapSource) source = {0};
	g_auto(Output) output = {0};
	SessionRecovery r = {0};
	if (!mcap_file_source(path, &source, error) || !output_open(&output, out, error) ||
	    !session_recover(&source, &output.sink, &r, error))
		return FALSE;
	if (output_commit(&output, error)) {
		*ret = r;
		return TRUE;
	}
	session_recovery_clear(&r);
	return FALSE;
}

gboolean session_recover(const McapSource *source, const McapSink *sink, SessionRecovery *ret,
			 GError **error)
{
	g_auto(Walk) walk = {0};
	g_auto(ChainedFile) out = {0};
	g_auto(Recovery) r = {
		.unproven = g_array_new(FALSE, FALSE, sizeof(Span)),
		.counts = g_hash_table_new(NULL, NULL),
		.topics = g_hash_table_new_full(NULL, NULL, NULL, g_free),
		.lost = g_string_new(NULL),
	};
	if (!survey(&r, source, error) || !walk_open(&walk, source, MCAP_SALVAGE, error))
		return FALSE;
	walk.tolerant = true;
	if (!chained_file_open(&out, sink, clock_monotonic(), error))
		return FALSE;
	copy_init(&r.copy, &out);
	if (!copy_all(&r, &walk, source, error))
		return FALSE;
	*ret = r.result;
	r.result = (SessionRecovery){0};
	return TRUE;
}

void session_recovery_clear(SessionRecovery *recovery)
{
	g_clear_pointer(&recovery->missing, g_free);
}
