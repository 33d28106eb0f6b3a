/* anzen crosswalk: which rows of a standard the criteria bear on, and which of them runs have shown. */
#include "cli.h"
#include "packs.h"

#include <anzen/run.h>
#include <anzen/session.h>
#include <string.h>

int cmd_crosswalk(int argc, char **argv, CliContext *cli);

/* What the runs decided on one criterion. */
typedef struct Shown {
	unsigned n[VERDICT_INVALID + 1];
} Shown;

typedef struct Walk {
	CliContext *cli;
	const Crosswalk *crosswalk;
	const GPtrArray *packs;
	GHashTable *shown;   /* full id → Shown* */
	GHashTable *classes; /* evidence classes of the runs, by name */
} Walk;

typedef enum { COVERED, CRITERION_ONLY, GAP, NOT_APPLICABLE } Cover;
#define COVERS 4

static const char *cover_key(Cover cover)
{
	static const char *const keys[] = {"covered by evidence", "criterion only", "gap",
					   "not applicable"};
	return keys[cover];
}

static const char *cover_text(Cover cover)
{
	static const char *const texts[] = {N_("covered by evidence"), N_("by criterion only"),
					    N_("gap"), N_("not applicable")};
	return _(texts[cover]);
}

/* ---- evidence ---- */

static bool decided(const Shown *s)
{
	return s && s->n[VERDICT_PASS] + s->n[VERDICT_FAIL] > 0;
}

static void count_result(Walk *w, const CriterionResult *r)
{
	Shown *s = g_hash_table_lookup(w->shown, r->id);
	if (!s) {
		s = g_new0(Shown, 1);
		g_hash_table_insert(w->shown, g_strdup(r->id), s);
	}
	s->n[r->verdict]++;
}

/* From the recording, with its chain verified, never from a verdict that somebody wrote down. */
static bool take_run(Walk *w, const char *path, GError **error)
{
	g_autofree char *inside = g_build_filename(path, "session.mcap", NULL);
	const char *session = g_file_test(path, G_FILE_TEST_IS_DIR) ? inside : path;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_auto(RunScore) score = {0};
	if (!run_score(session, NULL, &score, diag, error))
		return false;
	g_hash_table_add(w->classes, g_strdup(evidence_name(score.record->evidence)));
	for (guint i = 0; i < score.record->criteria->len; i++)
		count_result(w, g_ptr_array_index(score.record->criteria, i));
	return true;
}

static char *classes_text(const Walk *w)
{
	g_autoptr(GList) names =
		g_list_sort(g_hash_table_get_keys(w->classes), (GCompareFunc)strcmp);
	GString *out = g_string_new(NULL);
	for (GList *l = names; l; l = l->next)
		g_string_append_printf(out, "%s%s", out->len ? ", " : "", (const char *)l->data);
	return g_string_free(out, FALSE);
}

/* ---- rows ---- */

static GPtrArray *criteria_of(const Walk *w, const CrosswalkRow *row)
{
	GPtrArray *found = g_ptr_array_new();
	for (guint p = 0; p < w->packs->len; p++) {
		const Pack *pack = g_ptr_array_index(w->packs, p);
		for (guint i = 0; i < pack->criteria->len; i++) {
			gpointer c = g_ptr_array_index(pack->criteria, i);
			if (criterion_bears_on(c, w->crosswalk->id, row->id))
				g_ptr_array_add(found, c);
		}
	}
	return found;
}

static Cover cover_of(const Walk *w, const CrosswalkRow *row, const GPtrArray *criteria)
{
	for (guint i = 0; i < criteria->len; i++) {
		const Criterion *c = g_ptr_array_index(criteria, i);
		if (decided(g_hash_table_lookup(w->shown, c->full_id)))
			return COVERED;
	}
	if (criteria->len > 0)
		return CRITERION_ONLY;
	return row->word == ROW_NOT_APPLICABLE ? NOT_APPLICABLE : GAP;
}

static char *shown_text(const Walk *w, const Criterion *c)
{
	const Shown *s = g_hash_table_lookup(w->shown, c->full_id);
	GString *out = g_string_new(NULL);
	for (int v = VERDICT_PASS; s && v <= VERDICT_INVALID; v++)
		if (s->n[v] > 0)
			g_string_append_printf(out, "%s%s %u", out->len ? ", " : "",
					       cli_choose(w->cli, verdict_name((Verdict)v),
							  verdict_name_ja((Verdict)v)),
					       s->n[v]);
	return g_string_free(out, FALSE);
}

