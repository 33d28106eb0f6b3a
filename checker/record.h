/* A run record against its recording. Private to the checker and its tests. */
#ifndef ANZEN_CHECKER_RECORD_H
#define ANZEN_CHECKER_RECORD_H

#include "prove.h"
#include <json-glib/json-glib.h>

typedef struct Check {
	const Recording *rec;
	JudgeSpec *spec;
	GPtrArray *packs; /* YamlDoc* */
	FILE *out;        /* a line a criterion, and a line for everything wrong */
	unsigned wrong, open;
	bool adopted; /* tests: as if a lab had supplied what a pack still needs, with its stand-in numbers */
} Check;
/* run.json against the recording of the session with that hash (NULL: a record that names none). */
void check_record(Check *check, JsonObject *run, const char *session_sha256);

#endif
