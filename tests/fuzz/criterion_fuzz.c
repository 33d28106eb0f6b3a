/* Any bytes: a pack, crosswalk, register of hazards, risk table or certificate is refused with a diagnostic, or every part of it can be used. */
#include <anzen/criterion.h>
#include <anzen/metrology.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml\n"; /* see yaml_fuzz.c */
}

/* Trials of any shape are judged without a fault; what waits for a lab decides nothing as shipped. */
static void use_trials(Pack *pack, const Criterion *c)
{
	if (pack->bench && c->trials[TRIAL_PASS]) {
		g_autoptr(CriterionResult) r = criterion_try(&pack, 1, c, TRIAL_PASS, false, NULL);
		g_assert(!r || !c->needs ||
			 (r->verdict != VERDICT_PASS && r->verdict != VERDICT_FAIL));
	}
}

static void use_text(Pack *pack)
{
	g_autofree char *guide = criterion_guide(&pack, 1, NULL, 0, "ja", GUIDE_HTML);
	g_autoptr(GPtrArray) changes = criterion_diff(&pack, 1, &pack, 1);
	g_assert(*guide && changes->len == 0); /* nothing differs from itself */
}

static void use_risk(const RiskTable *table)
{
	g_autoptr(GHashTable) facts = g_hash_table_new(g_str_hash, g_str_equal);
	const RiskQuestion *q = NULL;
	g_assert(table->steps->len > 0);
	/* Nothing is declared: only the last step, which asks nothing, can be met. */
	for (guint i = 0; i < table->steps->len; i++)
		g_assert((risk_step(g_ptr_array_index(table->steps, i), facts, &q) == STEP_MET) ==
			 (i + 1 == table->steps->len));
}

static void use_pack(Pack *pack)
{
	use_text(pack);
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
		use_trials(pack, c);
		/* Nothing was recorded, so nothing can pass; a partner in another pack is an error. */
		g_assert(!record || record->verdict != VERDICT_PASS);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 16)
		return 0;
	g_autoptr(Diagnostics) pack_diag = diagnostics_new(), certificate_diag = diagnostics_new();
	g_autoptr(Diagnostics) crosswalk_diag = diagnostics_new(), risk_diag = diagnostics_new();
	g_autoptr(Pack) pack =
		criterion_pack_load_text((const char *)data, (gssize)size, "fuzz", pack_diag);
	g_autoptr(Certificate) c =
		certificate_load_text((const char *)data, (gssize)size, "fuzz", certificate_diag);
	g_autoptr(Crosswalk) crosswalk =
		crosswalk_load_text((const char *)data, (gssize)size, "fuzz", crosswalk_diag);
	g_autoptr(RiskTable) risk =
		risk_table_load_text((const char *)data, (gssize)size, "fuzz", risk_diag);
	g_autoptr(Diagnostics) hazards_diag = diagnostics_new();
	g_autoptr(Hazards) hazards =
		hazards_load_text((const char *)data, (gssize)size, "fuzz", hazards_diag);
	g_assert((hazards == NULL) == (diagnostics_errors(hazards_diag) > 0));
	g_assert((crosswalk == NULL) == (diagnostics_errors(crosswalk_diag) > 0));
	g_assert((risk == NULL) == (diagnostics_errors(risk_diag) > 0));
	g_assert((pack == NULL) == (diagnostics_errors(pack_diag) > 0));
	g_assert((c == NULL) == (diagnostics_errors(certificate_diag) > 0));
	if (pack)
		use_pack(pack);
	if (risk)
		use_risk(risk);
	if (crosswalk)
		crosswalk_lint(&crosswalk, 1, &pack, pack ? 1 : 0, crosswalk_diag);
	if (hazards)
		hazards_lint(hazards, &pack, pack ? 1 : 0, hazards_diag);
	if (c)
		g_assert(c->expanded > 0 && c->range_lo < c->range_hi &&
			 certificate_uncertainty(c).u > 0);
	return 0;
}
