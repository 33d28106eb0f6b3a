/* Message definitions of ROS 1 and ROS 2 as text (wiki.ros.org/msg, "ros2msg" of mcap.dev/spec/registry). */
#include "fields.h"

#define SEPARATOR "====="

typedef struct {
	const char *name;
	FieldKind kind;
} Primitive;

/* byte and char are signed and unsigned in ROS 1, both octets in ROS 2. */
static const Primitive ros2_primitives[] = {
	{"bool", FIELD_BOOL},
	{"byte", FIELD_U8},
	{"char", FIELD_U8},
	{"float32", FIELD_F32},
	{"float64", FIELD_F64},
	{"int8", FIELD_I8},
	{"uint8", FIELD_U8},
	{"int16", FIELD_I16},
	{"uint16", FIELD_U16},
	{"int32", FIELD_I32},
	{"uint32", FIELD_U32},
	{"int64", FIELD_I64},
	{"uint64", FIELD_U64},
	{"string", FIELD_TEXT},
	{"wstring", FIELD_WIDE_TEXT},
	{"builtin_interfaces/Time", FIELD_TIME},
	{"builtin_interfaces/Duration", FIELD_DURATION},
};
static const Primitive ros1_primitives[] = {
	{"bool", FIELD_BOOL},         {"byte", FIELD_I8},     {"char", FIELD_U8},
	{"float32", FIELD_F32},       {"float64", FIELD_F64}, {"int8", FIELD_I8},
	{"uint8", FIELD_U8},          {"int16", FIELD_I16},   {"uint16", FIELD_U16},
	{"int32", FIELD_I32},         {"uint32", FIELD_U32},  {"int64", FIELD_I64},
	{"uint64", FIELD_U64},        {"string", FIELD_TEXT}, {"time", FIELD_TIME},
	{"duration", FIELD_DURATION},
};

typedef struct {
	TypeSet *set;
	MessageType *type;
	char *package;
	bool ros1;
	unsigned line;
	GError **error;
} Parser;

static bool fail(Parser *p, const char *what, const char *word)
{
	g_set_error(p->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "line %u of its definition: %s '%.60s'", p->line, what, word);
	return false;
}

static bool primitive_of(const Parser *p, const char *name, FieldKind *ret)
{
	const Primitive *list = p->ros1 ? ros1_primitives : ros2_primitives;
	size_t n = p->ros1 ? G_N_ELEMENTS(ros1_primitives) : G_N_ELEMENTS(ros2_primitives);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name)) {
			*ret = list[i].kind;
			return true;
		}
	return false;
}

/* "[]", "[<=5]", "[9]" at the end of a type's word, cut off. */
static bool take_brackets(Parser *p, char *word, FieldMany *ret_many, uint32_t *ret_count)
{
	char *open = strchr(word, '[');
	*ret_many = MANY_ONE;
	if (!open)
		return true;
	if (open[1] == ']' || g_str_has_prefix(open + 1, "<=")) {
		*ret_many = MANY_SEQUENCE;
	} else {
		char *end;
		guint64 n = g_ascii_strtoull(open + 1, &end, 10);
		if (end == open + 1 || *end != ']' || n > UINT32_MAX)
			return fail(p, "expected the length of an array, found", open);
		*ret_many = MANY_FIXED;
		*ret_count = (uint32_t)n;
	}
	if (word[strlen(word) - 1] != ']')
		return fail(p, "expected ']' at the end of", word);
	*open = '\0';
	return true;
}

static char *full_name(const Parser *p, const char *word)
{
	if (strchr(word, '/'))
		return ros_type_name(word);
	if (!strcmp(word, "Header"))
		return g_strdup("std_msgs/Header");
	return *p->package ? g_strconcat(p->package, "/", word, NULL) : g_strdup(word);
}

static bool add_field(Parser *p, char *word, const char *name)
{
	FieldMany many;
	uint32_t count = 0;
	FieldKind kind = FIELD_MESSAGE;
	if (!take_brackets(p, word, &many, &count))
		return false;
	char *bound = strstr(word, "<=");
	if (bound)
		*bound = '\0';
	if (strlen(name) > FIELD_NAME || strlen(word) > FIELD_NAME || !*word)
		return fail(p, "a name that is too long or empty:", name);
	g_autofree char *type = primitive_of(p, word, &kind) ? NULL : full_name(p, word);
	if (type)
		primitive_of(p, type, &kind);
	FieldType *field = message_type_add(p->type, name, kind);
	field->many = many;
	field->count = count;
	if (kind == FIELD_MESSAGE)
		field->of = g_steal_pointer(&type);
	return true;
}

