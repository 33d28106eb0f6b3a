/* campaign/1: read, and checked against everything it names. */
#include "plan.h"

#include <anzen/rig.h>

#include <string.h>

#define MAX_UP 6
#define MAX_DRAWS 100000u

static const char *const methods[] = {"random", NULL};
static const char *const engines[] = {"local", NULL};
static const char *const times[] = {"real", "lock-step", NULL};

static const Shape text = {.type = SHAPE_TEXT};
static const Shape id = {.type = SHAPE_ID};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape method = {.type = SHAPE_WORD, .words = methods};
static const Shape engine = {.type = SHAPE_WORD, .words = engines};
static const Shape time_word = {.type = SHAPE_WORD, .words = times};
static const Shape runs = {.type = SHAPE_INTEGER, .lo = 1, .hi = 100000};
static const Shape seed = {.type = SHAPE_INTEGER, .lo = 0, .hi = 4294967295.0};
static const Shape share = {.type = SHAPE_QUANTITY, .unit = "1", .lo = 0, .hi = 1};
static const Shape weight = {.type = SHAPE_NUMBER, .lo = 1e-9, .hi = 1e9};
static const Shape weights = {.type = SHAPE_MAP, .item = &weight, .lo = 1, .hi = 64};
static const Shape ends = {.type = SHAPE_LIST, .item = &text, .lo = 2, .hi = 2};
static const Shape files = {.type = SHAPE_LIST, .item = &text, .lo = 1, .hi = 256};

static const ShapeField draw_fields[] = {
	{"uniform", &ends, false, "[lowest, highest], in the parameter's unit or with one"},
	{"weights", &weights, false, "word or number: how often, relative to the others"},
	{"fixed", &text, false, "the same in every run"},
	{NULL, NULL, false, NULL},
};
static const Shape draw = {.type = SHAPE_RECORD, .fields = draw_fields};
static const Shape population = {.type = SHAPE_MAP, .item = &draw, .lo = 0, .hi = 64};

static const ShapeField scenario_fields[] = {
	{"match", &text, false, "file name pattern below scenarios/: fall-watch/*"},
	{"files", &files, false, "paths of scenario files"},
	{NULL, NULL, false, NULL},
};
static const Shape scenarios = {.type = SHAPE_RECORD, .fields = scenario_fields};

static const ShapeField sample_fields[] = {
	{"method", &method, true, "random: drawn independently, which a claim needs"},
	{"n", &runs, true, "runs of each scenario"},
	{"seed", &seed, true, "of the draws: the same seed draws the same runs"},
	{NULL, NULL, false, NULL},
};
static const Shape sample = {.type = SHAPE_RECORD, .fields = sample_fields};

static const ShapeField retry_fields[] = {
	{"max_invalid", &share, true,
	 "share of all runs that may be repeated because they were INVALID"},
	{NULL, NULL, false, NULL},
};
static const Shape retries = {.type = SHAPE_RECORD, .fields = retry_fields};

static const ShapeField fields[] = {
	{"id", &id, true, "name of the campaign and of its folder"},
	{"title", &title, false, "for people"},
	{"product", &text, true, "product/1 file"},
	{"rig", &text, true, "rig/1 file"},
	{"scenarios", &scenarios, true, "what is played"},
	{"population", &population, true,
	 "how each parameter is drawn; {}: every run has the defaults"},
	{"sample", &sample, true, "how many, and from which seed"},
	{"retries", &retries, false, "default: an INVALID run is not repeated"},
	{"time", &time_word, false, "real (default), or lock-step in simulated time"},
	{"engine", &engine, false, "local (default): one after the other on this machine"},
	{NULL, NULL, false, NULL},
};
static const Shape campaign = {.type = SHAPE_RECORD, .fields = fields};

const Shape *campaign_shape(void)
{
	return &campaign;
}

static void claim_free(gpointer data)
{
	CampaignClaim *claim = data;
	g_free(claim->criterion);
	g_free(claim);
}

void campaign_plan_free(CampaignPlan *plan)
{
	if (!plan)
		return;
	char *texts[] = {plan->path,    plan->id,  plan->title_en, plan->title_ja,
			 plan->product, plan->rig, plan->criteria, plan->bytes};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_ptr_array_unref(plan->scenarios);
	g_ptr_array_unref(plan->draws);
	g_ptr_array_unref(plan->claims);
	g_free(plan);
}

