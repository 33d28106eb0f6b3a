/* Sound and films, made here: WAV by hand and by Python's wave module, films by GStreamer. */
#include "values.h"

static char *dir, *out;

static char *file(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

/* 16 bit, 2 channels, 4 Hz, three frames: (0, 32767), (-32768, 16384), (1, -1); then a byte too many is cut. */
static void wav_is_a_share_of_full_scale(void)
{
	static const uint8_t wav[] = {'R', 'I',  'F', 'F',  48, 0, 0,    0,   'W', 'A', 'V',  'E',
				      'f', 'm',  't', ' ',  16, 0, 0,    0,   1,   0,   2,    0,
				      4,   0,    0,   0,    16, 0, 0,    0,   4,   0,   16,   0,
				      'd', 'a',  't', 'a',  12, 0, 0,    0,   0,   0,   0xff, 0x7f,
				      0,   0x80, 0,   0x40, 1,  0, 0xff, 0xff};
	g_autofree char *path = file("a.wav");
	g_file_set_contents(path, (const char *)wav, sizeof(wav), NULL);
	g_autoptr(ImportReport) report = values_import(path, out, NULL);
	ValuesFound found = values_compare(out, "audio.0\t0\t0\naudio.1\t0\t0.999969482421875\n"
						"audio.0\t250000000\t-1\naudio.1\t250000000\t0.5\n"
						"audio.0\t500000000\t0.000030517578125\n"
						"audio.1\t500000000\t-0.000030517578125\n");
	CU_ASSERT_EQUAL(found.values, 6);
	CU_ASSERT_TRUE(report && report->taken == 3 && !report->incomplete);
	/* The recorder was switched off: the header says more than there is. */
	g_file_set_contents(path, (const char *)wav, sizeof(wav) - 4, NULL);
	g_autoptr(ImportReport) cut = values_import(path, out, NULL);
	CU_ASSERT_TRUE(cut && cut->taken == 2 && cut->incomplete);
	g_unlink(path);
}

static void wav_of_24_bits_is_what_python_wrote(void)
{
	g_autofree char *path = file("b.wav");
	const char *argv[] = {"/usr/bin/python3", "-c",
			      "import sys, wave\n"
			      "w = wave.open(sys.argv[1], 'wb')\n"
			      "w.setnchannels(1); w.setsampwidth(3); w.setframerate(44100)\n"
			      "vs = [0, 1, -1, 8388607, -8388608, 4194304]\n"
			      "for v in vs: w.writeframes(v.to_bytes(3, 'little', signed=True))\n"
			      "w.close()\n"
			      "for i, v in enumerate(vs): print('audio.0', i * 10**9 // 44100, "
			      "repr(v / 2**23), sep='\\t')",
			      path, NULL};
	g_autofree char *lines = values_print(argv);
	g_autoptr(ImportReport) report = values_import(path, out, NULL);
	CU_ASSERT_TRUE(lines && report);
	if (lines && report)
		CU_ASSERT_EQUAL(values_compare(out, lines).values, 6);
	g_unlink(path);
}

static void compressed_sound_is_refused_with_its_place(void)
{
	static const uint8_t wav[] = {'R', 'I', 'F', 'F', 28, 0, 0, 0, 'W', 'A', 'V', 'E',
				      'f', 'm', 't', ' ', 16, 0, 0, 0, 17,  0,   1,   0,
				      4,   0,   0,   0,   16, 0, 0, 0, 4,   0,   4,   0};
	g_autofree char *path = file("c.wav"), *why = NULL;
	g_file_set_contents(path, (const char *)wav, sizeof(wav), NULL);
	CU_ASSERT_PTR_NULL(values_import(path, out, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "byte 12"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "convert"));
	g_unlink(path);
}

/* ---- films ----------------------------------------------------------------------------------------------------- */

typedef struct {
	size_t frames, keys;
	int64_t last_ns;
	bool ordered, starts;
	const char *format;
} Seen;

static bool look(const Frame *frame, void *data)
{
	Seen *seen = data;
	bool annex_b = frame->size > 4 && frame->data[0] == 0 && frame->data[1] == 0;
	bool jpeg = frame->size > 4 && frame->data[0] == 0xff && frame->data[1] == 0xd8;
	seen->starts &= !strcmp(seen->format, "jpeg") ? jpeg : annex_b;
	seen->ordered &= frame->capture_ns > seen->last_ns && !strcmp(frame->format, seen->format);
	seen->last_ns = frame->capture_ns;
	seen->keys += frame->key;
	seen->frames++;
	return true;
}

static gboolean make_film(const char *encoder, const char *mux, const char *path)
{
	g_autofree char *line =
		g_strdup_printf("gst-launch-1.0 -q videotestsrc num-buffers=20 ! "
				"video/x-raw,format=I420,width=64,height=48,framerate=10/1 ! %s ! "
				"%s ! filesink location=%s",
				encoder, mux, path);
	g_auto(GStrv) argv = NULL;
	g_autofree char *said = g_shell_parse_argv(line, NULL, &argv, NULL)
					? values_print((const char *const *)argv)
					: NULL;
	return said != NULL;
}

/* 20 pictures, 10 a second: the last one at 1.9 s. */
static void films_become_frames_with_their_times(void)
{
	static const struct {
		const char *encoder, *mux, *name, *format;
	} films[] = {
		{"x264enc bframes=0 key-int-max=10", "matroskamux", "a.mkv", "h264"},
		{"x264enc bframes=0 key-int-max=10", "mp4mux", "a.mp4", "h264"},
		{"x265enc option-string=bframes=0:log-level=none key-int-max=10 ! h265parse",
		 "matroskamux", "b.mkv", "h265"},
		{"jpegenc", "matroskamux", "c.mkv", "jpeg"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(films); i++) {
		g_autofree char *path = file(films[i].name), *why = NULL;
		Seen seen = {
			.last_ns = -1, .ordered = true, .starts = true, .format = films[i].format};
		CU_ASSERT_TRUE(make_film(films[i].encoder, films[i].mux, path));
		g_autoptr(ImportReport) report = values_import(path, out, &why);
		g_autoptr(SessionReader) reader = report ? session_reader_open(out, NULL) : NULL;
		g_autofree char *camera = g_strdup(reader && session_reader_cameras(reader)
							   ? session_reader_camera(reader, 0)->name
							   : "");
		if (!report)
			fprintf(stderr, "%s: %s\n", films[i].name, why);
		CU_ASSERT_TRUE(report && report->frames == 20 && report->taken == 20);
		CU_ASSERT_STRING_EQUAL(camera, films[i].name);
		CU_ASSERT_TRUE(reader &&
			       session_reader_frames(reader, camera, 0, 0, look, &seen, NULL));
		CU_ASSERT_TRUE(seen.frames == 20 && seen.keys >= 2 && seen.ordered && seen.starts);
		CU_ASSERT_EQUAL(seen.last_ns, 1900 * CLOCK_MS);
		g_unlink(path);
	}
}

/* What another program's decoder makes of a film: raw pictures. */
static char *decoded(const char *film)
{
	g_autofree char *raw = file("raw"), *bytes = NULL;
	g_autofree char *line = g_strdup_printf(
		"gst-launch-1.0 -q filesrc location=%s ! decodebin ! videoconvert ! "
		"video/x-raw,format=I420 ! filesink location=%s",
		film, raw);
	g_auto(GStrv) argv = NULL;
	gsize size = 0;
	g_shell_parse_argv(line, NULL, &argv, NULL);
	g_autofree char *said = values_print((const char *const *)argv);
	g_file_get_contents(raw, &bytes, &size, NULL);
	g_unlink(raw);
	/* 20 pictures of 64 x 48 in I420 */
	CU_ASSERT_EQUAL(size, 20 * 64 * 48 * 3 / 2);
	return said ? g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)bytes, size) : NULL;
}

