#include "picture.h"

void picture_make(Frame *ret_frame, int width, int height, unsigned int n, int noise)
{
	size_t size = (size_t)width * (size_t)height;
	uint8_t *pixels = g_malloc(size);
	uint32_t random = 12345u + n * 7919u;

	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			random = random * 1664525u + 1013904223u; /* Numerical Recipes */
			int value =
				80 + (noise ? (int)(random >> 24) % (2 * noise + 1) - noise : 0);
			int left = 10 + (int)(4 * n) % (width - 60);
			if (x >= left && x < left + 40 && y >= 20 && y < 60)
				value = 200;
			pixels[(size_t)y * (size_t)width + (size_t)x] = (uint8_t)value;
		}
	}
	g_autoptr(GBytes) bytes = g_bytes_new_take(pixels, size);
	media_frame_from_bytes(ret_frame, bytes, "gray8");
	ret_frame->width = width;
	ret_frame->height = height;
	ret_frame->sequence = n;
	ret_frame->capture_ns = CLOCK_S + (int64_t)n * 33333333;
	ret_frame->key = true;
}
