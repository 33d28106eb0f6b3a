/* mcap-conformance: our reader, indexed reader and writer behind the contracts of the upstream suite
 * (../shared/data/mcap-conformance/PROVENANCE.md).
 *
 *	mcap-conformance read FILE.mcap | read-indexed FILE.mcap | write FILE.json	(output to standard output)
 */
#include <anzen/mcap.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

/* ---- records as JSON ------------------------------------------------------------------------- */

static void field_text(JsonBuilder *b, const char *name, McapText text)
{
	g_autofree char *value = mcap_text_dup(text);
	json_builder_begin_array(b);
	json_builder_add_string_value(b, name);
	json_builder_add_string_value(b, value);
	json_builder_end_array(b);
}

static void add_number(JsonBuilder *b, uint64_t v)
{
	char digits[24];
	g_snprintf(digits, sizeof(digits), "%" G_GUINT64_FORMAT, v);
	json_builder_add_string_value(b, digits);
}

static void field_number(JsonBuilder *b, const char *name, uint64_t v)
{
	json_builder_begin_array(b);
	json_builder_add_string_value(b, name);
	add_number(b, v);
	json_builder_end_array(b);
}

static void field_bytes(JsonBuilder *b, const char *name, McapBytes bytes)
{
	json_builder_begin_array(b);
	json_builder_add_string_value(b, name);
	json_builder_begin_array(b);
	for (size_t i = 0; i < bytes.size; i++)
		add_number(b, bytes.data[i]);
	json_builder_end_array(b);
	json_builder_end_array(b);
}

static void field_text_map(JsonBuilder *b, const char *name, McapMap map)
{
	McapText key, value;
	json_builder_begin_array(b);
	json_builder_add_string_value(b, name);
	json_builder_begin_object(b);
	while (mcap_map_next_text(&map, &key, &value)) {
		g_autofree char *k = mcap_text_dup(key), *v = mcap_text_dup(value);
		json_builder_set_member_name(b, k);
		json_builder_add_string_value(b, v);
	}
	json_builder_end_object(b);
	json_builder_end_array(b);
}

static void field_count_map(JsonBuilder *b, const char *name, McapMap map)
{
	uint16_t key;
	uint64_t value;
	json_builder_begin_array(b);
	json_builder_add_string_value(b, name);
	json_builder_begin_object(b);
	while (mcap_map_next_count(&map, &key, &value)) {
		char member[8];
		g_snprintf(member, sizeof(member), "%u", (unsigned)key);
		json_builder_set_member_name(b, member);
		add_number(b, value);
	}
	json_builder_end_object(b);
	json_builder_end_array(b);
}

