/* Small hands for stl's tests: signals from literals, one-line evaluation. Times in seconds. */
#ifndef ANZEN_TESTS_STL_BENCH_H
#define ANZEN_TESTS_STL_BENCH_H

#include <anzen/stl.h>

typedef struct Bench {
	GHashTable *signals, *upper;
	double end_s;
} Bench;

static inline Bench *bench_new(double end_s)
{
	Bench *b = g_new0(Bench, 1);
	b->signals =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	b->upper =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	b->end_s = end_s;
	return b;
}

static inline void bench_free(Bench *b)
{
	g_hash_table_unref(b->signals);
	g_hash_table_unref(b->upper);
	g_free(b);
}

/* unit "bool": a Boolean that holds its value. NaN values are missing samples. */
static inline Signal *bench_signal(const char *name, const char *unit, size_t n,
				   const double (*tv)[2])
{
	Signal *s = signal_new(name);
	s->info.boolean = !strcmp(unit, "bool");
	s->info.interp = s->info.boolean ? SIGNAL_PREVIOUS : SIGNAL_LINEAR;
	if (!s->info.boolean)
		unit_parse(unit, &s->info.unit, NULL);
	for (size_t i = 0; i < n; i++)
		signal_append(s, llround(tv[i][0] * 1e9), tv[i][1],
			      isnan(tv[i][1]) ? SAMPLE_MISSING : SAMPLE_OK);
	return s;
}

#define ADD(b, label, symbol, ...)                                                \
	do {                                                                      \
		static const double tv_[][2] = {__VA_ARGS__};                     \
		Signal *s_ = bench_signal(label, symbol, G_N_ELEMENTS(tv_), tv_); \
		g_hash_table_insert((b)->signals, s_->info.name, s_);             \
	} while (0)

#define ADD_UPPER(b, label, symbol, ...)                                          \
	do {                                                                      \
		static const double tv_[][2] = {__VA_ARGS__};                     \
		Signal *s_ = bench_signal(label, symbol, G_N_ELEMENTS(tv_), tv_); \
		g_hash_table_insert((b)->upper, s_->info.name, s_);               \
	} while (0)

static inline Signal *bench_get(Bench *b, const char *name)
{
	return g_hash_table_lookup(b->signals, name);
}

static inline StlInput bench_input(const Bench *b)
{
	return (StlInput){.start_ns = 0,
			  .end_ns = llround(b->end_s * 1e9),
			  .signals = b->signals,
			  .upper = b->upper};
}

static inline StlFormula *bench_formula(Bench *b, const char *text)
{
	GError *error = NULL;
	StlFormula *f = stl_parse(text, NULL, &error);
	GHashTable *const tables[2] = {b->signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	if (!f || !stl_check(f, &scope, NULL, &error)) {
		fprintf(stderr, "%s: %s\n", text, error->message);
		CU_FAIL("the formula was refused");
		g_error_free(error);
	}
	return f;
}

static inline StlResult *bench_eval(Bench *b, const char *text)
{
	GError *error = NULL;
	g_autoptr(StlFormula) f = bench_formula(b, text);
	StlInput input = bench_input(b);
	StlResult *r = stl_eval(f, &input, NULL, &error);
	if (!r) {
		fprintf(stderr, "%s: %s\n", text, error ? error->message : "?");
		CU_FAIL("no result");
		g_clear_error(&error);
	}
	return r;
}

/* Error of parse or check as text; NULL when it is fine. Caller frees. */
static inline char *bench_refusal(Bench *b, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = stl_parse(text, NULL, &error);
	GHashTable *const tables[2] = {b->signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	if (f && stl_check(f, &scope, NULL, &error))
		return NULL;
	return g_strdup(error->message);
}

static inline bool says(const char *text, const char *part)
{
	bool found = text && strstr(text, part);
	if (!found)
		fprintf(stderr, "'%s' does not say '%s'\n", text ? text : "(nothing)", part);
	return found;
}

static inline bool near(double a, double b)
{
	bool ok = fabs(a - b) <= 1e-9 * (1 + fabs(b));
	if (!ok)
		fprintf(stderr, "%.12g is not %.12g\n", a, b);
	return ok;
}

#endif
