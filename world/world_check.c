#include "world_file.h"

#include <anzen/world.h>

bool world_file_check(const YamlDoc *doc, Diagnostics *diag)
{
	size_t length, before = diagnostics_errors(diag);
	g_autoptr(WorldFile) file = world_file_parse(yaml_bytes(doc, &length), yaml_file(doc), 0, diag);
	return file != NULL && diagnostics_errors(diag) == before;
}
