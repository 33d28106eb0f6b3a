/* Private to criterion: how a recording is judged.
 *
 *	troubles (bench)  ─┐
 *	signals ─► views ──┴► series (lower, upper) ─► truth.* ─► stl ─► outcome ─► verdict
 *
 * Everything that the bench cannot vouch for becomes *unknown* before any formula is evaluated. So a PASS holds for every
 * completion of what is missing, a FAIL as well, and the rest is INVALID (the bench), or INCONCLUSIVE (uncertainty, end).
 */
#ifndef ANZEN_CRITERION_JUDGE_H
#define ANZEN_CRITERION_JUDGE_H

#include "pack.h"
#include <anzen/metrology.h>

/* A sentence's part in both languages. */
typedef struct Text {
	char *en, *ja;
} Text;
void text_clear(Text *text);
Text text_copy(const Text *text);

/* The bench failed here. */
typedef struct Trouble {
	int64_t from_ns, until_ns;
	char *signal;   /* this signal is unknown meanwhile */
	bool all;       /* every signal is */
	bool responses; /* whatever the product does or causes is unknown from here to the end */
	bool proven;    /* from signals that the product cannot influence */
	bool withheld; /* nothing was wrong: the signal was taken out of the recording there, and nothing else is in doubt */
	Text what;
} Trouble;
Trouble *trouble_new(int64_t from_ns, int64_t until_ns, const char *signal, bool proven, char *en,
		     char *ja);
void trouble_free(Trouble *trouble);
/* Of that signal alone, or of the claim that NAME.age is made of. */
bool trouble_is_of(const Trouble *trouble, const char *name);

typedef enum {
	VIEW_MEASURED, /* numbers from a sensor: envelopes */
	VIEW_SAMPLED,  /* Booleans from a sensor: may change anywhere between two samples */
	VIEW_STAMPED,  /* stamped at each change: exact until the next */
} ViewKind;

typedef struct Knot {
	int64_t t_ns;
	double v;    /* NaN (stamped only): unknown from here on */
	bool joined; /* what lies between the last knot and this one is known */
} Knot;

/* A signal with everything unusable taken out. */
typedef struct View {
	const Signal *signal;
	ViewKind kind;
	GArray *knots;       /* Knot */
	GPtrArray *troubles; /* Trouble*, of this signal alone */
} View;

/* The band around a measured signal, for the witness. Names are borrowed from the recording and the specification. */
typedef struct Band {
	const char *signal, *truth; /* truth: the one that it serves, or NULL */
	double risk, width;
	size_t samples;
} Band;

/* Lower and upper series of one name. Never changed once made, so that many sets share it; counted. */
typedef struct Series {
	Signal *lower, *upper; /* upper NULL: the same */
	GArray *bands;         /* Band; NULL: none */
} Series;

/* Series by name, for StlInput. upper has only those that differ. */
typedef struct SeriesSet {
	GHashTable *lower, *upper; /* Signal*, borrowed from `kept` */
	GPtrArray *kept;           /* Series*, in the order in which they were added */
} SeriesSet;

typedef struct Life {
	Verdict verdict; /* PASS: shown alive; else what a prohibition gets */
	Text why;
} Life;

typedef struct ProductFault {
	int64_t t_ns;
	Text what;
} ProductFault;

typedef struct Judge {
	const Recording *recording;
	const JudgeSpec *spec;
	GPtrArray *troubles; /* Trouble*, of the bench as a whole */
	GArray *product;     /* ProductFault, by time */
	GHashTable *views;   /* name → View*, made when asked for */
	GHashTable *truths;  /* "NAME risk clock" → Series* of truths, likewise */
	GHashTable *series;  /* the same of signals, dropped when they grow too many */
	size_t n_samples;    /* in `series` */
	GHashTable *derived; /* name → Signal*: NAME.age, the receipt minus a claimed time */
	Life life;
	int64_t scripted_until; /* from here on the stimulus was not seen to be as scripted; CLOCK_NEVER */
	char *underivable;  /* why the last truth that was asked for could not be worked out */
	bool proving;       /* outcomes carry a witness */
	bool verdicts_only; /* no traces, nothing for people */
	struct Judge *base; /* of the recording that this one is a variation of, or NULL */
} Judge;

