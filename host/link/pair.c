/* The inproc pair: two byte queues, each read by one end and written by the other. */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define PIPE_MAX (1u << 20)

typedef struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int ends; /* still open */
	bool open[2];
	GByteArray *queue[2]; /* queue[i] is read by end i */
} Pair;

typedef struct {
	Pair *pair;
	int side;
} PairEnd;

static void pair_free(Pair *pair)
{
	pthread_cond_destroy(&pair->changed);
	pthread_mutex_destroy(&pair->lock);
	g_byte_array_unref(pair->queue[0]);
	g_byte_array_unref(pair->queue[1]);
	g_free(pair);
}

static void pair_close(void *self)
{
	PairEnd *end = self;
	Pair *pair = end->pair;
	pthread_mutex_lock(&pair->lock);
	pair->open[end->side] = false;
	bool last = --pair->ends == 0;
	pthread_cond_broadcast(&pair->changed);
	pthread_mutex_unlock(&pair->lock);
	if (last)
		pair_free(pair);
	g_free(end);
}

/* Wait for a change; false at the deadline. A manual clock's small times have always passed: no
 * wait. */
static bool wait_changed(Pair *pair, int64_t deadline_ns)
{
	if (deadline_ns <= 0)
		return false;
	struct timespec t = {.tv_sec = deadline_ns / CLOCK_S, .tv_nsec = deadline_ns % CLOCK_S};
	return pthread_cond_timedwait(&pair->changed, &pair->lock, &t) != ETIMEDOUT;
}

static gssize pair_read(void *self, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	PairEnd *end = self;
	Pair *pair = end->pair;
	GByteArray *queue = pair->queue[end->side];
	gssize result = 0;
	pthread_mutex_lock(&pair->lock);
	while (queue->len == 0 && pair->open[!end->side])
		if (!wait_changed(pair, deadline_ns))
			break;
	if (queue->len > 0) {
		result = (gssize)MIN(size, queue->len);
		memcpy(data, queue->data, (size_t)result);
		g_byte_array_remove_range(queue, 0, (guint)result);
		pthread_cond_broadcast(&pair->changed);
	} else if (!pair->open[!end->side]) {
		fd_closed_error("inproc", 0, error);
		result = -1;
	}
	pthread_mutex_unlock(&pair->lock);
	return result;
}

static gboolean pair_write(void *self, const void *data, size_t size, int64_t deadline_ns,
			   GError **error)
{
	PairEnd *end = self;
	Pair *pair = end->pair;
	GByteArray *queue = pair->queue[!end->side];
	gboolean ok = TRUE;
	pthread_mutex_lock(&pair->lock);
	while (ok && pair->open[!end->side] && queue->len + size > PIPE_MAX)
		ok = wait_changed(pair, deadline_ns);
	if (!pair->open[!end->side])
		ok = fd_closed_error("inproc", EPIPE, error);
	else if (!ok)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
			    "inproc: the far end does not take bytes");
	else
		g_byte_array_append(queue, data, (guint)size);
	pthread_cond_broadcast(&pair->changed);
	pthread_mutex_unlock(&pair->lock);
	return ok;
}

static const ByteLinkOps pair_ops = {
	.kind = "inproc", .close = pair_close, .read = pair_read, .write = pair_write};

static ByteLink *pair_end(Pair *pair, int side)
{
	PairEnd *end = g_new0(PairEnd, 1);
	*end = (PairEnd){pair, side};
	return byte_link_new(&pair_ops, end, side ? "inproc b" : "inproc a");
}

void byte_link_pair(ByteLink **ret_a, ByteLink **ret_b)
{
	Pair *pair = g_new0(Pair, 1);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&pair->lock, NULL);
	pthread_cond_init(&pair->changed, &attr);
	pthread_condattr_destroy(&attr);
	pair->ends = 2;
	for (int i = 0; i < 2; i++) {
		pair->open[i] = true;
		pair->queue[i] = g_byte_array_new();
	}
	*ret_a = pair_end(pair, 0);
	*ret_b = pair_end(pair, 1);
}
