/* Writing: the data section with one open chunk a lane, then the summary. */
#include "wire.h"

#define DEFAULT_LANE_SIZE (1u << 20)

const McapWriterOptions mcap_writer_defaults = {.chunked = true};

typedef struct {
	uint16_t id, schema_id;
	unsigned lane;
	uint8_t *raw; /* the whole record */
	size_t size;
	uint64_t messages;
	GArray **entries; /* a lane's message index of this channel; NULL when schema */
} Declared;

typedef struct {
	McapLane options;
	Buffer records;
	uint64_t start, end, messages;
	GHashTable *declared; /* Declared* that stand in the open chunk */
	GPtrArray *
		indexed; /* Declared* with messages in the open chunk, in the order of their first */
} Lane;

struct McapWriter {
	McapSink sink;
	McapWriterOptions options;
	Lane *lanes;
	size_t n_lanes;
	void *compress_context;

	GPtrArray *schemas, *channels; /* Declared*, in order */
	Declared *by_channel[65536];   /* borrowed */
	GHashTable *by_schema;         /* borrowed */
	Buffer record;                 /* one top-level record */
	Buffer attachment_indexes, metadata_indexes, chunk_indexes;
	uint32_t n_attachments, n_metadata, n_chunks;
	uint64_t messages, start, end;

	uint64_t offset;
	uint32_t crc;
	bool finished;
	GError *failed;
};

static void declared_free(void *pointer)
{
	Declared *d = pointer;
	if (d->entries) {
		g_array_unref(*d->entries);
		g_free(d->entries);
	}
	g_free(d->raw);
	g_free(d);
}

static gboolean usable(McapWriter *w, GError **error)
{
	g_assert(!w->finished);
	if (w->failed && error)
		*error = g_error_copy(w->failed);
	return w->failed == NULL;
}

/* Bytes to the sink. The first failure is kept: the file is lost from there. */
static gboolean emit(McapWriter *w, const void *data, size_t size, GError **error)
{
	if (!w->sink.write(w->sink.self, data, size, &w->failed)) {
		g_prefix_error(&w->failed, "%s: byte %" G_GUINT64_FORMAT ": ", w->sink.name,
			       w->offset);
		return usable(w, error);
	}
	w->offset += size;
	w->crc = mcap_crc32(w->crc, data, size);
	return TRUE;
}

static gboolean emit_record(McapWriter *w, GError **error)
{
	uint8_t opcode = w->record.data[0];
	if (!emit(w, w->record.data, w->record.size, error))
		return FALSE;
	if (w->options.on_record)
		w->options.on_record(w->options.on_record_self, opcode, w->record.data,
				     w->record.size);
	return TRUE;
}

static void put_map(Buffer *b, const char *const *metadata)
{
	size_t at = b->size;
	put_u32(b, 0);
	for (size_t i = 0; metadata && metadata[i]; i += 2) {
		put_text(b, metadata[i]);
		put_text(b, metadata[i + 1]);
	}
	uint32_t size = GUINT32_TO_LE((uint32_t)(b->size - at - 4));
	memcpy(b->data + at, &size, sizeof(size));
}

McapWriter *mcap_writer_new(const McapSink *sink, const McapWriterOptions *options, GError **error)
{
	static const McapLane plain = {0};
	g_autoptr(McapWriter) w = g_new0(McapWriter, 1);
	w->sink = *sink;
	w->options = *options;
	w->n_lanes = options->lanes ? options->n_lanes : 1;
	w->lanes = g_new0(Lane, w->n_lanes);
	for (size_t i = 0; i < w->n_lanes; i++) {
		Lane *lane = &w->lanes[i];
		lane->options = options->lanes ? options->lanes[i] : plain;
		if (lane->options.chunk_size == 0)
			lane->options.chunk_size = DEFAULT_LANE_SIZE;
		if (lane->options.level == 0)
			lane->options.level = 1;
		lane->declared = g_hash_table_new(NULL, NULL);
		lane->indexed = g_ptr_array_new();
	}
	w->schemas = g_ptr_array_new_with_free_func(declared_free);
	w->channels = g_ptr_array_new_with_free_func(declared_free);
	w->by_schema = g_hash_table_new(NULL, NULL);

	size_t opened = record_open(&w->record, MCAP_HEADER);
	put_text(&w->record, options->profile ? options->profile : "");
	put_text(&w->record, options->library ? options->library : "anzenbench mcap");
	record_close(&w->record, opened);
	if (!emit(w, MCAP_MAGIC, MCAP_MAGIC_SIZE, error) || !emit_record(w, error))
		return NULL;
	return g_steal_pointer(&w);
}

