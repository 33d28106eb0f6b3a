/* Reading in file order. A window of the file is kept in memory; a record longer than the window widens it, but
 * never beyond what the file really has, so a lying length costs nothing. */
#include "reader.h"

#define WINDOW (256u * 1024)
#define SECTOR ((size_t)4096)
#define DEFAULT_RECORD_SIZE (UINT64_C(1) << 30)

static void known_free(void *pointer)
{
	Known *known = pointer;
	g_free(known->raw);
	g_free(known);
}

static gboolean corrupt(GError **error, uint64_t where, const char *what)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT, "byte %" G_GUINT64_FORMAT ": %s",
		    where, what);
	return FALSE;
}

/* A sector that cannot be read costs itself, not the file: in its place stand zeros, which the CRCs then find. */
static gboolean read_around(McapReader *r, uint64_t offset, uint8_t *to, size_t want,
			    GError **error)
{
	bool any = false;
	for (size_t at = 0; at < want; at += SECTOR) {
		size_t n = MIN(SECTOR, want - at);
		bool good = r->source.read(r->source.self, offset + at, to + at, n, NULL);
		any |= good;
		if (!good)
			memset(to + at, 0, n);
	}
	if (any)
		g_clear_error(error);
	return any;
}

static gboolean read_source(McapReader *r, uint64_t offset, uint8_t *to, size_t want,
			    GError **error)
{
	GError *local = NULL;
	if (want == 0 || r->source.read(r->source.self, offset, to, want, &local))
		return TRUE;
	if ((r->flags & MCAP_SALVAGE) && read_around(r, offset, to, want, &local))
		return TRUE;
	g_propagate_error(error, local);
	return FALSE;
}

/* Make [offset, offset + n) of the file addressable; it must exist. What the window holds already is not read again. */
const uint8_t *reader_look(McapReader *r, uint64_t offset, size_t n, GError **error)
{
	uint64_t end = r->window_offset + r->window_size;
	if (offset > r->source.size || n > r->source.size - offset) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT ": the file ends here", offset);
		return NULL;
	}
	if (r->source.bytes)
		return r->source.bytes + offset;
	if (offset >= r->window_offset && offset + n <= end)
		return r->window + (offset - r->window_offset);
	size_t want = (size_t)MIN(MAX((uint64_t)n, WINDOW), r->source.size - offset);
	size_t kept = offset >= r->window_offset && offset < end ? (size_t)(end - offset) : 0;
	kept = MIN(kept, want);
	if (kept > 0)
		memmove(r->window, r->window + (offset - r->window_offset), kept);
	if (want > r->window_capacity) {
		r->window = g_realloc(r->window, want);
		r->window_capacity = want;
	}
	r->window_size = 0;
	if (!read_source(r, offset + kept, r->window + kept, want - kept, error))
		return NULL;
	r->window_offset = offset;
	r->window_size = want;
	return r->window;
}

McapReader *mcap_reader_new(const McapSource *source, McapReadFlags flags, const McapLimits *limits,
			    GError **error)
{
	g_autoptr(McapReader) r = g_new0(McapReader, 1);
	r->source = *source;
	r->flags = flags;
	if (limits)
		r->limits = *limits;
	r->schemas = g_hash_table_new_full(NULL, NULL, NULL, known_free);
	r->channels = g_hash_table_new_full(NULL, NULL, NULL, known_free);
	if (source->size < MCAP_MAGIC_SIZE) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "byte 0: too short for an MCAP file");
		return NULL;
	}
	const uint8_t *magic = reader_look(r, 0, MCAP_MAGIC_SIZE, error);
	if (!magic)
		return NULL;
	bool wrong = memcmp(magic, MCAP_MAGIC, MCAP_MAGIC_SIZE) != 0;
	if (wrong && (flags & MCAP_SALVAGE) && salvage_is_mcap(r)) {
		r->skipped = 1;
		r->first_skipped = g_strdup("byte 0: the opening magic is wrong");
	} else if (wrong) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "byte 0: no MCAP file (opening magic missing)");
		return NULL;
	}
	r->crc = mcap_crc32(0, MCAP_MAGIC, MCAP_MAGIC_SIZE);
	r->offset = MCAP_MAGIC_SIZE;
	return g_steal_pointer(&r);
}

