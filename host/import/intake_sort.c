/* After the last message: samples in the order of their times, and what was left out. */
#include "intake.h"

#include <string.h>

static void tell_node(IntakeTopic *topic, const FieldNode *node)
{
	static const char *const what[] = {
		[LOST_ARRAY] = "an array of more than --max-array elements",
		[LOST_OCTETS] = "bytes without a meaning for a session",
		[LOST_SIGNALS] = "not named by the mapping, or more signals than a session holds",
		[LOST_NOT_BOOLEAN] =
			"neither 0 nor 1, but the mapping says boolean: kept as missing",
		[LOST_EXACTNESS] = "integers beyond 2^53, kept as the nearest double",
	};
	for (unsigned i = 0; i < LOST_KINDS; i++) {
		if (node->lost[i] == 0)
			continue;
		g_autofree char *path = field_node_path(node);
		g_autofree char *longest = i <= LOST_OCTETS
						   ? g_strdup_printf(" (up to %zu)", node->longest)
						   : g_strdup("");
		g_autofree char *text =
			g_strdup_printf("%s: %s%s", *path ? path : "value", what[i], longest);
		intake_count(topic->losses, text, node->lost[i], NULL);
	}
	for (uint32_t i = 0; i < node->n_children; i++)
		if (node->children[i])
			tell_node(topic, node->children[i]);
}

static bool in_order(const Intake *in)
{
	for (size_t i = 1; i < in->n_samples; i++)
		if (in->samples[i].t_ns < in->samples[i - 1].t_ns)
			return false;
	return true;
}

/* Merges runs of doubling length: stable, so that equal times keep the order of the file. */
static void merge_sort(IntakeSample *a, IntakeSample *b, size_t n)
{
	IntakeSample *from = a, *to = b;
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t lo = 0; lo < n; lo += 2 * width) {
			size_t mid = MIN(lo + width, n), hi = MIN(lo + 2 * width, n);
			for (size_t i = lo, j = mid, k = lo; k < hi; k++)
				to[k] = i < mid && (j >= hi || from[i].t_ns <= from[j].t_ns)
						? from[i++]
						: from[j++];
		}
		IntakeSample *swap = from;
		from = to;
		to = swap;
	}
	if (from != a)
		memcpy(a, from, n * sizeof(*a));
}

static gint text_by_time(gconstpointer a, gconstpointer b)
{
	const IntakeText *x = a, *y = b;
	return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

void intake_sort(Intake *in)
{
	if (!in_order(in)) {
		IntakeSample *other = g_new(IntakeSample, in->n_samples);
		merge_sort(in->samples, other, in->n_samples);
		g_free(other);
	}
	g_array_sort(in->texts, text_by_time);
	for (guint i = 0; i < in->signals->len; i++) {
		IntakeSignal *signal = in->signals->pdata[i];
		signal->first_ns = signal->last_ns = INTAKE_NO_TIME;
	}
	for (size_t i = 0; i < in->n_samples; i++) {
		IntakeSignal *signal = in->signals->pdata[in->samples[i].signal];
		signal->equal += in->samples[i].t_ns == signal->last_ns;
		signal->last_ns = in->samples[i].t_ns;
		if (signal->first_ns == INTAKE_NO_TIME)
			signal->first_ns = signal->last_ns;
	}
	for (guint i = 0; i < in->topics->len; i++)
		tell_node(in->topics->pdata[i], ((IntakeTopic *)in->topics->pdata[i])->root);
}
