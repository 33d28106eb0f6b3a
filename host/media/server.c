/* An RTSP camera on the loopback. One pipeline for each client: a client gets its stream from a key
 * frame on, and one that does not read loses its own frames only. */
#include "buffer.h"
#include "chain.h"

#include <gst/app/gstappsrc.h>
#include <gst/rtp/rtp.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <string.h>

/* Frames that may wait for a client: 1 s at 30 a second. */
#define FEED_FRAMES_MAX 30

/* RTP header extension id, announced in the SDP (RFC 8285). */
#define NTP64_ID 1

/* What GStreamer's threads share with the server: they end when they like, and may call after the server is gone. */
typedef struct Feeds {
	GMutex lock;
	GPtrArray *list; /* Feed*; the media owns another reference each */
} Feeds;

typedef struct Feed {
	Feeds *feeds;
	GstElement *pipeline; /* owned: a media that was never prepared tells nobody of its end */
	GstAppSrc *src;
	bool started; /* a key frame went in, nothing was lost since */
	int64_t first_capture_ns;
	GstClockTime first_pts;
} Feed;

struct MediaServer {
	GstRTSPServer *rtsp;
	GMainContext *context;
	gint stop;
	GThread *thread;
	char *uri, *path;
	GstCaps *ntp;

	Feeds *feeds;
	uint64_t sent; /* under feeds->lock */
};

/* ---- the media: rtpbin must pass our capture times on, not make its own ---- */

#define ANZEN_TYPE_RTSP_MEDIA (anzen_rtsp_media_get_type())
G_DECLARE_FINAL_TYPE(AnzenRtspMedia, anzen_rtsp_media, ANZEN, RTSP_MEDIA, GstRTSPMedia)

struct _AnzenRtspMedia {
	GstRTSPMedia parent;
};

G_DEFINE_TYPE(AnzenRtspMedia, anzen_rtsp_media, GST_TYPE_RTSP_MEDIA)

static gboolean setup_rtpbin(GstRTSPMedia *media, GstElement *rtpbin)
{
	(void)media;
	gst_util_set_object_arg(G_OBJECT(rtpbin), "ntp-time-source", "clock-time");
	g_object_set(rtpbin, "rtcp-sync-send-time", FALSE, "update-ntp64-header-ext", FALSE,
		     "latency", 0u, NULL);
	return TRUE;
}

static void anzen_rtsp_media_class_init(AnzenRtspMediaClass *klass)
{
	GST_RTSP_MEDIA_CLASS(klass)->setup_rtpbin = setup_rtpbin;
}

static void anzen_rtsp_media_init(AnzenRtspMedia *media)
{
	(void)media;
}

/* ---- feeds ---- */

static void feeds_clear(gpointer data)
{
	Feeds *feeds = data;

	g_ptr_array_unref(feeds->list);
	g_mutex_clear(&feeds->lock);
}

static void feeds_unref(gpointer feeds)
{
	g_atomic_rc_box_release_full(feeds, feeds_clear);
}

static void feeds_closed(gpointer feeds, GClosure *closure)
{
	(void)closure;
	feeds_unref(feeds);
}

static void feed_clear(gpointer data)
{
	Feed *feed = data;

	gst_object_unref(feed->src);
	gst_object_unref(feed->pipeline);
	feeds_unref(feed->feeds);
}

static void feed_unref(gpointer feed)
{
	g_atomic_rc_box_release_full(feed, feed_clear);
}

/* The media is gone: the signal's closure with it. Also of one that was never prepared, which tells nobody of its end. */
static void feed_closed(gpointer data, GClosure *closure)
{
	Feed *feed = data;

	(void)closure;
	g_mutex_lock(&feed->feeds->lock);
	bool listed = g_ptr_array_find(feed->feeds->list, feed, NULL);
	if (listed)
		g_ptr_array_remove_fast(feed->feeds->list, feed);
	g_mutex_unlock(&feed->feeds->lock);
	feed_unref(feed);
}

