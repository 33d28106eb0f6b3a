/* The recorder and the loader: what went in comes out. */
#include "sample.h"

static GByteArray *recorded(SampleResult *ret)
{
	g_autoptr(GError) error = NULL;
	GByteArray *bytes = g_byte_array_new();
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	UNIT_OK(sample_record(&sink, NULL, NULL, NULL, ret, &error), error);
	return bytes;
}

static SessionReader *opened(const GByteArray *bytes, McapSource *source)
{
	g_autoptr(GError) error = NULL;
	mcap_memory_source(bytes->data, bytes->len, source);
	SessionReader *reader = session_reader_open_source(source, &error);
	UNIT_OK(reader, error);
	return reader;
}

static void every_sample_comes_back_bit_for_bit(void)
{
	SampleResult result = {0};
	g_autoptr(GByteArray) bytes = recorded(&result);
	g_auto(McapSource) source = {0};
	g_autoptr(SessionReader) reader = opened(bytes, &source);
	const Recording *rec = session_reader_recording(reader);
	const Signal *h = recording_signal(rec, "mannequin.height"),
		     *f = recording_signal(rec, "floor.force"),
		     *l = recording_signal(rec, "room.illuminance");
	CU_ASSERT_EQUAL(h->n, SAMPLE_FAST);
	CU_ASSERT_EQUAL(f->n, SAMPLE_FAST);
	CU_ASSERT_EQUAL(l->n, SAMPLE_SLOW);
	for (int i = 0; i < SAMPLE_FAST; i++) {
		CU_ASSERT_EQUAL(h->t_ns[i], SAMPLE_START + i * SAMPLE_FAST_STEP);
		CU_ASSERT_TRUE(h->v[i] == sample_height(i));
		CU_ASSERT_TRUE(i == 700 ? isnan(f->v[i]) && f->status[i] == SAMPLE_MISSING
					: f->v[i] == i);
	}
	CU_ASSERT_TRUE(l->v[3] == 150.25 + 150);
	CU_ASSERT_EQUAL(l->status[2], SAMPLE_STALE);
	CU_ASSERT_EQUAL(l->status[3], SAMPLE_OK);
	g_free(result.sha256);
}

static void everything_a_signal_declares_comes_back(void)
{
	SampleResult result = {0};
	g_autoptr(GByteArray) bytes = recorded(&result);
	g_auto(McapSource) source = {0};
	g_autoptr(SessionReader) reader = opened(bytes, &source);
	const SignalInfo *h =
		&recording_signal(session_reader_recording(reader), "mannequin.height")->info;
	const SignalInfo *l =
		&recording_signal(session_reader_recording(reader), "room.illuminance")->info;
	CU_ASSERT_STRING_EQUAL(h->unit.symbol, "m");
	CU_ASSERT_EQUAL(h->origin, ORIGIN_STIMULUS);
	CU_ASSERT_EQUAL(h->interp, SIGNAL_LINEAR);
	CU_ASSERT_EQUAL(h->max_gap_ns, 5 * CLOCK_MS);
	CU_ASSERT_TRUE(h->bandwidth_hz == 50 && h->max_slew == 12.5 && h->range_lo == 0 &&
		       h->range_hi == 3);
	CU_ASSERT_TRUE(h->u_common == 0.0021 && isinf(h->dof_common) && h->u_sample == 0.1 + 0.2 &&
		       h->u_clock_s == 1e-6);
	CU_ASSERT_STRING_EQUAL(h->serial, "string-pot-0007");
	CU_ASSERT_STRING_EQUAL(h->certificate, "2026-10-01, valid until 2027-10-01");
	CU_ASSERT_PTR_NULL(h->certificate_fault);
	CU_ASSERT_FALSE(h->exogenous || h->affected_by_product || h->boolean);
	CU_ASSERT_EQUAL(l->origin, ORIGIN_LABEL);
	CU_ASSERT_EQUAL(l->interp, SIGNAL_PREVIOUS);
	CU_ASSERT_TRUE(l->exogenous && isnan(l->range_hi));
	CU_ASSERT_STRING_EQUAL(l->certificate_fault, "expired");
	g_free(result.sha256);
}

