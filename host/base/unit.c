#include <anzen/base/error.h>
#include <anzen/base/unit.h>

#include <math.h>
#include <string.h>

/* ---- the symbols
 * ------------------------------------------------------------------------------------ */

typedef enum {
	PREFIX_NONE = 0,
	PREFIX_SI = 1,     /* n u m k M G */
	PREFIX_CENTI = 2,  /* cm */
	PREFIX_BINARY = 4, /* KiB MiB GiB, and decimal kB MB GB */
} PrefixSet;

typedef struct {
	const char *symbol;
	int8_t dim[DIM_COUNT]; /* s m kg A K cd rad B unknown */
	double scale, offset;
	PrefixSet prefixes;
} Symbol;

/* SI brochure, 9th edition (2019): base and derived units tables 2 and 4, accepted non-SI units
 * table 8. lm and lx keep the steradian as rad2, so that lm is not taken for cd. */
static const Symbol symbols[] = {
	{"1", {0}, 1, 0, PREFIX_NONE},
	{"count", {0}, 1, 0, PREFIX_NONE},
	{"%", {0}, 0.01, 0, PREFIX_NONE},
	{"ppm", {0}, 1e-6, 0, PREFIX_NONE},
	{"s", {1}, 1, 0, PREFIX_SI},
	{"min", {1}, 60, 0, PREFIX_NONE},
	{"h", {1}, 3600, 0, PREFIX_NONE},
	{"d", {1}, 86400, 0, PREFIX_NONE},
	{"day", {1}, 86400, 0, PREFIX_NONE},
	{"days", {1}, 86400, 0, PREFIX_NONE},
	{"m", {0, 1}, 1, 0, PREFIX_SI | PREFIX_CENTI},
	{"kg", {0, 0, 1}, 1, 0, PREFIX_NONE},
	{"g", {0, 0, 1}, 1e-3, 0, PREFIX_SI},
	{"A", {0, 0, 0, 1}, 1, 0, PREFIX_SI},
	{"K", {0, 0, 0, 0, 1}, 1, 0, PREFIX_SI},
	{"degC", {0, 0, 0, 0, 1}, 1, 273.15, PREFIX_NONE},
	{"cd", {0, 0, 0, 0, 0, 1}, 1, 0, PREFIX_SI},
	{"rad", {0, 0, 0, 0, 0, 0, 1}, 1, 0, PREFIX_SI},
	{"deg", {0, 0, 0, 0, 0, 0, 1}, G_PI / 180, 0, PREFIX_NONE},
	{"B", {0, 0, 0, 0, 0, 0, 0, 1}, 1, 0, PREFIX_BINARY},
	{"lm", {0, 0, 0, 0, 0, 1, 2}, 1, 0, PREFIX_SI},
	{"lx", {0, -2, 0, 0, 0, 1, 2}, 1, 0, PREFIX_SI},
	{"Hz", {-1}, 1, 0, PREFIX_SI},
	{"bpm", {-1}, 1.0 / 60, 0, PREFIX_NONE},
	{"N", {-2, 1, 1}, 1, 0, PREFIX_SI},
	{"Pa", {-2, -1, 1}, 1, 0, PREFIX_SI},
	{"J", {-2, 2, 1}, 1, 0, PREFIX_SI},
	{"W", {-3, 2, 1}, 1, 0, PREFIX_SI},
	{"V", {-3, 2, 1, -1}, 1, 0, PREFIX_SI},
	{"Ohm", {-3, 2, 1, -2}, 1, 0, PREFIX_SI},
	{"L", {0, 3}, 1e-3, 0, PREFIX_SI},
	{"unknown", {[DIM_UNKNOWN] = 1}, 1, 0, PREFIX_NONE},
};

typedef struct {
	const char *text;
	double factor;
	PrefixSet set;
} Prefix;

