/* The recorder dies at every write, or its medium refuses. Each time what was whole is recovered, what was acknowledged
 * is there, and what is missing is said. Killed processes and power loss: durability_test.c. */
#include "sample.h"

typedef struct {
	GByteArray *bytes; /* what reached the file */
	size_t synced;
	unsigned writes, syncs, calls_after_failure;
	unsigned die_at_write, fail_sync; /* 0: never; counted from 1 */
	bool dead;
	uint64_t acknowledged; /* events */
	int64_t now;
	SessionWriter *writer;
} Medium;

static gboolean refuse(Medium *m, GError **error)
{
	m->dead = true;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "the medium is gone");
	return FALSE;
}

static gboolean medium_write(void *self, const void *data, size_t n, GError **error)
{
	Medium *m = self;
	m->calls_after_failure += m->dead;
	if (m->dead)
		return refuse(m, error);
	if (++m->writes == m->die_at_write) {
		g_byte_array_append(m->bytes, data, (guint)(n / 2)); /* torn */
		return refuse(m, error);
	}
	g_byte_array_append(m->bytes, data, (guint)n);
	return TRUE;
}

static gboolean medium_sync(void *self, GError **error)
{
	Medium *m = self;
	m->calls_after_failure += m->dead;
	if (++m->syncs == m->fail_sync)
		return refuse(m, error);
	m->synced = m->bytes->len;
	return TRUE;
}

static void medium_init(Medium *m, McapSink *sink)
{
	*m = (Medium){.bytes = g_byte_array_new()};
	*sink = (McapSink){m, "medium", medium_write, medium_sync, NULL};
}

static void after_pump(SessionWriter *w, uint64_t last_event, int64_t now, void *data)
{
	Medium *m = data;
	m->now = now;
	/* Event numbers carry the producer in the low byte; the sample recording has them all from one. */
	for (uint64_t n = last_event >> 8; n > m->acknowledged; n--)
		if (session_writer_acknowledged(w, n << 8)) {
			m->acknowledged = n;
			break;
		}
}

typedef struct {
	uint64_t end, messages;
} ChunkEnd;

static bool count_messages(const McapRecord *message, void *data)
{
	GArray *ends = data;
	for (guint i = 0; i < ends->len; i++) {
		ChunkEnd *e = &g_array_index(ends, ChunkEnd, i);
		if (message->offset < e->end &&
		    (i == 0 || message->offset >= g_array_index(ends, ChunkEnd, i - 1).end)) {
			e->messages++;
			break;
		}
	}
	return true;
}

/* Where each chunk of the whole recording ends and how many messages it holds, from the index, not from recovery. */
static GArray *chunk_ends(const GByteArray *whole)
{
	g_auto(McapSource) source = {0};
	GArray *ends = g_array_new(FALSE, TRUE, sizeof(ChunkEnd));
	mcap_memory_source(whole->data, whole->len, &source);
	g_autoptr(McapIndex) index = mcap_index_new(&source, NULL, NULL);
	for (size_t i = 0; i < mcap_index_count(index, MCAP_CHUNK_INDEX); i++) {
		const McapChunkIndex *c = &mcap_index_get(index, MCAP_CHUNK_INDEX, i)->chunk_index;
		ChunkEnd e = {c->chunk_offset + c->chunk_length, 0};
		g_array_append_val(ends, e);
	}
	mcap_index_messages(index, 0, 0, count_messages, ends, NULL);
	return ends;
}

static GByteArray *recover(const GByteArray *bytes, SessionRecovery *ret)
{
	g_auto(McapSource) source = {0};
	GByteArray *out = g_byte_array_new();
	McapSink sink;
	mcap_memory_source(bytes->data, bytes->len, &source);
	mcap_memory_sink(out, &sink);
	if (!session_recover(&source, &sink, ret, NULL))
		g_clear_pointer(&out, g_byte_array_unref);
	return out;
}

/* The recovered file is whole by every check, and says that it is not all. Returns its events. */
static guint check_recovered(const GByteArray *out, bool missing)
{
	g_auto(McapSource) source = {0};
	g_autoptr(GError) error = NULL;
	mcap_memory_source(out->data, out->len, &source);
	g_autoptr(SessionCheck) check = session_verify_source(&source, NULL);
	g_autoptr(SessionReader) reader = session_reader_open_source(&source, &error);
	CU_ASSERT_TRUE(check->ok);
	UNIT_OK(reader, error);
	if (!reader)
		return 0;
	const Recording *rec = session_reader_recording(reader);
	CU_ASSERT_EQUAL(rec->complete, !missing);
	CU_ASSERT_EQUAL(rec->incomplete_why != NULL, missing);
	return rec->events->len;
}