/* … and imported again: nothing was encoded anew, nothing moved. */
static void films_come_out_as_they_went_in(void)
{
	static const char *const encoders[] = {
		"x264enc bframes=0 key-int-max=10 ! h264parse",
		"x265enc option-string=bframes=0:log-level=none key-int-max=10 ! h265parse",
		"x265enc option-string=bframes=0:log-level=none:temporal-layers=1 key-int-max=5 ! "
		"h265parse",
		"jpegenc",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(encoders); i++) {
		g_autofree char *path = file("in.mkv"), *mp4 = file("out.mp4"), *why = NULL;
		g_autoptr(GError) error = NULL;
		CU_ASSERT_TRUE(make_film(encoders[i], "matroskamux", path));
		g_autoptr(ImportReport) report = values_import(path, out, &why);
		g_autoptr(SessionReader) reader = report ? session_reader_open(out, NULL) : NULL;
		SessionVideo video = {0};
		UNIT_OK(reader && session_export_mp4(reader, "in.mkv", mp4, &video, &error), error);
		CU_ASSERT_EQUAL(video.frames, 20);
		g_autofree char *before = decoded(path), *after = decoded(mp4);
		CU_ASSERT_TRUE(before && after && !strcmp(before, after));
		g_autoptr(ImportReport) again = values_import(mp4, out, &why);
		g_autoptr(SessionReader) second = again ? session_reader_open(out, NULL) : NULL;
		Seen seen = {.last_ns = -1,
			     .ordered = true,
			     .starts = true,
			     .format = i == 0   ? "h264"
				       : i == 3 ? "jpeg"
						: "h265"};
		CU_ASSERT_TRUE(second &&
			       session_reader_frames(second, "out.mp4", 0, 0, look, &seen, NULL));
		CU_ASSERT_TRUE(seen.frames == 20 && seen.ordered && seen.starts);
		CU_ASSERT_EQUAL(seen.last_ns, 1900 * CLOCK_MS);
		g_unlink(path);
		g_unlink(mp4);
	}
}

