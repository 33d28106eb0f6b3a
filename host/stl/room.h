/* Room for long series. Private to stl.
 *
 * A trace of a million samples takes 30 MB, and a fresh mapping costs more in page faults than what is then done to it. So
 * large rooms are aligned for huge pages, and what is given back is kept for the next formula: at most ROOM_KEPT bytes a thread,
 * until the thread ends. Small ones are malloc's. */
#ifndef ANZEN_STL_ROOM_H
#define ANZEN_STL_ROOM_H

#include <stddef.h>

#define ROOM_KEPT ((size_t)160 << 20)

/* At least *bytes, not cleared; *bytes becomes what there is. Never NULL: aborts as g_malloc does. */
void *room_take(size_t *bytes);
/* Twice as large, with what is in it. */
void *room_double(void *room, size_t *bytes);
/* As it was taken, with its bytes; NULL is allowed. */
void room_give(void *room, size_t bytes);
/* For the caller's caller: freed with g_free(). */
void *room_for_good(size_t bytes);

#endif
