#include "discrete.h"

#include "sum.h"

#include <string.h>

typedef Row (*RowFunc)(Eval *, const Node *);

void row_clear(Row *r)
{
	g_free(r->lo);
	g_free(r->hi);
	*r = (Row){0};
}

static Row row_new(const Eval *e)
{
	return (Row){g_new(double, e->samples), g_new(double, e->samples)};
}

/* ---- samples ----------------------------------------------------------------------------------------------------------- */

typedef struct Span {
	size_t first, n;
} Span;

static Span span_of(const Eval *e, const Signal *s)
{
	Span span = {0};
	for (size_t i = 0; i < s->n; i++)
		if (s->t_ns[i] < e->input->start_ns)
			span.first++;
		else if (s->t_ns[i] <= e->input->end_ns)
			span.n++;
	return span;
}

/* The samples of the first signal of the formula, or of any when it names none. */
static const Signal *leader(const Eval *e)
{
	GHashTableIter it;
	gpointer s = NULL;
	for (size_t i = 0; i < stl_formula_n_signals(e->f) && !s; i++)
		s = g_hash_table_lookup(e->input->signals, stl_formula_signal(e->f, i));
	g_hash_table_iter_init(&it, e->input->signals);
	if (!s && !g_hash_table_iter_next(&it, NULL, &s))
		return NULL;
	return s;
}

void discrete_init(Eval *e)
{
	const Signal *s = leader(e);
	Span span = s ? span_of(e, s) : (Span){0};
	e->samples = span.n;
	e->stamps = s ? s->t_ns + span.first : NULL;
	if (span.n == 0) {
		g_set_error(&e->error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "there are no samples");
		e->samples = 1;
		e->stamps = NULL;
	}
	e->end = (double)(e->samples - 1);
	e->per_s = 1;
}

static bool same_stamps(const Eval *e, const Signal *s, Span span)
{
	return e->stamps && span.n == e->samples &&
	       !memcmp(e->stamps, s->t_ns + span.first, span.n * sizeof(*e->stamps));
}

/* One side of a signal; what is no usable sample is unknown. */
static void fill_side(Eval *e, const Node *n, bool upper, double *out)
{
	const char *name = stl_formula_signal(e->f, (size_t)n->name);
	const Signal *s =
		upper && e->input->upper ? g_hash_table_lookup(e->input->upper, name) : NULL;
	if (!s)
		s = g_hash_table_lookup(e->input->signals, name);
	Span span = s ? span_of(e, s) : (Span){0};
	bool fits = s && same_stamps(e, s, span);
	if (!fits && !e->error)
		g_set_error(&e->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    s ? "in discrete time all signals have the same sample times; '%s' has "
				"others"
			      : "there is no signal '%s'",
			    name);
	for (size_t i = 0; i < e->samples; i++) {
		double v = 0;
		bool known = fits && s->status[span.first + i] != SAMPLE_STALE &&
			     eval_usable(s, span.first + i, upper, &v);
		out[i] = known ? v : upper ? INF : -INF;
	}
}

static Row signal_row(Eval *e, const Node *n)
{
	Row out = row_new(e);
	fill_side(e, n, false, out.lo);
	fill_side(e, n, true, out.hi);
	return out;
}

/* ---- terms ------------------------------------------------------------------------------------------------------------- */

static Row filled(const Eval *e, double lo, double hi)
{
	Row out = row_new(e);
	for (size_t i = 0; i < e->samples; i++) {
		out.lo[i] = lo;
		out.hi[i] = hi;
	}
	return out;
}

static inline double or_(double x, double nan)
{
	return isnan(x) ? nan : x;
}

static Row negated(const Eval *e, Row a)
{
	for (size_t i = 0; i < e->samples; i++) {
		double lo = a.lo[i];
		a.lo[i] = -a.hi[i];
		a.hi[i] = -lo;
	}
	return a;
}

