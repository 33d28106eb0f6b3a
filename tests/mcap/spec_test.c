/* What the specification allows and upstream's suite does not show: empty chunks, the ways other writers compress, every
 * unknown opcode everywhere, messages beside chunks, chunks in odd orders, no index at all; that the summary offsets say
 * the truth; and the CRC against zlib at every length and alignment. */
#include "unit.h"
#include "wire.h"
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

/* ---- files by hand --------------------------------------------------------------------------- */

static void begin(Buffer *b)
{
	put_bytes(b, MCAP_MAGIC, MCAP_MAGIC_SIZE);
	size_t at = record_open(b, MCAP_HEADER);
	put_text(b, "");
	put_text(b, "by hand");
	record_close(b, at);
}

/* No summary, CRCs "not computed". */
static void end(Buffer *b)
{
	size_t at = record_open(b, MCAP_DATA_END);
	put_u32(b, 0);
	record_close(b, at);
	at = record_open(b, MCAP_FOOTER);
	put_u64(b, 0);
	put_u64(b, 0);
	put_u32(b, 0);
	record_close(b, at);
	put_bytes(b, MCAP_MAGIC, MCAP_MAGIC_SIZE);
}

static void put_channel(Buffer *b)
{
	size_t at = record_open(b, MCAP_CHANNEL);
	put_u16(b, 1);
	put_u16(b, 0);
	put_text(b, "/a");
	put_text(b, "json");
	put_u32(b, 0);
	record_close(b, at);
}

static void put_message(Buffer *b, uint32_t sequence, uint64_t t)
{
	size_t at = record_open(b, MCAP_MESSAGE);
	put_u16(b, 1);
	put_u32(b, sequence);
	put_u64(b, t);
	put_u64(b, t);
	put_bytes(b, "{}", 2);
	record_close(b, at);
}

static void put_unknown(Buffer *b, uint8_t opcode)
{
	size_t at = record_open(b, opcode);
	put_bytes(b, "what?", 5);
	record_close(b, at);
}

static void put_chunk(Buffer *b, const char *compression, uint64_t from, uint64_t to,
		      const Buffer *records, const void *stored, size_t size)
{
	size_t at = record_open(b, MCAP_CHUNK);
	put_u64(b, from);
	put_u64(b, to);
	put_u64(b, records->size);
	put_u32(b, (uint32_t)crc32(0, records->size ? records->data : (const Bytef *)"",
				   (uInt)records->size));
	put_text(b, compression);
	put_u64(b, size);
	put_bytes(b, stored, size);
	record_close(b, at);
}

/* ---- reading: the sequence numbers in the order they come, -1 at the end for an error --------- */

static void take_number(GArray *to, uint32_t sequence)
{
	int64_t n = sequence;
	g_array_append_val(to, n);
}

static GArray *in_file_order(const void *data, size_t size)
{
	g_auto(McapSource) source = {0};
	g_autoptr(GError) error = NULL;
	GArray *found = g_array_new(FALSE, FALSE, sizeof(int64_t));
	McapRecord r;
	McapNext next = MCAP_NEXT_ERROR;
	mcap_memory_source(data, size, &source);
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, &error);
	while (reader && (next = mcap_reader_next(reader, &r, &error)) == MCAP_NEXT_RECORD)
		if (r.opcode == MCAP_MESSAGE)
			take_number(found, r.message.sequence);
	if (error)
		fprintf(stderr, "%s\n", error->message);
	if (next != MCAP_NEXT_END)
		g_array_append_val(found, (int64_t){-1});
	return found;
}

static bool take_indexed(const McapRecord *m, void *found)
{
	take_number(found, m->message.sequence);
	return true;
}

static GArray *by_index(const void *data, size_t size)
{
	g_auto(McapSource) source = {0};
	g_autoptr(GError) error = NULL;
	GArray *found = g_array_new(FALSE, FALSE, sizeof(int64_t));
	mcap_memory_source(data, size, &source);
	g_autoptr(McapIndex) index = mcap_index_new(&source, NULL, &error);
	if (!index || !mcap_index_messages(index, 0, 0, take_indexed, found, &error)) {
		fprintf(stderr, "%s\n", error->message);
		g_array_append_val(found, (int64_t){-1});
	}
	return found;
}

static void expect(GArray *found, const int64_t *want, size_t n)
{
	CU_ASSERT_EQUAL(found->len, n);
	CU_ASSERT_TRUE(found->len == n &&
		       (n == 0 || !memcmp(found->data, want, n * sizeof(*want))));
	g_array_unref(found);
}

