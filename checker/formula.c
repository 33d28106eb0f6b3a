/* Formulas, read by rules written down from docs/stl.md alone: one table of operators, loosest first. */
#include "check.h"

typedef struct Reader {
	const char *p;
	GHashTable *parameters;
	bool bad;
	unsigned depth;
} Reader;

enum { IFF = 1, IMPLIES, OR, AND, UNTIL, COMPARISON, SUM, PRODUCT, FACTOR };

static const struct Infix {
	const char *text;
	int level;
	Kind kind;
	bool equal; /* or as much; of an IFF: not */
} infixes[] = {{"<->", IFF, N_IFF, false},        {"iff", IFF, N_IFF, false},
	       {"->", IMPLIES, N_IMPLIES, false}, {"implies", IMPLIES, N_IMPLIES, false},
	       {"||", OR, N_OR, false},           {"|", OR, N_OR, false},
	       {"or", OR, N_OR, false},           {"xor", OR, N_IFF, true},
	       {"&&", AND, N_AND, false},         {"&", AND, N_AND, false},
	       {"and", AND, N_AND, false},        {"until", UNTIL, N_UNTIL, false},
	       {"since", UNTIL, N_SINCE, false},  {"<=", COMPARISON, N_LESS, true},
	       {">=", COMPARISON, N_MORE, true},  {"<", COMPARISON, N_LESS, false},
	       {">", COMPARISON, N_MORE, false},  {"+", SUM, N_PLUS, false},
	       {"-", SUM, N_MINUS, false},        {"*", PRODUCT, N_TIMES, false},
	       {"/", PRODUCT, N_OVER, false}};

static const struct Prefix {
	const char *text;
	Kind kind;
	bool negated, bounds, call; /* not KIND not; with bounds; with its argument in brackets */
} prefixes[] = {{"not", N_NOT, false, false, false},
		{"!", N_NOT, false, false, false},
		{"always", N_ALWAYS, false, true, false},
		{"eventually", N_ALWAYS, true, true, false},
		{"historically", N_ONCE_PAST, true, true, false},
		{"once", N_ONCE_PAST, false, true, false},
		{"initial", N_INITIAL, false, false, true},
		{"rise", N_RISE, false, false, true},
		{"abs", N_ABS, false, false, true},
		{"duration", N_DELAY, false, false, true}};

static const struct Call {
	const char *text;
	Kind kind;
} calls[] = {{"min", N_MIN}, {"max", N_MAX}, {"delay", N_DELAY}};

static Node *formula(Reader *r, int level);

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

/* A word stands for itself as a whole, signs as far as they go. */
static bool take(Reader *r, const char *text)
{
	while (g_ascii_isspace(*r->p))
		r->p++;
	size_t n = strlen(text);
	if (strncmp(r->p, text, n) != 0 || (g_ascii_isalpha(*text) && word_length(r->p) != n))
		return false;
	r->p += n;
	return true;
}

static void need(Reader *r, const char *text)
{
	r->bad |= !take(r, text);
}

static Node *parameter(Reader *r)
{
	size_t n = word_length(r->p);
	g_autofree char *name = g_strndup(r->p, n);
	const Quantity *q = r->parameters ? g_hash_table_lookup(r->parameters, name) : NULL;
	Node *number = node(N_NUMBER, NULL, NULL);
	r->p += n;
	r->bad |= !q;
	number->number = q ? q->value : 0;
	number->unit = q ? q->unit : unit_one;
	return number;
}

static Node *number(Reader *r)
{
	char *end;
	Node *n = node(N_NUMBER, NULL, NULL);
	n->number = g_ascii_strtod(r->p, &end);
	r->bad |= end == r->p || !isfinite(n->number);
	r->p = end;
	size_t blanks = strspn(end, " "), length = 0;
	const char *unit = end + blanks;
	while (g_ascii_isalnum(unit[length]) || (unit[length] && strchr("%/^*", unit[length])))
		length++;
	g_autofree char *text = g_strndup(unit, length);
	if (length > 0 && !g_ascii_isdigit(*unit) && unit_parse(text, &n->unit, NULL))
		r->p = unit + length;
	return n;
}

