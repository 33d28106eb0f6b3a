/* A camera of the virtual world: films the plant at its rate on a thread of its own and serves H.264 over RTSP, each
 * frame with the exact CLOCK_MONOTONIC time at which the scene was looked at.
 *
 *	WorldCamera *cam = world_camera_new(&device->camera, look, world, &error);
 *	printf("%s\n", world_camera_uri(cam));
 *	world_camera_fault(cam, CAMERA_FREEZE, t, CLOCK_NEVER);
 *	world_camera_free(cam);
 */
#ifndef ANZEN_WORLD_CAMERA_H
#define ANZEN_WORLD_CAMERA_H

#include <anzen/base.h>

#include "scene.h"

G_BEGIN_DECLS

typedef enum {
	CAMERA_FREEZE, /* the last picture comes again and again, with new times */
	CAMERA_BLACK,  /* the lens is covered: only black */
	CAMERA_DROP,   /* no frames, the connection stays */
	CAMERA_LATE,   /* every frame is handed over 400 ms after its capture */
	CAMERA_DEAD,   /* the server goes away; it does not come back */
} CameraFault;

/* "freeze" "black" "drop" "late" "dead". */
const char *camera_fault_name(CameraFault fault);
gboolean camera_fault_parse(const char *name, CameraFault *ret);

/* What the camera sees at t_ns; *ret_led 0..1 is the node's lamp, negative when none is in view. Called on the
 * camera's thread (take the plant's lock inside). */
typedef void (*CameraLook)(void *user, int64_t t_ns, Scene *ret_scene, double *ret_led);

typedef struct WorldCamera WorldCamera;

/* ANZEN_ERROR_INPUT for a size or view that cannot be drawn, ANZEN_ERROR_BENCH without a port. Filming starts at once.
 * `camera` is copied. */
WorldCamera *world_camera_new(const SceneCamera *camera, CameraLook look, void *user,
			      GError **error);
const char *world_camera_uri(const WorldCamera *camera); /* "rtsp://127.0.0.1:PORT/NAME" */

/* From from_ns until until_ns (CLOCK_NEVER: for good); replaces an earlier fault of the same kind. Any thread. */
void world_camera_fault(WorldCamera *camera, CameraFault fault, int64_t from_ns, int64_t until_ns);

typedef struct WorldCameraStats {
	uint64_t frames;  /* handed to the server */
	uint64_t skipped; /* not filmed, because the thread was late by more than two frames */
} WorldCameraStats;
void world_camera_stats(WorldCamera *camera, WorldCameraStats *ret_stats); /* any thread */

void world_camera_free(WorldCamera *camera); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorldCamera, world_camera_free)

G_END_DECLS

#endif
