/* A run record, as judged, before the checker. */
#ifndef ANZEN_TESTS_CHECKER_BOTH_H
#define ANZEN_TESTS_CHECKER_BOTH_H

#include <anzen/session.h>

#include "../criterion/mutations.h"
#include "record.h"

/* How much of it does not follow from the recording; *ret_open (may be NULL) grows by what could not be checked. docs: YamlDoc*,
 * the packs. */
static inline unsigned both_disagree(const Recording *rec, JudgeSpec *spec, GPtrArray *docs,
				     const RunRecord *record, bool adopted, FILE *out,
				     unsigned *ret_open)
{
	g_autofree char *json = run_record_to_json(record);
	g_autoptr(RunRecord) read = run_record_from_json(json, -1, "run.json", NULL);
	Check k = {.rec = rec, .spec = spec, .packs = docs, .out = out, .adopted = adopted};
	if (!read || docs->len == 0)
		return 1;
	check_record(&k, read, NULL);
	if (ret_open)
		*ret_open += k.open;
	return k.wrong;
}

/* Another verdict for one criterion, and the whole record follows, so that only the criterion's own proof can catch it. False:
 * it stayed the same. */
static inline bool both_forge(RunRecord *record, GRand *rand)
{
	g_autofree Verdict *all = g_new0(Verdict, record->criteria->len);
	guint at = (guint)g_rand_int_range(rand, 0, (gint32)record->criteria->len);
	CriterionResult *r = g_ptr_array_index(record->criteria, at);
	Verdict was = r->verdict;
	r->verdict = (Verdict)g_rand_int_range(rand, 0, 4);
	for (guint i = 0; i < record->criteria->len; i++)
		all[i] = ((CriterionResult *)g_ptr_array_index(record->criteria, i))->verdict;
	record->verdict = verdict_aggregate(all, record->criteria->len);
	return r->verdict != was;
}

#endif
