/* A bounded lock-free queue of fixed-size records, one producer thread and one consumer thread: how data
 * crosses from the executor and the link threads to the writer. Never blocks, never allocates after new. */
#ifndef ANZEN_BASE_RING_H
#define ANZEN_BASE_RING_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

G_BEGIN_DECLS

typedef struct Ring Ring;

/* capacity is rounded up to a power of two. Free with ring_free(). */
Ring *ring_new(size_t record_size, size_t capacity);
void ring_free(Ring *ring);

/* Producer. False when full; the loss is counted and never silent. */
bool ring_push(Ring *ring, const void *record);
/* Consumer. False when empty. */
bool ring_pop(Ring *ring, void *ret_record);
/* Either side. */
size_t ring_count(const Ring *ring);
uint64_t ring_lost(const Ring *ring);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ring, ring_free)

G_END_DECLS

#endif
