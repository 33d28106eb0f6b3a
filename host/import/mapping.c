/* The file kind mapping/1: shape, deeper checks, reading. */
#include "mapping.h"
#include <math.h>

#define SIGNAL_NAME "[a-z0-9]+(-[a-z0-9]+)*([.][a-z0-9]+(-[a-z0-9]+)*)*"

static const char *const evidence_words[] = {"physical", "virtual", "lock-step", "replay", NULL};
static const char *const origin_words[] = {"stimulus", "command", "response", "claim",
					   "label",    "health",  NULL};
static const char *const interp_words[] = {"linear", "previous", NULL};
static const char *const others_words[] = {"keep", "leave", NULL};
static const char *const affected_words[] = {"product", "nothing", NULL};

static const Shape text = {.type = SHAPE_TEXT};
static const Shape id = {.type = SHAPE_ID};
static const Shape delimiter = {
	.type = SHAPE_TEXT, .pattern = "[,;|]|tab", .expected = "one of , ; | (quoted) or tab"};
static const Shape evidence = {.type = SHAPE_WORD, .words = evidence_words};
static const Shape origin = {.type = SHAPE_WORD, .words = origin_words};
static const Shape interp = {.type = SHAPE_WORD, .words = interp_words};
static const Shape others = {.type = SHAPE_WORD, .words = others_words};
static const Shape affected = {.type = SHAPE_WORD, .words = affected_words};
static const Shape time_unit = {
	.type = SHAPE_TEXT,
	.pattern = "s|ms|us|ns|min|h|date",
	.expected = "s, ms, us, ns, min, h, or date for cells such as 2026-11-24 12:30:00.123"};
static const Shape zone = {.type = SHAPE_TEXT,
			   .pattern = "UTC|[+-][0-9][0-9]:[0-9][0-9]",
			   .expected = "UTC or what the clock is ahead of it, as in '+02:00'"};
static const Shape unit_text = {.type = SHAPE_TEXT, .expected = "a unit such as m"};
static const Shape moment = {.type = SHAPE_QUANTITY, .unit = "s"};
static const Shape period = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 1e-9, .hi = 86400};
static const Shape frequency = {.type = SHAPE_QUANTITY, .unit = "Hz", .lo = 1e-6, .hi = 1e9};
static const Shape quantity = {.type = SHAPE_QUANTITY};
static const Shape range = {.type = SHAPE_LIST, .item = &quantity, .lo = 2, .hi = 2};
static const Shape count = {.type = SHAPE_NUMBER, .lo = 1, .hi = 1e9};
static const Shape yes = {.type = SHAPE_BOOLEAN};
static const Shape formula = {.type = SHAPE_FORMULA};
static const Shape formulas = {.type = SHAPE_LIST, .item = &formula, .lo = 0, .hi = 1000};
static const Shape signal_name = {
	.type = SHAPE_TEXT, .pattern = SIGNAL_NAME, .expected = "a signal such as product.alarm"};

static const ShapeField time_fields[] = {
	{"column", &text, true, "heading of the time column"},
	{"unit", &time_unit, true, "unit of its numbers"},
	{"zone", &zone, false, "of dates: UTC, '+02:00'; required with them, never guessed"},
	{"offset", &moment, false, "added to every time, so that none is negative"},
	{NULL, NULL, false, NULL},
};
static const Shape time_shape = {.type = SHAPE_RECORD, .fields = time_fields};

static const Shape cells = {.type = SHAPE_MAP, .item = &text, .lo = 1, .hi = 20};

