/* Where a replay stops saying anything about its product: open loop. Private to run.
 *
 * A bench that carries out what a product says (`when: rise(product.shut)` with `set: {stove.valve: 1}`) closes a loop: from
 * then on what the rig measures follows the product of the recording. A new product meets that, too, though it had acted
 * earlier, later or never. So of what is not declared exogenous nothing is known
 *  - from the first effect in the rig of what the recording's product said, and
 *  - from the new product's first answer that would have had such an effect; and
 *  - of the product's own answers nothing counts from the next thing on that it is given after either.
 * All of it are faults of FAULT_SOURCE_OPEN_LOOP: what was decided before them stays decided. docs/decisions/run.md says why. */
#ifndef ANZEN_RUN_OPEN_LOOP_H
#define ANZEN_RUN_OPEN_LOOP_H

#include "tape.h"

#include <pthread.h>

typedef struct OpenLoop {
	Stream stream; /* first member: what the product says, on its way to `next` */
	Stream *next, *bench;
	const Tape *tape;
	const Product *product;
	int64_t (*bench_time)(void *user, int64_t recorded_ns);
	void *user;
	bool wired;         /* is there an output that the bench carries out? */
	bool at_once;       /* by something of which no recording says when it began */
	GPtrArray *outputs; /* OpenLoopOutput*: those */
	char *role;         /* of the rig, that it moves first */
	GPtrArray *
		shaped; /* char*: signals of which something depends, and that follow the product */
	int64_t effect_ns;    /* in the recording's time; CLOCK_NEVER: none */
	char *old_output;     /* what the recording's product had said */
	pthread_mutex_t lock; /* for what follows */
	bool playing, effect_told, deaf;
	int64_t answered_ns, given_ns; /* bench time, 0: not yet */
	char *new_output;
} OpenLoop;

/* What the recording says of it. Takes the declarations of signals that follow the product only from its first effect on: the
 * tape then holds them as exogenous, because until then they are. NULL: a
 * scenario that cannot be read, so that nobody knows what was carried out. */
OpenLoop *open_loop_new(Tape *tape, const Product *product, GError **error);
void open_loop_free(OpenLoop *loop); /* takes NULL */
/* Where the product's answers go, through open_loop_stream(), and the faults. bench_time(user, t): of a recorded moment. */
void open_loop_start(OpenLoop *loop, Stream *product, Stream *bench,
		     int64_t (*bench_time)(void *user, int64_t recorded_ns), void *user);
/* An item is about to be given, having been due at `due` of the bench. The player's thread. */
void open_loop_gives(OpenLoop *loop, const TapeItem *item, int64_t due);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OpenLoop, open_loop_free)

#endif