/* Interval arithmetic of one sample. */
static void apply(NodeKind kind, double a0, double a1, double b0, double b1, double *lo, double *hi)
{
	if (kind == N_MIN || kind == N_AND) {
		*lo = MIN(a0, b0);
		*hi = MIN(a1, b1);
	} else if (kind == N_MAX || kind == N_OR) {
		*lo = MAX(a0, b0);
		*hi = MAX(a1, b1);
	} else if (kind == N_SUB) {
		*lo = or_(a0 - b1, -INF);
		*hi = or_(a1 - b0, INF);
	} else {
		*lo = or_(a0 + b0, -INF);
		*hi = or_(a1 + b1, INF);
	}
}

static Row joined(const Eval *e, NodeKind kind, Row a, Row b)
{
	for (size_t i = 0; i < e->samples; i++)
		apply(kind, a.lo[i], a.hi[i], b.lo[i], b.hi[i], &a.lo[i], &a.hi[i]);
	row_clear(&b);
	return a;
}

static Row row_number(Eval *e, const Node *n, RowFunc of)
{
	(void)of;
	return filled(e, n->value, n->value);
}

static Row row_signal(Eval *e, const Node *n, RowFunc of)
{
	(void)of;
	return signal_row(e, n);
}

static Row row_initial(Eval *e, const Node *n, RowFunc of)
{
	(void)of;
	g_auto(Row) s = signal_row(e, n->a);
	return filled(e, s.lo[0], s.hi[0]);
}

static Row row_negate(Eval *e, const Node *n, RowFunc of)
{
	return negated(e, of(e, n->a));
}

static Row absolute(const Eval *e, Row a)
{
	for (size_t i = 0; i < e->samples; i++) {
		double lo = a.lo[i], hi = a.hi[i];
		a.lo[i] = MAX(0, MAX(lo, -hi));
		a.hi[i] = MAX(0, MAX(hi, -lo)); /* contrary sides are no more than 0 either */
	}
	return a;
}

static Row row_abs(Eval *e, const Node *n, RowFunc of)
{
	return absolute(e, of(e, n->a));
}

static Row row_sum(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a), b = of(e, n->b);
	return joined(e, n->kind, a, b);
}

/* The hull of the four corners; an infinite side bounds a number that is not known, so none of it is 0. */
static void product_of(double a0, double a1, double b0, double b1, double *lo, double *hi)
{
	double c[4] = {a0 * b0, a0 * b1, a1 * b0, a1 * b1};
	*lo = INF;
	*hi = -INF;
	for (int i = 0; i < 4; i++) {
		*lo = MIN(*lo, or_(c[i], 0));
		*hi = MAX(*hi, or_(c[i], 0));
	}
}

/* norm and pow; for pow only of single values. */
static void other_product(NodeKind kind, double a0, double a1, double b0, double b1, double *lo,
			  double *hi)
{
	if (kind == N_NORM) {
		double x = MAX(0, MAX(a0, -a1)), y = MAX(0, MAX(b0, -b1));
		*lo = sqrt(x * x + y * y);
		x = MAX(a1, -a0);
		y = MAX(b1, -b0);
		*hi = sqrt(x * x + y * y);
		return;
	}
	double z = a0 == a1 && b0 == b1 ? pow(a0, b0) : (double)NAN;
	*lo = or_(z, -INF);
	*hi = or_(z, INF);
}

static Row row_curve(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a);
	for (size_t i = 0; i < e->samples; i++) {
		bool root = n->kind == N_SQRT;
		a.lo[i] = or_(root ? sqrt(a.lo[i]) : exp(a.lo[i]), -INF);
		a.hi[i] = or_(root ? sqrt(a.hi[i]) : exp(a.hi[i]), INF);
	}
	return a;
}

