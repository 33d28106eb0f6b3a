#include <anzen/adapter.h>

#include "confine.h"
#include "http.h"
#include "lockstep.h"
#include "modbus_server.h"
#include "process.h"
#include "responses.h"

#include <anzen/media.h>
#include <arpa/inet.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Standard uncertainty of a response's time stamp. Modbus: the server's thread wakes within a scheduling quantum of
 * the request; HTTP passes the main loop as well. Both are bounds seen on a loaded two-core machine, taken as the
 * half-width of a rectangular distribution (GUM 4.3.7): a / sqrt(3). */
#define MODBUS_RECEIPT_U_S (0.003 / 1.7320508075688772)
#define HTTP_RECEIPT_U_S (0.010 / 1.7320508075688772)

#define DEFAULT_RATE 100
#define DEFAULT_MESSAGE 65536
#define MAX_FILE_BYTES \
	(256u * 1024 * 1024) /* of any one file that a product writes, its log among them */
#define READY_POLL_NS (100 * CLOCK_MS)
#define AGE_PERIOD_NS (50 * CLOCK_MS)

/* An RTSP endpoint that serves one role to the product. */
typedef struct Camera {
	char *role, *at;
	MediaServer *server;
	int64_t age_ns;     /* last time its age was told; feeding thread only */
	int64_t receipt_ns; /* atomic: newest frame */
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

/* ---- declarations ---------------------------------------------------------------------------------------- */

static void info_free(void *p)
{
	signal_info_clear(p);
	g_free(p);
}

static SignalInfo *declare(GPtrArray *signals, const char *name, SignalOrigin origin, bool boolean,
			   double u_clock_s)
{
	SignalInfo *info = g_new0(SignalInfo, 1);
	signal_info_init(info, name);
	info->origin = origin;
	info->boolean = boolean;
	info->interp = SIGNAL_PREVIOUS;
	info->affected_by_product = origin == ORIGIN_RESPONSE || origin == ORIGIN_CLAIM;
	info->u_clock_s = u_clock_s;
	if (boolean)
		info->max_slew = INFINITY;
	g_ptr_array_add(signals, info);
	return info;
}

static double receipt_u(const ProductOutput *out)
{
	return !g_strcmp0(out->adapter, "modbus") ? MODBUS_RECEIPT_U_S : HTTP_RECEIPT_U_S;
}

static void declare_output(GPtrArray *signals, const ProductOutput *out)
{
	g_autofree char *name = g_strdup_printf("product.%s", out->name);
	bool number = out->kind == OUTPUT_NUMBER;
	SignalInfo *info = declare(signals, name, ORIGIN_RESPONSE, !number, receipt_u(out));
	if (number)
		info->unit = out->unit;
	if (out->claim_time || out->claim_holding >= 0) {
		g_autofree char *claim = g_strdup_printf("%s.time", name);
		declare(signals, claim, ORIGIN_CLAIM, false, receipt_u(out))->unit = unit_second;
	}
	if (out->claim_score) {
		g_autofree char *claim = g_strdup_printf("%s.score", name);
		declare(signals, claim, ORIGIN_CLAIM, false, receipt_u(out));
	}
}

GPtrArray *product_signals(const Product *product)
{
	GPtrArray *signals = g_ptr_array_new_with_free_func(info_free);
	for (size_t i = 0; i < product->n_outputs; i++)
		declare_output(signals, &product->outputs[i]);
	declare(signals, PRODUCT_AGE_SIGNAL, ORIGIN_HEALTH, false, 0)->unit = unit_second;
	declare(signals, PRODUCT_CONSUMED_SIGNAL, ORIGIN_HEALTH, false, 0);
	declare(signals, PRODUCT_CPU_WAIT_SIGNAL, ORIGIN_HEALTH, false, 0);
	return signals;
}

/* ---- endpoints ------------------------------------------------------------------------------------------- */

static bool set_endpoint(ProductLink *link, const char *at, const char *text)
{
	return g_hash_table_insert(link->endpoints, g_strdup(at), g_strdup(text));
}

static const char *endpoint(const ProductLink *link, const char *at)
{
	return at ? g_hash_table_lookup(link->endpoints, at[0] == '$' ? at + 1 : at) : NULL;
}

/* A port that is free now; the product binds it in a moment. */
static int free_port(GError **error)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in where = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(where);
	int port = -1;
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&where, length) &&
	    !getsockname(fd, (struct sockaddr *)&where, &length))
		port = ntohs(where.sin_port);
	if (fd >= 0)
		close(fd);
	if (port < 0)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "no free loopback port for the product");
	return port;
}

static gboolean open_port(ProductLink *link, GError **error)
{
	int port = free_port(error);
	if (port < 0)
		return FALSE;
	g_autofree char *text = g_strdup_printf("%d", port);
	set_endpoint(link, "port", text);
	return TRUE;
}

