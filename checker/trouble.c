/* What the bench and the product did wrong. */
#include "record.h"

#define WAIT_GAP_NS \
	(5 * CLOCK_S) /* longer nobody may be left untold of the product's wait for a CPU */

/* Was the sample taken out on purpose? */
static bool withheld(const World *w, const Signal *s, size_t i)
{
	for (guint k = 0; k < w->rec->faults->len; k++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, k);
		if (!g_strcmp0(f->source, FAULT_SOURCE_REDACTION) &&
		    !g_strcmp0(f->signal, s->info.name) && f->t_ns <= s->t_ns[i] &&
		    f->until_ns >= s->t_ns[i])
			return true;
	}
	return false;
}

/* The first time from which a signal is beyond `most`. What was not recorded was not seen. `since`: each sample is about the time
 * since the one before it. */
static int64_t beyond_from(const World *w, const char *name, double most, bool since)
{
	const Signal *s = name ? recording_signal(w->rec, name) : NULL;
	int64_t told = w->from;
	bool any = false;
	for (size_t i = 0; s && most > 0 && i < s->n && told < w->to + !since; i++) {
		int64_t t = s->t_ns[i];
		bool ok = s->status[i] == SAMPLE_OK;
		if (t < w->from || ((!any || !since) && t > w->to))
			continue;
		any = true;
		if (ok ? s->v[i] > most || (since && t - told > WAIT_GAP_NS)
		       : !withheld(w, s, i)) /* that is a fault of its own */
			return since ? told : t;
		told = t;
	}
	if (most > 0 && (!any || (since && w->to - told > WAIT_GAP_NS)))
		return told;
	return CLOCK_NEVER;
}

/* The first time from which it does not rise (a count: does not grow) for longer than limit_ns. */
static int64_t quiet_from(const World *w, const char *name, int64_t limit_ns, bool count)
{
	const Signal *s = name ? recording_signal(w->rec, name) : NULL;
	double before = count ? (double)NAN : 1;
	int64_t last = w->from;
	for (size_t i = 0; s && i < s->n && s->t_ns[i] <= w->to; i++) {
		double v = s->status[i] == SAMPLE_OK ? s->v[i] : count ? before : 0;
		bool rises = v > before && s->t_ns[i] >= w->from;
		before = v;
		if (rises && s->t_ns[i] - last > limit_ns)
			return last;
		last = rises ? s->t_ns[i] : last;
	}
	return w->to - last > limit_ns ? last : CLOCK_NEVER;
}

static int64_t silent_from(const World *w)
{
	int64_t period = w->spec->heartbeat ? w->spec->heartbeat_ns : 0;
	return period > 0 ? quiet_from(w, w->spec->heartbeat, 2 * period, false) : CLOCK_NEVER;
}

/* In a replay the world and the product part company here: about one signal, or about everything. */
static bool open_loop(const Fault *f)
{
	return !g_strcmp0(f->source, "open loop");
}

bool fault_only_withheld(const Recording *rec, const Fault *f)
{
	const Signal *s = f->signal ? recording_signal(rec, f->signal) : NULL;
	return s && s->info.origin != ORIGIN_HEALTH &&
	       !g_strcmp0(f->source, FAULT_SOURCE_REDACTION);
}

int64_t doubtful_from(const World *w)
{
	const JudgeSpec *spec = w->spec;
	int64_t stall = MAX(2 * CLOCK_S, 2 * spec->heartbeat_ns), silent = silent_from(w),
		stalled = spec->consumed ? quiet_from(w, spec->consumed, stall, true) : CLOCK_NEVER,
		from = MIN(beyond_from(w, spec->age, (double)spec->max_age_ns / 1e9, false),
			   beyond_from(w, spec->cpu_wait, spec->max_cpu_wait, true));
	/* One that stopped beating as well has hung, and that is its own failure. */
	if (stalled != CLOCK_NEVER && !(silent != CLOCK_NEVER && silent <= stalled + stall))
		from = MIN(from, stalled);
	for (guint i = 0; i < w->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, i);
		if (f->blame != BLAME_PRODUCT && f->until_ns >= w->from &&
		    !fault_only_withheld(w->rec, f) && !(open_loop(f) && (f->signal || w->given)))
			from = MIN(from, f->t_ns);
	}
	return from;
}

