/* stl: million samples a second of processor time, offline and online, against the figures of other tools that were measured on this class of
 * machine (issue 3): Breach (dense, linear, offline) and the best of mstlo, reelay and RTAMT (online). Prints, asserts nothing.
 *
 *	build/tests/perf-stl [LARGEST [NAME [online | offline]]]	samples in the largest trace, 1000000; one case */
#include <anzen/base.h>
#include <anzen/stl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS 1000000

typedef struct Case {
	const char *name, *text;
	double breach, online; /* million samples/s; 0: not measured */
} Case;

static const Case cases[] = {
	{"F1", "always[0 s, 1 s] (a <= 5)", 10.6, 5.3},
	{"F2", "(req >= 0.5) -> eventually[0 s, 0.5 s] (resp >= 0.5)", 9.2, 6.2},
	{"F2 under always", "always ((req >= 0.5) -> eventually[0 s, 0.5 s] (resp >= 0.5))", 9.2,
	 6.2},
	{"F3", "eventually[0 s, 1 s] ((a <= 5) until[0 s, 2 s] (b >= 1))", 3.0, 0.6},
	{"depth 5",
	 "always[0 s, 1 s] (a <= 9 -> eventually[0 s, 1 s] (b >= 1 and always[0 s, 0.1 s] "
	 "(req < 0.5 or eventually[0 s, 0.5 s] always[0 s, 0.02 s] (resp >= 0.5))))",
	 0, 0},
};

/* Of this process's own: other work on the machine does not count. */
static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static uint64_t state = 1;

static double uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double)(state >> 11) * 0x1p-53;
}

static double value(const char *name, size_t i)
{
	double t = (double)i * 1e-3;
	if (!strcmp(name, "a"))
		return 4 + 1.5 * sin(t) + 0.3 * (uniform() - 0.5);
	if (!strcmp(name, "b"))
		return 0.9 * sin(1.7 * t) + 0.4 * uniform();
	double phase = fmod(t, 3) - (strcmp(name, "resp") ? 0 : 0.3);
	return (phase > 1 && phase < 1.5 ? 1 : 0) + 0.2 * (uniform() - 0.5);
}

/* 1 kHz; jittered: each stamp moved by up to 0.45 ms. */
static GHashTable *recording(size_t n, bool jitter)
{
	static const char *const names[] = {"a", "b", "req", "resp"};
	GHashTable *out =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	for (size_t k = 0; k < G_N_ELEMENTS(names); k++) {
		Signal *s = signal_new(names[k]);
		s->info.max_gap_ns = 50 * MS;
		for (size_t i = 0; i < n; i++) {
			double shift = jitter && i > 0 && i + 1 < n ? uniform() - 0.5 : 0;
			signal_append(s, (int64_t)i * MS + (int64_t)(0.9 * MS * shift),
				      value(names[k], i), SAMPLE_OK);
		}
		g_hash_table_insert(out, s->info.name, s);
	}
	return out;
}

static StlFormula *formula(const char *text, GHashTable *signals)
{
	g_autoptr(GError) error = NULL;
	GHashTable *const tables[2] = {signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	StlFormula *f = stl_parse(text, NULL, &error);
	if (!f || !stl_check(f, &scope, NULL, &error)) {
		fprintf(stderr, "%s: %s\n", text, error->message);
		exit(1);
	}
	return f;
}

/* The best of some runs, parser and check included. */
static double offline(const char *text, GHashTable *signals, size_t n, bool trace,
		      size_t *ret_trace)
{
	double best = INFINITY;
	for (int run = 0; run < (n > 200000 ? 3 : 10); run++) {
		double t = seconds();
		g_autoptr(StlFormula) f = formula(text, signals);
		StlInput in = {.end_ns = (int64_t)(n - 1) * MS, .signals = signals};
		StlOptions options = {.trace = trace, .no_explanation = true};
		g_autoptr(StlResult) r = stl_eval(f, &in, &options, NULL);
		best = MIN(best, seconds() - t);
		*ret_trace = r->trace_n;
	}
	return best;
}

static void goal(double rate, double theirs)
{
	if (theirs > 0)
		printf("  %5.2f of the goal of 5 x %.2f", rate / (5 * theirs), theirs);
	printf("\n");
}

static const char *only; /* a case's name: nothing but this, of the largest trace, for a profile */

static bool wanted(const char *name)
{
	return !only || !strcmp(name, only);
}

static void offline_all(size_t n, bool jitter)
{
	g_autoptr(GHashTable) signals = recording(n, jitter);
	printf("offline, %zu samples, %s stamps\n", n, jitter ? "jittered" : "regular");
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		if (!wanted(cases[i].name))
			continue;
		size_t entries, none;
		double trace = offline(cases[i].text, signals, n, true, &entries);
		double verdict = offline(cases[i].text, signals, n, false, &none);
		double rate = (double)n / trace * 1e-6;
		printf("  %-16s trace %7.2f Msamples/s (%.1f entries a sample), verdict %8.2f",
		       cases[i].name, rate, (double)entries / (double)n,
		       (double)n / verdict * 1e-6);
		goal(rate, cases[i].breach);
	}
}

