#include "random.h"

#include <stdlib.h>
#include <string.h>

/* Greedy: try one small change after the other, keep what still fails, until none does. */

/* Slopes stay -1, 0, 1: else the reference is no longer exact. */
static bool straight_enough(const RefSignal *s, const RefSample *x, size_t n)
{
	const RefSample *last = NULL;
	for (size_t i = 0; i < n && !s->hold; i++) {
		if (x[i].status == REF_STALE)
			continue;
		int dv = last ? x[i].v - last->v : 0, dt = last ? x[i].t - last->t : 1;
		if (dv != 0 && abs(dv) != dt)
			return false;
		last = &x[i];
	}
	return true;
}

/* Sums and multiples as reference.h allows them. */
static bool exact_terms(const RefCase *c, const RefNode *n)
{
	if (!n)
		return true;
	if ((n->lo_open || n->hi_open) && n->lo == n->hi)
		return false; /* an empty window is refused */
	if ((n->kind == REF_PLUS || n->kind == REF_LESS) && !ref_level(c, n->a) &&
	    !ref_level(c, n->b))
		return false;
	if (n->kind == REF_TIMES && abs(n->value) > 1 && !ref_level(c, n->a))
		return false;
	return exact_terms(c, n->a) && exact_terms(c, n->b);
}

static bool sound(const RefCase *c)
{
	for (size_t i = 0; i < c->n_signals; i++) {
		const RefSignal *s = &c->signals[i];
		for (size_t k = 0; k < s->n_upper; k++)
			if (s->upper[k].v < s->lower[k].v)
				return false;
		if (!straight_enough(s, s->lower, s->n) ||
		    !straight_enough(s, s->upper, s->n_upper))
			return false;
	}
	return exact_terms(c, c->root);
}

static RefNode **find(RefNode **at, int *index)
{
	if (!*at)
		return NULL;
	if ((*index)-- == 0)
		return at;
	RefNode **found = find(&(*at)->a, index);
	return found ? found : find(&(*at)->b, index);
}

static bool is_number(const RefNode *n)
{
	return n->kind <= REF_COUNT;
}

/* Put a child in the node's place. */
static bool hoist(RefNode **at, bool second)
{
	RefNode *n = *at, *child = second ? n->b : n->a;
	if (!child || is_number(child) != is_number(n))
		return false;
	if (child->kind == REF_NUMBER && n->kind != REF_NUMBER)
		return false;
	if (n->kind == REF_EVERY || n->kind == REF_SOME)
		return false; /* it binds the variable */
	if (second)
		n->b = NULL;
	else
		n->a = NULL;
	node_destroy(n);
	*at = child;
	return true;
}

static bool become(RefNode *n, RefKind kind)
{
	if (is_number(n) || n->kind <= REF_FALSE)
		return false;
	node_destroy(n->a);
	node_destroy(n->b);
	*n = (RefNode){.kind = kind};
	return true;
}

static bool set(int *what, int value)
{
	bool changed = *what != value;
	*what = value;
	return changed;
}

enum { NODE_CHANGES = 16 };

static bool shut(bool *open)
{
	bool changed = *open;
	*open = false;
	return changed;
}

