#include <anzen/media.h>

#include "../unit.h"

#define VIDEOS ANZEN_DATA_DIR "/assist-iot-fall/videos/"

/* Sample counts from the files' own stsz boxes and durations from mdhd (ISO 14496-12), read with an
 * independent parser below: the demuxer must give exactly these. */
static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Offset of box `type` in [from, to), or 0; *ret_end is its end. 32-bit sizes only. */
static size_t find_box(const uint8_t *file, size_t from, size_t to, const char *type,
		       size_t *ret_end)
{
	while (from + 8 <= to) {
		size_t size = be32(file + from);
		if (size < 8 || size > to - from)
			return 0;
		if (!memcmp(file + from + 4, type, 4)) {
			*ret_end = from + size;
			return from + 8;
		}
		from += size;
	}
	return 0;
}

/* stsz sample_count of the first track whose handler is "vide". */
static uint32_t video_samples(const uint8_t *file, size_t size)
{
	size_t moov_end = 0, end = 0;
	size_t at = find_box(file, 0, size, "moov", &moov_end);

	while (at && at < moov_end) {
		size_t trak_end = 0;
		size_t trak = find_box(file, at, moov_end, "trak", &trak_end);
		if (!trak)
			break;
		size_t mdia = find_box(file, trak, trak_end, "mdia", &end), mdia_end = end;
		size_t hdlr = mdia ? find_box(file, mdia, mdia_end, "hdlr", &end) : 0;
		if (hdlr && !memcmp(file + hdlr + 8, "vide", 4)) {
			size_t minf = find_box(file, mdia, mdia_end, "minf", &end);
			size_t stbl = minf ? find_box(file, minf, end, "stbl", &end) : 0;
			size_t stsz = stbl ? find_box(file, stbl, end, "stsz", &end) : 0;
			return stsz ? be32(file + stsz + 8) : 0;
		}
		at = trak_end;
	}
	return 0;
}

static void count_one(const char *name)
{
	g_autofree char *path = g_strconcat(VIDEOS, name, NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *file = NULL;
	gsize size = 0;
	uint32_t units = 0, keys = 0;
	int64_t last = -1;
	bool ordered = true;

	UNIT_OK(g_file_get_contents(path, &file, &size, &error), error);
	g_autoptr(MediaReader) reader = media_reader_open(path, &error);
	UNIT_OK(reader, error);
	if (!reader || !file)
		return;
	for (;;) {
		g_auto(Frame) unit = {0};
		if (!media_reader_next(reader, &unit, &error))
			break;
		CU_ASSERT_EQUAL(unit.width, 1280);
		CU_ASSERT_EQUAL(unit.height, 720);
		CU_ASSERT_EQUAL(unit.sequence, units);
		ordered = ordered && unit.capture_ns > last;
		last = unit.capture_ns;
		units++;
		keys += unit.key;
	}
	CU_ASSERT_PTR_NULL(error);
	CU_ASSERT_TRUE(ordered); /* no B-frames in these files (plant.md) */
	CU_ASSERT_TRUE(keys >= 1);
	CU_ASSERT_EQUAL(units, video_samples((const uint8_t *)file, size));
	printf("%s: %u access units, %u key frames, last at %.3f s\n", name, units, keys,
	       (double)last / 1e9);
}

static void every_recorded_access_unit_comes_out_once(void)
{
	static const char *const names[] = {"01_walking_slowly.mp4",
					    "02_imm_stomach.mp4",
					    "05_vertical_fall_faint.mp4",
					    "07_fall_to_knees_forward.mp4",
					    "11_sitting_laying_down_slowly.mp4",
					    "15_stumbling.mp4"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		count_one(names[i]);
}

static void a_recorded_unit_decodes(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaReader) reader = media_reader_open(VIDEOS "15_stumbling.mp4", &error);
	g_autoptr(MediaDecoder) decoder = media_decoder_new("gray8", &error);
	unsigned int pictures = 0;

	for (unsigned int i = 0; reader && i < 40; i++) {
		g_auto(Frame) unit = {0};
		g_auto(Frame) picture = {0};
		UNIT_OK(media_reader_next(reader, &unit, &error), error);
		pictures += media_decoder_decode(decoder, &unit, &picture, &error);
	}
	CU_ASSERT_PTR_NULL(error);
	CU_ASSERT_EQUAL(pictures, 40);
}

static void a_missing_file_is_an_input_error(void)
{
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(media_reader_open("/nonexistent/clip.mp4", &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
}

static void a_text_file_is_an_input_error(void)
{
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(media_reader_open(ANZEN_SOURCE_DIR "/CMakeLists.txt", &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
}

static void a_cut_file_is_an_error_and_ends(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) reading = NULL;
	g_autofree char *file = NULL, *dir = g_dir_make_tmp("anzen-media-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "cut.mp4", NULL);
	gsize size = 0;
	unsigned int units = 0;

	UNIT_OK(g_file_get_contents(VIDEOS "15_stumbling.mp4", &file, &size, &error), error);
	UNIT_OK(g_file_set_contents(path, file, (gssize)(size / 2), &error), error);
	g_autoptr(MediaReader) reader = media_reader_open(path, &reading);
	while (reader) {
		g_auto(Frame) unit = {0};
		if (!media_reader_next(reader, &unit, &reading))
			break;
		units++;
	}
	/* Either the index is gone (no reader) or the media ends early; both must be said, never
	 * silent. */
	CU_ASSERT_TRUE(reading != NULL);
	CU_ASSERT_TRUE(units < video_samples((const uint8_t *)file, size));
	remove(path);
	remove(dir);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(every_recorded_access_unit_comes_out_once), UNIT(a_recorded_unit_decodes),
		UNIT(a_missing_file_is_an_input_error), UNIT(a_text_file_is_an_input_error),
		UNIT(a_cut_file_is_an_error_and_ends)};

	unit_require("data", VIDEOS);
	return unit_run("media.reader", tests, G_N_ELEMENTS(tests), argc, argv);
}