int64_t product_failed_at(const World *w)
{
	int64_t silent = silent_from(w),
		at = silent != CLOCK_NEVER ? MIN(silent + 2 * w->spec->heartbeat_ns, w->to)
					   : CLOCK_NEVER;
	for (guint i = 0; i < w->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, i);
		at = f->blame == BLAME_PRODUCT && f->t_ns <= w->to ? MIN(at, f->t_ns) : at;
	}
	return at;
}

void add_unknown(World *w, int64_t since)
{
	GHashTableIter iter;
	gpointer name, value;
	int64_t doubtful = doubtful_from(w);
	g_hash_table_iter_init(&iter, w->rec->signals);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		Set *set = set_span(since, FAR);
		if (is_outcome(&((Signal *)value)->info) && doubtful <= w->to)
			set = set_mix(set, set_span(doubtful, FAR), EITHER);
		for (guint i = 0; i < w->rec->faults->len; i++) {
			const Fault *f = g_ptr_array_index(w->rec->faults, i);
			if (f->blame != BLAME_PRODUCT && !(w->given && open_loop(f)) &&
			    (!f->signal || !strcmp(f->signal, name)))
				set = set_mix(set, set_span(f->t_ns, MIN(f->until_ns, FAR)),
					      EITHER);
		}
		g_hash_table_insert(w->unknown, g_strdup(name), set);
		g_hash_table_insert(w->unknown, g_strconcat(name, ".age", NULL), set);
	}
}

int as_scripted(World *w)
{
	int worst = 1;
	for (guint i = 0; i < w->spec->stimulus->len; i++) {
		Node *n = formula_parse(w->spec->stimulus->pdata[i], w->spec->parameters);
		World s = *w;
		Unit unit;
		unsigned measured = 0;
		g_autoptr(GPtrArray) names = g_ptr_array_new();
		formula_names(n, names);
		for (guint k = 0; k < names->len; k++) {
			const Signal *signal = recording_signal(w->rec, names->pdata[k]);
			measured += signal && is_measured(&signal->info);
		}
		s.risk = 0.025 / (2.0 * MAX(measured, 1u));
		s.clock_s = 0;
		s.point = false;
		bool violated = n && holds(&s, n, false);
		s.shift = n && has_margin(&s, n, &unit) ? NOTHING * unit.scale : 0;
		worst = MIN(worst, violated ? -1 : n && holds(&s, n, true));
		if (!n || s.problem->len > 0)
			world_problem(w, "stimulus check not understood: %s",
				      (char *)w->spec->stimulus->pdata[i]);
	}
	return worst;
}

Verdict alive(const World *w)
{
	const JudgeSpec *spec = w->spec;
	const Signal *s =
		spec->positive_control ? recording_signal(w->rec, spec->positive_control) : NULL;
	int64_t asked = -1;
	for (guint i = 0; i < w->rec->events->len; i++) {
		const Event *e = g_ptr_array_index(w->rec->events, i);
		if (!strcmp(e->name, "probe.positive-control") && e->t_ns >= w->from &&
		    e->t_ns <= w->to)
			asked = e->t_ns;
	}
	if (!spec->positive_control || spec->positive_control_ns <= 0 || asked < 0)
		return VERDICT_INCONCLUSIVE;
	int64_t until = asked + spec->positive_control_ns;
	bool high = true;
	for (size_t i = 0; s && i < s->n; i++) {
		bool on = s->v[i] != 0 && s->status[i] == SAMPLE_OK;
		if (on && !high && s->t_ns[i] > asked && s->t_ns[i] <= MIN(until, w->to))
			return spec->heartbeat && spec->heartbeat_ns > 0 && spec->consumed
				       ? VERDICT_PASS
				       : VERDICT_INCONCLUSIVE;
		high = on;
	}
	return doubtful_from(w) <= until ? VERDICT_INVALID
	       : until > w->to || g_hash_table_contains(w->rec->meta, "perturb")
		       ? VERDICT_INCONCLUSIVE
		       : VERDICT_FAIL;
}
