/* A damaged MCAP of others, whose schemas and channels stand only in the first chunk: 6 chunks of 10 messages of each of
 * two topics, `x` from the first chunk on and `late`, which the third makes. */
#include "values.h"

#include <anzen/mcap.h>

enum { CHUNKS = 6, EACH = 10, LATE = 2 };

static char *dir, *path, *out;

static GByteArray *foreign(void)
{
	GByteArray *bytes = g_byte_array_new();
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	g_autoptr(McapWriter) w = mcap_writer_new(&sink, &mcap_writer_defaults, NULL);
	mcap_writer_schema(w, 1, "X", "jsonschema", "{}", 2, NULL);
	mcap_writer_channel(w, 1, 1, "x", "json", NULL, 0, NULL);
	for (int c = 0; c < CHUNKS; c++) {
		if (c == LATE)
			mcap_writer_channel(w, 2, 1, "late", "json", NULL, 0, NULL);
		for (int i = 0; i < EACH; i++) {
			uint64_t t = (uint64_t)(1 + c * EACH + i) * 1000000;
			g_autofree char *text = g_strdup_printf("{\"v\":%d}", c * EACH + i);
			mcap_writer_message(w, 1, 0, t, t, text, strlen(text), NULL);
			if (c >= LATE)
				mcap_writer_message(w, 2, 0, t, t, text, strlen(text), NULL);
		}
		mcap_writer_flush(w, 0, NULL);
	}
	CU_ASSERT_TRUE(mcap_writer_finish(w, NULL));
	return bytes;
}

static void place_of_chunk(const GByteArray *bytes, size_t i, guint *ret_at, guint *ret_size)
{
	g_auto(McapSource) source = {0};
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(McapIndex) index = mcap_index_new(&source, NULL, NULL);
	CU_ASSERT_EQUAL(mcap_index_count(index, MCAP_CHUNK_INDEX), CHUNKS);
	const McapChunkIndex *c = &mcap_index_get(index, MCAP_CHUNK_INDEX, i)->chunk_index;
	*ret_at = (guint)c->chunk_offset;
	*ret_size = (guint)c->chunk_length;
}

static guint place_of_data_end(const GByteArray *bytes)
{
	g_auto(McapSource) source = {0};
	McapRecord r;
	guint at = 0;
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, NULL);
	while (mcap_reader_next(reader, &r, NULL) == MCAP_NEXT_RECORD)
		if (r.opcode == MCAP_DATA_END)
			at = (guint)r.offset;
	return at;
}

typedef struct {
	size_t x, late;
	char *incomplete;
} Found;

static void found_clear(Found *f)
{
	g_free(f->incomplete);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Found, found_clear)

static void salvage(const GByteArray *bytes, Found *ret)
{
	const ImportOptions options = {.salvage = true};
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(ImportReport) report = NULL;
	g_unlink(out);
	g_file_set_contents(path, (const char *)bytes->data, (gssize)bytes->len, NULL);
	if (!import_recording(path, &options, out, &report, diag, &error)) {
		ret->incomplete = g_strdup(error->message);
		return;
	}
	g_autoptr(Recording) rec = session_load(out, NULL);
	const Signal *x = rec ? recording_signal(rec, "x.v") : NULL,
		     *late = rec ? recording_signal(rec, "late.v") : NULL;
	CU_ASSERT_TRUE(rec && !rec->complete);
	ret->x = x ? x->n : 0;
	ret->late = late ? late->n : 0;
	ret->incomplete = g_strdup(report->incomplete);
}

/* 60 and 40 messages; a lost chunk costs 10 of `x`, and from the third on 10 of `late`. */
static void each_chunk_costs_itself(void)
{
	for (size_t i = 0; i < CHUNKS; i++)
		for (int way = 0; way < 3; way++) {
			g_autoptr(GByteArray) bytes = foreign();
			g_auto(Found) found = {0};
			guint at = 0, size = 0;
			place_of_chunk(bytes, i, &at, &size);
			if (way == 0)
				bytes->data[at + size - 3] ^= 1;
			else if (way == 1)
				memset(bytes->data + at, 0, size); /* its length too */
			else
				memset(bytes->data + at, 0xff, size);
			salvage(bytes, &found);
			CU_ASSERT_EQUAL(found.x, 50);
			CU_ASSERT_EQUAL(found.late, i < LATE ? 40 : 30);
			CU_ASSERT_PTR_NOT_NULL(found.incomplete);
		}
}

