#include "random.h"

#include <string.h>

const char *const case_names[REF_MAX_SIGNALS] = {"x", "y", "z", "p", "q"};
enum { MEASURED = 3, BOOLEANS = 2 };

/* ---- trees ------------------------------------------------------------------------------------------------------------- */

static RefNode *make(RefKind kind, RefNode *a, RefNode *b)
{
	RefNode *n = g_new0(RefNode, 1);
	n->kind = kind;
	n->a = a;
	n->b = b;
	return n;
}

static RefNode *copy(const RefNode *n)
{
	if (!n)
		return NULL;
	RefNode *c = g_memdup2(n, sizeof(*n));
	c->a = copy(n->a);
	c->b = copy(n->b);
	return c;
}

void node_destroy(RefNode *n)
{
	if (!n)
		return;
	node_destroy(n->a);
	node_destroy(n->b);
	g_free(n);
}

RefCase *case_copy(const RefCase *c)
{
	RefCase *d = g_memdup2(c, sizeof(*c));
	d->root = copy(c->root);
	return d;
}

void case_free(RefCase *c)
{
	if (!c)
		return;
	node_destroy(c->root);
	g_free(c);
}

/* ---- random formulas ---------------------------------------------------------------------------------------------------- */

static RefNode *number(int value)
{
	RefNode *n = make(REF_NUMBER, NULL, NULL);
	n->value = value;
	return n;
}

static RefNode *named(RefKind kind, int signal)
{
	RefNode *n = make(kind, NULL, NULL);
	n->signal = signal;
	return n;
}

static RefNode *formula(Random *r, int depth);
static RefNode *watchable(Random *r, int depth);

/* A window of values looks to either side, or without end. */
static RefNode *over(Random *r, RefKind kind, RefNode *a)
{
	RefNode *n = make(kind, a, NULL);
	n->lo = random_chance(r, 15) ? -REF_FOREVER : random_int(r, -4, 3);
	n->hi = !r->watchable && random_chance(r, 15) ? REF_FOREVER
						      : MAX(n->lo, -6) + random_int(r, 0, 4);
	if (n->lo != n->hi && n->lo != -REF_FOREVER)
		n->lo_open = random_chance(r, 15);
	if (n->lo != n->hi && n->hi != REF_FOREVER)
		n->hi_open = random_chance(r, 15);
	return n;
}

static int some_signal(Random *r)
{
	return r->quantified && random_chance(r, 50) ? REF_VARIABLE
						     : random_int(r, 0, MEASURED - 1);
}

static RefNode *term(Random *r, int depth)
{
	if (depth <= 0 || random_chance(r, 50))
		return random_chance(r, 92) ? named(REF_SIGNAL, some_signal(r))
					    : named(REF_INITIAL, some_signal(r));
	RefNode *n, *b;
	switch (random_int(r, 0, 9)) {
	case 0:
		return make(REF_MINUS, term(r, depth - 1), NULL);
	case 1:
		return make(REF_ABS, term(r, depth - 1), NULL);
	case 2:
	case 3:
		n = term(r, depth - 1);
		b = term(r, depth - 1);
		if (!ref_level(r->about, n) && !ref_level(r->about, b)) {
			node_destroy(b);
			b = number(random_int(r, -3, 3));
		}
		return make(random_chance(r, 50) ? REF_PLUS : REF_LESS, n, b);
	case 4:
		n = make(REF_TIMES, term(r, depth - 1), NULL);
		n->value = ref_level(r->about, n->a) ? random_int(r, -3, 3)
						     : random_int(r, 0, 1) * 2 - 1;
		return n;
	case 5:
		return make(REF_LEAST, term(r, depth - 1), term(r, depth - 1));
	case 6:
		return make(REF_MOST, term(r, depth - 1), term(r, depth - 1));
	case 7:
		return over(r, REF_COUNT,
			    (r->watchable ? watchable : formula)(r, random_int(r, 0, 2)));
	}
	return over(r, random_chance(r, 50) ? REF_MAX_OVER : REF_MIN_OVER, term(r, depth - 1));
}

static RefNode *atom(Random *r)
{
	if (random_chance(r, 4))
		return make(random_chance(r, 50) ? REF_TRUE : REF_FALSE, NULL, NULL);
	if (random_chance(r, 30))
		return named(REF_BOOLEAN, MEASURED + random_int(r, 0, BOOLEANS - 1));
	RefKind kind = (RefKind)random_int(r, REF_LT, REF_NE);
	RefNode *limit = number(random_int(r, -4, 4)), *value = term(r, 2);
	return random_chance(r, 85) ? make(kind, value, limit) : make(kind, limit, value);
}

