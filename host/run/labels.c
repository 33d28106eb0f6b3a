#include "labels.h"

#include "disturb.h"

#include <anzen/stl.h>
#include <math.h>
#include <string.h>

/* Where a label or a truth changes, this much around it is looked at. */
#define BEFORE_NS (200 * CLOCK_MS)
#define AFTER_NS CLOCK_S
/* Below this correlation with the unperturbed input nobody may say that it still shows what the label says. Our choice. */
#define STILL_SHOWN 0.5
#define MOVED_FS 0.01 /* of full scale */

/* ---- where labels rise ------------------------------------------------------------------------------------------- */

static bool is_label(const SignalInfo *info)
{
	return info->boolean &&
	       (info->origin == ORIGIN_LABEL || g_str_has_prefix(info->name, "truth."));
}

/* Rises of a truth that is computed from signals. A formula that cannot be evaluated here is the judge's to refuse. */
static void add_truth(GArray *moments, const Recording *rec, const char *onset,
		      GHashTable *parameters)
{
	GHashTable *tables[2] = {rec->signals, parameters};
	StlScope scope = stl_scope_from_tables(tables);
	StlInput input = {
		.start_ns = rec->start_ns, .end_ns = rec->end_ns, .signals = rec->signals};
	g_autoptr(StlFormula) formula = onset ? stl_parse(onset, NULL, NULL) : NULL;
	g_autoptr(GArray) edges = formula && stl_check(formula, &scope, NULL, NULL)
					  ? stl_edges(formula, &input, NULL)
					  : NULL;
	for (guint i = 0; edges && i < edges->len; i++)
		g_array_append_val(moments, g_array_index(edges, StlEdge, i).latest_ns);
}

GArray *labels_moments(const Recording *rec, const JudgeSpec *spec)
{
	GHashTableIter iter;
	gpointer value;
	GArray *moments = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Signal *s = value;
		for (size_t i = 1; is_label(&s->info) && i < s->n; i++)
			if (s->v[i] > 0.5 && s->v[i - 1] <= 0.5)
				g_array_append_val(moments, s->t_ns[i]);
	}
	for (guint i = 0; spec && i < spec->truths->len; i++)
		add_truth(moments, rec,
			  ((const TruthSpec *)g_ptr_array_index(spec->truths, i))->onset,
			  spec->parameters);
	return moments;
}

bool labels_near(const GArray *moments, int64_t t_ns)
{
	for (guint i = 0; i < moments->len; i++) {
		int64_t at = g_array_index(moments, int64_t, i);
		if (t_ns >= at - BEFORE_NS && t_ns <= at + AFTER_NS)
			return true;
	}
	return false;
}

/* ---- what was found ------------------------------------------------------------------------------------------------ */

void labels_note(LabelsSeen *seen, double r, double t_s)
{
	if (!isfinite(r))
		return;
	if (seen->compared++ && seen->least <= r)
		return;
	seen->least = r;
	seen->least_s = t_s;
}

void label_pairs_add(LabelPairs *q, double x, double y)
{
	q->least = q->n ? fmin(q->least, x) : x;
	q->most = q->n ? fmax(q->most, x) : x;
	q->n++;
	q->sx += x;
	q->sy += y;
	q->sxx += x * x;
	q->syy += y * y;
	q->sxy += x * y;
}

double label_pairs_correlation(const LabelPairs *q, double span)
{
	double vx = q->sxx - q->sx * q->sx / q->n, vy = q->syy - q->sy * q->sy / q->n;
	if (q->n < 3 || q->most - q->least < MOVED_FS * span || !(vx > 0) || !(vy > 0))
		return (double)NAN;
	return (q->sxy - q->sx * q->sy / q->n) / sqrt(vx * vy);
}

/* A rectangular distribution of half-width D has the standard uncertainty D / sqrt(3) (GUM 4.3.7). */
double label_clock_u(double u_s, int64_t late_ns)
{
	double more = (double)late_ns * 1e-9 / sqrt(3), u = isfinite(u_s) ? u_s : 0;
	return sqrt(u * u + more * more);
}

