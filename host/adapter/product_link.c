#include "product_link_parts.h"

#include "confine.h"

#include <math.h>
#include <string.h>

#define AGE_PERIOD_NS (50 * CLOCK_MS)

static ProductLink *link_of_tap(Stream *stream)
{
	return (ProductLink *)(void *)((char *)stream - offsetof(ProductLink, tap));
}

/* ---- the tap: before `begin` only the last value of an output matters ------------------------------------ */

static void tap_sample(Stream *stream, const char *source, int64_t t_ns, double v,
		       SampleStatus status)
{
	ProductLink *link = link_of_tap(stream);
	pthread_mutex_lock(&link->lock);
	bool pass = link->began;
	if (!pass)
		g_hash_table_insert(link->raised, g_strdup(source),
				    GINT_TO_POINTER(v > 0.5 ? 1 : 0));
	pass = pass || g_str_has_prefix(source, "health.");
	/* Told under the lock: in the order in which they were placed. */
	if (pass && responses_order(link->order, source, v, &t_ns))
		link->options.sink->sample(link->options.sink, source, t_ns, v, status);
	pthread_mutex_unlock(&link->lock);
}

static void tap_fault(Stream *stream, const Fault *fault)
{
	ProductLink *link = link_of_tap(stream);
	pthread_mutex_lock(&link->lock);
	bool pass = !link->ended;
	pthread_mutex_unlock(&link->lock);
	if (pass && link->options.sink->fault)
		link->options.sink->fault(link->options.sink, fault);
}

/* ---- feeding --------------------------------------------------------------------------------------------- */

static void feed_sample(void *user, const char *role, int64_t t_ns, double value,
			SampleStatus status)
{
	ProductLink *link = user;
	if (link->lockstep)
		lockstep_sample(link->lockstep, role, t_ns, value, status);
	if (link->modbus)
		modbus_server_feed(link->modbus, role, t_ns, value, status);
}

static void feed_frame(void *user, const char *role, const Frame *frame)
{
	ProductLink *link = user;
	if (link->lockstep)
		lockstep_picture(link->lockstep, frame);
	for (guint i = 0; i < link->cameras->len; i++) {
		Camera *camera = g_ptr_array_index(link->cameras, i);
		if (strcmp(camera->role, role) != 0)
			continue;
		media_server_push(camera->server, frame);
		int64_t now = clock_now(link->options.clock);
		if (now - camera->age_ns < AGE_PERIOD_NS)
			continue;
		camera->age_ns = now;
		tap_sample(&link->tap, PRODUCT_AGE_SIGNAL, now,
			   (double)(now - frame->capture_ns) * 1e-9, SAMPLE_OK);
		tap_sample(&link->tap, PRODUCT_CONSUMED_SIGNAL, now,
			   (double)media_server_sent(camera->server), SAMPLE_OK);
	}
}

/* ---- life ------------------------------------------------------------------------------------------------ */

ProductLink *product_link_new(const ProductLinkOptions *options, GError **error)
{
	g_autoptr(ProductLink) link = g_new0(ProductLink, 1);
	link->options = *options;
	link->options.log_path = link->log_path = g_strdup(options->log_path);
	link->options.program_dir = link->program_dir = g_strdup(options->program_dir);
	link->product = options->product;
	link->feed = (ProductFeed){.sample = feed_sample, .frame = feed_frame, .user = link};
	link->tap = (Stream){.sample = tap_sample, .fault = tap_fault};
	thread_lock_init(&link->lock);
	link->signals = product_signals(link->product);
	link->endpoints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	link->order = responses_order_new();
	link->raised = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	link->streams = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)http_events_free);
	link->cameras = g_ptr_array_new_with_free_func(product_endpoints_camera_free);
	link->rules = g_ptr_array_new_with_free_func((GDestroyNotify)response_rule_free);
	link->responses = (Responses){.rules = link->rules,
				      .sink = &link->tap,
				      .max_rate = link->product->limit_rate_hz > 0
							  ? (unsigned)link->product->limit_rate_hz
							  : DEFAULT_RATE};
	product_endpoints_set(link, "crop", options->crop ? options->crop : "whole");
	if (!(options->lock_step ? product_endpoints_open_lockstep(link, error)
				 : product_endpoints_open(link, error)) ||
	    !confine_check(link->product, options->lock_step, options->program_dir, error))
		return NULL;
	return g_steal_pointer(&link);
}