static void events_faults_meta_and_attachments_come_back(void)
{
	SampleResult result = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) bytes = recorded(&result);
	g_auto(McapSource) source = {0};
	g_autoptr(SessionReader) reader = opened(bytes, &source);
	const Recording *rec = session_reader_recording(reader);
	CU_ASSERT_EQUAL(rec->events->len, 12); /* start, ten marks, end */
	const Event *mark = rec->events->pdata[1];
	CU_ASSERT_STRING_EQUAL(mark->name, "mark.step");
	CU_ASSERT_STRING_EQUAL(mark->json, "{\"i\":1,\"ja\":\"転倒\"}");
	CU_ASSERT_EQUAL(mark->t_ns, SAMPLE_START + 99 * SAMPLE_FAST_STEP);
	CU_ASSERT_EQUAL(rec->faults->len, 1);
	const Fault *fault = rec->faults->pdata[0];
	CU_ASSERT_STRING_EQUAL(fault->cause, "froze: \"45\" equal frames");
	CU_ASSERT_TRUE(fault->proven && fault->blame == BLAME_BENCH &&
		       fault->until_ns == SAMPLE_START + 2 * CLOCK_S);
	CU_ASSERT_EQUAL(rec->start_ns, SAMPLE_START);
	CU_ASSERT_EQUAL(rec->end_ns, SAMPLE_END);
	CU_ASSERT_TRUE(rec->complete && !rec->incomplete_why);
	CU_ASSERT_EQUAL(rec->evidence, EVIDENCE_LOCK_STEP);
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(rec->meta, "product"), "fall-watch 転倒");
	g_autoptr(GBytes) scenario = session_reader_attachment(reader, "scenario.yaml", &error);
	UNIT_OK(scenario, error);
	CU_ASSERT_EQUAL(g_bytes_get_size(scenario), 18);
	CU_ASSERT_EQUAL(memcmp(g_bytes_get_data(scenario, NULL), "anzen: scenario/1\n", 18), 0);
	CU_ASSERT_PTR_NULL(session_reader_attachment(reader, "rig.yaml", NULL));
	g_free(result.sha256);
}

typedef struct {
	int n, keys;
	bool good;
} FrameCount;

static bool count_frame(const Frame *frame, void *data)
{
	FrameCount *count = data;
	int i = (int)frame->sequence - 1000;
	count->good &= i == count->n && frame->size == 300 && frame->width == 640 &&
		       frame->height == 360 &&
		       frame->capture_ns == SAMPLE_START + i * 33 * CLOCK_MS &&
		       frame->receipt_ns == frame->capture_ns + 2 * CLOCK_MS &&
		       frame->capture_u_ns == 12345 && !strcmp(frame->format, "h264") &&
		       frame->data[299] == (uint8_t)(i * 7 + 299) && frame->key == (i % 30 == 0);
	count->n++;
	count->keys += frame->key;
	return true;
}

static void frames_come_back_in_capture_order(void)
{
	SampleResult result = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) bytes = recorded(&result);
	g_auto(McapSource) source = {0};
	g_autoptr(SessionReader) reader = opened(bytes, &source);
	FrameCount count = {.good = true};
	UNIT_OK(session_reader_frames(reader, "camera.main", 0, 0, count_frame, &count, &error),
		error);
	CU_ASSERT_TRUE(count.good);
	CU_ASSERT_EQUAL(count.n, SAMPLE_FRAMES);
	CU_ASSERT_EQUAL(count.keys, 2);
	CU_ASSERT_EQUAL(session_reader_cameras(reader), 1);
	CU_ASSERT_EQUAL(session_reader_camera(reader, 0)->frames, SAMPLE_FRAMES);
	CU_ASSERT_FALSE(
		session_reader_frames(reader, "camera.other", 0, 0, count_frame, &count, NULL));
	g_free(result.sha256);
}

static void the_same_recording_gives_the_same_bytes(void)
{
	SampleResult a = {0}, b = {0};
	g_autoptr(GByteArray) x = recorded(&a), y = recorded(&b);
	g_autofree char *whole = session_sha256(x->data, x->len);
	CU_ASSERT_EQUAL(x->len, y->len);
	CU_ASSERT_STRING_EQUAL(a.sha256, b.sha256);
	CU_ASSERT_STRING_EQUAL(a.sha256, whole);
	g_free(a.sha256);
	g_free(b.sha256);
}

