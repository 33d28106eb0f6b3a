/* Encodings whose fields stand one after the other as the definition says: ROS 1 and ULog (packed, little-endian), CDR
 * (aligned to the size of each primitive; OMG DDSI-RTPS 2.3, 10.2, and DDS-XTypes 1.3, 7.4 for the plain second version). */
#include "fields.h"

typedef struct {
	SequentialWire wire;
	const uint8_t *base, *at, *end;
	size_t most_align; /* CDR: 8, second version 4; others 1 */
	bool big_endian;
	unsigned depth;
	size_t budget;
	const FieldSink *sink;
	const uint8_t *start; /* of the message, for places in errors */
	GError **error;
} Walk;

static bool fail(Walk *w, const FieldNode *node, const char *what)
{
	return field_walk_fails(w->error, (size_t)(w->at - w->start), node, what);
}

static size_t size_of(FieldKind kind)
{
	switch (kind) {
	case FIELD_BOOL:
	case FIELD_I8:
	case FIELD_U8:
		return 1;
	case FIELD_I16:
	case FIELD_U16:
		return 2;
	case FIELD_I32:
	case FIELD_U32:
	case FIELD_F32:
		return 4;
	case FIELD_I64:
	case FIELD_U64:
	case FIELD_F64:
		return 8;
	case FIELD_TEXT:
	case FIELD_WIDE_TEXT:
	case FIELD_BYTES:
	case FIELD_TIME:
	case FIELD_DURATION:
	case FIELD_MESSAGE:
		return 0;
	}
	return 0;
}

static const uint8_t *take(Walk *w, size_t size, size_t align)
{
	align = MIN(align, w->most_align);
	size_t pad = align > 1 ? (align - (size_t)(w->at - w->base) % align) % align : 0;
	size_t left = (size_t)(w->end - w->at);
	if (left < pad || left - pad < size)
		return NULL;
	const uint8_t *at = w->at + pad;
	w->at = at + size;
	return at;
}

static uint64_t bits_of(const Walk *w, const uint8_t *p, size_t size)
{
	uint64_t v = 0;
	for (size_t i = 0; i < size; i++)
		v |= (uint64_t)p[w->big_endian ? size - 1 - i : i] << (8 * i);
	return v;
}

static bool take_u32(Walk *w, const FieldNode *node, uint32_t *ret)
{
	const uint8_t *p = take(w, 4, 4);
	if (!p)
		return fail(w, node, "the message ends before its field");
	*ret = (uint32_t)bits_of(w, p, 4);
	return true;
}

static bool exact_i64(int64_t v)
{
	return v >= -(INT64_C(1) << 53) && v <= INT64_C(1) << 53;
}

static void give_number(const Walk *w, FieldNode *node, FieldKind kind, const uint8_t *p)
{
	uint64_t bits = bits_of(w, p, size_of(kind));
	uint32_t low = (uint32_t)bits;
	double v = 0;
	float single;
	bool exact = true;
	switch (kind) {
	case FIELD_BOOL:
		v = bits != 0;
		break;
	case FIELD_I8:
		v = (int8_t)bits;
		break;
	case FIELD_I16:
		v = (int16_t)bits;
		break;
	case FIELD_I32:
		v = (int32_t)low;
		break;
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32:
		v = low;
		break;
	case FIELD_I64:
		v = (double)(int64_t)bits;
		exact = exact_i64((int64_t)bits);
		break;
	case FIELD_U64:
		v = (double)bits;
		exact = bits <= UINT64_C(1) << 53;
		break;
	case FIELD_F32:
		memcpy(&single, &low, sizeof(single));
		v = (double)single;
		break;
	case FIELD_F64:
		memcpy(&v, &bits, sizeof(v));
		break;
	case FIELD_TEXT:
	case FIELD_WIDE_TEXT:
	case FIELD_BYTES:
	case FIELD_TIME:
	case FIELD_DURATION:
	case FIELD_MESSAGE:
		return;
	}
	w->sink->number(w->sink->self, node, v, kind, exact);
}

static bool take_time(Walk *w, FieldNode *node, FieldKind kind)
{
	uint32_t sec, nsec;
	if (!take_u32(w, node, &sec) || !take_u32(w, node, &nsec))
		return false;
	/* A time of ROS 1 is unsigned, all others are signed. */
	int64_t s = w->wire == WIRE_ROS1 && kind == FIELD_TIME ? (int64_t)sec : (int32_t)sec;
	if (node)
		w->sink->time(w->sink->self, node, s * CLOCK_S + (int32_t)nsec, kind);
	return true;
}

static bool take_text(Walk *w, FieldNode *node)
{
	uint32_t n;
	if (!take_u32(w, node, &n))
		return false;
	const uint8_t *p = take(w, n, 1);
	if (!p)
		return fail(w, node, "a text is longer than the message");
	/* CDR counts the closing NUL; some writers send an empty text without one. */
	if (w->wire == WIRE_CDR && n > 0 && p[n - 1] == '\0')
		n--;
	if (node)
		w->sink->text(w->sink->self, node, (const char *)p, n);
	return true;
}

static bool walk_message(Walk *w, const MessageType *type, FieldNode *node);

