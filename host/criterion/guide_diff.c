/* What a revision of packs changes in meaning. Words for people may change freely. */
#include "pack.h"

const char *change_name(ChangeKind kind)
{
	switch (kind) {
	case CHANGE_ADDED:
		return "added";
	case CHANGE_WITHDRAWN:
		return "withdrawn";
	case CHANGE_TIGHTENED:
		return "tightened";
	case CHANGE_LOOSENED:
		return "loosened";
	case CHANGE_RULE:
		return "rule";
	case CHANGE_VERSION:
		return "version";
	}
	return "?";
}

typedef struct Diff {
	GPtrArray *changes;
	const Criterion *was, *is;
} Diff;

static void change_free(gpointer data)
{
	CriterionChange *c = data;
	g_free(c->id);
	g_free(c->en);
	g_free(c->ja);
	g_free(c);
}

/* Takes en and ja. */
static void add(GPtrArray *changes, ChangeKind kind, const char *id, char *en, char *ja)
{
	CriterionChange *c = g_new0(CriterionChange, 1);
	*c = (CriterionChange){kind, g_strdup(id), en, ja};
	g_ptr_array_add(changes, c);
}

static void from_to(const Diff *d, ChangeKind kind, const char *en, const char *ja, const char *was,
		    const char *is)
{
	if (!g_strcmp0(was, is))
		return;
	add(d->changes, kind, d->is->full_id,
	    g_strdup_printf("%s: %s -> %s", en, was ? was : "-", is ? is : "-"),
	    g_strdup_printf("%s: %s -> %s", ja, was ? was : "-", is ? is : "-"));
}

/* ---- numbers ---- */

static char *quantity_text(const Quantity *q)
{
	return q ? g_strdup_printf("%.12g %s", q->value, q->unit.symbol) : NULL;
}

static bool same_quantity(const Quantity *a, const Quantity *b)
{
	if (!a || !b || !unit_compatible(&a->unit, &b->unit))
		return a == b;
	double x = unit_convert(b->value, &b->unit, &a->unit);
	return fabs(x - a->value) <= 1e-12 * fmax(fabs(x), fabs(a->value));
}

/* A limit has a strict side; of other numbers nobody can say in general. */
static ChangeKind direction(const Diff *d, const char *name, const Quantity *was,
			    const Quantity *is)
{
	bool limit = !strcmp(name, "limit") ||
		     (d->is->limit && d->is->limit[0] == '$' && !strcmp(d->is->limit + 1, name));
	if (!limit || !was || !is || !unit_compatible(&was->unit, &is->unit))
		return CHANGE_RULE;
	bool down = unit_convert(is->value, &is->unit, &was->unit) < was->value;
	return down == (d->is->good == GOOD_BELOW) ? CHANGE_TIGHTENED : CHANGE_LOOSENED;
}

static void diff_number(const Diff *d, const char *where, const char *name, const Quantity *was,
			const Quantity *is)
{
	if (same_quantity(was, is))
		return;
	g_autofree char *a = quantity_text(was), *b = quantity_text(is);
	g_autofree char *label = g_strdup_printf("%s%s%s", where, *where ? " " : "", name);
	from_to(d, direction(d, name, was, is), label, label, a, b);
}

static void diff_numbers(const Diff *d, const char *where, GHashTable *was, GHashTable *is)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTable *const both[] = {was, is};
	for (int i = 0; i < 2; i++) {
		GHashTableIter iter;
		gpointer name;
		g_hash_table_iter_init(&iter, both[i]);
		while (g_hash_table_iter_next(&iter, &name, NULL))
			g_hash_table_add(names, name);
	}
	g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_keys(names), (GCompareFunc)strcmp);
	for (GList *l = sorted; l; l = l->next)
		diff_number(d, where, l->data, g_hash_table_lookup(was, l->data),
			    g_hash_table_lookup(is, l->data));
}

