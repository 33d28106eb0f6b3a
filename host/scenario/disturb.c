/* What a scenario does to the product's input: `perturb`, and how late that may be: `deadline`. */
#include "read.h"

#include <anzen/perturb.h>

#include <math.h>
#include <string.h>

/* The word of a `$parameter`, or the text itself. Every word that the parameter may be is looked at, so that a campaign does
 * not meet the wrong one at night. */
static const PerturbInfo *read_kind(Reader *r, const YamlNode *node)
{
	const char *text = yaml_text(node);
	g_autoptr(GError) error = NULL;
	const Parameter *p = text[0] == '$' ? use_parameter(r, node, text + 1) : NULL;
	if (text[0] == '$' && !p)
		return NULL;
	if (p && !p->words) {
		yaml_error(r->doc, node, r->diag,
			   "parameter '%s' is a number; the name of a perturbation is needed here",
			   text);
		return NULL;
	}
	for (size_t i = 0; p && p->words[i]; i++)
		if (!perturb_look_up(p->words[i], &error)) {
			yaml_error(r->doc, node, r->diag, "%s: %s", text, error->message);
			return NULL;
		}
	if (p && !p->word)
		return NULL; /* its default is none of its words, which has been said */
	const PerturbInfo *info = perturb_look_up(p ? p->word : text, &error);
	if (!info)
		yaml_error(r->doc, node, r->diag, "%s", error->message);
	return info;
}

static bool is_severity(double v)
{
	return v >= 0 && v <= PERTURB_SEVERITIES && fabs(v - nearbyint(v)) < 1e-9;
}

static unsigned read_severity(Reader *r, const YamlNode *node)
{
	Quantity q;
	const char *text = yaml_text(node);
	const Parameter *p = text[0] == '$' ? scenario_parameter(r->scenario, text + 1) : NULL;
	if (!read_quantity(r, node, &unit_one, &q))
		return 0;
	double v = unit_convert(q.value, &q.unit, &unit_one);
	double lo = p ? unit_convert(p->lo, &p->value.unit, &unit_one) : v;
	double hi = p ? unit_convert(p->hi, &p->value.unit, &unit_one) : v;
	if (!is_severity(v) || !is_severity(lo) || !is_severity(hi))
		yaml_error(
			r->doc, node, r->diag,
			"a severity is a whole number from 1 (mild) to %d, or 0 for not at all%s",
			PERTURB_SEVERITIES, p ? ", and so is the range of its parameter" : "");
	return is_severity(v) ? (unsigned)lround(v) : 0;
}

static bool is_camera(Reader *r, const char *role, bool *ret)
{
	RoleKind kind;
	if (!scenario_role(r->scenario, role, &kind) || kind == ROLE_ACTUATOR)
		return false;
	*ret = kind == ROLE_CAMERA;
	return true;
}

static void check_target(Reader *r, const Disturbance *d, const YamlNode *role,
			 const YamlNode *kind, bool wants_camera)
{
	bool camera;
	if (!is_camera(r, d->role, &camera) || camera != wants_camera)
		yaml_error(r->doc, role, r->diag,
			   wants_camera ? "'%s' is not listed in needs.cameras"
					: "'%s' is not listed in needs.sensors or "
					  "needs.environment",
			   d->role);
	else if (d->info && d->info->domain != (camera ? PERTURB_IMAGE : PERTURB_SIGNAL))
		yaml_error(r->doc, kind, r->diag, "%s is for %s, and %s is %s", d->info->name,
			   d->info->domain == PERTURB_IMAGE    ? "pictures"
			   : d->info->domain == PERTURB_SIGNAL ? "signals"
							       : "sound",
			   d->role, camera ? "a camera" : "a signal");
}

