/* The syntax tree that parser, checker, evaluator and monitor share. Private to stl. */
#ifndef ANZEN_STL_AST_H
#define ANZEN_STL_AST_H

#include "track.h"

#include <anzen/stl.h>

typedef enum {
	/* terms */
	N_NUMBER,
	N_PARAMETER,
	N_SIGNAL, /* also an atom, when the signal is Boolean */
	N_INITIAL,
	N_NEGATE,
	N_ADD,
	N_SUB,
	N_MUL,
	N_DIV,
	N_ABS,
	N_MIN,
	N_MAX,
	/* formulas */
	N_TRUE,
	N_FALSE,
	N_LT,
	N_LE,
	N_GT,
	N_GE,
	N_EQ,
	N_NE,
	N_NOT,
	N_AND,
	N_OR,
	N_XOR,
	N_IMPLIES,
	N_IFF,
	N_RISE,
	N_FALL,
	N_ALWAYS,
	N_EVENTUALLY,
	N_UNTIL,
	N_HISTORICALLY,
	N_ONCE,
	N_SINCE,
	/* measures */
	N_DELAY,
	N_DURATION,
} NodeKind;

typedef struct Node Node;
struct Node {
	NodeKind kind;
	unsigned column, height; /* height: of the tree below */
	Node *a, *b;
	double value;                      /* NUMBER, checked PARAMETER: in `unit` */
	Unit unit;                         /* of a term's value or an atom's margin, after check */
	bool bare;                         /* NUMBER without a unit */
	bool boolean;                      /* SIGNAL of a Boolean; formulas without a margin */
	int name;                          /* index into signals or parameters, -1 */
	bool bounded;                      /* temporal: an interval was written */
	Quantity lo, hi;                   /* as written; hi INFINITY when open */
	char *lo_parameter, *hi_parameter; /* "$limit" as a bound */
	double lo_s, hi_s;                 /* after check, in seconds (or samples) */
};

struct StlFormula {
	Node *root;
	char *text;
	GPtrArray *signals, *parameters; /* char* */
	GArray *parameter_values;        /* Quantity, after check */
	unsigned nodes;
	bool checked, mixed, bare, discrete;
};

static inline bool node_is_term(NodeKind k)
{
	return k <= N_MAX;
}
static inline bool node_is_comparison(NodeKind k)
{
	return k >= N_LT && k <= N_NE;
}
static inline bool node_is_temporal(NodeKind k)
{
	return k >= N_ALWAYS && k <= N_SINCE;
}
void node_free(Node *node);
/* "mannequin.height > 0.8 m"; `filled`: parameters' values in place. */
void node_print(const StlFormula *f, const Node *node, bool filled, GString *out);
void stl_error(GError **error, unsigned column, unsigned *ret_column, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

#endif