/* Fields in the order of their names. */
static void add_fields(JsonBuilder *b, const McapRecord *r)
{
	switch ((McapOpcode)r->opcode) {
	case MCAP_HEADER:
		field_text(b, "library", r->header.library);
		field_text(b, "profile", r->header.profile);
		break;
	case MCAP_FOOTER:
		field_number(b, "summary_crc", r->footer.summary_crc);
		field_number(b, "summary_offset_start", r->footer.summary_offset_start);
		field_number(b, "summary_start", r->footer.summary_start);
		break;
	case MCAP_SCHEMA:
		field_bytes(b, "data", r->schema.data);
		field_text(b, "encoding", r->schema.encoding);
		field_number(b, "id", r->schema.id);
		field_text(b, "name", r->schema.name);
		break;
	case MCAP_CHANNEL:
		field_number(b, "id", r->channel.id);
		field_text(b, "message_encoding", r->channel.message_encoding);
		field_text_map(b, "metadata", r->channel.metadata);
		field_number(b, "schema_id", r->channel.schema_id);
		field_text(b, "topic", r->channel.topic);
		break;
	case MCAP_MESSAGE:
		field_number(b, "channel_id", r->message.channel_id);
		field_bytes(b, "data", r->message.data);
		field_number(b, "log_time", r->message.log_time);
		field_number(b, "publish_time", r->message.publish_time);
		field_number(b, "sequence", r->message.sequence);
		break;
	case MCAP_CHUNK_INDEX:
		field_number(b, "chunk_length", r->chunk_index.chunk_length);
		field_number(b, "chunk_start_offset", r->chunk_index.chunk_offset);
		field_number(b, "compressed_size", r->chunk_index.compressed_size);
		field_text(b, "compression", r->chunk_index.compression);
		field_number(b, "message_end_time", r->chunk_index.end_time);
		field_number(b, "message_index_length", r->chunk_index.message_index_length);
		field_count_map(b, "message_index_offsets", r->chunk_index.message_index_offsets);
		field_number(b, "message_start_time", r->chunk_index.start_time);
		field_number(b, "uncompressed_size", r->chunk_index.uncompressed_size);
		break;
	case MCAP_ATTACHMENT:
		field_number(b, "create_time", r->attachment.create_time);
		field_bytes(b, "data", r->attachment.data);
		field_number(b, "log_time", r->attachment.log_time);
		field_text(b, "media_type", r->attachment.media_type);
		field_text(b, "name", r->attachment.name);
		break;
	case MCAP_ATTACHMENT_INDEX:
		field_number(b, "create_time", r->attachment_index.create_time);
		field_number(b, "data_size", r->attachment_index.data_size);
		field_number(b, "length", r->attachment_index.length);
		field_number(b, "log_time", r->attachment_index.log_time);
		field_text(b, "media_type", r->attachment_index.media_type);
		field_text(b, "name", r->attachment_index.name);
		field_number(b, "offset", r->attachment_index.offset);
		break;
	case MCAP_STATISTICS:
		field_number(b, "attachment_count", r->statistics.attachment_count);
		field_number(b, "channel_count", r->statistics.channel_count);
		field_count_map(b, "channel_message_counts", r->statistics.channel_message_counts);
		field_number(b, "chunk_count", r->statistics.chunk_count);
		field_number(b, "message_count", r->statistics.message_count);
		field_number(b, "message_end_time", r->statistics.end_time);
		field_number(b, "message_start_time", r->statistics.start_time);
		field_number(b, "metadata_count", r->statistics.metadata_count);
		field_number(b, "schema_count", r->statistics.schema_count);
		break;
	case MCAP_METADATA:
		field_text_map(b, "metadata", r->metadata.metadata);
		field_text(b, "name", r->metadata.name);
		break;
	case MCAP_METADATA_INDEX:
		field_number(b, "length", r->metadata_index.length);
		field_text(b, "name", r->metadata_index.name);
		field_number(b, "offset", r->metadata_index.offset);
		break;
	case MCAP_SUMMARY_OFFSET:
		field_number(b, "group_length", r->summary_offset.group_length);
		field_number(b, "group_opcode", r->summary_offset.group_opcode);
		field_number(b, "group_start", r->summary_offset.group_start);
		break;
	case MCAP_DATA_END:
		field_number(b, "data_section_crc", r->data_end.data_section_crc);
		break;
	case MCAP_CHUNK:
	case MCAP_MESSAGE_INDEX:
		break;
	}
}

static void add_record(JsonBuilder *b, const McapRecord *record)
{
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "type");
	json_builder_add_string_value(b, mcap_opcode_name(record->opcode));
	json_builder_set_member_name(b, "fields");
	json_builder_begin_array(b);
	add_fields(b, record);
	json_builder_end_array(b);
	json_builder_end_object(b);
}

static void print(JsonBuilder *b)
{
	g_autoptr(JsonNode) root = json_builder_get_root(b);
	g_autofree char *text = json_to_string(root, FALSE);
	puts(text);
}

