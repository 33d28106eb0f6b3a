/* Hiding regions of recorded pictures. A mosaic of few large fields cannot be undone as a soft blur can: of a region
 * sixteen averages are left. */
#include "redact_video.h"

#include <anzen/media.h>
#include <string.h>

#define FIELDS 4 /* along each side of a region */
/* Of rate control only: constant quality. */
#define FPS 30
/* Key frames come where the original's were, and nowhere else. */
#define NEVER_BY_ITSELF 1000000

typedef struct {
	MediaDecoder *decoder;
	MediaEncoder *encoder;
} Coder;

struct RedactVideo {
	bool black;
	GHashTable *coders; /* camera → Coder* */
};

static void coder_free(void *pointer)
{
	Coder *coder = pointer;
	media_decoder_free(coder->decoder);
	media_encoder_free(coder->encoder);
	g_free(coder);
}

RedactVideo *redact_video_new(bool black)
{
	RedactVideo *video = g_new0(RedactVideo, 1);
	video->black = black;
	video->coders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, coder_free);
	return video;
}

void redact_video_free(RedactVideo *video)
{
	if (!video)
		return;
	g_hash_table_unref(video->coders);
	g_free(video);
}

/* ---- pixels ---------------------------------------------------------------------------------- */

typedef struct {
	uint8_t *data;
	int width, height;
} Plane;

static void fill(Plane p, int x0, int y0, int x1, int y1, uint8_t value)
{
	for (int y = y0; y < y1; y++)
		memset(p.data + (size_t)y * p.width + x0, value, (size_t)(x1 - x0));
}

static uint8_t average(Plane p, int x0, int y0, int x1, int y1)
{
	uint64_t sum = 0;
	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++)
			sum += p.data[(size_t)y * p.width + x];
	return (uint8_t)(sum / ((uint64_t)(x1 - x0) * (uint64_t)(y1 - y0)));
}

/* scale: pixels of the picture a pixel of the plane, so that what is hidden is never smaller than what was asked. */
static void hide_in_plane(Plane p, const SessionWithheld *r, int scale, int black)
{
	int x0 = MIN(r->x / scale, p.width), y0 = MIN(r->y / scale, p.height);
	int x1 = MIN((r->x + r->width + scale - 1) / scale, p.width),
	    y1 = MIN((r->y + r->height + scale - 1) / scale, p.height);
	int w = (x1 - x0 + FIELDS - 1) / FIELDS, h = (y1 - y0 + FIELDS - 1) / FIELDS;
	for (int y = y0; y < y1; y += h)
		for (int x = x0; x < x1; x += w) {
			int right = MIN(x + w, x1), bottom = MIN(y + h, y1);
			fill(p, x, y, right, bottom,
			     black >= 0 ? (uint8_t)black : average(p, x, y, right, bottom));
		}
}

static gboolean hide_in_picture(const RedactVideo *video, uint8_t *data, const Frame *picture,
				const SessionWithheld *const *regions, size_t n, GError **error)
{
	int w = picture->width, h = picture->height;
	bool colour = !strcmp(picture->format, "i420");
	size_t luma = (size_t)w * h;
	for (size_t i = 0; i < n; i++) {
		const SessionWithheld *r = regions[i];
		if (r->x >= w || r->y >= h) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "%s: the region at %d,%d lies outside the picture of %dx%d",
				    r->name, r->x, r->y, w, h);
			return FALSE;
		}
		hide_in_plane((Plane){data, w, h}, r, 1, video->black ? 16 : -1);
		for (int c = 0; colour && c < 2; c++)
			hide_in_plane((Plane){data + luma + (size_t)c * luma / 4, w / 2, h / 2}, r,
				      2, video->black ? 128 : -1);
	}
	return TRUE;
}

/* ---- h264 ------------------------------------------------------------------------------------ */

static Coder *coder_of(RedactVideo *video, const char *camera, GError **error)
{
	Coder *coder = g_hash_table_lookup(video->coders, camera);
	if (coder)
		return coder;
	MediaDecoder *decoder = media_decoder_new("i420", error);
	if (!decoder)
		return NULL;
	coder = g_new0(Coder, 1);
	coder->decoder = decoder;
	g_hash_table_insert(video->coders, g_strdup(camera), coder);
	return coder;
}

static gboolean encode(Coder *coder, const Frame *picture, const Frame *unit, GByteArray *ret_bytes,
		       GError **error)
{
	g_auto(Frame) hidden = {0};
	if (!coder->encoder)
		coder->encoder = media_encoder_new("i420", picture->width, picture->height, FPS,
						   NEVER_BY_ITSELF, error);
	if (!coder->encoder ||
	    !media_encoder_encode(coder->encoder, picture, unit->key, &hidden, error))
		return FALSE;
	if (hidden.key != unit->key) {
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			"the encoder put a key frame where it was not asked for, or left one out");
		return FALSE;
	}
	g_byte_array_append(ret_bytes, hidden.data, (guint)hidden.size);
	return TRUE;
}

static gboolean hide_in_unit(RedactVideo *video, const char *camera, const Frame *unit,
			     const SessionWithheld *const *regions, size_t n, GByteArray *ret_bytes,
			     GError **error)
{
	g_auto(Frame) picture = {0};
	g_autoptr(GError) local = NULL;
	Coder *coder = coder_of(video, camera, error);
	if (!coder)
		return FALSE;
	if (!media_decoder_decode(coder->decoder, unit, &picture, &local)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "%s: a picture cannot be decoded, so nothing in it can be hidden: %s; "
			    "withhold the camera instead",
			    camera, local ? local->message : "no key frame before it");
		return FALSE;
	}
	g_autofree uint8_t *pixels = g_memdup2(picture.data, picture.size);
	Frame changed = picture;
	changed.data = pixels;
	changed.owner = NULL;
	changed.ref = changed.unref = NULL;
	return hide_in_picture(video, pixels, &picture, regions, n, error) &&
	       encode(coder, &changed, unit, ret_bytes, error);
}

gboolean redact_video_hide(void *data, const char *camera, const Frame *frame,
			   const SessionWithheld *const *regions, size_t n, GByteArray *ret_bytes,
			   GError **error)
{
	RedactVideo *video = data;
	if (!strcmp(frame->format, "h264"))
		return hide_in_unit(video, camera, frame, regions, n, ret_bytes, error);
	if (media_picture_size(frame->format, frame->width, frame->height) != frame->size ||
	    frame->size == 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: no picture of %s %dx%d",
			    camera, frame->format, frame->width, frame->height);
		return FALSE;
	}
	g_byte_array_append(ret_bytes, frame->data, (guint)frame->size);
	return hide_in_picture(video, ret_bytes->data, frame, regions, n, error);
}