/* ---- bench troubles (trouble.c, stimulus.c) ---- */
void judge_find_troubles(Judge *judge);  /* faults, frame age, CPU wait, consumption, heartbeat */
void judge_check_stimulus(Judge *judge); /* "stimulus not as scripted" becomes a trouble */
/* A replay shows its stimulus as it was recorded; what came of it is another matter. After the stimulus. */
void judge_open_loop(Judge *judge);
/* Are the checks that look at `signal` satisfied for sure in the recording as it is now? Adds no trouble. */
bool judge_stimulus_holds(Judge *judge, const char *signal);
void judge_add_trouble(Judge *judge, Trouble *trouble);
void judge_add_product_fault(Judge *judge, int64_t t_ns, char *en, char *ja);
double judge_seconds(const Judge *judge, int64_t t_ns); /* on the timeline */
/* First trouble that touches one of `names` (or the product's outcomes, when one of them is an outcome). NULL: none. */
const Trouble *judge_first_trouble(Judge *judge, GPtrArray *names);
/* Of those that something was wrong in. */
const Trouble *judge_first_broken(Judge *judge, GPtrArray *names);
/* Of those that throw doubt on whatever the product does, so on its signs of life. */
const Trouble *judge_first_doubt(const Judge *judge);

/* ---- claims (claim.c) ---- */
void judge_derive_claims(Judge *judge);

/* ---- views (view.c) ---- */
const Signal *judge_signal(const Judge *judge, const char *name); /* recorded or derived; NULL */
View *judge_view(Judge *judge, const char *name); /* NULL: no such signal. Borrowed */
void view_free(View *view);
ViewKind view_kind(const SignalInfo *info);
bool signal_is_outcome(const SignalInfo *info); /* downstream of what the product did */

/* ---- series (series.c) ---- */
typedef struct Widening {
	double risk; /* per signal and side; 0: no widening at all (the point evaluation) */
	double clock_s; /* truth.* edges are this much wider; series of other signals are not shifted */
} Widening;
Series *series_new(Signal *lower, Signal *upper); /* takes both; upper may be NULL */
void series_unref(Series *series);
SeriesSet *series_set_new(void);
void series_set_free(SeriesSet *set);
bool series_set_has(const SeriesSet *set, const char *name);
void series_set_add(SeriesSet *set, Series *series); /* a reference of its own */
void series_set_take(SeriesSet *set, Signal *lower, Signal *upper);
/* Adds a recorded signal, or a truth. Unknown names: false. */
bool judge_add_series(Judge *judge, SeriesSet *set, const char *name, const Widening *widening);
StlInput series_input(const Judge *judge, const SeriesSet *set);

/* ---- truths (truth.c) ---- */
const TruthSpec *judge_truth(const Judge *judge,
			     const char *name); /* "truth.fall"; NULL when it is none */
/* NULL: it cannot be derived from this recording. */
Series *judge_make_truth(Judge *judge, const TruthSpec *truth, const Widening *widening);

/* Names that `text` uses, plus those below its truths. Array of char*, owned. */
GPtrArray *judge_names(const Judge *judge, const char *const *texts, size_t n);
/* Parameters of the scenario in place. NULL with an error. */
StlFormula *judge_parse(const Judge *judge, const char *text, const SeriesSet *set,
			const Criterion *criterion, int level, GError **error);
/* Widest clock uncertainty (standard, s) among names of an outcome and of the others, combined. */
double judge_clock(const Judge *judge, GPtrArray *names);
size_t judge_n_measured(Judge *judge, GPtrArray *names);

/* ---- life (life.c) ---- */
void judge_check_life(Judge *judge);

