#include "discrete.h"

static void pair_free(void *p)
{
	pair_clear(p);
	g_free(p);
}

void eval_init(Eval *e, const StlFormula *f, const StlInput *input, const StlOptions *options)
{
	*e = (Eval){.f = f, .input = input, .ends = options ? options->ends : STL_ENDS_OPEN};
	e->per_s = options && options->tick_s > 0 ? round(1e9 / options->tick_s) / 1e9 : 1e9;
	e->end = (double)(input->end_ns - input->start_ns);
	e->truths = g_hash_table_new_full(NULL, NULL, NULL, pair_free);
	e->series = g_hash_table_new_full(NULL, NULL, NULL, series_free);
	e->discrete = f->discrete;
	if (e->discrete)
		discrete_init(e);
}

void eval_clear(Eval *e)
{
	g_hash_table_unref(e->truths);
	g_hash_table_unref(e->series);
	g_clear_error(&e->error);
}

void eval_init_part(Eval *part, const Eval *whole, const StlInput *input)
{
	bool same =
		input->start_ns == whole->input->start_ns && input->end_ns == whole->input->end_ns;
	eval_init(part, whole->f, input, NULL);
	part->ends = whole->ends;
	part->per_s = whole->per_s;
	if (same) { /* its samples are there already */
		g_hash_table_unref(part->series);
		part->series = g_hash_table_ref(whole->series);
	}
}

void eval_clear_part(Eval *part, Eval *whole)
{
	whole->no_margin = whole->no_margin || part->no_margin;
	if (part->error && !whole->error)
		whole->error = g_steal_pointer(&part->error);
	eval_clear(part);
}

StlTruth truth_between(double lo, double hi)
{
	return lo > 0 ? STL_TRUE : hi < 0 ? STL_FALSE : STL_UNKNOWN;
}

int64_t eval_ns(const Eval *e, double t)
{
	if (e->discrete)
		return e->stamps ? e->stamps[(size_t)CLAMP(t, 0, e->end)] : e->input->start_ns;
	int64_t whole = (int64_t)t; /* llround() is a call */
	if (t < 0)
		return e->input->start_ns + (int64_t)llround(t);
	return e->input->start_ns + whole + (t - (double)whole >= 0.5);
}

double eval_ticks(const Eval *e, double s)
{
	return isinf(s) ? s : round(s * e->per_s);
}

static Pair term(Eval *e, const Node *n);

/* ---- terms ------------------------------------------------------------------------------------------------------------- */

static Pair constant(const Eval *e, double lo, double hi)
{
	if (lo == hi)
		return pair_twice(track_constant(e->end, lo));
	return (Pair){track_constant(e->end, lo), track_constant(e->end, hi)};
}

static bool steady(const Node *n)
{
	if (n->kind == N_SIGNAL)
		return false;
	if (n->kind == N_INITIAL)
		return true;
	if (operators[n->kind].time != OP_NOW)
		return false; /* a window moves on */
	return (!n->a || steady(n->a)) && (!n->b || steady(n->b));
}

#define MOST_CURVES 3

/* How many operations that bend a straight line stand inside each other. */
static unsigned curves(const Node *n)
{
	unsigned a = n->a ? curves(n->a) : 0, b = n->b ? curves(n->b) : 0, below = MAX(a, b);
	bool bends = n->kind == N_NORM || n->kind == N_POW || n->kind == N_SQRT ||
		     n->kind == N_EXP || (n->kind == N_MUL && !steady(n->b) && !steady(n->a)) ||
		     (n->kind == N_DIV && !steady(n->b));
	return below + bends;
}

