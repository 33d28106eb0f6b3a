#include "count.h"
#include "fold.h"
#include "mean.h"

#include <math.h>

/* From a formula to cells. What looks ahead is made of what looks back and stands for an earlier time. */

/* At most this many changes are remembered by one window or delay: 32 s at 1 kHz. */
#define MOST_CHANGES 65536
#define LEAST_CHANGES 512
#define USUAL_RATE 1000 /* changes a second to make room for */

typedef struct Compiler {
	GArray *cells;
	const StlFormula *f;
	const Node **ret_bad;
	const char **ret_why;
} Compiler;

static int64_t to_ns(double s)
{
	return isinf(s) ? CLOCK_NEVER : (int64_t)llround(s * 1e9);
}

static int refuse(const Compiler *c, const Node *n, const char *why)
{
	if (!*c->ret_bad) {
		*c->ret_bad = n;
		*c->ret_why = why;
	}
	return -1;
}

unsigned cells_room(int64_t width_ns)
{
	double wanted =
		width_ns == CLOCK_NEVER
			? 2
			: MAX(LEAST_CHANGES, 2 * USUAL_RATE * ((double)width_ns * 1e-9) + 16);
	unsigned room = 2;
	while (room < wanted && room < MOST_CHANGES)
		room *= 2;
	return room;
}

static Memory *memory_new(int64_t width_ns, bool delay)
{
	Memory *m = g_new0(Memory, 1);
	m->width_ns = width_ns;
	m->capacity = cells_room(width_ns);
	if (delay)
		m->changes = g_new0(Change, m->capacity);
	for (int i = 0; i < SIDES && !delay; i++)
		m->peaks[i].ring = g_new0(Peak, m->capacity);
	return m;
}

static int append(Compiler *c, Cell cell)
{
	g_array_append_val(c->cells, cell);
	return (int)c->cells->len - 1;
}

static Cell *cell_of(const Compiler *c, int i)
{
	return &g_array_index(c->cells, Cell, i);
}

static int delayed(Compiler *c, int child, int64_t by_ns, bool later)
{
	if (child < 0 || by_ns == 0)
		return child;
	const Cell *a = cell_of(c, child);
	if (later && cell_is_constant(a))
		return child; /* the same at any time */
	return append(c, (Cell){.cell = CELL_DELAY,
				.kind = a->kind,
				.a = child,
				.b = -1,
				.signal = -1,
				.ahead_ns = a->ahead_ns + (later ? by_ns : 0),
				.valid_ns = a->ahead_ns + by_ns,
				.memory = memory_new(by_ns, true)});
}

static int compile(Compiler *c, const Node *n);

static const char rises_between[] = "a mean crosses a limit between samples, and when is not seen";

/* What a window looks at, seconds after the instant; open bounds. */
typedef struct Look {
	double from, to;
	bool from_open, to_open, lowest;
} Look;

/* Largest or smallest of a in the window. A window ahead is one that looks back and stands for an earlier time. */
static int window_over(Compiler *c, const Node *n, int a, Look look)
{
	if (a < 0)
		return -1;
	if (isinf(look.to))
		return refuse(c, n, "it looks into the future without a bound");
	int64_t to = to_ns(look.to), from = isinf(look.from) ? 0 : to_ns(look.from);
	if (to < 0)
		a = delayed(c, a, -to, false);
	int64_t width = isinf(look.from) ? CLOCK_NEVER : to - from,
		ahead = cell_of(c, a)->ahead_ns + MAX(to, 0);
	return append(c, (Cell){.cell = CELL_WINDOW,
				.kind = n->kind,
				.a = a,
				.b = -1,
				.signal = -1,
				.lowest = look.lowest,
				.before = look.from < 0,
				.oldest_open = look.from_open,
				.newest_open = look.to_open,
				.ahead_ns = ahead,
				.valid_ns = ahead,
				.memory = memory_new(width, false)});
}

static int compile_window(Compiler *c, const Node *n)
{
	bool lowest = n->kind == N_ALWAYS || n->kind == N_HISTORICALLY || n->kind == N_MIN_OVER;
	Look look = {n->lo_s, n->hi_s, n->lo_open, n->hi_open, lowest};
	if (operators[n->kind].time == OP_PAST)
		look = (Look){-n->hi_s, -n->lo_s, n->hi_open, n->lo_open, lowest};
	if (isinf(look.to))
		return refuse(c, n, "it looks into the future without a bound");
	return window_over(c, n, compile(c, n->a), look);
}

