/* run.json: everything in a run record comes back, also what JSON has no word for. */
#include "unit.h"
#include <anzen/session.h>
#include <glib/gstdio.h>

static RunRecord *example(void)
{
	RunRecord *r = run_record_new();
	r->run_id = g_strdup("20260101T000000Z-chair-fall");
	r->verdict = VERDICT_INCONCLUSIVE;
	r->evidence = EVIDENCE_VIRTUAL;
	r->scenario = g_strdup("fall-watch/chair-fall");
	r->scenario_title_ja = g_strdup("椅子からの転落 \"毛布\"\n");
	r->session_sha256 = g_strdup("00ff");
	g_hash_table_insert(r->inputs, g_strdup("rig.yaml"), g_strdup("abc"));
	g_hash_table_insert(r->meta, g_strdup("seed"), g_strdup("7"));
	CriterionResult *c = criterion_result_new("living/fall-watch/alarm-delay");
	c->verdict = VERDICT_PASS;
	c->measured = 2.31;
	c->uncertainty = NAN;
	c->limit = 10;
	c->margin = 0.1 + 0.2;
	c->dof = INFINITY;
	c->guard_accept = -INFINITY;
	c->unit = unit_second;
	c->why = g_strdup("2.31 s < 10 s");
	c->from_ns = 9007199254740993; /* 2^53 + 1: no double holds it */
	c->claim_n = 29;
	g_ptr_array_add(c->perspectives, g_strdup("LIV-body"));
	g_ptr_array_add(c->crosswalk, g_strdup("nist-ai-rmf:MEASURE 2.6"));
	c->margin_trace = signal_new("margin");
	signal_append(c->margin_trace, 1, 0.5, SAMPLE_OK);
	signal_append(c->margin_trace, 2, NAN, SAMPLE_MISSING);
	signal_append(c->margin_trace, 3, INFINITY, SAMPLE_OK);
	g_ptr_array_add(c->levels, level_result_new("L1", VERDICT_PASS));
	g_ptr_array_add(c->levels, level_result_new("L2", VERDICT_FAIL));
	Tipping *t = tipping_new("calibration", "floor.force", &unit_second);
	t->amount = -1.5;
	t->searched = 1.5;
	t->in_u = 3;
	t->becomes = VERDICT_INCONCLUSIVE;
	g_ptr_array_add(c->tippings, t);
	g_ptr_array_add(c->tippings, tipping_new("clock", NULL, &unit_second));
	c->monte_carlo = (MonteCarlo){100, 97, 2, 1};
	c->witness = g_strdup("{\"a\":[1,2.5,\"x\"]}");
	g_ptr_array_add(r->criteria, c);
	Fault *f = g_new0(Fault, 1);
	*f = (Fault){5, CLOCK_NEVER, g_strdup("cam"), g_strdup("froze"), NULL, BLAME_UNKNOWN, true};
	g_ptr_array_add(r->faults, f);
	return r;
}

static void everything_comes_back(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RunRecord) r = example();
	g_autofree char *json = run_record_to_json(r);
	g_autoptr(RunRecord) b = run_record_from_json(json, -1, "run.json", &error);
	UNIT_OK(b, error);
	if (!b)
		return;
	CU_ASSERT_STRING_EQUAL(b->run_id, r->run_id);
	CU_ASSERT_EQUAL(b->verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(b->evidence, EVIDENCE_VIRTUAL);
	CU_ASSERT_STRING_EQUAL(b->scenario_title_ja, r->scenario_title_ja);
	CU_ASSERT_PTR_NULL(b->scenario_title_en);
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(b->inputs, "rig.yaml"), "abc");
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(b->meta, "seed"), "7");
	const CriterionResult *c = b->criteria->pdata[0];
	CU_ASSERT_EQUAL(c->verdict, VERDICT_PASS);
	CU_ASSERT_TRUE(c->measured == 2.31 && isnan(c->uncertainty) && c->limit == 10 &&
		       c->margin == 0.1 + 0.2);
	CU_ASSERT_TRUE(isinf(c->dof) && c->dof > 0 && isinf(c->guard_accept) &&
		       c->guard_accept < 0);
	CU_ASSERT_STRING_EQUAL(c->unit.symbol, "s");
	CU_ASSERT_EQUAL(c->from_ns, 9007199254740993);
	CU_ASSERT_EQUAL(c->to_ns, -1);
	CU_ASSERT_EQUAL(c->claim_n, 29);
	CU_ASSERT_STRING_EQUAL(c->perspectives->pdata[0], "LIV-body");
	CU_ASSERT_STRING_EQUAL(c->crosswalk->pdata[0], "nist-ai-rmf:MEASURE 2.6");
	CU_ASSERT_EQUAL(c->margin_trace->n, 3);
	CU_ASSERT_EQUAL(c->margin_trace->status[1], SAMPLE_MISSING);
	CU_ASSERT_TRUE(isinf(c->margin_trace->v[2]));
	CU_ASSERT_EQUAL(c->levels->len, 2);
	CU_ASSERT_STRING_EQUAL(((LevelResult *)c->levels->pdata[1])->name, "L2");
	CU_ASSERT_EQUAL(((LevelResult *)c->levels->pdata[1])->verdict, VERDICT_FAIL);
	CU_ASSERT_EQUAL(c->tippings->len, 2);
	const Tipping *t = c->tippings->pdata[0];
	CU_ASSERT_TRUE(t->amount == -1.5 && t->in_u == 3 && t->becomes == VERDICT_INCONCLUSIVE);
	CU_ASSERT_STRING_EQUAL(t->signal, "floor.force");
	CU_ASSERT_TRUE(isnan(((Tipping *)c->tippings->pdata[1])->amount));
	CU_ASSERT_TRUE(c->monte_carlo.draws == 100 && c->monte_carlo.violated == 2);
	CU_ASSERT_STRING_EQUAL(c->witness, "{\"a\":[1,2.5,\"x\"]}");
	const Fault *f = b->faults->pdata[0];
	CU_ASSERT_TRUE(f->t_ns == 5 && f->until_ns == CLOCK_NEVER && !f->signal &&
		       f->blame == BLAME_UNKNOWN && f->proven);
	g_autofree char *again = run_record_to_json(b);
	CU_ASSERT_STRING_EQUAL(json, again);
}

