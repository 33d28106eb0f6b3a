/* anzen classify: from what a product's maker declares to a risk class and its duties, step by step. */
#include "cli.h"
#include "packs.h"

#include <anzen/scenario.h>
#include <string.h>

int cmd_classify(int argc, char **argv, CliContext *cli);

typedef struct Classify {
	CliContext *cli;
	const RiskTable *table;
	const GPtrArray *crosswalks;
	const YamlDoc *doc;
	const YamlNode *declared; /* the product's `facts` */
	GHashTable *facts;
	JsonBuilder *json; /* NULL: text */
	GPtrArray *duties; /* const char*, each once */
} Classify;

/* ---- the product's facts ---- */

static bool asked(const RiskTable *table, const char *fact)
{
	for (guint i = 0; i < table->questions->len; i++)
		if (!strcmp(((const RiskQuestion *)g_ptr_array_index(table->questions, i))->fact,
			    fact))
			return true;
	return false;
}

static void take_facts(const Classify *c, Diagnostics *diag)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	for (guint i = 0; i < c->table->questions->len; i++)
		g_ptr_array_add(known,
				((RiskQuestion *)g_ptr_array_index(c->table->questions, i))->fact);
	g_ptr_array_add(known, NULL);
	for (size_t i = 0; i < yaml_size(c->declared); i++) {
		const YamlNode *key = yaml_key_at(c->declared, i);
		const char *name = yaml_text(key);
		if (!asked(c->table, name)) {
			g_autofree char *near =
				text_did_you_mean(name, (const char *const *)known->pdata);
			yaml_error(c->doc, key, diag, "the table %s asks nothing of '%s'%s",
				   c->table->id, name, near);
			continue;
		}
		bool yes = shape_boolean(yaml_value_at(c->declared, i), false);
		g_hash_table_insert(c->facts, g_strdup(name), GINT_TO_POINTER(yes ? 1 : 2));
	}
}

/* ---- telling ---- */

static const CrosswalkRow *row_of(const Classify *c, const char *full)
{
	const char *colon = strchr(full, ':');
	for (guint i = 0; colon && i < c->crosswalks->len; i++) {
		const Crosswalk *x = g_ptr_array_index(c->crosswalks, i);
		if (strlen(x->id) == (size_t)(colon - full) &&
		    !strncmp(x->id, full, (size_t)(colon - full)))
			return crosswalk_row(x, colon + 1);
	}
	return NULL;
}

static unsigned fact_line(const Classify *c, const RiskQuestion *q)
{
	const YamlNode *value = q ? yaml_get(c->declared, q->fact) : NULL;
	return value ? yaml_line(value) : 0;
}

static void tell_step(const Classify *c, guint n, const RiskStep *step, StepState state,
		      const RiskQuestion *q)
{
	const char *class_name = step->class_name;
	bool yes = q && GPOINTER_TO_INT(g_hash_table_lookup(c->facts, q->fact)) == 1;
	if (c->json) {
		json_builder_begin_object(c->json);
		cli_json_text(c->json, "class", class_name);
		cli_json_text(c->json, "row", step->row);
		json_builder_set_member_name(c->json, "met");
		json_builder_add_boolean_value(c->json, state == STEP_MET);
		cli_json_text(c->json, "fact", q ? q->fact : "");
		json_builder_set_member_name(c->json, "value");
		json_builder_add_boolean_value(c->json, yes);
		cli_json_int(c->json, "line", fact_line(c, q));
		json_builder_end_object(c->json);
		return;
	}
	printf("%2u. %-10s %-15s %s", n, class_name, step->row,
	       state == STEP_MET ? _("met") : _("not met"));
	if (q)
		printf(": %s: %s (%s:%u)\n      %s\n", q->fact, yes ? _("yes") : _("no"),
		       yaml_file(c->doc), fact_line(c, q), cli_choose(c->cli, q->en, q->ja));
	else
		printf(": %s\n", _("nothing above was met"));
}

static void add_duties(const Classify *c, const RiskClass *risk)
{
	for (guint i = 0; i < risk->duties->len; i++) {
		gpointer duty = g_ptr_array_index(risk->duties, i);
		if (!g_ptr_array_find_with_equal_func(c->duties, duty, g_str_equal, NULL))
			g_ptr_array_add(c->duties, duty);
	}
}

