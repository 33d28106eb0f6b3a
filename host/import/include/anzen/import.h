/* import (floor 4): recordings of others become sessions of ours.
 *
 * A video and the times that a person read off it become a session that `anzen replay` can play to a product. The coded
 * pictures go in as they are; nothing is decoded or encoded again. Any thread, one import at a time a file.
 */
#ifndef ANZEN_IMPORT_H
#define ANZEN_IMPORT_H

#include <anzen/base.h>

G_BEGIN_DECLS

/* The file kind labels/1: what is true when in a recorded clip, by whom, and how well the edges are known. */
const Shape *import_labels_shape(void);
bool import_labels_check(const YamlDoc *doc, Diagnostics *diag);

/* What an import found; for the message and for tests. */
typedef struct ImportFacts {
	uint64_t frames;
	int64_t duration_ns; /* to the end of the last picture */
} ImportFacts;

/* MP4 (H.264) + labels → a sealed session of evidence class replay at `out`: the access units as camera `camera`, and for
 * each truth of the labels the Boolean signal truth.NAME (origin label) whose clock uncertainty is that of the labels'
 * edges. t = 0 is the start of the clip. The metadata name both files and their hashes; the labels are attached, the MP4
 * is not (its pictures are all there). Labels of another clip, an edge outside the clip, pictures out of order: diagnostics
 * or ANZEN_ERROR_INPUT, and no file at `out`. */
gboolean import_video(const char *mp4, const char *camera, const char *labels, const char *out,
		      ImportFacts *ret, Diagnostics *diag, GError **error);

G_END_DECLS

#endif
