/* How long it takes to judge a 10-minute session on 60 criteria: every shipped pack, with the recordings of its trials drawn
 * out to ten minutes in one. Nothing is refused early: what waits for a lab is judged as adopted. */
#include <anzen/criterion.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define CRITERIA 60
#define ROUNDS 3

static const char *const files[] = {
	"common/fairness",   "common/human-factors", "common/privacy",
	"common/security",   "living/fall-watch",    "living/handover-robot",
	"living/home-agent", "living/stove-guard",   "living/walk-assist"};
#define PACKS G_N_ELEMENTS(files)

/* The pack with its bench's minute made ten. */
static Pack *load_long(const char *name, Diagnostics *diag)
{
	g_autofree char *path = g_strdup_printf(ANZEN_SOURCE_DIR "/criteria/%s.yaml", name);
	g_autofree char *said = NULL;
	if (!g_file_get_contents(path, &said, NULL, NULL))
		return NULL;
	g_autoptr(GString) text = g_string_new(said);
	if (g_string_replace(text, "  length: 60 s\n", "  length: 600 s\n", 1) != 1)
		return NULL;
	Pack *pack = criterion_pack_load_text(text->str, (gssize)text->len, path, diag);
	for (guint i = 0; pack && i < pack->criteria->len; i++) {
		Criterion *c = g_ptr_array_index(pack->criteria, i);
		g_clear_pointer(&c->needs, g_free);
		g_clear_pointer(&c->evidence, g_free);
	}
	return pack;
}

/* Of a signal in several trials the one with the most changes stays. */
static void take_signals(Recording *into, Recording *from)
{
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, from->signals);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const Signal *s = value, *had = recording_signal(into, name);
		if (had && had->n >= s->n)
			continue;
		g_hash_table_iter_steal(&iter);
		recording_add_signal(into, value);
	}
}

static void take_truths(JudgeSpec *into, JudgeSpec *from)
{
	for (guint i = 0; i < from->truths->len; i++) {
		const TruthSpec *t = g_ptr_array_index(from->truths, i);
		bool there = false;
		for (guint k = 0; k < into->truths->len; k++)
			there |= !strcmp(((TruthSpec *)g_ptr_array_index(into->truths, k))->name,
					 t->name);
		if (!there) {
			TruthSpec *copy = g_new0(TruthSpec, 1);
			*copy = (TruthSpec){g_strdup(t->name), g_strdup(t->onset),
					    g_strdup(t->end)};
			g_ptr_array_add(into->truths, copy);
		}
	}
}

typedef struct Session {
	Pack *packs[PACKS];
	GPtrArray *ids; /* NULL-terminated */
	Recording *recording;
	JudgeSpec *spec;
	unsigned per_verdict[VERDICT_INVALID + 1];
} Session;

static bool add_trial(Session *s, const Pack *pack, const Criterion *c)
{
	g_autoptr(JudgeSpec) spec = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(Recording) rec = criterion_trial_recording(pack, c, TRIAL_PASS, &spec, &error);
	if (!rec) {
		fprintf(stderr, "%s\n", error->message);
		return false;
	}
	if (!s->recording) {
		s->recording = g_steal_pointer(&rec);
		s->spec = g_steal_pointer(&spec);
		return true;
	}
	take_signals(s->recording, rec);
	take_truths(s->spec, spec);
	return true;
}

static bool build(Session *s)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	s->ids = g_ptr_array_new();
	for (size_t p = 0; p < PACKS; p++) {
		s->packs[p] = load_long(files[p], diag);
		if (!s->packs[p]) {
			diagnostics_print(diag, stderr);
			return false;
		}
		for (guint i = 0; i < s->packs[p]->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(s->packs[p]->criteria, i);
			if (!add_trial(s, s->packs[p], c))
				return false;
			if (s->ids->len < CRITERIA)
				g_ptr_array_add(s->ids, c->full_id);
		}
	}
	g_ptr_array_add(s->ids, NULL);
	return true;
}

static size_t samples(const Recording *rec)
{
	size_t n = 0;
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		n += ((const Signal *)value)->n;
	return n;
}

/* Seconds for one judging of these ids. */
static double judge(Session *s, const char *const *ids, unsigned *ret_n)
{
	g_autoptr(GError) error = NULL;
	int64_t start = clock_now(clock_monotonic());
	g_autoptr(RunRecord) r =
		criterion_judge(s->recording, s->packs, PACKS, ids, s->spec, &error);
	double took = (double)(clock_now(clock_monotonic()) - start) / 1e9;
	*ret_n = r ? r->criteria->len : 0;
	memset(s->per_verdict, 0, sizeof(s->per_verdict));
	for (guint i = 0; r && i < r->criteria->len; i++)
		s->per_verdict[((CriterionResult *)g_ptr_array_index(r->criteria, i))->verdict]++;
	return took;
}

static void one_pack(Session *s, size_t p)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	unsigned n = 0;
	for (guint i = 0; i < s->packs[p]->criteria->len; i++)
		g_ptr_array_add(
			ids, ((Criterion *)g_ptr_array_index(s->packs[p]->criteria, i))->full_id);
	g_ptr_array_add(ids, NULL);
	double took = judge(s, (const char *const *)ids->pdata, &n);
	printf("  %-22s %3u criteria  %7.3f s  %6.1f criteria/s\n", files[p], n, took, n / took);
}

int main(void)
{
	Session s = {0};
	unsigned n = 0;
	if (!build(&s))
		return 1;
	printf("10-minute session: %u signals, %zu samples\n",
	       g_hash_table_size(s.recording->signals), samples(s.recording));
	for (int round = 0; round < ROUNDS; round++) {
		double took = judge(&s, (const char *const *)s.ids->pdata, &n);
		printf("60 criteria (and their partners: %u): %.3f s = %.2f sessions/s, %.1f "
		       "criteria/s, %.0f x "
		       "real time; PASS %u, FAIL %u, INCONCLUSIVE %u, INVALID %u\n",
		       n, took, 1 / took, n / took, 600 / took, s.per_verdict[VERDICT_PASS],
		       s.per_verdict[VERDICT_FAIL], s.per_verdict[VERDICT_INCONCLUSIVE],
		       s.per_verdict[VERDICT_INVALID]);
	}
	for (size_t p = 0; p < PACKS; p++)
		one_pack(&s, p);
	for (size_t p = 0; p < PACKS; p++)
		criterion_pack_free(s.packs[p]);
	g_ptr_array_unref(s.ids);
	recording_free(s.recording);
	judge_spec_free(s.spec);
	return 0;
}
