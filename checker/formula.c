/* Formulas, read by rules written down from docs/stl.md alone. What can be said with other words is. */
#include "check.h"

typedef struct Reader {
	const char *p;
	GHashTable *parameters, *meaning; /* meaning: word → Node*, of sub-formulas and variables */
	bool bad;
	unsigned depth;
} Reader;

enum { IFF = 1, IMPLIES, OR, AND, UNTIL, COMPARISON, SUM, PRODUCT, FACTOR };

static const struct Infix {
	const char *text;
	int level;
	Kind kind;
	const char *meaning; /* of two operands a and b; NULL: `kind` */
} infixes[] = {{"<->", IFF, 0, "a iff b"},
	       {"iff", IFF, 0, "(not a or b) and (a or not b)"},
	       {"->", IMPLIES, N_IMPLIES, 0},
	       {"implies", IMPLIES, N_IMPLIES, 0},
	       {"||", OR, N_OR, 0},
	       {"|", OR, N_OR, 0},
	       {"or", OR, N_OR, 0},
	       {"xor", OR, 0, "not (a iff b)"},
	       {"&&", AND, 0, "a and b"},
	       {"&", AND, 0, "a and b"},
	       {"and", AND, 0, "not (not a or not b)"},
	       {"until", UNTIL, N_UNTIL, 0},
	       {"since", UNTIL, N_SINCE, 0},
	       {"weak until", UNTIL, N_UNTIL, "weak"},
	       {"unless", UNTIL, N_UNTIL, "weak"},
	       {"<=", COMPARISON, N_AT_MOST, 0},
	       {"~", COMPARISON, N_TOUCH, 0},
	       {">=", COMPARISON, 0, "b <= a"},
	       {"<", COMPARISON, N_LESS, 0},
	       {">", COMPARISON, 0, "b < a"},
	       {"==", COMPARISON, 0, "a ~ b and b ~ a"},
	       {"!=", COMPARISON, 0, "not (a == b)"},
	       {"+", SUM, N_PLUS, 0},
	       {"-", SUM, 0, "a + -b"},
	       {"*", PRODUCT, N_TIMES, 0},
	       {"/", PRODUCT, N_OVER, 0}};

static const struct Word {
	const char *text;
	Kind kind;
	bool brackets, bounds, past;
	Kind minus,
		over; /* minus: of the operand, and of the whole; over: with "over [a, b]" behind the brackets */
} words[] = {{"not", N_NOT, 0, 0, 0, 0, 0},
	     {"!", N_NOT, 0, 0, 0, 0, 0},
	     {"always", N_SOME, 0, 1, 0, N_NOT, 0},
	     {"eventually", N_SOME, 0, 1, 0, 0, 0},
	     {"historically", N_SOME, 0, 1, 1, N_NOT, 0},
	     {"once", N_SOME, 0, 1, 1, 0, 0},
	     {"initial", N_INITIAL, 1, 0, 0, 0, 0},
	     {"rise", N_RISE, 1, 0, 0, 0, 0},
	     {"duration", N_DELAY, 1, 0, 0, 0, 0},
	     {"delay", N_DELAY, 1, 0, 0, 0, 0},
	     {"abs", N_NORM, 1, 0, 0, 0, 0},
	     {"norm", N_NORM, 1, 0, 0, 0, 0},
	     {"max", N_MAX, 1, 0, 0, 0, N_PEAK},
	     {"min", N_MAX, 1, 0, 0, N_MINUS, N_PEAK},
	     {"mean", N_MEAN, 1, 0, 0, 0, N_MEAN},
	     {"count", N_COUNT, 1, 0, 0, 0, N_COUNT}};

static Node *formula(Reader *r, int level);

static Node *node(Kind kind, Node *a, Node *b, int64_t from, int64_t to)
{
	Node *n = (Node *)(void *)g_array_set_size(pooled(sizeof(Node)), 1)->data;
	*n = (Node){.kind = kind, .a = a, .b = b, .unit = unit_one, .from = from, .to = to};
	return n;
}

static Node *plain(Kind kind, Node *a)
{
	return kind ? node(kind, a, NULL, 0, FAR) : a;
}

/* A formula of two others. */
static Node *said(const char *meaning, Node *a, Node *b)
{
	g_autoptr(GHashTable) table = g_hash_table_new(g_str_hash, g_str_equal);
	Reader r = {.p = meaning, .meaning = table};
	g_hash_table_insert(table, (gpointer)(uintptr_t) "a", a);
	g_hash_table_insert(table, (gpointer)(uintptr_t) "b", b);
	return formula(&r, IFF);
}

