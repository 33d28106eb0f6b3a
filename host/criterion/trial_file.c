/* Trials in a pack's file: the shared bench, and breakpoints per signal. */
#include "pack.h"

static const Shape text = {.type = SHAPE_TEXT};
static const Shape formula = {.type = SHAPE_FORMULA};
static const Shape boolean = {.type = SHAPE_BOOLEAN};
static const Shape time_span = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 1e-4, .hi = 86400};
static const Shape frequency = {.type = SHAPE_QUANTITY, .unit = "Hz", .lo = 1e-3, .hi = 1e6};
static const Shape quantity = {.type = SHAPE_QUANTITY};
static const char *const source_words[] = {"measured", "sampled", "response",
					   "claim",    "label",   NULL};
static const Shape source = {.type = SHAPE_WORD, .words = source_words};
static const Shape points = {.type = SHAPE_MAP, .item = &text, .lo = 1, .hi = 1000};
static const Shape *const path_either[] = {&points, &text, NULL};
static const Shape path = {.type = SHAPE_ONE_OF,
			   .either = path_either,
			   .expected = "a value such as 21 degC or off, or breakpoints as in "
				       "{0 s: off, 4 s: on}"};

static const ShapeField truth_fields[] = {
	{"onset", &formula, true, "When it begins, over measured signals"},
	{"end", &formula, false, "When it ends"},
	{0},
};
static const Shape truth = {.type = SHAPE_RECORD, .fields = truth_fields};
static const Shape truths = {.type = SHAPE_MAP, .item = &truth};

static const ShapeField signal_fields[] = {
	{"from", &source, false, "measured, sampled (Boolean), response, claim, label"},
	{"unit", &text, false, "Unit; without it a Boolean"},
	{"every", &time_span, false, "Sampling period; default: half of max_gap"},
	{"max_gap", &time_span, false, "As in a rig file"},
	{"bandwidth", &frequency, false, "As in a rig file"},
	{"max_slew", &quantity, false, "As in a rig file"},
	{"u", &quantity, false, "Standard uncertainty, common to all samples"},
	{"noise", &quantity, false, "Standard uncertainty of one sample"},
	{"affected", &boolean, false, "The product's actions change it"},
	{"rest", &path, false, "Its course where a trial does not say otherwise"},
	{0},
};
static const Shape signal_record = {.type = SHAPE_RECORD, .fields = signal_fields};
static const Shape signals = {.type = SHAPE_MAP, .item = &signal_record};

static const ShapeField bench_fields[] = {
	{"length", &time_span, true, "Length of every trial"},
	{"clock", &time_span, false, "Standard uncertainty of time stamps; default 1 ms"},
	{"truth", &truths, false, "Truths, as in a scenario"},
	{"signals", &signals, true, "Every signal that the pack's criteria look at"},
	{0},
};
const Shape trial_bench_shape = {.type = SHAPE_RECORD, .fields = bench_fields};

static const Shape trial = {.type = SHAPE_MAP, .item = &path};
static const ShapeField trials_fields[] = {
	{"pass", &trial, true, "Signal → course; key `probe`: answered, unanswered, none"},
	{"fail", &trial, true, "The same; must FAIL"},
	{"borderline", &trial, true, "The same; must be INCONCLUSIVE"},
	{0},
};
const Shape trials_shape = {.type = SHAPE_RECORD, .fields = trials_fields};

void trial_free(Trial *t)
{
	if (!t)
		return;
	g_hash_table_unref(t->paths);
	g_free(t);
}

static void trial_signal_free(gpointer data)
{
	TrialSignal *s = data;
	signal_info_clear(&s->info);
	g_clear_pointer(&s->rest, g_array_unref);
	g_free(s);
}

static void truth_free(gpointer data)
{
	TruthSpec *t = data;
	g_free(t->name);
	g_free(t->onset);
	g_free(t->end);
	g_free(t);
}

void trial_bench_free(TrialBench *bench)
{
	if (!bench)
		return;
	g_ptr_array_unref(bench->truths);
	g_hash_table_unref(bench->signals);
	g_free(bench);
}

/* ---- courses ---- */

/* A made-up signal is short; more samples than this are a slip of a unit. */
#define MAX_SAMPLES INT64_C(500000)

typedef struct Course {
	const YamlDoc *doc;
	Diagnostics *diag;
	const SignalInfo *info;
	int64_t length_ns;
} Course;

static bool read_value(const Course *c, const YamlNode *node, double *ret)
{
	const char *said = yaml_text(node);
	g_autoptr(GError) error = NULL;
	if (c->info->boolean) {
		bool on = !g_strcmp0(said, "on");
		if (on || !g_strcmp0(said, "off")) {
			*ret = on;
			return true;
		}
		yaml_error(c->doc, node, c->diag, "%s is a Boolean: expected on or off",
			   c->info->name);
		return false;
	}
	if (said && quantity_parse_as(said, &c->info->unit, ret, &error))
		return true;
	yaml_error(c->doc, node, c->diag, "%s: %s", c->info->name,
		   error ? error->message : "expected a quantity");
	return false;
}

