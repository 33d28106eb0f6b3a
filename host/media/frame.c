/* Frames as counted bytes, picture sizes, and the watch for frozen and black cameras. */
#include <anzen/media.h>

#include <math.h>
#include <string.h>

#define SIDE_MAX 8192

static void bytes_ref(void *owner)
{
	g_bytes_ref(owner);
}

static void bytes_unref(void *owner)
{
	g_bytes_unref(owner);
}

void media_frame_from_bytes(Frame *ret_frame, GBytes *bytes, const char *format)
{
	Frame frame = {0};

	frame.data = g_bytes_get_data(bytes, &frame.size);
	frame.format = format;
	frame.owner = g_bytes_ref(bytes);
	frame.ref = bytes_ref;
	frame.unref = bytes_unref;
	*ret_frame = frame;
}

void media_frame_clear(Frame *frame)
{
	if (frame->owner && frame->unref)
		frame->unref(frame->owner);
	*frame = (Frame){0};
}

size_t media_picture_size(const char *format, int width, int height)
{
	if (width <= 0 || height <= 0 || width > SIDE_MAX || height > SIDE_MAX)
		return 0;
	size_t pixels = (size_t)width * (size_t)height;
	if (g_str_equal(format, "gray8"))
		return pixels;
	if (g_str_equal(format, "rgb"))
		return 3 * pixels;
	if (g_str_equal(format, "i420") && width % 2 == 0 && height % 2 == 0)
		return pixels * 3 / 2;
	return 0;
}

/* FNV-1a's step on words of eight bytes, with a fold that carries high bits down: one multiplication for eight pixels. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(1099511628211);
	return hash ^ hash >> 32;
}

uint64_t media_picture_hash(const Frame *picture)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ picture->size, word = 0;
	size_t whole = picture->size / sizeof word * sizeof word;

	for (size_t i = 0; i < whole; i += sizeof word) {
		memcpy(&word, picture->data + i, sizeof word);
		hash = mix(hash, word);
	}
	word = 0;
	if (whole < picture->size)
		memcpy(&word, picture->data + whole, picture->size - whole);
	return mix(hash, word);
}

/* A row's sum fits 32 bits: vectors. */
static uint64_t sum_of(const uint8_t *pixels, size_t n)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < n;) {
		uint32_t part = 0;
		for (size_t end = MIN(n, i + 65536); i < end; i++)
			part += pixels[i];
		sum += part;
	}
	return sum;
}

double media_picture_mean_luma(const Frame *picture)
{
	size_t pixels = (size_t)picture->width * (size_t)picture->height;
	uint64_t sum = 0;

	if (pixels == 0 || !picture->format ||
	    media_picture_size(picture->format, picture->width, picture->height) != picture->size)
		return (double)NAN;
	if (!g_str_equal(picture->format, "rgb"))
		return (double)sum_of(picture->data, pixels) / (double)pixels;
	/* BT.601 weights in 1/1000: exact sums, so the value repeats on every machine. */
	for (size_t i = 0; i < pixels; i++) {
		const uint8_t *p = picture->data + 3 * i;
		sum += 299u * p[0] + 587u * p[1] + 114u * p[2];
	}
	return (double)sum / (double)pixels / 1000.0;
}

void media_watch_feed(MediaWatch *watch, const Frame *picture)
{
	unsigned int limit = watch->freeze_frames ? watch->freeze_frames : 15;
	double black = watch->black_luma > 0 ? watch->black_luma : 17;
	uint64_t hash = media_picture_hash(picture);

	if (watch->seen > 0 && hash == watch->last_hash) {
		watch->equal++;
	} else {
		watch->equal = 0;
		watch->since_ns = picture->capture_ns;
	}
	watch->seen++;
	watch->last_hash = hash;
	watch->frozen = watch->equal + 1 >= limit;
	watch->black = media_picture_mean_luma(picture) < black;
}
