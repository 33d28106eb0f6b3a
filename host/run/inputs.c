#include "inputs.h"

#include <string.h>

/* criteria/ of the project that the scenario belongs to: the nearest folder above it that has one. */
static char *criteria_folder(const RunConfig *config)
{
	if (config->criteria_dir)
		return g_strdup(config->criteria_dir);
	g_autofree char *at = g_canonicalize_filename(config->scenario, NULL);
	for (int up = 0; up < 6; up++) {
		g_autofree char *above = g_path_get_dirname(at);
		g_autofree char *criteria = g_build_filename(above, "criteria", NULL);
		if (g_file_test(criteria, G_FILE_TEST_IS_DIR))
			return g_steal_pointer(&criteria);
		g_free(at);
		at = g_steal_pointer(&above);
	}
	return g_strdup("criteria");
}

static bool has_pack(const GPtrArray *packs, const char *path)
{
	for (guint i = 0; i < packs->len; i++)
		if (!strcmp(((const Pack *)g_ptr_array_index(packs, i))->path, path))
			return true;
	return false;
}

static void load_pack(RunInputs *in, const char *folder, const char *id, Place place,
		      Diagnostics *diag)
{
	g_autofree char *file = criterion_pack_file(id);
	if (!file) {
		diagnostics_add(diag, false, in->scenario->path, place.line, place.column,
				"'%s' names no criterion: expected PACK/CRITERION", id);
		return;
	}
	g_autofree char *path = g_build_filename(folder, file, NULL);
	if (!has_pack(in->packs, path)) {
		Pack *pack = criterion_pack_load(path, diag);
		if (pack)
			g_ptr_array_add(in->packs, pack);
	}
	if (diagnostics_errors(diag) == 0 &&
	    !criterion_find((Pack *const *)in->packs->pdata, in->packs->len, id))
		diagnostics_add(diag, false, in->scenario->path, place.line, place.column,
				"the pack %s has no criterion '%s'", path, id);
}

static void check_roles(RunInputs *in, Diagnostics *diag)
{
	for (size_t i = 0; i < in->scenario->n_needs; i++) {
		const Need *need = &in->scenario->needs[i];
		if (!rig_spec_role(in->rig, need->role))
			diagnostics_add(diag, false, in->scenario->path, need->place.line,
					need->place.column,
					"the rig %s has no role '%s': choose another rig, or add "
					"the role to %s",
					rig_spec_id(in->rig), need->role, rig_spec_path(in->rig));
	}
	for (size_t i = 0; i < in->product->n_inputs; i++) {
		const ProductInput *input = &in->product->inputs[i];
		if (strcmp(input->from, "bench.sequence") != 0 &&
		    !rig_spec_role(in->rig, input->from))
			diagnostics_add(diag, false, in->product->path, input->place.line,
					input->place.column,
					"the rig %s has no role '%s' to feed the product from",
					rig_spec_id(in->rig), input->from);
	}
	if (g_strcmp0(in->scenario->product_kind, in->product->kind))
		diagnostics_add(diag, false, in->product->path, 0, 0,
				"the scenario %s is for a product of kind '%s', this is a '%s'",
				in->scenario->id, in->scenario->product_kind, in->product->kind);
}

static bool reads(const Product *product, const char *role)
{
	for (size_t i = 0; i < product->n_inputs; i++)
		if (!strcmp(product->inputs[i].from, role))
			return true;
	return false;
}

static void add_scenario_perturb(RunInputs *in, Diagnostics *diag)
{
	g_autoptr(GString) spared = g_string_new(NULL);
	for (size_t i = 0; i < in->scenario->n_disturbances; i++) {
		const Disturbance *d = &in->scenario->disturbances[i];
		if (!reads(in->product, d->role))
			diagnostics_add(
				diag, false, in->scenario->path, d->place.line, d->place.column,
				"the product %s does not read %s: this would change nothing",
				in->product->id, d->role);
		else if (d->severity == 0)
			g_string_append_printf(spared, "%s%s:0@%s", spared->len ? "," : "",
					       d->info->name, d->role);
		else
			perturb_chain_add_step(in->chain, d->info, d->severity, d->role, d->from_ns,
					       d->until_ns);
	}
	if (spared->len > 0)
		in->spared = g_string_free(g_steal_pointer(&spared), FALSE);
}

