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

/* ---- many samples -------------------------------------------------------------------------------------------------------------- */

/* Some 1000 samples a signal, at any nanosecond, so that the monitor takes many together: some on the formulas' limits, at the same
 * time as another's, missing, stale, repeated, or after a long silence. */
#define MANY_END (20 * CLOCK_S)

typedef struct Fed {
	unsigned signal;
	int64_t t;
	double v;
	SampleStatus status;
} Fed;

static int by_time(const void *a, const void *b)
{
	const Fed *x = a, *y = b;
	return x->t < y->t ? -1 : x->t > y->t;
}

static double some_value(Random *r, bool boolean, double last)
{
	if (boolean)
		return random_chance(r, 5) ? 1 - last : last;
	if (random_chance(r, 20))
		return random_int(r, -4, 4);
	return last * 0.95 + random_int(r, -1000, 1000) * 1e-3;
}

static Signal *many(Random *r, const char *name, bool boolean)
{
	Signal *s = signal_new(name);
	s->info.boolean = boolean;
	s->info.interp = SIGNAL_PREVIOUS;
	s->info.max_gap_ns = random_chance(r, 50) ? CLOCK_S / 2 : 0;
	if (!boolean)
		unit_parse("m", &s->info.unit, NULL);
	int64_t t = random_chance(r, 80) ? 0 : random_int(r, 0, 3) * CLOCK_S / 7;
	int trouble = random_chance(r, 50) ? 0 : 2,
	    step_ms = random_chance(r, 50) ? 10 : random_int(r, 5, 60);
	int regular = random_int(r, 0, 1) * 100;
	double v = 0;
	while (t < MANY_END) {
		v = some_value(r, boolean, v);
		SampleStatus status = !random_chance(r, trouble) ? SAMPLE_OK
				      : random_chance(r, 50)     ? SAMPLE_STALE
								 : SAMPLE_MISSING;
		/* wider and wider, so that the worst of all comes late */
		signal_append(s, t, boolean ? v : v * (1 + (double)t * 1e-10), status);
		t += random_chance(r, regular) ? step_ms * 1000000
					       : random_int(r, 1, step_ms * 1000000);
		if (random_chance(r, 1) && random_chance(r, 20))
			t += CLOCK_S;
	}
	return s;
}

static GArray *all_samples(const StlFormula *f, GHashTable *signals)
{
	GArray *out = g_array_new(FALSE, FALSE, sizeof(Fed));
	for (unsigned k = 0; k < stl_formula_n_signals(f); k++) {
		const Signal *s = g_hash_table_lookup(signals, stl_formula_signal(f, k));
		for (size_t i = 0; i < s->n; i++) {
			Fed x = {k, s->t_ns[i], s->v[i],
				 s->status ? (SampleStatus)s->status[i] : SAMPLE_OK};
			g_array_append_val(out, x);
		}
	}
	qsort(out->data, out->len, sizeof(Fed), by_time);
	return out;
}

typedef struct Asked {
	StlState state;
	double lo, hi;
	int64_t decided;
} Asked;

static Asked ask(StlMonitor *m, StlState state)
{
	Asked a = {.state = state, .decided = stl_monitor_decided_ns(m)};
	stl_monitor_robustness(m, &a.lo, &a.hi);
	return a;
}

static bool same_answer(const Asked *a, const Asked *b)
{
	return a->state == b->state && a->lo == b->lo && a->hi == b->hi && a->decided == b->decided;
}

static StlMonitor *monitor_of(const StlFormula *f, GHashTable *signals)
{
	int64_t gaps[REF_MAX_SIGNALS + 1] = {0};
	for (size_t k = 0; k < stl_formula_n_signals(f); k++) {
		const Signal *s = g_hash_table_lookup(signals, stl_formula_signal(f, k));
		gaps[k] = s->info.max_gap_ns;
	}
	StlMonitor *m = stl_monitor_new(f, STL_MONITOR_HOLDS, gaps, NULL);
	if (m)
		stl_monitor_start(m, 0);
	return m;
}