/* ---- where things are ---- */

/* The nearest folder, from the plan's own upwards, below which `path` exists. NULL: none. Caller frees. */
static char *find_upwards(const char *plan_path, const char *path)
{
	if (g_path_is_absolute(path))
		return g_file_test(path, G_FILE_TEST_EXISTS) ? g_strdup(path) : NULL;
	g_autofree char *full = g_canonicalize_filename(plan_path, NULL);
	g_autofree char *at = g_path_get_dirname(full);
	for (int up = 0; up < MAX_UP; up++) {
		g_autofree char *found = g_build_filename(at, path, NULL);
		if (g_file_test(found, G_FILE_TEST_EXISTS))
			return g_steal_pointer(&found);
		char *above = g_path_get_dirname(at);
		g_free(at);
		at = above;
	}
	return NULL;
}

static char *find_file(const YamlDoc *doc, const YamlNode *node, Diagnostics *diag)
{
	char *found = find_upwards(yaml_file(doc), yaml_text(node));
	if (!found)
		yaml_error(doc, node, diag,
			   "no such file '%s', neither here nor in the folders above this one",
			   yaml_text(node));
	return found;
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Files below `folder`/ whose path from there matches; one level of folders, as scenarios/ has. */
static void match_files(const char *folder, const char *below, GPatternSpec *pattern,
			GPtrArray *out)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *relative =
			below ? g_build_filename(below, name, NULL) : g_strdup(name);
		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			if (!below)
				match_files(path, name, pattern, out);
			continue;
		}
		if (g_str_has_suffix(name, ".yaml") &&
		    (g_pattern_spec_match_string(pattern, relative)))
			g_ptr_array_add(out, g_steal_pointer(&path));
	}
}

/* Of the matching files those that are scenarios: a folder may hold plans as well. */
static bool is_scenario(const char *path)
{
	g_autoptr(Diagnostics) quiet = diagnostics_new();
	g_autoptr(YamlDoc) doc = yaml_load_file(path, quiet);
	return doc && !g_strcmp0(yaml_document_kind(doc), "scenario/1");
}

static void read_scenarios(CampaignPlan *plan, const YamlDoc *doc, const YamlNode *node,
			   Diagnostics *diag)
{
	const YamlNode *match = yaml_get(node, "match"), *list = yaml_get(node, "files");
	if (!match == !list) {
		yaml_error(doc, node, diag, "`match` or `files`, one of them");
		return;
	}
	for (size_t i = 0; i < yaml_size(list); i++) {
		char *found = find_file(doc, yaml_item(list, i), diag);
		if (found)
			g_ptr_array_add(plan->scenarios, found);
	}
	if (match) {
		g_autofree char *folder = find_upwards(yaml_file(doc), "scenarios");
		GPatternSpec *pattern = g_pattern_spec_new(yaml_text(match));
		if (folder)
			match_files(folder, NULL, pattern, plan->scenarios);
		g_pattern_spec_free(pattern);
		for (guint i = plan->scenarios->len; i-- > 0;)
			if (!is_scenario(g_ptr_array_index(plan->scenarios, i)))
				g_ptr_array_remove_index(plan->scenarios, i);
		if (plan->scenarios->len == 0)
			yaml_error(doc, match, diag, "no scenario below %s matches '%s'",
				   folder ? folder : "scenarios/", yaml_text(match));
	}
	g_ptr_array_sort(plan->scenarios, by_text);
}

/* ---- the population ---- */

static bool read_end(const YamlDoc *doc, const YamlNode *node, Quantity *ret, bool *ret_bare,
		     Diagnostics *diag)
{
	g_autoptr(GError) error = NULL;
	if (!quantity_parse(yaml_text(node), ret, &error)) {
		yaml_error(doc, node, diag, "%s", error->message);
		return false;
	}
	*ret_bare = !strcmp(ret->unit.symbol, unit_one.symbol);
	return true;
}

static void read_weights(Population *p, const YamlNode *node)
{
	size_t n = yaml_size(node);
	p->words = g_new0(char *, n + 1);
	p->weights = g_new0(double, n);
	for (size_t i = 0; i < n; i++) {
		p->words[i] = g_strdup(yaml_text(yaml_key_at(node, i)));
		p->weights[i] = shape_number(yaml_value_at(node, i), 0);
	}
}