static void bounds(Random *r, RefNode *n)
{
	n->lo = random_chance(r, 60) ? 0 : random_int(r, 1, 4);
	n->hi = random_chance(r, 25) ? REF_OPEN_END
				     : n->lo + random_int(r, 0, random_chance(r, 80) ? 3 : 9);
}

static void maybe_open(Random *r, RefNode *n)
{
	if (n->hi == n->lo || random_chance(r, 70))
		return;
	n->lo_open = random_chance(r, 50);
	n->hi_open = n->hi != REF_OPEN_END && random_chance(r, 50);
}

static RefNode *quantified(Random *r, RefKind kind, int depth)
{
	if (r->quantified) /* one variable is enough */
		return atom(r);
	r->quantified = true;
	RefNode *n = named(kind, random_int(r, 1, (1 << MEASURED) - 1));
	n->a = formula(r, depth - 1);
	r->quantified = false;
	return n;
}

static RefNode *formula(Random *r, int depth)
{
	if (depth <= 0 || random_chance(r, 12))
		return atom(r);
	RefKind kind = (RefKind)random_int(r, REF_NOT, REF_SINCE);
	if (kind == REF_EVERY || kind == REF_SOME)
		return quantified(r, kind, depth);
	bool one = kind == REF_NOT || kind == REF_RISE || kind == REF_FALL || kind == REF_ALWAYS ||
		   kind == REF_EVENTUALLY || kind == REF_HISTORICALLY || kind == REF_ONCE;
	RefNode *n = make(kind, formula(r, depth - 1), one ? NULL : formula(r, depth - 1));
	if (kind >= REF_ALWAYS) {
		bounds(r, n);
		maybe_open(r, n);
	}
	return n;
}

/* What a monitor takes: the future is unbounded at the root only. */
static RefNode *watchable(Random *r, int depth)
{
	static const RefKind kinds[] = {REF_NOT,     REF_AND,        REF_OR,           REF_XOR,
					REF_IMPLIES, REF_IFF,        REF_RISE,         REF_FALL,
					REF_ALWAYS,  REF_EVENTUALLY, REF_HISTORICALLY, REF_ONCE,
					REF_UNTIL,   REF_WEAK,       REF_SINCE};
	if (depth <= 0 || random_chance(r, 12))
		return atom(r);
	RefKind kind = kinds[random_int(r, 0, G_N_ELEMENTS(kinds) - 1)];
	bool two = (kind >= REF_AND && kind <= REF_IFF) || kind == REF_UNTIL || kind == REF_WEAK ||
		   kind == REF_SINCE;
	RefNode *n = make(kind, watchable(r, depth - 1), two ? watchable(r, depth - 1) : NULL);
	if (kind >= REF_ALWAYS) {
		bounds(r, n);
		if (kind < REF_HISTORICALLY && n->hi == REF_OPEN_END)
			n->hi = n->lo + random_int(r, 0, 4);
		maybe_open(r, n);
	}
	return n;
}

static RefNode *duties(Random *r)
{
	if (random_chance(r, 25))
		return make(REF_AND, duties(r), duties(r));
	RefKind kind = (RefKind)random_int(r, REF_ALWAYS, REF_WEAK);
	RefNode *n = make(kind, watchable(r, random_int(r, 0, 3)),
			  kind >= REF_UNTIL ? watchable(r, random_int(r, 0, 2)) : NULL);
	bounds(r, n);
	maybe_open(r, n);
	return n;
}

/* ---- random signals ----------------------------------------------------------------------------------------------------- */

static RefStatus status(Random *r, int trouble)
{
	if (!random_chance(r, trouble))
		return REF_OK;
	int k = random_int(r, 0, 3);
	return k == 0 ? REF_STALE : k == 1 ? REF_SATURATED : REF_MISSING;
}

/* A walk with slopes -1, 0, 1 from the last sample that counts, so that the grid stays exact. */
typedef struct Walk {
	int t, v, u;
	bool begun;
} Walk;

static void measured(Random *r, RefSignal *s, const Walk *last, RefSample *lower, RefSample *upper)
{
	int dt = lower->t - last->t, step = random_int(r, -1, 1), up = random_int(r, step, 1);
	if (s->hold || !last->begun) {
		lower->v = random_int(r, -4, 4);
		upper->v = lower->v + random_int(r, 0, 2);
		return;
	}
	if (last->v + step * dt > 5 || last->v + step * dt < -5)
		step = 0;
	if (last->u + up * dt < last->v + step * dt)
		up = step;
	lower->v = last->v + step * dt;
	upper->v = last->u + up * dt;
}

