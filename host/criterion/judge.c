/* From a recording to a run record: the run-verdict rules in the order in which they apply. */
#include "judge.h"

typedef struct Decision {
	Verdict verdict;
	Text why;
} Decision;

static void product_fault_clear(gpointer data)
{
	ProductFault *fault = data;
	text_clear(&fault->what);
}

static GHashTable *table_of(GDestroyNotify release)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, release);
}

static void make_tables(Judge *judge)
{
	judge->views = table_of((GDestroyNotify)view_free);
	judge->truths = table_of((GDestroyNotify)series_unref);
	judge->series = table_of((GDestroyNotify)series_unref);
	judge->derived = table_of((GDestroyNotify)signal_free);
}

void judge_init(Judge *judge, const Recording *recording, const JudgeSpec *spec)
{
	*judge = (Judge){.recording = recording, .spec = spec, .scripted_until = CLOCK_NEVER};
	judge->troubles = g_ptr_array_new_with_free_func((GDestroyNotify)trouble_free);
	judge->product = g_array_new(FALSE, FALSE, sizeof(ProductFault));
	g_array_set_clear_func(judge->product, product_fault_clear);
	make_tables(judge);
	judge_derive_claims(judge);
	judge_find_troubles(judge);
	judge_check_stimulus(judge);
	judge_open_loop(judge);
	judge_check_life(judge);
}

void judge_fork(Judge *judge, Judge *base, const Recording *recording)
{
	*judge = (Judge){.recording = recording,
			 .spec = base->spec,
			 .troubles = g_ptr_array_ref(base->troubles),
			 .product = g_array_ref(base->product),
			 .life = {base->life.verdict, text_copy(&base->life.why)},
			 .verdicts_only = true,
			 .base = base};
	make_tables(judge);
	judge_derive_claims(judge);
}

void judge_clear(Judge *judge)
{
	g_clear_pointer(&judge->troubles, g_ptr_array_unref);
	g_clear_pointer(&judge->product, g_array_unref);
	g_clear_pointer(&judge->views, g_hash_table_unref);
	g_clear_pointer(&judge->truths, g_hash_table_unref);
	g_clear_pointer(&judge->series, g_hash_table_unref);
	g_clear_pointer(&judge->underivable, g_free);
	g_clear_pointer(&judge->derived, g_hash_table_unref);
	text_clear(&judge->life.why);
}

static Decision say(Verdict verdict, char *en, char *ja)
{
	return (Decision){verdict, {en, ja}};
}

static Decision invalid_by(const Judge *judge, const Trouble *trouble)
{
	return (Decision){VERDICT_INVALID, why_trouble(judge, trouble)};
}

/* ---- what forbids judging at all ---- */

/* In a replay only truth, exogenous signals and the new product's responses may decide. */
static bool open_loop_ok(const Judge *judge, const char *name)
{
	const TruthSpec *truth = judge_truth(judge, name);
	if (truth) {
		g_autoptr(GPtrArray) below =
			judge_names(judge, (const char *const[]){truth->onset, truth->end}, 2);
		for (guint i = 0; i < below->len; i++) {
			const Signal *s = judge_signal(judge, g_ptr_array_index(below, i));
			if (!s || s->info.affected_by_product || signal_is_outcome(&s->info))
				return false;
		}
		return true;
	}
	const Signal *s = judge_signal(judge, name);
	if (!s)
		return true; /* said elsewhere */
	if (s->info.origin == ORIGIN_RESPONSE || s->info.origin == ORIGIN_CLAIM ||
	    s->info.origin == ORIGIN_LABEL)
		return true;
	return s->info.exogenous && !s->info.affected_by_product;
}

static bool refused_name(const Judge *judge, const char *name, Decision *ret)
{
	const Signal *s = judge_signal(judge, name);
	if (s && s->info.origin == ORIGIN_COMMAND && !judge_truth(judge, name)) {
		*ret = say(VERDICT_INVALID,
			   g_strdup_printf("%s is a command, not a measurement", name),
			   g_strdup_printf("%s は指令値であり測定値ではありません", name));
		return true;
	}
	if (judge->recording->evidence == EVIDENCE_REPLAY && !open_loop_ok(judge, name)) {
		*ret = say(
			VERDICT_INVALID,
			g_strdup_printf(
				"needs a closed loop: in a replay %s does not follow the product",
				name),
			g_strdup_printf("閉ループ試験が必要です: 再生では %s が製品に追従しません",
					name));
		return true;
	}
	return false;
}

