/* run (floor 6): one run of one scenario with one product on one rig, from the files to the verdict.
 *
 * run_scenario() loads and checks everything, opens the rig, starts the product, arms, plays the timeline on the executor's
 * thread, ends in the safe state whatever happens, seals the session, judges the sealed file exactly as
 * `anzen score` does, and leaves a folder runs/ID/ with session.mcap, run.json and report.html.
 *
 * Main thread only (it iterates the default main context and spawns the product). One run at a time in a process.
 */
#ifndef ANZEN_RUN_H
#define ANZEN_RUN_H

#include <anzen/criterion.h>
#include <anzen/link.h>
#include <anzen/model.h>

G_BEGIN_DECLS

/* What an operator's view wants to know; passed to RunConfig.progress. All strings are borrowed for the call. */
typedef struct RunStatus {
	const char *state;  /* "Preflight", "Live" … */
	const char *doing;  /* one line: "waiting for the product", "step 3 of 6" */
	double t_s, end_s;  /* of the timeline; NaN outside Live */
	const char *prompt; /* a question for the operator, NULL: none */
	const char *const *choices;
} RunStatus;

/* What the operator says to it. Zero: nothing; go on. */
typedef struct RunAnswer {
	bool stop;  /* Stop (software) */
	int choice; /* of a prompt: index into choices */
	char *note; /* append-only note, becomes an event of the session; allocated with g_malloc, taken */
} RunAnswer;

/* How late anything may be given to a product, when neither a scenario nor an option says: three pictures of a 30/s camera, and
 * half of the 0.2 s to which a person reads an edge off a video. */
#define RUN_DEADLINE_NS (100 * CLOCK_MS)

typedef struct RunConfig {
	const char *scenario, *rig, *product; /* paths */
	const char *const *sets;              /* "name=value", NULL-terminated, or NULL */
	const char *out_dir;                  /* NULL: "runs" */
	const char *criteria_dir; /* NULL: criteria/ of the project that the scenario lies in */
	const char *program_dir;  /* where anzen-world, anzen-launch and reference products are */
	const char *lang;         /* of the report: "en" or "ja" */
	const char *label;        /* for tables: "good", "late"; NULL: none */
	const char *note;         /* operator's note, kept as an event; NULL: none */
	const char *const
		*faults; /* of the virtual world: "DEVICE:KIND@TIME", NULL-terminated, or NULL */
	const char *const *
		perturb; /* done to the product's input after what the scenario does to it: "fog:3",
				       "noise:2@ROLE+4s..10s" (perturb.h), NULL-terminated; or NULL */
	uint64_t seed;   /* of the virtual world, and of what is perturbed */
	/* A campaign's run: its plan.json, which the session carries, the plan's digest, and the run's place. plan NULL: a run of
	 * its own, which no claim can count. */
	struct {
		const char *plan, *digest;
		unsigned draw, sample, attempt; /* of all; of this scenario; from 1 */
	} campaign;
	/* Lock-step: simulated time, the world in this process. The caller (cli) brings the world and, for each node, the near
	 * end of a link to a native node core that the plant steps along. */
	bool lock_step;
	PlantPort *plant; /* borrowed */
	ByteLink *(*node_link)(void *user, const char *device);
	void *node_link_user;
	/* Make the world in this process fail from bench time at_ns on; FALSE: it knows no such fault. */
	gboolean (*world_fault)(void *user, const char *device, const char *kind, int64_t at_ns,
				GError **error);
	/* Called on the main thread some times a second, and for each prompt, where it returns when it is answered. NULL: nobody
	 * looks; prompts are taken as done. */
	void (*progress)(void *user, const RunStatus *status, RunAnswer *ret);
	void *progress_user;
} RunConfig;

typedef struct RunOutcome {
	char *folder, *report; /* paths; NULL when the run never began */
	RunRecord *record;
	int64_t worst_lateness_ns; /* of the executor; in a replay of a picture */
	/* Replay only: of all pictures and samples, how late they were given. */
	uint64_t frames, items; /* pictures; all */
	int64_t lateness_p50_ns, lateness_p99_ns, lateness_p999_ns;
	int64_t took_ns; /* REPLAY_MAX: to give everything */
} RunOutcome;

void run_outcome_clear(RunOutcome *outcome);

/* TRUE: there is a record (any verdict, INVALID too). FALSE: nothing was run; diag holds file errors, or error says what
 * the bench could not do. In both cases nothing is left running. */
gboolean run_scenario(const RunConfig *config, RunOutcome *ret, Diagnostics *diag, GError **error);

