/* One run of the population. GLib's generator is MT19937, seeded with an array: the same numbers on every machine. */
#include "plan.h"

#include <math.h>

void population_free(Population *p)
{
	if (!p)
		return;
	g_free(p->name);
	g_free(p->fixed);
	g_strfreev(p->words);
	g_free(p->weights);
	g_free(p);
}

void campaign_draw_free(CampaignDraw *draw)
{
	if (!draw)
		return;
	g_strfreev(draw->sets);
	g_free(draw);
}

bool population_end(const Quantity *end, bool bare, const Parameter *parameter, double *ret)
{
	const Unit *unit = &parameter->value.unit;
	if (!bare && !unit_compatible(&end->unit, unit))
		return false;
	*ret = bare ? end->value : unit_convert(end->value, &end->unit, unit);
	return true;
}

static const char *draw_word(const Population *p, GRand *random)
{
	double sum = 0, at;
	guint n = g_strv_length(p->words);
	for (guint i = 0; i < n; i++)
		sum += p->weights[i];
	at = g_rand_double(random) * sum;
	for (guint i = 0; i + 1 < n; i++) {
		if (at < p->weights[i])
			return p->words[i];
		at -= p->weights[i];
	}
	return p->words[n - 1];
}

static char *draw_value(const Population *p, const Parameter *parameter, GRand *random)
{
	double lo = 0, hi = 0;
	switch (p->kind) {
	case DRAW_FIXED:
		return g_strdup(p->fixed);
	case DRAW_WEIGHTS:
		return g_strdup(draw_word(p, random));
	case DRAW_UNIFORM:
		break;
	}
	population_end(&p->lo, p->bare_lo, parameter, &lo);
	population_end(&p->hi, p->bare_hi, parameter, &hi);
	double value = lo + (hi - lo) * g_rand_double(random);
	return quantity_format(value, &parameter->value.unit, 6);
}

CampaignDraw *campaign_draw(const GPtrArray *population, const Scenario *scenario, unsigned which,
			    uint64_t seed, unsigned index)
{
	const guint32 key[] = {(guint32)seed, (guint32)(seed >> 32), which, index};
	GRand *random = g_rand_new_with_seed_array(key, G_N_ELEMENTS(key));
	CampaignDraw *draw = g_new0(CampaignDraw, 1);
	GStrvBuilder *sets = g_strv_builder_new();
	draw->scenario = which;
	draw->sample = index + 1;
	draw->seed = g_rand_int(random);
	for (guint i = 0; i < population->len; i++) {
		const Population *p = g_ptr_array_index(population, i);
		const Parameter *parameter = scenario_parameter(scenario, p->name);
		if (!parameter)
			continue;
		g_autofree char *value = draw_value(p, parameter, random);
		g_autofree char *set = g_strdup_printf("%s=%s", p->name, value);
		g_strv_builder_add(sets, set);
	}
	draw->sets = g_strv_builder_end(sets);
	g_strv_builder_unref(sets);
	g_rand_free(random);
	return draw;
}
