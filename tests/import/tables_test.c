/* Real tables: a flat's 37 series over 89 days, and a belt tag with two watches in one file at different rates. */
#include "values.h"

#define FLAT ANZEN_DATA_DIR "/open-smart-home/Measurements"
#define STAIRS ANZEN_DATA_DIR "/assist-iot-fall/stairs"

static char *dir, *map, *out;

static size_t samples_of(const char *csv, const char *signal, double *ret_first, double *ret_last)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_unlink(out);
	UNIT_OK(import_table(csv, map, out, diag, &error), error);
	g_autoptr(Recording) rec = session_load(out, NULL);
	const Signal *s = rec ? recording_signal(rec, signal) : NULL;
	if (s && s->n && ret_first) {
		*ret_first = s->v[0];
		*ret_last = s->v[s->n - 1];
	}
	return s ? s->n : 0;
}

/* 285,954 rows in all: PROVENANCE.md of the data. */
static void every_series_of_the_flat_is_taken_whole(void)
{
	g_autoptr(GDir) series = g_dir_open(FLAT, 0, NULL);
	size_t rows = 0, files = 0;
	g_file_set_contents(map,
			    "anzen: mapping/1\nid: flat\ndelimiter: tab\nheadings: false\n"
			    "time: {column: '1', unit: s}\n"
			    "signals: {flat.value: {column: '2', unit: '1', origin: stimulus}}\n",
			    -1, NULL);
	for (const char *name; (name = g_dir_read_name(series));) {
		g_autofree char *csv = g_build_filename(FLAT, name, NULL);
		rows += samples_of(csv, "flat.value", NULL, NULL);
		files++;
	}
	CU_ASSERT_EQUAL(files, 37);
	CU_ASSERT_EQUAL(rows, 285954);
}

/* Counts and ends by awk. */
static void sources_of_one_file_keep_their_own_rates(void)
{
	static const char *const sources[] = {"TAG", "WATCH_L", "WATCH_R"};
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
		g_autofree char *text = g_strdup_printf(
			"anzen: mapping/1\nid: stairs\ndelimiter: '|'\n"
			"time: {column: TIMESTAMP, unit: date, zone: '+01:00'}\n"
			"signals: {x: {column: X, where: {SOURCE: %s, ACTIVITY: '6'}, unit: '1', "
			"origin: stimulus}}\n",
			sources[i]);
		g_autofree char *program = g_strdup_printf(
			"$4==\"%s\" && $9==\"6\" {n++; if (n==1) f=$5; l=$5} END {print n, f, l}",
			sources[i]);
		const char *argv[] = {"awk", "-F|", program, STAIRS "/01_acceleration.csv", NULL};
		g_autofree char *said = values_print(argv);
		g_auto(GStrv) words = g_strsplit(said ? said : "0 0 0", " ", 3);
		double first = 0, last = 0;
		g_file_set_contents(map, text, -1, NULL);
		size_t n = samples_of(STAIRS "/01_acceleration.csv", "x", &first, &last);
		CU_ASSERT_EQUAL(n, g_ascii_strtoull(words[0], NULL, 10));
		CU_ASSERT_TRUE(n > 1000);
		CU_ASSERT_EQUAL(first, g_ascii_strtod(words[1], NULL));
		CU_ASSERT_EQUAL(last, g_ascii_strtod(words[2], NULL));
	}
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(every_series_of_the_flat_is_taken_whole),
					 UNIT(sources_of_one_file_keep_their_own_rates)};
	unit_require("data", FLAT);
	unit_require("data", STAIRS);
	dir = g_dir_make_tmp("anzen-tables-XXXXXX", NULL);
	map = g_build_filename(dir, "map.yaml", NULL);
	out = g_build_filename(dir, "out.mcap", NULL);
	int result = unit_run("import.tables", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(map);
	g_unlink(out);
	g_rmdir(dir);
	g_free(dir);
	g_free(map);
	g_free(out);
	return result;
}
