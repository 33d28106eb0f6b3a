/* plan.json: what is fixed before the first run. */
#include "plan.h"

#include <anzen/metrology.h>
#include <anzen/rig.h>
#include <anzen/session.h>
#include <json-glib/json-glib.h>
#include <string.h>

static void text_member(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, value);
}

static void int_member(JsonBuilder *b, const char *name, gint64 value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, value);
}

static void number_member(JsonBuilder *b, const char *name, double value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_double_value(b, value);
}

/* ---- files that decide ---- */

typedef struct Files {
	char *root;    /* the project's folder: names are told from there */
	GPtrArray *at; /* char*, paths; each once */
} Files;

static void add_file(Files *files, const char *path)
{
	g_autofree char *full = path ? g_canonicalize_filename(path, NULL) : NULL;
	if (full && g_file_test(full, G_FILE_TEST_IS_REGULAR) &&
	    !g_ptr_array_find_with_equal_func(files->at, full, g_str_equal, NULL))
		g_ptr_array_add(files->at, g_steal_pointer(&full));
}

static void add_folder(Files *files, const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			add_folder(files, path);
		else if (g_str_has_suffix(name, ".yaml"))
			add_file(files, path);
	}
}

static void add_rig(Files *files, const char *path)
{
	g_autoptr(Diagnostics) quiet = diagnostics_new();
	g_autoptr(RigSpec) rig = rig_spec_load(path, quiet);
	add_file(files, path);
	if (!rig)
		return;
	add_file(files, rig_spec_world(rig));
	const GPtrArray *devices = rig_spec_devices(rig);
	for (guint i = 0; i < devices->len; i++)
		add_file(files, ((const RigDeviceSpec *)g_ptr_array_index(devices, i))->map);
	g_autofree char *full = g_canonicalize_filename(path, NULL);
	g_autofree char *rigs = g_path_get_dirname(full), *above = g_path_get_dirname(rigs);
	g_autofree char *certificates = g_build_filename(above, "calibration", NULL);
	add_folder(files, certificates);
}

