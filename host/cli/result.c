#include "result.h"

#include <math.h>

static void level_list(JsonBuilder *b, const CriterionResult *r)
{
	json_builder_set_member_name(b, "levels");
	json_builder_begin_array(b);
	for (guint i = 0; i < r->levels->len; i++) {
		const LevelResult *l = g_ptr_array_index(r->levels, i);
		json_builder_begin_object(b);
		cli_json_text(b, "level", l->name);
		cli_json_text(b, "verdict", verdict_name(l->verdict));
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void tipping_list(JsonBuilder *b, const CriterionResult *r)
{
	json_builder_set_member_name(b, "tipping");
	json_builder_begin_array(b);
	for (guint i = 0; i < r->tippings->len; i++) {
		const Tipping *t = g_ptr_array_index(r->tippings, i);
		json_builder_begin_object(b);
		cli_json_text(b, "kind", t->kind);
		cli_json_text(b, "signal", t->signal);
		cli_json_number(b, "amount", t->amount);
		cli_json_text(b, "unit", t->unit.symbol);
		cli_json_number(b, "in_u", t->in_u);
		cli_json_number(b, "searched", t->searched);
		cli_json_text(b, "becomes", isnan(t->amount) ? NULL : verdict_name(t->becomes));
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void draws(JsonBuilder *b, const MonteCarlo *m)
{
	const struct {
		const char *name;
		unsigned value;
	} rows[] = {{"draws", m->draws},
		    {"held", m->held},
		    {"violated", m->violated},
		    {"open", m->open}};
	if (m->draws == 0)
		return;
	json_builder_set_member_name(b, "monte_carlo");
	json_builder_begin_object(b);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		cli_json_int(b, rows[i].name, rows[i].value);
	}
	json_builder_end_object(b);
}

/* Only of a run whose input was disturbed. */
static void perturbed_json(JsonBuilder *b, const RunRecord *record)
{
	static const char *const keys[][2] = {
		{"chain", "perturb"}, {"seed", "perturb.seed"}, {"labels", "perturb.labels"}};
	if (!g_hash_table_contains(record->meta, "perturb"))
		return;
	json_builder_set_member_name(b, "perturbed");
	json_builder_begin_object(b);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		cli_json_text(b, keys[i][0], g_hash_table_lookup(record->meta, keys[i][1]));
	}
	json_builder_end_object(b);
}

void result_json(JsonBuilder *b, const RunRecord *record)
{
	cli_json_text(b, "run", record->run_id);
	cli_json_text(b, "verdict", verdict_name(record->verdict));
	json_builder_set_member_name(b, "criteria");
	json_builder_begin_array(b);
	for (guint i = 0; i < record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(record->criteria, i);
		json_builder_begin_object(b);
		cli_json_text(b, "id", r->id);
		cli_json_text(b, "verdict", verdict_name(r->verdict));
		cli_json_number(b, "measured", r->measured);
		cli_json_text(b, "unit", r->unit.symbol);
		cli_json_number(b, "uncertainty", r->uncertainty);
		cli_json_number(b, "limit", r->limit);
		cli_json_text(b, "why", r->why);
		level_list(b, r);
		tipping_list(b, r);
		draws(b, &r->monte_carlo);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_set_member_name(b, "left_out");
	json_builder_begin_array(b);
	for (guint i = 0; i < record->left_out->len; i++)
		json_builder_add_string_value(b, g_ptr_array_index(record->left_out, i));
	json_builder_end_array(b);
	perturbed_json(b, record);
	cli_json_text(b, "evidence", evidence_name(record->evidence));
}

void result_print_perturbed(const CliContext *cli, const RunRecord *record)
{
	const char *what = g_hash_table_lookup(record->meta, "perturb");
	const char *seed = g_hash_table_lookup(record->meta, "perturb.seed");
	const char *said = g_hash_table_lookup(record->meta, "perturb.labels");
	const char *spared = g_hash_table_lookup(record->meta, "perturb.spared");
	if (spared) {
		printf(_("The product was NOT given this perturbed input: %s"), spared);
		printf("\n");
	}
	if (!what)
		return;
	g_autofree char *labels = fault_causes_in(cli->lang, said ? said : "?");
	printf(_("the product was given perturbed input: %s (seed %s)\nlabels: %s\n"), what,
	       seed ? seed : "?", labels);
}
