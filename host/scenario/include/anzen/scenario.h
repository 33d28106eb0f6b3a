/* scenario (floor 3): reads scenario/1 and product/1 into immutable structs.
 *
 * A loaded Scenario has its parameters filled in: `--set k=v` first, then the defaults, every value checked for
 * unit, range and list. All quantities are resolved, all times are nanoseconds on the timeline (0 = its start).
 * What needs the rig (does the role exist, is the signal affected by the product) is checked by run; what needs the
 * packs (limits, pairs of criteria) by `anzen check`.
 *
 *	g_autoptr(Diagnostics) diag = diagnostics_new();
 *	const char *sets[] = {"light=40 lx", NULL};
 *	g_autoptr(Scenario) scenario = scenario_load("scenarios/fall-watch/chair-fall.yaml", sets, diag);
 *	if (!scenario) { diagnostics_print(diag, stderr); return ANZEN_EXIT_INPUT; }
 *
 * Everything inside is owned by its Scenario or Product, may be read on any thread, and is never changed.
 */
#ifndef ANZEN_SCENARIO_H
#define ANZEN_SCENARIO_H

#include <anzen/model.h>

G_BEGIN_DECLS

/* Where in the file something stands, for messages that are found later ("role not in the rig"). */
typedef struct Place {
	unsigned line, column;
} Place;

typedef struct Title {
	char *en, *ja;
} Title;

/* ---- scenario --------------------------------------------------------------------------------------- */

typedef enum {
	SCENARIO_NORMAL,
	SCENARIO_ABNORMAL,
	SCENARIO_ATTACK,
	SCENARIO_INTENT,
	SCENARIO_FAIRNESS,
	SCENARIO_PRIVACY,
} ScenarioClass;
const char *scenario_class_name(ScenarioClass class_);

/* A parameter has either a unit and a range, or a list of words. */
typedef struct Parameter {
	char *name;
	char **words;   /* NULL for a number */
	double lo, hi;  /* of a number, in value.unit */
	Quantity value; /* chosen; of a word parameter: value 0, unit 1 */
	char *word;     /* chosen; NULL for a number */
	bool set;       /* by --set, not by default */
} Parameter;

typedef enum { ROLE_ACTUATOR, ROLE_SENSOR, ROLE_CAMERA, ROLE_ENVIRONMENT } RoleKind;
const char *role_kind_name(RoleKind kind); /* "actuator" … */

typedef struct Need {
	RoleKind kind;
	char *role;
	Place place;
} Need;

/* role := value. `value.unit` is as written; the rig converts and refuses another dimension. */
typedef struct SetValue {
	char *role;
	Quantity value;
	Place place;
} SetValue;

/* Wait until `signal` has stayed near `target` for `for_ns`. */
typedef struct Settle {
	char *signal;
	Quantity target;
	Quantity
		within; /* dimensionless: a fraction of target; else absolute, in the target's dimension */
	int64_t for_ns, timeout_ns;
	Place place;
} Settle;

/* What the rig does at one moment. */
typedef enum {
	ACTION_MARK,
	ACTION_TRIGGER,
	ACTION_SET,
	ACTION_MOVE,
	ACTION_PROBE,
	ACTION_END
} ActionKind;

/* Of an axis: a trapezoid to `to`, never faster than `velocity` nor steeper than `acceleration`. Units are as written and fit one
 * another (mm, mm/s, mm/s^2); the rig converts and knows the axis' limits. */
typedef struct Move {
	Quantity to, velocity, acceleration;
	Place to_place, velocity_place, acceleration_place;
} Move;

typedef struct Action {
	ActionKind kind;
	char *name; /* mark or probe name, or the triggered or moved role; NULL for set and end */
	int64_t duration_ns; /* ACTION_TRIGGER: how long the output is energised; 0: the rig's max_on */
	SetValue *sets;      /* ACTION_SET */
	size_t n_sets;
	Move move; /* ACTION_MOVE */
	Place place;
} Action;

