#include "parser.h"

#include <math.h>
#include <string.h>

/* Numbers, bounds, functions, names: what formulas are made of. */

/* ---- numbers and bounds ------------------------------------------------------------------------------------------ */

/* A word after a number is its unit when it is one and no keyword ("2 s", but "2 and …"). U and S are until and since; min is a
 * minute where it has no operands. */
static bool take_unit(Parser *p, Unit *ret)
{
	const char *s = p->x.start;
	bool minute = parser_is(p, T_NAME, "min") && !parser_opens(p);
	if (p->x.kind == T_END || (lex_keyword(&p->x) && !minute) || parser_is(p, T_NAME, "U") ||
	    parser_is(p, T_NAME, "S") || (p->x.kind != T_NAME && *s != '%'))
		return false;
	size_t n = lex_unit_length(s);
	if (n == 0)
		return false;
	g_autofree char *text = g_strndup(s, n);
	g_autoptr(GError) error = NULL;
	if (!unit_parse(text, ret, &error)) {
		parser_fail_at(p, lex_column(&p->x), error->message);
		return false;
	}
	p->x.at = s + n;
	lex_next(&p->x);
	return true;
}

static Node *parse_number(Parser *p)
{
	Node *n = parser_make(p, N_NUMBER, lex_column(&p->x), NULL, NULL);
	n->value = g_ascii_strtod(p->x.start, NULL);
	if (!isfinite(n->value)) {
		node_free(n);
		return parser_fail_at(p, lex_column(&p->x), "this number is too large");
	}
	lex_next(&p->x);
	n->bare = !take_unit(p, &n->unit);
	return n;
}

static bool parse_bound(Parser *p, Quantity *ret, char **ret_parameter)
{
	bool negative = parser_take(p, T_OP, "-");
	if (p->x.kind == T_PARAM && !negative) {
		*ret_parameter = g_strndup(p->x.start + 1, p->x.length - 1);
		formula_intern(p->f->parameters, p->x.start + 1, p->x.length - 1);
		lex_next(&p->x);
		return true;
	}
	if (parser_take(p, T_NAME, "inf")) {
		*ret = (Quantity){negative ? -INF : INF, unit_second};
		return true;
	}
	if (p->x.kind != T_NUMBER) {
		parser_fail(p, "expected a time bound such as 2 s");
		return false;
	}
	Node *n = parse_number(p);
	if (!n)
		return false;
	*ret = (Quantity){negative ? -n->value : n->value, n->unit};
	node_free(n);
	return !p->failed;
}

/* "(0 s, 5 s]" is an interval, "(x > 2)" a formula: after a bound and nothing else comes a comma. */
static bool open_interval_here(const Parser *p)
{
	if (!parser_is(p, T_OP, "("))
		return false;
	g_autoptr(StlFormula) scratch = g_new0(StlFormula, 1);
	scratch->parameters = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autofree char *parameter = NULL;
	Quantity q;
	Parser look = *p;
	look.f = scratch;
	look.error = &error;
	look.ret_column = NULL;
	lex_next(&look.x);
	return parse_bound(&look, &q, &parameter) &&
	       (parser_is(&look, T_OP, ",") || parser_is(&look, T_OP, ":"));
}

bool parse_interval(Parser *p, Node *n)
{
	n->lo = (Quantity){0, unit_second};
	n->hi = (Quantity){INF, unit_second};
	n->lo_open = open_interval_here(p);
	if (!parser_take(p, T_OP, n->lo_open ? "(" : "["))
		return true;
	n->bounded = true;
	if (!parse_bound(p, &n->lo, &n->lo_parameter))
		return false;
	if (!parser_take(p, T_OP, ":") && !parser_expect(p, ","))
		return false;
	if (!parse_bound(p, &n->hi, &n->hi_parameter))
		return false;
	n->hi_open = parser_take(p, T_OP, ")");
	return n->hi_open || parser_expect(p, "]");
}

/* ---- functions ----------------------------------------------------------------------------------------------------- */

typedef struct Function {
	const char *name;
	NodeKind kind;
	unsigned least, most; /* arguments */
	NodeKind over;        /* with one argument and "over [a, b]"; N_TRUE: it has no such form */
	bool also_without;    /* "over" may be left out */
} Function;

static const Function functions[] = {
	{"abs", N_ABS, 1, 1, N_TRUE, false},       {"min", N_MIN, 1, 100, N_MIN_OVER, false},
	{"max", N_MAX, 1, 100, N_MAX_OVER, false}, {"norm", N_NORM, 1, 100, N_TRUE, false},
	{"sqrt", N_SQRT, 1, 1, N_TRUE, false},     {"exp", N_EXP, 1, 1, N_TRUE, false},
	{"pow", N_POW, 2, 2, N_TRUE, false},       {"mean", N_MEAN_OVER, 1, 1, N_MEAN_OVER, false},
	{"count", N_COUNT, 1, 1, N_COUNT, true},   {"initial", N_INITIAL, 1, 1, N_TRUE, false},
	{"rise", N_RISE, 1, 1, N_TRUE, false},     {"fall", N_FALL, 1, 1, N_TRUE, false},
	{"delay", N_DELAY, 2, 2, N_TRUE, false},   {"duration", N_DURATION, 1, 1, N_TRUE, false},
};

/* Arguments fold to the left: max(a, b, c) is max(max(a, b), c). */
static Node *parse_arguments(Parser *p, const Function *f, unsigned column, unsigned *ret_n)
{
	Node *a = parse_iff(p);
	for (*ret_n = 1; a && parser_take(p, T_OP, ","); ++*ret_n) {
		if (*ret_n >= f->most) {
			parser_fail(p, "too many arguments");
			return parser_drop(a);
		}
		a = parser_pair(p, f->kind, column, a, parse_iff(p));
	}
	if (a && *ret_n < f->least) {
		parser_fail(p, "expected ','");
		return parser_drop(a);
	}
	if (a && !parser_expect(p, ")"))
		return parser_drop(a);
	return a;
}

