/* Private to import: a read mapping/1. */
#ifndef IMPORT_MAPPING_H
#define IMPORT_MAPPING_H

#include <anzen/import.h>
#include <anzen/session.h>
#include <string.h>

typedef struct MappedSignal {
	SignalInfo info;
	char *column; /* of a table, or NULL */
	char *field;  /* of a recording: "/imu.linear_acceleration.x", or NULL */
	GPtrArray *
		where; /* char*: column, text, column, text, …: only rows in which these cells say so */
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
	bool headings;     /* the first row names the columns; else they are called 1, 2, 3, … */
	bool keep_others;  /* recordings: fields that are not named here are taken, too */
	char *time_column; /* NULL: no table's mapping */
	double time_scale; /* seconds in one unit of the column; 0: dates */
	int64_t zone_ns;   /* dates: what their clock is ahead of UTC */
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
