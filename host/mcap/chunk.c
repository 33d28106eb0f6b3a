/* Chunk contents: none, lz4 (frame format) and zstd, with caps on the declared and the real size. */
#include "wire.h"
#include <lz4frame.h>
#include <zstd.h>

#define DEFAULT_CHUNK_SIZE (UINT64_C(256) << 20)
/* The most that zstd can do is a block of 128 KiB of equal bytes in 4 bytes, 32,768 : 1 (RFC 8878, 3.1.1.2); lz4
 * stays below 255 : 1. */
#define DEFAULT_RATIO 40000

static const char *const names[] = {[MCAP_NONE] = "", [MCAP_LZ4] = "lz4", [MCAP_ZSTD] = "zstd"};

const char *mcap_compression_name(McapCompression compression)
{
	return names[compression];
}

gboolean mcap_compression_parse(const char *name, McapCompression *ret)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (!strcmp(name, names[i])) {
			*ret = (McapCompression)i;
			return TRUE;
		}
	return FALSE;
}

static gboolean text_is_compression(McapText text, McapCompression *ret)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (mcap_text_equal(text, names[i])) {
			*ret = (McapCompression)i;
			return TRUE;
		}
	return FALSE;
}

/* Exactly `size` bytes must come out and nothing may be left over: returns what went wrong, or NULL. */
static const char *uncompress_zstd(ChunkOpener *o, McapBytes in, uint8_t *out, size_t size)
{
	if (in.size == 0 && size == 0) /* some writers store an empty chunk as no frame at all */
		return NULL;
	unsigned long long declared = ZSTD_getFrameContentSize(in.data, in.size);
	if (declared == ZSTD_CONTENTSIZE_ERROR)
		return "no zstd frame";
	if (!o->zstd)
		o->zstd = ZSTD_createDCtx();
	size_t n = ZSTD_decompressDCtx(o->zstd, out, size, in.data, in.size);
	if (ZSTD_isError(n))
		return ZSTD_getErrorName(n);
	return n == size ? NULL : "fewer bytes than the chunk declares";
}

/* One frame: moves `from` and `to` on. What was written stays where it is, so nothing is copied aside. */
static const char *lz4_frame(LZ4F_dctx *context, McapBytes in, uint8_t *out, size_t size,
			     size_t *from, size_t *to)
{
	const LZ4F_decompressOptions_t options = {.stableDst = 1};
	for (size_t hint = 1; hint != 0;) {
		size_t had = in.size - *from, room = size - *to;
		hint = LZ4F_decompress(context, out + *to, &room, in.data + *from, &had, &options);
		if (LZ4F_isError(hint))
			return LZ4F_getErrorName(hint);
		if (hint != 0 && had == 0 && room == 0)
			return "the lz4 frame is cut or longer than the chunk declares";
		*from += had;
		*to += room;
	}
	return NULL;
}

/* Frames may be concatenated (LZ4 frame format 1.6, "Frame concatenation"), as zstd's may. */
static const char *uncompress_lz4(ChunkOpener *o, McapBytes in, uint8_t *out, size_t size)
{
	if (!o->lz4 && LZ4F_isError(LZ4F_createDecompressionContext(&o->lz4, LZ4F_VERSION)))
		return "no memory";
	const char *problem = NULL;
	size_t from = 0, to = 0;
	LZ4F_resetDecompressionContext(o->lz4);
	while (from < in.size && !problem)
		problem = lz4_frame(o->lz4, in, out, size, &from, &to);
	if (!problem && to != size)
		problem = "other bytes than the chunk declares";
	return problem;
}

static const char *too_large(const McapChunk *chunk, McapCompression compression,
			     const McapLimits *limits)
{
	uint64_t cap = limits && limits->chunk_size ? limits->chunk_size : DEFAULT_CHUNK_SIZE;
	uint64_t ratio = limits && limits->ratio ? limits->ratio : DEFAULT_RATIO;

	if (chunk->uncompressed_size > cap)
		return "declares more than the reader's cap on a chunk";
	if (compression == MCAP_NONE && chunk->uncompressed_size != chunk->records.size)
		return "is stored plain but declares another size than it has";
	if (chunk->uncompressed_size > ratio * (chunk->records.size + 1))
		return "declares an absurd compression ratio";
	return NULL;
}

void chunk_opener_clear(ChunkOpener *o)
{
	LZ4F_freeDecompressionContext(o->lz4);
	ZSTD_freeDCtx(o->zstd);
	g_free(o->bytes);
	*o = (ChunkOpener){0};
}

/* Room that earlier chunks had is used again: fresh pages cost more than uncompressing into them. */
static uint8_t *room_for(ChunkOpener *o, size_t size)
{
	if (size > o->room) {
		g_free(o->bytes);
		o->bytes = g_malloc(size);
		o->room = size;
	}
	return o->bytes;
}

static const char *uncompress(ChunkOpener *o, const McapChunk *chunk, McapCompression compression,
			      McapBytes *ret)
{
	uint8_t nothing; /* both libraries want a place to write to even when nothing is to come */
	size_t size = (size_t)chunk->uncompressed_size;
	uint8_t *to = compression == MCAP_NONE ? NULL : size > 0 ? room_for(o, size) : &nothing;
	*ret = (McapBytes){to, size};
	switch (compression) {
	case MCAP_NONE:
		*ret = chunk->records;
		return NULL;
	case MCAP_LZ4:
		return uncompress_lz4(o, chunk->records, to, size);
	case MCAP_ZSTD:
		return uncompress_zstd(o, chunk->records, to, size);
	}
	return "unknown";
}

