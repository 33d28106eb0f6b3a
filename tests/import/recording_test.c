/* Small recordings made here, byte by byte: what each encoding means, what is left and why, which time counts. */
#include "values.h"

#include <anzen/mcap.h>

static char *dir, *path, *out;

/* ---- an MCAP of others --------------------------------------------------------------------------------------- */

typedef struct {
	GByteArray *bytes;
	McapSink sink;
	McapWriter *w;
	uint16_t last;
} Foreign;

static void foreign_init(Foreign *f)
{
	McapWriterOptions options = mcap_writer_defaults;
	f->bytes = g_byte_array_new();
	f->last = 0;
	mcap_memory_sink(f->bytes, &f->sink);
	f->w = mcap_writer_new(&f->sink, &options, NULL);
}

static uint16_t foreign_channel(Foreign *f, const char *topic, const char *encoding,
				const char *type, const char *schema_encoding, const void *schema,
				size_t size)
{
	uint16_t id = ++f->last;
	CU_ASSERT_TRUE(mcap_writer_schema(f->w, id, type, schema_encoding, schema, size, NULL));
	CU_ASSERT_TRUE(mcap_writer_channel(f->w, id, id, topic, encoding, NULL, 0, NULL));
	return id;
}

static void foreign_message(Foreign *f, uint16_t id, int64_t log_ns, int64_t publish_ns,
			    const void *data, size_t size)
{
	CU_ASSERT_TRUE(mcap_writer_message(f->w, id, 0, (uint64_t)log_ns, (uint64_t)publish_ns,
					   data, size, NULL));
}

static void foreign_json(Foreign *f, uint16_t id, int64_t t, const char *text)
{
	foreign_message(f, id, t, t, text, strlen(text));
}

static void foreign_save(Foreign *f)
{
	CU_ASSERT_TRUE(mcap_writer_finish(f->w, NULL));
	g_file_set_contents(path, (char *)f->bytes->data, (gssize)f->bytes->len, NULL);
	mcap_writer_free(f->w);
	g_byte_array_unref(f->bytes);
}

static ImportReport *import_as(const ImportOptions *options, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	ImportReport *report = NULL;
	g_unlink(out);
	if (import_recording(path, options, out, &report, diag, &error))
		return report;
	CU_ASSERT_EQUAL(error->code, ANZEN_ERROR_INPUT);
	CU_ASSERT_FALSE(g_file_test(out, G_FILE_TEST_EXISTS));
	if (ret_why)
		*ret_why = g_strdup(error->message);
	else
		fprintf(stderr, "%s\n", error->message);
	import_report_free(report);
	return NULL;
}

static const Signal *signal_of(const Recording *rec, const char *name, size_t n)
{
	const Signal *s = rec ? recording_signal(rec, name) : NULL;
	if (!s || s->n != n)
		fprintf(stderr, "%s: %zu samples, expected %zu\n", name, s ? s->n : 0, n);
	CU_ASSERT_TRUE(s && s->n == n);
	return s && s->n == n ? s : NULL;
}

static double value_at(const Recording *rec, const char *name, size_t n, size_t k)
{
	const Signal *s = signal_of(rec, name, n);
	return s ? s->v[k] : (double)NAN;
}

/* ---- encodings ------------------------------------------------------------------------------------------------ */

static void json_is_flattened_by_its_values(void)
{
	Foreign f;
	const ImportOptions options = {0};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/room", "json", "Room", "jsonschema", "{}", 2);
	foreign_json(&f, id, 1000,
		     "{\"temp\": 21.5, \"open\": true, \"at\": [1, 2e1], \"name\": \"a\"}");
	foreign_json(&f, id, 2000, "{\"temp\":-1,\"open\":false,\"deep\":{\"x\":3},\"none\":null}");
	foreign_json(&f, id, 3000, "{\"temp\": 1, \"open\": ");
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	CU_ASSERT_EQUAL(value_at(rec, "room.temp", 2, 0), 21.5);
	CU_ASSERT_EQUAL(value_at(rec, "room.temp", 2, 1), -1);
	CU_ASSERT_EQUAL(value_at(rec, "room.open", 2, 0), 1);
	CU_ASSERT_EQUAL(value_at(rec, "room.at.1", 1, 0), 20);
	CU_ASSERT_EQUAL(value_at(rec, "room.deep.x", 1, 0), 3);
	CU_ASSERT_TRUE(recording_signal(rec, "room.open")->info.boolean);
	CU_ASSERT_PTR_NULL(recording_signal(rec, "room.none"));
	/* The third message is cut: nothing of it is taken, and its place is told. */
	CU_ASSERT_EQUAL(r->messages, 3);
	CU_ASSERT_EQUAL(r->taken, 2);
	const ImportTopic *topic = r->topics->pdata[0];
	const ImportReason *why = topic->left->pdata[0];
	CU_ASSERT_EQUAL(why->n, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why->what, "byte 20 of the message, open"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why->where, "byte "));
}

