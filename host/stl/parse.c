#include "parser.h"

#include <math.h>
#include <string.h>

/* Recursive descent, loosest first: iff, implies (right), or/xor, and, until/since, unary, comparison, sum, product. */

const Operator operators[N_KINDS] = {
#define OPERATOR(kind, word, strength, class, time, ...) [kind] = {word, strength, class, time},
#include "operators.def"
#undef OPERATOR
};

#define MAX_HEIGHT 2000 /* of chains such as "a or b or …" too */

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

void *parser_fail_at(Parser *p, unsigned column, const char *what)
{
	if (!p->failed)
		stl_error(p->error, column, p->ret_column, "%s", what);
	p->failed = true;
	return NULL;
}

void *parser_fail(Parser *p, const char *what)
{
	g_autofree char *text = p->x.kind == T_END
					? g_strdup_printf("%s, but the formula ends here", what)
					: g_strdup_printf("%s before '%.*s'", what,
							  (int)MIN(p->x.length, 20), p->x.start);
	return parser_fail_at(p, lex_column(&p->x), text);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

bool parser_is(const Parser *p, TokenKind kind, const char *text)
{
	return lex_is(&p->x, kind, text);
}

bool parser_take(Parser *p, TokenKind kind, const char *text)
{
	if (!parser_is(p, kind, text))
		return false;
	lex_next(&p->x);
	return true;
}

bool parser_expect(Parser *p, const char *op)
{
	if (parser_take(p, T_OP, op))
		return true;
	g_autofree char *what = g_strdup_printf("expected '%s'", op);
	parser_fail(p, what);
	return false;
}

Lexer parser_after(const Parser *p)
{
	Lexer x = p->x;
	lex_next(&x);
	return x;
}

bool parser_opens(const Parser *p)
{
	Lexer x = parser_after(p);
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

Node *parser_make(Parser *p, NodeKind kind, unsigned column, Node *a, Node *b)
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
		parser_fail(p, "the formula has too many parts");
	else if (n->height > MAX_HEIGHT) /* every walk over the tree is a recursion */
		parser_fail(p, "the formula is nested too deeply");
	return n;
}

Node *parser_pair(Parser *p, NodeKind kind, unsigned column, Node *a, Node *b)
{
	if (!p->failed && a && b)
		return parser_make(p, kind, column, a, b);
	node_free(a);
	node_free(b);
	return NULL;
}

Node *parser_one(Parser *p, NodeKind kind, unsigned column, Node *a)
{
	return a ? parser_make(p, kind, column, a, NULL) : NULL;
}

Node *parser_drop(Node *n)
{
	node_free(n);
	return NULL;
}

bool parser_enter(Parser *p)
{
	if (++p->depth <= STL_MAX_DEPTH)
		return true;
	parser_fail(p, "the formula is nested too deeply");
	return false;
}

static Node *parse_unary(Parser *p);

Node *parse_chain(Parser *p, const Infix *table, size_t n, Node *(*part)(Parser *))
{
	Node *a = part(p);
	for (size_t i = 0; a && i < n; i++) {
		unsigned column = lex_column(&p->x);
		if (!parser_take(p, table[i].token, table[i].text))
			continue;
		a = parser_pair(p, table[i].kind, column, a, part(p));
		i = (size_t)-1;
	}
	return a;
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
		if (parser_take(p, T_OP, table[i].text))
			return parser_pair(p, table[i].kind, column, a, parse_sum(p));
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
	Lexer x = parser_after(p);
	return x.kind == T_NUMBER || x.kind == T_PARAM || (x.kind == T_NAME && !binary_word(&x)) ||
	       lex_is(&x, T_OP, "(") || lex_is(&x, T_OP, "[") || lex_is(&x, T_OP, "!");
}

static Node *parse_prefix(Parser *p, NodeKind kind, unsigned column)
{
	lex_next(&p->x);
	Node *n = parser_make(p, kind, column, NULL, NULL);
	bool step = kind == N_NEXT || kind == N_STRONG_NEXT || kind == N_PREVIOUS ||
		    kind == N_STRONG_PREVIOUS;
	if ((!step && !parse_interval(p, n)) || !(n->a = parse_unary(p)))
		return parser_drop(n);
	n->height = 1 + n->a->height;
	return n;
}

/* "body" or "{body.head, body.neck}" */
static bool parse_set(Parser *p, Node *n)
{
	bool list = parser_take(p, T_OP, "{");
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	do {
		if (p->x.kind != T_NAME || lex_keyword(&p->x)) {
			parser_fail(p, "expected the name of a channel");
			return false;
		}
		guint have = names->len;
		formula_intern(names, p->x.start, p->x.length);
		if (names->len == have) {
			parser_fail(p, "the same name is there twice");
			return false;
		}
		lex_next(&p->x);
	} while (list && parser_take(p, T_OP, ","));
	if (list && !parser_expect(p, "}"))
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
	bool every = parser_is(p, T_NAME, "every");
	lex_next(&p->x);
	Node *n = parser_make(p, every ? N_EVERY : N_SOME, column, NULL, NULL);
	if (p->x.kind != T_NAME || lex_keyword(&p->x)) {
		parser_fail(p, "expected a name for the channel");
		return parser_drop(n);
	}
	if (parser_defined(p)) {
		parser_fail(p, "this name is taken");
		return parser_drop(n);
	}
	n->variable = g_strndup(p->x.start, p->x.length);
	lex_next(&p->x);
	if (!parser_take(p, T_NAME, "in")) {
		parser_fail(p, "expected 'in'");
		return parser_drop(n);
	}
	if (!parse_set(p, n) || !parser_expect(p, ":"))
		return parser_drop(n);
	const Variable v = {p->variables, n->variable};
	p->variables = &v;
	n->pattern = parse_iff(p);
	p->variables = v.outer;
	if (!n->pattern)
		return parser_drop(n);
	n->height = 1 + n->pattern->height;
	return n;
}

static bool quantifier_here(const Parser *p)
{
	Lexer x = parser_after(p);
	return parser_is(p, T_NAME, "for") &&
	       (lex_is(&x, T_NAME, "every") || lex_is(&x, T_NAME, "some"));
}

static Node *parse_unary_inside(Parser *p)
{
	unsigned column = lex_column(&p->x);
	if (parser_take(p, T_NAME, "not") || parser_take(p, T_OP, "!"))
		return parser_one(p, N_NOT, column, parse_unary(p));
	if (quantifier_here(p))
		return parse_quantifier(p);
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (parser_is(p, T_NAME, prefixes[i].word) &&
		    (lex_keyword(&p->x) || operand_follows(p)))
			return parse_prefix(p, prefixes[i].kind, column);
	return parse_comparison(p);
}

static Node *parse_unary(Parser *p)
{
	Node *n = parser_enter(p) ? parse_unary_inside(p) : NULL;
	p->depth--;
	return n;
}

/* The kind of until that begins here, taken; N_KINDS: none. */
static int take_until(Parser *p)
{
	Lexer x = parser_after(p);
	if (parser_is(p, T_NAME, "weak") && lex_is(&x, T_NAME, "until")) {
		lex_next(&p->x);
		lex_next(&p->x);
		return N_WEAK_UNTIL;
	}
	if (parser_take(p, T_NAME, "unless"))
		return N_WEAK_UNTIL;
	if (parser_take(p, T_NAME, "until") || parser_take(p, T_NAME, "U"))
		return N_UNTIL;
	if (parser_take(p, T_NAME, "since") || parser_take(p, T_NAME, "S"))
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
		Node *n = a = parser_make(p, (NodeKind)kind, column, a, NULL);
		if (!parse_interval(p, n) || !(n->b = parse_unary(p)))
			return parser_drop(a);
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
	if (!a || (!parser_take(p, T_OP, "->") && !parser_take(p, T_NAME, "implies")))
		return a;
	Node *b = parser_enter(p) ? parse_implies(p) : NULL;
	p->depth--;
	return parser_pair(p, N_IMPLIES, column, a, b);
}

Node *parse_iff(Parser *p)
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
			return parser_fail_at(p, d->column, text);
	}
	return true;
}

/* { NAME "=" formula ";" } [ NAME "=" ] formula */
static Node *parse_text(Parser *p)
{
	for (;;) {
		Definition d = {.column = lex_column(&p->x)};
		Lexer x = parser_after(p);
		bool named = p->x.kind == T_NAME && lex_is(&x, T_OP, "=");
		if (named && (lex_keyword(&p->x) || parser_defined(p)))
			return parser_fail_at(p, d.column, "this name is taken");
		if (named) {
			d.name = g_strndup(p->x.start, p->x.length);
			lex_next(&p->x);
			p->f->result_column = lex_column(&p->x);
			lex_next(&p->x);
		}
		d.value = parse_iff(p);
		if (d.value && named && parser_take(p, T_OP, ";")) {
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
		parser_fail(p, "expected an operator or the end");
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
