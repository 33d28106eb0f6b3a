#include "help.h"

#include "cli.h"

#include <string.h>

static bool in_group(const CliCommand *c, const char *group)
{
	return !group || (g_str_has_prefix(c->name, group) && c->name[strlen(group)] == ' ');
}

void help_print_list(const char *group, FILE *out)
{
	glong widest = 0;
	for (size_t i = 0; i < cli_n_commands; i++)
		if (in_group(&cli_commands[i], group))
			widest = MAX(widest, (glong)strlen(cli_commands[i].name));
	fprintf(out, "%s\n\n", _("usage: anzen COMMAND [OPTION…] [OPERAND…]"));
	for (size_t i = 0; i < cli_n_commands; i++)
		if (in_group(&cli_commands[i], group))
			fprintf(out, "  %-*s  %s\n", (int)widest, cli_commands[i].name,
				_(cli_commands[i].summary));
	fprintf(out, "\n%s\n%s\n%s\n",
		_("'anzen COMMAND --help' shows a command's options. Everywhere: --json, --lang "
		  "en|ja."),
		_("Exit codes: 0 PASS or done, 1 FAIL, 2 bad input or usage, 3 INCONCLUSIVE, 4 "
		  "INVALID or bench fault."),
		_("'anzen --version' prints the version."));
}

/* ---- manual page ------------------------------------------------------------------------------------ */

static void print_roff(FILE *out, const char *text)
{
	for (const char *p = text; *p; p++)
		fputs(*p == '-' ? "\\-" : *p == '\\' ? "\\e" : (const char[]){*p, 0}, out);
}

void help_print_man(FILE *out)
{
	fprintf(out, ".TH ANZEN 1 \"\" \"anzenbench %s\" \"User Commands\"\n", ANZEN_VERSION);
	fputs(".SH NAME\nanzen \\- hardware-in-the-loop safety test bench\n.SH SYNOPSIS\n.B anzen\n"
	      ".I COMMAND\n[\\fIOPTION\\fR...] [\\fIOPERAND\\fR...]\n.SH COMMANDS\n",
	      out);
	for (size_t i = 0; i < cli_n_commands; i++) {
		fputs(".TP\n\\fBanzen ", out);
		print_roff(out, cli_commands[i].name);
		fputs("\\fR ", out);
		print_roff(out, cli_commands[i].synopsis);
		fputs("\n", out);
		print_roff(out, cli_commands[i].summary);
		fputs("\n", out);
	}
	fputs(".SH OPTIONS\n.TP\n\\fB\\-\\-json\\fR\nOne JSON object on standard output, messages "
	      "on standard error.\n"
	      ".TP\n\\fB\\-\\-lang\\fR en|ja\nLanguage of messages and reports.\n"
	      ".TP\n\\fB\\-\\-help\\fR\nOptions of a command.\n"
	      ".SH EXIT STATUS\n0 PASS or done; 1 FAIL; 2 bad input or usage; 3 INCONCLUSIVE; 4 "
	      "INVALID or bench fault.\n",
	      out);
}

/* ---- completion ------------------------------------------------------------------------------------- */

/* The --options that a synopsis names. */
static void add_options(GString *words, const char *synopsis)
{
	for (const char *p = strstr(synopsis, "--"); p; p = strstr(p, "--")) {
		size_t n = 2;
		while (g_ascii_islower(p[n]) || p[n] == '-')
			n++;
		if (n > 2)
			g_string_append_printf(words, " %.*s", (int)n, p);
		p += n;
	}
}

static void print_second_words(FILE *out, const char *group)
{
	fprintf(out, "\t%s) words=\"", group);
	for (size_t i = 0; i < cli_n_commands; i++)
		if (in_group(&cli_commands[i], group))
			fprintf(out, "%s ", strchr(cli_commands[i].name, ' ') + 1);
	fputs("\" ;;\n", out);
}

static void print_first_words(FILE *out)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fputs("\tlocal commands=\"--help --version", out);
	for (size_t i = 0; i < cli_n_commands; i++) {
		char *word = g_strndup(cli_commands[i].name, strcspn(cli_commands[i].name, " "));
		if (g_hash_table_add(seen, word))
			fprintf(out, " %s", word);
	}
	fputs("\"\n", out);
}

void help_print_bash_completion(FILE *out)
{
	g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fputs("# bash completion for anzen, made by 'anzen help --completion bash'\n_anzen()\n{\n"
	      "\tlocal word=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n",
	      out);
	print_first_words(out);
	fputs("\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$commands\" -- "
	      "\"$word\")\n\t\treturn\n\tfi\n"
	      "\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n\tcase \"${COMP_WORDS[1]}\" in\n",
	      out);
	for (size_t i = 0; i < cli_n_commands; i++) {
		const char *blank = strchr(cli_commands[i].name, ' ');
		char *group = blank ? g_strndup(cli_commands[i].name,
						(gsize)(blank - cli_commands[i].name))
				    : NULL;
		if (group && g_hash_table_add(groups, group))
			print_second_words(out, group);
	}
	fputs("\tesac\n\tfi\n\tcase \"$word\" in\n\t-*)\n\t\tcase \"${COMP_WORDS[1]} "
	      "${COMP_WORDS[2]}\" in\n",
	      out);
	for (size_t i = 0; i < cli_n_commands; i++) {
		g_autoptr(GString) options = g_string_new("--help --json --lang");
		add_options(options, cli_commands[i].synopsis);
		fprintf(out, "\t\t\"%s%s\"*) words=\"%s\" ;;\n", cli_commands[i].name,
			strchr(cli_commands[i].name, ' ') ? "" : " ", options->str);
	}
	fputs("\t\tesac ;;\n\tesac\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"; compgen -f -- "
	      "\"$word\")\n}\n"
	      "complete -o filenames -F _anzen anzen\n",
	      out);
}