void mcap_reader_free(McapReader *r)
{
	if (!r)
		return;
	g_free(r->window);
	chunk_opener_clear(&r->opener);
	g_hash_table_unref(r->schemas);
	g_hash_table_unref(r->channels);
	g_free(r->first_skipped);
	salvage_clear(&r->salvage);
	g_free(r);
}

uint64_t mcap_reader_offset(const McapReader *r)
{
	return r->offset;
}

bool mcap_reader_data_verified(const McapReader *r)
{
	return r->data_verified;
}

bool mcap_reader_summary_verified(const McapReader *r)
{
	return r->summary_verified;
}

unsigned mcap_reader_skipped(const McapReader *r, const char **ret_first)
{
	if (ret_first)
		*ret_first = r->first_skipped;
	return r->skipped;
}

uint64_t mcap_reader_orphans(const McapReader *r)
{
	return r->orphans;
}

unsigned mcap_reader_searched(const McapReader *r)
{
	return r->searched;
}

void mcap_reader_set_witness(McapReader *r, McapWitness witness, void *self)
{
	r->witness = witness;
	r->witness_self = self;
}

/* In salvage mode `error` is noted and cleared, and true returned: go on with the next record. */
static bool step_over(McapReader *r, GError **error, GError *local)
{
	if (!(r->flags & MCAP_SALVAGE)) {
		g_propagate_error(error, local);
		return false;
	}
	if (r->skipped++ == 0)
		r->first_skipped = g_strdup(local->message);
	g_error_free(local);
	return true;
}

