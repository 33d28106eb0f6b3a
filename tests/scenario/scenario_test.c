#include <anzen/perturb.h>
#include <anzen/scenario.h>

#include "unit.h"

/* The example of the file-format page, word for word. */
static const char example[] =
	"anzen: scenario/1\n"
	"id: chair-fall-blanket\n"
	"title: {en: \"Fall from a chair, half hidden by a blanket\", ja: "
	"\"毛布で体が半分隠れた人の椅子からの転落\"}\n"
	"product: fall-watch\n"
	"hazard: H-FALL-02\n"
	"class: abnormal\n"
	"twin: chair-sit-blanket\n"
	"parameters:\n"
	"  light:  {unit: lx, range: [20, 300], default: 150}\n"
	"  person: {values: [child, small-adult, adult], default: adult}\n"
	"needs:\n"
	"  actuators: [mannequin.release, room.lamp]\n"
	"  sensors:   [mannequin.height, floor.force, room.illuminance]\n"
	"  cameras:   [camera.main]\n"
	"  environment: [room.temperature, room.humidity]\n"
	"  clock_uncertainty: 5 ms\n"
	"setup:\n"
	"  - prompt: {en: \"Cover the legs of the $person mannequin\", ja: \"$person "
	"マネキンの脚を覆ってください\"}\n"
	"    choices: [done, cannot]\n"
	"  - set: {room.lamp: $light}\n"
	"    settle: {signal: room.illuminance, within: 5 %, for: 1 s, timeout: 10 s}\n"
	"timeline:\n"
	"  - at: 0 s\n"
	"    mark: observe\n"
	"  - at: 4 s\n"
	"    trigger: mannequin.release\n"
	"  - when: rise(product.alarm)\n"
	"    timeout: 12 s\n"
	"    mark: answered\n"
	"  - at: 18 s\n"
	"    probe: positive-control\n"
	"  - at: 20 s\n"
	"    end: true\n"
	"truth:\n"
	"  fall: {onset: \"mannequin.height < 0.9 * initial(mannequin.height)\", end: "
	"\"mannequin.height < 0.3 m\"}\n"
	"stimulus:\n"
	"  - always[0 s, 3.9 s] (mannequin.height > 0.8 * initial(mannequin.height))\n"
	"  - eventually[4 s, 5.5 s] (mannequin.height < 0.3 m)\n"
	"  - eventually[4 s, 5.5 s] (floor.force > 50 N)\n"
	"stop_when_broken:\n"
	"  - {formula: always (floor.force < 2500 N), blame: unknown}\n"
	"criteria: [living/fall-watch/alarm-delay, living/fall-watch/no-false-alarm]\n"
	"cleanup:\n"
	"  - set: {room.lamp: 300 lx}\n";

static Scenario *load(const char *text, const char *const *sets, Diagnostics *diag)
{
	return scenario_load_text(text, -1, "s.yaml", sets, diag);
}

static void example_of_the_formats_page_loads(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(example, NULL, diag);
	diagnostics_print(diag, stderr);
	CU_ASSERT_PTR_NOT_NULL(s);
	if (!s)
		return;
	CU_ASSERT_STRING_EQUAL(s->id, "chair-fall-blanket");
	CU_ASSERT_EQUAL(s->class_, SCENARIO_ABNORMAL);
	CU_ASSERT_STRING_EQUAL(s->product_kind, "fall-watch");
	CU_ASSERT_EQUAL(s->clock_uncertainty_ns, 5 * CLOCK_MS);
	CU_ASSERT_EQUAL(s->n_needs, 8);
	RoleKind kind;
	CU_ASSERT(scenario_role(s, "camera.main", &kind) && kind == ROLE_CAMERA);
	CU_ASSERT(scenario_role(s, "room.humidity", &kind) && kind == ROLE_ENVIRONMENT);
	CU_ASSERT_FALSE(scenario_role(s, "absent", &kind));
	CU_ASSERT_EQUAL(s->n_setup, 2);
	CU_ASSERT_STRING_EQUAL(s->setup[0].prompt.en, "Cover the legs of the adult mannequin");
	CU_ASSERT_STRING_EQUAL(s->setup[0].prompt.ja, "adult マネキンの脚を覆ってください");
	CU_ASSERT_STRING_EQUAL(s->setup[0].choices[1], "cannot");
	CU_ASSERT_EQUAL(s->setup[1].sets[0].value.value, 150);
	CU_ASSERT_STRING_EQUAL(s->setup[1].sets[0].value.unit.symbol, "lx");
	CU_ASSERT_EQUAL(s->setup[1].settle->target.value, 150);
	CU_ASSERT_EQUAL(s->setup[1].settle->timeout_ns, 10 * CLOCK_S);
	CU_ASSERT_EQUAL(s->n_stop_rules, 1);
	CU_ASSERT_EQUAL(s->stop_rules[0].blame, BLAME_UNKNOWN);
	CU_ASSERT_EQUAL(s->stop_rules[0].place.line, 41);
	CU_ASSERT_STRING_EQUAL(s->criteria[1], "living/fall-watch/no-false-alarm");
	CU_ASSERT_EQUAL(s->cleanup[0].sets[0].value.value, 300);
	CU_ASSERT_EQUAL(s->n_bytes, sizeof example - 1);
}

