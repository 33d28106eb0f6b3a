#include "stl_json.h"

#include <math.h>
#include <string.h>

#define MAX_DEPTH 8

typedef struct Reader {
	const char *text, *at, *end;
	unsigned depth;
	const char *message;
	gsize bad_offset;
} Reader;

static bool fail(Reader *r, const char *message)
{
	if (!r->message) {
		r->message = message;
		r->bad_offset = (gsize)(r->at - r->text);
	}
	return false;
}

static void skip(Reader *r)
{
	while (r->at < r->end &&
	       (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'))
		r->at++;
}

static bool take(Reader *r, char c)
{
	skip(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static void value_clear(void *p)
{
	JValue *v = p;
	g_free(v->text);
	g_clear_pointer(&v->items, g_array_unref);
	g_clear_pointer(&v->keys, g_ptr_array_unref);
}

void jvalue_free(JValue *v)
{
	if (v)
		value_clear(v);
	g_free(v);
}

static bool read_escape(Reader *r, GString *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *c = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;
	if (c) {
		g_string_append_c(out, to[c - from]);
		r->at++;
		return true;
	}
	if (r->end - r->at < 5 || *r->at != 'u')
		return fail(r, "unknown escape in a text");
	gunichar u = 0;
	for (int i = 1; i <= 4; i++) {
		if (!g_ascii_isxdigit(r->at[i]))
			return fail(r, "expected four hexadecimal digits");
		u = u * 16 + (gunichar)g_ascii_xdigit_value(r->at[i]);
	}
	if (u == 0 || (u >= 0xd800 && u < 0xe000))
		return fail(r, "this escape is not supported: write the character itself");
	g_string_append_unichar(out, u);
	r->at += 5;
	return true;
}

/* After the opening quote. */
static char *read_text(Reader *r)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (;;) {
		if (r->at == r->end || (guchar)*r->at < 0x20) {
			fail(r, "the text has no closing quote");
			return NULL;
		}
		char c = *r->at++;
		if (c == '"')
			return g_strdup(out->str);
		if (c != '\\')
			g_string_append_c(out, c);
		else if (!read_escape(r, out))
			return NULL;
	}
}

static bool read_number(Reader *r, JValue *v)
{
	const char *s = r->at, *p = s;
	p += p < r->end && *p == '-';
	const char *digits = p;
	while (p < r->end && g_ascii_isdigit(*p))
		p++;
	if (p == digits || (*digits == '0' && p > digits + 1))
		return fail(r, "expected a value");
	if (p < r->end && *p == '.')
		for (p++; p < r->end && g_ascii_isdigit(*p);)
			p++;
	if (p < r->end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < r->end && (*p == '+' || *p == '-');
		while (p < r->end && g_ascii_isdigit(*p))
			p++;
	}
	char *end;
	v->kind = J_NUMBER;
	v->number = g_ascii_strtod(s, &end); /* the text ends with a NUL */
	if (end != p)
		return fail(r, "this is no number");
	if (!isfinite(v->number))
		return fail(r, "this number is too large");
	r->at = p;
	return true;
}

static bool read_word(Reader *r, JValue *v)
{
	static const struct {
		const char *word;
		JKind kind;
		double number;
	} words[] = {
		{"null", J_NULL, 0}, {"NaN", J_NULL, 0}, {"true", J_BOOL, 1}, {"false", J_BOOL, 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		size_t n = strlen(words[i].word);
		if ((size_t)(r->end - r->at) >= n && !strncmp(r->at, words[i].word, n)) {
			v->kind = words[i].kind;
			v->number = words[i].number;
			r->at += n;
			return true;
		}
	}
	return false;
}

static bool read_value(Reader *r, JValue *v);

static bool read_key(Reader *r, JValue *v)
{
	if (!take(r, '"'))
		return fail(r, "expected a name in quotes");
	char *key = read_text(r);
	if (!key)
		return false;
	bool twice = jvalue_get(v, key) != NULL;
	g_ptr_array_add(v->keys, key);
	if (twice)
		return fail(r, "this name is there twice");
	return take(r, ':') || fail(r, "expected ':'");
}

/* After the opening bracket. */
static bool read_items(Reader *r, JValue *v, char close)
{
	if (++r->depth > MAX_DEPTH)
		return fail(r, "nested too deeply");
	v->items = g_array_new(FALSE, TRUE, sizeof(JValue));
	g_array_set_clear_func(v->items, value_clear);
	if (close == '}')
		v->keys = g_ptr_array_new_with_free_func(g_free);
	for (bool first = true; !take(r, close); first = false) {
		JValue item = {0};
		if (!first && !take(r, ','))
			return fail(r,
				    close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
		if (close == '}' && !read_key(r, v))
			return false;
		bool ok = read_value(r, &item);
		g_array_append_val(v->items, item);
		if (!ok)
			return false;
	}
	r->depth--;
	return true;
}

static bool read_value(Reader *r, JValue *v)
{
	skip(r);
	v->offset = (gsize)(r->at - r->text);
	if (r->at == r->end)
		return fail(r, "expected a value, but the text ends here");
	if (take(r, '{')) {
		v->kind = J_OBJECT;
		return read_items(r, v, '}');
	}
	if (take(r, '[')) {
		v->kind = J_ARRAY;
		return read_items(r, v, ']');
	}
	if (take(r, '"')) {
		v->kind = J_STRING;
		v->text = read_text(r);
		return v->text != NULL;
	}
	return read_word(r, v) || read_number(r, v);
}

JValue *jvalue_parse(const char *text, gsize length, gsize *ret_offset, const char **ret_message)
{
	Reader r = {.text = text, .at = text, .end = text + length};
	g_autoptr(JValue) v = g_new0(JValue, 1);
	bool ok = read_value(&r, v);
	skip(&r);
	if (ok && r.at != r.end)
		ok = fail(&r, "expected the end");
	if (ok)
		return g_steal_pointer(&v);
	*ret_offset = r.bad_offset;
	*ret_message = r.message;
	return NULL;
}

const JValue *jvalue_get(const JValue *object, const char *key)
{
	for (guint i = 0; object->keys && i < object->keys->len && i < object->items->len; i++)
		if (!strcmp(g_ptr_array_index(object->keys, i), key))
			return jvalue_item(object, i);
	return NULL;
}
