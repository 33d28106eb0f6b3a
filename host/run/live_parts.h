/* Between the files of a live run. Private to run. */
#ifndef ANZEN_RUN_LIVE_PARTS_H
#define ANZEN_RUN_LIVE_PARTS_H

#include "labels.h"
#include "live.h"

/* ---- live_ops.c: any thread ---- */

void live_event(void *live, const char *name, int64_t t_ns, const char *detail);
/* Recorded as proven unless the blame is unknown. */
void live_fault(void *live, int64_t t_ns, const char *source, const char *cause, Blame blame);
/* Takes what devices have answered. Executor's thread, or nobody else's while it does not run. */
void live_replies(Live *live);
void *live_executor_main(void *live); /* until the executor's end */
void live_ops_fill(Live *live);

/* ---- live_disturb.c: before the session starts ---- */

/* What the run's inputs ask for: live->disturb, and what the session says of it. */
gboolean live_open_disturb(Live *live, GError **error);
/* By how much at most the product is shown anything later than the bench has it, on purpose or not. */
int64_t live_late_ns(const Live *live);

/* ---- live_setup.c: the main thread ---- */

/* Show the operator where the run is, and ask. The number of the choice; -1: stop. */
int live_tell(Live *live, const char *state, const char *doing, const Title *prompt,
	      char **choices);
gboolean live_stopped(GError **error); /* FALSE, with the error that says so */
/* Let time pass: the main context works, or the simulated world does. */
void live_pass(Live *live, int64_t ns);
gboolean live_prompts(Live *live, const char *state, const char *doing, const Step *steps, size_t n,
		      GError **error);
/* Each axis that the scenario needs to its switch, and from there to where it waits. The node must be armed for it. */
gboolean live_home(Live *live, GError **error);
gboolean live_settle(Live *live, GError **error);
gboolean live_preflight(Live *live, GError **error);

#endif