static void timeline_knows_when_each_entry_can_end(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(example, NULL, diag);
	CU_ASSERT(s && s->n_timeline == 5);
	if (!s)
		return;
	const Entry *when = &s->timeline[2];
	CU_ASSERT_EQUAL(when->at_ns, -1);
	CU_ASSERT_STRING_EQUAL(when->when, "rise(product.alarm)");
	CU_ASSERT_TRUE(when->on_product);
	CU_ASSERT_EQUAL(when->earliest_ns, 4 * CLOCK_S);
	CU_ASSERT_EQUAL(when->latest_ns, 16 * CLOCK_S);
	CU_ASSERT_EQUAL(s->timeline[1].actions[0].kind, ACTION_TRIGGER);
	CU_ASSERT_STRING_EQUAL(s->timeline[1].actions[0].name, "mannequin.release");
	CU_ASSERT_EQUAL(s->timeline[3].actions[0].kind, ACTION_PROBE);
	CU_ASSERT_EQUAL(s->timeline[4].actions[0].kind, ACTION_END);
	CU_ASSERT_EQUAL(s->end_ns, 20 * CLOCK_S);
}

static void settings_override_defaults(void)
{
	static const char *const sets[] = {"light=40", "person = child", NULL};
	static const char *const with_unit[] = {"light=0.05 klx", NULL};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(example, sets, diag);
	g_autoptr(Scenario) u = load(example, with_unit, diag);
	CU_ASSERT(s && u);
	if (!s || !u)
		return;
	CU_ASSERT_EQUAL(scenario_parameter(s, "light")->value.value, 40);
	CU_ASSERT_TRUE(scenario_parameter(s, "light")->set);
	CU_ASSERT_EQUAL(s->setup[1].sets[0].value.value, 40);
	CU_ASSERT_STRING_EQUAL(s->setup[0].prompt.en, "Cover the legs of the child mannequin");
	CU_ASSERT_EQUAL(scenario_parameter(u, "light")->value.value, 50);
	CU_ASSERT_FALSE(scenario_parameter(u, "person")->set);
}

static bool says(const Diagnostics *diag, unsigned line, const char *words)
{
	for (size_t i = 0; i < diagnostics_count(diag); i++) {
		const Diagnostic *d = diagnostics_get(diag, i);
		if (d->line == line && strstr(d->message, words))
			return true;
	}
	return false;
}

