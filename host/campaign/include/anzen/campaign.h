/* campaign (floor 7): many runs that together can show a claim.
 *
 * A plan (campaign/1) names the product, the rig, the scenarios and the population that runs are drawn from. Loading it draws
 * every run at once, from the plan's seed alone. campaign_run() first writes plan.json, which fixes the draws and the digests of
 * every file that decides (scenarios, packs, rig, certificates, product, programs), then plays them one after the other; each
 * session carries plan.json, and its digest as meta "campaign", which criterion_claims() asks for. A campaign that was
 * interrupted goes on where it stopped, and only if nothing that was fixed has changed.
 *
 *	OUT/ID/plan.json     what was fixed, before the first run
 *	OUT/ID/report.html   what the runs show together, and report.ja.html or report.en.html beside it
 *	OUT/ID/runs/…        one folder a run, INVALID ones and their repetitions among them
 *
 * Main thread only.
 */
#ifndef ANZEN_CAMPAIGN_H
#define ANZEN_CAMPAIGN_H

#include <anzen/criterion.h>
#include <anzen/run.h>

G_BEGIN_DECLS

/* One run to be played. */
typedef struct CampaignDraw {
	unsigned scenario; /* index into CampaignPlan.scenarios */
	unsigned sample;   /* of this scenario, from 1 */
	uint64_t seed;     /* of the virtual world */
	char **sets; /* "light=123.4 lx", NULL-terminated; what the population does not name stays at its default */
} CampaignDraw;

/* What the plan can show about one criterion that declares a claim. */
typedef struct CampaignClaim {
	char *criterion;
	unsigned drawn;        /* runs of the plan that judge it */
	unsigned n, permitted; /* as the pack declares */
	double rate, confidence, good;
} CampaignClaim;

/* Chance that a product of this true rate ends with PASS, exact. 0 for a plan that cannot decide the claim. */
double campaign_chance(const CampaignClaim *claim, double true_rate);
#define CAMPAIGN_RATES 3
extern const double
	campaign_rates[CAMPAIGN_RATES]; /* true rates that every plan tells it for: 95, 98, 99 % */

typedef struct CampaignPlan {
	char *path, *id, *title_en, *title_ja;
	char *product, *rig;  /* paths that can be opened from here */
	GPtrArray *scenarios; /* char*, paths, in order of name */
	char *criteria;       /* folder of the packs */
	bool lock_step;       /* simulated time; else real time */
	unsigned n;           /* runs a scenario */
	uint64_t seed;
	double max_invalid; /* share of all runs that may be repeated because they were INVALID */
	GPtrArray *
		draws; /* CampaignDraw*, in the order in which they are played: scenario after scenario for each n */
	GPtrArray *claims; /* CampaignClaim*, in order of name */
	char *bytes;
	size_t n_bytes;
} CampaignPlan;

const Shape *campaign_shape(void);
/* For `anzen check`: as far as the file itself tells. */
bool campaign_check(const YamlDoc *doc, Diagnostics *diag);

/* Everything the plan names is loaded and checked, the population against the scenarios' ranges. Relative paths are looked for in
 * the plan's folder and the five above it. NULL: each problem is a diagnostic. A claim that the number of runs cannot decide is
 * a warning. Free with campaign_plan_free(). */
CampaignPlan *campaign_plan_load(const char *path, Diagnostics *diag);
/* name: as if the text stood in that file. */
CampaignPlan *campaign_plan_load_text(const char *text, gssize length, const char *name,
				      Diagnostics *diag);
void campaign_plan_free(CampaignPlan *plan);

/* plan.json: the draws, and SHA-256 of every file that decides. created: time of the first run, ISO 8601. program_dir: where the
 * programs are (RunConfig). The same text for the same files. Caller frees; NULL with an error when one cannot be read. */
char *campaign_plan_fix(const CampaignPlan *plan, const char *program_dir, const char *created,
			GError **error);

typedef struct CampaignStatus {
	unsigned done, total;    /* draws that have their run, of all */
	unsigned draw, attempt;  /* of the run that begins or has ended, from 1 */
	const RunRecord *record; /* NULL: it begins */
} CampaignStatus;

typedef struct CampaignConfig {
	const CampaignPlan *plan;
	const char *out_dir;     /* NULL: "campaigns" */
	const char *program_dir; /* as in RunConfig */
	const char *lang;
	/* Play one run as run_scenario() does; the caller adds the world for lock-step. */
	gboolean (*play)(void *user, RunConfig *config, RunOutcome *ret, Diagnostics *diag,
			 GError **error);
	/* FALSE: stop before the next run; it can be gone on with later. NULL: nobody looks. */
	gboolean (*progress)(void *user, const CampaignStatus *status);
	void *user;
} CampaignConfig;

typedef struct CampaignOutcome {
	char *folder;                                 /* OUT/ID */
	char *id, *title_en, *title_ja, *plan_sha256; /* titles: NULL when the plan has none */
	unsigned drawn;                               /* runs that the plan draws */
	GPtrArray *runs;   /* RunRecord*, all that the campaign has, INVALID ones too */
	GPtrArray *claims; /* ClaimResult* */
	Verdict verdict;   /* aggregate of the claims; INCONCLUSIVE while draws are missing */
	bool complete;     /* every draw has been played */
} CampaignOutcome;
void campaign_outcome_clear(CampaignOutcome *outcome);

/* Begin, or go on with what is in OUT/ID. FALSE: diag holds file errors, or error says why: ANZEN_ERROR_INPUT when something that
 * was fixed has changed, with its name. */
gboolean campaign_run(const CampaignConfig *config, CampaignOutcome *ret, Diagnostics *diag,
		      GError **error);

/* What a campaign's folder holds, judged together. FALSE: it is none. */
gboolean campaign_read(const char *folder, CampaignOutcome *ret, GError **error);

/* The page in both languages into the campaign's folder; *ret_path: the one in `lang`, caller frees. */
gboolean campaign_write_report(const CampaignOutcome *outcome, const char *lang, char **ret_path,
			       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CampaignPlan, campaign_plan_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CampaignOutcome, campaign_outcome_clear)

G_END_DECLS

#endif