void mcap_writer_free(McapWriter *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_lanes; i++) {
		buffer_clear(&w->lanes[i].records);
		g_hash_table_unref(w->lanes[i].declared);
		g_ptr_array_unref(w->lanes[i].indexed);
	}
	g_free(w->lanes);
	g_ptr_array_unref(w->schemas);
	g_ptr_array_unref(w->channels);
	g_hash_table_unref(w->by_schema);
	buffer_clear(&w->record);
	buffer_clear(&w->attachment_indexes);
	buffer_clear(&w->metadata_indexes);
	buffer_clear(&w->chunk_indexes);
	chunk_context_free(w->compress_context);
	g_clear_error(&w->failed);
	g_free(w);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static gboolean emit_chunk(McapWriter *w, Lane *lane, GError **error)
{
	Buffer *b = &w->record;
	b->size = 0;
	size_t opened = record_open(b, MCAP_CHUNK);
	put_u64(b, lane->start);
	put_u64(b, lane->end);
	put_u64(b, lane->records.size);
	put_u32(b, w->options.no_chunk_crc ? 0
					   : mcap_crc32(0, lane->records.data, lane->records.size));
	put_text(b, mcap_compression_name(lane->options.compression));
	size_t length_at = b->size;
	put_u64(b, 0);
	if (!chunk_compress(lane->options.compression, lane->options.level, lane->records.data,
			    lane->records.size, b, &w->compress_context, &w->failed))
		return usable(w, error);
	record_close(b, length_at + 8);
	uint64_t length = GUINT64_TO_LE((uint64_t)(b->size - length_at - 8));
	memcpy(b->data + length_at, &length, sizeof(length));
	record_close(b, opened);
	return emit_record(w, error);
}

static gboolean emit_message_index(McapWriter *w, const Declared *channel, GError **error)
{
	const GArray *entries = *channel->entries;
	w->record.size = 0;
	size_t opened = record_open(&w->record, MCAP_MESSAGE_INDEX);
	put_u16(&w->record, channel->id);
	put_u32(&w->record, entries->len * 8);
	for (guint i = 0; i < entries->len; i++)
		put_u64(&w->record, g_array_index(entries, uint64_t, i));
	record_close(&w->record, opened);
	return emit_record(w, error);
}

static void reset_lane(Lane *lane)
{
	for (guint i = 0; i < lane->indexed->len; i++)
		g_array_set_size(*((Declared *)lane->indexed->pdata[i])->entries, 0);
	lane->records.size = 0;
	lane->messages = lane->start = lane->end = 0;
	g_hash_table_remove_all(lane->declared);
	g_ptr_array_set_size(lane->indexed, 0);
}

static gboolean close_chunk(McapWriter *w, Lane *lane, GError **error)
{
	uint64_t chunk_at = w->offset;
	if (!emit_chunk(w, lane, error))
		return FALSE;
	uint64_t index_at = w->offset, compressed = index_at - chunk_at;
	Buffer *index = &w->chunk_indexes;
	size_t opened = record_open(index, MCAP_CHUNK_INDEX);
	put_u64(index, lane->start);
	put_u64(index, lane->end);
	put_u64(index, chunk_at);
	put_u64(index, index_at - chunk_at);
	guint indexed = w->options.no_message_index ? 0 : lane->indexed->len;
	put_u32(index, indexed * 10);
	for (guint i = 0; i < indexed; i++) {
		const Declared *channel = lane->indexed->pdata[i];
		put_u16(index, channel->id);
		put_u64(index, w->offset);
		if (!emit_message_index(w, channel, error))
			return FALSE;
	}
	put_u64(index, w->offset - index_at);
	const char *compression = mcap_compression_name(lane->options.compression);
	put_text(index, compression);
	put_u64(index, compressed - MCAP_RECORD_HEAD - 8 - 8 - 8 - 4 - 4 - strlen(compression) - 8);
	put_u64(index, lane->records.size);
	record_close(index, opened);
	w->n_chunks++;
	reset_lane(lane);
	return TRUE;
}

size_t mcap_writer_pending(const McapWriter *w, unsigned lane)
{
	return w->lanes[lane].records.size;
}

