/* Does a PASS or a FAIL follow from the recording? */
#include "prove.h"

typedef struct Delay {
	Edge cause;
	double lo, hi; /* seconds; hi INFINITY: no answer for sure */
	int64_t answer;
} Delay;

/* ---- what the bench and the product did wrong ---- */

static int64_t first_beyond(const World *w, const char *name, double most, bool from_before)
{
	const Signal *s = name && most > 0 ? recording_signal(w->rec, name) : NULL;
	bool any = false;
	for (size_t i = 0; s && i < s->n; i++) {
		/* What is told of the time since the sample before may begin within. */
		int64_t begins = from_before && i > 0 ? s->t_ns[i - 1] + 1 : s->t_ns[i];
		if (s->t_ns[i] < w->in.a || begins > w->in.b)
			continue;
		any = true;
		if (!(s->v[i] <= most))
			return from_before && i > 0 ? MAX(s->t_ns[i - 1], w->in.a) : s->t_ns[i];
	}
	return any || !(most > 0) ? CLOCK_NEVER : w->in.a; /* what was not recorded was not seen */
}

/* The first time from which it does not rise (a count: does not grow) for longer than limit_ns. */
static int64_t quiet_from(const World *w, const char *name, int64_t limit_ns, bool count)
{
	const Signal *s = name ? recording_signal(w->rec, name) : NULL;
	double before = count ? (double)NAN : 1;
	int64_t last = w->in.a;
	for (size_t i = 0; s && i < s->n && s->t_ns[i] <= w->in.b; i++) {
		double v = s->status[i] == SAMPLE_OK ? s->v[i] : count ? before : 0;
		bool rises = v > before;
		before = v;
		if (!rises || s->t_ns[i] < w->in.a)
			continue;
		if (s->t_ns[i] - last > limit_ns)
			return last;
		last = s->t_ns[i];
	}
	return w->in.b - last > limit_ns ? last : CLOCK_NEVER;
}

static int64_t silent_from(const World *w)
{
	const JudgeSpec *spec = w->spec;
	return spec->heartbeat && spec->heartbeat_ns > 0
		       ? quiet_from(w, spec->heartbeat, 2 * spec->heartbeat_ns, false)
		       : CLOCK_NEVER;
}

/* From here on nobody can vouch for what the product does. */
static int64_t outcomes_unknown_from(const World *w)
{
	const JudgeSpec *spec = w->spec;
	int64_t stall = MAX(2 * CLOCK_S, 2 * spec->heartbeat_ns), silent = silent_from(w),
		from = MIN(first_beyond(w, spec->age, (double)spec->max_age_ns / 1e9, false),
			   first_beyond(w, spec->cpu_wait, spec->max_cpu_wait, true));
	int64_t stalled = spec->consumed ? quiet_from(w, spec->consumed, stall, true) : CLOCK_NEVER;
	if (stalled != CLOCK_NEVER && !(silent != CLOCK_NEVER && silent <= stalled + stall))
		from = MIN(from, stalled);
	for (guint i = 0; i < w->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, i);
		if (f->blame != BLAME_PRODUCT)
			from = MIN(from, f->t_ns);
	}
	return from;
}

int64_t product_failed_at(const World *w)
{
	int64_t silent = silent_from(w), at = CLOCK_NEVER;
	if (silent != CLOCK_NEVER)
		at = MIN(silent + 2 * w->spec->heartbeat_ns, w->in.b);
	for (guint i = 0; i < w->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, i);
		if (f->blame == BLAME_PRODUCT && f->t_ns <= w->in.b)
			at = MIN(at, f->t_ns);
	}
	return at;
}

