/* The product's HTTP side: /health, /version, and /events as Server-Sent Events. Main thread (GMainContext default). */
#ifndef FALL_WATCH_SERVER_H
#define FALL_WATCH_SERVER_H

#include <glib.h>
#include <stdbool.h>

typedef struct Server Server;

Server *server_new(int port, GError **error);
void server_free(Server *server);
void server_set_ready(Server *server, bool ready);
/* Send raw text as one event's data to everyone who listens now. */
void server_send(Server *server, const char *json);
/* Bytes that are no event at all (a planted defect). */
void server_send_raw(Server *server, const char *bytes, gsize length);

#endif
