/* The container beyond upstream's suite: compression, several chunks, damage, bombs, lies, write failures. */
#include "unit.h"
#include <anzen/mcap.h>
#include <stdbool.h>
#include <zstd.h>

/* ---- a file with everything in it ------------------------------------------------------------ */

typedef struct {
	unsigned writes, fail_at, calls_after;
	GByteArray *bytes;
	bool failed;
} Flaky;

static gboolean flaky_write(void *self, const void *data, size_t n, GError **error)
{
	Flaky *f = self;
	f->calls_after += f->failed;
	if (f->failed || ++f->writes == f->fail_at) {
		f->failed = true;
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "no space left");
		return FALSE;
	}
	g_byte_array_append(f->bytes, data, (guint)n);
	return TRUE;
}

#define MESSAGES 400

/* Two channels in two lanes: lane 0 with even numbers, lane 1 with odd ones; log times go back and forth a little. */
static uint64_t time_of(unsigned i)
{
	return 1000 + 10 * (uint64_t)i + (i % 5 == 0 ? 35 : 0);
}

static gboolean write_all(const McapSink *sink, McapCompression compression, GError **error)
{
	const McapLane lanes[] = {{.compression = compression, .chunk_size = 2000},
				  {.chunk_size = 3000}};
	McapWriterOptions options = mcap_writer_defaults;
	const char *const metadata[] = {"unit", "m", "ja", "高さ", NULL};
	uint8_t payload[40] = {0};
	options.lanes = lanes;
	options.n_lanes = 2;
	options.self_contained = true;
	g_autoptr(McapWriter) w = mcap_writer_new(sink, &options, error);
	if (!w || !mcap_writer_schema(w, 1, "Sample", "ros2msg", "float64 value", 13, error) ||
	    !mcap_writer_channel(w, 1, 1, "/a", "cdr", metadata, 0, error) ||
	    !mcap_writer_channel(w, 7, 0, "/b", "json", NULL, 1, error) ||
	    !mcap_writer_attachment(w, "rig.yaml", "application/yaml", 1, 2, "anzen: rig/1", 12,
				    error) ||
	    !mcap_writer_metadata(w, "anzen.session", metadata, error))
		return FALSE;
	for (unsigned i = 0; i < MESSAGES; i++) {
		payload[0] = (uint8_t)i;
		payload[1] = (uint8_t)(i >> 8);
		if (!mcap_writer_message(w, i % 2 ? 7 : 1, i, time_of(i), i, payload,
					 sizeof(payload), error))
			return FALSE;
	}
	return mcap_writer_finish(w, error);
}

static GByteArray *written(McapCompression compression)
{
	g_autoptr(GError) error = NULL;
	GByteArray *bytes = g_byte_array_new();
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	UNIT_OK(write_all(&sink, compression, &error), error);
	return bytes;
}

typedef struct {
	unsigned messages, chunks, attachments, metadata;
	bool good; /* each message holds what was written */
	McapNext end;
	char *error;
} Found;

static Found read_bytes(const void *data, size_t size, McapReadFlags flags)
{
	Found f = {.good = true, .end = MCAP_NEXT_ERROR};
	g_auto(McapSource) source = {0};
	g_autoptr(GError) error = NULL;
	McapRecord r;
	mcap_memory_source(data, size, &source);
	g_autoptr(McapReader) reader =
		mcap_reader_new(&source, flags | MCAP_ORDER_CHUNKS, NULL, &error);
	while (reader && (f.end = mcap_reader_next(reader, &r, &error)) == MCAP_NEXT_RECORD) {
		f.chunks += r.opcode == MCAP_CHUNK;
		f.attachments += r.opcode == MCAP_ATTACHMENT;
		f.metadata += r.opcode == MCAP_METADATA;
		if (r.opcode != MCAP_MESSAGE)
			continue;
		unsigned i = r.message.sequence;
		f.messages++;
		f.good &= i < MESSAGES && r.message.log_time == time_of(i) &&
			  r.message.publish_time == i && r.message.data.size == 40 &&
			  r.message.data.data[0] == (uint8_t)i &&
			  r.message.channel_id == (i % 2 ? 7 : 1);
	}
	if (f.end != MCAP_NEXT_END)
		f.error = g_strdup(error ? error->message : "");
	CU_ASSERT_TRUE((f.end == MCAP_NEXT_END) == (error == NULL));
	return f;
}

