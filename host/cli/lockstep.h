/* The world in this process, for lock-step runs: the only place where host and world meet. Private to host/cli. */
#ifndef ANZEN_CLI_LOCKSTEP_H
#define ANZEN_CLI_LOCKSTEP_H

#include <anzen/run.h>

typedef struct LockstepWorld LockstepWorld;

/* The world that the rig file names. ANZEN_ERROR_INPUT for a real bench. */
LockstepWorld *lockstep_world_new(const char *rig_path, uint64_t seed, GError **error);
/* Point a run at it. NULL: nothing changes. */
void lockstep_world_use(LockstepWorld *world, RunConfig *config);
void lockstep_world_free(LockstepWorld *world);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(LockstepWorld, lockstep_world_free)

#endif