static void what_is_not_a_run_record_is_refused_with_its_reason(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"format\":\"run/2\",\"verdict\":\"PASS\",\"evidence\":\"virtual\"}",
		"{\"format\":\"run/1\",\"verdict\":\"GOOD\",\"evidence\":\"virtual\"}",
		"{\"format\":\"run/1\",\"verdict\":7,\"evidence\":\"virtual\"}",
		"{\"format\":\"run/"
		"1\",\"verdict\":\"PASS\",\"evidence\":\"virtual\",\"criteria\":{}}",
		"{\"format\":\"run/"
		"1\",\"verdict\":\"PASS\",\"evidence\":\"virtual\",\"criteria\":[3]}",
		"{\"format\":\"run/"
		"1\",\"verdict\":\"PASS\",\"evidence\":\"virtual\",\"criteria\":[{\"id\":\"a\"}]}",
		"{\"format\":\"run/"
		"1\",\"verdict\":\"PASS\",\"evidence\":\"virtual\",\"faults\":[{\"blame\":\"dog\"}]"
		"}"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RunRecord) r = run_record_from_json(bad[i], -1, "run.json", &error);
		CU_ASSERT_PTR_NULL(r);
		CU_ASSERT_TRUE(error && g_str_has_prefix(error->message, "run.json: "));
	}
	g_autofree char *deep = g_strnfill(100000, '[');
	CU_ASSERT_PTR_NULL(run_record_from_json(deep, -1, "run.json", NULL));
}

static void folders_of_one_second_do_not_meet(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Clock) clock = clock_manual_new(0);
	g_autofree char *dir = g_dir_make_tmp("anzen-runs-XXXXXX", NULL);
	g_autofree char *runs = g_build_filename(dir, "runs", NULL), *id_a = NULL, *id_b = NULL;
	g_autofree char *a = run_folder_new(runs, "fall-watch/chair-fall", clock, &id_a, &error);
	UNIT_OK(a, error);
	g_autofree char *b = run_folder_new(runs, "fall-watch/chair-fall", clock, &id_b, &error);
	UNIT_OK(b, error);
	CU_ASSERT_STRING_EQUAL(id_a, "20260101T000000Z-chair-fall"); /* the manual clock's epoch */
	CU_ASSERT_STRING_EQUAL(id_b, "20260101T000000Z-chair-fall-2");
	g_autoptr(RunRecord) r = example();
	g_autofree char *path = g_build_filename(a, "run.json", NULL);
	UNIT_OK(run_record_write(r, path, &error), error);
	g_autoptr(RunRecord) back = run_record_read(path, &error);
	UNIT_OK(back, error);
	g_autoptr(GDir) listing = g_dir_open(a, 0, NULL);
	CU_ASSERT_STRING_EQUAL(g_dir_read_name(listing), "run.json"); /* and no temporary file */
	CU_ASSERT_PTR_NULL(g_dir_read_name(listing));
	g_unlink(path);
	g_rmdir(a);
	g_rmdir(b);
	g_rmdir(runs);
	g_rmdir(dir);
}

UNIT_MAIN("session.run_record", UNIT(everything_comes_back),
	  UNIT(what_is_not_a_run_record_is_refused_with_its_reason),
	  UNIT(folders_of_one_second_do_not_meet))
