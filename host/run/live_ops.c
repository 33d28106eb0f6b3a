/* What the executor asks of a run, on its own thread, and what it is told. */
#include "live_parts.h"
#include "moves.h"

#include <stdatomic.h>
#include <string.h>

static bool op_command(void *user, unsigned role, double value, int64_t at_ns)
{
	Live *live = user;
	return rig_command(live->rig, g_array_index(live->roles, int, role), value, at_ns,
			   ++live->next_id);
}

static bool op_trigger(void *user, unsigned role, int64_t at_ns)
{
	Live *live = user;
	char name[96];
	g_snprintf(name, sizeof(name), "trigger.%s",
		   (const char *)g_ptr_array_index(live->plan->roles, role));
	Stream *bench = tee_bench(live->tee);
	bench->event(bench, name, at_ns == EXECUTOR_SOONEST ? clock_now(live->clock) : at_ns, NULL);
	return rig_trigger(live->rig, g_array_index(live->roles, int, role), at_ns,
			   ++live->next_id);
}

/* A move ends when the plan says, give or take this; how well the node's clock is known comes to it. */
#define MOVE_TOLERANCE_NS (5 * CLOCK_MS)
/* And its end is told at most so much later. */
#define MOVE_OVERDUE_NS (300 * CLOCK_MS)

static void tell_move(Live *live, const PlanAction *move, int64_t at_ns)
{
	char name[96], text[128];
	g_snprintf(name, sizeof(name), "move.%s",
		   (const char *)g_ptr_array_index(live->plan->roles, move->role));
	g_snprintf(text, sizeof(text), "to %.6g at most %.6g/s and %.6g/s^2, in %s%.3f s",
		   move->value, move->velocity, move->acceleration,
		   move->from_known ? "" : "at most ", (double)move->move_ns * 1e-9);
	live_event(live, name, at_ns == EXECUTOR_SOONEST ? clock_now(live->clock) : at_ns, text);
}

static bool op_move(void *user, const PlanAction *move, int64_t at_ns)
{
	Live *live = user;
	LiveMove *slot = NULL;
	for (size_t i = 0; i < LIVE_MOVES; i++)
		if (!live->moves[i].id)
			slot = &live->moves[i];
	if (!slot)
		return false;
	int64_t from_ns = at_ns == EXECUTOR_SOONEST ? clock_now(live->clock) : at_ns;
	*slot = (LiveMove){.id = ++live->next_id,
			   .from_ns = from_ns + (move->from_known ? move->move_ns : 0),
			   .until_ns = from_ns + move->move_ns +
				       (at_ns == EXECUTOR_SOONEST ? MOVE_REACTION_NS : 0)};
	tell_move(live, move, at_ns);
	return rig_move(live->rig, g_array_index(live->roles, int, move->role), move->value,
			move->velocity, move->acceleration, at_ns, slot->id);
}

static void break_move(Live *live, int64_t t_ns, const char *role, const char *cause)
{
	live_fault(live, t_ns, role, cause, BLAME_BENCH);
	executor_stop(live->executor, "a move did not end as planned", BLAME_BENCH);
}

/* A move that stands earlier or later than its trapezoid says was another stimulus than the one scripted. */
static void end_move(Live *live, const RigReply *r)
{
	char text[160];
	for (size_t i = 0; i < LIVE_MOVES; i++) {
		LiveMove *m = &live->moves[i];
		if (m->id != r->id || !m->id)
			continue;
		int64_t slack = MOVE_TOLERANCE_NS + 3 * r->u_ns;
		int64_t off = r->t_ns < m->from_ns - slack    ? r->t_ns - m->from_ns
			      : r->t_ns > m->until_ns + slack ? r->t_ns - m->until_ns
							      : 0;
		m->id = 0;
		if (r->status != DEVICE_DONE || !off)
			return;
		g_snprintf(text, sizeof(text), "%s: its move ended %+.1f ms off its time", r->role,
			   (double)off * 1e-6);
		break_move(live, r->t_ns, r->role, text);
	}
}

static void watch_moves(Live *live)
{
	int64_t now = clock_now(live->clock);
	for (size_t i = 0; i < LIVE_MOVES; i++) {
		LiveMove *m = &live->moves[i];
		if (!m->id || now <= m->until_ns + MOVE_OVERDUE_NS)
			continue;
		m->id = 0;
		if (executor_state(live->executor) == RUN_LIVE)
			break_move(live, m->until_ns, "rig", "the end of a move was never told");
	}
}

