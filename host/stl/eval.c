#include "discrete.h"
#include "over.h"
#include "room.h"

#include <float.h>
#include <string.h>

void pair_clear(Pair *p)
{
	track_free(p->lo);
	track_free(p->hi);
	*p = (Pair){0};
}

static void pair_free(void *p)
{
	pair_clear(p);
	g_free(p);
}

/* Nothing is missing: both sides are one track, and what is done to it is done once. */
static bool exact(const Pair *p)
{
	return p->lo == p->hi;
}

static Pair twice(Track *t)
{
	return (Pair){t, track_ref(t)};
}

static Pair solid(Pair p)
{
	if (!exact(&p))
		return (Pair){track_solid(p.lo), track_solid(p.hi)};
	track_free(p.hi);
	return twice(track_solid(p.lo));
}

static void series_free(void *p)
{
	Series *s = p;
	room_give(s->t, s->t_bytes);
	room_give(s->v, s->v_bytes);
	g_free(s);
}

void eval_init(Eval *e, const StlFormula *f, const StlInput *input, const StlOptions *options)
{
	*e = (Eval){.f = f, .input = input, .ends = options ? options->ends : STL_ENDS_OPEN};
	e->per_s = options && options->tick_s > 0 ? round(1e9 / options->tick_s) / 1e9 : 1e9;
	e->end = (double)(input->end_ns - input->start_ns);
	e->truths = g_hash_table_new_full(NULL, NULL, NULL, pair_free);
	e->series = g_hash_table_new_full(NULL, NULL, NULL, series_free);
	e->discrete = f->discrete;
	if (e->discrete)
		discrete_init(e);
}

void eval_clear(Eval *e)
{
	g_hash_table_unref(e->truths);
	g_hash_table_unref(e->series);
	g_clear_error(&e->error);
}

void eval_init_part(Eval *part, const Eval *whole, const StlInput *input)
{
	bool same =
		input->start_ns == whole->input->start_ns && input->end_ns == whole->input->end_ns;
	eval_init(part, whole->f, input, NULL);
	part->ends = whole->ends;
	part->per_s = whole->per_s;
	if (same) { /* its samples are there already */
		g_hash_table_unref(part->series);
		part->series = g_hash_table_ref(whole->series);
	}
}

void eval_clear_part(Eval *part, Eval *whole)
{
	whole->no_margin = whole->no_margin || part->no_margin;
	if (part->error && !whole->error)
		whole->error = g_steal_pointer(&part->error);
	eval_clear(part);
}

StlTruth truth_between(double lo, double hi)
{
	return lo > 0 ? STL_TRUE : hi < 0 ? STL_FALSE : STL_UNKNOWN;
}

int64_t eval_ns(const Eval *e, double t)
{
	if (e->discrete)
		return e->stamps ? e->stamps[(size_t)CLAMP(t, 0, e->end)] : e->input->start_ns;
	int64_t whole = (int64_t)t; /* llround() is a call */
	if (t < 0)
		return e->input->start_ns + (int64_t)llround(t);
	return e->input->start_ns + whole + (t - (double)whole >= 0.5);
}

double eval_ticks(const Eval *e, double s)
{
	return isinf(s) ? s : round(s * e->per_s);
}

/* ---- signals ----------------------------------------------------------------------------------------------------------- */

typedef struct Raw {
	Track *full; /* on the samples' own axis, relative to the start */
	double unknown;
} Raw;

bool eval_usable(const Signal *s, size_t i, bool upper, double *ret)
{
	*ret = s->v[i];
	if (isnan(s->v[i]) || s->status[i] == SAMPLE_MISSING)
		return false;
	if (s->status[i] != SAMPLE_SATURATED)
		return true;
	const SignalInfo *info = &s->info;
	if (isnan(info->range_lo) || isnan(info->range_hi))
		return false;
	bool top = s->v[i] >= 0.5 * (info->range_lo + info->range_hi);
	return top != upper;
}

