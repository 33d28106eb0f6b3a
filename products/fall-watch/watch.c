#include "watch.h"

#include <math.h>
#include <string.h>

/* A pixel has changed when it differs by this much from the background (8-bit steps). Sensor noise is 1.5 to 3. */
static const float CHANGED = 18;
/* Shares of the picture. A person's fall moves several percent; a hand or the card less than one. */
static const double MOTION_ON = 0.004, MOTION_OFF = 0.0015, FALL_PEAK = 0.010;
/* The centre of motion has to sink by this share of the picture's height. */
static const double DROP = 0.07;
/* A burst shorter than this is a flicker, a longer one is somebody at work. */
static const double SHORTEST_S = 0.15, LONGEST_S = 4.0;
/* Stillness that makes a drop a fall; stillness after which the scene counts as settled. */
static const double STILL_S = 0.8, SETTLED_S = 1.5;
static const double BACKGROUND_S = 0.5;

void watch_init(Watch *w)
{
	memset(w, 0, sizeof(*w));
}

void watch_scale(const uint8_t *grey, int width, int height, int stride, uint8_t *ret)
{
	for (int y = 0; y < WATCH_H; y++) {
		int y0 = y * height / WATCH_H, y1 = (y + 1) * height / WATCH_H;
		for (int x = 0; x < WATCH_W; x++) {
			int x0 = x * width / WATCH_W, x1 = (x + 1) * width / WATCH_W;
			unsigned sum = 0, n = 0;
			for (int v = y0; v < (y1 > y0 ? y1 : y0 + 1); v++)
				for (int u = x0; u < (x1 > x0 ? x1 : x0 + 1); u++, n++)
					sum += grey[v * stride + u];
			ret[y * WATCH_W + x] = (uint8_t)(sum / n);
		}
	}
}

/* ---- motion ---- */

typedef struct Motion {
	double share; /* of the picture */
	double y;     /* centre, 0 … 1 */
} Motion;

static Motion motion_of(Watch *w, const uint8_t *grey, double dt)
{
	float follow = (float)(1 - exp(-dt / BACKGROUND_S));
	long changed = 0, sum_y = 0;
	for (int y = 0; y < WATCH_H; y++)
		for (int x = 0; x < WATCH_W; x++) {
			int i = y * WATCH_W + x;
			float d = (float)grey[i] - w->background[i];
			if (fabsf(d) > CHANGED) {
				changed++;
				sum_y += y;
			}
			w->background[i] += follow * d;
		}
	Motion m = {(double)changed / (WATCH_W * WATCH_H), 0};
	if (changed > 0)
		m.y = (double)sum_y / (double)changed / WATCH_H;
	return m;
}

static void begin_burst(Watch *w, const Motion *m, double t_s)
{
	w->moving = true;
	w->burst_from_s = t_s;
	w->first_y = m->y;
	w->low_y = m->y;
	w->peak = 0;
	w->sum_y = w->weight = 0;
}

/* The beginning is where the first quarter of a second moved; the end is the lowest place since. */
static void follow_burst(Watch *w, const Motion *m, double t_s)
{
	w->moved_s = t_s;
	w->peak = fmax(w->peak, m->share);
	if (t_s - w->burst_from_s < 0.25) {
		w->sum_y += m->y * m->share;
		w->weight += m->share;
		w->first_y = w->sum_y / w->weight;
	}
	w->low_y = fmax(w->low_y, m->y);
	w->drop = w->low_y - w->first_y;
}

static bool was_fall(const Watch *w)
{
	double length = w->moved_s - w->burst_from_s;
	return w->drop > DROP && w->peak > FALL_PEAK && length > SHORTEST_S && length < LONGEST_S;
}

/* ---- the marker card ---- */

enum { CELL = 8 }; /* pixels of the small picture: a patch that is looked at as a whole */

/* A patch of the card has both strong black and strong white where the settled scene had neither. */
static int card_cells(const Watch *w, const uint8_t *grey)
{
	int cells = 0;
	for (int cy = 0; cy + CELL <= WATCH_H; cy += CELL)
		for (int cx = 0; cx + CELL <= WATCH_W; cx += CELL) {
			int dark = 0, bright = 0, fresh = 0;
			float mean = 0;
			for (int y = cy; y < cy + CELL; y++)
				for (int x = cx; x < cx + CELL; x++)
					mean += (float)grey[y * WATCH_W + x];
			mean /= CELL * CELL;
			for (int y = cy; y < cy + CELL; y++)
				for (int x = cx; x < cx + CELL; x++) {
					int i = y * WATCH_W + x;
					dark += (float)grey[i] < mean - 35;
					bright += (float)grey[i] > mean + 35;
					fresh += fabsf((float)grey[i] - w->settled[i]) > 25;
				}
			cells += dark > CELL * CELL / 5 && bright > CELL * CELL / 5 &&
				 fresh > CELL * CELL / 3;
		}
	return cells;
}

static WatchEvent look_for_card(Watch *w, const uint8_t *grey, double t_s)
{
	/* While a person moves, everything is new; a card is shown to a quiet room. */
	bool busy = w->moving && w->peak > FALL_PEAK;
	bool there = w->have_settled && !busy && card_cells(w, grey) >= 2;
	if (there && !w->card) {
		w->card = true;
		w->card_s = t_s;
		return WATCH_CARD;
	}
	if (!there && t_s - w->card_s > 1)
		w->card = false;
	return WATCH_NOTHING;
}

/* ---- one picture ---- */

static void keep_settled(Watch *w, double t_s)
{
	if (!w->have_settled || (!w->moving && t_s - w->moved_s > SETTLED_S)) {
		memcpy(w->settled, w->background, sizeof(w->settled));
		w->have_settled = t_s - w->moved_s > SETTLED_S;
	}
}

static WatchEvent after_stillness(Watch *w, double t_s)
{
	if (!w->moving || t_s - w->moved_s < STILL_S)
		return WATCH_NOTHING;
	w->moving = false;
	if (!was_fall(w))
		return WATCH_NOTHING;
	w->fallen = true;
	w->fallen_s = w->moved_s;
	w->score = fmin(1, w->drop / (3 * DROP));
	return WATCH_FALL;
}

WatchEvent watch_see(Watch *w, const uint8_t *grey, double t_s)
{
	if (!w->begun) {
		for (int i = 0; i < WATCH_W * WATCH_H; i++)
			w->background[i] = (float)grey[i];
		w->begun = true;
		w->last_s = w->moved_s = t_s;
		return WATCH_NOTHING;
	}
	Motion m = motion_of(w, grey, t_s - w->last_s);
	w->last_s = t_s;
	if (!w->moving && m.share > MOTION_ON)
		begin_burst(w, &m, t_s);
	if (w->moving && m.share > MOTION_OFF)
		follow_burst(w, &m, t_s);
	WatchEvent fall = after_stillness(w, t_s);
	if (fall != WATCH_NOTHING)
		return fall;
	WatchEvent card = look_for_card(w, grey, t_s);
	keep_settled(w, t_s);
	if (card != WATCH_NOTHING)
		return card;
	/* Somebody got up again: sustained motion whose centre rises. */
	if (w->fallen && w->moving && m.share > FALL_PEAK && t_s - w->burst_from_s > 2 &&
	    m.y < w->first_y - DROP) {
		w->fallen = false;
		return WATCH_CLEARED;
	}
	return WATCH_NOTHING;
}
