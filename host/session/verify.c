/* Verification and recovery of whole files. */
#include "redact.h"

void session_check_free(SessionCheck *check)
{
	if (!check)
		return;
	g_free(check->problem);
	g_free(check);
}

gboolean hash_source(const McapSource *source, char ret_hex[65], GError **error)
{
	crypto_hash_sha256_state state;
	uint8_t hash[crypto_hash_sha256_BYTES];
	g_autofree uint8_t *buffer = g_malloc(1u << 20);
	crypto_hash_sha256_init(&state);
	for (uint64_t at = 0; at < source->size;) {
		size_t n = (size_t)MIN(source->size - at, 1u << 20);
		if (!source->read(source->self, at, buffer, n, error))
			return FALSE;
		crypto_hash_sha256_update(&state, buffer, n);
		at += n;
	}
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(ret_hex, 65, hash, sizeof(hash));
	return TRUE;
}

/* The offset that the error's text names ("…: byte 4711: …"). */
static uint64_t offset_in(const char *message, uint64_t fallback)
{
	const char *at = strstr(message, "byte ");
	return at ? g_ascii_strtoull(at + 5, NULL, 10) : fallback;
}

static void problem(SessionCheck *check, uint64_t offset, const char *message)
{
	if (check->problem)
		return;
	check->offset = offset;
	check->problem = g_strdup(message);
}

static void note_ends(SessionCheck *check, const McapRecord *record)
{
	if (record->opcode != MCAP_METADATA)
		return;
	if (mcap_text_equal(record->metadata.name, END_METADATA) ||
	    mcap_text_equal(record->metadata.name, RECOVERED_METADATA) ||
	    mcap_text_equal(record->metadata.name, EDITED_METADATA))
		check->sealed = true;
}

static void walk_to_end(SessionCheck *check, Walk *walk, const McapSource *source)
{
	g_autoptr(GError) error = NULL;
	g_auto(Leaves) leaves;
	uint64_t chained = 0;
	leaves_init(&leaves);
	McapRecord record;
	McapNext next;
	while ((next = walk_next(walk, &record, &error)) == MCAP_NEXT_RECORD)
		if (!walk->in_summary) {
			note_ends(check, &record);
			leaves_note(&leaves, &record,
				    walk->chain.records > chained ? walk->chain.leaf : NULL);
			chained = walk->chain.records;
		}
	uint64_t whole = mcap_reader_offset(walk->reader);
	if (next != MCAP_NEXT_END) {
		check->sealed = false;
		check->truncated = next == MCAP_NEXT_TRUNCATED;
		check->lost_bytes = source->size - whole;
		problem(check, offset_in(error->message, whole), error->message);
	} else if (!walk->session) {
		problem(check, 0, "no session of ours: it has no identity and no hash chain");
	} else if (!mcap_reader_data_verified(walk->reader) ||
		   !mcap_reader_summary_verified(walk->reader)) {
		problem(check, whole, "a section has no CRC, which our recorder always writes");
	} else if (!check->sealed) {
		problem(check, whole, "the session has no end record");
	}
	const char *trace = check->problem ? NULL : leaves_check(&leaves, check);
	if (trace)
		problem(check, whole, trace);
	check->records = walk->records;
	check->chunks = walk->chunks;
	check->links = walk->chain.links;
	check->unchained = walk->chain.records - walk->linked;
	chain_hex(&walk->chain, check->chain);
}

SessionCheck *session_verify_source(const McapSource *source, GError **error)
{
	g_autoptr(SessionCheck) check = g_new0(SessionCheck, 1);
	g_auto(Walk) walk = {0};
	g_autoptr(GError) local = NULL;
	check->size = source->size;
	if (!hash_source(source, check->sha256, error))
		return NULL;
	if (!walk_open(&walk, source, 0, &local)) {
		problem(check, offset_in(local->message, 0), local->message);
		check->lost_bytes = source->size;
		return g_steal_pointer(&check);
	}
	walk_to_end(check, &walk, source);
	check->ok = check->problem == NULL;
	return g_steal_pointer(&check);
}

SessionCheck *session_verify(const char *path, GError **error)
{
	g_auto(McapSource) source = {0};
	return mcap_file_source(path, &source, error) ? session_verify_source(&source, error)
						      : NULL;
}

/* ---- recovery -------------------------------------------------------------------------------- */

typedef struct {
	Copy copy;
	SessionRecovery result;
	bool end_seen;
} Recovery;