/* Guards as people write them: limits and windows, anywhere below an always. */
static void write_guard(Random *r, int depth, GString *out)
{
	static const char *const windows[] = {"always", "eventually", "historically", "once"},
				 *const pairs[] = {"and", "or",    "->",         "xor",
						   "<->", "until", "weak until", "since"},
				 *const atoms[] = {"(x > %d m)",  "(y <= %d m)", "(%d m < z)",
						   "(x >= %d m)", "p",           "q"};
	int kind = depth <= 0 || random_chance(r, 15) ? 9 : random_int(r, 0, 8);
	if (kind == 9) {
		const char *atom = atoms[random_int(r, 0, G_N_ELEMENTS(atoms) - 1)];
		const char *mark = strstr(atom, "%d");
		g_string_append_len(out, atom, mark ? mark - atom : (gssize)strlen(atom));
		if (mark)
			g_string_append_printf(out, "%d%s", random_int(r, -3, 3), mark + 2);
		return;
	}
	g_string_append_c(out, '(');
	int which = kind < 4 ? -1 : random_int(r, 0, G_N_ELEMENTS(pairs) - 1);
	const char *word =
		kind < 4 ? windows[random_int(r, 0, G_N_ELEMENTS(windows) - 1)] : pairs[which];
	int from = random_chance(r, 70) ? 0 : random_int(r, 1, 900),
	    to = from + random_int(r, 0, 1) * random_int(r, 0, 1500) + random_int(r, 1, 90);
	if (random_chance(r, 50)) { /* what leaves a window does so at a sample */
		from -= from % 10;
		to += 10 - to % 10;
	}
	if (kind == 8) {
		g_string_append(out, "not ");
		write_guard(r, depth - 1, out);
	} else {
		if (kind >= 4)
			write_guard(r, depth - 1, out);
		g_string_append_printf(out, " %s", word);
		if (kind < 4 || which >= 5)
			g_string_append_printf(out, "[%d ms, %d ms%c", from, to,
					       random_chance(r, 90) ? ']' : ')');
		g_string_append_c(out, ' ');
		write_guard(r, depth - 1, out);
	}
	g_string_append_c(out, ')');
}

/* Half of them look at some milliseconds only: a wrong value anywhere is then no less seen than the worst of all. */
static char *some_guard(Random *r)
{
	GString *out = g_string_new(random_chance(r, 70) ? "always" : "eventually");
	int from = random_int(r, 0, 19000);
	if (random_chance(r, 50))
		g_string_append_printf(out, "[%d ms, %d ms]", from,
				       from + random_int(r, 0, 1) * random_int(r, 1, 200));
	g_string_append_c(out, ' ');
	write_guard(r, random_int(r, 0, 3), out);
	if (random_chance(r, 25)) { /* both sides of an until from the start on */
		g_autofree char *left = g_string_free(out, FALSE);
		out = g_string_new(NULL);
		write_guard(r, random_int(r, 0, 2), out);
		g_string_append(out, random_chance(r, 50) ? " until" : " weak until");
		g_string_append(out, left + strcspn(left, " ["));
	}
	return g_string_free(out, FALSE);
}

