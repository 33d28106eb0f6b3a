#include "ast.h"

#include <math.h>
#include <string.h>

/* Canonical text of a formula, and other words. */

static void number(GString *out, double v, const Unit *unit)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	g_string_append(out, g_ascii_formatd(digits, sizeof(digits), "%.12g", v));
	if (!unit_is_dimensionless(unit) || strcmp(unit->symbol, "1") != 0)
		g_string_append_printf(out, " %s", unit->symbol);
}

static void bound(const StlFormula *f, const Quantity *q, const char *parameter, double s,
		  bool filled, GString *out)
{
	if (parameter && filled && f->checked && isfinite(s))
		number(out, s, &unit_second);
	else if (parameter)
		g_string_append_printf(out, "$%s", parameter);
	else if (isinf(q->value))
		g_string_append(out, q->value > 0 ? "inf" : "-inf");
	else
		number(out, q->value, &q->unit);
}

static void interval(const StlFormula *f, const Node *n, bool filled, GString *out)
{
	g_string_append_c(out, n->lo_open ? '(' : '[');
	bound(f, &n->lo, n->lo_parameter, n->lo_s, filled, out);
	g_string_append(out, ", ");
	bound(f, &n->hi, n->hi_parameter, n->hi_s, filled, out);
	g_string_append_c(out, n->hi_open ? ')' : ']');
}

/* A quantifier that has its copies prints as these. */
static const Node *inside(const Node *n)
{
	while ((n->kind == N_EVERY || n->kind == N_SOME) && n->a)
		n = n->a;
	return n;
}

static bool is_step(const Node *n)
{
	return n->kind == N_NEXT || n->kind == N_STRONG_NEXT || n->kind == N_PREVIOUS ||
	       n->kind == N_STRONG_PREVIOUS;
}

static void child(const StlFormula *f, const Node *n, int least, bool filled, GString *out)
{
	n = inside(n);
	bool open_end = n->kind == N_EVERY || n->kind == N_SOME;
	bool wrap = open_end || operators[n->kind].strength < least;
	if (wrap)
		g_string_append_c(out, '(');
	node_print(f, n, filled, out);
	if (wrap)
		g_string_append_c(out, ')');
}

void node_print(const StlFormula *f, const Node *n, bool filled, GString *out)
{
	n = inside(n);
	int s = operators[n->kind].strength;
	if (n->kind == N_EVERY || n->kind == N_SOME) {
		g_string_append_printf(out, "%s %s in %s: ", operators[n->kind].word, n->variable,
				       n->set);
		node_print(f, n->pattern, filled, out);
	} else if (n->kind == N_NUMBER) {
		number(out, n->value, &n->unit);
	} else if (n->kind == N_PARAMETER) {
		if (filled && f->checked && isfinite(n->value))
			number(out, n->value, &n->unit);
		else
			g_string_append_printf(out, "$%s",
					       stl_formula_parameter(f, (size_t)n->name));
	} else if (n->kind == N_SIGNAL) {
		g_string_append(out, n->path ? n->path : stl_formula_signal(f, (size_t)n->name));
	} else if (n->kind == N_TRUE || n->kind == N_FALSE) {
		g_string_append(out, n->kind == N_TRUE ? "true" : "false");
	} else if (n->kind == N_NEGATE) {
		g_string_append_c(out, '-');
		child(f, n->a, s, filled, out);
	} else if (s == 11) {
		g_string_append_printf(out, "%s(", operators[n->kind].word);
		node_print(f, n->a, filled, out);
		if (n->b) {
			g_string_append(out, ", ");
			node_print(f, n->b, filled, out);
		}
		g_string_append_c(out, ')');
		if (n->bounded) {
			g_string_append(out, " over ");
			interval(f, n, filled, out);
		}
	} else {
		bool chains =
			n->kind != N_IMPLIES && !node_is_comparison(n->kind); /* to the left */
		if (n->b)
			child(f, n->a, chains ? s : s + 1, filled, out);
		g_string_append_printf(out, n->b ? " %s" : "%s", operators[n->kind].word);
		if (n->bounded)
			interval(f, n, filled, out);
		g_string_append_c(out, ' ');
		int least = n->b && n->kind != N_IMPLIES ? s + 1 : is_step(n) ? 11 : s;
		child(f, n->b ? n->b : n->a, least, filled, out);
	}
}

char *stl_formula_print(const StlFormula *f, bool filled)
{
	GString *out = g_string_new(NULL);
	node_print(f, f->root, filled, out);
	return g_string_free(out, FALSE);
}

const char *stl_truth_name(StlTruth truth)
{
	switch (truth) {
	case STL_FALSE:
		return "false";
	case STL_UNKNOWN:
		return "unknown";
	case STL_TRUE:
		return "true";
	}
	return "?";
}