static void diff_levels(const Diff *d)
{
	for (guint i = 0; i < MIN(d->was->levels->len, d->is->levels->len); i++) {
		const CriterionLevel *a = g_ptr_array_index(d->was->levels, i),
				     *b = g_ptr_array_index(d->is->levels, i);
		diff_numbers(d, b->name, a->parameters, b->parameters);
	}
	if (d->was->levels->len != d->is->levels->len) {
		g_autofree char *a = g_strdup_printf("%u", d->was->levels->len),
				*b = g_strdup_printf("%u", d->is->levels->len);
		from_to(d, CHANGE_RULE, "number of levels", "水準の数", a, b);
	}
	if (d->was->required != d->is->required) {
		g_autofree char *a = g_strdup_printf("L%d", d->was->required + 1),
				*b = g_strdup_printf("L%d", d->is->required + 1);
		bool both = d->was->required >= 0 && d->is->required >= 0;
		from_to(d,
			!both                                ? CHANGE_RULE
			: d->is->required > d->was->required ? CHANGE_TIGHTENED
							     : CHANGE_LOOSENED,
			"required level", "要求水準", a, b);
	}
}

/* grows: more is stricter. */
static void diff_plain(const Diff *d, const char *en, const char *ja, double was, double is,
		       bool grows)
{
	if (was == is)
		return;
	g_autofree char *a = g_strdup_printf("%g", was), *b = g_strdup_printf("%g", is);
	from_to(d, (is > was) == grows ? CHANGE_TIGHTENED : CHANGE_LOOSENED, en, ja, a, b);
}

static void diff_decision(const Diff *d)
{
	const Criterion *a = d->was, *b = d->is;
	if (a->rule != b->rule)
		from_to(d, b->rule == RULE_GUARDED ? CHANGE_TIGHTENED : CHANGE_LOOSENED,
			"decision rule", "判定規則", rule_name(a->rule), rule_name(b->rule));
	diff_plain(d, "risk of false acceptance", "誤合格の危険", a->risk_accept, b->risk_accept,
		   false);
	diff_plain(d, "risk of false rejection", "誤不合格の危険", a->risk_reject, b->risk_reject,
		   true);
	diff_plain(d, "runs of the claim", "主張の試験回数", a->claim_n, b->claim_n, true);
	diff_plain(d, "permitted failures", "許容失敗数", a->claim_permitted, b->claim_permitted,
		   false);
	diff_plain(d, "rate to be shown", "示すべき割合", a->claim_rate, b->claim_rate, true);
	diff_plain(d, "true rate that a sequential plan expects", "逐次計画が見込む真の割合",
		   a->claim_good, b->claim_good, true);
	diff_plain(d, "gap between groups", "群の間の差", a->claim_gap, b->claim_gap, false);
	from_to(d, CHANGE_RULE, "groups of", "群分け", a->claim_over, b->claim_over);
	diff_plain(d, "confidence", "信頼度", a->claim_confidence, b->claim_confidence, true);
	diff_plain(d, "INVALID runs that may be repeated", "再試験できる試験無効の割合",
		   a->claim_max_invalid, b->claim_max_invalid, false);
}

/* ---- formulas ---- */

/* As the parser reads it: blanks, brackets and spellings of operators are wording. */
static char *canonical(const char *text)
{
	g_autoptr(StlFormula) f = text ? stl_parse(text, NULL, NULL) : NULL;
	return f ? stl_formula_print(f, false) : g_strdup(text);
}

static void diff_formula(const Diff *d, const char *en, const char *ja, const char *was,
			 const char *is)
{
	g_autofree char *a = canonical(was), *b = canonical(is);
	from_to(d, CHANGE_RULE, en, ja, a, b);
}

static char *joined(const GPtrArray *texts)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(out, "%s%s", i ? ", " : "",
				       (const char *)g_ptr_array_index(texts, i));
	return g_string_free(out, FALSE);
}

static void diff_references(const Diff *d)
{
	g_autofree char *was = joined(d->was->perspectives), *is = joined(d->is->perspectives);
	g_autofree char *old_rows = joined(d->was->crosswalk), *rows = joined(d->is->crosswalk);
	from_to(d, CHANGE_RULE, "perspectives", "評価観点", was, is);
	from_to(d, CHANGE_RULE, "bears on", "関連する規格等", old_rows, rows);
}

