/* Real video through redaction and export: what is hidden is hidden, the rest is what it was, and times are kept. The
 * pictures are read back by GStreamer. */
#include "cli/redact_video.h"
#include "unit.h"
#include <anzen/media.h>
#include <glib/gstdio.h>

#define W 64
#define H 48
#define FRAMES 60
#define START (2 * CLOCK_S)
#define KEYS 20 /* a key frame at 0, 20 and 40 */

static char *dir;

static int64_t time_of(int i) /* uneven, as cameras are */
{
	return START + i * 33 * CLOCK_MS + (i % 3) * 1234567;
}

/* A bright square wanders over a grey slope. */
static void paint(int i, uint8_t *gray)
{
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			gray[y * W + x] = (uint8_t)(40 + x + y);
	for (int y = 0; y < 8; y++)
		for (int x = 0; x < 8; x++)
			gray[(10 + y) * W + (i % 50) + x] = 235;
}

/* What the camera sent before picture `first` nobody recorded. */
static void record_from(const char *path, const char *format, int first)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Clock) clock = clock_manual_new(START);
	SessionOptions options = {
		.path = path, .clock = clock, .evidence = EVIDENCE_VIRTUAL, .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	MediaEncoder *encoder = media_encoder_new("gray8", W, H, 30, KEYS, &error);
	int camera = session_writer_add_camera(w, "camera.main", format);
	SessionProducer *p = session_writer_add_producer(w, "cam", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, START, "run.start", NULL);
	for (int i = 0; i < FRAMES; i++) {
		uint8_t gray[W * H];
		g_auto(Frame) unit = {0};
		paint(i, gray);
		Frame picture = {.data = gray,
				 .size = sizeof(gray),
				 .format = "gray8",
				 .width = W,
				 .height = H,
				 .capture_ns = time_of(i),
				 .receipt_ns = time_of(i) + CLOCK_MS,
				 .sequence = (uint64_t)i,
				 .key = true};
		if (!strcmp(format, "h264")) {
			UNIT_OK(media_encoder_encode(encoder, &picture, false, &unit, &error),
				error);
			CU_ASSERT_EQUAL(unit.key, i % KEYS == 0);
		}
		if (i >= first)
			session_frame(p, camera, strcmp(format, "h264") ? &picture : &unit);
		session_writer_pump(w, &error);
	}
	session_event(p, time_of(FRAMES), "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	media_encoder_free(encoder);
}

static void record(const char *path, const char *format)
{
	record_from(path, format, 0);
}

typedef struct {
	GPtrArray *pictures; /* GBytes*, gray8 or i420's luma first */
	GPtrArray *stored;   /* GBytes*, as in the file */
	GArray *times, *keys;
	MediaDecoder *decoder;
} Film;

static bool take(const Frame *f, void *data)
{
	Film *film = data;
	g_auto(Frame) picture = {0};
	int64_t t = f->capture_ns;
	gboolean key = f->key;
	g_array_append_val(film->times, t);
	g_array_append_val(film->keys, key);
	g_ptr_array_add(film->stored, g_bytes_new(f->data, f->size));
	if (strcmp(f->format, "h264"))
		g_ptr_array_add(film->pictures, g_bytes_new(f->data, f->size));
	else if (media_decoder_decode(film->decoder, f, &picture, NULL))
		g_ptr_array_add(film->pictures, g_bytes_new(picture.data, picture.size));
	return true;
}

static void film_clear(Film *film)
{
	g_ptr_array_unref(film->pictures);
	g_ptr_array_unref(film->stored);
	g_array_unref(film->times);
	g_array_unref(film->keys);
	media_decoder_free(film->decoder);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Film, film_clear)

static void film_init(Film *film)
{
	*film = (Film){g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
		       g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
		       g_array_new(FALSE, FALSE, sizeof(int64_t)),
		       g_array_new(FALSE, FALSE, sizeof(gboolean)),
		       media_decoder_new("gray8", NULL)};
}

static void film_of(const char *path, Film *film)
{
	g_autoptr(GError) error = NULL;
	film_init(film);
	g_autoptr(SessionReader) reader = session_reader_open(path, &error);
	UNIT_OK(reader, error);
	UNIT_OK(session_reader_frames(reader, "camera.main", 0, 0, take, film, &error), error);
	CU_ASSERT_EQUAL(film->pictures->len, FRAMES);
}

static const uint8_t *pixels(const Film *film, int i)
{
	return g_bytes_get_data(film->pictures->pdata[i], NULL);
}

/* Of a rectangle: how many brightnesses, and the largest difference from another picture. */
static void look(const uint8_t *a, const uint8_t *b, int x0, int y0, int x1, int y1,
		 int *ret_levels, int *ret_worst)
{
	bool seen[256] = {0};
	*ret_levels = *ret_worst = 0;
	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++) {
			*ret_levels += !seen[a[y * W + x]];
			seen[a[y * W + x]] = true;
			*ret_worst = MAX(*ret_worst, abs(a[y * W + x] - b[y * W + x]));
		}
}

