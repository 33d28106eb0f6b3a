/* H.264 in and out of pictures, and stills for reports: all on the caller's thread (chain.h). */
#include "buffer.h"
#include "chain.h"

#include <gst/video/video.h>

struct MediaEncoder {
	Chain *chain;
	char *format;
	int width, height, fps;
	uint64_t n; /* pictures given */
};

struct MediaDecoder {
	Chain *chain;
	char *format;
	uint64_t n;
	bool started; /* a key frame was seen */
};

static void take_times(Frame *to, const Frame *from)
{
	to->capture_ns = from->capture_ns;
	to->capture_u_ns = from->capture_u_ns;
	to->receipt_ns = from->receipt_ns;
	to->sequence = from->sequence;
}

/* Rows of raw video are padded to 4 bytes in GStreamer's default layout; ours are packed. */
static GstBuffer *buffer_of_picture(const Frame *picture)
{
	GstBuffer *buffer = buffer_of_frame(picture);
	bool planar = g_str_equal(picture->format, "i420");
	int w = picture->width, h = picture->height;
	gint stride[GST_VIDEO_MAX_PLANES] = {g_str_equal(picture->format, "rgb") ? 3 * w : w, w / 2,
					     w / 2};
	gsize offset[GST_VIDEO_MAX_PLANES] = {0, (gsize)w * h, (gsize)w * h * 5 / 4};
	GstVideoFormat format = gst_video_format_from_string(gst_format_name(picture->format));

	gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, format, (guint)w,
				       (guint)h, planar ? 3 : 1, offset, stride);
	return buffer;
}

static bool picture_is_whole(const Frame *picture)
{
	size_t size = media_picture_size(picture->format, picture->width, picture->height);

	return size > 0 && size == picture->size;
}

MediaEncoder *media_encoder_new(const char *format, int width, int height, int fps,
				int key_interval, GError **error)
{
	if (media_picture_size(format, width, height) == 0 || fps < 1 || fps > 1000 || width % 2 ||
	    height % 2) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "cannot encode %s pictures of %dx%d at %d/s: expected gray8, i420 or "
			    "rgb, an even size up to 8192, 1..1000 pictures a second",
			    format, width, height, fps);
		return NULL;
	}
	/* Constant quality, not rate: the sensor's noise must survive, or a still scene looks
	 * frozen. */
	g_autofree char *description = g_strdup_printf(
		"videoconvert n-threads=1 ! video/x-raw,format=I420 ! x264enc "
		"speed-preset=ultrafast "
		"tune=zerolatency threads=1 bframes=0 key-int-max=%d pass=qual quantizer=21 "
		"byte-stream=true aud=false ! "
		"capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au,"
		"profile=constrained-baseline",
		key_interval > 0 ? key_interval : fps);
	g_autoptr(Chain) chain = chain_new(description, error);
	if (!chain)
		return NULL;
	g_autoptr(GstCaps) caps = caps_of_picture(format, width, height, fps);
	if (!chain_set_caps(chain, caps, error))
		return NULL;
	MediaEncoder *encoder = g_new0(MediaEncoder, 1);
	encoder->chain = g_steal_pointer(&chain);
	encoder->format = g_strdup(format);
	encoder->width = width;
	encoder->height = height;
	encoder->fps = fps;
	return encoder;
}

gboolean media_encoder_encode(MediaEncoder *encoder, const Frame *picture, bool force_key,
			      Frame *ret_unit, GError **error)
{
	if (!g_str_equal(picture->format, encoder->format) || picture->width != encoder->width ||
	    picture->height != encoder->height || !picture_is_whole(picture)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "the encoder was opened for %s %dx%d, not for this picture",
			    encoder->format, encoder->width, encoder->height);
		return FALSE;
	}
	GstBuffer *buffer = buffer_of_picture(picture);
	/* From the count, not from the capture time: rate control and hence bytes repeat. */
	GST_BUFFER_PTS(buffer) =
		gst_util_uint64_scale(encoder->n, GST_SECOND, (guint64)encoder->fps);
	GST_BUFFER_DURATION(buffer) = GST_SECOND / (guint64)encoder->fps;
	if (force_key)
		chain_send_upstream(encoder->chain, gst_video_event_new_upstream_force_key_unit(
							    GST_CLOCK_TIME_NONE, TRUE, 0));
	if (!chain_push(encoder->chain, buffer, error))
		return FALSE;
	encoder->n++;
	GstBuffer *unit = chain_pull(encoder->chain);
	if (!unit) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "x264enc held a picture back in spite of zerolatency");
		return FALSE;
	}
	frame_of_buffer(ret_unit, unit, "h264");
	ret_unit->width = picture->width;
	ret_unit->height = picture->height;
	take_times(ret_unit, picture);
	return TRUE;
}

