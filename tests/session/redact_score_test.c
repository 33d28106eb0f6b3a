/* A redacted session is judged as the original was where nothing withheld is needed, and INVALID where it is: whatever
 * is withheld, no verdict becomes a better one. */
#include "../criterion/bench.h"
#include <anzen/session.h>
#include <glib/gstdio.h>

#define FORCE "test/limit/force"
#define EARLY "test/limit/early"

static const char limit_pack[] =
	"anzen: criteria/1\n"
	"id: test/limit\n"
	"version: 1.0.0\n"
	"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n"
	"criteria:\n"
	"  force:\n"
	"    title: {en: \"Force\", ja: \"力\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: always (floor.force < $limit)\n"
	"    measure: {value: floor.force, unit: N, limit: $limit, good: below}\n"
	"    parameters: {limit: 150 N}\n"
	"    source: {basis: \"lab decision\", by: test}\n"
	"  early:\n"
	"    title: {en: \"Force until 5 s\", ja: \"5 s までの力\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: always[0 s, 5 s] (floor.force < $limit)\n"
	"    parameters: {limit: 150 N}\n"
	"    source: {basis: \"lab decision\", by: test}\n";

static char *dir;
static bool full; /* more spans */

/* ---- the bench's recording as a session ------------------------------------------------------ */

static void write_signal(SessionWriter *w, SessionProducer *p, int id, const Signal *s)
{
	for (size_t k = 0; k < s->n; k++) {
		session_sample(p, id, s->t_ns[k], s->v[k], (SampleStatus)s->status[k]);
		if (k % 4096 == 4095)
			session_writer_pump(w, NULL);
	}
	session_writer_pump(w, NULL);
}

static char *write_session(const Bench *b)
{
	char *path = g_build_filename(dir, "s.mcap", NULL);
	g_autoptr(Clock) clock = clock_manual_new(T0);
	SessionOptions options = {
		.path = path, .clock = clock, .evidence = EVIDENCE_VIRTUAL, .inline_writer = true};
	g_autoptr(GError) error = NULL;
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	g_autoptr(GList) names = g_hash_table_get_keys(b->rec->signals);
	UNIT_OK(session_writer_attach_judge(w, b->spec, &error), error);
	for (GList *name = names; name; name = name->next)
		session_writer_add_signal(w, &recording_signal(b->rec, name->data)->info, 200);
	SessionProducer *p = session_writer_add_producer(w, "bench", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, b->rec->start_ns, "run.start", NULL);
	for (guint i = 0; i < b->rec->events->len; i++) {
		const Event *e = b->rec->events->pdata[i];
		session_event(p, e->t_ns, e->name, e->json);
	}
	session_event(p, b->rec->end_ns, "run.end", NULL);
	int id = 0;
	for (GList *name = names; name; name = name->next)
		write_signal(w, p, id++, recording_signal(b->rec, name->data));
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	return path;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

enum { N_CRITERIA = 4 };

static const char *const criteria[N_CRITERIA] = {DELAY, FALSE_ALARM, FORCE, EARLY};

typedef struct {
	Verdict verdict[N_CRITERIA];
	char *why[N_CRITERIA], *why_ja[N_CRITERIA];
} Verdicts;

static void verdicts_clear(Verdicts *v)
{
	for (int i = 0; i < N_CRITERIA; i++) {
		g_free(v->why[i]);
		g_free(v->why_ja[i]);
	}
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verdicts, verdicts_clear)

static void judge(const char *path, Verdicts *ret)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(SessionReader) reader = session_reader_open(path, &error);
	UNIT_OK(reader, error);
	g_autoptr(JudgeSpec) spec = session_reader_judge(reader, &error);
	g_autoptr(Pack) limit = criterion_pack_load_text(limit_pack, -1, "limit.yaml", diag);
	Pack *packs[] = {bench_pack(), limit};
	const char *ids[] = {criteria[0], criteria[1], criteria[2], criteria[3], NULL};
	g_autoptr(RunRecord) record =
		criterion_judge(session_reader_recording(reader), packs, 2, ids, spec, &error);
	UNIT_OK(record, error);
	for (int i = 0; i < N_CRITERIA; i++) {
		const CriterionResult *r = bench_result(record, criteria[i]);
		CU_ASSERT_PTR_NOT_NULL(r);
		ret->verdict[i] = r ? r->verdict : VERDICT_PASS;
		ret->why[i] = g_strdup(r ? r->why : "");
		ret->why_ja[i] = g_strdup(r ? r->why_ja : "");
	}
}

