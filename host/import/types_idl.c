/* OMG IDL as ROS 2's rosidl writes it ("ros2idl" of mcap.dev/spec/registry): modules, structs with primitives, strings,
 * sequences, arrays through typedefs, and other structs. Constants, enums' values and annotations are stepped over. */
#include "fields.h"

typedef struct {
	TypeSet *set;
	const char *at, *end, *start;
	char *word;         /* the present token; "" at the end */
	GPtrArray *scope;   /* char* */
	GHashTable *arrays; /* "pkg/name" of a typedef → FieldType*, owned */
	unsigned depth;
	GError **error;
} Parser;

static bool fail(Parser *p, const char *expected)
{
	unsigned line = 1;
	for (const char *c = p->start; c < p->at; c++)
		line += *c == '\n';
	if (p->error && !*p->error)
		g_set_error(p->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "line %u of its definition: expected %s, found '%.60s'", line, expected,
			    p->word);
	return false;
}

static void skip_blanks(Parser *p)
{
	while (p->at < p->end) {
		size_t left = (size_t)(p->end - p->at);
		if (g_ascii_isspace(*p->at)) {
			p->at++;
		} else if (*p->at == '#' || (left >= 2 && !memcmp(p->at, "//", 2)) ||
			   (left >= 5 && !memcmp(p->at, "=====", 5)) ||
			   (left >= 5 && !memcmp(p->at, "IDL: ", 5))) {
			while (p->at < p->end && *p->at != '\n')
				p->at++;
		} else if (left >= 2 && !memcmp(p->at, "/*", 2)) {
			const char *close = g_strstr_len(p->at + 2, (gssize)left - 2, "*/");
			p->at = close ? close + 2 : p->end;
		} else {
			return;
		}
	}
}

static bool name_byte(char c)
{
	return g_ascii_isalnum(c) || c == '_' || c == ':' || c == '.';
}

static void next(Parser *p)
{
	skip_blanks(p);
	const char *from = p->at;
	if (p->at < p->end && *p->at == '"') {
		for (p->at++; p->at < p->end && *p->at != '"'; p->at++)
			p->at += *p->at == '\\' && p->at + 1 < p->end;
		p->at += p->at < p->end;
	} else if (p->at < p->end && name_byte(*p->at)) {
		while (p->at < p->end && name_byte(*p->at))
			p->at++;
	} else if (p->at < p->end) {
		p->at++;
	}
	g_free(p->word);
	p->word = g_strndup(from, (gsize)(p->at - from));
}

static bool is(const Parser *p, const char *word)
{
	return !strcmp(p->word, word);
}

static bool accept(Parser *p, const char *word)
{
	if (!is(p, word))
		return false;
	next(p);
	return true;
}

static bool expect(Parser *p, const char *word)
{
	return accept(p, word) || fail(p, word);
}

/* "@name", "@name(…)" with anything balanced within. */
static bool skip_annotations(Parser *p)
{
	while (accept(p, "@")) {
		/* Middlewares put a head before it, or a flag, or nothing. */
		if (is(p, "optional"))
			return fail(p, "no optional member");
		next(p);
		if (!is(p, "("))
			continue;
		for (unsigned depth = 0; *p->word; next(p)) {
			depth += is(p, "(");
			if (is(p, ")") && --depth == 0)
				break;
		}
		if (!expect(p, ")"))
			return false;
	}
	return true;
}

/* "pkg::msg::Type" and "Type" within module pkg → "pkg/Type". */
static char *full_name(const Parser *p, const char *word)
{
	const char *last = g_strrstr(word, "::");
	if (last) {
		size_t n = strcspn(word, ":");
		return g_strdup_printf("%.*s/%s", (int)n, word, last + 2);
	}
	return p->scope->len ? g_strdup_printf("%s/%s", (char *)p->scope->pdata[0], word)
			     : g_strdup(word);
}