static int both(Compiler *c, NodeKind kind, int a, int b)
{
	if (a < 0 || b < 0)
		return -1;
	cells_align(c->cells, &a, &b);
	int64_t ahead = cell_of(c, a)->ahead_ns;
	return append(c, (Cell){.kind = kind,
				.a = a,
				.b = b,
				.signal = -1,
				.moves = cell_of(c, a)->moves || cell_of(c, b)->moves,
				.ahead_ns = ahead,
				.valid_ns = ahead});
}

/* Of a window that ends before the present: of what was so long ago. */
static int compile_mean(Compiler *c, const Node *n)
{
	if (n->lo_s == n->hi_s) /* the value itself, at an instant */
		return window_over(c, n, compile(c, n->a),
				   (Look){n->lo_s, n->hi_s, false, false, false});
	int64_t to = to_ns(n->hi_s);
	int x = compile(c, n->a);
	if (x < 0)
		return -1;
	if (cell_of(c, x)->moves)
		return refuse(c, n, "a mean of means is no straight line between samples");
	if (to < 0)
		x = delayed(c, x, -to, false);
	int64_t ahead = cell_of(c, x)->ahead_ns + MAX(to, 0);
	return append(c, (Cell){.cell = CELL_MEAN,
				.kind = n->kind,
				.a = x,
				.b = -1,
				.signal = -1,
				.moves = true,
				.ahead_ns = ahead,
				.valid_ns = ahead,
				.mean = mean_new(to - to_ns(n->lo_s))});
}

/* What ends before the present is what ended there some time ago; before the start that is any number. */
static int compile_count(Compiler *c, const Node *n)
{
	if (isinf(n->hi_s))
		return refuse(c, n, "it looks into the future without a bound");
	int64_t to = to_ns(n->hi_s);
	int p = compile(c, n->a);
	if (p < 0)
		return -1;
	if (cell_of(c, p)->moves)
		return refuse(c, n, rises_between);
	const CountShape shape = {.width_ns = isinf(n->lo_s) ? CLOCK_NEVER : to - to_ns(n->lo_s),
				  .before = n->lo_s < MIN(n->hi_s, 0),
				  .oldest_open = n->lo_open,
				  .newest_open = n->hi_open};
	int64_t ahead = cell_of(c, p)->ahead_ns + MAX(to, 0);
	int out = append(c, (Cell){.cell = CELL_COUNT,
				   .kind = n->kind,
				   .a = p,
				   .b = -1,
				   .signal = -1,
				   .ahead_ns = ahead,
				   .valid_ns = ahead,
				   .count = count_new(&shape)});
	if (to >= 0)
		return out;
	out = delayed(c, out, -to, false);
	return both(c, N_MAX, out,
		    append(c, (Cell){.kind = N_NUMBER, .a = -1, .b = -1, .signal = -1}));
}

/* f until[a, b] g: f all of [0, a], and from there f until g within b - a; since is its mirror image. */
static int compile_fold(Compiler *c, const Node *n)
{
	bool past = operators[n->kind].time == OP_PAST, weak = n->kind == N_WEAK_UNTIL;
	if (!past && isinf(n->hi_s))
		return refuse(c, n, "it looks into the future without a bound");
	int f = compile(c, n->a), g = f < 0 ? -1 : compile(c, n->b);
	if (g < 0)
		return -1;
	cells_align(c->cells, &f, &g);
	int64_t lo = to_ns(n->lo_s), hi = to_ns(n->hi_s), ahead = cell_of(c, f)->ahead_ns;
	const FoldShape shape = {.width_ns = isinf(n->hi_s) ? CLOCK_NEVER : hi - lo,
				 .past = past,
				 .oldest_open = past ? n->hi_open : n->lo_open,
				 .newest_open = past ? n->lo_open : n->hi_open};
	int then_f = past ? delayed(c, f, lo, false) : f,
	    then_g = past ? delayed(c, g, lo, false) : g;
	int out = append(c, (Cell){.cell = CELL_FOLD,
				   .kind = n->kind,
				   .a = then_f,
				   .b = then_g,
				   .signal = -1,
				   .ahead_ns = ahead + (past ? 0 : hi),
				   .valid_ns = ahead + (past ? 0 : hi),
				   .fold = fold_new(&shape)});
	double first = past ? -n->lo_s : 0, last = past ? 0 : n->lo_s;
	if (lo > 0)
		out = both(c, N_AND, out,
			   window_over(c, n, f, (Look){first, last, false, false, true}));
	if (weak)
		out = both(c, N_OR, out,
			   window_over(c, n, f, (Look){0, n->hi_s, false, n->hi_open, true}));
	return out;
}

