#include "cleanup.h"

#include <stdatomic.h>
#include <string.h>

const char *run_state_name(RunState state)
{
	switch (state) {
	case RUN_IDLE:
		return "Idle";
	case RUN_PREFLIGHT:
		return "Preflight";
	case RUN_ARMED:
		return "Armed";
	case RUN_LIVE:
		return "Live";
	case RUN_FINISHING:
		return "Finishing";
	case RUN_DONE:
		return "Done";
	case RUN_STOPPING:
		return "Stopping";
	case RUN_FAULTED:
		return "Faulted";
	}
	return "?";
}

/* ---- plan ----------------------------------------------------------------------------------------------- */

static void step_free(void *p)
{
	PlanStep *step = p;
	if (step->actions)
		g_array_unref(step->actions);
	g_free(step);
}

static void watch_free(void *p)
{
	PlanWatch *watch = p;
	g_free(watch->text);
	stl_monitor_free(watch->monitor);
	if (watch->sources)
		g_array_unref(watch->sources);
	g_free(watch);
}

static void cleanup_free(void *p)
{
	PlanCleanup *cleanup = p;
	if (cleanup->actions)
		g_array_unref(cleanup->actions);
	g_free(cleanup);
}

ExecutorPlan *executor_plan_new(void)
{
	ExecutorPlan *plan = g_new0(ExecutorPlan, 1);
	plan->steps = g_ptr_array_new_with_free_func(step_free);
	plan->conditions = g_ptr_array_new_with_free_func(watch_free);
	plan->guards = g_ptr_array_new_with_free_func(watch_free);
	plan->cleanup = g_ptr_array_new_with_free_func(cleanup_free);
	plan->roles = g_ptr_array_new_with_free_func(g_free);
	plan->sources = g_ptr_array_new_with_free_func(g_free);
	plan->texts = g_ptr_array_new_with_free_func(g_free);
	return plan;
}

void executor_plan_free(ExecutorPlan *plan)
{
	if (!plan)
		return;
	g_ptr_array_unref(plan->steps);
	g_ptr_array_unref(plan->conditions);
	g_ptr_array_unref(plan->guards);
	g_ptr_array_unref(plan->cleanup);
	g_ptr_array_unref(plan->roles);
	g_ptr_array_unref(plan->sources);
	g_ptr_array_unref(plan->texts);
	g_free(plan);
}

unsigned executor_plan_intern(GPtrArray *names, const char *name)
{
	for (guint i = 0; i < names->len; i++)
		if (!strcmp(g_ptr_array_index(names, i), name))
			return i;
	g_ptr_array_add(names, g_strdup(name));
	return names->len - 1;
}

/* ---- executor ------------------------------------------------------------------------------------------- */

/* Where one step stands. */
typedef struct StepState {
	bool sent, done;
	int64_t from_ns; /* WHEN: watched from here; -1: not yet */
} StepState;

struct Executor {
	ExecutorPlan *plan;
	const ExecutorOps *ops;
	StepState *steps;
	bool *guard_broken;
	_Atomic int state;
	_Atomic unsigned position;
	_Atomic(const char *) stop_reason;
	_Atomic int stop_blame;
	int64_t start_ns, ended_ns, late_ns;
	Cleanup cleanup;
};

Executor *executor_new(ExecutorPlan *plan, const ExecutorOps *ops)
{
	Executor *e = g_new0(Executor, 1);
	e->plan = plan;
	e->ops = ops;
	cleanup_init(&e->cleanup, plan->cleanup, ops);
	e->steps = g_new0(StepState, plan->steps->len + 1);
	e->guard_broken = g_new0(bool, plan->guards->len + 1);
	return e;
}

void executor_free(Executor *e)
{
	if (!e)
		return;
	g_free(e->steps);
	g_free(e->guard_broken);
	g_free(e);
}

