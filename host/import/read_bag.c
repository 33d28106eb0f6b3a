/* ROS 1 bags of version 2.0 (wiki.ros.org/Bags/Format/2.0). Records are read one after the other: chunks hold everything, the
 * index at the end is not needed, so that a bag whose index is missing or damaged reads like any other. */
#include "bytes.h"

#include <bzlib.h>
#include <lz4frame.h>

#define BAG_MAGIC "#ROSBAG V2.0\n"
#define MOST_CHUNK (512u << 20) /* uncompressed */

enum {
	OP_MESSAGE = 0x02,
	OP_BAG_HEADER = 0x03,
	OP_INDEX_DATA = 0x04,
	OP_CHUNK = 0x05,
	OP_CHUNK_INFO = 0x06,
	OP_CONNECTION = 0x07,
};

typedef struct {
	const uint8_t *data;
	size_t size;
} Span;

typedef struct {
	Span header, data;
	size_t end; /* just after it */
} Record;

typedef struct {
	Intake *in;
	const char *path, *file;
	GHashTable *connections; /* id + 1 → IntakeTopic*, borrowed */
	GByteArray *chunk;
	uint64_t chunks, damaged;
	GError **error;
} Bag;

/* ---- records ------------------------------------------------------------------------------------------------ */

/* FALSE: it does not fit into what is left. */
static bool record_at(Span all, size_t at, Record *ret)
{
	if (all.size - at < 4)
		return false;
	uint32_t n = le32(all.data + at);
	at += 4;
	if (all.size - at < n || all.size - at - n < 4)
		return false;
	ret->header = (Span){all.data + at, n};
	at += n;
	n = le32(all.data + at);
	at += 4;
	ret->data = (Span){all.data + at, MIN(n, all.size - at)};
	ret->end = at + n;
	return n <= all.size - at;
}

/* A header is a row of "LENGTH name=value". */
static bool field_of(Span header, const char *name, Span *ret)
{
	size_t at = 0, k = strlen(name);
	while (header.size - at >= 4) {
		uint32_t n = le32(header.data + at);
		at += 4;
		if (header.size - at < n)
			return false;
		if (n > k && header.data[at + k] == '=' && !memcmp(header.data + at, name, k)) {
			*ret = (Span){header.data + at + k + 1, n - k - 1};
			return true;
		}
		at += n;
	}
	return false;
}

static int op_of(Span header)
{
	Span op;
	return field_of(header, "op", &op) && op.size == 1 ? op.data[0] : -1;
}

static char *text_of(Span header, const char *name)
{
	Span value;
	return field_of(header, name, &value) ? g_strndup((const char *)value.data, value.size)
					      : g_strdup("");
}

static bool number_of(Span header, const char *name, uint32_t *ret)
{
	Span value;
	if (!field_of(header, name, &value) || value.size != 4)
		return false;
	*ret = le32(value.data);
	return true;
}

/* ---- connections and messages ------------------------------------------------------------------------------- */

static void take_connection(Bag *b, const Record *r)
{
	uint32_t id;
	if (!number_of(r->header, "conn", &id) ||
	    g_hash_table_contains(b->connections, GSIZE_TO_POINTER((gsize)id + 1)))
		return;
	g_autofree char *name = text_of(r->header, "topic"), *type = text_of(r->data, "type");
	g_autofree char *digest = text_of(r->data, "md5sum"), *why = NULL;
	Span text = {(const uint8_t *)"", 0};
	field_of(r->data, "message_definition", &text);
	const MessageType *message =
		intake_types(b->in, "ros1msg", type, text.data, text.size, &why);
	IntakeTopic *topic = intake_topic(b->in, name, type, digest, "ros1",
					  message ? WIRE_OF_ROS1 : WIRE_OF_NOTHING, message);
	if (!message)
		intake_refuse_topic(topic, "%s", why);
	g_hash_table_insert(b->connections, GSIZE_TO_POINTER((gsize)id + 1), topic);
}

