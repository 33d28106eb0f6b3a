/* A time that the product reports is a claim to be scored for honesty: NAME.age = the bench's own receipt minus the claim, for
 * every claim in a time unit. Both are on the bench timebase; a product that dates its detection back has a large age, one
 * that answers from the future a negative one. */
#include "judge.h"

static bool is_claimed_time(const Signal *signal)
{
	return signal->info.origin == ORIGIN_CLAIM && !signal->info.boolean &&
	       unit_compatible(&signal->info.unit, &unit_second);
}

static Signal *age_of(const Judge *judge, const Signal *claim)
{
	g_autofree char *name = g_strdup_printf("%s.age", claim->info.name);
	Signal *age = signal_new(name);
	age->info.unit = unit_second;
	age->info.origin = ORIGIN_CLAIM;
	age->info.interp = SIGNAL_PREVIOUS;
	age->info.affected_by_product = true;
	age->info.u_clock_s = claim->info.u_clock_s;
	signal_append(age, judge->recording->start_ns - 1, 0, SAMPLE_OK); /* nothing claimed yet */
	for (size_t i = 0; i < claim->n; i++) {
		double claimed = unit_convert(claim->v[i], &claim->info.unit, &unit_second);
		if (claim->t_ns[i] >= judge->recording->start_ns)
			signal_append(age, claim->t_ns[i], (double)claim->t_ns[i] / 1e9 - claimed,
				      (SampleStatus)claim->status[i]);
	}
	return age;
}

void judge_derive_claims(Judge *judge)
{
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, judge->recording->signals);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Signal *claim = value;
		/* An unchanged one's age is the base's (judge_signal). */
		if (judge->base &&
		    recording_signal(judge->base->recording, claim->info.name) == claim)
			continue;
		Signal *age = is_claimed_time(claim) ? age_of(judge, claim) : NULL;
		if (age)
			g_hash_table_insert(judge->derived, g_strdup(age->info.name), age);
	}
}
