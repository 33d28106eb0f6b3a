/* The hash chain, files written with it, and files read with it checked. */
#include "wire.h"

void chain_init(Chain *chain)
{
	static const char seed[] = "anzen.chain/1";
	*chain = (Chain){0};
	crypto_hash_sha256(chain->hash, (const uint8_t *)seed, sizeof(seed) - 1);
}

void chain_fold_leaf(Chain *chain, const uint8_t leaf[crypto_hash_sha256_BYTES])
{
	uint8_t both[2 * crypto_hash_sha256_BYTES];
	memcpy(both, chain->hash, crypto_hash_sha256_BYTES);
	memcpy(both + crypto_hash_sha256_BYTES, leaf, crypto_hash_sha256_BYTES);
	crypto_hash_sha256(chain->hash, both, sizeof(both));
	chain->records++;
}

void chain_fold(Chain *chain, const uint8_t *record, size_t size)
{
	crypto_hash_sha256(chain->leaf, record, size);
	chain_fold_leaf(chain, chain->leaf);
}

void chain_hex(const Chain *chain, char ret_hex[2 * crypto_hash_sha256_BYTES + 1])
{
	sodium_bin2hex(ret_hex, 2 * crypto_hash_sha256_BYTES + 1, chain->hash,
		       crypto_hash_sha256_BYTES);
}

const char *chain_compare(const Chain *chain, McapMap link)
{
	char hex[2 * crypto_hash_sha256_BYTES + 1], number[24];
	g_autofree char *hash = map_get(link, "hash"), *records = map_get(link, "records"),
			*n = map_get(link, "link");
	chain_hex(chain, hex);
	g_snprintf(number, sizeof(number), "%" G_GUINT64_FORMAT, chain->links + 1);
	if (g_strcmp0(n, number))
		return "a link of the hash chain is missing or moved";
	g_snprintf(number, sizeof(number), "%" G_GUINT64_FORMAT, chain->records);
	if (g_strcmp0(records, number))
		return "records were added or removed before this link of the hash chain";
	return g_strcmp0(hash, hex)
		       ? "the hash chain does not agree with the records before this link"
		       : NULL;
}

void chain_identify(Chain *chain)
{
	sodium_bin2hex(chain->session, sizeof(chain->session), chain->leaf,
		       sizeof(chain->session) / 2);
}

LinkState chain_link_state(const Chain *chain, McapMap link)
{
	char hex[2 * crypto_hash_sha256_BYTES + 1], number[24];
	g_autofree char *hash = map_get(link, "hash"), *records = map_get(link, "records"),
			*session = map_get(link, "session");
	chain_hex(chain, hex);
	g_snprintf(number, sizeof(number), "%" G_GUINT64_FORMAT, chain->records);
	if (!g_strcmp0(records, number) && !g_strcmp0(hash, hex))
		return LINK_PROVES;
	if (!session || !*chain->session)
		return LINK_UNKNOWN;
	return strcmp(session, chain->session) ? LINK_FOREIGN : LINK_GAP;
}

void chain_take_over(Chain *chain, McapMap link)
{
	g_autofree char *hash = map_get(link, "hash"), *records = map_get(link, "records"),
			*n = map_get(link, "link");
	size_t size = 0;
	uint8_t raw[crypto_hash_sha256_BYTES];
	g_autofree char *session = map_get(link, "session");
	if (!hash || !records || !n ||
	    sodium_hex2bin(raw, sizeof(raw), hash, strlen(hash), NULL, &size, NULL) ||
	    size != sizeof(raw))
		return;
	memcpy(chain->hash, raw, sizeof(raw));
	chain->records = g_ascii_strtoull(records, NULL, 10);
	chain->links = g_ascii_strtoull(n, NULL, 10) - 1; /* the walk counts this one */
	if (session)
		g_strlcpy(chain->session, session, sizeof(chain->session));
}

/* ---- writing --------------------------------------------------------------------------------- */

static gboolean hashed_write(void *self, const void *data, size_t n, GError **error)
{
	ChainedFile *file = self;
	int64_t before = clock_now(file->clock);
	if (!file->sink.write(file->sink.self, data, n, error))
		return FALSE;
	file->worst_write_ns = MAX(file->worst_write_ns, clock_now(file->clock) - before);
	crypto_hash_sha256_update(&file->whole, data, n);
	return TRUE;
}