static void on_unprepared(GstRTSPMedia *media, gpointer data)
{
	Feed *feed = data;

	(void)media;
	g_mutex_lock(&feed->feeds->lock);
	g_ptr_array_remove_fast(feed->feeds->list, feed);
	g_mutex_unlock(&feed->feeds->lock);
}

/* Without this the sinks wait for the default latency of 2 s (53 ms with rtpbin's alone). */
static void on_prepared(GstRTSPMedia *media, gpointer data)
{
	g_autoptr(GstElement) element = gst_rtsp_media_get_element(media);
	g_autoptr(GstObject) pipeline = gst_object_get_parent(GST_OBJECT(element));

	(void)data;
	if (!pipeline) /* it ends already */
		return;
	gst_pipeline_set_latency(GST_PIPELINE(pipeline), 0);
	gst_bin_recalculate_latency(GST_BIN(pipeline));
}

/* NTP fractions are 2^-32 s = 0.23 ns. GStreamer rounds down when it writes and down again when it reads, which loses
 * a nanosecond; rounded up here, any receiver that rounds down or to the nearest gets ours back. */
static gboolean round_up_ntp64(GstBuffer **buffer, guint index, gpointer data)
{
	GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
	gpointer field;
	guint size;

	(void)index, (void)data;
	*buffer = gst_buffer_make_writable(*buffer);
	if (!gst_rtp_buffer_map(*buffer, GST_MAP_READWRITE, &rtp))
		return TRUE;
	if (gst_rtp_buffer_get_extension_onebyte_header(&rtp, NTP64_ID, 0, &field, &size) &&
	    size == 8) {
		const guint64 one = G_GUINT64_CONSTANT(1) << 32;
		guint64 ntp; /* the field lies where the packet put it: not on an 8 byte boundary */
		memcpy(&ntp, field, sizeof(ntp));
		ntp = GUINT64_FROM_BE(ntp);
		guint64 t = gst_util_uint64_scale_ceil(ntp, GST_SECOND, one);
		ntp = GUINT64_TO_BE(gst_util_uint64_scale_ceil(t, one, GST_SECOND));
		memcpy(field, &ntp, sizeof(ntp));
	}
	gst_rtp_buffer_unmap(&rtp);
	return TRUE;
}

static GstPadProbeReturn on_packets(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	(void)pad, (void)data;
	if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
		GstBufferList *list = gst_buffer_list_make_writable(info->data);
		gst_buffer_list_foreach(list, round_up_ntp64, NULL);
		info->data = list;
	} else {
		GstBuffer *buffer = info->data;
		round_up_ntp64(&buffer, 0, NULL);
		info->data = buffer;
	}
	return GST_PAD_PROBE_OK;
}

static void add_ntp64(GstElement *payloader)
{
	g_autoptr(GstRTPHeaderExtension) extension =
		gst_rtp_header_extension_create_from_uri("urn:ietf:params:rtp-hdrext:ntp-64");

	if (!extension)
		g_error("GStreamer has no ntp-64 header extension: is plugins-good there?");
	gst_rtp_header_extension_set_id(extension, NTP64_ID);
	g_signal_emit_by_name(payloader, "add-extension", extension);
	g_autoptr(GstPad) pad = gst_element_get_static_pad(payloader, "src");
	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
			  on_packets, NULL, NULL);
}

static void on_configure(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer data)
{
	Feeds *feeds = data;
	g_autoptr(GstElement) element = gst_rtsp_media_get_element(media);
	g_autoptr(GstElement) payloader = gst_bin_get_by_name(GST_BIN(element), "pay0");
	Feed *feed = g_atomic_rc_box_new0(Feed);

	(void)factory;
	add_ntp64(payloader);
	feed->feeds = g_atomic_rc_box_acquire(feeds);
	feed->src = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(element), "src"));
	feed->pipeline = gst_object_ref(element);
	g_signal_connect(media, "prepared", G_CALLBACK(on_prepared), NULL);
	g_signal_connect_data(media, "unprepared", G_CALLBACK(on_unprepared),
			      g_atomic_rc_box_acquire(feed), feed_closed, 0);
	g_mutex_lock(&feeds->lock);
	g_ptr_array_add(feeds->list, feed);
	g_mutex_unlock(&feeds->lock);
}

