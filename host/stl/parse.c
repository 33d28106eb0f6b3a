#include "lex.h"

#include <math.h>
#include <string.h>

/* Recursive descent, loosest first: iff, implies (right), or/xor, and, until/since, unary, comparison, sum, product. */

const Operator operators[N_KINDS] = {
#define OPERATOR(kind, word, strength, class, time, ...) [kind] = {word, strength, class, time},
#include "operators.def"
#undef OPERATOR
};

#define MAX_HEIGHT 2000 /* of chains such as "a or b or …" too */

/* "near = distance < 1 m;" */
typedef struct Definition {
	char *name;
	Node *value;
	unsigned column;
	bool used;
} Definition;

/* A variable that is bound by a quantifier around here. */
typedef struct Variable {
	const struct Variable *outer;
	const char *name;
} Variable;

typedef struct Parser {
	Lexer x;
	StlFormula *f;
	unsigned depth;
	GArray *definitions;
	const Variable *variables;
	GError **error;
	unsigned *ret_column;
	bool failed;
} Parser;

void stl_error(GError **error, unsigned column, unsigned *ret_column, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	if (ret_column)
		*ret_column = column;
	if (error && *error == NULL)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "column %u: %s", column, text);
}

static void *fail_at(Parser *p, unsigned column, const char *what)
{
	if (!p->failed)
		stl_error(p->error, column, p->ret_column, "%s", what);
	p->failed = true;
	return NULL;
}

