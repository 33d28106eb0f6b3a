#include "fault.h"

#include <anzen/model.h>

#include <math.h>

static void result_destroy(gpointer data)
{
	criterion_result_free(data);
}

Tipping *tipping_new(const char *kind, const char *signal, const Unit *unit)
{
	Tipping *tipping = g_new0(Tipping, 1);
	*tipping = (Tipping){.kind = g_strdup(kind),
			     .signal = g_strdup(signal),
			     .amount = NAN,
			     .searched = NAN,
			     .in_u = NAN,
			     .unit = *unit,
			     .becomes = VERDICT_INVALID};
	return tipping;
}

void tipping_free(Tipping *tipping)
{
	if (!tipping)
		return;
	g_free(tipping->kind);
	g_free(tipping->signal);
	g_free(tipping);
}

LevelResult *level_result_new(const char *name, Verdict verdict)
{
	LevelResult *level = g_new0(LevelResult, 1);
	level->name = g_strdup(name);
	level->verdict = verdict;
	return level;
}

void level_result_free(LevelResult *level)
{
	if (!level)
		return;
	g_free(level->name);
	g_free(level);
}

CriterionResult *criterion_result_new(const char *id)
{
	CriterionResult *result = g_new0(CriterionResult, 1);
	*result = (CriterionResult){
		.id = g_strdup(id),
		/* Nothing measured yet: never born as a PASS. */
		.verdict = VERDICT_INVALID,
		.measured = NAN,
		.uncertainty = NAN,
		.coverage = NAN,
		.limit = NAN,
		.margin = NAN,
		.guard_accept = NAN,
		.guard_reject = NAN,
		.risk_accept = NAN,
		.risk_reject = NAN,
		.dof = NAN,
		.unit = unit_one,
		.from_ns = -1,
		.to_ns = -1,
		.perspectives = g_ptr_array_new_with_free_func(g_free),
		.crosswalk = g_ptr_array_new_with_free_func(g_free),
		.levels = g_ptr_array_new_with_free_func((GDestroyNotify)level_result_free),
		.tippings = g_ptr_array_new_with_free_func((GDestroyNotify)tipping_free),
	};
	return result;
}

void criterion_result_free(CriterionResult *result)
{
	if (!result)
		return;
	g_free(result->id);
	g_free(result->title_en);
	g_free(result->title_ja);
	g_free(result->rule);
	g_free(result->level);
	g_free(result->formula);
	g_free(result->why);
	g_free(result->why_ja);
	g_free(result->required_evidence);
	g_free(result->claim_over);
	g_ptr_array_unref(result->perspectives);
	g_ptr_array_unref(result->crosswalk);
	signal_free(result->margin_trace);
	g_ptr_array_unref(result->levels);
	g_ptr_array_unref(result->tippings);
	g_free(result->witness);
	g_free(result);
}

RunRecord *run_record_new(void)
{
	RunRecord *record = g_new0(RunRecord, 1);
	record->verdict = VERDICT_INVALID;
	record->criteria = g_ptr_array_new_with_free_func(result_destroy);
	record->left_out = g_ptr_array_new_with_free_func(g_free);
	record->inputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	record->faults = g_ptr_array_new_with_free_func(fault_free);
	record->meta = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return record;
}

void run_record_free(RunRecord *record)
{
	if (!record)
		return;
	g_free(record->run_id);
	g_ptr_array_unref(record->criteria);
	g_ptr_array_unref(record->left_out);
	g_free(record->scenario);
	g_free(record->scenario_title_en);
	g_free(record->scenario_title_ja);
	g_free(record->product);
	g_free(record->rig);
	g_free(record->tool_version);
	g_free(record->session_sha256);
	g_free(record->started_utc);
	g_hash_table_unref(record->inputs);
	g_ptr_array_unref(record->faults);
	g_hash_table_unref(record->meta);
	g_free(record);
}
