/* anzen-verdict-check on the four runs of a lock-step demo: what they say verifies, and whatever is changed is caught. */
#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../cli/run.h"
#include "unit.h"

enum { GOOD, LATE, SILENT, BORDERLINE, RUNS }; /* as `anzen demo pan-overheat` plays them */

static char *stand;      /* a temporary folder */
static char *runs[RUNS]; /* the demo's */
static char *forged;     /* a run folder for what is changed */

static int check(const char *folder, char **ret_out)
{
	int status = -1;
	g_autofree char *program =
		g_build_filename(ANZEN_BINARY_DIR, "bin", "anzen-verdict-check", NULL);
	char *argv[] = {program, (char *)(uintptr_t)folder, NULL};
	if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, ret_out, NULL, &status,
			  NULL))
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool play(void)
{
	g_autoptr(GDir) dir = NULL;
	g_autofree char *out = NULL, *line = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	stand = g_dir_make_tmp("anzen-checker-XXXXXX", NULL);
	out = g_build_filename(stand, "runs", NULL);
	line = g_strdup_printf("demo pan-overheat --lock-step -o %s", out);
	g_auto(CliResult) r = cli_run(line);
	dir = g_dir_open(out, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));)
		g_ptr_array_add(names, g_build_filename(out, name, NULL));
	if (r.code != 0 || names->len != RUNS)
		fprintf(stderr, "%s%s", r.out, r.err);
	for (guint i = 0; i < names->len; i++) { /* which is which: by its label */
		g_autofree char *path = g_build_filename(names->pdata[i], "run.json", NULL),
				*json = NULL;
		static const char *const labels[] = {"good", "late", "silent", "borderline"};
		for (int k = 0; k < RUNS && g_file_get_contents(path, &json, NULL, NULL); k++) {
			g_autofree char *label = g_strdup_printf("\"label\":\"%s\"", labels[k]);
			if (strstr(json, label) && !runs[k])
				runs[k] = g_strdup(names->pdata[i]);
			g_clear_pointer(&json, g_free);
		}
	}
	forged = g_build_filename(stand, "forged", NULL);
	g_mkdir(forged, 0700);
	return runs[GOOD] && runs[LATE] && runs[SILENT] && runs[BORDERLINE];
}

static void tidy(void)
{
	g_autofree char *line = stand ? g_strdup_printf("rm -rf %s", stand) : NULL;
	if (line)
		g_spawn_command_line_sync(line, NULL, NULL, NULL, NULL);
}

typedef void (*Forgery)(JsonObject *run, JsonObject *criterion);

/* The checker's exit code on a run whose run.json was changed. */
static int after(int run, Forgery forgery)
{
	g_autofree char *from = g_build_filename(runs[run], "run.json", NULL),
			*session = g_build_filename(runs[run], "session.mcap", NULL),
			*to = g_build_filename(forged, "run.json", NULL),
			*link = g_build_filename(forged, "session.mcap", NULL), *out = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(JsonGenerator) writer = json_generator_new();
	if (!json_parser_load_from_file(parser, from, NULL))
		return -1;
	JsonNode *root = json_parser_get_root(parser);
	JsonObject *o = json_node_get_object(root);
	forgery(o, json_array_get_object_element(json_object_get_array_member(o, "criteria"), 0));
	json_generator_set_root(writer, root);
	g_unlink(link);
	if (!json_generator_to_file(writer, to, NULL) || symlink(session, link) != 0)
		return -1;
	int code = check(forged, &out);
	if (g_getenv("ANZEN_SHOW"))
		fprintf(stderr, "%s", out);
	return code;
}

static void nothing(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	(void)criterion;
}

static void every_verdict_of_the_demo_verifies(void)
{
	for (int i = 0; i < RUNS; i++) {
		g_autofree char *out = NULL;
		int code = check(runs[i], &out);
		if (code != 0)
			fprintf(stderr, "%s: %s", runs[i], out);
		CU_ASSERT_EQUAL(code, 0);
		CU_ASSERT_EQUAL(after(i, nothing), 0); /* reading and writing it changes nothing */
	}
}

/* ---- verdicts ---- */

static void say(JsonObject *run, JsonObject *criterion, const char *verdict)
{
	json_object_set_string_member(run, "verdict", verdict);
	json_object_set_string_member(criterion, "verdict", verdict);
}

