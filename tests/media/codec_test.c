#include "picture.h"

#include "../unit.h"

static GBytes *encode_run(unsigned int frames)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", 322, 180, 30, 10, &error);
	g_autoptr(GByteArray) all = g_byte_array_new();

	for (unsigned int i = 0; i < frames; i++) {
		g_auto(Frame) picture = {0};
		g_auto(Frame) unit = {0};
		picture_make(&picture, 322, 180, i, 4);
		UNIT_OK(media_encoder_encode(encoder, &picture, false, &unit, &error), error);
		g_byte_array_append(all, unit.data, (guint)unit.size);
	}
	return g_byte_array_free_to_bytes(g_steal_pointer(&all));
}

static void the_same_pictures_give_the_same_bytes(void)
{
	g_autoptr(GBytes) first = encode_run(25);
	g_autoptr(GBytes) second = encode_run(25);

	CU_ASSERT_TRUE(g_bytes_get_size(first) > 1000);
	CU_ASSERT_TRUE(g_bytes_equal(first, second));
}

/* NAL unit types in an Annex-B access unit (H.264 7.3.1 and B.1), in order, as text "7 8 5". */
static char *nal_types(const Frame *unit)
{
	GString *types = g_string_new(NULL);

	for (size_t i = 0; i + 3 < unit->size; i++)
		if (unit->data[i] == 0 && unit->data[i + 1] == 0 && unit->data[i + 2] == 1)
			g_string_append_printf(types, "%s%d", types->len ? " " : "",
					       unit->data[i + 3] & 31);
	return g_string_free(types, FALSE);
}

static bool has_type(const char *types, const char *type)
{
	g_auto(GStrv) words = g_strsplit(types, " ", -1);

	return g_strv_contains((const char *const *)words, type);
}

static void every_key_frame_carries_sps_and_pps(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", 320, 180, 30, 10, &error);
	unsigned int keys = 0;

	for (unsigned int i = 0; i < 25; i++) {
		g_auto(Frame) picture = {0};
		g_auto(Frame) unit = {0};
		picture_make(&picture, 320, 180, i, 4);
		UNIT_OK(media_encoder_encode(encoder, &picture, i == 15, &unit, &error), error);
		g_autofree char *types = nal_types(&unit);
		CU_ASSERT_EQUAL(unit.key, has_type(types, "5")); /* 5: IDR slice */
		CU_ASSERT_EQUAL(unit.key, has_type(types, "7") && has_type(types, "8"));
		CU_ASSERT_EQUAL(unit.sequence, i);
		CU_ASSERT_EQUAL(unit.capture_ns, picture.capture_ns);
		keys += unit.key;
		/* key-int 10 from 0: 0, 10; forced at 15; then 25 is out of range */
		CU_ASSERT_EQUAL(unit.key, i == 0 || i == 10 || i == 15);
	}
	CU_ASSERT_EQUAL(keys, 3);
}

static void decoded_pictures_resemble_the_encoded_ones(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", 322, 180, 30, 0, &error);
	g_autoptr(MediaDecoder) decoder = media_decoder_new("gray8", &error);

	for (unsigned int i = 0; i < 40; i++) {
		g_auto(Frame) picture = {0};
		g_auto(Frame) unit = {0};
		g_auto(Frame) decoded = {0};
		double squares = 0;
		picture_make(&picture, 322, 180, i, 4);
		UNIT_OK(media_encoder_encode(encoder, &picture, false, &unit, &error), error);
		UNIT_OK(media_decoder_decode(decoder, &unit, &decoded, &error), error);
		CU_ASSERT_EQUAL(decoded.size, picture.size);
		CU_ASSERT_EQUAL(decoded.width, 322);
		CU_ASSERT_EQUAL(decoded.sequence, i);
		for (size_t k = 0; k < MIN(decoded.size, picture.size); k++) {
			double d = (double)decoded.data[k] - (double)picture.data[k];
			squares += d * d;
		}
		/* 36 dB: sqrt(mse) below 4 steps of 255 */
		CU_ASSERT_TRUE(sqrt(squares / (double)picture.size) < 4);
	}
}

static void a_unit_before_the_first_key_frame_gives_no_picture(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaDecoder) decoder = media_decoder_new("rgb", &error);
	static const uint8_t slice[] = {0, 0, 0, 1, 0x41, 0x9a, 0, 0};
	Frame unit = {.data = slice, .size = sizeof slice, .format = "h264"};
	g_auto(Frame) picture = {0};

	CU_ASSERT_FALSE(media_decoder_decode(decoder, &unit, &picture, &error));
	CU_ASSERT_PTR_NULL(error);
}

