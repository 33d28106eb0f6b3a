/* Trials played: a recording from breakpoints, judged by the same criterion_judge() that judges runs. */
#include "pack.h"

#define BEAT_NS CLOCK_S
#define PROBE_BEFORE_END_NS (3 * CLOCK_S)
#define PROBE_WITHIN_NS (2 * CLOCK_S)
#define ANSWER_NS (500 * CLOCK_MS)
#define HEALTH_EVERY_NS (200 * CLOCK_MS)
/* Any will do: formulas count from the beginning of the timeline. */
#define START_NS (1000 * CLOCK_S)

const char *trial_name(TrialKind kind)
{
	static const char *const names[] = {"pass", "fail", "borderline"};
	return names[kind];
}

Verdict trial_verdict(TrialKind kind)
{
	static const Verdict wanted[] = {VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE};
	return wanted[kind];
}

static double value_at(const GArray *course, int64_t t_ns, bool straight)
{
	const TrialPoint *p = (const TrialPoint *)(const void *)course->data;
	guint i = 0;
	while (i + 1 < course->len && p[i + 1].t_ns <= t_ns)
		i++;
	if (t_ns <= p[0].t_ns || i + 1 >= course->len || !straight)
		return p[i].v;
	double share = (double)(t_ns - p[i].t_ns) / (double)(p[i + 1].t_ns - p[i].t_ns);
	return p[i].v + share * (p[i + 1].v - p[i].v);
}

/* One sample before the timeline and one after: nothing is left open at its ends. */
static void fill_sampled(Signal *s, const GArray *course, const TrialBench *bench, int64_t every_ns)
{
	for (int64_t t = -every_ns; t <= bench->length_ns + every_ns; t += every_ns)
		signal_append(s, START_NS + t, value_at(course, t, s->info.interp == SIGNAL_LINEAR),
			      SAMPLE_OK);
}

static void fill_stamped(Signal *s, const GArray *course)
{
	for (guint i = 0; i < course->len; i++) {
		const TrialPoint *p = &g_array_index(course, TrialPoint, i);
		if (i == 0 && p->t_ns > 0) /* before its first change a Boolean is off */
			signal_append(s, START_NS - CLOCK_S, 0, SAMPLE_OK);
		signal_append(s, START_NS + (i == 0 && p->t_ns <= 0 ? -CLOCK_S : p->t_ns), p->v,
			      SAMPLE_OK);
	}
}

static void add_signal(Recording *rec, const TrialBench *bench, const TrialSignal *ts,
		       const GArray *course)
{
	Signal *s = signal_new(ts->info.name);
	signal_info_clear(&s->info);
	signal_info_copy(&s->info, &ts->info);
	bool sampled = s->info.origin == ORIGIN_STIMULUS ||
		       (s->info.origin == ORIGIN_LABEL && !s->info.boolean);
	if (sampled)
		fill_sampled(s, course, bench, ts->every_ns);
	else
		fill_stamped(s, course);
	recording_add_signal(rec, s);
}

static Signal *life_signal(Recording *rec, const char *name, bool boolean, double clock_s)
{
	Signal *s = signal_new(name);
	s->info.boolean = boolean;
	s->info.interp = SIGNAL_PREVIOUS;
	s->info.origin = boolean ? ORIGIN_RESPONSE : ORIGIN_HEALTH;
	s->info.max_slew = (double)INFINITY;
	s->info.max_gap_ns = CLOCK_S;
	s->info.u_clock_s = clock_s;
	if (boolean)
		signal_append(s, START_NS - CLOCK_S, 0, SAMPLE_OK);
	recording_add_signal(rec, s);
	return s;
}

static void pulse(Signal *s, int64_t t_ns)
{
	signal_append(s, START_NS + t_ns, 1, SAMPLE_OK);
	signal_append(s, START_NS + t_ns + CLOCK_MS, 0, SAMPLE_OK);
}

/* A product in good health: it beats, takes its input and answers the positive control. */
static void add_life(Recording *rec, const TrialBench *bench, TrialProbe probe, JudgeSpec *spec)
{
	Signal *beat = life_signal(rec, "trial.heartbeat", true, bench->clock_s);
	Signal *control = life_signal(rec, "trial.control", true, bench->clock_s);
	Signal *taken = life_signal(rec, "trial.consumed", false, bench->clock_s);
	int64_t probe_ns = bench->length_ns - PROBE_BEFORE_END_NS;
	for (int64_t t = BEAT_NS / 4; t < bench->length_ns; t += BEAT_NS)
		pulse(beat, t);
	for (int64_t t = 0; t <= bench->length_ns; t += HEALTH_EVERY_NS)
		signal_append(taken, START_NS + t, (double)(t / HEALTH_EVERY_NS), SAMPLE_OK);
	if (probe != PROBE_NONE)
		recording_add_event(rec, START_NS + probe_ns, "probe.positive-control", NULL);
	if (probe == PROBE_ANSWERED)
		pulse(control, probe_ns + ANSWER_NS);
	spec->heartbeat = g_strdup("trial.heartbeat");
	spec->heartbeat_ns = BEAT_NS;
	spec->positive_control = g_strdup("trial.control");
	spec->positive_control_ns = PROBE_WITHIN_NS;
	spec->consumed = g_strdup("trial.consumed");
}

