#include "tee.h"

#include <anzen/base.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Samples between two steps of the executor: at 5 kHz and a host that stands still for 200 ms, 1000. */
#define EXECUTOR_RING 4096

typedef struct Lane {
	SessionProducer *producer;
	Ring *executor;
} Lane;

typedef struct Port {
	Stream stream; /* first member: the Stream given out is the Port */
	struct Tee *tee;
	bool product;
} Port;

struct Tee {
	Port bench, product;
	Lane lanes[TEE_THREADS]; /* of the bench: one a thread */
	/* The product's: one for all threads, under lock. Two of them tell of one output (its adapter's, and main when the run
	 * begins), and what they say must reach recorder and executor in the order in which they said it. */
	Lane answers;
	pthread_mutex_t lock;
	_Atomic unsigned used;
	unsigned next; /* executor's thread: where to pop next */
	unsigned long generation;
	GHashTable *signals, *cameras, *sources; /* name → id + 1; read only once live */
	const TeeFeed *feed;
};

static _Atomic unsigned long generations;

static Lane *lane_of_this_thread(Tee *tee)
{
	static __thread unsigned long generation;
	static __thread Lane *lane;
	if (generation == tee->generation)
		return lane;
	unsigned i = atomic_fetch_add(&tee->used, 1);
	lane = i < TEE_THREADS ? &tee->lanes[i] : NULL;
	generation = tee->generation;
	return lane;
}

static int id_of(GHashTable *table, const char *name)
{
	return GPOINTER_TO_INT(g_hash_table_lookup(table, name)) - 1;
}

static void deliver(Tee *tee, const Lane *lane, int signal, const char *source, int64_t t_ns,
		    double value, SampleStatus status)
{
	int wanted = id_of(tee->sources, source);
	session_sample(lane->producer, signal, t_ns, value, status);
	if (wanted < 0)
		return;
	ExecutorSample s = {.source = (unsigned)wanted, .t_ns = t_ns, .v = value, .status = status};
	ring_push(lane->executor, &s);
}

static void on_sample(Stream *stream, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Port *port = (Port *)stream;
	Tee *tee = port->tee;
	int signal = id_of(tee->signals, source);
	if (signal < 0)
		return;
	if (port->product) {
		pthread_mutex_lock(&tee->lock);
		deliver(tee, &tee->answers, signal, source, t_ns, value, status);
		pthread_mutex_unlock(&tee->lock);
		return;
	}
	Lane *lane = lane_of_this_thread(tee);
	if (!lane)
		return;
	deliver(tee, lane, signal, source, t_ns, value, status);
	if (tee->feed && tee->feed->sample)
		tee->feed->sample(tee->feed->user, source, t_ns, value, status);
}

static void on_event(Stream *stream, const char *name, int64_t t_ns, const char *json)
{
	Port *port = (Port *)stream;
	Tee *tee = port->tee;
	if (port->product) {
		pthread_mutex_lock(&tee->lock);
		session_event(tee->answers.producer, t_ns, name, json);
		pthread_mutex_unlock(&tee->lock);
		return;
	}
	Lane *lane = lane_of_this_thread(tee);
	if (lane)
		session_event(lane->producer, t_ns, name, json);
}

static void record_frame(Tee *tee, const Port *port, int camera, const Frame *frame)
{
	if (port->product) {
		pthread_mutex_lock(&tee->lock);
		session_frame(tee->answers.producer, camera, frame);
		pthread_mutex_unlock(&tee->lock);
		return;
	}
	Lane *lane = lane_of_this_thread(tee);
	if (lane)
		session_frame(lane->producer, camera, frame);
}

static void on_frame(Stream *stream, const char *source, const Frame *frame)
{
	Port *port = (Port *)stream;
	Tee *tee = port->tee;
	int camera = id_of(tee->cameras, source);
	if (camera < 0)
		return;
	Frame unit = {0};
	const Frame *recorded = frame;
	if (tee->feed && tee->feed->encode)
		recorded = tee->feed->encode(tee->feed->user, source, frame, &unit) ? &unit : NULL;
	if (recorded)
		record_frame(tee, port, camera, recorded);
	if (unit.unref)
		unit.unref(unit.owner);
	if (!port->product && tee->feed && tee->feed->frame)
		tee->feed->frame(tee->feed->user, source, frame);
}