static void take_message(Bag *b, const Record *r, uint64_t at)
{
	uint32_t id = 0;
	Span time;
	const IntakePlace place = {"byte", at, b->file};
	IntakeTopic *topic =
		number_of(r->header, "conn", &id)
			? g_hash_table_lookup(b->connections, GSIZE_TO_POINTER((gsize)id + 1))
			: NULL;
	if (!topic || !field_of(r->header, "time", &time) || time.size != 8) {
		topic = intake_topic(b->in, "(no connection)", "", NULL, "ros1", WIRE_OF_NOTHING,
				     NULL);
		intake_leave(
			b->in, topic,
			"its connection or time is not in the bag: damaged or cut at the front",
			&place);
		return;
	}
	const IntakeTimes times = {(int64_t)le32(time.data) * CLOCK_S + le32(time.data + 4),
				   INTAKE_NO_TIME};
	intake_message(b->in, topic, &times, r->data.data, r->data.size, &place);
}

static bool fail(Bag *b, uint64_t at, const char *what)
{
	b->damaged++;
	if (b->in->options->salvage) {
		intake_incomplete(b->in,
				  "damaged parts were stepped over, the first at byte "
				  "%" G_GUINT64_FORMAT ": %s",
				  at, what);
		return true;
	}
	g_set_error(b->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: byte %" G_GUINT64_FORMAT ": %s; --salvage takes what is whole", b->path,
		    at, what);
	return false;
}

/* ---- chunks ------------------------------------------------------------------------------------------------- */

/* True when exactly `size` bytes came out. */
static bool open_bz2(Span from, uint8_t *to, uint32_t size)
{
	unsigned n = size;
	return from.size <= UINT_MAX &&
	       BZ2_bzBuffToBuffDecompress((char *)to, &n, (char *)(uintptr_t)from.data,
					  (unsigned)from.size, 0, 0) == BZ_OK &&
	       n == size;
}

static bool open_lz4(Span from, uint8_t *to, uint32_t size)
{
	LZ4F_dctx *context;
	size_t made = 0, used = 0, hint = 1;
	if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
		return false;
	while (hint != 0 && used < from.size) {
		size_t out = size - made, in = from.size - used;
		hint = LZ4F_decompress(context, to + made, &out, from.data + used, &in, NULL);
		if (LZ4F_isError(hint) || (out == 0 && in == 0))
			break;
		made += out;
		used += in;
	}
	LZ4F_freeDecompressionContext(context);
	return hint == 0 && made == size;
}

/* NULL when its bytes can be used; else what is wrong. */
static const char *open_chunk(Bag *b, const Record *r, Span *ret)
{
	g_autofree char *how = text_of(r->header, "compression");
	uint32_t size;
	if (!number_of(r->header, "size", &size))
		return "a chunk without its size";
	if (size > MOST_CHUNK)
		return "a chunk of more than 512 MiB";
	if (!strcmp(how, "none")) {
		*ret = r->data;
		return size == r->data.size ? NULL : "a chunk's size is not what its header says";
	}
	/* bzip2 reaches about 1 : 50,000, LZ4 1 : 255 (their own limits): more is a lie. */
	if (size / 100000 > r->data.size)
		return "a chunk's size is not what its header says";
	/* At least a byte, so that an empty chunk has an address that may be counted from. */
	g_byte_array_set_size(b->chunk, MAX(size, 1));
	*ret = (Span){b->chunk->data, size};
	if (!strcmp(how, "bz2"))
		return open_bz2(r->data, b->chunk->data, size) ? NULL
							       : "a bz2 chunk does not unpack";
	if (!strcmp(how, "lz4"))
		return open_lz4(r->data, b->chunk->data, size) ? NULL
							       : "an lz4 chunk does not unpack";
	return "a chunk is compressed in an unknown way (known: none, bz2, lz4)";
}

