/* Private to session: a read mapping/1. */
#ifndef SESSION_MAPPING_H
#define SESSION_MAPPING_H

#include "wire.h"

typedef struct MappedSignal {
	SignalInfo info;
	char *column;
	unsigned line; /* in the mapping file */
} MappedSignal;

typedef struct MappedEvent {
	int64_t at_ns;
	char *name;
} MappedEvent;

typedef struct Mapping {
	YamlDoc *doc;
	char *id;
	char delimiter;
	EvidenceClass evidence;
	char *time_column;
	double time_scale;                   /* seconds in one unit of the column */
	int64_t offset_ns, start_ns, end_ns; /* start, end: CLOCK_NEVER when the table's own */
	GPtrArray *signals;                  /* MappedSignal* */
	GPtrArray *events;                   /* MappedEvent* */
	JudgeSpec *judge;                    /* NULL: none */
} Mapping;

/* NULL with diagnostics. */
Mapping *mapping_load(const char *path, Diagnostics *diag);
void mapping_free(Mapping *mapping);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mapping, mapping_free)

#endif