gboolean mcap_writer_flush(McapWriter *w, unsigned lane, GError **error)
{
	if (!usable(w, error))
		return FALSE;
	return w->lanes[lane].records.size == 0 || close_chunk(w, &w->lanes[lane], error);
}

/* ---- schemas, channels, messages ------------------------------------------------------------- */

/* Into the open chunk, or straight into the data section. */
static gboolean place(McapWriter *w, Lane *lane, const Declared *d, GError **error)
{
	if (w->options.chunked) {
		put_bytes(&lane->records, d->raw, d->size);
		g_hash_table_add(lane->declared, (void *)(uintptr_t)d);
		return TRUE;
	}
	w->record.size = 0;
	put_bytes(&w->record, d->raw, d->size);
	return emit_record(w, error);
}

static Declared *declare(Buffer *b, uint16_t id, GPtrArray *list)
{
	Declared *d = g_new0(Declared, 1);
	d->id = id;
	d->raw = g_memdup2(b->data, b->size);
	d->size = b->size;
	g_ptr_array_add(list, d);
	return d;
}

gboolean mcap_writer_schema(McapWriter *w, uint16_t id, const char *name, const char *encoding,
			    const void *data, size_t size, GError **error)
{
	g_assert(id != 0 && !g_hash_table_contains(w->by_schema, GUINT_TO_POINTER((unsigned)id)));
	if (!usable(w, error))
		return FALSE;
	g_auto(Buffer) b = {0};
	size_t opened = record_open(&b, MCAP_SCHEMA);
	put_u16(&b, id);
	put_text(&b, name);
	put_text(&b, encoding);
	put_u32(&b, (uint32_t)size);
	put_bytes(&b, data, size);
	record_close(&b, opened);
	Declared *d = declare(&b, id, w->schemas);
	g_hash_table_insert(w->by_schema, GUINT_TO_POINTER((unsigned)id), d);
	return place(w, &w->lanes[0], d, error);
}

gboolean mcap_writer_channel(McapWriter *w, uint16_t id, uint16_t schema_id, const char *topic,
			     const char *message_encoding, const char *const *metadata,
			     unsigned lane, GError **error)
{
	g_assert(!w->by_channel[id] && lane < w->n_lanes);
	g_assert(schema_id == 0 ||
		 g_hash_table_contains(w->by_schema, GUINT_TO_POINTER((unsigned)schema_id)));
	if (!usable(w, error))
		return FALSE;
	g_auto(Buffer) b = {0};
	size_t opened = record_open(&b, MCAP_CHANNEL);
	put_u16(&b, id);
	put_u16(&b, schema_id);
	put_text(&b, topic);
	put_text(&b, message_encoding);
	put_map(&b, metadata);
	record_close(&b, opened);
	Declared *d = declare(&b, id, w->channels);
	d->schema_id = schema_id;
	d->lane = lane;
	d->entries = g_new0(GArray *, 1);
	*d->entries = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	w->by_channel[id] = d;
	return place(w, &w->lanes[0], d, error);
}

/* Repeat what a chunk needs to stand alone. */
static gboolean introduce(McapWriter *w, Lane *lane, const Declared *channel, GError **error)
{
	if (!w->options.chunked || !w->options.self_contained ||
	    g_hash_table_contains(lane->declared, channel))
		return TRUE;
	const Declared *schema =
		g_hash_table_lookup(w->by_schema, GUINT_TO_POINTER((unsigned)channel->schema_id));
	if (schema && !g_hash_table_contains(lane->declared, schema) &&
	    !place(w, lane, schema, error))
		return FALSE;
	return place(w, lane, channel, error);
}

static void put_message(Buffer *b, uint16_t channel_id, uint32_t sequence, uint64_t log_time,
			uint64_t publish_time, const void *data, size_t size)
{
	put_u8(b, MCAP_MESSAGE);
	put_u64(b, 22 + size);
	put_u16(b, channel_id);
	put_u32(b, sequence);
	put_u64(b, log_time);
	put_u64(b, publish_time);
	put_bytes(b, data, size);
}

static void count_message(McapWriter *w, Declared *channel, uint64_t log_time)
{
	w->start = w->messages == 0 ? log_time : MIN(w->start, log_time);
	w->end = MAX(w->end, log_time);
	w->messages++;
	channel->messages++;
}

/* Little-endian pairs, ready for the record. */
static void index_message(Lane *lane, Declared *channel, uint64_t log_time)
{
	uint64_t entry[2] = {GUINT64_TO_LE(log_time), GUINT64_TO_LE((uint64_t)lane->records.size)};
	if ((*channel->entries)->len == 0)
		g_ptr_array_add(lane->indexed, channel);
	g_array_append_vals(*channel->entries, entry, 2);
}

