/* criteria/1: the file. */
#include "pack.h"

static const Shape text = {.type = SHAPE_TEXT};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape formula = {.type = SHAPE_FORMULA};
static const Shape boolean = {.type = SHAPE_BOOLEAN};
static const Shape quantity = {.type = SHAPE_QUANTITY};
static const char *const level_names[] = {"L1", "L2", "L3", "L4", NULL};
static const Shape level_name = {.type = SHAPE_WORD, .words = level_names};
static const Shape pack_id = {.type = SHAPE_TEXT,
			      .pattern = "[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)*",
			      .expected = "a pack id as in living/fall-watch"};
static const Shape version = {.type = SHAPE_TEXT,
			      .pattern = "[0-9]+\\.[0-9]+\\.[0-9]+",
			      .expected = "a version as in 1.0.0"};
static const Shape partner = {.type = SHAPE_TEXT,
			      .pattern = "[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)*",
			      .expected = "the id of a criterion, as in no-false-alarm"};
static const Shape perspective = {
	.type = SHAPE_TEXT,
	.pattern = "LIV-(body|mind|property|dignity|privacy|rights)|EVP-([1-9]|10)",
	.expected = "LIV-body, LIV-mind, LIV-property, LIV-dignity, LIV-privacy, "
		    "LIV-rights or EVP-1 to EVP-10"};
static const Shape perspectives = {.type = SHAPE_LIST, .item = &perspective, .lo = 1, .hi = 16};
static const Shape parameters = {.type = SHAPE_MAP, .item = &quantity};
static const Shape levels = {.type = SHAPE_MAP, .item = &parameters};
static const char *const rules[] = {"guarded", "simple", NULL};
static const Shape rule = {.type = SHAPE_WORD, .words = rules};
static const Shape risk = {.type = SHAPE_QUANTITY,
			   .unit = "1",
			   .lo = 1e-6,
			   .hi = 0.5,
			   .expected = "a risk such as 2.5 % (at most 50 %)"};
static const char *const sides[] = {"below", "above", NULL};
static const Shape side = {.type = SHAPE_WORD, .words = sides};
static const char *const classes[] = {"physical", NULL};
static const Shape evidence = {.type = SHAPE_WORD, .words = classes};
static const Shape count = {.type = SHAPE_INTEGER, .lo = 0, .hi = 1e6};
static const Shape fraction = {.type = SHAPE_QUANTITY, .unit = "1", .lo = 0, .hi = 1};
static const char *const bounds[] = {"lower", NULL};
static const Shape bound = {.type = SHAPE_WORD, .words = bounds};
static const Shape crosswalk_list = {.type = SHAPE_LIST, .item = &text, .lo = 1, .hi = 64};
static const Shape crosswalk = {.type = SHAPE_MAP, .item = &crosswalk_list};

static const ShapeField decision_fields[] = {
	{"rule", &rule, true, "guarded, or simple (binary at 0; not for hazards that can injure)"},
	{"max_false_accept", &risk, true, "Risk of a PASS for what does not conform, one-sided"},
	{"max_false_reject", &risk, true, "Risk of a FAIL for what conforms, one-sided"},
	{0},
};
static const Shape decision = {.type = SHAPE_RECORD, .fields = decision_fields};

static const ShapeField measure_fields[] = {
	{"value", &formula, true, "What is measured: delay(a, b), duration(p), or a term"},
	{"unit", &text, true, "Unit of the measured value"},
	{"limit", &text, true, "$limit, or a quantity"},
	{"good", &side, true, "On which side of the limit is good"},
	{0},
};
static const Shape measure = {.type = SHAPE_RECORD, .fields = measure_fields};

/* In one language for both, or in each. */
static const Shape *const words_either[] = {&title, &text, NULL};
static const Shape words = {.type = SHAPE_ONE_OF,
			    .either = words_either,
			    .expected = "a text, or {en: \"…\", ja: \"…\"}"};

static const ShapeField source_fields[] = {
	{"basis", &text, true, "\"lab decision\", or the standard whose number this is"},
	{"by", &text, false, "Who decided, for a lab decision"},
	{"note", &words, false, "What a reader must know about the number"},
	{"population", &text, false, "For whom the number holds"},
	{0},
};
static const Shape source = {.type = SHAPE_RECORD, .fields = source_fields};

