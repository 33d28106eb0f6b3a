#include <anzen/world.h>

#include "world_file.h"

/* The world in the caller's process: one thread, time moved by step_to alone. */
typedef struct WorldPort {
	PlantPort port; /* first: a PlantPort* is a WorldPort* */
	WorldFile *file;
	Plant *plant;
	int64_t now_ns;
} WorldPort;

static void port_step_to(PlantPort *self, int64_t t_ns)
{
	WorldPort *port = (WorldPort *)self;
	port->now_ns = MAX(port->now_ns, t_ns);
	plant_step_to(port->plant, port->now_ns);
}

static gboolean port_read(PlantPort *self, const char *channel, double *ret_value)
{
	WorldPort *port = (WorldPort *)self;
	return plant_read(port->plant, channel, port->now_ns, ret_value);
}

static gboolean port_write(PlantPort *self, const char *channel, double value)
{
	WorldPort *port = (WorldPort *)self;
	return plant_write(port->plant, channel, value, port->now_ns);
}

static gboolean port_render(PlantPort *self, const char *camera, Frame *ret_frame)
{
	(void)self;
	(void)camera;
	(void)ret_frame;
	return FALSE;
}

static void port_free(PlantPort *self)
{
	WorldPort *port = (WorldPort *)self;
	if (!port)
		return;
	plant_free(port->plant);
	world_file_free(port->file);
	g_free(port);
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
	port->plant = plant_new(&file->plant, 0);
	return &port->port;
}