gboolean mcap_writer_message(McapWriter *w, uint16_t channel_id, uint32_t sequence,
			     uint64_t log_time, uint64_t publish_time, const void *data,
			     size_t size, GError **error)
{
	Declared *channel = w->by_channel[channel_id];
	g_assert(channel);
	if (!usable(w, error))
		return FALSE;
	Lane *lane = &w->lanes[channel->lane];
	if (!introduce(w, lane, channel, error))
		return FALSE;
	count_message(w, channel, log_time);
	if (!w->options.chunked) {
		w->record.size = 0;
		put_message(&w->record, channel_id, sequence, log_time, publish_time, data, size);
		return emit_record(w, error);
	}
	index_message(lane, channel, log_time);
	put_message(&lane->records, channel_id, sequence, log_time, publish_time, data, size);
	lane->start = lane->messages == 0 ? log_time : MIN(lane->start, log_time);
	lane->end = MAX(lane->end, log_time);
	lane->messages++;
	return lane->records.size < lane->options.chunk_size || close_chunk(w, lane, error);
}

/* ---- attachments and metadata ---------------------------------------------------------------- */

gboolean mcap_writer_attachment(McapWriter *w, const char *name, const char *media_type,
				uint64_t log_time, uint64_t create_time, const void *data,
				size_t size, GError **error)
{
	if (!usable(w, error))
		return FALSE;
	Buffer *b = &w->record;
	uint64_t at = w->offset;
	b->size = 0;
	size_t opened = record_open(b, MCAP_ATTACHMENT);
	put_u64(b, log_time);
	put_u64(b, create_time);
	put_text(b, name);
	put_text(b, media_type);
	put_u64(b, size);
	put_bytes(b, data, size);
	put_u32(b, w->options.no_attachment_crc
			   ? 0
			   : mcap_crc32(0, b->data + opened, b->size - opened));
	record_close(b, opened);
	if (!emit_record(w, error))
		return FALSE;
	w->n_attachments++;
	Buffer *index = &w->attachment_indexes;
	opened = record_open(index, MCAP_ATTACHMENT_INDEX);
	put_u64(index, at);
	put_u64(index, w->offset - at);
	put_u64(index, log_time);
	put_u64(index, create_time);
	put_u64(index, size);
	put_text(index, name);
	put_text(index, media_type);
	record_close(index, opened);
	return TRUE;
}

gboolean mcap_writer_metadata(McapWriter *w, const char *name, const char *const *metadata,
			      GError **error)
{
	if (!usable(w, error))
		return FALSE;
	uint64_t at = w->offset;
	w->record.size = 0;
	size_t opened = record_open(&w->record, MCAP_METADATA);
	put_text(&w->record, name);
	put_map(&w->record, metadata);
	record_close(&w->record, opened);
	if (!emit_record(w, error))
		return FALSE;
	w->n_metadata++;
	opened = record_open(&w->metadata_indexes, MCAP_METADATA_INDEX);
	put_u64(&w->metadata_indexes, at);
	put_u64(&w->metadata_indexes, w->offset - at);
	put_text(&w->metadata_indexes, name);
	record_close(&w->metadata_indexes, opened);
	return TRUE;
}

/* ---- summary --------------------------------------------------------------------------------- */

static void put_declared(Buffer *b, const GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++) {
		const Declared *d = list->pdata[i];
		put_bytes(b, d->raw, d->size);
	}
}

static void put_statistics(const McapWriter *w, Buffer *b)
{
	size_t opened = record_open(b, MCAP_STATISTICS);
	put_u64(b, w->messages);
	put_u16(b, (uint16_t)w->schemas->len);
	put_u32(b, w->channels->len);
	put_u32(b, w->n_attachments);
	put_u32(b, w->n_metadata);
	put_u32(b, w->n_chunks);
	put_u64(b, w->start);
	put_u64(b, w->end);
	size_t at = b->size;
	put_u32(b, 0);
	for (guint i = 0; i < w->channels->len; i++) {
		const Declared *channel = w->channels->pdata[i];
		if (channel->messages > 0) {
			put_u16(b, channel->id);
			put_u64(b, channel->messages);
		}
	}
	uint32_t size = GUINT32_TO_LE((uint32_t)(b->size - at - 4));
	memcpy(b->data + at, &size, sizeof(size));
	record_close(b, opened);
}