/* The least int64 has no positive: as seconds of a time it is none, but two numbers. */
static void a_time_beyond_all_times_is_none(void)
{
	Foreign f;
	const ImportOptions options = {0};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/room", "json", "Room", "jsonschema", "{}", 2);
	foreign_json(&f, id, 1000, "{\"at\": {\"sec\": -9223372036854775808, \"nsec\": 5}}");
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	CU_ASSERT_TRUE(r && r->taken == 1);
	CU_ASSERT_EQUAL(value_at(rec, "room.at.sec", 1, 0), -9223372036854775808.0);
	CU_ASSERT_EQUAL(value_at(rec, "room.at.nsec", 1, 0), 5);
}

static void nobody_knows_an_imported_number(void)
{
	Foreign f;
	const ImportOptions options = {0};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/room", "json", "Room", "jsonschema", "{}", 2);
	foreign_json(&f, id, 1000, "{\"temp\": 21.5}");
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	const Signal *s = signal_of(rec, "room.temp", 1);
	CU_ASSERT_PTR_NOT_NULL(r);
	if (!s)
		return;
	Unit kelvin;
	CU_ASSERT_TRUE(unit_parse("K", &kelvin, NULL));
	CU_ASSERT_STRING_EQUAL(s->info.unit.symbol, "unknown");
	CU_ASSERT_FALSE(unit_is_dimensionless(&s->info.unit));
	CU_ASSERT_FALSE(unit_compatible(&s->info.unit, &kelvin));
	CU_ASSERT_PTR_NOT_NULL(s->info.certificate_fault);
	CU_ASSERT_TRUE(isnan(s->info.u_common));
	CU_ASSERT_EQUAL(s->info.origin, ORIGIN_CLAIM); /* so that it is never truth */
	CU_ASSERT_TRUE(s->info.affected_by_product);
	CU_ASSERT_EQUAL(rec->evidence, EVIDENCE_REPLAY);
}

/* CDR by hand: header 00 01 00 00, then aligned to the size of each primitive from there:
 * uint8 at 0, pad to 4, int32 at 4, float64 at 8, string at 16 (length 3 with NUL), bool at 23, pad, uint16[2] at 24. */
static const char cdr_definition[] = "uint8 small # comment\n"
				     "int32 CONST=5\n"
				     "int32 signed\n"
				     "float64 big 2.5\n"
				     "string<=9 word\n"
				     "bool yes\n"
				     "pkg/Pair[<=3] pairs\n"
				     "================================\n"
				     "MSG: pkg/Pair\n"
				     "uint16[2] p\n";
static const uint8_t cdr_message[] = {
	0,    1,    0,    0,                            /* little-endian */
	7,    0,    0,    0,                            /* small, padding */
	0xfe, 0xff, 0xff, 0xff,                         /* -2 */
	0,    0,    0,    0,    0,    0,    0xf8, 0x3f, /* 1.5 */
	3,    0,    0,    0,    'h',  'i',  0,    1,    /* "hi", true */
	1,    0,    0,    0,    0x34, 0x12, 0xff, 0xff, /* one pair: 0x1234, 65535 */
};