static bool change_node(RefNode **at, int how)
{
	RefNode *n = *at;
	bool temporal = n->kind >= REF_ALWAYS,
	     over = n->kind >= REF_MAX_OVER && n->kind <= REF_COUNT;
	switch (how) {
	case 0:
		return hoist(at, false);
	case 1:
		return hoist(at, true);
	case 2:
		return become(n, REF_TRUE);
	case 3:
		return become(n, REF_FALSE);
	case 4:
		return temporal && n->lo > 0 && set(&n->lo, 0);
	case 11:
		return (temporal || over) && shut(&n->lo_open);
	case 12:
		return (temporal || over) && shut(&n->hi_open);
	case 5:
		return temporal && n->hi != REF_OPEN_END && set(&n->hi, n->lo);
	case 6:
		return temporal && n->hi > n->lo && set(&n->hi, n->hi - 1);
	case 7:
		return temporal && set(&n->hi, REF_OPEN_END);
	case 8:
		return temporal && n->lo > 0 && n->hi != REF_OPEN_END && set(&n->lo, n->lo - 1) &&
		       set(&n->hi, n->hi - 1);
	case 13: /* one channel less */
		return (n->kind == REF_EVERY || n->kind == REF_SOME) &&
		       (n->signal & (n->signal - 1)) != 0 &&
		       set(&n->signal, n->signal & (n->signal - 1));
	case 14:
		return over && n->lo < MIN(-1, n->hi) &&
		       set(&n->lo, n->lo == -REF_FOREVER ? MIN(-6, n->hi) : n->lo + 1);
	case 15:
		return over && n->hi > MAX(1, n->lo) &&
		       set(&n->hi, n->hi == REF_FOREVER ? MAX(6, n->lo) : n->hi - 1);
	case 9:
		return n->kind == REF_NUMBER && n->value > 0 && set(&n->value, n->value - 1);
	}
	return n->kind == REF_NUMBER && n->value < 0 && set(&n->value, n->value + 1);
}

static bool drop(RefSignal *s, size_t i)
{
	if (i >= s->n)
		return false;
	memmove(&s->lower[i], &s->lower[i + 1], (s->n - i - 1) * sizeof(RefSample));
	memmove(&s->upper[i], &s->upper[i + 1], (s->n - i - 1) * sizeof(RefSample));
	s->n--;
	if (s->n_upper)
		s->n_upper--;
	return true;
}

static bool tidy(RefSignal *s, size_t i)
{
	bool changed = i < s->n && (s->lower[i].status != REF_OK || s->upper[i].status != REF_OK);
	if (changed)
		s->lower[i].status = s->upper[i].status = REF_OK;
	return changed;
}

static bool level(RefSignal *s)
{
	bool changed = false;
	for (size_t i = 0; i < s->n; i++)
		changed = set(&s->lower[i].v, s->lower[0].v) || changed;
	return changed;
}

enum { SIGNAL_CHANGES = 3 + 2 * REF_MAX_SAMPLES };

static bool change_signal(RefSignal *s, int how)
{
	if (how == 0 && s->n_upper > 0) {
		s->n_upper = 0;
		return true;
	}
	if (how == 1)
		return set(&s->max_gap, 0);
	if (how == 2)
		return level(s);
	if (how < 3 + REF_MAX_SAMPLES)
		return how >= 3 && drop(s, (size_t)(how - 3));
	return tidy(s, (size_t)(how - 3 - REF_MAX_SAMPLES));
}

/* Change number `which`; false when there are no more; *ret_changed: it made a difference. */
static bool change(RefCase *c, int which, bool *ret_changed)
{
	*ret_changed = false;
	if (which == 0) {
		*ret_changed = c->finite;
		c->finite = false;
		return true;
	}
	if (which == 1) {
		*ret_changed = c->end > 0;
		c->end -= c->end > 0;
		return true;
	}
	which -= 2;
	if (which < (int)c->n_signals * SIGNAL_CHANGES) {
		*ret_changed =
			change_signal(&c->signals[which / SIGNAL_CHANGES], which % SIGNAL_CHANGES);
		return true;
	}
	which -= (int)c->n_signals * SIGNAL_CHANGES;
	int index = which / NODE_CHANGES;
	RefNode **at = find(&c->root, &index);
	if (!at)
		return false;
	*ret_changed = change_node(at, which % NODE_CHANGES);
	return true;
}

RefCase *case_shrink(RefCase *c, bool (*fails)(const RefCase *c))
{
	bool again = true;
	for (int round = 0; again && round < 100; round++) {
		again = false;
		for (int which = 0;; which++) {
			RefCase *small = case_copy(c);
			bool changed, more = change(small, which, &changed);
			if (changed && sound(small) && fails(small)) {
				RefCase *old = c;
				c = small;
				small = old;
				again = true;
			}
			case_free(small);
			if (!more)
				break;
		}
	}
	return c;
}
