#include "shapes.h"

#include <anzen/perturb.h>

#include <math.h>

#define ROLE "[a-z0-9]+(-[a-z0-9]+)*([.][a-z0-9]+(-[a-z0-9]+)*)*"

const char *const scenario_class_words[] = {"normal",   "abnormal", "attack", "intent",
					    "fairness", "privacy",  NULL};
static const char *const blame_words[] = {"bench", "product", "unknown", NULL};
static const char *const probe_words[] = {"positive-control", NULL};

static const Shape id = {.type = SHAPE_ID};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape role = {
	.type = SHAPE_TEXT, .pattern = ROLE, .expected = "a role such as room.lamp"};
static const Shape roles = {.type = SHAPE_LIST, .item = &role};
static const Shape hazard = {.type = SHAPE_TEXT,
			     .pattern = "H-[A-Z0-9]+(-[A-Z0-9]+)*",
			     .expected = "a hazard such as H-FALL-02"};
static const Shape class_ = {.type = SHAPE_WORD, .words = scenario_class_words};
static const Shape blame = {.type = SHAPE_WORD, .words = blame_words};
static const Shape probe = {.type = SHAPE_WORD, .words = probe_words};
static const Shape formula = {.type = SHAPE_FORMULA};
static const Shape formulas = {.type = SHAPE_LIST, .item = &formula};
static const Shape text = {.type = SHAPE_TEXT};
static const Shape yes = {.type = SHAPE_BOOLEAN};

static const Shape reference = {.type = SHAPE_TEXT,
				.pattern = "[$][a-z][a-z0-9-]*",
				.expected = "a parameter such as $light"};
static const Shape quantity = {.type = SHAPE_QUANTITY};
static const Shape duration = {
	.type = SHAPE_QUANTITY, .unit = "s", .hi = INFINITY, .expected = "a time such as 2 s"};
static const Shape *const value_either[] = {&reference, &quantity, NULL};
static const Shape value = {.type = SHAPE_ONE_OF, .either = value_either};
static const Shape *const moment_either[] = {&reference, &duration, NULL};
static const Shape moment = {.type = SHAPE_ONE_OF, .either = moment_either};

/* ---- parameters and needs --------------------------------------------------------------------------- */

static const Shape unit = {.type = SHAPE_TEXT, .expected = "a unit such as lx"};
static const Shape range = {.type = SHAPE_LIST, .item = &quantity, .lo = 2, .hi = 2};
static const Shape words = {.type = SHAPE_LIST, .item = &id, .lo = 1, .hi = 1000};
static const ShapeField parameter_fields[] = {
	{"unit", &unit, false, "unit of a number; 1 for a bare one"},
	{"range", &range, false, "smallest and largest value, in that unit"},
	{"values", &words, false, "the words it can be, instead of unit and range"},
	{"default", &text, true, "value when --set does not name it"},
	{NULL, NULL, false, NULL},
};
static const Shape parameter = {.type = SHAPE_RECORD, .fields = parameter_fields};
static const Shape parameters = {
	.type = SHAPE_MAP, .item = &parameter, .pattern = "[a-z][a-z0-9-]*"};

static const ShapeField needs_fields[] = {
	{"actuators", &roles, false, "roles that the scenario drives"},
	{"sensors", &roles, false, "roles that it measures"},
	{"cameras", &roles, false, "roles that see"},
	{"environment", &roles, false, "measured conditions, recorded with the run"},
	{"clock_uncertainty", &duration, false, "largest acceptable uncertainty of the timebase"},
	{NULL, NULL, false, NULL},
};
static const Shape needs = {.type = SHAPE_RECORD, .fields = needs_fields};

/* ---- setup, timeline, rules ------------------------------------------------------------------------- */

static const Shape set = {.type = SHAPE_MAP, .item = &value, .pattern = ROLE, .lo = 1, .hi = 100};
static const ShapeField settle_fields[] = {
	{"signal", &role, true, "measured role; never the commanded channel itself"},
	{"to", &value, false, "value to settle at; default: what the step sets"},
	{"within", &quantity, true, "tolerance: a percentage of the target, or a quantity"},
	{"for", &moment, true, "how long it must stay there"},
	{"timeout", &moment, true, "give up after"},
	{NULL, NULL, false, NULL},
};
static const Shape settle = {.type = SHAPE_RECORD, .fields = settle_fields};
static const ShapeField step_fields[] = {
	{"prompt", &title, false, "what the operator must do, with energy off"},
	{"choices", &words, false, "answers; the first one means that it is done"},
	{"set", &set, false, "role: value"},
	{"settle", &settle, false, "wait until a measured signal is there"},
	{NULL, NULL, false, NULL},
};
static const Shape step = {.type = SHAPE_RECORD, .fields = step_fields};
static const Shape steps = {.type = SHAPE_LIST, .item = &step};

static const ShapeField move_fields[] = {
	{"axis", &role, true, "which axis of the rig"},
	{"to", &value, true, "where to: a position of the axis"},
	{"velocity", &value, true, "never faster"},
	{"acceleration", &value, true, "never steeper, up and down"},
	{NULL, NULL, false, NULL},
};
static const Shape move = {.type = SHAPE_RECORD, .fields = move_fields};