static void wrong_settings_are_refused(void)
{
	static const struct {
		const char *set, *says;
	} cases[] = {
		{"light=301", "outside its range of 20 to 300 lx"},
		{"light=nan", "is not a number"},
		{"light=40 m", "is a length"},
		{"light", "expected name=value"},
		{"ligth=40", "no parameter 'ligth'; did you mean 'light'?"},
		{"person=giant", "is one of child, small-adult, adult, not 'giant'"},
		{"=4", "no parameter ''"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *const sets[] = {cases[i].set, NULL};
		g_autoptr(Diagnostics) diag = diagnostics_new();
		g_autoptr(Scenario) s = load(example, sets, diag);
		CU_ASSERT_PTR_NULL(s);
		if (!says(diag, 0, cases[i].says))
			diagnostics_print(diag, stderr);
		CU_ASSERT_TRUE(says(diag, 0, cases[i].says));
	}
	static const char *const twice[] = {"light=40", "light=50", NULL};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(example, twice, diag);
	CU_ASSERT_PTR_NULL(s);
}

/* The example with `from` replaced by `to` is refused in `line` with `words`. */
static void mutant(const char *from, const char *to, unsigned line, const char *words)
{
	g_autofree char *copy = g_strdup(example);
	char *at = strstr(copy, from);
	CU_ASSERT_PTR_NOT_NULL(at);
	if (!at)
		return;
	g_autofree char *text =
		g_strdup_printf("%.*s%s%s", (int)(at - copy), copy, to, at + strlen(from));
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(text, NULL, diag);
	CU_ASSERT_PTR_NULL(s);
	if (!says(diag, line, words)) {
		fprintf(stderr, "%s -> %s: wanted line %u '%s', got\n", from, to, line, words);
		diagnostics_print(diag, stderr);
	}
	CU_ASSERT_TRUE(says(diag, line, words));
}

static void what_cannot_be_true_on_any_rig_is_refused(void)
{
	mutant("class: abnormal\ntwin: chair-sit-blanket\n", "class: attack\n", 6,
	       "class attack needs `twin`");
	mutant("twin: chair-sit-blanket", "twin: chair-fall-blanket", 7, "not its own twin");
	mutant("{room.lamp: $light}", "{room.lamp: 150 lx}", 9, "parameter 'light' is never used");
	mutant("{room.lamp: $light}", "{room.lamp: $lihgt}", 20, "no parameter '$lihgt'");
	mutant("{room.lamp: $light}", "{room.lamp: $person}", 20, "is a word");
	mutant("range: [20, 300]", "range: [300, 20]", 9, "the range of 'light' is empty");
	mutant("default: 150", "default: 10", 9, "outside its range");
	mutant("default: adult", "default: giant", 10, "is one of child");
	mutant("unit: lx, ", "", 9, "needs a unit and a range");
	mutant("unit: lx", "unit: lux", 9, "unknown unit 'lux'");
	mutant("[mannequin.release, room.lamp]", "[mannequin.release]", 20,
	       "not listed in needs.actuators");
	mutant("[camera.main]", "[floor.force]", 14, "listed twice (before as sensor)");
	mutant("trigger: mannequin.release", "trigger: mannequin.height", 26,
	       "not listed in needs.actuators");
	mutant("at: 18 s", "at: 15.9 s", 30,
	       "may come too late: the condition before it can last until 16 s");
	mutant("at: 4 s", "at: -1 s", 25, "expected a parameter such as $light, or a time");
	mutant("    end: true\n", "    mark: x\n", 32, "the last entry must say `end: true`");
	mutant("    mark: observe", "    end: true", 23, "`end` must be in the last entry");
	mutant("    timeout: 12 s\n", "", 27, "`when` needs a timeout");
	mutant("    mark: observe\n", "", 23, "nothing happens here");
	mutant("  - at: 4 s\n", "  - when: rise(product.alarm)\n    at: 4 s\n    timeout: 1 s\n",
	       25, "either `at` or `when`");
	mutant("probe: positive-control", "probe: positive", 31, "expected positive-control");
	mutant("criteria: [living/fall-watch/alarm-delay, ",
	       "criteria: [living/fall-watch/alarm-delay, living/fall-watch/alarm-delay, ", 42,
	       "listed twice");
}

/* What stands in an axis' move, with its mistake in line 26; which role is an axis, only the rig knows. */
static void bad_move(const char *parts, const char *words)
{
	g_autofree char *line = g_strdup_printf("    move: {%s}\n", parts);
	mutant("    trigger: mannequin.release\n", line, 26, words);
}

static void a_move_is_checked_for_its_units(void)
{
	bad_move("axis: room.lamp, to: 350 mm, velocity: 200 mm, acceleration: 1 m/s^2",
		 "'200 mm' is in mm; expected a value in mm/s");
	bad_move("axis: room.lamp, to: 350 mm, velocity: 200 mm/s, acceleration: 1 m/s",
		 "'1 m/s' is in m/s; expected a value in mm/s^2");
	bad_move("axis: room.lamp, to: 350 mm, velocity: 90 deg/s, acceleration: 1 m/s^2",
		 "expected a value in mm/s");
	bad_move("axis: room.lamp, to: 350 mm, velocity: 0 mm/s, acceleration: 1 m/s^2",
		 "a velocity is larger than 0");
	bad_move("axis: room.lamp, to: 350 mm, velocity: 2 mm/s, acceleration: -1 m/s^2",
		 "an acceleration is larger than 0");
	bad_move("axis: room.lump, to: 350 mm, velocity: 2 mm/s, acceleration: 1 m/s^2",
		 "not listed in needs.actuators");
	bad_move("axis: room.lamp, to: $person, velocity: 2 mm/s, acceleration: 1 m/s^2",
		 "is a word");
	bad_move("axis: room.lamp, to: 350 mm, velocity: 2 mm/s", "acceleration");
	bad_move("axis: room.lamp, to: 350 mm, speed: 2 mm/s, acceleration: 1 m/s^2", "speed");
}

static void settling_on_a_command_is_refused(void)
{
	mutant("signal: room.illuminance", "signal: room.lamp", 21,
	       "'room.lamp' is a commanded channel");
	mutant("signal: room.illuminance", "signal: camera.main", 21, "is a camera");
	mutant("signal: room.illuminance", "signal: nowhere", 21, "is not listed in needs");
	mutant("within: 5 %", "within: 5 N", 21, "a tolerance in N does not fit a target in lx");
	mutant("within: 5 %", "within: 0 %", 21, "larger than 0");
	mutant("timeout: 10 s", "timeout: 1 s", 21, "longer than `for`");
	mutant("{room.lamp: $light}", "{room.lamp: $light, mannequin.release: 0}", 21, "say `to:`");
}

static void truth_and_stimulus_never_rest_on_product_or_command(void)
{
	mutant("onset: \"mannequin.height", "onset: \"product.alarm", 35, "the product decides it");
	mutant("onset: \"mannequin.height", "onset: \"room.lamp", 35,
	       "a command does not show that it happened");
	mutant("(floor.force > 50 N)", "(product.alarm)", 39,
	       "a stimulus check must not look at 'product.alarm'");
	mutant("(floor.force > 50 N)", "(truth.fal)", 39, "there is no truth 'truth.fal'");
	mutant("(floor.force > 50 N)", "(floor.weight > 50 N)", 39,
	       "'floor.weight' is not listed in needs");
	mutant("(floor.force < 2500 N)", "(truth.fall)", 41, "truths are known after the run");
	mutant("rise(product.alarm)", "rise(room.lamp)", 27, "a command does not show");
	mutant("(floor.force > 50 N)", "(floor.force > $limit)", 39, "no parameter '$limit'");
	mutant("(floor.force > 50 N)", "(floor.force > $person)", 39, "is a word");
}

static void formulas_are_checked_where_they_stand(void)
{
	/* Syntax: "  - " and then the 28th character of the formula. */
	mutant("(floor.force > 50 N)", "(floor.force > > 50 N)", 39, "");
	mutant("(floor.force > 50 N)", "(floor.force > 50 parsec)", 39, "parsec");
	mutant("eventually[4 s, 5.5 s] (floor", "eventually[5 s, 4 s] (floor", 39, "");
	mutant("rise(product.alarm)", "delay(product.alarm, floor.force > 1 N)", 27,
	       "must be true or false");
	/* The timeline ends at 20 s. */
	mutant("eventually[4 s, 5.5 s] (floor", "eventually[4 s, 20.5 s] (floor", 39,
	       "looks 20.5 s ahead, beyond the timeline's end at 20 s");
}

static void a_formula_error_points_into_the_file(void)
{
	static const char text[] =
		"anzen: scenario/1\nid: s\ntitle: {en: a, ja: あ}\nproduct: p\nhazard: H-1\nclass: "
		"normal\n"
		"needs: {sensors: [a.b]}\ntimeline: [{at: 1 s, end: true}]\ncriteria: [a/b]\n"
		"truth:\n  x: {onset: \"a.b > > 1 m\"}\n";
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(text, NULL, diag);
	CU_ASSERT(!s && diagnostics_count(diag) == 1);
	if (diagnostics_count(diag) != 1)
		return;
	/* The second > is character 7 of the formula; the formula begins in column 15, behind the quote. */
	CU_ASSERT_EQUAL(diagnostics_get(diag, 0)->line, 11);
	CU_ASSERT_EQUAL(diagnostics_get(diag, 0)->column, 15 + 7 - 1);
	diagnostics_print(diag, stderr);
}

static void a_condition_on_sensors_is_the_benchs_to_meet(void)
{
	g_autofree char *copy = g_strdup(example);
	char *at = strstr(copy, "rise(product.alarm)");
	g_autofree char *text =
		g_strdup_printf("%.*s%s%s", (int)(at - copy), copy, "floor.force > 50 N",
				at + strlen("rise(product.alarm)"));
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(text, NULL, diag);
	CU_ASSERT(s && !s->timeline[2].on_product);
}

static void judge_spec_carries_truths_checks_and_numbers(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(example, NULL, diag);
	g_autoptr(JudgeSpec) spec = scenario_judge_spec(s, NULL);
	CU_ASSERT_EQUAL(spec->truths->len, 1);
	const TruthSpec *truth = spec->truths->pdata[0];
	CU_ASSERT_STRING_EQUAL(truth->name, "fall");
	CU_ASSERT_STRING_EQUAL(truth->end, "mannequin.height < 0.3 m");
	CU_ASSERT_EQUAL(spec->stimulus->len, 3);
	const Quantity *light = g_hash_table_lookup(spec->parameters, "light");
	CU_ASSERT(light && light->value == 150);
	CU_ASSERT_EQUAL(g_hash_table_size(spec->parameters), 1); /* words are no numbers */
	CU_ASSERT_PTR_NULL(spec->heartbeat);
}

#define WITH_PERTURB(parameters, lines)                                                         \
	"anzen: scenario/1\nid: s\ntitle: {en: a, ja: あ}\nproduct: p\nhazard: H-1\nclass: "   \
	"normal\nparameters:\n" parameters                                                      \
	"  light: {unit: lx, range: [1, 2], default: 1}\nneeds: "                               \
	"{actuators: [l], sensors: [a.b], cameras: [c.main], environment: [t]}\n"               \
	"timeline: [{at: 0 s, mark: first, set: {l: $light}}, {at: 4 s, mark: then}, "          \
	"{when: rise(product.a), timeout: 1 s, mark: last}, {at: 10 s, end: true}]\ncriteria: " \
	"[a/b]\n" lines

#define FOG_PARAMETERS                                  \
	"  fog: {unit: 1, range: [0, 5], default: 3}\n" \
	"  what: {values: [fog, dark], default: fog}\n" \
	"  begin: {unit: s, range: [0, 20], default: 2}\n"

static void perturbations_are_read_in_their_order_with_parameters(void)
{
	static const char text[] = WITH_PERTURB(
		FOG_PARAMETERS,
		"deadline: 40 ms\nperturb:\n"
		"  - {camera: c.main, kind: $what, severity: $fog, from: $begin, until: 4500 ms}\n"
		"  - {signal: t, kind: time_skew, severity: 5}\n"
		"  - {signal: a.b, kind: noise, severity: 1, during: first}\n");
	static const char *const sets[] = {"fog=1", "what=dark", NULL};
	static const char *const none[] = {"fog=0", NULL};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(text, NULL, diag);
	g_autoptr(Scenario) other = load(text, sets, diag);
	g_autoptr(Scenario) clean = load(text, none, diag);
	diagnostics_print(diag, stderr);
	CU_ASSERT_FATAL(s && other && clean);
	CU_ASSERT_EQUAL(s->n_disturbances, 3);
	CU_ASSERT_EQUAL(s->deadline_ns, 40 * CLOCK_MS);
	const Disturbance *d = s->disturbances;
	CU_ASSERT_STRING_EQUAL(d[0].info->name, "fog");
	CU_ASSERT_STRING_EQUAL(d[0].role, "c.main");
	CU_ASSERT_EQUAL(d[0].severity, 3);
	CU_ASSERT_EQUAL(d[0].from_ns, 2 * CLOCK_S);
	CU_ASSERT_EQUAL(d[0].until_ns, 4500 * CLOCK_MS);
	CU_ASSERT_STRING_EQUAL(d[1].info->name, "time-skew");
	CU_ASSERT_EQUAL(d[1].from_ns, INT64_MIN);
	CU_ASSERT_EQUAL(d[1].until_ns, CLOCK_NEVER);
	CU_ASSERT_EQUAL(d[2].from_ns, 0);
	CU_ASSERT_EQUAL(d[2].until_ns, 4 * CLOCK_S);
	CU_ASSERT_STRING_EQUAL(other->disturbances[0].info->name, "dark");
	CU_ASSERT_EQUAL(other->disturbances[0].severity, 1);
	CU_ASSERT_EQUAL(clean->disturbances[0].severity, 0);
}

/* One line of `perturb`, which is line 15 of the file; refused in `column` with `words`. */
static void bad_perturb(const char *line, unsigned column, const char *words)
{
	g_autofree char *text =
		g_strdup_printf("%sperturb:\n  - %s\n",
				WITH_PERTURB(FOG_PARAMETERS "  far: {unit: 1, range: [0, 6], "
							    "default: 3}\n",
					     ""),
				line);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Scenario) s = load(text, NULL, diag);
	bool found = false;
	CU_ASSERT_PTR_NULL(s);
	for (size_t i = 0; i < diagnostics_count(diag); i++) {
		const Diagnostic *d = diagnostics_get(diag, i);
		found |= d->line == 17 && d->column == column && strstr(d->message, words);
	}
	if (!found) {
		fprintf(stderr, "%s: wanted 17:%u '%s', got\n", line, column, words);
		diagnostics_print(diag, stderr);
	}
	CU_ASSERT_TRUE(found);
}

