/* Private to session: boxes of an MP4 file. */
#ifndef SESSION_MP4_H
#define SESSION_MP4_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

void mp4_be(GByteArray *b, uint64_t v, unsigned size);
guint mp4_box(GByteArray *b, const char *type); /* returns its place, for mp4_close_box() */
void mp4_close_box(GByteArray *b, guint at);

/* Parameter sets as units of Annex B without start code. FALSE: the SPS cannot be read. */
bool mp4_put_hvcc(GByteArray *b, const GByteArray *vps, const GByteArray *sps,
		  const GByteArray *pps);

#endif