static void found_clear(Found *f)
{
	g_free(f->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Found, found_clear)

static void every_compression_gives_back_every_message(void)
{
	for (unsigned c = MCAP_NONE; c <= MCAP_ZSTD; c++) {
		g_autoptr(GByteArray) bytes = written((McapCompression)c);
		g_auto(Found) f = read_bytes(bytes->data, bytes->len, 0);
		CU_ASSERT_EQUAL(f.end, MCAP_NEXT_END);
		CU_ASSERT_EQUAL(f.messages, MESSAGES);
		CU_ASSERT_TRUE(f.good && f.chunks > 8);
		CU_ASSERT_EQUAL(f.attachments, 1);
		CU_ASSERT_EQUAL(f.metadata, 1);
	}
}

typedef struct {
	uint64_t last_time;
	unsigned n, in_order;
	uint64_t last_at;
} Order;

static bool note_order(const McapRecord *m, void *data)
{
	Order *o = data;
	o->in_order += m->message.log_time >= o->last_time;
	o->last_time = m->message.log_time;
	o->n++;
	return true;
}

static void the_index_gives_messages_of_overlapping_chunks_by_time(void)
{
	for (unsigned c = MCAP_NONE; c <= MCAP_ZSTD; c++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GByteArray) bytes = written((McapCompression)c);
		g_auto(McapSource) source = {0};
		mcap_memory_source(bytes->data, bytes->len, &source);
		g_autoptr(McapIndex) index = mcap_index_new(&source, NULL, &error);
		Order all = {0}, some = {0};
		UNIT_OK(index, error);
		UNIT_OK(mcap_index_messages(index, 0, 0, note_order, &all, &error), error);
		CU_ASSERT_EQUAL(all.n, MESSAGES);
		CU_ASSERT_EQUAL(all.in_order, MESSAGES);
		UNIT_OK(mcap_index_messages(index, 2000, 3000, note_order, &some, &error), error);
		unsigned expected = 0;
		for (unsigned i = 0; i < MESSAGES; i++)
			expected += time_of(i) >= 2000 && time_of(i) < 3000;
		CU_ASSERT_EQUAL(some.n, expected);
		CU_ASSERT_TRUE(some.last_time < 3000);
		McapRecord attachment;
		const McapRecord *place = mcap_index_get(index, MCAP_ATTACHMENT_INDEX, 0);
		UNIT_OK(mcap_index_read(index, place->attachment_index.offset, MCAP_ATTACHMENT,
					&attachment, &error),
			error);
		CU_ASSERT_TRUE(mcap_text_equal(attachment.attachment.name, "rig.yaml"));
		CU_ASSERT_EQUAL(attachment.attachment.data.size, 12);
	}
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void cut_at_every_byte_it_is_truncated_and_gives_what_is_whole(void)
{
	g_autoptr(GByteArray) bytes = written(MCAP_ZSTD);
	unsigned before = 0, wrong = 0;
	for (guint n = MCAP_MAGIC_SIZE; n < bytes->len; n++) {
		g_auto(Found) f = read_bytes(bytes->data, n, 0);
		wrong += f.end != MCAP_NEXT_TRUNCATED || !f.good || f.messages < before ||
			 !strstr(f.error, "byte ");
		before = f.messages;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(before, MESSAGES);
	for (guint n = 0; n < MCAP_MAGIC_SIZE; n++) {
		g_auto(Found) f = read_bytes(bytes->data, n, 0);
		CU_ASSERT_EQUAL(f.end, MCAP_NEXT_ERROR);
	}
}

static void no_flipped_bit_goes_unseen(void)
{
	for (unsigned c = MCAP_NONE; c <= MCAP_ZSTD; c++) {
		g_autoptr(GByteArray) bytes = written((McapCompression)c);
		unsigned unseen = 0;
		for (guint i = 0; i < bytes->len; i++) {
			bytes->data[i] ^= (uint8_t)(1u << i % 8);
			g_auto(Found) f = read_bytes(bytes->data, bytes->len, 0);
			unseen += f.end == MCAP_NEXT_END;
			bytes->data[i] ^= (uint8_t)(1u << i % 8);
		}
		CU_ASSERT_EQUAL(unseen, 0);
	}
}

static void salvage_steps_over_one_damaged_chunk(void)
{
	g_autoptr(GByteArray) bytes = written(MCAP_NONE);
	g_auto(McapSource) source = {0};
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(McapIndex) index = mcap_index_new(&source, NULL, NULL);
	const McapChunkIndex *chunk = &mcap_index_get(index, MCAP_CHUNK_INDEX, 3)->chunk_index;
	bytes->data[chunk->chunk_offset + chunk->chunk_length - 5] ^= 1;
	g_auto(Found) strict = read_bytes(bytes->data, bytes->len, 0);
	g_auto(Found) salvage = read_bytes(bytes->data, bytes->len, MCAP_SALVAGE);
	CU_ASSERT_EQUAL(strict.end, MCAP_NEXT_ERROR);
	g_autofree char *offset =
		g_strdup_printf("byte %" G_GUINT64_FORMAT ":", chunk->chunk_offset);
	CU_ASSERT_PTR_NOT_NULL(strstr(strict.error, offset));
	CU_ASSERT_EQUAL(salvage.end, MCAP_NEXT_END);
	CU_ASSERT_TRUE(salvage.good && salvage.messages < MESSAGES &&
		       salvage.messages > MESSAGES / 2);
}

/* ---- lies and bombs, made by hand ------------------------------------------------------------ */

static void put(GByteArray *b, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++, v >>= 8)
		g_byte_array_append(b, &(uint8_t){(uint8_t)v}, 1);
}

static void put_record(GByteArray *b, uint8_t opcode, const GByteArray *content)
{
	put(b, opcode, 1);
	put(b, content->len, 8);
	g_byte_array_append(b, content->data, content->len);
}

/* Magic and an empty Header. */
static GByteArray *begun(void)
{
	GByteArray *b = g_byte_array_new();
	g_byte_array_append(b, (const uint8_t *)MCAP_MAGIC, MCAP_MAGIC_SIZE);
	put(b, MCAP_HEADER, 1);
	put(b, 8, 8);
	put(b, 0, 8);
	return b;
}

static GByteArray *with_chunk(const char *compression, uint64_t declared, const void *data,
			      size_t size)
{
	GByteArray *b = begun();
	g_autoptr(GByteArray) c = g_byte_array_new();
	put(c, 0, 8);
	put(c, 0, 8);
	put(c, declared, 8);
	put(c, 0, 4); /* CRC not computed: only the caps protect */
	put(c, strlen(compression), 4);
	g_byte_array_append(c, (const uint8_t *)compression, (guint)strlen(compression));
	put(c, size, 8);
	g_byte_array_append(c, data, (guint)size);
	put_record(b, MCAP_CHUNK, c);
	return b;
}

static void expect_refused(const GByteArray *b, const char *what)
{
	g_auto(Found) f = read_bytes(b->data, b->len, 0);
	if (f.end != MCAP_NEXT_ERROR || !f.error || !strstr(f.error, what))
		fprintf(stderr, "expected '%s', got '%s'\n", what, f.error ? f.error : "no error");
	CU_ASSERT_TRUE(f.end == MCAP_NEXT_ERROR && f.error && strstr(f.error, what));
}

static void bombs_are_refused_before_memory_is_taken(void)
{
	g_autofree uint8_t *zeros = g_malloc0(64u << 20);
	size_t room = ZSTD_compressBound(64u << 20);
	g_autofree uint8_t *packed = g_malloc(room);
	size_t n = ZSTD_compress(packed, room, zeros, 64u << 20, 1);
	g_autoptr(GByteArray) huge = with_chunk("zstd", UINT64_C(1) << 40, packed, n);
	g_autoptr(GByteArray) lying =
		with_chunk("zstd", 1000, packed, n); /* 64 MiB said to be 1000 bytes */
	g_autoptr(GByteArray) ratio = with_chunk("zstd", 200u << 20, packed, 20);
	g_autoptr(GByteArray) more = with_chunk("zstd", (64u << 20) + 1, packed, n);
	g_autoptr(GByteArray) plain = with_chunk("", 1000, zeros, 10);
	g_autoptr(GByteArray) unknown = with_chunk("rar", 10, zeros, 10);
	g_autoptr(GByteArray) garbage = with_chunk("lz4", 10, zeros, 10);
	expect_refused(huge, "cap");
	expect_refused(lying, "damaged chunk");
	expect_refused(ratio, "ratio");
	expect_refused(more, "fewer bytes");
	expect_refused(plain, "another size");
	expect_refused(unknown, "unknown compression 'rar'");
	expect_refused(garbage, "damaged chunk");
}

static void lying_lengths_are_no_reading_past_the_end(void)
{
	static const uint64_t lengths[] = {UINT64_MAX, INT64_MAX, UINT64_C(1) << 32, 1000};
	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
		g_autoptr(GByteArray) b = begun();
		put(b, MCAP_SCHEMA, 1);
		put(b, lengths[i], 8);
		put(b, 1, 8);
		g_auto(Found) f = read_bytes(b->data, b->len, 0);
		CU_ASSERT_EQUAL(f.end, MCAP_NEXT_TRUNCATED);
	}
	/* Inside a record: a name longer than the record. */
	g_autoptr(GByteArray) b = begun();
	g_autoptr(GByteArray) c = g_byte_array_new();
	put(c, 1, 2);
	put(c, 0xffffffff, 4);
	put_record(b, MCAP_SCHEMA, c);
	expect_refused(b, "Schema");
}

