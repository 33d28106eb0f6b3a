/* Cut, merge, redaction: what is kept is what was, what is withheld is nowhere, and the trace says so and can be checked. */
#include "copy.h"
#include "sample.h"
#include <glib/gstdio.h>

static char *dir;

static char *path(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

static char *record(const char *name)
{
	char *file = path(name);
	g_autoptr(GError) error = NULL;
	SampleResult result = {0};
	UNIT_OK(sample_record(NULL, file, NULL, NULL, &result, &error), error);
	g_free(result.sha256);
	return file;
}

static SessionReader *open_whole(const char *file)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SessionCheck) check = session_verify(file, NULL);
	SessionReader *reader = session_reader_open(file, &error);
	UNIT_OK(reader, error);
	CU_ASSERT_TRUE(check && check->ok);
	if (check && !check->ok)
		fprintf(stderr, "%s: %s\n", file, check->problem);
	return reader;
}

static void drop(SessionEdit *edit)
{
	g_clear_pointer(&edit->sha256, g_free);
}

static bool count_frame(const Frame *frame, void *data)
{
	(void)frame;
	(*(unsigned *)data)++;
	return true;
}

/* ---- cut ------------------------------------------------------------------------------------- */

/* From 0.501 s to 1 s: fast samples of 0.500 (the one before) to 0.998 s: 250; slow ones of 0.5 to 0.9 s: 5; key frames
 * at 0 and 0.99 s, so pictures of 0 to 0.99 s: 31; events at 0 (the start), 0.598 and 0.798 and 0.998 s. */
static void a_cut_keeps_its_span_and_what_holds_at_its_beginning(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("cut.mcap");
	g_autoptr(GError) error = NULL;
	SessionEdit edit = {0};
	UNIT_OK(session_cut(file, 501 * CLOCK_MS, CLOCK_S, out, &edit, &error), error);
	g_autofree char *hash = session_sha256_file(out, NULL);
	CU_ASSERT_STRING_EQUAL(hash, edit.sha256);
	g_autoptr(SessionReader) reader = open_whole(out);
	const Recording *rec = session_reader_recording(reader);
	const Signal *h = recording_signal(rec, "mannequin.height"),
		     *l = recording_signal(rec, "room.illuminance");
	unsigned frames = 0;
	CU_ASSERT_FALSE(rec->complete);
	CU_ASSERT_PTR_NOT_NULL(strstr(rec->incomplete_why, "only 0.501 s to 1.000 s"));
	CU_ASSERT_EQUAL(rec->start_ns, SAMPLE_START);
	CU_ASSERT_EQUAL(h->n, 250);
	CU_ASSERT_EQUAL(h->t_ns[0], SAMPLE_START + 500 * CLOCK_MS);
	CU_ASSERT_EQUAL(h->t_ns[249], SAMPLE_START + 998 * CLOCK_MS);
	CU_ASSERT_EQUAL(l->n, 5);
	CU_ASSERT_EQUAL(l->v[0], 150.25 + 250);
	CU_ASSERT_EQUAL(rec->events->len, 4);
	UNIT_OK(session_reader_frames(reader, "camera.main", 0, 0, count_frame, &frames, &error),
		error);
	CU_ASSERT_EQUAL(frames, 31);
	g_autoptr(GBytes) attached = session_reader_attachment(reader, "scenario.yaml", &error);
	CU_ASSERT_TRUE(attached && g_bytes_get_size(attached) == 18);
	drop(&edit);
	/* Never over a file that exists, and nothing half is left. */
	CU_ASSERT_FALSE(session_cut(file, 0, CLOCK_S, out, &edit, NULL));
	CU_ASSERT_FALSE(session_cut(file, 5 * CLOCK_S, 6 * CLOCK_S, out, &edit, NULL));
	g_unlink(file);
	g_unlink(out);
}

/* ---- merge ----------------------------------------------------------------------------------- */

static bool dump_frame(const Frame *f, void *data)
{
	g_autofree char *hash = session_sha256(f->data, f->size);
	g_string_append_printf(
		data,
		"%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT " %d %dx%d %s\n",
		f->capture_ns, f->receipt_ns, f->sequence, f->key, f->width, f->height, hash);
	return true;
}

