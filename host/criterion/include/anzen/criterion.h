/* criterion (floor 3): packs of safety criteria, and the verdict of a run on each of them.
 *
 * A Pack is a criteria/1 file. criterion_judge() takes a Recording and says PASS, FAIL,
 *INCONCLUSIVE or INVALID for each criterion, by the seven run-verdict rules of architecture.md;
 *docs/verdicts.md says how each rule is carried out. It reads no clock and no file, so scoring a
 *session again gives the same verdicts.
 *
 *	g_autoptr(Pack) pack = criterion_pack_load("criteria/living/fall-watch.yaml", diag);
 *	const char *ids[] = {"living/fall-watch/alarm-delay", NULL};
 *	g_autoptr(RunRecord) run = criterion_judge(recording, &pack, 1, ids, spec, &error);
 *
 * A Pack is immutable after loading and may be used on several threads.
 *
 * What a Recording must say so that something can PASS (else INVALID, with the reason in `why`):
 *  - every measured (not Boolean) signal that a formula looks at declares max_gap, bandwidth,
 *max_slew, u_common, dof, u_sample and u_clock_s, and has no certificate_fault;
 *  - sampled Booleans (ORIGIN_STIMULUS, ORIGIN_HEALTH) declare max_gap; Booleans that are stamped
 *at each change (RESPONSE, CLAIM, LABEL, DERIVED) are complete by construction: they start with a
 *sample at or before start_ns and keep their value until the next sample, and declare u_clock_s;
 *  - a product's output is a Boolean with origin RESPONSE; an event without a "cleared" is a pulse
 *(1, then 0);
 *  - Fault.t_ns is where the trouble began, not where it was noticed;
 *  - meta "unverified": the file's hash chain does not hold, and why: everything is then INVALID.
 */
#ifndef ANZEN_CRITERION_H
#define ANZEN_CRITERION_H

#include <anzen/model.h>

G_BEGIN_DECLS

typedef enum { RULE_GUARDED, RULE_SIMPLE } DecisionRule;
const char *rule_name(DecisionRule rule); /* "guarded" "simple" */

typedef enum { GOOD_BELOW, GOOD_ABOVE } GoodSide;

/* One level: L1 is the easiest. `parameters` holds name → Quantity* (always "limit" when the
 * criterion measures). */
typedef struct CriterionLevel {
	char *name;
	GHashTable *parameters;
} CriterionLevel;

/* Where a criterion's numbers come from. */
typedef struct CriterionSource {
	char *basis; /* "lab decision", "project choice", "none", "no number", or a standard, paper
			or table with its clause, in the pack's own words */
	char *by, *note, *note_ja, *population;
} CriterionSource;

/* Signals made up for a criterion, to show what it accepts and what it does not. */
typedef enum { TRIAL_PASS, TRIAL_FAIL, TRIAL_BORDERLINE } TrialKind;
#define TRIAL_KINDS 3
typedef struct Trial Trial;
typedef struct TrialBench TrialBench;

typedef struct Criterion {
	char *id;      /* "alarm-delay" */
	char *full_id; /* "living/fall-watch/alarm-delay" */
	char *title_en, *title_ja;
	char *hazard;            /* row of the hazard register, or NULL */
	bool injures;            /* the hazard can injure: rule `simple` is then a lint error */
	GPtrArray *perspectives; /* char* */
	GPtrArray *crosswalk;    /* char* */
	char *formula;
	char *measure; /* NULL: the formula's own margin, or satisfaction when it has none */
	Unit unit;     /* of the measure */
	char *limit;   /* as written: "$limit" or a quantity; NULL without measure */
	GoodSide good;
	char *partner;          /* `with`: a full id, judged together with this one */
	char *premise;          /* what must come about for the criterion to be exercised; NULL: the
			      formula's own */
	GHashTable *parameters; /* name → Quantity*, the same at every level */
	GPtrArray *levels;      /* CriterionLevel*, L1 first; may be empty */
	int required;           /* index into levels, -1 without levels */
	CriterionSource source;
	DecisionRule rule;
	double risk_accept, risk_reject;
	char *evidence; /* NULL: any; "physical": INVALID for other classes */
	char *needs; /* a licensed table or number that the lab must supply; then INVALID with this
			text; or NULL */
	char *needs_ja;
	int claim_n, claim_permitted;
	double claim_rate, claim_confidence, claim_max_invalid; /* 0: no claim */
	double claim_good; /* sequential: planned for a product of this true rate; 0: n is fixed */
	char *claim_over; /* parameter of the scenario whose values are groups to be treated alike, or NULL */
	double claim_gap;           /* their rates must differ by less */
	Trial *trials[TRIAL_KINDS]; /* NULL: the pack has none of this kind */
	bool adoptable; /* `needs` is only that the project's own number awaits a lab's decision */
	GHashTable *stand_in; /* name → Quantity*: numbers for the trials alone, where `needs` */
	unsigned line, column, formula_line, formula_column;
} Criterion;