static GByteArray *channel_of(uint16_t id, uint16_t schema, char topic)
{
	GByteArray *c = g_byte_array_new();
	put(c, id, 2);
	put(c, schema, 2);
	put(c, 1, 4);
	put(c, (uint8_t)topic, 1);
	put(c, 0, 4);
	put(c, 0, 4);
	return c;
}

static void what_contradicts_itself_is_refused(void)
{
	g_autoptr(GByteArray) message = g_byte_array_new(), a = channel_of(1, 0, 'a'),
			      other = channel_of(1, 0, 'b'), orphan = channel_of(2, 9, 'c');
	put(message, 1, 2);
	put(message, 0, 20);
	g_autoptr(GByteArray) early = begun(), twice = begun(), no_schema = begun(),
			      opcode = begun(), header = begun(), empty = g_byte_array_new();
	put_record(early, MCAP_MESSAGE, message);
	expect_refused(early, "whose channel has not come");
	put_record(twice, MCAP_CHANNEL, a);
	put_record(twice, MCAP_CHANNEL, a); /* a repeat is fine */
	put_record(twice, MCAP_CHANNEL, other);
	expect_refused(twice, "second meaning");
	put_record(no_schema, MCAP_CHANNEL, orphan);
	expect_refused(no_schema, "whose schema has not come");
	put_record(opcode, 0, a);
	expect_refused(opcode, "opcode 0");
	put(empty, 0, 8);
	put_record(header, MCAP_HEADER, empty);
	expect_refused(header, "second Header");
}

