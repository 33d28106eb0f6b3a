#include "json.h"
#include <math.h>

/* Nesting that no file of ours needs; json-glib recurses without a limit of its own. */
#define MAX_DEPTH 64

void json_state_fail(JsonReaderState *s, const char *key, const char *what)
{
	if (!s->error)
		g_set_error(&s->error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s: %s", s->name, key,
			    what);
}

static bool too_deep(const char *json, gssize size)
{
	int depth = 0;
	bool text = false;
	for (gssize i = 0; size < 0 ? json[i] != '\0' : i < size; i++) {
		char c = json[i];
		if (text && c == '\\' && (size < 0 || i + 1 < size) && json[i + 1])
			i++;
		else if (c == '"')
			text = !text;
		else if (!text && (c == '{' || c == '['))
			depth++;
		else if (!text && (c == '}' || c == ']'))
			depth--;
		if (depth > MAX_DEPTH)
			return true;
	}
	return false;
}

JsonObject *json_state_open(JsonReaderState *s, const char *json, gssize size, const char *name)
{
	s->name = name;
	s->parser = json_parser_new_immutable();
	if (!g_utf8_validate(json, size, NULL)) {
		json_state_fail(s, "text", "not UTF-8");
		return NULL;
	}
	if (too_deep(json, size)) {
		json_state_fail(s, "text", "nested too deeply");
		return NULL;
	}
	g_autoptr(GError) error = NULL;
	if (!json_parser_load_from_data(s->parser, json, size, &error)) {
		json_state_fail(s, "text", error->message);
		return NULL;
	}
	return json_state_object(s, json_parser_get_root(s->parser), "text");
}

gboolean json_state_close(JsonReaderState *s, GError **error)
{
	if (!s->error)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&s->error));
	return FALSE;
}

void json_state_clear(JsonReaderState *s)
{
	g_clear_object(&s->parser);
	g_clear_error(&s->error);
}

static JsonNode *member(JsonObject *object, const char *key)
{
	JsonNode *node = object && json_object_has_member(object, key)
				 ? json_object_get_member(object, key)
				 : NULL;
	return node && !JSON_NODE_HOLDS_NULL(node) ? node : NULL;
}

JsonObject *json_state_object(JsonReaderState *s, JsonNode *node, const char *key)
{
	if (node && JSON_NODE_HOLDS_OBJECT(node))
		return json_node_get_object(node);
	json_state_fail(s, key, "an object was expected");
	return NULL;
}

JsonObject *json_state_member(JsonReaderState *s, JsonObject *object, const char *key)
{
	JsonNode *node = member(object, key);
	return node ? json_state_object(s, node, key) : NULL;
}

JsonArray *json_state_array(JsonReaderState *s, JsonObject *object, const char *key)
{
	JsonNode *node = member(object, key);
	if (!node)
		return NULL;
	if (JSON_NODE_HOLDS_ARRAY(node))
		return json_node_get_array(node);
	json_state_fail(s, key, "a list was expected");
	return NULL;
}

char *json_state_text(JsonReaderState *s, JsonObject *object, const char *key, bool required)
{
	JsonNode *node = member(object, key);
	if (node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING)
		return g_strdup(json_node_get_string(node));
	if (node || required)
		json_state_fail(s, key, "a text was expected");
	return NULL;
}

static bool is_number(JsonNode *node)
{
	return JSON_NODE_HOLDS_VALUE(node) && (json_node_get_value_type(node) == G_TYPE_INT64 ||
					       json_node_get_value_type(node) == G_TYPE_DOUBLE);
}

int64_t json_state_int(JsonReaderState *s, JsonObject *object, const char *key, int64_t fallback)
{
	JsonNode *node = member(object, key);
	if (!node)
		return fallback;
	if (is_number(node) && json_node_get_value_type(node) == G_TYPE_INT64)
		return json_node_get_int(node);
	json_state_fail(s, key, "a whole number was expected");
	return fallback;
}

bool json_state_bool(JsonReaderState *s, JsonObject *object, const char *key)
{
	JsonNode *node = member(object, key);
	if (node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN)
		return json_node_get_boolean(node);
	if (node)
		json_state_fail(s, key, "true or false was expected");
	return false;
}

double json_state_double(JsonReaderState *s, JsonObject *object, const char *key)
{
	JsonNode *node = member(object, key);
	if (!node)
		return NAN;
	if (is_number(node))
		return json_node_get_double(node);
	const char *text = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
	if (!g_strcmp0(text, "inf"))
		return INFINITY;
	if (!g_strcmp0(text, "-inf"))
		return -INFINITY;
	json_state_fail(s, key, "a number was expected");
	return NAN;
}
