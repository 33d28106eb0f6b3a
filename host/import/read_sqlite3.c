/* rosbag2's sqlite3 storage: tables topics, messages and, from ROS 2 Iron on, message_definitions. Without definitions the
 * common packages of ROS 2 are known (ros_standard.c); a message must fit its definition to the last byte. */
#include "recording.h"

#include <sqlite3.h>

#define MOST_MESSAGE (256u << 20)

typedef struct {
	char *encoding, *text;
} Definition;

typedef struct {
	Intake *in;
	const char *path, *file;
	sqlite3 *db;
	GHashTable *definitions; /* "pkg/msg/Type" → Definition* */
	GHashTable *topics;      /* int64 id → IntakeTopic*, borrowed */
	Unpacker unpacker;
	GError **error;
} Bag;

static void definition_free(void *pointer)
{
	Definition *d = pointer;
	g_free(d->encoding);
	g_free(d->text);
	g_free(d);
}

static bool fail(Bag *b, const char *what)
{
	g_set_error(b->error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s: %s", b->path, what,
		    sqlite3_errmsg(b->db));
	return false;
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* Read only, and where no write-ahead log stands beside it also without any file of SQLite's own beside it. */
static bool open_database(Bag *b)
{
	g_autofree char *wal = g_strconcat(b->path, "-wal", NULL), *absolute = NULL, *uri = NULL;
	g_autofree char *escaped = NULL;
	absolute = g_canonicalize_filename(b->path, NULL);
	escaped = g_uri_escape_string(absolute, "/", FALSE);
	uri = g_strdup_printf("file:%s%s", escaped,
			      g_file_test(wal, G_FILE_TEST_EXISTS) ? "" : "?immutable=1");
	if (sqlite3_open_v2(uri, &b->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK)
		return fail(b, "cannot be opened");
	/* The file comes from outside: nothing in its schema may run. */
	sqlite3_db_config(b->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(b->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_limit(b->db, SQLITE_LIMIT_LENGTH, MOST_MESSAGE);
	return true;
}

static bool has_table(Bag *b, const char *name)
{
	sqlite3_stmt *s = NULL;
	bool found = false;
	if (sqlite3_prepare_v2(b->db, "SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?1",
			       -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
		found = sqlite3_step(s) == SQLITE_ROW;
	}
	sqlite3_finalize(s);
	return found;
}

static const char *text_at(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	return text ? text : "";
}

/* ---- definitions and topics --------------------------------------------------------------------------------- */

static bool read_definitions(Bag *b)
{
	sqlite3_stmt *s = NULL;
	int code;
	if (!has_table(b, "message_definitions"))
		return true;
	if (sqlite3_prepare_v2(b->db,
			       "SELECT topic_type, encoding, encoded_message_definition FROM "
			       "message_definitions",
			       -1, &s, NULL) != SQLITE_OK)
		return fail(b, "table message_definitions");
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		Definition *d = g_new0(Definition, 1);
		d->encoding = g_strdup(text_at(s, 1));
		d->text = g_strdup(text_at(s, 2));
		g_hash_table_replace(b->definitions, g_strdup(text_at(s, 0)), d);
	}
	sqlite3_finalize(s);
	return code == SQLITE_DONE || fail(b, "table message_definitions");
}

/* The definition that the file carries; for the events of a service that of the service (types_ros.c makes them). */
static const Definition *definition_of(const Bag *b, const char *type)
{
	const Definition *d = g_hash_table_lookup(b->definitions, type);
	if (!d && g_str_has_suffix(type, "_Event")) {
		g_autofree char *service = g_strndup(type, strlen(type) - strlen("_Event"));
		d = g_hash_table_lookup(b->definitions, service);
	}
	return d && *d->text ? d : NULL;
}

/* NULL with a reason. */
static const MessageType *type_of(Bag *b, const char *type, char **ret_why)
{
	g_autofree char *name = ros_type_name(type);
	const Definition *d = definition_of(b, type);
	if (d)
		return intake_types(b->in, d->encoding, type, (const uint8_t *)d->text,
				    strlen(d->text), ret_why);
	const MessageType *found = type_set_find(ros_standard_types(), name);
	if (found && !message_type_missing(found))
		return found;
	*ret_why = g_strdup_printf(
		"the file carries no definition of %s and it is not among the common packages "
		"known "
		"here: convert it with 'ros2 bag convert' to MCAP where its package is installed",
		type);
	return NULL;
}

static void take_topic(Bag *b, int64_t id, const char *name, const char *type, const char *format)
{
	g_autofree char *why = NULL;
	bool cdr = !strcmp(format, "cdr");
	const MessageType *message = cdr ? type_of(b, type, &why) : NULL;
	const Definition *d = definition_of(b, type);
	IntakeTopic *topic = intake_topic(b->in, name, type, d ? d->text : NULL, format,
					  message ? WIRE_OF_CDR : WIRE_OF_NOTHING, message);
	if (!cdr)
		intake_refuse_topic(
			topic, "its messages are '%s'; only cdr is known in this storage", format);
	else if (!message)
		intake_refuse_topic(topic, "%s", why);
	int64_t *key = g_new(int64_t, 1);
	*key = id;
	g_hash_table_replace(b->topics, key, topic);
}

static bool read_topics(Bag *b)
{
	sqlite3_stmt *s = NULL;
	int code;
	if (sqlite3_prepare_v2(
		    b->db, "SELECT id, name, type, serialization_format FROM topics ORDER BY id",
		    -1, &s, NULL) != SQLITE_OK)
		return fail(b,
			    "no rosbag2 storage, or of a version that is not known (table topics)");
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		take_topic(b, sqlite3_column_int64(s, 0), text_at(s, 1), text_at(s, 2),
			   text_at(s, 3));
	sqlite3_finalize(s);
	return code == SQLITE_DONE || fail(b, "table topics");
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static void take_row(Bag *b, sqlite3_stmt *s)
{
	int64_t id = sqlite3_column_int64(s, 1);
	const IntakePlace place = {"row", (uint64_t)sqlite3_column_int64(s, 0), b->file};
	const IntakeTimes times = {sqlite3_column_int64(s, 2), INTAKE_NO_TIME};
	const uint8_t *data = sqlite3_column_blob(s, 3);
	size_t size = (size_t)sqlite3_column_bytes(s, 3);
	IntakeTopic *topic = g_hash_table_lookup(b->topics, &id);
	if (!topic) {
		topic = intake_topic(b->in, "(no topic)", "", NULL, "cdr", WIRE_OF_NOTHING, NULL);
		intake_leave(b->in, topic, "its topic is not in the table of topics", &place);
		return;
	}
	if (!unpacker_open(&b->unpacker, &data, &size)) {
		intake_leave(b->in, topic, "its zstd frame does not unpack", &place);
		return;
	}
	intake_message(b->in, topic, &times, data ? data : (const uint8_t *)"", size, &place);
}

static bool read_messages(Bag *b)
{
	sqlite3_stmt *s = NULL;
	int code;
	int64_t last = 0;
	if (sqlite3_prepare_v2(b->db,
			       "SELECT id, topic_id, timestamp, data FROM messages ORDER BY id", -1,
			       &s, NULL) != SQLITE_OK)
		return fail(b, "no rosbag2 storage (table messages)");
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		last = sqlite3_column_int64(s, 0);
		take_row(b, s);
	}
	sqlite3_finalize(s);
	if (code == SQLITE_DONE)
		return true;
	if (b->in->options->salvage) {
		intake_incomplete(b->in, "%s: damaged after row %" G_GINT64_FORMAT ": %s", b->path,
				  last, sqlite3_errmsg(b->db));
		return true;
	}
	g_set_error(b->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: table messages, after row %" G_GINT64_FORMAT
		    ": %s; --salvage takes what is whole",
		    b->path, last, sqlite3_errmsg(b->db));
	return false;
}

gboolean read_sqlite3(Intake *in, const char *path, GError **error)
{
	g_autofree char *base = g_path_get_basename(path);
	Bag b = {.in = in,
		 .path = path,
		 .file = in->files->len > 1 ? base : NULL,
		 .definitions =
			 g_hash_table_new_full(g_str_hash, g_str_equal, g_free, definition_free),
		 .topics = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		 .error = error};
	bool good =
		open_database(&b) && read_definitions(&b) && read_topics(&b) && read_messages(&b);
	sqlite3_close(b.db);
	g_hash_table_unref(b.definitions);
	g_hash_table_unref(b.topics);
	unpacker_clear(&b.unpacker);
	return good;
}
