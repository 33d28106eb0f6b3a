/* Sets of times. */
#include "check.h"

Set *set_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(Span));
}

static const Span *at(const Set *s, guint i)
{
	return &g_array_index(s, Span, i);
}

void set_add(Set *set, int64_t a, int64_t b)
{
	Span s = {a, b};
	if (a <= b)
		g_array_append_val(set, s);
}

static int by_begin(gconstpointer x, gconstpointer y)
{
	const Span *a = x, *b = y;
	return (a->a > b->a) - (a->a < b->a);
}

Set *set_tidy(Set *set)
{
	guint kept = 0;
	g_array_sort(set, by_begin);
	for (guint i = 0; i < set->len; i++) {
		Span s = *at(set, i);
		Span *last = kept > 0 ? &g_array_index(set, Span, kept - 1) : NULL;
		if (last && (last->b == INT64_MAX || s.a <= last->b + 1))
			last->b = MAX(last->b, s.b);
		else
			g_array_index(set, Span, kept++) = s;
	}
	g_array_set_size(set, kept);
	return set;
}

Set *set_and(const Set *x, const Set *y)
{
	Set *r = set_new();
	for (guint i = 0, k = 0; i < x->len && k < y->len;) {
		set_add(r, MAX(at(x, i)->a, at(y, k)->a), MIN(at(x, i)->b, at(y, k)->b));
		if (at(x, i)->b < at(y, k)->b)
			i++;
		else
			k++;
	}
	return r;
}

Set *set_or(const Set *x, const Set *y)
{
	Set *r = set_new();
	g_array_append_vals(r, x->data, x->len);
	g_array_append_vals(r, y->data, y->len);
	return set_tidy(r);
}

Set *set_not(const Set *x, Span in)
{
	Set *r = set_new();
	int64_t next = in.a;
	for (guint i = 0; i < x->len && at(x, i)->a <= in.b; i++) {
		if (at(x, i)->a > INT64_MIN)
			set_add(r, next, at(x, i)->a - 1);
		if (at(x, i)->b >= in.b)
			return r;
		next = MAX(next, at(x, i)->b + 1);
	}
	set_add(r, next, in.b);
	return r;
}

bool set_has(const Set *set, int64_t t)
{
	guint lo = 0, hi = set->len;
	while (lo < hi) {
		guint middle = (lo + hi) / 2;
		if (at(set, middle)->b < t)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo < set->len && at(set, lo)->a <= t;
}

Set *set_some(const Set *x, int64_t from, int64_t to, Span in)
{
	Set *r = set_new();
	for (guint i = 0; i < x->len; i++) {
		int64_t a = to == INT64_MAX ? in.a : at(x, i)->a - to,
			b = from == INT64_MIN ? in.b : at(x, i)->b - from;
		set_add(r, MAX(a, in.a), MIN(b, in.b));
	}
	return set_tidy(r);
}

Set *set_all(const Set *x, int64_t from, int64_t to, Span in)
{
	Set *r = set_new();
	for (guint i = 0; i < x->len; i++) {
		const Span *s = at(x, i);
		/* All the rest (or all before), of which there must be some. */
		int64_t a = from != INT64_MIN ? s->a - from : s->a <= in.a ? in.a - to : INT64_MAX;
		int64_t b = to != INT64_MAX ? s->b - to : s->b >= in.b ? in.b - from : INT64_MIN;
		set_add(r, MAX(a, in.a), MIN(b, in.b));
	}
	return set_tidy(r);
}

Set *set_until(const Set *p, const Set *q, int64_t from, int64_t to, bool past, bool beyond,
	       Span in)
{
	const int64_t far = INT64_MAX / 4;
	g_autoptr(GArray) ps = set_or(p, p), qs = set_or(q, q), all = set_new();
	Span wide = beyond && to != INT64_MAX ? (Span){in.a - far, in.b + far} : in;
	if (past)
		set_add(qs, wide.a, in.a - 1), set_add(ps, wide.a, in.a - 1);
	else
		set_add(qs, in.b + 1, wide.b), set_add(ps, in.b + 1, wide.b);
	set_tidy(ps);
	set_tidy(qs);
	for (guint i = 0; i < ps->len; i++) {
		g_autoptr(GArray) stretch = set_new();
		g_array_append_val(stretch, *at(ps, i));
		g_autoptr(GArray) ends = set_and(qs, stretch);
		int64_t last = to == INT64_MAX ? far : to;
		g_autoptr(GArray) some = past ? set_some(ends, -last, -from, wide)
					      : set_some(ends, from, last, wide);
		g_autoptr(GArray) here = set_and(some, stretch);
		g_array_append_vals(all, here->data, here->len);
	}
	g_autoptr(GArray) whole = set_new();
	set_add(whole, in.a, in.b);
	return set_and(set_tidy(all), whole);
}

void tri_clear(Tri *tri)
{
	g_clear_pointer(&tri->yes, g_array_unref);
	g_clear_pointer(&tri->no, g_array_unref);
}

static void add_edge(GArray *edges, int64_t from, int64_t to, bool certain)
{
	Edge e = {from, to, certain};
	g_array_append_val(edges, e);
}

/* Walks yes and no in the order of time; what lies between them is unknown. The first sample has no rise. */
GArray *tri_edges(const Tri *tri, Span in)
{
	GArray *edges = g_array_new(FALSE, FALSE, sizeof(Edge));
	int64_t next = in.a; /* everything before is done */
	int before = -1;     /* the last known state: 0, 1; -1: none */
	for (guint i = 0, k = 0; i < tri->yes->len || k < tri->no->len;) {
		bool yes = k >= tri->no->len ||
			   (i < tri->yes->len && at(tri->yes, i)->a < at(tri->no, k)->a);
		const Span *s = yes ? at(tri->yes, i++) : at(tri->no, k++);
		bool hole = s->a > next, quiet = tri->truth && before == 1;
		if (yes && before == 0)
			add_edge(edges, next, s->a, true);
		else if (hole && !quiet)
			add_edge(edges, next, yes ? s->a : s->a - 1, false);
		before = yes;
		next = s->b + 1;
	}
	if (next <= in.b && !(tri->truth && before == 1))
		add_edge(edges, next, in.b, false);
	return edges;
}
