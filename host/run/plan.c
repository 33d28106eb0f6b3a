#include "moves.h"

#include <math.h>
#include <string.h>

typedef struct Builder {
	const Scenario *scenario;
	const Product *product;
	const RigSpec *spec;
	const Rig *rig;
	GHashTable *parameters; /* name → Quantity* */
	GHashTable *signals;
	ExecutorPlan *plan;
	Moves *moves;
	Diagnostics *diag;
} Builder;

static void complain(Builder *b, Place place, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void complain(Builder *b, Place place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	diagnostics_add(b->diag, false, b->scenario->path, place.line, place.column, "%s", text);
}

static bool role_index(Builder *b, const char *role, Place place, unsigned *ret)
{
	if (rig_role(b->rig, role) < 0) {
		complain(b, place, "the rig %s has no role '%s'", rig_id(b->rig), role);
		return false;
	}
	*ret = executor_plan_intern(b->plan->roles, role);
	return true;
}

/* A condition or guard, tied to the signals of this run. */
static PlanWatch *watch_new(Builder *b, const char *text, StlMonitorMode mode, Place place)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) formula = stl_parse(text, NULL, &error);
	GHashTable *const tables[2] = {b->signals, b->parameters};
	StlScope scope = stl_scope_from_tables(tables);
	if (!formula || !stl_check(formula, &scope, NULL, &error)) {
		complain(b, place, "%s", error->message);
		return NULL;
	}
	size_t n = stl_formula_n_signals(formula);
	g_autofree int64_t *gaps = g_new0(int64_t, n + 1);
	PlanWatch *w = g_new0(PlanWatch, 1);
	w->sources = g_array_new(FALSE, TRUE, sizeof(unsigned));
	for (size_t i = 0; i < n; i++) {
		const char *name = stl_formula_signal(formula, i);
		unsigned source = executor_plan_intern(b->plan->sources, name);
		g_array_append_val(w->sources, source);
		const Signal *signal = g_hash_table_lookup(b->signals, name);
		gaps[i] = signal->info.boolean ? 0 : signal->info.max_gap_ns;
	}
	w->text = stl_formula_print(formula, true);
	w->monitor = stl_monitor_new(formula, mode, gaps, &error);
	if (!w->monitor)
		complain(b, place, "%s", error->message);
	return w;
}

static void add_action(GArray *actions, PlanAction action)
{
	g_array_append_val(actions, action);
}

/* wanted_ns 0: the rig knows how long its output may be energised. */
static void add_pulse(Builder *b, GArray *actions, const char *role, int64_t wanted_ns, Place place)
{
	unsigned index;
	if (!role_index(b, role, place, &index))
		return;
	if (rig_spec_role(b->spec, role)->axis)
		complain(b, place, "'%s' is an axis: `move` it", role);
	else
		add_action(actions, (PlanAction){.kind = PLAN_PULSE,
						 .role = index,
						 .value = 1,
						 .pulse_ns = wanted_ns});
}

static char *own(ExecutorPlan *plan, char *text)
{
	g_ptr_array_add(plan->texts, text);
	return text;
}

bool plan_drive_value(const RigSpec *spec, const SetValue *set, double *ret, GError **error)
{
	const RigRole *role = rig_spec_role(spec, set->role);
	const Unit *want = role && role->driven ? &role->drive_unit : &unit_one;
	if (role && role->axis) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "role '%s' of rig %s is an axis: `move` it", set->role,
			    rig_spec_id(spec));
		return false;
	}
	if (!role || !unit_compatible(&set->value.unit, want)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "role '%s' of rig %s takes a value in '%s', not in '%s'", set->role,
			    rig_spec_id(spec), want->symbol, set->value.unit.symbol);
		return false;
	}
	*ret = unit_convert(set->value.value, &set->value.unit, want);
	return true;
}

void plan_settle_band(const Settle *settle, const Unit *unit, double *ret_target,
		      double *ret_within)
{
	double target = unit_convert(settle->target.value, &settle->target.unit, unit);
	bool fraction = unit_is_dimensionless(&settle->within.unit) && !unit_is_dimensionless(unit);
	*ret_target = target;
	*ret_within = fraction ? fabs(target) * settle->within.value * settle->within.unit.scale
			       : unit_convert_difference(settle->within.value, &settle->within.unit,
							 unit);
}

