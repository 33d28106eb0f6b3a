/* stl against the definition: random formulas on random signals, compared bit for bit with reference.h at every half second.
 *
 *	ANZEN_STL_PAIRS=100000 ANZEN_STL_SEED=7 build/tests/test-stl-property
 *
 * A failing pair is printed with its seed, after it has been made small. */
#include "unit.h"

#include "given.h"

static const int64_t half_ns = CLOCK_S / 2;

/* ---- what stl says ------------------------------------------------------------ */

static StlResult *ours(const RefCase *c, GError **error)
{
	Given g;
	give(c, &g);
	g_autofree char *text = case_formula(c);
	g_autoptr(StlFormula) f = stl_parse(text, NULL, error);
	GHashTable *const tables[2] = {g.signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	StlOptions options = {.ends = c->finite ? STL_ENDS_FINITE : STL_ENDS_OPEN, .trace = true};
	StlResult *r = f && stl_check(f, &scope, NULL, error)
			       ? stl_eval(f, &g.input, &options, error)
			       : NULL;
	take_back(&g);
	return r;
}

/* ---- comparison ------------------------------------------------------------------------------------------------------------- */

static StlTruth truth(RefTruth t)
{
	return t == REF_NO ? STL_FALSE : t == REF_YES ? STL_TRUE : STL_UNKNOWN;
}

static bool differ(GString *why, const char *what, double t, double want, double got)
{
	if (want != got && why)
		g_string_append_printf(why, "  %s at %g s: by definition %g, got %g\n", what, t,
				       want, got);
	return want != got;
}

/* The trace at one grid point: entries first … last have that time; none: it runs straight there. */
static bool trace_differs(const StlResult *r, const RefFunction *m, int i, bool final, size_t first,
			  size_t n, GString *why)
{
	int k = 3 * i + 1, want[3], wanted = 0;
	double t = 0.5 * i;
	if (i > 0 && (m->lo[k - 1] != m->lo[k] || m->hi[k - 1] != m->hi[k]))
		want[wanted++] = k - 1;
	want[wanted++] = k;
	if (!final && (m->lo[k + 1] != m->lo[k] || m->hi[k + 1] != m->hi[k]))
		want[wanted++] = k + 1;
	if (n == 0) {
		size_t a = first - 1, b = first;
		double part = (t * 1e9 - (double)r->trace_t_ns[a]) /
			      (double)(r->trace_t_ns[b] - r->trace_t_ns[a]);
		double lo = r->trace_lo[a], hi = r->trace_hi[a];
		if (lo != r->trace_lo[b])
			lo += (r->trace_lo[b] - lo) * part;
		if (hi != r->trace_hi[b])
			hi += (r->trace_hi[b] - hi) * part;
		return differ(why, "steps", t, wanted, 1) ||
		       differ(why, "trace lo", t, m->lo[k], lo) ||
		       differ(why, "trace hi", t, m->hi[k], hi);
	}
	if (differ(why, "trace entries", t, wanted, (double)n))
		return true;
	for (size_t j = 0; j < n; j++)
		if (differ(why, "trace lo", t, m->lo[want[j]], r->trace_lo[first + j]) ||
		    differ(why, "trace hi", t, m->hi[want[j]], r->trace_hi[first + j]))
			return true;
	return false;
}

static bool traces_differ(const RefCase *c, const RefResult *want, const StlResult *r, GString *why)
{
	size_t at = 0;
	for (int i = 0; i <= 2 * c->end; i++) {
		while (at < r->trace_n && r->trace_t_ns[at] < i * half_ns)
			at++;
		size_t n = 0;
		while (at + n < r->trace_n && r->trace_t_ns[at + n] == i * half_ns)
			n++;
		if (n == 0 && (at == 0 || at == r->trace_n))
			return differ(why, "trace is missing", 0.5 * i, 1, 0);
		if (trace_differs(r, &want->margin, i, i == 2 * c->end, at, n, why))
			return true;
		const RefFunction *w = &want->truth;
		int k = 3 * i + 1;
		RefTruth sure = w->lo[k] > 0 ? REF_YES : w->hi[k] < 0 ? REF_NO : REF_MAYBE;
		for (size_t j = 0; j < n; j++)
			if (differ(why, "truth", 0.5 * i, truth(sure), r->trace_truth[at + j]))
				return true;
	}
	return false;
}

static bool disagree(const RefCase *c, GString *why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlResult) r = ours(c, &error);
	RefResult want;
	ref_eval(c, &want);
	if (!r) {
		if (why)
			g_string_append_printf(why, "  %s\n", error->message);
		return true;
	}
	return differ(why, "lo", 0, want.lo, r->lo) || differ(why, "hi", 0, want.hi, r->hi) ||
	       differ(why, "satisfied", 0, truth(want.satisfied), r->satisfied) ||
	       differ(why, "complete", 0, want.complete, r->complete) ||
	       traces_differ(c, &want, r, why);
}

