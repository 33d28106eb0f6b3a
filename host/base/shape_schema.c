#include "shape_text.h"

#include <anzen/base/text.h>

#include <math.h>
#include <string.h>

/* Writes draft 2020-12 by hand: base uses no JSON library, and the order of keys must not change between versions,
 * for docs/schema is compared byte by byte. */

typedef struct {
	GString *out;
	unsigned indent;
} Writer;

static void write_shape(Writer *w, const Shape *shape, const char *doc, const char *kind);

static void newline(Writer *w)
{
	g_string_append_printf(w->out, "\n%*s", (int)(2 * w->indent), "");
}

/* Begin a member; `first` says whether a comma is needed. */
static void member(Writer *w, bool *first, const char *key)
{
	if (!*first)
		g_string_append_c(w->out, ',');
	*first = false;
	newline(w);
	text_append_json(w->out, key);
	g_string_append(w->out, ": ");
}

static void text_member(Writer *w, bool *first, const char *key, const char *text)
{
	member(w, first, key);
	text_append_json(w->out, text);
}

static void number_member(Writer *w, bool *first, const char *key, double value)
{
	if (!isfinite(value))
		return;
	member(w, first, key);
	text_append_number(w->out, value);
}

static void open_object(Writer *w)
{
	g_string_append_c(w->out, '{');
	w->indent++;
}

static void close_object(Writer *w)
{
	w->indent--;
	newline(w);
	g_string_append_c(w->out, '}');
}

static void pattern_member(Writer *w, bool *first, const char *pattern)
{
	g_autofree char *anchored = g_strdup_printf("^(?:%s)$", pattern);
	text_member(w, first, "pattern", anchored);
}

static void bounds(Writer *w, bool *first, const Shape *shape, const char *lo, const char *hi)
{
	if (shape->lo == 0 && shape->hi == 0)
		return;
	number_member(w, first, lo, shape->lo);
	number_member(w, first, hi, shape->hi);
}

/* A schema cannot convert units: it checks the form "number unit" and leaves the rest to `anzen check`. */
static void write_quantity(Writer *w, bool *first, const Shape *shape)
{
	bool bare = !shape->unit || !strcmp(shape->unit, "1");
	member(w, first, "type");
	g_string_append(w->out, bare ? "[\"string\", \"number\"]" : "\"string\"");
	g_autofree char *pattern = g_strdup_printf("%s[ \\t]*%s", SHAPE_NUMBER_PATTERN,
						   bare ? "[^0-9 ]?.*" : "[^0-9 ].*");
	pattern_member(w, first, pattern);
}

static void write_words(Writer *w, bool *first, const char *const *words)
{
	member(w, first, "enum");
	g_string_append_c(w->out, '[');
	for (const char *const *word = words; *word; word++) {
		g_string_append(w->out, word == words ? "" : ", ");
		text_append_json(w->out, *word);
	}
	g_string_append_c(w->out, ']');
}

static bool has_field(const Shape *shape, const char *key)
{
	for (const ShapeField *f = shape->fields; f->key; f++)
		if (!strcmp(f->key, key))
			return true;
	return false;
}

static void write_required(Writer *w, bool *first, const Shape *shape, bool with_kind)
{
	bool none = true;
	g_autoptr(GString) list = g_string_new(NULL);
	if (with_kind) {
		text_append_json(list, "anzen");
		none = false;
	}
	for (const ShapeField *f = shape->fields; f->key; f++)
		if (f->required) {
			g_string_append(list, none ? "" : ", ");
			text_append_json(list, f->key);
			none = false;
		}
	if (none)
		return;
	member(w, first, "required");
	g_string_append_printf(w->out, "[%s]", list->str);
}

static void write_record(Writer *w, bool *first, const Shape *shape, const char *kind)
{
	bool with_kind = kind && !has_field(shape, "anzen");
	text_member(w, first, "type", "object");
	member(w, first, "additionalProperties");
	g_string_append(w->out, "false");
	write_required(w, first, shape, with_kind);
	member(w, first, "properties");
	open_object(w);
	bool none = true;
	if (with_kind) {
		member(w, &none, "anzen");
		g_string_append(w->out, "{\"const\": ");
		text_append_json(w->out, kind);
		g_string_append_c(w->out, '}');
	}
	for (const ShapeField *f = shape->fields; f->key; f++) {
		member(w, &none, f->key);
		write_shape(w, f->shape, f->doc, NULL);
	}
	close_object(w);
}

