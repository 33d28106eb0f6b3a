/* MP4 and Matroska: the access units of the first video track, as they are. */
#include "intake.h"

#include <anzen/media.h>

static gboolean out_of_order(const char *path, uint64_t n, GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: picture %" G_GUINT64_FORMAT
		    " is shown before the one that is stored before it (B-frames): a replay could "
		    "not play it; encode it without them, for example: ffmpeg -i IN -c:v libx264 "
		    "-bf 0 -an OUT.mp4",
		    path, n);
	return FALSE;
}

gboolean read_media(Intake *in, const char *path, GError **error)
{
	g_autoptr(GError) end = NULL;
	g_autoptr(MediaReader) reader = media_reader_open_any(path, error);
	g_autofree char *name = g_path_get_basename(path);
	uint64_t n = 0;
	int64_t last = -1;
	if (!reader)
		return FALSE;
	const char *format = media_reader_format(reader);
	IntakeTopic *topic = intake_topic(in, name, format, NULL, "video", WIRE_OF_NOTHING, NULL);
	topic->pictures = true;
	intake_note(in, "of a film the first video track is taken; sound: give it as WAV");
	const char *turn = media_reader_orientation(reader);
	if (turn)
		intake_note(in,
			    "the film asks its player to turn the pictures (%s): they are taken as "
			    "they are stored, and a product sees them like that",
			    turn);
	for (;; n++) {
		const IntakePlace place = {"picture", n, NULL};
		g_auto(Frame) unit = {0};
		if (!media_reader_next(reader, &unit, &end))
			break;
		if (unit.capture_ns <= last)
			return out_of_order(path, n, error);
		last = unit.receipt_ns = unit.capture_ns;
		unit.capture_u_ns = -1;
		if (!in->frames_pass) {
			in->messages++;
			topic->messages++;
		}
		intake_frame(in, topic, &unit, &place);
	}
	if (end && in->options->salvage && n > 0) {
		intake_incomplete(in, "damaged after picture %" G_GUINT64_FORMAT ": %s", n,
				  end->message);
	} else if (end) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "after picture %" G_GUINT64_FORMAT
			    ": %s; --salvage takes what is whole",
			    n, end->message);
		return FALSE;
	}
	return TRUE;
}
