/* Every kind of session that we write, read by @mcap/core and the Foxglove message readers: they find the same counts
 * and values as were put in. Needs node and `npm ci` in tests/npm (./bench does it). */
#include "crash.h"
#include "sample.h"
#include <anzen/import.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <pthread.h>

#define NPM ANZEN_SOURCE_DIR "/tests/npm"

static char *dir;

static JsonObject *read_with_node(const char *path, JsonParser *parser)
{
	const char *argv[] = {"node", NPM "/read-session.mjs", path, NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocess) node =
		g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
	g_autofree char *out = NULL;
	if (!node || !g_subprocess_communicate_utf8(node, NULL, NULL, &out, NULL, &error) ||
	    !g_subprocess_get_successful(node) ||
	    !json_parser_load_from_data(parser, out, -1, &error)) {
		fprintf(stderr, "%s: %s\n", path, error ? error->message : "node failed");
		CU_FAIL("not read");
		return NULL;
	}
	return json_node_get_object(json_parser_get_root(parser));
}

static JsonObject *topic_of(JsonObject *root, const char *name)
{
	JsonObject *topics = root ? json_object_get_object_member(root, "topics") : NULL;
	if (topics && json_object_has_member(topics, name))
		return json_object_get_object_member(topics, name);
	fprintf(stderr, "topic %s is not there\n", name);
	CU_FAIL("no topic");
	return NULL;
}

static void expect(JsonObject *root, const char *topic, const char *schema, int64_t count,
		   double sum, int64_t missing)
{
	JsonObject *t = topic_of(root, topic);
	if (!t)
		return;
	CU_ASSERT_STRING_EQUAL(json_object_get_string_member(t, "schema"), schema);
	CU_ASSERT_EQUAL(json_object_get_int_member(t, "count"), count);
	CU_ASSERT_EQUAL(json_object_get_int_member(t, "missing"), missing);
	CU_ASSERT_DOUBLE_EQUAL(json_object_get_double_member(t, "sum"), sum,
			       1e-9 * MAX(1, fabs(sum)));
}

/* heights: 500 × 1 + Σ_{k=0}^{499} (1 − k/1000) = 1000 − 499·500/2/1000 = 875.25. forces: Σ_{0}^{999} i − 700 =
 * 499500 − 700. light: Σ_{k=0}^{19} (150.25 + 50 k) = 20·150.25 + 50·190 = 12505. */
