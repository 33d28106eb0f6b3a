/* Private to mcap: little-endian bytes, read by a cursor that cannot run over and appended to a growing buffer. */
#ifndef MCAP_WIRE_H
#define MCAP_WIRE_H

#include <anzen/mcap.h>
#include <string.h>

/* ---- reading: once `bad`, everything that follows is 0 and empty ----------------------------- */

typedef struct Cursor {
	const uint8_t *at, *end;
	bool bad;
} Cursor;

static inline Cursor cursor_of(McapBytes bytes)
{
	return (Cursor){bytes.data, bytes.data + bytes.size, false};
}

static inline McapBytes cursor_bytes(Cursor *c, uint64_t n)
{
	if (c->bad || n > (uint64_t)(c->end - c->at)) {
		c->bad = true;
		return (McapBytes){(const uint8_t *)"", 0};
	}
	McapBytes bytes = {c->at, (size_t)n};
	c->at += n;
	return bytes;
}

static inline uint64_t cursor_uint(Cursor *c, unsigned size)
{
	McapBytes b = cursor_bytes(c, size);
	uint64_t v = 0;
	for (size_t i = b.size; i-- > 0;)
		v = v << 8 | b.data[i];
	return v;
}

#define cursor_u8(c) ((uint8_t)cursor_uint((c), 1))
#define cursor_u16(c) ((uint16_t)cursor_uint((c), 2))
#define cursor_u32(c) ((uint32_t)cursor_uint((c), 4))
#define cursor_u64(c) cursor_uint((c), 8)

static inline McapText cursor_text(Cursor *c)
{
	McapBytes b = cursor_bytes(c, cursor_u32(c));
	if (b.size > 0 && !g_utf8_validate((const char *)b.data, (gssize)b.size, NULL))
		c->bad = true;
	return (McapText){(const char *)b.data, b.size};
}

static inline uint64_t load_u64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return GUINT64_FROM_LE(v);
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct Buffer {
	uint8_t *data;
	size_t size, capacity;
} Buffer;

static inline void buffer_clear(Buffer *b)
{
	g_clear_pointer(&b->data, g_free);
	b->size = b->capacity = 0;
}

static inline uint8_t *buffer_extend(Buffer *b, size_t n)
{
	if (b->capacity - b->size < n) {
		b->capacity = MAX(b->capacity * 2, b->size + n + 64);
		b->data = g_realloc(b->data, b->capacity);
	}
	uint8_t *at = b->data + b->size;
	b->size += n;
	return at;
}

static inline void put_bytes(Buffer *b, const void *data, size_t n)
{
	if (n > 0)
		memcpy(buffer_extend(b, n), data, n);
}

static inline void put_u8(Buffer *b, uint8_t v)
{
	*buffer_extend(b, 1) = v;
}

static inline void put_u16(Buffer *b, uint16_t v)
{
	v = GUINT16_TO_LE(v);
	memcpy(buffer_extend(b, sizeof(v)), &v, sizeof(v));
}

static inline void put_u32(Buffer *b, uint32_t v)
{
	v = GUINT32_TO_LE(v);
	memcpy(buffer_extend(b, sizeof(v)), &v, sizeof(v));
}

static inline void put_u64(Buffer *b, uint64_t v)
{
	v = GUINT64_TO_LE(v);
	memcpy(buffer_extend(b, sizeof(v)), &v, sizeof(v));
}

static inline void put_text(Buffer *b, const char *s)
{
	size_t n = s ? strlen(s) : 0;
	put_u32(b, (uint32_t)n);
	put_bytes(b, s, n);
}

/* A record's length is known only at its end: open it, append the content, close it. */
static inline size_t record_open(Buffer *b, uint8_t opcode)
{
	put_u8(b, opcode);
	put_u64(b, 0);
	return b->size;
}

static inline void record_close(Buffer *b, size_t opened)
{
	uint64_t length = GUINT64_TO_LE((uint64_t)(b->size - opened));
	memcpy(b->data + opened - sizeof(length), &length, sizeof(length));
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Buffer, buffer_clear)

/* crc32.c: whether this CPU multiplies without carries, and the way that needs none (for tests). */
bool crc32_folds(void);
uint32_t crc32_by_tables(uint32_t crc, const void *data, size_t size);

/* chunk.c: append `records` to `out`, compressed. */
gboolean chunk_compress(McapCompression compression, int level, const uint8_t *records, size_t size,
			Buffer *out, void **context, GError **error);
void chunk_context_free(void *context);

/* Uncompressing, from chunk to chunk: all zero to begin. */
typedef struct ChunkOpener {
	struct LZ4F_dctx_s *lz4;
	struct ZSTD_DCtx_s *zstd;
	uint8_t *bytes;
	size_t room;
} ChunkOpener;

/* As mcap_chunk_open(); the bytes are the opener's until its next chunk, or those of the record when it is stored plain. */
gboolean chunk_open(ChunkOpener *opener, const McapChunk *chunk, uint64_t where,
		    McapReadFlags flags, const McapLimits *limits, McapBytes *ret, GError **error);
void chunk_opener_clear(ChunkOpener *opener);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChunkOpener, chunk_opener_clear)

/* What the stored bytes say of their size uncompressed; 0: nothing. */
uint64_t chunk_content_size(const McapChunk *chunk);

/* record.c: as mcap_record_parse(); how many bytes the known fields take, opcode and length included. */
gboolean record_parse_used(const uint8_t *data, size_t size, uint64_t where, McapRecord *ret,
			   size_t *ret_used, GError **error);

/* index.c: what the summary lists, when its CRC agrees; whether that is all is not asked. NULL: there is no whole one. */
McapIndex *index_of_summary(const McapSource *source, const McapLimits *limits,
			    uint64_t *ret_start);

#endif