void media_encoder_free(MediaEncoder *encoder)
{
	if (!encoder)
		return;
	chain_free(encoder->chain);
	g_free(encoder->format);
	g_free(encoder);
}

MediaDecoder *media_decoder_new(const char *format, GError **error)
{
	const char *name = gst_format_name(format);

	if (!name) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "cannot decode to %s: expected gray8, i420 or rgb", format);
		return NULL;
	}
	/* One thread: frame threads hold pictures back and would wait for later units. */
	g_autofree char *description =
		g_strdup_printf("avdec_h264 max-threads=1 output-corrupt=false ! "
				"videoconvert n-threads=1 ! capsfilter caps=video/x-raw,format=%s",
				name);
	g_autoptr(Chain) chain = chain_new(description, error);
	if (!chain)
		return NULL;
	g_autoptr(GstCaps) caps =
		gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au");
	if (!chain_set_caps(chain, caps, error))
		return NULL;
	MediaDecoder *decoder = g_new0(MediaDecoder, 1);
	decoder->chain = g_steal_pointer(&chain);
	decoder->format = g_strdup(format);
	return decoder;
}

gboolean media_decoder_decode(MediaDecoder *decoder, const Frame *unit, Frame *ret_picture,
			      GError **error)
{
	decoder->started = decoder->started || unit->key;
	if (!decoder->started)
		return FALSE;
	GstBuffer *buffer = buffer_of_frame(unit);
	GST_BUFFER_PTS(buffer) = decoder->n++ * GST_MSECOND;
	GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer);
	if (!unit->key)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	if (!chain_push(decoder->chain, buffer, error))
		return FALSE;
	GstBuffer *picture = chain_pull(decoder->chain);
	if (!picture) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "access unit %" G_GUINT64_FORMAT " (%zu bytes) gives no picture",
			    unit->sequence, unit->size);
		return FALSE;
	}
	if (!frame_of_picture(ret_picture, picture, chain_caps(decoder->chain), decoder->format)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "the decoder's picture has a size that we do not take");
		return FALSE;
	}
	take_times(ret_picture, unit);
	return TRUE;
}

void media_decoder_free(MediaDecoder *decoder)
{
	if (!decoder)
		return;
	chain_free(decoder->chain);
	g_free(decoder->format);
	g_free(decoder);
}

GBytes *media_still(const Frame *picture, const char *kind, GError **error)
{
	bool png = g_str_equal(kind, "png");

	if ((!png && !g_str_equal(kind, "jpeg")) || !picture_is_whole(picture)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "cannot write a %s picture as %s: expected a raw picture, jpeg or png",
			    picture->format, kind);
		return NULL;
	}
	g_autoptr(Chain) chain = chain_new(
		png ? "videoconvert n-threads=1 ! pngenc"
		    : "videoconvert n-threads=1 ! video/x-raw,format=I420 ! jpegenc quality=90",
		error);
	if (!chain)
		return NULL;
	g_autoptr(GstCaps) caps =
		caps_of_picture(picture->format, picture->width, picture->height, 30);
	GstBuffer *buffer = buffer_of_picture(picture);
	GST_BUFFER_PTS(buffer) = 0;
	if (!chain_set_caps(chain, caps, error)) {
		gst_buffer_unref(buffer);
		return NULL;
	}
	if (!chain_push(chain, buffer, error))
		return NULL;
	GstBuffer *file = chain_pull(chain);
	if (!file) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "the %s encoder gave nothing",
			    kind);
		return NULL;
	}
	g_auto(Frame) frame = {0};
	frame_of_buffer(&frame, file, "file");
	return g_bytes_new(frame.data, frame.size);
}

GBytes *media_still_of_units(const Frame *units, size_t n, const char *kind, GError **error)
{
	if (n == 0 || !units[0].key) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "a still needs access units from a key frame on");
		return NULL;
	}
	g_autoptr(MediaDecoder) decoder = media_decoder_new("rgb", error);
	if (!decoder)
		return NULL;
	g_auto(Frame) picture = {0};
	for (size_t i = 0; i < n; i++) {
		Frame next = {0};
		if (!media_decoder_decode(decoder, &units[i], &next, error))
			return NULL;
		media_frame_clear(&picture);
		picture = next;
	}
	return media_still(&picture, kind, error);
}
