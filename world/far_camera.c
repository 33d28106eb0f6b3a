/* A camera: films the plant and serves it over RTSP (camera.h); here it is only wired to the plant and to its faults. */
#include "camera.h"
#include "far_end.h"

typedef struct Eye {
	WorldCamera *camera;
} Eye;

static void look(void *user, int64_t t_ns, Scene *ret_scene, double *ret_led)
{
	FarEnd *end = user;
	g_auto(ThreadLocker) locker = thread_locker(&end->shared->lock);
	plant_step_to(end->shared->plant, t_ns);
	plant_scene(end->shared->plant, ret_scene);
	*ret_led = plant_truth(end->shared->plant, QUANTITY_LED);
}

static gboolean camera_open(FarEnd *end, const FarEndOptions *options, GError **error)
{
	(void)options;
	Eye *eye = end->self = g_new0(Eye, 1);
	eye->camera = world_camera_new(&end->device->camera, look, end, error);
	if (!eye->camera)
		return FALSE;
	end->uri = g_strdup(world_camera_uri(eye->camera));
	return TRUE;
}

static void camera_close(FarEnd *end)
{
	Eye *eye = end->self;
	world_camera_free(eye->camera);
	g_clear_pointer(&end->self, g_free);
}

static const struct {
	LinkFaultKind kind;
	CameraFault fault;
} faults[] = {
	{LINK_FAULT_FREEZE, CAMERA_FREEZE}, {LINK_FAULT_BLACK, CAMERA_BLACK},
	{LINK_FAULT_DROP, CAMERA_DROP},     {LINK_FAULT_OLD, CAMERA_LATE},
	{LINK_FAULT_OFF, CAMERA_DEAD},
};

/* The camera keeps the times by itself, to the frame. */
static void camera_plan_fault(FarEnd *end)
{
	Eye *eye = end->self;
	const LinkFault *f = &end->fault;
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		bool chosen = faults[i].kind == f->kind;
		world_camera_fault(eye->camera, faults[i].fault, chosen ? f->from_ns : 0,
				   chosen ? f->until_ns : 0);
	}
}

const FarEndOps far_camera = {
	.kind = WORLD_CAMERA,
	.open = camera_open,
	.close = camera_close,
	.plan_fault = camera_plan_fault,
	.faults = {LINK_FAULT_FREEZE, LINK_FAULT_BLACK, LINK_FAULT_DROP, LINK_FAULT_OLD,
		   LINK_FAULT_OFF},
};
