/* Real recordings of others: every MCAP file of rosbag2's own tests, in file order and through its index. */
#include "unit.h"
#include <anzen/mcap.h>
#include <stdbool.h>

#define BAGS ANZEN_DATA_DIR "/rosbag2"

static void collect(const char *folder, GPtrArray *files)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			collect(path, files);
		else if (g_str_has_suffix(name, ".mcap"))
			g_ptr_array_add(files, g_steal_pointer(&path));
	}
}

static bool count(const McapRecord *message, void *data)
{
	(void)message;
	++*(uint64_t *)data;
	return true;
}

static uint64_t stream_count(const McapSource *source, uint64_t *ret_stated)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(McapReader) reader = mcap_reader_new(source, 0, NULL, &error);
	McapRecord r;
	McapNext next = MCAP_NEXT_ERROR;
	uint64_t n = 0;
	while (reader && (next = mcap_reader_next(reader, &r, &error)) == MCAP_NEXT_RECORD) {
		n += r.opcode == MCAP_MESSAGE;
		if (r.opcode == MCAP_STATISTICS)
			*ret_stated = r.statistics.message_count;
	}
	UNIT_OK(next == MCAP_NEXT_END, error);
	return n;
}

/* The counts of PROVENANCE.md; for the rest, what the file's own statistics state. */
static void every_bag_reads_with_its_stated_count(void)
{
	static const struct {
		const char *name;
		uint64_t messages;
	} known[] = {{"multiple_files_0.mcap", 1324},
		     {"multiple_files_1.mcap", 1324},
		     {"multiple_files_2.mcap", 529},
		     {"talker.mcap", 20}};
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	unsigned matched = 0;
	collect(BAGS, files);
	CU_ASSERT_EQUAL(files->len, 20);
	for (guint i = 0; i < files->len; i++) {
		g_autoptr(GError) error = NULL;
		g_auto(McapSource) source = {0};
		uint64_t stated = 0, indexed = 0;
		UNIT_OK(mcap_file_source(files->pdata[i], &source, &error), error);
		uint64_t streamed = stream_count(&source, &stated);
		g_autoptr(McapIndex) index = mcap_index_new(&source, NULL, &error);
		UNIT_OK(index && mcap_index_messages(index, 0, 0, count, &indexed, &error), error);
		CU_ASSERT_EQUAL(streamed, stated);
		CU_ASSERT_EQUAL(indexed, stated);
		for (size_t k = 0; k < G_N_ELEMENTS(known); k++)
			if (g_str_has_suffix(files->pdata[i], known[k].name)) {
				CU_ASSERT_EQUAL(streamed, known[k].messages);
				matched++;
			}
	}
	CU_ASSERT_EQUAL(matched, 4);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(every_bag_reads_with_its_stated_count)};
	unit_require("data", BAGS);
	return unit_run("mcap.rosbag2", tests, G_N_ELEMENTS(tests), argc, argv);
}
