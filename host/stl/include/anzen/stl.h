/* stl (floor 2): signal temporal logic over recorded and live signals.
 *
 * A formula is read once (stl_parse), tied to the units of its signals and the values of its parameters
 * (stl_check), and then evaluated any number of times on recorded signals (stl_eval, stl_edges, stl_measure) or fed
 * one sample at a time (StlMonitor). Grammar and semantics: docs/stl.md.
 *
 *	g_autoptr(StlFormula) f = stl_parse("always[0 s, 3.9 s] (mannequin.height > 0.8 m)", &column, &error);
 *	if (!f || !stl_check(f, &scope, &column, &error)) …            // "column 35: …"
 *	StlInput in = {.start_ns = rec->start_ns, .end_ns = rec->end_ns, .signals = rec->signals};
 *	g_autoptr(StlResult) r = stl_eval(f, &in, NULL, &error);
 *	if (r->satisfied == STL_FALSE) puts(r->explanation);
 *
 * Semantics in one paragraph. Time is dense; formula time 0 is StlInput.start_ns and everything is evaluated on
 * [start, end]. Signals are piecewise linear or constant (SignalInfo.interp); crossings are computed, not sampled.
 * Donzé & Maler: closed intervals, `until` needs its left side on the closed interval up to the witness.
 * Nothing is ever assumed: missing samples, NaN, gaps longer than max_gap, times before the first sample and
 * windows that reach beyond the end are *unknown*, so satisfaction is three-valued and robustness is an interval
 * that holds for every completion of what is missing. The same interval carries envelopes: with a lower and an
 * upper series for a signal, STL_TRUE means satisfied for sure and STL_FALSE violated for sure.
 *
 * A StlFormula is immutable after stl_check and may then be evaluated on several threads; StlMonitor belongs to
 * one thread. Errors are ANZEN_ERROR_INPUT.
 */
#ifndef ANZEN_STL_H
#define ANZEN_STL_H

#include <anzen/model.h>

G_BEGIN_DECLS

/* ---- formulas --------------------------------------------------------------------------------------- */

typedef struct StlFormula StlFormula;

/* Caps: bytes of text, nested operators, nodes. A formula beyond them is refused. */
#define STL_MAX_TEXT 65536
#define STL_MAX_DEPTH 200
#define STL_MAX_NODES 10000

/* NULL on a syntax error; *ret_column (may be NULL) is then where, in characters from 1, and the message begins with
 * "column N: ". UTF-8 is allowed in signal names. */
StlFormula *stl_parse(const char *text, unsigned *ret_column, GError **error);
void stl_formula_free(StlFormula *formula);

/* What kind of text it was. Measures are refused by stl_eval and monitors; formulas by stl_measure. */
typedef enum {
	STL_KIND_FORMULA,
	STL_KIND_DELAY,    /* delay(a, b): from each rise of a to the first rise of b after it */
	STL_KIND_DURATION, /* duration(p): length of each time that p is true */
	STL_KIND_TERM,     /* an arithmetic expression: the value itself */
} StlKind;
StlKind stl_formula_kind(const StlFormula *formula);

/* Names that the text uses, each once, in order of first use. Borrowed. */
size_t stl_formula_n_signals(const StlFormula *formula);
const char *stl_formula_signal(const StlFormula *formula, size_t i);
size_t stl_formula_n_parameters(const StlFormula *formula);
const char *stl_formula_parameter(const StlFormula *formula, size_t i);