static void hide(const char *from, bool black, const char *to)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RedactVideo) video = redact_video_new(black);
	g_autoptr(SessionWithheld) part = session_withheld_new(WITHHELD_REGION, "camera.main");
	const SessionWithheld *const parts[] = {part};
	SessionEdit edit = {0};
	part->from_ns = 25 * 33 * CLOCK_MS; /* frames 25 to 34: made anew are 20 to 39 */
	part->to_ns = 35 * 33 * CLOCK_MS;
	part->x = 20;
	part->y = 4;
	part->width = 32;
	part->height = 24;
	SessionRedaction redaction = {.parts = parts,
				      .n_parts = 1,
				      .reason = "a face",
				      .hide = redact_video_hide,
				      .hide_data = video};
	UNIT_OK(session_redact(from, &redaction, to, &edit, &error), error);
	g_free(edit.sha256);
}

/* The square stands within the region in frames 25 to 34. A mosaic of 4 × 4 has at most 16 brightnesses, and then the
 * codec's: far from the 235 that was there. */
static void a_hidden_region_is_gone_and_the_rest_stays(void)
{
	g_autofree char *path = g_build_filename(dir, "s.mcap", NULL),
			*out = g_build_filename(dir, "r.mcap", NULL), *why = NULL;
	g_autoptr(GError) error = NULL;
	record(path, "h264");
	hide(path, true, out);
	g_auto(Film) before, after;
	film_of(path, &before);
	film_of(out, &after);
	for (int i = 0; i < FRAMES; i++) {
		bool same = g_bytes_equal(before.stored->pdata[i], after.stored->pdata[i]);
		int levels, worst;
		CU_ASSERT_EQUAL(same, i < 20 || i >= 40);
		CU_ASSERT_EQUAL(g_array_index(after.times, int64_t, i), time_of(i));
		CU_ASSERT_EQUAL(g_array_index(after.keys, gboolean, i), i % KEYS == 0);
		look(pixels(&after, i), pixels(&before, i), 0, 30, W, H, &levels, &worst);
		CU_ASSERT_TRUE(worst <= 12); /* outside: only the codec's second pass */
		if (i < 25 || i >= 35)
			continue;
		look(pixels(&after, i), pixels(&before, i), 22, 6, 50, 26, &levels, &worst);
		CU_ASSERT_TRUE(worst > 180); /* 235 became black */
		for (int y = 6; y < 26; y++)
			for (int x = 22; x < 50; x++)
				CU_ASSERT_TRUE(pixels(&after, i)[y * W + x] < 40);
	}
	CU_ASSERT_TRUE(session_redaction_check(out, path, &why, &error));
	g_unlink(out);
	g_unlink(path);
}

/* In raw pictures nothing but the region changes, and of it at most 16 values are left. */
static void in_raw_pictures_a_mosaic_leaves_sixteen_values(void)
{
	g_autofree char *path = g_build_filename(dir, "s.mcap", NULL),
			*out = g_build_filename(dir, "r.mcap", NULL);
	record(path, "gray8");
	hide(path, false, out);
	g_auto(Film) before, after;
	film_of(path, &before);
	film_of(out, &after);
	for (int i = 0; i < FRAMES; i++) {
		int levels, worst;
		bool within = time_of(i) - START >= 25 * 33 * CLOCK_MS &&
			      time_of(i) - START < 35 * 33 * CLOCK_MS;
		look(pixels(&after, i), pixels(&before, i), 20, 4, 52, 28, &levels, &worst);
		CU_ASSERT_TRUE(within ? levels <= 16 && worst > 40 : worst == 0);
		for (int y = 0; y < H; y++)
			for (int x = 0; x < W; x++)
				if (x < 20 || x >= 52 || y < 4 || y >= 28)
					CU_ASSERT_EQUAL(pixels(&after, i)[y * W + x],
							pixels(&before, i)[y * W + x]);
	}
	g_unlink(out);
	g_unlink(path);
}

