/* A redacted session against its original: everything that is not said to be withheld is the same, and what was withheld
 * is what its hash says. */
#include "redact.h"

/* What a file holds, as key → digest or text, without what the parts cover. */
typedef struct {
	const GPtrArray *parts;  /* SessionWithheld*; those of the redaction to check */
	GHashTable *topics;      /* channel id + 1 → CopyTopic* */
	GHashTable *streams;     /* channel id + 1 → WithheldDigest* of what is not covered */
	GHashTable *facts;       /* char* → char* */
	GHashTable *seen;        /* metadata name → count */
	WithheldDigest *covered; /* of each part */
	uint64_t *counts;
	char chain[65];
} Content;

static void content_init(Content *c, const GPtrArray *parts)
{
	*c = (Content){.parts = parts,
		       .topics = g_hash_table_new_full(NULL, NULL, NULL, copy_topic_free),
		       .streams = g_hash_table_new_full(NULL, NULL, NULL, g_free),
		       .facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		       .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		       .covered = g_new0(WithheldDigest, parts->len),
		       .counts = g_new0(uint64_t, parts->len)};
	for (guint i = 0; i < parts->len; i++)
		crypto_hash_sha256_init(&c->covered[i]);
}

static void content_clear(Content *c)
{
	g_hash_table_unref(c->topics);
	g_hash_table_unref(c->streams);
	g_hash_table_unref(c->facts);
	g_hash_table_unref(c->seen);
	g_free(c->covered);
	g_free(c->counts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Content, content_clear)

static void note(Content *c, char *key, char *fact)
{
	g_hash_table_replace(c->facts, key, fact);
}

static char *hex_of(WithheldDigest *digest)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char *hex = g_malloc(2 * sizeof(hash) + 1);
	crypto_hash_sha256_final(digest, hash);
	return sodium_bin2hex(hex, 2 * sizeof(hash) + 1, hash, sizeof(hash));
}

/* As redact.c: to take away goes before hiding. */
static int covering(const Content *c, const CopyTopic *topic, const McapMessage *m)
{
	int region = -1;
	for (guint i = 0; i < c->parts->len; i++) {
		const SessionWithheld *p = c->parts->pdata[i];
		if (!withheld_covers(p, topic, m))
			continue;
		if (p->kind != WITHHELD_REGION)
			return (int)i;
		region = region < 0 ? (int)i : region;
	}
	return region;
}

/* As a whole: then its channel says so. */
static bool is_withheld_signal(const Content *c, const CopyTopic *topic)
{
	for (guint i = 0; i < c->parts->len; i++) {
		const SessionWithheld *p = c->parts->pdata[i];
		if (p->kind == WITHHELD_SIGNAL && withheld_is_whole(p) && topic->ours &&
		    topic->kind == TOPIC_SIGNAL && !g_strcmp0(topic->name, p->name))
			return true;
	}
	return false;
}

static void take_channel(Content *c, const McapChannel *channel)
{
	void *id = GUINT_TO_POINTER((unsigned)channel->id + 1);
	CopyTopic *topic = copy_topic_of(channel);
	g_autoptr(GString) text = g_string_new(NULL);
	McapMap map = channel->metadata;
	McapText key, value;
	bool withheld = is_withheld_signal(c, topic);
	g_string_append_len(text, channel->topic.data, (gssize)channel->topic.size);
	while (mcap_map_next_text(&map, &key, &value)) {
		if (withheld && mcap_text_equal(key, "certificate_fault"))
			continue;
		g_string_append_printf(text, "\n%.*s=%.*s", (int)key.size, key.data,
				       (int)value.size, value.data);
	}
	g_hash_table_replace(c->topics, id, topic);
	note(c, g_strdup_printf("channel %u", (unsigned)channel->id), g_strdup(text->str));
}

/* That a sign of life was withheld; see redact.c. */
static bool is_own_fault(const CopyTopic *topic, const McapMessage *m)
{
	if (!topic || !topic->ours || topic->kind != TOPIC_FAULT)
		return false;
	g_autofree char *text = g_strndup((const char *)m->data.data, m->data.size);
	return strstr(text, "\"source\":\"" REDACTION_SOURCE "\"") != NULL;
}

static void take_message(Content *c, const McapMessage *m)
{
	void *id = GUINT_TO_POINTER((unsigned)m->channel_id + 1);
	const CopyTopic *topic = g_hash_table_lookup(c->topics, id);
	int i = covering(c, topic, m);
	if (is_own_fault(topic, m))
		return;
	if (i >= 0) {
		withheld_digest_add(&c->covered[i], m);
		c->counts[i]++;
		return;
	}
	WithheldDigest *stream = g_hash_table_lookup(c->streams, id);
	if (!stream) {
		stream = g_new0(WithheldDigest, 1);
		crypto_hash_sha256_init(stream);
		g_hash_table_insert(c->streams, id, stream);
	}
	withheld_digest_add(stream, m);
}

static void take_attachment(Content *c, const McapAttachment *a)
{
	g_autofree char *name = mcap_text_dup(a->name);
	for (guint i = 0; i < c->parts->len; i++) {
		const SessionWithheld *p = c->parts->pdata[i];
		if (p->kind != WITHHELD_ATTACHMENT || strcmp(p->name, name))
			continue;
		crypto_hash_sha256_update(&c->covered[i], a->data.data, a->data.size);
		c->counts[i]++;
		return;
	}
	note(c, g_strdup_printf("attachment %s", name), session_sha256(a->data.data, a->data.size));
}

