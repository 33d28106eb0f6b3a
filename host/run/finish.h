/* What stands at the end of a run and of a replay alike: judge the sealed file, write run.json and the reports. Private
 * to run. */
#ifndef ANZEN_RUN_FINISH_H
#define ANZEN_RUN_FINISH_H

#include <anzen/run.h>
#include <anzen/session.h>

/* Fills folder, report and record of `ret`. */
gboolean finish_folder(const char *folder, const char *session, const char *lang, RunOutcome *ret,
		       Diagnostics *diag, GError **error);

/* Packs (Pack*) that the session carries itself. Caller unrefs. */
GPtrArray *score_attached_packs(SessionReader *reader, Diagnostics *diag, GError **error);

#endif