static bool refused_by_names(const Judge *judge, const Criterion *c, Decision *ret)
{
	const char *const texts[] = {c->formula, c->measure, c->premise};
	for (size_t t = 0; t < G_N_ELEMENTS(texts); t++) {
		g_autoptr(StlFormula) f = texts[t] ? stl_parse(texts[t], NULL, NULL) : NULL;
		for (size_t i = 0; f && i < stl_formula_n_signals(f); i++) {
			const char *name = stl_formula_signal(f, i);
			const TruthSpec *truth = judge_truth(judge, name);
			if (refused_name(judge, name, ret))
				return true;
			if (!truth)
				continue;
			g_autoptr(GPtrArray) below = judge_names(
				judge, (const char *const[]){truth->onset, truth->end}, 2);
			for (guint j = 0; j < below->len; j++) {
				const Signal *s = judge_signal(judge, g_ptr_array_index(below, j));
				if (s && s->info.origin == ORIGIN_COMMAND)
					return refused_name(judge, g_ptr_array_index(below, j),
							    ret);
			}
		}
	}
	return false;
}

static Decision no_timeline(const Recording *rec)
{
	const Fault *first = rec->faults->len ? g_ptr_array_index(rec->faults, 0) : NULL;
	if (first)
		return say(VERDICT_INVALID,
			   g_strdup_printf("%s; the recording holds no timeline", first->cause),
			   g_strdup_printf("%s。記録に試験の時間軸がありません", first->cause));
	return say(VERDICT_INVALID, g_strdup("the recording holds no timeline"),
		   g_strdup("記録に試験の時間軸がありません"));
}

static bool refused(const Judge *judge, const Criterion *c, Decision *ret)
{
	const Recording *rec = judge->recording;
	const char *unverified = g_hash_table_lookup(rec->meta, "unverified");
	if (unverified) {
		*ret = say(VERDICT_INVALID,
			   g_strdup_printf("the recording does not verify: %s", unverified),
			   g_strdup_printf("記録の検証に失敗しました: %s", unverified));
		return true;
	}
	if (rec->end_ns <= rec->start_ns) {
		*ret = no_timeline(rec);
		return true;
	}
	if (c->needs) {
		*ret = say(VERDICT_INVALID,
			   g_strdup_printf("the lab must first supply: %s", c->needs),
			   g_strdup_printf("試験所が用意すべきものがあります: %s", c->needs_ja));
		return true;
	}
	if (c->evidence && strcmp(c->evidence, evidence_name(rec->evidence))) {
		*ret = say(VERDICT_INVALID,
			   g_strdup_printf("needs %s evidence; this run is %s", c->evidence,
					   evidence_name(rec->evidence)),
			   g_strdup_printf("%s の証拠が必要ですが、この試験は %s です", c->evidence,
					   evidence_name(rec->evidence)));
		return true;
	}
	return refused_by_names(judge, c, ret);
}

/* ---- from an outcome to a verdict ---- */

typedef struct Scene {
	Judge *judge;
	const Criterion *c;
	const Outcome *o;
	const Trouble *trouble; /* the first one of what the criterion names, or NULL */
	const Trouble *broken;  /* … in which something was wrong, not only withheld */
	bool needs_product;
} Scene;

static Scene scene_new(Judge *judge, const Criterion *c, const Outcome *o)
{
	Scene s = {judge, c, o, NULL, NULL, o->prohibition};
	g_autoptr(GPtrArray) names =
		judge_names(judge, (const char *const[]){c->formula, c->measure, c->premise}, 3);
	s.trouble = judge_first_trouble(judge, names);
	s.broken = judge_first_broken(judge, names);
	/* Only a product that is shown alive keeps a prohibition, also one that names nothing of the product's. */
	if (o->prohibition && !s.broken)
		s.broken = judge_first_doubt(judge);
	for (guint i = 0; i < names->len && !s.needs_product; i++) {
		const Signal *signal = judge_signal(judge, g_ptr_array_index(names, i));
		s.needs_product = signal && signal_is_outcome(&signal->info);
	}
	return s;
}

