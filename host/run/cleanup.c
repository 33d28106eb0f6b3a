#include "cleanup.h"

void cleanup_init(Cleanup *c, const GPtrArray *steps, const ExecutorOps *ops)
{
	*c = (Cleanup){.steps = steps, .ops = ops, .near_since_ns = -1};
}

static void fail(Cleanup *c, const char *what, const char *detail, int64_t now_ns)
{
	char text[sizeof(c->why)];
	g_snprintf(text, sizeof(text), "%s%s%s", what, *detail ? ": " : "", detail);
	c->ops->event(c->ops->user, "cleanup.failed", now_ns, text);
	if (!*c->why)
		g_strlcpy(c->why, text, sizeof(c->why));
}

void cleanup_begin(Cleanup *c, int64_t deadline_ns, bool settles, int64_t now_ns)
{
	c->begun = true;
	c->settles = settles;
	c->deadline_ns = deadline_ns;
	c->ops->event(c->ops->user, "cleanup.begin", now_ns, NULL);
}

static void send(Cleanup *c, const PlanCleanup *step, int64_t now_ns)
{
	c->sent = true;
	c->sent_ns = now_ns;
	c->near_since_ns = -1;
	c->pending = 0;
	for (guint i = 0; i < step->actions->len; i++) {
		const PlanAction *a = &g_array_index(step->actions, PlanAction, i);
		if (c->ops->cleanup(c->ops->user, a->role, a->value))
			c->pending++;
		else
			fail(c, "a command could not be queued", "", now_ns);
	}
}

/* True when this step waits for nothing any more. */
static bool step_over(Cleanup *c, const PlanCleanup *step, int64_t now_ns)
{
	if (c->pending) {
		if (now_ns < c->sent_ns + CLEANUP_REPLY_NS)
			return false;
		fail(c, "no reply to a command", "", now_ns);
		return true;
	}
	if (step->source < 0 || !c->settles)
		return true;
	if (c->near_since_ns >= 0 && now_ns - c->near_since_ns >= step->for_ns)
		return true;
	if (now_ns < c->sent_ns + step->timeout_ns)
		return false;
	fail(c, "did not settle", step->signal, now_ns);
	return true;
}

bool cleanup_step(Cleanup *c, int64_t now_ns)
{
	while (c->step < c->steps->len) {
		const PlanCleanup *step = g_ptr_array_index(c->steps, c->step);
		if (now_ns >= c->deadline_ns) {
			fail(c, "not finished in the time it may take", "", now_ns);
			c->step = c->steps->len;
			break;
		}
		if (!c->sent)
			send(c, step, now_ns);
		if (!step_over(c, step, now_ns))
			return false;
		c->sent = false;
		c->step++;
	}
	c->ops->event(c->ops->user, "cleanup.end", now_ns, *c->why ? c->why : NULL);
	return true;
}

void cleanup_answered(Cleanup *c, bool done, const char *what)
{
	if (c->pending)
		c->pending--;
	if (!done)
		fail(c, what, "", c->sent_ns);
}

void cleanup_sample(Cleanup *c, const ExecutorSample *s)
{
	if (!c->sent || c->step >= c->steps->len)
		return;
	const PlanCleanup *step = g_ptr_array_index(c->steps, c->step);
	if (step->source != (int)s->source)
		return;
	bool near = s->status == SAMPLE_OK && s->v >= step->lo && s->v <= step->hi;
	if (!near)
		c->near_since_ns = -1;
	else if (c->near_since_ns < 0)
		c->near_since_ns = MAX(s->t_ns, c->sent_ns);
}

void cleanup_break_off(Cleanup *c, const char *why)
{
	if (!c->begun || c->step >= c->steps->len)
		return;
	fail(c, "broken off", why, c->sent_ns);
	c->step = c->steps->len;
}