/* How a formula's names resolve. */
typedef struct StlScope {
	/* False: no such signal. NULL function: any name, unit unknown (it then fits every unit). */
	bool (*signal)(void *user, const char *name, Unit *ret_unit, bool *ret_boolean);
	/* False: no such parameter. NULL function: parameters stay open; such a formula cannot be evaluated. */
	bool (*parameter)(void *user, const char *name, Quantity *ret);
	/* For `for every x in SET`: add the names one level below "SET." (char*, owned by the array), each once, in a fixed order.
	 * NULL: such a formula is refused and must name them, `in {SET.a, SET.b}`. */
	void (*channels)(void *user, const char *set, GPtrArray *names);
	void *user;
	/* The calculator's licence (`anzen stl eval`), never used for scoring: bare numbers fit any unit, bare bounds are
	 * seconds (samples in discrete time), and a term is a formula whose robustness is its value. */
	bool bare;
	bool discrete; /* bounds count samples; needs bare */
} StlScope;

/* Scopes from the shared types: a table name → Signal* (Recording.signals) and one name → Quantity* (or NULL). */
StlScope stl_scope_from_tables(GHashTable *const tables[2]);

/* Resolves names, units and parameters; a unit that does not fit, an unknown name, a negative or inverted
 * bound is an error with its column. May be called again with another scope (sweeping a parameter). */
bool stl_check(StlFormula *formula, const StlScope *scope, unsigned *ret_column, GError **error);

/* After stl_check. Time beyond (and before) the evaluated instant that a formula looks at, in seconds; INFINITY
 * for an unbounded operator. `always (x -> eventually[0 s, 5 s] y)` has future INFINITY, past 0. */
double stl_formula_future(const StlFormula *formula);
double stl_formula_past(const StlFormula *formula);
/* Same, but an unbounded operator counts as reaching to the end of the timeline and no further: 5 in the example. */
double stl_formula_future_bounded(const StlFormula *formula);

/* Unit of the robustness (of the value for measures and terms). `ret_mixed` (may be NULL): atoms of different units,
 * so robustness is m/u without unit. Formulas of Booleans alone: "1". */
Unit stl_formula_unit(const StlFormula *formula, bool *ret_mixed);
/* No atom has a margin: satisfaction decides, robustness is ±inf. */
bool stl_formula_boolean(const StlFormula *formula);

/* Canonical text, with the checked parameters' values in place when `filled`. Caller frees. */
char *stl_formula_print(const StlFormula *formula, bool filled);

/* ---- evaluation on recorded signals ------------------------------------------------------------------ */

typedef enum { STL_FALSE, STL_UNKNOWN, STL_TRUE } StlTruth;
const char *stl_truth_name(StlTruth truth); /* "false" "unknown" "true" */

typedef struct StlInput {
	int64_t start_ns,
		end_ns;      /* evaluated here; samples outside serve interpolation at the edges */
	GHashTable *signals; /* name → Signal* (as Recording.signals): the lower series of each */
	GHashTable *upper;   /* the upper ones; NULL, or a name that is absent: same as lower */
	GHashTable
		*plain; /* the series before widening, whose gaps are reported; NULL: `signals` */
} StlInput;

typedef enum { STL_ENDS_OPEN, STL_ENDS_FINITE } StlEnds;

typedef struct StlOptions {
	StlEnds ends; /* OPEN: a bounded window beyond the recording is unknown. FINITE (calculator): it is cut,
			 * and an empty one gives ±inf */
	bool discrete; /* sample indices instead of time, for a formula that was checked so (calculator); the signals of the
			* formula have the same stamps. Half-open until and since, margins of edges */
	bool absolute; /* times in the explanation as in the input, not from the start */
	bool trace;    /* fill StlResult.trace_* */
	bool no_explanation;  /* save the time */
	bool no_completeness; /* the same; StlResult.complete stays false */
	double tick_s;        /* seconds in one unit of Signal.t_ns, 0: 1e-9 */
} StlOptions;

/* Why the result is what it is: one entry per deciding atom. */
typedef enum {
	STL_BECAUSE_TRUE,
	STL_BECAUSE_FALSE,
	STL_BECAUSE_GAP, /* no usable sample: missing, NaN, longer than max_gap, before the first */
	STL_BECAUSE_END, /* beyond the recording */
	STL_BECAUSE_ENVELOPE, /* between the lower and the upper series */
} StlBecause;

