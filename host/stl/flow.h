/* Cells while nothing is missing: samples go through in slices, an operator at a time. Private to stl.
 *
 * As long as every signal has a value, every value is one number that changes at instants only (`at` and `after` are equal).
 * Then an operator is a loop over the changes of its parts, and what leaves a window between two samples costs a turn of that
 * loop, not a look at all cells. Queues are those of the cells, so one may change over at any time between slices. A slice ends
 * before more than FLOW_SLICE changes leave a queue of themselves; so all buffers have a size known beforehand. */
#ifndef ANZEN_STL_FLOW_H
#define ANZEN_STL_FLOW_H

#include "cells.h"

#define FLOW_SLICE 16

typedef struct FlowSample {
	int64_t t;
	double v;
} FlowSample;

/* The samples of a signal that wait; the first `taken` belong to the slice. */
typedef struct FlowInput {
	unsigned n, taken;
	FlowSample used; /* the last that does not wait */
	int64_t last_ns; /* of the last sample, waiting or not */
	int64_t gap_ns;  /* CLOCK_NEVER: none */
	FlowSample queue[FLOW_SLICE];
} FlowInput;

/* From t on it is x. */
typedef struct FlowChange {
	int64_t t, x;
} FlowChange;

typedef struct FlowOp FlowOp;
struct FlowOp {
	Cell *cell;
	void (*run)(FlowOp *op, int64_t until);
	const FlowOp *a, *b;
	const FlowInput *input;
	FlowChange *out;               /* of this slice, and one at CLOCK_NEVER */
	unsigned n, most, most_in;     /* most: of what it says; of what its parts say */
	int64_t x, xa, xb;             /* the last values of itself and its parts */
	int64_t not_a, not_b, not_out; /* all ones: the opposite of it */
	double value, factor;          /* of an atom: (v - value) · factor */
};

typedef struct Flow {
	Cells *cells;
	FlowInput *inputs;
	FlowOp *ops; /* as the cells */
	size_t n_movers;
	FlowOp **movers;
	bool on;          /* else the cells are true */
	int64_t now_ns;   /* worked out so far */
	int64_t fed_ns;   /* of the last sample of all */
	int64_t from_ns;  /* the next sample may not be earlier */
	int64_t until_ns; /* nothing but samples changes the cells' rules before */
	unsigned waiting; /* samples */
} Flow;

/* NULL when the cells are not of that kind. */
Flow *flow_new(Cells *cells);
void flow_free(Flow *flow);
size_t flow_bytes(const Flow *flow, size_t n_inputs);
/* The cells were looked at at `now`: may the flow take over until something happens at until_ns? */
bool flow_enter(Flow *flow, int64_t now_ns, int64_t until_ns);
/* The cells are true again, as of now_ns. Samples may still wait. */
void flow_leave(Flow *flow);
/* One slice, to `until` at most; false when the cells must take over first. */
bool flow_run(Flow *flow, int64_t until_ns);
/* The sample that waits longest, and forgets it; false when none does. */
bool flow_take_back(Flow *flow, unsigned *ret_signal, FlowSample *ret);

/* False: there is no room, or nothing that the flow knows how to treat. Samples of all signals come by time. */
static inline bool flow_feed(Flow *flow, unsigned signal, int64_t t_ns, double v)
{
	FlowInput *in = &flow->inputs[signal];
	bool in_time = (uint64_t)(t_ns - in->last_ns - 1) < (uint64_t)(in->gap_ns - 1);
	if (in->n == FLOW_SLICE || t_ns < flow->from_ns || !in_time || isnan(v))
		return false;
	in->queue[in->n++] = (FlowSample){t_ns, v};
	in->last_ns = flow->fed_ns = flow->from_ns = t_ns;
	flow->waiting++;
	return true;
}

#endif
