#include <anzen/base/text.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define WORD_MAX 64

/* Damerau-Levenshtein distance (optimal string alignment) over bytes; WORD_MAX for longer words. */
static unsigned edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	if (n >= WORD_MAX || m >= WORD_MAX)
		return WORD_MAX;
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= m; j++) {
		above[j] = (unsigned)j;
		before[j] = 0;
	}
	for (size_t i = 1; i <= n; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned replace = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = MIN(replace, MIN(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		unsigned *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[m];
}

const char *text_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	unsigned best_distance = MAX(1, (unsigned)strlen(word) / 3) + 1;
	for (; *words; words++) {
		unsigned d = edit_distance(word, *words);
		if (d < best_distance) {
			best_distance = d;
			best = *words;
		}
	}
	return best;
}

char *text_did_you_mean(const char *word, const char *const *words)
{
	const char *near = text_nearest(word, words);
	return near ? g_strdup_printf("; did you mean '%s'?", near) : g_strdup("");
}

void text_append_json(GString *out, const char *text)
{
	if (!text) {
		g_string_append(out, "null");
		return;
	}
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_string_append_c(out, '"');
	for (const char *p = valid; *p; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_printf(out, "\\%c", *p);
		else if (*p == '\n')
			g_string_append(out, "\\n");
		else if (*p == '\t')
			g_string_append(out, "\\t");
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			g_string_append_printf(out, "\\u%04x", (unsigned)*p);
		else
			g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

void text_append_number(GString *out, double value)
{
	char shortest[G_ASCII_DTOSTR_BUF_SIZE];
	if (!isfinite(value)) {
		g_string_append(out, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		char format[8];
		g_snprintf(format, sizeof format, "%%.%dg", digits);
		g_ascii_formatd(shortest, sizeof shortest, format, value);
		if (g_ascii_strtod(shortest, NULL) == value)
			break;
	}
	g_string_append(out, shortest);
}

static int char_columns(gunichar c)
{
	return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

int text_columns(const char *text)
{
	int n = 0;
	for (const char *p = text; *p; p = g_utf8_next_char(p))
		n += char_columns(g_utf8_get_char(p));
	return n;
}

/* Marks that Japanese does not put at the beginning of a line. */
static bool closes(gunichar c)
{
	static const gunichar marks[] = {0x3001, 0x3002, 0xff0c, 0xff0e, 0xff09,
					 0x300d, 0x300f, 0x3011, 0x30fc, 0xff1a};
	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (marks[i] == c)
			return true;
	return false;
}

/* Where the line that begins at `from` ends: at a newline, at the end, or at the last place to break that fits. */
static const char *line_end(const char *from, int width)
{
	const char *end = NULL;
	gunichar before = 0;
	int used = 0;
	for (const char *p = from;; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (c == 0 || c == '\n')
			return p;
		if (p > from && !closes(c) &&
		    (c == ' ' || g_unichar_iswide(c) || g_unichar_iswide(before)))
			end = p;
		used += char_columns(c);
		if (used > width && c != ' ')
			return end ? end : p > from ? p : g_utf8_next_char(p);
		before = c;
	}
}

char **text_wrap(const char *text, int width)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GPtrArray *lines = g_ptr_array_new();
	for (const char *p = valid;;) {
		const char *end = line_end(p, MAX(width, 2));
		char *line = g_strndup(p, (gsize)(end - p));
		g_ptr_array_add(lines, g_strchomp(line));
		if (*end == 0)
			break;
		p = end + (*end == '\n' || *end == ' ');
		while (*end == ' ' && *p == ' ')
			p++;
	}
	g_ptr_array_add(lines, NULL);
	return (char **)g_ptr_array_free(lines, FALSE);
}