static const ShapeField signal_fields[] = {
	{"column", &text, false, "of a table: heading of its column"},
	{"field", &text, false, "of a recording: topic and field, /imu.linear_acceleration.x"},
	{"where", &cells, false, "only rows in which these columns hold these texts"},
	{"unit", &unit_text, true, "unit of its numbers; never guessed"},
	{"origin", &origin, true, "where it comes from: only stimulus and label can be truth"},
	{"interp", &interp, false, "between samples: linear (default) or previous"},
	{"boolean", &yes, false, "0 or 1; unit 1"},
	{"affected_by", &affected, false, "product: its action can change this signal"},
	{"exogenous", &yes, false, "independent of the product: may decide in replay"},
	{"max_gap", &period, false,
	 "longest time between samples; without it nothing is decided on this signal"},
	{"bandwidth", &frequency, false, "of the sensor"},
	{"max_slew", &quantity, false, "fastest change, in unit/s"},
	{"range", &range, false, "calibrated range"},
	{"u_common", &quantity, false, "standard uncertainty common to all samples (calibration)"},
	{"dof", &count, false, "degrees of freedom of u_common"},
	{"u_sample", &quantity, false, "standard uncertainty from sample to sample (noise)"},
	{"u_clock", &moment, false, "standard uncertainty of the time stamps"},
	{"serial", &text, false, "serial number of the sensor"},
	{"certificate", &text, false, "certificate and validity, as text"},
	{"certificate_fault", &text, false, "why its calibration cannot be used"},
	{NULL, NULL, false, NULL},
};
static const Shape one_signal = {.type = SHAPE_RECORD, .fields = signal_fields};
static const Shape signals = {.type = SHAPE_MAP,
			      .item = &one_signal,
			      .pattern = SIGNAL_NAME,
			      .lo = 1,
			      .hi = 1000,
			      .expected = "a signal such as mannequin.height"};

static const ShapeField event_fields[] = {
	{"at", &moment, true, "time in the table, after offset"},
	{"name", &signal_name, true, "such as probe.positive-control"},
	{NULL, NULL, false, NULL},
};
static const Shape event = {.type = SHAPE_RECORD, .fields = event_fields};
static const Shape events = {.type = SHAPE_LIST, .item = &event, .lo = 0, .hi = 10000};

static const ShapeField truth_fields[] = {
	{"onset", &formula, true, "true from a rise of this"},
	{"end", &formula, false, "until this holds"},
	{NULL, NULL, false, NULL},
};
static const Shape truth = {.type = SHAPE_RECORD, .fields = truth_fields};
static const Shape truths = {.type = SHAPE_MAP, .item = &truth, .lo = 0, .hi = 100};
static const Shape parameters = {.type = SHAPE_MAP, .item = &quantity, .lo = 0, .hi = 100};
static const ShapeField within_fields[] = {
	{"signal", &signal_name, true, "signal of the product"},
	{"within", &period, true, "it must rise at least this often, or this soon after the probe"},
	{NULL, NULL, false, NULL},
};
static const Shape within = {.type = SHAPE_RECORD, .fields = within_fields};
static const ShapeField judge_fields[] = {
	{"truth", &truths, false, "truth.NAME from measured signals"},
	{"stimulus", &formulas, false, "must hold, else INVALID: stimulus not as scripted"},
	{"parameters", &parameters, false, "$name in formulas"},
	{"heartbeat", &within, false, "proof of life"},
	{"positive_control", &within, false, "proof of life at the end"},
	{"consumed", &signal_name, false, "proof of life: count of inputs that the product took"},
	{"age", &within, false, "age of the product's input in s, and the oldest permitted"},
	{NULL, NULL, false, NULL},
};
static const Shape judge = {.type = SHAPE_RECORD, .fields = judge_fields};

static const ShapeField mapping_fields[] = {
	{"id", &id, true, "name of the mapping"},
	{"delimiter", &delimiter, false, "between cells; a comma when absent"},
	{"evidence", &evidence, false, "evidence class of the recording; replay when absent"},
	{"headings", &yes, false, "false: the first row is data, columns are called 1, 2, 3, …"},
	{"time", &time_shape, false, "of a table: the time column"},
	{"others", &others, false,
	 "of a recording: fields that are not named here are kept (default), or left"},
	{"start", &moment, false, "t = 0 s of formulas; the first row when absent"},
	{"end", &moment, false, "end of the timeline; the last row when absent"},
	{"signals", &signals, true, "signal name to column or field"},
	{"events", &events, false, "events to add"},
	{"judge", &judge, false, "what the scenario would say: truth, stimulus checks, parameters"},
	{NULL, NULL, false, NULL},
};
static const Shape mapping_shape = {.type = SHAPE_RECORD, .fields = mapping_fields};

const Shape *import_mapping_shape(void)
{
	return &mapping_shape;
}

/* ---- reading, and what a shape cannot say ---------------------------------------------------- */