static Population *read_one(const YamlDoc *doc, const YamlNode *key, const YamlNode *node,
			    Diagnostics *diag)
{
	Population *p = g_new0(Population, 1);
	const YamlNode *uniform = yaml_get(node, "uniform"), *weighted = yaml_get(node, "weights"),
		       *fixed = yaml_get(node, "fixed");
	p->name = g_strdup(yaml_text(key));
	p->line = yaml_line(node);
	p->column = yaml_column(node);
	if ((uniform != NULL) + (weighted != NULL) + (fixed != NULL) != 1) {
		yaml_error(doc, node, diag, "`uniform`, `weights` or `fixed`, one of them");
	} else if (uniform) {
		p->kind = DRAW_UNIFORM;
		read_end(doc, yaml_item(uniform, 0), &p->lo, &p->bare_lo, diag);
		read_end(doc, yaml_item(uniform, 1), &p->hi, &p->bare_hi, diag);
	} else if (weighted) {
		p->kind = DRAW_WEIGHTS;
		read_weights(p, weighted);
	} else {
		p->fixed = g_strdup(yaml_text(fixed));
	}
	return p;
}

static GPtrArray *read_population(const YamlDoc *doc, const YamlNode *node, Diagnostics *diag)
{
	GPtrArray *out = g_ptr_array_new_with_free_func((GDestroyNotify)population_free);
	for (size_t i = 0; i < yaml_size(node); i++)
		g_ptr_array_add(out,
				read_one(doc, yaml_key_at(node, i), yaml_value_at(node, i), diag));
	return out;
}

static void complain(const CampaignPlan *plan, const Population *p, Diagnostics *diag,
		     const char *format, ...) G_GNUC_PRINTF(4, 5);

static void complain(const CampaignPlan *plan, const Population *p, Diagnostics *diag,
		     const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	diagnostics_add(diag, false, plan->path, p->line, p->column, "%s: %s", p->name, message);
}

static void check_uniform(const CampaignPlan *plan, const Population *p, const Scenario *scenario,
			  const Parameter *parameter, Diagnostics *diag)
{
	double lo, hi;
	const char *unit = parameter->value.unit.symbol;
	if (parameter->words)
		complain(plan, p, diag, "a word has `weights`, not `uniform`");
	else if (!population_end(&p->lo, p->bare_lo, parameter, &lo) ||
		 !population_end(&p->hi, p->bare_hi, parameter, &hi))
		complain(plan, p, diag, "%s gives it in %s", scenario->id, unit);
	else if (lo >= hi)
		complain(plan, p, diag, "the lowest must be below the highest");
	else if (lo < parameter->lo || hi > parameter->hi)
		complain(plan, p, diag, "%s allows %.6g to %.6g %s", scenario->id, parameter->lo,
			 parameter->hi, unit);
}

/* A number among weights: "3", in the parameter's unit, or "3 lx". */
static bool in_range(const char *text_of, const Parameter *parameter)
{
	Quantity q;
	double value;
	return quantity_parse(text_of, &q, NULL) &&
	       population_end(&q, !strcmp(q.unit.symbol, unit_one.symbol), parameter, &value) &&
	       value >= parameter->lo && value <= parameter->hi;
}

static void check_words(const CampaignPlan *plan, const Population *p, const Scenario *scenario,
			const Parameter *parameter, Diagnostics *diag)
{
	for (char **word = p->words; *word; word++)
		if (parameter->words
			    ? !g_strv_contains((const char *const *)parameter->words, *word)
			    : !in_range(*word, parameter))
			complain(plan, p, diag, "%s knows no '%s'", scenario->id, *word);
}

/* Against one scenario; a fixed value is checked by loading it so. True: the scenario has the parameter. */
static bool check_parameter(const CampaignPlan *plan, const Population *p, const Scenario *scenario,
			    Diagnostics *diag)
{
	const Parameter *parameter = scenario_parameter(scenario, p->name);
	if (!parameter)
		return false;
	if (p->kind == DRAW_UNIFORM)
		check_uniform(plan, p, scenario, parameter, diag);
	else if (p->kind == DRAW_WEIGHTS)
		check_words(plan, p, scenario, parameter, diag);
	return true;
}

