/* Reading through the summary: what the file holds, and its messages in time order.
 *
 * The summary is believed only when it is complete: its CRC agrees, the statistics count as many chunks, schemas
 * and channels as it lists, and what it lists fills the data section, so that no message stands outside a chunk
 * unlisted. Otherwise one scan of the data section makes the same lists. */
#include "wire.h"

#define FOOTER_SIZE (MCAP_RECORD_HEAD + 20)

typedef struct {
	McapRecord record;
	uint8_t *raw; /* owned; NULL for a chunk that was found by the scan */
} Entry;

typedef struct {
	uint64_t log_time, at; /* place in the chunk, or in the file */
	size_t size;
} Place;

struct McapIndex {
	McapSource source;
	McapLimits limits;
	GPtrArray *lists[MCAP_DATA_END + 1]; /* Entry*, by opcode */
	GArray *loose;   /* Place: messages outside chunks, by time and offset */
	uint8_t *buffer; /* of mcap_index_read */
};

static void entry_free(void *pointer)
{
	Entry *entry = pointer;
	g_free(entry->raw);
	g_free(entry);
}

static uint16_t id_of(const McapRecord *record)
{
	return record->opcode == MCAP_SCHEMA ? record->schema.id : record->channel.id;
}

const McapRecord *mcap_index_by_id(const McapIndex *index, McapOpcode opcode, uint16_t id)
{
	for (size_t i = 0; i < mcap_index_count(index, opcode); i++) {
		const McapRecord *record = mcap_index_get(index, opcode, i);
		if (id_of(record) == id)
			return record;
	}
	return NULL;
}

/* Copies. A schema or channel that is already listed is left out. */
static void list(McapIndex *index, const McapRecord *record)
{
	if (record->opcode > MCAP_DATA_END)
		return;
	if ((record->opcode == MCAP_SCHEMA || record->opcode == MCAP_CHANNEL) &&
	    mcap_index_by_id(index, (McapOpcode)record->opcode, id_of(record)))
		return;
	Entry *entry = g_new0(Entry, 1);
	entry->raw = g_memdup2(record->raw.data, record->raw.size);
	gboolean parsed = mcap_record_parse(entry->raw, record->raw.size, record->offset,
					    &entry->record, NULL);
	g_assert(parsed);
	g_ptr_array_add(index->lists[record->opcode], entry);
}

size_t mcap_index_count(const McapIndex *index, McapOpcode opcode)
{
	return index->lists[opcode]->len;
}

const McapRecord *mcap_index_get(const McapIndex *index, McapOpcode opcode, size_t i)
{
	return &((const Entry *)index->lists[opcode]->pdata[i])->record;
}

static gboolean read_exactly(McapIndex *index, uint64_t offset, uint64_t n, uint8_t **ret,
			     GError **error)
{
	if (offset > index->source.size || n > index->source.size - offset) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "%s: byte %" G_GUINT64_FORMAT
			    ": an index points past the end of the file",
			    index->source.name, offset);
		return FALSE;
	}
	uint8_t *data = g_malloc((size_t)n + 1);
	if (!index->source.read(index->source.self, offset, data, (size_t)n, error)) {
		g_free(data);
		return FALSE;
	}
	*ret = data;
	return TRUE;
}

/* ---- the summary ----------------------------------------------------------------------------- */

/* Where the footer of an ordinary file stands; FALSE when it does not (cut, or a longer footer). */
static gboolean find_footer(McapIndex *index, McapRecord *ret_footer, uint8_t raw[FOOTER_SIZE])
{
	uint8_t magic[MCAP_MAGIC_SIZE];
	uint64_t size = index->source.size;
	if (size < 2 * MCAP_MAGIC_SIZE + FOOTER_SIZE)
		return FALSE;
	uint64_t at = size - MCAP_MAGIC_SIZE - FOOTER_SIZE;
	return index->source.read(index->source.self, at, raw, FOOTER_SIZE, NULL) &&
	       index->source.read(index->source.self, size - MCAP_MAGIC_SIZE, magic,
				  MCAP_MAGIC_SIZE, NULL) &&
	       memcmp(magic, MCAP_MAGIC, MCAP_MAGIC_SIZE) == 0 && raw[0] == MCAP_FOOTER &&
	       mcap_record_parse(raw, FOOTER_SIZE, at, ret_footer, NULL);
}

