#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const char *cli_choose(const CliContext *cli, const char *en, const char *ja)
{
	return !strcmp(cli->lang, "ja") && ja && *ja ? ja : en;
}

/* ---- options ---------------------------------------------------------------------------------------- */

static void show_help(CliContext *cli, GOptionContext *context)
{
	g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
	(void)cli;
	fputs(text, stdout);
}

static GOptionContext *make_context(CliContext *cli, const GOptionEntry *options, gboolean *help)
{
	GOptionContext *context = g_option_context_new(cli->command->synopsis);
	const GOptionEntry common[] = {
		{"help", 'h', 0, G_OPTION_ARG_NONE, help, N_("show this help"), NULL},
		/* Taken out before, wherever they stood; listed for the help text. */
		{"json", 0, 0, G_OPTION_ARG_NONE, NULL,
		 N_("print one JSON object on standard output"), NULL},
		{"lang", 0, 0, G_OPTION_ARG_STRING, NULL, N_("language of messages and reports"),
		 "en|ja"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	static char *unused_text;
	static gboolean unused_flag;
	GOptionEntry listed[G_N_ELEMENTS(common)];
	memcpy(listed, common, sizeof listed);
	listed[1].arg_data = &unused_flag;
	listed[2].arg_data = &unused_text;
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_translation_domain(context, "anzenbench");
	g_option_context_set_summary(context, _(cli->command->summary));
	if (cli->examples)
		g_option_context_set_description(context, cli->examples);
	if (options)
		g_option_context_add_main_entries(context, options, "anzenbench");
	g_option_context_add_main_entries(context, listed, "anzenbench");
	return context;
}

static bool end(CliContext *cli, int exit)
{
	cli->exit = exit;
	return false;
}

bool cli_parse(CliContext *cli, int *argc, char ***argv, const GOptionEntry *options, int min,
	       int max)
{
	gboolean help = FALSE;
	g_autoptr(GError) error = NULL;
	g_autofree char *name = g_strdup_printf("anzen %s", cli->command->name);
	g_autoptr(GOptionContext) context = make_context(cli, options, &help);
	g_set_prgname(name);
	gboolean parsed = g_option_context_parse(context, argc, argv, &error);
	if (help) {
		show_help(cli, context);
		return end(cli, ANZEN_EXIT_PASS);
	}
	if (!parsed)
		return end(cli,
			   cli_fail_text(cli, ANZEN_EXIT_INPUT, "%s: %s", name, error->message));
	/* GOption leaves the "--" that ended the options. */
	if (*argc > 1 && !strcmp((*argv)[1], "--")) {
		memmove(&(*argv)[1], &(*argv)[2], sizeof(char *) * (size_t)(*argc - 1));
		--*argc;
	}
	if (*argc - 1 < min || (max >= 0 && *argc - 1 > max))
		return end(cli, cli_fail_text(cli, ANZEN_EXIT_INPUT, _("%s operand; usage: %s %s"),
					      *argc - 1 < min ? _("missing") : _("unexpected"),
					      name, cli->command->synopsis));
	return true;
}

/* ---- errors ----------------------------------------------------------------------------------------- */

void cli_print_json(JsonBuilder *builder)
{
	g_autoptr(JsonNode) root = json_builder_get_root(builder);
	g_autofree char *text = json_to_string(root, TRUE);
	printf("%s\n", text);
	fflush(stdout);
}

static void json_error(JsonBuilder *b, const char *file, unsigned line, unsigned column,
		       const char *message)
{
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "file");
	if (file)
		json_builder_add_string_value(b, file);
	else
		json_builder_add_null_value(b);
	json_builder_set_member_name(b, "line");
	json_builder_add_int_value(b, line);
	json_builder_set_member_name(b, "column");
	json_builder_add_int_value(b, column);
	json_builder_set_member_name(b, "message");
	json_builder_add_string_value(b, message);
	json_builder_end_object(b);
}

static void print_one_error(const char *message)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "errors");
	json_builder_begin_array(b);
	json_error(b, NULL, 0, 0, message);
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

static int fail(CliContext *cli, int exit, const char *message)
{
	g_autofree char *valid = g_utf8_make_valid(message, -1);
	fprintf(stderr, "anzen: %s: %s\n", _("error"), valid);
	if (cli->json)
		print_one_error(valid);
	return exit;
}

int cli_fail(CliContext *cli, const GError *error)
{
	return fail(cli, (int)anzen_error_exit(error), error ? error->message : "?");
}

int cli_fail_text(CliContext *cli, AnzenExit exit, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	return fail(cli, (int)exit, message);
}

void cli_json_errors(JsonBuilder *builder, const Diagnostics *diag)
{
	json_builder_set_member_name(builder, "errors");
	json_builder_begin_array(builder);
	for (size_t i = 0; i < diagnostics_count(diag); i++) {
		const Diagnostic *d = diagnostics_get(diag, i);
		if (!d->warning)
			json_error(builder, d->file, d->line, d->column, d->message);
	}
	json_builder_end_array(builder);
}

int cli_diagnostics(CliContext *cli, const Diagnostics *diag)
{
	diagnostics_print(diag, stderr);
	if (diagnostics_errors(diag) == 0)
		return ANZEN_EXIT_PASS;
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		cli_json_errors(b, diag);
		json_builder_end_object(b);
		cli_print_json(b);
	}
	return ANZEN_EXIT_INPUT;
}

int cli_columns(FILE *stream)
{
	struct winsize size;
	int fd = fileno(stream);
	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void cli_json_text(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	if (value)
		json_builder_add_string_value(b, value);
	else
		json_builder_add_null_value(b);
}

/* json-glib writes a number whose shortest form is "1e-08" as "1e-08.0", which is no JSON: take the neighbour. */
static double printable(double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	g_ascii_dtostr(text, sizeof(text), value);
	return strchr(text, 'e') && !strchr(text, '.') ? nextafter(value, 0) : value;
}

void cli_json_number(JsonBuilder *b, const char *name, double value)
{
	json_builder_set_member_name(b, name);
	if (isfinite(value))
		json_builder_add_double_value(b, printable(value));
	else
		json_builder_add_null_value(b);
}

void cli_json_int(JsonBuilder *b, const char *name, int64_t value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, value);
}

int cli_written(const CliContext *cli, const char *path)
{
	if (!cli->json) {
		printf("%s\n", path);
		return ANZEN_EXIT_PASS;
	}
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	cli_json_text(b, "path", path);
	json_builder_end_object(b);
	cli_print_json(b);
	return ANZEN_EXIT_PASS;
}