static bool disagrees(const RefCase *c)
{
	return disagree(c, NULL);
}

static void report(uint64_t seed, RefCase *c)
{
	g_autoptr(RefCase) small = case_shrink(c, disagrees);
	g_autofree char *text = case_print(small);
	g_autoptr(GString) why = g_string_new(NULL);
	disagree(small, why);
	fprintf(stderr, "seed %" G_GUINT64_FORMAT ", made small:\n%s%s", seed, text, why->str);
}

static void every_formula_is_worth_what_its_definition_says(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 5000);
	uint64_t failed = 0, unknown = 0, yes = 0, complete = 0;
	for (uint64_t seed = first; seed < first + n && failed < 20; seed++) {
		RefCase *c = case_random(seed, RANDOM_ANY);
		RefResult r;
		ref_eval(c, &r);
		unknown += r.satisfied == REF_MAYBE;
		yes += r.satisfied == REF_YES;
		complete += r.complete;
		if (disagrees(c)) {
			failed++;
			report(seed, c);
		} else {
			case_free(c);
		}
	}
	fprintf(stderr,
		"%" G_GUINT64_FORMAT " pairs from seed %" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT
		" true, %" G_GUINT64_FORMAT " unknown, %" G_GUINT64_FORMAT
		" complete; %" G_GUINT64_FORMAT " differ\n",
		n, first, yes, unknown, complete, failed);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_TRUE(ref_exact());
	/* the generator must not have become one-sided */
	CU_ASSERT_TRUE(n < 1000 ||
		       (yes > n / 10 && unknown > n / 10 && yes + unknown < n * 9 / 10));
}

/* ---- long traces ------------------------------------------------------------------------------------------------------------ */

/* As in reference.h, a grid of half seconds is exact; but some thousand samples long, so that whatever looks at many samples
 * together is seen. Only the two operators that do: at a half second i, largest[i … i + w] and f until g. */
#define LONG 1500 /* seconds */

typedef struct Walked {
	double v[2 * LONG + 1]; /* every half second */
	Signal *signal;
} Walked;

static void walk(Random *r, const char *name, Walked *w)
{
	int v = random_int(r, -3, 3), run = 0, step = 0, jumpy = random_int(r, 1, 12);
	w->signal = signal_new(name);
	unit_parse("m", &w->signal->info.unit, NULL);
	for (int t = 0; t <= LONG; t++) {
		w->v[2 * t] = v;
		if (run-- <= 0) {
			step = random_int(r, -1, 1);
			run = random_int(r, 0, jumpy);
		}
		if (t == 0 || t == LONG || random_chance(r, 80) ||
		    w->v[2 * t] - w->v[2 * t - 1] != step / 2.0)
			signal_append(w->signal, t * CLOCK_S, v, SAMPLE_OK);
		w->v[2 * t + (t < LONG)] = v + (t < LONG ? step / 2.0 : 0);
		v += step;
	}
}

static void want_largest(const double *x, int lo, int hi, double *out)
{
	for (int i = 0; i <= 2 * LONG; i++) {
		out[i] = -(double)INFINITY;
		for (int s = i + 2 * lo; s <= i + 2 * hi && s <= 2 * LONG; s++)
			out[i] = s >= 0 ? MAX(out[i], x[s]) : out[i];
	}
}

static void want_until(const double *f, const double *g, int lo, int hi, double *out)
{
	for (int i = 0; i <= 2 * LONG; i++) {
		double held = (double)INFINITY;
		out[i] = -held;
		for (int s = i; s <= i + 2 * hi && s <= 2 * LONG; s++) {
			held = MIN(held, f[s]);
			if (s >= i + 2 * lo)
				out[i] = MAX(out[i], MIN(held, g[s]));
		}
	}
}

