#include "shared.h"

void world_shared_init(WorldShared *shared, const WorldFile *file, Clock *clock)
{
	shared->clock = clock;
	shared->file = file;
	thread_lock_init(&shared->lock);
	/* Settling the bodies takes a moment: time starts when it is over. */
	shared->plant = plant_new(&file->plant, clock_now(clock));
}

void world_shared_clear(WorldShared *shared)
{
	plant_free(shared->plant);
	shared->plant = NULL;
	pthread_mutex_destroy(&shared->lock);
}

double world_sense_at(WorldShared *shared, int sensor, int64_t t_ns)
{
	g_auto(ThreadLocker) locker = thread_locker(&shared->lock);
	return plant_sense(shared->plant, sensor, t_ns);
}

void world_drive_at(WorldShared *shared, int drive, double value, int64_t t_ns)
{
	g_auto(ThreadLocker) locker = thread_locker(&shared->lock);
	plant_drive(shared->plant, drive, value, t_ns);
}

double world_sense(WorldShared *shared, int sensor)
{
	return world_sense_at(shared, sensor, clock_now(shared->clock));
}

void world_drive(WorldShared *shared, int drive, double value)
{
	world_drive_at(shared, drive, value, clock_now(shared->clock));
}

void world_tick(WorldShared *shared)
{
	g_auto(ThreadLocker) locker = thread_locker(&shared->lock);
	plant_step_to(shared->plant, clock_now(shared->clock));
}

int world_terminal(const WorldShared *shared, const WorldDevice *device, const char *name,
		   bool drives)
{
	g_autofree char *channel = g_strconcat(device->name, ".", name, NULL);
	return drives ? plant_find_drive(shared->plant, channel)
		      : plant_find_sensor(shared->plant, channel);
}