static const char *bare(const char *at)
{
	return at && at[0] == '$' ? at + 1 : at;
}

static gboolean open_modbus(ProductLink *link, const char *at, GError **error)
{
	if (link->modbus) {
		if (!endpoint(link, at)) { /* one unit carries every register */
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "%s: a second Modbus endpoint '%s'; one unit serves all",
				    link->product->path, at);
			return FALSE;
		}
		return TRUE;
	}
	unsigned rate = link->product->limit_rate_hz > 0 ? (unsigned)link->product->limit_rate_hz
							 : DEFAULT_RATE;
	link->modbus = modbus_server_new(link->options.clock, &link->tap, rate, error);
	if (!link->modbus)
		return FALSE;
	set_endpoint(link, bare(at), modbus_server_address(link->modbus));
	return TRUE;
}

static void camera_free(void *p)
{
	Camera *camera = p;
	media_server_free(camera->server);
	g_free(camera->role);
	g_free(camera->at);
	g_free(camera);
}

static gboolean open_camera(ProductLink *link, const ProductInput *in, GError **error)
{
	Camera *camera = g_new0(Camera, 1);
	g_ptr_array_add(link->cameras, camera);
	camera->role = g_strdup(in->from);
	camera->at = g_strdup(bare(in->at ? in->at : in->name));
	camera->server = media_server_new("/stimulus", 0, error);
	if (!camera->server)
		return FALSE;
	set_endpoint(link, camera->at, media_server_uri(camera->server));
	return TRUE;
}

static gboolean unknown_adapter(const ProductLink *link, const char *what, const char *adapter,
				GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: %s: there is no adapter '%s' (rtsp, http, modbus)", link->product->path,
		    what, adapter);
	return FALSE;
}

static gboolean open_input(ProductLink *link, const ProductInput *in, GError **error)
{
	if (!g_strcmp0(in->adapter, "rtsp"))
		return open_camera(link, in, error);
	if (g_strcmp0(in->adapter, "modbus"))
		return unknown_adapter(link, in->name, in->adapter, error);
	if (!open_modbus(link, in->at ? in->at : in->name, error))
		return FALSE;
	if (!g_strcmp0(in->from, "bench.sequence"))
		modbus_server_set_sequence(link->modbus, in->reg);
	else
		modbus_server_add_input(link->modbus, in->reg, in->from,
					in->per_count.value ? in->per_count.value : 1);
	return TRUE;
}

static void open_modbus_output(ProductLink *link, const ProductOutput *out, const char *signal)
{
	if (out->coil >= 0)
		modbus_server_add_coil(link->modbus, out->coil, signal,
				       out->kind == OUTPUT_COUNTER);
	else if (out->holding >= 0)
		modbus_server_add_heartbeat(link->modbus, out->holding, signal);
	if (out->claim_holding >= 0) {
		g_autofree char *claim = g_strdup_printf("%s.time", signal);
		modbus_server_add_claim(link->modbus, out->claim_holding, claim);
	}
}

static void open_http_output(ProductLink *link, const ProductOutput *out, const char *signal)
{
	ResponseRule *rule = response_rule_new(signal);
	g_ptr_array_add(link->rules, rule);
	rule->when = (ResponseMatch){g_strdup(out->when.path), g_strdup(out->when.equals)};
	rule->clears = (ResponseMatch){g_strdup(out->clears.path), g_strdup(out->clears.equals)};
	rule->pulse = out->kind == OUTPUT_COUNTER || !out->clears.path;
	if (out->claim_time)
		g_hash_table_insert(rule->claims, g_strdup("time"), g_strdup(out->claim_time));
	if (out->claim_score)
		g_hash_table_insert(rule->claims, g_strdup("score"), g_strdup(out->claim_score));
}

static gboolean open_output(ProductLink *link, const ProductOutput *out, GError **error)
{
	g_autofree char *signal = g_strdup_printf("product.%s", out->name);
	if (!g_strcmp0(out->adapter, "http")) {
		open_http_output(link, out, signal);
		return TRUE;
	}
	if (g_strcmp0(out->adapter, "modbus"))
		return unknown_adapter(link, out->name, out->adapter, error);
	if (!link->modbus) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: %s: a Modbus output needs a Modbus input, which opens the unit",
			    link->product->path, out->name);
		return FALSE;
	}
	open_modbus_output(link, out, signal);
	return TRUE;
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

static gboolean open_endpoints(ProductLink *link, GError **error)
{
	if (!open_port(link, error))
		return FALSE;
	for (size_t i = 0; i < link->product->n_inputs; i++)
		if (!open_input(link, &link->product->inputs[i], error))
			return FALSE;
	for (size_t i = 0; i < link->product->n_outputs; i++)
		if (!open_output(link, &link->product->outputs[i], error))
			return FALSE;
	return !link->modbus || modbus_server_start(link->modbus, error);
}

