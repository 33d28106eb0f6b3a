/* Any bytes: a formula is refused with a column inside it, or its canonical text means the same again. Small ones are also
 * evaluated and watched, on a recording with a gap. */
#include <anzen/stl.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static StlFormula *read_formula(const char *text, bool *ret_refused)
{
	unsigned column = 0;
	g_autoptr(GError) error = NULL;
	StlFormula *f = stl_parse(text, &column, &error);
	g_assert((f == NULL) == (error != NULL));
	*ret_refused = f == NULL;
	if (!f && g_utf8_validate(text, -1, NULL))
		g_assert(column >= 1 && column <= (unsigned)g_utf8_strlen(text, -1) + 1);
	return f;
}

static bool check(StlFormula *f)
{
	const StlScope bare = {.bare = true};
	unsigned column = 0;
	g_autoptr(GError) error = NULL;
	bool ok = stl_check(f, &bare, &column, &error);
	g_assert(ok == (error == NULL));
	return ok;
}

/* What was printed is read again, and printed alike. */
static void print_again(const StlFormula *f)
{
	bool refused;
	g_autofree char *once = stl_formula_print(f, false);
	if (strlen(once) > STL_MAX_TEXT)
		return;
	g_autoptr(StlFormula) again = read_formula(once, &refused);
	g_assert(!refused);
	g_autofree char *twice = stl_formula_print(again, false);
	g_assert(!strcmp(once, twice));
	g_assert(stl_formula_n_signals(again) == stl_formula_n_signals(f));
	g_assert(stl_formula_n_parameters(again) == stl_formula_n_parameters(f));
}

static GHashTable *recording(const StlFormula *f)
{
	GHashTable *out =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	for (size_t i = 0; i < stl_formula_n_signals(f); i++) {
		Signal *s = signal_new(stl_formula_signal(f, i));
		for (int k = 0; k < 6; k++)
			signal_append(s, k * CLOCK_S, (k * 7 + (int)i) % 5 - 2,
				      k == 3 ? SAMPLE_MISSING : SAMPLE_OK);
		g_hash_table_insert(out, s->info.name, s);
	}
	return out;
}

static void evaluate(const StlFormula *f)
{
	g_autoptr(GHashTable) signals = recording(f);
	StlInput in = {.end_ns = 5 * CLOCK_S, .signals = signals};
	StlKind kind = stl_formula_kind(f);
	g_autoptr(GError) error = NULL;
	if (kind == STL_KIND_DELAY || kind == STL_KIND_DURATION) {
		g_autoptr(GArray) m = stl_measure(f, &in, &error);
		g_assert((m == NULL) == (error != NULL));
		return;
	}
	g_autoptr(StlResult) r = stl_eval(f, &in, NULL, &error);
	g_assert((r == NULL) == (error != NULL));
	g_assert(!r || r->lo <= r->hi); /* never NaN */
	g_autoptr(StlMonitor) m = stl_monitor_new(f, STL_MONITOR_HOLDS, NULL, NULL);
	if (!m)
		return;
	stl_monitor_start(m, 0);
	for (int k = 0; k < 6; k++)
		for (unsigned i = 0; i < stl_formula_n_signals(f); i++)
			stl_monitor_feed(m, i, k * CLOCK_S, k % 3, SAMPLE_OK);
	stl_monitor_state(m, 9 * CLOCK_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > STL_MAX_TEXT + 8)
		return 0;
	bool refused;
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(StlFormula) f = read_formula(text, &refused);
	g_assert(refused || strlen(text) <= STL_MAX_TEXT);
	if (refused)
		return 0;
	print_again(f);
	if (check(f) && stl_formula_n_parameters(f) == 0 && strlen(text) <= 200)
		evaluate(f);
	return 0;
}
