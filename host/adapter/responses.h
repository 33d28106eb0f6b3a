/* From what a product says to signals: rules of product.yaml applied to JSON messages, and their caps.
 * Pure but for the Stream it calls; one thread. Private to adapter. */
#ifndef ANZEN_ADAPTER_RESPONSES_H
#define ANZEN_ADAPTER_RESPONSES_H

#include <anzen/model.h>

/* One rule: a JSON member at `path` ("$.type") that equals `equals`. */
typedef struct ResponseMatch {
	char *path, *equals;
} ResponseMatch;

typedef struct ResponseRule {
	char *signal;         /* "product.alarm" */
	ResponseMatch when;   /* raises it */
	ResponseMatch clears; /* lowers it; path NULL: never */
	bool pulse; /* falls back by itself after RESPONSE_PULSE_NS: heartbeats, positive controls */
	GHashTable *claims; /* name → path: recorded as SIGNAL.NAME with origin CLAIM */
} ResponseRule;

/* Long enough to be seen by any rule, short against every heartbeat. */
#define RESPONSE_PULSE_NS CLOCK_MS

ResponseRule *response_rule_new(const char *signal);
void response_rule_free(ResponseRule *rule);

typedef struct Responses {
	GPtrArray *rules; /* ResponseRule*, borrowed */
	Stream *sink;
	unsigned max_rate; /* messages per second */
	/* state */
	int64_t window_ns;
	unsigned in_window;
	uint64_t messages, garbage, over_rate;
	bool blamed_rate, blamed_garbage;
	uint64_t undeclared; /* messages that no rule takes */
	char example[96];    /* the first of them */
} Responses;

/* One message, received at t_ns. Not JSON, or no object: a product fault, once. Over the rate: dropped and a product
 * fault, once. */
void responses_take(Responses *responses, const char *text, gsize length, int64_t t_ns);

/* A product fault from t_ns to the end of the run. */
void responses_blame(Stream *sink, int64_t t_ns, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Signals have one value at a time, and times that increase; what a product says in one breath (two messages in one packet, two
 * heartbeats within a pulse) has not. Finds the time at which `v` can stand: *t_ns is moved behind the signal's last sample, by
 * the length of a pulse at most, never to an earlier time. False: it says nothing new there, leave it out. `last` is a table
 * made by responses_order_new(), one for all signals; the caller locks. Without this a product could turn its own doing into a
 * fault of the bench's recording, and its FAIL into INVALID. */
GHashTable *responses_order_new(void);
bool responses_order(GHashTable *last, const char *signal, double v, int64_t *t_ns);

/* ---- Server-Sent Events (HTML Living Standard, 9.2.6 "Interpreting an event stream"), with a cap on a message --- */

typedef struct SseParser {
	GString *line, *data;
	gsize max_message;
	bool oversize, after_cr;
	void (*message)(void *user, const char *text, gsize length);
	void *user;
} SseParser;

void sse_init(SseParser *parser, gsize max_message, void (*message)(void *, const char *, gsize),
	      void *user);
void sse_clear(SseParser *parser);
/* False when a line or message passed the cap: stop reading. */
bool sse_feed(SseParser *parser, const char *bytes, gsize length);

#endif