static bool is_metadata(uint8_t opcode, const uint8_t *raw, size_t size, const char *name)
{
	McapRecord record;
	return opcode == MCAP_METADATA && mcap_record_parse(raw, size, 0, &record, NULL) &&
	       mcap_text_equal(record.metadata.name, name);
}

static void fold_written(void *self, uint8_t opcode, const uint8_t *raw, size_t size)
{
	ChainedFile *file = self;
	if (opcode == MCAP_DATA_END || is_metadata(opcode, raw, size, CHAIN_METADATA))
		return;
	chain_fold(&file->chain, raw, size);
	if (is_metadata(opcode, raw, size, SESSION_METADATA))
		chain_identify(&file->chain);
}

gboolean chained_file_open(ChainedFile *file, const McapSink *sink, Clock *clock, GError **error)
{
	/* The callers close chunks themselves, to put a link after each. */
	static const McapLane lanes[LANE_COUNT] = {
		[LANE_SIGNALS] = {.compression = MCAP_ZSTD, .level = 1, .chunk_size = SIZE_MAX},
		[LANE_FRAMES] = {.compression = MCAP_NONE, .chunk_size = SIZE_MAX}};
	McapSink hashed = {.self = file, .name = sink->name, .write = hashed_write};
	McapWriterOptions options = mcap_writer_defaults;

	*file = (ChainedFile){.sink = *sink, .clock = clock};
	chain_init(&file->chain);
	crypto_hash_sha256_init(&file->whole);
	options.profile = "anzen";
	options.lanes = lanes;
	options.n_lanes = LANE_COUNT;
	options.self_contained = true;
	options.on_record = fold_written;
	options.on_record_self = file;
	file->mcap = mcap_writer_new(&hashed, &options, error);
	return file->mcap != NULL;
}

void chained_file_clear(ChainedFile *file)
{
	g_clear_pointer(&file->mcap, mcap_writer_free);
}

gboolean chained_file_link(ChainedFile *file, GError **error)
{
	char hex[2 * crypto_hash_sha256_BYTES + 1], link[24], records[24];
	chain_hex(&file->chain, hex);
	g_snprintf(link, sizeof(link), "%" G_GUINT64_FORMAT, file->chain.links + 1);
	g_snprintf(records, sizeof(records), "%" G_GUINT64_FORMAT, file->chain.records);
	const char *session = file->chain.session;
	const char *const map[] = {
		"link",  link, "records", records, "hash", hex, *session ? "session" : NULL,
		session, NULL};
	file->chain.links++;
	return mcap_writer_metadata(file->mcap, CHAIN_METADATA, map, error);
}

gboolean chained_file_flush(ChainedFile *file, unsigned lane, GError **error)
{
	if (mcap_writer_pending(file->mcap, lane) == 0)
		return TRUE;
	return mcap_writer_flush(file->mcap, lane, error) && chained_file_link(file, error);
}

gboolean chained_file_finish(ChainedFile *file, char **ret_sha256, GError **error)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		if (!chained_file_flush(file, lane, error))
			return FALSE;
	if (!chained_file_link(file, error) || !mcap_writer_finish(file->mcap, error) ||
	    (file->sink.sync && !file->sink.sync(file->sink.self, error)))
		return FALSE;
	if (ret_sha256) {
		crypto_hash_sha256_final(&file->whole, hash);
		*ret_sha256 = g_malloc(2 * sizeof(hash) + 1);
		sodium_bin2hex(*ret_sha256, 2 * sizeof(hash) + 1, hash, sizeof(hash));
	}
	return TRUE;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The whole record at an offset; NULL: there is none. */
static uint8_t *record_at(const McapSource *source, uint64_t at, size_t *ret_size)
{
	uint8_t head[MCAP_RECORD_HEAD];
	uint64_t length;
	if (at >= source->size || source->size - at < sizeof(head) ||
	    !source->read(source->self, at, head, sizeof(head), NULL))
		return NULL;
	memcpy(&length, head + 1, sizeof(length));
	length = GUINT64_FROM_LE(length);
	if (length > source->size - at - sizeof(head))
		return NULL;
	*ret_size = sizeof(head) + (size_t)length;
	g_autofree uint8_t *raw = g_try_malloc(*ret_size);
	return raw && source->read(source->self, at, raw, *ret_size, NULL) ? g_steal_pointer(&raw)
									   : NULL;
}

