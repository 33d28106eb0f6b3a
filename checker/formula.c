/* Formulas, read by rules written down from docs/stl.md alone. */
#include "check.h"

typedef struct Reader {
	const char *p;
	GHashTable *parameters;
	bool bad;
	unsigned depth;
} Reader;

static Node *formula(Reader *r);

static Node *node(Kind kind, Node *a, Node *b)
{
	Node *n = g_new0(Node, 1);
	*n = (Node){.kind = kind, .a = a, .b = b, .unit = unit_one, .to = INT64_MAX};
	return n;
}

void formula_free(Node *n)
{
	if (!n)
		return;
	formula_free(n->a);
	formula_free(n->b);
	g_free(n->name);
	g_free(n);
}

static Node *fail(Reader *r)
{
	r->bad = true;
	return node(N_OTHER, NULL, NULL);
}

static void blanks(Reader *r)
{
	while (g_ascii_isspace(*r->p))
		r->p++;
}

static bool symbol(Reader *r, const char *text)
{
	blanks(r);
	if (!g_str_has_prefix(r->p, text))
		return false;
	r->p += strlen(text);
	return true;
}

static size_t word_length(const char *p)
{
	size_t n = 0;
	if (!g_ascii_isalpha(*p) && *p != '_')
		return 0;
	while (g_ascii_isalnum(p[n]) || p[n] == '_' || p[n] == '.' ||
	       (p[n] == '-' && g_ascii_isalpha(p[n - 1]) && g_ascii_isalpha(p[n + 1])))
		n++;
	return n;
}

static bool word(Reader *r, const char *text)
{
	blanks(r);
	size_t n = word_length(r->p);
	if (n != strlen(text) || strncmp(r->p, text, n) != 0)
		return false;
	r->p += n;
	return true;
}

static Node *parameter(Reader *r)
{
	size_t n = word_length(++r->p);
	g_autofree char *name = g_strndup(r->p, n);
	const Quantity *q = r->parameters ? g_hash_table_lookup(r->parameters, name) : NULL;
	r->p += n;
	if (!q)
		return fail(r);
	Node *number = node(N_NUMBER, NULL, NULL);
	number->number = q->value;
	number->unit = q->unit;
	return number;
}

static Node *number(Reader *r)
{
	char *end;
	Node *n = node(N_NUMBER, NULL, NULL);
	n->number = g_ascii_strtod(r->p, &end);
	if (end == r->p || !isfinite(n->number))
		r->bad = true;
	r->p = end;
	const char *unit = end;
	while (*unit == ' ')
		unit++;
	size_t length = 0;
	while (g_ascii_isalnum(unit[length]) || (unit[length] && strchr("%/^*", unit[length])))
		length++;
	g_autofree char *text = g_strndup(unit, length);
	if (length > 0 && !g_ascii_isdigit(*unit) && unit_parse(text, &n->unit, NULL))
		r->p = unit + length;
	return n;
}

static Node *argument(Reader *r)
{
	if (!symbol(r, "("))
		return fail(r);
	Node *n = formula(r);
	return symbol(r, ")") ? n : (r->bad = true, n);
}

static Node *named(Reader *r)
{
	size_t n = word_length(r->p);
	if (n == 0)
		return fail(r);
	Node *signal = node(N_SIGNAL, NULL, NULL);
	signal->name = g_strndup(r->p, n);
	r->p += n;
	blanks(r);
	if (*r->p == '(') /* a function that is not known here */
		r->bad = true;
	return signal;
}

static Node *factor(Reader *r)
{
	blanks(r);
	if (symbol(r, "-")) {
		Node *n = factor(r);
		if (n->kind != N_NUMBER)
			return node(N_MINUS, node(N_NUMBER, NULL, NULL), n);
		n->number = -n->number;
		return n;
	}
	if (*r->p == '$')
		return parameter(r);
	if (g_ascii_isdigit(*r->p) || *r->p == '.')
		return number(r);
	if (*r->p == '(')
		return argument(r);
	if (word(r, "true"))
		return node(N_TRUE, NULL, NULL);
	if (word(r, "false"))
		return node(N_NOT, node(N_TRUE, NULL, NULL), NULL);
	if (word(r, "initial"))
		return node(N_INITIAL, argument(r), NULL);
	if (word(r, "rise"))
		return node(N_RISE, argument(r), NULL);
	if (word(r, "fall"))
		return node(N_RISE, node(N_NOT, argument(r), NULL), NULL);
	if (!word(r, "delay"))
		return named(r);
	if (!symbol(r, "("))
		return fail(r);
	Node *a = formula(r);
	if (!symbol(r, ","))
		r->bad = true;
	Node *n = node(N_DELAY, a, formula(r));
	return symbol(r, ")") ? n : (r->bad = true, n);
}

static Node *product(Reader *r)
{
	Node *n = factor(r);
	for (;;) {
		if (symbol(r, "*"))
			n = node(N_TIMES, n, factor(r));
		else if (symbol(r, "/"))
			n = node(N_OVER, n, factor(r));
		else
			return n;
	}
}