static void mapped_signal_free(void *pointer)
{
	MappedSignal *s = pointer;
	signal_info_clear(&s->info);
	g_free(s->column);
	g_free(s->field);
	g_clear_pointer(&s->where, g_ptr_array_unref);
	g_free(s);
}

static void mapped_event_free(void *pointer)
{
	MappedEvent *e = pointer;
	g_free(e->name);
	g_free(e);
}

void mapping_free(Mapping *m)
{
	if (!m)
		return;
	yaml_doc_free(m->doc);
	g_free(m->id);
	g_free(m->time_column);
	g_ptr_array_unref(m->signals);
	g_ptr_array_unref(m->events);
	g_clear_pointer(&m->judge, judge_spec_free);
	g_free(m);
}

typedef struct {
	const YamlDoc *doc;
	Diagnostics *diag;
} Reading;

/* A quantity in the signal's own unit; differences (uncertainties, slews) ignore the offset of degC. */
static double in_unit(const Reading *r, const YamlNode *node, const Unit *unit, bool difference,
		      double fallback)
{
	Quantity q;
	if (!node || !quantity_parse(yaml_text(node), &q, NULL))
		return fallback;
	if (!unit_compatible(&q.unit, unit)) {
		yaml_error(r->doc, node, r->diag,
			   "expected a quantity in %s or a unit like it, found '%s'", unit->symbol,
			   yaml_text(node));
		return fallback;
	}
	return difference ? unit_convert_difference(q.value, &q.unit, unit)
			  : unit_convert(q.value, &q.unit, unit);
}

static double non_negative(const Reading *r, const YamlNode *node, const Unit *unit,
			   double fallback)
{
	double v = in_unit(r, node, unit, true, fallback);
	if (node && v < 0)
		yaml_error(r->doc, node, r->diag,
			   "expected a quantity that is not negative, found '%s'", yaml_text(node));
	return v;
}

static void read_numbers(const Reading *r, const YamlNode *node, SignalInfo *info)
{
	Unit per_second = unit_div(&info->unit, &unit_second);
	const YamlNode *limits = yaml_get(node, "range");
	info->max_gap_ns = shape_ns(yaml_get(node, "max_gap"), 0);
	info->bandwidth_hz = shape_quantity(yaml_get(node, "bandwidth"), "Hz", 0);
	info->max_slew = non_negative(r, yaml_get(node, "max_slew"), &per_second,
				      info->boolean ? INFINITY : 0);
	info->u_common = non_negative(r, yaml_get(node, "u_common"), &info->unit, NAN);
	info->u_sample = non_negative(r, yaml_get(node, "u_sample"), &info->unit, NAN);
	info->dof_common = shape_number(yaml_get(node, "dof"), 0);
	info->u_clock_s = non_negative(r, yaml_get(node, "u_clock"), &unit_second, NAN);
	if (!limits)
		return;
	info->range_lo = in_unit(r, yaml_item(limits, 0), &info->unit, false, NAN);
	info->range_hi = in_unit(r, yaml_item(limits, 1), &info->unit, false, NAN);
	if (info->range_lo >= info->range_hi)
		yaml_error(r->doc, limits, r->diag, "expected a range [low, high] with low < high");
}

/* Where in the file it stands: a column, or a field. */
static void read_place(const Reading *r, const YamlNode *name, const YamlNode *node,
		       MappedSignal *s)
{
	const YamlNode *where = yaml_get(node, "where");
	s->column = g_strdup(yaml_get_text(node, "column"));
	s->field = g_strdup(yaml_get_text(node, "field"));
	if (!s->column == !s->field)
		yaml_error(r->doc, name, r->diag,
			   "expected either `column` (of a table) or `field` (of a recording)");
	if (!where)
		return;
	s->where = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < yaml_size(where); i++) {
		g_ptr_array_add(s->where, g_strdup(yaml_text(yaml_key_at(where, i))));
		g_ptr_array_add(s->where, g_strdup(yaml_text(yaml_value_at(where, i))));
	}
}

