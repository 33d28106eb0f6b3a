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

UNIT_MAIN("stl.property", UNIT(every_formula_is_worth_what_its_definition_says))