typedef struct Builder {
	Track *out;
	const Signal *s;
	double unknown, max_gap, t_last, v_last; /* last usable sample */
	bool have, broken; /* broken: a MISSING or unusable sample came after the last usable one */
	double t_broken;
	double pending_l; /* left limit of the pending knot */
} Builder;

/* A held value lasts until the gap is too long, or until a sample says that nothing is known. */
static void close_held(Builder *b, double until)
{
	double h = INF;
	bool at_missing = false;
	if (b->max_gap > 0)
		h = b->t_last + b->max_gap;
	if (b->broken && b->t_broken <= h) {
		h = b->t_broken;
		at_missing = true;
	}
	track_push(b->out, b->t_last, b->pending_l, b->v_last, b->v_last);
	if (h < until)
		track_push(b->out, h, b->v_last, at_missing ? b->unknown : b->v_last, b->unknown);
}

static void add_usable(Builder *b, double t, double v)
{
	if (!b->have) {
		b->pending_l = b->unknown;
	} else if (b->s->info.interp == SIGNAL_PREVIOUS) {
		close_held(b, t);
		double h = b->max_gap > 0 ? b->t_last + b->max_gap : INF;
		b->pending_l = b->broken || h < t ? b->unknown : b->v_last;
	} else {
		bool gap = b->broken || (b->max_gap > 0 && t - b->t_last > b->max_gap);
		track_push(b->out, b->t_last, b->pending_l, b->v_last,
			   gap ? b->unknown : b->v_last);
		b->pending_l = gap ? b->unknown : v;
	}
	b->have = true;
	b->broken = false;
	b->t_last = t;
	b->v_last = v;
}

static Track *full_track(const Eval *e, const Signal *s, bool upper)
{
	Builder b = {.out = track_new(s->n + 2), .s = s, .unknown = upper ? INF : -INF};
	b.max_gap = s->info.max_gap_ns > 0 ? (double)s->info.max_gap_ns : 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->status[i] == SAMPLE_STALE)
			continue; /* repeated, not measured: as if it had not come */
		double v, t = (double)(s->t_ns[i] - e->input->start_ns);
		if (eval_usable(s, i, upper, &v)) {
			add_usable(&b, t, v);
		} else if (!b.broken) {
			b.broken = true;
			b.t_broken = t;
		}
	}
	if (b.have && s->info.interp == SIGNAL_PREVIOUS)
		close_held(&b, INF);
	else if (b.have)
		track_push(b.out, b.t_last, b.pending_l, b.v_last, b.unknown);
	return b.out;
}

/* Value of the full track at any t; before the first and after the last knot its outer limits. */
static Knot full_at(const Track *full, double t, double unknown)
{
	if (full->n == 0 || t < full->k[0].t)
		return (Knot){t, unknown, unknown, unknown};
	const Knot *last = &full->k[full->n - 1];
	if (t > last->t)
		return (Knot){t, last->r, last->r, last->r};
	return track_at(full, t);
}

static Track *signal_side(const Eval *e, const Signal *s, bool upper)
{
	double unknown = upper ? INF : -INF;
	g_autoptr(Track) full = full_track(e, s, upper);
	Track *out = track_new(full->n + 2);
	Knot k = full_at(full, 0, unknown);
	track_push(out, 0, k.v, k.v, k.r);
	for (size_t i = 0; i < full->n; i++)
		if (full->k[i].t > 0 && full->k[i].t < e->end)
			track_push(out, full->k[i].t, full->k[i].l, full->k[i].v, full->k[i].r);
	if (e->end > 0) {
		k = full_at(full, e->end, unknown);
		track_push(out, e->end, k.l, k.v, k.v);
	}
	return out;
}