static void garbage_is_corrupt_and_leaves_the_output_untouched(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaDecoder) decoder = media_decoder_new("gray8", &error);
	uint8_t noise[512];
	Frame picture = {.width = 7};

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * 37 + 11);
	Frame unit = {.data = noise, .size = sizeof noise, .format = "h264", .key = true};
	CU_ASSERT_FALSE(media_decoder_decode(decoder, &unit, &picture, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT));
	CU_ASSERT_EQUAL(picture.width, 7);
}

/* A truncated unit may conceal but must neither crash nor stop later key frames from decoding. */
static void decoding_goes_on_after_a_damaged_unit(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", 320, 180, 30, 5, &error);
	g_autoptr(MediaDecoder) decoder = media_decoder_new("gray8", &error);

	for (unsigned int i = 0; i < 20; i++) {
		g_auto(Frame) source = {0};
		g_auto(Frame) unit = {0};
		g_auto(Frame) decoded = {0};
		g_autoptr(GError) damage = NULL;
		picture_make(&source, 320, 180, i, 4);
		UNIT_OK(media_encoder_encode(encoder, &source, false, &unit, &error), error);
		Frame cut = unit;
		if (i == 7)
			cut.size = 9;
		bool ok = media_decoder_decode(decoder, &cut, &decoded, &damage);
		if (i < 7 || i >= 10)
			CU_ASSERT_TRUE(ok);
	}
}

static void unknown_formats_and_sizes_are_refused(void)
{
	static const struct {
		const char *format;
		int w, h, fps;
	} bad[] = {{"nv12", 64, 64, 30},  {"gray8", 63, 64, 30}, {"gray8", 0, 64, 30},
		   {"gray8", -2, 64, 30}, {"rgb", 9000, 64, 30}, {"rgb", 64, 64, 0}};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		CU_ASSERT_PTR_NULL(media_encoder_new(bad[i].format, bad[i].w, bad[i].h, bad[i].fps,
						     0, &error));
		CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	}
	CU_ASSERT_EQUAL(media_picture_size("i420", 4, 2), 12); /* 8 luma, 2 + 2 chroma */
	CU_ASSERT_EQUAL(media_picture_size("i420", 3, 2), 0);
	CU_ASSERT_EQUAL(media_picture_size("rgb", 3, 3), 27);
}