/* How much of a row runs have decided: one of thirty is not the row. */
static unsigned decided_of(const Walk *w, const GPtrArray *criteria, Shown *ret_total)
{
	unsigned n = 0;
	for (guint i = 0; i < criteria->len; i++) {
		const Criterion *c = g_ptr_array_index(criteria, i);
		const Shown *s = g_hash_table_lookup(w->shown, c->full_id);
		n += decided(s);
		for (int v = VERDICT_PASS; s && v <= VERDICT_INVALID; v++)
			ret_total->n[v] += s->n[v];
	}
	return n;
}

static void print_share(const Walk *w, const GPtrArray *criteria)
{
	Shown total = {0};
	unsigned n = decided_of(w, criteria, &total);
	printf(" (");
	printf(_("%u of %u criteria decided"), n, criteria->len);
	printf("; %s %u, %s %u)",
	       cli_choose(w->cli, verdict_name(VERDICT_PASS), verdict_name_ja(VERDICT_PASS)),
	       total.n[VERDICT_PASS],
	       cli_choose(w->cli, verdict_name(VERDICT_FAIL), verdict_name_ja(VERDICT_FAIL)),
	       total.n[VERDICT_FAIL]);
}

static void print_row(const Walk *w, const CrosswalkRow *row, Cover cover,
		      const GPtrArray *criteria)
{
	printf("%-13s %s", row->id, cover_text(cover));
	if (cover == COVERED)
		print_share(w, criteria);
	printf(": %s\n", cli_choose(w->cli, row->title_en, row->title_ja));
	if (row->why && criteria->len == 0)
		printf("%-13s   %s\n", "", cli_choose(w->cli, row->why->en, row->why->ja));
	for (guint i = 0; i < criteria->len; i++) {
		const Criterion *c = g_ptr_array_index(criteria, i);
		g_autofree char *shown = shown_text(w, c);
		printf("%-13s   %s%s%s\n", "", c->full_id, *shown ? "  " : "", shown);
	}
}

static void json_criterion(const Walk *w, JsonBuilder *b, const Criterion *c)
{
	const Shown *s = g_hash_table_lookup(w->shown, c->full_id);
	json_builder_begin_object(b);
	cli_json_text(b, "id", c->full_id);
	for (int v = VERDICT_PASS; s && v <= VERDICT_INVALID; v++) {
		json_builder_set_member_name(b, verdict_name((Verdict)v));
		json_builder_add_int_value(b, s->n[v]);
	}
	json_builder_end_object(b);
}

static void json_row(const Walk *w, JsonBuilder *b, const CrosswalkRow *row, Cover cover,
		     const GPtrArray *criteria)
{
	json_builder_begin_object(b);
	cli_json_text(b, "id", row->id);
	cli_json_text(b, "title", cli_choose(w->cli, row->title_en, row->title_ja));
	cli_json_text(b, "status", cover_key(cover));
	Shown total = {0};
	cli_json_int(b, "decided", decided_of(w, criteria, &total));
	if (row->why && criteria->len == 0)
		cli_json_text(b, "why", cli_choose(w->cli, row->why->en, row->why->ja));
	json_builder_set_member_name(b, "criteria");
	json_builder_begin_array(b);
	for (guint i = 0; i < criteria->len; i++)
		json_criterion(w, b, g_ptr_array_index(criteria, i));
	json_builder_end_array(b);
	json_builder_end_object(b);
}

static void finish_text(const Walk *w, const unsigned *counts)
{
	printf("\n%s\n", cli_choose(w->cli, w->crosswalk->title_en, w->crosswalk->title_ja));
	for (int i = 0; i < COVERS; i++)
		printf("  %u %s\n", counts[i], cover_text((Cover)i));
	g_autofree char *classes = classes_text(w);
	if (*classes)
		printf(_("Evidence class of the runs: %s\n"), classes);
	printf(_("Ids: %s\n"), w->crosswalk->source);
}

static void walk_rows(const Walk *w, JsonBuilder *b)
{
	unsigned counts[COVERS] = {0};
	for (guint i = 0; i < w->crosswalk->rows->len; i++) {
		const CrosswalkRow *row = g_ptr_array_index(w->crosswalk->rows, i);
		g_autoptr(GPtrArray) criteria = criteria_of(w, row);
		Cover cover = cover_of(w, row, criteria);
		counts[cover]++;
		if (b)
			json_row(w, b, row, cover, criteria);
		else
			print_row(w, row, cover, criteria);
	}
	if (!b) {
		finish_text(w, counts);
		return;
	}
	json_builder_end_array(b);
	for (int i = 0; i < COVERS; i++) {
		json_builder_set_member_name(b, cover_key((Cover)i));
		json_builder_add_int_value(b, counts[i]);
	}
}

/* ---- reverse: criterion → rows ---- */

