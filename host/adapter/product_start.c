/* A product's process from its start until it is ready and its event streams are open. */
#include "product_link_parts.h"

#include <string.h>

#define DEFAULT_MESSAGE 65536
#define MAX_FILE_BYTES \
	(256u * 1024 * 1024) /* of any one file that a product writes, its log among them */
#define READY_POLL_NS (100 * CLOCK_MS)

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
	return g_strdup_printf("http://127.0.0.1:%s%s", product_endpoints_get(link, "port"), path);
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
	ports.to_product = (uint16_t)atoi(product_endpoints_get(link, "port"));
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
