/* A made-up recording of a fall, and the specification to judge it by. Times are seconds on the timeline; the timeline
 * starts at 1000 s of bench time, lasts 20 s, the fall begins at 4 s:
 *
 *	height(t) = 1.2 m until 4 s, then 1.2 m - 4.905 m/s² (t - 4 s)², not below 0.1 m, every 5 ms.
 *
 * It passes 0.9 · 1.2 m = 1.08 m at 4 + sqrt(0.12 / 4.905) = 4.1564 s, and 0.3 m at 4 + sqrt(0.9 / 4.905) = 4.4284 s.
 */
#ifndef ANZEN_TESTS_CRITERION_BENCH_H
#define ANZEN_TESTS_CRITERION_BENCH_H

#include <anzen/criterion.h>
#include "unit.h"

#define T0 (INT64_C(1000) * CLOCK_S)
#define ONSET_S 4.1564
#define RUN_S 20.0

static inline int64_t at(double s)
{
	return T0 + (int64_t)llround(s * 1e9);
}

static inline Signal *bench_signal(Recording *rec, const char *name, const char *unit,
				   SignalOrigin origin)
{
	Signal *s = signal_new(name);
	CU_ASSERT_TRUE(unit_parse(unit, &s->info.unit, NULL));
	s->info.origin = origin;
	s->info.u_clock_s = 0.001;
	recording_add_signal(rec, s);
	return s;
}

static inline Signal *bench_boolean(Recording *rec, const char *name, SignalOrigin origin)
{
	Signal *s = bench_signal(rec, name, "1", origin);
	s->info.boolean = true;
	s->info.interp = SIGNAL_PREVIOUS;
	s->info.max_slew = (double)INFINITY;
	signal_append(s, at(-0.5), 0, SAMPLE_OK);
	return s;
}

static inline void bench_declare(Signal *s, double gap_s, double hz, double slew, double u,
				 double noise)
{
	s->info.max_gap_ns = (int64_t)(gap_s * 1e9);
	s->info.bandwidth_hz = hz;
	s->info.max_slew = slew;
	s->info.u_common = u;
	s->info.dof_common = 50;
	s->info.u_sample = noise;
}

static inline double fall_height(double t)
{
	return t < 4 ? 1.2 : fmax(1.2 - 4.905 * (t - 4) * (t - 4), 0.1);
}

static inline void bench_pulse(Signal *s, double t)
{
	signal_append(s, at(t), 1, SAMPLE_OK);
	signal_append(s, at(t) + CLOCK_MS, 0, SAMPLE_OK);
}

/* Height samples per second; the property test takes fewer to judge more. */
static int bench_rate = 200;

typedef struct Bench {
	Recording *rec;
	JudgeSpec *spec;
	Signal *height, *alarm, *beat, *card, *consumed, *age, *wait, *claim;
} Bench;

static inline void bench_spec(Bench *b)
{
	TruthSpec *fall = g_new0(TruthSpec, 1);
	b->spec = judge_spec_new();
	fall->name = g_strdup("fall");
	fall->onset = g_strdup("mannequin.height < 0.9 * initial(mannequin.height)");
	fall->end = g_strdup("mannequin.height < 0.3 m");
	g_ptr_array_add(b->spec->truths, fall);
	g_ptr_array_add(b->spec->stimulus, g_strdup("always[0 s, 3.9 s] (mannequin.height > 0.8 * "
						    "initial(mannequin.height))"));
	g_ptr_array_add(b->spec->stimulus,
			g_strdup("eventually[4 s, 5.5 s] (mannequin.height < 0.3 m)"));
	b->spec->heartbeat = g_strdup("product.heartbeat");
	b->spec->heartbeat_ns = CLOCK_S;
	b->spec->positive_control = g_strdup("product.card");
	b->spec->positive_control_ns = 2 * CLOCK_S;
	b->spec->consumed = g_strdup("health.input.consumed");
	b->spec->age = g_strdup("health.input.age");
	b->spec->max_age_ns = 200 * CLOCK_MS;
	b->spec->cpu_wait = g_strdup("health.cpu.wait");
	b->spec->max_cpu_wait = 0.2;
}

static inline void bench_fill(Bench *b)
{
	for (int i = -20; i <= (int)(RUN_S * bench_rate) + 4; i++)
		signal_append(b->height, at((double)i / bench_rate),
			      fall_height((double)i / bench_rate), SAMPLE_OK);
	for (int i = 0; i < (int)RUN_S; i++)
		bench_pulse(b->beat, i + 0.3);
	for (int i = 0; i < (int)(RUN_S * 10); i++) {
		signal_append(b->consumed, at(i * 0.1), 3 * i, SAMPLE_OK);
		signal_append(b->age, at(i * 0.1), 0.05, SAMPLE_OK);
		signal_append(b->wait, at(i * 0.1), 0.01, SAMPLE_OK);
	}
}