static void write_map(Writer *w, bool *first, const Shape *shape)
{
	text_member(w, first, "type", "object");
	bounds(w, first, shape, "minProperties", "maxProperties");
	if (shape->pattern) {
		member(w, first, "propertyNames");
		open_object(w);
		bool none = true;
		pattern_member(w, &none, shape->pattern);
		close_object(w);
	}
	member(w, first, "additionalProperties");
	write_shape(w, shape->item, NULL, NULL);
}

static void write_either(Writer *w, bool *first, const Shape *shape)
{
	member(w, first, "anyOf");
	g_string_append_c(w->out, '[');
	w->indent++;
	for (const Shape *const *s = shape->either; *s; s++) {
		g_string_append(w->out, s == shape->either ? "" : ",");
		newline(w);
		write_shape(w, *s, NULL, NULL);
	}
	w->indent--;
	newline(w);
	g_string_append_c(w->out, ']');
}

static void write_title(Writer *w, bool *first)
{
	text_member(w, first, "type", "object");
	member(w, first, "additionalProperties");
	g_string_append(w->out, "false");
	member(w, first, "required");
	g_string_append(w->out, "[\"en\", \"ja\"]");
	member(w, first, "properties");
	g_string_append(w->out, "{\"en\": {\"type\": \"string\", \"minLength\": 1}, "
				"\"ja\": {\"type\": \"string\", \"minLength\": 1}}");
}

/* A text that happens to look like a number or truth value is a text to us, not to a JSON reader of YAML. */
static void write_text(Writer *w, bool *first, const Shape *shape)
{
	member(w, first, "type");
	g_string_append(w->out, shape->type == SHAPE_TEXT && !shape->pattern
					? "[\"string\", \"number\", \"boolean\"]"
					: "\"string\"");
	if (shape->pattern || shape->type == SHAPE_ID)
		pattern_member(w, first, shape->pattern ? shape->pattern : SHAPE_ID_PATTERN);
}

static void write_body(Writer *w, bool *first, const Shape *shape, const char *kind)
{
	switch (shape->type) {
	case SHAPE_TEXT:
	case SHAPE_ID:
	case SHAPE_FORMULA:
		write_text(w, first, shape);
		return;
	case SHAPE_WORD:
		write_words(w, first, shape->words);
		return;
	case SHAPE_INTEGER:
	case SHAPE_NUMBER:
		text_member(w, first, "type", shape->type == SHAPE_INTEGER ? "integer" : "number");
		bounds(w, first, shape, "minimum", "maximum");
		return;
	case SHAPE_BOOLEAN:
		text_member(w, first, "type", "boolean");
		return;
	case SHAPE_QUANTITY:
		write_quantity(w, first, shape);
		return;
	case SHAPE_TITLE:
		write_title(w, first);
		return;
	case SHAPE_DATE:
		text_member(w, first, "type", "string");
		pattern_member(w, first, SHAPE_DATE_PATTERN);
		return;
	case SHAPE_RECORD:
		write_record(w, first, shape, kind);
		return;
	case SHAPE_MAP:
		write_map(w, first, shape);
		return;
	case SHAPE_LIST:
		text_member(w, first, "type", "array");
		bounds(w, first, shape, "minItems", "maxItems");
		member(w, first, "items");
		write_shape(w, shape->item, NULL, NULL);
		return;
	case SHAPE_ANY:
		return;
	case SHAPE_ONE_OF:
		write_either(w, first, shape);
		return;
	}
}

static void describe(Writer *w, bool *first, const Shape *shape, const char *doc)
{
	g_autofree char *range = shape->type == SHAPE_QUANTITY && (shape->lo != 0 || shape->hi != 0)
					 ? shape_range(shape)
					 : NULL;
	g_autofree char *text = g_strdup_printf("%s%s%s", doc ? doc : "", doc && range ? "; " : "",
						range ? range : "");
	if (*text)
		text_member(w, first, "description", text);
}

static void write_shape(Writer *w, const Shape *shape, const char *doc, const char *kind)
{
	bool first = true;
	open_object(w);
	describe(w, &first, shape, doc);
	write_body(w, &first, shape, kind);
	close_object(w);
}

char *shape_json_schema(const Shape *shape, const char *kind, const char *title)
{
	g_autoptr(GString) out = g_string_new(NULL);
	Writer w = {.out = out};
	bool first = true;
	open_object(&w);
	text_member(&w, &first, "$schema", "https://json-schema.org/draft/2020-12/schema");
	text_member(&w, &first, "title", title);
	write_body(&w, &first, shape, kind);
	close_object(&w);
	g_string_append_c(out, '\n');
	return g_string_free(g_steal_pointer(&out), FALSE);
}
