/* Private to criterion: packs. */
#ifndef ANZEN_CRITERION_PACK_H
#define ANZEN_CRITERION_PACK_H

#include <anzen/criterion.h>
#include <anzen/stl.h>
#include <math.h>
#include <string.h>

#define CRITERION_MAX_LEVELS 4

Criterion *criterion_new(void);
void criterion_free(Criterion *criterion);
CriterionLevel *criterion_level_new(const char *name);
void criterion_level_free(CriterionLevel *level);

/* The limit at a level (-1: no levels). False when the criterion measures nothing. */
bool criterion_limit(const Criterion *criterion, int level, Quantity *ret);

/* Does `text` use the name NAME as a whole word beginning ("product.", "rise(")? */
bool criterion_text_has(const char *text, const char *word);

/* The words of docs/criteria.md in that language; a standard's name stays as it is. */
const char *criterion_basis(const CriterionSource *source, const char *lang);

/* Everything that makes a verdict unsafe (errors) or odd (warnings). False when an error was added. */
bool criterion_pack_lint(const Pack *pack, Diagnostics *diag);

/* ---- trials (trial_file.c reads, trial.c plays) ---- */

typedef struct TrialPoint {
	int64_t t_ns; /* on the timeline */
	double v;     /* in the signal's unit; 0 or 1 */
} TrialPoint;

typedef enum {
	TRIAL_MEASURED,
	TRIAL_SAMPLED,
	TRIAL_RESPONSE,
	TRIAL_CLAIM,
	TRIAL_LABEL
} TrialSource;

typedef struct TrialSignal {
	SignalInfo info;
	int64_t every_ns; /* between samples */
	GArray *rest;     /* TrialPoint: where a trial does not say otherwise */
} TrialSignal;

typedef enum { PROBE_ANSWERED, PROBE_UNANSWERED, PROBE_NONE } TrialProbe;

struct Trial {
	GHashTable *paths; /* name → GArray of TrialPoint */
	TrialProbe probe;
};

struct TrialBench {
	int64_t length_ns;
	double clock_s;
	GPtrArray *truths;   /* TruthSpec* */
	GHashTable *signals; /* name → TrialSignal* */
};

extern const Shape trial_bench_shape, trials_shape;
TrialBench *trial_bench_read(const YamlDoc *doc, const YamlNode *node, Diagnostics *diag);
void trial_bench_free(TrialBench *bench);
void trials_read(const YamlDoc *doc, const YamlNode *node, const TrialBench *bench, Criterion *c,
		 Diagnostics *diag);
void trial_free(Trial *trial);

/* parsed, checked at a level against signals of any name and unit; NULL with an error. */
StlFormula *criterion_parse(const Criterion *criterion, const char *text, int level,
			    GError **error);

#endif
