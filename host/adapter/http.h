/* HTTP to a product: readiness, version, and its event stream (libsoup 3). Runs on the thread-default main context of
 * the caller; nothing blocks except http_get(), which iterates that context until its deadline. Private to adapter. */
#ifndef ANZEN_ADAPTER_HTTP_H
#define ANZEN_ADAPTER_HTTP_H

#include "responses.h"

/* GET url; TRUE with a 2xx status before timeout_ns have passed. ret_body may be NULL; at most 64 KiB are kept. */
gboolean http_get(const char *url, int64_t timeout_ns, char **ret_body, GError **error);

typedef struct HttpEvents HttpEvents;

/* Open the event stream at url and feed each message to `responses` (borrowed), stamped with `clock` when its last
 * byte was read. When the stream ends or cannot be opened before http_events_free(), the product is blamed, once. */
HttpEvents *http_events_new(const char *url, gsize max_message, Responses *responses, Clock *clock);
/* TRUE once the product has answered 200 and the stream is open. */
bool http_events_open(const HttpEvents *events);
void http_events_free(HttpEvents *events);

#endif