/* A course that no real signal could take would make the recording, not the product, fail. */
static bool step_ok(const Course *c, const GArray *path_points, const TrialPoint *next,
		    const YamlNode *key)
{
	const TrialPoint *last =
		path_points->len ? &g_array_index(path_points, TrialPoint, path_points->len - 1)
				 : NULL;
	if (!last)
		return true;
	if (next->t_ns <= last->t_ns) {
		yaml_error(c->doc, key, c->diag, "breakpoints come in the order of time");
		return false;
	}
	double dt = (double)(next->t_ns - last->t_ns) / 1e9;
	if (!c->info->boolean && c->info->interp == SIGNAL_LINEAR &&
	    fabs(next->v - last->v) > c->info->max_slew * dt * (1 + 1e-9)) {
		yaml_error(c->doc, key, c->diag, "%s moves faster than its max_slew here",
			   c->info->name);
		return false;
	}
	return true;
}

static GArray *read_course(const Course *c, const YamlNode *node)
{
	g_autoptr(GArray) course = g_array_new(FALSE, FALSE, sizeof(TrialPoint));
	TrialPoint p = {0, 0};
	if (yaml_kind(node) != YAML_MAPPING) {
		if (!read_value(c, node, &p.v))
			return NULL;
		g_array_append_val(course, p);
		return g_steal_pointer(&course);
	}
	for (size_t i = 0; i < yaml_size(node); i++) {
		const YamlNode *key = yaml_key_at(node, i);
		g_autoptr(GError) error = NULL;
		if (!quantity_parse_ns(yaml_text(key), &p.t_ns, &error)) {
			yaml_error(c->doc, key, c->diag, "%s", error->message);
			return NULL;
		}
		if (p.t_ns < 0 || p.t_ns > c->length_ns) {
			yaml_error(c->doc, key, c->diag,
				   "breakpoints lie between 0 s and the bench's length");
			return NULL;
		}
		if (!read_value(c, yaml_value_at(node, i), &p.v) || !step_ok(c, course, &p, key))
			return NULL;
		g_array_append_val(course, p);
	}
	return g_steal_pointer(&course);
}

/* ---- the bench ---- */

static double in_unit(const YamlNode *node, const Unit *unit, const YamlDoc *doc, Diagnostics *diag,
		      double fallback)
{
	Quantity q;
	if (!node || !quantity_parse(yaml_text(node), &q, NULL))
		return fallback;
	if (!unit_compatible(&q.unit, unit)) {
		yaml_error(doc, node, diag, "expected a unit as in %s", unit->symbol);
		return fallback;
	}
	return unit_convert_difference(q.value, &q.unit, unit);
}

static TrialSource source_of(const YamlNode *node, const char *name)
{
	const char *said = yaml_get_text(node, "from");
	for (int i = 0; said && source_words[i]; i++)
		if (!strcmp(said, source_words[i]))
			return (TrialSource)i;
	if (g_str_has_prefix(name, "product."))
		return TRIAL_RESPONSE;
	return yaml_get(node, "unit") ? TRIAL_MEASURED : TRIAL_SAMPLED;
}

static SignalOrigin origin_of(TrialSource from)
{
	switch (from) {
	case TRIAL_MEASURED:
	case TRIAL_SAMPLED:
		return ORIGIN_STIMULUS;
	case TRIAL_RESPONSE:
		return ORIGIN_RESPONSE;
	case TRIAL_CLAIM:
		return ORIGIN_CLAIM;
	case TRIAL_LABEL:
		return ORIGIN_LABEL;
	}
	return ORIGIN_STIMULUS;
}

static void read_declarations(const YamlDoc *doc, const YamlNode *node, SignalInfo *info,
			      Diagnostics *diag)
{
	info->max_gap_ns = shape_ns(yaml_get(node, "max_gap"), CLOCK_S);
	info->bandwidth_hz = shape_quantity(yaml_get(node, "bandwidth"), "Hz", 10);
	info->u_common = in_unit(yaml_get(node, "u"), &info->unit, doc, diag, 0);
	info->u_sample = in_unit(yaml_get(node, "noise"), &info->unit, doc, diag, 0);
	info->dof_common = 50;
	if (info->boolean) {
		info->max_slew = (double)INFINITY;
	} else {
		const Unit rate = unit_div(&info->unit, &unit_second);
		info->max_slew = in_unit(yaml_get(node, "max_slew"), &rate, doc, diag, 0);
	}
}

