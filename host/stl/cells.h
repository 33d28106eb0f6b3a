/* A formula as a list of cells that are looked at one instant after the other: the inside of StlMonitor. Private to stl.
 *
 * Signals hold their values, so everything is a step function: at an instant it has a value (`at`) and from there to the next
 * instant another (`after`). What looks b seconds ahead is known b seconds late: each cell is `ahead_ns` behind the
 * clock, and operators wait for the slowest of their parts. Windows keep a monotone queue, delays a queue of changes, both of
 * fixed size; when one is full, its bounds get wider, never wrong. */
#ifndef ANZEN_STL_CELLS_H
#define ANZEN_STL_CELLS_H

#include "ast.h"

#include <string.h>

/* Lower and upper bound of a margin and its truth in one number: a double as an integer of the same order, in which -0 comes just
 * before +0, the margin 0 that is false and the one that is true. So k >= 0 is the truth, ~k the opposite, and least and largest
 * are those of integers. Without a margin ±INFINITY. A term's value is one too. */
enum { LO, HI, SIDES };
typedef struct Value {
	int64_t x[SIDES];
} Value;

#define KEY_MOST 0x7ff0000000000000 /* INFINITY */
#define KEY_LEAST (~KEY_MOST)

static inline int64_t key_order(int64_t bits)
{
	return bits ^
	       (int64_t)(-(uint64_t)(bits < 0) >> 1); /* all but the sign, of a negative one */
}

static inline int64_t key_of(double x)
{
	int64_t bits;
	memcpy(&bits, &x, sizeof(bits));
	return key_order(bits);
}

static inline double key_double(int64_t key)
{
	double x;
	key = key_order(key);
	memcpy(&x, &key, sizeof(x));
	return x + 0.0; /* no -0 */
}

static inline int64_t key_truth(bool holds)
{
	return holds ? KEY_MOST : KEY_LEAST;
}

/* NaN: there is no margin. */
static inline int64_t key_margin(double m, bool holds)
{
	if (m == 0)
		return holds ? 0 : -1;
	return isnan(m) ? key_truth(holds) : key_of(m);
}

static inline int64_t key_least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t key_most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline Value value_negated(Value a)
{
	return (Value){{~a.x[HI], ~a.x[LO]}};
}

static inline Value value_least(Value a, Value b)
{
	return (Value){{key_least(a.x[LO], b.x[LO]), key_least(a.x[HI], b.x[HI])}};
}

static inline Value value_most(Value a, Value b)
{
	return (Value){{key_most(a.x[LO], b.x[LO]), key_most(a.x[HI], b.x[HI])}};
}

static inline bool value_same(const Value *a, const Value *b)
{
	return a->x[LO] == b->x[LO] && a->x[HI] == b->x[HI];
}

/* Nothing is missing in it. */
static inline bool value_exact(const Value *v)
{
	return v->x[LO] == v->x[HI];
}

static inline StlTruth value_truth(const Value *v)
{
	return v->x[LO] >= 0 ? STL_TRUE : v->x[HI] < 0 ? STL_FALSE : STL_UNKNOWN;
}

static const Value value_unknown = {{KEY_LEAST, KEY_MOST}};

/* Largest of what a child was in the last width_ns; one queue a side. */
typedef struct Peak {
	int64_t v;
	int64_t leave; /* twice the time, odd: just after it */
} Peak;

typedef struct Peaks {
	Peak *ring;
	unsigned head, tail; /* counted up for ever; taken modulo the capacity */
} Peaks;

typedef struct Change {
	int64_t t;
	Value at, after;
} Change;

/* What a cell remembers. */
typedef struct Memory {
	int64_t width_ns;  /* of the window, CLOCK_NEVER; of the delay */
	unsigned capacity; /* power of two */
	Peaks peaks[SIDES];
	/* While nothing is missing in the window both sides are one, and only LO is kept. */
	bool exact, full;      /* full: it once was, so that sides differ for good */
	int64_t inexact_leave; /* when the last that was missing leaves (twice the time); CLOCK_NEVER */
	Change *changes;       /* of a delay */
	unsigned head, tail;
	Value last; /* of the child, since the last change */
	bool begun;
	int64_t begun_ns;
} Memory;

