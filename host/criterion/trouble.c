/* What the bench cannot vouch for: its recorded faults, old inputs, a starved or unfed product. */
#include "judge.h"

/* Without a heartbeat of its own the product must take something at least this often. */
#define STALL_NS (2 * CLOCK_S)
/* It is told about once a second how long the product waited for a CPU; who is not told for longer knows nothing of it. */
#define WAIT_GAP_NS (5 * CLOCK_S)

void text_clear(Text *text)
{
	g_clear_pointer(&text->en, g_free);
	g_clear_pointer(&text->ja, g_free);
}

Text text_copy(const Text *text)
{
	return (Text){g_strdup(text->en), g_strdup(text->ja)};
}

Trouble *trouble_new(int64_t from_ns, int64_t until_ns, const char *signal, bool proven, char *en,
		     char *ja)
{
	Trouble *t = g_new0(Trouble, 1);
	*t = (Trouble){.from_ns = from_ns,
		       .until_ns = until_ns,
		       .signal = g_strdup(signal),
		       .proven = proven,
		       .what = {en, ja}};
	return t;
}

void trouble_free(Trouble *trouble)
{
	if (!trouble)
		return;
	g_free(trouble->signal);
	text_clear(&trouble->what);
	g_free(trouble);
}

double judge_seconds(const Judge *judge, int64_t t_ns)
{
	return (double)(t_ns - judge->recording->start_ns) / 1e9;
}

static gint earlier(gconstpointer a, gconstpointer b)
{
	const Trouble *const *x = a, *const *y = b;
	return ((*x)->from_ns > (*y)->from_ns) - ((*x)->from_ns < (*y)->from_ns);
}

void judge_add_trouble(Judge *judge, Trouble *trouble)
{
	if (trouble->until_ns < judge->recording->start_ns ||
	    trouble->from_ns > judge->recording->end_ns) {
		trouble_free(trouble);
		return;
	}
	g_ptr_array_add(judge->troubles, trouble);
	g_ptr_array_sort(judge->troubles, earlier);
	/* They left out only the troubles known before. */
	g_hash_table_remove_all(judge->truths);
	g_hash_table_remove_all(judge->series);
	g_hash_table_remove_all(judge->views);
	judge->n_samples = 0;
}

void judge_add_product_fault(Judge *judge, int64_t t_ns, char *en, char *ja)
{
	ProductFault fault = {t_ns, {en, ja}};
	guint at = 0;
	while (at < judge->product->len &&
	       g_array_index(judge->product, ProductFault, at).t_ns <= t_ns)
		at++;
	g_array_insert_val(judge->product, at, fault);
}

bool trouble_is_of(const Trouble *trouble, const char *name)
{
	size_t n = trouble->signal ? strlen(trouble->signal) : 0;
	return n > 0 && !strncmp(trouble->signal, name, n) &&
	       (!name[n] || !strcmp(name + n, ".age"));
}

static bool touches(const Trouble *trouble, const SignalInfo *info)
{
	return trouble->all || trouble_is_of(trouble, info->name) ||
	       (trouble->responses && signal_is_outcome(info));
}

static const Trouble *earlier_of(const Trouble *first, const Trouble *other)
{
	return !first || other->from_ns < first->from_ns ? other : first;
}

static const Trouble *first_trouble(Judge *judge, GPtrArray *names, bool broken_only)
{
	const Trouble *first = NULL;
	for (guint n = 0; n < names->len; n++) {
		const View *view = judge_view(judge, g_ptr_array_index(names, n));
		for (guint i = 0; view && i < view->troubles->len; i++)
			first = earlier_of(first, g_ptr_array_index(view->troubles, i));
		for (guint i = 0; view && i < judge->troubles->len; i++) {
			const Trouble *t = g_ptr_array_index(judge->troubles, i);
			if (touches(t, &view->signal->info) && !(broken_only && t->withheld))
				first = earlier_of(first, t);
		}
	}
	return first;
}

