#include "operator_view.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

enum { BAR = 32, NARROWEST = 40, WIDEST = 100 };

struct OperatorView {
	const CliContext *cli;
	char *title;
	bool interactive, tty, raw;
	struct termios before;
	int lines;      /* of the block on the screen, the cursor is at the end of the last */
	char state[32]; /* last one told, as the run names it */
	GString *note;  /* being typed, NULL: none is */
	char *last_note;
	unsigned notes;
	bool stopping;
};

/* The run's words for its states and doings, for the translators; they arrive as English text. */
static const char *const words[] G_GNUC_UNUSED = {
	N_("Idle"),     N_("Preflight"),   N_("Armed"),      N_("Live"),
	N_("Stopping"), N_("Finishing"),   N_("Done"),       N_("setup"),
	N_("rig"),      N_("settling"),    N_("done"),       N_("waiting for the product"),
	N_("cannot"),   N_("making safe"), N_("perturbing"), N_("replay"),
};

static const char *word(const char *text)
{
	return text && *text ? _(text) : "";
}

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

/* ---- the block of lines ------------------------------------------------------------------------------- */

static int screen_width(void)
{
	return CLAMP(cli_columns(stderr) - 1, NARROWEST, WIDEST);
}

static void erase(OperatorView *v)
{
	if (v->lines > 1)
		fprintf(stderr, "\033[%dA", v->lines - 1);
	if (v->lines > 0)
		fputs("\r\033[J", stderr);
	v->lines = 0;
}

/* Text of any length, `indent` columns in from the second line on. */
static void add(GPtrArray *lines, const char *text, int indent)
{
	g_auto(GStrv) parts = text_wrap(text, screen_width() - indent);
	for (int i = 0; parts[i]; i++)
		g_ptr_array_add(lines, g_strdup_printf("%*s%s", i ? indent : 0, "", parts[i]));
}

static void show(OperatorView *v, GPtrArray *lines)
{
	erase(v);
	for (guint i = 0; i < lines->len; i++)
		fprintf(stderr, "%s%s", i ? "\n" : "", (char *)g_ptr_array_index(lines, i));
	fflush(stderr);
	v->lines = (int)lines->len;
}

static void add_head(const OperatorView *v, GPtrArray *lines, const char *state)
{
	const char *name = v->stopping ? _("Stopping") : word(state);
	int gap = screen_width() - text_columns(v->title) - text_columns(name);
	if (gap > 0)
		g_ptr_array_add(lines,
				g_strdup_printf("%s%*s\033[1m%s\033[0m", v->title, gap, "", name));
	else
		add(lines, v->title, 0);
}

static void add_time(GPtrArray *lines, const RunStatus *s)
{
	if (!isfinite(s->t_s)) {
		add(lines, word(s->doing), 0);
		return;
	}
	int filled = s->end_s > 0 ? (int)(BAR * CLAMP(s->t_s / s->end_s, 0, 1)) : 0;
	GString *bar = g_string_new(NULL);
	for (int i = 0; i < BAR; i++)
		g_string_append(bar, i < filled ? "█" : "░");
	g_string_append_printf(bar, " %5.1f / %.1f s  %s", s->t_s, s->end_s, word(s->doing));
	add(lines, bar->str, 0);
	g_string_free(bar, TRUE);
}

static void add_notes(const OperatorView *v, GPtrArray *lines)
{
	g_autofree char *text = NULL;
	if (v->note)
		text = g_strdup_printf(_("note: %s_"), v->note->str);
	else if (v->notes)
		text = g_strdup_printf(_("note %u kept: %s"), v->notes, v->last_note);
	if (text)
		add(lines, text, 2);
}

static void add_keys(const OperatorView *v, GPtrArray *lines)
{
	add(lines,
	    v->note ? _("Enter keeps the note, Esc drops it   Ctrl-C Stop (software)")
		    : _("s Stop (software)   n note"),
	    0);
}

static void draw(OperatorView *v, const RunStatus *s)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	add_head(v, lines, s->state);
	if (s->prompt) {
		g_autofree char *question = g_strdup_printf("» %s", s->prompt);
		add(lines, question, 2);
		for (int i = 0; s->choices[i]; i++) {
			g_autofree char *choice = g_strdup_printf(
				"  %d %s%s", i + 1, word(s->choices[i]), i ? "" : _("  (Enter)"));
			add(lines, choice, 4);
		}
	} else {
		add_time(lines, s);
	}
	add_notes(v, lines);
	add_keys(v, lines);
	show(v, lines);
}

/* ---- keys --------------------------------------------------------------------------------------------- */

/* A key that has been pressed, 0 for none within timeout_ms, for the end of input and for a signal. */
static int key(const OperatorView *v, int timeout_ms)
{
	struct pollfd in = {STDIN_FILENO, POLLIN, 0};
	char c;
	if (!v->raw || poll(&in, 1, timeout_ms) <= 0 || read(STDIN_FILENO, &c, 1) != 1)
		return 0;
	return (unsigned char)c;
}

