#include <anzen/world.h>

#include <string.h>

#include "back_door.h"
#include "render.h"

/* A camera of a lock-step world: pictures are drawn when somebody asks. */
typedef struct PortCamera {
	FarEnd end; /* never opened: carries the fault that the back door sets */
	Renderer *renderer;
	uint8_t *pixels; /* width * height, as last given out */
	size_t size;
	bool seen; /* pixels hold a picture */
} PortCamera;

/* The world in the caller's process: one thread, time moved by step_to alone. */
typedef struct WorldPort {
	PlantPort port; /* first: a PlantPort* is a WorldPort* */
	WorldFile *file;
	Clock *clock; /* by hand */
	WorldShared shared;
	GPtrArray *ends; /* FarEnd* of the cameras: PortCamera* */
	BackDoor *door;
} WorldPort;

static const FarEndOps port_camera = {
	.kind = WORLD_CAMERA,
	.faults = {LINK_FAULT_FREEZE, LINK_FAULT_BLACK, LINK_FAULT_DROP},
};

static void port_step_to(PlantPort *self, int64_t t_ns)
{
	WorldPort *port = (WorldPort *)self;
	if (t_ns > clock_now(port->clock))
		clock_manual_set(port->clock, t_ns);
	back_door_due(port->door, clock_now(port->clock));
	plant_step_to(port->shared.plant, clock_now(port->clock));
}

static gboolean port_read(PlantPort *self, const char *channel, double *ret_value)
{
	WorldPort *port = (WorldPort *)self;
	return plant_read(port->shared.plant, channel, clock_now(port->clock), ret_value);
}

static gboolean port_write(PlantPort *self, const char *channel, double value)
{
	WorldPort *port = (WorldPort *)self;
	return plant_write(port->shared.plant, channel, value, clock_now(port->clock));
}

/* ---- cameras ---- */

static void draw(WorldPort *port, PortCamera *camera, uint64_t number)
{
	Scene scene;
	double led = plant_truth(port->shared.plant, QUANTITY_LED);
	plant_scene(port->shared.plant, &scene);
	renderer_draw(camera->renderer, &scene, number, led);
	memcpy(camera->pixels, renderer_gray(camera->renderer), camera->size);
	camera->seen = true;
}

static gboolean port_render(PlantPort *self, const char *name, Frame *ret_frame)
{
	WorldPort *port = (WorldPort *)self;
	PortCamera *camera = NULL;
	for (guint i = 0; i < port->ends->len; i++)
		if (!strcmp(((FarEnd *)g_ptr_array_index(port->ends, i))->device->name, name))
			camera = g_ptr_array_index(port->ends, i);
	if (!camera)
		return FALSE;
	const SceneCamera *at = &camera->end.device->camera;
	int64_t now = clock_now(port->clock);
	uint64_t number = (uint64_t)(now * at->fps / CLOCK_S);
	LinkFaultKind fault = link_fault_at(&camera->end.fault, now, NULL);
	if (fault == LINK_FAULT_DROP)
		return FALSE;
	if (fault == LINK_FAULT_BLACK)
		memset(camera->pixels, 16, camera->size); /* video black, BT.601 */
	else if (fault != LINK_FAULT_FREEZE || !camera->seen)
		draw(port, camera, number);
	*ret_frame = (Frame){.data = camera->pixels,
			     .size = camera->size,
			     .format = "gray8",
			     .width = at->width,
			     .height = at->height,
			     .capture_ns = now,
			     .receipt_ns = now,
			     .sequence = number,
			     .key = true};
	return TRUE;
}

static void free_camera(gpointer data)
{
	PortCamera *camera = data;
	link_fault_clear(&camera->end.fault);
	renderer_free(camera->renderer);
	g_free(camera->pixels);
	g_free(camera);
}

static gboolean add_camera(WorldPort *port, const WorldDevice *device, GError **error)
{
	PortCamera *camera = g_new0(PortCamera, 1);
	camera->end.ops = &port_camera;
	camera->end.shared = &port->shared;
	camera->end.device = device;
	link_fault_init(&camera->end.fault);
	camera->renderer = renderer_new(&device->camera);
	camera->size = (size_t)device->camera.width * (size_t)device->camera.height;
	camera->pixels = g_malloc0(camera->size);
	g_ptr_array_add(port->ends, camera);
	if (!camera->renderer)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: cannot draw a picture of %d x %d", device->name,
			    device->camera.width, device->camera.height);
	return camera->renderer != NULL;
}

/* ---- open and close ---- */

static void port_free(PlantPort *self)
{
	WorldPort *port = (WorldPort *)self;
	if (!port)
		return;
	back_door_free(port->door);
	g_ptr_array_unref(port->ends);
	world_shared_clear(&port->shared);
	world_file_free(port->file);
	clock_free(port->clock);
	g_free(port);
}

char *world_plant_port_back_door(PlantPort *self, const char *line)
{
	g_assert(self->step_to == port_step_to);
	return back_door_line(((WorldPort *)self)->door, line);
}

PlantPort *world_plant_port_new(const char *path, uint64_t seed, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	WorldFile *file = world_file_load(path, seed, diag);
	if (!file) {
		diagnostics_to_error(diag, error);
		return NULL;
	}
	WorldPort *port = g_new0(WorldPort, 1);
	port->port = (PlantPort){port_step_to, port_read, port_write, port_render, port_free};
	port->file = file;
	port->clock = clock_manual_new(0);
	port->ends = g_ptr_array_new_with_free_func(free_camera);
	world_shared_init(&port->shared, file, port->clock);
	port->door = back_door_new(&port->shared, port->ends);
	for (guint i = 0; i < file->devices->len; i++) {
		const WorldDevice *device = g_ptr_array_index(file->devices, i);
		if (device->kind == WORLD_CAMERA && !add_camera(port, device, error)) {
			port_free(&port->port);
			return NULL;
		}
	}
	return &port->port;
}