static void on_fault(Stream *stream, const Fault *fault)
{
	Port *port = (Port *)stream;
	Lane *lane = lane_of_this_thread(port->tee);
	/* Faults go through the bench's producer whoever is to blame: a flood must not push out the word that it floods. */
	if (lane)
		session_fault(lane->producer, fault);
}

static void port_init(Port *port, Tee *tee, bool product)
{
	port->stream = (Stream){
		.sample = on_sample, .event = on_event, .frame = on_frame, .fault = on_fault};
	port->tee = tee;
	port->product = product;
}

Tee *tee_new(SessionWriter *writer, const GPtrArray *sources, const TeeFeed *feed)
{
	Tee *tee = g_new0(Tee, 1);
	port_init(&tee->bench, tee, false);
	port_init(&tee->product, tee, true);
	tee->feed = feed;
	tee->generation = atomic_fetch_add(&generations, 1) + 1;
	tee->signals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	tee->cameras = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	tee->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < sources->len; i++)
		g_hash_table_insert(tee->sources, g_strdup(g_ptr_array_index(sources, i)),
				    GINT_TO_POINTER((int)i + 1));
	for (unsigned i = 0; i < TEE_THREADS; i++) {
		char name[32];
		g_snprintf(name, sizeof(name), "bench-%u", i);
		tee->lanes[i].producer = session_writer_add_producer(writer, name, SESSION_BENCH);
		tee->lanes[i].executor = ring_new(sizeof(ExecutorSample), EXECUTOR_RING);
	}
	thread_lock_init(&tee->lock);
	tee->answers.producer = session_writer_add_producer(writer, "product", SESSION_PRODUCT);
	tee->answers.executor = ring_new(sizeof(ExecutorSample), EXECUTOR_RING);
	return tee;
}

void tee_free(Tee *tee)
{
	if (!tee)
		return;
	for (unsigned i = 0; i < TEE_THREADS; i++)
		ring_free(tee->lanes[i].executor);
	ring_free(tee->answers.executor);
	pthread_mutex_destroy(&tee->lock);
	g_hash_table_unref(tee->signals);
	g_hash_table_unref(tee->cameras);
	g_hash_table_unref(tee->sources);
	g_free(tee);
}

void tee_declare_signal(Tee *tee, const char *name, int session_id)
{
	g_hash_table_insert(tee->signals, g_strdup(name), GINT_TO_POINTER(session_id + 1));
}

void tee_declare_camera(Tee *tee, const char *name, int session_id)
{
	g_hash_table_insert(tee->cameras, g_strdup(name), GINT_TO_POINTER(session_id + 1));
}

Stream *tee_bench(Tee *tee)
{
	return &tee->bench.stream;
}

Stream *tee_product(Tee *tee)
{
	return &tee->product.stream;
}

bool tee_pop(Tee *tee, ExecutorSample *ret)
{
	unsigned n = MIN(atomic_load(&tee->used), TEE_THREADS);
	if (ring_pop(tee->answers.executor, ret))
		return true;
	for (unsigned i = 0; i < n; i++) {
		tee->next = (tee->next + 1) % n;
		if (ring_pop(tee->lanes[tee->next].executor, ret))
			return true;
	}
	return false;
}

uint64_t tee_executor_lost(const Tee *tee)
{
	uint64_t lost = ring_lost(tee->answers.executor);
	for (unsigned i = 0; i < TEE_THREADS; i++)
		lost += ring_lost(tee->lanes[i].executor);
	return lost;
}

unsigned tee_threads_refused(const Tee *tee)
{
	unsigned used = atomic_load(&tee->used);
	return used > TEE_THREADS ? used - TEE_THREADS : 0;
}