static void cdr_is_read_with_its_alignment(void)
{
	Foreign f;
	const ImportOptions options = {0};
	uint8_t big[sizeof(cdr_message)] = {0,    0,    0, 0, 7, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe,
					    0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0,    0,    0,    3,
					    'h',  'i',  0, 1, 0, 0, 0, 1, 0x12, 0x34, 0xff, 0xff};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/a/b", "cdr", "pkg/msg/Root", "ros2msg", cdr_definition,
				      strlen(cdr_definition));
	foreign_message(&f, id, 10, 10, cdr_message, sizeof(cdr_message));
	foreign_message(&f, id, 20, 20, big, sizeof(big));
	foreign_message(&f, id, 30, 30, cdr_message, sizeof(cdr_message) - 1);
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	for (size_t k = 0; k < 2; k++) {
		CU_ASSERT_EQUAL(value_at(rec, "a.b.small", 2, k), 7);
		CU_ASSERT_EQUAL(value_at(rec, "a.b.signed", 2, k), -2);
		CU_ASSERT_EQUAL(value_at(rec, "a.b.big", 2, k), 1.5);
		CU_ASSERT_EQUAL(value_at(rec, "a.b.yes", 2, k), 1);
		CU_ASSERT_EQUAL(value_at(rec, "a.b.pairs.0.p.0", 2, k), 0x1234);
		CU_ASSERT_EQUAL(value_at(rec, "a.b.pairs.0.p.1", 2, k), 65535);
	}
	CU_ASSERT_TRUE(r && r->taken == 2 && r->messages == 3);
}

/* FileDescriptorSet by hand; tags are number << 3 | wire:
 * file { name "a", package "p", syntax "proto3", message { name "M", x double = 1; n sint32 = 2; on bool = 3;
 * r repeated uint32 = 4 } } */
static const uint8_t descriptor[] = {
	0x0a, 64, /* file: 14 + 50 */
	0x0a, 1,  'a',  0x12, 1,   'p',  0x62, 6,    'p',  'r',  'o',  't', 'o', '3', /* 14 */
	0x22, 48,                                                         /* message: 3 + 45 */
	0x0a, 1,  'M',                                                    /* 3 */
	0x12, 9,  0x0a, 1,    'x', 0x18, 1,    0x20, 1,    0x28, 1,       /* 11: double */
	0x12, 9,  0x0a, 1,    'n', 0x18, 2,    0x20, 1,    0x28, 17,      /* 11: sint32 */
	0x12, 10, 0x0a, 2,    'o', 'n',  0x18, 3,    0x20, 1,    0x28, 8, /* 12: bool */
	0x12, 9,  0x0a, 1,    'r', 0x18, 4,    0x20, 3,    0x28, 13,      /* 11: repeated uint32 */
};

/* What of OMG IDL 4.2 is not read says so by line and word; nothing is read half. */
static void idl_that_is_not_read_says_what_and_where(void)
{
	static const char *const bodies[][2] = {
		{"union U switch (long) { case 1: long a; };\nstruct S { U u; };", "'union'"},
		{"enum C { RED, GREEN };\nstruct S { C c; long after; };",
		 "does not define p/C, which it uses"},
		{"bitmask F { A, B };\nstruct S { F b; };", "'bitmask'"},
		{"struct S { double m[2][3]; };", "expected ;, found '['"},
		{"const long N = 3;\nstruct S { double a[N]; };",
		 "length of a plain array, found 'N'"},
		{"struct S { sequence<sequence<double>> m; };", "a sequence of single values"},
		{"struct S { map<string, long> m; };", "expected ;, found 'string'"},
		{"struct S { long double m; };", "line 2 of its definition"},
		{"struct B { long a; };\nstruct S : B { long b; };",
		 "line 3 of its definition: expected {, found ':'"},
		{"struct S { @optional long a; long b; long c; long d; };", "no optional member"},
		{"struct S { long a, b; };", "found ','"},
		{"struct S { q::msg::T s; };", "does not define q/T"},
		{"struct S { wstring s; };", "wide text"},
	};
	const uint8_t data[] = {0, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0};
	const ImportOptions options = {0};
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		Foreign f;
		g_autofree char *why = NULL,
				*idl = g_strdup_printf("module p { module msg {\n%s\n}; };",
						       bodies[i][0]);
		foreign_init(&f);
		uint16_t id =
			foreign_channel(&f, "/s", "cdr", "p/msg/S", "ros2idl", idl, strlen(idl));
		foreign_message(&f, id, 1000, 1000, data, sizeof(data));
		foreign_save(&f);
		CU_ASSERT_PTR_NULL(import_as(&options, &why));
		if (!why || !strstr(why, bodies[i][1]))
			fprintf(stderr, "%s: %s\n", bodies[i][0], why ? why : "");
		CU_ASSERT_TRUE(why && strstr(why, bodies[i][1]));
	}
}