typedef struct Pack {
	char *path, *id, *version, *title_en, *title_ja;
	GPtrArray *criteria; /* Criterion* */
	TrialBench *bench;   /* what all trials of the pack share; NULL: none */
} Pack;

/* NULL when the file is refused. Formulas, units, levels and partners are checked here; findings of
 * the lint (see below) are added as warnings, or as errors when they make a verdict unsafe. */
Pack *criterion_pack_load(const char *path, Diagnostics *diag);
Pack *criterion_pack_load_text(const char *text, gssize length, const char *name,
			       Diagnostics *diag);
void criterion_pack_free(Pack *pack);

/* By full id ("living/fall-watch/alarm-delay"). Borrowed; NULL when no pack has it. */
const Criterion *criterion_find(Pack *const *packs, size_t n_packs, const char *full_id);

/* Path below the folder criteria/ of the pack that holds a full id: "living/fall-watch.yaml".
 * Caller frees; NULL when the id has no pack part. */
char *criterion_pack_file(const char *full_id);

/* A named number at a level (-1: none): the level's own, else the criterion's. False when there is none. */
bool criterion_parameter(const Criterion *criterion, int level, const char *name, Quantity *ret);

/* How far beyond an onset the criterion looks at its required level (a latency's limit), in ns;
 * `anzen check` compares it with the timeline. 0 when it looks no further than its own instant. */
int64_t criterion_horizon_ns(const Criterion *criterion);

/* Text for people: what is measured, how it is decided, where the numbers come from. lang "en" or
 * "ja". */
char *criterion_explain(const Criterion *criterion, const char *lang);

/* Judge. ids: NULL-terminated full ids; partners (`with`) are added. spec: truths, stimulus checks,
 * parameters and proof of life, from scenario and product. Results stand in the order of ids,
 * partners after; record->verdict is their aggregate. NULL only for an unknown id or an impossible
 * argument (ANZEN_ERROR_INPUT): whatever the recording holds ends as a verdict. */
RunRecord *criterion_judge(const Recording *recording, Pack *const *packs, size_t n_packs,
			   const char *const *ids, const JudgeSpec *spec, GError **error);

/* ---- trials: a passing, a failing and a borderline set of signals for each criterion ---- */

const char *trial_name(TrialKind kind); /* "pass" "fail" "borderline" */
Verdict trial_verdict(TrialKind kind);  /* PASS, FAIL, INCONCLUSIVE: what the judge must say */

/* The recording that a trial describes, and what to judge it by. NULL when the criterion has no such trial
 * (ANZEN_ERROR_INPUT). Owned by the caller. */
Recording *criterion_trial_recording(const Pack *pack, const Criterion *criterion, TrialKind kind,
				     JudgeSpec **ret_spec, GError **error);

/* Judge a trial with criterion_judge(). adopted: as if a lab had supplied what the criterion `needs` (with the stand-in
 * numbers); else as shipped. NULL with an error when there is no such trial. */
CriterionResult *criterion_try(Pack *const *packs, size_t n_packs, const Criterion *criterion,
			       TrialKind kind, bool adopted, GError **error);

/* Every criterion has its three trials, a hazard and a claim, and says where its numbers come from. Asked of packs that are
 * kept, not of one that a recording carries. False when an error was added. */
bool criterion_pack_lint_kept(const Pack *pack, Diagnostics *diag);

/* Tipping points of every PASS and FAIL of `record`, as judged from this recording: fills CriterionResult.tippings. Judges
 * some dozen times a criterion, a few times in long runs with many criteria, and not at all in very long ones (tipping.c). */
void criterion_tipping(const Recording *recording, Pack *const *packs, size_t n_packs,
		       const JudgeSpec *spec, RunRecord *record);

/* Fills CriterionResult.monte_carlo of every criterion that is not INVALID, and changes nothing else. The same seed gives the
 * same counts. */