/* Every endpoint is the shared page; HTTP outputs keep their rules, which read the page's messages. */
static gboolean open_lockstep(ProductLink *link, GError **error)
{
	set_endpoint(link, "port", "0");
	for (size_t i = 0; i < link->product->n_inputs; i++) {
		const ProductInput *in = &link->product->inputs[i];
		set_endpoint(link, bare(in->at ? in->at : in->name), "lock-step");
	}
	for (size_t i = 0; i < link->product->n_outputs; i++) {
		const ProductOutput *out = &link->product->outputs[i];
		g_autofree char *signal = g_strdup_printf("product.%s", out->name);
		if (!g_strcmp0(out->adapter, "http"))
			open_http_output(link, out, signal);
	}
	link->lockstep = lockstep_new(link->product, &link->responses, &link->tap, error);
	return link->lockstep != NULL;
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
	link->cameras = g_ptr_array_new_with_free_func(camera_free);
	link->rules = g_ptr_array_new_with_free_func((GDestroyNotify)response_rule_free);
	link->responses = (Responses){.rules = link->rules,
				      .sink = &link->tap,
				      .max_rate = link->product->limit_rate_hz > 0
							  ? (unsigned)link->product->limit_rate_hz
							  : DEFAULT_RATE};
	set_endpoint(link, "crop", options->crop ? options->crop : "whole");
	if (!(options->lock_step ? open_lockstep(link, error) : open_endpoints(link, error)) ||
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

/* "$port" and friends in an argument, also inside a longer text. */
static char *fill_in(const ProductLink *link, const char *argument)
{
	GString *out = g_string_new(argument);
	GHashTableIter iter;
	gpointer name, text;
	g_hash_table_iter_init(&iter, link->endpoints);
	while (g_hash_table_iter_next(&iter, &name, &text)) {
		g_autofree char *variable = g_strdup_printf("$%s", (char *)name);
		g_string_replace(out, variable, text, 0);
	}
	return g_string_free(out, FALSE);
}

static char *url_of(const ProductLink *link, const char *path)
{
	if (link->product->address)
		return g_strdup_printf("%s%s", link->product->address, path);
	return g_strdup_printf("http://127.0.0.1:%s%s", endpoint(link, "port"), path);
}

static void add_port(RelayPorts *ports, const char *address)
{
	const char *colon = address ? strrchr(address, ':') : NULL;
	int port = colon ? atoi(colon + 1) : 0;
	if (port > 0 && port < 65536 && ports->n_to_bench < RELAY_PORTS)
		ports->to_bench[ports->n_to_bench++] = (uint16_t)port;
}

/* Everything that the bench serves it, and the one port where it serves itself. */
static RelayPorts ports_of(const ProductLink *link)
{
	RelayPorts ports = {0};
	if (link->lockstep || link->product->network != CONFINE_BENCH_ONLY)
		return ports;
	if (link->modbus)
		add_port(&ports, modbus_server_address(link->modbus));
	for (guint i = 0; i < link->cameras->len; i++) {
		const Camera *camera = g_ptr_array_index(link->cameras, i);
		g_autoptr(GUri) uri =
			g_uri_parse(media_server_uri(camera->server), G_URI_FLAGS_NONE, NULL);
		g_autofree char *at = g_strdup_printf(":%d", uri ? g_uri_get_port(uri) : 0);
		add_port(&ports, at);
	}
	ports.to_product = (uint16_t)atoi(endpoint(link, "port"));
	return ports;
}

static gboolean start_process(ProductLink *link, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	for (char **a = link->product->argv; a && *a; a++)
		g_ptr_array_add(argv, fill_in(link, *a));
	if (!argv->len && !link->lockstep)
		return TRUE; /* it runs already, at `address` */
	if (link->lockstep) {
		g_ptr_array_add(argv, g_strdup("--lock-step"));
		g_ptr_array_add(argv, g_strdup_printf("%d", PROCESS_FD));
	}
	g_ptr_array_add(argv, NULL);
	ProcessLimits limits = {.cpus = link->product->cpus,
				.memory_bytes = (uint64_t)link->product->memory_bytes,
				.file_bytes = MAX_FILE_BYTES,
				.isolate = link->product->network != CONFINE_NONE,
				.ports = ports_of(link),
				.inherit_fd = link->lockstep ? lockstep_fd(link->lockstep) : 0};
	link->process =
		product_process_new((const char *const *)argv->pdata, link->options.program_dir,
				    link->options.log_path, &limits, error);
	return link->process != NULL;
}

static gboolean wake(gpointer user)
{
	*(bool *)user = true;
	return G_SOURCE_REMOVE;
}

/* Let the main context work for a while; the clock that matters to a process that starts is the real one. */
static void iterate(int64_t for_ns)
{
	bool over = false;
	g_autoptr(GSource) timer = g_timeout_source_new((guint)(for_ns / CLOCK_MS));
	g_source_set_callback(timer, wake, &over, NULL);
	GMainContext *context = g_main_context_ref_thread_default();
	g_source_attach(timer, context);
	while (!over)
		g_main_context_iteration(context, TRUE);
	g_main_context_unref(context);
}

/* Ready: /health answers, or, for a product without HTTP, it has read its sensors. */
static bool is_ready(ProductLink *link, int64_t left_ns)
{
	if (link->product->ready_http) {
		g_autofree char *url = url_of(link, link->product->ready_http);
		return http_get(url, MIN(left_ns, CLOCK_S), NULL, NULL);
	}
	return !link->modbus || modbus_server_reads(link->modbus) > 0;
}

static bool cancelled(const ProductLink *link, GError **error)
{
	if (!link->options.cancelled || !*link->options.cancelled)
		return false;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED,
		    "stopped while waiting for the product %s", link->product->id);
	return true;
}

/* The last line that the product printed, for the one line in which its early end is told. Caller frees. */
static char *last_words(const ProductLink *link)
{
	g_autofree char *text = NULL;
	if (!link->options.log_path ||
	    !g_file_get_contents(link->options.log_path, &text, NULL, NULL))
		return g_strdup("nothing that was kept");
	g_strchomp(text);
	const char *line = strrchr(text, '\n');
	g_autofree char *valid = g_utf8_make_valid(line ? line + 1 : text, -1);
	return *valid ? g_strdup_printf("\"%.160s\" (all of it: %s)", valid, link->options.log_path)
		      : g_strdup("nothing");
}

static gboolean wait_ready(ProductLink *link, GError **error)
{
	int64_t timeout = link->product->ready_timeout_ns > 0 ? link->product->ready_timeout_ns
							      : 10 * CLOCK_S;
	int64_t until = clock_now(clock_monotonic()) + timeout;
	for (;;) {
		const char *how = NULL;
		if (link->process && !product_process_alive(link->process, &how)) {
			g_autofree char *words = last_words(link);
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_PRODUCT,
				    "the product %s before it was ready; it printed: %s", how,
				    words);
			return FALSE;
		}
		int64_t left = until - clock_now(clock_monotonic());
		if (left <= 0)
			break;
		if (is_ready(link, left))
			return TRUE;
		if (cancelled(link, error))
			return FALSE;
		iterate(MIN(left, READY_POLL_NS));
	}
	g_set_error(
		error, ANZEN_ERROR, ANZEN_ERROR_PRODUCT,
		"the product %s was not ready within %.0f s: raise start.ready.timeout, or see %s",
		link->product->id, (double)timeout * 1e-9,
		link->options.log_path ? link->options.log_path : "its log");
	return FALSE;
}