static const ShapeField claim_fields[] = {
	{"n", &count, true, "Number of runs"},
	{"permitted_failures", &count, true, "How many of them may fail"},
	{"at_least", &fraction, true, "Rate to be shown"},
	{"confidence", &fraction, true, "Confidence of the one-sided bound"},
	{"side", &bound, true, "lower"},
	{"max_invalid", &fraction, false, "Share of INVALID runs that may be repeated"},
	{"sequential", &fraction, false,
	 "True rate of a good product: look after every run, n is then the most"},
	{"over", &text, false,
	 "Parameter of the scenario whose values are groups to be treated alike"},
	{"gap", &fraction, false, "With `over`: the groups' rates must differ by less"},
	{0},
};
static const Shape claim = {.type = SHAPE_RECORD, .fields = claim_fields};

static const ShapeField criterion_fields[] = {
	{"title", &title, true, "What is required, for people"},
	{"perspectives", &perspectives, true, "Evaluation perspectives (評価観点)"},
	{"hazard", &text, false, "Row of the hazard register"},
	{"injures", &boolean, false, "Can the hazard injure? (default: yes)"},
	{"formula", &formula, true, "STL over signals of the session"},
	{"measure", &measure, false,
	 "The measurand; without it the formula's margin or satisfaction"},
	{"with", &partner, false, "Criterion that is always judged together with this one"},
	{"premise", &formula, false, "What must come about so that the criterion is exercised"},
	{"parameters", &parameters, false, "Numbers that are the same at every level"},
	{"levels", &levels, false, "L1 (easiest) to L4 (評価水準)"},
	{"required", &level_name, false, "The level that decides the verdict"},
	{"source", &source, true, "Where the numbers come from"},
	{"decision", &decision, false, "In place of the pack's decision"},
	{"evidence", &evidence, false, "physical: virtual runs are INVALID"},
	{"needs", &words, false, "A licensed table or number that the lab must supply first"},
	{"stand_in", &parameters, false,
	 "Numbers for the trials alone, in place of what the lab supplies; never for a verdict"},
	{"claim", &claim, false, "What many runs are to show; default: the pack's"},
	{"trials", &trials_shape, false, "Signals that must PASS, FAIL and be INCONCLUSIVE"},
	{0},
};
static const Shape criterion_record = {.type = SHAPE_RECORD, .fields = criterion_fields};
static const Shape criteria = {.type = SHAPE_MAP, .item = &criterion_record};

static const ShapeField fields[] = {
	{"anzen", &text, true, "criteria/1"},
	{"id", &pack_id, true, "Id of the pack; a criterion's full id is ID/NAME"},
	{"version", &version, true, "Semantic version of the pack"},
	{"title", &title, false, "Name of the pack, for people"},
	{"decision", &decision, true, "Decision rule and risks"},
	{"criteria", &criteria, true, "The criteria"},
	{"crosswalk", &crosswalk, false, "Criterion → rows of standards and frameworks"},
	{"claim", &claim, false, "What many runs are to show, where a criterion says nothing else"},
	{"bench", &trial_bench_shape, false, "The made-up bench that all trials of the pack share"},
	{0},
};
static const Shape shape = {.type = SHAPE_RECORD, .fields = fields};

const Shape *criterion_shape(void)
{
	return &shape;
}

char *criterion_schema(void)
{
	return shape_json_schema(&shape, "criteria", "Criteria pack");
}

typedef struct Reader {
	const YamlDoc *doc;
	Diagnostics *diag;
	Pack *pack;
	const YamlNode *decision, *claim; /* the pack's */
} Reader;

static char *copy(const YamlNode *node, const char *key)
{
	return g_strdup(yaml_get_text(node, key));
}

static void read_parameters(const Reader *r, const YamlNode *map, GHashTable *into)
{
	for (size_t i = 0; i < yaml_size(map); i++) {
		g_autoptr(GError) error = NULL;
		Quantity *q = g_new0(Quantity, 1);
		const char *said = yaml_text(yaml_value_at(map, i));
		if (!said || !quantity_parse(said, q, &error))
			yaml_error(r->doc, yaml_value_at(map, i), r->diag, "%s",
				   error ? error->message : "expected a quantity");
		g_hash_table_insert(into, g_strdup(yaml_text(yaml_key_at(map, i))), q);
	}
}

