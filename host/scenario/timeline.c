#include "read.h"

#include <math.h>
#include <string.h>

/* ---- needs ------------------------------------------------------------------------------------------ */

static void add_needs(Reader *r, const YamlNode *list, RoleKind kind)
{
	Scenario *s = r->scenario;
	for (size_t i = 0; list && i < yaml_size(list); i++) {
		const YamlNode *node = yaml_item(list, i);
		RoleKind before;
		if (scenario_role(s, yaml_text(node), &before)) {
			yaml_error(r->doc, node, r->diag,
				   "role '%s' is listed twice (before as %s)", yaml_text(node),
				   role_kind_name(before));
			continue;
		}
		s->needs = g_renew(Need, s->needs, s->n_needs + 1);
		s->needs[s->n_needs++] = (Need){
			.kind = kind, .role = g_strdup(yaml_text(node)), .place = read_place(node)};
	}
}

void read_needs(Reader *r, const YamlNode *node)
{
	add_needs(r, yaml_get(node, "actuators"), ROLE_ACTUATOR);
	add_needs(r, yaml_get(node, "sensors"), ROLE_SENSOR);
	add_needs(r, yaml_get(node, "cameras"), ROLE_CAMERA);
	add_needs(r, yaml_get(node, "environment"), ROLE_ENVIRONMENT);
	r->scenario->clock_uncertainty_ns = shape_ns(yaml_get(node, "clock_uncertainty"), 0);
}

static bool expect_actuator(Reader *r, const YamlNode *node)
{
	RoleKind kind;
	if (scenario_role(r->scenario, yaml_text(node), &kind) && kind == ROLE_ACTUATOR)
		return true;
	yaml_error(r->doc, node, r->diag, "role '%s' is not listed in needs.actuators",
		   yaml_text(node));
	return false;
}

/* ---- set and settle --------------------------------------------------------------------------------- */

static SetValue *read_sets(Reader *r, const YamlNode *node, size_t *ret_n)
{
	size_t n = node ? yaml_size(node) : 0;
	SetValue *sets = g_new0(SetValue, n + 1);
	for (size_t i = 0; i < n; i++) {
		const YamlNode *key = yaml_key_at(node, i);
		sets[i].role = g_strdup(yaml_text(key));
		sets[i].value.unit = unit_one;
		sets[i].place = read_place(key);
		expect_actuator(r, key);
		read_quantity(r, yaml_value_at(node, i), NULL, &sets[i].value);
	}
	*ret_n = n;
	return sets;
}

static void clear_sets(SetValue **sets, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		g_free((*sets)[i].role);
	g_clear_pointer(sets, g_free);
	*n = 0;
}

/* A settled command proves nothing: only a measured signal shows that the world followed. */
static void check_settle_signal(Reader *r, const YamlNode *node)
{
	RoleKind kind;
	if (!scenario_role(r->scenario, yaml_text(node), &kind))
		yaml_error(r->doc, node, r->diag,
			   "signal '%s' is not listed in needs.sensors or needs.environment",
			   yaml_text(node));
	else if (kind == ROLE_ACTUATOR)
		yaml_error(r->doc, node, r->diag,
			   "'%s' is a commanded channel: settle on what a sensor measures",
			   yaml_text(node));
	else if (kind == ROLE_CAMERA)
		yaml_error(r->doc, node, r->diag,
			   "'%s' is a camera: settle on a number that a sensor measures",
			   yaml_text(node));
}

static void read_settle_target(Reader *r, Settle *settle, const YamlNode *node, const Step *step)
{
	const YamlNode *to = yaml_get(node, "to"), *within = yaml_get(node, "within");
	settle->target.unit = settle->within.unit = unit_one;
	if (to)
		read_quantity(r, to, NULL, &settle->target);
	else if (step->n_sets == 1)
		settle->target = step->sets[0].value;
	else
		yaml_error(r->doc, node, r->diag, "say `to:` which value, for the step sets %s",
			   step->n_sets ? "several roles" : "none");
	if (!read_quantity(r, within, NULL, &settle->within))
		return;
	if (!(settle->within.value > 0))
		yaml_error(r->doc, within, r->diag, "a tolerance must be larger than 0");
	if (!unit_is_dimensionless(&settle->within.unit) &&
	    !unit_compatible(&settle->within.unit, &settle->target.unit))
		yaml_error(r->doc, within, r->diag, "a tolerance in %s does not fit a target in %s",
			   settle->within.unit.symbol, settle->target.unit.symbol);
	if (unit_is_dimensionless(&settle->within.unit) && settle->target.value == 0)
		yaml_error(r->doc, within, r->diag,
			   "a percentage of a target of 0 is no tolerance: give it in %s",
			   settle->target.unit.symbol);
}

