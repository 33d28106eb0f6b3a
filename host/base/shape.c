#include <anzen/base/clock.h>
#include <anzen/base/error.h>
#include <anzen/base/shape.h>
#include <anzen/base/text.h>

#include "shape_text.h"

#include <math.h>
#include <string.h>

typedef struct {
	const YamlDoc *doc;
	Diagnostics *diag;
} Checker;

static void check(const Checker *c, const Shape *shape, const YamlNode *node);

/* ---- messages --------------------------------------------------------------------------------------- */

static char *describe(const YamlNode *node)
{
	switch (yaml_kind(node)) {
	case YAML_SCALAR:
		return g_strdup_printf("'%.60s'", yaml_text(node));
	case YAML_SEQUENCE:
		return g_strdup("a list");
	case YAML_MAPPING:
		return g_strdup("keys and values");
	case YAML_NULL:
		return g_strdup("nothing");
	}
	g_assert_not_reached();
}

static void unexpected(const Checker *c, const Shape *shape, const YamlNode *node)
{
	g_autofree char *expected = shape_expected(shape);
	g_autofree char *found = describe(node);
	yaml_error(c->doc, node, c->diag, "expected %s, found %s", expected, found);
}

/* ---- scalars ---------------------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *text)
{
	g_autofree char *anchored = g_strdup_printf("^(?:%s)$", pattern);
	/* DOLLAR_ENDONLY: "abc\n" is not "abc". */
	return g_regex_match_simple(anchored, text, G_REGEX_DOLLAR_ENDONLY, 0);
}

static void check_bounds(const Checker *c, const Shape *shape, const YamlNode *node, double value)
{
	if (shape->lo == 0 && shape->hi == 0)
		return;
	if (value >= shape->lo && value <= shape->hi)
		return;
	g_autofree char *range = shape_range(shape);
	yaml_error(c->doc, node, c->diag, "%s is out of range: expected %s", yaml_text(node),
		   range);
}

static void check_number(const Checker *c, const Shape *shape, const YamlNode *node)
{
	const char *text = yaml_text(node);
	const char *pattern =
		shape->type == SHAPE_INTEGER ? SHAPE_INTEGER_PATTERN : SHAPE_NUMBER_PATTERN;
	if (yaml_quoted(node) || !matches(pattern, text)) {
		unexpected(c, shape, node);
		return;
	}
	double value = g_ascii_strtod(text, NULL);
	if (isfinite(value))
		check_bounds(c, shape, node, value);
	else
		unexpected(c, shape, node);
}

static void check_quantity(const Checker *c, const Shape *shape, const YamlNode *node)
{
	g_autoptr(GError) error = NULL;
	Quantity any;
	Unit want = unit_one;
	double value;
	if (!shape->unit) {
		if (!quantity_parse(yaml_text(node), &any, &error))
			yaml_error(c->doc, node, c->diag, "%s", error->message);
		return;
	}
	if (!unit_parse(shape->unit, &want, NULL))
		g_error("a shape names the unit '%s', which does not exist", shape->unit);
	if (quantity_parse_as(yaml_text(node), &want, &value, &error))
		check_bounds(c, shape, node, value);
	else
		yaml_error(c->doc, node, c->diag, "%s", error->message);
}

static void check_word(const Checker *c, const Shape *shape, const YamlNode *node)
{
	if (g_strv_contains(shape->words, yaml_text(node)))
		return;
	g_autofree char *expected = shape_expected(shape);
	g_autofree char *near = text_did_you_mean(yaml_text(node), shape->words);
	yaml_error(c->doc, node, c->diag, "expected %s, found '%.60s'%s", expected, yaml_text(node),
		   near);
}

static bool is_date(const char *text)
{
	if (!matches(SHAPE_DATE_PATTERN, text))
		return false;
	return g_date_valid_dmy((GDateDay)atoi(text + 8), (GDateMonth)atoi(text + 5),
				(GDateYear)atoi(text));
}

