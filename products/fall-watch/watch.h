/* The judgement of fall-watch: grey pictures in, "a person has fallen" out. No clock, no I/O.
 *
 * A fall is a burst of motion whose centre sinks, followed by stillness. The marker card is something
 * new that carries its pattern (card.h). Works on pictures of WATCH_W x WATCH_H; others are scaled by the caller.
 */
#ifndef FALL_WATCH_WATCH_H
#define FALL_WATCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum { WATCH_W = 320, WATCH_H = 180, WATCH_PAST = 64 };

typedef enum { WATCH_NOTHING, WATCH_FALL, WATCH_CLEARED, WATCH_CARD } WatchEvent;

typedef struct Watch {
	float background[WATCH_W * WATCH_H]; /* follows the picture within about a second */
	float settled
		[WATCH_W *
		 WATCH_H]; /* the scene when it was last still for long: what a card is new against */
	bool begun, have_settled;
	double last_s;
	/* the burst of motion that is going on, or was the last */
	bool moving;
	double burst_from_s, moved_s; /* first and last frame with motion */
	double first_y, low_y, weight,
		sum_y; /* centre of motion at the beginning and at its lowest, 0 top … 1 bottom */
	double peak;   /* largest share of the picture that moved */
	double drop;   /* of the last burst */
	double sink;   /* most that the centre sank within 0.6 s in it */
	double past_t_s[WATCH_PAST], past_y[WATCH_PAST]; /* where the centre was lately */
	int past;                                        /* entries written in this burst */
	double score;
	bool fallen, card;
	double fallen_s; /* when the drop ended */
	double card_s;
} Watch;

void watch_init(Watch *watch);
/* One picture, taken at t_s. At most one event. */
WatchEvent watch_see(Watch *watch, const uint8_t *grey, double t_s);

/* Scale a grey picture of any size to the watch's, by averaging. */
void watch_scale(const uint8_t *grey, int width, int height, int stride, uint8_t *ret);

#endif