static void wrong_perturbations_are_refused_where_they_stand(void)
{
	/* a line begins in column 5: "{camera: " puts the role in 14, ", kind: " the name behind it */
	bad_perturb("{camera: c.main, kind: fogg, severity: 3}", 28, "did you mean 'fog'?");
	bad_perturb("{camera: c.main, kind: $fog, severity: 3}", 28, "is a number");
	bad_perturb("{camera: c.main, kind: $no, severity: 3}", 28, "no parameter '$no'");
	bad_perturb("{camera: c.main, kind: bias, severity: 3}", 28,
		    "bias is for signals, and c.main is a camera");
	bad_perturb("{signal: a.b, kind: fog, severity: 3}", 25,
		    "fog is for pictures, and a.b is a signal");
	bad_perturb("{signal: a.b, kind: audio-noise, severity: 3}", 25,
		    "audio-noise is for sound");
	bad_perturb("{camera: a.b, kind: fog, severity: 3}", 14, "not listed in needs.cameras");
	bad_perturb("{signal: c.main, kind: bias, severity: 3}", 14,
		    "not listed in needs.sensors or needs.environment");
	bad_perturb("{signal: l, kind: bias, severity: 3}", 14, "not listed in needs.sensors");
	bad_perturb("{kind: bias, severity: 3}", 5, "either `camera` or `signal`");
	bad_perturb("{camera: c.main, kind: fog, severity: 6}", 43, "severity from 1 to 5");
	bad_perturb("{camera: c.main, kind: fog, severity: 2.5}", 43, "whole number from 1");
	bad_perturb("{camera: c.main, kind: fog, severity: -1}", 43, "");
	bad_perturb("{camera: c.main, kind: fog, severity: $far}", 43, "range of its parameter");
	bad_perturb("{camera: c.main, kind: fog, severity: $light}", 43, "expected a value in 1");
	bad_perturb("{camera: c.main, kind: fog, severity: 1, from: 4 s, until: 4 s}", 64,
		    "must come after `from`");
	bad_perturb("{camera: c.main, kind: fog, severity: 1, from: 10 s}", 52,
		    "the timeline ends at 10 s");
	bad_perturb("{camera: c.main, kind: fog, severity: 1, during: nothing}", 54,
		    "no mark 'nothing'");
	bad_perturb("{camera: c.main, kind: fog, severity: 1, during: then}", 54, "no fixed times");
	bad_perturb("{camera: c.main, kind: fog, severity: 1, during: last}", 54, "no fixed times");
	bad_perturb("{camera: c.main, kind: fog, severity: 1, from: 1 s, during: first}", 65,
		    "either `during` or");
}

