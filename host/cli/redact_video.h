/* Hiding regions of recorded pictures, for `session redact`. Private to host/cli. */
#ifndef ANZEN_CLI_REDACT_VIDEO_H
#define ANZEN_CLI_REDACT_VIDEO_H

#include <anzen/session.h>

typedef struct RedactVideo RedactVideo;

/* black: fill regions with black, else with a mosaic of at most 4 x 4 fields of one brightness and colour each. */
RedactVideo *redact_video_new(bool black);
void redact_video_free(RedactVideo *video);
/* A SessionHideFunc; `data` is the RedactVideo. */
gboolean redact_video_hide(void *data, const char *camera, const Frame *frame,
			   const SessionWithheld *const *regions, size_t n, GByteArray *ret_bytes,
			   GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RedactVideo, redact_video_free)

#endif