static void product_at(NodeKind kind, double a0, double a1, double b0, double b1, double *lo,
		       double *hi)
{
	bool contrary = a0 > a1 || b0 > b1, root = kind == N_DIV && b0 <= 0 && b1 >= 0;
	if (contrary || root) { /* contrary sides stay so: see Eval */
		*lo = contrary ? INF : -INF;
		*hi = contrary ? -INF : INF;
	} else if (kind == N_NORM || kind == N_POW) {
		other_product(kind, a0, a1, b0, b1, lo, hi);
	} else if (kind == N_DIV && b0 == b1 && a0 == a1) {
		*lo = *hi = a0 / b0; /* not a · (1 / b): one rounding */
	} else if (kind == N_DIV) {
		product_of(a0, a1, 1 / b1, 1 / b0, lo, hi);
	} else {
		product_of(a0, a1, b0, b1, lo, hi);
	}
}

static Row row_product(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a);
	g_auto(Row) b = of(e, n->b);
	for (size_t i = 0; i < e->samples; i++)
		product_at(n->kind, a.lo[i], a.hi[i], b.lo[i], b.hi[i], &a.lo[i], &a.hi[i]);
	return a;
}

/* ---- atoms ------------------------------------------------------------------------------------------------------------- */

static Row distance(Eval *e, const Node *n)
{
	Row a = discrete_margin_row(e, n->a), b = discrete_margin_row(e, n->b);
	if (n->kind == N_LT || n->kind == N_LE)
		return joined(e, N_SUB, b, a);
	Row d = joined(e, N_SUB, a, b);
	if (n->kind == N_GT || n->kind == N_GE)
		return d;
	d = absolute(e, d);
	return n->kind == N_EQ ? negated(e, d) : d;
}

static double truth(double x, bool strict)
{
	return x > 0 || (!strict && x == 0) ? INF : -INF;
}

static Row truth_of(const Eval *e, Row a, bool strict)
{
	for (size_t i = 0; i < e->samples; i++) {
		a.lo[i] = truth(a.lo[i], strict);
		a.hi[i] = truth(a.hi[i], strict);
	}
	return a;
}

static Row boolean_row(Eval *e, const Node *n)
{
	Row a = joined(e, N_SUB, signal_row(e, n), filled(e, 0.5, 0.5));
	return truth_of(e, a, true);
}

static Row row_comparison(Eval *e, const Node *n, RowFunc of)
{
	Row d = distance(e, n);
	if (of == discrete_truth_row)
		return truth_of(e, d, n->kind == N_LT || n->kind == N_GT || n->kind == N_NE);
	Unit to = stl_formula_unit(e->f, NULL);
	if (e->f->mixed) {
		e->no_margin = true;
		return d;
	}
	double factor = unit_convert_difference(1, &n->unit, &to);
	for (size_t i = 0; i < e->samples && factor != 1; i++) {
		d.lo[i] *= factor;
		d.hi[i] *= factor;
	}
	return d;
}

/* ---- operators --------------------------------------------------------------------------------------------------------- */

static Row row_constant(Eval *e, const Node *n, RowFunc of)
{
	(void)of;
	double v = n->kind == N_TRUE ? INF : -INF;
	return filled(e, v, v);
}

static Row row_not(Eval *e, const Node *n, RowFunc of)
{
	return negated(e, of(e, n->a));
}

static Row row_both(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a), b = of(e, n->b);
	if (n->kind == N_IMPLIES)
		a = negated(e, a);
	return joined(e, n->kind == N_AND ? N_AND : N_OR, a, b);
}

static Row row_exclusive(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a);
	g_auto(Row) b = of(e, n->b);
	for (size_t i = 0; i < e->samples; i++) {
		double a0 = a.lo[i], a1 = a.hi[i], b0 = b.lo[i], b1 = b.hi[i];
		a.lo[i] = MAX(MIN(a0, -b1), MIN(-a1, b0));
		a.hi[i] = MAX(MIN(a1, -b0), MIN(-a0, b1));
	}
	return n->kind == N_IFF ? negated(e, a) : a;
}

/* What lies beyond the ends, for one side of a sup. */
static double outside(const Eval *e, bool upper)
{
	if (e->ends == STL_ENDS_FINITE)
		return -INF;
	return upper != e->contrary ? INF : -INF;
}

