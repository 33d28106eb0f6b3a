#include "fold.h"

#include <math.h>

/* x becomes max(u, min(f, x)), for each side. */
typedef struct Step {
	Value f, u;
} Step;

typedef struct Entry {
	Step own, all; /* all: from here to the end of the front stack */
	int64_t leave; /* twice the time, odd: just after it */
} Entry;

struct Fold {
	FoldShape shape;
	Entry *ring;
	unsigned capacity, head, middle, tail; /* front stack: head … middle; counted up for ever */
	Step back, before_newest;              /* of middle … tail; without the last of them */
	Value last_f, last_g;
	unsigned n_odd; /* entries that say two things, or end just after an instant */
	bool begun;
};

static const Step nothing = {{{KEY_MOST, KEY_MOST}}, {{KEY_LEAST, KEY_LEAST}}};

static Step step_of(const Value *f, const Value *g)
{
	return (Step){*f, value_least(*f, *g)};
}

/* a, then b in time. An until looks from a to b, a since from b to a. */
static Step then(const Step *a, const Step *b, bool past)
{
	const Step *near = past ? b : a, *far = past ? a : b;
	return (Step){value_least(a->f, b->f), value_most(near->u, value_least(near->f, far->u))};
}

/* a and b as one time that may begin anywhere in a or in b. */
static Step either(const Step *a, const Step *b, bool past)
{
	Step both = then(a, b, past), out;
	out.f = (Value){{both.f.x[LO], b->f.x[HI]}};
	out.u = (Value){{key_least(both.u.x[LO], b->u.x[LO]), key_most(both.u.x[HI], b->u.x[HI])}};
	return out;
}

Fold *fold_new(const FoldShape *shape)
{
	Fold *s = g_new0(Fold, 1);
	s->shape = *shape;
	s->capacity = shape->width_ns == CLOCK_NEVER ? 0 : cells_room(shape->width_ns);
	s->ring = s->capacity ? g_new0(Entry, s->capacity) : NULL;
	fold_start(s);
	return s;
}

void fold_free(Fold *s)
{
	if (s)
		g_free(s->ring);
	g_free(s);
}

size_t fold_bytes(const Fold *s)
{
	return sizeof(*s) + s->capacity * sizeof(Entry);
}

void fold_start(Fold *s)
{
	s->head = s->middle = s->tail = 0;
	s->back = s->before_newest = nothing;
	s->n_odd = 0;
	s->begun = false;
}

static Entry *entry(const Fold *s, unsigned i)
{
	return &s->ring[i & (s->capacity - 1)];
}

static bool is_odd(const Entry *e)
{
	return !value_exact(&e->own.f) || !value_exact(&e->own.u) ||
	       (e->leave != CLOCK_NEVER && (e->leave & 1));
}

/* From the end of the front stack on. */
static void fold_front(Fold *s)
{
	Step all = nothing;
	for (unsigned i = s->middle; i-- != s->head;) {
		all = then(&entry(s, i)->own, &all, s->shape.past);
		entry(s, i)->all = all;
	}
}

/* The newest and one more become one. */
static void widen_newest(Fold *s, const Step *own, int64_t leave)
{
	Entry *newest = entry(s, s->tail - 1);
	s->n_odd -= is_odd(newest);
	newest->own = either(&newest->own, own, s->shape.past);
	newest->leave = leave;
	s->n_odd += is_odd(newest);
	if (s->middle == s->tail) { /* it was in the front */
		s->middle--;
		s->before_newest = nothing;
		fold_front(s);
	}
	s->back = then(&s->before_newest, &newest->own, s->shape.past);
}

static void add(Fold *s, const Step *own, int64_t leave)
{
	if (s->capacity > 0 && s->tail - s->head == s->capacity) {
		widen_newest(s, own, leave);
		return;
	}
	if (s->capacity > 0) {
		Entry *e = entry(s, s->tail++);
		*e = (Entry){*own, *own, leave};
		s->n_odd += is_odd(e);
	}
	s->before_newest = s->back;
	s->back = then(&s->back, own, s->shape.past);
}

/* What has left by `key` goes; the front stack gets all when it is empty. */
static void leave(Fold *s, int64_t key)
{
	while (s->head != s->tail && entry(s, s->head)->leave <= key) {
		s->middle += s->head == s->middle;
		s->n_odd -= is_odd(entry(s, s->head));
		s->head++;
	}
	if (s->head != s->middle)
		return;
	s->middle = s->tail;
	s->back = nothing;
	fold_front(s);
}