void add_unknown(World *w)
{
	GHashTableIter iter;
	gpointer name, value;
	int64_t outcomes = outcomes_unknown_from(w);
	g_hash_table_iter_init(&iter, w->rec->signals);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		Set *set = g_hash_table_lookup(w->unknown, name);
		if (!set) {
			set = set_new();
			g_hash_table_insert(w->unknown, g_strdup(name), set);
		}
		if (is_outcome(&((Signal *)value)->info) && outcomes <= w->in.b)
			set_add(set, outcomes, INT64_MAX);
		for (guint i = 0; i < w->rec->faults->len; i++) {
			const Fault *f = g_ptr_array_index(w->rec->faults, i);
			if (f->blame != BLAME_PRODUCT && (!f->signal || !strcmp(f->signal, name)))
				set_add(set, f->t_ns, f->until_ns);
		}
		set_tidy(set);
	}
}

bool holds(World *w, const Node *n, bool yes)
{
	Tri t = eval(w, n);
	bool r = set_has(yes ? t.yes : t.no, w->in.a);
	tri_clear(&t);
	return r;
}

int stimulus(World *w)
{
	int worst = 1;
	for (guint i = 0; i < w->spec->stimulus->len; i++) {
		const char *text = g_ptr_array_index(w->spec->stimulus, i);
		Node *n = formula_parse(text, w->spec->parameters);
		World s = *w;
		g_autoptr(GPtrArray) names = g_ptr_array_new();
		unsigned measured = 0;
		formula_names(n, names);
		for (guint k = 0; k < names->len; k++) {
			const Signal *signal = recording_signal(w->rec, names->pdata[k]);
			measured += signal && is_measured(&signal->info);
		}
		s.stimulus_risk = 0.025 / (2.0 * MAX(measured, 1u));
		s.clock_s = 0;
		s.point = false;
		if (n && s.problem->len == 0)
			worst = MIN(worst, holds(&s, n, true) ? 1 : holds(&s, n, false) ? -1 : 0);
		else
			world_problem(w, "stimulus check not understood: %s", text);
		formula_free(n);
	}
	return worst;
}

/* PASS, FAIL (the control was not answered), INVALID (the bench failed before), or INCONCLUSIVE: not shown. */
static Verdict life(const World *w)
{
	const JudgeSpec *spec = w->spec;
	const Signal *s =
		spec->positive_control ? recording_signal(w->rec, spec->positive_control) : NULL;
	int64_t asked = -1;
	for (guint i = 0; i < w->rec->events->len; i++) {
		const Event *e = g_ptr_array_index(w->rec->events, i);
		if (!strcmp(e->name, "probe.positive-control") && e->t_ns >= w->in.a &&
		    e->t_ns <= w->in.b)
			asked = e->t_ns;
	}
	if (!spec->positive_control || spec->positive_control_ns <= 0 || asked < 0)
		return VERDICT_INCONCLUSIVE;
	int64_t until = asked + spec->positive_control_ns;
	for (size_t i = 1; s && i < s->n; i++)
		if (s->v[i] != 0 && s->status[i] == SAMPLE_OK &&
		    (s->v[i - 1] == 0 || s->status[i - 1] != SAMPLE_OK) && s->t_ns[i] > asked &&
		    s->t_ns[i] <= MIN(until, w->in.b))
			return spec->heartbeat && spec->heartbeat_ns > 0 && spec->consumed
				       ? VERDICT_PASS
				       : VERDICT_INCONCLUSIVE;
	return outcomes_unknown_from(w) <= until ? VERDICT_INVALID
	       : until > w->in.b                 ? VERDICT_INCONCLUSIVE
						 : VERDICT_FAIL;
}

static bool names_outcome(const World *w, const Node *n)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	formula_names(n, names);
	for (guint i = 0; i < names->len; i++) {
		const Signal *s = recording_signal(w->rec, names->pdata[i]);
		if ((s && is_outcome(&s->info)) || g_str_has_suffix(names->pdata[i], ".age"))
			return true;
	}
	return false;
}

static bool names_truth(const World *w, const Node *n)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	formula_names(n, names);
	for (guint i = 0; i < names->len; i++)
		if (world_truth(w, names->pdata[i]))
			return true;
	return false;
}

/* ---- delays ---- */

