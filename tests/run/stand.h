/* A stand for whole runs of the built program: a work folder with runs/ and a temporary folder of its own, optionally a world
 * that outlives the bench (so that it can be asked what is physically so after the bench has ended or was killed), and the
 * rig file of the virtual rig with other links. The test program must be child subreaper: then everything that a run leaves
 * behind is its child. */
#ifndef ANZEN_TESTS_RUN_STAND_H
#define ANZEN_TESTS_RUN_STAND_H

#include <anzen/session.h>
#include <gio/gio.h>

typedef struct Stand {
	char *work, *temporary, *runs;
	char *rig;  /* what the bench is given */
	char *line; /* what the world said; NULL: the bench starts its own */
	GSubprocess *world;
	GDataInputStream *answers;
} Stand;

typedef struct StandLink {
	const char *device, *uri; /* uri NULL: what the world says */
} StandLink;

/* world "kitchen": start rigs/worlds/kitchen.yaml; NULL: none. False: it has been told. */
bool stand_open(Stand *stand, const char *world);
void stand_close(Stand *stand);
/* rigs/NAME.yaml with the links of these devices instead of `world:…`, `virtual: true` instead of the world's line, and
 * nothing else changed (which is asserted); stand->rig is its path. */
void stand_write_rig(Stand *stand, const char *name, const char *world, const StandLink *links,
		     size_t n_links);
/* What is physically so in the world, NaN when it does not say. */
double stand_truth(Stand *stand, const char *what);
/* Ask until the truth is above (or, for a limit below 0, not above) the limit; false: not within `for_ns`. */
bool stand_await_truth(Stand *stand, const char *what, double above, int64_t for_ns);

/* argv, NULL-terminated, with this stand's TMPDIR and environment pairs (NULL: none more); standard output goes to work/log,
 * standard error is a pipe when wanted. */
GSubprocess *stand_start(const Stand *stand, const char *const *argv, const char *const *env,
			 bool error_pipe);

/* Children of this process beside the world that still run; the last one's pid. Reaps the others. */
unsigned stand_left_running(const Stand *stand, pid_t *ret_pid);
/* The positive control of it: something that is left behind is seen. */
void stand_expect_an_orphan_to_be_seen(const Stand *stand);
void stand_expect_nothing_left(const Stand *stand);

typedef struct StandResult {
	int exit; /* -1: it did not end by itself */
	double took_s;
	RunRecord *record;
	Recording *recording;
} StandResult;

/* The only folder in runs/; NULL: there is none. Caller frees. */
char *stand_run_folder(const Stand *stand);
/* run.json and session.mcap of that folder; asserts that both can be read. */
void stand_read_run(const Stand *stand, StandResult *r);
void stand_result_clear(StandResult *r);

#endif
