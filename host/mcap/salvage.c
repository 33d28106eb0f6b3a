/* What a damaged file still holds: where to go on after a damaged record, what stands in it when only its opcode or its
 * length is wrong, and the schemas and channels that stood in what is lost.
 *
 * A whole summary says where everything stands. Without one the bytes are searched for the next chunk or attachment whose
 * CRC agrees, or metadata with a record after it. Nothing is taken out of a chunk or an attachment whose CRC does not
 * agree, unless a witness knows that only the CRC was hit, and the search steps over files that are attached: their
 * chunks are whole, but of another recording. */
#include "reader.h"

/* Fields before a chunk's records or an attachment's data are short; metadata are not, but have an end. */
#define FIELDS ((uint64_t)1 << 20)

static uint64_t left_at(const McapReader *r, uint64_t at)
{
	return at < r->source.size ? r->source.size - at : 0;
}

/* Does a record begin here, or the file end as it should? */
static bool plausible(McapReader *r, uint64_t at)
{
	uint64_t left = left_at(r, at);
	const uint8_t *head;
	if (left == MCAP_MAGIC_SIZE)
		return (head = reader_look(r, at, MCAP_MAGIC_SIZE, NULL)) != NULL &&
		       memcmp(head, MCAP_MAGIC, MCAP_MAGIC_SIZE) == 0;
	return left >= MCAP_RECORD_HEAD &&
	       (head = reader_look(r, at, MCAP_RECORD_HEAD, NULL)) != NULL && head[0] != 0 &&
	       head[0] <= MCAP_DATA_END && load_u64(head + 1) <= left - MCAP_RECORD_HEAD;
}

bool salvage_record_at(McapReader *r, uint64_t at)
{
	McapRecord record;
	size_t used;
	if (left_at(r, at) <= MCAP_MAGIC_SIZE || !plausible(r, at))
		return false;
	uint64_t size = MCAP_RECORD_HEAD + load_u64(reader_look(r, at, MCAP_RECORD_HEAD, NULL) + 1);
	const uint8_t *raw = reader_look(r, at, (size_t)size, NULL);
	return raw && record_parse_used(raw, (size_t)size, at, &record, &used, NULL) &&
	       used == size;
}

bool salvage_is_mcap(McapReader *r)
{
	const uint8_t *p;
	uint64_t size = r->source.size;
	bool header = size > MCAP_MAGIC_SIZE + MCAP_RECORD_HEAD &&
		      (p = reader_look(r, MCAP_MAGIC_SIZE, 1, NULL)) != NULL && *p == MCAP_HEADER &&
		      salvage_record_at(r, MCAP_MAGIC_SIZE);
	return header ||
	       (size >= 2 * MCAP_MAGIC_SIZE &&
		(p = reader_look(r, size - MCAP_MAGIC_SIZE, MCAP_MAGIC_SIZE, NULL)) != NULL &&
		memcmp(p, MCAP_MAGIC, MCAP_MAGIC_SIZE) == 0);
}

/* ---- a record whose opcode or length is wrong ------------------------------------------------ */

/* The whole record's size by its fields, as if it were an `opcode`; 0: they do not fit in. */
static uint64_t size_by_fields(McapReader *r, uint64_t where, uint8_t opcode)
{
	uint64_t left = left_at(r, where), n = MIN(left, FIELDS), size = 0;
	const uint8_t *raw =
		left > MCAP_RECORD_HEAD ? reader_look(r, where, (size_t)n, NULL) : NULL;
	if (!raw)
		return 0;
	Cursor c = {raw + MCAP_RECORD_HEAD, raw + n, false};
	cursor_bytes(&c, opcode == MCAP_CHUNK ? 28 : opcode == MCAP_ATTACHMENT ? 16 : 0);
	cursor_text(&c);
	if (opcode == MCAP_ATTACHMENT)
		cursor_text(&c);
	size = opcode == MCAP_METADATA ? cursor_u32(&c) : cursor_u64(&c);
	uint64_t fields = (uint64_t)(c.at - raw), more = opcode == MCAP_ATTACHMENT ? 4 : 0;
	return c.bad || size > left || fields + size + more > left ? 0 : fields + size + more;
}

