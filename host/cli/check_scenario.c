/* What `anzen check` asks of a scenario beyond host/scenario: the packs of its criteria must be there and fit its timeline. */
#include "kind_checks.h"
#include "packs.h"

#include <anzen/criterion.h>
#include <anzen/scenario.h>
#include <string.h>

typedef struct {
	const Scenario *scenario;
	Diagnostics *diag;
	char *folder;      /* criteria/, or NULL */
	GPtrArray *packs;  /* Pack* */
	GHashTable *tried; /* paths of packs, found or not */
} Check;

static void problem(Check *c, bool warning, Place place, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

static void problem(Check *c, bool warning, Place place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	diagnostics_add(c->diag, warning, c->scenario->path, place.line, place.column, "%s",
			message);
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

/* ---- packs ------------------------------------------------------------------------------------------ */

/* The nearest folder criteria/ above the scenario. */
static char *criteria_folder(const char *path)
{
	g_autofree char *at = g_canonicalize_filename(path, NULL);
	for (int up = 0; up < 6; up++) {
		g_autofree char *above = g_path_get_dirname(at);
		g_autofree char *criteria = g_build_filename(above, "criteria", NULL);
		if (g_file_test(criteria, G_FILE_TEST_IS_DIR))
			return g_steal_pointer(&criteria);
		g_free(at);
		at = g_steal_pointer(&above);
	}
	return NULL;
}

/* Load a pack once. Its own errors are told when it is checked itself; here one line says that it is unfit. */
static void load_pack(Check *c, const char *path, Place place)
{
	if (!g_hash_table_add(c->tried, g_strdup(path)))
		return;
	g_autoptr(Diagnostics) own = diagnostics_new();
	Pack *pack = criterion_pack_load(path, own);
	if (pack)
		g_ptr_array_add(c->packs, pack);
	else if (!g_file_test(path, G_FILE_TEST_EXISTS))
		problem(c, false, place, "there is no pack %s", path);
	else
		problem(c, false, place, "the pack %s is not in order: anzen check %s", path, path);
}

static const Criterion *find_criterion(Check *c, size_t i)
{
	const char *id = c->scenario->criteria[i];
	g_autofree char *file = criterion_pack_file(id);
	g_autofree char *path = file ? g_build_filename(c->folder, file, NULL) : NULL;
	size_t before = diagnostics_errors(c->diag);
	if (!path)
		return NULL;
	load_pack(c, path, c->scenario->criteria_places[i]);
	const Criterion *criterion =
		criterion_find((Pack *const *)c->packs->pdata, c->packs->len, id);
	if (!criterion && diagnostics_errors(c->diag) == before)
		problem(c, false, c->scenario->criteria_places[i],
			"the pack %s has no criterion '%s'", path, id);
	return criterion;
}

/* ---- limits and timeline ---------------------------------------------------------------------------- */

/* When the rig first does something to the product: nothing that a criterion waits for begins before it. */
static int64_t first_action_ns(const Scenario *s)
{
	for (size_t i = 0; i < s->n_timeline; i++)
		for (size_t k = 0; k < s->timeline[i].n_actions; k++) {
			ActionKind kind = s->timeline[i].actions[k].kind;
			if (kind == ACTION_TRIGGER || kind == ACTION_SET || kind == ACTION_MOVE)
				return s->timeline[i].earliest_ns;
		}
	return 0;
}

static void check_horizon(Check *c, const Criterion *criterion, Place place)
{
	const Scenario *s = c->scenario;
	int64_t horizon_ns = criterion_horizon_ns(criterion),
		left_ns = s->end_ns - first_action_ns(s);
	if (horizon_ns > left_ns)
		problem(c, false, place,
			"%s waits %g s, but the timeline ends %g s after its first action: it "
			"could never be decided",
			criterion->full_id, seconds(horizon_ns), seconds(left_ns));
	for (size_t i = 0; i < s->n_timeline; i++) {
		const Entry *e = &s->timeline[i];
		if (e->on_product && e->timeout_ns < horizon_ns)
			problem(c, false, e->place,
				"the timeline waits %g s for the product, less than the %g s that "
				"%s grants it",
				seconds(e->timeout_ns), seconds(horizon_ns), criterion->full_id);
	}
}

static void check_criterion(Check *c, size_t i)
{
	const Scenario *s = c->scenario;
	const Criterion *criterion = find_criterion(c, i);
	if (!criterion)
		return;
	if (criterion->partner &&
	    !g_strv_contains((const char *const *)s->criteria, criterion->partner))
		problem(c, false, s->criteria_places[i], "%s is never used without %s: list both",
			criterion->full_id, criterion->partner);
	check_horizon(c, criterion, s->criteria_places[i]);
}

static bool probes(const Scenario *s)
{
	for (size_t i = 0; i < s->n_timeline; i++)
		for (size_t k = 0; k < s->timeline[i].n_actions; k++)
			if (s->timeline[i].actions[k].kind == ACTION_PROBE)
				return true;
	return false;
}

static void check_twin(Check *c)
{
	const Scenario *s = c->scenario;
	if (!s->twin)
		return;
	g_autofree char *dir = g_path_get_dirname(s->path),
			*name = g_strdup_printf("%s.yaml", s->twin);
	g_autofree char *path = g_build_filename(dir, name, NULL);
	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		problem(c, s->class_ != SCENARIO_ATTACK, (Place){0, 0}, "the twin %s is not there",
			path);
}

/* The hazard is a row of the register, and one of the criteria is about it. */
static void check_hazard(Check *c)
{
	g_autoptr(Diagnostics) own =
		diagnostics_new(); /* of the register, told when it is checked */
	g_autoptr(Hazards) all = cli_load_hazards(c->folder, own);
	bool about = false;
	for (size_t i = 0; c->scenario->criteria[i]; i++) {
		const Criterion *criterion = criterion_find(
			(Pack *const *)c->packs->pdata, c->packs->len, c->scenario->criteria[i]);
		about = about || (criterion && criterion->hazard &&
				  !strcmp(criterion->hazard, c->scenario->hazard));
	}
	if (all && !hazards_find(all, c->scenario->hazard))
		problem(c, false, (Place){0, 0}, "the register %s has no hazard %s", all->path,
			c->scenario->hazard);
	else if (all && !about)
		problem(c, true, (Place){0, 0}, "none of its criteria is about its hazard %s",
			c->scenario->hazard);
}

bool scenario_check_with_packs(const YamlDoc *doc, Diagnostics *diag)
{
	size_t length, before = diagnostics_errors(diag);
	const char *bytes = yaml_bytes(doc, &length);
	g_autoptr(Scenario) s =
		scenario_load_text(bytes, (gssize)length, yaml_file(doc), NULL, diag);
	if (!s)
		return false;
	g_autofree char *folder = criteria_folder(s->path);
	g_autoptr(GPtrArray) packs =
		g_ptr_array_new_with_free_func((GDestroyNotify)criterion_pack_free);
	g_autoptr(GHashTable) tried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Check c = {.scenario = s, .diag = diag, .folder = folder, .packs = packs, .tried = tried};
	if (!folder)
		problem(&c, true, (Place){0, 0},
			"no folder criteria/ above this file: its criteria are not checked");
	for (size_t i = 0; folder && s->criteria[i]; i++)
		check_criterion(&c, i);
	if (folder)
		check_hazard(&c);
	if (!probes(s))
		problem(&c, true, s->timeline[s->n_timeline - 1].place,
			"no `probe: positive-control`: a prohibition such as no false alarm cannot "
			"end as PASS");
	check_twin(&c);
	return diagnostics_errors(diag) == before;
}
