/* The kinds of files that people write, for `anzen check` and the JSON Schemas. */
#ifndef ANZEN_CLI_KINDS_H
#define ANZEN_CLI_KINDS_H

#include <anzen/base.h>

typedef struct CliKind {
	const char *kind;  /* "scenario/1" */
	const char *title; /* of its schema */
	const Shape *(*shape)(void);
	/* Shape and everything deeper that needs no other file's content but what `doc` names; NULL: the shape is all.
	 * True when no error was added. */
	bool (*check)(const YamlDoc *doc, Diagnostics *diag);
} CliKind;

extern const CliKind cli_kinds[];
extern const size_t cli_n_kinds;

const CliKind *cli_kind_find(const char *kind); /* NULL when unknown */

#endif