/* Samples first … last of a linear signal as a polyline on [0, end]. False when something is missing there. */
static bool fill_series(const Eval *e, const Signal *s, Series *out)
{
	ptrdiff_t first = signal_index(s, e->input->start_ns),
		  last = signal_index(s, e->input->end_ns);
	int64_t start = e->input->start_ns,
		gap = s->info.max_gap_ns > 0 ? s->info.max_gap_ns : INT64_MAX;
	if (s->info.interp != SIGNAL_LINEAR || first < 0)
		return false;
	if (s->t_ns[last] < e->input->end_ns && (size_t)++last >= s->n)
		return false;
	size_t n = (size_t)(last - first) + 1;
	bool bad = false;
	out->t_bytes = out->v_bytes = n * sizeof(double);
	out->t = room_take(&out->t_bytes);
	out->v = room_take(&out->v_bytes);
	int64_t before = s->t_ns[first];
	for (size_t i = 0; i < n; i++) {
		size_t k = (size_t)first + i;
		int64_t t = s->t_ns[k];
		double v = s->v[k];
		bad |= (s->status[k] != SAMPLE_OK) | (t - before > gap) | !(fabs(v) <= DBL_MAX);
		out->t[i] = (double)(t - start);
		out->v[i] = v;
		before = t;
	}
	out->n = n;
	return !bad;
}

/* Both ends onto the axis. */
static void trim_series(const Eval *e, Series *s)
{
	size_t n = s->n;
	if (s->t[n - 1] > e->end) {
		s->v[n - 1] = lerp(e->end, s->t[n - 2], s->v[n - 2], s->t[n - 1], s->v[n - 1]);
		s->t[n - 1] = e->end;
	}
	if (s->t[0] < 0) {
		s->v[0] = lerp(0, s->t[0], s->v[0], s->t[1], s->v[1]);
		s->t[0] = 0;
	}
}

/* A signal of which nothing is missing is not copied for every atom that names it. NULL: something is. */
static Track *whole_signal(Eval *e, const Signal *s)
{
	Series *kept = g_hash_table_lookup(e->series, s);
	if (!kept) {
		kept = g_new0(Series, 1);
		g_hash_table_insert(e->series, (gpointer)(uintptr_t)s, kept);
		if (e->end > 0 && fill_series(e, s, kept))
			trim_series(e, kept);
		else
			kept->n = 0;
	}
	return kept->n > 0 ? track_line(kept->n, kept->t, kept->v) : NULL;
}

bool eval_whole(Eval *e)
{
	for (size_t i = 0; i < stl_formula_n_signals(e->f); i++) {
		const char *name = stl_formula_signal(e->f, i);
		const Signal *s = g_hash_table_lookup(e->input->signals, name);
		const Signal *upper =
			e->input->upper ? g_hash_table_lookup(e->input->upper, name) : NULL;
		Track *whole = s && (!upper || upper == s) ? whole_signal(e, s) : NULL;
		if (!whole)
			return false;
		track_free(whole);
	}
	return true;
}

static Track *side_of(Eval *e, const Signal *s, bool upper)
{
	Track *whole = whole_signal(e, s);
	return whole ? whole : signal_side(e, s, upper);
}

static Pair signal_pair(Eval *e, const Node *n)
{
	const char *name = stl_formula_signal(e->f, (size_t)n->name);
	const Signal *lo = g_hash_table_lookup(e->input->signals, name);
	const Signal *hi = e->input->upper ? g_hash_table_lookup(e->input->upper, name) : NULL;
	if (!lo) {
		if (!e->error)
			g_set_error(&e->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "there is no signal '%s'", name);
		return (Pair){track_constant(e->end, -INF), track_constant(e->end, INF)};
	}
	Track *both = hi && hi != lo ? NULL : whole_signal(e, lo);
	return both ? twice(both) : (Pair){side_of(e, lo, false), side_of(e, hi ? hi : lo, true)};
}

Pair eval_raw_signal(Eval *e, const Node *n)
{
	return e->discrete ? discrete_signal(e, n) : signal_pair(e, n);
}

static Pair term(Eval *e, const Node *n);

/* ---- terms ------------------------------------------------------------------------------------------------------------- */

static Pair constant(const Eval *e, double lo, double hi)
{
	if (lo == hi)
		return twice(track_constant(e->end, lo));
	return (Pair){track_constant(e->end, lo), track_constant(e->end, hi)};
}