static MappedSignal *read_signal(const Reading *r, const YamlNode *name, const YamlNode *node)
{
	MappedSignal *s = g_new0(MappedSignal, 1);
	SignalInfo *info = &s->info;
	g_autoptr(GError) error = NULL;
	signal_info_init(info, yaml_text(name));
	read_place(r, name, node, s);
	s->line = yaml_line(name);
	info->boolean = shape_boolean(yaml_get(node, "boolean"), false);
	origin_parse(yaml_get_text(node, "origin"), &info->origin);
	info->interp = !g_strcmp0(yaml_get_text(node, "interp"), "previous") || info->boolean
			       ? SIGNAL_PREVIOUS
			       : SIGNAL_LINEAR;
	info->affected_by_product = !g_strcmp0(yaml_get_text(node, "affected_by"), "product");
	info->exogenous = shape_boolean(yaml_get(node, "exogenous"), false);
	info->serial = g_strdup(yaml_get_text(node, "serial"));
	info->certificate = g_strdup(yaml_get_text(node, "certificate"));
	info->certificate_fault = g_strdup(yaml_get_text(node, "certificate_fault"));
	if (!unit_parse(yaml_get_text(node, "unit"), &info->unit, &error))
		yaml_error(r->doc, yaml_get(node, "unit"), r->diag, "%s", error->message);
	else
		read_numbers(r, node, info);
	if (info->boolean && !unit_is_dimensionless(&info->unit))
		yaml_error(r->doc, yaml_get(node, "unit"), r->diag,
			   "expected the unit 1 for a boolean");
	if (info->exogenous && info->affected_by_product)
		yaml_error(r->doc, yaml_get(node, "exogenous"), r->diag,
			   "a signal that the product affects is not exogenous");
	return s;
}

static void read_parameters(const YamlNode *node, JudgeSpec *spec)
{
	for (size_t i = 0; i < yaml_size(node); i++) {
		Quantity q;
		if (quantity_parse(yaml_text(yaml_value_at(node, i)), &q, NULL))
			g_hash_table_insert(spec->parameters,
					    g_strdup(yaml_text(yaml_key_at(node, i))),
					    g_memdup2(&q, sizeof(q)));
	}
}

static JudgeSpec *read_judge(const YamlNode *node)
{
	if (!node)
		return NULL;
	JudgeSpec *spec = judge_spec_new();
	const YamlNode *map = yaml_get(node, "truth"), *list = yaml_get(node, "stimulus");
	const YamlNode *heartbeat = yaml_get(node, "heartbeat"),
		       *control = yaml_get(node, "positive_control");
	for (size_t i = 0; map && i < yaml_size(map); i++) {
		TruthSpec *t = g_new0(TruthSpec, 1);
		t->name = g_strdup(yaml_text(yaml_key_at(map, i)));
		t->onset = g_strdup(yaml_get_text(yaml_value_at(map, i), "onset"));
		t->end = g_strdup(yaml_get_text(yaml_value_at(map, i), "end"));
		g_ptr_array_add(spec->truths, t);
	}
	for (size_t i = 0; list && i < yaml_size(list); i++)
		g_ptr_array_add(spec->stimulus, g_strdup(yaml_text(yaml_item(list, i))));
	if (yaml_get(node, "parameters"))
		read_parameters(yaml_get(node, "parameters"), spec);
	const YamlNode *age = yaml_get(node, "age");
	spec->consumed = g_strdup(yaml_get_text(node, "consumed"));
	if (age) {
		spec->age = g_strdup(yaml_get_text(age, "signal"));
		spec->max_age_ns = shape_ns(yaml_get(age, "within"), 0);
	}
	if (heartbeat) {
		spec->heartbeat = g_strdup(yaml_get_text(heartbeat, "signal"));
		spec->heartbeat_ns = shape_ns(yaml_get(heartbeat, "within"), 0);
	}
	if (control) {
		spec->positive_control = g_strdup(yaml_get_text(control, "signal"));
		spec->positive_control_ns = shape_ns(yaml_get(control, "within"), 0);
	}
	return spec;
}

static double seconds_in(const char *unit)
{
	static const struct {
		const char *unit;
		double seconds;
	} known[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"min", 60}, {"h", 3600}};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (!strcmp(known[i].unit, unit))
			return known[i].seconds;
	return 0; /* date */
}