/* One is asked after every sample, the other now and then. */
static bool many_differ(const RefCase *c, const StlFormula *f, GHashTable *signals, Random *r)
{
	g_autoptr(StlMonitor) often = monitor_of(f, signals), rarely = monitor_of(f, signals);
	if (!often)
		return false;
	g_autoptr(GArray) samples = all_samples(f, signals);
	Asked a = {0}, b = {0};
	bool differ = false;
	int percent = random_int(r, 0, 3) * random_int(r, 0, 7);
	for (guint i = 0; i < samples->len && !differ; i++) {
		const Fed *x = &g_array_index(samples, Fed, i);
		stl_monitor_feed(often, x->signal, x->t, x->v, x->status);
		stl_monitor_feed(rarely, x->signal, x->t, x->v, x->status);
		bool last = i + 1 == samples->len || x[1].t > x->t;
		if (!last)
			continue;
		a = ask(often, stl_monitor_state(often, x->t));
		if (random_chance(r, percent)) {
			b = ask(rarely, stl_monitor_state(rarely, x->t));
			differ = !same_answer(&a, &b);
		}
	}
	a = ask(often, stl_monitor_end(often, MANY_END));
	b = ask(rarely, stl_monitor_end(rarely, MANY_END));
	StlInput in = {.end_ns = MANY_END, .signals = signals};
	const StlOptions options = {.no_explanation = true, .no_completeness = true};
	g_autoptr(StlResult) want = stl_eval(f, &in, &options, NULL);
	Outcome o = {.state = a.state,
		     .lo = a.lo,
		     .hi = a.hi,
		     .mid_lo = a.lo,
		     .mid_hi = a.hi,
		     .mid = a.state};
	bool ends_differ =
		c ? !same_outcome(c, &o, want)
		  : truth_of(a.state) != want->satisfied || a.lo != want->lo || a.hi != want->hi;
	return differ || ends_differ || !same_answer(&a, &b);
}

static void samples_taken_together_are_as_good_as_one_by_one(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 5000) / 10;
	uint64_t failed = 0;
	for (uint64_t seed = first; seed < first + n && failed < 10; seed++) {
		g_autoptr(RefCase) c = case_random(seed, RANDOM_WATCHABLE);
		Random r = {.state = seed};
		if (has_initial(c->root))
			continue;
		g_autoptr(GHashTable) signals = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
								      (GDestroyNotify)signal_free);
		for (size_t i = 0; i < REF_MAX_SIGNALS; i++) {
			Signal *s = many(&r, case_names[i], i >= 3);
			g_hash_table_insert(signals, s->info.name, s);
		}
		bool guard = random_chance(&r, 70);
		g_autofree char *text = guard ? some_guard(&r) : case_formula(c);
		g_autoptr(StlFormula) f = stl_parse(text, NULL, NULL);
		GHashTable *const tables[2] = {signals, NULL};
		StlScope scope = stl_scope_from_tables(tables);
		if (!f || !stl_check(f, &scope, NULL, NULL) ||
		    many_differ(guard ? NULL : c, f, signals, &r)) {
			fprintf(stderr, "many, seed %" G_GUINT64_FORMAT ": %s\n", seed, text);
			failed++;
		}
	}
	CU_ASSERT_EQUAL(failed, 0);
}

/* ---- means --------------------------------------------------------------------------------------------------------------------- */

/* A mean moves between samples. In a comparison from the start on its extremes are seen to the last bit; where another signal
 * cuts its straight line, to rounding; below another window the interval may be wider. */
typedef enum { MEAN_EXACT, MEAN_ROUNDED, MEAN_WIDER } MeanTest;

static char *some_mean(Random *r, MeanTest *ret)
{
	static const char *const forms[][4] = {
		{"always (%s < %d m)", "eventually (%d m <= %s)", "always not (%s >= %d m)",
		 "always (%s < %d m) and eventually (%s > %d m)"},
		{"always (p -> %s > %d m)", "eventually (q and %s < %d m)",
		 "always (not p or (q and %s >= %d m))", "always[1500 ms, 9 s] (%s < %d m)"},
		{"always eventually[0 ms, 700 ms] (%s < %d m)",
		 "always (p -> once[100 ms, 900 ms] (%s > %d m))", "(%s < %d m) until[0 s, 15 s] q",
		 "always ((%s < %d m) or eventually[0 s, 1 s] q)"}};
	int from = random_int(r, -3000, 1000), to = from + random_int(r, 1, 3000);
	g_autofree char *mean = g_strdup_printf("mean(%s) over [%d ms, %d ms]",
						random_chance(r, 50) ? "x" : "x + y", from, to);
	*ret = (MeanTest)random_int(r, 0, 2);
	GString *out = g_string_new(forms[*ret][random_int(r, 0, 3)]);
	g_autofree char *limit = g_strdup_printf("%d", random_int(r, -3, 3));
	g_string_replace(out, "%s", mean, 0);
	g_string_replace(out, "%d", limit, 0);
	return g_string_free(out, FALSE);
}

