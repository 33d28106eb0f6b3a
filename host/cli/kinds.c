#include "kinds.h"

#include "kind_checks.h"

#include <anzen/campaign.h>
#include <anzen/device.h>
#include <anzen/import.h>
#include <anzen/metrology.h>
#include <anzen/rig.h>
#include <anzen/criterion.h>
#include <anzen/scenario.h>
#include <anzen/session.h>
#include <anzen/world.h>

#include <string.h>

const CliKind cli_kinds[] = {
#define CLI_KIND(kind, title, shape, check) {kind, title, shape, check},
#include "kinds.def"
#undef CLI_KIND
	{NULL, NULL, NULL, NULL},
};
const size_t cli_n_kinds = G_N_ELEMENTS(cli_kinds) - 1;

const CliKind *cli_kind_find(const char *kind)
{
	for (size_t i = 0; i < cli_n_kinds; i++)
		if (!strcmp(cli_kinds[i].kind, kind))
			return &cli_kinds[i];
	return NULL;
}
