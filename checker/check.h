/* anzen-verdict-check: does run.json follow from session.mcap? A second, small judge that shares no code with host/stl and
 * host/criterion. Of run.json it believes only what it can work out again, or what makes a verdict weaker.
 *
 * Time is whole nanoseconds here, so open and closed ends are the same question. A condition becomes two sets of times: when it
 * holds for sure, and when it may hold. A number is never written out: over a short time it lies in an interval, and a comparison
 * that this does not decide is looked at in halves. */
#ifndef ANZEN_CHECKER_CHECK_H
#define ANZEN_CHECKER_CHECK_H

#include <anzen/metrology.h>
#include <anzen/session.h>
#include <math.h>
#include <string.h>

#define FAR (INT64_MAX / 4)
#define INF ((double)INFINITY)
#define NOTHING 1e-11 /* a margin no larger, in its unit, leaves it open */
enum { SURE, MAYBE }; /* of conditions; of numbers: the least and the most that they can be */

/* ---- sets of times (set.c); they live until the pool is cut back to a mark before them ---- */
guint pool_mark(void);
void pool_release(guint mark);
GArray *pooled(size_t item);
typedef GArray
	Set; /* of int64_t: in it from the first up to just before the second, from the third … */
enum { ONLY_LEFT = 2, BOTH = 8, EITHER = 14 };
Set *set_span(int64_t first, int64_t last);          /* both inside; last < first: empty */
void set_add(Set *set, int64_t first, int64_t last); /* begins no earlier than all that is in it */
Set *set_mix(const Set *x, const Set *y,
	     unsigned keep); /* of what is only in x, only in y, in both */
guint times_until(const GArray *times,
		  int64_t t); /* how many of them: odd, when they are a set, inside */
bool set_has(const Set *set, int64_t t);
int64_t set_next(const Set *set, int64_t t); /* the first time from t on in it, or CLOCK_NEVER */
/* Times t in p with some t' of q in [t + from, t + to], and all of p between the two. */
Set *set_until(const Set *p, const Set *q, int64_t from, int64_t to);
Set *set_mirrored(const Set *x);

/* ---- formulas (formula.c) ---- */
typedef enum {
	N_NONE,
	N_TRUE,
	N_SIGNAL,
	N_LESS,
	N_AT_MOST,
	N_TOUCH, /* at most, or within the nanosecond: two lines meet between two of them */
	N_NOT,
	N_OR,
	N_IMPLIES,
	N_SOME,
	N_UNTIL,
	N_SINCE,
	N_RISE,
	N_DELAY,
	N_NUMBER,
	N_INITIAL,
	N_PLUS,
	N_MINUS,
	N_MAX,
	N_TIMES,
	N_OVER,
	N_NORM,
	N_PEAK,
	N_MEAN,
	N_COUNT
} Kind;
typedef struct Piece { /* straight from a to b */
	int64_t a, b;
	double va, vb;
} Piece;
typedef struct Node {
	Kind kind;
	double number; /* SI */
	Unit unit;
	const char *name;
	int64_t from, to; /* bounds, both inside */
	struct Node *a, *b;
	GArray *pieces[2]; /* Piece: of a signal, while it is compared */
	GArray *edges;     /* Edge: of a count, likewise */
} Node;
double piece_at(const Piece *p, int64_t t);
double si(double value, const Unit *unit);
/* parameters: name → Quantity*, or NULL. NULL: not understood. */
Node *formula_parse(const char *text, GHashTable *parameters);
bool formula_same(const Node *x, const Node *y);
void formula_names(const Node *node, GPtrArray *names); /* each once */

/* ---- a formula on a recording (signals.c, eval.c) ---- */
typedef struct Tri {
	Set *s[2];
	bool truth; /* of a TruthSpec: after its onset it does not rise again by being unknown */
} Tri;
typedef struct Edge {
	int64_t from, to;  /* it rises in here */
	bool certain, any; /* any: perhaps more than once */
} Edge;
typedef struct World {
	const Recording *rec;
	const JudgeSpec *spec;
	int64_t from, to; /* the timeline, both inside */
	Set *all;         /* the same */
	bool point;       /* as measured, without bands */
	bool silent;      /* the product never does anything */
	bool given;       /* asked is what the product was given, whoever shaped it */
	bool mixed; /* shift is in standard uncertainties of each atom, since their units differ */
	double shift;        /* atoms count only beyond this margin, in SI */
	double clock_s;      /* truths are this much less certain, on both sides */
	double risk;         /* > 0: of every band, whatever `risks` says */
	GHashTable *risks;   /* "truth/signal" or "/signal" → double*: risk of that band */
	GHashTable *unknown; /* signal → Set*: nothing is known there */
	const char *truth;   /* the one being made */
	GArray *times;       /* int64_t: ends of the pieces that the atom looks at */
	unsigned work;       /* done for it */
	unsigned *poles;     /* how often a divisor could be 0; shared by all copies */
	GString *problem;    /* first thing that cannot be worked out; shared by all copies */
} World;
/* Where a signal was withheld it was recorded, and nothing else is in doubt, unless it tells of the product's own state. */
bool fault_only_withheld(const Recording *rec, const Fault *fault);
void world_problem(World *w, const char *format, ...) G_GNUC_PRINTF(2, 3);
const TruthSpec *spec_truth(const JudgeSpec *spec, const char *name);
#define is_answer(info) ((info)->origin == ORIGIN_RESPONSE || (info)->origin == ORIGIN_CLAIM)
#define is_outcome(info) (is_answer(info) || (info)->affected_by_product) /* or caused by one */
#define is_measured(info) (!(info)->boolean && !is_answer(info))          /* has a band */
size_t usable_samples(const World *w, const Signal *signal);
Tri world_boolean(World *w, const char *name);
void world_number(World *w, const char *name, GArray *ret_pieces[2]);
/* Unknown anywhere (a Boolean may change unseen between samples)? broken: and not only withheld. */
bool world_hole(World *w, const char *name, bool broken);
Tri eval(World *w, Node *node);
GArray *rises(const World *w, const Tri *tri); /* Edge; the caller unrefs it */
bool holds(World *w, Node *node, bool yes);    /* at the begin, for sure: it, or not it */
/* Do its atoms give it a margin? Sets *ret_unit and w->mixed. */
bool has_margin(World *w, const Node *node, Unit *ret_unit);

#endif
