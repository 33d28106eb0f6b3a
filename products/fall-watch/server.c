#include "server.h"

#include <libsoup/soup.h>
#include <string.h>

struct Server {
	SoupServer *soup;
	GPtrArray *listeners; /* SoupServerMessage* */
	bool ready;
};

static void on_health(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query,
		      gpointer user)
{
	Server *s = user;
	(void)soup, (void)path, (void)query;
	soup_server_message_set_status(msg, s->ready ? 200 : 503, NULL);
	soup_server_message_set_response(msg, "text/plain", SOUP_MEMORY_STATIC,
					 s->ready ? "ok\n" : "no frames yet\n", s->ready ? 3 : 14);
}

static void on_version(SoupServer *soup, SoupServerMessage *msg, const char *path,
		       GHashTable *query, gpointer user)
{
	static const char text[] = "{\"product\":\"fall-watch\",\"version\":\"1.0.0\",\"rule\":"
				   "\"motion drop, then stillness\"}";
	(void)soup, (void)path, (void)query, (void)user;
	soup_server_message_set_status(msg, 200, NULL);
	soup_server_message_set_response(msg, "application/json", SOUP_MEMORY_STATIC, text,
					 strlen(text));
}

static void on_gone(SoupServerMessage *msg, gpointer user)
{
	g_ptr_array_remove(((Server *)user)->listeners, msg);
}

static void on_events(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query,
		      gpointer user)
{
	Server *s = user;
	(void)soup, (void)path, (void)query;
	SoupMessageHeaders *headers = soup_server_message_get_response_headers(msg);
	soup_server_message_set_status(msg, 200, NULL);
	soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
	soup_message_headers_set_content_type(headers, "text/event-stream", NULL);
	soup_message_headers_append(headers, "Cache-Control", "no-store");
	soup_message_body_set_accumulate(soup_server_message_get_response_body(msg), FALSE);
	soup_message_body_append(soup_server_message_get_response_body(msg), SOUP_MEMORY_STATIC,
				 ": fall-watch\n\n", 14);
	g_ptr_array_add(s->listeners, g_object_ref(msg));
	g_signal_connect(msg, "finished", G_CALLBACK(on_gone), s);
	g_signal_connect(msg, "disconnected", G_CALLBACK(on_gone), s);
}

Server *server_new(int port, GError **error)
{
	Server *s = g_new0(Server, 1);
	s->listeners = g_ptr_array_new_with_free_func(g_object_unref);
	s->soup = soup_server_new("server-header", "fall-watch", NULL);
	soup_server_add_handler(s->soup, "/health", on_health, s, NULL);
	soup_server_add_handler(s->soup, "/version", on_version, s, NULL);
	soup_server_add_handler(s->soup, "/events", on_events, s, NULL);
	if (!soup_server_listen_local(s->soup, (guint)port, SOUP_SERVER_LISTEN_IPV4_ONLY, error)) {
		server_free(s);
		return NULL;
	}
	return s;
}

void server_free(Server *s)
{
	if (!s)
		return;
	g_ptr_array_set_size(s->listeners, 0);
	g_ptr_array_unref(s->listeners);
	g_object_unref(s->soup);
	g_free(s);
}

void server_set_ready(Server *s, bool ready)
{
	s->ready = ready;
}

void server_send_raw(Server *s, const char *bytes, gsize length)
{
	for (guint i = 0; i < s->listeners->len; i++) {
		SoupServerMessage *msg = g_ptr_array_index(s->listeners, i);
		soup_message_body_append(soup_server_message_get_response_body(msg),
					 SOUP_MEMORY_COPY, bytes, length);
		soup_server_message_unpause(msg);
	}
}

void server_send(Server *s, const char *json)
{
	g_autofree char *event = g_strdup_printf("data: %s\n\n", json);
	server_send_raw(s, event, strlen(event));
}