static bool texts_equal(McapText a, McapText b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool attachment_whole(const McapRecord *record)
{
	const McapAttachment *a = &record->attachment;
	const uint8_t *from = record->raw.data + MCAP_RECORD_HEAD;
	return a->crc != 0 &&
	       mcap_crc32(0, from, (size_t)(a->data.data + a->data.size - from)) == a->crc;
}

/* The CRC decides. Where it agrees, what the chunk says of its bytes may be what is wrong. */
static bool chunk_whole(McapReader *r, McapChunk *chunk)
{
	static const char *const names[] = {"", "lz4", "zstd"};
	if (chunk->uncompressed_crc == 0)
		return false;
	const McapChunk as_stored = *chunk;
	for (size_t i = 0; i <= G_N_ELEMENTS(names); i++) {
		if (i > 0) {
			chunk->compression = (McapText){names[i - 1], strlen(names[i - 1])};
			chunk->uncompressed_size = chunk_content_size(chunk);
		}
		bool other = chunk->uncompressed_size != as_stored.uncompressed_size ||
			     !texts_equal(chunk->compression, as_stored.compression);
		g_autoptr(GByteArray) bytes =
			i == 0 || other ? mcap_chunk_open(chunk, 0, r->flags, &r->limits, NULL)
					: NULL;
		if (bytes)
			return true;
		*chunk = as_stored;
	}
	return false;
}

/* The CRC that `copy`, which parsed to `record`, would have had; false: its bytes cannot be opened. */
static bool mend_crc(McapReader *r, uint8_t *copy, const McapRecord *record)
{
	const McapAttachment *a = &record->attachment;
	const uint8_t *from = copy + MCAP_RECORD_HEAD;
	size_t at = MCAP_RECORD_HEAD + 3 * 8; /* behind two times and a size */
	uint32_t crc;
	if (record->opcode == MCAP_CHUNK) {
		g_autoptr(GByteArray) bytes = mcap_chunk_open(
			&record->chunk, 0, r->flags | MCAP_NO_CRC, &r->limits, NULL);
		if (!bytes)
			return false;
		crc = mcap_crc32(0, bytes->data, bytes->len);
	} else {
		at = (size_t)(a->data.data + a->data.size - copy);
		crc = mcap_crc32(0, from, at - MCAP_RECORD_HEAD);
	}
	crc = GUINT32_TO_LE(crc);
	memcpy(copy + at, &crc, sizeof(crc));
	return true;
}

/* Only the CRC was hit: whoever has more than CRCs to show what was written says so. */
static bool repair_crc(McapReader *r, uint64_t where, McapRecord *ret, uint64_t *ret_size)
{
	const uint8_t *raw = reader_look(r, where, 1, NULL);
	uint8_t opcode = raw ? *raw : 0;
	if (!r->witness || (opcode != MCAP_CHUNK && opcode != MCAP_ATTACHMENT))
		return false;
	uint64_t size = size_by_fields(r, where, opcode);
	raw = size > 0 ? reader_look(r, where, (size_t)size, NULL) : NULL;
	if (!raw || load_u64(raw + 1) != size - MCAP_RECORD_HEAD)
		return false;
	g_autofree uint8_t *copy = g_memdup2(raw, (size_t)size);
	McapRecord record;
	if (!mcap_record_parse(copy, (size_t)size, where, &record, NULL) ||
	    !mend_crc(r, copy, &record) ||
	    !r->witness(r->witness_self, copy, (size_t)size, where + size) ||
	    !mcap_record_parse(copy, (size_t)size, where, &record, NULL))
		return false;
	g_free(r->salvage.repaired);
	r->salvage.repaired = g_steal_pointer(&copy);
	*ret = record;
	*ret_size = size;
	return true;
}

static bool repair_as(McapReader *r, uint64_t where, uint8_t opcode, McapRecord *ret,
		      uint64_t *ret_size)
{
	uint64_t size = size_by_fields(r, where, opcode), length;
	const uint8_t *raw = size > 0 ? reader_look(r, where, (size_t)size, NULL) : NULL;
	if (!raw)
		return false;
	g_autofree uint8_t *copy = g_memdup2(raw, (size_t)size);
	length = GUINT64_TO_LE(size - MCAP_RECORD_HEAD);
	copy[0] = opcode;
	memcpy(copy + 1, &length, sizeof(length));
	McapRecord record;
	if (!mcap_record_parse(copy, (size_t)size, where, &record, NULL))
		return false;
	if (opcode == MCAP_CHUNK        ? !chunk_whole(r, &record.chunk)
	    : opcode == MCAP_ATTACHMENT ? !attachment_whole(&record)
					: !plausible(r, where + size))
		return false;
	g_free(r->salvage.repaired);
	r->salvage.repaired = g_steal_pointer(&copy);
	*ret = record;
	*ret_size = size;
	return true;
}

bool salvage_repair(McapReader *r, uint64_t where, McapRecord *ret, uint64_t *ret_size)
{
	const uint8_t *head = reader_look(r, where, 1, NULL);
	bool metadata = head && *head == MCAP_METADATA;
	return (metadata && repair_as(r, where, MCAP_METADATA, ret, ret_size)) ||
	       repair_as(r, where, MCAP_CHUNK, ret, ret_size) ||
	       repair_as(r, where, MCAP_ATTACHMENT, ret, ret_size) ||
	       repair_crc(r, where, ret, ret_size);
}

/* ---- the summary ----------------------------------------------------------------------------- */

static int by_offset(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void declare(Salvage *s, const McapRecord *record)
{
	g_ptr_array_add(s->declared, g_bytes_new(record->raw.data, record->raw.size));
}

static void take_places(Salvage *s, const McapIndex *summary)
{
	static const McapOpcode kinds[] = {MCAP_CHUNK_INDEX, MCAP_ATTACHMENT_INDEX,
					   MCAP_METADATA_INDEX};
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
		for (size_t i = 0; i < mcap_index_count(summary, kinds[k]); i++) {
			const McapRecord *e = mcap_index_get(summary, kinds[k], i);
			uint64_t at = kinds[k] == MCAP_CHUNK_INDEX ? e->chunk_index.chunk_offset
				      : kinds[k] == MCAP_METADATA_INDEX
					      ? e->metadata_index.offset
					      : e->attachment_index.offset;
			g_array_append_val(s->anchors, at);
		}
}

static void take_declarations(Salvage *s, const McapIndex *summary)
{
	static const McapOpcode kinds[] = {MCAP_SCHEMA, MCAP_CHANNEL};
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
		for (size_t i = 0; i < mcap_index_count(summary, kinds[k]); i++)
			declare(s, mcap_index_get(summary, kinds[k], i));
}

/* Messages beside chunks stand in no index: such a file is searched. */
static void ask_summary(McapReader *r)
{
	Salvage *s = &r->salvage;
	if (s->asked)
		return;
	s->asked = true;
	s->anchors = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	s->declared = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	uint64_t start = 0;
	g_autoptr(McapIndex) summary =
		s->probing ? NULL : index_of_summary(&r->source, &r->limits, &start);
	if (!summary)
		return;
	take_declarations(s, summary);
	if (mcap_index_count(summary, MCAP_CHUNK_INDEX) == 0)
		return;
	s->chunked = true;
	take_places(s, summary);
	start -= MCAP_RECORD_HEAD + 4; /* DataEnd */
	g_array_append_val(s->anchors, start);
	qsort(s->anchors->data, s->anchors->len, sizeof(uint64_t), by_offset);
}

/* ---- the search ------------------------------------------------------------------------------ */

/* Behind a file that is attached, so that none of it is taken for ours; the end when it has no end. */
static uint64_t behind_attached(McapReader *r, uint64_t at)
{
	for (at += MCAP_MAGIC_SIZE; left_at(r, at) >= MCAP_MAGIC_SIZE; at++) {
		const uint8_t *p = reader_look(r, at, MCAP_MAGIC_SIZE, NULL);
		if (!p)
			return r->source.size;
		if (p[0] == (uint8_t)MCAP_MAGIC[0] && memcmp(p, MCAP_MAGIC, MCAP_MAGIC_SIZE) == 0)
			return at + MCAP_MAGIC_SIZE;
	}
	return r->source.size;
}

static bool known(const McapReader *r, uint16_t channel)
{
	return g_hash_table_contains(r->channels, GUINT_TO_POINTER((unsigned)channel));
}

/* A record is taken as one only when nothing else can look like it. */
static bool stands_at(McapReader *r, uint64_t at, uint8_t opcode, uint64_t length)
{
	McapRecord record;
	uint64_t size = MCAP_RECORD_HEAD + length;
	const uint8_t *raw;
	switch (opcode) {
	case MCAP_CHUNK:
	case MCAP_ATTACHMENT:
	case MCAP_METADATA:
		return size_by_fields(r, at, opcode) == size &&
		       repair_as(r, at, opcode, &record, &size);
	case MCAP_DATA_END:
		return length == 4 && plausible(r, at + size);
	case MCAP_MESSAGE:
		return !r->salvage.chunked && length >= 22 && plausible(r, at + size) &&
		       (raw = reader_look(r, at, (size_t)size, NULL)) != NULL &&
		       mcap_record_parse(raw, (size_t)size, at, &record, NULL) &&
		       known(r, record.message.channel_id);
	default:
		return false;
	}
}

static bool search(McapReader *r, uint64_t at, uint64_t *ret)
{
	for (; left_at(r, at) >= MCAP_RECORD_HEAD; at++) {
		const uint8_t *head = reader_look(r, at, MCAP_RECORD_HEAD, NULL);
		if (!head)
			return false;
		if (head[0] == (uint8_t)MCAP_MAGIC[0] &&
		    memcmp(head, MCAP_MAGIC, MCAP_MAGIC_SIZE) == 0) {
			at = behind_attached(r, at) - 1;
			continue;
		}
		uint64_t length = load_u64(head + 1);
		if (head[0] == 0 || head[0] > MCAP_DATA_END ||
		    length > left_at(r, at) - MCAP_RECORD_HEAD)
			continue;
		if (stands_at(r, at, head[0], length)) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static bool find(McapReader *r, uint64_t from, uint64_t *ret)
{
	ask_summary(r);
	const GArray *anchors = r->salvage.anchors;
	for (guint i = 0; i < anchors->len; i++)
		if (g_array_index(anchors, uint64_t, i) >= from) {
			*ret = g_array_index(anchors, uint64_t, i);
			return true;
		}
	if (anchors->len > 0 || !search(r, from, ret))
		return false;
	r->searched++;
	return true;
}

bool salvage_after(McapReader *r, uint64_t where, uint64_t size, uint64_t *ret)
{
	ask_summary(r);
	bool listed = r->salvage.anchors->len > 0;
	uint64_t next = 0;
	if (listed && (!find(r, where + 1, &next) ||
		       (size > 0 && where + size <= next && plausible(r, where + size))))
		listed = false;
	if (listed) {
		*ret = next;
		return true;
	}
	if (size > 0 && plausible(r, where + size)) {
		*ret = where + size;
		return true;
	}
	return find(r, where + 1, ret);
}

/* ---- declarations ---------------------------------------------------------------------------- */

/* Those that a later part of the file repeats or makes. */
static void probe(McapReader *r, uint64_t where)
{
	g_autoptr(McapReader) later =
		mcap_reader_new(&r->source, MCAP_SALVAGE | MCAP_NO_CRC * !!(r->flags & MCAP_NO_CRC),
				&r->limits, NULL);
	McapRecord record;
	if (!later)
		return;
	later->salvage.probing = true;
	later->salvage.chunked = r->salvage.chunked;
	later->section = IN_DATA;
	later->offset = where;
	while (mcap_reader_next(later, &record, NULL) == MCAP_NEXT_RECORD)
		if ((record.opcode == MCAP_SCHEMA || record.opcode == MCAP_CHANNEL) &&
		    later->section == IN_DATA)
			declare(&r->salvage, &record);
}

void salvage_gather(McapReader *r, uint64_t where)
{
	ask_summary(r);
	if (r->salvage.gathered || r->salvage.probing)
		return;
	r->salvage.gathered = true;
	if (r->salvage.declared->len == 0)
		probe(r, where);
}

bool salvage_next(McapReader *r, McapRecord *ret)
{
	Salvage *s = &r->salvage;
	while (s->gathered && s->given < s->declared->len) {
		gsize size;
		const uint8_t *raw = g_bytes_get_data(s->declared->pdata[s->given++], &size);
		if (!mcap_record_parse(raw, size, r->offset, ret, NULL))
			continue;
		bool schema = ret->opcode == MCAP_SCHEMA;
		unsigned id = schema ? ret->schema.id : ret->channel.id;
		if (g_hash_table_contains(schema ? r->schemas : r->channels,
					  GUINT_TO_POINTER(id)) ||
		    !reader_learn(r, ret, NULL))
			continue;
		ret->chunk_offset = 0; /* as if it stood in what is lost */
		return true;
	}
	return false;
}

void salvage_clear(Salvage *s)
{
	g_clear_pointer(&s->anchors, g_array_unref);
	g_clear_pointer(&s->declared, g_ptr_array_unref);
	g_clear_pointer(&s->repaired, g_free);
}
