#include "read.h"

#include <string.h>

typedef struct {
	const YamlDoc *doc;
	Diagnostics *diag;
	Product *product;
} ProductReader;

static char *text_of(const YamlNode *mapping, const char *key)
{
	return g_strdup(yaml_get_text(mapping, key));
}

/* Endpoints may be written with or without the $. */
static char *endpoint_of(const YamlNode *node, const char *fallback)
{
	const char *at = yaml_get_text(node, "at");
	if (!at)
		return g_strdup(fallback);
	return g_strdup(at[0] == '$' ? at + 1 : at);
}

static int address_of(const YamlNode *node, const char *key)
{
	const char *text = yaml_get_text(node, key);
	return text ? atoi(text) : -1;
}

/* ---- identity, start, confinement ------------------------------------------------------------------- */

static void read_start(ProductReader *r, const YamlNode *node)
{
	Product *p = r->product;
	const YamlNode *process = yaml_get(node, "process"), *address = yaml_get(node, "address");
	const YamlNode *ready = yaml_get(node, "ready"), *http = yaml_get(ready, "http");
	if (!process == !address)
		yaml_error(r->doc, node, r->diag,
			   "a product has either a process to start or an address where it runs");
	if (!http == !shape_boolean(yaml_get(ready, "consumed"), false))
		yaml_error(r->doc, ready, r->diag, "ready means either http or consumed: true");
	p->argv = process ? read_words(process) : NULL;
	p->address = g_strdup(address ? yaml_text(address) : NULL);
	p->ready_http = g_strdup(http ? yaml_text(http) : NULL);
	p->ready_timeout_ns = shape_ns(yaml_get(ready, "timeout"), 0);
}

static void read_identity(ProductReader *r, const YamlNode *root)
{
	Product *p = r->product;
	const YamlNode *identity = yaml_get(root, "identity"),
		       *version = yaml_get(identity, "version");
	p->id = text_of(root, "id");
	p->program = text_of(identity, "program");
	p->kind = yaml_get_text(root, "kind") ? text_of(root, "kind") : g_strdup(p->program);
	p->title = read_title(yaml_get(root, "title"));
	p->version_http = text_of(version, "http");
	p->version_text = text_of(version, "text");
	p->serial = text_of(identity, "serial");
}

static ConfineNetwork network_of(const char *word)
{
	return !g_strcmp0(word, "bench-only") ? CONFINE_BENCH_ONLY
	       : !g_strcmp0(word, "offline")  ? CONFINE_OFFLINE
					      : CONFINE_NONE;
}

static void read_limits(ProductReader *r, const YamlNode *root)
{
	Product *p = r->product;
	const YamlNode *confine = yaml_get(root, "confine"), *limits = yaml_get(root, "limits");
	p->network = network_of(yaml_get_text(confine, "network"));
	p->cpus = (int)shape_number(yaml_get(confine, "cpu"), 0);
	p->memory_bytes = shape_quantity(yaml_get(confine, "memory"), "B", 0);
	p->max_cpu_wait = shape_number(yaml_get(confine, "max_cpu_wait"), 0);
	p->limit_response_ns = shape_ns(yaml_get(limits, "response"), 0);
	p->limit_message_bytes = shape_quantity(yaml_get(limits, "message"), "B", 0);
	p->limit_rate_hz = shape_quantity(yaml_get(limits, "rate"), "Hz", 0);
}

/* ---- inputs ----------------------------------------------------------------------------------------- */

static void read_input(ProductReader *r, ProductInput *in, const YamlNode *key,
		       const YamlNode *node)
{
	const YamlNode *scale = yaml_get(node, "scale");
	bool modbus = !strcmp(yaml_get_text(node, "adapter"), "modbus");
	*in = (ProductInput){
		.name = g_strdup(yaml_text(key)),
		.adapter = text_of(node, "adapter"),
		.at = endpoint_of(node, modbus ? "modbus" : yaml_text(key)),
		.from = text_of(node, "from"),
		.max_age_ns = shape_ns(yaml_get(node, "max_age"), 0),
		.reg = address_of(node, "register"),
		.per_count = {.value = 0, .unit = unit_one},
		.place = read_place(key),
	};
	if (scale)
		quantity_parse(yaml_text(scale), &in->per_count, NULL);
	if (scale && !(in->per_count.value > 0))
		yaml_error(r->doc, scale, r->diag, "a count must be worth more than 0");
	if (modbus != (in->reg >= 0))
		yaml_error(r->doc, node, r->diag,
			   modbus ? "a modbus input needs its `register`"
				  : "`register` belongs to modbus");
	if (!strcmp(in->adapter, "http"))
		yaml_error(r->doc, node, r->diag,
			   "http does not serve inputs (rtsp and modbus do)");
}

static void read_inputs(ProductReader *r, const YamlNode *node)
{
	Product *p = r->product;
	p->inputs = g_new0(ProductInput, yaml_size(node) + 1);
	for (size_t i = 0; i < yaml_size(node); i++) {
		p->n_inputs = i + 1;
		read_input(r, &p->inputs[i], yaml_key_at(node, i), yaml_value_at(node, i));
		for (size_t k = 0; k < i; k++)
			if (p->inputs[i].reg >= 0 && p->inputs[i].reg == p->inputs[k].reg)
				yaml_error(r->doc, yaml_key_at(node, i), r->diag,
					   "register %d is already input '%s'", p->inputs[i].reg,
					   p->inputs[k].name);
	}
}