static bool walk_one(Walk *w, const FieldType *field, FieldNode *node)
{
	size_t size = size_of(field->kind);
	if (w->budget-- == 0)
		return fail(w, node, "the message has more fields than any sensible one");
	if (size > 0) {
		const uint8_t *p = take(w, size, size);
		if (!p)
			return fail(w, node, "the message ends before its field");
		if (node)
			give_number(w, node, field->kind, p);
		return true;
	}
	if (field->kind == FIELD_TEXT)
		return take_text(w, node);
	if (field->kind == FIELD_TIME || field->kind == FIELD_DURATION)
		return take_time(w, node, field->kind);
	if (field->kind == FIELD_MESSAGE && field->message)
		return walk_message(w, field->message, node);
	return fail(w, node,
		    field->kind == FIELD_MESSAGE
			    ? "of a type whose definition is missing"
			    : "a wide text, which middlewares store in different ways");
}

/* Numbers in a row that nobody wants one by one. */
static bool skip_numbers(Walk *w, const FieldType *field, FieldNode *node, size_t n)
{
	size_t size = size_of(field->kind);
	bool octets = field->kind == FIELD_U8 || field->kind == FIELD_I8;
	/* An empty sequence has no first element to align to. */
	const uint8_t *p = n == 0 ? w->at : n > SIZE_MAX / size ? NULL : take(w, n * size, size);
	if (!p)
		return fail(w, node, "an array is longer than the message");
	if (!node)
		return true;
	if (octets)
		w->sink->bytes(w->sink->self, node, p, n);
	else if (n > 0)
		w->sink->long_array(w->sink->self, node, n);
	return true;
}

/* ULog writes texts as arrays of char. */
static bool take_chars(Walk *w, const FieldType *field, FieldNode *node)
{
	const uint8_t *p = take(w, field->count, 1);
	if (!p)
		return fail(w, node, "the message ends before its field");
	if (node)
		w->sink->text(w->sink->self, node, (const char *)p,
			      strnlen((const char *)p, field->count));
	return true;
}

static bool walk_many(Walk *w, const FieldType *field, FieldNode *node)
{
	uint32_t n = field->count;
	bool octet_blob = field->kind == FIELD_U8 && field->many == MANY_SEQUENCE;
	if (w->wire == WIRE_ULOG && field->kind == FIELD_TEXT)
		return take_chars(w, field, node);
	if (field->many == MANY_SEQUENCE && !take_u32(w, node, &n))
		return false;
	bool wanted = node && n <= w->sink->max_array;
	if (size_of(field->kind) > 0 && (!wanted || octet_blob))
		return skip_numbers(w, field, node, n);
	if (node && !wanted)
		w->sink->long_array(w->sink->self, node, n);
	for (uint32_t i = 0; i < n; i++)
		if (!walk_one(w, field, wanted ? field_node_child(node, i, NULL) : NULL))
			return false;
	return true;
}

static bool walk_message(Walk *w, const MessageType *type, FieldNode *node)
{
	if (++w->depth > FIELD_DEPTH)
		return fail(w, node, "its definition is nested without an end");
	/* A structure without members has one byte in CDR, since IDL forbids empty ones. */
	if (type->fields->len == 0 && w->wire == WIRE_CDR && !take(w, 1, 1) && w->depth > 1)
		return fail(w, node, "the message ends before its field");
	for (guint i = 0; i < type->fields->len; i++) {
		const FieldType *field = type->fields->pdata[i];
		FieldNode *child =
			node && !field->padding ? field_node_child(node, i, field->name) : NULL;
		/* ULog leaves the padding at the end of a logged message away. */
		if (field->padding && i + 1 == type->fields->len && w->depth == 1)
			break;
		if (field->many == MANY_ONE ? !walk_one(w, field, child)
					    : !walk_many(w, field, child))
			return false;
	}
	w->depth--;
	return true;
}

static bool open_cdr(Walk *w, size_t size)
{
	if (size < 4)
		return fail(w, NULL, "shorter than the 4 bytes that begin a CDR message");
	unsigned kind = (unsigned)(w->at[0] << 8 | w->at[1]);
	/* 0, 1: plain CDR; 6, 7: plain CDR of the second version (DDS-XTypes 1.3, table 60). */
	if (kind != 0 && kind != 1 && kind != 6 && kind != 7)
		return fail(w, NULL,
			    "no plain CDR (parameter list or delimited): record with a ROS 2 RMW");
	w->big_endian = (kind & 1) == 0;
	w->most_align = kind >= 6 ? 4 : 8;
	w->at += 4;
	w->base = w->at;
	return true;
}

gboolean walk_sequential(const MessageType *type, SequentialWire wire, const uint8_t *data,
			 size_t size, FieldNode *root, const FieldSink *sink, GError **error)
{
	Walk w = {.wire = wire,
		  .base = data,
		  .at = data,
		  .start = data,
		  .end = data + size,
		  .most_align = 1,
		  .budget = FIELD_BUDGET,
		  .sink = sink,
		  .error = error};
	if (wire == WIRE_CDR && !open_cdr(&w, size))
		return FALSE;
	if (!walk_message(&w, type, root))
		return FALSE;
	/* CDR may be filled up to four bytes. More left: the definition is of another version. */
	size_t left = (size_t)(w.end - w.at), most = wire == WIRE_CDR    ? 3
						     : wire == WIRE_ROS1 ? 0
									 : 64;
	return left <= most || fail(&w, NULL, "more bytes than its definition explains");
}
