/* Arithmetic that is no straight line (products, quotients, norms, means) against its definition: random terms on random
 * signals are worked out at one instant after the other, means by Gauss's quadrature between the samples, with nothing of host/stl.
 * What stl says is an interval that must hold the value; where nothing is missing it must be narrow as well.
 *
 *	ANZEN_STL_PAIRS=200000 ANZEN_STL_SEED=7 build/tests/test-stl-curve */
#include "unit.h"

#include "given.h"

#define KNOTS 9 /* samples, one a second */
#define END_S (KNOTS - 1)

typedef enum { CONSTANT, INPUT, MINUS, PLUS, LESS, TIMES, RATIO, LENGTH, MEAN, LARGEST } TermKind;

typedef struct Term Term;
struct Term {
	TermKind kind;
	Term *a, *b;
	int input, from, to; /* window in seconds */
	double value;
};

typedef struct World {
	double v[3][KNOTS], below[3], above[3]; /* z is held */
	bool missing[3][KNOTS], whole;
} World;

/* ---- the definition ------------------------------------------------------------------------------------------------------ */

static double input_at(const World *w, int i, double t)
{
	int k = CLAMP((int)floor(t), 0, END_S - 1);
	if (t >= END_S)
		return w->v[i][END_S];
	double part = t - k;
	return i == 2 ? w->v[i][k] : w->v[i][k] + (w->v[i][k + 1] - w->v[i][k]) * part;
}

static double value_at(const World *w, const Term *n, double t);

/* Five points of Gauss and Legendre on each quarter of a second: samples are at whole ones. */
static double mean_at(const World *w, const Term *n, double from, double to)
{
	static const double x[] = {0, 0.5384693101056831, -0.5384693101056831, 0.9061798459386640,
				   -0.9061798459386640},
			    weight[] = {0.5688888888888889, 0.4786286704993665, 0.4786286704993665,
					0.2369268850561891, 0.2369268850561891};
	double sum = 0;
	for (double at = from; at < to;) {
		double next = MIN(to, (floor(at * 4) + 1) / 4), half = (next - at) / 2;
		for (int i = 0; i < 5; i++)
			sum += half * weight[i] * value_at(w, n, at + half + half * x[i]);
		at = next;
	}
	return sum / (to - from);
}

#define FINE 256 /* parts of a second */

static double largest_at(const World *w, const Term *n, double from, double to)
{
	double most = MAX(value_at(w, n, from), value_at(w, n, to));
	for (double t = ceil(from * FINE) / FINE; t < to; t += 1.0 / FINE)
		most = MAX(most, value_at(w, n, t));
	return most;
}

static double value_at(const World *w, const Term *n, double t)
{
	double a = n->a && n->kind < MEAN ? value_at(w, n->a, t) : 0,
	       b = n->b ? value_at(w, n->b, t) : 0;
	switch (n->kind) {
	case CONSTANT:
		return n->value;
	case INPUT:
		return input_at(w, n->input, t);
	case MINUS:
		return -a;
	case PLUS:
		return a + b;
	case LESS:
		return a - b;
	case TIMES:
		return a * b;
	case RATIO:
		return a / b;
	case LENGTH:
		return sqrt(a * a + b * b);
	case MEAN:
		return mean_at(w, n->a, t + n->from, t + n->to);
	case LARGEST:
		return largest_at(w, n->a, t + n->from, t + n->to);
	}
	return (double)NAN;
}

/* Whole seconds beside t that it looks at. */
static void reach(const Term *n, int *from, int *to)
{
	int a[2] = {0}, b[2] = {0};
	if (n->a)
		reach(n->a, &a[0], &a[1]);
	if (n->b)
		reach(n->b, &b[0], &b[1]);
	*from = MIN(a[0], b[0]) + MIN(n->from, 0);
	*to = MAX(a[1], b[1]) + MAX(n->to, 0);
}

static bool has(const Term *n, TermKind kind)
{
	return n && (n->kind == kind || has(n->a, kind) || has(n->b, kind));
}

/* ---- random terms and worlds ------------------------------------------------------------------------------------------------ */