static inline Peak *peak_at(const Memory *m, const Peaks *p, unsigned i)
{
	return &p->ring[i & (m->capacity - 1)];
}

static inline Change *change_at(const Memory *m, unsigned i)
{
	return &m->changes[i & (m->capacity - 1)];
}

typedef struct Fold Fold;
typedef struct Count Count;
typedef struct Mean Mean;

/* CELL_ATOM: a signal and a number compared, the most frequent of all, in one. */
typedef enum {
	CELL_NODE,
	CELL_ATOM,
	CELL_WINDOW,
	CELL_DELAY,
	CELL_FOLD,
	CELL_COUNT,
	CELL_MEAN
} CellKind;

typedef struct Cell {
	CellKind cell;
	NodeKind kind;
	int a, b, signal;
	double value, factor; /* factor: of an atom's margin */
	bool below, strict;   /* CELL_ATOM: the signal must lie below the value; without it */
	bool boolean, lowest; /* lowest: a window's infimum */
	bool before;          /* a window may begin before the start */
	bool oldest_open, newest_open; /* a window's ends */
	int64_t ahead_ns;              /* it stands for the clock's time less this */
	int64_t valid_ns;              /* known from the start + this on */
	Value at, after;
	bool level, constant; /* level: at and after are equal */
	StlTruth was;         /* RISE, FALL: the child's last known truth */
	Memory *memory;
	Fold *fold;
	Count *count;
	Mean *mean;
	bool moves; /* between looks too: `after` is no more than where it stays until the next look */
} Cell;

static inline bool cell_is_constant(const Cell *c)
{
	return c->cell == CELL_NODE && (c->kind == N_NUMBER || c->kind == N_PARAMETER);
}

/* Of an atom, when the signal is v. */
static inline int64_t cell_atom(const Cell *c, double v)
{
	double d = c->below ? c->value - v : v - c->value;
	return key_margin(d * c->factor, d > 0 || (d == 0 && !c->strict));
}

typedef struct Input {
	double v, initial;
	int64_t t_ns, gap_ns;
	bool fed, have, have_initial;
} Input;

typedef struct Cells {
	size_t n;
	Cell *cells;
	Input *inputs;
	size_t n_inputs;
	size_t n_movers; /* cells that change of themselves */
	Cell **movers;
	int64_t latest_valid_ns;
	bool gaps;                /* some input grows old */
	int64_t start_ns, end_ns; /* end CLOCK_NEVER while it runs */
} Cells;

/* Appends what watches n to `cells` (GArray of Cell) and returns its index; -1: *ret_bad is the part that cannot be watched and
 * *ret_why says why. */
int cells_compile(GArray *cells, const StlFormula *f, const Node *n, const Node **ret_bad,
		  const char **ret_why);
/* Makes both stand for the same time. */
void cells_align(GArray *cells, int *a, int *b);
/* How many changes a window of that width has room for: a power of two. */
unsigned cells_room(int64_t width_ns);
/* When all cells and inputs are there. */
void cells_ready(Cells *c);
void cells_clear(Cells *c);
size_t cells_bytes(const Cells *c);
/* Forget everything. */
void cells_start(Cells *c, int64_t start_ns);
/* Every cell at `now`. Times never decrease; between two looks nothing changes, see cells_next(). */
void cells_look(Cells *c, int64_t now_ns);
/* The values of cell i from the last look to now, of which *ret_first and *ret_last are the ends. */
Value cells_between(Cells *c, int i, int64_t last_ns, int64_t now_ns, Value *ret_first,
		    Value *ret_last);
/* The first time after `now` at which something changes of itself; CLOCK_NEVER. */
int64_t cells_next(const Cells *c, int64_t now_ns);

#endif