/* With open ends nothing is said of the last `beyond` seconds. */
static bool long_differs(const StlFormula *f, GHashTable *signals, const double *want, int beyond)
{
	StlInput in = {.end_ns = LONG * CLOCK_S, .signals = signals};
	const StlOptions options = {.trace = true,
				    .ends = beyond > 0 ? STL_ENDS_OPEN : STL_ENDS_FINITE,
				    .no_explanation = true};
	g_autoptr(StlResult) r = stl_eval(f, &in, &options, NULL);
	for (size_t i = 0, at = 0; i <= 2 * (size_t)(LONG - beyond); i++) {
		int64_t t = (int64_t)i * half_ns;
		while (at + 1 < r->trace_n && r->trace_t_ns[at + 1] <= t)
			at++;
		size_t next = MIN(at + 1, r->trace_n - 1);
		double lo = r->trace_lo[at], part = 0;
		/* at a jump, the value at the instant is that of the entry before the last */
		size_t here = at;
		if (r->trace_t_ns[at] == t && at > 0 && r->trace_t_ns[at - 1] == t)
			here = want[i] == r->trace_lo[at - 1] ? at - 1 : at;
		lo = r->trace_lo[here];
		if (r->trace_t_ns[at] < t && lo != r->trace_lo[next])
			part = (r->trace_lo[next] - lo) * (double)(t - r->trace_t_ns[at]) /
			       (double)(r->trace_t_ns[next] - r->trace_t_ns[at]);
		if (lo + part != want[i]) {
			fprintf(stderr, "  at %g s: by definition %g, got %g\n", (double)i / 2,
				want[i], lo + part);
			return true;
		}
	}
	return false;
}

static void long_traces_are_worth_what_their_definition_says(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 5000) / 100,
		 failed = 0;
	g_autofree Walked *x = g_new0(Walked, 1), *y = g_new0(Walked, 1);
	g_autofree double *want = g_new(double, 2 * LONG + 1);
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++) {
		Random r = {.state = seed};
		g_autoptr(GHashTable) signals = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
								      (GDestroyNotify)signal_free);
		walk(&r, "x", x);
		walk(&r, "y", y);
		g_hash_table_insert(signals, x->signal->info.name, x->signal);
		g_hash_table_insert(signals, y->signal->info.name, y->signal);
		int lo = random_int(&r, 0, 3) * random_int(&r, 0, 9),
		    hi = lo + random_int(&r, 0, random_chance(&r, 50) ? 5 : 60);
		bool window = random_chance(&r, 50);
		g_autofree char *text =
			window ? g_strdup_printf("eventually[%d s, %d s] (x >= 0 m)", lo, hi)
			       : g_strdup_printf("(x >= 0 m) until[%d s, %d s] (y >= 0 m)", lo, hi);
		if (window)
			want_largest(x->v, lo, hi, want);
		else
			want_until(x->v, y->v, lo, hi, want);
		g_autoptr(StlFormula) f = stl_parse(text, NULL, NULL);
		GHashTable *const tables[2] = {signals, NULL};
		StlScope scope = stl_scope_from_tables(tables);
		if (!stl_check(f, &scope, NULL, NULL) ||
		    long_differs(f, signals, want, random_chance(&r, 50) ? hi : 0)) {
			fprintf(stderr, "long, seed %" G_GUINT64_FORMAT ": %s\n", seed, text);
			failed++;
		}
	}
	CU_ASSERT_EQUAL(failed, 0);
}

/* ---- lines of any slope -------------------------------------------------------------------------------------------------------- */

/* Samples at whole seconds, a power of two apart, with whole values: at an eighth of a second all values are exact, whatever the
 * slopes. There the largest value in a window is that of its ends and of the samples inside. */
#define SLOPED 60 /* seconds */

static double line_at(const Signal *s, double t)
{
	size_t i = 0;
	while (i + 1 < s->n && (double)s->t_ns[i + 1] <= t * 1e9)
		i++;
	double t0 = (double)s->t_ns[i] * 1e-9, v0 = s->v[i];
	if (t0 >= t || i + 1 == s->n)
		return v0;
	return v0 + (s->v[i + 1] - v0) * (t - t0) / ((double)s->t_ns[i + 1] * 1e-9 - t0);
}