static void a_sealed_session_verifies(void)
{
	SampleResult result = {0};
	g_autoptr(GByteArray) bytes = recorded(&result);
	g_auto(McapSource) source = {0};
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(SessionCheck) check = session_verify_source(&source, NULL);
	CU_ASSERT_TRUE(check->ok && check->sealed && !check->truncated);
	CU_ASSERT_PTR_NULL(check->problem);
	CU_ASSERT_EQUAL(check->unchained, 0);
	CU_ASSERT_STRING_EQUAL(check->sha256, result.sha256);
	/* Seven chunks of signals (0.3 s each), seven of frames, one of schemas, each with a link, and the last link. */
	CU_ASSERT_EQUAL(check->links, check->chunks + 1);
	CU_ASSERT_TRUE(check->chunks >= 13);
	g_free(result.sha256);
}

/* The chain is what catches a change whose CRCs were made to fit again. */
static void a_changed_byte_anywhere_is_found(void)
{
	SampleResult result = {0};
	g_autoptr(GByteArray) bytes = recorded(&result);
	unsigned unseen = 0, tried = 0;
	for (guint i = 0; i < bytes->len;
	     i += i < 4096 || i + 4096 > bytes->len ? 7 : 61, tried++) {
		g_auto(McapSource) source = {0};
		bytes->data[i] ^= 0x10;
		mcap_memory_source(bytes->data, bytes->len, &source);
		g_autoptr(SessionCheck) check = session_verify_source(&source, NULL);
		g_autoptr(SessionReader) reader = session_reader_open_source(&source, NULL);
		bool complete = reader && session_reader_recording(reader)->complete;
		if (check->ok || complete || check->offset > bytes->len)
			unseen++;
		bytes->data[i] ^= 0x10;
	}
	CU_ASSERT_TRUE(tried > 1000);
	CU_ASSERT_EQUAL(unseen, 0);
	g_free(result.sha256);
}

