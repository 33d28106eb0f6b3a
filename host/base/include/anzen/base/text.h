/* Small text helpers that several modules need. Any thread; callers free what is returned as char *. */
#ifndef ANZEN_BASE_TEXT_H
#define ANZEN_BASE_TEXT_H

#include <glib.h>

G_BEGIN_DECLS

/* The word nearest to `word` by edit distance (insert, delete, replace, swap of neighbours), when it is near enough to
 * be a slip of the finger: at most a third of its letters. Borrowed from `words` (NULL-terminated); NULL when none. */
const char *text_nearest(const char *word, const char *const *words);

/* ` did you mean 'x'?` with a leading ";", or "" when nothing is near. */
char *text_did_you_mean(const char *word, const char *const *words);

/* Append `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. NULL becomes null. */
void text_append_json(GString *out, const char *text);

/* Append a number so that it reads back as the same double, independent of the locale; NaN and infinities become null. */
void text_append_number(GString *out, double value);

/* Columns that a terminal needs for UTF-8 text: East Asian wide characters take two, combining ones none. */
int text_columns(const char *text);

/* Lines of at most `width` columns (≥ 2), broken at spaces and between wide characters, a longer word inside; no line begins
 * with a closing mark of Japanese. Newlines of the text are kept. NULL-terminated, free with g_strfreev(). */
char **text_wrap(const char *text, int width);

G_END_DECLS

#endif
