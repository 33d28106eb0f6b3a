/* Edges, delays and durations against the definition: the rises of random formulas are those that reference.h finds, and a delay
 * holds for every choice of instants at which uncertain rises may lie.
 *
 *	ANZEN_STL_PAIRS=200000 ANZEN_STL_SEED=7 build/tests/test-stl-measure */
#include "unit.h"

#include "given.h"

static const int64_t half_ns = CLOCK_S / 2;

/* ---- what stl says ------------------------------------------------------------------------------------------------------- */

typedef struct Said {
	GArray *rises, *measures;
	char *text;
} Said;

static void said_clear(Said *s)
{
	if (s->rises)
		g_array_unref(s->rises);
	if (s->measures)
		g_array_unref(s->measures);
	g_free(s->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Said, said_clear)

static char *text_of(const RefCase *c, RefNode *root)
{
	RefCase part = *c;
	part.root = root;
	return case_formula(&part);
}

static StlFormula *formula(const char *text, GHashTable *signals, GError **error)
{
	g_autoptr(StlFormula) f = stl_parse(text, NULL, error);
	GHashTable *const tables[2] = {signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	return f && stl_check(f, &scope, NULL, error) ? g_steal_pointer(&f) : NULL;
}

/* The rises of a; delay(a, b), or without b duration(a). */
static Said ours(const RefCase *c, RefNode *a, RefNode *b)
{
	Given g;
	give(c, &g);
	g_autoptr(GError) error = NULL;
	g_autofree char *one = text_of(c, a), *two = b ? text_of(c, b) : NULL;
	Said s = {.text = b ? g_strdup_printf("delay(%s, %s)", one, two)
			    : g_strdup_printf("duration(%s)", one)};
	g_autoptr(StlFormula) f = formula(one, g.signals, &error);
	g_autoptr(StlFormula) m = f ? formula(s.text, g.signals, &error) : NULL;
	s.rises = m ? stl_edges(f, &g.input, &error) : NULL;
	s.measures = s.rises ? stl_measure(m, &g.input, &error) : NULL;
	if (!s.measures)
		fprintf(stderr, "%s: %s\n", s.text, error->message);
	take_back(&g);
	return s;
}

/* ---- the definition ------------------------------------------------------------------------------------------------------- */

static int rises_of(const RefCase *c, RefNode *root, RefEdge edges[])
{
	RefCase part = *c;
	part.root = root;
	return ref_rises(&part, edges);
}

static bool same_edge(const StlEdge *got, const RefEdge *want)
{
	return got->earliest_ns == want->from * half_ns && got->latest_ns == want->to * half_ns &&
	       got->certain == want->certain;
}

static bool same_rises(const GArray *got, const RefEdge *want, int n)
{
	if ((int)got->len != n)
		return false;
	for (int i = 0; i < n; i++)
		if (!same_edge(&g_array_index(got, StlEdge, (guint)i), &want[i]))
			return false;
	return true;
}

/* Instants, in quarters of a second, at which the edges may have been: one of each that is certain and no more when it is an
 * instant, else up to three. */
static int choose(Random *r, const RefEdge *edges, int n, int instants[])
{
	int count = 0;
	for (int i = 0; i < n; i++) {
		bool instant = edges[i].from == edges[i].to;
		int least = edges[i].certain ? 1 : 0, most = instant ? 1 : 3;
		for (int k = random_int(r, least, most); k > 0; k--)
			instants[count++] = random_int(r, 2 * edges[i].from, 2 * edges[i].to);
	}
	return count;
}

static bool fits(const StlMeasure *m, int cause, const int *answers, int n, int end)
{
	double value = (double)INFINITY;
	for (int i = 0; i < n; i++)
		if (answers[i] > cause)
			value = MIN(value, (answers[i] - cause) / 4.0);
	if (isinf(value)) /* none before the end: it is longer than that */
		return isinf(m->hi) && m->lo <= (end - cause) / 4.0;
	return m->lo <= value && value <= m->hi;
}

static bool disagrees(const RefCase *c, RefNode *a, RefNode *b, Random *r, uint64_t *tried)
{
	RefEdge causes[REF_POSITIONS], answers[REF_POSITIONS];
	RefNode fall = {.kind = REF_NOT, .a = a};
	int instants[3 * REF_POSITIONS];
	int n = rises_of(c, a, causes), n_answers = rises_of(c, b ? b : &fall, answers);
	g_auto(Said) said = ours(c, a, b);
	bool bad = !said.measures || !same_rises(said.rises, causes, n) ||
		   (int)said.measures->len != n;
	for (int i = 0; i < n && !bad; i++) {
		const StlMeasure *m = &g_array_index(said.measures, StlMeasure, (guint)i);
		bad = !same_edge(&m->cause, &causes[i]);
		for (int k = 0; k < 8 && !bad; k++, ++*tried)
			bad = !fits(m, random_int(r, 2 * causes[i].from, 2 * causes[i].to),
				    instants, choose(r, answers, n_answers, instants), 4 * c->end);
		if (bad)
			fprintf(stderr, "  cause [%d, %d]: said [%g, %g], state %d\n",
				causes[i].from, causes[i].to, m->lo, m->hi, m->state);
	}
	if (bad)
		fprintf(stderr, "  %s\n", said.text);
	return bad;
}

static void every_delay_holds_wherever_its_rises_were(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 2000),
		 failed = 0, tried = 0;
	for (uint64_t seed = first; seed < first + n && failed < 10; seed++) {
		g_autoptr(RefCase) c = case_random(seed, RANDOM_ANY);
		c->finite = false;
		Random r = {.state = seed};
		bool two = c->root->kind > REF_NE && c->root->b;
		RefNode *a = two ? c->root->a : c->root, *b = two ? c->root->b : NULL;
		if (disagrees(c, a, b, &r, &tried)) {
			g_autofree char *text = case_print(c);
			fprintf(stderr, "seed %" G_GUINT64_FORMAT "\n%s", seed, text);
			failed++;
		}
	}
	fprintf(stderr,
		"%" G_GUINT64_FORMAT " choices of instants; %" G_GUINT64_FORMAT
		" formulas differ\n",
		tried, failed);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_TRUE(tried > n);
}

UNIT_MAIN("stl.measure", UNIT(every_delay_holds_wherever_its_rises_were))
