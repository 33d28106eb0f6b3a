/* The main job on a table: CSV → session → `anzen score`, four verdicts worked out by hand.
 *
 * Height every 10 ms: 1.0 m until 2 s, then 1 m a second down: 1.0 - (t - 2) m, 0.1 m from 2.9 s on. truth.fall begins where
 * it passes 0.9 m, at 2.100 s. The pack's limit is 5 s. What is known of the onset:
 *	calibration  u = 2 mm, dof 50, and noise 1 mm over 1,000 samples: about 4.6 mm, so 4.6 ms at 1 m/s
 *	slew         1.2 m/s declared, 10 ms apart: the real crossing can be some ms off
 *	lag          1/(2 pi 50 Hz) = 3.2 ms
 *	clock        1 ms on both sides
 * so some 20 ms in all. Alarms and what follows:
 *	at 5.1 s: delay 3.0 s  → PASS          at 7.11 s: 5.01 s, 10 ms over the limit: within 20 ms → INCONCLUSIVE
 *	at 8.1 s: delay 6.0 s  → FAIL          at 5.1 s, but the height is missing from 1.5 to 3 s → INVALID
 */
#include "unit.h"
#include <anzen/criterion.h>
#include <anzen/import.h>
#include <anzen/session.h>
#include <glib/gstdio.h>
#include <sys/wait.h>

static const char mapping[] =
	"anzen: mapping/1\n"
	"id: table\n"
	"evidence: virtual\n"
	"time: {column: t, unit: s}\n"
	"start: 0 s\n"
	"end: 10 s\n"
	"signals:\n"
	"  mannequin.height:\n"
	"    {column: height, unit: m, origin: stimulus, max_gap: 15 ms, bandwidth: 50 Hz, "
	"max_slew: 1.2 m/s,\n"
	"     u_common: 2 mm, dof: 50, u_sample: 1 mm, u_clock: 1 ms}\n"
	"  product.alarm: {column: alarm, unit: '1', origin: response, boolean: true, interp: "
	"previous, u_clock: 1 ms}\n"
	"judge:\n"
	"  truth: {fall: {onset: 'mannequin.height < 0.9 m', end: 'mannequin.height < 0.3 m'}}\n"
	"  stimulus: ['always[0 s, 1.4 s] (mannequin.height > 0.95 m)']\n";

static const char pack[] =
	"anzen: criteria/1\n"
	"id: test/table\n"
	"version: 1.0.0\n"
	"decision: {rule: guarded, max_false_accept: 2.5 %, max_false_reject: 2.5 %}\n"
	"criteria:\n"
	"  delay:\n"
	"    title: {en: \"Alarm\", ja: \"通報\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: always (rise(truth.fall) -> eventually[0 s, $limit] rise(product.alarm))\n"
	"    measure: {value: 'delay(truth.fall, product.alarm)', unit: s, limit: $limit, good: "
	"below}\n"
	"    parameters: {limit: 5 s}\n"
	"    with: answer\n"
	"    source: {basis: lab decision, by: test}\n"
	"  answer:\n"
	"    title: {en: \"It answers at all\", ja: \"応答\"}\n"
	"    perspectives: [LIV-body]\n"
	"    formula: eventually (rise(product.alarm))\n"
	"    source: {basis: lab decision, by: test}\n";

typedef struct Place {
	char *dir, *csv, *map, *pack, *out;
} Place;

static void place_init(Place *p)
{
	p->dir = g_dir_make_tmp("anzen-table-XXXXXX", NULL);
	p->csv = g_build_filename(p->dir, "table.csv", NULL);
	p->map = g_build_filename(p->dir, "map.yaml", NULL);
	p->pack = g_build_filename(p->dir, "pack.yaml", NULL);
	p->out = g_build_filename(p->dir, "out.mcap", NULL);
	g_file_set_contents(p->map, mapping, -1, NULL);
	g_file_set_contents(p->pack, pack, -1, NULL);
}

