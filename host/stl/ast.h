/* The syntax tree that parser, checker, evaluator and monitor share. Private to stl. */
#ifndef ANZEN_STL_AST_H
#define ANZEN_STL_AST_H

#include "track.h"

#include <anzen/stl.h>

typedef enum {
#define OPERATOR(kind, ...) kind,
#include "operators.def"
#undef OPERATOR
} NodeKind;

/* How many there are; no kind itself, so that a switch need not know it. */
enum {
	N_KINDS = 0
#define OPERATOR(...) +1
#include "operators.def"
#undef OPERATOR
};

typedef enum { OP_TERM, OP_COMPARISON, OP_FORMULA, OP_MEASURE } OperatorClass;
typedef enum { OP_PAST = -1, OP_NOW, OP_FUTURE, OP_OVER } OperatorTime;

typedef struct Operator {
	const char *word;
	int strength;
	OperatorClass class;
	OperatorTime time;
} Operator;
extern const Operator operators[N_KINDS];

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
	bool lo_open, hi_open;             /* "(0 s, 5 s]": without the bound itself */
	char *lo_parameter, *hi_parameter; /* "$limit" as a bound */
	double lo_s, hi_s;                 /* after check, in seconds (or samples) */
	/* Quantifiers: `a` is the conjunction or disjunction of copies of `pattern`, one for each of the names or for each channel
	 * of `set` that the scope knows. A signal of the pattern that begins with the variable has its text in `path`. */
	Node *pattern;
	char *variable, *set, *path;
	char **names;
};

struct StlFormula {
	Node *root;
	char *text;
	GPtrArray *signals, *parameters; /* char* */
	GArray *parameter_values;        /* Quantity, after check */
	unsigned nodes, parsed_nodes,
		parsed_signals; /* parsed: before a scope's channels were put in */
	unsigned result_column; /* of the "=" in "out = formula", 0: none */
	char *result;           /* "out" */
	GPtrArray *defined;     /* char*, the names of sub-formulas */
	bool checked, mixed, bare, discrete;
};

static inline bool node_is_term(NodeKind k)
{
	return operators[k].class == OP_TERM;
}
static inline bool node_is_comparison(NodeKind k)
{
	return operators[k].class == OP_COMPARISON;
}
static inline bool node_is_temporal(NodeKind k)
{
	return operators[k].time != OP_NOW;
}
void node_free(Node *node);
/* How far beyond an instant it looks, in seconds (samples); INFINITY. */
double node_reach(const Node *node, bool future);
/* A deep copy; the new nodes are counted. NULL when there would be too many. */
Node *node_copy(StlFormula *f, const Node *node);
int formula_intern(GPtrArray *names, const char *text, size_t length);
/* Puts copies into every quantifier below *node. Those over a set need a scope with channels; without a scope they
 * stay empty. */
bool quantifier_expand(StlFormula *f, Node *node, const StlScope *scope, unsigned *ret_column,
		       GError **error);
/* "mannequin.height > 0.8 m"; `filled`: parameters' values in place. */
void node_print(const StlFormula *f, const Node *node, bool filled, GString *out);
void stl_error(GError **error, unsigned column, unsigned *ret_column, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

#endif
