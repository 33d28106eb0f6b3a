/* protobuf messages with the types of their descriptors. Unknown fields are stepped over; of a field that is given twice the
 * last one counts (the sink replaces); a proto3 field without presence that is absent is 0. */
#include "proto.h"

typedef struct {
	const FieldSink *sink;
	size_t budget;
	const uint8_t *start;
	GError **error;
} Walk;

static bool fail(Walk *w, const uint8_t *at, const FieldNode *node, const char *what)
{
	return field_walk_fails(w->error, (size_t)(at - w->start), node, what);
}

static int64_t zigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void give_integer(const Walk *w, FieldNode *node, FieldKind kind, int64_t v)
{
	const int64_t exact = INT64_C(1) << 53;
	w->sink->number(w->sink->self, node, (double)v, kind, v >= -exact && v <= exact);
}

/* A scalar from its bits. */
static void give(const Walk *w, const FieldType *field, FieldNode *node, uint64_t bits)
{
	double d;
	float single;
	uint32_t low = (uint32_t)bits;
	switch (field->type) {
	case PROTO_DOUBLE:
		memcpy(&d, &bits, sizeof(d));
		w->sink->number(w->sink->self, node, d, FIELD_F64, true);
		break;
	case PROTO_FLOAT:
		memcpy(&single, &low, sizeof(single));
		w->sink->number(w->sink->self, node, (double)single, FIELD_F32, true);
		break;
	case PROTO_BOOL:
		w->sink->number(w->sink->self, node, bits != 0, FIELD_BOOL, true);
		break;
	case PROTO_UINT64:
	case PROTO_FIXED64:
		w->sink->number(w->sink->self, node, (double)bits, FIELD_U64,
				bits <= UINT64_C(1) << 53);
		break;
	case PROTO_UINT32:
	case PROTO_FIXED32:
		give_integer(w, node, FIELD_U32, low);
		break;
	case PROTO_SINT32:
	case PROTO_SINT64:
		give_integer(w, node, field->kind, zigzag(bits));
		break;
	case PROTO_INT32:
	case PROTO_ENUM:
	case PROTO_SFIXED32:
		give_integer(w, node, FIELD_I32, (int32_t)low);
		break;
	default:
		give_integer(w, node, FIELD_I64, (int64_t)bits);
	}
}

static uint8_t wire_of(const FieldType *field)
{
	switch (field->type) {
	case PROTO_DOUBLE:
	case PROTO_FIXED64:
	case PROTO_SFIXED64:
		return PROTO_I64;
	case PROTO_FLOAT:
	case PROTO_FIXED32:
	case PROTO_SFIXED32:
		return PROTO_I32;
	case PROTO_STRING:
	case PROTO_OCTETS:
	case PROTO_MESSAGE:
		return PROTO_BYTES;
	default:
		return PROTO_VARINT;
	}
}

/* Timestamp and Duration: seconds = 1, nanos = 2. */
static bool give_time(Walk *w, const FieldType *field, FieldNode *node, const ProtoField *f)
{
	ProtoReader r = {f->data, f->data + f->size, false};
	ProtoField part;
	int64_t sec = 0, nanos = 0;
	while (proto_next(&r, &part)) {
		if (part.number == 1 && part.wire == PROTO_VARINT)
			sec = (int64_t)part.bits;
		else if (part.number == 2 && part.wire == PROTO_VARINT)
			nanos = (int32_t)(uint32_t)part.bits;
	}
	if (r.bad || sec < -TIME_MOST_S || sec > TIME_MOST_S)
		return fail(w, f->data, node, "a time that cannot be read");
	w->sink->time(w->sink->self, node, sec * CLOCK_S + nanos, field->kind);
	return true;
}

static bool walk_message(Walk *w, const MessageType *type, const uint8_t *data, size_t size,
			 FieldNode *node, unsigned depth);

static bool walk_value(Walk *w, const FieldType *field, FieldNode *node, const ProtoField *f,
		       unsigned depth)
{
	if (w->budget-- == 0)
		return fail(w, f->data, node, "the message has more fields than any sensible one");
	if (field->kind == FIELD_TIME || field->kind == FIELD_DURATION)
		return give_time(w, field, node, f);
	if (field->kind == FIELD_MESSAGE && !field->message)
		return fail(w, f->data, node, "of a type whose descriptor is missing");
	if (field->kind == FIELD_MESSAGE)
		return walk_message(w, field->message, f->data, f->size, node, depth + 1);
	if (field->kind == FIELD_TEXT)
		w->sink->text(w->sink->self, node, (const char *)f->data, f->size);
	else if (field->kind == FIELD_BYTES)
		w->sink->bytes(w->sink->self, node, f->data, f->size);
	else
		give(w, field, node, f->bits);
	return true;
}

