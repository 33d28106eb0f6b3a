/* The back door: lines of JSON that set and read the physical truth, press buttons and break things.
 *
 *	{"read": "mannequin.height"}			→ {"read":"mannequin.height","value":0.92,"t_ns":…} on stdout
 *	{"set": "stove.pan", "value": 180}		a physical truth (plant_set)
 *	{"write": "stove.valve-closed", "value": 1}	an actuator or a device's terminal
 *	{"press": "node-a.estop"}  {"release": …}	open or close a safety loop; for in.N: 1 or 0
 *	{"fault": "io", "kind": "late", "at_ns": N, "until_ns": M, "argument": 700}
 *	{"fault": "node-a.adc.0", "kind": "stuck", "at_ns": N}
 *	{"fault": "node-a", "kind": "noise", "argument": 2000}	with --proxy node-a: 0.2 % of its bytes
 *	{"fault": "io", "kind": "none"}			everything of that target is well again
 * Times are CLOCK_MONOTONIC nanoseconds; without at_ns: now; without until_ns: for ever. Every line is answered with
 * one line: {"ok":true}, what was read, or {"error":"…"}.
 */
#ifndef ANZEN_WORLD_BACK_DOOR_H
#define ANZEN_WORLD_BACK_DOOR_H

#include "far_end.h"

G_BEGIN_DECLS

typedef struct BackDoor BackDoor;

/* ends: FarEnd*; both borrowed. Main thread only. */
BackDoor *back_door_new(WorldShared *shared, GPtrArray *ends);
void back_door_free(BackDoor *door);

/* One line in, one line (without newline) out. Caller frees. */
char *back_door_line(BackDoor *door, const char *line);

/* Faults that begin or end at a time and need a hand: do what is due. Returns when the next one is, or CLOCK_NEVER. */
int64_t back_door_due(BackDoor *door, int64_t now_ns);

G_END_DECLS

#endif