static void to_pass(JsonObject *run, JsonObject *criterion)
{
	say(run, criterion, "PASS");
}

static void to_fail(JsonObject *run, JsonObject *criterion)
{
	say(run, criterion, "FAIL");
}

static void to_invalid(JsonObject *run, JsonObject *criterion)
{
	say(run, criterion, "INVALID");
}

static void to_inconclusive(JsonObject *run, JsonObject *criterion)
{
	say(run, criterion, "INCONCLUSIVE");
}

static void all_to_pass(JsonObject *run, JsonObject *criterion)
{
	JsonArray *all = json_object_get_array_member(run, "criteria");
	(void)criterion;
	for (guint i = 0; i < json_array_get_length(all); i++)
		say(run, json_array_get_object_element(all, i), "PASS");
}

static void all_to_inconclusive(JsonObject *run, JsonObject *criterion)
{
	JsonArray *all = json_object_get_array_member(run, "criteria");
	(void)criterion;
	for (guint i = 0; i < json_array_get_length(all); i++)
		say(run, json_array_get_object_element(all, i), "INCONCLUSIVE");
}

static void whole_to_pass(JsonObject *run, JsonObject *criterion)
{
	(void)criterion;
	json_object_set_string_member(run, "verdict", "PASS");
}

static void a_flipped_verdict_is_caught(void)
{
	CU_ASSERT_EQUAL(after(GOOD, to_fail), 4);
	CU_ASSERT_EQUAL(after(GOOD, to_invalid), 4);
	CU_ASSERT_EQUAL(after(GOOD, to_inconclusive), 4);
	CU_ASSERT_EQUAL(after(LATE, to_pass), 4);
	CU_ASSERT_EQUAL(after(LATE, to_inconclusive), 4);
	CU_ASSERT_EQUAL(after(LATE, whole_to_pass), 4);
	CU_ASSERT_EQUAL(after(SILENT, all_to_pass), 4);
	CU_ASSERT_EQUAL(after(SILENT, to_fail), 4);
	CU_ASSERT_EQUAL(after(SILENT, all_to_inconclusive), 4);
	CU_ASSERT_EQUAL(after(BORDERLINE, to_invalid), 4);
	CU_ASSERT_EQUAL(after(BORDERLINE, to_pass), 4);
	CU_ASSERT_EQUAL(after(BORDERLINE, to_fail), 4);
}

/* ---- numbers ---- */

static void scale(JsonObject *o, const char *key, double by)
{
	json_object_set_double_member(o, key, json_object_get_double_member(o, key) * by);
}

static void other_value(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	scale(criterion, "measured", 0.99);
}

/* All numbers that belong together moved together. */
static void other_values(JsonObject *run, JsonObject *criterion)
{
	double by = 0.1;
	(void)run;
	json_object_set_double_member(criterion, "measured",
				      json_object_get_double_member(criterion, "measured") - by);
	json_object_set_double_member(criterion, "margin",
				      json_object_get_double_member(criterion, "margin") + by);
	json_object_set_double_member(criterion, "guard_accept",
				      json_object_get_double_member(criterion, "guard_accept") +
					      by);
	json_object_set_double_member(criterion, "guard_reject",
				      json_object_get_double_member(criterion, "guard_reject") -
					      by);
}

static void other_limit(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	scale(criterion, "limit", 3);
	json_object_set_double_member(criterion, "margin",
				      json_object_get_double_member(criterion, "limit") -
					      json_object_get_double_member(criterion, "measured"));
}

static void other_guard(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	scale(criterion, "guard_accept", 0.5);
}

static void other_risk(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	scale(criterion, "risk_accept", 10);
}

static void other_formula(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	json_object_set_string_member(
		criterion, "formula",
		"always (rise(truth.overheat) -> eventually[0 s, 15 s] rise(product.shut))");
}

static void a_changed_number_is_caught(void)
{
	CU_ASSERT_EQUAL(after(GOOD, other_value), 4);
	CU_ASSERT_EQUAL(after(LATE, other_value), 4);
	CU_ASSERT_EQUAL(after(GOOD, other_values), 4);
	CU_ASSERT_EQUAL(after(GOOD, other_limit), 4);
	CU_ASSERT_EQUAL(after(LATE, other_limit), 4);
	CU_ASSERT_EQUAL(after(GOOD, other_guard), 4);
	CU_ASSERT_EQUAL(after(GOOD, other_risk), 4);
	CU_ASSERT_EQUAL(after(LATE, other_formula), 4);
}