typedef struct {
	const MessageType *type;
	uint32_t *seen; /* of each field of the type: how many values came */
	FieldNode *node;
	unsigned depth;
} Place;

/* Element seen[i] of a repeated field; above the limit only counted. */
static bool walk_element(Walk *w, const Place *p, guint i, const ProtoField *f)
{
	const FieldType *field = p->type->fields->pdata[i];
	FieldNode *array = field_node_child(p->node, i, field->name);
	uint32_t n = p->seen[i]++;
	if (n >= w->sink->max_array)
		return w->budget-- > 0 ||
		       fail(w, f->data, array, "the message has more fields than any sensible one");
	return walk_value(w, field, field_node_child(array, n, NULL), f, p->depth);
}

static bool walk_packed(Walk *w, const Place *p, guint i, const ProtoField *f)
{
	const FieldType *field = p->type->fields->pdata[i];
	uint8_t wire = wire_of(field);
	ProtoReader r = {f->data, f->data + f->size, false};
	while (r.at < r.end) {
		ProtoField one = {.number = f->number, .wire = wire, .data = r.at};
		size_t size = wire == PROTO_I64 ? 8 : 4;
		if (wire == PROTO_VARINT) {
			if (!proto_varint(&r, &one.bits))
				return fail(w, f->data, p->node, "a packed array ends too early");
		} else if ((size_t)(r.end - r.at) < size) {
			return fail(w, f->data, p->node, "a packed array ends too early");
		} else {
			one.bits = size == 8 ? le64(r.at) : le32(r.at);
			r.at += size;
		}
		if (!walk_element(w, p, i, &one))
			return false;
	}
	return true;
}

static bool walk_field(Walk *w, const Place *p, guint i, const ProtoField *f)
{
	const FieldType *field = p->type->fields->pdata[i];
	uint8_t wire = wire_of(field);
	if (field->many == MANY_SEQUENCE && f->wire == PROTO_BYTES && wire != PROTO_BYTES)
		return walk_packed(w, p, i, f);
	if (f->wire != wire)
		return fail(w, f->data, p->node, "a field is not stored as its descriptor says");
	if (field->many == MANY_SEQUENCE)
		return walk_element(w, p, i, f);
	p->seen[i]++;
	return walk_value(w, field, field_node_child(p->node, i, field->name), f, p->depth);
}

static bool give_absent(Walk *w, const Place *p)
{
	for (guint i = 0; i < p->type->fields->len; i++) {
		const FieldType *field = p->type->fields->pdata[i];
		if (w->budget-- == 0)
			return fail(w, w->start, p->node,
				    "the message has more fields than any sensible one");
		if (p->seen[i] == 0 && field->implicit && wire_of(field) != PROTO_BYTES)
			give(w, field, field_node_child(p->node, i, field->name), 0);
		if (p->seen[i] > w->sink->max_array && field->many == MANY_SEQUENCE)
			w->sink->long_array(w->sink->self,
					    field_node_child(p->node, i, field->name),
					    p->seen[i] - w->sink->max_array);
	}
	return true;
}

static bool walk_message(Walk *w, const MessageType *type, const uint8_t *data, size_t size,
			 FieldNode *node, unsigned depth)
{
	ProtoReader r = {data, data + size, false};
	ProtoField f;
	if (depth > FIELD_DEPTH)
		return fail(w, data, node, "messages are nested without an end");
	g_autofree uint32_t *seen = g_new0(uint32_t, type->fields->len + 1);
	const Place place = {type, seen, node, depth};
	while (proto_next(&r, &f))
		for (guint i = 0; i < type->fields->len; i++)
			if (((const FieldType *)type->fields->pdata[i])->number == f.number) {
				if (!walk_field(w, &place, i, &f))
					return false;
				break;
			}
	if (r.bad)
		return fail(w, r.at, node, "these bytes are no protobuf message");
	return give_absent(w, &place);
}

gboolean walk_protobuf(const MessageType *type, const uint8_t *data, size_t size, FieldNode *root,
		       const FieldSink *sink, GError **error)
{
	Walk w = {sink, FIELD_BUDGET, data, error};
	return walk_message(&w, type, data, size, root, 0);
}