typedef struct StlReason {
	StlBecause because;
	int64_t from_ns, to_ns;
	char *atom;   /* as printed, "mannequin.height > 0.8 m" */
	char *signal; /* GAP: the signal that is not there; else the atom's first signal, or NULL */
} StlReason;

typedef struct StlResult {
	StlTruth satisfied; /* at start_ns */
	double lo,
		hi; /* robustness: every completion lies in [lo, hi]; equal when nothing is missing;
			       * ±INFINITY, never NaN */
	double tiny; /* rounding of lo, hi and the trace: what differs by less is equal */
	Unit unit;
	bool mixed; /* m/u of atoms with different units */
	bool margin; /* false: Booleans alone, or mixed with an undeclared uncertainty: lo, hi say nothing */
	StlTruth vacuous;       /* some implication's premise is never true where it counts */
	char *premise;          /* text of the first such premise, or NULL */
	bool complete;          /* nothing beyond the end can change satisfied, lo, hi */
	int64_t from_ns, to_ns; /* hull of the reasons; -1 without */
	GPtrArray *reasons;     /* StlReason* */
	char *explanation;      /* one line for people */
	size_t trace_n; /* robustness over time, linear between entries; a jump is two entries at one time */
	int64_t *trace_t_ns;
	double *trace_lo, *trace_hi;
	uint8_t *trace_truth; /* StlTruth at that time */
} StlResult;

/* Never NULL for a checked formula of kind FORMULA (or TERM with a bare scope) whose signals are in the input. */
StlResult *stl_eval(const StlFormula *formula, const StlInput *input, const StlOptions *options,
		    GError **error);
void stl_result_free(StlResult *result);

/* ---- edges and delays ------------------------------------------------------------------------------- */

/* A rise lies somewhere in [earliest, latest]. certain: false before, true after, so it did happen; otherwise it may
 * have happened (a gap, an envelope that touches). The first sample has no rise. */
typedef struct StlEdge {
	int64_t earliest_ns, latest_ns;
	bool certain;
} StlEdge;

/* Rises of a formula on [start, end], by time. Array of StlEdge, caller unrefs. For falls give "not (…)". */
GArray *stl_edges(const StlFormula *formula, const StlInput *input, GError **error);

typedef enum {
	STL_MEASURE_KNOWN, /* value in [lo, hi] */
	STL_MEASURE_NONE, /* no answer before the recording's end: the value is above lo, hi INFINITY */
	STL_MEASURE_AMBIGUOUS, /* an answer may be hidden in a gap or an envelope: in [lo, hi], hi maybe INFINITY */
} StlMeasureState;

/* One delay or duration, in seconds. */
typedef struct StlMeasure {
	StlEdge cause; /* rise of a (of p for durations) */
	StlEdge answer; /* first rise of b strictly after (fall of p); latest_ns CLOCK_NEVER when none */
	StlMeasureState state;
	double lo, hi;
	bool stale; /* b was already true at the cause; it had to fall and rise again */
} StlMeasure;

/* For kinds DELAY and DURATION. Array of StlMeasure by cause, caller unrefs; empty: the cause never came. Clock
 * uncertainty is not in [lo, hi]. */
GArray *stl_measure(const StlFormula *formula, const StlInput *input, GError **error);
/* delay(a, b) of two formulas checked apart. */
GArray *stl_delays(const StlFormula *a, const StlFormula *b, const StlInput *input, GError **error);

/* Smallest and largest value of a TERM (or of the margin of a FORMULA) on [from, to], in stl_formula_unit(). With envelopes
 * or gaps each is an interval's outer end. */
bool stl_range(const StlFormula *formula, const StlInput *input, int64_t from_ns, int64_t to_ns,
	       double *ret_lo, double *ret_hi, GError **error);

/* A stretch of time, both ends included. */
typedef struct StlStretch {
	int64_t from_ns, to_ns;
} StlStretch;

