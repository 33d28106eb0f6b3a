/* Units and quantities: every number that a person writes carries its unit.
 *
 * A Unit is a vector of exponents over base dimensions, a scale to the coherent SI unit and, for degC, an
 * offset. Known symbols (with SI prefixes where they make sense): s min h, m mm cm, g kg, A mA, K degC, cd lx lm,
 * V mV W J N kN Pa kPa Hz kHz rad deg, m/s m/s2 N/s lx/s K/s N*m, % ppm, B KiB MiB, bpm, 1 (dimensionless), and
 * `unknown` (of an import: compatible with nothing but itself), products and quotients of them ("m/s2", "N*m", "1/s", "m/s^2"). Source of the scales: SI brochure, 9th edition.
 */
#ifndef ANZEN_BASE_UNIT_H
#define ANZEN_BASE_UNIT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

G_BEGIN_DECLS

typedef enum {
	DIM_TIME,
	DIM_LENGTH,
	DIM_MASS,
	DIM_CURRENT,
	DIM_TEMPERATURE,
	DIM_LUMINOUS,
	DIM_ANGLE,   /* kept apart from 1, so that rad is not mistaken for a count */
	DIM_DATA,    /* byte */
	DIM_UNKNOWN, /* nobody said the unit: compatible with nothing else */
	DIM_COUNT,
} UnitDimension;

typedef struct Unit {
	int8_t dim[DIM_COUNT];
	double scale;    /* value in coherent SI = (value + offset) * scale */
	double offset;   /* degC: 273.15 */
	char symbol[24]; /* as written, for messages and reports; "1" for dimensionless */
} Unit;

typedef struct Quantity {
	double value; /* in `unit` */
	Unit unit;
} Quantity;

/* The dimensionless unit "1". */
extern const Unit unit_one;
extern const Unit unit_second;

/* Parse "m/s2". On failure *ret is untouched and the error (ANZEN_ERROR_INPUT) says which symbol is unknown. */
gboolean unit_parse(const char *text, Unit *ret, GError **error);

/* Same physical dimension (s and ms: yes; N and m: no). */
bool unit_compatible(const Unit *a, const Unit *b);
bool unit_is_dimensionless(const Unit *u);

/* Value expressed in `to`. Both must be compatible (asserts). Absolute temperatures use the offset; for
 * differences (margins, uncertainties) use unit_convert_difference(). */
double unit_convert(double value, const Unit *from, const Unit *to);
double unit_convert_difference(double value, const Unit *from, const Unit *to);

/* Dimension algebra for expressions: a*b, a/b, a^n. The results have an offset of 0 and a composed symbol. */
Unit unit_mul(const Unit *a, const Unit *b);
Unit unit_div(const Unit *a, const Unit *b);
Unit unit_pow(const Unit *a, int n);

/* Parse "2 s", "-0.9 m", "49 degC", "5 %", "12" (dimensionless). NaN, infinities and hexadecimal are refused.
 * `2s` without the blank is accepted; "2 parsec" is an error that names the known units of that shape. */
gboolean quantity_parse(const char *text, Quantity *ret, GError **error);

/* quantity_parse, then converted to `want`; error when the dimension differs ("expected a time, as in 2 s"). */
gboolean quantity_parse_as(const char *text, const Unit *want, double *ret, GError **error);

/* Nanoseconds of a time quantity, rounded to nearest; refuses |t| > 292 years. */
gboolean quantity_parse_ns(const char *text, int64_t *ret_ns, GError **error);

/* "2.31 s ± 0.04 s"-ready text of a value with `digits` significant digits, locale-independent.
 * Caller frees. */
char *quantity_format(double value, const Unit *unit, int digits);

G_END_DECLS

#endif
