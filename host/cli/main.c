/* anzen: one program, one file a command. Finds the command in the table, takes --json and --lang wherever they stand, and
 * runs it. */
#include "cli.h"
#include "help.h"

#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- language --------------------------------------------------------------------------------------- */

/* gettext follows LANGUAGE in any locale but "C", so that Japanese works where only C.UTF-8 is installed. LC_NUMERIC stays
 * "C": files and JSON never depend on the locale. */
static void set_language(CliContext *cli, const char *lang)
{
	static const char *const locales[] = {"C.UTF-8", "en_US.UTF-8", "ja_JP.UTF-8", ""};
	cli->lang = lang;
	g_setenv("LANGUAGE", lang, TRUE);
	for (size_t i = 0; i < G_N_ELEMENTS(locales); i++)
		if (setlocale(LC_ALL, locales[i]))
			break;
	setlocale(LC_NUMERIC, "C");
	g_autofree char *beside = g_build_filename(cli->bin_dir, "..", "share", "locale", NULL);
	bindtextdomain("anzenbench", beside);
	bind_textdomain_codeset("anzenbench", "UTF-8");
	textdomain("anzenbench");
}

static const char *language_of_environment(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
		const char *value = getenv(variables[i]);
		if (value && *value)
			return g_str_has_prefix(value, "ja") ? "ja" : "en";
	}
	return "en";
}

/* ---- common options --------------------------------------------------------------------------------- */

typedef struct {
	const char *lang;
	bool json, bad_lang;
} Common;

/* Take --json and --lang out of argv, up to a "--". */
static Common take_common(int *argc, char **argv)
{
	Common common = {0};
	int kept = 1;
	bool options = true;
	for (int i = 1; i < *argc; i++) {
		options = options && strcmp(argv[i], "--") != 0;
		if (options && !strcmp(argv[i], "--json"))
			common.json = true;
		else if (options && !strcmp(argv[i], "--lang"))
			common.lang = i + 1 < *argc ? argv[++i] : "";
		else if (options && g_str_has_prefix(argv[i], "--lang="))
			common.lang = argv[i] + strlen("--lang=");
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	*argc = kept;
	common.bad_lang =
		common.lang && strcmp(common.lang, "en") != 0 && strcmp(common.lang, "ja") != 0;
	return common;
}

/* ---- commands --------------------------------------------------------------------------------------- */

/* The row whose words begin argv; two words win over one. */
static const CliCommand *find_command(int argc, char **argv, int *ret_words)
{
	for (int words = MIN(2, argc - 1); words > 0; words--) {
		g_autofree char *name =
			words == 2 ? g_strdup_printf("%s %s", argv[1], argv[2]) : g_strdup(argv[1]);
		for (size_t i = 0; i < cli_n_commands; i++)
			if (!strcmp(cli_commands[i].name, name)) {
				*ret_words = words;
				return &cli_commands[i];
			}
	}
	return NULL;
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < cli_n_commands; i++)
		if (g_str_has_prefix(cli_commands[i].name, word) &&
		    cli_commands[i].name[strlen(word)] == ' ')
			return true;
	return false;
}

static int unknown_command(CliContext *cli, int argc, char **argv)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (size_t i = 0; i < cli_n_commands; i++)
		g_ptr_array_add(names, (gpointer)(uintptr_t)cli_commands[i].name);
	g_ptr_array_add(names, NULL);
	g_autofree char *two = argc > 2 ? g_strdup_printf("%s %s", argv[1], argv[2]) : NULL;
	const char *near = two ? text_nearest(two, (const char *const *)names->pdata) : NULL;
	if (!near)
		near = text_nearest(argv[1], (const char *const *)names->pdata);
	if (near)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("unknown command '%s'; did you mean 'anzen %s'?"),
				     two && is_group(argv[1]) ? two : argv[1], near);
	return cli_fail_text(cli, ANZEN_EXIT_INPUT,
			     _("unknown command '%s'; 'anzen --help' lists them"),
			     two && is_group(argv[1]) ? two : argv[1]);
}

static int run_command(CliContext *cli, int argc, char **argv)
{
	int words = 0;
	const CliCommand *command = find_command(argc, argv, &words);
	if (!command && argc == 2 && is_group(argv[1])) {
		help_print_list(argv[1], stdout);
		return ANZEN_EXIT_INPUT;
	}
	if (!command && argc == 3 && is_group(argv[1]) && !strcmp(argv[2], "--help")) {
		help_print_list(argv[1], stdout);
		return ANZEN_EXIT_PASS;
	}
	if (!command)
		return unknown_command(cli, argc, argv);
	cli->command = command;
	argv += words;
	argc -= words;
	/* GOption writes into the vector: give it a copy that is freed whole. */
	g_auto(GStrv) copy = g_strdupv(argv);
	g_autofree char **rest = g_memdup2(copy, sizeof(char *) * (size_t)(argc + 1));
	return command->run(argc, rest, cli);
}

static int dispatch(CliContext *cli, int argc, char **argv)
{
	if (argc < 2) {
		help_print_list(NULL, stderr);
		return ANZEN_EXIT_INPUT;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help_print_list(NULL, stdout);
		return ANZEN_EXIT_PASS;
	}
	if (!strcmp(argv[1], "--version")) {
		if (cli->json)
			printf("{\"version\": \"%s\"}\n", ANZEN_VERSION);
		else
			printf("anzen %s\n", ANZEN_VERSION);
		return ANZEN_EXIT_PASS;
	}
	return run_command(cli, argc, argv);
}

int main(int argc, char **argv)
{
	Common common = take_common(&argc, argv);
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	CliContext cli = {.json = common.json};
	cli.self = self ? self : argv[0];
	g_autofree char *bin_dir = g_path_get_dirname(cli.self);
	cli.bin_dir = bin_dir;
	set_language(&cli,
		     common.lang && !common.bad_lang ? common.lang : language_of_environment());
	if (common.bad_lang)
		return cli_fail_text(&cli, ANZEN_EXIT_INPUT, _("--lang is en or ja, not '%s'"),
				     common.lang);
	int code = dispatch(&cli, argc, argv);
	if (fflush(stdout) != 0 && code == ANZEN_EXIT_PASS)
		return cli_fail_text(&cli, ANZEN_EXIT_INVALID,
				     _("cannot write to standard output"));
	return code;
}