static void check_scalar(const Checker *c, const Shape *shape, const YamlNode *node)
{
	const char *text = yaml_text(node);
	if (!text) {
		/* "" is a text, if a strange one; a missing value is not. */
		unexpected(c, shape, node);
		return;
	}
	const char *pattern = shape->pattern            ? shape->pattern
			      : shape->type == SHAPE_ID ? SHAPE_ID_PATTERN
							: NULL;
	if (shape->type == SHAPE_INTEGER || shape->type == SHAPE_NUMBER)
		check_number(c, shape, node);
	else if (shape->type == SHAPE_QUANTITY)
		check_quantity(c, shape, node);
	else if (shape->type == SHAPE_WORD)
		check_word(c, shape, node);
	else if (shape->type == SHAPE_BOOLEAN ? yaml_quoted(node) || (strcmp(text, "true") != 0 &&
								      strcmp(text, "false") != 0)
		 : shape->type == SHAPE_DATE  ? !is_date(text)
					      : !*text || (pattern && !matches(pattern, text)))
		unexpected(c, shape, node);
}

/* ---- collections ------------------------------------------------------------------------------------ */

static const ShapeField *find_field(const Shape *shape, const char *key)
{
	for (const ShapeField *f = shape->fields; f->key; f++)
		if (!strcmp(f->key, key))
			return f;
	return NULL;
}

static void unknown_key(const Checker *c, const Shape *shape, const YamlNode *key,
			const YamlNode *value)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (const ShapeField *f = shape->fields; f->key; f++)
		g_ptr_array_add(names, (gpointer)(uintptr_t)f->key);
	g_ptr_array_add(names, NULL);
	const char *const *words = (const char *const *)names->pdata;
	g_autofree char *near = text_did_you_mean(yaml_text(key), words);
	g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
	/* {en: Fall, from a chair} reads as two keys. */
	const char *comma =
		yaml_kind(value) == YAML_NULL ? " (a text with a comma must stand in quotes)" : "";
	if (*near)
		yaml_error(c->doc, key, c->diag, "unknown key '%.60s'%s%s", yaml_text(key), near,
			   comma);
	else
		yaml_error(c->doc, key, c->diag, "unknown key '%.60s': expected %s%s",
			   yaml_text(key), all, comma);
}

static void check_record(const Checker *c, const Shape *shape, const YamlNode *node)
{
	if (yaml_kind(node) != YAML_MAPPING) {
		unexpected(c, shape, node);
		return;
	}
	bool root = node == yaml_root(c->doc);
	for (size_t i = 0; i < yaml_size(node); i++) {
		const YamlNode *key = yaml_key_at(node, i), *value = yaml_value_at(node, i);
		const ShapeField *field = find_field(shape, yaml_text(key));
		if (field)
			check(c, field->shape, value);
		else if (!root || strcmp(yaml_text(key), "anzen") != 0)
			unknown_key(c, shape, key, value);
	}
	for (const ShapeField *f = shape->fields; f->key; f++)
		if (f->required && !yaml_get(node, f->key))
			yaml_error(c->doc, node, c->diag, "key '%s' is missing%s%s%s", f->key,
				   f->doc ? " (" : "", f->doc ? f->doc : "", f->doc ? ")" : "");
}

static void check_size(const Checker *c, const Shape *shape, const YamlNode *node)
{
	double n = (double)yaml_size(node);
	if ((shape->lo == 0 && shape->hi == 0) || (n >= shape->lo && n <= shape->hi))
		return;
	g_autofree char *range = shape_range(shape);
	yaml_error(c->doc, node, c->diag, "expected %s entries, found %zu", range, yaml_size(node));
}

static void check_map(const Checker *c, const Shape *shape, const YamlNode *node)
{
	if (yaml_kind(node) != YAML_MAPPING) {
		unexpected(c, shape, node);
		return;
	}
	check_size(c, shape, node);
	for (size_t i = 0; i < yaml_size(node); i++) {
		const YamlNode *key = yaml_key_at(node, i);
		if (shape->pattern && !matches(shape->pattern, yaml_text(key)))
			yaml_error(c->doc, key, c->diag,
				   "'%.60s' is not a good name here: expected %s", yaml_text(key),
				   shape->pattern);
		check(c, shape->item, yaml_value_at(node, i));
	}
}

static void check_list(const Checker *c, const Shape *shape, const YamlNode *node)
{
	if (yaml_kind(node) != YAML_SEQUENCE) {
		unexpected(c, shape, node);
		return;
	}
	check_size(c, shape, node);
	for (size_t i = 0; i < yaml_size(node); i++)
		check(c, shape->item, yaml_item(node, i));
}

