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

const PerturbInfo *perturb_look_up(const char *name, GError **error)
{
	const PerturbInfo *info = perturb_find(name);
	if (!info)
		unknown_name(name, error);
	return info;
}

/* "FROM..UNTIL", either of them absent; an empty text is no span. */
static bool parse_span(const char *text, int64_t *ret_from, int64_t *ret_until)
{
	g_auto(GStrv) ends = g_strsplit(text, "..", 2);
	bool good = ends[0] && ends[1] && (*ends[0] || *ends[1]);
	if (good && *ends[0])
		good = quantity_parse_ns(ends[0], ret_from, NULL);
	if (good && *ends[1])
		good = quantity_parse_ns(ends[1], ret_until, NULL);
	return good && *ret_from < *ret_until;
}

gboolean perturb_chain_add(PerturbChain *chain, const char *text, GError **error)
{
	g_auto(GStrv) timed = g_strsplit(text, "+", 2);
	g_auto(GStrv) aimed = g_strsplit(timed[0] ? timed[0] : "", "@", 2);
	g_auto(GStrv) graded = g_strsplit(aimed[0] ? aimed[0] : "", ":", 2);
	const char *target = aimed[0] ? aimed[1] : NULL, *severity = graded[0] ? graded[1] : NULL;
	int64_t from = INT64_MIN, until = CLOCK_NEVER;
	const PerturbInfo *info = perturb_look_up(graded[0] ? graded[0] : "", error);
	if (!info)
		return FALSE;
	bool good = severity && severity[0] >= '1' && severity[0] <= '5' && !severity[1] &&
		    (!target || (*target && !strchr(target, ','))) &&
		    (!timed[1] || parse_span(timed[1], &from, &until));
	if (!good) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "expected NAME:SEVERITY[@ROLE][+FROM..UNTIL] with a severity from 1 to "
			    "5, as in %s:3 or %s:3+4s..10s, found '%s'",
			    info->name, info->name, text);
		return FALSE;
	}
	perturb_chain_add_step(chain, info, (unsigned)(severity[0] - '0'), target, from, until);
	return TRUE;
}

void perturb_chain_add_step(PerturbChain *chain, const PerturbInfo *info, unsigned severity,
			    const char *target, int64_t from_ns, int64_t until_ns)
{
	g_assert(severity >= 1 && severity <= PERTURB_SEVERITIES && from_ns < until_ns);
	Step step = {.id = (PerturbId)(info - perturb_catalogue),
		     .severity = severity,
		     .target = g_strdup(target),
		     .from_ns = from_ns,
		     .until_ns = until_ns};
	g_array_append_val(chain->steps, step);
}

gboolean perturb_chain_add_text(PerturbChain *chain, const char *text, GError **error)
{
	g_auto(GStrv) steps = g_strsplit(text, ",", -1);
	for (char **step = steps; *step; step++)
		if (!perturb_chain_add(chain, *step, error))
			return FALSE;
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

/* Whole nanoseconds, so that it reads back as it was. */
static void append_time(GString *text, int64_t ns)
{
	if (ns == INT64_MIN || ns == CLOCK_NEVER)
		return;
	if (ns % CLOCK_MS)
		g_string_append_printf(text, "%" G_GINT64_FORMAT "ns", ns);
	else if (ns % CLOCK_S)
		g_string_append_printf(text, "%" G_GINT64_FORMAT "ms", ns / CLOCK_MS);
	else
		g_string_append_printf(text, "%" G_GINT64_FORMAT "s", ns / CLOCK_S);
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
		if (step->from_ns == INT64_MIN && step->until_ns == CLOCK_NEVER)
			continue;
		g_string_append_c(text, '+');
		append_time(text, step->from_ns);
		g_string_append(text, "..");
		append_time(text, step->until_ns);
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

bool step_active(const Step *step, int64_t t_ns)
{
	return t_ns >= step->from_ns && t_ns < step->until_ns;
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