/* ---- online ------------------------------------------------------------------------------------------------------------- */

static const Case watched[] = {
	{"F1", "always always[0 s, 1 s] (a <= 5)", 0, 5.3},
	{"F2", "always ((req >= 0.5) -> eventually[0 s, 0.5 s] (resp >= 0.5))", 0, 6.2},
	{"F3", "always eventually[0 s, 1 s] ((a <= 5) until[0 s, 2 s] (b >= 1))", 0, 0.6},
	{"guard", "always (a <= 9)", 0, 0},
	{"depth 5",
	 "always (a <= 9 -> eventually[0 s, 1 s] (b >= 1 and always[0 s, 0.1 s] (req < 0.5 or "
	 "eventually[0 s, 0.5 s] always[0 s, 0.02 s] (resp >= 0.5))))",
	 0, 0},
};

/* Samples of all signals by time, as a recorder hands them on. */
typedef struct Sample {
	int64_t t;
	double v;
	unsigned signal;
} Sample;

static Sample *in_order(const StlFormula *f, GHashTable *signals, size_t n)
{
	size_t n_signals = stl_formula_n_signals(f), at[8] = {0};
	const Signal *s[8];
	for (size_t k = 0; k < n_signals; k++)
		s[k] = g_hash_table_lookup(signals, stl_formula_signal(f, k));
	Sample *out = g_new(Sample, n * n_signals);
	for (size_t i = 0; i < n * n_signals; i++) {
		size_t best = n_signals;
		for (size_t k = 0; k < n_signals; k++)
			if (at[k] < n &&
			    (best == n_signals || s[k]->t_ns[at[k]] < s[best]->t_ns[at[best]]))
				best = k;
		out[i] = (Sample){s[best]->t_ns[at[best]], s[best]->v[at[best]], (unsigned)best};
		at[best]++;
	}
	return out;
}

/* Every sample fed, and the state and the interval asked for after as many samples of each signal as `every` says: 1, at all of
 * them. Parser, check and the making of the monitor are in it. */
static double online_once(const char *text, GHashTable *signals, const Sample *samples, size_t n,
			  size_t every, size_t *ret_bytes)
{
	double lo, hi, sum = 0, t = seconds();
	g_autoptr(StlFormula) f = formula(text, signals);
	g_autoptr(StlMonitor) m = stl_monitor_new(f, STL_MONITOR_HOLDS, NULL, NULL);
	size_t n_signals = stl_formula_n_signals(f);
	stl_monitor_start(m, 0);
	for (size_t i = 0; i < n * n_signals;) {
		for (size_t k = MIN(n * n_signals - i, every * n_signals); k > 0; k--, i++)
			stl_monitor_feed(m, samples[i].signal, samples[i].t, samples[i].v,
					 SAMPLE_OK);
		stl_monitor_state(m, samples[i - 1].t);
		stl_monitor_robustness(m, &lo, &hi);
		sum += isfinite(hi) ? hi : 0;
	}
	*ret_bytes = stl_monitor_bytes(m);
	t = seconds() - t;
	return isnan(sum) ? 0 : t;
}

/* The best of some runs. */
static double online(const char *text, GHashTable *signals, size_t n, size_t every,
		     size_t *ret_bytes)
{
	g_autoptr(StlFormula) f = formula(text, signals);
	g_autofree Sample *samples = in_order(f, signals, n);
	double best = INFINITY;
	for (int run = 0; run < (n > 200000 ? 3 : 10); run++)
		best = MIN(best, online_once(text, signals, samples, n, every, ret_bytes));
	return best;
}

#define GUARDS 100