/* A replay: a run whose devices are recorded. The pictures and signals of a session are given to a new product, with new
 * times; what the product of the recording said is left out. Open loop: the recording does not follow what the new product
 * does, and the judge decides from nothing that it could have changed. The product is started first and sees the first
 * picture standing still, and the first value of each signal, until t = 0. At the beginning of the part, and of each loop,
 * every signal begins with what it said last. Items of equal time keep the file's order. Evidence class replay, whatever
 * the recording was. An item given later than the deadline, and faults of the recording are the bench's faults:
 * INVALID. */
typedef enum {
	REPLAY_RATE, /* in real time, `rate` times as fast; with any rate but 1 the run is INVALID */
	REPLAY_ANSWER, /* in lock-step, as fast as the product answers: time is the recording's, and stands still while
			  the product thinks. Valid; for products with lock-step (products/lockstep.h) */
	REPLAY_MAX, /* in real time as fast as it can be written: INVALID, to see how much a product takes */
} ReplayPace;

typedef struct ReplayConfig {
	const char *session, *product; /* paths */
	const char *criteria;          /* a pack; NULL: those attached to the session */
	const char *const *chosen;     /* judge only these criteria, as in ScoreConfig; NULL: all */
	const char *out_dir;           /* NULL: "runs" */
	const char *program_dir, *lang; /* as in RunConfig */
	ReplayPace pace;
	double rate; /* REPLAY_RATE: 0.1 to 20; 1 is recorded speed */
	int64_t from_ns,
		to_ns; /* the part that is judged, after the recording's t = 0; to CLOCK_NEVER: all */
	unsigned loops; /* the part so often one after the other, times going on; 0: once */
	int64_t deadline_ns; /* how late any item may be, no more than the plan of the recording allows; 0: what that says,
				RUN_DEADLINE_NS when it says nothing */
	const char *const *
		perturb; /* "fog:3", "noise:2@ROLE" (perturb.h), NULL-terminated; "none" alone: nothing.
				       NULL: what was done in the recorded run, with its seed */
	uint64_t seed; /* of what is perturbed */
	bool own_seed; /* `seed` also for what was done in the recorded run */
	/* REPLAY_ANSWER: asked before the product decides at t_s; how many decisions may be taken before it is asked again, 0:
	 * stop, negative: never again. NULL: no steps. */
	int64_t (*step)(void *user, double t_s);
	void *step_user;
	void (*progress)(void *user, const RunStatus *status, RunAnswer *ret); /* or NULL */
	void *progress_user;
} ReplayConfig;

/* As run_scenario(). */
gboolean run_replay(const ReplayConfig *config, RunOutcome *ret, Diagnostics *diag, GError **error);

/* Ask a run in this process for an orderly end; async-signal-safe. */
void run_request_stop(void);

/* Judge a sealed session. This is all that scoring is; run_scenario() calls it on its own session. */
typedef struct RunScore {
	RunRecord *record;
	Recording *recording;
	JudgeSpec *spec;
} RunScore;
void run_score_clear(RunScore *score);

/* All zero: what the session names, by the packs that it carries. */
typedef struct ScoreConfig {
	Pack *const *packs; /* NULL: those attached to the session. Of given ones, all criteria */
	size_t n_packs;
	/* Judge only these: ids, NULL-terminated, full ones or their last part where one criterion has it; NULL: all. Those that
	 * a chosen one is judged with come along. The rest stands in RunRecord.left_out. */
	const char *const *criteria;
	unsigned
		draws; /* of the Monte-Carlo check (CriterionResult.monte_carlo); changes no verdict */
} ScoreConfig;
gboolean run_score(const char *session, const ScoreConfig *config, RunScore *ret, Diagnostics *diag,
		   GError **error);

/* For whoever writes a session of which only some criteria shall be judged: its meta "criteria" and "criteria.left-out"
 * (comma lists; run_score() takes both from there). named: a comma list, NULL: all of the packs. *ret_left_out is NULL when
 * nothing is. FALSE: no such criterion among them. */
gboolean run_choose_criteria(Pack *const *packs, size_t n_packs, const char *named,
			     const char *const *chosen, char **ret_criteria, char **ret_left_out,
			     GError **error);

/* Write report.html (and report.ja.html or report.en.html beside it) for a scored session: still frames at the stimulus and
 * at the response are taken from it. */
gboolean run_write_report(const char *folder, const RunScore *score, const char *lang,
			  char **ret_path, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunOutcome, run_outcome_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunScore, run_score_clear)

G_END_DECLS

#endif