static bool bounds_differ(double a, double b, double rounding)
{
	return a != b && !(fabs(a - b) <= rounding);
}

static bool mean_differs(const Asked *a, const StlResult *want, MeanTest test)
{
	const double rounding = test == MEAN_EXACT ? 0 : 1e-9;
	const StlTruth truth = truth_of(a->state);
	bool nothing = fabs(want->lo) <= rounding || fabs(want->hi) <= rounding;
	if (test == MEAN_WIDER)
		return a->lo > want->lo + rounding || a->hi < want->hi - rounding ||
		       (truth != STL_UNKNOWN && truth != want->satisfied && !nothing);
	return bounds_differ(a->lo, want->lo, rounding) ||
	       bounds_differ(a->hi, want->hi, rounding) ||
	       (truth != want->satisfied && (test == MEAN_EXACT || !nothing));
}

static bool watched_mean_fails(Random *r, const char *text, MeanTest test, GHashTable *signals)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = stl_parse(text, NULL, &error);
	GHashTable *const tables[2] = {signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	if (!f || !stl_check(f, &scope, NULL, &error))
		return true;
	g_autoptr(StlMonitor) m = monitor_of(f, signals);
	if (!m)
		return true;
	g_autoptr(GArray) samples = all_samples(f, signals);
	double lo = -(double)INFINITY, hi = (double)INFINITY;
	int percent = random_int(r, 0, 100);
	StlState final = STL_STATE_PENDING;
	for (guint i = 0; i < samples->len; i++) {
		const Fed *x = &g_array_index(samples, Fed, i);
		stl_monitor_feed(m, x->signal, x->t, x->v, x->status);
		bool last = i + 1 == samples->len || x[1].t > x->t;
		if (!last || !random_chance(r, percent))
			continue;
		Asked now = ask(m, stl_monitor_state(m, x->t));
		lo = MAX(lo, now.lo);
		hi = MIN(hi, now.hi);
		final = now.state;
	}
	Asked a = ask(m, stl_monitor_end(m, MANY_END));
	StlInput in = {.end_ns = MANY_END, .signals = signals};
	const StlOptions options = {.no_explanation = true, .no_completeness = true};
	g_autoptr(StlResult) want = stl_eval(f, &in, &options, NULL);
	bool broken = lo > a.lo || hi < a.hi || (final != STL_STATE_PENDING && final != a.state) ||
		      mean_differs(&a, want, test);
	if (broken)
		fprintf(stderr, "%s\n  offline %s [%.17g, %.17g], online %s [%.17g, %.17g]\n", text,
			stl_truth_name(want->satisfied), want->lo, want->hi,
			stl_state_name(a.state), a.lo, a.hi);
	return broken;
}

static void a_mean_is_watched_as_it_is_scored(void)
{
	uint64_t first = setting("ANZEN_STL_SEED", 1), n = setting("ANZEN_STL_PAIRS", 5000) / 50;
	uint64_t failed = 0;
	for (uint64_t seed = first; seed < first + n && failed < 10; seed++) {
		Random r = {.state = seed + 77};
		g_autoptr(GHashTable) signals = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
								      (GDestroyNotify)signal_free);
		for (size_t i = 0; i < REF_MAX_SIGNALS; i++) {
			Signal *s = many(&r, case_names[i], i >= 3);
			g_hash_table_insert(signals, s->info.name, s);
		}
		MeanTest test;
		g_autofree char *text = some_mean(&r, &test);
		if (watched_mean_fails(&r, text, test, signals)) {
			fprintf(stderr, "mean, seed %" G_GUINT64_FORMAT "\n", seed);
			failed++;
		}
	}
	CU_ASSERT_EQUAL(failed, 0);
}

UNIT_MAIN("stl.online", UNIT(online_at_the_end_is_offline),
	  UNIT(samples_taken_together_are_as_good_as_one_by_one),
	  UNIT(a_mean_is_watched_as_it_is_scored))