/* Atoms of one formula have one unit; of several there is no margin here, nor inside an edge. */
static double margin_factor(const StlFormula *f, const Node *n)
{
	Unit to = stl_formula_unit(f, NULL);
	return f->mixed || !unit_compatible(&n->unit, &to)
		       ? (double)NAN
		       : unit_convert_difference(1, &n->unit, &to);
}

/* Why it cannot be watched; NULL: it can. */
static const char *unsupported(const Node *n)
{
	if (n->kind == N_SQRT || n->kind == N_EXP || n->kind == N_POW)
		return "it is for the calculator only";
	if (n->kind == N_NEXT || n->kind == N_STRONG_NEXT || n->kind == N_PREVIOUS ||
	    n->kind == N_STRONG_PREVIOUS || operators[n->kind].class == OP_MEASURE)
		return "it is not supported here";
	return NULL;
}

void cells_align(GArray *cells, int *a, int *b)
{
	Compiler c = {.cells = cells};
	int64_t ahead_a = cell_of(&c, *a)->ahead_ns, ahead_b = cell_of(&c, *b)->ahead_ns;
	if (ahead_a < ahead_b)
		*a = delayed(&c, *a, ahead_b - ahead_a, true);
	else
		*b = delayed(&c, *b, ahead_a - ahead_b, true);
}

static void add_children(Compiler *c, const Node *n, Cell *cell)
{
	cell->a = n->a ? compile(c, n->a) : -1;
	cell->b = n->b && !*c->ret_bad ? compile(c, n->b) : -1;
	if (*c->ret_bad)
		return;
	if (cell->b >= 0)
		cells_align(c->cells, &cell->a, &cell->b);
	if (cell->a >= 0)
		cell->ahead_ns = cell->valid_ns = cell_of(c, cell->a)->ahead_ns;
	if (cell->b >= 0)
		cell->ahead_ns = cell->valid_ns =
			MAX(cell->ahead_ns, cell_of(c, cell->b)->ahead_ns);
}

static bool is_limit(const Node *n)
{
	return n->kind == N_NUMBER || n->kind == N_PARAMETER;
}

static bool is_atom(const Node *n)
{
	if (n->kind != N_LT && n->kind != N_LE && n->kind != N_GT && n->kind != N_GE)
		return false;
	return (n->a->kind == N_SIGNAL && is_limit(n->b)) ||
	       (n->b->kind == N_SIGNAL && is_limit(n->a));
}

static int compile(Compiler *c, const Node *n)
{
	if (n->kind == N_EVERY || n->kind == N_SOME)
		return compile(c, n->a);
	const char *why = unsupported(n);
	if (why)
		return refuse(c, n, why);
	if (n->kind == N_UNTIL || n->kind == N_WEAK_UNTIL || n->kind == N_SINCE)
		return compile_fold(c, n);
	if (n->kind == N_COUNT)
		return compile_count(c, n);
	if (n->kind == N_MEAN_OVER)
		return compile_mean(c, n);
	if (node_is_temporal(n->kind))
		return compile_window(c, n);
	Cell cell = {.kind = n->kind, .a = -1, .b = -1, .signal = -1, .value = n->value};
	cell.boolean = n->boolean;
	if (node_is_comparison(n->kind))
		cell.factor = margin_factor(c->f, n);
	if (is_atom(n)) {
		bool less = n->kind == N_LT || n->kind == N_LE;
		const Node *signal = n->a->kind == N_SIGNAL ? n->a : n->b;
		cell.cell = CELL_ATOM;
		cell.signal = signal->name;
		cell.value = (signal == n->a ? n->b : n->a)->value;
		cell.below = less == (signal == n->a);
		cell.strict = n->kind == N_LT || n->kind == N_GT;
		return append(c, cell);
	}
	if (n->kind == N_SIGNAL || n->kind == N_INITIAL) {
		cell.signal = n->kind == N_SIGNAL ? n->name : n->a->name;
		return append(c, cell);
	}
	add_children(c, n, &cell);
	if (*c->ret_bad)
		return -1;
	bool edge = n->kind == N_RISE || n->kind == N_FALL;
	cell.moves = (cell.a >= 0 && cell_of(c, cell.a)->moves) ||
		     (cell.b >= 0 && cell_of(c, cell.b)->moves);
	if (edge && cell.moves)
		return refuse(c, n, rises_between);
	if (edge)
		cell.memory = memory_new(0, false);
	return append(c, cell);
}

int cells_compile(GArray *cells, const StlFormula *f, const Node *n, const Node **ret_bad,
		  const char **ret_why)
{
	Compiler c = {cells, f, ret_bad, ret_why};
	return compile(&c, n);
}