/* Is there anything that the product reads and that this would be done to? */
static bool touches(const RunInputs *in, size_t step)
{
	const char *target = perturb_chain_target(in->chain, step);
	PerturbDomain domain = perturb_chain_info(in->chain, step)->domain;
	for (size_t i = 0; i < in->product->n_inputs; i++) {
		const char *from = in->product->inputs[i].from;
		const RigRole *role = rig_spec_role(in->rig, from);
		bool camera = role && role->kind == RIG_CAMERA;
		if (role && domain == (camera ? PERTURB_IMAGE : PERTURB_SIGNAL) &&
		    (!target || !strcmp(target, from)))
			return true;
	}
	return false;
}

static void add_perturb(RunInputs *in, const RunConfig *config, Diagnostics *diag)
{
	in->chain = perturb_chain_new(config->seed);
	add_scenario_perturb(in, diag);
	for (const char *const *p = config->perturb; p && *p; p++) {
		g_autoptr(GError) error = NULL;
		if (!perturb_chain_add(in->chain, *p, &error))
			diagnostics_add(diag, false, "--perturb", 0, 0, "%s", error->message);
		else if (!touches(in, perturb_chain_length(in->chain) - 1))
			diagnostics_add(
				diag, false, "--perturb", 0, 0,
				"%s: the product %s reads nothing that this could be done to", *p,
				in->product->id);
	}
	if (perturb_chain_length(in->chain) == 0)
		g_clear_pointer(&in->chain, perturb_chain_free);
}

gboolean run_inputs_load(RunInputs *in, const RunConfig *config, Diagnostics *diag)
{
	*in = (RunInputs){
		.packs = g_ptr_array_new_with_free_func((GDestroyNotify)criterion_pack_free)};
	in->scenario = scenario_load(config->scenario, config->sets, diag);
	in->product = product_load(config->product, diag);
	in->rig = rig_spec_load(config->rig, diag);
	if (!in->scenario || !in->product || !in->rig)
		return FALSE;
	check_roles(in, diag);
	add_perturb(in, config, diag);
	in->deadline_ns = in->scenario->deadline_ns ? in->scenario->deadline_ns : RUN_DEADLINE_NS;
	g_autofree char *folder = criteria_folder(config);
	for (size_t i = 0; in->scenario->criteria[i] && !diagnostics_errors(diag); i++)
		load_pack(in, folder, in->scenario->criteria[i], in->scenario->criteria_places[i],
			  diag);
	in->spec = scenario_judge_spec(in->scenario, in->product);
	return diagnostics_errors(diag) == 0;
}

void run_inputs_clear(RunInputs *in)
{
	scenario_free(in->scenario);
	product_free(in->product);
	rig_spec_free(in->rig);
	judge_spec_free(in->spec);
	perturb_chain_free(in->chain);
	g_free(in->spared);
	if (in->packs)
		g_ptr_array_unref(in->packs);
	*in = (RunInputs){0};
}

static gboolean attach_packs(const RunInputs *in, SessionWriter *writer, GError **error)
{
	for (guint i = 0; i < in->packs->len; i++) {
		const Pack *pack = g_ptr_array_index(in->packs, i);
		g_autofree char *name = g_strdup_printf("criteria/%s.yaml", pack->id);
		if (!session_writer_attach_file(writer, name, pack->path, error))
			return FALSE;
	}
	return TRUE;
}

const char *run_inputs_network(const Product *product)
{
	switch (product->network) {
	case CONFINE_NONE:
		return "not confined";
	case CONFINE_BENCH_ONLY:
		return "bench-only";
	case CONFINE_OFFLINE:
		return "offline";
	}
	return "?";
}

/* What the campaign draws perturbations from, the same text in each of its runs: severities that a parameter gives stand there as
 * that parameter. NULL: the scenario perturbs nothing. Caller frees. */