static gboolean read_in_order(const McapSource *source, GError **error)
{
	g_autoptr(McapReader) reader = mcap_reader_new(source, 0, NULL, error);
	g_autoptr(JsonBuilder) b = json_builder_new();
	McapRecord record;
	McapNext next;
	if (!reader)
		return FALSE;
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "records");
	json_builder_begin_array(b);
	while ((next = mcap_reader_next(reader, &record, error)) == MCAP_NEXT_RECORD)
		if (record.opcode <= MCAP_DATA_END && record.opcode != MCAP_MESSAGE_INDEX)
			add_record(b, &record);
	json_builder_end_array(b);
	json_builder_end_object(b);
	if (next == MCAP_NEXT_END)
		print(b);
	return next == MCAP_NEXT_END;
}

static void add_list(JsonBuilder *b, const McapIndex *index, const char *name, McapOpcode opcode)
{
	json_builder_set_member_name(b, name);
	json_builder_begin_array(b);
	for (size_t i = 0; i < mcap_index_count(index, opcode); i++)
		add_record(b, mcap_index_get(index, opcode, i));
	json_builder_end_array(b);
}

static bool add_message(const McapRecord *message, void *builder)
{
	add_record(builder, message);
	return true;
}

static gboolean read_indexed(const McapSource *source, GError **error)
{
	g_autoptr(McapIndex) index = mcap_index_new(source, NULL, error);
	g_autoptr(JsonBuilder) b = json_builder_new();
	if (!index)
		return FALSE;
	json_builder_begin_object(b);
	add_list(b, index, "schemas", MCAP_SCHEMA);
	add_list(b, index, "channels", MCAP_CHANNEL);
	json_builder_set_member_name(b, "messages");
	json_builder_begin_array(b);
	if (!mcap_index_messages(index, 0, 0, add_message, b, error))
		return FALSE;
	json_builder_end_array(b);
	add_list(b, index, "statistics", MCAP_STATISTICS);
	json_builder_end_object(b);
	print(b);
	return TRUE;
}

/* ---- writing what a .json describes ---------------------------------------------------------- */

static JsonNode *field(JsonObject *record, const char *name)
{
	JsonArray *fields = json_object_get_array_member(record, "fields");
	for (guint i = 0; i < json_array_get_length(fields); i++) {
		JsonArray *pair = json_array_get_array_element(fields, i);
		if (!strcmp(json_array_get_string_element(pair, 0), name))
			return json_array_get_element(pair, 1);
	}
	return NULL;
}

static const char *text_of(JsonObject *record, const char *name)
{
	JsonNode *node = field(record, name);
	return node ? json_node_get_string(node) : "";
}

static uint64_t number_of(JsonObject *record, const char *name)
{
	return g_ascii_strtoull(text_of(record, name), NULL, 10);
}

static GByteArray *bytes_of(JsonObject *record, const char *name)
{
	GByteArray *bytes = g_byte_array_new();
	JsonNode *node = field(record, name);
	JsonArray *list = node ? json_node_get_array(node) : NULL;
	for (guint i = 0; list && i < json_array_get_length(list); i++) {
		uint8_t byte =
			(uint8_t)g_ascii_strtoull(json_array_get_string_element(list, i), NULL, 10);
		g_byte_array_append(bytes, &byte, 1);
	}
	return bytes;
}

/* key, value, …, NULL; the strings belong to the JSON tree. */
static GPtrArray *map_of(JsonObject *record, const char *name)
{
	GPtrArray *map = g_ptr_array_new();
	JsonNode *node = field(record, name);
	JsonObject *object = node ? json_node_get_object(node) : NULL;
	g_autoptr(GList) members = object ? json_object_get_members(object) : NULL;
	for (GList *m = members; m; m = m->next) {
		g_ptr_array_add(map, m->data);
		g_ptr_array_add(map,
				(void *)(uintptr_t)json_object_get_string_member(object, m->data));
	}
	g_ptr_array_add(map, NULL);
	return map;
}

