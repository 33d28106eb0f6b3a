/* One record from bytes: fields in the order of the specification, each length checked against the record. */
#include "wire.h"

const char *mcap_opcode_name(unsigned opcode)
{
	static const char *const names[] = {
		[MCAP_HEADER] = "Header",
		[MCAP_FOOTER] = "Footer",
		[MCAP_SCHEMA] = "Schema",
		[MCAP_CHANNEL] = "Channel",
		[MCAP_MESSAGE] = "Message",
		[MCAP_CHUNK] = "Chunk",
		[MCAP_MESSAGE_INDEX] = "MessageIndex",
		[MCAP_CHUNK_INDEX] = "ChunkIndex",
		[MCAP_ATTACHMENT] = "Attachment",
		[MCAP_ATTACHMENT_INDEX] = "AttachmentIndex",
		[MCAP_STATISTICS] = "Statistics",
		[MCAP_METADATA] = "Metadata",
		[MCAP_METADATA_INDEX] = "MetadataIndex",
		[MCAP_SUMMARY_OFFSET] = "SummaryOffset",
		[MCAP_DATA_END] = "DataEnd",
	};
	return opcode < G_N_ELEMENTS(names) && names[opcode] ? names[opcode] : "Unknown";
}

char *mcap_text_dup(McapText text)
{
	return g_strndup(text.data, text.size);
}

bool mcap_text_equal(McapText text, const char *s)
{
	return strlen(s) == text.size && memcmp(text.data, s, text.size) == 0;
}

bool mcap_map_next_text(McapMap *map, McapText *ret_key, McapText *ret_value)
{
	if (map->raw.size == 0)
		return false;
	Cursor c = cursor_of(map->raw);
	*ret_key = cursor_text(&c);
	*ret_value = cursor_text(&c);
	map->raw = (McapBytes){c.at, (size_t)(c.end - c.at)};
	return !c.bad;
}

bool mcap_map_next_count(McapMap *map, uint16_t *ret_key, uint64_t *ret_value)
{
	if (map->raw.size == 0)
		return false;
	Cursor c = cursor_of(map->raw);
	*ret_key = cursor_u16(&c);
	*ret_value = cursor_u64(&c);
	map->raw = (McapBytes){c.at, (size_t)(c.end - c.at)};
	return !c.bad;
}

bool mcap_map_next_entry(McapMap *map, uint64_t *ret_time, uint64_t *ret_offset)
{
	if (map->raw.size == 0)
		return false;
	Cursor c = cursor_of(map->raw);
	*ret_time = cursor_u64(&c);
	*ret_offset = cursor_u64(&c);
	map->raw = (McapBytes){c.at, (size_t)(c.end - c.at)};
	return !c.bad;
}

static McapMap text_map(Cursor *c)
{
	McapMap map = {cursor_bytes(c, cursor_u32(c))};
	Cursor inner = cursor_of(map.raw);
	while (!inner.bad && inner.at < inner.end) {
		cursor_text(&inner);
		cursor_text(&inner);
	}
	c->bad |= inner.bad;
	return map;
}

static McapMap fixed_map(Cursor *c, size_t entry)
{
	McapMap map = {cursor_bytes(c, cursor_u32(c))};
	c->bad |= map.raw.size % entry != 0;
	return map;
}

static void parse_chunk(Cursor *c, McapChunk *chunk)
{
	chunk->start_time = cursor_u64(c);
	chunk->end_time = cursor_u64(c);
	chunk->uncompressed_size = cursor_u64(c);
	chunk->uncompressed_crc = cursor_u32(c);
	chunk->compression = cursor_text(c);
	chunk->records = cursor_bytes(c, cursor_u64(c));
}

static void parse_chunk_index(Cursor *c, McapChunkIndex *index)
{
	index->start_time = cursor_u64(c);
	index->end_time = cursor_u64(c);
	index->chunk_offset = cursor_u64(c);
	index->chunk_length = cursor_u64(c);
	index->message_index_offsets = fixed_map(c, 10);
	index->message_index_length = cursor_u64(c);
	index->compression = cursor_text(c);
	index->compressed_size = cursor_u64(c);
	index->uncompressed_size = cursor_u64(c);
}

static void parse_attachment(Cursor *c, McapAttachment *attachment)
{
	attachment->log_time = cursor_u64(c);
	attachment->create_time = cursor_u64(c);
	attachment->name = cursor_text(c);
	attachment->media_type = cursor_text(c);
	attachment->data = cursor_bytes(c, cursor_u64(c));
	attachment->crc = cursor_u32(c);
}

static void parse_attachment_index(Cursor *c, McapAttachmentIndex *index)
{
	index->offset = cursor_u64(c);
	index->length = cursor_u64(c);
	index->log_time = cursor_u64(c);
	index->create_time = cursor_u64(c);
	index->data_size = cursor_u64(c);
	index->name = cursor_text(c);
	index->media_type = cursor_text(c);
}

