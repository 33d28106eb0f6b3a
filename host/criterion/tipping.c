/* Tipping points: the smallest error of the bench with which a verdict would have been another one. Found by judging the
 * recording again with that error in it, never from the margin alone: the margin only says where to look first. What the
 * error does to the stimulus checks is the same for all criteria, and so it is looked for once a sensor. */
#include "judge.h"

/* Found to within this share of itself. */
#define PRECISION 0.02
/* A guess counts when the verdict stands just below it and falls just above it. */
#define GUESS 0.002
/* Samples where the criterion looks, times the number of criteria of the run: up to the first a search is made (some dozen
 * judgements), up to the second only the guess is tried (a few), beyond it nothing is said. So a run of minutes with many
 * criteria is scored as fast as ever. */
#define SEARCH_WORK 400000
#define GUESS_WORK 4000000
#define GROWTH 3.0
#define MOST_U 100.0 /* a calibration is looked at up to so many of its standard uncertainties */

typedef enum { ERR_CLOCK, ERR_CALIBRATION, ERR_LABEL } ErrorKind;

typedef struct Search {
	Judge *judge; /* of the recording as it is; its troubles stay */
	const Recording *recording;
	GHashTable
		*stimulus; /* signal → double[2]: bias up, down with which a stimulus check falls */
	const Criterion *c; /* NULL: the stimulus checks */
	GPtrArray *names;
	const CriterionResult *result;
	ErrorKind kind;
	const char *signal;
	double first, most; /* where to begin, where to stop */
	bool guess_only;
} Search;

static const char *kind_name(ErrorKind kind)
{
	switch (kind) {
	case ERR_CLOCK:
		return "clock";
	case ERR_CALIBRATION:
		return "calibration";
	case ERR_LABEL:
		return "label";
	}
	return "?";
}

static Varied *err(const Search *s, double amount)
{
	Variation v = {.names = s->names, .start_ns = s->recording->start_ns};
	switch (s->kind) {
	case ERR_CLOCK:
		v.answer_shift_ns = (int64_t)llround(amount * 1e9);
		break;
	case ERR_LABEL:
		v.label_shift_ns = (int64_t)llround(amount * 1e9);
		break;
	case ERR_CALIBRATION:
		v.biased = s->signal;
		v.bias = amount;
		break;
	}
	return judge_vary(s->recording, &v);
}

static Verdict verdict_at(const Search *s, double amount)
{
	g_autoptr(Varied) varied = err(s, amount);
	g_auto(Judge) judge = {0};
	judge_fork(&judge, s->judge, &varied->recording);
	return judge_verdict(&judge, s->c, NULL);
}

static bool stimulus_holds(const Search *s, double amount)
{
	g_autoptr(Varied) varied = err(s, amount);
	g_auto(Judge) judge = {0};
	judge_fork(&judge, s->judge, &varied->recording);
	return judge_stimulus_holds(&judge, s->signal);
}

static bool falls(const Search *s, double amount)
{
	return s->c ? verdict_at(s, amount) != s->result->verdict : !stimulus_holds(s, amount);
}

static double bisect(const Search *s, double side, double stands, double fallen)
{
	while (fallen - stands > PRECISION * fallen) {
		double middle = stands + (fallen - stands) / 2;
		if (falls(s, side * middle))
			fallen = middle;
		else
			stands = middle;
	}
	return fallen;
}

/* The first amount on one side with which the verdict falls; NaN: none up to `most`. */
static double look(const Search *s, double side, double first, double most)
{
	double stands = 0;
	for (double x = MIN(first, most);; x = MIN(x * GROWTH, most)) {
		if (falls(s, side * x))
			return bisect(s, side, stands, x);
		if (x >= most)
			return (double)NAN;
		stands = x;
	}
}

/* What is left of the margin beyond its guard band. */
static double spare(const CriterionResult *r)
{
	double guard = r->verdict == VERDICT_PASS ? r->guard_accept : r->guard_reject;
	return fabs(r->margin) - guard;
}