/* Everything that a loader gives, as text. */
static char *dump(const char *file)
{
	g_autoptr(SessionReader) reader = open_whole(file);
	const Recording *rec = session_reader_recording(reader);
	static const char *const names[] = {"mannequin.height", "floor.force", "room.illuminance"};
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const Signal *s = recording_signal(rec, names[i]);
		for (size_t k = 0; s && k < s->n; k++)
			g_string_append_printf(text, "%s %" G_GINT64_FORMAT " %.17g %d\n", names[i],
					       s->t_ns[k], s->v[k], s->status[k]);
	}
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = rec->events->pdata[i];
		g_string_append_printf(text, "%" G_GINT64_FORMAT " %s %s\n", e->t_ns, e->name,
				       e->json ? e->json : "");
	}
	for (guint i = 0; i < rec->faults->len; i++) {
		const Fault *f = rec->faults->pdata[i];
		g_string_append_printf(text, "%" G_GINT64_FORMAT " %s %s\n", f->t_ns, f->source,
				       f->cause);
	}
	session_reader_frames(reader, "camera.main", 0, 0, dump_frame, text, NULL);
	return g_string_free(text, FALSE);
}

static void cuts_that_are_merged_give_the_recording_again_but_decide_nothing(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("m.mcap");
	const int64_t seams[] = {INT64_MIN, 333 * CLOCK_MS, 1200 * CLOCK_MS, CLOCK_NEVER};
	char *parts[3];
	g_autoptr(GError) error = NULL;
	SessionEdit edit = {0};
	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("part%d.mcap", i);
		parts[i] = path(name);
		UNIT_OK(session_cut(file, seams[i], seams[i + 1], parts[i], &edit, &error), error);
		drop(&edit);
	}
	UNIT_OK(session_merge((const char *const *)parts, 3, MERGE_BENCH, 0, out, &edit, &error),
		error);
	g_autofree char *before = dump(file), *after = dump(out);
	CU_ASSERT_STRING_EQUAL(before, after);
	g_autoptr(Recording) rec = session_load(out, &error);
	CU_ASSERT_FALSE(rec->complete);
	CU_ASSERT_EQUAL(rec->evidence, EVIDENCE_LOCK_STEP);
	drop(&edit);
	g_unlink(out);
	/* In another order of time, or one twice with other contents between: refused. */
	const char *const wrong[] = {parts[1], parts[0]};
	CU_ASSERT_FALSE(session_merge(wrong, 2, MERGE_BENCH, 0, out, &edit, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "order of time"));
	CU_ASSERT_FALSE(g_file_test(out, G_FILE_TEST_EXISTS));
	for (int i = 0; i < 3; i++) {
		g_unlink(parts[i]);
		g_free(parts[i]);
	}
	g_unlink(file);
}