static void drop_note(OperatorView *v)
{
	if (v->note)
		g_string_free(v->note, TRUE);
	v->note = NULL;
}

static void keep_note(OperatorView *v, RunAnswer *ret)
{
	g_autofree char *text = g_utf8_make_valid(v->note->str, -1);
	g_strstrip(text);
	if (*text) {
		/* two notes before the run asks again: both are kept, as lines of one */
		char *both = ret->note ? g_strjoin("\n", ret->note, text, NULL) : g_strdup(text);
		g_free(ret->note);
		ret->note = both;
		g_free(v->last_note);
		v->last_note = g_steal_pointer(&text);
		v->notes++;
	}
	drop_note(v);
}

static void rub_out(GString *text)
{
	const char *last = g_utf8_find_prev_char(text->str, text->str + text->len);
	if (last)
		g_string_truncate(text, (gsize)(last - text->str));
}

static void take_note_key(OperatorView *v, int c, RunAnswer *ret)
{
	enum { LONGEST = 2000, ESCAPE = 0x1b, DELETE = 0x7f };
	if (c == '\n' || c == '\r')
		keep_note(v, ret);
	else if (c == ESCAPE)
		drop_note(v);
	else if (c == DELETE || c == '\b')
		rub_out(v->note);
	else if (c >= ' ' && v->note->len < LONGEST)
		g_string_append_c(v->note, (char)c);
}

/* One key: true when it was the view's own, Stop or part of a note. */
static bool take_key(OperatorView *v, int c, RunAnswer *ret)
{
	if (v->note) {
		take_note_key(v, c, ret);
	} else if (c == 's') {
		v->stopping = ret->stop = true;
	} else if (c == 'n') {
		v->note = g_string_new(NULL);
	} else {
		return false;
	}
	return true;
}

/* Wait for a digit, or Enter for the first choice. */
static void ask(OperatorView *v, const RunStatus *s, RunAnswer *ret)
{
	int n = (int)g_strv_length((GStrv)(uintptr_t)s->choices);
	if (!v->interactive) {
		erase(v);
		fprintf(stderr, "%s\n", s->prompt);
		return;
	}
	while (!ret->stop) {
		draw(v, s);
		int c = key(v, -1);
		if (c == 0) {
			ret->stop = true;
			return;
		}
		if (take_key(v, c, ret))
			continue;
		int choice = c == '\n' || c == '\r' ? 0 : c - '1';
		if (choice >= 0 && choice < n) {
			ret->choice = choice;
			return;
		}
	}
}

/* ---- signals ------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t signalled;
static int wake_fd = -1; /* readable once a signal has come, to whichever thread */

static void on_signal(int signo)
{
	static const uint64_t one = 1;
	int before = errno;
	(void)signo;
	signalled = 1;
	run_request_stop();
	if (wake_fd >= 0 && write(wake_fd, &one, sizeof(one)) < 0)
		signalled = 1; /* it is readable already */
	errno = before;
}

void operator_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool operator_signalled(void)
{
	return signalled;
}

/* Standard input may have a character, or has ended; false: a signal came. */
static bool await_input(void)
{
	struct pollfd in[2] = {{STDIN_FILENO, POLLIN, 0}, {wake_fd, POLLIN, 0}};
	while (!signalled && (poll(in, 2, -1) < 0 || !in[0].revents))
		;
	return !signalled;
}

OperatorLine operator_read_line(char *ret_line, size_t size)
{
	size_t n = 0;
	for (char c = 0; c != '\n';) {
		if (!await_input())
			return OPERATOR_SIGNALLED;
		ssize_t got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (n + 1 < size)
			ret_line[n] = c;
		n += n + 1 < size;
	}
	ret_line[n] = 0;
	return n > 0 ? OPERATOR_LINE : OPERATOR_NO_MORE;
}

/* ---- for the command ---------------------------------------------------------------------------------- */

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
	erase(v);
	raw_off(v);
	drop_note(v);
	g_free(v->last_note);
	g_free(v->title);
	g_free(v);
}

void operator_view_progress(void *user, const RunStatus *s, RunAnswer *ret)
{
	OperatorView *v = user;
	if (s->prompt) {
		ask(v, s, ret);
	} else if (v->tty) {
		for (int c; (c = key(v, 0)) != 0;)
			take_key(v, c, ret);
		if (v->note && !strcmp(s->state, "Finishing"))
			keep_note(v, ret); /* the last chance: the session is sealed next */
		draw(v, s);
	} else if (strcmp(v->state, s->state)) {
		fprintf(stderr, "%s: %s%s%s\n", v->title, word(s->state), s->doing ? ": " : "",
			word(s->doing));
	}
	g_strlcpy(v->state, s->state, sizeof(v->state));
}

void operator_view_finish(OperatorView *v)
{
	erase(v);
	drop_note(v);
	v->notes = 0;
	v->stopping = false;
}

bool operator_view_ask_repeat(OperatorView *v)
{
	if (!v->interactive)
		return false;
	fputs(_("\nr repeat, any other key: done\n"), stderr);
	return key(v, -1) == 'r';
}
