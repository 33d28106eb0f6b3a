/* A signal with everything taken out that is not a measurement: missing, NaN, saturated, out of the calibrated range, faster
 * than declared, or under a fault of the bench. */
#include "judge.h"

/* Two neighbouring readings of a quantity at its slew limit differ by noise too; five standard deviations each way leave
 * a good sensor alone (3e-7 a sample). */
#define SLEW_NOISE_SIGMAS 10.0

ViewKind view_kind(const SignalInfo *info)
{
	switch (info->origin) {
	case ORIGIN_RESPONSE:
	case ORIGIN_CLAIM:
		return VIEW_STAMPED;
	case ORIGIN_LABEL:
	case ORIGIN_DERIVED:
		return info->boolean ? VIEW_STAMPED : VIEW_MEASURED;
	case ORIGIN_STIMULUS:
	case ORIGIN_COMMAND:
	case ORIGIN_HEALTH:
		break;
	}
	return info->boolean ? VIEW_SAMPLED : VIEW_MEASURED;
}

bool signal_is_outcome(const SignalInfo *info)
{
	return info->origin == ORIGIN_RESPONSE || info->origin == ORIGIN_CLAIM ||
	       info->affected_by_product;
}

void view_free(View *view)
{
	if (!view)
		return;
	g_array_unref(view->knots);
	g_ptr_array_unref(view->troubles);
	g_free(view);
}

static const char *undeclared(const SignalInfo *info, ViewKind kind)
{
	if (!(info->u_clock_s >= 0))
		return "clock uncertainty";
	if (kind == VIEW_STAMPED)
		return NULL;
	if (info->max_gap_ns <= 0)
		return "max_gap";
	if (kind == VIEW_SAMPLED)
		return NULL;
	if (!(info->bandwidth_hz > 0))
		return "bandwidth";
	if (!(info->max_slew > 0) || isinf(info->max_slew))
		return "max_slew";
	if (!(info->u_common >= 0) || !(info->dof_common > 0))
		return "calibration uncertainty with its degrees of freedom";
	return info->u_sample >= 0 ? NULL : "noise of a sample";
}

static void add_own(Judge *judge, View *view, int64_t from_ns, int64_t until_ns, char *en, char *ja)
{
	const SignalInfo *info = &view->signal->info;
	int64_t from = MAX(from_ns, judge->recording->start_ns);
	if (until_ns < judge->recording->start_ns || from > judge->recording->end_ns) {
		g_free(en);
		g_free(ja);
		return;
	}
	g_ptr_array_add(view->troubles,
			trouble_new(from, until_ns, info->name, !signal_is_outcome(info), en, ja));
}

/* The whole signal proves nothing. */
static bool whole_signal_unusable(Judge *judge, View *view)
{
	const SignalInfo *info = &view->signal->info;
	const char *missing = undeclared(info, view->kind);
	g_autofree char *ja =
		info->certificate_fault ? fault_cause_in("ja", info->certificate_fault) : NULL;
	/* Its channel says in the same place that the signal was withheld; that is no matter of calibration. */
	bool withheld = ja && g_str_has_prefix(info->certificate_fault, "withheld by redaction");
	if (info->certificate_fault)
		add_own(judge, view, INT64_MIN, CLOCK_NEVER,
			g_strdup_printf("%s: %s", info->name, info->certificate_fault),
			g_strdup_printf(withheld ? "%s: %s" : "%s の校正が使えません: %s",
					info->name, ja));
	else if (missing)
		add_own(judge, view, INT64_MIN, CLOCK_NEVER,
			g_strdup_printf("%s does not declare its %s", info->name, missing),
			g_strdup_printf("%s の仕様が未宣言です (%s)", info->name, missing));
	return info->certificate_fault || missing;
}

static bool trouble_hides(const Trouble *trouble, const SignalInfo *info, int64_t *ret_until_ns)
{
	if (trouble->responses && signal_is_outcome(info)) {
		*ret_until_ns = CLOCK_NEVER;
		return true;
	}
	*ret_until_ns = trouble->until_ns;
	return trouble->all || trouble_is_of(trouble, info->name);
}

