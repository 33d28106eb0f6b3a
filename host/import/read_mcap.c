/* MCAP of others, in the order of the file: a cut file is taken as far as it goes. */
#include "intake.h"

typedef struct {
	char *name, *encoding;
	GBytes *data;
} Schema;

typedef struct {
	Intake *in;
	GHashTable *schemas;  /* id + 1 → Schema* */
	GHashTable *channels; /* id + 1 → IntakeTopic*, borrowed */
	Unpacker unpacker;
	const char *path, *file;
	bool ours;
} McapFile;

static void schema_free(void *pointer)
{
	Schema *schema = pointer;
	g_free(schema->name);
	g_free(schema->encoding);
	g_bytes_unref(schema->data);
	g_free(schema);
}

static void mcap_file_clear(McapFile *f)
{
	g_hash_table_unref(f->schemas);
	g_hash_table_unref(f->channels);
	unpacker_clear(&f->unpacker);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(McapFile, mcap_file_clear)

static void *key_of(uint16_t id)
{
	return GUINT_TO_POINTER((unsigned)id + 1);
}

static void take_schema(McapFile *f, const McapSchema *from)
{
	if (g_hash_table_contains(f->schemas, key_of(from->id)))
		return;
	Schema *schema = g_new0(Schema, 1);
	schema->name = mcap_text_dup(from->name);
	schema->encoding = mcap_text_dup(from->encoding);
	schema->data = g_bytes_new(from->data.data, from->data.size);
	g_hash_table_insert(f->schemas, key_of(from->id), schema);
}

/* Which encodings of messages go with which of schemas: mcap.dev/spec/registry. */
static IntakeWire wire_of(const char *message, const char *schema)
{
	if (!strcmp(message, "json"))
		return WIRE_OF_JSON;
	if (!strcmp(message, "cdr") && g_str_has_prefix(schema, "ros2"))
		return WIRE_OF_CDR;
	if (!strcmp(message, "ros1") && !strcmp(schema, "ros1msg"))
		return WIRE_OF_ROS1;
	if (!strcmp(message, "protobuf") && !strcmp(schema, "protobuf"))
		return WIRE_OF_PROTOBUF;
	return WIRE_OF_NOTHING;
}

static void take_channel(McapFile *f, const McapChannel *from)
{
	if (g_hash_table_contains(f->channels, key_of(from->id)))
		return;
	g_autofree char *name = mcap_text_dup(from->topic), *why = NULL;
	g_autofree char *encoding = mcap_text_dup(from->message_encoding);
	const Schema *schema = g_hash_table_lookup(f->schemas, key_of(from->schema_id));
	IntakeWire wire = wire_of(encoding, schema ? schema->encoding : "");
	const MessageType *type = NULL;
	gsize size = 0;
	const uint8_t *data = schema ? g_bytes_get_data(schema->data, &size) : NULL;
	if (wire == WIRE_OF_NOTHING)
		why = g_strdup_printf(
			"its messages are '%s' with a schema '%s', known are: cdr with ros2msg or "
			"ros2idl, ros1 with ros1msg, protobuf with protobuf, json",
			encoding, schema ? schema->encoding : "");
	else if (wire != WIRE_OF_JSON)
		type = intake_types(f->in, schema->encoding, schema->name, data, size, &why);
	g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
	IntakeTopic *topic = intake_topic(f->in, name, schema ? schema->name : "", digest, encoding,
					  why ? WIRE_OF_NOTHING : wire, type);
	if (why)
		intake_refuse_topic(topic, "%s", why);
	g_hash_table_insert(f->channels, key_of(from->id), topic);
}

static int64_t time_of(uint64_t t)
{
	return t > INT64_MAX ? INT64_MAX : (int64_t)t;
}

static void take_message(McapFile *f, const McapRecord *record)
{
	const McapMessage *m = &record->message;
	const IntakeTimes times = {time_of(m->log_time), time_of(m->publish_time)};
	const IntakePlace place = {"byte", record->offset, f->file};
	IntakeTopic *topic = g_hash_table_lookup(f->channels, key_of(m->channel_id));
	const uint8_t *data = m->data.data;
	size_t size = m->data.size;
	if (!topic)
		return;
	if (topic->wire == WIRE_OF_CDR && !unpacker_open(&f->unpacker, &data, &size))
		intake_leave(f->in, topic, "its zstd frame does not unpack", &place);
	else
		intake_message(f->in, topic, &times, data, size, &place);
}

static void take_record(McapFile *f, const McapRecord *record)
{
	switch (record->opcode) {
	case MCAP_SCHEMA:
		take_schema(f, &record->schema);
		break;
	case MCAP_CHANNEL:
		take_channel(f, &record->channel);
		break;
	case MCAP_MESSAGE:
		take_message(f, record);
		break;
	case MCAP_METADATA:
		f->ours |= mcap_text_equal(record->metadata.name, "anzen.session");
		break;
	case MCAP_ATTACHMENT:
		intake_note(f->in, "attachment '%.*s' is not taken over (%zu bytes)",
			    (int)MIN(record->attachment.name.size, 200),
			    record->attachment.name.data, record->attachment.data.size);
		break;
	default:
		break;
	}
}

static gboolean read_records(McapFile *f, const McapSource *source, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(McapReader) reader =
		mcap_reader_new(source, f->in->options->salvage ? MCAP_SALVAGE : 0, NULL, error);
	McapRecord record;
	McapNext next;
	const char *first = NULL;
	if (!reader)
		return FALSE;
	while ((next = mcap_reader_next(reader, &record, &local)) == MCAP_NEXT_RECORD) {
		if (record.opcode == MCAP_DATA_END)
			break; /* what follows is an index of what was read */
		take_record(f, &record);
		if (f->ours) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "%s: is a session of Anzenbench already: nothing to import",
				    f->path);
			return FALSE;
		}
	}
	unsigned skipped = mcap_reader_skipped(reader, &first);
	uint64_t orphans = mcap_reader_orphans(reader);
	if (skipped && orphans)
		intake_incomplete(f->in,
				  "%u damaged parts were stepped over, with them %" G_GUINT64_FORMAT
				  " messages whose channel is lost, the first: %s",
				  skipped, orphans, first);
	else if (skipped)
		intake_incomplete(f->in, "%u damaged parts were stepped over, the first: %s",
				  skipped, first);
	if (next == MCAP_NEXT_TRUNCATED || (next == MCAP_NEXT_ERROR && f->in->options->salvage))
		intake_incomplete(f->in, "the file ends early: %s", local->message);
	else if (next == MCAP_NEXT_ERROR) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s; --salvage takes what is whole", local->message);
		return FALSE;
	}
	return TRUE;
}

gboolean read_mcap(Intake *in, const char *path, GError **error)
{
	g_auto(McapSource) source = {0};
	g_autofree char *base = g_path_get_basename(path);
	g_auto(McapFile) f = {
		.in = in,
		.path = path,
		.file = in->files->len > 1 ? base : NULL,
		.schemas = g_hash_table_new_full(NULL, NULL, NULL, schema_free),
		.channels = g_hash_table_new(NULL, NULL),
	};
	return mcap_file_source(path, &source, error) && read_records(&f, &source, error);
}