static TrialSignal *read_signal(const YamlDoc *doc, const char *name, const YamlNode *node,
				const TrialBench *bench, Diagnostics *diag)
{
	TrialSignal *s = g_new0(TrialSignal, 1);
	SignalInfo *info = &s->info;
	TrialSource from = source_of(node, name);
	const char *unit = yaml_get_text(node, "unit");
	g_autoptr(GError) error = NULL;
	signal_info_init(info, name);
	info->origin = origin_of(from);
	info->boolean = !unit;
	info->interp = from == TRIAL_MEASURED ? SIGNAL_LINEAR : SIGNAL_PREVIOUS;
	info->affected_by_product = shape_boolean(yaml_get(node, "affected"), false);
	info->u_clock_s = bench->clock_s;
	if (unit && !unit_parse(unit, &info->unit, &error))
		yaml_error(doc, yaml_get(node, "unit"), diag, "%s", error->message);
	read_declarations(doc, node, info, diag);
	if (from == TRIAL_MEASURED && !(info->max_slew > 0))
		yaml_error(doc, node, diag, "%s is measured: expected max_slew", name);
	s->every_ns = MAX(shape_ns(yaml_get(node, "every"), info->max_gap_ns / 2), 1);
	if (bench->length_ns / s->every_ns > MAX_SAMPLES)
		yaml_error(doc, node, diag,
			   "%s: %" G_GINT64_FORMAT " samples in a trial are too many", name,
			   bench->length_ns / s->every_ns);
	if (yaml_get(node, "rest")) {
		const Course course = {doc, diag, info, bench->length_ns};
		s->rest = read_course(&course, yaml_get(node, "rest"));
	}
	return s;
}

TrialBench *trial_bench_read(const YamlDoc *doc, const YamlNode *node, Diagnostics *diag)
{
	if (!node)
		return NULL;
	TrialBench *bench = g_new0(TrialBench, 1);
	const YamlNode *given = yaml_get(node, "signals"), *truth_map = yaml_get(node, "truth");
	bench->length_ns = shape_ns(yaml_get(node, "length"), CLOCK_S);
	bench->clock_s = (double)shape_ns(yaml_get(node, "clock"), CLOCK_MS) / 1e9;
	bench->truths = g_ptr_array_new_with_free_func(truth_free);
	bench->signals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, trial_signal_free);
	for (size_t i = 0; i < yaml_size(truth_map); i++) {
		const YamlNode *one = yaml_value_at(truth_map, i);
		TruthSpec *t = g_new0(TruthSpec, 1);
		t->name = g_strdup(yaml_text(yaml_key_at(truth_map, i)));
		t->onset = g_strdup(yaml_get_text(one, "onset"));
		t->end = g_strdup(yaml_get_text(one, "end"));
		g_ptr_array_add(bench->truths, t);
	}
	for (size_t i = 0; i < yaml_size(given); i++) {
		const char *name = yaml_text(yaml_key_at(given, i));
		g_hash_table_insert(bench->signals, g_strdup(name),
				    read_signal(doc, name, yaml_value_at(given, i), bench, diag));
	}
	return bench;
}

/* ---- trials ---- */

static TrialProbe read_probe(const YamlDoc *doc, const YamlNode *node, Diagnostics *diag)
{
	const char *said = yaml_text(node);
	if (!g_strcmp0(said, "none"))
		return PROBE_NONE;
	if (!g_strcmp0(said, "unanswered"))
		return PROBE_UNANSWERED;
	if (g_strcmp0(said, "answered"))
		yaml_error(doc, node, diag, "expected probe: answered, unanswered or none");
	return PROBE_ANSWERED;
}

static Trial *read_trial(const YamlDoc *doc, const YamlNode *node, const TrialBench *bench,
			 Diagnostics *diag)
{
	Trial *t = g_new0(Trial, 1);
	t->paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					 (GDestroyNotify)g_array_unref);
	for (size_t i = 0; i < yaml_size(node); i++) {
		const YamlNode *key = yaml_key_at(node, i), *value = yaml_value_at(node, i);
		const char *name = yaml_text(key);
		if (!strcmp(name, "probe")) {
			t->probe = read_probe(doc, value, diag);
			continue;
		}
		const TrialSignal *s = g_hash_table_lookup(bench->signals, name);
		if (!s) {
			yaml_error(doc, key, diag, "the pack's bench has no signal %s", name);
			continue;
		}
		const Course course = {doc, diag, &s->info, bench->length_ns};
		GArray *found = read_course(&course, value);
		if (found)
			g_hash_table_insert(t->paths, g_strdup(name), found);
	}
	return t;
}

void trials_read(const YamlDoc *doc, const YamlNode *node, const TrialBench *bench, Criterion *c,
		 Diagnostics *diag)
{
	if (!node)
		return;
	if (!bench) {
		yaml_error(doc, node, diag, "trials need the pack's `bench`");
		return;
	}
	for (int kind = 0; kind < TRIAL_KINDS; kind++) {
		const YamlNode *one = yaml_get(node, trial_name((TrialKind)kind));
		if (one)
			c->trials[kind] = read_trial(doc, one, bench, diag);
	}
}
