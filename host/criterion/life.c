/* Was the product alive? A prohibition can be kept by a dead one, so it needs: consumption, heartbeat, and a positive
 * control answered at the end. */
#include "judge.h"

#define PROBE_EVENT "probe.positive-control"

static void not_shown(Judge *judge, Verdict verdict, char *en, char *ja)
{
	text_clear(&judge->life.why);
	judge->life.verdict = verdict;
	judge->life.why = (Text){en, ja};
}

static const Event *last_probe(const Recording *rec)
{
	const Event *found = NULL;
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = g_ptr_array_index(rec->events, i);
		if (!strcmp(e->name, PROBE_EVENT) && e->t_ns >= rec->start_ns &&
		    e->t_ns <= rec->end_ns)
			found = e;
	}
	return found;
}

static int64_t first_rise_after(const Signal *s, int64_t t_ns)
{
	bool high = true;
	for (size_t i = 0; s && i < s->n; i++) {
		bool on = s->status[i] == SAMPLE_OK && s->v[i] != 0;
		if (on && !high && s->t_ns[i] > t_ns)
			return s->t_ns[i];
		high = on;
	}
	return CLOCK_NEVER;
}

static const Trouble *trouble_before(const Judge *judge, int64_t t_ns)
{
	for (guint i = 0; i < judge->troubles->len; i++) {
		const Trouble *t = g_ptr_array_index(judge->troubles, i);
		if (t->from_ns <= t_ns && t->responses) /* what was only withheld hid no answer */
			return t;
	}
	return NULL;
}

static void unanswered(Judge *judge, const Event *probe)
{
	const Recording *rec = judge->recording;
	int64_t until = probe->t_ns + judge->spec->positive_control_ns;
	double at = judge_seconds(judge, probe->t_ns),
	       within = (double)judge->spec->positive_control_ns / 1e9;
	const Trouble *trouble = trouble_before(judge, until);
	/* Who is blinded on purpose cannot see the card: that shows nothing about its life. */
	const char *perturbed = g_hash_table_lookup(rec->meta, "perturb");
	if (trouble)
		not_shown(judge, VERDICT_INVALID, g_strdup(trouble->what.en),
			  g_strdup(trouble->what.ja));
	else if (until > rec->end_ns)
		not_shown(judge, VERDICT_INCONCLUSIVE,
			  g_strdup_printf("the run ended before the positive control given at %.2f "
					  "s was answered",
					  at),
			  g_strdup_printf("%.2f s の陽性対照に応答する前に試験が終わりました", at));
	else if (perturbed)
		not_shown(judge, VERDICT_INCONCLUSIVE,
			  g_strdup_printf("the product is not shown alive: it did not answer the "
					  "positive control given at %.2f s within %.1f s, but the "
					  "bench perturbed what it saw (%s)",
					  at, within, perturbed),
			  g_strdup_printf("製品の動作を確認できません: %.2f s の陽性対照に %.1f s "
					  "以内の応答がありませんが、試験装置が入力に外乱を加えて"
					  "いました(%s)",
					  at, within, perturbed));
	else
		not_shown(judge, VERDICT_FAIL,
			  g_strdup_printf("the product is not shown alive: it did not answer the "
					  "positive control given "
					  "at %.2f s within %.1f s",
					  at, within),
			  g_strdup_printf("製品の動作を確認できません: %.2f s の陽性対照に %.1f s "
					  "以内の応答が"
					  "ありません",
					  at, within));
}

static void check_control(Judge *judge)
{
	const JudgeSpec *spec = judge->spec;
	const Event *probe = last_probe(judge->recording);
	if (!spec->positive_control || spec->positive_control_ns <= 0) {
		not_shown(
			judge, VERDICT_INCONCLUSIVE,
			g_strdup("the product is not shown alive: it declares no positive control"),
			g_strdup("製品の動作を確認できません: 陽性対照が宣言されていません"));
		return;
	}
	if (!probe) {
		not_shown(judge, VERDICT_INCONCLUSIVE,
			  g_strdup("the product is not shown alive: no positive control was given "
				   "in this run"),
			  g_strdup("製品の動作を確認できません: 陽性対照が行われていません"));
		return;
	}
	const Signal *answer = recording_signal(judge->recording, spec->positive_control);
	int64_t t = first_rise_after(answer, probe->t_ns);
	if (t == CLOCK_NEVER || t - probe->t_ns > spec->positive_control_ns ||
	    t > judge->recording->end_ns)
		unanswered(judge, probe);
}

void judge_check_life(Judge *judge)
{
	const JudgeSpec *spec = judge->spec;
	judge->life = (Life){.verdict = VERDICT_PASS};
	check_control(judge);
	if (judge->life.verdict != VERDICT_PASS)
		return;
	if (!spec->heartbeat || spec->heartbeat_ns <= 0)
		not_shown(judge, VERDICT_INCONCLUSIVE,
			  g_strdup("the product is not shown alive throughout: it declares no "
				   "heartbeat"),
			  g_strdup("製品の動作を通して確認できません: 心拍が宣言されていません"));
	else if (!spec->consumed)
		not_shown(
			judge, VERDICT_INCONCLUSIVE,
			g_strdup("the product is not shown alive: nothing tells whether it took "
				 "its input"),
			g_strdup("製品の動作を確認できません: 入力の受け取りが記録されていません"));
}
