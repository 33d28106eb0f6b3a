/* Lock-step exchange between a bench and a product in its own process: one page of shared memory, one turn each.
 *
 * The bench starts the product with `--lock-step FD` (an inherited memfd that holds struct lockstep_page). For each decision
 * period it writes the inputs and the time, adds one to `asked` and wakes the product; the product decides, writes its
 * outputs, sets `answered` to the same number and wakes the bench. Time is `now_ns` of the page and nothing else: a
 * product in lock-step must not look at a clock. This header is all that the two sides share; it is plain C so that a
 * product in any language can follow it.
 */
#ifndef ANZEN_LOCKSTEP_H
#define ANZEN_LOCKSTEP_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOCKSTEP_MAGIC 0x4c414e5au /* "ZNAL" */
#define LOCKSTEP_VERSION 1u

enum {
	LOCKSTEP_INPUTS = 16,
	LOCKSTEP_COILS = 64,
	LOCKSTEP_REGISTERS = 64,
	LOCKSTEP_MESSAGES = 16,
	LOCKSTEP_TEXT = 512,
	LOCKSTEP_PIXELS = 1280 * 720,
};

struct lockstep_page {
	uint32_t magic, version, size;
	_Atomic uint32_t asked, answered; /* futex words */
	_Atomic uint32_t closing;         /* the bench has no more questions */
	int64_t now_ns;

	/* bench → product: what a Modbus sensor unit would show, and one picture */
	uint16_t input_registers[LOCKSTEP_REGISTERS];
	int32_t width, height; /* 0: no new picture; grey, one byte a pixel */
	uint64_t picture;      /* its number */
	int64_t capture_ns;
	uint8_t pixels[LOCKSTEP_PIXELS];

	/* product → bench: what it would have written over Modbus, and its event messages (JSON) */
	uint8_t coils[LOCKSTEP_COILS];
	uint16_t holding[LOCKSTEP_REGISTERS];
	uint32_t messages; /* written this turn; more than fit: the product floods */
	char text[LOCKSTEP_MESSAGES][LOCKSTEP_TEXT];
};

static inline struct lockstep_page *lockstep_map(int fd)
{
	void *page =
		mmap(NULL, sizeof(struct lockstep_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : (struct lockstep_page *)page;
}

static inline void lockstep_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Wait while *word == value; at most timeout_ns. 0 when it changed, -1 when the time passed. */
static inline int lockstep_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns)
{
	struct timespec ts = {.tv_sec = timeout_ns / 1000000000,
			      .tv_nsec = timeout_ns % 1000000000};
	while (atomic_load(word) == value)
		if (syscall(SYS_futex, word, FUTEX_WAIT, value, &ts, NULL, 0) < 0 &&
		    errno == ETIMEDOUT)
			return atomic_load(word) == value ? -1 : 0;
	return 0;
}

/* Product's side: the next question; 0 when the bench is done or has gone. */
static inline int lockstep_next(struct lockstep_page *page)
{
	for (;;) {
		uint32_t asked = atomic_load(&page->asked);
		if (atomic_load(&page->closing))
			return 0;
		if (asked != atomic_load(&page->answered)) {
			page->messages = 0;
			return 1;
		}
		if (lockstep_wait(&page->asked, asked, 5000000000) < 0 && getppid() == 1)
			return 0;
	}
}

static inline void lockstep_answer(struct lockstep_page *page)
{
	atomic_store(&page->answered, atomic_load(&page->asked));
	lockstep_wake(&page->answered);
}

#endif
