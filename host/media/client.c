/* A camera's stream in. GStreamer's threads call the Stream; nothing waits here but open(). */
#include "buffer.h"
#include "chain.h"

#include <gst/app/gstappsink.h>
#include <stdio.h>

/* NTP seconds of 1970-01-01 (RFC 868). A time stamp below it cannot be a wall clock's: it is
 * CLOCK_MONOTONIC, as our own servers send it. */
#define NTP_UNIX_EPOCH_S INT64_C(2208988800)

#define UNKNOWN_TIME_U_NS (250 * CLOCK_MS)

struct MediaClient {
	char *uri, *source;
	Stream *sink;
	Clock *clock;
	int64_t clock_u_ns;
	bool local; /* v4l2: buffer times are the pipeline's running time */
	GstElement *pipeline;
	GstCaps *ntp;
	uint64_t sequence; /* streaming thread only */

	GMutex lock;
	GCond changed;
	MediaClientStats stats;
	GError *failure; /* the first one */
	bool opened;     /* the first frame was given */
	bool closing;
};

static void report_fault(MediaClient *client, const char *what)
{
	g_autofree char *cause = g_strdup_printf("%s: %s on %s", client->source, what, client->uri);
	Fault fault = {
		.t_ns = clock_now(client->clock),
		.until_ns = CLOCK_NEVER,
		.source = client->source,
		.cause = cause,
		.signal = client->source,
		.blame = BLAME_BENCH,
		.proven = true, /* the camera's link is not the product's to influence */
	};

	g_mutex_lock(&client->lock);
	bool first = !client->failure && !client->closing;
	bool running = client->opened;
	if (first)
		client->failure = g_error_new(
			ANZEN_ERROR, ANZEN_ERROR_BENCH,
			"%s: no picture: %s%s Is the camera on, and is this its address?",
			client->uri, what, g_str_has_suffix(what, ".") ? "" : ".");
	g_cond_broadcast(&client->changed);
	g_mutex_unlock(&client->lock);
	if (first && running && client->sink->fault)
		client->sink->fault(client->sink, &fault);
}

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer data)
{
	MediaClient *client = data;

	(void)bus;
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
		g_autoptr(GError) said = NULL;
		gst_message_parse_error(message, &said, NULL);
		report_fault(client, said->message);
	} else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
		report_fault(client, "the stream ended");
	}
	gst_message_unref(message);
	return GST_BUS_DROP;
}

/* Where the buffer's capture time comes from, best first. False: nowhere. */
static bool capture_time(MediaClient *client, GstBuffer *buffer, Frame *frame)
{
	GstReferenceTimestampMeta *meta =
		gst_buffer_get_reference_timestamp_meta(buffer, client->ntp);

	if (client->local && GST_BUFFER_PTS_IS_VALID(buffer)) {
		frame->capture_ns = (int64_t)(gst_element_get_base_time(client->pipeline) +
					      GST_BUFFER_PTS(buffer));
		frame->capture_u_ns = client->clock_u_ns;
		return true;
	}
	if (!meta)
		return false;
	if (meta->timestamp < (guint64)NTP_UNIX_EPOCH_S * GST_SECOND) {
		frame->capture_ns = (int64_t)meta->timestamp;
		frame->capture_u_ns = 0;
		return true;
	}
	int64_t mono, u;
	int64_t utc = clock_utc(client->clock, &mono, &u);
	int64_t camera = (int64_t)(meta->timestamp - (guint64)NTP_UNIX_EPOCH_S * GST_SECOND);
	frame->capture_ns = camera - utc + mono;
	frame->capture_u_ns = client->clock_u_ns + u;
	return true;
}

static GstFlowReturn on_sample(GstAppSink *sink, gpointer data)
{
	MediaClient *client = data;
	g_autoptr(GstSample) sample = gst_app_sink_pull_sample(sink);
	g_auto(Frame) frame = {0};

	if (!sample)
		return GST_FLOW_EOS;
	GstBuffer *buffer = gst_sample_get_buffer(sample);
	int64_t now = clock_now(client->clock);
	frame_of_buffer(&frame, gst_buffer_ref(buffer), "h264");
	const GstStructure *caps = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
	gst_structure_get_int(caps, "width", &frame.width);
	gst_structure_get_int(caps, "height", &frame.height);
	frame.receipt_ns = now;
	frame.sequence = client->sequence++;
	bool timed = capture_time(client, buffer, &frame);
	if (!timed) {
		frame.capture_ns = now;
		frame.capture_u_ns = UNKNOWN_TIME_U_NS;
	}
	g_mutex_lock(&client->lock);
	client->stats.frames++;
	client->stats.without_time += timed ? 0 : 1;
	client->stats.last_receipt_ns = now;
	g_mutex_unlock(&client->lock);
	if (client->sink->frame)
		client->sink->frame(client->sink, client->source, &frame);
	g_mutex_lock(&client->lock);
	client->opened = true;
	g_cond_broadcast(&client->changed);
	g_mutex_unlock(&client->lock);
	return GST_FLOW_OK;
}