static void killed_at_every_write_all_whole_chunks_come_back(void)
{
	Medium whole;
	McapSink sink;
	SampleResult result = {0};
	medium_init(&whole, &sink);
	CU_ASSERT_TRUE(sample_record(&sink, NULL, NULL, NULL, &result, NULL));
	g_autoptr(GArray) ends = chunk_ends(whole.bytes);
	unsigned recovered = 0, nothing = 0;
	uint64_t total = 0;
	for (guint i = 0; i < ends->len; i++)
		total += g_array_index(ends, ChunkEnd, i).messages;
	CU_ASSERT_TRUE(whole.writes > 60);
	for (unsigned n = 1; n <= whole.writes; n++) {
		Medium m;
		SampleResult cut = {0};
		medium_init(&m, &sink);
		m.die_at_write = n;
		CU_ASSERT_FALSE(sample_record(&sink, NULL, after_pump, &m, &cut, NULL));
		CU_ASSERT_EQUAL(m.calls_after_failure, 0);
		uint64_t expected = 0;
		for (guint i = 0; i < ends->len; i++)
			if (g_array_index(ends, ChunkEnd, i).end <= m.bytes->len)
				expected += g_array_index(ends, ChunkEnd, i).messages;
		SessionRecovery r = {0};
		g_autoptr(GByteArray) out = recover(m.bytes, &r);
		if (out) {
			recovered++;
			CU_ASSERT_EQUAL(r.messages, expected);
			CU_ASSERT_TRUE(check_recovered(out, r.missing != NULL) >= m.acknowledged);
			/* 0.3 s of an open chunk, 0.1 s for the pump that closes it. */
			CU_ASSERT_TRUE(m.now == 0 || r.last_ns == 0 ||
				       m.now - r.last_ns <= 400 * CLOCK_MS);
			CU_ASSERT_TRUE(r.missing || expected == total);
		} else {
			nothing++;
			CU_ASSERT_EQUAL(m.acknowledged, 0);
		}
		session_recovery_clear(&r);
		g_byte_array_unref(m.bytes);
	}
	CU_ASSERT_TRUE(recovered > 50);
	CU_ASSERT_TRUE(nothing <= 3); /* magic, header, identity */
	g_byte_array_unref(whole.bytes);
	g_free(result.sha256);
}

/* Every byte of the first chunks, and then a prime step: the loader never takes a cut file for a complete one. */
static void a_file_cut_anywhere_is_never_complete(void)
{
	Medium m;
	McapSink sink;
	SampleResult result = {0};
	medium_init(&m, &sink);
	CU_ASSERT_TRUE(sample_record(&sink, NULL, NULL, NULL, &result, NULL));
	unsigned complete = 0, tried = 0;
	for (guint n = 0; n < m.bytes->len; n += n < 2000 ? 1 : 37, tried++) {
		g_auto(McapSource) source = {0};
		mcap_memory_source(m.bytes->data, n, &source);
		g_autoptr(SessionReader) reader = session_reader_open_source(&source, NULL);
		g_autoptr(SessionCheck) check = session_verify_source(&source, NULL);
		complete += (reader && session_reader_recording(reader)->complete) ||
			    (check && check->ok);
	}
	CU_ASSERT_TRUE(tried > 2500);
	CU_ASSERT_EQUAL(complete, 0);
	g_byte_array_unref(m.bytes);
	g_free(result.sha256);
}

static void after_a_failed_sync_nothing_is_acknowledged_or_tried_again(void)
{
	for (unsigned n = 1; n <= 6; n++) {
		Medium m;
		McapSink sink;
		SampleResult result = {0};
		g_autoptr(GError) error = NULL;
		medium_init(&m, &sink);
		m.fail_sync = n;
		CU_ASSERT_FALSE(sample_record(&sink, NULL, after_pump, &m, &result, &error));
		CU_ASSERT_TRUE(error && strstr(error->message, "the medium is gone"));
		CU_ASSERT_EQUAL(m.calls_after_failure, 0);
		CU_ASSERT_EQUAL(m.syncs, n);
		g_auto(McapSource) source = {0};
		mcap_memory_source(m.bytes->data, m.synced, &source);
		if (m.synced == 0) {
			CU_ASSERT_EQUAL(m.acknowledged, 0);
		} else {
			g_autoptr(SessionReader) reader = session_reader_open_source(&source, NULL);
			CU_ASSERT_TRUE(reader && session_reader_recording(reader)->events->len >=
							 m.acknowledged);
		}
		g_byte_array_unref(m.bytes);
		g_free(result.sha256);
	}
}

static void a_damaged_chunk_in_between_is_stepped_over_and_told(void)
{
	Medium m;
	McapSink sink;
	SampleResult result = {0};
	medium_init(&m, &sink);
	CU_ASSERT_TRUE(sample_record(&sink, NULL, NULL, NULL, &result, NULL));
	g_autoptr(GArray) ends = chunk_ends(m.bytes);
	uint64_t total = 0;
	for (guint i = 0; i < ends->len; i++)
		total += g_array_index(ends, ChunkEnd, i).messages;
	const ChunkEnd *hurt = &g_array_index(ends, ChunkEnd, 4);
	m.bytes->data[hurt->end - 20] ^= 0xff;
	SessionRecovery r = {0};
	g_autoptr(GByteArray) out = recover(m.bytes, &r);
	CU_ASSERT_PTR_NOT_NULL(out);
	if (out) {
		CU_ASSERT_EQUAL(r.messages, total - hurt->messages);
		CU_ASSERT_TRUE(r.missing && strstr(r.missing, "damaged"));
		check_recovered(out, true);
	}
	session_recovery_clear(&r);
	g_byte_array_unref(m.bytes);
	g_free(result.sha256);
}

UNIT_MAIN("session.kill", UNIT(killed_at_every_write_all_whole_chunks_come_back),
	  UNIT(a_file_cut_anywhere_is_never_complete),
	  UNIT(after_a_failed_sync_nothing_is_acknowledged_or_tried_again),
	  UNIT(a_damaged_chunk_in_between_is_stepped_over_and_told))
