/* The moves of a timeline: against the axis' limits, and against one another, since a node takes one at a time. Private to run. */
#ifndef ANZEN_RUN_MOVES_H
#define ANZEN_RUN_MOVES_H

#include "plan.h"

/* From the end of a move to the begin of the next one of its axis: the command leaves EXECUTOR_LEAD_NS ahead, and the node must
 * have told by then that it stands. */
#define MOVE_GAP_NS (EXECUTOR_LEAD_NS + 50 * CLOCK_MS)
/* A reaction begins at most this long after it was decided. */
#define MOVE_REACTION_NS (100 * CLOCK_MS)

typedef struct Moves Moves; /* where each axis is, as far as the file tells */
Moves *moves_new(const RigSpec *spec);
void moves_free(Moves *moves);

/* Adds the move of `entry` after those added before. FALSE: it cannot be, *ret_place says where in the scenario. */
bool moves_add(Moves *moves, const Entry *entry, const Action *action, int64_t end_ns,
	       PlanAction *ret, Place *ret_place, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Moves, moves_free)

#endif