/* Does a trouble of the bench reach into [from, to]? */
static bool hidden(const Judge *judge, const SignalInfo *info, int64_t from_ns, int64_t to_ns)
{
	for (guint i = 0; i < judge->troubles->len; i++) {
		const Trouble *t = g_ptr_array_index(judge->troubles, i);
		int64_t until;
		if (trouble_hides(t, info, &until) && t->from_ns <= to_ns && until >= from_ns)
			return true;
	}
	return false;
}

/* ---- sampled and measured signals ------------------------------------------------------------------- */

static const char *unusable(const Signal *signal, size_t i)
{
	const SignalInfo *info = &signal->info;
	switch ((SampleStatus)signal->status[i]) {
	case SAMPLE_MISSING:
		return "has no measurement";
	case SAMPLE_SATURATED:
		return "is saturated";
	case SAMPLE_STALE:
		return "was not measured again";
	case SAMPLE_OK:
		break;
	}
	if (isnan(signal->v[i]))
		return "has no measurement";
	if (signal->v[i] < info->range_lo || signal->v[i] > info->range_hi)
		return "is outside its calibrated range";
	return NULL;
}

static const char *in_japanese(const char *reason)
{
	static const char *const table[][2] = {
		{"has no measurement", "測定値がありません"},
		{"is saturated", "飽和しています"},
		{"was not measured again", "更新されていません"},
		{"is outside its calibrated range", "校正範囲外です"},
		{"has a gap longer than its max_gap", "許容より長い欠測があります"},
		{"moved faster than its max_slew", "宣言された最大変化率を超えて変化しました"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (!strcmp(table[i][0], reason))
			return table[i][1];
	return reason;
}

static void add_gap(Judge *judge, View *view, int64_t from_ns, int64_t until_ns, const char *reason)
{
	const char *name = view->signal->info.name;
	double from = judge_seconds(judge, MAX(from_ns, judge->recording->start_ns));
	add_own(judge, view, from_ns, until_ns,
		g_strdup_printf("%s %s from %.3f s", name, reason, from),
		g_strdup_printf("%s は %.3f s から%s", name, from, in_japanese(reason)));
}

typedef struct Walk {
	Judge *judge;
	View *view;
	bool have;          /* a knot came before */
	Knot last;          /* it */
	const char *reason; /* why something was skipped since */
	bool breaks;        /* and that what was skipped ends what is known */
	bool masked;        /* skipped under a trouble of the bench */
} Walk;

static bool too_fast(const Walk *w, int64_t t_ns, double v)
{
	const SignalInfo *info = &w->view->signal->info;
	double dt = (double)(t_ns - w->last.t_ns) / 1e9;
	return w->view->kind == VIEW_MEASURED &&
	       fabs(v - w->last.v) > info->max_slew * dt + SLEW_NOISE_SIGMAS * info->u_sample;
}

static void walk_knot(Walk *w, int64_t t_ns, double v)
{
	const SignalInfo *info = &w->view->signal->info;
	Knot knot = {t_ns, v, false};
	const char *reason = NULL;
	if (w->have && !w->masked && !hidden(w->judge, info, w->last.t_ns, t_ns)) {
		if (w->breaks)
			reason = w->reason;
		else if (t_ns - w->last.t_ns > info->max_gap_ns)
			reason = w->reason ? w->reason : "has a gap longer than its max_gap";
		else if (too_fast(w, t_ns, v))
			reason = "moved faster than its max_slew";
		knot.joined = !reason;
	}
	if (reason)
		add_gap(w->judge, w->view, w->last.t_ns, t_ns, reason);
	if (!w->have && t_ns - w->judge->recording->start_ns > info->max_gap_ns && !w->masked)
		add_gap(w->judge, w->view, w->judge->recording->start_ns, t_ns,
			w->reason ? w->reason : "has a gap longer than its max_gap");
	g_array_append_val(w->view->knots, knot);
	w->last = knot;
	w->have = true;
	w->reason = NULL;
	w->breaks = w->masked = false;
}

static void walk_end(Walk *w)
{
	const Recording *rec = w->judge->recording;
	const SignalInfo *info = &w->view->signal->info;
	int64_t last = w->have ? w->last.t_ns : rec->start_ns;
	bool quiet = w->masked || hidden(w->judge, info, last, rec->end_ns);
	if (!w->have)
		add_gap(w->judge, w->view, rec->start_ns, CLOCK_NEVER,
			w->reason ? w->reason : "has no measurement");
	else if (last < rec->end_ns && !quiet &&
		 (w->breaks || rec->end_ns - last > info->max_gap_ns))
		add_gap(w->judge, w->view, last, CLOCK_NEVER,
			w->reason ? w->reason : "has a gap longer than its max_gap");
}

static void find_knots(Judge *judge, View *view)
{
	const Signal *s = view->signal;
	const Recording *rec = judge->recording;
	Walk w = {.judge = judge, .view = view};
	for (size_t i = 0; i < s->n; i++) {
		if (s->t_ns[i] < rec->start_ns - s->info.max_gap_ns ||
		    s->t_ns[i] > rec->end_ns + s->info.max_gap_ns)
			continue;
		if (hidden(judge, &s->info, s->t_ns[i], s->t_ns[i])) {
			w.masked = true;
			continue;
		}
		const char *reason = unusable(s, i);
		if (!reason) {
			walk_knot(&w, s->t_ns[i], s->v[i]);
			continue;
		}
		if (!w.reason)
			w.reason = reason;
		/* A repeated value says nothing, but it does not end what the next real one completes in time. */
		w.breaks |= s->status[i] != SAMPLE_STALE;
	}
	walk_end(&w);
}

/* ---- stamped signals --------------------------------------------------------------------------------- */

static int by_time(gconstpointer a, gconstpointer b)
{
	const Knot *x = a, *y = b;
	/* At one time the unknown comes last: it is what holds from then on. */
	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return isnan(x->v) - isnan(y->v);
}

static void find_stamps(Judge *judge, View *view)
{
	const Signal *s = view->signal;
	for (size_t i = 0; i < s->n; i++) {
		bool good = s->status[i] == SAMPLE_OK && !isnan(s->v[i]);
		Knot knot = {s->t_ns[i], good ? s->v[i] : (double)NAN, true};
		if (!good && !hidden(judge, &s->info, s->t_ns[i], s->t_ns[i]))
			add_gap(judge, view, s->t_ns[i],
				i + 1 < s->n ? s->t_ns[i + 1] : CLOCK_NEVER, "has no measurement");
		if (!hidden(judge, &s->info, s->t_ns[i], s->t_ns[i]))
			g_array_append_val(view->knots, knot);
	}
	if (s->n == 0 || s->t_ns[0] > judge->recording->start_ns)
		add_gap(judge, view, judge->recording->start_ns, s->n ? s->t_ns[0] : CLOCK_NEVER,
			"has no measurement");
	for (guint i = 0; i < judge->troubles->len; i++) {
		const Trouble *t = g_ptr_array_index(judge->troubles, i);
		int64_t until;
		Knot unknown = {t->from_ns, NAN, true};
		if (trouble_hides(t, &s->info, &until))
			g_array_append_val(view->knots, unknown);
	}
	g_array_sort(view->knots, by_time);
}

const Signal *judge_signal(const Judge *judge, const char *name)
{
	const Signal *signal = recording_signal(judge->recording, name);
	if (!signal)
		signal = g_hash_table_lookup(judge->derived, name);
	return signal || !judge->base ? signal : judge_signal(judge->base, name);
}

View *judge_view(Judge *judge, const char *name)
{
	View *view = g_hash_table_lookup(judge->views, name);
	const Signal *signal = view ? NULL : judge_signal(judge, name);
	if (!signal)
		return view;
	if (judge->base && signal == judge_signal(judge->base, name))
		return judge_view(judge->base, name);
	view = g_new0(View, 1);
	view->signal = signal;
	view->kind = view_kind(&signal->info);
	view->knots = g_array_new(FALSE, FALSE, sizeof(Knot));
	view->troubles = g_ptr_array_new_with_free_func((GDestroyNotify)trouble_free);
	if (!whole_signal_unusable(judge, view)) {
		if (view->kind == VIEW_STAMPED)
			find_stamps(judge, view);
		else
			find_knots(judge, view);
	}
	g_hash_table_insert(judge->views, g_strdup(name), view);
	return view;
}
