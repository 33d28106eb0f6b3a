/* model (floor 1): the shared words as plain types, and the two interfaces that everything meets at.
 *
 * Signals, recordings, faults, judge specifications, run records; `Stream` (samples, events and frames flow one
 * way) and `PlantPort` (a world in the same process, on a hand-advanced clock). Nothing here does I/O.
 * Structs are plain and public; new/free pairs own everything below them. Not thread-safe unless said.
 */
#ifndef ANZEN_MODEL_H
#define ANZEN_MODEL_H

#include <anzen/base.h>

G_BEGIN_DECLS

/* ---- verdicts (architecture.md, "Verdict rules") ---------------------------------------------------- */

typedef enum { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_INVALID } Verdict;

const char *verdict_name(Verdict verdict);    /* "PASS" */
const char *verdict_name_ja(Verdict verdict); /* "適合" "不適合" "判定保留" "試験無効" */
gboolean verdict_parse(const char *name, Verdict *ret);
AnzenExit verdict_exit(Verdict verdict);
/* Any FAIL → FAIL; else any INVALID → INVALID; else any INCONCLUSIVE → INCONCLUSIVE; else PASS.
 * Of nothing: INCONCLUSIVE (missing data never becomes PASS). */
Verdict verdict_aggregate(const Verdict *verdicts, size_t n);

typedef enum {
	EVIDENCE_PHYSICAL,
	EVIDENCE_VIRTUAL,
	EVIDENCE_LOCK_STEP,
	EVIDENCE_REPLAY
} EvidenceClass;
const char *evidence_name(EvidenceClass evidence); /* "physical" "virtual" "lock-step" "replay" */
gboolean evidence_parse(const char *name, EvidenceClass *ret);

typedef enum { BLAME_BENCH, BLAME_PRODUCT, BLAME_UNKNOWN } Blame;
const char *blame_name(Blame blame);
gboolean blame_parse(const char *name, Blame *ret);

/* ---- signals ---------------------------------------------------------------------------------------- */

typedef enum { SIGNAL_LINEAR, SIGNAL_PREVIOUS } SignalInterp; /* between samples */

/* Where a signal comes from. Truth may rest on STIMULUS and LABEL only; RESPONSE is the product's. */
typedef enum {
	ORIGIN_STIMULUS, /* measured by the rig's own sensors */
	ORIGIN_COMMAND,  /* what the bench asked for; never truth */
	ORIGIN_RESPONSE, /* the product's output, stamped at the bench's own receipt */
	ORIGIN_CLAIM,    /* a number the product reports about itself (time, score) */
	ORIGIN_LABEL,    /* an annotation with an uncertainty */
	ORIGIN_HEALTH, /* clock, link counters, frame age, CPU wait: the bench's self-observation */
	ORIGIN_DERIVED, /* computed from others (truth.*) */
} SignalOrigin;
const char *origin_name(SignalOrigin origin);
gboolean origin_parse(const char *name, SignalOrigin *ret);

/* Everything that scoring must know about a signal; stored in the session with the signal. Uncertainties are
 * standard (1 sigma), in `unit`; NaN or 0 dof means "not declared". */
typedef struct SignalInfo {
	char *name; /* a role or a product output: "mannequin.height", "product.alarm" */
	Unit unit;
	bool boolean; /* 0 or 1; unit "1" */
	SignalInterp interp;
	SignalOrigin origin;
	bool affected_by_product; /* the product's action can change it: cannot prove a bench fault, nor be truth in replay */
	bool exogenous;              /* declared independent of the product: may decide in replay */
	int64_t max_gap_ns;          /* 0: not declared → INVALID where a formula looks */
	double bandwidth_hz;         /* 0: not declared */
	double max_slew;             /* unit per second; 0: not declared; INFINITY for Booleans */
	double range_lo, range_hi;   /* calibrated range; NaN: none */
	double u_common, dof_common; /* calibration: the same for all samples */
	double u_sample;             /* noise, independent from sample to sample */
	double u_clock_s;            /* of the time stamps, seconds */
	char *serial;                /* of the sensor; NULL for none */
	char *certificate;           /* id and validity text; NULL when the channel needs none */
	char *certificate_fault; /* why the calibration cannot be used (expired, revoked, missing); NULL: fine */
} SignalInfo;

void signal_info_init(SignalInfo *info,
		      const char *name); /* unit 1, stimulus, NaN/0 = not declared */
void signal_info_clear(SignalInfo *info);
void signal_info_copy(SignalInfo *to, const SignalInfo *from);

typedef enum {
	SAMPLE_OK,
	SAMPLE_MISSING,   /* from this time on nothing is known, until the next OK sample */
	SAMPLE_SATURATED, /* at the end of the range: the value is a bound, not a measurement */
	SAMPLE_STALE,     /* repeated by the device, not measured */
} SampleStatus;

/* A time series. Times strictly increase (signal_append refuses others). */
typedef struct Signal {
	SignalInfo info;
	size_t n, capacity;
	int64_t *t_ns;
	double *v;
	uint8_t *status; /* SampleStatus */
} Signal;

