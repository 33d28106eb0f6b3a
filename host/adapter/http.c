#include "http.h"

#include <libsoup/soup.h>
#include <string.h>

#define MAX_BODY (64 * 1024)
#define CHUNK 4096

/* ---- one request, with a deadline for the whole message ---------------------------------------------- */

typedef struct Get {
	bool done;
	GBytes *body;
	GError *error;
} Get;

static void got(GObject *source, GAsyncResult *result, gpointer user)
{
	Get *get = user;
	get->body = soup_session_send_and_read_finish(SOUP_SESSION(source), result, &get->error);
	get->done = true;
}

static gboolean cancel(gpointer user)
{
	g_cancellable_cancel(user);
	return G_SOURCE_REMOVE;
}

gboolean http_get(const char *url, int64_t timeout_ns, char **ret_body, GError **error)
{
	g_autoptr(SoupSession) session = soup_session_new();
	g_autoptr(SoupMessage) message = soup_message_new("GET", url);
	if (!message) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "'%s' is no URL", url);
		return FALSE;
	}
	/* Only a GCancellable bounds a whole message: libsoup's own time-out is for idleness, and drips pass it. */
	g_autoptr(GCancellable) deadline = g_cancellable_new();
	g_autoptr(GSource) timer = g_timeout_source_new((guint)(timeout_ns / CLOCK_MS));
	g_source_set_callback(timer, cancel, deadline, NULL);
	GMainContext *context = g_main_context_ref_thread_default();
	g_source_attach(timer, context);
	Get get = {0};
	soup_session_send_and_read_async(session, message, G_PRIORITY_DEFAULT, deadline, got, &get);
	while (!get.done)
		g_main_context_iteration(context, TRUE);
	g_source_destroy(timer);
	g_main_context_unref(context);
	g_autoptr(GBytes) body = get.body;
	if (get.error) {
		g_propagate_prefixed_error(error, get.error, "%s: ", url);
		return FALSE;
	}
	guint status = soup_message_get_status(message);
	if (!SOUP_STATUS_IS_SUCCESSFUL(status)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_PRODUCT, "%s: HTTP status %u", url,
			    status);
		return FALSE;
	}
	if (ret_body) {
		gsize size;
		const char *data = g_bytes_get_data(body, &size);
		*ret_body = data ? g_strndup(data, MIN(size, MAX_BODY)) : g_strdup("");
	}
	return TRUE;
}

/* ---- the event stream -------------------------------------------------------------------------------- */

struct HttpEvents {
	int refs; /* one for the owner, one for each call under way */
	bool closed, open;
	SoupSession *session;
	SoupMessage *message;
	GCancellable *cancel;
	GInputStream *stream;
	SseParser parser;
	Responses *responses;
	Clock *clock;
	int64_t receipt_ns;
	char chunk[CHUNK];
};

static void events_unref(HttpEvents *e)
{
	if (--e->refs > 0)
		return;
	g_clear_object(&e->stream);
	g_clear_object(&e->message);
	g_clear_object(&e->session);
	g_clear_object(&e->cancel);
	sse_clear(&e->parser);
	g_free(e);
}

static void on_message(void *user, const char *text, gsize length)
{
	HttpEvents *e = user;
	responses_take(e->responses, text, length, e->receipt_ns);
}

static void ended(HttpEvents *e, const char *why)
{
	if (!e->closed)
		responses_blame(e->responses->sink, clock_now(e->clock),
				"the product's event stream %s", why);
	e->closed = true;
}

static void read_more(HttpEvents *e);

static void on_chunk(GObject *source, GAsyncResult *result, gpointer user)
{
	HttpEvents *e = user;
	g_autoptr(GError) error = NULL;
	gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);
	e->receipt_ns = clock_now(e->clock);
	if (e->closed)
		;
	else if (n < 0)
		ended(e, error->message);
	else if (n == 0)
		ended(e, "ended");
	else if (!sse_feed(&e->parser, e->chunk, (gsize)n))
		ended(e, "sent a message over the size limit");
	else
		read_more(e);
	events_unref(e);
}

static void read_more(HttpEvents *e)
{
	e->refs++;
	g_input_stream_read_async(e->stream, e->chunk, sizeof(e->chunk), G_PRIORITY_HIGH, e->cancel,
				  on_chunk, e);
}

static void on_open(GObject *source, GAsyncResult *result, gpointer user)
{
	HttpEvents *e = user;
	g_autoptr(GError) error = NULL;
	e->stream = soup_session_send_finish(SOUP_SESSION(source), result, &error);
	if (e->closed)
		;
	else if (!e->stream)
		ended(e, error->message);
	else if (soup_message_get_status(e->message) != SOUP_STATUS_OK)
		ended(e, "was refused");
	else {
		e->open = true;
		read_more(e);
	}
	events_unref(e);
}

HttpEvents *http_events_new(const char *url, gsize max_message, Responses *responses, Clock *clock)
{
	HttpEvents *e = g_new0(HttpEvents, 1);
	e->refs = 2;
	e->session = soup_session_new();
	e->message = soup_message_new("GET", url);
	e->cancel = g_cancellable_new();
	e->responses = responses;
	e->clock = clock;
	sse_init(&e->parser, max_message, on_message, e);
	soup_message_headers_append(soup_message_get_request_headers(e->message), "Accept",
				    "text/event-stream");
	soup_session_send_async(e->session, e->message, G_PRIORITY_HIGH, e->cancel, on_open, e);
	return e;
}

bool http_events_open(const HttpEvents *e)
{
	return e && e->open && !e->closed;
}

void http_events_free(HttpEvents *e)
{
	if (!e)
		return;
	e->closed = true;
	g_cancellable_cancel(e->cancel);
	events_unref(e);
}
