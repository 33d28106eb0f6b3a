#include "parts.h"

void parts_clear(Parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		pair_clear(&parts->piece[i].p);
	parts->n = 0;
}

static bool looks_at_the_start(const Node *n)
{
	return n->kind == N_INITIAL || (n->a && looks_at_the_start(n->a)) ||
	       (n->b && looks_at_the_start(n->b));
}

/* A formula as it is, worked out for [zero, end] and good in [from, to]. */
static Piece piece(Eval *e, const Node *n, double zero, double end, double from, double to)
{
	Eval part;
	StlInput input = *e->input;
	input.start_ns += (int64_t)zero;
	input.end_ns = e->input->start_ns + (int64_t)end;
	eval_init_part(&part, e, &input);
	Piece out = {eval_margin(&part, n), zero, from, to};
	eval_clear_part(&part, e);
	return out;
}

static Parts in_one(Eval *e, const Node *n)
{
	return (Parts){1, {{eval_margin(e, n), 0, 0, e->end}}};
}

Parts parts_of_margin(Eval *e, const Node *n)
{
	double past = eval_ticks(e, node_reach(n, false)),
	       future = eval_ticks(e, node_reach(n, true));
	/* a rise looks back by nothing, which is not nothing at the first instant of a part */
	double before = past + 1, most = before + future;
	bool splits = e->ends == STL_ENDS_OPEN && !e->contrary && !e->discrete &&
		      e->end > 8 * most && !looks_at_the_start(n) && eval_whole(e);
	if (!splits)
		return in_one(e, n);
	double last = e->end - future;
	Parts out = {0};
	if (past > 0)
		out.piece[out.n++] = piece(e, n, 0, before + most, 0, past);
	e->ends = STL_ENDS_FINITE; /* what is cut there does not count */
	out.piece[out.n++] = piece(e, n, 0, e->end, past, last);
	e->ends = STL_ENDS_OPEN;
	if (future > 0)
		out.piece[out.n++] = piece(e, n, last - before, e->end, last, e->end);
	return out;
}