static void open_streams(ProductLink *link)
{
	gsize cap = link->product->limit_message_bytes > 0
			    ? (gsize)link->product->limit_message_bytes
			    : DEFAULT_MESSAGE;
	for (size_t i = 0; i < link->product->n_outputs; i++) {
		const ProductOutput *out = &link->product->outputs[i];
		if (g_strcmp0(out->adapter, "http") || !out->path ||
		    g_hash_table_contains(link->streams, out->path))
			continue;
		g_autofree char *url = url_of(link, out->path);
		g_hash_table_insert(
			link->streams, g_strdup(out->path),
			http_events_new(url, cap, &link->responses, link->options.clock));
	}
}

static gboolean streams_open(ProductLink *link, int64_t until_ns)
{
	GHashTableIter iter;
	gpointer stream;
	do {
		bool all = true;
		g_hash_table_iter_init(&iter, link->streams);
		while (g_hash_table_iter_next(&iter, NULL, &stream))
			all = all && http_events_open(stream);
		if (all)
			return TRUE;
		iterate(10 * CLOCK_MS);
	} while (clock_now(clock_monotonic()) < until_ns);
	return FALSE;
}

gboolean product_link_start(ProductLink *link, GError **error)
{
	if (!start_process(link, error))
		return FALSE;
	if (link->lockstep)
		return TRUE; /* its first answer says that it is there */
	if (!wait_ready(link, error))
		return FALSE;
	if (link->product->version_http) {
		g_autofree char *url = url_of(link, link->product->version_http);
		http_get(url, 2 * CLOCK_S, &link->version, NULL);
	} else {
		link->version = g_strdup(link->product->version_text);
	}
	open_streams(link);
	if (!streams_open(link, clock_now(clock_monotonic()) + 5 * CLOCK_S)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_PRODUCT,
			    "the product %s is ready but its event stream does not open",
			    link->product->id);
		return FALSE;
	}
	return TRUE;
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