static bool walk_chunk(Bag *b, Span all, uint64_t chunk_at)
{
	Record r;
	size_t at = 0;
	while (at < all.size && record_at(all, at, &r)) {
		int op = op_of(r.header);
		if (op == OP_CONNECTION)
			take_connection(b, &r);
		else if (op == OP_MESSAGE)
			take_message(b, &r, chunk_at);
		at = r.end;
	}
	return at == all.size || fail(b, chunk_at, "records within a chunk are damaged");
}

static bool take_chunk(Bag *b, const Record *r, uint64_t at)
{
	Span all;
	const char *wrong = open_chunk(b, r, &all);
	b->chunks++;
	return wrong ? fail(b, at, wrong) : walk_chunk(b, all, at);
}

/* What is left of a chunk that the recorder did not finish; only an uncompressed one can be used. */
static void take_cut_chunk(Bag *b, const Record *r, uint64_t at)
{
	g_autofree char *how = text_of(r->header, "compression");
	Record inner;
	size_t place = 0;
	if (op_of(r->header) != OP_CHUNK || strcmp(how, "none") != 0)
		return;
	while (place < r->data.size && record_at(r->data, place, &inner)) {
		if (op_of(inner.header) == OP_CONNECTION)
			take_connection(b, &inner);
		else if (op_of(inner.header) == OP_MESSAGE)
			take_message(b, &inner, at);
		place = inner.end;
	}
}

/* ---- the file ----------------------------------------------------------------------------------------------- */

static bool take_record(Bag *b, const Record *r, uint64_t at)
{
	Span position;
	switch (op_of(r->header)) {
	case OP_CHUNK:
		return take_chunk(b, r, at);
	case OP_CONNECTION:
		take_connection(b, r);
		return true;
	case OP_MESSAGE: /* not in chunks: allowed */
		take_message(b, r, at);
		return true;
	case OP_BAG_HEADER:
		if (field_of(r->header, "index_pos", &position) && position.size == 8 &&
		    le64(position.data) == 0)
			intake_note(b->in,
				    "the bag was not closed by its recorder (no index): read "
				    "from its chunks");
		return true;
	case OP_INDEX_DATA:
	case OP_CHUNK_INFO:
		return true;
	default:
		return fail(b, at, "a record of no known kind");
	}
}

static bool walk_file(Bag *b, Span all)
{
	size_t at = strlen(BAG_MAGIC);
	Record r = {0};
	while (at < all.size) {
		if (!record_at(all, at, &r)) {
			if (r.header.size)
				take_cut_chunk(b, &r, at);
			intake_incomplete(b->in,
					  "the file ends within the record at byte %zu: cut while "
					  "recording or copying",
					  at);
			return true;
		}
		if (!take_record(b, &r, at))
			return false;
		at = r.end;
		r = (Record){0};
	}
	return true;
}

gboolean read_bag_bytes(Intake *in, const char *path, const uint8_t *data, size_t size,
			GError **error)
{
	Bag b = {.in = in, .path = path, .error = error};
	if (size < strlen(BAG_MAGIC) || memcmp(data, BAG_MAGIC, strlen(BAG_MAGIC))) {
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			"%s: byte 8: a bag of another version than 2.0: convert it with 'rosbag "
			"fix' of ROS 1",
			path);
		return FALSE;
	}
	b.connections = g_hash_table_new(NULL, NULL);
	b.chunk = g_byte_array_new();
	bool good = walk_file(&b, (Span){data, size});
	g_hash_table_unref(b.connections);
	g_byte_array_unref(b.chunk);
	return good;
}

gboolean read_bag(Intake *in, const char *path, GError **error)
{
	g_autoptr(GMappedFile) file = map_file(path, error);
	return file && read_bag_bytes(in, path, (const uint8_t *)g_mapped_file_get_contents(file),
				      g_mapped_file_get_length(file), error);
}
