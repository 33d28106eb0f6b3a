#include "reference_signal.h"

typedef enum { BEFORE = -1, AT = 0, AFTER = 1 } Side;

/* A saturated sample is a bound: at the top of the range the value may be larger, so nothing is known from above. */
static bool usable(const RefSignal *s, const RefSample *x, bool upper)
{
	if (x->status == REF_SATURATED)
		return (2 * x->v >= s->range_lo + s->range_hi) != upper;
	return x->status == REF_OK;
}

/* Is a sample at x in the past of (t, side), the instant itself included? Times in half seconds. */
static bool in_past(int x, int t, Side side)
{
	return side == BEFORE ? x < t : x <= t;
}

static double held(const RefSignal *s, const RefSample *p, bool blocked, int t, Side side)
{
	double unknown = (double)NAN;
	if (!p || blocked)
		return unknown;
	int age = t - 2 * p->t, gap = 2 * s->max_gap;
	if (gap > 0 && (side == AFTER ? age >= gap : age > gap))
		return unknown;
	return p->v;
}

static double straight(const RefSignal *s, const RefSample *p, const RefSample *q, bool blocked,
		       int t, Side side)
{
	double unknown = (double)NAN;
	if (side == AT && p && 2 * p->t == t)
		return p->v;
	if (!p || !q || blocked || (s->max_gap > 0 && q->t - p->t > s->max_gap))
		return unknown;
	return p->v + (double)(q->v - p->v) * (t - 2 * p->t) / (2 * (q->t - p->t));
}

/* NaN: unknown. */
static double signal_at(const RefSignal *s, bool upper, int t, Side side)
{
	bool own = upper && s->n_upper > 0;
	const RefSample *x = own ? s->upper : s->lower, *p = NULL, *q = NULL;
	size_t n = own ? s->n_upper : s->n;
	bool blocked = false, blocked_here = false;
	for (size_t i = 0; i < n; i++) {
		bool past = in_past(2 * x[i].t, t, side);
		if (x[i].status == REF_STALE)
			continue; /* a repetition: as if it had not come */
		if (usable(s, &x[i], upper)) {
			if (past) {
				p = &x[i];
				blocked = blocked_here = false;
			} else if (!q) {
				q = &x[i];
			}
		} else if (!q) {
			blocked = true;
			blocked_here = blocked_here || past;
		}
	}
	return s->hold ? held(s, p, blocked_here, t, side) : straight(s, p, q, blocked, t, side);
}

void ref_signal(const Ref *r, int index, RefFunction *out)
{
	const RefSignal *s = &r->c->signals[index == REF_VARIABLE ? r->variable : index];
	for (int k = 1; k <= r->last; k++) {
		double lo = signal_at(s, false, k / 3, (Side)(k % 3 - 1));
		double hi = signal_at(s, true, k / 3, (Side)(k % 3 - 1));
		out->lo[k] = isnan(lo) ? -inf : lo;
		out->hi[k] = isnan(hi) ? inf : hi;
	}
}
