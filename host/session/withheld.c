/* What a redaction took away: how it is described, hashed, found again and checked. */
#include "redact.h"
#include <stdio.h>

static const char *const kinds[] = {[WITHHELD_SIGNAL] = "signal",
				    [WITHHELD_CAMERA] = "camera",
				    [WITHHELD_REGION] = "region",
				    [WITHHELD_ATTACHMENT] = "attachment",
				    [WITHHELD_EVENT] = "event"};

const char *session_withheld_kind_name(SessionWithheldKind kind)
{
	return kinds[kind];
}

SessionWithheld *session_withheld_new(SessionWithheldKind kind, const char *name)
{
	SessionWithheld *w = g_new0(SessionWithheld, 1);
	w->kind = kind;
	w->name = g_strdup(name);
	w->from_ns = INT64_MIN;
	w->to_ns = CLOCK_NEVER;
	return w;
}

void session_withheld_free(SessionWithheld *w)
{
	if (!w)
		return;
	g_free(w->name);
	g_free(w->reason);
	g_free(w);
}

bool withheld_is_whole(const SessionWithheld *part)
{
	return part->from_ns == INT64_MIN && part->to_ns == CLOCK_NEVER;
}

static void add_uint(WithheldDigest *digest, uint64_t v, size_t size)
{
	v = GUINT64_TO_LE(v);
	crypto_hash_sha256_update(digest, (const uint8_t *)&v, size);
}

void withheld_digest_add(WithheldDigest *digest, const McapMessage *m)
{
	add_uint(digest, m->log_time, 8);
	add_uint(digest, m->publish_time, 8);
	add_uint(digest, m->sequence, 4);
	add_uint(digest, m->data.size, 8);
	crypto_hash_sha256_update(digest, m->data.data, m->data.size);
}

/* The event's own name comes before its details, which may have names too; see drain.c. */
static bool is_event(const McapMessage *m, const char *name)
{
	g_autofree char *text = g_strndup((const char *)m->data.data, m->data.size);
	g_autoptr(GString) want = g_string_new("\"name\":");
	const char *first = strstr(text, want->str);
	text_append_json(want, name);
	return first && g_str_has_prefix(first, want->str);
}

bool withheld_covers(const SessionWithheld *part, const CopyTopic *topic, const McapMessage *m)
{
	int64_t t = (int64_t)m->publish_time;
	if (!topic || !topic->ours || t < part->from_ns || t >= part->to_ns)
		return false;
	if (part->kind == WITHHELD_EVENT)
		return topic->kind == TOPIC_EVENT && is_event(m, part->name);
	if (g_strcmp0(topic->name, part->name))
		return false;
	switch (part->kind) {
	case WITHHELD_SIGNAL:
		return topic->kind == TOPIC_SIGNAL;
	case WITHHELD_CAMERA:
		return topic->kind == TOPIC_FRAME || topic->kind == TOPIC_FRAME_INFO;
	case WITHHELD_REGION:
		return topic->kind == TOPIC_FRAME;
	case WITHHELD_ATTACHMENT:
	case WITHHELD_EVENT:
		return false;
	}
	return false;
}

gboolean withheld_write(Copy *copy, const SessionWithheld *w, GError **error)
{
	char from[24], to[24], region[64], messages[24];
	g_snprintf(from, sizeof(from), "%" G_GINT64_FORMAT, w->from_ns);
	g_snprintf(to, sizeof(to), "%" G_GINT64_FORMAT, w->to_ns);
	g_snprintf(region, sizeof(region), "%d,%d,%d,%d", w->x, w->y, w->width, w->height);
	g_snprintf(messages, sizeof(messages), "%" G_GUINT64_FORMAT, w->messages);
	const char *const map[] = {"kind",     kinds[w->kind], "name",   w->name,
				   "from_ns",  from,           "to_ns",  to,
				   "region",   region,         "reason", w->reason ? w->reason : "",
				   "messages", messages,       "sha256", w->sha256,
				   NULL};
	return mcap_writer_metadata(copy->out->mcap, WITHHELD_METADATA, map, error);
}

static bool number(McapMap map, const char *key, int64_t *ret)
{
	g_autofree char *text = map_get(map, key);
	char *end;
	if (!text || !*text)
		return false;
	*ret = g_ascii_strtoll(text, &end, 10);
	return *end == '\0';
}

static bool read_withheld(McapMap map, SessionWithheld *w)
{
	g_autofree char *kind = map_get(map, "kind"), *region = map_get(map, "region"),
			*sha256 = map_get(map, "sha256");
	int64_t messages;
	unsigned k = 0;
	while (k < G_N_ELEMENTS(kinds) && g_strcmp0(kind, kinds[k]))
		k++;
	if (k == G_N_ELEMENTS(kinds) || !sha256 || strlen(sha256) != 64 || !region ||
	    sscanf(region, "%d,%d,%d,%d", &w->x, &w->y, &w->width, &w->height) != 4 ||
	    !number(map, "from_ns", &w->from_ns) || !number(map, "to_ns", &w->to_ns) ||
	    !number(map, "messages", &messages))
		return false;
	w->kind = (SessionWithheldKind)k;
	w->messages = (uint64_t)messages;
	memcpy(w->sha256, sha256, sizeof(w->sha256));
	w->name = map_get(map, "name");
	w->reason = map_get(map, "reason");
	return w->name != NULL;
}