/* True now and not before. Before the first sample lies nothing: with finite ends it counts as false (as in RTAMT). */
static Row row_rise(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a);
	if (n->kind == N_FALL)
		a = negated(e, a);
	for (size_t i = e->samples; i-- > 0;) {
		double before_lo = i > 0 ? a.lo[i - 1] : outside(e, false),
		       before_hi = i > 0 ? a.hi[i - 1] : outside(e, true);
		a.lo[i] = MIN(a.lo[i], -before_hi);
		a.hi[i] = MIN(a.hi[i], -before_lo);
	}
	return a;
}

/* ---- windows ----------------------------------------------------------------------------------------------------------- */

/* A bound in samples that is enough for n of them. */
static ptrdiff_t steps(double bound, size_t n)
{
	double most = (double)n + 1;
	return (ptrdiff_t)CLAMP(bound, -most, most);
}

/* out[i] = largest of x[i + from] … x[i + to] (Lemire's monotone queue); where the window leaves the samples on a bounded
 * side, or lies beyond them as a whole, `beyond` counts too. */
static void window_max(const double *x, size_t count, double from, double to, double beyond,
		       double *out)
{
	ptrdiff_t n = (ptrdiff_t)count, in = 0;
	g_autofree ptrdiff_t *queue = g_new(ptrdiff_t, count);
	size_t head = 0, tail = 0;
	for (ptrdiff_t i = 0; i < n; i++) {
		ptrdiff_t first = isinf(from) ? 0 : i + steps(from, count),
			  last = isinf(to) ? n - 1 : i + steps(to, count);
		for (; in < n && in <= last; in++) {
			while (tail > head && x[queue[tail - 1]] <= x[in])
				tail--;
			queue[tail++] = in;
		}
		while (head < tail && queue[head] < first)
			head++;
		double v = head < tail ? x[queue[head]] : -INF;
		bool leaves = (!isinf(from) && first < 0) || (!isinf(to) && last > n - 1);
		bool empty = first > n - 1 || last < 0;
		out[i] = leaves || empty ? MAX(v, beyond) : v;
	}
}

static Row window(const Eval *e, Row a, double from, double to)
{
	Row out = row_new(e);
	window_max(a.lo, e->samples, from, to, outside(e, false), out.lo);
	window_max(a.hi, e->samples, from, to, outside(e, true), out.hi);
	row_clear(&a);
	return out;
}

static Row eventually(const Eval *e, const Node *n, Row a)
{
	bool past = operators[n->kind].time == OP_PAST;
	return past ? window(e, a, -n->hi_s, -n->lo_s) : window(e, a, n->lo_s, n->hi_s);
}

static Row row_window(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a);
	if (n->kind == N_EVENTUALLY || n->kind == N_ONCE)
		return eventually(e, n, a);
	return negated(e, eventually(e, n, negated(e, a)));
}

/* One side of f until[a, b] g = eventually[a, b] g, and f on the a samples from here, and (f until g) a samples later; the
 * left side is not needed at the witness. A witness may lie beyond a bounded window's end, as long as f held. */
static void until_side(const double *f, const double *g, size_t n, double a, double b,
		       double beyond, double *out)
{
	g_autofree double *ever = g_new(double, n), *untimed = g_new(double, n),
			  *fails = g_new(double, n), *worst = g_new(double, n);
	double next = isinf(b) ? -INF : beyond;
	for (size_t i = n; i-- > 0;)
		next = untimed[i] = MAX(g[i], MIN(f[i], next));
	window_max(g, n, a, b, beyond, ever);
	for (size_t i = 0; i < n; i++) {
		fails[i] = -f[i];
		worst[i] = -INF;
	}
	if (a > 0)
		window_max(fails, n, 0, a - 1, -INF, worst);
	for (size_t i = 0; i < n; i++) {
		size_t later = i + (size_t)steps(a, n);
		double there = later < n ? untimed[later] : beyond;
		out[i] = MIN(MIN(ever[i], there), -worst[i]);
	}
}