/* ---- witnesses ---- */

static void no_witness(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	json_object_remove_member(criterion, "witness");
}

static void no_bands(JsonObject *run, JsonObject *criterion)
{
	(void)run;
	json_object_set_array_member(json_object_get_object_member(criterion, "witness"), "bands",
				     json_array_new());
}

/* A narrower band would need a greater risk, and that is spent. */
static void narrow_band(JsonObject *run, JsonObject *criterion)
{
	JsonArray *bands = json_object_get_array_member(
		json_object_get_object_member(criterion, "witness"), "bands");
	(void)run;
	for (guint i = 0; i < json_array_get_length(bands); i++)
		scale(json_array_get_object_element(bands, i), "width", 0.5);
}

static void risky_band(JsonObject *run, JsonObject *criterion)
{
	JsonArray *bands = json_object_get_array_member(
		json_object_get_object_member(criterion, "witness"), "bands");
	(void)run;
	for (guint i = 0; i < json_array_get_length(bands); i++)
		json_object_set_double_member(json_array_get_object_element(bands, i), "risk", 0.4);
}

/* The holes that the silent unit left are said not to be there, and the verdicts to be PASS. */
static void no_holes(JsonObject *run, JsonObject *criterion)
{
	JsonArray *all = json_object_get_array_member(run, "criteria");
	all_to_pass(run, criterion);
	for (guint i = 0; i < json_array_get_length(all); i++)
		json_object_set_object_member(
			json_object_get_object_member(json_array_get_object_element(all, i),
						      "witness"),
			"unknown", json_object_new());
}

/* A hole that was not: the run is said to have been worth nothing. */
static void made_up_hole(JsonObject *run, JsonObject *criterion, const char *verdict)
{
	JsonObject *unknown = json_object_get_object_member(
		json_object_get_object_member(criterion, "witness"), "unknown");
	g_autoptr(GList) names = json_object_get_members(unknown);
	for (GList *name = names; name; name = name->next) {
		JsonArray *spans = json_array_new(), *span = json_array_new();
		json_array_add_int_element(span, 0);
		json_array_add_null_element(span);
		json_array_add_array_element(spans, span);
		json_object_set_array_member(unknown, name->data, spans);
	}
	say(run, criterion, verdict);
}

static void hole_and_invalid(JsonObject *run, JsonObject *criterion)
{
	made_up_hole(run, criterion, "INVALID");
}

static void hole_and_inconclusive(JsonObject *run, JsonObject *criterion)
{
	made_up_hole(run, criterion, "INCONCLUSIVE");
}

static void fewer_criteria(JsonObject *run, JsonObject *criterion)
{
	(void)criterion;
	json_array_remove_element(json_object_get_array_member(run, "criteria"), 0);
	json_object_set_string_member(run, "verdict", "PASS");
}

/* The late one is said to have been left out, and the rest passes. */
static void left_out(JsonObject *run, JsonObject *criterion)
{
	JsonArray *left = json_array_new();
	json_array_add_string_element(left, json_object_get_string_member(criterion, "id"));
	json_object_set_array_member(run, "left_out", left);
	fewer_criteria(run, criterion);
}

static void other_session(JsonObject *run, JsonObject *criterion)
{
	(void)criterion;
	json_object_set_string_member(run, "session_sha256", "00");
}

static void physical(JsonObject *run, JsonObject *criterion)
{
	(void)criterion;
	json_object_set_string_member(run, "evidence", "physical");
}

static void a_changed_or_missing_witness_is_caught(void)
{
	CU_ASSERT_EQUAL(after(GOOD, no_witness), 4);
	CU_ASSERT_EQUAL(after(LATE, no_witness), 4);
	CU_ASSERT_TRUE(after(GOOD, no_bands) != 0);
	CU_ASSERT_EQUAL(after(GOOD, narrow_band), 4);
	CU_ASSERT_EQUAL(after(GOOD, risky_band), 4);
	CU_ASSERT_EQUAL(after(SILENT, no_holes), 4);
	for (int run = GOOD; run <= LATE; run++) {
		CU_ASSERT_EQUAL(after(run, hole_and_invalid), 4);
		CU_ASSERT_EQUAL(after(run, hole_and_inconclusive), 4);
	}
	CU_ASSERT_EQUAL(after(BORDERLINE, hole_and_invalid), 4);
}