static JudgeSpec *spec_of(const TrialBench *bench)
{
	JudgeSpec *spec = judge_spec_new();
	for (guint i = 0; i < bench->truths->len; i++) {
		const TruthSpec *from = g_ptr_array_index(bench->truths, i);
		TruthSpec *to = g_new0(TruthSpec, 1);
		*to = (TruthSpec){g_strdup(from->name), g_strdup(from->onset), g_strdup(from->end)};
		g_ptr_array_add(spec->truths, to);
	}
	return spec;
}

Recording *criterion_trial_recording(const Pack *pack, const Criterion *criterion, TrialKind kind,
				     JudgeSpec **ret_spec, GError **error)
{
	const Trial *trial = criterion->trials[kind];
	const TrialBench *bench = pack->bench;
	GHashTableIter iter;
	gpointer name, value;
	if (!trial || !bench) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s has no trial `%s`",
			    criterion->full_id, trial_name(kind));
		return NULL;
	}
	Recording *rec = recording_new();
	JudgeSpec *spec = spec_of(bench);
	rec->start_ns = START_NS;
	rec->end_ns = START_NS + bench->length_ns;
	rec->complete = true;
	rec->evidence = criterion->evidence ? EVIDENCE_PHYSICAL : EVIDENCE_VIRTUAL;
	g_hash_table_iter_init(&iter, bench->signals);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const TrialSignal *ts = value;
		const GArray *course = g_hash_table_lookup(trial->paths, name);
		if (!course)
			course = ts->rest;
		if (course) /* else this trial has no such signal */
			add_signal(rec, bench, ts, course);
	}
	add_life(rec, bench, trial->probe, spec);
	*ret_spec = spec;
	return rec;
}

static Pack *pack_of(Pack *const *packs, size_t n_packs, const Criterion *criterion)
{
	for (size_t p = 0; p < n_packs; p++)
		if (g_ptr_array_find(packs[p]->criteria, criterion, NULL))
			return packs[p];
	return NULL;
}

/* The pack's own criteria but for one, which needs nothing of the lab. Borrows everything. */
static Pack adopted_pack(const Pack *pack, const Criterion *criterion, Criterion *adopted)
{
	Pack copy = *pack;
	copy.criteria = g_ptr_array_new();
	*adopted = *criterion;
	adopted->needs = NULL;
	for (guint i = 0; i < pack->criteria->len; i++) {
		gpointer c = g_ptr_array_index(pack->criteria, i);
		g_ptr_array_add(copy.criteria, c == criterion ? (gpointer)adopted : c);
	}
	return copy;
}

static CriterionResult *take_result(RunRecord *record, const char *id)
{
	for (guint i = 0; i < record->criteria->len; i++) {
		const CriterionResult *r = g_ptr_array_index(record->criteria, i);
		if (!strcmp(r->id, id))
			return g_ptr_array_steal_index(record->criteria, i);
	}
	return NULL;
}

CriterionResult *criterion_try(Pack *const *packs, size_t n_packs, const Criterion *criterion,
			       TrialKind kind, bool as_adopted, GError **error)
{
	const char *const ids[] = {criterion->full_id, NULL};
	Pack *home = pack_of(packs, n_packs, criterion);
	g_autoptr(JudgeSpec) spec = NULL;
	g_autoptr(Recording) rec = NULL;
	if (home)
		rec = criterion_trial_recording(home, criterion, kind, &spec, error);
	if (!rec)
		return NULL;
	Criterion adopted;
	Pack copy = as_adopted ? adopted_pack(home, criterion, &adopted) : *home;
	g_autofree Pack **all = g_memdup2(packs, n_packs * sizeof(*packs));
	for (size_t i = 0; i < n_packs; i++)
		if (all[i] == home)
			all[i] = &copy;
	g_autoptr(RunRecord) record = criterion_judge(rec, all, n_packs, ids, spec, error);
	if (as_adopted)
		g_ptr_array_unref(copy.criteria);
	return record ? take_result(record, criterion->full_id) : NULL;
}