static void add_product(Files *files, const char *path, const char *program_dir)
{
	g_autoptr(Diagnostics) quiet = diagnostics_new();
	Product *product = product_load(path, quiet);
	add_file(files, path);
	if (product && product->argv && product->argv[0]) {
		g_autofree char *here =
			program_dir ? g_build_filename(program_dir, product->argv[0], NULL) : NULL;
		g_autofree char *found = g_find_program_in_path(product->argv[0]);
		add_file(files, here && g_file_test(here, G_FILE_TEST_EXISTS) ? here : found);
	}
	product_free(product);
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void collect(Files *files, const CampaignPlan *plan, const char *program_dir)
{
	static const char *const programs[] = {"anzen", "anzen-world", "anzen-launch"};
	files->root = g_path_get_dirname(plan->criteria);
	files->at = g_ptr_array_new_with_free_func(g_free);
	add_file(files, plan->path);
	for (guint i = 0; i < plan->scenarios->len; i++)
		add_file(files, g_ptr_array_index(plan->scenarios, i));
	add_folder(files, plan->criteria);
	add_rig(files, plan->rig);
	add_product(files, plan->product, program_dir);
	for (size_t i = 0; program_dir && i < G_N_ELEMENTS(programs); i++) {
		g_autofree char *path = g_build_filename(program_dir, programs[i], NULL);
		add_file(files, path);
	}
	g_ptr_array_sort(files->at, by_text);
}

static gboolean write_files(JsonBuilder *b, const CampaignPlan *plan, const char *program_dir,
			    GError **error)
{
	Files files;
	gboolean ok = TRUE;
	collect(&files, plan, program_dir);
	json_builder_set_member_name(b, "files");
	json_builder_begin_object(b);
	for (guint i = 0; ok && i < files.at->len; i++) {
		const char *path = g_ptr_array_index(files.at, i);
		size_t n = strlen(files.root);
		bool below = !strncmp(path, files.root, n) && path[n] == '/';
		g_autofree char *sha256 = session_sha256_file(path, error);
		ok = sha256 != NULL;
		if (ok)
			text_member(b, below ? path + n + 1 : path, sha256);
	}
	json_builder_end_object(b);
	g_ptr_array_unref(files.at);
	g_free(files.root);
	return ok;
}

/* ---- what will be played, and what it can show ---- */

static void write_draws(JsonBuilder *b, const CampaignPlan *plan)
{
	json_builder_set_member_name(b, "draws");
	json_builder_begin_array(b);
	for (guint i = 0; i < plan->draws->len; i++) {
		const CampaignDraw *d = g_ptr_array_index(plan->draws, i);
		g_autofree char *name =
			g_path_get_basename(g_ptr_array_index(plan->scenarios, d->scenario));
		json_builder_begin_object(b);
		int_member(b, "draw", i + 1);
		text_member(b, "scenario", name);
		int_member(b, "seed", (gint64)d->seed);
		json_builder_set_member_name(b, "set");
		json_builder_begin_array(b);
		for (char **set = d->sets; *set; set++)
			json_builder_add_string_value(b, *set);
		json_builder_end_array(b);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

const double campaign_rates[CAMPAIGN_RATES] = {0.95, 0.98, 0.99};

double campaign_chance(const CampaignClaim *c, double true_rate)
{
	double pass = 0, fail = 0, risk = 1 - c->confidence;
	const Sprt sequential = {c->rate, c->good, risk, risk};
	if (c->good <= 0)
		return c->drawn == c->n ? metrology_pass_probability(c->n, c->permitted, true_rate)
					: 0;
	metrology_sprt_chances(&sequential, c->drawn, true_rate, &pass, &fail);
	return pass;
}

static void write_chances(JsonBuilder *b, const CampaignClaim *c)
{
	json_builder_set_member_name(b, "chance");
	json_builder_begin_array(b);
	for (size_t i = 0; i < CAMPAIGN_RATES; i++) {
		json_builder_begin_object(b);
		number_member(b, "true_rate", campaign_rates[i]);
		number_member(b, "pass", campaign_chance(c, campaign_rates[i]));
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void write_claims(JsonBuilder *b, const CampaignPlan *plan)
{
	json_builder_set_member_name(b, "claims");
	json_builder_begin_array(b);
	for (guint i = 0; i < plan->claims->len; i++) {
		const CampaignClaim *c = g_ptr_array_index(plan->claims, i);
		json_builder_begin_object(b);
		text_member(b, "criterion", c->criterion);
		int_member(b, "drawn", c->drawn);
		int_member(b, "n", c->n);
		int_member(b, "permitted_failures", c->permitted);
		number_member(b, "at_least", c->rate);
		number_member(b, "confidence", c->confidence);
		if (c->good > 0)
			number_member(b, "sequential_for", c->good);
		write_chances(b, c);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

char *campaign_plan_fix(const CampaignPlan *plan, const char *program_dir, const char *created,
			GError **error)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	text_member(b, "anzen", "campaign-plan/1");
	text_member(b, "id", plan->id);
	if (plan->title_en)
		text_member(b, "title.en", plan->title_en);
	if (plan->title_ja)
		text_member(b, "title.ja", plan->title_ja);
	text_member(b, "created", created);
	text_member(b, "tool", ANZEN_VERSION);
	text_member(b, "method", "random");
	text_member(b, "time", plan->lock_step ? "lock-step" : "real");
	int_member(b, "n", plan->n);
	int_member(b, "seed", (gint64)plan->seed);
	number_member(b, "max_invalid", plan->max_invalid);
	write_claims(b, plan);
	write_draws(b, plan);
	if (!write_files(b, plan, program_dir, error))
		return NULL;
	json_builder_end_object(b);
	JsonNode *root = json_builder_get_root(b);
	g_autoptr(JsonGenerator) generator = json_generator_new();
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	char *text = json_generator_to_data(generator, NULL);
	json_node_unref(root);
	return text;
}