/* A second recorder: one signal of its own from 100 s on its own clock, its run.start at 100 s. */
static char *record_other(const char *signal, const char *unit, SignalOrigin origin)
{
	char *file = path("other.mcap");
	g_autoptr(Clock) clock = clock_manual_new(100 * CLOCK_S);
	SessionOptions options = {
		.path = file, .clock = clock, .evidence = EVIDENCE_REPLAY, .inline_writer = true};
	g_autoptr(GError) error = NULL;
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	SignalInfo info;
	sample_info(&info, signal, unit);
	info.origin = origin;
	session_writer_attach(w, "scenario.yaml", NULL, "another\n", 8, &error);
	int id = session_writer_add_signal(w, &info, 10);
	SessionProducer *p = session_writer_add_producer(w, "other", SESSION_BENCH);
	session_writer_start(w, &error);
	session_event(p, 100 * CLOCK_S, "run.start", NULL);
	for (int i = 0; i < 10; i++)
		session_sample(p, id, 100 * CLOCK_S + i * 100 * CLOCK_MS, i, SAMPLE_OK);
	session_event(p, 101 * CLOCK_S, "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	signal_info_clear(&info);
	return file;
}

static void another_recorders_session_is_merged_with_its_uncertainty_of_time(void)
{
	g_autofree char *file = record("a.mcap"),
			*other = record_other("wrist.pulse", "Hz", ORIGIN_STIMULUS),
			*out = path("m.mcap");
	const char *const parts[] = {file, other};
	g_autoptr(GError) error = NULL;
	SessionEdit edit = {0};
	UNIT_OK(session_merge(parts, 2, MERGE_START, 30 * CLOCK_MS, out, &edit, &error), error);
	g_autoptr(SessionReader) reader = open_whole(out);
	const Recording *rec = session_reader_recording(reader);
	const Signal *pulse = recording_signal(rec, "wrist.pulse"),
		     *h = recording_signal(rec, "mannequin.height");
	CU_ASSERT_TRUE(rec->complete);
	CU_ASSERT_EQUAL(rec->evidence, EVIDENCE_REPLAY); /* the weaker of the two */
	CU_ASSERT_EQUAL(rec->start_ns, SAMPLE_START);
	CU_ASSERT_EQUAL(rec->end_ns, SAMPLE_END);
	CU_ASSERT_TRUE(pulse && pulse->n == 10 && pulse->t_ns[3] == SAMPLE_START + 300 * CLOCK_MS &&
		       pulse->v[3] == 3);
	/* √(1 µs² + 30 ms²) */
	CU_ASSERT_DOUBLE_EQUAL(pulse->info.u_clock_s, 0.03, 1e-9);
	CU_ASSERT_EQUAL(h->info.u_clock_s, 1e-6);
	g_autoptr(GBytes) first = session_reader_attachment(reader, "scenario.yaml", NULL);
	g_autoptr(GBytes) second =
		session_reader_attachment(reader, "merged/2/scenario.yaml", NULL);
	CU_ASSERT_TRUE(first && g_bytes_get_size(first) == 18);
	CU_ASSERT_TRUE(second && g_bytes_get_size(second) == 8);
	g_autofree char *hash = session_sha256_file(other, NULL);
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(rec->meta, "merged.2.sha256"), hash);
	drop(&edit);
	g_unlink(other);
	g_unlink(out);
	g_free(other);
	/* The same signal in two recordings: the alarm of one behind the silence of the other. */
	other = record_other("mannequin.height", "m", ORIGIN_STIMULUS);
	const char *const clash[] = {file, other};
	CU_ASSERT_FALSE(session_merge(clash, 2, MERGE_BENCH, 0, out, &edit, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "not pieces of one"));
	g_clear_error(&error);
	g_unlink(other);
	g_free(other);
	/* Nor an answer that the product gave in another run. */
	other = record_other("product.alarm", "1", ORIGIN_RESPONSE);
	const char *const answer[] = {file, other};
	CU_ASSERT_FALSE(session_merge(answer, 2, MERGE_BENCH, 0, out, &edit, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "cannot come from another"));
	g_unlink(file);
	g_unlink(other);
}

/* ---- redaction ------------------------------------------------------------------------------- */

static gboolean redact(const char *file, const SessionWithheld *const *parts, size_t n,
		       const char *out, GError **error)
{
	SessionRedaction redaction = {
		.parts = parts, .n_parts = n, .reason = "privacy", .by = "lab"};
	SessionEdit edit = {0};
	gboolean good = session_redact(file, &redaction, out, &edit, error);
	drop(&edit);
	return good;
}

static gboolean withhold(const char *file, SessionWithheldKind kind, const char *name,
			 int64_t from_ns, int64_t to_ns, const char *out, GError **error)
{
	g_autoptr(SessionWithheld) part = session_withheld_new(kind, name);
	const SessionWithheld *const parts[] = {part};
	part->from_ns = from_ns;
	part->to_ns = to_ns;
	return redact(file, parts, 1, out, error);
}

typedef struct {
	const char *topic; /* of the messages to look for */
	GHashTable *payloads;
	unsigned found;
} Search;

