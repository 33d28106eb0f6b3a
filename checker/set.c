/* Sets of times. */
#include "check.h"

static GPtrArray *pool;

guint pool_mark(void)
{
	return pool ? pool->len : 0;
}

void pool_release(guint mark)
{
	if (pool)
		g_ptr_array_set_size(pool, (gint)mark);
}

GArray *pooled(size_t item)
{
	GArray *a = g_array_new(FALSE, TRUE, (guint)item);
	if (!pool)
		pool = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	g_ptr_array_add(pool, a);
	return a;
}

static int64_t toggle(const Set *s, guint i)
{
	return i < s->len ? g_array_index(s, int64_t, i) : INT64_MAX;
}

void set_add(Set *s, int64_t first, int64_t last)
{
	int64_t end = last + 1;
	if (last < first)
		return;
	if (s->len == 0 || first > toggle(s, s->len - 1)) {
		g_array_append_val(s, first);
		g_array_append_val(s, end);
	} else if (end > toggle(s, s->len - 1)) {
		g_array_index(s, int64_t, s->len - 1) = end;
	}
}

Set *set_span(int64_t first, int64_t last)
{
	Set *s = pooled(sizeof(int64_t));
	set_add(s, first, last);
	return s;
}

Set *set_mix(const Set *x, const Set *y, unsigned keep)
{
	Set *r = pooled(sizeof(int64_t));
	for (guint i = 0, k = 0; i < x->len || k < y->len;) {
		int64_t t = MIN(toggle(x, i), toggle(y, k));
		i += toggle(x, i) == t;
		k += toggle(y, k) == t;
		if ((keep >> (i % 2 + 2 * (k % 2)) & 1) != r->len % 2)
			g_array_append_val(r, t);
	}
	return r;
}

guint times_until(const Set *s, int64_t t)
{
	guint lo = 0, hi = s->len;
	while (lo < hi) {
		guint middle = (lo + hi) / 2;
		if (toggle(s, middle) <= t)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

bool set_has(const Set *s, int64_t t)
{
	return times_until(s, t) % 2;
}

int64_t set_next(const Set *s, int64_t t)
{
	guint n = times_until(s, t);
	return n % 2 ? t : n < s->len ? toggle(s, n) : CLOCK_NEVER;
}

Set *set_mirrored(const Set *x)
{
	Set *r = pooled(sizeof(int64_t));
	for (guint i = x->len; i-- > 0;) {
		int64_t t = 1 - toggle(x, i);
		g_array_append_val(r, t);
	}
	return r;
}

Set *set_until(const Set *p, const Set *q, int64_t from, int64_t to)
{
	Set *r = pooled(sizeof(int64_t));
	for (guint i = 0; i < p->len; i += 2) {
		int64_t first = toggle(p, i), last = toggle(p, i + 1) - 1;
		for (guint k = times_until(q, first) & ~1u; k < q->len && toggle(q, k) <= last;
		     k += 2)
			set_add(r, MAX(first, MAX(toggle(q, k), first) - to),
				MIN(last, MIN(toggle(q, k + 1) - 1, last) - from));
	}
	return r;
}