static void unknown_opcodes_are_stepped_over(void)
{
	g_autoptr(GByteArray) b = begun(), content = g_byte_array_new(), end = g_byte_array_new(),
			      footer = g_byte_array_new();
	put(content, 42, 5);
	put_record(b, 0x42, content);
	put_record(b, 0xff, content);
	put(end, 0, 4);
	put_record(b, MCAP_DATA_END, end);
	put(footer, 0, 8);
	put(footer, 0, 8);
	put(footer, 0, 4);
	put_record(b, MCAP_FOOTER, footer);
	g_byte_array_append(b, (const uint8_t *)MCAP_MAGIC, MCAP_MAGIC_SIZE);
	g_auto(Found) f = read_bytes(b->data, b->len, 0);
	CU_ASSERT_EQUAL(f.end, MCAP_NEXT_END);
	put(b, 0, 1); /* one byte after the end */
	expect_refused(b, "bytes after the end");
}

/* ---- writing --------------------------------------------------------------------------------- */

/* As @mcap/core writes a channel without messages when it repeats channels and no schemas. */
static void a_channel_of_the_summary_alone_needs_no_schema(void)
{
	g_autoptr(GByteArray) b = begun(), nothing = g_byte_array_new(), c = g_byte_array_new(),
			      footer = g_byte_array_new();
	put(nothing, 0, 4);
	put_record(b, MCAP_DATA_END, nothing);
	put(footer, b->len, 8); /* the summary begins here */
	put(footer, 0, 8);
	put(footer, 0, 4);
	put(c, 1, 2); /* channel 1 of schema 7, no texts, no map */
	put(c, 7, 2);
	put(c, 0, 12);
	put_record(b, MCAP_CHANNEL, c);
	put_record(b, MCAP_FOOTER, footer);
	g_byte_array_append(b, (const uint8_t *)MCAP_MAGIC, MCAP_MAGIC_SIZE);
	g_auto(Found) f = read_bytes(b->data, b->len, 0);
	CU_ASSERT_EQUAL(f.end, MCAP_NEXT_END);
}

