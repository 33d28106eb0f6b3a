/* The executor: plays a plan on the bench's timebase, watches its conditions and guards, and ends in the safe state.
 *
 * A pure state machine: executor_step(now) does what is due and says when it wants to be called next. In real time the
 * executor's own thread calls it after absolute sleeps; in lock-step the loop that advances the clock does. Between
 * executor_arm() and the end nothing in here allocates, locks, does I/O or calls GLib. Private to run.
 */
#ifndef ANZEN_RUN_EXECUTOR_H
#define ANZEN_RUN_EXECUTOR_H

#include <anzen/model.h>
#include <anzen/stl.h>

/* States of a run (architecture.md, "Safety of the bench"). */
typedef enum {
	RUN_IDLE,
	RUN_PREFLIGHT,
	RUN_ARMED,
	RUN_LIVE,
	RUN_FINISHING,
	RUN_DONE,
	RUN_STOPPING,
	RUN_FAULTED,
} RunState;
const char *run_state_name(RunState state);

typedef enum {
	PLAN_MARK,    /* an event in the session */
	PLAN_COMMAND, /* role = value */
	PLAN_PULSE,   /* role = 1, and 0 again after pulse_ns (0: as long as the rig says) */
	PLAN_MOVE,    /* an axis to value, by velocity and acceleration */
	PLAN_END,
} PlanActionKind;

typedef struct PlanAction {
	PlanActionKind kind;
	unsigned role;    /* index into ExecutorPlan.roles (COMMAND, PULSE, MOVE) */
	const char *name; /* event name (MARK), borrowed for the plan's life */
	double value;
	int64_t pulse_ns;
	double velocity, acceleration; /* MOVE, in the axis' unit and seconds */
	int64_t move_ns;               /* MOVE: how long it takes, or at most when !from_known */
	bool from_known;               /* MOVE: it is known where it begins */
} PlanAction;

typedef struct PlanStep {
	bool when; /* false: at at_ns; true: when `condition` is reached, from the end of the step before */
	int64_t at_ns;      /* from the timeline's start */
	unsigned condition; /* index into ExecutorPlan.conditions */
	int64_t timeout_ns;
	bool product;    /* the condition rests on the product: its time-out is no fault */
	GArray *actions; /* PlanAction */
} PlanStep;

typedef struct PlanWatch { /* a condition or a guard */
	char *text;
	StlMonitor *monitor;
	GArray *sources; /* unsigned: source index of the monitor's signal i */
	Blame blame;     /* guards */
} PlanWatch;

/* After the timeline: commands, and a signal that has to come to rest. */
typedef struct PlanCleanup {
	GArray *actions;    /* PlanAction, PLAN_COMMAND only */
	int source;         /* index into ExecutorPlan.sources; -1: nothing to wait for */
	const char *signal; /* its name, borrowed for the plan's life */
	double lo, hi;      /* in the signal's unit */
	int64_t for_ns, timeout_ns;
} PlanCleanup;

typedef struct ExecutorPlan {
	GPtrArray *steps;      /* PlanStep* */
	GPtrArray *conditions; /* PlanWatch* */
	GPtrArray *guards;     /* PlanWatch* */
	GPtrArray *cleanup;    /* PlanCleanup* */
	GPtrArray *roles;      /* char* */
	GPtrArray *sources;    /* char*: signals whose samples the executor needs */
	GPtrArray *texts;      /* char*: owns the names of marks */
	int64_t end_ns;        /* of the timeline; the executor ends there even without PLAN_END */
} ExecutorPlan;

ExecutorPlan *executor_plan_new(void);
void executor_plan_free(ExecutorPlan *plan);
/* Index of a name in roles or sources, added when new. */
unsigned executor_plan_intern(GPtrArray *names, const char *name);

/* A sample on its way from a link's thread to the executor. */
typedef struct ExecutorSample {
	unsigned source;
	int64_t t_ns;
	double v;
	SampleStatus status;
} ExecutorSample;

