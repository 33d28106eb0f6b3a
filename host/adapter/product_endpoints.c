/* Where the bench serves a product's inputs and hears its outputs, and the signals that come of it. */
#include "product_link_parts.h"

#include <arpa/inet.h>
#include <math.h>
#include <sys/socket.h>
#include <unistd.h>

/* Standard uncertainty of a response's time stamp. Modbus: the server's thread wakes within a scheduling quantum of
 * the request; HTTP passes the main loop as well. Both are bounds seen on a loaded two-core machine, taken as the
 * half-width of a rectangular distribution (GUM 4.3.7): a / sqrt(3). */
#define MODBUS_RECEIPT_U_S (0.003 / 1.7320508075688772)
#define HTTP_RECEIPT_U_S (0.010 / 1.7320508075688772)

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

void product_endpoints_set(ProductLink *link, const char *at, const char *text)
{
	g_hash_table_insert(link->endpoints, g_strdup(at), g_strdup(text));
}

const char *product_endpoints_get(const ProductLink *link, const char *at)
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
	product_endpoints_set(link, "port", text);
	return TRUE;
}

static const char *bare(const char *at)
{
	return at && at[0] == '$' ? at + 1 : at;
}

static gboolean open_modbus(ProductLink *link, const char *at, GError **error)
{
	if (link->modbus) {
		if (!product_endpoints_get(link, at)) { /* one unit carries every register */
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
	product_endpoints_set(link, bare(at), modbus_server_address(link->modbus));
	return TRUE;
}

void product_endpoints_camera_free(void *p)
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
	product_endpoints_set(link, camera->at, media_server_uri(camera->server));
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

gboolean product_endpoints_open(ProductLink *link, GError **error)
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
gboolean product_endpoints_open_lockstep(ProductLink *link, GError **error)
{
	product_endpoints_set(link, "port", "0");
	for (size_t i = 0; i < link->product->n_inputs; i++) {
		const ProductInput *in = &link->product->inputs[i];
		product_endpoints_set(link, bare(in->at ? in->at : in->name), "lock-step");
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