/* Can ∞ - ∞ come up, which is unknown on both sides? */
static bool may_be_unknown(const Pair *a, const Pair *b, TrackOp op)
{
	return (op == TRACK_ADD || op == TRACK_SUB) &&
	       !(track_finite(a->lo) && track_finite(b->lo));
}

static Pair combine(Pair a, Pair b, TrackOp op)
{
	bool sub = op == TRACK_SUB;
	Pair out;
	if (exact(&a) && exact(&b) && !may_be_unknown(&a, &b, op))
		out = twice(track_combine(a.lo, b.lo, op, 0));
	else
		out = (Pair){track_combine(a.lo, sub ? b.hi : b.lo, op, -INF),
			     track_combine(a.hi, sub ? b.lo : b.hi, op, INF)};
	pair_clear(&a);
	pair_clear(&b);
	return out;
}

static Pair negate(Pair a)
{
	Pair out = exact(&a) ? twice(track_negate(a.lo))
			     : (Pair){track_negate(a.hi), track_negate(a.lo)};
	pair_clear(&a);
	return out;
}

/* |[lo, hi]| = [max(lo, -hi, 0), max(hi, -lo)], where contrary sides are no more than 0 either */
static Pair absolute(Pair a, double end)
{
	g_autoptr(Track) nlo = track_negate(a.lo), nhi = track_negate(a.hi),
			 zero = track_constant(end, 0);
	Pair out;
	if (exact(&a)) {
		out = twice(track_combine(a.hi, nlo, TRACK_MAX, 0));
	} else {
		g_autoptr(Track) m = track_combine(a.lo, nhi, TRACK_MAX, 0),
				 most = track_combine(a.hi, nlo, TRACK_MAX, 0);
		out = (Pair){track_combine(m, zero, TRACK_MAX, 0),
			     track_combine(most, zero, TRACK_MAX, 0)};
	}
	pair_clear(&a);
	return out;
}

static bool steady(const Node *n)
{
	if (n->kind == N_SIGNAL)
		return false;
	if (n->kind == N_INITIAL)
		return true;
	if (operators[n->kind].time != OP_NOW)
		return false; /* a window moves on */
	return (!n->a || steady(n->a)) && (!n->b || steady(n->b));
}

static Track *other_extreme(Track *a, Track *b, TrackOp op)
{
	Track *out = track_combine(a, b, op, 0);
	track_free(a);
	track_free(b);
	return out;
}

/* An infinite side bounds a number that is not known: none of it is 0. */
static Track *times_side(const Pair *a, double factor, bool upper)
{
	return track_scale((factor < 0) == upper ? a->lo : a->hi, factor, 0);
}

/* [c0, c1] times a pair: each factor takes the sides as they are or, when it is negative, the other way round; so sides that are
 * contrary stay so. */
static Pair product(Pair a, double c0, double c1)
{
	Pair out;
	if (exact(&a) && c0 == c1 && isfinite(c0) && track_finite(a.lo)) {
		out = twice(track_scale(a.lo, c0, 0));
		pair_clear(&a);
		return out;
	}
	out.lo = times_side(&a, c0, false);
	out.hi = times_side(&a, c0, true);
	if (c1 != c0) {
		out.lo = other_extreme(out.lo, times_side(&a, c1, false), TRACK_MIN);
		out.hi = other_extreme(out.hi, times_side(&a, c1, true), TRACK_MAX);
	}
	pair_clear(&a);
	return out;
}

#define MOST_CURVES 3

/* How many operations that bend a straight line stand inside each other. */
static unsigned curves(const Node *n)
{
	unsigned a = n->a ? curves(n->a) : 0, b = n->b ? curves(n->b) : 0, below = MAX(a, b);
	bool bends = n->kind == N_NORM || n->kind == N_POW || n->kind == N_SQRT ||
		     n->kind == N_EXP || (n->kind == N_MUL && !steady(n->b) && !steady(n->a)) ||
		     (n->kind == N_DIV && !steady(n->b));
	return below + bends;
}