/* What the executor asks for. All are called on the executor's thread and must neither block nor allocate. */
typedef struct ExecutorOps {
	/* Send role = value to take effect at at_ns. False: the command could not even be queued (a bench fault). */
	bool (*command)(void *user, unsigned role, double value, int64_t at_ns);
	bool (*trigger)(void *user, unsigned role,
			int64_t at_ns); /* on, and off by the rig's own pulse */
	/* Send an axis on its way, to begin at at_ns or EXECUTOR_SOONEST. */
	bool (*move)(void *user, const PlanAction *move, int64_t at_ns);
	/* A command of the cleanup, as soon as possible; executor_answered() is called with what came of it. */
	bool (*cleanup)(void *user, unsigned role, double value);
	/* Something happened: an event for the session. `name` and `detail` are copied. */
	void (*event)(void *user, const char *name, int64_t t_ns, const char *detail);
	/* A bench or product fault; copied. */
	void (*fault)(void *user, int64_t t_ns, const char *source, const char *cause, Blame blame);
	/* Next sample, false when there is none at the moment. */
	bool (*sample)(void *user, ExecutorSample *ret);
	/* What may have commands scheduled ahead has to be made safe now; the cleanup goes on with the rest. */
	void (*quiet)(void *user);
	/* Everything has to be made safe now; no command may follow. */
	void (*make_safe)(void *user);
	void *user;
} ExecutorOps;

/* Commands leave this long before they are due: the node wants >= 2 ms, the host aims for >= 50 ms. */
#define EXECUTOR_LEAD_NS (150 * CLOCK_MS)
/* A command that leaves later than this cannot be promised to the node any more (50 ms are left): a bench fault. */
#define EXECUTOR_LATE_NS (100 * CLOCK_MS)
/* A reaction: as soon as the device can (device.h, DEVICE_SOONEST). */
#define EXECUTOR_SOONEST INT64_MIN
#define EXECUTOR_TICK_NS CLOCK_MS
/* Said of a mark that came when the product did something: with another product it would have come at another time. */
#define EXECUTOR_OF_PRODUCT "the product's doing"

/* The cleanup begins this long after the timeline, so that nothing it does reaches the samples that verdicts rest on. */
#define CLEANUP_AFTER_NS (400 * CLOCK_MS)
/* No device takes longer for a command that it carries out. */
#define CLEANUP_REPLY_NS CLOCK_S
/* Longest cleanup after a timeline that came to its end, and after a stop: then the safe state is urgent. */
#define CLEANUP_NS (60 * CLOCK_S)
#define CLEANUP_STOPPED_NS (500 * CLOCK_MS)

typedef struct Executor Executor;

/* Borrow plan and ops for the executor's life. */
Executor *executor_new(ExecutorPlan *plan, const ExecutorOps *ops);
void executor_free(Executor *executor);

/* Armed → Live: t = 0 s of the timeline is start_ns (must lie at least EXECUTOR_LEAD_NS ahead). */
void executor_start(Executor *executor, int64_t start_ns);
/* Do what is due at now_ns; returns the next time to be called, CLOCK_NEVER when the run is over. */
int64_t executor_step(Executor *executor, int64_t now_ns);
/* Ask for an orderly end from any thread (Stop, a signal, a lost device). The first reason is kept; async-signal-safe
 * for static reasons. */
void executor_stop(Executor *executor, const char *static_reason, Blame blame);

/* A reply to a command of the cleanup: was it carried out? `what` names role and reason; copied. Executor's thread. */
void executor_answered(Executor *executor, bool done, const char *what);

RunState executor_state(const Executor *executor);          /* any thread */
const char *executor_stop_reason(const Executor *executor); /* NULL: came to its end */
int64_t executor_start_ns(const Executor *executor);
int64_t executor_ended_ns(const Executor *executor); /* when Live ended, 0 before */
int64_t executor_worst_lateness_ns(const Executor *executor);
/* Index of the step that is next, for the operator's view. Any thread. */
unsigned executor_position(const Executor *executor);

#endif
