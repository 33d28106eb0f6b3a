#include "ast.h"

#include <math.h>
#include <string.h>

/* Recursive descent, loosest first: iff, implies (right), or/xor, and, until/since, unary, comparison, sum, product. */

const Operator operators[N_KINDS] = {
#define OPERATOR(kind, word, strength, class, time, ...) [kind] = {word, strength, class, time},
#include "operators.def"
#undef OPERATOR
};

#define MAX_HEIGHT 2000 /* of chains such as "a or b or …" too */

typedef enum { T_END, T_NAME, T_NUMBER, T_PARAM, T_OP, T_BAD } TokenKind;

typedef struct Parser {
	StlFormula *f;
	const char *text, *at; /* next character */
	TokenKind kind;
	const char *start; /* of the token */
	size_t length;
	unsigned depth;
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

static unsigned column_of(const Parser *p, const char *at)
{
	return (unsigned)g_utf8_pointer_to_offset(p->text, at) + 1;
}

static void *fail(Parser *p, const char *what)
{
	if (!p->failed) {
		if (p->kind == T_END)
			stl_error(p->error, column_of(p, p->start), p->ret_column,
				  "%s, but the formula ends here", what);
		else
			stl_error(p->error, column_of(p, p->start), p->ret_column,
				  "%s before '%.*s'", what, (int)MIN(p->length, 20), p->start);
	}
	p->failed = true;
	return NULL;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static bool name_start(gunichar c)
{
	return c == '_' || g_unichar_isalpha(c);
}

/* '-' belongs to a name only between letters, so that "a - b" and "x-ray.level" both work. */
static const char *name_end(const char *s)
{
	for (;;) {
		gunichar c = g_utf8_get_char(s);
		if (c == '_' || g_unichar_isalnum(c)) {
			s = g_utf8_next_char(s);
		} else if ((c == '.' || c == '-') && name_start(g_utf8_get_char(s + 1))) {
			s++;
		} else if ((c == '.' || c == '-') && g_ascii_isdigit(s[1]) && c == '.') {
			s++;
		} else {
			return s;
		}
	}
}

static const char *number_end(const char *s)
{
	while (g_ascii_isdigit(*s))
		s++;
	if (*s == '.' && g_ascii_isdigit(s[1]))
		for (s++; g_ascii_isdigit(*s);)
			s++;
	if ((*s == 'e' || *s == 'E') &&
	    (g_ascii_isdigit(s[1]) || ((s[1] == '-' || s[1] == '+') && g_ascii_isdigit(s[2]))))
		for (s += 2; g_ascii_isdigit(*s);)
			s++;
	return s;
}

static const char *const symbols[] = {"<->", "->", "<=", ">=", "==", "!=", "<", ">",
				      "+",   "-",  "*",  "/",  "(",  ")",  "[", "]",
				      ",",   "&&", "||", "!",  "&",  "|",  NULL};

static void next(Parser *p)
{
	while (g_unichar_isspace(g_utf8_get_char(p->at)) && *p->at)
		p->at = g_utf8_next_char(p->at);
	p->start = p->at;
	if (!*p->at) {
		p->kind = T_END;
		p->length = 0;
		return;
	}
	const char *end = NULL;
	if (g_ascii_isdigit(*p->at) || (*p->at == '.' && g_ascii_isdigit(p->at[1]))) {
		p->kind = T_NUMBER;
		end = *p->at == '.' ? number_end(p->at) : number_end(p->at);
		if (end == p->at)
			end = p->at + 1;
	} else if (*p->at == '$' && name_start(g_utf8_get_char(p->at + 1))) {
		p->kind = T_PARAM;
		end = name_end(p->at + 1);
	} else if (name_start(g_utf8_get_char(p->at))) {
		p->kind = T_NAME;
		end = name_end(p->at);
	} else {
		p->kind = T_BAD;
		end = g_utf8_next_char(p->at);
		for (const char *const *op = symbols; *op; op++)
			if (g_str_has_prefix(p->at, *op)) {
				p->kind = T_OP;
				end = p->at + strlen(*op);
				break;
			}
	}
	p->length = (size_t)(end - p->start);
	p->at = end;
}

static bool is(const Parser *p, TokenKind kind, const char *text)
{
	return p->kind == kind && p->length == strlen(text) && !strncmp(p->start, text, p->length);
}

static bool take(Parser *p, TokenKind kind, const char *text)
{
	if (!is(p, kind, text))
		return false;
	next(p);
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

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

void node_free(Node *node)
{
	if (!node)
		return;
	node_free(node->a);
	node_free(node->b);
	g_free(node->lo_parameter);
	g_free(node->hi_parameter);
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

static int intern(GPtrArray *names, const char *text, size_t length)
{
	g_autofree char *name = g_strndup(text, length);
	for (guint i = 0; i < names->len; i++)
		if (!strcmp(g_ptr_array_index(names, i), name))
			return (int)i;
	g_ptr_array_add(names, g_steal_pointer(&name));
	return (int)names->len - 1;
}

/* ---- terms ------------------------------------------------------------------------------------------------------- */

static Node *parse_iff(Parser *p);

static bool enter(Parser *p)
{
	if (++p->depth <= STL_MAX_DEPTH)
		return true;
	fail(p, "the formula is nested too deeply");
	return false;
}

static const char *const keywords[] = {
	"always", "eventually", "until",   "since", "historically", "once", "rise", "fall",
	"not",    "and",        "or",      "xor",   "implies",      "iff",  "true", "false",
	"delay",  "duration",   "initial", "abs",   "min",          "max",  NULL};

static bool is_keyword(const Parser *p)
{
	for (const char *const *k = keywords; *k; k++)
		if (is(p, T_NAME, *k))
			return true;
	return false;
}

/* Length of the unit that follows a number: "m/s2", "%", "degC", "1/s" — or 0. */
static size_t unit_length(const char *s)
{
	const char *start = s;
	if (*s == '%')
		return 1;
	if (!g_ascii_isalpha(*s))
		return 0;
	for (;;) {
		while (g_ascii_isalpha(*s))
			s++;
		if (*s == '^' && (g_ascii_isdigit(s[1]) || s[1] == '-'))
			s += 2;
		while (g_ascii_isdigit(*s))
			s++;
		if ((*s == '/' || *s == '*') && g_ascii_isalpha(s[1]))
			s++;
		else
			return (size_t)(s - start);
	}
}

/* A word after a number is its unit when it is one and no keyword ("2 s", but "2 and …"). */
static bool take_unit(Parser *p, Unit *ret)
{
	const char *s = p->start;
	if (p->kind == T_END || is_keyword(p) || (p->kind != T_NAME && *s != '%'))
		return false;
	size_t n = unit_length(s);
	if (n == 0)
		return false;
	g_autofree char *text = g_strndup(s, n);
	g_autoptr(GError) error = NULL;
	if (!unit_parse(text, ret, &error)) {
		stl_error(p->error, column_of(p, s), p->ret_column, "%s", error->message);
		p->failed = true;
		return false;
	}
	p->at = s + n;
	next(p);
	return true;
}

static Node *parse_number(Parser *p)
{
	Node *n = make(p, N_NUMBER, column_of(p, p->start), NULL, NULL);
	n->value = g_ascii_strtod(p->start, NULL);
	next(p);
	n->bare = !take_unit(p, &n->unit);
	return n;
}

static Node *parse_function(Parser *p, NodeKind kind, unsigned column, bool two)
{
	next(p);
	if (!expect(p, "("))
		return NULL;
	Node *a = parse_iff(p);
	if (a && two && !expect(p, ",")) {
		node_free(a);
		return NULL;
	}
	Node *b = a && two ? parse_iff(p) : NULL;
	if (!a || (two && !b) || !expect(p, ")")) {
		node_free(a);
		node_free(b);
		return NULL;
	}
	/* more than two arguments fold to the left: max(a, b, c) */
	return make(p, kind, column, a, b);
}

typedef struct Function {
	const char *name;
	NodeKind kind;
	bool two;
} Function;

static const Function functions[] = {
	{"abs", N_ABS, false},    {"min", N_MIN, true},
	{"max", N_MAX, true},     {"initial", N_INITIAL, false},
	{"rise", N_RISE, false},  {"fall", N_FALL, false},
	{"delay", N_DELAY, true}, {"duration", N_DURATION, false},
};

static Node *parse_initial(Parser *p, Node *n)
{
	if (n && n->a->kind != N_SIGNAL) {
		fail(p, "initial() takes the name of a signal");
		node_free(n);
		return NULL;
	}
	return n;
}

static Node *parse_primary(Parser *p)
{
	unsigned column = column_of(p, p->start);
	if (p->kind == T_NUMBER)
		return parse_number(p);
	if (p->kind == T_PARAM) {
		Node *n = make(p, N_PARAMETER, column, NULL, NULL);
		n->name = intern(p->f->parameters, p->start + 1, p->length - 1);
		next(p);
		return n;
	}
	if (take(p, T_OP, "(")) {
		Node *n = enter(p) ? parse_iff(p) : NULL;
		p->depth--;
		if (n && !expect(p, ")")) {
			node_free(n);
			return NULL;
		}
		return n;
	}
	if (take(p, T_NAME, "true"))
		return make(p, N_TRUE, column, NULL, NULL);
	if (take(p, T_NAME, "false"))
		return make(p, N_FALSE, column, NULL, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(functions); i++)
		if (is(p, T_NAME, functions[i].name)) {
			Node *n = enter(p) ? parse_function(p, functions[i].kind, column,
							    functions[i].two)
					   : NULL;
			p->depth--;
			return functions[i].kind == N_INITIAL ? parse_initial(p, n) : n;
		}
	if (p->kind == T_NAME && !is_keyword(p)) {
		Node *n = make(p, N_SIGNAL, column, NULL, NULL);
		n->name = intern(p->f->signals, p->start, p->length);
		next(p);
		return n;
	}
	return fail(p, "expected a signal, a number or a formula");
}

static Node *parse_factor(Parser *p)
{
	unsigned column = column_of(p, p->start);
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

static Node *parse_product(Parser *p)
{
	Node *a = parse_factor(p);
	for (;;) {
		unsigned column = column_of(p, p->start);
		NodeKind kind = is(p, T_OP, "*") ? N_MUL : N_DIV;
		if (!a || (!take(p, T_OP, "*") && !take(p, T_OP, "/")))
			return a;
		a = pair(p, kind, column, a, parse_factor(p));
	}
}

static Node *parse_sum(Parser *p)
{
	Node *a = parse_product(p);
	for (;;) {
		unsigned column = column_of(p, p->start);
		NodeKind kind = is(p, T_OP, "+") ? N_ADD : N_SUB;
		if (!a || (!take(p, T_OP, "+") && !take(p, T_OP, "-")))
			return a;
		a = pair(p, kind, column, a, parse_product(p));
	}
}

/* ---- formulas ----------------------------------------------------------------------------------------------------- */

static Node *parse_comparison(Parser *p)
{
	static const struct {
		const char *op;
		NodeKind kind;
	} comparisons[] = {{"<=", N_LE}, {">=", N_GE}, {"<", N_LT},
			   {">", N_GT},  {"==", N_EQ}, {"!=", N_NE}};
	Node *a = parse_sum(p);
	unsigned column = column_of(p, p->start);
	for (size_t i = 0; a && i < G_N_ELEMENTS(comparisons); i++)
		if (take(p, T_OP, comparisons[i].op))
			return pair(p, comparisons[i].kind, column, a, parse_sum(p));
	return a;
}

static bool parse_bound(Parser *p, Quantity *ret, char **ret_parameter)
{
	bool negative = take(p, T_OP, "-");
	if (p->kind == T_PARAM && !negative) {
		*ret_parameter = g_strndup(p->start + 1, p->length - 1);
		intern(p->f->parameters, p->start + 1, p->length - 1);
		next(p);
		return true;
	}
	if (is(p, T_NAME, "inf") && !negative) {
		next(p);
		*ret = (Quantity){INF, unit_second};
		return true;
	}
	if (p->kind != T_NUMBER) {
		fail(p, "expected a time bound such as 2 s");
		return false;
	}
	Node *n = parse_number(p);
	*ret = (Quantity){negative ? -n->value : n->value, n->unit};
	node_free(n);
	return !p->failed;
}

/* "[0 s, $limit]" or nothing. */
static bool parse_interval(Parser *p, Node *n)
{
	n->lo = (Quantity){0, unit_second};
	n->hi = (Quantity){INF, unit_second};
	if (!take(p, T_OP, "["))
		return true;
	n->bounded = true;
	return parse_bound(p, &n->lo, &n->lo_parameter) && expect(p, ",") &&
	       parse_bound(p, &n->hi, &n->hi_parameter) && expect(p, "]");
}

static Node *parse_unary(Parser *p)
{
	static const struct {
		const char *word;
		NodeKind kind;
	} words[] = {{"always", N_ALWAYS},
		     {"eventually", N_EVENTUALLY},
		     {"historically", N_HISTORICALLY},
		     {"once", N_ONCE}};
	unsigned column = column_of(p, p->start);
	Node *n = NULL;
	if (!enter(p))
		return NULL;
	if (take(p, T_NAME, "not") || (!is(p, T_OP, "!=") && take(p, T_OP, "!"))) {
		n = one(p, N_NOT, column, parse_unary(p));
		p->depth--;
		return n;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (take(p, T_NAME, words[i].word)) {
			n = make(p, words[i].kind, column, NULL, NULL);
			if (!parse_interval(p, n) || !(n->a = parse_unary(p)))
				g_clear_pointer(&n, node_free);
			p->depth--;
			return n;
		}
	n = parse_comparison(p);
	p->depth--;
	return n;
}

static Node *parse_until(Parser *p)
{
	Node *a = parse_unary(p);
	while (a && (is(p, T_NAME, "until") || is(p, T_NAME, "since"))) {
		Node *n = make(p, is(p, T_NAME, "until") ? N_UNTIL : N_SINCE,
			       column_of(p, p->start), NULL, NULL);
		next(p);
		n->a = a;
		a = n;
		if (!parse_interval(p, n) || !(n->b = parse_unary(p)))
			g_clear_pointer(&a, node_free);
	}
	return a;
}

static Node *parse_and(Parser *p)
{
	Node *a = parse_until(p);
	for (;;) {
		unsigned column = column_of(p, p->start);
		if (!a || (!take(p, T_NAME, "and") && !take(p, T_OP, "&&") && !take(p, T_OP, "&")))
			return a;
		a = pair(p, N_AND, column, a, parse_until(p));
	}
}

static Node *parse_or(Parser *p)
{
	Node *a = parse_and(p);
	for (;;) {
		unsigned column = column_of(p, p->start);
		if (a && take(p, T_NAME, "xor"))
			a = pair(p, N_XOR, column, a, parse_and(p));
		else if (a && (take(p, T_NAME, "or") || take(p, T_OP, "||") || take(p, T_OP, "|")))
			a = pair(p, N_OR, column, a, parse_and(p));
		else
			return a;
	}
}

static Node *parse_implies(Parser *p)
{
	Node *a = parse_or(p);
	unsigned column = column_of(p, p->start);
	if (!a || (!take(p, T_OP, "->") && !take(p, T_NAME, "implies")))
		return a;
	Node *b = enter(p) ? parse_implies(p) : NULL;
	p->depth--;
	return pair(p, N_IMPLIES, column, a, b);
}

static Node *parse_iff(Parser *p)
{
	Node *a = parse_implies(p);
	for (;;) {
		unsigned column = column_of(p, p->start);
		if (!a || (!take(p, T_OP, "<->") && !take(p, T_NAME, "iff")))
			return a;
		a = pair(p, N_IFF, column, a, parse_implies(p));
	}
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
	f->parameter_values = g_array_new(FALSE, TRUE, sizeof(Quantity));
	GError *local = NULL;
	Parser p = {
		.f = f, .text = f->text, .at = f->text, .error = &local, .ret_column = ret_column};
	next(&p);
	f->root = parse_iff(&p);
	if (f->root && !p.failed && p.kind != T_END)
		fail(&p, "expected an operator or the end");
	if (p.failed || !f->root) {
		g_propagate_error(error, local);
		return NULL;
	}
	return g_steal_pointer(&f);
}

void stl_formula_free(StlFormula *f)
{
	if (!f)
		return;
	node_free(f->root);
	g_free(f->text);
	g_ptr_array_unref(f->signals);
	g_ptr_array_unref(f->parameters);
	g_array_unref(f->parameter_values);
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