static Pair eval_product(Eval *e, const Node *n, EvalFunc of)
{
	if (curves(n) > MOST_CURVES) {
		if (!e->error)
			g_set_error(
				&e->error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				"column %u: at most %d products or functions of changing values "
				"inside each other",
				n->column, MOST_CURVES);
		return constant(e, -INF, INF);
	}
	bool divide = n->kind == N_DIV;
	if (n->kind == N_NORM || n->kind == N_POW || (!steady(n->b) && (divide || !steady(n->a)))) {
		Pair a = of(e, n->a), b = of(e, n->b);
		if (n->kind == N_NORM)
			return curve_pair(e, N_NORM, absolute(a, e->end), absolute(b, e->end));
		return curve_pair(e, n->kind, a, b);
	}
	const Node *fixed = steady(n->b) ? n->b : n->a, *moving = fixed == n->b ? n->a : n->b;
	g_auto(Pair) c = term(e, fixed);
	double c0 = track_at(c.lo, 0).v, c1 = track_at(c.hi, 0).v;
	if (divide && c0 <= 0 && c1 >= 0)
		return constant(e, -INF, INF);
	return divide ? product(term(e, moving), 1 / c1, 1 / c0) : product(term(e, moving), c0, c1);
}

/* The value at the start, with whatever is known of it. */
static Pair eval_initial(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	g_auto(Pair) s = signal_pair(e, n->a);
	return constant(e, track_at(s.lo, 0).v, track_at(s.hi, 0).v);
}

static Pair eval_number(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	return constant(e, n->value, n->value);
}

static Pair eval_signal(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	return signal_pair(e, n);
}

static Pair eval_negate(Eval *e, const Node *n, EvalFunc of)
{
	return negate(of(e, n->a));
}

static Pair eval_abs(Eval *e, const Node *n, EvalFunc of)
{
	return absolute(of(e, n->a), e->end);
}

/* Sums, min and max. */
static Pair eval_sum(Eval *e, const Node *n, EvalFunc of)
{
	TrackOp op = n->kind == N_ADD   ? TRACK_ADD
		     : n->kind == N_SUB ? TRACK_SUB
		     : n->kind == N_MIN ? TRACK_MIN
					: TRACK_MAX;
	Pair a = of(e, n->a), b = of(e, n->b);
	return combine(a, b, op);
}

/* ---- atoms --------------------------------------------------------------------------------------------------------------- */

/* Signed distance to the comparison's limit. */
static Pair distance(Eval *e, const Node *n)
{
	Pair a = term(e, n->a), b = term(e, n->b);
	if (n->kind == N_GT || n->kind == N_GE)
		return combine(a, b, TRACK_SUB);
	if (n->kind == N_LT || n->kind == N_LE)
		return combine(b, a, TRACK_SUB);
	Pair d = absolute(combine(a, b, TRACK_SUB), e->end);
	return n->kind == N_EQ ? negate(d) : d;
}

static void square_u(Eval *e, const Node *n, double *sum, bool *missing)
{
	if (n->kind == N_SIGNAL) {
		const Signal *s = g_hash_table_lookup(e->input->signals,
						      stl_formula_signal(e->f, (size_t)n->name));
		double u = s ? hypot(isnan(s->info.u_common) ? 0 : s->info.u_common,
				     isnan(s->info.u_sample) ? 0 : s->info.u_sample)
			     : 0;
		*missing = *missing || !(u > 0);
		*sum += u * u;
	}
	bool changing = (n->kind == N_MUL || n->kind == N_DIV) && !steady(n->a) && !steady(n->b);
	if (changing || n->kind == N_COUNT) {
		*missing = true; /* no factor that holds all the time */
		return;
	}
	if (n->a)
		square_u(e, n->a, sum, missing);
	if (n->b)
		square_u(e, n->b, sum, missing);
}

static Pair atom_margin(Eval *e, const Node *n)
{
	Pair d = distance(e, n);
	if (!e->f->mixed) {
		Unit to = stl_formula_unit(
			e->f, NULL); /* mm and m in one formula: all in the first's unit */
		double factor = unit_convert_difference(1, &n->unit, &to);
		return factor == 1 ? d : product(d, factor, factor);
	}
	double sum = 0;
	bool missing = e->f->bare; /* the calculator's signals have no uncertainty */
	square_u(e, n, &sum, &missing);
	if (missing) {
		e->no_margin = true;
		return d;
	}
	return product(d, 1 / sqrt(sum), 1 / sqrt(sum));
}