static void protobuf_is_read_through_its_descriptor(void)
{
	Foreign f;
	const ImportOptions options = {0};
	/* x = 0.5; n = -3 (zigzag 5); r packed 1, 300; unknown field 9 = 1; `on` absent: false. */
	static const uint8_t message[] = {0x09, 0, 0,    0, 0, 0,    0,    0xe0, 0x3f,
					  0x10, 5, 0x22, 3, 1, 0xac, 0x02, 0x48, 1};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/m", "protobuf", "p.M", "protobuf", descriptor,
				      sizeof(descriptor));
	foreign_message(&f, id, 10, 10, message, sizeof(message));
	foreign_message(&f, id, 20, 20, message, 5); /* cut */
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	CU_ASSERT_EQUAL(value_at(rec, "m.x", 1, 0), 0.5);
	CU_ASSERT_EQUAL(value_at(rec, "m.n", 1, 0), -3);
	CU_ASSERT_EQUAL(value_at(rec, "m.on", 1, 0), 0);
	CU_ASSERT_EQUAL(value_at(rec, "m.r.0", 1, 0), 1);
	CU_ASSERT_EQUAL(value_at(rec, "m.r.1", 1, 0), 300);
	CU_ASSERT_TRUE(r && r->taken == 1 && r->messages == 2);
}

/* ROS 1: packed; byte is signed; time is two uint32; an array of 200 is longer than the 128 that are taken. */
static void ros1_is_packed_and_long_arrays_are_left(void)
{
	Foreign f;
	const ImportOptions options = {0};
	static const char definition[] = "Header header\nbyte b\nfloat32 f\nuint16[] ranges\n"
					 "=====\nMSG: std_msgs/Header\nuint32 seq\ntime stamp\n"
					 "string frame_id\n";
	uint8_t message[20 + 1 + 4 + 4 + 400] = {9, 0, 0,    0,    2,   0, 0,   0,   0,   0,
						 0, 0, 3,    0,    0,   0, 'm', 'a', 'p', 0xff,
						 0, 0, 0x20, 0x40, 200, 0, 0,   0};
	size_t size = 16 + 3 + 1 + 4 + 4 + 400;
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/scan", "ros1", "pkg/Scan", "ros1msg", definition,
				      strlen(definition));
	foreign_message(&f, id, 2500000000, 2400000000, message, size);
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	CU_ASSERT_EQUAL(value_at(rec, "scan.b", 1, 0), -1);
	CU_ASSERT_EQUAL(value_at(rec, "scan.f", 1, 0), 2.5);
	CU_ASSERT_EQUAL(value_at(rec, "scan.header.seq", 1, 0), 9);
	/* Both other times are kept as what is to be added: 2.4 − 2.5 s and 2.0 − 2.5 s. */
	CU_ASSERT_DOUBLE_EQUAL(value_at(rec, "scan.time.publish", 1, 0), -0.1, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(value_at(rec, "scan.time.stamp", 1, 0), -0.5, 1e-12);
	CU_ASSERT_PTR_NULL(recording_signal(rec, "scan.ranges.0"));
	const ImportTopic *topic = r ? r->topics->pdata[0] : NULL;
	CU_ASSERT_TRUE(topic && topic->lost->len == 1);
	CU_ASSERT_TRUE(topic && strstr(((ImportReason *)topic->lost->pdata[0])->what, "200"));
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static void the_time_is_chosen_and_the_others_are_kept(void)
{
	static const struct {
		ImportTime time;
		int64_t t;
		const char *other;
		double lag;
	} cases[] = {{IMPORT_TIME_LOG, 3000000000, "x.time.stamp", -2},
		     {IMPORT_TIME_PUBLISH, 2000000000, "x.time.log", 1},
		     {IMPORT_TIME_STAMP, 1000000000, "x.time.publish", 1}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		Foreign f;
		const ImportOptions options = {.time = cases[i].time};
		const char *text = "{\"header\":{\"stamp\":{\"sec\":1,\"nsec\":0}},\"v\":5}";
		foreign_init(&f);
		uint16_t id = foreign_channel(&f, "x", "json", "X", "jsonschema", "", 0);
		foreign_message(&f, id, 3000000000, 2000000000, text, strlen(text));
		foreign_save(&f);
		g_autoptr(ImportReport) r = import_as(&options, NULL);
		g_autoptr(Recording) rec = session_load(out, NULL);
		const Signal *s = signal_of(rec, "x.v", 1);
		CU_ASSERT_TRUE(r && s && s->t_ns[0] == cases[i].t);
		CU_ASSERT_EQUAL(value_at(rec, cases[i].other, 1, 0), cases[i].lag);
	}
}

static void bursts_keep_the_order_of_the_file(void)
{
	Foreign f;
	const ImportOptions options = {0};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "x", "json", "X", "jsonschema", "", 0);
	foreign_json(&f, id, 900, "{\"v\":5}"); /* later than what follows: sorted */
	foreign_json(&f, id, 500, "{\"v\":1}");
	foreign_json(&f, id, 500, "{\"v\":2}");
	foreign_json(&f, id, 500, "{\"v\":3}");
	foreign_json(&f, id, 600, "{\"v\":4}");
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	for (size_t k = 0; k < 5; k++)
		CU_ASSERT_EQUAL(value_at(rec, "x.v", 5, k), (double)k + 1);
	CU_ASSERT_TRUE(r && r->equal_times == 2);
	CU_ASSERT_TRUE(rec && rec->faults->len == 0);
	/* The file itself holds the times as they were: 500, 500, 500, 600, 900. */
	g_auto(McapSource) source = {0};
	CU_ASSERT_TRUE(mcap_file_source(out, &source, NULL));
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, NULL);
	McapRecord record;
	g_autoptr(GString) times = g_string_new(NULL);
	while (mcap_reader_next(reader, &record, NULL) == MCAP_NEXT_RECORD)
		if (record.opcode == MCAP_MESSAGE && record.message.channel_id > 2)
			g_string_append_printf(times, "%d ", (int)record.message.log_time);
	CU_ASSERT_STRING_EQUAL(times->str, "500 500 500 600 900 ");
}