static Settle *read_settle(Reader *r, const YamlNode *node, const Step *step)
{
	Settle *settle = g_new0(Settle, 1);
	const YamlNode *signal = yaml_get(node, "signal"), *timeout = yaml_get(node, "timeout");
	settle->signal = g_strdup(yaml_text(signal));
	settle->place = read_place(node);
	check_settle_signal(r, signal);
	read_settle_target(r, settle, node, step);
	settle->for_ns = read_time(r, yaml_get(node, "for"), 0);
	settle->timeout_ns = read_time(r, timeout, 0);
	if (settle->timeout_ns <= settle->for_ns)
		yaml_error(r->doc, timeout, r->diag, "the timeout must be longer than `for`");
	return settle;
}

/* ---- setup and cleanup ------------------------------------------------------------------------------ */

static void read_prompt(Reader *r, Step *step, const YamlNode *node)
{
	const YamlNode *prompt = yaml_get(node, "prompt"), *choices = yaml_get(node, "choices");
	if (choices && !prompt)
		yaml_error(r->doc, choices, r->diag, "choices belong to a prompt");
	if (!prompt)
		return;
	const YamlNode *en = yaml_get(prompt, "en"), *ja = yaml_get(prompt, "ja");
	step->prompt.en = fill_text(r, en, yaml_text(en));
	step->prompt.ja = fill_text(r, ja, yaml_text(ja));
	step->choices = choices ? read_words(choices) : NULL;
}

Step *read_steps(Reader *r, const YamlNode *node, size_t *ret_n)
{
	size_t n = node ? yaml_size(node) : 0;
	Step *steps = g_new0(Step, n + 1);
	for (size_t i = 0; i < n; i++) {
		const YamlNode *item = yaml_item(node, i), *settle = yaml_get(item, "settle");
		steps[i].place = read_place(item);
		read_prompt(r, &steps[i], item);
		steps[i].sets = read_sets(r, yaml_get(item, "set"), &steps[i].n_sets);
		if (settle)
			steps[i].settle = read_settle(r, settle, &steps[i]);
		if (!steps[i].prompt.en && !steps[i].n_sets && !settle)
			yaml_error(r->doc, item, r->diag,
				   "an empty step: expected prompt, set or settle");
	}
	*ret_n = n;
	return steps;
}

void step_clear(Step *step)
{
	title_clear(&step->prompt);
	g_strfreev(step->choices);
	clear_sets(&step->sets, &step->n_sets);
	if (step->settle)
		g_free(step->settle->signal);
	g_free(step->settle);
}

/* ---- timeline --------------------------------------------------------------------------------------- */

static const struct {
	const char *key;
	ActionKind kind;
} action_keys[] = {
	{"mark", ACTION_MARK}, {"trigger", ACTION_TRIGGER}, {"set", ACTION_SET},
	{"move", ACTION_MOVE}, {"probe", ACTION_PROBE},     {"end", ACTION_END},
};

static bool action_kind(const char *key, ActionKind *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(action_keys); i++)
		if (!strcmp(action_keys[i].key, key)) {
			*ret = action_keys[i].kind;
			return true;
		}
	return false;
}

static bool read_move_part(Reader *r, const YamlNode *node, const Unit *want, Quantity *ret,
			   Place *ret_place)
{
	*ret_place = read_place(node);
	return read_quantity(r, node, want, ret);
}

/* The rig says in which unit the axis is; here the three only have to fit one another. */
static void read_move(Reader *r, Action *action, const YamlNode *node)
{
	Move *m = &action->move;
	const YamlNode *axis = yaml_get(node, "axis"), *velocity = yaml_get(node, "velocity"),
		       *acceleration = yaml_get(node, "acceleration");
	m->to.unit = m->velocity.unit = m->acceleration.unit = unit_one;
	action->name = g_strdup(yaml_text(axis));
	expect_actuator(r, axis);
	if (!read_move_part(r, yaml_get(node, "to"), NULL, &m->to, &m->to_place))
		return;
	Unit per_second = unit_div(&m->to.unit, &unit_second);
	Unit per_second2 = unit_div(&per_second, &unit_second), written;
	g_autofree char *symbol = g_strdup_printf("%s/s^2", m->to.unit.symbol);
	if (unit_parse(symbol, &written, NULL))
		per_second2 = written;
	if (read_move_part(r, velocity, &per_second, &m->velocity, &m->velocity_place) &&
	    !(m->velocity.value > 0))
		yaml_error(r->doc, velocity, r->diag, "a velocity is larger than 0");
	if (read_move_part(r, acceleration, &per_second2, &m->acceleration,
			   &m->acceleration_place) &&
	    !(m->acceleration.value > 0))
		yaml_error(r->doc, acceleration, r->diag, "an acceleration is larger than 0");
}

static void read_action(Reader *r, Action *action, const YamlNode *value, const YamlNode *entry)
{
	const YamlNode *duration = yaml_get(entry, "for");
	switch (action->kind) {
	case ACTION_MARK:
	case ACTION_PROBE:
		action->name = g_strdup(yaml_text(value));
		break;
	case ACTION_TRIGGER:
		action->name = g_strdup(yaml_text(value));
		expect_actuator(r, value);
		action->duration_ns = read_time(r, duration, 0);
		if (duration && action->duration_ns <= 0)
			yaml_error(r->doc, duration, r->diag,
				   "a trigger must last longer than 0 s");
		break;
	case ACTION_SET:
		action->sets = read_sets(r, value, &action->n_sets);
		break;
	case ACTION_MOVE:
		read_move(r, action, value);
		break;
	case ACTION_END:
		if (!shape_boolean(value, false))
			yaml_error(r->doc, value, r->diag, "`end` is true or absent");
		break;
	}
}