static const Prefix prefixes[] = {
	{"n", 1e-9, PREFIX_SI},
	{"u", 1e-6, PREFIX_SI},
	{"\302\265", 1e-6, PREFIX_SI}, /* U+00B5 micro sign */
	{"\316\274", 1e-6, PREFIX_SI}, /* U+03BC Greek mu */
	{"m", 1e-3, PREFIX_SI},
	{"c", 1e-2, PREFIX_CENTI},
	{"k", 1e3, PREFIX_SI | PREFIX_BINARY},
	{"M", 1e6, PREFIX_SI | PREFIX_BINARY},
	{"G", 1e9, PREFIX_SI | PREFIX_BINARY},
	{"Ki", 1024.0, PREFIX_BINARY},
	{"Mi", 1048576.0, PREFIX_BINARY},
	{"Gi", 1073741824.0, PREFIX_BINARY},
};

const Unit unit_one = {.scale = 1, .symbol = "1"};
const Unit unit_second = {.dim = {[DIM_TIME] = 1}, .scale = 1, .symbol = "s"};

static Unit unit_of_symbol(const Symbol *s, double factor)
{
	Unit u = {.scale = s->scale * factor, .offset = s->offset};
	memcpy(u.dim, s->dim, sizeof u.dim);
	return u;
}

/* A whole symbol wins over prefix + symbol: "min" is a minute, "cd" a candela, "Pa" a pascal. */
static gboolean symbol_find(const char *text, size_t n, Unit *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++)
		if (strlen(symbols[i].symbol) == n && !strncmp(symbols[i].symbol, text, n)) {
			*ret = unit_of_symbol(&symbols[i], 1);
			return TRUE;
		}
	for (size_t p = 0; p < G_N_ELEMENTS(prefixes); p++) {
		size_t skip = strlen(prefixes[p].text);
		if (skip >= n || strncmp(prefixes[p].text, text, skip) != 0)
			continue;
		for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++)
			if ((symbols[i].prefixes & prefixes[p].set) &&
			    strlen(symbols[i].symbol) == n - skip &&
			    !strncmp(symbols[i].symbol, text + skip, n - skip)) {
				*ret = unit_of_symbol(&symbols[i], prefixes[p].factor);
				return TRUE;
			}
	}
	return FALSE;
}

/* ---- parsing
 * ---------------------------------------------------------------------------------------- */

typedef struct {
	const char *text, *at;
	int depth;
} Cursor;

#define DIM_LIMIT 12 /* |exponent| beyond it is a typing error, and keeps the int8 safe */

static gboolean unit_combine(const Cursor *c, Unit *into, const Unit *with, int power,
			     GError **error)
{
	for (int d = 0; d < DIM_COUNT; d++) {
		int e = into->dim[d] + with->dim[d] * power;
		if (ABS(e) > DIM_LIMIT) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "unit '%s': exponent out of range", c->text);
			return FALSE;
		}
		into->dim[d] = (int8_t)e;
	}
	for (int i = 0; i < ABS(power); i++)
		into->scale = power > 0 ? into->scale * with->scale : into->scale / with->scale;
	return TRUE;
}

static gboolean parse_exponent(Cursor *c, int *ret, GError **error)
{
	bool caret = *c->at == '^';
	const char *p = c->at + caret;
	bool negative = caret && *p == '-';
	p += negative;
	*ret = 1;
	if (!g_ascii_isdigit(*p)) {
		if (caret)
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "unit '%s': expected a whole number after ^", c->text);
		return !caret;
	}
	int value = *p++ - '0';
	if (g_ascii_isdigit(*p) || value == 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "unit '%s': exponents go from 1 to 9", c->text);
		return FALSE;
	}
	*ret = negative ? -value : value;
	c->at = p;
	return TRUE;
}

static gboolean parse_product(Cursor *c, Unit *ret, GError **error);

static gboolean parse_group(Cursor *c, Unit *ret, GError **error)
{
	c->at++;
	if (++c->depth > 4 || !parse_product(c, ret, error) || *c->at != ')') {
		if (error && !*error)
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "unit '%s': unbalanced parentheses", c->text);
		return FALSE;
	}
	c->depth--;
	c->at++;
	return TRUE;
}

static bool symbol_byte(char b)
{
	return g_ascii_isalpha(b) || b == '%' || (b & 0x80);
}