static void read_levels(const Reader *r, const YamlNode *node, Criterion *c)
{
	const YamlNode *map = yaml_get(node, "levels");
	const char *required = yaml_get_text(node, "required");
	for (size_t i = 0; i < yaml_size(map); i++) {
		const YamlNode *key = yaml_key_at(map, i);
		const char wanted[] = {'L', (char)('1' + i), '\0'};
		if (i >= CRITERION_MAX_LEVELS || g_strcmp0(yaml_text(key), wanted)) {
			yaml_error(r->doc, key, r->diag, "levels are L1, L2, L3, L4 in this order");
			return;
		}
		CriterionLevel *level = criterion_level_new(wanted);
		read_parameters(r, yaml_value_at(map, i), level->parameters);
		g_ptr_array_add(c->levels, level);
		if (!g_strcmp0(required, wanted))
			c->required = (int)i;
	}
	if (c->levels->len > 0 && c->required < 0)
		yaml_error(r->doc, required ? yaml_get(node, "required") : node, r->diag,
			   "expected `required: L1` to `required: L%u`, the level that decides",
			   c->levels->len);
	if (c->levels->len == 0 && required)
		yaml_error(r->doc, yaml_get(node, "required"), r->diag,
			   "a required level needs `levels`");
}

static void read_measure(const Reader *r, const YamlNode *node, Criterion *c)
{
	g_autoptr(GError) error = NULL;
	if (!node)
		return;
	c->measure = copy(node, "value");
	c->limit = copy(node, "limit");
	c->good = !g_strcmp0(yaml_get_text(node, "good"), "above") ? GOOD_ABOVE : GOOD_BELOW;
	if (!unit_parse(yaml_get_text(node, "unit"), &c->unit, &error))
		yaml_error(r->doc, yaml_get(node, "unit"), r->diag, "%s", error->message);
}

static void read_decision(const Reader *r, const YamlNode *own, Criterion *c)
{
	const YamlNode *node = own ? own : r->decision;
	c->rule = !g_strcmp0(yaml_get_text(node, "rule"), "simple") ? RULE_SIMPLE : RULE_GUARDED;
	c->risk_accept = shape_quantity(yaml_get(node, "max_false_accept"), "1", 0);
	c->risk_reject = shape_quantity(yaml_get(node, "max_false_reject"), "1", 0);
}

static void read_claim(const YamlNode *node, Criterion *c)
{
	if (!node)
		return;
	c->claim_n = (int)shape_number(yaml_get(node, "n"), 0);
	c->claim_permitted = (int)shape_number(yaml_get(node, "permitted_failures"), 0);
	c->claim_rate = shape_quantity(yaml_get(node, "at_least"), "1", 0);
	c->claim_confidence = shape_quantity(yaml_get(node, "confidence"), "1", 0);
	c->claim_max_invalid = shape_quantity(yaml_get(node, "max_invalid"), "1", 0);
	c->claim_good = shape_quantity(yaml_get(node, "sequential"), "1", 0);
	c->claim_over = copy(node, "over");
	c->claim_gap = shape_quantity(yaml_get(node, "gap"), "1", 0);
}

/* A number that nobody but us vouches for decides nothing until a lab has made it its own. */
static void need_source(Criterion *c)
{
	const char *en = NULL, *ja = NULL;
	if (!g_ascii_strcasecmp(c->source.basis, "project choice")) {
		en = "a decision on its numbers, which are chosen by the project and to be "
		     "confirmed by field trial (adopt them: `basis: lab decision` with `by`)";
		ja = "数値についての決定(本事業が選んだ値で、実地試験で確認する。採用するには "
		     "`basis: lab "
		     "decision` と `by` を書く)";
	} else if (!g_ascii_strcasecmp(c->source.basis, "none")) {
		en = "a source for its numbers";
		ja = "数値の根拠";
	}
	c->needs = g_strdup(en);
	c->needs_ja = g_strdup(ja);
	c->adoptable = en != NULL;
}

static char *words_in(const YamlNode *node, const char *key, const char *lang)
{
	const YamlNode *said = yaml_get(node, key);
	bool each = said && yaml_kind(said) == YAML_MAPPING;
	return each ? copy(said, lang) : copy(node, key);
}

static void read_words(const YamlNode *list, GPtrArray *into)
{
	for (size_t i = 0; i < yaml_size(list); i++)
		g_ptr_array_add(into, g_strdup(yaml_text(yaml_item(list, i))));
}

static char *full_partner(const Pack *pack, const char *said)
{
	if (!said || strchr(said, '/'))
		return g_strdup(said);
	return g_strdup_printf("%s/%s", pack->id, said);
}

