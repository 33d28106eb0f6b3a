/* Packs as commands find them: a folder of them, or one file. Private to host/cli. */
#ifndef ANZEN_CLI_PACKS_H
#define ANZEN_CLI_PACKS_H

#include <anzen/criterion.h>

/* Every pack in a folder (and below it), or the one file; files that are refused are left out and said in `diag`. Owned by the
 * caller. */
GPtrArray *cli_load_packs(const char *where, Diagnostics *diag);

/* A partner in another pack must be there too; a pack alone cannot know. */
void cli_check_partners(const GPtrArray *packs, Diagnostics *diag);

/* Every crosswalk in the folder crosswalks/ of a folder of packs; empty when there is none. Owned by the caller. */
GPtrArray *cli_load_crosswalks(const char *where, Diagnostics *diag);

/* The register risk/hazards.yaml of a folder of packs; NULL when there is none, or when it is refused (said in `diag`). */
Hazards *cli_load_hazards(const char *where, Diagnostics *diag);

#endif