static void parse_statistics(Cursor *c, McapStatistics *statistics)
{
	statistics->message_count = cursor_u64(c);
	statistics->schema_count = cursor_u16(c);
	statistics->channel_count = cursor_u32(c);
	statistics->attachment_count = cursor_u32(c);
	statistics->metadata_count = cursor_u32(c);
	statistics->chunk_count = cursor_u32(c);
	statistics->start_time = cursor_u64(c);
	statistics->end_time = cursor_u64(c);
	statistics->channel_message_counts = fixed_map(c, 10);
}

static void parse_fields(Cursor *c, McapRecord *r)
{
	switch (r->opcode) {
	case MCAP_HEADER:
		r->header.profile = cursor_text(c);
		r->header.library = cursor_text(c);
		break;
	case MCAP_FOOTER:
		r->footer.summary_start = cursor_u64(c);
		r->footer.summary_offset_start = cursor_u64(c);
		r->footer.summary_crc = cursor_u32(c);
		break;
	case MCAP_SCHEMA:
		r->schema.id = cursor_u16(c);
		r->schema.name = cursor_text(c);
		r->schema.encoding = cursor_text(c);
		r->schema.data = cursor_bytes(c, cursor_u32(c));
		c->bad |= r->schema.id == 0; /* 0 means "no schema" */
		break;
	case MCAP_CHANNEL:
		r->channel.id = cursor_u16(c);
		r->channel.schema_id = cursor_u16(c);
		r->channel.topic = cursor_text(c);
		r->channel.message_encoding = cursor_text(c);
		r->channel.metadata = text_map(c);
		break;
	case MCAP_MESSAGE:
		r->message.channel_id = cursor_u16(c);
		r->message.sequence = cursor_u32(c);
		r->message.log_time = cursor_u64(c);
		r->message.publish_time = cursor_u64(c);
		r->message.data = (McapBytes){c->at, (size_t)(c->end - c->at)};
		c->at = c->end;
		break;
	case MCAP_CHUNK:
		parse_chunk(c, &r->chunk);
		break;
	case MCAP_MESSAGE_INDEX:
		r->message_index.channel_id = cursor_u16(c);
		r->message_index.entries = fixed_map(c, 16);
		break;
	case MCAP_CHUNK_INDEX:
		parse_chunk_index(c, &r->chunk_index);
		break;
	case MCAP_ATTACHMENT:
		parse_attachment(c, &r->attachment);
		break;
	case MCAP_ATTACHMENT_INDEX:
		parse_attachment_index(c, &r->attachment_index);
		break;
	case MCAP_STATISTICS:
		parse_statistics(c, &r->statistics);
		break;
	case MCAP_METADATA:
		r->metadata.name = cursor_text(c);
		r->metadata.metadata = text_map(c);
		break;
	case MCAP_METADATA_INDEX:
		r->metadata_index.offset = cursor_u64(c);
		r->metadata_index.length = cursor_u64(c);
		r->metadata_index.name = cursor_text(c);
		break;
	case MCAP_SUMMARY_OFFSET:
		r->summary_offset.group_opcode = cursor_u8(c);
		r->summary_offset.group_start = cursor_u64(c);
		r->summary_offset.group_length = cursor_u64(c);
		break;
	case MCAP_DATA_END:
		r->data_end.data_section_crc = cursor_u32(c);
		break;
	default: /* opcodes that this version does not know are to be ignored */
		c->at = c->end;
		break;
	}
}

gboolean mcap_record_parse(const uint8_t *data, size_t size, uint64_t where, McapRecord *ret,
			   GError **error)
{
	size_t used;
	return record_parse_used(data, size, where, ret, &used, error);
}

gboolean record_parse_used(const uint8_t *data, size_t size, uint64_t where, McapRecord *ret,
			   size_t *ret_used, GError **error)
{
	McapRecord r = {.opcode = size > 0 ? data[0] : 0,
			.offset = where,
			.chunk_offset = -1,
			.raw = {data, size}};

	if (size < MCAP_RECORD_HEAD || load_u64(data + 1) != size - MCAP_RECORD_HEAD) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT ": a record's length does not fit", where);
		return FALSE;
	}
	if (r.opcode ==
	    0) { /* forbidden by the specification, and what unwritten disk blocks read as */
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT ": opcode 0, which no record has", where);
		return FALSE;
	}
	Cursor c = {data + MCAP_RECORD_HEAD, data + size, false};
	parse_fields(&c, &r);
	if (c.bad) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT
			    ": the fields of this %s record do not fit its %zu bytes or are "
			    "not UTF-8",
			    where, mcap_opcode_name(r.opcode), size);
		return FALSE;
	}
	*ret = r;
	*ret_used = (size_t)(c.at - data);
	return TRUE;
}
