/* Our JPEG losses against those of the Independent JPEG Group's library (libjpeg-turbo): same picture, same quality. */
#include "unit.h"

#include <anzen/perturb.h>
#include <jpeglib.h>

#define W 200
#define H 152

static uint8_t *scene(int channels)
{
	uint8_t *p = g_malloc(W * H * 3);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			bool body = (x - 90) * (x - 90) + (y - 70) * (y - 70) < 900;
			uint8_t *q = p + (y * W + x) * channels;
			for (int c = 0; c < channels; c++)
				q[c] = (uint8_t)CLAMP(body ? 200 - 50 * c
							   : 120 + 60 * sin(x * 0.07 + c) +
								      40 * cos(y * 0.11 + 2 * c),
						      0, 255);
		}
	return p;
}

/* Encode with 4:2:0 colour and the accurate integer transform, decode with smooth chroma. */
static void through_libjpeg(uint8_t *p, int channels, int quality, int *ret_first_step)
{
	struct jpeg_error_mgr trouble;
	struct jpeg_compress_struct out = {.err = jpeg_std_error(&trouble)};
	struct jpeg_decompress_struct in = {.err = &trouble};
	unsigned char *file = NULL;
	unsigned long size = 0;
	jpeg_create_compress(&out);
	jpeg_mem_dest(&out, &file, &size);
	out.image_width = W;
	out.image_height = H;
	out.input_components = channels;
	out.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&out);
	jpeg_set_quality(&out, quality, TRUE);
	jpeg_start_compress(&out, TRUE);
	*ret_first_step = out.quant_tbl_ptrs[0]->quantval[0];
	for (int y = 0; y < H; y++) {
		JSAMPROW row = p + y * W * channels;
		jpeg_write_scanlines(&out, &row, 1);
	}
	jpeg_finish_compress(&out);
	jpeg_destroy_compress(&out);
	jpeg_create_decompress(&in);
	jpeg_mem_src(&in, file, size);
	jpeg_read_header(&in, TRUE);
	jpeg_start_decompress(&in);
	for (int y = 0; y < H; y++) {
		JSAMPROW row = p + y * W * channels;
		jpeg_read_scanlines(&in, &row, 1);
	}
	jpeg_finish_decompress(&in);
	jpeg_destroy_decompress(&in);
	free(file);
}

static void compare(int channels)
{
	static const int quality[] = {25, 18, 15, 10, 7}; /* the paper's */
	for (int k = 0; k < 5; k++) {
		g_autofree char *text = g_strdup_printf("jpeg:%d", k + 1);
		g_autoptr(PerturbChain) chain = perturb_chain_new(0);
		g_autoptr(GError) error = NULL;
		CU_ASSERT_TRUE(perturb_chain_add(chain, text, &error));
		g_autoptr(PerturbImage) image =
			perturb_image_new(chain, "c", W, H, channels, &error);
		g_autofree uint8_t *ours = scene(channels), *theirs = scene(channels),
				   *before = scene(channels);
		int step, n = W * H * channels, far = 0;
		double apart = 0, lost = 0;
		perturb_image_apply(image, ours, 0);
		through_libjpeg(theirs, channels, quality[k], &step);
		/* 16 at quality 50, times 50/q (T.81 table K.1 and the library's scaling) */
		CU_ASSERT_EQUAL(step, (16 * (5000 / quality[k]) + 50) / 100);
		for (int i = 0; i < n; i++) {
			int d = abs(ours[i] - theirs[i]);
			apart += (double)d / n;
			lost += fabs((double)theirs[i] - before[i]) / n;
			far += d > 4;
		}
		/* Only coefficients near a half round differently: the library works in whole numbers. */
		CU_ASSERT_TRUE(apart < 0.7);
		CU_ASSERT_TRUE(far < n / 50);
		CU_ASSERT_TRUE(lost > 2 * apart);
	}
}

static void grey_loses_what_the_library_loses(void)
{
	compare(1);
}

static void colour_loses_what_the_library_loses(void)
{
	compare(3);
}

UNIT_MAIN("perturb.jpeg", UNIT(grey_loses_what_the_library_loses),
	  UNIT(colour_loses_what_the_library_loses))
