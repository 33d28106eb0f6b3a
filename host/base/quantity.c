#include <anzen/base/clock.h>
#include <anzen/base/error.h>
#include <anzen/base/unit.h>

#include <math.h>
#include <string.h>

/* What a technician calls a dimension, with an example to copy. */
typedef struct {
	const char *unit, *name, *example;
} Kind;

static const Kind kinds[] = {
	{"1", "a number without a unit", "0.5 or 5 %"},
	{"s", "a time", "2 s"},
	{"m", "a length", "0.9 m"},
	{"kg", "a mass", "5 kg"},
	{"A", "a current", "20 mA"},
	{"K", "a temperature", "49 degC"},
	{"cd", "a luminous intensity", "5 cd"},
	{"lx", "an illuminance", "150 lx"},
	{"lm", "a luminous flux", "800 lm"},
	{"rad", "an angle", "30 deg"},
	{"B", "a data size", "64 KiB"},
	{"Hz", "a frequency or rate", "50 Hz or 100/s"},
	{"m/s", "a speed", "1.5 m/s"},
	{"m/s2", "an acceleration", "9.8 m/s2"},
	{"N", "a force", "12 N"},
	{"Pa", "a pressure", "10 kPa"},
	{"J", "an energy or torque", "5 J"},
	{"W", "a power", "40 W"},
	{"V", "a voltage", "24 V"},
};

static const Kind *kind_of(const Unit *unit)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		Unit u;
		if (unit_parse(kinds[i].unit, &u, NULL) && unit_compatible(&u, unit))
			return &kinds[i];
	}
	return NULL;
}

/* Length of a plain decimal number at the start of text, 0 when there is none: [+-] digits [.
 * digits] [e [+-] digits]. strtod alone would take nan, inf and hexadecimal. */
static size_t number_span(const char *text)
{
	const char *p = text;
	if (*p == '+' || *p == '-')
		p++;
	const char *digits = p;
	while (g_ascii_isdigit(*p))
		p++;
	size_t n = (size_t)(p - digits);
	if (*p == '.') {
		p++;
		while (g_ascii_isdigit(*p)) {
			p++;
			n++;
		}
	}
	if (n == 0)
		return 0;
	if (*p == 'e' || *p == 'E') {
		const char *e = p + 1;
		if (*e == '+' || *e == '-')
			e++;
		if (g_ascii_isdigit(*e)) {
			while (g_ascii_isdigit(*e))
				e++;
			p = e;
		}
	}
	return (size_t)(p - text);
}

gboolean quantity_parse(const char *text, Quantity *ret, GError **error)
{
	while (*text == ' ' || *text == '\t')
		text++;
	size_t n = number_span(text);
	if (n == 0 || n > 64) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "'%.40s' is not a number with a unit, as in 2 s", text);
		return FALSE;
	}
	g_autofree char *digits = g_strndup(text, n);
	double value = g_ascii_strtod(digits, NULL);
	if (!isfinite(value)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s is too large", digits);
		return FALSE;
	}
	const char *rest = text + n;
	while (*rest == ' ' || *rest == '\t')
		rest++;
	Unit unit = unit_one;
	if (*rest && !unit_parse(rest, &unit, error))
		return FALSE;
	*ret = (Quantity){.value = value, .unit = unit};
	return TRUE;
}

gboolean quantity_parse_as(const char *text, const Unit *want, double *ret, GError **error)
{
	Quantity q;
	const Kind *wanted = kind_of(want);
	g_autofree char *expected =
		wanted ? g_strdup_printf("%s, as in %s", wanted->name, wanted->example)
		       : g_strdup_printf("a value in %s", want->symbol);
	g_autoptr(GError) cause = NULL;
	if (!quantity_parse(text, &q, &cause)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "expected %s: %s", expected,
			    cause->message);
		return FALSE;
	}
	if (!unit_compatible(&q.unit, want)) {
		const Kind *got = kind_of(&q.unit);
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "expected %s, but '%s' is %s",
			    expected, text, got ? got->name : "of another dimension");
		return FALSE;
	}
	*ret = unit_convert(q.value, &q.unit, want);
	return TRUE;
}

gboolean quantity_parse_ns(const char *text, int64_t *ret_ns, GError **error)
{
	Quantity q;
	double seconds;
	if (!quantity_parse_as(text, &unit_second, &seconds, error))
		return FALSE;
	/* From the written number and unit, not by way of seconds: "0.3 ms" is 300000 ns exactly.
	 */
	if (!quantity_parse(text, &q, error))
		return FALSE;
	/* Whole nanoseconds in a unit, so that half a year reads back as it was printed. */
	double per = q.unit.scale * 1e9, whole = nearbyint(per);
	double ns = nearbyint(q.value * (fabs(per - whole) < 1e-6 ? whole : per));
	if (!(fabs(ns) < 9.2e18)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "'%s' is longer than 292 years",
			    text);
		return FALSE;
	}
	*ret_ns = (int64_t)ns;
	return TRUE;
}

char *quantity_format(double value, const Unit *unit, int digits)
{
	const char *gap = unit_is_dimensionless(unit) && unit->scale == 1 ? "" : " ";
	const char *symbol = *gap ? unit->symbol : "";
	if (!isfinite(value))
		return g_strdup_printf("%s%s%s",
				       isnan(value) ? "–"
				       : value > 0  ? "∞"
						    : "-∞",
				       gap, symbol);
	digits = CLAMP(digits, 1, 17);
	/* Round once in %e to learn the exponent after rounding (9.996 to three digits is 10.0). */
	char text[64], format[16];
	g_snprintf(format, sizeof format, "%%.%de", digits - 1);
	g_ascii_formatd(text, sizeof text, format, value);
	int exponent = atoi(strchr(text, 'e') + 1);
	if (exponent >= -4 && exponent < 7) {
		double rounded = g_ascii_strtod(text, NULL);
		g_snprintf(format, sizeof format, "%%.%df", MAX(0, digits - 1 - exponent));
		g_ascii_formatd(text, sizeof text, format, rounded);
	}
	return g_strdup_printf("%s%s%s", text, gap, symbol);
}
