#include "result.h"

#include <math.h>

static void number(JsonBuilder *b, const char *name, double value)
{
	json_builder_set_member_name(b, name);
	if (isfinite(value))
		json_builder_add_double_value(b, value);
	else
		json_builder_add_null_value(b);
}

static void text(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	if (value)
		json_builder_add_string_value(b, value);
	else
		json_builder_add_null_value(b);
}

void result_json(JsonBuilder *b, const RunRecord *record)
{
	text(b, "run", record->run_id);
	text(b, "verdict", verdict_name(record->verdict));
	json_builder_set_member_name(b, "criteria");
	json_builder_begin_array(b);
	for (guint i = 0; i < record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(record->criteria, i);
		json_builder_begin_object(b);
		text(b, "id", r->id);
		text(b, "verdict", verdict_name(r->verdict));
		number(b, "measured", r->measured);
		text(b, "unit", r->unit.symbol);
		number(b, "uncertainty", r->uncertainty);
		number(b, "limit", r->limit);
		text(b, "why", r->why);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	text(b, "evidence", evidence_name(record->evidence));
}