/* The bench failed later, or earlier, than it did: the stimulus is said to have been as scripted until then. */
static void scripted_later(JsonObject *run, JsonObject *criterion)
{
	JsonArray *all = json_object_get_array_member(run, "criteria");
	(void)criterion;
	for (guint i = 0; i < json_array_get_length(all); i++) {
		JsonObject *o = json_array_get_object_element(all, i);
		if (json_object_has_member(o, "witness"))
			json_object_set_null_member(json_object_get_object_member(o, "witness"),
						    "scripted_until_ns");
		say(run, o, "PASS");
	}
}

static void scripted_never(JsonObject *run, JsonObject *criterion)
{
	json_object_set_int_member(json_object_get_object_member(criterion, "witness"),
				   "scripted_until_ns", 0);
	say(run, criterion, "INVALID");
}

static void when_the_stimulus_went_wrong_is_checked(void)
{
	/* Of a run as scripted it is not even read. */
	CU_ASSERT_EQUAL(after(GOOD, scripted_never), 4);
	CU_ASSERT_EQUAL(after(LATE, scripted_never), 4);
	CU_ASSERT_EQUAL(after(LATE, scripted_later), 4);
	CU_ASSERT_EQUAL(after(SILENT, scripted_later), 4);
}

/* The same folder with a redacted copy of its session. */
static int redacted(int run, const char *what, Forgery forgery, char **ret_said)
{
	g_autofree char *from = g_build_filename(runs[run], "session.mcap", NULL),
			*to = g_build_filename(forged, "session.mcap", NULL),
			*line = g_strdup_printf("session redact %s --reason test %s -o %s", from,
						what, to);
	after(run, forgery);
	g_unlink(to);
	g_auto(CliResult) r = cli_run(line);
	if (r.code != 0)
		fprintf(stderr, "%s: %s%s", line, r.out, r.err);
	return check(forged, ret_said);
}

static void a_redacted_copy_is_never_called_wrong(void)
{
	static const char *const what[] = {
		"--signal room.temperature", "--signal pan.temperature@10-20",
		"--signal product.heartbeat@5-9", "--signal health.input.consumed"};
	for (int run = GOOD; run < RUNS; run++) { /* each with one of them: they are slow */
		g_autofree char *said = NULL;
		int code = redacted(run, what[run], nothing, &said);
		CU_ASSERT_EQUAL(code, 3);
		if (code != 3)
			fprintf(stderr, "run %d, %s: %s", run, what[run], said);
	}
}

static void another_verdict_beside_a_redacted_copy_is_caught(void)
{
	g_autofree char *said = NULL;
	CU_ASSERT_EQUAL(redacted(LATE, "--signal room.temperature", all_to_pass, &said), 4);
}

static void another_run_is_caught(void)
{
	CU_ASSERT_EQUAL(after(LATE, fewer_criteria), 4);
	CU_ASSERT_EQUAL(after(LATE, left_out), 4);
	CU_ASSERT_EQUAL(after(GOOD, other_session), 4);
	CU_ASSERT_EQUAL(after(GOOD, physical), 4);
}

static void what_is_no_run_is_bad_input(void)
{
	g_autofree char *out = NULL;
	CU_ASSERT_EQUAL(check("/nonexistent", &out), 2);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {UNIT(every_verdict_of_the_demo_verifies),
					 UNIT(a_flipped_verdict_is_caught),
					 UNIT(a_changed_number_is_caught),
					 UNIT(a_changed_or_missing_witness_is_caught),
					 UNIT(when_the_stimulus_went_wrong_is_checked),
					 UNIT(another_run_is_caught),
					 UNIT(a_redacted_copy_is_never_called_wrong),
					 UNIT(another_verdict_beside_a_redacted_copy_is_caught),
					 UNIT(what_is_no_run_is_bad_input)};
	bool ready = play();
	int code = ready ? unit_run("checker.tamper", tests, G_N_ELEMENTS(tests), argc, argv) : 1;
	tidy();
	return code;
}