/* 0 until the pipeline runs. While it begins there is a moment with a clock and without a base time: the clock's own time would
 * come out, hours or days, and the sink would wait that long for the first picture. The base time is read first, once. */
static GstClockTime running_time(GstElement *element)
{
	GstClockTime base = gst_element_get_base_time(element);
	g_autoptr(GstClock) clock = gst_element_get_clock(element);
	GstClockTime now = clock ? gst_clock_get_time(clock) : 0;

	return base != 0 && GST_CLOCK_TIME_IS_VALID(base) && now > base ? now - base : 0;
}

static bool feed_push(Feed *feed, const Frame *frame, GstBuffer *unit, GstCaps *ntp)
{
	if (gst_app_src_get_current_level_buffers(feed->src) >= FEED_FRAMES_MAX)
		feed->started = false; /* a hole: go on with the next key frame */
	if (!feed->started && !frame->key)
		return false;
	if (gst_app_src_get_current_level_buffers(feed->src) >= FEED_FRAMES_MAX)
		return false;
	if (!feed->started) {
		feed->started = true;
		feed->first_capture_ns = frame->capture_ns;
		feed->first_pts = running_time(feed->pipeline);
	}
	GstBuffer *buffer = gst_buffer_copy(unit); /* shares the memory */
	GST_BUFFER_PTS(buffer) =
		feed->first_pts + (guint64)(frame->capture_ns - feed->first_capture_ns);
	GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer);
	gst_buffer_add_reference_timestamp_meta(buffer, ntp, (guint64)frame->capture_ns,
						GST_CLOCK_TIME_NONE);
	return gst_app_src_push_buffer(feed->src, buffer) == GST_FLOW_OK;
}

void media_server_push(MediaServer *server, const Frame *frame)
{
	g_mutex_lock(&server->feeds->lock);
	if (server->feeds->list->len > 0) {
		g_autoptr(GstBuffer) unit = buffer_of_frame(frame);
		bool went = false;
		if (!frame->key)
			GST_BUFFER_FLAG_SET(unit, GST_BUFFER_FLAG_DELTA_UNIT);
		for (guint i = 0; i < server->feeds->list->len; i++)
			went = feed_push(server->feeds->list->pdata[i], frame, unit, server->ntp) ||
			       went;
		server->sent += went ? 1 : 0;
	}
	g_mutex_unlock(&server->feeds->lock);
}

bool media_server_wants_key(MediaServer *server)
{
	bool wants = false;

	g_mutex_lock(&server->feeds->lock);
	for (guint i = 0; i < server->feeds->list->len; i++)
		wants = wants || !((Feed *)server->feeds->list->pdata[i])->started;
	g_mutex_unlock(&server->feeds->lock);
	return wants;
}

unsigned int media_server_clients(MediaServer *server)
{
	g_mutex_lock(&server->feeds->lock);
	unsigned int n = server->feeds->list->len;
	g_mutex_unlock(&server->feeds->lock);
	return n;
}

uint64_t media_server_sent(MediaServer *server)
{
	g_mutex_lock(&server->feeds->lock);
	uint64_t n = server->sent;
	g_mutex_unlock(&server->feeds->lock);
	return n;
}

const char *media_server_uri(const MediaServer *server)
{
	return server->uri;
}

/* ---- the server's own thread ---- */