static Value folded(Fold *s, int64_t key)
{
	if (s->capacity == 0)
		return s->back.u;
	leave(s, key);
	if (s->head == s->tail)
		return nothing.u;
	/* the instant at an open beginning counts for f only */
	const Entry *first = entry(s, s->head);
	bool f_only = !s->shape.past && s->shape.oldest_open && first->leave == key + 1;
	unsigned from = s->head + f_only;
	Step front = from == s->middle ? nothing : entry(s, from)->all,
	     all = then(&front, &s->back, s->shape.past);
	return f_only ? value_least(first->own.f, all.u) : all.u;
}

/* Before `at` was added. */
static Value without_newest(Fold *s, int64_t now, const Value *f)
{
	Value before = s->shape.past && s->shape.width_ns == CLOCK_NEVER && !s->begun
			       ? value_unknown /* nothing of the window lies after the start */
			       : folded(s, 2 * now);
	return s->shape.past ? value_least(*f, before) : before;
}

void fold_look(Fold *s, int64_t now, const Value f[2], const Value g[2], Value ret[2])
{
	const FoldShape *shape = &s->shape;
	bool bounded = shape->width_ns != CLOCK_NEVER;
	int64_t end = bounded ? 2 * (now + shape->width_ns) : CLOCK_NEVER;
	bool changed = !s->begun || !value_same(&s->last_f, &f[0]) ||
		       !value_same(&s->last_g, &g[0]) || !value_same(&f[0], &f[1]) ||
		       !value_same(&g[0], &g[1]);
	if (!s->begun && shape->past && bounded) {
		Step before = step_of(&value_unknown, &value_unknown); /* the start */
		add(s, &before, end);
	}
	if (changed && s->begun && s->head != s->tail)
		entry(s, s->tail - 1)->leave = end;
	Step at = step_of(&f[0], &g[0]), after = step_of(&f[1], &g[1]);
	if (shape->newest_open)
		ret[0] = without_newest(s, now, &f[0]);
	/* when nothing changes right after `now`, `after` says it all: the same twice is the same */
	bool jumps = !value_same(&f[0], &f[1]) || !value_same(&g[0], &g[1]);
	if (changed && jumps)
		add(s, &at, bounded ? end + !(shape->past && shape->oldest_open) : end);
	if (changed && !jumps)
		add(s, &after, CLOCK_NEVER);
	if (!shape->newest_open)
		ret[0] = folded(s, 2 * now);
	if (changed && jumps)
		add(s, &after, CLOCK_NEVER);
	ret[1] = folded(s, 2 * now + 1);
	s->last_f = f[1];
	s->last_g = g[1];
	s->begun = true;
}

int64_t fold_next(const Fold *s, int64_t best, int64_t now)
{
	if (s->head == s->tail)
		return best;
	int64_t leaves = entry(s, s->head)->leave;
	return leaves != CLOCK_NEVER && leaves / 2 > now && leaves / 2 < best ? leaves / 2 : best;
}

/* ---- while nothing is missing --------------------------------------------------------------------------------------------- */

bool fold_may_flow(const Fold *s)
{
	return !s->shape.newest_open;
}

bool fold_flows(const Fold *s)
{
	bool exact = s->capacity > 0 || (value_exact(&s->back.f) && value_exact(&s->back.u));
	return s->begun && s->n_odd == 0 && exact && value_exact(&s->last_f) &&
	       value_exact(&s->last_g);
}

unsigned fold_room(const Fold *s, unsigned *ret_n)
{
	*ret_n = s->tail - s->head;
	return s->capacity;
}

int64_t fold_leaves(const Fold *s, unsigned i)
{
	return s->tail - s->head > i ? entry(s, s->head + i)->leave / 2 : CLOCK_NEVER;
}

int64_t fold_flow(Fold *s, int64_t t, int64_t f, int64_t g)
{
	const Value fs = {{f, f}}, gs = {{g, g}};
	if (!value_same(&s->last_f, &fs) || !value_same(&s->last_g, &gs)) {
		const Step own = step_of(&fs, &gs);
		if (s->head != s->tail)
			entry(s, s->tail - 1)->leave = 2 * (t + s->shape.width_ns);
		add(s, &own, CLOCK_NEVER);
		s->last_f = fs;
		s->last_g = gs;
	}
	return folded(s, 2 * t).x[LO];
}
