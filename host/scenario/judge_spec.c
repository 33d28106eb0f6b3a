#include <anzen/scenario.h>

static void add_truth(JudgeSpec *spec, const TruthSpec *truth)
{
	TruthSpec *copy = g_new0(TruthSpec, 1);
	copy->name = g_strdup(truth->name);
	copy->onset = g_strdup(truth->onset);
	copy->end = g_strdup(truth->end);
	g_ptr_array_add(spec->truths, copy);
}

static void add_parameter(JudgeSpec *spec, const Parameter *p)
{
	if (p->words)
		return; /* words stand in prompts only */
	g_hash_table_insert(spec->parameters, g_strdup(p->name),
			    g_memdup2(&p->value, sizeof p->value));
}

static char *product_signal(const char *output)
{
	return output ? g_strdup_printf("product.%s", output) : NULL;
}

/* One signal tells the age of the oldest input, so the strictest declaration rules. */
static int64_t strictest_age(const Product *product)
{
	int64_t age_ns = 0;
	for (size_t i = 0; i < product->n_inputs; i++) {
		int64_t declared = product->inputs[i].max_age_ns;
		if (declared > 0 && (age_ns == 0 || declared < age_ns))
			age_ns = declared;
	}
	return age_ns;
}

void judge_spec_use_product(JudgeSpec *spec, const Product *product)
{
	g_free(spec->heartbeat);
	g_free(spec->positive_control);
	g_free(spec->consumed);
	g_free(spec->age);
	g_free(spec->cpu_wait);
	spec->heartbeat = product_signal(product->heartbeat);
	spec->heartbeat_ns = product->heartbeat_ns;
	spec->positive_control = product_signal(product->control_output);
	spec->positive_control_ns = product->control_ns;
	spec->consumed = g_strdup(PRODUCT_CONSUMED_SIGNAL);
	spec->max_age_ns = strictest_age(product);
	spec->age = spec->max_age_ns > 0 ? g_strdup(PRODUCT_AGE_SIGNAL) : NULL;
	spec->max_cpu_wait = product->max_cpu_wait;
	spec->cpu_wait = product->max_cpu_wait > 0 ? g_strdup(PRODUCT_CPU_WAIT_SIGNAL) : NULL;
}

JudgeSpec *scenario_judge_spec(const Scenario *scenario, const Product *product)
{
	JudgeSpec *spec = judge_spec_new();
	for (size_t i = 0; i < scenario->n_truths; i++)
		add_truth(spec, &scenario->truths[i]);
	for (char **text = scenario->stimulus; *text; text++)
		g_ptr_array_add(spec->stimulus, g_strdup(*text));
	for (size_t i = 0; i < scenario->n_parameters; i++)
		add_parameter(spec, &scenario->parameters[i]);
	if (product)
		judge_spec_use_product(spec, product);
	return spec;
}