static void tell_duties(const Classify *c)
{
	for (guint i = 0; i < c->duties->len; i++) {
		const char *duty = g_ptr_array_index(c->duties, i);
		const CrosswalkRow *row = row_of(c, duty);
		const char *title = row ? cli_choose(c->cli, row->title_en, row->title_ja) : "";
		if (c->json) {
			json_builder_begin_object(c->json);
			cli_json_text(c->json, "row", duty);
			cli_json_text(c->json, "title", title);
			json_builder_end_object(c->json);
		} else {
			printf("  %s  %s\n", duty, title);
		}
	}
}

/* ---- the walk ---- */

/* A missing fact ends it: not known is not no. */
static void refuse(const Classify *c, const RiskStep *step, const RiskQuestion *q,
		   Diagnostics *diag)
{
	yaml_error(c->doc, c->declared, diag,
		   "`facts` does not say %s: yes or no? needed to decide whether it is %s (%s): %s",
		   q->fact, step->class_name, step->row, cli_choose(c->cli, q->en, q->ja));
}

/* The gravest class first; what a high-risk product owes to people who meet it (limited) comes on top. */
static const RiskClass *walk(const Classify *c, Diagnostics *diag)
{
	const RiskClass *found = NULL;
	for (guint i = 0; i < c->table->steps->len; i++) {
		const RiskStep *step = g_ptr_array_index(c->table->steps, i);
		const RiskClass *risk = risk_class(c->table, step->class_name);
		const RiskQuestion *q = NULL;
		if (found && (strcmp(found->name, "high") || strcmp(risk->name, "limited")))
			continue;
		StepState state = risk_step(step, c->facts, &q);
		if (state == STEP_UNDECIDED) {
			refuse(c, step, q, diag);
			return NULL;
		}
		tell_step(c, i + 1, step, state, q);
		if (state != STEP_MET)
			continue;
		add_duties(c, risk);
		if (!found)
			found = risk;
	}
	return found;
}

static int finish(const Classify *c, const RiskClass *risk)
{
	if (c->json) {
		json_builder_end_array(c->json);
		cli_json_text(c->json, "class", risk->name);
		cli_json_text(c->json, "source", c->table->source);
		json_builder_set_member_name(c->json, "duties");
		json_builder_begin_array(c->json);
		tell_duties(c);
		json_builder_end_array(c->json);
		json_builder_end_object(c->json);
		cli_print_json(c->json);
	} else {
		printf(_("\nClass: %s, %s\nDuties:\n"), risk->name,
		       cli_choose(c->cli, risk->en, risk->ja));
		tell_duties(c);
		printf(_("Table: %s\n"), c->table->source);
	}
	return strcmp(risk->name, "prohibited") ? ANZEN_EXIT_PASS : ANZEN_EXIT_FAIL;
}

int cmd_classify(int argc, char **argv, CliContext *cli)
{
	g_autofree char *path = NULL, *folder = NULL;
	const GOptionEntry options[] = {
		{"table", 't', 0, G_OPTION_ARG_FILENAME, &path,
		 N_("risk table (default: criteria/risk/eu-ai-act.yaml)"), "FILE"},
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &folder,
		 N_("folder of packs (default: criteria)"), "DIR"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	const char *criteria = folder ? folder : "criteria";
	g_autofree char *usual = g_build_filename(criteria, "risk", "eu-ai-act.yaml", NULL);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(RiskTable) table = risk_table_load(path ? path : usual, diag);
	bool folder_given = g_file_test(argv[1], G_FILE_TEST_IS_DIR);
	g_autofree char *product =
		folder_given ? g_build_filename(argv[1], "product.yaml", NULL) : g_strdup(argv[1]);
	g_autoptr(YamlDoc) doc = yaml_load_file(product, diag);
	g_autoptr(GPtrArray) crosswalks = cli_load_crosswalks(criteria, diag);
	if (!table || !doc || !product_check(doc, diag))
		return cli_diagnostics(cli, diag);
	g_autoptr(GHashTable) facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) duties = g_ptr_array_new();
	g_autoptr(JsonBuilder) json = cli->json ? json_builder_new() : NULL;
	const YamlNode *declared = yaml_get(yaml_root(doc), "facts");
	const Classify c = {cli, table, crosswalks, doc, declared, facts, json, duties};
	take_facts(&c, diag);
	if (json) {
		json_builder_begin_object(json);
		json_builder_set_member_name(json, "steps");
		json_builder_begin_array(json);
	}
	const RiskClass *risk = diagnostics_errors(diag) == 0 ? walk(&c, diag) : NULL;
	return risk ? finish(&c, risk) : cli_diagnostics(cli, diag);
}
