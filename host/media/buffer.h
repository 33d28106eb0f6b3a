/* Frames as GStreamer buffers and back; private to media. */
#ifndef ANZEN_MEDIA_BUFFER_H
#define ANZEN_MEDIA_BUFFER_H

#include <anzen/media.h>
#include <gst/gst.h>

/* A buffer with a copy of the frame's bytes. */
GstBuffer *buffer_of_frame(const Frame *frame);
/* A frame whose owner is the mapped buffer; takes the buffer's reference. */
void frame_of_buffer(Frame *ret_frame, GstBuffer *buffer, const char *format);
/* The same with the rows packed; NULL-safe against padding. Takes the buffer's reference. */
gboolean frame_of_picture(Frame *ret_frame, GstBuffer *buffer, GstCaps *caps, const char *format);
/* Raw video caps of a picture; NULL for a format we do not know. */
GstCaps *caps_of_picture(const char *format, int width, int height, int fps);
/* "GRAY8", "I420", "RGB" or NULL. */
const char *gst_format_name(const char *format);

#endif