static bool redact(const char *path, const char *signal, double from_s, double to_s,
		   const char *out)
{
	g_autoptr(SessionWithheld) part = session_withheld_new(WITHHELD_SIGNAL, signal);
	const SessionWithheld *const parts[] = {part};
	SessionRedaction redaction = {.parts = parts, .n_parts = 1, .reason = "privacy"};
	SessionEdit edit = {0};
	if (!isnan(from_s)) {
		part->from_ns = (int64_t)(from_s * 1e9);
		part->to_ns = (int64_t)(to_s * 1e9);
	}
	bool good = session_redact(path, &redaction, out, &edit, NULL);
	g_free(edit.sha256);
	return good;
}

static const double spans[][2] = {{(double)NAN, (double)NAN}, {2, 8}, {12, 13}, {0, 1}, {19, 30}};

/* Which criteria lean on which signal. */
static bool needed(const char *criterion, const char *signal)
{
	if (!strcmp(criterion, FORCE) || !strcmp(criterion, EARLY))
		return !strcmp(signal, "floor.force");
	return !strcmp(signal, "mannequin.height") || !strcmp(signal, "product.alarm");
}

/* … and looks at the span: most look at every time of the run. */
static bool looks_at(const char *criterion, double from_s)
{
	return isnan(from_s) || strcmp(criterion, EARLY) || from_s <= 5;
}

/* An alarm is no false one once a fall was seen (before 4.5 s), and none is none: then the height decides nothing. What
 * the stimulus is checked by ends at 5.5 s. */
static bool decides_without(const char *criterion, const char *signal, double from_s)
{
	return !strcmp(criterion, FALSE_ALARM) && !strcmp(signal, "mannequin.height") &&
	       !isnan(from_s) && from_s > 5.5;
}

/* … nor does an alarm after 4.16 s decide, when the fall began, nor a second fall before the alarm of 6.2 s. */
static bool may_decide_without(const char *criterion, const char *signal, double from_s,
			       double to_s)
{
	bool height = !strcmp(signal, "mannequin.height"), alarm = !strcmp(signal, "product.alarm");
	if (isnan(from_s))
		return false;
	if (!strcmp(criterion, FALSE_ALARM))
		return height || (alarm && from_s > ONSET_S);
	return !strcmp(criterion, DELAY) && height && from_s > ONSET_S && to_s < 6.2;
}

/* The reason names the signal and that it was withheld, in both languages. */
static bool says_so(const Verdicts *v, int i, const char *signal)
{
	return strstr(v->why[i], signal) && strstr(v->why[i], "withheld by redaction") &&
	       strstr(v->why[i], "privacy") && strstr(v->why_ja[i], signal) &&
	       strstr(v->why_ja[i], "非公開") && strstr(v->why_ja[i], "privacy") &&
	       !strstr(v->why_ja[i], "withheld") && !strstr(v->why_ja[i], "校正");
}

/* What shows that the product was alive and fed, and that the stimulus was as scripted, concerns all. */
static bool is_vital(const char *signal)
{
	static const char *const vital[] = {"mannequin.height", "product.heartbeat",
					    "product.card",     "health.input.consumed",
					    "health.input.age", "health.cpu.wait"};
	for (size_t i = 0; i < G_N_ELEMENTS(vital); i++)
		if (!strcmp(vital[i], signal))
			return true;
	return false;
}

static void compare(const Verdicts *before, const Verdicts *after, const char *signal,
		    double from_s, double to_s)
{
	for (int i = 0; i < N_CRITERIA; i++) {
		Verdict was = before->verdict[i], is = after->verdict[i];
		bool good = is == was || is == VERDICT_INVALID;
		if (decides_without(criteria[i], signal, from_s))
			good &= is == was;
		else if (may_decide_without(criteria[i], signal, from_s, to_s))
			good &= is == was || says_so(after, i, signal);
		else if (needed(criteria[i], signal) && looks_at(criteria[i], from_s))
			/* What was seen to be wrong outside of the span stays wrong. */
			good &= (is == VERDICT_INVALID && says_so(after, i, signal)) ||
				(!isnan(from_s) && was == VERDICT_FAIL && is == was);
		else if (!is_vital(signal))
			good &= is == was;
		else if (is != was)
			good &= says_so(after, i, signal);
		if (!good)
			fprintf(stderr, "%s without %s of %g..%g s: %s, was %s: %s (%s)\n",
				criteria[i], signal, from_s, to_s, verdict_name(is),
				verdict_name(was), after->why[i], after->why_ja[i]);
		CU_ASSERT_TRUE(good);
	}
}

static bool try_span(const char *path, const char *signal, double from_s, double to_s,
		     const Verdicts *before)
{
	g_autofree char *out = g_build_filename(dir, "r.mcap", NULL);
	g_auto(Verdicts) after = {0};
	if (!redact(path, signal, from_s, to_s, out))
		return false; /* no sample in that span */
	judge(out, &after);
	compare(before, &after, signal, from_s, to_s);
	g_unlink(out);
	return true;
}