static void take_metadata(Content *c, const McapRecord *record)
{
	g_autofree char *name = mcap_text_dup(record->metadata.name);
	if (!strcmp(name, CHAIN_METADATA))
		return;
	unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(c->seen, name)) + 1;
	g_hash_table_replace(c->seen, g_strdup(name), GUINT_TO_POINTER(n));
	note(c, g_strdup_printf("metadata %s %u", name, n),
	     session_sha256(record->raw.data, record->raw.size));
}

static gboolean read_content(Content *c, const char *path, GError **error)
{
	g_auto(McapSource) source = {0};
	g_auto(Walk) walk = {0};
	McapRecord record;
	McapNext next;
	CopyOrigin origin;
	if (!mcap_file_source(path, &source, error) || !walk_open(&walk, &source, 0, error))
		return FALSE;
	while ((next = walk_next(&walk, &record, error)) == MCAP_NEXT_RECORD) {
		if (walk.in_summary)
			continue;
		if (record.opcode == MCAP_CHANNEL)
			take_channel(c, &record.channel);
		else if (record.opcode == MCAP_MESSAGE)
			take_message(c, &record.message);
		else if (record.opcode == MCAP_ATTACHMENT)
			take_attachment(c, &record.attachment);
		else if (record.opcode == MCAP_METADATA)
			take_metadata(c, &record);
	}
	if (!copy_origin(&walk, next, &source, &origin, error))
		return FALSE;
	memcpy(c->chain, origin.chain, sizeof(c->chain));
	GHashTableIter iter;
	void *id, *stream;
	g_hash_table_iter_init(&iter, c->streams);
	while (g_hash_table_iter_next(&iter, &id, &stream))
		note(c, g_strdup_printf("messages of channel %u", GPOINTER_TO_UINT(id) - 1),
		     hex_of(stream));
	return TRUE;
}

/* What only a redaction may add. */
static bool may_be_new(const char *key)
{
	return g_str_has_prefix(key, "metadata " WITHHELD_METADATA " ") ||
	       g_str_has_prefix(key, "metadata " EDITED_METADATA " ") ||
	       (g_str_has_prefix(key, "attachment " LEAVES_PREFIX) &&
		g_str_has_suffix(key, LEAVES_SUFFIX));
}

static char *compare(const Content *redacted, const Content *original)
{
	GHashTableIter iter;
	void *key, *fact;
	g_hash_table_iter_init(&iter, original->facts);
	while (g_hash_table_iter_next(&iter, &key, &fact)) {
		const char *now = g_hash_table_lookup(redacted->facts, key);
		if (g_strcmp0(now, fact))
			return g_strdup_printf("%s: %s, and nothing says so", (char *)key,
					       now ? "differs" : "is missing");
	}
	g_hash_table_iter_init(&iter, redacted->facts);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if (!g_hash_table_contains(original->facts, key) && !may_be_new(key))
			return g_strdup_printf("%s: is not in the original", (char *)key);
	for (guint i = 0; i < original->parts->len; i++) {
		const SessionWithheld *p = original->parts->pdata[i];
		g_autofree char *hex = hex_of(&original->covered[i]);
		/* Regions of one camera are hidden in the same messages; the first has them all. */
		if (original->counts[i] != p->messages || strcmp(hex, p->sha256))
			return g_strdup_printf("%s '%s': the original has other contents than "
					       "those withheld",
					       session_withheld_kind_name(p->kind), p->name);
	}
	return NULL;
}

/* The parts of the last redaction: those that the original does not have already. */
static gboolean last_parts(const char *redacted, const char *original, GPtrArray *ret,
			   SessionReader **ret_reader, GError **error)
{
	g_autoptr(SessionReader) now = session_reader_open(redacted, error);
	g_autoptr(SessionReader) before = now ? session_reader_open(original, error) : NULL;
	if (!now || !before)
		return FALSE;
	const GPtrArray *all = session_reader_withheld(now);
	for (guint i = session_reader_withheld(before)->len; i < all->len; i++)
		g_ptr_array_add(ret, all->pdata[i]);
	*ret_reader = g_steal_pointer(&now);
	return TRUE;
}

gboolean session_redaction_check(const char *redacted, const char *original, char **ret_why,
				 GError **error)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new();
	g_autoptr(SessionReader) owner = NULL;
	g_autoptr(SessionCheck) check = session_verify(redacted, error);
	g_autofree char *sha256 = check ? session_sha256_file(original, error) : NULL;
	if (!sha256)
		return FALSE;
	*ret_why = NULL;
	if (!check->ok)
		*ret_why = g_strdup(check->problem);
	else if (!check->redacted)
		*ret_why = g_strdup("it is no redacted session");
	else if (strcmp(check->original_sha256, sha256))
		*ret_why = g_strdup("it was made from another file than this original");
	if (*ret_why || !last_parts(redacted, original, parts, &owner, error))
		return FALSE;
	g_auto(Content) now, before;
	content_init(&now, parts);
	content_init(&before, parts);
	if (!read_content(&now, redacted, error) || !read_content(&before, original, error))
		return FALSE;
	*ret_why = strcmp(before.chain, check->original_chain)
			   ? g_strdup("the original's chain is another one")
			   : compare(&now, &before);
	return *ret_why == NULL;
}
