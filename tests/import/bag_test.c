/* Real ROS 1 bags: the same values as python3-rosbag reads, whatever the compression and the state of the index. */
#include "values.h"

#define BAGS ANZEN_DATA_DIR "/rosbag1"
#define EXAMPLE_MESSAGES 8647 /* PROVENANCE.md of the data */

static char *dir, *expected;

static char *in_dir(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

static char *rosbag_values(const char *path)
{
	const char *argv[] = {"/usr/bin/python3", ANZEN_SOURCE_DIR "/tests/import/bag_values.py",
			      path, NULL};
	return values_print(argv);
}

static void each_compression_gives_what_rosbag_reads(void)
{
	static const char *const names[] = {"example.bag", "example-bz2.bag", "example-lz4.bag"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(BAGS, names[i], NULL);
		g_autofree char *out = in_dir("out.mcap"), *why = NULL;
		g_autoptr(ImportReport) report = values_import(path, out, &why);
		if (!report) {
			fprintf(stderr, "%s\n", why);
			CU_FAIL("not imported");
			continue;
		}
		CU_ASSERT_EQUAL(report->messages, EXAMPLE_MESSAGES);
		CU_ASSERT_EQUAL(report->taken, EXAMPLE_MESSAGES);
		ValuesFound found = values_compare(out, expected);
		CU_ASSERT_EQUAL(found.messages, EXAMPLE_MESSAGES);
		CU_ASSERT_TRUE(found.values > 40000);
	}
}

/* The index is what follows the last chunk: cut away, and overwritten with zeros. */
static void a_bag_without_its_index_gives_the_same(void)
{
	g_autofree char *bytes = NULL, *cut = in_dir("cut.bag"), *out = in_dir("out.mcap");
	gsize size = 0;
	CU_ASSERT_TRUE(g_file_get_contents(BAGS "/example.bag", &bytes, &size, NULL));
	const char *field = memmem(bytes, 4096, "index_pos=", strlen("index_pos="));
	uint64_t index = 0;
	CU_ASSERT_PTR_NOT_NULL(field);
	if (!field)
		return;
	memcpy(&index, field + strlen("index_pos="), sizeof(index));
	index = GUINT64_FROM_LE(index);
	CU_ASSERT_TRUE(index > size / 2 && index < size);
	g_file_set_contents(cut, bytes, (gssize)index, NULL);
	g_autoptr(ImportReport) report = values_import(cut, out, NULL);
	CU_ASSERT_PTR_NOT_NULL(report);
	if (report) {
		CU_ASSERT_PTR_NULL(report->incomplete);
		values_compare(out, expected);
	}
}

static void a_bag_cut_within_a_chunk_gives_what_came_before(void)
{
	g_autofree char *bytes = NULL, *cut = in_dir("cut.bag"), *out = in_dir("out.mcap");
	gsize size = 0;
	g_autoptr(GError) error = NULL;
	CU_ASSERT_TRUE(g_file_get_contents(BAGS "/example.bag", &bytes, &size, NULL));
	g_file_set_contents(cut, bytes, (gssize)size / 2, NULL);
	g_autoptr(ImportReport) report = values_import(cut, out, NULL);
	CU_ASSERT_PTR_NOT_NULL(report);
	if (!report)
		return;
	CU_ASSERT_TRUE(report->taken > EXAMPLE_MESSAGES / 4 && report->taken < EXAMPLE_MESSAGES);
	CU_ASSERT_PTR_NOT_NULL(report->incomplete);
	g_autoptr(Recording) rec = session_load(out, &error);
	UNIT_OK(rec != NULL, error);
	CU_ASSERT_FALSE(rec->complete); /* so that nothing that needs the end is judged */
}

static void chunks_out_of_order_come_in_the_order_of_time(void)
{
	g_autofree char *out = in_dir("out.mcap"), *lines = NULL;
	g_autoptr(ImportReport) report =
		values_import(BAGS "/example-unsorted-chunks.bag", out, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	g_autoptr(GString) texts = g_string_new(NULL);
	CU_ASSERT_PTR_NOT_NULL(report);
	CU_ASSERT_PTR_NOT_NULL(rec);
	if (!report || !rec)
		return;
	int64_t last = 0;
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = rec->events->pdata[i];
		CU_ASSERT_TRUE(e->t_ns >= last);
		last = e->t_ns;
		if (g_str_has_prefix(e->name, "text."))
			g_string_append_printf(texts, "%s;", e->json);
	}
	lines = rosbag_values(BAGS "/example-unsorted-chunks.bag");
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "messages\t3\t"));
	CU_ASSERT_EQUAL(report->taken, 3);
}

static void bags_with_nothing_in_them_say_so(void)
{
	g_autofree char *out = in_dir("none.mcap"), *empty = NULL, *nothing = NULL;
	CU_ASSERT_PTR_NULL(values_import(BAGS "/empty-file.bag", out, &empty));
	CU_ASSERT_PTR_NULL(values_import(BAGS "/no-messages.bag", out, &nothing));
	CU_ASSERT_PTR_NOT_NULL(strstr(empty, "0 bytes"));
	CU_ASSERT_PTR_NOT_NULL(strstr(nothing, "0 messages"));
	CU_ASSERT_FALSE(g_file_test(out, G_FILE_TEST_EXISTS));
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(each_compression_gives_what_rosbag_reads),
		UNIT(a_bag_without_its_index_gives_the_same),
		UNIT(a_bag_cut_within_a_chunk_gives_what_came_before),
		UNIT(chunks_out_of_order_come_in_the_order_of_time),
		UNIT(bags_with_nothing_in_them_say_so),
	};
	unit_require("data", BAGS);
	unit_require("data", "/usr/lib/python3/dist-packages/rosbag"); /* Debian's python3-rosbag */
	dir = g_dir_make_tmp("anzen-bag-XXXXXX", NULL);
	expected = rosbag_values(BAGS "/example.bag");
	int result = expected ? unit_run("import.bag", tests, G_N_ELEMENTS(tests), argc, argv) : 1;
	g_autofree char *out = in_dir("out.mcap"), *cut = in_dir("cut.bag");
	g_unlink(out);
	g_unlink(cut);
	g_rmdir(dir);
	g_free(dir);
	g_free(expected);
	return result;
}