const Trouble *judge_first_trouble(Judge *judge, GPtrArray *names)
{
	return first_trouble(judge, names, false);
}

const Trouble *judge_first_broken(Judge *judge, GPtrArray *names)
{
	return first_trouble(judge, names, true);
}

const Trouble *judge_first_doubt(const Judge *judge)
{
	const Trouble *first = NULL;
	for (guint i = 0; i < judge->troubles->len; i++) {
		const Trouble *t = g_ptr_array_index(judge->troubles, i);
		if (t->responses)
			first = earlier_of(first, t);
	}
	return first;
}

/* ---- recorded faults ---- */

static bool is_open_loop(const Fault *fault)
{
	return !g_strcmp0(fault->source, FAULT_SOURCE_OPEN_LOOP);
}

static void take_fault(Judge *judge, const Fault *fault)
{
	const char *cause = fault->cause ? fault->cause : "unnamed fault", *source = fault->source;
	const Signal *signal =
		fault->signal ? recording_signal(judge->recording, fault->signal) : NULL;
	double at = judge_seconds(judge, fault->t_ns);
	bool named = source && !strstr(cause, source);
	g_autofree char *full =
		g_strdup_printf("%s%s%s", named ? source : "", named ? ": " : "", cause);
	g_autofree char *ja = fault_cause_in("ja", full);

	if (fault->blame == BLAME_PRODUCT) {
		if (fault->t_ns <= judge->recording->end_ns)
			judge_add_product_fault(judge, fault->t_ns,
						g_strdup_printf("%s (at %.2f s)", full, at),
						g_strdup_printf("%s (%.2f s)", ja, at));
		return;
	}
	Trouble *t = trouble_new(fault->t_ns, fault->until_ns, signal ? fault->signal : NULL,
				 fault->proven && fault->blame == BLAME_BENCH,
				 g_strdup_printf("%s (at %.2f s)", full, at),
				 g_strdup_printf("%s (%.2f s)", ja, at));
	/* A camera is no recorded signal: it is what the product was given, so the product's doing is in doubt. Where a
	 * signal was withheld it was recorded, and nothing else is in doubt, unless it tells of the product's own state. */
	t->all = !fault->signal;
	t->withheld = signal && !g_strcmp0(source, FAULT_SOURCE_REDACTION) &&
		      signal->info.origin != ORIGIN_HEALTH;
	t->responses = !t->withheld && !(fault->signal && is_open_loop(fault));
	judge_add_trouble(judge, t);
}

/* Was what the signal said between the two taken out of the recording? Then that is the trouble. */
static bool withheld(const Recording *rec, const char *name, int64_t from_ns, int64_t until_ns)
{
	for (guint i = 0; i < rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(rec->faults, i);
		if (!g_strcmp0(f->source, FAULT_SOURCE_REDACTION) && !g_strcmp0(f->signal, name) &&
		    f->t_ns <= until_ns && f->until_ns >= from_ns)
			return true;
	}
	return false;
}

/* ---- the bench's observation of itself ---- */

static Trouble *outcome_trouble(int64_t from_ns, bool proven, char *en, char *ja)
{
	Trouble *t = trouble_new(from_ns, CLOCK_NEVER, NULL, proven, en, ja);
	t->responses = true;
	return t;
}

static void not_recorded(Judge *judge, const char *en, const char *ja)
{
	judge_add_trouble(judge, outcome_trouble(judge->recording->start_ns, true,
						 g_strdup_printf("%s was not recorded", en),
						 g_strdup_printf("%sが記録されていません", ja)));
}

