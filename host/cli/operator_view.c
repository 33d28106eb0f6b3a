#include "operator_view.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { BAR = 32 };

struct OperatorView {
	const CliContext *cli;
	char *title;
	bool interactive, tty, drawn, raw;
	struct termios before;
	char state[32];
	char note[256]; /* being typed */
	bool typing;
};

/* Keys without Enter, and without echo; Ctrl-C stays a signal. */
static void raw_on(OperatorView *v)
{
	struct termios t;
	if (!v->tty || v->raw || tcgetattr(STDIN_FILENO, &v->before))
		return;
	t = v->before;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	v->raw = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
}

static void raw_off(OperatorView *v)
{
	if (v->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &v->before);
	v->raw = false;
}

OperatorView *operator_view_new(const CliContext *cli, const char *title, bool interactive)
{
	OperatorView *v = g_new0(OperatorView, 1);
	v->cli = cli;
	v->title = g_strdup(title);
	v->tty = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	v->interactive = interactive && v->tty;
	raw_on(v);
	return v;
}

void operator_view_free(OperatorView *v)
{
	if (!v)
		return;
	raw_off(v);
	if (v->drawn)
		fputc('\n', stderr);
	g_free(v->title);
	g_free(v);
}

/* A key that has been pressed, 0 for none within timeout_ms. */
static int key(OperatorView *v, int timeout_ms)
{
	struct pollfd in = {STDIN_FILENO, POLLIN, 0};
	char c;
	if (!v->raw || poll(&in, 1, timeout_ms) <= 0 || read(STDIN_FILENO, &c, 1) != 1)
		return 0;
	return (unsigned char)c;
}

static void draw(OperatorView *v, const RunStatus *s)
{
	int filled =
		isfinite(s->t_s) && s->end_s > 0 ? (int)(BAR * CLAMP(s->t_s / s->end_s, 0, 1)) : 0;
	char bar[BAR + 1];
	for (int i = 0; i < BAR; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR] = 0;
	fprintf(stderr, "%s\r\033[J", v->drawn ? "\033[2A" : "");
	fprintf(stderr, "%-40.40s  [%s]\n", v->title, s->state);
	if (isfinite(s->t_s))
		fprintf(stderr, "%s %6.1f / %.1f s  %s\n", bar, s->t_s, s->end_s,
			s->doing ? s->doing : "");
	else
		fprintf(stderr, "%s %s\n", bar, s->doing ? s->doing : "");
	if (v->typing)
		fprintf(stderr, _("note: %s_"), v->note);
	else
		fputs(_("s Stop (software)   n note"), stderr);
	fflush(stderr);
	v->drawn = true;
}

static void take_note_key(OperatorView *v, int c, RunAnswer *ret)
{
	size_t n = strlen(v->note);
	if (c == '\n' || c == '\r') {
		if (n)
			ret->note = g_strdup(v->note);
		v->typing = false;
	} else if (c == 0x7f || c == 8) {
		if (n)
			v->note[n - 1] = 0;
	} else if (n + 1 < sizeof(v->note)) {
		v->note[n] = (char)c;
		v->note[n + 1] = 0;
	}
}

static void take_keys(OperatorView *v, RunAnswer *ret)
{
	for (int c; (c = key(v, 0)) != 0;) {
		if (v->typing) {
			take_note_key(v, c, ret);
		} else if (c == 's') {
			ret->stop = true;
		} else if (c == 'n') {
			v->typing = true;
			v->note[0] = 0;
		}
	}
}

/* Show the question, wait for a digit (or Enter for the first choice, s for Stop). */
static void ask(OperatorView *v, const RunStatus *s, RunAnswer *ret)
{
	fprintf(stderr, "%s%s\n", v->drawn ? "\n" : "", s->prompt);
	if (!v->interactive)
		return;
	for (int i = 0; s->choices[i]; i++)
		fprintf(stderr, "  %d %s%s\n", i + 1, s->choices[i], i ? "" : _("  (Enter)"));
	fputs(_("  s Stop (software)\n"), stderr);
	int n = (int)g_strv_length((GStrv)(uintptr_t)s->choices);
	for (;;) {
		int c = key(v, -1);
		if (c == 's' || c == 0) {
			ret->stop = true;
			return;
		}
		int choice = c == '\n' || c == '\r' ? 0 : c - '1';
		if (choice >= 0 && choice < n) {
			ret->choice = choice;
			v->drawn = false;
			return;
		}
	}
}

void operator_view_progress(void *user, const RunStatus *s, RunAnswer *ret)
{
	OperatorView *v = user;
	if (s->prompt) {
		ask(v, s, ret);
		return;
	}
	if (v->tty) {
		draw(v, s);
		take_keys(v, ret);
	} else if (strcmp(v->state, s->state)) {
		fprintf(stderr, "%s: %s%s%s\n", v->title, s->state, s->doing ? ": " : "",
			s->doing ? s->doing : "");
	}
	g_strlcpy(v->state, s->state, sizeof(v->state));
}

bool operator_view_ask_repeat(OperatorView *v)
{
	if (!v->interactive)
		return false;
	fputs(_("\nr repeat, any other key: done\n"), stderr);
	v->drawn = false;
	return key(v, -1) == 'r';
}