static Term *make(TermKind kind, Term *a, Term *b)
{
	Term *n = g_new0(Term, 1);
	*n = (Term){.kind = kind, .a = a, .b = b};
	return n;
}

static void term_free(Term *n)
{
	if (!n)
		return;
	term_free(n->a);
	term_free(n->b);
	g_free(n);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Term, term_free)

/* `smooth`: no windows, and divisors stay away from 0: what a quadrature is good for. */
static Term *term(Random *r, int depth, bool smooth)
{
	if (depth <= 0 || random_chance(r, 25)) {
		Term *n = make(random_chance(r, 85) ? INPUT : CONSTANT, NULL, NULL);
		n->input = random_int(r, 0, 2);
		n->value = random_int(r, 1, 5) / 2.0;
		return n;
	}
	TermKind kind = (TermKind)random_int(r, MINUS, smooth ? LENGTH : LARGEST);
	if (kind < MEAN)
		return make(kind, term(r, depth - 1, smooth),
			    kind == MINUS ? NULL : term(r, kind == RATIO ? 0 : depth - 1, smooth));
	Term *n = make(kind, term(r, MIN(depth - 1, 1), true), NULL);
	n->from = random_int(r, -3, 2);
	n->to = n->from + random_int(r, 1, 3);
	return n;
}

static void print(const Term *n, GString *out)
{
	static const char *const infix[] = {
		[PLUS] = " + ", [LESS] = " - ", [TIMES] = " * ", [RATIO] = " / ", [LENGTH] = ", "};
	static const char *const before[] = {
		[MINUS] = "(- ", [PLUS] = "(",       [LESS] = "(",     [TIMES] = "(",
		[RATIO] = "(",   [LENGTH] = "norm(", [MEAN] = "mean(", [LARGEST] = "max("};
	if (n->kind == CONSTANT) {
		g_string_append_printf(out, "%g", n->value);
		return;
	}
	if (n->kind == INPUT) {
		g_string_append(out, case_names[n->input]);
		return;
	}
	g_string_append(out, before[n->kind]);
	print(n->a, out);
	if (n->b) {
		g_string_append(out, infix[n->kind]);
		print(n->b, out);
	}
	g_string_append_c(out, ')');
	if (n->kind >= MEAN)
		g_string_append_printf(out, " over [%d s, %d s]", n->from, n->to);
}

static World world(Random *r)
{
	World w = {.whole = random_chance(r, 60)};
	for (int i = 0; i < 3; i++) {
		int sign = random_chance(r, 50) ? 1 : -1; /* no divisor passes 0 */
		w.below[i] = w.whole ? 0 : random_int(r, 0, 2) / 16.0;
		w.above[i] = w.whole ? 0 : random_int(r, 0, 2) / 16.0;
		for (int k = 0; k < KNOTS; k++) {
			w.v[i][k] = sign * random_int(r, 2, 24) / 8.0;
			w.missing[i][k] = !w.whole && random_chance(r, 10);
		}
	}
	return w;
}

static GHashTable *side(const World *w, bool upper)
{
	GHashTable *out =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	for (int i = 0; i < 3; i++) {
		Signal *s = signal_new(case_names[i]);
		s->info.interp = i == 2 ? SIGNAL_PREVIOUS : SIGNAL_LINEAR;
		for (int k = 0; k < KNOTS; k++)
			signal_append(s, k * CLOCK_S,
				      w->v[i][k] + (upper ? w->above[i] : -w->below[i]),
				      w->missing[i][k] ? SAMPLE_MISSING : SAMPLE_OK);
		g_hash_table_insert(out, s->info.name, s);
	}
	return out;
}

/* ---- comparison --------------------------------------------------------------------------------------------------------------- */

static StlResult *ours(const World *w, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) lower = side(w, false), upper = side(w, true);
	g_autoptr(StlFormula) f = stl_parse(text, NULL, &error);
	GHashTable *const tables[2] = {lower, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	scope.bare = true;
	StlInput in = {
		.end_ns = END_S * CLOCK_S, .signals = lower, .upper = w->whole ? NULL : upper};
	const StlOptions options = {.trace = true, .no_explanation = true};
	StlResult *r =
		f && stl_check(f, &scope, NULL, &error) ? stl_eval(f, &in, &options, &error) : NULL;
	if (!r)
		fprintf(stderr, "%s: %s\n", text, error->message);
	return r;
}

