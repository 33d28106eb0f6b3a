/* ULog of PX4 (docs.px4.io/main/en/dev_log/ulog_file_format.html). Formats describe packed structures; the first field of what
 * is logged is always `timestamp`, in microseconds since the flight controller started. */
#include "bytes.h"

#define MOST_FORMATS 5000

typedef struct {
	Intake *in;
	const char *path;
	TypeSet *set;
	GHashTable *topics; /* message id + 1 → IntakeTopic*, borrowed */
	size_t n_formats;
	uint64_t dropouts, dropped_ms;
} ULog;

/* ---- formats ------------------------------------------------------------------------------------------------ */

static bool kind_of(const char *name, FieldKind *ret)
{
	static const struct {
		const char *name;
		FieldKind kind;
	} known[] = {{"int8_t", FIELD_I8},    {"uint8_t", FIELD_U8},   {"int16_t", FIELD_I16},
		     {"uint16_t", FIELD_U16}, {"int32_t", FIELD_I32},  {"uint32_t", FIELD_U32},
		     {"int64_t", FIELD_I64},  {"uint64_t", FIELD_U64}, {"float", FIELD_F32},
		     {"double", FIELD_F64},   {"bool", FIELD_BOOL},    {"char", FIELD_U8}};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (!strcmp(known[i].name, name)) {
			*ret = known[i].kind;
			return true;
		}
	return false;
}

/* "float[3] accel". */
static bool add_field(MessageType *type, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 2);
	FieldKind kind = FIELD_MESSAGE;
	if (g_strv_length(words) != 2 || strlen(text) > FIELD_NAME)
		return false;
	char *bracket = strchr(words[0], '[');
	guint64 count = bracket ? g_ascii_strtoull(bracket + 1, NULL, 10) : 0;
	if (bracket)
		*bracket = '\0';
	bool chars = !strcmp(words[0], "char");
	kind_of(words[0], &kind);
	if (count > 100000)
		return false;
	FieldType *field = message_type_add(type, words[1], chars && bracket ? FIELD_TEXT : kind);
	field->many = bracket ? MANY_FIXED : MANY_ONE;
	field->count = (uint32_t)count;
	field->padding = g_str_has_prefix(words[1], "_padding");
	if (kind == FIELD_MESSAGE)
		field->of = g_strdup(words[0]);
	return true;
}

/* "NAME:TYPE FIELD;TYPE FIELD;". */
static void take_format(ULog *u, const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	char *colon = strchr(text, ':');
	if (!colon || u->n_formats++ > MOST_FORMATS)
		return;
	*colon = '\0';
	MessageType *type = type_set_add(u->set, text);
	g_auto(GStrv) fields = g_strsplit(colon + 1, ";", -1);
	for (char **field = fields; type && *field; field++)
		if (**field && !add_field(type, *field))
			type->dangling = true;
}

/* ---- data --------------------------------------------------------------------------------------------------- */

static void take_subscription(ULog *u, const uint8_t *data, size_t size)
{
	if (size < 4)
		return;
	unsigned instance = data[0], id = le16(data + 1);
	g_autofree char *name = g_strndup((const char *)data + 3, size - 3);
	g_autofree char *topic_name =
		instance ? g_strdup_printf("%s_%u", name, instance) : g_strdup(name);
	MessageType *type = type_set_find(u->set, name);
	type_set_resolve(u->set, NULL);
	const char *missing = type ? message_type_missing(type) : name;
	bool bad = missing || type->dangling || type->fields->len == 0;
	IntakeTopic *topic = intake_topic(u->in, topic_name, name, NULL, "ulog",
					  bad ? WIRE_OF_NOTHING : WIRE_OF_ULOG, type);
	if (bad)
		intake_refuse_topic(topic, "the log has no whole format for %s",
				    missing ? missing : name);
	g_hash_table_insert(u->topics, GUINT_TO_POINTER(id + 1), topic);
}

static void take_data(ULog *u, const uint8_t *data, size_t size, uint64_t at)
{
	const IntakePlace place = {"byte", at, NULL};
	IntakeTopic *topic =
		size >= 2 ? g_hash_table_lookup(u->topics, GUINT_TO_POINTER(le16(data) + 1u))
			  : NULL;
	if (!topic || size < 10) {
		topic = intake_topic(u->in, "(no subscription)", "", NULL, "ulog", WIRE_OF_NOTHING,
				     NULL);
		intake_leave(u->in, topic, "data that nothing in the log describes", &place);
		return;
	}
	uint64_t us = le64(data + 2);
	const IntakeTimes times = {us > INT64_MAX / 1000 ? INT64_MAX : (int64_t)us * CLOCK_US,
				   INTAKE_NO_TIME};
	intake_message(u->in, topic, &times, data + 2, size - 2, &place);
}

static void take_log(ULog *u, const uint8_t *data, size_t size)
{
	if (size < 9)
		return;
	uint64_t us = le64(data + 1);
	if (us < INT64_MAX / 1000)
		intake_text(u->in, "log", (int64_t)us * CLOCK_US, (const char *)data + 9, size - 9);
}

static void take_message(ULog *u, uint8_t type, const uint8_t *data, size_t size, uint64_t at)
{
	switch (type) {
	case 'F':
		take_format(u, data, size);
		break;
	case 'A':
		take_subscription(u, data, size);
		break;
	case 'D':
		take_data(u, data, size, at);
		break;
	case 'L':
		take_log(u, data, size);
		break;
	case 'O':
		u->dropouts++;
		u->dropped_ms += size >= 2 ? le16(data) : 0;
		break;
	default: /* information, parameters, flags, sync: not data */
		break;
	}
}

static void walk(ULog *u, const uint8_t *data, size_t size)
{
	size_t at = 16;
	while (size - at >= 3) {
		size_t n = le16(data + at);
		if (size - at - 3 < n)
			break;
		take_message(u, data[at + 2], data + at + 3, n, at);
		at += 3 + n;
	}
	if (at != size)
		intake_incomplete(u->in,
				  "the file ends within the record at byte %zu: the logger was "
				  "switched off while writing",
				  at);
}

gboolean read_ulog_bytes(Intake *in, const char *path, const uint8_t *data, size_t size,
			 GError **error)
{
	if (size < 16) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: byte %zu: ends within its 16-byte header", path, size);
		return FALSE;
	}
	ULog u = {.in = in,
		  .path = path,
		  .set = type_set_new(),
		  .topics = g_hash_table_new(NULL, NULL)};
	intake_keep_types(in, u.set);
	walk(&u, data, size);
	g_hash_table_unref(u.topics);
	intake_note(in, "times count from the start of the logging device, not in UTC");
	if (u.dropouts)
		intake_note(in,
			    "the logger itself lost data %" G_GUINT64_FORMAT
			    " times, %" G_GUINT64_FORMAT " ms in all",
			    u.dropouts, u.dropped_ms);
	return TRUE;
}

gboolean read_ulog(Intake *in, const char *path, GError **error)
{
	g_autoptr(GMappedFile) file = map_file(path, error);
	return file && read_ulog_bytes(in, path, (const uint8_t *)g_mapped_file_get_contents(file),
				       g_mapped_file_get_length(file), error);
}