/* Setup and cleanup, in order, outside the timeline. A step is a prompt, or a set with an optional settle. */
typedef struct Step {
	Title prompt;   /* parameters filled in; en NULL: no prompt */
	char **choices; /* of a prompt; the first one means "done"; NULL: just done */
	SetValue *sets;
	size_t n_sets;
	Settle *settle; /* NULL: none */
	Place place;
} Step;

/* One entry of the timeline: at a time, or when a formula becomes true. */
typedef struct Entry {
	int64_t at_ns;      /* absolute; -1 for a condition */
	char *when;         /* STL, parameters as $name; NULL for an `at` */
	int64_t timeout_ns; /* of a condition, counted from the end of the entry before it */
	bool on_product; /* `when` looks at product signals only: its time-out is no fault, the timeline goes on. Else
			     * a time-out is the bench's fault. */
	int64_t earliest_ns, latest_ns; /* when the entry can end; equal for an `at` */
	Action *actions;
	size_t n_actions;
	Place place;
} Entry;

/* Watched while running; stops the rig when the formula turns false. */
typedef struct StopRule {
	char *formula;
	Blame blame;
	Place place;
} StopRule;

/* What is done to the product's input, and to nothing else: truth comes from the undisturbed signals. */
typedef struct Disturbance {
	const struct PerturbInfo *info; /* perturb.h */
	unsigned severity;         /* 0: not at all, the zero point of a campaign over severities */
	char *written;             /* "KIND:SEVERITY" as it stands there: "fog:$fog" */
	char *role;                /* a camera or a signal of the needs */
	int64_t from_ns, until_ns; /* on the timeline; INT64_MIN, CLOCK_NEVER: always */
	Place place;
} Disturbance;

typedef struct Scenario {
	char *path, *id;
	Title title;
	char *product_kind; /* "fall-watch" */
	char *hazard;       /* row of the hazard register */
	ScenarioClass class_;
	char *twin; /* id of the matched benign case, or NULL */
	Parameter *parameters;
	size_t n_parameters;
	Need *needs;
	size_t n_needs;
	int64_t clock_uncertainty_ns; /* 0: not asked for */
	Step *setup;
	size_t n_setup;
	Entry *timeline; /* at least one; the last one has ACTION_END */
	size_t n_timeline;
	int64_t end_ns; /* latest end of the timeline */
	TruthSpec *truths;
	size_t n_truths;
	char **stimulus; /* STL, NULL-terminated; may be empty */
	Place *stimulus_places;
	StopRule *stop_rules;
	size_t n_stop_rules;
	char **criteria; /* ids "living/fall-watch/alarm-delay", NULL-terminated, at least one */
	Place *criteria_places;
	Disturbance *disturbances; /* one after the other */
	size_t n_disturbances;
	int64_t deadline_ns; /* how late anything may be given to the product; 0: not said */
	Step *cleanup;
	size_t n_cleanup;
	char *bytes; /* the file, for hashing and attaching */
	size_t n_bytes;
} Scenario;

/* `sets`: NULL or a NULL-terminated list of "name=value". Returns NULL when anything is wrong; each problem is one
 * diagnostic; a bad --set is reported under the file name "--set". Warnings may stand in diag on success. */
Scenario *scenario_load(const char *path, const char *const *sets, Diagnostics *diag);
Scenario *scenario_load_text(const char *text, gssize length, const char *name,
			     const char *const *sets, Diagnostics *diag);
void scenario_free(Scenario *scenario);

const Parameter *scenario_parameter(const Scenario *scenario,
				    const char *name); /* NULL when absent */
/* The role's kind when the scenario needs it. */
gboolean scenario_role(const Scenario *scenario, const char *role, RoleKind *ret_kind);

/* ---- product ---------------------------------------------------------------------------------------- */

/* Picks a member out of a JSON message: "$.type" (dots only; "$" is the whole message). equals NULL: present at all. */
typedef struct JsonMatch {
	char *path;
	char *equals;
} JsonMatch;

/* A product's input: the bench serves it and passes the endpoint to the product as $at. */
typedef struct ProductInput {
	char *name;    /* "camera" */
	char *adapter; /* "rtsp", "modbus" … ; adapter's registry knows them */
	char *at; /* endpoint that serves it, without the $: "camera", "modbus"; default: the name */
	char *from;         /* role; or "bench.sequence": a counter of updates */
	int64_t max_age_ns; /* 0: not declared */
	int reg;            /* modbus: input register, -1 none */
	Quantity per_count; /* modbus: one count is this much; value 0: none */
	Place place;
} ProductInput;

