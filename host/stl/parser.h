/* What the two halves of the parser share: parse.c reads formulas, term.c what stands in them. Private to stl. */
#ifndef ANZEN_STL_PARSER_H
#define ANZEN_STL_PARSER_H

#include "lex.h"

/* "near = distance < 1 m;" */
typedef struct Definition {
	char *name;
	Node *value;
	unsigned column;
	bool used;
} Definition;

/* A variable that is bound by a quantifier around here. */
typedef struct Variable {
	const struct Variable *outer;
	const char *name;
} Variable;

typedef struct Parser {
	Lexer x;
	StlFormula *f;
	unsigned depth;
	GArray *definitions;
	const Variable *variables;
	GError **error;
	unsigned *ret_column;
	bool failed;
} Parser;

/* Remember the first problem, at the present token or at a column; return NULL. */
void *parser_fail(Parser *p, const char *what);
void *parser_fail_at(Parser *p, unsigned column, const char *what);

bool parser_is(const Parser *p, TokenKind kind, const char *text);
bool parser_take(Parser *p, TokenKind kind, const char *text);
bool parser_expect(Parser *p, const char *op);
/* The token after the present one; whether it is an opening parenthesis. */
Lexer parser_after(const Parser *p);
bool parser_opens(const Parser *p);

Node *parser_make(Parser *p, NodeKind kind, unsigned column, Node *a, Node *b);
/* Both children or nothing: frees what there is when the parser has failed. */
Node *parser_pair(Parser *p, NodeKind kind, unsigned column, Node *a, Node *b);
Node *parser_one(Parser *p, NodeKind kind, unsigned column, Node *a);
Node *parser_drop(Node *n);
/* One level deeper; false when that is too deep. */
bool parser_enter(Parser *p);
/* The present token is the name of a sub-formula. */
bool parser_defined(const Parser *p);

/* Operators of one strength, from left to right. */
typedef struct Infix {
	TokenKind token;
	const char *text;
	NodeKind kind;
} Infix;

Node *parse_chain(Parser *p, const Infix *table, size_t n, Node *(*part)(Parser *));

Node *parse_iff(Parser *p);
Node *parse_sum(Parser *p);
/* "[0 s, $limit]", "(0 s, 5 s]", or nothing. */
bool parse_interval(Parser *p, Node *n);

#endif