/* ---- mappings, pictures, damage ------------------------------------------------------------------------------- */

static void a_mapping_names_fields_and_their_units(void)
{
	Foreign f;
	g_autofree char *map = g_build_filename(dir, "map.yaml", NULL);
	const ImportOptions options = {.mapping = map};
	g_file_set_contents(
		map,
		"anzen: mapping/1\nid: room\nothers: leave\nsignals:\n"
		"  room.temperature: {field: /room.temp, unit: degC, origin: stimulus}\n",
		-1, NULL);
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/room", "json", "Room", "jsonschema", "{}", 2);
	foreign_json(&f, id, 1000, "{\"temp\": 21.5, \"other\": 1}");
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	const Signal *s = signal_of(rec, "room.temperature", 1);
	CU_ASSERT_TRUE(s && !strcmp(s->info.unit.symbol, "degC"));
	CU_ASSERT_TRUE(s && s->info.origin == ORIGIN_STIMULUS && !s->info.certificate_fault);
	CU_ASSERT_TRUE(rec && g_hash_table_size(rec->signals) == 1);
	/* A field that is not there: the mapping's line. */
	g_file_set_contents(
		map,
		"anzen: mapping/1\nid: room\nsignals:\n"
		"  room.temperature: {field: /room.tmep, unit: degC, origin: stimulus}\n",
		-1, NULL);
	g_autofree char *why = NULL;
	CU_ASSERT_PTR_NULL(import_as(&options, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "map.yaml:4"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "did you mean '/room.temp'"));
	g_unlink(map);
}

static bool count_frame(const Frame *frame, void *data)
{
	GString *seen = data;
	g_string_append_printf(seen, "%s %zu %d;", frame->format, frame->size, frame->key);
	return true;
}

/* foxglove.CompressedVideo in JSON: data in base64. "AAAAAWU=" is 00 00 00 01 65: a unit of type 5, a key frame. */
static void pictures_are_kept_as_frames(void)
{
	Foreign f;
	const ImportOptions options = {.camera = "camera.main"};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "/video", "json", "foxglove.CompressedVideo",
				      "jsonschema", "{}", 2);
	foreign_json(
		&f, id, 1000,
		"{\"timestamp\":{\"sec\":0,\"nsec\":400},\"frame_id\":\"c\",\"format\":\"h264\","
		"\"data\":\"AAAAAWU=\"}");
	foreign_json(&f, id, 2000, "{\"format\":\"h264\",\"data\":\"AAAAAUE=\"}");
	foreign_json(&f, id, 3000, "{\"format\":\"vp9\",\"data\":\"AAAAAUE=\"}");
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(SessionReader) reader = session_reader_open(out, NULL);
	g_autoptr(GString) seen = g_string_new(NULL);
	CU_ASSERT_TRUE(r && r->frames == 2 && r->taken == 2 && r->messages == 3);
	CU_ASSERT_TRUE(reader &&
		       session_reader_frames(reader, "camera.main", 0, 0, count_frame, seen, NULL));
	CU_ASSERT_STRING_EQUAL(seen->str, "h264 5 1;h264 5 0;");
}

