/* The operator's screen, through a real pseudo-terminal and the real program. */
#include "unit.h"

#include <anzen/base.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Terminal {
	pid_t pid;
	int fd;
	GString *seen; /* what was printed since the last wait_for() */
	GString *all;  /* what was ever printed */
	char *out;     /* folder of the runs */
} Terminal;

/* `anzen run pan-overheat` in lock-step on a terminal of the given width. */
static Terminal terminal_run(const char *lang, unsigned short columns)
{
	Terminal t = {.seen = g_string_new(NULL), .all = g_string_new(NULL)};
	t.out = g_dir_make_tmp("operator-XXXXXX", NULL);
	struct winsize size = {.ws_row = 30, .ws_col = columns};
	t.pid = forkpty(&t.fd, NULL, NULL, &size);
	if (t.pid == 0) {
		execl(ANZEN_BINARY_DIR "/bin/anzen", "anzen", "run", "--lock-step",
		      ANZEN_SOURCE_DIR "/scenarios/stove-guard/pan-overheat.yaml", "--rig",
		      ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml", "--product",
		      ANZEN_SOURCE_DIR "/products/stove-guard/product.yaml", "--lang", lang, "-o",
		      t.out, NULL);
		_exit(127);
	}
	return t;
}

/* Read until `text` has come; false at the end of output or after a minute without a byte. */
static bool wait_for(Terminal *t, const char *text)
{
	for (;;) {
		const char *found = strstr(t->seen->str, text);
		if (found) {
			g_string_erase(t->seen, 0, (gssize)(found + strlen(text) - t->seen->str));
			return true;
		}
		struct pollfd in = {t->fd, POLLIN, 0};
		char some[4096];
		ssize_t n = poll(&in, 1, 60000) == 1 ? read(t->fd, some, sizeof(some)) : -1;
		if (n <= 0)
			return false;
		g_string_append_len(t->seen, some, n);
		g_string_append_len(t->all, some, n);
	}
}

static void press(Terminal *t, const char *keys)
{
	CU_ASSERT_EQUAL(write(t->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static int terminal_end(Terminal *t)
{
	while (wait_for(t, "\n"))
		;
	int status = 0;
	waitpid(t->pid, &status, 0);
	close(t->fd);
	g_string_free(t->seen, TRUE);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void forget(Terminal *t)
{
	const char *argv[] = {"rm", "-rf", t->out, NULL};
	g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
		     NULL, NULL, NULL);
	g_string_free(t->all, TRUE);
	g_free(t->out);
}

/* Events of all sessions below the folder, as `anzen session cat` prints them. */
static char *events_of(const Terminal *t)
{
	g_autofree char *loop = g_strdup_printf("for s in %s/*/session.mcap; do " ANZEN_BINARY_DIR
						"/bin/anzen session cat $s; done",
						t->out);
	const char *argv[] = {"sh", "-c", loop, NULL};
	char *out = NULL;
	g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
		     NULL, NULL, NULL);
	return out ? out : g_strdup("");
}

static void run_asks_keeps_notes_and_offers_to_repeat(void)
{
	Terminal t = terminal_run("en", 90);
	CU_ASSERT_TRUE(wait_for(&t, "» Put the empty test pan on the plate"));
	CU_ASSERT_TRUE(wait_for(&t, "1 done  (Enter)"));
	CU_ASSERT_TRUE(wait_for(&t, "2 cannot"));
	press(&t, "npan wob\x7f\x7f"
		  "obbles 準備\r");
	CU_ASSERT_TRUE(wait_for(&t, "note 1 kept: pan wobbles 準備"));
	press(&t, "nnever mind\x1b");
	press(&t, "\r");
	CU_ASSERT_TRUE(wait_for(&t, "living/stove-guard/shut-off-delay"));
	CU_ASSERT_TRUE(wait_for(&t, "PASS"));
	CU_ASSERT_TRUE(wait_for(&t, "r repeat"));
	press(&t, "r");
	CU_ASSERT_TRUE(wait_for(&t, "» Put the empty test pan on the plate"));
	press(&t, "1");
	CU_ASSERT_TRUE(wait_for(&t, "r repeat"));
	press(&t, "q");
	CU_ASSERT_EQUAL(terminal_end(&t), 0);
	g_autofree char *events = events_of(&t);
	CU_ASSERT_PTR_NOT_NULL(strstr(events, "pan wobbles 準備"));
	CU_ASSERT_PTR_NULL(strstr(events, "never mind"));
	forget(&t);
}

static void stop_at_the_question_ends_the_run_before_it_began(void)
{
	Terminal t = terminal_run("en", 90);
	CU_ASSERT_TRUE(wait_for(&t, "s Stop (software)"));
	press(&t, "s");
	CU_ASSERT_TRUE(wait_for(&t, "stopped by the operator before the run began"));
	CU_ASSERT_TRUE(wait_for(&t, "r repeat"));
	press(&t, "q");
	CU_ASSERT_EQUAL(terminal_end(&t), 4);
	forget(&t);
}

static void no_line_is_wider_than_the_screen(void)
{
	enum { COLUMNS = 60 };
	Terminal t = terminal_run("ja", COLUMNS);
	CU_ASSERT_TRUE(wait_for(&t, "空の試験用鍋をプレートに置いてください"));
	press(&t, "\r");
	CU_ASSERT_TRUE(wait_for(&t, "適合  living/stove-guard/shut-off-delay"));
	CU_ASSERT_TRUE(wait_for(&t, "report.html"));
	press(&t, "q");
	CU_ASSERT_EQUAL(terminal_end(&t), 0);
	const char *block =
		g_strrstr(t.all->str, "\033[J"); /* the table follows the last erasure */
	CU_ASSERT_PTR_NOT_NULL_FATAL(block);
	g_auto(GStrv) lines = g_strsplit(block + strlen("\033[J"), "\r\n", -1);
	for (int i = 0; lines[i]; i++)
		if (!strstr(lines[i], "report.html")) /* a path is not cut */
			CU_ASSERT_TRUE(text_columns(lines[i]) <= COLUMNS);
	CU_ASSERT_TRUE(g_strv_length(lines) > 8);
	forget(&t);
}

UNIT_MAIN("cli.operator", UNIT(run_asks_keeps_notes_and_offers_to_repeat),
	  UNIT(stop_at_the_question_ends_the_run_before_it_began),
	  UNIT(no_line_is_wider_than_the_screen))
