/* Real rosbag2 recordings in sqlite3: counts as the sqlite3 program says, values as the JavaScript readers find in the MCAP twin
 * of the same recording; and both ways of compression, made here. */
#include "values.h"

#include <sqlite3.h>
#include <zstd.h>

#define BAGS ANZEN_DATA_DIR "/rosbag2"
#define PY BAGS "/rosbag2_py/test/resources"
#define NPM ANZEN_SOURCE_DIR "/tests/npm"

static char *dir, *out;

static uint64_t count_by_sqlite3(const char *path)
{
	g_autofree char *uri = g_strdup_printf("file:%s?immutable=1", path);
	const char *argv[] = {"sqlite3", uri, "select count(*) from messages", NULL};
	g_autofree char *text = values_print(argv);
	return text ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static void counts_are_those_of_sqlite3(void)
{
	static const char *const names[] = {
		PY "/sqlite3/reindex_test_bags/multiple_files/multiple_files_0.db3",
		PY "/sqlite3/wbag/wbag_4.db3",
		PY "/sqlite3/convert_a/rewriter_a_0.db3",
		PY "/sqlite3/convert_b/rewriter_b_0.db3",
		BAGS "/rosbag2_cpp/test/rosbag2_cpp/bags/topics_and_services.db3",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *why = NULL;
		g_autoptr(ImportReport) report = values_import(names[i], out, &why);
		if (!report)
			fprintf(stderr, "%s\n", why);
		CU_ASSERT_TRUE(report && report->messages == count_by_sqlite3(names[i]));
		CU_ASSERT_TRUE(report && report->taken == report->messages && report->taken > 0);
	}
}

static void values_are_those_of_the_mcap_twin(void)
{
	static const char *const twins[][2] = {
		{BAGS "/rosbag2_tests/resources/sqlite3/cdr_test",
		 BAGS "/rosbag2_tests/resources/mcap/cdr_test/cdr_test_0.mcap"},
		{PY "/sqlite3/convert_a", PY "/mcap/convert_a/rewriter_a_0.mcap"},
		{BAGS "/rosbag2_transport/test/resources/sqlite3/test_bag_for_seek/"
		      "test_bag_for_seek_0.db3",
		 BAGS "/rosbag2_transport/test/resources/mcap/test_bag_for_seek/"
		      "test_bag_for_seek_0.mcap"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(twins); i++) {
		const char *argv[] = {"node", NPM "/mcap-values.mjs", twins[i][1], NULL};
		g_autofree char *lines = values_print(argv), *why = NULL;
		g_autoptr(ImportReport) report = values_import(twins[i][0], out, &why);
		if (!report)
			fprintf(stderr, "%s\n", why);
		CU_ASSERT_TRUE(lines && report);
		if (lines && report) {
			ValuesFound found = values_compare(out, lines);
			CU_ASSERT_EQUAL(found.messages, report->messages);
			CU_ASSERT_TRUE(found.values > 0);
		}
	}
}

/* A split recording: metadata.yaml says 1246 + 3 · 1240 + 1108 = 6074. */
static void the_files_of_a_folder_are_one_recording(void)
{
	g_autoptr(ImportReport) report = values_import(PY "/sqlite3/wbag", out, NULL);
	CU_ASSERT_TRUE(report && report->messages == 6074 && report->taken == 6074);
	CU_ASSERT_TRUE(report && report->notes->len == 0); /* metadata.yaml agrees */
	g_autoptr(ImportReport) bare =
		values_import(PY "/sqlite3/reindex_test_bags/multiple_files", out, NULL);
	CU_ASSERT_TRUE(bare && bare->messages == 1324 + 1324 + 529);
}

static void definitions_that_are_missing_are_named(void)
{
	g_autoptr(ImportReport) report = values_import(
		BAGS "/rosbag2_tests/resources/sqlite3/wrong_rmw_test/wrong_rmw_test_0.db3", out,
		NULL);
	CU_ASSERT_TRUE(report && report->messages == 7 && report->taken == 3);
	bool said = false;
	for (guint i = 0; report && i < report->topics->len; i++) {
		const ImportTopic *t = report->topics->pdata[i];
		for (guint k = 0; k < t->left->len; k++) {
			const ImportReason *why = t->left->pdata[k];
			said |= strstr(why->what, "test_msgs/msg/Arrays") && why->n == 4 &&
				!strncmp(why->where, "row ", 4);
		}
	}
	CU_ASSERT_TRUE(said);
}

/* ---- compression ----------------------------------------------------------------------------------------------- */

static void save_zstd(const char *from, const char *to)
{
	g_autofree char *plain = NULL;
	gsize size = 0;
	CU_ASSERT_TRUE(g_file_get_contents(from, &plain, &size, NULL));
	size_t room = ZSTD_compressBound(size);
	g_autofree char *packed = g_malloc(room);
	size_t made = ZSTD_compress(packed, room, plain, size, 3);
	g_file_set_contents(to, packed, (gssize)made, NULL);
}

static void a_file_that_is_compressed_as_a_whole_reads_alike(void)
{
	g_autofree char *bag = g_build_filename(dir, "a_0.db3.zstd", NULL);
	save_zstd(PY "/sqlite3/convert_a/rewriter_a_0.db3", bag);
	g_autoptr(ImportReport) report = values_import(bag, out, NULL);
	CU_ASSERT_TRUE(report && report->messages == 150 && report->taken == 150 &&
		       report->samples == 650);
	g_autofree char *bytes = NULL, *why = NULL;
	gsize size = 0;
	g_file_get_contents(bag, &bytes, &size, NULL);
	g_file_set_contents(bag, bytes, (gssize)size / 2, NULL);
	CU_ASSERT_PTR_NULL(values_import(bag, out, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "zstd"));
	g_unlink(bag);
}

static void compress_value(sqlite3_context *context, int n, sqlite3_value **values)
{
	uint8_t packed[4096];
	(void)n;
	size_t made = ZSTD_compress(packed, sizeof(packed), sqlite3_value_blob(values[0]),
				    (size_t)sqlite3_value_bytes(values[0]), 3);
	sqlite3_result_blob(context, packed, (int)made, SQLITE_TRANSIENT);
}

static void messages_that_are_compressed_one_by_one_read_alike(void)
{
	g_autofree char *bag = g_build_filename(dir, "m_0.db3", NULL), *bytes = NULL;
	gsize size = 0;
	sqlite3 *db = NULL;
	g_file_get_contents(PY "/sqlite3/convert_a/rewriter_a_0.db3", &bytes, &size, NULL);
	g_file_set_contents(bag, bytes, (gssize)size, NULL);
	CU_ASSERT_EQUAL(sqlite3_open(bag, &db), SQLITE_OK);
	sqlite3_create_function(db, "pack", 1, SQLITE_UTF8, NULL, compress_value, NULL, NULL);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "update messages set data = pack(data)", NULL, NULL, NULL),
			SQLITE_OK);
	sqlite3_close(db);
	g_autoptr(ImportReport) report = values_import(bag, out, NULL);
	CU_ASSERT_TRUE(report && report->messages == 150 && report->taken == 150 &&
		       report->samples == 650);
	g_unlink(bag);
}

