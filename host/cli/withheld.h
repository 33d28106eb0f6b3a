/* What a redaction took away, for `session redact` and `session info`. Private to host/cli. */
#ifndef ANZEN_CLI_WITHHELD_H
#define ANZEN_CLI_WITHHELD_H

#include "cli.h"

#include <anzen/session.h>

/* list: SessionWithheld*; times are printed as of the timeline, which begins at start_ns. */
void withheld_json(JsonBuilder *b, const GPtrArray *list, int64_t start_ns);
void withheld_text(const GPtrArray *list, int64_t start_ns);

#endif