static void add_set(Builder *b, GArray *actions, const SetValue *set)
{
	g_autoptr(GError) error = NULL;
	PlanAction action = {.kind = PLAN_COMMAND};
	if (!role_index(b, set->role, set->place, &action.role))
		return;
	if (!plan_drive_value(b->spec, set, &action.value, &error))
		complain(b, set->place, "%s", error->message);
	else
		add_action(actions, action);
}

static void add_move(Builder *b, GArray *actions, const Entry *entry, const Action *action)
{
	g_autoptr(GError) error = NULL;
	PlanAction move = {.kind = PLAN_MOVE};
	Place place;
	if (!role_index(b, action->name, action->place, &move.role))
		return;
	if (moves_add(b->moves, entry, action, b->scenario->end_ns, &move, &place, &error))
		add_action(actions, move);
	else
		complain(b, place, "%s", error->message);
}

static void add_scenario_action(Builder *b, GArray *actions, const Entry *entry,
				const Action *action)
{
	switch (action->kind) {
	case ACTION_MARK:
		add_action(actions,
			   (PlanAction){
				   .kind = PLAN_MARK,
				   .name = own(b->plan, g_strdup_printf("mark.%s", action->name))});
		return;
	case ACTION_TRIGGER:
		add_pulse(b, actions, action->name, action->duration_ns, action->place);
		return;
	case ACTION_SET:
		for (size_t i = 0; i < action->n_sets; i++)
			add_set(b, actions, &action->sets[i]);
		return;
	case ACTION_MOVE:
		add_move(b, actions, entry, action);
		return;
	case ACTION_PROBE:
		/* The product says which role is its positive control. */
		add_action(actions,
			   (PlanAction){.kind = PLAN_MARK,
					.name = own(b->plan,
						    g_strdup_printf("probe.%s", action->name))});
		if (b->product && b->product->control_role)
			add_pulse(b, actions, b->product->control_role,
				  b->product->control_duration_ns, action->place);
		else
			complain(b, action->place,
				 "the product %s declares no positive control to probe",
				 b->product ? b->product->id : "");
		return;
	case ACTION_END:
		add_action(actions, (PlanAction){.kind = PLAN_END});
		return;
	}
}

static void add_entry(Builder *b, const Entry *entry)
{
	PlanStep *step = g_new0(PlanStep, 1);
	g_ptr_array_add(b->plan->steps, step);
	step->actions = g_array_new(FALSE, TRUE, sizeof(PlanAction));
	step->at_ns = entry->at_ns;
	if (entry->when) {
		PlanWatch *w = watch_new(b, entry->when, STL_MONITOR_REACHED, entry->place);
		step->when = true;
		step->timeout_ns = entry->timeout_ns;
		step->product = entry->on_product;
		step->condition = b->plan->conditions->len;
		if (w)
			g_ptr_array_add(b->plan->conditions, w);
	}
	for (size_t i = 0; i < entry->n_actions; i++)
		add_scenario_action(b, step->actions, entry, &entry->actions[i]);
}

/* What `settle` means in the unit of its signal. */
static void add_settle(Builder *b, PlanCleanup *cleanup, const Settle *settle)
{
	const Signal *signal = g_hash_table_lookup(b->signals, settle->signal);
	if (!signal) {
		complain(b, settle->place, "the rig measures no '%s' to settle on", settle->signal);
		return;
	}
	double target, within;
	plan_settle_band(settle, &signal->info.unit, &target, &within);
	cleanup->lo = target - within;
	cleanup->hi = target + within;
	cleanup->for_ns = settle->for_ns;
	cleanup->timeout_ns = settle->timeout_ns;
	cleanup->signal = settle->signal;
	cleanup->source = (int)executor_plan_intern(b->plan->sources, settle->signal);
}

