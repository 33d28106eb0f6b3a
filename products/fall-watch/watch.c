#include "watch.h"

#include "card.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* A pixel has changed when it differs by this much from the background (8-bit steps), in a picture of DAYLIGHT mean or
 * more; contrast falls with the light, but noise, 1.5 to 4 a pixel before the scaling, does not let it fall below. */
static const float CHANGED = 18, CHANGED_DARK = 9, DAYLIGHT = 80;
/* Shares of the picture. A person's fall moves several percent; a hand or the card less than one. */
static const double MOTION_ON = 0.004, MOTION_OFF = 0.0015, FALL_PEAK = 0.010;
/* The centre of motion has to sink by this share of the picture's height. */
static const double DROP = 0.07;
/* A burst shorter than this is a flicker. */
static const double SHORTEST_S = 0.15;
/* Who falls sinks by this share of the picture within SINK_S. Chosen between what was seen: 0.06 lying down slowly and
 * 0.08 stumbling (acted videos); 0.10 to 0.17 rendered chair falls, 0.22 and more acted ones. */
static const double SINK = 0.085, SINK_S = 0.6;
/* Stillness that makes a drop a fall; stillness after which the scene counts as settled. */
static const double STILL_S = 0.8, SETTLED_S = 1.5;
static const double BACKGROUND_S = 0.5;

void watch_init(Watch *w)
{
	memset(w, 0, sizeof(*w));
}

/* The mean of the pixels under each small one: rows are summed first, in vectors, then across. */
void watch_scale(const uint8_t *grey, int width, int height, int stride, uint8_t *ret)
{
	uint32_t *columns = malloc((size_t)width * sizeof *columns);

	if (!columns)
		abort();
	for (int y = 0; y < WATCH_H; y++) {
		int y0 = y * height / WATCH_H, y1 = MAX((y + 1) * height / WATCH_H, y0 + 1);
		memset(columns, 0, (size_t)width * sizeof *columns);
		for (int v = y0; v < y1; v++)
			for (int u = 0; u < width; u++)
				columns[u] += grey[(size_t)v * (size_t)stride + (size_t)u];
		for (int x = 0; x < WATCH_W; x++) {
			int x0 = x * width / WATCH_W, x1 = MAX((x + 1) * width / WATCH_W, x0 + 1);
			uint32_t sum = 0;
			for (int u = x0; u < x1; u++)
				sum += columns[u];
			ret[y * WATCH_W + x] = (uint8_t)(sum / (uint32_t)((y1 - y0) * (x1 - x0)));
		}
	}
	free(columns);
}

/* ---- motion ---- */

typedef struct Motion {
	double share; /* of the picture */
	double y;     /* centre, 0 … 1 */
} Motion;

static float threshold_of(const Watch *w)
{
	float sum = 0;
	for (int i = 0; i < WATCH_W * WATCH_H; i += 7)
		sum += w->background[i];
	float mean = sum / (WATCH_W * WATCH_H / 7);
	return fminf(CHANGED, fmaxf(CHANGED_DARK, CHANGED * mean / DAYLIGHT));
}

static Motion motion_of(Watch *w, const uint8_t *grey, double dt)
{
	float follow = (float)(1 - exp(-dt / BACKGROUND_S));
	float threshold = threshold_of(w);
	long changed = 0, sum_y = 0;
	for (int y = 0; y < WATCH_H; y++) {
		const uint8_t *now = grey + y * WATCH_W;
		float *background = w->background + y * WATCH_W;
		int in_row = 0;
		for (int x = 0; x < WATCH_W; x++) {
			float d = (float)now[x] - background[x];
			in_row += fabsf(d) > threshold;
			background[x] += follow * d;
		}
		changed += in_row;
		sum_y += (long)in_row * y;
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
	w->sink = 0;
	w->past = 0;
}

/* How far the centre sank within the last SINK_S. Only where enough moves for its centre to mean something. */
static void follow_sink(Watch *w, const Motion *m, double t_s)
{
	if (m->share < FALL_PEAK)
		return;
	for (int i = 0; i < w->past && i < WATCH_PAST; i++)
		if (t_s - w->past_t_s[i] <= SINK_S)
			w->sink = fmax(w->sink, m->y - w->past_y[i]);
	w->past_t_s[w->past % WATCH_PAST] = t_s;
	w->past_y[w->past++ % WATCH_PAST] = m->y;
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
	follow_sink(w, m, t_s);
}

static bool was_fall(const Watch *w)
{
	double length = w->moved_s - w->burst_from_s;
	return w->drop > DROP && w->sink > SINK && w->peak > FALL_PEAK && length > SHORTEST_S;
}

/* ---- the marker card ---- */

enum { FRESH = 14, CARD_MIN = 9, CARD_MAX = 60 }; /* 8-bit steps; pixels of the small picture */
static const double CARD_SURE = 0.7;

typedef struct Region {
	int x0, y0, x1, y1;
} Region;

/* Takes the marked pixels that hang together with (x, y) out of the map. */
static Region take_region(uint8_t *map, int *stack, int x, int y)
{
	Region r = {x, y, x + 1, y + 1};
	int n = 0;

	stack[n++] = y * WATCH_W + x;
	map[y * WATCH_W + x] = 0;
	while (n > 0) {
		int at = stack[--n], px = at % WATCH_W, py = at / WATCH_W;
		r.x0 = px < r.x0 ? px : r.x0;
		r.y0 = py < r.y0 ? py : r.y0;
		r.x1 = px + 1 > r.x1 ? px + 1 : r.x1;
		r.y1 = py + 1 > r.y1 ? py + 1 : r.y1;
		for (int v = py - 1; v <= py + 1; v++)
			for (int u = px - 1; u <= px + 1; u++) {
				int next = v * WATCH_W + u;
				if (u < 0 || v < 0 || u >= WATCH_W || v >= WATCH_H || !map[next])
					continue;
				map[next] = 0;
				stack[n++] = next;
			}
	}
	return r;
}

/* Something new of the card's size and shape that carries its pattern. */
static bool sees_card(const Watch *w, const uint8_t *grey)
{
	static _Thread_local uint8_t map[WATCH_W * WATCH_H];
	static _Thread_local int stack[WATCH_W * WATCH_H];

	for (int i = 0; i < WATCH_W * WATCH_H; i++)
		map[i] = fabsf((float)grey[i] - w->settled[i]) > FRESH;
	for (int y = 0; y < WATCH_H; y++)
		for (int x = 0; x < WATCH_W; x++) {
			if (!map[y * WATCH_W + x])
				continue;
			Region r = take_region(map, stack, x, y);
			int width = r.x1 - r.x0, height = r.y1 - r.y0;
			if (width < CARD_MIN || height < CARD_MIN || width > CARD_MAX ||
			    height > CARD_MAX || 2 * width > 3 * height || 2 * height > 3 * width)
				continue;
			if (card_match(grey, WATCH_W, WATCH_H, r.x0, r.y0, r.x1, r.y1) > CARD_SURE)
				return true;
		}
	return false;
}

static WatchEvent look_for_card(Watch *w, const uint8_t *grey, double t_s)
{
	bool there = w->have_settled && sees_card(w, grey);
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