static void an_mp4_plays_the_same_pictures_at_the_same_times(void)
{
	g_autofree char *path = g_build_filename(dir, "s.mcap", NULL),
			*mp4 = g_build_filename(dir, "v.mp4", NULL);
	g_autoptr(GError) error = NULL;
	SessionVideo video = {0};
	record(path, "h264");
	g_autoptr(SessionReader) reader = session_reader_open(path, &error);
	UNIT_OK(session_export_mp4(reader, "camera.main", mp4, &video, &error), error);
	CU_ASSERT_EQUAL(video.frames, FRAMES);
	g_auto(Film) want, got;
	film_of(path, &want);
	film_init(&got);
	g_autoptr(MediaReader) movie = media_reader_open(mp4, &error);
	UNIT_OK(movie, error);
	for (;;) {
		g_auto(Frame) unit = {0};
		if (!movie || !media_reader_next(movie, &unit, &error))
			break;
		take(&unit, &got);
	}
	CU_ASSERT_PTR_NULL(error);
	CU_ASSERT_EQUAL(got.pictures->len, FRAMES);
	for (guint i = 0; i < got.pictures->len; i++) {
		CU_ASSERT_TRUE(g_bytes_equal(got.pictures->pdata[i], want.pictures->pdata[i]));
		int64_t off = g_array_index(got.times, int64_t, i) - (time_of((int)i) - START);
		CU_ASSERT_TRUE(off >= -1000 && off <= 1000);
		CU_ASSERT_EQUAL(g_array_index(got.keys, gboolean, i), i % KEYS == 0);
	}
	CU_ASSERT_FALSE(session_export_mp4(reader, "camera.main", mp4, NULL, NULL)); /* is there */
	CU_ASSERT_FALSE(session_export_mp4(reader, "nobody", path, NULL, NULL));
	g_unlink(mp4);
	g_unlink(path);
	record(path, "gray8");
	g_autoptr(SessionReader) raw = session_reader_open(path, NULL);
	CU_ASSERT_FALSE(session_export_mp4(raw, "camera.main", mp4, NULL, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "only h264, h265"));
	CU_ASSERT_FALSE(g_file_test(mp4, G_FILE_TEST_EXISTS));
	g_unlink(path);
}

typedef struct {
	int n, keys;
	int64_t first_ns;
} Seen;

static bool count(const Frame *f, void *data)
{
	Seen *seen = data;
	if (seen->n++ == 0)
		seen->first_ns = f->capture_ns;
	seen->keys += f->key;
	return true;
}

static Seen seen_in(const char *path)
{
	Seen seen = {0};
	g_autoptr(SessionReader) reader = session_reader_open(path, NULL);
	CU_ASSERT_TRUE(reader &&
		       session_reader_frames(reader, "camera.main", 0, 0, count, &seen, NULL));
	return seen;
}

/* A camera is on before its recording begins: pictures 7 to 19 lack the key frame 0. */
static void a_camera_that_was_on_before_is_shown_from_its_first_key_frame(void)
{
	g_autofree char *path = g_build_filename(dir, "s.mcap", NULL),
			*mp4 = g_build_filename(dir, "v.mp4", NULL),
			*out = g_build_filename(dir, "r.mcap", NULL), *why = NULL;
	g_autoptr(GError) error = NULL;
	SessionVideo video = {0};
	record_from(path, "h264", 7);
	CU_ASSERT_EQUAL(seen_in(path).n, FRAMES - 7);
	g_autoptr(SessionReader) reader = session_reader_open(path, &error);
	UNIT_OK(session_export_mp4(reader, "camera.main", mp4, &video, &error), error);
	CU_ASSERT_EQUAL(video.frames, FRAMES - KEYS);
	CU_ASSERT_EQUAL(video.before_key, KEYS - 7);
	/* To hide something at the beginning, what cannot be decoded is withheld. */
	g_autoptr(RedactVideo) hidden = redact_video_new(true);
	g_autoptr(SessionWithheld) part = session_withheld_new(WITHHELD_REGION, "camera.main");
	const SessionWithheld *const parts[] = {part};
	SessionEdit edit = {0};
	part->width = part->height = 16;
	SessionRedaction redaction = {.parts = parts,
				      .n_parts = 1,
				      .reason = "a face",
				      .hide = redact_video_hide,
				      .hide_data = hidden};
	UNIT_OK(session_redact(path, &redaction, out, &edit, &error), error);
	g_free(edit.sha256);
	Seen seen = seen_in(out);
	CU_ASSERT_EQUAL(seen.n, FRAMES - KEYS);
	CU_ASSERT_EQUAL(seen.first_ns, time_of(KEYS));
	CU_ASSERT_TRUE(session_redaction_check(out, path, &why, &error));
	CU_ASSERT_PTR_NULL(why);
	g_unlink(mp4);
	g_unlink(out);
	/* Without any key frame there is nothing to show. */
	g_unlink(path);
	record_from(path, "h264", 41);
	g_autoptr(SessionReader) none = session_reader_open(path, NULL);
	CU_ASSERT_FALSE(session_export_mp4(none, "camera.main", mp4, NULL, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "holds no key frame"));
	CU_ASSERT_FALSE(g_file_test(mp4, G_FILE_TEST_EXISTS));
	g_unlink(path);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(a_hidden_region_is_gone_and_the_rest_stays),
		UNIT(in_raw_pictures_a_mosaic_leaves_sixteen_values),
		UNIT(an_mp4_plays_the_same_pictures_at_the_same_times),
		UNIT(a_camera_that_was_on_before_is_shown_from_its_first_key_frame)};
	dir = g_dir_make_tmp("anzen-video-XXXXXX", NULL);
	int failed = unit_run("session.edit_video", tests, G_N_ELEMENTS(tests), argc, argv);
	failed |= g_rmdir(dir) != 0;
	g_free(dir);
	return failed;
}