static gboolean recover_message(Recovery *r, const McapMessage *m, GError **error)
{
	r->result.messages++;
	r->result.last_ns = MAX(r->result.last_ns, (int64_t)m->log_time);
	return copy_message(&r->copy, m, error);
}

static gboolean recover_record(Recovery *r, const McapRecord *record, GError **error)
{
	switch (record->opcode) {
	case MCAP_SCHEMA:
		return copy_schema(&r->copy, &record->schema, error);
	case MCAP_CHANNEL:
		return copy_channel(&r->copy, &record->channel, NULL, NULL, error);
	case MCAP_MESSAGE:
		return recover_message(r, &record->message, error);
	case MCAP_CHUNK:
		r->result.chunks++;
		return copy_close_chunks(&r->copy, error);
	case MCAP_METADATA:
		r->end_seen |= mcap_text_equal(record->metadata.name, END_METADATA);
		return copy_metadata(&r->copy, record, error);
	case MCAP_ATTACHMENT:
		return copy_attachment(&r->copy, &record->attachment, error);
	default:
		return TRUE;
	}
}

static void say_missing(Recovery *r, const Walk *walk, const char *why)
{
	const char *first = NULL;
	r->result.skipped_chunks = mcap_reader_skipped(walk->reader, &first);
	if (!why && r->result.skipped_chunks == 0 && walk->wrong_links == 0 && r->end_seen)
		return;
	GString *text = g_string_new(NULL);
	if (why)
		g_string_append_printf(
			text,
			"everything after %.3f s of bench time (%" G_GUINT64_FORMAT
			" bytes of a record that was being written; up to 0.4 s): %s",
			(double)r->result.last_ns / 1e9, r->result.lost_bytes, why);
	else if (!r->end_seen)
		g_string_append_printf(text, "everything after %.3f s of bench time: no end record",
				       (double)r->result.last_ns / 1e9);
	if (r->result.skipped_chunks > 0)
		g_string_append_printf(text,
				       "%s%" G_GUINT64_FORMAT " damaged records in between: %s",
				       text->len ? "; " : "", r->result.skipped_chunks, first);
	if (walk->wrong_links > 0)
		g_string_append_printf(
			text, "%s%" G_GUINT64_FORMAT " links of the hash chain did not agree",
			text->len ? "; " : "", walk->wrong_links);
	r->result.missing = g_string_free(text, FALSE);
}

static gboolean write_recovered(Recovery *r, const McapSource *source, const Walk *walk,
				GError **error)
{
	char sha256[65], chain[65], links[24], lost[24], unchained[24];
	if (!hash_source(source, sha256, error))
		return FALSE;
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

static gboolean copy_all(Recovery *r, Walk *walk, const McapSource *source, GError **error)
{
	g_autoptr(GError) why = NULL;
	McapRecord record;
	McapNext next;
	while ((next = walk_next(walk, &record, &why)) == MCAP_NEXT_RECORD)
		if (!walk->in_summary && !recover_record(r, &record, error))
			return FALSE;
	/* A file that was cut after its end record, or inside its summary, has lost nothing that is not made anew. */
	bool whole = next == MCAP_NEXT_END || walk->in_summary ||
		     (r->end_seen && walk->linked == walk->chain.records);
	if (!whole)
		r->result.lost_bytes = source->size - mcap_reader_offset(walk->reader);
	if (!walk->session) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: nothing of a session is left in it", source->name);
		return FALSE;
	}
	say_missing(r, walk, whole ? NULL : why->message);
	return copy_close_chunks(&r->copy, error) &&
	       (!r->result.missing || write_recovered(r, source, walk, error)) &&
	       chained_file_finish(r->copy.out, NULL, error);
}

gboolean session_recover(const McapSource *source, const McapSink *sink, SessionRecovery *ret,
			 GError **error)
{
	g_auto(Walk) walk = {0};
	g_auto(ChainedFile) out = {0};
	if (!walk_open(&walk, source, MCAP_SALVAGE, error))
		return FALSE;
	walk.tolerant = true;
	if (!chained_file_open(&out, sink, clock_monotonic(), error))
		return FALSE;
	Recovery r = {0};
	copy_init(&r.copy, &out);
	gboolean good = copy_all(&r, &walk, source, error);
	copy_clear(&r.copy);
	if (good)
		*ret = r.result;
	else
		g_free(r.result.missing);
	return good;
}

void session_recovery_clear(SessionRecovery *recovery)
{
	g_clear_pointer(&recovery->missing, g_free);
}