static void any_prefix_of_a_scenario_is_refused_without_harm(void)
{
	for (size_t n = 0; n + 25 < sizeof example; n += 7) {
		g_autoptr(Diagnostics) diag = diagnostics_new();
		g_autoptr(Scenario) s =
			scenario_load_text(example, (gssize)n, "prefix", NULL, diag);
		CU_ASSERT_EQUAL(s == NULL, diagnostics_errors(diag) > 0);
	}
}

UNIT_MAIN("scenario.scenario", UNIT(example_of_the_formats_page_loads),
	  UNIT(timeline_knows_when_each_entry_can_end), UNIT(settings_override_defaults),
	  UNIT(wrong_settings_are_refused), UNIT(what_cannot_be_true_on_any_rig_is_refused),
	  UNIT(a_move_is_checked_for_its_units), UNIT(settling_on_a_command_is_refused),
	  UNIT(truth_and_stimulus_never_rest_on_product_or_command),
	  UNIT(formulas_are_checked_where_they_stand), UNIT(a_formula_error_points_into_the_file),
	  UNIT(a_condition_on_sensors_is_the_benchs_to_meet),
	  UNIT(judge_spec_carries_truths_checks_and_numbers),
	  UNIT(perturbations_are_read_in_their_order_with_parameters),
	  UNIT(wrong_perturbations_are_refused_where_they_stand),
	  UNIT(any_prefix_of_a_scenario_is_refused_without_harm))