static void read_time_column(const Reading *r, const YamlNode *node, Mapping *m)
{
	const YamlNode *zone_node = yaml_get(node, "zone");
	const char *zone_text = yaml_get_text(node, "zone"), *unit = yaml_get_text(node, "unit");
	m->time_column = g_strdup(yaml_get_text(node, "column"));
	m->time_scale = seconds_in(unit);
	m->offset_ns = shape_ns(yaml_get(node, "offset"), 0);
	if (m->time_scale == 0 && !zone_text)
		yaml_error(r->doc, node, r->diag,
			   "expected `zone` beside dates: UTC, or what their clock is ahead of it, "
			   "as in '+02:00'");
	if (m->time_scale != 0 && zone_text)
		yaml_error(r->doc, zone_node, r->diag, "a zone belongs to dates only");
	if (zone_text && strcmp(zone_text, "UTC") != 0) {
		int64_t minutes = g_ascii_strtoll(zone_text + 1, NULL, 10) * 60 +
				  g_ascii_strtoll(zone_text + 4, NULL, 10);
		m->zone_ns = (zone_text[0] == '-' ? -minutes : minutes) * 60 * CLOCK_S;
	}
}

static void read_times(const Reading *r, const YamlNode *root, Mapping *m)
{
	const YamlNode *node = yaml_get(root, "time"), *list = yaml_get(root, "events");
	if (node)
		read_time_column(r, node, m);
	m->start_ns = shape_ns(yaml_get(root, "start"), CLOCK_NEVER);
	m->end_ns = shape_ns(yaml_get(root, "end"), CLOCK_NEVER);
	if (m->start_ns < 0 ||
	    (m->end_ns != CLOCK_NEVER && m->start_ns != CLOCK_NEVER && m->end_ns <= m->start_ns))
		yaml_error(r->doc, yaml_get(root, m->start_ns < 0 ? "start" : "end"), r->diag,
			   "expected 0 s <= start < end");
	for (size_t i = 0; list && i < yaml_size(list); i++) {
		const YamlNode *item = yaml_item(list, i);
		MappedEvent *e = g_new0(MappedEvent, 1);
		e->at_ns = shape_ns(yaml_get(item, "at"), 0);
		e->name = g_strdup(yaml_get_text(item, "name"));
		g_ptr_array_add(m->events, e);
		if (e->at_ns < 0)
			yaml_error(r->doc, yaml_get(item, "at"), r->diag,
				   "expected a time that is not negative");
	}
}

/* Takes the document. NULL with diagnostics. */
static Mapping *read_mapping(YamlDoc *doc, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	const YamlNode *root = yaml_root(doc);
	if (!yaml_expect_kind(doc, "mapping/1", diag) ||
	    !shape_check(&mapping_shape, doc, root, diag))
		return NULL;
	Reading r = {doc, diag};
	g_autoptr(Mapping) m = g_new0(Mapping, 1);
	const char *between = yaml_get_text(root, "delimiter"),
		   *class_ = yaml_get_text(root, "evidence");
	m->signals = g_ptr_array_new_with_free_func(mapped_signal_free);
	m->events = g_ptr_array_new_with_free_func(mapped_event_free);
	m->id = g_strdup(yaml_get_text(root, "id"));
	m->delimiter = !between ? ',' : !strcmp(between, "tab") ? '\t' : between[0];
	m->headings = shape_boolean(yaml_get(root, "headings"), true);
	m->keep_others = g_strcmp0(yaml_get_text(root, "others"), "leave") != 0;
	m->evidence = EVIDENCE_REPLAY;
	if (class_)
		evidence_parse(class_, &m->evidence);
	read_times(&r, root, m);
	const YamlNode *map = yaml_get(root, "signals");
	for (size_t i = 0; i < yaml_size(map); i++)
		g_ptr_array_add(m->signals,
				read_signal(&r, yaml_key_at(map, i), yaml_value_at(map, i)));
	m->judge = read_judge(yaml_get(root, "judge"));
	return diagnostics_errors(diag) == before ? g_steal_pointer(&m) : NULL;
}

Mapping *mapping_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	Mapping *m = doc ? read_mapping(doc, diag) : NULL;
	if (m)
		m->doc = g_steal_pointer(&doc);
	return m;
}

bool import_mapping_check(const YamlDoc *doc, Diagnostics *diag)
{
	/* The document is only looked at: `m->doc` stays NULL. */
	g_autoptr(Mapping) m = read_mapping((YamlDoc *)(uintptr_t)doc, diag);
	return m != NULL;
}