/* Sure and possible truth of a pair of margins. */
static Pair truth_of_margin(Pair m, bool strict)
{
	Pair out = exact(&m) ? twice(track_truth(m.lo, strict))
			     : (Pair){track_truth(m.lo, strict), track_truth(m.hi, strict)};
	pair_clear(&m);
	return out;
}

/* A Boolean signal: true above one half. */
static Pair boolean_signal(Eval *e, const Node *n)
{
	return truth_of_margin(combine(signal_pair(e, n), constant(e, 0.5, 0.5), TRACK_SUB), true);
}

/* ---- edges ---------------------------------------------------------------------------------------------------------------- */

/* Rises of `now` where `before` (left limits) is false: possible ones from (before.lo, now.hi), sure ones from (before.hi,
 * now.lo). true only at the instant; the first sample has none. */
static Track *rises(const Track *before, const Track *now)
{
	g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(double));
	for (size_t i = 0, j = 0; i < before->n || j < now->n;) {
		double ta = i < before->n ? before->k[i].t : INF,
		       tb = j < now->n ? now->k[j].t : INF;
		double t = MIN(ta, tb);
		i += ta == t;
		j += tb == t;
		g_array_append_val(times, t);
	}
	Track *out = track_new(times->len);
	for (guint i = 0; i < times->len; i++) {
		double t = g_array_index(times, double, i);
		Knot b = track_at(before, t), n = track_at(now, t);
		bool last = i + 1 == times->len;
		/* false just before and true here, or false here (or before) and true just after */
		bool at = (i > 0 && b.l < 0 && n.v > 0) || (!last && b.v < 0 && n.r > 0);
		/* inside a stretch: it may rise anywhere if it may be false just before and true just after */
		bool right = !last && b.r < 0 && n.r > 0;
		bool left = i > 0 && b.l < 0 && n.l > 0;
		track_push(out, t, left ? INF : -INF, at ? INF : -INF, right ? INF : -INF);
	}
	return out;
}

static Pair rise_of(Pair a)
{
	/* sure: surely false before, surely true now. possible: not surely true before, possibly true now. */
	Pair out = {rises(a.hi, a.lo), rises(a.lo, a.hi)};
	pair_clear(&a);
	return out;
}

/* ---- temporal operators ------------------------------------------------------------------------------------------------------ */

/* What lies beyond the ends, for one side of a sup. */
static double outside(const Eval *e, bool upper)
{
	if (e->ends == STL_ENDS_FINITE)
		return -INF;
	return upper != e->contrary ? INF : -INF;
}

/* One side: what leaves the recording is worth `beyond` there. */
static Track *opened(Track *inside, double from, double to, double beyond)
{
	return beyond < 0 ? track_ref(inside) : track_open_ends(inside, from, to);
}

static Pair window(const Eval *e, Pair a, double from, double to)
{
	g_autoptr(Track) lo = track_window_max(a.lo, from, to);
	g_autoptr(Track) hi = exact(&a) ? track_ref(lo) : track_window_max(a.hi, from, to);
	Pair out = {opened(lo, from, to, outside(e, false)),
		    opened(hi, from, to, outside(e, true))};
	pair_clear(&a);
	return out;
}

static Pair eventually(const Eval *e, const Node *n, Pair a)
{
	bool past = operators[n->kind].time == OP_PAST;
	double lo = eval_ticks(e, n->lo_s), hi = eval_ticks(e, n->hi_s);
	if (n->lo_open || n->hi_open)
		return past ? pair_window(e, a, -hi, -lo, n->hi_open, n->lo_open)
			    : pair_window(e, a, lo, hi, n->lo_open, n->hi_open);
	return past ? window(e, a, -hi, -lo) : window(e, a, lo, hi);
}

