/* The Monte-Carlo check (JCGM 101): what share of draws within the declared uncertainties would contradict the verdict? It
 * looks over the shoulder of the guard bands and changes no verdict. The measured values carry their noise already, so a draw
 * has it twice: for windows over many samples the share errs on the safe side. */
#include "judge.h"

static void count(MonteCarlo *m, StlTruth truth)
{
	m->draws++;
	switch (truth) {
	case STL_TRUE:
		m->held++;
		break;
	case STL_FALSE:
		m->violated++;
		break;
	case STL_UNKNOWN:
		m->open++;
		break;
	}
}

/* The troubles of the bench stay those of the real recording; only what the criterion looks at is drawn. */
static void check_one(Judge *judge, const Recording *recording, const Criterion *c, unsigned draws,
		      unsigned long seed, CriterionResult *r)
{
	g_autoptr(GPtrArray) names =
		judge_names(judge, (const char *const[]){c->formula, c->measure, c->premise}, 3);
	g_autoptr(Draws) source = metrology_draws_new(seed);
	const Variation v = {.names = names, .start_ns = recording->start_ns, .draws = source};
	for (unsigned i = 0; i < draws; i++) {
		g_autoptr(Varied) varied = judge_vary(recording, &v);
		g_auto(Judge) drawn = {0};
		judge_fork(&drawn, judge, &varied->recording);
		count(&r->monte_carlo, judge_point_truth(&drawn, c, c->required));
	}
}

void criterion_monte_carlo(const Recording *recording, Pack *const *packs, size_t n_packs,
			   const JudgeSpec *spec, unsigned draws, unsigned long seed,
			   RunRecord *record)
{
	g_auto(Judge) judge = {0};
	judge_init(&judge, recording, spec);
	for (guint i = 0; i < record->criteria->len; i++) {
		CriterionResult *r = g_ptr_array_index(record->criteria, i);
		const Criterion *c = criterion_find(packs, n_packs, r->id);
		r->monte_carlo = (MonteCarlo){0};
		if (c && r->verdict != VERDICT_INVALID)
			check_one(&judge, recording, c, draws, seed, r);
	}
}
