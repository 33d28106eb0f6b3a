#include "count.h"

/* A rise in [from, to], or any number of them. */
typedef struct Rise {
	int64_t from, to;
	bool certain, any;
} Rise;

struct Count {
	CountShape shape;
	Rise *ring;
	unsigned capacity, sure_head, head,
		tail; /* counted up for ever; since `head` perhaps in the window */
	int64_t sure, perhaps,
		any; /* sums of the certain ones since sure_head, of the single and the other ones since head */
	StlTruth now;
	int64_t open_from; /* since when p is not known */
	bool rises;        /* it was false before that */
	bool begun, beyond;
	int64_t start_ns;
};

Count *count_new(const CountShape *shape)
{
	Count *c = g_new0(Count, 1);
	c->shape = *shape;
	c->capacity = shape->width_ns == CLOCK_NEVER ? 0 : cells_room(shape->width_ns);
	c->ring = c->capacity ? g_new0(Rise, c->capacity) : NULL;
	count_start(c);
	return c;
}

void count_free(Count *c)
{
	if (c)
		g_free(c->ring);
	g_free(c);
}

size_t count_bytes(const Count *c)
{
	return sizeof(*c) + c->capacity * sizeof(Rise);
}

void count_start(Count *c)
{
	c->sure_head = c->head = c->tail = 0;
	c->sure = c->perhaps = c->any = 0;
	c->begun = c->beyond = false;
}

static Rise *rise_at(const Count *c, unsigned i)
{
	return &c->ring[i & (c->capacity - 1)];
}

/* Of sums over what is in the window. */
static void weigh(Count *c, const Rise *r, int by)
{
	c->perhaps += r->any ? 0 : by;
	c->any += r->any ? by : 0;
}

static void add(Count *c, const Rise *r)
{
	if (c->capacity > 0 && c->tail - c->head == c->capacity) {
		Rise *newest = rise_at(c, c->tail - 1);
		weigh(c, newest, -1);
		if (newest->certain && c->sure_head != c->tail)
			c->sure--;
		*newest = (Rise){newest->from, r->to, false, true};
		weigh(c, newest, 1);
		return;
	}
	if (c->capacity > 0)
		*rise_at(c, c->tail++) = *r;
	weigh(c, r, 1);
	c->sure += r->certain;
}

/* What has left by `key` (twice the time, odd: just after it). */
static void leave(Count *c, int64_t key)
{
	int64_t oldest = key - 2 * c->shape.width_ns + c->shape.oldest_open;
	if (c->capacity == 0)
		return;
	for (; c->sure_head != c->tail && 2 * rise_at(c, c->sure_head)->from < oldest;
	     c->sure_head++)
		c->sure -= rise_at(c, c->sure_head)->certain;
	for (; c->head != c->tail && 2 * rise_at(c, c->head)->to < oldest; c->head++)
		weigh(c, rise_at(c, c->head), -1);
}

static Value counted(Count *c, int64_t now, bool after, bool open)
{
	const int64_t width = c->shape.width_ns;
	leave(c, 2 * now + after);
	bool before = c->shape.before && width != CLOCK_NEVER && now < c->start_ns + width;
	bool any = c->any > 0 || before || open;
	return (Value){{key_of((double)c->sure), any ? KEY_MOST : key_of((double)c->perhaps)}};
}

/* p is this from `now` on, or right after. */
static void turn(Count *c, StlTruth p, int64_t now)
{
	if (c->begun && p == c->now)
		return;
	if (c->begun && c->now == STL_FALSE && p == STL_TRUE)
		add(c, &(Rise){now, now, true, false});
	if (c->begun && c->now == STL_UNKNOWN)
		add(c, &(Rise){c->open_from, now, c->rises && p == STL_TRUE, c->open_from < now});
	if (p == STL_UNKNOWN) {
		c->rises = c->begun && c->now == STL_FALSE;
		c->open_from = now;
	}
	c->now = p;
	c->begun = true;
}

static bool is_open(const Count *c)
{
	return c->begun && c->now == STL_UNKNOWN;
}

void count_look(Count *c, int64_t now, const Value p[2], CountTime time, Value ret[2])
{
	bool first = !c->begun, newest_open = c->shape.newest_open;
	if (first)
		c->start_ns = now;
	if (newest_open) {
		bool none = first && c->shape.width_ns == CLOCK_NEVER;
		ret[0] = counted(c, now, false, is_open(c) || none || c->beyond);
	}
	if (time != COUNT_BEYOND)
		turn(c, value_truth(&p[0]), now);
	if (time == COUNT_GOES_ON)
		turn(c, value_truth(&p[1]), now);
	else if (time == COUNT_LAST && is_open(c))
		turn(c, STL_FALSE, now); /* it ends here, with no rise that is certain */
	if (!newest_open)
		ret[0] = counted(c, now, false, is_open(c) || time == COUNT_BEYOND);
	c->beyond = time != COUNT_GOES_ON;
	ret[1] = counted(c, now, true, is_open(c) || c->beyond);
}

static int64_t sooner(int64_t best, int64_t t, int64_t now)
{
	return t > now && t < best ? t : best;
}

int64_t count_next(const Count *c, int64_t best, int64_t now)
{
	const int64_t width = c->shape.width_ns;
	if (c->capacity == 0 || !c->begun)
		return best;
	if (c->shape.before)
		best = sooner(best, c->start_ns + width, now);
	if (c->sure_head != c->tail)
		best = sooner(best, rise_at(c, c->sure_head)->from + width, now);
	if (c->head != c->tail)
		best = sooner(best, rise_at(c, c->head)->to + width, now);
	return best;
}