/* Prompts of the cleanup are asked when everything is safe; that is not the executor's. */
static void add_cleanup(Builder *b, const Step *step)
{
	if (!step->n_sets && !step->settle)
		return;
	PlanCleanup *cleanup = g_new0(PlanCleanup, 1);
	g_ptr_array_add(b->plan->cleanup, cleanup);
	cleanup->actions = g_array_new(FALSE, TRUE, sizeof(PlanAction));
	cleanup->source = -1;
	for (size_t i = 0; i < step->n_sets; i++)
		add_set(b, cleanup->actions, &step->sets[i]);
	if (step->settle)
		add_settle(b, cleanup, step->settle);
}

/* Set before the timeline, by another hand than the plan's; that it cannot be is told now, not when the rig is armed. */
static void check_setup(Builder *b, const Step *step)
{
	for (size_t i = 0; i < step->n_sets; i++) {
		g_autoptr(GError) error = NULL;
		double value;
		if (rig_spec_role(b->spec, step->sets[i].role) &&
		    !plan_drive_value(b->spec, &step->sets[i], &value, &error))
			complain(b, step->sets[i].place, "%s", error->message);
	}
}

static GHashTable *parameter_table(const Scenario *scenario)
{
	GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < scenario->n_parameters; i++)
		if (!scenario->parameters[i].words)
			g_hash_table_insert(table, scenario->parameters[i].name,
					    &scenario->parameters[i].value);
	return table;
}

/* A formula that will be judged after the run: does it fit the signals that the run will record? */
static void check_formula(Builder *b, const char *text, Place place)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) formula = text ? stl_parse(text, NULL, &error) : NULL;
	GHashTable *const tables[2] = {b->signals, b->parameters};
	StlScope scope = stl_scope_from_tables(tables);
	if (text && (!formula || !stl_check(formula, &scope, NULL, &error)))
		complain(b, place, "%s: %s", text, error->message);
}

static void check_judged(Builder *b)
{
	for (size_t i = 0; i < b->scenario->n_truths; i++) {
		const TruthSpec *truth = &b->scenario->truths[i];
		check_formula(b, truth->onset, (Place){0});
		check_formula(b, truth->end, (Place){0});
	}
	for (size_t i = 0; i < b->scenario->n_truths;
	     i++) { /* stimulus checks may speak of truths */
		g_autofree char *name = g_strdup_printf("truth.%s", b->scenario->truths[i].name);
		Signal *truth = signal_new(name);
		truth->info.boolean = true;
		g_hash_table_replace(b->signals, g_strdup(name), truth);
	}
	for (size_t i = 0; b->scenario->stimulus[i]; i++)
		check_formula(b, b->scenario->stimulus[i], b->scenario->stimulus_places[i]);
}

ExecutorPlan *plan_build(const Scenario *scenario, const Product *product, const RigSpec *spec,
			 const Rig *rig, GHashTable *signals, Diagnostics *diag)
{
	g_autoptr(GHashTable) parameters = parameter_table(scenario);
	g_autoptr(Moves) moves = moves_new(spec);
	Builder b = {.scenario = scenario,
		     .product = product,
		     .spec = spec,
		     .rig = rig,
		     .parameters = parameters,
		     .signals = signals,
		     .plan = executor_plan_new(),
		     .moves = moves,
		     .diag = diag};
	size_t errors = diagnostics_errors(diag);
	b.plan->end_ns = scenario->end_ns;
	for (size_t i = 0; i < scenario->n_setup; i++)
		check_setup(&b, &scenario->setup[i]);
	for (size_t i = 0; i < scenario->n_timeline; i++)
		add_entry(&b, &scenario->timeline[i]);
	for (size_t i = 0; i < scenario->n_stop_rules; i++) {
		PlanWatch *w = watch_new(&b, scenario->stop_rules[i].formula, STL_MONITOR_HOLDS,
					 scenario->stop_rules[i].place);
		if (!w)
			continue;
		w->blame = scenario->stop_rules[i].blame;
		g_ptr_array_add(b.plan->guards, w);
	}
	for (size_t i = 0; i < scenario->n_cleanup; i++)
		add_cleanup(&b, &scenario->cleanup[i]);
	check_judged(&b);
	if (diagnostics_errors(diag) > errors) {
		executor_plan_free(b.plan);
		return NULL;
	}
	return b.plan;
}