static Row until(const Eval *e, Row f, Row g, const Node *n)
{
	Row out = row_new(e);
	until_side(f.lo, g.lo, e->samples, n->lo_s, n->hi_s, outside(e, false), out.lo);
	until_side(f.hi, g.hi, e->samples, n->lo_s, n->hi_s, outside(e, true), out.hi);
	row_clear(&f);
	row_clear(&g);
	return out;
}

static Row row_until(Eval *e, const Node *n, RowFunc of)
{
	Row f = of(e, n->a), g = of(e, n->b);
	return until(e, f, g, n);
}

static Row reversed(const Eval *e, Row a)
{
	for (size_t i = 0, j = e->samples - 1; i < j; i++, j--) {
		double lo = a.lo[i], hi = a.hi[i];
		a.lo[i] = a.lo[j];
		a.hi[i] = a.hi[j];
		a.lo[j] = lo;
		a.hi[j] = hi;
	}
	return a;
}

static Row row_since(Eval *e, const Node *n, RowFunc of)
{
	Row f = reversed(e, of(e, n->a)), g = reversed(e, of(e, n->b));
	return reversed(e, until(e, f, g, n));
}

/* a weak until[x, y] b = a until[x, y] b, or a before y. */
static Row row_weak(Eval *e, const Node *n, RowFunc of)
{
	Row f = of(e, n->a), g = of(e, n->b), fails = row_new(e);
	for (size_t i = 0; i < e->samples; i++) {
		fails.lo[i] = -f.hi[i];
		fails.hi[i] = -f.lo[i];
	}
	Row held = negated(e, window(e, fails, 0, n->hi_s));
	return joined(e, N_OR, until(e, f, g, n), held);
}

/* The neighbour; beyond the ends the weak form holds and the strong one does not, where the ends are final. */
static Row row_step(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a);
	bool past = operators[n->kind].time == OP_PAST;
	double at = past ? -1 : 1;
	if (n->kind == N_STRONG_NEXT || n->kind == N_STRONG_PREVIOUS)
		return window(e, a, at, at);
	return negated(e, window(e, negated(e, a), at, at));
}

static Row row_inner(Eval *e, const Node *n, RowFunc of)
{
	return of(e, n->a);
}

/* ---- terms over a window ----------------------------------------------------------------------------------------------- */

static Row row_over(Eval *e, const Node *n, RowFunc of)
{
	Row a = of(e, n->a);
	if (n->kind == N_MAX_OVER)
		return window(e, a, n->lo_s, n->hi_s);
	return negated(e, window(e, negated(e, a), n->lo_s, n->hi_s));
}

static void mean_side(const double *x, size_t count, const Node *n, double unknown, double beyond,
		      double *out)
{
	g_autofree Sum *sum = g_new0(Sum, count + 1);
	g_autofree size_t *infinite = g_new0(size_t, count + 1);
	for (size_t i = 0; i < count; i++) {
		sum[i + 1] = sum_plus(sum[i], isfinite(x[i]) ? x[i] : 0);
		infinite[i + 1] = infinite[i] + !isfinite(x[i]);
	}
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t first = (ptrdiff_t)i + steps(n->lo_s, count),
			  last = (ptrdiff_t)i + steps(n->hi_s, count);
		if (first < 0 || last >= (ptrdiff_t)count)
			out[i] = beyond;
		else if (infinite[last + 1] > infinite[first])
			out[i] = unknown;
		else
			out[i] = sum_mean(sum[last + 1], sum[first], (double)(last - first + 1));
	}
}

/* As in dense time a mean is never cut. */
static Row row_mean(Eval *e, const Node *n, RowFunc of)
{
	g_auto(Row) a = of(e, n->a);
	Row out = row_new(e);
	bool cut = e->ends == STL_ENDS_FINITE;
	mean_side(a.lo, e->samples, n, -INF, cut ? -INF : outside(e, false), out.lo);
	mean_side(a.hi, e->samples, n, INF, cut ? INF : outside(e, true), out.hi);
	return out;
}

