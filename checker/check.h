/* anzen-verdict-check: does a run folder's run.json follow from its session? A second, small judge that shares no code with
 * host/stl, host/criterion or host/metrology: it re-reads the recording, takes from the witness only what weakens a claim
 * (where nothing is known) or what it can recompute (bands, spans, margins), and must come to the same PASS or FAIL.
 *
 * Time is whole nanoseconds here, so that open and closed ends are the same question; a set of times is a sorted list of
 * closed spans. A formula becomes two sets: when it holds for sure, and when it is violated for sure. That is all the logic.
 */
#ifndef ANZEN_CHECKER_CHECK_H
#define ANZEN_CHECKER_CHECK_H

#include <anzen/session.h>
#include <math.h>
#include <string.h>

/* ---- sets of times (set.c) ---- */
typedef struct Span {
	int64_t a, b; /* both inside */
} Span;
typedef GArray Set; /* of Span, sorted, apart */
Set *set_new(void);
void set_add(Set *set, int64_t a, int64_t b); /* any order; a > b adds nothing */
Set *set_tidy(Set *set);                      /* sorts and merges in place; returns it */
Set *set_and(const Set *x, const Set *y);
Set *set_or(const Set *x, const Set *y);
Set *set_not(const Set *x, Span in);
bool set_has(const Set *set, int64_t t);
/* Times t in `in` with some, or all, of [t + from, t + to] in x. to INT64_MAX: up to the end of `in` (from INT64_MIN: since
 * its begin); otherwise what lies beyond `in` is not in x. */
Set *set_some(const Set *x, int64_t from, int64_t to, Span in);
Set *set_all(const Set *x, int64_t from, int64_t to, Span in);
/* Times t in `in` with some t' in q in [t + from, t + to] (past: [t - to, t - from]) and all between the two, both ends too, in
 * p. beyond: what lies outside `in` is in p and q. */
Set *set_until(const Set *p, const Set *q, int64_t from, int64_t to, bool past, bool beyond,
	       Span in);

typedef struct Tri {
	Set *yes, *no;
	bool truth; /* made from a TruthSpec: after its onset it does not rise again by being unknown */
} Tri;
void tri_clear(Tri *tri);
typedef struct Edge {
	int64_t from, to; /* it rises in here */
	bool certain;
} Edge;
GArray *tri_edges(const Tri *tri, Span in); /* Edge */

/* ---- formulas (formula.c) ---- */
typedef enum {
	N_NUMBER,
	N_SIGNAL,
	N_INITIAL,
	N_PLUS,
	N_MINUS,
	N_TIMES,
	N_OVER,
	N_MIN,
	N_MAX,
	N_ABS,
	N_LESS,
	N_MORE,
	N_TRUE,
	N_NOT,
	N_AND,
	N_OR,
	N_IMPLIES,
	N_IFF,
	N_ALWAYS,
	N_ONCE_PAST,
	N_UNTIL,
	N_SINCE,
	N_RISE,
	N_DELAY,
	N_OTHER,
} Kind;
typedef struct Node {
	Kind kind;
	double number; /* in unit */
	Unit unit;
	char *name;
	bool equal;       /* N_LESS, N_MORE: <=, >= */
	int64_t from, to; /* bounds, of what has some */
	struct Node *a, *b;
} Node;
/* parameters: name → Quantity*, or NULL. NULL: not understood (what is not in the grammar above included). */
Node *formula_parse(const char *text, GHashTable *parameters);
void formula_free(Node *node);
bool formula_same(const Node *x, const Node *y);
void formula_names(const Node *node, GPtrArray *names); /* borrowed, each once */

/* ---- what the recording says (signals.c) ---- */
typedef struct Piece {
	int64_t a, b; /* straight between the two ends, on both sides */
	double lo_a, lo_b, hi_a, hi_b;
} Piece;
typedef struct World {
	const Recording *rec;
	const JudgeSpec *spec;
	Span in;
	bool point;   /* as measured, without bands */
	bool silent;  /* the product never does anything */
	double shift; /* atoms count only beyond this margin, in shift_unit */
	Unit shift_unit;
	double clock_s;       /* truths are this much less certain, on both sides */
	GHashTable *risks;    /* "truth/signal" or "/signal" → double*: risk of that band */
	GHashTable *unknown;  /* signal → Set*: nothing is known there */
	const char *truth;    /* the one being made */
	double stimulus_risk; /* > 0: bands of this risk whatever `risks` says */
	GString *
		problem; /* first thing that could not be worked out; shared by all copies of a world */
} World;
void world_problem(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
const TruthSpec *world_truth(const World *world, const char *name);
bool is_answer(const SignalInfo *info);   /* RESPONSE or CLAIM */
bool is_outcome(const SignalInfo *info);  /* or caused by one */
bool is_measured(const SignalInfo *info); /* has a band */
/* Half-width of a band that holds for n samples at once with 1 - risk. */
double band_width(const SignalInfo *info, size_t n, double risk);
size_t usable_samples(const World *world, const Signal *signal);
GArray *world_pieces(World *world, const char *name); /* Piece; caller unrefs */
Tri world_boolean(World *world, const char *name);
Set *signal_known(World *world, const Signal *signal); /* where there is a value, sure or not */

/* ---- a formula on a recording (eval.c) ---- */
Tri eval(World *world, const Node *node);
Tri negated(Tri *tri); /* takes its sets */

#endif
