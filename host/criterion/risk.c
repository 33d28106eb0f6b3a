/* risk-table/1: questions, classes and the steps between them. */
#include "pack.h"

static const Shape text = {.type = SHAPE_TEXT};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape facts_shape = {.type = SHAPE_MAP, .item = &title, .pattern = "[a-z][a-z0-9-]*"};
static const char *const class_words[] = {"prohibited", "high", "limited", "minimal", NULL};
static const Shape class_word = {.type = SHAPE_WORD, .words = class_words};
static const Shape names = {.type = SHAPE_LIST, .item = &text, .lo = 1, .hi = 32};

static const ShapeField class_fields[] = {
	{"title", &title, true, "What the class is, for people"},
	{"duties", &names, true, "Rows of a crosswalk"},
	{0},
};
static const Shape class_shape = {.type = SHAPE_RECORD, .fields = class_fields};
static const ShapeField classes_fields[] = {
	{"prohibited", &class_shape, true, "Gravest"},
	{"high", &class_shape, true, ""},
	{"limited", &class_shape, true, ""},
	{"minimal", &class_shape, true, "Least"},
	{0},
};
static const Shape classes_shape = {.type = SHAPE_RECORD, .fields = classes_fields};

static const ShapeField step_fields[] = {
	{"class", &class_word, true, "Class of what meets this step"},
	{"row", &text, true, "Row of a crosswalk that says so"},
	{"all", &names, false, "Facts that must all be yes"},
	{"none", &names, false, "Facts that must all be no"},
	{0},
};
static const Shape step_shape = {.type = SHAPE_RECORD, .fields = step_fields};
static const Shape steps_shape = {.type = SHAPE_LIST, .item = &step_shape, .lo = 1, .hi = 256};

static const ShapeField fields[] = {
	{"anzen", &text, true, "risk-table/1"},
	{"id", &text, true, "Name of the table"},
	{"title", &title, true, "For people"},
	{"source", &text, true, "Whose reading it is, and how sure"},
	{"facts", &facts_shape, true, "Questions, by the name of the fact"},
	{"classes", &classes_shape, true, "The four classes and their duties"},
	{"steps", &steps_shape, true, "Asked in order; the last one asks nothing"},
	{0},
};
static const Shape shape = {.type = SHAPE_RECORD, .fields = fields};

const Shape *risk_table_shape(void)
{
	return &shape;
}

static void question_free(gpointer data)
{
	RiskQuestion *q = data;
	g_free(q->fact);
	g_free(q->en);
	g_free(q->ja);
	g_free(q);
}

static void class_free(gpointer data)
{
	RiskClass *c = data;
	g_free(c->name);
	g_free(c->en);
	g_free(c->ja);
	g_ptr_array_unref(c->duties);
	g_free(c);
}

static void step_free(gpointer data)
{
	RiskStep *s = data;
	g_free(s->class_name);
	g_free(s->row);
	g_ptr_array_unref(s->all);
	g_ptr_array_unref(s->none);
	g_free(s);
}

void risk_table_free(RiskTable *t)
{
	if (!t)
		return;
	char *texts[] = {t->path, t->id, t->title_en, t->title_ja, t->source};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_ptr_array_unref(t->questions);
	g_ptr_array_unref(t->classes);
	g_ptr_array_unref(t->steps);
	g_free(t);
}

const RiskClass *risk_class(const RiskTable *table, const char *name)
{
	for (guint i = 0; i < table->classes->len; i++) {
		const RiskClass *c = g_ptr_array_index(table->classes, i);
		if (!strcmp(c->name, name))
			return c;
	}
	return NULL;
}

/* ---- reading ---- */

static char *copy(const YamlNode *node, const char *key)
{
	return g_strdup(yaml_get_text(node, key));
}

static void read_classes(const YamlNode *map, RiskTable *t)
{
	for (int i = 0; class_words[i]; i++) {
		const YamlNode *node = yaml_get(map, class_words[i]),
			       *duties = yaml_get(node, "duties");
		RiskClass *c = g_new0(RiskClass, 1);
		c->name = g_strdup(class_words[i]);
		c->en = copy(yaml_get(node, "title"), "en");
		c->ja = copy(yaml_get(node, "title"), "ja");
		c->duties = g_ptr_array_new_with_free_func(g_free);
		for (size_t k = 0; k < yaml_size(duties); k++)
			g_ptr_array_add(c->duties, g_strdup(yaml_text(yaml_item(duties, k))));
		g_ptr_array_add(t->classes, c);
	}
}

