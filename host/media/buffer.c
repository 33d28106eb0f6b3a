#include "buffer.h"

#include <gst/video/video.h>

typedef struct {
	gatomicrefcount refs;
	GstBuffer *buffer;
	GstMapInfo map;
} Mapped;

static void mapped_ref(void *owner)
{
	g_atomic_ref_count_inc(&((Mapped *)owner)->refs);
}

static void mapped_unref(void *owner)
{
	Mapped *mapped = owner;

	if (!g_atomic_ref_count_dec(&mapped->refs))
		return;
	gst_buffer_unmap(mapped->buffer, &mapped->map);
	gst_buffer_unref(mapped->buffer);
	g_free(mapped);
}

GstBuffer *buffer_of_frame(const Frame *frame)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, frame->size, NULL);

	gst_buffer_fill(buffer, 0, frame->data, frame->size);
	return buffer;
}

void frame_of_buffer(Frame *ret_frame, GstBuffer *buffer, const char *format)
{
	Mapped *mapped = g_new0(Mapped, 1);

	g_atomic_ref_count_init(&mapped->refs);
	mapped->buffer = buffer;
	if (!gst_buffer_map(buffer, &mapped->map, GST_MAP_READ))
		g_error("out of memory while mapping a frame");
	*ret_frame = (Frame){
		.data = mapped->map.data,
		.size = mapped->map.size,
		.format = format,
		.key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
		.owner = mapped,
		.ref = mapped_ref,
		.unref = mapped_unref,
	};
}

static void copy_plane(uint8_t *to, const uint8_t *from, int stride, int row_bytes, int rows)
{
	for (int y = 0; y < rows; y++)
		memcpy(to + (ptrdiff_t)y * row_bytes, from + (ptrdiff_t)y * stride,
		       (size_t)row_bytes);
}

/* GStreamer pads rows to 4 bytes and decoders align planes: pack them. */
static GBytes *pack(const GstVideoFrame *video, size_t size)
{
	g_autofree uint8_t *packed = g_malloc(size);
	uint8_t *to = packed;

	for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(video); plane++) {
		int row = GST_VIDEO_FRAME_COMP_WIDTH(video, plane) *
			  GST_VIDEO_FRAME_COMP_PSTRIDE(video, plane);
		int rows = GST_VIDEO_FRAME_COMP_HEIGHT(video, plane);
		copy_plane(to, GST_VIDEO_FRAME_PLANE_DATA(video, plane),
			   GST_VIDEO_FRAME_PLANE_STRIDE(video, plane), row, rows);
		to += (ptrdiff_t)row * rows;
	}
	return g_bytes_new_take(g_steal_pointer(&packed), size);
}

gboolean frame_of_picture(Frame *ret_frame, GstBuffer *buffer, GstCaps *caps, const char *format)
{
	g_autoptr(GstBuffer) owned = buffer;
	GstVideoInfo info;
	GstVideoFrame video;

	if (!caps || !gst_video_info_from_caps(&info, caps) ||
	    !gst_video_frame_map(&video, &info, owned, GST_MAP_READ))
		return FALSE;
	int width = GST_VIDEO_INFO_WIDTH(&info), height = GST_VIDEO_INFO_HEIGHT(&info);
	size_t size = media_picture_size(format, width, height);
	if (size > 0) {
		g_autoptr(GBytes) bytes = pack(&video, size);
		media_frame_from_bytes(ret_frame, bytes, format);
		ret_frame->width = width;
		ret_frame->height = height;
		ret_frame->key = true;
	}
	gst_video_frame_unmap(&video);
	return size > 0;
}

const char *gst_format_name(const char *format)
{
	if (g_str_equal(format, "gray8"))
		return "GRAY8";
	if (g_str_equal(format, "i420"))
		return "I420";
	return g_str_equal(format, "rgb") ? "RGB" : NULL;
}

GstCaps *caps_of_picture(const char *format, int width, int height, int fps)
{
	const char *name = gst_format_name(format);

	if (!name)
		return NULL;
	return gst_caps_new_simple(
		"video/x-raw", "format", G_TYPE_STRING, name, "width", G_TYPE_INT, width, "height",
		G_TYPE_INT, height, "framerate", GST_TYPE_FRACTION, fps, 1, "pixel-aspect-ratio",
		GST_TYPE_FRACTION, 1, 1, "interlace-mode", G_TYPE_STRING, "progressive", NULL);
}
