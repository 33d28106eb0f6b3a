/* Claims as text and as JSON, the same for `claim` and `campaign run`. Private to host/cli. */
#ifndef ANZEN_CLI_CLAIMS_VIEW_H
#define ANZEN_CLI_CLAIMS_VIEW_H

#include "cli.h"

#include <anzen/model.h>

/* claims: ClaimResult*. */
void claims_print(const CliContext *cli, const GPtrArray *claims, Verdict verdict);
/* The member "claims" into an object that the caller has begun. */
void claims_json(JsonBuilder *builder, const GPtrArray *claims);

#endif