/* The product's own failure up to `until_ns`; NULL when it had none, or when the bench failed too (then nobody can
 * say what came of what). */
static const ProductFault *product_failed(const Scene *s, int64_t until_ns)
{
	if (!s->needs_product || s->broken || s->judge->product->len == 0)
		return NULL;
	const ProductFault *first = &g_array_index(s->judge->product, ProductFault, 0);
	return first->t_ns <= until_ns ? first : NULL;
}

static Decision product_fails(const ProductFault *fault)
{
	return say(VERDICT_FAIL, g_strdup_printf("the product failed: %s", fault->what.en),
		   g_strdup_printf("製品の故障: %s", fault->what.ja));
}

static Decision incomplete(const Judge *judge)
{
	const char *why = judge->recording->incomplete_why;
	return say(VERDICT_INVALID,
		   g_strdup_printf("the recording is incomplete: %s", why ? why : "not sealed"),
		   g_strdup_printf("記録が完結していません: %s", why ? why : "封印されていません"));
}

static Decision vacuous(const Scene *s)
{
	const char *premise = s->o->premise ? s->o->premise : s->c->formula;
	if (s->o->promised)
		return say(
			VERDICT_INVALID,
			g_strdup_printf("the scenario promised what never came about: %s", premise),
			g_strdup_printf("台本が約束した事象が起きませんでした: %s", premise));
	return say(VERDICT_INCONCLUSIVE,
		   g_strdup_printf("not exercised: %s never came about", premise),
		   g_strdup_printf("未実施: %s が一度も起きませんでした", premise));
}

/* A violation that every completion of what is missing shares. */
static Decision violated(const Scene *s)
{
	Decision d = {VERDICT_FAIL, why_outcome(s->judge, s->c, s->o, VERDICT_FAIL)};
	const ProductFault *fault =
		s->o->unanswered ? product_failed(s, s->judge->recording->end_ns) : NULL;
	if (fault) {
		char *en = g_strdup_printf("%s; %s", d.why.en, fault->what.en);
		char *ja = g_strdup_printf("%s。%s", d.why.ja, fault->what.ja);
		text_clear(&d.why);
		d.why = (Text){en, ja};
	}
	return d;
}

static Decision undecided(const Scene *s)
{
	const Judge *judge = s->judge;
	const ProductFault *fault = product_failed(s, judge->recording->end_ns);
	if (s->trouble)
		return invalid_by(judge, s->trouble);
	if (fault)
		return product_fails(fault);
	if (!judge->recording->complete)
		return incomplete(judge);
	/* Every hole has its trouble; one that has none would be evidence that is not there all the same. */
	if (s->o->missing)
		return say(VERDICT_INVALID,
			   g_strdup_printf("cause unknown: %s was not recorded where the criterion "
					   "looks",
					   s->o->missing),
			   g_strdup_printf("原因不明: 判定に必要な %s の記録がありません",
					   s->o->missing));
	return (Decision){VERDICT_INCONCLUSIVE, why_open(judge, s->c, s->o)};
}

static Decision satisfied(const Scene *s)
{
	const Judge *judge = s->judge;
	int64_t until =
		s->o->prohibition || s->o->to_ns < 0 ? judge->recording->end_ns : s->o->to_ns;
	const ProductFault *fault = product_failed(s, until);
	if (!judge->recording->complete)
		return incomplete(judge);
	if (fault)
		return product_fails(fault);
	if (s->broken && s->needs_product && judge->product->len > 0 &&
	    g_array_index(judge->product, ProductFault, 0).t_ns <= until)
		return invalid_by(judge, s->broken);
	/* Behind a trouble of the bench the product's signs of life are in doubt as well. What was only withheld was
	 * needed for nothing: the formula holds whatever it was. */
	if (s->o->prohibition && s->broken)
		return invalid_by(judge, s->broken);
	if (s->o->prohibition && judge->life.verdict != VERDICT_PASS)
		return (Decision){judge->life.verdict, text_copy(&judge->life.why)};
	return (Decision){VERDICT_PASS, why_outcome(judge, s->c, s->o, VERDICT_PASS)};
}