/* ---- outputs ---------------------------------------------------------------------------------------- */

static JsonMatch match_of(const YamlNode *node)
{
	return (JsonMatch){.path = text_of(node, "path"), .equals = text_of(node, "equals")};
}

static OutputKind output_kind(const YamlNode *node)
{
	const char *word = yaml_get_text(node, "kind");
	if (!word)
		return yaml_get(node, "value")     ? OUTPUT_NUMBER
		       : yaml_get(node, "holding") ? OUTPUT_COUNTER
						   : OUTPUT_EVENT;
	return !strcmp(word, "state")     ? OUTPUT_STATE
	       : !strcmp(word, "number")  ? OUTPUT_NUMBER
	       : !strcmp(word, "counter") ? OUTPUT_COUNTER
					  : OUTPUT_EVENT;
}

static void read_claims(ProductOutput *out, const YamlNode *node)
{
	const char *time = yaml_get_text(node, "time");
	out->claim_holding = time && g_ascii_isdigit(time[0]) ? atoi(time) : -1;
	out->claim_time = time && time[0] == '$' ? g_strdup(time) : NULL;
	out->claim_score = text_of(node, "score");
}

static void check_output(ProductReader *r, const ProductOutput *out, const YamlNode *node)
{
	bool modbus = !strcmp(out->adapter, "modbus"), http = !strcmp(out->adapter, "http");
	if (modbus && (out->coil >= 0) == (out->holding >= 0))
		yaml_error(r->doc, node, r->diag,
			   "a modbus output needs either `coil` or `holding`");
	if (http && !out->path)
		yaml_error(r->doc, node, r->diag, "an http output needs its `path`");
	if (http && out->kind != OUTPUT_NUMBER && !out->when.path)
		yaml_error(r->doc, node, r->diag,
			   "an http output needs `when`: which message raises it");
	if (http && out->kind == OUTPUT_NUMBER && !out->value)
		yaml_error(r->doc, node, r->diag,
			   "a number needs `value`: which member of the message");
	if (http && out->kind == OUTPUT_STATE && !out->clears.path)
		yaml_error(r->doc, node, r->diag,
			   "a state needs `clears`: which message lowers it");
	if (!modbus && !http)
		yaml_error(r->doc, node, r->diag, "%s has no outputs (http and modbus have)",
			   out->adapter);
	if (!modbus && (out->coil >= 0 || out->holding >= 0 || out->claim_holding >= 0))
		yaml_error(r->doc, node, r->diag, "coils and registers belong to modbus");
}

static void read_output(ProductReader *r, ProductOutput *out, const char *name, const YamlNode *at,
			const YamlNode *node)
{
	bool modbus = !strcmp(yaml_get_text(node, "adapter"), "modbus");
	const YamlNode *unit = yaml_get(node, "unit");
	*out = (ProductOutput){
		.name = g_strdup(name),
		.adapter = text_of(node, "adapter"),
		.at = endpoint_of(node, modbus ? "modbus" : "port"),
		.path = text_of(node, "path"),
		.kind = output_kind(node),
		.when = match_of(yaml_get(node, "when")),
		.clears = match_of(yaml_get(node, "clears")),
		.value = text_of(node, "value"),
		.unit = unit_one,
		.coil = address_of(node, "coil"),
		.holding = address_of(node, "holding"),
		.place = read_place(at),
	};
	read_claims(out, yaml_get(node, "claims"));
	g_autoptr(GError) error = NULL;
	if (unit && !unit_parse(yaml_text(unit), &out->unit, &error))
		yaml_error(r->doc, unit, r->diag, "%s", error->message);
	check_output(r, out, node);
}

static ProductOutput *find_output(Product *p, const char *name)
{
	for (size_t i = 0; i < p->n_outputs; i++)
		if (!strcmp(p->outputs[i].name, name))
			return &p->outputs[i];
	return NULL;
}

static void read_outputs(ProductReader *r, const YamlNode *node)
{
	Product *p = r->product;
	p->outputs = g_new0(ProductOutput, yaml_size(node) + 2); /* one more for the heartbeat */
	for (size_t i = 0; i < yaml_size(node); i++) {
		const YamlNode *key = yaml_key_at(node, i);
		p->n_outputs = i + 1;
		read_output(r, &p->outputs[i], yaml_text(key), key, yaml_value_at(node, i));
	}
}

/* ---- proof of life ---------------------------------------------------------------------------------- */

static void expect_output(ProductReader *r, const YamlNode *node)
{
	if (!find_output(r->product, yaml_text(node)))
		yaml_error(r->doc, node, r->diag, "there is no output '%s'", yaml_text(node));
}

