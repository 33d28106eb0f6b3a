/* A run's result as JSON and as a table, the same for run, replay, score and demo. Private to host/cli. */
#ifndef ANZEN_CLI_RESULT_H
#define ANZEN_CLI_RESULT_H

#include "cli.h"

#include <anzen/model.h>

/* The members of commands.md ("run, verdict, criteria, evidence") into an object that the caller has begun. */
void result_json(JsonBuilder *builder, const RunRecord *record);

/* Two lines on standard output, only of a run whose product was given perturbed input. */
void result_print_perturbed(const CliContext *cli, const RunRecord *record);

#endif
