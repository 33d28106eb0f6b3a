/* What a monitor owes from the start on: `always`, `eventually` and `until` over cells. Private to stl. */
#ifndef ANZEN_STL_DUTY_H
#define ANZEN_STL_DUTY_H

#include "cells.h"

/* always/eventually/now, over one cell; until over two. */
typedef struct Duty {
	NodeKind kind;          /* ALWAYS, EVENTUALLY, UNTIL, WEAK_UNTIL, TRUE: at the start */
	int cell, witness;      /* witness: what an until waits for */
	int64_t from_ns, to_ns; /* relative to the start; to CLOCK_NEVER */
	bool from_open, to_open;
	StlState state;
	int64_t decided_ns;
	Value so_far, held; /* held: of an until, the least of its left side */
	bool any, closed;
} Duty;

static inline bool duty_is_until(const Duty *d)
{
	return d->kind == N_UNTIL || d->kind == N_WEAK_UNTIL;
}

static inline void duty_decide(Duty *d, StlState state, int64_t now)
{
	if (d->state != STL_STATE_PENDING)
		return;
	d->state = state;
	d->decided_ns = now;
}

/* The cell is v at an instant or in a stretch. `kind`: the duty's. */
static inline void duty_account(Duty *d, NodeKind kind, Value v, int64_t now)
{
	d->so_far = !d->any            ? v
		    : kind == N_ALWAYS ? value_least(d->so_far, v)
				       : value_most(d->so_far, v);
	d->any = true;
	if (kind == N_ALWAYS && v.x[HI] < 0)
		duty_decide(d, STL_STATE_FALSE, now);
	else if (kind == N_EVENTUALLY && v.x[LO] >= 0)
		duty_decide(d, STL_STATE_TRUE, now);
}

/* f and g at an instant or in a stretch; holds, counts: where f is needed, where g is a witness. */
static inline void duty_account_until(Duty *d, Value f, Value g, bool holds, bool counts,
				      int64_t now)
{
	if (!d->any) {
		d->so_far = (Value){{KEY_LEAST, KEY_LEAST}};
		d->held = (Value){{KEY_MOST, KEY_MOST}};
	}
	if (holds)
		d->held = value_least(d->held, f);
	if (counts)
		d->so_far = value_most(d->so_far, value_least(d->held, g));
	d->any = true;
	if (d->so_far.x[LO] >= 0)
		duty_decide(d, STL_STATE_TRUE, now);
	else if (d->so_far.x[HI] < 0 && d->held.x[HI] < 0)
		duty_decide(d, STL_STATE_FALSE, now);
}

#endif