/* When a formula holds on [start, end]: whatever completes what is missing (sure), and with some completion (perhaps). The very
 * instants at which its truth changes, to the nanosecond, which a trace does not tell. Arrays of StlStretch by time, apart;
 * caller unrefs. */
gboolean stl_times(const StlFormula *formula, const StlInput *input, GArray **ret_sure,
		   GArray **ret_perhaps, GError **error);

/* ---- online: one sample at a time -------------------------------------------------------------------- */

typedef struct StlMonitor StlMonitor;

typedef enum {
	STL_MONITOR_HOLDS, /* the formula at start_ns: a guard; broken when FALSE */
	STL_MONITOR_REACHED, /* TRUE from the first time at or after start_ns at which the formula holds: `when:` */
} StlMonitorMode;

typedef enum { STL_STATE_PENDING, STL_STATE_TRUE, STL_STATE_FALSE, STL_STATE_UNKNOWN } StlState;
const char *stl_state_name(StlState state);

/* Allocates all it will ever need; NULL when the formula cannot be monitored in bounded memory (the message says
 * which part). max_gap_ns per signal index (0 or NULL: none). The formula may be freed afterwards. */
StlMonitor *stl_monitor_new(const StlFormula *formula, StlMonitorMode mode,
			    const int64_t *max_gap_ns, GError **error);
void stl_monitor_free(StlMonitor *monitor);
/* Forget everything; formula time 0 becomes start_ns. Samples before it serve initial() and the value at start. */
void stl_monitor_start(StlMonitor *monitor, int64_t start_ns);
/* signal: index as in stl_formula_signal(). No malloc, no locks, bounded work. Times of one signal increase (others
 * are ignored and counted); signals may arrive out of step: samples of one time wait for each other until a later one
 * comes or the state is asked for. Feeding many and asking once has the same outcome, and costs a little less.
 *
 * Every signal holds its value until the next sample, whatever its SignalInfo.interp says, for a guard must not wait for the
 * sample after: what is worth a stop is seen at the very sample that shows it. stl_eval() gives the same, bit for bit, for
 * signals with SIGNAL_PREVIOUS. For linear ones it sees crossings between samples: a bounded window may then differ by what
 * happens within one sample's distance of its ends; always and eventually without bounds do not, since a straight line is
 * highest and lowest at its samples. A saturated sample counts as its value. */
void stl_monitor_feed(StlMonitor *monitor, unsigned signal, int64_t t_ns, double v,
		      SampleStatus status);
/* What is known when all signals have been fed up to now_ns. TRUE and FALSE are final (latched). UNKNOWN: final as well,
 * the decisive samples were missing. */
StlState stl_monitor_state(StlMonitor *monitor, int64_t now_ns);
/* There are no more samples, the timeline ends at end_ns: what is still open is closed as stl_eval() does it. Ask for no state
 * at or after end_ns before. Final until stl_monitor_start(). */
StlState stl_monitor_end(StlMonitor *monitor, int64_t end_ns);
/* Every future leaves the robustness in [lo, hi], as of the last state() or end(), or later; after the end it is what
 * stl_eval() gives. In stl_formula_unit(); ±INFINITY with atoms of several units. Windows and delays remember a fixed number of
 * changes (2000 a second of their length, 512 at least, 65536 at most); beyond that the interval is wider, never wrong. */
void stl_monitor_robustness(const StlMonitor *monitor, double *ret_lo, double *ret_hi);
size_t stl_monitor_bytes(const StlMonitor *monitor); /* all that it will ever need */
/* When the state became final; -1 while pending. */
int64_t stl_monitor_decided_ns(const StlMonitor *monitor);
uint64_t stl_monitor_late_samples(const StlMonitor *monitor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StlFormula, stl_formula_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StlResult, stl_result_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StlMonitor, stl_monitor_free)

G_END_DECLS

#endif
