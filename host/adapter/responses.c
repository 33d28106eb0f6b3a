#include "responses.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

ResponseRule *response_rule_new(const char *signal)
{
	ResponseRule *rule = g_new0(ResponseRule, 1);
	rule->signal = g_strdup(signal);
	rule->claims = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return rule;
}

void response_rule_free(ResponseRule *rule)
{
	if (!rule)
		return;
	g_free(rule->signal);
	g_free(rule->when.path);
	g_free(rule->when.equals);
	g_free(rule->clears.path);
	g_free(rule->clears.equals);
	g_hash_table_unref(rule->claims);
	g_free(rule);
}

void responses_blame(Stream *sink, int64_t t_ns, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *cause = g_strdup_vprintf(format, args);
	va_end(args);
	char product[] = "product";
	Fault fault = {.t_ns = t_ns,
		       .until_ns = CLOCK_NEVER,
		       .source = product,
		       .cause = cause,
		       .blame = BLAME_PRODUCT,
		       .proven = true};
	if (sink->fault)
		sink->fault(sink, &fault);
}

/* "$.a.b" in an object; NULL when it is not there. */
static JsonNode *at_path(JsonObject *object, const char *path)
{
	if (!path || !g_str_has_prefix(path, "$."))
		return NULL;
	g_auto(GStrv) keys = g_strsplit(path + 2, ".", -1);
	JsonNode *node = NULL;
	for (char **key = keys; *key; key++) {
		if (node && !JSON_NODE_HOLDS_OBJECT(node))
			return NULL;
		JsonObject *in = node ? json_node_get_object(node) : object;
		node = json_object_get_member(in, *key);
		if (!node)
			return NULL;
	}
	return node;
}

static bool matches(JsonObject *object, const ResponseMatch *match)
{
	JsonNode *node = at_path(object, match->path);
	if (!node || !JSON_NODE_HOLDS_VALUE(node))
		return false;
	if (json_node_get_value_type(node) == G_TYPE_STRING)
		return !g_strcmp0(json_node_get_string(node), match->equals);
	g_autofree char *text = json_to_string(node, FALSE);
	return !g_strcmp0(text, match->equals);
}

static void emit(Stream *sink, const char *signal, int64_t t_ns, double v)
{
	if (sink->sample)
		sink->sample(sink, signal, t_ns, v, isfinite(v) ? SAMPLE_OK : SAMPLE_MISSING);
}

static void emit_claims(Responses *r, const ResponseRule *rule, JsonObject *object, int64_t t_ns)
{
	GHashTableIter iter;
	gpointer name, path;
	g_hash_table_iter_init(&iter, rule->claims);
	while (g_hash_table_iter_next(&iter, &name, &path)) {
		JsonNode *node = at_path(object, path);
		if (!node || !JSON_NODE_HOLDS_VALUE(node))
			continue;
		GType type = json_node_get_value_type(node);
		if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
			continue;
		g_autofree char *signal =
			g_strdup_printf("%s.%s", rule->signal, (const char *)name);
		emit(r->sink, signal, t_ns, json_node_get_double(node));
	}
}

/* False: no rule of product.yaml takes it. */
static bool apply(Responses *r, JsonObject *object, int64_t t_ns)
{
	bool taken = false;
	for (guint i = 0; i < r->rules->len; i++) {
		const ResponseRule *rule = g_ptr_array_index(r->rules, i);
		if (matches(object, &rule->when)) {
			taken = true;
			emit(r->sink, rule->signal, t_ns, 1);
			emit_claims(r, rule, object, t_ns);
			if (rule->pulse)
				emit(r->sink, rule->signal, t_ns + RESPONSE_PULSE_NS, 0);
		} else if (matches(object, &rule->clears)) {
			taken = true;
			emit(r->sink, rule->signal, t_ns, 0);
		}
	}
	return taken;
}

