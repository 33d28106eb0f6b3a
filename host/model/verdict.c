#include <anzen/model.h>

/* The word lists of the model, each beside the enum's order in model.h. */

static const char *const verdict_names[] = {
	[VERDICT_PASS] = "PASS",
	[VERDICT_FAIL] = "FAIL",
	[VERDICT_INCONCLUSIVE] = "INCONCLUSIVE",
	[VERDICT_INVALID] = "INVALID",
};
static const char *const verdict_names_ja[] = {
	[VERDICT_PASS] = "適合",
	[VERDICT_FAIL] = "不適合",
	[VERDICT_INCONCLUSIVE] = "判定保留",
	[VERDICT_INVALID] = "試験無効",
};
static const char *const evidence_names[] = {
	[EVIDENCE_PHYSICAL] = "physical",
	[EVIDENCE_VIRTUAL] = "virtual",
	[EVIDENCE_LOCK_STEP] = "lock-step",
	[EVIDENCE_REPLAY] = "replay",
};
static const char *const blame_names[] = {
	[BLAME_BENCH] = "bench",
	[BLAME_PRODUCT] = "product",
	[BLAME_UNKNOWN] = "unknown",
};
static const char *const origin_names[] = {
	[ORIGIN_STIMULUS] = "stimulus", [ORIGIN_COMMAND] = "command",
	[ORIGIN_RESPONSE] = "response", [ORIGIN_CLAIM] = "claim",
	[ORIGIN_LABEL] = "label",       [ORIGIN_HEALTH] = "health",
	[ORIGIN_DERIVED] = "derived",
};

static const char *word(const char *const *names, size_t n, int value)
{
	g_assert(value >= 0 && (size_t)value < n);
	return names[value];
}

static gboolean find(const char *const *names, size_t n, const char *name, int *ret)
{
	for (size_t i = 0; name && i < n; i++)
		if (!g_strcmp0(names[i], name)) {
			*ret = (int)i;
			return TRUE;
		}
	return FALSE;
}

#define WORDS(Type, prefix, names)                                   \
	const char *prefix##_name(Type value)                        \
	{                                                            \
		return word(names, G_N_ELEMENTS(names), (int)value); \
	}                                                            \
	gboolean prefix##_parse(const char *name, Type *ret)         \
	{                                                            \
		int value;                                           \
		if (!find(names, G_N_ELEMENTS(names), name, &value)) \
			return FALSE;                                \
		*ret = (Type)value;                                  \
		return TRUE;                                         \
	}

WORDS(Verdict, verdict, verdict_names)
WORDS(EvidenceClass, evidence, evidence_names)
WORDS(Blame, blame, blame_names)
WORDS(SignalOrigin, origin, origin_names)

const char *verdict_name_ja(Verdict verdict)
{
	return word(verdict_names_ja, G_N_ELEMENTS(verdict_names_ja), (int)verdict);
}

AnzenExit verdict_exit(Verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return ANZEN_EXIT_PASS;
	case VERDICT_FAIL:
		return ANZEN_EXIT_FAIL;
	case VERDICT_INCONCLUSIVE:
		return ANZEN_EXIT_INCONCLUSIVE;
	case VERDICT_INVALID:
		return ANZEN_EXIT_INVALID;
	}
	g_assert_not_reached();
}

Verdict verdict_aggregate(const Verdict *verdicts, size_t n)
{
	/* Worst first; what is not listed after PASS cannot win over it. */
	static const Verdict order[] = {VERDICT_FAIL, VERDICT_INVALID, VERDICT_INCONCLUSIVE};
	for (size_t w = 0; w < G_N_ELEMENTS(order); w++)
		for (size_t i = 0; i < n; i++)
			if (verdicts[i] == order[w])
				return order[w];
	return n > 0 ? VERDICT_PASS : VERDICT_INCONCLUSIVE;
}