/* The payloads of a topic, or how many of another file's messages have one of them. */
static void search(const char *file, Search *s, bool collect)
{
	g_auto(McapSource) source = {0};
	McapRecord r;
	g_autofree char *channel = NULL;
	uint16_t id = 0;
	CU_ASSERT_TRUE(mcap_file_source(file, &source, NULL));
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, NULL);
	while (mcap_reader_next(reader, &r, NULL) == MCAP_NEXT_RECORD) {
		if (r.opcode == MCAP_CHANNEL && mcap_text_equal(r.channel.topic, s->topic))
			id = r.channel.id;
		if (r.opcode != MCAP_MESSAGE)
			continue;
		char *key = session_sha256(r.message.data.data, r.message.data.size);
		s->found += !collect && g_hash_table_contains(s->payloads, key);
		if (collect && r.message.channel_id == id)
			g_hash_table_add(s->payloads, key);
		else
			g_free(key);
	}
}

static void a_withheld_signal_is_nowhere_and_proves_nothing(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("r.mcap"), *why = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) payloads =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Search s = {"/signals/mannequin.height", payloads, 0};
	UNIT_OK(withhold(file, WITHHELD_SIGNAL, "mannequin.height", INT64_MIN, CLOCK_NEVER, out,
			 &error),
		error);
	search(file, &s, true);
	CU_ASSERT_EQUAL(g_hash_table_size(payloads), 1000);
	search(out, &s, false);
	/* floor.force at 2 ms is 1 as well: the same bytes, and not withheld. */
	CU_ASSERT_EQUAL(s.found, 1);
	g_autoptr(SessionReader) reader = open_whole(out);
	const Recording *rec = session_reader_recording(reader);
	const Signal *h = recording_signal(rec, "mannequin.height"),
		     *f = recording_signal(rec, "floor.force");
	CU_ASSERT_TRUE(rec->complete);
	CU_ASSERT_EQUAL(h->n, 1);
	CU_ASSERT_TRUE(h->status[0] == SAMPLE_MISSING && isnan(h->v[0]));
	CU_ASSERT_STRING_EQUAL(h->info.certificate_fault, "withheld by redaction: privacy");
	CU_ASSERT_TRUE(f->n == 1000 && f->v[999] == 999 && !f->info.certificate_fault);
	CU_ASSERT_STRING_EQUAL(g_hash_table_lookup(rec->meta, "redacted"), "privacy");
	const GPtrArray *withheld = session_reader_withheld(reader);
	CU_ASSERT_EQUAL(withheld->len, 1);
	const SessionWithheld *w = withheld->pdata[0];
	CU_ASSERT_TRUE(w->kind == WITHHELD_SIGNAL && w->messages == 1000);
	CU_ASSERT_STRING_EQUAL(w->reason, "privacy");
	CU_ASSERT_TRUE(session_redaction_check(out, file, &why, &error));
	CU_ASSERT_PTR_NULL(why);
	g_unlink(file);
	g_unlink(out);
}

/* The hash of SessionWithheld by its description: one message of the light at 0.3 s. */
static void the_hash_of_what_is_withheld_is_the_documented_one(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("r.mcap");
	g_autoptr(GError) error = NULL;
	static const char payload[] =
		"{\"stamp\":{\"sec\":5,\"nsec\":300000000},\"value\":300.25,\"status\":\"ok\"}";
	const uint64_t t = GUINT64_TO_LE((uint64_t)(SAMPLE_START + 300 * CLOCK_MS));
	const uint32_t sequence = GUINT32_TO_LE(3u);
	const uint64_t size = GUINT64_TO_LE((uint64_t)(sizeof(payload) - 1));
	g_autoptr(GByteArray) b = g_byte_array_new();
	g_byte_array_append(b, (const uint8_t *)&t, 8);
	g_byte_array_append(b, (const uint8_t *)&t, 8);
	g_byte_array_append(b, (const uint8_t *)&sequence, 4);
	g_byte_array_append(b, (const uint8_t *)&size, 8);
	g_byte_array_append(b, (const uint8_t *)payload, sizeof(payload) - 1);
	g_autofree char *want = session_sha256(b->data, b->len);
	UNIT_OK(withhold(file, WITHHELD_SIGNAL, "room.illuminance", 250 * CLOCK_MS, 350 * CLOCK_MS,
			 out, &error),
		error);
	g_autoptr(SessionReader) reader = open_whole(out);
	const SessionWithheld *w = session_reader_withheld(reader)->pdata[0];
	CU_ASSERT_EQUAL(w->messages, 1);
	CU_ASSERT_STRING_EQUAL(w->sha256, want);
	const Signal *l = recording_signal(session_reader_recording(reader), "room.illuminance");
	CU_ASSERT_TRUE(l->n == 20 && l->status[3] == SAMPLE_MISSING && l->v[4] == 350.25);
	g_unlink(file);
	g_unlink(out);
}

