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

/* A session whose first bytes were hit is one that does not verify; a text is none. */
static bool is_no_mcap(const McapSource *source, const GError *error)
{
	g_autoptr(McapReader) reader = mcap_reader_new(source, MCAP_SALVAGE, NULL, NULL);
	return !reader && g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT);
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
		if (is_no_mcap(source, local)) {
			g_propagate_error(error, g_steal_pointer(&local));
			return NULL;
		}
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