/* ---- one criterion at one level (measure.c) ---- */
/* Margins no larger, in their unit, are nothing: sums of doubles do not say more. */
#define JUDGE_ROUNDING 1e-11
typedef struct Outcome {
	StlTruth truth;     /* for sure */
	StlTruth point;     /* without uncertainty, but with all that is missing */
	bool vacuous;       /* the premise never came */
	bool maybe_vacuous; /* nobody can tell whether it came */
	bool ended;         /* a window goes beyond the end of the recording */
	bool before;        /* or only beyond its beginning */
	char *missing; /* a signal that is not known throughout, whatever the reason; NULL: none */
	bool stale, unanswered;
	bool prohibition; /* a product that never does anything would pass too */
	char *premise;
	bool promised; /* by the scenario: it declares the truth that the premise rests on */
	double measured, uncertainty, coverage, limit, margin, accept, reject, dof;
	Unit unit;
	int64_t from_ns, to_ns; /* the interval that decides */
	int64_t instant_ns;     /* where its narrowest reason lies, for people; -1: none */
	StlEdge cause,
		answer; /* of the measured delay or duration, without uncertainties; latest_ns -1: none */
	char *error;   /* the pack does not fit the recording */
	char *formula; /* filled in */
	bool boolean;  /* satisfaction decides */
	Signal *trace;
	/* For the witness: delays and durations, or the formula's margin and its deciding atoms. */
	GArray *spans;      /* StlMeasure */
	GPtrArray *reasons; /* StlReason* */
	double low, high;   /* NaN: no margin */
	char *witness;      /* only when asked for */
} Outcome;
Outcome *judge_outcome(Judge *judge, const Criterion *criterion, int level);
/* The same, with Outcome.witness. */
Outcome *judge_outcome_proven(Judge *judge, const Criterion *criterion, int level);
void outcome_free(Outcome *outcome);

/* The same formula on the values as measured, without any widening: what holds if nothing erred. Does not look at vacuity. */
StlTruth judge_point_truth(Judge *judge, const Criterion *criterion, int level);

/* ---- the whole judge (judge.c) ---- */
void judge_init(Judge *judge, const Recording *recording, const JudgeSpec *spec);
void judge_clear(Judge *judge);
/* A judge of a variation of base's recording (vary.c), for verdicts only. The troubles stay those of the real one, and so
 * does whatever rests on signals that did not change: it is not made again. Borrows both; base must outlive it. */
void judge_fork(Judge *judge, Judge *base, const Recording *recording);
/* As criterion_judge() decides at the required level, but for the sentence about levels. Fills *ret_outcome (may be NULL;
 * NULL when judging was refused). */
Verdict judge_verdict(Judge *judge, const Criterion *criterion, Outcome **ret_outcome);

/* ---- what if the bench erred? (vary.c) ---- */
typedef struct Variation {
	GPtrArray *names;        /* char*: only these signals. Borrowed */
	int64_t start_ns;        /* of the timeline */
	int64_t answer_shift_ns; /* RESPONSE and CLAIM signals are stamped so much later */
	int64_t label_shift_ns;
	const char *biased; /* this measured signal reads so much too high, or NULL */
	double bias;
	Draws *draws; /* not NULL: clock, calibration and noise are drawn for every signal */
} Variation;
typedef struct Varied {
	Recording recording; /* borrows all but the signals that differ */
	GPtrArray *owned;
} Varied;
Varied *judge_vary(const Recording *recording, const Variation *variation);
void varied_free(Varied *varied);

/* ---- proofs (witness.c) ---- */
char *witness_json(Judge *judge, GPtrArray *names, const SeriesSet *wide, const Outcome *outcome,
		   double clock_s, double clock_risk);

/* ---- sentences (why.c) ---- */
Text why_outcome(const Judge *judge, const Criterion *criterion, const Outcome *outcome,
		 Verdict verdict);
Text why_trouble(const Judge *judge, const Trouble *trouble);
/* Why nothing is decided though the bench did not fail. */
Text why_open(const Judge *judge, const Criterion *criterion, const Outcome *outcome);
char *why_number(double value, const Unit *unit, double uncertainty);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Series, series_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SeriesSet, series_set_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outcome, outcome_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Varied, varied_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Judge, judge_clear)

#endif