static void check_title(const Checker *c, const Shape *shape, const YamlNode *node)
{
	static const Shape text = {.type = SHAPE_TEXT};
	static const ShapeField fields[] = {
		{"en", &text, true, "the English text"},
		{"ja", &text, true, "the Japanese text"},
		{NULL, NULL, false, NULL},
	};
	static const Shape record = {.type = SHAPE_RECORD, .fields = fields};
	if (yaml_kind(node) == YAML_MAPPING)
		check_record(c, &record, node);
	else
		unexpected(c, shape, node);
}

static YamlKind kind_of_shape(const Shape *shape)
{
	switch (shape->type) {
	case SHAPE_RECORD:
	case SHAPE_MAP:
	case SHAPE_TITLE:
		return YAML_MAPPING;
	case SHAPE_LIST:
		return YAML_SEQUENCE;
	case SHAPE_TEXT:
	case SHAPE_ID:
	case SHAPE_WORD:
	case SHAPE_INTEGER:
	case SHAPE_NUMBER:
	case SHAPE_BOOLEAN:
	case SHAPE_QUANTITY:
	case SHAPE_FORMULA:
	case SHAPE_DATE:
		return YAML_SCALAR;
	case SHAPE_ANY:
	case SHAPE_ONE_OF:
		return YAML_NULL;
	}
	g_assert_not_reached();
}

/* Take the first alternative without an error. When all fail, the only one of the right form speaks for itself (its
 * message is more exact); else the list of what could stand here. */
static void check_one_of(const Checker *c, const Shape *shape, const YamlNode *node)
{
	const Shape *speaker = NULL;
	unsigned same_form = 0;
	for (const Shape *const *s = shape->either; *s; s++) {
		g_autoptr(Diagnostics) silent = diagnostics_new();
		Checker trial = {.doc = c->doc, .diag = silent};
		check(&trial, *s, node);
		if (diagnostics_errors(silent) == 0)
			return;
		YamlKind kind = kind_of_shape(*s);
		if (kind != YAML_SCALAR && kind == yaml_kind(node)) {
			speaker = *s;
			same_form++;
		}
	}
	if (same_form == 1)
		check(c, speaker, node);
	else
		unexpected(c, shape, node);
}

static void check(const Checker *c, const Shape *shape, const YamlNode *node)
{
	switch (shape->type) {
	case SHAPE_TEXT:
	case SHAPE_ID:
	case SHAPE_WORD:
	case SHAPE_INTEGER:
	case SHAPE_NUMBER:
	case SHAPE_BOOLEAN:
	case SHAPE_QUANTITY:
	case SHAPE_FORMULA:
	case SHAPE_DATE:
		check_scalar(c, shape, node);
		break;
	case SHAPE_TITLE:
		check_title(c, shape, node);
		break;
	case SHAPE_RECORD:
		check_record(c, shape, node);
		break;
	case SHAPE_MAP:
		check_map(c, shape, node);
		break;
	case SHAPE_LIST:
		check_list(c, shape, node);
		break;
	case SHAPE_ANY:
		break;
	case SHAPE_ONE_OF:
		check_one_of(c, shape, node);
		break;
	}
}

bool shape_check(const Shape *shape, const YamlDoc *doc, const YamlNode *node, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	Checker c = {.doc = doc, .diag = diag};
	check(&c, shape, node);
	return diagnostics_errors(diag) == before;
}

/* ---- reading a checked tree ------------------------------------------------------------------------- */

double shape_quantity(const YamlNode *node, const char *unit, double fallback)
{
	Unit want;
	double value;
	if (!node || !yaml_text(node) || !unit_parse(unit, &want, NULL) ||
	    !quantity_parse_as(yaml_text(node), &want, &value, NULL))
		return fallback;
	return value;
}

int64_t shape_ns(const YamlNode *node, int64_t fallback_ns)
{
	int64_t ns;
	return node && yaml_text(node) && quantity_parse_ns(yaml_text(node), &ns, NULL)
		       ? ns
		       : fallback_ns;
}

double shape_number(const YamlNode *node, double fallback)
{
	return shape_quantity(node, "1", fallback);
}

bool shape_boolean(const YamlNode *node, bool fallback)
{
	return node && yaml_text(node) ? !strcmp(yaml_text(node), "true") : fallback;
}