/* It changes no verdict, but a technician who forgot an output in product.yaml has to hear of it. */
static void note_undeclared(Responses *r, const char *text, gsize length)
{
	if (!r->undeclared++) {
		g_autofree char *whole = g_strndup(text, MIN(length, 4 * sizeof(r->example)));
		g_autofree char *valid = g_utf8_make_valid(whole, -1);
		g_strlcpy(r->example, valid, sizeof(r->example));
	}
}

/* A product that floods is cut to its declared rate, and blamed: its traffic must not crowd out the bench's own. */
static bool within_rate(Responses *r, int64_t t_ns)
{
	if (t_ns - r->window_ns >= CLOCK_S) {
		r->window_ns = t_ns;
		r->in_window = 0;
	}
	if (++r->in_window <= r->max_rate)
		return true;
	r->over_rate++;
	if (!r->blamed_rate)
		responses_blame(r->sink, t_ns,
				"the product floods: more than %u messages in a second",
				r->max_rate);
	r->blamed_rate = true;
	return false;
}

void responses_take(Responses *r, const char *text, gsize length, int64_t t_ns)
{
	if (!within_rate(r, t_ns))
		return;
	r->messages++;
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	JsonNode *root = NULL;
	if (g_utf8_validate(text, (gssize)length, NULL) &&
	    json_parser_load_from_data(parser, text, (gssize)length, NULL))
		root = json_parser_get_root(parser);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
		r->garbage++;
		if (!r->blamed_garbage)
			responses_blame(
				r->sink, t_ns,
				"the product answers garbage: a message that is no JSON object");
		r->blamed_garbage = true;
		return;
	}
	if (!apply(r, json_node_get_object(root), t_ns))
		note_undeclared(r, text, length);
}

/* ---- one value at a time ---- */

typedef struct Placed {
	int64_t t_ns;
	double v;
} Placed;

GHashTable *responses_order_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

bool responses_order(GHashTable *last, const char *signal, double v, int64_t *t_ns)
{
	Placed *placed = g_hash_table_lookup(last, signal);
	if (!placed) {
		placed = g_new0(Placed, 1);
		g_hash_table_insert(last, g_strdup(signal), placed);
	} else if (*t_ns <= placed->t_ns) {
		if (v == placed->v)
			return false;
		*t_ns = placed->t_ns + 1;
	}
	*placed = (Placed){*t_ns, v};
	return true;
}

/* ---- Server-Sent Events ------------------------------------------------------------------------------ */

void sse_init(SseParser *p, gsize max_message, void (*message)(void *, const char *, gsize),
	      void *user)
{
	*p = (SseParser){.line = g_string_new(NULL),
			 .data = g_string_new(NULL),
			 .max_message = max_message,
			 .message = message,
			 .user = user};
}

void sse_clear(SseParser *p)
{
	if (p->line)
		g_string_free(p->line, TRUE);
	if (p->data)
		g_string_free(p->data, TRUE);
	*p = (SseParser){0};
}

static void end_of_line(SseParser *p)
{
	if (p->line->len == 0) {
		if (p->data->len > 0) {
			g_string_truncate(p->data,
					  p->data->len -
						  1); /* the line feed after the last data line */
			p->message(p->user, p->data->str, p->data->len);
		}
		g_string_truncate(p->data, 0);
	} else if (g_str_has_prefix(p->line->str, "data:")) {
		const char *value = p->line->str + strlen("data:");
		if (*value == ' ')
			value++;
		g_string_append_len(p->data, value,
				    (gssize)(p->line->len - (gsize)(value - p->line->str)));
		g_string_append_c(p->data, '\n');
	}
	g_string_truncate(p->line, 0);
}

bool sse_feed(SseParser *p, const char *bytes, gsize length)
{
	for (gsize i = 0; i < length && !p->oversize; i++) {
		char c = bytes[i];
		bool after_cr = p->after_cr;
		p->after_cr = c == '\r';
		if (c == '\n' && after_cr)
			continue; /* CRLF is one line end */
		if (c == '\n' || c == '\r')
			end_of_line(p);
		else
			g_string_append_c(p->line, c);
		p->oversize = p->line->len + p->data->len > p->max_message;
	}
	return !p->oversize;
}
