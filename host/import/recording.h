/* Private to import: what recording.c shares. */
#ifndef IMPORT_RECORDING_H
#define IMPORT_RECORDING_H

#include "map.h"

/* The recording also consists of this file; the same one twice counts once. */
void import_add_file(Intake *in, const char *path);
ImportReport *import_report_new(const Intake *in, const char *sha256, uint64_t size);
/* The mapping, its events and its judge specification, into a session that is not started. */
gboolean import_map_attach(const ImportMap *map, SessionWriter *writer, GError **error);

#endif