/* Key frames at 0 and 0.99 s: what follows 0.5 s is made of what is withheld, up to 0.99 s. Frames 10 to 29. */
static void withheld_pictures_end_at_a_key_frame(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("r.mcap"), *why = NULL;
	g_autoptr(GError) error = NULL;
	unsigned frames = 0;
	UNIT_OK(withhold(file, WITHHELD_CAMERA, "camera.main", 330 * CLOCK_MS, 500 * CLOCK_MS, out,
			 &error),
		error);
	g_autoptr(SessionReader) reader = open_whole(out);
	const SessionWithheld *w = session_reader_withheld(reader)->pdata[0];
	CU_ASSERT_EQUAL(w->messages, 2 * 20); /* picture and what is known of it */
	CU_ASSERT_EQUAL(w->to_ns, SAMPLE_START + 990 * CLOCK_MS);
	session_reader_frames(reader, "camera.main", 0, 0, count_frame, &frames, NULL);
	CU_ASSERT_EQUAL(frames, SAMPLE_FRAMES - 20);
	CU_ASSERT_TRUE(session_reader_recording(reader)->complete);
	CU_ASSERT_TRUE(session_redaction_check(out, file, &why, &error));
	g_autoptr(SessionCheck) check = session_verify(out, NULL);
	CU_ASSERT_TRUE(check->redacted && check->original_kept > 10 &&
		       check->original_kept < check->original_records);
	g_unlink(file);
	g_unlink(out);
}

static void what_cannot_be_withheld_is_refused(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("r.mcap");
	static const struct {
		SessionWithheldKind kind;
		const char *name, *why;
		int64_t from_ns, to_ns;
	} wrong[] = {
		{WITHHELD_SIGNAL, "nobody", "no signal 'nobody'", INT64_MIN, CLOCK_NEVER},
		{WITHHELD_CAMERA, "nobody", "no camera 'nobody'", INT64_MIN, CLOCK_NEVER},
		{WITHHELD_ATTACHMENT, "nobody", "no attachment", INT64_MIN, CLOCK_NEVER},
		{WITHHELD_ATTACHMENT, "judge.json", "how the session is judged", INT64_MIN,
		 CLOCK_NEVER},
		{WITHHELD_EVENT, "mark.step", "verdicts may rest", INT64_MIN, CLOCK_NEVER},
		{WITHHELD_EVENT, "operator.note", "nothing in that span", INT64_MIN, CLOCK_NEVER},
		{WITHHELD_SIGNAL, "floor.force", "ends before it begins", CLOCK_S, 0},
		{WITHHELD_SIGNAL, "floor.force", "nothing in that span", 60 * CLOCK_S,
		 70 * CLOCK_S},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		CU_ASSERT_FALSE(withhold(file, wrong[i].kind, wrong[i].name, wrong[i].from_ns,
					 wrong[i].to_ns, out, &error));
		CU_ASSERT_TRUE(error && strstr(error->message, wrong[i].why));
		CU_ASSERT_EQUAL(anzen_error_exit(error), ANZEN_EXIT_INPUT);
		CU_ASSERT_FALSE(g_file_test(out, G_FILE_TEST_EXISTS));
	}
	g_unlink(file);
}