static const ShapeField entry_fields[] = {
	{"at", &moment, false, "time on the timeline"},
	{"when", &formula, false, "instead of `at`: when this becomes true"},
	{"timeout", &moment, false, "of `when`, from the end of the entry before"},
	{"mark", &id, false, "put a mark into the session"},
	{"trigger", &role, false, "energise an output once; scheduled on the node"},
	{"for", &moment, false, "how long `trigger` energises; default: the rig's max_on"},
	{"set", &set, false, "role: value"},
	{"move", &move, false, "move an axis in a trapezoid; timed by the node"},
	{"probe", &probe, false, "ask for a sign of life"},
	{"end", &yes, false, "the timeline ends here"},
	{NULL, NULL, false, NULL},
};
static const Shape entry = {.type = SHAPE_RECORD, .fields = entry_fields};
static const Shape timeline = {.type = SHAPE_LIST, .item = &entry, .lo = 1, .hi = 1000};

static const ShapeField truth_fields[] = {
	{"onset", &formula, true, "true from a rise of this"},
	{"end", &formula, false, "until this holds; default: the end of the recording"},
	{NULL, NULL, false, NULL},
};
static const Shape truth = {.type = SHAPE_RECORD, .fields = truth_fields};
static const Shape truths = {
	.type = SHAPE_MAP, .item = &truth, .pattern = "[a-z0-9]+(-[a-z0-9]+)*"};

static const ShapeField stop_fields[] = {
	{"formula", &formula, true, "must hold while running"},
	{"blame", &blame, true, "whose fault it is when it does not"},
	{NULL, NULL, false, NULL},
};
static const Shape stop = {.type = SHAPE_RECORD, .fields = stop_fields};
static const Shape stops = {.type = SHAPE_LIST, .item = &stop};

static const Shape criterion = {.type = SHAPE_TEXT,
				.pattern = "[a-z0-9-]+(/[a-z0-9-]+)+",
				.expected = "a criterion such as living/fall-watch/alarm-delay"};
static const Shape criteria = {.type = SHAPE_LIST, .item = &criterion, .lo = 1, .hi = 1000};

static const Shape kind = {.type = SHAPE_TEXT,
			   .pattern = "[$]?[a-z][a-z0-9_-]*",
			   .expected = "a perturbation such as fog, or a parameter"};
static const Shape severity_number = {
	.type = SHAPE_NUMBER, .hi = PERTURB_SEVERITIES, .expected = "a severity from 1 to 5"};
static const Shape *const severity_either[] = {&reference, &severity_number, NULL};
static const Shape severity = {.type = SHAPE_ONE_OF,
			       .either = severity_either,
			       .expected = "a severity from 1 to 5, or a parameter"};
static const ShapeField disturbance_fields[] = {
	{"camera", &role, false, "the camera whose pictures are disturbed"},
	{"signal", &role, false, "instead of `camera`: the measured role"},
	{"kind", &kind, true, "name of the perturbation (docs/perturb.md)"},
	{"severity", &severity, true, "1 (mild) to 5; 0: not at all"},
	{"from", &moment, false, "time on the timeline; default: before its start"},
	{"until", &moment, false, "time on the timeline; default: to its end"},
	{"during", &id, false, "instead of both: from the entry with this mark to the next one"},
	{NULL, NULL, false, NULL},
};
static const Shape disturbance = {.type = SHAPE_RECORD, .fields = disturbance_fields};
static const Shape disturbances = {.type = SHAPE_LIST, .item = &disturbance, .lo = 1, .hi = 100};

static const ShapeField scenario_fields[] = {
	{"id", &id, true, "name of the scenario"},
	{"title", &title, true, "for people"},
	{"product", &id, true, "kind of product it is for"},
	{"hazard", &hazard, true, "row of the hazard register"},
	{"class", &class_, true, "what it tries out"},
	{"twin", &id, false, "the matched benign scenario; required for class attack"},
	{"parameters", &parameters, false, "what --set can change"},
	{"needs", &needs, true, "roles that a rig must have"},
	{"setup", &steps, false, "before arming, energy off"},
	{"timeline", &timeline, true, "what happens when"},
	{"truth", &truths, false, "what really happened, from measured signals"},
	{"stimulus", &formulas, false, "did it really happen as scripted? else INVALID"},
	{"stop_when_broken", &stops, false, "watched online; the rig stops"},
	{"perturb", &disturbances, false, "done to what the product is given, in this order"},
	{"deadline", &moment, false,
	 "how late anything may be given to the product, perturbed or replayed; else INVALID"},
	{"criteria", &criteria, true, "what is judged"},
	{"cleanup", &steps, false, "after the run"},
	{NULL, NULL, false, NULL},
};
static const Shape scenario = {.type = SHAPE_RECORD, .fields = scenario_fields};

const Shape *scenario_shape(void)
{
	return &scenario;
}
