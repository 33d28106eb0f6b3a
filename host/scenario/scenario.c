#include "read.h"
#include "shapes.h"

#include <string.h>

/* ---- words ------------------------------------------------------------------------------------------ */

const char *scenario_class_name(ScenarioClass class_)
{
	return scenario_class_words[class_];
}

const char *role_kind_name(RoleKind kind)
{
	switch (kind) {
	case ROLE_ACTUATOR:
		return "actuator";
	case ROLE_SENSOR:
		return "sensor";
	case ROLE_CAMERA:
		return "camera";
	case ROLE_ENVIRONMENT:
		return "environment";
	}
	g_assert_not_reached();
}

Place read_place(const YamlNode *node)
{
	return (Place){.line = yaml_line(node), .column = yaml_column(node)};
}

Title read_title(const YamlNode *node)
{
	return (Title){.en = g_strdup(yaml_get_text(node, "en")),
		       .ja = g_strdup(yaml_get_text(node, "ja"))};
}

void title_clear(Title *title)
{
	g_clear_pointer(&title->en, g_free);
	g_clear_pointer(&title->ja, g_free);
}

char **read_words(const YamlNode *sequence)
{
	char **words = g_new0(char *, yaml_size(sequence) + 1);
	for (size_t i = 0; i < yaml_size(sequence); i++)
		words[i] = g_strdup(yaml_text(yaml_item(sequence, i)));
	return words;
}

/* ---- identity --------------------------------------------------------------------------------------- */

static void read_identity(Reader *r, const YamlNode *root)
{
	Scenario *s = r->scenario;
	const char *class_ = yaml_get_text(root, "class");
	s->path = g_strdup(yaml_file(r->doc));
	const char *bytes = yaml_bytes(r->doc, &s->n_bytes);
	s->bytes = g_strndup(bytes, s->n_bytes);
	s->id = g_strdup(yaml_get_text(root, "id"));
	s->title = read_title(yaml_get(root, "title"));
	s->product_kind = g_strdup(yaml_get_text(root, "product"));
	s->hazard = g_strdup(yaml_get_text(root, "hazard"));
	s->twin = g_strdup(yaml_get_text(root, "twin"));
	for (int i = 0; scenario_class_words[i]; i++)
		if (!strcmp(scenario_class_words[i], class_))
			s->class_ = (ScenarioClass)i;
	if (s->class_ == SCENARIO_ATTACK && !s->twin)
		yaml_error(r->doc, yaml_get(root, "class"), r->diag,
			   "class attack needs `twin`: the matched benign scenario, so that "
			   "refusing everything is seen");
	if (!g_strcmp0(s->twin, s->id))
		yaml_error(r->doc, yaml_get(root, "twin"), r->diag,
			   "a scenario is not its own twin");
}

/* ---- truths, checks, rules, criteria ---------------------------------------------------------------- */

/* Names first: a formula may look at truths that stand below it. */
static void read_truth_names(Reader *r, const YamlNode *node)
{
	Scenario *s = r->scenario;
	s->n_truths = node ? yaml_size(node) : 0;
	s->truths = g_new0(TruthSpec, s->n_truths + 1);
	for (size_t i = 0; i < s->n_truths; i++)
		s->truths[i].name = g_strdup(yaml_text(yaml_key_at(node, i)));
}

static void read_truths(Reader *r, const YamlNode *node)
{
	Scenario *s = r->scenario;
	for (size_t i = 0; i < s->n_truths; i++) {
		const YamlNode *value = yaml_value_at(node, i);
		const YamlNode *onset = yaml_get(value, "onset"), *end = yaml_get(value, "end");
		s->truths[i].onset = g_strdup(yaml_text(onset));
		s->truths[i].end = g_strdup(end ? yaml_text(end) : NULL);
		check_formula(r, onset, "a truth", LOOKS_AT_SENSORS, s->end_ns, NULL);
		if (end)
			check_formula(r, end, "a truth", LOOKS_AT_SENSORS, s->end_ns, NULL);
	}
}

static void read_stimulus(Reader *r, const YamlNode *node)
{
	Scenario *s = r->scenario;
	size_t n = node ? yaml_size(node) : 0;
	s->stimulus = g_new0(char *, n + 1);
	s->stimulus_places = g_new0(Place, n + 1);
	for (size_t i = 0; i < n; i++) {
		const YamlNode *item = yaml_item(node, i);
		s->stimulus[i] = g_strdup(yaml_text(item));
		s->stimulus_places[i] = read_place(item);
		check_formula(r, item, "a stimulus check", LOOKS_AT_SENSORS | LOOKS_AT_TRUTH,
			      s->end_ns, NULL);
	}
}

static void read_stop_rules(Reader *r, const YamlNode *node)
{
	Scenario *s = r->scenario;
	s->n_stop_rules = node ? yaml_size(node) : 0;
	s->stop_rules = g_new0(StopRule, s->n_stop_rules + 1);
	for (size_t i = 0; i < s->n_stop_rules; i++) {
		const YamlNode *item = yaml_item(node, i), *formula = yaml_get(item, "formula");
		s->stop_rules[i].formula = g_strdup(yaml_text(formula));
		s->stop_rules[i].place = read_place(item);
		blame_parse(yaml_get_text(item, "blame"), &s->stop_rules[i].blame);
		check_formula(r, formula, "a stop rule", LOOKS_AT_SENSORS | LOOKS_AT_PRODUCT,
			      CLOCK_NEVER, NULL);
	}
}