char *labels_text(const PerturbChain *chain, const LabelsSeen *seen, int64_t late_ns)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < perturb_chain_length(chain); i++) {
		const PerturbInfo *info = perturb_chain_info(chain, i);
		if (info->truth == PERTURB_TRUTH_HIDDEN)
			g_string_append_printf(text, "unverified: %s may hide what they say; ",
					       info->name);
	}
	if (late_ns > 0)
		g_string_append_printf(text,
				       "moved: the product is shown things up to %.3f s late, and "
				       "every time of the recording is taken as uncertain by that "
				       "much; ",
				       (double)late_ns * 1e-9);
	if (!seen->any)
		g_string_append(text, "unverified: nothing on the tape begins that could be "
				      "compared");
	else if (!seen->compared)
		g_string_append(text, "unverified: nothing moves where they begin");
	else
		g_string_append_printf(
			text,
			"%s: the input looks like the unperturbed one where they begin, "
			"correlation at least %.2f (at %.2f s, %.2f is asked for)",
			seen->least >= STILL_SHOWN ? "checked" : "unverified", seen->least,
			seen->least_s, STILL_SHOWN);
	if (seen->compared && seen->least < STILL_SHOWN)
		g_string_replace(text, "looks like", "does not look enough like", 1);
	return g_string_free(text, FALSE);
}

/* ---- of a live session ----------------------------------------------------------------------------------------------- */

/* Where pictures move, how like the undisturbed ones they were: recorded with each. */
static void look_at_pictures(const Recording *rec, const GArray *moments, const Signal *s,
			     LabelsSeen *seen)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->status[i] == SAMPLE_OK && labels_near(moments, s->t_ns[i]))
			labels_note(seen, s->v[i], (double)(s->t_ns[i] - rec->start_ns) * 1e-9);
}

/* The true signal at the time that each given sample is about. */
static void look_at_samples(const Recording *rec, const GArray *moments, const Signal *given,
			    int64_t delay_ns, LabelsSeen *seen)
{
	LabelPairs pairs = {0};
	double lo = INFINITY, hi = -INFINITY;
	const Signal *s = recording_signal(rec, given->info.name + strlen(DISTURB_PREFIX));
	for (size_t i = 0; s && i < given->n; i++) {
		int64_t t = given->t_ns[i] - delay_ns;
		ptrdiff_t at = signal_index(s, t);
		if (at < 0 || s->status[at] != SAMPLE_OK || given->status[i] != SAMPLE_OK)
			continue;
		lo = fmin(lo, s->v[at]);
		hi = fmax(hi, s->v[at]);
		if (labels_near(moments, t))
			label_pairs_add(&pairs, s->v[at], given->v[i]);
	}
	bool declared = isfinite(given->info.range_lo) && isfinite(given->info.range_hi);
	if (moments->len && pairs.n > 0)
		labels_note(seen,
			    label_pairs_correlation(&pairs, declared ? given->info.range_hi -
									       given->info.range_lo
								     : hi - lo),
			    (double)(g_array_index(moments, int64_t, 0) - rec->start_ns) * 1e-9);
}

static const char *meta(const Recording *rec, const char *key)
{
	return g_hash_table_lookup(rec->meta, key);
}

char *labels_of_recording(const Recording *rec, const JudgeSpec *spec)
{
	const char *what = meta(rec, "perturb"), *late = meta(rec, "perturb.late");
	int64_t late_ns = 0;
	g_autoptr(PerturbChain) chain = perturb_chain_new(0);
	if (!what || !late || !quantity_parse_ns(late, &late_ns, NULL) ||
	    !perturb_chain_add_text(chain, what, NULL))
		return NULL;
	g_autoptr(GArray) moments = labels_moments(rec, spec);
	LabelsSeen seen = {.any = moments->len > 0, .least = (double)NAN};
	g_autoptr(GList) names =
		g_list_sort(g_hash_table_get_keys(rec->signals), (GCompareFunc)strcmp);
	for (GList *name = names; name; name = name->next) {
		const Signal *s = g_hash_table_lookup(rec->signals, name->data);
		if (g_str_has_prefix(name->data, DISTURB_SIMILARITY))
			look_at_pictures(rec, moments, s, &seen);
		else if (g_str_has_prefix(name->data, DISTURB_PREFIX))
			look_at_samples(rec, moments, s, perturb_chain_delay_ns(chain), &seen);
	}
	return labels_text(chain, &seen, late_ns);
}
