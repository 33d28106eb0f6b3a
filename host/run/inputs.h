/* Everything a run is made of, loaded and checked before anything is opened or moved. Private to run. */
#ifndef ANZEN_RUN_INPUTS_H
#define ANZEN_RUN_INPUTS_H

#include <anzen/criterion.h>
#include <anzen/perturb.h>
#include <anzen/rig.h>
#include <anzen/run.h>
#include <anzen/scenario.h>
#include <anzen/session.h>

typedef struct RunInputs {
	Scenario *scenario;
	Product *product;
	RigSpec *rig;
	GPtrArray *packs; /* Pack* */
	JudgeSpec *spec;
	PerturbChain *chain; /* NULL: nothing is perturbed */
	char *spared; /* "fog:0@camera.main": what the scenario could do and was told not to; or NULL */
	int64_t deadline_ns; /* how late anything may be given */
} RunInputs;

/* FALSE: diag says what is wrong, by file, line and column. */
gboolean run_inputs_load(RunInputs *inputs, const RunConfig *config, Diagnostics *diag);
void run_inputs_clear(RunInputs *inputs);

/* What the product's network leads to, as the session says it. */
const char *run_inputs_network(const Product *product);
/* Attach every file and write every fact about the run that is known before it starts. */
gboolean run_inputs_attach(const RunInputs *inputs, const RunConfig *config, const Rig *rig,
			   SessionWriter *writer, GError **error);

#endif
