/* Words, numbers and signs of a formula. Private to stl. */
#ifndef ANZEN_STL_LEX_H
#define ANZEN_STL_LEX_H

#include "ast.h"

typedef enum { T_END, T_NAME, T_NUMBER, T_PARAM, T_OP, T_BAD } TokenKind;

typedef struct Lexer {
	const char *text, *at; /* next character */
	TokenKind kind;        /* of the present token */
	const char *start;
	size_t length;
} Lexer;

void lex_next(Lexer *l);
bool lex_is(const Lexer *l, TokenKind kind, const char *text);
bool lex_keyword(const Lexer *l);
/* Length of the unit that begins at s: "m/s2", "%", "degC", "1/s" — or 0. */
size_t lex_unit_length(const char *s);
unsigned lex_column(const Lexer *l);

#endif