static void check_age(Judge *judge)
{
	const JudgeSpec *spec = judge->spec;
	const Recording *rec = judge->recording;
	const Signal *age = spec->age ? recording_signal(rec, spec->age) : NULL;
	bool any = false;
	if (spec->max_age_ns <= 0)
		return;
	for (size_t i = 0; age && i < age->n; i++) {
		if (age->t_ns[i] < rec->start_ns || age->t_ns[i] > rec->end_ns)
			continue;
		any = true;
		if (age->status[i] == SAMPLE_MISSING &&
		    withheld(rec, spec->age, age->t_ns[i], age->t_ns[i]))
			continue;
		if (age->status[i] == SAMPLE_OK && age->v[i] * 1e9 <= (double)spec->max_age_ns)
			continue;
		double at = judge_seconds(judge, age->t_ns[i]), ms = age->v[i] * 1e3,
		       max = (double)spec->max_age_ns / 1e6;
		judge_add_trouble(
			judge,
			outcome_trouble(
				age->t_ns[i], true,
				g_strdup_printf(
					"the product's input was %.0f ms old at %.2f s, more "
					"than the permitted %.0f ms",
					ms, at, max),
				g_strdup_printf(
					"%.2f s で製品への入力が %.0f ms 古く、許容 %.0f ms を"
					"超えました",
					at, ms, max)));
		return;
	}
	if (!any)
		not_recorded(judge, "the age of the product's input", "製品への入力の経過時間");
}

static void not_told(Judge *judge, int64_t from_ns)
{
	double at = judge_seconds(judge, from_ns);
	judge_add_trouble(
		judge,
		outcome_trouble(
			from_ns, true,
			g_strdup_printf(
				"the product's wait for a CPU was not recorded after %.2f s", at),
			g_strdup_printf("製品の CPU 待ち時間が %.2f s 以降記録されていません",
					at)));
}

static void starved(Judge *judge, int64_t from_ns, int64_t t_ns, double share)
{
	double at = judge_seconds(judge, t_ns), is = 100 * share,
	       max = 100 * judge->spec->max_cpu_wait;
	judge_add_trouble(
		judge,
		outcome_trouble(
			from_ns, true,
			g_strdup_printf("the product waited %.0f %% of the time for a CPU "
					"before %.2f s, more than the permitted %.0f %%",
					is, at, max),
			g_strdup_printf("%.2f s までに製品の CPU 待ちが %.0f %% となり、許容 "
					"%.0f %% を超えました",
					at, is, max)));
}

/* A sample is about the time since the one before it, so that is where the trouble may have begun. */
static void check_cpu(Judge *judge)
{
	const JudgeSpec *spec = judge->spec;
	const Recording *rec = judge->recording;
	const Signal *wait = spec->cpu_wait ? recording_signal(rec, spec->cpu_wait) : NULL;
	int64_t told = rec->start_ns; /* all before is known */
	bool any = false;
	if (!(spec->max_cpu_wait > 0))
		return;
	for (size_t i = 0; wait && i < wait->n && told < rec->end_ns; i++) {
		int64_t t = wait->t_ns[i];
		bool known = wait->status[i] == SAMPLE_OK;
		if (t < rec->start_ns || (!any && t > rec->end_ns))
			continue;
		any = true;
		if ((known && t - told > WAIT_GAP_NS) ||
		    (!known && !withheld(rec, spec->cpu_wait, t, t))) {
			not_told(judge, told);
			return;
		}
		if (known && wait->v[i] > spec->max_cpu_wait) {
			starved(judge, told, t, wait->v[i]);
			return;
		}
		told = t;
	}
	if (!any)
		not_recorded(judge, "the product's wait for a CPU", "製品の CPU 待ち時間");
	else if (rec->end_ns - told > WAIT_GAP_NS)
		not_told(judge, told);
}

/* ---- heartbeat and consumption ---- */

static int64_t stall_limit(const JudgeSpec *spec)
{
	return MAX(STALL_NS, 2 * spec->heartbeat_ns);
}