gboolean redact_take_withheld(GPtrArray *list, const McapRecord *record, GError **error)
{
	g_autoptr(SessionWithheld) w = g_new0(SessionWithheld, 1);
	if (!read_withheld(record->metadata.metadata, w)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT
			    ": an unreadable record of something withheld: written by a newer "
			    "version?",
			    record->offset);
		return FALSE;
	}
	g_ptr_array_add(list, g_steal_pointer(&w));
	return TRUE;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

#define LEAF crypto_hash_sha256_BYTES

void leaves_init(Leaves *leaves)
{
	*leaves = (Leaves){.own = g_byte_array_new()};
}

void leaves_clear(Leaves *leaves)
{
	g_clear_pointer(&leaves->own, g_byte_array_unref);
	g_clear_pointer(&leaves->original, g_bytes_unref);
	g_clear_pointer(&leaves->chain, g_free);
	g_clear_pointer(&leaves->sha256, g_free);
	g_clear_pointer(&leaves->records, g_free);
}

static bool is_leaves_name(McapText name)
{
	g_autofree char *text = mcap_text_dup(name);
	return g_str_has_prefix(text, LEAVES_PREFIX) && g_str_has_suffix(text, LEAVES_SUFFIX);
}

void leaves_note(Leaves *leaves, const McapRecord *record, const uint8_t *leaf)
{
	if (leaf)
		g_byte_array_append(leaves->own, leaf, LEAF);
	if (record->opcode == MCAP_ATTACHMENT && is_leaves_name(record->attachment.name)) {
		g_clear_pointer(&leaves->original, g_bytes_unref);
		leaves->original =
			g_bytes_new(record->attachment.data.data, record->attachment.data.size);
	}
	if (record->opcode != MCAP_METADATA)
		return;
	/* What was recovered has lost something, the trace perhaps as well: it says so itself. */
	if (mcap_text_equal(record->metadata.name, RECOVERED_METADATA))
		leaves->redacted = false;
	if (!mcap_text_equal(record->metadata.name, EDITED_METADATA))
		return;
	g_autofree char *operation = map_get(record->metadata.metadata, "operation");
	leaves->redacted = !g_strcmp0(operation, "redact");
	g_free(leaves->chain);
	g_free(leaves->sha256);
	g_free(leaves->records);
	leaves->chain = map_get(record->metadata.metadata, "original_chain");
	leaves->sha256 = map_get(record->metadata.metadata, "original_sha256");
	leaves->records = map_get(record->metadata.metadata, "original_records");
}

static guint leaf_hash(gconstpointer leaf)
{
	guint hash;
	memcpy(&hash, leaf, sizeof(hash));
	return hash;
}

static gboolean leaf_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, LEAF) == 0;
}

static uint64_t count_common(const Leaves *leaves, const uint8_t *original, size_t n)
{
	g_autoptr(GHashTable) known = g_hash_table_new(leaf_hash, leaf_equal);
	uint64_t common = 0;
	for (size_t i = 0; i < n; i++)
		g_hash_table_add(known, (void *)(uintptr_t)(original + i * LEAF));
	for (size_t i = 0; i + LEAF <= leaves->own->len; i += LEAF)
		common += g_hash_table_contains(known, leaves->own->data + i);
	return common;
}

const char *leaves_check(const Leaves *leaves, SessionCheck *check)
{
	char head[65];
	if (!leaves->redacted)
		return NULL;
	check->redacted = true;
	gsize size = 0;
	const uint8_t *original =
		leaves->original ? g_bytes_get_data(leaves->original, &size) : NULL;
	if (!original || !leaves->chain || !leaves->sha256 || !leaves->records || size % LEAF)
		return "the trace of its redaction is not there or not readable";
	Chain chain;
	chain_init(&chain);
	for (size_t i = 0; i < size / LEAF; i++)
		chain_fold_leaf(&chain, original + i * LEAF);
	chain_hex(&chain, head);
	if (strcmp(head, leaves->chain) ||
	    g_ascii_strtoull(leaves->records, NULL, 10) != chain.records)
		return "the leaves it keeps of its original do not give the original's chain";
	g_strlcpy(check->original_chain, leaves->chain, sizeof(check->original_chain));
	g_strlcpy(check->original_sha256, leaves->sha256, sizeof(check->original_sha256));
	check->original_records = chain.records;
	check->original_kept = count_common(leaves, original, size / LEAF);
	return NULL;
}