static double guess(const Search *s)
{
	const CriterionResult *r = s->result;
	const Signal *signal = s->signal ? recording_signal(s->recording, s->signal) : NULL;
	const Unit *unit = signal ? &signal->info.unit : &unit_second;
	if (!isfinite(spare(r)) || !unit_compatible(&r->unit, unit))
		return (double)NAN;
	double x = unit_convert_difference(spare(r), &r->unit, unit);
	return x > 0 ? x : (double)NAN;
}

static bool proven(const Search *s, double amount)
{
	return !falls(s, amount * (1 - GUESS)) && falls(s, amount * (1 + GUESS));
}

/* Signed; NaN: none. */
static double smallest(const Search *s)
{
	double x = guess(s), found = (double)NAN;
	for (double side = 1; isfinite(x) && side >= -1 && isnan(found); side -= 2)
		if (proven(s, side * x))
			found = side * x;
	if (s->guess_only)
		return found;
	if (!isnan(found)) { /* is there a smaller one on the other side? */
		double other = found > 0 ? -1 : 1,
		       less = look(s, other, fabs(found) / (GROWTH * GROWTH), fabs(found));
		return isnan(less) ? found : other * less;
	}
	double up = look(s, 1, s->first, s->most),
	       down = look(s, -1, s->first, isnan(up) ? s->most : up);
	return isnan(down) ? up : -down;
}

static bool any_origin(const Search *s, SignalOrigin a, SignalOrigin b)
{
	for (guint i = 0; i < s->names->len; i++) {
		const Signal *signal =
			recording_signal(s->recording, g_ptr_array_index(s->names, i));
		if (signal && (signal->info.origin == a || signal->info.origin == b))
			return true;
	}
	return false;
}

/* The biases with which the first stimulus check falls; NaN: none up to `most`. Owned by the table. */
static const double *stimulus_falls(const Search *of)
{
	double *found = g_hash_table_lookup(of->stimulus, of->signal);
	if (found)
		return found;
	Search s = *of;
	found = g_new(double, 2);
	s.c = NULL;
	if (s.guess_only || !judge_stimulus_holds(s.judge, s.signal)) {
		found[0] = found[1] =
			(double)NAN; /* not as scripted without any error: nothing to tip */
	} else {
		found[0] = look(&s, 1, s.first, s.most);
		found[1] = look(&s, -1, s.first, s.most);
	}
	g_hash_table_insert(of->stimulus, g_strdup(of->signal), found);
	return found;
}

/* A stimulus that is no longer seen to be as scripted makes the run INVALID. */
static void or_stimulus(Tipping *t, const Search *s)
{
	const double *falls_at = stimulus_falls(s);
	for (int i = 0; i < 2; i++)
		if (falls_at[i] < (isnan(t->amount) ? (double)INFINITY : fabs(t->amount))) {
			t->amount = i == 0 ? falls_at[i] : -falls_at[i];
			t->becomes = VERDICT_INVALID;
		}
}

static void add_tipping(CriterionResult *r, const Search *s, const Unit *unit, double u)
{
	g_autoptr(Tipping) t = tipping_new(kind_name(s->kind), s->signal, unit);
	t->amount = smallest(s);
	if (!isnan(t->amount))
		t->becomes = verdict_at(s, t->amount * (1 + GUESS));
	if (s->kind == ERR_CALIBRATION)
		or_stimulus(t, s);
	if (isnan(t->amount) && s->guess_only)
		return; /* not looked for, so nothing is said */
	t->searched = isnan(t->amount) ? s->most : fabs(t->amount);
	if (u > 0 && isfinite(u))
		t->in_u = fabs(t->amount) / u;
	g_ptr_array_add(r->tippings, g_steal_pointer(&t));
}

