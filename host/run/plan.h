/* From a scenario's timeline and a product's positive control to what the executor plays. Private to run. */
#ifndef ANZEN_RUN_PLAN_H
#define ANZEN_RUN_PLAN_H

#include "executor.h"

#include <anzen/rig.h>
#include <anzen/scenario.h>

/* signals: name → Signal* (empty ones, for units): everything that the run will record. Roles that the rig does not have,
 * formulas that do not fit or cannot be watched online become diagnostics at their place in the scenario; then NULL. */
ExecutorPlan *plan_build(const Scenario *scenario, const Product *product, const RigSpec *spec,
			 const Rig *rig, GHashTable *signals, Diagnostics *diag);

/* The value of `set` in the unit that its role is driven in. */
bool plan_drive_value(const RigSpec *spec, const SetValue *set, double *ret, GError **error);

/* Target and permitted distance of a settle, in the unit of its signal. */
void plan_settle_band(const Settle *settle, const Unit *unit, double *ret_target,
		      double *ret_within);

#endif
