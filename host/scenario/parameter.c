#include "read.h"

#include <math.h>
#include <string.h>

static Parameter *find(Reader *r, const char *name)
{
	for (size_t i = 0; i < r->scenario->n_parameters; i++)
		if (!strcmp(r->scenario->parameters[i].name, name))
			return &r->scenario->parameters[i];
	return NULL;
}

/* ---- declarations ----------------------------------------------------------------------------------- */

/* A number of the parameter: with its unit, or bare in that unit. */
static gboolean parse_in_unit(const char *text, const Unit *unit, double *ret, GError **error)
{
	Quantity q;
	if (!quantity_parse(text, &q, error))
		return FALSE;
	if (!strcmp(q.unit.symbol, "1")) {
		*ret = q.value;
		return TRUE;
	}
	return quantity_parse_as(text, unit, ret, error);
}

static bool read_bound(Reader *r, const YamlNode *node, const Unit *unit, double *ret)
{
	g_autoptr(GError) error = NULL;
	if (parse_in_unit(yaml_text(node), unit, ret, &error))
		return true;
	yaml_error(r->doc, node, r->diag, "%s", error->message);
	return false;
}

static bool read_number_kind(Reader *r, Parameter *p, const YamlNode *node)
{
	const YamlNode *unit = yaml_get(node, "unit"), *range = yaml_get(node, "range");
	g_autoptr(GError) error = NULL;
	if (!unit || !range) {
		yaml_error(r->doc, node, r->diag,
			   "parameter '%s' needs a unit and a range, or a list of values", p->name);
		return false;
	}
	if (!unit_parse(yaml_text(unit), &p->value.unit, &error)) {
		yaml_error(r->doc, unit, r->diag, "%s", error->message);
		return false;
	}
	if (!read_bound(r, yaml_item(range, 0), &p->value.unit, &p->lo) ||
	    !read_bound(r, yaml_item(range, 1), &p->value.unit, &p->hi))
		return false;
	if (p->lo > p->hi)
		yaml_error(r->doc, range, r->diag,
			   "the range of '%s' is empty: write the smaller value first", p->name);
	return true;
}

/* Choose a value; the error says what is allowed. */
static gboolean choose(Parameter *p, const char *text, GError **error)
{
	if (p->words) {
		if (!g_strv_contains((const char *const *)p->words, text)) {
			g_autofree char *all = g_strjoinv(", ", p->words);
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "%s is one of %s, not '%s'", p->name, all, text);
			return FALSE;
		}
		g_free(p->word);
		p->word = g_strdup(text);
		return TRUE;
	}
	double v;
	g_autoptr(GError) cause = NULL;
	if (!parse_in_unit(text, &p->value.unit, &v, &cause)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s", p->name,
			    cause->message);
		return FALSE;
	}
	if (!(v >= p->lo && v <= p->hi)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s = %s is outside its range of %g to %g %s", p->name, text, p->lo,
			    p->hi, p->value.unit.symbol);
		return FALSE;
	}
	p->value.value = v;
	return TRUE;
}

static void read_parameter(Reader *r, Parameter *p, const YamlNode *key, const YamlNode *node)
{
	const YamlNode *values = yaml_get(node, "values"), *fallback = yaml_get(node, "default");
	g_autoptr(GError) error = NULL;
	*p = (Parameter){.name = g_strdup(yaml_text(key)), .value = {.unit = unit_one}};
	if (values && (yaml_get(node, "unit") || yaml_get(node, "range")))
		yaml_error(r->doc, node, r->diag,
			   "parameter '%s' has either values or unit and range, not both", p->name);
	p->words = values ? read_words(values) : NULL;
	if (!values && !read_number_kind(r, p, node))
		return;
	if (!choose(p, yaml_text(fallback), &error))
		yaml_error(r->doc, fallback, r->diag, "%s", error->message);
}

