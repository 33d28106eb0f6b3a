/* protobuf: a FileDescriptorSet (google/protobuf/descriptor.proto) becomes types. The descriptors are messages like others,
 * read here with the little that is needed of the wire format (protobuf.dev/programming-guides/encoding). */
#include "proto.h"

bool proto_next(ProtoReader *r, ProtoField *ret)
{
	uint64_t tag = 0;
	if (r->bad || r->at == r->end)
		return false;
	r->bad = !proto_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff;
	*ret = (ProtoField){.number = (uint32_t)(tag >> 3), .wire = (uint8_t)(tag & 7)};
	if (r->bad)
		return false;
	size_t left;
	switch (ret->wire) {
	case PROTO_VARINT:
		r->bad = !proto_varint(r, &ret->bits);
		break;
	case PROTO_I64:
	case PROTO_I32:
		ret->size = ret->wire == PROTO_I64 ? 8 : 4;
		r->bad = (size_t)(r->end - r->at) < ret->size;
		if (!r->bad)
			ret->bits = ret->size == 8 ? le64(r->at) : le32(r->at);
		break;
	case PROTO_BYTES:
		r->bad = !proto_varint(r, &ret->bits);
		left = (size_t)(r->end - r->at);
		r->bad = r->bad || ret->bits > left;
		ret->size = (size_t)ret->bits;
		break;
	default: /* groups: gone since 2008 */
		r->bad = true;
	}
	if (r->bad)
		return false;
	ret->data = r->at;
	r->at += ret->size;
	return true;
}

bool proto_varint(ProtoReader *r, uint64_t *ret)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (r->at == r->end)
			return false;
		uint8_t b = *r->at++;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

typedef struct {
	TypeSet *set;
	bool proto3;
	GError **error;
} Parser;

static bool fail(Parser *p, const char *what, const char *where)
{
	if (p->error && !*p->error)
		g_set_error(p->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "its FileDescriptorSet: %s '%.100s'", what, where);
	return false;
}

static char *text_of(const ProtoField *f)
{
	return g_strndup((const char *)f->data, MIN(f->size, FIELD_NAME));
}

static FieldKind kind_of(uint8_t type)
{
	static const FieldKind kinds[] = {
		[PROTO_DOUBLE] = FIELD_F64,   [PROTO_FLOAT] = FIELD_F32,
		[PROTO_INT64] = FIELD_I64,    [PROTO_UINT64] = FIELD_U64,
		[PROTO_INT32] = FIELD_I32,    [PROTO_FIXED64] = FIELD_U64,
		[PROTO_FIXED32] = FIELD_U32,  [PROTO_BOOL] = FIELD_BOOL,
		[PROTO_STRING] = FIELD_TEXT,  [PROTO_MESSAGE] = FIELD_MESSAGE,
		[PROTO_OCTETS] = FIELD_BYTES, [PROTO_UINT32] = FIELD_U32,
		[PROTO_ENUM] = FIELD_I32,     [PROTO_SFIXED32] = FIELD_I32,
		[PROTO_SFIXED64] = FIELD_I64, [PROTO_SINT32] = FIELD_I32,
		[PROTO_SINT64] = FIELD_I64,
	};
	return kinds[type];
}