/* alarm_s: when the product alarms (NaN: never). card_s: when it answers the positive control given at 18 s. */
static inline Bench bench_new(double alarm_s, double card_s)
{
	Bench b = {.rec = recording_new()};
	b.rec->start_ns = at(0);
	b.rec->end_ns = at(RUN_S);
	b.rec->complete = true;
	b.rec->evidence = EVIDENCE_VIRTUAL;
	b.height = bench_signal(b.rec, "mannequin.height", "m", ORIGIN_STIMULUS);
	bench_declare(b.height, 0.03, 50, 12, 0.004, 0.001);
	b.alarm = bench_boolean(b.rec, "product.alarm", ORIGIN_RESPONSE);
	b.beat = bench_boolean(b.rec, "product.heartbeat", ORIGIN_RESPONSE);
	b.card = bench_boolean(b.rec, "product.card", ORIGIN_RESPONSE);
	b.claim = bench_signal(b.rec, "product.alarm.time", "s", ORIGIN_CLAIM);
	b.claim->info.interp = SIGNAL_PREVIOUS;
	b.consumed = bench_signal(b.rec, "health.input.consumed", "1", ORIGIN_HEALTH);
	b.age = bench_signal(b.rec, "health.input.age", "s", ORIGIN_HEALTH);
	b.wait = bench_signal(b.rec, "health.cpu.wait", "1", ORIGIN_HEALTH);
	bench_spec(&b);
	bench_fill(&b);
	if (!isnan(alarm_s)) {
		signal_append(b.alarm, at(alarm_s), 1, SAMPLE_OK);
		signal_append(b.claim, at(alarm_s), 1000 + alarm_s - 0.1, SAMPLE_OK);
	}
	if (!isnan(card_s))
		bench_pulse(b.card, card_s);
	recording_add_event(b.rec, at(18), "probe.positive-control", NULL);
	return b;
}

static inline void bench_clear(Bench *b)
{
	recording_free(b->rec);
	judge_spec_free(b->spec);
}

static inline void bench_fault(Bench *b, double from_s, double until_s, const char *signal,
			       Blame blame, bool proven, const char *cause)
{
	char source[] = "cam";
	const Fault fault = {.t_ns = at(from_s),
			     .until_ns = isnan(until_s) ? CLOCK_NEVER : at(until_s),
			     .source = source,
			     .cause = (char *)(uintptr_t)cause,
			     .signal = (char *)(uintptr_t)signal,
			     .blame = blame,
			     .proven = proven};
	recording_add_fault(b->rec, &fault);
}

#define DELAY "living/fall-watch/alarm-delay"
#define FALSE_ALARM "living/fall-watch/no-false-alarm"
#define HONEST "living/fall-watch/honest-time"

static inline Pack *bench_pack(void)
{
	static Pack *pack;
	if (pack)
		return pack;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	pack = criterion_pack_load(ANZEN_SOURCE_DIR "/criteria/living/fall-watch.yaml", diag);
	diagnostics_print(diag, stderr);
	return pack;
}

static inline RunRecord *bench_judge(const Bench *b, const char *id)
{
	g_autoptr(GError) error = NULL;
	Pack *pack = bench_pack();
	const char *ids[] = {id, NULL};
	RunRecord *record = pack ? criterion_judge(b->rec, &pack, 1, ids, b->spec, &error) : NULL;
	if (error)
		fprintf(stderr, "%s\n", error->message);
	return record;
}

static inline CriterionResult *bench_result(const RunRecord *record, const char *id)
{
	for (guint i = 0; record && i < record->criteria->len; i++) {
		CriterionResult *r = g_ptr_array_index(record->criteria, i);
		if (!strcmp(r->id, id))
			return r;
	}
	return NULL;
}

/* Judge and check one verdict; with ANZEN_SHOW in the environment the sentence is printed. */
static inline bool bench_gives(const Bench *b, const char *id, Verdict want, const char *why)
{
	g_autoptr(RunRecord) record = bench_judge(b, id);
	const CriterionResult *r = bench_result(record, id);
	bool good = r && r->verdict == want && (!why || strstr(r->why, why));
	if (!good || getenv("ANZEN_SHOW"))
		fprintf(stderr, "%s: %s: %s\n", id, r ? verdict_name(r->verdict) : "no result",
			r ? r->why : "");
	return good;
}

#define GIVES(b, id, verdict, why) CU_ASSERT_TRUE(bench_gives(&(b), id, VERDICT_##verdict, why))

#endif
