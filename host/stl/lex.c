#include "lex.h"

#include <string.h>

static bool name_start(gunichar c)
{
	return c == '_' || g_unichar_isalpha(c);
}

/* '-' belongs to a name only between letters, so that "a - b" and "x-ray.level" both work. */
static const char *name_end(const char *s)
{
	for (;;) {
		gunichar c = g_utf8_get_char(s);
		if (c == '_' || g_unichar_isalnum(c)) {
			s = g_utf8_next_char(s);
		} else if ((c == '.' || c == '-') && name_start(g_utf8_get_char(s + 1))) {
			s++;
		} else if ((c == '.' || c == '-') && g_ascii_isdigit(s[1]) && c == '.') {
			s++;
		} else {
			return s;
		}
	}
}

static const char *number_end(const char *s)
{
	while (g_ascii_isdigit(*s))
		s++;
	if (*s == '.' && g_ascii_isdigit(s[1]))
		for (s++; g_ascii_isdigit(*s);)
			s++;
	if ((*s == 'e' || *s == 'E') &&
	    (g_ascii_isdigit(s[1]) || ((s[1] == '-' || s[1] == '+') && g_ascii_isdigit(s[2]))))
		for (s += 2; g_ascii_isdigit(*s);)
			s++;
	return s;
}

static const char *const symbols[] = {"<->", "!==", "->", "<=", ">=", "==", "!=", "<", ">", "=",
				      ":",   ";",   "{",  "}",  "+",  "-",  "*",  "/", "(", ")",
				      "[",   "]",   ",",  "&&", "||", "!",  "&",  "|", NULL};

void lex_next(Lexer *l)
{
	while (g_unichar_isspace(g_utf8_get_char(l->at)) && *l->at)
		l->at = g_utf8_next_char(l->at);
	l->start = l->at;
	if (!*l->at) {
		l->kind = T_END;
		l->length = 0;
		return;
	}
	const char *end = NULL;
	if (g_ascii_isdigit(*l->at) || (*l->at == '.' && g_ascii_isdigit(l->at[1]))) {
		l->kind = T_NUMBER;
		end = number_end(l->at);
		if (end == l->at)
			end = l->at + 1;
	} else if (*l->at == '$' && name_start(g_utf8_get_char(l->at + 1))) {
		l->kind = T_PARAM;
		end = name_end(l->at + 1);
	} else if (name_start(g_utf8_get_char(l->at))) {
		l->kind = T_NAME;
		end = name_end(l->at);
	} else {
		l->kind = T_BAD;
		end = g_utf8_next_char(l->at);
		for (const char *const *op = symbols; *op; op++)
			if (g_str_has_prefix(l->at, *op)) {
				l->kind = T_OP;
				end = l->at + strlen(*op);
				break;
			}
	}
	l->length = (size_t)(end - l->start);
	l->at = end;
}

bool lex_is(const Lexer *l, TokenKind kind, const char *text)
{
	return l->kind == kind && l->length == strlen(text) && !strncmp(l->start, text, l->length);
}

unsigned lex_column(const Lexer *l)
{
	return (unsigned)g_utf8_pointer_to_offset(l->text, l->start) + 1;
}

static const char *const keywords[] = {
	"always", "eventually", "until", "since",    "historically", "once",    "rise",
	"fall",   "not",        "and",   "or",       "xor",          "implies", "iff",
	"true",   "false",      "delay", "duration", "initial",      "abs",     "min",
	"max",    "unless",     "weak",  NULL};

bool lex_keyword(const Lexer *l)
{
	for (const char *const *k = keywords; *k; k++)
		if (lex_is(l, T_NAME, *k))
			return true;
	return false;
}

/* Length of the unit that follows a number: "m/s2", "%", "degC", "1/s" — or 0. */
size_t lex_unit_length(const char *s)
{
	const char *start = s;
	if (*s == '%')
		return 1;
	if (!g_ascii_isalpha(*s))
		return 0;
	for (;;) {
		while (g_ascii_isalpha(*s))
			s++;
		if (*s == '^' && (g_ascii_isdigit(s[1]) || s[1] == '-'))
			s += 2;
		while (g_ascii_isdigit(*s))
			s++;
		if ((*s == '/' || *s == '*') && g_ascii_isalpha(s[1]))
			s++;
		else
			return (size_t)(s - start);
	}
}
