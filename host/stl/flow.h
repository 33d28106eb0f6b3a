/* Cells while nothing is missing: then every cell is one number that changes at instants only (`at` and `after` are equal), and all
 * that is to be done at an instant is known beforehand. Private to stl.
 *
 * Cells and duties become a flat list of operations. A source is what makes something change: a sample of one signal, or what
 * leaves a window or a delay of itself. Each has its program, the operations that it may change in the order of the cells; when
 * several come at one instant, that of all is run. No allocation, no search: a step costs its program. Queues are those of the
 * cells, so one may change over at any time between steps. */
#ifndef ANZEN_STL_FLOW_H
#define ANZEN_STL_FLOW_H

#include "duty.h"

typedef struct Flow Flow;
typedef struct FlowOp FlowOp;
/* Does the first of a program at t, and goes on with the next. */
typedef void (*FlowRun)(Flow *flow, FlowOp *const *program, int64_t t);

typedef enum {
	FLOW_END, /* of a program */
	FLOW_CONSTANT,
	FLOW_ATOM,
	FLOW_BOOLEAN,
	FLOW_NOT,
	FLOW_EITHER, /* and, or, implies: an or of opposites */
	FLOW_EXCLUSIVE,
	FLOW_DELAY,
	FLOW_EVER, /* largest since the start */
	FLOW_WINDOW,
	FLOW_FOLD,
	FLOW_ALWAYS, /* duties */
	FLOW_EVENTUALLY,
	FLOW_UNTIL,
} FlowCode;

typedef struct FlowInput {
	double v;
	int64_t t_ns;   /* of the last sample; it waits when this is Flow.due_ns */
	int64_t gap_ns; /* CLOCK_NEVER: none */
	FlowOp **program;
	double used_v; /* of the one before */
	int64_t used_ns;
} FlowInput;

struct FlowOp {
	FlowRun run;
	FlowCode code;
	int64_t x;                     /* its value now */
	const int64_t *a, *b;          /* of its parts */
	int64_t not_a, not_b, not_out; /* all ones: the opposite of it */
	union {
		struct { /* (v - value) · factor */
			const FlowInput *input;
			double value, factor;
		};
		struct { /* window, delay: the cell's queue */
			union {
				Peak *peaks;
				Change *changes;
			};
			unsigned head, tail, mask;
			int64_t width_ns, last; /* last: of a delay, what came in */
		};
		Fold *fold;
		struct {
			Duty *duty;
			bool inside,
				counts; /* time is in the duty's window; an until's left side counts before */
		};
	};
	int64_t *leaves_ns; /* of movers: when something leaves its queue; CLOCK_NEVER */
	FlowOp **program;   /* of what then changes */
	Cell *cell;
};

struct Flow {
	FlowInput *inputs;
	int64_t due_ns;   /* of the samples that wait; CLOCK_NEVER */
	int64_t now_ns;   /* worked out so far */
	int64_t limit_ns; /* only before */
	FlowOp **pending; /* program of the samples that wait */
	bool on, decided; /* on: else the cells are true; decided: some duty, since last reset */
	int64_t next_ns;  /* when something leaves of itself */
	int64_t room;     /* steps for which all queues have room */
	size_t n_movers;  /* windows, delays, untils */
	int64_t *leaves_ns;
	FlowOp **movers;
	FlowOp **all, **moved; /* programs of all sources, of all movers */
	int64_t until_ns;      /* nothing but samples changes the cells' rules before */
	Cells *cells;
	size_t n, n_programs; /* operations: cells, then duties; entries of all programs */
	FlowOp *ops;
};

/* NULL when the cells or duties are not of that kind. */
Flow *flow_new(Cells *cells, Duty *duties, size_t n_duties);
void flow_free(Flow *flow);
size_t flow_bytes(const Flow *flow);
/* The cells were looked at at `now`: may the flow take over until something happens at until_ns? */
bool flow_enter(Flow *flow, int64_t now_ns, int64_t until_ns);
/* The cells are true again, as of now_ns. Samples may still wait, see flow_waits(). */
void flow_leave(Flow *flow);
/* The samples that wait; false: the cells must take over first. */
bool flow_step(Flow *flow);
/* All that happens until then; false: the cells must take over first. */
bool flow_to(Flow *flow, int64_t to_ns);
/* It may go on at that time, and perhaps longer than limit_ns said. */
bool flow_extends(Flow *flow, int64_t t_ns);

static inline bool flow_waits(const Flow *flow, size_t signal)
{
	return flow->inputs[signal].t_ns == flow->due_ns;
}

/* A sample of a later time than those that wait, or beyond limit_ns. */
bool flow_feed_later(Flow *flow, FlowInput *in, int64_t t_ns);

/* False: it is nothing that the flow knows how to treat. Samples of all signals come by time. */
static inline bool flow_feed(Flow *flow, unsigned signal, int64_t t_ns, double v)
{
	FlowInput *in = &flow->inputs[signal];
	bool in_time = (uint64_t)(t_ns - in->t_ns - 1) < (uint64_t)(in->gap_ns - 1);
	if (!in_time || isnan(v))
		return false;
	if (t_ns == flow->due_ns) {
		flow->pending = flow->all;
	} else if (flow->due_ns == CLOCK_NEVER && t_ns > flow->now_ns && t_ns < flow->limit_ns) {
		flow->due_ns = t_ns;
		flow->pending = in->program;
	} else if (!flow_feed_later(flow, in, t_ns)) {
		return false;
	}
	in->used_v = in->v;
	in->used_ns = in->t_ns;
	in->v = v;
	in->t_ns = t_ns;
	return true;
}

#endif
