/* A run before it is live: operator, preflight, settling. And how time passes for it. */
#include "live_parts.h"

#include <math.h>
#include <stdatomic.h>

/* Lock-step: the executor's tick, the product's decision period (a camera's frame at 30/s), the recorder's. */
#define LOCKSTEP_TICK_NS CLOCK_MS
#define LOCKSTEP_DECISION_NS (33 * CLOCK_MS)
#define LOCKSTEP_PUMP_NS (50 * CLOCK_MS)
/* A session of a few minutes with video stays far below this. */
#define DISK_RESERVE (512u * 1024 * 1024)
/* ---- operator ---------------------------------------------------------------------------------------------- */

int live_tell(Live *live, const char *state, const char *doing, const Title *prompt, char **choices)
{
	static const char *const done[] = {"done", NULL};
	if (!live->config->progress)
		return live_stop_requested ? -1 : 0;
	bool playing = live->start_ns > 0;
	RunStatus status = {.state = state,
			    .doing = doing,
			    .t_s = playing ? (double)(clock_now(live->clock) - live->start_ns) *
						     1e-9
					   : (double)NAN,
			    .end_s = (double)live->in->scenario->end_ns * 1e-9};
	if (prompt && prompt->en) {
		status.prompt = !g_strcmp0(live->config->lang, "ja") && prompt->ja ? prompt->ja
										   : prompt->en;
		status.choices = choices ? (const char *const *)choices : done;
	}
	RunAnswer answer = {0};
	live->config->progress(live->config->progress_user, &status, &answer);
	if (answer.note)
		live_event(live, "operator.note", clock_now(live->clock), answer.note);
	g_free(answer.note);
	return answer.stop || live_stop_requested ? -1 : answer.choice;
}

gboolean live_stopped(GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED,
		    "stopped by the operator before the run began");
	return FALSE;
}

/* ---- setup and cleanup -------------------------------------------------------------------------------------- */

static gboolean wake(gpointer user)
{
	*(bool *)user = true;
	return G_SOURCE_REMOVE;
}

/* One millisecond of simulated time: world, devices, product, executor, recorder, in this order. */
static void tick(Live *live)
{
	int64_t now = clock_now(live->clock) + LOCKSTEP_TICK_NS;
	clock_manual_set(live->clock, now);
	live->config->plant->step_to(live->config->plant, now);
	rig_poll(live->rig, now);
	if (live->disturb)
		disturb_pump(live->disturb, now);
	if (live->product_started && now >= live->next_exchange_ns) {
		live->next_exchange_ns = now + LOCKSTEP_DECISION_NS;
		product_link_exchange(live->product, now);
	}
	if (live->began) {
		live_replies(live);
		if (executor_step(live->executor, now) == CLOCK_NEVER)
			atomic_store(&live->thread_ended, true);
	}
	if (now >= live->next_pump_ns) {
		live->next_pump_ns = now + LOCKSTEP_PUMP_NS;
		session_writer_pump(live->writer,
				    NULL); /* a failure is sticky: session_writer_failed() */
	}
}

/* Let time pass: the main context works, or the simulated world does. */
void live_pass(Live *live, int64_t ns)
{
	if (live->config->lock_step) {
		for (int64_t until = clock_now(live->clock) + ns; clock_now(live->clock) < until;)
			tick(live);
		return;
	}
	bool over = false;
	g_timeout_add((guint)(ns / CLOCK_MS), wake, &over);
	while (!over)
		g_main_context_iteration(NULL, TRUE);
}

static gboolean apply_sets(Live *live, const Step *step, GError **error)
{
	for (size_t i = 0; i < step->n_sets; i++) {
		double value;
		if (!plan_drive_value(live->in->rig, &step->sets[i], &value, error))
			return FALSE;
		int role = rig_role(live->rig, step->sets[i].role);
		if (role < 0 ||
		    !rig_command(live->rig, role, value, DEVICE_SOONEST, ++live->next_id)) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
				    "role '%s' does not take a command", step->sets[i].role);
			return FALSE;
		}
	}
	return TRUE;
}

static bool is_near(Live *live, const Settle *settle, const Unit *unit)
{
	double target, within;
	plan_settle_band(settle, unit, &target, &within);
	pthread_mutex_lock(&live->lock);
	const Latest *latest = g_hash_table_lookup(live->latest, settle->signal);
	bool near = latest && latest->ok && fabs(latest->v - target) <= within;
	pthread_mutex_unlock(&live->lock);
	return near;
}

