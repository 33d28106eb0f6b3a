/* Windows with open bounds, means and counts over windows. Private to stl. */
#ifndef ANZEN_STL_OVER_H
#define ANZEN_STL_OVER_H

#include "eval.h"

/* As track_window_max(), without the window's own ends where they are open: sup of the limits inside remains. */
Track *track_window_open(const Track *f, double from, double to, bool open_from, bool open_to);
/* As track_open_ends(); an open window that begins at the end, or ends at the start, lies beyond as a whole. */
Track *track_open_ends_open(Track *a, double from, double to, bool open_from, bool open_to);

#endif