static void a_damaged_recording_is_refused_or_salvaged(void)
{
	Foreign f;
	g_autofree char *why = NULL, *bytes = NULL;
	gsize size;
	ImportOptions options = {0};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "x", "json", "X", "jsonschema", "", 0);
	foreign_json(&f, id, 500, "{\"v\":1}");
	CU_ASSERT_TRUE(mcap_writer_flush(f.w, 0, NULL));
	foreign_json(&f, id, 600, "{\"v\":2}");
	foreign_save(&f);
	g_file_get_contents(path, &bytes, &size, NULL);
	char *second = memmem(bytes, size, "{\"v\":2}", 7);
	second[5] = '9'; /* its chunk's CRC no longer agrees */
	g_file_set_contents(path, bytes, (gssize)size, NULL);
	CU_ASSERT_PTR_NULL(import_as(&options, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "--salvage"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "byte "));
	options.salvage = true;
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(Recording) rec = session_load(out, NULL);
	CU_ASSERT_EQUAL(value_at(rec, "x.v", 1, 0), 1);
	CU_ASSERT_TRUE(r && r->incomplete);
	CU_ASSERT_TRUE(rec && !rec->complete);
}

static void the_session_says_where_it_comes_from(void)
{
	Foreign f;
	const ImportOptions options = {0};
	foreign_init(&f);
	uint16_t id = foreign_channel(&f, "x", "json", "X", "jsonschema", "", 0);
	foreign_json(&f, id, 500, "{\"v\":1}");
	foreign_save(&f);
	g_autoptr(ImportReport) r = import_as(&options, NULL);
	g_autoptr(SessionReader) reader = session_reader_open(out, NULL);
	GHashTable *meta = session_reader_recording(reader)->meta;
	g_autofree char *command = g_strdup_printf("sha256sum %s", path), *printed = NULL;
	CU_ASSERT_TRUE(g_spawn_command_line_sync(command, &printed, NULL, NULL, NULL));
	const char *hash = g_hash_table_lookup(meta, "import.sha256");
	CU_ASSERT_TRUE(hash && printed && !strncmp(printed, hash, 64));
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(meta, "import.source"), "in.mcap");
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(meta, "import.format"), "MCAP");
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(meta, "import.time"), "log");
	g_autoptr(GBytes) report = session_reader_attachment(reader, "import/report.json", NULL);
	CU_ASSERT_PTR_NOT_NULL(report);
	/* A session of ours is none to import. */
	g_autofree char *why = NULL, *bytes = NULL;
	gsize size;
	g_file_get_contents(out, &bytes, &size, NULL);
	g_file_set_contents(path, bytes, (gssize)size, NULL);
	CU_ASSERT_PTR_NULL(import_as(&options, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "already"));
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(json_is_flattened_by_its_values),
		UNIT(a_time_beyond_all_times_is_none),
		UNIT(nobody_knows_an_imported_number),
		UNIT(cdr_is_read_with_its_alignment),
		UNIT(idl_that_is_not_read_says_what_and_where),
		UNIT(protobuf_is_read_through_its_descriptor),
		UNIT(ros1_is_packed_and_long_arrays_are_left),
		UNIT(the_time_is_chosen_and_the_others_are_kept),
		UNIT(bursts_keep_the_order_of_the_file),
		UNIT(a_mapping_names_fields_and_their_units),
		UNIT(pictures_are_kept_as_frames),
		UNIT(a_damaged_recording_is_refused_or_salvaged),
		UNIT(the_session_says_where_it_comes_from),
	};
	dir = g_dir_make_tmp("anzen-recording-XXXXXX", NULL);
	path = g_build_filename(dir, "in.mcap", NULL);
	out = g_build_filename(dir, "out.mcap", NULL);
	int result = unit_run("import.recording", tests, G_N_ELEMENTS(tests), argc, argv);
	g_unlink(path);
	g_unlink(out);
	result |= g_rmdir(dir) != 0; /* nothing else was left there */
	g_free(dir);
	g_free(path);
	g_free(out);
	return result;
}
