#include "cli.h"
#include "help.h"

#include <stdio.h>
#include <string.h>

int cmd_help(int argc, char **argv, CliContext *cli);

static int help_of(CliContext *cli, const char *name)
{
	for (size_t i = 0; i < cli_n_commands; i++)
		if (!strcmp(cli_commands[i].name, name)) {
			char option[] = "--help";
			char *args[] = {option, option, NULL};
			cli->command = &cli_commands[i];
			return cli_commands[i].run(2, args, cli);
		}
	return cli_fail_text(cli, ANZEN_EXIT_INPUT,
			     _("unknown command '%s'; 'anzen --help' lists them"), name);
}

int cmd_help(int argc, char **argv, CliContext *cli)
{
	gboolean man = FALSE;
	g_autofree char *shell = NULL;
	const GOptionEntry options[] = {
		{"man", 0, 0, G_OPTION_ARG_NONE, &man, N_("print the manual page (roff)"), NULL},
		{"completion", 0, 0, G_OPTION_ARG_STRING, &shell, N_("print a completion script"),
		 "bash"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	if (!cli_parse(cli, &argc, &argv, options, 0, 2))
		return cli->exit;
	if (shell && strcmp(shell, "bash") != 0)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("completion exists for bash, not for '%s'"), shell);
	if (argc > 1) {
		g_autofree char *name = g_strjoinv(" ", argv + 1);
		return help_of(cli, name);
	}
	if (man)
		help_print_man(stdout);
	else if (shell)
		help_print_bash_completion(stdout);
	else
		help_print_list(NULL, stdout);
	return ANZEN_EXIT_PASS;
}