static void reverse_one(const Walk *w, const Criterion *c, JsonBuilder *b)
{
	unsigned n = 0;
	if (b) {
		json_builder_begin_object(b);
		cli_json_text(b, "id", c->full_id);
		json_builder_set_member_name(b, "rows");
		json_builder_begin_array(b);
	} else {
		printf("%s  %s\n", c->full_id, cli_choose(w->cli, c->title_en, c->title_ja));
	}
	for (guint i = 0; i < w->crosswalk->rows->len; i++) {
		const CrosswalkRow *row = g_ptr_array_index(w->crosswalk->rows, i);
		if (!criterion_bears_on(c, w->crosswalk->id, row->id))
			continue;
		n++;
		if (b)
			json_builder_add_string_value(b, row->id);
		else
			printf("  %-13s %s\n", row->id,
			       cli_choose(w->cli, row->title_en, row->title_ja));
	}
	if (b) {
		json_builder_end_array(b);
		json_builder_end_object(b);
	} else if (n == 0) {
		printf("  %s\n", _("no row of this one"));
	}
}

static void walk_criteria(const Walk *w, JsonBuilder *b)
{
	for (guint p = 0; p < w->packs->len; p++) {
		const Pack *pack = g_ptr_array_index(w->packs, p);
		for (guint i = 0; i < pack->criteria->len; i++)
			reverse_one(w, g_ptr_array_index(pack->criteria, i), b);
	}
	if (b)
		json_builder_end_array(b);
}

/* ---- the command ---- */

static void show(const Walk *w, bool reverse)
{
	g_autoptr(JsonBuilder) b = w->cli->json ? json_builder_new() : NULL;
	if (b) {
		json_builder_begin_object(b);
		cli_json_text(b, "crosswalk", w->crosswalk->id);
		cli_json_text(b, "source", w->crosswalk->source);
		g_autofree char *classes = classes_text(w);
		cli_json_text(b, "evidence", classes);
		json_builder_set_member_name(b, reverse ? "criteria" : "rows");
		json_builder_begin_array(b);
	}
	if (reverse)
		walk_criteria(w, b);
	else
		walk_rows(w, b);
	if (b) {
		json_builder_end_object(b);
		cli_print_json(b);
	}
}

static int list_names(CliContext *cli, const GPtrArray *all)
{
	g_autoptr(GString) names = g_string_new(NULL);
	for (guint i = 0; i < all->len; i++)
		g_string_append_printf(names, "%s%s", names->len ? ", " : "",
				       ((const Crosswalk *)g_ptr_array_index(all, i))->id);
	return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("name one of: %s"), names->str);
}

static const Crosswalk *find(const GPtrArray *all, const char *id)
{
	for (guint i = 0; i < all->len; i++) {
		const Crosswalk *c = g_ptr_array_index(all, i);
		if (!strcmp(c->id, id))
			return c;
	}
	return NULL;
}

int cmd_crosswalk(int argc, char **argv, CliContext *cli)
{
	g_autofree char *folder = NULL;
	g_auto(GStrv) runs = NULL;
	gboolean reverse = FALSE;
	const GOptionEntry options[] = {
		{"evidence", 'e', 0, G_OPTION_ARG_FILENAME_ARRAY, &runs,
		 N_("a run or session whose verdicts count; more may follow as operands"), "RUN"},
		{"reverse", 'r', 0, G_OPTION_ARG_NONE, &reverse, N_("each criterion and its rows"),
		 NULL},
		{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &folder,
		 N_("folder of packs (default: criteria)"), "DIR"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	if (!cli_parse(cli, &argc, &argv, options, 0, -1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GPtrArray) packs = cli_load_packs(folder ? folder : "criteria", diag);
	g_autoptr(GPtrArray) all = cli_load_crosswalks(folder ? folder : "criteria", diag);
	if (diagnostics_errors(diag) > 0)
		return cli_diagnostics(cli, diag);
	const Crosswalk *c = argc > 1 ? find(all, argv[1]) : NULL;
	if (!c)
		return list_names(cli, all);
	if (c->absent)
		return cli_fail_text(cli, ANZEN_EXIT_INVALID, "%s: %s", c->id,
				     cli_choose(cli, c->absent->en, c->absent->ja));
	g_autoptr(GHashTable) shown =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GHashTable) classes =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Walk w = {cli, c, packs, shown, classes};
	g_autoptr(GError) error = NULL;
	for (guint i = 0; runs && runs[i]; i++)
		if (!take_run(&w, runs[i], &error))
			return cli_fail(cli, error);
	if (argc > 2 && !runs)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("runs are given with --evidence"));
	for (int i = 2; i < argc; i++)
		if (!take_run(&w, argv[i], &error))
			return cli_fail(cli, error);
	show(&w, reverse);
	return ANZEN_EXIT_PASS;
}