/* TRUE when the bytes were a whole summary; the lists are filled. */
static gboolean take_summary(McapIndex *index, const McapRecord *footer, const uint8_t *data,
			     uint64_t size)
{
	uint64_t start = footer->footer.summary_start, at = 0;
	uint32_t crc = mcap_crc32(mcap_crc32(0, data, (size_t)size), footer->raw.data,
				  MCAP_RECORD_HEAD + 16);
	if (footer->footer.summary_crc != 0 && footer->footer.summary_crc != crc)
		return FALSE;
	while (at < size) {
		McapRecord record;
		if (size - at < MCAP_RECORD_HEAD ||
		    load_u64(data + at + 1) > size - at - MCAP_RECORD_HEAD)
			return FALSE;
		size_t n = MCAP_RECORD_HEAD + (size_t)load_u64(data + at + 1);
		if (!mcap_record_parse(data + at, n, start + at, &record, NULL))
			return FALSE;
		list(index, &record);
		at += n;
	}
	return TRUE;
}

static bool summary_complete(const McapIndex *index)
{
	if (mcap_index_count(index, MCAP_STATISTICS) != 1)
		return false;
	const McapStatistics *s = &mcap_index_get(index, MCAP_STATISTICS, 0)->statistics;
	return s->chunk_count == mcap_index_count(index, MCAP_CHUNK_INDEX) &&
	       s->schema_count == mcap_index_count(index, MCAP_SCHEMA) &&
	       s->channel_count == mcap_index_count(index, MCAP_CHANNEL) &&
	       s->attachment_count == mcap_index_count(index, MCAP_ATTACHMENT_INDEX) &&
	       s->metadata_count == mcap_index_count(index, MCAP_METADATA_INDEX) &&
	       (s->message_count == 0 || s->chunk_count > 0);
}

#define DATA_END_SIZE (MCAP_RECORD_HEAD + 4)

/* Whether Header, chunks with their message indexes, attachments, metadata and DataEnd are all that stands before the
 * summary. Counted in bytes: messages may stand beside chunks, and the statistics do not tell them apart. Sums may
 * wrap in a file that lies; then they do not fit. */
static bool data_section_covered(McapIndex *index, uint64_t summary_start)
{
	uint8_t head[MCAP_RECORD_HEAD];
	if (!index->source.read(index->source.self, MCAP_MAGIC_SIZE, head, sizeof(head), NULL))
		return false;
	uint64_t sum = MCAP_MAGIC_SIZE + MCAP_RECORD_HEAD + load_u64(head + 1) + DATA_END_SIZE;
	for (size_t i = 0; i < mcap_index_count(index, MCAP_CHUNK_INDEX); i++) {
		const McapChunkIndex *c = &mcap_index_get(index, MCAP_CHUNK_INDEX, i)->chunk_index;
		sum += c->chunk_length + c->message_index_length;
	}
	for (size_t i = 0; i < mcap_index_count(index, MCAP_ATTACHMENT_INDEX); i++)
		sum += mcap_index_get(index, MCAP_ATTACHMENT_INDEX, i)->attachment_index.length;
	for (size_t i = 0; i < mcap_index_count(index, MCAP_METADATA_INDEX); i++)
		sum += mcap_index_get(index, MCAP_METADATA_INDEX, i)->metadata_index.length;
	return sum == summary_start;
}

static gboolean load_summary(McapIndex *index, uint64_t *ret_start)
{
	uint8_t raw[FOOTER_SIZE];
	McapRecord footer;
	if (!find_footer(index, &footer, raw) || footer.footer.summary_start == 0 ||
	    footer.footer.summary_start > footer.offset)
		return FALSE;
	g_autofree uint8_t *data = NULL;
	uint64_t size = footer.offset - footer.footer.summary_start;
	*ret_start = footer.footer.summary_start;
	return read_exactly(index, footer.footer.summary_start, size, &data, NULL) &&
	       take_summary(index, &footer, data, size);
}

static gboolean read_summary(McapIndex *index)
{
	uint64_t start;
	return load_summary(index, &start) && summary_complete(index) &&
	       data_section_covered(index, start);
}

/* ---- the scan -------------------------------------------------------------------------------- */