/* The same in the other storage: a copy whose messages are zstd frames, which nothing in the file says. */
static gboolean pack_mcap(const char *from, const char *to)
{
	g_auto(McapSource) source = {0};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	McapSink sink;
	McapRecord r;
	McapWriterOptions options = mcap_writer_defaults;
	mcap_memory_sink(bytes, &sink);
	options.profile = "ros2";
	if (!mcap_file_source(from, &source, NULL))
		return FALSE;
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, NULL);
	g_autoptr(McapWriter) w = mcap_writer_new(&sink, &options, NULL);
	while (mcap_reader_next(reader, &r, NULL) == MCAP_NEXT_RECORD &&
	       r.opcode != MCAP_DATA_END) {
		uint8_t packed[4096];
		g_autofree char *a = NULL, *b = NULL;
		if (r.opcode == MCAP_SCHEMA)
			mcap_writer_schema(w, r.schema.id, a = mcap_text_dup(r.schema.name),
					   b = mcap_text_dup(r.schema.encoding), r.schema.data.data,
					   r.schema.data.size, NULL);
		if (r.opcode == MCAP_CHANNEL)
			mcap_writer_channel(w, r.channel.id, r.channel.schema_id,
					    a = mcap_text_dup(r.channel.topic),
					    b = mcap_text_dup(r.channel.message_encoding), NULL, 0,
					    NULL);
		if (r.opcode == MCAP_MESSAGE)
			mcap_writer_message(w, r.message.channel_id, r.message.sequence,
					    r.message.log_time, r.message.publish_time, packed,
					    ZSTD_compress(packed, sizeof(packed),
							  r.message.data.data, r.message.data.size,
							  3),
					    NULL);
	}
	return mcap_writer_finish(w, NULL) &&
	       g_file_set_contents(to, (const char *)bytes->data, (gssize)bytes->len, NULL);
}

static void messages_that_are_compressed_in_mcap_read_alike(void)
{
	g_autofree char *bag = g_build_filename(dir, "m_0.mcap", NULL), *why = NULL;
	CU_ASSERT_TRUE(pack_mcap(PY "/mcap/convert_a/rewriter_a_0.mcap", bag));
	g_autoptr(ImportReport) report = values_import(bag, out, &why);
	CU_ASSERT_TRUE(report && report->messages == 150 && report->taken == 150 &&
		       report->samples == 650);
	g_unlink(bag);
}

static void a_database_of_something_else_is_refused(void)
{
	g_autofree char *other = g_build_filename(dir, "other.db3", NULL), *why = NULL;
	sqlite3 *db = NULL;
	CU_ASSERT_EQUAL(sqlite3_open(other, &db), SQLITE_OK);
	sqlite3_exec(db, "create table bookmarks (url text)", NULL, NULL, NULL);
	sqlite3_close(db);
	CU_ASSERT_PTR_NULL(values_import(other, out, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no rosbag2 storage"));
	g_unlink(other);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(counts_are_those_of_sqlite3),
		UNIT(values_are_those_of_the_mcap_twin),
		UNIT(the_files_of_a_folder_are_one_recording),
		UNIT(definitions_that_are_missing_are_named),
		UNIT(a_file_that_is_compressed_as_a_whole_reads_alike),
		UNIT(messages_that_are_compressed_one_by_one_read_alike),
		UNIT(messages_that_are_compressed_in_mcap_read_alike),
		UNIT(a_database_of_something_else_is_refused),
	};
	unit_require("data", BAGS);
	unit_require("data", "/usr/bin/sqlite3");
	unit_require("npm", NPM "/node_modules/@mcap/core");
	dir = g_dir_make_tmp("anzen-rosbag2-XXXXXX", NULL);
	out = g_build_filename(dir, "out.mcap", NULL);
	int result = unit_run("import.rosbag2", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(out);
	result |= g_rmdir(dir) != 0; /* SQLite left nothing beside the files */
	g_free(dir);
	g_free(out);
	return result;
}