static Criterion *read_criterion(const Reader *r, const char *name, const YamlNode *node)
{
	Criterion *c = criterion_new();
	const YamlNode *where = yaml_get(node, "formula"), *from = yaml_get(node, "source");
	c->id = g_strdup(name);
	c->full_id = g_strdup_printf("%s/%s", r->pack->id, name);
	c->title_en = copy(yaml_get(node, "title"), "en");
	c->title_ja = copy(yaml_get(node, "title"), "ja");
	c->hazard = copy(node, "hazard");
	c->injures = shape_boolean(yaml_get(node, "injures"), true);
	c->formula = copy(node, "formula");
	c->premise = copy(node, "premise");
	c->partner = full_partner(r->pack, yaml_get_text(node, "with"));
	c->evidence = copy(node, "evidence");
	c->needs = words_in(node, "needs", "en");
	c->needs_ja = words_in(node, "needs", "ja");
	c->source = (CriterionSource){.basis = copy(from, "basis"),
				      .by = copy(from, "by"),
				      .note = words_in(from, "note", "en"),
				      .note_ja = words_in(from, "note", "ja"),
				      .population = copy(from, "population")};
	if (!c->needs)
		need_source(c);
	c->line = yaml_line(node);
	c->column = yaml_column(node);
	c->formula_line = yaml_line(where);
	c->formula_column = yaml_column(where);
	read_words(yaml_get(node, "perspectives"), c->perspectives);
	read_parameters(r, yaml_get(node, "parameters"), c->parameters);
	read_parameters(r, yaml_get(node, "stand_in"), c->stand_in);
	read_levels(r, node, c);
	read_measure(r, yaml_get(node, "measure"), c);
	read_decision(r, yaml_get(node, "decision"), c);
	read_claim(yaml_get(node, "claim") ? yaml_get(node, "claim") : r->claim, c);
	trials_read(r->doc, yaml_get(node, "trials"), r->pack->bench, c, r->diag);
	return c;
}

static void read_crosswalk(const Reader *r, const YamlNode *map)
{
	for (size_t i = 0; i < yaml_size(map); i++) {
		const YamlNode *key = yaml_key_at(map, i);
		g_autofree char *full = g_strdup_printf("%s/%s", r->pack->id, yaml_text(key));
		const Criterion *c = criterion_find(&(Pack *){r->pack}, 1, full);
		if (c)
			read_words(yaml_value_at(map, i), c->crosswalk);
		else
			yaml_error(r->doc, key, r->diag, "no criterion of this pack is called %s",
				   yaml_text(key));
	}
}

static bool name_ok(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!(g_ascii_islower(*p) || g_ascii_isdigit(*p) || *p == '-'))
			return false;
	return g_ascii_islower(name[0]);
}

static Pack *read_pack(const YamlDoc *doc, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(doc), *map = yaml_get(root, "criteria");
	size_t before = diagnostics_errors(diag);
	const char *kind = yaml_get_text(root, "anzen");
	if (g_strcmp0(kind, "criteria/1")) {
		yaml_error(doc, root, diag, "expected `anzen: criteria/1`, found %s",
			   kind ? kind : "no such key");
		return NULL;
	}
	if (!shape_check(&shape, doc, root, diag))
		return NULL;

	g_autoptr(Pack) pack = g_new0(Pack, 1);
	const Reader r = {doc, diag, pack, yaml_get(root, "decision"), yaml_get(root, "claim")};
	pack->criteria = g_ptr_array_new_with_free_func((GDestroyNotify)criterion_free);
	pack->path = g_strdup(yaml_file(doc));
	pack->id = copy(root, "id");
	pack->version = copy(root, "version");
	pack->title_en = copy(yaml_get(root, "title"), "en");
	pack->title_ja = copy(yaml_get(root, "title"), "ja");
	pack->bench = trial_bench_read(doc, yaml_get(root, "bench"), diag);
	for (size_t i = 0; i < yaml_size(map); i++) {
		const char *name = yaml_text(yaml_key_at(map, i));
		if (!name || !name_ok(name))
			yaml_error(doc, yaml_key_at(map, i), diag,
				   "expected a lower-case-dashed id");
		else
			g_ptr_array_add(pack->criteria,
					read_criterion(&r, name, yaml_value_at(map, i)));
	}
	read_crosswalk(&r, yaml_get(root, "crosswalk"));
	if (diagnostics_errors(diag) == before)
		criterion_pack_lint(pack, diag);
	return diagnostics_errors(diag) == before ? g_steal_pointer(&pack) : NULL;
}

Pack *criterion_pack_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_pack(doc, diag) : NULL;
}

Pack *criterion_pack_load_text(const char *said, gssize length, const char *name, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(said, length, name, diag);
	return doc ? read_pack(doc, diag) : NULL;
}