typedef enum {
	OUTPUT_EVENT,   /* rises with each matching message, falls with `clears` or at once */
	OUTPUT_STATE,   /* a level: true while it holds */
	OUTPUT_NUMBER,  /* a number with a unit */
	OUTPUT_COUNTER, /* rises whenever it changes */
} OutputKind;

/* Becomes the signal product.NAME, stamped at the bench's own receipt. */
typedef struct ProductOutput {
	char *name; /* "alarm" */
	char *adapter;
	char *at;   /* endpoint, without the $: "port" for HTTP, "modbus" */
	char *path; /* HTTP path or MQTT topic; NULL none */
	OutputKind kind;
	JsonMatch when, clears;         /* path NULL: none */
	char *value;                    /* JSON path of a number; NULL none */
	Unit unit;                      /* of a number */
	char *claim_time, *claim_score; /* JSON paths: what the product says of itself; NULL none */
	int coil, holding;              /* modbus, written by the product; -1 none */
	int claim_holding; /* modbus: first of two registers, claimed time in ms; -1 none */
	Place place;
} ProductOutput;

typedef enum { CONFINE_NONE, CONFINE_BENCH_ONLY, CONFINE_OFFLINE } ConfineNetwork;

typedef struct Product {
	char *path,
		*dir; /* of product.yaml; programs are looked for beside `anzen`, in dir, then in PATH */
	char *id, *kind;
	Title title;
	char *program, *version_http, *version_text,
		*serial; /* serial "ask": the operator types it */
	char **argv; /* of start.process, with $endpoints still in; NULL: already running at `address` */
	char *address;
	char *ready_http;
	int64_t ready_timeout_ns;
	ConfineNetwork network;
	int cpus;            /* processors it may use, 0: not limited */
	double memory_bytes; /* 0: not limited */
	double max_cpu_wait; /* fraction of time waiting for a CPU above which the run is INVALID; 0: not declared */
	ProductInput *inputs;
	size_t n_inputs;
	ProductOutput *outputs;
	size_t n_outputs;
	/* Proof of life. */
	char *heartbeat;      /* output name, NULL none */
	int64_t heartbeat_ns; /* dead after: three promised periods unless said otherwise */
	char *control_output,
		*control_role; /* positive control: trigger the role, the output must rise */
	int64_t control_ns, control_duration_ns;
	int64_t limit_response_ns;
	double limit_message_bytes, limit_rate_hz; /* 0: not declared */
	char *bytes;
	size_t n_bytes;
} Product;

Product *product_load(const char *path, Diagnostics *diag);
Product *product_load_text(const char *text, gssize length, const char *name, Diagnostics *diag);
void product_free(Product *product);

/* ---- for judging ------------------------------------------------------------------------------------ */

/* Names of the health signals that run records about a product. */
#define PRODUCT_AGE_SIGNAL "health.input.age" /* s, the oldest input at the product */
#define PRODUCT_CONSUMED_SIGNAL \
	"health.input.consumed"                   /* count of stimulus units the product took */
#define PRODUCT_CPU_WAIT_SIGNAL "health.cpu.wait" /* fraction of wall time */

/* Truths, stimulus checks and parameters from the scenario; proof of life and ages from the product (NULL: none). */
JudgeSpec *scenario_judge_spec(const Scenario *scenario, const Product *product);
/* What the product says about its own life (heartbeat, control, age of its input), in place of what stood there. */
void judge_spec_use_product(JudgeSpec *spec, const Product *product);

/* ---- for `anzen check` and docs/schema -------------------------------------------------------------- */

const Shape *scenario_shape(void);
const Shape *product_shape(void);
/* Shape and everything deeper; problems become diagnostics. True when no error was added. */
bool scenario_check(const YamlDoc *doc, Diagnostics *diag);
bool product_check(const YamlDoc *doc, Diagnostics *diag);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scenario, scenario_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Product, product_free)

G_END_DECLS

#endif
