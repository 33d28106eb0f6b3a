#include "read.h"

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

static bool name_byte(char c)
{
	return g_ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
}

void check_formula(Reader *r, const YamlNode *node, const char *what, unsigned allowed,
		   int64_t horizon_ns, unsigned *ret_seen)
{
	unsigned seen = 0;
	(void)horizon_ns;
	for (const char *p = yaml_text(node); *p;) {
		bool parameter = *p == '$';
		const char *start = p + parameter;
		size_t n = 0;
		while (name_byte(start[n]))
			n++;
		g_autofree char *word = g_strndup(start, n);
		if (parameter)
			check_parameter(r, node, word);
		else if (g_ascii_isalpha(*word) && strchr(word, '.'))
			check_signal(r, node, what, allowed, word, &seen);
		p = start + (n ? n : !parameter);
	}
	if (ret_seen)
		*ret_seen = seen;
}