static Decision decide(Judge *judge, const Criterion *c, const Outcome *o)
{
	if (o->error)
		return say(VERDICT_INVALID, g_strdup(o->error),
			   g_strdup_printf("判定できません: %s", o->error));
	const Scene s = scene_new(judge, c, o);
	if (o->truth == STL_FALSE && !o->vacuous)
		return violated(&s);
	if (o->vacuous)
		return s.trouble && s.trouble->all ? invalid_by(judge, s.trouble) : vacuous(&s);
	if (o->truth == STL_UNKNOWN || o->maybe_vacuous)
		return undecided(&s);
	return satisfied(&s);
}

/* ---- results ---- */

static void fill_numbers(CriterionResult *r, const Criterion *c, const Outcome *o)
{
	r->measured = o->measured;
	r->uncertainty = o->uncertainty;
	r->coverage = o->coverage;
	r->limit = o->limit;
	r->margin = o->margin;
	r->guard_accept = o->accept;
	r->guard_reject = o->reject;
	r->dof = o->dof;
	r->unit = o->unit;
	r->from_ns = o->from_ns;
	r->to_ns = o->to_ns;
	g_free(r->rule);
	r->rule = g_strdup(o->boolean ? "boolean" : rule_name(c->rule));
	g_free(r->formula);
	r->formula = g_strdup(o->formula ? o->formula : c->formula);
}

static void fill_words(CriterionResult *r, const Criterion *c)
{
	r->title_en = g_strdup(c->title_en);
	r->title_ja = g_strdup(c->title_ja);
	r->required_evidence = g_strdup(c->evidence);
	r->risk_accept = c->risk_accept;
	r->risk_reject = c->risk_reject;
	r->claim_n = c->claim_n;
	r->claim_permitted = c->claim_permitted;
	r->claim_rate = c->claim_rate;
	r->claim_confidence = c->claim_confidence;
	r->claim_max_invalid = c->claim_max_invalid;
	r->claim_good = c->claim_good;
	r->claim_over = g_strdup(c->claim_over);
	r->claim_gap = c->claim_gap;
	r->rule = g_strdup(rule_name(c->rule));
	r->formula = g_strdup(c->formula);
	for (guint i = 0; i < c->perspectives->len; i++)
		g_ptr_array_add(r->perspectives, g_strdup(g_ptr_array_index(c->perspectives, i)));
	for (guint i = 0; i < c->crosswalk->len; i++)
		g_ptr_array_add(r->crosswalk, g_strdup(g_ptr_array_index(c->crosswalk, i)));
	if (c->required >= 0)
		r->level = g_strdup(
			((CriterionLevel *)g_ptr_array_index(c->levels, c->required))->name);
}

/* Levels are tested L1 → L4 and the first one that does not pass ends it. -1: not even L1. */
static int level_reached(Judge *judge, const Criterion *c, GPtrArray *levels)
{
	int reached = -1;
	for (guint i = 0; i < c->levels->len; i++) {
		const CriterionLevel *level = g_ptr_array_index(c->levels, i);
		g_autoptr(Outcome) o = judge_outcome(judge, c, (int)i);
		Decision d = decide(judge, c, o);
		text_clear(&d.why);
		g_ptr_array_add(levels, level_result_new(level->name, d.verdict));
		if (d.verdict != VERDICT_PASS)
			break;
		reached = (int)i;
	}
	return reached;
}

static void note_level(Judge *judge, const Criterion *c, Decision *d, GPtrArray *levels)
{
	int reached = level_reached(judge, c, levels);
	if (c->levels->len < 2 || (d->verdict != VERDICT_PASS && d->verdict != VERDICT_FAIL))
		return;
	char *en = g_strdup_printf("%s (reaches L%d, L%d is required)", d->why.en, reached + 1,
				   c->required + 1);
	char *ja = g_strdup_printf("%s(達成水準 L%d、要求水準 L%d)", d->why.ja, reached + 1,
				   c->required + 1);
	text_clear(&d->why);
	d->why = (Text){en, ja};
	/* Fixed order: a level whose predecessor is not passed is not passed either. */
	if (d->verdict == VERDICT_PASS && reached < c->required)
		d->verdict = VERDICT_INCONCLUSIVE;
}

Verdict judge_verdict(Judge *judge, const Criterion *c, Outcome **ret_outcome)
{
	Decision d = {0};
	g_autoptr(Outcome) o = NULL;
	if (!refused(judge, c, &d)) {
		o = judge_outcome(judge, c, c->required);
		d = decide(judge, c, o);
	}
	text_clear(&d.why);
	if (ret_outcome)
		*ret_outcome = g_steal_pointer(&o);
	return d.verdict;
}

