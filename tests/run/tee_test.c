/* The tee: what is said of one output keeps its order, whichever thread says it. */
#include "tee.h"

#include "unit.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define START CLOCK_S
#define SAID 40

typedef struct Said {
	Stream *stream;
	int64_t t_ns;
	double v;
} Said;

static void *say(void *data)
{
	const Said *s = data;
	s->stream->sample(s->stream, "product.heartbeat", s->t_ns, s->v, SAMPLE_OK);
	return NULL;
}

/* Another thread each time for odd ones, this one for the others; each has ended before the next one speaks. */
static void say_in_turns(Stream *stream)
{
	for (int i = 0; i < SAID; i++) {
		Said said = {stream, START + i * CLOCK_MS, i % 2};
		if (i % 2)
			g_thread_join(g_thread_new("other", say, &said));
		else
			say(&said);
	}
}

static Recording *recorded(const char *path, GPtrArray *sources, Tee **ret_tee, SessionWriter **ret)
{
	static const TeeFeed none;
	g_autoptr(GError) error = NULL;
	g_autoptr(Clock) clock = clock_manual_new(START);
	SessionOptions options = {.path = path,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .inline_writer = true};
	*ret = session_writer_new(&options, &error);
	SignalInfo info;
	signal_info_init(&info, "product.heartbeat");
	info.origin = ORIGIN_RESPONSE;
	info.boolean = true;
	info.interp = SIGNAL_PREVIOUS;
	int id = session_writer_add_signal(*ret, &info, 1000);
	signal_info_clear(&info);
	*ret_tee = tee_new(*ret, sources, &none);
	tee_declare_signal(*ret_tee, "product.heartbeat", id);
	UNIT_OK(session_writer_start(*ret, &error), error);
	say_in_turns(tee_product(*ret_tee));
	UNIT_OK(session_writer_finish(*ret, NULL, NULL, &error), error);
	Recording *rec = session_load(path, &error);
	UNIT_OK(rec != NULL, error);
	return rec;
}

static void answers_keep_their_order_whichever_thread_tells_them(void)
{
	g_autofree char *dir = g_dir_make_tmp("anzen-tee-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "session.mcap", NULL);
	g_autoptr(GPtrArray) sources = g_ptr_array_new();
	Tee *tee = NULL;
	SessionWriter *writer = NULL;
	g_ptr_array_add(sources, (char[]){"product.heartbeat"});
	g_autoptr(Recording) rec = recorded(path, sources, &tee, &writer);
	const Signal *s = rec ? recording_signal(rec, "product.heartbeat") : NULL;
	CU_ASSERT_PTR_NOT_NULL(s);
	CU_ASSERT_TRUE(s && s->n == SAID);
	CU_ASSERT_TRUE(rec && rec->faults->len == 0);
	ExecutorSample sample;
	int n = 0;
	for (; tee_pop(tee, &sample); n++) { /* and to the executor */
		CU_ASSERT_EQUAL(sample.t_ns, START + n * CLOCK_MS);
		CU_ASSERT_EQUAL(sample.v, n % 2);
	}
	CU_ASSERT_EQUAL(n, SAID);
	CU_ASSERT_EQUAL(tee_threads_refused(tee),
			0); /* twenty threads took no place of the bench's */
	tee_free(tee);
	session_writer_free(writer);
	unlink(path);
	rmdir(dir);
}

UNIT_MAIN("run.tee", UNIT(answers_keep_their_order_whichever_thread_tells_them))