static gboolean parse_factor(Cursor *c, Unit *ret, int *ret_power, GError **error)
{
	if (*c->at == '(')
		return parse_group(c, ret, error) && parse_exponent(c, ret_power, error);
	if (*c->at == '1') {
		*ret = unit_one;
		*ret_power = 1;
		c->at++;
		return TRUE;
	}
	size_t n = 0;
	/* The multiplication dot U+00B7 is an operator, the micro sign is part of a symbol. */
	while (symbol_byte(c->at[n]) && strncmp(c->at + n, "\302\267", 2) != 0)
		n++;
	if (!symbol_find(c->at, n, ret)) {
		g_autofree char *word =
			g_utf8_make_valid(n ? c->at : c->text, (gssize)(n ? n : strlen(c->text)));
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			"unknown unit '%s' (known: s ms min h, m mm cm, g kg, A mA, K degC, cd lx "
			"lm, V W J N Pa Hz, "
			"rad deg, %% ppm, B KiB MiB, bpm, 1 and products such as m/s2, N*m, 1/s)",
			word);
		return FALSE;
	}
	c->at += n;
	return parse_exponent(c, ret_power, error);
}

/* SI brochure 5.2: no second solidus and no product after a solidus without parentheses, for
 * "a/b*c" is read both ways. */
static gboolean parse_product(Cursor *c, Unit *ret, GError **error)
{
	Unit u = unit_one, factor = unit_one;
	bool divided = false;
	double offset = 0;
	int factors = 0;
	int sign = 1;
	if (*c->at == '/') {
		divided = true;
		sign = -1;
		c->at++;
		factors++;
	}
	for (;;) {
		int power = 1;
		if (!parse_factor(c, &factor, &power, error) ||
		    !unit_combine(c, &u, &factor, sign * power, error))
			return FALSE;
		offset = power == 1 && sign == 1 ? factor.offset : 0;
		factors++;
		size_t step = *c->at == '*' || *c->at == '/'   ? 1
			      : !strncmp(c->at, "\302\267", 2) ? 2
							       : 0;
		if (!step)
			break;
		if (divided) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "unit '%s' can be read in two ways: put what is below the / in "
				    "parentheses",
				    c->text);
			return FALSE;
		}
		divided = *c->at == '/';
		sign = divided ? -1 : 1;
		c->at += step;
	}
	u.offset = factors == 1 ? offset : 0; /* a temperature in a product is a difference */
	*ret = u;
	return TRUE;
}

gboolean unit_parse(const char *text, Unit *ret, GError **error)
{
	g_autofree char *trimmed = g_strstrip(g_strdup(text));
	Unit u = unit_one;
	if (strlen(trimmed) >= sizeof u.symbol) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "unknown unit '%.24s…': too long", trimmed);
		return FALSE;
	}
	Cursor c = {.text = trimmed, .at = trimmed};
	g_autoptr(GError) local = NULL;
	if (!parse_product(&c, &u, &local)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (*c.at) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "unit '%s': cannot read '%s'",
			    trimmed, c.at);
		return FALSE;
	}
	g_strlcpy(u.symbol, trimmed[0] == '/' ? "1" : "", sizeof u.symbol);
	g_strlcat(u.symbol, trimmed, sizeof u.symbol);
	*ret = u;
	return TRUE;
}

/* ---- algebra
 * ---------------------------------------------------------------------------------------- */

bool unit_compatible(const Unit *a, const Unit *b)
{
	return !memcmp(a->dim, b->dim, sizeof a->dim);
}

bool unit_is_dimensionless(const Unit *u)
{
	return unit_compatible(u, &unit_one);
}

/* Multiply by whichever of scale ratio and its inverse is a whole number, so that 1500 ms is 1.5 s
 * and not 1.5000000000000002 s. */
static double rescale(double value, double from, double to)
{
	if (from == to)
		return value;
	double up = from / to, down = to / from;
	return down > up && nearbyint(down) == down ? value / down : value * up;
}

double unit_convert(double value, const Unit *from, const Unit *to)
{
	g_assert(unit_compatible(from, to));
	if (from->offset == to->offset)
		return rescale(value, from->scale, to->scale);
	return rescale(value + from->offset, from->scale, to->scale) - to->offset;
}

double unit_convert_difference(double value, const Unit *from, const Unit *to)
{
	g_assert(unit_compatible(from, to));
	return rescale(value, from->scale, to->scale);
}