static size_t word_length(const char *p)
{
	size_t n = 0;
	while (g_ascii_isalpha(p[n]) || p[n] == '_' ||
	       (n > 0 && (g_ascii_isdigit(p[n]) || p[n] == '.' ||
			  (p[n] == '-' && g_ascii_isalpha(p[n - 1]) && g_ascii_isalpha(p[n + 1])))))
		n++;
	return n;
}

/* A word stands for itself as a whole, signs as far as they go. */
static bool take(Reader *r, const char *text)
{
	r->p += strspn(r->p, " \t\r\n");
	size_t n = strlen(text);
	if (strncmp(r->p, text, n) || (g_ascii_isalpha(*text) && word_length(r->p + n - 1) > 1))
		return false;
	r->p += n;
	return true;
}

static void need(Reader *r, const char *text)
{
	r->bad |= !take(r, text);
}

static const char *word(Reader *r)
{
	take(r, "");
	size_t n = word_length(r->p);
	g_autofree char *text = g_strndup(r->p, n);
	r->bad |= n == 0;
	r->p += n;
	return g_intern_string(text);
}

/* A number with its unit, or a parameter. */
static bool quantity(Reader *r, Quantity *ret)
{
	char *end;
	*ret = (Quantity){0, unit_one};
	if (take(r, "$")) {
		const char *name = word(r);
		const Quantity *q = r->parameters ? g_hash_table_lookup(r->parameters, name) : NULL;
		r->bad |= !q;
		*ret = q ? *q : *ret;
		return true;
	}
	ret->value = g_ascii_strtod(r->p, &end);
	if (end == r->p || !strchr("0123456789.", *r->p) || !isfinite(ret->value))
		return false;
	r->p = end;
	take(r, "");
	size_t n = strspn(r->p, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "%/^*");
	g_autofree char *unit = g_strndup(r->p, n);
	if (n > 0 && !g_ascii_isdigit(*unit) && unit_parse(unit, &ret->unit, NULL))
		r->p += n;
	return true;
}

static bool bound(Reader *r, int64_t *ret)
{
	Quantity q;
	int64_t sign = take(r, "-") ? -1 : 1;
	if (take(r, "inf"))
		return *ret = sign * FAR, true;
	if (!quantity(r, &q) || (q.value != 0 && !unit_compatible(&q.unit, &unit_second)))
		return false;
	*ret = sign * (int64_t)llround(q.value * q.unit.scale * 1e9);
	return true;
}

/* What stands in "(" is an interval only when a bound and a comma follow. False: there is none. */
static bool bounds(Reader *r, int64_t *ret_from, int64_t *ret_to)
{
	const char *before = r->p;
	bool open = !take(r, "["), some = !open || take(r, "(");
	int64_t from = 0, to = 0;
	some = some && bound(r, &from) && (take(r, ",") || take(r, ":"));
	r->bad |= !some && !open;
	if (!some) {
		r->p = before;
		return false;
	}
	r->bad |= !bound(r, &to);
	bool open_end = take(r, ")");
	if (!open_end)
		need(r, "]");
	*ret_from = from + (open && from > -FAR);
	*ret_to = to - (open_end && to < FAR);
	return true;
}

static Node *worded(Reader *r, const struct Word *w)
{
	int64_t from = 0, to = FAR;
	unsigned arguments = 1;
	if (w->bounds)
		bounds(r, &from, &to);
	r->bad |= from < 0;
	if (w->brackets)
		need(r, "(");
	Node *n = plain(w->minus, formula(r, w->brackets ? IFF : COMPARISON));
	for (; w->brackets && take(r, ","); arguments++)
		n = node(w->kind, n, plain(w->minus, formula(r, IFF)), 0, FAR);
	if (w->brackets)
		need(r, ")");
	if (w->over && arguments == 1) {
		bool over = take(r, "over");
		from = -FAR;
		r->bad |= over ? !bounds(r, &from, &to) : w->over != N_COUNT;
	}
	if (arguments == 1)
		n = node(w->over ? w->over : w->kind, n, NULL, w->past ? -to : from,
			 w->past ? -from : to);
	return plain(w->minus, n);
}