/* The one place that changes state. */
static void enter(Executor *e, RunState to, int64_t now_ns)
{
	RunState from = atomic_exchange(&e->state, (int)to);
	if (from == to)
		return;
	char name[64];
	g_snprintf(name, sizeof(name), "state.%s", run_state_name(to));
	e->ops->event(e->ops->user, name, now_ns, run_state_name(from));
	if (from == RUN_LIVE)
		e->ended_ns = now_ns;
}

void executor_start(Executor *e, int64_t start_ns)
{
	e->start_ns = start_ns;
	for (guint i = 0; i < e->plan->conditions->len; i++)
		stl_monitor_start(((PlanWatch *)g_ptr_array_index(e->plan->conditions, i))->monitor,
				  start_ns);
	for (guint i = 0; i < e->plan->guards->len; i++)
		stl_monitor_start(((PlanWatch *)g_ptr_array_index(e->plan->guards, i))->monitor,
				  start_ns);
	for (guint i = 0; i < e->plan->steps->len; i++)
		e->steps[i].from_ns = -1;
	enter(e, RUN_LIVE, start_ns);
}

void executor_stop(Executor *e, const char *static_reason, Blame blame)
{
	const char *none = NULL;
	if (atomic_compare_exchange_strong(&e->stop_reason, &none, static_reason))
		atomic_store(&e->stop_blame, (int)blame);
}

/* ---- one step ------------------------------------------------------------------------------------------- */

static void feed(const GPtrArray *watches, const ExecutorSample *s)
{
	for (guint i = 0; i < watches->len; i++) {
		const PlanWatch *w = g_ptr_array_index(watches, i);
		for (guint k = 0; k < w->sources->len; k++)
			if (g_array_index(w->sources, unsigned, k) == s->source)
				stl_monitor_feed(w->monitor, k, s->t_ns, s->v, s->status);
	}
}

static void take_samples(Executor *e)
{
	ExecutorSample s;
	while (e->ops->sample(e->ops->user, &s)) {
		feed(e->plan->conditions, &s);
		feed(e->plan->guards, &s);
		cleanup_sample(&e->cleanup, &s);
	}
}

/* A broken guard ends the run, blames whom it names, and leaves the bench safe. */
static void check_guards(Executor *e, int64_t now_ns)
{
	for (guint i = 0; i < e->plan->guards->len; i++) {
		const PlanWatch *w = g_ptr_array_index(e->plan->guards, i);
		if (e->guard_broken[i] || stl_monitor_state(w->monitor, now_ns) != STL_STATE_FALSE)
			continue;
		e->guard_broken[i] = true;
		e->ops->event(e->ops->user, "guard.broken", now_ns, w->text);
		e->ops->fault(e->ops->user, now_ns, "guard", w->text, w->blame);
		executor_stop(e, "a guard was broken", w->blame);
	}
}

/* at_ns EXECUTOR_SOONEST: a reaction; it has no time of its own. */
static void send_action(Executor *e, const PlanAction *a, int64_t at_ns, int64_t now_ns)
{
	bool ok = true;
	int64_t off_ns =
		(at_ns == EXECUTOR_SOONEST ? now_ns + EXECUTOR_LEAD_NS : at_ns) + a->pulse_ns;
	switch (a->kind) {
	case PLAN_MARK:
	case PLAN_END:
		return;
	case PLAN_COMMAND:
		ok = e->ops->command(e->ops->user, a->role, a->value, at_ns);
		break;
	case PLAN_PULSE:
		if (a->pulse_ns > 0)
			ok = e->ops->command(e->ops->user, a->role, 1, at_ns) &&
			     e->ops->command(e->ops->user, a->role, 0, off_ns);
		else
			ok = e->ops->trigger(e->ops->user, a->role, at_ns);
		break;
	case PLAN_MOVE:
		ok = e->ops->move(e->ops->user, a, at_ns);
		break;
	}
	if (!ok) {
		e->ops->fault(e->ops->user, now_ns, g_ptr_array_index(e->plan->roles, a->role),
			      "the command could not be queued", BLAME_BENCH);
		executor_stop(e, "a command could not be queued", BLAME_BENCH);
	}
}

