/* Real MCAP recordings of ROS 2: the same values as @mcap/core and the Foxglove readers see. Needs node and `npm ci` in
 * tests/npm (./bench does it). */
#include "values.h"

#define BAGS ANZEN_DATA_DIR "/rosbag2"
#define NPM ANZEN_SOURCE_DIR "/tests/npm"

static char *out;

typedef struct {
	const char *path;
	size_t messages;
} Sample;

/* Counts: `ros2 bag info` texts beside the recordings (metadata.yaml), and PROVENANCE.md of the data. */
static const Sample samples[] = {
	{BAGS "/rosbag2_py/test/resources/mcap/talker/talker.mcap", 20},
	{BAGS "/rosbag2_py/test/resources/mcap/reindex_test_bags/multiple_files/"
	      "multiple_files_0.mcap",
	 1324},
	{BAGS "/rosbag2_tests/resources/mcap/cdr_test/cdr_test_0.mcap", 7},
	{BAGS "/rosbag2_py/test/resources/mcap/convert_a/rewriter_a_0.mcap", 150},
	{BAGS "/rosbag2_cpp/test/rosbag2_cpp/bags/only_topics.mcap", 7},
	{BAGS "/rosbag2_transport/test/resources/mcap/test_bag_for_seek/test_bag_for_seek_0.mcap",
	 5},
};

static void values_are_those_of_the_javascript_readers(void)
{
	size_t values = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		const char *argv[] = {"node", NPM "/mcap-values.mjs", samples[i].path, NULL};
		g_autofree char *why = NULL, *lines = values_print(argv);
		g_autoptr(ImportReport) report = values_import(samples[i].path, out, &why);
		CU_ASSERT_PTR_NOT_NULL(lines);
		CU_ASSERT_PTR_NOT_NULL(report);
		if (!report || !lines) {
			fprintf(stderr, "%s\n", why ? why : "no lines");
			continue;
		}
		ValuesFound found = values_compare(out, lines);
		values += found.values;
		CU_ASSERT_EQUAL(found.messages, samples[i].messages);
		CU_ASSERT_EQUAL(report->messages, samples[i].messages);
		CU_ASSERT_EQUAL(report->taken, samples[i].messages);
	}
	CU_ASSERT_TRUE(values > 1000);
}

/* 40 messages: what rosidl's IDL has, made and read by the Foxglove libraries. */
static void definitions_in_idl_mean_the_same(void)
{
	g_autofree char *file = g_strconcat(out, ".idl.mcap", NULL), *why = NULL;
	const char *make[] = {"node", NPM "/idl-recording.mjs", file, NULL},
		   *read[] = {"node", NPM "/mcap-values.mjs", file, NULL};
	g_autofree char *made = values_print(make), *lines = values_print(read);
	g_autoptr(ImportReport) report = values_import(file, out, &why);
	CU_ASSERT_TRUE(made && lines && report);
	if (lines && report) {
		ValuesFound found = values_compare(out, lines);
		CU_ASSERT_TRUE(found.values > 900 && found.messages == 40);
		CU_ASSERT_TRUE(report->taken == 40 && !report->incomplete);
	}
	g_unlink(file);
}

static void an_encoding_that_nobody_knows_is_named(void)
{
	g_autofree char *why = NULL;
	CU_ASSERT_PTR_NULL(values_import(
		BAGS "/rosbag2_tests/resources/mcap/wrong_rmw_test/wrong_rmw_test_0.mcap", out,
		&why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'wrong_format'"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/test_topic"));
	CU_ASSERT_FALSE(g_file_test(out, G_FILE_TEST_EXISTS));
}

/* REP 2012: 12 messages of a service's calls; the recorder wrote the service's text as their definition. */
static void events_of_services_are_read(void)
{
	g_autoptr(ImportReport) report = values_import(
		BAGS "/rosbag2_cpp/test/rosbag2_cpp/bags/only_services.mcap", out, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	CU_ASSERT_PTR_NOT_NULL(report);
	CU_ASSERT_PTR_NOT_NULL(rec);
	if (!report || !rec)
		return;
	CU_ASSERT_EQUAL(report->taken, 12);
	const Signal *a = recording_signal(rec, "add_two_ints._service_event.request.0.a"),
		     *b = recording_signal(rec, "add_two_ints._service_event.request.0.b"),
		     *sum = recording_signal(rec, "add_two_ints._service_event.response.0.sum");
	CU_ASSERT_TRUE(a && b && sum && a->n > 0 && sum->n > 0);
	/* The service adds: what its answers say must be so. */
	if (a && b && sum)
		CU_ASSERT_EQUAL(sum->v[0], a->v[0] + b->v[0]);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(values_are_those_of_the_javascript_readers),
		UNIT(definitions_in_idl_mean_the_same),
		UNIT(an_encoding_that_nobody_knows_is_named),
		UNIT(events_of_services_are_read),
	};
	unit_require("data", BAGS);
	unit_require("npm", NPM "/node_modules/@mcap/core");
	g_autofree char *dir = g_dir_make_tmp("anzen-mcap-XXXXXX", NULL);
	out = g_build_filename(dir, "out.mcap", NULL);
	int result = unit_run("import.mcap", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(out);
	g_rmdir(dir);
	g_free(out);
	return result;
}