static void read_heartbeat(ProductReader *r, const YamlNode *node)
{
	Product *p = r->product;
	const YamlNode *named = yaml_get(node, "output"), *within = yaml_get(node, "within");
	int64_t every_ns = shape_ns(yaml_get(node, "every"), 0);
	p->heartbeat = g_strdup(named ? yaml_text(named) : "heartbeat");
	p->heartbeat_ns = shape_ns(within, 3 * every_ns);
	if (within && p->heartbeat_ns <= every_ns)
		yaml_error(r->doc, within, r->diag, "`within` must be longer than `every`");
	if (named) {
		expect_output(r, named);
		return;
	}
	if (find_output(p, "heartbeat")) {
		yaml_error(r->doc, node, r->diag,
			   "there is an output 'heartbeat' already: write {output: heartbeat, …}");
		return;
	}
	read_output(r, &p->outputs[p->n_outputs++], "heartbeat", node, node);
}

static void read_alive(ProductReader *r, const YamlNode *node)
{
	Product *p = r->product;
	const YamlNode *heartbeat = yaml_get(node, "heartbeat"),
		       *control = yaml_get(node, "positive-control");
	if (heartbeat)
		read_heartbeat(r, heartbeat);
	if (!control)
		return;
	p->control_output = text_of(control, "output");
	p->control_role = text_of(control, "role");
	p->control_ns = shape_ns(yaml_get(control, "within"), 0);
	p->control_duration_ns = shape_ns(yaml_get(control, "for"), 0);
	expect_output(r, yaml_get(control, "output"));
}

/* ---- loading ---------------------------------------------------------------------------------------- */

/* An argument such as --port=$port names an endpoint that the bench opens: a slip would reach the product as it is. */
static void check_arguments(ProductReader *r, const YamlNode *process)
{
	const Product *p = r->product;
	for (size_t i = 0; process && i < yaml_size(process); i++) {
		const char *text = yaml_text(yaml_item(process, i)), *dollar = strchr(text, '$');
		if (!dollar)
			continue;
		size_t n = 1;
		while (g_ascii_isalnum(dollar[n]) || dollar[n] == '-')
			n++;
		g_autofree char *name = g_strndup(dollar + 1, n - 1);
		bool known = !strcmp(name, "port") || !strcmp(name, "crop");
		for (size_t k = 0; k < p->n_inputs; k++)
			known |= !strcmp(p->inputs[k].at, name);
		for (size_t k = 0; k < p->n_outputs; k++)
			known |= !strcmp(p->outputs[k].at, name);
		if (!known)
			yaml_error(r->doc, yaml_item(process, i), r->diag,
				   "no input or output has the endpoint '$%s'", name);
	}
}

static Product *read_product(const YamlDoc *doc, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	const YamlNode *root = yaml_root(doc);
	if (!yaml_expect_kind(doc, "product/1", diag) ||
	    !shape_check(product_shape(), doc, root, diag))
		return NULL;
	g_autoptr(Product) p = g_new0(Product, 1);
	ProductReader r = {.doc = doc, .diag = diag, .product = p};
	const char *bytes = yaml_bytes(doc, &p->n_bytes);
	p->bytes = g_strndup(bytes, p->n_bytes);
	p->path = g_strdup(yaml_file(doc));
	p->dir = g_path_get_dirname(p->path);
	read_identity(&r, root);
	read_start(&r, yaml_get(root, "start"));
	read_limits(&r, root);
	read_inputs(&r, yaml_get(root, "inputs"));
	read_outputs(&r, yaml_get(root, "outputs"));
	read_alive(&r, yaml_get(root, "alive"));
	check_arguments(&r, yaml_get(yaml_get(root, "start"), "process"));
	return diagnostics_errors(diag) == before ? g_steal_pointer(&p) : NULL;
}

Product *product_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_product(doc, diag) : NULL;
}

Product *product_load_text(const char *text, gssize length, const char *name, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(text, length, name, diag);
	return doc ? read_product(doc, diag) : NULL;
}

bool product_check(const YamlDoc *doc, Diagnostics *diag)
{
	g_autoptr(Product) product = read_product(doc, diag);
	return product != NULL;
}

static void match_clear(JsonMatch *match)
{
	g_free(match->path);
	g_free(match->equals);
}

static void output_clear(ProductOutput *out)
{
	g_free(out->name);
	g_free(out->adapter);
	g_free(out->at);
	g_free(out->path);
	match_clear(&out->when);
	match_clear(&out->clears);
	g_free(out->value);
	g_free(out->claim_time);
	g_free(out->claim_score);
}

static void input_clear(ProductInput *in)
{
	g_free(in->name);
	g_free(in->adapter);
	g_free(in->at);
	g_free(in->from);
}

void product_free(Product *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_inputs; i++)
		input_clear(&p->inputs[i]);
	for (size_t i = 0; i < p->n_outputs; i++)
		output_clear(&p->outputs[i]);
	char *texts[] = {p->path,         p->dir,          p->id,           p->kind,
			 p->program,      p->version_http, p->version_text, p->serial,
			 p->address,      p->ready_http,   p->heartbeat,    p->control_output,
			 p->control_role, p->bytes};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	title_clear(&p->title);
	g_strfreev(p->argv);
	g_free(p->inputs);
	g_free(p->outputs);
	g_free(p);
}