static Pair reversed(Pair a)
{
	Pair out = exact(&a) ? twice(track_reverse(a.lo))
			     : (Pair){track_reverse(a.lo), track_reverse(a.hi)};
	pair_clear(&a);
	return out;
}

static Pair copy(const Pair *a)
{
	return (Pair){track_ref(a->lo), track_ref(a->hi)};
}

static Pair untimed(const Pair *f, const Pair *g)
{
	if (exact(f) && exact(g))
		return twice(track_until(f->lo, g->lo));
	return (Pair){track_until(f->lo, g->lo), track_until(f->hi, g->hi)};
}

/* The witness may lie beyond the end: there f U g is what the end leaves open, as long as f held. */
static void open_until(const Eval *e, const Pair *f, Pair *u)
{
	for (int upper = 0; upper < 2; upper++) {
		if (outside(e, upper) < 0)
			continue;
		g_autoptr(Track) nf = track_negate(upper ? f->hi : f->lo);
		g_autoptr(Track) worst = track_window_max(nf, 0, INF);
		g_autoptr(Track) held = track_negate(worst); /* inf of f to the end */
		Track **side = upper ? &u->hi : &u->lo;
		Track *more = track_combine(*side, held, TRACK_MAX, 0);
		track_free(*side);
		*side = more;
	}
}

/* The until whose witness comes strictly later: at an instant f and what is so right after it. Between knots nothing changes;
 * after the end comes what lies beyond. */
static Track *after_now(Track *until, const Track *f, double beyond)
{
	g_autoptr(Track) u = track_solid(until);
	Track *out = track_new(u->n);
	size_t at = 0;
	for (size_t i = 0; i < u->n; i++) {
		double t = u->k[i].t, right = i + 1 < u->n ? u->k[i].r : beyond;
		double v = MIN(track_walk(f, &at, t).v, right);
		track_push(out, t, u->k[i].l, v, u->k[i].r);
	}
	return out;
}

/* f U[a,b] g = eventually[a,b] g and always[0,a] f and (f U g) at t + a (Donzé, Ferrère, Maler: Efficient robust monitoring
 * for STL, 2013, lemma on bounded until), with f needed on the closed [t, witness]. An unbounded end stops at the track's. */
static Pair until(const Eval *e, Pair f, Pair g, const Node *n)
{
	double a = eval_ticks(e, n->lo_s), b = eval_ticks(e, n->hi_s);
	bool open = n->lo_open || n->hi_open;
	Pair u = untimed(&f, &g);
	if (n->lo_open)
		u = (Pair){after_now(u.lo, f.lo, outside(e, false)),
			   after_now(u.hi, f.hi, outside(e, true))};
	if (isfinite(b))
		open_until(e, &f, &u);
	if (a == 0 && isinf(b) && !open) {
		pair_clear(&f);
		pair_clear(&g);
		return u;
	}
	Pair witness = open ? pair_window(e, g, a, b, n->lo_open, n->hi_open) : window(e, g, a, b);
	Pair out = combine(witness, a > 0 ? window(e, u, a, a) : u, TRACK_MIN);
	if (a == 0) { /* f U g is never above f */
		pair_clear(&f);
		return out;
	}
	return combine(out, negate(window(e, negate(f), 0, a)), TRACK_MIN);
}

/* ---- operators: what margin and truth have in common ------------------------------------------------------------------------- */

static Pair eval_constant(Eval *e, const Node *n, EvalFunc of)
{
	(void)of;
	double v = n->kind == N_TRUE ? INF : -INF;
	return constant(e, v, v);
}

static Pair eval_not(Eval *e, const Node *n, EvalFunc of)
{
	return negate(of(e, n->a));
}

static Pair eval_and(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	return combine(a, b, TRACK_MIN);
}

static Pair eval_or(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	return combine(a, b, TRACK_MAX);
}

static Pair eval_implies(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = negate(of(e, n->a)), b = of(e, n->b);
	return combine(a, b, TRACK_MAX);
}

static Pair eval_xor(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	Pair na = negate(copy(&a)), nb = negate(copy(&b));
	Pair out = combine(combine(a, nb, TRACK_MIN), combine(na, b, TRACK_MIN), TRACK_MAX);
	return n->kind == N_IFF ? negate(out) : out;
}