Signal *signal_new(const char *name);
void signal_free(Signal *signal);
/* False (and nothing appended) when t_ns is not after the last sample. NaN becomes SAMPLE_MISSING. */
bool signal_append(Signal *signal, int64_t t_ns, double v, SampleStatus status);
/* Index of the last sample at or before t_ns, or -1. */
ptrdiff_t signal_index(const Signal *signal, int64_t t_ns);

/* ---- a recording, as scoring sees it ---------------------------------------------------------------- */

typedef struct Event {
	int64_t t_ns;
	char *name; /* "mark.observe", "trigger.mannequin.release", "operator.note", "run.end" … */
	char *json; /* details as a JSON object, or NULL */
} Event;

/* Something that went wrong. `proven` is true only when it follows from signals that the product cannot influence. */
typedef struct Fault {
	int64_t t_ns, until_ns; /* until CLOCK_NEVER: to the end */
	char *source;           /* device, role or "product" */
	char *cause;            /* "camera.main froze: 45 equal frames", for people */
	char *signal;           /* the signal it concerns, NULL for the whole run */
	Blame blame;
	bool proven;
} Fault;

/* Fault.source: a signal's samples of that time were taken out of the recording on purpose. */
#define FAULT_SOURCE_REDACTION "redaction"
/* Fault.source: in a replay, from then on what was measured and the product have nothing to do with each other. With a signal
 * it is about that signal alone, else about everything; the stimulus was as it was recorded all the same. */
#define FAULT_SOURCE_OPEN_LOOP "open loop"

typedef struct Recording {
	GHashTable *signals;      /* name → Signal*, owned */
	GPtrArray *events;        /* Event*, owned, by time */
	GPtrArray *faults;        /* Fault*, owned, by time */
	int64_t start_ns, end_ns; /* of the timeline: start is t = 0 s of formulas */
	EvidenceClass evidence;
	bool complete;        /* the timeline came to its end and the file was sealed */
	char *incomplete_why; /* NULL when complete */
	GHashTable *meta; /* char* → char*: scenario, product, rig, tool version, seeds, digests */
} Recording;

Recording *recording_new(void);
void recording_free(Recording *recording);
Signal *recording_signal(const Recording *recording,
			 const char *name); /* NULL when absent; borrowed */
/* Takes ownership. */
void recording_add_signal(Recording *recording, Signal *signal);
void recording_add_event(Recording *recording, int64_t t_ns, const char *name, const char *json);
void recording_add_fault(Recording *recording, const Fault *fault); /* copies */

/* A fault's cause for people, lang "en" or "ja": recordings hold it in English. What has no form that is known stays English.
 * Caller frees. */
char *fault_cause_in(const char *lang, const char *cause);
/* The same for several sentences with "; " between them. */
char *fault_causes_in(const char *lang, const char *causes);

/* ---- what to judge: produced by scenario and product, used by criterion ----------------------------- */

/* truth.NAME: true from a rise of `onset` to the first time after it that `end` holds. STL text. */
typedef struct TruthSpec {
	char *name; /* "fall" → signal truth.fall */
	char *onset;
	char *end; /* NULL: until the recording's end */
} TruthSpec;

typedef struct JudgeSpec {
	GPtrArray *truths; /* TruthSpec* */
	GPtrArray
		*stimulus; /* char*: STL that must hold, else INVALID "stimulus not as scripted" */
	GHashTable *parameters; /* name → Quantity* : $name in formulas */
	/* Proof of life for prohibitions; signal names, NULL when the product has none. */
	char *heartbeat; /* product signal that must rise at least every heartbeat_ns */
	int64_t heartbeat_ns;
	char *positive_control; /* product signal that must rise after the event `probe.positive-control` */
	int64_t positive_control_ns;
	char *consumed;      /* health signal: count of stimulus units the product took */
	int64_t max_age_ns;  /* of an input at the product, 0: not declared */
	char *age;           /* health signal with that age in s */
	double max_cpu_wait; /* of `cpu_wait`, fraction; 0: not declared */
	char *cpu_wait;      /* health signal */
} JudgeSpec;

JudgeSpec *judge_spec_new(void);
void judge_spec_free(JudgeSpec *spec);

/* ---- run record: run.json --------------------------------------------------------------------------- */

/* The smallest error of one kind with which the verdict would have been another one. */
typedef struct Tipping {
	char *kind;   /* "clock" "calibration" "label": of this run; "invalid-runs": of its claim */
	char *signal; /* whose calibration; NULL for the others */
	double amount;   /* signed, in `unit`; NaN: none was found up to `searched` */
	double searched; /* how far was looked, in `unit` */
	double in_u;     /* amount over its declared standard uncertainty; NaN: not declared */
	Unit unit;
	Verdict becomes; /* meaningless when amount is NaN */
} Tipping;
Tipping *tipping_new(const char *kind, const char *signal, const Unit *unit);
void tipping_free(Tipping *tipping);

/* L1 → L4 in fixed order; those behind the first that did not pass are not listed. */
typedef struct LevelResult {
	char *name;
	Verdict verdict;
} LevelResult;
LevelResult *level_result_new(const char *name, Verdict verdict);
void level_result_free(LevelResult *level);

