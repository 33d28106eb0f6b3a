/* `anzen session …` as a technician uses it, with its exit codes. */
#include "../cli/run.h"
#include "unit.h"
#include <glib/gstdio.h>
#include <stdint.h>

static char *dir;

static char *path(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

static CliResult run(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Each %s is a name in the test's folder. */
static CliResult run(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *line = g_strdup_vprintf(format, args);
	va_end(args);
	return cli_run(line);
}

static void write_inputs(void)
{
	g_autofree char *csv = path("t.csv"), *map = path("m.yaml");
	g_autoptr(GString) rows = g_string_new("t,h\n");
	for (int i = 0; i < 200; i++)
		g_string_append_printf(rows, "%d.%02d,%d.5\n", i / 100, i % 100, i);
	g_file_set_contents(csv, rows->str, -1, NULL);
	g_file_set_contents(
		map,
		"anzen: mapping/1\nid: m\ntime: {column: t, unit: s}\n"
		"signals:\n  mannequin.height: {column: h, unit: mm, origin: stimulus}\n",
		-1, NULL);
}

static void import_info_verify_and_cat_agree(void)
{
	g_autofree char *csv = path("t.csv"), *map = path("m.yaml"), *out = path("s.mcap"),
			*back = path("back.csv");
	g_auto(CliResult) import = run("session import %s --map %s -o %s", csv, map, out);
	CU_ASSERT_EQUAL(import.code, 0);
	g_auto(CliResult) info = run("session info %s --json", out);
	CU_ASSERT_EQUAL(info.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(info.out, "\"duration\" : 1.99"));
	CU_ASSERT_PTR_NOT_NULL(strstr(info.out, "\"messages\" : 200"));
	CU_ASSERT_PTR_NOT_NULL(strstr(info.out, "\"missing\" : null"));
	CU_ASSERT_PTR_NOT_NULL(strstr(info.out, "import/t.csv"));
	g_auto(CliResult) verify = run("session verify %s", out);
	CU_ASSERT_EQUAL(verify.code, 0);
	g_auto(CliResult) cat = run("session cat %s --signal mannequin.height", out);
	CU_ASSERT_EQUAL(cat.code, 0);
	CU_ASSERT_TRUE(g_str_has_prefix(
		cat.out,
		"time_s,signal,value,unit,status\n0.000000000,mannequin.height,0.5,mm,ok\n"));
	CU_ASSERT_TRUE(g_str_has_suffix(cat.out, "1.990000000,mannequin.height,199.5,mm,ok\n"));
	g_auto(CliResult) attached = run("session cat %s --attachment import/m.yaml", out);
	CU_ASSERT_TRUE(g_str_has_prefix(attached.out, "anzen: mapping/1\n"));
	g_auto(CliResult) export = run("session export %s -o %s", out, back);
	CU_ASSERT_EQUAL(export.code, 0);
	g_autofree char *text = NULL;
	g_file_get_contents(back, &text, NULL, NULL);
	CU_ASSERT_STRING_EQUAL(text, cat.out);
	g_auto(CliResult) events = run("session cat %s", out);
	CU_ASSERT_STRING_EQUAL(
		events.out,
		"{\"t\":0,\"event\":\"run.start\"}\n{\"t\":1.99,\"event\":\"run.end\"}\n");
	g_auto(CliResult) again = run("session import %s --map %s -o %s", csv, map, out);
	CU_ASSERT_EQUAL(again.code, 2); /* never overwritten */
}

static void a_changed_or_cut_session_is_exit_4_and_recovers(void)
{
	g_autofree char *csv = path("t.csv"), *map = path("m.yaml"), *good = path("g.mcap"),
			*bad = path("b.mcap"), *saved = path("r.mcap"), *bytes = NULL;
	gsize size = 0;
	g_auto(CliResult) import = run("session import %s --map %s -o %s", csv, map, good);
	CU_ASSERT_EQUAL(import.code, 0);
	CU_ASSERT_TRUE(g_file_get_contents(good, &bytes, &size, NULL));
	bytes[size / 2] ^= 1;
	g_file_set_contents(bad, bytes, (gssize)size, NULL);
	g_auto(CliResult) changed = run("session verify %s", bad),
			  info = run("session info %s", bad);
	CU_ASSERT_EQUAL(changed.code, 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(changed.err, "byte "));
	CU_ASSERT_EQUAL(info.code, 4);
	bytes[size / 2] ^= 1;
	g_file_set_contents(bad, bytes, (gssize)size / 2 + 3000, NULL);
	g_auto(CliResult) cut = run("session verify %s", bad);
	CU_ASSERT_EQUAL(cut.code, 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(cut.err, "anzen session recover"));
	g_auto(CliResult) recover = run("session recover %s -o %s --json", bad, saved);
	CU_ASSERT_EQUAL(recover.code, 0);
	g_auto(CliResult) verify = run("session verify %s", saved),
			  left = run("session info %s --json", saved);
	CU_ASSERT_EQUAL(verify.code, 0);
	CU_ASSERT_EQUAL(left.code, 4); /* whole, but not complete */
	CU_ASSERT_PTR_NOT_NULL(strstr(left.out, "recovered: "));
}

static void bad_usage_and_foreign_files_are_exit_2(void)
{
	g_autofree char *csv = path("t.csv"), *out = path("x.mcap"),
			*foreign = path("foreign.mcap");
	g_file_set_contents(foreign, "hello, this is no recording", -1, NULL);
	g_auto(CliResult) missing = run("session info %s", out),
			  text = run("session info %s", foreign),
			  no_map = run("session import %s -o %s", csv, out),
			  none = run("session recover %s", foreign);
	CU_ASSERT_EQUAL(missing.code, 2);
	CU_ASSERT_EQUAL(text.code, 2);
	CU_ASSERT_EQUAL(no_map.code, 2);
	CU_ASSERT_EQUAL(none.code, 2);
	g_autofree char *left = path("foreign.recovered.mcap");
	CU_ASSERT_FALSE(g_file_test(left, G_FILE_TEST_EXISTS));
}

static void cut_merge_and_redact_as_a_technician_types_them(void)
{
	g_autofree char *csv = path("t.csv"), *map = path("m.yaml"), *whole = path("w.mcap"),
			*a = path("p1.mcap"), *b = path("p2.mcap"), *merged = path("ab.mcap"),
			*redacted = path("red.mcap"), *text = path("t.csv.out.csv");
	g_auto(CliResult) import = run("session import %s --map %s -o %s", csv, map, whole);
	CU_ASSERT_EQUAL(import.code, 0);
	g_auto(CliResult) first = run("session cut %s --to 1 -o %s", whole, a),
			  second = run("session cut %s --from 1s -o %s --json", whole, b);
	CU_ASSERT_EQUAL(first.code, 0);
	CU_ASSERT_EQUAL(second.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(second.out, "\"messages\" : "));
	g_auto(CliResult) score = run("score %s", a);
	CU_ASSERT_NOT_EQUAL(score.code, 0);
	g_auto(CliResult) merge = run("session merge %s %s --align bench -o %s", a, b, merged),
			  before = run("session cat %s --signal mannequin.height", whole),
			  after = run("session cat %s --signal mannequin.height", merged);
	CU_ASSERT_EQUAL(merge.code, 0);
	CU_ASSERT_STRING_EQUAL(before.out, after.out);
	g_auto(CliResult) redact = run("session redact %s --signal mannequin.height@0.5-1 "
				       "--reason privacy --by lab -o %s --json",
				       whole, redacted);
	CU_ASSERT_EQUAL(redact.code, 0);
	/* 0.50 s to 0.99 s, and the table that was imported. */
	CU_ASSERT_PTR_NOT_NULL(strstr(redact.out, "\"messages\" : 50"));
	CU_ASSERT_PTR_NOT_NULL(strstr(redact.out, "import/t.csv"));
	g_auto(CliResult) verify = run("session verify %s --original %s --json", redacted, whole),
			  other = run("session verify %s --original %s", redacted, a),
			  info = run("session info %s --json", redacted),
			  gone = run("session cat %s --attachment import/t.csv", redacted);
	CU_ASSERT_EQUAL(verify.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(verify.out, "\"redacted\" : true"));
	CU_ASSERT_EQUAL(other.code, 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(info.out, "\"reason\" : \"privacy\""));
	CU_ASSERT_EQUAL(gone.code, 2);
	g_auto(CliResult) export = run("session export %s -o %s", redacted, text);
	CU_ASSERT_EQUAL(export.code, 0);
}

/* Two channels of 8 kHz, 16 bits: a slope up and one down; what comes back is v / 32768 as a float. */
static void a_sound_that_was_imported_comes_out_as_it_was(void)
{
	g_autofree char *wav = path("in.wav"), *session = path("sound.mcap"),
			*back = path("out.wav"), *bytes = NULL;
	enum { N = 4000 };
	static uint8_t file[44 + 4 * N] =
		"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\2\0\x40\x1f\0\0\0\x7d\0\0"
		"\4\0\x10\0data";
	const uint32_t riff = GUINT32_TO_LE(36 + 4 * N), data = GUINT32_TO_LE(4 * N);
	gsize size = 0;
	memcpy(file + 4, &riff, 4);
	memcpy(file + 40, &data, 4);
	for (int i = 0; i < N; i++) {
		int16_t frame[2] = {(int16_t)(i - 2000), (int16_t)(3 * (2000 - i))};
		memcpy(file + 44 + 4 * i, frame, 4);
	}
	g_file_set_contents(wav, (const char *)file, sizeof(file), NULL);
	g_auto(CliResult) import = run("session import %s -o %s", wav, session),
			  export = run("session export %s -o %s", session, back);
	CU_ASSERT_EQUAL(import.code, 0);
	CU_ASSERT_EQUAL(export.code, 0);
	CU_ASSERT_TRUE(g_file_get_contents(back, &bytes, &size, NULL));
	CU_ASSERT_EQUAL(size, 58 + 8 * N);
	unsigned wrong = 0;
	for (int i = 0; size == 58 + 8 * N && i < N; i++) {
		float frame[2];
		memcpy(frame, bytes + 58 + 8 * i, 8);
		wrong += frame[0] != (float)(i - 2000) / 32768 ||
			 frame[1] != (float)(3 * (2000 - i)) / 32768;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	/* And what it wrote is a sound that is read again. */
	g_autofree char *again = path("again.mcap");
	g_auto(CliResult) reread = run("session import %s -o %s", back, again);
	CU_ASSERT_EQUAL(reread.code, 0);
}

static void wrong_edits_are_exit_2_and_leave_nothing(void)
{
	g_autofree char *whole = path("w.mcap"), *out = path("none.mcap"), *mp4 = path("v.mp4"),
			*wav = path("a.wav");
	static const char *const wrong[] = {
		"session cut %s -o %s",
		"session cut %s --from x -o %s",
		"session cut %s --from 9 -o %s",
		"session redact %s --signal mannequin.height -o %s",
		"session redact %s --reason r -o %s",
		"session redact %s --reason r --signal nobody -o %s",
		"session redact %s --reason r --signal mannequin.height@2 -o %s",
		"session redact %s --reason r --blur camera.main:1,2,3 -o %s",
		"session merge %s -o %s",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		g_auto(CliResult) r = run(wrong[i], whole, out);
#pragma GCC diagnostic pop
		if (r.code != 2)
			fprintf(stderr, "%s: %d\n", wrong[i], r.code);
		CU_ASSERT_EQUAL(r.code, 2);
		CU_ASSERT_FALSE(g_file_test(out, G_FILE_TEST_EXISTS));
	}
	g_auto(CliResult) video = run("session export %s -o %s", whole, mp4),
			  audio = run("session export %s -o %s", whole, wav);
	CU_ASSERT_EQUAL(video.code, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(video.err, "no camera"));
	CU_ASSERT_EQUAL(audio.code, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(audio.err, "no audio"));
}

static void remove_all(void)
{
	g_autoptr(GDir) listing = g_dir_open(dir, 0, NULL);
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *file = path(name);
		CU_ASSERT_FALSE(g_str_has_suffix(name, ".part"));
		g_unlink(file);
	}
	CU_ASSERT_EQUAL(g_rmdir(dir), 0);
}

static void nothing_temporary_is_left(void)
{
	remove_all();
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(import_info_verify_and_cat_agree),
					 UNIT(a_changed_or_cut_session_is_exit_4_and_recovers),
					 UNIT(bad_usage_and_foreign_files_are_exit_2),
					 UNIT(cut_merge_and_redact_as_a_technician_types_them),
					 UNIT(a_sound_that_was_imported_comes_out_as_it_was),
					 UNIT(wrong_edits_are_exit_2_and_leave_nothing),
					 UNIT(nothing_temporary_is_left)};
	dir = g_dir_make_tmp("anzen-session-cli-XXXXXX", NULL);
	write_inputs();
	int failed = unit_run("session.cli", tests, G_N_ELEMENTS(tests), argc, argv);
	g_free(dir);
	return failed;
}