static Pair eval_rise(Eval *e, const Node *n, EvalFunc of)
{
	(void)of; /* an edge has no margin */
	Pair a = eval_truth(e, n->a);
	return rise_of(n->kind == N_FALL ? negate(a) : a);
}

static Pair eval_window(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a);
	if (n->kind == N_EVENTUALLY || n->kind == N_ONCE)
		return eventually(e, n, a);
	return negate(eventually(e, n, negate(a)));
}

static Pair eval_until(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	return until(e, a, b, n);
}

static Pair eval_since(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = reversed(of(e, n->a)), b = reversed(of(e, n->b));
	return reversed(until(e, a, b, n));
}

/* a weak until[x, y] b = a until[x, y] b, or a up to y. */
static Pair eval_weak(Eval *e, const Node *n, EvalFunc of)
{
	Pair a = of(e, n->a), b = of(e, n->b);
	double to = eval_ticks(e, n->hi_s);
	Pair held = negate(pair_window(e, negate(copy(&a)), 0, to, false, n->hi_open));
	return combine(until(e, a, b, n), held, TRACK_MAX);
}

/* A quantifier is the conjunction or disjunction of its copies. */
static Pair eval_inner(Eval *e, const Node *n, EvalFunc of)
{
	return of(e, n->a);
}

/* Comparisons are the callers'; measures are none. */
static Pair eval_none(Eval *e, const Node *n, EvalFunc of)
{
	(void)n;
	(void)of;
	return constant(e, -INF, INF);
}

static Pair eval_operator(Eval *e, const Node *n, EvalFunc of)
{
	static Pair (*const evals[N_KINDS])(Eval *, const Node *, EvalFunc) = {
#define OPERATOR(kind, word, strength, class, time, check, eval, ...) [kind] = eval_##eval,
#include "operators.def"
#undef OPERATOR
	};
	return evals[n->kind](e, n, of);
}

static Pair term(Eval *e, const Node *n)
{
	return node_is_term(n->kind) ? eval_operator(e, n, term) : eval_none(e, n, NULL);
}

Pair eval_term(Eval *e, const Node *n)
{
	return solid(term(e, n));
}

static Pair margin(Eval *e, const Node *n)
{
	if (e->discrete)
		return discrete_margin(e, n);
	if (node_is_comparison(n->kind))
		return atom_margin(e, n);
	if (n->kind == N_SIGNAL && n->boolean)
		return boolean_signal(e, n);
	if (node_is_term(n->kind))
		return term(e, n);
	return eval_operator(e, n, margin);
}

Pair eval_margin(Eval *e, const Node *n)
{
	return solid(margin(e, n));
}

static Pair compute_truth(Eval *e, const Node *n)
{
	if (e->discrete)
		return discrete_truth(e, n);
	if (node_is_comparison(n->kind)) {
		bool strict = n->kind == N_LT || n->kind == N_GT || n->kind == N_NE;
		return truth_of_margin(distance(e, n), strict);
	}
	if (n->kind == N_SIGNAL && n->boolean)
		return boolean_signal(e, n);
	if (node_is_term(n->kind)) /* the calculator: a value counts as true above zero */
		return truth_of_margin(term(e, n), true);
	return eval_operator(e, n, eval_truth);
}

const Pair *eval_truth_of(Eval *e, const Node *n)
{
	Pair *kept = g_hash_table_lookup(e->truths, n);
	if (!kept) {
		kept = g_new0(Pair, 1);
		*kept = compute_truth(e, n);
		g_hash_table_insert(e->truths, (gpointer)(uintptr_t)n, kept);
	}
	return kept;
}

Pair eval_truth(Eval *e, const Node *n)
{
	return copy(eval_truth_of(e, n));
}

Pair pair_negate(Pair a)
{
	return negate(a);
}

Pair pair_solid(Pair a)
{
	return solid(a);
}

double eval_outside(const Eval *e, bool upper)
{
	return outside(e, upper);
}
