/* A formula on signals as pairs of tracks. Private to stl. */
#ifndef ANZEN_STL_EVAL_H
#define ANZEN_STL_EVAL_H

#include "ast.h"
#include "track.h"

/* Between lo and hi lies every completion of what is missing. The same track twice when nothing is. */
typedef struct Pair {
	Track *lo, *hi;
} Pair;
void pair_clear(Pair *pair);

/* The samples of a signal of which nothing is missing, on the axis. */
typedef struct Series {
	size_t n; /* 0: something is missing */
	double *t, *v;
	size_t t_bytes, v_bytes; /* of the rooms */
} Series;

typedef struct Eval {
	const StlFormula *f;
	const StlInput *input;
	StlEnds ends;
	/* Inside, time is in ticks (ns) since the start, as doubles: sample times and bounds are then whole numbers, so that an
	 * answer exactly at a limit lies inside its window (in binary seconds 0.3 + 0.1 is not 0.4). */
	double end, per_s; /* per_s: ticks in a second */
	/* Completeness test: the lower side takes all beyond the ends for as good as can be, the upper side for as bad. */
	bool contrary;
	GHashTable *series; /* Signal → Series* */
	GHashTable *truths; /* Node → Pair*: kept for explanations */
	bool no_margin;     /* an atom's uncertainty was not declared in a mixed formula */
	GError *error;
	double look_from, look_to; /* where the formula that is being explained looks */
	bool discrete;             /* time counts samples: see discrete.h */
	size_t samples;
	const int64_t *stamps; /* of the samples; borrowed */
} Eval;

/* Evaluates a child: eval_truth or eval_margin. */
typedef Pair (*EvalFunc)(Eval *, const Node *);

void eval_init(Eval *e, const StlFormula *f, const StlInput *input, const StlOptions *options);
void eval_clear(Eval *e);
/* The same on a part of the input; clearing it hands errors and marks to the whole. `input` outlives it. */
void eval_init_part(Eval *part, const Eval *whole, const StlInput *input);
void eval_clear_part(Eval *part, Eval *whole);
/* Of no signal is anything missing, and none is between two series. */
bool source_whole(Eval *e);

Pair eval_term(Eval *e, const Node *n);   /* in n->unit */
Pair eval_truth(Eval *e, const Node *n);  /* ±INFINITY */
Pair eval_margin(Eval *e, const Node *n); /* robustness */
/* A signal as it was measured, ±INFINITY where nothing is known. */
Pair eval_raw_signal(Eval *e, const Node *n);
/* The kept truth of a node (borrowed). */
const Pair *eval_truth_of(Eval *e, const Node *n);

/* What sample i says for one side: false when nothing. A saturated one is a bound, so the other side of it is unknown. */
bool eval_usable(const Signal *s, size_t i, bool upper, double *ret);

StlTruth truth_between(double lo, double hi);
int64_t eval_ns(const Eval *e, double t);
/* A checked bound in ticks; INFINITY stays. */
double eval_ticks(const Eval *e, double s);

/* Signals: source.c. A pair of tracks, and the samples that whole ones keep. */
Pair source_pair(Eval *e, const Node *n);
void series_free(void *series);

/* Pairs: pair.c; each consumes what it is given. */
Pair pair_twice(Track *track);
Pair pair_solid(Pair a);
Pair pair_negate(Pair a);
Pair pair_combine(Pair a, Pair b, TrackOp op);
Pair pair_absolute(Pair a, double end);
/* By a factor in [c0, c1]. */
Pair pair_times(Pair a, double c0, double c1);
/* Sure and possible truth of margins. */
Pair pair_truth(Pair margin, bool strict);
Pair pair_reversed(Pair a);
Pair pair_copy(const Pair *a);
/* Nothing is missing: both sides are one track, and what is done to it is done once. */
static inline bool pair_exact(const Pair *p)
{
	return p->lo == p->hi;
}

Pair pair_window(const Eval *e, Pair a, double from, double to, bool open_from, bool open_to);
/* What lies beyond the ends, for one side of a sup. */
double eval_outside(const Eval *e, bool upper);

/* The truth that edges are made of. Two limits that are passed together do not come out at the same instant to the last bit; what
 * is true in between, for less than a nanosecond, may not have been. */
Pair eval_truth_for_edges(Eval *e, const Node *n);
/* Rises of n, by time: array of StlEdge. */
GArray *eval_edges(Eval *e, const Node *n);
/* n is a truth that the caller has worked out: an unknown time in it hides one edge at most. */
bool eval_derived(const Eval *e, const Node *n);

/* The operators of temporal.c, over.c and curve.c. */
Pair eval_rise(Eval *e, const Node *n, EvalFunc of);
Pair eval_window(Eval *e, const Node *n, EvalFunc of);
Pair eval_until(Eval *e, const Node *n, EvalFunc of);
Pair eval_since(Eval *e, const Node *n, EvalFunc of);
Pair eval_weak(Eval *e, const Node *n, EvalFunc of);
Pair eval_over(Eval *e, const Node *n, EvalFunc of);
Pair eval_mean(Eval *e, const Node *n, EvalFunc of);
Pair eval_count(Eval *e, const Node *n, EvalFunc of);
Pair eval_curve(Eval *e, const Node *n, EvalFunc of);
Pair curve_pair(const Eval *e, NodeKind op, Pair a, Pair b);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pair, pair_clear)

#endif