static CriterionResult *judge_one(Judge *judge, const Criterion *c)
{
	CriterionResult *r = criterion_result_new(c->full_id);
	Decision d = {0};
	fill_words(r, c);
	if (!refused(judge, c, &d)) {
		g_autoptr(Outcome) o = judge_outcome_proven(judge, c, c->required);
		d = decide(judge, c, o);
		note_level(judge, c, &d, r->levels);
		if (d.verdict ==
		    VERDICT_INVALID) /* what the bench cannot vouch for is no measured value */
			o->measured = o->uncertainty = o->margin = o->accept = o->reject =
				(double)NAN;
		fill_numbers(r, c, o);
		r->margin_trace = g_steal_pointer(&o->trace);
		r->witness = g_steal_pointer(&o->witness);
	}
	r->verdict = d.verdict;
	r->why = d.why.en;
	r->why_ja = d.why.ja;
	return r;
}

static GPtrArray *criteria_with_partners(Pack *const *packs, size_t n, const char *const *ids,
					 GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (size_t i = 0; ids[i]; i++) {
		const Criterion *c = criterion_find(packs, n, ids[i]);
		if (!c) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "no pack has the criterion %s", ids[i]);
			return NULL;
		}
		if (!g_ptr_array_find(all, c, NULL))
			g_ptr_array_add(all, (gpointer)(uintptr_t)c);
	}
	for (guint i = 0; i < all->len; i++) {
		const Criterion *c = g_ptr_array_index(all, i);
		const Criterion *partner = c->partner ? criterion_find(packs, n, c->partner) : NULL;
		if (c->partner && !partner) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "%s is judged with %s, which no pack has", c->full_id,
				    c->partner);
			return NULL;
		}
		if (partner && !g_ptr_array_find(all, partner, NULL))
			g_ptr_array_add(all, (gpointer)(uintptr_t)partner);
	}
	return g_steal_pointer(&all);
}

static void fill_record(RunRecord *record, const Recording *recording)
{
	GHashTableIter iter;
	gpointer key, value;
	const char *name;
	record->evidence = recording->evidence;
	for (guint i = 0; i < recording->faults->len; i++) {
		const Fault *fault = g_ptr_array_index(recording->faults, i);
		Fault *copy = g_new0(Fault, 1);
		*copy = *fault;
		copy->source = g_strdup(fault->source);
		copy->cause = g_strdup(fault->cause);
		copy->signal = g_strdup(fault->signal);
		g_ptr_array_add(record->faults, copy);
	}
	g_hash_table_iter_init(&iter, recording->meta);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(record->meta, g_strdup(key), g_strdup(value));
	struct {
		const char *key;
		char **into;
	} known[] = {{"scenario", &record->scenario},
		     {"scenario_title_en", &record->scenario_title_en},
		     {"scenario_title_ja", &record->scenario_title_ja},
		     {"product", &record->product},
		     {"rig", &record->rig},
		     {"tool_version", &record->tool_version},
		     {"run_id", &record->run_id},
		     {"started_utc", &record->started_utc}};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (!*known[i].into && (name = g_hash_table_lookup(recording->meta, known[i].key)))
			*known[i].into = g_strdup(name);
}

RunRecord *criterion_judge(const Recording *recording, Pack *const *packs, size_t n_packs,
			   const char *const *ids, const JudgeSpec *spec, GError **error)
{
	g_autoptr(GPtrArray) all = criteria_with_partners(packs, n_packs, ids, error);
	if (!all)
		return NULL;
	g_auto(Judge) judge = {0};
	g_autoptr(RunRecord) record = run_record_new();
	g_autoptr(GArray) verdicts = g_array_new(FALSE, FALSE, sizeof(Verdict));
	judge_init(&judge, recording, spec);
	for (guint i = 0; i < all->len; i++) {
		CriterionResult *r = judge_one(&judge, g_ptr_array_index(all, i));
		g_ptr_array_add(record->criteria, r);
		g_array_append_val(verdicts, r->verdict);
	}
	record->verdict =
		verdict_aggregate((const Verdict *)(const void *)verdicts->data, verdicts->len);
	fill_record(record, recording);
	return g_steal_pointer(&record);
}
