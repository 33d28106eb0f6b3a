/* Packs as data: making, freeing, finding. */
#include "pack.h"

const char *rule_name(DecisionRule rule)
{
	switch (rule) {
	case RULE_GUARDED:
		return "guarded";
	case RULE_SIMPLE:
		return "simple";
	}
	return "?";
}

CriterionLevel *criterion_level_new(const char *name)
{
	CriterionLevel *level = g_new0(CriterionLevel, 1);
	level->name = g_strdup(name);
	level->parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return level;
}

void criterion_level_free(CriterionLevel *level)
{
	if (!level)
		return;
	g_free(level->name);
	g_hash_table_unref(level->parameters);
	g_free(level);
}

Criterion *criterion_new(void)
{
	Criterion *c = g_new0(Criterion, 1);
	c->perspectives = g_ptr_array_new_with_free_func(g_free);
	c->crosswalk = g_ptr_array_new_with_free_func(g_free);
	c->levels = g_ptr_array_new_with_free_func((GDestroyNotify)criterion_level_free);
	c->parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	c->stand_in = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	c->required = -1;
	c->injures = true;
	c->unit = unit_one;
	return c;
}

void criterion_free(Criterion *c)
{
	if (!c)
		return;
	char *texts[] = {c->id,          c->full_id,        c->title_en,         c->title_ja,
			 c->hazard,      c->formula,        c->measure,          c->limit,
			 c->partner,     c->premise,        c->evidence,         c->needs,
			 c->needs_ja,    c->claim_over,     c->source.basis,     c->source.by,
			 c->source.note, c->source.note_ja, c->source.population};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_ptr_array_unref(c->perspectives);
	g_ptr_array_unref(c->crosswalk);
	g_ptr_array_unref(c->levels);
	g_hash_table_unref(c->parameters);
	g_hash_table_unref(c->stand_in);
	for (int kind = 0; kind < TRIAL_KINDS; kind++)
		trial_free(c->trials[kind]);
	g_free(c);
}

void criterion_pack_free(Pack *pack)
{
	if (!pack)
		return;
	g_free(pack->path);
	g_free(pack->id);
	g_free(pack->version);
	g_free(pack->title_en);
	g_free(pack->title_ja);
	g_clear_pointer(&pack->criteria, g_ptr_array_unref);
	trial_bench_free(pack->bench);
	g_free(pack);
}

const Criterion *criterion_find(Pack *const *packs, size_t n_packs, const char *full_id)
{
	for (size_t p = 0; p < n_packs; p++)
		for (guint i = 0; i < packs[p]->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(packs[p]->criteria, i);
			if (!strcmp(c->full_id, full_id))
				return c;
		}
	return NULL;
}

char *criterion_pack_file(const char *full_id)
{
	const char *slash = strrchr(full_id, '/');
	if (!slash || slash == full_id || strstr(full_id, ".."))
		return NULL;
	return g_strdup_printf("%.*s.yaml", (int)(slash - full_id), full_id);
}

/* Level's parameters first, then the criterion's own. */
static bool find_parameter(const Criterion *criterion, int level, const char *name, Quantity *ret)
{
	const Quantity *found = NULL;
	if (level >= 0 && (guint)level < criterion->levels->len) {
		const CriterionLevel *l = g_ptr_array_index(criterion->levels, level);
		found = g_hash_table_lookup(l->parameters, name);
	}
	if (!found)
		found = g_hash_table_lookup(criterion->parameters, name);
	if (!found)
		found = g_hash_table_lookup(criterion->stand_in, name);
	if (found)
		*ret = *found;
	return found != NULL;
}

bool criterion_limit(const Criterion *criterion, int level, Quantity *ret)
{
	if (!criterion->limit)
		return false;
	if (criterion->limit[0] == '$')
		return find_parameter(criterion, level, criterion->limit + 1, ret);
	return quantity_parse(criterion->limit, ret, NULL);
}

bool criterion_parameter(const Criterion *criterion, int level, const char *name, Quantity *ret)
{
	return find_parameter(criterion, level, name, ret);
}

int64_t criterion_horizon_ns(const Criterion *criterion)
{
	Quantity limit;
	if (!criterion_limit(criterion, criterion->required, &limit) ||
	    !unit_compatible(&limit.unit, &unit_second))
		return 0;
	double s = unit_convert(limit.value, &limit.unit, &unit_second);
	return s > 0 && s < 9e9 ? (int64_t)(s * 1e9) : 0;
}

bool criterion_text_has(const char *text, const char *word)
{
	for (const char *at = text; at && (at = strstr(at, word)); at++)
		if (at == text ||
		    !(g_ascii_isalnum(at[-1]) || at[-1] == '.' || at[-1] == '-' || at[-1] == '_'))
			return true;
	return false;
}

typedef struct LevelScope {
	const Criterion *criterion;
	int level;
} LevelScope;

static bool scope_parameter(void *user, const char *name, Quantity *ret)
{
	const LevelScope *scope = user;
	return find_parameter(scope->criterion, scope->level, name, ret);
}

StlFormula *criterion_parse(const Criterion *criterion, const char *text, int level, GError **error)
{
	LevelScope user = {criterion, level};
	const StlScope scope = {.parameter = scope_parameter, .user = &user};
	g_autoptr(StlFormula) formula = stl_parse(text, NULL, error);
	if (!formula || !stl_check(formula, &scope, NULL, error))
		return NULL;
	return g_steal_pointer(&formula);
}

const char *criterion_basis(const CriterionSource *source, const char *lang)
{
	static const char *const table[][2] = {
		{"no number", "数値なし"},
		{"lab decision", "試験所の決定"},
		{"project choice", "本事業が選んだ値(実地試験で確認予定)"},
		{"none", "根拠なし"},
	};
	for (size_t i = 0; !g_strcmp0(lang, "ja") && i < G_N_ELEMENTS(table); i++)
		if (!g_ascii_strcasecmp(table[i][0], source->basis))
			return table[i][1];
	return source->basis;
}