static gboolean wait_settled(Live *live, const Settle *settle, GError **error)
{
	const SignalInfo *info = rig_signal(live->rig, settle->signal);
	if (!info) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s:%u: the rig measures no '%s' to settle on",
			    live->in->scenario->path, settle->place.line, settle->signal);
		return FALSE;
	}
	int64_t begin = clock_now(live->clock), near_since = -1;
	for (int64_t now = begin; now < begin + settle->timeout_ns; now = clock_now(live->clock)) {
		if (!is_near(live, settle, &info->unit))
			near_since = -1;
		else if (near_since < 0)
			near_since = now;
		if (near_since >= 0 && now - near_since >= settle->for_ns)
			return TRUE;
		if (live_tell(live, "Preflight", settle->signal, NULL, NULL) < 0)
			return live_stopped(error);
		live_pass(live, 20 * CLOCK_MS);
	}
	pthread_mutex_lock(&live->lock);
	const Latest *latest = g_hash_table_lookup(live->latest, settle->signal);
	double v = latest ? latest->v : (double)NAN;
	pthread_mutex_unlock(&live->lock);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		    "%s did not settle at %g %s within %.0f s (now %.4g %s)", settle->signal,
		    settle->target.value, settle->target.unit.symbol,
		    (double)settle->timeout_ns * 1e-9, v, info->unit.symbol);
	return FALSE;
}

gboolean live_prompts(Live *live, const char *state, const char *doing, const Step *steps, size_t n,
		      GError **error)
{
	for (size_t i = 0; i < n; i++) {
		if (!steps[i].prompt.en)
			continue;
		int answer = live_tell(live, state, doing, &steps[i].prompt, steps[i].choices);
		const char *word =
			answer >= 0 && steps[i].choices ? steps[i].choices[answer] : "done";
		live_event(live, "operator.prompt", clock_now(live->clock), steps[i].prompt.en);
		live_event(live, "operator.answer", clock_now(live->clock),
			   answer < 0 ? "stop" : word);
		if (answer != 0) /* the first choice means "done" */
			return live_stopped(error);
	}
	return TRUE;
}

/* ---- axes --------------------------------------------------------------------------------------------------- */

/* 100000 steps at 1000 a second, the most that a node has to search for its switch. */
#define HOME_NS (110 * CLOCK_S)
/* The reply to a move comes no later than this after its end. */
#define REPLY_NS (2 * CLOCK_S)

static gboolean await_axis(Live *live, const RigRole *role, uint32_t id, int64_t ns, GError **error)
{
	RigReply r;
	for (int64_t until = clock_now(live->clock) + ns; clock_now(live->clock) < until;) {
		while (rig_reply(live->rig, &r)) {
			if (r.id != id)
				continue;
			if (r.status == DEVICE_DONE)
				return TRUE;
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
				    "%s could not be homed: %s: %s", role->name,
				    device_status_name(r.status), r.message);
			return FALSE;
		}
		if (live_tell(live, "Preflight", role->name, NULL, NULL) < 0)
			return live_stopped(error);
		live_pass(live, 20 * CLOCK_MS);
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s could not be homed within %.0f s",
		    role->name, (double)ns * 1e-9);
	return FALSE;
}

/* Slowly: nothing waits for it. */
static gboolean home(Live *live, const RigRole *role, GError **error)
{
	const RigAxis *a = role->axis;
	int index = rig_role(live->rig, role->name);
	double v = a->max_velocity / 4, acceleration = a->max_acceleration / 2;
	live_event(live, "rig.homing", clock_now(live->clock), role->name);
	if (!rig_home(live->rig, index, ++live->next_id) ||
	    !await_axis(live, role, live->next_id, HOME_NS, error))
		return FALSE;
	int64_t ns = rig_axis_move_ns(a, a->lo, a->hi, v, acceleration) + REPLY_NS;
	return rig_move(live->rig, index, a->park, v, acceleration, DEVICE_SOONEST,
			++live->next_id) &&
	       await_axis(live, role, live->next_id, ns, error);
}

gboolean live_home(Live *live, GError **error)
{
	for (size_t i = 0; i < live->in->scenario->n_needs; i++) {
		const RigRole *role =
			rig_spec_role(live->in->rig, live->in->scenario->needs[i].role);
		if (!role || !role->axis || home(live, role, error))
			continue;
		if (error && !*error)
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
				    "role '%s' does not take a command", role->name);
		return FALSE;
	}
	return TRUE;
}

gboolean live_settle(Live *live, GError **error)
{
	for (size_t i = 0; i < live->in->scenario->n_setup; i++) {
		const Step *step = &live->in->scenario->setup[i];
		if (!apply_sets(live, step, error) ||
		    (step->settle && !wait_settled(live, step->settle, error)))
			return FALSE;
	}
	return TRUE;
}

gboolean live_preflight(Live *live, GError **error)
{
	g_autoptr(GPtrArray) roles = g_ptr_array_new();
	for (size_t i = 0; i < live->in->scenario->n_needs; i++)
		g_ptr_array_add(roles, live->in->scenario->needs[i].role);
	g_ptr_array_add(roles, NULL);
	RigNeeds needs = {.roles = (const char *const *)roles->pdata,
			  .clock_u_ns = live->in->scenario->clock_uncertainty_ns,
			  .disk_folder = live->folder,
			  .disk_bytes = DISK_RESERVE};
	g_autoptr(GPtrArray) items = rig_preflight(live->rig, &needs);
	for (guint i = 0; i < items->len; i++) {
		const DeviceItem *item = g_ptr_array_index(items, i);
		if (!item->ok) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "preflight: %s: %s",
				    item->name, item->cure ? item->cure : "not ok");
			return FALSE;
		}
	}
	return TRUE;
}