static bool bytes_equal(McapBytes a, McapBytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool texts_equal(McapText a, McapText b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Not the metadata: a writer may repeat a channel with its map in another order. */
static bool same_meaning(const McapRecord *a, const McapRecord *b)
{
	if (a->opcode == MCAP_SCHEMA)
		return texts_equal(a->schema.name, b->schema.name) &&
		       texts_equal(a->schema.encoding, b->schema.encoding) &&
		       bytes_equal(a->schema.data, b->schema.data);
	return a->channel.schema_id == b->channel.schema_id &&
	       texts_equal(a->channel.topic, b->channel.topic) &&
	       texts_equal(a->channel.message_encoding, b->channel.message_encoding);
}

gboolean reader_learn(McapReader *r, const McapRecord *record, GError **error)
{
	bool schema = record->opcode == MCAP_SCHEMA;
	GHashTable *table = schema ? r->schemas : r->channels;
	unsigned id = schema ? record->schema.id : record->channel.id;
	void *key = GUINT_TO_POINTER(id);
	const Known *before = g_hash_table_lookup(table, key);

	if (before)
		return same_meaning(&before->record, record) ||
		       corrupt(error, record->offset,
			       schema ? "a schema id with a second meaning"
				      : "a channel id with a second meaning");
	/* In the summary nothing rests on it any more: some writers repeat channels there and leave out schemas that no
	 * message needed. */
	if (!schema && r->section != IN_SUMMARY && record->channel.schema_id != 0 &&
	    !g_hash_table_contains(r->schemas,
				   GUINT_TO_POINTER((unsigned)record->channel.schema_id)))
		return corrupt(error, record->offset,
			       "a channel whose schema has not come before it");
	Known *known = g_new0(Known, 1);
	known->raw = g_memdup2(record->raw.data, record->raw.size);
	gboolean parsed = mcap_record_parse(known->raw, record->raw.size, record->offset,
					    &known->record, NULL);
	g_assert(parsed);
	g_hash_table_insert(table, key, known);
	if (!schema)
		r->channel_known[id / 64] |= UINT64_C(1) << id % 64;
	return TRUE;
}

static bool knows_channel(const McapReader *r, uint16_t id)
{
	return r->channel_known[id / 64] >> id % 64 & 1;
}

static gboolean check(McapReader *r, const McapRecord *record, GError **error)
{
	if (r->salvage.probing)
		return TRUE;
	switch (record->opcode) {
	case MCAP_SCHEMA:
	case MCAP_CHANNEL:
		return reader_learn(r, record, error);
	case MCAP_MESSAGE:
		return knows_channel(r, record->message.channel_id) ||
		       corrupt(error, record->offset,
			       "a message whose channel has not come before it");
	case MCAP_ATTACHMENT: {
		const McapAttachment *a = &record->attachment;
		const uint8_t *from = record->raw.data + MCAP_RECORD_HEAD;
		bool checked = a->crc != 0 || r->witness;
		if (!(r->flags & MCAP_NO_CRC) && checked &&
		    mcap_crc32(0, from, (size_t)(a->data.data + a->data.size - from)) != a->crc)
			return corrupt(error, record->offset,
				       "an attachment whose CRC does not agree");
		return TRUE;
	}
	default:
		return TRUE;
	}
}

/* ---- inside a chunk -------------------------------------------------------------------------- */

/* The times stand outside of what the chunk's CRC covers: where that agrees, they are what is wrong. */
static gboolean in_time(McapReader *r, const McapMessage *message, GError **error)
{
	GError *local = NULL;
	if (message->log_time >= r->chunk_start && message->log_time <= r->chunk_end)
		return TRUE;
	corrupt(&local, r->chunk_file_offset, "a message outside its chunk's times");
	if (!step_over(r, error, local))
		return FALSE;
	r->chunk_start = 0;
	r->chunk_end = UINT64_MAX;
	return TRUE;
}

static gboolean may_stand_in_chunk(McapReader *r, const McapRecord *record, GError **error)
{
	switch (record->opcode) {
	case MCAP_SCHEMA:
	case MCAP_CHANNEL:
		return TRUE;
	case MCAP_MESSAGE:
		return in_time(r, &record->message, error);
	default:
		return record->opcode > MCAP_DATA_END ||
		       corrupt(error, r->chunk_file_offset,
			       "a record inside a chunk that may not be there");
	}
}

#define MESSAGE_HEAD (MCAP_RECORD_HEAD + 2 + 4 + 8 + 8)

/* What nearly all records are, and nothing is wrong with: false leaves it to the general way. */
static bool ordinary_message(McapReader *r, const uint8_t *at, size_t left, McapRecord *ret)
{
	uint64_t length;
	if (left < MESSAGE_HEAD || at[0] != MCAP_MESSAGE ||
	    (length = load_u64(at + 1)) > left - MCAP_RECORD_HEAD ||
	    length < MESSAGE_HEAD - MCAP_RECORD_HEAD)
		return false;
	size_t size = MCAP_RECORD_HEAD + (size_t)length;
	uint16_t channel = (uint16_t)(at[9] | at[10] << 8);
	uint64_t log_time = load_u64(at + 15);
	if (!knows_channel(r, channel) || log_time < r->chunk_start || log_time > r->chunk_end)
		return false;
	ret->opcode = MCAP_MESSAGE;
	ret->offset = r->chunk_file_offset;
	ret->chunk_offset = (int64_t)r->chunk_at;
	ret->raw = (McapBytes){at, size};
	ret->message = (McapMessage){
		.channel_id = channel,
		.sequence = (uint32_t)(load_u64(at + 7) >> 32),
		.log_time = log_time,
		.publish_time = load_u64(at + 23),
		.data = {at + MESSAGE_HEAD, size - MESSAGE_HEAD},
	};
	r->chunk_at += size;
	return true;
}

/* FALSE with `*ret_framed`: only this record cannot be used. */
static gboolean parse_in_chunk(McapReader *r, McapRecord *ret, bool *ret_framed, GError **error)
{
	const uint8_t *at = r->chunk.data + r->chunk_at;
	size_t left = r->chunk.size - r->chunk_at;

	*ret_framed = false;
	if (ordinary_message(r, at, left, ret))
		return TRUE;
	if (left < MCAP_RECORD_HEAD || load_u64(at + 1) > left - MCAP_RECORD_HEAD)
		return corrupt(error, r->chunk_file_offset, "a chunk's last record is cut");
	size_t size = MCAP_RECORD_HEAD + (size_t)load_u64(at + 1);
	if (!mcap_record_parse(at, size, r->chunk_file_offset, ret, error))
		return FALSE;
	ret->chunk_offset = (int64_t)r->chunk_at;
	r->chunk_at += size;
	if (!may_stand_in_chunk(r, ret, error))
		return FALSE;
	*ret_framed = true;
	return check(r, ret, error);
}

/* A message whose channel is lost is counted, and told once. */
static bool step_over_in_chunk(McapReader *r, const McapRecord *record, bool framed, GError **error,
			       GError *local)
{
	bool orphan = framed && record->opcode == MCAP_MESSAGE;
	if (!(r->flags & MCAP_SALVAGE) || !orphan || r->orphans++ == 0)
		return step_over(r, error, local);
	g_error_free(local);
	return true;
}

static gboolean open_chunk(McapReader *r, const McapRecord *record, GError **error)
{
	r->salvage.chunked = true;
	if (r->witness && record->chunk.uncompressed_crc == 0)
		return corrupt(error, record->offset, "damaged chunk: its CRC is gone");
	if (!chunk_open(&r->opener, &record->chunk, record->offset, r->flags, &r->limits, &r->chunk,
			error))
		return FALSE;
	r->chunk_at = 0;
	r->chunk_file_offset = record->offset;
	r->chunk_start = record->chunk.start_time;
	r->chunk_end = record->chunk.end_time;
	return TRUE;
}

/* ---- top level ------------------------------------------------------------------------------- */

/* What may stand where; also keeps the section and its CRC. */
static gboolean place(McapReader *r, const McapRecord *record, GError **error)
{
	bool summary = r->section == IN_SUMMARY;
	const char *wrong = NULL;

	if (r->section == IN_START) {
		if (record->opcode != MCAP_HEADER)
			return corrupt(error, record->offset, "the first record is no Header");
		r->section = IN_DATA;
	} else if (record->opcode == MCAP_HEADER) {
		wrong = "a second Header";
	}
	switch (record->opcode) {
	case MCAP_MESSAGE:
	case MCAP_CHUNK:
	case MCAP_MESSAGE_INDEX:
	case MCAP_ATTACHMENT:
	case MCAP_METADATA:
	case MCAP_DATA_END:
		wrong = summary ? "a record of the data section after DataEnd" : wrong;
		break;
	case MCAP_FOOTER:
	case MCAP_CHUNK_INDEX:
	case MCAP_ATTACHMENT_INDEX:
	case MCAP_METADATA_INDEX:
	case MCAP_STATISTICS:
	case MCAP_SUMMARY_OFFSET:
		wrong = summary ? wrong : "a record of the summary before DataEnd";
		break;
	default:
		break;
	}
	return wrong ? corrupt(error, record->offset, wrong) : TRUE;
}

static gboolean end_data(McapReader *r, const McapRecord *record, GError **error)
{
	uint32_t stored = record->data_end.data_section_crc;
	if (stored != 0 && !(r->flags & MCAP_NO_CRC)) {
		if (stored != r->crc) {
			GError *local = NULL;
			corrupt(&local, record->offset,
				"the data section's CRC does not agree with its bytes");
			/* Of a damaged part that was told already this says nothing new. */
			if (r->skipped > 0)
				g_clear_error(&local);
			else if (!step_over(r, error, local))
				return FALSE;
		} else {
			r->data_verified = true;
		}
	}
	r->section = IN_SUMMARY;
	r->summary_start = record->offset + record->raw.size;
	r->crc = 0;
	return TRUE;
}

static gboolean end_summary(McapReader *r, const McapRecord *record, GError **error)
{
	uint64_t start = record->footer.summary_start;
	if (start != 0 && start != r->summary_start)
		return corrupt(error, record->offset,
			       "the footer places the summary where it is not");
	if (start == 0 && r->summary_start != record->offset)
		return corrupt(error, record->offset,
			       "the footer knows nothing of the summary before it");
	if (record->footer.summary_offset_start > record->offset ||
	    (record->footer.summary_offset_start != 0 &&
	     record->footer.summary_offset_start < r->summary_start))
		return corrupt(error, record->offset,
			       "the footer places the summary offsets where they are not");
	if (record->footer.summary_crc != 0 && !(r->flags & MCAP_NO_CRC)) {
		/* Up to the CRC field itself, as the specification says. */
		if (mcap_crc32(r->crc, record->raw.data, MCAP_RECORD_HEAD + 16) !=
		    record->footer.summary_crc)
			return corrupt(error, record->offset,
				       "the summary's CRC does not agree with its bytes");
		r->summary_verified = true;
	}
	r->section = IN_MAGIC;
	return TRUE;
}

static McapNext truncated(McapReader *r, GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
		    "byte %" G_GUINT64_FORMAT ": the file ends here, %s (%" G_GUINT64_FORMAT
		    " bytes are left over)",
		    r->offset,
		    r->section == IN_MAGIC ? "before its closing magic" : "without a footer",
		    r->source.size - r->offset);
	return MCAP_NEXT_TRUNCATED;
}

static McapNext closing_magic(McapReader *r, GError **error)
{
	uint64_t left = r->source.size - r->offset;
	if (left < MCAP_MAGIC_SIZE)
		return truncated(r, error);
	const uint8_t *magic = reader_look(r, r->offset, MCAP_MAGIC_SIZE, error);
	if (!magic)
		return MCAP_NEXT_ERROR;
	if (memcmp(magic, MCAP_MAGIC, MCAP_MAGIC_SIZE) || left > MCAP_MAGIC_SIZE) {
		corrupt(error, r->offset,
			left > MCAP_MAGIC_SIZE ? "bytes after the end"
					       : "the closing magic is wrong");
		return MCAP_NEXT_ERROR;
	}
	r->offset += MCAP_MAGIC_SIZE;
	r->section = IN_END;
	return MCAP_NEXT_END;
}

/* A damaged record: what of it can be repaired is given out, else it is stepped over. */
static McapNext salvaged(McapReader *r, uint64_t size, McapNext otherwise, McapRecord *ret,
			 bool *ret_skip, GError **error, GError *local)
{
	uint64_t where = r->offset, next = where + size, repaired = 0;
	bool data = r->section == IN_START || r->section == IN_DATA;
	bool whole = data && salvage_repair(r, where, ret, &repaired);
	if (whole)
		next = where + repaired;
	else if (data ? !salvage_after(r, where, size, &next) : size == 0) {
		g_propagate_error(error, local);
		return otherwise;
	}
	step_over(r, NULL, local);
	if (!whole)
		salvage_gather(r, next);
	if (data)
		r->section = IN_DATA;
	if (whole && ret->opcode == MCAP_CHUNK && !(r->flags & MCAP_NO_EXPAND))
		open_chunk(r, ret, NULL);
	r->offset = next;
	*ret_skip = !whole;
	return MCAP_NEXT_RECORD;
}

/* The record's length as stored, when there can be such a record. */
static McapNext framing(McapReader *r, uint64_t *ret_size, GError **error)
{
	uint64_t left = r->source.size - r->offset;
	if (left < MCAP_RECORD_HEAD)
		return truncated(r, error);
	const uint8_t *head = reader_look(r, r->offset, MCAP_RECORD_HEAD, error);
	if (!head)
		return MCAP_NEXT_ERROR;
	uint64_t length = load_u64(head + 1);
	if (head[0] == 0) {
		corrupt(error, r->offset, "opcode 0, which no record has");
		return MCAP_NEXT_ERROR;
	}
	if (length > left - MCAP_RECORD_HEAD)
		return truncated(r, error);
	if (length > (r->limits.record_size ? r->limits.record_size : DEFAULT_RECORD_SIZE)) {
		corrupt(error, r->offset, "a record longer than the reader's cap");
		return MCAP_NEXT_ERROR;
	}
	*ret_size = MCAP_RECORD_HEAD + length;
	return MCAP_NEXT_RECORD;
}

/* An opcode that nobody knows may be one that was hit. */
static gboolean opcode_is_good(McapReader *r, const McapRecord *record, GError **error)
{
	McapRecord inner;
	uint64_t size;
	return r->section == IN_SUMMARY || record->opcode <= MCAP_DATA_END ||
	       !salvage_repair(r, record->offset, &inner, &size) ||
	       corrupt(error, record->offset, "a record with a wrong opcode");
}

/* Bytes behind the known fields are allowed; records are not: then the length was hit, and the record ends with its fields. */
static bool length_was_hit(McapReader *r, const McapRecord *record, size_t used)
{
	return r->section != IN_SUMMARY && record->opcode <= MCAP_DATA_END &&
	       used < record->raw.size && salvage_record_at(r, record->offset + used);
}

/* What stands behind a record whose length was hit is read as well. */
static void shorten(McapReader *r, size_t used, size_t *ret_size)
{
	GError *local = NULL;
	corrupt(&local, r->offset, "a record with a wrong length");
	step_over(r, NULL, local);
	*ret_size = used;
}

/* *ret_size: as stored; what it really takes on return. */
static gboolean take_whole(McapReader *r, const uint8_t *raw, size_t *ret_size, McapRecord *ret,
			   GError **error)
{
	size_t used, size = *ret_size;
	bool hit = false;
	if (!record_parse_used(raw, size, r->offset, ret, &used, error))
		return FALSE;
	if ((r->flags & MCAP_SALVAGE) && !opcode_is_good(r, ret, error))
		return FALSE;
	if (r->flags & MCAP_SALVAGE)
		hit = length_was_hit(r, ret, used);
	/* The search for what is suspect may have moved the window. */
	if ((r->flags & MCAP_SALVAGE) &&
	    (!(raw = reader_look(r, r->offset, size, error)) ||
	     !record_parse_used(raw, size, r->offset, ret, &used, error)))
		return FALSE;
	if (!place(r, ret, error) || !check(r, ret, error))
		return FALSE;
	if (hit)
		shorten(r, used, ret_size);
	if (ret->opcode == MCAP_DATA_END)
		return end_data(r, ret, error);
	if (ret->opcode == MCAP_FOOTER)
		return end_summary(r, ret, error);
	if (!(r->flags & MCAP_NO_CRC))
		r->crc = mcap_crc32(r->crc, raw, size);
	return ret->opcode != MCAP_CHUNK || (r->flags & MCAP_NO_EXPAND) ||
	       open_chunk(r, ret, error);
}

/* One top-level record, checked. `*ret_skip`: it was damaged and stepped over. */
static McapNext top_level(McapReader *r, McapRecord *ret, bool *ret_skip, GError **error)
{
	GError *local = NULL;
	uint64_t size = 0;
	*ret_skip = false;
	McapNext step = framing(r, &size, &local);
	if (step == MCAP_NEXT_RECORD) {
		const uint8_t *raw = reader_look(r, r->offset, (size_t)size, &local);
		size_t taken = (size_t)size;
		if (raw && take_whole(r, raw, &taken, ret, &local)) {
			r->offset += taken;
			return MCAP_NEXT_RECORD;
		}
		step = MCAP_NEXT_ERROR;
	}
	if (r->flags & MCAP_SALVAGE)
		return salvaged(r, size, step, ret, ret_skip, error, local);
	g_propagate_error(error, local);
	return step;
}

static McapNext next(McapReader *r, McapRecord *ret, GError **error)
{
	for (;;) {
		if (r->salvage.gathered && salvage_next(r, ret))
			return MCAP_NEXT_RECORD;
		if (r->chunk_at < r->chunk.size) {
			GError *local = NULL;
			bool framed;
			if (parse_in_chunk(r, ret, &framed, &local))
				return MCAP_NEXT_RECORD;
			if (!step_over_in_chunk(r, ret, framed, error, local))
				return MCAP_NEXT_ERROR;
			/* Its framing may be wrong from here: leave the rest of this chunk. */
			if (!framed)
				r->chunk_at = r->chunk.size;
			continue;
		}
		r->chunk = (McapBytes){0};
		r->chunk_at = 0;
		if (r->section == IN_MAGIC)
			return closing_magic(r, error);
		bool skip;
		McapNext step = top_level(r, ret, &skip, error);
		if (step != MCAP_NEXT_RECORD)
			return step;
		bool hidden = !skip && ret->opcode == MCAP_CHUNK &&
			      !(r->flags & (MCAP_ORDER_CHUNKS | MCAP_NO_EXPAND));
		if (!skip && !hidden)
			return MCAP_NEXT_RECORD;
	}
}

McapNext mcap_reader_next(McapReader *r, McapRecord *ret, GError **error)
{
	if (r->section == IN_END)
		return MCAP_NEXT_END;
	if (r->section == IN_ERROR) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT, "%s: already failed",
			    r->source.name);
		return MCAP_NEXT_ERROR;
	}
	McapNext step = next(r, ret, error);
	if (step == MCAP_NEXT_ERROR || step == MCAP_NEXT_TRUNCATED) {
		g_prefix_error(error, "%s: ", r->source.name);
		r->section = IN_ERROR;
	}
	return step;
}