/* Rises in the window; one a sample at most. */
static void count_side(const double *rise, size_t count, const Node *n, double beyond, double *out)
{
	g_autofree double *sum = g_new0(double, count + 1);
	for (size_t i = 0; i < count; i++)
		sum[i + 1] = sum[i] + (rise[i] > 0);
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t n_last = (ptrdiff_t)count - 1;
		ptrdiff_t first = isinf(n->lo_s) ? 0 : (ptrdiff_t)i + steps(n->lo_s, count),
			  last = isinf(n->hi_s) ? n_last : (ptrdiff_t)i + steps(n->hi_s, count);
		bool leaves = first < 0 || last > n_last || first > n_last || last < 0;
		first = CLAMP(first, 0, n_last + 1);
		last = CLAMP(last, first - 1, n_last);
		out[i] = sum[last + 1] - sum[first];
		if (leaves && beyond > 0)
			out[i] = INF;
	}
}

/* The first sample is no rise here, with finite ends either: it would count what was true before. */
static Row row_count(Eval *e, const Node *n, RowFunc of)
{
	(void)of;
	g_auto(Row) p = discrete_truth_row(e, n->a);
	g_auto(Row) rise = row_new(e);
	Row out = row_new(e);
	for (size_t i = 0; i < e->samples; i++) {
		rise.lo[i] = i > 0 ? MIN(p.lo[i], -p.hi[i - 1]) : -INF;
		rise.hi[i] = i > 0 ? MIN(p.hi[i], -p.lo[i - 1]) : -INF;
	}
	count_side(rise.lo, e->samples, n, outside(e, false), out.lo);
	count_side(rise.hi, e->samples, n, outside(e, true), out.hi);
	return out;
}

static Row row_none(Eval *e, const Node *n, RowFunc of)
{
	(void)n;
	(void)of;
	return filled(e, -INF, INF);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static Row row_of(Eval *e, const Node *n, RowFunc of)
{
	static Row (*const rows[N_KINDS])(Eval *, const Node *, RowFunc) = {
#define OPERATOR(kind, word, strength, class, time, check, eval, explain, row) [kind] = row_##row,
#include "operators.def"
#undef OPERATOR
	};
	return rows[n->kind](e, n, of);
}

Row discrete_margin_row(Eval *e, const Node *n)
{
	if (n->kind == N_SIGNAL && n->boolean)
		return boolean_row(e, n);
	return row_of(e, n, discrete_margin_row);
}

Row discrete_truth_row(Eval *e, const Node *n)
{
	if (n->kind == N_SIGNAL && n->boolean)
		return boolean_row(e, n);
	if (node_is_term(n->kind)) /* a value counts as true above zero */
		return truth_of(e, row_of(e, n, discrete_margin_row), true);
	return row_of(e, n, discrete_truth_row);
}

static Track *track_of(const double *x, size_t n)
{
	Track *out = track_new(n);
	for (size_t i = 0; i < n; i++) {
		double l = i > 0 ? MIN(x[i - 1], x[i]) : x[i],
		       r = i + 1 < n ? MIN(x[i], x[i + 1]) : x[i];
		track_push(out, (double)i, l, x[i], r);
	}
	return out;
}

static Pair pair_of(const Eval *e, Row a)
{
	Pair out = {track_of(a.lo, e->samples), track_of(a.hi, e->samples)};
	row_clear(&a);
	return out;
}

Pair discrete_margin(Eval *e, const Node *n)
{
	return pair_of(e, discrete_margin_row(e, n));
}

Pair discrete_truth(Eval *e, const Node *n)
{
	return pair_of(e, discrete_truth_row(e, n));
}

Pair discrete_signal(Eval *e, const Node *n)
{
	return pair_of(e, signal_row(e, n));
}
