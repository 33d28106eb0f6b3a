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

/* The time that a part must begin at (`back`) or end at so that each signal has a sample between there and t: what is then read
 * beyond t lies between the very samples that the whole has, and rounds alike. */
static double to_samples(const Eval *e, double t, bool back)
{
	double out = t;
	for (size_t i = 0; i < stl_formula_n_signals(e->f); i++) {
		const Signal *s =
			g_hash_table_lookup(e->input->signals, stl_formula_signal(e->f, i));
		ptrdiff_t at = signal_index(s, e->input->start_ns + (int64_t)t);
		int64_t own = s->t_ns[MAX(at, 0)];
		if (!back && own < e->input->start_ns + (int64_t)t && (size_t)at + 1 < s->n)
			own = s->t_ns[at + 1];
		double sample = (double)(own - e->input->start_ns);
		out = back ? MIN(out, sample) : MAX(out, sample);
	}
	return CLAMP(out, 0, e->end);
}

static Parts in_one(Eval *e, const Node *n)
{
	return (Parts){1, {{eval_margin(e, n), 0, 0, e->end}}};
}

Parts parts_of_margin(Eval *e, const Node *n)
{
	double past = eval_ticks(e, node_reach(n, false)),
	       future = eval_ticks(e, node_reach(n, true));
	/* a rise looks beside its instant by nothing, which is not nothing at the ends of a part */
	double before = past + 1, after = future + 1;
	bool splits = e->ends == STL_ENDS_OPEN && !e->contrary && !e->discrete &&
		      e->end > 4 * (before + after) && !looks_at_the_start(n) && source_whole(e);
	if (!splits)
		return in_one(e, n);
	double from = past > 0 ? before : 0, to = future > 0 ? e->end - after : e->end;
	double first_end = past > 0 ? to_samples(e, from + after, false) : 0,
	       last_start = future > 0 ? to_samples(e, to - before, true) : e->end;
	if (first_end + e->end - last_start > e->end / 2)
		return in_one(e, n); /* few samples */
	Parts out = {0};
	if (past > 0)
		out.piece[out.n++] = piece(e, n, 0, first_end, 0, from);
	e->ends = STL_ENDS_FINITE; /* what is cut there does not count */
	out.piece[out.n++] = piece(e, n, 0, e->end, from, to);
	e->ends = STL_ENDS_OPEN;
	if (future > 0)
		out.piece[out.n++] = piece(e, n, last_start, e->end, to, e->end);
	return out;
}