static bool primitive_of(const char *word, FieldKind *ret)
{
	static const struct {
		const char *name;
		FieldKind kind;
	} known[] = {{"boolean", FIELD_BOOL},     {"octet", FIELD_U8},   {"char", FIELD_U8},
		     {"int8", FIELD_I8},          {"uint8", FIELD_U8},   {"int16", FIELD_I16},
		     {"short", FIELD_I16},        {"uint16", FIELD_U16}, {"int32", FIELD_I32},
		     {"uint32", FIELD_U32},       {"int64", FIELD_I64},  {"uint64", FIELD_U64},
		     {"float", FIELD_F32},        {"double", FIELD_F64}, {"string", FIELD_TEXT},
		     {"wstring", FIELD_WIDE_TEXT}};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (!strcmp(known[i].name, word)) {
			*ret = known[i].kind;
			return true;
		}
	return false;
}

/* "unsigned long long", "long", "unsigned short" … */
static bool long_of(Parser *p, FieldKind *ret)
{
	bool is_unsigned = accept(p, "unsigned");
	if (is_unsigned && accept(p, "short")) {
		*ret = FIELD_U16;
		return true;
	}
	if (!accept(p, "long"))
		return false;
	bool twice = accept(p, "long");
	*ret = twice ? is_unsigned ? FIELD_U64 : FIELD_I64 : is_unsigned ? FIELD_U32 : FIELD_I32;
	return true;
}

static void set_named(Parser *p, FieldType *field, const char *word)
{
	g_autofree char *name = full_name(p, word);
	const FieldType *alias = g_hash_table_lookup(p->arrays, name);
	if (alias) {
		field->kind = alias->kind;
		field->many = alias->many;
		field->count = alias->count;
		field->of = g_strdup(alias->of);
		return;
	}
	field->kind = !strcmp(name, "builtin_interfaces/Time")       ? FIELD_TIME
		      : !strcmp(name, "builtin_interfaces/Duration") ? FIELD_DURATION
								     : FIELD_MESSAGE;
	if (field->kind == FIELD_MESSAGE)
		field->of = g_steal_pointer(&name);
}

/* A type into field: kind, many, count, of. */
static bool take_type(Parser *p, FieldType *field)
{
	if (accept(p, "sequence")) {
		if (!expect(p, "<") || ++p->depth > FIELD_DEPTH || !take_type(p, field))
			return false;
		p->depth--;
		if (field->many != MANY_ONE)
			return fail(p, "a sequence of single values");
		field->many = MANY_SEQUENCE;
		if (accept(p, ","))
			next(p);
		return expect(p, ">");
	}
	if (long_of(p, &field->kind))
		return true;
	if (!*p->word || !name_byte(p->word[0]))
		return fail(p, "a type");
	if (!primitive_of(p->word, &field->kind))
		set_named(p, field, p->word);
	next(p);
	if ((field->kind == FIELD_TEXT || field->kind == FIELD_WIDE_TEXT) && accept(p, "<")) {
		next(p);
		return expect(p, ">");
	}
	return true;
}

/* "[9]" after a name. */
static bool take_length(Parser *p, FieldType *field)
{
	if (!accept(p, "["))
		return true;
	guint64 n = g_ascii_strtoull(p->word, NULL, 10);
	if (n == 0 || n > UINT32_MAX || field->many != MANY_ONE)
		return fail(p, "the length of a plain array");
	field->many = MANY_FIXED;
	field->count = (uint32_t)n;
	next(p);
	return expect(p, "]");
}

static void field_free(void *pointer)
{
	FieldType *field = pointer;
	g_free(field->name);
	g_free(field->of);
	g_free(field);
}