const ProductFeed *product_link_feed(ProductLink *link)
{
	return &link->feed;
}

const GPtrArray *product_link_signals(const ProductLink *link)
{
	return link->signals;
}

const char *product_link_version(const ProductLink *link)
{
	return link->version;
}

void product_link_begin(ProductLink *link, int64_t t_ns)
{
	pthread_mutex_lock(&link->lock);
	for (guint i = 0; i < link->signals->len; i++) {
		const SignalInfo *info = g_ptr_array_index(link->signals, i);
		if (!info->boolean)
			continue;
		int up = GPOINTER_TO_INT(g_hash_table_lookup(link->raised, info->name));
		int64_t at =
			t_ns; /* and what was received before, but is told after, comes after it */
		if (responses_order(link->order, info->name, up ? 1 : 0, &at))
			link->options.sink->sample(link->options.sink, info->name, at, up ? 1 : 0,
						   SAMPLE_OK);
	}
	link->began = true;
	pthread_mutex_unlock(&link->lock);
}

bool product_link_exchange(ProductLink *link, int64_t now_ns)
{
	return link->lockstep && lockstep_exchange(link->lockstep, now_ns);
}

/* Over about a second: one period of a camera that the kernel counts as waiting (cpu_wait.h) is a third of a tenth. */
#define WAIT_EVERY_NS (900 * CLOCK_MS)

static void tell_wait(ProductLink *link, int64_t now)
{
	/* In simulated time a product never waits for a processor: the clock waits for it. */
	double wait = link->lockstep ? 0 : product_process_cpu_wait(link->process, now);
	link->wait_told_ns = now;
	if (isfinite(wait))
		tap_sample(&link->tap, PRODUCT_CPU_WAIT_SIGNAL, now, wait, SAMPLE_OK);
}

void product_link_watch(ProductLink *link)
{
	int64_t now = clock_now(link->options.clock);
	const char *how = NULL;
	if (!link->process)
		return;
	if (!product_process_alive(link->process, &how) && !link->blamed_end) {
		link->blamed_end = true;
		responses_blame(&link->tap, now, "the product's process %s", how);
	}
	if (link->wait_told_ns == 0 || now - link->wait_told_ns >= WAIT_EVERY_NS)
		tell_wait(link, now);
}

char *product_link_undeclared(ProductLink *link)
{
	int first = 0;
	uint64_t writes = link->modbus ? modbus_server_undeclared(link->modbus, &first) : 0;
	g_autoptr(GString) text = g_string_new(NULL);
	if (link->responses.undeclared)
		g_string_append_printf(text, "%" G_GUINT64_FORMAT " messages, the first: %s",
				       link->responses.undeclared, link->responses.example);
	if (writes)
		g_string_append_printf(text,
				       "%s%" G_GUINT64_FORMAT
				       " writes to coils or registers, the first to %d",
				       text->len ? "; " : "", writes, first);
	return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

void product_link_end(ProductLink *link)
{
	if (link->process && link->began && !link->ended) /* what was not told yet */
		tell_wait(link, clock_now(link->options.clock));
	pthread_mutex_lock(&link->lock);
	link->ended = true;
	pthread_mutex_unlock(&link->lock);
}

void product_link_free(ProductLink *link)
{
	if (!link)
		return;
	product_link_end(link);
	g_hash_table_unref(link->streams);
	lockstep_free(link->lockstep);
	product_process_free(link->process);
	modbus_server_free(link->modbus);
	g_ptr_array_unref(link->cameras);
	g_ptr_array_unref(link->rules);
	g_ptr_array_unref(link->signals);
	g_hash_table_unref(link->endpoints);
	g_hash_table_unref(link->order);
	g_hash_table_unref(link->raised);
	g_free(link->version);
	g_free(link->log_path);
	g_free(link->program_dir);
	pthread_mutex_destroy(&link->lock);
	g_free(link);
}
