/* Test pictures: a moving bright square on a noisy ground, from arithmetic alone. */
#ifndef ANZEN_TESTS_MEDIA_PICTURE_H
#define ANZEN_TESTS_MEDIA_PICTURE_H

#include <anzen/media.h>

/* Picture number `n`, gray8; noise 0: the ground is flat. Clear with media_frame_clear(). */
void picture_make(Frame *ret_frame, int width, int height, unsigned int n, int noise);

#endif
