/* What all far ends of anzen-world share: one plant behind one mutex, one clock. Any thread. */
#ifndef ANZEN_WORLD_SHARED_H
#define ANZEN_WORLD_SHARED_H

#include "world_file.h"

G_BEGIN_DECLS

typedef struct WorldShared {
	Clock *clock;
	const WorldFile *file;
	pthread_mutex_t lock;
	Plant *plant; /* held by lock */
} WorldShared;

/* Starts the plant now. `file` is borrowed. */
void world_shared_init(WorldShared *shared, const WorldFile *file, Clock *clock);
void world_shared_clear(WorldShared *shared);

/* A terminal's value now; drive it now. The index is of plant_find_sensor / plant_find_drive. */
double world_sense(WorldShared *shared, int sensor);
void world_drive(WorldShared *shared, int drive, double value);
double world_sense_at(WorldShared *shared, int sensor, int64_t t_ns);
void world_drive_at(WorldShared *shared, int drive, double value, int64_t t_ns);
void world_tick(WorldShared *shared);

/* Terminal `name` of a device as an index into sensors (drives false) or drives; -1: none. */
int world_terminal(const WorldShared *shared, const WorldDevice *device, const char *name,
		   bool drives);

G_END_DECLS

#endif