gboolean chunk_open(ChunkOpener *o, const McapChunk *chunk, uint64_t where, McapReadFlags flags,
		    const McapLimits *limits, McapBytes *ret, GError **error)
{
	McapCompression compression;
	McapBytes bytes = {0};
	if (!text_is_compression(chunk->compression, &compression)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT
			    ": a chunk with the unknown compression '%.*s'",
			    where, (int)MIN(chunk->compression.size, 32), chunk->compression.data);
		return FALSE;
	}
	const char *problem = too_large(chunk, compression, limits);
	if (!problem)
		problem = uncompress(o, chunk, compression, &bytes);
	if (!problem && !(flags & MCAP_NO_CRC) && chunk->uncompressed_crc != 0 &&
	    mcap_crc32(0, bytes.data, bytes.size) != chunk->uncompressed_crc)
		problem = "its CRC does not agree with its bytes";
	if (problem) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %" G_GUINT64_FORMAT ": damaged chunk: %s", where, problem);
		return FALSE;
	}
	*ret = bytes;
	return TRUE;
}

GByteArray *mcap_chunk_open(const McapChunk *chunk, uint64_t where, McapReadFlags flags,
			    const McapLimits *limits, GError **error)
{
	g_auto(ChunkOpener) o = {0};
	McapBytes bytes;
	if (!chunk_open(&o, chunk, where, flags, limits, &bytes, error))
		return NULL;
	if (bytes.data == o.bytes && bytes.size > 0)
		return g_byte_array_new_take(g_steal_pointer(&o.bytes), bytes.size);
	GByteArray *copy = g_byte_array_sized_new((guint)bytes.size);
	return g_byte_array_append(copy, bytes.data, (guint)bytes.size);
}

uint64_t chunk_content_size(const McapChunk *chunk)
{
	LZ4F_dctx *context = NULL;
	LZ4F_frameInfo_t info = {0};
	size_t size = chunk->records.size;
	if (mcap_text_equal(chunk->compression, ""))
		return size;
	if (mcap_text_equal(chunk->compression, "zstd")) {
		unsigned long long n = ZSTD_getFrameContentSize(chunk->records.data, size);
		return n == ZSTD_CONTENTSIZE_ERROR || n == ZSTD_CONTENTSIZE_UNKNOWN ? 0 : n;
	}
	if (!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) &&
	    LZ4F_isError(LZ4F_getFrameInfo(context, &info, chunk->records.data, &size)))
		info.contentSize = 0;
	LZ4F_freeDecompressionContext(context);
	return info.contentSize;
}

/* ---- compressing: the contexts are kept from chunk to chunk ---------------------------------- */

typedef struct {
	ZSTD_CCtx *zstd;
} Context;

void chunk_context_free(void *pointer)
{
	Context *context = pointer;
	if (!context)
		return;
	ZSTD_freeCCtx(context->zstd);
	g_free(context);
}

static size_t compress_zstd(Context *context, int level, const uint8_t *records, size_t size,
			    Buffer *out, const char **ret_problem)
{
	size_t room = ZSTD_compressBound(size);
	if (!context->zstd)
		context->zstd = ZSTD_createCCtx();
	uint8_t *to = buffer_extend(out, room);
	size_t n = ZSTD_compressCCtx(context->zstd, to, room, records, size, level);
	if (ZSTD_isError(n))
		*ret_problem = ZSTD_getErrorName(n);
	return room - (ZSTD_isError(n) ? 0 : n);
}

static size_t compress_lz4(int level, const uint8_t *records, size_t size, Buffer *out,
			   const char **ret_problem)
{
	LZ4F_preferences_t preferences = {
		.frameInfo = {.blockSizeID = LZ4F_max1MB,
			      .blockMode = LZ4F_blockIndependent,
			      .contentSize = size},
		/* Above 2 lz4 turns to its slow search; the recorder wants the fast one. */
		.compressionLevel = level > 2 ? level : 0};
	size_t room = LZ4F_compressFrameBound(size, &preferences);
	uint8_t *to = buffer_extend(out, room);
	size_t n = LZ4F_compressFrame(to, room, records, size, &preferences);
	if (LZ4F_isError(n))
		*ret_problem = LZ4F_getErrorName(n);
	return room - (LZ4F_isError(n) ? 0 : n);
}

gboolean chunk_compress(McapCompression compression, int level, const uint8_t *records, size_t size,
			Buffer *out, void **context, GError **error)
{
	const char *problem = NULL;
	if (!*context)
		*context = g_new0(Context, 1);
	switch (compression) {
	case MCAP_NONE:
		put_bytes(out, records, size);
		break;
	case MCAP_LZ4:
		out->size -= compress_lz4(level, records, size, out, &problem);
		break;
	case MCAP_ZSTD:
		out->size -= compress_zstd(*context, level, records, size, out, &problem);
		break;
	}
	if (problem)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "compressing a chunk: %s", problem);
	return problem == NULL;
}