/* "TYPE NAME", "TYPE NAME default", "TYPE NAME=value" (a constant), all with "# comment". */
static bool take_line(Parser *p, char *line)
{
	char *name = line + strcspn(line, " \t");
	if (!*name)
		return fail(p, "expected a type and a name, found", line);
	*name++ = '\0';
	name += strspn(name, " \t");
	size_t n = strcspn(name, " \t=#");
	const char *after = name + n + strspn(name + n, " \t");
	if (*after == '=')
		return true;
	name[n] = '\0';
	if (!n)
		return fail(p, "expected a name after the type", line);
	return add_field(p, line, name);
}

static bool begin_type(Parser *p, const char *name)
{
	g_autofree char *full = ros_type_name(name);
	const char *slash = strrchr(full, '/');
	if (strlen(full) > FIELD_NAME)
		return fail(p, "a name that is too long:", full);
	g_free(p->package);
	p->package = slash ? g_strndup(full, (gsize)(slash - full)) : g_strdup("");
	p->type = type_set_add(p->set, full);
	/* A type that is given twice: the first one counts, as with all readers. */
	if (!p->type) {
		g_autofree char *again = g_strdup_printf("%s again at line %u", full, p->line);
		p->type = type_set_add(p->set, again);
	}
	return p->type || fail(p, "the type is there more than twice:", full);
}

/* rosbag2 describes the events of a service (REP 2012) by the service's own text, request "---" response. */
static bool begin_response(Parser *p)
{
	const char *suffix = g_str_has_suffix(p->type->name, "_Event") ? "_Event" : NULL;
	if (!suffix || p->ros1)
		return fail(p, "expected a type and a name, found", "---");
	size_t stem = strlen(p->type->name) - strlen(suffix);
	g_autofree char *request = g_strdup_printf("%.*s_Request", (int)stem, p->type->name);
	g_autofree char *response = g_strdup_printf("%.*s_Response", (int)stem, p->type->name);
	MessageType *event = p->type, *asked = type_set_add(p->set, request),
		    *answered = type_set_add(p->set, response);
	if (!asked || !answered)
		return fail(p, "a second", "---");
	GPtrArray *fields = asked->fields;
	asked->fields = event->fields;
	event->fields = fields;
	const char *const parts[] = {"info", "request", "response"};
	const char *const types[] = {"service_msgs/ServiceEventInfo", request, response};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		FieldType *field = message_type_add(event, parts[i], FIELD_MESSAGE);
		field->of = g_strdup(types[i]);
		field->many = i == 0 ? MANY_ONE : MANY_SEQUENCE; /* of one at most */
	}
	p->type = answered;
	return true;
}

static bool parse_lines(Parser *p, char *text)
{
	for (char *at = text, *next; at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		p->line++;
		g_strstrip(at);
		if (!*at || *at == '#' || g_str_has_prefix(at, SEPARATOR))
			continue;
		if (!strcmp(at, "---")) {
			if (!begin_response(p))
				return false;
		} else if (g_str_has_prefix(at, "MSG:")) {
			if (!begin_type(p, g_strstrip(at + 4)))
				return false;
		} else if (!take_line(p, at)) {
			return false;
		}
	}
	return true;
}

TypeSet *ros_definition_parse(const char *text, size_t size, const char *root, bool ros1,
			      const TypeSet *standard, GError **error)
{
	g_autoptr(TypeSet) set = type_set_new();
	g_autofree char *copy = g_strndup(text, size);
	Parser p = {.set = set, .ros1 = ros1, .error = error};
	bool good = size <= 1 << 22 && begin_type(&p, root) && parse_lines(&p, copy);
	g_free(p.package);
	if (size > 1 << 22)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "its definition has %zu bytes, expected 4 MiB at most", size);
	if (!good)
		return NULL;
	type_set_resolve(set, standard);
	return g_steal_pointer(&set);
}