/* Without a summary nothing else says what `x` is; `late` is made by a chunk that is whole. */
static void what_stands_nowhere_else_is_said_to_be_lost(void)
{
	g_autoptr(GByteArray) bytes = foreign();
	g_auto(Found) found = {0};
	guint at = 0, size = 0;
	place_of_chunk(bytes, 0, &at, &size);
	g_byte_array_set_size(bytes, place_of_data_end(bytes));
	bytes->data[at + size - 3] ^= 1;
	salvage(bytes, &found);
	CU_ASSERT_EQUAL(found.x, 0);
	CU_ASSERT_PTR_NOT_NULL(
		found.incomplete && strstr(found.incomplete, "90 messages whose channel is lost")
			? found.incomplete
			: NULL);
}

/* … and where the schema is repeated (as many recorders do) nothing but the chunk is lost. */
static void declarations_of_later_chunks_are_used(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_auto(Found) found = {0};
	McapSink sink;
	McapWriterOptions options = mcap_writer_defaults;
	guint at = 0, size = 0;
	options.self_contained = true;
	mcap_memory_sink(bytes, &sink);
	g_autoptr(McapWriter) w = mcap_writer_new(&sink, &options, NULL);
	mcap_writer_schema(w, 1, "X", "jsonschema", "{}", 2, NULL);
	mcap_writer_channel(w, 1, 1, "x", "json", NULL, 0, NULL);
	for (int i = 0; i < CHUNKS * EACH; i++) {
		uint64_t t = (uint64_t)(1 + i) * 1000000;
		mcap_writer_message(w, 1, 0, t, t, "{\"v\":1}", 7, NULL);
		if (i % EACH == EACH - 1)
			mcap_writer_flush(w, 0, NULL);
	}
	CU_ASSERT_TRUE(mcap_writer_finish(w, NULL));
	place_of_chunk(bytes, 0, &at, &size);
	g_byte_array_set_size(bytes, place_of_data_end(bytes));
	bytes->data[at + size - 3] ^= 1;
	salvage(bytes, &found);
	CU_ASSERT_EQUAL(found.x, 50);
}

/* Messages that stand in no chunk: 20, each a record; those whose length is destroyed cost themselves. */
static void loose_messages_are_found_again(void)
{
	for (int summary = 0; summary <= 1; summary++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		g_auto(Found) found = {0};
		McapSink sink;
		McapWriterOptions options = mcap_writer_defaults;
		options.chunked = false;
		mcap_memory_sink(bytes, &sink);
		g_autoptr(McapWriter) w = mcap_writer_new(&sink, &options, NULL);
		mcap_writer_schema(w, 1, "X", "jsonschema", "{}", 2, NULL);
		mcap_writer_channel(w, 1, 1, "x", "json", NULL, 0, NULL);
		guint at[20];
		for (int i = 0; i < 20; i++) {
			uint64_t t = (uint64_t)(1 + i) * 1000000;
			at[i] = bytes->len;
			mcap_writer_message(w, 1, 0, t, t, "{\"v\":1}", 7, NULL);
		}
		CU_ASSERT_TRUE(mcap_writer_finish(w, NULL));
		if (!summary)
			g_byte_array_set_size(bytes, place_of_data_end(bytes));
		memset(bytes->data + at[4] + 1, 0xff, 8);
		memset(bytes->data + at[11], 0, 12);
		salvage(bytes, &found);
		CU_ASSERT_EQUAL(found.x, 18);
	}
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(each_chunk_costs_itself),
		UNIT(what_stands_nowhere_else_is_said_to_be_lost),
		UNIT(declarations_of_later_chunks_are_used),
		UNIT(loose_messages_are_found_again),
	};
	dir = g_dir_make_tmp("anzen-damage-XXXXXX", NULL);
	path = g_build_filename(dir, "in.mcap", NULL);
	out = g_build_filename(dir, "out.mcap", NULL);
	int result = unit_run("import.damage", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(path);
	g_unlink(out);
	g_rmdir(dir);
	g_free(path);
	g_free(out);
	g_free(dir);
	return result;
}