static void after_a_failed_write_the_writer_never_writes_again(void)
{
	Flaky whole = {.bytes = g_byte_array_new()};
	McapSink sink = {&whole, "flaky", flaky_write, NULL, NULL};
	CU_ASSERT_TRUE(write_all(&sink, MCAP_LZ4, NULL));
	for (unsigned n = 1; n <= whole.writes; n++) {
		Flaky f = {.bytes = g_byte_array_new(), .fail_at = n};
		g_autoptr(GError) error = NULL;
		sink.self = &f;
		CU_ASSERT_FALSE(write_all(&sink, MCAP_LZ4, &error));
		CU_ASSERT_TRUE(error && strstr(error->message, "no space left") &&
			       strstr(error->message, "byte "));
		CU_ASSERT_EQUAL(f.calls_after, 0);
		CU_ASSERT_TRUE(f.bytes->len < whole.bytes->len &&
			       (f.bytes->len == 0 ||
				!memcmp(f.bytes->data, whole.bytes->data, f.bytes->len)));
		g_byte_array_unref(f.bytes);
	}
	CU_ASSERT_TRUE(whole.writes > 30);
	g_byte_array_unref(whole.bytes);
}

/* The check value of CRC-32/ISO-HDLC (Williams, "A painless guide to CRC error detection algorithms"), and a bitwise
 * division by hand for every length around the steps of the fast paths. */
static void crc32_is_that_of_ieee_802_3(void)
{
	uint8_t bytes[400];
	CU_ASSERT_EQUAL(mcap_crc32(0, "123456789", 9), 0xCBF43926);
	CU_ASSERT_EQUAL(mcap_crc32(0, "", 0), 0);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 151 + 7);
	for (unsigned n = 0; n <= sizeof(bytes); n++) {
		uint32_t c = 0xffffffff;
		for (unsigned i = 0; i < n; i++) {
			c ^= bytes[i];
			for (int bit = 0; bit < 8; bit++)
				c = c & 1 ? c >> 1 ^ 0xEDB88320 : c >> 1;
		}
		CU_ASSERT_EQUAL(mcap_crc32(0, bytes, n), ~c);
		CU_ASSERT_EQUAL(mcap_crc32(mcap_crc32(0, bytes, n / 3), bytes + n / 3, n - n / 3),
				~c);
	}
}

UNIT_MAIN("mcap", UNIT(every_compression_gives_back_every_message),
	  UNIT(the_index_gives_messages_of_overlapping_chunks_by_time),
	  UNIT(cut_at_every_byte_it_is_truncated_and_gives_what_is_whole),
	  UNIT(no_flipped_bit_goes_unseen), UNIT(salvage_steps_over_one_damaged_chunk),
	  UNIT(bombs_are_refused_before_memory_is_taken),
	  UNIT(lying_lengths_are_no_reading_past_the_end), UNIT(what_contradicts_itself_is_refused),
	  UNIT(unknown_opcodes_are_stepped_over),
	  UNIT(a_channel_of_the_summary_alone_needs_no_schema),
	  UNIT(after_a_failed_write_the_writer_never_writes_again),
	  UNIT(crc32_is_that_of_ieee_802_3))