static void read_names(const YamlDoc *doc, const YamlNode *list, RiskTable *t, GPtrArray *into,
		       Diagnostics *diag)
{
	for (size_t i = 0; i < yaml_size(list); i++) {
		const char *name = yaml_text(yaml_item(list, i));
		RiskQuestion *found = NULL;
		for (guint k = 0; k < t->questions->len && !found; k++) {
			RiskQuestion *q = g_ptr_array_index(t->questions, k);
			found = !strcmp(q->fact, name) ? q : NULL;
		}
		if (!found) {
			yaml_error(doc, yaml_item(list, i), diag, "`facts` has no %s", name);
			continue;
		}
		found->used = true;
		g_ptr_array_add(into, found);
	}
}

static void read_steps(const YamlDoc *doc, const YamlNode *list, RiskTable *t, Diagnostics *diag)
{
	for (size_t i = 0; i < yaml_size(list); i++) {
		const YamlNode *node = yaml_item(list, i);
		RiskStep *s = g_new0(RiskStep, 1);
		s->class_name = copy(node, "class");
		s->row = copy(node, "row");
		s->all = g_ptr_array_new();
		s->none = g_ptr_array_new();
		s->line = yaml_line(node);
		s->column = yaml_column(node);
		read_names(doc, yaml_get(node, "all"), t, s->all, diag);
		read_names(doc, yaml_get(node, "none"), t, s->none, diag);
		bool asks = s->all->len + s->none->len > 0, last = i + 1 == yaml_size(list);
		if (asks == last)
			yaml_error(doc, node, diag,
				   last ? "the last step asks nothing, so that every product has a "
					  "class"
					: "only the last step may ask nothing");
		g_ptr_array_add(t->steps, s);
	}
}

static RiskTable *read_table(const YamlDoc *doc, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(doc), *map = yaml_get(root, "facts");
	size_t before = diagnostics_errors(diag);
	if (!yaml_expect_kind(doc, "risk-table/1", diag) || !shape_check(&shape, doc, root, diag))
		return NULL;
	g_autoptr(RiskTable) t = g_new0(RiskTable, 1);
	t->questions = g_ptr_array_new_with_free_func(question_free);
	t->classes = g_ptr_array_new_with_free_func(class_free);
	t->steps = g_ptr_array_new_with_free_func(step_free);
	t->path = g_strdup(yaml_file(doc));
	t->id = copy(root, "id");
	t->source = copy(root, "source");
	t->title_en = copy(yaml_get(root, "title"), "en");
	t->title_ja = copy(yaml_get(root, "title"), "ja");
	for (size_t i = 0; i < yaml_size(map); i++) {
		RiskQuestion *q = g_new0(RiskQuestion, 1);
		q->fact = g_strdup(yaml_text(yaml_key_at(map, i)));
		q->en = copy(yaml_value_at(map, i), "en");
		q->ja = copy(yaml_value_at(map, i), "ja");
		g_ptr_array_add(t->questions, q);
	}
	read_classes(yaml_get(root, "classes"), t);
	read_steps(doc, yaml_get(root, "steps"), t, diag);
	for (guint i = 0; i < t->questions->len; i++) {
		const RiskQuestion *q = g_ptr_array_index(t->questions, i);
		if (!q->used)
			yaml_error(doc, yaml_get(map, q->fact), diag, "no step asks %s", q->fact);
	}
	return diagnostics_errors(diag) == before ? g_steal_pointer(&t) : NULL;
}

RiskTable *risk_table_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_table(doc, diag) : NULL;
}

RiskTable *risk_table_load_text(const char *said, gssize length, const char *name,
				Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(said, length, name, diag);
	return doc ? read_table(doc, diag) : NULL;
}

/* ---- walking ---- */

/* An answer that settles the step is enough, whatever else is open; nothing open is taken for an answer. */
static bool ask(const GPtrArray *questions, GHashTable *facts, int wanted,
		const RiskQuestion **ret_against, const RiskQuestion **ret_open)
{
	for (guint i = 0; i < questions->len; i++) {
		const RiskQuestion *q = g_ptr_array_index(questions, i);
		int said = GPOINTER_TO_INT(g_hash_table_lookup(facts, q->fact));
		if (said == 0 && !*ret_open)
			*ret_open = q;
		if (said != 0 && said != wanted) {
			*ret_against = q;
			return false;
		}
	}
	return true;
}

StepState risk_step(const RiskStep *step, GHashTable *facts, const RiskQuestion **ret_fact)
{
	const RiskQuestion *against = NULL, *open = NULL;
	if (!ask(step->all, facts, 1, &against, &open) ||
	    !ask(step->none, facts, 2, &against, &open)) {
		*ret_fact = against;
		return STEP_NOT_MET;
	}
	const GPtrArray *last = step->none->len > 0 ? step->none : step->all;
	*ret_fact = open ? open : last->len > 0 ? g_ptr_array_index(last, last->len - 1) : NULL;
	return open ? STEP_UNDECIDED : STEP_MET;
}
