/* A product's link in three rooms: product_link.c (its life and what it delivers), product_endpoints.c (where the bench serves
 * its inputs and hears its outputs) and product_start.c (its process until it is ready). */
#pragma once

#include <anzen/adapter.h>

#include "http.h"
#include "lockstep.h"
#include "modbus_server.h"
#include "process.h"
#include "responses.h"

#include <anzen/media.h>

#define DEFAULT_RATE 100

/* An RTSP endpoint that serves one role to the product. */
typedef struct Camera {
	char *role, *at;
	MediaServer *server;
	int64_t age_ns; /* last time its age was told; feeding thread only */
} Camera;

struct ProductLink {
	ProductLinkOptions options;
	const Product *product;
	ProductFeed feed;
	GPtrArray *signals;
	GHashTable *endpoints; /* "$port" → text */
	ModbusServer *modbus;
	Lockstep *lockstep;
	GPtrArray *cameras; /* Camera* */
	GPtrArray *rules;   /* ResponseRule* */
	Responses responses;
	GHashTable *streams; /* path → HttpEvents* */
	ProductProcess *process;
	char *version, *log_path, *program_dir;
	bool began, ended, blamed_end;
	GHashTable *order;  /* responses_order(), under lock */
	GHashTable *raised; /* signal → GINT 1, under lock: outputs that rose before begin */
	pthread_mutex_t lock;
	Stream tap;           /* what the parts deliver to: notes first values, passes on */
	int64_t wait_told_ns; /* when its wait for a processor was last told; 0: never */
};

/* product_endpoints.c: bound, so that their addresses can be told; lock-step: one shared page for all. */
gboolean product_endpoints_open(ProductLink *link, GError **error);
gboolean product_endpoints_open_lockstep(ProductLink *link, GError **error);
void product_endpoints_set(ProductLink *link, const char *at, const char *text);
/* "$camera" or "camera" → where it is; NULL: unknown. Borrowed. */
const char *product_endpoints_get(const ProductLink *link, const char *at);
void product_endpoints_camera_free(void *camera);
