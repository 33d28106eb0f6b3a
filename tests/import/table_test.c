/* Tables become sessions: what stands in the cells is what is scored; what is wrong is said with its line. */
#include "unit.h"
#include <anzen/import.h>
#include <anzen/session.h>
#include <glib/gstdio.h>

static const char mapping_text[] =
	"anzen: mapping/1\n"
	"id: example\n"
	"time: {column: t, unit: ms, offset: 1 s}\n"
	"signals:\n"
	"  mannequin.height:\n"
	"    {column: height, unit: mm, origin: stimulus, max_gap: 20 ms, bandwidth: 50 Hz,\n"
	"     max_slew: 12 m/s, range: [0 m, 3 m], u_common: 2 mm, dof: 50, u_sample: 1 mm}\n"
	"  product.alarm: {column: alarm, unit: '1', origin: response, boolean: true}\n"
	"events: [{at: 1.02 s, name: probe.positive-control}]\n"
	"judge:\n"
	"  truth: {fall: {onset: 'mannequin.height < 0.9 m'}}\n"
	"  parameters: {limit: 10 s}\n";

typedef struct {
	char *dir, *csv, *map, *out;
} Place;

static void place_init(Place *p, const char *csv, const char *map)
{
	p->dir = g_dir_make_tmp("anzen-import-XXXXXX", NULL);
	p->csv = g_build_filename(p->dir, "table.csv", NULL);
	p->map = g_build_filename(p->dir, "map.yaml", NULL);
	p->out = g_build_filename(p->dir, "out.mcap", NULL);
	g_file_set_contents(p->csv, csv, -1, NULL);
	g_file_set_contents(p->map, map, -1, NULL);
}

