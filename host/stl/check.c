#include "ast.h"

#include <math.h>
#include <string.h>

/* Names, units and bounds: after this every term has a unit, every bound is in seconds, every atom knows its margin's unit. */

typedef struct Checker {
	StlFormula *f;
	const StlScope *scope;
	unsigned *ret_column;
	GError **error;
} Checker;

static bool bad(Checker *c, const Node *n, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool bad(Checker *c, const Node *n, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	stl_error(c->error, n->column, c->ret_column, "%s", text);
	return false;
}

static bool check(Checker *c, Node *n, bool term);

static bool signal_unit(Checker *c, Node *n)
{
	const char *name = stl_formula_signal(c->f, (size_t)n->name);
	n->unit = unit_one;
	n->boolean = false;
	if (!c->scope->signal) {
		n->bare = true; /* unknown: fits everything */
		return true;
	}
	n->bare = false;
	return c->scope->signal(c->scope->user, name, &n->unit, &n->boolean) ||
	       bad(c, n, "there is no signal '%s'", name);
}

static bool parameter_value(Checker *c, Node *n)
{
	const char *name = stl_formula_parameter(c->f, (size_t)n->name);
	Quantity q = {NAN, unit_one};
	n->bare = !c->scope->parameter;
	if (c->scope->parameter && !c->scope->parameter(c->scope->user, name, &q))
		return bad(c, n, "there is no parameter '$%s'", name);
	n->value = q.value;
	n->unit = q.unit;
	g_array_index(c->f->parameter_values, Quantity, (guint)n->name) = q;
	return true;
}

/* Something in it has a unit that nobody knows here (a scope without signals or without parameters). */
static bool unknown_unit(const Node *n)
{
	if (n->kind == N_NUMBER || n->kind == N_COUNT)
		return false;
	if (n->kind == N_SIGNAL || n->kind == N_PARAMETER)
		return n->bare;
	return (n->a && unknown_unit(n->a)) || (n->b && unknown_unit(n->b));
}

/* Bare numbers fit every unit in the calculator (and where no signal is known); when scoring they have none. */
static bool fits_any(const Checker *c, const Node *n)
{
	bool bare_numbers = c->scope->bare || c->scope->signal == NULL;
	if (n->kind == N_NUMBER)
		return n->bare && bare_numbers;
	if (n->kind == N_COUNT)
		return false;
	if (unknown_unit(n))
		return n->kind == N_MUL || n->kind == N_DIV || !n->b ||
		       (fits_any(c, n->a) && fits_any(c, n->b));
	return bare_numbers && n->a && fits_any(c, n->a) && (!n->b || fits_any(c, n->b));
}

/* Offsets never take part: units with different ones are refused before. */
static void convert_constant(Node *n, const Unit *to)
{
	if (n->kind == N_NEGATE)
		convert_constant(n->a, to);
	else if (!n->bare)
		n->value = unit_convert_difference(n->value, &n->unit, to);
	n->unit = *to;
}

static bool is_constant(const Node *n)
{
	return n->kind == N_NUMBER || n->kind == N_PARAMETER ||
	       (n->kind == N_NEGATE && is_constant(n->a));
}

/* Bring both sides of a sum or comparison to one unit. Constants are converted; a signal keeps the unit it is measured in. */
static bool unify(Checker *c, Node *n)
{
	Node *a = n->a, *b = n->b;
	if (fits_any(c, a) && !fits_any(c, b)) {
		if (is_constant(a))
			convert_constant(a, &b->unit);
		n->unit = b->unit;
		return true;
	}
	if (fits_any(c, b)) {
		if (is_constant(b))
			convert_constant(b, &a->unit);
		n->unit = a->unit;
		return true;
	}
	if (!unit_compatible(&a->unit, &b->unit))
		return bad(c, n, "cannot compare or add '%s' and '%s'", a->unit.symbol,
			   b->unit.symbol);
	n->unit = a->unit;
	if (a->unit.offset != b->unit.offset)
		return bad(c, n,
			   "'%s' is a temperature, '%s' counts from absolute zero or is a "
			   "difference: use one of them on both sides",
			   a->unit.offset != 0 ? a->unit.symbol : b->unit.symbol,
			   a->unit.offset != 0 ? b->unit.symbol : a->unit.symbol);
	if (a->unit.scale == b->unit.scale)
		return true;
	if (is_constant(b)) {
		convert_constant(b, &a->unit);
		return true;
	}
	if (is_constant(a)) {
		convert_constant(a, &b->unit);
		n->unit = b->unit;
		return true;
	}
	return bad(c, n,
		   "'%s' and '%s' are the same kind of quantity in different units: convert one "
		   "signal",
		   a->unit.symbol, b->unit.symbol);
}

/* 2 * (20 degC) or -(20 degC) has no meaning. */
static bool no_offset(Checker *c, const Node *n, const Node *child)
{
	return child->unit.offset == 0 ||
	       bad(c, n, "a temperature in '%s' can only be compared, added to or subtracted from",
		   child->unit.symbol);
}

/* degC ± K is a temperature; degC - degC is a difference, which has no offset. */
static bool check_temperatures(Checker *c, Node *n)
{
	Node *a = n->a, *b = n->b;
	Unit temperature = a->unit.offset != 0 ? a->unit : b->unit, difference = temperature;
	difference.offset = 0;
	g_strlcpy(difference.symbol, "K", sizeof(difference.symbol));
	bool both = a->unit.offset != 0 && b->unit.offset != 0;
	if (!unit_compatible(&a->unit, &b->unit))
		return bad(c, n, "cannot add '%s' and '%s'", a->unit.symbol, b->unit.symbol);
	if (temperature.scale != 1 || (both && a->unit.offset != b->unit.offset))
		return bad(c, n, "cannot add '%s' and '%s'", a->unit.symbol, b->unit.symbol);
	if (n->kind == N_SUB && both) {
		n->unit = difference;
		return true;
	}
	if (both)
		return bad(c, n,
			   "two temperatures in '%s' cannot be added: give the difference in K",
			   temperature.symbol);
	Node *small = a->unit.offset != 0 ? b : a;
	if (n->kind == N_SUB && small == a)
		return bad(c, n, "a temperature cannot be subtracted from a difference");
	if (small->unit.scale != 1 && !is_constant(small))
		return bad(c, n, "give the difference in K, not '%s'", small->unit.symbol);
	if (small->unit.scale != 1)
		convert_constant(small, &difference);
	n->unit = temperature;
	return true;
}

static bool check_number(Checker *c, Node *n)
{
	(void)c;
	if (n->bare)
		n->unit = unit_one;
	return true;
}

static bool check_parameter(Checker *c, Node *n)
{
	return parameter_value(c, n);
}

static bool check_signal(Checker *c, Node *n)
{
	if (!signal_unit(c, n))
		return false;
	return !n->boolean || c->scope->bare ||
	       bad(c, n, "'%s' is true or false, not a number",
		   stl_formula_signal(c->f, (size_t)n->name));
}

static bool check_initial(Checker *c, Node *n)
{
	if (!signal_unit(c, n->a))
		return false;
	n->unit = n->a->unit;
	return true;
}

static bool check_sign(Checker *c, Node *n)
{
	if (!check(c, n->a, true) || !no_offset(c, n, n->a))
		return false;
	n->unit = n->a->unit;
	return true;
}

static bool check_sum(Checker *c, Node *n)
{
	bool sum = n->kind == N_ADD || n->kind == N_SUB;
	if (!check(c, n->a, true) || !check(c, n->b, true))
		return false;
	if (sum && (n->a->unit.offset != 0 || n->b->unit.offset != 0) && !fits_any(c, n->a) &&
	    !fits_any(c, n->b))
		return check_temperatures(c, n);
	return unify(c, n);
}

static bool check_product(Checker *c, Node *n)
{
	if (!check(c, n->a, true) || !check(c, n->b, true) || !no_offset(c, n, n->a) ||
	    !no_offset(c, n, n->b))
		return false;
	n->unit = n->kind == N_MUL ? unit_mul(&n->a->unit, &n->b->unit)
				   : unit_div(&n->a->unit, &n->b->unit);
	return true;
}

/* sqrt, exp and pow: for numbers of the calculator. exp and pow are not the same to the last bit on every machine, which
 * scoring must be. */
static bool check_plain(Checker *c, Node *n)
{
	if (!c->scope->bare)
		return bad(c, n, "%s() is there for the calculator only", operators[n->kind].word);
	if (!check(c, n->a, true) || (n->b && !check(c, n->b, true)))
		return false;
	return (unit_is_dimensionless(&n->a->unit) &&
		(!n->b || unit_is_dimensionless(&n->b->unit))) ||
	       bad(c, n, "%s() takes numbers without a unit", operators[n->kind].word);
}

#define LONGEST_S 9e9
#define TOO_LONG "a bound is at most 9e9 s; without a bound it is 'inf'"

static bool bound_seconds(Checker *c, Node *n, const Quantity *q, const char *parameter,
			  double *ret)
{
	Quantity value = *q;
	if (parameter) {
		if (!c->scope->parameter) {
			*ret = NAN;
			return true;
		}
		if (!c->scope->parameter(c->scope->user, parameter, &value))
			return bad(c, n, "there is no parameter '$%s'", parameter);
	}
	if (isinf(value.value)) {
		*ret = value.value;
		return true;
	}
	if (c->scope->discrete) {
		if (!unit_is_dimensionless(&value.unit) || value.value != floor(value.value))
			return bad(c, n, "in discrete time a bound is a number of samples");
		*ret = value.value;
		return true;
	}
	if (c->scope->bare && unit_is_dimensionless(&value.unit)) {
		*ret = value.value;
		return true;
	}
	if (value.value == 0 && unit_is_dimensionless(&value.unit)) {
		*ret = 0; /* "[0, 2000 ms]": no unit could make it anything else */
		return true;
	}
	if (!unit_compatible(&value.unit, &unit_second))
		return bad(c, n, "a bound is a time such as 2 s, not '%s'", value.unit.symbol);
	*ret = unit_convert(value.value, &value.unit, &unit_second);
	return !isinf(*ret) || bad(c, n, TOO_LONG);
}

/* Open bounds of discrete time are closed ones a sample further in. */
static void close_bounds(Node *n)
{
	n->lo_s += n->lo_open ? 1 : 0;
	n->hi_s -= n->hi_open ? 1 : 0;
}

static bool check_bounds(Checker *c, Node *n)
{
	bool over = operators[n->kind].time == OP_OVER;
	n->lo_s = over ? -INF : 0;
	n->hi_s = INF;
	if (!n->bounded)
		return true;
	if (!bound_seconds(c, n, &n->lo, n->lo_parameter, &n->lo_s) ||
	    !bound_seconds(c, n, &n->hi, n->hi_parameter, &n->hi_s))
		return false;
	/* times are whole nanoseconds in 64 bits; a bound that does not fit is not "without a bound" */
	if ((isfinite(n->lo_s) && fabs(n->lo_s) > LONGEST_S) ||
	    (isfinite(n->hi_s) && fabs(n->hi_s) > LONGEST_S))
		return bad(c, n, TOO_LONG);
	if (!over && n->lo_s < 0)
		return bad(c, n, "a bound cannot be negative");
	if (n->hi_s < n->lo_s || n->lo_s == INF || n->hi_s == -INF)
		return bad(c, n, "the bounds are the wrong way round");
	if (n->lo_s == n->hi_s && (n->lo_open || n->hi_open))
		return bad(c, n, "nothing lies between these bounds");
	if (c->scope->discrete)
		close_bounds(n);
	if (n->hi_s < n->lo_s)
		return bad(c, n, "nothing lies between these bounds");
	return true;
}

static bool check_over(Checker *c, Node *n)
{
	if (!check(c, n->a, true) || !check_bounds(c, n))
		return false;
	if (n->kind == N_MEAN_OVER && (isinf(n->lo_s) || isinf(n->hi_s)))
		return bad(c, n, "a mean needs a window with two bounds");
	n->unit = n->a->unit;
	return true;
}

static bool check_count(Checker *c, Node *n)
{
	n->unit = unit_one;
	return check(c, n->a, false) && check_bounds(c, n);
}

static bool check_comparison(Checker *c, Node *n)
{
	return check(c, n->a, true) && check(c, n->b, true) && unify(c, n);
}

static bool check_children(Checker *c, Node *n)
{
	return (!n->a || check(c, n->a, false)) && (!n->b || check(c, n->b, false));
}

static bool check_temporal(Checker *c, Node *n)
{
	return check_bounds(c, n) && check_children(c, n);
}

static bool check_step(Checker *c, Node *n)
{
	if (!c->scope->discrete)
		return bad(c, n,
			   "'%s' is of discrete time: between two samples there is no next one",
			   operators[n->kind].word);
	n->lo_s = n->hi_s = 1;
	return check_children(c, n);
}

static bool check_quantifier(Checker *c, Node *n)
{
	return check_children(c, n);
}

static bool check_measure(Checker *c, Node *n)
{
	return bad(c, n, "delay() and duration() are measures and stand alone");
}

/* A signal where a formula is expected. */
static bool check_atom(Checker *c, Node *n)
{
	if (!signal_unit(c, n))
		return false;
	if (!n->boolean && n->bare)
		n->boolean = true;
	return n->boolean || c->scope->bare ||
	       bad(c, n, "'%s' is measured in '%s': compare it with a value",
		   stl_formula_signal(c->f, (size_t)n->name), n->unit.symbol);
}

static bool check(Checker *c, Node *n, bool term)
{
	static bool (*const checks[N_KINDS])(Checker *, Node *) = {
#define OPERATOR(kind, word, strength, class, time, check, ...) [kind] = check_##check,
#include "operators.def"
#undef OPERATOR
	};
	if (term && !node_is_term(n->kind))
		return bad(c, n, "expected a number here, not a formula");
	if (!term && n->kind == N_SIGNAL)
		return check_atom(c, n);
	if (!term && node_is_term(n->kind) && !c->scope->bare)
		return bad(c, n, "expected a formula here, not a number");
	return checks[n->kind](c, n);
}

/* Does the formula have a margin at all, and in how many units? */
typedef struct Units {
	Unit unit;
	unsigned kinds;
} Units;

static void collect(const StlFormula *f, const Node *n, Units *u)
{
	if (node_is_comparison(n->kind) ||
	    (node_is_term(n->kind) && !(n->kind == N_SIGNAL && n->boolean))) {
		if (u->kinds == 0)
			u->unit = n->unit;
		if (u->kinds == 0 || !unit_compatible(&u->unit, &n->unit))
			u->kinds++;
		return;
	}
	if (!f->discrete && (n->kind == N_RISE || n->kind == N_FALL))
		return; /* in dense time an edge has no margin */
	if (n->a)
		collect(f, n->a, u);
	if (n->b)
		collect(f, n->b, u);
}

/* "out = formula" is the calculator's (and RTAMT's) way to write; elsewhere, and where `out` is a signal, it is a comparison
 * with a sign missing. A sub-formula must not hide a signal. */
static bool check_names(Checker *c)
{
	StlFormula *f = c->f;
	Unit unit;
	bool boolean;
	bool signal = f->result && c->scope->signal &&
		      c->scope->signal(c->scope->user, f->result, &unit, &boolean);
	if (f->result && (signal || !c->scope->bare)) {
		stl_error(c->error, f->result_column, c->ret_column,
			  "'=' gives a name to a sub-formula; to compare, write '=='");
		return false;
	}
	for (guint i = 0; i < f->defined->len && c->scope->signal; i++) {
		const char *name = g_ptr_array_index(f->defined, i);
		if (!c->scope->signal(c->scope->user, name, &unit, &boolean))
			continue;
		stl_error(c->error, 1, c->ret_column,
			  "'%s' is a signal and the name of a sub-formula", name);
		return false;
	}
	return true;
}

/* Quantifiers over a set get the channels of this scope, whatever those of an earlier one were. */
static bool put_channels_in(Checker *c)
{
	StlFormula *f = c->f;
	f->nodes = f->parsed_nodes;
	g_ptr_array_set_size(f->signals, (gint)f->parsed_signals);
	return quantifier_expand(f, f->root, c->scope, c->ret_column, c->error);
}

bool stl_check(StlFormula *f, const StlScope *scope, unsigned *ret_column, GError **error)
{
	Checker c = {.f = f, .scope = scope, .ret_column = ret_column, .error = error};
	f->checked = false;
	if (!check_names(&c) || !put_channels_in(&c))
		return false;
	f->bare = scope->bare;
	f->discrete = scope->discrete;
	g_array_set_size(f->parameter_values, f->parameters->len);
	for (guint i = 0; i < f->parameters->len; i++)
		g_array_index(f->parameter_values, Quantity, i) = (Quantity){NAN, unit_one};
	Node *r = f->root;
	bool ok;
	if (r->kind == N_DELAY || r->kind == N_DURATION)
		ok = check(&c, r->a, false) && (!r->b || check(&c, r->b, false));
	else if (r->kind == N_SIGNAL) /* a Boolean is a formula, a measured signal a term */
		ok = signal_unit(&c, r);
	else
		ok = check(&c, r, node_is_term(r->kind));
	f->checked = ok;
	Units u = {unit_one, 0};
	collect(f, r, &u);
	f->mixed = u.kinds > 1;
	return ok;
}

/* ---- scopes -------------------------------------------------------------------------------------------------------- */

static bool table_signal(void *user, const char *name, Unit *ret_unit, bool *ret_boolean)
{
	GHashTable *const *tables = user;
	const Signal *s = g_hash_table_lookup(tables[0], name);
	if (!s)
		return false;
	*ret_unit = s->info.unit;
	*ret_boolean = s->info.boolean;
	return true;
}

static bool table_parameter(void *user, const char *name, Quantity *ret)
{
	GHashTable *const *tables = user;
	const Quantity *q = tables[1] ? g_hash_table_lookup(tables[1], name) : NULL;
	if (q)
		*ret = *q;
	return q != NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void table_channels(void *user, const char *set, GPtrArray *names)
{
	GHashTable *const *tables = user;
	GHashTableIter it;
	gpointer name;
	size_t n = strlen(set);
	g_hash_table_iter_init(&it, tables[0]);
	while (g_hash_table_iter_next(&it, &name, NULL)) {
		const char *s = name;
		if (strncmp(s, set, n) != 0 || s[n] != '.')
			continue;
		formula_intern(names, s, n + 1 + strcspn(s + n + 1, "."));
	}
	if (names->len > 1)
		qsort(names->pdata, names->len, sizeof(gpointer), by_name);
}

StlScope stl_scope_from_tables(GHashTable *const tables[2])
{
	return (StlScope){.signal = table_signal,
			  .parameter = table_parameter,
			  .channels = table_channels,
			  .user = (void *)(uintptr_t)tables};
}

/* ---- horizons and units ---------------------------------------------------------------------------------------------- */

static double reach(const Node *n, bool future, bool bounded)
{
	if (!n)
		return 0;
	double own = 0;
	OperatorTime time = operators[n->kind].time;
	if (time == OP_OVER)
		own = MAX(0, future ? n->hi_s : -n->lo_s);
	else if (time == (future ? OP_FUTURE : OP_PAST))
		own = n->hi_s;
	if (isinf(own))
		own = bounded ? 0 : INF;
	return own + MAX(reach(n->a, future, bounded), reach(n->b, future, bounded));
}

double node_reach(const Node *n, bool future)
{
	return reach(n, future, false);
}

double stl_formula_future(const StlFormula *f)
{
	return reach(f->root, true, false);
}

double stl_formula_past(const StlFormula *f)
{
	return reach(f->root, false, false);
}

double stl_formula_future_bounded(const StlFormula *f)
{
	return reach(f->root, true, true);
}

Unit stl_formula_unit(const StlFormula *f, bool *ret_mixed)
{
	Units u = {unit_one, 0};
	collect(f, f->root, &u);
	if (ret_mixed)
		*ret_mixed = f->mixed;
	if (f->root->kind == N_DELAY || f->root->kind == N_DURATION)
		return unit_second;
	return f->mixed ? unit_one : u.unit;
}

bool stl_formula_boolean(const StlFormula *f)
{
	Units u = {unit_one, 0};
	collect(f, f->root, &u);
	return u.kinds == 0;
}