static void a_full_ring_is_a_proven_fault_of_the_bench_and_a_flood_is_the_products(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(Clock) clock = clock_manual_new(CLOCK_S);
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	SessionOptions options = {.sink = &sink, .clock = clock, .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	SignalInfo info;
	sample_info(&info, "x", "m");
	int x = session_writer_add_signal(w, &info, 1000);
	signal_info_clear(&info);
	SessionProducer *bench = session_writer_add_producer(w, "node-a", SESSION_BENCH);
	SessionProducer *product = session_writer_add_producer(w, "fall-watch", SESSION_PRODUCT);
	UNIT_OK(session_writer_start(w, &error), error);
	unsigned refused = 0, flooded = 0;
	for (int i = 0; i < 40000; i++)
		refused += !session_sample(bench, x, CLOCK_S + i, 0, SAMPLE_OK);
	for (int i = 0; i < 40000; i++)
		flooded += !session_event(product, CLOCK_S + i, "alarm", NULL);
	CU_ASSERT_TRUE(refused > 0 && flooded > 0);
	UNIT_OK(session_writer_finish(w, "test", NULL, &error), error);
	SessionStats stats;
	session_writer_stats(w, &stats);
	CU_ASSERT_EQUAL(stats.lost, refused + flooded);
	CU_ASSERT_EQUAL(stats.samples, 40000 - refused);

	g_auto(McapSource) source = {0};
	g_autoptr(SessionReader) reader = opened(bytes, &source);
	const Recording *rec = session_reader_recording(reader);
	CU_ASSERT_EQUAL(rec->faults->len, 2);
	bool bench_told = false, product_told = false;
	for (guint i = 0; i < rec->faults->len; i++) {
		const Fault *f = rec->faults->pdata[i];
		bench_told |= f->blame == BLAME_BENCH && f->proven && strstr(f->cause, "node-a");
		product_told |=
			f->blame == BLAME_PRODUCT && f->proven && strstr(f->cause, "fall-watch");
	}
	CU_ASSERT_TRUE(bench_told && product_told);
	CU_ASSERT_FALSE(rec->complete);
	CU_ASSERT_STRING_EQUAL(rec->incomplete_why, "test");
}

static void a_sample_out_of_order_is_told(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(Clock) clock = clock_manual_new(CLOCK_S);
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	SessionOptions options = {.sink = &sink, .clock = clock, .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	SignalInfo info;
	sample_info(&info, "x", "m");
	int x = session_writer_add_signal(w, &info, 1000);
	signal_info_clear(&info);
	SessionProducer *p = session_writer_add_producer(w, "node-a", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_sample(p, x, 10, 1, SAMPLE_OK);
	session_sample(p, x, 9, 2, SAMPLE_OK);
	session_sample(p, x, 11, 3, SAMPLE_OK);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	g_auto(McapSource) source = {0};
	g_autoptr(SessionReader) reader = opened(bytes, &source);
	const Recording *rec = session_reader_recording(reader);
	CU_ASSERT_EQUAL(recording_signal(rec, "x")->n, 2);
	CU_ASSERT_EQUAL(rec->faults->len, 1);
	CU_ASSERT_EQUAL(((Fault *)rec->faults->pdata[0])->t_ns, 9);
	CU_ASSERT_FALSE(rec->complete); /* no run.start, no run.end */
}

static void attachment_names_stay_inside_and_unique(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(Clock) clock = clock_manual_new(0);
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	SessionOptions options = {.sink = &sink, .clock = clock, .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, NULL);
	static const char *const bad[] = {"",     "/etc/passwd", "../x", "a/../b",
					  "a//b", "a\\b",        "./a"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		CU_ASSERT_FALSE(session_writer_attach(w, bad[i], NULL, "x", 1, NULL));
	CU_ASSERT_TRUE(session_writer_attach(w, "maps/io.yaml", NULL, "x", 1, NULL));
	CU_ASSERT_FALSE(session_writer_attach(w, "maps/io.yaml", NULL, "y", 1, NULL));
}

static void the_judge_specification_comes_back(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(Clock) clock = clock_manual_new(0);
	g_autoptr(JudgeSpec) spec = judge_spec_new();
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	SessionOptions options = {.sink = &sink, .clock = clock, .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, NULL);
	TruthSpec *truth = g_new0(TruthSpec, 1);
	*truth = (TruthSpec){g_strdup("fall"), g_strdup("h < 0.9 m"), NULL};
	g_ptr_array_add(spec->truths, truth);
	g_ptr_array_add(spec->stimulus, g_strdup("always[0 s, 3.9 s] (h > \"x\")"));
	Quantity limit = {10.5, unit_second};
	g_hash_table_insert(spec->parameters, g_strdup("limit"), g_memdup2(&limit, sizeof(limit)));
	spec->heartbeat = g_strdup("product.heartbeat");
	spec->heartbeat_ns = 3 * CLOCK_S;
	spec->max_cpu_wait = 0.25;
	UNIT_OK(session_writer_attach_judge(w, spec, &error), error);
	UNIT_OK(session_writer_start(w, &error), error);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);

	g_auto(McapSource) source = {0};
	g_autoptr(SessionReader) reader = opened(bytes, &source);
	g_autoptr(JudgeSpec) back = session_reader_judge(reader, &error);
	UNIT_OK(back, error);
	if (!back)
		return;
	CU_ASSERT_STRING_EQUAL(((TruthSpec *)back->truths->pdata[0])->onset, "h < 0.9 m");
	CU_ASSERT_PTR_NULL(((TruthSpec *)back->truths->pdata[0])->end);
	CU_ASSERT_STRING_EQUAL(back->stimulus->pdata[0], "always[0 s, 3.9 s] (h > \"x\")");
	const Quantity *q = g_hash_table_lookup(back->parameters, "limit");
	CU_ASSERT_TRUE(q && q->value == 10.5 && !strcmp(q->unit.symbol, "s"));
	CU_ASSERT_STRING_EQUAL(back->heartbeat, "product.heartbeat");
	CU_ASSERT_PTR_NULL(back->positive_control);
	CU_ASSERT_EQUAL(back->heartbeat_ns, 3 * CLOCK_S);
	CU_ASSERT_TRUE(back->max_cpu_wait == 0.25);
}

UNIT_MAIN("session", UNIT(every_sample_comes_back_bit_for_bit),
	  UNIT(everything_a_signal_declares_comes_back),
	  UNIT(events_faults_meta_and_attachments_come_back),
	  UNIT(frames_come_back_in_capture_order), UNIT(the_same_recording_gives_the_same_bytes),
	  UNIT(a_sealed_session_verifies), UNIT(a_changed_byte_anywhere_is_found),
	  UNIT(a_full_ring_is_a_proven_fault_of_the_bench_and_a_flood_is_the_products),
	  UNIT(a_sample_out_of_order_is_told), UNIT(attachment_names_stay_inside_and_unique),
	  UNIT(the_judge_specification_comes_back))