static GArray *delays(World *w, const Node *n)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(Delay));
	Tri a = eval(w, n->a), b = {0};
	g_autoptr(GArray) causes = tri_edges(&a, w->in);
	b = n->b ? eval(w, n->b) : negated(&a); /* of a duration: its end */
	g_autoptr(GArray) answers = tri_edges(&b, w->in);
	for (guint i = 0; i < causes->len; i++) {
		Delay d = {g_array_index(causes, Edge, i), 0, (double)INFINITY, CLOCK_NEVER};
		d.lo = (double)(w->in.b - d.cause.to) / 1e9;
		bool maybe = false;
		for (guint k = 0; k < answers->len && isinf(d.hi); k++) {
			const Edge *e = &g_array_index(answers, Edge, k);
			if (e->to <= d.cause.from)
				continue;
			if (!maybe)
				d.lo = fmax((double)(e->from - d.cause.to) / 1e9, 0);
			maybe = true;
			if (e->certain && e->from > d.cause.to) {
				d.hi = (double)(e->to - d.cause.from) / 1e9;
				d.answer = e->to;
			}
		}
		g_array_append_val(all, d);
	}
	tri_clear(&a);
	tri_clear(&b);
	return all;
}

static int sure(double lo, double hi, double limit, bool below)
{
	return below ? (hi < limit) - (lo > limit) : (lo > limit) - (hi < limit);
}

static void prove_delays(World *w, const Claim *c, Proof *p)
{
	World as_measured = *w;
	as_measured.point = true;
	g_autoptr(GArray) wide = delays(w, c->measure), point = delays(&as_measured, c->measure);
	const Delay *worst = NULL;
	bool all = true, certain = false;
	for (guint i = 0; i < wide->len; i++) {
		const Delay *d = &g_array_index(wide, Delay, i);
		int s = sure(d->lo - c->clock, d->hi + c->clock, c->limit, c->below);
		certain |= d->cause.certain;
		all &= s > 0;
		p->violated |= s < 0 && d->cause.certain;
		p->until = MAX(p->until, d->answer == CLOCK_NEVER ? w->in.b : d->answer);
	}
	p->satisfied = all && certain;
	p->never = wide->len == 0;
	p->promised = names_truth(w, c->measure);
	if (!c->measure->b && names_outcome(w, c->measure)) { /* doing nothing is never too long */
		p->prohibition = true;
		p->satisfied = all;
		p->never = false;
	}
	for (guint i = 0; i < point->len; i++) {
		const Delay *d = &g_array_index(point, Delay, i);
		if (!worst || (c->below ? d->lo > worst->lo : d->lo < worst->lo))
			worst = d;
	}
	for (guint i = 0; worst && i < wide->len; i++) {
		const Delay *d = &g_array_index(wide, Delay, i);
		if (i == 0 || ABS(d->cause.to - worst->cause.to) < p->distance) {
			p->distance = ABS(d->cause.to - worst->cause.to);
			p->lo = d->lo - c->clock;
			p->hi = d->hi + c->clock;
		}
	}
	if (worst)
		p->measured = isinf(worst->hi) ? worst->lo : (worst->lo + worst->hi) / 2;
	if (worst && isinf(worst->hi))
		p->hi = (double)INFINITY;
}

/* ---- formulas ---- */

/* 1: for sure; -1: for sure not; 0: nobody knows. */
static int comes_about(World *w, const Node *n)
{
	Tri t = eval(w, n);
	g_autoptr(GArray) maybe = set_not(t.no, w->in);
	int r = t.yes->len > 0 ? 1 : maybe->len > 0 ? 0 : -1;
	tri_clear(&t);
	return r;
}

/* Every premise that is not the product's own doing came about for sure. */
static void exercised(World *w, const Node *n, Proof *p)
{
	if (!n)
		return;
	if (n->kind == N_IMPLIES && !names_outcome(w, n->a)) {
		int comes = comes_about(w, n->a);
		p->satisfied &= comes > 0;
		p->promised |= comes < 0 && names_truth(w, n->a);
		p->never |= comes < 0;
	}
	exercised(w, n->a, p);
	exercised(w, n->b, p);
}