static void put_summary_offset(Buffer *b, uint8_t opcode, uint64_t start, uint64_t length)
{
	size_t opened = record_open(b, MCAP_SUMMARY_OFFSET);
	put_u8(b, opcode);
	put_u64(b, start);
	put_u64(b, length);
	record_close(b, opened);
}

/* The groups in the order of the specification's own examples; empty ones are left out. */
static void put_summary(const McapWriter *w, Buffer *b, uint64_t start, uint64_t *ret_offset_start)
{
	static const uint8_t opcodes[] = {MCAP_SCHEMA,           MCAP_CHANNEL,
					  MCAP_STATISTICS,       MCAP_METADATA_INDEX,
					  MCAP_ATTACHMENT_INDEX, MCAP_CHUNK_INDEX};
	const McapWriterOptions *o = &w->options;
	const bool wanted[] = {!o->no_schemas_in_summary, !o->no_channels_in_summary,
			       !o->no_statistics,         !o->no_metadata_index,
			       !o->no_attachment_index,   !o->no_chunk_index};
	g_auto(Buffer) offsets = {0};

	for (size_t i = 0; i < G_N_ELEMENTS(opcodes); i++) {
		size_t before = b->size;
		if (!wanted[i])
			continue;
		switch ((McapOpcode)opcodes[i]) {
		case MCAP_SCHEMA:
			put_declared(b, w->schemas);
			break;
		case MCAP_CHANNEL:
			put_declared(b, w->channels);
			break;
		case MCAP_STATISTICS:
			put_statistics(w, b);
			break;
		case MCAP_METADATA_INDEX:
			put_bytes(b, w->metadata_indexes.data, w->metadata_indexes.size);
			break;
		case MCAP_ATTACHMENT_INDEX:
			put_bytes(b, w->attachment_indexes.data, w->attachment_indexes.size);
			break;
		case MCAP_CHUNK_INDEX:
			put_bytes(b, w->chunk_indexes.data, w->chunk_indexes.size);
			break;
		case MCAP_HEADER:
		case MCAP_FOOTER:
		case MCAP_MESSAGE:
		case MCAP_CHUNK:
		case MCAP_MESSAGE_INDEX:
		case MCAP_ATTACHMENT:
		case MCAP_METADATA:
		case MCAP_SUMMARY_OFFSET:
		case MCAP_DATA_END:
			g_assert_not_reached();
		}
		if (b->size > before)
			put_summary_offset(&offsets, opcodes[i], start + before, b->size - before);
	}
	*ret_offset_start = 0;
	if (!o->no_summary_offsets && offsets.size > 0) {
		*ret_offset_start = start + b->size;
		put_bytes(b, offsets.data, offsets.size);
	}
}

static gboolean write_data_end(McapWriter *w, GError **error)
{
	uint32_t crc = w->crc;
	w->record.size = 0;
	size_t opened = record_open(&w->record, MCAP_DATA_END);
	put_u32(&w->record, crc);
	record_close(&w->record, opened);
	return emit_record(w, error);
}

gboolean mcap_writer_finish(McapWriter *w, GError **error)
{
	if (!usable(w, error))
		return FALSE;
	for (size_t i = 0; i < w->n_lanes; i++)
		if (!mcap_writer_flush(w, (unsigned)i, error))
			return FALSE;
	if (!write_data_end(w, error))
		return FALSE;

	g_auto(Buffer) b = {0};
	uint64_t start = w->offset, offset_start;
	put_summary(w, &b, start, &offset_start);
	bool empty = b.size == 0;
	size_t opened = record_open(&b, MCAP_FOOTER);
	put_u64(&b, empty ? 0 : start);
	put_u64(&b, offset_start);
	put_u32(&b, 0);
	record_close(&b, opened);
	/* The length field is under the CRC, so it is set first. */
	uint32_t crc = GUINT32_TO_LE(mcap_crc32(0, b.data, b.size - 4));
	memcpy(b.data + b.size - 4, &crc, sizeof(crc));
	put_bytes(&b, MCAP_MAGIC, MCAP_MAGIC_SIZE);
	if (!emit(w, b.data, b.size, error))
		return FALSE;
	w->finished = true;
	return TRUE;
}

uint64_t mcap_writer_offset(const McapWriter *w)
{
	return w->offset;
}

uint64_t mcap_writer_chunks(const McapWriter *w)
{
	return w->n_chunks;
}
