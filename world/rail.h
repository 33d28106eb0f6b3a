/* A carriage on a rail, moved by a stepping drive: each rising edge of its step input is a step, if the drive has power. It holds
 * its place without (a screw). Against the ends of the rail it stands still and the steps are lost. What it carries, a hand on a
 * forearm, hides the pan from a sensor that looks down at it. Private to world. */
#ifndef ANZEN_WORLD_RAIL_H
#define ANZEN_WORLD_RAIL_H

#include "scene.h"

typedef struct RailParams {
	bool fitted;
	double step_m; /* true way of one step, towards `to` with its direction input high */
	double from[3], to[3]; /* the hand's middle at either end of the rail */
	double start_m;        /* from the first end */
	double switch_m;       /* the end switch is closed up to here */
	double hand_C;         /* what an infra-red sensor sees of the hand */
} RailParams;

typedef struct Rail {
	double position_m;
	bool jammed; /* a fault: it does not move */
} Rail;

double rail_length(const RailParams *params);
void rail_step(Rail *rail, const RailParams *params, bool up);
/* How much of `spot` (a point below) the hand covers for who looks straight down, 0..1. */
double rail_cover(const Rail *rail, const RailParams *params, const double spot[3]);
void rail_scene(const Rail *rail, const RailParams *params, Scene *scene);

#endif