/* Draws within the declared uncertainties; how often the criterion held, was violated, or stayed open without any guard
 * band. */
typedef struct MonteCarlo {
	unsigned draws; /* 0: none made */
	unsigned held, violated, open;
} MonteCarlo;

typedef struct CriterionResult {
	char *id;
	char *title_en, *title_ja;
	Verdict verdict;
	double measured;      /* NaN: none */
	double uncertainty;   /* expanded U of `measured`, NaN: none */
	double coverage;      /* k of the expanded uncertainty */
	double limit, margin; /* margin = signed distance to the limit, positive is good */
	double guard_accept, guard_reject; /* w_A, w_R */
	double risk_accept, risk_reject;   /* declared, 0..1 */
	double dof;
	Unit unit;
	char *rule;    /* "guarded" | "simple" | "boolean" */
	char *level;   /* "L3" */
	char *formula; /* with parameters filled in */
	char *why;     /* one line for people, English */
	char *why_ja;
	int64_t from_ns, to_ns;              /* the interval that decides, or -1 */
	char *required_evidence;             /* NULL or "physical" */
	double claim_rate, claim_confidence; /* of the declared claim, 0 = none */
	int claim_n, claim_permitted;
	double claim_max_invalid,
		claim_good; /* share; true rate of a sequential plan, 0: fixed n */
	char *claim_over;   /* parameter whose groups must be alike, or NULL */
	double claim_gap;
	GPtrArray *perspectives; /* char* */
	GPtrArray *crosswalk;    /* char* "nist-ai-rmf:MEASURE 2.6" */
	Signal *margin_trace;    /* robustness over time for the plot, or NULL */
	GPtrArray *levels;       /* LevelResult* */
	GPtrArray *tippings;     /* Tipping* */
	MonteCarlo monte_carlo;
	char *witness; /* what the verdict rests on, as a JSON object (docs/verdicts.md), or NULL */
} CriterionResult;

CriterionResult *criterion_result_new(const char *id);
void criterion_result_free(CriterionResult *result);

typedef struct RunRecord {
	char *run_id;
	Verdict verdict;     /* aggregate */
	GPtrArray *criteria; /* CriterionResult* */
	GPtrArray *
		left_out; /* char*: ids that could have been judged and were not chosen; the verdict is not about them */
	EvidenceClass evidence;
	char *scenario, *scenario_title_en, *scenario_title_ja, *product, *rig, *tool_version;
	char *session_sha256; /* hex */
	char *started_utc;    /* ISO 8601 */
	GHashTable *inputs;   /* file name → sha256 hex */
	GPtrArray *faults;    /* Fault* */
	GHashTable *meta;     /* char* → char* */
} RunRecord;

RunRecord *run_record_new(void);
void run_record_free(RunRecord *record);

/* ---- Stream: data flows one way -------------------------------------------------------------------- */

/* A picture or audio buffer. `data` belongs to `owner`; a sink that keeps it beyond the call takes a reference
 * with ref(owner) and gives it back with unref(owner). */
typedef struct Frame {
	const uint8_t *data;
	size_t size;
	const char *format; /* "h264" (Annex B, one access unit), "jpeg", "i420", "gray8" */
	int width, height;
	int64_t capture_ns; /* bench time; with u below */
	int64_t capture_u_ns;
	int64_t receipt_ns; /* when the bench had it */
	uint64_t sequence;
	bool key;
	void *owner;
	void (*ref)(void *owner);
	void (*unref)(void *owner);
} Frame;

/* A sink. Called on the source's thread; must not block and must not keep pointers (see Frame). `source` is the
 * role or product output. Any member may be NULL. */
typedef struct Stream {
	void (*sample)(struct Stream *self, const char *source, int64_t t_ns, double value,
		       SampleStatus status);
	void (*event)(struct Stream *self, const char *name, int64_t t_ns, const char *json);
	void (*frame)(struct Stream *self, const char *source, const Frame *frame);
	void (*fault)(struct Stream *self, const Fault *fault);
} Stream;

/* ---- PlantPort: the world in this process, for lock-step -------------------------------------------- */

/* Channels are named as in the world file ("mannequin.height", "node-a.out.3"); values in SI units unless the
 * world file says otherwise. Single-threaded. */
typedef struct PlantPort {
	void (*step_to)(struct PlantPort *self, int64_t t_ns);
	gboolean (*read)(struct PlantPort *self, const char *channel, double *ret_value);
	gboolean (*write)(struct PlantPort *self, const char *channel, double value);
	/* Render what camera `name` sees now as GRAY8 or I420 into `frame`; FALSE when there is no such camera. The data
	 * stays valid until the next call. */
	gboolean (*render)(struct PlantPort *self, const char *camera, Frame *ret_frame);
	void (*free)(struct PlantPort *self);
} PlantPort;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Signal, signal_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recording, recording_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JudgeSpec, judge_spec_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tipping, tipping_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CriterionResult, criterion_result_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunRecord, run_record_free)

G_END_DECLS

#endif