void criterion_monte_carlo(const Recording *recording, Pack *const *packs, size_t n_packs,
			   const JudgeSpec *spec, unsigned draws, unsigned long seed,
			   RunRecord *record);

/* ---- claims: from many runs (claims.c) ---- */

typedef struct ClaimLevel {
	char *name;
	unsigned passed;
	double lower, upper;
	Verdict verdict;
} ClaimLevel;

/* One criterion, one product, one evidence class. */
typedef struct ClaimResult {
	char *criterion, *title_en, *title_ja, *product;
	char *over; /* NULL: a rate; else equivalence of the groups of this parameter */
	EvidenceClass evidence;
	Verdict verdict;
	unsigned planned, n; /* n: those that count, INVALID ones not among them */
	unsigned passed, failed, inconclusive, invalid, unexplained;
	unsigned
		repeated; /* runs with the stimulus of another one: they count as one, with the worse verdict */
	double rate, confidence; /* to be shown; of a gap: the gap */
	double lower, upper;     /* one-sided bounds, of the rate or of the largest gap */
	double lower_harsh;      /* with unexplained INVALIDs as failures */
	double observed;         /* the largest gap as it came out; NaN for a rate */
	unsigned
		needed; /* more runs (a group, for a gap) that would show it if they came out alike; 0: none would */
	unsigned
		withstands; /* so many INVALID runs counted as failed leave a PASS a PASS; a PASS tips with one more */
	GPtrArray *levels; /* ClaimLevel*, L1 first, up to the first that is no PASS; of a rate */
	char *level;       /* the highest whose claim is PASS, and all below; NULL: none */
	char *why, *why_ja;
} ClaimResult;
void claim_result_free(ClaimResult *claim);

/* Every claim that the runs' criteria declare, in order of criterion, product, class. Runs of one session count once. Without
 * a campaign's plan (meta "campaign", the same in all) nobody knows that the runs were drawn from the declared
 * population: then the claim is at best INCONCLUSIVE, with its bounds beside it. Array of ClaimResult*, caller unrefs. */
GPtrArray *criterion_claims(const RunRecord *const *runs, size_t n);

/* JSON Schema of criteria/1. Caller frees. */
char *criterion_schema(void);
const Shape *criterion_shape(void);

/* ---- crosswalks: rows of a standard or framework, and the criteria that bear on them (crosswalk/1) ---- */

typedef struct CrosswalkReason {
	char *en, *ja;
} CrosswalkReason;

/* What the file itself says of a row that no criterion bears on. */
typedef enum { ROW_PLAIN, ROW_GAP, ROW_NOT_APPLICABLE } CrosswalkWord;

typedef struct CrosswalkRow {
	char *id, *title_en, *title_ja;
	char *parent; /* NULL: none */
	CrosswalkWord word;
	const CrosswalkReason *why; /* of word; NULL for ROW_PLAIN. Owned by the crosswalk */
	unsigned line, column;
} CrosswalkRow;

typedef struct Crosswalk {
	char *path, *id, *title_en, *title_ja, *source;
	CrosswalkReason *absent; /* NULL, or why the rows cannot be shipped */
	GHashTable *reasons;     /* name → CrosswalkReason* */
	GPtrArray *rows;         /* CrosswalkRow* */
} Crosswalk;

const Shape *crosswalk_shape(void);
/* NULL when the file is refused. Free with crosswalk_free(). */
Crosswalk *crosswalk_load(const char *path, Diagnostics *diag);
Crosswalk *crosswalk_load_text(const char *text, gssize length, const char *name,
			       Diagnostics *diag);
void crosswalk_free(Crosswalk *crosswalk);
const CrosswalkRow *crosswalk_row(const Crosswalk *crosswalk, const char *id); /* NULL: none */

/* Does the criterion bear on row ID of the crosswalk? Its pack says so; perspectives EVP-1 to EVP-10 are rows of
 * "jp-aisi". */
bool criterion_bears_on(const Criterion *criterion, const char *crosswalk_id, const char *row_id);

/* Both ways: every row has a criterion, or says why not, and never both; every reference of a pack names a row that is
 * there. False when an error was added. */
bool crosswalk_lint(Crosswalk *const *crosswalks, size_t n_crosswalks, Pack *const *packs,
		    size_t n_packs, Diagnostics *diag);

/* ---- hazards (hazards/1): the register of what can go wrong ---- */

typedef struct Hazard {
	char *id, *title_en, *title_ja;
	unsigned
		severity; /* worst credible harm on the scale of R-Map, 0 (no injury) to 4 (fatal) */
	bool open;        /* the file says why no criterion is about it */
	unsigned line, column;
} Hazard;

