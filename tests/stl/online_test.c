/* StlMonitor against stl_eval: random formulas fed sample by sample, in random company, end with the same truth and the same
 * robustness bit for bit, and on the way never rule out what comes. Settings as in property_test.c. */
#include "unit.h"

#include "given.h"

/* The earliest sample not fed yet. */
static bool next_sample(const RefCase *c, const size_t at[], size_t *ret)
{
	bool found = false;
	for (size_t i = 0; i < c->n_signals; i++) {
		const RefSignal *s = &c->signals[i];
		if (at[i] < s->n && s->lower[at[i]].t <= c->end &&
		    (!found || s->lower[at[i]].t < c->signals[*ret].lower[at[*ret]].t)) {
			*ret = i;
			found = true;
		}
	}
	return found;
}

static int index_of(const StlFormula *f, size_t signal)
{
	for (size_t i = 0; i < stl_formula_n_signals(f); i++)
		if (!strcmp(stl_formula_signal(f, i), case_names[signal]))
			return (int)i;
	return -1;
}

typedef struct Outcome {
	StlState state;
	double lo, hi;
	double mid_lo, mid_hi; /* the narrowest on the way */
	StlState mid;
} Outcome;

static void glance(StlMonitor *m, int64_t now, Outcome *o)
{
	double lo, hi;
	StlState state = stl_monitor_state(m, now);
	stl_monitor_robustness(m, &lo, &hi);
	o->mid_lo = MAX(o->mid_lo, lo);
	o->mid_hi = MIN(o->mid_hi, hi);
	o->mid = state;
}

static Outcome watch(const RefCase *c, const StlFormula *f, StlMonitor *m)
{
	static const SampleStatus status[] = {SAMPLE_OK, SAMPLE_MISSING, SAMPLE_STALE,
					      SAMPLE_SATURATED};
	Outcome o = {.mid_lo = -(double)INFINITY, .mid_hi = (double)INFINITY};
	Random r = {.state = (uint64_t)c->end};
	size_t at[REF_MAX_SIGNALS] = {0}, i = 0;
	bool started = false;
	int64_t last = -1;
	while (next_sample(c, at, &i)) {
		const RefSample *x = &c->signals[i].lower[at[i]++];
		int64_t t = x->t * CLOCK_S;
		if (!started && (t > 0 || (t == 0 && random_chance(&r, 50)))) {
			stl_monitor_start(m, 0);
			started = true;
		}
		if (started && t > MAX(last, 0) && random_chance(&r, 30))
			glance(m, t - CLOCK_S / random_int(&r, 2, 4), &o);
		last = t;
		int k = index_of(f, i);
		if (k >= 0)
			stl_monitor_feed(m, (unsigned)k, t, x->v, status[x->status]);
	}
	if (!started)
		stl_monitor_start(m, 0);
	o.state = stl_monitor_end(m, c->end * CLOCK_S);
	stl_monitor_robustness(m, &o.lo, &o.hi);
	return o;
}

static bool has_edge(const RefNode *n)
{
	return n &&
	       (n->kind == REF_RISE || n->kind == REF_FALL || has_edge(n->a) || has_edge(n->b));
}

static bool has_initial(const RefNode *n)
{
	return n && (n->kind == REF_INITIAL || has_initial(n->a) || has_initial(n->b));
}

static StlTruth truth_of(StlState s)
{
	return s == STL_STATE_TRUE ? STL_TRUE : s == STL_STATE_FALSE ? STL_FALSE : STL_UNKNOWN;
}

/* Online knows of a rise across a gap that it happened, offline not when: there online may say more, never something else. */
static bool same_outcome(const RefCase *c, const Outcome *o, const StlResult *r)
{
	StlTruth truth = truth_of(o->state);
	bool way = o->mid_lo <= o->lo && o->hi <= o->mid_hi &&
		   (o->mid == STL_STATE_PENDING || o->mid == o->state);
	if (has_edge(c->root))
		return way && (r->satisfied == STL_UNKNOWN || truth == r->satisfied) &&
		       o->lo >= r->lo && o->hi <= r->hi;
	return way && truth == r->satisfied && o->lo == r->lo && o->hi == r->hi;
}

static bool fails_with(const RefCase *c, GString *why)
{
	Given g;
	give(c, &g);
	g_autofree char *text = case_formula(c);
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = stl_parse(text, NULL, &error);
	GHashTable *const tables[2] = {g.signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	bool ok = f && stl_check(f, &scope, NULL, &error);
	g_autoptr(StlResult) r = ok ? stl_eval(f, &g.input, NULL, &error) : NULL;
	int64_t gaps[REF_MAX_SIGNALS + 1] = {0};
	for (size_t i = 0; r && i < c->n_signals; i++)
		if (index_of(f, i) >= 0)
			gaps[index_of(f, i)] = c->signals[i].max_gap * CLOCK_S;
	g_autoptr(StlMonitor) m = r ? stl_monitor_new(f, STL_MONITOR_HOLDS, gaps, &error) : NULL;
	bool refused = r && !m; /* made small into something that is not for monitors */
	Outcome o = m ? watch(c, f, m) : (Outcome){0};
	bool failed = !refused && (!r || !same_outcome(c, &o, r));
	if (why && r)
		g_string_append_printf(
			why, "  offline %s [%g, %g], online %s [%g, %g], on the way %s [%g, %g]\n",
			stl_truth_name(r->satisfied), r->lo, r->hi, stl_state_name(o.state), o.lo,
			o.hi, stl_state_name(o.mid), o.mid_lo, o.mid_hi);
	take_back(&g);
	return failed;
}

static bool is_duty(const RefNode *n)
{
	return n->kind == REF_AND ? is_duty(n->a) && is_duty(n->b)
				  : n->kind >= REF_ALWAYS && n->kind <= REF_WEAK;
}

static bool fails(const RefCase *c)
{
	return is_duty(c->root) && fails_with(c, NULL);
}

static void online_at_the_end_is_offline(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 5000);
	uint64_t failed = 0, tried = 0;
	for (uint64_t seed = first; seed < first + n && failed < 20; seed++) {
		RefCase *c = case_random(seed, RANDOM_WATCHABLE);
		if (has_initial(c->root) || !fails(c)) { /* initial(): online waits for the first */
			tried += !has_initial(c->root);
			case_free(c);
			continue;
		}
		failed++;
		g_autoptr(RefCase) small = case_shrink(c, fails);
		g_autofree char *text = case_print(small);
		g_autoptr(GString) why = g_string_new(NULL);
		fails_with(small, why);
		fprintf(stderr, "seed %" G_GUINT64_FORMAT ", made small:\n%s%s", seed, text,
			why->str);
	}
	fprintf(stderr, "%" G_GUINT64_FORMAT " formulas watched, %" G_GUINT64_FORMAT " differ\n",
		tried, failed);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_TRUE(tried > n / 2 || failed > 0);
}

UNIT_MAIN("stl.online", UNIT(online_at_the_end_is_offline))