/* The first time from which a Boolean does not rise for longer than limit_ns; CLOCK_NEVER when it keeps rising. */
static int64_t silent_from(const Recording *rec, const Signal *beat, int64_t limit_ns)
{
	int64_t last = rec->start_ns;
	bool high = true; /* the first sample has no rise */
	for (size_t i = 0; beat && i < beat->n; i++) {
		bool on = beat->status[i] == SAMPLE_OK && beat->v[i] != 0;
		bool rise = on && !high;
		high = on;
		if (!rise || beat->t_ns[i] < rec->start_ns)
			continue;
		if (beat->t_ns[i] > rec->end_ns)
			break;
		if (beat->t_ns[i] - last > limit_ns)
			return last;
		last = beat->t_ns[i];
	}
	return rec->end_ns - last > limit_ns ? last : CLOCK_NEVER;
}

/* Same for a count that must grow. */
static int64_t stalled_from(const Recording *rec, const Signal *count, int64_t limit_ns)
{
	int64_t last = rec->start_ns;
	double value = (double)NAN;
	for (size_t i = 0; i < count->n; i++) {
		if (count->status[i] != SAMPLE_OK || count->t_ns[i] > rec->end_ns)
			continue;
		bool grown = count->v[i] > value;
		value = count->v[i];
		if (!grown || count->t_ns[i] < rec->start_ns)
			continue;
		if (count->t_ns[i] - last > limit_ns)
			return last;
		last = count->t_ns[i];
	}
	return rec->end_ns - last > limit_ns ? last : CLOCK_NEVER;
}

static void product_fell_silent(Judge *judge, int64_t from_ns, int64_t limit_ns)
{
	double at = judge_seconds(judge, from_ns), limit = (double)limit_ns / 1e9;
	/* It is late only when the second beat is: what was answered until then was answered by a living product. */
	judge_add_product_fault(
		judge, MIN(from_ns + limit_ns, judge->recording->end_ns),
		g_strdup_printf("the product gave no heartbeat for more than %.1f s after %.2f s",
				limit, at),
		g_strdup_printf("製品の心拍が %.2f s 以降 %.1f s を超えて途絶えました", at, limit));
}

/* A product that beats but takes nothing: nobody can tell whether it refused or was not fed. One that stopped beating
 * as well has hung, and that is its own failure. */
static void check_pulse(Judge *judge)
{
	const JudgeSpec *spec = judge->spec;
	const Recording *rec = judge->recording;
	int64_t silent = CLOCK_NEVER, limit = 2 * spec->heartbeat_ns;
	if (spec->heartbeat && spec->heartbeat_ns > 0) {
		silent = silent_from(rec, recording_signal(rec, spec->heartbeat), limit);
		if (silent != CLOCK_NEVER)
			product_fell_silent(judge, silent, limit);
	}
	if (!spec->consumed)
		return;
	const Signal *count = recording_signal(rec, spec->consumed);
	if (!count) {
		not_recorded(judge, "what the product consumed", "製品が受け取った入力数");
		return;
	}
	int64_t stalled = stalled_from(rec, count, stall_limit(spec));
	if (stalled == CLOCK_NEVER ||
	    withheld(rec, spec->consumed, stalled, stalled + stall_limit(spec)) ||
	    (silent != CLOCK_NEVER && silent <= stalled + stall_limit(spec)))
		return;
	double at = judge_seconds(judge, stalled);
	judge_add_trouble(
		judge,
		outcome_trouble(
			stalled, false,
			g_strdup_printf(
				"the product took no input after %.2f s although it was alive", at),
			g_strdup_printf("製品は動作中なのに %.2f s 以降入力を受け取っていません",
					at)));
}

void judge_find_troubles(Judge *judge)
{
	for (guint i = 0; i < judge->recording->faults->len; i++) {
		const Fault *fault = g_ptr_array_index(judge->recording->faults, i);
		if (!is_open_loop(fault))
			take_fault(judge, fault);
	}
	check_age(judge);
	check_cpu(judge);
	check_pulse(judge);
}

void judge_open_loop(Judge *judge)
{
	for (guint i = 0; i < judge->recording->faults->len; i++) {
		const Fault *fault = g_ptr_array_index(judge->recording->faults, i);
		if (is_open_loop(fault))
			take_fault(judge, fault);
	}
}