static const char *coherent_symbol(const Unit *u, bool derived)
{
	for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
		const Symbol *s = &symbols[i];
		int order = 0;
		for (int d = 0; d < DIM_COUNT; d++)
			order += ABS(s->dim[d]);
		if (s->scale == u->scale && s->offset == 0 &&
		    !memcmp(s->dim, u->dim, sizeof u->dim) && (order <= 1 || derived))
			return s->symbol;
	}
	return NULL;
}

/* "kg*m2/s3" style text for what has no better name; "?" when even that does not fit. */
static void base_symbol(Unit *u)
{
	static const char *const base[] = {"s", "m", "kg", "A", "K", "cd", "rad", "B", "unknown"};
	g_autoptr(GString) text = g_string_new(NULL);
	if (u->scale != 1) {
		g_strlcpy(u->symbol, "?", sizeof u->symbol);
		return;
	}
	for (int d = 0; d < DIM_COUNT; d++)
		if (u->dim[d]) {
			g_string_append_printf(text, "%s%s", text->len ? "*" : "", base[d]);
			if (u->dim[d] != 1)
				g_string_append_printf(text, "^%d", u->dim[d]);
		}
	g_strlcpy(u->symbol, text->len < sizeof u->symbol ? text->str : "?", sizeof u->symbol);
}

static bool composite(const char *symbol)
{
	return strpbrk(symbol, "*/") || strstr(symbol, "\302\267");
}

static void name_result(Unit *u, const Unit *a, char op, const Unit *b)
{
	const char *known = coherent_symbol(u, strchr(a->symbol, '/') || strchr(b->symbol, '/'));
	g_autofree char *text = NULL;
	if (known)
		text = g_strdup(known);
	else if (unit_is_dimensionless(b) && b->scale == 1)
		text = g_strdup(a->symbol);
	else if (op == '*' && unit_is_dimensionless(a) && a->scale == 1)
		text = g_strdup(b->symbol);
	else {
		bool wrap_a = strchr(a->symbol, '/') != NULL;
		bool wrap_b = op == '/' ? composite(b->symbol) : strchr(b->symbol, '/') != NULL;
		text = g_strdup_printf("%s%s%s%c%s%s%s", wrap_a ? "(" : "", a->symbol,
				       wrap_a ? ")" : "", op, wrap_b ? "(" : "", b->symbol,
				       wrap_b ? ")" : "");
	}
	if (strlen(text) < sizeof u->symbol && !strchr(text, '?'))
		g_strlcpy(u->symbol, text, sizeof u->symbol);
	else
		base_symbol(u);
}

static Unit unit_combined(const Unit *a, const Unit *b, int sign)
{
	Unit u = {.scale = sign > 0 ? a->scale * b->scale : a->scale / b->scale};
	for (int d = 0; d < DIM_COUNT; d++)
		u.dim[d] = (int8_t)CLAMP(a->dim[d] + sign * b->dim[d], INT8_MIN, INT8_MAX);
	name_result(&u, a, sign > 0 ? '*' : '/', b);
	return u;
}

Unit unit_mul(const Unit *a, const Unit *b)
{
	return unit_combined(a, b, 1);
}

Unit unit_div(const Unit *a, const Unit *b)
{
	return unit_combined(a, b, -1);
}

Unit unit_pow(const Unit *a, int n)
{
	if (n == 1) {
		Unit same = *a;
		same.offset = 0;
		return same;
	}
	Unit u = unit_one;
	for (int d = 0; d < DIM_COUNT; d++)
		u.dim[d] = (int8_t)CLAMP(a->dim[d] * n, INT8_MIN, INT8_MAX);
	for (int i = 0; i < ABS(n); i++)
		u.scale = n > 0 ? u.scale * a->scale : u.scale / a->scale;
	const char *known = coherent_symbol(&u, false);
	g_autofree char *text =
		known ? g_strdup(known)
		      : g_strdup_printf(
				composite(a->symbol) ||
						g_ascii_isdigit(a->symbol[strlen(a->symbol) - 1])
					? "(%s)^%d"
					: "%s^%d",
				a->symbol, n);
	if (strlen(text) < sizeof u.symbol)
		g_strlcpy(u.symbol, text, sizeof u.symbol);
	else
		base_symbol(&u);
	return u;
}
