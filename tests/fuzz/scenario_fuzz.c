/* Any bytes: a scenario or product is refused with a diagnostic, or every part of it can be used. */
#include <anzen/scenario.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml\n"; /* see yaml_fuzz.c */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 16)
		return 0;
	g_autoptr(Diagnostics) scenario_diag = diagnostics_new(), product_diag = diagnostics_new();
	g_autoptr(Scenario) s =
		scenario_load_text((const char *)data, (gssize)size, "fuzz", NULL, scenario_diag);
	g_autoptr(Product) p =
		product_load_text((const char *)data, (gssize)size, "fuzz", product_diag);
	g_assert((s == NULL) == (diagnostics_errors(scenario_diag) > 0));
	g_assert((p == NULL) == (diagnostics_errors(product_diag) > 0));
	if (!s)
		return 0;
	g_assert(s->n_timeline > 0 && s->end_ns > 0 && s->criteria[0]);
	for (size_t i = 1; i < s->n_timeline; i++)
		g_assert(s->timeline[i].latest_ns >= s->timeline[i - 1].latest_ns);
	g_autoptr(JudgeSpec) spec = scenario_judge_spec(s, p);
	g_assert(spec->truths->len == s->n_truths);
	return 0;
}
