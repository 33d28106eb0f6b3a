/* The operator's one screen in a terminal: state, time, prompt, Stop, note. Private to host/cli.
 *
 * On a terminal the view redraws a few lines in place and takes keys: s Stop, n note, digits for a prompt's choices.
 * Elsewhere it prints a line for each change of state. Standard error only; main thread. */
#ifndef ANZEN_CLI_OPERATOR_VIEW_H
#define ANZEN_CLI_OPERATOR_VIEW_H

#include "cli.h"

#include <anzen/run.h>

typedef struct OperatorView OperatorView;

/* SIGINT and SIGTERM are Stop from here on: the run ends in the safe state, is sealed and INVALID. */
void operator_catch_signals(void);
/* One of them came. */
bool operator_signalled(void);

typedef enum { OPERATOR_LINE, OPERATOR_NO_MORE, OPERATOR_SIGNALLED } OperatorLine;
/* One line of standard input, its end included; what does not fit into size is dropped. A signal ends the wait. */
OperatorLine operator_read_line(char *ret_line, size_t size);

/* interactive false: prompts are taken as done (no operator, `--yes`). */
OperatorView *operator_view_new(const CliContext *cli, const char *title, bool interactive);
/* RunConfig.progress with the view as user. */
void operator_view_progress(void *view, const RunStatus *status, RunAnswer *ret);
/* The run is over: the block leaves the screen, so that results can be printed. Before every result or error. */
void operator_view_finish(OperatorView *view);
/* After a run on a terminal: TRUE when the operator wants to repeat it. */
bool operator_view_ask_repeat(OperatorView *view);
/* Restores the terminal. Takes NULL. */
void operator_view_free(OperatorView *view);

#endif