static double largest_in(const Signal *s, double from, double to)
{
	from = MAX(from, 0);
	to = MIN(to, SLOPED);
	if (from > to)
		return -(double)INFINITY;
	double most = MAX(line_at(s, from), line_at(s, to));
	for (size_t i = 0; i < s->n; i++)
		if ((double)s->t_ns[i] >= from * 1e9 && (double)s->t_ns[i] <= to * 1e9)
			most = MAX(most, s->v[i]);
	return most;
}

static Signal *sloped(Random *r)
{
	Signal *s = signal_new("x");
	unit_parse("m", &s->info.unit, NULL);
	int highest = random_int(r, 1, 8);
	for (int t = 0; t <= SLOPED;) {
		signal_append(s, t * CLOCK_S, random_int(r, -highest, highest), SAMPLE_OK);
		int step = 1 << random_int(r, 0, 2);
		t = t < SLOPED ? MIN(SLOPED, t + step) : t + 1;
		while (t < SLOPED && (t - s->t_ns[s->n - 1] / CLOCK_S) == 3)
			t--;
	}
	return s;
}

/* The trace at t: the value at the instant, or between two entries. */
static bool trace_has(const StlResult *r, double t, double want)
{
	size_t at = 0;
	int64_t t_ns = llround(t * 1e9);
	while (at + 1 < r->trace_n && r->trace_t_ns[at + 1] < t_ns)
		at++;
	for (size_t i = at; i < r->trace_n && r->trace_t_ns[i] <= t_ns; i++)
		if (r->trace_t_ns[i] == t_ns && fabs(r->trace_lo[i] - want) < 1e-9)
			return true;
	size_t next = MIN(at + 1, r->trace_n - 1);
	double v = r->trace_lo[at];
	if (v != r->trace_lo[next])
		v += (r->trace_lo[next] - v) * (double)(t_ns - r->trace_t_ns[at]) /
		     (double)(r->trace_t_ns[next] - r->trace_t_ns[at]);
	return v == want || fabs(v - want) < 1e-6;
}

static bool slope_fails(uint64_t seed)
{
	Random r = {.state = seed};
	g_autoptr(GHashTable) signals =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	Signal *s = sloped(&r);
	g_hash_table_insert(signals, s->info.name, s);
	int from = random_int(&r, -32, 32), to = from + random_int(&r, 1, 40);
	bool through = random_chance(&r, 50); /* by way of a solid track, not the samples */
	g_autofree char *text =
		g_strdup_printf("max(%s) over [%d ms, %d ms] >= 0 m",
				through ? "max(x, -9 m)" : "x", from * 125, to * 125);
	g_autoptr(StlFormula) f = stl_parse(text, NULL, NULL);
	GHashTable *const tables[2] = {signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	if (!f || !stl_check(f, &scope, NULL, NULL))
		return true;
	StlInput in = {.end_ns = SLOPED * CLOCK_S, .signals = signals};
	const StlOptions options = {.trace = true, .ends = STL_ENDS_FINITE, .no_explanation = true};
	g_autoptr(StlResult) got = stl_eval(f, &in, &options, NULL);
	for (int i = 0; i <= 8 * SLOPED; i++) {
		double t = i / 8.0, want = largest_in(s, (i + from) / 8.0, (i + to) / 8.0);
		if (trace_has(got, t, want))
			continue;
		fprintf(stderr, "sloped, seed %" G_GUINT64_FORMAT ": %s at %g s is %g\n", seed,
			text, t, want);
		return true;
	}
	return false;
}

static void windows_over_lines_of_any_slope_hold_their_largest_value(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 5000) / 5,
		 failed = 0;
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++)
		failed += slope_fails(seed);
	CU_ASSERT_EQUAL(failed, 0);
}

UNIT_MAIN("stl.property", UNIT(every_formula_is_worth_what_its_definition_says),
	  UNIT(long_traces_are_worth_what_their_definition_says),
	  UNIT(windows_over_lines_of_any_slope_hold_their_largest_value))
