#include <anzen/base/ring.h>

#include <stdatomic.h>
#include <string.h>

/* Producer and consumer keep to cache lines of their own: on two cores a shared line costs more
 * than the copy. Indices run freely and wrap at 2^64; `mask` picks the slot. Each side remembers
 * the last index it saw of the other and looks again only when that says full or empty. */
#define LINE 64

struct Ring {
	_Alignas(LINE) atomic_uint_fast64_t head; /* next to write; the producer's */
	uint64_t tail_seen;
	atomic_uint_fast64_t lost;
	_Alignas(LINE) atomic_uint_fast64_t tail; /* next to read; the consumer's */
	uint64_t head_seen;
	_Alignas(LINE) size_t record_size;
	uint64_t mask;
	uint8_t *slots;
};

static uint64_t power_of_two(size_t n)
{
	uint64_t p = 1;
	while (p < n)
		p *= 2;
	return p;
}

Ring *ring_new(size_t record_size, size_t capacity)
{
	g_assert(record_size > 0 && capacity > 0 && capacity <= (SIZE_MAX >> 2));
	Ring *ring = g_aligned_alloc0(1, sizeof *ring, LINE);
	uint64_t slots = power_of_two(capacity);
	ring->record_size = record_size;
	ring->mask = slots - 1;
	ring->slots = g_malloc0_n(slots, record_size);
	return ring;
}

void ring_free(Ring *ring)
{
	if (!ring)
		return;
	g_free(ring->slots);
	g_aligned_free(ring);
}

bool ring_push(Ring *ring, const void *record)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	if (head - ring->tail_seen > ring->mask) {
		ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (head - ring->tail_seen > ring->mask) {
			atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
			return false;
		}
	}
	memcpy(ring->slots + (head & ring->mask) * ring->record_size, record, ring->record_size);
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

bool ring_pop(Ring *ring, void *ret_record)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	if (tail == ring->head_seen) {
		ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
		if (tail == ring->head_seen)
			return false;
	}
	memcpy(ret_record, ring->slots + (tail & ring->mask) * ring->record_size,
	       ring->record_size);
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

size_t ring_count(const Ring *ring)
{
	/* tail first: head can only grow in between, so the difference is never negative. */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	return MIN(head - tail, ring->mask + 1);
}

uint64_t ring_lost(const Ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}
