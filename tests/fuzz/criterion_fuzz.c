/* Any bytes: a pack or certificate is refused with a diagnostic, or every part of it can be used. */
#include <anzen/criterion.h>
#include <anzen/metrology.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml\n"; /* see yaml_fuzz.c */
}

static void use_pack(Pack *pack)
{
	g_autoptr(Recording) nothing = recording_new();
	g_autoptr(JudgeSpec) spec = judge_spec_new();
	nothing->end_ns = CLOCK_S;
	nothing->complete = true;
	for (guint i = 0; i < pack->criteria->len; i++) {
		const Criterion *c = g_ptr_array_index(pack->criteria, i);
		const char *ids[] = {c->full_id, NULL};
		g_autofree char *text = criterion_explain(c, i % 2 ? "ja" : "en");
		g_assert(*text && criterion_horizon_ns(c) >= 0 &&
			 criterion_find(&pack, 1, c->full_id));
		g_autoptr(RunRecord) record = criterion_judge(nothing, &pack, 1, ids, spec, NULL);
		/* Nothing was recorded, so nothing can pass; a partner in another pack is an error. */
		g_assert(!record || record->verdict != VERDICT_PASS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 16)
		return 0;
	g_autoptr(Diagnostics) pack_diag = diagnostics_new(), certificate_diag = diagnostics_new();
	g_autoptr(Pack) pack =
		criterion_pack_load_text((const char *)data, (gssize)size, "fuzz", pack_diag);
	g_autoptr(Certificate) c =
		certificate_load_text((const char *)data, (gssize)size, "fuzz", certificate_diag);
	g_assert((pack == NULL) == (diagnostics_errors(pack_diag) > 0));
	g_assert((c == NULL) == (diagnostics_errors(certificate_diag) > 0));
	if (pack)
		use_pack(pack);
	if (c)
		g_assert(c->expanded > 0 && c->range_lo < c->range_hi &&
			 certificate_uncertainty(c).u > 0);
	return 0;
}