/* A hundred monitors, each with limits of its own, fed and asked at every sample: per cent of a core at 1 kHz. */
static void guards(GHashTable *signals, size_t n)
{
	StlMonitor *m[GUARDS];
	StlFormula *f[GUARDS];
	const Signal *inputs[GUARDS][4];
	size_t bytes = 0, broken = 0;
	for (size_t i = 0; i < GUARDS; i++) {
		g_auto(GStrv) parts =
			g_strsplit(watched[i % G_N_ELEMENTS(watched)].text, "a <= ", 2);
		g_autofree char *text =
			parts[1] ? g_strdup_printf("%sa <= %zu.%s", parts[0], i / 10, parts[1])
				 : NULL;
		f[i] = formula(text ? text : watched[i % G_N_ELEMENTS(watched)].text, signals);
		m[i] = stl_monitor_new(f[i], STL_MONITOR_HOLDS, NULL, NULL);
		bytes += stl_monitor_bytes(m[i]);
		for (size_t j = 0; j < stl_formula_n_signals(f[i]); j++)
			inputs[i][j] = g_hash_table_lookup(signals, stl_formula_signal(f[i], j));
		stl_monitor_start(m[i], 0);
	}
	double t = seconds();
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < GUARDS; i++) {
			int64_t now = 0;
			for (size_t j = 0; j < stl_formula_n_signals(f[i]); j++) {
				const Signal *s = inputs[i][j];
				now = s->t_ns[k];
				stl_monitor_feed(m[i], (unsigned)j, now, s->v[k], SAMPLE_OK);
			}
			broken += stl_monitor_state(m[i], now) == STL_STATE_FALSE;
		}
	t = seconds() - t;
	for (size_t i = 0; i < GUARDS; i++) {
		stl_monitor_free(m[i]);
		stl_formula_free(f[i]);
	}
	printf("  %d of them, a fifth each: %.2f %% of a core at 1 kHz, %.1f MB (%zu looks at a "
	       "broken one)\n",
	       GUARDS, 100 * t / (double)n * 1000, (double)bytes / 1e6, broken);
}

static void online_all(size_t n, bool jitter)
{
	g_autoptr(GHashTable) signals = recording(n, jitter);
	printf("online, %zu samples at 1 kHz, %s stamps: asked at every sample, and at every "
	       "16th\n",
	       n, jitter ? "jittered" : "regular");
	for (size_t i = 0; i < G_N_ELEMENTS(watched); i++) {
		if (!wanted(watched[i].name))
			continue;
		size_t bytes;
		double one = (double)n / online(watched[i].text, signals, n, 1, &bytes) * 1e-6,
		       many = (double)n / online(watched[i].text, signals, n, 16, &bytes) * 1e-6;
		printf("  %-16s %7.2f, %7.2f Msamples/s, %6.1f kB", watched[i].name, one, many,
		       (double)bytes / 1000);
		goal(one, watched[i].online);
	}
	if (wanted("guards") && !jitter)
		guards(signals, MIN(n, 20000));
}

static void windows(size_t n)
{
	g_autoptr(GHashTable) signals = recording(n, true);
	printf("offline, %zu samples, jittered, as the window grows\n", n);
	for (double w = 0.01; w <= 100; w *= 10) {
		size_t entries;
		g_autofree char *one = g_strdup_printf("always[0 s, %g s] (a <= 5)", w);
		g_autofree char *two = g_strdup_printf("(a <= 5) until[0 s, %g s] (b >= 1)", w);
		double t1 = offline(one, signals, n, true, &entries);
		double t2 = offline(two, signals, n, true, &entries);
		printf("  %6g s: always %7.2f, until %7.2f Msamples/s\n", w, (double)n / t1 * 1e-6,
		       (double)n / t2 * 1e-6);
	}
}

static void online_windows(size_t n)
{
	g_autoptr(GHashTable) signals = recording(n, true);
	printf("online, %zu samples, jittered, asked at every sample, as the window grows\n", n);
	for (double w = 0.01; w <= 100; w *= 10) {
		static const char *const forms[] = {"always always[0 s, %g s] (a <= 5)",
						    "always ((a <= 5) until[0 s, %g s] (b >= 1))",
						    "always (mean(a) over [-%g s, 0 s] <= 5)"};
		printf("  %6g s:", w);
		for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
			size_t bytes;
			g_auto(GStrv) parts = g_strsplit(forms[i], "%g", 2);
			g_autofree char *text = g_strdup_printf("%s%g%s", parts[0], w, parts[1]);
			double rate = (double)n / online(text, signals, n, 1, &bytes) * 1e-6;
			printf(" %s %6.2f Msamples/s, %7.1f kB%s",
			       i == 0   ? "always"
			       : i == 1 ? "until"
					: "mean",
			       rate, (double)bytes / 1000,
			       i + 1 < G_N_ELEMENTS(forms) ? ";" : "\n");
		}
	}
}

int main(int argc, char **argv)
{
	size_t largest = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 1000000;
	if (largest == 0) {
		fprintf(stderr, "usage: %s [SAMPLES [CASE [online|offline]]]\n", argv[0]);
		return 2;
	}
	only = argc > 2 ? argv[2] : NULL;
	bool off = argc < 4 || strcmp(argv[3], "online"),
	     on = argc < 4 || strcmp(argv[3], "offline");
	for (size_t n = only ? largest : 10000; n <= largest && off; n *= 10)
		for (int jitter = 0; jitter < 2; jitter++)
			offline_all(n, jitter);
	if (!only)
		windows(MIN(largest, 200000));
	for (size_t n = only ? largest : 10000; n <= largest && on; n *= 10)
		for (int jitter = 0; jitter < 2; jitter++)
			online_all(n, jitter);
	if (!only && on)
		online_windows(MIN(largest, 200000));
	return 0;
}
