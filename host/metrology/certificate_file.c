/* calibration/1: the file. */
#include "certificate.h"
#include <math.h>

/* A budget is written with two significant digits, so its sum may differ this much from expanded /
 * k. */
#define BUDGET_TOLERANCE 0.05

static const Shape text = {.type = SHAPE_TEXT};
static const Shape date = {.type = SHAPE_DATE, .expected = "a date as in 2026-10-01"};
static const Shape number = {.type = SHAPE_NUMBER};
static const Shape quantity = {.type = SHAPE_QUANTITY};
static const char *const kinds[] = {"static", "dynamic", "simulated", NULL};
static const char *const models[] = {"polynomial", NULL};
static const Shape kind_shape = {.type = SHAPE_WORD, .words = kinds};
static const Shape model_kind = {.type = SHAPE_WORD, .words = models};
static const Shape range = {
	.type = SHAPE_LIST, .item = &number, .lo = 2, .hi = 2, .expected = "[lowest, highest]"};
static const Shape coefficients = {.type = SHAPE_LIST, .item = &number, .lo = 1, .hi = 8};
static const Shape k_shape = {.type = SHAPE_NUMBER, .lo = 1, .hi = 10};
static const Shape dof_shape = {.type = SHAPE_NUMBER, .lo = 1, .hi = 1e9};
static const Shape hertz = {.type = SHAPE_QUANTITY, .unit = "Hz", .lo = 1e-6, .hi = 1e9};

static const ShapeField quantity_fields[] = {
	{"unit", &text, true, "Unit of the measured quantity, as in N"},
	{"range", &range, true, "Lowest and highest calibrated value, in that unit"},
	{0},
};
static const Shape quantity_shape = {.type = SHAPE_RECORD, .fields = quantity_fields};

static const ShapeField model_fields[] = {
	{"kind", &model_kind, true, "How a reading becomes a value"},
	{"input", &text, true, "What the reading is, as in count, V or mA"},
	{"coefficients", &coefficients, true, "c0, c1, … of c0 + c1 x + c2 x² + …"},
	{0},
};
static const Shape model_shape = {.type = SHAPE_RECORD, .fields = model_fields};

static const ShapeField point_fields[] = {
	{"reference", &quantity, true, "What the reference said"},
	{"reading", &number, true, "What the channel read"},
	{0},
};
static const Shape point_shape = {.type = SHAPE_RECORD, .fields = point_fields};
static const Shape points_shape = {.type = SHAPE_LIST, .item = &point_shape, .lo = 1, .hi = 1000};

static const ShapeField budget_fields[] = {
	{"source", &text, true, "Where this part comes from"},
	{"u", &quantity, true, "Its standard uncertainty"},
	{0},
};
static const Shape budget_shape = {.type = SHAPE_RECORD, .fields = budget_fields};
static const Shape budget_list = {.type = SHAPE_LIST, .item = &budget_shape, .lo = 1, .hi = 100};

static const ShapeField uncertainty_fields[] = {
	{"expanded", &quantity, true, "Expanded uncertainty U"},
	{"k", &k_shape, true, "Coverage factor of U"},
	{"dof", &dof_shape, true, "Degrees of freedom"},
	{"budget", &budget_list, true, "The parts; their root sum of squares is U / k"},
	{0},
};
static const Shape uncertainty_shape = {.type = SHAPE_RECORD, .fields = uncertainty_fields};

static const ShapeField valid_fields[] = {
	{"from", &date, true, "First valid day"},
	{"until", &date, true, "Last valid day"},
	{0},
};
static const Shape valid_shape = {.type = SHAPE_RECORD, .fields = valid_fields};
static const Shape revokes_shape = {.type = SHAPE_LIST, .item = &text, .lo = 0, .hi = 1000};

static const ShapeField fields[] = {
	{"anzen", &text, true, "calibration/1"},
	{"serial", &text, true, "Serial of the sensor or instrument"},
	{"kind", &kind_shape, true, "static, dynamic, or simulated for virtual rigs"},
	{"quantity", &quantity_shape, true, "What is measured and where it is calibrated"},
	{"model", &model_shape, true, "From reading to value"},
	{"points", &points_shape, true, "Calibration points; each residual lies within U"},
	{"uncertainty", &uncertainty_shape, true, "Expanded uncertainty and its budget"},
	{"valid", &valid_shape, true, "Days of validity"},
	{"revokes", &revokes_shape, false, "Ids of certificates later found wrong"},
	{"by", &text, true, "Who did it"},
	{"laboratory", &text, false, "Where; a simulated certificate names none"},
	{"bandwidth", &hertz, false, "Where the response has fallen to 0.707 (kind dynamic)"},
	{"note", &text, false, "Anything else a reader must know"},
	{0},
};
static const Shape shape = {.type = SHAPE_RECORD, .fields = fields};