/* Wherever one bit of a picture changes, in whole words and in the rest, and when a row is cut off. */
static void another_picture_has_another_hash(void)
{
	uint8_t pixels[67];
	for (size_t i = 0; i < sizeof pixels; i++)
		pixels[i] = (uint8_t)(37 * i + 11);
	for (size_t n = 1; n <= sizeof pixels; n++) {
		Frame picture = {.data = pixels, .size = n};
		uint64_t hash = media_picture_hash(&picture);
		CU_ASSERT_EQUAL(media_picture_hash(&picture), hash);
		for (size_t bit = 0; bit < 8 * n; bit++) {
			pixels[bit / 8] ^= (uint8_t)(1u << bit % 8);
			CU_ASSERT_NOT_EQUAL(media_picture_hash(&picture), hash);
			pixels[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		picture.size--;
		CU_ASSERT_NOT_EQUAL(media_picture_hash(&picture), hash);
	}
}

static void mean_luma_by_hand(void)
{
	/* BT.601: 255 red is 0.299 * 255 = 76.245; one red and one white pixel: (76.245 + 255) / 2
	 */
	static const uint8_t rgb[] = {255, 0, 0, 255, 255, 255};
	static const uint8_t gray[] = {10, 20, 30, 40};
	Frame a = {.data = rgb, .size = 6, .format = "rgb", .width = 2, .height = 1};
	Frame b = {.data = gray, .size = 4, .format = "gray8", .width = 2, .height = 2};
	Frame c = {.data = gray, .size = 3, .format = "gray8", .width = 2, .height = 2};

	CU_ASSERT_DOUBLE_EQUAL(media_picture_mean_luma(&a), 165.6225, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(media_picture_mean_luma(&b), 25, 0);
	CU_ASSERT_TRUE(isnan(media_picture_mean_luma(&c)));
}

static void a_frozen_picture_is_seen_after_n_equal_ones(void)
{
	MediaWatch watch = {.freeze_frames = 5};

	for (unsigned int i = 0; i < 20; i++) {
		g_auto(Frame) picture = {0};
		picture_make(&picture, 64, 80, i < 10 ? i : 10, 4);
		picture.capture_ns = i;
		media_watch_feed(&watch, &picture);
		/* pictures 10, 11, 12, 13, 14 are equal: the fifth of them is number 14 */
		CU_ASSERT_EQUAL(watch.frozen, i >= 14);
		CU_ASSERT_FALSE(watch.black);
	}
	CU_ASSERT_EQUAL(watch.since_ns, 10);
}

static void a_noisy_still_scene_is_not_frozen_after_coding(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", 640, 360, 30, 0, &error);
	g_autoptr(MediaDecoder) decoder = media_decoder_new("gray8", &error);
	MediaWatch watch = {0};
	unsigned int worst = 0;

	for (unsigned int i = 0; i < 90; i++) {
		g_auto(Frame) picture = {0};
		g_auto(Frame) unit = {0};
		g_auto(Frame) decoded = {0};
		picture_make(&picture, 640, 360, 150 * i, 4); /* 150 * 4 wraps: the square stays */
		UNIT_OK(media_encoder_encode(encoder, &picture, false, &unit, &error), error);
		UNIT_OK(media_decoder_decode(decoder, &unit, &decoded, &error), error);
		media_watch_feed(&watch, &decoded);
		worst = MAX(worst, watch.equal);
	}
	CU_ASSERT_TRUE(worst < 3);
}

static void a_black_picture_is_seen(void)
{
	static const uint8_t dark[16] = {16, 16, 16, 16, 17, 16, 16, 16, 16, 16, 16, 16, 16, 16};
	Frame picture = {.data = dark, .size = 16, .format = "gray8", .width = 4, .height = 4};
	MediaWatch watch = {0};

	media_watch_feed(&watch, &picture);
	CU_ASSERT_TRUE(watch.black);
}

static void stills_are_jpeg_and_png_of_the_right_size(void)
{
	g_autoptr(GError) error = NULL;
	g_auto(Frame) picture = {0};

	picture_make(&picture, 322, 182, 3, 4);
	g_autoptr(GBytes) png = media_still(&picture, "png", &error);
	UNIT_OK(png, error);
	g_autoptr(GBytes) jpeg = media_still(&picture, "jpeg", &error);
	UNIT_OK(jpeg, error);
	if (!png || !jpeg)
		return;
	/* PNG (ISO 15948): 8 signature bytes, IHDR length and type, width and height big-endian */
	const uint8_t *p = g_bytes_get_data(png, NULL);
	static const uint8_t head[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13,
				       'I',  'H', 'D', 'R', 0,  0,  1,  66, 0, 0, 0, 182};
	CU_ASSERT_EQUAL(memcmp(p, head, sizeof head), 0);
	const uint8_t *j = g_bytes_get_data(jpeg, NULL);
	CU_ASSERT_TRUE(j[0] == 0xff && j[1] == 0xd8 && j[2] == 0xff); /* SOI (ISO 10918-1) */
	CU_ASSERT_PTR_NULL(media_still(&picture, "gif", &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
}

static void a_still_of_units_shows_the_last_one(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", 320, 180, 30, 0, &error);
	Frame units[8] = {0};

	for (unsigned int i = 0; i < 8; i++) {
		g_auto(Frame) picture = {0};
		picture_make(&picture, 320, 180, i, 4);
		UNIT_OK(media_encoder_encode(encoder, &picture, false, &units[i], &error), error);
	}
	g_autoptr(GBytes) at3 = media_still_of_units(units, 4, "png", &error);
	g_autoptr(GBytes) at7 = media_still_of_units(units, 8, "png", &error);
	UNIT_OK(at3 && at7, error);
	CU_ASSERT_FALSE(at3 && at7 && g_bytes_equal(at3, at7));
	CU_ASSERT_PTR_NULL(media_still_of_units(units + 1, 3, "png", &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	for (unsigned int i = 0; i < 8; i++)
		media_frame_clear(&units[i]);
}

UNIT_MAIN("media.codec", UNIT(the_same_pictures_give_the_same_bytes),
	  UNIT(every_key_frame_carries_sps_and_pps),
	  UNIT(decoded_pictures_resemble_the_encoded_ones),
	  UNIT(a_unit_before_the_first_key_frame_gives_no_picture),
	  UNIT(garbage_is_corrupt_and_leaves_the_output_untouched),
	  UNIT(decoding_goes_on_after_a_damaged_unit), UNIT(unknown_formats_and_sizes_are_refused),
	  UNIT(another_picture_has_another_hash), UNIT(mean_luma_by_hand),
	  UNIT(a_frozen_picture_is_seen_after_n_equal_ones),
	  UNIT(a_noisy_still_scene_is_not_frozen_after_coding), UNIT(a_black_picture_is_seen),
	  UNIT(stills_are_jpeg_and_png_of_the_right_size),
	  UNIT(a_still_of_units_shows_the_last_one))