static char *describe_v4l2(const char *uri, const char *format, GError **error)
{
	int width = 640, height = 360, fps = 30, end = 0;

	if (format && (sscanf(format, "%dx%d@%d%n", &width, &height, &fps, &end) != 3 ||
		       format[end] || width < 2 || height < 2 || width > 8192 || height > 8192 ||
		       width % 2 || height % 2 || fps < 1 || fps > 1000)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "camera format \"%s\": expected WIDTHxHEIGHT@RATE with an even size, "
			    "as in 640x360@30",
			    format);
		return NULL;
	}
	const char *device = uri + strlen("v4l2:");
	if (!g_str_has_prefix(device, "/dev/") || strpbrk(device, "\"\\ !") ||
	    strstr(device, "..")) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: expected v4l2:/dev/videoN",
			    uri);
		return NULL;
	}
	return g_strdup_printf(
		"v4l2src device=%s ! video/x-raw,width=%d,height=%d,framerate=%d/1 ! videoconvert "
		"! video/x-raw,format=I420 ! x264enc speed-preset=ultrafast tune=zerolatency "
		"threads=1 bframes=0 key-int-max=%d pass=qual quantizer=21 byte-stream=true ! "
		"h264parse config-interval=-1 ! "
		"video/x-h264,stream-format=byte-stream,alignment=au ! "
		"appsink name=sink sync=false max-buffers=60",
		device, width, height, fps, fps);
}

static char *describe(const char *uri, const char *format, GError **error)
{
	if (g_str_has_prefix(uri, "v4l2:"))
		return describe_v4l2(uri, format, error);
	if (g_str_has_prefix(uri, "rtsp://"))
		return g_strdup("rtspsrc name=src latency=0 protocols=tcp "
				"add-reference-timestamp-meta=true "
				"! rtph264depay ! h264parse config-interval=-1 ! "
				"video/x-h264,stream-format=byte-stream,alignment=au ! "
				"appsink name=sink sync=false max-buffers=60");
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: not a camera address: expected rtsp://HOST:PORT/PATH or v4l2:/dev/videoN",
		    uri);
	return NULL;
}

static void connect_sink(MediaClient *client)
{
	GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
	g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(client->pipeline), "sink");
	g_autoptr(GstBus) bus = gst_element_get_bus(client->pipeline);
	g_autoptr(GstClock) clock = gst_system_clock_obtain(); /* CLOCK_MONOTONIC */

	gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, client, NULL);
	gst_bus_set_sync_handler(bus, on_message, client, NULL);
	gst_pipeline_use_clock(GST_PIPELINE(client->pipeline), clock);
}

/* FALSE with the reason when no frame came. */
static gboolean wait_for_frame(MediaClient *client, int64_t connect_ns, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + connect_ns / 1000;
	gboolean in_time = TRUE;

	g_mutex_lock(&client->lock);
	while (!client->opened && !client->failure && in_time)
		in_time = g_cond_wait_until(&client->changed, &client->lock, deadline);
	gboolean ok = client->opened;
	if (!ok && client->failure)
		g_propagate_error(error, g_error_copy(client->failure));
	else if (!ok)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
			    "%s: no frame within %.1f s: is the camera on, and does it send H.264?",
			    client->uri, (double)connect_ns / 1e9);
	g_mutex_unlock(&client->lock);
	return ok;
}

MediaClient *media_client_open(const char *uri, const MediaClientOptions *options, Stream *sink,
			       Clock *clock, GError **error)
{
	g_autoptr(GError) said = NULL;
	int64_t connect_ns = options->connect_ns > 0 ? options->connect_ns : 5 * CLOCK_S;

	media_gst_init();
	g_autofree char *description = describe(uri, options->format, error);
	if (!description)
		return NULL;
	GstElement *pipeline = gst_parse_launch(description, &said);
	if (!pipeline) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: GStreamer cannot open it: %s", uri, said->message);
		return NULL;
	}
	g_autoptr(MediaClient) client = g_new0(MediaClient, 1);
	client->uri = g_strdup(uri);
	client->source = g_strdup(options->source ? options->source : "camera");
	client->sink = sink;
	client->clock = clock;
	client->clock_u_ns = options->clock_u_ns > 0 ? options->clock_u_ns : 50 * CLOCK_MS;
	client->local = g_str_has_prefix(uri, "v4l2:");
	client->ntp = gst_caps_new_empty_simple("timestamp/x-ntp");
	client->pipeline = gst_object_ref_sink(pipeline);
	g_autoptr(GstElement) src = gst_bin_get_by_name(GST_BIN(pipeline), "src");
	if (src)
		g_object_set(src, "location", uri, "tcp-timeout", (guint64)(connect_ns / 1000),
			     NULL);
	connect_sink(client);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	if (!wait_for_frame(client, connect_ns, error))
		return NULL;
	return g_steal_pointer(&client);
}

void media_client_stats(MediaClient *client, MediaClientStats *ret_stats)
{
	g_mutex_lock(&client->lock);
	*ret_stats = client->stats;
	g_mutex_unlock(&client->lock);
}

void media_client_close(MediaClient *client)
{
	if (!client)
		return;
	g_mutex_lock(&client->lock);
	client->closing = true;
	g_mutex_unlock(&client->lock);
	gst_element_set_state(client->pipeline, GST_STATE_NULL); /* joins the streaming threads */
	gst_object_unref(client->pipeline);
	gst_caps_unref(client->ntp);
	g_clear_error(&client->failure);
	g_free(client->uri);
	g_free(client->source);
	g_free(client);
}
