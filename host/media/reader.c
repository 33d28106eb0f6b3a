/* Access units out of a recorded MP4, as they were written: nothing is decoded or encoded again. */
#include "buffer.h"
#include "chain.h"

#include <gst/app/gstappsink.h>

struct MediaReader {
	GstElement *pipeline;
	GstAppSink *sink;
	char *path;
	const char *format;
	uint64_t n;
};

static void set_bus_error(MediaReader *reader, AnzenError code, GError **error)
{
	g_autoptr(GstBus) bus = gst_element_get_bus(reader->pipeline);
	g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
	g_autoptr(GError) said = NULL;

	if (message)
		gst_message_parse_error(message, &said, NULL);
	g_set_error(error, ANZEN_ERROR, code, "%s: %s", reader->path,
		    said ? said->message : "no such video in it");
}

static bool failed(MediaReader *reader)
{
	g_autoptr(GstBus) bus = gst_element_get_bus(reader->pipeline);
	g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);

	if (message)
		gst_bus_post(bus, gst_message_ref(message));
	return message != NULL;
}

/* What follows the demultiplexer: parsed, H.264 and H.265 as Annex B with parameter sets in every key frame. */
typedef struct {
	const char *format, *parser;
} Codec;

static const Codec codecs[] = {
	{"h264",
	 "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au"},
	{"h265",
	 "h265parse config-interval=-1 ! video/x-h265,stream-format=byte-stream,alignment=au"},
	{"jpeg", "image/jpeg ! jpegparse"},
};

/* Whichever comes first: a picture at the sink, or an error (a demultiplexer that finds nobody for its tracks). */
static bool prerolled(MediaReader *reader)
{
	g_autoptr(GstBus) bus = gst_element_get_bus(reader->pipeline);
	g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
		bus, 10 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_EOS);

	if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
		gst_bus_post(bus, gst_message_ref(message)); /* for set_bus_error() */
	if (!message || GST_MESSAGE_TYPE(message) != GST_MESSAGE_ASYNC_DONE)
		return false;
	g_autoptr(GstSample) first = gst_app_sink_try_pull_preroll(reader->sink, 0);
	return first != NULL;
}

/* NULL: there is no such track. */
static MediaReader *open_track(const char *path, const char *demuxer, const Codec *codec,
			       GError **error)
{
	g_autoptr(GError) said = NULL;
	g_autofree char *description =
		g_strdup_printf("filesrc name=file ! %s ! %s ! appsink name=sink sync=false "
				"max-buffers=4",
				demuxer, codec->parser);
	GstElement *pipeline = gst_parse_launch(description, &said);
	if (!pipeline) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "GStreamer cannot read films: %s (are the plugins good and bad there?)",
			    said->message);
		return NULL;
	}
	g_autoptr(MediaReader) reader = g_new0(MediaReader, 1);
	reader->pipeline = gst_object_ref_sink(pipeline);
	reader->path = g_strdup(path);
	reader->format = codec->format;
	reader->sink = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "sink"));
	g_autoptr(GstElement) file = gst_bin_get_by_name(GST_BIN(pipeline), "file");
	g_object_set(file, "location", path, NULL);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	/* Fails here rather than at the first unit when the file holds no such track. */
	if (!prerolled(reader)) {
		set_bus_error(reader, ANZEN_ERROR_INPUT, error);
		return NULL;
	}
	return g_steal_pointer(&reader);
}

MediaReader *media_reader_open(const char *path, GError **error)
{
	media_gst_init();
	if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: no such file (expected an MP4 with H.264 video)", path);
		return NULL;
	}
	return open_track(path, "qtdemux", &codecs[0], error);
}

/* EBML begins a Matroska file. */
static bool is_matroska(const char *path)
{
	static const unsigned char magic[4] = {0x1a, 0x45, 0xdf, 0xa3};
	unsigned char head[4] = {0};
	FILE *file = fopen(path, "rbe");
	size_t n = file ? fread(head, 1, sizeof(head), file) : 0;
	if (file)
		fclose(file);
	return n == sizeof(head) && !memcmp(head, magic, sizeof(magic));
}

MediaReader *media_reader_open_any(const char *path, GError **error)
{
	const char *demuxer = is_matroska(path) ? "matroskademux" : "qtdemux";
	media_gst_init();
	for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
		MediaReader *reader = open_track(path, demuxer, &codecs[i], NULL);
		if (reader)
			return reader;
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: holds no whole video track in H.264, H.265 or MJPEG", path);
	return NULL;
}

const char *media_reader_format(const MediaReader *reader)
{
	return reader->format;
}

const char *media_reader_orientation(const MediaReader *reader)
{
	g_autoptr(GstPad) pad = gst_element_get_static_pad(GST_ELEMENT(reader->sink), "sink");
	for (guint i = 0;; i++) {
		g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_TAG, i);
		GstTagList *tags = NULL;
		g_autofree char *said = NULL;
		if (!event)
			return NULL;
		gst_event_parse_tag(event, &tags);
		if (gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &said) &&
		    strcmp(said, "rotate-0"))
			return g_intern_string(said);
	}
}

gboolean media_reader_next(MediaReader *reader, Frame *ret_frame, GError **error)
{
	g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(reader->sink, 10 * GST_SECOND);
	int width = 0, height = 0;

	if (!sample) {
		if (!gst_app_sink_is_eos(reader->sink) || failed(reader))
			set_bus_error(reader, ANZEN_ERROR_CORRUPT, error);
		return FALSE;
	}
	GstBuffer *buffer = gst_sample_get_buffer(sample);
	const GstStructure *caps = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
	gst_structure_get_int(caps, "width", &width);
	gst_structure_get_int(caps, "height", &height);
	if (!GST_BUFFER_PTS_IS_VALID(buffer)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "%s: access unit %" G_GUINT64_FORMAT " has no time", reader->path,
			    reader->n);
		return FALSE;
	}
	/* The edit list may shift presentation times; the stream time is what a player shows. */
	guint64 t = gst_segment_to_stream_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
					       GST_BUFFER_PTS(buffer));
	frame_of_buffer(ret_frame, gst_buffer_ref(buffer), reader->format);
	ret_frame->width = width;
	ret_frame->height = height;
	ret_frame->capture_ns = (int64_t)(GST_CLOCK_TIME_IS_VALID(t) ? t : GST_BUFFER_PTS(buffer));
	ret_frame->sequence = reader->n++;
	return TRUE;
}

void media_reader_close(MediaReader *reader)
{
	if (!reader)
		return;
	gst_element_set_state(reader->pipeline, GST_STATE_NULL);
	g_clear_object(&reader->sink);
	gst_object_unref(reader->pipeline);
	g_free(reader->path);
	g_free(reader);
}