static GPtrArray *load_scenarios(const CampaignPlan *plan, Diagnostics *diag)
{
	GPtrArray *loaded = g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);
	for (guint i = 0; i < plan->scenarios->len; i++) {
		Scenario *s = scenario_load(g_ptr_array_index(plan->scenarios, i), NULL, diag);
		if (s)
			g_ptr_array_add(loaded, s);
	}
	return loaded;
}

static void check_population(const CampaignPlan *plan, const GPtrArray *parameters,
			     const GPtrArray *loaded, Diagnostics *diag)
{
	for (guint k = 0; k < parameters->len; k++) {
		const Population *p = g_ptr_array_index(parameters, k);
		bool known = false;
		for (guint i = 0; i < loaded->len; i++)
			known |= check_parameter(plan, p, g_ptr_array_index(loaded, i), diag);
		if (!known)
			complain(plan, p, diag, "no scenario of the plan has this parameter");
	}
}

/* ---- what it will show ---- */

static CampaignClaim *claim_of(CampaignPlan *plan, const char *criterion)
{
	for (guint i = 0; i < plan->claims->len; i++) {
		CampaignClaim *claim = g_ptr_array_index(plan->claims, i);
		if (!strcmp(claim->criterion, criterion))
			return claim;
	}
	CampaignClaim *claim = g_new0(CampaignClaim, 1);
	claim->criterion = g_strdup(criterion);
	g_ptr_array_add(plan->claims, claim);
	return claim;
}

static void add_claim(CampaignPlan *plan, const char *full_id, Diagnostics *diag)
{
	g_autofree char *file = criterion_pack_file(full_id);
	g_autofree char *path = file ? g_build_filename(plan->criteria, file, NULL) : NULL;
	g_autoptr(Diagnostics) quiet = diagnostics_new();
	Pack *pack = path ? criterion_pack_load(path, quiet) : NULL;
	if (path && !pack) { /* what is wrong with it, in its own lines */
		criterion_pack_free(criterion_pack_load(path, diag));
		return;
	}
	const Criterion *c = pack ? criterion_find(&pack, 1, full_id) : NULL;
	if (!c)
		diagnostics_add(diag, false, plan->path, 0, 0, "no criterion '%s' in %s", full_id,
				plan->criteria);
	else if (c->claim_n > 0) {
		CampaignClaim *claim = claim_of(plan, full_id);
		claim->drawn += plan->n;
		claim->n = (unsigned)c->claim_n;
		claim->permitted = (unsigned)c->claim_permitted;
		claim->rate = c->claim_rate;
		claim->confidence = c->claim_confidence;
		claim->good = c->claim_good;
	}
	criterion_pack_free(pack);
}

static void find_claims(CampaignPlan *plan, const GPtrArray *loaded, Diagnostics *diag)
{
	for (guint i = 0; i < loaded->len; i++) {
		const Scenario *s = g_ptr_array_index(loaded, i);
		for (char **full_id = s->criteria; *full_id; full_id++)
			add_claim(plan, *full_id, diag);
	}
	for (guint i = 0; i < plan->claims->len; i++) {
		const CampaignClaim *c = g_ptr_array_index(plan->claims, i);
		bool less = c->drawn < c->n && c->good <= 0;
		if (c->drawn > c->n) /* then one could choose which of them to count */
			diagnostics_add(diag, false, plan->path, 0, 0,
					"%s: its claim fixes %u runs and the plan draws %u",
					c->criterion, c->n, c->drawn);
		else if (less)
			diagnostics_add(
				diag, true, plan->path, 0, 0,
				"%s: its claim fixes %u runs and the plan draws %u: it will "
				"stay INCONCLUSIVE",
				c->criterion, c->n, c->drawn);
	}
}

static int by_criterion(gconstpointer a, gconstpointer b)
{
	return strcmp((*(CampaignClaim *const *)a)->criterion,
		      (*(CampaignClaim *const *)b)->criterion);
}

/* ---- all of it ---- */