static void list_chunk(McapIndex *index, const McapRecord *record)
{
	Entry *entry = g_new0(Entry, 1);
	entry->record = (McapRecord){
		.opcode = MCAP_CHUNK_INDEX, .offset = record->offset, .chunk_offset = -1};
	entry->record.chunk_index =
		(McapChunkIndex){.start_time = record->chunk.start_time,
				 .end_time = record->chunk.end_time,
				 .chunk_offset = record->offset,
				 .chunk_length = record->raw.size,
				 .compressed_size = record->chunk.records.size,
				 .uncompressed_size = record->chunk.uncompressed_size};
	g_ptr_array_add(index->lists[MCAP_CHUNK_INDEX], entry);
}

static void list_attachment(McapIndex *index, const McapRecord *record)
{
	const McapAttachment *a = &record->attachment;
	g_auto(Buffer) b = {0};
	size_t opened = record_open(&b, MCAP_ATTACHMENT_INDEX);
	put_u64(&b, record->offset);
	put_u64(&b, record->raw.size);
	put_u64(&b, a->log_time);
	put_u64(&b, a->create_time);
	put_u64(&b, a->data.size);
	put_u32(&b, (uint32_t)a->name.size);
	put_bytes(&b, a->name.data, a->name.size);
	put_u32(&b, (uint32_t)a->media_type.size);
	put_bytes(&b, a->media_type.data, a->media_type.size);
	record_close(&b, opened);
	McapRecord made;
	if (mcap_record_parse(b.data, b.size, record->offset, &made, NULL))
		list(index, &made);
}

static void list_metadata(McapIndex *index, const McapRecord *record)
{
	g_auto(Buffer) b = {0};
	size_t opened = record_open(&b, MCAP_METADATA_INDEX);
	put_u64(&b, record->offset);
	put_u64(&b, record->raw.size);
	put_u32(&b, (uint32_t)record->metadata.name.size);
	put_bytes(&b, record->metadata.name.data, record->metadata.name.size);
	record_close(&b, opened);
	McapRecord made;
	if (mcap_record_parse(b.data, b.size, record->offset, &made, NULL))
		list(index, &made);
}

static void scanned(McapIndex *index, const McapRecord *record)
{
	switch (record->opcode) {
	case MCAP_SCHEMA:
	case MCAP_CHANNEL:
	case MCAP_STATISTICS:
		list(index, record);
		break;
	case MCAP_CHUNK:
		list_chunk(index, record);
		break;
	case MCAP_ATTACHMENT:
		list_attachment(index, record);
		break;
	case MCAP_METADATA:
		list_metadata(index, record);
		break;
	case MCAP_MESSAGE:
		if (record->chunk_offset < 0) {
			Place place = {record->message.log_time, record->offset, record->raw.size};
			g_array_append_val(index->loose, place);
		}
		break;
	default:
		break;
	}
}

static int by_time(const void *a, const void *b)
{
	const Place *x = a, *y = b;
	if (x->log_time != y->log_time)
		return x->log_time < y->log_time ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static gboolean scan(McapIndex *index, GError **error)
{
	g_autoptr(McapReader) reader =
		mcap_reader_new(&index->source, MCAP_ORDER_CHUNKS, &index->limits, error);
	McapRecord record;
	McapNext next;
	if (!reader)
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(index->lists); i++)
		g_ptr_array_set_size(index->lists[i], 0);
	while ((next = mcap_reader_next(reader, &record, error)) == MCAP_NEXT_RECORD)
		scanned(index, &record);
	if (index->loose->len > 1)
		qsort(index->loose->data, index->loose->len, sizeof(Place), by_time);
	return next == MCAP_NEXT_END;
}

static McapIndex *empty(const McapSource *source, const McapLimits *limits)
{
	McapIndex *index = g_new0(McapIndex, 1);
	index->source = *source;
	if (limits)
		index->limits = *limits;
	for (size_t i = 0; i < G_N_ELEMENTS(index->lists); i++)
		index->lists[i] = g_ptr_array_new_with_free_func(entry_free);
	index->loose = g_array_new(FALSE, FALSE, sizeof(Place));
	return index;
}

McapIndex *index_of_summary(const McapSource *source, const McapLimits *limits, uint64_t *ret_start)
{
	g_autoptr(McapIndex) index = empty(source, limits);
	return load_summary(index, ret_start) ? g_steal_pointer(&index) : NULL;
}

McapIndex *mcap_index_new(const McapSource *source, const McapLimits *limits, GError **error)
{
	g_autoptr(McapIndex) index = empty(source, limits);
	if (!read_summary(index) && !scan(index, error))
		return NULL;
	return g_steal_pointer(&index);
}

