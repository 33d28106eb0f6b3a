/* When does a formula hold? The instants at which its truth changes, not the samples beside them. */
#include "eval.h"

#include <math.h>

/* Crossings are worked out to some 1e-6 ns. */
#define HAIR 1e-6

typedef struct TimesWalk {
	const Eval *e;
	GArray *times;
	bool inside, sure;
	double from;
} TimesWalk;

static void close_stretch(TimesWalk *w, double to)
{
	/* What holds for sure is told no longer than it does, what may hold no shorter. */
	double from = w->sure ? ceil(w->from - HAIR) : floor(w->from + HAIR),
	       until = w->sure ? floor(to + HAIR) : ceil(to - HAIR);
	StlStretch s = {w->e->input->start_ns + (int64_t)from,
			w->e->input->start_ns + (int64_t)until};
	if (s.from_ns <= s.to_ns)
		g_array_append_val(w->times, s);
}

static void times_step(TimesWalk *w, double t, bool holds)
{
	if (holds && !w->inside)
		w->from = t;
	else if (!holds && w->inside)
		close_stretch(w, t);
	w->inside = holds;
}

static GArray *times_of(const Eval *e, const Track *side, bool sure)
{
	TimesWalk w = {
		.e = e, .times = g_array_new(FALSE, FALSE, sizeof(StlStretch)), .sure = sure};
	for (size_t i = 0; i < side->n && side->k[i].t <= e->end; i++) {
		times_step(&w, side->k[i].t, side->k[i].v > 0);
		if (side->k[i].t < e->end)
			times_step(&w, side->k[i].t, side->k[i].r > 0);
	}
	if (w.inside)
		close_stretch(&w, e->end);
	return w.times;
}

gboolean stl_times(const StlFormula *f, const StlInput *input, GArray **ret_sure,
		   GArray **ret_perhaps, GError **error)
{
	Eval e;
	eval_init(&e, f, input, NULL);
	const Pair *truth = eval_truth_of(&e, f->root);
	g_autoptr(GArray) sure = times_of(&e, truth->lo, true),
			  perhaps = times_of(&e, truth->hi, false);
	bool good = e.error == NULL;
	if (good) {
		*ret_sure = g_steal_pointer(&sure);
		*ret_perhaps = g_steal_pointer(&perhaps);
	} else {
		g_propagate_error(error, g_steal_pointer(&e.error));
	}
	eval_clear(&e);
	return good;
}
