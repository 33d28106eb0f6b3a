/* A recording as it would look had the bench erred: the product's answers stamped later, a sensor reading too high, a label
 * set elsewhere. For tipping points and Monte-Carlo checks. */
#include "judge.h"

void varied_free(Varied *varied)
{
	if (!varied)
		return;
	g_hash_table_unref(varied->recording.signals);
	g_ptr_array_unref(varied->owned);
	g_free(varied);
}

static int64_t draw_shift(const Variation *v, const SignalInfo *info, double common)
{
	if (!v->draws || !(info->u_clock_s > 0))
		return 0;
	bool answer = info->origin == ORIGIN_RESPONSE || info->origin == ORIGIN_CLAIM;
	/* What the bench receives it stamps with one clock; every other signal has its own. */
	double by = answer ? common * info->u_clock_s
			   : metrology_draw_normal(v->draws, info->u_clock_s);
	return (int64_t)llround(by * 1e9);
}

static int64_t shift_of(const Variation *v, const SignalInfo *info, double common)
{
	int64_t shift = draw_shift(v, info, common);
	if (info->origin == ORIGIN_RESPONSE || info->origin == ORIGIN_CLAIM)
		shift += v->answer_shift_ns;
	if (info->origin == ORIGIN_LABEL)
		shift += v->label_shift_ns;
	return shift;
}

/* The same for all samples: a given error, or one draw of the calibration's. */
static double bias_of(const Variation *v, const SignalInfo *info)
{
	if (view_kind(info) != VIEW_MEASURED)
		return 0;
	if (!v->draws)
		return !g_strcmp0(v->biased, info->name) ? v->bias : 0;
	const Uncertainty common = {info->u_common, info->dof_common};
	double bias = metrology_draw(v->draws, &common);
	return isnan(bias) ? 0 : bias; /* undeclared: the judge calls it INVALID anyhow */
}

static Signal *varied_signal(const Variation *v, const Signal *signal, double common)
{
	const SignalInfo *info = &signal->info;
	int64_t shift = shift_of(v, info, common);
	double bias = bias_of(v, info);
	double noise = v->draws && view_kind(info) == VIEW_MEASURED && info->u_sample > 0
			       ? info->u_sample
			       : 0;
	if (shift == 0 && bias == 0 && noise == 0)
		return NULL;
	Signal *s = signal_new(info->name);
	signal_info_clear(&s->info);
	signal_info_init(&s->info, NULL);
	signal_info_copy(&s->info, info);
	for (size_t i = 0; i < signal->n; i++) {
		double extra = noise > 0 ? metrology_draw_normal(v->draws, noise) : 0;
		/* What was so before the timeline began stays so: a shift must not make a hole there. */
		int64_t t = signal->t_ns[i] > v->start_ns || shift < 0 ? signal->t_ns[i] + shift
								       : signal->t_ns[i];
		signal_append(s, t, signal->v[i] + bias + extra, (SampleStatus)signal->status[i]);
	}
	return s;
}

static bool is_named(const Variation *v, const char *name)
{
	if (g_ptr_array_find_with_equal_func(v->names, name, g_str_equal, NULL))
		return true;
	/* NAME.age is derived from NAME (claim.c). */
	g_autofree char *age = g_strdup_printf("%s.age", name);
	return g_ptr_array_find_with_equal_func(v->names, age, g_str_equal, NULL);
}

Varied *judge_vary(const Recording *recording, const Variation *v)
{
	Varied *varied = g_new0(Varied, 1);
	varied->recording = *recording;
	varied->recording.signals = g_hash_table_new(g_str_hash, g_str_equal);
	varied->owned = g_ptr_array_new_with_free_func((GDestroyNotify)signal_free);
	double common = v->draws ? metrology_draw_normal(v->draws, 1) : 0;
	/* In the order of names, not of the hash table, so that the same seed gives the same draws. */
	g_autoptr(GList) names =
		g_list_sort(g_hash_table_get_keys(recording->signals), (GCompareFunc)strcmp);
	for (GList *name = names; name; name = name->next) {
		Signal *signal = g_hash_table_lookup(recording->signals, name->data);
		Signal *other = is_named(v, name->data) ? varied_signal(v, signal, common) : NULL;
		if (other)
			g_ptr_array_add(varied->owned, other);
		signal = other ? other : signal;
		g_hash_table_insert(varied->recording.signals, signal->info.name, signal);
	}
	return varied;
}
