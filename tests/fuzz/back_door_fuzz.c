/* Any line: the back door answers with one line of JSON and the world goes on. */
#include <anzen/world.h>

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static PlantPort *port; /* one for all: settling takes a moment */
	static int64_t now_ns;
	double height = 0;
	if (!port)
		port = world_plant_port_new(ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", 1,
					    NULL);
	if (size > 4096)
		return 0;
	g_autofree char *line = g_strndup((const char *)data, size);
	g_autofree char *reply = world_plant_port_back_door(port, line);
	g_assert(g_str_has_prefix(reply, "{") && g_str_has_suffix(reply, "}") &&
		 !strchr(reply, '\n'));
	port->step_to(port, now_ns += 2 * CLOCK_MS);
	g_assert(port->read(port, "mannequin.height", &height) && height > 0 && height < 2);
	return 0;
}
