/* JSON messages (RFC 8259), read in one pass without a tree. Objects become fields, arrays elements; true and false are 1 and
 * 0; null is nothing. {"sec": …, "nsec": …} (nanosec, nsecs) is a time. */
#include "fields.h"

#include <math.h>

typedef struct {
	const char *at, *end, *start;
	const FieldSink *sink;
	unsigned depth;
	size_t budget;
	GString *text;
	GError **error;
} Walk;

static bool fail(Walk *w, const FieldNode *node, const char *what)
{
	return field_walk_fails(w->error, (size_t)(w->at - w->start), node, what);
}

static void blanks(Walk *w)
{
	while (w->at < w->end && strchr(" \t\r\n", *w->at) && *w->at)
		w->at++;
}

static bool accept(Walk *w, char c)
{
	blanks(w);
	if (w->at == w->end || *w->at != c)
		return false;
	w->at++;
	return true;
}

static bool hex4(Walk *w, gunichar *ret)
{
	gunichar v = 0;
	if (w->end - w->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		int digit = g_ascii_xdigit_value(w->at[i]);
		if (digit < 0)
			return false;
		v = v << 4 | (gunichar)digit;
	}
	w->at += 4;
	*ret = v;
	return true;
}

static bool take_escape(Walk *w, GString *to)
{
	static const char from[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
	if (w->at == w->end)
		return false;
	char c = *w->at++;
	const char *found = c ? strchr(from, c) : NULL;
	if (found) {
		g_string_append_c(to, plain[found - from]);
		return true;
	}
	gunichar v, low;
	if (c != 'u' || !hex4(w, &v))
		return false;
	if (v >= 0xd800 && v < 0xdc00 && w->end - w->at >= 6 && w->at[0] == '\\' &&
	    w->at[1] == 'u') {
		w->at += 2;
		if (!hex4(w, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		v = 0x10000 + ((v - 0xd800) << 10 | (low - 0xdc00));
	}
	g_string_append_unichar(to, v >= 0xd800 && v < 0xe000 ? 0xfffd : v);
	return true;
}

/* After its opening quote, to w->text. */
static bool take_string(Walk *w, const FieldNode *node)
{
	g_string_truncate(w->text, 0);
	while (w->at < w->end) {
		char c = *w->at++;
		if (c == '"')
			return true;
		if (c == '\\') {
			if (!take_escape(w, w->text))
				return fail(w, node, "an escape that JSON does not know");
		} else if ((unsigned char)c < 0x20) {
			return fail(w, node, "a control character within a text");
		} else {
			g_string_append_c(w->text, c);
		}
	}
	return fail(w, node, "a text has no end");
}

static bool take_number(Walk *w, FieldNode *node)
{
	char copy[400];
	size_t n = 0;
	bool whole = true;
	while (w->at + n < w->end && w->at[n] && strchr("0123456789+-.eE", w->at[n])) {
		whole &= strchr(".eE", w->at[n]) == NULL;
		if (++n >= sizeof(copy))
			return fail(w, node, "a number of hundreds of digits");
	}
	memcpy(copy, w->at, n);
	copy[n] = '\0';
	char *end;
	double v = g_ascii_strtod(copy, &end);
	if (n == 0 || *end || end == copy)
		return fail(w, node, "expected a value");
	w->at += n;
	if (node)
		w->sink->number(w->sink->self, node, v, whole ? FIELD_I64 : FIELD_F64,
				!whole || fabs(v) <= 9007199254740992.0 /* 2^53 */);
	return true;
}

static bool take_word(Walk *w, FieldNode *node)
{
	static const char *const words[] = {"false", "true", "null"};
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(w->end - w->at) < n || memcmp(w->at, words[i], n))
			continue;
		w->at += n;
		if (i < 2 && node)
			w->sink->number(w->sink->self, node, i, FIELD_BOOL, true);
		return true;
	}
	return take_number(w, node);
}

static bool walk_value(Walk *w, FieldNode *node);

static bool take_array(Walk *w, FieldNode *node)
{
	uint32_t n = 0;
	if (accept(w, ']'))
		return true;
	do {
		bool wanted = node && n < w->sink->max_array;
		if (!walk_value(w, wanted ? field_node_child(node, n, NULL) : NULL))
			return false;
		n++;
	} while (accept(w, ','));
	if (!accept(w, ']'))
		return fail(w, node, "expected , or ] in an array");
	if (node && n > w->sink->max_array)
		w->sink->long_array(w->sink->self, node, n - w->sink->max_array);
	return true;
}

/* One member "NAME": WHOLE NUMBER of a time. */
static bool time_part(Walk *w, const char *const *names, int64_t *ret)
{
	if (!accept(w, '"') || !take_string(w, NULL) || !g_strv_contains(names, w->text->str) ||
	    !accept(w, ':'))
		return false;
	blanks(w);
	char digits[24];
	size_t n = 0;
	while (w->at < w->end && n < 20 && (g_ascii_isdigit(*w->at) || *w->at == '-'))
		digits[n++] = *w->at++;
	digits[n] = '\0';
	*ret = g_ascii_strtoll(digits, NULL, 10);
	return n > 0;
}

static bool take_time(Walk *w, FieldNode *node)
{
	static const char *const seconds[] = {"sec", "secs", NULL};
	static const char *const parts[] = {"nsec", "nsecs", "nanosec", NULL};
	const char *before = w->at;
	GError **told = w->error;
	int64_t sec, nsec;
	w->error = NULL;
	bool found = time_part(w, seconds, &sec) && accept(w, ',') && time_part(w, parts, &nsec) &&
		     accept(w, '}') && sec > -TIME_MOST_S && sec < TIME_MOST_S && nsec >= 0 &&
		     nsec < CLOCK_S;
	w->error = told;
	if (!found)
		w->at = before;
	else if (node)
		w->sink->time(w->sink->self, node, sec * CLOCK_S + nsec, FIELD_TIME);
	return found;
}

static bool take_object(Walk *w, FieldNode *node)
{
	if (take_time(w, node) || accept(w, '}'))
		return true;
	do {
		if (!accept(w, '"') || !take_string(w, node))
			return fail(w, node, "expected the name of a member");
		FieldNode *child = node && w->text->len <= FIELD_NAME
					   ? field_node_named(node, w->text->str, w->text->len)
					   : NULL;
		if (!accept(w, ':'))
			return fail(w, child, "expected : after a member's name");
		if (!walk_value(w, child))
			return false;
	} while (accept(w, ','));
	return accept(w, '}') || fail(w, node, "expected , or } in an object");
}

static bool walk_value(Walk *w, FieldNode *node)
{
	bool good;
	blanks(w);
	if (w->at == w->end)
		return fail(w, node, "the message ends before its value");
	if (w->budget-- == 0 || ++w->depth > FIELD_DEPTH)
		return fail(w, node, "the message is larger or deeper than any sensible one");
	if (accept(w, '{')) {
		good = take_object(w, node);
	} else if (accept(w, '[')) {
		good = take_array(w, node);
	} else if (accept(w, '"')) {
		good = take_string(w, node);
		if (good && node)
			w->sink->text(w->sink->self, node, w->text->str, w->text->len);
	} else {
		good = take_word(w, node);
	}
	w->depth--;
	return good;
}

gboolean walk_json(const uint8_t *data, size_t size, FieldNode *root, const FieldSink *sink,
		   GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	Walk w = {.at = (const char *)data,
		  .start = (const char *)data,
		  .end = (const char *)data + size,
		  .sink = sink,
		  .budget = FIELD_BUDGET,
		  .text = text,
		  .error = error};
	if (!walk_value(&w, root))
		return FALSE;
	blanks(&w);
	return w.at == w.end || fail(&w, NULL, "bytes after the end of the value");
}
