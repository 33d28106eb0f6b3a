/* Real flight logs: the same values as a second reader finds, which unpacks them with Python's struct. */
#include "values.h"

#define LOGS ANZEN_DATA_DIR "/ulog"

static char *out;

static void each_value_is_that_of_the_second_reader(void)
{
	static const char *const names[] = {LOGS "/sample_log_small.ulg",
					    LOGS "/sample_px4_events.ulg"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *argv[] = {"/usr/bin/python3",
				      ANZEN_SOURCE_DIR "/tests/import/ulog_values.py", names[i],
				      NULL};
		g_autofree char *why = NULL, *lines = values_print(argv);
		g_autoptr(ImportReport) report = values_import(names[i], out, &why);
		CU_ASSERT_PTR_NOT_NULL(lines);
		CU_ASSERT_PTR_NOT_NULL(report);
		if (!lines || !report) {
			fprintf(stderr, "%s\n", why ? why : "no lines");
			continue;
		}
		ValuesFound found = values_compare(out, lines);
		CU_ASSERT_EQUAL(found.messages, report->messages);
		CU_ASSERT_EQUAL(report->taken, report->messages);
		CU_ASSERT_TRUE(found.values > 100000);
	}
}

static void what_the_logger_lost_is_said(void)
{
	g_autoptr(ImportReport) report = values_import(LOGS "/sample_log_small.ulg", out, NULL);
	bool said = false;
	for (guint i = 0; report && i < report->notes->len; i++)
		said |= strstr(report->notes->pdata[i], "lost data 1 times, 30 ms") != NULL;
	CU_ASSERT_TRUE(said);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(each_value_is_that_of_the_second_reader),
					 UNIT(what_the_logger_lost_is_said)};
	unit_require("data", LOGS);
	unit_require("data", "/usr/bin/python3");
	g_autofree char *dir = g_dir_make_tmp("anzen-ulog-XXXXXX", NULL);
	out = g_build_filename(dir, "out.mcap", NULL);
	int result = unit_run("import.ulog", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(out);
	g_rmdir(dir);
	g_free(out);
	return result;
}
