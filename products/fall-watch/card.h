/* The positive-control card: a printed sheet with 5 x 5 black and white cells inside a black margin of one cell. */
#ifndef FALL_WATCH_CARD_H
#define FALL_WATCH_CARD_H

#include <stdbool.h>
#include <stdint.h>

enum { CARD_CELLS = 5 };
extern const uint8_t card_pattern[CARD_CELLS][CARD_CELLS]; /* row 0 at the top, 1 is white */

/* Is the card, upright and facing the camera, in the region x0 <= x < x1, y0 <= y < y1 of the picture and about as
 * large as it? By correlation, so that the light does not matter. 0..1 how sure; below 0.7 is no card. */
double card_match(const uint8_t *grey, int width, int height, int x0, int y0, int x1, int y1);

#endif
