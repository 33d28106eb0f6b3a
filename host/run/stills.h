/* Private to run. */
#ifndef ANZEN_RUN_STILLS_H
#define ANZEN_RUN_STILLS_H

#include <anzen/session.h>

/* ReportStill* in order of time; empty for a session without pictures. Caller unrefs. */
GPtrArray *stills_of_session(SessionReader *reader, const Recording *recording);

#endif