static void a_recording_reads_the_same(void)
{
	g_autofree char *path = g_build_filename(dir, "sample.mcap", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	SampleResult result = {0};
	UNIT_OK(sample_record(NULL, path, NULL, NULL, &result, &error), error);
	JsonObject *root = read_with_node(path, parser);
	expect(root, "/signals/mannequin.height", "anzen_msgs/msg/Sample", 1000, 875.25, 0);
	expect(root, "/signals/floor.force", "anzen_msgs/msg/Sample", 1000, 498800, 1);
	expect(root, "/signals/room.illuminance", "anzen.Sample", 20, 12505, 0);
	expect(root, "/events", "anzen.Event", 12, 0, 0);
	expect(root, "/faults", "anzen.Fault", 1, 0, 0);
	expect(root, "/frames/camera.main/info", "anzen_msgs/msg/FrameInfo", 60, 0, 0);
	JsonObject *height = topic_of(root, "/signals/mannequin.height"),
		   *video = topic_of(root, "/frames/camera.main"),
		   *fault = topic_of(root, "/faults");
	if (height && video && fault) {
		CU_ASSERT_STRING_EQUAL(json_object_get_string_member(height, "unit"), "m");
		CU_ASSERT_STRING_EQUAL(json_object_get_string_member(height, "last"),
				       "6.998000000");
		CU_ASSERT_STRING_EQUAL(json_object_get_string_member(video, "schema"),
				       "foxglove_msgs/msg/CompressedVideo");
		CU_ASSERT_EQUAL(json_object_get_int_member(video, "count"), 60);
		CU_ASSERT_EQUAL(json_object_get_int_member(video, "bytes"), 60 * 300);
		CU_ASSERT_STRING_EQUAL(json_object_get_string_member(video, "format"), "h264");
		CU_ASSERT_STRING_EQUAL(json_object_get_string_member(fault, "last"),
				       "froze: \"45\" equal frames");
		CU_ASSERT_EQUAL(json_object_get_int_member(
					json_object_get_object_member(root, "attachments"),
					"scenario.yaml"),
				18);
	}
	g_free(result.sha256);
	g_unlink(path);
}

static void a_recovered_recording_reads_as_well(void)
{
	g_autofree char *path = g_build_filename(dir, "whole.mcap", NULL),
			*cut = g_build_filename(dir, "cut.mcap", NULL),
			*saved = g_build_filename(dir, "saved.mcap", NULL), *bytes = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	SampleResult result = {0};
	SessionRecovery r = {0};
	gsize size = 0;
	UNIT_OK(sample_record(NULL, path, NULL, NULL, &result, &error), error);
	g_file_get_contents(path, &bytes, &size, NULL);
	g_file_set_contents(cut, bytes, (gssize)(size * 6 / 10), NULL);
	g_auto(McapSource) source = {0};
	g_auto(McapSink) sink = {0};
	UNIT_OK(mcap_file_source(cut, &source, &error) && mcap_file_sink(saved, &sink, &error),
		error);
	UNIT_OK(session_recover(&source, &sink, &r, &error), error);
	g_autoptr(Recording) rec = session_load(saved, &error);
	UNIT_OK(rec, error);
	JsonObject *root = read_with_node(saved, parser);
	const Signal *h = rec ? recording_signal(rec, "mannequin.height") : NULL;
	if (h && root) {
		double sum = 0;
		for (size_t i = 0; i < h->n; i++)
			sum += h->v[i];
		CU_ASSERT_TRUE(h->n > 300 && h->n < 1000);
		expect(root, "/signals/mannequin.height", "anzen_msgs/msg/Sample", (int64_t)h->n,
		       sum, 0);
	}
	session_recovery_clear(&r);
	g_free(result.sha256);
	g_unlink(path);
	g_unlink(cut);
	g_unlink(saved);
}

/* Σ_{i<n} i of signal a, which comes back from its beginning without a gap up to what was synced. */
static void expect_signal_a(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(Recording) rec = session_load(path, &error);
	UNIT_OK(rec, error);
	const Signal *a = rec ? recording_signal(rec, "a") : NULL;
	double sum = 0;
	for (size_t i = 0; a && i < a->n; i++)
		sum += a->v[i];
	CU_ASSERT_TRUE(a && a->n > 100);
	if (a)
		expect(read_with_node(path, parser), "/signals/a", "anzen_msgs/msg/Sample",
		       (int64_t)a->n, sum, 0);
}

static void what_is_recovered_after_power_loss_reads_as_well(void)
{
	const CrashPlan plan = {2500, 0};
	CrashDisk disk;
	CrashTold told = {0};
	McapSink sink;
	crash_disk_init(&disk, &told, &sink);
	CU_ASSERT_TRUE(crash_record(&sink, &plan, &told, NULL));
	for (uint32_t seed = 1; seed <= 6; seed++) {
		g_autofree char *path = g_build_filename(dir, "power.mcap", NULL), *missing = NULL;
		GRand *rand = g_rand_new_with_seed(seed);
		guint k =
			(guint)g_rand_int_range(rand, (gint)disk.ops->len / 3, (gint)disk.ops->len);
		g_autoptr(GByteArray) left = crash_power_lost(&disk, k, rand);
		g_autoptr(GByteArray) out = crash_recover(left, &missing);
		CU_ASSERT_PTR_NOT_NULL(out);
		if (out && g_file_set_contents(path, (const char *)out->data, out->len, NULL))
			expect_signal_a(path);
		g_unlink(path);
		g_rand_free(rand);
	}
	crash_disk_clear(&disk);
}

static void an_imported_table_reads_the_same(void)
{
	g_autofree char *csv = g_build_filename(dir, "t.csv", NULL),
			*map = g_build_filename(dir, "m.yaml", NULL),
			*path = g_build_filename(dir, "import.mcap", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(JsonParser) parser = json_parser_new();
	g_file_set_contents(csv, "t,a,b\n0,1.5,1\n0.5,-2.25,\n1,nan,0\n", -1, NULL);
	g_file_set_contents(
		map,
		"anzen: mapping/1\nid: m\ntime: {column: t, unit: s}\nsignals:\n"
		"  pan.temperature: {column: a, unit: degC, origin: stimulus}\n"
		"  product.alarm: {column: b, unit: '1', origin: response, boolean: true}\n",
		-1, NULL);
	UNIT_OK(import_table(csv, map, path, diag, &error), error);
	JsonObject *root = read_with_node(path, parser);
	expect(root, "/signals/pan.temperature", "anzen.Sample", 3, -0.75, 1);
	expect(root, "/signals/product.alarm", "anzen.Sample", 2, 1, 0);
	expect(root, "/events", "anzen.Event", 2, 0, 0);
	g_unlink(csv);
	g_unlink(map);
	g_unlink(path);
}

static void *produce(void *data)
{
	SessionProducer *p = data;
	for (int i = 1; i <= 5000; i++)
		session_sample(p, 0, i, 0.5, SAMPLE_OK);
	return NULL;
}

/* The threaded recorder on the real clock and a real disk. */
static void a_threaded_recording_reads_the_same(void)
{
	g_autofree char *path = g_build_filename(dir, "threads.mcap", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	SessionOptions options = {
		.path = path, .clock = clock_monotonic(), .evidence = EVIDENCE_VIRTUAL};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	UNIT_OK(w, error);
	SignalInfo info;
	sample_info(&info, "x", "m");
	session_writer_add_signal(w, &info, 1000);
	signal_info_clear(&info);
	SessionProducer *p = session_writer_add_producer(w, "node-a", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	pthread_t thread;
	pthread_create(&thread, NULL, produce, p);
	pthread_join(thread, NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	expect(read_with_node(path, parser), "/signals/x", "anzen_msgs/msg/Sample", 5000, 2500, 0);
	g_unlink(path);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(a_recording_reads_the_same), UNIT(a_recovered_recording_reads_as_well),
		UNIT(what_is_recovered_after_power_loss_reads_as_well),
		UNIT(an_imported_table_reads_the_same), UNIT(a_threaded_recording_reads_the_same)};
	g_autofree char *node = g_find_program_in_path("node");
	unit_require("npm", node ? node : "node");
	unit_require("npm", NPM "/node_modules/@mcap/core/package.json");
	dir = g_dir_make_tmp("anzen-npm-XXXXXX", NULL);
	int failed = unit_run("session.npm", tests, G_N_ELEMENTS(tests), argc, argv);
	failed |= g_rmdir(dir) != 0;
	g_free(dir);
	return failed;
}