static Pair eval_product(Eval *e, const Node *n, EvalFunc of)
{
	if (curves(n) > MOST_CURVES) {
		if (!e->error)
			g_set_error(
				&e->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				"column %u: at most %d products or functions of changing values "
				"inside each other",
				n->column, MOST_CURVES);
		return constant(e, -INF, INF);
	}
	bool divide = n->kind == N_DIV;
	if (n->kind == N_NORM || n->kind == N_POW || (!steady(n->b) && (divide || !steady(n->a)))) {
		Pair a = of(e, n->a), b = of(e, n->b);
		if (n->kind == N_NORM)
			return curve_pair(e, N_NORM, pair_absolute(a, e->end),
					  pair_absolute(b, e->end));
		return curve_pair(e, n->kind, a, b);
	}
	const Node *fixed = steady(n->b) ? n->b : n->a, *moving = fixed == n->b ? n->a : n->b;
	g_auto(Pair) c = term(e, fixed);
	double c0 = track_at(c.lo, 0).v, c1 = track_at(c.hi, 0).v;
	if (divide && c0 <= 0 && c1 >= 0)
		return constant(e, -INF, INF);
	return divide ? pair_times(term(e, moving), 1 / c1, 1 / c0)
		      : pair_times(term(e, moving), c0, c1);
}

/* The value at the start, with whatever is known of it. */
static Pair eval_initial(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	g_auto(Pair) s = source_pair(e, n->a);
	return constant(e, track_at(s.lo, 0).v, track_at(s.hi, 0).v);
}

static Pair eval_number(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	return constant(e, n->value, n->value);
}

static Pair eval_signal(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	return source_pair(e, n);
}

static Pair eval_negate(Eval *e, const Node *n, EvalFunc of)
{
	return pair_negate(of(e, n->a));
}

static Pair eval_abs(Eval *e, const Node *n, EvalFunc of)
{
	return pair_absolute(of(e, n->a), e->end);
}

/* Sums, min and max. */
static Pair eval_sum(Eval *e, const Node *n, EvalFunc of)
{
	TrackOp op = n->kind == N_ADD   ? TRACK_ADD
		     : n->kind == N_SUB ? TRACK_SUB
		     : n->kind == N_MIN ? TRACK_MIN
					: TRACK_MAX;
	Pair a = of(e, n->a), b = of(e, n->b);
	return pair_combine(a, b, op);
}

/* ---- atoms --------------------------------------------------------------------------------------------------------------- */

/* Signed distance to the comparison's limit. */
static Pair distance(Eval *e, const Node *n)
{
	Pair a = term(e, n->a), b = term(e, n->b);
	if (n->kind == N_GT || n->kind == N_GE)
		return pair_combine(a, b, TRACK_SUB);
	if (n->kind == N_LT || n->kind == N_LE)
		return pair_combine(b, a, TRACK_SUB);
	Pair d = pair_absolute(pair_combine(a, b, TRACK_SUB), e->end);
	return n->kind == N_EQ ? pair_negate(d) : d;
}

static void square_u(Eval *e, const Node *n, double *sum, bool *missing)
{
	if (n->kind == N_SIGNAL) {
		const Signal *s = g_hash_table_lookup(e->input->signals,
						      stl_formula_signal(e->f, (size_t)n->name));
		double u = s ? hypot(isnan(s->info.u_common) ? 0 : s->info.u_common,
				     isnan(s->info.u_sample) ? 0 : s->info.u_sample)
			     : 0;
		*missing = *missing || !(u > 0);
		*sum += u * u;
	}
	bool changing = (n->kind == N_MUL || n->kind == N_DIV) && !steady(n->a) && !steady(n->b);
	if (changing || n->kind == N_COUNT) {
		*missing = true; /* no factor that holds all the time */
		return;
	}
	if (n->a)
		square_u(e, n->a, sum, missing);
	if (n->b)
		square_u(e, n->b, sum, missing);
}

static Pair atom_margin(Eval *e, const Node *n)
{
	Pair d = distance(e, n);
	if (!e->f->mixed) {
		Unit to = stl_formula_unit(
			e->f, NULL); /* mm and m in one formula: all in the first's unit */
		double factor = unit_convert_difference(1, &n->unit, &to);
		return factor == 1 ? d : pair_times(d, factor, factor);
	}
	double sum = 0;
	bool missing = e->f->bare; /* the calculator's signals have no uncertainty */
	square_u(e, n, &sum, &missing);
	if (missing) {
		e->no_margin = true;
		return d;
	}
	return pair_times(d, 1 / sqrt(sum), 1 / sqrt(sum));
}

/* A Boolean signal: true above one half. */
static Pair boolean_signal(Eval *e, const Node *n)
{
	return pair_truth(pair_combine(source_pair(e, n), constant(e, 0.5, 0.5), TRACK_SUB), true);
}