static void place_clear(Place *p)
{
	g_unlink(p->csv);
	g_unlink(p->map);
	g_unlink(p->out);
	CU_ASSERT_EQUAL(g_rmdir(p->dir), 0); /* nothing else was left there */
	g_free(p->dir);
	g_free(p->csv);
	g_free(p->map);
	g_free(p->out);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static void cells_become_samples(void)
{
	g_auto(Place) p = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	place_init(&p,
		   "\xef\xbb\xbft,height,\"note, quoted\",alarm\r\n"
		   "0,1000,x,0\r\n"
		   "10.5,,\"a \"\"b\"\", c\",\r\n"
		   "\r\n"
		   "20.000001,899.5,,1\r\n"
		   "30,nan,,1\n",
		   mapping_text);
	UNIT_OK(import_table(p.csv, p.map, p.out, diag, &error), error);
	g_autoptr(SessionReader) reader = session_reader_open(p.out, &error);
	UNIT_OK(reader, error);
	if (!reader)
		return;
	const Recording *rec = session_reader_recording(reader);
	const Signal *h = recording_signal(rec, "mannequin.height"),
		     *a = recording_signal(rec, "product.alarm");
	CU_ASSERT_EQUAL(h->n, 3); /* the empty cell is no sample */
	CU_ASSERT_EQUAL(h->t_ns[1], 1020000001);
	CU_ASSERT_TRUE(h->v[1] == 899.5 && h->status[2] == SAMPLE_MISSING);
	CU_ASSERT_STRING_EQUAL(h->info.unit.symbol, "mm");
	CU_ASSERT_DOUBLE_EQUAL(h->info.max_slew, 12000, 1e-9); /* mm/s */
	CU_ASSERT_DOUBLE_EQUAL(h->info.range_hi, 3000, 1e-9);
	CU_ASSERT_TRUE(h->info.u_common == 2 && h->info.dof_common == 50 &&
		       isnan(h->info.u_clock_s));
	CU_ASSERT_EQUAL(h->info.max_gap_ns, 20 * CLOCK_MS);
	CU_ASSERT_EQUAL(a->n, 3);
	CU_ASSERT_TRUE(a->info.boolean && isinf(a->info.max_slew) &&
		       a->info.interp == SIGNAL_PREVIOUS);
	CU_ASSERT_TRUE(rec->complete && rec->evidence == EVIDENCE_REPLAY);
	CU_ASSERT_EQUAL(rec->start_ns, CLOCK_S);
	CU_ASSERT_EQUAL(rec->end_ns, CLOCK_S + 30 * CLOCK_MS);
	CU_ASSERT_EQUAL(rec->events->len, 3);
	g_autoptr(JudgeSpec) judge = session_reader_judge(reader, &error);
	UNIT_OK(judge, error);
	CU_ASSERT_STRING_EQUAL(((TruthSpec *)judge->truths->pdata[0])->onset,
			       "mannequin.height < 0.9 m");
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	CU_ASSERT_EQUAL(names->len, 3);
	CU_ASSERT_STRING_EQUAL(names->pdata[0], "import/map.yaml");
	g_autoptr(SessionCheck) check = session_verify(p.out, NULL);
	CU_ASSERT_TRUE(check->ok);
}

/* Every refusal names file and line, and leaves nothing behind. */
static void wrong_tables_are_refused_with_their_line(void)
{
	static const struct {
		const char *csv;
		unsigned line, column;
	} bad[] = {
		{"", 1, 1},
		{"t,height\n0,1\n", 1, 1},                /* no alarm */
		{"t,height,alarm,t\n0,1,0,0\n", 1, 4},    /* t twice */
		{"t,height,alarm\n0,1,0\n1,x,0\n", 3, 2}, /* no number */
		{"t,height,alarm\n0,0x10,0\n", 2, 2},     /* hexadecimal */
		{"t,height,alarm\n0,1e999,0\n", 2, 2},    /* infinite */
		{"t,height,alarm\n0,1,0.5\n", 2, 3},      /* no boolean */
		{"t,height,alarm\n5,1,0\n4,1,0\n", 3, 2}, /* time goes back */
		{"t,height,alarm\n-2000,1,0\n", 2, 1},    /* negative after the offset */
		{"t,height,alarm\n0,1\n", 2, 1},          /* too few cells */
		{"t,height,alarm\n0,\"1,0\n", 2, 0},      /* no end of the quotes */
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_auto(Place) p = {0};
		g_autoptr(GError) error = NULL;
		g_autoptr(Diagnostics) diag = diagnostics_new();
		place_init(&p, bad[i].csv, mapping_text);
		CU_ASSERT_FALSE(import_table(p.csv, p.map, p.out, diag, &error));
		CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
		bool found = false;
		for (size_t k = 0; k < diagnostics_count(diag); k++) {
			const Diagnostic *d = diagnostics_get(diag, k);
			found |= d->line == bad[i].line && d->column == bad[i].column &&
				 !strcmp(d->file, p.csv);
		}
		if (!found)
			fprintf(stderr, "case %zu: %s\n", i, error ? error->message : "no error");
		CU_ASSERT_TRUE(found);
		CU_ASSERT_FALSE(g_file_test(p.out, G_FILE_TEST_EXISTS));
	}
}

static void wrong_mappings_are_refused_with_their_line(void)
{
	static const struct {
		const char *from, *to;
		unsigned line;
	} bad[] = {
		{"unit: mm", "unit: parsec", 6},
		{"max_slew: 12 m/s", "max_slew: 12 m", 7},
		{"u_common: 2 mm", "u_common: 2 s", 7},
		{"range: [0 m, 3 m]", "range: [3 m, 0 m]", 7},
		{"origin: stimulus", "origin: truth", 6},
		{"dof: 50", "dofs: 50", 7},
		{"u_sample: 1 mm", "u_sample: -1 mm", 7},
		{"mapping/1", "mapping/9", 1},
		{"unit: ms", "unit: fortnight", 3},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_auto(Place) p = {0};
		g_autoptr(GError) error = NULL;
		g_autoptr(Diagnostics) diag = diagnostics_new();
		g_auto(GStrv) parts = g_strsplit(mapping_text, bad[i].from, 2);
		CU_ASSERT_EQUAL(g_strv_length(parts), 2);
		g_autofree char *text = g_strjoinv(bad[i].to, parts);
		place_init(&p, "t,height,alarm\n0,1,0\n", text);
		CU_ASSERT_FALSE(import_table(p.csv, p.map, p.out, diag, &error));
		CU_ASSERT_TRUE(diagnostics_errors(diag) >= 1);
		bool found = false;
		for (size_t k = 0; k < diagnostics_count(diag); k++)
			found |= diagnostics_get(diag, k)->line == bad[i].line;
		if (!found)
			fprintf(stderr, "case %zu: %s\n", i, error ? error->message : "no error");
		CU_ASSERT_TRUE(found);
	}
}

static void an_existing_file_is_never_overwritten(void)
{
	g_auto(Place) p = {0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autofree char *kept = NULL;
	place_init(&p, "t,height,alarm\n0,1,0\n", mapping_text);
	g_file_set_contents(p.out, "precious", -1, NULL);
	CU_ASSERT_FALSE(import_table(p.csv, p.map, p.out, diag, NULL));
	g_file_get_contents(p.out, &kept, NULL, NULL);
	CU_ASSERT_STRING_EQUAL(kept, "precious");
}

/* A logger that stamps in whole ms: three rows of one ms, in their order. */
static void rows_of_one_time_stay_in_their_order(void)
{
	g_auto(Place) p = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	place_init(&p, "t,height,alarm\n0,1,0\n5,2,0\n5,3,0\n5,4,1\n6,5,1\n", mapping_text);
	UNIT_OK(import_table(p.csv, p.map, p.out, diag, &error), error);
	g_autoptr(Recording) rec = session_load(p.out, &error);
	UNIT_OK(rec != NULL, error);
	const Signal *s = recording_signal(rec, "mannequin.height");
	CU_ASSERT_EQUAL(s->n, 5);
	for (size_t i = 0; i < s->n; i++)
		CU_ASSERT_EQUAL(s->v[i], (double)i + 1);
	/* Read 1 ns apart, since a signal has one value at a time. */
	CU_ASSERT_EQUAL(s->t_ns[1], 1005 * CLOCK_MS);
	CU_ASSERT_EQUAL(s->t_ns[2], 1005 * CLOCK_MS + 1);
	CU_ASSERT_EQUAL(s->t_ns[3], 1005 * CLOCK_MS + 2);
	CU_ASSERT_EQUAL(s->t_ns[4], 1006 * CLOCK_MS);
	CU_ASSERT_EQUAL(rec->faults->len, 0);
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(rec->meta, "import.equal_times"), "4");
}

static const char dated[] =
	"anzen: mapping/1\n"
	"id: dated\n"
	"delimiter: '|'\n"
	"time: {column: WHEN, unit: date, zone: '+02:00'}\n"
	"signals:\n"
	"  belt.x: {column: X, unit: m/s2, origin: stimulus, where: {SOURCE: TAG}}\n"
	"  wrist.x: {column: X, unit: m/s2, origin: stimulus, where: {SOURCE: WATCH}}\n";

/* 2022-11-04 12:30:36.123 at +02:00 is 10:30:36.123 UTC; date -u -d '2022-11-04 10:30:36' +%s says 1667557836. */
static void one_column_of_two_sources_becomes_two_signals(void)
{
	g_auto(Place) p = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	place_init(&p,
		   "WHEN|SOURCE|X\n2022-11-04 12:30:36.123|TAG|1.5\n"
		   "2022-11-04T12:30:36.2|WATCH|2.5\n2022-11-04 12:30:37|TAG|3.5\n",
		   dated);
	UNIT_OK(import_table(p.csv, p.map, p.out, diag, &error), error);
	g_autoptr(Recording) rec = session_load(p.out, &error);
	UNIT_OK(rec != NULL, error);
	const Signal *belt = recording_signal(rec, "belt.x"),
		     *wrist = recording_signal(rec, "wrist.x");
	CU_ASSERT_EQUAL(belt->n, 2);
	CU_ASSERT_EQUAL(belt->t_ns[0], 1667557836 * CLOCK_S + 123 * CLOCK_MS);
	CU_ASSERT_EQUAL(belt->v[1], 3.5);
	CU_ASSERT_EQUAL(wrist->n, 1);
	CU_ASSERT_EQUAL(wrist->t_ns[0], 1667557836 * CLOCK_S + 200 * CLOCK_MS);
}

static void a_date_without_its_zone_is_refused(void)
{
	g_auto(Place) p = {0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_auto(GStrv) parts = g_strsplit(dated, ", zone: '+02:00'", 2);
	g_autofree char *map = g_strjoinv("", parts);
	place_init(&p, "WHEN|SOURCE|X\n2022-11-04 12:30:36|TAG|1\n", map);
	CU_ASSERT_FALSE(import_table(p.csv, p.map, p.out, diag, NULL));
	CU_ASSERT_EQUAL(diagnostics_get(diag, 0)->line, 4);
}

static void a_table_without_headings_is_read_by_numbers(void)
{
	g_auto(Place) p = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	place_init(&p, "1489536000\t21.5\n1489536600\t21.4\n",
		   "anzen: mapping/1\nid: flat\ndelimiter: tab\nheadings: false\n"
		   "time: {column: '1', unit: s}\n"
		   "signals: {room.temperature: {column: '2', unit: degC, origin: stimulus}}\n");
	UNIT_OK(import_table(p.csv, p.map, p.out, diag, &error), error);
	g_autoptr(Recording) rec = session_load(p.out, &error);
	UNIT_OK(rec != NULL, error);
	const Signal *s = recording_signal(rec, "room.temperature");
	CU_ASSERT_EQUAL(s->n, 2);
	CU_ASSERT_EQUAL(s->t_ns[1], 1489536600 * CLOCK_S);
	CU_ASSERT_EQUAL(s->v[0], 21.5);
}

UNIT_MAIN("import.table", UNIT(rows_of_one_time_stay_in_their_order),
	  UNIT(one_column_of_two_sources_becomes_two_signals),
	  UNIT(a_date_without_its_zone_is_refused),
	  UNIT(a_table_without_headings_is_read_by_numbers), UNIT(cells_become_samples),
	  UNIT(wrong_tables_are_refused_with_their_line),
	  UNIT(wrong_mappings_are_refused_with_their_line),
	  UNIT(an_existing_file_is_never_overwritten))