static void *fail(Parser *p, const char *what)
{
	g_autofree char *text = p->x.kind == T_END
					? g_strdup_printf("%s, but the formula ends here", what)
					: g_strdup_printf("%s before '%.*s'", what,
							  (int)MIN(p->x.length, 20), p->x.start);
	return fail_at(p, lex_column(&p->x), text);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static bool is(const Parser *p, TokenKind kind, const char *text)
{
	return lex_is(&p->x, kind, text);
}

static bool take(Parser *p, TokenKind kind, const char *text)
{
	if (!is(p, kind, text))
		return false;
	lex_next(&p->x);
	return true;
}

static bool expect(Parser *p, const char *op)
{
	if (take(p, T_OP, op))
		return true;
	g_autofree char *what = g_strdup_printf("expected '%s'", op);
	fail(p, what);
	return false;
}

/* The token after the present one. */
static Lexer after(const Parser *p)
{
	Lexer x = p->x;
	lex_next(&x);
	return x;
}

static bool opens(const Parser *p)
{
	Lexer x = after(p);
	return lex_is(&x, T_OP, "(");
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

void node_free(Node *node)
{
	if (!node)
		return;
	node_free(node->a);
	node_free(node->b);
	node_free(node->pattern);
	g_free(node->lo_parameter);
	g_free(node->hi_parameter);
	g_free(node->variable);
	g_free(node->set);
	g_free(node->path);
	g_strfreev(node->names);
	g_free(node);
}

static Node *make(Parser *p, NodeKind kind, unsigned column, Node *a, Node *b)
{
	Node *n = g_new0(Node, 1);
	n->kind = kind;
	n->column = column;
	n->a = a;
	n->b = b;
	n->name = -1;
	n->unit = unit_one;
	n->height = 1 + MAX(a ? a->height : 0, b ? b->height : 0);
	if (++p->f->nodes > STL_MAX_NODES)
		fail(p, "the formula has too many parts");
	else if (n->height > MAX_HEIGHT) /* every walk over the tree is a recursion */
		fail(p, "the formula is nested too deeply");
	return n;
}

/* Both children or nothing: frees what there is when the parser has failed. */
static Node *pair(Parser *p, NodeKind kind, unsigned column, Node *a, Node *b)
{
	if (!p->failed && a && b)
		return make(p, kind, column, a, b);
	node_free(a);
	node_free(b);
	return NULL;
}

static Node *one(Parser *p, NodeKind kind, unsigned column, Node *a)
{
	return a ? make(p, kind, column, a, NULL) : NULL;
}

static Node *drop(Node *n)
{
	node_free(n);
	return NULL;
}

static bool enter(Parser *p)
{
	if (++p->depth <= STL_MAX_DEPTH)
		return true;
	fail(p, "the formula is nested too deeply");
	return false;
}

static Node *parse_iff(Parser *p);
static Node *parse_unary(Parser *p);

/* ---- numbers and bounds ------------------------------------------------------------------------------------------ */

/* A word after a number is its unit when it is one and no keyword ("2 s", but "2 and …"). U and S are until and since. */
static bool take_unit(Parser *p, Unit *ret)
{
	const char *s = p->x.start;
	if (p->x.kind == T_END || lex_keyword(&p->x) || is(p, T_NAME, "U") || is(p, T_NAME, "S") ||
	    (p->x.kind != T_NAME && *s != '%'))
		return false;
	size_t n = lex_unit_length(s);
	if (n == 0)
		return false;
	g_autofree char *text = g_strndup(s, n);
	g_autoptr(GError) error = NULL;
	if (!unit_parse(text, ret, &error)) {
		fail_at(p, lex_column(&p->x), error->message);
		return false;
	}
	p->x.at = s + n;
	lex_next(&p->x);
	return true;
}

static Node *parse_number(Parser *p)
{
	Node *n = make(p, N_NUMBER, lex_column(&p->x), NULL, NULL);
	n->value = g_ascii_strtod(p->x.start, NULL);
	lex_next(&p->x);
	n->bare = !take_unit(p, &n->unit);
	return n;
}

static bool parse_bound(Parser *p, Quantity *ret, char **ret_parameter)
{
	bool negative = take(p, T_OP, "-");
	if (p->x.kind == T_PARAM && !negative) {
		*ret_parameter = g_strndup(p->x.start + 1, p->x.length - 1);
		formula_intern(p->f->parameters, p->x.start + 1, p->x.length - 1);
		lex_next(&p->x);
		return true;
	}
	if (take(p, T_NAME, "inf")) {
		*ret = (Quantity){negative ? -INF : INF, unit_second};
		return true;
	}
	if (p->x.kind != T_NUMBER) {
		fail(p, "expected a time bound such as 2 s");
		return false;
	}
	Node *n = parse_number(p);
	*ret = (Quantity){negative ? -n->value : n->value, n->unit};
	node_free(n);
	return !p->failed;
}

/* "(0 s, 5 s]" is an interval, "(x > 2)" a formula: after a bound and nothing else comes a comma. */
static bool open_interval_here(const Parser *p)
{
	if (!is(p, T_OP, "("))
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
	return parse_bound(&look, &q, &parameter) && (is(&look, T_OP, ",") || is(&look, T_OP, ":"));
}

/* "[0 s, $limit]", "(0 s, 5 s]", or nothing. */
static bool parse_interval(Parser *p, Node *n)
{
	n->lo = (Quantity){0, unit_second};
	n->hi = (Quantity){INF, unit_second};
	n->lo_open = open_interval_here(p);
	if (!take(p, T_OP, n->lo_open ? "(" : "["))
		return true;
	n->bounded = true;
	if (!parse_bound(p, &n->lo, &n->lo_parameter))
		return false;
	if (!take(p, T_OP, ":") && !expect(p, ","))
		return false;
	if (!parse_bound(p, &n->hi, &n->hi_parameter))
		return false;
	n->hi_open = take(p, T_OP, ")");
	return n->hi_open || expect(p, "]");
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
	for (*ret_n = 1; a && take(p, T_OP, ","); ++*ret_n) {
		if (*ret_n >= f->most) {
			fail(p, "too many arguments");
			return drop(a);
		}
		a = pair(p, f->kind, column, a, parse_iff(p));
	}
	if (a && *ret_n < f->least) {
		fail(p, "expected ','");
		return drop(a);
	}
	if (a && !expect(p, ")"))
		return drop(a);
	return a;
}

static Node *parse_over(Parser *p, const Function *f, unsigned column, Node *a)
{
	Node *n = make(p, f->over, column, a, NULL);
	n->lo = (Quantity){-INF, unit_second};
	n->hi = (Quantity){INF, unit_second};
	if (!take(p, T_NAME, "over")) {
		if (f->also_without)
			return n;
		fail(p, f->least == f->most ? "expected 'over [a, b]'"
					    : "expected ',' or 'over [a, b]'");
		return drop(n);
	}
	if (!parse_interval(p, n))
		return drop(n);
	if (!n->bounded) {
		fail(p, "expected a window such as [-5 s, 0 s]");
		return drop(n);
	}
	return n;
}

static Node *parse_function(Parser *p, const Function *f, unsigned column)
{
	unsigned n;
	lex_next(&p->x);
	if (!expect(p, "("))
		return NULL;
	Node *a = parse_arguments(p, f, column, &n);
	if (!a || n > 1)
		return a;
	if (f->over != N_TRUE)
		return parse_over(p, f, column, a);
	if (f->kind == N_INITIAL && a->kind != N_SIGNAL) {
		fail(p, "initial() takes the name of a signal");
		return drop(a);
	}
	return make(p, f->kind == N_NORM ? N_ABS : f->kind, column, a, NULL);
}

static const Function *function_here(const Parser *p)
{
	for (size_t i = 0; i < G_N_ELEMENTS(functions); i++)
		if (is(p, T_NAME, functions[i].name) && (opens(p) || lex_keyword(&p->x)))
			return &functions[i];
	return NULL;
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

static bool defined(const Parser *p)
{
	for (guint i = 0; i < p->definitions->len; i++)
		if (is(p, T_NAME, g_array_index(p->definitions, Definition, i).name))
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
		if (!is(p, T_NAME, d->name))
			continue;
		Node *copy = node_copy(p->f, d->value);
		if (!copy)
			return fail(p, "the formula has too many parts");
		copy->column = column;
		d->used = true;
		lex_next(&p->x);
		return copy;
	}
	Node *n = make(p, N_SIGNAL, column, NULL, NULL);
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
		Node *n = make(p, N_PARAMETER, column, NULL, NULL);
		n->name = formula_intern(p->f->parameters, p->x.start + 1, p->x.length - 1);
		lex_next(&p->x);
		return n;
	}
	if (take(p, T_OP, "(")) {
		Node *n = enter(p) ? parse_iff(p) : NULL;
		p->depth--;
		return n && !expect(p, ")") ? drop(n) : n;
	}
	if (take(p, T_NAME, "true"))
		return make(p, N_TRUE, column, NULL, NULL);
	if (take(p, T_NAME, "false"))
		return make(p, N_FALSE, column, NULL, NULL);
	const Function *f = function_here(p);
	if (f) {
		Node *n = enter(p) ? parse_function(p, f, column) : NULL;
		p->depth--;
		return n;
	}
	if (p->x.kind == T_NAME && !lex_keyword(&p->x))
		return parse_name(p, column);
	return fail(p, "expected a signal, a number or a formula");
}

static Node *parse_factor(Parser *p)
{
	unsigned column = lex_column(&p->x);
	if (!take(p, T_OP, "-"))
		return parse_primary(p);
	Node *a = enter(p) ? parse_factor(p) : NULL;
	p->depth--;
	if (a && a->kind == N_NUMBER && !a->bare) { /* -5 degC is a temperature, not minus one */
		a->value = -a->value;
		a->column = column;
		return a;
	}
	return one(p, N_NEGATE, column, a);
}

/* Operators of one strength, from left to right. */
typedef struct Infix {
	TokenKind token;
	const char *text;
	NodeKind kind;
} Infix;

static Node *parse_chain(Parser *p, const Infix *table, size_t n, Node *(*part)(Parser *))
{
	Node *a = part(p);
	for (size_t i = 0; a && i < n; i++) {
		unsigned column = lex_column(&p->x);
		if (!take(p, table[i].token, table[i].text))
			continue;
		a = pair(p, table[i].kind, column, a, part(p));
		i = (size_t)-1;
	}
	return a;
}

static Node *parse_product(Parser *p)
{
	static const Infix table[] = {{T_OP, "*", N_MUL}, {T_OP, "/", N_DIV}};
	return parse_chain(p, table, G_N_ELEMENTS(table), parse_factor);
}

static Node *parse_sum(Parser *p)
{
	static const Infix table[] = {{T_OP, "+", N_ADD}, {T_OP, "-", N_SUB}};
	return parse_chain(p, table, G_N_ELEMENTS(table), parse_product);
}

/* ---- formulas ------------------------------------------------------------------------------------------------------ */

static Node *parse_comparison(Parser *p)
{
	static const Infix table[] = {{T_OP, "<=", N_LE}, {T_OP, ">=", N_GE}, {T_OP, "<", N_LT},
				      {T_OP, ">", N_GT},  {T_OP, "==", N_EQ}, {T_OP, "!=", N_NE},
				      {T_OP, "!==", N_NE}};
	Node *a = parse_sum(p);
	unsigned column = lex_column(&p->x);
	for (size_t i = 0; a && i < G_N_ELEMENTS(table); i++)
		if (take(p, T_OP, table[i].text))
			return pair(p, table[i].kind, column, a, parse_sum(p));
	return a;
}

/* Other words and letters for the same operators are other tools' spelling; those that are no keywords count only where an
 * operand follows, so that a signal may still be called F or next. */
typedef struct Prefix {
	const char *word;
	NodeKind kind;
} Prefix;

static const Prefix prefixes[] = {
	{"always", N_ALWAYS},
	{"G", N_ALWAYS},
	{"eventually", N_EVENTUALLY},
	{"F", N_EVENTUALLY},
	{"historically", N_HISTORICALLY},
	{"H", N_HISTORICALLY},
	{"once", N_ONCE},
	{"O", N_ONCE},
	{"next", N_NEXT},
	{"X", N_NEXT},
	{"s_next", N_STRONG_NEXT},
	{"previous", N_PREVIOUS},
	{"prev", N_PREVIOUS},
	{"Y", N_PREVIOUS},
	{"s_previous", N_STRONG_PREVIOUS},
	{"s_prev", N_STRONG_PREVIOUS},
};

static bool binary_word(const Lexer *x)
{
	static const char *const words[] = {"and",   "or",     "xor",  "implies", "iff", "until",
					    "since", "unless", "weak", "over",    "U",   "S"};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (lex_is(x, T_NAME, words[i]))
			return true;
	return false;
}

static bool operand_follows(const Parser *p)
{
	Lexer x = after(p);
	return x.kind == T_NUMBER || x.kind == T_PARAM || (x.kind == T_NAME && !binary_word(&x)) ||
	       lex_is(&x, T_OP, "(") || lex_is(&x, T_OP, "[") || lex_is(&x, T_OP, "!");
}

static Node *parse_prefix(Parser *p, NodeKind kind, unsigned column)
{
	lex_next(&p->x);
	Node *n = make(p, kind, column, NULL, NULL);
	bool step = kind == N_NEXT || kind == N_STRONG_NEXT || kind == N_PREVIOUS ||
		    kind == N_STRONG_PREVIOUS;
	if ((!step && !parse_interval(p, n)) || !(n->a = parse_unary(p)))
		return drop(n);
	n->height = 1 + n->a->height;
	return n;
}

/* "body" or "{body.head, body.neck}" */
static bool parse_set(Parser *p, Node *n)
{
	bool list = take(p, T_OP, "{");
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	do {
		if (p->x.kind != T_NAME || lex_keyword(&p->x)) {
			fail(p, "expected the name of a channel");
			return false;
		}
		guint have = names->len;
		formula_intern(names, p->x.start, p->x.length);
		if (names->len == have) {
			fail(p, "the same name is there twice");
			return false;
		}
		lex_next(&p->x);
	} while (list && take(p, T_OP, ","));
	if (list && !expect(p, "}"))
		return false;
	g_ptr_array_add(names, NULL);
	if (list)
		n->names = g_strdupv((char **)names->pdata);
	else
		n->set = g_strdup(g_ptr_array_index(names, 0));
	return true;
}

/* "for every region in body: formula"; the formula reaches as far as it can. */
static Node *parse_quantifier(Parser *p)
{
	unsigned column = lex_column(&p->x);
	lex_next(&p->x);
	bool every = is(p, T_NAME, "every");
	lex_next(&p->x);
	Node *n = make(p, every ? N_EVERY : N_SOME, column, NULL, NULL);
	if (p->x.kind != T_NAME || lex_keyword(&p->x)) {
		fail(p, "expected a name for the channel");
		return drop(n);
	}
	if (defined(p)) {
		fail(p, "this name is taken");
		return drop(n);
	}
	n->variable = g_strndup(p->x.start, p->x.length);
	lex_next(&p->x);
	if (!take(p, T_NAME, "in")) {
		fail(p, "expected 'in'");
		return drop(n);
	}
	if (!parse_set(p, n) || !expect(p, ":"))
		return drop(n);
	const Variable v = {p->variables, n->variable};
	p->variables = &v;
	n->pattern = parse_iff(p);
	p->variables = v.outer;
	if (!n->pattern)
		return drop(n);
	n->height = 1 + n->pattern->height;
	return n;
}

static bool quantifier_here(const Parser *p)
{
	Lexer x = after(p);
	return is(p, T_NAME, "for") && (lex_is(&x, T_NAME, "every") || lex_is(&x, T_NAME, "some"));
}

static Node *parse_unary_inside(Parser *p)
{
	unsigned column = lex_column(&p->x);
	if (take(p, T_NAME, "not") || take(p, T_OP, "!"))
		return one(p, N_NOT, column, parse_unary(p));
	if (quantifier_here(p))
		return parse_quantifier(p);
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (is(p, T_NAME, prefixes[i].word) && (lex_keyword(&p->x) || operand_follows(p)))
			return parse_prefix(p, prefixes[i].kind, column);
	return parse_comparison(p);
}

static Node *parse_unary(Parser *p)
{
	Node *n = enter(p) ? parse_unary_inside(p) : NULL;
	p->depth--;
	return n;
}

/* The kind of until that begins here, taken; N_KINDS: none. */
static int take_until(Parser *p)
{
	Lexer x = after(p);
	if (is(p, T_NAME, "weak") && lex_is(&x, T_NAME, "until")) {
		lex_next(&p->x);
		lex_next(&p->x);
		return N_WEAK_UNTIL;
	}
	if (take(p, T_NAME, "unless"))
		return N_WEAK_UNTIL;
	if (take(p, T_NAME, "until") || take(p, T_NAME, "U"))
		return N_UNTIL;
	if (take(p, T_NAME, "since") || take(p, T_NAME, "S"))
		return N_SINCE;
	return N_KINDS;
}

static Node *parse_until(Parser *p)
{
	Node *a = parse_unary(p);
	while (a) {
		unsigned column = lex_column(&p->x);
		int kind = take_until(p);
		if (kind == N_KINDS)
			return a;
		Node *n = a = make(p, (NodeKind)kind, column, a, NULL);
		if (!parse_interval(p, n) || !(n->b = parse_unary(p)))
			return drop(a);
		n->height = 1 + MAX(n->a->height, n->b->height);
	}
	return a;
}

static Node *parse_and(Parser *p)
{
	static const Infix table[] = {
		{T_NAME, "and", N_AND}, {T_OP, "&&", N_AND}, {T_OP, "&", N_AND}};
	return parse_chain(p, table, G_N_ELEMENTS(table), parse_until);
}

static Node *parse_or(Parser *p)
{
	static const Infix table[] = {{T_NAME, "xor", N_XOR},
				      {T_NAME, "or", N_OR},
				      {T_OP, "||", N_OR},
				      {T_OP, "|", N_OR}};
	return parse_chain(p, table, G_N_ELEMENTS(table), parse_and);
}

static Node *parse_implies(Parser *p)
{
	Node *a = parse_or(p);
	unsigned column = lex_column(&p->x);
	if (!a || (!take(p, T_OP, "->") && !take(p, T_NAME, "implies")))
		return a;
	Node *b = enter(p) ? parse_implies(p) : NULL;
	p->depth--;
	return pair(p, N_IMPLIES, column, a, b);
}

static Node *parse_iff(Parser *p)
{
	static const Infix table[] = {{T_OP, "<->", N_IFF}, {T_NAME, "iff", N_IFF}};
	return parse_chain(p, table, G_N_ELEMENTS(table), parse_implies);
}

/* ---- the whole text ------------------------------------------------------------------------------------------------ */

static void definition_clear(void *d)
{
	g_free(((Definition *)d)->name);
	node_free(((Definition *)d)->value);
}

static bool all_used(Parser *p)
{
	for (guint i = 0; i < p->definitions->len; i++) {
		const Definition *d = &g_array_index(p->definitions, Definition, i);
		g_autofree char *text = g_strdup_printf("'%s' is defined and never used", d->name);
		if (!d->used) /* so nobody would have checked it */
			return fail_at(p, d->column, text);
	}
	return true;
}

/* { NAME "=" formula ";" } [ NAME "=" ] formula */
static Node *parse_text(Parser *p)
{
	for (;;) {
		Definition d = {.column = lex_column(&p->x)};
		Lexer x = after(p);
		bool named = p->x.kind == T_NAME && lex_is(&x, T_OP, "=");
		if (named && (lex_keyword(&p->x) || defined(p)))
			return fail_at(p, d.column, "this name is taken");
		if (named) {
			d.name = g_strndup(p->x.start, p->x.length);
			lex_next(&p->x);
			p->f->result_column = lex_column(&p->x);
			lex_next(&p->x);
		}
		d.value = parse_iff(p);
		if (d.value && named && take(p, T_OP, ";")) {
			g_ptr_array_add(p->f->defined, g_strdup(d.name));
			g_array_append_val(p->definitions, d);
			continue;
		}
		if (!named)
			p->f->result_column = 0;
		p->f->result = d.name;
		return d.value;
	}
}

static bool parse_all(Parser *p)
{
	lex_next(&p->x);
	p->f->root = parse_text(p);
	if (p->f->root && !p->failed && p->x.kind != T_END)
		fail(p, "expected an operator or the end");
	return !p->failed && p->f->root && all_used(p) &&
	       quantifier_expand(p->f, p->f->root, NULL, p->ret_column, p->error);
}

StlFormula *stl_parse(const char *text, unsigned *ret_column, GError **error)
{
	size_t length = strlen(text);
	if (length > STL_MAX_TEXT || !g_utf8_validate(text, (gssize)length, NULL)) {
		stl_error(error, 1, ret_column,
			  length > STL_MAX_TEXT ? "the formula is too long"
						: "the formula is not UTF-8");
		return NULL;
	}
	g_autoptr(StlFormula) f = g_new0(StlFormula, 1);
	f->text = g_strdup(text);
	f->signals = g_ptr_array_new_with_free_func(g_free);
	f->parameters = g_ptr_array_new_with_free_func(g_free);
	f->defined = g_ptr_array_new_with_free_func(g_free);
	f->parameter_values = g_array_new(FALSE, TRUE, sizeof(Quantity));
	g_autoptr(GArray) definitions = g_array_new(FALSE, TRUE, sizeof(Definition));
	g_array_set_clear_func(definitions, definition_clear);
	GError *local = NULL;
	Parser p = {.x = {.text = f->text, .at = f->text},
		    .f = f,
		    .definitions = definitions,
		    .error = &local,
		    .ret_column = ret_column};
	if (!parse_all(&p)) {
		g_propagate_error(error, local);
		return NULL;
	}
	f->parsed_nodes = f->nodes;
	f->parsed_signals = f->signals->len;
	return g_steal_pointer(&f);
}

void stl_formula_free(StlFormula *f)
{
	if (!f)
		return;
	node_free(f->root);
	g_free(f->text);
	g_free(f->result);
	g_clear_pointer(&f->signals, g_ptr_array_unref);
	g_clear_pointer(&f->parameters, g_ptr_array_unref);
	g_clear_pointer(&f->defined, g_ptr_array_unref);
	g_clear_pointer(&f->parameter_values, g_array_unref);
	g_free(f);
}

size_t stl_formula_n_signals(const StlFormula *f)
{
	return f->signals->len;
}

const char *stl_formula_signal(const StlFormula *f, size_t i)
{
	return g_ptr_array_index(f->signals, i);
}

size_t stl_formula_n_parameters(const StlFormula *f)
{
	return f->parameters->len;
}

const char *stl_formula_parameter(const StlFormula *f, size_t i)
{
	return g_ptr_array_index(f->parameters, i);
}

StlKind stl_formula_kind(const StlFormula *f)
{
	if (f->root->kind == N_DELAY)
		return STL_KIND_DELAY;
	if (f->root->kind == N_DURATION)
		return STL_KIND_DURATION;
	if (f->root->kind == N_SIGNAL && f->checked && f->root->boolean)
		return STL_KIND_FORMULA;
	return node_is_term(f->root->kind) ? STL_KIND_TERM : STL_KIND_FORMULA;
}
