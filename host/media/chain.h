/* A GStreamer chain that runs wholly on the caller's thread: a buffer goes in, what comes out is
 * there when the call returns. No appsrc, no queue, no thread, hence no waiting; the elements must
 * be synchronous themselves (x264enc with one thread and zerolatency, avdec_h264 with one thread,
 * converters, jpegenc). */
#ifndef ANZEN_MEDIA_CHAIN_H
#define ANZEN_MEDIA_CHAIN_H

#include <anzen/base.h>
#include <gst/gst.h>

typedef struct Chain Chain;

/* gst_init once; every entry into the module that touches GStreamer calls it. */
void media_gst_init(void);

/* `description` as for gst-launch, with one free sink and one free source pad. */
Chain *chain_new(const char *description, GError **error);
/* Tell the elements what comes; again when it changes. */
gboolean chain_set_caps(Chain *chain, GstCaps *caps, GError **error);
/* Takes the buffer. FALSE with ANZEN_ERROR_CORRUPT and the element's own words. */
gboolean chain_push(Chain *chain, GstBuffer *buffer, GError **error);
/* Upstream event, for example force-key-unit; takes it. */
void chain_send_upstream(Chain *chain, GstEvent *event);
/* Next output or NULL; the caller unrefs. */
GstBuffer *chain_pull(Chain *chain);
/* Caps of the last output; borrowed until the next push; NULL before. */
GstCaps *chain_caps(Chain *chain);
/* Everything held back comes out. */
void chain_drain(Chain *chain);
void chain_free(Chain *chain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Chain, chain_free)

#endif