static void read_span(Reader *r, Disturbance *d, const YamlNode *from, const YamlNode *until)
{
	d->from_ns = from ? read_time(r, from, INT64_MIN) : INT64_MIN;
	d->until_ns = until ? read_time(r, until, CLOCK_NEVER) : CLOCK_NEVER;
	if (d->from_ns >= d->until_ns)
		yaml_error(r->doc, until, r->diag, "`until` must come after `from`");
	else if (from && d->from_ns >= r->scenario->end_ns)
		yaml_error(r->doc, from, r->diag,
			   "the timeline ends at %g s: this would change nothing",
			   (double)r->scenario->end_ns * 1e-9);
	else if (until && d->until_ns <= 0)
		yaml_error(r->doc, until, r->diag,
			   "the timeline begins at 0 s: this would change nothing");
}

static const Entry *entry_of(const Scenario *s, const char *mark, size_t *ret_i)
{
	for (size_t i = 0; i < s->n_timeline; i++)
		for (size_t k = 0; k < s->timeline[i].n_actions; k++)
			if (s->timeline[i].actions[k].kind == ACTION_MARK &&
			    !g_strcmp0(s->timeline[i].actions[k].name, mark)) {
				*ret_i = i;
				return &s->timeline[i];
			}
	return NULL;
}

/* From the entry with this mark to the next one. What is perturbed must be the same in each run and replay, so both have a time. */
static void read_during(Reader *r, Disturbance *d, const YamlNode *during)
{
	const Scenario *s = r->scenario;
	size_t i = 0;
	const Entry *entry = entry_of(s, yaml_text(during), &i);
	if (!entry)
		yaml_error(r->doc, during, r->diag, "the timeline has no mark '%s'",
			   yaml_text(during));
	else if (entry->when || i + 1 >= s->n_timeline || s->timeline[i + 1].when)
		yaml_error(r->doc, during, r->diag,
			   "'%s' has no fixed times: it must begin and end with an `at`; or say "
			   "`from` and `until`",
			   yaml_text(during));
	else if (entry->at_ns >= s->timeline[i + 1].at_ns)
		yaml_error(r->doc, during, r->diag, "'%s' has no length", yaml_text(during));
	if (!entry || entry->when || i + 1 >= s->n_timeline)
		return;
	d->from_ns = entry->at_ns;
	d->until_ns = s->timeline[i + 1].at_ns;
}

static void read_one(Reader *r, Disturbance *d, const YamlNode *node)
{
	const YamlNode *camera = yaml_get(node, "camera"), *signal = yaml_get(node, "signal"),
		       *kind = yaml_get(node, "kind"), *during = yaml_get(node, "during");
	d->place = read_place(node);
	d->info = read_kind(r, kind);
	d->severity = read_severity(r, yaml_get(node, "severity"));
	d->written =
		g_strdup_printf("%s:%s", yaml_text(kind), yaml_text(yaml_get(node, "severity")));
	read_span(r, d, yaml_get(node, "from"), yaml_get(node, "until"));
	if (during && (yaml_get(node, "from") || yaml_get(node, "until")))
		yaml_error(r->doc, during, r->diag, "either `during` or `from` and `until`");
	else if (during)
		read_during(r, d, during);
	if (!camera == !signal) {
		yaml_error(r->doc, node, r->diag, "expected either `camera` or `signal`");
		return;
	}
	d->role = g_strdup(yaml_text(camera ? camera : signal));
	check_target(r, d, camera ? camera : signal, kind, camera);
}

void read_disturbances(Reader *r, const YamlNode *node, const YamlNode *deadline)
{
	Scenario *s = r->scenario;
	s->n_disturbances = node ? yaml_size(node) : 0;
	s->disturbances = g_new0(Disturbance, s->n_disturbances + 1);
	for (size_t i = 0; i < s->n_disturbances; i++)
		read_one(r, &s->disturbances[i], yaml_item(node, i));
	s->deadline_ns = read_time(r, deadline, 0);
	if (deadline && s->deadline_ns <= 0)
		yaml_error(r->doc, deadline, r->diag, "a deadline must be longer than 0 s");
}