static void prove_formula(World *w, const Claim *c, Proof *p)
{
	World dead = *w;
	dead.silent = true;
	p->satisfied = holds(w, c->formula, true);
	p->violated = holds(w, c->formula, false);
	exercised(w, c->formula, p);
	p->prohibition = !names_outcome(w, c->formula) || !holds(&dead, c->formula, false);
	p->until = w->in.b;
}

/* Is it known throughout, as far as the recording goes? Between two samples a Boolean may change: that is no hole. */
static bool hole(World *w, const char *name)
{
	const Signal *s = recording_signal(w->rec, name);
	const Set *set = g_hash_table_lookup(w->unknown, name);
	if (!s || (set && set->len > 0 && g_array_index(set, Span, 0).a <= w->in.b))
		return s != NULL;
	g_autoptr(GArray) known = signal_known(w, s), unknown = set_not(known, w->in);
	return unknown->len > 0;
}

/* Neither PASS nor FAIL: did the bench fail (or leave something out), or is it open? */
static Verdict neither(World *w, const Claim *c, const Proof *p, bool shown, Verdict alive)
{
	bool outcome = false, bench = !shown, everything = !shown;
	for (guint i = 0; i < c->names->len; i++) {
		const Signal *s = recording_signal(w->rec, c->names->pdata[i]);
		bench = bench || hole(w, c->names->pdata[i]);
		outcome |= s && is_outcome(&s->info);
	}
	for (guint i = 0; i < w->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, i);
		everything |= f->blame != BLAME_PRODUCT && !f->signal;
	}
	if (p->never)
		return everything || p->promised ? VERDICT_INVALID : VERDICT_INCONCLUSIVE;
	if (!w->rec->complete || (bench && !p->satisfied))
		return VERDICT_INVALID;
	if (!p->satisfied)
		return VERDICT_INCONCLUSIVE;
	if (bench && (p->prohibition || (outcome && product_failed_at(w) != CLOCK_NEVER)))
		return VERDICT_INVALID;
	return p->prohibition && alive == VERDICT_INVALID ? VERDICT_INVALID : VERDICT_INCONCLUSIVE;
}

/* w: with the holes that decide; own: with those of the recording alone. */
void prove(World *w, World *own, int as_scripted, const Claim *c, Proof *p)
{
	bool outcome = false;
	*p = (Proof){.measured = NAN, .lo = NAN, .hi = NAN, .until = w->in.a};
	for (guint i = 0; i < c->names->len; i++) {
		const Signal *s = recording_signal(w->rec, c->names->pdata[i]);
		p->holes = p->holes || hole(w, c->names->pdata[i]);
		outcome |= (s && is_outcome(&s->info)) || !s;
	}
	if (c->measure)
		prove_delays(w, c, p);
	else
		prove_formula(w, c, p);
	int comes = c->premise ? comes_about(w, c->premise) : 0;
	if (c->premise) {
		p->never = comes < 0;
		p->promised = names_truth(w, c->premise);
		p->satisfied &= comes > 0;
		p->violated &= comes >= 0;
	}
	int64_t failed = product_failed_at(w);
	bool shown = as_scripted > 0;
	Verdict alive = life(w);
	/* Not as scripted from when on? The witness says; while it was as scripted the check cannot have been violated, and when
	 * nobody saw it nothing is known from the beginning. */
	if (!shown && (as_scripted == 0 || stimulus(w) < 0))
		p->satisfied = p->violated = false;
	p->pass =
		p->satisfied && shown && w->rec->complete &&
		!(failed <= (p->prohibition ? w->in.b : p->until) && (outcome || p->prohibition)) &&
		(!p->prohibition || (!p->holes && alive == VERDICT_PASS));
	/* A product's own failure, or no answer to its control: only where the bench did not fail as well. */
	bool own_fault = (outcome || p->prohibition) && !p->holes && shown &&
			 (w->rec->complete || !p->satisfied) &&
			 (failed != CLOCK_NEVER ||
			  (p->prohibition && p->satisfied && alive == VERDICT_FAIL));
	p->fail = p->violated || (own_fault && !p->pass);
	p->neither = neither(own, c, p, shown, alive);
}