void mcap_index_free(McapIndex *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(index->lists); i++)
		g_ptr_array_unref(index->lists[i]);
	g_array_unref(index->loose);
	g_free(index->buffer);
	g_free(index);
}

gboolean mcap_index_read(McapIndex *index, uint64_t offset, McapOpcode expected, McapRecord *ret,
			 GError **error)
{
	g_autofree uint8_t *head = NULL, *data = NULL;
	if (!read_exactly(index, offset, MCAP_RECORD_HEAD, &head, error))
		return FALSE;
	uint64_t length = load_u64(head + 1);
	if (head[0] != expected || length > index->source.size) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "%s: byte %" G_GUINT64_FORMAT ": the index says %s, but there is none",
			    index->source.name, offset, mcap_opcode_name(expected));
		return FALSE;
	}
	McapRecord record;
	if (!read_exactly(index, offset, MCAP_RECORD_HEAD + length, &data, error) ||
	    !mcap_record_parse(data, MCAP_RECORD_HEAD + (size_t)length, offset, &record, error))
		return FALSE;
	if (expected == MCAP_ATTACHMENT && record.attachment.crc != 0) {
		const McapBytes *bytes = &record.attachment.data;
		const uint8_t *from = record.raw.data + MCAP_RECORD_HEAD;
		if (mcap_crc32(0, from, (size_t)(bytes->data + bytes->size - from)) !=
		    record.attachment.crc) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
				    "%s: byte %" G_GUINT64_FORMAT
				    ": an attachment whose CRC does not agree",
				    index->source.name, offset);
			return FALSE;
		}
	}
	g_free(index->buffer);
	index->buffer = g_steal_pointer(&data);
	*ret = record;
	return TRUE;
}

/* ---- messages in time order: a merge over the chunks that overlap the present time ----------- */

typedef struct {
	GByteArray *records; /* NULL: the loose messages */
	GArray *places;
	bool own_places;
	guint next;
	uint64_t chunk_offset;
} Stream;

static void stream_free(void *pointer)
{
	Stream *stream = pointer;
	if (stream->records)
		g_byte_array_unref(stream->records);
	if (stream->own_places)
		g_array_unref(stream->places);
	g_free(stream);
}

static gboolean list_places(Stream *stream, uint64_t start, uint64_t end, GError **error)
{
	const GByteArray *b = stream->records;
	for (size_t at = 0; at < b->len;) {
		uint64_t left = b->len - at,
			 length = left < MCAP_RECORD_HEAD ? 0 : load_u64(b->data + at + 1);
		McapRecord record;
		if (left < MCAP_RECORD_HEAD || length > left - MCAP_RECORD_HEAD) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
				    "byte %" G_GUINT64_FORMAT ": a chunk's last record is cut",
				    stream->chunk_offset);
			return FALSE;
		}
		size_t size = MCAP_RECORD_HEAD + (size_t)length;
		if (b->data[at] == MCAP_MESSAGE) {
			if (!mcap_record_parse(b->data + at, size, stream->chunk_offset, &record,
					       error))
				return FALSE;
			if (record.message.log_time < start || record.message.log_time > end) {
				g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
					    "byte %" G_GUINT64_FORMAT
					    ": a message outside its chunk's times",
					    stream->chunk_offset);
				return FALSE;
			}
			Place place = {record.message.log_time, at, size};
			g_array_append_val(stream->places, place);
		}
		at += size;
	}
	if (stream->places->len > 1)
		qsort(stream->places->data, stream->places->len, sizeof(Place), by_time);
	return TRUE;
}

static gboolean open_stream(McapIndex *index, const McapChunkIndex *entry, GPtrArray *streams,
			    GError **error)
{
	g_autofree uint8_t *data = NULL;
	McapRecord record;
	if (entry->chunk_length < MCAP_RECORD_HEAD ||
	    !read_exactly(index, entry->chunk_offset, entry->chunk_length, &data, error) ||
	    !mcap_record_parse(data, (size_t)entry->chunk_length, entry->chunk_offset, &record,
			       error))
		goto bad;
	if (record.opcode != MCAP_CHUNK || record.chunk.start_time != entry->start_time ||
	    record.chunk.end_time != entry->end_time)
		goto bad;
	GByteArray *records =
		mcap_chunk_open(&record.chunk, entry->chunk_offset, 0, &index->limits, error);
	if (!records)
		return FALSE;
	Stream *stream = g_new0(Stream, 1);
	stream->records = records;
	stream->places = g_array_new(FALSE, FALSE, sizeof(Place));
	stream->own_places = true;
	stream->chunk_offset = entry->chunk_offset;
	g_ptr_array_add(streams, stream);
	return list_places(stream, entry->start_time, entry->end_time, error);
bad:
	if (error && !*error)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT ": the chunk index does not fit the chunk",
			    entry->chunk_offset);
	return FALSE;
}