static void recorded(Random *r, RefSignal *s, bool boolean, int end)
{
	Walk last = {0};
	int trouble = random_chance(r, 50) ? 0 : 15;
	bool envelope = random_chance(r, 25);
	int t = random_chance(r, 80) ? -random_int(r, 0, 2) : random_int(r, 1, 3);
	s->boolean = boolean;
	s->hold = boolean || random_chance(r, 25);
	s->max_gap = random_chance(r, 75) ? 0 : random_int(r, 1, 4);
	s->range_lo = -4;
	s->range_hi = 4;
	while (s->n < REF_MAX_SAMPLES && t <= end + 3) {
		RefSample lower = {.t = t, .status = status(r, trouble)}, upper = lower;
		if (boolean) {
			lower.v = random_int(r, 0, 1);
			upper.v = random_chance(r, 25) ? 1 : lower.v;
		} else {
			measured(r, s, &last, &lower, &upper);
		}
		if (envelope && trouble && lower.status == REF_OK && random_chance(r, 5))
			upper.status = REF_MISSING;
		if (lower.status != REF_STALE)
			last = (Walk){t, lower.v, upper.v, true};
		s->lower[s->n] = lower;
		s->upper[s->n++] = upper;
		t += random_chance(r, 60) ? 1 : random_int(r, 2, 4);
		if (t > end && random_chance(r, 60))
			break;
	}
	s->n_upper = envelope ? s->n : 0;
}

/* A monitor sees values that hold, one series of each signal, and takes a saturated one for what it says. */
static void hold_all(RefCase *c)
{
	for (size_t i = 0; i < c->n_signals; i++) {
		RefSignal *s = &c->signals[i];
		s->hold = true;
		s->n_upper = 0;
		for (size_t k = 0; k < s->n; k++)
			if (s->lower[k].status == REF_SATURATED)
				s->lower[k].status = REF_MISSING;
	}
}

RefCase *case_random(uint64_t seed, RandomKind kind)
{
	Random r = {.state = seed};
	RefCase *c = g_new0(RefCase, 1);
	c->end = random_chance(&r, 5) ? random_int(&r, 0, 1) : random_int(&r, 2, 14);
	c->finite = kind == RANDOM_ANY && random_chance(&r, 15);
	c->n_signals = REF_MAX_SIGNALS;
	for (int i = 0; i < REF_MAX_SIGNALS; i++)
		recorded(&r, &c->signals[i], i >= MEASURED, c->end);
	if (kind == RANDOM_WATCHABLE)
		hold_all(c);
	r.about = c;
	r.watchable = kind == RANDOM_WATCHABLE;
	c->root = kind == RANDOM_WATCHABLE ? duties(&r) : formula(&r, random_int(&r, 1, 4));
	return c;
}

/* ---- text ------------------------------------------------------------------------------------------------------------------ */

static const char *word(RefKind kind)
{
	switch (kind) {
	case REF_NUMBER:
	case REF_SIGNAL:
	case REF_BOOLEAN:
		return "";
	case REF_INITIAL:
		return "initial";
	case REF_MINUS:
		return "-";
	case REF_ABS:
		return "abs";
	case REF_PLUS:
		return "+";
	case REF_LESS:
		return "-";
	case REF_TIMES:
		return "*";
	case REF_LEAST:
		return "min";
	case REF_MOST:
		return "max";
	case REF_MAX_OVER:
		return "max";
	case REF_MIN_OVER:
		return "min";
	case REF_COUNT:
		return "count";
	case REF_EVERY:
		return "for every";
	case REF_SOME:
		return "for some";
	case REF_TRUE:
		return "true";
	case REF_FALSE:
		return "false";
	case REF_LT:
		return "<";
	case REF_LE:
		return "<=";
	case REF_GT:
		return ">";
	case REF_GE:
		return ">=";
	case REF_EQ:
		return "==";
	case REF_NE:
		return "!=";
	case REF_NOT:
		return "not";
	case REF_AND:
		return "and";
	case REF_OR:
		return "or";
	case REF_XOR:
		return "xor";
	case REF_IMPLIES:
		return "->";
	case REF_IFF:
		return "<->";
	case REF_RISE:
		return "rise";
	case REF_FALL:
		return "fall";
	case REF_ALWAYS:
		return "always";
	case REF_EVENTUALLY:
		return "eventually";
	case REF_UNTIL:
		return "until";
	case REF_WEAK:
		return "weak until";
	case REF_HISTORICALLY:
		return "historically";
	case REF_ONCE:
		return "once";
	case REF_SINCE:
		return "since";
	}
	return "?";
}

static const char *name_of(int signal)
{
	return signal == REF_VARIABLE ? "v" : case_names[signal];
}