static void apply_set(Reader *r, const char *set)
{
	const char *equals = strchr(set, '=');
	if (!equals) {
		diagnostics_add(r->diag, false, "--set", 0, 0, "expected name=value, found '%s'",
				set);
		return;
	}
	g_autofree char *name = g_strstrip(g_strndup(set, (gsize)(equals - set)));
	g_autofree char *value = g_strstrip(g_strdup(equals + 1));
	Parameter *p = find(r, name);
	if (!p) {
		g_autoptr(GPtrArray) names = g_ptr_array_new();
		for (size_t i = 0; i < r->scenario->n_parameters; i++)
			g_ptr_array_add(names, r->scenario->parameters[i].name);
		g_ptr_array_add(names, NULL);
		g_autofree char *near = text_did_you_mean(name, (const char *const *)names->pdata);
		diagnostics_add(r->diag, false, "--set", 0, 0,
				"the scenario has no parameter '%s'%s", name, near);
		return;
	}
	if (p->set)
		diagnostics_add(r->diag, false, "--set", 0, 0, "%s is set twice", name);
	g_autoptr(GError) error = NULL;
	if (!choose(p, value, &error))
		diagnostics_add(r->diag, false, "--set", 0, 0, "%s", error->message);
	p->set = true;
}

void read_parameters(Reader *r, const YamlNode *node, const char *const *sets)
{
	size_t n = node ? yaml_size(node) : 0;
	r->scenario->parameters = g_new0(Parameter, n + 1);
	for (size_t i = 0; i < n; i++) {
		r->scenario->n_parameters = i + 1;
		read_parameter(r, &r->scenario->parameters[i], yaml_key_at(node, i),
			       yaml_value_at(node, i));
	}
	for (; sets && *sets; sets++)
		apply_set(r, *sets);
}

void report_unused(Reader *r, const YamlNode *node)
{
	for (size_t i = 0; node && i < yaml_size(node); i++) {
		const YamlNode *key = yaml_key_at(node, i);
		if (!g_hash_table_contains(r->used, yaml_text(key)))
			yaml_error(r->doc, key, r->diag, "parameter '%s' is never used",
				   yaml_text(key));
	}
}

/* ---- use -------------------------------------------------------------------------------------------- */

const Parameter *use_parameter(Reader *r, const YamlNode *node, const char *name)
{
	Parameter *p = find(r, name);
	if (p)
		g_hash_table_add(r->used, p->name);
	else
		yaml_error(r->doc, node, r->diag, "there is no parameter '$%s'", name);
	return p;
}

bool read_quantity(Reader *r, const YamlNode *node, const Unit *want, Quantity *ret)
{
	const char *text = yaml_text(node);
	Quantity q;
	g_autoptr(GError) error = NULL;
	if (text[0] == '$') {
		const Parameter *p = use_parameter(r, node, text + 1);
		if (!p)
			return false;
		if (p->words) {
			yaml_error(r->doc, node, r->diag,
				   "parameter '%s' is a word; a number is needed here", text);
			return false;
		}
		q = p->value;
	} else if (!quantity_parse(text, &q, &error)) {
		yaml_error(r->doc, node, r->diag, "%s", error->message);
		return false;
	}
	if (want && !unit_compatible(&q.unit, want)) {
		yaml_error(r->doc, node, r->diag, "'%s' is in %s; expected a value in %s", text,
			   q.unit.symbol, want->symbol);
		return false;
	}
	*ret = q;
	return true;
}

int64_t read_time(Reader *r, const YamlNode *node, int64_t fallback_ns)
{
	Quantity q;
	if (!node || !read_quantity(r, node, &unit_second, &q))
		return fallback_ns;
	if (yaml_text(node)[0] != '$')
		return shape_ns(node, fallback_ns);
	double ns = nearbyint(unit_convert(q.value, &q.unit, &unit_second) * 1e9);
	if (fabs(ns) < 9.2e18)
		return (int64_t)ns;
	yaml_error(r->doc, node, r->diag, "'%s' is too long a time", yaml_text(node));
	return fallback_ns;
}

char *fill_text(Reader *r, const YamlNode *node, const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);
	while (*text) {
		if (text[0] != '$' || !g_ascii_islower(text[1])) {
			g_string_append_c(out, *text++);
			continue;
		}
		size_t n = 1;
		while (g_ascii_islower(text[n]) || g_ascii_isdigit(text[n]) ||
		       (text[n] == '-' &&
			(g_ascii_islower(text[n + 1]) || g_ascii_isdigit(text[n + 1]))))
			n++;
		g_autofree char *name = g_strndup(text + 1, n - 1);
		const Parameter *p = use_parameter(r, node, name);
		if (p && p->words) {
			g_string_append(out, p->word ? p->word : "");
		} else if (p) {
			text_append_number(out, p->value.value);
			if (strcmp(p->value.unit.symbol, "1") != 0)
				g_string_append_printf(out, " %s", p->value.unit.symbol);
		}
		text += n;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}
