#include "room.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define LARGE ((size_t)256 << 10) /* from here on */
#define MOST_KEPT 16

typedef struct Kept {
	void *room[MOST_KEPT];
	size_t bytes[MOST_KEPT], n, sum;
} Kept;

static void kept_free(void *data)
{
	Kept *k = data;
	for (size_t i = 0; i < k->n; i++)
		free(k->room[i]);
	g_free(k);
}

static GPrivate kept_of_thread = G_PRIVATE_INIT(kept_free);

static Kept *kept(void)
{
	Kept *k = g_private_get(&kept_of_thread);
	if (!k) {
		k = g_new0(Kept, 1);
		g_private_set(&kept_of_thread, k);
	}
	return k;
}

static void *fresh(size_t bytes)
{
	void *room = NULL;
	if (posix_memalign(&room, HUGE_PAGE, bytes) != 0)
		g_error("no memory for %zu bytes", bytes);
	madvise(room, bytes, MADV_HUGEPAGE); /* a wish; without it there are more page faults */
	return room;
}

static void *taken_out(Kept *k, size_t i, size_t *bytes)
{
	void *room = k->room[i];
	*bytes = k->bytes[i];
	k->sum -= k->bytes[i];
	k->n--;
	k->room[i] = k->room[k->n];
	k->bytes[i] = k->bytes[k->n];
	return room;
}

void *room_take(size_t *bytes)
{
	if (*bytes < LARGE)
		return g_malloc(*bytes);
	Kept *k = kept();
	size_t best = MOST_KEPT;
	for (size_t i = 0; i < k->n; i++)
		if (k->bytes[i] >= *bytes && (best == MOST_KEPT || k->bytes[i] < k->bytes[best]))
			best = i;
	if (best < MOST_KEPT)
		return taken_out(k, best, bytes);
	*bytes = (*bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	return fresh(*bytes);
}

void *room_double(void *room, size_t *bytes)
{
	size_t more = 2 * *bytes;
	void *out = room_take(&more);
	memcpy(out, room, *bytes);
	room_give(room, *bytes);
	*bytes = more;
	return out;
}

void room_give(void *room, size_t bytes)
{
	if (!room || bytes < LARGE) {
		g_free(room);
		return;
	}
	Kept *k = kept();
	while (k->n > 0 && (k->n == MOST_KEPT || k->sum + bytes > ROOM_KEPT)) {
		size_t gone; /* the oldest */
		free(taken_out(k, 0, &gone));
	}
	if (bytes > ROOM_KEPT) {
		free(room);
		return;
	}
	k->room[k->n] = room;
	k->bytes[k->n++] = bytes;
	k->sum += bytes;
}

void *room_for_good(size_t bytes)
{
	return bytes < LARGE ? g_malloc(bytes) : fresh(bytes);
}
