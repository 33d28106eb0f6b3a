/* world: the virtual world for lock-step runs, in this process, behind model's PlantPort.
 *
 *	PlantPort *port = world_plant_port_new("rigs/worlds/living-room.yaml", 1, &error);
 *	port->step_to(port, 20 * CLOCK_MS);
 *	port->read(port, "node-a.adc.0", &volts);
 *	port->free(port);
 *
 * Time starts at 0 ns. Names for read and write:
 *	DEVICE.CHANNEL	a terminal as the world file wires it, in the wire's numbers: volts at a node's ADC
 *			("node-a.adc.0"), counts or register units at a Modbus unit ("io.ain.2", "lamp.level"),
 *			0/1 at a node's output ("node-a.out.3"), volts and amperes at a supply ("supply.voltage",
 *			write: set value; read: measurement; "supply.output" 0/1; "supply.current")
 *	QUANTITY	the truth in SI units: "mannequin.height" (m), "floor.force" (N), "room.illuminance" (lx),
 *			"stove.pan" (degC), … (read only; world/plant.h lists them)
 *	ACTUATOR	what acts on the world: "mannequin.release", "stove.valve-closed", "light.level", …
 * A read or write of an unknown name returns FALSE. render gives GRAY8 of a camera the file names.
 */
#ifndef ANZEN_WORLD_H
#define ANZEN_WORLD_H

#include <anzen/model.h>

G_BEGIN_DECLS

/* seed 0: the file's own. NULL with ANZEN_ERROR_INPUT (file:line:col) when the file is wrong. */
PlantPort *world_plant_port_new(const char *path, uint64_t seed, GError **error);

/* The back door of this world: one line of JSON in, one out (world/back_door.h), times in the port's own nanoseconds. For
 * breaking sensors and cameras ("freeze", "black", "drop") in lock-step runs. Caller frees. */
char *world_plant_port_back_door(PlantPort *port, const char *line);

/* World files for `anzen check` and docs/schema: the kind's table, and the whole check. True when no error was added. */
const Shape *world_file_shape(void);
bool world_file_check(const YamlDoc *doc, Diagnostics *diag);

G_END_DECLS

#endif