static void send_step(Executor *e, PlanStep *step, int64_t at_ns, int64_t now_ns)
{
	for (guint i = 0; i < step->actions->len; i++)
		send_action(e, &g_array_index(step->actions, PlanAction, i), at_ns, now_ns);
}

/* The step's own moment has come: marks and the end. True when the timeline ends here. */
static bool reach_step(Executor *e, PlanStep *step, int64_t t_ns)
{
	bool end = false;
	for (guint i = 0; i < step->actions->len; i++) {
		const PlanAction *a = &g_array_index(step->actions, PlanAction, i);
		if (a->kind == PLAN_MARK)
			e->ops->event(e->ops->user, a->name, t_ns,
				      step->product ? EXECUTOR_OF_PRODUCT : NULL);
		end = end || a->kind == PLAN_END;
	}
	return end;
}

static void note_lateness(Executor *e, int64_t late_ns, int64_t now_ns)
{
	e->late_ns = MAX(e->late_ns, late_ns);
	if (late_ns <= EXECUTOR_LATE_NS)
		return;
	char cause[96];
	g_snprintf(cause, sizeof(cause), "the host was %.0f ms late at a step of the timeline",
		   (double)late_ns * 1e-6);
	e->ops->fault(e->ops->user, now_ns, "executor", cause, BLAME_BENCH);
	executor_stop(e, "the host was too late at a step of the timeline", BLAME_BENCH);
}

/* At steps are absolute: commands leave EXECUTOR_LEAD_NS ahead, so that the node keeps the time, not this thread. */
static bool step_at(Executor *e, PlanStep *step, StepState *s, int64_t now_ns)
{
	int64_t due_ns = e->start_ns + step->at_ns;
	if (!s->sent && now_ns >= due_ns - EXECUTOR_LEAD_NS) {
		note_lateness(e, now_ns - (due_ns - EXECUTOR_LEAD_NS), now_ns);
		send_step(e, step, due_ns, now_ns);
		s->sent = true;
	}
	if (now_ns < due_ns)
		return false;
	s->done = true;
	return reach_step(e, step, due_ns);
}

/* When steps wait for their condition from the moment the step before them is over. */
static bool step_when(Executor *e, PlanStep *step, StepState *s, int64_t now_ns)
{
	const PlanWatch *w = g_ptr_array_index(e->plan->conditions, step->condition);
	if (s->from_ns < 0) {
		s->from_ns = now_ns;
		stl_monitor_start(w->monitor, now_ns);
	}
	StlState state = stl_monitor_state(w->monitor, now_ns);
	if (state == STL_STATE_TRUE) {
		s->done = true;
		send_step(e, step, EXECUTOR_SOONEST, now_ns);
		return reach_step(e, step, stl_monitor_decided_ns(w->monitor));
	}
	if (now_ns < s->from_ns + step->timeout_ns)
		return false;
	s->done = true;
	e->ops->event(e->ops->user, "timeout", now_ns, w->text);
	if (!step->product) {
		e->ops->fault(e->ops->user, now_ns, "condition", w->text, BLAME_BENCH);
		executor_stop(e, "a condition of the timeline never came", BLAME_BENCH);
	}
	return false;
}

/* Walk the steps. A When step holds back the When steps behind it, but not the At steps, which are absolute. */
static bool play(Executor *e, int64_t now_ns)
{
	bool end = false, waiting = false;
	unsigned position = e->plan->steps->len;
	for (guint i = 0; i < e->plan->steps->len && !end; i++) {
		PlanStep *step = g_ptr_array_index(e->plan->steps, i);
		StepState *s = &e->steps[i];
		if (s->done)
			continue;
		if (!step->when)
			end = step_at(e, step, s, now_ns);
		else if (!waiting)
			end = step_when(e, step, s, now_ns);
		waiting = waiting || !s->done;
		if (!s->done && position == e->plan->steps->len)
			position = i;
	}
	atomic_store(&e->position, position);
	return end || now_ns >= e->start_ns + e->plan->end_ns;
}