static gboolean write_record(McapWriter *w, JsonObject *r, GError **error)
{
	const char *type = json_object_get_string_member(r, "type");
	g_autoptr(GByteArray) data = bytes_of(r, "data");
	g_autoptr(GPtrArray) map = map_of(r, "metadata");
	const char *const *metadata = (const char *const *)map->pdata;

	if (!strcmp(type, "Schema"))
		return mcap_writer_schema(w, (uint16_t)number_of(r, "id"), text_of(r, "name"),
					  text_of(r, "encoding"), data->data, data->len, error);
	if (!strcmp(type, "Channel"))
		return mcap_writer_channel(w, (uint16_t)number_of(r, "id"),
					   (uint16_t)number_of(r, "schema_id"), text_of(r, "topic"),
					   text_of(r, "message_encoding"), metadata, 0, error);
	if (!strcmp(type, "Message"))
		return mcap_writer_message(w, (uint16_t)number_of(r, "channel_id"),
					   (uint32_t)number_of(r, "sequence"),
					   number_of(r, "log_time"), number_of(r, "publish_time"),
					   data->data, data->len, error);
	if (!strcmp(type, "Attachment"))
		return mcap_writer_attachment(w, text_of(r, "name"), text_of(r, "media_type"),
					      number_of(r, "log_time"), number_of(r, "create_time"),
					      data->data, data->len, error);
	if (!strcmp(type, "Metadata"))
		return mcap_writer_metadata(w, text_of(r, "name"), metadata, error);
	return TRUE;
}

static bool has_feature(JsonObject *root, const char *name)
{
	JsonObject *variant = json_object_get_object_member(
		json_object_get_object_member(root, "meta"), "variant");
	JsonArray *features = json_object_get_array_member(variant, "features");
	for (guint i = 0; i < json_array_get_length(features); i++)
		if (!strcmp(json_array_get_string_element(features, i), name))
			return true;
	return false;
}

static McapWriterOptions options_of(JsonObject *root, JsonObject *header)
{
	return (McapWriterOptions){.profile = text_of(header, "profile"),
				   .library = text_of(header, "library"),
				   .chunked = has_feature(root, "ch"),
				   .no_message_index = !has_feature(root, "mx"),
				   .no_chunk_index = !has_feature(root, "chx"),
				   .no_statistics = !has_feature(root, "st"),
				   .no_schemas_in_summary = !has_feature(root, "rsh"),
				   .no_channels_in_summary = !has_feature(root, "rch"),
				   .no_attachment_index = !has_feature(root, "ax"),
				   .no_metadata_index = !has_feature(root, "mdx"),
				   .no_summary_offsets = !has_feature(root, "sum")};
}

static gboolean write_described(const char *path, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	if (!json_parser_load_from_file(parser, path, error))
		return FALSE;
	JsonObject *root = json_node_get_object(json_parser_get_root(parser));
	JsonArray *records = json_object_get_array_member(root, "records");
	McapWriterOptions options = options_of(root, json_array_get_object_element(records, 0));
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	g_autoptr(McapWriter) w = mcap_writer_new(&sink, &options, error);
	if (!w)
		return FALSE;
	for (guint i = 1; i < json_array_get_length(records); i++) {
		JsonObject *record = json_array_get_object_element(records, i);
		if (!strcmp(json_object_get_string_member(record, "type"), "DataEnd"))
			break;
		if (!write_record(w, record, error))
			return FALSE;
	}
	if (!mcap_writer_finish(w, error))
		return FALSE;
	return fwrite(bytes->data, 1, bytes->len, stdout) == bytes->len;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_auto(McapSource) source = {0};
	gboolean good;

	if (argc != 3) {
		fputs("usage: mcap-conformance read|read-indexed FILE.mcap | write FILE.json\n",
		      stderr);
		return ANZEN_EXIT_INPUT;
	}
	if (!strcmp(argv[1], "write"))
		good = write_described(argv[2], &error);
	else if (!mcap_file_source(argv[2], &source, &error))
		good = FALSE;
	else if (!strcmp(argv[1], "read-indexed"))
		good = read_indexed(&source, &error);
	else
		good = read_in_order(&source, &error);
	if (!good) {
		fprintf(stderr, "mcap-conformance: %s\n", error ? error->message : "cannot write");
		return anzen_error_exit(error);
	}
	return ANZEN_EXIT_PASS;
}
