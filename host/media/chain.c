#include "chain.h"

#include <gst/gst.h>

struct Chain {
	GstElement *bin;
	GstBus *bus;
	GstPad *in, *out; /* ours, linked to the bin's sink and source */
	GQueue done;      /* GstBuffer* */
	GstCaps *caps;    /* of the last output */
};

void media_gst_init(void)
{
	static gsize once;

	if (g_once_init_enter(&once)) {
		gst_init(NULL, NULL);
		g_once_init_leave(&once, 1);
	}
}

static GstFlowReturn take_buffer(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
	Chain *chain = gst_pad_get_element_private(pad);

	(void)parent;
	g_queue_push_tail(&chain->done, buffer);
	return GST_FLOW_OK;
}

static gboolean take_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
	Chain *chain = gst_pad_get_element_private(pad);

	if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
		GstCaps *caps;
		gst_event_parse_caps(event, &caps);
		gst_caps_replace(&chain->caps, caps);
	}
	return gst_pad_event_default(pad, parent, event);
}

/* The bin's own words for what went wrong, or `fallback`. */
static void set_error(Chain *chain, const char *fallback, GError **error)
{
	g_autoptr(GstMessage) message = gst_bus_pop_filtered(chain->bus, GST_MESSAGE_ERROR);
	g_autoptr(GError) said = NULL;

	if (message)
		gst_message_parse_error(message, &said, NULL);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT, "%s: %s", fallback,
		    said ? said->message : "refused by the codec");
}

static GstPad *link_pad(Chain *chain, GstPadDirection direction)
{
	bool in = direction == GST_PAD_SRC;
	g_autoptr(GstPad) peer = gst_element_get_static_pad(chain->bin, in ? "sink" : "src");
	GstPad *pad = gst_pad_new(in ? "in" : "out", direction);

	gst_pad_set_element_private(pad, chain);
	if (!in) {
		gst_pad_set_chain_function(pad, take_buffer);
		gst_pad_set_event_function(pad, take_event);
	}
	gst_pad_set_active(pad, TRUE);
	GstPadLinkReturn linked = in ? gst_pad_link(pad, peer) : gst_pad_link(peer, pad);
	g_assert(linked == GST_PAD_LINK_OK); /* the descriptions are ours */
	return pad;
}

Chain *chain_new(const char *description, GError **error)
{
	g_autoptr(GError) said = NULL;

	media_gst_init();
	GstElement *bin = gst_parse_bin_from_description(description, TRUE, &said);
	if (!bin) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "GStreamer cannot build \"%s\": %s (is the plugin installed?)",
			    description, said->message);
		return NULL;
	}
	Chain *chain = g_new0(Chain, 1);
	chain->bin = gst_object_ref_sink(bin);
	chain->bus = gst_bus_new();
	g_queue_init(&chain->done);
	gst_element_set_bus(bin, chain->bus);
	chain->in = link_pad(chain, GST_PAD_SRC);
	chain->out = link_pad(chain, GST_PAD_SINK);
	gst_element_set_state(bin, GST_STATE_PLAYING);
	gst_pad_push_event(chain->in, gst_event_new_stream_start("anzen"));
	return chain;
}

gboolean chain_set_caps(Chain *chain, GstCaps *caps, GError **error)
{
	GstSegment segment;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	if (!gst_pad_push_event(chain->in, gst_event_new_caps(caps))) {
		set_error(chain, "the codec does not take this format", error);
		return FALSE;
	}
	gst_pad_push_event(chain->in, gst_event_new_segment(&segment));
	return TRUE;
}

gboolean chain_push(Chain *chain, GstBuffer *buffer, GError **error)
{
	GstFlowReturn flow = gst_pad_push(chain->in, buffer);

	if (flow != GST_FLOW_OK) {
		set_error(chain, "cannot encode or decode", error);
		return FALSE;
	}
	return TRUE;
}

void chain_send_upstream(Chain *chain, GstEvent *event)
{
	gst_pad_push_event(chain->out, event);
}

GstBuffer *chain_pull(Chain *chain)
{
	return g_queue_pop_head(&chain->done);
}

GstCaps *chain_caps(Chain *chain)
{
	return chain->caps;
}

void chain_drain(Chain *chain)
{
	gst_pad_push_event(chain->in, gst_event_new_eos());
}

void chain_free(Chain *chain)
{
	if (!chain)
		return;
	gst_element_set_state(chain->bin, GST_STATE_NULL);
	gst_pad_set_active(chain->in, FALSE);
	gst_pad_set_active(chain->out, FALSE);
	gst_object_unref(chain->in);
	gst_object_unref(chain->out);
	g_queue_clear_full(&chain->done, (GDestroyNotify)gst_buffer_unref);
	gst_caps_replace(&chain->caps, NULL);
	gst_element_set_bus(chain->bin, NULL);
	gst_object_unref(chain->bus);
	gst_object_unref(chain->bin);
	g_free(chain);
}
