/* The furniture of the room as the camera sees it: floor, walls, plates, stove, card. */
#ifndef ANZEN_WORLD_SCENE_ROOM_H
#define ANZEN_WORLD_SCENE_ROOM_H

#include "plant.h"

/* Appends everything that is not the chair or the mannequin. `card` 0..1 turns the card's face to +x; `glow` 0..1 is the
 * hot plate's. */
void scene_room(const PlantParams *params, double card, double glow, Scene *scene);
/* The middle of the pan. */
void scene_pan(const PlantParams *params, double ret_centre[3]);

#endif