static int64_t bound(Reader *r)
{
	int64_t ns = 0;
	if (take(r, "inf"))
		return INT64_MAX;
	Node *n = take(r, "$") ? parameter(r) : number(r);
	if (!unit_compatible(&n->unit, &unit_second) && n->number != 0)
		r->bad = true;
	else if (n->number != 0)
		ns = (int64_t)llround(unit_convert(n->number, &n->unit, &unit_second) * 1e9);
	formula_free(n);
	return ns;
}

static void bounds(Reader *r, Node *n)
{
	if (!take(r, "["))
		return;
	n->from = bound(r);
	if (!take(r, ":"))
		need(r, ",");
	n->to = bound(r);
	need(r, "]");
	r->bad |= n->from < 0 || n->to < n->from;
}

static Node *prefixed(Reader *r, const struct Prefix *p)
{
	Node *n = node(p->kind, NULL, NULL);
	if (p->bounds)
		bounds(r, n);
	if (p->call)
		need(r, "(");
	n->a = formula(r, p->call ? IFF : COMPARISON);
	if (p->call)
		need(r, ")");
	if (!p->negated)
		return n;
	n->a = node(N_NOT, n->a, NULL);
	return node(N_NOT, n, NULL);
}

static Node *called(Reader *r, Kind kind)
{
	need(r, "(");
	Node *n = formula(r, IFF);
	need(r, ",");
	do
		n = node(kind, n, formula(r, IFF));
	while (kind != N_DELAY && take(r, ","));
	need(r, ")");
	r->bad |= take(r, "over"); /* of a window: not here */
	return n;
}

static Node *factor(Reader *r)
{
	Node *n;
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (take(r, prefixes[i].text))
			return prefixed(r, &prefixes[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		if (take(r, calls[i].text))
			return called(r, calls[i].kind);
	if (take(r, "-")) {
		n = formula(r, FACTOR);
		if (n->kind != N_NUMBER)
			return node(N_MINUS, node(N_NUMBER, NULL, NULL), n);
		n->number = -n->number;
		return n;
	}
	if (take(r, "(")) {
		n = formula(r, IFF);
		need(r, ")");
		return n;
	}
	if (take(r, "fall")) {
		need(r, "(");
		n = node(N_RISE, node(N_NOT, formula(r, IFF), NULL), NULL);
		need(r, ")");
		return n;
	}
	if (take(r, "$"))
		return parameter(r);
	if (take(r, "true"))
		return node(N_TRUE, NULL, NULL);
	if (take(r, "false"))
		return node(N_NOT, node(N_TRUE, NULL, NULL), NULL);
	size_t length = word_length(r->p);
	if (length == 0)
		return number(r);
	n = node(N_SIGNAL, NULL, NULL);
	n->name = g_strndup(r->p, length);
	r->p += length;
	return n;
}

static const struct Infix *infix(Reader *r, int level)
{
	for (size_t i = 0; i < G_N_ELEMENTS(infixes); i++) {
		const char *before = r->p;
		if (take(r, infixes[i].text)) {
			if (infixes[i].level >= level)
				return &infixes[i];
			r->p = before;
			return NULL;
		}
	}
	return NULL;
}

/* What binds at least as tightly as `level`. */
static Node *formula(Reader *r, int level)
{
	if (r->bad || ++r->depth > 2000) {
		r->bad = true;
		return node(N_OTHER, NULL, NULL);
	}
	Node *n = factor(r);
	for (const struct Infix *in; !r->bad && (in = infix(r, level));) {
		Node *with = node(in->kind, n, NULL);
		if (in->level == UNTIL)
			bounds(r, with);
		with->b = formula(r, in->level == IMPLIES ? IMPLIES : in->level + 1);
		with->equal = in->level == COMPARISON && in->equal;
		n = in->level == OR && in->equal ? node(N_NOT, with, NULL) : with;
	}
	return n;
}

Node *formula_parse(const char *text, GHashTable *parameters)
{
	Reader r = {text, parameters, false, 0};
	Node *n = formula(&r, IFF);
	take(&r, "");
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