/* ---- the end -------------------------------------------------------------------------------------------- */

/* What was scheduled ahead must not happen any more; that also makes safe everything that can hurt, which by its nature is on a
 * node. The other devices take the cleanup first, if there is one, for no longer than CLEANUP_STOPPED_NS. */
static void begin_stopping(Executor *e, int64_t now_ns)
{
	enter(e, RUN_STOPPING, now_ns);
	e->ops->event(e->ops->user, "run.stopped", now_ns, atomic_load(&e->stop_reason));
	if (!e->plan->cleanup->len)
		return;
	e->ops->quiet(e->ops->user);
	cleanup_begin(&e->cleanup, now_ns + CLEANUP_STOPPED_NS, false, now_ns);
}

/* A Stop or a broken guard ends a cleanup; the timeline was over, so the run is whole all the same. */
static void watch_cleanup(Executor *e, int64_t now_ns)
{
	check_guards(e, now_ns);
	const char *reason = atomic_load(&e->stop_reason);
	if (reason && !e->cleanup.begun)
		cleanup_begin(&e->cleanup, now_ns, false, now_ns);
	if (reason)
		cleanup_break_off(&e->cleanup, reason);
}

/* Returns CLOCK_NEVER when the run is over. */
static int64_t finish_run(Executor *e, RunState state, int64_t now_ns)
{
	bool stopped = state == RUN_STOPPING;
	int64_t from_ns = e->start_ns + e->plan->end_ns + CLEANUP_AFTER_NS;
	if (e->plan->cleanup->len) {
		if (!stopped)
			watch_cleanup(e, now_ns);
		if (!e->cleanup.begun) {
			if (now_ns < from_ns)
				return now_ns + EXECUTOR_TICK_NS;
			cleanup_begin(&e->cleanup, now_ns + CLEANUP_NS, true, now_ns);
		}
		if (!cleanup_step(&e->cleanup, now_ns))
			return now_ns + EXECUTOR_TICK_NS;
	}
	e->ops->make_safe(e->ops->user);
	enter(e, stopped ? RUN_FAULTED : RUN_DONE, now_ns);
	return CLOCK_NEVER;
}

static void live(Executor *e, int64_t now_ns)
{
	if (now_ns >= e->start_ns)
		check_guards(e, now_ns);
	bool end = atomic_load(&e->stop_reason) == NULL && play(e, now_ns);
	if (atomic_load(&e->stop_reason))
		begin_stopping(e, now_ns);
	else if (end)
		enter(e, RUN_FINISHING, e->start_ns + e->plan->end_ns);
}

int64_t executor_step(Executor *e, int64_t now_ns)
{
	RunState state = (RunState)atomic_load(&e->state);
	if (state != RUN_LIVE && state != RUN_FINISHING && state != RUN_STOPPING)
		return CLOCK_NEVER;
	take_samples(e);
	if (state == RUN_LIVE)
		live(e, now_ns);
	state = (RunState)atomic_load(&e->state);
	return state == RUN_LIVE ? now_ns + EXECUTOR_TICK_NS : finish_run(e, state, now_ns);
}

void executor_answered(Executor *e, bool done, const char *what)
{
	cleanup_answered(&e->cleanup, done, what);
}

RunState executor_state(const Executor *e)
{
	return (RunState)atomic_load(&e->state);
}

const char *executor_stop_reason(const Executor *e)
{
	return atomic_load(&e->stop_reason);
}

int64_t executor_start_ns(const Executor *e)
{
	return e->start_ns;
}

int64_t executor_ended_ns(const Executor *e)
{
	return e->ended_ns;
}

int64_t executor_worst_lateness_ns(const Executor *e)
{
	return e->late_ns;
}

unsigned executor_position(const Executor *e)
{
	return atomic_load(&e->position);
}