static void place_clear(Place *p)
{
	char *all[] = {p->csv, p->map, p->pack, p->out};
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		g_unlink(all[i]);
		g_free(all[i]);
	}
	CU_ASSERT_EQUAL(g_rmdir(p->dir), 0);
	g_free(p->dir);
}

static void write_table(const Place *p, double alarm_s, bool hole)
{
	g_autoptr(GString) text = g_string_new("t,height,alarm\n");
	for (int i = 0; i <= 1001; i++) {
		double t = i * 0.01, h = t < 2 ? 1.0 : fmax(1.0 - (t - 2), 0.1);
		char number[32] = "";
		if (!hole || t < 1.5 || t > 3)
			g_ascii_formatd(number, sizeof(number), "%.4f", h);
		g_string_append_printf(text, "%d.%02d,%s,%d\n", i / 100, i % 100, number,
				       t >= alarm_s - 1e-9);
	}
	g_file_set_contents(p->csv, text->str, -1, NULL);
}

/* Exit code of `anzen score`, and its JSON. */
static int score(const Place *p, char **ret_json)
{
	const char *argv[] = {ANZEN_BINARY_DIR "/bin/anzen",
			      "score",
			      p->out,
			      "--criteria",
			      p->pack,
			      "--json",
			      NULL};
	int status = -1;
	g_autoptr(GError) error = NULL;
	if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL,
			  NULL, ret_json, NULL, &status, &error))
		fprintf(stderr, "%s\n", error->message);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static CriterionResult *result_of(const RunRecord *record, const char *id)
{
	for (guint i = 0; record && i < record->criteria->len; i++)
		if (!strcmp(((CriterionResult *)g_ptr_array_index(record->criteria, i))->id, id))
			return g_ptr_array_index(record->criteria, i);
	return NULL;
}

static void check(double alarm_s, bool hole, Verdict want, double delay_s, int exit)
{
	Place p;
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autofree char *json = NULL;
	place_init(&p);
	write_table(&p, alarm_s, hole);
	UNIT_OK(import_table(p.csv, p.map, p.out, diag, &error), error);
	diagnostics_print(diag, stderr);

	g_autoptr(SessionReader) reader = session_reader_open(p.out, &error);
	g_autoptr(JudgeSpec) spec = reader ? session_reader_judge(reader, &error) : NULL;
	g_autoptr(Pack) loaded = criterion_pack_load(p.pack, diag);
	diagnostics_print(diag, stderr);
	const char *ids[] = {"test/table/delay", NULL};
	g_autoptr(RunRecord) record = spec && loaded
					      ? criterion_judge(session_reader_recording(reader),
								&loaded, 1, ids, spec, &error)
					      : NULL;
	const CriterionResult *r = result_of(record, "test/table/delay");
	CU_ASSERT_TRUE(r && r->verdict == want);
	if (r && r->verdict != want)
		fprintf(stderr, "%s: %s\n", verdict_name(r->verdict), r->why);
	if (r && !isnan(delay_s)) {
		CU_ASSERT_DOUBLE_EQUAL(r->measured, delay_s, 0.002);
		CU_ASSERT_TRUE(r->uncertainty > 0.008 && r->uncertainty < 0.03);
	}
	CU_ASSERT_EQUAL(score(&p, &json), exit);
	CU_ASSERT_TRUE(json && strstr(json, verdict_name(want)));
	place_clear(&p);
}

static void three_seconds_pass(void)
{
	check(5.1, false, VERDICT_PASS, 3.0, 0);
}

static void six_seconds_fail(void)
{
	check(8.1, false, VERDICT_FAIL, 6.0, 1);
}

static void ten_milliseconds_over_are_within_the_uncertainty(void)
{
	check(7.11, false, VERDICT_INCONCLUSIVE, 5.01, 3);
}

static void a_hole_where_it_fell_is_invalid(void)
{
	check(5.1, true, VERDICT_INVALID, (double)NAN, 4);
}

UNIT_MAIN("criterion.csv", UNIT(three_seconds_pass), UNIT(six_seconds_fail),
	  UNIT(ten_milliseconds_over_are_within_the_uncertainty),
	  UNIT(a_hole_where_it_fell_is_invalid))