static void print_bound(int bound, GString *out)
{
	if (ABS(bound) == REF_FOREVER)
		g_string_append(out, bound < 0 ? "-inf" : "inf");
	else
		g_string_append_printf(out, "%d s", bound);
}

static void print(const RefNode *n, GString *out);

static void print_over(const RefNode *n, GString *out)
{
	/* a count has no unit, and all else here is in metres */
	g_string_append_printf(out, "%s%s(", n->kind == REF_COUNT ? "(1 m * " : "", word(n->kind));
	print(n->a, out);
	g_string_append_printf(out, ") over %c", n->lo_open ? '(' : '[');
	print_bound(n->lo, out);
	g_string_append(out, ", ");
	print_bound(n->hi, out);
	g_string_append_printf(out, "%c%s", n->hi_open ? ')' : ']',
			       n->kind == REF_COUNT ? ")" : "");
}

static void print_quantifier(const RefNode *n, GString *out)
{
	g_string_append_printf(out, "(%s v in {", word(n->kind));
	for (int i = 0, any = 0; i < MEASURED; i++)
		if (n->signal >> i & 1)
			g_string_append_printf(out, "%s%s", any++ ? ", " : "", case_names[i]);
	g_string_append(out, "}: ");
	print(n->a, out);
	g_string_append_c(out, ')');
}

static void print(const RefNode *n, GString *out)
{
	switch ((int)n->kind) {
	case REF_NUMBER:
		g_string_append_printf(out, "%d m", n->value);
		return;
	case REF_SIGNAL:
	case REF_BOOLEAN:
		g_string_append(out, name_of(n->signal));
		return;
	case REF_INITIAL:
		g_string_append_printf(out, "initial(%s)", name_of(n->signal));
		return;
	case REF_MAX_OVER:
	case REF_MIN_OVER:
	case REF_COUNT:
		print_over(n, out);
		return;
	case REF_EVERY:
	case REF_SOME:
		print_quantifier(n, out);
		return;
	case REF_TRUE:
	case REF_FALSE:
		g_string_append(out, word(n->kind));
		return;
	case REF_TIMES:
		g_string_append_printf(out, "(%d * ", n->value);
		print(n->a, out);
		g_string_append_c(out, ')');
		return;
	}
	bool call = n->kind == REF_ABS || n->kind == REF_LEAST || n->kind == REF_MOST ||
		    n->kind == REF_RISE || n->kind == REF_FALL;
	g_string_append(out, call ? word(n->kind) : "");
	g_string_append_c(out, '(');
	if (n->b || call)
		print(n->a, out);
	if (!call)
		g_string_append_printf(out, n->b ? " %s" : "%s", word(n->kind));
	if (n->kind >= REF_ALWAYS && (n->lo > 0 || n->lo_open || n->hi != REF_OPEN_END)) {
		g_string_append_printf(out, "%c%d s, ", n->lo_open ? '(' : '[', n->lo);
		if (n->hi == REF_OPEN_END)
			g_string_append(out, "inf");
		else
			g_string_append_printf(out, "%d ms", 1000 * n->hi);
		g_string_append_c(out, n->hi_open ? ')' : ']');
	}
	if (n->b || !call) {
		g_string_append(out, call ? ", " : " ");
		print(n->b ? n->b : n->a, out);
	}
	g_string_append_c(out, ')');
}

char *case_formula(const RefCase *c)
{
	GString *out = g_string_new(NULL);
	print(c->root, out);
	return g_string_free(out, FALSE);
}

static void print_samples(GString *out, const char *name, const char *side, const RefSignal *s,
			  const RefSample *x, size_t n)
{
	static const char *const marks[] = {"", " missing", " stale", " saturated"};
	g_string_append_printf(out, "  %s%s (%s, max_gap %d s):", name, side,
			       s->hold ? "hold" : "linear", s->max_gap);
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(out, " {%d, %d%s}", x[i].t, x[i].v, marks[x[i].status]);
	g_string_append_c(out, '\n');
}

char *case_print(const RefCase *c)
{
	g_autofree char *text = case_formula(c);
	GString *out = g_string_new(NULL);
	g_string_printf(out, "  %s\n  end %d s, %s ends\n", text, c->end,
			c->finite ? "finite" : "open");
	for (size_t i = 0; i < c->n_signals; i++) {
		const RefSignal *s = &c->signals[i];
		if (!strstr(text, case_names[i]))
			continue;
		print_samples(out, case_names[i], "", s, s->lower, s->n);
		if (s->n_upper)
			print_samples(out, case_names[i], " upper", s, s->upper, s->n_upper);
	}
	return g_string_free(out, FALSE);
}
