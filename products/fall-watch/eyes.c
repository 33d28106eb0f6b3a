#include "eyes.h"

#include "watch.h"

#include <gio/gio.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>

struct Eyes {
	GstElement *pipeline;
	guint bus_watch;
	EyesFunc see;
	void (*on_end)(void *);
	void *user;
	int x, y, w, h; /* crop; w 0: none */
};

static GstFlowReturn on_sample(GstAppSink *sink, gpointer user)
{
	Eyes *e = user;
	GstSample *sample = gst_app_sink_pull_sample(sink);
	if (!sample)
		return GST_FLOW_EOS;
	GstVideoInfo info;
	GstVideoFrame frame;
	if (gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) &&
	    gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
		uint8_t small[WATCH_W * WATCH_H];
		const uint8_t *grey =
			GST_VIDEO_FRAME_PLANE_DATA(&frame, 0); /* I420, GRAY8: luma first */
		int stride = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
		int w = GST_VIDEO_FRAME_WIDTH(&frame), h = GST_VIDEO_FRAME_HEIGHT(&frame);
		if (e->w > 0 && e->x + e->w <= w && e->y + e->h <= h)
			watch_scale(grey + e->y * stride + e->x, e->w, e->h, stride, small);
		else
			watch_scale(grey, w, h, stride, small);
		gst_video_frame_unmap(&frame);
		e->see(small, e->user);
	}
	gst_sample_unref(sample);
	return GST_FLOW_OK;
}

static gboolean on_bus(GstBus *bus, GstMessage *message, gpointer user)
{
	Eyes *e = user;
	(void)bus;
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS ||
	    GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
		e->on_end(e->user);
	return G_SOURCE_CONTINUE;
}

Eyes *eyes_open(const char *uri, const char *crop, EyesFunc see, void (*on_end)(void *), void *user,
		GError **error)
{
	int end = 0, x = 0, y = 0, w = 0, h = 0;
	if (crop && strcmp(crop, "whole") != 0 &&
	    (sscanf(crop, "%dx%d+%d+%d%n", &w, &h, &x, &y, &end) != 4 || crop[end] ||
	     w < WATCH_W / 4 || h < WATCH_H / 4 || x < 0 || y < 0 || x > 8192 || y > 8192)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "--crop %s: expected WxH+X+Y in pixels, as in 853x640+0+0", crop);
		return NULL;
	}
	Eyes *e = g_new0(Eyes, 1);
	e->x = x;
	e->y = y;
	e->w = w;
	e->h = h;
	e->see = see;
	e->on_end = on_end;
	e->user = user;
	g_autofree char *text =
		g_strdup_printf("rtspsrc location=%s latency=0 protocols=tcp ! rtph264depay ! "
				"h264parse ! avdec_h264 max-threads=1 ! "
				"videoconvert ! video/x-raw,format=I420 ! appsink name=sink "
				"sync=false max-buffers=4 drop=true",
				uri);
	e->pipeline = gst_parse_launch(text, error);
	if (!e->pipeline) {
		g_free(e);
		return NULL;
	}
	GstElement *sink = gst_bin_get_by_name(GST_BIN(e->pipeline), "sink");
	GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
	gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, e, NULL);
	gst_object_unref(sink);
	GstBus *bus = gst_element_get_bus(e->pipeline);
	e->bus_watch = gst_bus_add_watch(bus, on_bus, e);
	gst_object_unref(bus);
	gst_element_set_state(e->pipeline, GST_STATE_PLAYING);
	return e;
}

void eyes_close(Eyes *e)
{
	if (!e)
		return;
	g_source_remove(e->bus_watch);
	gst_element_set_state(e->pipeline, GST_STATE_NULL);
	gst_object_unref(e->pipeline);
	g_free(e);
}