const Shape *certificate_shape(void)
{
	return &shape;
}

char *certificate_schema(void)
{
	return shape_json_schema(&shape, "calibration", "Calibration certificate");
}

typedef struct Reader {
	const YamlDoc *doc;
	Diagnostics *diag;
	Certificate *c;
} Reader;

/* A quantity in the certificate's unit; the difference between two when `difference`
 * (uncertainties). */
static double read_value(const Reader *r, const YamlNode *node, bool difference)
{
	g_autoptr(GError) error = NULL;
	Quantity q;
	const char *said = yaml_text(node);
	if (!said || !quantity_parse(said, &q, &error)) {
		yaml_error(r->doc, node, r->diag, "%s",
			   error ? error->message : "expected a quantity");
		return NAN;
	}
	if (!unit_compatible(&q.unit, &r->c->unit)) {
		yaml_error(r->doc, node, r->diag,
			   "expected a value in %s, as the certificate's quantity",
			   r->c->unit.symbol);
		return NAN;
	}
	return difference ? unit_convert_difference(q.value, &q.unit, &r->c->unit)
			  : unit_convert(q.value, &q.unit, &r->c->unit);
}

static void read_quantity(Reader *r, const YamlNode *node)
{
	g_autoptr(GError) error = NULL;
	const YamlNode *bounds = yaml_get(node, "range");
	if (!unit_parse(yaml_get_text(node, "unit"), &r->c->unit, &error))
		yaml_error(r->doc, yaml_get(node, "unit"), r->diag, "%s", error->message);
	r->c->range_lo = shape_number(yaml_item(bounds, 0), NAN);
	r->c->range_hi = shape_number(yaml_item(bounds, 1), NAN);
	if (!(r->c->range_lo < r->c->range_hi))
		yaml_error(r->doc, bounds, r->diag, "expected a range [lowest, highest]");
}

static void read_model(Reader *r, const YamlNode *node)
{
	const YamlNode *list = yaml_get(node, "coefficients");
	r->c->input = g_strdup(yaml_get_text(node, "input"));
	r->c->n_coefficients = yaml_size(list);
	r->c->coefficients = g_new0(double, r->c->n_coefficients);
	for (size_t i = 0; i < r->c->n_coefficients; i++)
		r->c->coefficients[i] = shape_number(yaml_item(list, i), NAN);
}

static void read_points(Reader *r, const YamlNode *list)
{
	for (size_t i = 0; i < yaml_size(list); i++) {
		const YamlNode *node = yaml_item(list, i);
		CertificatePoint p = {read_value(r, yaml_get(node, "reference"), false),
				      shape_number(yaml_get(node, "reading"), NAN)};
		double residual = certificate_value(r->c, p.reading) - p.reference;
		g_array_append_val(r->c->points, p);
		if (!(fabs(residual) <= r->c->expanded))
			yaml_error(r->doc, node, r->diag,
				   "the model gives %.6g %s at this point, %.3g away from the "
				   "reference: more than the "
				   "expanded uncertainty of %.3g",
				   certificate_value(r->c, p.reading), r->c->unit.symbol,
				   fabs(residual), r->c->expanded);
		if (!(p.reference >= r->c->range_lo && p.reference <= r->c->range_hi))
			yaml_error(r->doc, node, r->diag,
				   "this point lies outside the calibrated range");
	}
}

static void read_uncertainty(Reader *r, const YamlNode *node)
{
	double square = 0;
	const YamlNode *list = yaml_get(node, "budget");
	r->c->expanded = read_value(r, yaml_get(node, "expanded"), true);
	r->c->k = shape_number(yaml_get(node, "k"), NAN);
	r->c->dof = shape_number(yaml_get(node, "dof"), NAN);
	if (!(r->c->expanded > 0))
		yaml_error(r->doc, yaml_get(node, "expanded"), r->diag,
			   "expected an uncertainty above 0");
	for (size_t i = 0; i < yaml_size(list); i++) {
		BudgetPart *part = g_new0(BudgetPart, 1);
		part->source = g_strdup(yaml_get_text(yaml_item(list, i), "source"));
		part->u = read_value(r, yaml_get(yaml_item(list, i), "u"), true);
		if (!(part->u >= 0))
			yaml_error(r->doc, yaml_item(list, i), r->diag,
				   "expected an uncertainty of 0 or more");
		square += part->u * part->u;
		g_ptr_array_add(r->c->budget, part);
	}
	double want = r->c->expanded / r->c->k;
	if (!(fabs(sqrt(square) - want) <= BUDGET_TOLERANCE * want))
		yaml_error(r->doc, list, r->diag,
			   "the budget adds up to u = %.4g %s, but expanded / k is %.4g",
			   sqrt(square), r->c->unit.symbol, want);
}