/* With the record as it is said to have been, does the next link agree? A link stands behind each chunk, so that no more than
 * one chunk comes before it. */
static bool next_link_agrees(void *self, const uint8_t *raw, size_t size, uint64_t next)
{
	const Walk *walk = self;
	Chain chain = walk->chain;
	chain_fold(&chain, raw, size);
	for (unsigned chunks = raw[0] == MCAP_CHUNK; chunks <= 1;) {
		size_t n;
		McapRecord record;
		g_autofree uint8_t *follows = record_at(&walk->source, next, &n);
		if (!follows || !mcap_record_parse(follows, n, next, &record, NULL) ||
		    record.opcode == MCAP_DATA_END)
			return false;
		if (is_metadata(follows[0], follows, n, CHAIN_METADATA))
			return chain_link_state(&chain, record.metadata.metadata) == LINK_PROVES;
		chain_fold(&chain, follows, n);
		chunks += record.opcode == MCAP_CHUNK;
		next += n;
	}
	return false;
}

gboolean walk_open(Walk *walk, const McapSource *source, McapReadFlags flags, GError **error)
{
	*walk = (Walk){.source = *source, .flags = flags | MCAP_ORDER_CHUNKS};
	chain_init(&walk->chain);
	walk->reader = mcap_reader_new(source, walk->flags, NULL, error);
	if (!walk->reader)
		g_prefix_error(error, "%s: ", source->name);
	if (walk->reader && (flags & MCAP_SALVAGE))
		mcap_reader_set_witness(walk->reader, next_link_agrees, walk);
	return walk->reader != NULL;
}

void walk_clear(Walk *walk)
{
	g_clear_pointer(&walk->reader, mcap_reader_free);
}

static const char *follow_link(Walk *walk, McapMap link)
{
	const char *wrong = chain_compare(&walk->chain, link);
	walk->at_link = true;
	walk->link = chain_link_state(&walk->chain, link);
	/* The first link knows better than a damaged identity whose session this is. */
	if (walk->link == LINK_FOREIGN && walk->tolerant && walk->chain.links == 0 &&
	    mcap_reader_searched(walk->reader) == 0)
		walk->link = LINK_GAP;
	if (wrong && walk->tolerant && walk->link != LINK_FOREIGN)
		chain_take_over(&walk->chain, link);
	walk->chain.links++;
	walk->linked = walk->chain.records;
	return wrong;
}

static const char *follow(Walk *walk, const McapRecord *record)
{
	walk->records++;
	if (record->opcode == MCAP_CHUNK)
		walk->chunks++;
	if (record->opcode == MCAP_DATA_END) {
		walk->in_summary = true;
		/* A sealed session ends with a link that covers all. */
		if (walk->session && walk->chain.records != walk->linked)
			return "records after the last link of the hash chain, in a sealed file";
		return NULL;
	}
	if (record->opcode == MCAP_METADATA &&
	    mcap_text_equal(record->metadata.name, CHAIN_METADATA))
		return follow_link(walk, record->metadata.metadata);
	chain_fold(&walk->chain, record->raw.data, record->raw.size);
	if (record->opcode == MCAP_METADATA &&
	    mcap_text_equal(record->metadata.name, SESSION_METADATA)) {
		walk->session = true;
		chain_identify(&walk->chain);
	}
	return NULL;
}

McapNext walk_next(Walk *walk, McapRecord *ret, GError **error)
{
	McapNext next = mcap_reader_next(walk->reader, ret, error);
	walk->at_link = false;
	if (next != MCAP_NEXT_RECORD || ret->chunk_offset >= 0 || walk->in_summary)
		return next;
	const char *wrong = follow(walk, ret);
	if (!wrong)
		return next;
	if (walk->tolerant) {
		walk->wrong_links++;
		return next;
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT, "byte %" G_GUINT64_FORMAT ": %s",
		    ret->offset, wrong);
	return MCAP_NEXT_ERROR;
}