#define EXPECT(found, ...)                              \
	expect((found), (const int64_t[]){__VA_ARGS__}, \
	       sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void expect_both_none(const Buffer *b)
{
	expect(in_file_order(b->data, b->size), NULL, 0);
	expect(by_index(b->data, b->size), NULL, 0);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void empty_chunks_hold_nothing_and_hurt_nothing(void)
{
	g_autofree uint8_t *packed = g_malloc(4096);
	size_t zstd = ZSTD_compress(packed, 4096, "", 0, 1);
	g_autofree uint8_t *lz4_packed = g_malloc(4096);
	size_t lz4 = LZ4F_compressFrame(lz4_packed, 4096, "", 0, NULL);
	const struct {
		const char *compression;
		const void *stored;
		size_t size;
	} ways[] = {{"", "", 0},
		    {"zstd", packed, zstd},
		    {"lz4", lz4_packed, lz4},
		    {"zstd", "", 0},
		    {"lz4", "", 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		g_auto(Buffer) b = {0};
		const Buffer nothing = {0};
		begin(&b);
		put_chunk(&b, ways[i].compression, 0, 0, &nothing, ways[i].stored, ways[i].size);
		end(&b);
		expect_both_none(&b);
	}
	/* A chunk that only declares its channel. */
	g_auto(Buffer) b = {0}, records = {0};
	put_channel(&records);
	begin(&b);
	put_chunk(&b, "", 0, 0, &records, records.data, records.size);
	end(&b);
	expect_both_none(&b);
}

/* Streamed frames without their size, two frames one after the other, linked blocks: what other writers store. */
static void frames_as_other_writers_make_them_are_opened(void)
{
	g_auto(Buffer) records = {0};
	put_channel(&records);
	for (uint32_t i = 0; i < 3000; i++)
		put_message(&records, i, i);
	size_t half = records.size / 2, room = 4 * records.size + 4096, n = 0;
	g_autofree uint8_t *out = g_malloc(room);

	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(zstd, out, room, records.data, half);
	n += ZSTD_compress2(zstd, out + n, room - n, records.data + half, records.size - half);
	ZSTD_freeCCtx(zstd);
	g_auto(Buffer) a = {0};
	begin(&a);
	put_chunk(&a, "zstd", 0, 2999, &records, out, n);
	end(&a);
	GArray *found = in_file_order(a.data, a.size);
	CU_ASSERT_EQUAL(found->len, 3000);
	g_array_unref(found);

	const LZ4F_preferences_t linked = {.frameInfo = {.blockSizeID = LZ4F_max64KB,
							 .blockMode = LZ4F_blockLinked,
							 .contentChecksumFlag = 1}};
	n = LZ4F_compressFrame(out, room, records.data, half, &linked);
	n += LZ4F_compressFrame(out + n, room - n, records.data + half, records.size - half,
				&linked);
	g_auto(Buffer) b = {0};
	begin(&b);
	put_chunk(&b, "lz4", 0, 2999, &records, out, n);
	end(&b);
	found = in_file_order(b.data, b.size);
	CU_ASSERT_EQUAL(found->len, 3000);
	g_array_unref(found);
}

/* Later chunks hold earlier times, one lies within another, and equal times stand in three places. By time; equal
 * times as they stand in the file. */
static void chunks_in_any_order_are_read_by_time(void)
{
	static const struct {
		uint32_t sequence;
		uint64_t t;
	} chunks[3][3] = {{{0, 50}, {1, 90}, {2, 70}},
			  {{3, 60}, {4, 10}, {5, 70}},
			  {{6, 70}, {7, 80}, {8, 5}}};
	static const uint64_t spans[3][2] = {{50, 90}, {10, 70}, {5, 80}};
	g_auto(Buffer) b = {0};
	begin(&b);
	for (size_t c = 0; c < 3; c++) {
		g_auto(Buffer) records = {0};
		put_channel(&records);
		for (size_t i = 0; i < 3; i++)
			put_message(&records, chunks[c][i].sequence, chunks[c][i].t);
		put_chunk(&b, "", spans[c][0], spans[c][1], &records, records.data, records.size);
	}
	end(&b);
	EXPECT(in_file_order(b.data, b.size), 0, 1, 2, 3, 4, 5, 6, 7, 8);
	EXPECT(by_index(b.data, b.size), 8, 4, 0, 3, 2, 5, 6, 7, 1);
}

/* ---- unknown opcodes -------------------------------------------------------------------------- */

static void every_unknown_opcode_is_stepped_over_in_every_place(void)
{
	for (unsigned opcode = MCAP_DATA_END + 1; opcode <= 0xff; opcode++) {
		g_auto(Buffer) b = {0}, records = {0};
		put_unknown(&records, (uint8_t)opcode);
		put_channel(&records);
		put_unknown(&records, (uint8_t)opcode);
		put_message(&records, 7, 1);
		put_unknown(&records, (uint8_t)opcode);
		begin(&b);
		put_unknown(&b, (uint8_t)opcode);
		put_chunk(&b, "", 1, 1, &records, records.data, records.size);
		put_unknown(&b, (uint8_t)opcode);
		size_t at = record_open(&b, MCAP_DATA_END);
		put_u32(&b, 0);
		record_close(&b, at);
		uint64_t summary = b.size;
		put_unknown(&b, (uint8_t)opcode);
		at = record_open(&b, MCAP_FOOTER);
		put_u64(&b, summary);
		put_u64(&b, 0);
		put_u32(&b, 0);
		record_close(&b, at);
		put_bytes(&b, MCAP_MAGIC, MCAP_MAGIC_SIZE);
		EXPECT(in_file_order(b.data, b.size), 7);
		EXPECT(by_index(b.data, b.size), 7);
	}
}

/* ---- indexes --------------------------------------------------------------------------------- */

#define MESSAGES 100

static GByteArray *written(const McapWriterOptions *options, McapCompression compression)
{
	const McapLane lane = {.compression = compression, .chunk_size = 500};
	McapWriterOptions o = *options;
	GByteArray *bytes = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	o.lanes = &lane;
	o.n_lanes = 1;
	g_autoptr(McapWriter) w = mcap_writer_new(&sink, &o, &error);
	UNIT_OK(w, error);
	UNIT_OK(mcap_writer_schema(w, 1, "S", "jsonschema", "{}", 2, &error), error);
	UNIT_OK(mcap_writer_channel(w, 1, 1, "/a", "json", NULL, 0, &error), error);
	UNIT_OK(mcap_writer_channel(w, 2, 1, "/b", "json", NULL, 0, &error), error);
	UNIT_OK(mcap_writer_attachment(w, "a", "text/plain", 0, 0, "hello", 5, &error), error);
	for (uint32_t i = 0; i < MESSAGES; i++)
		UNIT_OK(mcap_writer_message(w, (uint16_t)(1 + i % 2), i, (i * 37) % MESSAGES, i,
					    "{}", 2, &error),
			error);
	UNIT_OK(mcap_writer_metadata(w, "m", NULL, &error), error);
	UNIT_OK(mcap_writer_finish(w, &error), error);
	return bytes;
}

/* (i · 37) mod 100 is a permutation, 73 · 37 = 2701 ≡ 1: the message at time t is i = 73 t mod 100. */
static void whatever_part_of_the_summary_is_missing_the_messages_come_by_time(void)
{
	for (unsigned bits = 0; bits < 1u << 10; bits++) {
		McapWriterOptions o = mcap_writer_defaults;
		o.chunked = !(bits & 1);
		o.no_message_index = bits & 2;
		o.no_chunk_index = bits & 4;
		o.no_statistics = bits & 8;
		o.no_schemas_in_summary = bits & 16;
		o.no_channels_in_summary = bits & 32;
		o.no_attachment_index = bits & 64;
		o.no_metadata_index = bits & 128;
		o.no_summary_offsets = bits & 256;
		o.no_chunk_crc = bits & 512;
		g_autoptr(GByteArray) bytes = written(&o, (McapCompression)(bits % 3));
		g_autoptr(GArray) found = by_index(bytes->data, bytes->len);
		unsigned wrong = found->len != MESSAGES;
		for (guint t = 0; t < found->len; t++)
			wrong += g_array_index(found, int64_t, t) != 73 * t % MESSAGES;
		if (wrong)
			fprintf(stderr, "bits %#x\n", bits);
		CU_ASSERT_EQUAL(wrong, 0);
	}
}

/* A summary that lists its chunks and counts them right, and messages that stand beside them. */
static void messages_beside_chunks_are_not_forgotten_by_the_index(void)
{
	g_autoptr(GByteArray) bytes = written(&mcap_writer_defaults, MCAP_NONE);
	g_auto(McapSource) source = {0};
	McapRecord r;
	uint64_t data_end = 0;
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, NULL);
	while (mcap_reader_next(reader, &r, NULL) == MCAP_NEXT_RECORD)
		if (r.opcode == MCAP_DATA_END)
			data_end = r.offset;
	g_auto(Buffer) b = {0};
	put_bytes(&b, bytes->data, data_end);
	put_message(&b, 4711, 3);
	uint64_t moved = b.size - data_end;
	size_t at = record_open(&b, MCAP_DATA_END);
	put_u32(&b, 0);
	record_close(&b, at);
	size_t tail = bytes->len - data_end - (MCAP_RECORD_HEAD + 4);
	put_bytes(&b, bytes->data + bytes->len - tail, tail);
	/* The footer's places move, its CRC is left out. */
	uint8_t *footer = b.data + b.size - MCAP_MAGIC_SIZE - 20;
	for (int i = 0; i < 2; i++) {
		uint64_t place = GUINT64_TO_LE(load_u64(footer + 8 * i) + moved);
		memcpy(footer + 8 * i, &place, sizeof(place));
	}
	memset(footer + 16, 0, 4);
	g_autoptr(GArray) found = by_index(b.data, b.size);
	bool there = false;
	for (guint i = 0; i < found->len; i++)
		there |= g_array_index(found, int64_t, i) == 4711;
	CU_ASSERT_EQUAL(found->len, MESSAGES + 1);
	CU_ASSERT_TRUE(there);
}

static void summary_offsets_name_exactly_their_groups(void)
{
	g_autoptr(GByteArray) bytes = written(&mcap_writer_defaults, MCAP_ZSTD);
	g_auto(McapSource) source = {0};
	McapRecord r;
	bool summary = false;
	uint64_t first[256] = {0}, last[256] = {0};
	unsigned groups = 0, wrong = 0;
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, NULL);
	while (mcap_reader_next(reader, &r, NULL) == MCAP_NEXT_RECORD) {
		if (summary && r.opcode != MCAP_SUMMARY_OFFSET) {
			/* Grouped by opcode: nothing of another kind in between. */
			wrong += first[r.opcode] != 0 && last[r.opcode] != r.offset;
			first[r.opcode] = first[r.opcode] ? first[r.opcode] : r.offset;
			last[r.opcode] = r.offset + r.raw.size;
		} else if (summary) {
			uint8_t op = r.summary_offset.group_opcode;
			groups++;
			wrong += r.summary_offset.group_start != first[op] ||
				 r.summary_offset.group_length != last[op] - first[op];
		}
		summary |= r.opcode == MCAP_DATA_END;
	}
	CU_ASSERT_EQUAL(groups, 6); /* schemas, channels, statistics, three indexes */
	CU_ASSERT_EQUAL(wrong, 0);
}

/* ---- CRC-32 ---------------------------------------------------------------------------------- */

static void crc32_is_zlibs_at_every_length_and_alignment(void)
{
	enum { LONGEST = 4096, ALIGNMENTS = 64 };
	g_autofree uint8_t *bytes = g_malloc(LONGEST + ALIGNMENTS);
	unsigned wrong = 0;
	for (unsigned i = 0; i < LONGEST + ALIGNMENTS; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	for (unsigned n = 0; n <= LONGEST; n++) {
		for (unsigned a = 0; a < ALIGNMENTS; a += n < 300 ? 1 : 7) {
			uint32_t want = (uint32_t)crc32(0xdeadbeef, bytes + a, n);
			wrong += mcap_crc32(0xdeadbeef, bytes + a, n) != want;
			wrong += crc32_by_tables(0xdeadbeef, bytes + a, n) != want;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	fprintf(stderr, "CRC-32 %s\n",
		crc32_folds() ? "by carry-less multiplication and by tables"
			      : "by tables only: this CPU has no carry-less multiplication");
}

UNIT_MAIN("mcap.spec", UNIT(empty_chunks_hold_nothing_and_hurt_nothing),
	  UNIT(frames_as_other_writers_make_them_are_opened),
	  UNIT(chunks_in_any_order_are_read_by_time),
	  UNIT(every_unknown_opcode_is_stepped_over_in_every_place),
	  UNIT(whatever_part_of_the_summary_is_missing_the_messages_come_by_time),
	  UNIT(messages_beside_chunks_are_not_forgotten_by_the_index),
	  UNIT(summary_offsets_name_exactly_their_groups),
	  UNIT(crc32_is_zlibs_at_every_length_and_alignment))