static int read_day(const Reader *r, const YamlNode *node)
{
	unsigned y = 0, m = 0, d = 0;
	const char *said = yaml_text(node);
	if (!said || sscanf(said, "%4u-%2u-%2u", &y, &m, &d) != 3 || m > 12 || d > 31 ||
	    !g_date_valid_dmy((GDateDay)d, (GDateMonth)m, (GDateYear)y)) {
		yaml_error(r->doc, node, r->diag, "expected a date as in 2026-10-01");
		return 0;
	}
	g_autoptr(GDate) day = g_date_new_dmy((GDateDay)d, (GDateMonth)m, (GDateYear)y);
	return (int)g_date_get_julian(day);
}

static void read_valid(Reader *r, const YamlNode *node)
{
	r->c->valid_from = read_day(r, yaml_get(node, "from"));
	r->c->valid_until = read_day(r, yaml_get(node, "until"));
	r->c->valid_text = g_strdup_printf("%s to %s", yaml_get_text(node, "from"),
					   yaml_get_text(node, "until"));
	if (r->c->valid_until < r->c->valid_from)
		yaml_error(r->doc, node, r->diag, "valid until a day before it begins");
}

static void read_rest(Reader *r, const YamlNode *root)
{
	const char *kind = yaml_get_text(root, "kind");
	const YamlNode *revokes = yaml_get(root, "revokes");
	for (int i = 0; kinds[i]; i++)
		if (!g_strcmp0(kind, kinds[i]))
			r->c->kind = (CertificateKind)i;
	for (size_t i = 0; i < yaml_size(revokes); i++)
		g_ptr_array_add(r->c->revokes, g_strdup(yaml_text(yaml_item(revokes, i))));
	r->c->by = g_strdup(yaml_get_text(root, "by"));
	r->c->bandwidth_hz = shape_quantity(yaml_get(root, "bandwidth"), "Hz", 0);
	if (r->c->kind == CERTIFICATE_SIMULATED && yaml_get(root, "laboratory"))
		yaml_error(r->doc, yaml_get(root, "laboratory"), r->diag,
			   "a simulated certificate names no laboratory");
	if (r->c->kind == CERTIFICATE_DYNAMIC && !(r->c->bandwidth_hz > 0))
		yaml_error(r->doc, root, r->diag, "a dynamic calibration gives a bandwidth");
}

static Certificate *read_certificate(const YamlDoc *doc, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(doc);
	size_t before = diagnostics_errors(diag);
	const char *kind = yaml_get_text(root, "anzen");
	if (g_strcmp0(kind, "calibration/1")) {
		yaml_error(doc, root, diag, "expected `anzen: calibration/1`, found %s",
			   kind ? kind : "no such key");
		return NULL;
	}
	if (!shape_check(&shape, doc, root, diag))
		return NULL;

	g_autoptr(Certificate) c = g_new0(Certificate, 1);
	Reader r = {doc, diag, c};
	c->points = g_array_new(FALSE, FALSE, sizeof(CertificatePoint));
	c->budget = g_ptr_array_new_with_free_func(budget_part_free);
	c->revokes = g_ptr_array_new_with_free_func(g_free);
	c->path = g_strdup(yaml_file(doc));
	c->serial = g_strdup(yaml_get_text(root, "serial"));
	g_autofree char *stem = g_path_get_basename(c->path);
	if (g_str_has_suffix(stem, ".yaml"))
		stem[strlen(stem) - strlen(".yaml")] = '\0';
	c->id = g_strdup_printf("%s/%s", c->serial, stem);

	read_quantity(&r, yaml_get(root, "quantity"));
	if (diagnostics_errors(diag) != before) /* without a unit nothing below can be read */
		return NULL;
	read_model(&r, yaml_get(root, "model"));
	read_uncertainty(&r, yaml_get(root, "uncertainty"));
	read_points(&r, yaml_get(root, "points"));
	read_valid(&r, yaml_get(root, "valid"));
	read_rest(&r, root);
	return diagnostics_errors(diag) == before ? g_steal_pointer(&c) : NULL;
}

Certificate *certificate_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_certificate(doc, diag) : NULL;
}

Certificate *certificate_load_text(const char *said, gssize length, const char *name,
				   Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(said, length, name, diag);
	return doc ? read_certificate(doc, diag) : NULL;
}