static void read_plan(CampaignPlan *plan, const YamlDoc *doc, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(doc), *drawn = yaml_get(root, "sample");
	plan->id = g_strdup(yaml_get_text(root, "id"));
	plan->title_en = g_strdup(yaml_get_text(yaml_get(root, "title"), "en"));
	plan->title_ja = g_strdup(yaml_get_text(yaml_get(root, "title"), "ja"));
	plan->product = find_file(doc, yaml_get(root, "product"), diag);
	plan->rig = find_file(doc, yaml_get(root, "rig"), diag);
	plan->criteria = find_upwards(plan->path, "criteria");
	if (!plan->criteria)
		diagnostics_add(diag, false, plan->path, 0, 0,
				"no folder criteria/, neither here nor above");
	plan->lock_step = !g_strcmp0(yaml_get_text(root, "time"), "lock-step");
	plan->n = (unsigned)shape_number(yaml_get(drawn, "n"), 0);
	plan->seed = (uint64_t)shape_number(yaml_get(drawn, "seed"), 0);
	plan->max_invalid =
		shape_quantity(yaml_get(yaml_get(root, "retries"), "max_invalid"), "1", 0);
	read_scenarios(plan, doc, yaml_get(root, "scenarios"), diag);
}

static void draw_all(CampaignPlan *plan, const GPtrArray *parameters, const GPtrArray *loaded)
{
	for (unsigned i = 0; i < plan->n; i++)
		for (guint s = 0; s < loaded->len; s++)
			g_ptr_array_add(plan->draws,
					campaign_draw(parameters, g_ptr_array_index(loaded, s), s,
						      plan->seed, i));
}

/* A fixed value that the scenario refuses shows when the first draw is loaded with it. */
static void check_first_draws(const CampaignPlan *plan, Diagnostics *diag)
{
	for (guint s = 0; s < plan->scenarios->len; s++) {
		const CampaignDraw *d = g_ptr_array_index(plan->draws, s);
		scenario_free(scenario_load(g_ptr_array_index(plan->scenarios, s),
					    (const char *const *)d->sets, diag));
	}
}

static void check_parts(const CampaignPlan *plan, Diagnostics *diag)
{
	product_free(product_load(plan->product, diag));
	rig_spec_free(rig_spec_load(plan->rig, diag));
}

static CampaignPlan *from_doc(const YamlDoc *doc, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag), n_bytes;
	if (!yaml_expect_kind(doc, "campaign/1", diag) ||
	    !shape_check(&campaign, doc, yaml_root(doc), diag))
		return NULL;
	g_autoptr(CampaignPlan) plan = g_new0(CampaignPlan, 1);
	plan->path = g_strdup(yaml_file(doc));
	plan->scenarios = g_ptr_array_new_with_free_func(g_free);
	plan->draws = g_ptr_array_new_with_free_func((GDestroyNotify)campaign_draw_free);
	plan->claims = g_ptr_array_new_with_free_func(claim_free);
	plan->bytes = g_strdup(yaml_bytes(doc, &n_bytes));
	plan->n_bytes = n_bytes;
	read_plan(plan, doc, diag);
	g_autoptr(GPtrArray) parameters =
		read_population(doc, yaml_get(yaml_root(doc), "population"), diag);
	if (diagnostics_errors(diag) > before)
		return NULL;
	check_parts(plan, diag);
	g_autoptr(GPtrArray) loaded = load_scenarios(plan, diag);
	if (diagnostics_errors(diag) > before)
		return NULL;
	check_population(plan, parameters, loaded, diag);
	if ((uint64_t)plan->n * loaded->len > MAX_DRAWS)
		yaml_error(doc, yaml_get(yaml_root(doc), "sample"), diag,
			   "%u runs of %u scenarios are more than %u", plan->n, loaded->len,
			   MAX_DRAWS);
	if (diagnostics_errors(diag) > before)
		return NULL;
	draw_all(plan, parameters, loaded);
	check_first_draws(plan, diag);
	find_claims(plan, loaded, diag);
	g_ptr_array_sort(plan->claims, by_criterion);
	return diagnostics_errors(diag) > before ? NULL : g_steal_pointer(&plan);
}

CampaignPlan *campaign_plan_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? from_doc(doc, diag) : NULL;
}

CampaignPlan *campaign_plan_load_text(const char *text_of, gssize length, const char *name,
				      Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(text_of, length, name, diag);
	return doc ? from_doc(doc, diag) : NULL;
}

bool campaign_check(const YamlDoc *doc, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	campaign_plan_free(from_doc(doc, diag));
	return diagnostics_errors(diag) == before;
}