static Node *sum(Reader *r)
{
	Node *n = product(r);
	for (;;) {
		blanks(r);
		if (symbol(r, "+"))
			n = node(N_PLUS, n, product(r));
		else if (r->p[0] == '-' && r->p[1] != '>' && symbol(r, "-"))
			n = node(N_MINUS, n, product(r));
		else
			return n;
	}
}

static Node *comparison(Reader *r)
{
	Node *n = sum(r);
	blanks(r);
	if (g_str_has_prefix(r->p, "<->") || (*r->p != '<' && *r->p != '>')) {
		if (g_str_has_prefix(r->p, "==") || g_str_has_prefix(r->p, "!="))
			r->bad = true;
		return n;
	}
	Kind kind = *r->p++ == '<' ? N_LESS : N_MORE;
	bool equal = *r->p == '=';
	r->p += equal;
	n = node(kind, n, sum(r));
	n->equal = equal;
	return n;
}

static int64_t bound(Reader *r)
{
	if (word(r, "inf"))
		return INT64_MAX;
	blanks(r);
	Node *n = *r->p == '$' ? parameter(r) : number(r);
	int64_t ns = 0;
	if (!unit_compatible(&n->unit, &unit_second))
		r->bad = true;
	else
		ns = (int64_t)llround(unit_convert(n->number, &n->unit, &unit_second) * 1e9);
	formula_free(n);
	return ns;
}

static Node *unary(Reader *r);

static Node *temporal(Reader *r, Kind kind, bool negated)
{
	int64_t from = 0, to = INT64_MAX;
	if (symbol(r, "[")) {
		from = bound(r);
		if (!symbol(r, ","))
			r->bad = true;
		to = bound(r);
		if (!symbol(r, "]") || from < 0 || to < from)
			r->bad = true;
	}
	Node *inner = unary(r);
	Node *n = node(kind, negated ? node(N_NOT, inner, NULL) : inner, NULL);
	n->from = from;
	n->to = to;
	return negated ? node(N_NOT, n, NULL) : n;
}

static Node *unary(Reader *r)
{
	blanks(r);
	if (++r->depth > 500)
		return fail(r);
	if (word(r, "not") || (r->p[0] == '!' && r->p[1] != '=' && symbol(r, "!")))
		return node(N_NOT, unary(r), NULL);
	if (word(r, "always"))
		return temporal(r, N_ALWAYS, false);
	if (word(r, "eventually"))
		return temporal(r, N_ALWAYS, true);
	if (word(r, "historically"))
		return temporal(r, N_ONCE_PAST, true);
	if (word(r, "once"))
		return temporal(r, N_ONCE_PAST, false);
	return comparison(r);
}

static Node *conjunction(Reader *r)
{
	Node *n = unary(r);
	while (word(r, "and") || symbol(r, "&&"))
		n = node(N_AND, n, unary(r));
	if (word(r, "until") || word(r, "since"))
		r->bad = true;
	return n;
}

static Node *disjunction(Reader *r)
{
	Node *n = conjunction(r);
	for (;;) {
		if (word(r, "or") || symbol(r, "||"))
			n = node(N_OR, n, conjunction(r));
		else if (word(r, "xor"))
			n = node(N_NOT, node(N_IFF, n, conjunction(r)), NULL);
		else
			return n;
	}
}

static Node *implication(Reader *r)
{
	Node *n = disjunction(r);
	if (symbol(r, "->") || word(r, "implies"))
		return node(N_IMPLIES, n, implication(r));
	return n;
}

static Node *formula(Reader *r)
{
	Node *n = implication(r);
	while (symbol(r, "<->") || word(r, "iff"))
		n = node(N_IFF, n, implication(r));
	return n;
}

Node *formula_parse(const char *text, GHashTable *parameters)
{
	Reader r = {text, parameters, false, 0};
	Node *n = formula(&r);
	blanks(&r);
	if (!r.bad && !*r.p)
		return n;
	formula_free(n);
	return NULL;
}

bool formula_same(const Node *x, const Node *y)
{
	if (!x || !y)
		return x == y;
	double number = x->kind == N_NUMBER && unit_compatible(&x->unit, &y->unit)
				? unit_convert(y->number, &y->unit, &x->unit)
				: y->number;
	return x->kind == y->kind && !g_strcmp0(x->name, y->name) && x->equal == y->equal &&
	       x->from == y->from && x->to == y->to &&
	       (x->kind != N_NUMBER || unit_compatible(&x->unit, &y->unit)) &&
	       fabs(x->number - number) <= 1e-9 * fabs(number) && formula_same(x->a, y->a) &&
	       formula_same(x->b, y->b);
}

void formula_names(const Node *n, GPtrArray *names)
{
	if (!n)
		return;
	if (n->kind == N_SIGNAL &&
	    !g_ptr_array_find_with_equal_func(names, n->name, g_str_equal, NULL))
		g_ptr_array_add(names, n->name);
	formula_names(n->a, names);
	formula_names(n->b, names);
}
