/* Discrete time: largest, smallest and mean values over windows, and counts, against the loops that define them. Windows with open and
 * missing bounds, samples that are missing, finite and open ends. */
#include "unit.h"

#include "given.h"

#define N_MAX 14

typedef struct Setup {
	double x[N_MAX]; /* NaN: missing */
	size_t n;
	bool finite;
	int lo, hi;
	bool lo_open, hi_open, no_lo, no_hi;
} Setup;

typedef struct Sides {
	double lo, hi;
} Sides;

static const double inf = (double)INFINITY;

static Setup random_setup(Random *r)
{
	Setup s = {.n = (size_t)random_int(r, 1, N_MAX), .finite = random_chance(r, 50)};
	bool trouble = random_chance(r, 40);
	for (size_t i = 0; i < s.n; i++)
		s.x[i] = trouble && random_chance(r, 20) ? (double)NAN
							 : random_int(r, -40, 40) / 8.0;
	s.lo = random_int(r, -5, 4);
	s.hi = s.lo + random_int(r, 0, 5);
	s.no_lo = random_chance(r, 15);
	s.no_hi = random_chance(r, 15);
	s.lo_open = !s.no_lo && s.hi - s.lo >= 2 && random_chance(r, 20);
	s.hi_open = !s.no_hi && s.hi - s.lo >= 3 && random_chance(r, 20);
	return s;
}

/* The window at sample i, and whether it leaves the recording on a side that has a bound, or lies beyond it as a whole. */
static bool window_at(const Setup *s, int i, int *ret_first, int *ret_last)
{
	int n = (int)s->n, first = s->no_lo ? 0 : i + s->lo + s->lo_open,
	    last = s->no_hi ? n - 1 : i + s->hi - s->hi_open;
	*ret_first = MAX(first, 0);
	*ret_last = MIN(last, n - 1);
	return (!s->no_lo && first < 0) || (!s->no_hi && last >= n) || first >= n || last < 0;
}

static Sides side_of(double x)
{
	return isnan(x) ? (Sides){-inf, inf} : (Sides){x, x};
}

static Sides want_largest(const Setup *s, int i)
{
	int first, last;
	bool leaves = window_at(s, i, &first, &last);
	Sides out = {-inf, leaves && !s->finite ? inf : -inf};
	for (int k = first; k <= last; k++) {
		out.lo = MAX(out.lo, side_of(s->x[k]).lo);
		out.hi = MAX(out.hi, side_of(s->x[k]).hi);
	}
	return out;
}

/* Never cut: of a shorter window it would be another quantity. */
static Sides want_mean(const Setup *s, int i)
{
	int first, last;
	bool leaves = window_at(s, i, &first, &last);
	double sum = 0;
	for (int k = first; k <= last; k++)
		sum += s->x[k];
	return side_of(leaves ? (double)NAN : sum / (last - first + 1));
}

/* x > 0 now and not before; the first sample is no rise. A sample that is missing may be either. */
static Sides want_count(const Setup *s, int i)
{
	int first, last;
	bool leaves = window_at(s, i, &first, &last);
	Sides out = {0, leaves && !s->finite ? inf : 0};
	for (int k = MAX(first, 1); k <= last; k++) {
		Sides now = side_of(s->x[k]), before = side_of(s->x[k - 1]);
		out.lo += now.lo > 0 && before.hi <= 0;
		out.hi += now.hi > 0 && before.lo <= 0;
	}
	return out;
}

typedef struct Kind {
	const char *head;
	bool bounded;
	Sides (*want)(const Setup *, int);
} Kind;

static const Kind kinds[] = {
	{"max(x)", false, want_largest},
	{"mean(x)", true, want_mean},
	{"count(x > 0)", false, want_count},
};

static char *text_of(const Kind *kind, Setup *s)
{
	if (kind->bounded)
		s->no_lo = s->no_hi = false;
	g_autofree char *lo = s->no_lo ? g_strdup("-inf") : g_strdup_printf("%d", s->lo),
			*hi = s->no_hi ? g_strdup("inf") : g_strdup_printf("%d", s->hi);
	return g_strdup_printf("%s over %c%s, %s%c", kind->head, s->lo_open ? '(' : '[', lo, hi,
			       s->hi_open ? ')' : ']');
}

static StlResult *discrete_eval(const Setup *s, const char *text)
{
	g_autoptr(GHashTable) signals =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	Signal *x = signal_new("x");
	for (size_t i = 0; i < s->n; i++)
		signal_append(x, (int64_t)i * CLOCK_S, s->x[i],
			      isnan(s->x[i]) ? SAMPLE_MISSING : SAMPLE_OK);
	g_hash_table_insert(signals, x->info.name, x);
	GHashTable *const tables[2] = {signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	scope.bare = scope.discrete = true;
	g_autoptr(StlFormula) f = stl_parse(text, NULL, NULL);
	if (!f || !stl_check(f, &scope, NULL, NULL))
		return NULL;
	StlInput in = {.end_ns = (int64_t)(s->n - 1) * CLOCK_S, .signals = signals};
	const StlOptions options = {.discrete = true,
				    .trace = true,
				    .ends = s->finite ? STL_ENDS_FINITE : STL_ENDS_OPEN};
	return stl_eval(f, &in, &options, NULL);
}

static bool fails(uint64_t seed, const Kind *kind)
{
	Random r = {.state = seed};
	Setup s = random_setup(&r);
	g_autofree char *text = text_of(kind, &s);
	g_autoptr(StlResult) got = discrete_eval(&s, text);
	bool good = got && got->trace_n == s.n;
	for (size_t i = 0; i < s.n && good; i++) {
		Sides want = kind->want(&s, (int)i);
		good = got->trace_lo[i] == want.lo && got->trace_hi[i] == want.hi;
		if (!good)
			fprintf(stderr,
				"seed %" G_GUINT64_FORMAT
				": %s, %zu samples, %s ends, at %zu: [%g, "
				"%g], got [%g, %g]\n",
				seed, text, s.n, s.finite ? "finite" : "open", i, want.lo, want.hi,
				got->trace_lo[i], got->trace_hi[i]);
	}
	return !good;
}

static void windows_and_counts_are_what_their_loops_say(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 5000),
		 failed = 0;
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
		for (uint64_t seed = first; seed < first + n && failed < 10; seed++)
			failed += fails(seed, &kinds[k]);
	CU_ASSERT_EQUAL(failed, 0);
}

UNIT_MAIN("stl.discrete", UNIT(windows_and_counts_are_what_their_loops_say))