static void diff_standing(const Diff *d)
{
	const Criterion *a = d->was, *b = d->is;
	if (!a->needs != !b->needs)
		add(d->changes, b->needs ? CHANGE_TIGHTENED : CHANGE_LOOSENED, b->full_id,
		    g_strdup(b->needs ? "decides no longer: waits for the lab"
				      : "decides now: waited for the lab before"),
		    g_strdup(b->needs ? "試験所の決定を待つため判定しなくなった"
				      : "判定するようになった"));
	else
		from_to(d, CHANGE_RULE, "what the lab supplies", "試験所が用意するもの", a->needs,
			b->needs);
	from_to(d, b->evidence ? CHANGE_TIGHTENED : CHANGE_LOOSENED, "evidence required",
		"必要な証拠", a->evidence, b->evidence);
	from_to(d, b->partner ? CHANGE_TIGHTENED : CHANGE_LOOSENED, "judged with", "併せて判定",
		a->partner, b->partner);
	from_to(d, CHANGE_RULE, "numbers from", "数値の根拠", a->source.basis, b->source.basis);
	from_to(d, CHANGE_RULE, "population", "対象集団", a->source.population,
		b->source.population);
	from_to(d, CHANGE_RULE, "hazard", "ハザード", a->hazard, b->hazard);
}

static void diff_criterion(GPtrArray *changes, const Criterion *was, const Criterion *is)
{
	const Diff d = {changes, was, is};
	diff_formula(&d, "formula", "論理式", was->formula, is->formula);
	diff_formula(&d, "measure", "測定量", was->measure, is->measure);
	diff_formula(&d, "premise", "前提", was->premise, is->premise);
	from_to(&d, CHANGE_RULE, "limit", "限度", was->limit, is->limit);
	if (was->measure && is->measure && was->good != is->good)
		from_to(&d, CHANGE_RULE, "good side", "良い側",
			was->good == GOOD_BELOW ? "below" : "above",
			is->good == GOOD_BELOW ? "below" : "above");
	diff_numbers(&d, "", was->parameters, is->parameters);
	diff_levels(&d);
	diff_decision(&d);
	diff_standing(&d);
	diff_references(&d);
}

/* ---- packs ---- */

static const Pack *same_id(Pack *const *packs, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(packs[i]->id, id))
			return packs[i];
	return NULL;
}

static void only_in(GPtrArray *changes, Pack *const *here, size_t n_here, Pack *const *there,
		    size_t n_there, ChangeKind kind)
{
	for (size_t p = 0; p < n_here; p++)
		for (guint i = 0; i < here[p]->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(here[p]->criteria, i);
			if (!criterion_find(there, n_there, c->full_id))
				add(changes, kind, c->full_id, g_strdup(c->title_en),
				    g_strdup(c->title_ja));
		}
}

static bool touches(const GPtrArray *changes, const Pack *pack)
{
	g_autofree char *prefix = g_strdup_printf("%s/", pack->id);
	for (guint i = 0; i < changes->len; i++) {
		const CriterionChange *c = g_ptr_array_index(changes, i);
		if (g_str_has_prefix(c->id, prefix))
			return true;
	}
	return false;
}

GPtrArray *criterion_diff(Pack *const *old_packs, size_t n_old, Pack *const *new_packs,
			  size_t n_new)
{
	GPtrArray *changes = g_ptr_array_new_with_free_func(change_free);
	for (size_t p = 0; p < n_new; p++)
		for (guint i = 0; i < new_packs[p]->criteria->len; i++) {
			const Criterion *is = g_ptr_array_index(new_packs[p]->criteria, i);
			const Criterion *was = criterion_find(old_packs, n_old, is->full_id);
			if (was)
				diff_criterion(changes, was, is);
		}
	only_in(changes, new_packs, n_new, old_packs, n_old, CHANGE_ADDED);
	only_in(changes, old_packs, n_old, new_packs, n_new, CHANGE_WITHDRAWN);
	guint found = changes->len;
	for (size_t p = 0; p < n_new && found > 0; p++) {
		const Pack *was = same_id(old_packs, n_old, new_packs[p]->id);
		if (was && !strcmp(was->version, new_packs[p]->version) &&
		    touches(changes, new_packs[p]))
			add(changes, CHANGE_VERSION, new_packs[p]->id,
			    g_strdup_printf("the meaning changed, the version is still %s",
					    was->version),
			    g_strdup_printf("内容が変わったが版は %s のまま", was->version));
	}
	return changes;
}
