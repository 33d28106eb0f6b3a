/* Private to import: a mapping/1 as a table from fields to signals. */
#ifndef IMPORT_MAP_H
#define IMPORT_MAP_H

#include "intake.h"
#include "mapping.h"

struct ImportMap {
	Mapping *mapping;
	GHashTable *by_field; /* "/topic.path" → MappedSignal*, borrowed */
};

/* NULL with diagnostics: also for a mapping that is for tables. */
ImportMap *import_map_load(const char *path, Diagnostics *diag);
void import_map_free(ImportMap *map);
/* Every field that the mapping names must have been there: else diagnostics with its line. */
bool import_map_check_found(const ImportMap *map, const Intake *in, Diagnostics *diag);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportMap, import_map_free)

#endif
