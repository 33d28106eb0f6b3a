/* Any bytes as a session: the loader refuses or gives a recording whose signals keep the promises of model.h; recovery
 * gives nothing or a file that verifies; a run record and a mapping are refused or read. */
#include <anzen/session.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_recording(const Recording *rec)
{
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Signal *s = value;
		for (size_t i = 1; i < s->n; i++)
			g_assert(s->t_ns[i] > s->t_ns[i - 1]);
	}
	g_assert(rec->complete == (rec->incomplete_why == NULL));
	g_assert(rec->end_ns >= rec->start_ns || rec->complete);
}

static bool look(const Frame *frame, void *data)
{
	volatile uint8_t *last = data;
	if (frame->size)
		*last = frame->data[frame->size - 1];
	return true;
}

static void check_recovered(const McapSource *source)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_auto(McapSource) recovered = {0};
	McapSink sink;
	SessionRecovery r = {0};
	mcap_memory_sink(out, &sink);
	if (!session_recover(source, &sink, &r, NULL))
		return;
	mcap_memory_source(out->data, out->len, &recovered);
	g_autoptr(SessionCheck) check = session_verify_source(&recovered, NULL);
	g_assert(check->ok);
	session_recovery_clear(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_auto(McapSource) source = {0};
	uint8_t last;
	mcap_memory_source(data, size, &source);
	g_autoptr(SessionCheck) check = session_verify_source(&source, NULL);
	g_autoptr(SessionReader) reader = session_reader_open_source(&source, NULL);
	if (reader) {
		check_recording(session_reader_recording(reader));
		for (size_t i = 0; i < session_reader_cameras(reader); i++)
			session_reader_frames(reader, session_reader_camera(reader, i)->name, 0, 0,
					      look, &last, NULL);
		judge_spec_free(session_reader_judge(reader, NULL));
	}
	g_assert(reader || !check || !check->ok); /* none: no MCAP file at all */
	check_recovered(&source);
	run_record_free(run_record_from_json((const char *)data, (gssize)size, "fuzz", NULL));
	return 0;
}
