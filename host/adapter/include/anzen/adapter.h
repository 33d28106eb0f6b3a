/* adapter (floor 4): how the bench meets the product under test.
 *
 * A ProductLink opens the endpoints that a product's description names, starts its process, waits until it is ready,
 * feeds it the stimulus, and turns what it says into signals `product.*`. Every response is stamped with the bench's
 * own receipt; what the product says about itself is recorded beside it as a claim.
 *
 *	g_autoptr(ProductLink) link = product_link_new(&options, &error);
 *	… declare product_link_signals() in the session …
 *	product_link_start(link, &error);                 // process up and ready
 *	product_link_begin(link, t0);                     // every output has its first value
 *	feed->sample(feed->user, "pan.temperature", t, 21.5, SAMPLE_OK);   // any thread
 *	product_link_watch(link);                         // main thread, every 100 ms
 *	product_link_end(link, t1);
 *
 * All calls but the feeds belong to the main thread, whose GMainContext carries the HTTP traffic. Errors: INPUT for a
 * product that cannot be started or an adapter that does not exist, PRODUCT when it never became ready, CANCELLED.
 */
#ifndef ANZEN_ADAPTER_H
#define ANZEN_ADAPTER_H

#include <anzen/scenario.h>

G_BEGIN_DECLS

typedef struct ProductLink ProductLink;

typedef struct ProductLinkOptions {
	const Product *product; /* borrowed for the link's life */
	Clock *clock;
	Stream *sink; /* responses, claims, health, product faults; called on several threads */
	const char *program_dir; /* searched first for the product's program; NULL: only PATH */
	const char *log_path;    /* what the product prints; NULL: dropped */
	const char *
		crop; /* "$crop": WxH+X+Y of the picture that the product is to look at; NULL: "whole" */
	const volatile int
		*cancelled; /* product_link_start() gives up once it is not 0; NULL: never */
	bool lock_step; /* meets the product over shared memory (products/lockstep.h), once per exchange */
} ProductLinkOptions;

/* Where the stimulus goes in. Any thread, never blocks for long (a lock around a few registers). */
typedef struct ProductFeed {
	void (*sample)(void *user, const char *role, int64_t t_ns, double value,
		       SampleStatus status);
	void (*frame)(void *user, const char *role, const Frame *frame);
	void *user;
} ProductFeed;

ProductLink *product_link_new(const ProductLinkOptions *options, GError **error);
const ProductFeed *product_link_feed(ProductLink *link);

/* SignalInfo* of everything that it can deliver: outputs, claims, heartbeats, health. Owned by the link. */
const GPtrArray *product_link_signals(const ProductLink *link);
/* The declarations alone, for a product that is not started (lock-step). Caller unrefs. */
GPtrArray *product_signals(const Product *product);

/* Start the process and wait, iterating the main context, until it is ready or its time-out passed. */
gboolean product_link_start(ProductLink *link, GError **error);
/* Version text of the running product, as it says itself; NULL when it says none. */
const char *product_link_version(const ProductLink *link);

/* Give every Boolean output its value at t_ns (false unless it was already raised). */
void product_link_begin(ProductLink *link, int64_t t_ns);
/* Lock-step: one decision of the product at simulated time now_ns, with everything fed since the last one. False: it has
 * hung or ended (it has been blamed). Grey pictures ("gray8") are fed with product_link_feed()->frame. */
bool product_link_exchange(ProductLink *link, int64_t now_ns);
/* Look after it, some ten times a second: is it alive, and (once a second, and at the end) does it get a processor? */
void product_link_watch(ProductLink *link);
/* What it said although product.yaml declares no such output, for people; NULL: nothing. Caller frees. */
char *product_link_undeclared(ProductLink *link);
/* No more faults from here on: the run is over and the product may be stopped. */
void product_link_end(ProductLink *link);
void product_link_free(ProductLink *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProductLink, product_link_free)

G_END_DECLS

#endif