static double part_at(const StlResult *r, size_t i, const double *v, double t)
{
	double t0 = (double)r->trace_t_ns[i], t1 = (double)r->trace_t_ns[i + 1];
	return v[i] == v[i + 1] ? v[i] : v[i] + (v[i + 1] - v[i]) * (t * 1e9 - t0) / (t1 - t0);
}

typedef struct Found {
	uint64_t checked, narrow;
} Found;

/* How large the parts of a term are, which a difference of them hides. */
static double size_at(const World *w, const Term *n, double t)
{
	double a = n->a && n->kind < MEAN ? size_at(w, n->a, t) : 0,
	       b = n->b ? size_at(w, n->b, t) : 0;
	if (n->kind == TIMES)
		return a * b;
	if (n->kind == RATIO)
		return a / fabs(value_at(w, n->b, t));
	return n->a && n->kind < MEAN ? a + b : 3 + fabs(value_at(w, n, t));
}

/* Between two entries of the trace, at t. */
static bool wrong_at(const World *w, const Term *n, const StlResult *r, size_t i, double t,
		     Found *found)
{
	double lo = part_at(r, i, r->trace_lo, t), hi = part_at(r, i, r->trace_hi, t),
	       v = value_at(w, n, t);
	/* rounding; the curve between chords and tangents of at most 32 pieces a stretch, steep where a divisor is small */
	double slack = 1e-9 * (1 + fabs(v)), size = size_at(w, n, t), width = 4e-3 * size;
	if (has(n,
		LARGEST)) /* the definition looked at instants only, and may have missed the top */
		slack = width = 0.1 * size;
	if (has(n, RATIO))
		width = 0.1 * size;
	bool narrow = hi - lo <= width;
	found->checked++;
	found->narrow += narrow;
	if (lo <= v + slack && v <= hi + slack && (narrow || !w->whole))
		return false;
	fprintf(stderr, "  at %.9g s: %.12g by definition, in [%.12g, %.12g] said\n", t, v, lo, hi);
	return true;
}

static bool wrong(const World *w, const Term *n, const StlResult *r, Found *found)
{
	int from, to;
	reach(n, &from, &to);
	for (size_t i = 0; i + 1 < r->trace_n; i++) {
		double t0 = (double)r->trace_t_ns[i] * 1e-9,
		       t1 = (double)r->trace_t_ns[i + 1] * 1e-9;
		if (t1 - t0 < 1e-6 || t0 + from < 0 || t1 + to > END_S)
			continue;
		for (int k = 1; k < 4; k += 2)
			if (wrong_at(w, n, r, i, t0 + (t1 - t0) * k / 4, found))
				return true;
	}
	return false;
}

static void every_term_is_worth_what_its_definition_says(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 400),
		 failed = 0;
	Found found = {0};
	for (uint64_t seed = first; seed < first + n && failed < 10; seed++) {
		Random random = {.state = seed};
		World w = world(&random);
		g_autoptr(Term) t = term(&random, random_int(&random, 1, 3), false);
		g_autoptr(GString) text = g_string_new(NULL);
		print(t, text);
		g_autoptr(StlResult) r = ours(&w, text->str);
		if (!r || wrong(&w, t, r, &found)) {
			failed++;
			fprintf(stderr, "seed %" G_GUINT64_FORMAT "%s: %s\n", seed,
				w.whole ? ", whole" : "", text->str);
		}
	}
	fprintf(stderr,
		"%" G_GUINT64_FORMAT " instants, %" G_GUINT64_FORMAT " narrow; %" G_GUINT64_FORMAT
		" terms differ\n",
		found.checked, found.narrow, failed);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_TRUE(found.checked > 10 * n && found.narrow > found.checked / 3);
}

UNIT_MAIN("stl.curve", UNIT(every_term_is_worth_what_its_definition_says))
