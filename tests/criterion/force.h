/* A force on the floor beside the room of bench.h, and a pack with limits for it. */
#ifndef ANZEN_TESTS_CRITERION_FORCE_H
#define ANZEN_TESTS_CRITERION_FORCE_H

#include "bench.h"

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
	"  band:\n"
	"    title: {en: \"Band\", ja: \"範囲\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: always (floor.force < 150 N and floor.force > 50 N)\n"
	"    source: {basis: \"lab decision\", by: test}\n"
	"  any-force:\n"
	"    title: {en: \"Some force\", ja: \"力あり\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: eventually (floor.force > 150 N)\n"
	"    source: {basis: \"lab decision\", by: test}\n";

static inline bool limit_gives(const Bench *b, const char *id, Verdict want, double margin)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Pack) pack = criterion_pack_load_text(limit_pack, -1, "limit.yaml", diag);
	diagnostics_print(diag, stderr);
	const char *ids[] = {id, NULL};
	g_autoptr(RunRecord) record =
		pack ? criterion_judge(b->rec, &pack, 1, ids, b->spec, NULL) : NULL;
	const CriterionResult *r = bench_result(record, id);
	bool good = r && r->verdict == want && (isnan(margin) || fabs(r->margin - margin) < 1e-6);
	if (!good || getenv("ANZEN_SHOW"))
		fprintf(stderr, "%s: %s, margin %g, w_A %g: %s\n", id,
			r ? verdict_name(r->verdict) : "-", r ? r->margin : 0,
			r ? r->guard_accept : 0, r ? r->why : "");
	return good;
}

/* Force every 10 ms, 100 N with one sample of `peak`; u, noise and slew as given. */
static inline Signal *add_force(Bench *b, double peak, double u, double noise, double slew)
{
	Signal *s = bench_signal(b->rec, "floor.force", "N", ORIGIN_STIMULUS);
	bench_declare(s, 0.05, 50, slew, u, noise);
	for (int i = -10; i <= (int)(RUN_S * 100) + 2; i++)
		signal_append(s, at(i * 0.01), i == 700 ? peak : 100, SAMPLE_OK);
	return s;
}

#endif