static bool take_typedef(Parser *p)
{
	FieldType *field = g_new0(FieldType, 1);
	bool good = take_type(p, field) &&
		    ((*p->word && strlen(p->word) < FIELD_NAME) || fail(p, "a name"));
	g_autofree char *name = good ? full_name(p, p->word) : NULL;
	if (good)
		next(p);
	good = good && take_length(p, field) && expect(p, ";");
	if (good)
		g_hash_table_replace(p->arrays, g_steal_pointer(&name), field);
	else
		field_free(field);
	return good;
}

static bool take_member(Parser *p, MessageType *type)
{
	FieldType parsed = {0};
	if (!skip_annotations(p) || !take_type(p, &parsed)) {
		g_free(parsed.of);
		return false;
	}
	if (!*p->word || strlen(p->word) > FIELD_NAME) {
		g_free(parsed.of);
		return fail(p, "a member's name");
	}
	FieldType *field = message_type_add(type, p->word, parsed.kind);
	field->many = parsed.many;
	field->count = parsed.count;
	field->of = parsed.of;
	next(p);
	return take_length(p, field) && expect(p, ";");
}

static bool take_struct(Parser *p)
{
	g_autofree char *name = full_name(p, p->word);
	MessageType *type = strlen(name) > 2 * FIELD_NAME ? NULL : type_set_add(p->set, name);
	if (!type)
		return fail(p, "a struct that was not there before");
	next(p);
	if (!expect(p, "{"))
		return false;
	while (*p->word && !is(p, "}"))
		if (!take_member(p, type))
			return false;
	/* IDL forbids empty structures; rosidl puts one octet there. */
	const FieldType *only = type->fields->len == 1 ? type->fields->pdata[0] : NULL;
	if (only && !strcmp(only->name, "structure_needs_at_least_one_member"))
		g_ptr_array_set_size(type->fields, 0);
	return expect(p, "}") && expect(p, ";");
}

/* const and enum: to the semicolon at this level. */
static bool skip_statement(Parser *p)
{
	for (unsigned depth = 0; *p->word; next(p)) {
		depth += is(p, "{");
		depth -= is(p, "}") && depth > 0;
		if (is(p, ";") && depth == 0)
			break;
	}
	return expect(p, ";");
}

static bool take_definitions(Parser *p)
{
	if (++p->depth > FIELD_DEPTH)
		return fail(p, "modules that end");
	while (*p->word && !is(p, "}")) {
		if (!skip_annotations(p))
			return false;
		bool good;
		if (accept(p, "module")) {
			g_ptr_array_add(p->scope, g_strdup(p->word));
			next(p);
			good = expect(p, "{") && take_definitions(p) && expect(p, "}") &&
			       expect(p, ";");
			g_ptr_array_set_size(p->scope, (gint)p->scope->len - 1);
		} else if (accept(p, "struct")) {
			good = take_struct(p);
		} else if (accept(p, "typedef")) {
			good = take_typedef(p);
		} else if (accept(p, ";")) {
			good = true;
		} else {
			good = is(p, "const") || is(p, "enum")
				       ? skip_statement(p)
				       : fail(p, "module, struct or typedef");
		}
		if (!good)
			return false;
	}
	p->depth--;
	return true;
}

TypeSet *idl_definition_parse(const char *text, size_t size, const char *root, GError **error)
{
	g_autoptr(TypeSet) set = type_set_new();
	Parser p = {.set = set, .at = text, .start = text, .end = text + size, .error = error};
	(void)root; /* structs say their own names */
	if (size > 1 << 22) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "its definition has %zu bytes, expected 4 MiB at most", size);
		return NULL;
	}
	p.scope = g_ptr_array_new_with_free_func(g_free);
	p.arrays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, field_free);
	next(&p);
	bool good = take_definitions(&p) && (!*p.word || fail(&p, "the end"));
	if (!good)
		fail(&p, "less nesting"); /* where nothing else was said */
	g_ptr_array_unref(p.scope);
	g_hash_table_unref(p.arrays);
	g_free(p.word);
	if (!good)
		return NULL;
	type_set_resolve(set, NULL);
	return g_steal_pointer(&set);
}