/* The conjunction, or disjunction, of its body for each channel. */
static Node *quantified(Reader *r)
{
	const char *meaning = take(r, "every")  ? "a and b"
			      : take(r, "some") ? "a or b"
						: NULL,
		   *variable = word(r);
	need(r, "in");
	need(r, "{");
	const char *channel = r->p, *body = strchr(channel, '}');
	Node *all = NULL;
	r->bad |= !meaning || !body;
	for (bool more = true; more && !r->bad;) {
		Node *meant = plain(N_SIGNAL, NULL);
		r->p = channel;
		meant->name = word(r);
		more = take(r, ",");
		channel = r->p;
		g_hash_table_insert(r->meaning, (gpointer)(uintptr_t)variable, meant);
		r->p = body + 1;
		need(r, ":");
		Node *n = formula(r, IFF);
		all = all ? said(meaning, all, n) : n;
	}
	g_hash_table_remove(r->meaning, variable);
	return all ? all : plain(N_TRUE, NULL);
}

static Node *named(Reader *r)
{
	const char *name = word(r), *dot = strchrnul(name, '.');
	g_autofree char *first = g_strndup(name, (gsize)(dot - name));
	Node *meant = g_hash_table_lookup(r->meaning, first), *n = plain(N_SIGNAL, NULL);
	g_autofree char *full = g_strconcat(meant && meant->name ? meant->name : first, dot, NULL);
	n->name = g_intern_string(full);
	return meant && !*dot ? meant : n;
}

static Node *factor(Reader *r)
{
	Quantity q;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (take(r, words[i].text))
			return worded(r, &words[i]);
	if (take(r, "fall"))
		return said("rise(not a)", factor(r), NULL);
	if (take(r, "for"))
		return quantified(r);
	bool negative = take(r, "-");
	if (quantity(r, &q)) {
		Node *n = plain(N_NUMBER, NULL);
		n->number = si(negative ? -q.value : q.value, &q.unit);
		n->unit = q.unit;
		return n;
	}
	if (negative)
		return plain(N_MINUS, formula(r, FACTOR));
	if (take(r, "true"))
		return plain(N_TRUE, NULL);
	if (take(r, "false"))
		return said("not true", NULL, NULL);
	if (!take(r, "("))
		return named(r);
	Node *n = formula(r, IFF);
	need(r, ")");
	return n;
}

static const struct Infix *infix(Reader *r, int level)
{
	const char *before = r->p;
	for (size_t i = 0; i < G_N_ELEMENTS(infixes); i++)
		if (take(r, infixes[i].text)) {
			if (infixes[i].level >= level)
				return &infixes[i];
			r->p = before;
			return NULL;
		}
	return NULL;
}

/* What binds at least as tightly as `level`. */
static Node *formula(Reader *r, int level)
{
	if (r->bad || ++r->depth > 2000) {
		r->bad = true;
		return plain(N_TRUE, NULL);
	}
	Node *n = factor(r);
	for (const struct Infix *in; !r->bad && (in = infix(r, level));) {
		int64_t from = 0, to = FAR;
		if (in->level == UNTIL)
			bounds(r, &from, &to);
		Node *b = formula(r, in->level + (in->level != IMPLIES)),
		     *whole = node(in->kind, n, b, from, to);
		if (in->level == COMPARISON && in->kind) /* of what is between the two sides */
			n = node(in->kind, said("b - a", n, b), NULL, 0, FAR);
		else if (in->meaning && in->kind) /* weak: or it goes on all the time */
			n = said("a or not b", whole, node(N_SOME, plain(N_NOT, n), NULL, 0, to));
		else
			n = in->meaning ? said(in->meaning, n, b) : whole;
	}
	return n;
}

Node *formula_parse(const char *text, GHashTable *parameters)
{
	g_autoptr(GHashTable) meaning = g_hash_table_new(g_str_hash, g_str_equal);
	Reader r = {.p = text, .parameters = parameters, .meaning = meaning};
	while (strchr(r.p, ';') && !r.bad) {
		const char *name = word(&r);
		need(&r, "=");
		g_hash_table_insert(meaning, (gpointer)(uintptr_t)name, formula(&r, IFF));
		need(&r, ";");
	}
	Node *n = formula(&r, IFF);
	take(&r, "");
	return r.bad || *r.p ? NULL : n;
}

bool formula_same(const Node *x, const Node *y)
{
	if (!x || !y)
		return x == y;
	return x->kind == y->kind && x->name == y->name && x->from == y->from && x->to == y->to &&
	       unit_compatible(&x->unit, &y->unit) &&
	       fabs(x->number - y->number) <= 1e-9 * fabs(y->number) && formula_same(x->a, y->a) &&
	       formula_same(x->b, y->b);
}

void formula_names(const Node *n, GPtrArray *names)
{
	if (!n)
		return;
	if (n->kind == N_SIGNAL && !g_ptr_array_find(names, n->name, NULL))
		g_ptr_array_add(names, (gpointer)(uintptr_t)n->name);
	formula_names(n->a, names);
	formula_names(n->b, names);
}