static void b_frames_are_refused_with_the_cure(void)
{
	g_autofree char *path = file("b.mp4"), *why = NULL;
	CU_ASSERT_TRUE(make_film("x264enc bframes=2 b-adapt=false", "mp4mux", path));
	CU_ASSERT_PTR_NULL(values_import(path, out, &why));
	CU_ASSERT_TRUE(why && strstr(why, "-bf 0"));
	g_unlink(path);
}

/* As a telephone held upright films: tkhd's matrix (ISO/IEC 14496-12, 8.3.2) turns by 90 degrees. */
static void a_turned_film_says_so(void)
{
	static const uint8_t turned[36] = {0, 0,    0,    0, 0, 1, 0, 0, 0, 0, 0,
					   0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0,
					   0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x40};
	g_autofree char *path = file("t.mp4"), *bytes = NULL, *why = NULL;
	gsize size = 0;
	bool told = false;
	CU_ASSERT_TRUE(make_film("x264enc bframes=0 key-int-max=10", "mp4mux", path));
	CU_ASSERT_TRUE(g_file_get_contents(path, &bytes, &size, NULL));
	for (gsize i = 0; i + 92 < size; i++)
		if (!memcmp(bytes + i, "tkhd",
			    4)) /* version 0: 40 bytes of fields come before it */
			memcpy(bytes + i + 4 + 40, turned, sizeof(turned));
	CU_ASSERT_TRUE(g_file_set_contents(path, bytes, (gssize)size, NULL));
	g_autoptr(ImportReport) report = values_import(path, out, &why);
	CU_ASSERT_TRUE(report && report->frames == 20);
	for (guint i = 0; report && i < report->notes->len; i++)
		told |= strstr(report->notes->pdata[i], "(rotate-90)") != NULL;
	CU_ASSERT_TRUE(told);
	g_unlink(path);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(wav_is_a_share_of_full_scale),
		UNIT(wav_of_24_bits_is_what_python_wrote),
		UNIT(compressed_sound_is_refused_with_its_place),
		UNIT(films_become_frames_with_their_times),
		UNIT(films_come_out_as_they_went_in),
		UNIT(b_frames_are_refused_with_the_cure),
		UNIT(a_turned_film_says_so),
	};
	dir = g_dir_make_tmp("anzen-media-XXXXXX", NULL);
	out = g_build_filename(dir, "out.mcap", NULL);
	int result = unit_run("import.media", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(out);
	result |= g_rmdir(dir) != 0;
	g_free(dir);
	g_free(out);
	return result;
}