static gpointer serve(gpointer data)
{
	MediaServer *server = data;

	g_main_context_push_thread_default(server->context);
	while (!g_atomic_int_get(&server->stop))
		g_main_context_iteration(server->context, TRUE);
	g_main_context_pop_thread_default(server->context);
	return NULL;
}

static void mount(MediaServer *server)
{
	g_autoptr(GstRTSPMountPoints) mounts = gst_rtsp_server_get_mount_points(server->rtsp);
	GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();

	gst_rtsp_media_factory_set_launch(
		factory,
		"( appsrc name=src is-live=true format=time do-timestamp=false "
		"caps=video/x-h264,stream-format=byte-stream,alignment=au max-buffers=0 "
		"max-bytes=0 "
		"! rtph264pay name=pay0 pt=96 config-interval=0 aggregate-mode=zero-latency )");
	gst_rtsp_media_factory_set_media_gtype(factory, ANZEN_TYPE_RTSP_MEDIA);
	gst_rtsp_media_factory_set_shared(factory, FALSE);
	gst_rtsp_media_factory_set_latency(factory, 0);
	gst_rtsp_media_factory_set_protocols(factory,
					     GST_RTSP_LOWER_TRANS_TCP | GST_RTSP_LOWER_TRANS_UDP);
	g_signal_connect_data(factory, "media-configure", G_CALLBACK(on_configure),
			      g_atomic_rc_box_acquire(server->feeds), feeds_closed, 0);
	gst_rtsp_mount_points_add_factory(mounts, server->path, factory);
}

MediaServer *media_server_new(const char *path, int port, GError **error)
{
	media_gst_init();
	g_autoptr(MediaServer) server = g_new0(MediaServer, 1);
	g_autofree char *service = g_strdup_printf("%d", port);
	g_autoptr(GError) said = NULL;

	server->path = g_strdup(path);
	server->feeds = g_atomic_rc_box_new0(Feeds);
	g_mutex_init(&server->feeds->lock);
	server->feeds->list = g_ptr_array_new_with_free_func(feed_unref);
	server->ntp = gst_caps_new_empty_simple("timestamp/x-ntp");
	server->context = g_main_context_new();
	server->rtsp = gst_rtsp_server_new();
	gst_rtsp_server_set_address(server->rtsp, "127.0.0.1");
	gst_rtsp_server_set_service(server->rtsp, service);
	mount(server);
	g_autoptr(GSource) source = gst_rtsp_server_create_source(server->rtsp, NULL, &said);
	if (!source) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "cannot serve video on 127.0.0.1:%d: %s", port, said->message);
		return NULL;
	}
	g_source_attach(source, server->context);
	server->uri = g_strdup_printf("rtsp://127.0.0.1:%d%s",
				      gst_rtsp_server_get_bound_port(server->rtsp), path);
	server->thread = g_thread_new("rtsp-server", serve, server);
	return g_steal_pointer(&server);
}

static GstRTSPFilterResult drop_client(GstRTSPServer *rtsp, GstRTSPClient *client, gpointer data)
{
	(void)rtsp, (void)client, (void)data;
	return GST_RTSP_FILTER_REMOVE;
}

void media_server_free(MediaServer *server)
{
	if (!server)
		return;
	GList *left = gst_rtsp_server_client_filter(server->rtsp, drop_client, NULL);
	g_list_free_full(left, g_object_unref);
	if (server->thread) {
		g_atomic_int_set(&server->stop, 1);
		g_main_context_wakeup(server->context);
		g_thread_join(server->thread);
	}
	g_object_unref(server->rtsp);
	g_main_context_unref(server->context);
	/* A feed holds on to the list that it stands in: nothing is left for a feed of a media that still ends. */
	g_mutex_lock(&server->feeds->lock);
	g_ptr_array_set_size(server->feeds->list, 0);
	g_mutex_unlock(&server->feeds->lock);
	feeds_unref(server->feeds);
	gst_caps_unref(server->ntp);
	g_free(server->uri);
	g_free(server->path);
	g_free(server);
}
