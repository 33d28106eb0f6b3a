#include "chain.h"
#include "random.h"

#include <math.h>
#include <string.h>

struct PerturbChain {
	uint64_t seed;
	GArray *steps;
};

static void step_clear(void *pointer)
{
	g_free(((Step *)pointer)->target);
}

const char *perturb_domain_name(PerturbDomain domain)
{
	switch (domain) {
	case PERTURB_SIGNAL:
		return "signal";
	case PERTURB_IMAGE:
		return "image";
	case PERTURB_AUDIO:
		return "audio";
	}
	return "?";
}

static bool same_name(const char *typed, const char *name)
{
	if (!name || strlen(typed) != strlen(name))
		return false;
	for (size_t i = 0; name[i]; i++)
		if ((typed[i] == '_' ? '-' : typed[i]) != name[i])
			return false;
	return true;
}

const PerturbInfo *perturb_find(const char *name)
{
	for (size_t i = 0; i < ID_COUNT; i++)
		if (same_name(name, perturb_catalogue[i].name) ||
		    same_name(name, perturb_catalogue[i].also))
			return &perturb_catalogue[i];
	return NULL;
}

PerturbChain *perturb_chain_new(uint64_t seed)
{
	PerturbChain *chain = g_new0(PerturbChain, 1);
	chain->seed = seed;
	chain->steps = g_array_new(FALSE, FALSE, sizeof(Step));
	g_array_set_clear_func(chain->steps, step_clear);
	return chain;
}

void perturb_chain_free(PerturbChain *chain)
{
	if (!chain)
		return;
	g_array_unref(chain->steps);
	g_free(chain);
}

static void unknown_name(const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (size_t i = 0; i < ID_COUNT; i++)
		g_ptr_array_add(names, (char *)(uintptr_t)perturb_catalogue[i].name);
	g_ptr_array_add(names, NULL);
	g_autofree char *hint = text_did_you_mean(name, (const char *const *)names->pdata);
	g_autofree char *all = g_strjoinv(" ", (char **)names->pdata);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "there is no perturbation '%s'%s; there are: %s", name, hint, all);
}

gboolean perturb_chain_add(PerturbChain *chain, const char *text, GError **error)
{
	const char *at = strchr(text, '@'), *colon = strchr(text, ':');
	if (at && colon && colon > at)
		colon = NULL;
	size_t end = at ? (size_t)(at - text) : strlen(text);
	g_autofree char *name = g_strndup(text, colon ? (size_t)(colon - text) : end);
	const PerturbInfo *info = perturb_find(name);
	if (!info) {
		unknown_name(name, error);
		return FALSE;
	}
	bool good = colon && colon + 2 == text + end && colon[1] >= '1' && colon[1] <= '5' &&
		    (!at || at[1]);
	if (!good) {
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			"expected NAME:SEVERITY or NAME:SEVERITY@ROLE with a severity from 1 to "
			"5, as in %s:3, found '%s'",
			info->name, text);
		return FALSE;
	}
	Step step = {.id = (PerturbId)(info - perturb_catalogue),
		     .severity = (unsigned)(colon[1] - '0'),
		     .target = at ? g_strdup(at + 1) : NULL};
	g_array_append_val(chain->steps, step);
	return TRUE;
}

size_t perturb_chain_length(const PerturbChain *chain)
{
	return chain->steps->len;
}

uint64_t perturb_chain_seed(const PerturbChain *chain)
{
	return chain->seed;
}

const PerturbInfo *perturb_chain_info(const PerturbChain *chain, size_t i)
{
	return &perturb_catalogue[chain_step(chain, i)->id];
}

unsigned perturb_chain_severity(const PerturbChain *chain, size_t i)
{
	return chain_step(chain, i)->severity;
}

const char *perturb_chain_target(const PerturbChain *chain, size_t i)
{
	return chain_step(chain, i)->target;
}

char *perturb_chain_text(const PerturbChain *chain)
{
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < chain->steps->len; i++) {
		const Step *step = chain_step(chain, i);
		g_string_append_printf(text, "%s%s:%u", i ? "," : "",
				       perturb_catalogue[step->id].name, step->severity);
		if (step->target)
			g_string_append_printf(text, "@%s", step->target);
	}
	return g_string_free(text, FALSE);
}

bool perturb_chain_touches(const PerturbChain *chain, PerturbDomain domain, const char *target)
{
	for (guint i = 0; i < chain->steps->len; i++)
		if (step_applies(chain_step(chain, i), domain, target))
			return true;
	return false;
}

PerturbTruth perturb_chain_truth(const PerturbChain *chain)
{
	PerturbTruth worst = PERTURB_TRUTH_KEPT;
	for (guint i = 0; i < chain->steps->len; i++)
		worst = MAX(worst, perturb_catalogue[chain_step(chain, i)->id].truth);
	return worst;
}

/* Steps add up only on the same target; taking all of them is safe, and exact for one. */
int64_t perturb_chain_delay_ns(const PerturbChain *chain)
{
	double ms = 0;
	for (guint i = 0; i < chain->steps->len; i++) {
		const Step *step = chain_step(chain, i);
		if (perturb_catalogue[step->id].truth == PERTURB_TRUTH_MOVED)
			ms += step_value(step, 0);
	}
	return (int64_t)llround(ms * 1e6);
}

/* ---- for the domains ---- */

size_t chain_length(const PerturbChain *chain)
{
	return chain->steps->len;
}

const Step *chain_step(const PerturbChain *chain, size_t i)
{
	return &g_array_index(chain->steps, Step, (guint)i);
}

bool step_applies(const Step *step, PerturbDomain domain, const char *target)
{
	return perturb_catalogue[step->id].domain == domain &&
	       (!step->target || !strcmp(step->target, target));
}

double step_value(const Step *step, int i)
{
	return perturb_catalogue[step->id].parameters[i].at[step->severity - 1];
}

uint64_t chain_key(const PerturbChain *chain, size_t i, const char *target)
{
	return random_key(chain->seed, perturb_catalogue[chain_step(chain, i)->id].name, i, target);
}

bool window_holds(uint64_t key, int64_t t_ns, int64_t period_ns, double share, int64_t *ret_begin)
{
	int64_t n = t_ns / period_ns - (t_ns % period_ns < 0);
	int64_t length = (int64_t)llround((double)period_ns * share);
	double place = random_uniform(key, n, 0);
	int64_t begin = n * period_ns + (int64_t)(place * (double)(period_ns - length));
	*ret_begin = begin;
	return t_ns >= begin && t_ns < begin + length;
}