static char *record_notes(void)
{
	char *file = path("notes.mcap");
	g_autoptr(Clock) clock = clock_manual_new(CLOCK_S);
	SessionOptions options = {
		.path = file, .clock = clock, .evidence = EVIDENCE_VIRTUAL, .inline_writer = true};
	g_autoptr(GError) error = NULL;
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	SessionProducer *p = session_writer_add_producer(w, "operator", SESSION_BENCH);
	session_writer_start(w, &error);
	session_event(p, CLOCK_S, "run.start", NULL);
	session_event(p, 2 * CLOCK_S, "operator.note", "{\"text\": \"Mr Sato fell\"}");
	session_event(p, 3 * CLOCK_S, "mark.step", "{\"name\": \"operator.note\"}");
	session_event(p, 4 * CLOCK_S, "operator.noted", NULL);
	session_event(p, 5 * CLOCK_S, "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	return file;
}

static void a_note_is_withheld_and_what_only_looks_like_it_stays(void)
{
	g_autofree char *file = record_notes(), *out = path("r.mcap"), *why = NULL;
	g_autoptr(GError) error = NULL;
	UNIT_OK(withhold(file, WITHHELD_EVENT, "operator.note", INT64_MIN, CLOCK_NEVER, out,
			 &error),
		error);
	g_autoptr(SessionReader) reader = open_whole(out);
	const GPtrArray *events = session_reader_recording(reader)->events;
	const SessionWithheld *w = session_reader_withheld(reader)->pdata[0];
	CU_ASSERT_EQUAL(w->messages, 1);
	CU_ASSERT_EQUAL(events->len, 4);
	CU_ASSERT_STRING_EQUAL(((const Event *)events->pdata[1])->name, "mark.step");
	CU_ASSERT_STRING_EQUAL(((const Event *)events->pdata[2])->name, "operator.noted");
	CU_ASSERT_TRUE(session_redaction_check(out, file, &why, &error));
	g_unlink(file);
	g_unlink(out);
}

/* Somebody with our tools: copies a redacted file with one kept sample changed, under a chain of its own. */
static void forge(const char *from, const char *to)
{
	g_auto(McapSource) source = {0};
	g_auto(McapSink) sink = {0};
	g_auto(Walk) walk = {0};
	g_auto(ChainedFile) out = {0};
	g_auto(Copy) copy = {0};
	McapRecord r;
	unsigned n = 0;
	CU_ASSERT_TRUE(mcap_file_source(from, &source, NULL) && mcap_file_sink(to, &sink, NULL));
	CU_ASSERT_TRUE(chained_file_open(&out, &sink, clock_monotonic(), NULL));
	copy_init(&copy, &out);
	CU_ASSERT_TRUE(walk_open(&walk, &source, 0, NULL));
	while (walk_next(&walk, &r, NULL) == MCAP_NEXT_RECORD) {
		if (walk.in_summary)
			continue;
		if (r.opcode == MCAP_SCHEMA)
			copy_schema(&copy, &r.schema, NULL);
		else if (r.opcode == MCAP_CHANNEL)
			copy_channel(&copy, &r.channel, NULL, NULL, NULL);
		else if (r.opcode == MCAP_CHUNK)
			copy_close_chunks(&copy, NULL);
		else if (r.opcode == MCAP_METADATA)
			copy_metadata(&copy, &r, NULL);
		else if (r.opcode == MCAP_ATTACHMENT)
			copy_attachment(&copy, &r.attachment, NULL);
		else if (r.opcode == MCAP_MESSAGE) {
			McapMessage m = r.message;
			g_autofree uint8_t *data = g_memdup2(m.data.data, m.data.size);
			m.data.data = data;
			if (n++ == 700 &&
			    m.data.size == 21) /* a Sample: header, stamp, value, status */
				data[18] ^= 1;
			copy_message(&copy, &m, NULL);
		}
	}
	CU_ASSERT_TRUE(copy_close_chunks(&copy, NULL) && chained_file_finish(&out, NULL, NULL));
}

static void a_forged_redaction_is_found_with_the_original_at_hand(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("r.mcap"), *forged = path("f.mcap"),
			*other = record_other("x", "m", ORIGIN_STIMULUS), *why = NULL;
	g_autoptr(GError) error = NULL;
	UNIT_OK(withhold(file, WITHHELD_SIGNAL, "room.illuminance", INT64_MIN, CLOCK_NEVER, out,
			 &error),
		error);
	forge(out, forged);
	g_autoptr(SessionCheck) alone = session_verify(forged, NULL);
	g_autoptr(SessionCheck) honest = session_verify(out, NULL);
	CU_ASSERT_TRUE(alone->ok); /* it is whole: nobody can tell without the original */
	CU_ASSERT_EQUAL(alone->original_kept, honest->original_kept);
	CU_ASSERT_FALSE(session_redaction_check(forged, file, &why, &error));
	CU_ASSERT_TRUE(why && strstr(why, "messages of channel") && strstr(why, "differs"));
	g_clear_pointer(&why, g_free);
	CU_ASSERT_FALSE(session_redaction_check(out, other, &why, &error));
	CU_ASSERT_TRUE(why && strstr(why, "another file"));
	g_clear_pointer(&why, g_free);
	CU_ASSERT_FALSE(session_redaction_check(file, file, &why, &error));
	CU_ASSERT_TRUE(why && strstr(why, "no redacted session"));
	CU_ASSERT_PTR_NULL(error);
	/* And merged it would lose its trace. */
	const char *const parts[] = {out, other};
	SessionEdit edit;
	CU_ASSERT_FALSE(session_merge(parts, 2, MERGE_BENCH, 0, forged, &edit, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "merge first"));
	g_unlink(file);
	g_unlink(out);
	g_unlink(forged);
	g_unlink(other);
}

/* Twice redacted, both traces stand, and the second is checked against the first. */
static void a_second_redaction_keeps_the_first_ones_trace(void)
{
	g_autofree char *file = record("a.mcap"), *once = path("1.mcap"), *twice = path("2.mcap"),
			*why = NULL;
	g_autoptr(GError) error = NULL;
	UNIT_OK(withhold(file, WITHHELD_SIGNAL, "room.illuminance", INT64_MIN, CLOCK_NEVER, once,
			 &error),
		error);
	UNIT_OK(withhold(once, WITHHELD_CAMERA, "camera.main", INT64_MIN, CLOCK_NEVER, twice,
			 &error),
		error);
	g_autoptr(SessionReader) reader = open_whole(twice);
	CU_ASSERT_EQUAL(session_reader_withheld(reader)->len, 2);
	CU_ASSERT_TRUE(session_redaction_check(twice, once, &why, &error));
	CU_ASSERT_TRUE(session_redaction_check(once, file, &why, &error));
	g_unlink(file);
	g_unlink(once);
	g_unlink(twice);
}

static void a_cut_off_session_is_not_edited(void)
{
	g_autofree char *file = record("a.mcap"), *out = path("r.mcap"), *bytes = NULL;
	g_autoptr(GError) error = NULL;
	gsize size = 0;
	SessionEdit edit;
	g_file_get_contents(file, &bytes, &size, NULL);
	g_file_set_contents(file, bytes, (gssize)(size / 2), NULL);
	CU_ASSERT_FALSE(session_cut(file, 0, CLOCK_S, out, &edit, &error));
	CU_ASSERT_TRUE(error && strstr(error->message, "session recover"));
	CU_ASSERT_FALSE(g_file_test(out, G_FILE_TEST_EXISTS));
	g_unlink(file);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(a_cut_keeps_its_span_and_what_holds_at_its_beginning),
		UNIT(cuts_that_are_merged_give_the_recording_again_but_decide_nothing),
		UNIT(another_recorders_session_is_merged_with_its_uncertainty_of_time),
		UNIT(a_withheld_signal_is_nowhere_and_proves_nothing),
		UNIT(the_hash_of_what_is_withheld_is_the_documented_one),
		UNIT(withheld_pictures_end_at_a_key_frame),
		UNIT(what_cannot_be_withheld_is_refused),
		UNIT(a_note_is_withheld_and_what_only_looks_like_it_stays),
		UNIT(a_forged_redaction_is_found_with_the_original_at_hand),
		UNIT(a_second_redaction_keeps_the_first_ones_trace),
		UNIT(a_cut_off_session_is_not_edited)};
	dir = g_dir_make_tmp("anzen-edit-XXXXXX", NULL);
	int failed = unit_run("session.edit", tests, G_N_ELEMENTS(tests), argc, argv);
	if (g_rmdir(dir) != 0) { /* something half was left */
		fprintf(stderr, "%s is not empty\n", dir);
		failed = 1;
	}
	g_free(dir);
	return failed;
}