/* In the order in which the file lists them. */
static void read_actions(Reader *r, Entry *entry, const YamlNode *node)
{
	entry->actions = g_new0(Action, yaml_size(node) + 1);
	for (size_t i = 0; i < yaml_size(node); i++) {
		const YamlNode *key = yaml_key_at(node, i);
		ActionKind kind;
		if (!action_kind(yaml_text(key), &kind))
			continue;
		Action *action = &entry->actions[entry->n_actions++];
		action->kind = kind;
		action->place = read_place(key);
		read_action(r, action, yaml_value_at(node, i), node);
	}
	if (yaml_get(node, "for") && !yaml_get(node, "trigger"))
		yaml_error(r->doc, yaml_get(node, "for"), r->diag, "`for` belongs to a trigger");
}

static bool ends_here(const Entry *entry)
{
	for (size_t i = 0; i < entry->n_actions; i++)
		if (entry->actions[i].kind == ACTION_END)
			return true;
	return false;
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void read_at(Reader *r, Entry *entry, const YamlNode *node, const Entry *before)
{
	entry->at_ns = entry->earliest_ns = entry->latest_ns = read_time(r, node, 0);
	if (!before || entry->at_ns >= before->latest_ns)
		return;
	if (before->when)
		yaml_error(r->doc, node, r->diag,
			   "%g s may come too late: the condition before it can last until %g s",
			   seconds(entry->at_ns), seconds(before->latest_ns));
	else
		yaml_error(r->doc, node, r->diag,
			   "%g s comes after %g s: entries stand in the order of their times",
			   seconds(entry->at_ns), seconds(before->latest_ns));
}

static void read_when(Reader *r, Entry *entry, const YamlNode *node, const YamlNode *timeout,
		      const Entry *before)
{
	unsigned seen = 0;
	entry->at_ns = -1;
	entry->when = g_strdup(yaml_text(node));
	entry->timeout_ns = read_time(r, timeout, 0);
	if (!timeout)
		yaml_error(r->doc, node, r->diag, "`when` needs a timeout");
	else if (entry->timeout_ns <= 0)
		yaml_error(r->doc, timeout, r->diag, "a timeout must be longer than 0 s");
	check_formula(r, node, "a condition", LOOKS_AT_SENSORS | LOOKS_AT_PRODUCT, CLOCK_NEVER,
		      &seen);
	entry->on_product = seen == LOOKS_AT_PRODUCT;
	entry->earliest_ns = before ? before->earliest_ns : 0;
	entry->latest_ns = (before ? before->latest_ns : 0) + entry->timeout_ns;
}

static void read_entry(Reader *r, Entry *entry, const YamlNode *node, const Entry *before)
{
	const YamlNode *at = yaml_get(node, "at"), *when = yaml_get(node, "when"),
		       *timeout = yaml_get(node, "timeout");
	entry->place = read_place(node);
	read_actions(r, entry, node);
	if (!at == !when)
		yaml_error(r->doc, node, r->diag, "an entry has either `at` or `when`");
	else if (when)
		read_when(r, entry, when, timeout, before);
	else
		read_at(r, entry, at, before);
	if (at && timeout)
		yaml_error(r->doc, timeout, r->diag, "`timeout` belongs to `when`");
	if (at && entry->n_actions == 0)
		yaml_error(r->doc, node, r->diag,
			   "nothing happens here: expected mark, trigger, set, move, probe or end");
}

void read_timeline(Reader *r, const YamlNode *node)
{
	Scenario *s = r->scenario;
	size_t n = yaml_size(node);
	s->timeline = g_new0(Entry, n + 1);
	for (size_t i = 0; i < n; i++) {
		s->n_timeline = i + 1;
		read_entry(r, &s->timeline[i], yaml_item(node, i), i ? &s->timeline[i - 1] : NULL);
		if (ends_here(&s->timeline[i]) != (i + 1 == n))
			yaml_error(r->doc, yaml_item(node, i), r->diag,
				   i + 1 == n ? "the last entry must say `end: true`"
					      : "`end` must be in the last entry");
	}
	s->end_ns = s->timeline[n - 1].latest_ns;
	if (s->end_ns <= 0)
		yaml_error(r->doc, node, r->diag, "the timeline has no length");
}

void entry_clear(Entry *entry)
{
	g_free(entry->when);
	for (size_t i = 0; i < entry->n_actions; i++) {
		g_free(entry->actions[i].name);
		clear_sets(&entry->actions[i].sets, &entry->actions[i].n_sets);
	}
	g_free(entry->actions);
}
