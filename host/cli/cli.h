/* What every command of `anzen` shares: options, messages, JSON, exit codes. Private to host/cli.
 *
 * A command is one file cmd_NAME.c, one row in commands.def and, when it reads a new kind of file, one row in
 * kinds.def:
 *
 *	int cmd_score(int argc, char **argv, CliContext *cli)
 *	{
 *		g_autofree char *pack = NULL;
 *		const GOptionEntry options[] = {
 *			{"criteria", 'c', 0, G_OPTION_ARG_FILENAME, &pack, N_("judge with this pack"), "PACK"},
 *			{NULL}};
 *		if (!cli_parse(cli, &argc, &argv, options, 1, 1))
 *			return cli->exit;
 *		g_autoptr(GError) error = NULL;
 *		g_autoptr(Recording) recording = session_load(argv[1], &error);
 *		if (!recording)
 *			return cli_fail(cli, error);
 *		…
 *	}
 *
 * Standard output carries the result (with --json exactly one object), standard error everything else. Main thread.
 */
#ifndef ANZEN_CLI_CLI_H
#define ANZEN_CLI_CLI_H

#include <anzen/base.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

typedef struct CliContext CliContext;

typedef struct CliCommand {
	const char *name; /* "check", or two words: "rig check" */
	int (*run)(int argc, char **argv,
		   CliContext *cli); /* argv[0] is the command's name; returns an AnzenExit */
	const char *synopsis;        /* "FILE…", as in commands.md */
	const char *summary;         /* N_("…"): one line; translated when shown */
} CliCommand;

struct CliContext {
	const CliCommand *command;
	char *self; /* path of the running program */
	char *bin_dir; /* its folder: anzen-world, anzen-launch and the reference products stand beside it */
	bool json;        /* --json */
	const char *lang; /* "en" or "ja", never NULL */
	const char *
		examples; /* shown below the options by --help; set before cli_parse(); NULL: none */
	int exit;         /* set when cli_parse() returns false */
};

extern const CliCommand cli_commands[];
extern const size_t cli_n_commands;

/* Read the options of the command (its own and --help). False when the command must end at once with cli->exit: help
 * was shown, or the usage was wrong (exit 2, one line with what was expected). After true, argv[1] … argv[argc-1] are the
 * operands, min ≤ argc-1 ≤ max (max -1: any number). --json and --lang are already taken out. */
bool cli_parse(CliContext *cli, int *argc, char ***argv, const GOptionEntry *options, int min,
	       int max);

/* Print "anzen: error: …" on standard error, with --json also {"errors": [{…, "message"}]} on standard output; returns the
 * exit code that fits. */
int cli_fail(CliContext *cli, const GError *error);
int cli_fail_text(CliContext *cli, AnzenExit exit, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same for file:line:col problems: all of them, and 2 when there was an error. Prints the JSON object only when
 * there was one, so that a command can go on after warnings. */
int cli_diagnostics(CliContext *cli, const Diagnostics *diag);

/* {"errors": [{file, line, column, message}…]} begun by the caller, for commands with more keys. */
void cli_json_errors(JsonBuilder *builder, const Diagnostics *diag);

/* One JSON object on standard output, with a newline. */
void cli_print_json(JsonBuilder *builder);

/* A member of the object that is being built. NULL, NaN and infinities become null. */
void cli_json_text(JsonBuilder *builder, const char *name, const char *value);
void cli_json_number(JsonBuilder *builder, const char *name, double value);
void cli_json_int(JsonBuilder *builder, const char *name, int64_t value);

/* Says which file was written, as a line or as {"path": …}: ANZEN_EXIT_PASS. */
int cli_written(const CliContext *cli, const char *path);

/* Width of the terminal behind a stream, 0 when it is none. */
int cli_columns(FILE *stream);

/* The English or Japanese one. */
const char *cli_choose(const CliContext *cli, const char *en, const char *ja);

#endif
