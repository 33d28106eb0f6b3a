/* Runs build/bin/anzen as a user would, with nothing on standard input. */
#ifndef ANZEN_TESTS_CLI_RUN_H
#define ANZEN_TESTS_CLI_RUN_H

#include <glib.h>
#include <sys/wait.h>

typedef struct {
	int code; /* -1: killed by a signal */
	char *out, *err;
} CliResult;

static inline void cli_result_clear(CliResult *r)
{
	g_free(r->out);
	g_free(r->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CliResult, cli_result_clear)

/* `line`: shell words after "anzen". The locale is C, so that messages are English unless --lang says otherwise. */
static inline CliResult cli_run(const char *line)
{
	CliResult r = {.code = -1};
	int status = 0;
	g_auto(GStrv) words = NULL;
	g_autofree char *all = g_strdup_printf("%s/bin/anzen %s", ANZEN_BINARY_DIR, line);
	g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "LC_ALL", "C", TRUE);
	if (g_shell_parse_argv(all, NULL, &words, NULL) &&
	    g_spawn_sync(ANZEN_SOURCE_DIR, words, env, G_SPAWN_DEFAULT, NULL, NULL, &r.out, &r.err,
			 &status, NULL) &&
	    WIFEXITED(status))
		r.code = WEXITSTATUS(status);
	return r;
}

#endif