static void read_criteria(Reader *r, const YamlNode *node)
{
	Scenario *s = r->scenario;
	size_t n = yaml_size(node);
	s->criteria = g_new0(char *, n + 1);
	s->criteria_places = g_new0(Place, n + 1);
	for (size_t i = 0; i < n; i++) {
		const YamlNode *item = yaml_item(node, i);
		if (g_strv_contains((const char *const *)s->criteria, yaml_text(item)))
			yaml_error(r->doc, item, r->diag, "criterion '%s' is listed twice",
				   yaml_text(item));
		s->criteria[i] = g_strdup(yaml_text(item));
		s->criteria_places[i] = read_place(item);
	}
}

/* ---- loading ---------------------------------------------------------------------------------------- */

static Scenario *read_scenario(const YamlDoc *doc, const char *const *sets, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	const YamlNode *root = yaml_root(doc);
	if (!yaml_expect_kind(doc, "scenario/1", diag) ||
	    !shape_check(scenario_shape(), doc, root, diag))
		return NULL;
	g_autoptr(Scenario) s = g_new0(Scenario, 1);
	g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
	Reader r = {.doc = doc, .diag = diag, .scenario = s, .used = used};
	read_identity(&r, root);
	read_parameters(&r, yaml_get(root, "parameters"), sets);
	read_needs(&r, yaml_get(root, "needs"));
	read_truth_names(&r, yaml_get(root, "truth"));
	s->setup = read_steps(&r, yaml_get(root, "setup"), &s->n_setup);
	read_timeline(&r, yaml_get(root, "timeline"));
	read_truths(&r, yaml_get(root, "truth"));
	read_stimulus(&r, yaml_get(root, "stimulus"));
	read_stop_rules(&r, yaml_get(root, "stop_when_broken"));
	read_criteria(&r, yaml_get(root, "criteria"));
	read_disturbances(&r, yaml_get(root, "perturb"), yaml_get(root, "deadline"));
	s->cleanup = read_steps(&r, yaml_get(root, "cleanup"), &s->n_cleanup);
	report_unused(&r, yaml_get(root, "parameters"));
	return diagnostics_errors(diag) == before ? g_steal_pointer(&s) : NULL;
}

Scenario *scenario_load(const char *path, const char *const *sets, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_scenario(doc, sets, diag) : NULL;
}

Scenario *scenario_load_text(const char *text, gssize length, const char *name,
			     const char *const *sets, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(text, length, name, diag);
	return doc ? read_scenario(doc, sets, diag) : NULL;
}

bool scenario_check(const YamlDoc *doc, Diagnostics *diag)
{
	g_autoptr(Scenario) scenario = read_scenario(doc, NULL, diag);
	return scenario != NULL;
}

static void parameter_clear(Parameter *p)
{
	g_free(p->name);
	g_strfreev(p->words);
	g_free(p->word);
}

static void free_checks(Scenario *s)
{
	for (size_t i = 0; i < s->n_truths; i++) {
		g_free(s->truths[i].name);
		g_free(s->truths[i].onset);
		g_free(s->truths[i].end);
	}
	for (size_t i = 0; i < s->n_stop_rules; i++)
		g_free(s->stop_rules[i].formula);
	g_free(s->truths);
	g_free(s->stop_rules);
	g_strfreev(s->stimulus);
	g_free(s->stimulus_places);
	g_strfreev(s->criteria);
	g_free(s->criteria_places);
}

static void free_steps(Step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		step_clear(&steps[i]);
	g_free(steps);
}

void scenario_free(Scenario *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_parameters; i++)
		parameter_clear(&s->parameters[i]);
	for (size_t i = 0; i < s->n_needs; i++)
		g_free(s->needs[i].role);
	for (size_t i = 0; i < s->n_timeline; i++)
		entry_clear(&s->timeline[i]);
	for (size_t i = 0; i < s->n_disturbances; i++) {
		g_free(s->disturbances[i].written);
		g_free(s->disturbances[i].role);
	}
	g_free(s->disturbances);
	free_steps(s->setup, s->n_setup);
	free_steps(s->cleanup, s->n_cleanup);
	free_checks(s);
	g_free(s->parameters);
	g_free(s->needs);
	g_free(s->timeline);
	title_clear(&s->title);
	g_free(s->path);
	g_free(s->id);
	g_free(s->product_kind);
	g_free(s->hazard);
	g_free(s->twin);
	g_free(s->bytes);
	g_free(s);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

const Parameter *scenario_parameter(const Scenario *scenario, const char *name)
{
	for (size_t i = 0; i < scenario->n_parameters; i++)
		if (!strcmp(scenario->parameters[i].name, name))
			return &scenario->parameters[i];
	return NULL;
}

gboolean scenario_role(const Scenario *scenario, const char *role, RoleKind *ret_kind)
{
	for (size_t i = 0; i < scenario->n_needs; i++)
		if (!strcmp(scenario->needs[i].role, role)) {
			*ret_kind = scenario->needs[i].kind;
			return TRUE;
		}
	return FALSE;
}