typedef struct Hazards {
	char *path, *source;
	GPtrArray *rows; /* Hazard* */
} Hazards;

const Shape *hazards_shape(void);
/* NULL when the file is refused. Free with hazards_free(). */
Hazards *hazards_load(const char *path, Diagnostics *diag);
Hazards *hazards_load_text(const char *text, gssize length, const char *name, Diagnostics *diag);
void hazards_free(Hazards *hazards);
const Hazard *hazards_find(const Hazards *hazards, const char *id); /* NULL: none, or no id */
const char *hazard_severity(const Hazard *hazard);                  /* "0" "I" "II" "III" "IV" */

/* Both ways: every hazard has a criterion, or says why not, and never both; every criterion's hazard is there, and one that
 * can injure is about a hazard that can. False when an error was added. */
bool hazards_lint(const Hazards *hazards, Pack *const *packs, size_t n_packs, Diagnostics *diag);

/* ---- risk classes (risk-table/1): from declared facts to a class and its duties ---- */

typedef struct RiskQuestion {
	char *fact, *en, *ja;
	bool used; /* a step asks it */
} RiskQuestion;

typedef struct RiskStep {
	char *class_name; /* "prohibited" "high" "limited" "minimal" */
	char *row;        /* of the crosswalk: "eu-ai-act:Art.5" */
	GPtrArray *all;   /* RiskQuestion*, borrowed: met when every one is yes; empty: always */
	GPtrArray *none;  /* and every one of these is no */
	unsigned line, column;
} RiskStep;

typedef struct RiskClass {
	char *name, *en, *ja;
	GPtrArray *duties; /* char*: rows of the crosswalk */
} RiskClass;

typedef struct RiskTable {
	char *path, *id, *title_en, *title_ja, *source;
	GPtrArray *questions; /* RiskQuestion* */
	GPtrArray *classes;   /* RiskClass*, gravest first */
	GPtrArray *steps;     /* RiskStep*, asked in order */
} RiskTable;

const Shape *risk_table_shape(void);
RiskTable *risk_table_load(const char *path, Diagnostics *diag); /* NULL when refused */
RiskTable *risk_table_load_text(const char *text, gssize length, const char *name,
				Diagnostics *diag);
void risk_table_free(RiskTable *table);
const RiskClass *risk_class(const RiskTable *table, const char *name);

typedef enum { STEP_MET, STEP_NOT_MET, STEP_UNDECIDED } StepState;

/* How one step comes out. facts: name → GINT_TO_POINTER(1 yes, 2 no), absent when not declared. *ret_fact: the question that
 * decided it, or the first one that is missing; NULL when the step asks nothing. */
StepState risk_step(const RiskStep *step, GHashTable *facts, const RiskQuestion **ret_fact);

/* ---- the guideline: text made from packs, and what a revision changes in meaning ---- */

typedef enum { GUIDE_MARKDOWN, GUIDE_HTML } GuideForm;

/* The whole guideline. lang "en" or "ja". Rows of crosswalks are named by their titles. Caller frees. */
char *criterion_guide(Pack *const *packs, size_t n_packs, Crosswalk *const *crosswalks,
		      size_t n_crosswalks, const char *lang, GuideForm form);

typedef enum {
	CHANGE_ADDED,
	CHANGE_WITHDRAWN,
	CHANGE_TIGHTENED, /* what passed may fail now */
	CHANGE_LOOSENED,  /* what failed may pass now */
	CHANGE_RULE,      /* decided otherwise; neither stricter nor looser in general */
	CHANGE_VERSION,   /* the meaning changed and the version did not */
} ChangeKind;
const char *change_name(ChangeKind kind); /* "added" "withdrawn" "tightened" … */

typedef struct CriterionChange {
	ChangeKind kind;
	char *id;      /* full id; of a pack for CHANGE_VERSION */
	char *en, *ja; /* what, with both values */
} CriterionChange;

/* Changes in meaning from old packs to new ones, by id; wording is none. CriterionChange*, owned by the caller. */
GPtrArray *criterion_diff(Pack *const *old_packs, size_t n_old, Pack *const *new_packs,
			  size_t n_new);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pack, criterion_pack_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RiskTable, risk_table_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ClaimResult, claim_result_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Crosswalk, crosswalk_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hazards, hazards_free)

G_END_DECLS

#endif
