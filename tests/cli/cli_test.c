#include <anzen/base.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <unistd.h>

#include "run.h"
#include "unit.h"

/* Exit code, and words that standard output and standard error must contain (NULL: must be empty). */
static void expect(const char *line, int code, const char *out, const char *err)
{
	g_auto(CliResult) r = cli_run(line);
	bool right = r.code == code && r.out && r.err &&
		     (out ? strstr(r.out, out) != NULL : !*r.out) &&
		     (err ? strstr(r.err, err) != NULL : !*r.err);
	if (!right)
		fprintf(stderr, "anzen %s\n code %d\n out %s\n err %s\n", line, r.code, r.out,
			r.err);
	CU_ASSERT_TRUE(right);
}

static void help_goes_to_stdout_and_usage_errors_to_stderr(void)
{
	expect("--help", 0, "check ", NULL);
	expect("", 2, NULL, "usage: anzen COMMAND");
	expect("check --help", 0, "anzen check [OPTION", NULL);
	expect("help check", 0, "FILE…", NULL);
	expect("check", 2, NULL, "missing operand; usage: anzen check FILE…");
	expect("check --foo", 2, NULL, "Unknown option --foo");
	expect("--version extra", 0, "anzen ", NULL);
}

static void unknown_commands_get_a_suggestion(void)
{
	expect("chekc", 2, NULL, "unknown command 'chekc'; did you mean 'anzen check'?");
	expect("frobnicate", 2, NULL, "unknown command 'frobnicate'; 'anzen --help' lists them");
}

static void language_follows_the_option_even_in_the_c_locale(void)
{
	expect("--help --lang ja", 0, "使い方: anzen", NULL);
	expect("--lang=ja --help", 0, "使い方: anzen", NULL);
	expect("chekc --lang ja", 2, NULL, "「anzen check」ではありませんか");
	expect("--lang fr --help", 2, NULL, "--lang is en or ja, not 'fr'");
	expect("--help --lang", 2, NULL, "--lang is en or ja, not ''");
}

static JsonObject *parse(JsonParser *parser, const char *text)
{
	g_autoptr(GError) error = NULL;
	UNIT_OK(json_parser_load_from_data(parser, text, -1, &error), error);
	JsonNode *root = json_parser_get_root(parser);
	return root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
}

static void check_reports_file_line_column_in_text_and_json(void)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "anzen-cli-test-XXXXXX", NULL);
	int fd = g_mkstemp(path);
	g_file_set_contents(path, "anzen: nothing/1\n", -1, NULL);
	g_autofree char *line = g_strdup_printf("check --json %s /nowhere.yaml", path);
	g_auto(CliResult) r = cli_run(line);
	CU_ASSERT_EQUAL(r.code, 2);
	g_autofree char *place = g_strdup_printf("%s:1:8: error: unknown kind 'nothing/1'", path);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err, place));
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonObject *object = parse(parser, r.out);
	JsonArray *errors = object ? json_object_get_array_member(object, "errors") : NULL;
	CU_ASSERT(errors && json_array_get_length(errors) == 2);
	if (errors && json_array_get_length(errors) == 2) {
		JsonObject *first = json_array_get_object_element(errors, 0);
		CU_ASSERT_STRING_EQUAL(json_object_get_string_member(first, "file"), path);
		CU_ASSERT_EQUAL(json_object_get_int_member(first, "line"), 1);
		CU_ASSERT_EQUAL(json_object_get_int_member(first, "column"), 8);
	}
	g_unlink(path);
	close(fd);
}

static void usage_errors_are_json_objects_too(void)
{
	g_auto(CliResult) r = cli_run("check --json");
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonObject *object = parse(parser, r.out);
	CU_ASSERT_EQUAL(r.code, 2);
	CU_ASSERT(object && json_object_has_member(object, "errors"));
}

static void words_after_two_dashes_are_operands(void)
{
	expect("check -- --json", 2, NULL, "--json: error: cannot open");
}

static void manual_and_completion_name_every_command(void)
{
	g_auto(CliResult) list = cli_run("--help"), man = cli_run("help --man"),
			  bash = cli_run("help --completion bash");
	g_auto(GStrv) lines = g_strsplit(list.out, "\n", -1);
	int commands = 0;
	for (char **l = lines; *l; l++) {
		if (!g_str_has_prefix(*l, "  "))
			continue;
		g_autofree char *name = g_strndup(*l + 2, strcspn(*l + 2, " "));
		CU_ASSERT_PTR_NOT_NULL(strstr(man.out, name));
		CU_ASSERT_PTR_NOT_NULL(strstr(bash.out, name));
		commands++;
	}
	CU_ASSERT(commands >= 3);
	/* bash itself must accept the script. */
	int status = -1;
	char bash_path[] = "bash", n[] = "-n", c[] = "-c";
	char *argv[] = {bash_path, n, c, bash.out, NULL};
	CU_ASSERT_TRUE(g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
				    &status, NULL));
	CU_ASSERT_EQUAL(status, 0);
}

/* 299 and 473: the printed table of reliability demonstrations at 99 %/95 % with no and one failure; 32: see
 * metrology.repeats. */
static void the_planner_says_how_many_runs(void)
{
	expect("plan repeats --at-least 99 % --confidence 95 %", 0,
	       "299 runs with at most 0 failures", NULL);
	expect("plan repeats --at-least 99% --failures 1", 0, "473 runs with at most 1", NULL);
	expect("plan repeats --at-least 0.99 --runs 500 --json", 0, "\"permitted_failures\" : 1",
	       NULL);
	expect("plan repeats --at-least 90% --true-rate 98% --power 80% --json", 0, "\"n\" : 61",
	       NULL);
	expect("plan repeats --at-least 90% --sequential 99%", 0, "after 32 runs", NULL);
	expect("plan repeats --at-least 90% --lang ja", 0, "29 回中", NULL);
	expect("plan repeats --at-least 99", 2, NULL, "not '99'");
	expect("plan repeats --at-least 99% --sequential 90%", 2, NULL, "above --at-least");
	expect("plan repeats --at-least 99% --runs 10", 2, NULL, "so few runs");
	expect("plan repeats --at-least 99% --power 80% --true-rate 98%", 2, NULL, "no better");
}

UNIT_MAIN("cli", UNIT(help_goes_to_stdout_and_usage_errors_to_stderr),
	  UNIT(unknown_commands_get_a_suggestion),
	  UNIT(language_follows_the_option_even_in_the_c_locale),
	  UNIT(check_reports_file_line_column_in_text_and_json),
	  UNIT(usage_errors_are_json_objects_too), UNIT(words_after_two_dashes_are_operands),
	  UNIT(manual_and_completion_name_every_command), UNIT(the_planner_says_how_many_runs))