static Node *parse_over(Parser *p, const Function *f, unsigned column, Node *a)
{
	Node *n = parser_make(p, f->over, column, a, NULL);
	n->lo = (Quantity){-INF, unit_second};
	n->hi = (Quantity){INF, unit_second};
	if (!parser_take(p, T_NAME, "over")) {
		if (f->also_without)
			return n;
		parser_fail(p, f->least == f->most ? "expected 'over [a, b]'"
						   : "expected ',' or 'over [a, b]'");
		return parser_drop(n);
	}
	if (!parse_interval(p, n))
		return parser_drop(n);
	if (!n->bounded) {
		parser_fail(p, "expected a window such as [-5 s, 0 s]");
		return parser_drop(n);
	}
	return n;
}

static Node *parse_function(Parser *p, const Function *f, unsigned column)
{
	unsigned n;
	lex_next(&p->x);
	if (!parser_expect(p, "("))
		return NULL;
	Node *a = parse_arguments(p, f, column, &n);
	if (!a || n > 1)
		return a;
	if (f->over != N_TRUE)
		return parse_over(p, f, column, a);
	if (f->kind == N_INITIAL && a->kind != N_SIGNAL) {
		parser_fail(p, "initial() takes the name of a signal");
		return parser_drop(a);
	}
	return parser_make(p, f->kind == N_NORM ? N_ABS : f->kind, column, a, NULL);
}

static const Function *function_here(const Parser *p)
{
	for (size_t i = 0; i < G_N_ELEMENTS(functions); i++)
		if (parser_is(p, T_NAME, functions[i].name) &&
		    (parser_opens(p) || lex_keyword(&p->x)))
			return &functions[i];
	return NULL;
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

bool parser_defined(const Parser *p)
{
	for (guint i = 0; i < p->definitions->len; i++)
		if (parser_is(p, T_NAME, g_array_index(p->definitions, Definition, i).name))
			return true;
	return false;
}

static bool bound_here(const Parser *p)
{
	for (const Variable *v = p->variables; v; v = v->outer) {
		size_t n = strlen(v->name);
		if (p->x.length >= n && !strncmp(p->x.start, v->name, n) &&
		    (p->x.length == n || p->x.start[n] == '.'))
			return true;
	}
	return false;
}

static Node *parse_name(Parser *p, unsigned column)
{
	for (guint i = 0; i < p->definitions->len; i++) {
		Definition *d = &g_array_index(p->definitions, Definition, i);
		if (!parser_is(p, T_NAME, d->name))
			continue;
		Node *copy = node_copy(p->f, d->value);
		if (!copy)
			return parser_fail(p, "the formula has too many parts");
		copy->column = column;
		d->used = true;
		lex_next(&p->x);
		return copy;
	}
	Node *n = parser_make(p, N_SIGNAL, column, NULL, NULL);
	if (bound_here(p))
		n->path = g_strndup(p->x.start, p->x.length);
	else
		n->name = formula_intern(p->f->signals, p->x.start, p->x.length);
	lex_next(&p->x);
	return n;
}

/* ---- terms --------------------------------------------------------------------------------------------------------- */

static Node *parse_primary(Parser *p)
{
	unsigned column = lex_column(&p->x);
	if (p->x.kind == T_NUMBER)
		return parse_number(p);
	if (p->x.kind == T_PARAM) {
		Node *n = parser_make(p, N_PARAMETER, column, NULL, NULL);
		n->name = formula_intern(p->f->parameters, p->x.start + 1, p->x.length - 1);
		lex_next(&p->x);
		return n;
	}
	if (parser_take(p, T_OP, "(")) {
		Node *n = parser_enter(p) ? parse_iff(p) : NULL;
		p->depth--;
		return n && !parser_expect(p, ")") ? parser_drop(n) : n;
	}
	if (parser_take(p, T_NAME, "true"))
		return parser_make(p, N_TRUE, column, NULL, NULL);
	if (parser_take(p, T_NAME, "false"))
		return parser_make(p, N_FALSE, column, NULL, NULL);
	const Function *f = function_here(p);
	if (f) {
		Node *n = parser_enter(p) ? parse_function(p, f, column) : NULL;
		p->depth--;
		return n;
	}
	if (p->x.kind == T_NAME && !lex_keyword(&p->x))
		return parse_name(p, column);
	return parser_fail(p, "expected a signal, a number or a formula");
}

static Node *parse_factor(Parser *p)
{
	unsigned column = lex_column(&p->x);
	if (!parser_take(p, T_OP, "-"))
		return parse_primary(p);
	Node *a = parser_enter(p) ? parse_factor(p) : NULL;
	p->depth--;
	if (a && a->kind == N_NUMBER && !a->bare) { /* -5 degC is a temperature, not minus one */
		a->value = -a->value;
		a->column = column;
		return a;
	}
	return parser_one(p, N_NEGATE, column, a);
}

static Node *parse_product(Parser *p)
{
	static const Infix table[] = {{T_OP, "*", N_MUL}, {T_OP, "/", N_DIV}};
	return parse_chain(p, table, G_N_ELEMENTS(table), parse_factor);
}

Node *parse_sum(Parser *p)
{
	static const Infix table[] = {{T_OP, "+", N_ADD}, {T_OP, "-", N_SUB}};
	return parse_chain(p, table, G_N_ELEMENTS(table), parse_product);
}
