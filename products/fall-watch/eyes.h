/* Pictures over RTSP, decoded to small grey ones. The callback runs on a GStreamer thread. */
#ifndef FALL_WATCH_EYES_H
#define FALL_WATCH_EYES_H

#include <glib.h>
#include <stdint.h>

typedef struct Eyes Eyes;
/* grey: WATCH_W x WATCH_H, tightly packed. */
typedef void (*EyesFunc)(const uint8_t *grey, void *user);

/* crop: "WxH+X+Y" in the camera's pixels, or NULL. on_end: the stream ended or broke. */
Eyes *eyes_open(const char *uri, const char *crop, EyesFunc see, void (*on_end)(void *user),
		void *user, GError **error);
void eyes_close(Eyes *eyes);

#endif