static bool take_field(Parser *p, MessageType *type, const ProtoField *message)
{
	ProtoReader r = {message->data, message->data + message->size, false};
	ProtoField f;
	FieldType *field = message_type_add(type, "", FIELD_I32);
	uint64_t label = 0;
	bool optional = false, oneof = false;
	while (proto_next(&r, &f)) {
		if (f.number == 1 && f.wire == PROTO_BYTES) {
			g_free(field->name);
			field->name = text_of(&f);
		} else if (f.number == 3 && f.wire == PROTO_VARINT) {
			field->number = (uint32_t)f.bits;
		} else if (f.number == 4 && f.wire == PROTO_VARINT) {
			label = f.bits;
		} else if (f.number == 5 && f.wire == PROTO_VARINT) {
			field->type = f.bits <= PROTO_SINT64 ? (uint8_t)f.bits : 0;
		} else if (f.number == 6 && f.wire == PROTO_BYTES && !field->of) {
			field->of = text_of(&f);
		} else if (f.number == 9 && f.wire == PROTO_VARINT) {
			oneof = true;
		} else if (f.number == 17 && f.wire == PROTO_VARINT) {
			optional = f.bits != 0;
		}
	}
	if (r.bad || !field->number || !field->type || field->type == PROTO_GROUP || !*field->name)
		return fail(p, "a field that cannot be read in", type->name);
	field->kind = kind_of(field->type);
	field->many = label == 3 ? MANY_SEQUENCE : MANY_ONE;
	field->implicit = p->proto3 && !optional && !oneof && field->many == MANY_ONE &&
			  field->kind != FIELD_MESSAGE;
	if (field->kind != FIELD_MESSAGE)
		g_clear_pointer(&field->of, g_free);
	else if (!field->of)
		return fail(p, "a field without its type in", type->name);
	if (field->of && field->of[0] == '.')
		memmove(field->of, field->of + 1, strlen(field->of));
	if (!g_strcmp0(field->of, "google.protobuf.Timestamp"))
		field->kind = FIELD_TIME;
	else if (!g_strcmp0(field->of, "google.protobuf.Duration"))
		field->kind = FIELD_DURATION;
	return true;
}

static bool take_message(Parser *p, const char *scope, const ProtoField *message, unsigned depth)
{
	ProtoReader r = {message->data, message->data + message->size, false};
	ProtoField f;
	g_autofree char *name = NULL;
	if (depth > FIELD_DEPTH)
		return fail(p, "messages are nested without an end in", scope);
	while (!name && proto_next(&r, &f))
		if (f.number == 1 && f.wire == PROTO_BYTES)
			name = text_of(&f);
	if (r.bad || !name || !*name)
		return fail(p, "a message without a name in", scope);
	g_autofree char *full = *scope ? g_strconcat(scope, ".", name, NULL) : g_strdup(name);
	if (strlen(full) > 8 * FIELD_NAME)
		return fail(p, "a name that is too long:", full);
	MessageType *type = type_set_add(p->set, full);
	if (!type)
		return true; /* files may come twice, through two imports */
	r = (ProtoReader){message->data, message->data + message->size, false};
	while (proto_next(&r, &f)) {
		if (f.wire != PROTO_BYTES)
			continue;
		if (f.number == 2 && !take_field(p, type, &f))
			return false;
		if (f.number == 3 && !take_message(p, full, &f, depth + 1))
			return false;
	}
	return !r.bad || fail(p, "the bytes end within", full);
}

static bool take_file(Parser *p, const ProtoField *file)
{
	ProtoReader r = {file->data, file->data + file->size, false};
	ProtoField f;
	g_autofree char *package = g_strdup(""), *syntax = g_strdup("proto2");
	while (proto_next(&r, &f)) {
		char **to = f.number == 2 ? &package : f.number == 12 ? &syntax : NULL;
		if (to && f.wire == PROTO_BYTES) {
			g_free(*to);
			*to = text_of(&f);
		}
	}
	/* Editions say field by field whether absence is told; they are read like proto2: absent is absent. */
	p->proto3 = !strcmp(syntax, "proto3");
	r = (ProtoReader){file->data, file->data + file->size, false};
	while (proto_next(&r, &f))
		if (f.number == 4 && f.wire == PROTO_BYTES && !take_message(p, package, &f, 0))
			return false;
	return !r.bad || fail(p, "the bytes end within the file of package", package);
}

TypeSet *proto_descriptor_parse(const uint8_t *data, size_t size, GError **error)
{
	g_autoptr(TypeSet) set = type_set_new();
	Parser p = {.set = set, .error = error};
	ProtoReader r = {data, data + size, false};
	ProtoField f;
	while (proto_next(&r, &f))
		if (f.number == 1 && f.wire == PROTO_BYTES && !take_file(&p, &f))
			return NULL;
	if (r.bad) {
		fail(&p, "these bytes are none, from byte", "0");
		return NULL;
	}
	type_set_resolve(set, NULL);
	return g_steal_pointer(&set);
}