static char *perturb_population(const RunInputs *in)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; i < in->scenario->n_disturbances; i++) {
		const Disturbance *d = &in->scenario->disturbances[i];
		g_string_append_printf(text, "%s%s@%s", i ? "," : "", d->written, d->role);
		if (d->from_ns > INT64_MIN || d->until_ns < CLOCK_NEVER)
			g_string_append_c(text, '+');
		if (d->from_ns > INT64_MIN)
			g_string_append_printf(text, "%gs..", (double)d->from_ns * 1e-9);
		else if (d->until_ns < CLOCK_NEVER)
			g_string_append(text, "..");
		if (d->until_ns < CLOCK_NEVER)
			g_string_append_printf(text, "%gs", (double)d->until_ns * 1e-9);
	}
	return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static gboolean attach_campaign(const RunInputs *in, const RunConfig *config, SessionWriter *writer,
				GError **error)
{
	if (!config->campaign.plan)
		return TRUE;
	g_autofree char *population = perturb_population(in);
	if (population)
		session_writer_meta(writer, "perturb.population", population);
	g_autofree char *draw = g_strdup_printf("%u", config->campaign.draw);
	g_autofree char *sample = g_strdup_printf("%u", config->campaign.sample);
	g_autofree char *attempt = g_strdup_printf("%u", config->campaign.attempt);
	session_writer_meta(writer, "campaign", config->campaign.digest);
	session_writer_meta(writer, "sample", "random");
	session_writer_meta(writer, "campaign.draw", draw);
	session_writer_meta(writer, "campaign.sample", sample);
	session_writer_meta(writer, "campaign.attempt", attempt);
	return session_writer_attach(writer, "campaign/plan.json", "application/json",
				     config->campaign.plan, strlen(config->campaign.plan), error);
}

gboolean run_inputs_attach(const RunInputs *in, const RunConfig *config, const Rig *rig,
			   SessionWriter *writer, GError **error)
{
	const GPtrArray *files = rig_files(rig);
	if (!session_writer_attach(writer, "scenario.yaml", NULL, in->scenario->bytes,
				   in->scenario->n_bytes, error) ||
	    !session_writer_attach(writer, "product.yaml", NULL, in->product->bytes,
				   in->product->n_bytes, error) ||
	    !attach_packs(in, writer, error) || !attach_campaign(in, config, writer, error) ||
	    !session_writer_attach_judge(writer, in->spec, error))
		return FALSE;
	for (guint i = 0; i < files->len; i++) {
		const RigFile *file = g_ptr_array_index(files, i);
		gsize size;
		const void *data = g_bytes_get_data(file->bytes, &size);
		if (!session_writer_attach(writer, file->name, NULL, data, size, error))
			return FALSE;
	}
	g_autofree char *criteria = g_strjoinv(",", in->scenario->criteria);
	g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, config->seed);
	session_writer_meta(writer, "scenario", in->scenario->id);
	session_writer_meta(writer, "scenario.title.en", in->scenario->title.en);
	session_writer_meta(writer, "scenario.title.ja",
			    in->scenario->title.ja ? in->scenario->title.ja : "");
	session_writer_meta(writer, "product", in->product->id);
	session_writer_meta(writer, "network", run_inputs_network(in->product));
	session_writer_meta(writer, "rig", rig_spec_id(in->rig));
	session_writer_meta(writer, "criteria", criteria);
	session_writer_meta(writer, "seed", seed);
	if (in->scenario->deadline_ns > 0) {
		g_autofree char *deadline =
			g_strdup_printf("%" G_GINT64_FORMAT " ns", in->deadline_ns);
		session_writer_meta(writer, "deadline", deadline);
	}
	if (in->spared)
		session_writer_meta(writer, "perturb.spared", in->spared);
	if (config->label)
		session_writer_meta(writer, "label", config->label);
	for (size_t i = 0; i < in->scenario->n_parameters; i++) {
		const Parameter *p = &in->scenario->parameters[i];
		g_autofree char *key = g_strdup_printf("parameter.%s", p->name);
		g_autofree char *value =
			p->words ? g_strdup(p->word)
				 : quantity_format(p->value.value, &p->value.unit, 6);
		session_writer_meta(writer, key, value);
	}
	return TRUE;
}
