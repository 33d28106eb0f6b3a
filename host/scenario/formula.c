#include "read.h"

#include <anzen/stl.h>

#include <string.h>

/* What a name in a formula is, and the words for it in messages. */
static unsigned classify(const Scenario *s, const char *name)
{
	RoleKind kind;
	if (g_str_has_prefix(name, "product."))
		return LOOKS_AT_PRODUCT;
	if (g_str_has_prefix(name, "truth.")) {
		for (size_t i = 0; i < s->n_truths; i++)
			if (!strcmp(s->truths[i].name, name + strlen("truth.")))
				return LOOKS_AT_TRUTH;
		return 0;
	}
	if (!scenario_role(s, name, &kind))
		return 0;
	return kind == ROLE_ACTUATOR ? LOOKS_AT_COMMANDS : LOOKS_AT_SENSORS;
}

static void check_signal(Reader *r, const YamlNode *node, const char *what, unsigned allowed,
			 const char *name, unsigned *seen)
{
	unsigned kind = classify(r->scenario, name);
	*seen |= kind;
	if (kind & allowed)
		return;
	if (kind == LOOKS_AT_PRODUCT)
		yaml_error(r->doc, node, r->diag,
			   "%s must not look at '%s': the product decides it", what, name);
	else if (kind == LOOKS_AT_COMMANDS)
		yaml_error(r->doc, node, r->diag,
			   "%s must not look at '%s': a command does not show that it happened",
			   what, name);
	else if (kind == LOOKS_AT_TRUTH)
		yaml_error(r->doc, node, r->diag,
			   "%s must not look at '%s': truths are known after the run", what, name);
	else if (g_str_has_prefix(name, "truth."))
		yaml_error(r->doc, node, r->diag, "there is no truth '%s'", name);
	else
		yaml_error(r->doc, node, r->diag, "'%s' is not listed in needs", name);
}

static void check_parameter(Reader *r, const YamlNode *node, const char *name)
{
	const Parameter *p = scenario_parameter(r->scenario, name);
	if (!p) {
		yaml_error(r->doc, node, r->diag, "there is no parameter '$%s'", name);
		return;
	}
	g_hash_table_add(r->used, p->name);
	if (p->words)
		yaml_error(r->doc, node, r->diag,
			   "parameter '$%s' is a word; a formula needs a number", name);
}

/* ---- syntax and units ------------------------------------------------------------------------------- */

/* The file's bytes where a node stands. */
static const char *bytes_at(const YamlDoc *doc, const YamlNode *node)
{
	size_t length;
	const char *p = yaml_bytes(doc, &length);
	for (unsigned line = 1; line < yaml_line(node) && p; line++) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	for (unsigned column = 1; column < yaml_column(node) && p && *p && *p != '\n'; column++)
		p = g_utf8_next_char(p);
	return p ? p : "";
}

/* An error at a character of the formula. Its column in the file is known when the text stands there as it is: not folded
 * over lines, no escapes. Otherwise the message keeps the column within the formula. */
static void formula_error(Reader *r, const YamlNode *node, unsigned column, const char *message)
{
	const char *at = bytes_at(r->doc, node);
	unsigned quote = *at == '"' || *at == '\'';
	const char *text = message;
	if (!column || !g_str_has_prefix(at + quote, yaml_text(node))) {
		yaml_error(r->doc, node, r->diag, "%s", message);
		return;
	}
	if (g_str_has_prefix(message, "column ") && strstr(message, ": "))
		text = strstr(message, ": ") + 2;
	diagnostics_add(r->diag, false, yaml_file(r->doc), yaml_line(node),
			yaml_column(node) + quote + column - 1, "%s", text);
}

static bool parameter_value(void *user, const char *name, Quantity *ret)
{
	const Parameter *p = scenario_parameter(((Reader *)user)->scenario, name);
	if (!p || p->words)
		return false;
	*ret = p->value;
	return true;
}

/* What lies beyond the end of the timeline is never known: such a formula cannot be decided. */
static void check_horizon(Reader *r, const YamlNode *node, const char *what, const StlFormula *f,
			  int64_t horizon_ns)
{
	double future = stl_formula_future_bounded(f);
	if (horizon_ns != CLOCK_NEVER && future * 1e9 > (double)horizon_ns)
		yaml_error(r->doc, node, r->diag,
			   "%s looks %g s ahead, beyond the timeline's end at %g s", what, future,
			   (double)horizon_ns / 1e9);
}

void check_formula(Reader *r, const YamlNode *node, const char *what, unsigned allowed,
		   int64_t horizon_ns, unsigned *ret_seen)
{
	unsigned seen = 0, column = 0;
	size_t before = diagnostics_errors(r->diag);
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = stl_parse(yaml_text(node), &column, &error);
	if (!f) {
		formula_error(r, node, column, error->message);
		return;
	}
	for (size_t i = 0; i < stl_formula_n_signals(f); i++)
		check_signal(r, node, what, allowed, stl_formula_signal(f, i), &seen);
	for (size_t i = 0; i < stl_formula_n_parameters(f); i++)
		check_parameter(r, node, stl_formula_parameter(f, i));
	if (ret_seen)
		*ret_seen = seen;
	if (diagnostics_errors(r->diag) > before)
		return;
	if (stl_formula_kind(f) != STL_KIND_FORMULA) {
		yaml_error(r->doc, node, r->diag, "%s must be true or false, not a value", what);
		return;
	}
	/* Units of signals are the rig's to know; parameters and bounds are checked here. */
	const StlScope scope = {.parameter = parameter_value, .user = r};
	if (!stl_check(f, &scope, &column, &error))
		formula_error(r, node, column, error->message);
	else
		check_horizon(r, node, what, f, horizon_ns);
}