static int chunks_by_start(const void *a, const void *b)
{
	const McapChunkIndex *x = *(const McapChunkIndex *const *)a,
			     *y = *(const McapChunkIndex *const *)b;
	if (x->start_time != y->start_time)
		return x->start_time < y->start_time ? -1 : 1;
	return x->chunk_offset < y->chunk_offset ? -1 : x->chunk_offset > y->chunk_offset;
}

static const Place *peek(const Stream *stream)
{
	return &g_array_index(stream->places, Place, stream->next);
}

/* The stream with the earliest message; equal times: what comes first in the file. Spent streams are dropped. */
static Stream *earliest(GPtrArray *streams)
{
	Stream *best = NULL;
	for (guint i = 0; i < streams->len;) {
		Stream *s = streams->pdata[i];
		if (s->next >= s->places->len) {
			g_ptr_array_remove_index_fast(streams, i);
			continue;
		}
		uint64_t t = peek(s)->log_time, at = s->records ? s->chunk_offset : peek(s)->at;
		uint64_t best_at = best ? (best->records ? best->chunk_offset : peek(best)->at) : 0;
		if (!best || t < peek(best)->log_time ||
		    (t == peek(best)->log_time && at < best_at))
			best = s;
		i++;
	}
	return best;
}

static gboolean take(McapIndex *index, Stream *stream, McapRecord *ret, GError **error)
{
	const Place *place = peek(stream);
	stream->next++;
	if (!stream->records)
		return mcap_index_read(index, place->at, MCAP_MESSAGE, ret, error);
	if (!mcap_record_parse(stream->records->data + place->at, place->size, stream->chunk_offset,
			       ret, error))
		return FALSE;
	ret->chunk_offset = (int64_t)place->at;
	return TRUE;
}

static gboolean merge(McapIndex *index, GPtrArray *chunks, GPtrArray *streams, uint64_t from,
		      uint64_t to, McapMessageFunc func, void *data, GError **error)
{
	for (guint next_chunk = 0;;) {
		Stream *stream = earliest(streams);
		/* A chunk that begins no later than the next message may hold an earlier one. */
		if (next_chunk < chunks->len) {
			const McapChunkIndex *entry = chunks->pdata[next_chunk];
			if (!stream || entry->start_time <= peek(stream)->log_time) {
				if (!open_stream(index, entry, streams, error))
					return FALSE;
				next_chunk++;
				continue;
			}
		}
		McapRecord record;
		if (!stream || (to != 0 && peek(stream)->log_time >= to))
			return TRUE;
		if (peek(stream)->log_time < from) {
			stream->next++;
			continue;
		}
		if (!take(index, stream, &record, error))
			return FALSE;
		if (!func(&record, data))
			return TRUE;
	}
}

gboolean mcap_index_messages(McapIndex *index, uint64_t from, uint64_t to, McapMessageFunc func,
			     void *data, GError **error)
{
	g_autoptr(GPtrArray) chunks = g_ptr_array_new();
	g_autoptr(GPtrArray) streams = g_ptr_array_new_with_free_func(stream_free);

	for (size_t i = 0; i < mcap_index_count(index, MCAP_CHUNK_INDEX); i++) {
		const McapChunkIndex *entry =
			&mcap_index_get(index, MCAP_CHUNK_INDEX, i)->chunk_index;
		if (entry->end_time >= from && (to == 0 || entry->start_time < to))
			g_ptr_array_add(chunks, (void *)(uintptr_t)entry);
	}
	if (chunks->len > 1)
		qsort(chunks->pdata, chunks->len, sizeof(void *), chunks_by_start);
	Stream *loose = g_new0(Stream, 1);
	loose->places = index->loose;
	g_ptr_array_add(streams, loose);
	GError *local = NULL;
	if (merge(index, chunks, streams, from, to, func, data, &local))
		return TRUE;
	g_prefix_error(&local, "%s: ", index->source.name);
	g_propagate_error(error, local);
	return FALSE;
}