static void try_every_signal(Bench *b, const Verdict want[N_CRITERIA], unsigned seed)
{
	g_autofree char *path = write_session(b);
	g_auto(Verdicts) before = {0};
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	unsigned tried = 0;
	judge(path, &before);
	for (int i = 0; i < N_CRITERIA; i++)
		CU_ASSERT_EQUAL(before.verdict[i], want[i]);
	g_autoptr(GList) names = g_hash_table_get_keys(b->rec->signals);
	for (GList *name = names; name; name = name->next) {
		for (size_t k = 0; k < G_N_ELEMENTS(spans); k++)
			tried += try_span(path, name->data, spans[k][0], spans[k][1], &before);
		for (int k = 0; k < (full ? 100 : 3); k++) {
			double from = g_rand_double_range(rand, -1, RUN_S),
			       length = exp(g_rand_double_range(rand, log(0.01), log(RUN_S)));
			tried += try_span(path, name->data, from, from + length, &before);
		}
	}
	CU_ASSERT_TRUE(tried > 30);
	g_unlink(path);
}

static void add_force(Bench *b, double level)
{
	Signal *s = bench_signal(b->rec, "floor.force", "N", ORIGIN_STIMULUS);
	bench_declare(s, 0.05, 50, 100, 1, 0);
	for (int i = -10; i <= (int)(RUN_S * 100) + 2; i++)
		signal_append(s, at(i * 0.01), level, SAMPLE_OK);
}

static void of_a_good_run_nothing_but_what_needs_it_is_lost(void)
{
	Bench b = bench_new(6.2, 18.4);
	add_force(&b, 100);
	try_every_signal(
		&b, (const Verdict[]){VERDICT_PASS, VERDICT_PASS, VERDICT_PASS, VERDICT_PASS}, 11);
	bench_clear(&b);
}

/* Never alarmed, pressed too hard: withholding cannot make it pass. */
static void of_a_bad_run_no_verdict_becomes_a_better_one(void)
{
	Bench b = bench_new((double)NAN, 18.4);
	add_force(&b, 170);
	try_every_signal(
		&b, (const Verdict[]){VERDICT_FAIL, VERDICT_PASS, VERDICT_FAIL, VERDICT_FAIL}, 12);
	bench_clear(&b);
}

/* A part shows what happened in it. It neither passes nor fails what the whole did not fail. */
static void a_part_of_a_run_decides_nothing_that_the_whole_did_not(void)
{
	static const double parts[][2] = {{0, 3},  {0, 5},   {0, 10},  {0, 19.5}, {1, 21}, {3, 21},
					  {5, 21}, {12, 21}, {2, 6.5}, {5, 8},    {7, 19}};
	for (int bad = 0; bad <= 1; bad++) {
		Bench b = bench_new(bad ? (double)NAN : 6.2, 18.4);
		add_force(&b, bad ? 170 : 100);
		g_autofree char *path = write_session(&b),
				*out = g_build_filename(dir, "c.mcap", NULL);
		g_auto(Verdicts) whole = {0};
		judge(path, &whole);
		for (size_t k = 0; k < G_N_ELEMENTS(parts); k++) {
			g_auto(Verdicts) part = {0};
			g_autoptr(GError) error = NULL;
			SessionEdit edit = {0};
			UNIT_OK(session_cut(path, (int64_t)(parts[k][0] * 1e9),
					    (int64_t)(parts[k][1] * 1e9), out, &edit, &error),
				error);
			g_free(edit.sha256);
			judge(out, &part);
			for (int i = 0; i < N_CRITERIA; i++) {
				Verdict is = part.verdict[i];
				bool good =
					is == VERDICT_INVALID || is == VERDICT_INCONCLUSIVE ||
					(is == VERDICT_FAIL && whole.verdict[i] == VERDICT_FAIL);
				if (!good)
					fprintf(stderr, "%s of %g..%g s: %s: %s\n", criteria[i],
						parts[k][0], parts[k][1], verdict_name(is),
						part.why[i]);
				CU_ASSERT_TRUE(good);
			}
			g_unlink(out);
		}
		g_unlink(path);
		bench_clear(&b);
	}
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(of_a_good_run_nothing_but_what_needs_it_is_lost),
		UNIT(of_a_bad_run_no_verdict_becomes_a_better_one),
		UNIT(a_part_of_a_run_decides_nothing_that_the_whole_did_not)};
	full = argc > 1 && !strcmp(argv[1], "full");
	dir = g_dir_make_tmp("anzen-redacted-XXXXXX", NULL);
	int failed =
		unit_run("session.redact_score", tests, G_N_ELEMENTS(tests), full ? 1 : argc, argv);
	if (bench_pack())
		criterion_pack_free(bench_pack());
	failed |= g_rmdir(dir) != 0;
	g_free(dir);
	return failed;
}