static void search_times(CriterionResult *r, Search *s)
{
	double length = (double)(s->recording->end_ns - s->recording->start_ns) / 1e9;
	s->first = 0.001;
	s->most = length;
	s->signal = NULL;
	s->kind = ERR_CLOCK;
	if (any_origin(s, ORIGIN_RESPONSE, ORIGIN_CLAIM))
		add_tipping(r, s, &unit_second, judge_clock(s->judge, s->names));
	s->kind = ERR_LABEL;
	if (any_origin(s, ORIGIN_LABEL, ORIGIN_LABEL))
		add_tipping(r, s, &unit_second, (double)NAN);
}

static void search_calibrations(CriterionResult *r, Search *s)
{
	s->kind = ERR_CALIBRATION;
	for (guint i = 0; i < s->names->len; i++) {
		const Signal *signal =
			recording_signal(s->recording, g_ptr_array_index(s->names, i));
		if (!signal || view_kind(&signal->info) != VIEW_MEASURED ||
		    !(signal->info.u_common > 0) || !isfinite(signal->info.u_common))
			continue;
		s->signal = signal->info.name;
		s->first = signal->info.u_common;
		s->most = signal->info.u_common * MOST_U;
		add_tipping(r, s, &signal->info.unit, signal->info.u_common);
	}
}

/* Of the claim that this run is one of: how many of its runs may be INVALID and be counted as failures? */
static void add_invalid_runs(CriterionResult *r, const Criterion *c)
{
	bool any = false;
	if (c->claim_n <= 0)
		return;
	unsigned most =
		metrology_permitted((unsigned)c->claim_n, c->claim_rate, c->claim_confidence, &any);
	if (!any)
		return;
	Tipping *t = tipping_new("invalid-runs", NULL, &unit_one);
	t->amount = t->searched = MIN(most, (unsigned)MAX(c->claim_permitted, 0)) + 1.0;
	t->becomes =
		metrology_proportion_upper((unsigned)(c->claim_n - t->amount), (unsigned)c->claim_n,
					   c->claim_confidence) < c->claim_rate
			? VERDICT_FAIL
			: VERDICT_INCONCLUSIVE;
	g_ptr_array_add(r->tippings, t);
}

static size_t samples_named(const Recording *rec, const GPtrArray *names)
{
	size_t n = 0;
	for (guint i = 0; i < names->len; i++) {
		const Signal *s = recording_signal(rec, g_ptr_array_index(names, i));
		n += s ? s->n : 0;
	}
	return n;
}

static void tip_one(Judge *judge, GHashTable *stimulus, size_t n_criteria, const Criterion *c,
		    CriterionResult *r)
{
	g_ptr_array_set_size(r->tippings, 0);
	if (r->verdict != VERDICT_PASS && r->verdict != VERDICT_FAIL)
		return;
	g_autoptr(GPtrArray) names =
		judge_names(judge, (const char *const[]){c->formula, c->measure, c->premise}, 3);
	Search s = {.judge = judge,
		    .recording = judge->recording,
		    .stimulus = stimulus,
		    .c = c,
		    .names = names,
		    .result = r};
	size_t work = samples_named(judge->recording, names) * n_criteria;
	add_invalid_runs(r, c);
	if (work > GUESS_WORK)
		return;
	/* A verdict that another level decided is not this search's to explain. */
	if (judge_verdict(judge, c, NULL) != r->verdict)
		return;
	s.guess_only = work > SEARCH_WORK;
	search_times(r, &s);
	search_calibrations(r, &s);
}

void criterion_tipping(const Recording *recording, Pack *const *packs, size_t n_packs,
		       const JudgeSpec *spec, RunRecord *record)
{
	g_auto(Judge) judge = {0};
	g_autoptr(GHashTable) stimulus =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	judge_init(&judge, recording, spec);
	for (guint i = 0; i < record->criteria->len; i++) {
		CriterionResult *r = g_ptr_array_index(record->criteria, i);
		const Criterion *c = criterion_find(packs, n_packs, r->id);
		if (c)
			tip_one(&judge, stimulus, record->criteria->len, c, r);
	}
}