/* The first id of the cleanup tells its replies from those to the timeline. */
static bool op_cleanup(void *user, unsigned role, double value)
{
	Live *live = user;
	if (!live->cleanup_id)
		live->cleanup_id = live->next_id + 1;
	return rig_command(live->rig, g_array_index(live->roles, int, role), value, DEVICE_SOONEST,
			   ++live->next_id);
}

/* `detail` as the only member of an object; quotes and controls become blanks, so that it stays JSON without a heap. */
void live_event(void *user, const char *name, int64_t t_ns, const char *detail)
{
	Live *live = user;
	char json[SESSION_EVENT_JSON] = "";
	if (detail) {
		size_t n = (size_t)g_snprintf(json, sizeof(json) - 4, "{\"detail\":\"");
		for (const char *c = detail; *c && n < sizeof(json) - 8; c++)
			json[n++] = *c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? ' ' : *c;
		json[n++] = '"';
		json[n++] = '}';
		json[n] = 0;
	}
	Stream *bench = tee_bench(live->tee);
	bench->event(bench, name, t_ns, detail ? json : NULL);
}

void live_fault(void *user, int64_t t_ns, const char *source, const char *cause, Blame blame)
{
	Live *live = user;
	char src[64], why[256];
	g_strlcpy(src, source, sizeof(src));
	g_strlcpy(why, cause, sizeof(why));
	Fault fault = {.t_ns = t_ns,
		       .until_ns = CLOCK_NEVER,
		       .source = src,
		       .cause = why,
		       .blame = blame,
		       .proven = blame == BLAME_BENCH};
	Stream *bench = tee_bench(live->tee);
	bench->fault(bench, &fault);
}

static bool op_sample(void *user, ExecutorSample *ret)
{
	return tee_pop(((Live *)user)->tee, ret);
}

static void op_quiet(void *user)
{
	rig_request_safe_timed(((Live *)user)->rig);
}

static void op_make_safe(void *user)
{
	rig_request_safe(((Live *)user)->rig);
}

/* Replies say when a command really took effect. One that did not happen means a stimulus that was not as scripted. */
void live_replies(Live *live)
{
	RigReply r;
	while (rig_reply(live->rig, &r)) {
		char name[96], text[192];
		end_move(live, &r);
		if (live->cleanup_id && r.id >= live->cleanup_id) {
			g_snprintf(text, sizeof(text), "%s: %s%s%s", r.role,
				   device_status_name(r.status), *r.message ? ": " : "", r.message);
			executor_answered(live->executor, r.status == DEVICE_DONE, text);
		}
		if (r.status == DEVICE_DONE) {
			g_snprintf(name, sizeof(name), "effect.%s", r.role);
			g_snprintf(text, sizeof(text), "u_ns %" G_GINT64_FORMAT, r.u_ns);
			live_event(live, name, r.t_ns, text);
			continue;
		}
		RunState state = executor_state(live->executor);
		if (state != RUN_LIVE)
			continue; /* what make_safe refuses is no fault */
		g_snprintf(text, sizeof(text), "%s: the command was %s: %s", r.role,
			   device_status_name(r.status), r.message);
		live_fault(live, clock_now(live->clock), r.role, text, BLAME_BENCH);
		executor_stop(live->executor, "a command did not take effect", BLAME_BENCH);
	}
	watch_moves(live);
}

void *live_executor_main(void *user)
{
	Live *live = user;
	bool realtime = thread_realtime(THREAD_EXECUTOR);
	live_event(live, "executor.priority", clock_now(live->clock),
		   realtime ? "SCHED_FIFO 40" : "normal: SCHED_FIFO was refused");
	int64_t next;
	do {
		live_replies(live);
		next = executor_step(live->executor, clock_now(live->clock));
		if (next != CLOCK_NEVER)
			clock_wait_until(live->clock, next);
	} while (next != CLOCK_NEVER);
	atomic_store(&live->thread_ended, true);
	return NULL;
}

void live_ops_fill(Live *live)
{
	live->ops = (ExecutorOps){.command = op_command,
				  .trigger = op_trigger,
				  .move = op_move,
				  .cleanup = op_cleanup,
				  .event = live_event,
				  .fault = live_fault,
				  .sample = op_sample,
				  .quiet = op_quiet,
				  .make_safe = op_make_safe,
				  .user = live};
}
