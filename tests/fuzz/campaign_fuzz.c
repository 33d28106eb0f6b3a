/* Any bytes: a plan is refused with a diagnostic, or every run that it draws can be played. */
#include <anzen/campaign.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml\n"; /* see yaml_fuzz.c */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 14)
		return 0;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(CampaignPlan) plan = campaign_plan_load_text(
		(const char *)data, (gssize)size, ANZEN_SOURCE_DIR "/scenarios/fuzz.yaml", diag);
	g_assert((plan == NULL) == (diagnostics_errors(diag) > 0));
	if (!plan)
		return 0;
	g_assert(plan->draws->len == plan->n * plan->scenarios->len && plan->draws->len > 0);
	for (guint i = 0; i < plan->draws->len; i++) {
		const CampaignDraw *d = g_ptr_array_index(plan->draws, i);
		g_assert(d->scenario < plan->scenarios->len && d->sample >= 1 && d->sets);
	}
	return 0;
}