/* ---- operators: what margin and truth have in common ------------------------------------------------------------------------- */

static Pair eval_constant(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	double v = n->kind == N_TRUE ? INF : -INF;
	return constant(e, v, v);
}

static Pair eval_not(Eval *e, const Node *n, EvalFunc of)
{
	return pair_negate(of(e, n->a));
}

static Pair eval_and(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	return pair_combine(a, b, TRACK_MIN);
}

static Pair eval_or(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	return pair_combine(a, b, TRACK_MAX);
}

static Pair eval_implies(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = pair_negate(of(e, n->a)), b = of(e, n->b);
	return pair_combine(a, b, TRACK_MAX);
}

static Pair eval_xor(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	Pair na = pair_negate(pair_copy(&a)), nb = pair_negate(pair_copy(&b));
	Pair out = pair_combine(pair_combine(a, nb, TRACK_MIN), pair_combine(na, b, TRACK_MIN),
				TRACK_MAX);
	return n->kind == N_IFF ? pair_negate(out) : out;
}

/* A quantifier is the conjunction or disjunction of its copies. */
static Pair eval_inner(Eval *e, const Node *n, EvalFunc of)
{
	return of(e, n->a);
}

/* Comparisons are the callers'; measures are none. */
static Pair eval_none(Eval *e, const Node *n, EvalFunc of)
{
	(void)n;
	(void)of;
	return constant(e, -INF, INF);
}

static Pair eval_operator(Eval *e, const Node *n, EvalFunc of)
{
	static Pair (*const evals[N_KINDS])(Eval *, const Node *, EvalFunc) = {
#define OPERATOR(kind, word, strength, class, time, check, eval, ...) [kind] = eval_##eval,
#include "operators.def"
#undef OPERATOR
	};
	return evals[n->kind](e, n, of);
}

static Pair term(Eval *e, const Node *n)
{
	return node_is_term(n->kind) ? eval_operator(e, n, term) : eval_none(e, n, NULL);
}

Pair eval_term(Eval *e, const Node *n)
{
	return pair_solid(term(e, n));
}

static Pair margin(Eval *e, const Node *n)
{
	if (e->discrete)
		return discrete_margin(e, n);
	if (node_is_comparison(n->kind))
		return atom_margin(e, n);
	if (n->kind == N_SIGNAL && n->boolean)
		return boolean_signal(e, n);
	if (node_is_term(n->kind))
		return term(e, n);
	return eval_operator(e, n, margin);
}

Pair eval_margin(Eval *e, const Node *n)
{
	return pair_solid(margin(e, n));
}

static Pair compute_truth(Eval *e, const Node *n)
{
	if (e->discrete)
		return discrete_truth(e, n);
	if (node_is_comparison(n->kind)) {
		bool strict = n->kind == N_LT || n->kind == N_GT || n->kind == N_NE;
		return pair_truth(distance(e, n), strict);
	}
	if (n->kind == N_SIGNAL && n->boolean)
		return boolean_signal(e, n);
	if (node_is_term(n->kind)) /* the calculator: a value counts as true above zero */
		return pair_truth(term(e, n), true);
	return eval_operator(e, n, eval_truth);
}

const Pair *eval_truth_of(Eval *e, const Node *n)
{
	Pair *kept = g_hash_table_lookup(e->truths, n);
	if (!kept) {
		kept = g_new0(Pair, 1);
		*kept = compute_truth(e, n);
		g_hash_table_insert(e->truths, (gpointer)(uintptr_t)n, kept);
	}
	return kept;
}

Pair eval_truth(Eval *e, const Node *n)
{
	return pair_copy(eval_truth_of(e, n));
}

Pair eval_truth_for_edges(Eval *e, const Node *n)
{
	const Pair *p = eval_truth_of(e, n);
	const double shortest = e->discrete ? 0 : 1e-9 * e->per_s;
	g_autoptr(Track) lo = track_without_hairs(p->lo, shortest, -INF),
			 hi = track_without_hairs(p->hi, shortest, INF);
	return lo == p->lo && hi == p->hi ? pair_copy(p) : (Pair){track_ref(lo), track_ref(hi)};
}
